//! One window for one person: a second start hands what it was asked for to the window that is open already, and ends.
//! The two talk through a local socket (a named pipe on Windows) that only this person's programs reach. What comes in
//! is checked as if it were a stranger's. Not here: what the window does about it.
//!
//! One line of JSON each way: `{"rollcall":1,"open":"/path"}` with `open` null or missing, and `"taken"` or `"busy"`.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
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

/// A window that does not answer for this long is stuck, and the second start opens one of its own.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// Starts that the window has not looked at yet; a person does not double-click faster.
const MAX_WAITING: usize = 8;

/// Conversations at a time. Those that say nothing hold their place until they hang up.
const MAX_CONVERSATIONS: usize = 8;

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
    /// The conversation broke.
    #[error("the open window could not be spoken to")]
    Io(#[from] io::Error),
    /// It took too long.
    #[error("the open window did not answer within {} s", ANSWER_WITHIN.as_secs())]
    Silent,
    /// Something else is there, or another version.
    #[error("the open window answered {0:?}")]
    Answer(String),
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

/// Where later starts ring. After it is dropped they wait for the end of this program, and are then the first.
pub struct Doorbell {
    requests: Receiver<Request>,
    wake: Arc<OnceLock<Waker>>,
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
    requests: SyncSender<Request>,
    wake: Arc<OnceLock<Waker>>,
    num_conversations: AtomicUsize,
}

impl Doorbell {
    /// Has this called for every later start, from another thread. Only the first call counts.
    pub fn wake_with(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.wake.set(Box::new(wake)).ok();
    }

    /// The next request, if somebody rang.
    pub fn next(&self) -> Option<Request> {
        self.requests.try_recv().ok()
    }
}

/// Looks for an open window of the same person, and hands the request to it; otherwise this start is the first.
///
/// `folder` tells persons apart (and tests): the settings' folder. `socket` is the socket's file where sockets are
/// files, in a folder that only this person can write.
pub fn find(folder: &Path, socket: &Path, request: &Request) -> Found {
    let was_left = match hand_over(folder, socket, request) {
        Ok(()) => return Found::HandedOver,
        Err(HandOverError::Io(error)) if is_nobody(&error) => {
            error.kind() != io::ErrorKind::NotFound
        }
        Err(error) => return Found::Alone(error),
    };
    match listen(folder, socket, was_left) {
        Ok(doorbell) => Found::First(doorbell),
        // Two starts at once: the other one was quicker.
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            match hand_over(folder, socket, request) {
                Ok(()) => Found::HandedOver,
                Err(error) => Found::Alone(error),
            }
        }
        Err(error) => Found::Alone(error.into()),
    }
}

/// Nobody listens: there is no socket, or the one that is there was left behind, or its program ended meanwhile.
fn is_nobody(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
    )
}

#[cfg(windows)]
fn name(folder: &Path, _socket: &Path) -> io::Result<Name<'static>> {
    // Pipes of all persons have one common space of names.
    let folder: String = folder
        .to_string_lossy()
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .collect();
    let skipped = folder.chars().count().saturating_sub(150);
    let folder: String = folder.chars().skip(skipped).collect();
    format!("rollcall{folder}").to_ns_name::<GenericNamespaced>()
}

#[cfg(not(windows))]
fn name(_folder: &Path, socket: &Path) -> io::Result<Name<'static>> {
    socket.to_owned().to_fs_name::<GenericFilePath>()
}

/// Says it to the open window and waits for its word, for a while.
fn hand_over(folder: &Path, socket: &Path, request: &Request) -> Result<(), HandOverError> {
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
    let name = name(folder, socket)?;
    // Not every system can bound the waiting of a local socket, so another thread does it.
    let (answers, answer) = sync_channel(1);
    std::thread::Builder::new()
        .name("hand over".to_owned())
        .spawn(move || {
            answers.send(converse(name, &line)).ok();
        })?;
    let answer = answer
        .recv_timeout(ANSWER_WITHIN)
        .or(Err(HandOverError::Silent))??;
    if answer == "taken" {
        Ok(())
    } else {
        Err(HandOverError::Answer(answer))
    }
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
            io::ErrorKind::InvalidData,
            "the line has no end or is longer than 64 KiB",
        ));
    }
    line.pop();
    Ok(line)
}

/// `was_left` says that the socket's file is there and nobody behind it.
fn listen(folder: &Path, socket: &Path, was_left: bool) -> io::Result<Doorbell> {
    #[cfg(not(windows))]
    if let Some(parent) = socket.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let listener = ListenerOptions::new()
        .name(name(folder, socket)?)
        .try_overwrite(was_left)
        .create_sync()?;
    let (requests, waiting) = sync_channel(MAX_WAITING);
    let wake = Arc::default();
    let shared = Arc::new(Shared {
        requests,
        wake: Arc::clone(&wake),
        num_conversations: AtomicUsize::new(0),
    });
    std::thread::Builder::new()
        .name("doorbell".to_owned())
        .spawn(move || answer_all(&listener, &shared))?;
    Ok(Doorbell {
        requests: waiting,
        wake,
    })
}

