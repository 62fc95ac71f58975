//! The page of a study: what the datagrams of one unit say about the open questions of the protocol.

use egui::{CollapsingHeader, Label, RichText, ScrollArea, Ui};

use super::super::panels::{HexView, Naming, hex_ui};
use super::super::theme::{self, Palette, palette};
use super::super::view_state::StudyState;
use super::super::widgets::{self, PageScroll};
use super::super::{App, LearnCommand, UiCommand, format};
use super::watch::chip_ui;
use crate::study::{Judgment, MessageSeen, StudiedDatagram, Study, Verdict};
use crate::wire::RowWidth;

/// How wide the text of the page is at most.
const MAX_WIDTH: f32 = 860.0;

/// How many message types show their bytes at first.
const OPEN_AT_FIRST: usize = 3;

/// How many datagrams that cannot be decoded are shown.
const UNDECODED_SHOWN: usize = 10;

impl App {
    /// Draws the page.
    pub(in crate::app) fn study_ui(&mut self, ui: &mut Ui) {
        super::settings::page(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.label(RichText::new(self.study_title()).heading());
                ui.add_space(10.0);
                for command in [LearnCommand::SaveStudy, LearnCommand::CloseStudy] {
                    let command = UiCommand::Learn(command);
                    self.command_button_ui(ui, command, command.text());
                }
            });
            let Some(mut state) = self.study.take() else {
                widgets::explain(
                    ui,
                    "No unit was studied: select one and choose \"Study this unit…\"",
                );
                return;
            };
            let mut area = ScrollArea::vertical()
                .id_salt("study")
                .auto_shrink([false, false]);
            if self.modal.is_none()
                && let Some(offset) = widgets::page_keys(ui, state.scroll)
            {
                area = area.vertical_scroll_offset(offset);
            }
            let output = area.show(ui, |ui| {
                ui.set_max_width(MAX_WIDTH.min(ui.available_width()));
                self.study_page_ui(ui, &mut state);
            });
            state.scroll = PageScroll::of(&output);
            self.study = Some(state);
        });
    }

    fn study_title(&self) -> String {
        let unit = self.study.as_ref().map(|state| &state.study.unit);
        let name = unit.and_then(|unit| {
            let mac = unit.mac.map(|mac| mac.to_string());
            let ip = unit.ip.map(|ip| ip.to_string());
            let name = Some(unit.name.clone()).filter(|name| !name.is_empty());
            name.or(mac).or(ip)
        });
        name.map_or_else(
            || "Study".to_owned(),
            |name| format!("Study of {}", format::show_text(&name)),
        )
    }

    fn study_page_ui(&self, ui: &mut Ui, state: &mut StudyState) {
        let study = std::sync::Arc::clone(&state.study);
        let palette = palette(ui.ctx());
        ui.label(RichText::new(self.extent_words(&study)).color(palette.dim));
        widgets::explain(
            ui,
            "A confirmation is worth as much as the unit: a simulated one confirms what its author assumed",
        );
        widgets::section(ui, "Open questions of the protocol");
        verdicts_ui(ui, state);
        for judgment in &state.judgments {
            if state
                .verdict
                .is_none_or(|verdict| verdict == judgment.verdict)
            {
                judgment_ui(ui, judgment);
            }
        }
        widgets::section(ui, "Messages");
        if state.summary.messages.is_empty() {
            ui.label(RichText::new("No message of the protocol").color(palette.dim));
        }
        for (idx, message) in state.summary.messages.iter().enumerate() {
            self.message_ui(ui, &study, message, idx < OPEN_AT_FIRST);
        }
        if state.summary.num_undecoded == 0 {
            return;
        }
        let title = format::counted(
            state.summary.num_undecoded as u64,
            "datagram could not be decoded",
            "datagrams could not be decoded",
        );
        widgets::section(ui, &title);
        for undecoded in state.summary.undecoded.iter().take(UNDECODED_SHOWN) {
            let Some(datagram) = study.datagrams.get(undecoded.idx) else {
                continue;
            };
            let when = format::exact(datagram.when, &self.zone);
            let title = format!("{when}: {}", undecoded.rejection);
            CollapsingHeader::new(title)
                .id_salt(("undecoded", undecoded.idx))
                .show(ui, |ui| bytes_ui(ui, datagram, Naming::IfAidp));
        }
    }

    /// How much was looked at, and of when.
    fn extent_words(&self, study: &Study) -> String {
        let count = format::counted(study.datagrams.len() as u64, "datagram", "datagrams");
        let (Some(first), Some(last)) = (study.datagrams.first(), study.datagrams.last()) else {
            return "No datagram of this unit is kept: search, or wait until it says something"
                .to_owned();
        };
        let mut words = format!(
            "{count}, {} to {}",
            format::exact(first.when, &self.zone),
            format::exact(last.when, &self.zone)
        );
        if !study.unit.product.is_empty() {
            words = format!("{}, {words}", format::show_text(&study.unit.product));
        }
        words
    }

    /// A message type: how often, and one of them with its bytes.
    fn message_ui(&self, ui: &mut Ui, study: &Study, message: &MessageSeen, is_open: bool) {
        let count = format::counted(message.num as u64, "time", "times");
        let length = if message.min_len == message.max_len {
            format::bytes(message.max_len as u64)
        } else {
            format!("{} to {} bytes", message.min_len, message.max_len)
        };
        let mut title = format!(
            "{}, {}: {count}, {length}",
            format::sentence(&message.kind.to_string()),
            message.direction.word()
        );
        if message.num_unasked > 0 {
            let unasked = format::count(message.num_unasked as u64);
            title = format!("{title}, {unasked} unasked");
        }
        CollapsingHeader::new(title)
            .id_salt((message.kind.to_string(), message.direction.word()))
            .default_open(is_open)
            .show(ui, |ui| {
                let palette = palette(ui.ctx());
                for (remark, num) in &message.remarks {
                    let text = format!("odd, {num} of them: {remark}");
                    ui.label(RichText::new(text).color(palette.amber));
                }
                if let Some(datagram) = study.datagrams.get(message.example) {
                    let when = format::exact(datagram.when, &self.zone);
                    let text = format!("One of them, {when}, from {}", datagram.from);
                    ui.label(RichText::new(text).color(palette.dim));
                    bytes_ui(ui, datagram, Naming::Aidp);
                }
            });
    }
}

