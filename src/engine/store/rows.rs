//! Units as rows and back. The model knows no serde; what is stored has types of its own, in words that a
//! later version can still read. Reading trusts nothing: what cannot be read is left out and counted.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::appliance::{FileFacts, Heard, OTHER_IPS_KEPT, Presence, TAUGHT_KEPT};
use crate::model::fact::Fact;
use crate::model::identity::Mac;
use crate::model::sighting::{
    CUT_MARK, Channel, Evidence, RAW_KEPT_BYTES, Source, TEXT_KEPT_CHARS, TaughtClaims, cut_text,
};
use crate::model::time::Timestamp;
use crate::wire::{Remark, Remarks};

/// Notes and unknown columns may be this long.
const LONG_TEXT_BYTES: usize = 32 * 1024;

/// How many networks of a unit, and how many written addresses, are read.
const LIST_KEPT: usize = 256;

/// Stands in [`FactRow::source`] for [`Fact::Unavailable`].
const UNAVAILABLE: &str = "unavailable";

/// The sockets, in stored words.
const CHANNEL_WORDS: [(Channel, &str); 4] = [
    (Channel::Udp3502, "udp-3502"),
    (Channel::Udp3211, "udp-3211"),
    (Channel::UdpAsking, "udp-asking"),
    (Channel::Tcp3502, "tcp-3502"),
];

/// The stored word of a socket.
pub(super) fn channel_word(channel: Channel) -> &'static str {
    CHANNEL_WORDS
        .iter()
        .find(|(known, _)| *known == channel)
        .map_or("", |(_, word)| word)
}

/// Reads [`channel_word`].
pub(super) fn channel_from_word(word: &str) -> Option<Channel> {
    let mut known = CHANNEL_WORDS.iter();
    known
        .find(|(_, other)| *other == word)
        .map(|(channel, _)| *channel)
}

/// One fact. Absent: not asked.
#[derive(Serialize, Deserialize)]
struct FactRow<'a> {
    /// The value in text; empty for "it has none".
    #[serde(borrow, default)]
    value: Cow<'a, str>,
    /// Who said it, in [`Source::word`]'s words, or [`UNAVAILABLE`].
    #[serde(borrow)]
    source: Cow<'a, str>,
    /// When, in milliseconds since 1970.
    #[serde(default)]
    when: i64,
}

/// What was heard of a unit.
#[derive(Serialize, Deserialize)]
struct HeardRow<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    name: Option<FactRow<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    mac: Option<FactRow<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    ip: Option<FactRow<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    mask: Option<FactRow<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    gateway: Option<FactRow<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model_number: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    modes: Option<u8>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    taught: Vec<TaughtRow<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    earlier_ips: Vec<(Cow<'a, str>, i64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flapped: Option<i64>,
    #[serde(borrow, default)]
    presence: Vec<PresenceRow<'a>>,
    first: i64,
    last: i64,
    #[serde(borrow)]
    last_source: Cow<'a, str>,
}

/// What a taught decoder read.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct TaughtRow<'a> {
    #[serde(borrow)]
    decoder: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    model: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    serial: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    firmware: Option<Cow<'a, str>>,
}

impl<'a> TaughtRow<'a> {
    fn of(taught: &'a TaughtClaims) -> Self {
        let text = |text: &'a Option<String>| text.as_deref().map(Cow::Borrowed);
        Self {
            decoder: Cow::Borrowed(&taught.decoder),
            model: text(&taught.model),
            serial: text(&taught.serial),
            firmware: text(&taught.firmware),
        }
    }

    fn claims(self) -> TaughtClaims {
        let text = |text: Option<Cow<'_, str>>| text.map(|text| cut_text(&text));
        TaughtClaims {
            decoder: cut_text(&self.decoder),
            model: text(self.model),
            serial: text(self.serial),
            firmware: text(self.firmware),
        }
    }
}

/// A unit on one network.
#[derive(Serialize, Deserialize)]
struct PresenceRow<'a> {
    #[serde(borrow)]
    interface: Cow<'a, str>,
    last: i64,
    #[serde(default)]
    answered_search: bool,
}

