//! One open site: its registry, its file, and the network plane that listens for it. Opening another site ends it
//! and begins a new one.

mod saving;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use self::saving::SaveParts;
use super::asker::PlaneAsker;
use super::clock;
use super::command::{Saying, sentence};
use super::demo_fleet::demo_fleet;
use super::plane::{FromPlane, InterfaceSource, Plane};
use super::port_watch::PortWatch;
use super::recorder::Recorder;
use super::say::Say;
use super::store::{
    NotTaken, OpenSite, SITE_EXTENSION, SegmentReader, SiteContents, Store, StoreError,
    WatchContents, site_name,
};
use super::sweep::{Asker as _, Sweep};
use super::{EngineConfig, SiteChoice};
use crate::model::appliance::Appliance;
use crate::model::network::Network;
use crate::model::registry::{Limits, Registry};
use crate::model::snapshot::SiteState;
use crate::model::time::Timestamp;
use crate::sim::{Fleet, FleetPlan};
use crate::watch;

/// Batches of what was heard that may wait for the actor. 64 batches of up to 512 datagrams are more than a second of
/// the worst storm, and bound the memory that waits; beyond, a listener keeps some and counts what it drops.
const HEARD_CAPACITY: usize = 64;

/// After a save that failed, the next one is tried after this time.
const SAVE_AGAIN_MILLIS: u64 = 5_000;

/// New units a second in the demo, where every unit comes from 127.0.0.1.
const DEMO_NEW_UNITS_PER_SEC: u32 = 1_000;

/// Datagrams a second in the demo, where every unit comes from 127.0.0.1 and one word brings all of their answers.
const DEMO_WATCH: watch::Limits = watch::Limits {
    flood_per_sec: 500_000,
    flood_all_per_sec: 500_000,
};

/// Saving goes on until nothing is left, but not for ever: what a storm brings meanwhile comes with the next save.
const SAVE_TRIES: u32 = 3;

/// An untitled site is tried under this many names before giving up.
const UNTITLED_TRIES: u32 = 100;

/// What a site in memory is called that is not the demo's.
const UNSAVED_NAME: &str = "Unsaved site";

/// Everything that belongs to the open site.
pub(super) struct Session {
    pub(super) registry: Registry,
    limits: Limits,
    pub(super) site: SiteState,
    pub(super) plane: Plane,
    pub(super) from_plane: mpsc::Receiver<FromPlane>,
    pub(super) asker: PlaneAsker,
    pub(super) sweep: Option<Sweep>,
    /// Findings, and the record of what comes and goes.
    pub(super) watch: PortWatch,
    pub(super) listening_since: Timestamp,
    pub(super) last_heard: Option<Timestamp>,
    /// `None` only while the site is being closed.
    store: Option<Store>,
    saving: Option<Saving>,
    site_id: Option<String>,
    /// Whether the keyring of the system has a user of SNMP v3 for the site.
    pub(super) has_v3: bool,
    /// Whether that is still to be saved.
    has_v3_is_dirty: bool,
    save_not_before: Timestamp,
    /// The units of the demo.
    fleet: Option<Fleet>,
}

/// A batch on its way to the disk.
struct Saving {
    parts: SaveParts,
    done: oneshot::Receiver<Result<(), StoreError>>,
}

/// An opened store with what is in it.
struct Opened {
    store: Store,
    contents: SiteContents,
    path: Option<PathBuf>,
    read_only: Option<String>,
}

/// A site whose file is open, before anything listens for it.
pub(super) struct Prepared {
    is_demo: bool,
    is_replay: bool,
    opened: Opened,
    /// What there is to say about it.
    sayings: Vec<Saying>,
}

impl Prepared {
    /// Opens the file that a choice names. What cannot be opened is left as it is.
    pub(super) async fn open(choice: SiteChoice, config: &EngineConfig) -> Result<Self, String> {
        let is_demo = choice == SiteChoice::Demo;
        let is_replay = matches!(choice, SiteChoice::Replay(_));
        let sites_dir = config.sites_dir.clone();
        let opening = tokio::task::spawn_blocking(move || open_store(choice, &sites_dir));
        match opening.await {
            Ok(Ok((opened, sayings))) => Ok(Self {
                is_demo,
                is_replay,
                opened,
                sayings,
            }),
            Ok(Err(error)) => Err(sentence(&error)),
            Err(panic) => Err(sentence(&panic)),
        }
    }

