//! Long because one harness serves every test of the Watch view.
//!
//! The Watch view by role and label, without a display: what it shows of a snapshot and which commands it gives.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use egui::os::OperatingSystem;
use egui::{Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use rollcall::app::{App, UiCommand, View, WatchCommand};
use rollcall::engine::command::{Command, FindingVerdict, Notice};
use rollcall::engine::handle::EngineEnd;
use rollcall::model::exposure::{ExposeState, Exposed, TcpPort};
use rollcall::model::finding::{
    Finding, FindingKey, FindingKind, FindingSample, FindingState, ManagementNetwork,
};
use rollcall::model::identity::{ApplianceId, Mac};
use rollcall::model::network::PortHolder;
use rollcall::model::sighting::{Channel, RawDatagram};
use rollcall::model::snapshot::{Snapshot, SweepEnd};
use rollcall::model::traffic::{DatagramKind, Direction, SeenDatagram, Traffic, TrafficSeries};
use rollcall::model::watching::CaptureState;
use rollcall::settings::{Settings, ThemeChoice};
use window::before;

#[expect(dead_code, reason = "other tests of the window use the rest")]
#[path = "support/window.rs"]
mod window;

struct Test {
    harness: Harness<'static, App>,
    engine: EngineEnd,
    /// Keeps the dialogs' runtime alive.
    _runtime: tokio::runtime::Runtime,
}

impl Test {
    fn new(snapshot: Snapshot) -> Self {
        Self::with(snapshot, Settings::default(), vec2(1_440.0, 900.0))
    }

    fn with(snapshot: Snapshot, settings: Settings, size: egui::Vec2) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime without threads can always be built");
        let ctx = egui::Context::default();
        let (app, engine) =
            window::window(&ctx, snapshot, settings, runtime.handle().clone(), None);
        let mut harness = window::harness(app, size, OperatingSystem::Nix);
        harness.run();
        let mut test = Self {
            harness,
            engine,
            _runtime: runtime,
        };
        test.press_with(Modifiers::COMMAND, Key::Num4);
        assert_eq!(test.harness.state().view(), View::Watch);
        test
    }

    fn commands(&mut self) -> Vec<Command> {
        window::commands(&mut self.engine)
    }

    fn command(&mut self) -> Command {
        let mut commands = self.commands();
        assert_eq!(commands.len(), 1, "one command: {commands:?}");
        commands.remove(0)
    }

    fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.harness.run();
    }

    fn tab(&mut self, label: &str) {
        self.harness
            .get_by_role_and_label(egui::Role::Tab, label)
            .click();
        self.harness.run();
    }

    fn press(&mut self, key: Key) {
        self.press_with(Modifiers::NONE, key);
    }

    fn press_with(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run();
    }

    fn type_into(&mut self, label: &str, text: &str) {
        self.harness.get_by_label(label).type_text(text);
        self.harness.run();
    }

    /// Runs a command as the palette does.
    fn palette(&mut self, words: &str) {
        self.press_with(Modifiers::COMMAND, Key::K);
        self.type_into("Find a command", words);
        self.press(Key::Enter);
    }

    fn shows(&self, text: &str) -> bool {
        self.harness.query_all_by_label_contains(text).count() > 0
    }

    /// The names of the rows that are seen, from the top, and which one is chosen.
    fn rows(&self) -> (Vec<String>, Option<usize>) {
        let mut rows: Vec<(f32, String, bool)> = self
            .harness
            .query_all_by_role(egui::Role::Row)
            .filter_map(|node| {
                let name = node.accesskit_node().label()?;
                let is_chosen = node.accesskit_node().is_selected() == Some(true);
                Some((node.rect().top(), name, is_chosen))
            })
            .collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        let chosen = rows.iter().position(|(_, _, is_chosen)| *is_chosen);
        (rows.into_iter().map(|(_, name, _)| name).collect(), chosen)
    }

    /// What the next frames copy.
    fn copied(&mut self) -> String {
        for _ in 0..5 {
            self.harness.step();
            let commands = &self.harness.output().platform_output.commands;
            for command in commands {
                if let egui::OutputCommand::CopyText(text) = command {
                    return text.clone();
                }
            }
        }
        String::new()
    }

    fn publish(&mut self, change: impl FnOnce(&mut Snapshot)) {
        let mut next = Snapshot::clone(&self.engine.snapshots.borrow());
        next.revision += 1;
        change(&mut next);
        self.engine.snapshots.send_replace(Arc::new(next));
        self.harness.run();
    }

    fn notice(&mut self, notice: Notice) {
        let notices = self.engine.notices.clone();
        notices.try_send(notice).expect("the window listens");
        self.harness.run();
    }

    /// How long the window would leave the next frame.
    fn repaint_delay(&self) -> std::time::Duration {
        let viewports = &self.harness.output().viewport_output;
        let delays = viewports.values().map(|viewport| viewport.repaint_delay);
        delays.min().expect("there is one window")
    }
}

