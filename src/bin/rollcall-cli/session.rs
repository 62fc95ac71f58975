//! The engine for the length of one call: started, waited for, saved and closed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rollcall::engine::command::{Command, Level, Notice, Saying};
use rollcall::engine::handle::EngineHandle;
use rollcall::engine::plane::{InterfaceSource, PlaneConfig};
use rollcall::engine::{Engine, EngineConfig, SiteChoice};
use rollcall::model::snapshot::Snapshot;
use rollcall::model::time::Timestamp;
use rollcall::settings::Places;
use tokio::time::{Instant, sleep_until, timeout};

use crate::output::{Failure, counted, say};

/// How long saving may take at the end.
const CLOSE_PATIENCE: Duration = Duration::from_mins(1);

/// How long the engine may take to open a site.
const OPEN_PATIENCE: Duration = Duration::from_mins(1);

/// Longer than the time between two snapshots, so that the last one has everything that was heard.
const SETTLE: Duration = Duration::from_millis(250);

/// Longer than a finding waits for a better explanation.
const FINDINGS_SETTLE: Duration = Duration::from_millis(1_600);

/// How often progress is said.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

/// What the network is used for.
#[derive(Clone, Debug)]
pub(crate) enum Network {
    /// Not at all.
    Unused,
    /// Only listened to.
    Listen(Vec<String>),
    /// Listened to and asked every 15 s.
    Search(Vec<String>),
}

/// How an engine is set up for a call.
pub(crate) fn config(site: SiteChoice, network: Network) -> EngineConfig {
    // Only an untitled site would go there, and there is none on the command line.
    let mut config = EngineConfig::new(site, PathBuf::new());
    // Nothing is asked that the call does not say.
    config.identify.settings.automatic = false;
    let places = Places::find();
    config.identify.catalog_dir = places.as_ref().map(Places::catalog_dir);
    config.decoders_dir = places.as_ref().map(Places::decoders_dir);
    match network {
        Network::Unused => {
            config.tcp_port = None;
            config.plane.source = InterfaceSource::Fixed(Arc::new(Mutex::new(Vec::new())));
        }
        Network::Listen(only) => {
            config.plane = PlaneConfig {
                live_search: false,
                only,
                ..PlaneConfig::default()
            };
        }
        Network::Search(only) => config.plane.only = only,
    }
    config
}

/// The site that a call works in.
pub(crate) fn site(path: Option<&Path>) -> SiteChoice {
    path.map_or(SiteChoice::ThrowAway, |path| {
        SiteChoice::File(path.to_owned())
    })
}

/// Starts an engine, does `work` with it, has everything saved, and ends it.
pub(crate) fn with_engine<T>(
    config: EngineConfig,
    work: impl AsyncFnOnce(&mut Call) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let choice = config.site.clone();
    let only = config.plane.only.clone();
    // There is no window to be woken: the snapshots are waited for.
    let (handle, engine) = Engine::start(config, Arc::new(|| {}))?;
    let runtime = handle.runtime().clone();
    let mut call = Call { handle };
    #[expect(
        clippy::disallowed_methods,
        reason = "there is no window to hold up: waiting is all that this thread has to do"
    )]
    let done = runtime.block_on(async {
        call.open(&choice).await?;
        call.check_interfaces(&only)?;
        work(&mut call).await
    });
    let is_saved = engine.close(CLOSE_PATIENCE);
    let done = done?;
    if is_saved {
        Ok(done)
    } else {
        Err(Failure::NotSaved(
            "the engine did not end in time".to_owned(),
        ))
    }
}

/// The engine while a call works with it.
#[derive(Debug)]
pub(crate) struct Call {
    handle: EngineHandle,
}

impl Call {
    /// Gives the engine a command.
    pub(crate) fn send(&self, command: Command) -> Result<(), Failure> {
        Ok(self.handle.send(command)?)
    }

