//! The datagrams that are kept of the open site, one after the other: the ring's, or all of a replay's. For saving captures
//! and for studies, on threads that may wait.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::ControlFlow;
use std::sync::Arc;

use super::decoding::DecoderSlot;
use super::hearing::Item;
use super::recorder::{self, Segment};
use super::replay::{Ears, Spool};
use super::store::SegmentReader;
use crate::capture::{CaptureInterface, CaptureReader, Datagram};
use crate::model::appliance::Appliance;
use crate::model::identity::Mac;
use crate::model::sighting::{Channel, RawDatagram};
use crate::model::traffic::{DatagramKind, Direction, SeenDatagram};
use crate::wire::{self, Message, PORT_INSTALL, PORT_MANAGEMENT};

/// Where the datagrams are.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    /// In the capture ring: some in memory, some in the site file.
    Ring {
        segments: Vec<Segment>,
        file: Option<SegmentReader>,
    },
    /// In the temporary file of a replay, judged anew by the decoders of now.
    Replay(Option<Spool>, DecoderSlot),
}

/// What was made of a kept datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    /// What kind it is: as the list of the last datagrams had it.
    pub(super) kind: DatagramKind,
    /// The comment for a capture file.
    pub(super) comment: String,
    /// Whether Rollcall captured it: then the receiver of what was heard is not known.
    pub(super) is_by_rollcall: bool,
}

/// What went wrong while going over them; the rest was gone over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Missing {
    /// Parts of the ring that could not be read.
    pub(super) num_parts: u64,
}

impl Kept {
    /// Goes over all datagrams, oldest first, with the network that each was on. Blocks.
    pub(super) fn each(
        &self,
        mut take: impl FnMut(&CaptureInterface, &Datagram, &Judged) -> ControlFlow<()>,
    ) -> Missing {
        let mut missing = Missing::default();
        match self {
            Self::Ring { segments, file } => {
                for segment in segments {
                    let bytes = match (&segment.bytes, file) {
                        (Some(bytes), _) => Some(Arc::clone(bytes)),
                        (None, Some(file)) => file.read(segment.seq).map(Arc::from),
                        (None, None) => None,
                    };
                    let ended = bytes.map(|bytes| each_of_segment(&bytes, &mut take));
                    match ended {
                        Some(Ok(ControlFlow::Continue(()))) => {}
                        Some(Ok(ControlFlow::Break(()))) => return missing,
                        Some(Err(())) | None => missing.num_parts += 1,
                    }
                }
            }
            Self::Replay(Some(spool), decoders) => {
                let mut reader = spool.read();
                let mut ears = Ears::new(Arc::default(), decoders.clone());
                let mut items = Vec::new();
                while let Ok(Some(datagram)) = reader.next() {
                    let interface = CaptureInterface {
                        name: datagram.interface.to_string(),
                        ..CaptureInterface::default()
                    };
                    items.clear();
                    ears.hear(&datagram, &mut items);
                    let judged = judged_by_ears(&datagram, items.first());
                    if take(&interface, &datagram, &judged).is_break() {
                        return missing;
                    }
                }
            }
            Self::Replay(None, _) => {}
        }
        missing
    }
}

