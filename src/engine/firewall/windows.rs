//! The firewall of the Windows that this program runs on. The only place that starts other programs.

use std::io;
use std::os::windows::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{Answer, FLAG, RuleChange, System};

/// Without it a black window flashes up for each call.
const CREATE_NO_WINDOW: u32 = 0x0800_0000;

/// What `runas` gives for a program that was not started; no program of ours ends with it.
const NOT_STARTED: i32 = -1;

#[derive(Debug)]
pub(super) struct Windows;

impl System for Windows {
    fn program(&self) -> io::Result<PathBuf> {
        std::env::current_exe()
    }

    fn netsh(&self, args: &[String]) -> io::Result<Answer> {
        let output = Command::new(netsh())
            .args(args)
            .stdin(Stdio::null())
            .creation_flags(CREATE_NO_WINDOW)
            .output()?;
        Ok(Answer {
            is_success: output.status.success(),
            output: output.stdout,
        })
    }

    fn start_elevated(&self, change: RuleChange) -> io::Result<Option<i32>> {
        let status = runas::Command::new(self.program()?)
            .args(&[FLAG, change.word()])
            .gui(true)
            .show(false)
            .status()?;
        Ok(status.code().filter(|code| *code != NOT_STARTED))
    }
}

/// The system's own: a search would begin in the folder of this program, where downloads lie.
fn netsh() -> PathBuf {
    let root = std::env::var_os("SystemRoot")
        .map(PathBuf::from)
        .filter(|root| root.is_absolute())
        .unwrap_or_else(|| PathBuf::from(r"C:\Windows"));
    root.join("System32").join("netsh.exe")
}
