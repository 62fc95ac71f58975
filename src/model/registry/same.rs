//! Whether what answered at an address is a unit that is known: by its serial first, then its MAC, then what it has of its
//! own (rules, "Who is who"). An address alone proves nothing, since it may belong to somebody else by now; nor does a
//! MAC that only the neighbors tell, since a router may answer for others.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::{Registry, key_mac};
use crate::model::appliance::Appliance;
use crate::model::identity::{ApplianceId, Mac, serial_key};
use crate::model::probing::{ClueKind, Probed};
use crate::model::sighting::Source;

/// One MAC that answers for two addresses within this time answers for two things.
const AT_ONCE_MILLIS: u64 = 60_000;

/// How a unit and an answer fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sameness {
    /// They share what only one unit has.
    Proven,
    /// Nothing speaks against it.
    Plausible,
    /// They differ in what one unit has only once.
    Other,
}

/// Who answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The unit, when it is known.
    pub unit: Option<ApplianceId>,
    /// The neighbors' MAC, where it may be the unit's own.
    pub mac: Option<Mac>,
}

impl Registry {
    /// The unit that answered at an address: the one that was meant, unless something speaks against it, or another that
    /// is known by what was answered.
    pub fn who_answered(
        &self,
        meant: Option<ApplianceId>,
        ip: Ipv4Addr,
        mac: Option<Mac>,
        fresh: &Probed,
    ) -> Answered {
        let mac = mac.filter(|mac| mac.is_key());
        let serial = fresh.clue(ClueKind::Serial).and_then(serial_key);
        let by_serial = serial.and_then(|serial| self.by_serial.get(&serial).copied());
        let by_macs = own_macs(fresh)
            .chain(mac)
            .filter_map(|mac| self.by_mac.get(&mac).copied());
        let claimants = self.claims.get(&ip).into_iter().flatten().copied();
        let written = self.by_spot.get(&(Arc::from(""), ip)).copied();
        let mut likely: Option<ApplianceId> = None;
        // A row of a file with its serial or MAC, which becomes one with the unit that was heard there.
        let mut planned: Option<ApplianceId> = None;
        for id in meant
            .into_iter()
            .chain(by_serial)
            .chain(by_macs)
            .chain(claimants)
            .chain(written)
        {
            let Some(unit) = self.places.get(id) else {
                continue;
            };
            match sameness(unit, fresh, mac) {
                Sameness::Proven if unit.is_unheard() => planned = planned.or(Some(id)),
                Sameness::Proven => {
                    likely = Some(id);
                    break;
                }
                // One that left the address meanwhile is not likely to be there.
                Sameness::Plausible if unit.ip_value() == Some(ip) => {
                    likely = Some(self.later_heard(likely, id));
                }
                Sameness::Plausible | Sameness::Other => {}
            }
        }
        let likely = likely.or(planned);
        let owner = mac.and_then(|mac| self.by_mac.get(&mac).copied());
        Answered {
            unit: likely,
            mac: mac.filter(|_| owner.is_none() || owner == likely),
        }
    }

    /// Of two, the one that was heard later; the first of equals.
    fn later_heard(&self, first: Option<ApplianceId>, other: ApplianceId) -> ApplianceId {
        let last = |id: ApplianceId| {
            let heard = self.places.get(id)?.heard.as_ref()?;
            Some(heard.last)
        };
        match first {
            Some(first) if last(first) >= last(other) => first,
            _ => other,
        }
    }

    /// Another unit that says the same serial.
    pub fn other_with_serial(&self, serial: &str, id: ApplianceId) -> Option<&Arc<Appliance>> {
        let other = self.by_serial.get(&serial_key(serial)?)?;
        self.places.get(*other).filter(|_| *other != id)
    }

    /// A unit without a MAC of its own that was heard at the same place turns out to be the one that answered.
    pub(super) fn reunite_at_spot(&mut self, id: ApplianceId, ip: Ipv4Addr, fresh: &Probed) {
        let Some(unit) = self.places.get(id) else {
            return;
        };
        let interfaces: Vec<Arc<str>> = unit
            .heard
            .iter()
            .flat_map(|heard| heard.presence.iter())
            .map(|presence| Arc::clone(&presence.interface))
            .chain([Arc::from("")])
            .collect();
        let mac = key_mac(unit);
        for interface in interfaces {
            let other = self.by_spot.get(&(interface, ip)).copied();
            if let Some(other) = other.filter(|other| *other != id)
                && let Some(there) = self.places.get(other)
                && sameness(there, fresh, mac) != Sameness::Other
            {
                self.merge(id, other);
                return;
            }
        }
    }
}

