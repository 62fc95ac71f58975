//! Reads a filter text into terms. Takes any text: what makes no sense is a free word, what is too long is cut.

use crate::model::column::Column;
use crate::model::identity::Mac;
use crate::model::status::Status;

/// How many characters of a filter text are read.
const TEXT_READ_CHARS: usize = 1024;

/// How many terms of a filter text are read.
pub(in crate::model) const MAX_TERMS: usize = 32;

/// Fewer hexadecimal digits than this are not taken for a part of a MAC.
const MIN_MAC_DIGITS: usize = 4;

/// One condition of a filter. All conditions must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Term {
    /// Whether it must not be found.
    pub(super) negated: bool,
    /// Where to look; `None` for everywhere.
    pub(super) column: Option<Column>,
    /// What to look for, in lower case. Empty, which only happens with a column: any value.
    pub(super) text: String,
    /// The same as a MAC or a part of one is printed, when `text` is another notation of it.
    pub(super) mac: Option<String>,
    /// Whether `text` may be a part of a MAC that is written without separators.
    pub(super) is_bare_hex: bool,
    /// The statuses whose word is found, one bit each.
    pub(super) statuses: u8,
}

impl Term {
    fn new(negated: bool, column: Option<Column>, value: &str) -> Self {
        let text: String = lower_chars(value).collect();
        let statuses = Status::ALL
            .into_iter()
            .filter(|status| status.word().contains(&text))
            .fold(0, |bits, status| bits | status_bit(status));
        Self {
            negated,
            column,
            mac: mac_notation(&text),
            is_bare_hex: (MIN_MAC_DIGITS..=12).contains(&text.len()) && is_hex(&text),
            statuses,
            text,
        }
    }
}

/// The bit of a status in [`Term::statuses`].
pub(super) const fn status_bit(status: Status) -> u8 {
    1 << (status as u8)
}

/// Lower case, character by character: a part of a text is then always found in the whole of it, which
/// `str::to_lowercase` does not promise (a Greek sigma depends on what follows it).
pub(in crate::model) fn lower_chars(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().flat_map(char::to_lowercase)
}

/// Reads a filter text.
pub(super) fn parse(text: &str) -> Vec<Term> {
    read_terms(text, split_column, Term::new)
}

/// Takes a filter text apart into `!column:value`, each of which `make` makes a term of. What is too long is cut.
pub(in crate::model) fn read_terms<C, T>(
    text: &str,
    split_column: impl Fn(&str) -> (Option<C>, &str),
    make: impl Fn(bool, Option<C>, &str) -> T,
) -> Vec<T> {
    let text = match text.char_indices().nth(TEXT_READ_CHARS) {
        Some((end, _)) => &text[..end],
        None => text,
    };
    let mut terms = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() && terms.len() < MAX_TERMS {
        let (negated, after) = match rest.strip_prefix('!') {
            Some(after) => (true, after),
            None => (false, rest),
        };
        let (column, after) = split_column(after);
        let (value, after) = split_value(after);
        rest = after.trim_start();
        // A lone `!` or `""` is something half typed.
        if column.is_some() || !value.is_empty() {
            terms.push(make(negated, column, value));
        }
    }
    terms
}

/// Takes `column:` off the front. Before another colon, as in a MAC, there is no column.
fn split_column(text: &str) -> (Option<Column>, &str) {
    let Some((word, after)) = text.split_once(':') else {
        return (None, text);
    };
    let is_plain = word
        .chars()
        .all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    match Column::from_word(word).filter(|_| is_plain) {
        Some(column) => (Some(column), after),
        None => (None, text),
    }
}

