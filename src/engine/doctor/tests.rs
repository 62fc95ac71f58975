//! What the doctor says, case by case.

use super::*;
use crate::model::network::{Asks, Choice, InterfaceCounters, Network, SocketState};
use crate::model::snapshot::{FirewallState, Remedy, RuleState};

fn socket(port: u16, role: &'static str) -> SocketState {
    SocketState {
        port,
        role,
        bound: Ok(8 << 20),
        shared_with: Vec::new(),
    }
}

fn interface(name: &str) -> InterfaceState {
    InterfaceState {
        name: Arc::from(name),
        friendly_name: None,
        index: 2,
        kind: InterfaceKind::Wired,
        mac: None,
        link: Link::Up,
        networks: vec![Network {
            ip: [192, 168, 1, 5].into(),
            prefix_len: 24,
        }],
        choice: Choice::Default,
        broadcast_only: false,
        listening: Listening::On,
        sockets: vec![
            socket(3502, "install"),
            socket(3211, "management"),
            socket(40_000, "asking"),
        ],
        counters: InterfaceCounters {
            kernel_drops: Some(0),
            ..InterfaceCounters::default()
        },
        asks: Asks::default(),
        last_error: None,
    }
}

fn holder(protocol: &'static str) -> PortHolder {
    PortHolder {
        port: 3502,
        protocol,
        pid: 4_711,
        name: "dsview".to_owned(),
        path: Some("/opt/dsview/dsview".to_owned()),
        user: Some("alice".to_owned()),
        local: Some(([0, 0, 0, 0], 3502).into()),
        is_self: false,
    }
}

/// A laptop that has listened on one good network for 12 s, on a system that hides nothing.
struct Case {
    interfaces: Vec<InterfaceState>,
    holders: Vec<PortHolder>,
    totals: Totals,
    demo: bool,
    system: SystemChecks,
}

impl Case {
    fn silent() -> Self {
        Self {
            interfaces: vec![interface("eth0")],
            holders: Vec::new(),
            totals: Totals::default(),
            demo: false,
            system: SystemChecks::default(),
        }
    }

    fn hearing() -> Self {
        let mut case = Self::silent();
        case.totals.heard = 9;
        case.interfaces[0].counters.heard = 9;
        case.interfaces[0].counters.understood = 9;
        case
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn on(self, change: impl FnOnce(&mut InterfaceState)) -> Self {
        self.with(|case| change(&mut case.interfaces[0]))
    }

    fn report_at(&self, millis: i64) -> DoctorReport {
        examine(&DoctorInput {
            interfaces: &self.interfaces,
            holders: &self.holders,
            totals: self.totals,
            now: Timestamp::from_millis(millis),
            demo: self.demo,
            system: self.system.clone(),
            installation: None,
        })
    }

    fn report(&self) -> DoctorReport {
        self.report_at(12_000)
    }
}

/// The check whose sentence has these words.
fn find<'a>(report: &'a DoctorReport, words: &str) -> &'a Check {
    report
        .checks
        .iter()
        .find(|check| check.what.contains(words))
        .unwrap_or_else(|| panic!("nothing says {words:?} in {:#?}", report.checks))
}

/// Every case names the words that the first check must have, its verdict, and words of its hint.
fn check(name: &str, case: &Case, verdict: Verdict, words: &str, hint: &str) {
    let report = case.report();
    let first = &report.checks[0];
    assert!(
        first.what.contains(words),
        "{name}: {:?} comes first, not {words:?}",
        first.what
    );
    assert_eq!(first.verdict, verdict, "{name}");
    assert!(
        first.hint.as_deref().unwrap_or_default().contains(hint),
        "{name}: the hint is {:?}",
        first.hint
    );
}

