//! What a page says of itself: its title, its icon, and where it sends on. Not a browser: tags are looked for, and
//! nothing is executed.

use encoding_rs::{Encoding, WINDOWS_1252};

use super::tags::{Tag, Tags, decoded};

/// A page that sends on later than this is meant to be read first.
const REFRESH_SECS: f32 = 10.0;

/// What was read out of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// The title in one line.
    pub(super) title: Option<String>,
    /// Where it sends on by itself.
    pub(super) refresh: Option<String>,
    /// Where its icon is.
    pub(super) icon: Option<String>,
}

impl Page {
    /// Reads as much of a page as there is. `content_type` is the header of that name.
    pub(super) fn read(body: &[u8], content_type: &str) -> Self {
        let text = text_of(body, content_type);
        let mut page = Self::default();
        for tag in Tags::of(&text) {
            match tag.name.as_str() {
                "title" if page.title.is_none() => page.title = title(&tag),
                "meta" if page.refresh.is_none() => page.refresh = refresh(&tag),
                "link" if page.icon.is_none() => page.icon = icon(&tag),
                _ => {}
            }
        }
        page
    }
}

/// Whether it looks like a page at all.
pub(super) fn is_html(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let begins_so = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let known = [
        "html", "!doctype", "head", "title", "body", "meta", "script",
    ];
    begins_so.starts_with('<')
        && (Tags::of(&text).any(|tag| known.contains(&tag.name.as_str()))
            || text.to_ascii_lowercase().contains("<!doctype html"))
}

/// UTF-8 wherever it can be, then what the page claims, then what old pages are in.
fn text_of(body: &[u8], content_type: &str) -> String {
    if let Some((encoding, _len)) = Encoding::for_bom(body) {
        return encoding.decode(body).0.into_owned();
    }
    match std::str::from_utf8(body) {
        Ok(text) => return text.to_owned(),
        // Only the last character was cut off.
        Err(error) if error.error_len().is_none() => {
            return String::from_utf8_lossy(&body[..error.valid_up_to()]).into_owned();
        }
        Err(_) => {}
    }
    let head = String::from_utf8_lossy(&body[..body.len().min(1024)]);
    let claimed = charset_in(content_type).or_else(|| charset_in(&head));
    let encoding = claimed.unwrap_or(WINDOWS_1252);
    encoding.decode_without_bom_handling(body).0.into_owned()
}

fn charset_in(text: &str) -> Option<&'static Encoding> {
    let lower = text.to_ascii_lowercase();
    let (_before, after) = lower.split_once("charset=")?;
    let after = after.trim_start_matches(['"', '\'', ' ']);
    let end = after
        .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | ':' | '.'))
        .unwrap_or(after.len());
    Encoding::for_label(&after.as_bytes()[..end])
}

