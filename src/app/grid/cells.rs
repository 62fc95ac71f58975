//! One cell of the grid: its words, their font and color, and what hovering it says.

use std::borrow::Cow;

use egui::{Align2, Color32, FontFamily, FontId, Painter, Pos2, Rect, Shape, Stroke, pos2, vec2};

use super::super::format;
use super::super::theme::{MONO_SIZE, Palette, TEXT_SIZE};
use crate::model::appliance::{Appliance, Best};
use crate::model::column::Column;
use crate::model::fact::Fact;
use crate::model::identification::Confidence;
use crate::model::probing::Probe;
use crate::model::sighting::Source;
use crate::model::snapshot::Snapshot;
use crate::model::status::Status;
use crate::model::time::Timestamp;

/// What every cell is drawn with.
#[derive(Clone, Copy)]
pub(in crate::app) struct CellContext<'a> {
    pub(in crate::app) snapshot: &'a Snapshot,
    pub(in crate::app) palette: &'static Palette,
    pub(in crate::app) now: Timestamp,
    pub(in crate::app) zone: &'a jiff::tz::TimeZone,
}

/// A cell's words.
pub(in crate::app) struct CellText<'a> {
    pub(in crate::app) text: Cow<'a, str>,
    pub(in crate::app) color: Color32,
    pub(in crate::app) mono: bool,
}

/// What an unknown value looks like.
pub(in crate::app) const DASH: &str = "—";

/// Whether a column has monospaced digits.
pub(in crate::app) const fn is_mono(column: Column) -> bool {
    matches!(
        column,
        Column::Ip | Column::Gateway | Column::Mac | Column::Serial | Column::PartNumber
    )
}

/// The words of a cell.
pub(in crate::app) fn cell_text<'a>(
    column: Column,
    unit: &'a Appliance,
    context: &CellContext<'_>,
) -> CellText<'a> {
    let palette = context.palette;
    let text = |text: Option<&'a str>, color: Color32| -> CellText<'a> {
        match text.filter(|text| !text.is_empty()) {
            Some(text) => CellText {
                text: format::show_text(text),
                color,
                mono: is_mono(column),
            },
            None => dash(palette),
        }
    };
    let owned = |text: Option<String>, color: Color32| -> CellText<'a> {
        match text.filter(|text| !text.is_empty()) {
            Some(text) => CellText {
                text: Cow::Owned(text),
                color,
                mono: is_mono(column),
            },
            None => dash(palette),
        }
    };
    match column {
        Column::Status => {
            let status = context.snapshot.context.status(unit);
            CellText {
                text: Cow::Borrowed(status_word(status)),
                color: palette.status(status),
                mono: false,
            }
        }
        Column::Name => text(unit.name().map(|best| best.value), palette.text),
        Column::Model => match (unit.model_or_guess(), model_number(unit)) {
            (None, Some(number)) => CellText {
                text: Cow::Owned(format!("no. {number}")),
                color: palette.faint,
                mono: false,
            },
            (Some(best), _) if is_possible(&best, unit) => possible(best.value, palette),
            (model, _) => text(model.map(|best| best.value), palette.text),
        },
        Column::Class => match unit.class_or_guess() {
            Some(best) if is_possible(&best, unit) => possible(best.value, palette),
            class => text(class.map(|best| best.value), palette.dim),
        },
        Column::Ip => match unit.ip() {
            Some(best) => stated(best.value.map(|ip| ip.to_string()), palette.text, palette),
            None => dash(palette),
        },
        Column::Prefix => owned(
            unit.prefix().map(|best| format!("/{}", best.value)),
            palette.dim,
        ),
        Column::Gateway => match unit.gateway() {
            Some(best) => stated(best.value.map(|ip| ip.to_string()), palette.dim, palette),
            None => dash(palette),
        },
        Column::Mac => owned(unit.mac().map(|best| best.value.to_string()), palette.dim),
        Column::Serial => text(unit.serial().map(|best| best.value), palette.dim),
        Column::PartNumber => text(unit.part_number().map(|best| best.value), palette.dim),
        Column::Firmware => text(unit.firmware().map(|best| best.value), palette.dim),
        Column::PlannedName => text(unit.planned_name().map(|best| best.value), palette.dim),
        Column::PlannedPlace => text(unit.planned_place().map(|best| best.value), palette.dim),
        Column::HeardOn => owned(
            unit.heard_on()
                .map(|on| format::show_text(&on).into_owned()),
            palette.dim,
        ),
        Column::HeardBy => text(unit.heard_by().map(on_screen), palette.dim),
        Column::FirstHeard => owned(
            unit.first_heard()
                .map(|when| format::age(context.now, when)),
            palette.dim,
        ),
        Column::LastHeard => owned(
            unit.last_heard().map(|when| format::age(context.now, when)),
            palette.dim,
        ),
        Column::Note => text(unit.note(), palette.dim),
    }
}

