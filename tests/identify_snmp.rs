//! The SNMP probe against agents on loopback: recorded units, agents of v1, and agents that nobody would want.
//! Each test looks at the outcome and at the time it took.

#![expect(
    clippy::disallowed_methods,
    reason = "a test's runtime is entered by blocking on it"
)]

#[path = "support/ber.rs"]
mod ber;
#[path = "support/recorded_units.rs"]
mod recorded_units;
#[path = "support/snmp_agents.rs"]
mod snmp_agents;

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rollcall::engine::identify::credentials::{Secret, V3Auth, V3User};
use rollcall::engine::identify::snmp::{Snmp, ask};
use rollcall::engine::identify::{Ask, MAX_OPEN, ProbePorts, Slots};
use rollcall::model::probing::{ClueKind, Outcome, TARGETS_KEPT};
use rollcall::model::sighting::{RAW_KEPT_BYTES, TEXT_KEPT_CHARS};
use tokio::net::UdpSocket;
use tokio::time::Instant;

use ber::{GET, GET_BULK, GET_NEXT, NO_SUCH_NAME, Recording, arcs};
use recorded_units::{RecordedUnit, UNITS, check_ports_of_acs8048};
use snmp_agents::{agent, bent_agent, endless, good_agent, reporting_agent};

/// A first answer may take so long.
const SILENCE: Duration = Duration::from_millis(400);

/// A whole probe may take so long.
const LIMIT: Duration = Duration::from_millis(2500);

/// What a busy computer may add.
const SLACK: Duration = Duration::from_millis(600);

fn ask_at(port: u16) -> Ask {
    Ask {
        ip: Ipv4Addr::LOCALHOST,
        ports: Arc::new(ProbePorts {
            snmp: port,
            ..ProbePorts::default()
        }),
        limit: LIMIT,
        silence: SILENCE,
        slots: Slots::new(MAX_OPEN),
        communities: Arc::from(["public".to_owned()]),
        v3: None,
    }
}

fn with_v3(port: u16, communities: &[&str]) -> Ask {
    Ask {
        communities: communities.iter().map(|&text| text.to_owned()).collect(),
        v3: Some(Arc::new(V3User {
            name: "rollout".to_owned(),
            auth: V3Auth::Sha1,
            auth_pass: Secret("authentic words".to_owned()),
            priv_pass: Secret("private words".to_owned()),
        })),
        ..ask_at(port)
    }
}

/// Asks, and looks at the time and at the place that was taken.
async fn timed(question: &Ask) -> (Snmp, Duration) {
    let begin = Instant::now();
    let snmp = ask(question).await;
    let took = begin.elapsed();
    assert!(took < question.limit + SLACK, "it took {took:?}");
    assert_eq!(question.slots.num_open(), 0, "the place is free again");
    assert_eq!(question.slots.most_open(), 1, "one socket is one place");
    (snmp, took)
}

fn clue(snmp: &Snmp, kind: ClueKind) -> Option<&str> {
    snmp.answer.clue(kind)
}

fn acs8048() -> Recording {
    Recording::load("acs8048")
}

#[tokio::test]
async fn every_recorded_unit_tells_what_it_is() {
    for unit in &UNITS {
        let port = good_agent(Recording::load(unit.name), "public").await;
        let (snmp, took) = timed(&ask_at(port)).await;
        unit.check(&snmp, "v2c");
        assert!(took < Duration::from_secs(1), "{} took {took:?}", unit.name);
        if unit.name == "acs8048" {
            check_ports_of_acs8048(&snmp);
        }
    }
}

#[tokio::test]
async fn an_agent_of_v1_only_tells_as_much() {
    for unit in &UNITS {
        let recording = Recording::load(unit.name);
        let port = bent_agent(recording, |asked| (asked.version != 0).then(Vec::new)).await;
        let (snmp, _) = timed(&ask_at(port)).await;
        unit.check(&snmp, "v1");
        if unit.name == "acs8048" {
            check_ports_of_acs8048(&snmp);
        }
    }
}

