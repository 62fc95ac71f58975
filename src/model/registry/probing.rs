//! Taking in what probes brought: of a unit that is known, and of an address where nobody was known to be.

use std::sync::Arc;

use super::edits::unheard;
use super::sights::{Change, PRESENCE_KEPT};
use super::{Registry, key_mac};
use crate::model::appliance::{Appliance, Heard, Presence, Typed};
use crate::model::fact::Fact;
use crate::model::identification::Identification;
use crate::model::identity::{ApplianceId, Mac, is_ip_key};
use crate::model::probing::{ClueKind, Outcome, Probe, Probed};
use crate::model::sighting::Source;
use crate::model::time::Timestamp;

/// What came of probing one address.
#[derive(Clone, Debug)]
pub struct ProbeResult {
    /// What was said now.
    pub fresh: Arc<Probed>,
    /// What was said, together with what was said before.
    pub probed: Arc<Probed>,
    /// What the catalog makes of it.
    pub identified: Arc<Identification>,
    /// The MAC that the address was resolved to. `None` where it is not known, or stands for several addresses.
    pub mac: Option<Mac>,
    /// The interface over which it was asked.
    pub interface: Arc<str>,
}

impl Registry {
    /// Takes in what probes brought of a unit, which [`Registry::who_answered`] named. `false` when the unit is gone.
    pub fn take_probed(&mut self, id: ApplianceId, result: &ProbeResult) -> bool {
        let Some(unit) = self.places.get(id) else {
            return false;
        };
        let before = unit.probed.as_ref().map_or(0, |probed| probed.num_bytes());
        self.probed_bytes -= before;
        let probed = self.within_bounds(id, &result.probed);
        self.probed_bytes += probed.num_bytes();
        // A key belongs to one unit.
        let mac = result
            .mac
            .filter(|mac| mac.is_key())
            .filter(|mac| self.by_mac.get(mac).is_none_or(|owner| *owner == id));
        self.rewrite(id, |unit| {
            if !result.fresh.is_silent() {
                learn(unit, mac, result);
            }
            unit.probed = Some(probed);
            unit.identified = Some(Arc::clone(&result.identified));
        });
        self.reunite_at_spot(id, result.fresh.ip, &result.fresh);
        self.reunite_by_serial(id);
        true
    }

    /// Makes a unit of what was found at an address by probes alone.
    pub fn take_found(&mut self, result: &ProbeResult) -> Change {
        let ip = result.fresh.ip;
        if !is_ip_key(ip) || self.is_own_ip(ip) || result.fresh.is_silent() {
            return Change::NoIdentity;
        }
        if self.places.len() >= self.limits.units {
            self.refused_by_limit += 1;
            return Change::Full;
        }
        let id = self.new_id();
        self.place(unheard(id, Typed::default(), None));
        self.take_probed(id, result);
        Change::New(id)
    }

    /// Judges every unit anew.
    pub fn judge(&mut self, mut verdict: impl FnMut(&Appliance) -> Option<Arc<Identification>>) {
        let ids: Vec<ApplianceId> = self.places.ids();
        for id in ids {
            let Some(unit) = self.places.get(id) else {
                continue;
            };
            let identified = verdict(unit);
            if unit.identified == identified {
                continue;
            }
            let revision = self.next_revision();
            if let Some(unit) = self.places.get_mut(id) {
                unit.revision = revision;
                unit.identified = identified;
            }
        }
    }

    /// A unit that only a file knew turns out to be one that was asked for its serial.
    fn reunite_by_serial(&mut self, id: ApplianceId) {
        let Some(unit) = self.places.get(id) else {
            return;
        };
        let Some(serial) = unit.serial_key() else {
            return;
        };
        let Some(other) = self
            .by_serial
            .get(&serial)
            .copied()
            .filter(|other| *other != id)
        else {
            return;
        };
        let is_only_written = self
            .places
            .get(other)
            .is_some_and(|other| other.is_unheard() && !is_other_mac(other, key_mac(unit)));
        if is_only_written {
            self.merge(id, other);
        }
    }

    /// What may be kept of a unit's new answers, so that all of them together stay within their bound: as a rule
    /// everything, because older ones make room.
    fn within_bounds(&mut self, id: ApplianceId, probed: &Arc<Probed>) -> Arc<Probed> {
        let mut kept = Arc::clone(probed);
        if !self.make_room(kept.num_bytes(), Some(id)) {
            self.probed_were_cut = true;
            kept = Arc::new(probed.without_raw());
            if !self.make_room(kept.num_bytes(), Some(id)) {
                kept = Arc::new(probed.only_facts());
            }
        }
        self.oldest_probed.enter(id, &kept);
        kept
    }
}

/// Whether the unit is known by another MAC than this.
fn is_other_mac(unit: &Appliance, mac: Option<Mac>) -> bool {
    match (key_mac(unit), mac.filter(|mac| mac.is_key())) {
        (Some(known), Some(mac)) => known != mac,
        _ => false,
    }
}

/// Takes over what probes say of a unit where nothing better is known.
fn learn(unit: &mut Appliance, mac: Option<Mac>, result: &ProbeResult) {
    let probed = &*result.fresh;
    let when = probed.when;
    let source = strongest(probed);
    let heard = unit.heard.get_or_insert_with(|| Heard::new(when, source));
    let is_found_by_probes = !heard.last_source.is_aidp();
    if is_found_by_probes {
        heard.last = heard.last.max(when);
        heard.last_source = source;
        be_present(&mut heard.presence, &result.interface, when);
        if heard.ip.value().copied().flatten() != Some(probed.ip) {
            if let Some(before) = heard.ip.value().copied().flatten() {
                heard.earlier_ips.insert(0, (before, when));
                heard
                    .earlier_ips
                    .truncate(crate::model::appliance::OTHER_IPS_KEPT);
            }
            heard.ip.learn(Some(probed.ip), source, when);
        }
    }
    if let Some(mac) = mac
        && matches!(heard.mac.source(), None | Some(Source::Neighbors))
    {
        heard.mac.learn(mac, Source::Neighbors, when);
    }
    // The discovery protocol's name comes again with every answer; this one must not alternate with it.
    if let Some(name) = probed.clue(ClueKind::SystemName)
        && matches!(heard.name.source(), None | Some(Source::Snmp))
    {
        heard.name.learn(name.to_owned(), Source::Snmp, when);
    } else if matches!(heard.name, Fact::NotAsked) && probed.answer(Probe::Snmp).is_some() {
        heard.name.miss();
    }
}

/// Notes over which interface it answered.
fn be_present(presence: &mut Vec<Presence>, interface: &Arc<str>, when: Timestamp) {
    if let Some(known) = presence
        .iter_mut()
        .find(|known| known.interface == *interface)
    {
        known.last = when;
    } else if presence.len() < PRESENCE_KEPT {
        presence.push(Presence {
            interface: Arc::clone(interface),
            last: when,
            answered_search: false,
            heard_at_ask: 0,
        });
    }
}

/// The probe that says most, of those that were answered; where none was, an address that only refuses is somebody too.
fn strongest(probed: &Probed) -> Source {
    const ORDER: [Probe; 7] = [
        Probe::Snmp,
        Probe::Tls,
        Probe::Http,
        Probe::Ssh,
        Probe::Telnet,
        Probe::Ports,
        Probe::Neighbors,
    ];
    ORDER
        .into_iter()
        .find(|probe| {
            probed
                .answer(*probe)
                .is_some_and(|answer| answer.outcome == Outcome::Answered)
        })
        .map_or(Source::Ports, Probe::source)
}
