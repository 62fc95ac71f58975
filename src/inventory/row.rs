//! One row of a file on its way to an import: cell by cell, with everything that is wrong with it; and the rows
//! that are taken, within bounds of number and memory.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::instant::read_instant;
use super::report::{Fault, Lines};
use super::value::{
    MAX_OTHER_IPS, is_nothing, is_spreadsheet_number, read_ip, read_mac, read_other_ips,
    read_prefix,
};
use super::{MAX_CELL_BYTES, MAX_KEPT_BYTES, MAX_ROWS, PROGRESS_ROWS, ReadInventory};
use crate::model::appliance::FileFacts;
use crate::model::column::Column;
use crate::model::edit::{ImportRow, RefusedRow};
use crate::model::sighting::{TEXT_KEPT_CHARS, cut_text};
use crate::model::time::Timestamp;

/// What the report calls a column that is not ours, and the row as a whole.
pub(super) const EXTRA_COLUMN: &str = "unknown column";
pub(super) const WHOLE_ROW: &str = "row";

/// What a piece of memory costs beside its bytes, roughly.
const ALLOCATION_BYTES: usize = 16;

/// A row that is being read.
#[derive(Debug, Default)]
pub(super) struct Row {
    facts: FileFacts,
    faults: Vec<Fault>,
    remarks: Vec<Fault>,
    /// The prefix that was written with the address.
    ip_prefix: Option<u8>,
    /// About how much memory the row takes beside [`FileFacts`] itself.
    bytes: usize,
}

impl Row {
    /// Whether the row goes on being worth reading: within the length of a cell.
    fn fits(&mut self, column: &'static str, text: &str) -> bool {
        let fits = text.len() <= MAX_CELL_BYTES;
        if !fits {
            let why = format!(
                "Is {} bytes long; {} KiB are taken",
                text.len(),
                MAX_CELL_BYTES >> 10
            );
            self.faults.push(Fault::new(column, text, why));
        }
        fits
    }

    /// Reads a cell of one of our columns.
    pub(super) fn set(&mut self, column: Column, text: &str) {
        if text.is_empty() || column == Column::Status || !self.fits(column.key(), text) {
            return;
        }
        match column {
            Column::Ip => match read_ip(text) {
                Ok((ip, prefix)) => {
                    self.facts.ip = ip;
                    self.ip_prefix = prefix;
                }
                Err(why) => self.faults.push(Fault::new(column.key(), text, why)),
            },
            Column::Gateway => match read_ip(text) {
                Ok((gateway, _)) => self.facts.gateway = gateway,
                Err(why) => self.faults.push(Fault::new(column.key(), text, why)),
            },
            Column::Prefix => match read_prefix(text) {
                Ok(prefix) => self.facts.prefix = prefix,
                Err(why) => self.faults.push(Fault::new(column.key(), text, why)),
            },
            Column::Mac => match read_mac(text) {
                Ok(mac) => self.facts.mac = mac,
                Err(why) => self.faults.push(Fault::new(column.key(), text, why)),
            },
            Column::FirstHeard => self.facts.first_heard = self.instant(column, text),
            Column::LastHeard => self.facts.last_heard = self.instant(column, text),
            Column::Serial => self.set_serial(text),
            Column::Status
            | Column::Name
            | Column::Model
            | Column::Class
            | Column::PartNumber
            | Column::Firmware
            | Column::PlannedName
            | Column::PlannedPlace
            | Column::HeardBy => self.set_name_like(column, text),
            Column::HeardOn => {
                self.bytes += text.len() + ALLOCATION_BYTES;
                text.clone_into(&mut self.facts.heard_on);
            }
            Column::Note => {
                self.bytes += text.len() + ALLOCATION_BYTES;
                text.clone_into(&mut self.facts.note);
            }
        }
    }

    fn instant(&mut self, column: Column, text: &str) -> Option<Timestamp> {
        let instant = read_instant(text);
        if instant.is_none() && !is_nothing(text.trim()) {
            let why = "Is not a time as 2026-11-22T12:00:00Z, and was left out";
            self.remarks.push(Fault::new(column.key(), text, why));
        }
        instant
    }

    /// A serial tells units apart, so it is never cut.
    fn set_serial(&mut self, text: &str) {
        let key = Column::Serial.key();
        if is_longer_than_kept(text) {
            let why = format!("Is longer than {TEXT_KEPT_CHARS} characters, which no serial is");
            self.faults.push(Fault::new(key, text, why));
            return;
        }
        if text.contains('+') && is_spreadsheet_number(text.trim()) {
            let why = "Looks like a serial that a spreadsheet turned into a number";
            self.remarks.push(Fault::new(key, text, why));
        }
        self.bytes += text.len() + ALLOCATION_BYTES;
        text.clone_into(&mut self.facts.serial);
    }

