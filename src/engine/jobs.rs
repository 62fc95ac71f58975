//! Long work with inventory files, beside the actor: reading one into rows, writing one from a snapshot.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::command::{CaptureRequest, ExportRequest, StudyRequest, TargetsRequest};
use super::files::{FileError, write_atomically};
use crate::inventory::{
    FileMeta, Format, ReadInventory, WriteError, read_inventory, write_inventory, write_targets,
};
use crate::model::appliance::Appliance;
use crate::model::identity::ApplianceId;
use crate::model::snapshot::{JobState, Slot, Snapshot};
use crate::model::time::Timestamp;
use crate::study::Study;

/// How far a job is, shared between the one who does it and the actor.
#[derive(Debug)]
pub(super) struct Job {
    what: String,
    total: Option<u64>,
    started: Timestamp,
    done: AtomicU64,
    is_canceled: AtomicBool,
    /// Whether it reads into the open site, or what is kept of it: it ends with the site.
    is_of_site: bool,
}

impl Job {
    /// Reading a file into the open site.
    pub(super) fn importing(what: String, started: Timestamp) -> Arc<Self> {
        Self::new(what, None, started, true)
    }

    /// Writing so many rows.
    pub(super) fn exporting(what: String, total: u64, started: Timestamp) -> Arc<Self> {
        Self::new(what, Some(total), started, false)
    }

    /// Going over the datagrams that are kept: nobody knows yet how many are wanted.
    pub(super) fn of_datagrams(what: String, started: Timestamp) -> Arc<Self> {
        Self::new(what, None, started, true)
    }

    fn new(what: String, total: Option<u64>, started: Timestamp, is_of_site: bool) -> Arc<Self> {
        Arc::new(Self {
            is_of_site,
            what,
            total,
            started,
            done: AtomicU64::new(0),
            is_canceled: AtomicBool::new(false),
        })
    }

    /// Whether it ends with the open site: its rows are for it, or its datagrams are its.
    pub(super) const fn is_of_site(&self) -> bool {
        self.is_of_site
    }

    /// For the snapshot.
    pub(super) fn state(&self) -> JobState {
        JobState {
            what: self.what.clone(),
            done: self.done.load(Ordering::Relaxed),
            total: self.total,
            started: self.started,
        }
    }

    pub(super) fn cancel(&self) {
        self.is_canceled.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_canceled(&self) -> bool {
        self.is_canceled.load(Ordering::Relaxed)
    }

    pub(super) fn step(&self, done: u64) -> ControlFlow<()> {
        self.done.store(done, Ordering::Relaxed);
        if self.is_canceled() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// A capture that was saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SavedCapture {
    /// Datagrams in it.
    pub(super) num_datagrams: u64,
    /// Parts of the ring that could not be read.
    pub(super) num_missing: u64,
}

/// What came of a job.
#[derive(Debug)]
pub(super) enum JobDone {
    /// An export, with the request, for when a file is in the way.
    Exported(Box<ExportRequest>, Result<u64, FileError>),
    /// An export of targets, with the request, for when a file is in the way.
    Targets(Box<TargetsRequest>, Result<u64, FileError>),
    /// A capture, with the request, for when a file is in the way.
    Captured(Box<CaptureRequest>, Result<SavedCapture, FileError>),
    /// A study, gathered.
    Studied(Box<Study>),
    /// A study, written, with the request, for when a file is in the way.
    StudySaved(Box<StudyRequest>, Result<(), FileError>),
    /// An import: the rows are still to be taken.
    Read(PathBuf, Result<ReadInventory, String>),
}

/// The units of a snapshot, in the order in which the person saw them.
fn units_of<'a>(snapshot: &'a Snapshot, rows: &[(Slot, ApplianceId)]) -> Vec<&'a Appliance> {
    rows.iter()
        .filter_map(|(slot, id)| snapshot.units.at(*slot).filter(|unit| unit.id == *id))
        .map(Arc::as_ref)
        .collect()
}

/// Writes the targets of the units that the person saw. Blocks.
pub(super) fn export_targets(request: Box<TargetsRequest>, job: &Job) -> JobDone {
    let units = units_of(&request.snapshot, &request.rows);
    let result = write_atomically(&request.path, request.overwrite, |file| {
        write_targets(
            file,
            units.iter().copied(),
            request.delimiter,
            request.for_spreadsheets,
            &mut |done| job.step(done),
        )
    });
    JobDone::Targets(request, result)
}

/// Writes an inventory file from the snapshot that the person saw. Blocks.
pub(super) fn export(request: Box<ExportRequest>, job: &Job, now: Timestamp) -> JobDone {
    let snapshot = &request.snapshot;
    let rows = units_of(snapshot, &request.rows);
    let meta = FileMeta {
        site: snapshot.site.name.clone(),
        written: now,
        program: concat!("Rollcall ", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    let result = write_atomically(&request.path, request.overwrite, |file| {
        write_inventory(
            file,
            rows.iter().copied(),
            &snapshot.context,
            &snapshot.extra_columns,
            request.style,
            &meta,
            &mut |done| job.step(done),
        )
    });
    JobDone::Exported(request, result)
}

/// Whether an export ended because a person canceled it.
pub(super) fn was_canceled(error: &FileError) -> bool {
    let FileError::Content { source, .. } = error else {
        return false;
    };
    matches!(
        source.downcast_ref::<WriteError>(),
        Some(WriteError::Canceled)
    )
}

/// Reads an inventory file. Blocks.
pub(super) fn import(path: PathBuf, job: &Job) -> JobDone {
    let result = read(&path, job);
    JobDone::Read(path, result)
}

fn read(path: &Path, job: &Job) -> Result<ReadInventory, String> {
    let unreadable =
        |error: std::io::Error| format!("The file cannot be read ({error}): {}", path.display());
    let mut file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(format!("This is not a file: {}", path.display()));
    }
    read_inventory(
        &mut file,
        Some(metadata.len()),
        Format::from_path(path),
        &mut |rows| job.step(rows),
    )
    .map_err(|error| super::command::sentence(&error))
}
