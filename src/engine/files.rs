//! Atomic writes: a new file beside the old one, then a rename, so that whoever reads the file sees the old
//! one or the new one and never half of one. Everything blocks: call it off the window's and the actor's threads.

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;
use thiserror::Error;

/// How much is gathered before it goes to the disk.
const BUFFER_BYTES: usize = 256 * 1024;

/// Why a file was not written. The file that was there before is as it was.
#[derive(Debug, Error)]
pub enum FileError {
    /// A file is in the way, and nobody said yes to replacing it.
    #[error("a file with this name is already there: {0:?}")]
    Exists(PathBuf),
    /// The path names a folder.
    #[error("this is a folder, not a file: {0:?}")]
    IsFolder(PathBuf),
    /// The path names a device, a pipe or the like, which a rename would replace.
    #[error("this is not an ordinary file: {0:?}")]
    NotAFile(PathBuf),
    /// The folder of the path is not there.
    #[error("the folder does not exist: {0:?}")]
    FolderMissing(PathBuf),
    /// The folder, or the file in it, may not be written to.
    #[error("nothing can be written here, choose another folder: {path:?}")]
    NotWritable {
        /// The path that was asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No room.
    #[error("the disk is full, free some space or choose another disk: {path:?}")]
    DiskFull {
        /// The path that was asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Whoever wrote the content gave up; its reason is the source, and can be downcast.
    #[error("the file could not be written: {path:?}")]
    Content {
        /// The path that was asked for.
        path: PathBuf,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Anything else that the system has to say.
    #[error("the file could not be written ({source}): {path:?}")]
    Io {
        /// The path that was asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl FileError {
    /// Sorts an error of the system by what a person can do about it.
    fn sorted(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull { path, source },
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                Self::NotWritable { path, source }
            }
            ErrorKind::AlreadyExists => Self::Exists(path),
            ErrorKind::IsADirectory => Self::IsFolder(path),
            _ => Self::Io { path, source },
        }
    }
}

/// Writes a file in one step: what `write` wrote is there as a whole, or not at all.
///
/// The permissions of a file that is replaced are kept, and a symbolic link goes on pointing to it. Without
/// `overwrite`, a file that is there is left alone, also when it appeared only while writing.
pub fn write_atomically<T, E>(
    path: &Path,
    overwrite: bool,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<T, E>,
) -> Result<T, FileError>
where
    E: Error + Send + Sync + 'static,
{
    let target = target_of(path)?;
    let target_exists = fs::symlink_metadata(&target).is_ok();
    if target_exists && !overwrite {
        return Err(FileError::Exists(path.to_owned()));
    }
    let sorted = |error: io::Error| FileError::sorted(path, error);
    let (file, temp_path) = create_beside(&target).map_err(sorted)?;

    let mut writer = BufWriter::with_capacity(BUFFER_BYTES, file);
    let written = match write(&mut writer) {
        Ok(written) => written,
        Err(error) => {
            // Format crates hide the system's error; a full disk shows again when the rest is flushed.
            let flushed = writer.flush();
            // What is still buffered belongs to a file that is thrown away.
            let (file, _unwritten) = writer.into_parts();
            drop(file);
            return Err(content_error(path, flushed, Box::new(error)));
        }
    };
    let file = writer
        .into_inner()
        .map_err(|error| sorted(error.into_error()))?;
    if target_exists && let Ok(metadata) = fs::metadata(&target) {
        // A file system that has no permissions to keep (FAT) refuses; the content matters more.
        file.set_permissions(metadata.permissions()).ok();
    }
    file.sync_all().map_err(sorted)?;
    drop(file);
    put_in_place(temp_path, &target, overwrite).map_err(sorted)?;
    Ok(written)
}

/// Where the bytes go: behind a symbolic link, in a folder that exists, and not a folder itself.
pub(crate) fn target_of(path: &Path) -> Result<PathBuf, FileError> {
    let target = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Err(FileError::IsFolder(path.to_owned())),
        Ok(metadata) if !metadata.is_file() => return Err(FileError::NotAFile(path.to_owned())),
        Ok(_) if fs::symlink_metadata(path).is_ok_and(|link| link.is_symlink()) => {
            fs::canonicalize(path).map_err(|error| FileError::sorted(path, error))?
        }
        _ => path.to_owned(),
    };
    if target.file_name().is_none() {
        return Err(FileError::IsFolder(path.to_owned()));
    }
    let folder = folder_of(&target);
    match fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => Ok(target),
        Ok(_) => Err(FileError::FolderMissing(folder.to_owned())),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(FileError::FolderMissing(folder.to_owned()))
        }
        Err(error) => Err(FileError::sorted(path, error)),
    }
}

/// The folder of a path; a bare name is in the current one.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A new empty file in the folder of `target`. It vanishes unless it is put in place.
pub(crate) fn create_beside(target: &Path) -> io::Result<(File, TempPath)> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".rollcall-").suffix(".tmp");
    // Not only for the person who writes it: the umask decides, as for any other new file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    Ok(builder.tempfile_in(folder_of(target))?.into_parts())
}

/// Renames a finished file to its target, atomically, and makes the rename lasting.
pub(crate) fn put_in_place(temp_path: TempPath, target: &Path, overwrite: bool) -> io::Result<()> {
    if overwrite {
        temp_path.persist(target).map_err(|error| error.error)?;
    } else if let Err(error) = temp_path.persist_noclobber(target) {
        if error.error.kind() == ErrorKind::AlreadyExists || fs::symlink_metadata(target).is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        // Some file systems (exFAT through FUSE) know neither a rename that replaces nothing nor hard links:
        // take the name with an empty file first, which is atomic everywhere.
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(target)?;
        if let Err(error) = error.path.persist(target) {
            fs::remove_file(target).ok(); // It is the empty file from above.
            return Err(error.error);
        }
    }
    sync_folder(folder_of(target));
    Ok(())
}

