//! The single writer. Its turns, each of them short:
//! 1. a command of the person;
//! 2. a batch of what was heard, taken into the registry;
//! 3. what came of long work beside;
//! 4. every 100 ms: questions that are due, saving, and every 2 s a look at the interfaces;
//! 5. after each: a snapshot, when something changed and the last one is 100 ms old.

mod asking;
mod demo;
mod exposing;
mod files;
mod hear;
mod identify;
mod identifying;
mod obey;
mod others;
mod pulse;
mod replaying;
mod sites;
mod v3;
mod watching;

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior};

use self::exposing::Exposing;
use self::identifying::Identifying;
use self::v3::V3Done;
use super::command::{Notice, Saying, sentence};
use super::doctor::{Installation, SystemChecks};
use super::handle::{EngineEnd, Waker};
use super::identify::unit::Neighbors;
use super::jobs::{Job, JobDone};
use super::publish::Publisher;
use super::replay::{ReadDone, Reading, Replay};
use super::say::Say;
use super::session::{Prepared, Session};
use super::tcp::{TcpHeard, TcpLimits, TcpListenerTask, TcpListening, TcpSlots};
use super::{EngineConfig, SiteChoice, clock};
use crate::catalog::Catalog;
use crate::model::network::PortHolder;
use crate::model::snapshot::{CatalogState, DoctorReport, RuleState};
use crate::model::time::Timestamp;
use crate::model::watching::{Comparison, DecodersState};
use crate::taught::Decoders;

/// The actor's own pulse.
const TICK: Duration = Duration::from_millis(100);

/// The time between two snapshots.
const PUBLISH_EVERY: Duration = Duration::from_millis(100);

/// The time between two looks at the interfaces (rules, "Sockets").
const SCAN_EVERY_MILLIS: u64 = 2_000;

/// The time between two saves.
const SAVE_EVERY_MILLIS: u64 = 400;

/// A pulse that comes this late means that the laptop slept, or that the clock was set.
const JUMP_MILLIS: i64 = 5_000;

/// The time between two looks at who holds the ports and what the system filters.
const LOOK_EVERY_MILLIS: u64 = 30_000;

/// The time between two examinations by the doctor.
const EXAMINE_EVERY_MILLIS: u64 = 1_000;

/// Batches taken in one turn, so that commands and the pulse are never kept waiting by a flood.
const BATCHES_A_TURN: usize = 64;

/// Units that were swept are asked again by unicast this often.
const REASK_EVERY_MILLIS: u64 = 15_000;

/// Of these, so many in one pulse: 400 a second, under the sweep's own pace.
const REASKS_A_TICK: usize = 40;

/// Swept units that are asked again, at most.
const REASKS_KEPT: usize = 6_000;

/// Results of long work that may wait: a job, a look of the doctor, settings, TCP questions.
const BESIDE_CAPACITY: usize = 16;

/// Messages by TCP that may wait: the connections wait with them. All that wait are taken in one pulse, so that a flood
/// by UDP keeps none of them back.
const TCP_CAPACITY: usize = 256;

/// What comes back from work beside the actor.
enum Beside {
    /// A job is over, with what came of it; `None` when it panicked.
    Job(Arc<Job>, Option<JobDone>),
    Looked(Box<Looked>),
    Say(Saying),
    /// The catalog was read again.
    Catalog(Arc<Catalog>, Box<CatalogState>),
    /// The files of taught decoders were read.
    Decoders(Arc<Decoders>, DecodersState),
    /// A taught decoder was saved to this file, or why not.
    DecoderSaved(Result<PathBuf, String>),
    /// A capture was read, for the replay that this belongs to.
    Replayed(Arc<Reading>, ReadDone),
    /// The units of the replay with this number were compared, at this revision.
    Compared(u64, u64, Comparison),
    /// This computer's table of neighbors.
    Neighbors(Neighbors),
    /// The keyring answered, for the site of this key.
    V3(String, V3Done),
    /// The firewall's rules were to be changed: what to say, and how they stand now.
    Rule(Saying, RuleState),
}

