//! The ring that captures are saved from: small pcapng files, the oldest thrown away. Those that were saved into the site
//! file are not held in memory any more.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::capture::{CaptureInterface, CaptureWriter, Record, WriterNote};
use crate::model::time::Timestamp;
use crate::model::watching::CaptureState;

/// How much of what went over the watched ports is kept: 64 MiB.
pub const RING_BYTES: u64 = 64 << 20;

/// A segment that is longer is closed.
const SEGMENT_BYTES: usize = 256 << 10;

/// The segment that is being written is saved as far as it is this often: a crash loses no more than that.
const SAVE_OPEN_MILLIS: u64 = 2_000;

/// A part of the ring: a whole pcapng file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Counts up; never used twice in one site.
    pub seq: u64,
    /// When its first datagram was.
    pub first: Timestamp,
    /// When its last datagram was.
    pub last: Timestamp,
    /// Datagrams in it.
    pub num_datagrams: u64,
    /// How long it is.
    pub num_bytes: u64,
    /// The file; `None` when it is only in the site file.
    pub bytes: Option<Arc<[u8]>>,
}

/// The segment that is being written.
struct Open {
    seq: u64,
    /// How much of it the site file has.
    saved_bytes: u64,
    writer: CaptureWriter<Vec<u8>>,
    /// The interfaces of its file by their system names, as they were described last.
    places: HashMap<Arc<str>, (u32, CaptureInterface)>,
    first: Timestamp,
    last: Timestamp,
    num_datagrams: u64,
}

impl Open {
    fn segment(&self, bytes: Arc<[u8]>) -> Segment {
        Segment {
            seq: self.seq,
            first: self.first,
            last: self.last,
            num_datagrams: self.num_datagrams,
            num_bytes: bytes.len() as u64,
            bytes: Some(bytes),
        }
    }
}

/// What of the ring the site file does not have yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsaved {
    /// To be put in, in the place of those with the same number.
    pub segments: Vec<Segment>,
    /// The numbers of those to be taken out.
    pub removed: Vec<u64>,
}

impl Unsaved {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty() && self.removed.is_empty()
    }
}

/// The last 64 MiB of what went over the watched ports.
#[derive(Default)]
pub struct Ring {
    segments: VecDeque<Segment>,
    open: Option<Open>,
    num_bytes: u64,
    num_datagrams: u64,
    num_missed: u64,
    next_seq: u64,
    /// When the segment that is being written was saved last.
    open_offered: Timestamp,
    /// Segments that the site file has and the ring does not: to be taken out of it.
    removed: Vec<u64>,
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ring")
            .field("segments", &self.segments.len())
            .field("num_bytes", &self.num_bytes)
            .finish_non_exhaustive()
    }
}

impl Ring {
    /// Begins with the segments that a site file has, oldest first.
    pub fn load(&mut self, segments: Vec<Segment>) {
        *self = Self::default();
        self.next_seq = segments.last().map_or(0, |segment| segment.seq);
        self.num_bytes = segments.iter().map(|segment| segment.num_bytes).sum();
        self.num_datagrams = segments.iter().map(|segment| segment.num_datagrams).sum();
        self.segments = segments.into();
        self.drop_oldest();
    }

    /// Takes one datagram.
    pub(super) fn push(
        &mut self,
        name: &Arc<str>,
        shown: Option<&CaptureInterface>,
        mut record: Record,
    ) {
        let Some(idx) = self.place_of(name, shown, record.when) else {
            self.num_missed += 1;
            return;
        };
        let Some(open) = &mut self.open else { return };
        record.interface_idx = idx;
        if open.writer.write(&record).is_err() {
            self.num_missed += 1;
            return;
        }
        open.last = record.when;
        open.num_datagrams += 1;
        if open.writer.get_ref().len() >= SEGMENT_BYTES {
            self.close_open();
        }
    }

