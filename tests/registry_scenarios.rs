//! Scenarios of the registry: files under `tests/data/registry`, one line an event, and one `check()` that plays them.
//!
//! `5s heard eth0 from=10.0.0.5 mac=… ip=… name=…` (`taught=…`: the serial that a taught decoder read) · `asked eth0` · `rename KEY NAME` · `forget KEY` · `undo` · `redo` ·
//! `import serial=… mac=… name=… ip=…` (a row) · `expect units 2` · `expect KEY status=… name=… ip=… on=…` ·
//! `probed eth0 ip=… mac=… serial=… name=… own=MAC oid=…` (what SNMP and the neighbors brought) ·
//! `expect refused …` (words of the last refusal). KEY is a MAC, an address or a serial.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use rollcall::model::appliance::{Appliance, FileFacts};
use rollcall::model::edit::{Edit, EditOutcome, ImportRow};
use rollcall::model::identity::{ApplianceId, Mac};
use rollcall::model::network::{Asks, Network};
use rollcall::model::probing::{Answer, ClueKind, Outcome, Probe, Probed};
use rollcall::model::registry::{Change, Limits, ProbeResult, RAW_KEPT, Registry, SIGHTINGS_KEPT};
use rollcall::model::sighting::{Channel, Claims, RawDatagram, Sighting, Source, TaughtClaims};
use rollcall::model::snapshot::FloodSender;
use rollcall::model::status::{InterfaceContext, Status};
use rollcall::model::time::Timestamp;
use rollcall::wire::{Claimed, Remarks};

/// The site is opened at this time; a scenario counts from here.
const OPENED: Timestamp = Timestamp::from_millis(1_800_000_000_000);

struct Stage {
    registry: Registry,
    now: Timestamp,
    interfaces: HashMap<Arc<str>, InterfaceContext>,
    outcome: EditOutcome,
    line: u64,
}

impl Stage {
    fn new() -> Self {
        Self {
            registry: Registry::new(Limits::default(), OPENED),
            now: OPENED,
            interfaces: HashMap::new(),
            outcome: EditOutcome::default(),
            line: 1,
        }
    }

    fn unit(&self, key: &str) -> Arc<Appliance> {
        let units = self.registry.units();
        let matches = |unit: &Appliance| {
            unit.mac().is_some_and(|mac| mac.value.to_string() == key)
                || unit.ip_value().is_some_and(|ip| ip.to_string() == key)
                || unit.serial().is_some_and(|serial| serial.value == key)
                || unit.name().is_some_and(|name| name.value == key)
        };
        let mut found = units
            .iter()
            .filter(|(_, unit)| matches(unit))
            .map(|(_, unit)| Arc::clone(unit));
        let unit = found
            .next()
            .unwrap_or_else(|| panic!("no unit is known by {key:?}"));
        assert!(found.next().is_none(), "{key:?} means several units");
        unit
    }

