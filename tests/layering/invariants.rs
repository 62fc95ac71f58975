//! Reads the invariants out of the crate documentation and checks that the tests they name exist. Which numbers and
//! how many there must be is the caller's business.

use crate::Violation;
use crate::rust_source::lex;

/// One numbered line of the crate documentation with its tests as `path::name`.
#[derive(Debug)]
pub(crate) struct Invariant {
    pub(crate) line: usize,
    pub(crate) tests: Vec<String>,
}

/// Reads numbered lines that end in "Test: " and one or more `path.rs::name` in backticks, also over several lines.
pub(crate) fn invariants_of(source: &str) -> Vec<Invariant> {
    let mut items: Vec<(usize, String)> = Vec::new();
    let mut is_inside = false;
    for (idx, line) in source.lines().enumerate() {
        let Some(text) = line.trim_start().strip_prefix("//!").map(str::trim) else {
            is_inside = false;
            continue;
        };
        let is_numbered = text
            .split_once(". ")
            .is_some_and(|(number, _)| number.parse::<usize>().is_ok());
        if is_numbered {
            items.push((idx + 1, text.to_owned()));
        } else if let Some((_, item)) = items.last_mut().filter(|_| is_inside && !text.is_empty()) {
            item.push(' ');
            item.push_str(text);
        }
        is_inside = is_numbered || (is_inside && !text.is_empty());
    }
    let tests_of = |item: &str| {
        let (_, names) = item
            .split_once("Test: ")
            .or_else(|| item.split_once("Tests: "))?;
        // Between backticks is every second part.
        Some(
            names
                .split('`')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect(),
        )
    };
    items
        .into_iter()
        .filter_map(|(line, item)| {
            Some(Invariant {
                line,
                tests: tests_of(&item)?,
            })
        })
        .collect()
}

pub(crate) fn check_invariant(
    invariant: &Invariant,
    read_file: impl Fn(&str) -> Option<String>,
) -> Vec<Violation> {
    let violation = |rule| Violation {
        file: "src/lib.rs".to_owned(),
        line: invariant.line,
        rule,
    };
    if invariant.tests.is_empty() {
        return vec![violation(
            "the invariant names no test in backticks".to_owned(),
        )];
    }
    let check = |test: &String| {
        let Some((path, name)) = test
            .split_once(".rs::")
            .map(|(stem, name)| (format!("{stem}.rs"), name))
        else {
            return Some(violation(format!("{test:?} is not `path.rs::name`")));
        };
        let name = name.rsplit("::").next().unwrap_or(name);
        let Some(source) = read_file(&path) else {
            return Some(violation(format!("{path:?} does not exist")));
        };
        let tokens = lex(&source);
        let has_it = tokens
            .windows(2)
            .any(|pair| pair[0].text == "fn" && pair[1].text == name);
        (!has_it).then(|| violation(format!("{path:?} has no test {name:?}")))
    };
    invariant.tests.iter().filter_map(check).collect()
}

#[test]
fn invariants_without_a_real_test_are_found() {
    let lib = "//! The map.\n//! 1. One holds. Test: `tests/a.rs::one`.\n//! 2. Two holds, and this line goes\n\
        //!    on. Tests: `tests/a.rs::two`, `src/b.rs::tests::three`\n//!\n//! 3. No test here.\n//! 4. Four. Test: none\n";
    let invariants = invariants_of(lib);
    let lines: Vec<_> = invariants
        .iter()
        .map(|invariant| (invariant.line, invariant.tests.len()))
        .collect();
    assert_eq!(lines, [(2, 1), (3, 2), (7, 0)]);

    let read_file = |path: &str| {
        (path == "tests/a.rs").then(|| "fn one() {} // fn two()\nfn two_more() {}".to_owned())
    };
    let found: Vec<_> = invariants
        .iter()
        .flat_map(|invariant| check_invariant(invariant, read_file))
        .map(|v| v.to_string())
        .collect();
    assert_eq!(
        found,
        [
            "src/lib.rs:3: \"tests/a.rs\" has no test \"two\"",
            "src/lib.rs:3: \"src/b.rs\" does not exist",
            "src/lib.rs:7: the invariant names no test in backticks",
        ]
    );
}
