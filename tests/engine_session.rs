//! The whole engine over real sockets and a real site file, without a window.
#![expect(
    clippy::disallowed_methods,
    reason = "a test waits for its own future and lays its own files"
)]

#[path = "support/running.rs"]
mod running;

use std::path::PathBuf;
use std::sync::Arc;

use rollcall::engine::SiteChoice;
use rollcall::engine::command::{Command, ExportRequest, Notice};
use rollcall::inventory::{Delimiter, Format, WriteStyle};
use rollcall::model::edit::Edit;
use rollcall::model::snapshot::Snapshot;
use rollcall::model::status::Status;

use running::{reply, start};

const CSV: WriteStyle = WriteStyle {
    format: Format::Csv,
    delimiter: Delimiter::Comma,
    for_spreadsheets: true,
};

fn export(path: PathBuf, snapshot: &Arc<Snapshot>, overwrite: bool) -> Command {
    let rows = snapshot
        .units
        .iter()
        .map(|(slot, unit)| (slot, unit.id))
        .collect();
    Command::Export(Box::new(ExportRequest {
        path,
        style: CSV,
        snapshot: Arc::clone(snapshot),
        rows,
        overwrite,
    }))
}

#[tokio::test]
async fn the_demo_fleet_is_heard_through_real_sockets() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = start(SiteChoice::LastOrUntitled(None), folder.path(), false);
    let before = running
        .until("the untitled site", |snapshot| snapshot.site.path.is_some())
        .await;
    running.send(Command::StartDemo);
    let all = |snapshot: &Snapshot| snapshot.site.demo && snapshot.units.len() == 24;
    let snapshot = running.until("24 units", all).await;
    let count = |wanted| {
        snapshot
            .units
            .iter()
            .filter(|(_, unit)| snapshot.context.status(unit) == wanted)
            .count()
    };
    assert_eq!(
        count(Status::Conflict),
        2,
        "two units of the demo claim one address"
    );
    assert_eq!(count(Status::NoAddress), 2);
    assert_eq!(count(Status::WrongNetwork), 1);
    assert!(snapshot.totals.heard >= 24, "they came as datagrams");
    assert_eq!(snapshot.site.path, None, "the demo is never saved");

    running.send(Command::EndDemo);
    let after = running
        .until("the site of before", |snapshot| {
            !snapshot.site.demo && snapshot.site.path.is_some()
        })
        .await;
    assert_eq!(after.site.path, before.site.path);
    assert!(
        after.units.is_empty(),
        "nothing simulated enters a person's site"
    );
    running.close().await;
}

#[tokio::test]
async fn a_demo_from_the_start_ends_in_the_site_of_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().join("hall b.rollcall");
    let running = start(SiteChoice::File(own.clone()), folder.path(), false);
    running
        .until("the site", |snapshot| snapshot.site.path.is_some())
        .await;
    running.close().await;

    let mut config = running::config(SiteChoice::Demo, folder.path(), false);
    config.after_demo = Some(own.clone());
    let running = running::start_with(config);
    running
        .until("a unit of the demo", |snapshot| !snapshot.units.is_empty())
        .await;
    running.send(Command::EndDemo);
    let after = running
        .until("the site of before", |snapshot| {
            snapshot.site.path.is_some()
        })
        .await;
    assert_eq!(after.site.path, Some(own));
    running.close().await;
}

#[tokio::test]
async fn what_was_heard_and_typed_is_there_after_reopening() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hall b.rollcall");
    let running = start(SiteChoice::File(path.clone()), folder.path(), true);
    running.announce(&reply(5, "con1")).await;
    let snapshot = running
        .until("the unit", |snapshot| snapshot.units.len() == 1)
        .await;
    let (_, unit) = snapshot.units.iter().next().expect("one unit");
    assert_eq!(unit.heard_by(), Some("announcement"), "nobody asked");
    assert_eq!(snapshot.context.status(unit), Status::New);
    running.send(Command::Edit(Edit::Name {
        ids: vec![unit.id],
        name: "mine".to_owned(),
    }));
    running.send(Command::Edit(Edit::Note {
        ids: vec![unit.id],
        note: "behind the pillar".to_owned(),
    }));
    let saved = |snapshot: &Snapshot| {
        snapshot.site.saved.is_some() && !snapshot.site.dirty && snapshot.undo.is_some()
    };
    running.until("saving", saved).await;
    running.close().await;

    let running = start(
        SiteChoice::LastOrUntitled(Some(path.clone())),
        folder.path(),
        false,
    );
    let snapshot = running
        .until("the saved unit", |snapshot| snapshot.units.len() == 1)
        .await;
    let (_, unit) = snapshot.units.iter().next().expect("one unit");
    assert_eq!(unit.name().map(|name| name.value), Some("mine"));
    assert_eq!(unit.note(), Some("behind the pillar"));
    assert_eq!(
        unit.mac().map(|mac| mac.value.to_string()).as_deref(),
        Some("00:e0:86:00:00:05")
    );
    assert_eq!(
        snapshot.context.status(unit),
        Status::Heard,
        "it is no longer new"
    );
    assert!(unit.last_datagram().is_some(), "its bytes came back too");
    assert_eq!(snapshot.site.name, "hall b");

    let second = start(SiteChoice::File(path), folder.path(), false);
    let snapshot = second
        .until("the second window", |snapshot| snapshot.units.len() == 1)
        .await;
    assert!(
        snapshot.site.read_only.is_some(),
        "the second window reads only, and says so"
    );
    second.close().await;
    running.close().await;
}

