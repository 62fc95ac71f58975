//! Runs a program of the system that prints a table, for so long and with so much output. The other parts of the engine
//! that read such tables use it too.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use super::NeighborsError;

/// How long a program may take. They print what the kernel has at hand.
const LIMIT: Duration = Duration::from_secs(3);

/// How much of its output is read.
const OUTPUT_BYTES: u64 = 8 * 1024 * 1024;

/// What the program writes, in the first of these folders that has it.
#[cfg(unix)]
pub(in crate::engine) fn run_first(
    folders: &[&str],
    name: &str,
    args: &[&str],
) -> Result<String, NeighborsError> {
    let found = folders
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.is_file());
    match found {
        Some(program) => run(&program, args),
        None => Err(NeighborsError::Program {
            program: name.to_owned(),
            source: io::ErrorKind::NotFound.into(),
        }),
    }
}

/// What the program writes. Its exit code does not count: what it has written does.
pub(in crate::engine) fn run(program: &Path, args: &[&str]) -> Result<String, NeighborsError> {
    run_within(program, args, LIMIT)
}

fn run_within(program: &Path, args: &[&str], limit: Duration) -> Result<String, NeighborsError> {
    let not_run = |source| NeighborsError::Program {
        program: program.display().to_string(),
        source,
    };
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt;

        /// Without it a black window flashes up for each call.
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        command.creation_flags(CREATE_NO_WINDOW);
    }
    let mut child = command.spawn().map_err(not_run)?;
    let output = read_within(&mut child, limit);
    // Whether it has ended or not, it ends here; waiting for it lets the system forget it.
    child.kill().ok();
    child.wait().ok();
    match output {
        Ok(Some(output)) => Ok(String::from_utf8_lossy(&output).into_owned()),
        Ok(None) => Err(NeighborsError::Slow(program.display().to_string())),
        Err(error) => Err(not_run(error)),
    }
}

/// `None` when the time is over.
fn read_within(child: &mut Child, limit: Duration) -> io::Result<Option<Vec<u8>>> {
    let Some(stdout) = child.stdout.take() else {
        return Ok(None);
    };
    // One message, so that the thread never waits for a reader that has gone.
    let (send, receive) = sync_channel(1);
    std::thread::Builder::new()
        .name("neighbors".to_owned())
        .spawn(move || {
            let mut output = Vec::new();
            let read = stdout.take(OUTPUT_BYTES).read_to_end(&mut output);
            // Nobody listens any more when the time is over.
            send.send(read.map(|_num_bytes| output)).ok();
        })?;
    receive.recv_timeout(limit).ok().transpose()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_writes_is_read() {
        let text = run(
            Path::new("/bin/sh"),
            &["-c", "echo one; echo two >&2; exit 3"],
        );
        assert_eq!(text.expect("every unix has a shell"), "one\n");
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let slow = run_within(
            Path::new("/bin/sh"),
            &["-c", "exec sleep 60"],
            Duration::from_millis(100),
        );
        assert!(matches!(slow, Err(NeighborsError::Slow(_))), "{slow:?}");
    }

    #[test]
    fn endless_output_is_cut() {
        let text = run(Path::new("/bin/sh"), &["-c", "exec yes"]);
        let text = text.expect("every unix has a shell");
        assert_eq!(text.len() as u64, OUTPUT_BYTES);
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let missing = run_first(&["/nowhere"], "arp", &[]);
        assert!(
            matches!(&missing, Err(NeighborsError::Program { program, .. }) if program == "arp"),
            "{missing:?}"
        );
    }
}
