//! Texts that units say, made fit to stand in a sentence: in quotes, cut, and with nothing in them that could act.

use std::fmt::Write as _;

use crate::model::sighting::cut_text;

/// The text in quotes, cut at the model's limit. Control characters become their pictures; characters that are not
/// seen or that turn the line around become their numbers.
pub(super) fn quoted(text: &str) -> String {
    let text = cut_text(text);
    let mut shown = String::with_capacity(text.len() + 2);
    shown.push('"');
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
    shown.push('"');
    shown
}

/// Control characters, marks of direction, line separators, and characters without width.
fn is_hidden(c: char) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_acts_is_left() {
        assert_eq!(quoted("a\u{1b}[31m\n"), "\"a\u{241b}[31m\u{240a}\"");
        assert_eq!(quoted("\u{202e}x\u{200b}"), "\"[U+202E]x[U+200B]\"");
        assert!(quoted(&"x".repeat(10_000)).chars().count() < 300);
    }
}
