//! Who holds the ports on the laptop of the lab, against what `ss`, `netstat` and `lsof` print of the same.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use rollcall::engine::ports::all_holders;
use rollcall::model::network::PortHolder;
use serde_json::Value;

use crate::lab::{Host, Lab, NICS};

const PORTS: [u16; 2] = [3502, 3211];

/// Binds what the arguments name, after it has become the user of the first: `u4` and `u6` for UDP, `t4` and `t6` for
/// TCP, then the address and the port. `fork` makes a second process that inherits everything; it says its id.
const HOLDER: &str = r"
import os, socket, sys
os.setuid(int(sys.argv[1]))
held = []
for what in sys.argv[2:]:
    if what == 'fork':
        continue
    kind, ip, port = what.split(',')
    family = socket.AF_INET6 if kind[1] == '6' else socket.AF_INET
    one = socket.socket(family, socket.SOCK_DGRAM if kind[0] == 'u' else socket.SOCK_STREAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if kind[1] == '6':
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    one.bind((ip, int(port)))
    if kind[0] == 't':
        one.listen()
    held.append(one)
other = os.fork() if 'fork' in sys.argv else os.getpid()
if other:
    print(other, flush=True)
sys.stdin.read()
";

/// A program that holds ports until this is dropped.
struct Holder {
    child: Child,
    /// The process that it started, or itself.
    other: u32,
}

impl Holder {
    fn start(host: &Host, uid: u32, sockets: &[&str]) -> Self {
        let mut child = host
            .command("/usr/bin/python3")
            .args(["-I", "-c", HOLDER, &uid.to_string()])
            .args(sockets)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("ip is there, the lab needed it before");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped"))
            .read_line(&mut line)
            .expect("it says that it is ready");
        let other = line
            .trim()
            .parse()
            .unwrap_or_else(|_| panic!("{sockets:?} cannot be held: {line:?}"));
        Self { child, other }
    }

    /// `ip netns exec` becomes the program that it starts.
    fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // The end of its input ends the process that it has started as well.
        drop(self.child.stdin.take());
        self.child.wait().ok();
    }
}

