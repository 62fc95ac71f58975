//! Cuts a stream into messages, within the limits of time and size.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::{TcpHeard, TcpLimits};
use crate::model::sighting::RAW_KEPT_BYTES;
use crate::model::time::Timestamp;
use crate::wire::{self, Kind, Rejection, StreamLen};

/// How much is read at once.
const READ_BYTES: usize = 4_096;

/// What was read of a stream: a message, or bytes that are none.
#[derive(Debug)]
pub(super) struct Part {
    bytes: Vec<u8>,
    refused: Option<Rejection>,
}

impl Part {
    pub(super) fn heard(
        mut self,
        from: SocketAddr,
        local: SocketAddr,
        when: Timestamp,
    ) -> TcpHeard {
        if self.refused.is_some() {
            self.bytes.truncate(RAW_KEPT_BYTES);
        }
        TcpHeard {
            from,
            local,
            when,
            bytes: self.bytes,
            refused: self.refused,
        }
    }

    /// The sequence, when it is a discover reply.
    pub(super) fn reply_sequence(&self) -> Option<u16> {
        let decoded = wire::decode(&self.bytes).ok()?;
        (decoded.frame.kind() == Kind::DiscoverReply).then(|| decoded.frame.sequence())
    }
}

/// Cuts a stream into messages.
#[derive(Debug)]
pub(super) struct Messages {
    stream: TcpStream,
    limits: TcpLimits,
    /// Bytes that were read and belong to no message yet: never more than one message and one read.
    pending: Vec<u8>,
    /// The stream brought nothing in time.
    pub(super) is_stalled: bool,
    is_over: bool,
}

impl Messages {
    /// From now on, waits no longer than `idle` for more.
    pub(super) fn hurry(&mut self, idle: Duration) {
        self.limits.idle = self.limits.idle.min(idle);
    }

    pub(super) const fn new(stream: TcpStream, limits: TcpLimits) -> Self {
        Self {
            stream,
            limits,
            pending: Vec::new(),
            is_stalled: false,
            is_over: false,
        }
    }

    /// The next message. `None` when the unit has closed the connection or stalls; bytes that it left
    /// unfinished come out before.
    pub(super) async fn next(&mut self) -> io::Result<Option<Part>> {
        let mut message_due = Instant::now() + self.limits.message;
        loop {
            match self.cut() {
                Ok(Some(bytes)) => {
                    let refused = wire::decode(&bytes).err();
                    return Ok(Some(Part { bytes, refused }));
                }
                Ok(None) if self.is_over => return Ok(self.rest()),
                Ok(None) => {}
                Err(rejection) => {
                    self.is_over = true;
                    let bytes = std::mem::take(&mut self.pending);
                    return Ok(Some(Part {
                        bytes,
                        refused: Some(rejection),
                    }));
                }
            }
            let idle_due = Instant::now() + self.limits.idle;
            if self.pending.is_empty() {
                message_due = idle_due + self.limits.message;
            }
            let due = idle_due.min(message_due);
            let mut read = [0; READ_BYTES];
            match tokio::time::timeout_at(due, self.stream.read(&mut read)).await {
                Ok(Ok(0)) => self.is_over = true,
                Ok(Ok(num_bytes)) => {
                    if self.pending.is_empty() {
                        message_due = Instant::now() + self.limits.message;
                    }
                    self.pending.extend_from_slice(&read[..num_bytes]);
                }
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                // What came before the connection broke is looked at first.
                Ok(Err(_)) if !self.pending.is_empty() => self.is_over = true,
                Ok(Err(error)) => return Err(error),
                Err(_elapsed) => {
                    self.is_stalled = true;
                    self.is_over = true;
                }
            }
        }
    }

    /// Takes one whole message off the front.
    fn cut(&mut self) -> Result<Option<Vec<u8>>, Rejection> {
        const START_OF_HEADER: u8 = 0x01;
        let StreamLen::Whole(mut len_bytes) = wire::stream_len(&self.pending)? else {
            return Ok(None);
        };
        if self.pending.len() < len_bytes {
            return Ok(None);
        }
        // A unit that leaves the end byte out begins its next message where that byte belongs.
        if self.pending[len_bytes - 1] == START_OF_HEADER {
            len_bytes -= 1;
        }
        let rest = self.pending.split_off(len_bytes);
        Ok(Some(std::mem::replace(&mut self.pending, rest)))
    }

    /// What is left of a stream that is over. It may be a message without its end byte.
    fn rest(&mut self) -> Option<Part> {
        if self.pending.is_empty() {
            return None;
        }
        let bytes = std::mem::take(&mut self.pending);
        let refused = wire::decode(&bytes).err();
        Some(Part { bytes, refused })
    }
}
