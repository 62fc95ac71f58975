//! Everything about a datagram but its bytes.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::capture::{Datagram, Transport};
use crate::model::identity::Mac;
use crate::model::sighting::RawDatagram;
use crate::model::time::Timestamp;
use crate::model::traffic::Direction;

/// Where a datagram comes from, as its packet says.
#[derive(Clone, Debug)]
pub(super) struct Envelope {
    pub(super) packet: u64,
    pub(super) when: Timestamp,
    pub(super) interface: Arc<str>,
    pub(super) vlan: Option<u16>,
    pub(super) direction: Option<Direction>,
    pub(super) transport: Transport,
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) sender_mac: Option<Mac>,
    pub(super) comment: String,
}

impl Envelope {
    pub(super) fn around(&self, raw: RawDatagram, comment: &str) -> Datagram {
        let mut datagram = self.without_comment().into_datagram(raw);
        comment.clone_into(&mut datagram.comment);
        datagram
    }

    pub(super) fn into_datagram(self, raw: RawDatagram) -> Datagram {
        Datagram {
            packet: self.packet,
            when: self.when,
            interface: self.interface,
            vlan: self.vlan,
            direction: self.direction,
            transport: self.transport,
            from: self.from,
            to: self.to,
            sender_mac: self.sender_mac,
            raw,
            comment: self.comment,
        }
    }

    /// For what is given later, when the comment has gone with something else.
    pub(super) fn without_comment(&self) -> Self {
        Self {
            interface: Arc::clone(&self.interface),
            comment: String::new(),
            ..*self
        }
    }
}