    fn set_name_like(&mut self, column: Column, text: &str) {
        let text = if is_longer_than_kept(text) {
            let why = format!("Is longer than {TEXT_KEPT_CHARS} characters and was cut");
            self.remarks.push(Fault::new(column.key(), text, why));
            cut_text(text)
        } else {
            text.to_owned()
        };
        self.bytes += text.len() + ALLOCATION_BYTES;
        let facts = &mut self.facts;
        let field = match column {
            Column::Name => &mut facts.name,
            Column::Model => &mut facts.model,
            Column::Class => &mut facts.class,
            Column::PartNumber => &mut facts.part_number,
            Column::Firmware => &mut facts.firmware,
            Column::PlannedName => &mut facts.planned_name,
            Column::PlannedPlace => &mut facts.planned_place,
            Column::HeardBy => &mut facts.heard_by,
            // These have their own ways in `set`.
            Column::Status
            | Column::Ip
            | Column::Prefix
            | Column::Gateway
            | Column::Mac
            | Column::Serial
            | Column::HeardOn
            | Column::FirstHeard
            | Column::LastHeard
            | Column::Note => return,
        };
        *field = text;
    }

    /// Reads the other addresses; one that cannot be read is left out with a remark.
    pub(super) fn set_other_ips(&mut self, text: &str) {
        if text.is_empty() || !self.fits("other_ips", text) {
            return;
        }
        let (ips, bad) = read_other_ips(text);
        if let Some(bad) = bad {
            let why = format!(
                "Is not an IPv4 address or one of more than {MAX_OTHER_IPS}, and was left out"
            );
            self.remarks.push(Fault::new("other_ips", bad, why));
        }
        self.bytes += ips.capacity() * 4 + ALLOCATION_BYTES;
        self.facts.other_ips = ips;
    }

    /// Says that an address is stated to be none, as only JSON can.
    pub(super) fn set_none(&mut self, column: Column) {
        let none = Some(std::net::Ipv4Addr::UNSPECIFIED);
        match column {
            Column::Ip => self.facts.ip = none,
            Column::Gateway => self.facts.gateway = none,
            _ => {}
        }
    }

    /// Keeps a cell of a column that is not ours.
    pub(super) fn set_extra(&mut self, extra_idx: u32, text: &str) {
        if !text.is_empty() && self.fits(EXTRA_COLUMN, text) {
            self.bytes += text.len() + ALLOCATION_BYTES;
            self.facts.extra.push((extra_idx, text.to_owned()));
        }
    }

    /// Says that something is wrong that costs the row.
    pub(super) fn refuse(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Looks at the row as a whole.
    fn close(&mut self) {
        match (self.facts.prefix, self.ip_prefix) {
            (None, Some(prefix)) => self.facts.prefix = Some(prefix),
            (Some(stated), Some(written)) if stated != written => {
                let why = format!("Differs from /{written}, which is written with the address");
                self.faults
                    .push(Fault::new(Column::Prefix.key(), &stated.to_string(), why));
            }
            _ => {}
        }
        let facts = &self.facts;
        let has_ip = facts.ip.is_some_and(|ip| !ip.is_unspecified());
        let is_known =
            facts.mac.is_some() || !facts.serial.is_empty() || has_ip || !facts.name.is_empty();
        if !is_known && self.faults.is_empty() {
            let why = "Has neither serial, MAC, address nor name: nothing to know the unit by";
            self.faults.push(Fault::new(WHOLE_ROW, "", why));
        }
    }
}

fn is_longer_than_kept(text: &str) -> bool {
    text.len() > TEXT_KEPT_CHARS && text.chars().nth(TEXT_KEPT_CHARS).is_some()
}

/// A person canceled.
#[derive(Debug)]
pub(super) struct Canceled;

/// The rows that are taken, and the report.
pub(super) struct Taker<'p> {
    rows: Vec<ImportRow>,
    refused: Lines,
    remarks: Lines,
    num_rows: u64,
    kept_bytes: usize,
    /// Rows beyond the bounds, and the line of the first.
    left_out: u64,
    first_left_out: u64,
    progress: &'p mut dyn FnMut(u64) -> ControlFlow<()>,
}

impl<'p> Taker<'p> {
    pub(super) fn new(progress: &'p mut dyn FnMut(u64) -> ControlFlow<()>) -> Self {
        Self {
            rows: Vec::new(),
            refused: Lines::default(),
            remarks: Lines::default(),
            num_rows: 0,
            kept_bytes: 0,
            left_out: 0,
            first_left_out: 0,
            progress,
        }
    }

