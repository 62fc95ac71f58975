//! What happens is written to a file of the day and kept in a short ring for the activity view. Whatever a
//! logged text holds, it stays one line of bounded length, and nobody who logs ever waits for the disk.

use std::collections::VecDeque;
use std::fmt::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

use crate::APP_ID;

/// What is logged and shown.
const LEVEL: LevelFilter = LevelFilter::INFO;

/// How many days of log files are kept.
const MAX_LOG_FILES: usize = 7;

/// Lines that may wait for the disk: some seconds of the worst storm. What is over is dropped.
const WAITING_LINES: usize = 8_192;

/// How many lines the activity view can show.
pub const RING_LINES: usize = 1_000;

/// How many characters of a line are kept in the ring.
const LINE_CHARS: usize = 1_000;

/// How many failed dialogs may wait to be told: there is one dialog at a time.
const MAX_DIALOG_ERRORS: usize = 16;

/// The crate that opens file dialogs. It tells why one could not open through its log only.
const DIALOG_TARGET: &str = "rfd";

/// The target of what other crates log, and of panics.
const FOREIGN_TARGET: &str = "other";
const PANIC_TARGET: &str = "panic";

/// One line of the activity view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When, in milliseconds since the Unix epoch.
    pub unix_millis: i64,
    /// How much it matters.
    pub level: Level,
    /// Which part of the program said it.
    pub target: String,
    /// What it said, on one line.
    pub text: String,
}

/// The last lines, and dialogs that could not open. Cheap to clone; every clone is the same ring.
#[derive(Clone, Debug, Default)]
pub struct LogRing {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    lines: Mutex<VecDeque<Arc<LogLine>>>,
    dialog_errors: Mutex<VecDeque<String>>,
    /// Lines that were ever logged.
    num_logged: AtomicU64,
}

impl LogRing {
    /// The last [`RING_LINES`] lines, oldest first.
    pub fn lines(&self) -> Vec<Arc<LogLine>> {
        lock(&self.shared.lines).iter().cloned().collect()
    }

    /// How many lines were ever logged: a view that has seen as many has seen them all.
    pub fn num_logged(&self) -> u64 {
        self.shared.num_logged.load(Ordering::Relaxed)
    }

    /// Why dialogs could not open, oldest first; each is told once.
    pub fn take_dialog_errors(&self) -> Vec<String> {
        lock(&self.shared.dialog_errors).drain(..).collect()
    }

    fn push(&self, line: LogLine) {
        let mut lines = lock(&self.shared.lines);
        if lines.len() == RING_LINES {
            lines.pop_front();
        }
        lines.push_back(Arc::new(line));
        self.shared.num_logged.fetch_add(1, Ordering::Relaxed);
    }

    fn push_dialog_error(&self, text: String) {
        let mut errors = lock(&self.shared.dialog_errors);
        if errors.len() == MAX_DIALOG_ERRORS {
            errors.pop_front();
        }
        errors.push_back(text);
    }
}

/// A ring that a panic left behind is as good as any other: a line is in it or not.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Logging, as `main` holds it until the end: dropping it writes what still waits.
#[derive(Debug)]
pub struct Logging {
    /// The last lines.
    pub ring: LogRing,
    /// Where the log files are; `None` when nothing is written.
    pub folder: Option<PathBuf>,
    /// Why nothing is written to a file, in words.
    pub trouble: Option<String>,
    /// Writes what still waits when it is dropped.
    _guard: Option<WorkerGuard>,
}

/// Starts logging for the whole program. When the folder cannot be written to, only the ring is filled.
pub fn start(log_dir: &Path) -> Logging {
    let (subscriber, mut logging) = build(log_dir);
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        logging.trouble = Some("Logging was started before, and goes on there".to_owned());
        logging.folder = None;
        return logging;
    }
    let forward = Forward {
        ring: logging.ring.clone(),
    };
    if log::set_boxed_logger(Box::new(forward)).is_ok() {
        log::set_max_level(log::LevelFilter::Info);
    }
    if let Some(trouble) = &logging.trouble {
        tracing::warn!("{trouble}");
    } else {
        tracing::info!("logging to {}", log_dir.display());
    }
    logging
}

