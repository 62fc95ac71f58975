//! The probes against programs that others wrote: OpenSSH and dropbear, nginx, OpenSSL, a Telnet server.
//! `cargo test --test daemons_probes -- --ignored`

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a test waits for its own future")]

use std::fmt::Write as _;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

use asking::{ask_at, ask_port, clue};
use daemon::{Daemon, free_port, program, run};
use rollcall::engine::identify::{ProbePorts, http, ports, ssh, telnet, tls};
use rollcall::model::probing::{Answer, ClueKind, Outcome};
use tempfile::TempDir;

#[path = "support/asking.rs"]
mod asking;
#[path = "support/daemon.rs"]
mod daemon;

fn folder() -> TempDir {
    TempDir::new().expect("there is a temporary folder")
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let mut file = std::fs::File::create(folder.join(name)).expect("the folder is ours");
    std::io::Write::write_all(&mut file, bytes).expect("there is room");
}

// ---- SSH ------------------------------------------------------------------------------------------------------------

/// A server of this kind of key, and the fingerprint that `ssh-keygen` gives of it.
fn start_sshd(folder: &Path, key_kind: &[&str], settings: &str) -> (Daemon, u16, String) {
    let sshd = program("sshd", "openssh-server");
    let keygen = program("ssh-keygen", "openssh-client");
    // Where the server runs as root it wants this folder, which its service makes elsewhere.
    std::fs::create_dir_all("/run/sshd").ok();
    let mut args = vec!["-q", "-N", "", "-f", "key"];
    args.extend(key_kind);
    run(folder, &keygen, &args);
    let port = free_port();
    let folder_name = folder.display();
    let config = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {folder_name}/key\nPidFile none\nUsePAM no\n\
         StrictModes no\n{settings}"
    );
    write(folder, "config", config.as_bytes());
    let config = format!("{folder_name}/config");
    let daemon = Daemon::start(
        folder,
        &sshd,
        &["-D", "-e", "-f", &config],
        "Server listening",
    );
    (daemon, port, fingerprint_of(folder, "key.pub"))
}

/// `SHA256:…`, as `ssh-keygen` says.
fn fingerprint_of(folder: &Path, key: &str) -> String {
    let keygen = program("ssh-keygen", "openssh-client");
    let line = run(folder, &keygen, &["-lf", key]);
    let fingerprint = line.split_whitespace().nth(1);
    fingerprint.expect("the second word").to_owned()
}

async fn check_sshd(key_kind: &[&str], settings: &str, expected_kind: &str) {
    let folder = folder();
    let (_sshd, port, fingerprint) = start_sshd(folder.path(), key_kind, settings);
    let answer = ssh::ask(&ask_port(port)).await;
    assert_eq!(answer.outcome, Outcome::Answered);
    let banner = clue(&answer, ClueKind::SshBanner);
    assert!(banner.starts_with("SSH-2.0-OpenSSH_"), "{banner}");
    let expected = format!("{expected_kind} {fingerprint}");
    assert_eq!(clue(&answer, ClueKind::SshHostKey), expected, "{settings}");
    assert!(answer.raw.bytes.starts_with(b"SSH-2.0-OpenSSH_"));
}

#[tokio::test]
#[ignore = "needs sshd, nginx, openssl and a telnet banner"]
async fn openssh_shows_its_host_key_as_ssh_keygen_does() {
    check_sshd(&["-t", "ed25519"], "", "ssh-ed25519").await;
    check_sshd(&["-t", "rsa", "-b", "2048"], "", "ssh-rsa").await;
    check_sshd(&["-t", "ecdsa", "-b", "256"], "", "ecdsa-sha2-nistp256").await;
}

