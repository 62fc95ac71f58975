//! The questions that Rollcall asked itself: by these it knows its own when they come back from the
//! network, and which answers belong to a sweep.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::time::Timestamp;

/// How long a sequence stays ours. An answer is awaited for 3 s; the rest is for slow networks and long passes.
const OURS_MILLIS: u64 = 60_000;

/// What a question was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A search: broadcast.
    Search,
    /// A sweep: one address.
    Sweep,
}

/// The questions that are ours, shared by everybody who asks and everybody who listens.
///
/// Locked for the length of a look-up, never across an await.
#[derive(Debug)]
pub struct OwnQuestions {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The last sequence given out.
    last: u16,
    /// Sequences given out lately. At most one entry for each of the 65,535.
    sequences: HashMap<u16, (Timestamp, Asked)>,
    /// The laptop's own addresses.
    ips: HashSet<IpAddr>,
    /// The ports of the sockets that ask.
    ports: HashSet<u16>,
}

impl OwnQuestions {
    /// `seed` is where sequences begin: not at 1, which simple clients always use.
    pub fn new(seed: u16) -> Self {
        Self {
            inner: Mutex::new(Inner {
                last: seed,
                sequences: HashMap::new(),
                ips: HashSet::new(),
                ports: HashSet::new(),
            }),
        }
    }

    /// A sequence for a new question; never 0.
    pub fn next_sequence(&self, asked: Asked, now: Timestamp) -> u16 {
        let mut inner = self.lock();
        inner.last = match inner.last.wrapping_add(1) {
            0 => 1,
            next => next,
        };
        let sequence = inner.last;
        inner.sequences.insert(sequence, (now, asked));
        sequence
    }

    /// A question with this sequence goes out, maybe not for the first time: it is ours for another while.
    pub fn note(&self, sequence: u16, asked: Asked, now: Timestamp) {
        self.lock().sequences.insert(sequence, (now, asked));
    }

    /// What a sequence was asked for, when it is ours.
    pub fn asked(&self, sequence: u16, now: Timestamp) -> Option<Asked> {
        let (when, asked) = *self.lock().sequences.get(&sequence)?;
        is_fresh(when, now).then_some(asked)
    }

    /// Whether a discover request is one of ours that came back. Address and port are compared as well, since
    /// another program on this laptop may use the same sequence.
    pub fn is_ours(&self, from: SocketAddr, sequence: u16, now: Timestamp) -> bool {
        let inner = self.lock();
        inner.ports.contains(&from.port())
            // An interface without an address asks from 0.0.0.0.
            && (from.ip().is_unspecified() || inner.ips.contains(&from.ip()))
            && inner
                .sequences
                .get(&sequence)
                .is_some_and(|(when, _)| is_fresh(*when, now))
    }

    /// Where our questions come from just now.
    pub fn set_senders(&self, ips: HashSet<IpAddr>, ports: HashSet<u16>) {
        let mut inner = self.lock();
        inner.ips = ips;
        inner.ports = ports;
    }

    /// Forgets sequences that are no longer ours.
    pub fn forget_old(&self, now: Timestamp) {
        self.lock()
            .sequences
            .retain(|_, (when, _)| is_fresh(*when, now));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_fresh(when: Timestamp, now: Timestamp) -> bool {
    when.as_millis().abs_diff(now.as_millis()) < OURS_MILLIS
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    #[test]
    fn a_question_is_ours_by_address_port_and_sequence() {
        let own = OwnQuestions::new(7);
        let sequence = own.next_sequence(Asked::Search, NOW);
        own.set_senders(
            HashSet::from([IpAddr::from([10, 0, 0, 5])]),
            HashSet::from([40_000]),
        );
        let from = |text: &str| text.parse::<SocketAddr>().expect("a literal");
        assert!(own.is_ours(from("10.0.0.5:40000"), sequence, NOW));
        assert!(own.is_ours(from("0.0.0.0:40000"), sequence, NOW));
        assert!(
            !own.is_ours(from("10.0.0.6:40000"), sequence, NOW),
            "another laptop"
        );
        assert!(
            !own.is_ours(from("10.0.0.5:40001"), sequence, NOW),
            "another program"
        );
        assert!(
            !own.is_ours(from("10.0.0.5:40000"), sequence + 1, NOW),
            "never asked"
        );
        let later = NOW.plus_millis(OURS_MILLIS);
        assert!(
            !own.is_ours(from("10.0.0.5:40000"), sequence, later),
            "long ago"
        );
        own.forget_old(later);
        assert!(own.lock().sequences.is_empty());
    }

    #[test]
    fn sequences_wrap_around_zero() {
        let own = OwnQuestions::new(u16::MAX - 1);
        assert_eq!(own.next_sequence(Asked::Search, NOW), u16::MAX);
        assert_eq!(own.next_sequence(Asked::Sweep, NOW), 1, "0 is never used");
        assert_eq!(own.asked(1, NOW), Some(Asked::Sweep));
        assert_eq!(own.asked(2, NOW), None);
    }
}
