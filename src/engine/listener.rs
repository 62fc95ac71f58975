//! What comes in over one socket: received, and handed on in batches. One task a socket. What a datagram
//! means is `hearing.rs`'s. No registry here, and nothing is answered.

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use super::clock;
use super::command::{Level, Saying};
use super::counters::Tally;
use super::hearing::Item;

pub use super::hearing::Ear;

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
    use super::*;

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

    #[tokio::test]
    async fn what_does_not_fit_is_counted() {
        const WAVES: u64 = 45;
        const A_WAVE: u64 = 200;
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.expect("a socket"));
        let peer = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
        let ip_port = socket.local_addr().expect("bound");
        let ear = Ear {
            interface: "lo".into(),
            channel: crate::model::sighting::Channel::Udp3502,
            port: ip_port.port(),
            decoder_port: 3502,
            recorder: Arc::default(),
            decoders: crate::engine::decoding::DecoderSlot::default(),
            counters: Arc::default(),
            own: Arc::new(super::super::questions::OwnQuestions::new(1)),
        };
        let counters = Arc::clone(&ear.counters);
        // Room for one batch, which nobody takes.
        let (out, heard) = mpsc::channel(1);
        let listening = tokio::spawn(listen(ear, socket, out));
        for wave in 1..=WAVES {
            for _ in 0..A_WAVE {
                peer.send_to(b"not a message", ip_port).await.expect("sent");
            }
            let caught_up = async {
                while counters.total(Tally::Heard) < wave * A_WAVE {
                    tokio::task::yield_now().await;
                }
            };
            let in_time = tokio::time::timeout(std::time::Duration::from_secs(20), caught_up).await;
            assert!(
                in_time.is_ok(),
                "every datagram of a small wave is received"
            );
        }
        let kept = (WAITING_ITEMS + BATCH_ITEMS) as u64;
        let dropped = counters.total(Tally::QueueDrops);
        assert!(
            dropped >= WAVES * A_WAVE - kept && dropped < WAVES * A_WAVE,
            "{dropped} of {} were dropped, and at most {kept} are kept",
            WAVES * A_WAVE
        );
        drop(heard);
        listening.abort();
    }
}
