//! The single writer. Its turns, each of them short:
//! 1. a command of the person;
//! 2. a batch of what was heard, taken into the registry;
//! 3. what came of long work beside;
//! 4. every 50 ms: questions that are due, saving, and every 2 s a look at the interfaces;
//! 5. after each: a snapshot, when something changed and the last one is 100 ms old.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior};

use super::clock;
use super::command::{
    Command, ExportRequest, ImportReport, Notice, Saying, SweepRequest, sentence,
};
use super::doctor::{DoctorInput, SystemChecks, examine, look};
use super::files::FileError;
use super::handle::{EngineEnd, Waker};
use super::jobs::{self, Job, JobDone};
use super::listener::Ear;
use super::plane::{FromPlane, Item};
use super::publish::{Parts, Publisher};
use super::ranges::{Ranges, Size};
use super::session::Session;
use super::store::StoreError;
use super::sweep::{self, AskResult, Asker, SweepPlan};
use super::tcp::{
    TcpHeard, TcpLimits, TcpListenerTask, TcpListening, TcpQuestions, TcpSlots, ask_many,
};
use super::{EngineConfig, SiteChoice};
use crate::inventory::ReadInventory;
use crate::model::edit::Edit;
use crate::model::network::{Choice, Network, PortHolder};
use crate::model::sighting::{Channel, Sighting, Source};
use crate::model::snapshot::DoctorReport;
use crate::model::time::Timestamp;
use crate::sim::FleetPlan;
use crate::wire::{PORT_INSTALL, PORT_MANAGEMENT};

/// The actor's own pulse.
const TICK: Duration = Duration::from_millis(50);

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
const REASKS_A_TICK: usize = 20;

/// Swept units that are asked again, at most.
const REASKS_KEPT: usize = 6_000;

/// Results of long work that may wait: a job, a look of the doctor, settings, TCP questions.
const BESIDE_CAPACITY: usize = 16;

/// Messages by TCP that may wait: the connections wait with them.
const TCP_CAPACITY: usize = 256;

/// What comes back from work beside the actor.
enum Beside {
    Job(JobDone),
    Looked(Box<SystemChecks>, Vec<PortHolder>),
    Say(Saying),
}

/// What is heard by TCP, over all sites that are opened.
struct Tcp {
    heard: mpsc::Receiver<TcpHeard>,
    out: mpsc::Sender<TcpHeard>,
    slots: TcpSlots,
    /// Why the port is not listened on, for the doctor.
    error: Option<String>,
    _listener: Option<TcpListenerTask>,
}

impl Tcp {
    fn start(port: Option<u16>, session: &Session) -> Self {
        let (out, heard) = mpsc::channel(TCP_CAPACITY);
        let slots = TcpSlots::new();
        let started = port.map(|port| {
            TcpListenerTask::start(TcpListening {
                bind: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port),
                // Without an interface there is nobody to take a sequence from, and nobody to connect either.
                sequence: session.asker.sequences().unwrap_or(1),
                limits: TcpLimits::default(),
                slots: slots.clone(),
                now: Arc::new(clock::now),
                heard: out.clone(),
            })
        });
        let (listener, error) = match started {
            None => (None, None),
            Some(Ok(task)) => (Some(task), None),
            Some(Err(error)) => (None, Some(sentence(&error))),
        };
        Self {
            heard,
            out,
            slots,
            error,
            _listener: listener,
        }
    }
}

/// Where notices go; counts those that did not fit.
pub(super) struct Say {
    notices: mpsc::Sender<Notice>,
    waker: Waker,
    unsaid: u64,
}

impl Say {
    pub(super) fn said(&mut self, saying: Saying) {
        self.notice(Notice::Said(saying));
    }

    fn notice(&mut self, notice: Notice) {
        tracing::info!("{notice:?}");
        if self.notices.try_send(notice).is_err() {
            self.unsaid += 1;
        }
        (self.waker)();
    }
}

