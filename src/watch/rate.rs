//! Time that only moves forward, and how much came within the last second of it.

use crate::model::time::Timestamp;

/// A time that is earlier by less than this is a datagram that waited. By more, the clock was set back.
const LATE_MILLIS: u64 = 5_000;

/// Milliseconds since the first time that was seen. A clock that is set back does not move it back: what lies ahead
/// still comes.
#[derive(Debug, Default)]
pub(super) struct Clock {
    last: Option<Timestamp>,
    millis: u64,
}

impl Clock {
    /// Moves on to `now`.
    pub(super) fn advance(&mut self, now: Timestamp) -> u64 {
        let last = *self.last.get_or_insert(now);
        self.millis = self.millis.saturating_add(now.millis_since(last));
        if now > last || last.millis_since(now) > LATE_MILLIS {
            self.last = Some(now);
        }
        self.millis
    }

    /// The time it is at.
    pub(super) const fn millis(&self) -> u64 {
        self.millis
    }
}

/// In how many parts the second is counted.
const SLOTS: usize = 10;

/// How long one of them is.
const SLOT_MILLIS: u64 = 100;

/// How much came within the last second.
#[derive(Clone, Debug, Default)]
pub(super) struct Rate {
    /// The number of the newest slot.
    newest: u64,
    slots: [u32; SLOTS],
    sum: u32,
}

impl Rate {
    /// Counts `weight` more, and says how much came within the last second.
    pub(super) fn add(&mut self, millis: u64, weight: u32) -> u32 {
        self.forward(millis);
        let slot = &mut self.slots[slot_idx(self.newest)];
        *slot = slot.saturating_add(weight);
        self.sum = self.sum.saturating_add(weight);
        self.sum
    }

    /// How much came within the last second.
    pub(super) fn at(&mut self, millis: u64) -> u32 {
        self.forward(millis);
        self.sum
    }

    /// Takes out what another one counted.
    pub(super) fn take_out(&mut self, other: &mut Self, millis: u64) {
        self.forward(millis);
        other.forward(millis);
        for (slot, taken) in self.slots.iter_mut().zip(other.slots) {
            *slot = slot.saturating_sub(taken);
        }
        self.sum = self
            .slots
            .iter()
            .fold(0, |sum, slot| sum.saturating_add(*slot));
    }

    fn forward(&mut self, millis: u64) {
        let slot = millis / SLOT_MILLIS;
        if slot <= self.newest {
            return;
        }
        if slot - self.newest >= SLOTS as u64 {
            self.slots = [0; SLOTS];
            self.sum = 0;
        } else {
            for passed in self.newest + 1..=slot {
                let slot = &mut self.slots[slot_idx(passed)];
                self.sum = self.sum.saturating_sub(*slot);
                *slot = 0;
            }
        }
        self.newest = slot;
    }
}

fn slot_idx(slot: u64) -> usize {
    (slot % SLOTS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_counted_and_forgotten() {
        let mut rate = Rate::default();
        for millis in 0..5_000 {
            rate.add(millis, 2);
        }
        assert!((1_800..=2_000).contains(&rate.at(5_000)), "{rate:?}");
        assert_eq!(rate.at(9_000), 0);
    }

    #[test]
    fn what_one_sender_brought_is_taken_out() {
        let (mut all, mut one) = (Rate::default(), Rate::default());
        for millis in 0..900 {
            all.add(millis, 3);
            one.add(millis, 2);
        }
        all.take_out(&mut one, 900);
        assert_eq!(all.at(900), 900);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_stop_time() {
        let at = Timestamp::from_millis;
        let mut clock = Clock::default();
        clock.advance(at(1_000_000));
        assert_eq!(clock.advance(at(1_000_500)), 500);
        assert_eq!(clock.advance(at(1_000_400)), 500, "a datagram that waited");
        assert_eq!(clock.advance(at(1_000_600)), 600);
        assert_eq!(clock.advance(at(0)), 600, "set back");
        assert_eq!(clock.advance(at(250)), 850);
        assert!(clock.advance(at(i64::MAX)) > 850);
        clock.advance(at(i64::MIN));
        clock.advance(at(i64::MAX));
        assert_eq!(clock.millis(), u64::MAX, "it ends at the end of time");
    }
}
