//! Link layers: from the bytes of a packet to the IP packet inside, with what is known of its way there.

use etherparse::{Ethernet2HeaderSlice, SingleVlanHeaderSlice};

use super::Unread;
use crate::model::identity::Mac;
use crate::model::traffic::Direction;

/// How many VLAN tags may be stacked.
const MAX_TAGS: usize = 4;

/// An IP packet and how it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link<'a> {
    /// From the first byte of the IP header to the end of the capture; may have padding.
    pub(super) ip: &'a [u8],
    pub(super) vlans: Vlans,
    pub(super) sender_mac: Option<Mac>,
    pub(super) direction: Option<Direction>,
}

/// The VLAN tags of a packet, the outermost first. A tag with VLAN 0 only has a priority and is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Vlans {
    ids: [u16; MAX_TAGS],
    len: usize,
}

impl Vlans {
    pub(super) const fn is_empty(self) -> bool {
        self.len == 0
    }

    pub(super) fn ids(&self) -> &[u16] {
        &self.ids[..self.len]
    }

    pub(super) fn outermost(&self) -> Option<u16> {
        self.ids().first().copied()
    }

    /// Whether there was room.
    fn push(&mut self, id: u16) -> bool {
        let Some(free) = self.ids.get_mut(self.len) else {
            return false;
        };
        *free = id;
        self.len += 1;
        true
    }
}

/// Takes off everything before the IP header.
pub(super) fn open(link_type: u16, bytes: &[u8]) -> Result<Link<'_>, Unread> {
    match link_type {
        1 => ethernet(bytes),
        // Raw IP: the number of the registry, what BSD and Linux call it, IPv4 only, IPv6 only.
        101 | 12 | 14 | 228 | 229 => Ok(bare(bytes)),
        0 | 108 => loopback(bytes),
        113 => cooked_v1(bytes),
        276 => cooked_v2(bytes),
        _ => Err(Unread::UnknownLinkType),
    }
}

const fn bare(ip: &[u8]) -> Link<'_> {
    Link {
        ip,
        vlans: Vlans {
            ids: [0; MAX_TAGS],
            len: 0,
        },
        sender_mac: None,
        direction: None,
    }
}

fn ethernet(bytes: &[u8]) -> Result<Link<'_>, Unread> {
    let Ok(header) = Ethernet2HeaderSlice::from_slice(bytes) else {
        return Err(Unread::Short);
    };
    let mut link = bare(&bytes[header.slice().len()..]);
    link.sender_mac = Some(Mac::new(header.source()));
    untagged(header.ether_type().0, link)
}

/// Linux "any" captures: packet type, hardware type, length of the sender's link-layer address, the address, protocol.
fn cooked_v1(bytes: &[u8]) -> Result<Link<'_>, Unread> {
    let Some((header, ip)) = bytes.split_first_chunk::<16>() else {
        return Err(Unread::Short);
    };
    let mut link = bare(ip);
    link.direction = cooked_direction(u16::from_be_bytes([header[0], header[1]]));
    if u16::from_be_bytes([header[4], header[5]]) == 6 {
        link.sender_mac = header[6..].first_chunk().map(|octets| Mac::new(*octets));
    }
    untagged(u16::from_be_bytes([header[14], header[15]]), link)
}

/// The second version: protocol, reserved, interface index, hardware type, packet type, length of the address, address.
fn cooked_v2(bytes: &[u8]) -> Result<Link<'_>, Unread> {
    let Some((header, ip)) = bytes.split_first_chunk::<20>() else {
        return Err(Unread::Short);
    };
    let mut link = bare(ip);
    link.direction = cooked_direction(u16::from(header[10]));
    if header[11] == 6 {
        link.sender_mac = header[12..].first_chunk().map(|octets| Mac::new(*octets));
    }
    untagged(u16::from_be_bytes([header[0], header[1]]), link)
}

/// To us, broadcast and multicast are heard; what goes between others has no direction; 4 is sent by us.
const fn cooked_direction(packet_type: u16) -> Option<Direction> {
    match packet_type {
        0..=2 => Some(Direction::Heard),
        4 => Some(Direction::Sent),
        _ => None,
    }
}

/// BSD's loopback: the address family, in the byte order of the computer that captured.
fn loopback(bytes: &[u8]) -> Result<Link<'_>, Unread> {
    let Some((family, ip)) = bytes.split_first_chunk::<4>() else {
        return Err(Unread::Short);
    };
    let family = u32::from_le_bytes(*family);
    // IPv4; IPv6 of Windows, NetBSD and OpenBSD, FreeBSD, macOS.
    match family.min(family.swap_bytes()) {
        2 | 23 | 24 | 28 | 30 => Ok(bare(ip)),
        _ => Err(Unread::Other),
    }
}

/// Takes VLAN tags off, down to IPv4 or IPv6.
fn untagged(mut ether_type: u16, mut link: Link<'_>) -> Result<Link<'_>, Unread> {
    loop {
        match ether_type {
            0x0800 | 0x86DD => return Ok(link),
            // 802.1Q, 802.1ad, and what stacked tags had before.
            0x8100 | 0x88A8 | 0x9100 => {
                let Ok(tag) = SingleVlanHeaderSlice::from_slice(link.ip) else {
                    return Err(Unread::Short);
                };
                let id = tag.vlan_identifier().value();
                if id != 0 && !link.vlans.push(id) {
                    return Err(Unread::Other);
                }
                ether_type = tag.ether_type().0;
                link.ip = &link.ip[tag.slice().len()..];
            }
            _ => return Err(Unread::Other),
        }
    }
}
