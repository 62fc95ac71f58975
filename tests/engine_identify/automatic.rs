//! Who is asked without a person's doing.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use rollcall::engine::SiteChoice;
use rollcall::engine::command::Command;
use rollcall::engine::interfaces::{Found, InterfaceSource};
use rollcall::model::network::Network;
use rollcall::model::probing::Probe;
use rollcall::model::snapshot::Snapshot;
use rollcall::settings::IdentifySettings;
use rollcall::wire::{Claimed, DiscoverReply};
use tokio::net::UdpSocket;

use crate::hall::{Hall, Service, Talk, acs8048, config, model_at, probes_at, unit_at, unit_ip};
use crate::running::{Running, reply, start_with};

/// Loopback with a network of this length.
fn loopback(prefix_len: u8) -> Found {
    Found {
        networks: vec![Network {
            ip: Ipv4Addr::LOCALHOST,
            prefix_len,
        }],
        ..Found::loopback()
    }
}

fn claiming(ip: Ipv4Addr, last: u8) -> DiscoverReply {
    DiscoverReply {
        ip: Claimed::Ip(ip),
        ..reply(last, &format!("con-{last}"))
    }
}

#[tokio::test]
async fn a_unit_that_announces_itself_is_asked_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut hall = Hall::new();
    hall.snmp(unit_ip(8), &acs8048()).await;
    hall.tcp(
        unit_ip(8),
        Service::Http,
        Talk::Answers(b"HTTP/1.1 200 OK\r\n\r\n"),
    )
    .await;
    let mut config = config(&hall, SiteChoice::ThrowAway, folder.path());
    config.identify.settings = IdentifySettings::default();
    assert!(config.identify.settings.automatic, "on at a first start");
    let running = start_with(config);
    running.announce(&reply(8, "con-8")).await;
    let snapshot = running.until_known(8).await;

    let unit = unit_at(&snapshot, unit_ip(8)).expect("the unit");
    assert_eq!(unit.model().map(|best| best.value), Some("ACS8048"));
    assert_eq!(unit.class().map(|best| best.value), Some("console server"));
    assert_eq!(unit.serial().map(|best| best.value), Some("0520098231"));
    assert_eq!(unit.firmware().map(|best| best.value), Some("2.24.2"));
    assert_eq!(unit.name().map(|best| best.value), Some("con-8"));
    let probed = unit.probed.as_deref().expect("answers");
    assert_eq!(probed.targets.len(), 48);
    assert_eq!(probed.targets[0].name, "sw-r12-u01");
    assert_eq!(
        probes_at(&snapshot, unit_ip(8)),
        [Probe::Neighbors, Probe::Snmp, Probe::Tls],
        "SNMP says all there is to say"
    );
    assert_eq!(hall.seen().num(unit_ip(8), Service::Http), 0);
    let state = snapshot.identifying.as_ref().expect("a state");
    assert_eq!(
        (state.num_units, state.num_done, state.num_identified),
        (1, 1, 1)
    );
    assert!(!state.was_stopped);
    running.close().await;
}

#[tokio::test]
async fn only_units_of_their_own_in_a_chosen_network_are_asked_by_themselves() {
    let elsewhere = Ipv4Addr::new(127, 0, 1, 12);
    let folder = tempfile::tempdir().expect("a folder");
    let mut hall = Hall::new();
    let flood_ips = || (100..250).map(unit_ip);
    for ip in [11, 13, 14, 15].map(unit_ip).into_iter().chain([elsewhere]) {
        hall.snmp(ip, &acs8048()).await;
    }
    for ip in flood_ips() {
        hall.snmp(ip, &acs8048()).await;
    }
    let list = Arc::new(Mutex::new(vec![loopback(24)]));
    let mut config = config(&hall, SiteChoice::ThrowAway, folder.path());
    config.plane.source = InterfaceSource::Fixed(Arc::clone(&list));
    let running = start_with(config);
    // Heard while it is off; and heard while it is on, with a change of mind before its turn.
    running.hear(11).await;
    running.send(Command::SetIdentify(IdentifySettings::default()));
    running.announce(&reply(11, "again")).await;
    let again = |snapshot: &Snapshot| {
        let unit = unit_at(snapshot, unit_ip(11)).expect("it was heard");
        unit.name().map(|best| best.value) == Some("again")
    };
    running.until("the second hearing", again).await;
    running.send(Command::SetIdentify(crate::hall::without(&[])));
    running.send(Command::SetIdentify(IdentifySettings::default()));

    running.announce(&claiming(elsewhere, 12)).await;
    for last in [13, 90] {
        running.announce(&claiming(unit_ip(13), last)).await;
    }
    flood(&running).await;
    let is_flooded = |snapshot: &Snapshot| {
        let is_on_trial = |ip| {
            let heard = unit_at(snapshot, ip).and_then(|unit| unit.heard.as_ref());
            heard.is_some_and(|heard| heard.provisional)
        };
        !snapshot.floods.is_empty() && flood_ips().any(is_on_trial)
    };
    running.until("the flood", is_flooded).await;
    // Heard last, so its turn comes last.
    running.hear(14).await;
    let snapshot = running.until_known(14).await;
    let state = snapshot.identifying.as_ref().expect("a state");
    assert_eq!(state.num_units, 1, "nobody else was asked");
    let seen = hall.seen();
    assert_eq!(seen.num_of(unit_ip(11)), 0, "it was off");
    assert_eq!(seen.num_of(elsewhere), 0, "in no chosen network");
    assert_eq!(seen.num_of(unit_ip(13)), 0, "two units claim it");
    assert_eq!(flood_ips().map(|ip| seen.num_of(ip)).sum::<usize>(), 0);

    // What was in the way is gone, and they are heard again.
    *list.lock().expect("no panic") = vec![loopback(16)];
    let is_wide = |snapshot: &Snapshot| {
        let networks = snapshot.interfaces.iter().flat_map(|here| &here.networks);
        networks
            .into_iter()
            .any(|network| network.contains(elsewhere))
    };
    running.until("the other network", is_wide).await;
    running.announce(&claiming(elsewhere, 12)).await;
    running.announce(&claiming(unit_ip(15), 90)).await;
    running.announce(&claiming(unit_ip(13), 13)).await;
    running.announce(&reply(11, "once more")).await;
    let all = |snapshot: &Snapshot| {
        let ips = [11, 13, 15].map(unit_ip).into_iter().chain([elsewhere]);
        ips.into_iter()
            .all(|ip| model_at(snapshot, ip) == Some("ACS8048"))
    };
    running.until("all models", all).await;
    running.close().await;
}

/// More new units from one sender than any hall brings.
async fn flood(running: &Running) {
    let snapshot = running.handle.snapshot();
    let sockets = snapshot.interfaces[0].sockets.iter();
    let install = sockets.into_iter().find(|socket| socket.role == "install");
    let port = install.expect("it listens").port;
    let sender = UdpSocket::bind((unit_ip(99), 0)).await.expect("a socket");
    for last in 100..250 {
        let datagram = claiming(unit_ip(last), last).emit(0);
        let sent = sender.send_to(&datagram, (Ipv4Addr::LOCALHOST, port)).await;
        sent.expect("it is sent");
    }
}
