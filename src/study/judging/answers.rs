//! What a unit's answers to a new address say: their type, their sequence, their fields, their status.

use super::{Finding, Verdict, both, counted, indices, listed, pairs};
use crate::study::reading::{Read, Reading};
use crate::wire::{IpStatus, Kind, Message};

pub(super) fn reply_code(reading: &Reading<'_>, request: Kind, reply: Kind) -> Finding {
    let answers: Vec<_> = reading
        .of_unit([reply])
        .filter_map(|read| Some((reading.request_of(read, request)?, read)))
        .collect();
    if !answers.is_empty() {
        return Finding::new(
            Verdict::Confirmed,
            format!("a {reply} came to a {request} to this unit, with its sequence"),
            indices(answers.iter().flat_map(|(asked, answer)| [*asked, *answer])),
        );
    }
    let other_codes: Vec<_> = reading
        .datagrams
        .iter()
        .filter(|read| matches!(read.kind(), Some(Kind::Other(_))) && reading.is_of_unit(read))
        .filter_map(|read| Some((reading.request_of(read, request)?, read)))
        .collect();
    if !other_codes.is_empty() {
        let codes = listed(
            other_codes.iter().filter_map(|(_, read)| read.kind()),
            |kind| format!("0x{:02x}", kind.code()),
        );
        return Finding::new(
            Verdict::Contradicted,
            format!("what came to a {request} to this unit, with its sequence, is of type {codes}"),
            indices(
                other_codes
                    .iter()
                    .flat_map(|(asked, answer)| [*asked, *answer]),
            ),
        );
    }
    let without: Vec<_> = reading.of_unit([reply]).collect();
    if without.is_empty() {
        Finding::open(format!("no {reply} came"))
    } else {
        Finding::new(
            Verdict::Open,
            format!(
                "a {reply} came, and no {request} with its sequence was seen in the 15 s before"
            ),
            indices(without),
        )
    }
}

pub(super) fn sequence_echoed(reading: &Reading<'_>) -> Finding {
    let mut same: Vec<(&Read<'_>, u16)> = Vec::new();
    let mut others: Vec<&Read<'_>> = Vec::new();
    for (request, reply) in [
        (Kind::DiscoverRequest, Kind::DiscoverReply),
        (Kind::TestIpRequest, Kind::TestIpReply),
        (Kind::SetIpRequest, Kind::SetIpReply),
    ] {
        let kinds = [reply];
        for read in reading.of_unit(kinds) {
            if read.datagram.is_unasked || !reading.is_asked_for(read, request) {
                continue;
            }
            match (reading.request_of(read, request), read.sequence()) {
                (Some(_), Some(sequence)) => same.push((read, sequence)),
                _ => others.push(read),
            }
        }
    }
    let mut sequences: Vec<u16> = same.iter().map(|(_, sequence)| *sequence).collect();
    sequences.sort_unstable();
    sequences.dedup();
    let is_chance = sequences.len() < 2 && sequences.iter().all(|sequence| *sequence < 2);
    let datagrams = indices(same.iter().map(|(read, _)| *read));
    match (same.len(), others.len()) {
        (0, 0) => Finding::open("no reply came within 15 s of a request that was seen"),
        // One alone may be an announcement that came just then.
        (0, 1) => Finding::new(
            Verdict::Open,
            "one reply within 15 s of a request has another sequence, which may be an announcement",
            indices(others),
        ),
        (0, num) => Finding::new(
            Verdict::Contradicted,
            format!(
                "{num} replies within 15 s of a request have another sequence, and none has the same"
            ),
            indices(others),
        ),
        _ if is_chance => Finding::new(
            Verdict::Open,
            "replies have the sequence of the request, which was 0 or 1: a fixed number would look the same",
            datagrams,
        ),
        (num, 0) => Finding::new(
            Verdict::Confirmed,
            format!(
                "{} with the sequence of the request: {}",
                counted(num, "reply", "replies"),
                listed(sequences, u16::to_string)
            ),
            datagrams,
        ),
        (num, num_others) => Finding::new(
            Verdict::Confirmed,
            format!(
                "{} with the sequence of the request; {num_others} within 15 s of a request with another one, which may \
                 be announcements",
                counted(num, "reply", "replies")
            ),
            datagrams,
        ),
    }
}

const ANSWERS: [Kind; 2] = [Kind::TestIpReply, Kind::SetIpReply];

pub(super) fn reply_fields(reading: &Reading<'_>) -> Finding {
    let is_as_assumed = |read: &&Read<'_>| {
        let Ok(decoded) = &read.decoded else {
            return false;
        };
        let (Message::TestIpReply(reply) | Message::SetIpReply(reply)) = &decoded.message else {
            return false;
        };
        let num_fields = decoded.frame.fields().count();
        reply.mac.is_some() && reply.status.is_some() && num_fields == 2
    };
    let (same, others): (Vec<_>, Vec<_>) = reading.of_unit(ANSWERS).partition(is_as_assumed);
    if !others.is_empty() {
        return Finding::new(
            Verdict::Contradicted,
            format!(
                "{} with other fields",
                counted(
                    others.len(),
                    "reply to a new address",
                    "replies to a new address"
                )
            ),
            indices(others),
        );
    }
    if same.is_empty() {
        return Finding::open("no test-IP or set-IP reply came");
    }
    if reading.study.unit.mac.is_none() && reading.mac.is_none() {
        return Finding::new(
            Verdict::Open,
            "field 1 looks like a MAC, and the unit's own is not known",
            indices(same),
        );
    }
    Finding::new(
        Verdict::Confirmed,
        format!(
            "{} with the unit's MAC and one more byte",
            counted(
                same.len(),
                "reply to a new address",
                "replies to a new address"
            )
        ),
        indices(same),
    )
}

