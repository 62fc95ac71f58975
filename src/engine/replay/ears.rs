//! A capture's datagrams as the listeners would have heard them: the same judgment, one set of ears for each network of the
//! capture.

use std::collections::HashMap;
use std::sync::Arc;

use crate::capture::{Datagram, Transport};
use crate::engine::counters::Counters;
use crate::engine::decoding::DecoderSlot;
use crate::engine::hearing::{Ear, Item};
use crate::engine::questions::{Asked, OwnQuestions};
use crate::engine::recorder::{Recorder, Sent};
use crate::model::sighting::Channel;
use crate::model::time::Timestamp;
use crate::model::traffic::Direction;
use crate::wire::{self, Kind, PORT_INSTALL, PORT_MANAGEMENT};

/// What all networks of a capture share.
#[derive(Debug)]
pub(in crate::engine) struct Ears {
    by_name: HashMap<Arc<str>, Arc<Counters>>,
    own: Arc<OwnQuestions>,
    recorder: Arc<Recorder>,
    decoders: DecoderSlot,
}

impl Ears {
    pub(in crate::engine) fn new(recorder: Arc<Recorder>, decoders: DecoderSlot) -> Self {
        Self {
            by_name: HashMap::new(),
            own: Arc::new(OwnQuestions::new(0)),
            recorder,
            decoders,
        }
    }

    /// Judges a datagram. A question that left the computer that captured is its own, and no other searcher's.
    pub(in crate::engine) fn hear(&mut self, datagram: &Datagram, items: &mut Vec<Item>) {
        let name = &datagram.interface;
        let counters = Arc::clone(self.by_name.entry(Arc::clone(name)).or_default());
        let (channel, port) = channel_of(datagram);
        if datagram.direction == Some(Direction::Sent) && self.note_own(datagram, &counters) {
            self.recorder.sent(Sent {
                interface: name,
                channel,
                port: datagram.from.port(),
                to: datagram.to,
                when: datagram.when,
                bytes: &datagram.raw.bytes,
            });
            return;
        }
        let ear = Ear {
            interface: Arc::clone(name),
            channel,
            port,
            decoder_port: port,
            counters,
            own: Arc::clone(&self.own),
            recorder: Arc::clone(&self.recorder),
            decoders: self.decoders.clone(),
        };
        let num_before = items.len();
        ear.hear(&datagram.raw.bytes, datagram.from, datagram.when, items);
        for item in &mut items[num_before..] {
            if datagram.raw.is_cut() {
                // The capture has not all of it.
                item.set_full_len(datagram.raw.full_len);
            }
            if datagram.transport == Transport::Tcp {
                item.set_by_tcp();
            }
        }
    }

    /// Notes a question of the capturing computer: what comes after it is an answer. Says whether it is one.
    fn note_own(&self, datagram: &Datagram, counters: &Counters) -> bool {
        let Some(sequence) = discover_sequence(&datagram.raw.bytes) else {
            return false;
        };
        let to = datagram.to.ip().to_canonical();
        let is_to_many = match to {
            std::net::IpAddr::V4(ip) => ip.is_broadcast() || ip.octets()[3] == u8::MAX,
            std::net::IpAddr::V6(ip) => ip.is_multicast(),
        };
        let asked = if is_to_many || datagram.transport == Transport::Tcp {
            Asked::Search
        } else {
            Asked::Sweep
        };
        let when: Timestamp = datagram.when;
        self.own.note(sequence, asked, when);
        counters.note_request(when);
        true
    }

    /// How many datagrams were heard, and how many of them were not understood.
    pub(super) fn tallies(&self) -> (u64, u64) {
        self.by_name
            .values()
            .fold((0, 0), |(heard, refused), counters| {
                let counted = counters.read(None);
                (heard + counted.heard, refused + counted.not_understood())
            })
    }

    /// Forgets questions that are no longer open.
    pub(super) fn forget_old(&self, now: Timestamp) {
        self.own.forget_old(now);
    }
}

/// The sequence of a discover request, also of one that the capture cut behind its header.
fn discover_sequence(bytes: &[u8]) -> Option<u16> {
    let readable = wire::readable(bytes)?;
    let [_, _, _, _, _, high, low, ..] = *bytes else {
        return None;
    };
    (readable.kind == Kind::DiscoverRequest).then(|| u16::from_be_bytes([high, low]))
}

/// Which socket would have heard it, and at which port.
fn channel_of(datagram: &Datagram) -> (Channel, u16) {
    let (from, to) = (datagram.from.port(), datagram.to.port());
    let watched = |port| port == PORT_INSTALL || port == PORT_MANAGEMENT;
    match datagram.transport {
        Transport::Tcp if watched(to) || !watched(from) => (Channel::Tcp3502, to),
        Transport::Tcp => (Channel::Tcp3502, from),
        Transport::Udp if to == PORT_INSTALL => (Channel::Udp3502, to),
        Transport::Udp if to == PORT_MANAGEMENT => (Channel::Udp3211, to),
        // An answer to the port that asked, or a port that only a taught decoder knows.
        Transport::Udp if watched(from) => (Channel::UdpAsking, from),
        Transport::Udp => (Channel::UdpAsking, to),
    }
}
