//! Taking a sighting in: who it is, what it says, where it was heard.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::senders::Admission;
use super::{Registry, sender_of, stray_of};
use crate::model::appliance::{
    Appliance, Heard, OTHER_IPS_KEPT, Presence, TAUGHT_KEPT, Typed, learn_claimed,
};
use crate::model::fact::Fact;
use crate::model::identity::{ApplianceId, Mac, is_ip_key};
use crate::model::sighting::{Evidence, Sighting, Source, TaughtClaims};
use crate::model::status::FLAP_WINDOW_MILLIS;
use crate::model::time::Timestamp;
use crate::wire::Claimed;

/// On how many networks one unit is remembered.
pub(super) const PRESENCE_KEPT: usize = 16;

/// A unit on trial that is heard again after this time, and not out of a flood that drowns all, is real enough to be saved.
const TRIAL_MILLIS: u64 = 2_000;

/// What a sighting did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It made a new unit.
    New(ApplianceId),
    /// It told something of a unit that was known.
    Known(ApplianceId),
    /// Its sender brings too many new units: counted, not taken.
    HeldBack,
    /// There is no room for one more unit.
    Full,
    /// It names nothing to tell its sender by, and is kept as a stray.
    NoIdentity,
}

impl Registry {
    /// Takes a sighting in.
    pub fn apply(&mut self, sighting: Sighting) -> Change {
        let mac = sighting.claims.mac.filter(|mac| mac.is_key());
        let ip = sighting
            .effective_ip()
            .filter(|ip| is_ip_key(*ip) && !self.is_own_ip(*ip));
        if let Some(id) = self.who(mac, ip, &sighting.interface) {
            self.hear(id, sighting);
            return Change::Known(id);
        }
        if mac.is_none() && ip.is_none() {
            // What could not be decoded is kept as such already.
            if sighting.source != Source::Undecoded {
                self.keep_stray(stray_of(sighting));
            }
            return Change::NoIdentity;
        }
        self.welcome(sighting, mac)
    }

    /// The unit that a MAC or a spot points at.
    fn who(
        &mut self,
        mac: Option<Mac>,
        ip: Option<Ipv4Addr>,
        interface: &Arc<str>,
    ) -> Option<ApplianceId> {
        let by_mac = mac.and_then(|mac| self.by_mac.get(&mac).copied());
        // Most sightings are of a unit that is known by its MAC, in a site where every unit has one.
        if by_mac.is_some() && self.by_spot.is_empty() {
            return by_mac;
        }
        let by_spot = ip.and_then(|ip| self.by_spot.get(&(Arc::clone(interface), ip)).copied());
        match (by_mac, by_spot) {
            (Some(id), Some(other)) if id != other => Some(self.merge(id, other)),
            (Some(id), _) | (None, Some(id)) => Some(id),
            (None, None) if mac.is_none() => self.only_claimant(ip?, interface),
            (None, None) => None,
        }
    }

    /// The one unit that claims an address on an interface, for datagrams that name no MAC.
    fn only_claimant(&self, ip: Ipv4Addr, interface: &Arc<str>) -> Option<ApplianceId> {
        let mut here = self.claims.get(&ip)?.iter().filter(|id| {
            let heard = self.places.get(**id).and_then(|unit| unit.heard.as_ref());
            heard.is_some_and(|heard| {
                heard
                    .presence
                    .iter()
                    .any(|presence| presence.interface == *interface)
            })
        });
        let id = here.next()?;
        here.next().is_none().then_some(*id)
    }