/// What a look at the system found.
struct Looked {
    system: SystemChecks,
    holders: Vec<PortHolder>,
    /// What only a thorough look finds.
    thorough: Option<Thorough>,
}

/// What is looked at only at the start and when a person asks: it starts programs.
struct Thorough {
    /// Only when a person asks: it makes files.
    installation: Option<Installation>,
    rule: Option<RuleState>,
}

/// What is heard by TCP, over all sites that are opened.
struct Tcp {
    heard: mpsc::Receiver<TcpHeard>,
    out: mpsc::Sender<TcpHeard>,
    slots: TcpSlots,
    /// Why the port is not listened on, for the doctor.
    error: Option<String>,
    listener: Option<TcpListenerTask>,
    /// Units that are being asked.
    asking: Vec<TcpAsking>,
}

/// Units that are being asked by TCP. Dropping it ends it.
struct TcpAsking {
    sequence: u16,
    /// Whether it belongs to the sweep: those that UDP brought nothing for.
    is_sweep: bool,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for TcpAsking {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Tcp {
    fn start(port: Option<u16>, session: &Session) -> Self {
        let (out, heard) = mpsc::channel(TCP_CAPACITY);
        let mut tcp = Self {
            heard,
            out,
            slots: TcpSlots::new(),
            error: None,
            listener: None,
            asking: Vec::new(),
        };
        tcp.listen(port, session);
        tcp
    }

    /// Listens, unless it does already: another program may have given the port back.
    fn listen(&mut self, port: Option<u16>, session: &Session) {
        let Some(port) = port else { return };
        if self.listener.as_ref().is_some_and(|task| !task.is_over()) {
            return;
        }
        let started = TcpListenerTask::start(TcpListening {
            bind: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port),
            // Without an interface there is nobody to take a sequence from, and nobody to connect either.
            sequence: session.asker.sequences().unwrap_or(1),
            limits: TcpLimits::default(),
            slots: self.slots.clone(),
            now: Arc::new(clock::now),
            heard: self.out.clone(),
        });
        (self.listener, self.error) = match started {
            Ok(task) => (Some(task), None),
            Err(error) => (None, Some(sentence(&error))),
        };
    }

    /// Whether the addresses of a sweep are being tried.
    fn is_sweeping(&self) -> bool {
        self.asking.iter().any(|asking| asking.is_sweep)
    }
}

/// Runs until the handle is gone or the end is signaled, does what was asked for before that, then saves and closes.
/// Returns whether everything was saved.
pub(in crate::engine) async fn run(
    config: EngineConfig,
    end: EngineEnd,
    waker: Waker,
    mut end_signal: oneshot::Receiver<()>,
) -> bool {
    let EngineEnd {
        mut commands,
        snapshots,
        notices,
    } = end;
    let say = Say::new(notices, Arc::clone(&waker));
    let mut actor = Actor::new(config, say).await;
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut published = Instant::now();
    // Whether something may have changed since, too soon after the last snapshot to be published.
    let mut is_waiting = false;
    loop {
        tokio::select! {
            biased;
            _ = &mut end_signal => break,
            command = commands.recv() => match command {
                Some(command) => actor.obey(command).await,
                None => break,
            },
            _ = tick.tick() => actor.pulse(),
            beside = actor.beside.recv() => if let Some(beside) = beside { actor.take_beside(beside) },
            batch = actor.session.from_plane.recv() => actor.take_batches(batch),
            (wanted, asked) = actor.identifying.queue.next() => actor.take_asked(&wanted, asked),
            heard = actor.tcp.heard.recv() => if let Some(heard) = heard { actor.take_tcp(&heard) },
            () = tokio::time::sleep_until(published + PUBLISH_EVERY), if is_waiting => {}
        }
        is_waiting = published.elapsed() < PUBLISH_EVERY;
        if !is_waiting && let Some(snapshot) = actor.snapshot() {
            published = Instant::now();
            // Nobody looks any more when the window is gone.
            let _ = snapshots.send(snapshot);
            waker();
        }
    }
    // A window sends its last words and ends the engine at once: losing a command is not allowed (invariant 6).
    commands.close();
    while let Some(command) = commands.recv().await {
        actor.obey(command).await;
    }
    actor.close().await
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "independent states of independent work"
)]
struct Actor {
    config: EngineConfig,
    session: Session,
    tcp: Tcp,
    identifying: Identifying,
    say: Say,
    publisher: Publisher,
    doctor: Arc<DoctorReport>,
    system: SystemChecks,
    holders: Vec<PortHolder>,
    is_looking: bool,
    /// Whether the next look is a thorough one.
    is_thorough_next: bool,
    /// Whether a person waits for the doctor's word.
    is_asked: bool,
    installation: Option<Installation>,
    /// Windows: how this program's firewall rules stand.
    rule: Option<RuleState>,
    /// Whether the system asks a person about the firewall's rules just now.
    is_changing_rule: bool,
    /// Sockets that could not be opened, at the last look at the interfaces.
    num_refused: usize,
    job: Option<Arc<Job>>,
    beside: mpsc::Receiver<Beside>,
    to_beside: mpsc::Sender<Beside>,
    /// The site to go back to after the demo or a replay.
    before_demo: Option<PathBuf>,
    /// The capture that is replayed in the place of a site.
    replay: Option<Replay>,
    /// How many captures were opened: what comes back late from an earlier one is known by its number.
    num_replays: u64,
    /// Whether a replay's units are being compared.
    is_comparing: bool,
    /// The exposure check that is running, or the last one.
    exposing: Option<Exposing>,
    decoders_state: Arc<DecodersState>,
    /// Whether the sweep's unanswered addresses were tried by TCP already.
    sweep_is_settled: bool,
    /// Whether a person stopped the sweep while it tried TCP.
    sweep_was_stopped: bool,
    reasks: VecDeque<Ipv4Addr>,
    /// Settings on their way to their file, in the order in which they were given.
    remembering: Option<tokio::task::JoinHandle<()>>,
    last_pulse: Timestamp,
    next_scan: Timestamp,
    next_save: Timestamp,
    next_look: Timestamp,
    next_examine: Timestamp,
    next_reask: Timestamp,
}

