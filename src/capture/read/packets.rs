//! The packets of a pcap or pcapng file, one after the other, where they lie. Blocks are walked here and not by the
//! readers of the crate: those hold the options of a block in a list without bound, ask for more bytes for ever where a
//! packet claims more than its block has, and read no clock that counts in powers of two.

use std::io::Read;
use std::ops::Range;

use pcap_parser::parse_pcap_header;

use super::interfaces::{Interface, MAX_INTERFACES};
use super::options::Options;
use super::stamp::{Clock, Stamp};
use super::window::Window;
use crate::capture::CaptureInterface;
use crate::capture::error::{Beginning, CaptureError, Damage, Place, Unit};

/// The longest block of a pcapng file that is read.
pub const MAX_BLOCK_BYTES: u32 = 16 * 1024 * 1024;

/// The longest packet of a pcap file that is read: what Wireshark takes too.
pub const MAX_PACKET_BYTES: u32 = 256 * 1024;

const SECTION_HEADER: u32 = 0x0A0D_0D0A;
const INTERFACE_DESCRIPTION: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
const BYTE_ORDER: u32 = 0x1A2B_3C4D;

/// A packet, still in the window.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) interface_idx: usize,
    /// Simple packets have no time.
    pub(super) stamp: Option<Stamp>,
    /// How long it was.
    pub(super) full_len: u32,
    /// Where it lies in [`PacketFile::view`].
    pub(super) bytes: Range<usize>,
    options: Range<usize>,
}

/// A capture file that is read forward.
#[derive(Debug)]
pub(super) struct PacketFile<R> {
    window: Window<R>,
    layout: Layout,
    /// Of the whole file.
    interfaces: Vec<Interface>,
    shown: Vec<CaptureInterface>,
    /// How many interfaces came in earlier sections.
    section_start: usize,
    num_packets: u64,
    num_blocks: u64,
    /// Bytes of the block that was returned last and is still in the window.
    current_bytes: usize,
}

#[derive(Clone, Copy, Debug)]
enum Layout {
    Pcap {
        is_big_endian: bool,
        header_bytes: usize,
    },
    Pcapng {
        is_big_endian: bool,
        /// The section was written by Rollcall.
        is_own: bool,
    },
}

impl<R: Read> PacketFile<R> {
    pub(super) fn new(source: R) -> Result<Self, CaptureError> {
        let mut file = Self {
            window: Window::new(source),
            layout: Layout::Pcapng {
                is_big_endian: false,
                is_own: false,
            },
            interfaces: Vec::new(),
            shown: Vec::new(),
            section_start: 0,
            num_packets: 0,
            num_blocks: 0,
            current_bytes: 0,
        };
        let start = file.peek(24, Unit::Block)?;
        if start.starts_with(&SECTION_HEADER.to_be_bytes()) {
            return Ok(file);
        }
        let found_bytes = start.len();
        // Tried with room behind it, so that a short file of the right kind is told from another kind.
        let mut padded = [0; 24];
        padded[..found_bytes].copy_from_slice(start);
        let Ok((_, header)) = parse_pcap_header(&padded) else {
            return Err(CaptureError::NotACapture(Beginning::of(start)));
        };
        let clock = if header.is_nanosecond_precision() {
            Clock::NANOS
        } else {
            Clock::MICROS
        };
        let is_big_endian = header.is_bigendian();
        let header_bytes = if header.is_modified_format() { 24 } else { 16 };
        // The upper half says how long the checksum at the end of frames is.
        let link_type = header.network.0 as u32 as u16;
        let (major, minor) = (header.version_major, header.version_minor);
        if found_bytes < 24 {
            return Err(file.damaged(
                Unit::Block,
                Damage::Truncated {
                    wanted_bytes: 24,
                    found_bytes,
                },
            ));
        }
        if major != 2 {
            return Err(file.damaged(Unit::Block, Damage::Version { major, minor }));
        }
        file.layout = Layout::Pcap {
            is_big_endian,
            header_bytes,
        };
        file.interfaces
            .push(Interface::unnamed(link_type, header.snaplen, clock));
        file.shown.push(CaptureInterface::default());
        file.window.consume(24);
        Ok(file)
    }

    /// The next packet. After an error there is nothing more to ask for.
    pub(super) fn next(&mut self) -> Result<Option<Found>, CaptureError> {
        self.window.consume(self.current_bytes);
        self.current_bytes = 0;
        match self.layout {
            Layout::Pcap {
                is_big_endian,
                header_bytes,
            } => self.next_pcap(Numbers(is_big_endian), header_bytes),
            Layout::Pcapng { .. } => self.next_pcapng(),
        }
    }

