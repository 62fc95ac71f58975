//! What the doctor says about one interface: how it stands, its sockets, what was heard and lost.

use super::{Cause, DoctorInput, Findings, Os, counted};
use crate::engine::ports;
use crate::model::network::{InterfaceState, Link, Listening, PortHolder, SocketState};
use crate::model::snapshot::Verdict;

/// A receive buffer below this may overflow in a storm: about 10,000 replies of 100 bytes, each of
/// which the kernel counts with its bookkeeping.
const ENOUGH_BUFFER_BYTES: u64 = 4 << 20;

/// How an interface stands.
pub(super) fn state(interface: &InterfaceState, findings: &mut Findings) {
    let name = interface.shown_name();
    let id = Some(&interface.name);
    match &interface.listening {
        Listening::Trouble(why) => findings.add(
            Cause::Listening,
            Verdict::Warning,
            id,
            format!("{name} is not listened on as it should be: {why}"),
            None,
        ),
        Listening::Off(_) if interface.link == Link::Down => findings.add(
            Cause::Facts,
            Verdict::Note,
            id,
            format!("{name} has no link"),
            Some("Plug in a cable when units are to be heard there".to_owned()),
        ),
        Listening::Off(why) => findings.add(
            Cause::Facts,
            Verdict::Note,
            id,
            format!("{name} is off: {why}"),
            Some("Switch it on by its chip when units are to be heard there".to_owned()),
        ),
        Listening::On if interface.networks.is_empty() => findings.add(
            Cause::NoAddress,
            findings.suspicion(),
            id,
            format!(
                "{name} is listened on without an IPv4 address: broadcasts are heard, units cannot \
                 answer to the laptop alone"
            ),
            Some(
                "Give it an address in the units' subnet, or leave it as it is: units that announce \
                 themselves are heard"
                    .to_owned(),
            ),
        ),
        Listening::On => {
            let networks: Vec<_> = interface
                .networks
                .iter()
                .map(ToString::to_string)
                .collect();
            let link = match interface.link {
                Link::Up => "has a link",
                Link::Down => "has no link just now",
                Link::Unknown => "does not tell whether it has a link",
            };
            findings.add(
                Cause::Facts,
                Verdict::Good,
                id,
                format!("{name} {link} and is listened on as {}", networks.join(", ")),
                None,
            );
        }
    }
    if let Some((_, error)) = &interface.last_error {
        findings.add(
            Cause::Listening,
            Verdict::Note,
            id,
            format!("The newest trouble on {name} was: {error}"),
            None,
        );
    }
}

/// Which sockets are open, and how much they hold.
pub(super) fn sockets(
    interface: &InterfaceState,
    input: &DoctorInput<'_>,
    findings: &mut Findings,
) {
    let name = interface.shown_name();
    let id = Some(&interface.name);
    let mut open = Vec::new();
    let mut smallest_bytes = u64::MAX;
    for socket in &interface.sockets {
        match &socket.bound {
            Ok(buffer_bytes) => {
                open.push(format!("{} ({})", socket.port, socket.role));
                smallest_bytes = smallest_bytes.min(*buffer_bytes);
            }
            Err(why) => findings.add(
                Cause::Port,
                Verdict::Warning,
                id,
                format!(
                    "UDP {} ({}) is not open on {name}: {why}",
                    socket.port, socket.role
                ),
                unbound_hint(socket, input),
            ),
        }
    }
    if open.is_empty() {
        return;
    }
    findings.add(
        Cause::Facts,
        Verdict::Good,
        id,
        format!(
            "On {name}, UDP {} are open, with a receive buffer of {} or more",
            open.join(", "),
            in_bytes(smallest_bytes)
        ),
        None,
    );
    if smallest_bytes < ENOUGH_BUFFER_BYTES {
        let hint = (input.system.os == Os::Linux).then(|| {
            "Allow more with: sudo sysctl -w net.core.rmem_max=8388608, then start Rollcall again"
                .to_owned()
        });
        findings.add(
            Cause::Losses,
            Verdict::Note,
            id,
            format!(
                "The system grants only {} of receive buffer on {name}: when thousands of units \
                 answer at once, some answers may be lost",
                in_bytes(smallest_bytes)
            ),
            hint,
        );
    }
}

