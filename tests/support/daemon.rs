//! Programs that others wrote, run for one test: with settings and files of their own in a temporary folder, on high
//! ports of loopback, ended with the test.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

/// How long a program may take to listen.
const START: Duration = Duration::from_secs(20);

/// The full path of a program, or a failure that says how to get it.
pub(crate) fn program(name: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from));
    folders
        .into_iter()
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
        .unwrap_or_else(|| panic!("{name} is missing; run: sudo apt-get install {package}"))
}

/// A port that nobody listens on just now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    listener.local_addr().expect("it is bound").port()
}

/// Runs a program to its end and gives what it wrote.
pub(crate) fn run(folder: &Path, program: &Path, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{} cannot be run: {error}", program.display()));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{} {args:?} failed: {errors}",
        program.display()
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A program that runs until it is dropped.
pub(crate) struct Daemon(Child);

impl Daemon {
    /// Starts it and waits until it has written `marker`.
    pub(crate) fn start(
        folder: &Path,
        program: &Path,
        args: &[&str],
        marker: &'static str,
    ) -> Self {
        let mut child = Command::new(program)
            .args(args)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be run: {error}", program.display()));
        // One for each of both, so that neither thread waits.
        let (send, receive) = sync_channel(2);
        let outputs: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|output| Box::new(output) as _),
            child.stderr.take().map(|output| Box::new(output) as _),
        ];
        for output in outputs.into_iter().flatten() {
            let send = send.clone();
            std::thread::spawn(move || {
                let mut written = String::new();
                let mut has_told = false;
                // Read to the end, so that the program never waits for a reader.
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    written.push_str(&line);
                    written.push('\n');
                    if !has_told && line.contains(marker) {
                        has_told = true;
                        send.send(Ok(())).ok();
                    }
                }
                if !has_told {
                    send.send(Err(written)).ok();
                }
            });
        }
        drop(send);
        let daemon = Self(child);
        let mut written = String::new();
        loop {
            match receive.recv_timeout(START) {
                Ok(Ok(())) => return daemon,
                Ok(Err(rest)) => written.push_str(&rest),
                Err(error) => {
                    panic!("{} did not start ({error}):\n{written}", program.display())
                }
            }
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