/// The MAC of unit number `n` of the made-up fleet.
fn unit_mac(n: u64) -> Mac {
    let unit = window::unit(n);
    unit.mac().expect("it has one").value
}

fn finding(kind: FindingKind, n: u8, state: FindingState) -> Arc<Finding> {
    let bytes = b"\x02SSDP hello from a printer";
    Arc::new(Finding {
        key: FindingKey {
            kind,
            subject: format!("10.20.4.{n} on enp3s0"),
        },
        what: format!("10.20.4.{n} did something number {n}"),
        interface: Some("enp3s0".into()),
        sender: Some(IpAddr::from([10, 20, 4, n])),
        mac: (n == 10).then(|| unit_mac(1)),
        ip: None,
        first: before(600),
        last: before(i64::from(n)),
        count: u64::from(n),
        details: vec![format!("Detail number {n}")],
        samples: vec![FindingSample {
            when: before(600),
            from: SocketAddr::from(([10, 20, 4, n], 3502)),
            channel: Channel::Udp3502,
            raw: RawDatagram::keep(bytes),
        }],
        state,
    })
}

fn datagram(seq: u64, kind: DatagramKind) -> Arc<SeenDatagram> {
    let is_sent = kind == DatagramKind::Discover;
    let bytes = match kind {
        DatagramKind::Discover => rollcall::wire::discover_request(7).to_vec(),
        DatagramKind::NotAidp => b"M-SEARCH * HTTP/1.1\r\n".to_vec(),
        _ => {
            let reply = rollcall::wire::DiscoverReply {
                mac: Some([0, 0xe0, 0x86, 1, 2, seq as u8]),
                ip: Ipv4Addr::new(10, 20, 4, seq as u8).into(),
                ..rollcall::wire::DiscoverReply::default()
            };
            reply.emit(7)
        }
    };
    Arc::new(SeenDatagram {
        seq,
        when: before(100 - seq.cast_signed()),
        direction: if is_sent {
            Direction::Sent
        } else {
            Direction::Heard
        },
        interface: "enp3s0".into(),
        channel: Channel::Udp3502,
        from: SocketAddr::from(([10, 20, 4, seq as u8], 3502)),
        to: is_sent.then(|| SocketAddr::from(([255; 4], 3502))),
        kind,
        raw: RawDatagram::keep(&bytes),
    })
}

fn recent(seqs: std::ops::Range<u64>) -> Arc<Vec<Arc<SeenDatagram>>> {
    const KINDS: [DatagramKind; 3] = [
        DatagramKind::Discover,
        DatagramKind::Reply,
        DatagramKind::NotAidp,
    ];
    Arc::new(
        seqs.map(|seq| datagram(seq, KINDS[(seq % 3) as usize]))
            .collect(),
    )
}

fn series(kind: DatagramKind, direction: Direction, interface: &str) -> TrafficSeries {
    TrafficSeries {
        interface: interface.into(),
        kind,
        direction,
        counts: (0..180).map(|idx| idx % 7).collect(),
    }
}

/// A site with a bit of everything to watch.
fn snapshot() -> Snapshot {
    let mut snapshot = window::snapshot(20);
    let accepted = FindingState::Accepted {
        note: "the other shift".to_owned(),
        when: before(300),
    };
    let gone = FindingState::Gone { when: before(60) };
    let watching = &mut snapshot.watching;
    watching.findings = Arc::new(vec![
        finding(FindingKind::ForeignSetIp, 10, FindingState::Open),
        finding(FindingKind::Stranger, 20, FindingState::Open),
        finding(FindingKind::OtherSearcher, 30, accepted),
        finding(FindingKind::Flood, 40, gone),
    ]);
    watching.num_open = 2;
    watching.traffic = Arc::new(Traffic {
        until: before(3),
        num_buckets: 180,
        series: vec![
            series(DatagramKind::Reply, Direction::Heard, "enp3s0"),
            series(DatagramKind::Discover, Direction::Sent, "enp3s0"),
            series(DatagramKind::NotAidp, Direction::Heard, "enx00e04c"),
        ],
    });
    watching.recent = recent(0..60);
    watching.capture = CaptureState {
        is_on: true,
        num_bytes: 12_900_000,
        num_datagrams: 48_201,
        oldest: Some(before(7_200)),
        num_missed: 0,
    };
    snapshot
}

