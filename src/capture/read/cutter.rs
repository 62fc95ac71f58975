//! Cuts a TCP stream into messages as the engine does on a live connection, but keeps no more of a message than a
//! datagram may have. Bytes that the capture lost may lie anywhere.

use crate::model::sighting::{RAW_KEPT_BYTES, RawDatagram};
use crate::wire::{StreamLen, stream_len};

/// The bytes of a message before which its length is unknown.
const HEADER_BYTES: usize = 12;

const START_OF_HEADER: u8 = 0x01;

/// Whether these bytes are the beginning of a message: as many as are there of what every message begins with.
fn is_aidp(bytes: &[u8]) -> bool {
    bytes.len() >= 5 && stream_len(bytes).is_ok()
}

/// One direction of a stream.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    /// The beginning of the message that is not complete yet.
    kept: Vec<u8>,
    /// How many bytes of it were seen.
    num_seen: usize,
    /// How long it is, once its header was seen.
    whole_bytes: Option<usize>,
    /// Bytes to leave out: the rest of a message that has a hole.
    skip_bytes: usize,
    /// Not AIDP, or over.
    is_ignoring: bool,
}

impl Cutter {
    /// Takes the next bytes of the stream, one segment or a part of one. Says whether the stream turned out not to be AIDP.
    pub(super) fn push(&mut self, bytes: &[u8], given: &mut Vec<RawDatagram>) -> bool {
        // A stream that was joined in the middle of a message is understood from the next one on.
        if self.is_ignoring && is_aidp(bytes) {
            *self = Self::default();
        }
        if self.is_ignoring {
            return false;
        }
        let skipped = self.skip_bytes.min(bytes.len());
        self.skip_bytes -= skipped;
        let mut rest = &bytes[skipped..];
        while !rest.is_empty() {
            let Some(whole_bytes) = self.whole_bytes else {
                let (header, after) = rest.split_at(rest.len().min(HEADER_BYTES - self.num_seen));
                self.keep(header);
                match stream_len(&self.kept) {
                    Ok(StreamLen::Whole(whole_bytes)) => self.whole_bytes = Some(whole_bytes),
                    Ok(StreamLen::HeaderIncomplete) => {}
                    Err(_not_aidp) => {
                        self.keep(after);
                        self.give(self.num_seen, given);
                        self.is_ignoring = true;
                        return true;
                    }
                }
                rest = after;
                continue;
            };
            let (part, after) = rest.split_at(rest.len().min(whole_bytes - self.num_seen));
            self.keep(part);
            rest = after;
            if self.num_seen < whole_bytes {
                continue;
            }
            if part.last() == Some(&START_OF_HEADER) {
                // A unit that leaves the end byte out begins its next message where that byte belongs.
                self.give(whole_bytes - 1, given);
                self.keep(&[START_OF_HEADER]);
            } else {
                self.give(whole_bytes, given);
            }
        }
        false
    }

    /// The next `num_bytes` of the stream are not in the capture.
    pub(super) fn lose(&mut self, num_bytes: usize, given: &mut Vec<RawDatagram>) {
        if self.is_ignoring || num_bytes == 0 {
            return;
        }
        let skipped = self.skip_bytes.min(num_bytes);
        self.skip_bytes -= skipped;
        let lost = num_bytes - skipped;
        if lost == 0 || self.num_seen == 0 {
            return;
        }
        if let Some(whole_bytes) = self.whole_bytes {
            // Given now, as far as it goes; what comes after the hole cannot be put behind it.
            self.skip_bytes = (whole_bytes - self.num_seen).saturating_sub(lost);
            self.give(whole_bytes, given);
        } else {
            self.give(self.num_seen, given);
        }
    }

