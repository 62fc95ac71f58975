//! The cells of a unit as files hold them, without an allocation a cell.

use std::io::Write;
use std::net::Ipv4Addr;

use super::instant::{LastDay, write_instant};
use crate::model::appliance::{Appliance, Best, FileFacts};
use crate::model::column::Column;
use crate::model::identity::Mac;
use crate::model::status::StatusContext;

/// Where a cell is put together that does not lie in the unit as it is.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    bytes: Vec<u8>,
    last_day: LastDay,
}

impl Scratch {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn ip(&mut self, ip: Ipv4Addr) {
        for (idx, octet) in ip.octets().into_iter().enumerate() {
            if idx > 0 {
                self.bytes.push(b'.');
            }
            self.number(octet);
        }
    }

    fn number(&mut self, number: u8) {
        if number >= 100 {
            self.bytes.push(b'0' + number / 100);
        }
        if number >= 10 {
            self.bytes.push(b'0' + number / 10 % 10);
        }
        self.bytes.push(b'0' + number % 10);
    }

    fn mac(&mut self, mac: Mac) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for (idx, octet) in mac.octets().into_iter().enumerate() {
            if idx > 0 {
                self.bytes.push(b':');
            }
            self.bytes.push(DIGITS[usize::from(octet >> 4)]);
            self.bytes.push(DIGITS[usize::from(octet & 15)]);
        }
    }
}

/// Whether the cells of a column never hold a delimiter, a quotation mark or a line end.
pub(super) const fn is_plain(column: Column) -> bool {
    matches!(
        column,
        Column::Status
            | Column::Ip
            | Column::Prefix
            | Column::Gateway
            | Column::Mac
            | Column::FirstHeard
            | Column::LastHeard
    )
}

/// The cell of one of our columns: what [`Column::write_text`] writes, only faster.
pub(super) fn unit_cell<'a>(
    column: Column,
    unit: &'a Appliance,
    context: &StatusContext,
    scratch: &'a mut Scratch,
) -> &'a [u8] {
    fn text(best: Option<Best<&str>>) -> &[u8] {
        best.map(|best| best.value).unwrap_or_default().as_bytes()
    }
    scratch.clear();
    match column {
        Column::Status => return context.status(unit).word().as_bytes(),
        Column::Name => return text(unit.name()),
        Column::Model => return text(unit.model()),
        Column::Class => return text(unit.class()),
        Column::Serial => return text(unit.serial()),
        Column::PartNumber => return text(unit.part_number()),
        Column::Firmware => return text(unit.firmware()),
        Column::PlannedName => return text(unit.planned_name()),
        Column::PlannedPlace => return text(unit.planned_place()),
        Column::HeardBy => return unit.heard_by().unwrap_or_default().as_bytes(),
        Column::Note => return unit.note().unwrap_or_default().as_bytes(),
        Column::Ip => {
            if let Some(ip) = unit.ip_value() {
                scratch.ip(ip);
            }
        }
        Column::Gateway => {
            if let Some(gateway) = unit.gateway().and_then(|best| best.value) {
                scratch.ip(gateway);
            }
        }
        Column::Prefix => {
            if let Some(prefix) = unit.prefix() {
                scratch.number(prefix.value);
            }
        }
        Column::Mac => {
            if let Some(mac) = unit.mac() {
                scratch.mac(mac.value);
            }
        }
        Column::HeardOn => {
            let Some(heard) = &unit.heard else {
                let heard_on = written(unit).map(|facts| facts.heard_on.as_str());
                let mut said = heard_on.filter(|text| !text.is_empty());
                return said.next().unwrap_or_default().as_bytes();
            };
            for (idx, presence) in heard.presence.iter().enumerate() {
                if idx > 0 {
                    scratch.bytes.push(b' ');
                }
                scratch
                    .bytes
                    .extend_from_slice(presence.interface.as_bytes());
            }
        }
        Column::FirstHeard => {
            if let Some(when) = unit.first_heard() {
                write_instant(when, &mut scratch.last_day, &mut scratch.bytes);
            }
        }
        Column::LastHeard => {
            if let Some(when) = unit.last_heard() {
                write_instant(when, &mut scratch.last_day, &mut scratch.bytes);
            }
        }
    }
    scratch.as_bytes()
}

/// What a person and a file said, the person first.
fn written(unit: &Appliance) -> impl DoubleEndedIterator<Item = &FileFacts> {
    let by_hand = unit.typed.by_hand.as_deref();
    by_hand.into_iter().chain(unit.imported.as_deref())
}

/// Whether a unit has addresses beside the one it has now.
pub(super) fn has_other_ips(unit: &Appliance) -> bool {
    let may_have = unit
        .heard
        .as_ref()
        .is_some_and(|heard| !heard.earlier_ips.is_empty())
        || written(unit).any(|facts| !facts.other_ips.is_empty());
    may_have && !unit.other_ips().is_empty()
}

/// Writes the addresses that a unit had before, newest first, separated by spaces.
pub(super) fn write_other_ips(unit: &Appliance, scratch: &mut Scratch) {
    if !has_other_ips(unit) {
        return;
    }
    for (idx, ip) in unit.other_ips().into_iter().enumerate() {
        if idx > 0 {
            scratch.bytes.push(b' ');
        }
        // Writing to a vector cannot fail.
        let _ = write!(scratch.bytes, "{ip}");
    }
}

/// Puts a unit's cells of the columns that are not ours into `cells`, by their index.
pub(super) fn extra_cells<'a>(unit: &'a Appliance, cells: &mut [&'a str]) {
    cells.fill("");
    for facts in written(unit).rev() {
        for (idx, text) in &facts.extra {
            if let Some(cell) = cells.get_mut(*idx as usize)
                && !text.is_empty()
            {
                *cell = text;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Arc;

    use super::*;
    use crate::model::appliance::Typed;
    use crate::model::identity::ApplianceId;
    use crate::model::time::Timestamp;

    #[test]
    fn cells_say_what_the_grid_says() {
        let facts = FileFacts {
            name: "acs-1".to_owned(),
            ip: Some(Ipv4Addr::new(10, 0, 109, 255)),
            prefix: Some(24),
            gateway: Some(Ipv4Addr::UNSPECIFIED),
            mac: Some(Mac::new([0, 0xe0, 0x86, 0xab, 9, 0xff])),
            serial: "0520011634".to_owned(),
            heard_on: "eth0".to_owned(),
            heard_by: "reply".to_owned(),
            first_heard: Some(Timestamp::from_millis(1_795_349_561_250)),
            note: "x".to_owned(),
            ..FileFacts::default()
        };
        let unit = Appliance {
            id: ApplianceId(1),
            revision: 1,
            heard: None,
            probed: None,
            identified: None,
            imported: Some(Arc::new(facts)),
            typed: Typed::default(),
            evidence: VecDeque::new(),
        };
        let context = StatusContext::default();
        for column in Column::ALL {
            let mut scratch = Scratch::default();
            let cell = unit_cell(column, &unit, &context, &mut scratch);
            let text = column.text(&unit, &context);
            assert_eq!(cell, text.as_bytes(), "{column:?} is the same everywhere");
        }
    }
}
