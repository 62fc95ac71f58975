//! The frame: what is where, and in which order it is drawn.

use egui::{
    Align, Area, CentralPanel, Frame, Id, Key, Layout, Margin, Modifiers, Order, Panel, Rect,
    Stroke, Ui, vec2,
};

use super::App;
use super::grid;
use super::panels::TINY;
use super::screens;
use super::shortcuts;
use super::theme::palette;
use super::view_state::{PathUse, View};
use super::widgets;
use super::window;
use crate::capture::is_capture;
use crate::engine::command::{Command, Saying};

/// How high the top bar is.
const TOP_HEIGHT: f32 = 52.0;

/// How wide the left rail is.
const RAIL_WIDTH: f32 = 184.0;

/// The same where there is hardly room.
const TINY_RAIL_WIDTH: f32 = 122.0;

/// How high the status bar is.
const STATUS_HEIGHT: f32 = 27.0;

/// How wide the right panel is: 320 points of content.
const PANEL_WIDTH: f32 = 348.0;

/// Around the panel's content.
const PANEL_MARGIN: Margin = Margin {
    left: 14,
    right: 0,
    top: 12,
    bottom: 0,
};

/// A narrower window has no right panel beside the grid.
const PANEL_FROM_WIDTH: f32 = 1_180.0;

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.tick(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        self.show(ui, Some(frame));
    }

    fn raw_input_hook(&mut self, _ctx: &egui::Context, raw_input: &mut egui::RawInput) {
        // The glyphs' texture is as wide as the largest that the driver takes, 16,384 under software GL, and
        // 32 rows of that are 2 MiB, in the program and again in the driver.
        raw_input.max_texture_side = raw_input.max_texture_side.map(|side| side.min(2_048));
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.dialogs.cancel();
        self.commit_communities();
        self.remember_now();
    }
}