#[test]
fn the_rail_counts_open_findings() {
    let mut test = Test::new(snapshot());
    assert!(test.shows("Watch, 2 open findings"));
    test.publish(|snapshot| snapshot.watching.num_open = 0);
    assert!(!test.shows("open findings"));
    test.harness.get_by_label("Discover, 20").click();
    test.harness.run();
    test.click("Watch");
    assert_eq!(test.harness.state().view(), View::Watch);
}

#[test]
fn the_keyboard_goes_through_the_findings() {
    let mut test = Test::new(snapshot());
    assert_eq!(test.rows().0.len(), 4);
    test.press(Key::ArrowDown);
    assert_eq!(test.rows().1, Some(0));
    assert!(test.shows("carries no password"), "why it matters");
    assert!(test.shows("Find the sender by its address"), "what to do");
    assert!(test.shows("Detail number 10"));
    assert!(test.shows("0000 02 53 53 44 50"), "the bytes of a sample");
    test.press(Key::End);
    assert_eq!(test.rows().1, Some(3));
    test.press(Key::ArrowUp);
    assert_eq!(test.rows().1, Some(2));
    assert!(test.shows("Accepted 5 min ago: the other shift"));
    test.press(Key::Home);
    assert_eq!(test.rows().1, Some(0));
    // The choice follows the finding, not the row.
    test.publish(|snapshot| {
        let mut findings = snapshot.watching.findings.to_vec();
        findings.reverse();
        snapshot.watching.findings = Arc::new(findings);
    });
    assert_eq!(test.rows().1, Some(3));
}

#[test]
fn enter_accepts_a_finding_with_a_note() {
    let mut test = Test::new(snapshot());
    test.press(Key::ArrowDown);
    test.press(Key::Enter);
    assert!(test.shows("10.20.4.10 did something"));
    test.type_into(
        "Why it is known, for whoever looks next",
        "  Anna, shift 2 ",
    );
    test.press(Key::Enter);
    let Command::JudgeFinding { key, verdict } = test.command() else {
        panic!("a finding is judged");
    };
    assert_eq!(key.kind, FindingKind::ForeignSetIp);
    let note = "Anna, shift 2".to_owned();
    assert_eq!(verdict, FindingVerdict::Accept { note });
}

#[test]
fn an_accepted_finding_is_opened_again() {
    let mut test = Test::new(snapshot());
    test.click("Accepted: 1");
    test.press(Key::ArrowDown);
    test.press(Key::Enter);
    assert!(test.commands().is_empty(), "it is accepted already");
    test.click("Open finding again");
    assert!(matches!(
        test.command(),
        Command::JudgeFinding {
            verdict: FindingVerdict::Reopen,
            ..
        }
    ));
}

#[test]
fn findings_are_filtered_by_state_and_words() {
    let mut test = Test::new(snapshot());
    test.click("Open: 2");
    assert_eq!(test.rows().0.len(), 2);
    test.click("Open: 2");
    assert_eq!(test.rows().0.len(), 4, "a second click shows everything");
    test.press_with(Modifiers::COMMAND, Key::F);
    test.type_into("Filter the findings", "stranger !10.20.4.10");
    let (names, _) = test.rows();
    assert_eq!(names.len(), 1, "{names:?}");
    assert!(names[0].starts_with("Warning, Stranger on the port, Open"));
    test.type_into("Filter the findings", " nobody");
    assert!(test.shows("No finding matches"));
    test.press(Key::Escape);
    assert_eq!(test.rows().0.len(), 4);
}