    /// The place of an interface in the segment that is being written; one that is new, or that is described anew, is
    /// added to it.
    fn place_of(
        &mut self,
        name: &Arc<str>,
        shown: Option<&CaptureInterface>,
        when: Timestamp,
    ) -> Option<u32> {
        if self.open.is_none() {
            let writer = CaptureWriter::new(Vec::new(), &[], &WriterNote::default()).ok()?;
            self.next_seq += 1;
            self.open = Some(Open {
                seq: self.next_seq,
                saved_bytes: 0,
                writer,
                places: HashMap::new(),
                first: when,
                last: when,
                num_datagrams: 0,
            });
        }
        let open = self.open.as_mut()?;
        if let Some((place, known)) = open.places.get(name)
            && shown.is_none_or(|shown| known == shown)
        {
            return Some(*place);
        }
        let shown = shown.cloned().unwrap_or_else(|| CaptureInterface {
            name: name.to_string(),
            ..CaptureInterface::default()
        });
        let place = open.writer.add_interface(&shown).ok()?;
        open.places.insert(Arc::clone(name), (place, shown));
        Some(place)
    }

    fn close_open(&mut self) {
        let Some(open) = self.open.take().filter(|open| open.num_datagrams > 0) else {
            return;
        };
        let segment = open.segment(Arc::from([]));
        let Ok(bytes) = open.writer.finish() else {
            self.num_missed += segment.num_datagrams;
            return;
        };
        self.num_bytes += bytes.len() as u64;
        self.num_datagrams += segment.num_datagrams;
        self.segments.push_back(Segment {
            num_bytes: bytes.len() as u64,
            bytes: Some(bytes.into()),
            ..segment
        });
        self.drop_oldest();
    }

    fn drop_oldest(&mut self) {
        while self.num_bytes > RING_BYTES
            && let Some(oldest) = self.segments.pop_front()
        {
            self.num_bytes -= oldest.num_bytes;
            self.num_datagrams -= oldest.num_datagrams;
            self.removed.push(oldest.seq);
        }
    }

    /// The segments that are to be saved into the site file, at most `max_bytes` of them but for one, and those to be
    /// taken out of it. With `all`, also what is only a moment old.
    pub fn unsaved(&mut self, max_bytes: u64, now: Timestamp, all: bool) -> Unsaved {
        let mut left = max_bytes;
        let mut segments: Vec<Segment> = self
            .segments
            .iter()
            .filter(|segment| segment.bytes.is_some())
            .take_while(|segment| {
                let fits = left >= segment.num_bytes || left == max_bytes;
                left = left.saturating_sub(segment.num_bytes);
                fits
            })
            .cloned()
            .collect();
        let is_due = now.as_millis().abs_diff(self.open_offered.as_millis()) >= SAVE_OPEN_MILLIS;
        if (all || (is_due && left > 0))
            && let Some(open) = &self.open
            && open.writer.get_ref().len() as u64 != open.saved_bytes
            && open.num_datagrams > 0
        {
            self.open_offered = now;
            segments.push(open.segment(Arc::from(open.writer.get_ref().as_slice())));
        }
        Unsaved {
            segments,
            removed: self.removed.clone(),
        }
    }

    /// The site file has these now, and has let go of those.
    pub fn saved(&mut self, unsaved: &Unsaved) {
        let is_saved = |seq: u64, num_bytes: u64| {
            unsaved
                .segments
                .iter()
                .any(|saved| saved.seq == seq && saved.num_bytes == num_bytes)
        };
        for segment in &mut self.segments {
            if is_saved(segment.seq, segment.num_bytes) {
                segment.bytes = None;
            }
        }
        if let Some(open) = &mut self.open
            && let Some(saved) = unsaved.segments.iter().find(|saved| saved.seq == open.seq)
        {
            open.saved_bytes = saved.num_bytes;
        }
        // What was thrown away while it was being saved is still to be taken out.
        let was_put_in = |seq: &u64| unsaved.segments.iter().any(|saved| saved.seq == *seq);
        self.removed
            .retain(|seq| !unsaved.removed.contains(seq) || was_put_in(seq));
    }

    /// All segments, oldest first; what is being written is closed first.
    pub fn all(&mut self) -> Vec<Segment> {
        self.close_open();
        self.segments.iter().cloned().collect()
    }

    /// For the window.
    pub fn state(&self, is_on: bool) -> CaptureState {
        let open = self.open.as_ref();
        CaptureState {
            is_on,
            num_bytes: self.num_bytes + open.map_or(0, |open| open.writer.get_ref().len() as u64),
            num_datagrams: self.num_datagrams + open.map_or(0, |open| open.num_datagrams),
            oldest: self
                .segments
                .front()
                .map(|segment| segment.first)
                .or_else(|| open.map(|open| open.first)),
            num_missed: self.num_missed,
        }
    }
}