impl App {
    /// Draws the window and carries out what the person asked for. `frame` is the native window; tests have none.
    pub fn show(&mut self, ui: &mut Ui, frame: Option<&eframe::Frame>) {
        let ctx = ui.ctx().clone();
        self.os = ctx.os();
        // Not in `logic`: what it asks of the window before the first frame is lost.
        let title = window::title(&self.snapshot);
        if title != self.title {
            self.title.clone_from(&title);
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title));
        }
        self.take_first_frames(frame);
        self.take_dropped_files(&ctx);
        self.hold_close_while_writing(&ctx);
        self.close_panel_by_escape(&ctx);
        if self.modal.is_none()
            && let Some(command) = shortcuts::pressed(&ctx, grid::has_focus(&ctx))
        {
            self.ask(self.in_watch(command));
        }
        self.update_rows();
        if self.view != View::Settings {
            self.commit_communities();
        }

        let palette = palette(&ctx);
        self.panel_fits = ui.available_width() >= PANEL_FROM_WIDTH;
        self.panel.is_over &= !self.panel_fits && self.view == View::Discover;
        let rail_width = if ui.available_width() < TINY {
            TINY_RAIL_WIDTH
        } else {
            RAIL_WIDTH
        };
        let quiet = Frame::new().fill(palette.panel);
        Panel::top("top bar")
            .exact_size(TOP_HEIGHT)
            .frame(quiet.inner_margin(Margin::symmetric(14, 0)))
            .show(ui, |ui| self.top_bar_ui(ui));
        if self.snapshot.watching.replay.is_some() {
            Panel::top("replay")
                .frame(quiet.inner_margin(Margin::symmetric(14, 6)))
                .show(ui, |ui| self.time_line_ui(ui));
        }
        Panel::bottom("status bar")
            .exact_size(STATUS_HEIGHT)
            .frame(quiet.inner_margin(Margin::symmetric(14, 0)))
            .show(ui, |ui| self.status_bar_ui(ui));
        Panel::left("rail")
            .exact_size(rail_width)
            .frame(quiet.inner_margin(Margin::symmetric(8, 10)))
            .show(ui, |ui| self.rail_ui(ui));
        let has_panel = self.panel_fits && self.settings.show_panel && self.view == View::Discover;
        let panel_frame = quiet.inner_margin(PANEL_MARGIN);
        if has_panel {
            Panel::right("unit")
                .exact_size(PANEL_WIDTH)
                .frame(panel_frame)
                .show(ui, |ui| self.unit_panel_ui(ui));
        }
        let central = ui.available_rect_before_wrap();
        CentralPanel::no_frame()
            .frame(Frame::new().fill(palette.ground))
            .show(ui, |ui| match self.view {
                View::Discover => self.discover_ui(ui),
                View::Watch => self.watch_ui(ui),
                View::Diagnostics => self.diagnostics_ui(ui),
                View::Activity => self.activity_ui(ui),
                View::Settings => self.settings_ui(ui),
                View::Study => self.study_ui(ui),
            });
        if self.panel.is_over {
            self.panel_over_ui(&ctx, central, panel_frame);
        }
        self.modals_ui(&ctx);
        self.dialog_bar_ui(&ctx);
        self.notices_ui(&ctx);
        Self::drop_target_ui(&ctx);
        for command in std::mem::take(&mut self.pending) {
            self.dispatch(&ctx, frame, command);
        }
        if let Some((purpose, suggestion)) = self.wants_dialog.take() {
            self.open_dialog(&ctx, frame, purpose, &suggestion);
        }
        self.was_typing = ctx.text_edit_focused();
        self.plan_repaint(&ctx);
    }

    /// The unit panel over the grid's right side, where there is no room for it beside the grid.
    fn panel_over_ui(&mut self, ctx: &egui::Context, central: Rect, frame: Frame) {
        let palette = palette(ctx);
        let mut rect = central;
        rect.min.x = (rect.max.x - PANEL_WIDTH).max(rect.min.x);
        let margin = PANEL_MARGIN;
        Area::new(Id::unique("unit panel over the grid"))
            // Above the grid, below questions and menus.
            .order(Order::Middle)
            .fixed_pos(rect.min)
            .default_size(rect.size())
            .constrain(false)
            .show(ctx, |ui| {
                frame.shadow(ui.visuals().popup_shadow).show(ui, |ui| {
                    let size = rect.size() - margin.sum();
                    ui.set_min_size(size);
                    ui.set_max_size(size);
                    let right = Layout::right_to_left(Align::Center);
                    ui.allocate_ui_with_layout(vec2(size.x - 8.0, 22.0), right, |ui| {
                        if widgets::close_button(ui, "Close the unit panel").clicked() {
                            self.panel.is_over = false;
                        }
                    });
                    self.unit_panel_ui(ui);
                });
                let line = Stroke::new(1.0, palette.line);
                ui.painter().vline(rect.left(), rect.y_range(), line);
            });
    }

    /// Escape closes the panel that lies over the grid, when nothing else waits for that key.
    fn close_panel_by_escape(&mut self, ctx: &egui::Context) {
        let is_free = self.modal.is_none() && !self.was_typing && !egui::Popup::is_any_open(ctx);
        if self.panel.is_over
            && is_free
            && ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape))
        {
            self.panel.is_over = false;
        }
    }

    /// Once the window is open: it is brought onto a screen, and its renderer is known to work. Tests have no window.
    fn take_first_frames(&mut self, frame: Option<&eframe::Frame>) {
        let Some(frame) = frame else {
            return;
        };
        // Its real place is known only when it has been drawn once.
        self.num_drawn = self.num_drawn.saturating_add(1);
        if self.num_drawn != 2 {
            return;
        }
        screens::bring_back(frame);
        if let Some(note) = self.opening_note.take() {
            // A frame does not wait for a disk. Without a thread the end of the window removes it.
            std::thread::spawn(move || note.remove());
        }
    }

    /// Files that were dropped onto the window: an inventory file is imported, a site or a capture is opened.
    fn take_dropped_files(&mut self, ctx: &egui::Context) {
        let paths: Vec<std::path::PathBuf> = ctx.input(|input| {
            input
                .raw
                .dropped_files
                .iter()
                .map(|file| file.path().to_owned())
                .collect()
        });
        for path in paths {
            let is_site = path
                .extension()
                .is_some_and(|ending| ending.eq_ignore_ascii_case("rollcall"));
            let purpose = if is_site {
                PathUse::OpenSite
            } else if is_capture(&path) {
                PathUse::Replay
            } else {
                PathUse::Import
            };
            self.use_path(purpose, path);
        }
    }

    /// Closing while a file is being written waits for it, with a word. A site that cannot be saved is not closed
    /// before the person knows.
    fn hold_close_while_writing(&mut self, ctx: &egui::Context) {
        let wants_to_close = ctx.input(|input| input.viewport().close_requested());
        if !wants_to_close {
            return;
        }
        if let Some(why) = &self.snapshot.site.save_error
            && !std::mem::replace(&mut self.closes_unsaved, true)
        {
            let said = Saying::trouble("The site is not saved")
                .because(why.clone())
                .hint("use \"Save site as…\" to keep it on another disk; closing again loses what is not saved");
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            self.say(said);
            return;
        }
        if self.snapshot.job.is_some() && !self.handle.is_closed() {
            if self.closing {
                // Asked twice: the person does not want to wait. What is half written leaves the old file.
                self.send(Command::CancelJob);
                return;
            }
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            self.closing = true;
        }
    }

    /// Says what dropping a file will do, while one is held over the window.
    fn drop_target_ui(ctx: &egui::Context) {
        let is_hovered = ctx.input(|input| !input.raw.hovered_files.is_empty());
        if !is_hovered {
            return;
        }
        let palette = palette(ctx);
        let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop target"));
        let painter = ctx.layer_painter(layer);
        let rect = ctx.content_rect();
        painter.rect_filled(rect, 0.0, palette.veil);
        painter.rect_stroke(
            rect.shrink(6.0),
            10.0,
            Stroke::new(2.0, palette.accent),
            egui::StrokeKind::Inside,
        );
        painter.text(
            rect.center(),
            egui::Align2::CENTER_CENTER,
            "Drop an inventory file to import it, a site to open it, or a capture to replay it",
            super::theme::strong(16.0),
            palette.on_primary,
        );
    }
}
