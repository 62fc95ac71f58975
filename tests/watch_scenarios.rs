//! Scenarios of the watch: files under `tests/data/watch`, one line an event, and one `check()` that plays them.
//!
//! A line may begin with its time, `5s`; until then the watcher ticks every 100 ms. Events:
//!
//! - `network eth0 10.0.0.250/24` · `network eth0.120` · `manage 10.0.0.0/24 vlan=120` · `manage nothing`
//! - `heard eth0 from=… mac=… ip=… mask=… gateway=… name=… model=… by=…`
//! - `request eth0 set-ip|test-ip|discover from=… mac=… ip=… cut=23` (only so many bytes of it) · `stray eth0 ssdp|dns|random|text|asmp|overrun from=…`
//! - `every 15s until 300s heard|request|stray …` (the line after the times, over and over)
//! - `hall eth0 units=600 ip=192.168.160.10 asks=3` (an ask a second, answered on two ports to two broadcasts; `ip=each`)
//! - `flood eth0 rate=20000 secs=3 of=random|replies|set-ip|discover|same from=…` (`from=all`: each its own)
//! - `held-back eth0 10.0.0.66 5000` (a flood line of the registry) · `exposed 10.0.0.9 udp|tcp|nothing`
//! - `accept KIND its note` · `reopen KIND` (the first finding of the kind) · `reload` (into a new watcher, as from the site)
//! - `expect 1 open` · `expect 2 in all` · `expect open|accepted|gone KIND SUBJECT` · `expect KIND count=2` ·
//!   `expect KIND says WORDS` (what was seen, or a detail)

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use rollcall::model::exposure::{Exposed, TcpPort};
use rollcall::model::finding::{
    FINDING_SAMPLES, FINDINGS_KEPT, Finding, FindingKey, FindingKind, FindingState,
    ManagementNetwork,
};
use rollcall::model::identity::Mac;
use rollcall::model::network::Network;
use rollcall::model::sighting::{Channel, Claims, RawDatagram, Source, StrayReason};
use rollcall::model::snapshot::{FloodLine, FloodSender};
use rollcall::model::time::Timestamp;
use rollcall::watch::{
    CANDIDATES_KEPT, DETAILS_KEPT, Heard, Limits, Said, UNITS_KEPT, WatchedInterface, Watcher,
};
use rollcall::wire::{self, Claimed, DiscoverReply, IpRequest, Kind, Message};

const OPENED: Timestamp = Timestamp::from_millis(1_800_000_000_000);

struct Stage {
    watcher: Watcher,
    /// Milliseconds since it was opened.
    at: u64,
    interfaces: Vec<WatchedInterface>,
    /// Random enough, and the same every time.
    dice: u64,
}

impl Stage {
    fn new() -> Self {
        Self {
            watcher: Watcher::new(Limits::default()),
            at: 0,
            interfaces: Vec::new(),
            dice: 0x9e37_79b9_7f4a_7c15,
        }
    }

    fn now(&self) -> Timestamp {
        OPENED.plus_millis(self.at)
    }

