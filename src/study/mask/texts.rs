//! Addresses written out in a text: `10.0.0.5`, `fe80::1`, `00:e0:86:12:34:56` and the other notations of a MAC. Known
//! ones are found wherever they stand, others where nothing else can be meant.

use std::net::Ipv6Addr;
use std::ops::{Range, RangeInclusive};

/// An address in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// Where.
    pub(super) range: Range<usize>,
    /// What it says.
    pub(super) value: Written,
}

/// What an address in a text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Ip([u8; 4]),
    Ipv6([u8; 16]),
    Mac([u8; 6]),
}

/// Finds the addresses in a text, in order and without overlap. `is_known` tells those that are looked for also where
/// something else may be meant: inside longer numbers.
pub(super) fn tokens(text: &[u8], is_known: &dyn Fn(Written) -> bool) -> Vec<Token> {
    let mut found = Vec::new();
    macs(text, is_known, &mut found);
    for run in runs(text, |byte| {
        byte.is_ascii_hexdigit() || b":.".contains(&byte)
    }) {
        ipv6s(text, run, &mut found);
    }
    for run in runs(text, |byte| byte.is_ascii_digit() || byte == b'.') {
        ips(text, run, is_known, &mut found);
    }
    found.sort_by_key(|token| (token.range.start, usize::MAX - token.range.len()));
    let mut end = 0;
    found.retain(|token| {
        let is_free = token.range.start >= end;
        if is_free {
            end = token.range.end;
        }
        is_free
    });
    found
}

/// The longest stretches of such bytes.
fn runs(text: &[u8], is_in: impl Fn(u8) -> bool) -> Vec<Range<usize>> {
    let mut pos = 0;
    text.chunk_by(|a, b| is_in(*a) == is_in(*b))
        .map(|run| {
            pos += run.len();
            pos - run.len()..pos
        })
        .filter(|run| is_in(text[run.start]))
        .collect()
}

/// The stretches between separators, empty ones included.
fn groups(text: &[u8], run: Range<usize>, separator: u8) -> Vec<Range<usize>> {
    let mut start = run.start;
    let mut found = Vec::new();
    for pos in run.clone() {
        if text[pos] == separator {
            found.push(start..pos);
            start = pos + 1;
        }
    }
    found.push(start..run.end);
    found
}

fn ips(text: &[u8], run: Range<usize>, is_known: &dyn Fn(Written) -> bool, found: &mut Vec<Token>) {
    let parts: Vec<(Range<usize>, Option<u8>)> = groups(text, run, b'.')
        .into_iter()
        .map(|part| {
            let octet = decimal(&text[part.clone()]);
            (part, octet)
        })
        .collect();
    // Two dots in a row divide; what is no octet is still one of the numbers of an object id.
    for numbers in parts.split(|(part, _)| part.is_empty()) {
        for four in numbers.windows(4) {
            let [
                (first, Some(a)),
                (_, Some(b)),
                (_, Some(c)),
                (last, Some(d)),
            ] = four
            else {
                continue;
            };
            let value = Written::Ip([*a, *b, *c, *d]);
            if numbers.len() == 4 || is_known(value) {
                found.push(Token {
                    range: first.start..last.end,
                    value,
                });
            }
        }
    }
}

