//! What is private in a study, each with the number that stands for it. Gathered before anything is masked, so that no
//! mask is by chance the same as something that was there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use super::names::Needles;
use super::regions::{What, regions};
use super::texts::{Written, tokens};
use super::{VENDOR_BYTES, is_everybodys, is_everybodys_v6, is_mask};
use crate::study::Study;

/// Numbers in the order in which things are met.
#[derive(Debug)]
struct Numbered<K> {
    numbers: BTreeMap<K, u32>,
}

impl<K: Ord> Numbered<K> {
    const fn new() -> Self {
        Self {
            numbers: BTreeMap::new(),
        }
    }

    fn note(&mut self, key: K) {
        let next = self.numbers.len() as u32 + 1;
        self.numbers.entry(key).or_insert(next);
    }

    /// Counts again, leaving out the numbers whose mask is one of the keys.
    fn settle(&mut self, mask: impl Fn(&K, u32) -> K) {
        let mut order: Vec<(u32, &K)> = self.numbers.iter().map(|(key, nth)| (*nth, key)).collect();
        order.sort_unstable_by_key(|(nth, _)| *nth);
        let mut number = 0;
        let mut settled: Vec<u32> = Vec::with_capacity(order.len());
        for (_, key) in order {
            number += 1;
            while self.numbers.contains_key(&mask(key, number)) {
                number += 1;
            }
            settled.push(number);
        }
        for nth in self.numbers.values_mut() {
            *nth = settled[*nth as usize - 1];
        }
    }

    fn number(&self, key: &K) -> Option<u32> {
        self.numbers.get(key).copied()
    }
}

/// A name by what it says, whatever its case and encoding.
type NameKey = String;

/// What is private in a study.
#[derive(Debug)]
pub(super) struct Known {
    macs: Numbered<[u8; 6]>,
    ips: Numbered<[u8; 4]>,
    ipv6s: Numbered<[u8; 16]>,
    names: Numbered<NameKey>,
    odds: Numbered<Vec<u8>>,
    /// Names that are serials.
    serials: BTreeSet<NameKey>,
    /// For each number of a name whether it is a serial.
    serial_numbers: BTreeSet<u32>,
    /// Addresses that were only met as text: not looked for as bytes, where they would be met by chance.
    only_written: BTreeSet<[u8; 4]>,
    needles: Needles,
    /// Network interfaces, by what they are called. A person may have named them after a place.
    interfaces: BTreeMap<Arc<str>, Arc<str>>,
}

impl Known {
    pub(super) fn of(study: &Study) -> Self {
        let mut known = Self {
            macs: Numbered::new(),
            ips: Numbered::new(),
            ipv6s: Numbered::new(),
            names: Numbered::new(),
            odds: Numbered::new(),
            serials: BTreeSet::new(),
            serial_numbers: BTreeSet::new(),
            only_written: BTreeSet::new(),
            needles: Needles::new(),
            interfaces: BTreeMap::new(),
        };
        known.gather(study);
        known.settle();
        known
    }

    fn gather(&mut self, study: &Study) {
        let unit = &study.unit;
        self.note_name(unit.name.as_bytes());
        if let Some(mac) = unit.mac {
            self.note_mac(mac.octets());
        }
        if let Some(ip) = unit.ip {
            self.note_ip(ip.octets());
        }
        if let Some(serial) = &unit.serial {
            self.note_name(serial.as_bytes());
            self.serials.extend(name_key(serial.as_bytes()));
        }
        for datagram in &study.datagrams {
            let next = self.interfaces.len() + 1;
            self.interfaces
                .entry(Arc::clone(&datagram.interface))
                .or_insert_with(|| Arc::from(format!("net-{next}")));
            self.note_ip_port(datagram.from);
            if let Some(to) = datagram.to {
                self.note_ip_port(to);
            }
            for (range, what) in regions(&datagram.bytes) {
                self.note_region(&datagram.bytes[range], what);
            }
        }
        // Last, so that what is only written somewhere is known to be only written.
        for datagram in &study.datagrams {
            for (range, what) in regions(&datagram.bytes) {
                if what == What::Free {
                    self.note_written(&datagram.bytes[range]);
                }
            }
        }
    }

