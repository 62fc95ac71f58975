//! What time does: floods begin and end, candidates become findings, findings go.

use super::floods::{Flood, FloodKey};
use super::said::Claimants;
use super::store::Candidate;
use super::{SETTLE_MILLIS, Watcher};
use crate::model::finding::{FindingKey, FindingKind};
use crate::model::identity::Mac;
use crate::model::status::is_factory_ip;
use crate::model::time::Timestamp;

/// More new strangers and searchers on an interface within a second are a flood of senders.
pub const STRANGERS_AT_ONCE: u32 = 64;

/// After there is too much on an interface, it is told for so long whether that is one sender or many.
const WHO_MILLIS: u64 = 200;

/// How often findings are looked through for what is over.
const LET_GO_EVERY_MILLIS: u64 = 1_000;

/// So many units on an address of a foreign network have it from the factory.
const NEW_UNITS: usize = 3;

impl Watcher {
    /// Lets time pass. Every 100 ms.
    pub fn tick(&mut self, now: Timestamp) {
        let millis = self.clock.advance(now);
        if std::mem::take(&mut self.is_moved) {
            self.judge_places(now);
        }
        self.tell_crowds(now, millis);
        let names = &self.places;
        for seen in self.floods.reports(|place| names.name(place)) {
            self.store.observe_now(seen, millis);
        }
        self.end_floods(millis);
        for key in self.store.due(millis, SETTLE_MILLIS) {
            self.decide(&key, millis);
        }
        if millis >= self.let_go_at {
            self.let_go_at = millis.saturating_add(LET_GO_EVERY_MILLIS);
            self.store.let_go(now, millis);
        }
    }

    /// Opens a candidate that waited, or drops it.
    fn decide(&mut self, key: &FindingKey, millis: u64) {
        let Some(candidate) = self.store.candidate(key) else {
            return;
        };
        let place = self.places.get(candidate.origin.place);
        if place.is_some_and(|place| place.too_much_since.is_some()) {
            // Not yet: perhaps it is part of a flood.
            return;
        }
        if self.is_swallowed(candidate) || !self.still_holds(key, candidate, millis) {
            self.store.withdraw(key);
        } else {
            self.store.open(key, millis);
        }
    }

    fn is_swallowed(&self, candidate: &Candidate) -> bool {
        let origin = &candidate.origin;
        let crowd_from = self
            .places
            .get(origin.place)
            .and_then(|place| place.crowd_from);
        origin.senders.iter().any(|sender| {
            crowd_from.is_some_and(|from| *sender >= from) || self.floods.is_sender(*sender)
        })
    }

    fn still_holds(&self, key: &FindingKey, candidate: &Candidate, millis: u64) -> bool {
        let macs = &candidate.origin.macs;
        match key.kind {
            FindingKind::TwoMacs => {
                let ip = candidate.finding.ip.and_then(|ip| match ip {
                    std::net::IpAddr::V4(ip) => Some(ip),
                    std::net::IpAddr::V6(_) => None,
                });
                let Some(ip) = ip else {
                    return false;
                };
                let place = candidate.origin.place;
                let claimants = self.claimants.get(&(place, ip));
                macs.iter().all(|mac| {
                    self.units
                        .get(mac)
                        .is_some_and(|unit| unit.ip.now() == Some(&ip))
                }) && !macs.iter().any(|mac| self.contradicts_itself(*mac))
                    && claimants.is_some_and(|claimants| {
                        !self.is_shared_at_first(place, ip, claimants, millis)
                    })
            }
            FindingKind::Stranger => !macs
                .iter()
                .any(|mac| self.contradicts_itself(*mac) || self.is_double(*mac)),
            FindingKind::OffManagement => self.is_off_management(key, candidate.finding.ip),
            _ => true,
        }
    }

    /// Whether a MAC is, or may soon be, a finding of its own.
    pub(super) fn contradicts_itself(&self, mac: Mac) -> bool {
        [FindingKind::Contradiction, FindingKind::TwoIps]
            .into_iter()
            .map(|kind| FindingKey {
                kind,
                subject: mac.to_string(),
            })
            .any(|key| self.store.is_active(&key) || self.store.is_waiting(&key))
    }

