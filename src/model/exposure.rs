//! What of some ranges can be reached on the discovery ports from here, and the words for a report. Units should be
//! reached there from their management network only.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::snapshot::SweepEnd;
use super::time::Timestamp;

/// How many exposed addresses are kept: more says no more.
pub const EXPOSED_KEPT: usize = 16_384;

/// How a TCP port took a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TcpPort {
    /// Not tried yet, or it could not be tried from here.
    #[default]
    NotTried,
    /// It accepted.
    Open,
    /// Somebody is there and refused.
    Refused,
    /// Nothing came.
    Silent,
}

impl TcpPort {
    /// In words, and in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotTried => "not tried",
            Self::Open => "open",
            Self::Refused => "refused",
            Self::Silent => "silent",
        }
    }
}

/// An address where at least one of the ports answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// The address.
    pub ip: Ipv4Addr,
    /// It answered a question to UDP 3502.
    pub udp_3502: bool,
    /// It answered a question to UDP 3211.
    pub udp_3211: bool,
    /// TCP 3502.
    pub tcp_3502: TcpPort,
    /// TCP 3211.
    pub tcp_3211: TcpPort,
    /// It is in none of this computer's subnets: the ports are let through from elsewhere.
    pub is_routed: bool,
    /// When it was found.
    pub when: Timestamp,
}

impl Exposed {
    /// An address of which nothing is known.
    pub const fn new(ip: Ipv4Addr, is_routed: bool, when: Timestamp) -> Self {
        Self {
            ip,
            udp_3502: false,
            udp_3211: false,
            tcp_3502: TcpPort::NotTried,
            tcp_3211: TcpPort::NotTried,
            is_routed,
            when,
        }
    }

    /// The ports that answer, in words: "UDP 3502, TCP 3502".
    pub fn ports(&self) -> String {
        let ports = [
            (self.udp_3502, "UDP 3502"),
            (self.udp_3211, "UDP 3211"),
            (self.tcp_3502 == TcpPort::Open, "TCP 3502"),
            (self.tcp_3211 == TcpPort::Open, "TCP 3211"),
        ];
        let open: Vec<_> = ports
            .into_iter()
            .filter_map(|(is_open, name)| is_open.then_some(name))
            .collect();
        open.join(", ")
    }
}

/// How far an exposure check is, and what it has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExposeState {
    /// The ranges, as typed.
    pub ranges: String,
    /// Addresses that are asked.
    pub num_ips: u64,
    /// Of these, how many were asked on every port. UDP comes first for all, so it begins to grow late.
    pub num_done: u64,
    /// Questions and connections in all.
    pub num_questions: u64,
    /// Of these, how many were sent or tried.
    pub num_asked: u64,
    /// When it began.
    pub started: Timestamp,
    /// When it was over.
    pub ended: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<SweepEnd>,
    /// Addresses that are exposed, also those that are not kept; one of these may be counted again for each protocol.
    pub num_exposed: u64,
    /// The exposed addresses in ascending order, at most [`EXPOSED_KEPT`].
    pub found: Arc<Vec<Exposed>>,
}

/// The section of a report: what was asked, and a line for each exposed address.
pub fn report_text(state: &ExposeState) -> String {
    let mut text = format!(
        "Exposure of {}: {} asked on UDP and TCP 3502 and 3211, {}\n",
        state.ranges,
        counted(state.num_ips, "address", "addresses"),
        when_words(state),
    );
    // Writing to a string cannot fail.
    if state.num_exposed == 0 {
        text.push_str(match state.outcome {
            Some(SweepEnd::Done) => "None of them answered on any of these ports.\n",
            _ => "None of them has answered so far.\n",
        });
        return text;
    }
    let num_routed = state.found.iter().filter(|it| it.is_routed).count();
    writeln!(
        text,
        "{} on at least one of these ports, {num_routed} of them behind a router:",
        if state.num_exposed == 1 {
            "1 address answers".to_owned()
        } else {
            format!("{} addresses answer", state.num_exposed)
        }
    )
    .ok();
    for exposed in state.found.iter() {
        write!(text, "{}: {}", exposed.ip, exposed.ports()).ok();
        for (port, state) in [(3502, exposed.tcp_3502), (3211, exposed.tcp_3211)] {
            if state == TcpPort::Refused {
                write!(text, "; TCP {port} refused").ok();
            }
        }
        let place = if exposed.is_routed {
            "behind a router"
        } else {
            "in a subnet of this computer"
        };
        writeln!(text, "; {place}; found {}", exposed.when).ok();
    }
    let num_left_out = state.num_exposed.saturating_sub(state.found.len() as u64);
    if num_left_out > 0 {
        let left_out = counted(num_left_out, "address is", "addresses are");
        writeln!(text, "{left_out} exposed as well and not listed.").ok();
    }
    text
}

