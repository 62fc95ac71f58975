//! What a datagram means: counted, and turned into what the registry takes. No sockets, no clock.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::counters::{Counters, Tally};
use super::decoding::DecoderSlot;
use super::questions::{Asked, OwnQuestions};
use super::recorder::{CameIn, Recorder};
use crate::model::identity::Mac;
use crate::model::sighting::{Channel, Claims, RawDatagram, Sighting, Source, Stray, StrayReason};
use crate::model::time::Timestamp;
use crate::wire::{self, Kind, Meaning, Message, Readable, Rejection, Remarks};

/// What one datagram comes to.
#[derive(Debug)]
pub enum Item {
    /// It tells of a unit.
    Sighting(Box<Sighting>),
    /// It made no unit. The sequence number is the registry's to give.
    Stray(Stray),
    /// Somebody else searches. Of one that cannot be decoded a stray follows, with the reason.
    Request(RequestHeard),
}

impl Item {
    /// Says that it came over TCP: then it is neither a reply to a search nor to a sweep.
    pub(super) fn set_by_tcp(&mut self) {
        if let Self::Sighting(sighting) = self
            && matches!(sighting.source, Source::SweepReply | Source::Reply)
        {
            sighting.source = Source::TcpReply;
        }
    }

    /// When it was heard.
    pub fn when(&self) -> Timestamp {
        match self {
            Self::Sighting(sighting) => sighting.when,
            Self::Stray(stray) => stray.when,
            Self::Request(request) => request.when,
        }
    }

    /// Says that there was more of it than was judged.
    pub(super) fn set_full_len(&mut self, full_len: u32) {
        let raw = match self {
            Self::Sighting(sighting) => &mut sighting.raw,
            Self::Stray(stray) => &mut stray.raw,
            Self::Request(request) => &mut request.raw,
        };
        raw.full_len = full_len;
    }
}

/// A request of another searcher.
#[derive(Clone, Debug)]
pub struct RequestHeard {
    /// The interface that heard it.
    pub interface: Arc<str>,
    /// Over which socket.
    pub channel: Channel,
    /// The sender.
    pub from: SocketAddr,
    /// When.
    pub when: Timestamp,
    /// What it asks.
    pub kind: Kind,
    /// The unit meant, when one is named.
    pub meant: Option<Mac>,
    /// Its bytes.
    pub raw: RawDatagram,
}

/// What is known of the socket that a datagram comes in over.
#[derive(Clone, Debug)]
pub struct Ear {
    /// The interface: known by the socket, never guessed.
    pub interface: Arc<str>,
    /// Which socket of it.
    pub channel: Channel,
    /// The port that it is bound to.
    pub port: u16,
    /// The port by which taught decoders know it: the demo's and a test's stand in the place of the real ones.
    pub decoder_port: u16,
    /// What is counted there.
    pub counters: Arc<Counters>,
    /// Our own questions.
    pub own: Arc<OwnQuestions>,
    /// Where everything is noted that comes in.
    pub recorder: Arc<Recorder>,
    /// Decoders that a person taught, for what is not AIDP.
    pub decoders: DecoderSlot,
}

impl Ear {
    /// Judges a datagram: counts it, notes it, and adds what it comes to. Our own questions come to nothing: they were
    /// noted when they left.
    pub fn hear(&self, bytes: &[u8], from: SocketAddr, when: Timestamp, items: &mut Vec<Item>) {
        let num_before = items.len();
        self.judge(bytes, from, when, items);
        // Of a datagram that makes a unit or is a request without being understood, the first item says what it is.
        if let Some(item) = items.get(num_before) {
            let came = CameIn {
                interface: &self.interface,
                channel: self.channel,
                port: self.port,
                from,
                when,
            };
            self.recorder.heard(came, bytes, item);
        }
    }

    fn judge(&self, bytes: &[u8], from: SocketAddr, when: Timestamp, items: &mut Vec<Item>) {
        let decoded = match wire::decode(bytes) {
            Ok(decoded) => decoded,
            Err(rejection) => {
                self.hear_rejected(bytes, from, when, rejection, items);
                return;
            }
        };
        let sequence = decoded.frame.sequence();
        let remarks = decoded.remarks;
        let (source, claims) = match decoded.message {
            Message::DiscoverRequest if self.own.is_ours(from, sequence, when) => {
                self.counters.count(Tally::OwnRequests);
                self.counters.note_request(when);
                return;
            }
            Message::DiscoverRequest => {
                return self.hear_request(bytes, from, when, (Kind::DiscoverRequest, None), items);
            }
            Message::TestIpRequest(request) => {
                let asks = (Kind::TestIpRequest, request.mac);
                return self.hear_request(bytes, from, when, asks, items);
            }
            Message::SetIpRequest(request) => {
                let asks = (Kind::SetIpRequest, request.mac);
                return self.hear_request(bytes, from, when, asks, items);
            }
            Message::DiscoverReply(reply) => (
                self.source_of_reply(sequence, when),
                Claims::from_reply(&reply),
            ),
            // They say which unit answers and nothing of its address: no status is proof of anything.
            Message::TestIpReply(reply) | Message::SetIpReply(reply) => (
                Source::Reply,
                Claims {
                    mac: reply.mac.map(Mac::new),
                    ..Claims::default()
                },
            ),
            Message::Other(code) => {
                self.count_understood();
                let reason = StrayReason::OtherType(code);
                items.push(self.stray(RawDatagram::keep(bytes), from, when, reason));
                return;
            }
        };
        self.count_understood();
        let raw = RawDatagram::keep(bytes);
        items.push(self.sighting(raw, from, when, (source, claims, remarks)));
    }