    fn note_region(&mut self, bytes: &[u8], what: What) {
        match (what, bytes.len()) {
            (What::Mac, 6) => self.note_mac(bytes.try_into().unwrap_or_default()),
            (What::Mask, _) if is_mask(bytes) => {}
            (What::Ip | What::Mask, 4) => self.note_ip(bytes.try_into().unwrap_or_default()),
            (What::Ip | What::Mask, 16) => self.note_ipv6(bytes.try_into().unwrap_or_default()),
            (What::Name, _) => {
                let name = bytes.split(|byte| *byte == 0).next();
                self.note_name(name.unwrap_or_default());
            }
            (What::Mac | What::Ip | What::Mask, _) => self.odds.note(bytes.to_vec()),
            (What::Free, _) => {}
        }
    }

    fn note_written(&mut self, bytes: &[u8]) {
        let is_done = vec![false; bytes.len()];
        for step in [1, 2] {
            for places in super::readings(bytes, &is_done, step) {
                let text: Vec<u8> = places.iter().map(|place| bytes[*place]).collect();
                for token in tokens(&text, &|_| false) {
                    match token.value {
                        Written::Mac(mac) => self.note_mac(mac),
                        Written::Ipv6(ip) => self.note_ipv6(ip),
                        Written::Ip(ip) => {
                            if self.ips.number(&ip).is_none() && !is_everybodys(ip.into()) {
                                self.note_ip(ip);
                                self.only_written.insert(ip);
                            }
                        }
                    }
                }
            }
        }
    }

    fn note_ip_port(&mut self, ip_port: SocketAddr) {
        match ip_port.ip() {
            IpAddr::V4(ip) => self.note_ip(ip.octets()),
            IpAddr::V6(ip) => self.note_ipv6(ip.octets()),
        }
    }

    fn note_mac(&mut self, mac: [u8; 6]) {
        if mac != [0; 6] && mac != [0xFF; 6] {
            self.macs.note(mac);
        }
    }

    fn note_ip(&mut self, ip: [u8; 4]) {
        if !is_everybodys(Ipv4Addr::from(ip)) {
            self.ips.note(ip);
        }
    }

    fn note_ipv6(&mut self, octets: [u8; 16]) {
        let ip = Ipv6Addr::from(octets);
        if let Some(ip) = ip.to_ipv4_mapped() {
            self.note_ip(ip.octets());
        } else if !is_everybodys_v6(ip) {
            self.ipv6s.note(octets);
        }
    }

    /// A name, its first label and its domain: each may stand alone elsewhere.
    fn note_name(&mut self, bytes: &[u8]) {
        let Some(key) = name_key(bytes) else { return };
        if let Some((label, domain)) = key.split_once('.') {
            let (label, domain) = (label.to_owned(), domain.to_owned());
            self.names.note(key);
            for part in [label, domain].into_iter().filter(|part| part.len() > 3) {
                self.names.note(part);
            }
        } else {
            self.names.note(key);
        }
    }

    fn settle(&mut self) {
        self.macs.settle(|mac, number| mac_mask(*mac, number));
        self.ips.settle(|_, number| ip_mask(number));
        self.ipv6s.settle(ipv6_mask);
        let serials = &self.serials;
        self.names.settle(|name, number| {
            let word = if serials.contains(name) { SERIAL } else { UNIT };
            format!("{word}-{number}")
        });
        let mut order: Vec<(u32, &NameKey)> = self
            .names
            .numbers
            .iter()
            .map(|(name, number)| (*number, name))
            .collect();
        order.sort_unstable_by_key(|(number, _)| *number);
        for (number, name) in order {
            self.needles.add(name, number);
            if self.serials.contains(name) {
                self.serial_numbers.insert(number);
            }
        }
    }

    /// What an interface is called instead.
    pub(super) fn interface(&self, name: &Arc<str>) -> Arc<str> {
        Arc::clone(self.interfaces.get(name).unwrap_or(name))
    }

    /// The MAC that stands for this one, of the same vendor.
    pub(super) fn mac(&self, mac: [u8; 6]) -> [u8; 6] {
        match self.macs.number(&mac) {
            Some(number) => mac_mask(mac, number),
            None => mac,
        }
    }

