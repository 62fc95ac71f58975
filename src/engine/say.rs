//! Where the engine's notices go: to the window, in the log, and counted when they do not fit.

use tokio::sync::mpsc;

use super::command::{Notice, Saying};
use super::handle::Waker;

/// Says things to the window.
pub(super) struct Say {
    notices: mpsc::Sender<Notice>,
    waker: Waker,
    unsaid: u64,
}

impl Say {
    pub(super) fn new(notices: mpsc::Sender<Notice>, waker: Waker) -> Self {
        Self {
            notices,
            waker,
            unsaid: 0,
        }
    }

    /// Says something that a person should read.
    pub(super) fn said(&mut self, saying: Saying) {
        self.notice(Notice::Said(saying));
    }

    /// Gives a notice.
    pub(super) fn notice(&mut self, notice: Notice) {
        tracing::info!("{notice}");
        if self.notices.try_send(notice).is_err() {
            self.unsaid += 1;
        }
        (self.waker)();
    }

    /// How many notices did not fit.
    pub(super) const fn unsaid(&self) -> u64 {
        self.unsaid
    }
}