#[test]
fn the_most_likely_cause_of_silence_comes_first() {
    use Verdict::Warning;
    let windows = |case: &mut Case| case.system.os = Os::Windows;
    let cases = [
        (
            "no interface",
            Case::silent().with(|case| case.interfaces.clear()),
            "no network interface",
            "Plug in a network adapter",
        ),
        (
            "no link",
            Case::silent().on(|eth0| {
                eth0.link = Link::Down;
                eth0.listening = Listening::Off("there is no link".to_owned());
            }),
            "No network interface has a link",
            "Plug a cable",
        ),
        (
            "nothing chosen",
            Case::silent().on(|eth0| {
                eth0.choice = Choice::Off;
                eth0.listening = Listening::Off("switched off".to_owned());
            }),
            "No network is listened on",
            "Switch the network",
        ),
        (
            "trouble before the firewall",
            Case::silent().with(windows).with(|case| {
                let mut second = interface("eth1");
                second.listening = Listening::Trouble("its sockets cannot be opened".to_owned());
                case.interfaces.push(second);
            }),
            "eth1 is not listened on as it should be: its sockets cannot be opened",
            "",
        ),
        (
            "the firewall of Windows before the port",
            Case::silent().with(windows).with(|case| {
                case.holders.push(holder("UDP"));
                case.system.program = Some("C:\\Tools\\rollcall.exe".into());
            }),
            "Windows Defender Firewall is the first suspect",
            "netsh advfirewall firewall add rule name=\"Rollcall (UDP 3502, 3211)\" dir=in \
             action=allow program=\"C:\\Tools\\rollcall.exe\"",
        ),
        (
            "the permission of macOS",
            Case::silent().with(|case| case.system.os = Os::MacOs),
            "macOS may deny Rollcall the local network",
            "System Settings › Privacy & Security › Local Network",
        ),
        (
            "a port that is held",
            Case::silent().with(|case| case.holders.push(holder("UDP"))),
            "UDP 3502 is also held by dsview (process 4711): unicast answers may go to either",
            "Listen to broadcasts only",
        ),
        (
            "a port that is held and not shared",
            Case::silent()
                .with(|case| case.holders.push(holder("UDP")))
                .on(|eth0| {
                    eth0.sockets[0].bound = Err("another program does not share it".to_owned());
                }),
            "UDP 3502 is held by dsview (process 4711) and not shared",
            "Close dsview (process 4711)",
        ),
        (
            "a socket that is not open",
            Case::silent().on(|eth0| {
                eth0.sockets[0].bound = Err("another program is using it".to_owned());
            }),
            "UDP 3502 (install) is not open on eth0: another program is using it",
            "",
        ),
        (
            "a strict filter",
            Case::silent().with(|case| {
                case.system.rp_filter = vec![("eth0".to_owned(), RpFilter::Strict)];
                case.interfaces[0].kind = InterfaceKind::Wireless;
            }),
            "Units with a foreign address cannot be heard on eth0",
            "sudo sysctl -w net.ipv4.conf.eth0.rp_filter=0 net.ipv4.conf.all.rp_filter=0",
        ),
        (
            "no address",
            Case::silent().on(|eth0| eth0.networks.clear()),
            "eth0 is listened on without an IPv4 address",
            "Give it an address in the units' subnet",
        ),
        (
            "only Wi-Fi",
            Case::silent().on(|eth0| eth0.kind = InterfaceKind::Wireless),
            "Only Wi-Fi has a link",
            "cable",
        ),
        (
            "a firewall that is on",
            Case::silent().with(|case| {
                case.system.os = Os::Linux;
                case.system.firewall = Some(Firewall::Ufw);
            }),
            "ufw is on",
            "sudo ufw allow",
        ),
    ];
    for (name, case, words, hint) in cases {
        check(name, &case, Warning, words, hint);
    }
}

#[test]
fn when_units_are_heard_losses_and_filters_come_first() {
    use Verdict::{Good, Note, Warning};
    let cases = [
        (
            "drops by the system",
            Case::hearing().on(|eth0| eth0.counters.kernel_drops = Some(1)),
            Warning,
            "The system has dropped 1 datagram on eth0",
            "Search again",
        ),
        (
            "drops by Rollcall",
            Case::hearing().on(|eth0| eth0.counters.queue_drops = 12),
            Warning,
            "dropped 12 datagrams",
            "floods",
        ),
        (
            "a filter also matters when others are heard",
            Case::hearing().with(|case| {
                case.system.rp_filter = vec![("eth0".to_owned(), RpFilter::Loose)];
                case.system.default_route = Some(false);
            }),
            Warning,
            "cannot be heard on eth0",
            "sysctl",
        ),
        (
            "questions that cannot leave",
            Case::hearing().on(|eth0| eth0.counters.ask_errors = 3),
            Warning,
            "3 questions could not be sent on eth0; 0 left",
            "link",
        ),
        (
            "datagrams that were not understood",
            Case::hearing().on(|eth0| {
                eth0.counters.heard = 12;
                eth0.counters.not_aidp = 2;
                eth0.counters.field_overrun = 1;
            }),
            Note,
            "eth0 has heard 12 datagrams and understood 9; refused: 2 no AIDP, 1 with a field",
            "not understood",
        ),
        (
            "a small buffer",
            Case::hearing().on(|eth0| eth0.sockets[1].bound = Ok(212_992)),
            Note,
            "The system grants only 208 KiB of receive buffer on eth0",
            "",
        ),
        (
            "a TCP port that is held",
            Case::hearing().with(|case| case.holders.push(holder("TCP"))),
            Note,
            "TCP 3502 is held by dsview",
            "Close dsview",
        ),
        (
            "broadcasts only",
            Case::hearing()
                .with(|case| case.holders.push(holder("UDP")))
                .on(|eth0| eth0.broadcast_only = true),
            Note,
            "Rollcall listens to broadcasts only",
            "",
        ),
        (
            "all is well",
            Case::hearing(),
            Good,
            "eth0 has heard 9 datagrams and understood 9",
            "",
        ),
    ];
    for (name, case, verdict, words, hint) in cases {
        check(name, &case, verdict, words, hint);
    }
}

