//! Puts fragmented IP datagrams together again, within bounds of number, size and time. Fragments that overlap and
//! disagree cost the whole datagram, since it cannot be said which of them the receiver would have believed.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use super::ip::Fragment;
use super::link::Vlans;
use crate::model::time::Timestamp;

/// How many datagrams may be open at once.
pub(super) const MAX_OPEN: usize = 256;

/// How many bytes the fragments of all open datagrams may have together.
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;

/// How long a datagram is waited for, in time of the capture.
const MAX_AGE_MILLIS: u64 = 30_000;

/// The longest payload that IP knows.
const MAX_WHOLE_BYTES: usize = 65_535;

/// What one fragment costs beside its bytes, so that tiny ones are bounded too.
const PIECE_COST_BYTES: usize = 64;

/// How many datagrams of other ports are remembered, so that their later fragments are not kept.
const IGNORED_KEPT: usize = 256;

/// Which datagram a fragment belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FragmentKey {
    pub(super) interface_idx: usize,
    pub(super) vlans: Vlans,
    pub(super) from: IpAddr,
    pub(super) to: IpAddr,
    /// Of IPv4; of IPv6 only the first fragment tells it.
    pub(super) protocol: Option<u8>,
    pub(super) id: u32,
}

/// One fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    pub(super) protocol: u8,
    pub(super) fragment: Fragment,
    pub(super) bytes: &'a [u8],
    /// The capture holds only its beginning.
    pub(super) is_cut: bool,
}

/// A datagram that is whole again.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) protocol: u8,
    pub(super) bytes: Vec<u8>,
}

/// The datagrams that are not whole yet.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    /// The oldest first.
    open: VecDeque<Open>,
    ignored: VecDeque<FragmentKey>,
    num_bytes: usize,
    /// How many datagrams were given up.
    pub(super) given_up: u64,
}

#[derive(Debug)]
struct Open {
    key: FragmentKey,
    since: Timestamp,
    /// Of the fragment at offset 0.
    protocol: Option<u8>,
    /// By offset; no two overlap.
    pieces: BTreeMap<usize, Box<[u8]>>,
    /// How many bytes the pieces have together.
    have_bytes: usize,
    cost_bytes: usize,
    /// How long the whole is, once the last fragment was seen.
    whole_bytes: Option<usize>,
}

/// What a fragment did.
enum Added {
    Waiting,
    Complete,
    Contradicts,
}

impl Fragments {
    /// Takes a fragment. Returns the datagram that it completes.
    ///
    /// `is_wanted` looks at a first fragment; a datagram that is not wanted is forgotten, and not counted.
    pub(super) fn add(
        &mut self,
        key: FragmentKey,
        when: Timestamp,
        piece: Piece<'_>,
        is_wanted: impl FnOnce(u8, &[u8]) -> bool,
    ) -> Option<Whole> {
        self.give_up_old(when);
        let is_first = piece.fragment.offset_bytes == 0;
        if is_first && !is_wanted(piece.protocol, piece.bytes) {
            self.forget(key);
            self.ignore(key);
            return None;
        }
        if let Some(known) = self.ignored.iter().position(|ignored| *ignored == key) {
            if !is_first {
                return None;
            }
            // The number is used again.
            self.ignored.remove(known);
        }
        let open_idx = match self.open.iter().position(|open| open.key == key) {
            Some(open_idx) => open_idx,
            None => self.open_new(key, when),
        };
        let open = &mut self.open[open_idx];
        if is_first {
            open.protocol = Some(piece.protocol);
        }
        let cost_before = open.cost_bytes;
        let added = open.add(piece);
        self.num_bytes += open.cost_bytes - cost_before;
        match added {
            Added::Waiting => {
                while self.num_bytes > MAX_BYTES {
                    self.give_up_oldest();
                }
                None
            }
            Added::Complete => {
                let open = self.open.remove(open_idx)?;
                self.num_bytes -= open.cost_bytes;
                open.into_whole()
            }
            Added::Contradicts => {
                self.forget(key);
                self.ignore(key);
                self.given_up += 1;
                None
            }
        }
    }

    /// Nothing more comes: what is open stays open.
    pub(super) fn finish(&mut self) {
        self.given_up += self.open.len() as u64;
        self.open.clear();
        self.num_bytes = 0;
    }

