//! The SNMP agents of the simulated fleet: asked by the engine's own probe, by net-snmp, and by nobody who means well.

#![expect(
    clippy::disallowed_methods,
    reason = "a test's runtime is entered by blocking on it, and net-snmp is waited for"
)]

#[expect(dead_code, reason = "its recordings and SNMP v3 are for other tests")]
#[path = "support/ber.rs"]
mod ber;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use rollcall::catalog::{Catalog, Known};
use rollcall::engine::identify::snmp::{Snmp, ask};
use rollcall::engine::identify::{Ask, MAX_OPEN, ProbePorts, Slots};
use rollcall::model::identification::Confidence;
use rollcall::model::identity::Mac;
use rollcall::model::probing::{ClueKind, Outcome, Probed};
use rollcall::sim::{
    Agent, Behavior, Fleet, FleetPlan, FleetStyle, MAX_AGENTS, Placement, SimError, SimUnit,
};

use ber::{GET, GET_BULK, GET_NEXT, NO_SUCH_NAME, tlv};

/// Far longer than a question on loopback takes.
const LIMIT: Duration = Duration::from_secs(5);

const SYS_DESCR: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 1, 0];
const SYS_NAME: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 5, 0];

fn plan(seed: u64, behavior: Behavior) -> FleetPlan {
    FleetPlan {
        units: MAX_AGENTS,
        seed,
        style: FleetStyle::Every(behavior),
        spread_millis: 0,
    }
}

/// A fleet that can be asked by SNMP.
async fn fleet(plan: FleetPlan) -> Fleet {
    let nobody_hears = Placement::Loopback {
        hear: [0, 0],
        listen: None,
    };
    let mut fleet = Fleet::start(plan, nobody_hears)
        .await
        .expect("loopback has free ports");
    fleet.open_snmp().await.expect("loopback has free ports");
    fleet
}

fn unit_of<'a>(units: &'a [SimUnit], model: &str) -> &'a SimUnit {
    units
        .iter()
        .find(|unit| unit.model == model)
        .unwrap_or_else(|| panic!("a fleet of this size has a {model}"))
}

fn ip_of(unit: &SimUnit) -> Ipv4Addr {
    unit.network.expect("it is configured").ip
}

async fn ask_port(port: u16, silence: Duration) -> Snmp {
    let question = Ask {
        ip: Ipv4Addr::LOCALHOST,
        ports: Arc::new(ProbePorts {
            snmp: port,
            ..ProbePorts::default()
        }),
        limit: LIMIT,
        silence,
        slots: Slots::new(MAX_OPEN),
        communities: Arc::from(["public".to_owned()]),
        v3: None,
    };
    ask(&question).await
}

async fn ask_unit(fleet: &Fleet, unit: &SimUnit) -> Snmp {
    let port = fleet
        .snmp_port(ip_of(unit))
        .expect("its address is its own");
    ask_port(port, Duration::from_secs(1)).await
}

fn probed_of(unit: &SimUnit, snmp: &Snmp) -> Probed {
    Probed {
        ip: ip_of(unit),
        when: snmp.answer.when,
        answers: vec![snmp.answer.clone()],
        targets: snmp.targets.clone(),
    }
}

/// What the catalog makes of an answer.
fn model_of(unit: &SimUnit, snmp: &Snmp) -> Option<(String, Confidence)> {
    let probed = probed_of(unit, snmp);
    let identified = Catalog::builtin().identify(&Known {
        mac: Some(unit.mac),
        speaks_aidp: true,
        host_name: unit.name.as_deref(),
        model_number: Some(unit.model_number),
        probed: Some(&probed),
        ..Known::default()
    });
    assert_eq!(
        identified.contradictions,
        Vec::<String>::new(),
        "nothing speaks against a {}",
        unit.model
    );
    Some((identified.product?.model?, identified.confidence?))
}

