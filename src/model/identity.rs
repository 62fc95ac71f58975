//! What tells units apart: MAC addresses, serials, and the id that the registry gives.
//! The order of the keys and what is never a key: the rules under "Who is who".

use std::fmt;
use std::net::Ipv4Addr;

/// The registry's own number of a unit, stable for the life of the site and never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApplianceId(pub u64);

impl fmt::Display for ApplianceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// A MAC address. Printed in lower case with colons, since a spreadsheet takes
/// `00E086123456` for a number (facts §6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac([u8; 6]);

impl Mac {
    /// The MAC of these octets, in the order of the wire.
    pub const fn new(octets: [u8; 6]) -> Self {
        Self(octets)
    }

    /// The octets, in the order of the wire.
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }

    /// Reads the common notations: `00:e0:86:12:34:56`, `00-E0-86-12-34-56`, `00e0.8612.3456`,
    /// `00e086123456`, `0:e0:86:12:34:56`, with or without spaces around.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let separators = [':', '-', '.', ' '];
        let groups: Vec<&str> = text.split(separators).collect();
        let mut octets = [0; 6];
        match groups.len() {
            6 => {
                for (octet, group) in octets.iter_mut().zip(&groups) {
                    if !(1..=2).contains(&group.len()) {
                        return None;
                    }
                    *octet = hex_octet(group)?;
                }
            }
            1..=3 => {
                let width = 12 / groups.len();
                let digits: String = groups.concat();
                if digits.len() != 12 || groups.iter().any(|group| group.len() != width) {
                    return None;
                }
                for (octet, pair) in octets.iter_mut().zip(digits.as_bytes().chunks(2)) {
                    *octet = hex_octet(std::str::from_utf8(pair).ok()?)?;
                }
            }
            _ => return None,
        }
        Some(Self(octets))
    }

    /// Whether it may tell units apart: not all zero, not all one, not multicast.
    pub const fn is_key(self) -> bool {
        let multicast = self.0[0] & 1 == 1;
        let zero = matches!(self.0, [0, 0, 0, 0, 0, 0]);
        !multicast && !zero
    }
}

fn hex_octet(digits: &str) -> Option<u8> {
    // `from_str_radix` would take a leading plus sign.
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u8::from_str_radix(digits, 16).ok()
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, rest @ ..] = self.0;
        write!(f, "{first:02x}")?;
        rest.iter().try_for_each(|octet| write!(f, ":{octet:02x}"))
    }
}

impl From<[u8; 6]> for Mac {
    fn from(octets: [u8; 6]) -> Self {
        Self(octets)
    }
}

/// Whether a serial may tell units apart: not empty, not a filler, not one character over and over.
pub fn is_serial_key(serial: &str) -> bool {
    const FILLERS: [&str; 11] = [
        "0",
        "none",
        "default",
        "123456789",
        "1234567890",
        "0123456789",
        "n/a",
        "na",
        "unknown",
        "null",
        "serial",
    ];
    let serial = serial.trim().to_lowercase();
    let mut chars = serial.chars();
    let Some(first) = chars.next() else {
        return false;
    };
    !FILLERS.contains(&serial.as_str()) && chars.any(|c| c != first)
}

/// The form in which serials are compared: trimmed, upper case.
pub fn serial_key(serial: &str) -> Option<String> {
    is_serial_key(serial).then(|| serial.trim().to_uppercase())
}

/// Whether an address may tell units apart on a network: not 0.0.0.0, not broadcast, not multicast.
/// The laptop's own addresses are the registry's to know.
pub const fn is_ip_key(ip: Ipv4Addr) -> bool {
    !ip.is_unspecified() && !ip.is_broadcast() && !ip.is_multicast()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_common_notation_of_a_mac() {
        let mac = Mac::new([0x00, 0xe0, 0x86, 0x12, 0x34, 0x56]);
        for text in [
            "00:e0:86:12:34:56",
            "00-E0-86-12-34-56",
            "00e0.8612.3456",
            "00E086123456",
            "0:e0:86:12:34:56",
            " 00 e0 86 12 34 56 ",
            "00e086-123456",
        ] {
            assert_eq!(Mac::parse(text), Some(mac), "{text:?} is a common notation");
        }
        for text in [
            "",
            "0E+86",
            "00e08612345",
            "00:e0:86:12:34",
            "00:e0:86:12:34:5g",
            "+0:e0:86:12:34:56",
        ] {
            assert_eq!(Mac::parse(text), None, "{text:?} is no MAC");
        }
        assert_eq!(mac.to_string(), "00:e0:86:12:34:56");
    }

    #[test]
    fn fillers_never_tell_units_apart() {
        for serial in [
            "",
            " ",
            "0",
            "000000",
            "None",
            "DEFAULT",
            "123456789",
            "1111",
        ] {
            assert!(!is_serial_key(serial), "{serial:?} is a filler");
        }
        assert!(is_serial_key("0520011634"));
        assert!(!Mac::new([0; 6]).is_key());
        assert!(!Mac::new([0xff; 6]).is_key());
        assert!(!Mac::new([1, 0, 0x5e, 0, 0, 1]).is_key());
        assert!(Mac::new([0, 0xe0, 0x86, 0, 0, 1]).is_key());
        assert!(!is_ip_key(Ipv4Addr::UNSPECIFIED));
        assert!(!is_ip_key(Ipv4Addr::BROADCAST));
    }
}