    fn roll(&mut self) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice
    }

    /// Lets time pass, with its ticks.
    fn wait_until(&mut self, millis: u64) {
        while self.at / 100 < millis / 100 {
            self.at = (self.at / 100 + 1) * 100;
            self.watcher.tick(self.now());
        }
        self.at = self.at.max(millis);
    }

    /// What the engine would make of these bytes.
    fn hear(&mut self, interface: &str, from: SocketAddr, by: Source, bytes: &[u8]) {
        let raw = RawDatagram::keep(bytes);
        let (reason, claims);
        let said = match wire::decode(bytes).map(|decoded| decoded.message) {
            Ok(Message::DiscoverRequest) => Said::Request {
                kind: Kind::DiscoverRequest,
                meant: None,
            },
            Ok(Message::TestIpRequest(request)) => Said::Request {
                kind: Kind::TestIpRequest,
                meant: request.mac.map(Mac::new),
            },
            Ok(Message::SetIpRequest(request)) => Said::Request {
                kind: Kind::SetIpRequest,
                meant: request.mac.map(Mac::new),
            },
            Ok(Message::DiscoverReply(reply)) => {
                claims = Claims::from_reply(&reply);
                Said::Claims {
                    source: by,
                    claims: &claims,
                }
            }
            Ok(other) => panic!("{other:?} is in no scenario"),
            Err(rejection) => {
                // Of a request that is refused comes a request, and then the stray.
                if let Some(request) = wire::readable(bytes).filter(|read| read.kind.is_request()) {
                    let mac = request.fields.clone().next().map(|field| field.value);
                    let meant = mac.and_then(|mac| mac.try_into().ok()).map(Mac::new);
                    let kind = request.kind;
                    self.see(interface, from, &raw, Said::Request { kind, meant });
                }
                reason = StrayReason::Rejected(rejection);
                Said::Stray(&reason)
            }
        };
        self.see(interface, from, &raw, said);
    }

    fn see(&mut self, interface: &str, from: SocketAddr, raw: &RawDatagram, said: Said<'_>) {
        self.watcher.see(&Heard {
            interface: &Arc::from(interface),
            channel: Channel::Udp3502,
            from,
            when: OPENED.plus_millis(self.at),
            raw,
            said,
        });
    }

    fn play(&mut self, event: &str) {
        let mut words: Vec<&str> = event.split_whitespace().collect();
        if let Some(at) = words.first().and_then(|word| millis(word)) {
            self.wait_until(at);
            words.remove(0);
        }
        if let ["every", step, "until", end, rest @ ..] = words.as_slice() {
            let (step, end) = (millis(step), millis(end));
            let (step, end) = (step.expect("seconds"), end.expect("seconds"));
            let event = rest.join(" ");
            while self.at < end {
                self.play(&event);
                self.wait_until(self.at + step);
            }
            return;
        }
        let Some((verb, rest)) = words.split_first() else {
            return;
        };
        match *verb {
            "network" => {
                let networks = rest.get(1).map(|network| {
                    let (ip, prefix_len) = network.split_once('/').expect("ip/prefix");
                    Network {
                        ip: ip.parse().expect("an IP"),
                        prefix_len: prefix_len.parse().expect("a prefix"),
                    }
                });
                self.interfaces.push(WatchedInterface {
                    name: Arc::from(rest[0]),
                    shown_name: rest[0].to_owned(),
                    networks: networks.into_iter().collect(),
                });
                self.watcher.set_interfaces(self.interfaces.clone());
            }
            "manage" => {
                let list: Vec<_> = rest
                    .iter()
                    .filter(|word| **word != "nothing")
                    .map(|word| match word.strip_prefix("vlan=") {
                        Some(vlan) => ManagementNetwork {
                            cidr: String::new(),
                            vlan: vlan.to_owned(),
                        },
                        None => ManagementNetwork {
                            cidr: (*word).to_owned(),
                            vlan: String::new(),
                        },
                    })
                    .collect();
                let now = self.now();
                self.watcher.set_management(&list, now);
            }
            "heard" => {
                let (from, by, reply) = reply(&rest[1..]);
                let bytes = reply.emit(1);
                self.hear(rest[0], from, by, &bytes);
            }
            "request" => {
                let (cut, fields): (Vec<&str>, Vec<&str>) =
                    rest[2..].iter().partition(|word| word.starts_with("cut="));
                let (from, _, reply) = reply(&fields);
                let request = IpRequest {
                    mac: reply.mac,
                    ip: reply.ip,
                    mask: reply.mask,
                    gateway: reply.gateway,
                    ..IpRequest::default()
                };
                let mut bytes = match rest[1] {
                    "set-ip" => request.emit(Kind::SetIpRequest, 3),
                    "test-ip" => request.emit(Kind::TestIpRequest, 3),
                    "discover" => wire::discover_request(3).to_vec(),
                    other => panic!("{other:?} is no request"),
                };
                if let Some(len) = cut.first().and_then(|word| word.strip_prefix("cut=")) {
                    bytes.truncate(len.parse().expect("a number"));
                }
                self.hear(rest[0], from, Source::Reply, &bytes);
            }
            "stray" => {
                let (from, ..) = reply(&rest[2..]);
                let bytes = self.stray(rest[1]);
                self.hear(rest[0], from, Source::Reply, &bytes);
            }
            "hall" => self.hall(rest),
            "flood" => self.flood(rest),
            "held-back" => {
                let line = FloodLine {
                    sender: FloodSender {
                        interface: Arc::from(rest[0]),
                        ip: rest[1].parse().expect("an IP"),
                    },
                    since: self.now(),
                    last: self.now(),
                    held_back: rest[2].parse().expect("a number"),
                    samples: vec!["fake-1".to_owned()],
                };
                let now = self.now();
                self.watcher.note_flood(&line, now);
            }
            "exposed" => {
                let exposed = Exposed {
                    ip: rest[0].parse().expect("an IP"),
                    udp_3502: rest[1] == "udp",
                    udp_3211: false,
                    tcp_3502: if rest[1] == "tcp" {
                        TcpPort::Open
                    } else {
                        TcpPort::Refused
                    },
                    tcp_3211: TcpPort::Silent,
                    is_routed: false,
                    when: self.now(),
                };
                let now = self.now();
                self.watcher.note_exposed(&exposed, now);
            }
            "accept" | "reopen" => {
                let key = self.first(rest[0]).key.clone();
                let note = (*verb == "accept").then(|| rest[1..].join(" "));
                let now = self.now();
                assert!(self.watcher.judge(&key, note, now), "{key:?} is there");
            }
            "reload" => {
                let findings = self
                    .watcher
                    .findings()
                    .iter()
                    .map(|finding| Finding::clone(finding))
                    .collect();
                self.watcher = Watcher::new(Limits::default());
                self.watcher.set_interfaces(self.interfaces.clone());
                self.watcher.load(findings, &[]);
                self.watcher.tick(self.now());
            }
            "wait" => {}
            "expect" => self.expect(rest),
            other => panic!("{other:?} is no event"),
        }
    }

    fn stray(&mut self, what: &str) -> Vec<u8> {
        match what {
            "ssdp" => {
                b"M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST: ssdp:all\r\n\r\n".to_vec()
            }
            "dns" => b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x00\x00\x01\x00\x01"
                .to_vec(),
            "random" => (0..8).flat_map(|_| self.roll().to_le_bytes()).collect(),
            "text" => b"hello, is anybody here".to_vec(),
            "asmp" => b"\x01ASMP\0\0\0\0\0\0\0\0".to_vec(),
            "overrun" => DiscoverReply::default().emit(1)[..8]
                .iter()
                .copied()
                .chain([0, 0, 9, 9, 1, 0, 2, 0, 1])
                .collect(),
            other => panic!("{other:?} is no stray"),
        }
    }

    /// Units that answer asks a second apart, all within 300 ms.
    fn hall(&mut self, words: &[&str]) {
        let (mut num_units, mut ip, mut asks) = (0_u64, None, 1);
        for word in &words[1..] {
            match word.split_once('=').expect("field=value") {
                ("units", value) => num_units = value.parse().expect("a number"),
                ("ip", "each") => ip = None,
                ("ip", value) => ip = Some(value.parse::<Ipv4Addr>().expect("an IP")),
                ("asks", value) => asks = value.parse().expect("a number"),
                (other, _) => panic!("{other:?} is nothing of a hall"),
            }
        }
        for _ in 0..asks {
            let began = self.at;
            for answer in 0..4_u64 {
                for unit in 0..num_units {
                    self.wait_until(began + (answer * num_units + unit) * 300 / (4 * num_units));
                    let own = Ipv4Addr::from_bits(0x0a00_0100 + unit as u32);
                    let ip = ip.unwrap_or(own);
                    let reply = DiscoverReply {
                        mac: Some([0, 0xe0, 0x86, 1, (unit >> 8) as u8, unit as u8]),
                        ip: Claimed::Ip(ip),
                        host_name: Some(format!("unit-{unit}")),
                        model_number: Some(16),
                        ..DiscoverReply::default()
                    };
                    let port = if answer % 2 == 0 { 3502 } else { 3211 };
                    self.hear(words[0], (ip, port).into(), Source::Reply, &reply.emit(1));
                }
            }
            self.wait_until(began + 1_000);
        }
    }

    fn flood(&mut self, words: &[&str]) {
        let (mut rate, mut secs, mut of, mut sender) = (0_u64, 1.0, "random", None);
        for word in &words[1..] {
            match word.split_once('=').expect("field=value") {
                ("rate", value) => rate = value.parse().expect("a number"),
                ("secs", value) => secs = value.parse().expect("a number"),
                ("of", value) => of = value,
                ("from", "all") => sender = None,
                ("from", value) => sender = Some(value.parse::<Ipv4Addr>().expect("an IP")),
                (other, _) => panic!("{other:?} is nothing of a flood"),
            }
        }
        let began = self.at;
        for idx in 0..(rate as f64 * secs) as u64 {
            self.wait_until(began + idx * 1_000 / rate);
            let dice = self.roll();
            let ip = sender.unwrap_or_else(|| Ipv4Addr::from_bits(0x0b00_0000 | dice as u32 >> 8));
            let [_, _, a, b, c, d, ..] = dice.to_le_bytes();
            let mac = Some([0, 0xe0, 0x86, a, b, c]);
            let request = IpRequest {
                mac,
                ip: Claimed::Ip([10, 0, 0, d].into()),
                ..IpRequest::default()
            };
            let bytes = match of {
                "random" => self.stray("random"),
                "replies" => DiscoverReply {
                    mac,
                    ip: Claimed::Ip([10, 0, 0, d.max(1)].into()),
                    host_name: Some(format!("n{d}")),
                    ..DiscoverReply::default()
                }
                .emit(1),
                "same" => DiscoverReply {
                    mac: Some([0, 0xe0, 0x86, 9, 9, 9]),
                    ip: Claimed::Ip(ip),
                    ..DiscoverReply::default()
                }
                .emit(1),
                "set-ip" => request.emit(Kind::SetIpRequest, 1),
                "discover" => wire::discover_request(1).to_vec(),
                other => panic!("{other:?} is nothing to flood with"),
            };
            self.hear(words[0], (ip, 3502).into(), Source::Reply, &bytes);
        }
    }

    fn first(&mut self, kind: &str) -> Arc<Finding> {
        let kind = FindingKind::from_word(kind).expect("a kind");
        let findings = self.watcher.findings();
        let found = findings.iter().find(|finding| finding.key.kind == kind);
        Arc::clone(found.unwrap_or_else(|| panic!("no {kind:?} in {findings:#?}")))
    }

    fn expect(&mut self, words: &[&str]) {
        let findings = self.watcher.findings();
        let short: Vec<_> = findings
            .iter()
            .map(|finding| {
                let (key, word) = (&finding.key, finding.state.word());
                let kind = key.kind.word();
                format!(
                    "{word} {kind} {} x{}: {}",
                    key.subject, finding.count, finding.what
                )
            })
            .collect();
        match words {
            [num, "open"] => {
                let num: usize = num.parse().expect("a number");
                assert_eq!(self.watcher.num_open(), num, "{short:#?}");
            }
            [num, "in", "all"] => {
                let num: usize = num.parse().expect("a number");
                assert_eq!(findings.len(), num, "{short:#?}");
            }
            [state @ ("open" | "accepted" | "gone"), kind, subject @ ..] => {
                let start = format!("{state} {kind} {} x", subject.join(" "));
                assert!(
                    short.iter().any(|line| line.starts_with(&start)),
                    "no {start:?} in {short:#?}"
                );
            }
            [kind, "says", says @ ..] => {
                let finding = self.first(kind);
                let says = says.join(" ");
                assert!(
                    finding.what.contains(&says)
                        || finding.details.iter().any(|line| line.contains(&says)),
                    "{kind} does not say {says:?}: {finding:#?}"
                );
            }
            [kind, count] => {
                let count = count.strip_prefix("count=").expect("count=");
                let finding = self.first(kind);
                assert_eq!(finding.count.to_string(), count, "{short:#?}");
            }
            other => panic!("{other:?} cannot be expected"),
        }
    }
}

