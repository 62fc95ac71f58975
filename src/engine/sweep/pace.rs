//! How fast a sweep may go, and how fast it goes: the pace, the room in the ARP table, the rate.

use std::collections::{HashMap, VecDeque};
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::time::Instant;

/// The most questions a second that can be asked for.
pub const MAX_PER_SEC: u32 = 10_000;

/// How many addresses of local subnets may be unresolved at once (rules, "Asking").
pub const MAX_UNRESOLVED: usize = 256;

/// How long a local address counts as unresolved after it was asked, unless it answers. It is the
/// time that Linux keeps its ARP entry incomplete: three requests a second apart, 3 s and its timers'
/// slack (measured: with 3.0 s the waves overlap, with 3.2 s no more than 256 are ever incomplete).
/// 256 in 3.2 s also leave no more than 512 entries younger than 5 s, which is where the kernel
/// begins to throw entries out (`gc_thresh2`). One second would be three times as fast and would
/// fill the table (1,024).
pub(super) const UNRESOLVED_FOR: Duration = Duration::from_millis(3_200);

/// How much the pace may make up for after it was held up: the timers are no finer than 1 ms.
const CATCH_UP: Duration = Duration::from_millis(10);

/// The shown rate is the mean over two of the waves in which questions leave on a local subnet.
const RATE_OVER: Duration = UNRESOLVED_FOR.saturating_mul(2);
/// How often the rate is measured.
pub(super) const RATE_SAMPLE_EVERY: Duration = Duration::from_millis(250);

/// Local addresses whose ARP request may still be open.
#[derive(Debug, Default)]
pub(super) struct Unresolved {
    until: HashMap<Ipv4Addr, Instant>,
    /// In order of time; an entry that `until` does not agree with was resolved or asked again.
    queue: VecDeque<(Instant, Ipv4Addr)>,
}

impl Unresolved {
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some(&(until, ip)) = self.queue.front() {
            let is_stale = self.until.get(&ip) != Some(&until);
            if !is_stale && until > now {
                break;
            }
            if !is_stale {
                self.until.remove(&ip);
            }
            self.queue.pop_front();
        }
    }

    pub(super) fn insert(&mut self, ip: Ipv4Addr, now: Instant) {
        let until = now + UNRESOLVED_FOR;
        if self.until.insert(ip, until) != Some(until) {
            self.queue.push_back((until, ip));
        }
    }

    pub(super) fn resolve(&mut self, ip: Ipv4Addr) {
        self.until.remove(&ip);
    }

    /// When a place gets free; `None` when there is one for `ip` among `max_ips`.
    pub(super) fn full_until(&self, ip: Ipv4Addr, max_ips: usize) -> Option<Instant> {
        if self.until.len() < max_ips || self.until.contains_key(&ip) {
            return None;
        }
        self.queue.front().map(|&(until, _)| until)
    }
}

/// Spreads datagrams, or connections, evenly.
#[derive(Debug)]
pub(in crate::engine) struct Pacer {
    interval: Duration,
    /// When the next one may leave.
    pub(in crate::engine) next: Instant,
}

impl Pacer {
    pub(in crate::engine) fn new(per_sec: u32, now: Instant) -> Self {
        Self {
            interval: Duration::from_secs(1) / per_sec.clamp(1, MAX_PER_SEC),
            next: now,
        }
    }

    pub(in crate::engine) fn left(&mut self, now: Instant) {
        // What was missed by more than a moment is not made up for.
        let earliest = now.checked_sub(CATCH_UP).unwrap_or(now);
        self.next = self.next.max(earliest) + self.interval;
    }
}

/// Measures the rate that is shown.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) began: Instant,
    /// Times with the number that had left by then, oldest first; about 26.
    samples: VecDeque<(Instant, u64)>,
}

impl Meter {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began: now,
            samples: VecDeque::from([(now, 0)]),
        }
    }

    /// The mean rate up to now, when it is time to look at it again.
    pub(super) fn sample(&mut self, now: Instant, num_asked: u64) -> Option<u32> {
        let newest = self.samples.back()?.0;
        if now.saturating_duration_since(newest) < RATE_SAMPLE_EVERY {
            return None;
        }
        self.samples.push_back((now, num_asked));
        while self.samples.len() > 2
            && now.saturating_duration_since(self.samples[1].0) >= RATE_OVER
        {
            self.samples.pop_front();
        }
        let &(since, before) = self.samples.front()?;
        let millis = now.saturating_duration_since(since).as_millis().max(1) as u64;
        let asked = num_asked.saturating_sub(before);
        Some(u32::try_from(asked.saturating_mul(1_000) / millis).unwrap_or(u32::MAX))
    }
}
