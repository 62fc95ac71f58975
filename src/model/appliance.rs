//! One unit: what was heard of it, what a file said, what a person typed, and where it was heard.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::fact::Fact;
use super::identification::{Confidence, Identification, Product};
use super::identity::{ApplianceId, Mac, is_serial_key, serial_key};
use super::network::mask_to_prefix;
use super::probing::{ClueKind, Probe, Probed};
use super::sighting::{Evidence, Source, TaughtClaims};
use super::time::Timestamp;
use crate::wire::Claimed;

/// Everything known of one unit. Held behind `Arc`; the registry alone makes new versions.
#[derive(Clone, Debug, PartialEq)]
pub struct Appliance {
    /// The registry's number of it.
    pub id: ApplianceId,
    /// Counts up with every change, over the whole site: what caches compare.
    pub revision: u64,
    /// What was heard over the network. `None` for a unit that is only in a file or was typed in.
    pub heard: Option<Heard>,
    /// What probes brought, when it was probed.
    pub probed: Option<Arc<Probed>>,
    /// What the catalog makes of all that, when it was asked.
    pub identified: Option<Arc<Identification>>,
    /// What an inventory file said, the newest import.
    pub imported: Option<Arc<FileFacts>>,
    /// What a person typed.
    pub typed: Typed,
    /// The last sightings, oldest first, at most [`super::registry::SIGHTINGS_KEPT`].
    pub evidence: VecDeque<Evidence>,
}

/// What was heard of a unit over the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// Its own name.
    pub name: Fact<String>,
    /// Its MAC.
    pub mac: Fact<Mac>,
    /// Its address: known to be `None` when it says that it has none.
    pub ip: Fact<Option<Ipv4Addr>>,
    /// Its subnet mask, as stated.
    pub mask: Fact<Option<Ipv4Addr>>,
    /// Its default gateway.
    pub gateway: Fact<Option<Ipv4Addr>>,
    /// Field 1 of its reply: a hint, never the model.
    pub model_number: Option<u16>,
    /// Field 7 of its reply.
    pub modes: Option<u8>,
    /// What taught decoders read of it, the newest first, one of each decoder, at most [`TAUGHT_KEPT`]. `None` of nearly
    /// every unit: behind a pointer, so that it costs them nothing.
    pub taught: Option<Arc<Vec<Arc<TaughtClaims>>>>,
    /// The addresses it had before, newest first, at most [`OTHER_IPS_KEPT`].
    pub earlier_ips: Vec<(Ipv4Addr, Timestamp)>,
    /// When it changed back to an address that it had left less than five minutes before.
    pub flapped: Option<Timestamp>,
    /// Where it was heard, the first network first.
    pub presence: Vec<Presence>,
    /// When it was heard first.
    pub first: Timestamp,
    /// When it was heard last.
    pub last: Timestamp,
    /// How it was heard last.
    pub last_source: Source,
    /// Whether it was heard while its sender was flooding, and not again since: such a unit is not saved.
    pub provisional: bool,
}

/// How many earlier addresses are kept of a unit.
pub const OTHER_IPS_KEPT: usize = 8;

/// Of how many taught decoders it is kept what they read of a unit.
pub const TAUGHT_KEPT: usize = 4;

/// A unit on one network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// The interface that heard it.
    pub interface: Arc<str>,
    /// When it was heard there last.
    pub last: Timestamp,
    /// Whether it ever answered a search there: only then can it be silent.
    pub answered_search: bool,
    /// How many asks of the interface had been closed when it was heard there last.
    pub heard_at_ask: u64,
}

/// What a person typed of a unit. `None`: nothing typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    /// The name a person gave it.
    pub name: Option<String>,
    /// A note.
    pub note: Option<String>,
    /// For a unit added by hand: what the person knew of it.
    pub by_hand: Option<Arc<FileFacts>>,
}

