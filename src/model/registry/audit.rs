//! A test that plays random sightings, edits, imports, undo and redo, and compares every index with the units.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use proptest::prelude::*;

use super::{Change, Limits, ProbeResult, Registry, spots};
use crate::model::appliance::FileFacts;
use crate::model::edit::{Edit, ImportRow};
use crate::model::identity::{ApplianceId, Mac, serial_key};
use crate::model::probing::{Answer, ClueKind, Outcome, Probe, Probed};
use crate::model::sighting::{
    Channel, Claims, Evidence, RawDatagram, Sighting, Source, TaughtClaims,
};
use crate::model::snapshot::FloodSender;
use crate::model::time::Timestamp;
use crate::wire::{Claimed, Remarks};

const OPENED: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// One thing that happens. Few values, so that they meet.
#[derive(Clone, Debug)]
enum Event {
    Heard {
        interface: u8,
        from: u8,
        mac: u8,
        ip: u8,
        /// The serial that a taught decoder read; 0 when none did.
        taught: u8,
    },
    Probed {
        interface: u8,
        ip: u8,
        mac: u8,
        serial: u8,
        is_silent: bool,
    },
    Import(Vec<(u8, u8, u8, u8)>),
    Add((u8, u8, u8, u8)),
    Name(u8),
    Forget(u8),
    ForgetSender(u8, u8),
    Undo,
    Redo,
    Save,
}

fn event() -> impl Strategy<Value = Event> {
    let row = (0..4u8, 0..5u8, 0..4u8, 0..3u8);
    let taught = prop_oneof![2 => Just(0), 1 => 1..4u8];
    prop_oneof![
        8 => (0..2u8, 0..4u8, 0..5u8, 0..5u8, taught).prop_map(
            |(interface, from, mac, ip, taught)| Event::Heard {
                interface,
                from,
                mac,
                ip,
                taught,
            }
        ),
        4 => (0..2u8, 0..5u8, 0..5u8, 0..4u8, proptest::bool::weighted(0.2)).prop_map(
            |(interface, ip, mac, serial, is_silent)| Event::Probed {
                interface,
                ip,
                mac,
                serial,
                is_silent,
            }
        ),
        3 => proptest::collection::vec(row.clone(), 1..4).prop_map(Event::Import),
        1 => row.prop_map(Event::Add),
        1 => (0..8u8).prop_map(Event::Name),
        2 => (0..8u8).prop_map(Event::Forget),
        1 => (0..2u8, 0..4u8).prop_map(|(interface, from)| Event::ForgetSender(interface, from)),
        4 => Just(Event::Undo),
        2 => Just(Event::Redo),
        1 => Just(Event::Save),
    ]
}

fn interface(nth: u8) -> Arc<str> {
    Arc::from(["eth0", "eth1"][usize::from(nth)])
}

fn mac(nth: u8) -> Option<Mac> {
    match nth {
        0 => None,
        1 => Some(Mac::new([0; 6])),
        nth => Some(Mac::new([0, 0xe0, 0x86, 0, 0, nth])),
    }
}

fn ip(nth: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, nth)
}

const SERIALS: [&str; 4] = ["", "0", "0520011634", "520011634"];

/// What a taught decoder read.
fn read(serial: &str) -> Arc<TaughtClaims> {
    Arc::new(TaughtClaims {
        decoder: "somebody's".to_owned(),
        serial: Some(serial.to_owned()),
        ..TaughtClaims::default()
    })
}

/// What SNMP brought at an address.
fn probed(ip: Ipv4Addr, serial: u8, is_silent: bool, when: Timestamp) -> Probed {
    let outcome = if is_silent {
        Outcome::Silent
    } else {
        Outcome::Answered
    };
    let mut answer = Answer::new(Probe::Snmp, outcome, when);
    if !is_silent {
        answer.add(ClueKind::Serial, SERIALS[usize::from(serial)]);
        answer.add(ClueKind::Description, "what it says of itself");
        answer.raw = RawDatagram::keep(&[2; 40]);
    }
    Probed {
        ip,
        when,
        answers: vec![answer],
        targets: Vec::new(),
    }
}

fn facts((serial, nth_mac, nth_ip, name): (u8, u8, u8, u8)) -> Arc<FileFacts> {
    Arc::new(FileFacts {
        serial: SERIALS[usize::from(serial)].to_owned(),
        mac: mac(nth_mac),
        ip: (nth_ip > 0).then(|| ip(nth_ip)),
        name: ["", "con-1", "con-2"][usize::from(name)].to_owned(),
        extra: vec![(0, format!("{serial}{nth_mac}"))],
        ..FileFacts::default()
    })
}

struct Stage {
    registry: Registry,
    now: Timestamp,
    /// What a site file would hold.
    saved: BTreeMap<ApplianceId, u64>,
    highest: u64,
}

