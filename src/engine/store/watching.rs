//! What was watched, as rows and back: findings, management networks, the capture ring. Reading trusts nothing: what cannot
//! be read or is too much is left out and counted.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::rows::{self, Reading};
use super::save::stored;
use crate::engine::recorder::{RING_BYTES, Segment, Unsaved};
use crate::model::finding::{
    FINDING_SAMPLES, FINDINGS_KEPT, Finding, FindingKey, FindingKind, FindingSample, FindingState,
    MANAGEMENT_KEPT, ManagementNetwork,
};
use crate::model::identity::Mac;
use crate::model::sighting::{RAW_KEPT_BYTES, RawDatagram};
use crate::model::time::Timestamp;

/// The tables; they came with format 3.
pub(super) const TABLES: &str = "
CREATE TABLE IF NOT EXISTS finding (
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS management (
    position INTEGER PRIMARY KEY,
    cidr TEXT NOT NULL,
    vlan TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS capture (
    seq INTEGER PRIMARY KEY,
    first_millis INTEGER NOT NULL,
    last_millis INTEGER NOT NULL,
    num_datagrams INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
";

/// A finding's row that is longer is none of ours.
const BODY_BYTES: usize = 64 << 10;

/// Text of a finding that is longer is cut.
const TEXT_CHARS: usize = 2_000;

/// Lines of details that are read.
const DETAILS_KEPT: usize = 16;

/// A segment of the ring that is longer is none of ours.
const SEGMENT_BYTES: i64 = 1 << 20;

/// Segments that are read, at most: as many as the ring has when each holds one datagram.
const SEGMENTS_KEPT: usize = 400_000;

/// What was watched, as it is saved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WatchBatch {
    /// Findings that are new or changed.
    pub findings: Vec<Arc<Finding>>,
    /// Findings that are gone for good: there were too many.
    pub forgotten: Vec<FindingKey>,
    /// The management networks, when they changed.
    pub management: Option<Vec<ManagementNetwork>>,
    /// What the ring has and the file does not.
    pub capture: Unsaved,
}

impl WatchBatch {
    /// Whether there is nothing to save.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
            && self.forgotten.is_empty()
            && self.management.is_none()
            && self.capture.is_empty()
    }
}

/// What was watched, as it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WatchContents {
    /// The findings.
    pub findings: Vec<Finding>,
    /// The management networks.
    pub management: Vec<ManagementNetwork>,
    /// The segments of the ring, oldest first, without their bytes.
    pub segments: Vec<Segment>,
}

#[derive(Serialize, Deserialize)]
struct FindingRow {
    what: String,
    #[serde(default)]
    interface: Option<String>,
    #[serde(default)]
    sender: Option<IpAddr>,
    #[serde(default)]
    mac: Option<String>,
    #[serde(default)]
    ip: Option<IpAddr>,
    first: i64,
    last: i64,
    count: u64,
    #[serde(default)]
    details: Vec<String>,
    #[serde(default)]
    samples: Vec<SampleRow>,
    state: String,
    #[serde(default)]
    state_when: i64,
    #[serde(default)]
    note: String,
}

#[derive(Serialize, Deserialize)]
struct SampleRow {
    when: i64,
    from: SocketAddr,
    channel: String,
    full_len: u32,
    hex: String,
}

/// Saves what was watched.
pub(super) fn save(tx: &Transaction<'_>, batch: &WatchBatch) -> rusqlite::Result<()> {
    for key in &batch.forgotten {
        tx.prepare_cached("DELETE FROM finding WHERE kind = ?1 AND subject = ?2")?
            .execute(params![key.kind.word(), key.subject])?;
    }
    for finding in &batch.findings {
        let body = serde_json::to_string(&row_of(finding))
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        tx.prepare_cached(
            "INSERT OR REPLACE INTO finding (kind, subject, body) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![finding.key.kind.word(), finding.key.subject, body])?;
    }
    if let Some(networks) = &batch.management {
        tx.execute("DELETE FROM management", [])?;
        for (position, network) in networks.iter().enumerate() {
            tx.prepare_cached("INSERT INTO management (position, cidr, vlan) VALUES (?1, ?2, ?3)")?
                .execute(params![stored(position as u64), network.cidr, network.vlan])?;
        }
    }
    for segment in &batch.capture.segments {
        let Some(bytes) = &segment.bytes else {
            continue;
        };
        tx.prepare_cached(
            "INSERT OR REPLACE INTO capture (seq, first_millis, last_millis, num_datagrams, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            stored(segment.seq),
            segment.first.as_millis(),
            segment.last.as_millis(),
            stored(segment.num_datagrams),
            &**bytes,
        ])?;
    }
    for seq in &batch.capture.removed {
        tx.prepare_cached("DELETE FROM capture WHERE seq = ?1")?
            .execute([stored(*seq)])?;
    }
    Ok(())
}

