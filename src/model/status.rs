//! The one word that the grid shows for a unit, and why. Derived, never stored.
//! The words and their precedence: the rules under "Status".

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::appliance::{Appliance, Presence};
use super::network::{Asks, Network};
use super::time::Timestamp;

/// How many asks must stay unanswered before a unit is silent: 45 s of live search.
pub const SILENT_AFTER_ASKS: u64 = 3;

/// How long a change back to an earlier address counts as a conflict.
pub const FLAP_WINDOW_MILLIS: u64 = 5 * 60 * 1000;

/// The grid's word for a unit, first that holds. The words that need a plan come with the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Its address is claimed by somebody else too, or it goes back and forth.
    Conflict,
    /// It says that it has no address.
    NoAddress,
    /// Its address is in none of the subnets of the networks it was heard on.
    WrongNetwork,
    /// It answered searches and no longer does.
    Silent,
    /// First heard since the site was opened.
    New,
    /// Heard.
    Heard,
    /// Only in a file or typed in.
    OnlyInFile,
}

impl Status {
    /// Every status, in the order of precedence.
    pub const ALL: [Self; 7] = [
        Self::Conflict,
        Self::NoAddress,
        Self::WrongNetwork,
        Self::Silent,
        Self::New,
        Self::Heard,
        Self::OnlyInFile,
    ];

    /// The word in the grid and in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::NoAddress => "no address",
            Self::WrongNetwork => "wrong network",
            Self::Silent => "silent",
            Self::New => "new",
            Self::Heard => "heard",
            Self::OnlyInFile => "only in file",
        }
    }
}

/// What a status depends on beside the unit itself. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatusContext {
    /// When the site was opened: units first heard later are new.
    pub opened: Timestamp,
    /// The chosen interfaces with their subnets and asks, by name.
    pub interfaces: Arc<HashMap<Arc<str>, InterfaceContext>>,
    /// Addresses that units with different MACs claim, with how many.
    pub shared_ips: Arc<HashMap<Ipv4Addr, u32>>,
    /// Now, to the second: what decides whether a flap is still fresh.
    pub now: Timestamp,
}

/// What a status needs to know of one interface.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InterfaceContext {
    /// The laptop's addresses on it.
    pub networks: Vec<Network>,
    /// How often it was asked.
    pub asks: Asks,
}

/// Addresses that units are said to have out of the box. For words only, and for not taking new units for two that
/// quarrel, never for what a unit is: no vendor document confirms them (facts §4, marked unverified).
const FACTORY_IPS: [Ipv4Addr; 3] = [
    Ipv4Addr::new(192, 168, 160, 10),
    Ipv4Addr::new(192, 168, 161, 10),
    Ipv4Addr::new(10, 0, 0, 2),
];

/// Whether an address is one that units are said to have out of the box.
pub fn is_factory_ip(ip: Ipv4Addr) -> bool {
    FACTORY_IPS.contains(&ip)
}

impl StatusContext {
    /// The status of a unit.
    pub fn status(&self, unit: &Appliance) -> Status {
        let Some(heard) = &unit.heard else {
            return Status::OnlyInFile;
        };
        if self.is_conflict(unit) {
            Status::Conflict
        } else if self.has_no_address(unit) {
            Status::NoAddress
        } else if self.is_on_wrong_network(unit) {
            Status::WrongNetwork
        } else if self.is_silent(unit) {
            Status::Silent
        } else if heard.first >= self.opened {
            Status::New
        } else {
            Status::Heard
        }
    }

    /// Whether two units claim its address, it goes back and forth, or the address is the laptop's own.
    pub fn is_conflict(&self, unit: &Appliance) -> bool {
        let Some(heard) = &unit.heard else {
            return false;
        };
        if heard
            .flapped
            .is_some_and(|when| self.now.millis_since(when) < FLAP_WINDOW_MILLIS)
        {
            return true;
        }
        unit.heard_ip()
            .is_some_and(|ip| self.shared_ips.contains_key(&ip) || self.own_interface(ip).is_some())
    }

    /// Whether it says that it has no address.
    pub fn has_no_address(&self, unit: &Appliance) -> bool {
        unit.heard
            .as_ref()
            .is_some_and(|heard| heard.ip.value() == Some(&None))
    }