/// The columns of an inventory line in text, except status. Empty is unknown. Used for an imported line and for
/// a unit added by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileFacts {
    /// Column `name`.
    pub name: String,
    /// Column `model`.
    pub model: String,
    /// Column `class`.
    pub class: String,
    /// Column `ip`. 0.0.0.0: the file says that the unit has none.
    pub ip: Option<Ipv4Addr>,
    /// Column `prefix`, 0 to 32.
    pub prefix: Option<u8>,
    /// Column `gateway`. 0.0.0.0: the file says that there is none.
    pub gateway: Option<Ipv4Addr>,
    /// Column `mac`.
    pub mac: Option<Mac>,
    /// Column `serial`, with its leading zeros.
    pub serial: String,
    /// Column `part_number`.
    pub part_number: String,
    /// Column `firmware`.
    pub firmware: String,
    /// Column `planned_name`.
    pub planned_name: String,
    /// Column `planned_place`.
    pub planned_place: String,
    /// Column `heard_on`.
    pub heard_on: String,
    /// Column `heard_by`.
    pub heard_by: String,
    /// Column `first_heard`.
    pub first_heard: Option<Timestamp>,
    /// Column `last_heard`.
    pub last_heard: Option<Timestamp>,
    /// Column `note`.
    pub note: String,
    /// Column `other_ips`, newest first.
    pub other_ips: Vec<Ipv4Addr>,
    /// Columns that Rollcall does not know: (index into the site's `extra_columns`, value).
    pub extra: Vec<(u32, String)>,
}

/// A value with where it comes from, as the grid and the right panel show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Best<T> {
    /// The value.
    pub value: T,
    /// Who said it.
    pub source: Source,
}

impl Appliance {
    /// Facts from files and from a person adding by hand, the person's first.
    fn written(&self) -> impl Iterator<Item = (&FileFacts, Source)> {
        let by_hand = self
            .typed
            .by_hand
            .as_deref()
            .map(|facts| (facts, Source::Person));
        let imported = self
            .imported
            .as_deref()
            .map(|facts| (facts, Source::Import));
        by_hand.into_iter().chain(imported)
    }

    /// The first non-empty text that a person or a file gave.
    fn written_text(&self, field: impl Fn(&FileFacts) -> &str) -> Option<Best<&str>> {
        self.written()
            .map(|(facts, source)| Best {
                value: field(facts),
                source,
            })
            .find(|best| !best.value.is_empty())
    }

    /// The first value that a person or a file gave.
    fn written_value<T>(&self, field: impl Fn(&FileFacts) -> Option<T>) -> Option<Best<T>> {
        self.written()
            .find_map(|(facts, source)| field(facts).map(|value| Best { value, source }))
    }

    /// Its name: typed by a person, then the newest heard, then from a file.
    pub fn name(&self) -> Option<Best<&str>> {
        if let Some(name) = self.typed.name.as_deref().filter(|name| !name.is_empty()) {
            return Some(Best {
                value: name,
                source: Source::Person,
            });
        }
        if let Some(heard) = &self.heard
            && let Fact::Known { value, source, .. } = &heard.name
        {
            return Some(Best {
                value: value.as_str(),
                source: *source,
            });
        }
        self.written_text(|facts| &facts.name)
    }

    /// Its note: typed, else from a file.
    pub fn note(&self) -> Option<&str> {
        match &self.typed.note {
            Some(note) => Some(note.as_str()).filter(|note| !note.is_empty()),
            None => self
                .written_text(|facts| &facts.note)
                .map(|best| best.value),
        }
    }

    /// Its MAC: heard, else written.
    pub fn mac(&self) -> Option<Best<Mac>> {
        if let Some(heard) = &self.heard
            && let Fact::Known { value, source, .. } = &heard.mac
        {
            return Some(Best {
                value: *value,
                source: *source,
            });
        }
        self.written_value(|facts| facts.mac)
    }

    /// Its address. The inner `None`: it says that it has none.
    pub fn ip(&self) -> Option<Best<Option<Ipv4Addr>>> {
        if let Some(heard) = &self.heard
            && let Fact::Known { value, source, .. } = &heard.ip
        {
            return Some(Best {
                value: *value,
                source: *source,
            });
        }
        self.written_value(|facts| facts.ip.map(none_if_unspecified))
    }

    /// The address as a plain value, when it has one.
    pub fn ip_value(&self) -> Option<Ipv4Addr> {
        self.ip().and_then(|best| best.value)
    }

    /// The address that it claimed over the network, when it has one.
    pub fn heard_ip(&self) -> Option<Ipv4Addr> {
        self.heard
            .as_ref()
            .and_then(|heard| heard.ip.value().copied().flatten())
    }

    /// Its prefix length, from the mask it stated, else from a file. A mask with holes gives none.
    pub fn prefix(&self) -> Option<Best<u8>> {
        if let Some(heard) = &self.heard
            && let Fact::Known {
                value: Some(mask),
                source,
                ..
            } = &heard.mask
            && let Some(prefix) = mask_to_prefix(*mask)
        {
            return Some(Best {
                value: prefix,
                source: *source,
            });
        }
        self.written_value(|facts| facts.prefix)
    }

