//! What is counted on one interface, by listeners, search and sweep at the same time, and what the
//! kernel counted on its side. No policy: who may count what is the callers' to know.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::model::network::InterfaceCounters;
use crate::model::time::Timestamp;

/// How long after a request a discover reply counts as its answer (rules, "What is heard").
pub const REPLY_WINDOW_MILLIS: u64 = 15_000;

/// [`Counters::last_request_millis`] before the first request.
const NEVER: i64 = i64::MIN;

/// One of the counters that Rollcall keeps itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tally {
    /// Datagrams that came in, our own questions left out.
    Heard,
    /// Of these, decoded as AIDP.
    Understood,
    /// Refused: not AIDP.
    NotAidp,
    /// Refused: payload overrun.
    PayloadOverrun,
    /// Refused: field overrun.
    FieldOverrun,
    /// Requests of other searchers.
    OthersRequests,
    /// Our own questions that came back.
    OwnRequests,
    /// Dropped because the engine could not keep up.
    QueueDrops,
    /// Questions that left.
    Asked,
    /// Questions that could not be sent.
    AskErrors,
}

/// How many [`Tally`] kinds there are.
const NUM_TALLIES: usize = Tally::AskErrors as usize + 1;

/// The counters of one interface. Lives as long as the interface is listed, over every reopening of its sockets.
#[derive(Debug)]
pub struct Counters {
    tallies: [AtomicU64; NUM_TALLIES],
    /// When a request was sent or heard last, ours or another's; [`NEVER`] before the first.
    last_request_millis: AtomicI64,
    /// The newest error in words. Locked for as long as a string takes to be stored, never across an await.
    last_error: Mutex<Option<(Timestamp, String)>>,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            tallies: Default::default(),
            last_request_millis: AtomicI64::new(NEVER),
            last_error: Mutex::new(None),
        }
    }
}

impl Counters {
    /// Counts one.
    pub fn count(&self, tally: Tally) {
        self.add(tally, 1);
    }

    /// Counts several.
    pub fn add(&self, tally: Tally, count: u64) {
        // The counters are only shown: no other memory hangs on them.
        self.tallies[tally as usize].fetch_add(count, Ordering::Relaxed);
    }

    /// How many were counted.
    pub fn total(&self, tally: Tally) -> u64 {
        self.tallies[tally as usize].load(Ordering::Relaxed)
    }

    /// A request was sent or heard here: discover replies of the next 15 s are answers.
    pub fn note_request(&self, when: Timestamp) {
        self.last_request_millis
            .store(when.as_millis(), Ordering::Relaxed);
    }

    /// Whether no request was sent or heard in the 15 s before `when`, so that a discover reply is an announcement.
    pub fn is_quiet(&self, when: Timestamp) -> bool {
        let last = self.last_request_millis.load(Ordering::Relaxed);
        // The distance in both directions: a clock that was set back must not silence announcements for hours.
        last == NEVER || when.as_millis().abs_diff(last) >= REPLY_WINDOW_MILLIS
    }

    /// Keeps an error in words.
    pub fn note_error(&self, when: Timestamp, words: String) {
        *self
            .last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some((when, words));
    }

    /// The newest error in words.
    pub fn last_error(&self) -> Option<(Timestamp, String)> {
        self.last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// All of it, for a snapshot.
    pub fn read(&self, kernel_drops: Option<u64>) -> InterfaceCounters {
        InterfaceCounters {
            heard: self.total(Tally::Heard),
            understood: self.total(Tally::Understood),
            not_aidp: self.total(Tally::NotAidp),
            payload_overrun: self.total(Tally::PayloadOverrun),
            field_overrun: self.total(Tally::FieldOverrun),
            others_requests: self.total(Tally::OthersRequests),
            own_requests: self.total(Tally::OwnRequests),
            kernel_drops,
            queue_drops: self.total(Tally::QueueDrops),
            asked: self.total(Tally::Asked),
            ask_errors: self.total(Tally::AskErrors),
        }
    }
}

/// What the kernel dropped on each UDP socket of this network namespace, by inode. `None` where it cannot be read:
/// only Linux tells without unsafe code.
pub fn kernel_drops() -> Option<HashMap<u64, u64>> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let mut drops = drops_by_inode(&std::fs::read_to_string("/proc/net/udp").ok()?);
    // A kernel without IPv6 has no such file.
    if let Ok(table) = std::fs::read_to_string("/proc/net/udp6") {
        drops.extend(drops_by_inode(&table));
    }
    Some(drops)
}

/// Reads a table as in `proc_net_udp(5)`: the inode is the tenth column, the drops are the last.
fn drops_by_inode(table: &str) -> HashMap<u64, u64> {
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut columns = line.split_whitespace();
            let inode = columns.nth(9)?.parse().ok()?;
            let drops = columns.next_back()?.parse().ok()?;
            Some((inode, drops))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_needs_fifteen_quiet_seconds() {
        let counters = Counters::default();
        let when = Timestamp::from_millis(1_000_000);
        assert!(counters.is_quiet(when), "nobody ever asked");
        counters.note_request(when);
        assert!(!counters.is_quiet(when.plus_millis(14_999)));
        assert!(counters.is_quiet(when.plus_millis(15_000)));
        assert!(
            counters.is_quiet(Timestamp::from_millis(0)),
            "the clock was set back by more than the window"
        );
    }

    #[test]
    fn drops_are_read_from_the_kernels_table() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n \
            1234: 00000000:0DAE 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 51234 2 00000000a1b2c3d4 17\n \
            1235: 0100007F:0DAE 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 51235 2 00000000a1b2c3d4 0\n\
            nonsense\n";
        let drops = drops_by_inode(table);
        assert_eq!(drops.len(), 2);
        assert_eq!(drops.get(&51234), Some(&17));
        assert_eq!(drops.get(&51235), Some(&0));
    }

    #[test]
    fn every_tally_has_a_place_of_its_own() {
        let counters = Counters::default();
        counters.count(Tally::Heard);
        counters.add(Tally::AskErrors, 3);
        let read = counters.read(Some(4));
        assert_eq!(
            (read.heard, read.ask_errors, read.kernel_drops),
            (1, 3, Some(4))
        );
        assert_eq!(read.asked, 0);
    }
}
