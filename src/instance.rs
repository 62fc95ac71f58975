//! One window for one person at one display: a second start hands what it was asked for to the window that is open
//! already, and ends. Whoever holds the lock file is the first; the two talk through a local socket (a named pipe on
//! Windows). What comes in is checked as if it were a stranger's. Not here: what the window does about it.
//!
//! One line each way: `{"rollcall":1,"open":"/path"}` with `open` null or missing, and one of the words below.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use interprocess::local_socket::prelude::*;
#[cfg(not(windows))]
use interprocess::local_socket::{GenericFilePath, ToFsName};
#[cfg(windows)]
use interprocess::local_socket::{GenericNamespaced, ToNsName};
use interprocess::local_socket::{Listener, ListenerOptions, Name, Stream};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The line that is spoken. Another number is not understood.
const VERSION: u32 = 1;

/// Longer than any path, shorter than any harm.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// A window that does not look at a request for this long is stuck, and the second start opens one of its own.
const TAKEN_WITHIN: Duration = Duration::from_secs(2);

/// The word about it comes within this.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// Between two looks at a first window that is just opening or closing.
const PAUSE: Duration = Duration::from_millis(100);

/// So many looks at one that is opening.
const LOOKS_AT_OPENING: u32 = 30;

/// So many at one that is saving its site before it ends.
const LOOKS_AT_CLOSING: u32 = 220;

/// Starts that the window has not looked at yet; a person does not double-click faster.
const MAX_WAITING: usize = 8;

/// Conversations at a time. Those that say nothing hold their place until they hang up.
const MAX_CONVERSATIONS: usize = 8;

/// The window has taken the request.
const TAKEN: &str = "taken";
/// The window is there and does not look at requests, or too many wait.
const BUSY: &str = "busy";
/// The window is closed, and its program about to end.
const CLOSING: &str = "closing";
/// The line has another version.
const OTHER_VERSION: &str = "other version";
/// The line makes no sense.
const NOT_UNDERSTOOD: &str = "not understood";

/// What a second start asks of the open window, beside coming to the front.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The site file to open.
    pub open: Option<PathBuf>,
}

/// What is sent. Paths as text: one that is no Unicode cannot be handed over, and opens in a window of its own.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    rollcall: u32,
    #[serde(default)]
    open: Option<String>,
}

/// Why a second start could not hand over, and opens a window itself.
#[derive(Debug, Error)]
pub enum HandOverError {
    /// The path has no text form.
    #[error("the path {0:?} is not Unicode and cannot be handed to the open window")]
    Path(PathBuf),
    /// The lock or the socket does not work here.
    #[error("the open window cannot be spoken to: {0}")]
    Io(#[from] io::Error),
    /// It took too long.
    #[error("the open window did not answer")]
    Silent,
    /// It is stuck, or another version.
    #[error("the open window answered {0:?}")]
    Answer(String),
}

impl HandOverError {
    /// Whether the first window may just be opening or ending: there is no socket yet, or nobody behind it any more.
    fn may_pass(&self) -> bool {
        matches!(self, Self::Io(error) if matches!(
            error.kind(),
            io::ErrorKind::NotFound
                | io::ErrorKind::ConnectionRefused
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof
        ))
    }
}

/// What a start finds.
#[derive(Debug)]
pub enum Found {
    /// This is the first window, and later starts will be heard.
    First(Doorbell),
    /// The open window has taken the request; there is nothing left to do.
    HandedOver,
    /// A window of its own, without hearing later starts.
    Alone(HandOverError),
}

/// Where later starts ring. After it is dropped they wait for the end of this program, and one of them is the first.
pub struct Doorbell {
    rings: Receiver<Ring>,
    wake: Arc<OnceLock<Waker>>,
}

/// A request, and where the visitor waits for the word that it was taken.
struct Ring {
    request: Request,
    taken: SyncSender<()>,
}

/// Called when somebody rang.
type Waker = Box<dyn Fn() + Send + Sync>;

impl std::fmt::Debug for Doorbell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doorbell").finish_non_exhaustive()
    }
}

/// What all conversations use.
struct Shared {
    rings: SyncSender<Ring>,
    wake: Arc<OnceLock<Waker>>,
    num_conversations: AtomicUsize,
    /// Held until the program ends: also while the site is still being saved, when the window is gone.
    _lock: File,
}

