//! The operating system's table of neighbors (ARP for IPv4, ND for IPv6): it gives the MAC of a unit in a local subnet,
//! without raw sockets and without privileges, once anything at all was sent there. What the systems write is read by
//! `parse`; here is where it comes from.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;

use crate::engine::clock;
use crate::model::identity::Mac;
use crate::model::probing::{Answer, ClueKind, Outcome, Probe};
use crate::model::sighting::RawDatagram;

pub(in crate::engine) mod command;
mod parse;
mod system;

/// How many neighbors are kept: whoever fills the system's table must not fill ours.
const NEIGHBORS_KEPT: usize = 65_536;

/// The half of IPv6 is read this often, at most: every system starts a program for it, and little hangs on it.
const IPV6_EVERY: Duration = Duration::from_secs(1);

/// How many IPv6 addresses of a unit are told.
const IPV6_TOLD: usize = 16;

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbor {
    /// Its address.
    pub ip: IpAddr,
    /// Its MAC: never all zero, broadcast or multicast.
    pub mac: Mac,
    /// Our interface that it is reached by, where the system says so.
    pub interface: Option<String>,
}

/// Why the table could not be read.
#[derive(Debug, Error)]
pub enum NeighborsError {
    /// A file of the system.
    #[error("{path:?} cannot be read")]
    File {
        /// Which.
        path: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// A program of the system could not be started.
    #[error("{program:?} cannot be run")]
    Program {
        /// Which.
        program: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A program of the system did not end.
    #[error("{0:?} did not end in time")]
    Slow(String),
    /// Nobody wrote down how this system tells.
    #[error("the table of neighbors is not known on this system")]
    Unsupported,
}

/// The half of IPv6 as it was read last; that it could not be read is kept as well.
#[derive(Debug, Default)]
pub struct LastIpv6(Option<(Instant, Option<Vec<Neighbor>>)>);

impl LastIpv6 {
    /// What was read last, or what is read now where that is too old.
    fn at(
        &mut self,
        now: Instant,
        read: impl FnOnce() -> Option<Vec<Neighbor>>,
    ) -> Option<Vec<Neighbor>> {
        match &self.0 {
            Some((when, table)) if now.duration_since(*when) < IPV6_EVERY => table.clone(),
            _ => {
                let table = read();
                self.0 = Some((now, table.clone()));
                table
            }
        }
    }
}

/// The table as it is now, that of IPv6 as it was a moment ago. Blocks for as long as the system's programs take, a few seconds at most: not for the runtime's
/// own threads. That one of the two halves cannot be read costs that half; an error is when there is nothing.
pub fn table(ipv6: &mut LastIpv6) -> Result<Vec<Neighbor>, NeighborsError> {
    let ipv6 = ipv6.at(Instant::now(), || system::ipv6().ok());
    let mut neighbors = match (system::ipv4(), ipv6) {
        (Err(error), None) => return Err(error),
        (ipv4, ipv6) => [ipv4.unwrap_or_default(), ipv6.unwrap_or_default()].concat(),
    };
    neighbors.truncate(NEIGHBORS_KEPT);
    Ok(neighbors)
}

/// What the table says of an address.
pub fn answer(ip: Ipv4Addr, table: &[Neighbor]) -> Answer {
    let mut answer = Answer::new(Probe::Neighbors, Outcome::Silent, clock::now());
    let mut lines = String::new();
    // More than one, where two units claim the address on two interfaces.
    let mut macs: Vec<Mac> = Vec::new();
    for neighbor in table.iter().filter(|neighbor| neighbor.ip == ip) {
        push_line(&mut lines, neighbor);
        if !macs.contains(&neighbor.mac) {
            macs.push(neighbor.mac);
            answer.add(ClueKind::NeighborMac, &neighbor.mac.to_string());
        }
    }
    let mut ipv6: Vec<_> = table
        .iter()
        .filter(|neighbor| neighbor.ip.is_ipv6() && macs.contains(&neighbor.mac))
        .collect();
    ipv6.sort_by_key(|neighbor| neighbor.ip);
    ipv6.dedup_by_key(|neighbor| neighbor.ip);
    for neighbor in ipv6.into_iter().take(IPV6_TOLD) {
        push_line(&mut lines, neighbor);
        answer.add(ClueKind::NeighborIpv6, &neighbor.ip.to_string());
    }
    if !macs.is_empty() {
        answer.outcome = Outcome::Answered;
    }
    answer.raw = RawDatagram::keep(lines.as_bytes());
    answer
}

fn push_line(lines: &mut String, neighbor: &Neighbor) {
    let interface = neighbor.interface.as_deref().unwrap_or_default();
    let line = format!("{} {} {interface}", neighbor.ip, neighbor.mac);
    lines.push_str(line.trim_end());
    lines.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn neighbor(ip: &str, last_octet: u8) -> Neighbor {
        Neighbor {
            ip: ip.parse().expect("an address"),
            mac: Mac::new([0, 0xe0, 0x86, 0x12, 0x34, last_octet]),
            interface: Some("eth0".to_owned()),
        }
    }

    #[test]
    fn a_neighbor_is_found_with_its_other_addresses() {
        let table = [
            neighbor("192.0.2.1", 1),
            neighbor("192.0.2.2", 2),
            neighbor("fe80::2", 2),
            neighbor("2001:db8::2", 2),
            neighbor("fe80::2", 2),
            neighbor("fe80::1", 1),
        ];
        let answer = answer(Ipv4Addr::new(192, 0, 2, 2), &table);
        assert_eq!(answer.outcome, Outcome::Answered);
        assert_eq!(
            answer.clue(ClueKind::NeighborMac),
            Some("00:e0:86:12:34:02")
        );
        let ipv6: Vec<_> = answer.clues(ClueKind::NeighborIpv6).collect();
        assert_eq!(ipv6, ["2001:db8::2", "fe80::2"]);
        assert!(
            answer
                .raw
                .bytes
                .starts_with(b"192.0.2.2 00:e0:86:12:34:02 eth0\n")
        );
    }

    #[test]
    fn an_address_that_two_units_claim_has_both_macs() {
        let table = [neighbor("192.0.2.1", 1), neighbor("192.0.2.1", 2)];
        let answer = answer(Ipv4Addr::new(192, 0, 2, 1), &table);
        assert_eq!(answer.clues(ClueKind::NeighborMac).count(), 2);
    }

    #[test]
    fn who_is_not_in_the_table_is_silent() {
        let table = [neighbor("192.0.2.1", 1), neighbor("fe80::1", 1)];
        let answer = answer(Ipv4Addr::new(192, 0, 2, 9), &table);
        assert_eq!((answer.outcome, answer.clues.len()), (Outcome::Silent, 0));
    }

    #[test]
    fn the_half_of_ipv6_is_read_once_a_second() {
        let mut last = LastIpv6::default();
        let begin = Instant::now();
        let mut num_read = 0;
        for millis in (0..2_500).step_by(100) {
            let now = begin + Duration::from_millis(millis);
            let table = last.at(now, || {
                num_read += 1;
                // What cannot be read is not tried more often.
                (num_read != 2).then(|| vec![neighbor("fe80::1", num_read)])
            });
            let expected = (num_read != 2).then(|| vec![neighbor("fe80::1", num_read)]);
            assert_eq!(table, expected, "after {millis} ms");
        }
        assert_eq!(num_read, 3);
    }

    #[test]
    fn this_systems_own_table_can_be_read() {
        let table = table(&mut LastIpv6::default()).expect("this system has a table of neighbors");
        assert!(
            table.iter().all(|neighbor| neighbor.mac.is_key()),
            "{table:?}"
        );
    }
}
