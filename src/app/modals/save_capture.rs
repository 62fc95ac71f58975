//! The window of a capture file: what goes into it, where to.

use std::path::PathBuf;

use egui::Ui;

use super::super::view_state::{CaptureForm, CaptureScope, PathUse};
use super::super::widgets;
use super::super::{App, format};
use super::Next;
use super::confirm::{replace_ui, yes_or_no};
use super::save_file::{FileChoice, FilePath};
use crate::engine::command::{CaptureRequest, Command, ExposeRequest};

/// How much of a filter is shown.
const FILTER_SHOWN_CHARS: usize = 60;

impl App {
    /// Draws the window of a capture file.
    pub(super) fn save_capture_ui(&mut self, ui: &mut Ui, form: &mut CaptureForm) -> Next {
        widgets::explain(
            ui,
            "What the sockets heard and sent, as pcapng with a comment on each packet. Packets begin with IP: sockets tell nothing of the link layer",
        );
        let num_datagrams = self.snapshot.watching.capture.num_datagrams;
        let count = format::counted(num_datagrams, "datagram", "datagrams");
        let filter: String = format::show_text(form.filter.trim())
            .chars()
            .take(FILTER_SHOWN_CHARS)
            .collect();
        let filtered = if filter.is_empty() {
            "Filtered".to_owned()
        } else {
            format!("Filtered: {filter}")
        };
        let unit = form.unit.as_ref().map_or_else(
            || "The selected unit".to_owned(),
            |(_, name)| format!("Only {}", format::show_text(name)),
        );
        for (scope, words, is_possible, why_not) in [
            (CaptureScope::All, format!("All ({count})"), true, ""),
            (
                CaptureScope::Filtered,
                filtered,
                !filter.is_empty(),
                "Nothing is filtered in the list of the last datagrams",
            ),
            (
                CaptureScope::Unit,
                unit,
                form.unit.is_some(),
                "Select one unit first",
            ),
        ] {
            let choice = widgets::radio(ui, form.scope == scope, &words, is_possible)
                .on_disabled_hover_text(why_not);
            if choice.clicked() {
                form.scope = scope;
            }
        }
        ui.add_space(4.0);
        let mut file = FilePath {
            path: &mut form.path,
            focused: &mut form.focused,
            dialog: PathUse::Capture,
        };
        match self.save_file_ui(ui, &mut file) {
            FileChoice::Stay => Next::Stay,
            FileChoice::Cancel => Next::Close,
            FileChoice::Save => {
                self.send_capture(form);
                Next::Close
            }
        }
    }

    fn send_capture(&mut self, form: &CaptureForm) {
        let typed = form.path.trim();
        let path = self.full_path(PathUse::Capture, typed);
        let full = with_capture_ending(path.clone());
        // With another ending it is another file than the one that was asked about.
        let overwrite = form.replaceable.as_deref() == Some(typed) && full == path;
        let is_unit = form.scope == CaptureScope::Unit;
        let is_filtered = form.scope == CaptureScope::Filtered;
        self.send(Command::SaveCapture(Box::new(CaptureRequest {
            path: full,
            unit: form.unit.as_ref().filter(|_| is_unit).map(|(id, _)| *id),
            filter: if is_filtered {
                form.filter.trim().to_owned()
            } else {
                String::new()
            },
            overwrite,
        })));
    }

    /// A file is in the way of a capture.
    pub(super) fn replace_capture_ui(&mut self, ui: &mut Ui, request: &CaptureRequest) -> Next {
        replace_ui(ui, &request.path);
        let (next, is_yes) = yes_or_no(ui, "Replace");
        if is_yes {
            self.send(Command::SaveCapture(Box::new(CaptureRequest {
                overwrite: true,
                ..request.clone()
            })));
        }
        next
    }

    /// More than a /16 is to be checked for exposure.
    pub(super) fn large_expose_ui(
        &mut self,
        ui: &mut Ui,
        request: &ExposeRequest,
        num_ips: u64,
    ) -> Next {
        ui.label(format!(
            "{} is {} addresses. Each is asked on four ports, which takes long and is seen by whoever watches the network",
            format::show_text(&request.ranges),
            format::count(num_ips)
        ));
        let yes = format!("Check {} addresses", format::count(num_ips));
        let (next, is_yes) = yes_or_no(ui, &yes);
        if is_yes {
            self.send(Command::Expose(ExposeRequest {
                confirmed: true,
                ..request.clone()
            }));
        }
        next
    }
}

/// The ending of a capture file, added where the person left it out.
fn with_capture_ending(path: PathBuf) -> PathBuf {
    if path.extension().is_some() {
        return path;
    }
    path.with_extension("pcapng")
}