    /// Counts a row and says how far it is; whether the row may still be taken.
    pub(super) fn begin(&mut self, line: u64) -> Result<bool, Canceled> {
        self.num_rows += 1;
        if self.num_rows.is_multiple_of(PROGRESS_ROWS) {
            self.report_progress()?;
        }
        let has_room = (self.rows.len() as u64) < MAX_ROWS && self.kept_bytes < MAX_KEPT_BYTES;
        if !has_room {
            if self.left_out == 0 {
                self.first_left_out = line;
            }
            self.left_out += 1;
        }
        Ok(has_room)
    }

    /// Says how far it is.
    pub(super) fn report_progress(&mut self) -> Result<(), Canceled> {
        match (self.progress)(self.num_rows) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Canceled),
        }
    }

    /// Takes a row, or refuses it with everything that is wrong with it.
    pub(super) fn take(&mut self, line: u64, mut row: Row) {
        row.close();
        if !row.faults.is_empty() {
            for fault in row.faults {
                self.refused.push(line, fault);
            }
            return;
        }
        for remark in row.remarks {
            self.remarks.push(line, remark);
        }
        let extra_bytes = row.facts.extra.capacity() * size_of::<(u32, String)>();
        self.kept_bytes += size_of::<FileFacts>() + ALLOCATION_BYTES + row.bytes + extra_bytes;
        self.rows.push(ImportRow {
            line,
            facts: Arc::new(row.facts),
        });
    }

    /// Refuses something that never became a row.
    pub(super) fn refuse(&mut self, line: u64, fault: Fault) {
        self.refused.push(line, fault);
    }

    /// Says something about a line that costs nothing.
    pub(super) fn remark(&mut self, line: u64, fault: Fault) {
        self.remarks.push(line, fault);
    }

    /// Gives the cells of columns that are not ours their final indices; those without one go.
    pub(super) fn renumber(&mut self, mut new_idx: impl FnMut(u32) -> Option<u32>) {
        for row in &mut self.rows {
            if row.facts.extra.is_empty() {
                continue;
            }
            Arc::make_mut(&mut row.facts)
                .extra
                .retain_mut(|(idx, _)| match new_idx(*idx) {
                    Some(new) => {
                        *idx = new;
                        true
                    }
                    None => false,
                });
        }
    }

    /// What came of the file.
    pub(super) fn finish(
        mut self,
        extra_columns: Vec<String>,
        reading: Vec<String>,
    ) -> Result<ReadInventory, Canceled> {
        self.report_progress()?;
        let num_taken = self.rows.len() as u64;
        let mut refused = self.refused.finish();
        if self.left_out > 0 {
            let why = if num_taken >= MAX_ROWS {
                format!(
                    "{} rows from here on are more than the {MAX_ROWS} that are taken",
                    self.left_out
                )
            } else {
                format!(
                    "{} rows from here on need more memory than the {} MiB that an import may take",
                    self.left_out,
                    MAX_KEPT_BYTES >> 20
                )
            };
            // Beside the bound of the list: this line stands for all the others.
            refused.push(RefusedRow {
                line: self.first_left_out,
                column: WHOLE_ROW,
                value: String::new(),
                why,
            });
        }
        let mut inventory = ReadInventory {
            rows: self.rows,
            extra_columns,
            refused,
            remarks: self.remarks.finish(),
            reading,
            num_rows: self.num_rows,
        };
        drop_nameless_columns(&mut inventory);
        Ok(inventory)
    }
}

/// Drops columns without a header in which no row has anything: a spreadsheet writes them for cells that were
/// touched once.
fn drop_nameless_columns(inventory: &mut ReadInventory) {
    if inventory.extra_columns.iter().all(|name| !name.is_empty()) {
        return;
    }
    let mut is_used: Vec<bool> = inventory
        .extra_columns
        .iter()
        .map(|name| !name.is_empty())
        .collect();
    for (idx, _) in inventory.rows.iter().flat_map(|row| &row.facts.extra) {
        is_used[*idx as usize] = true;
    }
    let mut next = 0;
    let moved: Vec<u32> = is_used
        .iter()
        .map(|used| {
            let idx = next;
            next += u32::from(*used);
            idx
        })
        .collect();
    let mut used = is_used.iter();
    inventory
        .extra_columns
        .retain(|_| used.next().copied().unwrap_or(true));
    for row in &mut inventory.rows {
        if !row.facts.extra.is_empty() {
            for (idx, _) in &mut Arc::make_mut(&mut row.facts).extra {
                *idx = moved[*idx as usize];
            }
        }
    }
}