/// Logs every panic with its place. In a debug build it is printed as usual, too; a release build of the window
/// has nowhere to print to.
pub fn install_panic_hook() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("unnamed");
        let place = panic.location().map(ToString::to_string);
        let place = place.as_deref().unwrap_or("an unknown place");
        let said = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(target: PANIC_TARGET, "thread {name:?} panicked at {place}: {said}");
        if cfg!(debug_assertions) {
            usual(panic);
        }
    }));
}

fn build(log_dir: &Path) -> (impl Subscriber + Send + Sync + 'static, Logging) {
    let ring = LogRing::default();
    let (writer, guard, trouble) = match open(log_dir) {
        Ok((writer, guard)) => (Some(writer), Some(guard), None),
        Err(error) => {
            let folder = log_dir.display();
            let trouble = format!("No log file is written, {folder} cannot be used: {error}");
            (None, None, Some(trouble))
        }
    };
    let file_layer = writer.map(|writer| {
        tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(writer)
    });
    let ring_layer = RingLayer { ring: ring.clone() };
    let subscriber = tracing_subscriber::registry()
        .with(LEVEL)
        .with(file_layer)
        .with(ring_layer);
    let logging = Logging {
        ring,
        folder: guard.is_some().then(|| log_dir.to_owned()),
        trouble,
        _guard: guard,
    };
    (subscriber, logging)
}

fn open(log_dir: &Path) -> Result<(NonBlocking, WorkerGuard), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(log_dir)?;
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(APP_ID)
        .filename_suffix("log")
        .max_log_files(MAX_LOG_FILES)
        .build(log_dir)?;
    Ok(NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(WAITING_LINES)
        .thread_name("log writer")
        .finish(file))
}

/// Fills the ring.
struct RingLayer {
    ring: LogRing,
}

impl<S: Subscriber> Layer<S> for RingLayer {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        self.ring.push(LogLine {
            unix_millis: jiff::Timestamp::now().as_millisecond(),
            level: *event.metadata().level(),
            target: event.metadata().target().to_owned(),
            text: line.text,
        });
    }
}

/// Puts an event on one line: the message, then the other fields.
#[derive(Default)]
struct Line {
    text: String,
    num_chars: usize,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // A line that is full ends the writing with an error, which is no trouble.
        let _ = match (field.name(), self.text.is_empty()) {
            ("message", _) => write!(self, "{value:?}"),
            (name, true) => write!(self, "{name}={value:?}"),
            (name, false) => write!(self, " {name}={value:?}"),
        };
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if self.num_chars == LINE_CHARS {
                return Err(fmt::Error);
            }
            self.num_chars += 1;
            // Names that come over the network may hold line ends and worse.
            self.text.push(if c.is_control() { ' ' } else { c });
        }
        Ok(())
    }
}

/// Takes what other crates say through `log`.
struct Forward {
    ring: LogRing,
}

