//! Which sockets an interface needs, and opening one: reuse, interface, buffer. What comes in over
//! them is `listener.rs`'s.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::UdpSocket;

use super::interfaces::Found;
use crate::model::sighting::Channel;
use crate::wire::{PORT_INSTALL, PORT_MANAGEMENT};

/// Bytes of receive buffer to ask for: room for a storm of 10,000 replies while the machine is busy.
const RECEIVE_BUFFER_BYTES: usize = 8 << 20;

/// Room for 512 questions that wait for ARP (two for each of 256 addresses), with what a search sends meanwhile.
const SEND_BUFFER_BYTES: usize = 1 << 20;

/// The ports to listen on and to ask. The demo uses others than the real ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Listened on: in the place of 3502 and 3211. 0 takes any that is free.
    pub listen: [u16; 2],
    /// Asked: in the place of 3502 and 3211.
    pub ask: [u16; 2],
}

impl Default for Ports {
    fn default() -> Self {
        let real = [PORT_INSTALL, PORT_MANAGEMENT];
        Self {
            listen: real,
            ask: real,
        }
    }
}

/// What a socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Listens in the place of UDP 3502.
    Install,
    /// Listens in the place of UDP 3211.
    Management,
    /// Asks, and hears what is answered to its port.
    Asking,
    /// Asks over IPv6 multicast, and hears what is answered to its port.
    Ipv6,
}

impl Role {
    /// The word for the interface's chip.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Management => "management",
            Self::Asking => "asking",
            Self::Ipv6 => "IPv6",
        }
    }

    /// The port by which taught decoders know what comes in: that of the real ports, whatever stands in their place.
    pub const fn decoder_port(self) -> u16 {
        match self {
            Self::Management => PORT_MANAGEMENT,
            Self::Install | Self::Asking | Self::Ipv6 => PORT_INSTALL,
        }
    }

    /// The way in that a sighting names.
    pub const fn channel(self) -> Channel {
        match self {
            Self::Install => Channel::Udp3502,
            Self::Management => Channel::Udp3211,
            Self::Asking | Self::Ipv6 => Channel::UdpAsking,
        }
    }
}

/// The systems differ in what a bound socket hears (the notes are at [`plan`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Ties a socket to a device by name.
    Linux,
    /// Ties a socket to a device by index.
    Mac,
    /// Ties a socket to an interface by the address that it is bound to.
    Windows,
}

impl Platform {
    /// The one that this is.
    pub const HERE: Self = if cfg!(windows) {
        Self::Windows
    } else if cfg!(target_os = "macos") {
        Self::Mac
    } else {
        Self::Linux
    };
}

/// One socket to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    /// What for.
    pub role: Role,
    /// The local address.
    pub ip: IpAddr,
    /// The local port; 0 for any.
    pub port: u16,
    /// The device that it is tied to, where the bind alone does not do it: name and index.
    pub device: Option<(Arc<str>, u32)>,
    /// The interface that IPv6 multicast leaves by.
    pub multicast_index: Option<u32>,
}

/// What a plan depends on beside the interface.
#[derive(Clone, Copy, Debug)]
pub struct PlanOptions {
    /// The ports to listen on.
    pub listen: [u16; 2],
    /// Leave unicast answers to another program.
    pub broadcast_only: bool,
    /// The demo: no broadcast, no device.
    pub loopback_only: bool,
    /// Whether the system lets us tie sockets to a device.
    pub may_tie: bool,
    /// Which system.
    pub platform: Platform,
}

/// The sockets that an interface needs, and what is to be said about them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// To open.
    pub binds: Vec<Bind>,
    /// What is not possible, in words.
    pub remark: Option<String>,
}

