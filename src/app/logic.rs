//! What is new since the last frame: the newest snapshot, notices, answers of dialogs, settings to remember, and when
//! the next frame is wanted. Draws nothing.

use std::sync::Arc;
use std::time::Duration;

use egui::Context;

use super::view_state::{Modal, TimeLineState, View};
use super::{App, theme, window};
use crate::engine::command::{Command, Notice, Saying};
use crate::engine::handle::SendError;
use crate::model::query::Counter;

/// How many notices one frame takes; the rest waits for the next.
const NOTICES_A_FRAME: usize = 64;

/// So many selected units are looked up in no time.
const MANY_SELECTED: usize = 1_000;

/// Settings are remembered this long after the last change, so that dragging a column is one write.
const REMEMBER_AFTER_SECS: f64 = 1.0;

/// When nothing is heard, the countdown to the next question goes in steps of this length: a machine without a
/// graphics card, where every frame costs, then draws four times in 15 s.
pub(super) const QUIET_STEP_MILLIS: u64 = 5_000;

/// Rules, "The window": after this long without a datagram, and with live search stopped, the window is idle.
const IDLE_AFTER_MILLIS: u64 = 60_000;

impl App {
    /// Takes what is new. Runs also while the window is hidden.
    pub fn tick(&mut self, ctx: &Context) {
        self.clock_now = (self.clock)();
        let snapshot = self.handle.snapshot();
        if !Arc::ptr_eq(&snapshot, &self.snapshot) {
            let is_smaller = snapshot.units.len() < self.snapshot.units.len();
            self.snapshot = snapshot;
            // Looking each of very many up is worth it only when some are gone.
            if is_smaller || self.selection.len() < MANY_SELECTED {
                self.selection.keep_existing(&self.snapshot.units);
            }
            self.closes_unsaved &= self.snapshot.site.save_error.is_some();
            if self.closing && self.snapshot.job.is_none() {
                ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            }
        }
        // Ages in a replay are those that a person would have read then.
        let replayed = self.snapshot.watching.replay.as_ref();
        self.now = replayed.map_or(self.clock_now, |replay| replay.at);
        for _ in 0..NOTICES_A_FRAME {
            let Some(notice) = self.handle.next_notice() else {
                break;
            };
            self.take_notice(notice);
        }
        self.poll_dialogs();
        self.drop_unasked_targets();
        self.answer_later_starts(ctx);
        if let Some(millis) = self.notices.expire(self.clock_now) {
            ctx.request_repaint_after(Duration::from_millis(millis.max(50)));
        }
        self.remember(ctx);
    }

    /// Asks the engine for something, and says so when it cannot take it.
    pub(super) fn send(&mut self, command: Command) {
        match &command {
            Command::SaveSiteAs { path, .. } => self.saving_as = Some(path.clone()),
            Command::NewSite(_) | Command::OpenSite(_) => self.saving_as = None,
            _ => {}
        }
        match self.handle.send(command) {
            Ok(()) => {}
            Err(SendError::Full(_)) => {
                let mut said = Saying::trouble("The engine is busy and did not take that");
                said.hint = Some("try again in a moment".to_owned());
                self.say(said);
            }
            Err(SendError::Closed) => {
                let mut said = Saying::trouble("The engine has ended");
                said.text =
                    Some("What is shown is the last state; nothing more is heard".to_owned());
                said.hint = Some("close Rollcall and start it again".to_owned());
                self.say(said);
            }
        }
    }

    fn take_notice(&mut self, notice: Notice) {
        match notice {
            Notice::Said(said) => self.say(said),
            Notice::Imported(report) => {
                let mut said = match &report.failed {
                    Some(why) => {
                        let mut said = Saying::trouble("The file was not imported");
                        said.text = Some(why.clone());
                        said
                    }
                    None => Saying::done(format!(
                        "Imported: {} added, {} changed, {} refused",
                        super::format::count(report.added as u64),
                        super::format::count(report.changed as u64),
                        super::format::count(report.refused.len() as u64)
                    )),
                };
                said.hint = None;
                self.say(said);
                self.modal = Some(Modal::ImportReport(report));
            }
            Notice::Exported { path, num_rows } => {
                let mut said = Saying::done(format!("Exported {}", super::format::units(num_rows)));
                said.text = Some(path.to_string_lossy().into_owned());
                self.say(said);
            }
            Notice::TargetsExported { path, num_rows } => {
                let targets = super::format::counted(num_rows, "target", "targets");
                let mut said = Saying::done(format!("Exported {targets}"));
                said.text = Some(path.to_string_lossy().into_owned());
                self.say(said);
            }
            Notice::TargetsWouldReplace(request) => {
                self.modal = Some(Modal::ReplaceTargets(request));
            }
            Notice::ExportWouldReplace(request) => {
                self.modal = Some(Modal::ReplaceExport(request));
            }
            Notice::SaveWouldReplace(path) => self.modal = Some(Modal::ReplaceSite(path)),
            Notice::SweepNeedsYes { request, num_ips } => {
                self.modal = Some(Modal::LargeSweep { request, num_ips });
            }
            Notice::SiteOpened(path) => self.site_opened(path),
            Notice::CaptureSaved {
                path,
                num_datagrams,
            } => {
                let datagrams = super::format::counted(num_datagrams, "datagram", "datagrams");
                let mut said = Saying::done(format!("Saved {datagrams}"));
                said.text = Some(path.to_string_lossy().into_owned());
                self.say(said);
            }
            Notice::StudySaved { path } => {
                self.say(Saying::done("Saved the study").because(path.to_string_lossy()));
            }
            Notice::DecoderSaved { path } => {
                self.say(Saying::done("Saved the decoder").because(path.to_string_lossy()));
                // Meanwhile another one may have been begun, or this one changed.
                self.teach = self
                    .teach
                    .take()
                    .filter(|teach| teach.sent.as_ref() != Some(&teach.draft));
            }
            Notice::CaptureWouldReplace(request) => {
                self.modal = Some(Modal::ReplaceCapture(request));
            }
            Notice::ExposeNeedsYes { request, num_ips } => {
                self.modal = Some(Modal::LargeExpose { request, num_ips });
            }
            Notice::StudyWouldReplace(request) => {
                self.modal = Some(Modal::ReplaceStudy(request));
            }
            // Of a unit of the site that was open when it was asked for: in another one it has no place.
            Notice::Studied(study) => {
                if std::mem::take(&mut self.awaits_study) {
                    self.show_study(study);
                }
            }
        }
    }