    /// The newest snapshot.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.handle.snapshot()
    }

    /// The next notice that is no saying. Sayings are passed on to the person.
    pub(crate) async fn notice(&mut self) -> Result<Notice, Failure> {
        loop {
            match self.handle.notice().await {
                Some(Notice::Said(saying)) => {
                    pass_on(&saying);
                    if saying.level == Level::Trouble {
                        return Ok(Notice::Said(saying));
                    }
                }
                Some(notice) => return Ok(notice),
                None => return Err(Failure::EngineEnded),
            }
        }
    }

    /// Waits until `is_enough`, Ctrl-C, or the time is over. Says what the engine says on the way, and how many units
    /// there are.
    pub(crate) async fn wait(
        &mut self,
        until: Option<Instant>,
        mut is_enough: impl FnMut(&Snapshot) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let mut snapshots = self.handle.snapshots();
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(interrupted);
        let mut progress = Progress::default();
        loop {
            let snapshot = snapshots.borrow_and_update().clone();
            progress.tell(&snapshot);
            if is_enough(&snapshot)? {
                return Ok(());
            }
            tokio::select! {
                () = over(until) => return Ok(()),
                _ = &mut interrupted => return Ok(()),
                changed = snapshots.changed() => {
                    changed.map_err(|_closed| Failure::EngineEnded)?;
                }
                notice = self.handle.notice() => match notice {
                    Some(Notice::Said(saying)) => pass_on(&saying),
                    Some(_) => {}
                    None => return Err(Failure::EngineEnded),
                },
            }
        }
    }

    /// The snapshot that has everything which was heard until now.
    pub(crate) async fn settled(&mut self) -> Result<Arc<Snapshot>, Failure> {
        self.wait(Some(Instant::now() + SETTLE), |_| Ok(false))
            .await?;
        Ok(self.snapshot())
    }

    /// The snapshot that has everything which was heard until now, also what becomes a finding only after a short while.
    pub(crate) async fn settled_findings(&mut self) -> Result<Arc<Snapshot>, Failure> {
        self.wait(Some(Instant::now() + FINDINGS_SETTLE), |_| Ok(false))
            .await?;
        Ok(self.snapshot())
    }

    /// Waits until what was changed is in the site file.
    pub(crate) async fn saved(&mut self) -> Result<(), Failure> {
        let until = Instant::now() + CLOSE_PATIENCE;
        let mut is_saved = false;
        self.wait(Some(until), |snapshot| {
            if let Some(why) = &snapshot.site.save_error {
                return Err(Failure::NotSaved(why.clone()));
            }
            is_saved = snapshot.site.saved.is_some() && !snapshot.site.dirty;
            Ok(is_saved)
        })
        .await?;
        if is_saved {
            Ok(())
        } else {
            Err(Failure::NotSaved("it takes too long".to_owned()))
        }
    }

    /// Waits until the site is open, and sees that it is the one that was meant.
    async fn open(&mut self, choice: &SiteChoice) -> Result<(), Failure> {
        let wanted = match choice {
            SiteChoice::File(path) | SiteChoice::ReadOnly(path) => Some(path),
            SiteChoice::LastOrUntitled(_)
            | SiteChoice::ThrowAway
            | SiteChoice::Demo
            | SiteChoice::Replay(_) => None,
        };
        let mut sayings = Vec::new();
        let opened = timeout(OPEN_PATIENCE, async {
            loop {
                match self.handle.notice().await {
                    Some(Notice::SiteOpened(path)) => return Ok(path),
                    Some(Notice::Said(saying)) => sayings.push(saying),
                    Some(_) => {}
                    None => return Err(Failure::EngineEnded),
                }
            }
        })
        .await
        .map_err(|_elapsed| Failure::Site("it takes too long".to_owned()))??;
        if let Some(wanted) = wanted
            && opened.as_ref() != Some(wanted)
        {
            // The engine goes on in memory, which is for the window: a call that names a site means that one.
            let why = sayings
                .into_iter()
                .rfind(|saying| saying.level == Level::Trouble);
            let why = why.map(|saying| saying.text.unwrap_or(saying.title));
            return Err(Failure::Site(why.unwrap_or_else(|| "unknown".to_owned())));
        }
        for saying in &sayings {
            pass_on(saying);
        }
        self.published().await?;
        match (&self.snapshot().site.read_only, choice) {
            (Some(why), SiteChoice::File(_)) => Err(Failure::Site(why.clone())),
            _ => Ok(()),
        }
    }

    /// Waits for the first snapshot of the open site.
    async fn published(&mut self) -> Result<(), Failure> {
        let mut snapshots = self.handle.snapshots();
        snapshots
            .wait_for(|snapshot| snapshot.revision > 0)
            .await
            .map(drop)
            .map_err(|_closed| Failure::EngineEnded)
    }

    fn check_interfaces(&self, only: &[String]) -> Result<(), Failure> {
        let snapshot = self.snapshot();
        let is_known = |name: &String| {
            snapshot.interfaces.iter().any(|interface| {
                *interface.name == **name || interface.friendly_name.as_ref() == Some(name)
            })
        };
        match only.iter().find(|name| !is_known(name)) {
            None => Ok(()),
            Some(name) => Err(Failure::no_interface(name)),
        }
    }
}

/// Says how many units there are, when that changed and not too often.
#[derive(Debug, Default)]
struct Progress {
    told: Option<Instant>,
    num_units: usize,
}

impl Progress {
    fn tell(&mut self, snapshot: &Snapshot) {
        let num_units = snapshot.units.len();
        let is_time = self
            .told
            .is_none_or(|told| told.elapsed() >= PROGRESS_EVERY);
        if num_units != self.num_units && is_time && snapshot.totals.heard > 0 {
            self.told = Some(Instant::now());
            self.num_units = num_units;
            say(format_args!(
                "{}, {} heard",
                units(num_units),
                counted(snapshot.totals.heard, "datagram", "datagrams")
            ));
        }
    }
}

/// How many units were heard since the engine began to listen.
pub(crate) fn num_heard(snapshot: &Snapshot) -> usize {
    let since: Timestamp = snapshot.totals.listening_since;
    snapshot
        .units
        .iter()
        .filter(|(_, unit)| unit.heard.as_ref().is_some_and(|heard| heard.last >= since))
        .count()
}

/// The end of so many seconds from now.
pub(crate) fn in_seconds(seconds: u64) -> Instant {
    // A century, where the clock could not count any further.
    const LONGEST_SECS: u64 = 100 * 365 * 86_400;
    Instant::now() + Duration::from_secs(seconds.min(LONGEST_SECS))
}

async fn over(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// Tells the person what the engine says.
fn pass_on(saying: &Saying) {
    let mut words = saying.title.clone();
    for more in [&saying.text, &saying.hint].into_iter().flatten() {
        words.push_str("; ");
        words.push_str(more);
    }
    say(format_args!("{words}"));
}

/// "1 unit", "2 units".
pub(crate) fn units(num_units: usize) -> String {
    counted(num_units as u64, "unit", "units")
}
