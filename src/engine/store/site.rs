//! The open site file: which file it is, what may be done with it, and where it is copied to. Lives on the
//! store's thread.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;

use super::check::{self, beside};
use super::error::StoreError;
use super::lock::{Lock, NoLock};
use super::place::Place;
use super::{OpenSite, SaveBatch, SiteContents, load, save, schema, site_name};
use crate::engine::files::{create_beside, put_in_place, target_of};

/// An open site.
#[derive(Debug)]
pub(super) struct Site {
    /// The database: the file itself, or a private copy of it.
    pub(super) conn: Connection,
    /// The site file. Empty for a throw-away site.
    path: PathBuf,
    /// What may be done with it.
    right: Right,
}

/// What may be done with an open site.
#[derive(Debug)]
enum Right {
    /// It is ours to write.
    Write {
        /// Keeps others from writing.
        _lock: Lock,
    },
    /// It is only read, in a private copy.
    Read {
        /// Why, as a clause.
        why: String,
        /// Keeps the copy.
        _copy: TempDir,
    },
    /// It is in memory, and may be kept in a file later.
    Memory,
    /// It is in memory and never kept.
    ThrowAway,
}

/// Why a site was not opened to be written.
enum NotOpened {
    /// The file is not to be touched.
    Refused(StoreError),
    /// It can be read, though.
    OnlyRead(StoreError),
}

impl Site {
    /// A site in memory.
    pub(super) fn throw_away() -> Result<Self, StoreError> {
        let conn =
            schema::in_memory().map_err(|error| StoreError::from_sql(Path::new(""), error))?;
        Ok(Self {
            conn,
            path: PathBuf::new(),
            right: Right::ThrowAway,
        })
    }

    /// A site in memory until it is saved under a name.
    pub(super) fn in_memory() -> Result<Self, StoreError> {
        let mut site = Self::throw_away()?;
        site.right = Right::Memory;
        Ok(site)
    }

    /// A new site file, never in the place of another file.
    pub(super) fn create(path: &Path) -> Result<(Self, SiteContents), StoreError> {
        let empty = Self::throw_away()?;
        let site = empty.copied_to(path, false)?;
        let contents = SiteContents {
            site_id: site.id()?,
            ..SiteContents::empty(site_name(&site.path))
        };
        Ok((site, contents))
    }