#[tokio::test]
async fn our_own_probe_learns_what_the_units_are() {
    let fleet = fleet(plan(3502, Behavior::Configured)).await;
    // Model, whether it has objects of its own for the model and the serial, and serial ports.
    for (model, tells_model, tells_serial, num_targets) in [
        ("ACS8048", true, true, 48),
        ("ACS8032", true, true, 32),
        ("ACS6048", true, true, 48),
        ("ACS6032", true, true, 32),
        ("PM3024", true, true, 0),
        ("PM2024", true, true, 0),
        ("DSR2035", false, true, 0),
        ("MPU2032DAC", false, false, 0),
    ] {
        let unit = unit_of(fleet.units(), model);
        let snmp = ask_unit(&fleet, unit).await;
        assert_eq!(snmp.answer.outcome, Outcome::Answered, "{model}");
        let clue = |kind| snmp.answer.clue(kind);
        assert_eq!(clue(ClueKind::Model).is_some(), tells_model, "{model}");
        assert_eq!(
            clue(ClueKind::SystemName),
            unit.name.as_deref(),
            "the name of a {model}"
        );
        assert_eq!(
            clue(ClueKind::InterfaceMac),
            Some(&*unit.mac.to_string()),
            "the MAC of a {model}"
        );
        let serial = clue(ClueKind::Serial);
        assert_eq!(serial.is_some(), tells_serial, "{model}");
        assert!(
            serial.is_none_or(|serial| serial.len() == 10 && serial.starts_with('0')),
            "{serial:?} is a serial with its leading zero"
        );
        let probed = probed_of(unit, &snmp);
        assert!(
            Catalog::builtin().firmware(&probed).is_some(),
            "a {model} tells its firmware"
        );
        assert_eq!(snmp.targets.len(), num_targets, "ports of a {model}");
        let (found, confidence) = model_of(unit, &snmp).expect("a product");
        assert_eq!(found, model);
        assert!(confidence >= Confidence::Likely, "{model}: {confidence:?}");
    }
}

#[tokio::test]
async fn a_console_server_tells_what_hangs_on_its_ports() {
    let fleet = fleet(plan(3502, Behavior::Configured)).await;
    let unit = unit_of(fleet.units(), "ACS8048");
    let name = unit.name.as_deref().expect("it was given a name");
    let rack = name.split('-').nth(2).expect("its rack is in its name");
    let snmp = ask_unit(&fleet, unit).await;
    for (target, port) in snmp.targets.iter().zip(1..) {
        assert_eq!((target.port, &*target.tty), (port, &*format!("ttyS{port}")));
        assert!(!target.status.is_empty() && !target.name.is_empty());
        assert!(target.speed.parse::<u32>().is_ok(), "{target:?}");
        if target.is_connected == Some(true) {
            assert!(target.name.contains(rack), "{target:?} stands in {rack}");
        }
    }
    let num_connected = snmp
        .targets
        .iter()
        .filter(|target| target.is_connected == Some(true))
        .count();
    assert!(
        (20..48).contains(&num_connected),
        "{num_connected} of 48 are connected"
    );
    let location = snmp.answer.clue(ClueKind::Location);
    assert!(
        location.is_some_and(|location| location.contains(rack)),
        "{location:?}"
    );
}

#[tokio::test]
async fn the_same_seed_tells_the_same_and_no_serial_comes_twice() {
    let told = async |seed| {
        let fleet = fleet(plan(seed, Behavior::Configured)).await;
        let mut told = Vec::new();
        for unit in fleet.units().iter().filter(|unit| unit.model != "AV3200") {
            let snmp = ask_unit(&fleet, unit).await;
            let clue = |kind| snmp.answer.clue(kind).map(str::to_owned);
            told.push((clue(ClueKind::Serial), clue(ClueKind::Firmware)));
        }
        told
    };
    let (first, again, other) = (told(7).await, told(7).await, told(8).await);
    assert_eq!(first, again);
    assert_ne!(first, other);
    let mut serials: Vec<_> = first
        .iter()
        .filter_map(|(serial, _)| serial.clone())
        .collect();
    let num_told = serials.len();
    serials.sort();
    serials.dedup();
    assert_eq!(serials.len(), num_told);
}

