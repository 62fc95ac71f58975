//! Why units may not be heard: looks at what the engine knows and says it in sentences for a
//! technician, the most likely cause first. Pure: what the system says is a parameter.

use std::sync::Arc;

mod firewall;
pub mod installation;
mod interface;
mod system_checks;

pub use self::installation::Installation;
pub use self::system_checks::{Firewall, Os, RpFilter, SystemChecks, look};
use crate::engine::ports;
use crate::model::network::{InterfaceKind, InterfaceState, Link, Listening, PortHolder};
use crate::model::snapshot::{Check, DoctorReport, Totals, Verdict};
use crate::model::time::Timestamp;

/// Silence that is worth a word (the window, "Nothing yet").
pub const SILENCE_MILLIS: u64 = 10_000;

/// What the doctor looks at.
#[derive(Clone, Debug)]
pub struct DoctorInput<'a> {
    /// The laptop's interfaces.
    pub interfaces: &'a [InterfaceState],
    /// Every program that holds one of the watched ports, this one too.
    pub holders: &'a [PortHolder],
    /// Sums over all interfaces.
    pub totals: Totals,
    /// Now.
    pub now: Timestamp,
    /// Whether only the demo fleet is listened to.
    pub demo: bool,
    /// What the system says.
    pub system: SystemChecks,
    /// What was found of the installation, when it was looked at.
    pub installation: Option<&'a Installation>,
}

/// Looks at everything.
pub fn examine(input: &DoctorInput<'_>) -> DoctorReport {
    let mut findings = Findings {
        found: Vec::new(),
        is_silent: input.totals.heard == 0
            && input.now.millis_since(input.totals.listening_since) >= SILENCE_MILLIS,
    };
    if input.demo {
        findings.add(
            Cause::Facts,
            Verdict::Good,
            None,
            "Only the demo fleet inside this computer is listened to".to_owned(),
            Some("End the demo to listen to real networks".to_owned()),
        );
    } else {
        networks(input, &mut findings);
        firewall::permissions(input, &mut findings);
        filters(input, &mut findings);
    }
    silence(input, &mut findings);
    port_holders(input, &mut findings);
    for interface in watched(input) {
        interface::state(interface, &mut findings);
        if interface.listening == Listening::On {
            interface::sockets(interface, input, &mut findings);
            interface::heard(interface, input.system.os, &mut findings);
        }
    }
    DoctorReport {
        when: input.now,
        checks: findings.in_order(),
        port_holders: input.holders.to_vec(),
        installation: input.installation.map_or_else(Vec::new, |found| {
            installation::checks(found, input.system.os, input.system.rule)
        }),
        firewall: firewall::state(input),
    }
}

/// What a finding points to, the most likely cause of silence first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    NoInterface,
    NoLink,
    NothingChosen,
    Listening,
    WindowsFirewall,
    MacPermission,
    Port,
    ReversePath,
    NoAddress,
    WifiOnly,
    Firewall,
    Losses,
    Counts,
    Facts,
}

struct Findings {
    found: Vec<(Cause, Check)>,
    /// Nothing at all was heard, for long enough to wonder.
    is_silent: bool,
}

impl Findings {
    fn add(
        &mut self,
        cause: Cause,
        verdict: Verdict,
        interface: Option<&Arc<str>>,
        what: String,
        hint: Option<String>,
    ) {
        let check = Check {
            verdict,
            interface: interface.cloned(),
            what,
            hint,
            remedies: Vec::new(),
        };
        self.push(cause, check);
    }

    fn push(&mut self, cause: Cause, check: Check) {
        self.found.push((cause, check));
    }

    /// What keeps units from being heard comes first, what is well comes last.
    fn in_order(mut self) -> Vec<Check> {
        self.found
            .sort_by_key(|(cause, check)| (std::cmp::Reverse(check.verdict), *cause));
        self.found.into_iter().map(|(_, check)| check).collect()
    }

    /// A suspicion: a warning while nothing is heard, worth knowing otherwise.
    const fn suspicion(&self) -> Verdict {
        if self.is_silent {
            Verdict::Warning
        } else {
            Verdict::Note
        }
    }
}

/// The interfaces that matter: loopback carries only the demo.
fn watched<'a>(input: &DoctorInput<'a>) -> impl Iterator<Item = &'a InterfaceState> + use<'a> {
    let demo = input.demo;
    input
        .interfaces
        .iter()
        .filter(move |interface| (interface.kind == InterfaceKind::Loopback) == demo)
}

fn listened<'a>(input: &DoctorInput<'a>) -> impl Iterator<Item = &'a InterfaceState> + use<'a> {
    watched(input).filter(|interface| interface.listening == Listening::On)
}

/// Whether there is a network to listen on at all.
fn networks(input: &DoctorInput<'_>, findings: &mut Findings) {
    let has_link = |interface: &&InterfaceState| interface.link != Link::Down;
    if watched(input).next().is_none() {
        findings.add(
            Cause::NoInterface,
            Verdict::Warning,
            None,
            "This computer has no network interface".to_owned(),
            Some("Plug in a network adapter; it is listened on as soon as it is there".to_owned()),
        );
        return;
    }
    if !watched(input).any(|interface| has_link(&interface)) {
        findings.add(
            Cause::NoLink,
            Verdict::Warning,
            None,
            "No network interface has a link".to_owned(),
            Some(
                "Plug a cable into the units' network, and see that the lamp beside the socket is \
                 lit"
                .to_owned(),
            ),
        );
        return;
    }
    if listened(input).next().is_none() {
        findings.add(
            Cause::NothingChosen,
            Verdict::Warning,
            None,
            "No network is listened on".to_owned(),
            Some("Switch the network of the units on, by its chip in the top bar".to_owned()),
        );
        return;
    }
    let is_wifi = |interface: &InterfaceState| interface.kind == InterfaceKind::Wireless;
    if watched(input)
        .filter(|interface| interface.kind != InterfaceKind::Virtual)
        .filter(has_link)
        .all(is_wifi)
        && listened(input).any(is_wifi)
    {
        findings.add(
            Cause::WifiOnly,
            findings.suspicion(),
            None,
            "Only Wi-Fi has a link, and many Wi-Fi networks keep broadcasts back".to_owned(),
            Some(
                "Plug the laptop into the units' network with a cable, or sweep the units' \
                 addresses"
                    .to_owned(),
            ),
        );
    }
}

