//! Who brings new units, and how fast: what is over the rate is one flood line, not units.

use std::collections::HashMap;

use super::Limits;
use crate::model::identity::ApplianceId;
use crate::model::snapshot::{FloodLine, FloodSender};
use crate::model::time::Timestamp;

/// How long a sender must be under its rate before its flood is over for good: then it can be saved again.
const CALM_MILLIS: u64 = 10_000;

/// New units held back within [`CALM_MILLIS`] that no hall brings: 600 units on one factory address, asked three times.
const DROWNING_AFTER: u64 = 2_000;

/// When there are too many senders, a flood that ended this long ago is forgotten.
const FLOOD_KEPT_MILLIS: u64 = 10 * 60 * 1000;

/// How many floods are shown, the newest first.
const LINES_SHOWN: usize = 100;

/// How many names or MACs of a flood are kept as samples.
const SAMPLES_KEPT: usize = 5;

/// Units of a sender that is not flooding yet are looked back at this far when it begins to.
const LOOK_BACK_MILLIS: u64 = 1_000;

/// What the registry may do with a sighting that would make a new unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Make the unit.
    Welcome,
    /// Make the unit, but do not save it until it is heard again: its sender floods.
    OnTrial,
    /// Count it only. The ids are units that came just before from the same sender and are on trial now too.
    HeldBack(Vec<ApplianceId>),
}

#[derive(Debug)]
struct Sender {
    /// Thousandths of a unit that it may still bring.
    tokens: u64,
    refilled: Timestamp,
    held_back: u64,
    held_in_window: u64,
    window_began: Timestamp,
    flooding_since: Option<Timestamp>,
    /// When it last had so many held back that what it repeats proves nothing.
    drowned: Option<Timestamp>,
    last: Timestamp,
    samples: Vec<String>,
    recent: Vec<(ApplianceId, Timestamp)>,
}

/// The senders of new units.
#[derive(Debug, Default)]
pub(super) struct Senders {
    by_sender: HashMap<FloodSender, Sender>,
    /// Counts up when a flood line changed.
    pub(super) revision: u64,
}

impl Senders {
    /// Asks whether `sender` may bring one more new unit; `sample` is what it calls itself.
    pub(super) fn admit(
        &mut self,
        sender: &FloodSender,
        now: Timestamp,
        limits: &Limits,
        sample: impl FnOnce() -> String,
    ) -> Admission {
        if !self.by_sender.contains_key(sender) && self.by_sender.len() >= limits.senders {
            self.forget_quiet(now);
            if self.by_sender.len() >= limits.senders {
                // More senders than can be told apart within ten seconds: they share the rate of one.
                return self.admit_crowd(sender, now, limits, sample);
            }
        }
        let full = u64::from(limits.new_units_per_sec) * 1_000;
        let entry = self
            .by_sender
            .entry(sender.clone())
            .or_insert_with(|| Sender::new(now, full));
        entry.refill(now, full);
        if entry.tokens >= 1_000 {
            entry.tokens -= 1_000;
            return if entry.flooding_since.is_some() {
                Admission::OnTrial
            } else {
                Admission::Welcome
            };
        }
        self.revision += 1;
        entry.hold_back(now, limits, sample)
    }

    fn admit_crowd(
        &mut self,
        sender: &FloodSender,
        now: Timestamp,
        limits: &Limits,
        sample: impl FnOnce() -> String,
    ) -> Admission {
        let crowd = FloodSender {
            interface: sender.interface.clone(),
            ip: std::net::Ipv4Addr::UNSPECIFIED.into(),
        };
        let full = u64::from(limits.new_units_per_sec) * 1_000;
        let entry = self
            .by_sender
            .entry(crowd)
            .or_insert_with(|| Sender::new(now, full));
        entry.refill(now, full);
        if entry.tokens >= 1_000 {
            entry.tokens -= 1_000;
            return Admission::OnTrial;
        }
        self.revision += 1;
        entry.hold_back(now, limits, sample)
    }

