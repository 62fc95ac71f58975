//! What the bytes say about each statement: confirmed, contradicted, or open. Nothing is confirmed by fitting alone.

mod answers;
mod replies;
mod requests;
mod transport;

use std::net::IpAddr;

use super::Study;
use super::reading::{Read, Reading};
use super::statements::{self as all, STATEMENTS, Statement};
use crate::wire::Kind;

/// How many datagrams are named as the reason for one judgment.
pub const REASONS_KEPT: usize = 20;

/// What the datagrams say about a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// They show it.
    Confirmed,
    /// They show otherwise.
    Contradicted,
    /// Nothing was seen that tells.
    Open,
}

impl Verdict {
    /// In one word, for lists and files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Contradicted => "contradicted",
            Self::Open => "open",
        }
    }
}

/// A statement with what the datagrams of one unit say about it.
///
/// A confirmation is worth as much as the unit: bytes from a simulated unit, from another Rollcall or from whoever writes
/// datagrams of his own show what that program does and nothing about real units. No datagram tells which it was; the
/// person who studies the unit knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgment {
    /// The statement.
    pub statement: &'static Statement,
    /// What comes of it.
    pub verdict: Verdict,
    /// Why, in words.
    pub because: String,
    /// The datagrams that show it, as indices into the study, at most [`REASONS_KEPT`].
    pub datagrams: Vec<usize>,
}

/// Judges every statement, in the order of [`STATEMENTS`].
pub fn judge(study: &Study) -> Vec<Judgment> {
    let reading = Reading::new(study);
    STATEMENTS
        .iter()
        .map(|statement| {
            let Finding {
                verdict,
                because,
                mut datagrams,
            } = judge_one(statement, &reading);
            datagrams.sort_unstable();
            datagrams.dedup();
            datagrams.truncate(REASONS_KEPT);
            Judgment {
                statement,
                verdict,
                because,
                datagrams,
            }
        })
        .collect()
}

fn judge_one(statement: &Statement, reading: &Reading<'_>) -> Finding {
    let rule: fn(&Reading<'_>) -> Finding = match statement.id {
        id if id == all::ANNOUNCEMENT_UNASKED.id => replies::announcement_unasked,
        id if id == all::ANNOUNCEMENT_BROADCAST.id => replies::announcement_broadcast,
        id if id == all::ANNOUNCEMENT_SEQUENCE.id => replies::announcement_sequence,
        id if id == all::MODEL_NUMBER.id => replies::model_number,
        id if id == all::HOST_NAME_ENCODING.id => replies::host_name_encoding,
        id if id == all::HOST_NAME_PADDING.id => replies::host_name_padding,
        id if id == all::MODES_IPV6.id => replies::modes_ipv6,
        id if id == all::MODES_OTHERS.id => replies::modes_others,
        id if id == all::DISCOVER_FIELD.id => requests::discover_field,
        id if id == all::ASSIGN_MODE.id => requests::assign_mode,
        id if id == all::SET_IP_BODY.id => requests::set_ip_body,
        id if id == all::TEST_IP_REPLY_CODE.id => {
            |reading| answers::reply_code(reading, Kind::TestIpRequest, Kind::TestIpReply)
        }
        id if id == all::SET_IP_REPLY_CODE.id => {
            |reading| answers::reply_code(reading, Kind::SetIpRequest, Kind::SetIpReply)
        }
        id if id == all::SEQUENCE_ECHOED.id => answers::sequence_echoed,
        id if id == all::REPLY_FIELDS.id => answers::reply_fields,
        id if id == all::STATUS_ACCEPTED.id => answers::status_accepted,
        id if id == all::STATUS_VALUES.id => answers::status_values,
        id if id == all::TCP_STREAM.id => transport::tcp_stream,
        id if id == all::TCP_CONNECTS.id => transport::tcp_connects,
        id if id == all::REPLY_PORT.id => transport::reply_port,
        id if id == all::REPLY_UNICAST.id => transport::reply_unicast,
        id if id == all::IPV6_FIELDS.id => replies::ipv6_fields,
        _ => |_| Finding::open("there is no rule for it"),
    };
    rule(reading)
}

/// What one rule found.
struct Finding {
    verdict: Verdict,
    because: String,
    datagrams: Vec<usize>,
}

impl Finding {
    fn new(verdict: Verdict, because: impl Into<String>, datagrams: Vec<usize>) -> Self {
        Self {
            verdict,
            because: because.into(),
            datagrams,
        }
    }

    fn open(because: impl Into<String>) -> Self {
        Self::new(Verdict::Open, because, Vec::new())
    }
}

fn indices<'a, 'b: 'a>(reads: impl IntoIterator<Item = &'a Read<'b>>) -> Vec<usize> {
    reads.into_iter().map(|read| read.idx).collect()
}

fn pairs(reads: &[(&Read<'_>, &Read<'_>)]) -> Vec<usize> {
    indices(reads.iter().flat_map(|(first, second)| [*first, *second]))
}

/// What speaks for a statement and what speaks against it, so much of each that both are named.
fn both(mut first: Vec<usize>, second: Vec<usize>) -> Vec<usize> {
    first.truncate(REASONS_KEPT / 2);
    first.extend(second.into_iter().take(REASONS_KEPT / 2));
    first
}

/// "1 discover reply", "3 discover replies".
fn counted(num: usize, one: &str, many: &str) -> String {
    format!("{num} {}", if num == 1 { one } else { many })
}

fn replies(num: usize) -> String {
    counted(num, "discover reply", "discover replies")
}

/// Values for a sentence: sorted, each once, at most eight.
fn listed<T: Ord>(values: impl IntoIterator<Item = T>, show: impl Fn(&T) -> String) -> String {
    const SHOWN: usize = 8;
    let mut values: Vec<T> = values.into_iter().collect();
    values.sort_unstable();
    values.dedup();
    let shown: Vec<String> = values.iter().take(SHOWN).map(show).collect();
    let more = values.len().saturating_sub(SHOWN);
    match more {
        0 => shown.join(", "),
        _ => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The unit's discover replies that nobody asked for.
fn unasked<'a, 'b>(reading: &'a Reading<'b>) -> impl Iterator<Item = &'a Read<'b>> {
    reading
        .of_unit([Kind::DiscoverReply])
        .filter(|read| read.datagram.is_unasked)
}

/// The unit's discover replies with the request whose sequence they have.
fn answered<'a, 'b>(
    reading: &'a Reading<'b>,
) -> impl Iterator<Item = (&'a Read<'b>, &'a Read<'b>)> {
    reading
        .of_unit([Kind::DiscoverReply])
        .filter(|read| !read.datagram.is_unasked)
        .filter_map(|read| Some((read, reading.request_of(read, Kind::DiscoverRequest)?)))
}

/// Whether everybody is meant. The broadcast address of a network cannot be told without its mask.
fn is_to_all(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_broadcast() || ip.is_multicast(),
        IpAddr::V6(ip) => ip.is_multicast(),
    }
}

/// The bit of the supported modes that is read as IPv6.
const MODE_IPV6: u8 = 0x04;

fn is_ipv6(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(_) => false,
        IpAddr::V6(ip) => ip.to_ipv4_mapped().is_none(),
    }
}