fn when_words(state: &ExposeState) -> String {
    let begun = state.started;
    let Some(ended) = state.ended else {
        return format!(
            "begun {begun} and not over: {} of {} done",
            state.num_asked,
            counted(state.num_questions, "question", "questions")
        );
    };
    let asked = format!(
        "{} of {}",
        state.num_asked,
        counted(state.num_questions, "question", "questions")
    );
    match &state.outcome {
        Some(SweepEnd::Canceled) => {
            format!("from {begun} to {ended}, when it was stopped after {asked}")
        }
        Some(SweepEnd::Failed(why)) => {
            format!("from {begun} to {ended}, {asked} done, with an error: {why}")
        }
        Some(SweepEnd::Done) | None => format!("from {begun} to {ended}"),
    }
}

fn counted(count: u64, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> ExposeState {
        ExposeState {
            ranges: "10.0.0.0/24".to_owned(),
            num_ips: 254,
            num_done: 254,
            num_questions: 1_524,
            num_asked: 1_524,
            started: Timestamp::from_millis(0),
            ended: Some(Timestamp::from_millis(60_000)),
            outcome: Some(SweepEnd::Done),
            ..ExposeState::default()
        }
    }

    #[test]
    fn nothing_found_is_said() {
        assert_eq!(
            report_text(&state()),
            "Exposure of 10.0.0.0/24: 254 addresses asked on UDP and TCP 3502 and 3211, from \
             1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z\n\
             None of them answered on any of these ports.\n"
        );
    }

    #[test]
    fn every_exposed_address_has_a_line() {
        let when = Timestamp::from_millis(30_000);
        let mut first = Exposed::new(Ipv4Addr::new(10, 0, 0, 5), true, when);
        first.udp_3502 = true;
        first.tcp_3502 = TcpPort::Open;
        first.tcp_3211 = TcpPort::Refused;
        let mut second = Exposed::new(Ipv4Addr::new(10, 0, 0, 6), false, when);
        second.udp_3211 = true;
        second.tcp_3502 = TcpPort::Silent;
        let state = ExposeState {
            num_exposed: 3,
            found: Arc::new(vec![first, second]),
            ..state()
        };
        let text = report_text(&state);
        let lines: Vec<_> = text.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "3 addresses answer on at least one of these ports, 1 of them behind a router:",
                "10.0.0.5: UDP 3502, TCP 3502; TCP 3211 refused; behind a router; found 1970-01-01T00:00:30Z",
                "10.0.0.6: UDP 3211; in a subnet of this computer; found 1970-01-01T00:00:30Z",
                "1 address is exposed as well and not listed.",
            ]
        );
    }

    #[test]
    fn what_is_not_whole_is_said_to_be_so() {
        let mut state = state();
        state.num_asked = 700;
        state.outcome = Some(SweepEnd::Canceled);
        assert!(report_text(&state).contains("when it was stopped after 700 of 1524 questions"));
        state.outcome = Some(SweepEnd::Failed("no way".to_owned()));
        let text = report_text(&state);
        assert!(text.contains("with an error: no way"), "{text}");
        assert!(text.contains("None of them has answered so far."), "{text}");
        state.ended = None;
        state.outcome = None;
        let text = report_text(&state);
        assert!(
            text.contains("not over: 700 of 1524 questions done"),
            "{text}"
        );
    }
}
