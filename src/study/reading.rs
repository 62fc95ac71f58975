//! A study's datagrams, decoded once, with what belongs together: which reply came to which request, and which messages
//! are the unit's own. The rules that judge by it are in `judging.rs`.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};

use super::{StudiedDatagram, Study};
use crate::model::identity::Mac;
use crate::model::traffic::Direction;
use crate::wire::{Claimed, Decoded, Kind, Message, Rejection, decode};

/// How long a request may be answered: as long as it keeps a discover reply from being an announcement.
pub(super) const ANSWER_MILLIS: u64 = 15_000;

/// How long a unit may take to be heard with a new address. Some start anew for it.
pub(super) const TAKEN_MILLIS: u64 = 600_000;

/// A unit that still claims its old address after this long goes on claiming it: nothing that takes its time is meant.
pub(super) const STILL_MILLIS: u64 = 60_000;

/// How many of the requests that a message may answer are looked at, the newest. More of the same say no more.
const CANDIDATES: usize = 64;

/// One datagram, decoded.
#[derive(Debug)]
pub(super) struct Read<'a> {
    /// Its index in the study.
    pub(super) idx: usize,
    pub(super) datagram: &'a StudiedDatagram,
    pub(super) decoded: Result<Decoded<'a>, Rejection>,
}

impl Read<'_> {
    pub(super) fn message(&self) -> Option<&Message> {
        self.decoded.as_ref().ok().map(|decoded| &decoded.message)
    }

    pub(super) fn kind(&self) -> Option<Kind> {
        self.message().map(Message::kind)
    }

    pub(super) fn sequence(&self) -> Option<u16> {
        Some(self.decoded.as_ref().ok()?.frame.sequence())
    }

    pub(super) fn is_heard(&self) -> bool {
        self.datagram.direction == Direction::Heard
    }

    /// The MAC that it names: the unit's own in a reply, the one meant in a request.
    pub(super) fn mac(&self) -> Option<Mac> {
        let mac = match self.message()? {
            Message::DiscoverReply(reply) => reply.mac,
            Message::TestIpRequest(request) | Message::SetIpRequest(request) => request.mac,
            Message::TestIpReply(reply) | Message::SetIpReply(reply) => reply.mac,
            Message::DiscoverRequest | Message::Other(_) => None,
        };
        mac.map(Mac::new)
    }
}

