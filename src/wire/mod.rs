//! AIDP, the install-discovery protocol: bytes to values and back.
//!
//! What lives here: the view over a datagram ([`Frame`]), its meaning ([`Message`]), what is said
//! about a message that is not quite right ([`Remark`], [`Rejection`]), the bytes laid out for a
//! person ([`hex_rows`], [`annotate`]) and what can be read out of foreign bytes ([`guess`]).
//! What must not: sockets, clocks, files, and any other layer of the crate.
//!
//! **Panic contract.** Nothing here panics, whatever the bytes. [`Frame::new_checked`] walks the
//! whole message once; after that no accessor can fail and no field can run out of the datagram.
//!
//! **Memory contract.** A frame and its fields borrow the datagram. Decoding allocates once at
//! most: the host name, which takes at most twice its own bytes (Latin-1 becoming UTF-8). A length
//! read from the wire is compared with the bytes that are there and never used to allocate.
//! [`annotate`] and [`guess`] have limits of their own ([`MAX_SPANS`], [`MAX_HINTS`]).
//!
//! No capture of real traffic is public, so everything is read tolerantly and the caller is
//! expected to keep the raw bytes. The type numbers of the replies to test-IP and set-IP, the body
//! of set-IP and the status values are assumed, not confirmed.

mod field;
mod frame;
mod guess;
mod hexdump;
mod host_name;
mod ip_status;
mod message;
mod remark;

pub use field::{Field, Fields, Meaning};
pub use frame::{Frame, Kind, Readable, StreamLen, encode_raw, readable, stream_len};
pub use guess::{Guess, Hint, MAX_HINTS, MAX_TEXT_CHARS, guess};
pub use hexdump::{HexRow, MAX_SPANS, RowWidth, Span, annotate, hex_rows};
pub use host_name::read as read_text;
pub use ip_status::IpStatus;
pub use message::{
    Claimed, Decoded, DiscoverReply, IpReply, IpRequest, Message, decode, discover_request,
};
pub use remark::{Rejection, Remark, Remarks};

/// The registered port `avinstalldisc`, UDP and TCP.
pub const PORT_INSTALL: u16 = 3502;

/// The registered port `avsecuremgmt`, where the vendor documents the protocol as well.
pub const PORT_MANAGEMENT: u16 = 3211;

/// The largest payload that is read from a stream; a datagram is its own limit.
pub const MAX_STREAM_PAYLOAD_BYTES: u32 = 0x0004_0000;