/// Runs until the handle is gone or the end is signaled, then saves and closes.
pub(super) async fn run(
    config: EngineConfig,
    end: EngineEnd,
    waker: Waker,
    mut end_signal: oneshot::Receiver<()>,
) {
    let EngineEnd {
        mut commands,
        snapshots,
        notices,
    } = end;
    let say = Say {
        notices,
        waker: Arc::clone(&waker),
        unsaid: 0,
    };
    let mut actor = Actor::new(config, say).await;
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut published = Instant::now();
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
            heard = actor.tcp.heard.recv() => if let Some(heard) = heard { actor.take_tcp(&heard) },
        }
        if published.elapsed() >= PUBLISH_EVERY
            && let Some(snapshot) = actor.snapshot()
        {
            published = Instant::now();
            // Nobody looks any more when the window is gone.
            let _ = snapshots.send(snapshot);
            waker();
        }
    }
    actor.close().await;
}

struct Actor {
    config: EngineConfig,
    session: Session,
    tcp: Tcp,
    say: Say,
    publisher: Publisher,
    doctor: Arc<DoctorReport>,
    system: SystemChecks,
    holders: Vec<PortHolder>,
    is_looking: bool,
    job: Option<Arc<Job>>,
    beside: mpsc::Receiver<Beside>,
    to_beside: mpsc::Sender<Beside>,
    /// The site to go back to after the demo.
    before_demo: Option<PathBuf>,
    /// Whether the sweep's unanswered addresses were tried by TCP already.
    sweep_is_settled: bool,
    reasks: VecDeque<Ipv4Addr>,
    last_pulse: Timestamp,
    next_scan: Timestamp,
    next_save: Timestamp,
    next_look: Timestamp,
    next_examine: Timestamp,
    next_reask: Timestamp,
}

impl Actor {
    async fn new(config: EngineConfig, mut say: Say) -> Self {
        let session = Session::open(config.site.clone(), &config, &mut say).await;
        say.notice(Notice::SiteOpened(session.site.path.clone()));
        let (to_beside, beside) = mpsc::channel(BESIDE_CAPACITY);
        let tcp = Tcp::start(config.tcp_port, &session);
        let now = clock::now();
        Self {
            config,
            session,
            tcp,
            say,
            publisher: Publisher::default(),
            doctor: Arc::default(),
            system: SystemChecks::default(),
            holders: Vec::new(),
            is_looking: false,
            job: None,
            beside,
            to_beside,
            before_demo: None,
            sweep_is_settled: true,
            reasks: VecDeque::new(),
            last_pulse: now,
            next_scan: now,
            next_save: now,
            next_look: now,
            next_examine: now,
            next_reask: now,
        }
    }

    // ---- what is heard ----------------------------------------------------------------------

    fn take_batches(&mut self, first: Option<FromPlane>) {
        let mut next = first;
        for _ in 0..BATCHES_A_TURN {
            match next {
                Some(FromPlane::Heard(items)) => self.take_items(items),
                Some(FromPlane::Say(saying)) => self.say.said(saying),
                None => return,
            }
            next = self.session.from_plane.try_recv().ok();
        }
        if let Some(FromPlane::Heard(items)) = next {
            self.take_items(items);
        }
    }

    fn take_items(&mut self, items: Vec<Item>) {
        for item in items {
            self.take_item(item);
        }
    }

    fn take_item(&mut self, item: Item) {
        match item {
            Item::Sighting(sighting) => self.take_sighting(*sighting),
            Item::Stray(stray) => {
                self.session.last_heard = Some(stray.when);
                self.session.registry.keep_stray(stray);
            }
            Item::Request(request) => {
                self.session.last_heard = Some(request.when);
                let ip = request.from.ip();
                let registry = &mut self.session.registry;
                registry.note_request(
                    &request.interface,
                    ip,
                    request.kind,
                    request.meant,
                    request.when,
                );
            }
        }
    }