    /// Whether a MAC claims another unit's address.
    fn is_double(&self, mac: Mac) -> bool {
        let ip = self.units.get(&mac).and_then(|unit| unit.ip.now());
        ip.is_some_and(|ip| {
            let key = FindingKey {
                kind: FindingKind::TwoMacs,
                subject: ip.to_string(),
            };
            self.store.is_active(&key) || self.store.is_waiting(&key)
        })
    }

    /// Whether units share an address because they are new: one that is known as a factory's, or several on one that
    /// is foreign to the interface's networks.
    pub(super) fn is_shared_at_first(
        &self,
        place: u16,
        ip: std::net::Ipv4Addr,
        claimants: &Claimants,
        millis: u64,
    ) -> bool {
        let networks = self
            .places
            .get(place)
            .map_or(&[][..], |place| &place.networks);
        let is_local = networks.iter().any(|network| network.contains(ip));
        // 10.0.0.2 is an ordinary address where that network is in use.
        if is_factory_ip(ip) && !(is_local && ip.octets()[0] == 10) {
            return true;
        }
        !networks.is_empty() && !is_local && claimants.recent(millis).count() >= NEW_UNITS
    }

    /// Many senders: begins their floods, and gives a first excess time to show who makes it.
    fn tell_crowds(&mut self, now: Timestamp, millis: u64) {
        let mut num_new = vec![0_u32; usize::from(self.places.len())];
        for candidate in self.store.candidates() {
            let is_new = millis.saturating_sub(candidate.since) < 1_000
                && matches!(
                    candidate.finding.key.kind,
                    FindingKind::Stranger | FindingKind::OtherSearcher
                );
            if let Some(num) = num_new.get_mut(usize::from(candidate.origin.place)) {
                *num += u32::from(is_new);
            }
        }
        for (number, num_new) in (0..self.places.len()).zip(num_new) {
            let limit = self.limits.flood_all_per_sec;
            let Some(place) = self.places.get_mut(number) else {
                continue;
            };
            if place.crowd_from.is_some() {
                place.too_much_since = None;
                continue;
            }
            let is_told = place
                .too_much_since
                .is_some_and(|since| millis.saturating_sub(since) >= WHO_MILLIS);
            let num = place.rate.at(millis);
            if is_told {
                place.too_much_since = None;
            }
            if num_new > STRANGERS_AT_ONCE || is_told && num > limit {
                place.too_much_since = None;
                self.begin_crowd(number, now, millis, num);
            }
        }
    }

    /// Senders that came within the last second or so, and all that come now, are one flood.
    fn begin_crowd(&mut self, number: u16, now: Timestamp, millis: u64, num: u32) {
        let began = millis.saturating_sub(1_000 + WHO_MILLIS);
        let mut from = self.next_sender;
        let mut num_senders = 0;
        for sender in self.senders.values() {
            if sender.place != number || sender.last < began || sender.is_flooding {
                continue;
            }
            num_senders += 1;
            if sender.first >= began {
                from = from.min(sender.id);
            }
        }
        let mut flood = Flood::new(now, now, millis, num);
        flood.num_senders = num_senders;
        let key = FloodKey {
            place: number,
            ip: None,
        };
        self.floods.begin(key, flood);
        if let Some(place) = self.places.get_mut(number) {
            place.crowd_from = Some(from);
        }
    }

    fn end_floods(&mut self, millis: u64) {
        for key in self.floods.take_over(millis) {
            match key.ip {
                Some(ip) => {
                    let sender = super::SenderKey {
                        place: key.place,
                        ip,
                    };
                    if let Some(sender) = self.senders.get_mut(&sender) {
                        sender.is_flooding = false;
                    }
                }
                None => {
                    if let Some(place) = self.places.get_mut(key.place) {
                        place.crowd_from = None;
                    }
                }
            }
        }
    }
}
