//! What a person types for a sweep, as a set of IPv4 addresses. Pure: text in, addresses out.

use std::net::Ipv4Addr;

use thiserror::Error;

/// More addresses than a /16 has: a person is asked first.
const ASK_ABOVE_IPS: u64 = 1 << 16;

/// More addresses than a /12 has: refused.
const REFUSE_ABOVE_IPS: u64 = 1 << 20;

/// The longest text that is read: enough for a pasted list of more than 65,000 addresses.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// How much of a part that cannot be read is repeated in the error.
const QUOTED_CHARS: usize = 60;

/// Addresses in ascending order, without overlaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges {
    /// First and last address of each run; runs are sorted and have a gap between them.
    runs: Vec<(u32, u32)>,
}

/// Whether a sweep of this many addresses may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Yes.
    Fine,
    /// More than a /16: only after a person said yes.
    Ask,
    /// More than a /12: no.
    TooMany,
}

/// Whether 127.0.0.0/8 may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loopback {
    /// Only for the demo and for tests.
    Allowed,
    /// Everywhere else.
    Refused,
}

/// Why a text is not a set of addresses.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RangeError {
    /// There is nothing in it.
    #[error("no address is given")]
    Empty,
    /// It is too long to be read.
    #[error("the list of ranges is longer than {MAX_TEXT_BYTES} bytes")]
    TooLong,
    /// A part is neither an address, a range nor a network.
    #[error(
        "{0:?} is not an address, a range like 10.0.0.5-10.0.0.9 or a network like 10.0.0.0/24"
    )]
    Unreadable(String),
    /// A part is IPv6.
    #[error("{0:?} is not IPv4: a sweep asks IPv4 addresses only")]
    NotIpv4(String),
    /// A range ends before it begins.
    #[error("{0:?} ends before it begins")]
    Reversed(String),
    /// A part holds addresses that no unit can have.
    #[error("{part:?} holds {what}, which cannot be asked one by one")]
    Unaskable {
        /// The part.
        part: String,
        /// Which addresses.
        what: &'static str,
    },
}

impl Ranges {
    /// Reads networks (10.0.0.0/24), ranges (10.0.0.5-10.0.0.9, 10.0.0.5-9) and single addresses,
    /// separated by spaces, commas, semicolons and line ends.
    pub fn parse(text: &str) -> Result<Self, RangeError> {
        Self::parse_with(text, Loopback::Refused)
    }

    /// Like [`Ranges::parse`]; says whether loopback addresses may be asked.
    pub fn parse_with(text: &str, loopback: Loopback) -> Result<Self, RangeError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(RangeError::TooLong);
        }
        let text = join_around_signs(text);
        let mut runs = Vec::new();
        for part in text
            .split(|c: char| c.is_whitespace() || c == ',' || c == ';')
            .filter(|part| !part.is_empty())
        {
            let (run, whole) = read_part(part)?;
            check_askable(part, whole, loopback)?;
            runs.push(run);
        }
        if runs.is_empty() {
            return Err(RangeError::Empty);
        }
        Ok(Self { runs: merged(runs) })
    }

    /// How many addresses there are.
    pub fn num_ips(&self) -> u64 {
        self.runs
            .iter()
            .map(|&(first, last)| u64::from(last - first) + 1)
            .sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Whether `ip` is one of them.
    pub fn contains(&self, ip: Ipv4Addr) -> bool {
        let bits = ip.to_bits();
        let idx = self.runs.partition_point(|&(_, last)| last < bits);
        self.runs.get(idx).is_some_and(|&(first, _)| first <= bits)
    }

    /// The addresses in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        self.runs
            .iter()
            .flat_map(|&(first, last)| (first..=last).map(Ipv4Addr::from_bits))
    }

    /// The lowest address above `ip`, or the lowest of all.
    pub fn next_after(&self, ip: Option<Ipv4Addr>) -> Option<Ipv4Addr> {
        let from = ip.map_or(Some(0), |ip| ip.to_bits().checked_add(1))?;
        let idx = self.runs.partition_point(|&(_, last)| last < from);
        let &(first, _) = self.runs.get(idx)?;
        Some(Ipv4Addr::from_bits(first.max(from)))
    }

    /// The same without `ip`.
    #[must_use]
    pub fn without(mut self, ip: Ipv4Addr) -> Self {
        let bits = ip.to_bits();
        let idx = self.runs.partition_point(|&(_, last)| last < bits);
        let Some(&(first, last)) = self.runs.get(idx).filter(|run| run.0 <= bits) else {
            return self;
        };
        // The neighbors exist where they are used: `first < bits` and `bits < last`.
        let lower = (first < bits).then(|| (first, bits - 1));
        let upper = (bits < last).then(|| (bits + 1, last));
        self.runs.splice(idx..=idx, lower.into_iter().chain(upper));
        self
    }

    /// Whether a sweep of them may begin.
    pub fn check_size(&self) -> Size {
        match self.num_ips() {
            num_ips if num_ips > REFUSE_ABOVE_IPS => Size::TooMany,
            num_ips if num_ips > ASK_ABOVE_IPS => Size::Ask,
            _ => Size::Fine,
        }
    }
}