fn dash(palette: &Palette) -> CellText<'static> {
    CellText {
        text: Cow::Borrowed(DASH),
        color: palette.faint,
        mono: false,
    }
}

/// What is only one weak sign's: dimmed, and a mark beside it, for color is never alone.
fn possible(value: &str, palette: &Palette) -> CellText<'static> {
    CellText {
        text: Cow::Owned(format!("{} ?", format::show_text(value))),
        color: palette.faint,
        mono: false,
    }
}

fn stated(value: Option<String>, color: Color32, palette: &Palette) -> CellText<'static> {
    match value {
        Some(text) => CellText {
            text: Cow::Owned(text),
            color,
            mono: true,
        },
        None => CellText {
            text: Cow::Borrowed("none"),
            color: palette.faint,
            mono: true,
        },
    }
}

/// The model number of its reply: a hint, not the model.
pub(in crate::app) fn model_number(unit: &Appliance) -> Option<u16> {
    unit.heard.as_ref().and_then(|heard| heard.model_number)
}

/// What hovering a cell says, when it says more than the cell.
pub(in crate::app) fn cell_hover(
    column: Column,
    unit: &Appliance,
    context: &CellContext<'_>,
) -> Option<String> {
    let heard = unit.heard.as_ref();
    let when = |when: Option<Timestamp>| when.map(|when| format::exact(when, context.zone));
    match column {
        Column::Status => Some(context.snapshot.context.reason(unit)),
        Column::FirstHeard => when(unit.first_heard()),
        Column::LastHeard => when(unit.last_heard()),
        Column::Model => Some(match (unit.model_or_guess(), model_number(unit)) {
            (Some(best), _) => judged(&best, unit),
            (None, Some(number)) => format!(
                "Model number {number} of its reply: a hint, not the model\n{}",
                asked_words(unit)
            ),
            (None, None) => asked_words(unit).to_owned(),
        }),
        Column::Name => Some(known_or(unit.name().map(|best| best.source), || {
            unknown(heard.map(|heard| &heard.name))
        })),
        Column::Ip => match unit.ip() {
            Some(best) if best.value.is_none() => {
                Some("The unit says that it has no address".to_owned())
            }
            best => Some(known_or(best.map(|best| best.source), || {
                unknown(heard.map(|heard| &heard.ip))
            })),
        },
        Column::Mac => Some(known_or(unit.mac().map(|best| best.source), || {
            unknown(heard.map(|heard| &heard.mac))
        })),
        Column::Prefix => Some(known_or(unit.prefix().map(|best| best.source), || {
            unknown(heard.map(|heard| &heard.mask))
        })),
        Column::Gateway => Some(known_or(unit.gateway().map(|best| best.source), || {
            unknown(heard.map(|heard| &heard.gateway))
        })),
        Column::Serial => Some(by_snmp(unit.serial(), unit)),
        Column::Class => Some(
            unit.class_or_guess()
                .map_or_else(|| asked_words(unit).to_owned(), |best| judged(&best, unit)),
        ),
        Column::PartNumber => Some(by_snmp(unit.part_number(), unit)),
        Column::Firmware => Some(by_snmp(unit.firmware(), unit)),
        Column::PlannedName => Some(written(unit.planned_name().map(|best| best.source))),
        Column::PlannedPlace => Some(written(unit.planned_place().map(|best| best.source))),
        Column::HeardOn => unit.is_unheard().then(|| "Not heard yet".to_owned()),
        Column::HeardBy => heard.map(|heard| {
            let words = source_words(heard.last_source);
            format!("Heard last by {words}")
        }),
        Column::Note => unit.note().map(|note| format::show_text(note).into_owned()),
    }
}

