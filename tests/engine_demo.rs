//! The demo identifies its units by itself, through real sockets, and nothing of it leaves this computer.
#![expect(
    clippy::disallowed_methods,
    reason = "a test waits for its own future, and for the program that watches it"
)]

#[expect(dead_code, reason = "the demo needs no unit from outside")]
#[path = "support/running.rs"]
mod running;

use std::collections::BTreeSet;

use rollcall::engine::SiteChoice;
use rollcall::engine::command::{Command, IdentifyRequest, Notice, Saying};
use rollcall::model::appliance::Appliance;
use rollcall::model::identification::Confidence;
use rollcall::model::probing::{Outcome, Probe};
use rollcall::model::snapshot::Snapshot;
use rollcall::model::status::Status;

use running::{Running, start};

fn demo(folder: &tempfile::TempDir) -> Running {
    start(SiteChoice::Demo, folder.path(), false)
}

fn units(snapshot: &Snapshot) -> impl Iterator<Item = &Appliance> {
    snapshot.units.iter().map(|(_, unit)| &**unit)
}

/// All were asked but two without an address, two that share one, and one in another network.
fn all_were_asked(snapshot: &Snapshot) -> bool {
    let is_over = snapshot
        .identifying
        .as_ref()
        .is_some_and(|state| state.ended.is_some());
    let num_asked = units(snapshot).filter(|unit| unit.probed.is_some()).count();
    is_over && snapshot.units.len() == 24 && num_asked == 24 - 5
}

#[tokio::test]
async fn the_units_of_the_demo_are_identified_by_themselves() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = demo(&folder);
    let snapshot = running.until("all units asked", all_were_asked).await;
    let mut models = BTreeSet::new();
    let mut confidences = BTreeSet::new();
    let mut num_targets = 0;
    let mut num_silent = 0;
    for unit in units(&snapshot) {
        let Some(probed) = &unit.probed else {
            assert!(unit.identified.is_none(), "nobody asked it");
            continue;
        };
        let claimed = unit.ip_value();
        assert_eq!(
            Some(probed.ip),
            claimed,
            "written down where it claims to be"
        );
        let asked: Vec<Probe> = probed.answers.iter().map(|answer| answer.probe).collect();
        assert_eq!(asked, [Probe::Snmp], "and by nothing else");
        let identified = unit.identified.as_ref().expect("it was judged");
        assert_eq!(identified.contradictions, Vec::<String>::new());
        assert!(!identified.reasons.is_empty(), "there is evidence");
        if let Some(product) = &identified.product {
            models.extend(product.model.clone());
            confidences.extend(identified.confidence);
            num_targets += probed.targets.len();
        } else {
            assert_eq!(probed.answers[0].outcome, Outcome::Silent);
            num_silent += 1;
        }
    }
    assert!(models.len() >= 5, "{models:?}");
    assert!(models.contains("ACS8048"), "{models:?}");
    assert!(confidences.contains(&Confidence::Certain));
    assert!(confidences.contains(&Confidence::Likely));
    assert!(num_silent > 0, "some have SNMP switched off");
    assert!(num_targets >= 48, "{num_targets} targets are known");
    running.close().await;
}

#[tokio::test]
async fn who_asks_for_more_than_can_be_asked_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut running = demo(&folder);
    let snapshot = running.until("all units asked", all_were_asked).await;
    let with_status = |wanted| -> Vec<_> {
        units(&snapshot)
            .filter(|unit| snapshot.context.status(unit) == wanted)
            .map(|unit| unit.id)
            .collect()
    };
    for (status, words) in [
        (Status::Conflict, "No simulated unit alone has this address"),
        (Status::NoAddress, "None of these units has an address"),
    ] {
        let ids = with_status(status);
        assert_eq!(ids.len(), 2);
        running.send(Command::Identify(IdentifyRequest::Units(ids)));
        let is_it = |notice: &Notice| matches!(notice, Notice::Said(Saying { title, .. }) if title.starts_with(words));
        running.notice(words, is_it).await;
    }
    // As in a hall, a unit of another network hears no question.
    let foreign = with_status(Status::WrongNetwork);
    running.send(Command::Identify(IdentifyRequest::Units(foreign.clone())));
    let snapshot = running
        .until("an outcome", |snapshot| {
            units(snapshot).any(|unit| unit.id == foreign[0] && unit.probed.is_some())
        })
        .await;
    let unit = units(&snapshot)
        .find(|unit| unit.id == foreign[0])
        .expect("it is there");
    let probed = unit.probed.as_ref().expect("it was asked");
    assert_eq!(probed.answers[0].outcome, Outcome::Silent);
    running.close().await;
}

#[tokio::test]
async fn nobody_is_asked_by_tcp() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = running::config(SiteChoice::Demo, folder.path(), false);
    config.tcp_port = Some(3_502);
    let mut running = running::start_with(config);
    let snapshot = running
        .until("a unit with an address", |snapshot| {
            units(snapshot).any(|unit| unit.ip_value().is_some())
        })
        .await;
    let ips = units(&snapshot).filter_map(Appliance::ip_value).collect();
    running.send(Command::AskTcp(ips));
    let words = "The demo's units answer discovery by UDP only";
    let is_it =
        |notice: &Notice| matches!(notice, Notice::Said(Saying { title, .. }) if title == words);
    running.notice(words, is_it).await;
    running.close().await;
}

/// The system calls of a whole demo: every address that anything is sent or connected to.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "it needs strace: apt-get install -y strace"]
fn nothing_of_the_demo_leaves_this_computer() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("calls");
    let own = std::env::current_exe().expect("this test's program");
    let status = std::process::Command::new("strace")
        .args([
            "-f",
            "-qq",
            "-e",
            "trace=connect,sendto,sendmsg,sendmmsg",
            "-o",
        ])
        .arg(&log)
        .arg(own)
        .args(["--exact", "--include-ignored"])
        .args([
            "the_units_of_the_demo_are_identified_by_themselves",
            "who_asks_for_more_than_can_be_asked_is_told",
            "nobody_is_asked_by_tcp",
        ])
        .status()
        .expect("strace is installed");
    assert!(status.success(), "the demo works while it is watched");
    let calls = std::fs::read_to_string(&log).expect("strace wrote them down");
    let to_ip: Vec<&str> = calls
        .lines()
        .filter(|line| line.contains("sin_addr") || line.contains("sin6_addr"))
        .collect();
    assert!(to_ip.len() > 100, "{} calls name an address", to_ip.len());
    let elsewhere: Vec<&&str> = to_ip
        .iter()
        .filter(|line| !line.contains("inet_addr(\"127.0.0.1\")"))
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
}