    /// Its default gateway. The inner `None`: it says that it has none.
    pub fn gateway(&self) -> Option<Best<Option<Ipv4Addr>>> {
        if let Some(heard) = &self.heard
            && let Fact::Known { value, source, .. } = &heard.gateway
        {
            return Some(Best {
                value: *value,
                source: *source,
            });
        }
        self.written_value(|facts| facts.gateway.map(none_if_unspecified))
    }

    /// Its model: as it was identified, else as a file or a person names it. A merely possible model is none; the model
    /// number of its reply is only a hint and not the model.
    pub fn model(&self) -> Option<Best<&str>> {
        self.identified_as(Confidence::Likely, |product| product.model.as_deref())
            .or_else(|| self.taught_text(|taught| taught.model.as_deref()))
            .or_else(|| self.written_text(|facts| &facts.model))
    }

    /// The newest text that a taught decoder read.
    fn taught_text(&self, field: impl Fn(&TaughtClaims) -> Option<&str>) -> Option<Best<&str>> {
        let taught = self.heard.as_ref()?.taught.as_deref()?;
        let value = taught.iter().find_map(|claims| field(claims))?;
        Some(Best {
            value,
            source: Source::Taught,
        })
    }

    /// The decoders that read something of it, the newest first.
    pub fn taught_by(&self) -> impl Iterator<Item = &str> {
        let taught = self
            .heard
            .as_ref()
            .and_then(|heard| heard.taught.as_deref());
        taught
            .into_iter()
            .flatten()
            .map(|claims| claims.decoder.as_str())
    }

    /// The same for the screen, where a merely possible model is marked as such.
    pub fn model_or_guess(&self) -> Option<Best<&str>> {
        self.model().or_else(|| {
            self.identified_as(Confidence::Possible, |product| product.model.as_deref())
        })
    }

    /// Its class (console server, KVM switch, rack PDU), as its model.
    pub fn class(&self) -> Option<Best<&str>> {
        self.identified_as(Confidence::Likely, |product| Some(product.class.as_str()))
            .or_else(|| self.written_text(|facts| &facts.class))
    }

    /// The same for the screen, where a merely possible class is marked as such.
    pub fn class_or_guess(&self) -> Option<Best<&str>> {
        self.class().or_else(|| {
            self.identified_as(Confidence::Possible, |product| Some(product.class.as_str()))
        })
    }

    /// A text of the product that it was identified as, at least so surely.
    fn identified_as(
        &self,
        least: Confidence,
        text: impl Fn(&Product) -> Option<&str>,
    ) -> Option<Best<&str>> {
        let identified = self.identified.as_deref()?;
        if identified.confidence? < least {
            return None;
        }
        let value = text(identified.product.as_ref()?).filter(|text| !text.is_empty())?;
        let source = identified
            .reasons
            .first()
            .and_then(|reason| reason.probe)
            .map_or(Source::Reply, Probe::source);
        Some(Best { value, source })
    }

    /// A text that a probe brought.
    fn probed_text(&self, kind: ClueKind) -> Option<Best<&str>> {
        let value = self.probed.as_deref()?.clue(kind)?;
        let source = kind.probe().source();
        Some(Best { value, source })
    }

    /// Its serial number: as it says itself, unless that is a filler, else as a file or a person says.
    pub fn serial(&self) -> Option<Best<&str>> {
        let own = || self.probed_text(ClueKind::Serial);
        own()
            .filter(|own| is_serial_key(own.value))
            .or_else(|| self.taught_text(|taught| taught.serial.as_deref()))
            .or_else(|| self.untaught_serial())
    }

    /// The same without what a taught decoder read, which may be anything and change with every datagram.
    pub fn untaught_serial(&self) -> Option<Best<&str>> {
        let own = || self.probed_text(ClueKind::Serial);
        own()
            .filter(|own| is_serial_key(own.value))
            .or_else(|| self.written_text(|facts| &facts.serial))
            .or_else(own)
    }

    /// Its serial number as a key that tells units apart: never one that a taught decoder read.
    pub fn serial_key(&self) -> Option<String> {
        self.untaught_serial()
            .and_then(|best| serial_key(best.value))
    }

    /// Its part number: as it says itself, else as a file or a person says.
    pub fn part_number(&self) -> Option<Best<&str>> {
        self.probed_text(ClueKind::PartNumber)
            .or_else(|| self.written_text(|facts| &facts.part_number))
    }