    fn open_new(&mut self, key: FragmentKey, when: Timestamp) -> usize {
        while self.open.len() >= MAX_OPEN {
            self.give_up_oldest();
        }
        self.open.push_back(Open {
            key,
            since: when,
            protocol: None,
            pieces: BTreeMap::new(),
            have_bytes: 0,
            cost_bytes: 0,
            whole_bytes: None,
        });
        self.open.len() - 1
    }

    fn give_up_old(&mut self, now: Timestamp) {
        while let Some(oldest) = self.open.front() {
            // Both ways: the clock of a capture may be set back.
            let age = now
                .millis_since(oldest.since)
                .max(oldest.since.millis_since(now));
            if age <= MAX_AGE_MILLIS {
                return;
            }
            self.give_up_oldest();
        }
    }

    fn give_up_oldest(&mut self) {
        if let Some(oldest) = self.open.pop_front() {
            self.num_bytes -= oldest.cost_bytes;
            self.given_up += 1;
        }
    }

    fn forget(&mut self, key: FragmentKey) {
        let open_idx = self.open.iter().position(|open| open.key == key);
        if let Some(open) = open_idx.and_then(|open_idx| self.open.remove(open_idx)) {
            self.num_bytes -= open.cost_bytes;
        }
    }

    fn ignore(&mut self, key: FragmentKey) {
        if self.ignored.contains(&key) {
            return;
        }
        if self.ignored.len() >= IGNORED_KEPT {
            self.ignored.pop_front();
        }
        self.ignored.push_back(key);
    }
}

impl Open {
    fn add(&mut self, piece: Piece<'_>) -> Added {
        let start = piece.fragment.offset_bytes;
        let end = start + piece.bytes.len();
        let is_last = piece.fragment.is_last;
        let is_sound = !piece.is_cut
            && end <= MAX_WHOLE_BYTES
            && !piece.bytes.is_empty()
            && (is_last || piece.bytes.len().is_multiple_of(8));
        if !is_sound || self.whole_bytes.is_some_and(|whole| end > whole) {
            return Added::Contradicts;
        }
        if is_last {
            let reaches_further = self
                .pieces
                .last_key_value()
                .is_some_and(|(at, bytes)| at + bytes.len() > end);
            if reaches_further || self.whole_bytes.is_some_and(|whole| whole != end) {
                return Added::Contradicts;
            }
            self.whole_bytes = Some(end);
        }
        if !self.fill(start, piece.bytes) {
            return Added::Contradicts;
        }
        if self.whole_bytes == Some(self.have_bytes) {
            Added::Complete
        } else {
            Added::Waiting
        }
    }

    /// Keeps what is new of `bytes`. `false` when it differs from what is known.
    fn fill(&mut self, start: usize, bytes: &[u8]) -> bool {
        let end = start + bytes.len();
        // Where the next byte that may be new lies.
        let mut at = start;
        let mut gaps: Vec<(usize, usize)> = Vec::new();
        let before = self.pieces.range(..start).next_back();
        for (&known_start, known) in before.into_iter().chain(self.pieces.range(start..end)) {
            let known_end = known_start + known.len();
            let (from, to) = (known_start.max(start), known_end.min(end));
            if from >= to {
                continue;
            }
            if known[from - known_start..to - known_start] != bytes[from - start..to - start] {
                return false;
            }
            if at < from {
                gaps.push((at, from));
            }
            at = at.max(to);
        }
        if at < end {
            gaps.push((at, end));
        }
        for (from, to) in gaps {
            self.pieces
                .insert(from, Box::from(&bytes[from - start..to - start]));
            self.have_bytes += to - from;
            self.cost_bytes += to - from + PIECE_COST_BYTES;
        }
        true
    }

    fn into_whole(self) -> Option<Whole> {
        let mut bytes = Vec::with_capacity(self.have_bytes);
        for piece in self.pieces.values() {
            bytes.extend_from_slice(piece);
        }
        Some(Whole {
            protocol: self.protocol?,
            bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_349_561_000);

    fn key(id: u32) -> FragmentKey {
        FragmentKey {
            interface_idx: 0,
            vlans: Vlans::default(),
            from: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9)),
            to: IpAddr::V4(Ipv4Addr::BROADCAST),
            protocol: Some(17),
            id,
        }
    }

