//! Cells to values: MACs, addresses, prefixes. A cell that cannot be read says why in words that help to mend it.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::model::identity::Mac;
use crate::model::network::mask_to_prefix;

/// How many other addresses of one unit are taken.
pub(super) const MAX_OTHER_IPS: usize = 64;

/// Whether a cell says nothing: empty, or one of the words that other tools write instead.
pub(super) fn is_nothing(text: &str) -> bool {
    const WORDS: [&str; 7] = ["-", "–", "n/a", "na", "none", "null", "unknown"];
    text.is_empty() || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Reads a MAC.
pub(super) fn read_mac(text: &str) -> Result<Option<Mac>, String> {
    if let Some(mac) = read_own_mac(text.as_bytes()) {
        return Ok(Some(mac));
    }
    let text = text.trim();
    if is_nothing(text) {
        return Ok(None);
    }
    match Mac::parse(text) {
        Some(mac) => Ok(Some(mac)),
        None if is_spreadsheet_number(text) => Err(
            "A spreadsheet turned this MAC into a number; write it with colons, or format the column as text"
                .to_owned(),
        ),
        None => Err("Is not a MAC: six pairs of hexadecimal digits are expected".to_owned()),
    }
}

/// Reads the one form that is written here.
fn read_own_mac(text: &[u8]) -> Option<Mac> {
    let text: &[u8; 17] = text.try_into().ok()?;
    let nibble = |digit: u8| -> Option<u8> {
        match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            b'A'..=b'F' => Some(digit - b'A' + 10),
            _ => None,
        }
    };
    let mut octets = [0; 6];
    for (idx, octet) in octets.iter_mut().enumerate() {
        let at = idx * 3;
        if idx > 0 && text[at - 1] != b':' {
            return None;
        }
        *octet = nibble(text[at])? << 4 | nibble(text[at + 1])?;
    }
    Some(Mac::new(octets))
}

/// Whether a text is what a spreadsheet makes of digits: `0E+86`, `1,23E+11`, or digits that lost their zeros.
pub(super) fn is_spreadsheet_number(text: &str) -> bool {
    let digits_only = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return digits_only(text) && text.len() < 12;
    };
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    digits_only(exponent) && digits_only(whole) && digits_only(fraction)
}

/// Reads an address, with its prefix length when it is written with one. 0.0.0.0 says that there is none.
pub(super) fn read_ip(text: &str) -> Result<(Option<Ipv4Addr>, Option<u8>), String> {
    if let Ok(ip) = text.parse() {
        return Ok((Some(ip), None));
    }
    let text = text.trim();
    if is_nothing(text) {
        return Ok((None, None));
    }
    let (ip, prefix) = match text.split_once('/') {
        Some((ip, prefix)) => (ip.trim_end(), read_prefix(prefix)?),
        None => (text, None),
    };
    match ip.parse() {
        Ok(ip) => Ok((Some(ip), prefix)),
        Err(_) if ip.parse::<Ipv6Addr>().is_ok() => {
            Err("Is an IPv6 address; IPv4 addresses are taken here".to_owned())
        }
        Err(_) => Err("Is not an IPv4 address".to_owned()),
    }
}

/// Reads a prefix length: `24`, `/24` or `255.255.255.0`.
pub(super) fn read_prefix(text: &str) -> Result<Option<u8>, String> {
    let text = text.trim();
    if is_nothing(text) {
        return Ok(None);
    }
    let digits = text.strip_prefix('/').unwrap_or(text).trim_start();
    if let Ok(mask) = digits.parse::<Ipv4Addr>() {
        return mask_to_prefix(mask)
            .map(Some)
            .ok_or_else(|| "Is a subnet mask with holes".to_owned());
    }
    let is_number = digits.bytes().all(|b| b.is_ascii_digit());
    match digits.parse::<u8>() {
        Ok(prefix @ 0..=32) if is_number => Ok(Some(prefix)),
        _ => Err("Is neither a prefix length from 0 to 32 nor a subnet mask".to_owned()),
    }
}

/// Reads several addresses; gives back those that could be read, and the first that could not.
pub(super) fn read_other_ips(text: &str) -> (Vec<Ipv4Addr>, Option<&str>) {
    let mut ips = Vec::new();
    let mut bad = None;
    let words = text.split([' ', ',', ';', '\t', '\r', '\n']);
    for word in words.filter(|word| !word.is_empty()) {
        match word.parse() {
            Ok(ip) if ips.len() < MAX_OTHER_IPS => ips.push(ip),
            _ => bad = bad.or(Some(word)),
        }
    }
    (ips, bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mac_that_became_a_number_is_named_as_such() {
        for text in ["0E+86", "1.23E+11", "1,23E+11", "0.00E+00", "2499123456"] {
            let why = read_mac(text).expect_err("a number is no MAC");
            assert!(why.contains("spreadsheet"), "{text:?}: {why}");
        }
        let why = read_mac("00:e0:86:12:34").expect_err("five pairs are no MAC");
        assert!(!why.contains("spreadsheet"), "{why}");
        let mac = Some(Mac::new([0, 0xe0, 0x86, 0x12, 0x34, 0x56]));
        for text in ["00:e0:86:12:34:56", "00E086123456", " 00-E0-86-12-34-56"] {
            assert_eq!(read_mac(text), Ok(mac));
        }
        assert_eq!(read_mac("n/a"), Ok(None));
    }

    #[test]
    fn prefixes_come_in_three_forms() {
        for text in ["24", "/24", "255.255.255.0", " / 24 "] {
            assert_eq!(read_prefix(text), Ok(Some(24)), "{text:?}");
        }
        for text in ["33", "255.0.255.0", "+24", "x", "/"] {
            assert!(read_prefix(text).is_err(), "{text:?} is no prefix");
        }
        let ip = Some(Ipv4Addr::new(10, 0, 0, 1));
        assert_eq!(read_ip("10.0.0.1/24"), Ok((ip, Some(24))));
        assert_eq!(read_ip("10.0.0.1 "), Ok((ip, None)));
        assert!(read_ip("10.0.0.256").is_err());
        let why = read_ip("fe80::1").expect_err("not in the first version");
        assert!(why.contains("IPv6"));
    }
}