fn title(tag: &Tag<'_>) -> Option<String> {
    let words: Vec<String> = decoded(tag.text)
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// `<meta http-equiv="refresh" content="0; url=/login">`.
fn refresh(tag: &Tag<'_>) -> Option<String> {
    let is_refresh = tag
        .attribute("http-equiv")
        .is_some_and(|value| value.trim().eq_ignore_ascii_case("refresh"));
    let content = tag.attribute("content").filter(|_| is_refresh)?;
    let (secs, rest) = content.split_once([';', ','])?;
    let secs: f32 = secs.trim().parse().ok()?;
    let rest = rest.trim();
    let url = match rest.get(..3) {
        Some(word) if word.eq_ignore_ascii_case("url") => {
            let after = rest[3..].trim_start();
            after.strip_prefix('=')?
        }
        _ => rest,
    };
    let url = url.trim().trim_matches(['"', '\'']).trim();
    (secs <= REFRESH_SECS && !url.is_empty()).then(|| url.to_owned())
}

/// `<link rel="shortcut icon" href="/icon.ico">`.
fn icon(tag: &Tag<'_>) -> Option<String> {
    let is_icon = tag
        .attribute("rel")?
        .split_whitespace()
        .any(|word| word.eq_ignore_ascii_case("icon"));
    tag.attribute("href").filter(|_| is_icon)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_title(body: &[u8], content_type: &str, expected: Option<&str>) {
        let page = Page::read(body, content_type);
        let shown = String::from_utf8_lossy(body);
        assert_eq!(page.title.as_deref(), expected, "{shown}");
        for cut in 0..body.len() {
            Page::read(&body[..cut], content_type);
        }
    }

    #[test]
    fn titles_are_read_from_pages_good_and_bad() {
        for (body, expected) in [
            (
                "<title>Avocent AutoView 3100</title>",
                Some("Avocent AutoView 3100"),
            ),
            ("<HTML><HEAD><TITLE>\n  A\t B \n</TITLE>", Some("A B")),
            ("<title lang='a>b'>x</title>", Some("x")),
            ("<!-- <title>no</title> --><title>yes</title>", Some("yes")),
            (
                "<script>'<title>no</title>'</script><title>yes</title>",
                Some("yes"),
            ),
            ("<title>not closed", Some("not closed")),
            ("<title></title><title>second</title>", Some("second")),
            ("<titles>no</titles>", None),
            ("< title>no</title>", None),
            (
                "<title>R&amp;D &lt;1&gt; &#65;&#x42; &copy; &nope; &</title>",
                Some("R&D <1> AB © &nope; &"),
            ),
            (
                "<title>&#0;&#xD800;&#99999999999;</title>",
                Some("\u{fffd}\u{fffd}\u{fffd}"),
            ),
            (
                "<title>a\u{202e}b\u{1b}[2J</title>",
                Some("a\u{202e}b\u{1b}[2J"),
            ),
            ("plain text", None),
            ("<title", None),
            ("", None),
        ] {
            check_title(body.as_bytes(), "text/html", expected);
        }
    }

    #[test]
    fn titles_are_decoded() {
        let latin: &[u8] = b"<title>Ger\xe4t \x96 1</title>";
        check_title(latin, "text/html", Some("Gerät – 1"));
        check_title(latin, "text/html; charset=iso-8859-1", Some("Gerät – 1"));
        let with_meta: &[u8] = b"<meta charset='shift_jis'><title>\x83\x65</title>";
        check_title(with_meta, "text/html", Some("テ"));
        let utf8 = "<title>Gerät</title>";
        check_title(
            utf8.as_bytes(),
            "text/html; charset=iso-8859-1",
            Some("Gerät"),
        );
        let mut utf16 = vec![0xff, 0xfe];
        utf16.extend("<title>x</title>".encode_utf16().flat_map(u16::to_le_bytes));
        let page = Page::read(&utf16, "");
        assert_eq!(page.title.as_deref(), Some("x"));
    }

    #[test]
    fn a_page_that_sends_on_is_understood() {
        for (body, expected) in [
            (
                "<meta http-equiv=refresh content='0; url=/login'>",
                Some("/login"),
            ),
            (
                "<META HTTP-EQUIV=\"Refresh\" CONTENT=\"0;URL='a.htm'\"/>",
                Some("a.htm"),
            ),
            (
                "<meta content=\"1, url = b\" http-equiv=refresh>",
                Some("b"),
            ),
            (
                "<meta http-equiv=refresh content='0; /c?a=1&amp;b=2'>",
                Some("/c?a=1&b=2"),
            ),
            ("<meta http-equiv=refresh content='300; url=/'>", None),
            ("<meta http-equiv=refresh content='30'>", None),
            ("<meta name=refresh content='0; url=/x'>", None),
            (
                "<noscript><meta http-equiv=refresh content='0; url=/no'></noscript>",
                None,
            ),
        ] {
            let page = Page::read(body.as_bytes(), "");
            assert_eq!(page.refresh.as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn an_icon_is_found() {
        for (body, expected) in [
            ("<link rel=\"shortcut icon\" href=/i.ico>", Some("/i.ico")),
            ("<link href='a.png' type=image/png rel=Icon>", Some("a.png")),
            ("<link rel=stylesheet href=a.css>", None),
            ("<link rel=apple-touch-icon href=a.png>", None),
        ] {
            let page = Page::read(body.as_bytes(), "");
            assert_eq!(page.icon.as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn what_is_a_page_and_what_is_not() {
        for body in [
            "<html>",
            "\u{feff}\r\n <!DOCTYPE HTML>",
            "<head><title>x",
            "<SCRIPT>go()</SCRIPT>",
        ] {
            assert!(is_html(body.as_bytes()), "{body}");
        }
        for body in ["SSH-2.0-x\r\n", "", "\u{1}\u{2}<html>", "<<<<", "<xml/>"] {
            assert!(!is_html(body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn the_worst_page_is_read_in_no_time() {
        for piece in [
            "<a \"", "<", "<title", "<!--", "<script>", "&", "<meta a=", "<a b='>",
        ] {
            let body = piece.repeat(65_536 / piece.len());
            Page::read(body.as_bytes(), "");
            is_html(body.as_bytes());
        }
    }
}
