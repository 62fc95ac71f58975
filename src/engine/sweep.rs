//! Asks given addresses one by one, twice, at a pace that neither the network nor the kernel minds.
//! What sends the datagrams is a parameter ([`Asker`]); who answered is told by the actor
//! ([`Sweep::answered`]).

use std::collections::{HashSet, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use self::pace::{Meter, RATE_SAMPLE_EVERY, Unresolved};
pub(super) use self::send_error::is_passing;
use self::send_error::{in_words, is_nobody_there};
use super::ranges::Ranges;
use crate::model::network::Network;
use crate::model::snapshot::{SweepEnd, SweepState};
use crate::model::time::Timestamp;
use crate::wire;

mod pace;
mod send_error;

pub(super) use pace::Pacer;
pub use pace::{MAX_PER_SEC, MAX_UNRESOLVED};

/// Questions a second when nobody says otherwise (rules, "Asking").
pub const DEFAULT_PER_SEC: u32 = 500;

/// Questions a second in a local subnet, where the number of unresolved addresses is what holds a sweep back: a /24 has
/// all its first questions within a third of a second.
const LOCAL_PER_SEC: u32 = 2_000;

/// How often each address is asked.
pub const NUM_PASSES: usize = 2;

/// TCP is tried after a sweep of at most this many addresses, unless a person asked for it: with
/// 48 connections at once and 3 s for each, 4,096 addresses take about four minutes, and a
/// connection attempt weighs more on a network than a datagram.
pub const TCP_AFTER_SWEEP_MAX_IPS: u64 = 4_096;

/// Of a sweep of at most this many addresses, those that did not answer are probed as well; of a larger one, only those
/// that did.
pub const PROBE_MAX_IPS: u64 = 4_096;

/// Between the first and the second question to an address. The rules want at least 2.5 s. Linux
/// gives ARP up a little more than 3 s after the first question, and another one within that time
/// only joins its queue: after it, the kernel asks anew, so that the second pass also makes up for
/// lost ARP requests.
const PASS_GAP: Duration = Duration::from_millis(3_250);

/// After the last question, answers are waited for (aidp.md, "one request, many replies").
const ANSWER_TIME: Duration = Duration::from_secs(3);

/// The first and the longest wait after a send that would block.
const RETRY_FIRST: Duration = Duration::from_millis(2);
const RETRY_LONGEST: Duration = Duration::from_millis(50);

/// A sweep ends when for so long no datagram could leave.
const STUCK_AFTER: Duration = Duration::from_secs(30);

/// How often interfaces are looked at again: a cable may be moved during a long sweep.
const NETWORKS_EVERY: Duration = Duration::from_secs(2);

/// See [`Asker::max_waiting`].
pub(super) const DEFAULT_WAITING: usize = 192;

/// Before this, the rate says little about the rest.
const ESTIMATE_AFTER: Duration = Duration::from_secs(3);

/// What is to be asked, and how fast.
#[derive(Clone, Debug)]
pub struct SweepPlan {
    /// The addresses.
    pub ranges: Ranges,
    /// The ranges as typed, to show.
    pub text: String,
    /// Datagrams a second, 1 to [`MAX_PER_SEC`].
    pub per_sec: u32,
    /// The UDP ports that each address is asked on; one datagram each.
    pub ports: Vec<u16>,
    /// The sequence of the questions of each pass, by which answers are known.
    pub sequences: [u16; NUM_PASSES],
    /// When it was asked for.
    pub started: Timestamp,
}

impl SweepPlan {
    /// The default pace, both ports, the sequences `sequence` and the one after it.
    pub fn new(ranges: Ranges, text: String, sequence: u16, started: Timestamp) -> Self {
        Self {
            ranges,
            text,
            per_sec: DEFAULT_PER_SEC,
            ports: vec![wire::PORT_INSTALL, wire::PORT_MANAGEMENT],
            sequences: [sequence, sequence.wrapping_add(1)],
            started,
        }
    }
}

/// What came of one send.
#[derive(Debug)]
pub enum AskResult {
    /// The datagram left.
    Sent,
    /// The socket's buffer is full: to be tried again.
    WouldBlock,
    /// It cannot be sent.
    Failed(io::Error),
}

/// Sends questions. Must not block.
pub trait Asker: Send + 'static {
    /// The laptop's subnets on the interfaces that are asked on, now.
    fn networks(&self) -> Vec<Network>;

    /// How many questions may wait in the kernel for ARP. Linux counts them against the socket's send
    /// buffer until ARP gives up, about 832 bytes each, so that a socket with the usual 208 KiB takes
    /// no more than 256, and none of a search either. The default leaves a quarter of that free.
    fn max_waiting(&self) -> usize {
        DEFAULT_WAITING
    }

    /// Sends one discover request to one address.
    fn try_ask(&self, to: SocketAddrV4, sequence: u16) -> AskResult;
}

