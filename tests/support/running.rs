//! An engine for tests: on loopback only, or on no network at all, with a real site file.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rollcall::engine::command::{Command, Notice};
use rollcall::engine::handle::EngineHandle;
use rollcall::engine::interfaces::{Found, InterfaceSource};
use rollcall::engine::plane::{PlaneConfig, Ports};
use rollcall::engine::{Engine, EngineConfig, SiteChoice};
use rollcall::model::snapshot::Snapshot;
use rollcall::wire::{Claimed, DiscoverReply};
use tokio::net::UdpSocket;

/// Far longer than anything here takes; a test that hits it has found a fault.
pub(crate) const AT_MOST: Duration = Duration::from_secs(30);

/// An engine that runs.
pub(crate) struct Running {
    pub(crate) handle: EngineHandle,
    pub(crate) engine: Engine,
}

/// An engine that listens on loopback only, on free ports, or on nothing at all.
pub(crate) fn start(site: SiteChoice, sites_dir: &Path, hears: bool) -> Running {
    start_with(config(site, sites_dir, hears))
}

/// The engine's set-up for [`start`].
pub(crate) fn config(site: SiteChoice, sites_dir: &Path, hears: bool) -> EngineConfig {
    let found = if hears {
        vec![Found::loopback()]
    } else {
        Vec::new()
    };
    let mut config = EngineConfig::new(site, sites_dir.to_owned());
    config.plane = PlaneConfig {
        ports: Ports {
            listen: [0, 0],
            ask: [9, 9],
        },
        source: InterfaceSource::Fixed(Arc::new(Mutex::new(found))),
        loopback_only: hears,
        live_search: false,
        ..PlaneConfig::default()
    };
    config.tcp_port = None;
    config
}

/// An engine with this set-up.
pub(crate) fn start_with(config: EngineConfig) -> Running {
    let (handle, engine) = Engine::start(config, Arc::new(|| {})).expect("the engine starts");
    Running { handle, engine }
}

impl Running {
    /// Waits until a snapshot is as wanted.
    pub(crate) async fn until(
        &self,
        what: &str,
        is_so: impl Fn(&Snapshot) -> bool,
    ) -> Arc<Snapshot> {
        let mut snapshots = self.handle.snapshots();
        let wait = async {
            loop {
                let snapshot = Arc::clone(&snapshots.borrow_and_update());
                if is_so(&snapshot) {
                    return snapshot;
                }
                snapshots.changed().await.expect("the engine runs");
            }
        };
        tokio::time::timeout(AT_MOST, wait)
            .await
            .unwrap_or_else(|_| panic!("{what} did not come about"))
    }

    pub(crate) async fn notice(&mut self, what: &str, is_it: impl Fn(&Notice) -> bool) -> Notice {
        let wait = async {
            loop {
                let notice = self.handle.notice().await.expect("the engine runs");
                if is_it(&notice) {
                    return notice;
                }
            }
        };
        tokio::time::timeout(AT_MOST, wait)
            .await
            .unwrap_or_else(|_| panic!("{what} was not said"))
    }

    pub(crate) fn send(&self, command: Command) {
        self.handle
            .send(command)
            .expect("the engine takes the command");
    }

    /// Sends a discover reply to the port that stands for 3502.
    pub(crate) async fn announce(&self, reply: &DiscoverReply) {
        let listens = |snapshot: &Snapshot| {
            let sockets = snapshot
                .interfaces
                .first()
                .map(|interface| interface.sockets.as_slice());
            sockets
                .unwrap_or_default()
                .iter()
                .any(|socket| socket.role == "install" && socket.bound.is_ok())
        };
        let snapshot = self.until("listening", listens).await;
        let sockets = &snapshot.interfaces[0].sockets;
        let port = sockets
            .iter()
            .find(|socket| socket.role == "install")
            .expect("it listens")
            .port;
        let unit = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
        unit.send_to(&reply.emit(0), ("127.0.0.1", port))
            .await
            .expect("it is sent");
    }

    pub(crate) async fn close(self) {
        let engine = self.engine;
        let saved = tokio::task::spawn_blocking(move || engine.close(AT_MOST))
            .await
            .expect("no panic");
        assert!(saved, "everything is saved in time");
    }
}

/// What a unit of this number says of itself.
pub(crate) fn reply(last: u8, name: &str) -> DiscoverReply {
    DiscoverReply {
        model_number: Some(16),
        mac: Some([0, 0xe0, 0x86, 0, 0, last]),
        ip: Claimed::Ip([127, 0, 0, last].into()),
        mask: Claimed::Ip([255, 0, 0, 0].into()),
        gateway: Claimed::None,
        host_name: Some(name.to_owned()),
        modes: None,
    }
}
