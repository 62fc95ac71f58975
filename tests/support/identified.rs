//! Made-up units that were asked what they are, for the window's tests.

use std::net::Ipv4Addr;
use std::sync::Arc;

use rollcall::model::appliance::Appliance;
use rollcall::model::identification::{Confidence, Identification, Product, Reason};
use rollcall::model::probing::{Answer, ClueKind, Outcome, Probe, Probed, Target};
use rollcall::model::sighting::RawDatagram;
use rollcall::model::snapshot::{Snapshot, Units};

use super::window::{self, before, snapshot};

/// A site of these units.
pub(crate) fn site(units: Vec<Appliance>) -> Snapshot {
    let mut snapshot = snapshot(1);
    snapshot.units = Units::from_vec(units.into_iter().map(Arc::new).collect());
    snapshot
}

/// A unit that was heard and of which nobody knows what it is.
pub(crate) fn unknown_unit() -> Appliance {
    Appliance {
        imported: None,
        ..window::unit(1)
    }
}

/// A console server that was asked; `num_targets` serial ports.
pub(crate) fn known_unit(num_targets: u32) -> Appliance {
    let ip = Ipv4Addr::new(10, 20, 4, 12);
    let mut snmp = Answer::new(Probe::Snmp, Outcome::Answered, before(12));
    snmp.took_millis = 12;
    snmp.raw = RawDatagram::keep(b"1.3.6.1.2.1.1.1.0 = Avocent ACS8048\n");
    snmp.add(ClueKind::Description, "Avocent ACS8048\u{1b}[2J\u{202e}txt");
    snmp.add(ClueKind::Serial, "0520011634");
    snmp.add(ClueKind::Firmware, "2.26.1");
    let mut ports = Answer::new(Probe::Ports, Outcome::Answered, before(12));
    ports.add(ClueKind::OpenPort, "22");
    ports.add(ClueKind::OpenPort, "443");
    let failed = Outcome::Failed("no place was free".to_owned());
    let probed = Probed {
        ip,
        when: before(12),
        answers: vec![
            snmp,
            Answer::new(Probe::Tls, Outcome::Silent, before(12)),
            Answer::new(Probe::Http, Outcome::Closed, before(12)),
            Answer::new(Probe::Ssh, failed, before(12)),
            ports,
        ],
        targets: (1..=num_targets).map(target).collect(),
    };
    let reason = |probe, text: &str, confidence| Reason {
        probe,
        text: text.to_owned(),
        confidence,
    };
    let identified = Identification {
        product: Some(Product {
            family: "ACS 8000".to_owned(),
            model: Some("ACS8048".to_owned()),
            class: "console server".to_owned(),
            manufacturer: "Vertiv".to_owned(),
            ports: Some(48),
            rebrand: Some("Dell".to_owned()),
        }),
        confidence: Some(Confidence::Certain),
        firmware: None,
        reasons: vec![
            reason(
                Some(Probe::Snmp),
                "The object id is that of ACS 8000",
                Confidence::Certain,
            ),
            reason(
                None,
                "Its MAC block is “Avocent”\u{7}",
                Confidence::Possible,
            ),
        ],
        contradictions: vec!["Its certificate names another company".to_owned()],
        remarks: vec!["Legacy TLS only".to_owned()],
        is_ours: true,
    };
    Appliance {
        probed: Some(Arc::new(probed)),
        identified: Some(Arc::new(identified)),
        ..unknown_unit()
    }
}

fn target(port: u32) -> Target {
    Target {
        port,
        tty: format!("ttyS{port}"),
        name: format!("rack-{port:02}-switch"),
        status: "enabled".to_owned(),
        speed: "9600".to_owned(),
        is_connected: Some(port.is_multiple_of(2)),
    }
}
