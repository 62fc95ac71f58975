//! What the open window does when Rollcall is started a second time: it comes to the front, or asks for attention
//! where the system does not let it, and opens the site or the capture that was asked
//! for.

use egui::{Context, UserAttentionType, ViewportCommand};

use super::App;
use super::view_state::PathUse;
use crate::capture::is_capture;
use crate::engine::command::Saying;
use crate::instance::Doorbell;

impl App {
    /// Takes what later starts asked for. Runs also while the window is hidden.
    pub(super) fn answer_later_starts(&mut self, ctx: &Context) {
        let has_focus = ctx.input(|input| input.viewport().focused.unwrap_or(false));
        if self.wants_attention && has_focus {
            self.wants_attention = false;
            ctx.send_viewport_cmd(ViewportCommand::RequestUserAttention(
                UserAttentionType::Reset,
            ));
        }
        while let Some(request) = self.doorbell.as_ref().and_then(Doorbell::next) {
            ctx.send_viewport_cmd(ViewportCommand::Minimized(false));
            ctx.send_viewport_cmd(ViewportCommand::Focus);
            if !has_focus {
                // Not every system lets a program bring itself to the front; all let it ask.
                self.wants_attention = true;
                ctx.send_viewport_cmd(ViewportCommand::RequestUserAttention(
                    UserAttentionType::Informational,
                ));
            }
            let Some(path) = request.open else {
                continue;
            };
            if self.snapshot.site.path.as_ref() == Some(&path) {
                continue;
            }
            self.say(Saying::note(format!(
                "Rollcall was started again with {}",
                path.file_name().unwrap_or_default().to_string_lossy()
            )));
            let purpose = if is_capture(&path) {
                PathUse::Replay
            } else {
                PathUse::OpenSite
            };
            self.use_path(purpose, path);
        }
    }
}