#[test]
fn a_finding_leads_to_its_unit_and_is_copied() {
    let mut test = Test::new(snapshot());
    test.press(Key::ArrowDown);
    test.harness.event(egui::Event::Copy);
    let copied = test.copied();
    assert!(
        copied.contains("Set-IP from somebody else (alarm)")
            && copied.contains("0000  02 53 53 44 50"),
        "{copied}"
    );
    test.click("Show unit of the finding");
    assert_eq!(test.harness.state().view(), View::Discover);
    assert_eq!(test.rows().1, Some(1), "unit number 1 is selected");
}

#[test]
fn a_finding_without_a_unit_is_captured_by_its_sender() {
    let mut test = Test::new(snapshot());
    test.press(Key::ArrowDown);
    test.press(Key::ArrowDown);
    test.click("Save capture of the finding…");
    assert!(test.shows("Filtered: from:10.20.4.20"));
    test.press(Key::Enter);
    let Command::SaveCapture(request) = test.command() else {
        panic!("a capture is saved");
    };
    assert_eq!(request.filter, "from:10.20.4.20");
    assert_eq!(request.unit, None);
}

#[test]
fn management_networks_are_filled_with_one_click() {
    let mut test = Test::new(snapshot());
    assert!(test.shows("Say on which networks units belong"));
    test.click("Fill management networks from the chosen networks");
    let Command::SetManagement(networks) = test.command() else {
        panic!("management networks are set");
    };
    let cidrs: Vec<&str> = networks.iter().map(|it| it.cidr.as_str()).collect();
    assert_eq!(cidrs, ["10.20.4.0/24", "192.168.160.0/24"]);
    test.publish(|snapshot| snapshot.watching.management = Arc::new(networks));
    assert!(test.shows("Management networks: 10.20.4.0/24, 192.168.160.0/24"));
}

#[test]
fn management_networks_are_typed_checked_and_removed() {
    let mut test = Test::new(snapshot());
    test.publish(|snapshot| {
        snapshot.watching.management = Arc::new(vec![ManagementNetwork {
            cidr: "10.0.0.0/24".to_owned(),
            vlan: String::new(),
        }]);
    });
    test.click("Management networks…");
    test.type_into("Network, as prefix", "10.9.0.0");
    assert!(test.shows("has no prefix length"));
    test.type_into("Network, as prefix", "/16");
    test.press(Key::Enter);
    assert!(test.shows("10.9.0.0/16"));
    test.press(Key::Tab);
    assert!(
        test.harness
            .get_by_label("VLAN, name or number")
            .is_focused()
    );
    test.type_into("VLAN, name or number", "120");
    test.press(Key::Enter);
    assert!(test.shows("Remove VLAN 120"));
    test.click("Remove 10.0.0.0/24");
    test.click("Save");
    let Command::SetManagement(networks) = test.command() else {
        panic!("management networks are set");
    };
    let network = |cidr: &str, vlan: &str| ManagementNetwork {
        cidr: cidr.to_owned(),
        vlan: vlan.to_owned(),
    };
    assert_eq!(networks, [network("10.9.0.0/16", ""), network("", "120")]);
}

#[test]
fn traffic_is_plotted_per_network_and_read_out() {
    let mut test = Test::new(snapshot());
    test.tab("Traffic");
    assert!(
        test.shows("Traffic on enp3s0 in 15 min: 535 replies heard, 535 discover requests sent")
    );
    assert!(test.shows("Traffic on enx00e04c in 15 min: 535 not AIDP heard"));
    assert!(test.shows("discover request"), "the legend has words");
    let plot = test.harness.get_by_label_contains("Traffic on enp3s0");
    plot.focus();
    test.harness.run();
    test.press(Key::End);
    assert!(test.shows("12:12:33 to 12:12:38"), "the newest bar");
    test.press(Key::ArrowLeft);
    assert!(test.shows("12:12:28 to 12:12:33"));
    assert!(test.shows("3 replies heard"));
}