    fn play(&mut self, event: &str) {
        let mut words = event.split_whitespace().peekable();
        if let Some(secs) = words
            .peek()
            .and_then(|word| word.strip_suffix('s'))
            .and_then(|word| word.parse::<f64>().ok())
        {
            self.now = OPENED.plus_millis((secs * 1000.0) as u64);
            words.next();
        }
        let verb = words.next().unwrap_or_default();
        let rest: Vec<&str> = words.collect();
        match verb {
            "network" => {
                let (ip, prefix) = rest[1].split_once('/').expect("a network is ip/prefix");
                let network = Network {
                    ip: ip.parse().expect("an IP"),
                    prefix_len: prefix.parse().expect("a prefix"),
                };
                self.interfaces
                    .entry(Arc::from(rest[0]))
                    .or_default()
                    .networks
                    .push(network);
                self.registry.set_interfaces(self.interfaces.clone());
            }
            "asked" | "reopened" => {
                self.interfaces.values_mut().for_each(|context| {
                    if verb == "asked" {
                        context.asks = Asks {
                            live: true,
                            sent: context.asks.sent + 1,
                            closed: context.asks.sent,
                            ..context.asks
                        };
                    } else {
                        context.asks.floor = context.asks.closed;
                    }
                });
                self.registry.set_interfaces(self.interfaces.clone());
            }
            "closed" => {
                self.interfaces
                    .values_mut()
                    .for_each(|context| context.asks.closed = context.asks.sent);
                self.registry.set_interfaces(self.interfaces.clone());
            }
            "heard" => {
                let sighting = sighting(&rest, self.now);
                self.registry.apply(sighting);
            }
            "probed" => {
                let mut result = probe_result(&rest, self.now);
                let fresh = Arc::clone(&result.fresh);
                let answered = self
                    .registry
                    .who_answered(None, fresh.ip, result.mac, &fresh);
                result.mac = answered.mac;
                match answered.unit {
                    Some(id) => {
                        let unit = self.registry.get(id).expect("it is there");
                        let before = unit.probed.as_deref();
                        result.probed = Arc::new(Probed::clone(&fresh).over(before));
                        self.registry.take_probed(id, &result);
                    }
                    None => {
                        self.registry.take_found(&result);
                    }
                }
            }
            "rename" => {
                let ids = vec![self.unit(rest[0]).id];
                self.outcome = self.registry.edit(Edit::Name {
                    ids,
                    name: rest[1..].join(" "),
                });
            }
            "forget" => {
                let ids = vec![self.unit(rest[0]).id];
                self.outcome = self.registry.edit(Edit::Forget { ids });
            }
            "undo" => assert!(self.registry.undo().is_some(), "there is something to undo"),
            "redo" => assert!(self.registry.redo().is_some(), "there is something to redo"),
            "import" => {
                self.line += 1;
                let rows = vec![ImportRow {
                    line: self.line,
                    facts: Arc::new(facts(&rest)),
                }];
                let edit = Edit::Import {
                    file_name: "plan.csv".to_owned(),
                    extra_columns: Vec::new(),
                    rows,
                };
                self.outcome = self.registry.edit(edit);
            }
            "expect" => self.expect(&rest),
            other => panic!("{other:?} is no event"),
        }
    }

    fn expect(&self, words: &[&str]) {
        match words[0] {
            "units" => assert_eq!(
                self.registry.len(),
                words[1].parse::<usize>().expect("a number"),
                "units"
            ),
            "refused" => {
                let wanted = words[1..].join(" ");
                let why = self
                    .outcome
                    .refused
                    .first()
                    .map(|row| row.why.as_str())
                    .unwrap_or_default();
                assert!(
                    why.contains(&wanted),
                    "refused because of {wanted:?}, but it says {why:?}"
                );
            }
            "remark" => {
                let wanted = words[1..].join(" ");
                let why = self
                    .outcome
                    .remarks
                    .first()
                    .map(|row| row.why.as_str())
                    .unwrap_or_default();
                assert!(
                    why.contains(&wanted),
                    "remarked {wanted:?}, but it says {why:?}"
                );
            }
            key => {
                let unit = self.unit(key);
                let context = self.registry.context(self.now);
                for word in &words[1..] {
                    let (field, wanted) = word.split_once('=').expect("field=value");
                    let got = match field {
                        "status" => context.status(&unit).word().replace(' ', "-"),
                        "reason" => context.reason(&unit).replace(' ', "-"),
                        "name" => unit
                            .name()
                            .map(|best| best.value.to_owned())
                            .unwrap_or_default(),
                        "ip" => unit.ip_value().map(|ip| ip.to_string()).unwrap_or_default(),
                        "serial" => unit
                            .serial()
                            .map(|best| best.value.to_owned())
                            .unwrap_or_default(),
                        "last" => {
                            let last = unit.last_heard().expect("it was heard");
                            format!("{}s", last.millis_since(OPENED) / 1_000)
                        }
                        "mac" => unit
                            .mac()
                            .map(|best| best.value.to_string())
                            .unwrap_or_default(),
                        "by" => unit.heard_by().unwrap_or_default().to_owned(),
                        "firmware" => unit
                            .firmware()
                            .map(|best| best.value.to_owned())
                            .unwrap_or_default(),
                        "on" => unit.heard_on().unwrap_or_default().replace(' ', "+"),
                        "id" => unit.id.0.to_string(),
                        "evidence" => unit.evidence.len().to_string(),
                        other => panic!("{other:?} is no field"),
                    };
                    if field == "reason" {
                        assert!(
                            got.contains(wanted),
                            "{key} {field}: {got:?} does not say {wanted:?}"
                        );
                    } else {
                        assert_eq!(got, wanted, "{key} {field}");
                    }
                }
            }
        }
    }
}