    /// Makes a new unit, when there is room and its sender does not flood.
    fn welcome(&mut self, sighting: Sighting, mac: Option<Mac>) -> Change {
        if self.places.len() >= self.limits.units {
            self.refused_by_limit += 1;
            return Change::Full;
        }
        let sender = sender_of(&sighting);
        let sample = || match (&sighting.claims.host_name, mac) {
            (Some(name), Some(mac)) => format!("{name} {mac}"),
            (Some(name), None) => name.clone(),
            (None, Some(mac)) => mac.to_string(),
            (None, None) => sighting.from.to_string(),
        };
        let on_trial = match self
            .senders
            .admit(&sender, sighting.when, &self.limits, sample)
        {
            Admission::Welcome => false,
            Admission::OnTrial => true,
            Admission::HeldBack(ids) => {
                for id in ids {
                    self.change(id, |unit| {
                        if let Some(heard) = &mut unit.heard {
                            heard.provisional = true;
                        }
                    });
                }
                return Change::HeldBack;
            }
        };
        let id = self.new_id();
        let when = sighting.when;
        let mut heard = Heard::new(when, sighting.source);
        heard.provisional = on_trial;
        self.place(Appliance {
            id,
            revision: 0,
            heard: Some(heard),
            probed: None,
            identified: None,
            imported: None,
            typed: Typed::default(),
            evidence: VecDeque::new(),
        });
        self.senders.made(&sender, id, when);
        self.hear(id, sighting);
        Change::New(id)
    }

    /// Lets a unit have a sighting.
    fn hear(&mut self, id: ApplianceId, sighting: Sighting) {
        let Some(slot) = self.places.slot(id) else {
            return;
        };
        let Some(before) = self.places.at(slot) else {
            return;
        };
        let ip_before = before.heard_ip();
        let mac_before = super::key_mac(before);
        let is_spotted = mac_before.is_none();
        let spots_before = if is_spotted {
            super::spots(before)
        } else {
            Vec::new()
        };
        let asked = self
            .interfaces
            .get(&sighting.interface)
            .map_or(0, |interface| interface.asks.sent);
        let revision = self.next_revision();
        let seq = self.archive.next_seq();
        let Some(unit) = self.places.at_mut(slot) else {
            return;
        };
        unit.revision = revision;
        let heard = unit
            .heard
            .get_or_insert_with(|| Heard::new(sighting.when, sighting.source));
        learn(heard, &sighting);
        // What a flood repeats is as little proof as what it says once.
        if heard.provisional
            && sighting.when.millis_since(heard.first) >= TRIAL_MILLIS
            && !self
                .senders
                .is_drowning(&sender_of(&sighting), sighting.when)
        {
            heard.provisional = false;
        }
        be_present(heard, &sighting, asked);
        if heard.flapped == Some(sighting.when) {
            let end = sighting.when.plus_millis(FLAP_WINDOW_MILLIS).as_millis();
            // To the second, rounded up: a unit that flaps on purpose must not make the set grow.
            let end = Timestamp::from_millis(
                end.div_euclid(1_000)
                    .saturating_add(1)
                    .saturating_mul(1_000),
            );
            self.flap_ends.insert(end);
        }
        let evidence = Evidence {
            seq,
            when: sighting.when,
            from: sighting.from,
            interface: sighting.interface,
            raw: Some(sighting.raw.bytes),
            full_len: sighting.raw.full_len,
            source: sighting.source,
            channel: sighting.channel,
            remarks: sighting.remarks,
        };
        self.archive.push(id, &mut unit.evidence, evidence);
        let ip_after = unit.heard_ip();
        let mac_after = super::key_mac(unit);
        self.dirty.insert(id);
        if mac_before != mac_after || is_spotted {
            self.rekey(id, mac_before, &spots_before);
        }
        if ip_before != ip_after {
            if let Some(ip) = ip_before {
                self.remove_claim(ip, id);
            }
            if let Some(ip) = ip_after {
                self.add_claim(ip, id);
            }
        } else if mac_before != mac_after
            && let Some(ip) = ip_after
        {
            self.count_claims(ip);
        }
        self.trim_evidence();
    }

    fn rekey(
        &mut self,
        id: ApplianceId,
        mac_before: Option<Mac>,
        spots_before: &[(Arc<str>, Ipv4Addr)],
    ) {
        if let Some(mac) = mac_before {
            super::remove_if(&mut self.by_mac, &mac, id);
        }
        for spot in spots_before {
            self.by_spot.leave(spot, id);
        }
        self.index(id);
    }
}