#[tokio::test]
async fn who_cannot_be_reached_says_nothing() {
    const SHORT: Duration = Duration::from_millis(200);
    for (behavior, model, why) in [
        (Behavior::Configured, "AV3200", "SNMP is off"),
        (
            Behavior::ForeignSubnet,
            "ACS8048",
            "it is in another network",
        ),
        (Behavior::BootsNow, "ACS8048", "it is not up yet"),
    ] {
        let fleet = fleet(plan(3502, behavior)).await;
        let ip = ip_of(unit_of(fleet.units(), model));
        let port = fleet.snmp_port(ip).expect("its address is its own");
        let snmp = ask_port(port, SHORT).await;
        assert_eq!(snmp.answer.outcome, Outcome::Silent, "{why}");
    }
    let shared = fleet(plan(3502, Behavior::DuplicateIp)).await;
    for unit in shared.units() {
        assert_eq!(shared.snmp_port(ip_of(unit)), None, "two claim it");
    }
    assert_eq!(shared.snmp_port(Ipv4Addr::LOCALHOST), None, "nobody's");
}

#[tokio::test]
async fn a_large_fleet_has_no_agents() {
    let large = FleetPlan {
        units: MAX_AGENTS + 1,
        ..plan(1, Behavior::Configured)
    };
    let placement = Placement::Loopback {
        hear: [0, 0],
        listen: None,
    };
    let mut fleet = Fleet::start(large, placement)
        .await
        .expect("loopback has free ports");
    let first = ip_of(&fleet.units()[0]);
    assert_eq!(fleet.snmp_port(first), None, "nobody asked for agents");
    let refused = fleet.open_snmp().await;
    assert!(
        matches!(refused, Err(SimError::TooManyAgents(65))),
        "{refused:?}"
    );
    assert_eq!(fleet.snmp_port(first), None);
}

// ---- the protocol, without sockets ----------------------------------------------------------------------------------

fn agent() -> Agent {
    let units = plan(3502, Behavior::Configured).build();
    Agent::of(unit_of(&units, "ACS8048")).expect("its SNMP is on")
}

/// A question: version, community, kind, the two numbers after the id, names.
fn question(version: i64, kind: u8, numbers: [i32; 2], names: &[&[u32]]) -> Vec<u8> {
    question_of(version, "public", kind, numbers, names)
}

fn question_of(
    version: i64,
    community: &str,
    kind: u8,
    numbers: [i32; 2],
    names: &[&[u32]],
) -> Vec<u8> {
    let pairs: Vec<u8> = names
        .iter()
        .flat_map(|name| tlv(0x30, &[ber::oid(name), ber::null()].concat()))
        .collect();
    let pdu = [
        ber::integer(4_711),
        tlv(0x02, &numbers[0].to_be_bytes()),
        tlv(0x02, &numbers[1].to_be_bytes()),
        tlv(0x30, &pairs),
    ];
    let message = [
        ber::integer(version),
        ber::text(community),
        tlv(kind, &pdu.concat()),
    ];
    tlv(0x30, &message.concat())
}

/// What an answer says: the error, the number of the name it is about, and the names.
fn read(answer: &[u8]) -> (i64, i64, Vec<Vec<u32>>) {
    let asked = ber::read(answer).expect("an answer is shaped like a question");
    assert_eq!((asked.kind, asked.id), (0xa2, 4_711), "the answer to it");
    let id = ber::integer(asked.id);
    let after_id = answer
        .windows(id.len())
        .position(|window| window == id)
        .map(|position| &answer[position + id.len()..])
        .expect("the id is there");
    let &[0x02, 1, error, 0x02, 1, index, ..] = after_id else {
        panic!("two small numbers follow the id, not {after_id:02x?}");
    };
    (i64::from(error), i64::from(index), asked.oids)
}

#[test]
fn what_is_missing_is_said_in_the_words_of_the_version() {
    let agent = agent();
    let missing: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 99, 0];
    let last: &[u32] = &[1, 3, 7];
    for kind in [GET, GET_NEXT] {
        let name = if kind == GET { missing } else { last };
        let names = [SYS_DESCR, name];
        let asked = question(0, kind, [0, 0], &names);
        let (error, index, told) = read(&agent.answer(&asked).expect("an answer"));
        assert_eq!((error, index), (NO_SUCH_NAME, 2), "v1 names the second");
        assert_eq!(told, names, "and says the names again");

        let asked = question(1, kind, [0, 0], &names);
        let answer = agent.answer(&asked).expect("an answer");
        let (error, index, told) = read(&answer);
        assert_eq!((error, index, told.len()), (0, 0, 2));
        let word = if kind == GET { [0x80, 0] } else { [0x82, 0] };
        assert!(
            answer.ends_with(&word),
            "the second one's value is {word:?}"
        );
    }
}