#[tokio::test]
#[ignore = "needs sshd, nginx, openssl and a telnet banner"]
async fn openssh_set_to_each_exchange_shows_its_host_key() {
    for exchange in [
        "curve25519-sha256",
        "ecdh-sha2-nistp256",
        "ecdh-sha2-nistp384",
        "ecdh-sha2-nistp521",
        "diffie-hellman-group14-sha256",
        "diffie-hellman-group16-sha512",
        "diffie-hellman-group18-sha512",
    ] {
        let settings = format!("KexAlgorithms {exchange}\n");
        check_sshd(&["-t", "ed25519"], &settings, "ssh-ed25519").await;
    }
}

#[tokio::test]
#[ignore = "needs sshd, nginx, openssl and a telnet banner"]
async fn openssh_set_to_what_old_units_speak_shows_its_host_key() {
    for exchange in ["diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1"] {
        let settings = format!(
            "KexAlgorithms {exchange}\nHostKeyAlgorithms ssh-rsa\nCiphers 3des-cbc\nMACs hmac-sha1\n"
        );
        check_sshd(&["-t", "rsa", "-b", "1024"], &settings, "ssh-rsa").await;
    }
}

#[tokio::test]
#[ignore = "needs sshd, nginx, openssl and a telnet banner"]
async fn an_exchange_that_is_not_offered_leaves_the_banner() {
    let folder = folder();
    let settings = "KexAlgorithms diffie-hellman-group-exchange-sha256\n";
    let (_sshd, port, _) = start_sshd(folder.path(), &["-t", "ed25519"], settings);
    let answer = ssh::ask(&ask_port(port)).await;
    assert_eq!(answer.outcome, Outcome::Answered);
    clue(&answer, ClueKind::SshBanner);
    assert_eq!(answer.clue(ClueKind::SshHostKey), None);
}

#[tokio::test]
#[ignore = "needs sshd, nginx, openssl and a telnet banner"]
async fn dropbear_shows_its_host_key() {
    let dropbear = program("dropbear", "dropbear-bin");
    let dropbearkey = program("dropbearkey", "dropbear-bin");
    for kind in ["rsa", "ecdsa", "ed25519"] {
        let folder = folder();
        let folder = folder.path();
        run(folder, &dropbearkey, &["-t", kind, "-f", "key"]);
        let public = run(folder, &dropbearkey, &["-y", "-f", "key"]);
        let line = public
            .lines()
            .find(|line| line.contains("-sha2-") || line.starts_with("ssh-"));
        write(folder, "key.pub", line.expect("the public key").as_bytes());
        let ip_port = format!("127.0.0.1:{}", free_port());
        let args = ["-F", "-E", "-r", "key", "-P", "pid", "-p", &ip_port];
        let _dropbear = Daemon::start(folder, &dropbear, &args, "Not backgrounding");
        let port = ip_port
            .rsplit(':')
            .next()
            .and_then(|port| port.parse().ok());
        let answer = ssh::ask(&ask_port(port.expect("a port"))).await;
        let key = clue(&answer, ClueKind::SshHostKey);
        assert!(key.ends_with(&fingerprint_of(folder, "key.pub")), "{key}");
        assert!(clue(&answer, ClueKind::SshBanner).contains("dropbear"));
    }
}

// ---- TLS ------------------------------------------------------------------------------------------------------------

/// Makes `cert.pem` and `key.pem`.
fn make_certificate(folder: &Path, subject: &str, key: &str, more: &[&str]) {
    let openssl = program("openssl", "openssl");
    let mut args = vec!["req", "-x509", "-nodes", "-newkey", key, "-subj", subject];
    args.extend(["-keyout", "key.pem", "-out", "cert.pem"]);
    args.extend(more);
    run(folder, &openssl, &args);
}

