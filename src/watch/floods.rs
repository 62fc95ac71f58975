//! Floods that are going on: who, since when, how fast. Whatever one of them says beside is not looked at, but for a
//! set-IP request.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::rate::Rate;
use super::store::{AVERAGE, HELD_BACK, Observation, PEAK, SENDERS};
use crate::model::finding::{FINDING_SAMPLES, FindingKey, FindingKind, FindingSample};
use crate::model::time::Timestamp;

/// A flood is over when there was not too much for so long.
pub const CALM_MILLIS: u64 = 10_000;

/// How many floods are told apart at one time. Senders beyond belong to the flood of their interface.
pub const FLOODS_KEPT: usize = 256;

/// How many senders of one flood are named.
const SENDERS_NAMED: usize = 8;

/// Who floods: one sender on an interface, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct FloodKey {
    pub(super) place: u16,
    pub(super) ip: Option<IpAddr>,
}

/// A flood that is going on.
#[derive(Debug)]
pub(super) struct Flood {
    since: Timestamp,
    /// When there was too much the last time.
    pub(super) over: u64,
    last: Timestamp,
    num: u64,
    peak: u32,
    rate: Rate,
    /// Senders that were not there before it.
    newcomers: Rate,
    senders: Vec<(IpAddr, u64)>,
    pub(super) num_senders: u64,
    samples: Vec<FindingSample>,
    held_back: u64,
    called: Vec<String>,
    /// How much of it the finding has.
    reported: u64,
    is_news: bool,
    /// The sender's number, where it is one.
    pub(super) sender: Option<u64>,
}

impl Flood {
    /// One that began with `num` datagrams within its first second.
    pub(super) fn new(since: Timestamp, now: Timestamp, millis: u64, num: u32) -> Self {
        Self {
            since,
            over: millis,
            last: now,
            num: u64::from(num),
            peak: num,
            rate: Rate::default(),
            newcomers: Rate::default(),
            senders: Vec::new(),
            num_senders: 0,
            samples: Vec::new(),
            held_back: 0,
            called: Vec::new(),
            reported: 0,
            is_news: true,
            sender: None,
        }
    }

    pub(super) fn add_sample(&mut self, sample: FindingSample) {
        self.samples.push(sample);
    }

    /// One more datagram of it; how many came within the last second.
    pub(super) fn count(
        &mut self,
        from: IpAddr,
        when: Timestamp,
        millis: u64,
        sample: impl FnOnce() -> FindingSample,
    ) -> u32 {
        self.num = self.num.saturating_add(1);
        self.last = self.last.max(when);
        if self.samples.len() < FINDING_SAMPLES {
            self.samples.push(sample());
        }
        match self.senders.iter().position(|(ip, _)| *ip == from) {
            Some(idx) => self.senders[idx].1 += 1,
            None if self.senders.len() < SENDERS_NAMED => self.senders.push((from, 1)),
            None => {}
        }
        let rate = self.rate.add(millis, 1);
        self.peak = self.peak.max(rate);
        rate
    }

    /// One more sender of it; how many came within the last second.
    pub(super) fn count_newcomer(&mut self, millis: u64) -> u32 {
        self.num_senders = self.num_senders.saturating_add(1);
        self.newcomers.add(millis, 1)
    }

    /// What the registry held back of it.
    pub(super) fn note_held_back(&mut self, held_back: u64, called: &[String], last: Timestamp) {
        self.is_news |= held_back != self.held_back;
        self.held_back = held_back;
        self.last = self.last.max(last);
        if self.called.is_empty() {
            self.called = called.iter().take(4).cloned().collect();
        }
    }

    /// What the finding is to be told since it was told last.
    fn report(&mut self, key: FloodKey, interface: &Arc<str>) -> Option<Observation> {
        let count = self.num - self.reported;
        if count == 0 && !self.is_news {
            return None;
        }
        self.reported = self.num;
        self.is_news = false;
        let took_millis = self.last.millis_since(self.since).max(1_000);
        let average = self.num.saturating_mul(1_000) / took_millis;
        let (subject, what) = match key.ip {
            Some(ip) => (
                format!("{ip} on {interface}"),
                format!(
                    "{ip} floods {interface} with up to {} datagrams a second",
                    self.peak
                ),
            ),
            None => (
                interface.to_string(),
                format!(
                    "Many senders flood {interface} with up to {} datagrams a second",
                    self.peak
                ),
            ),
        };
        let mut lines = vec![
            format!("{PEAK}{} datagrams a second", self.peak),
            format!("{AVERAGE}{average} datagrams a second since {}", self.since),
        ];
        if key.ip.is_none() {
            let named: Vec<String> = self
                .senders
                .iter()
                .map(|(ip, num)| format!("{ip} ({num})"))
                .collect();
            lines.push(format!(
                "{SENDERS}at least {}, among them {}",
                self.num_senders.max(self.senders.len() as u64),
                named.join(", ")
            ));
        }
        if self.held_back > 0 {
            lines.push(format!(
                "{HELD_BACK}{} sightings that would each have made a unit, such as {}",
                self.held_back,
                self.called.join(", ")
            ));
        }
        Some(Observation {
            key: FindingKey {
                kind: FindingKind::Flood,
                subject,
            },
            what,
            interface: Some(Arc::clone(interface)),
            sender: key.ip,
            mac: None,
            ip: None,
            when: self.last,
            count,
            lines,
            samples: std::mem::take(&mut self.samples),
        })
    }
}

/// The floods that are going on.
#[derive(Debug, Default)]
pub(super) struct Floods {
    going_on: HashMap<FloodKey, Flood>,
}

impl Floods {
    pub(super) fn get_mut(&mut self, key: FloodKey) -> Option<&mut Flood> {
        self.going_on.get_mut(&key)
    }

    pub(super) fn contains(&self, key: FloodKey) -> bool {
        !self.going_on.is_empty() && self.going_on.contains_key(&key)
    }

    /// Whether a flood is this sender's.
    pub(super) fn is_sender(&self, sender: u64) -> bool {
        self.going_on
            .values()
            .any(|flood| flood.sender == Some(sender))
    }

    /// Whether one more sender can have a flood of its own.
    pub(super) fn has_room(&self) -> bool {
        self.going_on.len() < FLOODS_KEPT
    }

    pub(super) fn begin(&mut self, key: FloodKey, flood: Flood) {
        self.going_on.entry(key).or_insert(flood);
    }

    /// What findings are to be told.
    pub(super) fn reports(&mut self, name: impl Fn(u16) -> Option<Arc<str>>) -> Vec<Observation> {
        let mut reports: Vec<Observation> = self
            .keys()
            .into_iter()
            .filter_map(|key| self.going_on.get_mut(&key)?.report(key, &name(key.place)?))
            .collect();
        reports.sort_by(|a, b| a.key.cmp(&b.key));
        reports
    }

    /// Takes out those that are over, and says which.
    pub(super) fn take_over(&mut self, millis: u64) -> Vec<FloodKey> {
        let mut over = self.keys();
        over.retain(|key| {
            self.going_on
                .get(key)
                .is_some_and(|flood| millis.saturating_sub(flood.over) >= CALM_MILLIS)
        });
        for key in &over {
            self.going_on.remove(key);
        }
        over
    }

    pub(super) fn clear(&mut self) {
        self.going_on.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.going_on.len()
    }

    fn keys(&self) -> Vec<FloodKey> {
        let mut keys: Vec<FloodKey> = self.going_on.keys().copied().collect();
        keys.sort_unstable();
        keys
    }
}