#[test]
fn a_walk_meets_every_object_once_and_comes_to_its_end() {
    let agent = agent();
    let mut by_next = Vec::new();
    let mut name = vec![1, 3];
    loop {
        let asked = question(0, GET_NEXT, [0, 0], &[&name]);
        let (error, _, told) = read(&agent.answer(&asked).expect("an answer"));
        if error == NO_SUCH_NAME {
            break;
        }
        assert!(told[0] > name, "{:?} comes after {name:?}", told[0]);
        name.clone_from(&told[0]);
        by_next.push(name.clone());
    }
    assert!(by_next.len() > 48 * 6, "{} objects", by_next.len());
    let mut by_bulk: Vec<Vec<u32>> = Vec::new();
    let mut name = vec![1, 3];
    loop {
        let asked = question(1, GET_BULK, [0, 1_000_000], &[&name]);
        let answer = agent.answer(&asked).expect("an answer");
        assert!(answer.len() <= 1_472, "{} bytes", answer.len());
        let (error, _, told) = read(&answer);
        assert_eq!(error, 0);
        let is_over = told.last() == told.get(told.len() - 2);
        name.clone_from(told.last().expect("at least one"));
        by_bulk.extend(told);
        if is_over || answer.ends_with(&[0x82, 0]) {
            by_bulk.pop();
            break;
        }
    }
    assert_eq!(by_bulk, by_next);
}

#[test]
fn getbulk_answers_some_once_and_the_others_in_rows() {
    let agent = agent();
    let interfaces: &[u32] = &[1, 3, 6, 1, 2, 1, 2, 2, 1, 2];
    let system: &[u32] = &[1, 3, 6, 1, 2, 1, 1];
    let asked = question(1, GET_BULK, [1, 2], &[system, SYS_DESCR, interfaces]);
    let (_, _, told) = read(&agent.answer(&asked).expect("an answer"));
    assert_eq!(told.len(), 1 + 2 * 2);
    assert_eq!(told[0], SYS_DESCR);
    let nothing = question(1, GET_BULK, [-5, -1], &[system]);
    let (_, _, told) = read(&agent.answer(&nothing).expect("an answer"));
    assert_eq!(told, Vec::<Vec<u32>>::new(), "no rows were wanted");
    let no_names = question(1, GET_BULK, [0, i32::MAX], &[]);
    assert!(agent.answer(&no_names).is_some(), "and it ends");
}

#[test]
fn too_much_at_once_is_refused_with_a_word() {
    let agent = agent();
    let names = vec![SYS_DESCR; 70];
    let (error, _, told) = read(
        &agent
            .answer(&question(1, GET, [0, 0], &names))
            .expect("a word"),
    );
    assert_eq!((error, told.len()), (1, 0), "tooBig");
}

#[test]
fn who_is_not_let_in_hears_nothing() {
    let agent = agent();
    let names = [SYS_NAME];
    assert!(agent.answer(&question(1, GET, [0, 0], &names)).is_some());
    for (version, community, kind) in [
        (1, "private", GET),
        (1, "", GET),
        (3, "public", GET),
        (-1, "public", GET),
        // v1 has no getbulk; set and what agents themselves say are not for agents.
        (0, "public", GET_BULK),
        (1, "public", 0xa3),
        (1, "public", 0xa2),
        (1, "public", 0xa7),
    ] {
        let asked = question_of(version, community, kind, [0, 0], &names);
        assert_eq!(agent.answer(&asked), None, "{version} {community} {kind:x}");
    }
}

// ---- hostile questions ----------------------------------------------------------------------------------------------

/// Whatever comes is answered within one frame, or not at all.
#[track_caller]
fn check(agent: &Agent, datagram: &[u8]) {
    if let Some(answer) = agent.answer(datagram) {
        assert!(answer.len() <= 1_472, "{} bytes", answer.len());
        ber::read(&answer).expect("what it says is SNMP");
    }
}

