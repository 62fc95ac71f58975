//! Windows, macOS and the rest: a crate asks the system which process holds what; whose it is, and on macOS what other
//! users hold, a program of the system prints.

use std::collections::HashSet;

use listeners::{Listener, Protocol, SocketState};

use crate::model::network::PortHolder;

pub(super) fn holders(ports: &[u16]) -> Vec<PortHolder> {
    let found = listeners::get_all().unwrap_or_else(|error| {
        tracing::debug!("the processes that hold ports cannot be listed: {error}");
        HashSet::new()
    });
    let mut holders: Vec<_> = found
        .into_iter()
        .filter_map(|listener| holder_of(listener, ports))
        .collect();
    complete(&mut holders, ports);
    holders
}

fn holder_of(listener: Listener, ports: &[u16]) -> Option<PortHolder> {
    let local = listener.socket;
    if !ports.contains(&local.port()) {
        return None;
    }
    let protocol = match listener.protocol {
        Protocol::UDP => "UDP",
        // A connection that merely has this local port is not a holder.
        Protocol::TCP if listener.state == SocketState::Listen => "TCP",
        Protocol::TCP => return None,
    };
    let process = listener.process;
    Some(PortHolder {
        port: local.port(),
        protocol,
        pid: process.pid,
        name: process.name,
        path: Some(process.path).filter(|path| !path.is_empty()),
        user: None,
        local: Some(local),
        is_self: false,
    })
}

/// Adds what other users hold, and whose each process is.
#[cfg(target_os = "macos")]
fn complete(holders: &mut Vec<PortHolder>, ports: &[u16]) {
    use super::netstat::{add_sockets, add_users};
    use crate::engine::identify::neighbors::command::run_first;

    for protocol in ["udp", "tcp"] {
        match run_first(&["/usr/sbin"], "netstat", &["-anvW", "-p", protocol]) {
            Ok(text) => add_sockets(holders, &text, ports),
            Err(error) => tracing::debug!("the sockets of other users are not known: {error}"),
        }
    }
    let mut pids: Vec<String> = holders.iter().map(|it| it.pid.to_string()).collect();
    pids.sort_unstable();
    pids.dedup();
    pids.retain(|pid| pid != "0");
    if pids.is_empty() {
        return;
    }
    let pids = pids.join(",");
    let args = ["-o", "pid=", "-o", "user=", "-o", "comm=", "-p", &pids];
    match run_first(&["/bin"], "ps", &args) {
        Ok(text) => add_users(holders, &text),
        Err(error) => tracing::debug!("whose processes hold ports is not known: {error}"),
    }
}

/// Adds whose each process is. The program that says so is slow: it is asked once for each process.
#[cfg(windows)]
fn complete(holders: &mut [PortHolder], _ports: &[u16]) {
    use std::collections::BTreeMap;
    use std::sync::{Mutex, PoisonError};

    use super::tasklist::user_of;
    use crate::engine::identify::neighbors::command::run;

    /// How many processes are asked for at one look; the others at the next.
    const ASKED_AT_ONCE: usize = 4;
    type Users = BTreeMap<(u32, String), Option<String>>;
    /// Only of processes that hold a port now.
    static USERS: Mutex<Users> = Mutex::new(BTreeMap::new());

    let key = |holder: &PortHolder| (holder.pid, holder.name.clone());
    let mut users = std::mem::take(&mut *USERS.lock().unwrap_or_else(PoisonError::into_inner));
    users.retain(|known, _| holders.iter().any(|holder| key(holder) == *known));
    let tasklist = std::env::var_os("SystemRoot")
        .map(std::path::PathBuf::from)
        .filter(|root| root.is_absolute())
        .unwrap_or_else(|| std::path::PathBuf::from(r"C:\Windows"))
        .join("System32")
        .join("tasklist.exe");
    let mut num_asked = 0;
    for holder in holders {
        if !users.contains_key(&key(holder)) && num_asked < ASKED_AT_ONCE {
            num_asked += 1;
            let filter = format!("PID eq {}", holder.pid);
            let args = ["/V", "/FO", "CSV", "/NH", "/FI", &filter];
            match run(&tasklist, &args) {
                Ok(text) => {
                    users.insert(key(holder), user_of(&text, holder.pid));
                }
                Err(error) => tracing::debug!("whose process holds a port is not known: {error}"),
            }
        }
        holder.user = users.get(&key(holder)).cloned().flatten();
    }
    *USERS.lock().unwrap_or_else(PoisonError::into_inner) = users;
}

#[cfg(not(any(windows, target_os = "macos")))]
fn complete(_holders: &mut [PortHolder], _ports: &[u16]) {}

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
}