impl Doorbell {
    /// Has this called for every later start, from another thread. Only the first call counts.
    pub fn wake_with(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.wake.set(Box::new(wake)).ok();
    }

    /// The next request, if somebody rang and still waits. The visitor is told that it was taken.
    pub fn next(&self) -> Option<Request> {
        loop {
            let ring = self.rings.try_recv().ok()?;
            if ring.taken.send(()).is_ok() {
                return Some(ring.request);
            }
        }
    }
}

/// The files by which starts find each other, in a folder that only this person can write.
#[derive(Clone, Debug)]
pub struct Meeting {
    lock: PathBuf,
    /// The socket; on Windows the name of the pipe, which nobody else can guess and take first.
    socket: PathBuf,
}

impl Meeting {
    /// In this folder, for one display (or whatever tells apart windows that cannot be seen together).
    pub fn within(folder: &Path, display: &str) -> Self {
        let display: String = display
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(40)
            .collect();
        Self {
            lock: folder.join(format!("window-{display}.lock")),
            socket: folder.join(format!("window-{display}.socket")),
        }
    }
}

/// Looks for an open window of the same person, and hands the request to it; otherwise this start is the first.
/// Waits while that window is just opening, and while it is saving its site before it ends.
pub fn find(meeting: &Meeting, request: &Request) -> Found {
    let mut looks_left = LOOKS_AT_OPENING;
    let mut is_closing = false;
    loop {
        match lock(meeting) {
            Ok(Some(lock)) => {
                return match listen(meeting, lock) {
                    Ok(doorbell) => Found::First(doorbell),
                    Err(error) => Found::Alone(error.into()),
                };
            }
            Ok(None) => {}
            Err(error) => return Found::Alone(error.into()),
        }
        match hand_over(meeting, request) {
            Ok(word) if word == TAKEN => return Found::HandedOver,
            Ok(word) if word == CLOSING => {
                if !is_closing {
                    is_closing = true;
                    looks_left = LOOKS_AT_CLOSING;
                }
            }
            Ok(word) => return Found::Alone(HandOverError::Answer(word)),
            Err(error) if error.may_pass() => {}
            Err(error) => return Found::Alone(error),
        }
        if looks_left == 0 {
            return Found::Alone(HandOverError::Silent);
        }
        looks_left -= 1;
        std::thread::park_timeout(PAUSE);
    }
}

/// The lock, unless another start holds it.
fn lock(meeting: &Meeting) -> io::Result<Option<File>> {
    if let Some(folder) = meeting.lock.parent() {
        fs::create_dir_all(folder)?;
    }
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&meeting.lock)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(windows)]
fn name(meeting: &Meeting) -> io::Result<Name<'static>> {
    let mut name = String::new();
    File::open(&meeting.socket)?
        .take(64)
        .read_to_string(&mut name)?;
    name.to_ns_name::<GenericNamespaced>()
}

/// Pipes of all persons have one common space of names, so the name is left to chance and kept in the person's folder.
#[cfg(windows)]
fn new_name(meeting: &Meeting) -> io::Result<Name<'static>> {
    use std::hash::{BuildHasher, RandomState};
    let chance = || RandomState::new().hash_one(VERSION);
    let name = format!("rollcall-{:016x}{:016x}", chance(), chance());
    File::create(&meeting.socket)?.write_all(name.as_bytes())?;
    name.to_ns_name::<GenericNamespaced>()
}

#[cfg(not(windows))]
fn name(meeting: &Meeting) -> io::Result<Name<'static>> {
    meeting.socket.clone().to_fs_name::<GenericFilePath>()
}

#[cfg(not(windows))]
fn new_name(meeting: &Meeting) -> io::Result<Name<'static>> {
    name(meeting)
}

/// Says it to the open window and waits for its word, for a while.
fn hand_over(meeting: &Meeting, request: &Request) -> Result<String, HandOverError> {
    let open = match &request.open {
        Some(path) => Some(
            path.to_str()
                .ok_or_else(|| HandOverError::Path(path.clone()))?
                .to_owned(),
        ),
        None => None,
    };
    let mut line = serde_json::to_vec(&Line {
        rollcall: VERSION,
        open,
    })
    .map_err(io::Error::from)?;
    line.push(b'\n');
    let name = name(meeting)?;
    // Not every system can bound the waiting of a local socket, so another thread does it.
    let (answers, answer) = sync_channel(1);
    std::thread::Builder::new()
        .name("hand over".to_owned())
        .spawn(move || {
            answers.send(converse(name, &line)).ok();
        })?;
    Ok(answer
        .recv_timeout(ANSWER_WITHIN)
        .or(Err(HandOverError::Silent))??)
}

