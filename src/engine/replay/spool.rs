//! What of a capture went over the watched ports, in a temporary file: a replay goes over it again and again, and a
//! capture may be larger than the memory.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use crate::capture::{Datagram, Transport};
use crate::engine::recorder::{comment_of, kind_in};
use crate::model::identity::Mac;
use crate::model::sighting::RawDatagram;
use crate::model::time::Timestamp;
use crate::model::traffic::{DatagramKind, Direction};

/// Networks that are told apart by name. Beyond, a datagram is in the last of them: nobody has so many VLANs on one port.
const NAMES_KEPT: usize = 8_192;

/// How long the temporary file may become: some ten million datagrams.
const MAX_BYTES: u64 = 4 << 30;

/// A record without its bytes.
const HEAD_BYTES: usize = 8 + 8 + 4 + 1 + 1 + 2 * 18 + 6 + 4 + 2;

const HAS_DIRECTION: u8 = 1;
const IS_SENT: u8 = 2;
const IS_TCP: u8 = 4;
const HAS_MAC: u8 = 8;
const FROM_IS_V6: u8 = 16;
const TO_IS_V6: u8 = 32;

/// Writes the temporary file.
#[derive(Debug)]
pub(super) struct SpoolWriter {
    file: BufWriter<File>,
    names: Vec<Arc<str>>,
    by_name: HashMap<Arc<str>, u32>,
    num_datagrams: u64,
    num_bytes: u64,
}

/// The finished file. Gone when the last clone and the last reader are.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Spool {
    file: Arc<File>,
    names: Arc<[Arc<str>]>,
    num_datagrams: u64,
}

/// Reads it from the beginning.
#[derive(Debug)]
pub(in crate::engine) struct SpoolReader {
    file: BufReader<FileAt>,
    names: Arc<[Arc<str>]>,
    left: u64,
}

/// A place of one's own in a file that others read as well.
#[derive(Debug)]
struct FileAt {
    file: Arc<File>,
    at: u64,
}

impl Read for FileAt {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = read_at(&self.file, buffer, self.at)?;
        self.at += len as u64;
        Ok(len)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

impl SpoolWriter {
    /// In this folder, where there is one: the system's own for temporary files may be memory.
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let file = if folder.is_dir() {
            tempfile::tempfile_in(folder).or_else(|_| tempfile::tempfile())?
        } else {
            tempfile::tempfile()?
        };
        Ok(Self {
            file: BufWriter::with_capacity(1 << 18, file),
            num_bytes: 0,
            names: Vec::new(),
            by_name: HashMap::new(),
            num_datagrams: 0,
        })
    }

    pub(super) fn write(&mut self, datagram: &Datagram) -> io::Result<()> {
        let name = self.name_idx(&datagram.interface);
        let mut flags = 0;
        if let Some(direction) = datagram.direction {
            flags |= HAS_DIRECTION;
            flags |= if direction == Direction::Sent {
                IS_SENT
            } else {
                0
            };
        }
        flags |= if datagram.transport == Transport::Tcp {
            IS_TCP
        } else {
            0
        };
        flags |= if datagram.sender_mac.is_some() {
            HAS_MAC
        } else {
            0
        };
        flags |= if datagram.from.is_ipv6() {
            FROM_IS_V6
        } else {
            0
        };
        flags |= if datagram.to.is_ipv6() { TO_IS_V6 } else { 0 };
        let mut head = Vec::with_capacity(HEAD_BYTES);
        head.extend(datagram.packet.to_le_bytes());
        head.extend(datagram.when.as_millis().to_le_bytes());
        head.extend(name.to_le_bytes());
        head.push(flags);
        // Of a comment only what Rollcall itself wrote of it counts: the kind, from 1.
        let kind = kind_in(&datagram.comment);
        let kind_idx =
            kind.and_then(|kind| DatagramKind::ALL.iter().position(|other| *other == kind));
        head.push(kind_idx.map_or(0, |idx| idx as u8 + 1));
        for ip_port in [datagram.from, datagram.to] {
            match ip_port.ip() {
                IpAddr::V4(ip) => {
                    head.extend(ip.octets());
                    head.extend([0; 12]);
                }
                IpAddr::V6(ip) => head.extend(ip.octets()),
            }
            head.extend(ip_port.port().to_le_bytes());
        }
        head.extend(datagram.sender_mac.map_or([0; 6], Mac::octets));
        head.extend(datagram.raw.full_len.to_le_bytes());
        // No datagram is longer; of a longer message in a stream the beginning is kept.
        let bytes = &datagram.raw.bytes;
        let bytes = &bytes[..bytes.len().min(usize::from(u16::MAX))];
        head.extend((bytes.len() as u16).to_le_bytes());
        debug_assert_eq!(head.len(), HEAD_BYTES, "as the reader takes it");
        self.file.write_all(&head)?;
        self.file.write_all(bytes)?;
        self.num_datagrams += 1;
        self.num_bytes += (HEAD_BYTES + bytes.len()) as u64;
        Ok(())
    }

