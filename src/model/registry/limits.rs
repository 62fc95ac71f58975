//! How much is taken in, whatever the network sends (rules, "Hostile senders"; invariant 12).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::Registry;
use super::places::Places;
use crate::model::identity::ApplianceId;
use crate::model::probing::Probed;
use crate::model::time::Timestamp;

/// Entries of [`Oldest`] that are kept before any is looked at again.
const ENTRIES_KEPT: usize = 4_096;

/// The bounds of a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Units in all.
    pub units: usize,
    /// New units a second from one sender; also how many it may bring at once.
    pub new_units_per_sec: u32,
    /// Sightings of one sender held back within ten seconds before it is shown as a flood. A hall of new units on one
    /// factory address stays under it: they are asked again and come in a few seconds later.
    pub flood_after: u64,
    /// Bytes of evidence in all, raw datagrams included.
    pub evidence_bytes: usize,
    /// Bytes of answers to probes in all. What the grid shows is kept of every unit all the same.
    pub probed_bytes: usize,
    /// Datagrams that made no unit.
    pub strays: usize,
    /// Bytes of them.
    pub stray_bytes: usize,
    /// Senders that are remembered for the rate of new units.
    pub senders: usize,
    /// Steps of undo.
    pub undo_steps: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            units: 200_000,
            new_units_per_sec: 20,
            flood_after: 100,
            // Of the 64 MiB, so that what waits in channels and the strays have room.
            evidence_bytes: 44 << 20,
            probed_bytes: 64 << 20,
            strays: 1_000,
            stray_bytes: 2 << 20,
            senders: 65_536,
            undo_steps: 100,
        }
    }
}

/// What of a unit's answers goes to make room. In this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// What came byte for byte.
    Raw,
    /// Targets, and clues that the grid does not show.
    Rest,
}

/// Whose answers make room first: all bytes before anything else goes, and the oldest first.
#[derive(Debug, Default)]
pub(super) struct Oldest(BinaryHeap<Reverse<(Part, Timestamp, ApplianceId)>>);

impl Oldest {
    /// Enters a unit's answers. Entries of older ones stay, and are passed over when their turn comes.
    pub(super) fn enter(&mut self, id: ApplianceId, probed: &Probed) {
        let part = if probed.has_raw() {
            Part::Raw
        } else if probed.has_more_than_facts() {
            Part::Rest
        } else {
            return;
        };
        self.0.push(Reverse((part, probed.when, id)));
    }

    /// Begins anew when entries that are passed over outnumber the units.
    fn clear_out(&mut self, places: &Places) {
        if self.0.len() <= 2 * places.len() + ENTRIES_KEPT {
            return;
        }
        self.0.clear();
        for (_, unit) in places.units().iter() {
            if let Some(probed) = &unit.probed {
                self.enter(unit.id, probed);
            }
        }
    }
}

impl Registry {
    /// Counts revisions on from another registry's, so that whoever draws both sees that everything changed.
    pub fn count_on_from(&mut self, revision: u64) {
        self.revision = self.revision.max(revision) + 1;
    }

    /// Makes room for so many bytes of answers, which are of the unit `except` when there is one: what came byte for byte
    /// goes first, then all that the grid does not show, of the oldest answers first. Whether there is room now.
    pub(super) fn make_room(&mut self, num_bytes: usize, except: Option<ApplianceId>) -> bool {
        self.oldest_probed.clear_out(&self.places);
        while self.probed_bytes + num_bytes > self.limits.probed_bytes {
            let Some(Reverse((part, when, id))) = self.oldest_probed.0.pop() else {
                return false;
            };
            if except != Some(id) {
                self.cut_probed(part, when, id);
            }
        }
        true
    }

    /// Takes a part of a unit's answers away, unless they are others by now.
    fn cut_probed(&mut self, part: Part, when: Timestamp, id: ApplianceId) {
        let Some(probed) = self.places.get(id).and_then(|unit| unit.probed.as_ref()) else {
            return;
        };
        let cut = match part {
            Part::Raw if probed.when == when && probed.has_raw() => probed.without_raw(),
            Part::Rest if probed.when == when && probed.has_more_than_facts() => {
                probed.only_facts()
            }
            Part::Raw | Part::Rest => return,
        };
        self.probed_bytes -= probed.num_bytes();
        self.probed_bytes += cut.num_bytes();
        self.probed_were_cut = true;
        self.oldest_probed.enter(id, &cut);
        // A serial that was cut is another key. It is no change to be saved: the site file keeps what it has.
        self.unindex(id);
        if let Some(unit) = self.places.get_mut(id) {
            unit.probed = Some(Arc::new(cut));
        }
        self.index(id);
    }

