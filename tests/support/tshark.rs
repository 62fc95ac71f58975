//! tshark, which others wrote: what it reads in a capture.

use std::io;
use std::path::Path;
use std::process::Command;

/// These fields of a capture, a line a packet, with `|` between them. `None` where tshark is not installed.
pub(crate) fn tshark(path: &Path, more: &[&str], fields: &[&str]) -> Option<Vec<String>> {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(path);
    command.args(["-t", "e", "-T", "fields", "-E", "separator=|"]);
    command.args(more);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => panic!("tshark does not start: {error}"),
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("tshark writes UTF-8");
    Some(text.lines().map(str::to_owned).collect())
}
