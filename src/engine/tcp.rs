//! TCP 3502: accepts units that connect and announce themselves, and asks units where broadcast is
//! blocked (aidp.md, "Transport"). What comes in is handed on as bytes; nothing is decided here.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};

use self::messages::Messages;
use super::recorder::Recorder;
use crate::model::time::Timestamp;
use crate::wire::{self, Rejection};

mod messages;

/// Connections at once, in and out together (rules, "Asking").
pub const MAX_CONNECTIONS: usize = 64;

/// Units asked at once by [`ask_many`]. The rest of the connections stays free for units that
/// connect by themselves, however many addresses are to be asked.
pub const ASK_AT_ONCE: usize = 48;

/// Messages that are read from a unit that was asked while it has not replied: it may announce
/// itself first.
const MESSAGES_BEFORE_REPLY: usize = 8;

/// How long a unit that was asked and has announced itself is waited for: it may not echo the
/// sequence, and then what it said is the reply.
const AFTER_ANNOUNCEMENT: Duration = Duration::from_secs(1);

/// The pauses after an error of `accept`, such as no descriptor being left.
const ACCEPT_PAUSE_FIRST: Duration = Duration::from_millis(100);
const ACCEPT_PAUSE_LONGEST: Duration = Duration::from_secs(5);

/// Tells the time. The engine's clock, or a test's.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How long and how much.
#[derive(Clone, Copy, Debug)]
pub struct TcpLimits {
    /// For a connection to come about.
    pub connect: Duration,
    /// Without a byte (aidp.md, "Transport").
    pub idle: Duration,
    /// From the first byte of a message to its last: whoever sends a byte now and then must not hold
    /// one of the few connections for ever.
    pub message: Duration,
    /// For the whole connection of a unit that connected by itself: it can come again.
    pub whole: Duration,
    /// Connections at once from one address; loopback is exempt, since there every unit of the demo
    /// has the same.
    pub per_sender: usize,
}

impl Default for TcpLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            idle: Duration::from_secs(10),
            message: Duration::from_secs(30),
            whole: Duration::from_mins(2),
            per_sender: 16,
        }
    }
}

/// One message of a stream, or the bytes that were none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpHeard {
    /// The unit's end of the connection.
    pub from: SocketAddr,
    /// Our end: its address tells the interface.
    pub local: SocketAddr,
    /// When the last byte came.
    pub when: Timestamp,
    /// One whole message; of bytes that are none, the first 2 KiB at most.
    pub bytes: Vec<u8>,
    /// Why it is not a message. Where the next one would begin is only known when it is a field that
    /// overruns; otherwise the connection was closed.
    pub refused: Option<Rejection>,
}

/// Why nothing was heard by TCP.
#[derive(Debug, Error)]
pub enum TcpError {
    /// The port to listen on is taken.
    #[error("TCP {0} is held by another program")]
    PortInUse(u16),
    /// The port cannot be listened on for another reason.
    #[error("TCP {port} cannot be listened on")]
    Listen {
        /// The port.
        port: u16,
        /// What the system says.
        source: io::Error,
    },
    /// Nobody accepts there.
    #[error("{to} accepts no connection")]
    Connect {
        /// Who was to be asked.
        to: SocketAddrV4,
        /// What the system says.
        source: io::Error,
    },
    /// Nobody answers there.
    #[error("{0} did not answer in time")]
    TimedOut(SocketAddrV4),
    /// It accepted, and said nothing.
    #[error("{0} accepted the connection and closed it without a reply")]
    Closed(SocketAddrV4),
    /// The connection broke.
    #[error("the connection to {to} broke")]
    Broken {
        /// Who was asked.
        to: SocketAddrV4,
        /// What the system says.
        source: io::Error,
    },
    /// The engine is ending.
    #[error("the engine is ending")]
    Ending,
}

/// What all connections share: how many may be open at once, and where it is noted what they send. Clones share it.
#[derive(Clone, Debug)]
pub struct TcpSlots {
    free: Arc<Semaphore>,
    /// That of the site that is open.
    recorder: Arc<Mutex<Arc<Recorder>>>,
}

impl TcpSlots {
    /// [`MAX_CONNECTIONS`] of them.
    pub fn new() -> Self {
        Self {
            free: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            recorder: Arc::default(),
        }
    }

    /// From now on, what is sent is noted here.
    pub fn set_recorder(&self, recorder: Arc<Recorder>) {
        *self.recorder.lock().unwrap_or_else(PoisonError::into_inner) = recorder;
    }

    fn note_sent(&self, local: SocketAddr, to: SocketAddr, when: Timestamp, bytes: &[u8]) {
        let recorder = Arc::clone(&self.recorder.lock().unwrap_or_else(PoisonError::into_inner));
        recorder.sent_by_tcp(local, to, when, bytes);
    }

    /// How many are free.
    pub fn num_free(&self) -> usize {
        self.free.available_permits()
    }

    /// Waits for a place among them.
    pub(super) async fn take(&self) -> Result<OwnedSemaphorePermit, TcpError> {
        // The semaphore is never closed; if it were, there would be nothing to wait for.
        let taken = Arc::clone(&self.free).acquire_owned().await;
        taken.ok().ok_or(TcpError::Ending)
    }
}

