//! Sites of any size, for tests and benchmarks: units as an installation has them, the same at every call.

use std::collections::{HashMap, VecDeque};
use std::net::Ipv4Addr;
use std::sync::Arc;

use rollcall::model::appliance::{Appliance, FileFacts, Heard, Presence, Typed};
use rollcall::model::fact::Fact;
use rollcall::model::identity::{ApplianceId, Mac};
use rollcall::model::network::{Asks, Network};
use rollcall::model::sighting::Source;
use rollcall::model::snapshot::{Snapshot, Units};
use rollcall::model::status::{InterfaceContext, StatusContext};
use rollcall::model::time::Timestamp;

/// When these sites were opened.
const OPENED: Timestamp = Timestamp::from_millis(1_795_349_561_000);

/// The interfaces that hear the units.
const INTERFACES: [&str; 2] = ["eth0", "enp3s0"];

/// A site with `num_units` units: most of them heard, some only in a file, a few without an address, silent,
/// in conflict or on the wrong network.
pub(crate) fn snapshot_of(num_units: u32) -> Snapshot {
    let units = (0..num_units).map(|nth| Arc::new(unit(nth))).collect();
    Snapshot {
        revision: 1,
        units_revision: 1,
        units: Units::from_vec(units),
        context: context(),
        ..Snapshot::default()
    }
}

/// The `nth` unit. Its address, its MAC and its name are in three different orders.
fn unit(nth: u32) -> Appliance {
    let mixed = mix(nth);
    let mut unit = Appliance {
        id: ApplianceId(u64::from(nth) + 1),
        revision: u64::from(nth) + 1,
        heard: (nth % 10 != 9).then(|| heard(nth, mixed)),
        probed: None,
        identified: None,
        imported: None,
        typed: Typed::default(),
        evidence: VecDeque::new(),
    };
    if unit.heard.is_none() || nth.is_multiple_of(4) {
        unit.imported = Some(Arc::new(FileFacts {
            name: format!("planned-{nth}"),
            model: ["ACS 8048", "ACS 6032", "MPU 4032", "Geist rPDU"][mixed as usize % 4]
                .to_owned(),
            class: "console server".to_owned(),
            mac: Some(mac(nth, mixed)),
            serial: format!("05{:08}", mixed % 100_000_000),
            part_number: format!("ACS8048{}", mixed % 7),
            firmware: format!("2.{}.{}", mixed % 30, mixed % 9),
            ..FileFacts::default()
        }));
    }
    if nth % 16 == 3 {
        unit.typed.note = Some(format!("Rack {}, ask before moving", mixed % 40));
    }
    unit
}

fn heard(nth: u32, mixed: u32) -> Heard {
    let first = OPENED.plus_millis(u64::from(mixed % 86_400_000));
    let last = first.plus_millis(u64::from(nth % 3_600) * 1_000);
    let source = Source::Reply;
    let known = |ip: [u8; 4]| Fact::Known {
        value: Some(Ipv4Addr::from(ip)),
        source,
        when: last,
    };
    let [_, b, c, d] = mixed.to_be_bytes();
    let ip = match nth % 100 {
        50 => Fact::Known {
            value: None,
            source,
            when: last,
        },
        51 => known([192, 168, 160, 10]),
        52 => known([10, 0, 0, 7]),
        _ => known([10, b, c, d]),
    };
    Heard {
        name: Fact::Known {
            value: format!("con-{}-rack{}", mixed % 1_000_000, mixed % 40),
            source,
            when: last,
        },
        mac: Fact::Known {
            value: mac(nth, mixed),
            source,
            when: last,
        },
        ip,
        mask: known([255, 0, 0, 0]),
        gateway: known([10, 0, 0, 1]),
        model_number: Some(60),
        modes: Some(1),
        taught: None,
        earlier_ips: Vec::new(),
        flapped: None,
        presence: vec![Presence {
            interface: Arc::from(INTERFACES[nth as usize % INTERFACES.len()]),
            last,
            answered_search: true,
            heard_at_ask: u64::from(nth % 20 != 7) * 100,
        }],
        first,
        last,
        last_source: source,
        provisional: false,
    }
}

/// A MAC of its own for every unit.
fn mac(nth: u32, mixed: u32) -> Mac {
    let [a, b, c, d] = nth.to_be_bytes();
    let [low, ..] = mixed.to_le_bytes();
    Mac::new([low & 0xfc, a, 0x86, d, c, b])
}

/// Spreads numbers evenly, the same way every time.
const fn mix(nth: u32) -> u32 {
    let mixed = (nth ^ (nth >> 16)).wrapping_mul(0x7feb_352d);
    let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x846c_a68b);
    mixed ^ (mixed >> 16)
}

fn context() -> StatusContext {
    let interfaces = INTERFACES.into_iter().enumerate().map(|(idx, name)| {
        let interface = InterfaceContext {
            networks: vec![Network {
                ip: Ipv4Addr::new(10, 255, 255, 1 + idx as u8),
                prefix_len: 8,
            }],
            asks: Asks {
                sent: 100,
                closed: 100,
                floor: 0,
                live: true,
            },
        };
        (Arc::from(name), interface)
    });
    StatusContext {
        opened: OPENED.plus_millis(43_200_000),
        interfaces: Arc::new(interfaces.collect()),
        shared_ips: Arc::new(HashMap::from([(Ipv4Addr::new(10, 0, 0, 7), 2)])),
        now: OPENED.plus_millis(90_000_000),
    }
}