/// Makes them with dates that are over, which `req` cannot.
fn make_expired_certificate(folder: &Path, subject: &str) {
    let openssl = program("openssl", "openssl");
    let mut config =
        "[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\nnew_certs_dir=.\nserial=serial\n"
            .to_owned();
    config.push_str("default_md=sha256\npolicy=any\n[any]\n");
    for part in [
        "countryName",
        "stateOrProvinceName",
        "localityName",
        "organizationName",
        "organizationalUnitName",
        "commonName",
    ] {
        writeln!(config, "{part}=optional").expect("a string takes everything");
    }
    write(folder, "ca.conf", config.as_bytes());
    write(folder, "index.txt", b"");
    write(folder, "serial", b"01\n");
    let request = ["req", "-new", "-nodes", "-newkey", "rsa:1024", "-sha1"];
    let files = [
        "-subj",
        subject,
        "-keyout",
        "key.pem",
        "-out",
        "request.pem",
    ];
    run(folder, &openssl, &[&request[..], &files[..]].concat());
    let sign = [
        "ca",
        "-batch",
        "-selfsign",
        "-config",
        "ca.conf",
        "-keyfile",
        "key.pem",
    ];
    let dates = [
        "-startdate",
        "20080101000000Z",
        "-enddate",
        "20180101000000Z",
    ];
    let files = [
        "-preserveDN",
        "-notext",
        "-in",
        "request.pem",
        "-out",
        "cert.pem",
    ];
    run(
        folder,
        &openssl,
        &[&sign[..], &dates[..], &files[..]].concat(),
    );
}

fn start_tls(folder: &Path, settings: &[&str]) -> (Daemon, u16) {
    let openssl = program("openssl", "openssl");
    let env = program("env", "coreutils");
    // Only with these settings it takes parameters that are as weak as those of old units.
    let weak = "openssl_conf=all\n[all]\nssl_conf=ssl\n[ssl]\nsystem_default=weak\n[weak]\n\
        CipherString=ALL:@SECLEVEL=0\nMinProtocol=TLSv1\n";
    write(folder, "weak.conf", weak.as_bytes());
    let port = free_port();
    let ip_port = format!("127.0.0.1:{port}");
    let openssl = openssl.display().to_string();
    let mut args = vec!["OPENSSL_CONF=weak.conf", &openssl, "s_server"];
    args.extend(["-accept", &ip_port, "-www"]);
    args.extend(["-cert", "cert.pem", "-key", "key.pem"]);
    args.extend(settings);
    (Daemon::start(folder, &env, &args, "ACCEPT"), port)
}

/// Asks, and compares the fingerprint with OpenSSL's own.
async fn ask_tls(folder: &Path, settings: &[&str]) -> Answer {
    let (_server, port) = start_tls(folder, settings);
    let answer = tls::ask(&ask_port(port)).await;
    assert_eq!(answer.outcome, Outcome::Answered, "{settings:?}");
    let openssl = program("openssl", "openssl");
    let args = [
        "x509",
        "-in",
        "cert.pem",
        "-noout",
        "-fingerprint",
        "-sha256",
    ];
    let line = run(folder, &openssl, &args);
    let (_, expected) = line.trim().split_once('=').expect("name and fingerprint");
    assert_eq!(clue(&answer, ClueKind::CertFingerprint), expected);
    answer
}

const AVOCENT: &str = "/CN=avocent.com/OU=AESS/O=Avocent/L=Sunrise/ST=FL/C=US";

