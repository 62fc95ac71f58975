//! The findings: candidates that wait, open ones, what a person made of them, and what the site file is to be told.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::model::finding::{
    FINDING_SAMPLES, FINDINGS_KEPT, Finding, FindingKey, FindingKind, FindingSample, FindingState,
    GONE_MILLIS,
};
use crate::model::identity::Mac;
use crate::model::time::Timestamp;

/// How many candidates may wait. More in so short a time are a flood.
pub const CANDIDATES_KEPT: usize = 4_096;

/// How many lines of details a finding has.
pub const DETAILS_KEPT: usize = 16;

/// How many characters of a person's note are kept.
const NOTE_CHARS: usize = 2_000;

/// What is seldom said again by nature is gone after a day: a unit that is off the management networks, behind a
/// router, or still announces itself.
pub const SELDOM_GONE_MILLIS: u64 = 24 * 60 * 60 * 1000;

/// What is only seen when a person checks is gone after a week.
pub const CHECKED_GONE_MILLIS: u64 = 7 * SELDOM_GONE_MILLIS;

/// How long a finding of a kind may go unseen before it is gone.
pub const fn gone_after_millis(kind: FindingKind) -> u64 {
    match kind {
        FindingKind::OffManagement | FindingKind::Routed | FindingKind::StillAnnounces => {
            SELDOM_GONE_MILLIS
        }
        FindingKind::Exposed => CHECKED_GONE_MILLIS,
        _ => GONE_MILLIS,
    }
}

/// Lines of details that begin with one of these take the place of the one that was there. Others are added.
const RENEWED: [&str; 5] = [RATE, PEAK, AVERAGE, SENDERS, HELD_BACK];

pub(super) const RATE: &str = "How often: ";
pub(super) const PEAK: &str = "Peak: ";
pub(super) const AVERAGE: &str = "Average: ";
pub(super) const SENDERS: &str = "Senders: ";
pub(super) const HELD_BACK: &str = "Held back: ";

/// Lines of details that begin with this are so many that the oldest of them makes room for a new one.
pub(super) const ASKED: &str = "Asked for: ";

/// What was seen once, and is to be a finding or part of one.
#[derive(Debug)]
pub(super) struct Observation {
    pub(super) key: FindingKey,
    pub(super) what: String,
    pub(super) interface: Option<Arc<str>>,
    pub(super) sender: Option<IpAddr>,
    pub(super) mac: Option<Mac>,
    pub(super) ip: Option<IpAddr>,
    pub(super) when: Timestamp,
    /// How many datagrams it stands for.
    pub(super) count: u64,
    pub(super) lines: Vec<String>,
    pub(super) samples: Vec<FindingSample>,
}

/// Who made a candidate: so that a flood can take it back.
#[derive(Clone, Debug, Default)]
pub(super) struct Origin {
    /// The interface, by its number.
    pub(super) place: u16,
    /// The senders, by their numbers.
    pub(super) senders: Vec<u64>,
    /// The units that it is about, where they are to be looked at again before it opens.
    pub(super) macs: Vec<Mac>,
}

/// What waits before it is a finding.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) finding: Finding,
    pub(super) since: u64,
    pub(super) origin: Origin,
}

#[derive(Debug)]
struct Slot {
    finding: Arc<Finding>,
    /// When it was seen last, by the watcher's own time.
    seen: u64,
    is_dirty: bool,
}

/// The findings.
#[derive(Debug, Default)]
pub(super) struct Store {
    slots: BTreeMap<FindingKey, Slot>,
    candidates: BTreeMap<FindingKey, Candidate>,
    published: Option<Arc<Vec<Arc<Finding>>>>,
    dirty: BTreeSet<FindingKey>,
    removed: BTreeSet<FindingKey>,
    revision: u64,
}

impl Store {
    /// Takes over the findings of a site. Each has its time again before it is gone.
    pub(super) fn load(&mut self, findings: Vec<Finding>, millis: u64) {
        let revision = self.revision + 1;
        *self = Self {
            revision,
            ..Self::default()
        };
        for mut finding in findings {
            finding.samples.truncate(FINDING_SAMPLES);
            finding.details.truncate(DETAILS_KEPT);
            let slot = Slot {
                seen: millis,
                is_dirty: false,
                finding: Arc::new(finding),
            };
            self.slots.insert(slot.finding.key.clone(), slot);
        }
        self.make_room(0);
    }