/// Takes a value off the front: up to the closing quote, else up to a space. A quote within a word is a letter.
fn split_value(text: &str) -> (&str, &str) {
    match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
        None => text.split_at(text.find(char::is_whitespace).unwrap_or(text.len())),
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A MAC or a part of one as it is printed, from `00-e0-86`, `00e0.8612`, `00e086-1234` and the like.
/// `None` when it is no MAC, or already looks so.
pub(in crate::model) fn mac_notation(text: &str) -> Option<String> {
    let separator = text.chars().find(|c| !c.is_ascii_hexdigit())?;
    let printed = match Mac::parse(text) {
        Some(mac) => mac.to_string(),
        None => part_notation(text, separator)?,
    };
    (printed != text).then_some(printed)
}

fn part_notation(text: &str, separator: char) -> Option<String> {
    // With dots only groups of four, so that a part of an IPv4 address or a version is no MAC.
    let widths: &[usize] = match separator {
        '-' => &[2, 4, 6],
        '.' => &[4],
        _ => return None,
    };
    let groups: Vec<&str> = text.split(separator).collect();
    let num_digits: usize = groups.iter().map(|group| group.len()).sum();
    if !groups.iter().all(|group| is_hex(group)) || !(MIN_MAC_DIGITS..=12).contains(&num_digits) {
        return None;
    }
    let (first, others) = groups.split_first()?;
    let (last, inner) = others.split_last()?;
    let fits = |width: &&usize| {
        inner.iter().all(|group| group.len() == **width)
            && first.len() <= **width
            && last.len() <= **width
            && groups.iter().any(|group| group.len() == **width)
    };
    widths.iter().find(fits)?;

    // The first group may lack digits at its start, the last one at its end.
    let mut octets: Vec<&str> = Vec::new();
    let (odd, pairs) = first.split_at(first.len() % 2);
    octets.push(odd);
    for group in std::iter::once(&pairs).chain(others) {
        let mut left = *group;
        while !left.is_empty() {
            let (octet, after) = left.split_at(left.len().min(2));
            octets.push(octet);
            left = after;
        }
    }
    octets.retain(|octet| !octet.is_empty());
    Some(octets.join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_mac_is_read_in_any_notation() {
        for (text, printed) in [
            ("00-e0-86", Some("00:e0:86")),
            ("0-e0-86", Some("0:e0:86")),
            ("00e0.8612", Some("00:e0:86:12")),
            ("00e0.861", Some("00:e0:86:1")),
            ("86.1234", Some("86:12:34")),
            ("6.1234", Some("6:12:34")),
            ("00e086-1234", Some("00:e0:86:12:34")),
            ("86-", None),
            ("00-e0-", Some("00:e0")),
            ("00-e0-86-12-34-56", Some("00:e0:86:12:34:56")),
            ("0:e0:86:12:34:56", Some("00:e0:86:12:34:56")),
            ("00e0.8612.3456", Some("00:e0:86:12:34:56")),
            ("00:e0:86", None),
            ("10.20.30.40", None),
            ("10.20", None),
            ("2.14.1", None),
            ("2026-11-22", None),
            ("rack-12", None),
            ("00e086123456", None),
            ("-", None),
            ("é-é", None),
        ] {
            assert_eq!(
                mac_notation(text).as_deref(),
                printed,
                "{text:?} as a part of a MAC"
            );
        }
    }

    #[test]
    fn a_filter_text_is_read_into_terms() {
        let parts = |text: &str| -> Vec<(bool, Option<Column>, String)> {
            parse(text)
                .into_iter()
                .map(|term| (term.negated, term.column, term.text))
                .collect()
        };
        let free = |word: &str| (false, None, word.to_owned());
        let within = |column, word: &str| (false, Some(column), word.to_owned());
        for (text, expected) in [
            ("", vec![]),
            ("  Foo\tbar ", vec![free("foo"), free("bar")]),
            ("name:Foo", vec![within(Column::Name, "foo")]),
            ("Part-Number:7", vec![within(Column::PartNumber, "7")]),
            ("address:10.", vec![within(Column::Ip, "10.")]),
            ("color:red", vec![free("color:red")]),
            ("00:e0:86", vec![free("00:e0:86")]),
            (
                "status:\"wrong network\"x",
                vec![within(Column::Status, "wrong network"), free("x")],
            ),
            ("\"name:a b", vec![free("name:a b")]),
            ("19\" rack", vec![free("19\""), free("rack")]),
            (
                "!serial: a",
                vec![(true, Some(Column::Serial), String::new()), free("a")],
            ),
            (
                "!a !!b !",
                vec![(true, None, "a".to_owned()), (true, None, "!b".to_owned())],
            ),
            ("\"\" !\"\"", vec![]),
            (":x ::", vec![free(":x"), free("::")]),
            (
                "foo bar name:x",
                vec![free("foo"), free("bar"), within(Column::Name, "x")],
            ),
        ] {
            assert_eq!(parts(text), expected, "the terms of {text:?}");
        }
    }

    #[test]
    fn a_filter_text_is_bounded() {
        let terms = parse(&"ß ".repeat(5_000));
        assert_eq!(terms.len(), MAX_TERMS, "no more terms than that are read");
        let terms = parse(&"ß".repeat(5_000));
        assert_eq!(
            terms
                .iter()
                .map(|term| term.text.chars().count())
                .sum::<usize>(),
            TEXT_READ_CHARS,
            "no more characters than that are read"
        );
    }
}
