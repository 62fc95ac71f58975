//! Who on this machine holds the ports that Rollcall listens on: every process, Rollcall itself too, as far as this user
//! may know. Where it comes from differs from system to system; what the systems write is read by pure functions.

use crate::model::network::PortHolder;

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(target_os = "macos", test))]
mod netstat;
#[cfg(any(target_os = "linux", test))]
mod proc_files;
#[cfg(any(windows, test))]
mod tasklist;

#[cfg(not(target_os = "linux"))]
use self::elsewhere as system;
#[cfg(target_os = "linux")]
use self::linux as system;

/// The name of a holder that the system does not tell: it belongs to another user.
pub const UNNAMED_HOLDER: &str = "a program of another user";

/// Everybody who holds one of `ports`, by UDP or as a TCP listener, in the order of ports; a process that holds a port
/// at several addresses once for each.
///
/// Names, paths and users only as far as this user may know them. A port that is held by somebody whom the system does
/// not name is reported with the id 0.
///
/// Looks through all processes, which can take tens of milliseconds, and may start programs of the system: call it off
/// the actor's thread.
pub fn all_holders(ports: &[u16]) -> Vec<PortHolder> {
    let own_pid = std::process::id();
    let mut holders = system::holders(ports);
    for holder in &mut holders {
        holder.is_self = holder.pid == own_pid;
    }
    holders.sort();
    holders.dedup();
    holders
}

/// Of all holders the other programs, each once for a port and protocol, wherever it is bound.
pub fn others(all: &[PortHolder]) -> Vec<PortHolder> {
    let mut others: Vec<PortHolder> = Vec::new();
    for holder in all.iter().filter(|holder| !holder.is_self) {
        let is_known = others.iter().any(|known| {
            (known.port, known.protocol, known.pid) == (holder.port, holder.protocol, holder.pid)
                && known.name == holder.name
                && known.user == holder.user
        });
        if !is_known {
            others.push(holder.clone());
        }
    }
    others
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

    fn holder(pid: u32, is_self: bool, local: SocketAddr) -> PortHolder {
        PortHolder {
            port: local.port(),
            protocol: "UDP",
            pid,
            name: "vendor".to_owned(),
            path: None,
            user: None,
            local: Some(local),
            is_self,
        }
    }

    #[test]
    fn others_are_told_once_whatever_they_are_bound_to_and_without_rollcall() {
        let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 3502));
        let all = [
            holder(7, false, everywhere),
            holder(7, false, (Ipv6Addr::UNSPECIFIED, 3502).into()),
            holder(7, false, (Ipv4Addr::UNSPECIFIED, 3211).into()),
            holder(8, true, everywhere),
            holder(9, false, everywhere),
        ];
        let told: Vec<_> = others(&all).iter().map(|it| (it.pid, it.port)).collect();
        assert_eq!(told, [(7, 3502), (7, 3211), (9, 3502)]);
    }
}