    /// Its firmware: as it says itself, else as a file or a person says.
    pub fn firmware(&self) -> Option<Best<&str>> {
        self.probed_text(ClueKind::Firmware)
            .or_else(|| {
                let value = self.identified.as_deref()?.firmware.as_deref()?;
                Some(Best {
                    value,
                    source: Source::Snmp,
                })
            })
            .or_else(|| self.taught_text(|taught| taught.firmware.as_deref()))
            .or_else(|| self.written_text(|facts| &facts.firmware))
    }

    /// The name that the plan gives it.
    pub fn planned_name(&self) -> Option<Best<&str>> {
        self.written_text(|facts| &facts.planned_name)
    }

    /// The place that the plan gives it.
    pub fn planned_place(&self) -> Option<Best<&str>> {
        self.written_text(|facts| &facts.planned_place)
    }

    /// The networks it was heard on, or what a file says of that.
    pub fn heard_on(&self) -> Option<String> {
        match &self.heard {
            Some(heard) => {
                let names: Vec<&str> = heard
                    .presence
                    .iter()
                    .map(|presence| &*presence.interface)
                    .collect();
                Some(names.join(" "))
            }
            None => self
                .written_text(|facts| &facts.heard_on)
                .map(|best| best.value.to_owned()),
        }
    }

    /// How it was heard last, or what a file says of that.
    pub fn heard_by(&self) -> Option<&str> {
        match &self.heard {
            Some(heard) => Some(heard.last_source.word()),
            None => self
                .written_text(|facts| &facts.heard_by)
                .map(|best| best.value),
        }
    }

    /// When it was heard first: here, else as a file says.
    pub fn first_heard(&self) -> Option<Timestamp> {
        match &self.heard {
            Some(heard) => Some(heard.first),
            None => self
                .written_value(|facts| facts.first_heard)
                .map(|best| best.value),
        }
    }

    /// When it was heard last: here, else as a file says.
    pub fn last_heard(&self) -> Option<Timestamp> {
        match &self.heard {
            Some(heard) => Some(heard.last),
            None => self
                .written_value(|facts| facts.last_heard)
                .map(|best| best.value),
        }
    }

    /// The addresses it had before, newest first, without the one it has now.
    pub fn other_ips(&self) -> Vec<Ipv4Addr> {
        let current = self.ip_value();
        let mut ips: Vec<Ipv4Addr> = Vec::new();
        let heard = self
            .heard
            .iter()
            .flat_map(|heard| heard.earlier_ips.iter().map(|(ip, _)| *ip));
        let written = self
            .written()
            .flat_map(|(facts, _)| facts.other_ips.iter().copied());
        for ip in heard.chain(written) {
            if Some(ip) != current && !ips.contains(&ip) {
                ips.push(ip);
            }
        }
        ips
    }

    /// The newest datagram whose bytes are still kept.
    pub fn last_datagram(&self) -> Option<(&Evidence, &Arc<[u8]>)> {
        self.evidence
            .iter()
            .rev()
            .find_map(|evidence| evidence.raw.as_ref().map(|raw| (evidence, raw)))
    }

    /// Whether it is only known from a file or a person, never heard.
    pub const fn is_unheard(&self) -> bool {
        self.heard.is_none()
    }
}

impl Heard {
    /// A unit that is heard for the first time.
    pub(super) fn new(when: Timestamp, source: Source) -> Self {
        Self {
            name: Fact::NotAsked,
            mac: Fact::NotAsked,
            ip: Fact::NotAsked,
            mask: Fact::NotAsked,
            gateway: Fact::NotAsked,
            model_number: None,
            modes: None,
            taught: None,
            earlier_ips: Vec::new(),
            flapped: None,
            presence: Vec::with_capacity(1),
            first: when,
            last: when,
            last_source: source,
            provisional: false,
        }
    }
}

/// What a file's address says: 0.0.0.0 is the statement that there is none.
fn none_if_unspecified(ip: Ipv4Addr) -> Option<Ipv4Addr> {
    (!ip.is_unspecified()).then_some(ip)
}

/// Takes a stated address over into a fact: stated to be none is known, absent is a miss.
pub(super) fn learn_claimed(
    fact: &mut Fact<Option<Ipv4Addr>>,
    claimed: Claimed,
    source: Source,
    when: Timestamp,
) {
    match claimed {
        Claimed::Ip(ip) => fact.learn(Some(ip), source, when),
        Claimed::None => fact.learn(None, source, when),
        Claimed::Absent => fact.miss(),
    }
}