/// A sweep that runs or is over. Dropping it ends it.
#[derive(Debug)]
pub struct Sweep {
    shared: Arc<Shared>,
    /// The addresses that are asked: the plan's without the laptop's own and the subnets' broadcasts.
    ranges: Arc<Ranges>,
    task: JoinHandle<()>,
}

/// Begins a sweep on the current tokio runtime.
pub fn start(plan: SweepPlan, asker: impl Asker) -> Sweep {
    let networks = asker.networks();
    let ranges = Arc::new(without_own(plan.ranges, &networks));
    let num_ips = ranges.num_ips();
    let num_questions = num_ips * (NUM_PASSES * plan.ports.len()) as u64;
    let shared = Arc::new(Shared {
        changed: Notify::new(),
        progress: Mutex::new(Progress {
            state: SweepState {
                ranges: plan.text,
                num_ips,
                num_asked: 0,
                num_questions,
                num_answered: 0,
                per_sec: 0,
                left_secs: None,
                started: plan.started,
                ended: None,
            },
            answered: HashSet::new(),
            unresolved: Unresolved::default(),
            is_canceled: false,
            is_complete: false,
        }),
    });
    let now = Instant::now();
    let run = Run {
        asker,
        shared: Arc::clone(&shared),
        ranges: Arc::clone(&ranges),
        ports: plan.ports,
        sequences: plan.sequences,
        pacer: Pacer::new(plan.per_sec, now),
        local_pacer: Pacer::new(LOCAL_PER_SEC, now),
        meter: Meter::new(now),
        networks,
        networks_seen: now,
        failures: Failures::default(),
        num_settled: 0,
        num_questions,
        last_left: now,
    };
    let task = tokio::spawn(run.until_over());
    Sweep {
        shared,
        ranges,
        task,
    }
}

impl Sweep {
    /// How far it is.
    pub fn state(&self) -> SweepState {
        let mut state = self.shared.lock().state.clone();
        if state.ended.is_none() && self.task.is_finished() {
            state.ended = Some(SweepEnd::Failed(
                "the sweep stopped because of an error inside Rollcall".to_owned(),
            ));
        }
        state
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    /// Stops asking. The state says so within milliseconds.
    pub fn cancel(&self) {
        self.shared.lock().is_canceled = true;
        self.shared.changed.notify_one();
    }

    /// To be told of every answer to one of the sweep's questions, with the datagram's source. Counts
    /// each address once, and only those that were asked, so that nobody can make it grow.
    pub fn answered(&self, ip: Ipv4Addr) {
        if !self.ranges.contains(ip) {
            return;
        }
        let mut progress = self.shared.lock();
        if progress.answered.insert(ip) {
            progress.state.num_answered = progress.answered.len() as u64;
            progress.unresolved.resolve(ip);
            drop(progress);
            self.shared.changed.notify_one();
        }
    }

    /// To be told of addresses that the system knows the MAC of: they wait for no ARP, and leave their place to others.
    pub fn resolved(&self, ips: impl IntoIterator<Item = Ipv4Addr>) {
        let mut progress = self.shared.lock();
        for ip in ips {
            progress.unresolved.resolve(ip);
        }
        drop(progress);
        self.shared.changed.notify_one();
    }

    /// The addresses that answered, without those in `known`.
    pub fn answered_ips(&self, known: &HashSet<Ipv4Addr>) -> Vec<Ipv4Addr> {
        let progress = self.shared.lock();
        let mut ips: Vec<Ipv4Addr> = progress.answered.difference(known).copied().collect();
        ips.sort_unstable();
        ips
    }

    /// Whether an address is asked.
    pub fn covers(&self, ip: Ipv4Addr) -> bool {
        self.ranges.contains(ip)
    }

    /// Whether both passes came to their end.
    pub fn is_complete(&self) -> bool {
        self.shared.lock().is_complete
    }

    /// How many addresses are asked.
    pub fn num_ips(&self) -> u64 {
        self.ranges.num_ips()
    }

    /// The addresses that have not answered, in ascending order.
    pub fn unanswered(&self) -> Vec<Ipv4Addr> {
        let progress = self.shared.lock();
        self.ranges
            .iter()
            .filter(|ip| !progress.answered.contains(ip))
            .collect()
    }

    /// The addresses to try TCP on now that the sweep is over: those that UDP brought nothing for.
    /// None after a sweep that did not come to its end, and none after one of more than
    /// [`TCP_AFTER_SWEEP_MAX_IPS`] addresses unless a person wants it.
    pub fn for_tcp(&self, is_wanted: bool) -> Vec<Ipv4Addr> {
        let is_complete = self.shared.lock().is_complete;
        if is_complete && (is_wanted || self.ranges.num_ips() <= TCP_AFTER_SWEEP_MAX_IPS) {
            self.unanswered()
        } else {
            Vec::new()
        }
    }
}

impl Drop for Sweep {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the task and the handle both hold.
#[derive(Debug)]
struct Shared {
    /// Wakes the task: somebody answered, or the sweep is canceled.
    changed: Notify,
    progress: Mutex<Progress>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Progress> {
        // Every change leaves the counts whole, so a panic elsewhere does no harm here.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `when`, or until somebody answered or canceled.
    async fn wait_until(&self, when: Instant) {
        tokio::select! {
            () = tokio::time::sleep_until(when) => {}
            () = self.changed.notified() => {}
        }
    }
}

#[derive(Debug)]
struct Progress {
    state: SweepState,
    /// Only addresses that are asked, so never more than a /12.
    answered: HashSet<Ipv4Addr>,
    unresolved: Unresolved,
    is_canceled: bool,
    /// Both passes came to their end, even if some questions could not be sent.
    is_complete: bool,
}

/// Questions that could not be sent.
#[derive(Debug, Default)]
struct Failures {
    count: u64,
    /// Why the newest one failed, in words.
    why: String,
}

/// Why the task stops before its end.
enum Stop {
    Canceled,
    Stuck,
}

/// A question that is due later.
#[derive(Clone, Copy, Debug)]
struct Again {
    due: Instant,
    ip: Ipv4Addr,
}

struct Run<A> {
    asker: A,
    shared: Arc<Shared>,
    ranges: Arc<Ranges>,
    ports: Vec<u16>,
    sequences: [u16; NUM_PASSES],
    pacer: Pacer,
    local_pacer: Pacer,
    meter: Meter,
    networks: Vec<Network>,
    networks_seen: Instant,
    failures: Failures,
    /// Questions that left or failed.
    num_settled: u64,
    num_questions: u64,
    /// When a question left, or was found to be impossible, last.
    last_left: Instant,
}

impl<A: Asker> Run<A> {
    async fn until_over(mut self) {
        let outcome = self.both_passes().await;
        let is_complete = outcome.is_ok();
        let end = match outcome {
            Ok(()) => self.verdict(),
            Err(Stop::Canceled) => SweepEnd::Canceled,
            Err(Stop::Stuck) => SweepEnd::Failed(format!(
                "for {} s the system accepted no datagram to send",
                STUCK_AFTER.as_secs()
            )),
        };
        let mut progress = self.shared.lock();
        progress.state.per_sec = 0;
        progress.state.left_secs = None;
        progress.state.ended = Some(end);
        progress.is_complete = is_complete;
    }

