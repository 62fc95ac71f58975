//! When the networks are asked: bursts, live search, jitter. Only the schedule; the plane sends.

use crate::model::snapshot::SearchState;
use crate::model::time::Timestamp;

/// When the questions of a burst go out, counted from its begin (aidp.md, "pace").
const BURST_MILLIS: [u64; 3] = [0, 1_000, 3_000];

/// How often live search asks.
const LIVE_MILLIS: u64 = 15_000;

/// How far the period may be off, so that several laptops do not ask in step: 10 %.
const JITTER_MILLIS: u64 = LIVE_MILLIS / 10;

/// How long a question is open for answers at least.
pub const ANSWERED_WITHIN_MILLIS: u64 = 3_000;

/// The schedule of the search.
#[derive(Debug)]
pub struct Search {
    /// Whether to ask every 15 s.
    live: bool,
    /// When the burst began whose questions are going out, and how many of them went.
    burst: Option<Burst>,
    /// When to ask next while live and between bursts.
    next: Option<Timestamp>,
    /// The question whose answers are awaited: until when, and its place in its burst.
    awaited: Option<(Timestamp, u8)>,
    num_asked: u64,
    /// State of the jitter; never 0.
    dice: u64,
}

#[derive(Clone, Copy, Debug)]
struct Burst {
    began: Timestamp,
    num_sent: u8,
}

impl Search {
    /// Begins with a burst when `live`.
    pub fn new(live: bool, now: Timestamp) -> Self {
        let mut search = Self {
            live,
            burst: None,
            next: None,
            awaited: None,
            num_asked: 0,
            dice: now.as_millis().unsigned_abs() | 1,
        };
        if live {
            search.burst(now);
        }
        search
    }

    /// Asks three times from now on, whether live or not.
    pub fn burst(&mut self, now: Timestamp) {
        self.burst = Some(Burst {
            began: now,
            num_sent: 0,
        });
        self.next = None;
    }

    /// Asks no more.
    pub fn stop(&mut self) {
        self.live = false;
        self.burst = None;
        self.next = None;
        self.awaited = None;
    }

    /// Switches live search; on begins with a burst. A burst that is going out is not cut short.
    pub fn set_live(&mut self, on: bool, now: Timestamp) {
        if on && !self.live {
            self.burst(now);
        }
        self.live = on;
        if !on {
            self.next = None;
        }
    }

    /// Whether it asks every 15 s.
    pub const fn is_live(&self) -> bool {
        self.live
    }

    /// Whether a question is due. The caller sends it when this says so.
    pub fn is_due(&mut self, now: Timestamp) -> bool {
        if self
            .awaited
            .is_some_and(|(until, _)| until <= now || is_far(until, now))
        {
            self.awaited = None;
        }
        if let Some(burst) = &mut self.burst {
            let since = now.millis_since(burst.began);
            if is_far(burst.began, now) {
                // The clock was set: the rest of the burst goes out from now on.
                burst.began = now;
            } else if since < BURST_MILLIS[usize::from(burst.num_sent)] {
                return false;
            }
            burst.num_sent += 1;
            let pass = burst.num_sent;
            self.awaited = Some((now.plus_millis(ANSWERED_WITHIN_MILLIS), pass));
            if usize::from(pass) == BURST_MILLIS.len() {
                self.burst = None;
                self.schedule(now);
            }
            return true;
        }
        match self.next {
            Some(next) if next <= now || is_far(next, now) => {
                self.schedule(now);
                true
            }
            _ => false,
        }
    }

    /// A question left on at least one network.
    pub fn note_asked(&mut self) {
        self.num_asked += 1;
    }

    /// For the snapshot.
    pub fn state(&self) -> SearchState {
        let next = match self.burst {
            Some(burst) => Some(
                burst
                    .began
                    .plus_millis(BURST_MILLIS[usize::from(burst.num_sent)]),
            ),
            None => self.next,
        };
        SearchState {
            live: self.live,
            pass: self.awaited.map(|(_, pass)| pass),
            num_asked: self.num_asked,
            next,
        }
    }

    fn schedule(&mut self, now: Timestamp) {
        let millis = LIVE_MILLIS - JITTER_MILLIS + self.roll() % (2 * JITTER_MILLIS + 1);
        self.next = self.live.then(|| now.plus_millis(millis));
    }

    /// Xorshift: jitter needs no better dice.
    fn roll(&mut self) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice
    }
}

/// Whether `planned` is further ahead of `now` than anything is ever planned: the clock was set back.
fn is_far(planned: Timestamp, now: Timestamp) -> bool {
    planned.millis_since(now) > LIVE_MILLIS + JITTER_MILLIS
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_795_349_561_000);

    /// The milliseconds after the start at which questions go out, looked at every 100 ms.
    fn asked_at(search: &mut Search, from_millis: u64, to_millis: u64) -> Vec<u64> {
        (from_millis..to_millis)
            .step_by(100)
            .filter(|millis| search.is_due(START.plus_millis(*millis)))
            .collect()
    }

    #[test]
    fn a_live_search_asks_three_times_and_then_every_fifteen_seconds() {
        let mut search = Search::new(true, START);
        assert_eq!(asked_at(&mut search, 0, 10_000), [0, 1_000, 3_000]);
        let later = asked_at(&mut search, 10_000, 200_000);
        let mut before = 3_000;
        assert!(later.len() >= 11, "it went on asking: {later:?}");
        for millis in later {
            let period = millis - before;
            assert!(
                (13_500..=16_600).contains(&period),
                "{period} ms is off by more than 10 %"
            );
            before = millis;
        }
    }

    #[test]
    fn a_single_search_ends_after_its_burst() {
        let mut search = Search::new(false, START);
        assert!(
            asked_at(&mut search, 0, 1_000).is_empty(),
            "nobody asked for a search"
        );
        search.burst(START);
        assert_eq!(asked_at(&mut search, 0, 60_000), [0, 1_000, 3_000]);
        assert_eq!(search.state().next, None);
        assert_eq!(search.state().pass, None);
    }

    #[test]
    fn stop_stops_within_a_burst() {
        let mut search = Search::new(true, START);
        assert_eq!(asked_at(&mut search, 0, 500), [0]);
        assert_eq!(search.state().pass, Some(1));
        search.stop();
        assert!(asked_at(&mut search, 500, 60_000).is_empty());
        assert_eq!((search.state().live, search.state().pass), (false, None));
        search.set_live(true, START.plus_millis(60_000));
        assert_eq!(asked_at(&mut search, 60_000, 61_000), [60_000]);
    }

    #[test]
    fn a_clock_set_back_does_not_stop_the_search() {
        let mut search = Search::new(true, START);
        asked_at(&mut search, 0, 10_000);
        let yesterday = Timestamp::from_millis(START.as_millis() - 86_400_000);
        assert!(search.is_due(yesterday), "the plan lay a day ahead");
        assert!(!search.is_due(yesterday.plus_millis(100)));
    }
}
