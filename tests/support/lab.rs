//! Hosts on one machine, as root: a laptop with two networks and a fleet host behind each, made of
//! network namespaces, gone when the [`Lab`] is dropped. What was left by a run that was killed is
//! taken away at the next start.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use socket2::{Domain, Protocol, Socket, Type};

/// What all namespaces of the lab begin with. The process id follows, so that two runs at the same
/// time do not meet and what a dead one left can be told.
const PREFIX: &str = "rl_";

/// The laptop's interfaces, each with a fleet host at the other end.
pub(crate) const NICS: [&str; 2] = ["nic0", "nic1"];

/// The laptop's addresses on them, both with a prefix of 16.
pub(crate) const LAPTOP_IPS: [Ipv4Addr; 2] =
    [Ipv4Addr::new(10, 77, 0, 5), Ipv4Addr::new(10, 78, 0, 5)];

/// A laptop and two fleet hosts.
#[derive(Debug)]
pub(crate) struct Lab {
    /// Has `nic0` (10.77.0.5/16) and `nic1` (10.78.0.5/16).
    pub(crate) laptop: Host,
    /// Each has `eth0` without an address, at the other end of the laptop's interface.
    pub(crate) fleets: [Host; 2],
}

impl Lab {
    /// Builds it. Fails the test with the command that failed.
    pub(crate) fn new() -> Self {
        remove_leftovers();
        let lab = Self {
            laptop: Host::new("laptop"),
            fleets: [Host::new("f0"), Host::new("f1")],
        };
        for (idx, ((nic, ip), fleet)) in NICS.iter().zip(LAPTOP_IPS).zip(&lab.fleets).enumerate() {
            let laptop = &lab.laptop;
            // Indexes that differ at both ends, so that the system tells each end to be one of a pair.
            laptop.ip(&format!(
                "link add {nic} index {} type veth peer name eth0 index {} netns {}",
                10 + idx,
                20 + idx,
                fleet.namespace
            ));
            laptop.ip(&format!("addr add {ip}/16 brd + dev {nic}"));
            laptop.ip(&format!("link set {nic} up"));
            fleet.ip("link set eth0 up");
        }
        lab
    }
}

impl Lab {
    /// A host behind one of the fleet hosts, which becomes its router, and which the laptop has a route to. `nth` of
    /// them stands at 10.99.`nth`.2.
    pub(crate) fn behind(&self, nth: u8) -> Host {
        let [_, router] = &self.fleets;
        let host = Host::new(&format!("far{nth}"));
        // It may be one already.
        router.ip("addr replace 10.78.0.1/16 dev eth0");
        run(router
            .command("sysctl")
            .args(["-q", "-w", "net.ipv4.ip_forward=1"]));
        router.ip(&format!(
            "link add r{nth} type veth peer name eth0 netns {}",
            host.namespace
        ));
        router.ip(&format!("addr add 10.99.{nth}.1/24 dev r{nth}"));
        router.ip(&format!("link set r{nth} up"));
        host.ip(&format!("addr add 10.99.{nth}.2/24 dev eth0"));
        host.ip("link set eth0 up");
        host.ip(&format!("route add default via 10.99.{nth}.1"));
        self.laptop.ip("route replace 10.99.0.0/16 via 10.78.0.1");
        host
    }
}

/// One host of the lab.
#[derive(Debug)]
pub(crate) struct Host {
    namespace: String,
}

impl Host {
    fn new(role: &str) -> Self {
        let namespace = format!("{PREFIX}{}_{role}", std::process::id());
        run(Command::new("ip").args(["netns", "add", &namespace]));
        let host = Self { namespace };
        host.ip("link set lo up");
        // Off, since what the kernel drops is not what is tested here.
        for which in ["all", "default"] {
            run(host.command("sysctl").args([
                "-q",
                "-w",
                &format!("net.ipv4.conf.{which}.rp_filter=0"),
            ]));
        }
        host
    }