/// `probed eth0 ip=… mac=… serial=… name=… silent=yes`.
fn probe_result(words: &[&str], when: Timestamp) -> ProbeResult {
    let mut ip = Ipv4Addr::UNSPECIFIED;
    let mut mac = None;
    let mut answer = Answer::new(Probe::Snmp, Outcome::Answered, when);
    for word in &words[1..] {
        let (field, value) = word.split_once('=').expect("field=value");
        match field {
            "ip" => ip = value.parse().expect("an IP"),
            "mac" => mac = Mac::parse(value),
            "serial" => answer.add(ClueKind::Serial, value),
            "name" => answer.add(ClueKind::SystemName, value),
            "firmware" => answer.add(ClueKind::Firmware, value),
            "own" => answer.add(ClueKind::InterfaceMac, value),
            "oid" => answer.add(ClueKind::ObjectId, value),
            "silent" => answer.outcome = Outcome::Silent,
            other => panic!("{other:?} is no field of an answer"),
        }
    }
    let fresh = Arc::new(Probed {
        ip,
        when,
        answers: vec![answer],
        targets: Vec::new(),
    });
    ProbeResult {
        probed: Arc::clone(&fresh),
        fresh,
        identified: Arc::default(),
        mac,
        interface: Arc::from(words[0]),
    }
}

fn sighting(words: &[&str], when: Timestamp) -> Sighting {
    let mut claims = Claims::default();
    let mut from = Ipv4Addr::UNSPECIFIED;
    let mut source = Source::Reply;
    for word in &words[1..] {
        let (field, value) = word.split_once('=').expect("field=value");
        match field {
            "from" => from = value.parse().expect("an IP"),
            "mac" => claims.mac = Some(Mac::parse(value).expect("a MAC")),
            "ip" if value == "none" => claims.ip = Claimed::None,
            "ip" => claims.ip = Claimed::Ip(value.parse().expect("an IP")),
            "name" => claims.host_name = Some(value.to_owned()),
            "by" => source = Source::from_word(value).expect("a source"),
            "taught" => {
                source = Source::Taught;
                claims.taught = Some(Arc::new(TaughtClaims {
                    decoder: "somebody's".to_owned(),
                    serial: Some(value.to_owned()),
                    ..TaughtClaims::default()
                }));
            }
            other => panic!("{other:?} is no field of a sighting"),
        }
    }
    Sighting {
        source,
        channel: Channel::Udp3502,
        interface: Arc::from(words[0]),
        from: SocketAddr::from((from, 3502)),
        when,
        claims,
        raw: RawDatagram::keep(&[1; 60]),
        remarks: Remarks::default(),
    }
}

fn facts(words: &[&str]) -> FileFacts {
    let mut facts = FileFacts::default();
    for word in words {
        let (field, value) = word.split_once('=').expect("field=value");
        match field {
            "serial" => value.clone_into(&mut facts.serial),
            "mac" => facts.mac = Some(Mac::parse(value).expect("a MAC")),
            "name" => value.clone_into(&mut facts.name),
            "ip" => facts.ip = Some(value.parse().expect("an IP")),
            "note" => value.clone_into(&mut facts.note),
            other => panic!("{other:?} is no field of a row"),
        }
    }
    facts
}

fn check(path: &Path) {
    let text = std::fs::read_to_string(path).expect("the scenario can be read");
    let mut stage = Stage::new();
    for (idx, line) in text.lines().enumerate() {
        let event = line.split('#').next().unwrap_or_default().trim();
        if event.is_empty() {
            continue;
        }
        let place = format!("{}:{}: {event}", path.display(), idx + 1);
        let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| stage.play(event)));
        assert!(played.is_ok(), "the scenario fails at {place}");
    }
}

#[test]
fn every_scenario_plays_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/registry");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the scenarios are there")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    assert!(paths.len() >= 8, "scenarios are missing");
    for path in paths {
        check(&path);
    }
}

fn reply(n: u32, from: Ipv4Addr, when: Timestamp) -> Sighting {
    let [high, rest @ ..] = n.to_be_bytes();
    Sighting {
        source: Source::Reply,
        channel: Channel::Udp3502,
        interface: Arc::from("eth0"),
        from: SocketAddr::from((from, 3502)),
        when,
        claims: Claims {
            mac: Some(Mac::new([0, 0xe0, high ^ 0x86, rest[0], rest[1], rest[2]])),
            ip: Claimed::None,
            ..Claims::default()
        },
        raw: RawDatagram::keep(&[2; 60]),
        remarks: Remarks::default(),
    }
}