#[test]
fn the_last_datagrams_are_walked_through_and_filtered() {
    let mut test = Test::new(snapshot());
    test.tab("Traffic");
    test.press(Key::ArrowDown);
    let (names, chosen) = test.rows();
    assert_eq!(chosen, Some(0));
    assert!(
        names[0].starts_with("Heard, not AIDP, from 10.20.4.59:3502"),
        "the newest first: {names:?}"
    );
    assert!(test.shows("text “M-SEARCH * HTTP/1.1”"), "hints");
    test.press_with(Modifiers::COMMAND, Key::F);
    test.type_into("Filter the last datagrams", "kind:reply from:10.20.4.4");
    let (names, _) = test.rows();
    assert_eq!(names.len(), 1, "{names:?}");
    assert!(test.shows("1 of the last 60"));
    assert!(names[0].contains("00:e0:86:01:02:04, 10.20.4.4"));
    test.type_into("Filter the last datagrams", "9");
    assert!(test.rows().0[0].contains("10.20.4.49"), "typed on");
    test.press_with(Modifiers::COMMAND, Key::K);
    test.press(Key::Escape);
    test.palette("clear filter");
    assert!(test.rows().0.len() > 3);
}

#[test]
fn a_paused_list_stands_still() {
    let mut test = Test::new(snapshot());
    test.tab("Traffic");
    test.press_with(Modifiers::COMMAND, Key::P);
    let before = test.rows().0;
    test.publish(|snapshot| snapshot.watching.recent = recent(40..100));
    assert_eq!(test.rows().0, before);
    assert!(test.shows("Paused, 40 newer wait"));
    test.click("Pause or resume the last datagrams");
    assert!(test.rows().0[0].contains("10.20.4.99"));
}

#[test]
fn the_chosen_datagram_stays_when_it_falls_out_of_the_list() {
    let mut test = Test::new(snapshot());
    test.tab("Traffic");
    test.press(Key::ArrowDown);
    test.publish(|snapshot| snapshot.watching.recent = recent(60..90));
    assert_eq!(test.rows().1, None);
    assert!(test.shows("10.20.4.59:3502"), "its facts are still there");
    test.harness.event(egui::Event::Copy);
    assert!(test.copied().contains("from 10.20.4.59:3502, not AIDP"));
}

#[test]
fn the_capture_is_switched_and_remembered() {
    let mut test = Test::new(snapshot());
    test.tab("Traffic");
    assert!(test.shows("Capturing: 12.3 of 64 MiB, 48,201 datagrams since 10:12"));
    test.click("Capture");
    assert!(matches!(test.command(), Command::SetCapture(false)));
    assert!(!test.harness.state().settings().capture);
    test.press_with(Modifiers::COMMAND, Key::Comma);
    assert!(test.shows("Capture: keep the last 64 MiB"));
}

#[test]
fn a_filtered_capture_is_saved_and_replaces_only_after_a_yes() {
    let mut test = Test::new(snapshot());
    test.tab("Traffic");
    test.press_with(Modifiers::COMMAND, Key::F);
    test.type_into("Filter the last datagrams", "kind:reply");
    test.click("Save capture…");
    assert!(test.shows("All (48,201 datagrams)"));
    assert!(test.shows("Filtered: kind:reply"));
    let field = test.harness.get_by_label("File");
    assert!(field.is_focused(), "the path can be typed at once");
    let suggested = Path::new("/home/tech/Documents/FRA2 hall B 2026-11-22.pcapng");
    assert_eq!(field.value().as_deref().map(Path::new), Some(suggested));
    test.press(Key::Enter);
    let Command::SaveCapture(request) = test.command() else {
        panic!("a capture is saved");
    };
    assert_eq!(request.filter, "kind:reply");
    assert_eq!((request.unit, request.overwrite), (None, false));
    assert_eq!(request.path, suggested);
    test.notice(Notice::CaptureWouldReplace(request));
    assert!(test.shows("Replace file?"));
    test.click("Replace");
    assert!(
        matches!(test.command(), Command::SaveCapture(request) if request.overwrite && request.filter == "kind:reply")
    );
    test.notice(Notice::CaptureSaved {
        path: suggested.to_owned(),
        num_datagrams: 12,
    });
    assert!(test.shows("Saved 12 datagrams"));
}

#[test]
fn the_capture_of_a_unit_is_saved_from_its_menu() {
    let mut test = Test::new(snapshot());
    test.press_with(Modifiers::COMMAND, Key::Num1);
    test.press(Key::ArrowDown);
    test.press_with(Modifiers::SHIFT, Key::F10);
    test.harness
        .get_all_by_label("Save capture of this unit…")
        .last()
        .expect("the menu has a line")
        .click();
    test.harness.run();
    assert!(test.shows("Only fra2-b-r01-con1"));
    test.press(Key::Enter);
    let Command::SaveCapture(request) = test.command() else {
        panic!("a capture is saved");
    };
    assert_eq!(request.unit, Some(ApplianceId(1)));
    assert!(request.filter.is_empty());
}

