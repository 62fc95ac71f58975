//! Every color of the window, in dark and in light, and the shapes and sizes that go with them.
//! No other file names a color. A test computes the contrast of each pair that is used.

use egui::{Color32, Context, CornerRadius, FontFamily, FontId, Margin, Stroke, TextStyle, Theme};

use crate::model::finding::Severity;
use crate::model::status::Status;
use crate::model::traffic::DatagramKind;
use crate::settings::ThemeChoice;

/// The colors of one theme.
#[derive(Debug)]
pub(super) struct Palette {
    /// Behind the grid and the counters.
    pub(super) ground: Color32,
    /// Top bar, rail, right panel, status bar, popups.
    pub(super) panel: Color32,
    /// Behind chips, quiet buttons and the bytes of a datagram.
    pub(super) raised: Color32,
    /// The same under the pointer.
    pub(super) hovered: Color32,
    /// Lines around and between things.
    pub(super) line: Color32,
    /// Lines between rows.
    pub(super) row_line: Color32,
    /// Behind a selected row.
    pub(super) selected: Color32,
    /// Behind the row under the pointer.
    pub(super) row_hovered: Color32,
    /// Behind the box that says what to do next.
    pub(super) tinted: Color32,
    /// What a person reads.
    pub(super) text: Color32,
    /// What explains it.
    pub(super) dim: Color32,
    /// What is hardly worth reading: dashes, hints, numbers of the rail.
    pub(super) faint: Color32,
    /// The one accent: links, frames of what is chosen.
    pub(super) accent: Color32,
    /// Behind the words of a primary button.
    pub(super) primary: Color32,
    /// The same under the pointer.
    pub(super) primary_hovered: Color32,
    /// The words of a primary button.
    pub(super) on_primary: Color32,
    /// Good.
    pub(super) green: Color32,
    /// New.
    pub(super) blue: Color32,
    /// To be looked at.
    pub(super) amber: Color32,
    /// Wrong.
    pub(super) red: Color32,
    /// In the wrong place.
    pub(super) purple: Color32,
    /// Questions, in the plot of the traffic.
    pub(super) teal: Color32,
    /// Foreign to the port, in the plot of the traffic.
    pub(super) pink: Color32,
    /// Over the window while a question is asked.
    pub(super) veil: Color32,
    /// Under popups.
    pub(super) shadow: Color32,
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place where colors are made"
)]
const fn rgb(hex: u32) -> Color32 {
    let [_, red, green, blue] = hex.to_be_bytes();
    Color32::from_rgb(red, green, blue)
}

/// The dark theme.
static DARK: Palette = Palette {
    ground: rgb(0x14_17_1C),
    panel: rgb(0x1A_1E_25),
    raised: rgb(0x20_25_2D),
    hovered: rgb(0x2A_30_3A),
    line: rgb(0x2B_31_3B),
    row_line: rgb(0x21_25_2C),
    selected: rgb(0x1E_2F_44),
    row_hovered: rgb(0x19_1D_24),
    tinted: rgb(0x1F_2A_3B),
    text: rgb(0xE6_E9_EE),
    dim: rgb(0x98_A2_B1),
    faint: rgb(0x8C_97_A8),
    accent: rgb(0x4C_9F_FE),
    primary: rgb(0x1F_70_D8),
    primary_hovered: rgb(0x1B_66_C6),
    on_primary: rgb(0xFF_FF_FF),
    green: rgb(0x3F_B9_6F),
    blue: rgb(0x59_A6_FF),
    amber: rgb(0xE2_A4_3B),
    red: rgb(0xF2_73_6B),
    purple: rgb(0xB0_8D_F7),
    teal: rgb(0x3F_BF_C4),
    pink: rgb(0xEE_86_BE),
    veil: Color32::from_black_alpha(120),
    shadow: Color32::from_black_alpha(96),
};

/// The light theme.
static LIGHT: Palette = Palette {
    ground: rgb(0xF4_F5_F7),
    panel: rgb(0xFF_FF_FF),
    raised: rgb(0xF0_F2_F5),
    hovered: rgb(0xE3_E7_EC),
    line: rgb(0xDD_E1_E7),
    row_line: rgb(0xE7_EB_EE),
    selected: rgb(0xD6_E3_F6),
    row_hovered: rgb(0xEC_EF_F3),
    tinted: rgb(0xE7_F0_FB),
    text: rgb(0x1B_20_28),
    dim: rgb(0x52_5C_6C),
    faint: rgb(0x58_62_71),
    accent: rgb(0x16_67_D9),
    primary: rgb(0x16_67_D9),
    primary_hovered: rgb(0x12_59_BF),
    on_primary: rgb(0xFF_FF_FF),
    green: rgb(0x13_6B_36),
    blue: rgb(0x12_59_BF),
    amber: rgb(0x7D_52_00),
    red: rgb(0xB7_25_1E),
    purple: rgb(0x62_35_C4),
    teal: rgb(0x0A_62_6C),
    pink: rgb(0x9E_22_6A),
    veil: Color32::from_black_alpha(70),
    shadow: Color32::from_black_alpha(36),
};

