//! The site file as the engine uses it: opening, saving, locking, closing, saving under another name.

mod crash;
#[cfg(target_os = "linux")]
mod lab;
mod measures;
mod refused;
mod round_trip;
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;

use rollcall::engine::store::{NotTaken, OpenSite, SaveBatch, Store, StoreError};

use support::{
    as_reopened, batch, close, closed_site, folder, heard_units, names, open, save, save_as, write,
};

#[test]
fn closing_leaves_one_file_and_no_lock() {
    let folder = folder();
    let path = closed_site(folder.path(), &heard_units(50));
    assert_eq!(names(folder.path()), ["hall 7.rollcall"]);
    let (store, contents) = open(&path);
    assert_eq!(contents.units, as_reopened(&heard_units(50)));
    assert!(
        names(folder.path()).len() > 1,
        "the lock is there while it is open"
    );
    close(store);
    assert_eq!(names(folder.path()), ["hall 7.rollcall"]);
}

#[test]
fn a_new_site_never_replaces_a_file() {
    let folder = folder();
    let path = folder.path().join("hall.rollcall");
    write(&path, b"precious");
    let error = Store::create(&path).expect_err("a file is there");
    assert!(matches!(error, StoreError::Exists(_)), "{error}");
    assert_eq!(fs::read(&path).expect("it is there"), b"precious");
    let error = Store::create(&folder.path().join("none/hall.rollcall")).expect_err("no folder");
    assert!(matches!(error, StoreError::FolderMissing(_)), "{error}");
    assert_eq!(names(folder.path()), ["hall.rollcall"]);
}

#[test]
fn the_second_window_reads_and_says_so() {
    let folder = folder();
    let path = folder.path().join("hall.rollcall");
    let (first, _) = Store::create(&path).expect("a new site is made");
    save(&first, &batch(&heard_units(3))).expect("it is saved");

    let (second, contents, open_site) = Store::open(&path).expect("it can be read");
    assert_eq!(
        contents.units.len(),
        3,
        "what is not yet in the one file is seen"
    );
    let OpenSite::ReadOnly(why) = open_site else {
        panic!("two must not write to one file");
    };
    assert_eq!(why, "it is open in another Rollcall");
    let error = save(&second, &batch(&heard_units(9))).expect_err("it is read-only");
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    let error = save_as(&second, &path, true).expect_err("the first window works there");
    assert!(matches!(error, StoreError::InUse(_)), "{error}");

    save(&first, &batch(&heard_units(5))).expect("the first goes on");
    let (third, contents, open_site) = Store::open_read_only(&path).expect("it can be read");
    assert_eq!(contents.units.len(), 5);
    assert!(matches!(open_site, OpenSite::ReadOnly(_)));
    close(third);
    close(first);
    assert_eq!(
        names(folder.path()),
        ["hall.rollcall"],
        "readers leave no trace"
    );

    let other = folder.path().join("copy.rollcall");
    save_as(&second, &other, false).expect("another name will do");
    save(&second, &batch(&heard_units(9))).expect("it is writable now");
    close(second);
    let (_other, contents) = open(&other);
    assert_eq!(contents.units.len(), 9);
    let (_store, contents) = open(&path);
    assert_eq!(
        contents.units.len(),
        5,
        "the first window's file is as it left it"
    );
}

#[test]
fn reading_alone_takes_no_lock() {
    let folder = folder();
    let path = closed_site(folder.path(), &heard_units(3));
    let (reader, contents, _) = Store::open_read_only(&path).expect("it can be read");
    assert_eq!(contents.units.len(), 3);
    let (writer, _) = open(&path);
    close(writer);
    close(reader);
    assert_eq!(names(folder.path()), ["hall 7.rollcall"]);
}

#[cfg(unix)]
#[test]
fn a_link_leads_to_the_same_site() {
    let folder = folder();
    let path = closed_site(folder.path(), &heard_units(3));
    let link = folder.path().join("link.rollcall");
    std::os::unix::fs::symlink(&path, &link).expect("links can be made here");
    let (first, _) = open(&path);
    let (second, _, open_site) = Store::open(&link).expect("it can be read");
    assert!(
        matches!(open_site, OpenSite::ReadOnly(_)),
        "it is the same file"
    );
    close(second);
    save_as(&first, &link, true).expect("saving a site as itself changes nothing");
    close(first);
    let metadata = fs::symlink_metadata(&link).expect("it is there");
    assert!(metadata.is_symlink(), "the link is still one");
}

