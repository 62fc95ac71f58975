//! A site file's rows into the model's units. Bounded, whatever the file holds: what is beyond a limit or cannot be read is
//! said. Units, facts and answers that were left out stay in the file; evidence follows the memory with the next save of its
//! unit.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, Rows};

use super::SiteContents;
use super::probes;
use super::rows::{self, EvidenceRow, Reading};
use crate::model::appliance::{Appliance, Typed};
use crate::model::identity::ApplianceId;
use crate::model::registry::{RAW_KEPT, SIGHTINGS_KEPT};
use crate::model::sighting::Evidence;

/// How many units a site may have (rules, "Registry").
pub(super) const UNITS_KEPT: usize = 200_000;

/// How many raw bytes are read in all, the newest first (rules, "Hostile senders").
const RAW_TOTAL_BYTES: i64 = 64 * 1024 * 1024;

/// How many unknown columns are read.
const EXTRA_COLUMNS_KEPT: usize = 1024;

/// Ids and counters beyond this come from no registry, and would leave no room to count on.
const NUMBER_MAX: i64 = 1 << 62;

pub(super) fn read_contents(conn: &Connection, name: String) -> rusqlite::Result<SiteContents> {
    let mut reading = Reading::default();
    let extra_columns = read_extra_columns(conn, &mut reading)?;
    reading.num_extra_columns = extra_columns.len();
    let stored_next_id = site_value(conn, "next_id")?.and_then(|text| text.parse::<i64>().ok());

    let num_units: i64 = conn.query_row("SELECT count(*) FROM appliance", [], |row| row.get(0))?;
    let last_id: Option<i64> = conn.query_row(
        "SELECT max(id) FROM appliance WHERE id <= ?1",
        [NUMBER_MAX],
        |row| row.get(0),
    )?;
    let mut statement = conn.prepare(
        "SELECT id, heard, imported, typed_name, typed_note, by_hand FROM appliance ORDER BY id",
    )?;
    let mut unit_rows = statement.query([])?;
    let mut evidence = EvidenceRows {
        oldest_raw_seq: oldest_raw_seq(conn)?,
        waiting: None,
        last_seq: 0,
    };
    let mut statement = conn.prepare(
        "SELECT appliance, seq, when_millis, source, channel, sender, interface, remarks, full_len, raw
         FROM evidence ORDER BY appliance, seq",
    )?;
    let mut evidence_rows = statement.query([])?;

    let mut probed = probes::read(conn, &mut reading)?;
    let mut units = Vec::with_capacity(usize::try_from(num_units).unwrap_or(0).min(UNITS_KEPT));
    let mut num_refused = 0;
    while let Some(row) = unit_rows.next()? {
        if units.len() == UNITS_KEPT {
            num_refused = (num_units as u64).saturating_sub(UNITS_KEPT as u64);
            break;
        }
        let Some((id, mut unit)) = read_unit(row, &mut reading)? else {
            continue;
        };
        unit.probed = probed.remove(&id).map(Arc::new);
        unit.evidence = evidence.of_unit(id, &mut evidence_rows, &mut reading)?;
        unit.revision = units.len() as u64 + 1;
        units.push(unit);
    }

    let watching = super::watching::read(conn, &mut reading)?;
    let mut remarks = Vec::new();
    if num_refused > 0 {
        remarks.push(format!(
            "the site has more than {UNITS_KEPT} units: {num_refused} were left in the file and are not shown"
        ));
    }
    if reading.left_out > 0 {
        remarks.push(format!(
            "{} items in the site file could not be read and were left out",
            reading.left_out
        ));
    }
    remarks.extend(probes::remark(&reading));
    let next_id = stored_next_id
        .filter(|next_id| (1..=NUMBER_MAX).contains(next_id))
        .unwrap_or(1)
        .max(last_id.map_or(1, |last_id| last_id.max(0) + 1));
    let site_id = site_id(conn)?;
    let has_v3 = site_value(conn, "has_snmp_v3")?.is_some_and(|value| value == "1");
    Ok(SiteContents {
        site_id,
        has_v3,
        next_revision: units.len() as u64 + 1,
        next_seq: evidence.last_seq + 1,
        units,
        extra_columns,
        next_id: next_id as u64,
        name,
        watching,
        remarks,
    })
}

/// The site's own number.
pub(super) fn site_id(conn: &Connection) -> rusqlite::Result<Option<String>> {
    let is_number = |id: &String| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(site_value(conn, "site_id")?.filter(is_number))
}

fn site_value(conn: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    let mut statement = conn.prepare("SELECT value FROM site WHERE key = ?1")?;
    let mut found = statement.query([key])?;
    Ok(match found.next()? {
        Some(row) => text(row, 0)?.map(str::to_owned),
        None => None,
    })
}

fn read_extra_columns(conn: &Connection, reading: &mut Reading) -> rusqlite::Result<Vec<String>> {
    let Some(json) = site_value(conn, "extra_columns")? else {
        return Ok(Vec::new());
    };
    let Ok(names) = serde_json::from_str::<Vec<String>>(&json) else {
        reading.left_out += 1;
        return Ok(Vec::new());
    };
    let kept = names.into_iter().take(EXTRA_COLUMNS_KEPT);
    Ok(kept.map(|name| rows::long_text(Cow::Owned(name))).collect())
}