    /// The second question to an address goes before the first to the next one when it is due, so
    /// the queue holds no more than what leaves within [`PASS_GAP`].
    async fn both_passes(&mut self) -> Result<(), Stop> {
        let mut again: VecDeque<Again> = VecDeque::new();
        let mut asked_up_to = None;
        loop {
            let next = self.ranges.next_after(asked_up_to);
            match (again.front().copied(), next) {
                (Some(second), _) if second.due <= Instant::now() => {
                    again.pop_front();
                    self.ask(second.ip, 1).await?;
                }
                (_, Some(ip)) => {
                    asked_up_to = Some(ip);
                    self.ask(ip, 0).await?;
                    let due = Instant::now() + PASS_GAP;
                    again.push_back(Again { due, ip });
                }
                (Some(second), None) => self.rest_until(second.due).await?,
                (None, None) => break,
            }
        }
        self.rest_until(self.last_left + ANSWER_TIME).await
    }

    /// Asks one address on every port, when its turn has come.
    async fn ask(&mut self, ip: Ipv4Addr, pass: usize) -> Result<(), Stop> {
        self.look_at_networks();
        let is_local = self.networks.iter().any(|network| network.contains(ip));
        if is_local {
            self.wait_for_place(ip).await?;
        }
        for port_idx in 0..self.ports.len() {
            let to = SocketAddrV4::new(ip, self.ports[port_idx]);
            let turn = self.pacer(is_local).next;
            self.rest_until(turn).await?;
            self.send(to, self.sequences[pass], is_local).await?;
        }
        // A pace that the computer cannot keep must not keep other tasks from running.
        tokio::task::yield_now().await;
        Ok(())
    }

    /// Routed ranges go at the pace that was asked for. What bounds a local subnet is the number of unresolved addresses.
    const fn pacer(&mut self, is_local: bool) -> &mut Pacer {
        if is_local {
            &mut self.local_pacer
        } else {
            &mut self.pacer
        }
    }

