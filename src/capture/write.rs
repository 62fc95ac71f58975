//! Writes what Rollcall heard and sent as a pcapng file that tshark and Wireshark read: one interface for each network,
//! one packet for each record. Sockets give no link layer, so packets begin with IP; their headers are made in
//! `write/packet.rs`, the blocks in `write/block.rs`.
//!
//! Cheap for small files too: nothing is allocated beside one block, which is used again.

mod block;
mod packet;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;

use super::error::CaptureError;
use super::{APPLICATION, CaptureInterface, Record, Transport};
use crate::model::time::Timestamp;
use crate::model::traffic::Direction;
use block::Block;
use packet::{Carried, Endpoints};

/// How many directions of TCP streams have their sequence numbers remembered.
const MAX_FLOWS: usize = 4_096;

/// What the file says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriterNote {
    /// Which program wrote it. Only of files whose program begins with [`APPLICATION`] each TCP segment is read as one
    /// message, as they are written here.
    pub application: String,
    /// What a person should know who opens it elsewhere.
    pub comment: String,
}

impl Default for WriterNote {
    fn default() -> Self {
        Self {
            application: format!("{APPLICATION}{}", env!("CARGO_PKG_VERSION")),
            comment: "Built from what Rollcall's sockets saw: link-layer addresses are not known, IP, UDP and TCP headers \
                      are made up around the payloads, and the destination of what was heard is shown as this \
                      computer's address on that network."
                .to_owned(),
        }
    }
}

/// Writes records into one section of a pcapng file.
#[derive(Debug)]
pub struct CaptureWriter<W> {
    target: W,
    block: Block,
    num_interfaces: u32,
    bytes_written: u64,
    /// The next sequence number of each direction of a stream.
    flows: BTreeMap<FlowKey, u32>,
}

/// The network and both ends.
type FlowKey = (u32, SocketAddr, SocketAddr);

impl<W: Write> CaptureWriter<W> {
    /// Writes the head of the file.
    pub fn new(
        target: W,
        interfaces: &[CaptureInterface],
        note: &WriterNote,
    ) -> Result<Self, CaptureError> {
        let mut writer = Self {
            target,
            block: Block::default(),
            num_interfaces: 0,
            bytes_written: 0,
            flows: BTreeMap::new(),
        };
        writer
            .block
            .section_header(&note.application, &note.comment);
        writer.put()?;
        for interface in interfaces {
            writer.add_interface(interface)?;
        }
        Ok(writer)
    }

    /// Adds a network that came later. Returns its index for records.
    pub fn add_interface(&mut self, interface: &CaptureInterface) -> Result<u32, CaptureError> {
        self.block.interface_description(interface);
        self.put()?;
        self.num_interfaces += 1;
        Ok(self.num_interfaces - 1)
    }

    /// Writes one record.
    pub fn write(&mut self, record: &Record) -> Result<(), CaptureError> {
        self.write_cut(record, record.payload.len())
    }

    /// Writes a record of which only the beginning was kept: it was `full_len` bytes long.
    pub fn write_cut(&mut self, record: &Record, full_len: usize) -> Result<(), CaptureError> {
        if record.interface_idx >= self.num_interfaces {
            return Err(CaptureError::NoSuchInterface {
                idx: record.interface_idx,
                known: self.num_interfaces,
            });
        }
        let endpoints = Endpoints::new(record.from, record.to);
        let carried = match record.transport {
            Transport::Udp => Carried::Udp,
            Transport::Tcp => self.next_segment(record, endpoints),
        };
        let packet = packet::around(endpoints, carried, &record.payload, full_len);
        let flags = match record.direction {
            Direction::Heard => 1,
            Direction::Sent => 2,
        };
        self.block.enhanced_packet(
            record.interface_idx,
            millis_of(record.when),
            &packet,
            flags,
            &record.comment,
        );
        self.put()
    }

    /// How many bytes were written.
    pub const fn bytes_written(&self) -> u64 {
        self.bytes_written
    }

    /// Hands everything on and gives the target back.
    pub fn finish(mut self) -> Result<W, CaptureError> {
        self.target.flush().map_err(CaptureError::Write)?;
        Ok(self.target)
    }

    /// Sequence numbers run on in each direction, so that a reader finds every segment in its place.
    fn next_segment(&mut self, record: &Record, endpoints: Endpoints) -> Carried {
        let (from, to) = endpoints.both();
        let key = (record.interface_idx, from, to);
        let other_way = (record.interface_idx, to, from);
        if self.flows.len() >= MAX_FLOWS && !self.flows.contains_key(&key) {
            self.flows.clear();
        }
        let sequence = self.flows.get(&key).copied().unwrap_or(1);
        let acknowledged = self.flows.get(&other_way).copied().unwrap_or(1);
        let segment_bytes = record.payload.len().min(endpoints.max_tcp_bytes());
        self.flows
            .insert(key, sequence.wrapping_add(segment_bytes as u32));
        Carried::Tcp {
            sequence,
            acknowledged,
        }
    }

    fn put(&mut self) -> Result<(), CaptureError> {
        let bytes = self.block.bytes();
        self.target.write_all(bytes).map_err(CaptureError::Write)?;
        self.bytes_written += bytes.len() as u64;
        Ok(())
    }
}

/// Files know no times before 1970.
fn millis_of(when: Timestamp) -> u64 {
    u64::try_from(when.as_millis()).unwrap_or_default()
}