/// Whether a file has the tables at all: one of an older format that is only read has none.
fn has_tables(conn: &Connection) -> rusqlite::Result<bool> {
    conn.query_row(
        "SELECT count(*) = 3 FROM sqlite_schema
         WHERE type = 'table' AND name IN ('finding', 'management', 'capture')",
        [],
        |row| row.get(0),
    )
}

/// Reads what was watched.
pub(super) fn read(conn: &Connection, reading: &mut Reading) -> rusqlite::Result<WatchContents> {
    if !has_tables(conn)? {
        return Ok(WatchContents::default());
    }
    Ok(WatchContents {
        findings: read_findings(conn, reading)?,
        management: read_management(conn, reading)?,
        segments: read_segments(conn, reading)?,
    })
}

fn read_findings(conn: &Connection, reading: &mut Reading) -> rusqlite::Result<Vec<Finding>> {
    let mut statement = conn.prepare("SELECT kind, subject, body FROM finding")?;
    let mut found = statement.query([])?;
    let mut findings = Vec::new();
    while let Some(row) = found.next()? {
        let texts = (
            row.get_ref(0)?.as_str(),
            row.get_ref(1)?.as_str(),
            row.get_ref(2)?.as_str(),
        );
        let finding = match texts {
            (Ok(kind), Ok(subject), Ok(body)) if findings.len() < FINDINGS_KEPT => {
                finding_of(kind, subject, body)
            }
            _ => None,
        };
        match finding {
            Some(finding) => findings.push(finding),
            None => reading.left_out += 1,
        }
    }
    Ok(findings)
}

fn read_management(
    conn: &Connection,
    reading: &mut Reading,
) -> rusqlite::Result<Vec<ManagementNetwork>> {
    /// Longer than any CIDR or name of a VLAN.
    const CHARS: usize = 256;
    let mut statement = conn.prepare("SELECT cidr, vlan FROM management ORDER BY position")?;
    let mut found = statement.query([])?;
    let mut networks = Vec::new();
    while let Some(row) = found.next()? {
        match (row.get_ref(0)?.as_str(), row.get_ref(1)?.as_str()) {
            (Ok(cidr), Ok(vlan))
                if cidr.len() <= CHARS
                    && vlan.len() <= CHARS
                    && networks.len() < MANAGEMENT_KEPT =>
            {
                networks.push(ManagementNetwork {
                    cidr: cidr.to_owned(),
                    vlan: vlan.to_owned(),
                });
            }
            _ => reading.left_out += 1,
        }
    }
    Ok(networks)
}

fn read_segments(conn: &Connection, reading: &mut Reading) -> rusqlite::Result<Vec<Segment>> {
    // The newest first, so that what is too much is the oldest.
    let mut statement = conn.prepare(
        "SELECT seq, first_millis, last_millis, num_datagrams, length(bytes) FROM capture ORDER BY seq DESC",
    )?;
    let mut found = statement.query([])?;
    let mut segments: Vec<Segment> = Vec::new();
    let mut num_bytes = 0;
    while let Some(row) = found.next()? {
        let number = |idx: usize| row.get_ref(idx).ok().and_then(|value| value.as_i64().ok());
        let numbers = (number(0), number(1), number(2), number(3), number(4));
        let (Some(seq), Some(first), Some(last), Some(num_datagrams), Some(len)) = numbers else {
            reading.left_out += 1;
            continue;
        };
        // A datagram takes some bytes: more of them than bytes are not true.
        let is_ours = (1..=i64::MAX / 2).contains(&seq)
            && (1..=SEGMENT_BYTES).contains(&len)
            && (0..=len).contains(&num_datagrams);
        // Twice what the ring keeps: what was saved while it was being written comes on top, and the ring lets go of it.
        let fits = num_bytes + len as u64 <= 2 * RING_BYTES && segments.len() < SEGMENTS_KEPT;
        if !is_ours || !fits {
            reading.left_out += 1;
            continue;
        }
        num_bytes += len as u64;
        segments.push(Segment {
            seq: seq as u64,
            first: Timestamp::from_millis(first),
            last: Timestamp::from_millis(last),
            num_datagrams: num_datagrams as u64,
            num_bytes: len as u64,
            bytes: None,
        });
    }
    segments.reverse();
    Ok(segments)
}