    /// Notes which unit an admitted sighting made.
    pub(super) fn made(&mut self, sender: &FloodSender, id: ApplianceId, now: Timestamp) {
        if let Some(entry) = self.by_sender.get_mut(sender) {
            entry
                .recent
                .retain(|(_, when)| now.millis_since(*when) < LOOK_BACK_MILLIS);
            entry.recent.push((id, now));
        }
    }

    /// Whether a sender floods harder than any hall of units could.
    pub(super) fn is_drowning(&self, sender: &FloodSender, now: Timestamp) -> bool {
        let entry = self.by_sender.get(sender);
        entry
            .and_then(|entry| entry.drowned)
            .is_some_and(|last| now.millis_since(last) < CALM_MILLIS)
    }

    /// Forgets a sender's flood, by a person's action.
    pub(super) fn forget(&mut self, sender: &FloodSender) {
        if let Some(entry) = self.by_sender.get_mut(sender) {
            entry.held_back = 0;
            entry.held_in_window = 0;
            entry.flooding_since = None;
            entry.samples.clear();
            self.revision += 1;
        }
    }

    /// The floods to show, the newest first.
    pub(super) fn lines(&self) -> Vec<FloodLine> {
        let mut lines: Vec<FloodLine> = self
            .by_sender
            .iter()
            .filter_map(|(sender, entry)| {
                entry.flooding_since.map(|since| FloodLine {
                    sender: sender.clone(),
                    since,
                    last: entry.last,
                    held_back: entry.held_back,
                    samples: entry.samples.clone(),
                })
            })
            .collect();
        lines.sort_by(|a, b| b.since.cmp(&a.since).then_with(|| a.sender.cmp(&b.sender)));
        lines.truncate(LINES_SHOWN);
        lines
    }

    /// Lets go of senders that have nothing to remember, and of floods that ended long ago.
    fn forget_quiet(&mut self, now: Timestamp) {
        self.by_sender.retain(|_, entry| {
            let kept_millis = if entry.flooding_since.is_some() {
                FLOOD_KEPT_MILLIS
            } else {
                CALM_MILLIS
            };
            now.millis_since(entry.last) < kept_millis
        });
    }
}

impl Sender {
    fn new(now: Timestamp, full: u64) -> Self {
        Self {
            tokens: full,
            refilled: now,
            held_back: 0,
            held_in_window: 0,
            window_began: now,
            flooding_since: None,
            drowned: None,
            last: now,
            samples: Vec::new(),
            recent: Vec::new(),
        }
    }

    fn refill(&mut self, now: Timestamp, full: u64) {
        // `full` thousandths a second are `full / 1000` a millisecond.
        let earned = now.millis_since(self.refilled).saturating_mul(full) / 1_000;
        if earned > 0 || now < self.refilled {
            self.tokens = self.tokens.saturating_add(earned).min(full);
            self.refilled = now;
        }
        self.last = now;
    }

    fn hold_back(
        &mut self,
        now: Timestamp,
        limits: &Limits,
        sample: impl FnOnce() -> String,
    ) -> Admission {
        if now.millis_since(self.window_began) >= CALM_MILLIS {
            self.window_began = now;
            self.held_in_window = 0;
        }
        self.held_back += 1;
        self.held_in_window += 1;
        if self.held_in_window >= DROWNING_AFTER {
            self.drowned = Some(now);
        }
        if self.samples.len() < SAMPLES_KEPT {
            self.samples.push(sample());
        }
        if self.flooding_since.is_none() && self.held_in_window >= limits.flood_after {
            self.flooding_since = Some(self.window_began);
            let recent = std::mem::take(&mut self.recent);
            let on_trial = recent
                .into_iter()
                .filter(|(_, when)| now.millis_since(*when) < LOOK_BACK_MILLIS)
                .map(|(id, _)| id)
                .collect();
            return Admission::HeldBack(on_trial);
        }
        Admission::HeldBack(Vec::new())
    }
}
