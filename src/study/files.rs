//! The study as files: a capture of its datagrams, and one archive of everything that a person can send to the project.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{StudiedDatagram, Study};
use crate::capture::{
    CaptureError, CaptureInterface, CaptureWriter, Record, Transport, WriterNote,
};
use crate::model::sighting::Channel;
use crate::model::traffic::Direction;
use crate::wire::{PORT_INSTALL, PORT_MANAGEMENT};

/// Why a study could not be made into files.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// The capture in it.
    #[error("the capture of the study cannot be made")]
    Capture(#[source] CaptureError),
    /// The JSON in it.
    #[error("the JSON of the study cannot be made")]
    Json(#[source] serde_json::Error),
    /// The archive around them.
    #[error("the archive of the study cannot be made")]
    Archive(#[source] zip::result::ZipError),
    /// A file within the archive.
    #[error("the file {name:?} of the study cannot be made")]
    File {
        /// Its name.
        name: &'static str,
        /// Why.
        source: std::io::Error,
    },
}

/// What a person reads first.
const README: &str = "\
This is what Rollcall heard from one unit, and what its bytes say about the protocol by which such units are discovered.
No capture of real traffic is public, so files like this one settle what is only assumed. It may be sent to the project.

study.txt     for people: which statements are confirmed, contradicted or open, and the bytes of every message type
study.json    the same for programs
study.pcapng  the datagrams, for Wireshark and tshark; packet 1 is datagram 1

";

const MASKED: &str = "\
This file was masked. Replaced, always by the same and always at the same length:
- MACs: the first three bytes, which are the vendor's, are kept; the others are numbers
- IPv4 addresses, by addresses of 198.18.0.0/15; IPv6 addresses, by addresses of 2001:db8::/32
- host names and the unit's name, by unit-1 and so on, filled up with x; the serial number, by serial- and a number
- addresses that are written out in a text, by ip-1 or ip6-1 and so on, filled up with x
- names of network interfaces, by net-1 and so on
The product's name is left out, for it may be somebody's own words. The addresses of the computer that heard them are replaced as well.
Kept: times, ports, sequence numbers, lengths, subnet masks, the product's object id, the model number, 0.0.0.0,
broadcast, loopback and well-known groups.
In bytes that cannot be decoded, and in fields that nobody knows, what is known from elsewhere was looked for and replaced.
They may hold something else that is private, a serial number for example: look through study.txt before you send it.
";

const NOT_MASKED: &str = "\
This file was NOT masked: it holds the addresses, MACs and names as they were heard, those of network interfaces as well.
Save it with masking if they are nobody else's business.
";

const WORTH: &str = "
What is confirmed here is confirmed of the unit that sent these bytes. If that was a simulated unit, or a program that
pretends to be one, it says nothing about real units: please say so when you send it.
";

impl Study {
    /// Its datagrams as a capture, one packet for each, in order. Ports and addresses that a socket does not tell are those
    /// of this computer, as far as they are known.
    pub fn to_pcapng(&self) -> Result<Vec<u8>, StudyError> {
        let mut interfaces: Vec<Arc<str>> = Vec::new();
        for datagram in &self.datagrams {
            if !interfaces.contains(&datagram.interface) {
                interfaces.push(Arc::clone(&datagram.interface));
            }
        }
        let senders = self.senders();
        let described: Vec<CaptureInterface> = interfaces
            .iter()
            .map(|name| CaptureInterface {
                name: name.to_string(),
                ..CaptureInterface::default()
            })
            .collect();
        let mut writer = CaptureWriter::new(Vec::new(), &described, &WriterNote::default())
            .map_err(StudyError::Capture)?;
        for datagram in &self.datagrams {
            let interface_idx = interfaces
                .iter()
                .position(|name| *name == datagram.interface)
                .unwrap_or_default();
            let record = Record {
                when: datagram.when,
                interface_idx: interface_idx as u32,
                direction: datagram.direction,
                transport: match datagram.channel {
                    Channel::Tcp3502 => Transport::Tcp,
                    Channel::Udp3502 | Channel::Udp3211 | Channel::UdpAsking => Transport::Udp,
                },
                from: datagram.from,
                to: datagram
                    .to
                    .unwrap_or_else(|| receiver_of(datagram, &senders)),
                payload: Arc::clone(&datagram.bytes),
                comment: Self::words_of(datagram),
            };
            writer.write(&record).map_err(StudyError::Capture)?;
        }
        writer.finish().map_err(StudyError::Capture)
    }

    /// Everything in one archive, stored as it is: `README.txt`, `study.txt`, `study.json` and `study.pcapng`.
    pub fn to_zip(&self, is_masked: bool) -> Result<Vec<u8>, StudyError> {
        let masked;
        let study = if is_masked {
            masked = self.masked();
            &masked
        } else {
            self
        };
        let readme = [README, if is_masked { MASKED } else { NOT_MASKED }, WORTH].concat();
        let files: [(&'static str, Vec<u8>); 4] = [
            ("README.txt", readme.into_bytes()),
            ("study.txt", study.to_text().into_bytes()),
            (
                "study.json",
                study
                    .json(is_masked)
                    .map_err(StudyError::Json)?
                    .into_bytes(),
            ),
            ("study.pcapng", study.to_pcapng()?),
        ];
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        // The same study gives the same bytes: the archive has no times of its own.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default());
        for (name, content) in files {
            archive
                .start_file(name, options)
                .map_err(StudyError::Archive)?;
            archive
                .write_all(&content)
                .map_err(|source| StudyError::File { name, source })?;
        }
        let archive = archive.finish().map_err(StudyError::Archive)?;
        Ok(archive.into_inner())
    }

    /// The first address that this computer sent from on each network.
    fn senders(&self) -> Senders<'_> {
        let mut senders = Senders::new();
        for datagram in &self.datagrams {
            if datagram.direction == Direction::Sent {
                let network = (&*datagram.interface, datagram.from.is_ipv4());
                senders.entry(network).or_insert(datagram.from);
            }
        }
        senders
    }
}

/// For a network interface, and whether IPv4 is meant, an address of this computer.
type Senders<'a> = BTreeMap<(&'a str, bool), SocketAddr>;

/// Where a datagram must have gone whose receiver is not known: to the address that this computer sends from on that
/// network, and the port of the socket that heard it.
fn receiver_of(datagram: &StudiedDatagram, senders: &Senders<'_>) -> SocketAddr {
    let is_ipv4 = datagram.from.is_ipv4();
    let sent = senders.get(&(&*datagram.interface, is_ipv4));
    let none: IpAddr = if is_ipv4 {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    let port = match datagram.channel {
        Channel::Udp3502 | Channel::Tcp3502 => PORT_INSTALL,
        Channel::Udp3211 => PORT_MANAGEMENT,
        Channel::UdpAsking => sent.map_or(0, SocketAddr::port),
    };
    SocketAddr::new(sent.map_or(none, SocketAddr::ip), port)
}
