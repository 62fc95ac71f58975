//! A study's datagrams, decoded once, with what belongs together: which reply came to which request, and which messages
//! are the unit's own. The rules that judge by it are in `judging.rs`.

use std::net::{IpAddr, Ipv4Addr};

use super::{StudiedDatagram, Study};
use crate::model::identity::Mac;
use crate::model::traffic::Direction;
use crate::wire::{Decoded, Kind, Message, Rejection, decode};

/// How long a request may be answered: as long as it keeps a discover reply from being an announcement.
pub(super) const ANSWER_MILLIS: u64 = 15_000;

/// How long a unit may take to be heard with a new address. Some start anew for it.
pub(super) const TAKEN_MILLIS: u64 = 600_000;

/// One datagram, decoded.
#[derive(Debug)]
pub(super) struct Read<'a> {
    /// Its index in the study.
    pub(super) idx: usize,
    pub(super) datagram: &'a StudiedDatagram,
    pub(super) decoded: Result<Decoded<'a>, Rejection>,
}

impl<'a> Read<'a> {
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
        Self {
            study,
            datagrams,
            mac,
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

    /// Requests of this kind that `answer` may be the answer to, the newest first: on the same network, at most 15 s
    /// before, and meant for this unit.
    pub(super) fn open_requests<'b>(
        &'b self,
        answer: &Read<'_>,
        kind: Kind,
    ) -> impl Iterator<Item = &'b Read<'a>> {
        self.before(answer, ANSWER_MILLIS).filter(move |request| {
            request.kind() == Some(kind)
                && request.datagram.interface == answer.datagram.interface
                && request.datagram.from != answer.datagram.from
                && (kind == Kind::DiscoverRequest || self.is_meant(request))
        })
    }

    /// The newest request of this kind that `answer` has the sequence of.
    pub(super) fn request_of(&self, answer: &Read<'_>, kind: Kind) -> Option<&Read<'a>> {
        self.open_requests(answer, kind)
            .find(|request| request.sequence() == answer.sequence())
    }

    /// Whether a request names this unit. A study without a MAC cannot tell.
    fn is_meant(&self, request: &Read<'_>) -> bool {
        self.mac.is_some() && request.mac() == self.mac
    }

    /// What came before, newest first, at most so long ago.
    fn before<'b>(&'b self, later: &Read<'_>, millis: u64) -> impl Iterator<Item = &'b Read<'a>> {
        self.datagrams[..later.idx]
            .iter()
            .rev()
            .take_while(move |read| later.datagram.when.millis_since(read.datagram.when) <= millis)
    }

    /// The unit's discover reply by which a set-IP request is proven: it claims the new address within ten minutes, and
    /// the last one before the request claimed another or none.
    pub(super) fn proof_of(&self, request: &Read<'_>) -> Option<&Read<'a>> {
        let Some(Message::SetIpRequest(wanted)) = request.message() else {
            return None;
        };
        let ip = wanted.ip.ip()?;
        let is_own = |read: &&Read<'_>| {
            self.mac.is_some()
                && self.is_of_unit(read)
                && read.mac() == self.mac
                && claimed_ip(read).is_some()
        };
        let earlier = self.datagrams[..request.idx].iter().rev().find(is_own)?;
        if !self.is_meant(request) || claimed_ip(earlier) == Some(Some(ip)) {
            return None;
        }
        self.datagrams[request.idx + 1..]
            .iter()
            .take_while(|read| {
                read.datagram.when.millis_since(request.datagram.when) <= TAKEN_MILLIS
            })
            .find(|read| is_own(read) && claimed_ip(read) == Some(Some(ip)))
    }

    /// Whether an address is one that this computer sent from.
    pub(super) fn is_ours(&self, ip: IpAddr) -> bool {
        self.datagrams
            .iter()
            .any(|read| read.datagram.direction == Direction::Sent && read.datagram.from.ip() == ip)
    }
}

/// What a discover reply claims: an address, or that it has none. Nothing where it says nothing.
fn claimed_ip(read: &Read<'_>) -> Option<Option<Ipv4Addr>> {
    match read.message()? {
        Message::DiscoverReply(reply) if reply.ip.is_stated() => Some(reply.ip.ip()),
        _ => None,
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