impl Stage {
    fn play(&mut self, event: &Event) {
        self.now = self.now.plus_millis(700);
        let unit_at = |nth: u8| {
            let ids = self.registry.places.ids();
            ids.get(usize::from(nth)).copied()
        };
        match event {
            Event::Heard {
                interface: nth,
                from,
                mac: nth_mac,
                ip: nth_ip,
                taught,
            } => {
                let change = self.registry.apply(Sighting {
                    source: match taught {
                        0 => Source::Reply,
                        _ => Source::Taught,
                    },
                    channel: Channel::Udp3502,
                    interface: interface(*nth),
                    from: SocketAddr::from((ip(*from), 3502)),
                    when: self.now,
                    claims: Claims {
                        mac: mac(*nth_mac),
                        ip: match nth_ip {
                            0 => Claimed::Absent,
                            1 => Claimed::None,
                            nth => Claimed::Ip(ip(*nth)),
                        },
                        taught: (*taught > 0).then(|| read(SERIALS[usize::from(*taught)])),
                        ..Claims::default()
                    },
                    raw: RawDatagram::keep(&[1; 60]),
                    remarks: Remarks::default(),
                });
                if let Change::New(id) = change {
                    assert!(id.0 > self.highest, "{id} was given before");
                }
            }
            Event::Probed {
                interface: nth,
                ip: nth_ip,
                mac: nth_mac,
                serial,
                is_silent,
            } => {
                let fresh = Arc::new(probed(ip(*nth_ip), *serial, *is_silent, self.now));
                let answered = self
                    .registry
                    .who_answered(None, ip(*nth_ip), mac(*nth_mac), &fresh);
                let result = ProbeResult {
                    probed: Arc::clone(&fresh),
                    fresh,
                    identified: Arc::default(),
                    mac: answered.mac,
                    interface: interface(*nth),
                };
                match answered.unit {
                    Some(id) => {
                        self.registry.take_probed(id, &result);
                    }
                    None => {
                        self.registry.take_found(&result);
                    }
                }
            }
            Event::Import(rows) => {
                let rows = rows.iter().enumerate();
                let rows = rows
                    .map(|(idx, row)| ImportRow {
                        line: idx as u64 + 2,
                        facts: facts(*row),
                    })
                    .collect();
                self.registry.edit(Edit::Import {
                    file_name: "plan.csv".to_owned(),
                    extra_columns: vec!["Rack".to_owned()],
                    rows,
                });
            }
            Event::Add(row) => {
                self.registry.edit(Edit::Add { facts: facts(*row) });
            }
            Event::Name(nth) => {
                let ids = unit_at(*nth).into_iter().collect();
                let name = format!("named {nth}");
                self.registry.edit(Edit::Name { ids, name });
            }
            Event::Forget(nth) => {
                let ids = unit_at(*nth).into_iter().collect();
                self.registry.edit(Edit::Forget { ids });
            }
            Event::ForgetSender(nth, from) => {
                let sender = FloodSender {
                    interface: interface(*nth),
                    ip: ip(*from).into(),
                };
                self.registry.edit(Edit::ForgetSender { sender });
            }
            Event::Undo => {
                self.registry.undo();
            }
            Event::Redo => {
                self.registry.redo();
            }
            Event::Save => self.save(),
        }
        self.highest = self.highest.max(self.registry.next_id - 1);
    }

    fn save(&mut self) {
        let batch = self.registry.take_dirty(self.now, true);
        for id in &batch.removed {
            self.saved.remove(id);
        }
        for unit in &batch.changed {
            self.saved.insert(unit.id, unit.revision);
        }
    }

