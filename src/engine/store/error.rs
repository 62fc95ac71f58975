//! Why the site file could not be opened or saved, in words for a person, path last.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use thiserror::Error;

use crate::engine::files::FileError;

/// `SQLITE_IOERR_SHMSIZE`: the write-ahead log's index could not grow, which only a full disk causes.
const IOERR_SHMSIZE: i32 = 4_874;

/// Why the site file could not be opened or saved. A file that is refused is as it was, byte for byte.
#[derive(Debug, Error)]
pub enum StoreError {
    /// No such file.
    #[error("the site file is not there: {0:?}")]
    Missing(PathBuf),
    /// The file was moved or deleted while it was open.
    #[error(
        "the site file was moved or deleted while it was open, save the site under another name: {0:?}"
    )]
    Gone(PathBuf),
    /// The path names a folder.
    #[error("this is a folder, not a site file: {0:?}")]
    IsFolder(PathBuf),
    /// The system does not let it be read.
    #[error("the file may not be read, ask whoever owns it: {0:?}")]
    NotReadable(PathBuf),
    /// A file is in the way, and nobody said yes to replacing it.
    #[error("a file with this name is already there: {0:?}")]
    Exists(PathBuf),
    /// A file of no bytes.
    #[error("the file is empty, it holds no site: {0:?}")]
    Empty(PathBuf),
    /// Anything that is not a site file: a picture, a text, another program's database.
    #[error("this is not a Rollcall site: {0:?}")]
    NotASite(PathBuf),
    /// Its format is newer than this program.
    #[error(
        "this site was written by a newer version of Rollcall (format {found}, this version knows {known}): {path:?}"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format that this program reads.
        known: i64,
    },
    /// It is a site file, but not a sound one.
    #[error("the site file is damaged and was left as it is ({what}): {path:?}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found first.
        what: String,
    },
    /// Another window, or the command line, works with this file.
    #[error("the site is open in another Rollcall: {0:?}")]
    InUse(PathBuf),
    /// The site was opened to be read only, and why.
    #[error("the site is open read-only, since {why}: {path:?}")]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// Why, as a clause.
        why: String,
    },
    /// No room.
    #[error(
        "the disk is full, nothing is lost yet: free some space or save the site on another disk: {0:?}"
    )]
    DiskFull(PathBuf),
    /// The folder of the path is not there.
    #[error("the folder does not exist: {0:?}")]
    FolderMissing(PathBuf),
    /// The folder or the file may not be written to.
    #[error("nothing can be written here, choose another folder: {0:?}")]
    NotWritable(PathBuf),
    /// The demo's site is never kept.
    #[error("the demo fleet's site is thrown away at its end and cannot be saved")]
    ThrowAway,
    /// The store has more to do than it can take just now, or has ended.
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
    /// What `SQLite` says beyond that.
    #[error("the site file could not be read or written ({source}): {path:?}")]
    Sql {
        /// The file.
        path: PathBuf,
        /// What `SQLite` said.
        source: rusqlite::Error,
    },
    /// What the system says beyond that.
    #[error("the site file could not be read or written ({source}): {path:?}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why the store did not take a job. Nothing was done: try again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotTaken {
    /// Earlier jobs are still waiting.
    #[error("the site file is still being saved")]
    Busy,
    /// The store's thread has ended.
    #[error("the site file is closed")]
    Ended,
}

impl StoreError {
    /// Whether it is about the place rather than about one file there: another name would not help.
    pub const fn is_about_place(&self) -> bool {
        matches!(
            self,
            Self::DiskFull(_) | Self::FolderMissing(_) | Self::NotWritable(_) | Self::NotTaken(_)
        )
    }

    /// Sorts what `SQLite` says by what a person can do about it.
    pub(super) fn from_sql(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        let extended = source.sqlite_error().map(|error| error.extended_code);
        match source.sqlite_error_code() {
            _ if extended == Some(IOERR_SHMSIZE) => Self::DiskFull(path),
            Some(ErrorCode::DiskFull) => Self::DiskFull(path),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged {
                path,
                what: source.to_string(),
            },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::NotWritable(path)
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse(path),
            _ => Self::Sql { path, source },
        }
    }

    /// Sorts what the system says by what a person can do about it.
    pub(super) fn from_io(path: &Path, source: io::Error) -> Self {
        use io::ErrorKind as Kind;
        let path = path.to_owned();
        match source.kind() {
            Kind::NotFound => Self::Missing(path),
            Kind::AlreadyExists => Self::Exists(path),
            Kind::StorageFull | Kind::QuotaExceeded => Self::DiskFull(path),
            Kind::PermissionDenied | Kind::ReadOnlyFilesystem => Self::NotWritable(path),
            _ => Self::Io { path, source },
        }
    }

    /// The same for a path that was looked at by the atomic writes.
    pub(super) fn from_file(error: FileError) -> Self {
        match error {
            FileError::Exists(path) => Self::Exists(path),
            FileError::IsFolder(path) => Self::IsFolder(path),
            FileError::FolderMissing(path) => Self::FolderMissing(path),
            FileError::NotWritable { path, .. } | FileError::NotAFile(path) => {
                Self::NotWritable(path)
            }
            FileError::DiskFull { path, .. } => Self::DiskFull(path),
            FileError::Content { path, source } => Self::Io {
                path,
                source: io::Error::other(source),
            },
            FileError::Io { path, source } => Self::Io { path, source },
        }
    }
}
