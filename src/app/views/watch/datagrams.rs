//! The last datagrams, the newest first, and the chosen one with its bytes.

use std::sync::Arc;

use egui::{Id, Label, RichText, Ui};

use super::super::super::format;
use super::super::super::list::ListKeys;
use super::super::super::panels::{HexView, Naming, hex_ui};
use super::super::super::theme::palette;
use super::super::super::widgets;
use super::super::super::{App, UiCommand, WatchCommand};
use super::fact_ui;
use super::finding::hex_width;
use super::table::{ListCell, ListRow, ListTable, list_ui};
use crate::model::traffic::{DatagramKind, Direction, SeenDatagram};
use crate::wire::{Guess, Message, decode, guess};

/// With less room than this, only the other end of a datagram is shown.
const NARROW: f32 = 800.0;

/// With so much room, what is known of the chosen one stands in one line.
const ONE_LINE: f32 = 500.0;

/// How many bytes stand for a datagram that is not AIDP.
const FIRST_BYTES: usize = 24;

/// How many hints are listed.
const HINTS_SHOWN: usize = 24;

fn list_id() -> Id {
    Id::unique("list of the last datagrams")
}

impl App {
    /// Draws the list of the last datagrams.
    pub(super) fn datagram_list_ui(
        &mut self,
        ui: &mut Ui,
        recent: &[Arc<SeenDatagram>],
        places: &[u32],
    ) {
        let at = |row_idx: usize| {
            let place = places.get(row_idx)?;
            recent.get(*place as usize)
        };
        let chosen = self.watch.datagram.as_ref().map(|datagram| datagram.seq);
        // They count up, and the newest are first.
        let marked = chosen.and_then(|seq| {
            let row_idx = places.partition_point(|place| {
                recent
                    .get(*place as usize)
                    .is_some_and(|datagram| datagram.seq > seq)
            });
            at(row_idx).filter(|it| it.seq == seq).map(|_| row_idx)
        });
        let keys = ListKeys {
            id: list_id(),
            name: "Last datagrams",
            num_rows: places.len(),
            marked,
            is_main: true,
        };
        if let Some(row_idx) = self.list_keys(ui, &keys) {
            self.watch.datagram = at(row_idx).cloned();
            self.watch.scroll_to = Some(row_idx);
        }
        let palette = palette(ui.ctx());
        let is_narrow = ui.available_width() < NARROW;
        let columns: &[(&str, Option<f32>)] = if is_narrow {
            &[
                ("Time", Some(68.0)),
                ("Way", Some(58.0)),
                ("Network", Some(84.0)),
                ("From or to", Some(158.0)),
                ("Kind", Some(112.0)),
                ("Bytes", Some(44.0)),
                ("Content", None),
            ]
        } else {
            &[
                ("Time", Some(68.0)),
                ("Way", Some(58.0)),
                ("Network", Some(84.0)),
                ("From", Some(152.0)),
                ("To", Some(152.0)),
                ("Kind", Some(112.0)),
                ("Bytes", Some(44.0)),
                ("Content", None),
            ]
        };
        let table = ListTable {
            salt: "last datagrams",
            columns,
            num_rows: places.len(),
            scroll_to: self.watch.scroll_to.take(),
        };
        let zone = &self.zone;
        let chosen = self.watch.datagram.as_ref().map(|datagram| datagram.seq);
        let clicked = list_ui(ui, &table, |row_idx| {
            let Some(datagram) = at(row_idx) else {
                return ListRow {
                    cells: Vec::new(),
                    is_chosen: false,
                    name: String::new(),
                };
            };
            let from = datagram.from.to_string();
            let to = datagram
                .to
                .map_or_else(|| "—".to_owned(), |to| to.to_string());
            let content = content_words(datagram);
            let kind = datagram.kind.word();
            let name = format!(
                "{}, {kind}, from {from}, {content}",
                format::sentence(datagram.direction.word())
            );
            let time = format::time_of_day(datagram.when, zone);
            let mut cells = vec![
                ListCell::mono(time),
                ListCell::words(way_words(datagram.direction)),
                ListCell::words(&*datagram.interface),
            ];
            if !is_narrow {
                cells.extend([ListCell::mono(from), ListCell::mono(to)]);
            } else if datagram.direction == Direction::Sent && datagram.to.is_some() {
                cells.push(ListCell::mono(to));
            } else {
                cells.push(ListCell::mono(from));
            }
            cells.extend([
                ListCell::words(format::sentence(kind)),
                ListCell::mono(format::count(u64::from(datagram.raw.full_len))),
                ListCell::mono(content).in_color(palette.dim),
            ]);
            ListRow {
                cells,
                is_chosen: chosen == Some(datagram.seq),
                name,
            }
        });
        if let Some(datagram) = clicked.and_then(at) {
            self.watch.datagram = Some(Arc::clone(datagram));
            ui.memory_mut(|memory| memory.request_focus(list_id()));
        }
    }

    /// Draws the chosen datagram, or how one is chosen.
    pub(super) fn chosen_datagram_ui(&mut self, ui: &mut Ui) {
        let palette = palette(ui.ctx());
        let Some(datagram) = self.watch.datagram.clone() else {
            let text = "Choose a datagram to see its bytes";
            ui.label(RichText::new(text).color(palette.dim));
            return;
        };
        let length = format::bytes(u64::from(datagram.raw.full_len));
        let title = format!("{}, {length}", format::sentence(datagram.kind.word()));
        ui.add(Label::new(RichText::new(title).heading()).truncate());
        self.datagram_facts_ui(ui, &datagram);
        ui.add_space(2.0);
        let view = HexView {
            bytes: &datagram.raw.bytes,
            full_len: datagram.raw.full_len as usize,
            width: hex_width(ui),
            naming: naming(&datagram),
        };
        hex_ui(ui, &view);
        if decode(&datagram.raw.bytes).is_err() {
            hints_ui(ui, &datagram);
        }
        ui.add_space(4.0);
        let copy = UiCommand::Watch(WatchCommand::CopyDatagram);
        self.command_button_ui(ui, copy, "Copy");
    }

