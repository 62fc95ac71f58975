//! Which TCP ports of a unit are open: a connection is made and closed again, without a word. What an open port
//! means is the catalog's to say. The connections of the other probes are made in `connection`.

use std::io;
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use self::connection::close_politely;
use super::Ask;
use crate::engine::clock;
use crate::model::probing::{Answer, ClueKind, Outcome, Probe};
use crate::model::time::Timestamp;

pub(super) mod connection;

/// How many ports of one unit are tried at once: as many places are taken.
const AT_ONCE: usize = 16;

/// What a system says when the neighbor does not answer its question for the MAC, and std has no kind for.
const HOST_IS_DOWN: i32 = if cfg!(target_os = "macos") {
    64
} else if cfg!(windows) {
    10_064
} else {
    112
};

/// What trying a port brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortState {
    /// It accepted the connection.
    Open,
    /// It refused the connection.
    Closed,
    /// Nothing came within the time, or nobody in the subnet has the address.
    Silent,
    /// It could not be tried: why, one lower-case clause.
    Failed(String),
}

impl PortState {
    /// What an error of a connect means.
    pub(super) fn of_error(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Closed,
            // A dead address in the local subnet: the system asked for its MAC in vain.
            io::ErrorKind::HostUnreachable | io::ErrorKind::TimedOut => Self::Silent,
            io::ErrorKind::NetworkUnreachable => Self::Failed("there is no route to it".to_owned()),
            _ if error.raw_os_error() == Some(HOST_IS_DOWN) => Self::Silent,
            // It closed before the connection was whole: somebody is there, and takes nothing.
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => Self::Closed,
            _ => Self::Failed(format!("the connection could not be made ({error})")),
        }
    }
}

/// Tries the ports of [`Ask::ports`].
pub async fn ask(ask: &Ask) -> Answer {
    let ports = &ask.ports;
    let mut all = vec![ports.https, ports.http, ports.ssh, ports.telnet];
    all.extend(&ports.others);
    all.sort_unstable();
    all.dedup();
    let states = try_ports(ask, &all).await;
    answer(&states, clock::now())
}

/// Tries these ports, at most 16 at once; the states come in the order of the ports. Places for all that are tried at
/// once are taken together, so that units do not wait for each other with half of what they need.
pub async fn try_ports(ask: &Ask, ports: &[u16]) -> Vec<(u16, PortState)> {
    let mut states = Vec::with_capacity(ports.len());
    // Waiting for places is our own doing and not counted.
    let mut left = ask.limit;
    for group in ports.chunks(AT_ONCE) {
        let Some(slot) = ask.slots.take_several(group.len() as u32).await else {
            states.extend(group.iter().map(|port| (*port, PortState::Silent)));
            continue;
        };
        let started = Instant::now();
        states.extend(try_group(ask, group, Arc::new(slot), started + left).await);
        left = left.saturating_sub(started.elapsed());
    }
    states
}

async fn try_group(
    ask: &Ask,
    group: &[u16],
    slot: Arc<super::Slot>,
    deadline: Instant,
) -> Vec<(u16, PortState)> {
    let mut states: Vec<_> = group
        .iter()
        .map(|port| (*port, PortState::Silent))
        .collect();
    let mut tries = JoinSet::new();
    for (idx, port) in group.iter().enumerate() {
        let ip_port = SocketAddrV4::new(ask.ip, *port);
        let silence = ask.silence;
        let slot = Arc::clone(&slot);
        tries.spawn(async move {
            let state = try_port(ip_port, silence).await;
            drop(slot);
            (idx, state)
        });
    }
    // What is not known at the deadline stays silent; the set ends its tasks when it is dropped.
    while let Ok(Some(tried)) = timeout_at(deadline, tries.join_next()).await {
        if let Ok((idx, state)) = tried {
            states[idx].1 = state;
        }
    }
    states
}

/// Tries one port: makes a connection, which may take so long, and closes it again.
pub(in crate::engine) async fn try_port(ip_port: SocketAddrV4, silence: Duration) -> PortState {
    match timeout(silence, TcpStream::connect(ip_port)).await {
        Ok(Ok(stream)) => {
            close_politely(stream).await;
            PortState::Open
        }
        Ok(Err(error)) => PortState::of_error(&error),
        Err(_elapsed) => PortState::Silent,
    }
}

/// What the states of ports say.
pub fn answer(states: &[(u16, PortState)], when: Timestamp) -> Answer {
    let any = |wanted: &PortState| states.iter().any(|(_, state)| state == wanted);
    let failed = states.iter().find_map(|(_, state)| match state {
        PortState::Failed(why) => Some(why.clone()),
        PortState::Open | PortState::Closed | PortState::Silent => None,
    });
    let outcome = if any(&PortState::Open) {
        Outcome::Answered
    } else if any(&PortState::Closed) {
        Outcome::Closed
    } else if let Some(why) = failed {
        Outcome::Failed(why)
    } else {
        Outcome::Silent
    };
    let mut answer = Answer::new(Probe::Ports, outcome, when);
    // The open ones first: they say more, and there is room for so many clues only.
    for (wanted, kind) in [
        (PortState::Open, ClueKind::OpenPort),
        (PortState::Closed, ClueKind::ClosedPort),
    ] {
        for (port, _) in states.iter().filter(|(_, state)| *state == wanted) {
            answer.add(kind, &port.to_string());
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_ports_come_first_and_silence_says_nothing() {
        let states = [
            (22, PortState::Closed),
            (80, PortState::Open),
            (443, PortState::Silent),
        ];
        let answer = answer(&states, Timestamp::from_millis(7));
        assert_eq!(answer.outcome, Outcome::Answered);
        let clues: Vec<_> = answer
            .clues
            .iter()
            .map(|clue| (clue.kind, clue.text.as_str()))
            .collect();
        assert_eq!(
            clues,
            [(ClueKind::OpenPort, "80"), (ClueKind::ClosedPort, "22")]
        );
    }

    #[test]
    fn the_outcome_is_the_best_that_was_seen() {
        let no_route = PortState::Failed("no route".to_owned());
        for (state, expected) in [
            (PortState::Closed, Outcome::Closed),
            (PortState::Silent, Outcome::Silent),
            (no_route, Outcome::Failed("no route".to_owned())),
        ] {
            let states = [(1, PortState::Silent), (2, state)];
            let outcome = answer(&states, Timestamp::from_millis(0)).outcome;
            assert_eq!(outcome, expected);
        }
    }

    #[test]
    fn errors_of_a_connect_are_told_apart() {
        for (kind, expected) in [
            (io::ErrorKind::ConnectionRefused, PortState::Closed),
            (io::ErrorKind::HostUnreachable, PortState::Silent),
            (io::ErrorKind::TimedOut, PortState::Silent),
        ] {
            assert_eq!(PortState::of_error(&io::Error::from(kind)), expected);
        }
        let down = io::Error::from_raw_os_error(HOST_IS_DOWN);
        assert_eq!(PortState::of_error(&down), PortState::Silent);
        let denied = PortState::of_error(&io::Error::from(io::ErrorKind::PermissionDenied));
        assert!(matches!(denied, PortState::Failed(_)), "{denied:?}");
    }
}
