//! What is heard and found as JSON: keys in snake case, always there, null when unknown.

use std::fmt::Write as _;

use rollcall::model::network::{
    Choice, InterfaceKind, InterfaceState, Link, Listening, PortHolder, SocketState,
};
use rollcall::model::sighting::{Claims, Sighting, Source, Stray};
use rollcall::model::snapshot::{Check, DoctorReport, Verdict};
use rollcall::wire::{Claimed, Remark};
use serde::Serialize;

/// What a discover reply means. Null is *none* or *not said*.
#[derive(Debug, Serialize)]
pub(crate) struct Facts {
    model_number: Option<u16>,
    mac: Option<String>,
    address: Option<String>,
    mask: Option<String>,
    gateway: Option<String>,
    host_name: Option<String>,
    modes: Option<u8>,
}

impl Facts {
    pub(crate) fn new(claims: &Claims) -> Self {
        let ip = |claimed: Claimed| claimed.ip().map(|ip| ip.to_string());
        Self {
            model_number: claims.model_number,
            mac: claims.mac.map(|mac| mac.to_string()),
            address: ip(claims.ip),
            mask: ip(claims.mask),
            gateway: ip(claims.gateway),
            host_name: claims.host_name.clone(),
            modes: claims.modes,
        }
    }
}

/// A datagram that was heard.
#[derive(Debug, Serialize)]
pub(crate) struct HeardLine {
    when: String,
    source: &'static str,
    channel: &'static str,
    interface: String,
    from: String,
    facts: Option<Facts>,
    remarks: Option<Vec<&'static str>>,
    reason: Option<&'static str>,
    len_bytes: u32,
    raw: String,
}

impl HeardLine {
    /// One that is about a unit.
    pub(crate) fn of_sighting(sighting: &Sighting) -> Self {
        Self {
            when: sighting.when.to_string(),
            source: sighting.source.word(),
            channel: sighting.channel.word(),
            interface: sighting.interface.to_string(),
            from: sighting.from.to_string(),
            facts: Some(Facts::new(&sighting.claims)),
            remarks: Some(sighting.remarks.iter().map(Remark::as_str).collect()),
            reason: None,
            len_bytes: sighting.raw.full_len,
            raw: hex_of(&sighting.raw.bytes),
        }
    }

    /// One that could not be understood.
    pub(crate) fn of_stray(stray: &Stray) -> Self {
        Self {
            when: stray.when.to_string(),
            source: Source::Undecoded.word(),
            channel: stray.channel.word(),
            interface: stray.interface.to_string(),
            from: stray.from.to_string(),
            facts: None,
            remarks: None,
            reason: Some(stray.reason.word()),
            len_bytes: stray.raw.full_len,
            raw: hex_of(&stray.raw.bytes),
        }
    }
}

/// What the doctor found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    when: String,
    checks: Vec<CheckLine>,
    port_holders: Vec<HolderLine>,
    interfaces: Vec<InterfaceLine>,
}