/// The palette of the theme that is shown.
pub(super) fn palette(ctx: &Context) -> &'static Palette {
    of(ctx.theme())
}

const fn of(theme: Theme) -> &'static Palette {
    match theme {
        Theme::Dark => &DARK,
        Theme::Light => &LIGHT,
    }
}

impl Palette {
    /// The color of a status, glyph and word.
    pub(super) const fn status(&self, status: Status) -> Color32 {
        match status {
            Status::Conflict => self.red,
            Status::NoAddress => self.amber,
            Status::WrongNetwork => self.purple,
            Status::Silent | Status::OnlyInFile => self.faint,
            Status::New => self.blue,
            Status::Heard => self.green,
        }
    }

    /// The color of a severity, glyph and word.
    pub(super) const fn severity(&self, severity: Severity) -> Color32 {
        match severity {
            Severity::Note => self.blue,
            Severity::Warning => self.amber,
            Severity::Alarm => self.red,
        }
    }

    /// The color of a kind of datagram in the plot; the word stands beside it in the legend.
    pub(super) const fn datagram(&self, kind: DatagramKind) -> Color32 {
        match kind {
            DatagramKind::Announcement => self.green,
            DatagramKind::Reply => self.blue,
            DatagramKind::Discover => self.teal,
            DatagramKind::TestIp => self.amber,
            DatagramKind::SetIp => self.red,
            DatagramKind::Taught => self.purple,
            DatagramKind::OtherAidp => self.faint,
            DatagramKind::NotAidp => self.pink,
        }
    }
}

/// The family of names, headings and buttons that matter.
pub(super) fn strong_family() -> FontFamily {
    FontFamily::Name("strong".into())
}

/// A heavier font of this size.
pub(super) fn strong(size: f32) -> FontId {
    FontId::new(size, strong_family())
}

/// The text of the window: 13 points.
pub(super) const TEXT_SIZE: f32 = 13.0;

/// Labels of counters and explanations.
pub(super) const SMALL_SIZE: f32 = 12.0;

/// Addresses, MACs, serials: a little smaller, since every digit is as wide as an m.
pub(super) const MONO_SIZE: f32 = 12.5;

/// How high a row of the grid is.
pub(super) const ROW_HEIGHT: f32 = 28.0;

/// The corners of chips, buttons and boxes.
pub(super) const RADIUS: u8 = 6;

/// Brings fonts and both themes into a context.
pub(super) fn install(ctx: &Context) {
    super::fonts::install(ctx);
    for theme in [Theme::Dark, Theme::Light] {
        ctx.style_mut_of(theme, |style| apply(style, of(theme)));
    }
    ctx.options_mut(|options| options.zoom_with_keyboard = false);
}

/// Follows the person's choice.
pub(super) fn choose(ctx: &Context, choice: ThemeChoice) {
    ctx.set_theme(match choice {
        ThemeChoice::System => egui::ThemePreference::System,
        ThemeChoice::Light => egui::ThemePreference::Light,
        ThemeChoice::Dark => egui::ThemePreference::Dark,
    });
}

