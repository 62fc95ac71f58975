//! How many datagrams of what kind, over time, for the plot.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::model::time::Timestamp;
use crate::model::traffic::{
    BUCKET_SECS, BUCKETS_KEPT, DatagramKind, Direction, Traffic, TrafficSeries,
};

/// Interfaces, kinds and directions that are told apart; more than 64 interfaces never bring something at once.
const SERIES_KEPT: usize = 64 * 16;

/// What is older by no more than these bars counts into the newest one.
const BARS_BACK: i64 = 12;

const BUCKET_MILLIS: i64 = (BUCKET_SECS * 1_000).cast_signed();

/// Counts by interface, direction and kind.
#[derive(Debug, Default)]
pub(in crate::engine) struct Tallies {
    /// The number of the newest bar, counted from the epoch.
    newest: i64,
    /// How many bars there are.
    num_buckets: usize,
    series: BTreeMap<(Arc<str>, Direction, DatagramKind), VecDeque<u32>>,
}

impl Tallies {
    /// Counts one.
    pub(in crate::engine) fn count(
        &mut self,
        interface: &Arc<str>,
        kind: DatagramKind,
        direction: Direction,
        when: Timestamp,
    ) {
        self.move_on(when);
        let key = (Arc::clone(interface), direction, kind);
        if !self.series.contains_key(&key) && self.series.len() >= SERIES_KEPT {
            return;
        }
        let counts = self.series.entry(key).or_default();
        counts.resize(self.num_buckets, 0);
        if let Some(newest) = counts.back_mut() {
            *newest = newest.saturating_add(1);
        }
    }

    /// Begins the bars up to `when`.
    fn move_on(&mut self, when: Timestamp) {
        let bucket = when.as_millis().div_euclid(BUCKET_MILLIS);
        if self.num_buckets == 0 {
            self.newest = bucket;
            self.num_buckets = 1;
            return;
        }
        if self.newest.saturating_sub(bucket) > BARS_BACK {
            // The clock was set back by more than a datagram is ever late.
            self.series.clear();
            self.newest = bucket;
            self.num_buckets = 1;
            return;
        }
        let num_new = usize::try_from(bucket.saturating_sub(self.newest)).unwrap_or(0);
        if num_new == 0 {
            return;
        }
        self.newest = bucket;
        if num_new >= BUCKETS_KEPT {
            self.series.clear();
            self.num_buckets = 1;
            return;
        }
        let before = self.num_buckets;
        self.num_buckets = (before + num_new).min(BUCKETS_KEPT);
        let num_over = (before + num_new).saturating_sub(BUCKETS_KEPT);
        self.series.retain(|_, counts| {
            counts.resize(before, 0);
            counts.extend(std::iter::repeat_n(0, num_new));
            counts.drain(..num_over);
            counts.iter().any(|count| *count > 0)
        });
    }

    /// The picture of now.
    pub(in crate::engine) fn traffic(&self) -> Traffic {
        let series = self
            .series
            .iter()
            .map(|((interface, direction, kind), counts)| {
                let mut counts: Vec<u32> = counts.iter().copied().collect();
                counts.resize(self.num_buckets, 0);
                TrafficSeries {
                    interface: Arc::clone(interface),
                    kind: *kind,
                    direction: *direction,
                    counts,
                }
            });
        Traffic {
            until: Timestamp::from_millis(
                self.newest.saturating_add(1).saturating_mul(BUCKET_MILLIS),
            ),
            num_buckets: self.num_buckets,
            series: series.collect(),
        }
    }
}