/// The unit's answers with a status that can be read.
fn statuses<'a, 'b>(reading: &'a Reading<'b>) -> Vec<(&'a Read<'b>, IpStatus)> {
    reading
        .of_unit(ANSWERS)
        .filter_map(|read| match read.message() {
            Some(Message::TestIpReply(reply) | Message::SetIpReply(reply)) => {
                Some((read, reply.status?))
            }
            _ => None,
        })
        .collect()
}

/// The proof that the address was taken which this reply is about.
fn taken<'a, 'b>(reading: &'a Reading<'b>, answer: &'a Read<'b>) -> Option<&'a Read<'b>> {
    reading.proof_of(reading.request_of(answer, Kind::SetIpRequest)?)
}

pub(super) fn status_accepted(reading: &Reading<'_>) -> Finding {
    let zero: Vec<_> = statuses(reading)
        .into_iter()
        .filter(|(_, status)| *status == IpStatus::Accepted)
        .map(|(read, _)| read)
        .collect();
    if zero.is_empty() {
        return Finding::open("no reply with status 0 came");
    }
    let proven: Vec<_> = zero
        .iter()
        .filter(|read| read.kind() == Some(Kind::SetIpReply))
        .filter_map(|read| Some((*read, taken(reading, read)?)))
        .collect();
    let refuted: Vec<_> = zero
        .iter()
        .filter(|read| read.kind() == Some(Kind::SetIpReply))
        .filter_map(|read| {
            let request = reading.request_of(read, Kind::SetIpRequest)?;
            Some((*read, reading.still_old(request, read)?))
        })
        .collect();
    match (proven.is_empty(), refuted.is_empty()) {
        (true, true) => Finding::new(
            Verdict::Open,
            "a reply with status 0 came, and the unit was not heard with a new address after it",
            indices(zero),
        ),
        (false, true) => Finding::new(
            Verdict::Confirmed,
            "after a set-IP reply with status 0 the unit was heard with the new address",
            pairs(&proven),
        ),
        (true, false) => Finding::new(
            Verdict::Contradicted,
            "a minute and more after a set-IP reply with status 0 the unit still claimed the old address",
            pairs(&refuted),
        ),
        (false, false) => Finding::new(
            Verdict::Open,
            "after one set-IP reply with status 0 the unit was heard with the new address, a minute and more after \
             another it still claimed the old one",
            both(pairs(&proven), pairs(&refuted)),
        ),
    }
}

pub(super) fn status_values(reading: &Reading<'_>) -> Finding {
    let refusals: Vec<_> = statuses(reading)
        .into_iter()
        .filter(|(_, status)| *status != IpStatus::Accepted)
        .collect();
    if refusals.is_empty() {
        return Finding::open("no reply with another status than 0 came");
    }
    let seen = listed(
        refusals.iter().map(|(_, status)| status.code()),
        u8::to_string,
    );
    let unknown: Vec<_> = refusals
        .iter()
        .filter(|(_, status)| matches!(status, IpStatus::Unknown(_)))
        .map(|(read, _)| *read)
        .collect();
    if !unknown.is_empty() {
        return Finding::new(
            Verdict::Contradicted,
            format!("there is a status that the list does not have: {seen}"),
            indices(unknown),
        );
    }
    let taken: Vec<_> = refusals
        .iter()
        .filter(|(read, _)| read.kind() == Some(Kind::SetIpReply))
        .filter_map(|(read, _)| Some((*read, taken(reading, read)?)))
        .collect();
    if !taken.is_empty() {
        return Finding::new(
            Verdict::Contradicted,
            "the unit was heard with the new address although the status was a refusal",
            indices(taken.iter().flat_map(|(read, proof)| [*read, *proof])),
        );
    }
    Finding::new(
        Verdict::Open,
        format!("status seen: {seen}; what each means, the bytes do not tell"),
        indices(refusals.iter().map(|(read, _)| *read)),
    )
}
