//! A study without what tells whose network it was: MACs, addresses, names, serials and network interfaces replaced by
//! others, the same ones everywhere; without the product's name, which may be a person's own words; in the datagrams' bytes as well as around them. Everything is masked before anything is written, so that no
//! file can hold what another one hides.
//!
//! What stays: the vendor's part of a MAC, ports, the product's object id, times, sequences, lengths, masks, 0.0.0.0 and the
//! addresses that everybody has (broadcast, well-known groups, loopback). Bytes that nobody can decode are searched for
//! what is known to be private; what else they hold, nobody knows.

mod fill;
mod known;
mod names;
mod regions;
mod texts;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use self::known::Known;
use self::regions::{What, regions};
use self::texts::{Written, tokens, write_mac};
use super::{StudiedDatagram, StudiedUnit, Study};
use crate::model::identity::Mac;

impl Study {
    /// The same study with other MACs, addresses, names, serials and interfaces, and without the product's name. Lengths,
    /// message types and judgments stay.
    #[must_use]
    pub fn masked(&self) -> Self {
        let known = Known::of(self);
        let datagrams = self
            .datagrams
            .iter()
            .map(|datagram| known.datagram(datagram))
            .collect();
        Self {
            unit: known.unit(&self.unit),
            when: self.when,
            datagrams,
        }
    }
}

impl Known {
    fn unit(&self, unit: &StudiedUnit) -> StudiedUnit {
        StudiedUnit {
            name: self.text(&unit.name),
            mac: unit.mac.map(|mac| Mac::new(self.mac(mac.octets()))),
            ip: unit.ip.map(|ip| Ipv4Addr::from(self.ip(ip.octets()))),
            // It may be what a person typed or imported: any words.
            product: String::new(),
            sys_object_id: unit.sys_object_id.clone().filter(|id| is_object_id(id)),
            serial: unit.serial.as_deref().map(|serial| self.text(serial)),
        }
    }

    fn datagram(&self, datagram: &StudiedDatagram) -> StudiedDatagram {
        let mut bytes = datagram.bytes.to_vec();
        for (range, what) in regions(&datagram.bytes) {
            self.region(&mut bytes[range], what);
        }
        StudiedDatagram {
            from: self.ip_port(datagram.from),
            to: datagram.to.map(|to| self.ip_port(to)),
            bytes: Arc::from(bytes),
            interface: self.interface(&datagram.interface),
            ..datagram.clone()
        }
    }

    fn ip_port(&self, mut ip_port: SocketAddr) -> SocketAddr {
        ip_port.set_ip(match ip_port.ip() {
            IpAddr::V4(ip) => IpAddr::from(self.ip(ip.octets())),
            IpAddr::V6(ip) => IpAddr::from(self.ipv6(ip.octets())),
        });
        ip_port
    }

    fn region(&self, bytes: &mut [u8], what: What) {
        match what {
            What::Mac => match <[u8; 6]>::try_from(&*bytes) {
                Ok(mac) => bytes.copy_from_slice(&self.mac(mac)),
                Err(_) => fill::odd(bytes, VENDOR_BYTES, self.odd(bytes)),
            },
            What::Mask if is_mask(bytes) => {}
            What::Ip | What::Mask => {
                if let Ok(ip) = <[u8; 4]>::try_from(&*bytes) {
                    bytes.copy_from_slice(&self.ip(ip));
                } else if let Ok(ip) = <[u8; 16]>::try_from(&*bytes) {
                    bytes.copy_from_slice(&self.ipv6(ip));
                } else {
                    fill::odd(bytes, 0, self.odd(bytes));
                }
            }
            What::Name => self.name(bytes),
            What::Free => self.free(bytes),
        }
    }

