//! What is worth a look: management networks, filters, and the list of findings.

use std::sync::Arc;

use egui::{Id, RichText, Ui};

use super::super::super::format;
use super::super::super::list::ListKeys;
use super::super::super::modals::network_words;
use super::super::super::theme::palette;
use super::super::super::view_state::{FindingStage, Sifted};
use super::super::super::widgets::{self, Named};
use super::super::super::{App, UiCommand, WatchCommand};
use super::finding::{severity_words, state_words};
use super::table::{ListCell, ListRow, ListTable, list_ui};
use super::{FilterBox, chip_ui, halves, nothing_ui};
use crate::model::finding::Finding;

/// So many management networks are named in the line above the list.
const NETWORKS_SHOWN: usize = 4;

/// With less room than this, networks and counts are only in what is chosen.
const NARROW: f32 = 600.0;

/// Under this width a list has no columns for network and count.
const MIDDLE: f32 = 780.0;

fn list_id() -> Id {
    Id::unique("list of findings")
}

impl App {
    /// Draws the findings.
    pub(super) fn findings_ui(&mut self, ui: &mut Ui) {
        self.management_line_ui(ui);
        self.finding_filters_ui(ui);
        let findings = Arc::clone(&self.snapshot.watching.findings);
        let places = self.sifted_findings(&findings);
        if places.is_empty() {
            self.no_findings_ui(ui, findings.len());
            return;
        }
        let is_chosen = self.chosen_finding().is_some();
        halves(
            ui,
            self,
            is_chosen,
            |app, ui| app.finding_list_ui(ui, &findings, &places),
            Self::chosen_finding_ui,
        );
    }

