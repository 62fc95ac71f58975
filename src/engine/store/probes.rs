//! What probes brought of a unit as rows and back, one row a probe. Reading trusts nothing: what cannot be read is left
//! out and counted, what is too much is read without its bytes or with its facts alone. Either way the rows stay as they
//! are until a newer answer of the same probe takes their place, or the unit is removed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::Ipv4Addr;
use std::sync::Arc;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Transaction, params};
use serde::{Deserialize, Serialize};

use super::load::{UNITS_KEPT, integer, text};
use super::rows::{self, Reading};
use super::save::stored;
use crate::model::appliance::Appliance;
use crate::model::probing::{
    Answer, CLUES_KEPT, Clue, ClueKind, Outcome, Probe, Probed, TARGETS_KEPT, Target,
};
use crate::model::sighting::{RAW_KEPT_BYTES, RawDatagram};
use crate::model::time::Timestamp;

/// The table; it came with format 2.
pub(super) const TABLE: &str = "
CREATE TABLE IF NOT EXISTS probe (
    appliance INTEGER NOT NULL,
    probe TEXT NOT NULL,
    ip TEXT NOT NULL,
    when_millis INTEGER NOT NULL,
    answer TEXT NOT NULL,
    targets TEXT,
    raw BLOB,
    PRIMARY KEY (appliance, probe)
) STRICT, WITHOUT ROWID;
";

/// How much is read in all, beside the facts of every unit; the registry keeps no more than a part of it.
const TOTAL_BYTES: usize = 128 << 20;

/// What of it may be bytes as they came, the newest first.
const RAW_SHARE: usize = 2;

/// An answer, without what has a column of its own.
#[derive(Serialize, Deserialize)]
struct AnswerRow<'a> {
    took_millis: u32,
    #[serde(borrow)]
    outcome: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    why: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    clues: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    #[serde(default)]
    full_len: u32,
}

/// A target.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct TargetRow<'a> {
    port: u32,
    #[serde(borrow)]
    tty: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow)]
    speed: Cow<'a, str>,
    is_connected: Option<bool>,
}

/// Removes what probes brought of a unit.
pub(super) fn delete(tx: &Transaction<'_>, id: u64) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM probe WHERE appliance = ?1")?
        .execute([stored(id)])?;
    Ok(())
}

/// Stores the answers of a unit that differ from those of the same probe in the file. No other row is touched: the file may
/// hold more than was read of it.
pub(super) fn save(tx: &Transaction<'_>, unit: &Appliance) -> rusqlite::Result<()> {
    let Some(probed) = unit.probed.as_deref() else {
        return Ok(());
    };
    let mut there: Vec<(Probe, i64)> = Vec::with_capacity(Probe::ALL.len());
    {
        let mut statement =
            tx.prepare_cached("SELECT probe, when_millis FROM probe WHERE appliance = ?1")?;
        let mut rows = statement.query([stored(unit.id.0)])?;
        while let Some(row) = rows.next()? {
            if let Some(probe) = text(row, 0)?.and_then(Probe::from_word) {
                there.push((probe, integer(row, 1)?));
            }
        }
    }
    for answer in &probed.answers {
        // The same answer may have been cut since, in memory.
        if there.contains(&(answer.probe, answer.when.as_millis())) {
            continue;
        }
        let targets = (answer.probe == Probe::Snmp && !probed.targets.is_empty())
            .then(|| json(&probed.targets.iter().map(target_row).collect::<Vec<_>>()))
            .transpose()?;
        tx.prepare_cached("DELETE FROM probe WHERE appliance = ?1 AND probe = ?2")?
            .execute(params![stored(unit.id.0), answer.probe.word()])?;
        tx.prepare_cached(
            "INSERT INTO probe (appliance, probe, ip, when_millis, answer, targets, raw)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            stored(unit.id.0),
            answer.probe.word(),
            probed.ip.to_string(),
            answer.when.as_millis(),
            json(&answer_row(answer))?,
            targets,
            (!answer.raw.bytes.is_empty()).then_some(&*answer.raw.bytes),
        ])?;
    }
    Ok(())
}

fn answer_row(answer: &Answer) -> AnswerRow<'_> {
    AnswerRow {
        took_millis: answer.took_millis,
        outcome: Cow::Borrowed(answer.outcome.word()),
        why: answer.outcome.why().map(Cow::Borrowed),
        clues: answer
            .clues
            .iter()
            .map(|clue| (Cow::Borrowed(clue.kind.word()), Cow::Borrowed(&*clue.text)))
            .collect(),
        full_len: answer.raw.full_len,
    }
}

fn target_row(target: &Target) -> TargetRow<'_> {
    TargetRow {
        port: target.port,
        tty: Cow::Borrowed(&target.tty),
        name: Cow::Borrowed(&target.name),
        status: Cow::Borrowed(&target.status),
        speed: Cow::Borrowed(&target.speed),
        is_connected: target.is_connected,
    }
}