    /// Whether its address is in none of the subnets of the networks it was heard on. A network whose interface
    /// has no address of its own tells nothing.
    pub fn is_on_wrong_network(&self, unit: &Appliance) -> bool {
        let (Some(heard), Some(ip)) = (&unit.heard, unit.heard_ip()) else {
            return false;
        };
        let mut judged = false;
        for presence in &heard.presence {
            let Some(interface) = self.interfaces.get(&presence.interface) else {
                continue;
            };
            if interface
                .networks
                .iter()
                .any(|network| network.contains(ip))
            {
                return false;
            }
            judged |= !interface.networks.is_empty();
        }
        judged && !heard.last_source.is_routed()
    }

    /// Whether it answered searches, is still being asked, and left three asks in a row unanswered everywhere.
    pub fn is_silent(&self, unit: &Appliance) -> bool {
        let Some(heard) = &unit.heard else {
            return false;
        };
        let mut asked_in_vain = false;
        for presence in heard
            .presence
            .iter()
            .filter(|presence| presence.answered_search)
        {
            match self.unanswered(presence) {
                Some(asks) if asks >= SILENT_AFTER_ASKS => asked_in_vain = true,
                Some(_) => return false,
                None => {}
            }
        }
        asked_in_vain
    }

    /// Whether it was first heard since the site was opened.
    pub fn is_new(&self, unit: &Appliance) -> bool {
        unit.heard
            .as_ref()
            .is_some_and(|heard| heard.first >= self.opened)
    }

    /// How many asks in a row a unit left unanswered on one network; `None` when it is not being asked there.
    pub fn unanswered(&self, presence: &Presence) -> Option<u64> {
        let asks = self.interfaces.get(&presence.interface)?.asks;
        asks.live.then(|| {
            asks.closed
                .saturating_sub(presence.heard_at_ask.max(asks.floor))
        })
    }

    fn own_interface(&self, ip: Ipv4Addr) -> Option<&Arc<str>> {
        // A laptop has a handful of addresses, so the order of the map does not matter for time,
        // and for the words the least name is taken.
        self.interfaces
            .iter()
            .filter(|(_, interface)| interface.networks.iter().any(|network| network.ip == ip))
            .map(|(name, _)| name)
            .min()
    }

    /// Why a unit has the status that it has, in one sentence.
    pub fn reason(&self, unit: &Appliance) -> String {
        match self.status(unit) {
            Status::Conflict => self.conflict_reason(unit),
            Status::NoAddress => "It says that it has no address".to_owned(),
            Status::WrongNetwork => {
                let ip = unit.heard_ip().map(|ip| ip.to_string()).unwrap_or_default();
                let on = unit.heard_on().unwrap_or_default();
                format!("It claims {ip}, which is outside the subnets of {on}, where it was heard")
            }
            Status::Silent => format!(
                "It answered searches before and left the last {} unanswered",
                self.most_unanswered(unit)
            ),
            Status::New => "First heard since this site was opened".to_owned(),
            Status::Heard => "Heard, and nothing is wrong with it".to_owned(),
            Status::OnlyInFile => {
                "It is in a file or was typed in, and has not been heard".to_owned()
            }
        }
    }

    fn most_unanswered(&self, unit: &Appliance) -> u64 {
        let presence = unit.heard.iter().flat_map(|heard| &heard.presence);
        presence
            .filter_map(|presence| self.unanswered(presence))
            .max()
            .unwrap_or(0)
    }

    fn conflict_reason(&self, unit: &Appliance) -> String {
        let Some(ip) = unit.heard_ip() else {
            return "It goes back and forth between addresses".to_owned();
        };
        if let Some(name) = self.own_interface(ip) {
            return format!("It claims {ip}, which is this computer's own address on {name}");
        }
        match self.shared_ips.get(&ip) {
            Some(count) if is_factory_ip(ip) => {
                format!("{count} units share the factory address {ip}")
            }
            Some(count) => format!("{count} units with different MACs claim {ip}"),
            None => format!("It went from {ip} to another address and back within 5 minutes"),
        }
    }
}
