//! Opening, saving and closing sites.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Actor;
use crate::engine::command::{Notice, Saying, sentence};
use crate::engine::session::Session;
use crate::engine::store::{Store, StoreError};
use crate::engine::{SiteChoice, clock};

impl Actor {
    /// Closes the open site and opens another.
    pub(super) async fn switch(&mut self, choice: SiteChoice) {
        if let Some(job) = self.job.take() {
            job.cancel();
        }
        if let Err(words) = self.session.close().await {
            let saying = Saying::trouble("Not everything of the site was saved").because(words);
            self.say.said(saying);
        }
        self.session = Session::open(choice, &self.config, &mut self.say).await;
        self.publisher.reset();
        self.doctor = Arc::default();
        self.sweep_is_settled = true;
        self.reasks.clear();
        let now = clock::now();
        self.next_examine = now;
        self.next_scan = now;
        self.say
            .notice(Notice::SiteOpened(self.session.site.path.clone()));
    }

    /// Opens a site file that a person chose; a file that cannot be opened leaves the open site as it is.
    pub(super) async fn open_site(&mut self, path: PathBuf) {
        if self.session.site.path.as_deref() == Some(&*path) {
            return;
        }
        let checked = path.clone();
        let check = tokio::task::spawn_blocking(move || Store::open_read_only(&checked).map(drop));
        match check.await {
            Ok(Ok(())) => self.switch(SiteChoice::File(path)).await,
            Ok(Err(error)) => self.cannot_open(&error),
            Err(panic) => self.cannot_open(&panic),
        }
    }

    pub(super) fn cannot_open(&mut self, error: &dyn std::error::Error) {
        let saying = Saying::trouble("The site cannot be opened").because(sentence(error));
        self.say
            .said(saying.hint("The file was left as it is, and the open site stays open"));
    }

    pub(super) async fn save_as(&mut self, path: &Path, overwrite: bool) {
        match self.session.save_as(path, overwrite).await {
            Ok(()) => {
                self.say
                    .said(Saying::done(format!("Saved as {}", self.session.site.name)));
                self.say.notice(Notice::SiteOpened(Some(path.to_owned())));
            }
            Err(StoreError::Exists(path)) => self.say.notice(Notice::SaveWouldReplace(path)),
            Err(error) => self
                .say
                .said(Saying::trouble("The site was not saved").because(sentence(&error))),
        }
    }

    /// Finishes what was begun, saves and closes. Returns whether everything was saved.
    pub(super) async fn close(self) -> bool {
        if let Some(job) = &self.job {
            // A file that is being written is finished first: the window says so and waits.
            let total = job.state().total;
            tracing::info!("waiting for a job of {total:?} rows");
        }
        let mut this = self;
        while this.job.is_some() {
            match this.beside.recv().await {
                Some(beside) => this.take_beside(beside),
                None => break,
            }
        }
        if let Some(remembering) = this.remembering.take() {
            // What went wrong is said beside, and nobody is there to read it.
            let _ = remembering.await;
        }
        let saved = this.session.close().await;
        if let Err(words) = &saved {
            tracing::error!("not everything was saved: {words}");
        }
        saved.is_ok()
    }
}
