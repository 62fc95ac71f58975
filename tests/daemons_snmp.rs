//! The SNMP probe against agents not written here: Debian's snmpd, and snmpsim with the recordings. Run with
//! `cargo test --test daemons_snmp -- --ignored`, after `apt-get install -y snmpd` and `.ci/snmpsim`.

#![expect(
    clippy::disallowed_methods,
    reason = "a test's runtime is entered by blocking on it, and a daemon's configuration is nobody's work"
)]

#[expect(dead_code, reason = "only a report is written here; agents are not")]
#[path = "support/ber.rs"]
mod ber;
#[path = "support/recorded_units.rs"]
mod recorded_units;

use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use rollcall::engine::identify::credentials::{Secret, V3Auth, V3User};
use rollcall::engine::identify::snmp::{Snmp, ask};
use rollcall::engine::identify::{Ask, MAX_OPEN, ProbePorts, Slots};
use rollcall::model::probing::Outcome;
use tempfile::TempDir;
use tokio::time::Instant;

use recorded_units::{RecordedUnit, UNITS, check_ports_of_acs8048};

const AUTH_PASS: &str = "authentic words";
const PRIV_PASS: &str = "private words";

/// snmpsim builds its indexes first, on a computer that may be busy.
const START: Duration = Duration::from_mins(1);

/// A daemon with its folder; both are gone with it.
struct Daemon {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Daemon {
    /// Starts a program and waits until it says that it is ready.
    fn start(
        mut command: Command,
        port: u16,
        folder: TempDir,
        ready: &'static str,
        hint: &str,
    ) -> Self {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start ({error}): {hint}"));
        let words = process.stderr.take().expect("it is piped");
        let (is_ready, readiness) = sync_channel(1);
        thread::spawn(move || {
            // Read to the end, or the daemon would stop at a full pipe.
            for line in BufReader::new(words).lines().map_while(Result::ok) {
                if line.contains(ready) {
                    is_ready.try_send(()).ok();
                }
            }
        });
        let daemon = Self {
            process,
            port,
            _folder: folder,
        };
        readiness
            .recv_timeout(START)
            .unwrap_or_else(|error| panic!("{command:?} never said {ready:?}: {error}"));
        until_it_listens(port);
        daemon
    }

    /// Asks it with one community, or none.
    async fn ask(&self, community: Option<&str>, v3: Option<V3User>) -> Snmp {
        let question = Ask {
            ip: Ipv4Addr::LOCALHOST,
            ports: Arc::new(ProbePorts {
                snmp: self.port,
                ..ProbePorts::default()
            }),
            limit: Duration::from_secs(10),
            silence: Duration::from_secs(2),
            slots: Slots::new(MAX_OPEN),
            communities: community.into_iter().map(str::to_owned).collect(),
            v3: v3.map(Arc::new),
        };
        let begin = Instant::now();
        let snmp = ask(&question).await;
        let took = begin.elapsed();
        assert!(took < question.limit, "it took {took:?}");
        snmp
    }
}

/// snmpsim says that it listens a moment before it does: until then, the system refuses for it.
fn until_it_listens(port: u16) {
    let begin = Instant::now();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on loopback");
    socket
        .connect((Ipv4Addr::LOCALHOST, port))
        .expect("a port on loopback");
    // A refusal comes at once; to this question nobody answers.
    socket
        .set_read_timeout(Some(Duration::from_millis(50)))
        .expect("the system has time limits");
    loop {
        let is_refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
        let sent = socket.send(b"?");
        let heard = socket.recv(&mut [0; 64]);
        if !sent.is_err_and(is_refused) && !heard.is_err_and(is_refused) {
            return;
        }
        assert!(begin.elapsed() < START, "nobody listens on port {port}");
        thread::yield_now();
    }
}

fn free_port() -> u16 {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on loopback");
    socket.local_addr().expect("it is bound").port()
}

fn recordings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/snmp")
}

fn user(name: &str, auth: V3Auth) -> V3User {
    V3User {
        name: name.to_owned(),
        auth,
        auth_pass: Secret(AUTH_PASS.to_owned()),
        priv_pass: Secret(PRIV_PASS.to_owned()),
    }
}

