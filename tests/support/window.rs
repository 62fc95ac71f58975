//! Made-up snapshots for the window's tests, and the window over an engine's end that the test holds.

use std::collections::{HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use egui::os::OperatingSystem;
use egui_kittest::Harness;
use jiff::tz::TimeZone;
use rollcall::app::{App, Places, Start};
use rollcall::engine::command::Command;
use rollcall::engine::handle::{EngineEnd, EngineHandle};
use rollcall::instance::Doorbell;
use rollcall::model::appliance::{Appliance, FileFacts, Heard, Presence, Typed};
use rollcall::model::fact::Fact;
use rollcall::model::identity::{ApplianceId, Mac};
use rollcall::model::network::{
    Asks, Choice, InterfaceCounters, InterfaceKind, InterfaceState, Link, Listening, Network,
    SocketState,
};
use rollcall::model::sighting::{Channel, Evidence, RawDatagram, Source, Stray, StrayReason};
use rollcall::model::snapshot::{
    Check, DoctorReport, SearchState, SiteState, Snapshot, Totals, Units, Verdict,
};
use rollcall::model::status::{InterfaceContext, StatusContext};
use rollcall::model::time::Timestamp;
use rollcall::settings::Settings;
use rollcall::wire::{Rejection, Remarks};

/// The moment at which every made-up snapshot is looked at.
pub(crate) const NOW_MILLIS: i64 = 1_795_349_561_000;

/// `secs` before [`NOW_MILLIS`].
pub(crate) fn before(secs: i64) -> Timestamp {
    Timestamp::from_millis(NOW_MILLIS - secs * 1_000)
}

/// A reply as a unit sends it: 62 bytes, understood.
pub(crate) fn reply_bytes(mac: [u8; 6], ip: Ipv4Addr) -> Vec<u8> {
    let mut bytes = vec![
        0x01, 0x41, 0x49, 0x44, 0x50, 0x00, 0x07, 0x81, 0, 0, 0, 0x2a,
    ];
    bytes.extend([1, 0, 2, 0, 0x0a, 2, 0, 6]);
    bytes.extend(mac);
    bytes.extend([3, 0, 4]);
    bytes.extend(ip.octets());
    bytes.extend([4, 0, 4, 255, 255, 255, 0]);
    bytes.extend([5, 0, 4, 10, 20, 4, 1]);
    bytes.extend([7, 0, 1, 1]);
    bytes
}

fn known<T>(value: T, when: Timestamp) -> Fact<T> {
    Fact::Known {
        value,
        source: Source::Reply,
        when,
    }
}

/// Unit number `n` of a made-up fleet: a bit of everything.
pub(crate) fn unit(n: u64) -> Appliance {
    const MODELS: [(&str, &str, &str); 6] = [
        ("ACS8032", "2.26.1", "console server"),
        ("ACS8048", "2.26.1", "console server"),
        ("PM3024", "2.0.1", "rack PDU"),
        ("MPU2032DAC", "2.10.0", "KVM switch"),
        ("ACS6048", "3.7.0", "console server"),
        ("DSR2030", "03.04.00", "KVM switch"),
    ];
    const KINDS: [&str; 4] = ["con1", "con2", "pdu1", "kvm2"];
    let (model, firmware, class) = MODELS[(n * 7 % 6) as usize];
    let mac = [
        0x00,
        0xe0,
        0x86,
        (n * 37 % 251) as u8,
        (n * 101 % 253) as u8,
        n as u8,
    ];
    let ip = if n % 24 == 8 {
        Ipv4Addr::new(10, 20, 4, 19)
    } else {
        Ipv4Addr::new(10, 20, (4 + n / 240) as u8, (11 + n % 240) as u8)
    };
    let when = before((n * 13 % 50).cast_signed());
    let first = if n % 8 == 3 {
        before(40)
    } else {
        before(90_000)
    };
    let interface: Arc<str> = if n.is_multiple_of(5) {
        "enx00e04c"
    } else {
        "enp3s0"
    }
    .into();
    let source = if n.is_multiple_of(3) {
        Source::Announcement
    } else {
        Source::Reply
    };
    let is_unnamed = n % 8 == 3 || n % 11 == 5;
    let name = format!("fra2-b-r{:02}-{}", n / 3 + 1, KINDS[(n % 4) as usize]);
    let in_file = n % 50 == 49;
    let heard = Heard {
        name: if is_unnamed {
            Fact::Unavailable
        } else {
            known(name.clone(), when)
        },
        mac: known(Mac::new(mac), when),
        ip: known((n % 9 != 5).then_some(ip), when),
        mask: known(Some(Ipv4Addr::new(255, 255, 255, 0)), when),
        gateway: known(Some(Ipv4Addr::new(10, 20, 4, 1)), when),
        model_number: Some(16),
        modes: Some(1),
        taught: None,
        earlier_ips: Vec::new(),
        flapped: None,
        presence: vec![Presence {
            interface: interface.clone(),
            last: when,
            answered_search: true,
            heard_at_ask: if n % 17 == 16 { 2 } else { 9 },
        }],
        first,
        last: when,
        last_source: source,
        provisional: false,
    };
    let raw: Arc<[u8]> = reply_bytes(mac, ip).into();
    let evidence = (0..3)
        .map(|idx| Evidence {
            seq: n * 3 + idx,
            when: Timestamp::from_millis(when.as_millis() - 2_000 + idx.cast_signed() * 1_000),
            from: SocketAddr::from((ip, 3502)),
            interface: interface.clone(),
            raw: Some(Arc::clone(&raw)),
            full_len: raw.len() as u32,
            source: if idx == 0 {
                Source::Announcement
            } else {
                source
            },
            channel: Channel::Udp3502,
            remarks: Remarks::default(),
        })
        .collect();
    let facts = FileFacts {
        name: if in_file { name } else { String::new() },
        model: if n % 7 == 4 {
            String::new()
        } else {
            model.to_owned()
        },
        class: class.to_owned(),
        serial: format!("05{:08}", n * 7_919_777 % 99_999_999),
        firmware: firmware.to_owned(),
        mac: Some(Mac::new(mac)),
        ..FileFacts::default()
    };
    Appliance {
        id: ApplianceId(n + 1),
        revision: n + 1,
        heard: (!in_file).then_some(heard),
        probed: None,
        identified: None,
        imported: (!n.is_multiple_of(6)).then(|| Arc::new(facts)),
        typed: Typed {
            name: None,
            note: (n == 2).then(|| "Left PSU is dead".to_owned()),
            by_hand: None,
        },
        evidence: if in_file { VecDeque::new() } else { evidence },
    }
}

/// One interface.
pub(crate) fn interface(
    name: &str,
    network: Option<([u8; 4], u8)>,
    listening: Listening,
) -> InterfaceState {
    let is_on = listening == Listening::On;
    InterfaceState {
        name: name.into(),
        friendly_name: None,
        index: 2,
        kind: InterfaceKind::Wired,
        mac: Some(Mac::new([0x3c, 0x52, 0x82, 1, 2, 3])),
        link: if is_on { Link::Up } else { Link::Down },
        networks: network
            .map(|(ip, prefix_len)| Network {
                ip: ip.into(),
                prefix_len,
            })
            .into_iter()
            .collect(),
        choice: Choice::Default,
        broadcast_only: false,
        listening,
        sockets: if is_on {
            vec![SocketState {
                port: 3502,
                role: "install",
                bound: Ok(4 << 20),
                shared_with: Vec::new(),
            }]
        } else {
            Vec::new()
        },
        counters: InterfaceCounters {
            heard: 612,
            understood: 609,
            not_aidp: 3,
            asked: 24,
            ..InterfaceCounters::default()
        },
        asks: Asks {
            sent: 1,
            closed: 9,
            floor: 0,
            live: is_on,
        },
        last_error: None,
    }
}

/// A snapshot of `num_units` units on two networks.
pub(crate) fn snapshot(num_units: u64) -> Snapshot {
    let interfaces = vec![
        interface("enp3s0", Some(([10, 20, 4, 250], 24)), Listening::On),
        interface("enx00e04c", Some(([192, 168, 160, 50], 24)), Listening::On),
        interface(
            "wlp2s0",
            None,
            Listening::Off("Wi-Fi is switched off".to_owned()),
        ),
    ];
    let units: Vec<Appliance> = (0..num_units).map(unit).collect();
    let mut claims: HashMap<Ipv4Addr, u32> = HashMap::new();
    for ip in units.iter().filter_map(Appliance::heard_ip) {
        *claims.entry(ip).or_default() += 1;
    }
    claims.retain(|_, count| *count > 1);
    let contexts: HashMap<Arc<str>, InterfaceContext> = interfaces
        .iter()
        .map(|interface| {
            let context = InterfaceContext {
                // The second network is bridged to the first in this made-up hall.
                networks: vec![Network {
                    ip: Ipv4Addr::new(10, 20, 4, 250),
                    prefix_len: 16,
                }],
                asks: interface.asks,
            };
            (interface.name.clone(), context)
        })
        .collect();
    Snapshot {
        revision: 1,
        units_revision: 1,
        units: Units::from_vec(units.into_iter().map(Arc::new).collect()),
        context: StatusContext {
            opened: before(3_600),
            interfaces: Arc::new(contexts),
            shared_ips: Arc::new(claims),
            now: before(0),
        },
        interfaces: Arc::new(interfaces),
        totals: Totals {
            heard: 1_204,
            not_understood: 3,
            lost: 0,
            listening_since: before(3_600),
            last_heard: Some(before(2)),
        },
        search: SearchState {
            live: true,
            pass: None,
            num_asked: 24,
            next: Some(Timestamp::from_millis(NOW_MILLIS + 9_000)),
        },
        site: SiteState {
            name: "FRA2 hall B".to_owned(),
            path: Some("/home/tech/sites/FRA2-hall-B.rollcall".into()),
            saved: Some(before(2)),
            ..SiteState::default()
        },
        strays: Arc::new((0..3).map(|n| Arc::new(stray(n))).collect()),
        doctor: Arc::new(doctor()),
        ..Snapshot::default()
    }
}

/// A datagram that was not understood.
pub(crate) fn stray(seq: u64) -> Stray {
    let mut bytes = b"\x02SSDP hello from a printer\x00\x01".to_vec();
    bytes.extend([10, 20, 4, 77]);
    Stray {
        seq,
        when: before(30 - seq.cast_signed()),
        from: SocketAddr::from(([10, 20, 4, 77], 3502)),
        interface: "enp3s0".into(),
        channel: Channel::Udp3502,
        raw: RawDatagram::keep(&bytes),
        reason: StrayReason::Rejected(Rejection::NotAidp {
            asmp: false,
            offset: 0,
            len_bytes: bytes.len(),
        }),
    }
}

/// What a doctor could find.
pub(crate) fn doctor() -> DoctorReport {
    let check = |verdict, what: &str, hint: Option<&str>| Check {
        verdict,
        interface: Some("enp3s0".into()),
        what: what.to_owned(),
        hint: hint.map(str::to_owned),
        remedies: Vec::new(),
    };
    DoctorReport {
        when: before(5),
        checks: vec![
            check(
                Verdict::Good,
                "enp3s0 has a link and the address 10.20.4.250/24",
                None,
            ),
            check(
                Verdict::Note,
                "No datagram was heard on enp3s0 so far",
                Some("Units announce themselves when they start: switch one off and on"),
            ),
            check(
                Verdict::Warning,
                "The firewall may drop what comes in",
                Some("Allow UDP 3502 and 3211 for Rollcall"),
            ),
        ],
        ..DoctorReport::default()
    }
}

/// An empty site, listened on for `secs`.
pub(crate) fn empty_snapshot(secs: i64) -> Snapshot {
    let mut snapshot = snapshot(0);
    snapshot.totals = Totals {
        listening_since: before(secs),
        ..Totals::default()
    };
    snapshot.strays = Arc::default();
    snapshot
}

/// The window over a snapshot, with the engine's end in the caller's hands, of a person who has started it before.
/// Later starts ring at the doorbell.
pub(crate) fn window(
    ctx: &egui::Context,
    snapshot: Snapshot,
    settings: Settings,
    runtime: tokio::runtime::Handle,
    doorbell: Option<Doorbell>,
) -> (App, EngineEnd) {
    let settings = Settings {
        welcomed: true,
        ..settings
    };
    window_as_left(ctx, snapshot, settings, runtime, doorbell)
}

/// The same with the settings just as they are.
pub(crate) fn window_as_left(
    ctx: &egui::Context,
    snapshot: Snapshot,
    settings: Settings,
    runtime: tokio::runtime::Handle,
    doorbell: Option<Doorbell>,
) -> (App, EngineEnd) {
    let (handle, end) = EngineHandle::pair(Arc::new(snapshot), runtime);
    let start = Start {
        handle,
        settings,
        places: Places {
            sites: Some("/home/tech/sites".into()),
            settings: Some("/home/tech/.config/rollcall/settings.json".into()),
            logs: Some("/home/tech/.local/state/rollcall".into()),
            documents: Some("/home/tech/Documents".into()),
        },
        clock: Arc::new(|| Timestamp::from_millis(NOW_MILLIS)),
        zone: TimeZone::UTC,
        log: rollcall::logging::LogRing::default(),
        sayings: Vec::new(),
        doorbell,
    };
    (App::new(ctx, start), end)
}

/// The window in a harness of this size, in points, as its own loop drives it. Nothing was drawn yet.
pub(crate) fn harness(app: App, size: egui::Vec2, os: OperatingSystem) -> Harness<'static, App> {
    let theme = app.settings().theme;
    let show = move |ui: &mut egui::Ui, app: &mut App| {
        let ctx = ui.ctx().clone();
        app.tick(&ctx);
        app.show(ui, None);
    };
    Harness::builder()
        .with_size(size)
        .with_accessibility_check(true)
        .with_os(os)
        .with_context_setup(move |ctx| rollcall::app::install(ctx, theme))
        .build_ui_state(show, app)
}

/// The commands since the last call, without what is only remembered.
pub(crate) fn commands(engine: &mut EngineEnd) -> Vec<Command> {
    let mut commands = Vec::new();
    while let Ok(command) = engine.commands.try_recv() {
        if !matches!(command, Command::Remember(_)) {
            commands.push(command);
        }
    }
    commands
}
