//! Small pieces that several parts of the window are made of.

use egui::{
    Align, Button, Color32, CornerRadius, Frame, Layout, Margin, Response, RichText, Sense, Stroke,
    TextEdit, Ui, Vec2, WidgetInfo, vec2,
};

use super::theme::{self, palette};
use crate::model::snapshot::Verdict;

/// A small filled circle, as high as a line of text.
pub(super) fn dot(ui: &mut Ui, color: Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(10.0, 18.0), Sense::hover());
    ui.painter().circle_filled(rect.center(), 4.0, color);
}

/// The one button of a window part that matters most.
pub(super) fn primary_button(ui: &mut Ui, text: &str, shortcut: Option<&str>) -> Response {
    primary_button_of_width(ui, text, shortcut, 0.0)
}

/// The same, at least this wide.
pub(super) fn primary_button_of_width(
    ui: &mut Ui,
    text: &str,
    shortcut: Option<&str>,
    width: f32,
) -> Response {
    let palette = palette(ui.ctx());
    ui.scope(|ui| {
        let widgets = &mut ui.visuals_mut().widgets;
        for widget in [
            &mut widgets.inactive,
            &mut widgets.hovered,
            &mut widgets.active,
            &mut widgets.open,
        ] {
            widget.bg_stroke = Stroke::NONE;
            widget.weak_bg_fill = palette.primary;
            widget.fg_stroke.color = palette.on_primary;
        }
        widgets.hovered.weak_bg_fill = palette.primary_hovered;
        widgets.active.weak_bg_fill = palette.primary_hovered;
        let label = RichText::new(text).font(theme::strong(theme::TEXT_SIZE));
        let mut button = Button::new(label.color(palette.on_primary));
        if let Some(shortcut) = shortcut {
            button =
                button.right_text(RichText::new(shortcut).size(11.0).color(palette.on_primary));
        }
        let button = button.min_size(vec2(width, 30.0));
        focus_ring(ui.add(button))
    })
    .inner
    .named(text)
}

/// A quiet button in a row that may wrap: it goes to the next line as a whole.
pub(super) fn row_button(ui: &mut Ui, text: &str, enabled: bool) -> Response {
    let button = Button::new(text)
        .wrap_mode(egui::TextWrapMode::Extend)
        .min_size(vec2(0.0, 30.0));
    focus_ring(ui.add_enabled(enabled, button))
}

/// A button beside it.
pub(super) fn quiet_button(ui: &mut Ui, text: &str) -> Response {
    focus_ring(ui.add(Button::new(text).min_size(vec2(0.0, 30.0))))
}

/// A button that looks like a word: for actions inside running text.
pub(super) fn link_button(ui: &mut Ui, text: &str) -> Response {
    let palette = palette(ui.ctx());
    focus_ring(ui.add(Button::new(RichText::new(text).color(palette.accent)).frame(false)))
}

/// A cross that closes what it stands in.
pub(super) fn close_button(ui: &mut Ui, what: &str) -> Response {
    let palette = palette(ui.ctx());
    let button = Button::new(RichText::new("✕").color(palette.dim))
        .frame(false)
        .min_size(Vec2::splat(20.0));
    focus_ring(ui.add(button)).named(what).on_hover_text(what)
}

/// Draws where the keyboard is.
pub(super) fn focus_ring(response: Response) -> Response {
    if response.gained_focus() {
        // In a window with little room the keyboard may lead to a button that is not seen.
        response.scroll_to_me(None);
    }
    if response.has_focus() {
        let palette = palette(&response.ctx);
        response.ctx.layer_painter(response.layer_id).rect_stroke(
            response.rect.expand(2.0),
            CornerRadius::same(theme::RADIUS + 2),
            Stroke::new(2.0, palette.accent),
            egui::StrokeKind::Middle,
        );
    }
    response
}

/// A round choice with its word.
pub(super) fn radio(ui: &mut Ui, is_chosen: bool, text: &str, enabled: bool) -> Response {
    choice(ui, |ui| {
        ui.add_enabled(enabled, egui::RadioButton::new(is_chosen, text))
    })
}

/// A square choice with its word.
pub(super) fn checkbox(ui: &mut Ui, is_on: &mut bool, text: &str, enabled: bool) -> Response {
    choice(ui, |ui| {
        ui.add_enabled(enabled, egui::Checkbox::new(is_on, text))
    })
}

/// Choices need an edge that is seen, also where nothing is chosen.
fn choice(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> Response) -> Response {
    let palette = palette(ui.ctx());
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = 22.0;
        ui.spacing_mut().icon_spacing = 7.0;
        let widgets = &mut ui.visuals_mut().widgets;
        for widget in [
            &mut widgets.inactive,
            &mut widgets.hovered,
            &mut widgets.active,
        ] {
            widget.bg_stroke = Stroke::new(1.0, palette.faint);
            widget.bg_fill = palette.panel;
            widget.fg_stroke = Stroke::new(2.0, palette.accent);
            widget.corner_radius = CornerRadius::same(4);
        }
        ui.visuals_mut().override_text_color = Some(palette.text);
        focus_ring(add(ui))
    })
    .inner
}

/// Gives widgets a name for screen readers and tests.
pub(super) trait Named {
    /// The name that is read out.
    fn named(self, name: &str) -> Self;
}

impl Named for Response {
    fn named(self, name: &str) -> Self {
        let enabled = self.enabled();
        self.widget_info(|| WidgetInfo::labeled(egui::Role::Button, enabled, name));
        self
    }
}