#[tokio::test]
async fn one_missing_object_does_not_cost_the_others() {
    let missing = ["1.3.6.1.2.1.1.6.0", "1.3.6.1.4.1.10418.26.2.1.6.0"];
    for is_v1 in [true, false] {
        let recording = missing
            .iter()
            .fold(acs8048(), |all, name| all.without(name));
        let version = i64::from(!is_v1);
        let port = bent_agent(recording, move |asked| {
            (asked.version != version).then(Vec::new)
        })
        .await;
        let (snmp, _) = timed(&ask_at(port)).await;
        assert_eq!(snmp.answer.outcome, Outcome::Answered);
        assert_eq!(clue(&snmp, ClueKind::Location), None);
        assert_eq!(clue(&snmp, ClueKind::BootCode), None);
        assert_eq!(clue(&snmp, ClueKind::SystemName), Some("acs-r12-1"));
        assert_eq!(clue(&snmp, ClueKind::Serial), Some("0520098231"));
        assert_eq!(clue(&snmp, ClueKind::Firmware), Some("2.24.2"));
        check_ports_of_acs8048(&snmp);
    }
}

#[tokio::test]
async fn an_agent_that_can_carry_only_one_value_is_asked_for_one() {
    const TOO_BIG: i64 = 1;
    let port = bent_agent(acs8048(), |asked| {
        (asked.kind == GET_BULK || asked.oids.len() > 1).then(|| vec![asked.refuse(TOO_BIG)])
    })
    .await;
    let (snmp, _) = timed(&ask_at(port)).await;
    RecordedUnit::named("acs8048").check(&snmp, "v2c");
    check_ports_of_acs8048(&snmp);
}

#[tokio::test]
async fn an_agent_that_drops_what_it_cannot_carry_is_asked_for_one() {
    let port = bent_agent(Recording::load("dsr2035"), |asked| {
        (asked.kind == GET_BULK || asked.oids.len() > 4).then(Vec::new)
    })
    .await;
    let question = Ask {
        limit: LIMIT * 2,
        ..ask_at(port)
    };
    let (snmp, _) = timed(&question).await;
    RecordedUnit::named("dsr2035").check(&snmp, "v2c");
}

#[tokio::test]
async fn older_firmware_with_a_foreign_object_id_is_known_by_its_objects() {
    let plain = ber::oid(&arcs("1.3.6.1.4.1.8072.3.2.10"));
    let recording = Recording::load("mpu2032dac")
        .with("1.3.6.1.2.1.1.1.0", ber::text("Cyclades AlterPath ACS48"))
        .with("1.3.6.1.2.1.1.2.0", plain)
        .with("1.3.6.1.4.1.2925.4.1.1.0", ber::text("ACS48\0\0"))
        .with("1.3.6.1.4.1.2925.4.1.2.0", ber::text("V_3.3.0"))
        .with("1.3.6.1.4.1.2925.4.1.8.0", ber::text("0044AA"));
    for is_v1 in [false, true] {
        let port = bent_agent(recording.clone(), move |asked| {
            (is_v1 && asked.version != 0).then(Vec::new)
        })
        .await;
        let (snmp, _) = timed(&ask_at(port)).await;
        assert_eq!(clue(&snmp, ClueKind::Model), Some("ACS48"));
        assert_eq!(clue(&snmp, ClueKind::Firmware), Some("V_3.3.0"));
        assert_eq!(clue(&snmp, ClueKind::Serial), Some("0044AA"));
    }
}