#[tokio::test]
#[ignore = "needs sshd, nginx, openssl and a telnet banner"]
async fn a_certificate_is_read_by_every_version_of_tls() {
    let folder = folder();
    let names = "subjectAltName=DNS:acs8048.example,IP:192.0.2.7,IP:2001:db8::7,email:x@example";
    make_certificate(
        folder.path(),
        AVOCENT,
        "rsa:2048",
        &["-days", "3650", "-addext", names],
    );
    for (settings, version, is_legacy) in [
        (&["-tls1_3"][..], "TLS 1.3", false),
        (&["-tls1_2"], "TLS 1.2", false),
        (&["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "TLS 1.1", true),
        (&["-tls1", "-cipher", "ALL:@SECLEVEL=0"], "TLS 1.0", true),
    ] {
        let answer = ask_tls(folder.path(), settings).await;
        assert_eq!(clue(&answer, ClueKind::TlsVersion), version);
        let legacy = answer.clue(ClueKind::LegacyTls);
        assert_eq!(legacy.is_some(), is_legacy, "{version}: {legacy:?}");
        let subject = "CN=avocent.com,OU=AESS,O=Avocent,L=Sunrise,ST=FL,C=US";
        assert_eq!(clue(&answer, ClueKind::CertSubject), subject);
        assert_eq!(clue(&answer, ClueKind::CertIssuer), subject);
        assert_eq!(clue(&answer, ClueKind::CertKey), "RSA 2048");
        let names: Vec<_> = answer.clues(ClueKind::CertName).collect();
        assert_eq!(names, ["acs8048.example", "192.0.2.7", "2001:db8::7"]);
    }
}

#[tokio::test]
#[ignore = "needs sshd, nginx, openssl and a telnet banner"]
async fn old_units_are_seen_although_nothing_modern_speaks_to_them() {
    let folder = folder();
    let subject = "/CN=Avocent Mergepoint Unity/O=Avocent, Inc./L=Huntsville/ST=Alabama/C=US";
    make_certificate(folder.path(), subject, "rsa:1024", &["-md5"]);
    let answer = ask_tls(
        folder.path(),
        &["-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0"],
    )
    .await;
    assert_eq!(
        clue(&answer, ClueKind::LegacyTls),
        "TLS 1.0, TLS_RSA_WITH_AES_128_CBC_SHA"
    );
    assert_eq!(
        clue(&answer, ClueKind::CertSubject),
        "CN=Avocent Mergepoint Unity,O=Avocent\\, Inc.,L=Huntsville,ST=Alabama,C=US"
    );
    assert_eq!(clue(&answer, ClueKind::CertKey), "RSA 1024");

    make_certificate(folder.path(), AVOCENT, "rsa:512", &["-sha1"]);
    let openssl = program("openssl", "openssl");
    run(
        folder.path(),
        &openssl,
        &["dhparam", "-dsaparam", "-out", "dh.pem", "1024"],
    );
    let cipher = "DHE-RSA-AES128-SHA:@SECLEVEL=0";
    let settings = ["-tls1", "-dhparam", "dh.pem", "-cipher", cipher];
    let answer = ask_tls(folder.path(), &settings).await;
    assert_eq!(
        clue(&answer, ClueKind::LegacyTls),
        "TLS 1.0, TLS_DHE_RSA_WITH_AES_128_CBC_SHA, 1024-bit DH"
    );
    assert_eq!(clue(&answer, ClueKind::CertKey), "RSA 512");

    let settings = ["-tls1_2", "-dhparam", "dh.pem", "-cipher", cipher];
    let answer = ask_tls(folder.path(), &settings).await;
    assert_eq!(answer.clue(ClueKind::LegacyTls), None);
    assert_eq!(
        clue(&answer, ClueKind::WeakTls),
        "TLS 1.2, TLS_DHE_RSA_WITH_AES_128_CBC_SHA, 1024-bit DH"
    );
}

#[tokio::test]
#[ignore = "needs sshd, nginx, openssl and a telnet banner"]
async fn expired_certificates_and_other_keys_are_described() {
    let folder = folder();
    make_expired_certificate(folder.path(), AVOCENT);
    let answer = ask_tls(folder.path(), &["-cipher", "ALL:@SECLEVEL=0"]).await;
    assert_eq!(clue(&answer, ClueKind::CertFrom), "2008-01-01T00:00:00Z");
    assert_eq!(clue(&answer, ClueKind::CertUntil), "2018-01-01T00:00:00Z");
    assert_eq!(clue(&answer, ClueKind::CertKey), "RSA 1024");

    for (key, option, expected) in [
        ("ec", Some("ec_paramgen_curve:P-256"), "EC P-256"),
        ("ec", Some("ec_paramgen_curve:P-521"), "EC P-521"),
        ("ed25519", None, "Ed25519"),
    ] {
        let options: Vec<_> = option
            .iter()
            .flat_map(|option| ["-pkeyopt", option])
            .collect();
        make_certificate(folder.path(), AVOCENT, key, &options);
        let answer = ask_tls(folder.path(), &[]).await;
        assert_eq!(clue(&answer, ClueKind::CertKey), expected);
    }
}

// ---- web ------------------------------------------------------------------------------------------------------------

struct Nginx<'a> {
    folder: &'a Path,
    args: Vec<String>,
}

impl<'a> Nginx<'a> {
    /// Its first process ends when all ports are listened on.
    fn start(folder: &'a Path, servers: &str) -> Self {
        let user = if folder.starts_with("/root")
            || std::env::var_os("HOME").is_some_and(|home| home == "/root")
        {
            // As root it would read its pages as somebody who may not enter the folder.
            "user root;"
        } else {
            ""
        };
        let config = format!(
            "{user} pid pid; error_log error.log; events {{}}\nhttp {{ access_log off;\n\
             client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; \
             scgi_temp_path t5;\n{servers} }}"
        );
        write(folder, "nginx.conf", config.as_bytes());
        let prefix = format!("{}/", folder.display());
        let args = ["-e", "error.log", "-p", &prefix, "-c", "nginx.conf"].map(str::to_owned);
        let nginx = Self {
            folder,
            args: args.to_vec(),
        };
        nginx.run(&[]);
        nginx
    }

    fn run(&self, more: &[&str]) {
        let mut args: Vec<_> = self.args.iter().map(String::as_str).collect();
        args.extend(more);
        run(self.folder, &program("nginx", "nginx-light"), &args);
    }
}

impl Drop for Nginx<'_> {
    fn drop(&mut self) {
        self.run(&["-s", "stop"]);
    }
}