/// An inventory line.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct FileFactsRow<'a> {
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    name: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    model: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    class: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    ip: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<u8>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    gateway: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    mac: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    serial: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    part_number: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    firmware: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    planned_name: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    planned_place: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    heard_on: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    heard_by: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_heard: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_heard: Option<i64>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    note: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Vec::is_empty")]
    other_ips: Vec<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Vec::is_empty")]
    extra: Vec<(u32, Cow<'a, str>)>,
}

fn fact_row<'a, T>(fact: &'a Fact<T>, text: impl Fn(&'a T) -> Cow<'a, str>) -> Option<FactRow<'a>> {
    match fact {
        Fact::NotAsked => None,
        Fact::Unavailable => Some(FactRow {
            value: Cow::Borrowed(""),
            source: Cow::Borrowed(UNAVAILABLE),
            when: 0,
        }),
        Fact::Known {
            value,
            source,
            when,
        } => Some(FactRow {
            value: text(value),
            source: Cow::Borrowed(source.word()),
            when: when.as_millis(),
        }),
    }
}

fn shown<T: ToString>(value: Option<&T>) -> Cow<'static, str> {
    Cow::Owned(value.map(T::to_string).unwrap_or_default())
}

/// What was heard of a unit, as its column.
pub(super) fn write_heard(heard: &Heard) -> serde_json::Result<String> {
    let ip_text = |ip: &Option<Ipv4Addr>| shown(ip.as_ref());
    serde_json::to_string(&HeardRow {
        name: fact_row(&heard.name, |name| Cow::Borrowed(name.as_str())),
        mac: fact_row(&heard.mac, |mac| shown(Some(mac))),
        ip: fact_row(&heard.ip, ip_text),
        mask: fact_row(&heard.mask, ip_text),
        gateway: fact_row(&heard.gateway, ip_text),
        model_number: heard.model_number,
        modes: heard.modes,
        taught: heard
            .taught
            .iter()
            .flat_map(|taught| taught.iter())
            .map(|taught| TaughtRow::of(taught))
            .collect(),
        earlier_ips: heard
            .earlier_ips
            .iter()
            .map(|(ip, when)| (shown(Some(ip)), when.as_millis()))
            .collect(),
        flapped: heard.flapped.map(Timestamp::as_millis),
        presence: heard
            .presence
            .iter()
            .map(|presence| PresenceRow {
                interface: Cow::Borrowed(&*presence.interface),
                last: presence.last.as_millis(),
                answered_search: presence.answered_search,
            })
            .collect(),
        first: heard.first.as_millis(),
        last: heard.last.as_millis(),
        last_source: Cow::Borrowed(heard.last_source.word()),
    })
}

/// An inventory line, as its column.
pub(super) fn write_file_facts(facts: &FileFacts) -> serde_json::Result<String> {
    serde_json::to_string(&FileFactsRow {
        name: Cow::Borrowed(&facts.name),
        model: Cow::Borrowed(&facts.model),
        class: Cow::Borrowed(&facts.class),
        ip: shown(facts.ip.as_ref()),
        prefix: facts.prefix,
        gateway: shown(facts.gateway.as_ref()),
        mac: shown(facts.mac.as_ref()),
        serial: Cow::Borrowed(&facts.serial),
        part_number: Cow::Borrowed(&facts.part_number),
        firmware: Cow::Borrowed(&facts.firmware),
        planned_name: Cow::Borrowed(&facts.planned_name),
        planned_place: Cow::Borrowed(&facts.planned_place),
        heard_on: Cow::Borrowed(&facts.heard_on),
        heard_by: Cow::Borrowed(&facts.heard_by),
        first_heard: facts.first_heard.map(Timestamp::as_millis),
        last_heard: facts.last_heard.map(Timestamp::as_millis),
        note: Cow::Borrowed(&facts.note),
        other_ips: facts.other_ips.iter().map(|ip| shown(Some(ip))).collect(),
        extra: facts
            .extra
            .iter()
            .map(|(column, value)| (*column, Cow::Borrowed(value.as_str())))
            .collect(),
    })
}

/// Remarks as a number: one bit each, in the order of [`Remark::ALL`], which only ever grows at its end.
pub(super) fn remarks_bits(remarks: Remarks) -> i64 {
    Remark::ALL
        .into_iter()
        .enumerate()
        .filter(|(_, remark)| remarks.contains(*remark))
        .fold(0, |bits, (idx, _)| bits | 1 << idx)
}