#[tokio::test]
async fn nobody_there_is_silent_after_one_silence_with_eight_communities() {
    let num = Arc::new(AtomicUsize::new(0));
    let heard = Arc::clone(&num);
    let port = agent(move |_| {
        heard.fetch_add(1, Ordering::Relaxed);
        Vec::new()
    })
    .await;
    let question = Ask {
        communities: (0..8).map(|number| format!("community {number}")).collect(),
        ..ask_at(port)
    };
    let (snmp, took) = timed(&question).await;
    assert_eq!(snmp.answer.outcome, Outcome::Silent);
    assert!(
        took >= SILENCE && took < SILENCE + SLACK,
        "it took {took:?}"
    );
    assert_eq!(
        num.load(Ordering::Relaxed),
        32,
        "each community with v1 and v2c, and each once more"
    );
    assert!(snmp.answer.clues.is_empty() && snmp.targets.is_empty());
}

#[tokio::test]
async fn a_lost_datagram_is_sent_again() {
    let mut seen = Vec::new();
    let port = bent_agent(Recording::load("pm3024"), move |asked| {
        let is_first = !seen.contains(&asked.id);
        seen.push(asked.id);
        (is_first && asked.version == 1).then(Vec::new)
    })
    .await;
    let question = Ask {
        limit: Duration::from_secs(10),
        ..ask_at(port)
    };
    let (snmp, _) = timed(&question).await;
    // v1 has its turn before v2c's second, and it was not lost.
    RecordedUnit::named("pm3024").check(&snmp, "v1");
}

#[tokio::test]
async fn a_closed_port_is_told_at_once() {
    let port = {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let socket = socket.expect("a port on loopback");
        socket.local_addr().expect("it is bound").port()
    };
    for question in [ask_at(port), with_v3(port, &["public"])] {
        let (snmp, took) = timed(&question).await;
        assert_eq!(snmp.answer.outcome, Outcome::Closed);
        assert!(took < SILENCE, "it took {took:?}");
    }
}

#[tokio::test]
async fn the_community_that_fits_is_found() {
    let port = good_agent(Recording::load("acs6032"), "plant-ro").await;
    let question = Ask {
        communities: ["public", "private", "plant-ro"]
            .map(str::to_owned)
            .into_iter()
            .collect(),
        ..ask_at(port)
    };
    let (snmp, took) = timed(&question).await;
    RecordedUnit::named("acs6032").check(&snmp, "v2c");
    assert!(took < SILENCE + SLACK, "it took {took:?}");
    let (snmp, _) = timed(&ask_at(port)).await;
    assert_eq!(snmp.answer.outcome, Outcome::Silent, "a wrong community");
}

#[tokio::test]
async fn a_community_that_may_read_nothing_is_not_taken() {
    const AUTHORIZATION_ERROR: i64 = 16;
    let recording = Recording::load("pm3024");
    let port = bent_agent(recording, |asked| {
        (asked.community != b"plant-ro").then(|| vec![asked.refuse(AUTHORIZATION_ERROR)])
    })
    .await;
    let question = Ask {
        communities: Arc::from(["public".to_owned(), "plant-ro".to_owned()]),
        ..ask_at(port)
    };
    let (snmp, _) = timed(&question).await;
    RecordedUnit::named("pm3024").check(&snmp, "v2c");
    let (snmp, _) = timed(&ask_at(port)).await;
    let why = snmp.answer.outcome.why();
    assert_eq!(why, Some("the community may read nothing"));
}

#[tokio::test]
async fn answers_to_other_questions_are_passed_over() {
    let recording = Recording::load("pm3024");
    let good = recording.clone();
    let port = bent_agent(recording, move |asked| {
        let values = [(arcs("1.3.6.1.2.1.1.1.0"), ber::text("forged"))];
        let foreign = asked.answer(asked.id ^ 0x55, 0, &values);
        let mut other_community = asked.clone();
        other_community.community = b"other".to_vec();
        let other_community = other_community.reply(&values);
        Some(vec![foreign, other_community, good.answer(asked)])
    })
    .await;
    let (snmp, _) = timed(&ask_at(port)).await;
    RecordedUnit::named("pm3024").check(&snmp, "v2c");

    let port = bent_agent(acs8048(), |asked| {
        Some(vec![asked.answer(asked.id + 1_000, 0, &[])])
    })
    .await;
    let (snmp, took) = timed(&ask_at(port)).await;
    assert!(matches!(snmp.answer.outcome, Outcome::Garbled(_)));
    assert!(took >= SILENCE, "a right answer was waited for");
    assert_eq!(
        snmp.answer.outcome.why(),
        Some("an answer to another question came")
    );
}