#[test]
fn every_cut_and_every_flipped_bit_of_a_question_is_survived() {
    let agent = agent();
    for good in [
        question(0, GET, [0, 0], &[SYS_DESCR, SYS_NAME]),
        question(1, GET_NEXT, [0, 0], &[SYS_DESCR, &[1, 3]]),
        question(1, GET_BULK, [1, 10], &[SYS_DESCR, &[1, 3, 6, 1, 4]]),
    ] {
        assert!(agent.answer(&good).is_some());
        for len in 0..good.len() {
            assert_eq!(agent.answer(&good[..len]), None, "cut to {len} bytes");
        }
        for position in 0..good.len() {
            for bit in 0..8 {
                let mut bent = good.clone();
                bent[position] ^= 1 << bit;
                check(&agent, &bent);
            }
            for octet in [0x00, 0x7f, 0x80, 0x81, 0x84, 0x88, 0xff] {
                let mut bent = good.clone();
                bent[position] = octet;
                check(&agent, &bent);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..2_048)) {
        check(&agent(), &bytes);
    }

    #[test]
    fn any_names_and_numbers_are_answered_within_one_frame(
        version in 0_i64..2,
        kind in 0xa0_u8..0xa8,
        numbers in any::<[i32; 2]>(),
        names in proptest::collection::vec(
            (0_u32..3, 0_u32..40, proptest::collection::vec(any::<u32>(), 0..140)),
            0..40,
        ),
    ) {
        let names: Vec<Vec<u32>> = names
            .into_iter()
            .map(|(first, second, rest)| [vec![first, second], rest].concat())
            .collect();
        let names: Vec<&[u32]> = names.iter().map(Vec::as_slice).collect();
        check(&agent(), &question(version, kind, numbers, &names));
    }

    #[test]
    fn any_length_before_any_bytes_is_survived(
        lengths in proptest::collection::vec(any::<u8>(), 0..10),
        rest in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let agent = agent();
        let num = 0x80 | lengths.len() as u8;
        let bent = [&[0x30, num], &lengths[..], &rest].concat();
        check(&agent, &bent);
        let inner = [&ber::integer(1), &ber::text("public"), &[GET, num][..], &lengths, &rest].concat();
        check(&agent, &tlv(0x30, &inner));
    }
}

// ---- asked by others ------------------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs net-snmp's tools: apt-get install -y snmp"]
async fn net_snmp_reads_the_same() {
    let fleet = fleet(plan(3502, Behavior::Configured)).await;
    let unit = unit_of(fleet.units(), "ACS8048");
    let port = fleet
        .snmp_port(ip_of(unit))
        .expect("its address is its own");
    let snmp = ask_unit(&fleet, unit).await;
    let run = |program: &'static str, version: &'static str, name: &'static str| {
        let output = std::process::Command::new(program)
            .args([version, "-c", "public", "-Oqvn", "-t", "2"])
            .args([&*format!("127.0.0.1:{port}"), name])
            .output()
            .expect("net-snmp's tools are installed");
        let told = String::from_utf8_lossy(&output.stdout).replace('"', "");
        assert!(output.status.success(), "{program} {version}: {output:?}");
        told.lines().map(|line| line.trim().to_owned()).collect()
    };
    let serial = ".1.3.6.1.4.1.10418.26.2.1.4.0";
    let names_of_ports = ".1.3.6.1.4.1.10418.26.2.3.2.1.4";
    for version in ["-v1", "-v2c"] {
        let told: Vec<String> = run("snmpget", version, serial);
        assert_eq!(
            told.first().map(String::as_str),
            snmp.answer.clue(ClueKind::Serial)
        );
        let names: Vec<String> = run("snmpwalk", version, names_of_ports);
        let ours: Vec<&str> = snmp.targets.iter().map(|target| &*target.name).collect();
        assert_eq!(names, ours);
        let macs: Vec<String> = run("snmpwalk", version, ".1.3.6.1.2.1.2.2.1.6");
        let octets: Vec<String> = unit.mac.octets().map(|octet| format!("{octet:02X}")).into();
        assert_eq!(macs, [octets.join(" ")]);
    }
    let all: Vec<String> = run("snmpbulkwalk", "-v2c", ".1.3");
    assert!(all.len() > 48 * 6, "{} objects", all.len());
    let mac = Mac::new(unit.mac.octets());
    assert_eq!(
        snmp.answer.clue(ClueKind::InterfaceMac),
        Some(&*mac.to_string())
    );
}
