//! Time that only moves forward, and how much came within the last second of it.

use crate::model::time::Timestamp;

/// A time that is earlier than the newest by less than this may be a datagram that waited, or was stamped by a clock of its
/// own in a capture that has two.
const STEP_MILLIS: u64 = 5 * 60_000;

/// So many times in a row that are earlier by more, over so long by themselves, are a clock that was set back.
const BACK_TIMES: u32 = 8;
const BACK_MILLIS: u64 = 1_000;

/// Set back by less, it takes longer to tell: so long, in which it goes on as a clock does, without a gap like this.
const BACK_A_BIT_MILLIS: u64 = 10_000;
const GAP_MILLIS: u64 = 2_000;

/// Milliseconds since the first time that was seen. What is older than the newest came with it: time never runs twice.
/// A clock that is set back does not move it back, and only stops it until it is known that it was.
#[derive(Debug, Default)]
pub(super) struct Clock {
    newest: Option<Timestamp>,
    millis: u64,
    /// Since the newest only older times came.
    behind: Option<Behind>,
}

/// Times that are all older than the newest.
#[derive(Clone, Copy, Debug)]
struct Behind {
    /// How many of them there are that are older by far.
    num_far: u32,
    /// The first of those.
    first_far: Timestamp,
    /// Where they began to go on as a clock does, and the last of them.
    steady_since: Timestamp,
    last: Timestamp,
}

impl Clock {
    /// Moves on to `now`.
    pub(super) fn advance(&mut self, now: Timestamp) -> u64 {
        let newest = *self.newest.get_or_insert(now);
        if now >= newest {
            self.millis = self.millis.saturating_add(now.millis_since(newest));
            self.newest = Some(now);
            self.behind = None;
        } else if self.is_set_back(newest, now) {
            self.newest = Some(now);
            self.behind = None;
        }
        self.millis
    }

    /// Whether it is known by now that the clock was set back.
    fn is_set_back(&mut self, newest: Timestamp, now: Timestamp) -> bool {
        let behind = self.behind.get_or_insert(Behind {
            num_far: 0,
            first_far: now,
            steady_since: now,
            last: now,
        });
        let gap_millis = now.as_millis().abs_diff(behind.last.as_millis());
        if gap_millis > GAP_MILLIS {
            behind.steady_since = now;
        }
        behind.last = now;
        if newest.millis_since(now) > STEP_MILLIS {
            if behind.num_far == 0 {
                behind.first_far = now;
            }
            behind.num_far = behind.num_far.saturating_add(1);
        } else {
            behind.num_far = 0;
        }
        (behind.num_far >= BACK_TIMES && now.millis_since(behind.first_far) >= BACK_MILLIS)
            || now.millis_since(behind.steady_since) >= BACK_A_BIT_MILLIS
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

    const BEGAN: u64 = 1_000_000_000;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis.cast_signed())
    }

    /// A clock that was at [`BEGAN`] for five seconds, and ticked.
    fn started() -> Clock {
        let mut clock = Clock::default();
        for millis in (0..=5_000).step_by(100) {
            clock.advance(at(BEGAN + millis));
        }
        assert_eq!(clock.millis(), 5_000);
        clock
    }

    #[test]
    fn a_datagram_that_waited_came_now() {
        let mut clock = started();
        for late in [100, 4_000, 10_000, 200_000, 1] {
            assert_eq!(clock.advance(at(BEGAN + 5_000 - late)), 5_000, "{late}");
        }
        assert_eq!(clock.advance(at(BEGAN + 5_100)), 5_100);
        // However late: one does not set it back.
        assert_eq!(clock.advance(at(0)), 5_100);
        assert_eq!(clock.advance(at(BEGAN + 5_200)), 5_200);
    }

    #[test]
    fn two_clocks_do_not_make_time_run_twice() {
        for apart in [100, 4_900, 5_100, 10_000, 299_000, 3_600_000] {
            let mut clock = Clock::default();
            for nth in 0..200_000 {
                // 2,000 a second, every fiftieth of the clock that is behind.
                let millis = BEGAN + nth / 2;
                let behind = if nth % 50 == 49 { apart } else { 0 };
                clock.advance(at(millis - behind));
            }
            assert_eq!(clock.millis(), 99_999, "{apart} ms apart");
        }
    }

    /// Sets a clock back, and says how long it stood.
    fn stood_millis(back: u64, step: u64) -> u64 {
        let mut clock = started();
        let began = BEGAN + 5_000 - back;
        for millis in (0..2_000_000).step_by(step as usize) {
            clock.advance(at(began + millis));
        }
        let passed = (2_000_000 - 1) / step * step;
        passed + 5_000 - clock.millis()
    }

    #[test]
    fn a_clock_that_is_set_back_goes_on_from_there() {
        // It ticks, or only now and then something comes.
        for (back, step, most) in [
            (3_000, 100, 3_000),
            (60_000, 100, 10_000),
            (299_000, 100, 10_000),
            (310_000, 100, 1_000),
            (6 * 3_600_000, 100, 1_000),
            (900_000_000, 100, 1_000),
            (60_000, 30_000, 60_000),
            (6 * 3_600_000, 30_000, 7 * 30_000),
        ] {
            let stood = stood_millis(back, step);
            assert!((1..=most).contains(&stood), "{back} back, {step}: {stood}");
        }
    }

    #[test]
    fn time_ends_at_its_end() {
        let mut clock = started();
        for _ in 0..3 {
            clock.advance(Timestamp::from_millis(i64::MAX));
            for nth in 0..100 {
                clock.advance(Timestamp::from_millis(i64::MIN + nth * 200));
            }
        }
        assert_eq!(clock.millis(), u64::MAX, "it ends at the end of time");
        clock.advance(at(0));
        assert_eq!(clock.millis(), u64::MAX);
    }
}
