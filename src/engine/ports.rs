//! Which other programs on this machine hold the ports that Rollcall listens on.

use std::collections::HashSet;

use listeners::{Listener, Protocol, SocketState};

use crate::model::network::PortHolder;

/// The name of a holder that the system does not tell: it belongs to another user.
pub const UNNAMED_HOLDER: &str = "a program of another user";

/// Who holds one of `ports`, by UDP or as a TCP listener; Rollcall itself left out, sorted.
///
/// Names and ids only as far as this user may know them. A port that is held by somebody whom the
/// system does not name is reported with the id 0 (Linux).
///
/// Looks through all processes, which can take tens of milliseconds: call it off the actor's thread.
pub fn holders(ports: &[u16]) -> Vec<PortHolder> {
    let found = listeners::get_all().unwrap_or_else(|error| {
        tracing::debug!("the processes that hold ports cannot be listed: {error}");
        HashSet::new()
    });
    let own_pid = std::process::id();
    let mut holders: Vec<_> = found
        .into_iter()
        .filter_map(|listener| holder_of(listener, ports))
        .collect();
    for (port, protocol) in unnamed(ports) {
        // When a name is known for this port, the socket without a name may be its own.
        if !holders.iter().any(|holder| {
            holder.port == port && holder.protocol == protocol && holder.pid != own_pid
        }) {
            holders.push(PortHolder {
                pid: 0,
                name: UNNAMED_HOLDER.to_owned(),
                port,
                protocol,
            });
        }
    }
    holders.retain(|holder| holder.pid != own_pid);
    holders.sort();
    holders.dedup();
    holders
}

fn holder_of(listener: Listener, ports: &[u16]) -> Option<PortHolder> {
    let port = listener.socket.port();
    if !ports.contains(&port) {
        return None;
    }
    let protocol = match listener.protocol {
        Protocol::UDP => "UDP",
        // A connection that merely has this local port is not a holder.
        Protocol::TCP if listener.state == SocketState::Listen => "TCP",
        Protocol::TCP => return None,
    };
    Some(PortHolder {
        pid: listener.process.pid,
        name: listener.process.name,
        port,
        protocol,
    })
}

/// Ports with a socket that belongs to no descriptor of this process.
#[cfg(target_os = "linux")]
fn unnamed(ports: &[u16]) -> Vec<(u16, &'static str)> {
    // Looked at before and after: sockets of our own come and go meanwhile.
    let mut own = own_inodes();
    let mut found = Vec::new();
    for (path, protocol) in [
        ("/proc/net/udp", "UDP"),
        ("/proc/net/udp6", "UDP"),
        ("/proc/net/tcp", "TCP"),
        ("/proc/net/tcp6", "TCP"),
    ] {
        // The IPv6 tables are missing where IPv6 is switched off.
        let Ok(table) = std::fs::read_to_string(path) else {
            continue;
        };
        for (port, inode) in sockets_in(&table, protocol == "TCP") {
            if ports.contains(&port) {
                found.push((port, protocol, inode));
            }
        }
    }
    own.extend(own_inodes());
    found
        .into_iter()
        .filter(|(_, _, inode)| !own.contains(inode))
        .map(|(port, protocol, _)| (port, protocol))
        .collect()
}

#[cfg(not(target_os = "linux"))]
fn unnamed(_ports: &[u16]) -> Vec<(u16, &'static str)> {
    Vec::new()
}

/// Local port and inode of every socket in one of the kernel's tables.
#[cfg(target_os = "linux")]
fn sockets_in(table: &str, listening_only: bool) -> impl Iterator<Item = (u16, u64)> + '_ {
    const LISTEN: &str = "0A";
    table.lines().skip(1).filter_map(move |line| {
        let mut columns = line.split_ascii_whitespace();
        let local = columns.nth(1)?;
        let state = columns.nth(1)?;
        let inode = columns.nth(5)?.parse().ok()?;
        let port = u16::from_str_radix(local.rsplit(':').next()?, 16).ok()?;
        (!listening_only || state == LISTEN).then_some((port, inode))
    })
}

#[cfg(target_os = "linux")]
fn own_inodes() -> HashSet<u64> {
    let Ok(descriptors) = std::fs::read_dir("/proc/self/fd") else {
        return HashSet::new();
    };
    descriptors
        .filter_map(|entry| {
            let target = std::fs::read_link(entry.ok()?.path()).ok()?;
            target
                .to_str()?
                .strip_prefix("socket:[")?
                .strip_suffix(']')?
                .parse()
                .ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, SocketAddr};

    fn listener(port: u16, protocol: Protocol, state: SocketState) -> Listener {
        Listener {
            process: listeners::Process {
                pid: 7,
                name: "vendor".to_owned(),
                path: "/opt/vendor".to_owned(),
            },
            socket: SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
            protocol,
            state,
        }
    }

    #[test]
    fn only_sockets_that_can_take_from_us_count() {
        let ports = [3502, 3211];
        let held = |port, protocol, state| holder_of(listener(port, protocol, state), &ports);
        assert!(held(3502, Protocol::UDP, SocketState::Unknown).is_some());
        assert!(held(3211, Protocol::TCP, SocketState::Listen).is_some());
        assert!(held(3211, Protocol::TCP, SocketState::Established).is_none());
        assert!(held(3503, Protocol::UDP, SocketState::Unknown).is_none());
    }

    #[test]
    fn this_process_is_left_out() {
        let own = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket of our own");
        let port = own.local_addr().expect("it is bound").port();
        assert!(holders(&[port]).is_empty());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_kernels_table_is_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            10: 00000000:0DAE 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4242 2 0 0\n\
            11: 0100007F:0C8B 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 17 2 0 0\n\
            damaged line\n";
        assert_eq!(
            sockets_in(table, false).collect::<Vec<_>>(),
            [(3502, 4242), (3211, 17)]
        );
        assert_eq!(sockets_in(table, true).collect::<Vec<_>>(), [(3211, 17)]);
    }
}
