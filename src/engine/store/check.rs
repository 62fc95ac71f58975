//! Looks at a file before anything is written to it: whether it is a site, ours to read, and sound.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;

use super::error::StoreError;
use super::schema::{self, APPLICATION_ID, FORMAT};

/// What an `SQLite` database begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The header of an `SQLite` database; byte 18 is 2 when it was last written with a write-ahead log.
const HEADER_BYTES: usize = 100;

/// What stands beside a database that was not closed, by its ending.
const LEFTOVERS: [&str; 2] = ["-wal", "-journal"];

/// What a first look shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FirstLook {
    /// Whether one file holds everything, so that it can be read where it is without a trace.
    pub(super) is_closed: bool,
}

/// The file `path` with `ending` added to its name.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

/// Tells from the first bytes what cannot be a site.
pub(super) fn first_look(path: &Path) -> Result<FirstLook, StoreError> {
    let from_io = |error: io::Error| match error.kind() {
        io::ErrorKind::PermissionDenied => StoreError::NotReadable(path.to_owned()),
        _ => StoreError::from_io(path, error),
    };
    let metadata = fs::metadata(path).map_err(from_io)?;
    if metadata.is_dir() {
        return Err(StoreError::IsFolder(path.to_owned()));
    }
    if !metadata.is_file() {
        // Reading from a pipe may take forever.
        return Err(StoreError::NotASite(path.to_owned()));
    }
    let mut header = Vec::with_capacity(HEADER_BYTES);
    File::open(path)
        .map_err(from_io)?
        .take(HEADER_BYTES as u64)
        .read_to_end(&mut header)
        .map_err(from_io)?;
    if header.is_empty() {
        return Err(StoreError::Empty(path.to_owned()));
    }
    if !header.starts_with(MAGIC) {
        return Err(StoreError::NotASite(path.to_owned()));
    }
    if header.len() < HEADER_BYTES {
        return Err(StoreError::Damaged {
            path: path.to_owned(),
            what: "it ends within its header".to_owned(),
        });
    }
    let is_closed =
        header[18] == 1 && !LEFTOVERS.iter().any(|ending| beside(path, ending).exists());
    Ok(FirstLook { is_closed })
}

/// Whether the database is a site that this program reads, and sound. `path` is for the words.
pub(super) fn examine(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let from_sql = |error| StoreError::from_sql(path, error);
    let pragma = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    if pragma("application_id").map_err(from_sql)? != APPLICATION_ID {
        return Err(StoreError::NotASite(path.to_owned()));
    }
    let found = pragma("user_version").map_err(from_sql)?;
    if found > FORMAT {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known: FORMAT,
        });
    }
    let damaged = |what: String| StoreError::Damaged {
        path: path.to_owned(),
        what,
    };
    if found < 1 {
        return Err(damaged(format!("format {found} does not exist")));
    }
    let verdict: String = conn
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(from_sql)?;
    if verdict != "ok" {
        return Err(damaged(one_line(&verdict)));
    }
    Ok(())
}

/// Copies a file and what stands beside it, so that looking at it leaves no trace. Only for a file that nobody
/// writes to meanwhile.
pub(super) fn private_copy(path: &Path) -> Result<(TempDir, PathBuf), StoreError> {
    let folder = private_folder()?;
    let copy = folder.path().join("site");
    let from_io = |error| StoreError::from_io(path, error);
    copy_bytes(path, &copy).map_err(from_io)?;
    for ending in LEFTOVERS {
        match copy_bytes(&beside(path, ending), &beside(&copy, ending)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(from_io(error)),
        }
    }
    Ok((folder, copy))
}

/// Copies the state that a database has at one moment, also while another process works in it.
pub(super) fn live_copy(path: &Path) -> Result<(TempDir, PathBuf), StoreError> {
    let conn = schema::open_to_read(path).map_err(|error| StoreError::from_sql(path, error))?;
    examine(&conn, path)?;
    let folder = private_folder()?;
    let copy = folder.path().join("site");
    copy_into(&conn, &copy).map_err(|error| match StoreError::from_sql(path, error) {
        StoreError::DiskFull(_) => StoreError::DiskFull(copy.clone()),
        other => other,
    })?;
    Ok((folder, copy))
}

/// Writes everything that a connection sees into a new (or empty) file: one consistent state, nothing beside it.
pub(super) fn copy_into(conn: &Connection, target: &Path) -> rusqlite::Result<()> {
    // A path need not be UTF-8; SQLite takes its bytes as they are.
    #[cfg(unix)]
    let name = std::os::unix::ffi::OsStrExt::as_bytes(target.as_os_str());
    #[cfg(not(unix))]
    let name = target.to_string_lossy();
    #[cfg(not(unix))]
    let name = name.as_bytes();
    conn.execute("VACUUM INTO CAST(?1 AS TEXT)", [name])?;
    Ok(())
}

fn private_folder() -> Result<TempDir, StoreError> {
    tempfile::Builder::new()
        .prefix("rollcall-")
        .tempdir()
        .map_err(|error| StoreError::from_io(&std::env::temp_dir(), error))
}

/// Like `fs::copy`, but a write-protected file does not make a write-protected copy.
fn copy_bytes(from: &Path, to: &Path) -> io::Result<()> {
    let mut from = File::open(from)?;
    let mut to = File::create(to)?;
    io::copy(&mut from, &mut to)?;
    Ok(())
}

/// What `SQLite` found, short enough for a notice.
fn one_line(verdict: &str) -> String {
    let words: Vec<&str> = verdict.split_whitespace().collect();
    crate::model::sighting::cut_text(&words.join(" "))
}