    /// Waits until one more local address may be unresolved. One that has answered is resolved.
    async fn wait_for_place(&mut self, ip: Ipv4Addr) -> Result<(), Stop> {
        let max_ips = (self.asker.max_waiting() / self.ports.len().max(1)).clamp(1, MAX_UNRESOLVED);
        loop {
            let full_until = {
                let mut progress = self.shared.lock();
                if progress.answered.contains(&ip) {
                    return Ok(());
                }
                progress.unresolved.expire(Instant::now());
                progress.unresolved.full_until(ip, max_ips)
            };
            match full_until {
                None => return Ok(()),
                Some(when) => self.pause(when).await?,
            }
        }
    }

    /// Sends one question; waits and tries again while the system does not take it.
    async fn send(&mut self, to: SocketAddrV4, sequence: u16, is_local: bool) -> Result<(), Stop> {
        let mut retry = RETRY_FIRST;
        let began = Instant::now();
        loop {
            let result = self.asker.try_ask(to, sequence);
            let now = Instant::now();
            match result {
                AskResult::Sent => {
                    self.pacer(is_local).left(now);
                    self.settled(now);
                    let mut progress = self.shared.lock();
                    progress.state.num_asked += 1;
                    if is_local && !progress.answered.contains(to.ip()) {
                        progress.unresolved.insert(*to.ip(), now);
                    }
                    return Ok(());
                }
                AskResult::Failed(error) if !is_passing(&error) => {
                    // A failure costs the system as much as a datagram: it keeps the pace.
                    self.pacer(is_local).left(now);
                    self.settled(now);
                    if !is_nobody_there(&error) {
                        self.failures.count += 1;
                        self.failures.why = in_words(&error);
                    }
                    return Ok(());
                }
                AskResult::WouldBlock | AskResult::Failed(_) => {
                    if now.saturating_duration_since(began) >= STUCK_AFTER {
                        return Err(Stop::Stuck);
                    }
                    self.rest_until(now + retry).await?;
                    retry = (retry * 2).min(RETRY_LONGEST);
                }
            }
        }
    }

    fn settled(&mut self, now: Instant) {
        self.num_settled += 1;
        self.last_left = now;
    }

    fn look_at_networks(&mut self) {
        let now = Instant::now();
        if now.saturating_duration_since(self.networks_seen) >= NETWORKS_EVERY {
            self.networks = self.asker.networks();
            self.networks_seen = now;
        }
    }

    /// Waits until `when`, whatever is answered meanwhile.
    async fn rest_until(&mut self, when: Instant) -> Result<(), Stop> {
        self.report();
        loop {
            if self.shared.lock().is_canceled {
                return Err(Stop::Canceled);
            }
            if Instant::now() >= when {
                return Ok(());
            }
            self.pause(when).await?;
        }
    }

    /// Waits until `when`, or less when somebody answers or the shown figures are to be renewed.
    async fn pause(&mut self, when: Instant) -> Result<(), Stop> {
        let figures_due = Instant::now() + RATE_SAMPLE_EVERY;
        self.shared.wait_until(when.min(figures_due)).await;
        self.report();
        if self.shared.lock().is_canceled {
            return Err(Stop::Canceled);
        }
        Ok(())
    }

    /// Renews the rate and the time left, a few times a second.
    fn report(&mut self) {
        let now = Instant::now();
        let mut progress = self.shared.lock();
        let Some(per_sec) = self.meter.sample(now, progress.state.num_asked) else {
            return;
        };
        progress.state.per_sec = per_sec;
        let open = self.num_questions.saturating_sub(self.num_settled);
        progress.state.left_secs = if open == 0 {
            let end = self.last_left + ANSWER_TIME;
            Some(end.saturating_duration_since(now).as_secs_f64().ceil() as u64)
        } else if now.saturating_duration_since(self.meter.began) < ESTIMATE_AFTER || per_sec == 0 {
            None
        } else {
            Some(open.div_ceil(u64::from(per_sec)) + ANSWER_TIME.as_secs())
        };
    }

    /// How a sweep that came to its end has gone.
    fn verdict(&self) -> SweepEnd {
        if self.failures.count == 0 {
            SweepEnd::Done
        } else {
            SweepEnd::Failed(format!(
                "{} of {} questions could not be sent: {}",
                self.failures.count, self.num_questions, self.failures.why
            ))
        }
    }
}

/// Leaves out the laptop's own addresses, which have no unit, and the addresses of its subnets that
/// everybody would answer. Loopback stays: in the demo and in tests every unit is there.
pub(super) fn without_own(ranges: Ranges, networks: &[Network]) -> Ranges {
    networks
        .iter()
        .filter(|network| !network.ip.is_loopback())
        .fold(ranges, |ranges, network| {
            let ranges = ranges.without(network.ip);
            match network.broadcast() {
                Some(broadcast) => {
                    let lowest = network.ip.to_bits() & network.mask().to_bits();
                    ranges
                        .without(broadcast)
                        .without(Ipv4Addr::from_bits(lowest))
                }
                None => ranges,
            }
        })
}

#[cfg(test)]
mod tests;