    /// Limits that were reached, in words.
    pub fn limits_reached(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.refused_by_limit > 0 {
            words.push(format!(
                "{} units are the most that a site holds: {} sightings of more were not taken",
                self.limits.units, self.refused_by_limit
            ));
        }
        if self.evidence_was_dropped {
            words.push(format!(
                "Evidence takes {} MiB, the most that is kept: the oldest is dropped",
                self.limits.evidence_bytes >> 20
            ));
        }
        if self.probed_were_cut {
            words.push(format!(
                "Answers to probes take {} MiB, the most that is kept: of the oldest, first the bytes are dropped, then \
                 everything but what the list of units shows",
                self.limits.probed_bytes >> 20
            ));
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::model::probing::{Answer, ClueKind, Outcome, Probe, Target};
    use crate::model::registry::{Change, ProbeResult};
    use crate::model::sighting::RawDatagram;

    const OPENED: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    /// What a unit says at full length.
    fn result(nth: u8, round: u64) -> ProbeResult {
        let when = OPENED.plus_millis(round * 10_000 + u64::from(nth));
        let mut answer = Answer::new(Probe::Snmp, Outcome::Answered, when);
        answer.add(ClueKind::Model, "ACS8048");
        answer.add(ClueKind::Serial, &format!("{nth:010}"));
        answer.add(ClueKind::Description, &"words ".repeat(40));
        answer.raw = RawDatagram::keep(&[7; 1_000]);
        let fresh = Arc::new(Probed {
            ip: Ipv4Addr::new(10, 0, 0, nth),
            when,
            answers: vec![answer],
            targets: vec![Target::default(); 4],
        });
        ProbeResult {
            probed: Arc::clone(&fresh),
            fresh,
            identified: Arc::default(),
            mac: None,
            interface: Arc::from("eth0"),
        }
    }

    fn found(registry: &mut Registry, nth: u8, round: u64) -> ApplianceId {
        let fresh = Arc::clone(&result(nth, round).fresh);
        match registry.who_answered(None, fresh.ip, None, &fresh).unit {
            Some(id) => {
                assert!(registry.take_probed(id, &result(nth, round)));
                id
            }
            None => match registry.take_found(&result(nth, round)) {
                Change::New(id) => id,
                other => panic!("{nth} is new, not {other:?}"),
            },
        }
    }

    fn registry(probed_bytes: usize) -> Registry {
        let limits = Limits {
            probed_bytes,
            ..Limits::default()
        };
        Registry::new(limits, OPENED)
    }

    /// What is left of a unit's answers: `r` bytes, `t` targets, `f` facts.
    fn left(registry: &Registry, id: ApplianceId) -> String {
        let unit = registry.get(id).expect("the unit");
        let probed = unit.probed.as_ref().expect("answers");
        assert_eq!(probed.clue(ClueKind::Model), Some("ACS8048"));
        assert!(unit.serial().is_some());
        let has_words = probed.clue(ClueKind::Description).is_some();
        assert_eq!(has_words, !probed.targets.is_empty());
        let parts = [(probed.has_raw(), 'r'), (has_words, 't'), (true, 'f')];
        let parts = parts.into_iter().filter(|(is_there, _)| *is_there);
        parts.map(|(_, letter)| letter).collect()
    }

    fn all_left(registry: &Registry) -> Vec<String> {
        let units = registry.units();
        units
            .iter()
            .map(|(_, unit)| left(registry, unit.id))
            .collect()
    }

    #[test]
    fn the_oldest_answers_make_room_and_the_facts_of_every_unit_stay() {
        let full = result(1, 0).probed.num_bytes();
        let without_raw = result(1, 0).probed.without_raw().num_bytes();
        let facts = result(1, 0).probed.only_facts().num_bytes();
        assert!(facts < without_raw && without_raw + 999 < full);

        let mut registry = registry(4 * full);
        for nth in 1..=4 {
            found(&mut registry, nth, 0);
        }
        assert_eq!(all_left(&registry), ["rtf"; 4]);
        assert!(registry.limits_reached().is_empty());
        // The first is asked again, so that the second is the oldest.
        found(&mut registry, 1, 1);
        found(&mut registry, 5, 1);
        assert_eq!(all_left(&registry), ["rtf", "tf", "tf", "rtf", "rtf"]);
        let words = registry.limits_reached().join("; ");
        assert!(words.contains("Answers to probes take"), "{words}");

        for nth in 6..=40 {
            found(&mut registry, nth, 1);
            let bytes = registry.probed_bytes;
            assert!(bytes <= 4 * full || registry.oldest_probed.0.is_empty());
        }
        let left = all_left(&registry);
        assert_eq!(left[1], "f", "the oldest keeps the facts: {left:?}");
        assert!(registry.probed_bytes <= 40 * facts.max(full / 10));
        // Whatever comes, the entries are as many as the units, about.
        for round in 2..2_000 {
            found(&mut registry, 3, round);
        }
        assert!(registry.oldest_probed.0.len() <= 2 * 40 + ENTRIES_KEPT + 1);
    }

    #[test]
    fn a_site_that_is_opened_keeps_its_newest_answers_whole() {
        let mut first = registry(64 << 20);
        for nth in [3, 1, 2] {
            found(&mut first, nth, u64::from(nth));
        }
        let units: Vec<_> = first
            .units()
            .iter()
            .map(|(_, unit)| (**unit).clone())
            .collect();
        let full = result(1, 0).probed.num_bytes();
        let mut second = registry(2 * full);
        second.load(units, Vec::new(), 9);
        assert_eq!(all_left(&second), ["rtf", "tf", "tf"], "10.0.0.3 was last");
        assert!(!second.is_dirty(), "the file keeps what it has");
    }
}