#[test]
fn a_flood_is_one_line_and_nothing_of_it_is_saved() {
    let mut registry = Registry::new(Limits::default(), OPENED);
    let flooder = Ipv4Addr::new(10, 0, 0, 66);
    let mut held_back = 0;
    for n in 0..50_000 {
        let when = OPENED.plus_millis(u64::from(n) / 50);
        if registry.apply(reply(n, flooder, when)) == Change::HeldBack {
            held_back += 1;
        }
    }
    let honest = reply(
        9_000_000,
        Ipv4Addr::new(10, 0, 0, 7),
        OPENED.plus_millis(1_000),
    );
    assert!(
        matches!(registry.apply(honest), Change::New(_)),
        "a real unit gets in while another sender floods"
    );
    assert!(
        registry.len() <= 45,
        "{} units of a flood in one second",
        registry.len()
    );
    let floods = registry.floods();
    assert_eq!(floods.len(), 1, "one line for one sender");
    assert_eq!(floods[0].held_back, held_back);
    assert!(!floods[0].samples.is_empty() && floods[0].samples.len() <= 5);

    let batch = registry.take_dirty(OPENED.plus_millis(2_000), false);
    let saved: Vec<String> = batch
        .changed
        .iter()
        .map(|unit| unit.mac().expect("a MAC").value.to_string())
        .collect();
    assert_eq!(saved.len(), 1, "only the real unit is saved, not {saved:?}");

    // The flood goes on, and repeats itself.
    for n in 0..50_000 {
        let when = OPENED.plus_millis(4_000 + u64::from(n) / 50);
        registry.apply(reply(n, flooder, when));
    }
    let batch = registry.take_dirty(OPENED.plus_millis(9_000), false);
    let num_saved = batch.changed.len();
    assert_eq!(num_saved, 0, "what a flood repeats is not saved either");

    let sender = FloodSender {
        interface: Arc::from("eth0"),
        ip: flooder.into(),
    };
    let outcome = registry.edit(Edit::ForgetSender { sender });
    assert_eq!(
        registry.len(),
        1,
        "everything of that sender is forgotten at once"
    );
    assert!(registry.floods().is_empty());
    assert!(registry.undo().is_some());
    assert_eq!(
        registry.len(),
        1 + outcome.removed,
        "forgetting can be undone"
    );
}

#[test]
fn a_hall_of_units_on_one_address_is_no_flood() {
    let mut registry = Registry::new(Limits::default(), OPENED);
    let shared = Ipv4Addr::UNSPECIFIED;
    // 48 new units without an address answer the asks at 0, 1 and 3 s.
    for at in [0, 1_000, 3_000] {
        for n in 0..48 {
            registry.apply(reply(n, shared, OPENED.plus_millis(at + u64::from(n))));
        }
    }
    assert_eq!(
        registry.len(),
        48,
        "all of them are there after the first burst"
    );
    assert!(registry.floods().is_empty(), "and nobody is called a flood");
    assert_eq!(
        registry
            .take_dirty(OPENED.plus_millis(4_000), false)
            .changed
            .len(),
        48,
        "and all are saved"
    );
}

#[test]
fn memory_stays_within_its_bounds() {
    let limits = Limits {
        units: 500,
        evidence_bytes: 200_000,
        new_units_per_sec: 1_000_000,
        strays: 10,
        ..Limits::default()
    };
    let mut registry = Registry::new(limits, OPENED);
    for round in 0..60_u64 {
        for n in 0..600 {
            let change = registry.apply(reply(
                n,
                Ipv4Addr::new(10, 0, 0, 1),
                OPENED.plus_millis(round * 15_000),
            ));
            assert!(
                n < 500 || change == Change::Full,
                "unit {n} is one too many"
            );
            assert!(
                registry.evidence_bytes() <= limits.evidence_bytes,
                "the evidence outgrew its bound"
            );
        }
    }
    assert_eq!(registry.len(), 500);
    let words = registry.limits_reached().join("; ");
    assert!(
        words.contains("500 units") && words.contains("Evidence"),
        "limits are said: {words}"
    );
    for (_, unit) in registry.units().iter() {
        assert!(unit.evidence.len() <= SIGHTINGS_KEPT);
        assert!(
            unit.evidence
                .iter()
                .filter(|evidence| evidence.raw.is_some())
                .count()
                <= RAW_KEPT
        );
    }

    let mut nameless = reply(1, Ipv4Addr::UNSPECIFIED, OPENED);
    nameless.claims = Claims::default();
    for _ in 0..50 {
        assert_eq!(registry.apply(nameless.clone()), Change::NoIdentity);
    }
    assert_eq!(registry.strays().len(), 10, "strays are bounded too");
}

