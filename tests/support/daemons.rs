//! Programs that were not written here and that every unit's services can be held against: snmpd, sshd, nginx. They run on a
//! host of the lab, on the real ports of all its addresses, and end when this is dropped.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::lab::{Host, run};

/// The programs that run.
pub(crate) struct Daemons {
    children: Vec<Child>,
    _folder: TempDir,
}

impl Daemons {
    /// Starts all three. Fails the test with what is to be installed.
    pub(crate) fn start(host: &Host, serial: Option<&str>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        let children = vec![
            snmpd(host, path, serial),
            nginx(host, path),
            sshd(host, path),
        ];
        let daemons = Self {
            children,
            _folder: folder,
        };
        for port in ["00000000:01BB", "00000000:0016"] {
            wait_for(host, "tcp", port);
        }
        wait_for(host, "udp", "00000000:00A1");
        daemons
    }
}

impl Drop for Daemons {
    fn drop(&mut self) {
        for child in &mut self.children {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// Waits until something listens on a port, as the kernel lists it.
fn wait_for(host: &Host, protocol: &str, ip_port: &str) {
    let table = format!("/proc/thread-self/net/{protocol}");
    for _ in 0..500 {
        let listens = host.inside(|| std::fs::read_to_string(&table));
        if listens.is_ok_and(|table| table.contains(ip_port)) {
            return;
        }
        run(Command::new("sleep").arg("0.02"));
    }
    panic!("nobody listens on {protocol} {ip_port}");
}

/// An ACS 8048 by what it says of itself.
fn snmpd(host: &Host, folder: &Path, serial: Option<&str>) -> Child {
    let config = folder.join("snmpd.conf");
    let mut text = "\
agentaddress udp:161
rocommunity public
sysobjectid 1.3.6.1.4.1.10418.26.1.1
sysdescr Avocent ACS 8048
sysname lab-acs
override 1.3.6.1.4.1.10418.26.2.1.2.0 octet_str \"ACS8048 dual\"
override 1.3.6.1.4.1.10418.26.2.1.7.0 octet_str \"2.26.1\"
"
    .to_owned();
    if let Some(serial) = serial {
        text.push_str("override 1.3.6.1.4.1.10418.26.2.1.4.0 octet_str \"");
        text.push_str(serial);
        text.push_str("\"\n");
    }
    write(&config, &text);
    let mut command = host.command("/usr/sbin/snmpd");
    command.args(["-f", "-Lo", "-C", "-c"]).arg(&config);
    command.env("SNMP_PERSISTENT_DIR", folder);
    spawn(command, "snmpd")
}

fn nginx(host: &Host, folder: &Path) -> Child {
    let (key, certificate) = (folder.join("tls.key"), folder.join("tls.crt"));
    run(Command::new("openssl")
        .args([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
        ])
        .args([
            "-subj",
            "/C=US/ST=FL/L=Sunrise/O=Avocent/OU=AESS/CN=avocent.com",
        ])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate));
    let config = folder.join("nginx.conf");
    let text = format!(
        "daemon off; pid {0}/nginx.pid; error_log /dev/null; worker_processes 1;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {0}/a; proxy_temp_path {0}/b; fastcgi_temp_path {0}/c;
  uwsgi_temp_path {0}/d; scgi_temp_path {0}/e;
  server {{
    listen 80; listen 443 ssl;
    ssl_certificate {0}/tls.crt; ssl_certificate_key {0}/tls.key;
    default_type text/html;
    location / {{ return 200 '<html><head><title>Console</title></head></html>'; }}
  }}
}}
",
        folder.display()
    );
    write(&config, &text);
    let mut command = host.command("/usr/sbin/nginx");
    command.arg("-c").arg(&config).arg("-p").arg(folder);
    spawn(command, "nginx-light")
}

fn sshd(host: &Host, folder: &Path) -> Child {
    let key = folder.join("host_key");
    run(Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key));
    std::fs::create_dir_all("/run/sshd").expect("root may make it");
    let mut command = host.command("/usr/sbin/sshd");
    // Hundreds of units are one program here, which would let most callers wait.
    command.args(["-D", "-f", "/dev/null", "-o", "MaxStartups=1000", "-o"]);
    command.arg(format!("HostKey={}", key.display()));
    spawn(command, "openssh-server")
}

fn spawn(mut command: Command, package: &str) -> Child {
    let program = format!("{command:?}");
    let name = program
        .split('"')
        .rev()
        .find(|word| word.starts_with("/usr/sbin/"));
    if let Some(name) = name {
        assert!(
            Path::new(name).exists(),
            "{name} is not there; run: apt-get install {package}"
        );
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} does not start: {error}"))
}

fn write(path: &Path, text: &str) {
    let mut file = std::fs::File::create(path).expect("the folder can be written to");
    std::io::Write::write_all(&mut file, text.as_bytes()).expect("it can be written");
}