    /// A site in memory, where no file can be opened and some site must be.
    pub(super) fn in_memory(why: String) -> Self {
        Self {
            is_demo: false,
            is_replay: false,
            opened: Opened::in_memory(),
            sayings: vec![
                Saying::trouble("No site file could be opened")
                    .because(why)
                    .hint("What is heard is kept in memory only: use \"Save site as…\" to keep it"),
            ],
        }
    }
}

impl Session {
    /// Begins to listen for a site. What goes wrong is said.
    pub(super) async fn begin(prepared: Prepared, config: &EngineConfig, say: &mut Say) -> Self {
        let Prepared {
            is_demo,
            is_replay,
            opened,
            sayings,
        } = prepared;
        for saying in sayings {
            say.said(saying);
        }
        let now = clock::now();
        let limits = if is_demo {
            Limits {
                new_units_per_sec: DEMO_NEW_UNITS_PER_SEC,
                ..config.limits
            }
        } else {
            config.limits
        };
        let mut registry = Registry::new(limits, now);
        let Opened {
            store,
            contents,
            path,
            read_only,
        } = opened;
        for remark in &contents.remarks {
            say.said(Saying::note(remark.clone()));
        }
        let name = contents.name.clone();
        registry.load(contents.units, contents.extra_columns, contents.next_id);
        let (out, from_plane) = mpsc::channel(HEARD_CAPACITY);
        let (mut plane_config, fleet) = if is_demo {
            demo_fleet(&config.plane, say).await
        } else {
            (config.plane.clone(), None)
        };
        if is_replay {
            plane_config.source = InterfaceSource::none();
            plane_config.live_search = false;
        }
        let recorder = Arc::new(Recorder::new(config.capture && !is_replay));
        plane_config.recorder = Arc::clone(&recorder);
        let watch_limits = if is_demo {
            DEMO_WATCH
        } else {
            watch::Limits::default()
        };
        let mut watch = PortWatch::new(recorder, watch_limits, contents.watching);
        let plane = Plane::start(plane_config, out, now);
        registry.set_interfaces(plane.contexts());
        watch.set_interfaces(&plane);
        watch.know_units(&registry.units());
        let asker = PlaneAsker::default();
        asker.set(plane.asking_sockets());
        let site = SiteState {
            name,
            path,
            read_only,
            demo: is_demo,
            ..SiteState::default()
        };
        Self {
            registry,
            limits,
            site,
            plane,
            from_plane,
            asker,
            sweep: None,
            watch,
            listening_since: now,
            last_heard: None,
            store: Some(store),
            saving: None,
            site_id: contents.site_id,
            has_v3: contents.has_v3,
            has_v3_is_dirty: false,
            save_not_before: now,
            fleet,
        }
    }

    /// The networks that the units which are heard can be in: those of the chosen interfaces, in the demo the made-up one
    /// that its units claim to be in.
    pub(super) fn networks(&self) -> Vec<Network> {
        if self.site.demo {
            let (ip, prefix_len) = FleetPlan::small_network();
            vec![Network { ip, prefix_len }]
        } else {
            self.asker.networks()
        }
    }

    /// Those of them that a unit was heard on.
    pub(super) fn networks_of(&self, unit: &Appliance) -> Vec<Network> {
        if self.site.demo {
            return self.networks();
        }
        let presence = unit.heard.iter().flat_map(|heard| &heard.presence);
        let names: Vec<&Arc<str>> = presence.map(|presence| &presence.interface).collect();
        self.plane
            .asking_sockets()
            .into_iter()
            .filter(|socket| names.contains(&&socket.interface))
            .flat_map(|socket| socket.networks)
            .collect()
    }

    /// A replay begins anew at this time: without units, findings or a record.
    pub(super) fn begin_replay_anew(&mut self, at: Timestamp) {
        let revision = self.registry.revision();
        self.registry = Registry::new(self.limits, at);
        self.registry.count_on_from(revision);
        let recorder = Arc::new(Recorder::new(false));
        let limits = watch::Limits::default();
        let management = self.watch.management().to_vec();
        self.watch = PortWatch::new(recorder, limits, WatchContents::default());
        self.watch.set_management(management, at);
        self.listening_since = at;
        self.last_heard = None;
    }

