//! How many datagrams of a capture came when, without knowing beforehand how long it is.

use crate::model::time::Timestamp;
use crate::model::watching::TIMELINE_STEPS;

/// Counts in equal steps that double whenever the capture turns out to be longer.
#[derive(Debug)]
pub(super) struct Timeline {
    first: i64,
    last: i64,
    step_millis: i64,
    counts: Vec<u32>,
}

impl Timeline {
    pub(super) const fn new() -> Self {
        Self {
            first: 0,
            last: 0,
            step_millis: 1,
            counts: Vec::new(),
        }
    }

    /// Counts one. Time never goes back in a replay: what is older than what came before counts as if it came with it.
    pub(super) fn count(&mut self, when: Timestamp) {
        let when = when.as_millis();
        if self.counts.is_empty() {
            self.first = when;
            self.last = when;
            self.counts.push(0);
        }
        self.last = self.last.max(when);
        let mut idx = self.idx();
        while idx >= TIMELINE_STEPS as u64 {
            self.step_millis = self.step_millis.saturating_mul(2);
            self.counts = self
                .counts
                .chunks(2)
                .map(|pair| {
                    pair.iter()
                        .fold(0_u32, |sum, count| sum.saturating_add(*count))
                })
                .collect();
            idx = self.idx();
        }
        let idx = idx as usize;
        if self.counts.len() <= idx {
            self.counts.resize(idx + 1, 0);
        }
        self.counts[idx] = self.counts[idx].saturating_add(1);
    }

    /// In which step the newest datagram is.
    fn idx(&self) -> u64 {
        self.last.abs_diff(self.first) / self.step_millis.unsigned_abs()
    }

    /// When the first and the last datagram were.
    pub(super) fn span(&self) -> Option<(Timestamp, Timestamp)> {
        (!self.counts.is_empty()).then(|| {
            (
                Timestamp::from_millis(self.first),
                Timestamp::from_millis(self.last),
            )
        })
    }

    /// The counts.
    pub(super) fn counts(&self) -> Vec<u32> {
        self.counts.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of datagrams at these milliseconds: the span and the sum of the counts.
    fn check(millis: &[i64]) -> (Option<(i64, i64)>, u32) {
        let mut timeline = Timeline::new();
        for millis in millis {
            timeline.count(Timestamp::from_millis(*millis));
        }
        let counts = timeline.counts();
        assert!(counts.len() <= TIMELINE_STEPS, "{} steps", counts.len());
        let span = timeline.span();
        (
            span.map(|(first, last)| (first.as_millis(), last.as_millis())),
            counts.iter().sum(),
        )
    }

    #[test]
    fn whatever_its_length_a_capture_has_a_time_line() {
        assert_eq!(check(&[]), (None, 0));
        assert_eq!(check(&[5]), (Some((5, 5)), 1));
        assert_eq!(
            check(&[0, 86_400_000, 86_400_001]),
            (Some((0, 86_400_001)), 3)
        );
        assert_eq!(
            check(&[10, 5, 20]),
            (Some((10, 20)), 3),
            "time never goes back"
        );
        assert_eq!(
            check(&[i64::MIN, i64::MAX, 0]),
            (Some((i64::MIN, i64::MAX)), 3)
        );
    }

    #[test]
    fn equal_steps_hold_what_came_in_them() {
        let mut timeline = Timeline::new();
        for second in 0..1_200 {
            timeline.count(Timestamp::from_millis(second * 1_000));
        }
        let counts = timeline.counts();
        assert!(counts.len() > TIMELINE_STEPS / 4, "{} steps", counts.len());
        let (least, most) = (counts.iter().min(), counts[..counts.len() - 1].iter().max());
        assert!(most <= Some(&6) && least >= Some(&0), "{counts:?}");
    }
}
