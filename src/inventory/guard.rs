//! The defusing of cells that a spreadsheet would run as a formula (rules, "Files"; traps T20).

/// What is put before a dangerous cell: a spreadsheet then takes it for text.
const GUARD: char = '\'';

/// The header of the column that says that a row was defused.
pub(super) const DEFUSED_HEADER: &str = "defused";

/// What the column says on every line.
pub(super) const DEFUSED_YES: &str = "yes";

/// Whether a spreadsheet may run a cell as a formula. The guard itself counts too, so that taking it off is exact.
pub(super) const fn needs_guard(cell: &[u8]) -> bool {
    matches!(
        cell.first(),
        Some(b'=' | b'+' | b'-' | b'@' | b'\'' | b'\t' | b'\r' | b'\n')
    )
}

/// Puts the guarded form of a cell into `scratch` and gives it back, or the cell itself when it is harmless.
pub(super) fn guard<'a>(cell: &'a [u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
    if !needs_guard(cell) {
        return cell;
    }
    scratch.clear();
    scratch.push(GUARD as u8);
    scratch.extend_from_slice(cell);
    scratch
}

/// Takes the guard off a cell of a row that says that it was defused. A quotation mark that guards nothing was
/// typed by a person and stays.
pub(super) fn unguard(cell: &str) -> &str {
    match cell.strip_prefix(GUARD) {
        Some(rest) if needs_guard(rest.as_bytes()) => rest,
        _ => cell,
    }
}

/// Whether a cell of the `defused` column says yes.
pub(super) fn says_yes(cell: &str) -> bool {
    cell.trim().eq_ignore_ascii_case(DEFUSED_YES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_guarded_comes_back_and_what_is_not_stays() {
        let mut scratch = Vec::new();
        for text in [
            "=1+1", "+1", "-1", "@SUM(A1)", "'quoted", "''", "\tx", "\rx", "\nx", "'",
        ] {
            let guarded = guard(text.as_bytes(), &mut scratch).to_vec();
            assert_eq!(guarded[0], b'\'', "{text:?} is dangerous");
            let guarded = String::from_utf8(guarded).expect("a quotation mark keeps it UTF-8");
            assert_eq!(unguard(&guarded), text);
        }
        for text in ["", "acs8048", " =1", "1-2", "ü"] {
            assert_eq!(guard(text.as_bytes(), &mut scratch), text.as_bytes());
            assert_eq!(unguard(text), text);
        }
        assert_eq!(unguard("'tis"), "'tis", "nobody guarded this cell");
    }
}
