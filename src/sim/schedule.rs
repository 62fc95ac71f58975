//! What the fleet is going to send and when. Bounded, so that questions faster than the answers
//! cannot fill the memory.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tokio::time::Instant;

use crate::wire::{IpStatus, Kind};

/// Something to be sent when its time has come. The bytes are made then, so that a unit says what
/// it is at that moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outgoing {
    /// Which unit sends it.
    pub(super) unit_idx: usize,
    /// What it says.
    pub(super) words: Words,
    /// From which of the two ports.
    pub(super) port_idx: usize,
    /// Where to.
    pub(super) to: SocketAddr,
}

/// What a unit says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// What it is: the answer to a question, or with the sequence 0 an announcement.
    WhatItIs { sequence: u16 },
    /// What it thinks of a new IP.
    OfNewIp {
        kind: Kind,
        sequence: u16,
        status: IpStatus,
    },
}

/// Everything that waits to be sent, in the order of its time.
#[derive(Debug)]
pub(super) struct Schedule {
    waiting: BTreeMap<(Instant, u64), Outgoing>,
    num_pushed: u64,
    capacity: usize,
}

impl Schedule {
    pub(super) const fn new(capacity: usize) -> Self {
        Self {
            waiting: BTreeMap::new(),
            num_pushed: 0,
            capacity,
        }
    }

    /// Adds something, unless as much waits as may wait.
    pub(super) fn push(&mut self, due: Instant, outgoing: Outgoing) -> bool {
        let has_room = self.waiting.len() < self.capacity;
        if has_room {
            // The count keeps what is due at the same time apart and in order.
            self.waiting.insert((due, self.num_pushed), outgoing);
            self.num_pushed += 1;
        }
        has_room
    }

    /// When there is something to be sent next.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|((due, _), _)| *due)
    }

    /// Takes the first whose time has come.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Outgoing> {
        let first = self.waiting.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn outgoing(unit_idx: usize) -> Outgoing {
        Outgoing {
            unit_idx,
            words: Words::WhatItIs { sequence: 1 },
            port_idx: 0,
            to: ([127, 0, 0, 1], 9).into(),
        }
    }

    #[test]
    fn comes_out_by_time_and_then_in_the_order_it_was_put_in() {
        let start = Instant::now();
        let later = start + Duration::from_millis(5);
        let mut schedule = Schedule::new(10);
        for (due, unit_idx) in [(later, 0), (start, 1), (start, 2)] {
            assert!(schedule.push(due, outgoing(unit_idx)), "there is room");
        }
        assert_eq!(schedule.next_due(), Some(start));
        assert_eq!(schedule.pop_due(start), Some(outgoing(1)));
        assert_eq!(schedule.pop_due(start), Some(outgoing(2)));
        assert_eq!(schedule.pop_due(start), None, "the last is not due yet");
        assert_eq!(schedule.pop_due(later), Some(outgoing(0)));
        assert_eq!(schedule.next_due(), None);
    }

    #[test]
    fn takes_no_more_than_its_capacity() {
        let mut schedule = Schedule::new(1);
        assert!(schedule.push(Instant::now(), outgoing(0)));
        assert!(!schedule.push(Instant::now(), outgoing(1)), "it is full");
    }
}
