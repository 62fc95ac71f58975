//! What the way says by which messages came: TCP, the port, the receiver.

use super::{Finding, Verdict, answered, counted, indices, is_to_all, replies, unasked};
use crate::model::sighting::Channel;
use crate::study::reading::Reading;
use crate::wire::{PORT_INSTALL, Rejection};

pub(super) fn tcp_stream(reading: &Reading<'_>) -> Finding {
    let by_tcp: Vec<_> = reading
        .datagrams
        .iter()
        .filter(|read| read.datagram.channel == Channel::Tcp3502 && read.is_heard())
        .filter(|read| !read.datagram.bytes.is_empty())
        .collect();
    let decoded: Vec<_> = by_tcp
        .iter()
        .copied()
        .filter(|read| read.decoded.is_ok() && reading.is_of_unit(read))
        .collect();
    if !decoded.is_empty() {
        return Finding::new(
            Verdict::Confirmed,
            format!(
                "{} by TCP from this unit can be decoded",
                counted(decoded.len(), "message", "messages")
            ),
            indices(decoded),
        );
    }
    let foreign: Vec<_> = by_tcp
        .iter()
        .copied()
        .filter(|read| matches!(read.decoded, Err(Rejection::NotAidp { .. })))
        .collect();
    if !foreign.is_empty() {
        return Finding::new(
            Verdict::Contradicted,
            "what came by TCP is not AIDP",
            indices(foreign),
        );
    }
    if by_tcp.is_empty() {
        Finding::open("nothing came by TCP")
    } else {
        Finding::new(
            Verdict::Open,
            "what came by TCP begins as AIDP and cannot be decoded",
            indices(by_tcp),
        )
    }
}

pub(super) fn tcp_connects(reading: &Reading<'_>) -> Finding {
    let by_tcp: Vec<_> = unasked(reading)
        .filter(|read| read.datagram.channel == Channel::Tcp3502)
        .collect();
    // Who was connected to answers from the port that was asked.
    let connected: Vec<_> = by_tcp
        .iter()
        .copied()
        .filter(|read| read.datagram.from.port() != PORT_INSTALL)
        .collect();
    if connected.is_empty() {
        return Finding::new(
            Verdict::Open,
            "no discover reply came by TCP from a unit that had connected by itself",
            indices(by_tcp),
        );
    }
    Finding::new(
        Verdict::Confirmed,
        format!(
            "{} came by TCP, unasked, from a port of the unit's own",
            replies(connected.len())
        ),
        indices(connected),
    )
}

pub(super) fn reply_port(reading: &Reading<'_>) -> Finding {
    // Only of our own requests is it known which port asked.
    let ours: Vec<_> = answered(reading)
        .filter(|(_, request)| !request.is_heard())
        .map(|(read, _)| read)
        .filter(|read| read.datagram.channel != Channel::Tcp3502)
        .collect();
    if ours.is_empty() {
        return Finding::open(
            "no reply with the sequence of a request of this computer came by UDP",
        );
    }
    let (asking, known): (Vec<_>, Vec<_>) = ours
        .into_iter()
        .partition(|read| read.datagram.channel == Channel::UdpAsking);
    match (asking.is_empty(), known.is_empty()) {
        (false, true) => Finding::new(
            Verdict::Confirmed,
            format!("{} came to the port that asked", replies(asking.len())),
            indices(asking),
        ),
        (true, _) => Finding::new(
            Verdict::Contradicted,
            format!(
                "{} came to a well-known port, and none to the one that asked",
                replies(known.len())
            ),
            indices(known),
        ),
        (false, false) => Finding::new(
            Verdict::Confirmed,
            format!(
                "{} came to the port that asked, and {} to a well-known one as well",
                replies(asking.len()),
                known.len()
            ),
            indices(asking.into_iter().chain(known)),
        ),
    }
}

pub(super) fn reply_unicast(reading: &Reading<'_>) -> Finding {
    let mut to_asker = Vec::new();
    let mut to_all = Vec::new();
    for (read, request) in answered(reading) {
        if read.datagram.channel == Channel::Tcp3502 {
            continue;
        }
        match read.datagram.to.map(|to| to.ip()) {
            Some(ip) if is_to_all(ip) => to_all.push(read),
            Some(ip) if ip == request.datagram.from.ip() => to_asker.push(read),
            _ => {}
        }
    }
    match (to_asker.is_empty(), to_all.is_empty()) {
        (true, true) => Finding::open("of no reply to a request is it known whom it was sent to"),
        (false, true) => Finding::new(
            Verdict::Confirmed,
            format!("{} went to the address that asked", replies(to_asker.len())),
            indices(to_asker),
        ),
        (true, false) => Finding::new(
            Verdict::Contradicted,
            format!("{} went to everybody", replies(to_all.len())),
            indices(to_all),
        ),
        (false, false) => Finding::new(
            Verdict::Open,
            "some replies went to the address that asked, others to everybody",
            indices(to_asker.into_iter().chain(to_all)),
        ),
    }
}