#[test]
fn who_listens_here_is_a_table() {
    let mut made_up = snapshot();
    let holder = |port: u16, pid: u32, name: &str, is_self: bool| PortHolder {
        port,
        protocol: "UDP",
        pid,
        name: name.to_owned(),
        path: (pid != 0).then(|| format!("/opt/{name}/bin/{name}")),
        user: (pid != 0).then(|| "tech".to_owned()),
        local: Some(SocketAddr::from(([0; 4], port))),
        is_self,
    };
    let mut doctor = window::doctor();
    doctor.port_holders = vec![
        holder(3502, 811, "rollcall", true),
        holder(3502, 4_711, "dsview", false),
        holder(3211, 0, "a program of somebody else", false),
    ];
    made_up.doctor = Arc::new(doctor);
    let mut test = Test::new(made_up);
    test.tab("Who listens here");
    assert!(test.shows("Looked 5 s ago"));
    assert!(test.shows("This Rollcall"));
    assert!(test.shows("/opt/dsview/bin/dsview"));
    test.press(Key::ArrowDown);
    test.press(Key::ArrowDown);
    let (names, chosen) = test.rows();
    assert_eq!(chosen, Some(1));
    assert_eq!(names[0], "UDP 3502: this Rollcall (process 811)");
    assert_eq!(names[1], "UDP 3502: dsview (process 4711)");
    assert!(test.shows("not told"), "what the system does not tell");
    test.click("Check the networks again");
    assert!(matches!(test.command(), Command::RunDoctor));
    test.publish(|snapshot| snapshot.doctor = Arc::new(window::doctor()));
    assert!(test.shows("Nobody holds the ports"));
}

fn check(ended: bool) -> ExposeState {
    let mut found = Exposed::new(Ipv4Addr::new(10, 9, 0, 7), true, before(4));
    found.udp_3502 = true;
    found.tcp_3502 = TcpPort::Open;
    found.tcp_3211 = TcpPort::Refused;
    ExposeState {
        ranges: "10.9.0.0/24".to_owned(),
        num_ips: 254,
        num_done: 0,
        num_questions: 1_016,
        num_asked: 508,
        started: before(10),
        ended: ended.then(|| before(0)),
        outcome: ended.then_some(SweepEnd::Done),
        num_exposed: 1,
        found: Arc::new(vec![found]),
    }
}

#[test]
fn exposure_is_checked_stopped_and_reported() {
    let mut test = Test::new(snapshot());
    test.tab("Exposure");
    let ranges = "Ranges, as prefix, first-last or single address";
    let suggested = test.harness.get_by_label(ranges).value();
    assert_eq!(suggested.as_deref(), Some("10.20.4.0/24, 192.168.160.0/24"));
    test.harness.get_by_label(ranges).focus();
    test.harness.run();
    test.press_with(Modifiers::COMMAND, Key::A);
    test.type_into(ranges, "hall B");
    assert!(test.shows("\"hall\" is no range"));
    test.press(Key::Enter);
    assert!(
        test.commands().is_empty(),
        "what is no range is not checked"
    );
    test.harness.get_by_label(ranges).focus();
    test.harness.run();
    test.press_with(Modifiers::COMMAND, Key::A);
    test.type_into(ranges, "10.9.0.0/24");
    test.press(Key::Enter);
    let Command::Expose(request) = test.command() else {
        panic!("a check begins");
    };
    assert_eq!(request.ranges, "10.9.0.0/24");
    assert!(!request.confirmed);
    test.publish(|snapshot| snapshot.watching.expose = Some(Arc::new(check(false))));
    assert!(
        test.shows("Checking 254 addresses: 508 of 1,016 questions, 1 exposed, 50/s, 10 s left")
    );
    test.click("Stop exposure check");
    assert!(matches!(test.command(), Command::StopExpose));
    test.publish(|snapshot| snapshot.watching.expose = Some(Arc::new(check(true))));
    assert!(test.shows("Done just now: 254 addresses in 10 s, 1 exposed"));
    let (names, _) = test.rows();
    assert_eq!(
        names,
        [
            "10.9.0.7: UDP 3502 open, UDP 3211 no answer, TCP 3502 open, TCP 3211 refused, behind a router"
        ]
    );
    test.harness.get_by_label("Copy exposure report").click();
    let copied = test.copied();
    assert!(
        copied.contains("10.9.0.7: UDP 3502, TCP 3502; TCP 3211 refused"),
        "{copied}"
    );
}

