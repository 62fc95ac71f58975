//! What an exposure check found: which addresses answer on the watched ports. Filled by the engine, read by everybody.

use std::net::Ipv4Addr;

use super::time::Timestamp;

/// How far an exposure check is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExposeState {
    /// The ranges, as typed.
    pub ranges: String,
    /// Addresses in all.
    pub num_ips: u64,
    /// Addresses that are done with.
    pub num_done: u64,
    /// When it began.
    pub started: Timestamp,
    /// When it was over.
    pub ended: Option<Timestamp>,
    /// Whether a person stopped it.
    pub was_stopped: bool,
    /// Addresses where something answered, in their order.
    pub found: Vec<Exposed>,
}

/// An address where something answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// The address.
    pub ip: Ipv4Addr,
    /// Whether it answered on UDP 3502.
    pub udp_3502: bool,
    /// Whether it answered on UDP 3211.
    pub udp_3211: bool,
    /// TCP 3502.
    pub tcp_3502: TcpPort,
    /// TCP 3211.
    pub tcp_3211: TcpPort,
    /// Whether it is in none of this computer's subnets.
    pub is_routed: bool,
    /// When it answered last.
    pub when: Timestamp,
}

/// What a TCP port did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TcpPort {
    /// Nothing came back.
    #[default]
    Silent,
    /// It refused.
    Refused,
    /// It took the connection.
    Open,
}