    /// The block of the packet that was found last.
    pub(super) fn view(&self) -> &[u8] {
        self.window.view(self.current_bytes)
    }

    /// The options of the packet that was found last.
    pub(super) fn options(&self, found: &Found) -> Options<'_> {
        let bytes = self.view().get(found.options.clone()).unwrap_or_default();
        Options::new(bytes, self.is_big_endian())
    }

    pub(super) const fn is_big_endian(&self) -> bool {
        match self.layout {
            Layout::Pcap { is_big_endian, .. } | Layout::Pcapng { is_big_endian, .. } => {
                is_big_endian
            }
        }
    }

    /// The interface of a packet that was found.
    pub(super) fn interface(&self, interface_idx: usize) -> &Interface {
        &self.interfaces[interface_idx]
    }

    pub(super) fn shown(&self) -> &[CaptureInterface] {
        &self.shown
    }

    pub(super) const fn is_own(&self) -> bool {
        matches!(self.layout, Layout::Pcapng { is_own: true, .. })
    }

    pub(super) const fn num_packets(&self) -> u64 {
        self.num_packets
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.window.consumed_bytes() + self.current_bytes as u64
    }

    /// Damage in the packet that was found last.
    pub(super) fn damaged_packet(&self, damage: Damage) -> CaptureError {
        CaptureError::Damaged {
            place: Place {
                unit: Unit::Packet,
                number: self.num_packets,
                offset_bytes: self.window.consumed_bytes(),
            },
            damage,
        }
    }

    fn next_pcap(
        &mut self,
        numbers: Numbers,
        header_bytes: usize,
    ) -> Result<Option<Found>, CaptureError> {
        let header = self.peek(header_bytes, Unit::Packet)?;
        if header.is_empty() {
            return Ok(None);
        }
        let Some(fields) = header
            .first_chunk::<16>()
            .filter(|_| header.len() == header_bytes)
        else {
            let found_bytes = header.len();
            return Err(self.damaged(
                Unit::Packet,
                Damage::Truncated {
                    wanted_bytes: header_bytes,
                    found_bytes,
                },
            ));
        };
        let secs = u64::from(numbers.u32_at(fields, 0));
        let fraction = u64::from(numbers.u32_at(fields, 4));
        let len_bytes = numbers.u32_at(fields, 8);
        let full_len = numbers.u32_at(fields, 12);
        if len_bytes > MAX_PACKET_BYTES {
            return Err(self.damaged(
                Unit::Packet,
                Damage::PacketTooLong {
                    len_bytes,
                    max_bytes: MAX_PACKET_BYTES,
                },
            ));
        }
        let wanted_bytes = header_bytes + len_bytes as usize;
        self.whole(wanted_bytes, Unit::Packet)?;
        self.current_bytes = wanted_bytes;
        self.num_packets += 1;
        let clock = self.interfaces.first().map_or(Clock::MICROS, |i| i.clock);
        let per_sec = if clock == Clock::NANOS {
            1_000_000_000
        } else {
            1_000_000
        };
        Ok(Some(Found {
            interface_idx: 0,
            stamp: Some(Stamp {
                // 2^32 s in nanoseconds are below 2^63, and the fraction is below 2^32.
                units: secs * per_sec + fraction,
                clock,
            }),
            full_len: full_len.max(len_bytes),
            bytes: header_bytes..wanted_bytes,
            options: 0..0,
        }))
    }

    fn next_pcapng(&mut self) -> Result<Option<Found>, CaptureError> {
        loop {
            let start = self.peek(12, Unit::Block)?;
            if start.is_empty() {
                return Ok(None);
            }
            let Some(start) = start.first_chunk::<12>().copied() else {
                let found_bytes = start.len();
                return Err(self.damaged(
                    Unit::Block,
                    Damage::Truncated {
                        wanted_bytes: 12,
                        found_bytes,
                    },
                ));
            };
            // The same in both byte orders.
            if u32_of(&start, 0) == SECTION_HEADER {
                self.begin_section(&start)?;
            }
            let Layout::Pcapng { is_big_endian, .. } = self.layout else {
                return Ok(None);
            };
            let numbers = Numbers(is_big_endian);
            let kind = numbers.u32_at(&start, 0);
            let is_packet = is_counted(kind);
            let unit = if is_packet { Unit::Packet } else { Unit::Block };
            let len = self.block(numbers, numbers.u32_at(&start, 4), unit)?;
            let found = match kind {
                SECTION_HEADER => {
                    self.describe_section(numbers, len)?;
                    None
                }
                INTERFACE_DESCRIPTION => {
                    self.describe_interface(numbers, len)?;
                    None
                }
                ENHANCED_PACKET => Some(self.enhanced(numbers, len)?),
                OLD_PACKET => Some(self.old(numbers, len)?),
                SIMPLE_PACKET => Some(self.simple(numbers, len)?),
                _ => None,
            };
            self.num_blocks += 1;
            self.num_packets += u64::from(is_packet);
            if let Some(found) = found {
                self.current_bytes = len;
                return Ok(Some(found));
            }
            self.window.consume(len);
        }
    }

    /// Gets the whole block into the window.
    fn block(
        &mut self,
        numbers: Numbers,
        len_bytes: u32,
        unit: Unit,
    ) -> Result<usize, CaptureError> {
        let damage = match len_bytes {
            0..12 => Damage::BlockTooShort {
                len_bytes,
                min_bytes: 12,
            },
            _ if len_bytes > MAX_BLOCK_BYTES => Damage::BlockTooLong {
                len_bytes,
                max_bytes: MAX_BLOCK_BYTES,
            },
            _ if !len_bytes.is_multiple_of(4) => Damage::BlockUneven { len_bytes },
            _ => {
                let len = len_bytes as usize;
                self.whole(len, unit)?;
                let again_bytes = numbers.u32_at(self.window.view(len), len - 4);
                if again_bytes == len_bytes {
                    return Ok(len);
                }
                Damage::LengthsDiffer {
                    len_bytes,
                    again_bytes,
                }
            }
        };
        Err(self.damaged(unit, damage))
    }

    fn begin_section(&mut self, start: &[u8; 12]) -> Result<(), CaptureError> {
        let mark = u32_of(start, 8);
        let is_big_endian = match mark {
            BYTE_ORDER => false,
            _ if mark == BYTE_ORDER.swap_bytes() => true,
            _ => return Err(self.damaged(Unit::Block, Damage::ByteOrder { mark })),
        };
        self.layout = Layout::Pcapng {
            is_big_endian,
            is_own: false,
        };
        self.section_start = self.interfaces.len();
        Ok(())
    }

    fn describe_section(&mut self, numbers: Numbers, len: usize) -> Result<(), CaptureError> {
        self.at_least(len, 28, Unit::Block)?;
        let block = self.window.view(len);
        let (major, minor) = (numbers.u16_at(block, 12), numbers.u16_at(block, 14));
        if major != 1 {
            return Err(self.damaged(Unit::Block, Damage::Version { major, minor }));
        }
        let mut is_section_own = false;
        for option in Options::new(&block[24..len - 4], numbers.0) {
            match option {
                Ok((pcap_parser::OptionCode::ShbUserAppl, application)) => {
                    is_section_own =
                        application.starts_with(crate::capture::APPLICATION.as_bytes());
                }
                Ok(_) => {}
                Err(damage) => return Err(self.damaged(Unit::Block, damage)),
            }
        }
        if let Layout::Pcapng { is_own, .. } = &mut self.layout {
            *is_own = is_section_own;
        }
        Ok(())
    }

    fn describe_interface(&mut self, numbers: Numbers, len: usize) -> Result<(), CaptureError> {
        self.at_least(len, 20, Unit::Block)?;
        if self.interfaces.len() >= MAX_INTERFACES {
            let max = MAX_INTERFACES;
            return Err(self.damaged(Unit::Block, Damage::TooManyInterfaces { max }));
        }
        let block = self.window.view(len);
        let described = Interface::described(
            numbers.u16_at(block, 8),
            numbers.u32_at(block, 12),
            Options::new(&block[16..len - 4], numbers.0),
            self.interfaces.len(),
        );
        match described {
            Ok((interface, shown)) => {
                self.interfaces.push(interface);
                self.shown.push(shown);
                Ok(())
            }
            Err(damage) => Err(self.damaged(Unit::Block, damage)),
        }
    }

    fn enhanced(&self, numbers: Numbers, len: usize) -> Result<Found, CaptureError> {
        self.at_least(len, 32, Unit::Packet)?;
        let block = self.window.view(len);
        self.with_time(numbers, len, numbers.u32_at(block, 8))
    }

    /// The packet block that the enhanced one replaced: interface and drops share the first four bytes.
    fn old(&self, numbers: Numbers, len: usize) -> Result<Found, CaptureError> {
        self.at_least(len, 32, Unit::Packet)?;
        let block = self.window.view(len);
        self.with_time(numbers, len, u32::from(numbers.u16_at(block, 8)))
    }

    fn with_time(&self, numbers: Numbers, len: usize, id: u32) -> Result<Found, CaptureError> {
        let block = self.window.view(len);
        let (interface_idx, interface) = self.in_section(id)?;
        let units =
            u64::from(numbers.u32_at(block, 12)) << 32 | u64::from(numbers.u32_at(block, 16));
        let len_bytes = numbers.u32_at(block, 20);
        let full_len = numbers.u32_at(block, 24);
        let room = len - 32;
        if len_bytes as usize > room {
            return Err(self.damaged(
                Unit::Packet,
                Damage::PacketOverrun {
                    len_bytes,
                    room_bytes: room as u32,
                },
            ));
        }
        let end = 28 + len_bytes as usize;
        Ok(Found {
            interface_idx,
            stamp: Some(Stamp {
                units,
                clock: interface.clock,
            }),
            full_len: full_len.max(len_bytes),
            bytes: 28..end,
            // Blocks are multiples of 4, so the padding is in the room.
            options: end.next_multiple_of(4)..len - 4,
        })
    }

    fn simple(&self, numbers: Numbers, len: usize) -> Result<Found, CaptureError> {
        self.at_least(len, 16, Unit::Packet)?;
        let full_len = numbers.u32_at(self.window.view(len), 8);
        let (interface_idx, interface) = self.in_section(0)?;
        let mut len_bytes = full_len.min((len - 16) as u32);
        if interface.snap_bytes > 0 {
            len_bytes = len_bytes.min(interface.snap_bytes);
        }
        Ok(Found {
            interface_idx,
            stamp: None,
            full_len,
            bytes: 12..12 + len_bytes as usize,
            options: 0..0,
        })
    }

    /// The interface that this section knows under `id`.
    fn in_section(&self, id: u32) -> Result<(usize, &Interface), CaptureError> {
        let interface_idx = self.section_start.saturating_add(id as usize);
        let known = self.interfaces.len() - self.section_start;
        self.interfaces
            .get(interface_idx)
            .map(|interface| (interface_idx, interface))
            .ok_or_else(|| self.damaged(Unit::Packet, Damage::UnknownInterface { id, known }))
    }

    fn at_least(&self, len: usize, min: u32, unit: Unit) -> Result<(), CaptureError> {
        if len >= min as usize {
            return Ok(());
        }
        let damage = Damage::BlockTooShort {
            len_bytes: len as u32,
            min_bytes: min,
        };
        Err(self.damaged(unit, damage))
    }

    fn whole(&mut self, wanted_bytes: usize, unit: Unit) -> Result<(), CaptureError> {
        let found_bytes = self.peek(wanted_bytes, unit)?.len();
        if found_bytes == wanted_bytes {
            return Ok(());
        }
        Err(self.damaged(
            unit,
            Damage::Truncated {
                wanted_bytes,
                found_bytes,
            },
        ))
    }

    fn peek(&mut self, wanted_bytes: usize, unit: Unit) -> Result<&[u8], CaptureError> {
        let place = self.place(unit);
        self.window
            .peek(wanted_bytes)
            .map_err(|source| CaptureError::Read { place, source })
    }

    /// What is read now, as the packet or block after those that were read.
    fn place(&self, unit: Unit) -> Place {
        Place {
            unit,
            number: 1 + match unit {
                Unit::Packet => self.num_packets,
                Unit::Block => self.num_blocks,
            },
            offset_bytes: self.window.consumed_bytes(),
        }
    }

    fn damaged(&self, unit: Unit, damage: Damage) -> CaptureError {
        CaptureError::Damaged {
            place: self.place(unit),
            damage,
        }
    }
}

