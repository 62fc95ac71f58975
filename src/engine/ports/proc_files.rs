//! What Linux writes of sockets, processes and users. Text in, values out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A socket in one of the kernel's tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableSocket {
    pub(super) local: SocketAddr,
    /// The user id of whoever opened it.
    pub(super) uid: u32,
    /// By which it is known among the descriptors of processes.
    pub(super) inode: u64,
}

/// The sockets of one of the tables in `/proc/net`.
pub(super) fn sockets_in(
    table: &str,
    listening_only: bool,
) -> impl Iterator<Item = TableSocket> + '_ {
    const LISTEN: &str = "0A";
    table.lines().skip(1).filter_map(move |line| {
        let mut columns = line.split_ascii_whitespace();
        let local = local_of(columns.nth(1)?)?;
        let state = columns.nth(1)?;
        let uid = columns.nth(3)?.parse().ok()?;
        let inode = columns.nth(1)?.parse().ok()?;
        (!listening_only || state == LISTEN).then_some(TableSocket { local, uid, inode })
    })
}

/// An address is written as 32-bit words, each as the processor has it in memory; the port as a plain number.
fn local_of(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |idx: usize| {
        let digits = ip.get(idx * 8..idx * 8 + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut bytes = [0; 16];
            for (idx, place) in bytes.chunks_exact_mut(4).enumerate() {
                place.copy_from_slice(&word(idx)?);
            }
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// The inode of the socket that a descriptor is, by what its link says.
pub(super) fn inode_of(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?
        .strip_suffix(']')?
        .parse()
        .ok()
}

/// The user that a process acts as, of its `status`: the second of four.
pub(super) fn effective_uid(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The name of a user in `/etc/passwd`, else the number.
pub(super) fn user_name(passwd: &str, uid: u32) -> String {
    passwd
        .lines()
        .find_map(|line| {
            let mut columns = line.split(':');
            let name = columns.next().filter(|name| !name.is_empty())?;
            let known: u32 = columns.nth(1)?.parse().ok()?;
            (known == uid).then(|| name.to_owned())
        })
        .unwrap_or_else(|| uid.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_endian = "little")]
    #[test]
    fn the_kernels_tables_are_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            10: 00000000:0DAE 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4242 2 0 0\n\
            11: 0100007F:0C8B 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 17 2 0 0\n\
            12: 0000000000000000FFFF00000500A8C0:0DAE 00000000000000000000000000000000:0000 01 0:0 00:00000000 00000000  65534        0 18 2 0 0\n\
            13: 000080FE000000000000000001000000:0DAE 00000000000000000000000000000000:0000 0A 0:0 00:00000000 00000000  65534        0 19 2 0 0\n\
            14: 0000:0DAE 00000000:0000 0A 0:0 00:00000000 00000000 0 0 20 2 0 0\n\
            damaged line\n";
        let read = |listening_only| -> Vec<(String, u32, u64)> {
            sockets_in(table, listening_only)
                .map(|socket| (socket.local.to_string(), socket.uid, socket.inode))
                .collect()
        };
        let expected = [
            ("0.0.0.0:3502", 0, 4_242),
            ("127.0.0.1:3211", 1_000, 17),
            ("[::ffff:192.168.0.5]:3502", 65_534, 18),
            ("[fe80::1]:3502", 65_534, 19),
        ]
        .map(|(local, uid, inode)| (local.to_owned(), uid, inode));
        assert_eq!(read(false), expected);
        assert_eq!(read(true), [expected[1].clone(), expected[3].clone()]);
    }

    #[test]
    fn only_descriptors_of_sockets_have_an_inode() {
        assert_eq!(inode_of("socket:[4242]"), Some(4_242));
        for link in ["pipe:[4242]", "/dev/null", "socket:[]", "socket:[1", ""] {
            assert_eq!(inode_of(link), None, "{link}");
        }
    }

    #[test]
    fn a_process_is_the_user_that_it_acts_as() {
        let status = "Name:\tUid: 7\nUmask:\t0022\nUid:\t0\t33\t0\t33\nGid:\t0\t0\t0\t0\n";
        assert_eq!(effective_uid(status), Some(33));
        assert_eq!(effective_uid("Name:\tx\n"), None);
    }

    #[test]
    fn users_have_a_name_or_a_number() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\n::5:5::/:/\n# comment\nalice:x:1000:1000::/home/alice:/bin/sh\n";
        assert_eq!(user_name(passwd, 0), "root");
        assert_eq!(user_name(passwd, 1_000), "alice");
        assert_eq!(user_name(passwd, 5), "5");
        assert_eq!(user_name("", 4_294_967_294), "4294967294");
    }
}