fn decimal(digits: &[u8]) -> Option<u8> {
    if !(1..=3).contains(&digits.len()) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn ipv6s(text: &[u8], run: Range<usize>, found: &mut Vec<Token>) {
    const MAX_COLONS: usize = 8;
    let mut start = run.start;
    while start < run.end {
        let is_start = start == run.start || text[start - 1] == b':' || text[start - 1] == b'.';
        let longest = is_start
            .then(|| longest_ipv6(text, start..run.end, MAX_COLONS))
            .flatten();
        match longest {
            Some((end, octets)) => {
                found.push(Token {
                    range: start..end,
                    value: Written::Ipv6(octets),
                });
                start = end;
            }
            None => start += 1,
        }
    }
}

/// The longest address that begins where the range does. It ends where a group does.
fn longest_ipv6(text: &[u8], range: Range<usize>, max_colons: usize) -> Option<(usize, [u8; 16])> {
    const MAX_CHARS: usize = 45;
    let mut num_colons = 0;
    let mut longest = None;
    for end in range.start + 1..=range.end.min(range.start + MAX_CHARS) {
        if text[end - 1] == b':' {
            num_colons += 1;
        }
        if num_colons > max_colons {
            break;
        }
        let is_end = end == range.end || b":.".contains(&text[end]) || text[end - 1] == b':';
        if !is_end || num_colons < 2 {
            continue;
        }
        let parsed = std::str::from_utf8(&text[range.start..end])
            .ok()
            .and_then(|text| text.parse::<Ipv6Addr>().ok());
        if let Some(ip) = parsed {
            longest = Some((end, ip.octets()));
        }
    }
    longest
}

fn macs(text: &[u8], is_known: &dyn Fn(Written) -> bool, found: &mut Vec<Token>) {
    // Six groups of one or two digits.
    for separator in [b':', b'-', b' ', b'.'] {
        for groups in whole_groups(text, separator, 1..=2) {
            let is_alone = groups.len() == 6 && matches!(separator, b':' | b'-');
            for six in groups.windows(6) {
                take_mac(text, six, is_alone, is_known, found);
            }
        }
    }
    // Three groups of four, as switches write them.
    for separator in [b'.', b'-', b':'] {
        for groups in whole_groups(text, separator, 4..=4) {
            let is_alone = groups.len() == 3 && separator == b'.';
            for three in groups.windows(3) {
                take_mac(text, three, is_alone, is_known, found);
            }
        }
    }
    // Two of six, and all twelve digits in a row, wherever they are.
    for groups in whole_groups(text, b'-', 6..=6) {
        for two in groups.windows(2) {
            take_mac(text, two, false, is_known, found);
        }
    }
    for digits in runs(text, |byte| byte.is_ascii_hexdigit()) {
        for start in digits.start..digits.end.saturating_sub(MAC_DIGITS - 1) {
            let twelve = start..start + MAC_DIGITS;
            take_mac(text, &[twelve], false, is_known, found);
        }
    }
}

const MAC_DIGITS: usize = 12;

/// Groups of so many hex digits each, as many in a row as there are.
fn whole_groups(
    text: &[u8],
    separator: u8,
    num_digits: RangeInclusive<usize>,
) -> Vec<Vec<Range<usize>>> {
    runs(text, |byte| byte.is_ascii_hexdigit() || byte == separator)
        .into_iter()
        .flat_map(|run| {
            groups(text, run, separator)
                .split(|group| !num_digits.contains(&group.len()))
                .map(<[_]>::to_vec)
                .collect::<Vec<_>>()
        })
        .collect()
}

fn take_mac(
    text: &[u8],
    groups: &[Range<usize>],
    is_alone: bool,
    is_known: &dyn Fn(Written) -> bool,
    found: &mut Vec<Token>,
) {
    let mut digits = Vec::with_capacity(12);
    for group in groups {
        if group.len() == 1 {
            digits.push(b'0');
        }
        digits.extend(&text[group.clone()]);
    }
    let Some(octets) = mac_of(&digits) else {
        return;
    };
    let value = Written::Mac(octets);
    if (is_alone || is_known(value))
        && let (Some(first), Some(last)) = (groups.first(), groups.last())
    {
        found.push(Token {
            range: first.start..last.end,
            value,
        });
    }
}

fn mac_of(digits: &[u8]) -> Option<[u8; 6]> {
    let digits = <[u8; 12]>::try_from(digits).ok()?;
    let mut octets = [0; 6];
    for (octet, pair) in octets.iter_mut().zip(digits.chunks(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *octet = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(octets)
}

/// Writes another MAC in the notation that is there: the same separators, the same case, the same number of digits.
pub(super) fn write_mac(slots: &mut [&mut u8], mac: [u8; 6]) {
    let is_upper = slots.iter().any(|slot| slot.is_ascii_uppercase());
    let is_separator = |slot: &u8| !slot.is_ascii_hexdigit();
    let num_digits = slots.iter().filter(|slot| !is_separator(slot)).count();
    let mut nibbles = mac.iter().flat_map(|octet| [octet >> 4, octet & 0xF]);
    let has_short_groups = num_digits < 12;
    let mut idx = 0;
    while idx < slots.len() {
        let group_len = slots[idx..]
            .iter()
            .take_while(|slot| !is_separator(slot))
            .count();
        if has_short_groups && group_len == 1 {
            // The first digit of the octet has no place.
            nibbles.next();
        }
        for slot in &mut slots[idx..idx + group_len] {
            let nibble = u32::from(nibbles.next().unwrap_or_default());
            let digit = char::from_digit(nibble, 16).unwrap_or('0') as u8;
            **slot = if is_upper {
                digit.to_ascii_uppercase()
            } else {
                digit
            };
        }
        idx += group_len + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN_MAC: [u8; 6] = [0x00, 0xe0, 0x86, 0x12, 0x34, 0x56];

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let is_known =
            |value| [Written::Mac(KNOWN_MAC), Written::Ip([10, 0, 0, 5])].contains(&value);
        let found: Vec<&str> = tokens(text.as_bytes(), &is_known)
            .into_iter()
            .map(|token| &text[token.range])
            .collect();
        assert_eq!(found, expected, "in {text:?}");
    }

    #[test]
    fn addresses_are_found_in_texts() {
        check("", &[]);
        check("ip=10.0.0.5;gw=10.0.0.1.", &["10.0.0.5", "10.0.0.1"]);
        check("v1.2.3 10.0.0 10.0.0.256 1..2.3.4", &[]);
        check("010.000.000.005", &["010.000.000.005"]);
        // Inside an object id only what is known.
        check("1.3.6.1.4.1.10418.3.1", &[]);
        check("1.3.6.1.4.20.1.1.10.0.0.5", &["10.0.0.5"]);
        check("fe80::2e0:86ff:fe12:3456%3", &["fe80::2e0:86ff:fe12:3456"]);
        check("addr fe80::1, 12:30:45", &["fe80::1"]);
        check("::ffff:10.0.0.9", &["::ffff:10.0.0.9"]);
        check("[2001:db8::1]:3502", &["2001:db8::1"]);
    }

    #[test]
    fn every_notation_of_a_mac_is_found() {
        for text in [
            "00:e0:86:12:34:56",
            "00-E0-86-12-34-56",
            "00e0.8612.3456",
            "00E086123456",
            "0:e0:86:12:34:56",
            "00 e0 86 12 34 56",
            "00e086-123456",
            "00e0-8612-3456",
        ] {
            check(text, &[text]);
            check(&format!("mac {text}, ok"), &[text]);
        }
        check("acs-00e086123456f", &["00e086123456"]);
        // Another one only where nothing else can be meant.
        check(
            "00:e0:86:12:34:57 00e0.8612.3457",
            &["00:e0:86:12:34:57", "00e0.8612.3457"],
        );
        check("00e086123457", &[]);
        // Eight groups are an IPv6 address, written in full.
        check("aa:bb:cc:dd:ee:ff:00:11", &["aa:bb:cc:dd:ee:ff:00:11"]);
        check("aa:00:e0:86:12:34:56", &["00:e0:86:12:34:56"]);
        check("aa:bb:cc:dd:ee:ff:00", &[]);
    }

    #[test]
    fn a_mac_is_written_in_the_notation_that_is_there() {
        for (text, expected) in [
            ("00:e0:86:12:34:56", "00:e0:86:00:01:ab"),
            ("00-E0-86-12-34-5F", "00-E0-86-00-01-AB"),
            ("00e0.8612.3456", "00e0.8600.01ab"),
            ("00E086123456", "00E0860001AB"),
            ("0:e0:86:1:2:3", "0:e0:86:0:1:b"),
        ] {
            let mut bytes = text.as_bytes().to_vec();
            let mut slots: Vec<&mut u8> = bytes.iter_mut().collect();
            write_mac(&mut slots, [0x00, 0xe0, 0x86, 0x00, 0x01, 0xab]);
            assert_eq!(String::from_utf8_lossy(&bytes), expected);
        }
    }
}