/// "5s" in milliseconds.
fn millis(word: &str) -> Option<u64> {
    let secs: f64 = word.strip_suffix('s')?.parse().ok()?;
    Some((secs * 1_000.0) as u64)
}

fn reply(words: &[&str]) -> (SocketAddr, Source, DiscoverReply) {
    let mut from = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 3502));
    let mut source = Source::Reply;
    let mut reply = DiscoverReply::default();
    let ip = |value: &str| Claimed::from(value.parse::<Ipv4Addr>().expect("an IP"));
    for word in words {
        let (field, value) = word.split_once('=').expect("field=value");
        match field {
            "from" => {
                from = value
                    .parse()
                    .or_else(|_| value.parse().map(|ip: IpAddr| (ip, 3502).into()))
                    .expect("an IP, perhaps with a port");
            }
            "by" => source = Source::from_word(value).expect("a source"),
            "mac" => reply.mac = Some(Mac::parse(value).expect("a MAC").octets()),
            "ip" => reply.ip = ip(value),
            "mask" => reply.mask = ip(value),
            "gateway" => reply.gateway = ip(value),
            "name" => reply.host_name = Some(value.to_owned()),
            "model" => reply.model_number = Some(value.parse().expect("a number")),
            other => panic!("{other:?} is no field of a datagram"),
        }
    }
    (from, source, reply)
}