#[tokio::test]
#[ignore = "needs sshd, nginx, openssl and a telnet banner"]
async fn nginx_is_followed_to_its_page() {
    let folder = folder();
    let folder = folder.path();
    make_certificate(folder, AVOCENT, "rsa:2048", &[]);
    write(
        folder,
        "login.html",
        "<html><head><meta charset=utf-8><title>Avocent AutoView 3100 \u{2013} log in</title>\
         <link rel='shortcut icon' href='own.ico'></head></html>"
            .as_bytes(),
    );
    write(folder, "own.ico", &[0, 1, 2, 3, 0xff]);
    let (plain, https_port) = (free_port(), free_port());
    let servers = format!(
        "types {{ text/html html; image/x-icon ico; }} root {};\n\
         server {{ listen 127.0.0.1:{https_port} ssl; ssl_certificate cert.pem; ssl_certificate_key key.pem;\n\
         location = / {{ return 302 /login.html; }} }}\n\
         server {{ listen 127.0.0.1:{plain}; return 301 https://$host:{https_port}/; }}",
        folder.display()
    );
    let _nginx = Nginx::start(folder, &servers);
    let icon = run(
        folder,
        &program("openssl", "openssl"),
        &["md5", "-r", "own.ico"],
    );
    let icon = icon.split_whitespace().next().expect("the digest");

    // By TLS at once, and by the plain page where TLS is closed.
    for (https, num_redirects) in [(https_port, 1), (free_port(), 2)] {
        let answer = http::ask(&ask_at(ProbePorts {
            https,
            http: plain,
            ..ProbePorts::default()
        }))
        .await;
        assert_eq!(answer.outcome, Outcome::Answered);
        assert_eq!(
            clue(&answer, ClueKind::HttpUrl),
            format!("https://127.0.0.1:{https_port}/login.html")
        );
        assert_eq!(clue(&answer, ClueKind::HttpStatus), "200");
        assert!(clue(&answer, ClueKind::HttpServer).starts_with("nginx/"));
        assert_eq!(
            clue(&answer, ClueKind::HttpTitle),
            "Avocent AutoView 3100 – log in"
        );
        assert_eq!(clue(&answer, ClueKind::FaviconMd5), icon);
        let redirects: Vec<_> = answer.clues(ClueKind::HttpRedirect).collect();
        assert_eq!(redirects.len(), num_redirects, "{redirects:?}");
        assert!(answer.raw.bytes.starts_with(b"HTTP/1.1 200 OK\r\n"));
    }

    // What speaks plain HTTP where TLS is asked for is named.
    let answer = tls::ask(&ask_port(plain)).await;
    let why = answer.outcome.why().unwrap_or_default();
    assert!(why.contains("plain HTTP"), "{answer:?}");

    let answer = ports::ask(&ask_at(ProbePorts {
        https: https_port,
        http: plain,
        ssh: free_port(),
        telnet: free_port(),
        ..ProbePorts::default()
    }))
    .await;
    let mut open: Vec<_> = answer
        .clues(ClueKind::OpenPort)
        .map(str::to_owned)
        .collect();
    open.sort();
    let mut expected = [https_port.to_string(), plain.to_string()];
    expected.sort();
    assert!(expected.iter().all(|port| open.contains(port)), "{open:?}");
    assert!(answer.clues(ClueKind::ClosedPort).count() >= 2);
}