/// Tells screen readers that this is a row of a list, what it is called and whether it is selected.
pub(super) fn row_info(response: &Response, is_selected: bool, name: impl Fn() -> String) {
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Row, true, name()));
    response.ctx.accesskit_node_builder(response.id, |node| {
        node.set_selected(is_selected);
    });
}

/// The heading of a part of a panel.
pub(super) fn section(ui: &mut Ui, text: &str) {
    let palette = palette(ui.ctx());
    ui.add_space(8.0);
    ui.label(
        RichText::new(text)
            .font(theme::strong(theme::SMALL_SIZE))
            .color(palette.dim),
    );
}

/// A line that explains something.
pub(super) fn explain(ui: &mut Ui, text: &str) {
    let palette = palette(ui.ctx());
    ui.label(RichText::new(text).color(palette.dim));
}

/// A frame around things that belong together.
pub(super) fn card(ui: &Ui) -> Frame {
    let palette = palette(ui.ctx());
    Frame::new()
        .fill(palette.panel)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(8)
        .inner_margin(Margin::same(14))
}

/// A labeled line of a form; the field is named by its label.
pub(super) fn field(ui: &mut Ui, label: &str, edit: TextEdit<'_>) -> Response {
    let palette = palette(ui.ctx());
    let label = ui.label(
        RichText::new(label)
            .size(theme::SMALL_SIZE)
            .color(palette.dim),
    );
    let response = ui.add(edit.margin(Margin::symmetric(10, 6)));
    if response.gained_focus() {
        // In a window with little room the keyboard may lead to a field that is not seen.
        response.scroll_to_me(None);
    }
    response.labelled_by(label.id)
}

/// Gives a field the focus once, when its window opens.
pub(super) fn focus_once(response: &Response, focused: &mut bool) {
    if !*focused {
        response.request_focus();
        *focused = true;
    }
}

/// How far a page is scrolled, for the keys that scroll it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PageScroll {
    /// From the top, in points.
    offset: f32,
    /// The most that this can be.
    end: f32,
    /// How much of the page is seen.
    seen: f32,
}

impl PageScroll {
    /// As it was drawn.
    pub(super) fn of<R>(output: &egui::scroll_area::ScrollAreaOutput<R>) -> Self {
        let seen = output.inner_rect.height();
        Self {
            offset: output.state.clamped_offset().y,
            end: (output.content_size.y - seen).max(0.0),
            seen,
        }
    }
}

/// Where a page is to be scrolled to when one of the keys that scroll was pressed and nothing else wants it.
pub(super) fn page_keys(ui: &Ui, scroll: PageScroll) -> Option<f32> {
    const LINE: f32 = 40.0;
    let PageScroll { offset, end, seen } = scroll;
    if seen <= 0.0 {
        // Not drawn yet: begins at the top, wherever it was left.
        return Some(0.0);
    }
    if ui.ctx().text_edit_focused() {
        return None;
    }
    let target = ui.input_mut(|input| {
        let mut pressed = |key| input.consume_key(egui::Modifiers::NONE, key);
        [
            (egui::Key::ArrowDown, offset + LINE),
            (egui::Key::ArrowUp, offset - LINE),
            (egui::Key::PageDown, offset + seen - LINE),
            (egui::Key::PageUp, offset - seen + LINE),
            (egui::Key::Home, 0.0),
            (egui::Key::End, end),
        ]
        .into_iter()
        .find_map(|(key, target)| pressed(key).then_some(target))
    })?;
    Some(target.clamp(0.0, end))
}

/// Whether Enter was pressed in a single-line field.
pub(super) fn entered(response: &Response) -> bool {
    response.lost_focus()
        && response
            .ctx
            .input(|input| input.key_pressed(egui::Key::Enter))
}

/// Buttons at the foot of a window over the window, the last one leftmost in code and rightmost on screen.
pub(super) fn foot<R>(ui: &mut Ui, buttons: impl FnOnce(&mut Ui) -> R) -> R {
    ui.add_space(8.0);
    ui.allocate_ui_with_layout(
        vec2(ui.available_width(), 32.0),
        Layout::right_to_left(Align::Center),
        buttons,
    )
    .inner
}

/// A slim bar that says how far something is.
pub(super) fn progress(ui: &mut Ui, share: f32, width: f32, name: &str) -> Response {
    let palette = palette(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(vec2(width, 6.0), Sense::hover());
    ui.painter().rect_filled(rect, 3.0, palette.hovered);
    let mut done = rect;
    done.set_width(rect.width() * share.clamp(0.0, 1.0));
    ui.painter().rect_filled(done, 3.0, palette.accent);
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(egui::Role::ProgressIndicator, true, name);
        info.value = Some(f64::from(share));
        info
    });
    response
}

/// The glyph and color of a doctor's verdict.
pub(super) fn verdict_ui(ui: &mut Ui, verdict: Verdict) {
    let palette = palette(ui.ctx());
    let (glyph, color, word) = match verdict {
        Verdict::Good => ("✓", palette.green, "good"),
        Verdict::Note => ("•", palette.blue, "note"),
        Verdict::Warning => ("▲", palette.amber, "warning"),
    };
    let response = ui.add_sized(
        vec2(16.0, 18.0),
        egui::Label::new(RichText::new(glyph).color(color)),
    );
    response.on_hover_text(word);
}

/// Draws something that stands in a line with other text. The monospaced font sits a point higher in its line than the
/// other one.
pub(super) fn on_baseline(
    ui: &mut Ui,
    is_mono: bool,
    add: impl FnOnce(&mut Ui) -> Response,
) -> Response {
    let margin = egui::Margin {
        top: if is_mono { 2 } else { 0 },
        ..egui::Margin::ZERO
    };
    egui::Frame::new().inner_margin(margin).show(ui, add).inner
}
