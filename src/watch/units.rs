//! What units say: held against what they and others said, and where they are.

use std::net::{IpAddr, Ipv4Addr};

use super::datagram::{Origins, WORDS_UNTIL, origin, stranger_key};
use super::said::Doubt;
use super::store::Observation;
use super::{Heard, STILL_ANNOUNCES_AFTER_MILLIS, Watcher};
use crate::catalog::organization;
use crate::model::finding::{FindingKey, FindingKind};
use crate::model::identity::{Mac, is_ip_key};
use crate::model::sighting::{Claims, Source};
use crate::model::status::is_factory_ip;
use crate::model::time::Timestamp;
use crate::wire::{self, Claimed};

/// Announcements this far apart count.
const ANNOUNCED_APART_MILLIS: u64 = 10 * 60 * 1000;

/// So many of them are not a start.
const ANNOUNCED_OFTEN: u8 = 4;

/// Words in the names of organizations that make these units, made them, or sell them under an own name.
const MAKERS: [&str; 16] = [
    "avocent",
    "cyclades",
    "vertiv",
    "emerson",
    "apex, inc",
    "equinox systems",
    "liebert",
    "it watchdogs",
    "kn\u{fc}rr",
    "knuerr",
    "asco",
    "dell",
    "hewlett",
    "ibm",
    "lenovo",
    "fujitsu",
];

impl Watcher {
    /// A unit says something of itself.
    pub(super) fn hear_unit(
        &mut self,
        heard: &Heard<'_>,
        from: Origins,
        source: Source,
        claims: &Claims,
    ) {
        if !source.is_aidp() {
            return;
        }
        let claimed = claims.ip.ip().filter(|ip| is_ip_key(*ip));
        self.is_unit(from.ip, heard);
        if let Some(ip) = claimed
            && from.ip != ip
        {
            self.is_unit(ip.into(), heard);
        }
        let mac = claims.mac.filter(|mac| mac.is_key());
        if let Some(mac) = mac
            && source != Source::Taught
        {
            self.hold_against(heard, from, mac, claims, claimed);
            if source == Source::Announcement
                && let Some(ip) = claimed
            {
                self.hear_announcement(heard, from, mac, ip);
            }
        }
        if self.places.has_list || source.is_routed() {
            self.place_unit(heard, from, source, mac, claims);
        }
    }

    /// An address is a unit's, and no stranger's.
    fn is_unit(&mut self, ip: IpAddr, heard: &Heard<'_>) {
        if ip.is_unspecified() {
            return;
        }
        let mut is_new = false;
        self.unit_ips.touch(ip, || is_new = true);
        if is_new {
            self.store
                .end(&stranger_key(ip, heard.interface), heard.when);
        }
    }

    /// Holds what a unit says against what it and others said.
    fn hold_against(
        &mut self,
        heard: &Heard<'_>,
        from: Origins,
        mac: Mac,
        claims: &Claims,
        claimed: Option<Ipv4Addr>,
    ) {
        let Some(unit) = self.units.get_mut(&mac) else {
            return;
        };
        let other_maker = unit.other_maker;
        let doubts = unit.take(claims, from.sender, from.millis);
        if !doubts.is_empty() {
            self.doubt(heard, from, mac, &doubts);
        }
        if let Some(ip) = claimed {
            self.claim(heard, from, mac, ip);
        }
        if let Some(maker) = other_maker {
            self.hear_other_maker(heard, from, mac, maker);
        }
    }

    /// A MAC contradicts itself: one finding, whatever of it does.
    fn doubt(&mut self, heard: &Heard<'_>, from: Origins, mac: Mac, doubts: &[Doubt]) {
        let [contradiction, two_ips] =
            [FindingKind::Contradiction, FindingKind::TwoIps].map(|kind| FindingKey {
                kind,
                subject: mac.to_string(),
            });
        let is_more = doubts.iter().any(|doubt| doubt.of != "address");
        let is_contradiction = self.store.is_active(&contradiction)
            || !self.store.is_active(&two_ips)
                && (is_more || self.store.is_waiting(&contradiction));
        let key = if is_contradiction {
            &contradiction
        } else {
            &two_ips
        };
        let words: Vec<String> = doubts
            .iter()
            .map(|doubt| format!("{} {} and {}", doubt.of, doubt.now, doubt.came_back.between))
            .collect();
        let what = if is_contradiction {
            format!("{mac} goes back and forth: {}", words.join(", "))
        } else {
            format!("{mac} has two addresses: {}", words.join(", "))
        };
        let mut lines: Vec<String> = doubts
            .iter()
            .flat_map(|doubt| {
                [&doubt.now, &doubt.came_back.between].map(|value| {
                    let of = doubt.of;
                    format!("Says the {of} {value}")
                })
            })
            .collect();
        lines.push(format!("From {}", from.ip));
        let seen = Observation {
            what,
            mac: Some(mac),
            lines,
            ..self.observation(key.clone(), heard, from)
        };
        let mut origin = origin(from);
        origin
            .senders
            .extend(doubts.iter().map(|doubt| doubt.came_back.sender));
        self.store.observe(seen, origin, from.millis);
        if is_contradiction && let Some(candidate) = self.store.withdraw(&two_ips) {
            self.store.join(candidate, &contradiction);
        }
    }

