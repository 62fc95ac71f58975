//! Finds the tags in a page, with their attributes and, where it is needed, the text up to their end. Takes whatever it
//! is given, in time that grows with its length.

/// A tag longer than this is not one.
const TAG_BYTES: usize = 2048;

/// How many tags are looked at: title and icon are among the first.
const TAGS: usize = 4096;

/// A title longer than this is cut.
const TEXT_BYTES: usize = 4096;

/// How many attributes of a tag are looked at.
const ATTRIBUTES: usize = 32;

/// Tags whose content is text and holds no tags. What is for browsers without scripts is not looked at.
const WITH_TEXT: [&str; 7] = [
    "title", "script", "style", "textarea", "noscript", "xmp", "iframe",
];

/// A tag that opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// Its name in lower case.
    pub(super) name: String,
    /// What stands up to the end of its element, for the few whose content is text.
    pub(super) text: &'a str,
    attributes: &'a str,
}

impl Tag<'_> {
    /// The value of an attribute, given in lower case.
    pub(super) fn attribute(&self, wanted: &str) -> Option<String> {
        let mut rest = self.attributes;
        for _ in 0..ATTRIBUTES {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
            let name_end = rest
                .find(|c: char| c.is_whitespace() || matches!(c, '=' | '/'))
                .unwrap_or(rest.len());
            let (name, after) = rest.split_at(name_end);
            let after = after.trim_start();
            let (value, next) = match after.strip_prefix('=') {
                Some(after) => value_of(after.trim_start()),
                None if name.is_empty() => return None,
                None => ("", after),
            };
            if name.eq_ignore_ascii_case(wanted) {
                return Some(decoded(value));
            }
            rest = next;
        }
        None
    }
}

/// A value in quotes or without, and what comes after it.
fn value_of(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.split_once(quote).unwrap_or((inner, ""));
        }
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    text.split_at(end)
}

/// The tags of a page, in order.
pub(super) struct Tags<'a> {
    rest: &'a str,
    left: usize,
}

impl<'a> Tags<'a> {
    /// Of this page.
    pub(super) const fn of(text: &'a str) -> Self {
        Self {
            rest: text,
            left: TAGS,
        }
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        loop {
            self.left = self.left.checked_sub(1)?;
            let at = self.rest.find('<')?;
            let after = &self.rest[at + 1..];
            if let Some(comment) = after.strip_prefix("!--") {
                // One that does not end takes the rest, as in a browser.
                self.rest = comment.split_once("-->").map_or("", |(_, rest)| rest);
                continue;
            }
            self.rest = after;
            let name_end = after
                .find(|c: char| !c.is_ascii_alphanumeric())
                .unwrap_or(after.len());
            if name_end == 0 || name_end > TAG_BYTES {
                continue;
            }
            let (name, inside) = after.split_at(name_end);
            let Some(end) = end_of_tag(inside) else {
                continue;
            };
            let name = name.to_ascii_lowercase();
            self.rest = &inside[end + 1..];
            let mut text = "";
            if WITH_TEXT.contains(&name.as_str()) {
                let end = end_of_element(self.rest, &name);
                text = cut(&self.rest[..end], TEXT_BYTES);
                self.rest = &self.rest[end..];
            }
            return Some(Tag {
                name,
                text,
                attributes: &inside[..end],
            });
        }
    }
}

/// Where the `>` of a tag stands: outside of quotes, or anywhere when a quote is not closed.
fn end_of_tag(inside: &str) -> Option<usize> {
    let inside = cut(inside, TAG_BYTES);
    let mut quote = None;
    for (at, byte) in inside.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    inside.find('>')
}

/// Where `</name` stands, or the end of the page.
fn end_of_element(text: &str, name: &str) -> usize {
    let mut from = 0;
    while let Some(at) = text[from..].find("</") {
        let at = from + at;
        let found = text.as_bytes().get(at + 2..at + 2 + name.len());
        if found.is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes())) {
            return at;
        }
        from = at + 2;
    }
    text.len()
}

/// The first bytes of a text, at most so many, up to a whole character.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// The text with its common entities replaced; others stay as they are.
pub(super) fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let name = rest
            .as_bytes()
            .iter()
            .take(16)
            .position(|byte| *byte == b';');
        match name.and_then(|end| Some((entity(&rest[..end])?, end))) {
            Some((c, end)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => out.push('&'),
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let (digits, radix) = match number.strip_prefix(['x', 'X']) {
            Some(hex) => (hex, 16),
            None => (number, 10),
        };
        let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        // What is no character becomes the one that says so.
        let c = u32::from_str_radix(digits, radix).ok().filter(|c| *c != 0);
        let c = c.and_then(char::from_u32);
        return is_number.then(|| c.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "copy" => '©',
        "reg" => '®',
        "trade" => '™',
        "ndash" => '–',
        "mdash" => '—',
        "middot" => '·',
        "bull" => '•',
        "hellip" => '…',
        "raquo" => '»',
        "laquo" => '«',
        _ => return None,
    })
}