#[tokio::test]
async fn an_export_holds_what_was_seen_when_it_was_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut running = start(SiteChoice::ThrowAway, folder.path(), true);
    running.announce(&reply(5, "=cmd|' /C calc'!A0")).await;
    let seen = running
        .until("the unit", |snapshot| snapshot.units.len() == 1)
        .await;
    running.announce(&reply(6, "later")).await;
    running
        .until("another unit", |snapshot| snapshot.units.len() == 2)
        .await;
    let path = folder.path().join("out.csv");
    running.send(export(path.clone(), &seen, false));
    running
        .notice("the export", |notice| {
            matches!(notice, Notice::Exported { num_rows: 1, .. })
        })
        .await;
    let text = std::fs::read_to_string(&path).expect("the file is there");
    assert!(
        text.starts_with("\u{feff}status,name,model"),
        "a byte order mark and the header"
    );
    assert!(
        text.contains("\"'=cmd") || text.contains(",'=cmd"),
        "the formula is defused: {text:?}"
    );
    assert!(!text.contains("later"), "what came later is not in it");

    std::fs::write(&path, "precious").expect("written");
    running.send(export(path.clone(), &seen, false));
    let notice = running
        .notice("a question", |notice| {
            matches!(notice, Notice::ExportWouldReplace(_))
        })
        .await;
    assert_eq!(
        std::fs::read_to_string(&path).expect("there"),
        "precious",
        "nothing is replaced without a yes"
    );
    let Notice::ExportWouldReplace(mut request) = notice else {
        unreachable!()
    };
    request.overwrite = true;
    running.send(Command::Export(request));
    running
        .notice("the export", |notice| {
            matches!(notice, Notice::Exported { .. })
        })
        .await;
    assert_ne!(std::fs::read_to_string(&path).expect("there"), "precious");

    running.send(export(
        folder.path().join("no such folder/out.csv"),
        &seen,
        false,
    ));
    let failed = running
        .notice(
            "the trouble",
            |notice| matches!(notice, Notice::Said(saying) if saying.title.contains("not written")),
        )
        .await;
    let Notice::Said(saying) = failed else {
        unreachable!()
    };
    assert!(
        saying.text.expect("it says why").contains("folder"),
        "and names the folder"
    );
    running.close().await;
}

#[tokio::test]
async fn an_import_is_reported_and_undone_in_one_step() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut running = start(SiteChoice::ThrowAway, folder.path(), false);
    let path = folder.path().join("plan.csv");
    std::fs::write(
        &path,
        "Name;MAC address;Serial;Rack unit\ncon1;00-E0-86-00-00-05;0520011634;U42\ncon2;0E+86;0520011635;U40\n",
    )
    .expect("written");
    running.send(Command::Import(path));
    let notice = running
        .notice("the report", |notice| matches!(notice, Notice::Imported(_)))
        .await;
    let Notice::Imported(report) = notice else {
        unreachable!()
    };
    assert_eq!(
        (report.added, report.refused.len(), report.num_rows),
        (1, 1, 2)
    );
    assert_eq!(report.refused[0].line, 3);
    let snapshot = running
        .until("the row", |snapshot| snapshot.units.len() == 1)
        .await;
    assert_eq!(*snapshot.extra_columns, ["Rack unit"]);
    running.send(Command::Undo);
    let snapshot = running
        .until("undone", |snapshot| snapshot.units.is_empty())
        .await;
    assert!(
        snapshot.extra_columns.is_empty(),
        "the unknown column went with it"
    );
    running.send(Command::Redo);
    running
        .until("done again", |snapshot| snapshot.units.len() == 1)
        .await;
    running.close().await;
}