#[test]
fn suspicions_wait_for_ten_seconds_and_end_with_the_first_datagram() {
    let mut case = Case::silent().with(|case| case.system.os = Os::Windows);
    let suspects = |report: &DoctorReport| {
        report
            .checks
            .iter()
            .any(|check| check.what.contains("Firewall") || check.what.contains("Nothing was"))
    };
    assert!(!suspects(&case.report_at(9_999)));
    assert!(suspects(&case.report_at(10_000)));
    case.totals.heard = 1;
    assert!(!suspects(&case.report_at(10_000)));
}

#[test]
fn a_loose_filter_with_a_default_route_is_no_finding() {
    for (filter, default_route) in [
        (RpFilter::Loose, Some(true)),
        (RpFilter::Loose, None),
        (RpFilter::Off, Some(false)),
    ] {
        let case = Case::hearing().with(|case| {
            case.system.rp_filter = vec![("eth0".to_owned(), filter)];
            case.system.default_route = default_route;
        });
        let report = case.report();
        assert!(
            report
                .checks
                .iter()
                .all(|check| check.verdict == Verdict::Good),
            "{filter:?}, {default_route:?}: {:#?}",
            report.checks
        );
    }
}

#[test]
fn a_dot_in_an_interfaces_name_is_written_as_sysctl_wants_it() {
    let case = Case::hearing()
        .on(|eth0| eth0.name = Arc::from("eth0.100"))
        .with(|case| case.system.rp_filter = vec![("eth0.100".to_owned(), RpFilter::Strict)]);
    let report = case.report();
    let hint = find(&report, "foreign address").hint.as_deref();
    assert_eq!(
        hint,
        Some("sudo sysctl -w net.ipv4.conf.eth0/100.rp_filter=0 net.ipv4.conf.all.rp_filter=0")
    );
}

#[test]
fn each_interface_has_its_own_checks() {
    let case = Case::hearing().with(|case| {
        let mut docker = interface("docker0");
        docker.kind = InterfaceKind::Virtual;
        docker.listening = Listening::Off("it is virtual".to_owned());
        let mut unplugged = interface("eth1");
        unplugged.link = Link::Down;
        unplugged.listening = Listening::Off("there is no link".to_owned());
        let mut windows = interface("{GUID}");
        windows.friendly_name = Some("Ethernet 2".to_owned());
        windows.counters.kernel_drops = None;
        windows.last_error = Some((Timestamp::default(), "the cable was pulled".to_owned()));
        case.interfaces.extend([docker, unplugged, windows]);
    });
    let report = case.report();
    let about = |words| find(&report, words).interface.as_deref();
    assert_eq!(about("docker0 is off: it is virtual"), Some("docker0"));
    assert_eq!(about("eth1 has no link"), Some("eth1"));
    assert_eq!(about("listened on as 192.168.1.5/24"), Some("eth0"));
    assert_eq!(about("Ethernet 2 has heard nothing yet"), Some("{GUID}"));
    assert_eq!(about("dropped on Ethernet 2 is unknown"), Some("{GUID}"));
    assert_eq!(
        about("Ethernet 2 was: the cable was pulled"),
        Some("{GUID}")
    );
    assert_eq!(
        find(&report, "On eth0, UDP").what,
        "On eth0, UDP 3502 (install), 3211 (management), 40000 (asking) are open, \
         with a receive buffer of 8.0 MiB or more"
    );
}

#[test]
fn the_holder_of_a_port_that_cannot_be_opened_is_named() {
    let case = Case::hearing()
        .on(|eth0| eth0.sockets[0].bound = Err("another program is using it".to_owned()))
        .with(|case| case.holders.push(holder("UDP")));
    let report = case.report();
    assert_eq!(
        find(&report, "is not open on eth0").hint.as_deref(),
        Some("Close dsview (process 4711); Rollcall takes the port as soon as it is free")
    );
    assert_eq!(report.port_holders, case.holders);
}

#[test]
fn rollcall_itself_is_listed_and_no_other_program() {
    let mut case = Case::hearing().with(|case| {
        case.holders.push(holder("UDP"));
        case.holders.push(holder("TCP"));
    });
    for own in &mut case.holders {
        own.is_self = true;
    }
    let report = case.report();
    assert_eq!(report.port_holders, case.holders);
    let checks = format!("{:?}", report.checks);
    assert!(!checks.contains("held by"), "{checks}");
}