    fn take_sighting(&mut self, sighting: Sighting) {
        self.session.last_heard = Some(sighting.when);
        if let Some(tap) = &self.config.tap {
            // The command line reads as fast as it can; what does not fit is in the inventory all the same.
            let _ = tap.try_send(sighting.clone());
        }
        if sighting.source.is_routed()
            && let Some(sweep) = &self.session.sweep
            && let Some(ip) = sighting.from_ipv4()
        {
            sweep.answered(ip);
        }
        self.session.registry.apply(sighting);
    }

    fn take_tcp(&mut self, heard: &TcpHeard) {
        if self.session.site.demo {
            // Real units do not belong into the demo's site.
            return;
        }
        let local = match heard.local.ip() {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(ip) => ip.to_ipv4_mapped(),
        };
        let asker = &self.session.asker;
        let Some(socket) = local
            .and_then(|ip| asker.socket_at(ip))
            .or_else(|| asker.any_socket())
        else {
            return;
        };
        let ear = Ear {
            interface: socket.interface,
            channel: Channel::Tcp3502,
            counters: socket.counters,
            own: socket.own,
        };
        let mut items = Vec::new();
        ear.hear(&heard.bytes, heard.from, heard.when, &mut items);
        for mut item in items {
            if let Item::Sighting(sighting) = &mut item
                && matches!(sighting.source, Source::SweepReply | Source::Reply)
            {
                sighting.source = Source::TcpReply;
            }
            self.take_item(item);
        }
    }

    // ---- the pulse --------------------------------------------------------------------------

    fn pulse(&mut self) {
        let now = clock::now();
        let late = (now.as_millis() - self.last_pulse.as_millis()).abs();
        self.last_pulse = now;
        if late > JUMP_MILLIS {
            tracing::info!("the clock jumped by {late} ms");
            self.session.plane.resumed(now);
            self.next_scan = now;
            self.next_save = now;
            self.next_look = now;
            self.next_examine = now;
            self.next_reask = now;
        }
        if now >= self.next_scan {
            self.next_scan = now.plus_millis(SCAN_EVERY_MILLIS);
            self.session.plane.scan(now);
            self.session.asker.set(self.session.plane.asking_sockets());
        }
        self.session.plane.tick(now);
        self.session.registry.set_interfaces(self.contexts());
        if now >= self.next_save {
            self.next_save = now.plus_millis(SAVE_EVERY_MILLIS);
            self.session.save_turn(now);
        }
        if now >= self.next_look {
            self.look();
        }
        if now >= self.next_examine {
            self.next_examine = now.plus_millis(EXAMINE_EVERY_MILLIS);
            self.examine(now);
        }
        self.settle_sweep();
        self.reask(now);
    }

    /// The demo's units claim addresses of a made-up network, and are judged by that one.
    fn contexts(
        &self,
    ) -> std::collections::HashMap<Arc<str>, crate::model::status::InterfaceContext> {
        let mut contexts = self.session.plane.contexts();
        if self.session.site.demo {
            let (ip, prefix_len) = FleetPlan::small_network();
            for context in contexts.values_mut() {
                context.networks = vec![Network { ip, prefix_len }];
            }
        }
        contexts
    }

    /// Looks at who holds the ports and what the system filters, beside.
    fn look(&mut self) {
        self.next_look = self.last_pulse.plus_millis(LOOK_EVERY_MILLIS);
        if std::mem::replace(&mut self.is_looking, true) {
            return;
        }
        let interfaces = self.session.plane.interfaces();
        let names: Vec<String> = interfaces
            .iter()
            .map(|interface| interface.name.to_string())
            .collect();
        let to_beside = self.to_beside.clone();
        tokio::task::spawn_blocking(move || {
            let holders = super::ports::holders(&[PORT_INSTALL, PORT_MANAGEMENT]);
            // The actor has ended when it does not take it.
            let _ = to_beside.try_send(Beside::Looked(Box::new(look(&names)), holders));
        });
    }

