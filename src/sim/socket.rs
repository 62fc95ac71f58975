//! The fleet's two sockets: where it is placed, what it hears on, and where what it says goes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::num::NonZeroU32;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::UdpSocket;

use super::fleet::SimError;
use super::unit::{Behavior, SimUnit};
use crate::wire::{PORT_INSTALL, PORT_MANAGEMENT};

/// Room for a burst of questions while the fleet is busy answering.
const RECEIVE_BUFFER_BYTES: usize = 1 << 20;

/// Where a fleet is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    /// On 127.0.0.1.
    Loopback {
        /// The ports on which announcements and broadcast replies are listened for: install, management.
        hear: [u16; 2],
        /// The ports that the fleet is asked on. `None`: free ones, see [`Fleet::ports`](super::Fleet::ports).
        listen: Option<[u16; 2]>,
    },
    /// Behind an interface of this machine, on the registered ports.
    Interface(SimInterface),
}

/// An interface, as the system knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimInterface {
    /// Its name.
    pub name: String,
    /// The system's number of it.
    pub index: NonZeroU32,
    /// Its IPv4 address. Without one, every unit broadcasts from 0.0.0.0.
    pub ip: Option<Ipv4Addr>,
}

/// Where what the fleet says goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reach {
    /// Everybody who listens on loopback.
    Loopback { hear: [u16; 2] },
    /// The network behind an interface.
    Interface { has_ip: bool },
}

impl Reach {
    /// Where a unit announces itself.
    pub(super) fn everybody(self) -> SocketAddr {
        let ip_port = match self {
            Self::Loopback { hear: [install, _] } => (Ipv4Addr::LOCALHOST, install),
            Self::Interface { .. } => (Ipv4Addr::BROADCAST, PORT_INSTALL),
        };
        SocketAddr::from(ip_port)
    }

    /// Where a unit's answer to `asker` goes.
    pub(super) fn answer_to(
        self,
        unit: &SimUnit,
        asker: SocketAddr,
    ) -> impl Iterator<Item = SocketAddr> + use<> {
        let everybody = self.everybody();
        let broadcasts = unit.behavior == Behavior::BroadcastReply;
        let (first, second) = match self {
            // There is no broadcast on loopback: both who could have heard one hear of it.
            Self::Loopback { .. } if broadcasts && everybody != asker => (everybody, Some(asker)),
            // Without an address there is no unicast: nobody could resolve the sender.
            Self::Interface { has_ip } if broadcasts || !has_ip || unit.network.is_none() => {
                (everybody, None)
            }
            Self::Loopback { .. } | Self::Interface { .. } => (asker, None),
        };
        std::iter::once(first).chain(second)
    }
}

/// Binds the two sockets.
pub(super) async fn bind(placement: &Placement) -> Result<([UdpSocket; 2], Reach), SimError> {
    match placement {
        Placement::Loopback { hear, listen } => {
            let [install, management] = listen.unwrap_or([0, 0]);
            let sockets = [
                bind_loopback(install).await?,
                bind_loopback(management).await?,
            ];
            Ok((sockets, Reach::Loopback { hear: *hear }))
        }
        Placement::Interface(interface) => {
            let sockets = [
                bind_interface(interface, PORT_INSTALL)?,
                bind_interface(interface, PORT_MANAGEMENT)?,
            ];
            let has_ip = interface.ip.is_some();
            Ok((sockets, Reach::Interface { has_ip }))
        }
    }
}

async fn bind_loopback(port: u16) -> Result<UdpSocket, SimError> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|source| SimError::Bind { port, source })?;
    // The default buffer does as well, only less of a burst fits it.
    SockRef::from(&socket)
        .set_recv_buffer_size(RECEIVE_BUFFER_BYTES)
        .ok();
    Ok(socket)
}

fn bind_interface(interface: &SimInterface, port: u16) -> Result<UdpSocket, SimError> {
    let open = || -> io::Result<UdpSocket> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        socket.set_broadcast(true)?;
        socket.set_reuse_address(true)?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?;
        let ip = tie(&socket, interface)?;
        socket.bind(&SocketAddrV4::new(ip, port).into())?;
        UdpSocket::from_std(socket.into())
    };
    open().map_err(|source| SimError::Interface {
        name: interface.name.clone(),
        port,
        source,
    })
}

/// Ties a socket to the interface and says what to bind it to.
#[cfg(target_os = "linux")]
fn tie(socket: &Socket, interface: &SimInterface) -> io::Result<Ipv4Addr> {
    socket.bind_device(Some(interface.name.as_bytes()))?;
    Ok(Ipv4Addr::UNSPECIFIED)
}

/// Ties a socket to the interface and says what to bind it to. A socket that is bound to the
/// interface's own IP is deaf to broadcasts here.
#[cfg(target_os = "macos")]
fn tie(socket: &Socket, interface: &SimInterface) -> io::Result<Ipv4Addr> {
    socket.set_reuse_port(true)?;
    socket.bind_device_by_index_v4(Some(interface.index))?;
    Ok(Ipv4Addr::UNSPECIFIED)
}

/// Ties a socket to the interface by what it is bound to, which hears broadcasts on Windows.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn tie(_socket: &Socket, interface: &SimInterface) -> io::Result<Ipv4Addr> {
    interface
        .ip
        .ok_or_else(|| io::Error::other("the interface has no IPv4 address to bind to"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{FleetPlan, FleetStyle};

    const ASKER: SocketAddr =
        SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 5), 40_000));

    fn answers(reach: Reach, behavior: Behavior, asker: SocketAddr) -> Vec<String> {
        let plan = FleetPlan {
            units: 1,
            style: FleetStyle::Every(behavior),
            ..FleetPlan::demo()
        };
        reach
            .answer_to(&plan.build()[0], asker)
            .map(|to| to.to_string())
            .collect()
    }

    #[test]
    fn who_has_no_address_answers_everybody() {
        let with_ip = Reach::Interface { has_ip: true };
        let without_ip = Reach::Interface { has_ip: false };
        for (reach, behavior, expected) in [
            (with_ip, Behavior::Configured, "10.77.0.5:40000"),
            (with_ip, Behavior::ForeignSubnet, "10.77.0.5:40000"),
            (with_ip, Behavior::WithoutIp, "255.255.255.255:3502"),
            (with_ip, Behavior::BroadcastReply, "255.255.255.255:3502"),
            (without_ip, Behavior::Configured, "255.255.255.255:3502"),
        ] {
            assert_eq!(answers(reach, behavior, ASKER), [expected], "{behavior:?}");
        }
    }

    #[test]
    fn on_loopback_a_broadcast_goes_to_listener_and_asker() {
        let reach = Reach::Loopback {
            hear: [13_502, 13_211],
        };
        assert_eq!(
            answers(reach, Behavior::BroadcastReply, ASKER),
            ["127.0.0.1:13502", "10.77.0.5:40000"]
        );
        let listener = reach.everybody();
        assert_eq!(
            answers(reach, Behavior::BroadcastReply, listener),
            ["127.0.0.1:13502"],
            "who asks from the listening port hears it once"
        );
        assert_eq!(
            answers(reach, Behavior::WithoutIp, ASKER),
            ["10.77.0.5:40000"]
        );
    }
}