    /// When, which way and between whom; in one line where the bytes stand below the list.
    fn datagram_facts_ui(&self, ui: &mut Ui, datagram: &SeenDatagram) {
        let when = format::exact(datagram.when, &self.zone);
        let way = way_words(datagram.direction);
        let (interface, channel) = (&*datagram.interface, datagram.channel.word());
        if ui.available_width() >= ONE_LINE {
            let to = datagram
                .to
                .map_or_else(String::new, |to| format!(" → {to}"));
            let from = datagram.from;
            let line = format!("{way} {when} on {interface}, {channel}: {from}{to}");
            let line = RichText::new(format::show_text(&line)).color(palette(ui.ctx()).dim);
            ui.add(Label::new(line).wrap().selectable(true));
            return;
        }
        fact_ui(ui, way, &when, true);
        fact_ui(ui, "Network", interface, false);
        fact_ui(ui, "Over", channel, false);
        fact_ui(ui, "From", &datagram.from.to_string(), true);
        if let Some(to) = datagram.to {
            fact_ui(ui, "To", &to.to_string(), true);
        }
    }
}

/// What bytes that are not AIDP look like.
fn hints_ui(ui: &mut Ui, datagram: &SeenDatagram) {
    let palette = palette(ui.ctx());
    let sender_ip = match datagram.from.ip().to_canonical() {
        std::net::IpAddr::V4(ip) => Some(ip),
        std::net::IpAddr::V6(_) => None,
    };
    let hints = guess(&datagram.raw.bytes, None, sender_ip);
    if hints.is_empty() {
        return;
    }
    widgets::section(ui, "Hints, not facts: what these bytes look like");
    for hint in hints.iter().take(HINTS_SHOWN) {
        let what = match &hint.what {
            Guess::SenderMac => "the sender's MAC".to_owned(),
            Guess::SenderIp => "the sender's address".to_owned(),
            Guess::Text(text) => format!("text “{}”", format::show_text(text)),
        };
        let line = format!("{:04x} {what}", hint.offset);
        ui.add(Label::new(RichText::new(line).color(palette.dim)).truncate());
    }
}

/// Whether the fields of a datagram have names.
fn naming(datagram: &SeenDatagram) -> Naming {
    if decode(&datagram.raw.bytes).is_ok() {
        Naming::Aidp
    } else if datagram.kind == DatagramKind::Taught {
        Naming::None
    } else {
        Naming::IfAidp
    }
}

/// The glyph and the word of a way.
const fn way_words(direction: Direction) -> &'static str {
    match direction {
        Direction::Heard => "↓ Heard",
        Direction::Sent => "↑ Sent",
    }
}

/// What a datagram says, in a few words; of foreign bytes the first ones.
fn content_words(datagram: &SeenDatagram) -> String {
    let bytes = &*datagram.raw.bytes;
    let Ok(decoded) = decode(bytes) else {
        return foreign_words(bytes);
    };
    let mac = |octets: Option<[u8; 6]>| {
        octets.map(|octets| crate::model::identity::Mac::new(octets).to_string())
    };
    let parts: Vec<String> = match decoded.message {
        Message::DiscoverRequest => vec!["who is there?".to_owned()],
        Message::DiscoverReply(reply) => {
            let ip = reply.ip.ip().map(|ip| ip.to_string());
            let ip = ip.or_else(|| reply.ip.is_stated().then(|| "no address".to_owned()));
            let parts = [mac(reply.mac), ip, reply.host_name];
            parts.into_iter().flatten().collect()
        }
        Message::TestIpRequest(request) | Message::SetIpRequest(request) => {
            let takes = request.ip.ip().map(|ip| format!("take {ip}"));
            let parts = [mac(request.mac), takes];
            parts.into_iter().flatten().collect()
        }
        Message::TestIpReply(reply) | Message::SetIpReply(reply) => {
            let status = reply.status.map(|status| status.to_string());
            [mac(reply.mac), status].into_iter().flatten().collect()
        }
        Message::Other(number) => vec![format!("message type {number}")],
    };
    parts.join(", ")
}

/// The first bytes, as text where they are text.
fn foreign_words(bytes: &[u8]) -> String {
    let first = &bytes[..bytes.len().min(FIRST_BYTES)];
    let is_text = !first.is_empty()
        && first
            .iter()
            .all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t'));
    let rest = if first.len() < bytes.len() { "…" } else { "" };
    if is_text {
        let text = String::from_utf8_lossy(first);
        return format!("“{}{rest}”", format::show_text(&text));
    }
    let hex: Vec<String> = first
        .iter()
        .take(FIRST_BYTES / 2)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let rest = if hex.len() < bytes.len() { " …" } else { "" };
    format!("{}{rest}", hex.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_bytes_are_shown_as_text_or_hex() {
        assert_eq!(foreign_words(b""), "");
        assert_eq!(foreign_words(b"M-SEARCH *\r\n"), "“M-SEARCH *␍␊”");
        assert_eq!(foreign_words(&[0, 1, 0xff]), "00 01 ff");
        assert_eq!(
            foreign_words(&[0; 100]),
            "00 00 00 00 00 00 00 00 00 00 00 00 …"
        );
    }
}
