//! The top bar: which site, which networks, and the three buttons that matter.

use egui::{Align, Button, Layout, Popup, PopupCloseBehavior, RichText, Sense, Stroke, Ui, vec2};

use super::super::command::IN_REPLAY;
use super::super::theme::{self, palette};
use super::super::view_state::PathUse;
use super::super::widgets::{self, Named};
use super::super::{App, ReplayCommand, UiCommand, format};
use super::interface::{chip_text, listening_color};
use crate::engine::command::Command;
use crate::model::network::{InterfaceState, Listening};

/// How wide the logo's part is: the rail's width without the bar's margin.
const LOGO_WIDTH: f32 = 182.0;

/// How high chips and buttons are.
const CHIP_HEIGHT: f32 = 28.0;

/// How wide the search button is, with and without a pass: what stands beside it must not move.
const SEARCH_WIDTH: f32 = 126.0;

/// With less room than this (a small window zoomed in), names are shorter and the logo has only its own width.
const NARROW: f32 = 900.0;

/// With less room than this (the smallest window zoomed to 200 %), import and export are in the site's menu.
pub(in crate::app) const TINY: f32 = 620.0;

/// The chip behind which the others are.
const MORE_WIDTH: f32 = 52.0;

impl App {
    /// Draws the top bar.
    pub(in crate::app) fn top_bar_ui(&mut self, ui: &mut Ui) {
        let rect = ui.max_rect();
        let right_width = self.top_bar_right_width;
        let mut left = rect;
        left.max.x -= right_width + 12.0;
        let builder = egui::UiBuilder::new()
            .max_rect(left)
            .layout(Layout::left_to_right(Align::Center));
        ui.scope_builder(builder, |ui| {
            ui.set_clip_rect(left.expand(4.0).intersect(ui.clip_rect()));
            ui.spacing_mut().item_spacing.x = 12.0;
            Self::logo_ui(ui, rect.width());
            self.site_ui(ui, left.right(), rect.width());
            if self.snapshot.watching.replay.is_some() {
                ui.disable();
            }
            self.chips_ui(ui, left.right());
        });
        let mut right = rect;
        right.min.x = left.max.x;
        let builder = egui::UiBuilder::new()
            .max_rect(right)
            .layout(Layout::right_to_left(Align::Center));
        let used = ui.scope_builder(builder, |ui| {
            ui.spacing_mut().item_spacing.x = 12.0;
            self.search_button_ui(ui);
            if rect.width() >= TINY {
                self.top_button_ui(ui, UiCommand::Export);
                self.top_button_ui(ui, UiCommand::Import);
            }
            ui.min_rect().width()
        });
        let used_width = used.inner;
        if (used_width - right_width).abs() > 0.5 {
            self.top_bar_right_width = used_width;
            ui.ctx().request_discard("the room for chips changed");
        }
    }

