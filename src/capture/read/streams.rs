//! Puts TCP streams into order and hands them to the cutter. Bounded in streams and bytes: what is over is given up in
//! order, the oldest first.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::cutter::Cutter;
use super::envelope::Envelope;
use super::link::Vlans;
use crate::capture::Datagram;
use crate::capture::error::Skipped;
use crate::model::sighting::RawDatagram;

/// How many directions of streams are followed at once.
pub(super) const MAX_FLOWS: usize = 1_024;

/// How many segments that came too early are held of one stream, and of how many bytes.
const MAX_HELD: usize = 64;
const MAX_HELD_BYTES: usize = 128 * 1024;

/// How many bytes are held of all streams together.
pub(super) const MAX_ALL_HELD_BYTES: usize = 4 * 1024 * 1024;

/// A segment this far from where the stream is belongs to another one, on the same ports.
const MAX_JUMP_BYTES: u32 = 1024 * 1024;

/// One direction of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FlowKey {
    pub(super) interface_idx: usize,
    pub(super) vlans: Vlans,
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
}

/// One segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    pub(super) sequence: u32,
    pub(super) is_syn: bool,
    pub(super) is_fin: bool,
    pub(super) is_reset: bool,
    pub(super) bytes: &'a [u8],
    /// How many bytes it had; more than `bytes` when the capture holds only its beginning.
    pub(super) full_len: usize,
}

/// The streams that are open.
#[derive(Debug, Default)]
pub(super) struct Streams {
    flows: BTreeMap<FlowKey, Flow>,
    /// When each was used last, so that the one that is quiet for the longest is put aside first.
    by_use: BTreeMap<u64, FlowKey>,
    num_uses: u64,
    num_held_bytes: usize,
}

#[derive(Debug, Default)]
struct Flow {
    last_use: u64,
    /// The sequence number after the last byte that was handed on.
    next: Option<u32>,
    /// Where it began, when its first segment was seen.
    start: Option<u32>,
    /// Where it ends, once that was said.
    end: Option<u32>,
    held: Vec<Held>,
    num_held_bytes: usize,
    cutter: Cutter,
    /// Of the segment that was handed on last.
    last: Option<Envelope>,
}

/// A segment that came too early.
#[derive(Debug)]
struct Held {
    sequence: u32,
    bytes: Box<[u8]>,
    full_len: usize,
    envelope: Envelope,
}

impl Held {
    /// Everything that a file decides the size of.
    fn cost_bytes(&self) -> usize {
        self.bytes.len() + self.envelope.comment.len()
    }
}

/// Where the flow's datagrams go.
struct Out<'a> {
    datagrams: &'a mut Vec<Datagram>,
    skipped: &'a mut Skipped,
}

impl Out<'_> {
    fn give(&mut self, raws: Vec<RawDatagram>, envelope: Option<&Envelope>) {
        let Some(envelope) = envelope else { return };
        for (raw_idx, raw) in raws.into_iter().enumerate() {
            // A segment may hold thousands of messages: its comment goes with the first.
            let comment = if raw_idx == 0 { &envelope.comment } else { "" };
            self.datagrams.push(envelope.around(raw, comment));
        }
    }
}

impl Streams {
    /// Takes a segment and gives the messages that it completes.
    pub(super) fn add(
        &mut self,
        key: FlowKey,
        segment: Segment<'_>,
        envelope: Envelope,
        datagrams: &mut Vec<Datagram>,
        skipped: &mut Skipped,
    ) {
        let opens = segment.full_len > 0 || segment.is_syn;
        if !self.flows.contains_key(&key) && (!opens || segment.is_reset) {
            return;
        }
        let mut out = Out { datagrams, skipped };
        self.make_room(&key, &mut out);
        self.num_uses += 1;
        let flow = self.flows.entry(key).or_default();
        self.by_use.remove(&flow.last_use);
        flow.last_use = self.num_uses;
        self.by_use.insert(flow.last_use, key);

        let held_before = flow.num_held_bytes;
        flow.add(segment, envelope, &mut out);
        if self.num_held_bytes - held_before + flow.num_held_bytes > MAX_ALL_HELD_BYTES {
            flow.release_all(&mut out);
        }
        self.num_held_bytes = self.num_held_bytes - held_before + flow.num_held_bytes;
    }

    /// Nothing more comes: gives what is unfinished, in the order of its packets.
    pub(super) fn finish(&mut self, datagrams: &mut Vec<Datagram>, skipped: &mut Skipped) {
        let given_before = datagrams.len();
        let mut out = Out { datagrams, skipped };
        for flow in self.flows.values_mut() {
            flow.release_all(&mut out);
            flow.finish(&mut out);
        }
        self.flows.clear();
        self.by_use.clear();
        self.num_held_bytes = 0;
        datagrams[given_before..].sort_by_key(|datagram| datagram.packet);
    }

    fn make_room(&mut self, key: &FlowKey, out: &mut Out<'_>) {
        while self.flows.len() >= MAX_FLOWS && !self.flows.contains_key(key) {
            let Some((_, quiet)) = self.by_use.pop_first() else {
                return;
            };
            if let Some(mut flow) = self.flows.remove(&quiet) {
                self.num_held_bytes -= flow.num_held_bytes;
                flow.release_all(out);
                flow.finish(out);
                out.skipped.streams_put_aside += 1;
            }
        }
    }
}