#[test]
fn a_large_check_is_asked_about() {
    let mut test = Test::new(snapshot());
    test.notice(Notice::ExposeNeedsYes {
        request: rollcall::engine::command::ExposeRequest {
            ranges: "10.0.0.0/12".to_owned(),
            confirmed: false,
        },
        num_ips: 1_048_574,
    });
    assert!(test.shows("Check this many addresses?"));
    test.click("Check 1,048,574 addresses");
    assert!(matches!(test.command(), Command::Expose(request) if request.confirmed));
}

#[test]
fn the_palette_has_every_action() {
    let mut test = Test::new(snapshot());
    let watch = UiCommand::ALL
        .into_iter()
        .filter_map(|command| match command {
            UiCommand::Watch(watch) => Some(watch),
            _ => None,
        });
    assert_eq!(watch.count(), 19);
    test.press_with(Modifiers::COMMAND, Key::Num1);
    test.palette("who listens");
    assert_eq!(test.harness.state().view(), View::Watch);
    assert!(test.shows("Check the networks again"));
    test.palette("exposure check");
    assert!(test.shows("Start exposure check"));
    test.palette("capture on or off");
    assert!(matches!(test.command(), Command::SetCapture(false)));
    let pause = UiCommand::Watch(WatchCommand::TogglePause);
    test.palette(pause.text());
    assert!(test.shows("Paused, 0 newer wait"));
    // What is not possible says why and does nothing.
    test.palette("stop exposure");
    assert!(test.shows("No check is running") || test.shows("Stop exposure check"));
    assert!(test.commands().is_empty());
}

#[test]
fn a_read_only_site_is_looked_at_only() {
    let mut made_up = snapshot();
    made_up.site.read_only = Some("another window has it open".to_owned());
    let mut test = Test::new(made_up);
    test.press(Key::ArrowDown);
    test.press(Key::Enter);
    test.click("Fill management networks from the chosen networks");
    assert!(test.commands().is_empty());
    assert!(!test.shows("Why it is known"));
}

#[test]
fn an_empty_view_says_what_it_is_for() {
    let mut test = Test::new(window::snapshot(0));
    assert!(test.shows("Nothing is worth a look so far"));
    test.tab("Traffic");
    assert!(test.shows("No datagram so far"));
    assert!(test.shows("No datagram went over the discovery ports"));
    assert!(test.shows("Not capturing"));
    test.tab("Exposure");
    assert!(test.shows("Nothing was checked yet"));
}

#[test]
fn hostile_words_are_shown_and_cannot_act() {
    let mut made_up = snapshot();
    let mut finding = Finding::clone(&made_up.watching.findings[0]);
    finding.what = "a\u{202e}b\u{1b}[2J".to_owned();
    finding.details = vec!["x".repeat(20_000), "\u{0}".to_owned()];
    made_up.watching.findings = Arc::new(vec![Arc::new(finding)]);
    let mut test = Test::new(made_up);
    test.press(Key::ArrowDown);
    assert!(test.shows("a[U+202E]b␛[2J"));
    assert!(!test.shows("\u{202e}"));
    test.harness.event(egui::Event::Copy);
    assert!(test.copied().contains("a[U+202E]b␛[2J"));
}

#[test]
fn another_site_forgets_what_was_chosen() {
    let mut test = Test::new(snapshot());
    test.press(Key::ArrowDown);
    assert!(test.shows("carries no password"));
    test.notice(Notice::SiteOpened(None));
    assert!(!test.shows("carries no password"));
    assert!(test.shows("Choose a finding"));
}