fn remarks_of(bits: i64) -> Remarks {
    Remark::ALL
        .into_iter()
        .enumerate()
        .filter(|(idx, _)| bits & (1 << idx) != 0)
        .map(|(_, remark)| remark)
        .collect()
}

/// A row of the table of evidence, as it is stored.
pub(super) struct EvidenceRow<'a> {
    pub(super) seq: u64,
    pub(super) when_millis: i64,
    pub(super) source: &'a str,
    pub(super) channel: &'a str,
    pub(super) sender: &'a str,
    pub(super) interface: &'a str,
    pub(super) remarks: i64,
    pub(super) full_len: i64,
    pub(super) raw: Option<&'a [u8]>,
}

/// Reads rows, and remembers what it could not read.
#[derive(Default)]
pub(super) struct Reading {
    /// Items that were left out.
    pub(super) left_out: u64,
    /// Answers to probes that were not read whole, because all together are too many.
    pub(super) cut_answers: u64,
    /// Interface names, each kept once.
    interfaces: BTreeSet<Arc<str>>,
    /// How many unknown columns the site has.
    pub(super) num_extra_columns: usize,
}

impl Reading {
    /// Counts an item that could not be read.
    fn left_out<T>(&mut self) -> Option<T> {
        self.left_out += 1;
        None
    }

    fn interface(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.interfaces.get(name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = Arc::from(short_text(Cow::Borrowed(name)));
        self.interfaces.insert(Arc::clone(&new));
        new
    }

    fn parsed<T: FromStr>(&mut self, text: &str) -> Option<T> {
        text.parse().ok().or_else(|| self.left_out())
    }

    /// A value that may be empty.
    fn optional<T: FromStr>(&mut self, text: &str) -> Option<T> {
        if text.is_empty() {
            None
        } else {
            self.parsed(text)
        }
    }

    fn fact<T>(
        &mut self,
        row: Option<FactRow<'_>>,
        read: impl FnOnce(&mut Self, Cow<'_, str>) -> Option<T>,
    ) -> Fact<T> {
        let Some(row) = row else {
            return Fact::NotAsked;
        };
        if row.source == UNAVAILABLE {
            return Fact::Unavailable;
        }
        let Some(source) = Source::from_word(&row.source) else {
            self.left_out += 1;
            return Fact::NotAsked;
        };
        match read(self, row.value) {
            Some(value) => Fact::Known {
                value,
                source,
                when: Timestamp::from_millis(row.when),
            },
            None => Fact::NotAsked,
        }
    }

    fn ip_fact(&mut self, row: Option<FactRow<'_>>) -> Fact<Option<Ipv4Addr>> {
        self.fact(row, |reading, text| {
            if text.is_empty() {
                Some(None)
            } else {
                reading.parsed(&text).map(Some)
            }
        })
    }

    fn mac(&mut self, text: &str) -> Option<Mac> {
        Mac::parse(text).or_else(|| self.left_out())
    }

    /// Reads what [`write_heard`] wrote. No search has been asked since, so that nothing is silent yet.
    pub(super) fn heard(&mut self, json: &str) -> Option<Heard> {
        let Ok(row) = serde_json::from_str::<HeardRow<'_>>(json) else {
            return self.left_out();
        };
        let name = self.fact(row.name, |_, text| Some(short_text(text)));
        let mac = self.fact(row.mac, |reading, text| reading.mac(&text));
        let ip = self.ip_fact(row.ip);
        let mask = self.ip_fact(row.mask);
        let gateway = self.ip_fact(row.gateway);
        let mut earlier_ips = Vec::new();
        for (ip, when) in row.earlier_ips.into_iter().take(OTHER_IPS_KEPT) {
            if let Some(ip) = self.parsed(&ip) {
                earlier_ips.push((ip, Timestamp::from_millis(when)));
            }
        }
        let taught: Vec<_> = row
            .taught
            .into_iter()
            .take(TAUGHT_KEPT)
            .map(|row| Arc::new(row.claims()))
            .collect();
        let taught = (!taught.is_empty()).then(|| Arc::new(taught));
        // Not collected, which would keep the room that the reader made for four: most units have one network.
        let mut presence = Vec::with_capacity(row.presence.len().min(LIST_KEPT));
        for row in row.presence.into_iter().take(LIST_KEPT) {
            presence.push(Presence {
                interface: self.interface(&row.interface),
                last: Timestamp::from_millis(row.last),
                answered_search: row.answered_search,
                heard_at_ask: 0,
            });
        }
        let last_source = Source::from_word(&row.last_source).unwrap_or_else(|| {
            self.left_out += 1;
            Source::Undecoded
        });
        Some(Heard {
            name,
            mac,
            ip,
            mask,
            gateway,
            model_number: row.model_number,
            modes: row.modes,
            taught,
            earlier_ips,
            flapped: row.flapped.map(Timestamp::from_millis),
            presence,
            first: Timestamp::from_millis(row.first),
            last: Timestamp::from_millis(row.last),
            last_source,
            provisional: false,
        })
    }

    /// Reads what [`write_file_facts`] wrote.
    pub(super) fn file_facts(&mut self, json: &str) -> Option<FileFacts> {
        let Ok(row) = serde_json::from_str::<FileFactsRow<'_>>(json) else {
            return self.left_out();
        };
        let prefix = match row.prefix {
            Some(prefix) if prefix > 32 => self.left_out(),
            prefix => prefix,
        };
        let mac = if row.mac.is_empty() {
            None
        } else {
            self.mac(&row.mac)
        };
        let mut other_ips = Vec::new();
        for ip in row.other_ips.into_iter().take(LIST_KEPT) {
            other_ips.extend(self.parsed::<Ipv4Addr>(&ip));
        }
        let mut extra = Vec::with_capacity(row.extra.len());
        for (column, value) in row.extra {
            if (column as usize) < self.num_extra_columns {
                extra.push((column, long_text(value)));
            } else {
                self.left_out += 1;
            }
        }
        Some(FileFacts {
            ip: self.optional(&row.ip),
            prefix,
            gateway: self.optional(&row.gateway),
            mac,
            name: short_text(row.name),
            model: short_text(row.model),
            class: short_text(row.class),
            serial: short_text(row.serial),
            part_number: short_text(row.part_number),
            firmware: short_text(row.firmware),
            planned_name: short_text(row.planned_name),
            planned_place: short_text(row.planned_place),
            heard_on: short_text(row.heard_on),
            heard_by: short_text(row.heard_by),
            first_heard: row.first_heard.map(Timestamp::from_millis),
            last_heard: row.last_heard.map(Timestamp::from_millis),
            note: long_text(row.note),
            other_ips,
            extra,
        })
    }

