//! The page on which a person teaches a decoder: marks bytes of one datagram, says what they are, and sees at once what
//! comes of it in all datagrams like it.

use std::sync::Arc;

use egui::{ComboBox, Id, Label, RichText, ScrollArea, TextEdit, Ui, vec2};

use super::super::dispatch::{as_hex, number};
use super::super::panels::{HexMark, hex_mark_ui};
use super::super::theme::{self, palette};
use super::super::view_state::{RuleText, TeachState, Tried};
use super::super::widgets::{self, Named};
use super::super::{App, LearnCommand, UiCommand, format};
use super::watch::{ListCell, ListRow, ListTable, list_ui};
use crate::taught::{ByteOrder, Extent, Fact, Field, MAX_RULES, Place, ReadAs, Tlv};

/// With more room than this, what tells datagrams apart stands beside the bytes.
const BESIDE_FROM_WIDTH: f32 = 940.0;

/// How many rows of the result are seen without scrolling it.
const ROWS_SEEN: usize = 7;

impl App {
    /// Draws the page.
    pub(in crate::app) fn teach_ui(&mut self, ui: &mut Ui) {
        let strays = Arc::clone(&self.snapshot.strays);
        if let Some(teach) = &mut self.teach {
            teach.try_draft(&strays);
        }
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new("Teach Rollcall to read this").heading());
            ui.add_space(10.0);
            for (command, word) in [
                (LearnCommand::SaveDecoder, "Save"),
                (LearnCommand::CopyDecoder, "Copy as TOML"),
                (LearnCommand::CloseDecoder, "Discard"),
            ] {
                self.command_button_ui(ui, UiCommand::Learn(command), word);
            }
        });
        let Some(mut teach) = self.teach.take() else {
            return;
        };
        // Always one line, so that nothing moves when the last problem is gone.
        let palette = palette(ui.ctx());
        let problems: Vec<String> = teach
            .problems
            .iter()
            .map(|problem| format::sentence(&format::show_text(problem)))
            .collect();
        let text = if problems.is_empty() {
            RichText::new("It can be saved").color(palette.dim)
        } else {
            RichText::new(format!("▲ {}", problems.join(" · "))).color(palette.amber)
        };
        ui.add(Label::new(text).truncate());
        ui.spacing_mut().item_spacing.x = 16.0;
        ScrollArea::vertical()
            .id_salt("teach")
            .auto_shrink([false, false])
            .show(ui, |ui| {
                if ui.available_width() >= BESIDE_FROM_WIDTH {
                    ui.columns(2, |columns| {
                        bytes_ui(&mut columns[0], &mut teach);
                        telling_ui(&mut columns[1], &mut teach);
                    });
                } else {
                    bytes_ui(ui, &mut teach);
                    telling_ui(ui, &mut teach);
                }
                if let Some(tried) = &teach.tried {
                    self.tried_ui(ui, tried);
                }
                ui.add_space(16.0);
            });
        self.teach = Some(teach);
    }

    /// What the decoder makes of the datagrams that were not understood.
    fn tried_ui(&self, ui: &mut Ui, tried: &Tried) {
        let title = format!(
            "What it reads: {} of the newest {} match",
            format::count(tried.num_matching as u64),
            format::counted(
                tried.lines.len() as u64,
                "datagram that is not AIDP",
                "datagrams that are not AIDP"
            )
        );
        widgets::section(ui, &title);
        let num_seen = tried.lines.len().clamp(1, ROWS_SEEN) as f32;
        let size = vec2(ui.available_width(), (num_seen + 1.0) * theme::ROW_HEIGHT);
        let palette = palette(ui.ctx());
        ui.allocate_ui(size, |ui| {
            let table = ListTable {
                salt: "what a decoder reads",
                columns: &[
                    ("Time", Some(72.0)),
                    ("Sender", Some(158.0)),
                    ("Matches", Some(84.0)),
                    ("What it reads, or why not", None),
                ],
                num_rows: tried.lines.len(),
                scroll_to: None,
            };
            list_ui(ui, &table, |row_idx| {
                let line = &tried.lines[row_idx];
                let from = line.stray.from.to_string();
                let (word, color) = if line.is_match {
                    ("✓ yes", palette.green)
                } else {
                    ("✕ no", palette.dim)
                };
                ListRow {
                    name: format!("{from}, {word}: {}", line.words),
                    cells: vec![
                        ListCell::mono(format::time_of_day(line.stray.when, &self.zone)),
                        ListCell::mono(from),
                        ListCell::words(word).in_color(color),
                        ListCell::words(&*line.words),
                    ],
                    is_chosen: false,
                }
            });
        });
    }
}