#[tokio::test]
async fn a_text_of_64_kib_is_cut() {
    let long = "x".repeat(60_000);
    let recording = Recording::load("pm3024").with("1.3.6.1.2.1.1.1.0", ber::text(&long));
    let port = good_agent(recording, "public").await;
    let (snmp, _) = timed(&ask_at(port)).await;
    assert_eq!(snmp.answer.outcome, Outcome::Answered);
    let description = clue(&snmp, ClueKind::Description).expect("it said so");
    assert_eq!(description.chars().count(), TEXT_KEPT_CHARS);
    assert_eq!(clue(&snmp, ClueKind::Serial), Some("0610022418"));
    assert!(snmp.answer.raw.bytes.len() <= RAW_KEPT_BYTES);
}

#[tokio::test]
async fn broken_ber_is_garbled() {
    let broken: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x30\x84\xff\xff\xff\xff\x02\x01\x01",
        b"\x30\x80\x02\x01\x01\x00\x00",
        b"\x30\x03\x02\x01\x07",
        b"\x30\x0b\x02\x01\x01\x04\x06public",
        b"\x30\x1b\x02\x01\x01\x04\x06public\xa2\x0e\x02\x04\x7f\xff\xff\xff\x02\x01\x00\x02\x01\x00\x30\x7f",
    ];
    for datagram in broken {
        let port = agent(move |_| vec![datagram.to_vec()]).await;
        for question in [ask_at(port), with_v3(port, &[])] {
            let question = Ask {
                silence: SILENCE / 4,
                ..question
            };
            let (snmp, _) = timed(&question).await;
            assert!(
                matches!(snmp.answer.outcome, Outcome::Garbled(_)),
                "{datagram:02x?} is {:?}",
                snmp.answer.outcome
            );
        }
    }
}

#[tokio::test]
async fn a_broken_value_costs_only_itself() {
    // The contents-specific tag 0x9f is no type of SNMP.
    let recording = Recording::load("pm3024")
        .with("1.3.6.1.4.1.10418.17.2.1.3.0", vec![0x9f, 1, 0])
        .with(
            "1.3.6.1.4.1.10418.17.2.1.5.0",
            vec![0x02, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1],
        );
    let port = good_agent(recording, "public").await;
    let (snmp, _) = timed(&ask_at(port)).await;
    assert_eq!(clue(&snmp, ClueKind::PartNumber), None);
    assert_eq!(clue(&snmp, ClueKind::ElectronicId), None);
    assert_eq!(clue(&snmp, ClueKind::Serial), Some("0610022418"));
    assert_eq!(clue(&snmp, ClueKind::Firmware), Some("2.0.1.9"));
}

/// The name that a hostile agent gives for the one after.
type Turn = fn(&[u32]) -> Vec<u32>;

