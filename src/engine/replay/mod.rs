//! A capture file as a read-only site: read once into a temporary file with what went over the watched ports, then played
//! into a registry and a watcher of its own, forwards and, by beginning anew, backwards.
//!
//! Reading and taking from the temporary file happen on threads that may wait; the actor takes batches.

mod ears;
mod reading;
mod spool;
mod timeline;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;

pub(super) use self::ears::Ears;
pub(super) use self::reading::{ReadDone, Reading};
pub(super) use self::spool::Spool;
use super::command::ReplayMove;
use super::decoding::DecoderSlot;
use super::hearing::Item;
use super::recorder::Recorder;
use crate::capture::Datagram;
use crate::model::finding::ManagementNetwork;
use crate::model::network::Network;
use crate::model::snapshot::Units;
use crate::model::time::Timestamp;
use crate::model::watching::{Comparison, ReplayState};

/// Datagrams in one batch from the temporary file.
const BATCH_DATAGRAMS: usize = 512;

/// Batches that may wait for the actor.
const BATCHES_WAITING: usize = 8;

/// How fast a replay is at first: a minute in a second.
const FIRST_SPEED: u32 = 60;

/// The fastest.
const TOP_SPEED: u32 = 3_600;

/// The units of the site that was open before, to compare with.
#[derive(Clone, Debug)]
pub(super) struct Before {
    pub(super) site: String,
    pub(super) units: Units,
    /// Where its units belong: the replay is judged by the same list.
    pub(super) management: Vec<ManagementNetwork>,
}

/// A capture that is replayed.
#[derive(Debug)]
pub(super) struct Replay {
    /// Which of the captures that were opened.
    pub(super) number: u64,
    path: PathBuf,
    /// `None` when reading is over.
    reading: Option<Arc<Reading>>,
    spool: Option<Spool>,
    num_packets: u64,
    histogram: Arc<Vec<u32>>,
    span: Option<(Timestamp, Timestamp)>,
    trouble: Option<String>,
    remarks: Vec<String>,
    /// What the file says of them, by name.
    networks: HashMap<Arc<str>, Vec<Network>>,
    /// Everything heard until then was taken.
    at: Timestamp,
    /// Where it is to go.
    wanted: Timestamp,
    /// Whether it moves on by itself.
    playing: Option<u32>,
    speed: u32,
    /// When the actor moved it last, by the real clock.
    moved: Timestamp,
    feed: Option<Feed>,
    /// Whether the last turn took everything that is wanted.
    is_reached: bool,
    /// Whether the end was told of.
    has_ended: bool,
    ears: Ears,
    /// `None` where the program was started with the capture.
    pub(super) before: Option<Before>,
    pub(super) compared: Option<Arc<Comparison>>,
    /// The units that were compared last, by their revision.
    pub(super) compared_revision: Option<u64>,
    state: Arc<ReplayState>,
}

/// Batches on their way from the temporary file, with what of the last one is still to come.
#[derive(Debug)]
struct Feed {
    batches: mpsc::Receiver<Vec<Datagram>>,
    waiting: std::collections::VecDeque<Datagram>,
    is_over: bool,
}

/// What a turn of the replay brings.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// What was heard, in order.
    pub(super) items: Vec<Item>,
    /// Whether there is more that is due.
    pub(super) is_behind: bool,
}

impl Replay {
    pub(super) fn new(
        number: u64,
        path: PathBuf,
        reading: Arc<Reading>,
        recorder: Arc<Recorder>,
        decoders: DecoderSlot,
        before: Option<Before>,
    ) -> Self {
        let state = Arc::new(ReplayState {
            path: path.clone(),
            reading: None,
            num_datagrams: 0,
            num_packets: 0,
            span: None,
            at: Timestamp::default(),
            playing: None,
            speed: FIRST_SPEED,
            histogram: Arc::default(),
            is_there: false,
            trouble: None,
            remarks: Vec::new(),
            compared: None,
        });
        Self {
            number,
            path,
            reading: Some(reading),
            spool: None,
            num_packets: 0,
            histogram: Arc::default(),
            span: None,
            trouble: None,
            remarks: Vec::new(),
            networks: HashMap::new(),
            at: Timestamp::default(),
            wanted: Timestamp::default(),
            playing: None,
            speed: FIRST_SPEED,
            moved: Timestamp::default(),
            feed: None,
            is_reached: false,
            has_ended: false,
            ears: Ears::new(recorder, decoders),
            before,
            compared: None,
            compared_revision: None,
            state,
        }
    }