/// The bytes, what the marked ones are, and the fields so far.
fn bytes_ui(ui: &mut Ui, teach: &mut TeachState) {
    let palette = palette(ui.ctx());
    let field = TextEdit::singleline(&mut teach.draft.name)
        .id(Id::unique("name of the decoder"))
        .desired_width(f32::INFINITY)
        .char_limit(crate::taught::MAX_NAME_CHARS);
    let response = widgets::field(ui, "Name: what sends such datagrams", field);
    widgets::focus_once(&response, &mut teach.focused);
    let title = format!(
        "{} from {}: mark bytes and say what they are",
        format::bytes(u64::from(teach.sample.raw.full_len)),
        teach.sample.from
    );
    widgets::section(ui, &title);
    let sample = Arc::clone(&teach.sample);
    let view = HexMark {
        id: Id::unique("bytes to mark"),
        bytes: &sample.raw.bytes,
        fields: teach.tried.as_ref().map_or(&[], |tried| &tried.fields),
        mark: teach.mark,
    };
    teach.mark = hex_mark_ui(ui, &view);
    let range = teach.mark.map(super::super::view_state::MarkedRange::range);
    let words = range.as_ref().map_or_else(
        || "Click and drag, or use the arrow keys with Shift".to_owned(),
        |range| {
            let length = format::bytes(range.len() as u64);
            format!(
                "Bytes {} to {}, {length}, are the…",
                range.start,
                range.end - 1
            )
        },
    );
    ui.label(RichText::new(words).color(palette.dim));
    ui.horizontal_wrapped(|ui| {
        let no_mark = range.is_none().then_some("Mark bytes first");
        for fact in Fact::ALL {
            if marking_button(ui, fact.label(), no_mark).clicked()
                && let Some(range) = range.clone()
            {
                let reading = likely_reading(fact, &sample.raw.bytes[range.clone()]);
                teach.draft.mark(range, fact, reading);
                teach.show_draft();
            }
        }
        let why_not = no_mark.map(str::to_owned).or_else(|| no_room(teach));
        if marking_button(ui, "Always like this", why_not.as_deref()).clicked()
            && let Some(range) = range
        {
            teach.rules.push(RuleText {
                offset: range.start.to_string(),
                bytes: as_hex(&sample.raw.bytes[range]),
                mask: String::new(),
            });
            teach.read_typed();
        }
    });
    fields_ui(ui, teach);
}

fn marking_button(ui: &mut Ui, word: &str, why_not: Option<&str>) -> egui::Response {
    widgets::row_button(ui, word, why_not.is_none())
        .named(&format!("Marked bytes: {word}"))
        .on_disabled_hover_text(why_not.unwrap_or_default())
}

/// Why there can be no more matches.
fn no_room(teach: &TeachState) -> Option<String> {
    (teach.rules.len() >= MAX_RULES)
        .then(|| format!("A decoder has at most {MAX_RULES} matches: remove one first"))
}

/// How such bytes are most likely meant.
fn likely_reading(fact: Fact, bytes: &[u8]) -> ReadAs {
    let is_text = bytes
        .iter()
        .all(|byte| matches!(byte, b' '..=b'~' | 0 | 0x80..));
    match fact.num_bytes() {
        Some(num_bytes) if bytes.len() == num_bytes => ReadAs::Bytes,
        Some(_) => ReadAs::Text,
        None if is_text && bytes.first().is_some_and(u8::is_ascii_graphic) => ReadAs::Text,
        None => ReadAs::Hex,
    }
}

/// The fields so far, each with what it is in this datagram.
fn fields_ui(ui: &mut Ui, teach: &mut TeachState) {
    let palette = palette(ui.ctx());
    widgets::section(ui, "Fields");
    if teach.draft.fields.is_empty() {
        ui.label(RichText::new("None so far").color(palette.dim));
    }
    let mut removed = None;
    for (idx, field) in teach.draft.fields.iter_mut().enumerate() {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            let label = RichText::new(field.fact.label()).font(theme::strong(theme::TEXT_SIZE));
            ui.label(label);
            ui.label(RichText::new(place_words(field.place)).color(palette.dim));
            reading_choice_ui(ui, idx, field);
            extent_choice_ui(ui, idx, field);
            let name = format!("Remove {}", field.fact.label());
            if widgets::close_button(ui, &name).clicked() {
                removed = Some(idx);
            }
            let (words, is_read) = found_words(teach.tried.as_ref(), field.fact);
            let color = if is_read { palette.text } else { palette.amber };
            ui.add(Label::new(RichText::new(words).monospace().color(color)).truncate());
        });
    }
    if let Some(idx) = removed {
        teach.draft.fields.remove(idx);
    }
}

