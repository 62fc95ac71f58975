//! What a person should know beside what the unit is: how it can be spoken to, and its certificate.

use super::shown::quoted;
use crate::model::probing::{ClueKind, Probed};
use crate::model::time::Timestamp;

/// The shortest RSA and DSA keys that are not called weak.
const STRONG_RSA_BITS: u32 = 2048;

/// The same for elliptic curves.
const STRONG_CURVE_BITS: u32 = 224;

/// One sentence each.
pub(super) fn remarks(probed: &Probed, now: Timestamp) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(seen) = probed.clue(ClueKind::LegacyTls) {
        remarks.push(format!("Legacy TLS only: {}", quoted(seen)));
    }
    if let Some(seen) = probed.clue(ClueKind::WeakTls) {
        remarks.push(format!("Weak TLS 1.2 ciphers only: {}", quoted(seen)));
    }
    // `no expiration` is no instant, and so never in the past.
    let time = |kind| probed.clue(kind).and_then(Timestamp::parse);
    if let Some(until) = time(ClueKind::CertUntil).filter(|until| *until < now) {
        remarks.push(format!("The certificate expired on {}", day(until)));
    }
    if let Some(from) = time(ClueKind::CertFrom).filter(|from| *from > now) {
        remarks.push(format!("The certificate is not valid before {}", day(from)));
    }
    if let Some(key) = probed.clue(ClueKind::CertKey).filter(|key| is_weak(key)) {
        remarks.push(format!(
            "The key of the certificate is weak: {}",
            quoted(key)
        ));
    }
    if let Some(community) = probed.clue(ClueKind::DefaultCommunity) {
        remarks.push(format!(
            "SNMP answers to the default community {}",
            quoted(community)
        ));
    }
    if let Some(read) = probed.clue(ClueKind::TargetsCut) {
        remarks.push(format!("Serial ports may be missing: {}", quoted(read)));
    }
    remarks
}

/// The day of an instant, in UTC.
fn day(when: Timestamp) -> String {
    let text = when.to_string();
    text.split_once('T')
        .map_or_else(|| text.clone(), |(day, _)| day.to_owned())
}

/// Whether a key is shorter than is held to be safe; what is not understood is not called weak.
fn is_weak(key: &str) -> bool {
    let mut words = key.split_whitespace();
    let (Some(kind), Some(bits)) = (
        words.next(),
        words.find_map(|word| word.parse::<u32>().ok()),
    ) else {
        return false;
    };
    match kind.to_ascii_uppercase().as_str() {
        "RSA" | "DSA" => bits < STRONG_RSA_BITS,
        "EC" | "ECDSA" => bits < STRONG_CURVE_BITS,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_keys_are_weak_and_strange_ones_are_not() {
        for key in ["RSA 512", "RSA 1024", "DSA 1024", "EC 192"] {
            assert!(is_weak(key), "{key} is weak");
        }
        for key in [
            "RSA 2048",
            "EC 256",
            "ECDSA P-256",
            "Ed25519",
            "",
            "RSA",
            "5",
        ] {
            assert!(!is_weak(key), "{key} is not known to be weak");
        }
    }
}