impl Actor {
    async fn new(config: EngineConfig, mut say: Say) -> Self {
        let prepared = Prepared::open(config.site.clone(), &config)
            .await
            .unwrap_or_else(Prepared::in_memory);
        let session = Session::begin(prepared, &config, &mut say).await;
        say.notice(Notice::SiteOpened(session.site.path.clone()));
        let (to_beside, beside) = mpsc::channel(BESIDE_CAPACITY);
        let tcp = Tcp::start(config.tcp_port, &session);
        let now = clock::now();
        let identifying = Identifying::new(&config.identify, now).await;
        let before_demo = config.after_demo.clone();
        let mut actor = Self {
            config,
            session,
            tcp,
            identifying,
            say,
            publisher: Publisher::default(),
            doctor: Arc::default(),
            system: SystemChecks::default(),
            holders: Vec::new(),
            is_looking: false,
            is_thorough_next: true,
            is_asked: false,
            installation: None,
            rule: None,
            is_changing_rule: false,
            num_refused: 0,
            job: None,
            beside,
            to_beside,
            before_demo,
            replay: None,
            num_replays: 0,
            is_comparing: false,
            exposing: None,
            decoders_state: Arc::default(),
            sweep_is_settled: true,
            sweep_was_stopped: false,
            reasks: VecDeque::new(),
            remembering: None,
            last_pulse: now,
            next_scan: now,
            next_save: now,
            next_look: now,
            next_examine: now,
            next_reask: now,
        };
        for why in &actor.identifying.catalog_state.refused {
            let title = "A row of your own catalog was left out";
            actor.say.said(Saying::note(title).because(why.clone()));
        }
        actor.judge_all();
        actor.load_v3_user();
        actor.load_decoders();
        actor.site_begun();
        if let SiteChoice::Replay(path) = actor.config.site.clone() {
            actor.begin_replay(path, None);
        }
        actor
    }
}
