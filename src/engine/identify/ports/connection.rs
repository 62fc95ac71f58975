//! The one way in which the probes over TCP connect: under a place that is held until the socket is closed, with what
//! came remembered up to its bound, and with the time limits of the question.

use std::io;
use std::net::SocketAddrV4;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::PortState;
use crate::engine::clock;
use crate::engine::identify::{Ask, Slot};
use crate::model::probing::{Answer, Outcome, Probe};
use crate::model::sighting::{RAW_KEPT_BYTES, RawDatagram};

/// How long the other side may take to close after us. Closing with unread bytes in the socket would reset the
/// connection, and small units log that as a fault.
pub(in crate::engine::identify) const FAREWELL: Duration = Duration::from_millis(100);

/// How much is read away while closing.
const FAREWELL_BYTES: usize = 16 * 1024;

/// What came on the connections of one probe: how much, and its first bytes.
#[derive(Debug, Default)]
pub(in crate::engine::identify) struct Heard {
    first: Mutex<Vec<u8>>,
    num_bytes: AtomicU64,
}

impl Heard {
    /// Notes what came.
    pub(in crate::engine::identify) fn note(&self, bytes: &[u8]) {
        self.num_bytes
            .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let room = RAW_KEPT_BYTES.saturating_sub(first.len());
        first.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Whether nothing came yet.
    pub(in crate::engine::identify) fn is_empty(&self) -> bool {
        self.num_bytes.load(Ordering::Relaxed) == 0
    }

    /// Begins anew: for the next page, or the next handshake.
    pub(in crate::engine::identify) fn clear(&self) {
        self.num_bytes.store(0, Ordering::Relaxed);
        self.first
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// What is kept of it.
    pub(in crate::engine::identify) fn raw(&self) -> RawDatagram {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let num_bytes = self.num_bytes.load(Ordering::Relaxed);
        RawDatagram {
            full_len: u32::try_from(num_bytes).unwrap_or(u32::MAX),
            ..RawDatagram::keep(&first)
        }
    }

    /// Ends when `silence` has passed and nothing came; otherwise never.
    pub(in crate::engine::identify) async fn silent_for(&self, silence: Duration) {
        tokio::time::sleep(silence).await;
        if !self.is_empty() {
            std::future::pending::<()>().await;
        }
    }
}

/// A probe's place among the open connections: it has one connection at a time.
#[derive(Clone, Debug)]
pub(in crate::engine::identify) struct Place {
    slot: Arc<Slot>,
    /// What came.
    pub(in crate::engine::identify) heard: Arc<Heard>,
}

impl Place {
    /// Waits for a place. The time limit of a probe begins after it: that others are asked at the same time is our own
    /// doing, and must not make a unit look silent.
    pub(in crate::engine::identify) async fn take(ask: &Ask) -> Option<Self> {
        let slot = ask.slots.take().await?;
        Some(Self {
            slot: Arc::new(slot),
            heard: Arc::default(),
        })
    }

    /// Connects, or says how the probe ends.
    pub(in crate::engine::identify) async fn connect(
        &self,
        ask: &Ask,
        port: u16,
    ) -> Result<Connection, Outcome> {
        let connecting = TcpStream::connect(SocketAddrV4::new(ask.ip, port));
        let stream = match timeout(ask.silence, connecting).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                return Err(match PortState::of_error(&error) {
                    PortState::Closed => Outcome::Closed,
                    PortState::Failed(why) => Outcome::Failed(why),
                    PortState::Open | PortState::Silent => Outcome::Silent,
                });
            }
            Err(_elapsed) => return Err(Outcome::Silent),
        };
        // Small messages both ways; without it each may wait for the other side's delayed ACK. What if it cannot be
        // set: the probe is slower.
        stream.set_nodelay(true).ok();
        Ok(Connection {
            stream,
            heard: Arc::clone(&self.heard),
            _slot: Arc::clone(&self.slot),
        })
    }
}

/// The answer of a probe whose talk ended, or was ended by the limit (`None`).
pub(in crate::engine::identify) fn ended(
    mut answer: Answer,
    place: &Place,
    outcome: Option<Outcome>,
) -> Answer {
    answer.outcome = outcome.unwrap_or_else(|| {
        if !answer.clues.is_empty() {
            Outcome::Answered
        } else if place.heard.is_empty() {
            Outcome::Silent
        } else {
            Outcome::Garbled("what it says did not end in time".to_owned())
        }
    });
    if answer.raw.bytes.is_empty() {
        answer.raw = place.heard.raw();
    }
    answer.when = clock::now();
    answer
}

/// The answer where there is no place, since the engine ends.
pub(in crate::engine::identify) fn not_asked(probe: Probe) -> Answer {
    let outcome = Outcome::Failed("the engine is ending".to_owned());
    Answer::new(probe, outcome, clock::now())
}

/// An open connection, which holds its place and notes what comes.
#[derive(Debug)]
pub(in crate::engine::identify) struct Connection {
    stream: TcpStream,
    heard: Arc<Heard>,
    _slot: Arc<Slot>,
}

impl Connection {
    /// Reads what is there, at least one byte; 0 at the end. Silent when nothing comes within the time.
    pub(in crate::engine::identify) async fn more(
        &mut self,
        buffer: &mut [u8],
        wait: Duration,
    ) -> Result<usize, Outcome> {
        match timeout(wait, self.read(buffer)).await {
            Ok(Ok(num_bytes)) => Ok(num_bytes),
            Ok(Err(error)) => Err(broken(&error)),
            Err(_elapsed) => Err(Outcome::Silent),
        }
    }

    /// Says something; it may not be taken.
    pub(in crate::engine::identify) async fn say(&mut self, bytes: &[u8]) -> Result<(), Outcome> {
        self.write_all(bytes).await.map_err(|error| broken(&error))
    }

    /// Closes.
    pub(in crate::engine::identify) async fn close(self) {
        close_politely(self.stream).await;
    }
}

/// How a connection that broke is told.
pub(in crate::engine::identify) fn broken(error: &io::Error) -> Outcome {
    Outcome::Garbled(match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => "it broke the connection".to_owned(),
        _ => format!("the connection broke ({error})"),
    })
}

/// Closes our side, and waits a little for the other.
pub(super) async fn close_politely(mut stream: TcpStream) {
    let farewell = async {
        // What is broken is closed already.
        if stream.shutdown().await.is_err() {
            return;
        }
        let mut unread = [0; 1024];
        let mut left = FAREWELL_BYTES;
        while let Ok(num_bytes @ 1..) = stream.read(&mut unread).await {
            let Some(rest) = left.checked_sub(num_bytes) else {
                return;
            };
            left = rest;
        }
    };
    // Who does not close in time is left.
    timeout(FAREWELL, farewell).await.ok();
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
        this.heard.note(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
