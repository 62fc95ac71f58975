//! The interfaces that are watched, and which of them are management networks.

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;

use super::WatchedInterface;
use super::rate::Rate;
use crate::model::finding::{MANAGEMENT_KEPT, ManagementNetwork};
use crate::model::network::Network;

/// How many interfaces are told apart. Only a made-up capture has more; what comes on those counts as one.
pub const INTERFACES_KEPT: usize = 1_024;

/// An interface that something was heard on, or that was named.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) name: Arc<str>,
    shown_name: String,
    pub(super) networks: Vec<Network>,
    /// Whether its networks are known.
    pub(super) is_watched: bool,
    /// Whether units belong there.
    pub(super) is_management: bool,
    /// What senders that do not flood by themselves sent.
    pub(super) rate: Rate,
    /// Since when there is too much of it.
    pub(super) too_much_since: Option<u64>,
    /// While the interface floods, senders from this number on are part of it.
    pub(super) crowd_from: Option<u64>,
    /// Findings of set-IP that opened.
    pub(super) set_ips: Rate,
}

/// The interfaces and the management networks.
#[derive(Debug, Default)]
pub(super) struct Places {
    known: Vec<Place>,
    last: usize,
    cidrs: Vec<Ipv4Net>,
    vlans: Vec<String>,
    /// Whether there is a list at all.
    pub(super) has_list: bool,
}

impl Places {
    /// The number of an interface.
    pub(super) fn number(&mut self, name: &Arc<str>) -> u16 {
        let is_it = |place: &Place| Arc::ptr_eq(&place.name, name) || place.name == *name;
        if self.known.get(self.last).is_some_and(is_it) {
            return self.last as u16;
        }
        self.last = match self.known.iter().position(is_it) {
            Some(idx) => idx,
            None if self.known.len() < INTERFACES_KEPT => {
                let name = if self.known.len() == INTERFACES_KEPT - 1 {
                    Arc::from("other interfaces")
                } else {
                    Arc::clone(name)
                };
                self.add(name);
                self.known.len() - 1
            }
            None => self.known.len() - 1,
        };
        self.last as u16
    }

    fn add(&mut self, name: Arc<str>) {
        let mut place = Place {
            shown_name: name.to_string(),
            name,
            networks: Vec::new(),
            is_watched: false,
            is_management: false,
            rate: Rate::default(),
            too_much_since: None,
            crowd_from: None,
            set_ips: Rate::default(),
        };
        place.is_management = self.judges(&place);
        self.known.push(place);
    }

    pub(super) fn get(&self, number: u16) -> Option<&Place> {
        self.known.get(usize::from(number))
    }

    pub(super) fn get_mut(&mut self, number: u16) -> Option<&mut Place> {
        self.known.get_mut(usize::from(number))
    }

    /// The interface with this name.
    pub(super) fn named(&self, name: &str) -> Option<&Place> {
        self.known.iter().find(|place| *place.name == *name)
    }

    pub(super) fn name(&self, number: u16) -> Option<Arc<str>> {
        self.get(number).map(|place| Arc::clone(&place.name))
    }

    pub(super) fn len(&self) -> u16 {
        self.known.len() as u16
    }

    /// Which interfaces there are, with their networks. Others that were heard stay, without.
    pub(super) fn set_interfaces(&mut self, interfaces: Vec<WatchedInterface>) {
        for place in &mut self.known {
            place.is_watched = false;
            place.networks.clear();
        }
        for interface in interfaces {
            let number = self.number(&interface.name);
            if let Some(place) = self.get_mut(number) {
                place.shown_name = interface.shown_name;
                place.networks = interface.networks;
                place.is_watched = true;
            }
        }
        self.judge_all();
    }

    /// On which networks units belong. A text that is no network counts for nothing.
    pub(super) fn set_management(&mut self, list: &[ManagementNetwork]) {
        let kept = &list[..list.len().min(MANAGEMENT_KEPT)];
        self.cidrs = kept.iter().filter_map(|entry| cidr(&entry.cidr)).collect();
        self.vlans = kept
            .iter()
            .map(|entry| entry.vlan.trim().to_lowercase())
            .filter(|vlan| !vlan.is_empty())
            .collect();
        self.has_list = !kept.is_empty();
        self.judge_all();
    }

    fn judge_all(&mut self) {
        let judged: Vec<bool> = self.known.iter().map(|place| self.judges(place)).collect();
        for (place, is_management) in self.known.iter_mut().zip(judged) {
            place.is_management = is_management;
        }
    }