    /// Opens a site file, to write in it when that is possible.
    pub(super) fn open(path: &Path) -> Result<(Self, SiteContents, OpenSite), StoreError> {
        let path = resolved(path)?;
        check::first_look(&path)?;
        let why = match Lock::take(&path) {
            Ok(lock) => match Self::open_to_write(&path, lock) {
                Ok((site, contents)) => return Ok((site, contents, OpenSite::Writable)),
                Err(NotOpened::Refused(error)) => return Err(error),
                Err(NotOpened::OnlyRead(error)) => why_read_only(&error),
            },
            Err(NoLock::Held) => "it is open in another Rollcall".to_owned(),
            Err(NoLock::Impossible(error)) => match error.kind() {
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                    "its folder cannot be written to".to_owned()
                }
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full".to_owned(),
                _ => format!("no lock file can be made beside it ({error})"),
            },
        };
        Self::open_to_read(&path, why)
    }

    /// Opens a site file without ever writing to it, also while a window works in it.
    pub(super) fn open_only_to_read(
        path: &Path,
    ) -> Result<(Self, SiteContents, OpenSite), StoreError> {
        let path = resolved(path)?;
        check::first_look(&path)?;
        Self::open_to_read(&path, "it was opened only to be read".to_owned())
    }

    fn open_to_write(path: &Path, lock: Lock) -> Result<(Self, SiteContents), NotOpened> {
        let first = check::first_look(path).map_err(NotOpened::Refused)?;
        if let Err(error) = OpenOptions::new().read(true).write(true).open(path) {
            return Err(NotOpened::OnlyRead(StoreError::from_io(path, error)));
        }
        // Everything is read before the file is opened for writing: whatever is wrong with it, it stays as it is.
        let mut contents = if first.is_closed {
            let conn = schema::open_to_read(path)
                .map_err(|error| NotOpened::Refused(StoreError::from_sql(path, error)))?;
            read_checked(&conn, path).map_err(NotOpened::Refused)?
        } else {
            let (_folder, copy) = check::private_copy(path).map_err(NotOpened::OnlyRead)?;
            let conn = schema::open_private(&copy)
                .map_err(|error| NotOpened::Refused(StoreError::from_sql(path, error)))?;
            read_checked(&conn, path).map_err(NotOpened::Refused)?
        };
        let conn = schema::open_to_write(path, Place::of(path))
            .map_err(|error| NotOpened::OnlyRead(StoreError::from_sql(path, error)))?;
        // A site of an older format has its number only now.
        contents.site_id = load::site_id(&conn)
            .map_err(|error| NotOpened::OnlyRead(StoreError::from_sql(path, error)))?;
        let site = Self {
            conn,
            path: path.to_owned(),
            right: Right::Write { _lock: lock },
        };
        Ok((site, contents))
    }

    fn open_to_read(
        path: &Path,
        why: String,
    ) -> Result<(Self, SiteContents, OpenSite), StoreError> {
        // A read-only folder, or a crash, may keep SQLite from reading the file in its place.
        let (folder, copy) = match check::live_copy(path) {
            Err(StoreError::NotWritable(_) | StoreError::InUse(_) | StoreError::Sql { .. }) => {
                check::private_copy(path)?
            }
            copied => copied?,
        };
        let conn =
            schema::open_private(&copy).map_err(|error| StoreError::from_sql(path, error))?;
        let contents = read_checked(&conn, path)?;
        let site = Self {
            conn,
            path: path.to_owned(),
            right: Right::Read {
                why: why.clone(),
                _copy: folder,
            },
        };
        Ok((site, contents, OpenSite::ReadOnly(why)))
    }

    /// Takes changes over, all or none. Doing it again changes nothing.
    pub(super) fn save(&mut self, batch: &SaveBatch) -> Result<(), StoreError> {
        match &self.right {
            Right::Read { why, .. } => {
                return Err(StoreError::ReadOnly {
                    path: self.path.clone(),
                    why: why.clone(),
                });
            }
            // SQLite would go on writing into a file that nobody finds again.
            Right::Write { .. } if matches!(self.path.try_exists(), Ok(false)) => {
                return Err(StoreError::Gone(self.path.clone()));
            }
            Right::Write { .. } | Right::Memory | Right::ThrowAway => {}
        }
        save::save_batch(&mut self.conn, batch)
            .map_err(|error| StoreError::from_sql(&self.path, error))
    }

    /// Writes the whole site to another file and goes on there, under a number of its own, which is returned. The file
    /// before stays as it was.
    pub(super) fn save_as(
        &mut self,
        path: &Path,
        overwrite: bool,
    ) -> Result<Option<String>, StoreError> {
        if matches!(self.right, Right::ThrowAway) {
            return Err(StoreError::ThrowAway);
        }
        if matches!(self.right, Right::Write { .. })
            && resolved(path).is_ok_and(|same| same == self.path)
        {
            return self.id();
        }
        let site = self.copied_to(path, overwrite)?;
        let before = std::mem::replace(self, site);
        let path_before = before.path.clone();
        if let Err(error) = before.close() {
            // The next one who opens it finds everything all the same.
            tracing::warn!("the site file before was not closed: {error}: {path_before:?}");
        }
        self.id()
    }

    /// The site's own number.
    fn id(&self) -> Result<Option<String>, StoreError> {
        load::site_id(&self.conn).map_err(|error| StoreError::from_sql(&self.path, error))
    }

    fn copied_to(&self, path: &Path, overwrite: bool) -> Result<Self, StoreError> {
        let target = absolute(&target_of(path).map_err(StoreError::from_file)?)?;
        let from_io = |error| StoreError::from_io(&target, error);
        let from_sql = |error| StoreError::from_sql(&target, error);
        if !overwrite && fs::symlink_metadata(&target).is_ok() {
            return Err(StoreError::Exists(target));
        }
        let lock = Lock::take(&target).map_err(|no_lock| match no_lock {
            NoLock::Held => StoreError::InUse(target.clone()),
            NoLock::Impossible(error) => StoreError::from_io(&target, error),
        })?;
        let (file, temp_path) = create_beside(&target).map_err(from_io)?;
        check::copy_into(&self.conn, &temp_path).map_err(from_sql)?;
        schema::make_another_site(&temp_path).map_err(from_sql)?;
        file.sync_all().map_err(from_io)?;
        drop(file);
        // What a crash left beside the file that is replaced would be taken for the new one's.
        for ending in ["-wal", "-shm", "-journal"] {
            match fs::remove_file(beside(&target, ending)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(from_io(error)),
                _ => {}
            }
        }
        put_in_place(temp_path, &target, overwrite).map_err(from_io)?;
        let conn = schema::open_to_write(&target, Place::of(&target)).map_err(from_sql)?;
        Ok(Self {
            conn,
            path: target,
            right: Right::Write { _lock: lock },
        })
    }

    /// Brings everything into the one file and gives the lock back.
    pub(super) fn close(self) -> Result<(), StoreError> {
        let closed = match &self.right {
            Right::Write { .. } => self.conn.pragma_update_and_check(
                None,
                "journal_mode",
                Place::Share.journal_mode(),
                |_| Ok(()),
            ),
            Right::Read { .. } | Right::Memory | Right::ThrowAway => Ok(()),
        };
        // Whether or not that went well, nothing is lost: the next opening finds what stands beside the file.
        let closed = closed.and(self.conn.close().map_err(|(_, error)| error));
        closed.map_err(|error| StoreError::from_sql(&self.path, error))
    }
}