    fn source_of_reply(&self, sequence: u16, when: Timestamp) -> Source {
        if self.own.asked(sequence, when) == Some(Asked::Sweep) {
            Source::SweepReply
        } else if self.counters.is_quiet(when) {
            Source::Announcement
        } else {
            Source::Reply
        }
    }

    fn hear_request(
        &self,
        bytes: &[u8],
        from: SocketAddr,
        when: Timestamp,
        (kind, meant): (Kind, Option<[u8; 6]>),
        items: &mut Vec<Item>,
    ) {
        self.count_understood();
        let raw = RawDatagram::keep(bytes);
        items.push(self.request(raw, from, when, (kind, meant)));
    }

    fn request(
        &self,
        raw: RawDatagram,
        from: SocketAddr,
        when: Timestamp,
        (kind, meant): (Kind, Option<[u8; 6]>),
    ) -> Item {
        self.counters.count(Tally::OthersRequests);
        self.counters.note_request(when);
        Item::Request(RequestHeard {
            interface: Arc::clone(&self.interface),
            channel: self.channel,
            from,
            when,
            kind,
            meant: meant.map(Mac::new),
            raw,
        })
    }

    /// Bytes that are not AIDP, or not quite. They are listed either way; where they look like a unit's, they make
    /// one as well, known by the address that they came from. A request is one however it ends: it never makes a unit,
    /// and a unit may take it.
    fn hear_rejected(
        &self,
        bytes: &[u8],
        from: SocketAddr,
        when: Timestamp,
        rejection: Rejection,
        items: &mut Vec<Item>,
    ) {
        self.counters.count(Tally::Heard);
        let request = wire::readable(bytes).filter(|readable| readable.kind.is_request());
        if request.is_none()
            && let Rejection::NotAidp { asmp: false, .. } = rejection
            && let Some(claims) = self.decoders.read(self.decoder_port, bytes)
        {
            self.counters.count(Tally::Understood);
            let said = (Source::Taught, claims, Remarks::default());
            items.push(self.sighting(RawDatagram::keep(bytes), from, when, said));
            return;
        }
        self.counters.count(match rejection {
            Rejection::NotAidp { .. } => Tally::NotAidp,
            Rejection::PayloadOverrun { .. } => Tally::PayloadOverrun,
            Rejection::FieldOverrun { .. } => Tally::FieldOverrun,
        });
        if let Some(request) = request {
            let raw = RawDatagram::keep(bytes);
            let asks = (request.kind, mac_meant(request));
            items.push(self.request(raw.clone(), from, when, asks));
            items.push(self.stray(raw, from, when, StrayReason::Rejected(rejection)));
            return;
        }
        let tells_of_a_unit = sender_ip(from).is_some_and(|ip| match rejection {
            Rejection::PayloadOverrun { .. }
            | Rejection::FieldOverrun { .. }
            | Rejection::NotAidp { asmp: true, .. } => true,
            Rejection::NotAidp { asmp: false, .. } => {
                bytes.windows(4).any(|window| window == ip.octets())
            }
        });
        let raw = RawDatagram::keep(bytes);
        if tells_of_a_unit {
            let said = (Source::Undecoded, Claims::default(), Remarks::default());
            items.push(self.sighting(raw.clone(), from, when, said));
        }
        items.push(self.stray(raw, from, when, StrayReason::Rejected(rejection)));
    }

    fn count_understood(&self) {
        self.counters.count(Tally::Heard);
        self.counters.count(Tally::Understood);
    }

    fn sighting(
        &self,
        raw: RawDatagram,
        from: SocketAddr,
        when: Timestamp,
        (source, claims, remarks): (Source, Claims, Remarks),
    ) -> Item {
        Item::Sighting(Box::new(Sighting {
            source,
            channel: self.channel,
            interface: Arc::clone(&self.interface),
            from,
            when,
            claims,
            raw,
            remarks,
        }))
    }