/// Makes a rename survive a power cut. Not every system lets a folder be synced; the file itself already is.
fn sync_folder(folder: &Path) {
    #[cfg(unix)]
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().ok(); // Best effort, see above.
    }
    #[cfg(not(unix))]
    let _ = folder;
}

/// Why the content was not written: the disk is full, or whatever the writer said.
fn content_error(
    path: &Path,
    flushed: io::Result<()>,
    source: Box<dyn Error + Send + Sync>,
) -> FileError {
    if let Err(error) = flushed
        && let full @ FileError::DiskFull { .. } = FileError::sorted(path, error)
    {
        return full;
    }
    let mut cause: Option<&(dyn Error + 'static)> = Some(&*source);
    while let Some(error) = cause {
        if let Some(io_error) = error.downcast_ref::<io::Error>()
            && matches!(
                io_error.kind(),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded
            )
        {
            return FileError::DiskFull {
                path: path.to_owned(),
                source: io_error.kind().into(),
            };
        }
        cause = error.source();
    }
    FileError::Content {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("the system has a temporary folder")
    }

    fn put(path: &Path, overwrite: bool, text: &str) -> Result<(), FileError> {
        write_atomically(path, overwrite, |writer| writer.write_all(text.as_bytes()))
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("the folder is there")
            .map(|entry| {
                let entry = entry.expect("the entry can be read");
                entry.file_name().to_string_lossy().into_owned()
            })
            .collect();
        names.sort();
        names
    }

    #[test]
    fn writes_a_new_file_and_replaces_it_only_after_a_yes() {
        let folder = folder();
        let path = folder.path().join("inventory.csv");
        put(&path, false, "one").expect("a new file is written");
        let error = put(&path, false, "two").expect_err("nobody said yes");
        assert!(matches!(error, FileError::Exists(_)), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "one");
        put(&path, true, "two").expect("after a yes it is replaced");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "two");
        assert_eq!(
            names(folder.path()),
            ["inventory.csv"],
            "nothing else is left"
        );
    }

    #[test]
    fn a_file_that_appears_while_writing_is_left_alone() {
        let folder = folder();
        let path = folder.path().join("inventory.csv");
        let error = write_atomically(&path, false, |_| put(&path, false, "theirs"))
            .expect_err("somebody was faster");
        assert!(matches!(error, FileError::Exists(_)), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "theirs");
        assert_eq!(names(folder.path()), ["inventory.csv"]);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = folder();
        let path = folder.path().join("inventory.csv");
        put(&path, false, "old").expect("a new file is written");
        let error = write_atomically(&path, true, |writer| {
            writer.write_all(&vec![b'x'; 2 * BUFFER_BYTES])?;
            Err::<(), _>(io::Error::other("canceled"))
        })
        .expect_err("the writer gave up");
        let FileError::Content { source, .. } = error else {
            panic!("the writer's own reason is kept, not {error}");
        };
        assert_eq!(source.to_string(), "canceled");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "old");
        assert_eq!(names(folder.path()), ["inventory.csv"]);
    }

    #[test]
    fn says_what_is_wrong_with_a_path() {
        let folder = folder();
        let error = put(folder.path(), true, "x").expect_err("it is a folder");
        assert!(matches!(error, FileError::IsFolder(_)), "{error}");
        let error = put(&folder.path().join("no/such/file"), false, "x").expect_err("no folder");
        assert!(matches!(error, FileError::FolderMissing(_)), "{error}");
        let file = folder.path().join("file");
        put(&file, false, "x").expect("a new file is written");
        let error = put(&file.join("below"), false, "x").expect_err("a file is no folder");
        assert!(matches!(error, FileError::FolderMissing(_)), "{error}");
        let error = put(Path::new("/"), true, "x").expect_err("the root is a folder");
        assert!(matches!(error, FileError::IsFolder(_)), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_that_takes_no_files_is_said_to() {
        // Also for root, whom permissions do not stop.
        let error = put(Path::new("/proc/self/inventory.csv"), false, "x")
            .expect_err("the kernel's folder takes no files");
        assert!(
            matches!(error, FileError::NotWritable { .. } | FileError::Io { .. }),
            "{error}"
        );
    }

    #[test]
    fn a_full_disk_is_told_from_other_failures() {
        #[derive(Debug, Error)]
        #[error("row 7 could not be written")]
        struct RowFailed(#[source] io::Error);

        let folder = folder();
        let path = folder.path().join("inventory.csv");
        let error = write_atomically(&path, false, |_| {
            Err::<(), _>(RowFailed(ErrorKind::StorageFull.into()))
        })
        .expect_err("the disk is full");
        assert!(matches!(error, FileError::DiskFull { .. }), "{error}");
        assert!(names(folder.path()).is_empty(), "nothing is left behind");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_not_replaced() {
        let folder = folder();
        let path = folder.path().join("socket");
        let _socket = std::os::unix::net::UnixListener::bind(&path).expect("sockets can be made");
        let error = put(&path, true, "x").expect_err("it is a socket");
        assert!(matches!(error, FileError::NotAFile(_)), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn keeps_permissions_and_symbolic_links() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let folder = folder();
        let path = folder.path().join("inventory.csv");
        put(&path, false, "one").expect("a new file is written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("it is ours");
        let link = folder.path().join("link.csv");
        symlink(&path, &link).expect("links can be made here");
        put(&link, true, "two").expect("the file behind the link is replaced");
        assert!(
            fs::symlink_metadata(&link)
                .expect("it is there")
                .is_symlink(),
            "the link stays a link"
        );
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "two");
        let mode = fs::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o640, "permissions are kept");
    }
}
