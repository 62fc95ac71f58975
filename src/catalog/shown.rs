//! Texts that units say, made fit to stand in a sentence: in quotes, cut, and with nothing in them that could act.

use crate::model::shown::show_text;
use crate::model::sighting::cut_text;

/// The text in quotes, cut at the model's limit, as [`show_text`] shows it.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", show_text(&cut_text(text)))
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