/// The sockets that an interface needs.
///
/// - Linux and macOS: a socket bound to an interface's own address is deaf to broadcasts, one on 0.0.0.0 hears
///   all interfaces. So 0.0.0.0, and tied to the device.
/// - Windows: a socket bound to the interface's address hears unicast and broadcast of that interface.
/// - A socket bound to a broadcast address (not on Windows) hears nothing but what is sent there: that is how
///   unicast answers are left to another program.
/// - Linux before 5.7 ties only with a privilege. Then the interface is known by the address that a socket is
///   bound to: its own and its subnet's broadcast. What is sent to 255.255.255.255 is not heard.
pub fn plan(found: &Found, options: PlanOptions) -> Plan {
    let mut plan = Plan::default();
    let roles = [
        (Role::Install, options.listen[0]),
        (Role::Management, options.listen[1]),
    ];
    let own_ips = found.networks.iter().map(|network| network.ip);
    if options.loopback_only {
        let ip = own_ips.clone().next().unwrap_or(Ipv4Addr::LOCALHOST);
        for (role, port) in roles.into_iter().chain([(Role::Asking, 0)]) {
            plan.push(role, ip, port, None);
        }
        return plan;
    }
    let device = (options.platform != Platform::Windows && options.may_tie)
        .then(|| (Arc::clone(&found.name), found.index));
    let subnet_broadcasts = found
        .networks
        .iter()
        .filter_map(|network| network.broadcast());
    match (&device, options.platform) {
        (Some(device), _) => {
            let listened_ips: Vec<Ipv4Addr> = if options.broadcast_only {
                std::iter::once(Ipv4Addr::BROADCAST)
                    .chain(subnet_broadcasts)
                    .collect()
            } else {
                vec![Ipv4Addr::UNSPECIFIED]
            };
            for (role, port) in roles {
                for ip in &listened_ips {
                    plan.push(role, *ip, port, Some(device.clone()));
                }
            }
            plan.push(Role::Asking, Ipv4Addr::UNSPECIFIED, 0, Some(device.clone()));
        }
        (None, Platform::Windows) => {
            for ip in own_ips {
                for (role, port) in roles.into_iter().chain([(Role::Asking, 0)]) {
                    plan.push(role, ip, port, None);
                }
            }
            if options.broadcast_only {
                plan.remark = Some(
                    "Windows cannot leave unicast answers to another program: Rollcall still hears them"
                        .to_owned(),
                );
            }
        }
        (None, Platform::Linux | Platform::Mac) => {
            for (role, port) in roles {
                for ip in subnet_broadcasts.clone() {
                    plan.push(role, ip, port, None);
                }
                if !options.broadcast_only {
                    for ip in own_ips.clone() {
                        plan.push(role, ip, port, None);
                    }
                }
            }
            for ip in own_ips {
                plan.push(Role::Asking, ip, 0, None);
            }
            plan.remark = Some(
                "This system does not let Rollcall tie a socket to the interface: \
                 what is sent to 255.255.255.255 is not heard here. Run it with CAP_NET_RAW to hear it"
                    .to_owned(),
            );
        }
    }
    plan.binds.push(Bind {
        role: Role::Ipv6,
        ip: IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        port: 0,
        device,
        multicast_index: Some(found.index),
    });
    plan
}

impl Plan {
    fn push(&mut self, role: Role, ip: Ipv4Addr, port: u16, device: Option<(Arc<str>, u32)>) {
        let bind = Bind {
            role,
            ip: IpAddr::V4(ip),
            port,
            device,
            multicast_index: None,
        };
        // Two addresses in one subnet share a broadcast address.
        if !self.binds.contains(&bind) {
            self.binds.push(bind);
        }
    }

    /// Whether anything can be listened on: an interface without an address cannot on Windows.
    pub fn can_listen(&self) -> bool {
        self.binds.iter().any(|bind| bind.role != Role::Ipv6)
    }
}

/// A socket that is open.
#[derive(Debug)]
pub struct Opened {
    /// The socket.
    pub socket: Arc<UdpSocket>,
    /// Bytes of receive buffer that the system granted.
    pub granted_bytes: u64,
    /// The port that it is bound to.
    pub port: u16,
    /// What the kernel lists it by (Linux).
    pub inode: Option<u64>,
}

