//! What the rows looked like to the last query: their texts in lower case, their numbers, their statuses.
//! Only what changed since is looked at again.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::ptr;
use std::sync::{Arc, Weak};

use super::parse::{self, Term, lower_chars, status_bit};
use super::sort;
use super::{Counter, Counts, Query, Rows};
use crate::model::appliance::Appliance;
use crate::model::column::Column;
use crate::model::identity::{ApplianceId, Mac};
use crate::model::snapshot::{CHUNK_UNITS, Chunk, Slot, Snapshot};
use crate::model::status::{Status, StatusContext};
use crate::model::time::Timestamp;

/// Stands between two cells of a row, so that a word is not found across them.
const SEPARATOR: char = '\u{1f}';

/// How much of a cell is looked at: far more than the longest text that is kept of a unit, and little
/// enough that all cells of a row end within a `u16`.
const CELL_BYTES: usize = 3_000;

/// What a row looked like to the last query, so that only changed rows are looked at again.
#[derive(Debug, Default)]
pub struct RowCache {
    /// In the order of the snapshot's chunks.
    chunks: Vec<CachedChunk>,
    /// Which site the rows are of: another site counts its units and revisions anew.
    site: Option<PathBuf>,
    /// What the statuses were derived with.
    context: StatusContext,
    /// Where a row's texts are put together.
    scratch: String,
}

/// The rows of one chunk of the snapshot.
#[derive(Debug, Default)]
struct CachedChunk {
    /// The chunk that was looked at. Weak, so that a cache keeps no old unit in memory; and while this is held,
    /// its place in memory is not given to another chunk, so that the same place means the same units.
    seen: Weak<Chunk>,
    /// By place within the chunk.
    rows: Vec<Option<Row>>,
    /// Whether a status in it may change by the mere passing of time.
    has_flapped: bool,
}

/// One unit as a query sees it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: ApplianceId,
    revision: u64,
    /// Every cell in lower case, separated, then the MAC's digits. The status is left out: it depends on more
    /// than the unit.
    text: Box<str>,
    /// Where each cell ends in `text`.
    ends: [u16; Column::ALL.len()],
    numbers: Numbers,
    status: Status,
    counters: CounterBits,
}

/// What a row is sorted by.
pub(super) enum SortKey<'a> {
    /// Its value.
    Number(u64),
    /// Its text, in lower case.
    Text(&'a str),
    /// Nothing is known.
    Unknown,
}

/// What sorts by its value and not by its text.
#[derive(Debug)]
struct Numbers {
    ip: Option<Ipv4Addr>,
    gateway: Option<Ipv4Addr>,
    mac: Option<Mac>,
    prefix: Option<u8>,
    first_heard: Option<Timestamp>,
    last_heard: Option<Timestamp>,
}

/// The counters that count a unit, one bit each in the order of [`Counter::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CounterBits(u8);

impl CounterBits {
    fn of(unit: &Appliance, context: &StatusContext) -> Self {
        let mut bits = 0;
        for (idx, counter) in Counter::ALL.into_iter().enumerate() {
            let is_counted = match counter {
                Counter::All => true,
                Counter::New => context.is_new(unit),
                Counter::NoAddress => context.has_no_address(unit),
                Counter::Conflict => context.is_conflict(unit),
                Counter::WrongNetwork => context.is_on_wrong_network(unit),
                Counter::Silent => context.is_silent(unit),
                Counter::OnlyInFile => unit.is_unheard(),
            };
            bits |= u8::from(is_counted) << idx;
        }
        Self(bits)
    }

    const fn has(self, counter: Counter) -> bool {
        self.0 & (1 << counter as u8) != 0
    }

    /// The same as [`StatusContext::status`], without asking for everything twice.
    const fn status(self) -> Status {
        if self.has(Counter::OnlyInFile) {
            Status::OnlyInFile
        } else if self.has(Counter::Conflict) {
            Status::Conflict
        } else if self.has(Counter::NoAddress) {
            Status::NoAddress
        } else if self.has(Counter::WrongNetwork) {
            Status::WrongNetwork
        } else if self.has(Counter::Silent) {
            Status::Silent
        } else if self.has(Counter::New) {
            Status::New
        } else {
            Status::Heard
        }
    }
}

