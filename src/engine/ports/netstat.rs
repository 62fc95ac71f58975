//! What `netstat -anvW` and `ps` of macOS write. Text in, values out.
//!
//! A program may look into its own user's processes only, but `netstat` tells the process of every socket.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::UNNAMED_HOLDER;
use crate::model::network::PortHolder;

/// The columns before the figures: protocol, two queues, local and foreign address.
const LOCAL_IDX: usize = 3;
const AFTER_FOREIGN: usize = 5;

/// How the lines of one `netstat` are made: the process follows after so many figures.
#[derive(Clone, Copy, Debug)]
struct Shape {
    num_figures: usize,
}

/// Adds the holders of `ports` that are not among `holders` yet.
pub(super) fn add_sockets(holders: &mut Vec<PortHolder>, text: &str, ports: &[u16]) {
    let mut shape = None;
    for line in text.lines() {
        if let Some(figures) = shape_of(line) {
            shape = Some(figures);
        } else if let Some(found) = socket_of(line, shape)
            && ports.contains(&found.port)
            && !holders.iter().any(|known| is_same(known, &found))
        {
            holders.push(found);
        }
    }
}

/// A socket whose process is not told may be one of those that are known.
fn is_same(known: &PortHolder, found: &PortHolder) -> bool {
    (known.port, known.protocol) == (found.port, found.protocol)
        && (known.pid == found.pid || found.pid == 0)
}

/// The line of headings: how many stand between the state and the process.
fn shape_of(line: &str) -> Option<Shape> {
    let (_, after) = line.split_once("(state)")?;
    let num_figures = after
        .split_ascii_whitespace()
        .position(|heading| matches!(heading, "pid" | "process:pid"))?;
    Some(Shape { num_figures })
}

fn socket_of(line: &str, shape: Option<Shape>) -> Option<PortHolder> {
    let columns: Vec<&str> = line.split_ascii_whitespace().collect();
    let protocol = match columns.first()? {
        kind if kind.starts_with("udp") => "UDP",
        kind if kind.starts_with("tcp") => "TCP",
        _ => return None,
    };
    let (ip, port) = columns.get(LOCAL_IDX)?.rsplit_once('.')?;
    let port = port.parse().ok()?;
    let mut rest = columns.get(AFTER_FOREIGN..)?;
    // Only TCP has a state; a connection that merely has this local port is not a holder.
    if protocol == "TCP" {
        if rest.first() != Some(&"LISTEN") {
            return None;
        }
        rest = &rest[1..];
    }
    let (name, pid) = shape
        .and_then(|shape| process_of(rest.get(shape.num_figures..)?))
        .unwrap_or_default();
    let name = match name.as_str() {
        "" => UNNAMED_HOLDER.to_owned(),
        _ => name,
    };
    Some(PortHolder {
        port,
        protocol,
        pid,
        name,
        path: None,
        user: None,
        local: local_ip(ip, columns[0]).map(|ip| SocketAddr::new(ip, port)),
        is_self: false,
    })
}

/// A plain id up to macOS 15; later a name, which may have blanks and is cut, and the id.
fn process_of(columns: &[&str]) -> Option<(String, u32)> {
    /// More words than a name of 16 characters has.
    const NAME_WORDS: usize = 16;
    if let Ok(pid) = columns.first()?.parse() {
        return Some((String::new(), pid));
    }
    let mut name = String::new();
    for column in columns.iter().take(NAME_WORDS) {
        if let Some((last, pid)) = column.rsplit_once(':')
            && let Ok(pid) = pid.parse()
        {
            name.push_str(last);
            return Some((name, pid));
        }
        name.push_str(column);
        name.push(' ');
    }
    None
}

fn local_ip(text: &str, kind: &str) -> Option<IpAddr> {
    match text {
        "*" if kind.contains('6') => Some(Ipv6Addr::UNSPECIFIED.into()),
        "*" => Some(Ipv4Addr::UNSPECIFIED.into()),
        _ => text.split('%').next()?.parse().ok(),
    }
}