fn converse(name: Name<'_>, line: &[u8]) -> io::Result<String> {
    let mut stream = Stream::connect(name)?;
    stream.write_all(line)?;
    stream.flush()?;
    read_line(&stream)
}

/// A line of bounded length, without its end.
fn read_line(stream: &Stream) -> io::Result<String> {
    let mut line = String::new();
    let num_bytes = BufReader::new(stream.take(MAX_LINE_BYTES)).read_line(&mut line)?;
    if num_bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if !line.ends_with('\n') {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "the line has no end or is longer than 64 KiB",
        ));
    }
    line.pop();
    Ok(line)
}

fn listen(meeting: &Meeting, lock: File) -> io::Result<Doorbell> {
    let listener = ListenerOptions::new()
        .name(new_name(meeting)?)
        // What an earlier program left behind: nobody else can be behind it while the lock is ours.
        .try_overwrite(true)
        .create_sync()?;
    let (rings, waiting) = sync_channel(MAX_WAITING);
    let wake = Arc::default();
    let shared = Arc::new(Shared {
        rings,
        wake: Arc::clone(&wake),
        num_conversations: AtomicUsize::new(0),
        _lock: lock,
    });
    std::thread::Builder::new()
        .name("doorbell".to_owned())
        .spawn(move || answer_all(&listener, &shared))?;
    Ok(Doorbell {
        rings: waiting,
        wake,
    })
}

fn answer_all(listener: &Listener, shared: &Arc<Shared>) {
    let mut num_failed = 0_u32;
    for stream in listener.incoming() {
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                // A listener that fails all the time must not turn a core into heat.
                num_failed += 1;
                if num_failed == 1 {
                    tracing::warn!(%error, "a later start was not heard");
                }
                std::thread::park_timeout(PAUSE);
                continue;
            }
        };
        num_failed = 0;
        let is_too_many =
            shared.num_conversations.fetch_add(1, Ordering::Relaxed) >= MAX_CONVERSATIONS;
        if is_too_many {
            // The drop hangs up; whoever it was tries again for a while.
            shared.num_conversations.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let of_thread = Arc::clone(shared);
        let visit = move || {
            if let Err(error) = converse_with(&stream, &of_thread) {
                tracing::warn!(%error, "a second start went away");
            }
            of_thread.num_conversations.fetch_sub(1, Ordering::Relaxed);
        };
        let visitor = std::thread::Builder::new().name("visitor".to_owned());
        if visitor.spawn(visit).is_err() {
            shared.num_conversations.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn converse_with(mut stream: &Stream, shared: &Shared) -> io::Result<()> {
    let word = match read_line(stream) {
        Ok(line) => answer(&line, shared),
        // No text.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => NOT_UNDERSTOOD,
        // Whoever still writes reads no word, and on Windows a word that is not read holds both ends.
        Err(error) => return Err(error),
    };
    stream.write_all(word.as_bytes())?;
    stream.write_all(b"\n")?;
    stream.flush()
}

fn answer(line: &str, shared: &Shared) -> &'static str {
    let Ok(line) = serde_json::from_str::<Line>(line) else {
        return NOT_UNDERSTOOD;
    };
    if line.rollcall != VERSION {
        return OTHER_VERSION;
    }
    let (taken, is_taken) = sync_channel(1);
    let ring = Ring {
        request: Request {
            // A relative path would mean another folder here than there.
            open: line
                .open
                .map(PathBuf::from)
                .filter(|path| path.is_absolute()),
        },
        taken,
    };
    match shared.rings.try_send(ring) {
        Ok(()) => {}
        Err(TrySendError::Full(_)) => return BUSY,
        Err(TrySendError::Disconnected(_)) => return CLOSING,
    }
    if let Some(wake) = shared.wake.get() {
        wake();
    }
    match is_taken.recv_timeout(TAKEN_WITHIN) {
        Ok(()) => TAKEN,
        Err(RecvTimeoutError::Timeout) => BUSY,
        Err(RecvTimeoutError::Disconnected) => CLOSING,
    }
}

#[cfg(test)]
mod tests;