/// Port, protocol, process and name.
type Held = BTreeSet<(u16, &'static str, u32, String)>;

fn held(holders: &[PortHolder]) -> Held {
    holders
        .iter()
        .map(|it| (it.port, it.protocol, it.pid, it.name.clone()))
        .collect()
}

fn output(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The port at the end of `10.0.0.5:3502`, `*:3502` or `[::]:3502`.
fn port_of(local: &str) -> Option<u16> {
    local.rsplit_once(':')?.1.parse().ok()
}

/// The commands of the README.
fn by_ss(host: &Host) -> Held {
    let mut held = Held::new();
    for (flags, protocol) in [("-lunp", "UDP"), ("-ltnp", "TCP")] {
        let text = output(
            host.command("ss")
                .args([flags, "sport = :3502 or sport = :3211"]),
        );
        // State Recv-Q Send-Q Local:Port Peer:Port users:(("python3",pid=7,fd=3),("python3",pid=8,fd=3))
        for line in text.lines().skip(1) {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let port = port_of(columns[3]).expect("a port");
            for user in line.split("(\"").skip(1) {
                let (name, rest) = user.split_once("\",pid=").expect("a name");
                let pid = rest.split(',').next().expect("an id");
                let pid = pid.parse().expect("a number");
                held.insert((port, protocol, pid, name.to_owned()));
            }
        }
    }
    held
}

/// Of several processes with one socket it names the one that it saw last.
fn by_netstat(host: &Host) -> Held {
    let text = output(host.command("netstat").args(["-lnptu"]));
    let mut held = Held::new();
    // Proto Recv-Q Send-Q Local Foreign [State] PID/Program
    for line in text.lines() {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let protocol = match columns.first() {
            Some(kind) if kind.starts_with("udp") => "UDP",
            Some(kind) if kind.starts_with("tcp") => "TCP",
            _ => continue,
        };
        let port = port_of(columns[3]).expect("a port");
        let process = line.split_whitespace().find_map(|it| {
            let (pid, name) = it.split_once('/')?;
            Some((pid.parse().ok()?, name.to_owned()))
        });
        if PORTS.contains(&port)
            && let Some((pid, name)) = process
        {
            held.insert((port, protocol, pid, name));
        }
    }
    held
}

/// With the user of each process.
fn by_lsof(host: &Host) -> (Held, BTreeSet<(u32, String)>) {
    let lsof = |filters: &[&str]| {
        // As fields, in which names are whole.
        let command = ["-nP", "-FpcLPn"];
        output(host.command("lsof").args(command).args(filters))
    };
    // Two commands: with `-sTCP:LISTEN` it leaves out all of UDP.
    let mut text = lsof(&["-iUDP:3502", "-iUDP:3211"]);
    text.push_str(&lsof(&["-iTCP:3502", "-iTCP:3211", "-sTCP:LISTEN"]));
    let (mut held, mut users) = (Held::new(), BTreeSet::new());
    let (mut pid, mut name, mut protocol) = (0, String::new(), "");
    for line in text.lines() {
        let (field, value) = line.split_at(1);
        match field {
            "p" => pid = value.parse().expect("a number"),
            "c" => value.clone_into(&mut name),
            "L" => {
                users.insert((pid, value.to_owned()));
            }
            "P" => protocol = if value == "UDP" { "UDP" } else { "TCP" },
            "n" => {
                let port = port_of(value).expect("a port");
                held.insert((port, protocol, pid, name.clone()));
            }
            _ => {}
        }
    }
    (held, users)
}

#[test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
fn every_holder_is_the_one_that_ss_netstat_and_lsof_name() {
    const NOBODY: u32 = 65_534;
    let lab = Lab::new();
    let laptop = &lab.laptop;
    let vendor = Holder::start(laptop, 0, &["u4,0.0.0.0,3502", "t4,0.0.0.0,3502"]);
    let beside = Holder::start(laptop, 0, &["u4,10.77.0.5,3502", "u6,::,3211"]);
    let stranger = Holder::start(laptop, NOBODY, &["u4,0.0.0.0,3211", "u6,::1,3502"]);
    let forked = Holder::start(laptop, 0, &["t6,::1,3211", "fork"]);
    // Not on the laptop, though on the same machine.
    let elsewhere = Holder::start(&lab.fleets[0], 0, &["u4,0.0.0.0,3502", "t6,::,3211"]);
    let own = laptop
        .socket(NICS[0], 3502, true)
        .expect("the port is shared");
    // Who is connected to the port holds nothing.
    let client = laptop
        .inside(|| std::net::TcpStream::connect(("127.0.0.1", 3502)))
        .expect("somebody listens");

    let holders = laptop.inside(|| all_holders(&PORTS));
    let found = held(&holders);
    assert_eq!(found, by_ss(laptop), "ss prints the same");
    let (lsof, users) = by_lsof(laptop);
    assert_eq!(found, lsof, "lsof prints the same");
    let netstat = by_netstat(laptop);
    let shown: BTreeSet<_> = found
        .iter()
        .map(|(port, protocol, ..)| (*port, *protocol))
        .collect();
    let by_netstat: BTreeSet<_> = netstat
        .iter()
        .map(|(port, protocol, ..)| (*port, *protocol))
        .collect();
    assert_eq!(shown, by_netstat, "netstat prints the same ports");
    // It names each socket's last process only, and the name by which it was called, cut.
    for (port, protocol, pid, name) in &netstat {
        let same = found
            .iter()
            .find(|it| (it.0, it.1, it.2) == (*port, *protocol, *pid));
        let same = same.unwrap_or_else(|| panic!("only netstat has {pid} {name} on {port}"));
        let known = &same.3;
        assert!(
            name.starts_with(known.as_str()) || known.starts_with(name.as_str()),
            "{name} is {known}"
        );
    }
    let missed: Vec<_> = found.difference(&netstat).map(|it| it.2).collect();
    assert!(
        missed
            .iter()
            .all(|pid| [std::process::id(), forked.pid(), forked.other].contains(pid)),
        "netstat leaves out {missed:?}"
    );

    let bound: BTreeSet<(u32, &str, String)> = holders
        .iter()
        .map(|it| {
            let local = it.local.map_or_else(String::new, |local| local.to_string());
            (it.pid, it.protocol, local)
        })
        .collect();
    let expected: BTreeSet<(u32, &str, String)> = [
        (vendor.pid(), "UDP", "0.0.0.0:3502"),
        (vendor.pid(), "TCP", "0.0.0.0:3502"),
        (beside.pid(), "UDP", "10.77.0.5:3502"),
        (beside.pid(), "UDP", "[::]:3211"),
        (stranger.pid(), "UDP", "0.0.0.0:3211"),
        (stranger.pid(), "UDP", "[::1]:3502"),
        (forked.pid(), "TCP", "[::1]:3211"),
        (forked.other, "TCP", "[::1]:3211"),
        (std::process::id(), "UDP", "0.0.0.0:3502"),
    ]
    .map(|(pid, protocol, local)| (pid, protocol, local.to_owned()))
    .into();
    assert_eq!(bound, expected);
    assert!(forked.pid() != forked.other);
    assert!(holders.iter().all(|it| it.pid != elsewhere.pid()));
    for holder in &holders {
        assert_eq!(holder.is_self, holder.pid == std::process::id());
        let user = holder.user.clone().expect("root may know it");
        assert!(users.contains(&(holder.pid, user)), "{holder:?}: {users:?}");
        assert!(holder.path.is_some(), "root may know it: {holder:?}");
    }
    let user_of = |pid| holders.iter().find(|it| it.pid == pid)?.user.clone();
    assert_eq!(user_of(stranger.pid()).as_deref(), Some("nobody"));
    drop((own, client));
}

#[test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
fn the_doctor_says_who_listens_here() {
    let lab = Lab::new();
    let vendor = Holder::start(&lab.laptop, 0, &["u4,0.0.0.0,3502"]);
    let args = ["doctor", "--seconds", "1", "--interface", NICS[0]];
    let text = output(lab.laptop.rollcall().args(args));
    let listed: Vec<&str> = text
        .lines()
        .skip_while(|line| *line != "Who listens here")
        .skip(1)
        .collect();
    let path = std::fs::canonicalize("/usr/bin/python3").expect("it runs");
    let line = format!(
        "  UDP 3502: python3 (process {}), user root, {}, at 0.0.0.0",
        vendor.pid(),
        path.display()
    );
    assert!(listed.contains(&line.as_str()), "{text}");
    for own in [
        "  TCP 3502: this Rollcall",
        "  UDP 3502: this Rollcall",
        "  UDP 3211: this Rollcall",
    ] {
        let num_lines = listed.iter().filter(|it| it.starts_with(own)).count();
        assert_eq!(num_lines, 1, "{own}: {text}");
    }
    assert!(text.contains("UDP 3502 is also held by python3"), "{text}");

    let json = output(lab.laptop.rollcall().args(args).args(["--format", "json"]));
    let report: Value = serde_json::from_str(&json).expect("JSON");
    let holders = report["port_holders"].as_array().expect("a list");
    let is_self = |it: &&Value| it["is_self"] == true;
    assert_eq!(holders.iter().filter(is_self).count(), 3, "{holders:#?}");
    let other = holders
        .iter()
        .find(|it| !is_self(it))
        .expect("the vendor's");
    assert_eq!(
        other,
        &serde_json::json!({
            "port": 3502,
            "protocol": "UDP",
            "pid": vendor.pid(),
            "name": "python3",
            "path": path,
            "user": "root",
            "local": "0.0.0.0:3502",
            "is_self": false,
        })
    );
}

/// As another user, only the sockets of others are seen and whose they are.
#[test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
fn a_program_of_another_user_is_told_by_its_user() {
    let lab = Lab::new();
    let _vendor = Holder::start(&lab.laptop, 0, &["u4,0.0.0.0,3502"]);
    let home = tempfile::tempdir().expect("a folder");
    let all_may = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(home.path(), all_may).expect("it is ours");
    // By its descriptor: the folder of the program may be closed to others.
    let program = std::fs::File::open(env!("CARGO_BIN_EXE_rollcall-cli")).expect("it is built");
    let json = output(
        lab.laptop
            .command("setpriv")
            .args(["--reuid=65534", "--clear-groups", "/proc/self/fd/0"])
            .args(["doctor", "--seconds", "1", "--interface", NICS[0]])
            .args(["--format", "json"])
            .env("HOME", home.path())
            .env_remove("XDG_DATA_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .stdin(program),
    );
    let report: Value = serde_json::from_str(&json).expect("JSON");
    let holders = report["port_holders"].as_array().expect("a list");
    let other = holders
        .iter()
        .find(|it| it["is_self"] == false)
        .unwrap_or_else(|| panic!("nobody else: {holders:?}"));
    assert_eq!(
        other,
        &serde_json::json!({
            "port": 3502,
            "protocol": "UDP",
            "pid": null,
            "name": null,
            "path": null,
            "user": "root",
            "local": "0.0.0.0:3502",
            "is_self": false,
        })
    );
    let checks = report["checks"].to_string();
    assert!(checks.contains("a program of the user root"), "{checks}");
}