/// The MACs that a unit tells of itself.
fn own_macs(fresh: &Probed) -> impl Iterator<Item = Mac> {
    let answer = fresh.answer(ClueKind::InterfaceMac.probe());
    answer
        .into_iter()
        .flat_map(|answer| answer.clues(ClueKind::InterfaceMac))
        .filter_map(Mac::parse)
        .filter(|mac| mac.is_key())
}

fn sameness(unit: &Appliance, fresh: &Probed, mac: Option<Mac>) -> Sameness {
    let known_mac = key_mac(unit);
    if let Some(known) = known_mac
        && own_macs(fresh).any(|own| own == known)
    {
        return Sameness::Proven;
    }
    let serial = fresh.clue(ClueKind::Serial).and_then(serial_key);
    let known_serial = unit.serial_key();
    let is_other_mac = matches!((known_mac, mac), (Some(known), Some(mac)) if known != mac);
    let is_other_serial = match (&serial, &known_serial) {
        (Some(serial), Some(known)) if serial == known => {
            let is_there = unit.is_unheard() || unit.ip_value() == Some(fresh.ip);
            // Elsewhere it may have moved; with another MAC, or at both places at once, somebody says its serial.
            return if is_there || !(is_other_mac || answered_elsewhere_just_now(unit, fresh)) {
                Sameness::Proven
            } else {
                Sameness::Other
            };
        }
        (Some(_), Some(_)) => true,
        _ => false,
    };
    if is_other_mac {
        return Sameness::Other;
    }
    if known_mac.is_some() && known_mac == mac {
        return by_neighbors(unit, fresh, is_other_serial);
    }
    if is_other_serial {
        return Sameness::Other;
    }
    by_own_marks(unit, fresh)
}

/// Whether a unit answered at another address a moment ago.
fn answered_elsewhere_just_now(unit: &Appliance, fresh: &Probed) -> bool {
    let before = unit.probed.as_ref().filter(|before| before.ip != fresh.ip);
    before.is_some_and(|before| fresh.when.millis_since(before.when) < AT_ONCE_MILLIS)
}

/// The neighbors tell the MAC by which the unit is known.
fn by_neighbors(unit: &Appliance, fresh: &Probed, is_other_serial: bool) -> Sameness {
    let said_by = unit.mac().map(|best| best.source);
    if said_by != Some(Source::Neighbors) {
        // By itself, or by the plan.
        return Sameness::Proven;
    }
    if is_other_serial {
        return Sameness::Other;
    }
    if unit.ip_value() == Some(fresh.ip) {
        return Sameness::Proven;
    }
    match by_own_marks(unit, fresh) {
        Sameness::Plausible if answered_elsewhere_just_now(unit, fresh) => Sameness::Other,
        sameness => sameness,
    }
}

/// By what a unit keeps for itself: its keys, and of which product it is.
fn by_own_marks(unit: &Appliance, fresh: &Probed) -> Sameness {
    let Some(before) = unit.probed.as_deref() else {
        return Sameness::Plausible;
    };
    let marks = |probed: &Probed, kind: ClueKind| -> Vec<String> {
        let answer = probed.answer(kind.probe());
        answer
            .into_iter()
            .flat_map(|answer| answer.clues(kind))
            .map(str::to_owned)
            .collect()
    };
    for kind in [ClueKind::SshHostKey, ClueKind::CertFingerprint] {
        let (known, new) = (marks(before, kind), marks(fresh, kind));
        if new.iter().any(|mark| known.contains(mark)) {
            return Sameness::Proven;
        }
    }
    // A key may be made anew; the product and the way to say it may not.
    for kind in [ClueKind::ObjectId, ClueKind::SshHostKey] {
        let (known, new) = (marks(before, kind), marks(fresh, kind));
        if !known.is_empty() && !new.is_empty() && !new.iter().any(|mark| known.contains(mark)) {
            return Sameness::Other;
        }
    }
    Sameness::Plausible
}