    fn examine(&mut self, now: Timestamp) {
        let interfaces = self.session.plane.interfaces();
        let system = SystemChecks {
            own_tcp_error: self.tcp.error.clone(),
            ..self.system.clone()
        };
        let totals = self.publisher.last().totals;
        let report = examine(&DoctorInput {
            interfaces: &interfaces,
            holders: &self.holders,
            totals,
            now,
            demo: self.session.site.demo,
            system,
        });
        if self.doctor.checks != report.checks || self.doctor.port_holders != report.port_holders {
            self.doctor = Arc::new(report);
        }
    }

    fn take_beside(&mut self, beside: Beside) {
        match beside {
            Beside::Job(done) => {
                let job = self.job.take();
                self.take_job(done, job.is_some_and(|job| job.is_canceled()));
            }
            Beside::Looked(system, holders) => {
                self.is_looking = false;
                self.session.plane.set_port_holders(&holders);
                self.system = *system;
                self.holders = holders;
                self.examine(clock::now());
            }
            Beside::Say(saying) => self.say.said(saying),
        }
    }

    fn snapshot(&mut self) -> Option<Arc<crate::model::snapshot::Snapshot>> {
        let session = &self.session;
        let parts = Parts {
            interfaces: session.plane.interfaces(),
            search: session.plane.search_state(),
            sweep: session.sweep.as_ref().map(sweep::Sweep::state),
            job: self.job.as_ref().map(|job| job.state()),
            site: session.site.clone(),
            doctor: Arc::clone(&self.doctor),
            listening_since: session.listening_since,
            last_heard: session.last_heard,
            unsaid: self.say.unsaid,
        };
        self.publisher.next(&session.registry, parts, clock::now())
    }

    // ---- commands ---------------------------------------------------------------------------

    async fn obey(&mut self, command: Command) {
        let now = clock::now();
        match command {
            Command::SearchNow => self.session.plane.search_now(now),
            Command::StopSearch => self.session.plane.stop_search(),
            Command::SetLiveSearch(on) => {
                self.config.plane.live_search = on;
                self.session.plane.set_live(on, now);
            }
            Command::Sweep(request) => self.sweep(&request, now),
            Command::StopSweep => {
                if let Some(sweep) = &self.session.sweep {
                    sweep.cancel();
                }
            }
            Command::AskTcp(ips) => self.ask_tcp(ips),
            Command::Choose { interface, choice } => {
                match choice {
                    Choice::Default => self.config.plane.choices.remove(&*interface),
                    choice => self
                        .config
                        .plane
                        .choices
                        .insert(interface.to_string(), choice),
                };
                self.session.plane.choose(&interface, choice, now);
                self.session.asker.set(self.session.plane.asking_sockets());
            }
            Command::BroadcastOnly { interface, on } => {
                self.config
                    .plane
                    .broadcast_only
                    .retain(|name| **name != *interface);
                if on {
                    self.config.plane.broadcast_only.push(interface.to_string());
                }
                self.session.plane.set_broadcast_only(&interface, on, now);
                self.session.asker.set(self.session.plane.asking_sockets());
            }
            Command::Edit(edit) => self.edit(edit),
            Command::Undo => {
                if let Some(label) = self.session.registry.undo() {
                    self.say.said(Saying::done(format!("Undid {label}")));
                }
            }
            Command::Redo => {
                if let Some(label) = self.session.registry.redo() {
                    self.say.said(Saying::done(format!("Did {label} again")));
                }
            }
            Command::Import(path) => self.import(path, now),
            Command::Export(request) => self.export(request, now),
            Command::CancelJob => {
                if let Some(job) = &self.job {
                    job.cancel();
                }
            }
            Command::NewSite(path) if path.exists() => self.say.said(
                Saying::trouble("A file with this name is already there")
                    .because(path.display().to_string())
                    .hint("Open it with \"Open site…\", or choose another name"),
            ),
            Command::NewSite(path) => self.switch(SiteChoice::File(path)).await,
            Command::OpenSite(path) if !path.exists() => self.say.said(
                Saying::trouble("The site file is not there").because(path.display().to_string()),
            ),
            Command::OpenSite(path) => self.open_site(path).await,
            Command::SaveSiteAs { path, overwrite } => self.save_as(&path, overwrite).await,
            Command::StartDemo => {
                if !self.session.site.demo {
                    self.before_demo.clone_from(&self.session.site.path);
                    self.switch(SiteChoice::Demo).await;
                }
            }
            Command::EndDemo => {
                if self.session.site.demo {
                    let last = self.before_demo.take();
                    self.switch(SiteChoice::LastOrUntitled(last)).await;
                }
            }
            Command::RunDoctor => {
                self.session.plane.scan(now);
                self.session.asker.set(self.session.plane.asking_sockets());
                self.look();
            }
            Command::Remember(settings) => self.remember(*settings),
        }
    }