#[tokio::test]
async fn a_site_that_cannot_be_opened_leaves_the_open_one_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut running = start(SiteChoice::LastOrUntitled(None), folder.path(), false);
    let before = running
        .until("a site", |snapshot| snapshot.site.path.is_some())
        .await;
    let broken = folder.path().join("broken.rollcall");
    std::fs::write(&broken, b"\x89PNG\r\n\x1a\nnot a site at all").expect("written");
    running.send(Command::OpenSite(broken.clone()));
    running.notice("a refusal", |notice| matches!(notice, Notice::Said(saying) if saying.title.contains("cannot be opened"))).await;
    assert_eq!(
        std::fs::read(&broken).expect("there"),
        b"\x89PNG\r\n\x1a\nnot a site at all",
        "left untouched"
    );
    assert_eq!(running.handle.snapshot().site.path, before.site.path);

    let elsewhere = folder.path().join("copy.rollcall");
    running.send(Command::SaveSiteAs {
        path: elsewhere.clone(),
        overwrite: false,
    });
    let moved = |snapshot: &Snapshot| snapshot.site.path.as_deref() == Some(&*elsewhere);
    running.until("the new place", moved).await;
    running.send(Command::SaveSiteAs {
        path: broken.clone(),
        overwrite: false,
    });
    running
        .notice("a question", |notice| {
            matches!(notice, Notice::SaveWouldReplace(_))
        })
        .await;
    running.close().await;

    // At the next start, a last site that is broken is said, and an untitled one is open.
    let mut running = start(
        SiteChoice::LastOrUntitled(Some(broken)),
        folder.path(),
        false,
    );
    running
        .notice(
            "a word",
            |notice| matches!(notice, Notice::Said(saying) if saying.title.contains("open last")),
        )
        .await;
    let snapshot = running
        .until("a site", |snapshot| snapshot.site.path.is_some())
        .await;
    assert_eq!(snapshot.site.name, "Untitled site");
    running.close().await;
}

/// Answers one connection as a unit does.
#[cfg(target_os = "linux")]
fn answer_by_tcp(listener: tokio::net::TcpListener) -> tokio::task::JoinHandle<()> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut request = [0; 19];
        stream.read_exact(&mut request).await.expect("a request");
        let sequence = u16::from_be_bytes([request[5], request[6]]);
        let answer = reply(77, "con-tcp").emit(sequence);
        stream.write_all(&answer).await.expect("answered");
    })
}

/// A unit that UDP does not reach is found by the sweep's second way, and the sweep is over only then.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_sweep_is_over_when_tcp_was_tried_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = tokio::net::TcpListener::bind("127.0.0.2:0")
        .await
        .expect("Linux has all of 127/8");
    let port = listener.local_addr().expect("bound").port();
    let unit = answer_by_tcp(listener);
    let mut config = running::config(SiteChoice::ThrowAway, folder.path(), true);
    config.tcp_port = Some(port);
    let running = running::start_with(config);
    running
        .until("an interface", |snapshot| !snapshot.interfaces.is_empty())
        .await;
    running.send(Command::Sweep(rollcall::engine::command::SweepRequest {
        ranges: "127.0.0.2".to_owned(),
        per_sec: None,
        confirmed: false,
        probe: false,
    }));
    let is_over = |snapshot: &Snapshot| {
        let sweep = snapshot.sweep.as_ref();
        sweep.is_some_and(|sweep| sweep.ended.is_some())
    };
    let snapshot = running.until("the end of the sweep", is_over).await;
    unit.await.expect("it was asked");
    let heard_by: Vec<_> = snapshot
        .units
        .iter()
        .map(|(_, unit)| unit.heard_by().map(str::to_owned))
        .collect();
    assert_eq!(heard_by, [Some("tcp".to_owned())]);
    assert_eq!(snapshot.sweep.as_ref().expect("swept").num_answered, 1);
    running.close().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_tcp_port_that_is_given_back_is_taken() {
    use tokio::io::AsyncWriteExt;

    let folder = tempfile::tempdir().expect("a folder");
    let holder = std::net::TcpListener::bind("0.0.0.0:0").expect("a port");
    let port = holder.local_addr().expect("bound").port();
    let mut config = running::config(SiteChoice::ThrowAway, folder.path(), true);
    config.tcp_port = Some(port);
    let running = running::start_with(config);
    let is_held = |snapshot: &Snapshot| {
        let mut checks = snapshot.doctor.checks.iter();
        checks.any(|check| check.what.contains("cannot connect"))
    };
    running.until("a word of the doctor", is_held).await;
    drop(holder);
    running
        .until("the port", |snapshot| {
            !snapshot.doctor.checks.is_empty() && !is_held(snapshot)
        })
        .await;
    let mut unit = tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .expect("it is accepted");
    unit.write_all(&reply(78, "con-comes").emit(0))
        .await
        .expect("it is sent");
    let snapshot = running
        .until("the unit", |snapshot| snapshot.units.len() == 1)
        .await;
    assert_eq!(
        snapshot.units.iter().next().expect("there").1.heard_on(),
        Some("loopback".to_owned()),
        "the connection's own end tells the interface"
    );
    running.close().await;
}

