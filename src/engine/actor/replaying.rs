//! A capture in the place of a site: opened, moved along, compared, closed.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Actor, Beside};
use crate::engine::SiteChoice;
use crate::engine::clock;
use crate::engine::command::{Command, ReplayMove, Saying};
use crate::engine::plane::Item;
use crate::engine::replay::{Before, ReadDone, Reading, Replay};
use crate::model::compare::compare;
use crate::model::time::Timestamp;
use crate::model::watching::Comparison;
use crate::watch::{SETTLE_MILLIS, WatchedInterface};

/// Datagrams of a replay that are taken in one turn: some tens of milliseconds, so that commands are not kept waiting.
const DATAGRAMS_A_TURN: usize = 20_000;

/// The time between two looks at what is found, as live.
const TICK_MILLIS: u64 = 100;

/// After so long everything is a finding that becomes one: a flood is told first, then the rest settles.
const SETTLED_MILLIS: u64 = 2 * SETTLE_MILLIS;

impl Actor {
    /// The time for the registry and for findings: that of the replay, while there is one.
    pub(super) fn site_now(&self) -> Timestamp {
        self.replay.as_ref().map_or_else(clock::now, Replay::at)
    }

    /// Whether a command would change or ask something, which a replay does not do. Says so.
    pub(super) fn is_refused_in_replay(&mut self, command: &Command) -> bool {
        if self.replay.is_none() {
            return false;
        }
        let is_refused = matches!(
            command,
            Command::SearchNow
                | Command::Sweep(_)
                | Command::Identify(_)
                | Command::AskTcp(_)
                | Command::Edit(_)
                | Command::Undo
                | Command::Redo
                | Command::Import(_)
                | Command::Expose(_)
                | Command::SetV3User(_)
                | Command::SaveSiteAs { .. }
                | Command::JudgeFinding { .. }
        );
        if is_refused {
            self.say.said(
                Saying::note("A replay asks nobody and changes nothing")
                    .hint("Close the replay to go back to your site"),
            );
        }
        is_refused
    }

    /// Opens a capture in the place of the open site.
    pub(super) async fn open_replay(&mut self, path: PathBuf) {
        let is_unsaved = self.session.site.path.is_none() && self.session.site.read_only.is_some();
        if self.replay.is_none() && is_unsaved {
            self.say.said(
                Saying::trouble("The open site is only in memory, and would be gone")
                    .hint("Keep it under a name with \"Save site as…\", then open the capture"),
            );
            return;
        }
        if self.replay.is_none() && !self.session.site.demo {
            self.before_demo.clone_from(&self.session.site.path);
        }
        let before = match &self.replay {
            Some(replay) => replay.before.clone(),
            None => Some(Before {
                site: self.session.site.name.clone(),
                units: self.session.registry.units(),
                management: self.session.watch.management().to_vec(),
            }),
        };
        if self.switch(SiteChoice::Replay(path.clone())).await {
            self.begin_replay(path, before);
        }
    }

    /// The session is there: reads the capture, beside.
    pub(super) fn begin_replay(&mut self, path: PathBuf, before: Option<Before>) {
        let reading = Reading::new(clock::now());
        let decoders = self.config.plane.decoders.clone();
        let ports: Vec<u16> = decoders
            .now()
            .iter()
            .flat_map(|decoder| decoder.draft().ports().to_vec())
            .collect();
        if let Some(before) = &before {
            let management = before.management.clone();
            self.session.watch.set_management(management, clock::now());
        }
        self.num_replays += 1;
        self.replay = Some(Replay::new(
            self.num_replays,
            path.clone(),
            Arc::clone(&reading),
            Arc::clone(&self.session.watch.recorder),
            decoders,
            before,
        ));
        // Who connects now finds nobody; the port is listened on again when the replay is closed.
        self.tcp.listener = None;
        let to_beside = self.to_beside.clone();
        let folder = self.config.sites_dir.clone();
        tokio::task::spawn_blocking(move || {
            let done = reading.read(&path, &ports, &folder);
            // The actor has ended when it does not take it.
            let _ = to_beside.blocking_send(Beside::Replayed(reading, done));
        });
    }

