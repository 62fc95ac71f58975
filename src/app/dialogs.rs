//! Native file dialogs. Built in the frame with the window as parent, awaited on the engine's runtime, answered
//! through a channel. One at a time, and never the only way: a path can always be typed (traps T3, T3b).

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use egui::Context;

use super::App;
use super::view_state::{Modal, PathForm, PathUse};
use crate::capture::CAPTURE_EXTENSIONS;
use crate::engine::command::{Command, Saying};
use crate::model::time::Timestamp;

/// A dialog that comes back without an answer sooner than this was never seen by the person.
const FAILED_WITHIN_MILLIS: u64 = 300;

/// What shows the dialog when nothing else does. An error that does not name it was made up for by it.
const LAST_RESORT: &str = "zenity";

/// Whether the system's own save dialog always asks before a file is replaced. Where it does, asking again would be
/// asking twice. On Linux that is up to whoever shows the dialog, so Rollcall asks there in any case.
const SYSTEM_ASKS: bool = cfg!(any(target_os = "windows", target_os = "macos"));

/// What came of a dialog.
#[derive(Debug)]
struct Answer {
    number: u64,
    path: Option<PathBuf>,
    when: Timestamp,
}

/// The dialog that is open.
#[derive(Debug)]
struct Open {
    number: u64,
    purpose: PathUse,
    since: Timestamp,
    task: tokio::task::JoinHandle<()>,
}

/// At most one native dialog, and the channel its answer comes through.
#[derive(Debug)]
pub(super) struct Dialogs {
    open: Option<Open>,
    next_number: u64,
    sender: SyncSender<Answer>,
    answers: Receiver<Answer>,
}

impl Dialogs {
    pub(super) fn new() -> Self {
        // One dialog at a time answers once; a second place is for one that was given up and answers all the same.
        let (sender, answers) = sync_channel(2);
        Self {
            open: None,
            next_number: 0,
            sender,
            answers,
        }
    }

    /// Whether a dialog is open.
    pub(super) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Gives the dialog up: a portal that hangs must not hang the window.
    pub(super) fn cancel(&mut self) {
        if let Some(open) = self.open.take() {
            open.task.abort();
        }
    }
}

