//! The tables of a site file, and how connections to it are set up.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::place::Place;
use super::{probes, watching};

/// Tells a site file from any other `SQLite` database: "ROLL".
pub(super) const APPLICATION_ID: i64 = 0x524f_4c4c;

/// The format of the file; a greater one is a newer program's and is refused.
pub(super) const FORMAT: i64 = 3;

/// How long `SQLite` waits for a reader that is in the way.
const BUSY_MILLIS: u32 = 5_000;

/// Facts that are seldom looked for by themselves are JSON; evidence has rows of its own, so that one more
/// sighting does not write the other thirty-one again.
const TABLES: &str = "
CREATE TABLE site (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE appliance (
    id INTEGER PRIMARY KEY,
    heard TEXT,
    imported TEXT,
    typed_name TEXT,
    typed_note TEXT,
    by_hand TEXT
) STRICT;
CREATE TABLE evidence (
    appliance INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    when_millis INTEGER NOT NULL,
    source TEXT NOT NULL,
    channel TEXT NOT NULL,
    sender TEXT NOT NULL,
    interface TEXT NOT NULL,
    remarks INTEGER NOT NULL,
    full_len INTEGER NOT NULL,
    raw BLOB,
    PRIMARY KEY (appliance, seq)
) STRICT, WITHOUT ROWID;
";

/// Makes the tables of a new site.
pub(super) fn create_tables(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "application_id", APPLICATION_ID)?;
    conn.pragma_update(None, "user_version", FORMAT)?;
    conn.execute_batch(TABLES)?;
    conn.execute_batch(probes::TABLE)?;
    conn.execute_batch(watching::TABLES)?;
    conn.execute_batch(SITE_ID)
}

/// The keyring of the system knows a site by this.
const SITE_ID: &str =
    "INSERT OR IGNORE INTO site (key, value) VALUES ('site_id', lower(hex(randomblob(16))));";

/// Makes a copy of a site a site of its own: the entry in the keyring belongs to the one before.
pub(super) fn make_another_site(path: &Path) -> rusqlite::Result<()> {
    let conn = open_private(path)?;
    // Nothing is left beside the file.
    conn.pragma_update_and_check(None, "journal_mode", "memory", |_| Ok(()))?;
    conn.execute_batch(
        "BEGIN IMMEDIATE; DELETE FROM site WHERE key IN ('site_id', 'has_snmp_v3');
        INSERT INTO site (key, value) VALUES ('site_id', lower(hex(randomblob(16)))); COMMIT;",
    )?;
    conn.close().map_err(|(_, error)| error)
}

/// Brings a site of an older format up to this one: 1 had no answers to probes, 2 nothing of what was
/// watched.
fn upgrade(conn: &Connection) -> rusqlite::Result<()> {
    let found: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found < FORMAT {
        conn.execute_batch(&format!(
            "BEGIN IMMEDIATE; {} {} {SITE_ID} PRAGMA user_version = {FORMAT}; COMMIT;",
            probes::TABLE,
            watching::TABLES
        ))?;
    }
    Ok(())
}

/// A new site in memory.
pub(super) fn in_memory() -> rusqlite::Result<Connection> {
    let conn = Connection::open_in_memory()?;
    distrust(&conn)?;
    create_tables(&conn)?;
    Ok(conn)
}

/// Opens a file to look at it.
pub(super) fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    distrust(&conn)?;
    Ok(conn)
}

/// Opens a file that is ours alone, such as a private copy. Mends what a crash left.
pub(super) fn open_private(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    distrust(&conn)?;
    Ok(conn)
}

/// Opens a site file that was found sound, to work in it.
pub(super) fn open_to_write(path: &Path, place: Place) -> rusqlite::Result<Connection> {
    let conn = open_private(path)?;
    conn.pragma_update_and_check(None, "journal_mode", place.journal_mode(), |_| Ok(()))?;
    // Every save reaches the disk: a power cut costs as little as a crash. One save a second can afford it.
    conn.pragma_update(None, "synchronous", "FULL")?;
    // Opens the write-ahead log now: SQLite finds it by the file's name, which may be gone when "Save site as…" reads.
    conn.query_row("SELECT count(*) FROM site", [], |_| Ok(()))?;
    upgrade(&conn)?;
    Ok(conn)
}

/// A file may come from anybody: its triggers and views do not run, and its schema may not call functions.
fn distrust(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(std::time::Duration::from_millis(BUSY_MILLIS.into()))?;
    for (setting, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
    ] {
        conn.set_db_config(setting, on)?;
    }
    Ok(())
}
