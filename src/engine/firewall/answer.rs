//! Reading what `netsh` shows of a rule: whether it names a program, and whether it blocks. The labels are in the
//! language of Windows, and the bytes in a code page that nobody tells, so only the ASCII parts of the path are
//! compared, and whole lines with lines of a rule whose meaning is known.

use std::collections::BTreeSet;

/// The most bytes that one character of a path takes in any code page or in UTF-8.
const MAX_CHAR_BYTES: usize = 4;

/// Whether a line of the answer ends with this path. Windows does not tell upper from lower case in paths.
pub(super) fn names_program(output: &[u8], path: &str) -> bool {
    output
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .any(|line| ends_with(line.trim_ascii(), path))
}

/// Whether one of all these rules names the program, is switched on and does not allow.
///
/// The words for this are taken from our own rules, which are switched on and allow: the first line of a rule says
/// whether it is on, the last one with a label what it does. A rule of the program that is on as ours but nowhere says
/// that it allows is one that blocks. Without our own rules, or when they differ, nothing is known, and so it is no.
pub(super) fn blocks_program(output: &[u8], path: &str, own_names: &[&str]) -> bool {
    let rules: Vec<Listed<'_>> = listed(output)
        .into_iter()
        .filter(|rule| rule.lines.iter().any(|line| ends_with(line, path)))
        .collect();
    let mut words = rules
        .iter()
        .filter(|rule| own_names.iter().any(|name| ends_with(rule.name, name)))
        .map(Listed::words);
    let Some(Some((is_on, allows))) = words.next() else {
        return false;
    };
    words.all(|other| other == Some((is_on, allows)))
        && rules
            .iter()
            .any(|rule| rule.lines.contains(&is_on) && !rule.lines.contains(&allows))
}

/// A rule as it is listed.
struct Listed<'a> {
    /// The line above the dashes.
    name: &'a [u8],
    /// The lines below them, without those that are empty.
    lines: Vec<&'a [u8]>,
}

impl<'a> Listed<'a> {
    /// The line that says whether it is on, and the one that says what it does. Below the last rule stands a word
    /// without a label that says that all went well.
    fn words(&self) -> Option<(&'a [u8], &'a [u8])> {
        let mut labeled = self.lines.iter().filter(|line| line.contains(&b':'));
        let is_on = labeled.next()?;
        let action = labeled.next_back()?;
        Some((is_on, action))
    }
}

/// The rules, each of which begins with its name and a line of dashes.
fn listed(output: &[u8]) -> Vec<Listed<'_>> {
    let lines: Vec<&[u8]> = output
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty())
        .collect();
    let is_ruler = |line: &[u8]| line.len() >= 10 && line.iter().all(|byte| *byte == b'-');
    let mut rules: Vec<Listed<'_>> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if is_ruler(line) {
            let name = at
                .checked_sub(1)
                .map_or(b"".as_slice(), |above| lines[above]);
            // What stood there was the name of this one and no line of the rule before.
            if let Some(before) = rules.last_mut() {
                before.lines.pop();
            }
            let lines = Vec::new();
            rules.push(Listed { name, lines });
        } else if let Some(rule) = rules.last_mut() {
            rule.lines.push(line);
        }
    }
    rules
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

    const OWN: [&str; 2] = ["Rollcall (UDP 3502, 3211)", "Rollcall (TCP 3502)"];

    /// A rule as Windows lists it in German, where it is on or off, and allows or blocks.
    fn rule(name: &str, path: &str, is_on: &str, action: &str) -> String {
        format!(
            "Regelname:                            {name}\r\n\
             ----------------------------------------------------------------------\r\n\
             Aktiviert:                            {is_on}\r\n\
             Richtung:                             Eingehend\r\n\
             Profile:                              Domäne,Privat,Öffentlich\r\n\
             Gruppierung:                          \r\n\
             Protokoll:                            UDP\r\n\
             Edgeausnahme:                         Nein\r\n\
             Programm:                             {path}\r\n\
             Schnittstellentypen:                  Beliebig\r\n\
             Sicherheit:                           Nicht erforderlich\r\n\
             Regelquelle:                          Lokale Einstellung\r\n\
             Aktion:                               {action}\r\n"
        )
    }

    /// The list: ours, one of another program that blocks, and these.
    fn list(others: &[String]) -> Vec<u8> {
        let all = [
            &[
                rule("Fremdes", r"C:\Games\game.exe", "Ja", "Blocken"),
                rule(OWN[0], PROGRAM, "Ja", "Zulassen"),
            ],
            others,
            &[rule(OWN[1], PROGRAM, "Ja", "Zulassen")],
        ]
        .concat();
        format!("\r\n{}OK.\r\n\r\n", all.join("\r\n")).into_bytes()
    }

    #[test]
    fn a_rule_that_blocks_is_told_without_knowing_the_word() {
        let prompt = |path: &str, is_on, action| rule("Rollcall", path, is_on, action);
        let blocks = |others: &[String]| blocks_program(&list(others), PROGRAM, &OWN);
        assert!(!blocks(&[]));
        assert!(blocks(&[prompt(PROGRAM, "Ja", "Blocken")]));
        let lower_case = PROGRAM.to_lowercase();
        assert!(blocks(&[
            prompt(PROGRAM, "Ja", "Zulassen"),
            prompt(&lower_case, "Ja", "Blocken")
        ]));
        assert!(!blocks(&[prompt(PROGRAM, "Ja", "Zulassen")]));
        assert!(!blocks(&[prompt(PROGRAM, "Nein", "Blocken")]), "it is off");
        let other = r"C:\Old\rollcall.exe";
        assert!(!blocks(&[prompt(other, "Ja", "Blocken")]));
    }

    #[test]
    fn without_our_own_rules_nothing_is_said_to_block() {
        let block = rule("Rollcall", PROGRAM, "Ja", "Blocken");
        assert!(!blocks_program(block.as_bytes(), PROGRAM, &OWN));
        let moved = rule(OWN[0], r"D:\rollcall.exe", "Ja", "Zulassen") + &block;
        assert!(!blocks_program(moved.as_bytes(), PROGRAM, &OWN));
        let differ = list(&[rule(OWN[0], PROGRAM, "Nein", "Zulassen"), block]);
        assert!(!blocks_program(&differ, PROGRAM, &OWN));
        for foreign in [
            b"".as_slice(),
            b"----------",
            b"----------\n----------\nOk.",
        ] {
            assert!(!blocks_program(foreign, PROGRAM, &OWN));
        }
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