    fn logo_ui(ui: &mut Ui, room: f32) {
        let palette = palette(ui.ctx());
        let width = if room < TINY {
            14.0
        } else if room < NARROW {
            LOGO_WIDTH / 2.0
        } else {
            LOGO_WIDTH - 12.0
        };
        let (rect, response) = ui.allocate_exact_size(vec2(width, 30.0), Sense::hover());
        let center = egui::pos2(rect.left() + 6.0, rect.center().y);
        let stroke = Stroke::new(1.3, palette.text);
        ui.painter().circle_stroke(center, 5.2, stroke);
        ui.painter().circle_filled(center, 3.0, palette.text);
        if room >= TINY {
            ui.painter().text(
                egui::pos2(rect.left() + 17.0, rect.center().y),
                egui::Align2::LEFT_CENTER,
                "Rollcall",
                theme::strong(15.0),
                palette.text,
            );
        }
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, "Rollcall"));
    }

    /// The site's name with its menu, and its marks.
    fn site_ui(&mut self, ui: &mut Ui, right: f32, room: f32) {
        let palette = palette(ui.ctx());
        let site = self.snapshot.site.clone();
        let is_replay = self.snapshot.watching.replay.is_some();
        let name = if site.demo {
            "Demo fleet".to_owned()
        } else if site.name.is_empty() {
            "Untitled site".to_owned()
        } else {
            format::show_text(&site.name).into_owned()
        };
        let max_chars = if room < NARROW { 14 } else { 28 };
        let color = if site.demo || is_replay {
            palette.amber
        } else {
            palette.text
        };
        let label = RichText::new(cut(&name, max_chars))
            .font(theme::strong(theme::TEXT_SIZE))
            .color(color);
        let button = Button::new(label)
            .right_text(RichText::new("▾").color(palette.dim))
            .gap(8.0)
            .min_size(vec2(0.0, CHIP_HEIGHT));
        let hover = if is_replay {
            "A capture that is replayed; the site that was open comes back when it is closed"
        } else if site.demo {
            "Simulated units in a throw-away site, on ports of their own"
        } else {
            "New site, open another, save as"
        };
        let response = widgets::focus_ring(ui.add(button))
            .named(&format!("Site: {name}"))
            .on_hover_text(hover);
        Popup::menu(&response).width(240.0).show(|ui| {
            if room < TINY {
                self.command_item_ui(ui, UiCommand::Import);
                self.command_item_ui(ui, UiCommand::Export);
                ui.separator();
            }
            for command in [
                UiCommand::NewSite,
                UiCommand::OpenSite,
                UiCommand::SaveSiteAs,
                UiCommand::Replay(ReplayCommand::Open),
            ] {
                self.command_item_ui(ui, command);
            }
            let recent = self.settings.recent_sites.clone();
            let others: Vec<_> = recent
                .iter()
                .filter(|path| Some(*path) != site.path.as_ref())
                .collect();
            if !others.is_empty() {
                ui.separator();
                widgets::explain(ui, "Recent sites");
            }
            for path in others {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                let text = format::show_text(&stem).into_owned();
                let item = ui.button(text).on_hover_text(path.to_string_lossy());
                if item.clicked() {
                    self.use_path(PathUse::OpenSite, path.clone());
                    ui.close();
                }
            }
            ui.separator();
            let demo = if site.demo {
                UiCommand::EndDemo
            } else {
                UiCommand::StartDemo
            };
            self.command_item_ui(ui, demo);
            if is_replay {
                self.command_item_ui(ui, UiCommand::Replay(ReplayCommand::Close));
            }
        });
        if site.demo {
            // Without room for it, the site's menu has the same.
            let width = text_width(ui, UiCommand::EndDemo.text()) + 24.0;
            let has_room = right - ui.cursor().left() > width + 12.0 + MORE_WIDTH;
            if has_room && widgets::quiet_button(ui, UiCommand::EndDemo.text()).clicked() {
                self.ask(UiCommand::EndDemo);
            }
        }
        if is_replay {
            let words = if room < NARROW {
                "Replay"
            } else {
                "Replay: nothing is listened to"
            };
            ui.label(RichText::new(words).color(palette.amber))
                .on_hover_text(IN_REPLAY);
        } else if let Some(why) = &site.read_only {
            ui.label(RichText::new("Read-only").color(palette.amber))
                .on_hover_text(why);
        }
    }

    /// One chip for each interface; those without room are behind a last one.
    fn chips_ui(&mut self, ui: &mut Ui, right: f32) {
        let interfaces = std::sync::Arc::clone(&self.snapshot.interfaces);
        let mut order: Vec<&InterfaceState> = interfaces.iter().collect();
        // Those that matter first: troubled and listening ones before those that are off.
        order.sort_by_key(|interface| matches!(interface.listening, Listening::Off(_)));
        let num_listening = interfaces
            .iter()
            .filter(|interface| interface.listening == Listening::On)
            .count();
        let is_replay = self.snapshot.watching.replay.is_some();
        let summary = if is_replay {
            // Said beside the site's name.
            String::new()
        } else if num_listening == 0 {
            "Listening on no network".to_owned()
        } else {
            let networks = format::counted(num_listening as u64, "network", "networks");
            format!("Listening on {networks}")
        };
        let mut hidden: Vec<&InterfaceState> = Vec::new();
        for (idx, interface) in order.iter().enumerate() {
            let is_last = idx + 1 == order.len();
            let more = if is_last { 0.0 } else { MORE_WIDTH };
            let room = right - ui.cursor().left() - more;
            if !hidden.is_empty() || chip_width(ui, interface) > room {
                hidden.push(interface);
                continue;
            }
            self.chip_ui(ui, interface);
        }
        if !hidden.is_empty() {
            let text = format!("+{}", hidden.len());
            let button = Button::new(&*text).min_size(vec2(0.0, CHIP_HEIGHT));
            let response = widgets::focus_ring(ui.add(button))
                .named(&format!("{} more networks", hidden.len()));
            Popup::menu(&response)
                .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
                .width(400.0)
                .show(|ui| {
                    egui::ScrollArea::vertical()
                        .max_height(460.0)
                        .min_scrolled_height(460.0)
                        .show(ui, |ui| {
                            for (idx, interface) in hidden.into_iter().enumerate() {
                                if idx > 0 {
                                    ui.separator();
                                }
                                ui.push_id(&*interface.name, |ui| self.folded_ui(ui, interface));
                            }
                        });
                });
        }
        let palette = palette(ui.ctx());
        let width = text_width(ui, &summary);
        if right - ui.cursor().left() > width {
            ui.label(RichText::new(summary).color(palette.dim));
        }
    }

    /// An interface without room for a chip: its switch, and the rest folded away.
    fn folded_ui(&mut self, ui: &mut Ui, interface: &InterfaceState) {
        let palette = palette(ui.ctx());
        let (_, state) = chip_text(interface);
        ui.horizontal(|ui| {
            widgets::dot(ui, listening_color(palette, interface));
            self.interface_switch_ui(ui, interface);
            ui.label(RichText::new(state).color(palette.dim));
        });
        let title = format!("More of {}", format::show_text(interface.shown_name()));
        ui.collapsing(title, |ui| self.interface_popup_ui(ui, interface));
    }

    fn chip_ui(&mut self, ui: &mut Ui, interface: &InterfaceState) {
        let palette = palette(ui.ctx());
        let (name, state) = chip_text(interface);
        let width = chip_width(ui, interface);
        let (rect, _) = ui.allocate_exact_size(vec2(width, CHIP_HEIGHT), Sense::hover());
        // Known by its name: what is open stays with its interface when the chips change places.
        let id = ui.make_persistent_id(("chip", &*interface.name));
        let response = ui.interact(rect, id, Sense::click());
        let fill = if response.hovered() {
            palette.hovered
        } else {
            palette.raised
        };
        let painter = ui.painter();
        painter.rect_filled(rect, theme::RADIUS, fill);
        painter.rect_stroke(
            rect,
            theme::RADIUS,
            Stroke::new(1.0, palette.line),
            egui::StrokeKind::Inside,
        );
        let middle = rect.center().y;
        let color = listening_color(palette, interface);
        painter.circle_filled(egui::pos2(rect.left() + 13.5, middle), 4.0, color);
        let is_off = matches!(interface.listening, Listening::Off(_));
        let name_color = if is_off { palette.dim } else { palette.text };
        let name_rect = painter.text(
            egui::pos2(rect.left() + 24.0, middle),
            egui::Align2::LEFT_CENTER,
            &name,
            egui::FontId::proportional(theme::TEXT_SIZE),
            name_color,
        );
        let font = if is_off {
            egui::FontId::proportional(theme::TEXT_SIZE)
        } else {
            egui::FontId::monospace(theme::MONO_SIZE)
        };
        painter.text(
            egui::pos2(name_rect.right() + if is_off { 4.0 } else { 8.0 }, middle),
            egui::Align2::LEFT_CENTER,
            &state,
            font,
            palette.dim,
        );
        let label = format!("Network {name}, {state}");
        let response = widgets::focus_ring(response.named(&label));
        let response = response.on_disabled_hover_text(IN_REPLAY);
        Popup::menu(&response)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .width(380.0)
            .show(|ui| self.interface_popup_ui(ui, interface));
    }

    /// Search now; while it is under way, how far it is and a way to stop it. One button in one place, so that
    /// nothing beside it moves.
    fn search_button_ui(&mut self, ui: &mut Ui) {
        let (command, word, beside) = match self.snapshot.search.pass {
            Some(pass) => (UiCommand::StopSearch, "Stop", format!("pass {pass} of 3")),
            None => (
                UiCommand::SearchNow,
                UiCommand::SearchNow.text(),
                UiCommand::SearchNow
                    .shortcut(ui.ctx().os())
                    .map(|shortcut| ui.ctx().format_shortcut(&shortcut))
                    .unwrap_or_default(),
            ),
        };
        let why_not = Some(IN_REPLAY).filter(|_| self.snapshot.watching.replay.is_some());
        let response = ui
            .add_enabled_ui(why_not.is_none(), |ui| {
                widgets::primary_button_of_width(ui, word, Some(&beside), SEARCH_WIDTH)
            })
            .inner
            .on_hover_text(command.tooltip())
            .on_disabled_hover_text(why_not.unwrap_or_default());
        // A double click on "Search now" must not stop what it began.
        if response.clicked() && !response.double_clicked() {
            self.ask(command);
        }
    }

    fn top_button_ui(&mut self, ui: &mut Ui, command: UiCommand) {
        let why_not = command.why_not(&self.command_state());
        let label = RichText::new(command.text()).font(theme::strong(theme::TEXT_SIZE));
        let button = Button::new(label).min_size(vec2(0.0, 30.0));
        let keys = command
            .shortcut(ui.ctx().os())
            .map(|shortcut| ui.ctx().format_shortcut(&shortcut))
            .unwrap_or_default();
        let response = widgets::focus_ring(ui.add_enabled(why_not.is_none(), button))
            .named(command.text())
            .on_hover_text(format!("{} ({keys})", command.tooltip()))
            .on_disabled_hover_text(why_not.unwrap_or_default());
        if response.clicked() {
            self.ask(command);
        }
    }

    /// A native dialog is open: says so and lets the person give it up.
    pub(in crate::app) fn dialog_bar_ui(&mut self, ctx: &egui::Context) {
        let is_closing = self.closing && self.snapshot.job.is_some();
        if !self.dialogs.is_open() && !is_closing {
            return;
        }
        let palette = palette(ctx);
        egui::Area::new(egui::Id::unique("dialog bar"))
            .order(egui::Order::Foreground)
            .anchor(egui::Align2::CENTER_TOP, vec2(0.0, 60.0))
            .show(ctx, |ui| {
                widgets::card(ui)
                    .inner_margin(egui::Margin::symmetric(14, 8))
                    .stroke(Stroke::new(1.0, palette.accent))
                    .shadow(ui.visuals().popup_shadow)
                    .show(ui, |ui| {
                        ui.horizontal(|ui| {
                            if is_closing {
                                ui.label("A file is being written; Rollcall closes after it");
                                if widgets::quiet_button(ui, "Cancel and close").clicked() {
                                    self.send(Command::CancelJob);
                                }
                            } else {
                                ui.label("A file dialog is open…");
                                if widgets::quiet_button(ui, "Cancel").clicked() {
                                    self.dialogs.cancel();
                                }
                            }
                        });
                    });
            });
    }
}

/// No more than this many characters.
fn cut(text: &str, max_chars: usize) -> String {
    if text.chars().count() <= max_chars {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(max_chars - 1).collect();
    cut.push('…');
    cut
}

fn text_width(ui: &Ui, text: &str) -> f32 {
    let font = egui::FontId::proportional(theme::TEXT_SIZE);
    let color = palette(ui.ctx()).text;
    ui.painter()
        .layout_no_wrap(text.to_owned(), font, color)
        .size()
        .x
}

fn chip_width(ui: &Ui, interface: &InterfaceState) -> f32 {
    let (name, state) = chip_text(interface);
    let color = palette(ui.ctx()).text;
    let is_off = matches!(interface.listening, Listening::Off(_));
    let state_width = if is_off {
        text_width(ui, &state) + 4.0
    } else {
        let font = egui::FontId::monospace(theme::MONO_SIZE);
        ui.painter().layout_no_wrap(state, font, color).size().x + 8.0
    };
    24.0 + text_width(ui, &name) + state_width + 10.0
}
