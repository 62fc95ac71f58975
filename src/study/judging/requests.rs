//! What the requests of other programs say, and what came of set-IP requests.

use super::{Finding, MODE_IPV6, Verdict, both, counted, indices, pairs};
use crate::study::reading::{Read, Reading};
use crate::wire::{Kind, Meaning, Message, Remark};

pub(super) fn discover_field(reading: &Reading<'_>) -> Finding {
    let requests: Vec<_> = reading.of_others([Kind::DiscoverRequest]).collect();
    if requests.is_empty() {
        return Finding::open("no other program searched");
    }
    let is_known = |read: &&Read<'_>| {
        let Ok(decoded) = &read.decoded else {
            return false;
        };
        let mut fields = decoded.frame.fields();
        let is_constant = fields.next().is_some_and(|field| {
            Meaning::of(Kind::DiscoverRequest, field.kind) == Some(Meaning::RequestConstant)
                && field.value == [0x01, 0x08]
        });
        is_constant && fields.next().is_none()
    };
    let (same, others): (Vec<_>, Vec<_>) = requests.into_iter().partition(is_known);
    if others.is_empty() {
        // It may be another Rollcall.
        return Finding::new(
            Verdict::Open,
            format!(
                "{} of another program with 01 08: what it means stays unknown",
                counted(same.len(), "discover request", "discover requests")
            ),
            indices(same),
        );
    }
    Finding::new(
        Verdict::Contradicted,
        format!(
            "{} of another program with something else than 01 08",
            counted(others.len(), "discover request", "discover requests")
        ),
        indices(others),
    )
}

pub(super) fn assign_mode(reading: &Reading<'_>) -> Finding {
    let requests = [Kind::TestIpRequest, Kind::SetIpRequest];
    let mut fitting = Vec::new();
    let mut others = Vec::new();
    for read in reading.of_others(requests) {
        let Some(Message::TestIpRequest(request) | Message::SetIpRequest(request)) = read.message()
        else {
            continue;
        };
        let has_bit = request.mode.map(|mode| mode & MODE_IPV6 != 0);
        match (has_bit, request.prefix_len) {
            (None, None) => {}
            (Some(true), Some(_)) | (Some(false), None) => fitting.push(read),
            (Some(true), None) | (None | Some(false), Some(_)) => others.push(read),
        }
    }
    let has_variant = fitting.iter().any(|read| match read.message() {
        Some(Message::TestIpRequest(request) | Message::SetIpRequest(request)) => {
            request.prefix_len.is_some()
        }
        _ => false,
    });
    if !others.is_empty() {
        return Finding::new(
            Verdict::Contradicted,
            "a request of another program has one of the two without the other",
            indices(others),
        );
    }
    if has_variant {
        return Finding::new(
            Verdict::Confirmed,
            "requests of another program have both or none",
            indices(fitting),
        );
    }
    if fitting.is_empty() {
        Finding::open("no request of another program has field 5 or a prefix length")
    } else {
        Finding::new(
            Verdict::Open,
            "field 5 came without the bit, and the mask had 4 bytes",
            indices(fitting),
        )
    }
}

pub(super) fn set_ip_body(reading: &Reading<'_>) -> Finding {
    let odd: Vec<_> = reading
        .of_others([Kind::SetIpRequest])
        .filter(|read| !has_assumed_body(read))
        .collect();
    let proven: Vec<_> = reading
        .datagrams
        .iter()
        .filter(|read| has_assumed_body(read))
        .filter_map(|read| Some((read, reading.proof_of(read)?)))
        .collect();
    if !proven.is_empty() && !odd.is_empty() {
        return Finding::new(
            Verdict::Open,
            "after a set-IP request with these fields the unit was heard with the new address, and a set-IP request of \
             another program has other fields",
            both(pairs(&proven), indices(odd)),
        );
    }
    if !proven.is_empty() {
        return Finding::new(
            Verdict::Confirmed,
            "after a set-IP request with these fields the unit was heard with the new address",
            pairs(&proven),
        );
    }
    if !odd.is_empty() {
        return Finding::new(
            Verdict::Contradicted,
            "a set-IP request of another program has other fields",
            indices(odd),
        );
    }
    let same: Vec<_> = reading.of_others([Kind::SetIpRequest]).collect();
    if same.is_empty() {
        Finding::open("after no set-IP request was the unit heard with the new address")
    } else {
        Finding::new(
            Verdict::Open,
            "a set-IP request of another program has these fields; the unit was not heard with the new address",
            indices(same),
        )
    }
}

/// Whether a set-IP request has MAC, address, mask and gateway, each as assumed, and nothing else but a mode.
fn has_assumed_body(read: &Read<'_>) -> bool {
    let Ok(decoded) = &read.decoded else {
        return false;
    };
    let Message::SetIpRequest(request) = &decoded.message else {
        return false;
    };
    let all_known = decoded
        .frame
        .fields()
        .all(|field| Meaning::of(Kind::SetIpRequest, field.kind).is_some());
    all_known
        && !decoded.remarks.contains(Remark::BadLength)
        && request.mac.is_some()
        && request.ip.is_stated()
        && (request.mask.is_stated() || request.prefix_len.is_some())
        && request.gateway.is_stated()
}
