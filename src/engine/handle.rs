//! The engine as the window and the command line hold it: send a command, look at the newest snapshot,
//! take the notices. Nothing here waits.

use std::sync::Arc;

use thiserror::Error;
use tokio::sync::{mpsc, watch};

use super::command::{Command, Notice};
use crate::model::snapshot::Snapshot;

/// Commands that may wait for the engine: far more than a person can type in the 100 ms between two of its turns.
const COMMANDS_CAPACITY: usize = 256;

/// Notices that may wait for the window. When it is full, the engine counts what it could not say.
const NOTICES_CAPACITY: usize = 256;

/// Wakes the window after something changed. Called from the engine's threads; must not block.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// Why a command was not taken.
#[derive(Debug, Error)]
pub enum SendError {
    /// The engine is busy: say so and let the person try again. The command is handed back.
    #[error("the engine is busy and did not take the command")]
    Full(Box<Command>),
    /// The engine has ended: only the last snapshot is left to look at and to export.
    #[error("the engine has ended")]
    Closed,
}

/// The window's end of the conversation.
#[derive(Debug)]
pub struct EngineHandle {
    commands: mpsc::Sender<Command>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    notices: mpsc::Receiver<Notice>,
    runtime: tokio::runtime::Handle,
}

/// The engine's end of the conversation; a test may hold it instead of an engine.
#[derive(Debug)]
pub struct EngineEnd {
    /// Commands, in the order they were given.
    pub commands: mpsc::Receiver<Command>,
    /// Where snapshots are published; a newer one replaces an older one.
    pub snapshots: watch::Sender<Arc<Snapshot>>,
    /// Where notices go.
    pub notices: mpsc::Sender<Notice>,
}

impl EngineHandle {
    /// Both ends. `runtime` is where the window's dialogs are awaited.
    pub fn pair(first: Arc<Snapshot>, runtime: tokio::runtime::Handle) -> (Self, EngineEnd) {
        let (commands, commands_end) = mpsc::channel(COMMANDS_CAPACITY);
        let (snapshots_end, snapshots) = watch::channel(first);
        let (notices_end, notices) = mpsc::channel(NOTICES_CAPACITY);
        let handle = Self {
            commands,
            snapshots,
            notices,
            runtime,
        };
        let end = EngineEnd {
            commands: commands_end,
            snapshots: snapshots_end,
            notices: notices_end,
        };
        (handle, end)
    }

    /// Gives a command, without waiting.
    pub fn send(&self, command: Command) -> Result<(), SendError> {
        self.commands
            .try_send(command)
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(command) => SendError::Full(Box::new(command)),
                mpsc::error::TrySendError::Closed(_) => SendError::Closed,
            })
    }

    /// The newest snapshot.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    /// A receiver of its own, for whoever waits for snapshots (the command line, tests).
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// The next notice, when there is one.
    pub fn next_notice(&mut self) -> Option<Notice> {
        self.notices.try_recv().ok()
    }

    /// Waits for the next notice (the command line, tests). `None` when the engine has ended.
    pub async fn notice(&mut self) -> Option<Notice> {
        self.notices.recv().await
    }

    /// Whether the engine has ended.
    pub fn is_closed(&self) -> bool {
        self.commands.is_closed()
    }

    /// Where the window's dialogs are awaited.
    pub fn runtime(&self) -> &tokio::runtime::Handle {
        &self.runtime
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test waits for its own future")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_command_is_taken_or_handed_back() {
        let (handle, mut end) =
            EngineHandle::pair(Arc::default(), tokio::runtime::Handle::current());
        for _ in 0..COMMANDS_CAPACITY {
            handle.send(Command::SearchNow).expect("there is room");
        }
        match handle.send(Command::StopSearch) {
            Err(SendError::Full(command)) => assert!(
                matches!(*command, Command::StopSearch),
                "the command comes back"
            ),
            other => panic!("a full channel hands the command back, not {other:?}"),
        }
        let mut taken = 0;
        while end.commands.try_recv().is_ok() {
            taken += 1;
        }
        assert_eq!(
            taken, COMMANDS_CAPACITY,
            "every command that was taken arrives"
        );
        drop(end);
        assert!(matches!(handle.send(Command::Undo), Err(SendError::Closed)));
        assert!(handle.is_closed());
    }
}