    fn edit(&mut self, edit: Edit) {
        let outcome = self.session.registry.edit(edit);
        if outcome.removed > 0 {
            let units = if outcome.removed == 1 {
                "1 unit".to_owned()
            } else {
                format!("{} units", outcome.removed)
            };
            self.say
                .said(Saying::done(format!("Forgot {units}")).hint("Undo brings them back"));
        }
    }

    fn remember(&mut self, settings: crate::settings::Settings) {
        let Some(path) = self.config.settings_path.clone() else {
            return;
        };
        let to_beside = self.to_beside.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = settings.save(&path) {
                let saying =
                    Saying::trouble("The settings could not be saved").because(sentence(&error));
                // The actor has ended when it does not take it.
                let _ = to_beside.try_send(Beside::Say(saying));
            }
        });
    }

    // ---- sweep and TCP ----------------------------------------------------------------------

    fn sweep(&mut self, request: &SweepRequest, now: Timestamp) {
        if self
            .session
            .sweep
            .as_ref()
            .is_some_and(|sweep| !sweep.is_over())
        {
            self.say.said(
                Saying::trouble("A sweep is running already")
                    .hint("Stop it first, or wait for its end"),
            );
            return;
        }
        let ranges = match Ranges::parse(&request.ranges) {
            Ok(ranges) => ranges,
            Err(error) => {
                self.say.said(
                    Saying::trouble("These ranges cannot be swept").because(sentence(&error)),
                );
                return;
            }
        };
        match ranges.check_size() {
            Size::TooMany => {
                let title = format!("{} addresses are too many to sweep", ranges.num_ips());
                self.say.said(
                    Saying::trouble(title)
                        .hint("Sweep at most a /12 at once (1,048,576 addresses)"),
                );
                return;
            }
            Size::Ask if !request.confirmed => {
                let num_ips = ranges.num_ips();
                self.say.notice(Notice::SweepNeedsYes {
                    request: request.clone(),
                    num_ips,
                });
                return;
            }
            Size::Ask | Size::Fine => {}
        }
        let Some(sequence) = self.session.asker.sequences() else {
            self.say.said(
                Saying::trouble("No network is listened on, so nothing can be swept")
                    .hint("Switch an interface on, or give it a link"),
            );
            return;
        };
        let mut plan = SweepPlan::new(ranges, request.ranges.clone(), sequence, now);
        if let Some(per_sec) = request.per_sec {
            plan.per_sec = per_sec.clamp(1, sweep::MAX_PER_SEC);
        }
        self.session.sweep = Some(sweep::start(plan, self.session.asker.clone()));
        self.sweep_is_settled = false;
    }

    /// After a sweep, TCP is tried where UDP brought nothing.
    fn settle_sweep(&mut self) {
        if self.sweep_is_settled {
            return;
        }
        let Some(sweep) = &self.session.sweep else {
            return;
        };
        if sweep.is_over() {
            self.sweep_is_settled = true;
            let ips = sweep.for_tcp(false);
            if !ips.is_empty() && self.config.tcp_port.is_some() {
                self.ask_tcp(ips);
            }
        }
    }

    fn ask_tcp(&self, ips: Vec<Ipv4Addr>) {
        let (Some(port), Some(sequence)) = (self.config.tcp_port, self.session.asker.sequences())
        else {
            return;
        };
        let questions = TcpQuestions {
            ips,
            port,
            sequence,
            limits: TcpLimits::default(),
            slots: self.tcp.slots.clone(),
            now: Arc::new(clock::now),
            heard: self.tcp.out.clone(),
        };
        // Ends by itself when the actor, which holds the receiver, has ended.
        tokio::spawn(async move {
            let tally = ask_many(questions).await;
            tracing::info!(
                "TCP: {} of {} answered",
                tally.num_answered,
                tally.num_asked
            );
        });
    }

    /// Units that were swept are asked again by unicast, while live search is on.
    fn reask(&mut self, now: Timestamp) {
        if !self.session.plane.search_state().live {
            self.reasks.clear();
            return;
        }
        if now >= self.next_reask {
            self.next_reask = now.plus_millis(REASK_EVERY_MILLIS);
            let units = self.session.registry.units();
            self.reasks = units
                .iter()
                .filter(|(_, unit)| {
                    unit.heard
                        .as_ref()
                        .is_some_and(|heard| heard.last_source == Source::SweepReply)
                })
                .filter_map(|(_, unit)| unit.heard_ip())
                .take(REASKS_KEPT)
                .collect();
        }
        if self.reasks.is_empty() {
            return;
        }
        let Some(sequence) = self.session.asker.sequences() else {
            return;
        };
        for _ in 0..REASKS_A_TICK {
            let Some(ip) = self.reasks.pop_front() else {
                return;
            };
            for port in self.config.plane.ports.ask {
                let to = SocketAddrV4::new(ip, port);
                if matches!(
                    self.session.asker.try_ask(to, sequence),
                    AskResult::WouldBlock
                ) {
                    self.reasks.push_front(ip);
                    return;
                }
            }
        }
    }

    // ---- sites ------------------------------------------------------------------------------

    /// Closes the open site and opens another.
    async fn switch(&mut self, choice: SiteChoice) {
        if let Some(job) = self.job.take() {
            job.cancel();
        }
        if let Err(words) = self.session.close().await {
            let saying = Saying::trouble("Not everything of the site was saved").because(words);
            self.say.said(saying);
        }
        self.session = Session::open(choice, &self.config, &mut self.say).await;
        self.publisher.reset();
        self.doctor = Arc::default();
        self.sweep_is_settled = true;
        self.reasks.clear();
        let now = clock::now();
        self.next_examine = now;
        self.next_scan = now;
        self.say
            .notice(Notice::SiteOpened(self.session.site.path.clone()));
    }

    /// Opens a site file that a person chose; a file that cannot be opened leaves the open site as it is.
    async fn open_site(&mut self, path: PathBuf) {
        if self.session.site.path.as_deref() == Some(&*path) {
            return;
        }
        let checked = path.clone();
        let check = tokio::task::spawn_blocking(move || {
            super::store::Store::open_read_only(&checked).map(drop)
        });
        match check.await {
            Ok(Ok(())) => self.switch(SiteChoice::File(path)).await,
            Ok(Err(error)) => self.cannot_open(&error),
            Err(panic) => self.cannot_open(&panic),
        }
    }

    fn cannot_open(&mut self, error: &dyn std::error::Error) {
        let saying = Saying::trouble("The site cannot be opened").because(sentence(error));
        self.say
            .said(saying.hint("The file was left as it is, and the open site stays open"));
    }

    async fn save_as(&mut self, path: &Path, overwrite: bool) {
        match self.session.save_as(path, overwrite).await {
            Ok(()) => {
                self.say
                    .said(Saying::done(format!("Saved as {}", self.session.site.name)));
                self.say.notice(Notice::SiteOpened(Some(path.to_owned())));
            }
            Err(StoreError::Exists(path)) => self.say.notice(Notice::SaveWouldReplace(path)),
            Err(error) => self
                .say
                .said(Saying::trouble("The site was not saved").because(sentence(&error))),
        }
    }

    async fn close(self) {
        if let Some(job) = &self.job {
            // A file that is being written is finished first: the window says so and waits.
            let total = job.state().total;
            tracing::info!("waiting for a job of {total:?} rows");
        }
        let mut this = self;
        while this.job.is_some() {
            match this.beside.recv().await {
                Some(beside) => this.take_beside(beside),
                None => break,
            }
        }
        if let Err(words) = this.session.close().await {
            tracing::error!("not everything was saved: {words}");
        }
    }

    // ---- inventory files --------------------------------------------------------------------

    fn begin_job(&mut self, what: String, total: Option<u64>, now: Timestamp) -> Option<Arc<Job>> {
        if self.job.is_some() {
            self.say.said(
                Saying::trouble("Another file is still being read or written")
                    .hint("Wait for it or cancel it"),
            );
            return None;
        }
        let job = Job::new(what, total, now);
        self.job = Some(Arc::clone(&job));
        Some(job)
    }

    fn spawn_job(&self, work: impl FnOnce() -> JobDone + Send + 'static) {
        let to_beside = self.to_beside.clone();
        tokio::spawn(async move {
            if let Ok(done) = tokio::task::spawn_blocking(work).await {
                // The actor has ended when it does not take it.
                let _ = to_beside.send(Beside::Job(done)).await;
            }
        });
    }

    fn export(&mut self, request: Box<ExportRequest>, now: Timestamp) {
        let what = format!("Exporting {}", file_name(&request.path));
        let Some(job) = self.begin_job(what, Some(request.rows.len() as u64), now) else {
            return;
        };
        self.spawn_job(move || jobs::export(request, &job, now));
    }

    fn import(&mut self, path: PathBuf, now: Timestamp) {
        let what = format!("Importing {}", file_name(&path));
        let Some(job) = self.begin_job(what, None, now) else {
            return;
        };
        self.spawn_job(move || jobs::import(path, &job));
    }

    fn take_job(&mut self, done: JobDone, was_canceled: bool) {
        match done {
            JobDone::Exported(request, Ok(num_rows)) => {
                self.say.notice(Notice::Exported {
                    path: request.path.clone(),
                    num_rows,
                });
            }
            JobDone::Exported(request, Err(FileError::Exists(_))) => {
                self.say.notice(Notice::ExportWouldReplace(request));
            }
            JobDone::Exported(_, Err(error)) if jobs::was_canceled(&error) => {
                self.say.said(
                    Saying::note("The export was canceled")
                        .because("The old file, if any, is as it was"),
                );
            }
            JobDone::Exported(_, Err(error)) => self.say.said(
                Saying::trouble("The inventory was not written")
                    .because(sentence(&error))
                    .hint("The old file, if any, is as it was; export again to another folder"),
            ),
            JobDone::Read(_, _) if was_canceled => {
                self.say.said(
                    Saying::note("The import was canceled")
                        .because("Nothing of the file was taken"),
                );
            }
            JobDone::Read(path, Ok(read)) => self.take_rows(path, read),
            JobDone::Read(path, Err(words)) => {
                let report = ImportReport {
                    path,
                    failed: Some(words),
                    ..ImportReport::default()
                };
                self.say.notice(Notice::Imported(Arc::new(report)));
            }
        }
    }

    fn take_rows(&mut self, path: PathBuf, read: ReadInventory) {
        let outcome = self.session.registry.edit(Edit::Import {
            file_name: file_name(&path),
            extra_columns: read.extra_columns,
            rows: read.rows,
        });
        let mut report = ImportReport {
            path,
            failed: None,
            added: outcome.added,
            changed: outcome.changed,
            num_rows: read.num_rows,
            refused: read.refused,
            remarks: read.remarks,
            reading: read.reading,
        };
        report.refused.extend(outcome.refused);
        report.refused.sort_by_key(|row| row.line);
        report.remarks.extend(outcome.remarks);
        report.remarks.sort_by_key(|row| row.line);
        self.say.notice(Notice::Imported(Arc::new(report)));
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}