/// Takes away the blanks around `-` and `/`, so that "10.0.0.5 - 10.0.0.9" is one part, and reads
/// the dashes that word processors put in as hyphens.
fn join_around_signs(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut after_sign = false;
    for c in text.chars() {
        let c = if matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}') {
            '-'
        } else {
            c
        };
        if c == '-' || c == '/' {
            joined.truncate(joined.trim_end_matches(is_blank).len());
            after_sign = true;
        } else if is_blank(c) && after_sign {
            continue;
        } else {
            after_sign = false;
        }
        joined.push(c);
    }
    joined
}

/// A blank within a line: a line end always separates.
fn is_blank(c: char) -> bool {
    c.is_whitespace() && c != '\n' && c != '\r'
}

/// The run of addresses that a part asks, and the run that it names (with the network and
/// broadcast addresses of a network).
type AskedAndNamed = ((u32, u32), (u32, u32));

fn read_part(part: &str) -> Result<AskedAndNamed, RangeError> {
    let unreadable = || {
        if part.contains(':') {
            RangeError::NotIpv4(quoted(part))
        } else {
            RangeError::Unreadable(quoted(part))
        }
    };
    // A number without a sign, which the standard library would take.
    let byte = |text: &str| {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u8>().ok().filter(|_| is_plain)
    };
    let ip = |text: &str| text.parse::<Ipv4Addr>().ok().map(Ipv4Addr::to_bits);
    if let Some((network, prefix_len)) = part.split_once('/') {
        let bits = ip(network).ok_or_else(unreadable)?;
        let prefix_len = byte(prefix_len)
            .filter(|prefix_len| *prefix_len <= 32)
            .ok_or_else(unreadable)?;
        let host_bits = u32::MAX.checked_shr(u32::from(prefix_len)).unwrap_or(0);
        let (first, last) = (bits & !host_bits, bits | host_bits);
        // The network and the broadcast address belong to no unit; a /31 and a /32 have neither.
        let asked = if prefix_len < 31 {
            (first + 1, last - 1)
        } else {
            (first, last)
        };
        return Ok((asked, (first, last)));
    }
    if let Some((first, last)) = part.split_once('-') {
        let first = ip(first).ok_or_else(unreadable)?;
        let last = match byte(last) {
            // 10.0.0.5-9 means the last byte.
            Some(last_byte) => first & !0xff | u32::from(last_byte),
            None => ip(last).ok_or_else(unreadable)?,
        };
        if last < first {
            return Err(RangeError::Reversed(quoted(part)));
        }
        return Ok(((first, last), (first, last)));
    }
    let bits = ip(part).ok_or_else(unreadable)?;
    Ok(((bits, bits), (bits, bits)))
}

/// Refuses addresses that are not one unit's: a datagram there would go to nobody or to everybody.
fn check_askable(part: &str, named: (u32, u32), loopback: Loopback) -> Result<(), RangeError> {
    const LOOPBACK: (u32, u32) = (0x7f00_0000, 0x7fff_ffff);
    let unaskable = [
        ((0, 0x00ff_ffff), "addresses that begin with 0"),
        (LOOPBACK, "this computer's own loopback addresses"),
        ((0xe000_0000, 0xefff_ffff), "multicast addresses"),
        ((0xf000_0000, u32::MAX), "reserved addresses"),
    ];
    for (block, what) in unaskable {
        let is_allowed = block == LOOPBACK && loopback == Loopback::Allowed;
        if !is_allowed && named.0 <= block.1 && block.0 <= named.1 {
            return Err(RangeError::Unaskable {
                part: quoted(part),
                what,
            });
        }
    }
    Ok(())
}

fn quoted(part: &str) -> String {
    match part.char_indices().nth(QUOTED_CHARS) {
        Some((end, _)) => format!("{}…", &part[..end]),
        None => part.to_owned(),
    }
}