impl Default for TcpSlots {
    fn default() -> Self {
        Self::new()
    }
}

/// Where to listen, and what to do with what is heard.
#[derive(Clone)]
pub struct TcpListening {
    /// 0.0.0.0 and 3502; in the demo and in tests, loopback and another port.
    pub bind: SocketAddrV4,
    /// The sequence of the question that each unit that connects is asked.
    pub sequence: u16,
    /// How long and how much.
    pub limits: TcpLimits,
    /// The connections that may be open.
    pub slots: TcpSlots,
    /// The clock.
    pub now: Now,
    /// Where to. When the engine is behind, the connections wait: TCP loses nothing.
    pub heard: mpsc::Sender<TcpHeard>,
}

impl std::fmt::Debug for TcpListening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TcpListening")
            .field("bind", &self.bind)
            .finish_non_exhaustive()
    }
}

/// Accepts connections. Dropping it closes the port and every connection that it accepted.
#[derive(Debug)]
pub struct TcpListenerTask {
    local: SocketAddr,
    num_turned_away: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl TcpListenerTask {
    /// Listens, on the current tokio runtime. A port that another program holds is an error to show,
    /// not to stop at.
    pub fn start(listening: TcpListening) -> Result<Self, TcpError> {
        let port = listening.bind.port();
        let failed = |source: io::Error| {
            if source.kind() == io::ErrorKind::AddrInUse {
                TcpError::PortInUse(port)
            } else {
                TcpError::Listen { port, source }
            }
        };
        let listener = bind(listening.bind).map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        let num_turned_away = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&num_turned_away);
        let task = tokio::spawn(accept_all(listener, listening, counted));
        Ok(Self {
            local,
            num_turned_away,
            task,
        })
    }

    /// Where it listens.
    pub const fn local(&self) -> SocketAddr {
        self.local
    }

    /// Connections that were closed at once because their sender had too many.
    pub fn num_turned_away(&self) -> u64 {
        self.num_turned_away.load(Ordering::Relaxed)
    }

    /// Whether it has ended by itself, which only an error inside Rollcall can bring about.
    pub fn is_over(&self) -> bool {
        self.task.is_finished()
    }
}

impl Drop for TcpListenerTask {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn bind(ip_port: SocketAddrV4) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // On Unix, this lets the port be taken again while old connections linger, and no more. On
    // Windows it would take the port away from a program that holds it (trap T11).
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(ip_port.into())?;
    socket.listen(MAX_CONNECTIONS as u32)
}

async fn accept_all(
    listener: TcpListener,
    listening: TcpListening,
    num_turned_away: Arc<AtomicU64>,
) {
    let senders = Senders::default();
    // Owned here, so that the connections end with the listener.
    let mut connections = JoinSet::new();
    let mut pause = ACCEPT_PAUSE_FIRST;
    loop {
        // What is over is forgotten, so that the set does not grow.
        while connections.try_join_next().is_some() {}
        // First the place, then the connection: whoever is too many waits in the system's queue.
        let Ok(slot) = listening.slots.take().await else {
            return;
        };
        let (stream, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(error) => {
                tracing::warn!("no connection can be accepted just now: {error}");
                drop(slot);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(ACCEPT_PAUSE_LONGEST);
                continue;
            }
        };
        pause = ACCEPT_PAUSE_FIRST;
        let Some(place) = senders.enter(from.ip(), listening.limits.per_sender) else {
            num_turned_away.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        let listening = listening.clone();
        connections.spawn(async move {
            let serving = serve(stream, from, &listening);
            match tokio::time::timeout(listening.limits.whole, serving).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!("the connection from {from} broke: {error}"),
                Err(_elapsed) => tracing::debug!("the connection from {from} took too long"),
            }
            drop((slot, place));
        });
    }
}

/// How many connections each sender has open.
#[derive(Clone, Debug, Default)]
struct Senders(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One open connection of a sender.
#[derive(Debug)]
struct Place {
    senders: Senders,
    ip: IpAddr,
}

impl Senders {
    fn enter(&self, ip: IpAddr, limit: usize) -> Option<Place> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(ip).or_default();
        if *count >= limit && !ip.is_loopback() {
            return None;
        }
        *count += 1;
        Some(Place {
            senders: self.clone(),
            ip,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self
            .senders
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.ip);
            }
        }
    }
}

