//! Opening, saving and closing sites.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Actor;
use crate::engine::command::{Notice, Saying, sentence};
use crate::engine::session::{Prepared, Session};
use crate::engine::store::StoreError;
use crate::engine::{SiteChoice, clock};

impl Actor {
    /// Opens another site and closes the open one. One that cannot be saved stays open, and so does one when the
    /// other cannot be opened: nothing is lost by a wrong click.
    /// Says whether the other one is open now.
    pub(super) async fn switch(&mut self, choice: SiteChoice) -> bool {
        if let Err(words) = self.session.save_all().await {
            self.say.said(
                Saying::trouble("The open site could not be saved, so it stays open")
                    .because(words)
                    .hint("Keep it under another name with \"Save site as…\", then try again"),
            );
            return false;
        }
        let must_open = matches!(choice, SiteChoice::LastOrUntitled(_));
        let prepared = match Prepared::open(choice, &self.config).await {
            Ok(prepared) => prepared,
            Err(why) if must_open => Prepared::in_memory(why),
            Err(why) => {
                self.cannot_open(why);
                return false;
            }
        };
        // An import belongs to the site that it was begun in, and so do the datagrams that are kept of it; an export has its
        // snapshot, and goes on.
        if let Some(job) = self.job.take_if(|job| job.is_of_site()) {
            job.cancel();
        }
        if let Err(words) = self.session.close().await {
            let saying = Saying::trouble("Not everything of the site was saved").because(words);
            self.say.said(saying);
        }
        self.replay = None;
        self.exposing = None;
        self.session = Session::begin(prepared, &self.config, &mut self.say).await;
        self.publisher.reset();
        self.doctor = Arc::default();
        self.sweep_is_settled = true;
        self.sweep_was_stopped = false;
        // What is answered to the old site's questions is not the new one's.
        self.tcp.asking.clear();
        self.reasks.clear();
        self.identifying.begin_site(clock::now());
        self.judge_all();
        self.load_v3_user();
        self.site_begun();
        let now = clock::now();
        self.next_examine = now;
        self.next_scan = now;
        self.say
            .notice(Notice::SiteOpened(self.session.site.path.clone()));
        true
    }

    /// What is sent by TCP is noted where the open site's record is.
    pub(super) fn site_begun(&self) {
        let recorder = Arc::clone(&self.session.watch.recorder);
        self.tcp.slots.set_recorder(recorder);
    }

    /// Opens a site file that a person chose.
    pub(super) async fn open_site(&mut self, path: PathBuf) {
        let open = self.session.site.path.clone();
        let wanted = path.clone();
        let is_open = tokio::task::spawn_blocking(move || {
            open.is_some_and(|open| open == wanted || is_same_file(&open, &wanted))
        });
        if is_open.await.unwrap_or(false) {
            return;
        }
        self.switch(SiteChoice::File(path)).await;
    }

    fn cannot_open(&mut self, why: String) {
        let saying = Saying::trouble("The site cannot be opened").because(why);
        self.say
            .said(saying.hint("The file was left as it is, and the open site stays open"));
    }

    pub(super) async fn save_as(&mut self, path: &Path, overwrite: bool) {
        let key_before = self.session.vault_key();
        let had_v3 = self.session.has_v3;
        match self.session.save_as(path, overwrite).await {
            Ok(()) => {
                if self.session.vault_key() != key_before {
                    self.take_v3_user_along(had_v3).await;
                }
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

/// Whether two paths lead to one file, by whatever links.
fn is_same_file(a: &Path, b: &Path) -> bool {
    match (std::fs::canonicalize(a), std::fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
