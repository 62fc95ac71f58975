//! The site file: an `SQLite` database that holds everything known of a site's units.
//!
//! One thread of its own works in it, in the order in which it is asked; nobody else ever waits for a disk.
//! A file is looked at before it is written to, so that a damaged or newer one stays as it is. One Rollcall at
//! a time writes to a file, by a lock file beside it; others read a copy. While the site is open, `SQLite`'s
//! write-ahead log stands beside the file (a rollback journal on a network share); closing leaves one file.

mod check;
mod error;
mod load;
mod lock;
mod place;
mod probes;
mod rows;
mod save;
mod schema;
mod site;
mod watching;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

pub use error::{NotTaken, StoreError};

use crate::model::appliance::Appliance;
use crate::model::identity::ApplianceId;
use site::Site;
pub use watching::{WatchBatch, WatchContents};

/// Jobs that may wait. The actor saves at most once a second and keeps changes until they are saved: when the
/// disk is slower than that, it is better to gather more of them than to queue up.
const JOBS_CAPACITY: usize = 4;

/// The ending of site files, without the dot.
pub const SITE_EXTENSION: &str = "rollcall";

/// What a site file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteContents {
    /// The units, by id. Their revisions count from 1.
    pub units: Vec<Appliance>,
    /// Columns of imports that Rollcall does not know, in their order.
    pub extra_columns: Vec<String>,
    /// The id that the next new unit gets.
    pub next_id: u64,
    /// The revision that the next change gets.
    pub next_revision: u64,
    /// The number that the next piece of evidence gets.
    pub next_seq: u64,
    /// A random number of the site's own, by which the keyring of the system knows it.
    pub site_id: Option<String>,
    /// Whether the keyring of the system that last wrote it has a user of SNMP v3 for it.
    pub has_v3: bool,
    /// The site's name: the file's, without folder and ending.
    pub name: String,
    /// What was watched.
    pub watching: WatchContents,
    /// What a person should know: units or items that were left out. Units stay in the file, and so do answers to probes
    /// until there are newer ones; other items only until their unit is saved again.
    pub remarks: Vec<String>,
}

impl SiteContents {
    /// A site without units.
    fn empty(name: String) -> Self {
        Self {
            units: Vec::new(),
            extra_columns: Vec::new(),
            next_id: 1,
            next_revision: 1,
            next_seq: 1,
            site_id: None,
            has_v3: false,
            name,
            watching: WatchContents::default(),
            remarks: Vec::new(),
        }
    }
}

/// Whether an open site can be written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenSite {
    /// It can.
    Writable,
    /// It cannot, and why: a clause such as "it is open in another Rollcall".
    ReadOnly(String),
}

/// Changes to be saved together.
#[derive(Clone, Debug, Default)]
pub struct SaveBatch {
    /// Units that are new or changed. No provisional ones.
    pub changed: Vec<Arc<Appliance>>,
    /// Units that are gone. One that is also in `changed` is saved.
    pub removed: Vec<ApplianceId>,
    /// The columns of imports that Rollcall does not know, when there are more than before.
    pub extra_columns: Option<Vec<String>>,
    /// The id that the next new unit gets.
    pub next_id: u64,
    /// Whether the keyring of the system has a user of SNMP v3 for the site, when that changed.
    pub has_v3: Option<bool>,
    /// What was watched.
    pub watching: WatchBatch,
}

/// The name that a site has by its file: without folder and ending.
pub fn site_name(path: &Path) -> String {
    path.file_stem()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// Called on the store's thread when a job is over; must not block.
type Done = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// The same for a site that was saved under another name.
type DoneAs = Box<dyn FnOnce(Result<Option<String>, StoreError>) + Send>;

enum Job {
    Save(Box<SaveBatch>, Done),
    SaveAs {
        path: PathBuf,
        overwrite: bool,
        done: DoneAs,
    },
    /// A segment of the capture ring, for whoever waits.
    ReadSegment(u64, SyncSender<Option<Vec<u8>>>),
    /// Nothing comes any more, also from those who read segments.
    End,
}

/// Reads segments of the capture ring, one after the other, from a thread that may wait. Closing the site does not wait for
/// it: what is not read by then is missing.
#[derive(Clone)]
pub struct SegmentReader {
    jobs: SyncSender<Job>,
}

impl std::fmt::Debug for SegmentReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SegmentReader").finish_non_exhaustive()
    }
}

impl SegmentReader {
    /// One segment's file; `None` when it is not there any more. Blocks.
    pub fn read(&self, seq: u64) -> Option<Vec<u8>> {
        // One answer.
        let (told, answer) = sync_channel(1);
        self.jobs.send(Job::ReadSegment(seq, told)).ok()?;
        answer.recv().ok().flatten()
    }
}

/// An open site file. Dropping it closes the file as well, with nobody being told.
pub struct Store {
    jobs: SyncSender<Job>,
    /// What to call when the file is closed; the thread takes it when `jobs` ends.
    closed: Arc<Mutex<Option<Done>>>,
    /// Whether the thread is to end when it has done what waits.
    is_ending: Arc<AtomicBool>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Makes a new site file; never in the place of a file that is there. Blocks.
    pub fn create(path: &Path) -> Result<(Self, SiteContents), StoreError> {
        let (site, contents) = Site::create(path)?;
        Ok((Self::start(site)?, contents))
    }

