//! What differs, in tables: one line for each unit that is in the replay, in the site, or in both.

use std::collections::VecDeque;

use super::*;
use crate::model::appliance::{FileFacts, Heard, Typed};
use crate::model::identity::ApplianceId;
use crate::model::sighting::Source;
use crate::model::time::Timestamp;

/// A unit from words: `mac=1 ip=10.0.0.5 name=con-1 serial=… model=… prefix=24 gateway=… firmware=… typed=…`.
/// `heard-name` is heard and not from a file; an address of 0.0.0.0 is stated to be none.
fn unit(id: u64, words: &str) -> Appliance {
    let mut facts = FileFacts::default();
    let mut typed = Typed::default();
    let mut heard = None;
    for word in words.split_whitespace() {
        let (key, value) = word.split_once('=').expect("a word is key=value");
        let ip = || value.parse().expect("an IPv4 address");
        match key {
            "mac" => {
                let last = value.parse().expect("the last octet");
                facts.mac = Some(Mac::new([0, 0xe0, 0x86, 0, 0, last]));
            }
            "ip" => facts.ip = Some(ip()),
            "gateway" => facts.gateway = Some(ip()),
            "prefix" => facts.prefix = Some(value.parse().expect("a prefix")),
            "name" => value.clone_into(&mut facts.name),
            "serial" => value.clone_into(&mut facts.serial),
            "model" => value.clone_into(&mut facts.model),
            "firmware" => value.clone_into(&mut facts.firmware),
            "typed" => typed.name = Some(value.to_owned()),
            "heard-name" => {
                let when = Timestamp::from_millis(1_795_000_000_000);
                let mut own = Heard::new(when, Source::Reply);
                own.name.learn(value.to_owned(), Source::Reply, when);
                heard = Some(own);
            }
            _ => panic!("{key:?} is no fact of this table"),
        }
    }
    Appliance {
        id: ApplianceId(id),
        revision: id,
        heard,
        probed: None,
        identified: None,
        imported: Some(Arc::new(facts)),
        typed,
        evidence: VecDeque::new(),
    }
}

fn units(lines: &[&str]) -> Units {
    let units = lines
        .iter()
        .zip(1..)
        .map(|(line, id)| Arc::new(unit(id, line)));
    Units::from_vec(units.collect())
}

#[track_caller]
fn check(replay: &[&str], site: &[&str], num_same: usize, expected: &[&str]) {
    let comparison = compare(&units(replay), &units(site), "hall 2");
    let lines: Vec<String> = comparison
        .lines
        .iter()
        .map(|line| {
            let ip = line.ip.map(|ip| ip.to_string()).unwrap_or_default();
            format!("{:?} {ip} {}: {}", line.kind, line.name, line.what)
        })
        .collect();
    assert_eq!(lines, expected, "replay {replay:?}, site {site:?}");
    assert_eq!(
        comparison.num_same, num_same,
        "replay {replay:?}, site {site:?}"
    );
    assert_eq!(
        (comparison.site.as_str(), comparison.num_left_out),
        ("hall 2", 0)
    );
}

#[test]
fn what_differs_is_said_in_words() {
    check(&[], &[], 0, &[]);
    check(&["mac=1 ip=10.0.0.5"], &["mac=1 ip=10.0.0.5"], 1, &[]);
    check(
        &["mac=1 ip=10.0.0.5 name=a model=ACS8048 prefix=24 gateway=10.0.0.1 firmware=2.20"],
        &["mac=1 ip=10.0.0.9 name=b model=ACS8016 prefix=16 gateway=10.0.0.2 firmware=2.22"],
        0,
        &[
            "Differs 10.0.0.5 a: address 10.0.0.5, in the site 10.0.0.9; name \"a\", in the site \"b\"; \
           model ACS8048, in the site ACS8016; prefix 24, in the site 16; \
           gateway 10.0.0.1, in the site 10.0.0.2; firmware 2.20, in the site 2.22",
        ],
    );
    check(
        &["mac=1 ip=0.0.0.0", "mac=2 ip=10.0.0.6"],
        &["mac=1 ip=10.0.0.5", "mac=2 ip=0.0.0.0"],
        0,
        &[
            "Differs 10.0.0.5 : no address, in the site 10.0.0.5",
            "Differs 10.0.0.6 : address 10.0.0.6, in the site none",
        ],
    );
}

