//! Changes of units into a site file's rows, in one transaction.

use std::sync::Arc;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::SaveBatch;
use super::{probes, rows, watching};
use crate::model::appliance::{Appliance, FileFacts};
use crate::model::registry::SIGHTINGS_KEPT;

pub(super) fn save_batch(conn: &mut Connection, batch: &SaveBatch) -> rusqlite::Result<()> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut delete_unit = tx.prepare_cached("DELETE FROM appliance WHERE id = ?1")?;
        let mut delete_evidence = tx.prepare_cached("DELETE FROM evidence WHERE appliance = ?1")?;
        for id in &batch.removed {
            delete_evidence.execute([stored(id.0)])?;
            delete_unit.execute([stored(id.0)])?;
            probes::delete(&tx, id.0)?;
        }
    }
    for unit in &batch.changed {
        save_unit(&tx, unit)?;
        save_evidence(&tx, unit)?;
        probes::save(&tx, unit)?;
    }
    put_site_value(&tx, "next_id", &batch.next_id.to_string())?;
    if let Some(extra_columns) = &batch.extra_columns {
        put_site_value(
            &tx,
            "extra_columns",
            &json(serde_json::to_string(extra_columns))?,
        )?;
    }
    if let Some(has_v3) = batch.has_v3 {
        put_site_value(&tx, "has_snmp_v3", if has_v3 { "1" } else { "0" })?;
    }
    watching::save(&tx, &batch.watching)?;
    tx.commit()
}

/// Texts always become JSON; the type of the error says that they might not.
fn json(json: serde_json::Result<String>) -> rusqlite::Result<String> {
    json.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn put_site_value(tx: &Transaction<'_>, key: &str, value: &str) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT OR REPLACE INTO site (key, value) VALUES (?1, ?2)")?
        .execute([key, value])?;
    Ok(())
}

fn save_unit(tx: &Transaction<'_>, unit: &Appliance) -> rusqlite::Result<()> {
    let heard = unit.heard.as_ref().map(rows::write_heard).transpose();
    let facts = |facts: Option<&Arc<FileFacts>>| {
        facts
            .map(|facts| json(rows::write_file_facts(facts)))
            .transpose()
    };
    let heard = heard.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    tx.prepare_cached(
        "INSERT INTO appliance (id, heard, imported, typed_name, typed_note, by_hand)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (id) DO UPDATE SET heard = excluded.heard, imported = excluded.imported,
             typed_name = excluded.typed_name, typed_note = excluded.typed_note, by_hand = excluded.by_hand",
    )?
    .execute(params![
        stored(unit.id.0),
        heard,
        facts(unit.imported.as_ref())?,
        unit.typed.name,
        unit.typed.note,
        facts(unit.typed.by_hand.as_ref())?,
    ])?;
    Ok(())
}

/// Brings the stored evidence of a unit in line, writing only what differs: as a rule one new row, and one
/// whose bytes are dropped.
fn save_evidence(tx: &Transaction<'_>, unit: &Appliance) -> rusqlite::Result<()> {
    let mut there: Vec<(i64, i64, bool)> = Vec::with_capacity(SIGHTINGS_KEPT);
    {
        let mut statement = tx.prepare_cached(
            "SELECT seq, when_millis, raw IS NOT NULL FROM evidence WHERE appliance = ?1 ORDER BY seq",
        )?;
        let mut rows = statement.query([stored(unit.id.0)])?;
        while let Some(row) = rows.next()? {
            there.push((row.get(0)?, row.get(1)?, row.get(2)?));
        }
    }
    for (seq, ..) in &there {
        if !unit
            .evidence
            .iter()
            .any(|evidence| stored(evidence.seq) == *seq)
        {
            tx.prepare_cached("DELETE FROM evidence WHERE appliance = ?1 AND seq = ?2")?
                .execute([stored(unit.id.0), *seq])?;
        }
    }
    for evidence in &unit.evidence {
        let place = there.binary_search_by_key(&stored(evidence.seq), |(seq, ..)| *seq);
        let found = place.ok().and_then(|idx| there.get(idx));
        let when_millis = evidence.when.as_millis();
        match found {
            Some((_, when, has_raw))
                if *when == when_millis && *has_raw == evidence.raw.is_some() => {}
            Some((_, when, true)) if *when == when_millis => {
                tx.prepare_cached(
                    "UPDATE evidence SET raw = NULL WHERE appliance = ?1 AND seq = ?2",
                )?
                .execute([stored(unit.id.0), stored(evidence.seq)])?;
            }
            _ => {
                tx.prepare_cached(
                    "INSERT OR REPLACE INTO evidence (appliance, seq, when_millis, source, channel, sender,
                         interface, remarks, full_len, raw)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                )?
                .execute(params![
                    stored(unit.id.0),
                    stored(evidence.seq),
                    when_millis,
                    evidence.source.word(),
                    rows::channel_word(evidence.channel),
                    evidence.from.to_string(),
                    &*evidence.interface,
                    rows::remarks_bits(evidence.remarks),
                    evidence.full_len,
                    evidence.raw.as_deref(),
                ])?;
            }
        }
    }
    Ok(())
}

/// An id or a counter as `SQLite` holds numbers. No registry ever counts beyond that.
pub(super) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