    /// The file was read: everything in it is shown at first.
    pub(super) fn take_read(&mut self, done: ReadDone) {
        self.reading = None;
        self.num_packets = done.num_packets;
        self.trouble = done.trouble;
        self.remarks = done.remarks;
        self.networks = done.networks;
        self.histogram = Arc::new(done.histogram);
        self.span = done.span;
        self.spool = done.spool;
        if let Some((first, last)) = self.span {
            self.at = first;
            self.wanted = last;
        }
        self.is_reached = false;
    }

    /// Whether the file is still being read.
    pub(super) const fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// Whether it is the one that this reading is for.
    pub(super) fn is_of(&self, reading: &Arc<Reading>) -> bool {
        self.reading
            .as_ref()
            .is_some_and(|ours| Arc::ptr_eq(ours, reading))
    }

    /// All datagrams, when they were read.
    pub(super) fn spool(&self) -> Option<Spool> {
        self.spool.clone()
    }

    /// Gives up reading: what was read until then is shown.
    pub(super) fn cancel_reading(&self) {
        if let Some(reading) = &self.reading {
            reading.cancel();
        }
    }

    /// The time that the replay is at: what the registry and the watcher take for now.
    pub(super) const fn at(&self) -> Timestamp {
        self.at
    }

    /// The interfaces of the capture, with the addresses of whoever captured where the file tells them.
    pub(super) fn interfaces(&self) -> impl Iterator<Item = (&Arc<str>, Vec<Network>)> {
        let names = self.spool.as_ref().map_or(&[][..], Spool::names);
        names
            .iter()
            .map(|name| (name, self.networks.get(name).cloned().unwrap_or_default()))
    }

    /// A person moves along it. Says whether everything is to begin anew: time does not go backwards in a registry.
    pub(super) fn obey(&mut self, wish: ReplayMove, now: Timestamp) -> bool {
        let Some((first, last)) = self.span else {
            return false;
        };
        self.is_reached = false;
        match wish {
            ReplayMove::Pause => {
                self.playing = None;
                self.wanted = self.at;
            }
            ReplayMove::Play { speed } => {
                self.speed = speed.clamp(1, TOP_SPEED);
                self.playing = Some(self.speed);
                self.moved = now;
                if self.at >= last {
                    self.wanted = first;
                    self.begin_anew(first);
                    return true;
                }
                self.wanted = self.at;
            }
            ReplayMove::To(when) => {
                self.wanted = when.clamp(first, last);
                self.moved = now;
                if self.wanted < self.at {
                    self.begin_anew(first);
                    return true;
                }
            }
        }
        false
    }

    fn begin_anew(&mut self, first: Timestamp) {
        self.at = first;
        self.feed = None;
        self.has_ended = false;
    }

    /// The registry and the watcher are new, and so is the record.
    pub(super) fn set_recorder(&mut self, recorder: Arc<Recorder>, decoders: DecoderSlot) {
        self.ears = Ears::new(recorder, decoders);
    }

