//! Which datagrams the list of the last ones shows, and which go into a filtered capture. Pure; takes any text.
//!
//! The filter language is that of the grid: free words are looked for in network, addresses, kind, way and the MAC
//! inside, and all must be found; `column:value` looks in one column (`from:`, `to:`, `net:`, `kind:`, `way:`, `mac:`);
//! `column:` alone wants any value there; `!` in front turns a term around; double quotes hold a value with spaces
//! together. Case never matters. A whole address means just that one, and `from:10.0.0.0/24` a whole network.

use std::net::{IpAddr, SocketAddr};

use super::identity::Mac;
use super::network::Network;
use super::query::parse::{lower_chars, mac_notation, read_terms};
use super::traffic::SeenDatagram;
use crate::wire::{Message, decode};

/// Fewer hexadecimal digits than this are not taken for a part of a MAC.
const MIN_MAC_DIGITS: usize = 4;

/// A filter of datagrams. Empty, it lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrafficFilter {
    terms: Vec<Term>,
}

/// One condition. All conditions must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    /// Whether it must not be found.
    negated: bool,
    /// Where to look; `None` for everywhere.
    column: Option<Column>,
    /// What to look for, in lower case. Empty, which only happens with a column: any value.
    text: String,
    /// The addresses that it means, when it is a whole address or a network.
    place: Option<Place>,
    /// The MAC that it is, when it is a whole one.
    mac: Option<Mac>,
    /// The same as a part of a MAC is printed, when `text` is another notation of it.
    printed_mac: Option<String>,
}

/// What a datagram is looked at for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    From,
    To,
    Net,
    Kind,
    Way,
    Mac,
}

/// Addresses that are compared as addresses, not as text: 10.0.0.5 is not 10.0.0.50.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Ip(IpAddr),
    IpPort(SocketAddr),
    Network(Network),
}

impl TrafficFilter {
    /// Reads a filter text. What makes no sense is a free word, what is too long is cut.
    pub fn parse(text: &str) -> Self {
        Self {
            terms: read_terms(text, split_column, Term::new),
        }
    }

    /// Whether everything passes.
    pub const fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a datagram passes.
    pub fn matches(&self, datagram: &SeenDatagram) -> bool {
        if self.terms.is_empty() {
            return true;
        }
        let mac = mac_inside(datagram);
        self.terms
            .iter()
            .all(|term| term.is_found(datagram, mac) != term.negated)
    }
}

impl Term {
    fn new(negated: bool, column: Option<Column>, value: &str) -> Self {
        let text: String = lower_chars(value).collect();
        Self {
            negated,
            column,
            place: Place::parse(&text),
            mac: Mac::parse(&text),
            printed_mac: mac_notation(&text),
            text,
        }
    }

    fn is_found(&self, datagram: &SeenDatagram, mac: Option<Mac>) -> bool {
        match self.column {
            Some(column) => self.is_in(column, datagram, mac),
            None => Column::ALL
                .into_iter()
                .any(|(_, column)| self.is_in(column, datagram, mac)),
        }
    }

    fn is_in(&self, column: Column, datagram: &SeenDatagram, mac: Option<Mac>) -> bool {
        match column {
            Column::From => self.is_at(datagram.from),
            Column::To => datagram.to.is_some_and(|to| self.is_at(to)),
            Column::Net => self.is_part_of(&datagram.interface),
            Column::Kind => self.is_part_of(datagram.kind.word()),
            Column::Way => self.is_part_of(datagram.direction.word()),
            Column::Mac => self.is_mac(mac, &datagram.raw.bytes),
        }
    }

    fn is_at(&self, ip_port: SocketAddr) -> bool {
        match self.place {
            Some(place) => place.contains(ip_port),
            None => self.is_part_of(&ip_port.to_string()),
        }
    }

    /// A whole MAC is also looked for among the bytes of what is not AIDP.
    fn is_mac(&self, inside: Option<Mac>, bytes: &[u8]) -> bool {
        if let Some(wanted) = self.mac {
            return inside == Some(wanted)
                || bytes.windows(6).any(|window| window == wanted.octets());
        }
        let Some(inside) = inside else {
            return false;
        };
        let printed = inside.to_string();
        let is_bare = self.text.len() >= MIN_MAC_DIGITS
            && self.text.bytes().all(|byte| byte.is_ascii_hexdigit());
        printed.contains(&self.text)
            || self
                .printed_mac
                .as_ref()
                .is_some_and(|part| printed.contains(part))
            || (is_bare && printed.replace(':', "").contains(&self.text))
    }

    fn is_part_of(&self, text: &str) -> bool {
        if text.is_ascii() {
            let found = |window: &[u8]| window.eq_ignore_ascii_case(self.text.as_bytes());
            return self.text.is_empty() || text.as_bytes().windows(self.text.len()).any(found);
        }
        lower_chars(text).collect::<String>().contains(&self.text)
    }
}

