//! Bytes read as the value of a field.

use std::net::Ipv4Addr;

use super::decode::Miss;
use super::draft::{ByteOrder, Field};
use super::fact::{Fact, ReadAs};
use crate::model::identity::Mac;
use crate::model::sighting::{Claims, TEXT_KEPT_CHARS, TaughtClaims, cut_text};
use crate::wire::{Claimed, read_text};

/// No more of a text is looked at: more than is kept, whatever its encoding.
const MAX_TEXT_BYTES: usize = 8 * TEXT_KEPT_CHARS;

/// No more bytes are written as digits, two each.
const MAX_DIGIT_BYTES: usize = TEXT_KEPT_CHARS / 2 + 1;

/// The number that at most 8 bytes are.
pub(super) fn unsigned(byte_order: ByteOrder, bytes: &[u8]) -> u64 {
    let add = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
    match byte_order {
        ByteOrder::Big => bytes.iter().fold(0, add),
        ByteOrder::Little => bytes.iter().rev().fold(0, add),
    }
}

/// What bytes were read as.
pub(super) enum Value {
    Mac(Mac),
    Ip(Ipv4Addr),
    Text(String),
}

impl Value {
    pub(super) fn read(field: Field, byte_order: ByteOrder, bytes: &[u8]) -> Result<Self, Miss> {
        let is_mac = match field.fact {
            Fact::Mac => true,
            Fact::Ip | Fact::Mask | Fact::Gateway => false,
            Fact::Name | Fact::Model | Fact::Serial | Fact::Firmware => {
                return words(field.reading, byte_order, bytes).map(Self::Text);
            }
        };
        let length = |wanted| Miss::Length {
            found: bytes.len(),
            wanted,
        };
        match (is_mac, field.reading) {
            (true, ReadAs::Bytes) => {
                let octets: [u8; 6] = bytes.try_into().ok().ok_or_else(|| length("6 bytes"))?;
                Ok(Self::Mac(Mac::new(octets)))
            }
            (false, ReadAs::Bytes) => {
                let octets: [u8; 4] = bytes.try_into().ok().ok_or_else(|| length("4 bytes"))?;
                Ok(Self::Ip(Ipv4Addr::from(octets)))
            }
            (true, _) => {
                let text = text(bytes)?;
                Mac::parse(&text).map(Self::Mac).ok_or(Miss::NoMac(text))
            }
            (false, _) => {
                let text = text(bytes)?;
                let ip = text.parse().ok();
                ip.map(Self::Ip).ok_or(Miss::NoIp(text))
            }
        }
    }

    /// Puts it where the fact belongs.
    pub(super) fn claim(self, fact: Fact, claims: &mut Claims, beside: &mut TaughtClaims) {
        match self {
            Self::Mac(mac) => claims.mac = Some(mac),
            Self::Ip(ip) => {
                let claimed = if ip.is_unspecified() {
                    Claimed::None
                } else {
                    Claimed::Ip(ip)
                };
                match fact {
                    Fact::Mask => claims.mask = claimed,
                    Fact::Gateway => claims.gateway = claimed,
                    _ => claims.ip = claimed,
                }
            }
            Self::Text(text) => {
                let place = match fact {
                    Fact::Model => &mut beside.model,
                    Fact::Serial => &mut beside.serial,
                    Fact::Firmware => &mut beside.firmware,
                    _ => &mut claims.host_name,
                };
                *place = Some(text);
            }
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Mac(mac) => mac_text(*mac),
            Self::Ip(ip) => ip_text(*ip),
            Self::Text(text) => text.clone(),
        }
    }
}

fn words(reading: ReadAs, byte_order: ByteOrder, bytes: &[u8]) -> Result<String, Miss> {
    let digits = &bytes[..bytes.len().min(MAX_DIGIT_BYTES)];
    match reading {
        // Refused for these facts; a draft may say so all the same.
        ReadAs::Bytes | ReadAs::Hex => {
            let mut hex = String::with_capacity(2 * digits.len());
            for byte in digits {
                push_hex(&mut hex, *byte);
            }
            Ok(cut(hex))
        }
        ReadAs::Text => text(bytes),
        ReadAs::Decimal if bytes.len() > 8 => Err(Miss::Length {
            found: bytes.len(),
            wanted: "1 to 8 bytes",
        }),
        ReadAs::Decimal => Ok(unsigned(byte_order, bytes).to_string()),
        ReadAs::Bcd => {
            let mut text = String::with_capacity(2 * digits.len());
            let mut is_over = false;
            for byte in digits {
                for half in [byte >> 4, byte & 0xF] {
                    match half {
                        0..=9 if !is_over => text.push(char::from(b'0' + half)),
                        0xF => is_over = true,
                        _ => return Err(Miss::NoDigits(*byte)),
                    }
                }
            }
            if text.is_empty() {
                return Err(Miss::Empty);
            }
            Ok(cut(text))
        }
    }
}

fn text(bytes: &[u8]) -> Result<String, Miss> {
    read_text(text_part(bytes)).map(cut).ok_or(Miss::Empty)
}

/// As much of the bytes as can make a difference, cut between characters when they are UTF-8.
fn text_part(bytes: &[u8]) -> &[u8] {
    let Some((part, _)) = bytes.split_at_checked(MAX_TEXT_BYTES) else {
        return bytes;
    };
    match std::str::from_utf8(part) {
        Err(error) if error.error_len().is_none() => &part[..error.valid_up_to()],
        _ => part,
    }
}

/// Cuts a text only when it is too long, since cutting copies.
fn cut(text: String) -> String {
    if text.len() > TEXT_KEPT_CHARS {
        cut_text(&text)
    } else {
        text
    }
}

fn push_hex(text: &mut String, byte: u8) {
    text.extend(hex_digits(byte).map(char::from));
}

fn hex_digits(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [byte >> 4, byte & 0xF].map(|half| DIGITS[usize::from(half)])
}

/// As [`Mac`] shows itself, in less time: this is done for every datagram of a list.
fn mac_text(mac: Mac) -> String {
    let mut text = [b':'; 17];
    for (digits, octet) in text.chunks_mut(3).zip(mac.octets()) {
        digits[..2].copy_from_slice(&hex_digits(octet));
    }
    ascii(&text)
}

/// As [`Ipv4Addr`] shows itself, in less time.
fn ip_text(ip: Ipv4Addr) -> String {
    let mut text = [b'.'; 16];
    let mut len = 0;
    for octet in ip.octets() {
        if octet >= 100 {
            text[len] = b'0' + octet / 100;
            len += 1;
        }
        if octet >= 10 {
            text[len] = b'0' + octet / 10 % 10;
            len += 1;
        }
        text[len] = b'0' + octet % 10;
        // One more for the dot.
        len += 2;
    }
    ascii(&text[..len - 1])
}

fn ascii(text: &[u8]) -> String {
    std::str::from_utf8(text).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_as_the_types_show_themselves() {
        for octet in 0..=u8::MAX {
            let ip = Ipv4Addr::new(octet, 255, octet, 0);
            assert_eq!(ip_text(ip), ip.to_string());
            let mac = Mac::new([octet, 0, 0xFF, 0x9A, octet, 1]);
            assert_eq!(mac_text(mac), mac.to_string());
        }
        assert_eq!(ip_text(Ipv4Addr::BROADCAST), "255.255.255.255");
    }
}
