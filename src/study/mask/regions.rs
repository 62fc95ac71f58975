//! Which bytes of a datagram are what, as far as masking is concerned. Bytes that no region covers stay as they are: the
//! framing, and values that say nothing about where a unit is.

use std::ops::Range;

use crate::wire::{Kind, Meaning, readable};

/// What a range of bytes holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A MAC, whole or cut or too long.
    Mac,
    /// An address, the same.
    Ip,
    /// A mask, which is kept when it is one.
    Mask,
    /// A host name with its padding.
    Name,
    /// Anything: what is known to be private is looked for.
    Free,
}

/// How many bytes at the start of ASMP are its tag.
const ASMP_TAG: &[u8] = b"\x01ASMP";

/// The regions of a datagram, in order.
pub(super) fn regions(bytes: &[u8]) -> Vec<(Range<usize>, What)> {
    let Some(read) = readable(bytes) else {
        let start = if bytes.starts_with(ASMP_TAG) {
            ASMP_TAG.len()
        } else {
            0
        };
        return vec![(start..bytes.len(), What::Free)];
    };
    let mut found = Vec::new();
    // An empty payload ends where the header does.
    let mut end = read.payload_end;
    let mut is_first = true;
    for field in read.fields {
        let start = field.offset + FIELD_HEADER_BYTES;
        end = start + field.value.len();
        is_first = false;
        if let Some(what) = what(read.kind, field.kind, field.value.len()) {
            found.push((start..end, what));
        }
    }
    if is_first {
        end = HEADER_BYTES.min(read.payload_end);
    }
    rest(bytes, read.kind, end..read.payload_end, &mut found);
    // One byte ends the message; what follows it does not belong there.
    if read.payload_end + 1 < bytes.len() {
        found.push((read.payload_end + 1..bytes.len(), What::Free));
    }
    found
}

/// A field's type and length.
const FIELD_HEADER_BYTES: usize = 3;

/// The header of a message.
const HEADER_BYTES: usize = 12;

/// What follows the last whole field in the payload: the end of the fields and what is behind it, or a field that is cut.
fn rest(bytes: &[u8], kind: Kind, range: Range<usize>, found: &mut Vec<(Range<usize>, What)>) {
    match &bytes[range.clone()] {
        [] => {}
        [0xFF, ..] => found.push((range.start + 1..range.end, What::Free)),
        [field, _, _, value @ ..] => {
            // The length it claims may be any; what is there is shorter.
            let what = match Meaning::of(kind, *field) {
                Some(Meaning::Mac) => What::Mac,
                Some(Meaning::Ip | Meaning::Gateway | Meaning::Mask | Meaning::MaskOrPrefix) => {
                    What::Ip
                }
                Some(Meaning::HostName) => What::Name,
                _ => What::Free,
            };
            found.push((range.end - value.len()..range.end, what));
        }
        _ => {}
    }
}

/// What the value of a whole field is; nothing for one that stays.
fn what(kind: Kind, field: u8, len: usize) -> Option<What> {
    match Meaning::of(kind, field) {
        Some(Meaning::Mac) => Some(What::Mac),
        Some(Meaning::Ip | Meaning::Gateway) => Some(What::Ip),
        Some(Meaning::Mask | Meaning::MaskOrPrefix) => Some(What::Mask),
        Some(Meaning::HostName) => Some(What::Name),
        Some(Meaning::RequestConstant | Meaning::Model) if len == 2 => None,
        Some(Meaning::Modes | Meaning::Mode | Meaning::Status) if len == 1 => None,
        _ => Some(What::Free),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::encode_raw;

    #[test]
    fn the_framing_is_in_no_region() {
        let mut bytes = encode_raw(
            1,
            0x81,
            &[
                (1, &[0, 16]),
                (2, &[1; 6]),
                (3, &[10, 0, 0, 5]),
                (4, &[255, 255, 255, 0]),
                (6, b"con"),
                (0x50, b"any"),
            ],
        );
        let len = bytes.len();
        bytes.extend(b"tail");
        assert_eq!(
            regions(&bytes),
            [
                (20..26, What::Mac),
                (29..33, What::Ip),
                (36..40, What::Mask),
                (43..46, What::Name),
                (49..52, What::Free),
                (53..53, What::Free),
                (len..len + 4, What::Free),
            ]
        );
    }

    #[test]
    fn a_field_that_is_cut_is_still_what_it_was() {
        let bytes = encode_raw(1, 0x81, &[(2, &[1; 6])]);
        assert_eq!(regions(&bytes[..19]), [(15..19, What::Mac)]);
        assert_eq!(regions(&bytes[..14]), []);
        assert_eq!(regions(&bytes[..12]), []);
        assert_eq!(regions(&bytes[..7]), [(0..7, What::Free)]);
        assert_eq!(regions(b"\x01ASMP\0\0"), [(5..7, What::Free)]);
        assert_eq!(regions(b"any"), [(0..3, What::Free)]);
    }
}