/// Whether tshark gives such blocks a number among the packets: packets, entries of the systemd journal, sysdig events
/// and blocks of other makers too.
const fn is_counted(kind: u32) -> bool {
    matches!(
        kind,
        OLD_PACKET
            | SIMPLE_PACKET
            | ENHANCED_PACKET
            | 9
            | 0x204
            | 0x216
            | 0x221
            | 0xBAD
            | 0x4000_0BAD
    )
}

/// Reads numbers in the byte order of a file. `true` is big endian.
#[derive(Clone, Copy, Debug)]
struct Numbers(bool);

impl Numbers {
    fn u32_at(self, bytes: &[u8], at: usize) -> u32 {
        let little = u32_of(bytes, at);
        if self.0 { little.swap_bytes() } else { little }
    }

    fn u16_at(self, bytes: &[u8], at: usize) -> u16 {
        let little = bytes
            .get(at..)
            .and_then(<[u8]>::first_chunk)
            .map_or(0, |bytes| u16::from_le_bytes(*bytes));
        if self.0 { little.swap_bytes() } else { little }
    }
}

/// Little endian. The callers have looked at the length before.
fn u32_of(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..)
        .and_then(<[u8]>::first_chunk)
        .map_or(0, |bytes| u32::from_le_bytes(*bytes))
}