#[tokio::test]
async fn a_walk_that_does_not_get_on_ends() {
    // The same name for ever; the name before; a name of another column; a name of nowhere.
    let turns: [Turn; 4] = [
        <[u32]>::to_vec,
        |name| [name, &[0]].concat()[..name.len() - 1].to_vec(),
        |_| arcs("1.3.6.1.4.1.10418.26.2.3.2.1.4.1"),
        |_| arcs("1.3.6.1.2.1.1.1.0"),
    ];
    for turn in turns {
        let port = bent_agent(acs8048(), move |asked| {
            let values: Vec<(Vec<u32>, Vec<u8>)> = asked
                .oids
                .iter()
                .map(|name| (turn(name), ber::text("again")))
                .collect();
            (asked.kind != GET).then(|| vec![asked.reply(&values)])
        })
        .await;
        let (snmp, took) = timed(&ask_at(port)).await;
        assert_eq!(snmp.answer.outcome, Outcome::Answered);
        assert_eq!(clue(&snmp, ClueKind::Serial), Some("0520098231"));
        assert!(snmp.targets.len() <= 1, "{:?}", snmp.targets);
        assert!(took < Duration::from_secs(1), "it took {took:?}");
    }
}

#[tokio::test]
async fn an_endless_table_is_cut() {
    for version in [1, 0] {
        let port = bent_agent(acs8048(), move |asked| {
            if asked.version != version {
                return Some(Vec::new());
            }
            endless(asked)
        })
        .await;
        let (snmp, _) = timed(&ask_at(port)).await;
        assert_eq!(snmp.answer.outcome, Outcome::Answered);
        assert_eq!(snmp.targets.len(), TARGETS_KEPT, "version {version}");
        assert!(snmp.answer.raw.bytes.len() <= RAW_KEPT_BYTES);
    }
}

#[tokio::test]
async fn what_came_is_kept_when_the_time_is_over() {
    let mut num_walked = 0;
    let recording = acs8048();
    let port = bent_agent(recording, move |asked| {
        let is_port_table = asked.kind == GET_BULK && asked.oids.len() > 1;
        num_walked += usize::from(is_port_table);
        (is_port_table && num_walked > 2).then(Vec::new)
    })
    .await;
    let question = Ask {
        limit: Duration::from_millis(700),
        silence: Duration::from_millis(500),
        ..ask_at(port)
    };
    let (snmp, took) = timed(&question).await;
    assert!(took >= SILENCE, "it stalled");
    assert_eq!(snmp.answer.outcome, Outcome::Answered);
    assert_eq!(clue(&snmp, ClueKind::Serial), Some("0520098231"));
    assert_eq!(snmp.targets.len(), 20, "two answers of ten rows");
    assert_eq!(clue(&snmp, ClueKind::TargetsCut), Some(CUT_AT_20));
    assert_eq!(snmp.targets[19].tty, "ttyS20");
}

const CUT_AT_20: &str = "20 ports; the rest did not answer in time";

/// Answers well, but for as many of the datagrams that ask for the third ten of the serial ports.
async fn forgetful_agent(num_lost: usize) -> u16 {
    let mut num = 0;
    bent_agent(acs8048(), move |asked| {
        let asks_for_20 = asked.kind == GET_BULK
            && asked.oids.len() > 1
            && asked.oids[0].last().is_some_and(|row| *row == 20);
        num += usize::from(asks_for_20);
        (asks_for_20 && num <= num_lost).then(Vec::new)
    })
    .await
}

#[tokio::test]
async fn a_walk_that_is_cut_says_so_after_one_more_try() {
    // Each question is two datagrams.
    let (snmp, _) = timed(&ask_at(forgetful_agent(3).await)).await;
    check_ports_of_acs8048(&snmp);
    assert_eq!(clue(&snmp, ClueKind::TargetsCut), None);

    let (snmp, took) = timed(&ask_at(forgetful_agent(usize::MAX).await)).await;
    assert_eq!(snmp.targets.len(), 20);
    assert_eq!(clue(&snmp, ClueKind::TargetsCut), Some(CUT_AT_20));
    assert!(took < SILENCE * 2 + SLACK, "it took {took:?}");
}