/// What a fact is in the datagram that the decoder began with.
fn found_words(tried: Option<&Tried>, fact: Fact) -> (String, bool) {
    let Some(sample) = tried.and_then(|tried| tried.sample.as_ref()) else {
        return ("the datagram does not match".to_owned(), false);
    };
    if let Some(field) = sample.fields.iter().find(|field| field.fact == fact) {
        return (format::show_text(&field.text).into_owned(), true);
    }
    let missed = sample.missed.iter().find(|missed| missed.fact == fact);
    let why = missed.map_or_else(String::new, |missed| missed.why.to_string());
    (format::show_text(&why).into_owned(), false)
}

fn place_words(place: Place) -> String {
    match place {
        Place::Offset { offset, extent } => match extent {
            Extent::Length(len) => format!("byte {offset}, {}", format::bytes(u64::from(len))),
            Extent::UntilNul | Extent::ToEnd => format!("from byte {offset}"),
        },
        Place::Record { kind } => format!("record of type {kind}"),
    }
}

const fn reading_words(reading: ReadAs) -> &'static str {
    match reading {
        ReadAs::Bytes => "as bytes",
        ReadAs::Text => "as text",
        ReadAs::Hex => "as hex digits",
        ReadAs::Decimal => "as a number",
        ReadAs::Bcd => "as decimal digits",
    }
}

fn reading_choice_ui(ui: &mut Ui, idx: usize, field: &mut Field) {
    let choice = ComboBox::from_id_salt(("reading", idx))
        .width(110.0)
        .selected_text(reading_words(field.reading))
        .show_ui(ui, |ui| {
            for reading in field.fact.readings() {
                ui.selectable_value(&mut field.reading, *reading, reading_words(*reading));
            }
        });
    let words = reading_words(field.reading);
    let name = format!("{} is read {words}", field.fact.label());
    widgets::focus_ring(choice.response.named(&name));
}

/// How far a field at a fixed place goes; records say so themselves.
fn extent_choice_ui(ui: &mut Ui, idx: usize, field: &mut Field) {
    let Place::Offset { offset, extent } = field.place else {
        return;
    };
    // What has a size of its own ends by itself.
    if field.fact.num_bytes().is_some() && field.reading == ReadAs::Bytes {
        return;
    }
    let words = |extent: Extent| match extent {
        Extent::Length(_) => "these bytes",
        Extent::UntilNul => "up to a NUL",
        Extent::ToEnd => "to the end",
    };
    let mut chosen = extent;
    let these = match extent {
        Extent::Length(_) => extent,
        Extent::UntilNul | Extent::ToEnd => Extent::Length(1),
    };
    let choice = ComboBox::from_id_salt(("extent", idx))
        .width(96.0)
        .selected_text(words(extent))
        .show_ui(ui, |ui| {
            for extent in [these, Extent::UntilNul, Extent::ToEnd] {
                ui.selectable_value(&mut chosen, extent, words(extent));
            }
        });
    let name = format!("{} goes {}", field.fact.label(), words(extent));
    widgets::focus_ring(choice.response.named(&name));
    field.place = Place::Offset {
        offset,
        extent: chosen,
    };
}

