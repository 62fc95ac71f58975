//! Questions over the window, one at a time. Escape or a click beside it closes without doing anything.

mod about;
mod accept_finding;
mod add_unit;
mod comparison;
mod confirm;
mod export;
mod import_report;
mod installation;
mod licenses;
mod management;
mod palette;
mod path;
mod save_capture;
mod save_file;
mod save_study;
mod sweep;
mod v3_user;
mod welcome;

use egui::{Align2, Area, Context, Frame, Id, Margin, RichText, Stroke, Ui, vec2};

pub(super) use self::management::network_words;
pub(super) use self::sweep::{ASKED_ABOVE, REFUSED_ABOVE, num_ips};
use super::App;
use super::theme;
use super::view_state::Modal;
use super::widgets::PageScroll;

/// What is to become of a question after this frame.
enum Next {
    /// It is still asked.
    Stay,
    /// It is answered or given up.
    Close,
}

impl App {
    /// Draws the question that is asked, when there is one.
    pub(super) fn modals_ui(&mut self, ctx: &Context) {
        let Some(mut modal) = self.modal.take() else {
            return;
        };
        let colors = theme::palette(ctx);
        let is_palette = matches!(modal, Modal::Palette(_));
        let scrolls_itself = matches!(
            modal,
            Modal::Palette(_)
                | Modal::About(_)
                | Modal::Licenses(_)
                | Modal::Installation(_)
                | Modal::Welcome(_)
                | Modal::Comparison(_)
        );
        let (width, name) = shape(&modal);
        let id = Id::unique(name);
        // The palette stands where eyes are; everything else in the middle.
        let (anchor, offset) = if is_palette {
            (Align2::CENTER_TOP, vec2(0.0, 90.0))
        } else {
            (Align2::CENTER_CENTER, vec2(0.0, -20.0))
        };
        let area: Area = egui::Modal::default_area(id).anchor(anchor, offset);
        let margin = if is_palette { 10 } else { 18 };
        let frame = Frame::new()
            .fill(colors.panel)
            .stroke(Stroke::new(1.0, colors.line))
            .corner_radius(10)
            .inner_margin(Margin::same(margin))
            .shadow(ctx.global_style().visuals.window_shadow);
        let response = egui::Modal::new(id)
            .area(area)
            .frame(frame)
            .backdrop_color(colors.veil)
            .show(ctx, |ui| {
                let room = ctx.content_rect().width() - 80.0;
                ui.set_width(width.min(room));
                if !is_palette {
                    ui.label(RichText::new(name).heading());
                    ui.add_space(2.0);
                }
                if scrolls_itself {
                    return self.modal_ui(ui, &mut modal);
                }
                // A form that is higher than a small or zoomed window scrolls.
                let max_height = ctx.content_rect().height() - 110.0;
                egui::ScrollArea::vertical()
                    .max_height(max_height)
                    // Given in full: what is available is what the first, guessed, height of the window left.
                    .min_scrolled_height(max_height)
                    .auto_shrink([false, true])
                    .show(ui, |ui| self.modal_ui(ui, &mut modal))
                    .inner
            });
        let size = response.response.rect.size();
        if std::mem::replace(&mut self.modal_size, size) != size {
            // It was placed for its size of the frame before.
            ctx.request_repaint();
        }
        let is_closed = matches!(response.inner, Next::Close) || response.should_close();
        if is_closed && matches!(modal, Modal::Welcome(_)) {
            self.settings.welcomed = true;
            self.remember_now();
        }
        // A question may have opened the next one.
        if self.modal.is_none() {
            self.modal = if is_closed {
                modal.below()
            } else {
                Some(modal)
            };
        }
    }