/// snmpd as an ACS 8048: what the recording has, laid over its own objects.
fn snmpd() -> Daemon {
    let folder = TempDir::new().expect("a folder for a daemon");
    let mut config = format!(
        "rocommunity plant-ro\n\
         com2sec v1only default plant-v1\n\
         group v1group v1 v1only\n\
         view all included .1\n\
         access v1group \"\" v1 noauth exact all none none\n\
         createUser rollout-sha SHA \"{AUTH_PASS}\" AES \"{PRIV_PASS}\"\n\
         createUser rollout-sha256 SHA-256 \"{AUTH_PASS}\" AES \"{PRIV_PASS}\"\n\
         rouser rollout-sha authpriv\n\
         rouser rollout-sha256 authpriv\n"
    );
    let recording = fs::read_to_string(recordings().join("acs8048.snmprec"));
    for line in recording.expect("the recording is there").lines() {
        let parts: Vec<&str> = line.splitn(3, '|').collect();
        let &[name, tag, value] = parts.as_slice() else {
            panic!("{line:?} is no line of a recording");
        };
        let system = match name {
            "1.3.6.1.2.1.1.1.0" => format!("sysdescr {value}"),
            "1.3.6.1.2.1.1.2.0" => format!("sysobjectid {value}"),
            "1.3.6.1.2.1.1.5.0" => format!("sysname {value}"),
            "1.3.6.1.2.1.1.6.0" => format!("syslocation {value}"),
            _ if name.starts_with("1.3.6.1.2.1.1.") => continue,
            _ => match tag {
                "2" => format!("override {name} integer {value}"),
                "4" => format!("override {name} octet_str \"{value}\""),
                "4x" => format!("override {name} octet_str 0x{value}"),
                other => panic!("no override for the type {other:?}"),
            },
        };
        writeln!(config, "{system}").expect("a string takes everything");
    }
    let file = folder.path().join("rollcall.conf");
    fs::write(&file, config).expect("the folder can be written");
    let port = free_port();
    let mut command = Command::new("snmpd");
    command
        .args([
            "-f",
            "-C",
            "-Le",
            "-I",
            "-ifTable,interface,if_number",
            "-c",
        ])
        .arg(&file)
        .arg(format!("udp:127.0.0.1:{port}"))
        .env("SNMP_PERSISTENT_DIR", folder.path())
        .env("SNMPCONFPATH", folder.path())
        .env("MIBS", "")
        // Not in the path of every person.
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let hint = "apt-get install -y snmpd";
    Daemon::start(command, port, folder, "NET-SNMP version", hint)
}

/// snmpsim with every recording under its name as the community, and the ACS 8048 for v3.
fn snmpsim(protocol: &str) -> Daemon {
    let folder = TempDir::new().expect("a folder for a daemon");
    let (walks, cache) = (folder.path().join("walks"), folder.path().join("cache"));
    for place in [&walks, &cache] {
        fs::create_dir(place).expect("the folder can be written");
    }
    let copy = |name: &str, to: &str| {
        let from = recordings().join(name).with_extension("snmprec");
        fs::copy(from, walks.join(to)).expect("the recording is there");
    };
    for unit in &UNITS {
        copy(unit.name, &format!("{}.snmprec", unit.name));
    }
    // The empty context of v3 is the file with the empty name.
    copy("acs8048", ".snmprec");
    let place = std::env::var_os("ROLLCALL_SNMPSIM").map_or_else(
        || {
            let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(
                || Path::new(&std::env::var_os("HOME").expect("a home")).join(".cache"),
                PathBuf::from,
            );
            cache.join("rollcall/snmpsim")
        },
        PathBuf::from,
    );
    let port = free_port();
    let mut command = Command::new(place.join("bin/snmpsim-command-responder"));
    command
        .arg(format!("--data-dir={}", walks.display()))
        .arg(format!("--cache-dir={}", cache.display()))
        .arg(format!("--agent-udpv4-endpoint=127.0.0.1:{port}"))
        .arg("--v3-user=rollout")
        .arg(format!("--v3-auth-key={AUTH_PASS}"))
        .arg(format!("--v3-auth-proto={protocol}"))
        .arg(format!("--v3-priv-key={PRIV_PASS}"))
        .args(["--v3-priv-proto=AES", "--logging-method=stderr"]);
    // As root it would become somebody who cannot read the interpreter's own files.
    if fs::metadata("/proc/self").is_ok_and(|own| is_root(&own)) {
        command.args(["--process-user=root", "--process-group=root"]);
    }
    let hint = "run .ci/snmpsim, which installs it";
    Daemon::start(command, port, folder, "Listening at UDP", hint)
}

#[cfg(unix)]
fn is_root(own: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    own.uid() == 0
}

#[cfg(not(unix))]
fn is_root(_own: &fs::Metadata) -> bool {
    false
}

#[tokio::test]
#[ignore = "it needs snmpd: apt-get install -y snmpd"]
async fn snmpd_as_an_acs8048_is_read_with_every_version() {
    let snmpd = snmpd();
    let unit = RecordedUnit::named("acs8048");
    let mut asked = vec![
        (snmpd.ask(Some("plant-v1"), None).await, "v1"),
        (snmpd.ask(Some("plant-ro"), None).await, "v2c"),
    ];
    for (name, auth) in [
        ("rollout-sha", V3Auth::Sha1),
        ("rollout-sha256", V3Auth::Sha256),
    ] {
        asked.push((snmpd.ask(None, Some(user(name, auth))).await, "v3"));
        // The community would do, but v3 is asked first.
        let both = snmpd.ask(Some("plant-ro"), Some(user(name, auth))).await;
        asked.push((both, "v3"));
    }
    for (snmp, version) in asked {
        unit.check(&snmp, version);
        check_ports_of_acs8048(&snmp);
    }
    let wrong = snmpd.ask(Some("public"), None).await;
    assert_eq!(wrong.answer.outcome, Outcome::Silent, "a wrong community");
}

