//! Doing what a person asked for. Every command ends within this turn, or goes on beside.

use super::{Actor, Beside};
use crate::engine::command::{Command, FindingVerdict, Saying, sentence};
use crate::engine::{SiteChoice, clock};
use crate::model::edit::Edit;
use crate::model::network::Choice;
use crate::settings::Settings;

impl Actor {
    pub(super) async fn obey(&mut self, command: Command) {
        if self.is_refused_in_replay(&command) {
            return;
        }
        let now = clock::now();
        match command {
            Command::SearchNow => self.session.plane.search_now(now),
            Command::StopSearch => self.session.plane.stop_search(),
            Command::SetLiveSearch(on) => {
                self.config.plane.live_search = on;
                self.session.plane.set_live(on, now);
            }
            Command::Sweep(request) => self.sweep(&request, now),
            Command::StopSweep => self.stop_sweep(),
            Command::Identify(request) => self.identify(&request, now),
            Command::StopIdentify => self.stop_identify(now),
            Command::SetIdentify(settings) => self.set_identify(settings),
            Command::SetV3User(user) => self.set_v3_user(user).await,
            Command::ExportTargets(request) => self.export_targets(request, now),
            Command::ReloadCatalog => self.reload_catalog(),
            Command::AskTcp(ips) => self.ask_tcp(ips, false),
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
            Command::NewSite(path) => {
                self.switch(SiteChoice::File(path)).await;
            }
            Command::OpenSite(path) if !path.exists() => self.say.said(
                Saying::trouble("The site file is not there").because(path.display().to_string()),
            ),
            Command::OpenSite(path) => self.open_site(path).await,
            Command::SaveSiteAs { path, overwrite } => self.save_as(&path, overwrite).await,
            Command::StartDemo => {
                if !self.session.site.demo {
                    if self.replay.is_none() {
                        self.before_demo.clone_from(&self.session.site.path);
                    }
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
                self.look_thoroughly();
            }
            Command::FirewallRule(change) => self.change_rule(change),
            Command::Remember(settings) => self.remember(*settings),
            Command::SetManagement(networks) => {
                // A replay is judged by its own time.
                let now = self.site_now();
                self.session.watch.set_management(networks, now);
            }
            Command::JudgeFinding { key, verdict } => {
                let accept = match verdict {
                    FindingVerdict::Accept { note } => Some(note),
                    FindingVerdict::Reopen => None,
                };
                self.session.watch.judge(&key, accept, now);
            }
            Command::SetCapture(is_on) => {
                self.config.capture = is_on;
                if self.replay.is_none() {
                    self.session.watch.recorder.set_capturing(is_on);
                }
            }
            Command::SaveCapture(request) => self.save_capture(request, now),
            Command::OpenReplay(path) => self.open_replay(path).await,
            Command::Replay(wish) => self.move_replay(wish),
            Command::CloseReplay => self.close_replay().await,
            Command::Expose(request) => self.expose(&request, now),
            Command::StopExpose => self.stop_expose(now),
            Command::Study(id) => self.study(id),
            Command::SaveStudy(request) => self.save_study(request),
            Command::SaveDecoder(draft) => self.save_decoder(draft),
            Command::ReloadDecoders => self.load_decoders(),
        }
    }

    pub(super) fn edit(&mut self, edit: Edit) {
        let outcome = self.session.registry.edit(edit);
        for refused in outcome.refused {
            let title = format!("Refused: {:?}", refused.value);
            self.say.said(Saying::trouble(title).because(refused.why));
        }
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

    pub(super) fn remember(&mut self, settings: Settings) {
        let Some(path) = self.config.settings_path.clone() else {
            return;
        };
        let to_beside = self.to_beside.clone();
        let before = self.remembering.take();
        self.remembering = Some(tokio::spawn(async move {
            if let Some(before) = before {
                // Older settings must not end up over newer ones; a write that panicked is over as well.
                let _ = before.await;
            }
            let saved = tokio::task::spawn_blocking(move || settings.save(&path)).await;
            if let Ok(Err(error)) = saved {
                let saying =
                    Saying::trouble("The settings could not be saved").because(sentence(&error));
                // The actor has ended when it does not take it.
                let _ = to_beside.try_send(Beside::Say(saying));
            }
        }));
    }
}