    /// A unit claims an address: perhaps another one has it.
    fn claim(&mut self, heard: &Heard<'_>, from: Origins, mac: Mac, ip: Ipv4Addr) {
        let claimants = self.claimants.touch((from.place, ip), Default::default);
        let rivals = claimants.claim(mac, from.sender, from.millis);
        let rival = rivals.into_iter().flatten().find(|rival| {
            let rival = self.units.get(&rival.mac);
            rival.is_some_and(|rival| rival.ip.now() == Some(&ip))
        });
        let Some(rival) = rival else {
            return;
        };
        let is_at_first = self
            .claimants
            .get(&(from.place, ip))
            .is_some_and(|claimants| {
                self.is_shared_at_first(from.place, ip, claimants, from.millis)
            });
        if is_at_first || self.contradicts_itself(mac) || self.contradicts_itself(rival.mac) {
            return;
        }
        let key = FindingKey {
            kind: FindingKind::TwoMacs,
            subject: ip.to_string(),
        };
        let seen = Observation {
            what: format!("{mac} and {} both claim {ip}", rival.mac),
            mac: Some(mac),
            ip: Some(ip.into()),
            lines: vec![
                format!("Claimed by {mac}"),
                format!("Claimed by {}", rival.mac),
                format!("From {}", from.ip),
            ],
            ..self.observation(key, heard, from)
        };
        let mut origin = origin(from);
        origin.senders.push(rival.sender);
        origin.macs = vec![mac, rival.mac];
        self.store.observe(seen, origin, from.millis);
    }

    /// A reply with a MAC of somebody who makes no units.
    fn hear_other_maker(&mut self, heard: &Heard<'_>, from: Origins, mac: Mac, maker: &str) {
        let key = FindingKey {
            kind: FindingKind::Stranger,
            subject: format!("MACs of {maker} on {}", heard.interface),
        };
        if self
            .store
            .active_count(&key)
            .is_some_and(|count| count >= WORDS_UNTIL && count % WORDS_UNTIL != 0)
        {
            self.store.count(&key, heard.when, from.millis);
            return;
        }
        let seen = Observation {
            what: format!("{mac} answers as a unit, and its MAC block belongs to {maker}"),
            mac: Some(mac),
            lines: vec![
                format!("{mac} from {}", from.ip),
                format!("No unit is known with MACs of {maker}; nothing else speaks against it"),
            ],
            ..self.observation(key, heard, from)
        };
        let mut origin = origin(from);
        origin.macs = vec![mac];
        self.store.observe(seen, origin, from.millis);
    }

    /// A unit announces itself, perhaps long after it was configured.
    fn hear_announcement(&mut self, heard: &Heard<'_>, from: Origins, mac: Mac, ip: Ipv4Addr) {
        let is_usable = !ip.is_link_local()
            && !ip.is_loopback()
            && !is_factory_ip(ip)
            && self.places.get(from.place).is_some_and(|place| {
                place.networks.is_empty()
                    || place.networks.iter().any(|network| network.contains(ip))
            });
        let is_alone = self
            .claimants
            .get(&(from.place, ip))
            .is_some_and(|claimants| claimants.recent(from.millis).count() < 2);
        let Some(unit) = self.units.get_mut(&mac) else {
            return;
        };
        let apart = from.millis.saturating_sub(unit.announced);
        if unit.num_announced == 0 || apart >= ANNOUNCED_APART_MILLIS {
            unit.num_announced = unit.num_announced.saturating_add(1);
            unit.announced = from.millis;
        }
        let has_it_for = from.millis.saturating_sub(unit.ip_since);
        if !is_usable
            || !is_alone
            || unit.num_announced < ANNOUNCED_OFTEN
            || has_it_for <= STILL_ANNOUNCES_AFTER_MILLIS
        {
            return;
        }
        let key = FindingKey {
            kind: FindingKind::StillAnnounces,
            subject: mac.to_string(),
        };
        let minutes = has_it_for / 60_000;
        let seen = Observation {
            what: format!("{mac} still announces itself, with {ip} for {minutes} minutes"),
            mac: Some(mac),
            ip: Some(ip.into()),
            lines: vec![format!("From {}", from.ip)],
            ..self.observation(key, heard, from)
        };
        self.store.observe(seen, origin(from), from.millis);
    }