/// One path for one file, whatever link leads to it.
fn resolved(path: &Path) -> Result<PathBuf, StoreError> {
    if cfg!(windows) {
        // A canonical path of Windows (`\\?\C:\…`) is not for every library.
        absolute(path)
    } else {
        fs::canonicalize(path).map_err(|error| StoreError::from_io(path, error))
    }
}

/// The same for a file that may not be there yet.
fn absolute(path: &Path) -> Result<PathBuf, StoreError> {
    let from_io = |error| StoreError::from_io(path, error);
    if cfg!(windows) {
        return std::path::absolute(path).map_err(from_io);
    }
    let folder = fs::canonicalize(crate::engine::files::folder_of(path)).map_err(from_io)?;
    Ok(folder.join(path.file_name().unwrap_or_default()))
}

fn why_read_only(error: &StoreError) -> String {
    match error {
        StoreError::NotWritable(_) => "the file or its folder is write-protected".to_owned(),
        StoreError::DiskFull(_) => "the disk is full".to_owned(),
        StoreError::InUse(_) => "another program has it open".to_owned(),
        StoreError::Sql { source, .. } => format!("it cannot be written to ({source})"),
        StoreError::Io { source, .. } => format!("it cannot be written to ({source})"),
        other => format!("it cannot be written to ({other})"),
    }
}