/// A Windows that adds what an administrator says yes to.
#[derive(Debug, Default)]
struct MadeUpFirewall(std::sync::atomic::AtomicBool);

impl rollcall::engine::firewall::System for MadeUpFirewall {
    fn program(&self) -> std::io::Result<PathBuf> {
        Ok(r"C:\Tools\rollcall.exe".into())
    }

    fn netsh(&self, _args: &[String]) -> std::io::Result<rollcall::engine::firewall::Answer> {
        Ok(rollcall::engine::firewall::Answer {
            is_success: self.0.load(std::sync::atomic::Ordering::Relaxed),
            output: br"Program: C:\Tools\rollcall.exe".to_vec(),
        })
    }

    fn start_elevated(
        &self,
        change: rollcall::engine::firewall::RuleChange,
    ) -> std::io::Result<Option<i32>> {
        let is_there = change == rollcall::engine::firewall::RuleChange::Add;
        self.0.store(is_there, std::sync::atomic::Ordering::Relaxed);
        Ok(Some(0))
    }
}

#[tokio::test]
async fn the_firewall_rule_is_added_beside_and_the_doctor_knows() {
    use rollcall::engine::command::Level;
    use rollcall::engine::firewall::RuleChange;
    use rollcall::model::snapshot::{FirewallState, RuleState};

    let folder = tempfile::tempdir().expect("a folder");
    let mut config = running::config(SiteChoice::ThrowAway, folder.path(), false);
    config.firewall = Some(Arc::new(MadeUpFirewall::default()));
    let mut running = running::start_with(config);
    let stands =
        |state| move |snapshot: &Snapshot| snapshot.doctor.firewall == FirewallState::Rule(state);
    running
        .until("a look at the rule", stands(RuleState::Missing))
        .await;
    for (change, state) in [
        (RuleChange::Add, RuleState::Present),
        (RuleChange::Remove, RuleState::Missing),
    ] {
        running.send(Command::FirewallRule(change));
        let is_done =
            |notice: &Notice| matches!(notice, Notice::Said(said) if said.level == Level::Done);
        running.notice("what came of it", is_done).await;
        running.until("the rule", stands(state)).await;
    }
    running.close().await;
}

#[tokio::test]
async fn the_doctor_that_is_asked_looks_at_the_installation_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let places = rollcall::settings::Places::under(folder.path());
    let mut config = running::config(SiteChoice::ThrowAway, &places.sites_dir, false);
    config.places = Some(places.clone());
    let running = running::start_with(config);
    let looked = |snapshot: &Snapshot| !snapshot.doctor.checks.is_empty();
    let unasked = running.until("the first look", looked).await;
    assert!(unasked.doctor.installation.is_empty());
    assert!(
        !places.log_dir.exists(),
        "nothing is written before somebody asks"
    );
    running.send(Command::RunDoctor);
    let first = running
        .until("an answer", |snapshot| {
            !snapshot.doctor.installation.is_empty()
        })
        .await;
    let asked = rollcall::engine::clock::now();
    running.send(Command::RunDoctor);
    let second = running
        .until("a newer answer", |snapshot| snapshot.doctor.when >= asked)
        .await;
    assert_eq!(
        second.doctor.installation, first.doctor.installation,
        "also when nothing changed, the answer is newer than the question"
    );
    // What changes between two questions is seen at the second.
    std::fs::remove_dir_all(&places.log_dir).expect("it was made by the look");
    std::fs::File::create(&places.log_dir).expect("the folder is writable");
    running.send(Command::RunDoctor);
    running
        .until("a word about the logs", |snapshot| {
            let mut checks = snapshot.doctor.installation.iter();
            checks.any(|check| check.what.contains("Logs cannot be written"))
        })
        .await;
    running.close().await;
}