/// Texts and numbers always become JSON; the type of the error says that they might not.
fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// Everything that probes brought, by unit.
pub(super) fn read(
    conn: &Connection,
    reading: &mut Reading,
) -> rusqlite::Result<HashMap<i64, Probed>> {
    read_within(conn, reading, TOTAL_BYTES)
}

/// What there is to say of answers that were too much to be read whole.
pub(super) fn remark(reading: &Reading) -> Option<String> {
    (reading.cut_answers > 0).then(|| {
        format!(
            "answers to probes in the site file take more than {} MiB, the most that is read: {} were read without \
             what came byte for byte, or only in part; they stay in the file as they are",
            TOTAL_BYTES >> 20,
            reading.cut_answers
        )
    })
}

fn read_within(
    conn: &Connection,
    reading: &mut Reading,
    total_bytes: usize,
) -> rusqlite::Result<HashMap<i64, Probed>> {
    let mut by_unit: HashMap<i64, Probed> = HashMap::new();
    let is_there: bool = conn.query_row(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'probe'",
        [],
        |row| row.get(0),
    )?;
    if !is_there {
        return Ok(by_unit);
    }
    let oldest_raw = oldest_raw(conn, total_bytes / RAW_SHARE)?;
    // Rows of units that are not there, or one too many, would have no bound.
    let mut statement = conn.prepare(
        "SELECT appliance, probe, ip, when_millis, answer, targets, raw FROM probe
         WHERE appliance IN (SELECT id FROM appliance ORDER BY id LIMIT ?1)
         ORDER BY appliance, when_millis DESC",
    )?;
    let mut found = statement.query([stored(UNITS_KEPT as u64)])?;
    let mut num_bytes = 0;
    while let Some(row) = found.next()? {
        let (unit, when_millis) = (integer(row, 0)?, integer(row, 3)?);
        let when = Timestamp::from_millis(when_millis);
        let probe = text(row, 1)?.and_then(Probe::from_word);
        let ip = text(row, 2)?.and_then(|ip| ip.parse::<Ipv4Addr>().ok());
        let (Some(probe), Some(ip), Some(answer)) = (probe, ip, text(row, 4)?) else {
            reading.left_out += 1;
            continue;
        };
        let raw = match row.get_ref(6)? {
            ValueRef::Blob(raw) => raw,
            _ => &[],
        };
        let is_too_old = when_millis < oldest_raw && !raw.is_empty();
        let kept_raw = if is_too_old { &[] } else { raw };
        let Some(answer) = read_answer(probe, when, answer, kept_raw) else {
            reading.left_out += 1;
            continue;
        };
        let targets = match text(row, 5)?.map(serde_json::from_str::<Vec<TargetRow<'_>>>) {
            Some(Ok(rows)) => rows.into_iter().take(TARGETS_KEPT).map(target).collect(),
            Some(Err(_)) => {
                reading.left_out += 1;
                Vec::new()
            }
            None => Vec::new(),
        };
        let read = Probed {
            ip,
            when,
            answers: vec![answer],
            targets,
        };
        let (read, is_cut) = within(read, total_bytes.saturating_sub(num_bytes));
        num_bytes += read.num_bytes();
        reading.cut_answers += u64::from(is_cut || is_too_old);
        match by_unit.entry(unit) {
            // The first row of a unit is its newest.
            Entry::Vacant(place) => {
                place.insert(read);
            }
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                if known.answer(probe).is_none() {
                    known.answers.extend(read.answers);
                    if probe == Probe::Snmp {
                        known.targets = read.targets;
                    }
                }
            }
        }
    }
    #[expect(
        clippy::iter_over_hash_type,
        reason = "each value is changed the same way"
    )]
    for probed in by_unit.values_mut() {
        probed.answers.sort_by_key(|answer| answer.probe);
        probed.answers.shrink_to_fit();
    }
    Ok(by_unit)
}

/// As much of an answer as there is room for, at least its facts; and whether it was cut.
fn within(read: Probed, room_bytes: usize) -> (Probed, bool) {
    if read.num_bytes() <= room_bytes {
        return (read, false);
    }
    let without_raw = read.without_raw();
    if without_raw.num_bytes() <= room_bytes {
        return (without_raw, true);
    }
    let is_cut = read.has_more_than_facts();
    (without_raw.only_facts(), is_cut)
}

/// From when on the bytes of answers fit into a limit.
fn oldest_raw(conn: &Connection, most_bytes: usize) -> rusqlite::Result<i64> {
    let most_bytes = i64::try_from(most_bytes).unwrap_or(i64::MAX);
    let total: Option<i64> = conn.query_row(
        "SELECT sum(min(length(raw), ?1)) FROM probe",
        [stored(RAW_KEPT_BYTES as u64)],
        |row| row.get(0),
    )?;
    if total.unwrap_or(0) <= most_bytes {
        return Ok(i64::MIN);
    }
    let mut statement = conn.prepare(
        "SELECT when_millis, min(length(raw), ?1) FROM probe WHERE raw IS NOT NULL ORDER BY when_millis DESC",
    )?;
    let mut rows = statement.query([stored(RAW_KEPT_BYTES as u64)])?;
    let mut sum = 0_i64;
    while let Some(row) = rows.next()? {
        sum = sum.saturating_add(integer(row, 1)?);
        if sum > most_bytes {
            return Ok(integer(row, 0)?.saturating_add(1));
        }
    }
    Ok(i64::MIN)
}