/// Reads what a unit that connected has to say, and asks it once.
async fn serve(
    mut stream: TcpStream,
    from: SocketAddr,
    listening: &TcpListening,
) -> io::Result<()> {
    let local = stream.local_addr()?;
    let request = wire::discover_request(listening.sequence);
    // A unit that announces itself and closes at once makes this fail; its announcement is still
    // there to be read.
    match stream.write_all(&request).await {
        Ok(()) => listening
            .slots
            .note_sent(local, from, (listening.now)(), &request),
        Err(error) => tracing::debug!("{from} connected and could not be asked: {error}"),
    }
    let mut messages = Messages::new(stream, listening.limits);
    while let Some(part) = messages.next().await? {
        let heard = part.heard(from, local, (listening.now)());
        if listening.heard.send(heard).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Asks one unit: connects, sends a discover request, reads until the reply, closes.
///
/// What came before the reply is handed back with it, and bytes that are no message are handed back
/// instead of it: the result is never empty.
pub async fn ask_tcp(
    to: SocketAddrV4,
    sequence: u16,
    limits: TcpLimits,
    slots: &TcpSlots,
    now: &Now,
) -> Result<Vec<TcpHeard>, TcpError> {
    let _slot = slots.take().await?;
    let mut stream = tokio::time::timeout(limits.connect, TcpStream::connect(to))
        .await
        .ok()
        .ok_or(TcpError::TimedOut(to))?
        .map_err(|source| TcpError::Connect { to, source })?;
    let broken = |source| TcpError::Broken { to, source };
    let local = stream.local_addr().map_err(broken)?;
    let request = wire::discover_request(sequence);
    stream.write_all(&request).await.map_err(broken)?;
    slots.note_sent(local, to.into(), now(), &request);
    let mut messages = Messages::new(stream, limits);
    let mut all_heard = Vec::new();
    while all_heard.len() < MESSAGES_BEFORE_REPLY {
        let part = match messages.next().await {
            Ok(Some(part)) => part,
            Ok(None) => break,
            // What was heard before the connection broke counts all the same.
            Err(_) if !all_heard.is_empty() => break,
            Err(source) => return Err(broken(source)),
        };
        let reply_sequence = part.reply_sequence();
        let is_last = reply_sequence == Some(sequence);
        if reply_sequence.is_some() {
            messages.hurry(AFTER_ANNOUNCEMENT);
        }
        all_heard.push(part.heard(to.into(), local, now()));
        if is_last {
            break;
        }
    }
    if !all_heard.is_empty() {
        Ok(all_heard)
    } else if messages.is_stalled {
        Err(TcpError::TimedOut(to))
    } else {
        Err(TcpError::Closed(to))
    }
}

/// Who is asked by [`ask_many`], and how.
#[derive(Clone)]
pub struct TcpQuestions {
    /// The units' addresses. The laptop's own are to be left out by the caller.
    pub ips: Vec<Ipv4Addr>,
    /// 3502.
    pub port: u16,
    /// The sequence of the questions.
    pub sequence: u16,
    /// How long and how much.
    pub limits: TcpLimits,
    /// The connections that may be open.
    pub slots: TcpSlots,
    /// The clock.
    pub now: Now,
    /// Where what is heard goes.
    pub heard: mpsc::Sender<TcpHeard>,
}

impl std::fmt::Debug for TcpQuestions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TcpQuestions")
            .field("ips", &self.ips.len())
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// How asking many units went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpTally {
    /// Addresses that were asked.
    pub num_asked: u64,
    /// Of these, how many said something.
    pub num_answered: u64,
}

/// Asks many units, [`ASK_AT_ONCE`] at once. Dropping the future ends it.
pub async fn ask_many(questions: TcpQuestions) -> TcpTally {
    let mut tally = TcpTally::default();
    let mut asking = JoinSet::new();
    let mut ips = questions.ips.iter();
    loop {
        while asking.len() < ASK_AT_ONCE {
            let Some(ip) = ips.next() else { break };
            let to = SocketAddrV4::new(*ip, questions.port);
            let (sequence, limits) = (questions.sequence, questions.limits);
            let (slots, now) = (questions.slots.clone(), Arc::clone(&questions.now));
            let heard = questions.heard.clone();
            asking.spawn(async move {
                match ask_tcp(to, sequence, limits, &slots, &now).await {
                    Ok(all_heard) => {
                        for one in all_heard {
                            if heard.send(one).await.is_err() {
                                break;
                            }
                        }
                        true
                    }
                    Err(error) => {
                        tracing::debug!("{error}");
                        false
                    }
                }
            });
        }
        let Some(asked) = asking.join_next().await else {
            return tally;
        };
        tally.num_asked += 1;
        // A task that panicked has heard nothing; the panic is in the log.
        tally.num_answered += u64::from(asked.unwrap_or(false));
        if questions.heard.is_closed() {
            return tally;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sender_cannot_take_every_connection() {
        let senders = Senders::default();
        let ip = IpAddr::from([10, 0, 0, 9]);
        let held: Vec<_> = (0..4).filter_map(|_| senders.enter(ip, 3)).collect();
        assert_eq!(held.len(), 3);
        assert!(senders.enter([10, 0, 0, 10].into(), 3).is_some());
        drop(held);
        assert!(
            senders.0.lock().expect("not poisoned").is_empty(),
            "senders without a connection are forgotten"
        );
        assert!(senders.enter(ip, 3).is_some());
    }

    #[test]
    fn loopback_may_have_many_connections() {
        let senders = Senders::default();
        let held: Vec<_> = (0..40)
            .filter_map(|_| senders.enter(Ipv4Addr::LOCALHOST.into(), 3))
            .collect();
        assert_eq!(held.len(), 40);
    }
}
