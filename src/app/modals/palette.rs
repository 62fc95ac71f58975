//! Every command by its name: type a few letters, choose with the arrows, Enter.

use egui::os::OperatingSystem;
use egui::{Align2, FontId, Key, Modifiers, ScrollArea, Sense, TextEdit, Ui, pos2, vec2};

use super::super::theme;
use super::super::view_state::PaletteForm;
use super::super::widgets::{self, Named};
use super::super::{App, UiCommand, format};
use super::Next;

/// How high a line is.
const LINE_HEIGHT: f32 = 32.0;

/// How many lines are seen at once.
const LINES_SHOWN: f32 = 11.0;

impl App {
    /// Draws the command palette.
    pub(super) fn palette_ui(&mut self, ui: &mut Ui, form: &mut PaletteForm) -> Next {
        // Before the text field sees them, which would move its cursor.
        let (up, down, enter) = ui.input_mut(|input| {
            (
                input.consume_key(Modifiers::NONE, Key::ArrowUp),
                input.consume_key(Modifiers::NONE, Key::ArrowDown),
                input.consume_key(Modifiers::NONE, Key::Enter),
            )
        });
        let field = TextEdit::singleline(&mut form.text)
            .hint_text("Type a command…")
            .desired_width(f32::INFINITY)
            .margin(egui::Margin::symmetric(10, 8))
            .char_limit(80);
        let response = ui.add(field);
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::SearchInput, true, "Find a command")
        });
        widgets::focus_once(&response, &mut form.focused);
        if response.changed() {
            form.marked = 0;
        }
        let found = find(&form.text, ui.ctx().os());
        let last = found.len().saturating_sub(1);
        if up {
            form.marked = form.marked.saturating_sub(1);
        }
        if down {
            form.marked = (form.marked + 1).min(last);
        }
        form.marked = form.marked.min(last);
        let mut chosen = enter.then(|| found.get(form.marked).copied()).flatten();
        if found.is_empty() {
            widgets::explain(ui, "No command is called that");
        }
        // Given in full: what is available is what the window of the last search, maybe of two lines, left.
        let height = (LINE_HEIGHT * LINES_SHOWN)
            .min(LINE_HEIGHT * found.len() as f32)
            .min(ui.ctx().content_rect().height() - 180.0);
        ScrollArea::vertical()
            .max_height(height)
            .min_scrolled_height(height)
            .auto_shrink([false, true])
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                for (idx, command) in found.iter().enumerate() {
                    let is_marked = idx == form.marked;
                    let response = self.palette_line_ui(ui, *command, is_marked);
                    if is_marked && (up || down) {
                        response.scroll_to_me(None);
                    }
                    if response.clicked() {
                        chosen = Some(*command);
                    }
                }
            });
        let Some(command) = chosen else {
            return Next::Stay;
        };
        if command.why_not(&self.command_state()).is_some() {
            return Next::Stay;
        }
        self.ask(command);
        Next::Close
    }

    /// A command's words, with what undo and redo would do.
    fn palette_text(&self, command: UiCommand) -> String {
        let label = match command {
            UiCommand::Undo => self.snapshot.undo.as_deref(),
            UiCommand::Redo => self.snapshot.redo.as_deref(),
            _ => None,
        };
        match label {
            Some(label) => format!("{} {}", command.text(), format::show_text(label)),
            None => command.text().to_owned(),
        }
    }

    fn palette_line_ui(&self, ui: &mut Ui, command: UiCommand, is_marked: bool) -> egui::Response {
        let palette = theme::palette(ui.ctx());
        let size = vec2(ui.available_width(), LINE_HEIGHT);
        let (rect, response) = ui.allocate_exact_size(size, Sense::CLICK);
        let why_not = command.why_not(&self.command_state());
        if is_marked {
            ui.painter()
                .rect_filled(rect, theme::RADIUS, palette.selected);
        } else if response.hovered() {
            ui.painter()
                .rect_filled(rect, theme::RADIUS, palette.raised);
        }
        let color = if why_not.is_some() {
            palette.faint
        } else {
            palette.text
        };
        let middle = rect.center().y;
        let font = FontId::proportional(theme::TEXT_SIZE);
        let painter = ui.painter();
        painter.text(
            pos2(rect.left() + 18.0, middle),
            Align2::CENTER_CENTER,
            command.glyph(),
            font.clone(),
            palette.dim,
        );
        painter.text(
            pos2(rect.left() + 36.0, middle),
            Align2::LEFT_CENTER,
            self.palette_text(command),
            font.clone(),
            color,
        );
        let right = why_not.map_or_else(
            || {
                command
                    .shortcut(ui.ctx().os())
                    .map(|shortcut| ui.ctx().format_shortcut(&shortcut))
                    .unwrap_or_default()
            },
            str::to_owned,
        );
        painter.text(
            pos2(rect.right() - 10.0, middle),
            Align2::RIGHT_CENTER,
            right,
            FontId::proportional(theme::SMALL_SIZE),
            palette.dim,
        );
        let name = match why_not {
            Some(why) => format!("{}: {why}", command.text()),
            None => command.text().to_owned(),
        };
        response
            .named(&name)
            .on_hover_text(why_not.unwrap_or(command.tooltip()))
    }
}

/// The commands whose words have these letters in this order, the closest first.
fn find(text: &str, os: OperatingSystem) -> Vec<UiCommand> {
    let wanted = text.trim().to_lowercase();
    let mut found: Vec<(usize, usize, UiCommand)> = UiCommand::ALL
        .into_iter()
        .chain([UiCommand::Quit])
        .filter(|command| *command != UiCommand::Palette && command.is_for(os))
        .enumerate()
        .filter_map(|(idx, command)| {
            let score = score(&command.text().to_lowercase(), &wanted)?;
            Some((score, idx, command))
        })
        .collect();
    found.sort_by_key(|(score, idx, _)| (*score, *idx));
    found.into_iter().map(|(_, _, command)| command).collect()
}

/// How far apart the wanted letters are in the text; lower is closer. `None` when one is missing.
fn score(text: &str, wanted: &str) -> Option<usize> {
    if let Some(at) = text.find(wanted) {
        // The words themselves, and best at the beginning.
        return Some(at.min(1));
    }
    let mut gaps = 10;
    let mut rest = text.chars();
    for letter in wanted.chars().filter(|letter| !letter.is_whitespace()) {
        gaps += rest.by_ref().position(|other| other == letter)?;
    }
    Some(gaps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str) -> Vec<UiCommand> {
        super::find(text, OperatingSystem::Windows)
    }

    #[test]
    fn what_only_windows_needs_is_found_only_there() {
        assert!(find("firewall").contains(&UiCommand::AllowFirewall));
        assert!(super::find("firewall", OperatingSystem::Nix).is_empty());
    }

    #[test]
    fn a_few_letters_find_a_command() {
        assert_eq!(find("export").first(), Some(&UiCommand::Export));
        assert_eq!(find("srchn").first(), Some(&UiCommand::SearchNow));
        assert!(find("zzzz").is_empty());
        assert_eq!(
            find("").len(),
            UiCommand::ALL.len(),
            "Quit, and not the palette itself"
        );
    }
}