/// What tells these datagrams from others, and where their records are.
fn telling_ui(ui: &mut Ui, teach: &mut TeachState) {
    let mut is_typed = false;
    widgets::section(ui, "What tells them from others");
    ui.horizontal_wrapped(|ui| {
        is_typed |= small_field(ui, "Ports", &mut teach.ports, 110.0);
        is_typed |= small_field(ui, "Least bytes", &mut teach.min_length, 70.0);
        is_typed |= small_field(ui, "Most bytes", &mut teach.max_length, 70.0);
    });
    let mut removed = None;
    for (idx, rule) in teach.rules.iter_mut().enumerate() {
        let number = idx + 1;
        ui.horizontal_wrapped(|ui| {
            is_typed |= small_field(
                ui,
                &format!("Match {number} at byte"),
                &mut rule.offset,
                56.0,
            );
            is_typed |= small_field(
                ui,
                &format!("Match {number} in hex"),
                &mut rule.bytes,
                150.0,
            );
            is_typed |= small_field(ui, &format!("Match {number} mask"), &mut rule.mask, 84.0);
            if widgets::close_button(ui, &format!("Remove match {number}")).clicked() {
                removed = Some(idx);
            }
        });
    }
    if let Some(idx) = removed {
        teach.rules.remove(idx);
        is_typed = true;
    }
    let full = no_room(teach);
    let is_added = ui.horizontal(|ui| {
        widgets::row_button(ui, "Add match", full.is_none())
            .on_disabled_hover_text(full.as_deref().unwrap_or_default())
            .clicked()
    });
    if is_added.inner {
        teach.rules.push(RuleText {
            offset: "0".to_owned(),
            ..RuleText::default()
        });
        is_typed = true;
    }
    ui.horizontal_wrapped(|ui| {
        ui.label("Numbers have");
        for (order, words) in [
            (ByteOrder::Big, "the high byte first"),
            (ByteOrder::Little, "the low byte first"),
        ] {
            let is_chosen = teach.draft.byte_order == order;
            if widgets::radio(ui, is_chosen, words, true).clicked() {
                teach.draft.byte_order = order;
            }
        }
    });
    is_typed |= records_ui(ui, teach);
    let field = TextEdit::singleline(&mut teach.draft.note)
        .desired_width(f32::INFINITY)
        .char_limit(crate::taught::MAX_NOTE_CHARS);
    widgets::field(ui, "Note, for whoever reads the file", field);
    if is_typed {
        teach.read_typed();
    }
}

/// The layout of type-length-value records, and fields out of them.
fn records_ui(ui: &mut Ui, teach: &mut TeachState) -> bool {
    let mut is_typed = false;
    let mut has_records = teach.draft.tlv.is_some();
    let words = "Has records of type, length and value";
    if widgets::checkbox(ui, &mut has_records, words, true).changed() {
        teach.draft.tlv = has_records.then(Tlv::default);
        teach.show_draft();
    }
    let Some(tlv) = &mut teach.draft.tlv else {
        return false;
    };
    ui.horizontal_wrapped(|ui| {
        is_typed |= small_field(ui, "Records begin at byte", &mut teach.tlv.begin, 70.0);
        is_typed |= small_field(ui, "Type that ends them", &mut teach.tlv.end_type, 70.0);
    });
    for (label, sizes, value) in [
        ("Type", &[1, 2][..], &mut tlv.type_bytes),
        ("Length", &[1, 2, 4][..], &mut tlv.length_bytes),
    ] {
        ui.horizontal_wrapped(|ui| {
            ui.label(format!("{label} takes"));
            for size in sizes {
                let words = format::bytes(u64::from(*size));
                let choice = widgets::radio(ui, *value == *size, &words, true);
                if choice.clicked() {
                    *value = *size;
                }
                let name = format!("{label} takes {words}");
                let is_chosen = *value == *size;
                choice.widget_info(|| {
                    egui::WidgetInfo::selected(egui::Role::RadioButton, true, is_chosen, &name)
                });
            }
        });
    }
    widgets::checkbox(
        ui,
        &mut tlv.length_counts_header,
        "The length counts type and length too",
        true,
    );
    ui.horizontal_wrapped(|ui| {
        small_field(ui, "Record of type", &mut teach.tlv.kind, 70.0);
        let kind = number(teach.tlv.kind.trim());
        for fact in Fact::ALL {
            let button = widgets::row_button(ui, fact.label(), kind.is_some())
                .named(&format!("Record: {}", fact.label()))
                .on_disabled_hover_text("Type the number of a record first");
            if button.clicked()
                && let (Some(kind), Some(reading)) = (kind, fact.readings().first())
            {
                teach.draft.mark_record(kind, fact, *reading);
            }
        }
    });
    is_typed
}

/// A short field under its label; whether it was changed.
fn small_field(ui: &mut Ui, label: &str, text: &mut String, width: f32) -> bool {
    ui.vertical(|ui| {
        ui.set_max_width(width + 40.0);
        let edit = TextEdit::singleline(text)
            .desired_width(width)
            .font(egui::TextStyle::Monospace)
            .char_limit(512);
        let response = widgets::field(ui, label, edit);
        response.changed()
    })
    .inner
}
