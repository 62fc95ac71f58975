//! Reading what `netsh` shows of a rule: whether it names a program. The labels are in the language of Windows, and
//! the bytes in a code page that nobody tells, so only the ASCII parts of the path are compared.

use std::collections::BTreeSet;

/// The most bytes that one character of a path takes in any code page or in UTF-8.
const MAX_CHAR_BYTES: usize = 4;

/// Whether a line of the answer ends with this path. Windows does not tell upper from lower case in paths.
pub(super) fn names_program(output: &[u8], path: &str) -> bool {
    output
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .any(|line| ends_with(line.trim_ascii(), path))
}

/// Whether the line is a label and then the path, or the path alone. Goes through the path once with every place of the
/// line that it may have got to, so that no line takes long.
fn ends_with(line: &[u8], path: &str) -> bool {
    let begins_anew = |at: &usize| match at.checked_sub(1).and_then(|before| line.get(before)) {
        None => true,
        Some(before) => before.is_ascii_whitespace() || *before == b':',
    };
    let mut places: BTreeSet<usize> = (0..line.len()).filter(begins_anew).collect();
    for wanted in path.chars() {
        places = places
            .into_iter()
            .flat_map(|at| {
                let is_there = !wanted.is_ascii()
                    || line
                        .get(at)
                        .is_some_and(|byte| char::from(*byte).eq_ignore_ascii_case(&wanted));
                let most = match (is_there, wanted.is_ascii()) {
                    (false, _) => 0,
                    (true, true) => 1,
                    (true, false) => MAX_CHAR_BYTES,
                };
                at + 1..=at + most
            })
            .filter(|at| *at <= line.len())
            .collect();
        if places.is_empty() {
            return false;
        }
    }
    places.contains(&line.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &str = r"C:\Program Files\Rollcall\rollcall.exe";

    fn shown(path: &str) -> Vec<u8> {
        let text = format!(
            "\r\nRule Name:                            Rollcall (TCP 3502)\r\n\
             ----------------------------------------------------------------------\r\n\
             Enabled:                              Yes\r\n\
             Program:                              {path}\r\n\
             Edge traversal:                       No\r\nOk.\r\n\r\n"
        );
        text.into_bytes()
    }

    #[test]
    fn a_rule_for_this_program_is_told_from_one_for_another() {
        assert!(names_program(&shown(PROGRAM), PROGRAM));
        assert!(names_program(&shown(&PROGRAM.to_uppercase()), PROGRAM));
        for other in [
            r"C:\Program Files\Rollcall\rollcall-cli.exe",
            r"D:\Program Files\Rollcall\rollcall.exe",
            r"X\C:\Program Files\Rollcall\rollcall.exe",
            r"C:\Program Files\Rollcall\rollcall.exe.old",
            "Any",
            "",
        ] {
            assert!(!names_program(&shown(other), PROGRAM), "{other:?}");
        }
    }

    #[test]
    fn the_label_may_be_in_any_language() {
        let german =
            "Programm:                             C:\\Program Files\\Rollcall\\rollcall.exe";
        assert!(names_program(german.as_bytes(), PROGRAM));
        let japanese = [
            b"\x83v\x83\x8d\x83O\x83\x89\x83\x80:  ".as_slice(),
            PROGRAM.as_bytes(),
        ];
        assert!(names_program(&japanese.concat(), PROGRAM));
    }

    #[test]
    fn letters_outside_ascii_are_taken_in_any_code_page() {
        let path = "C:\\Jürgen\\サイト\\rollcall.exe";
        let code_page_850 = b"Programm: C:\\J\x81rgen\\???\\rollcall.exe";
        let utf_8 = format!("Program: {path}");
        let shift_jis = b"Program: C:\\J?rgen\\\x83T\x83C\x83g\\rollcall.exe";
        assert!(names_program(code_page_850, path));
        assert!(names_program(utf_8.as_bytes(), path));
        assert!(names_program(shift_jis, path));
        assert!(!names_program(
            b"Program: C:\\Jrgen\\???\\rollcall.exe",
            path
        ));
        assert!(!names_program(
            b"Program: C:\\J\x81rgen\\???\\other.exe",
            path
        ));
    }

    #[test]
    fn foreign_bytes_are_read_without_harm() {
        let long = vec![b'\\'; 100_000];
        assert!(!names_program(&long, PROGRAM));
        let foreign = "C:\\üü\\üü\\üü\\üü.exe";
        assert!(!names_program(&[0xff; 5_000], foreign));
        assert!(!names_program(b"", PROGRAM));
    }
}