    /// Moves on: takes what is due, at most `max_datagrams` of it.
    pub(super) fn turn(&mut self, now: Timestamp, max_datagrams: usize) -> Turn {
        let mut turn = Turn::default();
        let (Some(spool), Some((_, last))) = (&self.spool, self.span) else {
            return turn;
        };
        if let Some(speed) = self.playing {
            let passed = now.as_millis().saturating_sub(self.moved.as_millis());
            // A clock that was set, or a laptop that slept, moves it by no more than a second.
            let passed = passed.clamp(0, 1_000).unsigned_abs() * u64::from(speed);
            self.moved = now;
            self.wanted = self.wanted.plus_millis(passed).min(last);
        }
        let feed = self.feed.get_or_insert_with(|| Feed::begin(spool));
        let mut num_taken = 0;
        let is_reached = loop {
            if num_taken >= max_datagrams {
                break false;
            }
            let Some(datagram) = feed.next() else {
                break feed.is_over;
            };
            // What is older than what came before it counts as if it came with it.
            if datagram.when > self.wanted {
                feed.waiting.push_front(datagram);
                break true;
            }
            num_taken += 1;
            self.at = self.at.max(datagram.when);
            self.ears.hear(&datagram, &mut turn.items);
        };
        self.ears.forget_old(self.at);
        turn.is_behind = !is_reached;
        self.is_reached = is_reached;
        if is_reached {
            self.at = self.wanted.max(self.at);
            if self.playing.is_some() && self.at >= last {
                self.playing = None;
            }
        }
        turn
    }

    /// Whether everything in the capture was taken, asked for the first time since: what was seen in its last moment
    /// is still to settle.
    pub(super) fn has_just_ended(&mut self) -> bool {
        let is_over = self.is_there() && self.span.is_some_and(|(_, last)| self.at >= last);
        is_over && !std::mem::replace(&mut self.has_ended, true)
    }

    /// How many datagrams were taken so far, and how many of them were not understood.
    pub(super) fn tallies(&self) -> (u64, u64) {
        self.ears.tallies()
    }

    /// Whether everything that is wanted was taken.
    pub(super) fn is_there(&self) -> bool {
        !self.is_reading() && (self.span.is_none() || self.is_reached)
    }

    /// For the window. The same picture as before, when nothing changed.
    pub(super) fn state(&mut self) -> Arc<ReplayState> {
        let state = ReplayState {
            path: self.path.clone(),
            reading: self.reading.as_ref().map(|reading| reading.state()),
            num_datagrams: self.spool.as_ref().map_or(0, Spool::num_datagrams),
            num_packets: self.num_packets,
            span: self.span,
            at: self.at,
            playing: self.playing,
            speed: self.speed,
            histogram: Arc::clone(&self.histogram),
            is_there: self.is_there(),
            trouble: self.trouble.clone(),
            remarks: self.remarks.clone(),
            compared: self.compared.clone(),
        };
        if *self.state != state {
            self.state = Arc::new(state);
        }
        Arc::clone(&self.state)
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.cancel_reading();
    }
}

impl Feed {
    fn begin(spool: &Spool) -> Self {
        let (out, batches) = mpsc::channel(BATCHES_WAITING);
        let mut reader = spool.read();
        tokio::task::spawn_blocking(move || {
            loop {
                let mut batch = Vec::with_capacity(BATCH_DATAGRAMS);
                while batch.len() < BATCH_DATAGRAMS {
                    match reader.next() {
                        Ok(Some(datagram)) => batch.push(datagram),
                        Ok(None) => break,
                        Err(error) => {
                            tracing::warn!("the temporary file of a replay broke: {error}");
                            break;
                        }
                    }
                }
                let is_last = batch.len() < BATCH_DATAGRAMS;
                // The replay went elsewhere, or was closed.
                if out.blocking_send(batch).is_err() || is_last {
                    return;
                }
            }
        });
        Self {
            batches,
            waiting: std::collections::VecDeque::new(),
            is_over: false,
        }
    }

    /// The next datagram; `None` when there is none just now, or none any more.
    fn next(&mut self) -> Option<Datagram> {
        loop {
            if let Some(datagram) = self.waiting.pop_front() {
                return Some(datagram);
            }
            match self.batches.try_recv() {
                Ok(batch) => self.waiting.extend(batch),
                Err(mpsc::error::TryRecvError::Empty) => return None,
                Err(mpsc::error::TryRecvError::Disconnected) => {
                    self.is_over = true;
                    return None;
                }
            }
        }
    }
}