/// Why a socket could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The system does not let us tie it to the device.
    #[error("not permitted to tie a socket to {device:?}")]
    TieRefused {
        /// The device.
        device: Arc<str>,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Opens a socket. Must be called inside a tokio runtime.
pub fn open(bind: &Bind) -> Result<Opened, OpenError> {
    let socket = Socket::new(
        Domain::for_address(bind.local()),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    socket.set_nonblocking(true)?;
    // Beside the vendor's program, which may hold the same ports.
    socket.set_reuse_address(true)?;
    // macOS shares a port only when this is set as well; on Linux it would spread datagrams over the sockets.
    #[cfg(target_os = "macos")]
    socket.set_reuse_port(true)?;
    match bind.ip {
        IpAddr::V4(_) => socket.set_broadcast(true)?,
        IpAddr::V6(_) => socket.set_only_v6(true)?,
    }
    if let Some(index) = bind.multicast_index {
        socket.set_multicast_if_v6(index)?;
    }
    if let Some((name, index)) = &bind.device {
        tie(&socket, name, *index, bind.ip.is_ipv4()).map_err(|source| {
            if source.kind() == io::ErrorKind::PermissionDenied {
                OpenError::TieRefused {
                    device: Arc::clone(name),
                    source,
                }
            } else {
                OpenError::Io(source)
            }
        })?;
    }
    // A refused size leaves the default, which is shown as what was granted.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES);
    if bind.role == Role::Asking {
        // Questions wait in it for ARP: a sweep goes as fast as it holds them. A refused size leaves the default.
        let _ = socket.set_send_buffer_size(SEND_BUFFER_BYTES);
    }
    socket.bind(&bind.local().into())?;
    let granted_bytes = socket.recv_buffer_size()? as u64;
    let inode = inode(&socket);
    let socket = UdpSocket::from_std(socket.into())?;
    let port = socket.local_addr()?.port();
    Ok(Opened {
        socket: Arc::new(socket),
        granted_bytes,
        port,
        inode,
    })
}

impl Bind {
    fn local(&self) -> SocketAddr {
        SocketAddr::new(self.ip, self.port)
    }
}

/// Sends without waiting and without asking the runtime whether the socket is ready, which it does not know of a
/// socket that was opened just now.
pub fn send_now(socket: &UdpSocket, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
    SockRef::from(socket).send_to(bytes, &to.into()).map(|_| ())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn tie(socket: &Socket, name: &str, _index: u32, _is_ipv4: bool) -> io::Result<()> {
    socket.bind_device(Some(name.as_bytes()))
}

#[cfg(target_os = "macos")]
fn tie(socket: &Socket, _name: &str, index: u32, is_ipv4: bool) -> io::Result<()> {
    let index = std::num::NonZeroU32::new(index);
    if is_ipv4 {
        socket.bind_device_by_index_v4(index)
    } else {
        socket.bind_device_by_index_v6(index)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos")))]
fn tie(_socket: &Socket, _name: &str, _index: u32, _is_ipv4: bool) -> io::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
fn inode(socket: &Socket) -> Option<u64> {
    use std::os::fd::AsRawFd;
    let link = std::fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd())).ok()?;
    let text = link.to_str()?;
    text.strip_prefix("socket:[")?
        .strip_suffix(']')?
        .parse()
        .ok()
}

#[cfg(not(target_os = "linux"))]
fn inode(_socket: &Socket) -> Option<u64> {
    None
}

/// Why a socket could not be opened, in words with what to do.
pub fn open_words(error: &OpenError, bind: &Bind, interface: &str) -> String {
    let OpenError::Io(error) = error else {
        return format!("{error}: run Rollcall with CAP_NET_RAW");
    };
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "UDP {} on {interface} is held by another program that does not share it: close that program",
            bind.port
        ),
        io::ErrorKind::PermissionDenied => format!(
            "UDP {} on {interface} is refused by the system: look for a rule or a program that reserves it",
            bind.port
        ),
        io::ErrorKind::AddrNotAvailable => {
            format!("{interface} does not have the address {} any more", bind.ip)
        }
        _ => format!("No socket on {interface} for {}: {error}", bind.role.word()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::network::Network;

    fn eth0(networks: &[([u8; 4], u8)]) -> Found {
        Found {
            name: Arc::from("eth0"),
            index: 3,
            networks: networks
                .iter()
                .map(|(ip, prefix_len)| Network {
                    ip: Ipv4Addr::from(*ip),
                    prefix_len: *prefix_len,
                })
                .collect(),
            ..Found::loopback()
        }
    }

    const OPTIONS: PlanOptions = PlanOptions {
        listen: [3502, 3211],
        broadcast_only: false,
        loopback_only: false,
        may_tie: true,
        platform: Platform::Linux,
    };

    /// Role, local address and whether tied, IPv6 left out.
    fn places(plan: &Plan) -> Vec<String> {
        plan.binds
            .iter()
            .filter(|bind| bind.role != Role::Ipv6)
            .map(|bind| {
                let tied = if bind.device.is_some() { " tied" } else { "" };
                format!("{} {}:{}{tied}", bind.role.word(), bind.ip, bind.port)
            })
            .collect()
    }

    #[test]
    fn linux_ties_three_sockets_to_the_device() {
        let plan = plan(&eth0(&[([10, 0, 0, 5], 24)]), OPTIONS);
        assert_eq!(
            places(&plan),
            [
                "install 0.0.0.0:3502 tied",
                "management 0.0.0.0:3211 tied",
                "asking 0.0.0.0:0 tied"
            ]
        );
        assert_eq!(plan.remark, None);
    }

    #[test]
    fn an_interface_without_address_is_listened_on_where_the_system_allows() {
        assert!(plan(&eth0(&[]), OPTIONS).can_listen());
        let windows = PlanOptions {
            platform: Platform::Windows,
            ..OPTIONS
        };
        assert!(!plan(&eth0(&[]), windows).can_listen());
    }

    #[test]
    fn broadcast_only_binds_to_broadcast_addresses() {
        let options = PlanOptions {
            broadcast_only: true,
            ..OPTIONS
        };
        let plan = plan(&eth0(&[([10, 0, 0, 5], 24), ([10, 0, 0, 6], 24)]), options);
        assert_eq!(
            places(&plan),
            [
                "install 255.255.255.255:3502 tied",
                "install 10.0.0.255:3502 tied",
                "management 255.255.255.255:3211 tied",
                "management 10.0.0.255:3211 tied",
                "asking 0.0.0.0:0 tied"
            ]
        );
    }

    #[test]
    fn windows_binds_to_every_address_and_says_what_it_cannot() {
        let options = PlanOptions {
            platform: Platform::Windows,
            broadcast_only: true,
            ..OPTIONS
        };
        let plan = plan(&eth0(&[([10, 0, 0, 5], 24)]), options);
        assert_eq!(
            places(&plan),
            [
                "install 10.0.0.5:3502",
                "management 10.0.0.5:3211",
                "asking 10.0.0.5:0"
            ]
        );
        assert!(plan.remark.is_some());
    }

    #[test]
    fn without_the_privilege_the_address_tells_the_interface() {
        let options = PlanOptions {
            may_tie: false,
            ..OPTIONS
        };
        let plan = plan(&eth0(&[([10, 0, 0, 5], 24)]), options);
        assert_eq!(
            places(&plan),
            [
                "install 10.0.0.255:3502",
                "install 10.0.0.5:3502",
                "management 10.0.0.255:3211",
                "management 10.0.0.5:3211",
                "asking 10.0.0.5:0"
            ]
        );
        assert!(
            plan.remark
                .is_some_and(|remark| remark.contains("255.255.255.255"))
        );
    }

    #[test]
    fn a_held_port_is_named() {
        let bind = &plan(&eth0(&[]), OPTIONS).binds[0];
        let error = OpenError::Io(io::Error::from(io::ErrorKind::AddrInUse));
        let words = open_words(&error, bind, "eth0");
        assert!(
            words.contains("3502") && words.contains("another program"),
            "{words}"
        );
    }
}