    /// Whether no more fits.
    pub(super) const fn is_full(&self) -> bool {
        self.num_bytes >= MAX_BYTES
    }

    fn name_idx(&mut self, name: &Arc<str>) -> u32 {
        if let Some(idx) = self.by_name.get(name) {
            return *idx;
        }
        if self.names.len() >= NAMES_KEPT {
            return (NAMES_KEPT - 1) as u32;
        }
        let idx = self.names.len() as u32;
        self.names.push(Arc::clone(name));
        self.by_name.insert(Arc::clone(name), idx);
        idx
    }

    pub(super) fn finish(self) -> io::Result<Spool> {
        let mut file = self
            .file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Spool {
            file: Arc::new(file),
            names: self.names.into(),
            num_datagrams: self.num_datagrams,
        })
    }
}

impl Spool {
    pub(in crate::engine) fn read(&self) -> SpoolReader {
        let file = FileAt {
            file: Arc::clone(&self.file),
            at: 0,
        };
        SpoolReader {
            file: BufReader::with_capacity(1 << 18, file),
            names: Arc::clone(&self.names),
            left: self.num_datagrams,
        }
    }

    /// The networks that datagrams were captured on.
    pub(super) fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    pub(super) const fn num_datagrams(&self) -> u64 {
        self.num_datagrams
    }
}

impl SpoolReader {
    /// The next datagram; `None` at the end.
    pub(in crate::engine) fn next(&mut self) -> io::Result<Option<Datagram>> {
        if self.left == 0 {
            return Ok(None);
        }
        let mut head = [0; HEAD_BYTES];
        self.file.read_exact(&mut head)?;
        let mut head = Head(&head);
        let packet = u64::from_le_bytes(head.take());
        let when = Timestamp::from_millis(i64::from_le_bytes(head.take()));
        let name = u32::from_le_bytes(head.take());
        let [flags, kind] = head.take::<2>();
        let kind = usize::from(kind)
            .checked_sub(1)
            .and_then(|idx| DatagramKind::ALL.get(idx));
        let from = head.ip_port(flags & FROM_IS_V6 != 0);
        let to = head.ip_port(flags & TO_IS_V6 != 0);
        let mac = head.take();
        let full_len = u32::from_le_bytes(head.take());
        let len = usize::from(u16::from_le_bytes(head.take()));
        let mut bytes = vec![0; len];
        self.file.read_exact(&mut bytes)?;
        self.left -= 1;
        let direction = if flags & IS_SENT != 0 {
            Direction::Sent
        } else {
            Direction::Heard
        };
        let interface = self.names.get(name as usize).cloned();
        Ok(Some(Datagram {
            packet,
            when,
            interface: interface.unwrap_or_else(|| Arc::from("")),
            vlan: None,
            direction: (flags & HAS_DIRECTION != 0).then_some(direction),
            transport: if flags & IS_TCP != 0 {
                Transport::Tcp
            } else {
                Transport::Udp
            },
            from,
            to,
            sender_mac: (flags & HAS_MAC != 0).then(|| Mac::new(mac)),
            raw: RawDatagram {
                bytes: bytes.into(),
                full_len,
            },
            comment: kind.map(|kind| comment_of(*kind)).unwrap_or_default(),
        }))
    }
}

/// A record's head, taken apart from the front. Its length is [`HEAD_BYTES`], and so is the sum of what is taken.
struct Head<'a>(&'a [u8]);

impl Head<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut taken = [0; N];
        if let Some((first, rest)) = self.0.split_first_chunk::<N>() {
            taken = *first;
            self.0 = rest;
        }
        taken
    }

    fn ip_port(&mut self, is_v6: bool) -> SocketAddr {
        let octets: [u8; 16] = self.take();
        let ip = if is_v6 {
            IpAddr::V6(Ipv6Addr::from(octets))
        } else {
            let [a, b, c, d, ..] = octets;
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        };
        SocketAddr::new(ip, u16::from_le_bytes(self.take()))
    }
}
