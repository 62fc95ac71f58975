//! As much of BER as an agent of SNMP v1 and v2c needs: a reader that never looks past its bytes, and a writer. What the
//! bytes mean is the agent's.

/// The tags that occur.
pub(super) mod tag {
    pub(in super::super) const INTEGER: u8 = 0x02;
    pub(in super::super) const TEXT: u8 = 0x04;
    pub(in super::super) const NULL: u8 = 0x05;
    pub(in super::super) const OID: u8 = 0x06;
    pub(in super::super) const SEQUENCE: u8 = 0x30;
    pub(in super::super) const NO_SUCH_OBJECT: u8 = 0x80;
    pub(in super::super) const END_OF_MIB_VIEW: u8 = 0x82;
    pub(in super::super) const GET: u8 = 0xa0;
    pub(in super::super) const GET_NEXT: u8 = 0xa1;
    pub(in super::super) const RESPONSE: u8 = 0xa2;
    pub(in super::super) const GET_BULK: u8 = 0xa5;
}

/// RFC 2578 §3.5 allows an object id no more.
const MAX_ARCS: usize = 128;

/// The integers of SNMP are of 32 bits.
const MAX_INTEGER_BYTES: usize = 4;

/// A length of more octets than these would be that of no datagram.
const MAX_LENGTH_BYTES: usize = 4;

/// Takes one element after the other out of bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'bytes>(&'bytes [u8]);

impl<'bytes> Reader<'bytes> {
    pub(super) const fn new(bytes: &'bytes [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    /// The next element: its tag and its content.
    pub(super) fn element(&mut self) -> Option<(u8, &'bytes [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (len, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            // No octets at all: the indefinite form, which SNMP does not have.
            if octets.is_empty() || octets.len() > MAX_LENGTH_BYTES {
                return None;
            }
            let len = octets
                .iter()
                .fold(0_u64, |len, octet| len << 8 | u64::from(*octet));
            (usize::try_from(len).ok()?, rest)
        };
        let (content, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The content of the next element, when it is the one that is expected.
    pub(super) fn content(&mut self, expected: u8) -> Option<&'bytes [u8]> {
        let (tag, content) = self.element()?;
        (tag == expected).then_some(content)
    }

    pub(super) fn integer(&mut self) -> Option<i32> {
        let content = self.content(tag::INTEGER)?;
        if content.len() > MAX_INTEGER_BYTES {
            return None;
        }
        let (&first, rest) = content.split_first()?;
        let sign = i32::from(first.cast_signed());
        Some(
            rest.iter()
                .fold(sign, |number, octet| number << 8 | i32::from(*octet)),
        )
    }

    pub(super) fn oid(&mut self) -> Option<Vec<u32>> {
        let mut arcs: Vec<u32> = Vec::new();
        let mut arc: u32 = 0;
        let mut is_complete = false;
        for octet in self.content(tag::OID)? {
            arc = arc.checked_mul(128)? | u32::from(octet & 0x7f);
            is_complete = octet & 0x80 == 0;
            if is_complete {
                if arcs.is_empty() {
                    // The first two arcs share a number.
                    let first = (arc / 40).min(2);
                    arcs.push(first);
                    arc -= 40 * first;
                }
                arcs.push(arc);
                arc = 0;
            }
            if arcs.len() > MAX_ARCS {
                return None;
            }
        }
        is_complete.then_some(arcs)
    }
}

/// An element.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let mut bytes = vec![tag];
    if len < 0x80 {
        bytes.push(len as u8);
    } else {
        let octets = len.to_be_bytes();
        let num_zeros = octets.iter().take_while(|octet| **octet == 0).count();
        bytes.push(0x80 | (octets.len() - num_zeros) as u8);
        bytes.extend(&octets[num_zeros..]);
    }
    bytes.extend(content);
    bytes
}

pub(super) fn integer(number: i32) -> Vec<u8> {
    let octets = number.to_be_bytes();
    // A leading octet that only repeats the sign is left out.
    let num_skipped = octets
        .windows(2)
        .take_while(|pair| {
            matches!(pair, [0x00, next] if *next < 0x80)
                || matches!(pair, [0xff, next] if *next >= 0x80)
        })
        .count();
    element(tag::INTEGER, &octets[num_skipped..])
}

/// An object id, of at least two arcs.
pub(super) fn oid(arcs: &[u32]) -> Vec<u8> {
    let [first, second, rest @ ..] = arcs else {
        return element(tag::OID, &[]);
    };
    let mut content = Vec::with_capacity(arcs.len() + 4);
    let together = u64::from(*first) * 40 + u64::from(*second);
    for arc in std::iter::once(together).chain(rest.iter().map(|arc| u64::from(*arc))) {
        let num_septets = (u64::BITS - arc.leading_zeros()).div_ceil(7).max(1);
        for septet in (0..num_septets).rev() {
            let more = if septet == 0 { 0 } else { 0x80 };
            content.push((arc >> (7 * septet) & 0x7f) as u8 | more);
        }
    }
    element(tag::OID, &content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_object_ids_come_back() {
        for number in [
            0,
            1,
            127,
            128,
            255,
            256,
            65_535,
            -1,
            -129,
            i32::MAX,
            i32::MIN,
        ] {
            let bytes = integer(number);
            assert_eq!(Reader::new(&bytes).integer(), Some(number), "{bytes:02x?}");
        }
        assert_eq!(integer(128), [2, 2, 0, 128]);
        assert_eq!(integer(-1), [2, 1, 0xff]);
        for arcs in [
            &[1, 3][..],
            &[1, 3, 6, 1, 4, 1, 10_418, 26, 1, 1],
            &[2, 999, 3],
            &[1, 3, 0, 127, 128, u32::MAX],
        ] {
            let bytes = oid(arcs);
            assert_eq!(Reader::new(&bytes).oid().as_deref(), Some(arcs));
        }
    }

    #[test]
    fn lengths_come_back_whatever_their_size() {
        for len in [0, 127, 128, 255, 256, 70_000] {
            let content = vec![7; len];
            let bytes = element(tag::TEXT, &content);
            let mut reader = Reader::new(&bytes);
            assert_eq!(reader.element(), Some((tag::TEXT, &content[..])));
            assert!(reader.is_at_end());
        }
    }

    #[test]
    fn what_is_no_ber_is_refused() {
        for bytes in [
            &[][..],
            &[0x30],
            &[0x30, 0x02, 0x00],
            // Indefinite, and lengths far beyond the bytes.
            &[0x30, 0x80, 0x00, 0x00],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00],
            &[0x30, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0x30, 0xff],
        ] {
            assert_eq!(Reader::new(bytes).element(), None, "{bytes:02x?}");
        }
        // Too long an integer, an empty one, an arc without an end, one that is too large, too many arcs.
        assert_eq!(Reader::new(&[2, 5, 0, 0, 0, 0, 1]).integer(), None);
        assert_eq!(Reader::new(&[2, 0]).integer(), None);
        assert_eq!(Reader::new(&[6, 2, 0x2b, 0x86]).oid(), None);
        let large = [6, 6, 0x2b, 0xff, 0xff, 0xff, 0xff, 0x7f];
        assert_eq!(Reader::new(&large).oid(), None);
        assert_eq!(Reader::new(&element(tag::OID, &[1; 200])).oid(), None);
        assert_eq!(Reader::new(&element(tag::OID, &[])).oid(), None);
    }
}