    /// Reads a row of evidence.
    pub(super) fn evidence(&mut self, row: &EvidenceRow<'_>) -> Option<Evidence> {
        let channel = CHANNEL_WORDS
            .iter()
            .find(|(_, word)| *word == row.channel)
            .map(|(channel, _)| *channel);
        let (Some(channel), Some(source), Ok(from), Ok(full_len)) = (
            channel,
            Source::from_word(row.source),
            row.sender.parse::<SocketAddr>(),
            u32::try_from(row.full_len),
        ) else {
            return self.left_out();
        };
        Some(Evidence {
            seq: row.seq,
            when: Timestamp::from_millis(row.when_millis),
            from,
            interface: self.interface(row.interface),
            raw: row
                .raw
                .map(|raw| Arc::from(&raw[..raw.len().min(RAW_KEPT_BYTES)])),
            full_len,
            source,
            channel,
            remarks: remarks_of(row.remarks),
        })
    }
}

/// A text of at most [`TEXT_KEPT_CHARS`] characters.
pub(super) fn short_text(text: Cow<'_, str>) -> String {
    if text.len() <= TEXT_KEPT_CHARS {
        return text.into_owned(); // Fewer bytes are fewer characters.
    }
    crate::model::sighting::cut_text(&text)
}

/// A text of at most [`LONG_TEXT_BYTES`].
pub(super) fn long_text(text: Cow<'_, str>) -> String {
    if text.len() <= LONG_TEXT_BYTES {
        return text.into_owned();
    }
    let mut cut =
        text[..text.floor_char_boundary(LONG_TEXT_BYTES - CUT_MARK.len_utf8())].to_owned();
    cut.push(CUT_MARK);
    cut
}
