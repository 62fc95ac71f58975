//! What probes brought of a unit as rows and back, one row a probe. Reading trusts nothing: what cannot be read is left
//! out and counted.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use rusqlite::{Connection, Transaction, params};
use serde::{Deserialize, Serialize};

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

/// How much is read in all; the registry keeps no more than a part of it.
const TOTAL_BYTES: usize = 128 << 20;

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

/// Brings the stored answers of a unit in line, writing nothing when none is newer.
pub(super) fn save(tx: &Transaction<'_>, unit: &Appliance) -> rusqlite::Result<()> {
    let mut there: Vec<(String, i64)> = Vec::new();
    {
        let mut statement =
            tx.prepare_cached("SELECT probe, when_millis FROM probe WHERE appliance = ?1")?;
        let mut rows = statement.query([stored(unit.id.0)])?;
        while let Some(row) = rows.next()? {
            there.push((row.get(0)?, row.get(1)?));
        }
    }
    let Some(probed) = unit.probed.as_deref() else {
        if !there.is_empty() {
            delete(tx, unit.id.0)?;
        }
        return Ok(());
    };
    let mut now: Vec<(String, i64)> = probed
        .answers
        .iter()
        .map(|answer| (answer.probe.word().to_owned(), answer.when.as_millis()))
        .collect();
    there.sort_unstable();
    now.sort_unstable();
    if now == there {
        return Ok(());
    }
    delete(tx, unit.id.0)?;
    for answer in &probed.answers {
        let targets = (answer.probe == Probe::Snmp && !probed.targets.is_empty())
            .then(|| json(&probed.targets.iter().map(target_row).collect::<Vec<_>>()))
            .transpose()?;
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
    let mut by_unit: HashMap<i64, Probed> = HashMap::new();
    let is_there: bool = conn.query_row(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'probe'",
        [],
        |row| row.get(0),
    )?;
    if !is_there {
        return Ok(by_unit);
    }
    let mut statement = conn.prepare(
        "SELECT appliance, probe, ip, when_millis, answer, targets, raw FROM probe
         ORDER BY appliance, when_millis DESC",
    )?;
    let mut found = statement.query([])?;
    let mut num_bytes = 0;
    while let Some(row) = found.next()? {
        let unit: i64 = row.get(0)?;
        let (probe, ip): (String, String) = (row.get(1)?, row.get(2)?);
        let when = Timestamp::from_millis(row.get(3)?);
        let (answer, targets): (String, Option<String>) = (row.get(4)?, row.get(5)?);
        let raw: Option<Vec<u8>> = row.get(6)?;
        let answer_len = answer.len() + targets.as_ref().map_or(0, String::len);
        let (Some(probe), Ok(ip)) = (Probe::from_word(&probe), ip.parse::<Ipv4Addr>()) else {
            reading.left_out += 1;
            continue;
        };
        let Some(answer) = read_answer(probe, when, &answer, raw.as_deref().unwrap_or_default())
        else {
            reading.left_out += 1;
            continue;
        };
        num_bytes += answer.clues.len() * size_of::<Clue>() + answer_len + answer.raw.bytes.len();
        if num_bytes > TOTAL_BYTES {
            reading.left_out += 1;
            continue;
        }
        // The first row of a unit is its newest.
        let probed = by_unit.entry(unit).or_insert_with(|| Probed {
            ip,
            when,
            answers: Vec::new(),
            targets: Vec::new(),
        });
        probed.answers.push(answer);
        if let Some(targets) = targets {
            match serde_json::from_str::<Vec<TargetRow<'_>>>(&targets) {
                Ok(rows) => {
                    probed.targets = rows.into_iter().take(TARGETS_KEPT).map(target).collect();
                }
                Err(_) => reading.left_out += 1,
            }
        }
    }
    #[expect(
        clippy::iter_over_hash_type,
        reason = "each value is changed the same way"
    )]
    for probed in by_unit.values_mut() {
        probed.answers.sort_by_key(|answer| answer.probe);
    }
    Ok(by_unit)
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