    /// Opens a site file. When it cannot be written to (another Rollcall has it open, the folder or the disk
    /// does not let it), it is opened read-only. Blocks.
    pub fn open(path: &Path) -> Result<(Self, SiteContents, OpenSite), StoreError> {
        let (site, contents, open_site) = Site::open(path)?;
        Ok((Self::start(site)?, contents, open_site))
    }

    /// Opens a site file without ever writing to it, also while a window works in it: for the command line.
    /// Takes no lock, so that no window is kept from writing meanwhile. Blocks.
    pub fn open_read_only(path: &Path) -> Result<(Self, SiteContents, OpenSite), StoreError> {
        let (site, contents, open_site) = Site::open_only_to_read(path)?;
        Ok((Self::start(site)?, contents, open_site))
    }

    /// A site in memory, for the demo: saved like any other, and gone at its end.
    pub fn throw_away() -> Result<(Self, SiteContents), StoreError> {
        let contents = SiteContents::empty("Demo fleet".to_owned());
        Ok((Self::start(Site::throw_away()?)?, contents))
    }

    /// A site in memory, where no file can be opened: it can be saved under a name later. Blocks.
    pub fn in_memory() -> Result<(Self, SiteContents), StoreError> {
        let contents = SiteContents::empty("Site in memory".to_owned());
        Ok((Self::start(Site::in_memory()?)?, contents))
    }

    /// Saves changes in one transaction, all or none. A batch that failed can be saved again, as it is or
    /// with more in it. When the job is not taken, `done` is never called.
    pub fn save(
        &self,
        batch: SaveBatch,
        done: impl FnOnce(Result<(), StoreError>) + Send + 'static,
    ) -> Result<(), NotTaken> {
        self.send(Job::Save(Box::new(batch), Box::new(done)))
            .map_err(|(_, not_taken)| not_taken)
    }

    /// Writes the whole site to another file, with everything that was saved before, and goes on there, with
    /// its lock. The file before stays as it was. A site that was read-only can be written to afterwards. The other file
    /// is another site to the keyring: it gets a number of its own and no user of SNMP v3. `done` is always called, with
    /// the number that the site has then; when the job is not taken, at once.
    pub fn save_as(
        &self,
        path: &Path,
        overwrite: bool,
        done: impl FnOnce(Result<Option<String>, StoreError>) + Send + 'static,
    ) {
        let job = Job::SaveAs {
            path: path.to_owned(),
            overwrite,
            done: Box::new(done),
        };
        if let Err((Job::SaveAs { done, .. }, not_taken)) = self.send(job) {
            done(Err(not_taken.into()));
        }
    }

    /// For reading the capture ring.
    pub fn segments(&self) -> SegmentReader {
        SegmentReader {
            jobs: self.jobs.clone(),
        }
    }

    /// Finishes the jobs that wait, brings everything into the one file, and gives the lock back.
    pub fn close(self, done: impl FnOnce(Result<(), StoreError>) + Send + 'static) {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        *closed = Some(Box::new(done));
        drop(closed);
        // Where there is no room, the thread sees that it is to end when it has done what waits.
        self.is_ending.store(true, Ordering::Relaxed);
        let _ = self.jobs.try_send(Job::End);
    }

    fn start(site: Site) -> Result<Self, StoreError> {
        // See `JOBS_CAPACITY`.
        let (jobs, jobs_end) = sync_channel(JOBS_CAPACITY);
        let closed = Arc::new(Mutex::new(None));
        let closed_end = Arc::clone(&closed);
        let is_ending = Arc::new(AtomicBool::new(false));
        let ending_end = Arc::clone(&is_ending);
        std::thread::Builder::new()
            .name("rollcall-store".to_owned())
            .spawn(move || work(site, &jobs_end, &closed_end, &ending_end))
            .map_err(|error| StoreError::from_io(Path::new(""), error))?;
        Ok(Self {
            jobs,
            closed,
            is_ending,
        })
    }

    fn send(&self, job: Job) -> Result<(), (Job, NotTaken)> {
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(job) => (job, NotTaken::Busy),
            TrySendError::Disconnected(job) => (job, NotTaken::Ended),
        })
    }
}

/// The store's thread: works until the handle is gone, then closes.
fn work(
    mut site: Site,
    jobs: &Receiver<Job>,
    closed: &Mutex<Option<Done>>,
    is_ending: &AtomicBool,
) {
    loop {
        let job = if is_ending.load(Ordering::Relaxed) {
            jobs.try_recv().ok()
        } else {
            jobs.recv().ok()
        };
        let Some(job) = job else { break };
        match job {
            Job::Save(batch, done) => done(site.save(&batch)),
            Job::SaveAs {
                path,
                overwrite,
                done,
            } => done(site.save_as(&path, overwrite)),
            Job::End => break,
            Job::ReadSegment(seq, told) => {
                let segment = watching::read_segment(&site.conn, seq).unwrap_or_else(|error| {
                    tracing::warn!("a part of the capture cannot be read: {error}");
                    None
                });
                // Nobody waits for it any more.
                let _ = told.send(segment);
            }
        }
    }
    let result = site.close();
    let done = closed.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (done, result) {
        (Some(done), result) => done(result),
        (None, Ok(())) => {}
        (None, Err(error)) => tracing::warn!("the site file was not closed: {error}"),
    }
}