    /// On which networks units belong, in one line.
    fn management_line_ui(&mut self, ui: &mut Ui) {
        let palette = palette(ui.ctx());
        let management = Arc::clone(&self.snapshot.watching.management);
        if management.is_empty() {
            ui.label(
                RichText::new(
                    "Say on which networks units belong: one that announces itself or answers anywhere else is then a finding",
                )
                .color(palette.dim),
            );
            ui.horizontal_wrapped(|ui| {
                let fill = UiCommand::Watch(WatchCommand::FillManagement);
                self.command_button_ui(ui, fill, "Fill from the chosen networks");
                let edit = UiCommand::Watch(WatchCommand::EditManagement);
                self.command_button_ui(ui, edit, edit.text());
            });
            return;
        }
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let right = egui::Layout::right_to_left(egui::Align::Center);
            let words: Vec<String> = management
                .iter()
                .take(NETWORKS_SHOWN)
                .map(network_words)
                .collect();
            let more = management.len().saturating_sub(NETWORKS_SHOWN);
            let mut text = format!("Management networks: {}", words.join(", "));
            if more > 0 {
                text = format!("{text} and {} more", format::count(more as u64));
            }
            ui.with_layout(right, |ui| {
                let edit = UiCommand::Watch(WatchCommand::EditManagement);
                let why_not = edit.why_not(&self.command_state());
                let button = ui
                    .add_enabled_ui(why_not.is_none(), |ui| widgets::link_button(ui, "Edit…"))
                    .inner
                    .named(edit.text())
                    .on_hover_text(edit.tooltip())
                    .on_disabled_hover_text(why_not.unwrap_or_default());
                if button.clicked() {
                    self.ask(edit);
                }
                let left = egui::Layout::left_to_right(egui::Align::Center);
                ui.with_layout(left, |ui| {
                    let text = RichText::new(format::show_text(&text)).color(palette.dim);
                    ui.add(egui::Label::new(text).truncate());
                });
            });
        });
    }

    /// Chips of the states, and the filter box.
    fn finding_filters_ui(&mut self, ui: &mut Ui) {
        let findings = Arc::clone(&self.snapshot.watching.findings);
        ui.horizontal(|ui| {
            for stage in FindingStage::ALL {
                let has = |finding: &&Arc<Finding>| stage.has(&finding.state);
                let count = findings.iter().filter(has).count();
                let is_chosen = self.watch.stage == stage;
                if chip_ui(ui, stage.word(), count, is_chosen).clicked() {
                    // A second click shows everything again, as at the counters of the grid.
                    self.watch.stage = if is_chosen { FindingStage::All } else { stage };
                }
            }
            let mut text = std::mem::take(&mut self.watch.finding_text);
            let look = FilterBox {
                id: Id::unique("filter of findings"),
                name: "Filter the findings",
                hint: "Filter by kind, address, MAC, network…",
                tooltip: "Words anywhere in a finding, !word for those without it",
            };
            self.watch_filter_ui(ui, &look, &mut text);
            self.watch.finding_text = text;
        });
    }

    /// The places of the findings that pass state and filter.
    fn sifted_findings(&mut self, findings: &Arc<Vec<Arc<Finding>>>) -> Arc<Vec<u32>> {
        let (text, stage) = (self.watch.finding_text.trim(), self.watch.stage);
        if let Some(sifted) = &self.watch.sifted_findings
            && Arc::ptr_eq(&sifted.list, findings)
            && sifted.text == text
            && sifted.stage == stage
        {
            return Arc::clone(&sifted.places);
        }
        let words = text.to_lowercase();
        let places: Arc<Vec<u32>> = Arc::new(
            findings
                .iter()
                .enumerate()
                .filter(|(_, finding)| stage.has(&finding.state) && is_found(finding, &words))
                .map(|(idx, _)| idx as u32)
                .collect(),
        );
        self.watch.sifted_findings = Some(Sifted {
            list: Arc::clone(findings),
            text: text.to_owned(),
            stage,
            places: Arc::clone(&places),
        });
        places
    }

    fn no_findings_ui(&mut self, ui: &mut Ui, num_findings: usize) {
        if num_findings > 0 {
            let text = format!(
                "{}, none of them passes the filter",
                format::counted(num_findings as u64, "finding", "findings")
            );
            nothing_ui(ui, "No finding matches", &text);
            ui.add_space(4.0);
            self.command_button_ui(ui, UiCommand::ClearFilter, "Clear filter");
            return;
        }
        nothing_ui(
            ui,
            "Nothing is worth a look so far",
            "Strangers on the discovery ports, requests of other people, units where they do not belong, contradictions and floods are listed here, within seconds",
        );
    }

    fn finding_list_ui(&mut self, ui: &mut Ui, findings: &[Arc<Finding>], places: &[u32]) {
        let at = |row_idx: usize| {
            let place = places.get(row_idx)?;
            findings.get(*place as usize)
        };
        let chosen = self.watch.finding.clone();
        let marked = chosen.as_ref().and_then(|key| {
            (0..places.len()).find(|row_idx| at(*row_idx).is_some_and(|it| it.key == *key))
        });
        let keys = ListKeys {
            id: list_id(),
            name: "Findings",
            num_rows: places.len(),
            marked,
            is_main: true,
        };
        if let Some(row_idx) = self.list_keys(ui, &keys) {
            self.watch.finding = at(row_idx).map(|finding| finding.key.clone());
            self.watch.scroll_to = Some(row_idx);
        }
        if marked.is_some() && self.list_entered(ui, &keys) {
            let accept = UiCommand::Watch(WatchCommand::AcceptFinding);
            if accept.why_not(&self.command_state()).is_none() {
                self.ask(accept);
            }
        }
        let palette = palette(ui.ctx());
        let is_narrow = ui.available_width() < NARROW;
        // Beside a chosen finding what was seen matters more than where and how often, which stand there.
        let is_middle = !is_narrow && ui.available_width() < MIDDLE;
        let columns: &[(&str, Option<f32>)] = if is_narrow {
            &[
                ("Severity", Some(78.0)),
                ("Finding", None),
                ("Last seen", Some(84.0)),
                ("State", Some(88.0)),
            ]
        } else if is_middle {
            &[
                ("Severity", Some(78.0)),
                ("Finding", Some(176.0)),
                ("What was seen", None),
                ("Last seen", Some(82.0)),
                ("State", Some(88.0)),
            ]
        } else {
            &[
                ("Severity", Some(78.0)),
                ("Finding", Some(188.0)),
                ("What was seen", None),
                ("Network", Some(84.0)),
                ("Last seen", Some(82.0)),
                ("Count", Some(52.0)),
                ("State", Some(88.0)),
            ]
        };
        let table = ListTable {
            salt: "findings",
            columns,
            num_rows: places.len(),
            scroll_to: self.watch.scroll_to.take(),
        };
        let (now, chosen) = (self.now, self.watch.finding.as_ref());
        let clicked = list_ui(ui, &table, |row_idx| {
            let Some(finding) = at(row_idx) else {
                return ListRow {
                    cells: Vec::new(),
                    is_chosen: false,
                    name: String::new(),
                };
            };
            let severity = finding.key.kind.severity();
            let (glyph, word) = severity_words(severity);
            let (mark, state) = state_words(&finding.state);
            let title = finding.key.kind.title();
            let state_cell = ListCell::words(format!("{mark} {state}"));
            let interface = finding.interface.as_deref().unwrap_or("—");
            let mut cells = vec![
                ListCell::words(format!("{glyph} {word}")).in_color(palette.severity(severity)),
                ListCell::words(title),
                ListCell::words(&*finding.what),
                ListCell::words(interface),
                ListCell::words(format::age(now, finding.last)),
                ListCell::mono(format::count(finding.count)),
                if finding.is_open() {
                    state_cell
                } else {
                    state_cell.in_color(palette.dim)
                },
            ];
            if is_narrow {
                cells.remove(5);
                cells.drain(2..4);
            } else if is_middle {
                cells.remove(5);
                cells.remove(3);
            }
            ListRow {
                cells,
                is_chosen: chosen == Some(&finding.key),
                name: format!("{word}, {title}, {state}: {}", finding.what),
            }
        });
        if let Some(finding) = clicked.and_then(at) {
            self.watch.finding = Some(finding.key.clone());
            ui.memory_mut(|memory| memory.request_focus(list_id()));
        }
    }
}

/// Whether every word, in lower case, is somewhere in a finding; one with `!` in front must not be.
fn is_found(finding: &Finding, words: &str) -> bool {
    if words.is_empty() {
        return true;
    }
    let kind = finding.key.kind;
    let mut text = format!(
        "{} {} {} {} {}",
        kind.title(),
        kind.word(),
        kind.severity().word(),
        finding.state.word(),
        finding.what
    );
    let more = [
        finding.interface.as_deref().map(str::to_owned),
        finding.sender.map(|ip| ip.to_string()),
        finding.mac.map(|mac| mac.to_string()),
        finding.ip.map(|ip| ip.to_string()),
    ];
    for part in more.into_iter().flatten().chain(finding.details.clone()) {
        text.push(' ');
        text.push_str(&part);
    }
    if let crate::model::finding::FindingState::Accepted { note, .. } = &finding.state {
        text.push(' ');
        text.push_str(note);
    }
    let text = text.to_lowercase();
    words
        .split_whitespace()
        .all(|word| match word.strip_prefix('!') {
            Some("") => true,
            Some(word) => !text.contains(word),
            None => text.contains(word),
        })
}