    /// Whether there is such a finding that is open or accepted.
    pub(super) fn is_active(&self, key: &FindingKey) -> bool {
        self.slots.get(key).is_some_and(Slot::is_active)
    }

    /// Whether such a candidate waits.
    pub(super) fn is_waiting(&self, key: &FindingKey) -> bool {
        self.candidates.contains_key(key)
    }

    /// Takes back a candidate.
    pub(super) fn withdraw(&mut self, key: &FindingKey) -> Option<Candidate> {
        self.candidates.remove(key)
    }

    /// How often it was seen, where it is active: what is seen very often needs no more words.
    pub(super) fn active_count(&self, key: &FindingKey) -> Option<u64> {
        let slot = self.slots.get(key)?;
        slot.is_active().then_some(slot.finding.count)
    }

    /// Counts one more datagram of an active finding.
    pub(super) fn count(&mut self, key: &FindingKey, when: Timestamp, millis: u64) {
        if let Some(slot) = self.slots.get_mut(key) {
            slot.seen = millis;
            let finding = Arc::make_mut(&mut slot.finding);
            finding.count = finding.count.saturating_add(1);
            finding.last = finding.last.max(when);
            self.touched(key);
        }
    }

    /// Something was seen that becomes a finding when nothing takes it back.
    pub(super) fn observe(&mut self, seen: Observation, origin: Origin, millis: u64) {
        if self.is_active(&seen.key) {
            self.observe_now(seen, millis);
        } else if let Some(candidate) = self.candidates.get_mut(&seen.key) {
            absorb(&mut candidate.finding, seen);
            for sender in origin.senders {
                if candidate.origin.senders.len() < 8 && !candidate.origin.senders.contains(&sender)
                {
                    candidate.origin.senders.push(sender);
                }
            }
        } else if self.candidates.len() < CANDIDATES_KEPT {
            let candidate = Candidate {
                since: millis,
                origin,
                finding: made(seen),
            };
            self.candidates
                .insert(candidate.finding.key.clone(), candidate);
        }
    }

    /// Something was seen that is a finding at once.
    pub(super) fn observe_now(&mut self, seen: Observation, millis: u64) {
        let key = seen.key.clone();
        match self.slots.get_mut(&key) {
            Some(slot) => {
                slot.seen = millis;
                let finding = Arc::make_mut(&mut slot.finding);
                absorb(finding, seen);
                if matches!(finding.state, FindingState::Gone { .. }) {
                    finding.state = FindingState::Open;
                }
            }
            None => self.insert(made(seen), millis),
        }
        self.touched(&key);
    }

    /// Candidates that waited as long as `settle_millis`, the worst kinds first.
    pub(super) fn due(&mut self, millis: u64, settle_millis: u64) -> Vec<FindingKey> {
        let due = self
            .candidates
            .iter()
            .filter(|(_, candidate)| millis.saturating_sub(candidate.since) >= settle_millis)
            .map(|(key, _)| key.clone());
        due.collect()
    }

    /// A candidate that waits.
    pub(super) fn candidate(&self, key: &FindingKey) -> Option<&Candidate> {
        self.candidates.get(key)
    }