impl log::Log for Forward {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Info
    }

    fn log(&self, record: &log::Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let target = record.target();
        let text = record.args();
        let is_of_dialog = target.split("::").next() == Some(DIALOG_TARGET);
        if is_of_dialog && record.level() == log::Level::Error {
            let mut line = Line::default();
            // As above: a full line is no trouble.
            let _ = write!(line, "{text}");
            self.ring.push_dialog_error(line.text);
        }
        match record.level() {
            log::Level::Error => tracing::error!(target: FOREIGN_TARGET, "{target}: {text}"),
            log::Level::Warn => tracing::warn!(target: FOREIGN_TARGET, "{target}: {text}"),
            _ => tracing::info!(target: FOREIGN_TARGET, "{target}: {text}"),
        }
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use log::Log;
    use tracing::subscriber::with_default;

    use super::*;

    fn texts(ring: &LogRing) -> Vec<String> {
        ring.lines().iter().map(|line| line.text.clone()).collect()
    }

    #[test]
    fn a_line_reaches_the_ring_and_the_file() {
        let root = tempfile::tempdir().expect("a temporary folder can be made");
        let log_dir = root.path().join("not/yet/there");
        let (subscriber, logging) = build(&log_dir);
        let ring = logging.ring.clone();
        with_default(subscriber, || {
            tracing::info!(units = 3, name = "con\n1", "search is over");
            tracing::debug!("nobody reads this");
            tracing::warn!(reason = "cable");
        });
        assert_eq!(logging.folder.as_deref(), Some(log_dir.as_path()));
        // Writes what still waits.
        drop(logging);

        let lines = ring.lines();
        assert_eq!(
            texts(&ring),
            ["search is over units=3 name=con 1", "reason=cable"]
        );
        assert_eq!((lines[0].level, ring.num_logged()), (Level::INFO, 2));
        assert!(lines[0].target.contains("logging"));

        let files: Vec<PathBuf> = std::fs::read_dir(&log_dir)
            .expect("the folder was made")
            .map(|entry| entry.expect("it can be listed").path())
            .collect();
        let [file] = files.as_slice() else {
            panic!("one file of the day: {files:?}");
        };
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        assert!(
            name.starts_with("rollcall.") && name.ends_with(".log"),
            "{name}"
        );
        let text = std::fs::read_to_string(file).expect("the log is text");
        assert!(text.contains("search is over") && !text.contains("nobody"));
        assert!(!text.contains('\u{1b}'), "no colors in a file");
    }

    #[test]
    fn old_files_are_removed_and_others_left() {
        let root = tempfile::tempdir().expect("a temporary folder can be made");
        for name in (1..=20).map(|day| format!("rollcall.2025-01-{day:02}.log")) {
            std::fs::File::create(root.path().join(name)).expect("a file can be made");
        }
        std::fs::File::create(root.path().join("notes.txt")).expect("a file can be made");
        let (_, logging) = build(root.path());
        drop(logging);
        let num_files = std::fs::read_dir(root.path()).expect("it is there").count();
        assert_eq!(num_files, MAX_LOG_FILES + 1, "seven days and the notes");
        assert!(root.path().join("notes.txt").exists());
    }

    #[test]
    fn without_a_folder_the_ring_is_filled_and_it_is_said() {
        let root = tempfile::tempdir().expect("a temporary folder can be made");
        let file = root.path().join("file");
        std::fs::File::create(&file).expect("a file can be made");
        let (subscriber, logging) = build(&file.join("logs"));
        with_default(subscriber, || tracing::info!("heard"));
        assert_eq!(texts(&logging.ring), ["heard"]);
        assert_eq!(logging.folder, None);
        let trouble = logging.trouble.unwrap_or_default();
        assert!(trouble.starts_with("No log file is written"), "{trouble}");
    }

    #[test]
    fn the_ring_is_bounded() {
        let ring = LogRing::default();
        let subscriber = tracing_subscriber::registry().with(RingLayer { ring: ring.clone() });
        let long = "ü\n".repeat(LINE_CHARS);
        with_default(subscriber, || {
            for nth in 0..RING_LINES + 10 {
                tracing::info!("{nth} {long}");
            }
        });
        let lines = ring.lines();
        assert_eq!(lines.len(), RING_LINES);
        assert!(lines[0].text.starts_with("10 ü ü"), "the oldest went first");
        assert_eq!(lines[0].text.chars().count(), LINE_CHARS);
        assert_eq!(ring.num_logged(), RING_LINES as u64 + 10);
    }

    #[test]
    fn only_errors_of_dialogs_are_told_and_only_once() {
        let ring = LogRing::default();
        let forward = Forward { ring: ring.clone() };
        let say = |target: &str, level: log::Level, text: &str| {
            forward.log(
                &log::Record::builder()
                    .target(target)
                    .level(level)
                    .args(format_args!("{text}"))
                    .build(),
            );
        };
        let subscriber = tracing_subscriber::registry().with(RingLayer { ring: ring.clone() });
        with_default(subscriber, || {
            say("rfd::backend::xdg", log::Level::Error, "no portal");
            say("rfd", log::Level::Error, "no\nzenity");
            say("rfd", log::Level::Warn, "slow");
            say("rfdx", log::Level::Error, "another crate");
            say("winit", log::Level::Debug, "too much");
        });
        assert_eq!(ring.take_dialog_errors(), ["no portal", "no zenity"]);
        assert_eq!(ring.take_dialog_errors(), [""; 0]);
        assert_eq!(
            texts(&ring),
            [
                "rfd::backend::xdg: no portal",
                "rfd: no zenity",
                "rfd: slow",
                "rfdx: another crate"
            ]
        );
        for nth in 0..100 {
            say("rfd", log::Level::Error, &nth.to_string());
        }
        let errors = ring.take_dialog_errors();
        assert_eq!(errors.len(), MAX_DIALOG_ERRORS);
        assert_eq!(errors.last().map(String::as_str), Some("99"));
    }
}
