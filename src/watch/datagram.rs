//! What one datagram comes to: counted towards floods, then looked at for what it says.

use std::net::{IpAddr, Ipv4Addr};

use super::floods::{Flood, FloodKey};
use super::looks::{looks_like, readings};
use super::rate::Rate;
use super::said::UnitSaid;
use super::settle::STRANGERS_AT_ONCE;
use super::store::{ASKED, Observation, Origin, RATE};
use super::units::other_maker;
use super::{Heard, Said, Sender, SenderKey, Watcher};
use crate::model::finding::{FindingKey, FindingKind, FindingSample, GONE_MILLIS};
use crate::model::identity::Mac;
use crate::model::sighting::{Source, StrayReason};
use crate::model::time::Timestamp;
use crate::wire::{self, Claimed, Kind, Meaning, Message, Rejection};

/// Units that one sender within [`GONE_MILLIS`], or all of an interface within a second, may mean by set-IP in findings of
/// their own.
const SET_IPS_APART: u16 = 32;

/// What is seen more often than this is only counted.
pub(super) const WORDS_UNTIL: u64 = 64;

/// Times that are listed of a set-IP.
const TIMES_LISTED: u64 = 8;

/// Where a datagram came from, as the watcher numbers it.
#[derive(Clone, Copy)]
pub(super) struct Origins {
    pub(super) place: u16,
    pub(super) sender: u64,
    pub(super) ip: IpAddr,
    pub(super) millis: u64,
    /// Whether it is part of a flood.
    pub(super) is_swallowed: bool,
    /// Whether that is a flood of many senders.
    pub(super) is_crowd: bool,
}

impl Watcher {
    /// Looks at one datagram. The time is when it was heard.
    pub fn see(&mut self, heard: &Heard<'_>) {
        match heard.said {
            Said::Claims {
                source: Source::Undecoded,
                ..
            } => return,
            Said::Stray(StrayReason::Rejected(_)) if is_request(&heard.raw.bytes) => return,
            _ => {}
        }
        let millis = self.clock.advance(heard.when);
        let place = self.places.number(heard.interface);
        let ip = heard.from.ip().to_canonical();
        let from = self.count(heard, place, ip, millis);
        match heard.said {
            Said::Request {
                kind: Kind::SetIpRequest,
                meant,
            } => self.hear_set_ip(heard, from, meant),
            _ if from.is_swallowed => {}
            Said::Request { kind, meant } => self.hear_search(heard, from, kind, meant),
            Said::Claims { source, claims } => self.hear_unit(heard, from, source, claims),
            Said::Stray(reason) => self.hear_stray(heard, from, reason),
        }
    }

    /// Counts a datagram towards floods.
    fn count(&mut self, heard: &Heard<'_>, place_number: u16, ip: IpAddr, millis: u64) -> Origins {
        let key = SenderKey {
            place: place_number,
            ip,
        };
        let own_flood = FloodKey {
            place: place_number,
            ip: Some(ip),
        };
        let next_id = &mut self.next_sender;
        let floods = &self.floods;
        let mut is_new = false;
        let sender = self.senders.touch(key, || {
            is_new = true;
            *next_id += 1;
            Sender {
                id: *next_id,
                place: place_number,
                first: millis,
                last: millis,
                rate: Rate::default(),
                is_flooding: floods.contains(own_flood),
                num_macs: 0,
                num_requests: 0,
                first_request: 0,
                num_set_ips: 0,
                first_set_ip: 0,
            }
        });
        sender.last = millis;
        let mut from = Origins {
            place: place_number,
            sender: sender.id,
            ip,
            millis,
            is_swallowed: false,
            is_crowd: false,
        };
        if sender.is_flooding {
            from.is_swallowed = true;
            if let Some(flood) = self.floods.get_mut(own_flood) {
                flood.sender = Some(sender.id);
                let num = flood.count(ip, heard.when, millis, || sample(heard));
                if num > self.limits.flood_per_sec {
                    flood.over = millis;
                }
            }
            return from;
        }
        let Some(place) = self.places.get_mut(place_number) else {
            return from;
        };
        from.is_crowd = place.crowd_from.is_some_and(|first| sender.id >= first);
        from.is_swallowed = from.is_crowd;
        let weight = match heard.said {
            Said::Claims { claims, .. } if !from.is_crowd => {
                claims.mac.filter(|mac| mac.is_key()).map_or(1, |mac| {
                    let unit = self.units.touch(mac, || {
                        sender.num_macs = sender.num_macs.saturating_add(1);
                        UnitSaid::new(other_maker(mac))
                    });
                    unit.weight(millis)
                })
            }
            _ => 1,
        };
        let num = sender.rate.add(millis, weight);
        let num_all = place.rate.add(millis, weight);
        if place.crowd_from.is_some() {
            let crowd = FloodKey {
                place: place_number,
                ip: None,
            };
            if let Some(flood) = self.floods.get_mut(crowd) {
                flood.count(ip, heard.when, millis, || sample(heard));
                let is_joined = is_new && flood.count_newcomer(millis) > STRANGERS_AT_ONCE;
                if is_joined || num_all > self.limits.flood_all_per_sec {
                    flood.over = millis;
                }
            }
        } else if num > self.limits.flood_per_sec && self.floods.has_room() {
            sender.is_flooding = true;
            from.is_swallowed = true;
            place.rate.take_out(&mut sender.rate, millis);
            // It began with what is counted already: at most a second ago.
            let ago = millis.saturating_sub(sender.first).min(1_000);
            let since = Timestamp::from_millis(heard.when.as_millis().saturating_sub_unsigned(ago));
            let mut flood = Flood::new(since, heard.when, millis, num);
            flood.sender = Some(sender.id);
            flood.add_sample(sample(heard));
            self.floods.begin(own_flood, flood);
        } else if num_all > self.limits.flood_all_per_sec {
            place.too_much_since.get_or_insert(millis);
        }
        from
    }