    /// The stream is over. What is left may be a message without its end byte.
    pub(super) fn finish(&mut self, given: &mut Vec<RawDatagram>) {
        if self.num_seen > 0 && !self.is_ignoring {
            self.give(self.num_seen, given);
        }
        *self = Self {
            is_ignoring: true,
            ..Self::default()
        };
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = RAW_KEPT_BYTES - self.kept.len();
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.num_seen += bytes.len();
    }

    /// Gives what is kept as something that was `full_len` long, and begins anew.
    fn give(&mut self, full_len: usize, given: &mut Vec<RawDatagram>) {
        self.kept.truncate(full_len);
        given.push(RawDatagram {
            bytes: std::mem::take(&mut self.kept).into(),
            full_len: u32::try_from(full_len).unwrap_or(u32::MAX),
        });
        self.num_seen = 0;
        self.whole_bytes = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::encode_raw;

    const REQUEST: [u8; 19] = [
        0x01, 0x41, 0x49, 0x44, 0x50, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 0x06, 0x01, 0x00, 0x02,
        0x01, 0x08, 0xff, 0x0d,
    ];

    fn cut(parts: &[&[u8]]) -> Vec<(Vec<u8>, u32)> {
        let mut cutter = Cutter::default();
        let mut given = Vec::new();
        for part in parts {
            cutter.push(part, &mut given);
        }
        cutter.finish(&mut given);
        given
            .into_iter()
            .map(|raw| (raw.bytes.to_vec(), raw.full_len))
            .collect()
    }

    #[test]
    fn every_way_of_splitting_gives_the_same_messages() {
        let two = [REQUEST, REQUEST].concat();
        let wanted = vec![(REQUEST.to_vec(), 19), (REQUEST.to_vec(), 19)];
        for at in 0..=two.len() {
            assert_eq!(cut(&[&two[..at], &two[at..]]), wanted, "split at {at}");
        }
        let bytes: Vec<&[u8]> = two.chunks(1).collect();
        assert_eq!(cut(&bytes), wanted);
    }

    #[test]
    fn a_missing_end_byte_costs_nothing() {
        let stream = [&REQUEST[..18], &REQUEST[..]].concat();
        assert_eq!(
            cut(&[&stream]),
            vec![(REQUEST[..18].to_vec(), 18), (REQUEST.to_vec(), 19)]
        );
        assert_eq!(cut(&[&REQUEST[..18]]), vec![(REQUEST[..18].to_vec(), 18)]);
    }

    #[test]
    fn what_is_not_aidp_is_given_once_until_a_message_begins() {
        let hello = b"GET / HTTP/1.1".to_vec();
        assert_eq!(
            cut(&[&hello, b"more", &REQUEST, b"more"]),
            vec![
                (hello.clone(), 14),
                (REQUEST.to_vec(), 19),
                (b"more".to_vec(), 4)
            ]
        );
        let long = vec![b'x'; 10_000];
        assert_eq!(cut(&[&long]), vec![(long[..2_048].to_vec(), 10_000)]);
    }

    #[test]
    fn long_messages_are_kept_up_to_the_limit() {
        let message = encode_raw(1, 0x81, &[(6, &vec![b'n'; 60_000])]);
        let parts: Vec<&[u8]> = message.chunks(1_460).chain([&REQUEST[..]]).collect();
        assert_eq!(
            cut(&parts),
            vec![
                (message[..2_048].to_vec(), message.len() as u32),
                (REQUEST.to_vec(), 19)
            ]
        );
    }

    #[test]
    fn a_hole_costs_the_message_that_it_is_in() {
        let mut cutter = Cutter::default();
        let mut given = Vec::new();
        cutter.push(&REQUEST[..14], &mut given);
        cutter.lose(3, &mut given);
        cutter.push(&REQUEST[17..], &mut given);
        cutter.push(&REQUEST, &mut given);
        assert_eq!(
            given,
            vec![
                RawDatagram {
                    bytes: REQUEST[..14].into(),
                    full_len: 19
                },
                RawDatagram::keep(&REQUEST)
            ]
        );
    }
}