#[tokio::test]
#[ignore = "it needs snmpd: apt-get install -y snmpd"]
async fn snmpd_refuses_a_wrong_user_and_it_is_said() {
    let snmpd = snmpd();
    let good = user("rollout-sha256", V3Auth::Sha256);
    let stranger = user("stranger", V3Auth::Sha256);
    let mut wrong_auth = good.clone();
    wrong_auth.auth_pass = Secret("not these words".to_owned());
    let mut wrong_priv = good.clone();
    wrong_priv.priv_pass = Secret("not these words".to_owned());
    for (wrong, words) in [
        (stranger, "no such user"),
        (wrong_auth, "signature is wrong"),
        // It says nothing to what it cannot read.
        (wrong_priv, "no answer"),
    ] {
        let snmp = snmpd.ask(None, Some(wrong.clone())).await;
        let why = snmp.answer.outcome.why().unwrap_or_default();
        assert!(
            why.starts_with("the user or passphrase is refused"),
            "{why}"
        );
        assert!(why.contains(words), "{why}");
        // The community lets in.
        let snmp = snmpd.ask(Some("plant-ro"), Some(wrong)).await;
        RecordedUnit::named("acs8048").check(&snmp, "v2c");
    }
}

/// Stands before a daemon and answers greetings as agents do that tell no time in their report, only their engine.
async fn timeless(daemon_port: u16) -> u16 {
    use tokio::net::UdpSocket;
    let here = (Ipv4Addr::LOCALHOST, 0);
    let front = UdpSocket::bind(here).await.expect("a port on loopback");
    let back = UdpSocket::bind(here).await.expect("a port on loopback");
    let port = front.local_addr().expect("it is bound").port();
    let daemon = (Ipv4Addr::LOCALHOST, daemon_port);
    back.connect(daemon).await.expect("a port on loopback");
    tokio::spawn(async move {
        const UNKNOWN_ENGINE: u32 = 4;
        let mut buffer = vec![0; 65_535];
        while let Ok((len, from)) = front.recv_from(&mut buffer).await {
            let id = ber::v3_id(&buffer[..len]).expect("only v3 is asked");
            let is_greeting = ber::v3_engine_id(&buffer[..len]).is_some_and(|id| id.is_empty());
            back.send(&buffer[..len]).await.expect("it listens");
            let len = back.recv(&mut buffer).await.expect("it answers");
            let mut answer = buffer[..len].to_vec();
            if is_greeting {
                let engine_id = ber::v3_engine_id(&answer).expect("its report");
                answer = ber::v3_report(id, &engine_id, 0, UNKNOWN_ENGINE);
            }
            front.send_to(&answer, from).await.ok();
        }
    });
    port
}

#[tokio::test]
#[ignore = "it needs snmpd: apt-get install -y snmpd"]
async fn the_time_of_snmpd_is_taken_over() {
    let mut snmpd = snmpd();
    snmpd.port = timeless(snmpd.port).await;
    for (name, auth) in [
        ("rollout-sha", V3Auth::Sha1),
        ("rollout-sha256", V3Auth::Sha256),
    ] {
        let snmp = snmpd.ask(None, Some(user(name, auth))).await;
        RecordedUnit::named("acs8048").check(&snmp, "v3");
    }
}

#[tokio::test]
#[ignore = "it needs snmpd: apt-get install -y snmpd"]
async fn a_whole_acs8048_takes_less_than_300_ms() {
    let snmpd = snmpd();
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let begin = Instant::now();
        let snmp = snmpd.ask(Some("plant-ro"), None).await;
        best = best.min(begin.elapsed());
        check_ports_of_acs8048(&snmp);
    }
    assert!(
        best < Duration::from_millis(300),
        "the best of five: {best:?}"
    );
}

#[tokio::test]
#[ignore = "it needs snmpsim: .ci/snmpsim installs it"]
async fn snmpsim_with_the_recordings_is_read_with_v2c_and_v3() {
    for (protocol, auth) in [("SHA", V3Auth::Sha1), ("SHA256", V3Auth::Sha256)] {
        let snmpsim = snmpsim(protocol);
        for unit in &UNITS {
            let snmp = snmpsim.ask(Some(unit.name), None).await;
            unit.check(&snmp, "v2c");
        }
        let snmp = snmpsim.ask(None, Some(user("rollout", auth))).await;
        RecordedUnit::named("acs8048").check(&snmp, "v3");
        check_ports_of_acs8048(&snmp);
        let mut wrong = user("rollout", auth);
        wrong.auth_pass = Secret("not these words".to_owned());
        let snmp = snmpsim.ask(None, Some(wrong)).await;
        let why = snmp.answer.outcome.why().unwrap_or_default();
        assert!(why.contains("the user or passphrase is refused"), "{why}");
    }
}