impl RowCache {
    /// Answers a query.
    pub fn rows(&mut self, snapshot: &Snapshot, query: &Query) -> Rows {
        self.refresh(snapshot);
        let terms = parse::parse(&query.text);
        let mut counts = Counts::default();
        let mut found: Vec<(Slot, &Row)> = Vec::new();
        for (chunk_idx, chunk) in self.chunks.iter().enumerate() {
            for (idx, row) in chunk.rows.iter().enumerate() {
                let Some(row) = row else { continue };
                for (bit, count) in counts.iter_mut().enumerate() {
                    *count += u32::from(row.counters.0 >> bit & 1);
                }
                if row.counters.has(query.counter) && terms.iter().all(|term| row.meets(term)) {
                    found.push(((chunk_idx * CHUNK_UNITS + idx) as Slot, row));
                }
            }
        }
        Rows {
            units_revision: snapshot.units_revision,
            order: sort::order(&found, query.sort),
            counts,
        }
    }

    /// Looks again at what changed since the last query.
    fn refresh(&mut self, snapshot: &Snapshot) {
        let context = &snapshot.context;
        if self.site != snapshot.site.path || self.context.opened != context.opened {
            self.chunks.clear();
            self.site.clone_from(&snapshot.site.path);
        }
        let has_same_context = is_same(&self.context.interfaces, &context.interfaces)
            && is_same(&self.context.shared_ips, &context.shared_ips);
        let has_same_time = self.context.now == context.now;
        self.context = context.clone();

        let chunks = &snapshot.units.chunks;
        self.chunks.resize_with(chunks.len(), CachedChunk::default);
        for (cached, chunk) in self.chunks.iter_mut().zip(chunks) {
            let has_same_units = ptr::eq(cached.seen.as_ptr(), Arc::as_ptr(chunk));
            // Time alone changes nothing but how fresh a flap is.
            let has_same_statuses = has_same_context && (has_same_time || !cached.has_flapped);
            if !has_same_units || !has_same_statuses {
                cached.refresh(chunk, context, &mut self.scratch);
            }
        }
    }
}

fn is_same<T: PartialEq>(left: &Arc<T>, right: &Arc<T>) -> bool {
    Arc::ptr_eq(left, right) || left == right
}

impl CachedChunk {
    fn refresh(&mut self, chunk: &Arc<Chunk>, context: &StatusContext, scratch: &mut String) {
        self.seen = Arc::downgrade(chunk);
        self.has_flapped = false;
        self.rows.resize_with(chunk.len(), || None);
        for (row, unit) in self.rows.iter_mut().zip(chunk.iter()) {
            let Some(unit) = unit else {
                *row = None;
                continue;
            };
            let counters = CounterBits::of(unit, context);
            match row {
                Some(row) if row.id == unit.id && row.revision == unit.revision => {
                    row.counters = counters;
                    row.status = counters.status();
                }
                _ => *row = Some(Row::new(unit, context, counters, scratch)),
            }
            self.has_flapped |= unit
                .heard
                .as_ref()
                .is_some_and(|heard| heard.flapped.is_some());
        }
    }
}

impl Row {
    fn new(
        unit: &Appliance,
        context: &StatusContext,
        counters: CounterBits,
        scratch: &mut String,
    ) -> Self {
        let numbers = Numbers {
            ip: unit.ip_value(),
            gateway: unit.gateway().and_then(|best| best.value),
            mac: unit.mac().map(|best| best.value),
            prefix: unit.prefix().map(|best| best.value),
            first_heard: unit.first_heard(),
            last_heard: unit.last_heard(),
        };
        let mut ends = [0; Column::ALL.len()];
        scratch.clear();
        for (column, end) in Column::ALL.into_iter().zip(&mut ends) {
            if column != Column::Status {
                scratch.push(SEPARATOR);
                let start = scratch.len();
                column.write_text(unit, context, scratch);
                lower_tail(scratch, start);
            }
            // Within a `u16`: 18 cells of at most `CELL_BYTES` each, and their separators.
            *end = scratch.len() as u16;
        }
        if let Some(mac) = numbers.mac {
            scratch.push(SEPARATOR);
            for octet in mac.octets() {
                for digit in [octet >> 4, octet & 15] {
                    scratch.extend(char::from_digit(u32::from(digit), 16));
                }
            }
        }
        Self {
            id: unit.id,
            revision: unit.revision,
            text: Box::from(scratch.as_str()),
            ends,
            numbers,
            status: counters.status(),
            counters,
        }
    }