impl App {
    /// Opens a native dialog; without a native window (tests) the path is typed.
    pub(super) fn open_dialog(
        &mut self,
        ctx: &Context,
        frame: Option<&eframe::Frame>,
        purpose: PathUse,
        suggestion: &str,
    ) {
        if self.dialogs.is_open() {
            return;
        }
        let Some(frame) = frame else {
            if !self.has_path_field() {
                self.type_path(purpose, suggestion.to_owned());
            }
            return;
        };
        let suggested = PathBuf::from(suggestion);
        let mut dialog = rfd::AsyncFileDialog::new()
            .set_parent(frame)
            .set_title(title(purpose));
        dialog = match purpose {
            PathUse::Export => dialog
                .add_filter("CSV", &["csv"])
                .add_filter("JSON", &["json"]),
            PathUse::Targets => dialog.add_filter("CSV", &["csv"]),
            PathUse::Capture => dialog.add_filter("pcapng", &["pcapng"]),
            PathUse::Replay => dialog
                .add_filter("Captures", &CAPTURE_EXTENSIONS)
                .add_filter("All files", &["*"]),
            PathUse::Study => dialog.add_filter("Zip", &["zip"]),
            PathUse::Import => dialog
                .add_filter("Inventory files", &["csv", "json", "txt"])
                .add_filter("All files", &["*"]),
            PathUse::NewSite | PathUse::OpenSite | PathUse::SaveSiteAs => {
                dialog.add_filter("Rollcall site", &["rollcall"])
            }
        };
        if let Some(folder) = suggested
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            dialog = dialog.set_directory(folder);
        }
        let is_new = !matches!(
            purpose,
            PathUse::Import | PathUse::OpenSite | PathUse::Replay
        );
        if let Some(name) = suggested.file_name().filter(|_| is_new) {
            dialog = dialog.set_file_name(name.to_string_lossy());
        }
        let number = self.dialogs.next_number;
        self.dialogs.next_number += 1;
        let (sender, clock, ctx) = (self.dialogs.sender.clone(), self.clock.clone(), ctx.clone());
        // Both kinds of dialog are made here, in the frame; only waiting happens elsewhere.
        let (pick, save) = if is_new {
            (None, Some(dialog.save_file()))
        } else {
            (Some(dialog.pick_file()), None)
        };
        let task = self.handle.runtime().spawn(async move {
            let file = match (pick, save) {
                (Some(pick), _) => pick.await,
                (None, Some(save)) => save.await,
                (None, None) => None,
            };
            let answer = Answer {
                number,
                path: file.map(|file| file.path().to_owned()),
                when: clock(),
            };
            // Full only when the window no longer listens.
            sender.try_send(answer).ok();
            ctx.request_repaint();
        });
        self.dialogs.open = Some(Open {
            number,
            purpose,
            since: self.clock_now,
            task,
        });
    }

    /// Whether the window that is open has a path field of its own.
    const fn has_path_field(&self) -> bool {
        matches!(
            self.modal,
            Some(Modal::Export(_) | Modal::SaveCapture(_) | Modal::SaveStudy(_))
        )
    }

    /// Asks for a path in the window.
    pub(super) fn type_path(&mut self, purpose: PathUse, path: String) {
        self.modal = Some(Modal::Path(PathForm {
            purpose,
            path,
            focused: false,
        }));
    }

    /// Takes the answer of the dialog, when there is one.
    pub(super) fn poll_dialogs(&mut self) {
        while let Ok(answer) = self.dialogs.answers.try_recv() {
            let Some(open) = self
                .dialogs
                .open
                .take_if(|open| open.number == answer.number)
            else {
                continue;
            };
            let errors = self.log.take_dialog_errors();
            let was_seen = answer.when.millis_since(open.since) >= FAILED_WITHIN_MILLIS
                && !errors.iter().any(|error| error.contains(LAST_RESORT));
            match answer.path {
                Some(path) => self.use_chosen_path(open.purpose, path, SYSTEM_ASKS),
                None if was_seen => {}
                None => self.dialog_failed(open.purpose),
            }
        }
    }

    fn dialog_failed(&mut self, purpose: PathUse) {
        let mut said = Saying::trouble("The file dialog did not open");
        said.text = Some("Type the path instead".to_owned());
        if cfg!(target_os = "linux") {
            said.hint = Some("xdg-desktop-portal or zenity shows file dialogs".to_owned());
        }
        self.say(said);
        if !self.has_path_field() {
            self.type_path(purpose, self.suggested_path(purpose));
        }
    }

    /// Does with a path what it was asked for.
    pub(super) fn use_path(&mut self, purpose: PathUse, path: PathBuf) {
        self.use_chosen_path(purpose, path, false);
    }

    /// The same. `may_replace` when the person has said already that a file of this name may go.
    fn use_chosen_path(&mut self, purpose: PathUse, path: PathBuf, may_replace: bool) {
        match purpose {
            PathUse::Export => {
                if let Some(Modal::Export(form)) = &mut self.modal {
                    form.path = path.to_string_lossy().into_owned();
                    form.replaceable = may_replace.then(|| form.path.clone());
                    form.focused = false;
                }
            }
            PathUse::Capture => {
                if let Some(Modal::SaveCapture(form)) = &mut self.modal {
                    form.path = path.to_string_lossy().into_owned();
                    form.replaceable = may_replace.then(|| form.path.clone());
                    form.focused = false;
                }
            }
            PathUse::Study => {
                if let Some(Modal::SaveStudy(form)) = &mut self.modal {
                    form.path = path.to_string_lossy().into_owned();
                    form.replaceable = may_replace.then(|| form.path.clone());
                    form.focused = false;
                }
            }
            PathUse::Replay => self.send(Command::OpenReplay(path)),
            PathUse::Targets => self.export_targets(&path, may_replace),
            PathUse::Import => self.send(Command::Import(path)),
            PathUse::NewSite => self.send(Command::NewSite(with_site_ending(path))),
            PathUse::OpenSite => self.send(Command::OpenSite(path)),
            PathUse::SaveSiteAs => {
                let full = with_site_ending(path.clone());
                self.send(Command::SaveSiteAs {
                    // With another ending it is another file than the one that was asked about.
                    overwrite: may_replace && full == path,
                    path: full,
                });
            }
        }
    }
}

/// A site file's ending, added where the person left it out.
fn with_site_ending(path: PathBuf) -> PathBuf {
    if path.extension().is_some() {
        return path;
    }
    path.with_extension("rollcall")
}

/// What the window of a typed path and the native dialog are called.
pub(super) const fn title(purpose: PathUse) -> &'static str {
    match purpose {
        PathUse::Export => "Export inventory",
        PathUse::Targets => "Export targets",
        PathUse::Capture => "Save capture",
        PathUse::Replay => "Open capture",
        PathUse::Study => "Save study",
        PathUse::Import => "Import an inventory file",
        PathUse::NewSite => "New site",
        PathUse::OpenSite => "Open site",
        PathUse::SaveSiteAs => "Save site as",
    }
}
