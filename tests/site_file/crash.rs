//! Whatever ends the process, the site opens again and has everything that was saved.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rollcall::engine::store::{OpenSite, Store};
use rollcall::model::appliance::Appliance;

use crate::support::{
    as_reopened, batch, close, closed_site, folder, heard_unit, heard_units, names, open, save,
    write,
};

/// Names the site that the child process of the crash test works in.
const CHILD_SITE: &str = "ROLLCALL_TEST_CHILD_SITE";

/// Copies what a crash at this moment would leave on the disk.
pub(crate) fn crash_image(path: &Path, into: &Path) -> PathBuf {
    let image = into.join("hall.rollcall");
    fs::copy(path, &image).expect("the site can be copied");
    for ending in ["-wal", "-journal"] {
        let log = |path: &Path| PathBuf::from(format!("{}{ending}", path.display()));
        if log(path).exists() {
            fs::copy(log(path), log(&image)).expect("its log can be copied");
        }
    }
    image
}

#[test]
fn a_crash_loses_at_most_what_was_not_yet_saved() {
    let work_folder = folder();
    let path = work_folder.path().join("hall.rollcall");
    let (store, _) = Store::create(&path).expect("a new site is made");
    for saved in 0..6_u64 {
        let crash_folder = folder();
        let image = crash_image(&path, crash_folder.path());
        let (reader, contents, _) = Store::open_read_only(&image).expect("it can be read");
        assert_eq!(contents.units, as_reopened(&heard_units(saved * 100)));
        close(reader);
        let (opened, contents) = open(&image);
        assert_eq!(contents.units, as_reopened(&heard_units(saved * 100)));
        close(opened);
        assert_eq!(
            names(crash_folder.path()).len(),
            1,
            "one file holds everything again"
        );

        // The log may end anywhere: what it holds in full counts.
        let torn_folder = folder();
        let image = crash_image(&path, torn_folder.path());
        let wal = torn_folder.path().join("hall.rollcall-wal");
        let log = fs::read(&wal).unwrap_or_default();
        for part in 0..4 {
            write(&wal, &log[..log.len() * part / 4]);
            let (reader, contents, _) = Store::open_read_only(&image).expect("it can be read");
            let count = contents.units.len() as u64;
            assert!(
                count.is_multiple_of(100) && count <= saved * 100,
                "whole batches only"
            );
            assert_eq!(contents.units, as_reopened(&heard_units(count)));
            close(reader);
        }
        save(&store, &batch(&heard_units((saved + 1) * 100))).expect("it is saved");
    }
    close(store);
}

/// Not a test by itself: the process that `a_killed_process_leaves_a_site_that_opens` kills.
#[test]
#[ignore = "started by the test that kills it"]
fn child_that_saves_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD_SITE) else {
        return;
    };
    let (store, _) = Store::create(Path::new(&path)).expect("a new site is made");
    for saved in 1..100_000_u64 {
        save(&store, &batch(&[heard_unit(saved, 6)])).expect("it is saved");
        writeln!(std::io::stdout(), "saved {saved}").expect("the parent listens");
    }
}

#[test]
fn a_killed_process_leaves_a_site_that_opens() {
    let folder = folder();
    for (round, kill_after) in [1_u64, 7, 60].into_iter().enumerate() {
        let path = folder.path().join(format!("{round}.rollcall"));
        let program = std::env::current_exe().expect("this test is a program");
        let mut child = Command::new(program)
            .args(["--exact", "crash::child_that_saves_until_it_is_killed"])
            .args(["--ignored", "--nocapture"])
            .env(CHILD_SITE, &path)
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test can be started again");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        // Held until the child is killed: it must not end by itself for want of a listener.
        let mut saved_counts = output
            .lines()
            .map_while(Result::ok)
            .filter_map(|line| line.rsplit_once("saved ")?.1.parse::<u64>().ok());
        let seen = saved_counts
            .find(|saved| *saved >= kill_after)
            .expect("the child saves");
        let (second, _, open_site) = Store::open(&path).expect("it can be read meanwhile");
        assert!(
            matches!(open_site, OpenSite::ReadOnly(_)),
            "the child writes"
        );
        close(second);
        child.kill().expect("it still runs");
        child.wait().expect("it ends");

        let (store, contents) = open(&path);
        let count = contents.units.len() as u64;
        assert!(
            count >= seen,
            "what was reported saved is there: {count} of {seen}"
        );
        let expected: Vec<Appliance> = (1..=count).map(|id| heard_unit(id, 6)).collect();
        assert_eq!(contents.units, as_reopened(&expected));
        close(store);
    }
    assert_eq!(
        names(folder.path()).len(),
        3,
        "nothing of the crashes is left"
    );
}

#[test]
fn a_crash_on_a_network_share_is_rolled_back() {
    let folder = folder();
    let path = closed_site(folder.path(), &heard_units(300));
    let crash_folder = crate::support::folder();
    let conn = rusqlite::Connection::open(&path).expect("it opens");
    // A cache of one page, so that the file itself is changed before the end of the transaction.
    conn.execute_batch(
        "PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; BEGIN;
        UPDATE appliance SET typed_note = printf('%.*c', 900, 'n'); DELETE FROM evidence;",
    )
    .expect("SQLite works");
    let image = crash_image(&path, crash_folder.path());
    assert_eq!(names(crash_folder.path()).len(), 2, "there is a journal");
    conn.execute_batch("ROLLBACK").expect("SQLite works");
    drop(conn);
    let sound = fs::read(&path).expect("it is there");
    let half_changed = fs::read(&image).expect("it is there");
    assert_ne!(sound, half_changed, "the crash came while writing");

    let (reader, contents, _) = Store::open_read_only(&image).expect("it can be read");
    assert_eq!(contents.units, as_reopened(&heard_units(300)));
    close(reader);
    assert_eq!(
        fs::read(&image).expect("it is there"),
        half_changed,
        "reading changes nothing"
    );
    let (store, contents) = open(&image);
    assert_eq!(contents.units, as_reopened(&heard_units(300)));
    close(store);
    assert_eq!(
        names(crash_folder.path()).len(),
        1,
        "one file holds everything again"
    );
}