fn read_unit(row: &Row<'_>, reading: &mut Reading) -> rusqlite::Result<Option<(i64, Appliance)>> {
    let id = integer(row, 0)?;
    let Some(number) = number(id) else {
        reading.left_out += 1;
        return Ok(None);
    };
    let column = |idx| text(row, idx);
    let (heard, imported) = (column(1)?, column(2)?);
    let (name, note, by_hand) = (column(3)?, column(4)?, column(5)?);
    let unit = Appliance {
        id: ApplianceId(number),
        revision: 0,
        probed: None,
        identified: None,
        heard: heard.and_then(|json| reading.heard(json)),
        imported: imported
            .and_then(|json| reading.file_facts(json))
            .map(Arc::new),
        typed: Typed {
            name: name.map(|name| rows::short_text(Cow::Borrowed(name))),
            note: note.map(|note| rows::long_text(Cow::Borrowed(note))),
            by_hand: by_hand
                .and_then(|json| reading.file_facts(json))
                .map(Arc::new),
        },
        evidence: VecDeque::new(),
    };
    if unit.heard.is_none() && unit.imported.is_none() && unit.typed.by_hand.is_none() {
        // Nothing tells what it is. It stays in the file.
        reading.left_out += 1;
        return Ok(None);
    }
    Ok(Some((id, unit)))
}

/// Walks along the table of evidence beside the table of units, both in the order of the units' ids.
struct EvidenceRows {
    /// Bytes of older evidence are not read: together they would be too many.
    oldest_raw_seq: i64,
    /// A row that was read already and belongs to a later unit.
    waiting: Option<(i64, Option<Evidence>)>,
    /// The greatest number of a piece of evidence so far.
    last_seq: u64,
}

impl EvidenceRows {
    fn of_unit(
        &mut self,
        id: i64,
        rows: &mut Rows<'_>,
        reading: &mut Reading,
    ) -> rusqlite::Result<VecDeque<Evidence>> {
        let mut kept = VecDeque::new();
        loop {
            let (owner, evidence) = match self.waiting.take() {
                Some(waiting) => waiting,
                None => match rows.next()? {
                    Some(row) => self.read(row, reading)?,
                    None => break,
                },
            };
            if owner > id {
                self.waiting = Some((owner, evidence));
                break;
            }
            if owner == id
                && let Some(evidence) = evidence
            {
                if kept.len() == SIGHTINGS_KEPT {
                    kept.pop_front();
                }
                kept.push_back(evidence);
            }
        }
        let newest_first = kept.iter_mut().rev();
        for evidence in newest_first
            .filter(|evidence| evidence.raw.is_some())
            .skip(RAW_KEPT)
        {
            evidence.raw = None;
        }
        kept.shrink_to_fit();
        Ok(kept)
    }

    fn read(
        &mut self,
        row: &Row<'_>,
        reading: &mut Reading,
    ) -> rusqlite::Result<(i64, Option<Evidence>)> {
        let owner = integer(row, 0)?;
        let seq = integer(row, 1)?;
        let texts = (text(row, 3)?, text(row, 4)?, text(row, 5)?, text(row, 6)?);
        let (Some(number), (Some(source), Some(channel), Some(sender), Some(interface))) =
            (number(seq), texts)
        else {
            reading.left_out += 1;
            return Ok((owner, None));
        };
        self.last_seq = self.last_seq.max(number);
        let raw = match row.get_ref(9)? {
            ValueRef::Blob(raw) if seq >= self.oldest_raw_seq => Some(raw),
            _ => None,
        };
        let evidence = reading.evidence(&EvidenceRow {
            seq: number,
            when_millis: integer(row, 2)?,
            source,
            channel,
            sender,
            interface,
            remarks: integer(row, 7)?,
            full_len: integer(row, 8)?,
            raw,
        });
        Ok((owner, evidence))
    }
}

/// From which number on the bytes of evidence fit into the limit.
fn oldest_raw_seq(conn: &Connection) -> rusqlite::Result<i64> {
    let total: Option<i64> =
        conn.query_row("SELECT sum(length(raw)) FROM evidence", [], |row| {
            row.get(0)
        })?;
    if total.unwrap_or(0) <= RAW_TOTAL_BYTES {
        return Ok(0);
    }
    let mut statement = conn
        .prepare("SELECT seq, length(raw) FROM evidence WHERE raw IS NOT NULL ORDER BY seq DESC")?;
    let mut rows = statement.query([])?;
    let mut sum = 0_i64;
    while let Some(row) = rows.next()? {
        sum = sum.saturating_add(integer(row, 1)?);
        if sum > RAW_TOTAL_BYTES {
            return Ok(integer(row, 0)?.saturating_add(1));
        }
    }
    Ok(0)
}

/// A text that is there and readable. The file may hold anything else.
pub(super) fn text<'a>(row: &'a Row<'_>, idx: usize) -> rusqlite::Result<Option<&'a str>> {
    Ok(match row.get_ref(idx)? {
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    })
}

pub(super) fn integer(row: &Row<'_>, idx: usize) -> rusqlite::Result<i64> {
    Ok(match row.get_ref(idx)? {
        ValueRef::Integer(integer) => integer,
        _ => -1,
    })
}

/// An id or a counter that a registry may have given.
fn number(stored: i64) -> Option<u64> {
    u64::try_from(stored).ok().filter(|_| stored <= NUMBER_MAX)
}