    fn piece(offset_bytes: usize, bytes: &[u8], is_last: bool) -> Piece<'_> {
        Piece {
            protocol: 17,
            fragment: Fragment {
                id: 0,
                offset_bytes,
                is_last,
            },
            bytes,
            is_cut: false,
        }
    }

    fn add(fragments: &mut Fragments, id: u32, piece: Piece<'_>) -> Option<Vec<u8>> {
        fragments
            .add(key(id), NOW, piece, |_, _| true)
            .map(|whole| whole.bytes)
    }

    #[test]
    fn any_order_gives_the_same_whole() {
        let bytes: Vec<u8> = (0..30).collect();
        let parts = [(0, 8, false), (8, 24, false), (24, 30, true)];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]] {
            let mut fragments = Fragments::default();
            let mut whole = None;
            for part in order {
                let (from, to, is_last) = parts[part];
                assert_eq!(whole, None);
                whole = add(&mut fragments, 7, piece(from, &bytes[from..to], is_last));
            }
            assert_eq!(whole.as_ref(), Some(&bytes));
            assert_eq!((fragments.given_up, fragments.num_bytes), (0, 0));
        }
    }

    #[test]
    fn overlaps_that_agree_are_taken() {
        let bytes: Vec<u8> = (0..40).collect();
        let mut fragments = Fragments::default();
        assert_eq!(add(&mut fragments, 1, piece(8, &bytes[8..16], false)), None);
        assert_eq!(add(&mut fragments, 1, piece(8, &bytes[8..16], false)), None);
        assert_eq!(
            add(&mut fragments, 1, piece(24, &bytes[24..40], true)),
            None
        );
        let whole = add(&mut fragments, 1, piece(0, &bytes[0..32], false));
        assert_eq!(whole, Some(bytes));
    }

    #[test]
    fn overlaps_that_disagree_cost_the_datagram() {
        let mut fragments = Fragments::default();
        assert_eq!(add(&mut fragments, 1, piece(0, &[1; 16], false)), None);
        assert_eq!(add(&mut fragments, 1, piece(8, &[2; 16], false)), None);
        assert_eq!(add(&mut fragments, 1, piece(16, &[1; 4], true)), None);
        assert_eq!((fragments.given_up, fragments.open.len()), (1, 0));
    }

    #[test]
    fn what_cannot_be_a_fragment_is_refused() {
        let hostile = [
            piece(65_528, &[0; 16], false),
            piece(0, &[0; 9], false),
            piece(8, &[], true),
            Piece {
                is_cut: true,
                ..piece(0, &[0; 8], false)
            },
        ];
        for (id, hostile) in (0..).zip(hostile) {
            let mut fragments = Fragments::default();
            assert_eq!(add(&mut fragments, id, hostile), None);
            assert_eq!((fragments.given_up, fragments.num_bytes), (1, 0));
        }
        let mut fragments = Fragments::default();
        assert_eq!(add(&mut fragments, 1, piece(64, &[0; 8], false)), None);
        assert_eq!(add(&mut fragments, 1, piece(8, &[0; 8], true)), None);
        assert_eq!(fragments.given_up, 1, "a last fragment before another");
    }

    #[test]
    fn number_size_and_age_are_bounded_and_the_oldest_goes_first() {
        let mut fragments = Fragments::default();
        for id in 0..1_000 {
            add(&mut fragments, id, piece(8, &[0; 8], false));
        }
        assert_eq!(fragments.open.len(), MAX_OPEN);
        assert_eq!(fragments.given_up, 1_000 - MAX_OPEN as u64);
        assert!(add(&mut fragments, 999, piece(0, &[0; 8], false)).is_none());
        assert!(add(&mut fragments, 999, piece(16, &[0; 8], true)).is_some());

        for id in 0..MAX_OPEN as u32 {
            add(&mut fragments, id, piece(8, &vec![0; 60_000], false));
            assert!(fragments.num_bytes <= MAX_BYTES);
        }
        let later = NOW.plus_millis(MAX_AGE_MILLIS + 1);
        fragments.add(key(5_000), later, piece(8, &[0; 8], false), |_, _| true);
        assert_eq!(fragments.open.len(), 1, "what is older than 30 s is gone");
    }

    #[test]
    fn datagrams_of_other_ports_are_not_kept_nor_counted() {
        let mut fragments = Fragments::default();
        add(&mut fragments, 3, piece(16, &[0; 8], true));
        fragments.add(key(3), NOW, piece(0, &[0; 8], false), |_, _| false);
        add(&mut fragments, 3, piece(8, &[0; 8], false));
        assert_eq!((fragments.open.len(), fragments.num_bytes), (0, 0));
        assert_eq!(fragments.given_up, 0);
    }
}
