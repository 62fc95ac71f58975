//! What is said about a file's rows: every bad one, within a bound.

use crate::model::edit::RefusedRow;

/// How many lines a list of the report holds; what is over is counted.
pub const MAX_REPORTED: usize = 10_000;

/// How many characters of a value are repeated in the report.
const VALUE_CHARS: usize = 80;

/// Why a row cannot be taken, or what to say about it.
#[derive(Debug)]
pub(super) struct Fault {
    /// The column, by our name for it.
    pub(super) column: &'static str,
    /// The value, cut and without control characters.
    pub(super) value: String,
    /// Why.
    pub(super) why: String,
}

impl Fault {
    pub(super) fn new(column: &'static str, value: &str, why: impl Into<String>) -> Self {
        Self {
            column,
            value: shown(value),
            why: why.into(),
        }
    }
}

/// A list of lines of the report.
#[derive(Debug, Default)]
pub(super) struct Lines {
    rows: Vec<RefusedRow>,
    more: u64,
    first_left_out: u64,
}

impl Lines {
    pub(super) fn push(&mut self, line: u64, fault: Fault) {
        if self.rows.len() >= MAX_REPORTED {
            if self.more == 0 {
                self.first_left_out = line;
            }
            self.more += 1;
            return;
        }
        self.rows.push(RefusedRow {
            line,
            column: fault.column,
            value: fault.value,
            why: fault.why,
        });
    }

    /// The lines, the last one saying how many more there were.
    pub(super) fn finish(mut self) -> Vec<RefusedRow> {
        if self.more > 0 {
            self.rows.push(RefusedRow {
                line: self.first_left_out,
                column: "row",
                value: String::new(),
                why: format!("{} more from here on are not listed", self.more),
            });
        }
        self.rows
    }
}

/// A value as the report repeats it: cut, and with control and invisible characters spelled out, since the report
/// is also printed in terminals.
pub(super) fn shown(value: &str) -> String {
    let mut text = String::new();
    for (idx, c) in value.chars().enumerate() {
        if idx == VALUE_CHARS {
            text.push('…');
            break;
        }
        if c.is_control() || super::is_invisible(c) {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_the_bound_is_counted() {
        let mut lines = Lines::default();
        for line in 2..(MAX_REPORTED as u64 + 9) {
            lines.push(line, Fault::new("mac", "x", "is no MAC"));
        }
        let rows = lines.finish();
        assert_eq!(rows.len(), MAX_REPORTED + 1);
        let last = rows.last().expect("there are rows");
        assert_eq!(last.line, MAX_REPORTED as u64 + 2);
        assert!(last.why.starts_with("7 more"), "{}", last.why);
    }

    #[test]
    fn a_value_cannot_play_tricks_on_its_reader() {
        assert_eq!(shown("\u{1b}[2J\u{202e}x"), "\\u{1b}[2J\\u{202e}x");
        assert_eq!(shown(&"y".repeat(500)).chars().count(), VALUE_CHARS + 1);
    }
}