    /// For reading the capture ring, while the site is open.
    pub(super) fn segments(&self) -> Option<SegmentReader> {
        self.store.as_ref().map(Store::segments)
    }

    /// Where on 127.0.0.1 the demo's unit at an address is asked by SNMP.
    pub(super) fn demo_snmp_port(&self, ip: Ipv4Addr) -> Option<u16> {
        self.fleet.as_ref()?.snmp_port(ip)
    }

    /// By what the keyring of the system knows the site. `None` for one without a file.
    pub(super) fn vault_key(&self) -> Option<String> {
        self.site.path.as_ref()?;
        self.site_id.clone()
    }

    /// The keyring of the system has a user of SNMP v3 for the site now, or no longer.
    pub(super) fn set_has_v3(&mut self, has_v3: bool) {
        if self.has_v3 != has_v3 {
            self.has_v3 = has_v3;
            self.has_v3_is_dirty = true;
        }
    }

    /// Saves that the keyring has a user for the site, before it gets one: an entry that no site knows of would stay for
    /// ever. Returns why not, when it cannot; then nothing has changed.
    pub(super) async fn mark_v3(&mut self) -> Result<(), String> {
        let before = (self.has_v3, self.has_v3_is_dirty);
        self.set_has_v3(true);
        let saved = match &self.site.read_only {
            Some(why) if self.has_v3_is_dirty => Err(format!("The site is read-only: {why}")),
            Some(_) => Ok(()),
            None => self.save_mark().await,
        };
        if saved.is_err() {
            (self.has_v3, self.has_v3_is_dirty) = before;
        }
        saved
    }

    async fn save_mark(&mut self) -> Result<(), String> {
        for _ in 0..SAVE_TRIES {
            self.finish_save().await?;
            if !self.has_v3_is_dirty {
                return Ok(());
            }
            self.begin_save(clock::now(), false);
        }
        let why = self.site.save_error.clone();
        Err(why.unwrap_or_else(|| "The site file is busy".to_owned()))
    }

    /// Writes the whole site to another file and goes on there. It is another site to the keyring: without a user, until
    /// it is given one.
    pub(super) async fn save_as(&mut self, path: &Path, overwrite: bool) -> Result<(), StoreError> {
        // What cannot be saved in the old place may well be saved in the new one: its words are not wanted here.
        let _ = self.save_all().await;
        let Some(store) = &self.store else {
            return Err(NotTaken::Ended.into());
        };
        let (told, done) = oneshot::channel();
        store.save_as(path, overwrite, move |result| {
            let _ = told.send(result);
        });
        let site_id = done.await.unwrap_or_else(|_| Err(NotTaken::Ended.into()))?;
        if self.site_id != site_id {
            self.site_id = site_id;
            self.has_v3 = false;
            self.has_v3_is_dirty = false;
        }
        self.site.name = site_name(path);
        self.site.path = Some(path.to_owned());
        self.site.save_error = None;
        self.save_not_before = clock::now();
        if self.site.read_only.take().is_some() {
            // A read-only site gathered changes that its old file never got.
            self.registry.mark_all_dirty();
            self.watch.mark_all_dirty();
        }
        Ok(())
    }

    /// Saves and closes the file. Returns why something was not saved. Listening ends when the session is dropped.
    pub(super) async fn close(&mut self) -> Result<(), String> {
        let saved = self.save_all().await;
        let Some(store) = self.store.take() else {
            return saved;
        };
        let (told, done) = oneshot::channel();
        store.close(move |result| {
            let _ = told.send(result);
        });
        match done.await {
            Ok(Err(error)) => saved.and(Err(sentence(&error))),
            // The store's thread is gone without a word only when the program is ending.
            Ok(Ok(())) | Err(_) => saved,
        }
    }
}

impl Opened {
    fn in_memory() -> Self {
        let (store, contents) =
            Store::in_memory().expect("a site in memory needs one thread and a little memory");
        let read_only = Some(
            "no site file could be opened: use \"Save site as…\" to keep what is heard".to_owned(),
        );
        Self {
            store,
            contents,
            path: None,
            read_only,
        }
    }
}

