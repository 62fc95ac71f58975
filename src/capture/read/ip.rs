//! IPv4 and IPv6, down to what they carry. Checksums are not looked at: a capture on the sending computer has none yet.

use std::net::IpAddr;

use etherparse::{
    IpAuthHeaderSlice, Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice,
    Ipv6RawExtHeaderSlice,
};

use super::Unread;

pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;

/// How many extension headers an IPv6 packet may have.
const MAX_EXTENSIONS: usize = 16;

/// How much a packet may carry whose header gives no length, as network adapters hand over what they will cut themselves.
const MAX_UNMEASURED_BYTES: usize = 256 * 1024;

/// What an IP packet says and carries.
#[derive(Clone, Copy, Debug)]
pub(super) struct IpPacket<'a> {
    pub(super) from: IpAddr,
    pub(super) to: IpAddr,
    pub(super) upper: Upper<'a>,
}

/// What comes after the IP header and its extensions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Upper<'a> {
    /// Of the first header in `payload`.
    pub(super) protocol: u8,
    /// What the capture has of it.
    pub(super) payload: &'a [u8],
    /// How long it was.
    pub(super) full_len: usize,
    /// When it is a part of something larger.
    pub(super) fragment: Option<Fragment>,
}

/// Which part of what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment {
    pub(super) id: u32,
    pub(super) offset_bytes: usize,
    pub(super) is_last: bool,
}

pub(super) fn open(bytes: &[u8]) -> Result<IpPacket<'_>, Unread> {
    match bytes.first().map(|byte| byte >> 4) {
        Some(4) => v4(bytes),
        Some(6) => v6(bytes),
        Some(_) => Err(Unread::Other),
        None => Err(Unread::Short),
    }
}

fn v4(bytes: &[u8]) -> Result<IpPacket<'_>, Unread> {
    let header = Ipv4HeaderSlice::from_slice(bytes).map_err(|error| match error {
        etherparse::err::ipv4::HeaderSliceError::Len(_) => Unread::Short,
        etherparse::err::ipv4::HeaderSliceError::Content(_) => Unread::Other,
    })?;
    let after = &bytes[header.slice().len()..];
    let full_len = match usize::from(header.total_len()) {
        0 => after.len().min(MAX_UNMEASURED_BYTES),
        total => total
            .checked_sub(header.slice().len())
            .ok_or(Unread::Other)?,
    };
    let offset_bytes = usize::from(header.fragments_offset().value()) * 8;
    let fragment = (offset_bytes > 0 || header.more_fragments()).then(|| Fragment {
        id: u32::from(header.identification()),
        offset_bytes,
        is_last: !header.more_fragments(),
    });
    Ok(IpPacket {
        from: IpAddr::V4(header.source_addr()),
        to: IpAddr::V4(header.destination_addr()),
        upper: Upper {
            protocol: header.protocol().0,
            payload: &after[..full_len.min(after.len())],
            full_len,
            fragment,
        },
    })
}

fn v6(bytes: &[u8]) -> Result<IpPacket<'_>, Unread> {
    let header = Ipv6HeaderSlice::from_slice(bytes).map_err(|_error| Unread::Short)?;
    let after = &bytes[header.slice().len()..];
    let full_len = match usize::from(header.payload_length()) {
        0 => after.len().min(MAX_UNMEASURED_BYTES),
        len => len,
    };
    let payload = &after[..full_len.min(after.len())];
    Ok(IpPacket {
        // An IPv4 address in IPv6 dress is an IPv4 address.
        from: IpAddr::V6(header.source_addr()).to_canonical(),
        to: IpAddr::V6(header.destination_addr()).to_canonical(),
        upper: extensions(header.next_header().0, payload, full_len)?,
    })
}

/// Takes off the extension headers of IPv6. Stops at a fragment, whose rest is somewhere else.
pub(super) fn extensions(
    mut protocol: u8,
    mut payload: &[u8],
    mut full_len: usize,
) -> Result<Upper<'_>, Unread> {
    for _ in 0..MAX_EXTENSIONS {
        let (next, len_bytes, fragment) = match protocol {
            // Hop by hop, routing, destination, mobility, host identity, shim6.
            0 | 43 | 60 | 135 | 139 | 140 => {
                let header =
                    Ipv6RawExtHeaderSlice::from_slice(payload).map_err(|_error| Unread::Short)?;
                (header.next_header().0, header.slice().len(), None)
            }
            44 => {
                let header =
                    Ipv6FragmentHeaderSlice::from_slice(payload).map_err(|_error| Unread::Short)?;
                let offset_bytes = usize::from(header.fragment_offset().value()) * 8;
                let fragment = Fragment {
                    id: header.identification(),
                    offset_bytes,
                    is_last: !header.more_fragments(),
                };
                // One that is whole has the header for nothing.
                let is_part = offset_bytes > 0 || !fragment.is_last;
                (header.next_header().0, 8, is_part.then_some(fragment))
            }
            51 => {
                let header =
                    IpAuthHeaderSlice::from_slice(payload).map_err(|_error| Unread::Short)?;
                (header.next_header().0, header.slice().len(), None)
            }
            _ => {
                return Ok(Upper {
                    protocol,
                    payload,
                    full_len,
                    fragment: None,
                });
            }
        };
        protocol = next;
        payload = &payload[len_bytes..];
        full_len = full_len.saturating_sub(len_bytes);
        if fragment.is_some() {
            return Ok(Upper {
                protocol,
                payload,
                full_len,
                fragment,
            });
        }
    }
    Err(Unread::Other)
}