    /// Where a unit is: off the management networks, or behind a router.
    fn place_unit(
        &mut self,
        heard: &Heard<'_>,
        from: Origins,
        source: Source,
        mac: Option<Mac>,
        claims: &Claims,
    ) {
        let from_ip = match from.ip {
            IpAddr::V4(ip) if is_ip_key(ip) => Some(ip),
            _ => None,
        };
        let own_ip = match claims.ip {
            Claimed::Ip(ip) if !source.is_routed() => Some(ip),
            _ => from_ip,
        };
        let who = match (mac, own_ip) {
            (Some(mac), _) => mac.to_string(),
            (None, Some(ip)) => ip.to_string(),
            (None, None) => return,
        };
        let is_beyond = source.is_routed()
            && self.places.has_networks()
            && from_ip.is_some_and(|ip| self.places.local(ip).is_none());
        if is_beyond && let Some(ip) = from_ip {
            let key = FindingKey {
                kind: FindingKind::Routed,
                subject: who.clone(),
            };
            let seen = Observation {
                what: format!(
                    "{who} answers at {ip}, which is in none of this computer's networks"
                ),
                mac,
                ip: Some(ip.into()),
                lines: vec![format!("Answers on {}", answers_on(heard, source))],
                ..self.observation(key, heard, from)
            };
            self.store.observe(seen, origin(from), from.millis);
        }
        if !self.places.has_list {
            return;
        }
        let place = match from_ip {
            Some(ip) if source.is_routed() => self.places.local(ip),
            _ => self.places.get(from.place),
        };
        let (subject, what) = match place {
            _ if is_beyond => {
                let ip = own_ip.map_or_else(String::new, |ip| ip.to_string());
                let what = format!("{who} answers at {ip}, which is in no management network");
                (format!("{who} {BEHIND_ROUTER}"), what)
            }
            Some(place) if place.is_watched => {
                let name = &place.name;
                let what = format!("{who} was heard on {name}, which is not a management network");
                (format!("{who} on {name}"), what)
            }
            _ => return,
        };
        let key = FindingKey {
            kind: FindingKind::OffManagement,
            subject,
        };
        let ip = own_ip.map(IpAddr::V4);
        if !self.is_off_management(&key, ip) {
            return;
        }
        let seen = Observation {
            what,
            mac,
            ip,
            lines: vec![format!("Heard by {}", source.word())],
            ..self.observation(key, heard, from)
        };
        self.store.observe(seen, origin(from), from.millis);
    }

    /// Whether what makes a unit off the management networks still holds.
    pub(super) fn is_off_management(&self, key: &FindingKey, ip: Option<IpAddr>) -> bool {
        if !self.places.has_list {
            return false;
        }
        let place = key.subject.split_once(' ').map(|(_, place)| place);
        match (place, ip) {
            (Some(BEHIND_ROUTER), Some(IpAddr::V4(ip))) => !self.places.is_management_ip(ip),
            (Some(place), _) => place
                .strip_prefix("on ")
                .and_then(|name| self.places.named(name))
                .is_none_or(|place| !place.is_management),
            (None, _) => true,
        }
    }

    /// After the management networks changed: what holds no longer is gone.
    pub(super) fn judge_places(&mut self, now: Timestamp) {
        let over: Vec<FindingKey> = self
            .store
            .all()
            .chain(self.store.candidates().map(|candidate| &candidate.finding))
            .filter(|finding| {
                finding.key.kind == FindingKind::OffManagement
                    && !self.is_off_management(&finding.key, finding.ip)
            })
            .map(|finding| finding.key.clone())
            .collect();
        for key in over {
            self.store.end(&key, now);
        }
    }
}

/// The second half of the subject of a unit that is off the management networks, and reached through a router.
const BEHIND_ROUTER: &str = "behind a router";

fn answers_on(heard: &Heard<'_>, source: Source) -> &'static str {
    match (source, heard.from.port()) {
        (Source::TcpReply, _) => "TCP 3502",
        (_, wire::PORT_INSTALL) => "UDP 3502",
        (_, wire::PORT_MANAGEMENT) => "UDP 3211",
        _ => "UDP, from a port of its own",
    }
}

/// Whom a MAC block belongs to, where that is nobody who makes such units.
pub(super) fn other_maker(mac: Mac) -> Option<&'static str> {
    let is_made_up = mac.octets()[0] & 2 != 0;
    if is_made_up {
        return None;
    }
    let maker = organization(mac)?;
    let lower = maker.to_lowercase();
    let is_maker = MAKERS.iter().any(|word| lower.contains(word));
    // The registry lists a block whose owner does not want to be named.
    (!is_maker && lower != "private").then_some(maker)
}