    fn site_opened(&mut self, path: Option<std::path::PathBuf>) {
        // Saved under another name, it is still the same one.
        let is_same = self.saving_as.take().is_some_and(|to| path == Some(to));
        if !is_same {
            self.forget_site();
        }
        let Some(path) = path else {
            return;
        };
        // At the first start nobody asked for a site, and there is enough to read.
        if !matches!(self.modal, Some(Modal::Welcome(_))) {
            let said = Saying::done(format!(
                "Opened {}",
                path.file_stem().unwrap_or_default().to_string_lossy()
            ));
            self.say(said);
        }
        let recent = &mut self.settings.recent_sites;
        recent.retain(|other| *other != path);
        recent.insert(0, path.clone());
        recent.truncate(10);
        self.settings.last_site = Some(path);
    }

    /// What was chosen, asked and shown of the site that was open.
    fn forget_site(&mut self) {
        self.selection.clear();
        self.name_edit = None;
        self.query.counter = Counter::All;
        self.diagnostics.selected = None;
        self.diagnostics.other = None;
        self.watch.forget_choices();
        self.time_line = TimeLineState::default();
        self.panel.filter.clear();
        self.teach = None;
        self.study = None;
        self.awaits_study = false;
        if self.view == View::Study {
            self.view = View::Discover;
        }
        if self.modal.as_ref().is_some_and(Modal::is_of_site) {
            self.modal = None;
        }
    }

    /// Brings the grid's rows up to date with the snapshot and the question.
    pub(super) fn update_rows(&mut self) {
        let hold = self.grid.is_hovered && !self.grid.is_at_top;
        self.rows.update(&self.snapshot, &self.query, hold);
    }

    /// Has changed settings written, a moment after the last change.
    fn remember(&mut self, ctx: &Context) {
        self.settings.grid.filter.clone_from(&self.query.text);
        if let Some(place) = window::place(ctx) {
            self.settings.window = Some(place);
        }
        if self.settings == self.remembered {
            self.unsaved_since = None;
            return;
        }
        let now = ctx.input(|input| input.time);
        let since = *self.unsaved_since.get_or_insert(now);
        let left = REMEMBER_AFTER_SECS - (now - since);
        if left > 0.0 {
            ctx.request_repaint_after(Duration::from_secs_f64(left));
        } else {
            self.remember_now();
        }
    }

    /// Has the settings written now.
    pub(super) fn remember_now(&mut self) {
        if self.settings != self.remembered {
            self.remembered = self.settings.clone();
            self.unsaved_since = None;
            self.send(Command::Remember(Box::new(self.settings.clone())));
        }
    }

    /// Asks for the next frame: once a second while something on screen counts seconds, at the steps of the countdown
    /// when only that is left, and not at all when idle.
    pub(super) fn plan_repaint(&self, ctx: &Context) {
        if self.snapshot.watching.replay.is_some() && self.snapshot.job.is_none() {
            // Its time goes on with snapshots only.
            return;
        }
        let millis = if self.counts_seconds() {
            // To the next full second, so that counted seconds change in step.
            1_000 - self.clock_now.as_millis().rem_euclid(1_000) as u64
        } else if let (true, Some(next)) = (self.snapshot.search.live, self.snapshot.search.next) {
            match next.millis_since(self.clock_now) % QUIET_STEP_MILLIS {
                0 => QUIET_STEP_MILLIS,
                millis => millis,
            }
        } else {
            return;
        };
        ctx.request_repaint_after(Duration::from_millis(millis.max(100)));
    }

    /// Whether something on screen counts seconds: ages of what was heard lately, work that goes on, the first wait.
    pub(super) fn counts_seconds(&self) -> bool {
        let snapshot = &self.snapshot;
        let heard_lately = snapshot
            .totals
            .last_heard
            .is_some_and(|when| self.clock_now.millis_since(when) < IDLE_AFTER_MILLIS);
        let asked_lately = snapshot.identifying.as_ref().is_some_and(|identifying| {
            let ended = identifying.ended;
            ended.is_none_or(|when| self.clock_now.millis_since(when) < IDLE_AFTER_MILLIS)
        });
        let is_working = snapshot.job.is_some()
            || snapshot
                .watching
                .expose
                .as_ref()
                .is_some_and(|check| check.ended.is_none())
            || snapshot
                .sweep
                .as_ref()
                .is_some_and(|sweep| sweep.ended.is_none());
        let is_waiting_for_first = snapshot.units.is_empty()
            && self.clock_now.millis_since(snapshot.totals.listening_since) < IDLE_AFTER_MILLIS;
        heard_lately || asked_lately || is_working || is_waiting_for_first
    }

    /// Follows the person's choice of theme.
    pub(super) fn choose_theme(&mut self, ctx: &Context, choice: crate::settings::ThemeChoice) {
        self.settings.theme = choice;
        theme::choose(ctx, choice);
    }
}