fn apply(style: &mut egui::Style, palette: &Palette) {
    style.text_styles = [
        (
            TextStyle::Small,
            FontId::new(SMALL_SIZE, FontFamily::Proportional),
        ),
        (
            TextStyle::Body,
            FontId::new(TEXT_SIZE, FontFamily::Proportional),
        ),
        (
            TextStyle::Button,
            FontId::new(TEXT_SIZE, FontFamily::Proportional),
        ),
        (TextStyle::Heading, strong(16.0)),
        (
            TextStyle::Monospace,
            FontId::new(MONO_SIZE, FontFamily::Monospace),
        ),
    ]
    .into();
    // Calm and cheap: nothing fades, so nothing asks for frames.
    style.animation_time = 0.0;
    style.scroll_animation = egui::style::ScrollAnimation::none();
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.5;
    style.explanation_tooltips = false;

    let spacing = &mut style.spacing;
    spacing.item_spacing = egui::vec2(8.0, 6.0);
    spacing.button_padding = egui::vec2(12.0, 5.0);
    spacing.interact_size = egui::vec2(36.0, 28.0);
    spacing.menu_margin = Margin::same(8);
    spacing.window_margin = Margin::same(16);
    spacing.tooltip_width = 420.0;
    spacing.scroll = egui::style::ScrollStyle::thin();
    spacing.icon_width = 16.0;
    spacing.icon_width_inner = 9.0;

    let visuals = &mut style.visuals;
    visuals.panel_fill = palette.panel;
    visuals.window_fill = palette.panel;
    visuals.window_stroke = Stroke::new(1.0, palette.line);
    visuals.window_corner_radius = CornerRadius::same(10);
    visuals.menu_corner_radius = CornerRadius::same(8);
    visuals.popup_shadow = egui::Shadow {
        offset: [0, 6],
        blur: 20,
        spread: 0,
        color: palette.shadow,
    };
    visuals.window_shadow = visuals.popup_shadow;
    visuals.extreme_bg_color = palette.panel;
    visuals.text_edit_bg_color = Some(palette.panel);
    visuals.faint_bg_color = palette.row_hovered;
    visuals.code_bg_color = palette.raised;
    visuals.hyperlink_color = palette.accent;
    visuals.warn_fg_color = palette.amber;
    visuals.error_fg_color = palette.red;
    visuals.weak_text_color = Some(palette.dim);
    visuals.selection.bg_fill = palette.selected;
    visuals.selection.stroke = Stroke::new(1.0, palette.accent);
    // A blinking cursor would keep an idle window awake.
    visuals.text_cursor.blink = false;
    visuals.text_cursor.stroke = Stroke::new(1.5, palette.accent);
    visuals.striped = false;
    visuals.button_frame = true;
    visuals.disabled_alpha = 0.55;

    let radius = CornerRadius::same(RADIUS);
    let widgets = &mut visuals.widgets;
    for widget in [
        &mut widgets.noninteractive,
        &mut widgets.inactive,
        &mut widgets.hovered,
        &mut widgets.active,
        &mut widgets.open,
    ] {
        widget.corner_radius = radius;
        widget.expansion = 0.0;
        widget.bg_stroke = Stroke::new(1.0, palette.line);
        widget.fg_stroke = Stroke::new(1.0, palette.text);
        widget.bg_fill = palette.raised;
        widget.weak_bg_fill = palette.raised;
    }
    widgets.noninteractive.bg_fill = palette.panel;
    widgets.hovered.bg_fill = palette.hovered;
    widgets.hovered.weak_bg_fill = palette.hovered;
    widgets.active.bg_fill = palette.hovered;
    widgets.active.weak_bg_fill = palette.hovered;
    widgets.active.bg_stroke = Stroke::new(1.0, palette.accent);
    widgets.open.weak_bg_fill = palette.hovered;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance as WCAG 2 defines it.
    fn luminance(color: Color32) -> f64 {
        let channel = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(color.r()) + 0.7152 * channel(color.g()) + 0.0722 * channel(color.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_text_has_a_contrast_of_at_least_4_5() {
        for (name, palette) in [("dark", &DARK), ("light", &LIGHT)] {
            let texts = [
                ("text", palette.text),
                ("dim", palette.dim),
                ("faint", palette.faint),
                ("accent", palette.accent),
                ("green", palette.green),
                ("blue", palette.blue),
                ("amber", palette.amber),
                ("red", palette.red),
                ("purple", palette.purple),
                ("teal", palette.teal),
                ("pink", palette.pink),
            ];
            let grounds = [
                ("ground", palette.ground),
                ("panel", palette.panel),
                ("raised", palette.raised),
                ("selected", palette.selected),
                ("row hovered", palette.row_hovered),
                ("tinted", palette.tinted),
            ];
            for (text_name, text) in texts {
                for (ground_name, ground) in grounds {
                    // The accent is used for words on calm grounds only.
                    if text_name == "accent" && ground_name == "selected" {
                        continue;
                    }
                    let contrast = contrast(text, ground);
                    assert!(
                        contrast >= 4.5,
                        "{name}: {text_name} on {ground_name} has only {contrast:.2}:1"
                    );
                }
            }
            for ground in [palette.primary, palette.primary_hovered] {
                let contrast = contrast(palette.on_primary, ground);
                assert!(contrast >= 4.5, "{name}: primary button {contrast:.2}:1");
            }
        }
    }
}
