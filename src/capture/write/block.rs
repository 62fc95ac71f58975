//! The blocks of a pcapng file, little endian, put together in one buffer.

use super::packet::Packet;
use crate::capture::{COMMENT_KEPT_BYTES, CaptureInterface};

const SECTION_HEADER: u32 = 0x0A0D_0D0A;
const BYTE_ORDER: u32 = 0x1A2B_3C4D;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;

/// Packets that begin with IP.
const LINK_TYPE_RAW: u16 = 101;

const END_OF_OPTIONS: u16 = 0;
const COMMENT: u16 = 1;
const SECTION_APPLICATION: u16 = 4;
const INTERFACE_NAME: u16 = 2;
const INTERFACE_DESCRIBED: u16 = 3;
const INTERFACE_IPV4: u16 = 4;
const INTERFACE_MAC: u16 = 6;
const INTERFACE_RESOLUTION: u16 = 9;
const PACKET_FLAGS: u16 = 2;

/// Times count in thousandths of a second.
const MILLISECONDS: u8 = 3;

/// The block that is being written.
#[derive(Debug, Default)]
pub(super) struct Block(Vec<u8>);

impl Block {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn section_header(&mut self, application: &str, comment: &str) {
        self.begin(SECTION_HEADER);
        self.u32(BYTE_ORDER);
        // Version 1.0.
        self.u16(1);
        self.u16(0);
        // The length of the section is not known.
        self.0.extend_from_slice(&(-1_i64).to_le_bytes());
        self.text(SECTION_APPLICATION, application);
        self.text(COMMENT, comment);
        self.end();
    }

    pub(super) fn interface_description(&mut self, interface: &CaptureInterface) {
        self.begin(INTERFACE_DESCRIPTION);
        self.u16(LINK_TYPE_RAW);
        self.u16(0);
        // Packets are not cut at a fixed length.
        self.u32(0);
        self.text(INTERFACE_NAME, &interface.name);
        self.text(INTERFACE_DESCRIBED, &interface.description);
        for network in &interface.networks {
            let [ip, mask] = [network.ip, network.mask()].map(|ip| ip.octets());
            self.option(INTERFACE_IPV4, [ip, mask].as_flattened());
        }
        if let Some(mac) = interface.mac {
            self.option(INTERFACE_MAC, &mac.octets());
        }
        self.option(INTERFACE_RESOLUTION, &[MILLISECONDS]);
        self.end();
    }

    pub(super) fn enhanced_packet(
        &mut self,
        interface_idx: u32,
        millis: u64,
        packet: &Packet<'_>,
        flags: u32,
        comment: &str,
    ) {
        self.begin(ENHANCED_PACKET);
        self.u32(interface_idx);
        self.u32((millis >> 32) as u32);
        self.u32(millis as u32);
        let headers = packet.headers.as_slice();
        self.u32((headers.len() + packet.payload.len()) as u32);
        self.u32(packet.full_len);
        self.0.extend_from_slice(headers);
        self.0.extend_from_slice(packet.payload);
        self.pad();
        self.text(COMMENT, comment);
        self.option(PACKET_FLAGS, &flags.to_le_bytes());
        self.end();
    }

    fn begin(&mut self, kind: u32) {
        self.0.clear();
        self.u32(kind);
        // The length, once it is known.
        self.u32(0);
    }

    fn end(&mut self) {
        self.u16(END_OF_OPTIONS);
        self.u16(0);
        let len_bytes = (self.0.len() as u32 + 4).to_le_bytes();
        self.0[4..8].copy_from_slice(&len_bytes);
        self.0.extend_from_slice(&len_bytes);
    }

    /// An option that is left out when it says nothing, and cut when it says too much.
    fn text(&mut self, code: u16, text: &str) {
        let kept = &text[..text.floor_char_boundary(COMMENT_KEPT_BYTES)];
        if !kept.is_empty() {
            self.option(code, kept.as_bytes());
        }
    }

    fn option(&mut self, code: u16, value: &[u8]) {
        self.u16(code);
        self.u16(value.len() as u16);
        self.0.extend_from_slice(value);
        self.pad();
    }

    fn pad(&mut self) {
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }

    fn u16(&mut self, number: u16) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn u32(&mut self, number: u32) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }
}
