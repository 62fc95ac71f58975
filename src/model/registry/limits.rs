//! How much is taken in, whatever the network sends (rules, "Hostile senders"; invariant 12).

use super::Registry;

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
    /// Bytes of answers to probes in all.
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

impl Registry {
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
                "Answers to probes take {} MiB, the most that is kept: of new ones only the facts are",
                self.limits.probed_bytes >> 20
            ));
        }
        words
    }
}