/// Other programs on the ports.
fn port_holders(input: &DoctorInput<'_>, findings: &mut Findings) {
    let is_broadcast_only = |port: u16| {
        let mut on_port = listened(input)
            .filter(|interface| interface.sockets.iter().any(|socket| socket.port == port))
            .peekable();
        on_port.peek().is_some() && on_port.all(|interface| interface.broadcast_only)
    };
    let is_open = |port: u16| {
        listened(input)
            .flat_map(|interface| &interface.sockets)
            .any(|socket| socket.port == port && socket.bound.is_ok())
    };
    let is_refused = |port: u16| {
        let mut sockets = input.interfaces.iter().flat_map(|here| &here.sockets);
        sockets.any(|socket| socket.port == port && socket.bound.is_err())
    };
    let others = ports::others(input.holders);
    for holder in &others {
        let named = holder.named();
        let port = holder.port;
        let is_tcp = holder.protocol == "TCP";
        if is_tcp {
            // Only one program can accept connections on a port.
            findings.add(
                Cause::Port,
                Verdict::Note,
                None,
                format!(
                    "TCP {port} is held by {named}: units that connect to this computer there are \
                     heard by that program only"
                ),
                Some(format!(
                    "Close {named} when units are expected to connect; everything else works beside \
                     it"
                )),
            );
        } else if is_refused(port) {
            findings.add(
                Cause::Port,
                Verdict::Warning,
                None,
                format!(
                    "UDP {port} is held by {named} and not shared: what units send there is heard by \
                     that program only"
                ),
                Some(format!(
                    "Close {named}; Rollcall opens the port again by itself"
                )),
            );
        } else if !is_open(port) {
            findings.add(
                Cause::Port,
                Verdict::Note,
                None,
                format!("UDP {port} is held by {named}"),
                None,
            );
        } else if is_broadcast_only(port) {
            findings.add(
                Cause::Port,
                Verdict::Note,
                None,
                format!(
                    "UDP {port} is also held by {named}; Rollcall listens to broadcasts only and \
                     leaves it the rest"
                ),
                None,
            );
        } else {
            findings.add(
                Cause::Port,
                Verdict::Warning,
                None,
                format!(
                    "UDP {port} is also held by {named}: unicast answers may go to either program"
                ),
                Some(format!(
                    "Close {named}, or choose \"Listen to broadcasts only\" on the network's chip \
                     so that both can work"
                )),
            );
        }
    }
    let tcp_is_explained = others.iter().any(|holder| holder.protocol == "TCP");
    if let Some(error) = &input.system.own_tcp_error
        && !tcp_is_explained
    {
        findings.add(
            Cause::Port,
            Verdict::Note,
            None,
            format!("Units cannot connect to Rollcall: {error}"),
            Some(
                "Close the program that holds the port; everything else works beside it".to_owned(),
            ),
        );
    }
}

/// Linux's reverse-path filter (trap T24).
fn filters(input: &DoctorInput<'_>, findings: &mut Findings) {
    for interface in listened(input) {
        let filter = input
            .system
            .rp_filter
            .iter()
            .find(|(name, _)| **name == *interface.name)
            .map(|(_, filter)| *filter);
        let why = match filter {
            Some(RpFilter::Strict) => "the reverse-path filter is strict",
            Some(RpFilter::Loose) if input.system.default_route == Some(false) => {
                "the reverse-path filter is on and there is no default route"
            }
            Some(RpFilter::Off | RpFilter::Loose) | None => continue,
        };
        let name = interface.shown_name();
        // In sysctl's names a dot separates; one within an interface's name is written as a slash.
        let key = interface.name.replace('.', "/");
        findings.add(
            Cause::ReversePath,
            Verdict::Warning,
            Some(&interface.name),
            format!("Units with a foreign address cannot be heard on {name}: {why}"),
            Some(format!(
                "sudo sysctl -w net.ipv4.conf.{key}.rp_filter=0 net.ipv4.conf.all.rp_filter=0"
            )),
        );
    }
}

/// Says how long nothing was heard, when that is all there is to say.
fn silence(input: &DoctorInput<'_>, findings: &mut Findings) {
    let num_listened = listened(input).count();
    if !findings.is_silent || num_listened == 0 {
        return;
    }
    let millis = input.now.millis_since(input.totals.listening_since);
    // Words that change every second would be a new snapshot every second, and an idle window draws nothing.
    let how_long = if millis < 60_000 {
        format!("in {} s", millis / 1_000)
    } else {
        "for more than a minute".to_owned()
    };
    findings.add(
        Cause::Counts,
        Verdict::Note,
        None,
        format!(
            "Nothing was heard {how_long} on {}",
            counted(num_listened as u64, "network")
        ),
        Some(
            "See that the units have power and are in the same network as the laptop, then search \
             again or sweep their addresses"
                .to_owned(),
        ),
    );
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}

#[cfg(test)]
mod tests;
