//! Decoders that a person teaches: what a datagram means that is not AIDP. No files, no clock.
//!
//! What lives here: the description of a decoder ([`Draft`]), its form in a file ([`parse`], [`Draft::to_toml`]), what
//! is wrong with it ([`Problem`]), and reading datagrams by it ([`Decoder`], [`Decoders`]). What must not: finding and
//! writing the files, which the engine does, and deciding which datagrams are AIDP. The caller keeps those back:
//! nothing here looks whether `wire::decode` would take the bytes as well.
//!
//! **A file** holds any number of `[[decoder]]` up to [`MAX_DECODERS_PER_FILE`]:
//!
//! | key | is |
//! | --- | --- |
//! | `name` | the source of the facts; unique, at most [`MAX_NAME_CHARS`] printable characters |
//! | `note` | for people |
//! | `ports` | UDP ports, when left out [`DEFAULT_PORTS`]. Only those two are listened to; others count in captures |
//! | `byte_order` | `"big"` (when left out) or `"little"`: of numbers, types and lengths, never of MACs and IPs |
//! | `min_length`, `max_length` | of the whole datagram, in bytes |
//! | `match` | tables of `offset`, `bytes` in hex and perhaps a `mask` in hex; all of them must hold |
//! | `tlv` | a table: `begin`, `type_bytes` 1 or 2, `length_bytes` 1, 2 or 4, `length_counts_header`, `end_type` |
//! | `field` | tables of `fact`, `as`, and either `offset` with `length` or `until` (`"nul"`, `"end"`), or `type` |
//!
//! **Panic and memory contract.** Nothing here panics, whatever the file and the bytes. One datagram costs at most
//! [`MAX_RECORDS`] records and [`MAX_FIELDS`] fields, and what is kept of a text is cut as everywhere in the model.

mod check;
mod decode;
mod draft;
mod fact;
mod parse;
mod propose;
mod set;
mod value;
mod write;

pub use check::{Part, Problem};
pub use decode::{Decoder, FieldFound, Miss, Missed, Taught};
pub use draft::{ByteOrder, Draft, Extent, Field, MatchRule, Place, Tlv};
pub use fact::{Fact, ReadAs};
pub use parse::{Refused, parse};
pub use set::{Decoders, NotAdded};

use crate::wire::{PORT_INSTALL, PORT_MANAGEMENT};

/// A longer file is refused.
pub const MAX_FILE_BYTES: usize = 256 * 1024;

/// How many decoders one file may hold.
pub const MAX_DECODERS_PER_FILE: usize = 64;

/// How many decoders there may be in all.
pub const MAX_DECODERS: usize = 256;

/// How many fields one decoder may have: a fact may be in several places.
pub const MAX_FIELDS: usize = 32;

/// How many match rules one decoder may have.
pub const MAX_RULES: usize = 16;

/// How many bytes one match rule may compare.
pub const MAX_RULE_BYTES: usize = 64;

/// How many ports one decoder may name.
pub const MAX_PORTS: usize = 16;

/// How many characters the name may have.
pub const MAX_NAME_CHARS: usize = 64;

/// How many characters the note may have.
pub const MAX_NOTE_CHARS: usize = 1_000;

/// How many type-length-value records of one datagram are looked at.
pub const MAX_RECORDS: usize = 512;

/// The longest datagram that UDP over IPv4 can carry.
pub const MAX_DATAGRAM_BYTES: u16 = 65_507;

/// The ports of a decoder that names none: those that are listened to.
pub const DEFAULT_PORTS: [u16; 2] = [PORT_INSTALL, PORT_MANAGEMENT];