fn read_checked(conn: &Connection, path: &Path) -> Result<SiteContents, StoreError> {
    check::examine(conn, path)?;
    load::read_contents(conn, site_name(path)).map_err(|error| {
        match StoreError::from_sql(path, error) {
            // Tables or columns are missing, or of another kind.
            StoreError::Sql { path, source } => StoreError::Damaged {
                path,
                what: source.to_string(),
            },
            other => other,
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::appliance::{Appliance, FileFacts, Typed};
    use crate::model::identity::ApplianceId;

    fn unit(id: u64, note: &str) -> Arc<Appliance> {
        Arc::new(Appliance {
            id: ApplianceId(id),
            revision: id,
            heard: None,
            probed: None,
            identified: None,
            imported: Some(Arc::new(FileFacts {
                serial: format!("{id:010}"),
                ..FileFacts::default()
            })),
            typed: Typed {
                note: Some(note.to_owned()),
                ..Typed::default()
            },
            evidence: std::collections::VecDeque::new(),
        })
    }

    fn batch(ids: std::ops::Range<u64>, note: &str) -> SaveBatch {
        SaveBatch {
            has_v3: None,
            next_id: ids.end,
            changed: ids.map(|id| unit(id, note)).collect(),
            ..SaveBatch::default()
        }
    }

    #[test]
    fn a_full_disk_costs_nothing_and_saving_goes_on_when_there_is_room() {
        let folder = tempfile::tempdir().expect("the system has a temporary folder");
        let path = folder.path().join("hall.rollcall");
        let (mut site, _) = Site::create(&path).expect("a new site is made");
        site.save(&batch(1..10, "first")).expect("there is room");
        let pages: i64 = site
            .conn
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .expect("SQLite counts pages");
        let limit = |site: &Site, pages: i64| {
            site.conn
                .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
                .expect("SQLite limits pages");
        };
        limit(&site, pages);

        let much = batch(1..500, &"second ".repeat(100));
        for _ in 0..2 {
            let error = site.save(&much).expect_err("there is no room");
            assert!(matches!(error, StoreError::DiskFull(_)), "{error}");
            assert!(error.to_string().contains("free some space"), "{error}");
        }
        let (_, seen, _) = Site::open_only_to_read(&path).expect("it can be read meanwhile");
        assert_eq!(seen.units.len(), 9, "what failed left no trace");
        let kept = seen.units.iter().all(|unit| unit.note() == Some("first"));
        assert!(kept, "a batch is saved as a whole or not at all");

        limit(&site, 1_000_000);
        site.save(&much).expect("the same batch is saved again");
        site.close().expect("it closes");
        let (_site, contents, _) = Site::open(&path).expect("it opens");
        assert_eq!(contents.units.len(), 499);
        assert_eq!(contents.next_id, 500);
    }

    #[test]
    fn a_share_gets_a_rollback_journal() {
        let folder = tempfile::tempdir().expect("the system has a temporary folder");
        let path = folder.path().join("hall.rollcall");
        let (site, _) = Site::create(&path).expect("a new site is made");
        site.close().expect("it closes");
        for (place, mode) in [(Place::Local, "wal"), (Place::Share, "delete")] {
            let conn = schema::open_to_write(&path, place).expect("it opens");
            let found: String = conn
                .pragma_query_value(None, "journal_mode", |row| row.get(0))
                .expect("SQLite says how it keeps its journal");
            assert_eq!(found, mode, "{place:?}");
        }
    }

    #[test]
    fn a_file_that_vanished_while_open_is_missed_and_can_still_be_saved_elsewhere() {
        let folder = tempfile::tempdir().expect("the system has a temporary folder");
        let path = folder.path().join("hall.rollcall");
        let (mut site, _) = Site::create(&path).expect("a new site is made");
        site.save(&batch(1..10, "first")).expect("it is saved");
        let moved = folder.path().join("moved.rollcall");
        if cfg!(windows) {
            return; // Nobody can move an open file there.
        }
        fs::rename(&path, &moved).expect("a file manager can do that");
        let error = site
            .save(&batch(1..20, "second"))
            .expect_err("the file is gone");
        assert!(matches!(error, StoreError::Gone(_)), "{error}");
        let other = folder.path().join("other.rollcall");
        site.save_as(&other, false).expect("another name will do");
        site.save(&batch(1..20, "second"))
            .expect("it is saved there");
        site.close().expect("it closes");
        let (_site, contents, _) = Site::open(&other).expect("it opens");
        assert_eq!(contents.units.len(), 19);
    }
}
