//! What comes in over one socket: received, decoded and handed on in batches. One task a socket.
//! No registry here, and nothing is answered.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use super::clock;
use super::command::{Level, Saying};
use super::counters::{Counters, Tally};
use super::questions::{Asked, OwnQuestions};
use crate::model::identity::Mac;
use crate::model::sighting::{Channel, Claims, RawDatagram, Sighting, Source, Stray, StrayReason};
use crate::model::time::Timestamp;
use crate::wire::{self, Kind, Message, Rejection, Remarks};

/// The largest datagram there can be: a buffer of this size truncates nothing.
const DATAGRAM_BYTES: usize = 65_535;

/// Datagrams that are received before what came of them is handed on.
const BATCH_DATAGRAMS: usize = 512;

/// Items in one message to the actor, so that the channel's capacity bounds its memory.
const BATCH_ITEMS: usize = 512;

/// Items that wait for room in the channel; what comes beyond is dropped and counted. Together with the kernel's
/// buffer this rides out a few hundred milliseconds of a busy engine.
const WAITING_ITEMS: usize = 4_096;

/// The first pause after an error or a panic, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Errors in a row after which a person is told.
const ERRORS_TO_SAY: u32 = 3;

/// What the plane hands to the actor.
#[derive(Debug)]
pub enum FromPlane {
    /// What was heard on one socket, in the order it came in.
    Heard(Vec<Item>),
    /// Something a person should read.
    Say(Saying),
}

/// What one datagram comes to.
#[derive(Debug)]
pub enum Item {
    /// It tells of a unit.
    Sighting(Box<Sighting>),
    /// It made no unit. The sequence number is the registry's to give.
    Stray(Stray),
    /// Somebody else searches.
    Request(RequestHeard),
}

/// A request of another searcher.
#[derive(Clone, Debug)]
pub struct RequestHeard {
    /// The interface that heard it.
    pub interface: Arc<str>,
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
    /// What is counted there.
    pub counters: Arc<Counters>,
    /// Our own questions.
    pub own: Arc<OwnQuestions>,
}

impl Ear {
    /// Judges a datagram: counts it, and adds what it comes to. Our own questions come to nothing.
    pub fn hear(&self, bytes: &[u8], from: SocketAddr, when: Timestamp, items: &mut Vec<Item>) {
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
        self.counters.count(Tally::OthersRequests);
        self.counters.note_request(when);
        items.push(Item::Request(RequestHeard {
            interface: Arc::clone(&self.interface),
            from,
            when,
            kind,
            meant: meant.map(Mac::new),
            raw: RawDatagram::keep(bytes),
        }));
    }

