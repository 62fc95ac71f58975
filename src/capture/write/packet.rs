//! IP packets around what sockets heard and sent, with right lengths and checksums.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use etherparse::{IpNumber, Ipv4Header, Ipv6FlowLabel, Ipv6Header, TcpHeader, UdpHeader};

/// The longest packet of IPv4, and the longest payload of IPv6.
const MAX_IP_BYTES: usize = 65_535;
const IPV4_HEADER_BYTES: usize = 20;
const UDP_HEADER_BYTES: usize = 8;
const TCP_HEADER_BYTES: usize = 20;

/// What operating systems begin with; how many hops a datagram had is not known.
const HOP_LIMIT: u8 = 64;

/// Both ends of a packet, of one family.
#[derive(Clone, Copy, Debug)]
pub(super) enum Endpoints {
    V4 {
        from: Ipv4Addr,
        to: Ipv4Addr,
        ports: (u16, u16),
    },
    V6 {
        from: Ipv6Addr,
        to: Ipv6Addr,
        ports: (u16, u16),
    },
}

/// What the IP packet carries.
#[derive(Clone, Copy, Debug)]
pub(super) enum Carried {
    Udp,
    Tcp { sequence: u32, acknowledged: u32 },
}

/// A packet, ready to be written.
#[derive(Debug)]
pub(super) struct Packet<'a> {
    pub(super) headers: Headers,
    pub(super) payload: &'a [u8],
    /// How long the packet was, headers included.
    pub(super) full_len: u32,
}

/// The bytes of the headers. 60 are the most: IPv6 and TCP.
#[derive(Debug)]
pub(super) struct Headers {
    bytes: [u8; 60],
    len: usize,
}

impl Headers {
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        self.bytes[self.len..end].copy_from_slice(bytes);
        self.len = end;
    }
}

impl Endpoints {
    /// An IPv4 address in IPv6 dress is an IPv4 address. The unspecified address has the family of the other end; two
    /// real addresses of different families stay in IPv6, where both can be said.
    pub(super) fn new(from: SocketAddr, to: SocketAddr) -> Self {
        let ports = (from.port(), to.port());
        match (from.ip().to_canonical(), to.ip().to_canonical()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => Self::V4 { from, to, ports },
            (IpAddr::V6(from), IpAddr::V6(to)) => Self::V6 { from, to, ports },
            (IpAddr::V4(from), IpAddr::V6(to)) if to.is_unspecified() => Self::V4 {
                from,
                to: Ipv4Addr::UNSPECIFIED,
                ports,
            },
            (IpAddr::V6(from), IpAddr::V4(to)) if from.is_unspecified() => Self::V4 {
                from: Ipv4Addr::UNSPECIFIED,
                to,
                ports,
            },
            (IpAddr::V4(from), IpAddr::V6(to)) => Self::V6 {
                from: from.to_ipv6_mapped(),
                to,
                ports,
            },
            (IpAddr::V6(from), IpAddr::V4(to)) => Self::V6 {
                from,
                to: to.to_ipv6_mapped(),
                ports,
            },
        }
    }

    /// Both ends as they are written.
    pub(super) fn both(self) -> (SocketAddr, SocketAddr) {
        let (from, to, ports) = match self {
            Self::V4 { from, to, ports } => (IpAddr::V4(from), IpAddr::V4(to), ports),
            Self::V6 { from, to, ports } => (IpAddr::V6(from), IpAddr::V6(to), ports),
        };
        (SocketAddr::new(from, ports.0), SocketAddr::new(to, ports.1))
    }

    /// How much one segment can hold.
    pub(super) const fn max_tcp_bytes(self) -> usize {
        self.max_transport_bytes() - TCP_HEADER_BYTES
    }

    /// How much an IP packet can hold.
    const fn max_transport_bytes(self) -> usize {
        match self {
            Self::V4 { .. } => MAX_IP_BYTES - IPV4_HEADER_BYTES,
            Self::V6 { .. } => MAX_IP_BYTES,
        }
    }

