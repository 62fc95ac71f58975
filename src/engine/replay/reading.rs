//! Reading a capture file into the temporary one, on a thread that may wait.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::spool::{Spool, SpoolWriter};
use super::timeline::Timeline;
use crate::capture::{CaptureInterface, CaptureReader};
use crate::engine::command::sentence;
use crate::model::network::Network;
use crate::model::time::Timestamp;
use crate::model::watching::ReplayReading;

/// How far the reading of a capture is, shared between the one who reads and the actor.
#[derive(Debug)]
pub(in crate::engine) struct Reading {
    started: Timestamp,
    read_bytes: AtomicU64,
    total_bytes: AtomicU64,
    is_canceled: AtomicBool,
}

/// What came of it.
#[derive(Debug, Default)]
pub(in crate::engine) struct ReadDone {
    pub(super) spool: Option<Spool>,
    pub(super) histogram: Vec<u32>,
    pub(super) span: Option<(Timestamp, Timestamp)>,
    pub(super) num_packets: u64,
    pub(super) trouble: Option<String>,
    pub(super) remarks: Vec<String>,
    /// What the file says of the networks that were captured on, by their names.
    pub(super) networks: HashMap<Arc<str>, Vec<Network>>,
}

impl ReadDone {
    /// Nothing was read at all, and why.
    pub(in crate::engine) fn failed(why: String) -> Self {
        Self {
            trouble: Some(why),
            ..Self::default()
        }
    }
}

impl Reading {
    pub(in crate::engine) fn new(started: Timestamp) -> Arc<Self> {
        Arc::new(Self {
            started,
            read_bytes: AtomicU64::new(0),
            total_bytes: AtomicU64::new(0),
            is_canceled: AtomicBool::new(false),
        })
    }

    pub(super) fn cancel(&self) {
        self.is_canceled.store(true, Ordering::Relaxed);
    }

    pub(super) fn state(&self) -> ReplayReading {
        ReplayReading {
            read_bytes: self.read_bytes.load(Ordering::Relaxed),
            total_bytes: self.total_bytes.load(Ordering::Relaxed),
            started: self.started,
        }
    }

    /// Reads the file. What came before a place that cannot be read is kept, and the place is named. Blocks.
    pub(in crate::engine) fn read(
        &self,
        path: &Path,
        more_ports: &[u16],
        folder: &Path,
    ) -> ReadDone {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) => return ReadDone::failed(format!("The file cannot be read: {error}")),
        };
        match file.metadata() {
            Ok(metadata) if metadata.is_file() => {
                self.total_bytes.store(metadata.len(), Ordering::Relaxed);
            }
            Ok(_) => return ReadDone::failed("This is not a file".to_owned()),
            Err(error) => return ReadDone::failed(format!("The file cannot be read: {error}")),
        }
        let source = Counted {
            file,
            reading: self,
        };
        let mut reader = match CaptureReader::new(source) {
            Ok(reader) => reader.watching(more_ports.iter().copied()).keeping_whole(),
            Err(error) => return ReadDone::failed(sentence(&error)),
        };
        match SpoolWriter::new(folder) {
            Ok(spool) => self.pour(&mut reader, spool),
            Err(error) => ReadDone::failed(format!("No temporary file can be made: {error}")),
        }
    }

    fn pour(&self, reader: &mut CaptureReader<Counted<'_>>, mut spool: SpoolWriter) -> ReadDone {
        let mut timeline = Timeline::new();
        let trouble = loop {
            if spool.is_full() {
                break Some(format!(
                    "The capture has more on the watched ports than is replayed at once: the rest after packet {} was \
                     not read",
                    reader.packets_read()
                ));
            }
            match reader.next() {
                Ok(Some(datagram)) => {
                    timeline.count(datagram.when);
                    if let Err(error) = spool.write(&datagram) {
                        break Some(not_written(&error));
                    }
                }
                Ok(None) => break None,
                Err(_) if self.is_canceled() => {
                    break Some(format!(
                        "Canceled after packet {}: the rest of the file was not read",
                        reader.packets_read()
                    ));
                }
                Err(error) => break Some(sentence(&error)),
            }
        };
        let (spool, trouble) = match spool.finish() {
            Ok(spool) => (Some(spool), trouble),
            Err(error) => (None, Some(not_written(&error))),
        };
        ReadDone {
            spool,
            histogram: timeline.counts(),
            span: timeline.span(),
            num_packets: reader.packets_read(),
            trouble,
            remarks: reader.skipped().sentences(),
            networks: networks_of(reader.interfaces()),
        }
    }

    fn is_canceled(&self) -> bool {
        self.is_canceled.load(Ordering::Relaxed)
    }
}

/// An interface that is in the file several times has what it had the last time.
fn networks_of(interfaces: &[CaptureInterface]) -> HashMap<Arc<str>, Vec<Network>> {
    let named = interfaces
        .iter()
        .filter(|interface| !interface.networks.is_empty());
    named
        .map(|interface| (Arc::from(&*interface.name), interface.networks.clone()))
        .collect()
}

fn not_written(error: &io::Error) -> String {
    format!("The temporary file cannot be written: {error}")
}

/// The file, with its progress told, and given up when a person cancels.
#[derive(Debug)]
struct Counted<'a> {
    file: File,
    reading: &'a Reading,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.reading.is_canceled() {
            return Err(io::Error::other("canceled"));
        }
        let len = self.file.read(buffer)?;
        self.reading
            .read_bytes
            .fetch_add(len as u64, Ordering::Relaxed);
        Ok(len)
    }
}