    /// The capture was read.
    pub(super) fn take_read(&mut self, reading: &Arc<Reading>, done: ReadDone) {
        let Some(replay) = self.replay.as_mut().filter(|replay| replay.is_of(reading)) else {
            return;
        };
        replay.take_read(done);
        self.begin_anew();
    }

    pub(super) fn move_replay(&mut self, wish: ReplayMove) {
        let now = clock::now();
        if let Some(replay) = &mut self.replay
            && replay.obey(wish, now)
        {
            self.begin_anew();
        }
    }

    /// Everything from the beginning: units, findings, the record.
    fn begin_anew(&mut self) {
        let Some(replay) = &mut self.replay else {
            return;
        };
        self.session.begin_replay_anew(replay.at());
        self.publisher.reset();
        let recorder = Arc::clone(&self.session.watch.recorder);
        replay.set_recorder(recorder, self.config.plane.decoders.clone());
        let interfaces = replay
            .interfaces()
            .map(|(name, networks)| WatchedInterface {
                name: Arc::clone(name),
                shown_name: name.to_string(),
                networks,
            });
        self.session
            .watch
            .set_replayed_interfaces(interfaces.collect());
    }

    /// Moves on. To be called every 100 ms.
    pub(super) fn replay_turn(&mut self) {
        let Some(replay) = &mut self.replay else {
            return;
        };
        if replay.is_reading() {
            return;
        }
        let turn = replay.turn(clock::now(), DATAGRAMS_A_TURN);
        let at = replay.at();
        let has_ended = !turn.is_behind && replay.has_just_ended();
        self.take_replayed(turn.items);
        self.session.registry.age(at);
        self.session.watch.tick(&self.session.registry, at);
        if has_ended {
            // Nothing comes any more that could explain it better.
            for after_millis in (TICK_MILLIS..=SETTLED_MILLIS).step_by(TICK_MILLIS as usize) {
                let after = at.plus_millis(after_millis);
                self.session.watch.tick(&self.session.registry, after);
            }
        }
        if !turn.is_behind {
            self.compare_replay();
        }
    }

    fn take_replayed(&mut self, items: Vec<Item>) {
        let mut last_tick: Option<Timestamp> = None;
        for item in items {
            // Findings settle with time: the watcher is told of it as it would be live.
            let when = item.when();
            if last_tick.is_none_or(|last| when.millis_since(last) >= TICK_MILLIS) {
                last_tick = Some(when);
                self.session.watch.tick(&self.session.registry, when);
            }
            self.take_item(item);
        }
    }

    /// Holds the replay's units against the site's, beside, when they changed since the last time.
    fn compare_replay(&mut self) {
        let Some(replay) = &self.replay else { return };
        let revision = self.session.registry.revision();
        let Some(before) = replay.before.clone() else {
            return;
        };
        if self.is_comparing || replay.compared_revision == Some(revision) {
            return;
        }
        self.is_comparing = true;
        let number = replay.number;
        let units = self.session.registry.units();
        let to_beside = self.to_beside.clone();
        tokio::task::spawn_blocking(move || {
            let comparison = compare(&units, &before.units, &before.site);
            // The actor has ended when it does not take it.
            let _ = to_beside.blocking_send(Beside::Compared(number, revision, comparison));
        });
    }

    pub(super) fn take_comparison(&mut self, number: u64, revision: u64, comparison: Comparison) {
        self.is_comparing = false;
        if let Some(replay) = self
            .replay
            .as_mut()
            .filter(|replay| replay.number == number)
        {
            replay.compared_revision = Some(revision);
            if replay.compared.as_deref() != Some(&comparison) {
                replay.compared = Some(Arc::new(comparison));
            }
        }
    }

    /// Goes back to the site that was open before.
    pub(super) async fn close_replay(&mut self) {
        if self.replay.is_some() {
            let last = self.before_demo.take();
            self.switch(SiteChoice::LastOrUntitled(last)).await;
        }
    }
}