/// Where a model or class comes from, and how sure it is when it was judged by signs.
fn judged(best: &Best<&str>, unit: &Appliance) -> String {
    let from = format!("From: {}", source_words(best.source));
    match confidence_words(unit).filter(|_| !is_written(best.source)) {
        Some(words) => format!("{words}\n{from}"),
        None => from,
    }
}

fn known_or(source: Option<Source>, unknown: impl Fn() -> String) -> String {
    source.map_or_else(unknown, |source| format!("From: {}", source_words(source)))
}

/// Where a fact comes from that a unit tells by SNMP only, or whether it was asked for it.
fn by_snmp(fact: Option<Best<&str>>, unit: &Appliance) -> String {
    let is_asked = unit
        .probed
        .as_deref()
        .is_some_and(|probed| probed.answer(Probe::Snmp).is_some());
    known_or(fact.map(|best| best.source), || {
        let words = if is_asked {
            "Asked, no answer"
        } else {
            "Not asked"
        };
        words.to_owned()
    })
}

/// Whether a unit whose product is not known was asked.
fn asked_words(unit: &Appliance) -> &'static str {
    match unit.probed.as_deref() {
        None => "Not asked",
        Some(probed) if probed.is_silent() => "Asked, no answer",
        Some(_) => "Asked, and no answer tells",
    }
}

/// Whether a file or a person says it.
const fn is_written(source: Source) -> bool {
    matches!(source, Source::Import | Source::Person)
}

/// Whether a model or class is only one weak sign's.
fn is_possible(best: &Best<&str>, unit: &Appliance) -> bool {
    let identified = unit.identified.as_deref();
    !is_written(best.source)
        && identified.is_some_and(|it| it.confidence == Some(Confidence::Possible))
}

/// How sure the identification is, with its first reason.
fn confidence_words(unit: &Appliance) -> Option<String> {
    let identified = unit.identified.as_deref()?;
    let confidence = format::sentence(identified.confidence?.word());
    Some(match identified.reasons.first() {
        Some(reason) => format!("{confidence}: {}", format::show_text(&reason.text)),
        None => confidence,
    })
}

fn written(source: Option<Source>) -> String {
    known_or(source, || "Not asked".to_owned())
}

/// Not asked, or asked in vain.
pub(in crate::app) fn unknown<T>(fact: Option<&Fact<T>>) -> String {
    match fact {
        Some(Fact::Unavailable) => "Asked, no answer".to_owned(),
        _ => "Not asked".to_owned(),
    }
}

/// How a unit was heard, as the screen writes what files have in small letters.
fn on_screen(heard_by: &str) -> &str {
    match heard_by {
        "http" => "web",
        "snmp" => "SNMP",
        "ssh" => "SSH",
        "tcp" => "TCP",
        "tls" => "TLS",
        other => other,
    }
}