    /// Every candidate.
    pub(super) fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.candidates.values()
    }

    /// Lets a candidate be a finding.
    pub(super) fn open(&mut self, key: &FindingKey, millis: u64) {
        let Some(candidate) = self.candidates.remove(key) else {
            return;
        };
        match self.slots.get_mut(key) {
            Some(slot) => {
                slot.seen = millis;
                let finding = Arc::make_mut(&mut slot.finding);
                merge(finding, candidate.finding);
                if matches!(finding.state, FindingState::Gone { .. }) {
                    finding.state = FindingState::Open;
                }
            }
            None => self.insert(candidate.finding, millis),
        }
        self.touched(key);
    }

    /// Joins a candidate into another one, or into a finding.
    pub(super) fn join(&mut self, candidate: Candidate, into: &FindingKey) {
        if let Some(other) = self.candidates.get_mut(into) {
            other.since = other.since.min(candidate.since);
            merge(&mut other.finding, candidate.finding);
        }
    }

    /// What made an open finding one holds no longer.
    pub(super) fn end(&mut self, key: &FindingKey, now: Timestamp) {
        self.candidates.remove(key);
        if let Some(slot) = self.slots.get_mut(key)
            && slot.finding.is_open()
        {
            Arc::make_mut(&mut slot.finding).state = FindingState::Gone { when: now };
            self.touched(key);
        }
    }

    /// Lets findings go that were not seen for their time.
    pub(super) fn let_go(&mut self, now: Timestamp, millis: u64) {
        let over: Vec<FindingKey> = self
            .slots
            .iter()
            .filter(|(key, slot)| {
                slot.finding.is_open()
                    && millis.saturating_sub(slot.seen) >= gone_after_millis(key.kind)
            })
            .map(|(key, _)| key.clone())
            .collect();
        for key in over {
            self.end(&key, now);
        }
    }

    /// What a person made of a finding. `None` opens it again. Whether there is such a finding.
    pub(super) fn judge(
        &mut self,
        key: &FindingKey,
        accept: Option<String>,
        now: Timestamp,
        millis: u64,
    ) -> bool {
        let Some(slot) = self.slots.get_mut(key) else {
            return false;
        };
        slot.seen = millis;
        Arc::make_mut(&mut slot.finding).state = match accept {
            Some(note) => FindingState::Accepted {
                note: cut_note(note),
                when: now,
            },
            None => FindingState::Open,
        };
        self.touched(key);
        true
    }

    /// Every finding, in no order that matters.
    pub(super) fn all(&self) -> impl Iterator<Item = &Finding> {
        self.slots.values().map(|slot| &*slot.finding)
    }

    /// The list to show: open ones first, the worst first, then the newest.
    pub(super) fn list(&mut self) -> Arc<Vec<Arc<Finding>>> {
        if let Some(list) = &self.published {
            return Arc::clone(list);
        }
        let mut list: Vec<Arc<Finding>> = self
            .slots
            .values()
            .map(|slot| Arc::clone(&slot.finding))
            .collect();
        list.sort_by(|a, b| {
            state_rank(a)
                .cmp(&state_rank(b))
                .then_with(|| b.key.kind.severity().cmp(&a.key.kind.severity()))
                .then_with(|| b.first.cmp(&a.first))
                .then_with(|| a.key.cmp(&b.key))
        });
        let list = Arc::new(list);
        self.published = Some(Arc::clone(&list));
        list
    }

    /// How many are open.
    pub(super) fn num_open(&self) -> usize {
        self.all().filter(|finding| finding.is_open()).count()
    }

    /// Counts up with every change.
    pub(super) const fn revision(&self) -> u64 {
        self.revision
    }

    /// What the site file does not have yet.
    pub(super) fn take_dirty(&mut self) -> Vec<Arc<Finding>> {
        let keys = std::mem::take(&mut self.dirty);
        let mut dirty = Vec::with_capacity(keys.len());
        for key in keys {
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.is_dirty = false;
                dirty.push(Arc::clone(&slot.finding));
            }
        }
        dirty
    }

    /// Takes back what could not be written.
    pub(super) fn put_back(&mut self, findings: Vec<Arc<Finding>>) {
        for finding in findings {
            if let Some(slot) = self.slots.get_mut(&finding.key)
                && !slot.is_dirty
            {
                slot.is_dirty = true;
                self.dirty.insert(finding.key.clone());
            }
        }
    }

    /// What the site file still has and should not.
    pub(super) fn take_removed(&mut self) -> Vec<FindingKey> {
        std::mem::take(&mut self.removed).into_iter().collect()
    }

    /// Takes back what could not be removed from the site file.
    pub(super) fn put_back_removed(&mut self, keys: Vec<FindingKey>) {
        let gone = keys.into_iter().filter(|key| !self.slots.contains_key(key));
        self.removed.extend(gone);
    }

    fn insert(&mut self, finding: Finding, millis: u64) {
        self.make_room(1);
        self.removed.remove(&finding.key);
        let slot = Slot {
            seen: millis,
            is_dirty: false,
            finding: Arc::new(finding),
        };
        self.slots.insert(slot.finding.key.clone(), slot);
    }

    /// The oldest that is gone goes, then the least and oldest that is open. What a person accepted stays longest.
    fn make_room(&mut self, num_new: usize) {
        while self.slots.len() + num_new > FINDINGS_KEPT {
            let rank = |finding: &Finding| match finding.state {
                FindingState::Gone { .. } => 0,
                FindingState::Open => 1,
                FindingState::Accepted { .. } => 2,
            };
            let goes = self
                .slots
                .iter()
                .min_by_key(|(key, slot)| {
                    (rank(&slot.finding), key.kind.severity(), slot.finding.last)
                })
                .map(|(key, _)| key.clone());
            let Some(key) = goes else {
                return;
            };
            self.slots.remove(&key);
            self.dirty.remove(&key);
            self.changed();
            // A site file that lost a finding again and again must not make this grow; one that is never told has at
            // most as many too many.
            if self.removed.len() < FINDINGS_KEPT {
                self.removed.insert(key);
            }
        }
    }

    fn touched(&mut self, key: &FindingKey) {
        self.changed();
        if let Some(slot) = self.slots.get_mut(key)
            && !slot.is_dirty
        {
            slot.is_dirty = true;
            self.dirty.insert(key.clone());
        }
    }

    fn changed(&mut self) {
        self.revision += 1;
        self.published = None;
    }
}