    /// Compares every index with the units.
    fn audit(&self) {
        let registry = &self.registry;
        let units: BTreeMap<ApplianceId, _> = registry
            .units()
            .iter()
            .map(|(_, unit)| (unit.id, Arc::clone(unit)))
            .collect();
        assert_eq!(units.len(), registry.len(), "two places for one number");

        let mut macs: BTreeMap<Mac, BTreeSet<ApplianceId>> = BTreeMap::new();
        let mut serials: BTreeMap<String, BTreeSet<ApplianceId>> = BTreeMap::new();
        let mut by_spot: BTreeMap<_, BTreeSet<ApplianceId>> = BTreeMap::new();
        let mut claims: BTreeMap<Ipv4Addr, BTreeSet<ApplianceId>> = BTreeMap::new();
        let (mut bytes, mut probed_bytes) = (0, 0);
        for (id, unit) in &units {
            if let Some(mac) = super::key_mac(unit) {
                macs.entry(mac).or_default().insert(*id);
            } else {
                for spot in spots(unit) {
                    by_spot.entry(spot).or_default().insert(*id);
                }
            }
            if let Some(serial) = unit
                .untaught_serial()
                .and_then(|best| serial_key(best.value))
            {
                serials.entry(serial).or_default().insert(*id);
            }
            if let Some(ip) = unit.heard_ip() {
                claims.entry(ip).or_default().insert(*id);
            }
            probed_bytes += unit.probed.as_ref().map_or(0, |probed| probed.num_bytes());
            let cost = |evidence: &Evidence| super::archive::cost(evidence);
            bytes += unit.evidence.iter().map(cost).sum::<usize>();
        }
        assert!(
            macs.values().all(|ids| ids.len() == 1),
            "two units have one MAC: {macs:?}"
        );
        check("MAC", &macs, &registry.by_mac);
        check("serial", &serials, registry.by_serial.first());
        check("spot", &by_spot, registry.by_spot.first());
        let known: BTreeMap<Ipv4Addr, BTreeSet<ApplianceId>> = registry
            .claims
            .iter()
            .map(|(ip, ids)| (*ip, ids.iter().copied().collect()))
            .collect();
        assert_eq!(known, claims, "who claims an address");
        for (ip, ids) in &claims {
            let with_mac = ids
                .iter()
                .filter(|id| super::key_mac(&units[*id]).is_some())
                .count();
            let wanted = if with_mac > 1 { with_mac as u32 } else { 0 };
            let counted = registry.shared_ips.get(ip).copied().unwrap_or(0);
            assert_eq!(counted, wanted, "how many share {ip}");
        }
        assert!(
            registry.shared_ips.keys().all(|ip| claims.contains_key(ip)),
            "nobody claims a shared address"
        );
        assert_eq!(registry.archive.bytes(), bytes, "what the evidence costs");
        assert_eq!(registry.probed_bytes, probed_bytes, "what answers cost");
    }
}

/// Every key leads to one of its units, and no key leads anywhere else.
fn check<K: Ord + std::hash::Hash + std::fmt::Debug>(
    what: &str,
    units: &BTreeMap<K, BTreeSet<ApplianceId>>,
    index: &HashMap<K, ApplianceId>,
) {
    for (key, ids) in units {
        let found = index.get(key);
        assert!(
            found.is_some_and(|id| ids.contains(id)),
            "the {what} {key:?} of {ids:?} leads to {found:?}"
        );
    }
    let stale: Vec<&K> = index
        .keys()
        .filter(|key| !units.contains_key(*key))
        .collect();
    assert!(stale.is_empty(), "no unit has the {what} {stale:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_index_agrees_with_the_units(
        events in proptest::collection::vec(event(), 1..60),
        probed_bytes in prop_oneof![Just(64 << 20), Just(1_000)],
    ) {
        let limits = Limits { probed_bytes, ..Limits::default() };
        let mut stage = Stage {
            registry: Registry::new(limits, OPENED),
            now: OPENED,
            saved: BTreeMap::new(),
            highest: 0,
        };
        for event in &events {
            stage.play(event);
            stage.audit();
        }
        stage.save();
        let units = stage.registry.units();
        let wanted: BTreeMap<ApplianceId, u64> =
            units.iter().map(|(_, unit)| (unit.id, unit.revision)).collect();
        prop_assert_eq!(stage.saved, wanted, "the site file holds what the registry holds");
    }
}

/// A sender that says another serial with every datagram, with a MAC and without one.
#[test]
fn a_serial_that_a_decoder_reads_is_no_key() {
    for nth_mac in [0, 2] {
        let mut registry = Registry::new(Limits::default(), OPENED);
        for nth in 0..1_000 {
            let serial = format!("05200{nth:05}");
            registry.apply(Sighting {
                source: Source::Taught,
                channel: Channel::Udp3502,
                interface: interface(0),
                from: SocketAddr::from((ip(9), 3502)),
                when: OPENED.plus_millis(nth),
                claims: Claims {
                    mac: mac(nth_mac),
                    taught: Some(read(&serial)),
                    ..Claims::default()
                },
                raw: RawDatagram::keep(&[1; 60]),
                remarks: Remarks::default(),
            });
            assert_eq!(registry.len(), 1, "one sender is one unit");
            assert!(registry.by_serial.is_empty(), "{serial} is a key");
            let units = registry.units();
            let (_, unit) = units.iter().next().expect("it is one");
            let shown = unit.serial().map(|best| best.value);
            assert_eq!(shown, Some(serial.as_str()), "it is shown all the same");
        }
        // Whoever has such a serial is somebody else.
        let fresh = probed(ip(3), 2, false, OPENED.plus_millis(2_000));
        let answered = registry.who_answered(None, ip(3), None, &fresh);
        assert_eq!(answered.unit, None);
    }
}