    fn modal_ui(&mut self, ui: &mut Ui, modal: &mut Modal) -> Next {
        match modal {
            Modal::Palette(form) => self.palette_ui(ui, form),
            Modal::Export(form) => self.export_ui(ui, form),
            Modal::Path(form) => self.path_ui(ui, form),
            Modal::ImportReport(report) => self.import_report_ui(ui, report),
            Modal::Sweep(form) => self.sweep_form_ui(ui, form),
            Modal::AddUnit(form) => self.add_unit_ui(ui, form),
            Modal::Forget(ids) => self.forget_ui(ui, ids),
            Modal::Note { id, text, focused } => self.note_ui(ui, *id, text, focused),
            Modal::ReplaceExport(request) => self.replace_export_ui(ui, request),
            Modal::ReplaceTargets(request) => self.replace_targets_ui(ui, request),
            Modal::ReplaceSite(path) => self.replace_site_ui(ui, path),
            Modal::LargeSweep { request, num_ips } => self.large_sweep_ui(ui, request, *num_ips),
            Modal::AcceptFinding(form) => self.accept_finding_ui(ui, form),
            Modal::Management(form) => self.management_ui(ui, form),
            Modal::SaveCapture(form) => self.save_capture_ui(ui, form),
            Modal::ReplaceCapture(request) => self.replace_capture_ui(ui, request),
            Modal::LargeExpose { request, num_ips } => self.large_expose_ui(ui, request, *num_ips),
            Modal::Comparison(form) => self.comparison_ui(ui, form),
            Modal::SaveStudy(form) => self.save_study_ui(ui, form),
            Modal::ReplaceStudy(request) => self.replace_study_ui(ui, request),
            Modal::About(page) => self.about_ui(ui, page),
            Modal::Licenses(page) => Self::licenses_ui(ui, page),
            Modal::Installation(form) => self.installation_ui(ui, form),
            Modal::Welcome(page) => self.welcome_ui(ui, page),
            Modal::V3User(form) => self.v3_user_ui(ui, form),
        }
    }
}

/// How wide a question is, and what it is called.
const fn shape(modal: &Modal) -> (f32, &'static str) {
    match modal {
        Modal::Palette(_) => (520.0, "Commands"),
        Modal::Export(_) => (560.0, "Export inventory"),
        Modal::Path(form) => (560.0, super::dialogs::title(form.purpose)),
        Modal::ImportReport(_) => (760.0, "Import report"),
        Modal::Sweep(_) => (520.0, "Sweep a range"),
        Modal::AddUnit(_) => (460.0, "Add unit by hand"),
        Modal::Forget(_) => (440.0, "Forget units?"),
        Modal::Note { .. } => (460.0, "Note"),
        Modal::ReplaceExport(_)
        | Modal::ReplaceTargets(_)
        | Modal::ReplaceCapture(_)
        | Modal::ReplaceStudy(_) => (480.0, "Replace file?"),
        Modal::Comparison(_) => (820.0, "Compare with the site"),
        Modal::SaveStudy(_) => (560.0, "Save study"),
        Modal::ReplaceSite(_) => (480.0, "Replace site file?"),
        Modal::LargeSweep { .. } => (460.0, "Sweep this many addresses?"),
        Modal::AcceptFinding(_) => (460.0, "Accept finding"),
        Modal::Management(_) => (520.0, "Management networks"),
        Modal::SaveCapture(_) => (560.0, "Save capture"),
        Modal::LargeExpose { .. } => (460.0, "Check this many addresses?"),
        Modal::About(_) => (560.0, "About Rollcall"),
        Modal::Licenses(_) => (780.0, "Licenses"),
        Modal::Installation(_) => (680.0, "Check the installation"),
        Modal::Welcome(_) => (580.0, "Welcome to Rollcall"),
        Modal::V3User(_) => (480.0, "SNMP v3 user"),
    }
}

/// The part of a page that is scrolled where there is not room for it; title and buttons stay.
fn page_ui<R>(ui: &mut Ui, scroll: &mut PageScroll, add: impl FnOnce(&mut Ui) -> R) -> R {
    let height = page_height(ui);
    let mut area = egui::ScrollArea::vertical()
        .max_height(height)
        .min_scrolled_height(height)
        .auto_shrink([false, true]);
    if let Some(offset) = super::widgets::page_keys(ui, *scroll) {
        area = area.vertical_scroll_offset(offset);
    }
    let output = area.show(ui, add);
    *scroll = PageScroll::of(&output);
    output.inner
}

/// How high the scrolled part of a page may be: what the window leaves beside title and buttons.
fn page_height(ui: &Ui) -> f32 {
    (ui.ctx().content_rect().height() - 190.0).max(80.0)
}
