//! Who holds ports on this machine: this process and another one, on ports that the system gives out.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};

use rollcall::engine::ports::{all_holders, others};
use rollcall::model::network::PortHolder;

/// Set for the process that another test starts.
const IS_CHILD: &str = "ROLLCALL_TEST_HOLDS_A_PORT";

/// What comes before the port in what the child says.
const PORT_IS: &str = "the port is ";

/// A UDP socket and a TCP listener on the same port.
fn sockets() -> (UdpSocket, TcpListener) {
    const TRIES: usize = 64;
    for _ in 0..TRIES {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback is there");
        let local = udp.local_addr().expect("it is bound");
        if let Ok(tcp) = TcpListener::bind(local) {
            return (udp, tcp);
        }
    }
    panic!("no port is free for UDP and TCP");
}

fn protocols(holders: &[PortHolder]) -> Vec<&'static str> {
    holders.iter().map(|holder| holder.protocol).collect()
}

fn check(holder: &PortHolder, pid: u32, local: SocketAddr) {
    assert_eq!(holder.pid, pid);
    assert_eq!(holder.local, Some(local));
    assert_eq!(holder.port, local.port());
    let path = std::env::current_exe().expect("this program has a path");
    // A process may always be told its own path, and that of its own user.
    assert_eq!(
        holder.path.as_deref().map(Path::new),
        Some(path.as_path()),
        "{holder:?}"
    );
    let name = path.file_name().expect("a file").to_string_lossy();
    // Linux cuts names.
    assert!(
        !holder.name.is_empty() && name.starts_with(&holder.name),
        "{holder:?}"
    );
}

#[test]
fn this_process_is_listed_as_itself_and_not_among_the_others() {
    let (udp, tcp) = sockets();
    let local = udp.local_addr().expect("it is bound");
    // A connection that has the port is not a listener.
    let client = TcpStream::connect(local).expect("it listens");
    let (_accepted, _) = tcp.accept().expect("it has connected");
    let holders = all_holders(&[local.port()]);
    assert_eq!(protocols(&holders), ["TCP", "UDP"], "{holders:?}");
    for holder in &holders {
        check(holder, std::process::id(), local);
        assert!(holder.is_self);
        if cfg!(unix) {
            assert!(holder.user.is_some(), "{holder:?}");
        }
    }
    assert_eq!(others(&holders), []);
    drop((udp, tcp));
    let left = all_holders(&[local.port()]);
    assert!(protocols(&left).iter().all(|it| *it != "UDP"), "{left:?}");
    drop(client);
}

#[test]
fn another_process_is_listed_with_everything() {
    let program = std::env::current_exe().expect("this program has a path");
    let mut child = Command::new(program)
        .args(["--exact", "holds_a_port_when_it_is_told_to", "--nocapture"])
        .env(IS_CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs already");
    // Kept to the end: whoever writes to nobody fails.
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let port = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.split_once(PORT_IS)?.1.trim().parse::<u16>().ok())
        .expect("the child says its port");
    let holders = all_holders(&[port]);
    // Ends it: it waits for the end of its input.
    drop(child.stdin.take());
    let pid = child.id();
    lines.for_each(drop);
    child.wait().expect("it ends");
    assert_eq!(protocols(&holders), ["TCP", "UDP"], "{holders:?}");
    for holder in &holders {
        check(holder, pid, (Ipv4Addr::LOCALHOST, port).into());
        assert!(!holder.is_self);
    }
    assert_eq!(others(&holders), holders);
    let all = all_holders(&[port]);
    let gone = all.iter().all(|holder| holder.pid != pid);
    assert!(gone, "a process that has ended holds nothing: {all:?}");
}

/// The other process.
#[test]
fn holds_a_port_when_it_is_told_to() {
    if std::env::var_os(IS_CHILD).is_none() {
        return;
    }
    let (udp, _tcp) = sockets();
    let port = udp.local_addr().expect("it is bound").port();
    let mut out = std::io::stdout();
    writeln!(out, "\n{PORT_IS}{port}").expect("somebody listens");
    out.flush().expect("somebody listens");
    let mut rest = Vec::new();
    std::io::stdin()
        .read_to_end(&mut rest)
        .expect("the input ends with who started this");
}