    /// A set-IP request: a finding at once, whatever else its sender does.
    fn hear_set_ip(&mut self, heard: &Heard<'_>, from: Origins, meant: Option<Mac>) {
        let interface = heard.interface;
        let unit = meant.map_or_else(
            || "a unit that it does not name".to_owned(),
            |mac| mac.to_string(),
        );
        let mut key = FindingKey {
            kind: FindingKind::ForeignSetIp,
            subject: match meant {
                Some(mac) => format!("{} on {interface} for {mac}", from.ip),
                None => format!("{} on {interface} for no MAC", from.ip),
            },
        };
        let mut mac = meant;
        let count = self.store.active_count(&key);
        if count.is_none() && !self.may_stand_apart(from) {
            // One finding for the rest: hundreds would hide each other.
            mac = None;
            key.subject = if from.is_crowd {
                format!("many senders on {interface}")
            } else {
                format!("{} on {interface} for many units", from.ip)
            };
        }
        let asked = asked_ip(heard);
        let mut lines = vec![match mac {
            Some(_) => format!("{ASKED}{asked}"),
            None => format!("{ASKED}{asked}, {unit}"),
        }];
        if count.unwrap_or_default() < TIMES_LISTED {
            lines.push(format!("At {}", heard.when));
        }
        lines.extend(self.is_own_line(from.ip));
        let seen = Observation {
            what: format!("{} told {unit} to take {asked}", from.ip),
            mac,
            lines,
            ..self.observation(key, heard, from)
        };
        self.store.observe_now(seen, from.millis);
    }

    /// Whether a set-IP to one more unit may be a finding of its own.
    fn may_stand_apart(&mut self, from: Origins) -> bool {
        let Some(place) = self.places.get_mut(from.place) else {
            return false;
        };
        let key = SenderKey {
            place: from.place,
            ip: from.ip,
        };
        let Some(sender) = self.senders.get_mut(&key) else {
            return false;
        };
        // By then the first of them are gone, or their units are meant again.
        if from.millis.saturating_sub(sender.first_set_ip) >= GONE_MILLIS {
            sender.num_set_ips = 0;
        }
        let is_free = !from.is_crowd
            && sender.num_set_ips < SET_IPS_APART
            && place.set_ips.at(from.millis) < u32::from(SET_IPS_APART);
        if is_free {
            if sender.num_set_ips == 0 {
                sender.first_set_ip = from.millis;
            }
            sender.num_set_ips += 1;
            place.set_ips.add(from.millis, 1);
        }
        is_free
    }

    /// A discover or a test-IP request of somebody else.
    fn hear_search(&mut self, heard: &Heard<'_>, from: Origins, kind: Kind, meant: Option<Mac>) {
        let asks = match kind {
            Kind::DiscoverRequest => "discover requests",
            Kind::TestIpRequest => "test-IP requests",
            _ => return,
        };
        let key = FindingKey {
            kind: FindingKind::OtherSearcher,
            subject: format!("{} on {}", from.ip, heard.interface),
        };
        let sender_key = SenderKey {
            place: from.place,
            ip: from.ip,
        };
        let mut lines = Vec::new();
        if let Some(sender) = self.senders.get_mut(&sender_key) {
            if sender.num_requests == 0 {
                sender.first_request = from.millis;
            }
            sender.num_requests = sender.num_requests.saturating_add(1);
            let secs = from.millis.saturating_sub(sender.first_request) / 1_000;
            let num = sender.num_requests;
            lines.push(if num == 1 {
                format!("{RATE}one request")
            } else if secs < 60 {
                format!("{RATE}{num} requests within {} s", secs.max(1))
            } else {
                let a_minute = num.saturating_mul(60) / secs;
                format!("{RATE}{num} requests, about {a_minute} a minute")
            });
        }
        lines.push(match (kind, meant) {
            (Kind::TestIpRequest, Some(mac)) => {
                format!("Test-IP: could {mac} take {}", asked_ip(heard))
            }
            (Kind::TestIpRequest, None) => format!("Test-IP: {}", asked_ip(heard)),
            _ => "Discover: who is there".to_owned(),
        });
        lines.push(format!("Heard on {}", heard.channel.word()));
        lines.extend(self.is_own_line(from.ip));
        let seen = Observation {
            what: format!("{} sends {asks}", from.ip),
            mac: meant,
            lines,
            ..self.observation(key, heard, from)
        };
        self.store.observe(seen, origin(from), from.millis);
    }

