//! TCP as units use it, over real connections on loopback, each test on a port of its own.
//! Limits that a test waits for are short; all others are long, so that a slow computer is no failure.

#![expect(
    clippy::disallowed_methods,
    reason = "a test's runtime is entered by blocking on it"
)]

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use rollcall::engine::tcp::{
    ASK_AT_ONCE, MAX_CONNECTIONS, TcpError, TcpHeard, TcpLimits, TcpListenerTask, TcpListening,
    TcpQuestions, TcpSlots, TcpTally, ask_many, ask_tcp,
};
use rollcall::model::time::Timestamp;
use rollcall::wire::{self, Claimed, DiscoverReply, Message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Longer than anything here takes; a test that waits for so long has failed.
const LONG: Duration = Duration::from_secs(30);

/// A limit that a test waits for.
const SHORT: Duration = Duration::from_millis(200);

const SEQUENCE: u16 = 77;

fn patient() -> TcpLimits {
    TcpLimits {
        connect: LONG,
        idle: LONG,
        message: LONG,
        whole: LONG,
        per_sender: 1,
    }
}

fn when() -> Timestamp {
    Timestamp::from_millis(5_000)
}

fn reply(name: &str) -> DiscoverReply {
    DiscoverReply {
        mac: Some([0, 0xe0, 0x86, 1, 2, 3]),
        ip: Claimed::Ip(Ipv4Addr::new(10, 0, 0, 9)),
        host_name: Some(name.to_owned()),
        ..DiscoverReply::default()
    }
}

/// Rollcall's side, listening on a port that the system picked.
struct Listening {
    task: TcpListenerTask,
    slots: TcpSlots,
    heard: mpsc::Receiver<TcpHeard>,
}

fn listen(limits: TcpLimits) -> Listening {
    let slots = TcpSlots::new();
    let (heard_end, heard) = mpsc::channel(8);
    let task = TcpListenerTask::start(TcpListening {
        bind: SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0),
        sequence: SEQUENCE,
        limits,
        slots: slots.clone(),
        now: Arc::new(when),
        heard: heard_end,
    })
    .expect("a free port can be listened on");
    Listening { task, slots, heard }
}