impl Report {
    pub(crate) fn new(report: &DoctorReport, interfaces: &[InterfaceState]) -> Self {
        Self {
            when: report.when.to_string(),
            checks: report.checks.iter().map(CheckLine::new).collect(),
            port_holders: report.port_holders.iter().map(HolderLine::new).collect(),
            interfaces: interfaces.iter().map(InterfaceLine::new).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct CheckLine {
    verdict: &'static str,
    interface: Option<String>,
    what: String,
    hint: Option<String>,
}

impl CheckLine {
    fn new(check: &Check) -> Self {
        Self {
            verdict: verdict_word(check.verdict),
            interface: check.interface.as_deref().map(str::to_owned),
            what: check.what.clone(),
            hint: check.hint.clone(),
        }
    }
}

#[derive(Debug, Serialize)]
struct HolderLine {
    port: u16,
    protocol: &'static str,
    /// Null, as the name, when the system does not tell whose socket it is.
    pid: Option<u32>,
    name: Option<String>,
    path: Option<String>,
    user: Option<String>,
    local: Option<String>,
    is_self: bool,
}

impl HolderLine {
    fn new(holder: &PortHolder) -> Self {
        let is_known = holder.pid != 0;
        Self {
            port: holder.port,
            protocol: holder.protocol,
            pid: is_known.then_some(holder.pid),
            name: is_known.then(|| holder.name.clone()),
            path: holder.path.clone(),
            user: holder.user.clone(),
            local: holder.local.map(|local| local.to_string()),
            is_self: holder.is_self,
        }
    }
}

#[derive(Debug, Serialize)]
struct InterfaceLine {
    name: String,
    friendly_name: Option<String>,
    kind: &'static str,
    mac: Option<String>,
    link: Option<&'static str>,
    networks: Vec<String>,
    choice: &'static str,
    broadcast_only: bool,
    listening: &'static str,
    listening_why: Option<String>,
    sockets: Vec<SocketLine>,
    counters: Counters,
    last_error: Option<String>,
}

impl InterfaceLine {
    fn new(interface: &InterfaceState) -> Self {
        let (listening, why) = match &interface.listening {
            Listening::On => ("on", None),
            Listening::Off(why) => ("off", Some(why.clone())),
            Listening::Trouble(why) => ("trouble", Some(why.clone())),
        };
        let counters = &interface.counters;
        Self {
            name: interface.name.to_string(),
            friendly_name: interface.friendly_name.clone(),
            kind: match interface.kind {
                InterfaceKind::Wired => "wired",
                InterfaceKind::Wireless => "wireless",
                InterfaceKind::Virtual => "virtual",
                InterfaceKind::Loopback => "loopback",
                InterfaceKind::PointToPoint => "point_to_point",
                InterfaceKind::Other => "other",
            },
            mac: interface.mac.map(|mac| mac.to_string()),
            link: match interface.link {
                Link::Up => Some("up"),
                Link::Down => Some("down"),
                Link::Unknown => None,
            },
            networks: interface.networks.iter().map(ToString::to_string).collect(),
            choice: match interface.choice {
                Choice::Default => "default",
                Choice::On => "on",
                Choice::Off => "off",
            },
            broadcast_only: interface.broadcast_only,
            listening,
            listening_why: why,
            sockets: interface.sockets.iter().map(SocketLine::new).collect(),
            counters: Counters {
                heard: counters.heard,
                understood: counters.understood,
                not_aidp: counters.not_aidp,
                payload_overrun: counters.payload_overrun,
                field_overrun: counters.field_overrun,
                others_requests: counters.others_requests,
                own_requests: counters.own_requests,
                kernel_drops: counters.kernel_drops,
                queue_drops: counters.queue_drops,
                asked: counters.asked,
                ask_errors: counters.ask_errors,
            },
            last_error: interface
                .last_error
                .as_ref()
                .map(|(_, words)| words.clone()),
        }
    }
}

#[derive(Debug, Serialize)]
struct SocketLine {
    port: u16,
    role: &'static str,
    receive_buffer_bytes: Option<u64>,
    not_bound: Option<String>,
    shared_with: Vec<HolderLine>,
}

impl SocketLine {
    fn new(socket: &SocketState) -> Self {
        Self {
            port: socket.port,
            role: socket.role,
            receive_buffer_bytes: socket.bound.as_ref().ok().copied(),
            not_bound: socket.bound.as_ref().err().cloned(),
            shared_with: socket.shared_with.iter().map(HolderLine::new).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct Counters {
    heard: u64,
    understood: u64,
    not_aidp: u64,
    payload_overrun: u64,
    field_overrun: u64,
    others_requests: u64,
    own_requests: u64,
    /// Null where the system does not say.
    kernel_drops: Option<u64>,
    queue_drops: u64,
    asked: u64,
    ask_errors: u64,
}

/// A verdict in JSON and in front of a line of text.
pub(crate) const fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "good",
        Verdict::Note => "note",
        Verdict::Warning => "warning",
    }
}

/// Bytes as hex digits.
pub(crate) fn hex_of(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        write!(hex, "{byte:02x}").ok();
    }
    hex
}