fn merged(mut runs: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    runs.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::with_capacity(runs.len());
    for (first, last) in runs {
        match merged.last_mut() {
            Some(run) if first <= run.1.saturating_add(1) => run.1 = run.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ips(text: &str) -> Vec<String> {
        Ranges::parse(text)
            .expect("the text is readable")
            .iter()
            .map(|ip| ip.to_string())
            .collect()
    }

    #[test]
    fn every_notation_is_read() {
        assert_eq!(ips("10.0.0.7"), ["10.0.0.7"]);
        assert_eq!(ips("10.0.0.8/30"), ["10.0.0.9", "10.0.0.10"]);
        assert_eq!(ips("10.0.0.9/30"), ["10.0.0.9", "10.0.0.10"]);
        assert_eq!(ips("10.0.0.8/31"), ["10.0.0.8", "10.0.0.9"]);
        assert_eq!(ips("10.0.0.8/32"), ["10.0.0.8"]);
        assert_eq!(ips("10.0.0.8-10"), ips("10.0.0.8-10.0.0.10"));
        assert_eq!(ips("10.0.0.8 - 10.0.0.10"), ips("10.0.0.8–10"));
        assert_eq!(
            ips("10.0.1.1;10.0.0.1,10.0.2.1\r\n10.0.3.1 10.0.4.1\n-".trim_end_matches('-')),
            ["10.0.0.1", "10.0.1.1", "10.0.2.1", "10.0.3.1", "10.0.4.1"]
        );
    }

    #[test]
    fn overlaps_are_merged_and_order_is_ascending() {
        let ranges =
            Ranges::parse("10.0.0.5-9 10.0.0.1-6 10.0.0.10 10.0.0.0/30").expect("readable");
        assert_eq!(ranges.num_ips(), 10);
        assert_eq!(ranges.runs.len(), 1, "neighbors are one run");
        assert_eq!(
            ranges.iter().next(),
            Some(Ipv4Addr::new(10, 0, 0, 1)),
            "the lowest comes first"
        );
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        let refused = [
            ("", "no address is given"),
            (" , ;\n", "no address is given"),
            ("10.0.0", "\"10.0.0\" is not an address"),
            ("010.0.0.1", "is not an address"),
            ("10.0.0.0/33", "is not an address"),
            ("10.0.0.0/", "is not an address"),
            ("10.0.0.1-", "is not an address"),
            ("10.0.0.1-300", "is not an address"),
            ("10.0.0.1-+9", "is not an address"),
            ("10.0.0.0/+24", "is not an address"),
            ("10.0.0.9-10.0.0.5", "ends before it begins"),
            ("10.0.0.9-5", "ends before it begins"),
            ("fe80::1", "is not IPv4"),
            ("fe80::/64", "is not IPv4"),
            ("0.0.0.0", "begin with 0"),
            ("0.0.0.0/0", "begin with 0"),
            ("127.0.0.1", "loopback"),
            ("126.0.0.0-128.0.0.0", "loopback"),
            ("224.0.0.1", "multicast"),
            ("223.255.255.0-224.0.0.0", "multicast"),
            ("255.255.255.255", "reserved"),
        ];
        for (text, words) in refused {
            let error = Ranges::parse(text).expect_err(text).to_string();
            assert!(error.contains(words), "{text:?} says {error:?}");
        }
    }

    #[test]
    fn loopback_is_asked_only_where_allowed() {
        let ranges = Ranges::parse_with("127.0.0.1", Loopback::Allowed).expect("allowed here");
        assert_eq!(ranges.num_ips(), 1);
        assert!(Ranges::parse_with("0.0.0.0/0", Loopback::Allowed).is_err());
    }

    #[test]
    fn sizes_are_checked_at_their_edges() {
        let size = |text| Ranges::parse(text).expect("readable").check_size();
        assert_eq!(size("10.0.0.0/16"), Size::Fine);
        assert_eq!(size("10.0.0.0-10.0.255.255"), Size::Fine);
        assert_eq!(size("10.0.0.0-10.1.0.0"), Size::Ask);
        assert_eq!(size("10.0.0.0/12"), Size::Ask);
        assert_eq!(size("10.0.0.0-10.16.0.0"), Size::TooMany);
        assert_eq!(size("10.0.0.0/8"), Size::TooMany);
    }

    #[test]
    fn walking_and_leaving_out_agree_with_the_list() {
        let ranges = Ranges::parse("10.0.0.1-3 10.0.0.7 10.0.1.0/30").expect("readable");
        for left_out in ranges.clone().iter().chain([Ipv4Addr::new(10, 9, 9, 9)]) {
            let rest = ranges.clone().without(left_out);
            let expected: Vec<_> = ranges.iter().filter(|ip| *ip != left_out).collect();
            assert_eq!(rest.iter().collect::<Vec<_>>(), expected);
            let mut walked = Vec::new();
            let mut at = None;
            while let Some(ip) = rest.next_after(at) {
                walked.push(ip);
                at = Some(ip);
            }
            assert_eq!(walked, expected);
            assert!(!rest.contains(left_out));
            assert!(expected.iter().all(|ip| rest.contains(*ip)));
        }
    }

    #[test]
    fn a_long_part_is_cut_in_the_error_and_a_long_text_is_refused() {
        let long = "9".repeat(500);
        let error = Ranges::parse(&long).expect_err("not an address");
        assert!(error.to_string().len() < 250);
        assert_eq!(
            Ranges::parse(&" ".repeat(MAX_TEXT_BYTES + 1)),
            Err(RangeError::TooLong)
        );
    }
}