fn read_answer(probe: Probe, when: Timestamp, json: &str, raw: &[u8]) -> Option<Answer> {
    let row: AnswerRow<'_> = serde_json::from_str(json).ok()?;
    let why = || rows::short_text(row.why.clone().unwrap_or_default());
    let outcome = match &*row.outcome {
        "answered" => Outcome::Answered,
        "silent" => Outcome::Silent,
        "closed" => Outcome::Closed,
        "garbled" => Outcome::Garbled(why()),
        "failed" => Outcome::Failed(why()),
        _ => return None,
    };
    let clues = row
        .clues
        .into_iter()
        .take(CLUES_KEPT)
        .filter_map(|(kind, text)| {
            Some(Clue {
                kind: ClueKind::from_word(&kind).filter(|kind| kind.probe() == probe)?,
                text: rows::short_text(text),
            })
        });
    let kept = raw.len().min(RAW_KEPT_BYTES);
    Some(Answer {
        probe,
        when,
        took_millis: row.took_millis,
        outcome,
        clues: clues.collect(),
        raw: RawDatagram {
            bytes: Arc::from(&raw[..kept]),
            full_len: row.full_len.max(u32::try_from(kept).unwrap_or(u32::MAX)),
        },
    })
}

fn target(row: TargetRow<'_>) -> Target {
    Target {
        port: row.port,
        tty: rows::short_text(row.tty),
        name: rows::short_text(row.name),
        status: rows::short_text(row.status),
        speed: rows::short_text(row.speed),
        is_connected: row.is_connected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::store::schema;

    /// Ten units with one answer each, the higher numbers the newer ones.
    fn ten() -> Connection {
        let conn = schema::in_memory().expect("memory is enough");
        conn.execute_batch(
            r#"WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10)
            INSERT INTO appliance (id) SELECT n FROM n;
            INSERT INTO probe SELECT id, 'snmp', '10.0.0.1', id,
                '{"took_millis":1,"outcome":"answered","full_len":9999,"clues":[["model","ACS8048"],'
                || '["description","' || printf('%.*c', 200, 'd') || '"]]}',
                '[{"port":1},{"port":2}]', zeroblob(9999) FROM appliance;"#,
        )
        .expect("SQLite works");
        conn
    }

    fn read_all(conn: &Connection, total_bytes: usize) -> (Vec<Probed>, Reading) {
        let mut reading = Reading::default();
        let mut read = read_within(conn, &mut reading, total_bytes).expect("it is read");
        let all = (1..=10).map(|id| read.remove(&id).expect("every unit has its facts"));
        (all.collect(), reading)
    }

    #[test]
    fn what_is_too_much_is_read_without_its_bytes_and_then_with_its_facts() {
        let conn = ten();
        let (all, reading) = read_all(&conn, 1 << 20);
        assert!(all.iter().all(Probed::has_raw));
        assert_eq!((reading.left_out, reading.cut_answers), (0, 0));
        assert_eq!(remark(&reading), None);

        let (all, reading) = read_all(&conn, 7 * RAW_KEPT_BYTES);
        let with_raw: Vec<bool> = all.iter().map(Probed::has_raw).collect();
        assert_eq!(with_raw[..7], [false; 7], "the oldest bytes go first");
        assert_eq!(with_raw[7..], [true; 3]);
        assert!(all.iter().all(|probed| probed.targets.len() == 2));
        let lens = all.iter().map(|probed| probed.answers[0].raw.full_len);
        assert!(lens.into_iter().all(|len| len == 9_999));
        assert_eq!((reading.left_out, reading.cut_answers), (0, 7));
        let words = remark(&reading).expect("it is said");
        assert!(
            words.contains("more than 128 MiB, the most that is read: 7 were read without"),
            "{words}"
        );

        let (all, reading) = read_all(&conn, 0);
        for probed in &all {
            assert_eq!(probed.clue(ClueKind::Model), Some("ACS8048"));
            assert!(!probed.has_more_than_facts());
        }
        assert_eq!((reading.left_out, reading.cut_answers), (0, 10));
    }

    #[test]
    fn rows_of_no_unit_and_second_rows_of_a_probe_fill_no_memory() {
        let conn = ten();
        conn.execute_batch(
            "CREATE TABLE old AS SELECT * FROM probe; DROP TABLE probe; ALTER TABLE old RENAME TO probe;
            INSERT INTO probe SELECT * FROM probe; INSERT INTO probe SELECT * FROM probe;
            INSERT INTO probe SELECT appliance + 100, probe, ip, when_millis, answer, targets, raw FROM probe;",
        )
        .expect("SQLite works");
        let mut reading = Reading::default();
        let read = read_within(&conn, &mut reading, 1 << 20).expect("it is read");
        assert_eq!(read.len(), 10);
        assert!(read.values().all(|probed| probed.answers.len() == 1));
    }
}