impl Slot {
    fn is_active(&self) -> bool {
        !matches!(self.finding.state, FindingState::Gone { .. })
    }
}

fn cut_note(note: String) -> String {
    if note.chars().nth(NOTE_CHARS).is_none() {
        return note;
    }
    note.chars().take(NOTE_CHARS).collect()
}

fn state_rank(finding: &Finding) -> u8 {
    match finding.state {
        FindingState::Open => 0,
        FindingState::Accepted { .. } => 1,
        FindingState::Gone { .. } => 2,
    }
}

fn made(seen: Observation) -> Finding {
    let mut finding = Finding {
        key: seen.key.clone(),
        what: String::new(),
        interface: seen.interface.clone(),
        sender: seen.sender,
        mac: seen.mac,
        ip: seen.ip,
        first: seen.when,
        last: seen.when,
        count: 0,
        details: Vec::new(),
        samples: Vec::new(),
        state: FindingState::Open,
    };
    absorb(&mut finding, seen);
    finding
}

fn absorb(finding: &mut Finding, seen: Observation) {
    finding.what = seen.what;
    finding.count = finding.count.saturating_add(seen.count);
    finding.last = finding.last.max(seen.when);
    finding.mac = finding.mac.or(seen.mac);
    finding.ip = finding.ip.or(seen.ip);
    for line in seen.lines {
        add_line(finding, line);
    }
    let room = FINDING_SAMPLES.saturating_sub(finding.samples.len());
    finding.samples.extend(seen.samples.into_iter().take(room));
}

fn merge(finding: &mut Finding, other: Finding) {
    finding.count = finding.count.saturating_add(other.count);
    finding.last = finding.last.max(other.last);
    if finding.key == other.key {
        finding.what = other.what;
    }
    for line in other.details {
        add_line(finding, line);
    }
    let room = FINDING_SAMPLES.saturating_sub(finding.samples.len());
    finding.samples.extend(other.samples.into_iter().take(room));
}

fn add_line(finding: &mut Finding, text: String) {
    let renewed = RENEWED.iter().find(|prefix| text.starts_with(**prefix));
    if let Some(prefix) = renewed
        && let Some(line) = finding
            .details
            .iter_mut()
            .find(|line| line.starts_with(prefix))
    {
        *line = text;
        return;
    }
    let is_asked = text.starts_with(ASKED);
    if let Some(idx) = finding.details.iter().position(|line| *line == text) {
        if is_asked {
            // Asked again: among the newest.
            finding.details[idx..].rotate_left(1);
        }
        return;
    }
    if is_asked && finding.details.len() >= DETAILS_KEPT {
        let oldest = finding
            .details
            .iter()
            .position(|line| line.starts_with(ASKED));
        if let Some(oldest) = oldest {
            finding.details.remove(oldest);
        }
    }
    if finding.details.len() < DETAILS_KEPT {
        finding.details.push(text);
    }
}