#[tokio::test]
async fn a_column_that_is_lost_on_the_way_is_asked_for_again() {
    // v1 asks for each column apart once one of them has no more; the answer for the tty of port 31 is lost.
    for num_lost in [3, usize::MAX] {
        let mut num = 0;
        let port = bent_agent(acs8048(), move |asked| {
            if asked.version != 0 {
                return Some(Vec::new());
            }
            if asked.kind == GET_NEXT && asked.oids.len() > 1 {
                return Some(vec![asked.refuse(NO_SUCH_NAME)]);
            }
            let is_lost =
                asked.kind == GET_NEXT && asked.oids[0].ends_with(&[10418, 26, 2, 3, 2, 1, 2, 30]);
            num += usize::from(is_lost);
            (is_lost && num <= num_lost).then(Vec::new)
        })
        .await;
        let question = Ask {
            limit: LIMIT * 2,
            ..ask_at(port)
        };
        let (snmp, _) = timed(&question).await;
        let is_whole = num_lost < 4;
        assert_eq!(clue(&snmp, ClueKind::TargetsCut).is_none(), is_whole);
        assert_eq!(snmp.targets.len(), 48);
        assert_eq!(snmp.targets[30].tty.is_empty(), !is_whole);
        assert!(!snmp.targets[47].status.is_empty(), "the others go on");
    }
}

#[tokio::test]
async fn a_unit_that_is_gone_is_not_asked_to_the_limit() {
    let mut num = 0;
    let port = bent_agent(acs8048(), move |_| {
        num += 1;
        (num > 1).then(Vec::new)
    })
    .await;
    let question = Ask {
        limit: Duration::from_secs(30),
        ..ask_at(port)
    };
    let (snmp, took) = timed(&question).await;
    assert_eq!(snmp.answer.outcome, Outcome::Answered);
    assert_eq!(clue(&snmp, ClueKind::SystemName), Some("acs-r12-1"));
    assert!(took < SILENCE * 3 + SLACK, "it took {took:?}");
}

#[tokio::test]
async fn a_flood_is_given_up() {
    let port = agent(|_| vec![vec![0x30, 0x00]; 3_000]).await;
    let question = Ask {
        limit: Duration::from_secs(20),
        silence: Duration::from_secs(10),
        ..ask_at(port)
    };
    let (snmp, took) = timed(&question).await;
    assert!(matches!(snmp.answer.outcome, Outcome::Garbled(_)));
    assert!(took < Duration::from_secs(2), "it took {took:?}");
}

#[tokio::test]
async fn a_refused_user_of_v3_is_said_to_be() {
    for (counter, word) in [
        (1, "may not sign"),
        (3, "no such user"),
        (5, "signature is wrong"),
        (6, "encryption is wrong"),
        // The greeting's report again and again: nothing that says why.
        (4, "there is no answer"),
    ] {
        let port = reporting_agent(counter, None).await;
        let (snmp, _) = timed(&with_v3(port, &["public"])).await;
        let Outcome::Garbled(why) = &snmp.answer.outcome else {
            panic!("report {counter} is {:?}", snmp.answer.outcome);
        };
        assert!(
            why.starts_with("the user or passphrase is refused"),
            "{why}"
        );
        assert!(why.contains(word), "{why}");
        assert!(!why.contains("words"), "no passphrase in it");
    }
}

#[tokio::test]
async fn a_user_of_v3_that_cannot_be_used_is_no_sign_of_a_unit() {
    let port = agent(|_| Vec::new()).await;
    let mut user = V3User::clone(with_v3(port, &[]).v3.as_deref().expect("a user"));
    user.priv_pass = Secret(String::new());
    for communities in [&[][..], &["public"]] {
        let question = Ask {
            v3: Some(Arc::new(user.clone())),
            ..with_v3(port, communities)
        };
        let (snmp, _) = timed(&question).await;
        assert_eq!(snmp.answer.outcome.word(), "failed");
        let why = snmp.answer.outcome.why().unwrap_or_default();
        assert!(why.contains("privacy passphrase has 0 characters"), "{why}");
    }
}