/// One segment's file; `None` when it is not there any more.
pub(super) fn read_segment(conn: &Connection, seq: u64) -> rusqlite::Result<Option<Vec<u8>>> {
    conn.prepare_cached("SELECT bytes FROM capture WHERE seq = ?1 AND length(bytes) <= ?2")?
        .query_row(params![stored(seq), SEGMENT_BYTES], |row| row.get(0))
        .optional()
}

fn row_of(finding: &Finding) -> FindingRow {
    let (state_when, note) = match &finding.state {
        FindingState::Open => (0, String::new()),
        FindingState::Accepted { note, when } => (when.as_millis(), note.clone()),
        FindingState::Gone { when } => (when.as_millis(), String::new()),
    };
    let samples = finding.samples.iter().map(|sample| SampleRow {
        when: sample.when.as_millis(),
        from: sample.from,
        channel: rows::channel_word(sample.channel).to_owned(),
        full_len: sample.raw.full_len,
        hex: to_hex(&sample.raw.bytes),
    });
    FindingRow {
        what: finding.what.clone(),
        interface: finding.interface.as_deref().map(str::to_owned),
        sender: finding.sender,
        mac: finding.mac.map(|mac| mac.to_string()),
        ip: finding.ip,
        first: finding.first.as_millis(),
        last: finding.last.as_millis(),
        count: finding.count,
        details: finding.details.clone(),
        samples: samples.collect(),
        state: finding.state.word().to_owned(),
        state_when,
        note,
    }
}

fn finding_of(kind: &str, subject: &str, body: &str) -> Option<Finding> {
    let kind = FindingKind::from_word(kind)?;
    if body.len() > BODY_BYTES || subject.chars().count() > TEXT_CHARS {
        return None;
    }
    let row: FindingRow = serde_json::from_str(body).ok()?;
    let when = Timestamp::from_millis(row.state_when);
    let state = match row.state.as_str() {
        "open" => FindingState::Open,
        "accepted" => FindingState::Accepted {
            note: cut(&row.note),
            when,
        },
        "gone" => FindingState::Gone { when },
        _ => return None,
    };
    let samples = row
        .samples
        .iter()
        .take(FINDING_SAMPLES)
        .filter_map(|sample| {
            Some(FindingSample {
                when: Timestamp::from_millis(sample.when),
                from: sample.from,
                channel: rows::channel_from_word(&sample.channel)?,
                raw: raw_of(&sample.hex, sample.full_len)?,
            })
        });
    Some(Finding {
        key: FindingKey {
            kind,
            subject: subject.to_owned(),
        },
        what: cut(&row.what),
        interface: row.interface.as_deref().map(|name| Arc::from(cut(name))),
        sender: row.sender,
        mac: row.mac.as_deref().and_then(Mac::parse),
        ip: row.ip,
        first: Timestamp::from_millis(row.first),
        last: Timestamp::from_millis(row.last),
        count: row.count,
        details: row
            .details
            .iter()
            .take(DETAILS_KEPT)
            .map(|line| cut(line))
            .collect(),
        samples: samples.collect(),
        state,
    })
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT_CHARS).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // A string takes everything.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn raw_of(hex: &str, full_len: u32) -> Option<RawDatagram> {
    let digits = hex.as_bytes();
    if !digits.len().is_multiple_of(2) || digits.len() > RAW_KEPT_BYTES * 2 {
        return None;
    }
    let bytes: Option<Vec<u8>> = digits
        .chunks_exact(2)
        .map(|pair| {
            let text = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(text, 16).ok()
        })
        .collect();
    let bytes = bytes?;
    Some(RawDatagram {
        full_len: full_len.max(bytes.len() as u32),
        bytes: bytes.into(),
    })
}