impl Listening {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.task.local())
            .await
            .expect("the listener accepts")
    }

    async fn next(&mut self) -> TcpHeard {
        timeout(LONG, self.heard.recv())
            .await
            .expect("what was sent is heard")
            .expect("the listener lives")
    }

    /// Waits until no connection is open but the one that the listener is ready for.
    async fn all_closed(&self) {
        timeout(LONG, async {
            while self.slots.num_free() < MAX_CONNECTIONS - 1 {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the connections are closed");
    }
}

fn name_of(heard: &TcpHeard) -> Option<String> {
    match wire::decode(&heard.bytes).ok()?.message {
        Message::DiscoverReply(reply) => reply.host_name,
        _ => None,
    }
}

/// Reads until the other side closes; whether it did so with a reset does not matter.
async fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    timeout(LONG, async {
        let mut read = [0; 1_024];
        while let Ok(num_bytes @ 1..) = stream.read(&mut read).await {
            bytes.extend_from_slice(&read[..num_bytes]);
        }
    })
    .await
    .expect("the other side closes the connection");
    bytes
}

#[tokio::test]
async fn a_unit_that_connects_and_announces_itself_is_heard_and_asked_once() {
    let mut listening = listen(patient());
    let mut unit = listening.connect().await;
    unit.write_all(&reply("rack-1").emit(1))
        .await
        .expect("sent");
    let heard = listening.next().await;
    assert_eq!(name_of(&heard).as_deref(), Some("rack-1"));
    assert_eq!(heard.refused, None);
    assert_eq!(heard.when, when());
    assert_eq!(heard.from, unit.local_addr().expect("connected"));
    assert_eq!(heard.local, listening.task.local());

    let mut question = [0; 19];
    timeout(LONG, unit.read_exact(&mut question))
        .await
        .expect("it is asked")
        .expect("the connection stays open");
    assert_eq!(question, wire::discover_request(SEQUENCE));
    unit.write_all(&reply("rack-1 again").emit(SEQUENCE))
        .await
        .expect("sent");
    assert_eq!(
        name_of(&listening.next().await).as_deref(),
        Some("rack-1 again")
    );
    unit.shutdown().await.expect("closed");
    assert!(
        read_to_end(&mut unit).await.is_empty(),
        "it is asked only once"
    );
}

#[tokio::test]
async fn a_unit_that_announces_itself_and_hangs_up_is_heard() {
    let mut listening = listen(patient());
    let mut unit = listening.connect().await;
    unit.write_all(&reply("brief").emit(1)).await.expect("sent");
    unit.shutdown().await.expect("closed");
    assert_eq!(name_of(&listening.next().await).as_deref(), Some("brief"));
    drop(unit);
    listening.all_closed().await;
}

#[tokio::test]
async fn messages_are_cut_out_of_the_stream_wherever_it_breaks() {
    let mut listening = listen(patient());
    let mut unit = listening.connect().await;
    unit.set_nodelay(true).expect("a plain socket option");
    let mut stream: Vec<u8> = Vec::new();
    stream.extend(reply("one").emit(1));
    // The second one comes without its end byte.
    let second = reply("two").emit(2);
    stream.extend(&second[..second.len() - 1]);
    stream.extend(reply("three").emit(3));
    for byte in stream {
        unit.write_all(&[byte]).await.expect("sent");
    }
    for name in ["one", "two", "three"] {
        assert_eq!(name_of(&listening.next().await).as_deref(), Some(name));
    }
    // The last message of a stream may lack its end byte as well.
    unit.write_all(&second[..second.len() - 1])
        .await
        .expect("sent");
    unit.shutdown().await.expect("closed");
    let last = listening.next().await;
    assert_eq!(name_of(&last).as_deref(), Some("two"));
    assert_eq!(last.refused, None);
}

#[tokio::test]
async fn a_large_message_is_heard_whole() {
    let mut listening = listen(patient());
    let mut unit = listening.connect().await;
    let filler = vec![b'x'; 60_000];
    let fields: Vec<(u8, &[u8])> = (100..104).map(|kind| (kind, filler.as_slice())).collect();
    let message = wire::encode_raw(1, 0x81, &fields);
    unit.write_all(&message).await.expect("sent");
    let heard = listening.next().await;
    assert_eq!(heard.bytes, message);
    assert_eq!(heard.refused, None);
}

#[tokio::test]
async fn garbage_is_kept_as_a_stray_and_closes_the_connection() {
    let mut listening = listen(patient());
    let mut unit = listening.connect().await;
    let mut garbage = b"GET / HTTP/1.1\r\n".to_vec();
    garbage.resize(20_000, b'x');
    unit.write_all(&garbage).await.expect("sent");
    let heard = listening.next().await;
    assert!(heard.bytes.len() <= 2_048, "2 KiB of it are kept");
    assert!(garbage.starts_with(&heard.bytes) && !heard.bytes.is_empty());
    assert_eq!(
        heard.refused.map(|refused| refused.reason()),
        Some("not-aidp")
    );
    read_to_end(&mut unit).await;
    listening.all_closed().await;
}

#[tokio::test]
async fn a_huge_payload_is_refused_by_its_header() {
    let mut listening = listen(patient());
    let mut unit = listening.connect().await;
    let mut header = reply("huge").emit(1);
    header.truncate(12);
    header[8..12].copy_from_slice(&0x0004_0001_u32.to_be_bytes());
    unit.write_all(&header).await.expect("sent");
    let heard = listening.next().await;
    assert_eq!(heard.bytes, header);
    assert_eq!(
        heard.refused.map(|refused| refused.reason()),
        Some("payload-overrun")
    );
    read_to_end(&mut unit).await;
}

#[tokio::test]
async fn a_field_that_overruns_costs_one_message() {
    let mut listening = listen(patient());
    let mut unit = listening.connect().await;
    let mut broken = wire::encode_raw(1, 0x81, &[(2, &[1, 2, 3, 4, 5, 6])]);
    broken[13..15].copy_from_slice(&500_u16.to_be_bytes());
    unit.write_all(&broken).await.expect("sent");
    unit.write_all(&reply("after").emit(2)).await.expect("sent");
    let heard = listening.next().await;
    assert_eq!(
        heard.refused.map(|refused| refused.reason()),
        Some("field-overrun")
    );
    assert_eq!(name_of(&listening.next().await).as_deref(), Some("after"));
}

#[tokio::test]
async fn half_a_message_and_then_nothing_is_kept_and_closed() {
    let mut listening = listen(TcpLimits {
        idle: SHORT,
        ..patient()
    });
    let mut unit = listening.connect().await;
    let message = reply("half").emit(1);
    unit.write_all(&message[..20]).await.expect("sent");
    let heard = listening.next().await;
    assert_eq!(heard.bytes, message[..20]);
    assert!(heard.refused.is_some());
    read_to_end(&mut unit).await;
    listening.all_closed().await;
}

#[tokio::test]
async fn a_unit_that_says_nothing_is_let_go() {
    let mut listening = listen(TcpLimits {
        idle: SHORT,
        ..patient()
    });
    let mut unit = listening.connect().await;
    assert_eq!(
        read_to_end(&mut unit).await,
        wire::discover_request(SEQUENCE)
    );
    listening.all_closed().await;
    assert!(listening.heard.try_recv().is_err(), "nothing was heard");
}

#[tokio::test]
async fn a_byte_now_and_then_does_not_hold_a_connection() {
    let mut listening = listen(TcpLimits {
        message: SHORT,
        ..patient()
    });
    let mut unit = listening.connect().await;
    unit.set_nodelay(true).expect("a plain socket option");
    let message = wire::encode_raw(1, 0x81, &[(100, &vec![7; 60_000])]);
    let mut pace = tokio::time::interval(Duration::from_millis(1));
    for byte in &message {
        pace.tick().await;
        if unit.write_all(&[*byte]).await.is_err() {
            break;
        }
    }
    let heard = listening.next().await;
    assert!(heard.refused.is_some());
    assert!(heard.bytes.len() < message.len());
    listening.all_closed().await;
}

#[tokio::test]
async fn a_unit_that_never_ends_is_let_go() {
    let mut listening = listen(TcpLimits {
        whole: SHORT,
        ..patient()
    });
    let mut unit = listening.connect().await;
    let message = reply("again and again").emit(1);
    timeout(LONG, async {
        while unit.write_all(&message).await.is_ok() {
            // What was heard makes room for the next.
            while listening.heard.try_recv().is_ok() {}
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the connection is closed");
    listening.all_closed().await;
}

#[tokio::test]
async fn more_than_64_connections_wait_for_their_turn() {
    let mut listening = listen(patient());
    // More at once than are served: the others wait in the system's queue.
    let mut units = Vec::new();
    for idx in 0..MAX_CONNECTIONS + 10 {
        let mut unit = listening.connect().await;
        unit.write_all(&reply(&format!("unit {idx}")).emit(1))
            .await
            .expect("sent");
        units.push(unit);
    }
    for _ in 0..MAX_CONNECTIONS {
        listening.next().await;
    }
    assert_eq!(listening.slots.num_free(), 0);
    assert!(
        timeout(SHORT, listening.heard.recv()).await.is_err(),
        "more than 64 connections are served at once"
    );
    units.drain(..10);
    for _ in 0..10 {
        listening.next().await;
    }
    units.clear();
    listening.all_closed().await;
}

#[tokio::test]
async fn closing_the_listener_closes_its_connections() {
    let mut listening = listen(patient());
    let mut unit = listening.connect().await;
    unit.write_all(&reply("open").emit(1)).await.expect("sent");
    listening.next().await;
    let ip_port = listening.task.local();
    drop(listening.task);
    read_to_end(&mut unit).await;
    assert!(TcpStream::connect(ip_port).await.is_err());
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port");
    let SocketAddr::V4(taken) = holder.local_addr().expect("it is bound") else {
        panic!("127.0.0.1 is IPv4");
    };
    let (heard, _end) = mpsc::channel(1);
    let started = TcpListenerTask::start(TcpListening {
        bind: taken,
        sequence: SEQUENCE,
        limits: patient(),
        slots: TcpSlots::new(),
        now: Arc::new(when),
        heard,
    });
    let error = started.expect_err("the port is held");
    assert!(matches!(error, TcpError::PortInUse(port) if port == taken.port()));
}

/// A unit that accepts connections and treats each with `behavior`.
async fn unit<F, Done>(behavior: F) -> SocketAddrV4
where
    F: Fn(TcpStream) -> Done + Send + 'static,
    Done: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port");
    let SocketAddr::V4(ip_port) = listener.local_addr().expect("it is bound") else {
        panic!("127.0.0.1 is IPv4");
    };
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(behavior(stream));
        }
    });
    ip_port
}