/// Adds whose the processes are, and what only `netstat` knew so far gets its whole name and path.
pub(super) fn add_users(holders: &mut [PortHolder], text: &str) {
    for line in text.lines() {
        let Some((pid, rest)) = line.trim_start().split_once(char::is_whitespace) else {
            continue;
        };
        let Some((user, command)) = rest.trim_start().split_once(char::is_whitespace) else {
            continue;
        };
        let Ok(pid) = pid.parse::<u32>() else {
            continue;
        };
        let command = command.trim();
        for holder in holders.iter_mut().filter(|holder| holder.pid == pid) {
            holder.user = Some(user.to_owned());
            if holder.path.is_none() && command.starts_with('/') {
                holder.path = Some(command.to_owned());
                if let Some((_, name)) = command.rsplit_once('/') {
                    name.clone_into(&mut holder.name);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTS: [u16; 2] = [3502, 3211];

    fn found(text: &str) -> Vec<(u32, String, &'static str, String)> {
        let mut holders = Vec::new();
        add_sockets(&mut holders, text, &PORTS);
        holders
            .into_iter()
            .map(|it| {
                let local = it.local.map_or_else(String::new, |local| local.to_string());
                (it.pid, it.name, it.protocol, local)
            })
            .collect()
    }

    fn expected(
        pid: u32,
        name: &str,
        protocol: &'static str,
        local: &str,
    ) -> (u32, String, &'static str, String) {
        (pid, name.to_owned(), protocol, local.to_owned())
    }

    #[test]
    fn sockets_with_a_plain_id_are_read() {
        let text = "Active Internet connections (including servers)\n\
            Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)      rhiwat  shiwat    pid   epid state  options\n\
            tcp46      0      0  *.3502                 *.*                    LISTEN       131072  131072    777      0 00100 00000006\n\
            tcp4       0      0  10.0.0.5.3211          10.0.0.9.50123         ESTABLISHED  131072  131072    778      0 00102 00000008\n\
            tcp4       0      0  127.0.0.1.22           *.*                    LISTEN       131072  131072    779      0 00100 00000006\n\
            udp4       0      0  *.3502                 *.*                                 786896    9216    780      0 00100 00000000\n\
            udp6       0      0  fe80::1%lo0.3211       *.*                                 786896    9216    781      0 00100 00000000\n\
            udp4       0      0  *.*                    *.*                                 786896    9216    782      0 00100 00000000\n";
        assert_eq!(
            found(text),
            [
                expected(777, UNNAMED_HOLDER, "TCP", "[::]:3502"),
                expected(780, UNNAMED_HOLDER, "UDP", "0.0.0.0:3502"),
                expected(781, UNNAMED_HOLDER, "UDP", "[fe80::1]:3211"),
            ]
        );
    }

    #[test]
    fn sockets_with_a_name_and_an_id_are_read() {
        let text = "Proto Recv-Q Send-Q  Local Address  Foreign Address  (state)  rxbytes  txbytes  rhiwat  shiwat  process:pid  state  options\n\
            tcp4       0      0  127.0.0.1.3502  *.*  LISTEN  0  0  131072  131072  Vendor Tool He:53082  00100 00000106\n\
            udp46      0      0  *.3211          *.*          0  0  786896  9216    launchd:1             00100 00000106\n\
            udp4       0      0  2001.3502 cut\n";
        assert_eq!(
            found(text),
            [
                expected(53_082, "Vendor Tool He", "TCP", "127.0.0.1:3502"),
                expected(1, "launchd", "UDP", "[::]:3211"),
                // A line that is cut still says that somebody holds the port.
                expected(0, UNNAMED_HOLDER, "UDP", ""),
            ]
        );
    }

    #[test]
    fn a_socket_whose_process_is_not_told_is_told_all_the_same() {
        let text = "udp4 0 0 *.3502 *.*\n";
        assert_eq!(
            found(text),
            [expected(0, UNNAMED_HOLDER, "UDP", "0.0.0.0:3502")]
        );
    }

    #[test]
    fn what_is_known_already_is_not_added() {
        let text = "Proto Recv-Q Send-Q Local Address Foreign Address (state) rhiwat shiwat pid epid\n\
            udp4 0 0 *.3502 *.* 786896 9216 780 0\nudp4 0 0 *.3502 *.* 786896 9216 781 0\n";
        let mut holders = Vec::new();
        add_sockets(&mut holders, text, &PORTS);
        add_sockets(&mut holders, text, &PORTS);
        let pids: Vec<_> = holders.iter().map(|holder| holder.pid).collect();
        assert_eq!(pids, [780, 781]);
    }

    #[test]
    fn processes_get_their_user_path_and_whole_name() {
        let mut holders = Vec::new();
        let text = "udp4 0 0 *.3502 *.*\n";
        add_sockets(&mut holders, text, &PORTS);
        holders[0].pid = 780;
        add_users(
            &mut holders,
            "  779 root             /sbin/launchd\n  780 alice            /Applications/Vendor Tool.app/Contents/MacOS/Vendor Tool\nx\n",
        );
        let holder = &holders[0];
        assert_eq!(holder.user.as_deref(), Some("alice"));
        assert_eq!(holder.name, "Vendor Tool");
        assert_eq!(
            holder.path.as_deref(),
            Some("/Applications/Vendor Tool.app/Contents/MacOS/Vendor Tool")
        );
    }
}
