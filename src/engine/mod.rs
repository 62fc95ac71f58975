//! The engine: sockets, timers, the site file and the registry, behind one actor. Works without a window:
//! it is given a closure to wake whoever watches.

mod actor;
mod asker;
mod capture_files;
pub mod catalog_files;
pub mod clock;
pub mod command;
pub mod counters;
pub mod decoder_files;
pub mod decoding;
mod demo_fleet;
pub mod doctor;
pub mod expose;
pub mod files;
pub mod firewall;
pub mod handle;
pub mod hearing;
pub mod identify;
pub mod interfaces;
mod jobs;
mod kept;
pub mod listener;
pub mod plane;
mod port_watch;
pub mod ports;
mod publish;
pub mod questions;
pub mod ranges;
pub mod recorder;
mod replay;
mod say;
pub mod search;
mod session;
pub mod socket;
pub mod store;
pub mod sweep;
pub mod tcp;
mod watched;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use self::handle::{EngineHandle, Waker};
use self::identify::IdentifyConfig;
use self::plane::PlaneConfig;
use crate::model::registry::Limits;
use crate::model::sighting::Sighting;
use crate::model::snapshot::{SiteState, Snapshot};
use crate::settings::Places;
use crate::wire::PORT_INSTALL;

/// How the engine is set up.
#[derive(Debug)]
pub struct EngineConfig {
    /// The site to begin with.
    pub site: SiteChoice,
    /// Where an untitled site goes.
    pub sites_dir: PathBuf,
    /// Where settings are saved to; `None` saves none.
    pub settings_path: Option<PathBuf>,
    /// Interfaces, ports and search.
    pub plane: PlaneConfig,
    /// The registry's bounds.
    pub limits: Limits,
    /// The TCP port that units may announce themselves on, and are asked on; `None` for no TCP.
    pub tcp_port: Option<u16>,
    /// How units are identified.
    pub identify: IdentifyConfig,
    /// Whether what comes and goes is captured into the site's ring.
    pub capture: bool,
    /// Where the files of taught decoders are; `None` for none.
    pub decoders_dir: Option<PathBuf>,
    /// The site to go to when a demo ends that the engine began with; without it, an untitled one.
    pub after_demo: Option<PathBuf>,
    /// Where this program keeps its things, for the doctor to check; `None` checks nothing of the installation.
    pub places: Option<Places>,
    /// The firewall that wants rules of this program's own; `None` where none does.
    pub firewall: Option<Arc<dyn firewall::System>>,
    /// Where every sighting goes beside the registry, for the command line. What does not fit is left out.
    pub tap: Option<mpsc::Sender<Sighting>>,
}

impl EngineConfig {
    /// The real ports, and everything else as at a first start.
    pub fn new(site: SiteChoice, sites_dir: PathBuf) -> Self {
        Self {
            site,
            sites_dir,
            settings_path: None,
            plane: PlaneConfig::default(),
            limits: Limits::default(),
            tcp_port: Some(PORT_INSTALL),
            identify: IdentifyConfig::default(),
            capture: true,
            decoders_dir: None,
            after_demo: None,
            places: None,
            firewall: None,
            tap: None,
        }
    }
}

/// The site to begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SiteChoice {
    /// The one that was open last; when there is none, or it cannot be opened, an untitled one.
    LastOrUntitled(Option<PathBuf>),
    /// This file; a new one when it is not there.
    File(PathBuf),
    /// This file, without ever writing to it.
    ReadOnly(PathBuf),
    /// One in memory.
    ThrowAway,
    /// The simulated fleet, in a throw-away site.
    Demo,
    /// A capture file, in a throw-away site that listens to nothing.
    Replay(PathBuf),
}

/// Why the engine did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The system gave no threads.
    #[error("the engine's threads could not be started ({0})")]
    Threads(#[from] std::io::Error),
}

/// The running engine. Close it to have everything saved.
#[derive(Debug)]
pub struct Engine {
    runtime: tokio::runtime::Runtime,
    end: oneshot::Sender<()>,
    ended: std::sync::mpsc::Receiver<bool>,
}

impl Engine {
    /// Starts the engine on threads of its own. Nothing is waited for: the site is opened beside.
    pub fn start(config: EngineConfig, waker: Waker) -> Result<(EngineHandle, Self), StartError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("rollcall-engine")
            .enable_all()
            .build()?;
        let first = Snapshot {
            site: SiteState {
                name: "Opening…".to_owned(),
                demo: config.site == SiteChoice::Demo,
                ..SiteState::default()
            },
            ..Snapshot::default()
        };
        let (handle, engine_end) = EngineHandle::pair(Arc::new(first), runtime.handle().clone());
        let (end, end_signal) = oneshot::channel();
        // One message, at the end.
        let (ended_signal, ended) = std::sync::mpsc::sync_channel(1);
        let actor = Box::pin(actor::run(config, engine_end, waker, end_signal));
        runtime.spawn(async move {
            let is_saved = actor.await;
            // Nobody listens when the window did not wait.
            let _ = ended_signal.send(is_saved);
        });
        Ok((
            handle,
            Self {
                runtime,
                end,
                ended,
            },
        ))
    }

    /// Saves what is open, closes it, and ends. Returns whether everything was saved within `at_most`.
    pub fn close(self, at_most: Duration) -> bool {
        // It ends by itself as well, when the last handle is gone.
        let _ = self.end.send(());
        let is_saved = self.ended.recv_timeout(at_most).unwrap_or(false);
        self.runtime.shutdown_background();
        is_saved
    }
}
