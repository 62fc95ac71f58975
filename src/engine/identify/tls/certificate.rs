//! What a certificate says, in text. Nothing is validated, and what cannot be read is left out.

use std::net::{Ipv4Addr, Ipv6Addr};

use sha2::{Digest as _, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;
use x509_parser::public_key::PublicKey;
use x509_parser::time::ASN1Time;
use x509_parser::x509::{AttributeTypeAndValue, SubjectPublicKeyInfo, X509Name};

use crate::model::probing::{Answer, ClueKind};
use crate::model::time::Timestamp;

/// How many names of one certificate are told: the other clues need room too.
const NAMES_TOLD: usize = 16;

/// The last second that can be told: 9999-12-30T22:00:00Z.
const LAST_INSTANT_SECS: i64 = 253_402_207_200;

/// What is said of a certificate that is for ever.
const NO_EXPIRATION: &str = "no expiration";

/// Adds what the certificate says. One that cannot be read still has a fingerprint.
pub(super) fn tell(der: &[u8], answer: &mut Answer) {
    if let Ok((_rest, certificate)) = parse_x509_certificate(der) {
        answer.add(ClueKind::CertSubject, &name(certificate.subject()));
        answer.add(ClueKind::CertIssuer, &name(certificate.issuer()));
        let validity = certificate.validity();
        answer.add(ClueKind::CertFrom, &instant(validity.not_before));
        answer.add(ClueKind::CertUntil, &until(validity.not_after));
        answer.add(ClueKind::CertKey, &key(certificate.public_key()));
        let names = certificate.subject_alternative_name().ok().flatten();
        let names = names.iter().flat_map(|names| &names.value.general_names);
        for text in names.filter_map(other_name).take(NAMES_TOLD) {
            answer.add(ClueKind::CertName, &text);
        }
    }
    answer.add(ClueKind::CertFingerprint, &fingerprint(der));
}

fn fingerprint(der: &[u8]) -> String {
    let pairs: Vec<_> = Sha256::digest(der)
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    pairs.join(":")
}

fn instant(time: ASN1Time) -> String {
    let millis = time.timestamp().saturating_mul(1000);
    Timestamp::from_millis(millis).to_string()
}

/// A certificate that never expires says the end of the year 9999 (RFC 5280, section 4.1.2.5).
fn until(time: ASN1Time) -> String {
    if time.timestamp() > LAST_INSTANT_SECS {
        NO_EXPIRATION.to_owned()
    } else {
        instant(time)
    }
}

/// In the order of the certificate: `CN=avocent.com,O=Avocent`.
fn name(name: &X509Name<'_>) -> String {
    let mut text = String::new();
    for attribute in name.iter_attributes() {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(&attribute_name(attribute));
        text.push('=');
        for c in attribute_text(attribute).chars() {
            // A comma inside a value must not look like the next attribute (RFC 4514, section 2.4).
            if matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
                text.push('\\');
            }
            text.push(c);
        }
    }
    text
}

/// The usual short names (RFC 4519, RFC 2985); others by their number.
fn attribute_name(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    let name = match oid.as_str() {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "street",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "title",
        "2.5.4.13" => "description",
        "2.5.4.42" => "GN",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        "1.2.840.113549.1.9.2" => "unstructuredName",
        _ => return oid,
    };
    name.to_owned()
}

fn attribute_text(attribute: &AttributeTypeAndValue<'_>) -> String {
    let bytes = attribute.as_slice();
    // By the number of the string's type: BMPString and UniversalString are UTF-16 and UTF-32.
    match attribute.attr_value().tag().0 {
        30 => {
            let units = bytes.chunks_exact(2).map(|pair| [pair[0], pair[1]]);
            char::decode_utf16(units.map(u16::from_be_bytes))
                .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        28 => {
            let units = bytes.chunks_exact(4);
            units
                .map(|four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
                .map(|number| char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        // The others are ASCII or UTF-8 by their rules, Latin-1 by the habit of old programs.
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().copied().map(char::from).collect(),
        },
    }
}

/// Host names and addresses; what else a certificate may be for says nothing of a unit.
fn other_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(octets) => {
            if let Ok(octets) = <[u8; 4]>::try_from(*octets) {
                Some(Ipv4Addr::from(octets).to_string())
            } else {
                let octets = <[u8; 16]>::try_from(*octets).ok()?;
                Some(Ipv6Addr::from(octets).to_string())
            }
        }
        _ => None,
    }
}

/// `RSA 1024`, `EC P-256`.
fn key(key: &SubjectPublicKeyInfo<'_>) -> String {
    let algorithm = key.algorithm.algorithm.to_id_string();
    let curve = || {
        let oid = key.algorithm.parameters.as_ref()?.as_oid().ok()?;
        Some(oid.to_id_string())
    };
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) => format!("RSA {}", num_bits(rsa.modulus)),
        // The public number may be a few bits shorter than the prime, whose size is meant.
        Ok(PublicKey::DSA(number)) => format!("DSA {}", num_bits(number).next_multiple_of(64)),
        Ok(PublicKey::EC(point)) => match curve().as_deref() {
            Some("1.2.840.10045.3.1.7") => "EC P-256".to_owned(),
            Some("1.3.132.0.34") => "EC P-384".to_owned(),
            Some("1.3.132.0.35") => "EC P-521".to_owned(),
            _ => format!("EC {}", point.key_size()),
        },
        _ => match algorithm.as_str() {
            "1.3.101.112" => "Ed25519".to_owned(),
            "1.3.101.113" => "Ed448".to_owned(),
            _ => format!("of kind {algorithm}"),
        },
    }
}

/// How long a number is that is written with its highest byte first.
pub(super) fn num_bits(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    match number.get(zeros) {
        Some(first) => (number.len() - zeros) * 8 - first.leading_zeros() as usize,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_time_is_no_date() {
        let until_secs = |secs| until(ASN1Time::from_timestamp(secs).expect("within its range"));
        assert_eq!(until_secs(253_402_300_799), "no expiration");
        assert_eq!(until_secs(LAST_INSTANT_SECS + 1), "no expiration");
        assert_eq!(until_secs(LAST_INSTANT_SECS), "9999-12-30T22:00:00Z");
        assert_eq!(until_secs(1_514_764_800), "2018-01-01T00:00:00Z");
    }

    #[test]
    fn the_length_of_numbers_is_in_bits() {
        for (number, expected) in [
            (&[][..], 0),
            (&[0, 0], 0),
            (&[0, 1], 1),
            (&[0x80, 0], 16),
            (&[0, 0x80, 0], 16),
        ] {
            assert_eq!(num_bits(number), expected, "{number:?}");
        }
    }
}