    /// Whether an interface is on a management network: one of its networks lies in a listed one, or its name says that
    /// it is a listed VLAN.
    fn judges(&self, place: &Place) -> bool {
        let lies_in = |network: &Network| {
            self.cidrs
                .iter()
                .any(|cidr| cidr.prefix_len() <= network.prefix_len && cidr.contains(&network.ip))
        };
        place.networks.iter().any(lies_in)
            || self
                .vlans
                .iter()
                .any(|vlan| is_vlan(vlan, &place.name) || is_vlan(vlan, &place.shown_name))
    }

    /// Whether an address is in a management network.
    pub(super) fn is_management_ip(&self, ip: Ipv4Addr) -> bool {
        self.cidrs.iter().any(|cidr| cidr.contains(&ip))
    }

    /// The interface that has an address in one of its own networks.
    pub(super) fn local(&self, ip: Ipv4Addr) -> Option<&Place> {
        self.known
            .iter()
            .find(|place| place.networks.iter().any(|network| network.contains(ip)))
    }

    /// Whether this computer's networks are known at all.
    pub(super) fn has_networks(&self) -> bool {
        self.known.iter().any(|place| !place.networks.is_empty())
    }

    /// Whether it is this computer's own address.
    pub(super) fn is_own(&self, ip: Ipv4Addr) -> bool {
        self.known
            .iter()
            .any(|place| place.networks.iter().any(|network| network.ip == ip))
    }
}

fn cidr(text: &str) -> Option<Ipv4Net> {
    let text = text.trim();
    text.parse()
        .ok()
        .or_else(|| text.parse().ok().map(|ip: Ipv4Addr| Ipv4Net::from(ip)))
}

/// Whether a listed VLAN (in lower case) is the interface's name, or the number that its name says.
fn is_vlan(vlan: &str, name: &str) -> bool {
    let name = name.trim().to_lowercase();
    vlan == name || vlan_number(vlan).is_some_and(|number| vlan_number(&name) == Some(number))
}

/// The number of a VLAN in a name in lower case: "120", "eth0.120", "vlan120", "office (VLAN 120)".
fn vlan_number(name: &str) -> Option<u16> {
    let digits = if let Some((_, after)) = name.rsplit_once("vlan") {
        let after = after.trim_start_matches([' ', '-', '_', '.', '#', ':']);
        let end = after
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(after.len());
        &after[..end]
    } else {
        name.rsplit_once('.').map_or(name, |(_, digits)| digits)
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits
        .parse()
        .ok()
        .filter(|number| (1..=4_094).contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vlan_is_known_by_its_name_or_its_number() {
        for (vlan, name) in [
            ("120", "eth0.120"),
            ("vlan 120", "eth0.120"),
            ("120", "VLAN 120"),
            ("vlan120", "Office (VLAN 120)"),
            ("120", "120"),
            ("management", "Management"),
            ("eth0", "eth0"),
        ] {
            assert!(is_vlan(vlan, name), "{name:?} is {vlan:?}");
        }
        for (vlan, name) in [
            ("120", "eth0.12"),
            ("12", "eth0.120"),
            ("120", "eth120"),
            ("0", "eth0.0"),
            ("120", "eth0"),
            ("management", "guests"),
        ] {
            assert!(!is_vlan(vlan, name), "{name:?} is not {vlan:?}");
        }
    }

    #[test]
    fn a_network_lies_in_a_listed_one_or_not() {
        let check = |listed: &str, ip: [u8; 4], prefix_len, expected: bool| {
            let mut places = Places::default();
            places.set_interfaces(vec![WatchedInterface {
                name: Arc::from("eth0"),
                shown_name: "eth0".to_owned(),
                networks: vec![Network {
                    ip: ip.into(),
                    prefix_len,
                }],
            }]);
            places.set_management(&[ManagementNetwork {
                cidr: listed.to_owned(),
                vlan: String::new(),
            }]);
            assert_eq!(
                places.named("eth0").map(|place| place.is_management),
                Some(expected),
                "{ip:?}/{prefix_len} in {listed}"
            );
        };
        check("10.0.0.0/24", [10, 0, 0, 5], 24, true);
        check("10.0.0.5/24", [10, 0, 0, 9], 24, true);
        check("10.0.0.0/8", [10, 0, 0, 5], 24, true);
        check("10.0.0.0/24", [10, 0, 0, 5], 16, false);
        check("10.0.1.0/24", [10, 0, 0, 5], 24, false);
        check("nonsense", [10, 0, 0, 5], 24, false);
    }

    #[test]
    fn more_interfaces_than_are_kept_count_as_one() {
        let mut places = Places::default();
        for idx in 0..3_000 {
            places.number(&Arc::from(format!("if{idx}")));
        }
        assert_eq!(usize::from(places.len()), INTERFACES_KEPT);
        assert_eq!(places.number(&Arc::from("if7")), 7);
    }
}
