//! The interfaces of a capture: what the file says of them, and what they are called.

use std::net::Ipv4Addr;
use std::sync::Arc;

use pcap_parser::OptionCode;

use super::options::Options;
use super::stamp::Clock;
use crate::capture::CaptureInterface;
use crate::capture::error::Damage;
use crate::model::identity::Mac;
use crate::model::network::{Network, mask_to_prefix};

/// How many interfaces a file may have, over all its sections.
pub(super) const MAX_INTERFACES: usize = 4_096;

/// How many characters of a name or a description are kept.
const TEXT_KEPT_CHARS: usize = 128;

/// How many addresses of an interface are kept.
const NETWORKS_KEPT: usize = 64;

/// One interface of the file.
#[derive(Debug)]
pub(super) struct Interface {
    pub(super) link_type: u16,
    /// How many bytes of a packet are kept; 0 is no limit.
    pub(super) snap_bytes: u32,
    pub(super) clock: Clock,
    /// What its networks are called after.
    pub(super) name: Arc<str>,
}

impl Interface {
    /// The only interface of a pcap file.
    pub(super) fn unnamed(link_type: u16, snap_bytes: u32, clock: Clock) -> Self {
        Self {
            link_type,
            snap_bytes,
            clock,
            name: name_of(&CaptureInterface::default(), 0),
        }
    }

    /// What an interface description block says, without its options.
    pub(super) fn described(
        link_type: u16,
        snap_bytes: u32,
        options: Options<'_>,
        interface_idx: usize,
    ) -> Result<(Self, CaptureInterface), Damage> {
        let mut clock = Clock::MICROS;
        let mut shown = CaptureInterface::default();
        let is_big_endian = options.is_big_endian();
        for option in options {
            match option? {
                (OptionCode::IfName, value) => shown.name = text(value),
                (OptionCode::IfDescription, value) => shown.description = text(value),
                (OptionCode::IfMacAddr, value) => {
                    shown.mac = value.first_chunk().map(|octets| Mac::new(*octets));
                }
                (OptionCode::IfIpv4Addr, value) if shown.networks.len() < NETWORKS_KEPT => {
                    shown.networks.extend(network(value));
                }
                (OptionCode::IfTsresol, &[resolution, ..]) => clock.resolution = resolution,
                (OptionCode::IfTsoffset, value) => {
                    if let Some(bytes) = value.first_chunk() {
                        clock.offset_secs = if is_big_endian {
                            i64::from_be_bytes(*bytes)
                        } else {
                            i64::from_le_bytes(*bytes)
                        };
                    }
                }
                _ => {}
            }
        }
        let interface = Self {
            link_type,
            snap_bytes,
            clock,
            name: name_of(&shown, interface_idx),
        };
        Ok((interface, shown))
    }
}

/// What a person calls it. Windows names interfaces by a number and puts the name into the description.
fn name_of(interface: &CaptureInterface, interface_idx: usize) -> Arc<str> {
    let is_number = interface.name.starts_with(r"\Device\NPF_");
    if is_number && !interface.description.is_empty() {
        return Arc::from(interface.description.as_str());
    }
    if interface.name.is_empty() {
        return Arc::from(format!("interface {interface_idx}"));
    }
    Arc::from(interface.name.as_str())
}

/// An address and its mask.
fn network(bytes: &[u8]) -> Option<Network> {
    let &[a, b, c, d, mask @ ..] = bytes.first_chunk::<8>()?;
    let prefix_len = mask_to_prefix(Ipv4Addr::from(mask))?;
    Some(Network {
        ip: Ipv4Addr::new(a, b, c, d),
        prefix_len,
    })
}

/// A text of the file, on one line, of bounded length.
fn text(bytes: &[u8]) -> String {
    // No character has more than four bytes.
    let bytes = &bytes[..bytes.len().min(TEXT_KEPT_CHARS * 4)];
    let decoded = String::from_utf8_lossy(bytes);
    decoded
        .trim_end_matches('\0')
        .trim()
        .chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .take(TEXT_KEPT_CHARS)
        .collect()
}