/// Takes over what a sighting claims.
fn learn(heard: &mut Heard, sighting: &Sighting) {
    let Sighting {
        source,
        when,
        claims,
        ..
    } = sighting;
    let (source, when) = (*source, *when);
    match &claims.host_name {
        Some(name) => match &mut heard.name {
            // The common case: the same name again, without making a new string of it.
            Fact::Known {
                value,
                source: said_by,
                when: said_at,
            } if value == name => {
                *said_by = source;
                *said_at = when;
            }
            fact => fact.learn(name.clone(), source, when),
        },
        None => heard.name.miss(),
    }
    match claims.mac.filter(|mac| mac.is_key()) {
        Some(mac) => heard.mac.learn(mac, source, when),
        None => heard.mac.miss(),
    }
    learn_ip(heard, sighting);
    learn_claimed(&mut heard.mask, claims.mask, source, when);
    learn_claimed(&mut heard.gateway, claims.gateway, source, when);
    heard.model_number = claims.model_number.or(heard.model_number);
    heard.modes = claims.modes.or(heard.modes);
    if let Some(taught) = &claims.taught {
        learn_taught(heard, taught);
    }
    heard.last = heard.last.max(when);
    heard.last_source = source;
}

/// Takes over what a taught decoder read. Nothing of it is a key: a decoder may be taught wrongly.
fn learn_taught(heard: &mut Heard, taught: &Arc<TaughtClaims>) {
    let known = heard.taught.as_deref().map_or(&[][..], Vec::as_slice);
    if known.first() == Some(taught) {
        return;
    }
    let others = known.iter().filter(|other| other.decoder != taught.decoder);
    let newest = std::iter::once(taught).chain(others);
    heard.taught = Some(Arc::new(newest.take(TAUGHT_KEPT).cloned().collect()));
}

/// Takes over the address, and notices when it goes back and forth.
fn learn_ip(heard: &mut Heard, sighting: &Sighting) {
    let (source, when) = (sighting.source, sighting.when);
    let before = heard.ip.value().copied().flatten();
    match (sighting.claims.ip, sighting.effective_ip()) {
        // Nothing is claimed: the datagram's source counts only while nothing better is known.
        (Claimed::Absent, Some(ip))
            if heard
                .ip
                .source()
                .is_none_or(|source| source == Source::Undecoded) =>
        {
            heard.ip.learn(Some(ip), Source::Undecoded, when);
        }
        (claimed, _) => learn_claimed(&mut heard.ip, claimed, source, when),
    }
    let after = heard.ip.value().copied().flatten();
    if before == after {
        return;
    }
    if let Some(ip) = after
        && let Some(idx) = heard
            .earlier_ips
            .iter()
            .position(|(earlier, _)| *earlier == ip)
    {
        let (_, left) = heard.earlier_ips.remove(idx);
        if when.millis_since(left) < FLAP_WINDOW_MILLIS {
            heard.flapped = Some(when);
        }
    }
    if let Some(ip) = before {
        heard.earlier_ips.insert(0, (ip, when));
        heard.earlier_ips.truncate(OTHER_IPS_KEPT);
    }
}

/// Notes where a unit was heard.
fn be_present(heard: &mut Heard, sighting: &Sighting, asked: u64) {
    let answered = sighting.source == Source::Reply;
    let has_room = heard.presence.len() < PRESENCE_KEPT;
    let known = heard
        .presence
        .iter_mut()
        .find(|presence| presence.interface == sighting.interface);
    match known {
        Some(presence) => {
            presence.last = sighting.when;
            presence.answered_search |= answered;
            presence.heard_at_ask = asked;
        }
        None if has_room => heard.presence.push(Presence {
            interface: Arc::clone(&sighting.interface),
            last: sighting.when,
            answered_search: answered,
            heard_at_ask: asked,
        }),
        None => {}
    }
}