    /// Bytes that are not AIDP, or not quite. They are listed either way; where they look like a unit's, they make
    /// one as well, known by the address that they came from.
    fn hear_rejected(
        &self,
        bytes: &[u8],
        from: SocketAddr,
        when: Timestamp,
        rejection: Rejection,
        items: &mut Vec<Item>,
    ) {
        self.counters.count(Tally::Heard);
        self.counters.count(match rejection {
            Rejection::NotAidp { .. } => Tally::NotAidp,
            Rejection::PayloadOverrun { .. } => Tally::PayloadOverrun,
            Rejection::FieldOverrun { .. } => Tally::FieldOverrun,
        });
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

/// The sender's IPv4 address where it tells anything.
fn sender_ip(from: SocketAddr) -> Option<Ipv4Addr> {
    match from.ip() {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(ip) => ip.to_ipv4_mapped(),
    }
    .filter(|ip| !ip.is_unspecified() && !ip.is_broadcast())
}

/// Listens for as long as somebody takes what is heard. A panic costs a pause, not the socket.
pub async fn listen(ear: Ear, socket: Arc<UdpSocket>, out: mpsc::Sender<FromPlane>) {
    let interface = Arc::clone(&ear.interface);
    supervise(&interface, &out, || receive(&ear, &socket, &out)).await;
}

/// Runs what `begin` begins until it ends by itself, and begins it again after a panic.
async fn supervise<F: Future<Output = ()>>(
    interface: &str,
    out: &mpsc::Sender<FromPlane>,
    mut begin: impl FnMut() -> F,
) {
    let mut pause = FIRST_PAUSE;
    loop {
        let mut run = Box::pin(begin());
        let ended = std::future::poll_fn(|context| {
            match std::panic::catch_unwind(AssertUnwindSafe(|| run.as_mut().poll(context))) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(())) => Poll::Ready(true),
                Err(_) => Poll::Ready(false),
            }
        })
        .await;
        if ended {
            return;
        }
        say(
            out,
            Saying {
                level: Level::Trouble,
                title: format!("A listener on {interface} failed and was started again"),
                text: Some(
                    "What came in on this interface in the meantime may be missing".to_owned(),
                ),
                hint: Some("The log has the details: please report them".to_owned()),
            },
        );
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Receives until nobody takes what is heard any more.
async fn receive(ear: &Ear, socket: &UdpSocket, out: &mpsc::Sender<FromPlane>) {
    let mut buffer = vec![0; DATAGRAM_BYTES];
    let mut waiting: Vec<Item> = Vec::new();
    let mut num_errors = 0;
    loop {
        tokio::select! {
            biased;
            room = out.reserve(), if !waiting.is_empty() => match room {
                Ok(room) => {
                    let num_sent = waiting.len().min(BATCH_ITEMS);
                    room.send(FromPlane::Heard(waiting.drain(..num_sent).collect()));
                }
                Err(mpsc::error::SendError(())) => return,
            },
            ready = socket.readable() => {
                let drained = ready.and_then(|()| drain(ear, socket, &mut buffer, &mut waiting));
                match drained {
                    Ok(()) => num_errors = 0,
                    Err(error) => {
                        num_errors += 1;
                        pause_after(&error, num_errors, ear, out).await;
                    }
                }
            }
        }
        if out.is_closed() {
            return;
        }
    }
}

/// Receives what is there, up to one batch.
fn drain(
    ear: &Ear,
    socket: &UdpSocket,
    buffer: &mut [u8],
    waiting: &mut Vec<Item>,
) -> io::Result<()> {
    let when = clock::now();
    for _ in 0..BATCH_DATAGRAMS {
        match socket.try_recv_from(buffer) {
            Ok((len, from)) => ear.hear(&buffer[..len], from, when, waiting),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => match ReadError::of(&error) {
                ReadError::Transient => {}
                ReadError::TooLong => {
                    ear.counters.count(Tally::Heard);
                    ear.counters.count(Tally::NotAidp);
                }
                ReadError::Lasting => return Err(error),
            },
        }
        if waiting.len() > WAITING_ITEMS {
            // The newest go: what waits already is nearer to being shown.
            let num_dropped = waiting.len() - WAITING_ITEMS;
            waiting.truncate(WAITING_ITEMS);
            ear.counters.add(Tally::QueueDrops, num_dropped as u64);
        }
    }
    Ok(())
}

/// What an error while receiving means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReadError {
    /// Somebody did not want what we sent earlier: nothing to do with what comes in next.
    Transient,
    /// Windows: a datagram longer than the buffer, which is gone.
    TooLong,
    /// Anything else.
    Lasting,
}

impl ReadError {
    fn of(error: &io::Error) -> Self {
        /// The network dropped the connection: an ICMP "time to live exceeded" for something sent earlier.
        const WSAENETRESET: i32 = 10_052;
        const WSAEMSGSIZE: i32 = 10_040;
        match (error.kind(), error.raw_os_error()) {
            (io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused, _) => {
                Self::Transient
            }
            (io::ErrorKind::Interrupted, _) => Self::Transient,
            (_, Some(WSAENETRESET)) if cfg!(windows) => Self::Transient,
            (_, Some(WSAEMSGSIZE)) if cfg!(windows) => Self::TooLong,
            _ => Self::Lasting,
        }
    }
}

async fn pause_after(error: &io::Error, num_errors: u32, ear: &Ear, out: &mpsc::Sender<FromPlane>) {
    let words = format!("Receiving on {} failed: {error}", ear.interface);
    ear.counters.note_error(clock::now(), words.clone());
    if num_errors == ERRORS_TO_SAY {
        say(
            out,
            Saying {
                level: Level::Trouble,
                title: words,
                text: Some("Units on this interface may not be heard".to_owned()),
                hint: Some("Rollcall keeps trying; switch the interface off and on".to_owned()),
            },
        );
    }
    let factor = 1 << num_errors.saturating_sub(1).min(6);
    tokio::time::sleep((FIRST_PAUSE * factor).min(LONGEST_PAUSE)).await;
}

/// A saying that finds no room is lost: the interface's chip has the error as well.
pub(super) fn say(out: &mpsc::Sender<FromPlane>, saying: Saying) {
    if out.try_send(FromPlane::Say(saying)).is_err() {
        tracing::warn!("no room for a saying of the network plane");
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test waits for its own future")]
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
            counters: Arc::default(),
            own: Arc::new(OwnQuestions::new(100)),
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

    #[test]
    fn refusals_of_others_do_not_end_listening() {
        for kind in [
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::ConnectionRefused,
        ] {
            assert_eq!(ReadError::of(&io::Error::from(kind)), ReadError::Transient);
        }
        assert_eq!(
            ReadError::of(&io::Error::from(io::ErrorKind::NotConnected)),
            ReadError::Lasting
        );
    }

    #[tokio::test]
    async fn a_listener_that_panics_is_started_again_and_reported() {
        // Room for the two sayings.
        let (out, mut heard) = mpsc::channel(4);
        let mut num_runs = 0;
        supervise("eth0", &out, || {
            num_runs += 1;
            let run = num_runs;
            async move { assert!(run > 2, "the panic that the test is about") }
        })
        .await;
        assert_eq!(num_runs, 3);
        for _ in 0..2 {
            let Ok(FromPlane::Say(saying)) = heard.try_recv() else {
                panic!("each failure is reported");
            };
            assert!(saying.title.contains("eth0"));
        }
        assert!(heard.try_recv().is_err());
    }
}
