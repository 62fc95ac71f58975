//! Packets and fields of SSH before any cipher (RFC 4253, section 6; RFC 4251, section 5). Bytes only.

/// The longest packet that must be taken (RFC 4253, section 6.1), without its length field.
pub(super) const PACKET_BYTES: usize = 35_000;

/// The unit in which packets come while there is no cipher.
const BLOCK_BYTES: usize = 8;

/// The shortest padding.
const PADDING_BYTES: usize = 4;

/// A packet of this payload. The padding may be anything while there is no cipher.
pub(super) fn packet_of(payload: &[u8]) -> Vec<u8> {
    let unpadded = 4 + 1 + payload.len();
    let mut padding = BLOCK_BYTES - unpadded % BLOCK_BYTES;
    if padding < PADDING_BYTES {
        padding += BLOCK_BYTES;
    }
    let len = (1 + payload.len() + padding) as u32;
    let mut packet = len.to_be_bytes().to_vec();
    packet.push(padding as u8);
    packet.extend_from_slice(payload);
    packet.resize(unpadded + padding, 0);
    packet
}

/// The payload of the packet that these bytes begin with, and how many bytes the packet has; `None` while some of it is
/// missing.
pub(super) fn packet_within(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, &'static str> {
    let Some((len, rest)) = bytes.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let len = u32::from_be_bytes(*len) as usize;
    if len > PACKET_BYTES {
        return Err("a packet is longer than may be");
    }
    if len < 2 {
        return Err("a packet is shorter than may be");
    }
    let Some(packet) = rest.get(..len) else {
        return Ok(None);
    };
    let padding = packet[0] as usize;
    match packet.get(1..len.saturating_sub(padding)) {
        Some(payload) if !payload.is_empty() => Ok(Some((payload, 4 + len))),
        _ => Err("a packet has more padding than bytes"),
    }
}

/// Appends a string with its length.
pub(super) fn push_string(to: &mut Vec<u8>, string: &[u8]) {
    to.extend((string.len() as u32).to_be_bytes());
    to.extend_from_slice(string);
}

/// Reads fields one after the other.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    /// The next bytes, exactly so many.
    pub(super) fn bytes(&mut self, num: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(num)?;
        self.0 = rest;
        Some(bytes)
    }

    /// The next string.
    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let len = self.bytes(4)?.try_into().ok()?;
        self.bytes(u32::from_be_bytes(len) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_packet_reads_back_and_is_padded_to_blocks() {
        for num in 1..100 {
            let payload = vec![7; num];
            let packet = packet_of(&payload);
            assert_eq!(packet.len() % BLOCK_BYTES, 0);
            assert!(packet[4] as usize >= PADDING_BYTES);
            assert_eq!(
                packet_within(&packet),
                Ok(Some((&payload[..], packet.len())))
            );
            for cut in 0..packet.len() {
                assert_eq!(packet_within(&packet[..cut]), Ok(None));
            }
        }
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        for bytes in [
            &[0xff, 0xff, 0xff, 0xff, 4][..],
            &[0, 0, 0x88, 0xb9, 4],
            &[0, 0, 0, 0, 4],
            &[0, 0, 0, 1, 4],
            &[0, 0, 0, 4, 200, 1, 2, 3],
            &[0, 0, 0, 4, 3, 1, 2, 3],
        ] {
            assert!(packet_within(bytes).is_err(), "{bytes:?}");
        }
        assert_eq!(Fields(&[0, 0, 0, 9, 1]).string(), None);
        assert_eq!(Fields(&[0, 0]).string(), None);
    }
}