#[tokio::test]
#[ignore = "needs sshd, nginx, openssl and a telnet banner"]
async fn a_page_without_lengths_is_read() {
    let folder = folder();
    make_certificate(folder.path(), AVOCENT, "rsa:2048", &[]);
    let (_server, port) = start_tls(folder.path(), &[]);
    let answer = http::ask(&ask_port(port)).await;
    assert_eq!(answer.outcome, Outcome::Answered);
    let url = format!("https://127.0.0.1:{port}/");
    assert_eq!(clue(&answer, ClueKind::HttpUrl), url);
    assert_eq!(clue(&answer, ClueKind::HttpStatus), "200");
}

// ---- Telnet ---------------------------------------------------------------------------------------------------------

#[tokio::test]
#[ignore = "needs sshd, nginx, openssl and a telnet banner"]
async fn a_telnet_server_shows_its_prompt() {
    let telnetd = program("telnetd", "inetutils-telnetd");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let port = listener.local_addr().expect("it is bound").port();
    // As inetd does: the connection is the server's standard input and output.
    let server = tokio::task::spawn_blocking(move || {
        let (stream, _from) = listener.accept().expect("the probe connects");
        let input = stream.try_clone().expect("a second handle");
        let login =
            "#!/bin/sh\nprintf 'ACS 5048 console server\\r\\nlogin: '\nexec cat >/dev/null\n";
        let folder = folder();
        write(folder.path(), "login", login.as_bytes());
        let script = folder.path().join("login");
        let runs = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&script, runs).expect("the file is ours");
        let mut child = Command::new(telnetd)
            .arg("--exec-login")
            .arg(&script)
            .stdin(Stdio::from(OwnedFd::from(input)))
            .stdout(Stdio::from(OwnedFd::from(stream)))
            .stderr(Stdio::null())
            .spawn()
            .expect("it can be run");
        child.wait().expect("it ends when the probe has gone");
    });
    let answer = telnet::ask(&ask_port(port)).await;
    assert_eq!(answer.outcome, Outcome::Answered);
    let banner = clue(&answer, ClueKind::TelnetBanner);
    assert!(banner.contains("ACS 5048 console server"), "{banner}");
    assert!(banner.ends_with("login:"), "{banner}");
    let options = clue(&answer, ClueKind::TelnetOptions);
    assert!(options.contains("DO TERMINAL-TYPE"), "{options}");
    server.await.expect("the server ends with the connection");
}