fn answer_all(listener: &Listener, shared: &Arc<Shared>) {
    // A listener that fails all the time must not turn a core into heat.
    let mut num_failed = 0;
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            num_failed += 1;
            if num_failed > 100 {
                tracing::warn!("later starts of Rollcall are not heard any more");
                return;
            }
            continue;
        };
        num_failed = 0;
        if shared.num_conversations.fetch_add(1, Ordering::Relaxed) >= MAX_CONVERSATIONS {
            shared.num_conversations.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let of_thread = Arc::clone(shared);
        let spawned = std::thread::Builder::new()
            .name("visitor".to_owned())
            .spawn(move || {
                if let Err(error) = answer(&stream, &of_thread) {
                    tracing::warn!(%error, "a second start could not be understood");
                }
                of_thread.num_conversations.fetch_sub(1, Ordering::Relaxed);
            });
        if spawned.is_err() {
            shared.num_conversations.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn answer(mut stream: &Stream, shared: &Shared) -> io::Result<()> {
    let line: Line = serde_json::from_str(&read_line(stream)?)?;
    if line.rollcall != VERSION {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("version {} is not {VERSION}", line.rollcall),
        ));
    }
    let request = Request {
        // A relative path would mean another folder here than there.
        open: line
            .open
            .map(PathBuf::from)
            .filter(|path| path.is_absolute()),
    };
    let word: &[u8] = match shared.requests.try_send(request) {
        Ok(()) => b"taken\n",
        Err(TrySendError::Full(_)) => b"busy\n",
        // The window is closed and its site is being saved: the visitor sees the line break when that is done.
        Err(TrySendError::Disconnected(_)) => loop {
            std::thread::park();
        },
    };
    if let Some(wake) = shared.wake.get() {
        wake();
    }
    stream.write_all(word)?;
    stream.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let socket = folder.path().join("run").join("window.sock");
        (folder, socket)
    }

    fn first(folder: &Path, socket: &Path) -> Doorbell {
        match find(folder, socket, &Request::default()) {
            Found::First(doorbell) => doorbell,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_second_start_hands_its_site_to_the_first() {
        let (folder, socket) = place();
        let doorbell = first(folder.path(), &socket);
        let (woken, wakes) = sync_channel(1);
        doorbell.wake_with(move || {
            woken.try_send(()).ok();
        });
        let request = Request {
            open: Some(folder.path().join("Hall 2 – Süd.rollcall")),
        };
        let found = find(folder.path(), &socket, &request);
        assert!(matches!(found, Found::HandedOver), "{found:?}");
        wakes.recv_timeout(ANSWER_WITHIN).expect("it was woken");
        assert_eq!(doorbell.next(), Some(request));
        assert_eq!(doorbell.next(), None);
    }

    #[test]
    fn what_is_no_request_is_not_taken_and_harms_nothing() {
        let (folder, socket) = place();
        let doorbell = first(folder.path(), &socket);
        let too_long = vec![b'x'; 2 * MAX_LINE_BYTES as usize];
        for line in [
            b"\n".as_slice(),
            b"{\"rollcall\":2}\n",
            b"{\"rollcall\":1,\"open\":7}\n",
            b"\xff\xfe\n",
            &too_long,
        ] {
            let name = name(folder.path(), &socket).expect("a name");
            let answer = converse(name, line);
            assert!(answer.is_err(), "{answer:?}");
        }
        assert_eq!(doorbell.next(), None);
        let name = name(folder.path(), &socket).expect("a name");
        let answer = converse(name, b"{\"rollcall\":1,\"open\":\"no/whole/path\"}\n");
        assert_eq!(answer.ok().as_deref(), Some("taken"));
        assert_eq!(
            doorbell.next(),
            Some(Request::default()),
            "shown, not opened"
        );
    }

    #[test]
    fn more_starts_than_the_window_looks_at_open_their_own() {
        let (folder, socket) = place();
        let doorbell = first(folder.path(), &socket);
        for _ in 0..MAX_WAITING {
            let found = find(folder.path(), &socket, &Request::default());
            assert!(matches!(found, Found::HandedOver), "{found:?}");
        }
        let found = find(folder.path(), &socket, &Request::default());
        let Found::Alone(HandOverError::Answer(word)) = found else {
            panic!("{found:?}");
        };
        assert_eq!(word, "busy");
        drop(doorbell);
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_that_was_left_behind_is_replaced() {
        let (folder, socket) = place();
        std::fs::create_dir_all(socket.parent().expect("it has one")).expect("made");
        drop(std::os::unix::net::UnixListener::bind(&socket).expect("bound"));
        assert!(socket.exists(), "left behind");
        let doorbell = first(folder.path(), &socket);
        let found = find(folder.path(), &socket, &Request::default());
        assert!(matches!(found, Found::HandedOver), "{found:?}");
        assert_eq!(doorbell.next(), Some(Request::default()));
    }

    #[cfg(unix)]
    #[test]
    fn where_no_socket_can_be_made_the_window_opens_all_the_same() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let socket = folder.path().join("x".repeat(300));
        let found = find(folder.path(), &socket, &Request::default());
        assert!(matches!(found, Found::Alone(_)), "{found:?}");
    }
}
