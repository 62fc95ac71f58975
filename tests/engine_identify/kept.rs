//! What the site file and a person's own tables have to do with it.

use std::path::Path;
use std::sync::Arc;

use rollcall::engine::command::{Command, Notice};
use rollcall::engine::{EngineConfig, SiteChoice};
use rollcall::model::appliance::Appliance;
use rollcall::model::probing::Probe;
use rollcall::model::snapshot::Snapshot;

use crate::hall::{Hall, acs8048, config, identify, is_over, said, unit_at, unit_ip};
use crate::running::start_with;

/// A line that replaces the program's own.
const OWN: &str =
    "family,model,class,manufacturer,ports\nACS 8000,ACS8048,our console box,Avocent,47\n";

fn unit(snapshot: &Snapshot, last: u8) -> &Arc<Appliance> {
    unit_at(snapshot, unit_ip(last)).expect("the unit")
}

fn class(snapshot: &Snapshot, last: u8) -> Option<&str> {
    let unit = unit_at(snapshot, unit_ip(last))?;
    unit.class().map(|best| best.value)
}

/// No network, and a folder with tables of one's own.
fn with_catalog(site: &Path, folder: &Path) -> EngineConfig {
    let mut config = crate::running::config(SiteChoice::File(site.to_owned()), folder, false);
    config.identify.catalog_dir = Some(folder.join("catalog"));
    config
}

#[tokio::test]
async fn what_was_learnt_is_kept_and_judged_by_the_tables_of_the_day() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = folder.path().join("hall b.rollcall");
    let mut hall = Hall::new();
    hall.snmp(unit_ip(41), &acs8048()).await;
    let running = start_with(config(&hall, SiteChoice::File(site.clone()), folder.path()));
    let id = running.hear(41).await;
    running.send(identify(&[id]));
    let before = running.until_known(41).await;
    assert_eq!(class(&before, 41), Some("console server"));
    assert_eq!(before.catalog.num_own_rows, 0);
    running.close().await;

    // Without own tables everything is as it was.
    let running = start_with(with_catalog(&site, folder.path()));
    let snapshot = running
        .until("the unit", |snapshot| snapshot.units.len() == 1)
        .await;
    let (old, new) = (unit(&before, 41), unit(&snapshot, 41));
    assert_eq!(new.probed, old.probed, "answers, raw bytes and targets");
    assert_eq!(new.probed.as_ref().expect("answers").targets.len(), 48);
    assert_eq!(new.identified, old.identified);
    assert_eq!(snapshot.identifying, None, "nobody is asked again");
    assert!(snapshot.catalog.refused.is_empty(), "no folder is no fault");
    running.close().await;

    // With them, what is known says something else.
    let tables = folder.path().join("catalog");
    std::fs::create_dir(&tables).expect("made");
    std::fs::write(tables.join("products.csv"), OWN).expect("written");
    let bad = "port,service\n99999,nothing\n2068,kvm\n";
    std::fs::write(tables.join("ports.csv"), bad).expect("written");
    let mut running = start_with(with_catalog(&site, folder.path()));
    let notice = running
        .notice(
            "the bad row",
            said("A row of your own catalog was left out"),
        )
        .await;
    let Notice::Said(saying) = notice else {
        unreachable!()
    };
    let snapshot = running
        .until("the unit", |snapshot| snapshot.units.len() == 1)
        .await;
    assert_eq!(class(&snapshot, 41), Some("our console box"));
    let state = &snapshot.catalog;
    assert_eq!(state.num_own_rows, 2, "one of each file");
    let [refused] = state.refused.as_slice() else {
        panic!("one row is bad: {:?}", state.refused);
    };
    assert!(
        refused.contains("ports.csv") && refused.contains('2'),
        "{refused}"
    );
    assert_eq!(saying.text.as_ref(), Some(refused));
    assert_eq!(state.own_folder.as_deref(), Some(&*tables));

    // A table that was changed counts at once.
    std::fs::write(tables.join("products.csv"), OWN.replace("our", "their")).expect("written");
    std::fs::remove_file(tables.join("ports.csv")).expect("removed");
    running.send(Command::ReloadCatalog);
    running
        .notice("the end", said("1 own rows, 0 rows left out"))
        .await;
    let changed = |snapshot: &Snapshot| class(snapshot, 41) == Some("their console box");
    let snapshot = running.until("the other class", changed).await;
    assert!(snapshot.catalog.refused.is_empty());
    std::fs::write(tables.join("products.csv"), b"\xff\xfe\0broken").expect("written");
    running.send(Command::ReloadCatalog);
    running
        .notice("the end", said("The catalog was read"))
        .await;
    let back = |snapshot: &Snapshot| class(snapshot, 41) == Some("console server");
    let snapshot = running.until("the program's own", back).await;
    assert_eq!(snapshot.catalog.refused.len(), 1);
    running.close().await;
}

#[tokio::test]
async fn another_site_begins_with_nothing_of_this_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (
        folder.path().join("first.rollcall"),
        folder.path().join("second.rollcall"),
    );
    let mut hall = Hall::new();
    hall.snmp(unit_ip(42), &acs8048()).await;
    hall.tcp(
        unit_ip(43),
        crate::hall::Service::Https,
        crate::hall::Talk::Stalls,
    )
    .await;
    let running = start_with(config(
        &hall,
        SiteChoice::File(first.clone()),
        folder.path(),
    ));
    let ids = [running.hear(42).await, running.hear(43).await];
    running.send(identify(&ids));
    hall.until("a stalled handshake", |seen| seen.hung_up == 1)
        .await;
    let known = |snapshot: &Snapshot| class(snapshot, 42).is_some();
    running.until("the class", known).await;
    running.send(Command::NewSite(second.clone()));
    let moved = |snapshot: &Snapshot| snapshot.site.path.as_deref() == Some(&*second);
    let snapshot = running.until("the other site", moved).await;
    assert_eq!(snapshot.identifying, None);
    assert!(snapshot.units.is_empty());
    hall.until("the end of the connection", |seen| seen.hung_up == 2)
        .await;

    running.send(Command::OpenSite(first));
    let snapshot = running
        .until("the units", |snapshot| snapshot.units.len() == 2)
        .await;
    let probed = unit(&snapshot, 42).probed.as_ref().expect("answers");
    assert_eq!(probed.answers.len(), Probe::ALL.len());
    assert_eq!(class(&snapshot, 42), Some("console server"));
    assert_eq!(
        unit(&snapshot, 43).probed,
        None,
        "it was not asked to the end"
    );
    assert!(!is_over(&snapshot));
    running.close().await;
}
