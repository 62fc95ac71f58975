//! Nothing is lost: what the engine keeps when sites are switched, files vanish, and the window ends at once.
#![expect(
    clippy::disallowed_methods,
    reason = "a test waits for its own future and lays its own files"
)]

#[path = "support/running.rs"]
mod running;

use std::path::Path;
use std::sync::Arc;

use rollcall::engine::SiteChoice;
use rollcall::engine::command::{Command, Notice};
use rollcall::model::appliance::FileFacts;
use rollcall::model::edit::Edit;
use rollcall::model::snapshot::Snapshot;

use running::{AT_MOST, Running, config, reply, start, start_with};

fn add(name: &str) -> Command {
    Command::Edit(Edit::Add {
        facts: Arc::new(FileFacts {
            name: name.to_owned(),
            ..FileFacts::default()
        }),
    })
}

fn said(words: &'static str) -> impl Fn(&Notice) -> bool {
    move |notice| matches!(notice, Notice::Said(saying) if saying.title.contains(words))
}

async fn names_in(path: &Path) -> Vec<String> {
    let running = start(SiteChoice::ReadOnly(path.to_owned()), path, false);
    let snapshot = running
        .until("the site", |snapshot| snapshot.site.path.is_some())
        .await;
    running.close().await;
    let mut names: Vec<String> = snapshot
        .units
        .iter()
        .filter_map(|(_, unit)| unit.name().map(|best| best.value.to_owned()))
        .collect();
    names.sort();
    names
}

async fn end(running: Running) -> bool {
    let Running { handle, engine } = running;
    let closing = tokio::task::spawn_blocking(move || engine.close(AT_MOST));
    let saved = closing.await.expect("no panic");
    drop(handle);
    saved
}

#[tokio::test]
async fn commands_given_before_the_end_are_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hall.rollcall");
    let settings_path = folder.path().join("settings.json");
    let mut config = config(SiteChoice::File(path.clone()), folder.path(), false);
    config.settings_path = Some(settings_path.clone());
    let running = start_with(config);
    // Not even the site is open yet.
    for nth in 0..100 {
        running.send(add(&format!("unit {nth:02}")));
        running.send(Command::Remember(Box::default()));
    }
    assert!(end(running).await, "everything is saved");
    assert_eq!(names_in(&path).await.len(), 100, "no command is lost");
    assert!(settings_path.exists(), "the settings are written as well");
}

#[tokio::test]
#[cfg_attr(windows, ignore = "Windows lets nobody remove a file that is open")]
async fn an_end_that_could_not_save_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hall.rollcall");
    let running = start(SiteChoice::File(path.clone()), folder.path(), false);
    running
        .until("the site", |snapshot| snapshot.site.path.is_some())
        .await;
    std::fs::remove_file(&path).expect("a file manager can do that");
    running.send(add("lost"));
    assert!(
        !end(running).await,
        "the file is gone, so nothing was saved"
    );
}

#[tokio::test]
#[cfg_attr(windows, ignore = "Windows lets nobody remove a file that is open")]
async fn a_site_that_cannot_be_saved_is_not_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, other) = (
        folder.path().join("hall.rollcall"),
        folder.path().join("other.rollcall"),
    );
    let mut running = start(SiteChoice::File(path.clone()), folder.path(), false);
    running
        .until("the site", |snapshot| snapshot.site.path.is_some())
        .await;
    std::fs::remove_file(&path).expect("a file manager can do that");
    running.send(add("kept"));
    for command in [Command::NewSite(other.clone()), Command::StartDemo] {
        running.send(command);
        running
            .notice("a refusal", said("could not be saved, so it stays open"))
            .await;
        let snapshot = running.handle.snapshot();
        assert_eq!(snapshot.site.path.as_deref(), Some(&*path));
    }
    assert!(!other.exists(), "nothing else was made");
    running.send(Command::SaveSiteAs {
        path: other.clone(),
        overwrite: false,
    });
    let moved = |snapshot: &Snapshot| snapshot.site.path.as_deref() == Some(&*other);
    running.until("the new place", moved).await;
    assert!(end(running).await, "it is saved in the new place");
    assert_eq!(names_in(&other).await, ["kept"]);
}

