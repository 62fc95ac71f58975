//! Inventory files: jobs beside the actor, and what comes of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Actor, Beside};
use crate::engine::command::{
    ExportRequest, ImportReport, Notice, Saying, TargetsRequest, sentence,
};
use crate::engine::files::FileError;
use crate::engine::jobs::{self, Job, JobDone};
use crate::inventory::ReadInventory;
use crate::model::edit::Edit;
use crate::model::time::Timestamp;

impl Actor {
    /// Takes the place of the one job that may run, when it is free.
    pub(super) fn begin_job(&mut self, job: Arc<Job>) -> Option<Arc<Job>> {
        if self.job.is_some() {
            self.say.said(
                Saying::trouble("Another file is still being read or written")
                    .hint("Wait for it or cancel it"),
            );
            return None;
        }
        self.job = Some(Arc::clone(&job));
        Some(job)
    }

    pub(super) fn spawn_job(
        &self,
        job: Arc<Job>,
        work: impl FnOnce(&Job) -> JobDone + Send + 'static,
    ) {
        let to_beside = self.to_beside.clone();
        tokio::spawn(async move {
            let worked_on = Arc::clone(&job);
            // A panic is in the log; the job must end all the same, or no other could ever begin.
            let done = tokio::task::spawn_blocking(move || work(&worked_on))
                .await
                .ok();
            // The actor has ended when it does not take it.
            let _ = to_beside.send(Beside::Job(job, done)).await;
        });
    }

    pub(super) fn export(&mut self, request: Box<ExportRequest>, now: Timestamp) {
        let what = format!("Exporting {}", file_name(&request.path));
        let job = Job::exporting(what, request.rows.len() as u64, now);
        let Some(job) = self.begin_job(job) else {
            return;
        };
        self.spawn_job(job, move |job| jobs::export(request, job, now));
    }

    pub(super) fn export_targets(&mut self, request: Box<TargetsRequest>, now: Timestamp) {
        let units = request.rows.iter().filter_map(|(slot, id)| {
            let unit = request.snapshot.units.at(*slot)?;
            unit.probed.as_deref().filter(|_| unit.id == *id)
        });
        let num_targets = units.map(|probed| probed.targets.len() as u64).sum();
        let what = format!("Exporting {}", file_name(&request.path));
        let Some(job) = self.begin_job(Job::exporting(what, num_targets, now)) else {
            return;
        };
        self.spawn_job(job, move |job| jobs::export_targets(request, job));
    }

    pub(super) fn import(&mut self, path: PathBuf, now: Timestamp) {
        let what = format!("Importing {}", file_name(&path));
        let Some(job) = self.begin_job(Job::importing(what, now)) else {
            return;
        };
        self.spawn_job(job, move |job| jobs::import(path, job));
    }

    pub(super) fn take_job(&mut self, job: &Arc<Job>, done: Option<JobDone>) {
        let was_canceled = job.is_canceled();
        // A job of a site that was closed meanwhile is not the one that is waited for here.
        if self.job.as_ref().is_some_and(|ours| Arc::ptr_eq(ours, job)) {
            self.job = None;
        }
        let Some(done) = done else {
            self.say.said(
                Saying::trouble(format!("{} failed", job.state().what))
                    .because("Nothing was changed")
                    .hint("The log has the details: please report them"),
            );
            return;
        };
        match done {
            JobDone::Exported(request, Ok(num_rows)) => {
                self.say.notice(Notice::Exported {
                    path: request.path.clone(),
                    num_rows,
                });
            }
            JobDone::Exported(request, Err(FileError::Exists(_))) => {
                self.say.notice(Notice::ExportWouldReplace(request));
            }
            JobDone::Targets(request, Ok(num_rows)) => {
                self.say.notice(Notice::TargetsExported {
                    path: request.path.clone(),
                    num_rows,
                });
            }
            JobDone::Targets(request, Err(FileError::Exists(_))) => {
                self.say.notice(Notice::TargetsWouldReplace(request));
            }
            JobDone::Exported(_, Err(error)) | JobDone::Targets(_, Err(error))
                if jobs::was_canceled(&error) =>
            {
                self.say.said(
                    Saying::note("The export was canceled")
                        .because("The old file, if any, is as it was"),
                );
            }
            JobDone::Exported(_, Err(error)) | JobDone::Targets(_, Err(error)) => self.say.said(
                Saying::trouble("The file was not written")
                    .because(sentence(&error))
                    .hint("The old file, if any, is as it was; export again to another folder"),
            ),
            JobDone::Captured(_, Err(error)) if jobs::was_canceled(&error) => {
                self.say.said(
                    Saying::note("Saving the capture was canceled")
                        .because("The old file, if any, is as it was"),
                );
            }
            JobDone::Captured(request, result) => self.take_capture(request, result),
            // The site that it was asked for in is closed.
            JobDone::Studied(_) if was_canceled => {}
            JobDone::Studied(study) => self.say.notice(Notice::Studied(Arc::from(study))),
            JobDone::StudySaved(request, result) => self.take_study_file(request, result),
            JobDone::Read(_, _) if was_canceled => {
                self.say.said(
                    Saying::note("The import was canceled")
                        .because("Nothing of the file was taken"),
                );
            }
            JobDone::Read(path, Ok(read)) => self.take_rows(path, read),
            JobDone::Read(path, Err(words)) => {
                let report = ImportReport {
                    path,
                    failed: Some(words),
                    ..ImportReport::default()
                };
                self.say.notice(Notice::Imported(Arc::new(report)));
            }
        }
    }

    pub(super) fn take_rows(&mut self, path: PathBuf, read: ReadInventory) {
        let outcome = self.session.registry.edit(Edit::Import {
            file_name: file_name(&path),
            extra_columns: read.extra_columns,
            rows: read.rows,
        });
        let mut report = ImportReport {
            path,
            failed: None,
            added: outcome.added,
            changed: outcome.changed,
            num_rows: read.num_rows,
            refused: read.refused,
            remarks: read.remarks,
            reading: read.reading,
        };
        report.refused.extend(outcome.refused);
        report.refused.sort_by_key(|row| row.line);
        report.remarks.extend(outcome.remarks);
        report.remarks.sort_by_key(|row| row.line);
        self.say.notice(Notice::Imported(Arc::new(report)));
    }
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}