impl Flow {
    fn add(&mut self, segment: Segment<'_>, envelope: Envelope, out: &mut Out<'_>) {
        let mut sequence = segment.sequence;
        if segment.is_syn {
            sequence = sequence.wrapping_add(1);
            // A second copy of the same one begins nothing.
            if self.start != Some(sequence) {
                self.begin_anew(sequence, out);
                self.start = Some(sequence);
            }
        }
        let is_far = |next: u32| {
            sequence.wrapping_sub(next).min(next.wrapping_sub(sequence)) > MAX_JUMP_BYTES
        };
        if self.next.is_none_or(is_far) && segment.full_len > 0 {
            self.begin_anew(sequence, out);
        }
        if segment.is_fin {
            self.end = Some(sequence.wrapping_add(segment.full_len as u32));
        }
        let Some(next) = self.next else { return };
        let ahead = sequence.wrapping_sub(next).cast_signed();
        if segment.full_len > 0 && ahead > 0 {
            self.hold(segment, sequence, envelope);
        } else if segment.full_len > 0 {
            self.hand_on(sequence, segment.bytes, segment.full_len, &envelope, out);
            self.release_ready(Some(&envelope), out);
        }
        if self.held.len() > MAX_HELD || self.num_held_bytes > MAX_HELD_BYTES || segment.is_reset {
            self.release_all(out);
        }
        if segment.is_reset || (self.end.is_some() && self.end == self.next) {
            self.finish(out);
        }
    }

    /// Another stream on the same ports.
    fn begin_anew(&mut self, next: u32, out: &mut Out<'_>) {
        if self.next.is_some() {
            self.release_all(out);
            self.finish(out);
        }
        *self = Self {
            last_use: self.last_use,
            next: Some(next),
            ..Self::default()
        };
    }

    fn hold(&mut self, segment: Segment<'_>, sequence: u32, envelope: Envelope) {
        let is_known = self
            .held
            .iter()
            .any(|held| held.sequence == sequence && held.full_len >= segment.full_len);
        if is_known {
            return;
        }
        let held = Held {
            sequence,
            bytes: Box::from(segment.bytes),
            full_len: segment.full_len,
            envelope,
        };
        self.num_held_bytes += held.cost_bytes();
        self.held.push(held);
    }

    /// Hands on bytes that begin where the stream is, or before.
    fn hand_on(
        &mut self,
        sequence: u32,
        bytes: &[u8],
        full_len: usize,
        envelope: &Envelope,
        out: &mut Out<'_>,
    ) {
        let next = self.next.unwrap_or(sequence);
        // Sent again, wholly or in part.
        let again = next.wrapping_sub(sequence) as usize;
        if again >= full_len {
            return;
        }
        let new = bytes.get(again..).unwrap_or_default();
        let lost = full_len - again - new.len();
        let mut given = Vec::new();
        if self.cutter.push(new, &mut given) {
            out.skipped.streams_ignored += 1;
        }
        self.cutter.lose(lost, &mut given);
        out.give(given, Some(envelope));
        self.next = Some(sequence.wrapping_add(full_len as u32));
        self.last = Some(envelope.without_comment());
    }

    /// Hands on what was held and has its turn now: complete since the packet that filled the gap, if one did.
    fn release_ready(&mut self, filled_by: Option<&Envelope>, out: &mut Out<'_>) {
        while let Some((held_idx, ahead)) = self.nearest() {
            if ahead > 0 {
                return;
            }
            let held = self.held.swap_remove(held_idx);
            self.num_held_bytes -= held.cost_bytes();
            let envelope = match filled_by {
                Some(filler) => Envelope {
                    comment: held.envelope.comment,
                    ..filler.without_comment()
                },
                None => held.envelope,
            };
            self.hand_on(held.sequence, &held.bytes, held.full_len, &envelope, out);
        }
    }

    /// Gives up what is missing: hands on all that is held.
    fn release_all(&mut self, out: &mut Out<'_>) {
        while let Some((_, ahead)) = self.nearest() {
            if ahead > 0 {
                out.skipped.stream_gaps += 1;
                let mut given = Vec::new();
                self.cutter.lose(ahead.unsigned_abs() as usize, &mut given);
                out.give(given, self.last.as_ref());
                self.next = self
                    .next
                    .map(|next| next.wrapping_add(ahead.unsigned_abs()));
            }
            self.release_ready(None, out);
        }
    }

    /// The held segment that comes first, and how far it is ahead of the stream.
    fn nearest(&self) -> Option<(usize, i32)> {
        let next = self.next?;
        let ahead = |held: &Held| held.sequence.wrapping_sub(next).cast_signed();
        let (held_idx, held) = self
            .held
            .iter()
            .enumerate()
            .min_by_key(|(_, held)| ahead(held))?;
        Some((held_idx, ahead(held)))
    }

    fn finish(&mut self, out: &mut Out<'_>) {
        let mut given = Vec::new();
        self.cutter.finish(&mut given);
        out.give(given, self.last.as_ref());
    }
}