#[tokio::test]
async fn where_v3_is_refused_a_community_may_do() {
    let port = reporting_agent(3, Some(acs8048())).await;
    let (snmp, _) = timed(&with_v3(port, &["public"])).await;
    RecordedUnit::named("acs8048").check(&snmp, "v2c");
}

#[tokio::test]
async fn no_community_is_sent_while_v3_may_be_answered() {
    let begin = Instant::now();
    let plain: Arc<Mutex<Vec<Duration>>> = Arc::default();
    let seen = Arc::clone(&plain);
    let port = agent(move |datagram| {
        if ber::v3_id(datagram).is_none() {
            seen.lock().expect("nobody panicked").push(begin.elapsed());
        }
        Vec::new()
    })
    .await;
    let (snmp, took) = timed(&with_v3(port, &["public"])).await;
    assert_eq!(snmp.answer.outcome, Outcome::Silent);
    assert!(took < SILENCE + SLACK, "both share one silence: {took:?}");
    let plain = plain.lock().expect("nobody panicked");
    assert!(!plain.is_empty() && plain.iter().all(|when| *when >= SILENCE / 2));
}

#[tokio::test]
async fn engines_that_are_none_are_garbled() {
    let long = vec![0x80; 25_000];
    let cases: [(&[u8], i64); 5] = [
        (&long, 7),
        (b"", 7),
        (b"abc", 7),
        (b"\x80\x00\x1f\x88\x04unit", i64::MAX),
        (b"\x80\x00\x1f\x88\x04unit", i64::MIN),
    ];
    for (engine_id, boots) in cases {
        let engine_id = engine_id.to_vec();
        let len = engine_id.len();
        let port = agent(move |datagram| {
            let id = ber::v3_id(datagram).unwrap_or(1);
            vec![ber::v3_report(id, &engine_id, boots, 4)]
        })
        .await;
        let (snmp, _) = timed(&with_v3(port, &[])).await;
        assert!(
            matches!(snmp.answer.outcome, Outcome::Garbled(_)),
            "{len} octets, boots {boots}: {:?}",
            snmp.answer.outcome
        );
        if len == 8 && boots > 0 {
            let why = snmp.answer.outcome.why();
            assert_eq!(why, Some("its SNMP engine has no usable time"));
        }
    }
}

#[tokio::test]
async fn v3_is_given_up_after_three_engines_that_are_none() {
    let long = vec![0x80; 33];
    for engine_id in [&b"abc"[..], &long] {
        let engine_id = engine_id.to_vec();
        let flood = acs8048();
        let port = agent(move |datagram| match ber::v3_id(datagram) {
            Some(id) => vec![ber::v3_report(id, &engine_id, 7, 4); 3],
            None => ber::read(datagram)
                .map(|asked| flood.answer(&asked))
                .into_iter()
                .collect(),
        })
        .await;
        let question = Ask {
            silence: LIMIT,
            limit: LIMIT * 4,
            ..with_v3(port, &["public"])
        };
        let (snmp, took) = timed(&question).await;
        RecordedUnit::named("acs8048").check(&snmp, "v2c");
        assert!(took < SILENCE, "the engine is not waited for: {took:?}");
    }
}

#[tokio::test]
async fn a_probe_waits_for_its_place_before_its_time_runs() {
    let port = good_agent(Recording::load("pm3024"), "public").await;
    let question = Ask {
        slots: Slots::new(1),
        limit: Duration::from_secs(1),
        ..ask_at(port)
    };
    let place = question.slots.take().await.expect("the place is free");
    let asking = tokio::spawn({
        let question = question.clone();
        async move { ask(&question).await }
    });
    tokio::time::timeout(Duration::from_millis(1_200), async {
        while !asking.is_finished() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect_err("it must not begin without a place");
    drop(place);
    let snmp = asking.await.expect("it does not panic");
    RecordedUnit::named("pm3024").check(&snmp, "v2c");
}
