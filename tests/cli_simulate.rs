//! `rollcall-cli simulate`, started as a person would, on loopback.

use std::io::{BufRead, BufReader, Lines};
use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use rollcall::wire::{Message, decode, discover_request};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(10);

/// A fleet in a process of its own, which ends with the test.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rollcall-cli"))
            .arg("simulate")
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary was built for this test");
        let stdout = child.stdout.take().expect("it is piped");
        Self {
            child,
            lines: BufReader::new(stdout).lines(),
        }
    }

    fn next_object(&mut self) -> Value {
        let line = self
            .lines
            .next()
            .expect("the fleet runs")
            .expect("JSON is UTF-8");
        serde_json::from_str(&line).expect("every line is a JSON object")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn simulate(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rollcall-cli"))
        .arg("simulate")
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("the binary was built for this test")
}

#[test]
fn says_who_is_there_and_answers_for_them() {
    let mut fleet = Running::start(&[
        "--units",
        "5",
        "--seed",
        "9",
        "--style",
        "configured",
        "--listen-ports",
        "0,0",
        "--spread-millis",
        "0",
    ]);
    let started = fleet.next_object();
    assert_eq!(started["units"], 5);
    assert_eq!(started["seed"], 9);
    assert_eq!(started["interface"], Value::Null);
    let mut planned: Vec<String> = (0..5)
        .map(|_| {
            let unit = fleet.next_object();
            assert_eq!(unit["behavior"], "configured");
            format!("{} {} {}", unit["mac"], unit["ip"], unit["name"])
        })
        .collect();

    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
    socket
        .set_read_timeout(Some(PATIENCE))
        .expect("a timeout can be set");
    let port = started["install_port"].as_u64().expect("a port") as u16;
    socket
        .send_to(&discover_request(3), (Ipv4Addr::LOCALHOST, port))
        .expect("loopback takes a datagram");
    let mut heard: Vec<String> = (0..5)
        .map(|_| {
            let mut buf = [0; 2_048];
            let len_bytes = socket.recv(&mut buf).expect("a unit answers");
            let Message::DiscoverReply(reply) =
                decode(&buf[..len_bytes]).expect("it speaks AIDP").message
            else {
                panic!("a discover reply");
            };
            let mac = reply.mac.expect("a unit says its MAC");
            format!(
                "\"{}\" \"{}\" \"{}\"",
                rollcall::model::identity::Mac::new(mac),
                reply.ip.ip().expect("it is configured"),
                reply.host_name.expect("it has a name")
            )
        })
        .collect();
    planned.sort_unstable();
    heard.sort_unstable();
    assert_eq!(heard, planned);
}

#[test]
fn stops_by_itself_when_told_to() {
    let output = simulate(&["--units", "2", "--listen-ports", "0,0", "--seconds", "0"]);
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("heard 0 requests"), "{said:?}");
    let num_lines = String::from_utf8_lossy(&output.stdout).lines().count();
    assert_eq!(num_lines, 3, "one line with the ports, one a unit");
}

#[test]
fn wrong_usage_is_refused_with_a_reason() {
    for (args, words) in [
        (&["--units", "0"][..], "a fleet has 1 to 200000 units"),
        (
            &["--interface", "no-such-nic"],
            "no interface is named \"no-such-nic\"",
        ),
        (&["--style", "sleepy"], "one of rollout, configured"),
        (&["--listen-ports", "3502"], "two ports with a comma"),
        (&["--listen-ports", "3502,70000"], "\"70000\" is no port"),
        (
            &["--interface", "lo", "--listen-ports", "0,0"],
            "cannot be used with",
        ),
    ] {
        let output = simulate(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(words), "{words:?} is missing from {said:?}");
    }
}

#[test]
fn help_has_an_example() {
    let output = simulate(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let help = String::from_utf8_lossy(&output.stdout);
    assert!(help.contains("rollcall-cli simulate --units"), "{help}");
}
