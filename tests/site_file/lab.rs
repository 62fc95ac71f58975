//! What needs root: a small disk and a read-only one.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use rollcall::engine::files::{FileError, write_atomically};
use rollcall::engine::store::{OpenSite, Store, StoreError};

use crate::crash::crash_image;
use crate::support::{batch, close, closed_site, folder, heard_units, open, save, save_as};

/// Mounts something for the lab tests, which run as root in a mount namespace of their own or on a throw-away
/// machine.
struct Mount(tempfile::TempDir);

impl Mount {
    fn tmpfs(size: &str) -> Self {
        let folder = folder();
        mount(&["-t", "tmpfs", "-o", size, "tmpfs"], folder.path());
        Self(folder)
    }

    fn make_read_only(&self) {
        mount(&["-o", "remount,ro"], self.0.path());
    }
}

fn mount(args: &[&str], folder: &Path) {
    let status = Command::new("mount").args(args).arg(folder).status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "the lab runs as root"
    );
}

impl Drop for Mount {
    fn drop(&mut self) {
        Command::new("umount")
            .arg("-l")
            .arg(self.0.path())
            .status()
            .ok(); // The folder is a temporary one.
    }
}

#[test]
#[ignore = "lab: needs root, to mount a small disk"]
fn lab_a_full_disk_is_said_and_survived() {
    let disk = Mount::tmpfs("size=2m");
    let path = disk.0.path().join("hall.rollcall");
    let (store, _) = Store::create(&path).expect("a new site is made");
    save(&store, &batch(&heard_units(50))).expect("there is room");
    let error = save(&store, &batch(&heard_units(20_000))).expect_err("there is no room");
    assert!(matches!(error, StoreError::DiskFull(_)), "{error}");
    let error = save_as(&store, &disk.0.path().join("x.rollcall"), false);
    if let Err(error) = error {
        assert!(matches!(error, StoreError::DiskFull(_)), "{error}");
    }
    let elsewhere = folder();
    let other = elsewhere.path().join("hall.rollcall");
    save_as(&store, &other, false).expect("another disk has room");
    save(&store, &batch(&heard_units(20_000))).expect("another disk has room");
    close(store);
    let (_store, contents) = open(&other);
    assert_eq!(contents.units.len(), 20_000);

    let filler = disk.0.path().join("filler");
    let mut file = File::create(&filler).expect("an empty file fits");
    while file.write_all(&[7; 4096]).is_ok() {}
    let (_store, contents, _) = Store::open(&path).expect("it opens on a full disk");
    assert_eq!(contents.units.len(), 50);
    let error = write_atomically(&disk.0.path().join("inventory.csv"), false, |writer| {
        writer.write_all(&vec![7; 1 << 20])
    })
    .expect_err("there is no room");
    assert!(matches!(error, FileError::DiskFull { .. }), "{error}");
}

#[test]
#[ignore = "lab: needs root, to mount a disk read-only"]
fn lab_a_read_only_disk_is_read_and_said_to_be() {
    let disk = Mount::tmpfs("size=8m");
    let path = closed_site(disk.0.path(), &heard_units(50));
    let crashed = {
        let (store, _) = open(&path);
        save(&store, &batch(&heard_units(60))).expect("there is room");
        let crash_folder = disk.0.path().join("crashed");
        fs::create_dir(&crash_folder).expect("folders can be made here");
        let image = crash_image(&path, &crash_folder);
        close(store);
        image
    };
    disk.make_read_only();
    for path in [path, crashed] {
        let (store, contents, open_site) = Store::open(&path).expect("it can be read");
        assert_eq!(contents.units.len(), 60);
        let OpenSite::ReadOnly(why) = open_site else {
            panic!("nothing can be written there");
        };
        assert!(
            why.contains("written") || why.contains("write-protected"),
            "{why}"
        );
        let elsewhere = folder();
        save_as(&store, &elsewhere.path().join("x.rollcall"), false).expect("there it can");
        close(store);
    }
    let error = Store::create(&disk.0.path().join("new.rollcall")).expect_err("read-only");
    assert!(matches!(error, StoreError::NotWritable(_)), "{error}");
}