async fn read_question(stream: &mut TcpStream) -> u16 {
    let mut question = [0; 19];
    stream.read_exact(&mut question).await.expect("a question");
    let decoded = wire::decode(&question).expect("a well-formed question");
    assert_eq!(decoded.message, Message::DiscoverRequest);
    decoded.frame.sequence()
}

async fn ask(to: SocketAddrV4, limits: TcpLimits) -> Result<Vec<TcpHeard>, TcpError> {
    let slots = TcpSlots::new();
    let now: rollcall::engine::tcp::Now = Arc::new(when);
    let result = timeout(LONG, ask_tcp(to, SEQUENCE, limits, &slots, &now))
        .await
        .expect("asking comes to an end");
    assert_eq!(slots.num_free(), MAX_CONNECTIONS, "the place is given back");
    result
}

#[tokio::test]
async fn a_unit_that_is_asked_replies() {
    let to = unit(|mut stream| async move {
        // It announces itself before it replies, and holds the connection open.
        let announcement = reply("hello").emit(0);
        stream.write_all(&announcement).await.expect("sent");
        let sequence = read_question(&mut stream).await;
        stream
            .write_all(&reply("asked").emit(sequence))
            .await
            .expect("sent");
        read_to_end(&mut stream).await;
    })
    .await;
    let heard = ask(to, patient()).await.expect("it replies");
    let names: Vec<_> = heard.iter().filter_map(name_of).collect();
    assert_eq!(names, ["hello", "asked"]);
    assert_eq!(heard[1].from, SocketAddr::V4(to));
}

