//! What a unit's discover replies say: announcements, the model number, the host name, the modes.

use std::net::IpAddr;

use super::{Finding, MODE_IPV6, Verdict, indices, is_ipv6, is_to_all, listed, replies, unasked};
use crate::model::sighting::Channel;
use crate::study::reading::{Read, Reading};
use crate::wire::{Kind, Meaning, Message};

pub(super) fn announcement_unasked(reading: &Reading<'_>) -> Finding {
    let (right, elsewhere): (Vec<_>, Vec<_>) =
        unasked(reading).partition(|read| read.datagram.channel == Channel::Udp3502);
    if !right.is_empty() {
        let because = format!("{} came unasked on UDP 3502", replies(right.len()));
        return Finding::new(Verdict::Confirmed, because, indices(right));
    }
    if elsewhere.is_empty() {
        return Finding::open("no discover reply came unasked");
    }
    let channels = listed(
        elsewhere.iter().map(|read| read.datagram.channel),
        |channel| channel.word().to_owned(),
    );
    // Nothing on 3502 may be the fault of another program that holds the port.
    let because = format!(
        "{} came unasked, on {channels} and not on UDP 3502",
        replies(elsewhere.len())
    );
    Finding::new(Verdict::Open, because, indices(elsewhere))
}

pub(super) fn announcement_broadcast(reading: &Reading<'_>) -> Finding {
    let announcements: Vec<_> = unasked(reading)
        .filter(|read| read.datagram.channel != Channel::Tcp3502)
        .collect();
    if announcements.is_empty() {
        return Finding::open("no discover reply came unasked");
    }
    let to = |read: &&Read<'_>| read.datagram.to.map(|to| to.ip());
    let broadcast: Vec<_> = announcements
        .iter()
        .copied()
        .filter(|read| to(read).is_some_and(is_to_all))
        .collect();
    let to_us: Vec<_> = announcements
        .iter()
        .copied()
        .filter(|read| to(read).is_some_and(|ip| reading.is_ours(ip)))
        .collect();
    match (broadcast.is_empty(), to_us.is_empty()) {
        (false, true) => Finding::new(
            Verdict::Confirmed,
            format!("{} came unasked to everybody", replies(broadcast.len())),
            indices(broadcast),
        ),
        (true, false) => Finding::new(
            Verdict::Contradicted,
            format!(
                "{} came unasked to the address of this computer",
                replies(to_us.len())
            ),
            indices(to_us),
        ),
        (false, false) => Finding::new(
            Verdict::Open,
            "some came unasked to everybody, others to the address of this computer",
            indices(announcements),
        ),
        (true, true) => Finding::new(
            Verdict::Open,
            "the receivers are not known, or may be the broadcast address of a network",
            indices(announcements),
        ),
    }
}

pub(super) fn announcement_sequence(reading: &Reading<'_>) -> Finding {
    let announcements: Vec<_> = unasked(reading).collect();
    if announcements.is_empty() {
        return Finding::open("no discover reply came unasked");
    }
    let sequences = listed(
        announcements.iter().filter_map(|read| read.sequence()),
        u16::to_string,
    );
    Finding::new(
        Verdict::Open,
        format!("sequences seen: {sequences}"),
        indices(announcements),
    )
}

