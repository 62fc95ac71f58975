//! The simulated fleet behind interfaces: what a bare searcher on the laptop hears of it.

#![expect(
    clippy::disallowed_methods,
    reason = "`#[tokio::test]` waits for the test's own runtime, and the burst is timed"
)]

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use rollcall::wire::{Claimed, PORT_INSTALL, PORT_MANAGEMENT};

use crate::lab::{Lab, NICS};
use crate::searcher::{Searcher, macs};

const PATIENCE: Duration = Duration::from_secs(10);

/// Long enough for an answer that must not come.
const QUIET: Duration = Duration::from_millis(400);

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn each_fleet_is_heard_on_the_interface_it_is_behind() {
    let lab = Lab::new();
    let [searcher_0, searcher_1] = NICS.map(|nic| Searcher::new(&lab.laptop, nic));
    let [fleet_0, fleet_1] = [0, 1].map(|idx| {
        let seed = format!("{}", idx + 1);
        let args = ["--units", "12", "--seed", &seed, "--style", "configured"];
        lab.fleets[idx].simulate("eth0", &args)
    });
    for port in [PORT_INSTALL, PORT_MANAGEMENT] {
        for (searcher, fleet) in [(&searcher_0, &fleet_0), (&searcher_1, &fleet_1)] {
            searcher.ask(port).await.expect("the interface is up");
            let heard = searcher.hear(12, PATIENCE).await;
            assert_eq!(macs(&heard), fleet.macs(), "asked on port {port}");
        }
    }
    for searcher in [&searcher_0, &searcher_1] {
        assert!(
            searcher.hear(1, QUIET).await.is_empty(),
            "nothing more comes"
        );
    }
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn a_host_without_an_address_speaks_from_0_0_0_0_to_everybody() {
    let lab = Lab::new();
    let searcher = Searcher::new(&lab.laptop, NICS[0]);
    let fleet = lab.fleets[0].simulate("eth0", &["--units", "3", "--style", "without-ip"]);
    searcher
        .ask(PORT_INSTALL)
        .await
        .expect("the interface is up");
    let heard = searcher.hear(3, PATIENCE).await;
    assert_eq!(macs(&heard), fleet.macs());
    for heard in &heard {
        assert_eq!(heard.from, (Ipv4Addr::UNSPECIFIED, PORT_INSTALL).into());
        assert_eq!(heard.port, PORT_INSTALL, "a broadcast to the known port");
        assert_eq!(heard.reply.ip, Claimed::None);
    }
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn units_with_addresses_of_their_own_answer_from_them() {
    let lab = Lab::new();
    let [host, _] = &lab.fleets;
    let searcher = Searcher::new(&lab.laptop, NICS[0]);
    let units = [
        ("u0", None, "without-ip", Ipv4Addr::UNSPECIFIED),
        (
            "u1",
            Some("192.168.160.10/24"),
            "foreign-subnet",
            [192, 168, 160, 10].into(),
        ),
        (
            "u2",
            Some("10.77.4.20/16"),
            "configured",
            [10, 77, 4, 20].into(),
        ),
    ];
    for (seed, (name, ip_prefix, style, source)) in units.into_iter().enumerate() {
        host.add_unit_interface(name, ip_prefix);
        let seed = seed.to_string();
        let unit = host.simulate(name, &["--units", "1", "--seed", &seed, "--style", style]);
        searcher
            .ask(PORT_INSTALL)
            .await
            .expect("the interface is up");
        let heard = searcher.hear(1, PATIENCE).await;
        assert_eq!(macs(&heard), unit.macs(), "the unit that is {style}");
        assert_eq!(heard[0].from.ip(), source, "the unit that is {style}");
        drop(unit);
    }
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn a_unit_that_boots_is_heard_without_being_asked() {
    let lab = Lab::new();
    let searcher = Searcher::new(&lab.laptop, NICS[1]);
    let fleet = lab.fleets[1].simulate("eth0", &["--units", "1", "--style", "boots-now"]);
    let heard = searcher.hear(1, PATIENCE).await;
    assert_eq!(macs(&heard), fleet.macs());
    assert_eq!(heard[0].port, PORT_INSTALL);
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn a_fleet_outlives_its_interface_going_down() {
    let lab = Lab::new();
    let [host, _] = &lab.fleets;
    let searcher = Searcher::new(&lab.laptop, NICS[0]);
    let fleet = host.simulate("eth0", &["--units", "4", "--style", "configured"]);
    host.ip("link set eth0 down");
    searcher.ask(PORT_INSTALL).await.ok();
    assert!(searcher.hear(1, QUIET).await.is_empty(), "there is no link");
    host.ip("link set eth0 up");
    // The laptop's side learns of the link a little later: asked until it is heard.
    for _ in 0..20 {
        searcher.ask(PORT_INSTALL).await.ok();
        let heard = searcher.hear(4, QUIET).await;
        if macs(&heard) == fleet.macs() {
            return;
        }
    }
    panic!("the fleet is not heard again");
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn ten_thousand_answers_come_within_half_a_second() {
    const UNITS: usize = 10_000;
    const BURST: Duration = Duration::from_millis(500);
    let lab = Lab::new();
    let [host, _] = &lab.fleets;
    host.ip("addr add 10.77.9.9/16 brd + dev eth0");
    let searcher = Searcher::new(&lab.laptop, NICS[0]);
    let args = [
        "--units",
        &UNITS.to_string(),
        "--style",
        "configured",
        "--spread-millis",
        "0",
    ];
    let fleet = host.simulate("eth0", &args);
    let mut best = Duration::MAX;
    // Another program may be busy just then, which says nothing of the fleet; a loss always does.
    for _ in 0..5 {
        searcher
            .ask(PORT_INSTALL)
            .await
            .expect("the interface is up");
        let mut heard = searcher.hear(1, PATIENCE).await;
        let begun = Instant::now();
        heard.extend(searcher.hear(UNITS - 1, PATIENCE).await);
        best = best.min(begun.elapsed());
        assert_eq!(heard.len(), UNITS, "none is lost");
        assert_eq!(macs(&heard), fleet.macs());
        if best < BURST {
            return;
        }
    }
    panic!("the fastest burst took {best:?}");
}