    /// A command that will run on this host.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace, program]);
        command
    }

    /// Runs `ip …` on this host.
    pub(crate) fn ip(&self, args: &str) {
        run(Command::new("ip")
            .args(["-n", &self.namespace])
            .args(args.split_whitespace()));
    }

    /// A command line of Rollcall that will run on this host.
    pub(crate) fn rollcall(&self) -> Command {
        self.command(env!("CARGO_BIN_EXE_rollcall-cli"))
    }

    /// Starts a fleet behind an interface of this host and waits until it hears.
    pub(crate) fn simulate(&self, interface: &str, args: &[&str]) -> SimulatedFleet {
        SimulatedFleet::start(
            self.rollcall()
                .args(["simulate", "--interface", interface])
                .args(args),
        )
    }

    /// Adds an interface with a MAC of its own beside `eth0`, as one more unit on the cable.
    pub(crate) fn add_unit_interface(&self, name: &str, ip_prefix: Option<&str>) {
        self.ip(&format!(
            "link add link eth0 {name} type macvlan mode bridge"
        ));
        if let Some(ip_prefix) = ip_prefix {
            self.ip(&format!("addr add {ip_prefix} brd + dev {name}"));
        }
        self.ip(&format!("link set {name} up"));
    }

    /// A UDP socket on this host, tied to one of its interfaces. A socket stays on the host where it
    /// was opened, whoever uses it.
    pub(crate) fn socket(
        &self,
        interface: &str,
        port: u16,
        is_shared: bool,
    ) -> std::io::Result<UdpSocket> {
        self.inside(|| {
            let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
            socket.set_nonblocking(true)?;
            socket.set_broadcast(true)?;
            socket.set_reuse_address(is_shared)?;
            socket.set_recv_buffer_size(8 << 20)?;
            socket.bind_device(Some(interface.as_bytes()))?;
            socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into())?;
            Ok(socket.into())
        })
    }

    /// Does something on a thread that belongs to this host.
    pub(crate) fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let path = format!("/run/netns/{}", self.namespace);
        std::thread::scope(|scope| {
            scope
                .spawn(move || {
                    let namespace = std::fs::File::open(&path).expect("the host exists");
                    rustix::thread::move_into_link_name_space(
                        std::os::fd::AsFd::as_fd(&namespace),
                        Some(rustix::thread::LinkNameSpaceType::Network),
                    )
                    .expect("root may enter a namespace");
                    work()
                })
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        remove(&self.namespace);
    }
}

/// A fleet in a process of its own, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct SimulatedFleet {
    child: Child,
    /// What it said of its units.
    pub(crate) units: Vec<Value>,
}

impl SimulatedFleet {
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("ip is there, the lab needed it before");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut object = || -> Value {
            let line = lines
                .next()
                .expect("the fleet says what it is; why it does not is on standard error")
                .expect("JSON is UTF-8");
            serde_json::from_str(&line).expect("every line is a JSON object")
        };
        let num_units = object()["units"].as_u64().expect("a number of units");
        let units = (0..num_units).map(|_| object()).collect();
        Self { child, units }
    }

    /// The units' MACs, sorted.
    pub(crate) fn macs(&self) -> Vec<String> {
        let mut macs: Vec<String> = self
            .units
            .iter()
            .map(|unit| unit["mac"].as_str().expect("a unit has a MAC").to_owned())
            .collect();
        macs.sort_unstable();
        macs
    }
}

impl Drop for SimulatedFleet {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub(crate) fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Takes away what runs of the lab that are over have left.
fn remove_leftovers() {
    let Ok(output) = Command::new("ip").args(["netns", "list"]).output() else {
        return;
    };
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let namespace = line.split_whitespace().next().unwrap_or_default();
        let owner = namespace
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split_once('_'))
            .and_then(|(pid, _)| pid.parse::<u32>().ok());
        if let Some(pid) = owner
            && !std::path::Path::new(&format!("/proc/{pid}")).exists()
        {
            remove(namespace);
        }
    }
}

/// Ends what still runs on a host, and the host.
fn remove(namespace: &str) {
    if let Ok(output) = Command::new("ip")
        .args(["netns", "pids", namespace])
        .output()
    {
        for pid in String::from_utf8_lossy(&output.stdout).split_whitespace() {
            Command::new("kill").args(["-9", pid]).status().ok();
        }
    }
    Command::new("ip")
        .args(["netns", "del", namespace])
        .status()
        .ok();
}
