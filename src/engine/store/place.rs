//! Whether a file lies on a network share, where `SQLite`'s write-ahead log must not be used: it needs memory
//! that all readers share.

use std::path::Path;

/// Where a file lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A disk of this machine.
    Local,
    /// Another machine's disk, or one that may be.
    Share,
}

impl Place {
    /// The journal that is safe there.
    pub(super) const fn journal_mode(self) -> &'static str {
        match self {
            Self::Local => "WAL",
            Self::Share => "DELETE",
        }
    }

    /// Where the file at `path` lies. What cannot be found out counts as local, which is by far the most common.
    #[cfg(target_os = "linux")]
    pub(super) fn of(path: &Path) -> Self {
        match std::fs::read("/proc/self/mountinfo") {
            Ok(mounts) => place_by_mounts(&mounts, path),
            Err(_) => Self::Local,
        }
    }

    /// Windows shows a share as `\\server\share`; a mapped drive becomes one when its path is resolved.
    #[cfg(windows)]
    pub(super) fn of(path: &Path) -> Self {
        use std::path::{Component, Prefix};

        let is_unc = |path: &Path| {
            matches!(path.components().next(), Some(Component::Prefix(prefix))
                if matches!(prefix.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..)))
        };
        let resolved = std::fs::canonicalize(path);
        if is_unc(path) || resolved.is_ok_and(|path| is_unc(&path)) {
            Self::Share
        } else {
            Self::Local
        }
    }

    /// macOS mounts shares under `/Volumes`, and other disks as well: a rollback journal suits those, too.
    #[cfg(not(any(target_os = "linux", windows)))]
    pub(super) fn of(path: &Path) -> Self {
        let resolved = std::fs::canonicalize(path);
        if resolved.as_deref().unwrap_or(path).starts_with("/Volumes") {
            Self::Share
        } else {
            Self::Local
        }
    }
}

/// The file system of the innermost mount that holds `path`. See `proc_pid_mountinfo(5)`.
#[cfg(target_os = "linux")]
fn place_by_mounts(mounts: &[u8], path: &Path) -> Place {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let mut innermost: Option<(usize, &[u8])> = None;
    for line in mounts.split(|byte| *byte == b'\n') {
        let mut words = line.split(|byte| *byte == b' ');
        let Some(mount_point) = words.nth(4) else {
            continue;
        };
        let Some(kind) = words.skip_while(|word| *word != b"-").nth(1) else {
            continue;
        };
        let mount_point = without_escapes(mount_point);
        // A later mount on the same point hides an earlier one.
        if path.starts_with(OsStr::from_bytes(&mount_point))
            && innermost.is_none_or(|(len, _)| len <= mount_point.len())
        {
            innermost = Some((mount_point.len(), kind));
        }
    }
    match innermost {
        Some((_, kind)) if is_share(kind) => Place::Share,
        _ => Place::Local,
    }
}

#[cfg(target_os = "linux")]
fn is_share(kind: &[u8]) -> bool {
    const SHARES: [&[u8]; 15] = [
        b"nfs",
        b"nfs4",
        b"cifs",
        b"smb3",
        b"smbfs",
        b"ncpfs",
        b"afs",
        b"9p",
        b"virtiofs",
        b"vboxsf",
        b"vmhgfs",
        b"ceph",
        b"glusterfs",
        b"lustre",
        b"ocfs2",
    ];
    // A program's own file system (`fuse.sshfs`, `fuse.rclone`) may lead anywhere; a disk's is `fuseblk`.
    SHARES.contains(&kind) || kind.starts_with(b"fuse.")
}

/// Undoes `\040` and the like, which stand for space, tab, line end and backslash.
#[cfg(target_os = "linux")]
fn without_escapes(word: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'\\'
            && let Some(digits) = tail.first_chunk::<3>()
            && let Ok(digits) = std::str::from_utf8(digits)
            && let Ok(code) = u8::from_str_radix(digits, 8)
        {
            plain.push(code);
            rest = &tail[3..];
        } else {
            plain.push(byte);
            rest = tail;
        }
    }
    plain
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:35 / /mnt/plan\\040room rw shared:7 master:2 - nfs4 filer:/export rw,vers=4.2
41 22 0:36 / /home/eva/remote rw - fuse.sshfs eva@jump: rw
42 22 8:17 / /media/stick rw - fuseblk /dev/sdb1 rw
43 40 8:33 / /mnt/plan\\040room/disk rw - xfs /dev/sdc1 rw
44 22 0:50 / /mnt/twice rw - ext4 /dev/sdd1 rw
45 44 0:51 / /mnt/twice rw - cifs //filer/share rw
garbage
46 22 0:52";

    #[test]
    fn the_innermost_mount_decides() {
        for (path, place) in [
            ("/home/eva/hall.rollcall", Place::Local),
            ("/mnt/plan room/hall.rollcall", Place::Share),
            ("/mnt/plan roommate/hall.rollcall", Place::Local),
            ("/mnt/plan room/disk/hall.rollcall", Place::Local),
            ("/home/eva/remote/hall.rollcall", Place::Share),
            ("/media/stick/hall.rollcall", Place::Local),
            ("/mnt/twice/hall.rollcall", Place::Share),
        ] {
            assert_eq!(
                place_by_mounts(MOUNTS.as_bytes(), Path::new(path)),
                place,
                "{path:?}"
            );
        }
        assert_eq!(place_by_mounts(b"", Path::new("/x")), Place::Local);
        assert_eq!(without_escapes(b"a\\04\\0401\\999\\"), b"a\\04 1\\999\\");
    }
}