    const fn ports(self) -> (u16, u16) {
        match self {
            Self::V4 { ports, .. } | Self::V6 { ports, .. } => ports,
        }
    }
}

/// Puts headers before `payload`, of which `full_len` bytes there were. What does not fit into one packet is cut.
///
/// The headers of a cut packet have the lengths that it had, as far as they can say them, and a checksum over what is
/// there: the right one cannot be known.
pub(super) fn around(
    endpoints: Endpoints,
    carried: Carried,
    payload: &[u8],
    full_len: usize,
) -> Packet<'_> {
    let (protocol, header_bytes) = match carried {
        Carried::Udp => (IpNumber::UDP, UDP_HEADER_BYTES),
        Carried::Tcp { .. } => (IpNumber::TCP, TCP_HEADER_BYTES),
    };
    let room = endpoints.max_transport_bytes() - header_bytes;
    let payload = &payload[..payload.len().min(full_len).min(room)];
    let transport_bytes = header_bytes + full_len.min(room);
    let mut headers = Headers {
        bytes: [0; 60],
        len: 0,
    };
    match endpoints {
        Endpoints::V4 { from, to, .. } => {
            let mut header = Ipv4Header {
                total_len: (IPV4_HEADER_BYTES + transport_bytes) as u16,
                time_to_live: HOP_LIMIT,
                protocol,
                source: from.octets(),
                destination: to.octets(),
                dont_fragment: true,
                ..Ipv4Header::default()
            };
            header.header_checksum = header.calc_header_checksum();
            headers.push(&header.to_bytes());
        }
        Endpoints::V6 { from, to, .. } => {
            let header = Ipv6Header {
                traffic_class: 0,
                flow_label: Ipv6FlowLabel::ZERO,
                payload_length: transport_bytes as u16,
                next_header: protocol,
                hop_limit: HOP_LIMIT,
                source: from.octets(),
                destination: to.octets(),
            };
            headers.push(&header.to_bytes());
        }
    }
    match carried {
        Carried::Udp => headers.push(&udp(endpoints, transport_bytes, payload).to_bytes()),
        Carried::Tcp {
            sequence,
            acknowledged,
        } => headers.push(&tcp(endpoints, sequence, acknowledged, payload).to_bytes()),
    }
    let whole = headers.len.saturating_add(full_len);
    Packet {
        headers,
        payload,
        full_len: u32::try_from(whole).unwrap_or(u32::MAX),
    }
}

// The checksums fail only on payloads that do not fit into a packet, and `around` has cut those.

fn udp(endpoints: Endpoints, transport_bytes: usize, payload: &[u8]) -> UdpHeader {
    let (source_port, destination_port) = endpoints.ports();
    let mut header = UdpHeader {
        source_port,
        destination_port,
        length: transport_bytes as u16,
        checksum: 0,
    };
    let checksum = match endpoints {
        Endpoints::V4 { from, to, .. } => {
            header.calc_checksum_ipv4_raw(from.octets(), to.octets(), payload)
        }
        Endpoints::V6 { from, to, .. } => {
            header.calc_checksum_ipv6_raw(from.octets(), to.octets(), payload)
        }
    };
    header.checksum = checksum.unwrap_or_default();
    header
}

fn tcp(endpoints: Endpoints, sequence: u32, acknowledged: u32, payload: &[u8]) -> TcpHeader {
    let (source_port, destination_port) = endpoints.ports();
    let mut header = TcpHeader::new(source_port, destination_port, sequence, u16::MAX);
    header.psh = true;
    header.ack = true;
    header.acknowledgment_number = acknowledged;
    let checksum = match endpoints {
        Endpoints::V4 { from, to, .. } => {
            header.calc_checksum_ipv4_raw(from.octets(), to.octets(), payload)
        }
        Endpoints::V6 { from, to, .. } => {
            header.calc_checksum_ipv6_raw(from.octets(), to.octets(), payload)
        }
    };
    header.checksum = checksum.unwrap_or_default();
    header
}