#[tokio::test]
async fn a_new_site_that_cannot_be_made_leaves_the_open_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hall.rollcall");
    let mut running = start(SiteChoice::File(path.clone()), folder.path(), false);
    running.send(add("kept"));
    running.send(Command::NewSite(folder.path().join("none/new.rollcall")));
    running.notice("a refusal", said("cannot be opened")).await;
    let has_unit = |snapshot: &Snapshot| snapshot.units.len() == 1;
    let snapshot = running.until("the unit", has_unit).await;
    assert_eq!(snapshot.site.path.as_deref(), Some(&*path));
    assert!(end(running).await);
    assert_eq!(names_in(&path).await, ["kept"]);
}

#[tokio::test]
async fn a_last_site_that_is_not_there_is_not_made_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let last = folder.path().join("stick.rollcall");
    let mut running = start(
        SiteChoice::LastOrUntitled(Some(last.clone())),
        folder.path(),
        false,
    );
    running.notice("a word", said("open last")).await;
    let snapshot = running
        .until("a site", |snapshot| snapshot.site.path.is_some())
        .await;
    assert_eq!(snapshot.site.name, "Untitled site");
    assert!(!last.exists(), "an empty site would look like a lost one");
    assert!(end(running).await);
}

#[tokio::test]
async fn a_site_in_memory_can_be_saved_under_a_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let blocked = folder.path().join("a file");
    std::fs::write(&blocked, "in the way of the sites' folder").expect("written");
    let mut running = start(SiteChoice::LastOrUntitled(None), &blocked, true);
    running
        .notice("a word", said("No site file could be opened"))
        .await;
    running.announce(&reply(3, "con-3")).await;
    running
        .until("the unit", |snapshot| snapshot.units.len() == 1)
        .await;
    let path = folder.path().join("kept.rollcall");
    running.send(Command::SaveSiteAs {
        path: path.clone(),
        overwrite: false,
    });
    let moved = |snapshot: &Snapshot| snapshot.site.path.as_deref() == Some(&*path);
    let snapshot = running.until("the new place", moved).await;
    assert_eq!(snapshot.site.read_only, None);
    assert!(end(running).await);
    assert_eq!(names_in(&path).await, ["con-3"]);
}

#[tokio::test]
async fn the_demo_cannot_be_saved_as_a_site() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut running = start(SiteChoice::Demo, folder.path(), false);
    let path = folder.path().join("demo.rollcall");
    running.send(Command::SaveSiteAs {
        path: path.clone(),
        overwrite: true,
    });
    running.notice("a refusal", said("was not saved")).await;
    assert!(!path.exists(), "nothing simulated enters a person's site");
    assert!(end(running).await);
}

#[tokio::test]
async fn an_import_never_ends_up_in_another_site() {
    const SITES: usize = 20;
    let folder = tempfile::tempdir().expect("a folder");
    let running = start(SiteChoice::LastOrUntitled(None), folder.path(), false);
    running
        .until("a site", |snapshot| snapshot.site.path.is_some())
        .await;
    let site = |nth: usize| folder.path().join(format!("other {nth}.rollcall"));
    for nth in 0..SITES {
        // Begun in the site before, which is left in the same moment.
        let csv = folder.path().join(format!("plan {nth}.csv"));
        let rows = format!("name,serial\r\ncon-{nth},052001163{nth}\r\n");
        std::fs::write(&csv, rows).expect("written");
        running.send(Command::Import(csv));
        running.send(Command::NewSite(site(nth)));
        let moved = |snapshot: &Snapshot| snapshot.site.path.as_deref() == Some(&*site(nth));
        running.until("the other site", moved).await;
    }
    assert!(end(running).await);
    for nth in 0..SITES {
        // An import that was quick enough is in the site that it was begun in, and in no other.
        let own = format!("con-{}", nth + 1);
        let names = names_in(&site(nth)).await;
        assert!(
            names.is_empty() || names == [own],
            "site {nth} got rows that were not for it: {names:?}"
        );
    }
}