#[test]
fn saving_under_another_name_goes_on_there() {
    let folder = folder();
    let path = closed_site(folder.path(), &heard_units(3));
    let before = fs::read(&path).expect("it is there");
    let other = folder.path().join("hall 8.rollcall");
    write(&other, b"precious");
    // What a crash left beside the file that is replaced must not be taken for the new one's.
    write(&folder.path().join("hall 8.rollcall-wal"), b"stale");
    let (store, _) = open(&path);
    let error = save_as(&store, &other, false).expect_err("nobody said yes");
    assert!(matches!(error, StoreError::Exists(_)), "{error}");
    assert_eq!(fs::read(&other).expect("it is there"), b"precious");
    let error =
        save_as(&store, &folder.path().join("none/x.rollcall"), true).expect_err("no folder");
    assert!(matches!(error, StoreError::FolderMissing(_)), "{error}");
    save(&store, &batch(&heard_units(4))).expect("it goes on after a refusal");

    save_as(&store, &other, true).expect("after a yes it is replaced");
    let (second, contents) = open(&path);
    assert_eq!(contents.units.len(), 4, "the file before is free again");
    close(second);
    save(&store, &batch(&heard_units(7))).expect("it goes on in the new file");
    close(store);
    assert_eq!(names(folder.path()), ["hall 7.rollcall", "hall 8.rollcall"]);
    let (_store, contents) = open(&other);
    assert_eq!(contents.units, as_reopened(&heard_units(7)));
    assert_eq!(contents.name, "hall 8");
    assert_ne!(before, fs::read(&other).expect("it is there"));
    let (_store, contents) = open(&path);
    assert_eq!(
        contents.units.len(),
        4,
        "the file before has what was saved before"
    );
}

#[test]
fn the_demo_is_saved_like_any_site_and_never_kept() {
    let folder = folder();
    let (store, contents) = Store::throw_away().expect("memory is enough");
    assert!(contents.units.is_empty());
    save(&store, &batch(&heard_units(24))).expect("it is saved");
    let path = folder.path().join("demo.rollcall");
    let error = save_as(&store, &path, true).expect_err("nothing simulated is kept");
    assert!(matches!(error, StoreError::ThrowAway), "{error}");
    close(store);
    assert!(names(folder.path()).is_empty());
}

#[cfg(unix)]
#[test]
fn names_need_not_be_text() {
    use std::os::unix::ffi::OsStrExt;

    let folder = folder();
    let strange = folder
        .path()
        .join(std::ffi::OsStr::from_bytes(b"h\xff%3F?a=b#'\"ll"));
    fs::create_dir(&strange).expect("Unix takes any bytes");
    let path = strange.join(std::ffi::OsStr::from_bytes(b"\xfe?mode=memory.rollcall"));
    let (store, _) = Store::create(&path).expect("a new site is made");
    save(&store, &batch(&heard_units(3))).expect("it is saved");
    close(store);
    assert_eq!(names(&strange).len(), 1);
    let (_store, contents) = open(&path);
    assert_eq!(contents.units.len(), 3);
}

#[test]
fn a_slow_disk_makes_the_store_busy_and_closing_saves_what_was_taken() {
    let folder = folder();
    let path = folder.path().join("hall.rollcall");
    let (store, _) = Store::create(&path).expect("a new site is made");
    let (started, has_started) = sync_channel(1);
    let (go_on, may_go_on) = sync_channel::<()>(1);
    store
        .save(batch(&heard_units(1)), move |result| {
            started.send(result).expect("the test waits for it");
            may_go_on.recv().expect("the test lets it go on");
        })
        .expect("nothing is being saved yet");
    let result = has_started.recv().expect("the store answers every job");
    result.expect("it is saved");

    let mut num_taken = 1;
    let not_taken = loop {
        match store.save(batch(&heard_units(num_taken + 1)), |result| {
            result.expect("it is saved");
        }) {
            Ok(()) => num_taken += 1,
            Err(not_taken) => break not_taken,
        }
        assert!(num_taken < 100, "jobs do not queue up without end");
    };
    assert_eq!(not_taken, NotTaken::Busy);
    let error = save_as(&store, &folder.path().join("x.rollcall"), false).expect_err("it is busy");
    assert!(
        matches!(error, StoreError::NotTaken(NotTaken::Busy)),
        "{error}"
    );

    go_on.send(()).expect("the store waits for it");
    close(store);
    assert_eq!(names(folder.path()), ["hall.rollcall"]);
    let (_store, contents) = open(&path);
    assert_eq!(contents.units, as_reopened(&heard_units(num_taken)));
}