#[test]
fn the_last_sightings_and_datagrams_of_a_unit_are_kept() {
    let mut registry = Registry::new(Limits::default(), OPENED);
    for n in 0..100_u64 {
        registry.apply(reply(1, Ipv4Addr::new(10, 0, 0, 1), OPENED.plus_millis(n)));
    }
    let units = registry.units();
    let (_, unit) = units.iter().next().expect("one unit");
    assert_eq!(unit.evidence.len(), SIGHTINGS_KEPT);
    assert_eq!(
        unit.evidence.back().map(|evidence| evidence.when),
        Some(OPENED.plus_millis(99)),
        "the newest"
    );
    let raws: Vec<bool> = unit
        .evidence
        .iter()
        .rev()
        .map(|evidence| evidence.raw.is_some())
        .collect();
    assert!(
        raws[..RAW_KEPT].iter().all(|kept| *kept),
        "the newest datagrams are kept"
    );
    assert!(raws[RAW_KEPT..].iter().all(|kept| !kept));
}

#[test]
fn a_snapshot_never_changes() {
    let mut registry = Registry::new(Limits::default(), OPENED);
    registry.apply(reply(1, Ipv4Addr::new(10, 0, 0, 1), OPENED));
    let before = registry.units();
    let revision = registry.revision();
    registry.apply(reply(1, Ipv4Addr::new(10, 0, 0, 1), OPENED.plus_millis(5)));
    registry.apply(reply(2, Ipv4Addr::new(10, 0, 0, 2), OPENED.plus_millis(6)));
    registry.edit(Edit::Forget {
        ids: vec![ApplianceId(1)],
    });
    assert_eq!(before.len(), 1);
    assert_eq!(
        before
            .find(ApplianceId(1))
            .map(|(_, unit)| unit.evidence.len()),
        Some(1)
    );
    assert!(registry.revision() > revision);
    assert_eq!(
        registry
            .take_dirty(OPENED.plus_millis(5_000), false)
            .removed,
        [ApplianceId(1)]
    );
}

#[test]
fn a_conflict_that_is_over_by_time_alone_is_a_change() {
    let mut stage = Stage::new();
    for (secs, ip) in [(0, 5), (10, 6), (20, 5)] {
        stage.play(&format!(
            "{secs}s heard eth0 from=10.0.0.{ip} mac=00:e0:86:00:00:01 ip=10.0.0.{ip}"
        ));
    }
    let status = |stage: &Stage, secs: u64| {
        let now = OPENED.plus_millis(secs * 1_000);
        let unit = stage.unit("00:e0:86:00:00:01");
        stage.registry.context(now).status(&unit)
    };
    assert_eq!(status(&stage, 20), Status::Conflict);
    let revision = stage.registry.revision();
    stage.registry.age(OPENED.plus_millis(319_000));
    assert_eq!(stage.registry.revision(), revision, "nothing changed yet");
    stage.registry.age(OPENED.plus_millis(321_000));
    assert!(
        stage.registry.revision() > revision,
        "the window has to know"
    );
    assert_eq!(status(&stage, 321), Status::New);
    let revision = stage.registry.revision();
    stage.registry.age(OPENED.plus_millis(322_000));
    assert_eq!(stage.registry.revision(), revision, "said once");
}

#[test]
fn a_unit_by_hand_that_contradicts_two_known_ones_is_refused() {
    let mut stage = Stage::new();
    stage.play("0s heard eth0 from=10.0.0.5 mac=00:e0:86:00:00:01 ip=10.0.0.5 name=con1");
    stage.play("import serial=0520011634 name=con2");
    let outcome = stage.registry.edit(Edit::Add {
        facts: Arc::new(facts(&["serial=0520011634", "mac=00:e0:86:00:00:01"])),
    });
    let why = &outcome.refused.first().expect("it is refused").why;
    assert!(why.contains("con1") && why.contains("con2"), "{why}");
    assert_eq!(stage.registry.len(), 2);
}