impl Column {
    /// Every column with its words.
    const ALL: [(&[&str], Self); 6] = [
        (&["from"], Self::From),
        (&["to"], Self::To),
        (&["net", "network"], Self::Net),
        (&["kind"], Self::Kind),
        (&["way"], Self::Way),
        (&["mac"], Self::Mac),
    ];
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        if let Some((ip, prefix)) = text.split_once('/') {
            let ip = ip.parse().ok()?;
            let prefix_len = prefix.parse().ok().filter(|prefix| *prefix <= 32)?;
            return Some(Self::Network(Network { ip, prefix_len }));
        }
        let ip = text.parse().map(Self::Ip);
        ip.or_else(|_| text.parse().map(Self::IpPort)).ok()
    }

    fn contains(self, ip_port: SocketAddr) -> bool {
        let ip = ip_port.ip().to_canonical();
        match (self, ip) {
            (Self::Ip(wanted), ip) => ip == wanted.to_canonical(),
            (Self::IpPort(wanted), ip) => {
                ip == wanted.ip().to_canonical() && ip_port.port() == wanted.port()
            }
            (Self::Network(network), IpAddr::V4(ip)) => network.contains(ip),
            (Self::Network(_), IpAddr::V6(_)) => false,
        }
    }
}

/// The unit that a datagram of AIDP names.
pub fn mac_inside(datagram: &SeenDatagram) -> Option<Mac> {
    let octets = match decode(&datagram.raw.bytes).ok()?.message {
        Message::DiscoverReply(reply) => reply.mac?,
        Message::TestIpRequest(request) | Message::SetIpRequest(request) => request.mac?,
        Message::TestIpReply(reply) | Message::SetIpReply(reply) => reply.mac?,
        Message::DiscoverRequest | Message::Other(_) => return None,
    };
    Some(Mac::new(octets))
}

/// Takes `column:` off the front. Before another colon, as in a MAC or an address, there is no column.
fn split_column(text: &str) -> (Option<Column>, &str) {
    let Some((word, after)) = text.split_once(':') else {
        return (None, text);
    };
    let found = Column::ALL
        .into_iter()
        .find(|(words, _)| words.iter().any(|it| it.eq_ignore_ascii_case(word)));
    match found {
        Some((_, column)) => (Some(column), after),
        None => (None, text),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::sighting::{Channel, RawDatagram};
    use super::super::time::Timestamp;
    use super::super::traffic::{DatagramKind, Direction};
    use super::*;
    use crate::model::query::parse::MAX_TERMS;
    use crate::wire::DiscoverReply;

    fn datagram(
        interface: &str,
        from: &str,
        to: Option<&str>,
        kind: DatagramKind,
        bytes: &[u8],
    ) -> SeenDatagram {
        SeenDatagram {
            seq: 1,
            when: Timestamp::from_millis(0),
            direction: if to.is_some() {
                Direction::Sent
            } else {
                Direction::Heard
            },
            interface: Arc::from(interface),
            channel: Channel::Udp3502,
            from: from.parse().expect("an address and a port"),
            to: to.map(|to| to.parse().expect("an address and a port")),
            kind,
            raw: RawDatagram::keep(bytes),
        }
    }

    #[test]
    fn words_columns_and_nots_choose_datagrams() {
        let reply = DiscoverReply {
            mac: Some([0, 0xe0, 0x86, 0x12, 0x34, 0x56]),
            ..DiscoverReply::default()
        };
        let reply = datagram(
            "enp3s0",
            "10.20.4.5:3502",
            None,
            DatagramKind::Reply,
            &reply.emit(1),
        );
        let stranger = datagram(
            "Büro",
            "10.20.4.50:1900",
            None,
            DatagramKind::NotAidp,
            b"NOTIFY \x00\xe0\x86\x12\x34\x56",
        );
        let asked = datagram(
            "enp3s0",
            "10.20.4.250:40000",
            Some("255.255.255.255:3502"),
            DatagramKind::Discover,
            &crate::wire::discover_request(7),
        );
        let all = [&reply, &stranger, &asked];
        for (text, passes) in [
            ("", [true, true, true]),
            ("   ! \"\"", [true, true, true]),
            ("ENP3", [true, false, true]),
            ("bÜro", [false, true, false]),
            ("kind:aidp", [false, true, false]),
            ("kind:\"discover request\"", [false, false, true]),
            ("!kind:reply", [false, true, true]),
            ("way:sent", [false, false, true]),
            ("to:", [false, false, true]),
            ("!to:", [true, true, false]),
            ("to:255.255.255.255", [false, false, true]),
            ("from:10.20.4.5", [true, false, false]),
            ("from:10.20.4.5:3502", [true, false, false]),
            ("from:10.20.4.", [true, true, true]),
            ("from:10.20.4.0/26", [true, true, false]),
            ("10.20.4.50", [false, true, false]),
            ("net:enp3s0 way:heard", [true, false, false]),
            ("00:e0:86:12:34:56", [true, true, false]),
            ("mac:00-e0-86-12-34-56", [true, true, false]),
            ("mac:00-e0-86", [true, false, false]),
            ("mac:00E086", [true, false, false]),
            ("mac:", [true, false, false]),
            ("!mac:", [false, true, true]),
            ("printer", [false, false, false]),
            ("nothing:here", [false, false, false]),
        ] {
            let filter = TrafficFilter::parse(text);
            assert_eq!(
                all.map(|datagram| filter.matches(datagram)),
                passes,
                "what {text:?} lets through"
            );
        }
    }

    #[test]
    fn any_text_is_read_and_bounded() {
        assert!(TrafficFilter::parse("").is_empty());
        let long = TrafficFilter::parse(&"ß ".repeat(5_000));
        assert_eq!(long.terms.len(), MAX_TERMS);
        for text in ["!", "from:\"", ":::", "from:1.2.3.4/99", "\u{0}:\u{202e}"] {
            let filter = TrafficFilter::parse(text);
            assert!(filter.terms.len() <= 1, "{text:?}");
        }
    }
}