/// Plays a file; the lines that did not come out as they say.
fn check(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("the scenario can be read");
    let mut stage = Stage::new();
    let mut wrong = Vec::new();
    for (idx, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        // A line of dashes begins another scenario of the same file.
        if line.starts_with("---") {
            stage = Stage::new();
            continue;
        }
        let play = std::panic::AssertUnwindSafe(|| stage.play(line));
        if std::panic::catch_unwind(play).is_err() {
            wrong.push(format!("{}:{}: {line}", path.display(), idx + 1));
        }
    }
    wrong
}

#[test]
fn every_scenario_becomes_the_findings_that_it_names() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/watch");
    let mut paths: Vec<_> = folder
        .read_dir()
        .expect("the scenarios can be listed")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    paths.sort();
    assert!(paths.len() >= 7, "the scenarios are there");
    let wrong: Vec<String> = paths.iter().flat_map(|path| check(path)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A capture of two clocks, one of them ten seconds behind: what comes out at so many datagrams a second.
fn two_clocks(per_sec: u64, secs: u64) -> Stage {
    let mut stage = Stage::new();
    for nth in 0..per_sec * secs {
        let at = 20_000 + nth * 1_000 / per_sec;
        stage.wait_until(at);
        if nth % 50 == 49 {
            stage.at = at - 10_000;
        }
        let bytes = stage.stray("random");
        stage.hear(
            "eth0",
            "10.0.0.66:3502".parse().expect("a literal"),
            Source::Reply,
            &bytes,
        );
        stage.at = at;
    }
    stage.wait_until(20_000 + secs * 1_000);
    stage
}

#[test]
fn two_clocks_in_a_capture_hide_no_flood_and_make_none() {
    let mut stage = two_clocks(4_000, 3);
    stage.play("expect open flood 10.0.0.66 on eth0");
    stage.play("expect 1 in all");
    let mut stage = two_clocks(1_500, 3);
    stage.play("expect open stranger 10.0.0.66 on eth0");
    stage.play("expect 1 in all");
    // It is gone after ten minutes, and not before.
    let mut stage = two_clocks(100, 3);
    stage.play("expect 1 open");
    stage.play(
        "23s every 0.5s until 600s heard eth1 from=10.0.1.5 mac=00:e0:86:00:00:05 ip=10.0.1.5",
    );
    stage.play("expect 1 open");
    stage.play("630s wait");
    stage.play("expect 0 open");
}

#[test]
fn the_list_is_the_same_while_nothing_changed() {
    let mut stage = Stage::new();
    stage.play("stray eth0 text from=10.0.0.66");
    stage.play("2s wait");
    let (before, revision) = (stage.watcher.findings(), stage.watcher.revision());
    stage.play("3s wait");
    assert!(Arc::ptr_eq(&before, &stage.watcher.findings()));
    assert_eq!(revision, stage.watcher.revision());
    stage.play("stray eth0 text from=10.0.0.66");
    assert!(!Arc::ptr_eq(&before, &stage.watcher.findings()));
}

#[test]
fn the_site_file_is_told_what_changed_and_what_was_put_back() {
    let mut stage = Stage::new();
    stage.play("stray eth0 text from=10.0.0.66");
    stage.play("2s wait");
    let dirty = stage.watcher.take_dirty();
    assert_eq!(dirty.len(), 1);
    assert!(stage.watcher.take_dirty().is_empty(), "it was taken");
    stage.watcher.put_back(dirty);
    assert_eq!(stage.watcher.take_dirty().len(), 1);
    stage.play("accept stranger ours");
    let dirty = stage.watcher.take_dirty();
    assert!(matches!(
        dirty[0].state,
        FindingState::Accepted { ref note, .. } if note == "ours"
    ));
}

#[test]
fn what_does_not_fit_makes_room_and_says_so() {
    let mut stage = Stage::new();
    let num = FINDINGS_KEPT + 10;
    for idx in 0..num {
        let ip = Ipv4Addr::from_bits(0x0a10_0000 + idx as u32);
        stage.play(&format!("exposed {ip} udp"));
        stage.at += 1;
        if idx == 0 {
            stage.play("accept exposed ours");
        }
    }
    stage.play("expect accepted exposed 10.16.0.0");
    assert_eq!(stage.watcher.findings().len(), FINDINGS_KEPT);
    assert_eq!(stage.watcher.take_dirty().len(), FINDINGS_KEPT);
    let removed = stage.watcher.take_removed();
    let key = |subject: &str| FindingKey {
        kind: FindingKind::Exposed,
        subject: subject.to_owned(),
    };
    assert_eq!(removed.len(), 10);
    assert!(removed.contains(&key("10.16.0.1")), "the oldest went");
    stage.watcher.put_back_removed(removed);
    stage.play("exposed 10.16.0.1 udp");
    let removed = stage.watcher.take_removed();
    assert!(!removed.contains(&key("10.16.0.1")), "it is there again");
    assert_eq!(removed.len(), 10, "and another one went");
}

#[test]
fn accepted_and_gone_are_told_apart_from_open_in_the_list() {
    let mut stage = Stage::new();
    stage.play("exposed 10.0.0.8 udp");
    stage.play("request eth0 set-ip from=10.0.0.7 mac=00:e0:86:00:00:01 ip=10.0.0.9");
    stage.play("accept foreign-set-ip ours");
    stage.play("2s stray eth0 text from=10.0.0.66");
    stage.play("4s exposed 10.0.0.9 udp");
    let order: Vec<_> = stage
        .watcher
        .findings()
        .iter()
        .map(|finding| finding.key.subject.clone())
        .collect();
    assert_eq!(
        order,
        [
            "10.0.0.9",
            "10.0.0.66 on eth0",
            "10.0.0.8",
            "10.0.0.7 on eth0 for 00:e0:86:00:00:01"
        ]
    );
}

fn any_event() -> impl Strategy<Value = (i64, u8, u8, u8, u8, u8)> {
    let step = prop_oneof![
        8 => 0..2_000_i64,
        1 => Just(i64::MIN),
        1 => Just(i64::MAX),
        1 => -10_000_000..10_000_000_i64,
    ];
    (step, 0..8_u8, 0..4_u8, 0..6_u8, 0..6_u8, any::<u8>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever is heard, and whatever the clock does, nothing panics and every bound holds.
    #[test]
    fn nothing_panics_and_every_bound_holds(events in prop::collection::vec(any_event(), 0..400)) {
        let mut watcher = Watcher::new(Limits { flood_per_sec: 40, flood_all_per_sec: 80 });
        let eth: Vec<Arc<str>> = ["eth0", "eth1", "", "a b on c"].map(Arc::from).to_vec();
        let mut now = OPENED;
        for (step, what, place, a, b, c) in events {
            now = Timestamp::from_millis(now.as_millis().saturating_add(step));
            let ip = Ipv4Addr::new(10, 0, 0, a);
            let claims = Claims {
                mac: Some(Mac::new([0, 0xe0, 0x86, 0, 0, b])),
                ip: Claimed::from(Ipv4Addr::new(10, 0, 0, c % 4)),
                gateway: Claimed::from(Ipv4Addr::new(10, 0, 0, c % 3)),
                host_name: Some("ü".repeat(usize::from(c))),
                model_number: Some(u16::from(c % 2)),
                ..Claims::default()
            };
            let raw = RawDatagram::keep(&vec![c; usize::from(c)]);
            let rejection = wire::decode(&raw.bytes).expect_err("one byte over and over is no AIDP");
            let reason = StrayReason::Rejected(rejection);
            let source = Source::ALL[usize::from(c) % Source::ALL.len()];
            let said = match what {
                0 | 1 => Said::Claims { source, claims: &claims },
                2 => Said::Request { kind: Kind::from_code(b % 4), meant: claims.mac },
                3 => Said::Stray(&reason),
                4 => {
                    watcher.set_management(
                        &[ManagementNetwork { cidr: format!("10.0.0.0/{c}"), vlan: String::new() }],
                        now,
                    );
                    continue;
                }
                5 => {
                    watcher.set_interfaces(vec![WatchedInterface {
                        name: Arc::clone(&eth[usize::from(place)]),
                        shown_name: format!("vlan {c}"),
                        networks: vec![Network { ip, prefix_len: c }],
                    }]);
                    continue;
                }
                6 => {
                    let key = watcher.findings().first().map(|finding| finding.key.clone());
                    if let Some(key) = key {
                        watcher.judge(&key, (c % 2 == 0).then(String::new), now);
                    }
                    continue;
                }
                _ => {
                    watcher.tick(now);
                    continue;
                }
            };
            let from = SocketAddr::from((ip, u16::from(c)));
            let channel = Channel::Udp3502;
            let interface = &eth[usize::from(place)];
            watcher.see(&Heard { interface, channel, from, when: now, raw: &raw, said });
        }
        watcher.tick(now);
        let findings = watcher.findings();
        prop_assert!(findings.len() <= FINDINGS_KEPT);
        prop_assert_eq!(
            findings.iter().filter(|finding| finding.is_open()).count(),
            watcher.num_open()
        );
        for finding in findings.iter() {
            prop_assert!(finding.details.len() <= DETAILS_KEPT, "{:?}", finding);
            prop_assert!(finding.samples.len() <= FINDING_SAMPLES);
            prop_assert!(!finding.what.is_empty() && !finding.what.ends_with('.'));
        }
    }
}

#[test]
fn tables_stay_within_their_bounds() {
    let mut stage = Stage::new();
    // Slower than any flood, from everywhere, of everything.
    for of in ["replies", "set-ip", "discover", "random"] {
        stage.play(&format!("flood eth0 rate=1900 secs=20 of={of} from=all"));
    }
    let (largest, all) = stage.watcher.num_remembered();
    assert!(largest <= 2 * UNITS_KEPT, "{largest}");
    assert!(
        all <= 8 * UNITS_KEPT + CANDIDATES_KEPT + FINDINGS_KEPT,
        "{all}"
    );
}