    /// What makes no unit.
    fn hear_stray(&mut self, heard: &Heard<'_>, from: Origins, reason: &StrayReason) {
        let StrayReason::Rejected(rejection) = reason else {
            // AIDP, if an odd one.
            return;
        };
        if matches!(rejection, Rejection::NotAidp { asmp: true, .. })
            || self.unit_ips.get(&from.ip).is_some()
        {
            return;
        }
        let key = stranger_key(from.ip, heard.interface);
        if let Some(count) = self.store.active_count(&key)
            && count >= WORDS_UNTIL
            && count % WORDS_UNTIL != 0
        {
            self.store.count(&key, heard.when, from.millis);
            return;
        }
        let looks = match rejection {
            Rejection::NotAidp { .. } => looks_like(&heard.raw.bytes, heard.from.port()).to_owned(),
            _ => format!("AIDP that cannot be read: {rejection}"),
        };
        let mut lines = vec![
            format!("Looks like {looks}"),
            format!(
                "From port {}, heard on {}",
                heard.from.port(),
                heard.channel.word()
            ),
        ];
        lines.extend(readings(&heard.raw.bytes, from.ip));
        lines.extend(self.is_own_line(from.ip));
        let seen = Observation {
            what: format!(
                "{} sends what looks like {looks} to {}",
                from.ip,
                heard.channel.word()
            ),
            lines,
            ..self.observation(key, heard, from)
        };
        self.store.observe(seen, origin(from), from.millis);
    }

    pub(super) fn observation(
        &self,
        key: FindingKey,
        heard: &Heard<'_>,
        from: Origins,
    ) -> Observation {
        Observation {
            key,
            what: String::new(),
            interface: self.places.name(from.place),
            sender: Some(from.ip),
            mac: None,
            ip: None,
            when: heard.when,
            count: 1,
            lines: Vec::new(),
            samples: vec![sample(heard)],
        }
    }

    fn is_own_line(&self, ip: IpAddr) -> Option<String> {
        let IpAddr::V4(ip) = ip else {
            return None;
        };
        self.places
            .is_own(ip)
            .then(|| "It is this computer's own address: another program here sends it".to_owned())
    }
}

pub(super) fn origin(from: Origins) -> Origin {
    Origin {
        place: from.place,
        senders: vec![from.sender],
        macs: Vec::new(),
    }
}

pub(super) fn stranger_key(ip: IpAddr, interface: &str) -> FindingKey {
    FindingKey {
        kind: FindingKind::Stranger,
        subject: format!("{ip} on {interface}"),
    }
}

fn sample(heard: &Heard<'_>) -> FindingSample {
    FindingSample {
        when: heard.when,
        from: heard.from,
        channel: heard.channel,
        raw: heard.raw.clone(),
    }
}

/// Whether it is a request, decoded or not.
fn is_request(bytes: &[u8]) -> bool {
    wire::readable(bytes).is_some_and(|readable| readable.kind.is_request())
}

/// What a test-IP or set-IP request asks a unit to take.
fn asked_ip(heard: &Heard<'_>) -> String {
    let message = wire::decode(&heard.raw.bytes).map(|decoded| decoded.message);
    let Ok(Message::SetIpRequest(request) | Message::TestIpRequest(request)) = message else {
        return match ip_in_refused(&heard.raw.bytes) {
            Some(ip) => format!("{ip}, in a message that cannot be decoded"),
            None => "an address that cannot be read".to_owned(),
        };
    };
    let ip = match request.ip {
        Claimed::Ip(ip) => ip.to_string(),
        Claimed::None => "no address".to_owned(),
        Claimed::Absent => "an address that is not there".to_owned(),
    };
    let prefix = request
        .prefix_len
        .map_or_else(String::new, |prefix_len| format!("/{prefix_len}"));
    let [mask, gateway] =
        [("mask", request.mask), ("gateway", request.gateway)].map(|(of, claimed)| match claimed {
            Claimed::Ip(ip) => format!(", {of} {ip}"),
            Claimed::None | Claimed::Absent => String::new(),
        });
    format!("{ip}{prefix}{mask}{gateway}")
}

/// The address in a request that is refused, when the field that has it is whole.
fn ip_in_refused(bytes: &[u8]) -> Option<Ipv4Addr> {
    let mut readable = wire::readable(bytes)?;
    let field = readable
        .fields
        .find(|field| Meaning::of(readable.kind, field.kind) == Some(Meaning::Ip))?;
    <[u8; 4]>::try_from(field.value).ok().map(Ipv4Addr::from)
}
