//! Who is to be identified, who is being asked just now, and how far that is. Up to `UNITS_AT_ONCE` units at once;
//! the connections among them are bounded by [`super::Slots`].

use std::collections::{HashMap, VecDeque};
use std::net::Ipv4Addr;

use tokio::task::{AbortHandle, JoinSet};

use super::unit::{Asked, Asking, ask_unit};
use crate::model::identity::ApplianceId;
use crate::model::snapshot::IdentifyState;
use crate::model::time::Timestamp;

/// How many units are asked at once: each has at least one question open, so more would only wait.
const UNITS_AT_ONCE: usize = super::MAX_OPEN;

/// How many may wait. A sweep of the largest range that is probed whole, and as many units, fit.
const WAITING_KEPT: usize = 262_144;

/// Who is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A unit of the site.
    Unit(ApplianceId),
    /// An address of a sweep, where nobody may be.
    Swept,
}

/// One address that is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Who is meant.
    pub who: Who,
    /// Where.
    pub ip: Ipv4Addr,
    /// Whether every probe is tried, even when enough is known before.
    pub is_thorough: bool,
}

/// The queue. Dropping it ends what is being asked.
#[derive(Debug, Default)]
pub struct Queue {
    /// The order. An address that was moved to the front stands behind as well, where it is passed over.
    waiting: VecDeque<Ipv4Addr>,
    /// Every address that waits or is being asked, so that none is asked twice at once.
    queued: HashMap<Ipv4Addr, Queued>,
    running: JoinSet<(Ipv4Addr, Option<Asked>)>,
    /// Those of a sweep that wait or are being asked.
    num_swept: usize,
    state: Option<IdentifyState>,
}

/// An address that waits or is being asked.
#[derive(Debug)]
struct Queued {
    wanted: Wanted,
    /// Ends it; `None` while it waits.
    asking: Option<AbortHandle>,
}

impl Queue {
    /// Puts an address at the end, or in front when a person waits for it. `false` when it is queued already: then it
    /// is asked once, and thoroughly when either wants that.
    pub fn push(&mut self, wanted: Wanted, in_front: bool, now: Timestamp) -> bool {
        if let Some(queued) = self.queued.get_mut(&wanted.ip) {
            if wanted.is_thorough && !queued.wanted.is_thorough {
                if queued.wanted.who == Who::Swept {
                    self.num_swept = self.num_swept.saturating_sub(1);
                }
                queued.wanted = wanted;
                // One that is being asked might stop early: it is begun anew.
                if let Some(asking) = queued.asking.take() {
                    asking.abort();
                }
                self.waiting.push_front(wanted.ip);
            }
            return false;
        }
        if self.waiting.len() >= WAITING_KEPT {
            return false;
        }
        let asking = None;
        self.queued.insert(wanted.ip, Queued { wanted, asking });
        let state = match &mut self.state {
            Some(state) if state.ended.is_none() => state,
            state => state.insert(IdentifyState {
                num_units: 0,
                num_done: 0,
                num_identified: 0,
                started: now,
                ended: None,
                was_stopped: false,
            }),
        };
        state.num_units += 1;
        if wanted.who == Who::Swept {
            self.num_swept += 1;
        }
        if in_front {
            self.waiting.push_front(wanted.ip);
        } else {
            self.waiting.push_back(wanted.ip);
        }
        true
    }

    /// Begins to ask those whose turn it is.
    pub fn begin(&mut self, asking: impl Fn(&Wanted) -> Asking) {
        while self.running.len() < UNITS_AT_ONCE
            && let Some(ip) = self.waiting.pop_front()
        {
            let Some(queued) = self.queued.get_mut(&ip) else {
                continue;
            };
            if queued.asking.is_some() {
                continue;
            }
            let asking = asking(&queued.wanted);
            queued.asking = Some(self.running.spawn(async move {
                // A task of its own, so that a panic in a probe costs one unit. Dropping the set ends it.
                let mut alone = JoinSet::new();
                alone.spawn(ask_unit(asking));
                (ip, alone.join_next().await.and_then(Result::ok))
            }));
        }
    }

    /// Waits for the next unit that was asked; for ever when none is being asked. Without an answer, a probe failed
    /// because of an error inside Rollcall.
    pub async fn next(&mut self) -> (Wanted, Option<Asked>) {
        loop {
            let (task, (ip, asked)) = match self.running.join_next_with_id().await {
                Some(Ok(done)) => done,
                // It was ended before its time, and nobody waits for it. The outer task only waits, so nothing else
                // can end it.
                Some(Err(_)) => continue,
                None => std::future::pending().await,
            };
            let asking = self.queued.get(&ip).and_then(|one| one.asking.as_ref());
            // Otherwise it was ended in the moment in which it was done.
            if asking.is_some_and(|asking| asking.id() == task)
                && let Some(Queued { wanted, .. }) = self.queued.remove(&ip)
            {
                if wanted.who == Who::Swept {
                    self.num_swept = self.num_swept.saturating_sub(1);
                }
                return (wanted, asked);
            }
        }
    }

    /// Notes that a unit is done.
    pub fn done(&mut self, is_identified: bool, now: Timestamp) {
        let is_over = self.is_idle();
        if let Some(state) = &mut self.state {
            state.num_done += 1;
            state.num_identified += usize::from(is_identified);
            if is_over {
                state.ended = Some(now);
            }
        }
    }

    /// Forgets those who wait and stops asking.
    pub fn stop(&mut self, now: Timestamp) {
        if self.is_idle() {
            return;
        }
        self.waiting.clear();
        self.queued.clear();
        self.running = JoinSet::new();
        self.num_swept = 0;
        if let Some(state) = &mut self.state {
            state.ended = Some(now);
            state.was_stopped = true;
        }
    }

    /// Forgets the addresses of a sweep, those that wait and those that are being asked.
    pub fn stop_swept(&mut self, now: Timestamp) {
        let before = self.queued.len();
        self.queued.retain(|_, queued| {
            let stays = queued.wanted.who != Who::Swept;
            if !stays && let Some(asking) = &queued.asking {
                asking.abort();
            }
            stays
        });
        let queued = &self.queued;
        self.waiting.retain(|ip| queued.contains_key(ip));
        let num_forgotten = before - self.queued.len();
        self.num_swept = 0;
        let is_over = self.is_idle();
        if let Some(state) = self.state.as_mut().filter(|state| state.ended.is_none()) {
            state.num_units -= num_forgotten;
            if is_over {
                state.ended = Some(now);
                state.was_stopped = true;
            }
        }
    }

    /// Whether nobody waits and nobody is being asked.
    pub fn is_idle(&self) -> bool {
        self.queued.is_empty()
    }

    /// Whether addresses of a sweep wait or are being asked.
    pub const fn is_sweeping(&self) -> bool {
        self.num_swept > 0
    }

    /// How far it is, for the snapshot.
    pub const fn state(&self) -> Option<&IdentifyState> {
        self.state.as_ref()
    }
}
