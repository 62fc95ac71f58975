//! Watching the ports: findings, captures, replays, exposure, studies, taught decoders.

use super::Actor;
use crate::engine::command::Command;

impl Actor {
    #[expect(clippy::unused_async, reason = "a replay is opened here")]
    pub(super) async fn obey_watching(&mut self, command: Command) {
        let _ = command;
    }
}
