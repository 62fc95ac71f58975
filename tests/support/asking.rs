//! The question that the tests of probes ask: of loopback, with ports of their own.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use rollcall::engine::identify::{Ask, MAX_OPEN, ProbePorts, Slots};
use rollcall::model::probing::{Answer, ClueKind};

/// How long nothing may come. Servers on loopback need a millisecond, a busy machine more; Windows asks a port that
/// refuses three times, which takes two seconds.
pub(crate) const SILENCE: Duration = Duration::from_millis(if cfg!(windows) { 3000 } else { 600 });

/// How long a probe may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(if cfg!(windows) { 15 } else { 4 });

/// A question to loopback, at these ports.
pub(crate) fn ask_at(ports: ProbePorts) -> Ask {
    Ask {
        ip: Ipv4Addr::LOCALHOST,
        ports: Arc::new(ports),
        limit: LIMIT,
        silence: SILENCE,
        slots: Slots::new(MAX_OPEN),
        communities: Arc::from([]),
        v3: None,
    }
}

/// Every TCP probe goes to this one port.
pub(crate) fn ask_port(port: u16) -> Ask {
    ask_at(ProbePorts {
        snmp: port,
        https: port,
        http: port,
        ssh: port,
        telnet: port,
        others: Vec::new(),
    })
}

/// The clue, or a failure that shows what there is.
pub(crate) fn clue(answer: &Answer, kind: ClueKind) -> &str {
    answer
        .clue(kind)
        .unwrap_or_else(|| panic!("no {} in {answer:#?}", kind.word()))
}