#[test]
fn a_holder_at_two_addresses_is_one_warning() {
    let case = Case::hearing().with(|case| {
        case.holders.push(holder("UDP"));
        case.holders.push(holder("UDP"));
        case.holders[1].local = None;
    });
    let report = case.report();
    let num_warnings = report
        .checks
        .iter()
        .filter(|check| check.verdict == Verdict::Warning)
        .count();
    assert_eq!(num_warnings, 1, "{:#?}", report.checks);
}

#[test]
fn a_socket_without_a_process_names_its_user() {
    let mut case = Case::hearing().with(|case| case.holders.push(holder("UDP")));
    case.holders[0].pid = 0;
    find(
        &case.report(),
        "UDP 3502 is also held by a program of the user alice",
    );
}

#[test]
fn a_second_rollcall_is_called_so() {
    let mut case = Case::hearing().with(|case| case.holders.push(holder("UDP")));
    case.holders[0].name = "rollcall-cli".to_owned();
    let report = case.report();
    find(
        &report,
        "UDP 3502 is also held by another Rollcall (process 4711)",
    );
}

#[test]
fn a_port_that_is_not_listened_on_is_shared_with_nobody() {
    let case = Case::silent()
        .on(|eth0| {
            eth0.listening = Listening::Off("switched off".to_owned());
            eth0.sockets.clear();
        })
        .with(|case| case.holders.push(holder("UDP")));
    let report = case.report();
    assert_eq!(
        find(&report, "UDP 3502 is held by dsview").verdict,
        Verdict::Note
    );
}

#[test]
fn an_own_error_on_tcp_is_said_when_no_holder_explains_it() {
    let mut case = Case::hearing()
        .with(|case| case.system.own_tcp_error = Some("TCP 3502 is held".to_owned()));
    find(&case.report(), "Units cannot connect to Rollcall: TCP 3502");
    case.holders.push(holder("TCP"));
    let report = case.report();
    assert!(
        !report
            .checks
            .iter()
            .any(|check| check.what.contains("cannot connect")),
        "it is said once"
    );
}

#[test]
fn the_demo_looks_at_loopback_only() {
    let case = Case::hearing().with(|case| {
        case.demo = true;
        let mut loopback = interface("lo");
        loopback.kind = InterfaceKind::Loopback;
        case.interfaces.push(loopback);
    });
    let report = case.report();
    find(&report, "Only the demo fleet");
    let names: Vec<_> = report
        .checks
        .iter()
        .filter_map(|check| check.interface.as_deref())
        .collect();
    assert!(names.iter().all(|name| *name == "lo"), "{names:?}");
    assert!(!names.is_empty());
}

#[test]
fn warnings_come_before_notes_and_these_before_what_is_well() {
    let case = Case::silent()
        .with(|case| {
            case.system.os = Os::Linux;
            case.system.rp_filter = vec![("eth0".to_owned(), RpFilter::Strict)];
            case.holders = vec![holder("TCP"), holder("UDP")];
        })
        .on(|eth0| eth0.counters.kernel_drops = None);
    let report = case.report();
    assert!(
        report
            .checks
            .is_sorted_by_key(|check| std::cmp::Reverse(check.verdict))
    );
    for check in &report.checks {
        for text in [Some(&check.what), check.hint.as_ref()]
            .into_iter()
            .flatten()
        {
            for word in ["device", "host ", "node"] {
                assert!(!text.contains(word), "{text:?} says {word:?}");
            }
            assert!(!text.ends_with('.') && !text.is_empty(), "{text:?}");
        }
    }
}

#[test]
fn windows_says_what_its_rule_means_for_what_is_heard() {
    let case = |rule| {
        Case::silent().with(|case| {
            case.system.os = Os::Windows;
            case.system.rule = rule;
            case.system.program = Some("C:\\Tools\\rollcall.exe".into());
        })
    };
    let there = case(Some(RuleState::Present)).report();
    assert_eq!(there.firewall, FirewallState::Rule(RuleState::Present));
    let policy = find(&there, "policy may keep it from holding");
    assert_eq!(policy.verdict, Verdict::Note);
    for rule in [
        None,
        Some(RuleState::Missing),
        Some(RuleState::Blocked),
        Some(RuleState::NotKnown),
    ] {
        let report = case(rule).report();
        let suspect = find(&report, "the first suspect");
        assert_eq!(
            suspect.remedies.contains(&Remedy::AllowFirewall),
            rule.is_some(),
            "the command line has no button"
        );
    }
}