/// A site as the first format had it: without answers to probes, and without a number of its own.
fn of_the_first_format(folder: &Path) -> PathBuf {
    let path = closed_site(folder, &heard_units(3));
    let conn = rusqlite::Connection::open(&path).expect("it opens");
    conn.execute_batch(
        "DROP TABLE probe; DELETE FROM site WHERE key = 'site_id'; PRAGMA user_version = 1;",
    )
    .expect("SQLite works");
    path
}

#[test]
fn a_site_of_the_first_format_is_opened_and_brought_up() {
    let folder = folder();
    let path = of_the_first_format(folder.path());
    let before = fs::read(&path).expect("it is there");

    let (store, contents, _) = Store::open_read_only(&path).expect("it can be read");
    assert_eq!(contents.units, as_reopened(&heard_units(3)));
    assert_eq!(contents.site_id, None);
    close(store);
    assert_eq!(
        fs::read(&path).expect("it is there"),
        before,
        "it stays as it is"
    );

    let (store, contents) = open(&path);
    assert_eq!(contents.units, as_reopened(&heard_units(3)));
    let site_id = contents.site_id.expect("it has a number now");
    save(&store, &batch(&heard_units(4))).expect("it is saved");
    close(store);
    let (_store, contents) = open(&path);
    assert_eq!(contents.units.len(), 4);
    assert_eq!(contents.site_id, Some(site_id), "the number stays");
}

/// A site's number, as whoever opens it sees it.
fn number_of(path: &Path) -> String {
    let (store, contents, _) = Store::open_read_only(path).expect("it can be read");
    close(store);
    assert!(!contents.has_v3, "the keyring has nothing for a copy");
    contents.site_id.expect("it has a number")
}

#[test]
fn a_copy_is_a_site_of_its_own_to_the_keyring() {
    let folder = folder();
    let other = folder.path().join("copy.rollcall");
    let path = closed_site(folder.path(), &heard_units(3));
    let (store, contents) = open(&path);
    let marked = SaveBatch {
        has_v3: Some(true),
        ..batch(&heard_units(3))
    };
    save(&store, &marked).expect("it is saved");
    let same = save_as(&store, &path, true).expect("nothing is to be done");
    assert_eq!(same, contents.site_id, "the same file is the same site");
    let number = save_as(&store, &other, false).expect("another name will do");
    close(store);
    assert_eq!(names(folder.path()), ["copy.rollcall", "hall 7.rollcall"]);
    assert_ne!(number, contents.site_id);
    assert_eq!(number, Some(number_of(&other)));
    let (store, before) = open(&path);
    close(store);
    assert_eq!(before.site_id, contents.site_id);
    assert!(before.has_v3, "the file before stays as it was");
}

#[test]
fn sites_that_had_no_number_get_one_under_their_new_name() {
    let folder = folder();
    let path = of_the_first_format(folder.path());
    let (read_only, contents, _) = Store::open_read_only(&path).expect("it can be read");
    assert_eq!(contents.site_id, None);
    let (in_memory, contents) = Store::in_memory().expect("memory is enough");
    assert_eq!(contents.site_id, None);
    for (nth, store) in [read_only, in_memory].into_iter().enumerate() {
        let other = folder.path().join(format!("copy {nth}.rollcall"));
        let number = save_as(&store, &other, false).expect("another name will do");
        close(store);
        assert_eq!(number, Some(number_of(&other)));
    }
}
