//! Who searches in the lab without the engine: three sockets on one interface, as a bare as it gets.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use rollcall::model::identity::Mac;
use rollcall::wire::{
    DiscoverReply, Message, PORT_INSTALL, PORT_MANAGEMENT, decode, discover_request,
};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::lab::Host;

/// Three sockets on one interface.
#[derive(Debug)]
pub(crate) struct Searcher {
    /// On ports 3502 and 3211, and the one that asks.
    sockets: [UdpSocket; 3],
}

/// A reply that was heard.
#[derive(Debug)]
pub(crate) struct Heard {
    /// The sender.
    pub(crate) from: SocketAddr,
    /// The port it was heard on; 0 for the one that asks.
    pub(crate) port: u16,
    /// What it says.
    pub(crate) reply: DiscoverReply,
}

impl Heard {
    /// The unit's MAC, as it is printed.
    pub(crate) fn mac(&self) -> String {
        let mac = self.reply.mac.expect("a unit says its MAC");
        Mac::new(mac).to_string()
    }
}

impl Searcher {
    /// Opens the sockets.
    pub(crate) fn new(host: &Host, interface: &str) -> Self {
        let sockets = [PORT_INSTALL, PORT_MANAGEMENT, 0].map(|port| {
            let socket = host
                .socket(interface, port, true)
                .expect("the port is free on the host");
            UdpSocket::from_std(socket).expect("it does not block")
        });
        Self { sockets }
    }

    /// Asks everybody on one port.
    pub(crate) async fn ask(&self, port: u16) -> std::io::Result<()> {
        let [.., asking] = &self.sockets;
        asking
            .send_to(&discover_request(7), (Ipv4Addr::BROADCAST, port))
            .await
            .map(drop)
    }

    /// What is heard until so many replies have come, or the time is over.
    pub(crate) async fn hear(&self, num_replies: usize, patience: Duration) -> Vec<Heard> {
        let mut all = Vec::new();
        let [install, management, asking] = &self.sockets;
        let mut bufs = [[0; 2_048]; 3];
        timeout(patience, async {
            while all.len() < num_replies {
                let [buf_0, buf_1, buf_2] = &mut bufs;
                let (port, received) = tokio::select! {
                    received = install.recv_from(buf_0) => (PORT_INSTALL, received.map(|r| (r, &buf_0[..]))),
                    received = management.recv_from(buf_1) => (PORT_MANAGEMENT, received.map(|r| (r, &buf_1[..]))),
                    received = asking.recv_from(buf_2) => (0, received.map(|r| (r, &buf_2[..]))),
                };
                let ((len_bytes, from), buf) = received.expect("a datagram");
                if let Ok(Message::DiscoverReply(reply)) =
                    decode(&buf[..len_bytes]).map(|decoded| decoded.message)
                {
                    all.push(Heard { from, port, reply });
                }
            }
        })
        .await
        .ok();
        all
    }
}

/// The MACs of what was heard, sorted, each once.
pub(crate) fn macs(heard: &[Heard]) -> Vec<String> {
    let mut macs: Vec<String> = heard.iter().map(Heard::mac).collect();
    macs.sort_unstable();
    macs.dedup();
    macs
}