fn bytes_ui(ui: &mut Ui, datagram: &StudiedDatagram, naming: Naming) {
    ui.scope(|ui| {
        ui.set_max_width(560.0);
        let view = HexView {
            bytes: &datagram.bytes,
            full_len: datagram.bytes.len(),
            width: RowWidth::Sixteen,
            naming,
        };
        hex_ui(ui, &view);
    });
}

const fn look(verdict: Verdict, palette: &Palette) -> (&'static str, &'static str, egui::Color32) {
    match verdict {
        Verdict::Confirmed => ("✓", "Confirmed", palette.green),
        Verdict::Contradicted => ("✕", "Contradicted", palette.red),
        Verdict::Open => ("○", "Open", palette.dim),
    }
}

/// The verdicts with their counts, one of them chosen or none.
fn verdicts_ui(ui: &mut Ui, state: &mut StudyState) {
    let palette = palette(ui.ctx());
    ui.horizontal_wrapped(|ui| {
        let all = state.judgments.len();
        if chip_ui(ui, "All", all, state.verdict.is_none()).clicked() {
            state.verdict = None;
        }
        for verdict in [Verdict::Confirmed, Verdict::Contradicted, Verdict::Open] {
            let judgments = state.judgments.iter();
            let count = judgments.filter(|it| it.verdict == verdict).count();
            let (_, word, _) = look(verdict, palette);
            let is_chosen = state.verdict == Some(verdict);
            if chip_ui(ui, word, count, is_chosen).clicked() {
                state.verdict = Some(verdict).filter(|_| !is_chosen);
            }
        }
    });
}

/// A statement with its verdict and why.
fn judgment_ui(ui: &mut Ui, judgment: &Judgment) {
    let palette = palette(ui.ctx());
    let (glyph, word, color) = look(judgment.verdict, palette);
    let statement = judgment.statement;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        let verdict = format!("{glyph} {word}");
        ui.allocate_ui(egui::vec2(110.0, 18.0), |ui| {
            ui.set_min_width(110.0);
            ui.label(RichText::new(verdict).color(color));
        });
        ui.allocate_ui(egui::vec2(34.0, 18.0), |ui| {
            ui.set_min_width(34.0);
            ui.label(RichText::new(statement.number).font(theme::strong(theme::TEXT_SIZE)))
                .on_hover_text(statement.id);
        });
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            ui.add(Label::new(statement.text).wrap());
            let because = format::sentence(&format::show_text(&judgment.because));
            let mut because = format!("{because} ({})", statement.standing.word());
            if judgment.verdict == Verdict::Open {
                because = format!("{because}. To settle it: {}", statement.settled_by);
            }
            ui.add(Label::new(RichText::new(because).color(palette.dim)).wrap());
        });
    });
}
