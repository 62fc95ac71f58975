//! One writer for a site file: a lock file beside it, locked by the system, so that a crash leaves no stale
//! lock. The site file itself is not locked, since Windows would then keep others from reading it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::engine::files::folder_of;

/// How often a lock file that vanished under our hands is made anew.
const ATTEMPTS: usize = 16;

/// The right to write a site file. Given back, and its file removed, when dropped.
#[derive(Debug)]
pub(super) struct Lock {
    /// Holds the system's lock. `None` only while dropping.
    file: Option<File>,
    /// The lock file.
    path: PathBuf,
}

/// Why there is no lock.
#[derive(Debug)]
pub(super) enum NoLock {
    /// Another Rollcall has it.
    Held,
    /// Nobody has it, but it cannot be had here.
    Impossible(io::Error),
}

/// The lock file of a site file: `.hall.rollcall.lock` for `hall.rollcall`.
pub(super) fn lock_path(site_path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(site_path.file_name().unwrap_or_default());
    name.push(".lock");
    folder_of(site_path).join(name)
}

impl Lock {
    /// Takes the lock of a site file, without waiting for it.
    pub(super) fn take(site_path: &Path) -> Result<Self, NoLock> {
        let path = lock_path(site_path);
        for _ in 0..ATTEMPTS {
            let file = match open(&path) {
                Ok(file) => file,
                Err(error) => return Err(look_only(&path, error)),
            };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(NoLock::Held),
                Err(TryLockError::Error(error)) => return Err(NoLock::Impossible(error)),
            }
            // Whoever held it before may have removed the file between our opening and our locking it; then
            // a third could lock a new one under the same name.
            if is_still_at(&file, &path) {
                return Ok(Self {
                    file: Some(file),
                    path,
                });
            }
        }
        Err(NoLock::Held)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let file = self.file.take();
        // Unix: removed while it is still locked, see `is_still_at`. Windows: nobody can remove a file that
        // another has open, so it is closed first, and one who was faster keeps and removes it.
        if cfg!(windows) {
            drop(file);
            fs::remove_file(&self.path).ok(); // One who was faster has it open.
        } else {
            fs::remove_file(&self.path).ok(); // A person may have removed it.
            drop(file);
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    // FILE_SHARE_READ and FILE_SHARE_WRITE, but not FILE_SHARE_DELETE.
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 3);
    options.open(path)
}

/// The lock file cannot be made or written; another with more rights may still hold it.
fn look_only(path: &Path, error: io::Error) -> NoLock {
    let held = File::open(path)
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)));
    if held {
        NoLock::Held
    } else {
        NoLock::Impossible(error)
    }
}

#[cfg(unix)]
fn is_still_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let (Ok(ours), Ok(there)) = (file.metadata(), fs::metadata(path)) else {
        return false;
    };
    (ours.dev(), ours.ino()) == (there.dev(), there.ino())
}

#[cfg(not(unix))]
fn is_still_at(_file: &File, _path: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_no_trace_afterwards() {
        let folder = tempfile::tempdir().expect("the system has a temporary folder");
        let site = folder.path().join("hall.rollcall");
        let lock = Lock::take(&site).expect("nobody has it");
        assert!(lock_path(&site).exists());
        assert!(matches!(Lock::take(&site), Err(NoLock::Held)));
        drop(lock);
        assert!(!lock_path(&site).exists(), "it vanishes when given back");
        drop(Lock::take(&site).expect("nobody has it any more"));
    }

    #[test]
    fn a_lock_file_that_a_crash_left_is_no_lock() {
        let folder = tempfile::tempdir().expect("the system has a temporary folder");
        let site = folder.path().join("hall.rollcall");
        File::create(lock_path(&site)).expect("files can be made here");
        drop(Lock::take(&site).expect("the system knows that nobody holds it"));
    }

    #[test]
    fn a_folder_that_takes_no_files_gives_no_lock() {
        let folder = tempfile::tempdir().expect("the system has a temporary folder");
        let site = folder.path().join("none/hall.rollcall");
        assert!(matches!(Lock::take(&site), Err(NoLock::Impossible(_))));
    }

    #[test]
    fn never_two_holders_when_many_take_and_give_back() {
        use std::sync::atomic::{AtomicUsize, Ordering};

        let folder = tempfile::tempdir().expect("the system has a temporary folder");
        let site = folder.path().join("hall.rollcall");
        let holders = AtomicUsize::new(0);
        let taken = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        if let Ok(lock) = Lock::take(&site) {
                            let before = holders.fetch_add(1, Ordering::SeqCst);
                            assert_eq!(before, 0, "two hold the lock at once");
                            taken.fetch_add(1, Ordering::SeqCst);
                            holders.fetch_sub(1, Ordering::SeqCst);
                            drop(lock);
                        }
                    }
                });
            }
        });
        assert!(taken.into_inner() > 0, "somebody got it");
    }
}