#[test]
fn a_question_about_this_site_is_not_asked_in_another_one() {
    let mut test = Test::new(snapshot());
    for (command, title) in [
        (
            "management networks",
            "A unit that announces itself or answers anywhere else",
        ),
        ("save capture", "Save capture"),
        ("sweep a range", "Sweep a range"),
        ("add unit by hand", "Serial"),
    ] {
        test.palette(command);
        assert!(test.shows(title), "{command}");
        test.notice(Notice::SiteOpened(None));
        test.press_with(Modifiers::COMMAND, Key::K);
        assert!(test.shows("Find a command"), "{command} is closed");
        // What is about no site stays.
        test.notice(Notice::SiteOpened(None));
        assert!(test.shows("Find a command"));
        test.press(Key::Escape);
    }
    test.tab("Findings");
    test.press(Key::ArrowDown);
    test.click("Accept finding…");
    assert!(test.shows("Accept finding"));
    test.notice(Notice::SiteOpened(None));
    test.press(Key::Enter);
    assert!(test.commands().is_empty(), "nothing was accepted");
    test.notice(Notice::ExposeNeedsYes {
        request: rollcall::engine::command::ExposeRequest {
            ranges: "10.0.0.0/12".to_owned(),
            confirmed: false,
        },
        num_ips: 1_048_574,
    });
    test.notice(Notice::SiteOpened(None));
    assert!(!test.shows("Check this many addresses?"));
}

#[test]
fn every_stop_of_tab_has_a_name_and_is_seen() {
    for (size, theme) in [
        (vec2(1_440.0, 900.0), ThemeChoice::Dark),
        (vec2(960.0, 600.0), ThemeChoice::Light),
        (vec2(480.0, 300.0), ThemeChoice::Dark),
    ] {
        for tab in ["Findings", "Traffic", "Who listens here", "Exposure"] {
            let settings = Settings {
                theme,
                ..Settings::default()
            };
            let mut made_up = snapshot();
            made_up.watching.expose = Some(Arc::new(check(true)));
            let mut test = Test::with(made_up, settings, size);
            test.tab(tab);
            test.press(Key::ArrowDown);
            let window = egui::Rect::from_min_size(egui::Pos2::ZERO, size);
            let mut names = std::collections::BTreeSet::new();
            for _ in 0..34 {
                test.press(Key::Tab);
                let focused = test
                    .harness
                    .query_all_by(|node| node.is_focused() && node.role() != egui::Role::Window)
                    .next();
                let focused = focused.expect("the focus is on something that is read out");
                let name = focused.accesskit_node().label().unwrap_or_default();
                let rect = focused.rect();
                assert!(!name.is_empty(), "{tab} at {size}: no name at {rect:?}");
                assert!(
                    window.intersects(rect),
                    "{tab} at {size}: {name:?} has the focus out of sight, at {rect:?}"
                );
                names.insert(name);
            }
            assert!(
                names.len() > 8,
                "{tab} at {size}: Tab goes through {names:?} only"
            );
        }
    }
}

#[test]
fn everything_is_in_a_small_window_too() {
    let mut test = Test::with(snapshot(), Settings::default(), vec2(960.0, 600.0));
    let window = egui::Rect::from_min_size(egui::Pos2::ZERO, vec2(960.0, 600.0));
    test.press(Key::ArrowDown);
    for name in ["Accept finding…", "Filter the findings", "All: 4"] {
        let rect = test.harness.get_by_label(name).rect();
        assert!(window.contains_rect(rect), "{name} is at {rect:?}");
    }
    test.tab("Traffic");
    test.press(Key::ArrowDown);
    for name in [
        "Save capture…",
        "Filter the last datagrams",
        "Pause or resume the last datagrams",
        "Not AIDP, 21 bytes",
    ] {
        let rect = test.harness.get_by_label(name).rect();
        assert!(window.contains_rect(rect), "{name} is at {rect:?}");
    }
    let (names, _) = test.rows();
    assert!(names.len() >= 2, "rows are seen: {names:?}");
}

#[test]
fn the_view_settles_and_asks_for_no_frame_by_itself() {
    let mut made_up = snapshot();
    made_up.search.live = false;
    made_up.search.next = None;
    made_up.totals.last_heard = Some(before(90));
    let settings = Settings {
        live_search: false,
        ..Settings::default()
    };
    for tab in ["Findings", "Traffic", "Who listens here", "Exposure"] {
        let size = vec2(1_200.0, 700.0);
        let mut test = Test::with(made_up.clone(), settings.clone(), size);
        test.tab(tab);
        test.press(Key::ArrowDown);
        // Settings that differ from what was read are written once; then nothing is left to do.
        test.harness.run_steps(90);
        test.harness.run();
        let delay = test.repaint_delay();
        assert!(
            delay.as_secs() > 3_600,
            "{tab}: nobody asks for a frame: {delay:?}"
        );
    }
}