    /// The address that stands for this one.
    pub(super) fn ip(&self, ip: [u8; 4]) -> [u8; 4] {
        self.ips.number(&ip).map_or(ip, ip_mask)
    }

    pub(super) fn ip_number(&self, ip: [u8; 4]) -> u32 {
        self.ips.number(&ip).unwrap_or_default()
    }

    /// The IPv6 address that stands for this one; a group for a group, a mapped one for a mapped one.
    pub(super) fn ipv6(&self, octets: [u8; 16]) -> [u8; 16] {
        if let Some(ip) = Ipv6Addr::from(octets).to_ipv4_mapped() {
            return Ipv4Addr::from(self.ip(ip.octets()))
                .to_ipv6_mapped()
                .octets();
        }
        match self.ipv6s.number(&octets) {
            Some(number) => ipv6_mask(&octets, number),
            None => octets,
        }
    }

    pub(super) fn ipv6_number(&self, octets: [u8; 16]) -> u32 {
        match Ipv6Addr::from(octets).to_ipv4_mapped() {
            Some(ip) => self.ip_number(ip.octets()),
            None => self.ipv6s.number(&octets).unwrap_or_default(),
        }
    }

    /// The number of a value whose length is not that of what it should be.
    pub(super) fn odd(&self, bytes: &[u8]) -> u32 {
        self.odds.number(&bytes.to_vec()).unwrap_or_default()
    }

    /// The word and the number for a name; nothing for one that is empty.
    pub(super) fn name_number(&self, bytes: &[u8]) -> Option<(&'static str, u32)> {
        let number = self.names.number(&name_key(bytes)?)?;
        Some((self.word_of(number), number))
    }

    pub(super) const fn needles(&self) -> &Needles {
        &self.needles
    }

    pub(super) fn word_of(&self, number: u32) -> &'static str {
        if self.serial_numbers.contains(&number) {
            SERIAL
        } else {
            UNIT
        }
    }

    /// Whether it is looked for wherever it may be.
    pub(super) fn is_searched(&self, value: Written) -> bool {
        match value {
            Written::Mac(mac) => self.macs.number(&mac).is_some(),
            Written::Ipv6(ip) => self.ipv6s.number(&ip).is_some(),
            Written::Ip(ip) => self.ips.number(&ip).is_some() && !self.only_written.contains(&ip),
        }
    }
}

/// The word for names.
const UNIT: &str = "unit";

/// The word for serials.
const SERIAL: &str = "serial";

fn mac_mask(mac: [u8; 6], number: u32) -> [u8; 6] {
    let mut mask = mac;
    mask[VENDOR_BYTES..].copy_from_slice(&number.to_be_bytes()[1..]);
    mask
}

/// The block for measurements (198.18.0.0/15), and beyond it the one that nobody uses (240.0.0.0/4).
fn ip_mask(number: u32) -> [u8; 4] {
    const BENCHMARK: u32 = u32::from_be_bytes([198, 18, 0, 0]);
    const BENCHMARK_SIZE: u32 = 1 << 17;
    const RESERVED: u32 = u32::from_be_bytes([240, 0, 0, 0]);
    if number < BENCHMARK_SIZE {
        (BENCHMARK | number).to_be_bytes()
    } else {
        (RESERVED | number).to_be_bytes()
    }
}

/// The block for documentation, `2001:db8::/32`; of a group what makes it one is kept before it.
fn ipv6_mask(octets: &[u8; 16], number: u32) -> [u8; 16] {
    let mut mask = [0; 16];
    mask[..4].copy_from_slice(&[0x20, 0x01, 0x0D, 0xB8]);
    mask[12..].copy_from_slice(&number.to_be_bytes());
    if octets[0] == 0xFF {
        mask.copy_within(..4, 2);
        mask[..2].copy_from_slice(&octets[..2]);
    }
    mask
}

/// What a name says: as text, without what is around it, in lower case. Nothing for one that is empty.
fn name_key(bytes: &[u8]) -> Option<NameKey> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    };
    let name = text.trim().to_lowercase();
    (!name.is_empty()).then_some(name)
}