    /// A name of the unit itself, which may be an address or hold one.
    fn text(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        self.name(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn name(&self, bytes: &mut [u8]) {
        let end = bytes.iter().position(|byte| *byte == 0);
        let (name, padding) = bytes.split_at_mut(end.unwrap_or(bytes.len()));
        if let Some((word, number)) = self.name_number(name) {
            fill::name(name, word, number);
        }
        // What follows a NUL may be the rest of a longer name that was there before.
        for byte in padding.iter_mut().filter(|byte| **byte != 0) {
            *byte = b'x';
        }
    }

    /// Bytes that may be anything.
    fn free(&self, bytes: &mut [u8]) {
        let mut is_done = vec![false; bytes.len()];
        for step in [1, 2] {
            for places in readings(bytes, &is_done, step) {
                self.written(bytes, &mut is_done, &places);
            }
        }
        let mut pos = 0;
        while pos < bytes.len() {
            let num_free = is_done[pos..]
                .iter()
                .take(LONGEST_BINARY)
                .take_while(|is_done| !**is_done)
                .count();
            let num_masked = self.binary(&mut bytes[pos..pos + num_free]);
            pos += num_masked.max(1);
        }
    }

    /// Names and addresses as text. `places` are the letters' offsets: each byte, or each second one for UTF-16.
    fn written(&self, bytes: &mut [u8], is_done: &mut [bool], places: &[usize]) {
        let mut text: Vec<u8> = places.iter().map(|place| bytes[*place]).collect();
        for (start, len, number) in self.needles().find(&text) {
            let range = start..start + len;
            fill::name(&mut text[range.clone()], self.word_of(number), number);
            for idx in range {
                bytes[places[idx]] = text[idx];
                is_done[places[idx]] = true;
                // Nothing else begins here.
                text[idx] = 0;
            }
        }
        for token in tokens(&text, &|value| self.is_searched(value)) {
            let mut replaced = text[token.range.clone()].to_vec();
            let mut slots: Vec<&mut u8> = replaced.iter_mut().collect();
            match token.value {
                Written::Mac(mac) if self.mac(mac) != mac => write_mac(&mut slots, self.mac(mac)),
                Written::Ip(ip) if self.ip(ip) != ip => {
                    fill::label(&mut slots, "ip", self.ip_number(ip));
                }
                Written::Ipv6(ip) if self.ipv6(ip) != ip => {
                    fill::label(&mut slots, "ip6", self.ipv6_number(ip));
                }
                Written::Mac(_) | Written::Ip(_) | Written::Ipv6(_) => {}
            }
            for (place, byte) in places[token.range].iter().zip(replaced) {
                bytes[*place] = byte;
                is_done[*place] = true;
            }
        }
    }

    /// What is known, as bytes, where `bytes` begin. Returns how many were masked.
    fn binary(&self, bytes: &mut [u8]) -> usize {
        if let Some(slot) = bytes.first_chunk_mut::<16>()
            && self.is_searched(Written::Ipv6(*slot))
        {
            *slot = self.ipv6(*slot);
            return slot.len();
        }
        if let Some(slot) = bytes.first_chunk_mut::<8>()
            && let Some(mac) = mac_in_eui64(*slot)
            && self.is_searched(Written::Mac(mac))
        {
            slot[5..].copy_from_slice(&self.mac(mac)[VENDOR_BYTES..]);
            return slot.len();
        }
        if let Some(slot) = bytes.first_chunk_mut::<6>() {
            if self.is_searched(Written::Mac(*slot)) {
                *slot = self.mac(*slot);
                return slot.len();
            }
            if self.is_searched(Written::Mac(reversed(*slot))) {
                *slot = reversed(self.mac(reversed(*slot)));
                return slot.len();
            }
        }
        if let Some(slot) = bytes.first_chunk_mut::<4>() {
            if self.is_searched(Written::Ip(*slot)) {
                *slot = self.ip(*slot);
                return slot.len();
            }
            if self.is_searched(Written::Ip(reversed(*slot))) {
                *slot = reversed(self.ip(reversed(*slot)));
                return slot.len();
            }
        }
        0
    }
}

/// Whether it is numbers with dots between them, as every object id is.
fn is_object_id(text: &str) -> bool {
    let is_number = |arc: &str| !arc.is_empty() && arc.bytes().all(|byte| byte.is_ascii_digit());
    text.trim_start_matches('.').split('.').all(is_number)
}

/// The longest thing that is looked for as bytes: an IPv6 address.
const LONGEST_BINARY: usize = 16;

/// How many bytes of a MAC are its vendor's.
const VENDOR_BYTES: usize = 3;

/// In the byte order of the other half of the world.
fn reversed<const N: usize>(mut bytes: [u8; N]) -> [u8; N] {
    bytes.reverse();
    bytes
}

/// The MAC that the last half of an IPv6 address was made of.
fn mac_in_eui64(bytes: [u8; 8]) -> Option<[u8; 6]> {
    let [first, start @ .., 0xFF, 0xFE, _, _, _] = bytes else {
        return None;
    };
    let mut mac = [first ^ 0x02, 0, 0, 0, 0, 0];
    mac[1..VENDOR_BYTES].copy_from_slice(&start);
    mac[VENDOR_BYTES..].copy_from_slice(&bytes[5..]);
    Some(mac)
}

/// Whether these bytes are a mask, or a prefix length: ones, then zeros.
fn is_mask(bytes: &[u8]) -> bool {
    if !matches!(bytes.len(), 1 | 4 | 16) {
        return false;
    }
    let mut bits = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    // The first zero is looked at as well, and after it nothing but zeros may come.
    bits.by_ref().take_while(|bit| *bit == 1).for_each(drop);
    bytes.len() == 1 || bits.all(|bit| bit == 0)
}

/// The texts that bytes may hold, as the offsets of their letters: one text of every byte, and with `step` 2 each stretch
/// of letters with a zero between them, which is how UTF-16 writes them.
fn readings(bytes: &[u8], is_done: &[bool], step: usize) -> Vec<Vec<usize>> {
    if step == 1 {
        return vec![(0..bytes.len()).collect()];
    }
    let is_letter = |place: usize| bytes[place] != 0 && !is_done[place];
    let mut found = Vec::new();
    for phase in 0..2 {
        let mut places: Vec<usize> = Vec::new();
        for place in (phase..bytes.len()).step_by(2) {
            let follows = is_letter(place) && place > 1 && bytes[place - 1] == 0;
            if !follows || places.is_empty() {
                if places.len() > 2 {
                    found.push(std::mem::take(&mut places));
                }
                places.clear();
            }
            if is_letter(place) {
                places.push(place);
            }
        }
        if places.len() > 2 {
            found.push(places);
        }
    }
    found
}

/// Whether an address says nothing about anybody's network: none, everybody, a well-known group, oneself; or it is a mask.
const fn is_everybodys(ip: Ipv4Addr) -> bool {
    ip.is_unspecified()
        || ip.is_broadcast()
        || ip.is_multicast()
        || ip.is_loopback()
        || ip.octets()[0] == 0xFF
}

/// The same for IPv6. A group whose number is long is made of somebody's address.
fn is_everybodys_v6(ip: Ipv6Addr) -> bool {
    let [first, middle @ .., _] = ip.segments();
    let is_short_group = first >> 8 == 0xFF && middle == [0; 6];
    ip.is_unspecified() || ip.is_loopback() || is_short_group || is_mask(&ip.octets())
}