    fn stray(
        &self,
        raw: RawDatagram,
        from: SocketAddr,
        when: Timestamp,
        reason: StrayReason,
    ) -> Item {
        Item::Stray(Stray {
            seq: 0,
            when,
            from,
            interface: Arc::clone(&self.interface),
            channel: self.channel,
            raw,
            reason,
        })
    }
}

/// The unit that a request names, when the field that does is whole.
fn mac_meant(mut request: Readable<'_>) -> Option<[u8; 6]> {
    let field = request
        .fields
        .find(|field| Meaning::of(request.kind, field.kind) == Some(Meaning::Mac))?;
    field.value.try_into().ok()
}

/// The sender's IPv4 address where it tells anything.
fn sender_ip(from: SocketAddr) -> Option<Ipv4Addr> {
    match from.ip() {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(ip) => ip.to_ipv4_mapped(),
    }
    .filter(|ip| !ip.is_unspecified() && !ip.is_broadcast())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::wire::{Claimed, DiscoverReply, IpReply, IpRequest, discover_request};

    const WHEN: Timestamp = Timestamp::from_millis(1_795_349_561_000);
    const MAC: [u8; 6] = [0x00, 0xe0, 0x86, 0x12, 0x34, 0x56];

    fn ear() -> Ear {
        Ear {
            interface: Arc::from("eth0"),
            channel: Channel::Udp3502,
            port: 3502,
            decoder_port: 3502,
            counters: Arc::default(),
            own: Arc::new(OwnQuestions::new(100)),
            recorder: Arc::default(),
            decoders: DecoderSlot::default(),
        }
    }

    fn hear(ear: &Ear, bytes: &[u8], from: &str) -> Vec<Item> {
        let mut items = Vec::new();
        ear.hear(bytes, from.parse().expect("a literal"), WHEN, &mut items);
        items
    }

    fn reply(sequence: u16) -> Vec<u8> {
        DiscoverReply {
            mac: Some(MAC),
            ip: Claimed::Ip([10, 0, 0, 9].into()),
            ..DiscoverReply::default()
        }
        .emit(sequence)
    }

    fn source(items: &[Item]) -> Source {
        match items {
            [Item::Sighting(sighting)] => sighting.source,
            _ => panic!("not one sighting: {items:?}"),
        }
    }

    #[test]
    fn a_reply_is_an_announcement_only_in_silence() {
        let ear = ear();
        assert_eq!(
            source(&hear(&ear, &reply(1), "10.0.0.9:3502")),
            Source::Announcement
        );
        ear.counters.note_request(WHEN);
        assert_eq!(
            source(&hear(&ear, &reply(1), "10.0.0.9:3502")),
            Source::Reply
        );
    }

    #[test]
    fn anothers_request_makes_the_next_reply_an_answer() {
        let ear = ear();
        let request = IpRequest {
            mac: Some(MAC),
            ..IpRequest::default()
        }
        .emit(Kind::SetIpRequest, 9);
        let items = hear(&ear, &request, "10.0.0.7:50000");
        let [Item::Request(request)] = items.as_slice() else {
            panic!("a request never makes a unit: {items:?}");
        };
        assert_eq!(
            (request.kind, request.meant),
            (Kind::SetIpRequest, Some(Mac::new(MAC)))
        );
        assert_eq!(
            source(&hear(&ear, &reply(1), "10.0.0.9:3502")),
            Source::Reply
        );
        let counters = ear.counters.read(None);
        assert_eq!(
            (
                counters.heard,
                counters.understood,
                counters.others_requests
            ),
            (2, 2, 1)
        );
    }

    #[test]
    fn our_own_question_is_not_heard() {
        let ear = ear();
        let sequence = ear.own.next_sequence(Asked::Search, WHEN);
        let own_ip = IpAddr::from([10, 0, 0, 5]);
        ear.own
            .set_senders(HashSet::from([own_ip]), HashSet::from([40_000]));
        assert!(hear(&ear, &discover_request(sequence), "10.0.0.5:40000").is_empty());
        let counters = ear.counters.read(None);
        assert_eq!((counters.heard, counters.own_requests), (0, 1));
        assert_eq!(
            hear(&ear, &discover_request(sequence), "10.0.0.6:40000").len(),
            1
        );
    }

    #[test]
    fn an_answer_to_a_sweep_says_so() {
        let ear = ear();
        let sequence = ear.own.next_sequence(Asked::Sweep, WHEN);
        assert_eq!(
            source(&hear(&ear, &reply(sequence), "10.9.0.9:3502")),
            Source::SweepReply
        );
    }

    #[test]
    fn an_answer_to_an_assignment_names_only_the_mac() {
        let answer = IpReply {
            mac: Some(MAC),
            status: None,
        };
        let items = hear(&ear(), &answer.emit(Kind::SetIpReply, 3), "10.0.0.9:3502");
        let [Item::Sighting(sighting)] = items.as_slice() else {
            panic!("a unit answered: {items:?}");
        };
        assert_eq!(sighting.source, Source::Reply);
        assert_eq!(
            sighting.claims,
            Claims {
                mac: Some(Mac::new(MAC)),
                ..Claims::default()
            }
        );
    }

    /// What comes of bytes: "sighting", "stray" or both, with the reason.
    fn check(bytes: &[u8], from: &str, expected: &[&str]) {
        let ear = ear();
        let got: Vec<&str> = hear(&ear, bytes, from)
            .iter()
            .map(|item| match item {
                Item::Sighting(sighting) => {
                    assert_eq!(sighting.source, Source::Undecoded);
                    assert_eq!(sighting.claims, Claims::default(), "nothing was claimed");
                    "sighting"
                }
                Item::Stray(stray) => stray.reason.word(),
                Item::Request(_) => "request",
            })
            .collect();
        assert_eq!(got, expected, "of {bytes:02x?} from {from}");
        assert_eq!(ear.counters.total(Tally::Heard), 1);
    }

    #[test]
    fn undecoded_bytes_make_a_unit_only_where_they_tell_of_their_sender() {
        let cut = &reply(1)[..20];
        check(cut, "10.0.0.9:3502", &["sighting", "payload-overrun"]);
        check(cut, "0.0.0.0:3502", &["payload-overrun"]);
        check(b"\x01ASMP\0\0", "10.0.0.9:3211", &["sighting", "not-aidp"]);
        check(b"hello", "10.0.0.9:5353", &["not-aidp"]);
        check(
            b"hello\x0a\x00\x00\x09",
            "10.0.0.9:5353",
            &["sighting", "not-aidp"],
        );
        check(b"", "10.0.0.9:5353", &["not-aidp"]);
        check(
            &wire::encode_raw(1, 0x44, &[]),
            "10.0.0.9:3502",
            &["other-type"],
        );
    }
    /// A refused request is a request, and its bytes are shown with the reason.
    fn check_refused(bytes: &[u8], expected: (Kind, Option<Mac>), tally: Tally) {
        let ear = ear();
        let items = hear(&ear, bytes, "10.0.0.66:3502");
        let [Item::Request(request), Item::Stray(stray)] = items.as_slice() else {
            panic!("a request never makes a unit: {items:?}");
        };
        assert_eq!((request.kind, request.meant), expected, "of {bytes:02x?}");
        assert_eq!(stray.raw, RawDatagram::keep(bytes));
        assert!(matches!(stray.reason, StrayReason::Rejected(_)));
        for counted in [Tally::Heard, Tally::OthersRequests, tally] {
            assert_eq!(ear.counters.total(counted), 1, "{counted:?}");
        }
        assert_eq!(ear.counters.total(Tally::Understood), 0);
        assert_eq!(
            source(&hear(&ear, &reply(1), "10.0.0.9:3502")),
            Source::Reply,
            "what comes after it may be an answer"
        );
    }

    #[test]
    fn a_request_that_is_cut_or_says_a_wrong_length_is_a_request_all_the_same() {
        let mac = Some(Mac::new(MAC));
        let request = IpRequest {
            mac: Some(MAC),
            ip: Claimed::Ip([10, 0, 0, 9].into()),
            ..IpRequest::default()
        };
        let set_ip = request.emit(Kind::SetIpRequest, 9);
        let mut too_long = set_ip.clone();
        too_long[11] = 200;
        check_refused(&too_long, (Kind::SetIpRequest, mac), Tally::PayloadOverrun);
        check_refused(
            &set_ip[..23],
            (Kind::SetIpRequest, mac),
            Tally::PayloadOverrun,
        );
        check_refused(
            &set_ip[..20],
            (Kind::SetIpRequest, None),
            Tally::PayloadOverrun,
        );
        let mut overrun = set_ip.clone();
        overrun[23] = 90;
        check_refused(&overrun, (Kind::SetIpRequest, mac), Tally::FieldOverrun);
        let test_ip = request.emit(Kind::TestIpRequest, 9);
        check_refused(
            &test_ip[..25],
            (Kind::TestIpRequest, mac),
            Tally::PayloadOverrun,
        );
        let discover = discover_request(9);
        check_refused(
            &discover[..15],
            (Kind::DiscoverRequest, None),
            Tally::PayloadOverrun,
        );
        // Not even one byte of its payload is there, and its length is the sender's address.
        let head = b"\x01AIDP\0\x09\x03\x0a\0\0\x42";
        check_refused(head, (Kind::SetIpRequest, None), Tally::NotAidp);
    }
}