fn unbound_hint(socket: &SocketState, input: &DoctorInput<'_>) -> Option<String> {
    let holders: Vec<_> = ports::others(input.holders)
        .iter()
        .filter(|holder| holder.port == socket.port && holder.protocol == "UDP")
        .map(PortHolder::named)
        .collect();
    (!holders.is_empty()).then(|| {
        format!(
            "Close {}; Rollcall takes the port as soon as it is free",
            holders.join(" and ")
        )
    })
}

/// What came in, and what was lost.
pub(super) fn heard(interface: &InterfaceState, os: Os, findings: &mut Findings) {
    let name = interface.shown_name();
    let id = Some(&interface.name);
    let counters = &interface.counters;
    if counters.heard == 0 {
        findings.add(
            Cause::Counts,
            Verdict::Note,
            id,
            format!(
                "{name} has heard nothing yet; {} left there",
                counted(counters.asked, "question")
            ),
            None,
        );
    } else {
        let refused = [
            (counters.not_aidp, "no AIDP"),
            (
                counters.payload_overrun,
                "longer by their header than they are",
            ),
            (
                counters.field_overrun,
                "with a field that runs over the end",
            ),
        ];
        let reasons: Vec<_> = refused
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, why)| format!("{count} {why}"))
            .collect();
        let mut what = format!(
            "{name} has heard {} and understood {}",
            counted(counters.heard, "datagram"),
            counters.understood
        );
        if !reasons.is_empty() {
            what = format!("{what}; refused: {}", reasons.join(", "));
        }
        let is_all_understood = counters.not_understood() == 0;
        findings.add(
            Cause::Counts,
            if is_all_understood {
                Verdict::Good
            } else {
                Verdict::Note
            },
            id,
            what,
            (!is_all_understood).then(|| {
                "Look at the datagrams that were not understood: they may be from units of a kind \
                 that is not known yet"
                    .to_owned()
            }),
        );
    }
    match counters.kernel_drops {
        Some(0) => {}
        Some(drops) => findings.add(
            Cause::Losses,
            Verdict::Warning,
            id,
            format!(
                "The system has dropped {} on {name} before Rollcall could take them",
                counted(drops, "datagram")
            ),
            Some("Search again: units that were missed answer the next search".to_owned()),
        ),
        None => findings.add(
            Cause::Facts,
            Verdict::Good,
            id,
            format!("How many datagrams the system dropped on {name} is unknown: it does not tell"),
            None,
        ),
    }
    if counters.queue_drops > 0 {
        findings.add(
            Cause::Losses,
            Verdict::Warning,
            id,
            format!(
                "Rollcall could not keep up on {name} and dropped {}",
                counted(counters.queue_drops, "datagram")
            ),
            Some("Look for a sender that floods, then search again".to_owned()),
        );
    }
    if counters.ask_errors > 0 {
        let is_deaf = counters.asked == 0;
        findings.add(
            Cause::Listening,
            if is_deaf {
                Verdict::Warning
            } else {
                Verdict::Note
            },
            id,
            format!(
                "{} could not be sent on {name}; {} left",
                counted(counters.ask_errors, "question"),
                counters.asked
            ),
            Some(if os == Os::MacOs {
                // Denied access shows as an error of every send (trap T15).
                "See that Rollcall is on in System Settings › Privacy & Security › Local Network, \
                 and that the network has a link"
                    .to_owned()
            } else {
                "Look at the address and the link of the network; units that announce themselves \
                 are heard all the same"
                    .to_owned()
            }),
        );
    }
}

fn in_bytes(bytes: u64) -> String {
    if bytes >= 1 << 20 {
        format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
    } else {
        format!("{} KiB", bytes >> 10)
    }
}