fn each_of_segment(
    bytes: &[u8],
    take: &mut impl FnMut(&CaptureInterface, &Datagram, &Judged) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, ()> {
    let failed = |error| tracing::warn!("a part of the capture cannot be read: {error}");
    // The ring has whatever came to the ports that were listened on, which in the demo are others.
    let mut reader = CaptureReader::new(bytes)
        .map_err(failed)?
        .watching_everything()
        .keeping_whole();
    while let Some(datagram) = reader.next().map_err(failed)? {
        let found = reader
            .interfaces()
            .iter()
            .rfind(|interface| *interface.name == *datagram.interface);
        let interface = found.cloned().unwrap_or_default();
        let judged = Judged {
            kind: recorder::kind_in(&datagram.comment).unwrap_or(DatagramKind::NotAidp),
            comment: datagram.comment.clone(),
            is_by_rollcall: true,
        };
        if take(&interface, &datagram, &judged).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn judged_by_ears(datagram: &Datagram, item: Option<&Item>) -> Judged {
    let (kind, comment) = match item {
        Some(item) => recorder::judged(item),
        // A question of whoever captured.
        None => (
            DatagramKind::Discover,
            recorder::comment_of(DatagramKind::Discover),
        ),
    };
    let kept = recorder::kind_in(&datagram.comment);
    Judged {
        kind: kept.unwrap_or(kind),
        comment,
        is_by_rollcall: kept.is_some(),
    }
}

/// What a unit's datagrams are known by.
#[derive(Clone, Debug)]
pub(super) struct UnitSigns {
    mac: Option<Mac>,
    /// Addresses that it has or had, and those that it sent from.
    ips: Vec<Ipv4Addr>,
}

impl UnitSigns {
    pub(super) fn of(unit: &Appliance) -> Self {
        let mac = unit.mac().map(|best| best.value);
        let mut ips = Vec::new();
        if let Some(heard) = &unit.heard {
            ips.extend(heard.ip.value().copied().flatten());
            ips.extend(heard.earlier_ips.iter().map(|(ip, _)| *ip));
        }
        // An address that several units share tells nothing of one that is known by its MAC.
        if mac.is_none() {
            let from = unit
                .evidence
                .iter()
                .map(|evidence| evidence.from.ip().to_canonical());
            ips.extend(from.filter_map(|ip| match ip {
                IpAddr::V4(ip) => Some(ip),
                IpAddr::V6(_) => None,
            }));
        }
        ips.retain(|ip| !ip.is_unspecified() && !ip.is_loopback() && !ip.is_broadcast());
        ips.sort_unstable();
        ips.dedup();
        Self { mac, ips }
    }

    /// Whether the unit sent the datagram, or is named in it.
    pub(super) fn are_in(&self, datagram: &Datagram) -> bool {
        if let Some(mac) = self.mac {
            let names = |bytes: &[u8]| bytes.windows(6).any(|window| window == mac.octets());
            if datagram.sender_mac == Some(mac) || names(&datagram.raw.bytes) {
                return true;
            }
            // A message that names another MAC is another unit's, whatever its address.
            if names_a_mac(&datagram.raw.bytes) {
                return false;
            }
        }
        let ends = [
            datagram.from.ip().to_canonical(),
            datagram.to.ip().to_canonical(),
        ];
        ends.iter()
            .any(|ip| matches!(ip, IpAddr::V4(ip) if self.ips.contains(ip)))
    }
}

fn names_a_mac(bytes: &[u8]) -> bool {
    let Ok(decoded) = wire::decode(bytes) else {
        return false;
    };
    match decoded.message {
        Message::DiscoverReply(reply) => reply.mac.is_some(),
        Message::TestIpRequest(request) | Message::SetIpRequest(request) => request.mac.is_some(),
        Message::TestIpReply(reply) | Message::SetIpReply(reply) => reply.mac.is_some(),
        Message::DiscoverRequest | Message::Other(_) => false,
    }
}

/// A kept datagram as the list of the last ones has it, for its filter.
pub(super) fn as_seen(datagram: &Datagram, kind: DatagramKind) -> SeenDatagram {
    let direction = datagram.direction.unwrap_or(Direction::Heard);
    SeenDatagram {
        seq: datagram.packet,
        when: datagram.when,
        direction,
        interface: Arc::clone(&datagram.interface),
        channel: channel_of(datagram),
        from: datagram.from,
        to: (direction == Direction::Sent).then_some(datagram.to),
        kind,
        raw: RawDatagram::keep(&datagram.raw.bytes),
    }
}

/// Which socket it went over.
pub(super) fn channel_of(datagram: &Datagram) -> Channel {
    use crate::capture::Transport;
    let own = match datagram.direction {
        Some(Direction::Sent) => datagram.from.port(),
        Some(Direction::Heard) | None => datagram.to.port(),
    };
    match (datagram.transport, own) {
        (Transport::Tcp, _) => Channel::Tcp3502,
        (Transport::Udp, PORT_INSTALL) => Channel::Udp3502,
        (Transport::Udp, PORT_MANAGEMENT) => Channel::Udp3211,
        (Transport::Udp, _) => Channel::UdpAsking,
    }
}
