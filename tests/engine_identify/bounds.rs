//! How much is open at once.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use rollcall::engine::SiteChoice;
use rollcall::engine::identify::MAX_OPEN;
use rollcall::model::probing::Probe;
use rollcall::model::snapshot::Snapshot;
use tokio::time::Instant;

use crate::ber::Recording;
use crate::hall::{Hall, Service, Talk, config, identify, is_over, probes_at, unit_ip};
use crate::running::{reply, start_with};

/// How long a server takes for everything.
const TAKES: Duration = Duration::from_millis(30);

/// How many of these were going on at the same time, at most.
fn most_at_once(conversations: impl Iterator<Item = (Instant, Instant)>) -> usize {
    let mut turns: Vec<(Instant, i32)> = conversations
        .flat_map(|(began, ended)| [(began, 1), (ended, -1)])
        .collect();
    // At the same moment, those that end come first.
    turns.sort_unstable();
    let mut num = 0;
    let numbers = turns.into_iter().map(|(_, change)| {
        num += change;
        num
    });
    usize::try_from(numbers.max().unwrap_or(0)).expect("as many begin as end")
}

#[tokio::test]
async fn one_conversation_a_unit_and_64_in_all() {
    let ips = || (1..=100).map(|last| Ipv4Addr::new(127, 0, 3, last));
    let folder = tempfile::tempdir().expect("a folder");
    let mut hall = Hall::new();
    let recording = Recording::load("mpu2032dac");
    for ip in ips() {
        hall.agent(ip, &recording, "public", TAKES).await;
        for service in [Service::Https, Service::Http, Service::Ssh, Service::Telnet] {
            hall.tcp(ip, service, Talk::Slow(TAKES)).await;
        }
    }
    let mut config = config(&hall, SiteChoice::ThrowAway, folder.path());
    config.limits.new_units_per_sec = 1_000;
    let running = start_with(config);
    for (last, ip) in (1..=100).zip(ips()) {
        let mut reply = reply(last, &format!("con-{last}"));
        reply.ip = rollcall::wire::Claimed::Ip(ip);
        running.announce(&reply).await;
    }
    let snapshot = running
        .until("all units", |snapshot| snapshot.units.len() == 100)
        .await;
    let ids: Vec<_> = snapshot.units.iter().map(|(_, unit)| unit.id).collect();
    running.send(identify(&ids));
    let snapshot = running.until("the end", is_over).await;
    let state = snapshot.identifying.as_ref().expect("a state");
    assert_eq!((state.num_units, state.num_identified), (100, 100));
    let is_asked = |snapshot: &Snapshot, ip| probes_at(snapshot, ip) == Probe::ALL;
    assert!(ips().all(|ip| is_asked(&snapshot, ip)));

    let conversations = hall.seen().conversations;
    let mut by_unit: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (ip, began, ended) in &conversations {
        by_unit.entry(*ip).or_default().push((*began, *ended));
    }
    assert_eq!(by_unit.len(), 100);
    for (ip, of_unit) in by_unit {
        // SNMP, TLS, the web by both ways, SSH and Telnet, some with more than one question.
        assert!(of_unit.len() >= 6, "{ip} had {of_unit:?}");
        assert_eq!(most_at_once(of_unit.into_iter()), 1, "at {ip}");
    }
    let all = conversations.into_iter();
    let most = most_at_once(all.map(|(_, began, ended)| (began, ended)));
    assert!(most <= MAX_OPEN, "{most} conversations at once");
    assert!(
        most > MAX_OPEN / 4,
        "only {most} at once: units wait in vain"
    );
    assert_eq!(hall.seen().num_of(unit_ip(1)), 0);
    running.close().await;
}
