//! How the units of a replay differ from those of the site that was open before.

use egui::{Key, Memory, Modifiers, RichText, Ui, vec2};

use super::super::dispatch::{difference_cells, kind_words};
use super::super::list::ListKeys;
use super::super::theme::{self, palette};
use super::super::view_state::ComparisonForm;
use super::super::views::{ListCell, ListRow, ListTable, chip_ui, list_ui};
use super::super::widgets;
use super::super::{App, ReplayCommand, UiCommand, format};
use super::{Next, page_height};
use crate::model::identity::ApplianceId;
use crate::model::watching::{Comparison, DifferenceKind};

/// How high the row of titles is.
const HEADER_HEIGHT: f32 = 26.0;

impl App {
    /// Draws the comparison.
    pub(super) fn comparison_ui(&mut self, ui: &mut Ui, form: &mut ComparisonForm) -> Next {
        let replay = self.snapshot.watching.replay.clone();
        let Some((at, compared)) =
            replay.and_then(|replay| Some((replay.at, replay.compared.clone()?)))
        else {
            return Next::Close;
        };
        let palette = palette(ui.ctx());
        ui.label(format!(
            "{} the same in the replay at {} and in {}",
            format::counted(compared.num_same as u64, "unit is", "units are"),
            format::time_of_day(at, &self.zone),
            format::show_text(&compared.site)
        ));
        kinds_ui(ui, form, &compared);
        let places: Vec<usize> = (0..compared.lines.len())
            .filter(|idx| {
                form.kind
                    .is_none_or(|kind| compared.lines[*idx].kind == kind)
            })
            .collect();
        let row_ids = |row_idx: usize| {
            let line = places.get(row_idx).map(|idx| &compared.lines[*idx]);
            line.and_then(|line| line.id)
        };
        let mut shown_id = None;
        if places.is_empty() {
            let text = "No unit differs in this way";
            ui.label(RichText::new(text).color(palette.dim));
        } else {
            let rows = places.len() as f32 * theme::ROW_HEIGHT + HEADER_HEIGHT + 4.0;
            let height = rows.min(page_height(ui) - 50.0).max(90.0);
            ui.allocate_ui(vec2(ui.available_width(), height), |ui| {
                let clicked = self.differences_ui(ui, form, &compared, &places);
                shown_id = clicked.and_then(row_ids);
            });
        }
        if compared.num_left_out > 0 {
            let more = format::units(compared.num_left_out as u64);
            ui.label(RichText::new(format!("and {more} more")).color(palette.dim));
        }
        let mut next = Next::Stay;
        widgets::foot(ui, |ui| {
            if widgets::primary_button(ui, "Close", None).clicked() {
                next = Next::Close;
            }
            let copy = UiCommand::Replay(ReplayCommand::CopyComparison);
            self.command_button_ui(ui, copy, "Copy");
            let hint = "Click a line, or press Enter, to see the unit in the grid";
            ui.label(RichText::new(hint).color(palette.dim));
        });
        if let Some(id) = shown_id
            && self.show_unit(id)
        {
            return Next::Close;
        }
        next
    }

    /// The rows, by pointer and by keys; the row whose unit is to be shown.
    fn differences_ui(
        &self,
        ui: &mut Ui,
        form: &mut ComparisonForm,
        compared: &Comparison,
        places: &[usize],
    ) -> Option<usize> {
        let keys = ListKeys {
            id: egui::Id::unique("list of differences"),
            name: "Differences",
            num_rows: places.len(),
            marked: form.chosen,
            is_main: true,
        };
        if let Some(row_idx) = self.list_keys(ui, &keys) {
            form.chosen = Some(row_idx);
            form.scroll_to = Some(row_idx);
        }
        let has_focus = ui.memory(Memory::focused) == Some(keys.id);
        let is_entered =
            has_focus && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Enter));
        let table = ListTable {
            salt: "differences",
            columns: &[
                ("How", Some(124.0)),
                ("MAC", Some(136.0)),
                ("Address", Some(112.0)),
                ("Name", Some(140.0)),
                ("What differs", None),
            ],
            num_rows: places.len(),
            scroll_to: form.scroll_to.take(),
        };
        let chosen = form.chosen;
        let clicked = list_ui(ui, &table, |row_idx| {
            let line = &compared.lines[places[row_idx]];
            let [kind, mac, ip, name, what] = difference_cells(line);
            let who = [&name, &mac, &ip].into_iter().find(|text| !text.is_empty());
            let read = format!("{kind}: {} {what}", who.map_or("", |who| who));
            ListRow {
                cells: vec![
                    ListCell::words(kind),
                    ListCell::mono(mac),
                    ListCell::mono(ip),
                    ListCell::words(name),
                    ListCell::words(what),
                ],
                is_chosen: chosen == Some(row_idx),
                name: read.trim().to_owned(),
            }
        });
        if clicked.is_some() {
            form.chosen = clicked;
        }
        clicked.or(form.chosen.filter(|_| is_entered))
    }

    /// Selects a unit of the grid and goes there. Says whether there is such a unit.
    fn show_unit(&mut self, id: ApplianceId) -> bool {
        let Some((slot, _)) = self.snapshot.units.find(id) else {
            return false;
        };
        self.select_row((slot, id));
        true
    }
}

/// The kinds of difference with their counts, one of them chosen or none.
fn kinds_ui(ui: &mut Ui, form: &mut ComparisonForm, compared: &Comparison) {
    let count = |kind: DifferenceKind| {
        let lines = compared.lines.iter();
        lines.filter(|line| line.kind == kind).count()
    };
    ui.horizontal_wrapped(|ui| {
        let mut wanted = form.kind;
        let all = compared.lines.len();
        if chip_ui(ui, "All", all, form.kind.is_none()).clicked() {
            wanted = None;
        }
        for kind in [
            DifferenceKind::OnlyInReplay,
            DifferenceKind::OnlyInSite,
            DifferenceKind::Differs,
        ] {
            let is_chosen = form.kind == Some(kind);
            if chip_ui(ui, kind_words(kind), count(kind), is_chosen).clicked() {
                wanted = Some(kind).filter(|_| !is_chosen);
            }
        }
        if wanted != form.kind {
            *form = ComparisonForm {
                kind: wanted,
                ..ComparisonForm::default()
            };
        }
    });
}