/// All of them.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    pub(super) study: &'a Study,
    pub(super) datagrams: Vec<Read<'a>>,
    /// The unit's MAC: as it is known, else the one that all its discover replies name.
    pub(super) mac: Option<Mac>,
    /// Requests that this unit may answer, in order: by kind, network and sequence, and without the sequence as well.
    asked: HashMap<(Kind, &'a str, Option<u16>), Vec<usize>>,
    /// The set-IP requests among them, whatever their network.
    set_ips: Vec<usize>,
    /// The unit's discover replies that name it and claim an address, or none.
    claims: Vec<usize>,
    /// Those that claim an address, by the address.
    claims_of: HashMap<Ipv4Addr, Vec<usize>>,
    /// The addresses that this computer sent from.
    ours: HashSet<IpAddr>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(study: &'a Study) -> Self {
        let datagrams: Vec<Read<'a>> = study
            .datagrams
            .iter()
            .enumerate()
            .map(|(idx, datagram)| Read {
                idx,
                datagram,
                decoded: decode(&datagram.bytes),
            })
            .collect();
        let mac = study.unit.mac.or_else(|| only_mac(&datagrams));
        let mut reading = Self {
            study,
            datagrams: Vec::new(),
            mac,
            asked: HashMap::new(),
            set_ips: Vec::new(),
            claims: Vec::new(),
            claims_of: HashMap::new(),
            ours: HashSet::new(),
        };
        for read in &datagrams {
            reading.note(read);
        }
        reading.datagrams = datagrams;
        reading
    }

    /// Has a datagram found again by what it may belong to. There may be thousands, so nothing is looked for one by one.
    fn note(&mut self, read: &Read<'a>) {
        if read.datagram.direction == Direction::Sent {
            self.ours.insert(read.datagram.from.ip());
        }
        let Some(kind) = read.kind() else { return };
        if kind.is_request() && (kind == Kind::DiscoverRequest || self.is_meant(read)) {
            for sequence in [None, read.sequence()] {
                let key = (kind, &*read.datagram.interface, sequence);
                self.asked.entry(key).or_default().push(read.idx);
            }
            if kind == Kind::SetIpRequest {
                self.set_ips.push(read.idx);
            }
        }
        let is_own = self.mac.is_some() && read.mac() == self.mac && self.is_of_unit(read);
        let claimed = claimed_ip(read);
        if is_own && claimed.is_stated() {
            self.claims.push(read.idx);
            if let Some(ip) = claimed.ip() {
                self.claims_of.entry(ip).or_default().push(read.idx);
            }
        }
    }

    /// Whether a heard datagram is the unit's own: not one that names another unit, and no request.
    pub(super) fn is_of_unit(&self, read: &Read<'_>) -> bool {
        let is_request = read.kind().is_some_and(Kind::is_request);
        let names_another = match (read.mac(), self.mac) {
            (Some(named), Some(own)) => named != own,
            _ => false,
        };
        read.is_heard() && !is_request && !names_another
    }

    /// The unit's own messages of these kinds.
    pub(super) fn of_unit<'b, const N: usize>(
        &'b self,
        kinds: [Kind; N],
    ) -> impl Iterator<Item = &'b Read<'a>> {
        self.datagrams.iter().filter(move |read| {
            read.kind().is_some_and(|kind| kinds.contains(&kind)) && self.is_of_unit(read)
        })
    }

    /// Requests that other programs sent.
    pub(super) fn of_others<'b, const N: usize>(
        &'b self,
        kinds: [Kind; N],
    ) -> impl Iterator<Item = &'b Read<'a>> {
        self.datagrams.iter().filter(move |read| {
            read.is_heard() && read.kind().is_some_and(|kind| kinds.contains(&kind))
        })
    }

    /// The newest request of this kind that `answer` has the sequence of.
    pub(super) fn request_of(&self, answer: &Read<'_>, kind: Kind) -> Option<&Read<'a>> {
        let sequence = answer.sequence()?;
        self.newest_request(answer, kind, Some(sequence))
    }

    /// Whether there is a request of this kind that `answer` may be the answer to, whatever its sequence.
    pub(super) fn is_asked_for(&self, answer: &Read<'_>, kind: Kind) -> bool {
        self.newest_request(answer, kind, None).is_some()
    }

    /// The newest request that `answer` may be the answer to: on the same network, at most 15 s before, and meant for this
    /// unit.
    fn newest_request(
        &self,
        answer: &Read<'_>,
        kind: Kind,
        sequence: Option<u16>,
    ) -> Option<&Read<'a>> {
        let asked = self
            .asked
            .get(&(kind, &*answer.datagram.interface, sequence))?;
        let before = &asked[..asked.partition_point(|idx| *idx < answer.idx)];
        before
            .iter()
            .rev()
            .take(CANDIDATES)
            .map(|idx| &self.datagrams[*idx])
            .take_while(|request| {
                answer.datagram.when.millis_since(request.datagram.when) <= ANSWER_MILLIS
            })
            .find(|request| request.datagram.from != answer.datagram.from)
    }

    /// Whether a request names this unit. A study without a MAC cannot tell.
    fn is_meant(&self, request: &Read<'_>) -> bool {
        self.mac.is_some() && request.mac() == self.mac
    }

    /// What the unit claimed last before a datagram.
    fn claim_before(&self, idx: usize) -> Option<&Read<'a>> {
        let num_before = self.claims.partition_point(|claim| *claim < idx);
        Some(&self.datagrams[self.claims[num_before.checked_sub(1)?]])
    }

    /// The unit's discover reply by which a set-IP request is proven: it claims the new address within ten minutes, and
    /// the last one before the request claimed another or none.
    pub(super) fn proof_of(&self, request: &Read<'_>) -> Option<&Read<'a>> {
        let ip = wanted_ip(request)?;
        let earlier = self.claim_before(request.idx)?;
        if !self.is_meant(request) || claimed_ip(earlier) == Claimed::Ip(ip) {
            return None;
        }
        let claims = self.claims_of.get(&ip)?;
        let next = claims.partition_point(|claim| *claim <= request.idx);
        let proof = &self.datagrams[*claims.get(next)?];
        let millis = proof.datagram.when.millis_since(request.datagram.when);
        (millis <= TAKEN_MILLIS).then_some(proof)
    }

    /// The unit's discover reply that speaks against a set-IP request having been obeyed, although `answer` came to it: a
    /// minute and more later it claims the address that it had before, and within ten minutes never the new one. What comes
    /// after another set-IP request says nothing.
    pub(super) fn still_old(&self, request: &Read<'_>, answer: &Read<'_>) -> Option<&Read<'a>> {
        let ip = wanted_ip(request)?;
        let old = claimed_ip(self.claim_before(request.idx)?);
        if !self.is_meant(request) || old == Claimed::Ip(ip) || self.proof_of(request).is_some() {
            return None;
        }
        let next_request = self.set_ips.partition_point(|idx| *idx <= answer.idx);
        let end = self.set_ips.get(next_request).copied();
        let since_answer = |idx: usize| {
            let when = self.datagrams[idx].datagram.when;
            when.millis_since(answer.datagram.when)
        };
        let first = self
            .claims
            .partition_point(|idx| *idx <= answer.idx || since_answer(*idx) < STILL_MILLIS);
        let idx = *self.claims.get(first)?;
        let claim = &self.datagrams[idx];
        let is_in_time = since_answer(idx) <= TAKEN_MILLIS && end.is_none_or(|end| idx < end);
        (is_in_time && claimed_ip(claim) == old).then_some(claim)
    }

    /// Whether an address is one that this computer sent from.
    pub(super) fn is_ours(&self, ip: IpAddr) -> bool {
        self.ours.contains(&ip)
    }
}

/// The address that a set-IP request wants the unit to have.
fn wanted_ip(request: &Read<'_>) -> Option<Ipv4Addr> {
    match request.message()? {
        Message::SetIpRequest(wanted) => wanted.ip.ip(),
        _ => None,
    }
}

/// What a discover reply claims: an address, or that it has none. Absent where it says nothing.
fn claimed_ip(read: &Read<'_>) -> Claimed {
    match read.message() {
        Some(Message::DiscoverReply(reply)) => reply.ip,
        _ => Claimed::Absent,
    }
}

/// The MAC that every discover reply names, when there is but one.
fn only_mac(datagrams: &[Read<'_>]) -> Option<Mac> {
    let mut macs = datagrams
        .iter()
        .filter(|read| read.is_heard() && read.kind() == Some(Kind::DiscoverReply))
        .filter_map(Read::mac);
    let first = macs.next()?;
    macs.all(|mac| mac == first).then_some(first)
}
