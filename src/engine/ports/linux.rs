//! Linux: the kernel's tables say which sockets are bound, the descriptors of processes whose they are.
//!
//! The tables are those of the network namespace of the calling thread, and a socket's inode is unique on the whole
//! machine. So a process in a container or another namespace that holds the same port there is not told, and one that
//! has been handed a socket of this namespace is.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::UNNAMED_HOLDER;
use super::proc_files::{TableSocket, effective_uid, inode_of, sockets_in, user_name};
use crate::model::network::PortHolder;

/// The name of a holder whose user is this one, but that the system does not tell: it may run in a container.
const HIDDEN_HOLDER: &str = "a program that the system does not name";

/// What is read of one file of the system. The largest are the tables: 128 bytes a socket.
const READ_BYTES: u64 = 64 * 1024 * 1024;

const TABLES: [(&str, &str); 4] = [
    ("udp", "UDP"),
    ("udp6", "UDP"),
    ("tcp", "TCP"),
    ("tcp6", "TCP"),
];

/// A process that holds one of the sockets that were looked for.
#[derive(Clone, Debug)]
struct Process {
    pid: u32,
    name: String,
    path: Option<String>,
    uid: Option<u32>,
}

pub(super) fn holders(ports: &[u16]) -> Vec<PortHolder> {
    let sockets = sockets_on(ports);
    if sockets.is_empty() {
        return Vec::new();
    }
    let processes = processes_with(&sockets.iter().map(|(_, socket)| socket.inode).collect());
    // Looked at again: sockets come and go meanwhile, and one that has gone is nobody's.
    let is_explained = |inode| processes.contains_key(&inode);
    let still_there: BTreeSet<u64> = if sockets.iter().all(|(_, it)| is_explained(it.inode)) {
        BTreeSet::new()
    } else {
        sockets_on(ports).iter().map(|(_, it)| it.inode).collect()
    };
    let passwd = read("/etc/passwd").unwrap_or_default();
    let own_uid = read("/proc/self/status").and_then(|status| effective_uid(&status));
    let mut holders = Vec::new();
    for (protocol, socket) in &sockets {
        let holder = |process: Process| PortHolder {
            port: socket.local.port(),
            protocol,
            pid: process.pid,
            name: process.name,
            path: process.path,
            user: process.uid.map(|uid| user_name(&passwd, uid)),
            local: Some(socket.local),
            is_self: false,
        };
        match processes.get(&socket.inode) {
            Some(found) => holders.extend(found.iter().cloned().map(holder)),
            None if still_there.contains(&socket.inode) => {
                let name = if own_uid == Some(socket.uid) {
                    HIDDEN_HOLDER
                } else {
                    UNNAMED_HOLDER
                };
                holders.push(holder(Process {
                    pid: 0,
                    name: name.to_owned(),
                    path: None,
                    uid: Some(socket.uid),
                }));
            }
            None => {}
        }
    }
    holders
}

/// The bound sockets on these ports, with their protocol.
fn sockets_on(ports: &[u16]) -> Vec<(&'static str, TableSocket)> {
    let mut sockets = Vec::new();
    for (table, protocol) in TABLES {
        // The IPv6 tables are missing where IPv6 is switched off.
        let Some(text) = read(&format!("/proc/thread-self/net/{table}")) else {
            continue;
        };
        // A connection that merely has this local port is not a holder.
        let on_ports = sockets_in(&text, protocol == "TCP")
            .filter(|socket| ports.contains(&socket.local.port()))
            .map(|socket| (protocol, socket));
        sockets.extend(on_ports);
    }
    sockets
}

/// The processes that have one of these sockets, by inode. A socket can be of several: whoever was started by a process
/// may inherit it.
fn processes_with(inodes: &BTreeSet<u64>) -> BTreeMap<u64, Vec<Process>> {
    let mut found: BTreeMap<u64, Vec<Process>> = BTreeMap::new();
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return found;
    };
    for entry in entries.flatten() {
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let Some(pid) = pid else { continue };
        let held = inodes_of(&entry.path().join("fd"), inodes);
        if held.is_empty() {
            continue;
        }
        let process = process(pid, &entry.path());
        for inode in held {
            found.entry(inode).or_default().push(process.clone());
        }
    }
    found
}

/// Those of the sockets that are among these descriptors. Of another user's process nothing can be seen.
fn inodes_of(descriptors: &Path, wanted: &BTreeSet<u64>) -> BTreeSet<u64> {
    let Ok(entries) = std::fs::read_dir(descriptors) else {
        return BTreeSet::new();
    };
    entries
        .flatten()
        .filter_map(|entry| inode_of(std::fs::read_link(entry.path()).ok()?.to_str()?))
        .filter(|inode| wanted.contains(inode))
        .collect()
}

fn process(pid: u32, folder: &Path) -> Process {
    let text = |name: &str| read(&folder.join(name).to_string_lossy()).unwrap_or_default();
    let path: Option<PathBuf> = std::fs::read_link(folder.join("exe")).ok();
    Process {
        pid,
        name: text("comm").trim_end_matches('\n').to_owned(),
        path: path.map(|path| path.to_string_lossy().into_owned()),
        uid: effective_uid(&text("status")),
    }
}

fn read(path: &str) -> Option<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(READ_BYTES).read_to_end(&mut bytes))
        .ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
