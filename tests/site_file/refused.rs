//! Files that are no sites, or not sound ones: refused untouched, or read as far as they can be.

use std::fs;
use std::path::Path;

use rollcall::engine::store::{Store, StoreError};
use rollcall::model::fact::Fact;

use crate::crash::crash_image;
use crate::support::{
    batch, close, closed_site, done, folder, heard_units, names, open, save, write,
};

/// Tries to open a file in both ways; it must be refused and stay as it is.
fn refused(path: &Path) -> StoreError {
    let before = fs::read(path).expect("it is there");
    let beside = names(path.parent().expect("it is in a folder"));
    Store::open_read_only(path).expect_err("it cannot be read either");
    let error = Store::open(path).expect_err("it is refused");
    assert_eq!(
        fs::read(path).expect("it is there"),
        before,
        "it stays as it is"
    );
    assert_eq!(names(path.parent().expect("it is in a folder")), beside);
    error
}

#[test]
fn files_that_are_no_sites_are_refused() {
    let folder = folder();
    let path = folder.path().join("x.rollcall");
    let site = fs::read(closed_site(folder.path(), &heard_units(200))).expect("it is there");
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".repeat(100);
    let foreign = {
        let path = folder.path().join("foreign");
        let conn = rusqlite::Connection::open(&path).expect("files can be made here");
        conn.execute_batch("CREATE TABLE appliance (id)")
            .expect("SQLite works");
        drop(conn);
        fs::read(&path).expect("it is there")
    };
    let with = |offset: usize, byte: u8| {
        let mut bytes = site.clone();
        bytes[offset] = byte;
        bytes
    };
    for (what, bytes, words) in [
        ("empty", Vec::new(), "the file is empty"),
        ("a picture", png, "this is not a Rollcall site"),
        (
            "a text",
            b"status,name\r\n".to_vec(),
            "this is not a Rollcall site",
        ),
        ("a foreign database", foreign, "this is not a Rollcall site"),
        (
            "a newer site",
            with(63, 4),
            "was written by a newer version of Rollcall (format 4",
        ),
        ("a site of no version", with(63, 0), "damaged"),
        ("cut in its header", site[..60].to_vec(), "damaged"),
        ("cut in its first page", site[..1_000].to_vec(), "damaged"),
        ("cut in half", site[..site.len() / 2].to_vec(), "damaged"),
        (
            "cut by a page",
            site[..site.len() - 4_096].to_vec(),
            "damaged",
        ),
    ] {
        write(&path, &bytes);
        let error = refused(&path).to_string();
        assert!(error.contains(words), "{what}: {error}");
        assert!(
            error.ends_with("x.rollcall\""),
            "the path comes last: {error}"
        );
    }
    let error = Store::open(&folder.path().join("none.rollcall")).expect_err("it is not there");
    assert!(matches!(error, StoreError::Missing(_)), "{error}");
    let error = Store::open(folder.path()).expect_err("it is a folder");
    assert!(matches!(error, StoreError::IsFolder(_)), "{error}");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_waited_for() {
    let folder = folder();
    let path = folder.path().join("socket.rollcall");
    let _socket = std::os::unix::net::UnixListener::bind(&path).expect("sockets can be made");
    let error = Store::open(&path).expect_err("it is a socket");
    assert!(matches!(error, StoreError::NotASite(_)), "{error}");
}

#[test]
fn a_newer_site_that_was_not_closed_stays_as_it_is() {
    let folder = folder();
    let path = closed_site(folder.path(), &heard_units(2));
    let crash_folder = crate::support::folder();
    let conn = rusqlite::Connection::open(&path).expect("it opens");
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
        .expect("SQLite works");
    conn.pragma_update(None, "user_version", 9)
        .expect("SQLite works");
    let image = crash_image(&path, crash_folder.path());
    drop(conn);
    let wal = crash_folder.path().join("hall.rollcall-wal");
    let log = fs::read(&wal).expect("the newer version is only in the log");
    assert!(!log.is_empty());
    let site = fs::read(&image).expect("it is there");
    let error = Store::open(&image).expect_err("it is newer");
    assert!(
        matches!(error, StoreError::Newer { found: 9, .. }),
        "{error}"
    );
    assert_eq!(fs::read(&image).expect("it is there"), site);
    assert_eq!(fs::read(&wal).expect("it is there"), log);
    assert_eq!(names(crash_folder.path()).len(), 2, "nothing was added");
}

#[test]
fn a_damaged_site_is_refused_untouched_or_read_as_far_as_possible() {
    let folder = folder();
    let path = closed_site(folder.path(), &heard_units(60));
    let sound = fs::read(&path).expect("it is there");
    let mut num_refused = 0;
    // A prime step meets headers, pointers, keys and content of all pages.
    for offset in (0..sound.len()).step_by((sound.len() / 150) | 1) {
        let mut bytes = sound.clone();
        for byte in bytes.iter_mut().skip(offset).take(3) {
            *byte ^= 0xa5;
        }
        write(&path, &bytes);
        if let Ok((store, contents, _)) = Store::open(&path) {
            assert!(contents.units.len() <= 61, "nothing is made up");
            // Neither may panic; damage that was not found before may be found now.
            save(&store, &batch(&heard_units(2))).ok();
            done::<Result<(), StoreError>>(|tell| store.close(tell)).ok();
        } else {
            num_refused += 1;
            let after = fs::read(&path).expect("it is there");
            assert!(after == bytes, "left as it is");
        }
    }
    assert!(num_refused > 0, "damage in the structure is noticed");
}

#[test]
fn strange_rows_cost_themselves_only() {
    let folder = folder();
    let path = closed_site(folder.path(), &heard_units(3));
    let conn = rusqlite::Connection::open(&path).expect("it opens");
    conn.execute_batch(
        r#"UPDATE appliance SET heard = replace(heard, '"source":"reply"', '"source":"telepathy"') WHERE id = 1;
        UPDATE appliance SET heard = '{"no":"json' WHERE id = 2;
        UPDATE evidence SET channel = 'pigeon' WHERE appliance = 3 AND seq = 3000;
        UPDATE evidence SET sender = 'nowhere' WHERE appliance = 3 AND seq = 3001;
        INSERT INTO appliance (id, heard) VALUES (-5, NULL), (9223372036854775807, NULL), (40, NULL);
        INSERT INTO appliance (id, typed_note, by_hand) VALUES (41, printf('%.*c', 100000, 'n'),
            '{"name":"' || printf('%.*c', 300, 'x') || '","prefix":77,"mac":"zz","ip":"1.2.3","extra":[[9,"lost"]]}');
        UPDATE site SET value = '99999999999999999999' WHERE key = 'next_id';"#,
    )
    .expect("SQLite works");
    drop(conn);
    let (store, contents) = open(&path);
    let ids: Vec<u64> = contents.units.iter().map(|unit| unit.id.0).collect();
    assert_eq!(
        ids,
        [1, 3, 41],
        "a unit that nothing is known of stays in the file"
    );
    let heard = contents.units[0].heard.as_ref().expect("it was heard");
    assert_eq!(heard.name, Fact::NotAsked, "nobody knows who said it");
    assert_eq!(contents.units[1].evidence.len(), 4);
    let note = contents.units[2].note().expect("there is a note");
    assert!(note.len() <= 32 * 1024 && note.ends_with('…'));
    let facts = contents.units[2]
        .typed
        .by_hand
        .as_ref()
        .expect("it was added");
    assert_eq!(facts.name.chars().count(), 256);
    assert_eq!((facts.prefix, facts.mac, facts.ip), (None, None, None));
    assert!(facts.extra.is_empty());
    assert_eq!(contents.next_id, 42, "no id is given twice");
    assert_eq!(
        contents.remarks.len(),
        1,
        "what was left out is said: {:?}",
        contents.remarks
    );
    close(store);
}

#[test]
fn a_site_beyond_the_limits_is_read_up_to_them() {
    let folder = folder();
    let path = closed_site(folder.path(), &[]);
    let conn = rusqlite::Connection::open(&path).expect("it opens");
    // More units than a site may have; more bytes of evidence than are kept in all.
    conn.execute_batch(
        r#"WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 200003)
        INSERT INTO appliance (id, by_hand) SELECT n, '{"name":"x"}' FROM n;
        WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 70)
        INSERT INTO evidence SELECT n, n, 0, 'reply', 'udp-3502', '10.0.0.1:3502', 'eth0', 255, 51,
            zeroblob(1024 * 1024) FROM n;"#,
    )
    .expect("SQLite works");
    drop(conn);
    let (store, contents) = open(&path);
    assert_eq!(contents.units.len(), 200_000);
    assert_eq!(contents.next_id, 200_004, "no id is given twice");
    assert!(
        contents.remarks[0].contains("3 were left in the file"),
        "{:?}",
        contents.remarks
    );
    let raws: Vec<Option<usize>> = contents
        .units
        .iter()
        .flat_map(|unit| &unit.evidence)
        .map(|evidence| evidence.raw.as_ref().map(|raw| raw.len()))
        .collect();
    assert_eq!(raws[..6], [None; 6], "the oldest bytes go first");
    assert_eq!(raws[6..], [Some(2_048); 64]);
    close(store);
}

#[test]
fn a_file_of_another_shape_runs_nothing() {
    let folder = folder();
    let path = closed_site(folder.path(), &heard_units(3));
    let sound = fs::read(&path).expect("it is there");
    for (schema, opens) in [
        (
            "CREATE TRIGGER t AFTER INSERT ON site BEGIN DELETE FROM appliance; END",
            true,
        ),
        (
            "ALTER TABLE appliance RENAME TO x; CREATE VIEW appliance AS SELECT * FROM x",
            false,
        ),
        ("DROP TABLE evidence", false),
        ("ALTER TABLE appliance DROP COLUMN heard", false),
    ] {
        write(&path, &sound);
        let conn = rusqlite::Connection::open(&path).expect("it opens");
        conn.execute_batch(schema).expect("SQLite works");
        drop(conn);
        if opens {
            let (store, _) = open(&path);
            save(&store, &batch(&heard_units(4))).expect("it is saved");
            close(store);
            let (store, contents) = open(&path);
            assert_eq!(contents.units.len(), 4, "the file's trigger did not run");
            close(store);
        } else {
            let error = refused(&path);
            assert!(
                matches!(error, StoreError::Damaged { .. }),
                "{schema}: {error}"
            );
        }
    }
}