/// Opens the store that a choice names; with what there is to say about it. Blocks.
fn open_store(choice: SiteChoice, sites_dir: &Path) -> Result<(Opened, Vec<Saying>), StoreError> {
    match choice {
        SiteChoice::Demo | SiteChoice::ThrowAway | SiteChoice::Replay(_) => {
            let (store, mut contents) = Store::throw_away()?;
            let is_replay = matches!(choice, SiteChoice::Replay(_));
            let read_only = is_replay.then(|| "it is a replay of a capture".to_owned());
            match &choice {
                SiteChoice::ThrowAway => UNSAVED_NAME.clone_into(&mut contents.name),
                SiteChoice::Replay(path) => contents.name = site_name(path),
                _ => {}
            }
            Ok((
                Opened {
                    store,
                    contents,
                    path: None,
                    read_only,
                },
                Vec::new(),
            ))
        }
        SiteChoice::File(path) => open_file(path).map(|opened| (opened, Vec::new())),
        SiteChoice::ReadOnly(path) => {
            let (store, contents, open) = Store::open_read_only(&path)?;
            Ok((Opened::of(store, contents, path, open), Vec::new()))
        }
        SiteChoice::LastOrUntitled(last) => {
            let mut sayings = Vec::new();
            if let Some(last) = last {
                match open_last(last) {
                    Ok(opened) => return Ok((opened, sayings)),
                    Err(error) => sayings.push(
                        Saying::trouble("The site that was open last cannot be opened")
                            .because(sentence(&error))
                            .hint(
                                "The file was left as it is, and an untitled site is open instead: \
                                 use \"Open site…\" when the file can be reached again",
                            ),
                    ),
                }
            }
            let opened = open_untitled(sites_dir, &mut sayings)?;
            Ok((opened, sayings))
        }
    }
}

/// Opens the site that was open last. One that is not there (a stick that is not plugged in) is not made anew: an
/// empty site under its name would look as if everything was lost.
fn open_last(path: PathBuf) -> Result<Opened, StoreError> {
    let (store, contents, open) = Store::open(&path)?;
    Ok(Opened::of(store, contents, path, open))
}

/// Opens a site file, or makes a new one where none is.
fn open_file(path: PathBuf) -> Result<Opened, StoreError> {
    if path.exists() {
        let (store, contents, open) = Store::open(&path)?;
        return Ok(Opened::of(store, contents, path, open));
    }
    let (store, contents) = Store::create(&path)?;
    Ok(Opened::of(store, contents, path, OpenSite::Writable))
}

/// The untitled site in the sites folder; where its file cannot be used, the next number.
fn open_untitled(sites_dir: &Path, sayings: &mut Vec<Saying>) -> Result<Opened, StoreError> {
    let mut last_error = None;
    // An error here shows itself when the file is made.
    let _ = std::fs::create_dir_all(sites_dir);
    for number in 1..=UNTITLED_TRIES {
        let name = match number {
            1 => format!("Untitled site.{SITE_EXTENSION}"),
            number => format!("Untitled site {number}.{SITE_EXTENSION}"),
        };
        match open_file(sites_dir.join(name)) {
            // Another window has it open: this one gets a site of its own.
            Ok(opened) if opened.read_only.is_some() && number < UNTITLED_TRIES => {}
            Ok(opened) => return Ok(opened),
            Err(error) if error.is_about_place() => return Err(error),
            Err(error) => {
                if sayings.is_empty() {
                    sayings.push(
                        Saying::trouble("The untitled site cannot be opened")
                            .because(sentence(&error))
                            .hint(
                                "The file was left as it is; a new untitled site is open instead",
                            ),
                    );
                }
                last_error = Some(error);
            }
        }
    }
    Err(last_error.unwrap_or_else(|| NotTaken::Ended.into()))
}

impl Opened {
    fn of(store: Store, contents: SiteContents, path: PathBuf, open: OpenSite) -> Self {
        let read_only = match open {
            OpenSite::Writable => None,
            OpenSite::ReadOnly(why) => Some(why),
        };
        Self {
            store,
            contents,
            path: Some(path),
            read_only,
        }
    }
}