/// Who said something, in words.
pub(in crate::app) const fn source_words(source: Source) -> &'static str {
    match source {
        Source::Announcement => "an announcement of the unit",
        Source::Reply => "a reply to a search",
        Source::SweepReply => "a reply to a sweep",
        Source::TcpReply => "a reply over TCP 3502",
        Source::Taught => "a datagram read by a taught decoder",
        Source::Undecoded => "a datagram that was not understood",
        Source::Snmp => "SNMP",
        Source::Tls => "its TLS certificate",
        Source::Http => "its web page",
        Source::Ssh => "SSH",
        Source::Telnet => "Telnet",
        Source::Ports => "its open ports",
        Source::Neighbors => "this computer's table of neighbors",
        Source::Import => "an inventory file",
        Source::Person => "you",
    }
}

/// The word of a status as the grid shows it.
pub(in crate::app) const fn status_word(status: Status) -> &'static str {
    match status {
        Status::Conflict => "Conflict",
        Status::NoAddress => "No address",
        Status::WrongNetwork => "Wrong network",
        Status::Silent => "Silent",
        Status::New => "New",
        Status::Heard => "Heard",
        Status::OnlyInFile => "Only in file",
    }
}

/// The font of a cell.
pub(in crate::app) const fn cell_font(mono: bool) -> FontId {
    if mono {
        FontId::new(MONO_SIZE, FontFamily::Monospace)
    } else {
        FontId::new(TEXT_SIZE, FontFamily::Proportional)
    }
}

/// Draws a cell's words at the left of `rect`, cut where the rect ends.
pub(in crate::app) fn paint_text(painter: &Painter, rect: Rect, cell: &CellText<'_>) {
    let mut job = egui::text::LayoutJob::simple_singleline(
        cell.text.clone().into_owned(),
        cell_font(cell.mono),
        cell.color,
    );
    job.wrap = egui::text::TextWrapping::truncate_at_width(rect.width());
    let galley = painter.layout_job(job);
    let at = Align2::LEFT_CENTER.anchor_size(rect.left_center(), galley.size());
    painter.galley(at.min, galley, cell.color);
}

/// Draws the glyph of a status: a shape of its own for each, so that color is never alone.
pub(in crate::app) fn paint_status(
    painter: &Painter,
    center: Pos2,
    status: Status,
    color: Color32,
) {
    let stroke = Stroke::new(1.5, color);
    match status {
        Status::Heard => {
            painter.circle_filled(center, 4.5, color);
        }
        Status::NoAddress => {
            painter.circle_stroke(center, 4.0, stroke);
        }
        Status::Conflict => {
            let points = vec![
                center + vec2(0.0, -5.0),
                center + vec2(5.5, 4.5),
                center + vec2(-5.5, 4.5),
            ];
            painter.add(Shape::convex_polygon(points, color, Stroke::NONE));
        }
        Status::New => {
            painter.add(Shape::convex_polygon(
                diamond(center, 6.0),
                color,
                Stroke::NONE,
            ));
        }
        Status::WrongNetwork => {
            painter.add(Shape::closed_line(diamond(center, 5.0), stroke));
        }
        Status::Silent => {
            // A ring of dots.
            for dot in 0..8_u8 {
                let angle = f32::from(dot) * std::f32::consts::TAU / 8.0;
                painter.circle_filled(center + 4.5 * egui::Vec2::angled(angle), 0.9, color);
            }
        }
        Status::OnlyInFile => {
            let rect = Rect::from_center_size(center, vec2(8.0, 9.0));
            painter.rect_stroke(rect, 1.0, stroke, egui::StrokeKind::Middle);
            let y = center.y;
            painter.hline(
                (rect.left() + 2.0)..=(rect.right() - 2.0),
                y,
                Stroke::new(1.0, color),
            );
        }
    }
}

fn diamond(center: Pos2, radius: f32) -> Vec<Pos2> {
    vec![
        pos2(center.x, center.y - radius),
        pos2(center.x + radius, center.y),
        pos2(center.x, center.y + radius),
        pos2(center.x - radius, center.y),
    ]
}