    /// A cell in lower case; empty for the status.
    pub(super) fn cell(&self, column: Column) -> &str {
        let idx = column as usize;
        let Some(before) = idx.checked_sub(1) else {
            return "";
        };
        let start = usize::from(self.ends[before]) + SEPARATOR.len_utf8();
        &self.text[start..usize::from(self.ends[idx])]
    }

    /// Every cell but the status.
    fn cells(&self) -> &str {
        &self.text[..usize::from(self.ends[Column::ALL.len() - 1])]
    }

    /// What a column sorts this row by.
    pub(super) fn sort_key(&self, column: Column) -> SortKey<'_> {
        let numbers = &self.numbers;
        let ip = |ip: Ipv4Addr| u64::from(ip.to_bits());
        // Flipping the sign bit keeps times before 1970 before the others.
        let time = |time: Timestamp| time.as_millis().cast_unsigned() ^ (1 << 63);
        let mac = |mac: Mac| {
            let octets = mac.octets().into_iter();
            octets.fold(0, |bits, octet| bits << 8 | u64::from(octet))
        };
        let number = match column {
            Column::Status => Some(self.status as u64),
            Column::Ip => numbers.ip.map(ip),
            Column::Gateway => numbers.gateway.map(ip),
            Column::Prefix => numbers.prefix.map(u64::from),
            Column::Mac => numbers.mac.map(mac),
            Column::FirstHeard => numbers.first_heard.map(time),
            Column::LastHeard => numbers.last_heard.map(time),
            _ => {
                return match self.cell(column) {
                    "" => SortKey::Unknown,
                    text => SortKey::Text(text),
                };
            }
        };
        number.map_or(SortKey::Unknown, SortKey::Number)
    }

    fn meets(&self, term: &Term) -> bool {
        let is_found = match term.column {
            None => self.has_anywhere(term),
            Some(Column::Status) => self.has_status(term),
            Some(column) if term.text.is_empty() => !self.cell(column).is_empty(),
            Some(column) => {
                self.cell(column).contains(&term.text)
                    || (column == Column::Mac && self.has_mac(term))
            }
        };
        is_found != term.negated
    }

    fn has_status(&self, term: &Term) -> bool {
        term.statuses & status_bit(self.status) != 0
    }

    fn has_mac(&self, term: &Term) -> bool {
        let is_notation = |mac: &String| self.cell(Column::Mac).contains(mac);
        let digits = &self.text[self.cells().len()..];
        term.mac.as_ref().is_some_and(is_notation)
            || (term.is_bare_hex && digits.contains(&term.text))
    }

    fn has_anywhere(&self, term: &Term) -> bool {
        if self.has_status(term) {
            return true;
        }
        if term.text.contains(SEPARATOR) {
            let mut columns = Column::ALL.into_iter();
            return columns.any(|column| self.cell(column).contains(&term.text));
        }
        self.cells().contains(&term.text) || self.has_mac(term)
    }
}

/// Turns the end of `text` into lower case, and cuts it at [`CELL_BYTES`].
fn lower_tail(text: &mut String, start: usize) {
    cut_tail(text, start);
    if text[start..].is_ascii() {
        text[start..].make_ascii_lowercase();
    } else {
        let lower: String = lower_chars(&text[start..]).collect();
        text.truncate(start);
        text.push_str(&lower);
        // A few letters are longer in lower case.
        cut_tail(text, start);
    }
}

fn cut_tail(text: &mut String, start: usize) {
    if text.len() > start + CELL_BYTES {
        text.truncate(text.floor_char_boundary(start + CELL_BYTES));
    }
}