pub(super) fn model_number(reading: &Reading<'_>) -> Finding {
    let numbered: Vec<(&Read<'_>, u16)> = reading
        .of_unit([Kind::DiscoverReply])
        .filter_map(|read| match read.message() {
            Some(Message::DiscoverReply(reply)) => Some((read, reply.model_number?)),
            _ => None,
        })
        .collect();
    if numbered.is_empty() {
        return Finding::open("no discover reply has a model number");
    }
    let seen = listed(numbered.iter().map(|(_, number)| *number), u16::to_string);
    let datagrams = indices(numbered.iter().map(|(read, _)| *read));
    let object_id = reading.study.unit.sys_object_id.as_deref();
    let Some(arc) = object_id.and_then(last_arc) else {
        let because = format!("model number {seen}, and the sysObjectID is not known");
        return Finding::new(Verdict::Open, because, datagrams);
    };
    let (same, others): (Vec<_>, Vec<_>) = numbered
        .iter()
        .partition(|(_, number)| u32::from(*number) == arc);
    match (same.is_empty(), others.is_empty()) {
        (false, true) => Finding::new(
            Verdict::Confirmed,
            format!("model number {seen}, and the last arc of the sysObjectID is {arc}"),
            datagrams,
        ),
        (_, false) => Finding::new(
            Verdict::Contradicted,
            format!("model number {seen}, and the last arc of the sysObjectID is {arc}"),
            indices(others.iter().map(|(read, _)| *read)),
        ),
        (true, true) => Finding::open("no discover reply has a model number"),
    }
}

/// The last number of an object id.
fn last_arc(object_id: &str) -> Option<u32> {
    let arcs = object_id.trim().trim_start_matches('.');
    let all_numbers = arcs
        .split('.')
        .all(|arc| !arc.is_empty() && arc.bytes().all(|byte| byte.is_ascii_digit()));
    let (_, last) = arcs.rsplit_once('.')?;
    last.parse().ok().filter(|_| all_numbers)
}

/// The host name fields of the unit's discover replies, the first of each.
fn host_names<'a, 'b>(reading: &'a Reading<'b>) -> impl Iterator<Item = (&'a Read<'b>, &'b [u8])> {
    reading.of_unit([Kind::DiscoverReply]).filter_map(|read| {
        let decoded = read.decoded.as_ref().ok()?;
        let field = decoded.frame.fields().find(|field| {
            Meaning::of(Kind::DiscoverReply, field.kind) == Some(Meaning::HostName)
        })?;
        Some((read, field.value))
    })
}

fn before_nul(value: &[u8]) -> &[u8] {
    value.split(|byte| *byte == 0).next().unwrap_or_default()
}

pub(super) fn host_name_encoding(reading: &Reading<'_>) -> Finding {
    let names: Vec<_> = host_names(reading)
        .map(|(read, value)| (read, before_nul(value)))
        .filter(|(_, name)| !name.is_empty())
        .collect();
    let (utf8, others): (Vec<_>, Vec<_>) = names
        .iter()
        .filter(|(_, name)| !name.is_ascii())
        .partition(|(_, name)| std::str::from_utf8(name).is_ok());
    if !others.is_empty() {
        return Finding::new(
            Verdict::Contradicted,
            "a host name has bytes outside ASCII that are not UTF-8",
            indices(others.iter().map(|(read, _)| *read)),
        );
    }
    if !utf8.is_empty() {
        return Finding::new(
            Verdict::Confirmed,
            "a host name has bytes outside ASCII, and they are UTF-8",
            indices(utf8.iter().map(|(read, _)| *read)),
        );
    }
    if names.is_empty() {
        Finding::open("no discover reply has a host name")
    } else {
        Finding::new(
            Verdict::Open,
            "every host name is ASCII",
            indices(names.iter().map(|(read, _)| *read)),
        )
    }
}

pub(super) fn host_name_padding(reading: &Reading<'_>) -> Finding {
    let with_nul: Vec<_> = host_names(reading)
        .filter(|(_, value)| value.contains(&0))
        .collect();
    if with_nul.is_empty() {
        return Finding::open("no host name has a NUL in it");
    }
    let followed: Vec<_> = with_nul
        .iter()
        .filter(|(_, value)| {
            value[before_nul(value).len()..]
                .iter()
                .any(|byte| *byte != 0)
        })
        .collect();
    if followed.is_empty() {
        Finding::new(
            Verdict::Confirmed,
            "nothing but NULs follows the first one",
            indices(with_nul.iter().map(|(read, _)| *read)),
        )
    } else {
        Finding::new(
            Verdict::Contradicted,
            "other bytes follow the first NUL of a host name",
            indices(followed.iter().map(|(read, _)| *read)),
        )
    }
}

fn modes<'a, 'b>(reading: &'a Reading<'b>) -> Vec<(&'a Read<'b>, u8)> {
    reading
        .of_unit([Kind::DiscoverReply])
        .filter_map(|read| match read.message() {
            Some(Message::DiscoverReply(reply)) => Some((read, reply.modes?)),
            _ => None,
        })
        .collect()
}

pub(super) fn modes_ipv6(reading: &Reading<'_>) -> Finding {
    let modes = modes(reading);
    if modes.is_empty() {
        return Finding::open("no discover reply has modes");
    }
    let by_ipv6: Vec<_> = modes
        .iter()
        .filter(|(read, _)| is_ipv6(read.datagram.from.ip()))
        .collect();
    let without: Vec<_> = by_ipv6
        .iter()
        .filter(|(_, bits)| bits & MODE_IPV6 == 0)
        .collect();
    if !without.is_empty() {
        return Finding::new(
            Verdict::Contradicted,
            "a discover reply came by IPv6 and does not have the bit",
            indices(without.iter().map(|(read, _)| *read)),
        );
    }
    if !by_ipv6.is_empty() {
        return Finding::new(
            Verdict::Open,
            "a discover reply came by IPv6 and has the bit, which fits and proves nothing",
            indices(by_ipv6.iter().map(|(read, _)| *read)),
        );
    }
    let num_set = modes
        .iter()
        .filter(|(_, bits)| bits & MODE_IPV6 != 0)
        .count();
    Finding::new(
        Verdict::Open,
        format!(
            "{num_set} of {} have the bit, and none came by IPv6",
            replies(modes.len())
        ),
        indices(modes.iter().map(|(read, _)| *read)),
    )
}

pub(super) fn modes_others(reading: &Reading<'_>) -> Finding {
    let modes = modes(reading);
    if modes.is_empty() {
        return Finding::open("no discover reply has modes");
    }
    let seen = listed(modes.iter().map(|(_, bits)| *bits), |bits| {
        format!("0x{bits:02x}")
    });
    Finding::new(
        Verdict::Open,
        format!("modes seen: {seen}"),
        indices(modes.iter().map(|(read, _)| *read)),
    )
}

pub(super) fn ipv6_fields(reading: &Reading<'_>) -> Finding {
    let kinds = [Kind::DiscoverReply];
    let mut found: Vec<(&Read<'_>, bool)> = Vec::new();
    for read in reading.of_unit(kinds) {
        let Ok(decoded) = &read.decoded else { continue };
        for field in decoded.frame.fields() {
            let is_ip = matches!(
                Meaning::of(Kind::DiscoverReply, field.kind),
                Some(Meaning::Ip | Meaning::Gateway)
            );
            if let Ok(octets) = <[u8; 16]>::try_from(field.value)
                && is_ip
            {
                let is_sender = read.datagram.from.ip() == IpAddr::from(octets);
                found.push((read, is_sender));
            }
        }
    }
    if found.is_empty() {
        return Finding::open("no address field has 16 bytes");
    }
    let senders: Vec<_> = found.iter().filter(|(_, is_sender)| *is_sender).collect();
    if senders.is_empty() {
        return Finding::new(
            Verdict::Open,
            "an address field has 16 bytes, and they are not the address that the unit sends from",
            indices(found.iter().map(|(read, _)| *read)),
        );
    }
    Finding::new(
        Verdict::Confirmed,
        "an address field has 16 bytes, and they are the address that the unit sends from",
        indices(senders.iter().map(|(read, _)| *read)),
    )
}
