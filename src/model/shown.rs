//! Texts from the network or a file, made fit to be shown: nothing in them can act.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A text so that nothing in it can act: control characters become their pictures, and characters that are not seen
/// or that turn the line around become their numbers.
pub fn show_text(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\0'..='\u{1f}' => shown.extend(char::from_u32(0x2400 + u32::from(c))),
            '\u{7f}' => shown.push('\u{2421}'),
            c if is_hidden(c) => {
                // Writing to a `String` cannot fail.
                write!(shown, "[U+{:04X}]", u32::from(c)).ok();
            }
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// Control characters, marks of direction, line separators, and characters without width.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// JSON as it was written, so that nothing in it can act: what is not seen, or turns the line around, is written by its
/// number. Nothing is lost: a reader of JSON gets the same text. Line ends are the layout's, for in a text they are
/// escaped already.
pub fn escape_in_json(json: &str) -> Cow<'_, str> {
    let is_escaped = |c| is_hidden(c) && c != '\n';
    if !json.chars().any(is_escaped) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_escaped(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a `String` cannot fail.
                write!(escaped, "\\u{unit:04x}").ok();
            }
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_numbers_in_json() {
        assert_eq!(
            escape_in_json("{\n  \"a\": \"grün\"\n}"),
            "{\n  \"a\": \"grün\"\n}"
        );
        assert_eq!(
            escape_in_json("\"\u{7f}\u{202e}b\u{e0041}\""),
            "\"\\u007f\\u202eb\\udb40\\udc41\""
        );
    }

    #[test]
    fn hostile_text_cannot_act() {
        assert_eq!(show_text("fra2-b-r01"), "fra2-b-r01");
        assert_eq!(show_text("a\0b\r\n\u{1b}[2J"), "a␀b␍␊␛[2J");
        assert_eq!(show_text("abc\u{202e}fed"), "abc[U+202E]fed");
        assert_eq!(show_text("zero\u{200b}width"), "zero[U+200B]width");
        assert_eq!(show_text("\u{7f}\u{85}"), "␡[U+0085]");
    }
}