#[test]
fn what_one_side_does_not_know_is_no_difference() {
    check(
        &["mac=1 ip=10.0.0.5"],
        &["mac=1 name=con-1 model=ACS8048 prefix=24 gateway=10.0.0.1 serial=0520011634"],
        1,
        &[],
    );
    // A name that a person gave in the site is not compared with what the unit calls itself.
    check(
        &["mac=1 heard-name=acs8048-0200"],
        &["mac=1 heard-name=acs8048-0200 typed=fra2-r07"],
        1,
        &[],
    );
    check(
        &["mac=1 heard-name=acs8048-0300"],
        &["mac=1 heard-name=acs8048-0200 typed=fra2-r07"],
        0,
        &["Differs  acs8048-0300: name \"acs8048-0300\", in the site \"fra2-r07\""],
    );
}

#[test]
fn units_are_the_same_by_serial_then_mac_then_address() {
    check(
        &["serial=0520011634 mac=1 name=a"],
        &[
            "serial=0520011634 mac=2 name=a",
            "serial=0520011635 mac=1 name=b",
        ],
        0,
        &[
            "OnlyInSite  b: ",
            "Differs  a: MAC 00:e0:86:00:00:01, in the site 00:e0:86:00:00:02",
        ],
    );
    check(
        &["ip=10.0.0.5 name=a"],
        &["ip=10.0.0.5 name=a mac=1"],
        1,
        &[],
    );
    // MACs that disagree are two units, whatever the address.
    check(
        &["ip=10.0.0.5 mac=1"],
        &["ip=10.0.0.5 mac=2"],
        0,
        &["OnlyInReplay 10.0.0.5 : ", "OnlyInSite 10.0.0.5 : "],
    );
    // Fillers are no serials.
    check(
        &["serial=none name=a"],
        &["serial=none name=a"],
        0,
        &["OnlyInReplay  a: ", "OnlyInSite  a: "],
    );
    // A factory address that several have tells nothing.
    check(
        &["ip=192.168.160.10 name=a", "ip=192.168.160.10 name=b"],
        &["ip=192.168.160.10 name=c"],
        0,
        &[
            "OnlyInReplay 192.168.160.10 a: ",
            "OnlyInReplay 192.168.160.10 b: ",
            "OnlyInSite 192.168.160.10 c: ",
        ],
    );
}

#[test]
fn the_order_does_not_depend_on_the_order_of_the_units() {
    let replay = [
        "mac=3 ip=10.0.0.30",
        "mac=1 ip=10.0.0.10",
        "mac=2 ip=10.0.0.20",
    ];
    let site = [
        "mac=5 ip=10.0.0.50",
        "mac=4 ip=10.0.0.40",
        "mac=2 ip=10.0.0.21",
    ];
    let strip = |lines: Vec<Difference>| -> Vec<_> {
        lines
            .into_iter()
            .map(|line| (line.kind, line.ip, line.mac, line.what))
            .collect()
    };
    let one = compare(&units(&replay), &units(&site), "");
    let reversed =
        |lines: &[&'static str]| -> Vec<&'static str> { lines.iter().rev().copied().collect() };
    let other = compare(&units(&reversed(&replay)), &units(&reversed(&site)), "");
    assert_eq!(strip(one.lines), strip(other.lines));
}

#[test]
fn more_differences_than_are_listed_are_counted() {
    let many = (0..DIFFERENCES_KEPT as u64 + 7).map(|id| Arc::new(unit(id + 1, "model=x")));
    let comparison = compare(&Units::from_vec(many.collect()), &Units::default(), "");
    assert_eq!(
        (comparison.lines.len(), comparison.num_left_out),
        (DIFFERENCES_KEPT, 7)
    );
}