#[tokio::test]
async fn what_a_unit_can_do_instead_of_replying() {
    let hangs_up = unit(|mut stream| async move {
        read_question(&mut stream).await;
    })
    .await;
    let error = ask(hangs_up, patient()).await.expect_err("no reply");
    assert!(
        matches!(error, TcpError::Closed(_) | TcpError::Broken { .. }),
        "{error}"
    );

    let stalls = unit(|mut stream| async move {
        read_question(&mut stream).await;
        read_to_end(&mut stream).await;
    })
    .await;
    let short = TcpLimits {
        idle: SHORT,
        ..patient()
    };
    let error = ask(stalls, short).await.expect_err("no reply");
    assert!(matches!(error, TcpError::TimedOut(_)), "{error}");

    let speaks_ssh = unit(|mut stream| async move {
        stream.write_all(b"SSH-2.0-x\r\n").await.expect("sent");
        read_to_end(&mut stream).await;
    })
    .await;
    let heard = ask(speaks_ssh, patient()).await.expect("it said something");
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].bytes, b"SSH-2.0-x\r\n");
    assert_eq!(
        heard[0].refused.map(|refused| refused.reason()),
        Some("not-aidp")
    );

    let forgets_the_sequence = unit(|mut stream| async move {
        let sequence = read_question(&mut stream).await;
        let message = reply("zero").emit(sequence - 1);
        stream.write_all(&message).await.expect("sent");
        read_to_end(&mut stream).await;
    })
    .await;
    let heard = ask(forgets_the_sequence, patient()).await;
    assert_eq!(heard.expect("it is not waited for in vain").len(), 1);

    let chatters = unit(|mut stream| async move {
        let message = reply("chatter").emit(SEQUENCE + 1);
        while stream.write_all(&message).await.is_ok() {}
    })
    .await;
    let heard = ask(chatters, patient()).await.expect("it said something");
    assert_eq!(heard.len(), 8, "a unit that never replies is cut off");
}

#[tokio::test]
async fn nobody_there_is_an_error_of_its_own() {
    let closed = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        listener.local_addr().expect("it is bound").port()
    };
    let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, closed);
    let error = ask(to, patient()).await.expect_err("nobody is there");
    assert!(matches!(error, TcpError::Connect { .. }), "{error}");
}

#[tokio::test]
async fn many_units_are_asked_a_few_at_a_time() {
    let open = Arc::new(std::sync::Mutex::new((0_usize, 0_usize)));
    let counted = Arc::clone(&open);
    let to = unit(move |mut stream| {
        let counted = Arc::clone(&counted);
        async move {
            {
                let mut open = counted.lock().expect("nobody panics with it");
                open.0 += 1;
                open.1 = open.1.max(open.0);
            }
            let sequence = read_question(&mut stream).await;
            // Counted as closed before the reply, after which the other side may open the next one.
            counted.lock().expect("nobody panics with it").0 -= 1;
            let message = reply("many").emit(sequence);
            stream.write_all(&message).await.expect("sent");
            read_to_end(&mut stream).await;
        }
    })
    .await;
    let slots = TcpSlots::new();
    let (heard_end, mut heard) = mpsc::channel(8);
    let asking = tokio::spawn(ask_many(TcpQuestions {
        ips: vec![*to.ip(); 300],
        port: to.port(),
        sequence: SEQUENCE,
        limits: patient(),
        slots: slots.clone(),
        now: Arc::new(when),
        heard: heard_end,
    }));
    let mut num_heard = 0;
    while let Some(one) = timeout(LONG, heard.recv()).await.expect("all are heard") {
        assert_eq!(name_of(&one).as_deref(), Some("many"));
        num_heard += 1;
    }
    assert_eq!(num_heard, 300);
    assert_eq!(
        asking.await.expect("no panic"),
        TcpTally {
            num_asked: 300,
            num_answered: 300
        }
    );
    let most = open.lock().expect("nobody panics with it").1;
    assert!(
        (2..=ASK_AT_ONCE).contains(&most),
        "{most} were asked at once"
    );
    assert_eq!(slots.num_free(), MAX_CONNECTIONS);
}
