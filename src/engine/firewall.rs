//! This program's own inbound rules in the firewall of Windows (trap T14): how they are composed, looked for, added
//! and removed. Everything but `windows` works on values and on a [`System`] that is given, and is tested on every
//! system.
//!
//! `netsh` speaks the language of Windows, so of its answers only the exit code and the path of the program count.

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use thiserror::Error;

use super::command::{Saying, sentence};
use crate::model::snapshot::RuleState;

mod answer;
#[cfg(windows)]
mod windows;

use self::answer::{blocks_program, names_program};

/// The hidden flag with which this program starts itself as an administrator.
pub const FLAG: &str = "--firewall-rule";

/// On every kind of network: a switch in a hall has no router behind it, and Windows takes such a network for a public
/// one. What the rules let in is bounded by the program and by its ports.
const PROFILES: &str = "any";

/// A rule of the firewall.
struct Rule {
    name: &'static str,
    protocol: &'static str,
    ports: &'static str,
}

/// Announcements and late answers come by UDP, and some units connect by TCP.
const RULES: [Rule; 2] = [
    Rule {
        name: "Rollcall (UDP 3502, 3211)",
        protocol: "UDP",
        ports: "3502,3211",
    },
    Rule {
        name: "Rollcall (TCP 3502)",
        protocol: "TCP",
        ports: "3502",
    },
];

/// What is to become of the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleChange {
    /// They are to be there and to name this program.
    Add,
    /// They are to be gone.
    Remove,
}

impl RuleChange {
    /// Its word after [`FLAG`].
    pub const fn word(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
        }
    }
}

impl FromStr for RuleChange {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Add, Self::Remove]
            .into_iter()
            .find(|change| change.word() == word)
            .ok_or("either add or remove")
    }
}

/// What `netsh` said.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Whether it ended with 0.
    pub is_success: bool,
    /// What it wrote, in the code page of the system.
    pub output: Vec<u8>,
}

/// What is asked of Windows. Every call may block: `start_elevated` for as long as a person thinks.
pub trait System: std::fmt::Debug + Send + Sync {
    /// This program's file.
    fn program(&self) -> io::Result<PathBuf>;
    /// Runs `netsh` with the rights that this process has.
    fn netsh(&self, args: &[String]) -> io::Result<Answer>;
    /// Starts this program with [`FLAG`] as an administrator and waits for its end. `None` when it was not started:
    /// Windows does not tell whether a person said no.
    fn start_elevated(&self, change: RuleChange) -> io::Result<Option<i32>>;
}

/// The firewall of the system that this program runs on; `None` where no rule is wanted.
pub fn of_this_system() -> Option<std::sync::Arc<dyn System>> {
    #[cfg(windows)]
    {
        Some(std::sync::Arc::new(windows::Windows))
    }
    #[cfg(not(windows))]
    {
        None
    }
}

/// Why the rules could not be changed.
#[derive(Debug, Error)]
pub enum RuleError {
    /// A rule names a program by its full path on Windows.
    #[error("the firewall cannot name the program {0:?}")]
    Program(PathBuf),
    /// Where this program is could not be found out.
    #[error("the path of this program is not known")]
    NoProgram(#[source] io::Error),
    /// `netsh` could not be started.
    #[error("netsh could not be started")]
    NoNetsh(#[source] io::Error),
    /// `netsh` refused.
    #[error("netsh did not change the rule {rule:?}")]
    Refused {
        /// The rule's name.
        rule: &'static str,
    },
}

impl RuleError {
    /// What the elevated program ends with, so that the one that started it knows why. 2 is taken: a wrong flag.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Refused { .. } => 1,
            Self::NoNetsh(_) => 3,
            Self::Program(_) | Self::NoProgram(_) => 4,
        }
    }

    /// What such an exit code means.
    const fn words(exit_code: i32) -> &'static str {
        match exit_code {
            1 => "The firewall refused the change; a policy of the company may forbid it",
            3 => "netsh, the program that changes the firewall, could not be started",
            4 => "The firewall cannot name a program in this folder",
            _ => "The program that was to change the firewall ended early",
        }
    }
}

/// The path as the firewall wants it: a drive or a network share first, nothing that could end a quoted argument.
fn path_of(program: &Path) -> Result<String, RuleError> {
    let refused = || RuleError::Program(program.to_owned());
    let text = program.to_str().ok_or_else(refused)?;
    let text = text.strip_prefix(r"\\?\").unwrap_or(text);
    let is_on_drive =
        matches!(text.as_bytes(), [drive, b':', b'\\', _, ..] if drive.is_ascii_alphabetic());
    let is_on_share = text.starts_with(r"\\") && text.len() > 4;
    // Without a program, "delete every rule of this program" would mean every rule there is.
    if !(is_on_drive || is_on_share) || text.contains('"') || text.chars().any(char::is_control) {
        return Err(refused());
    }
    Ok(text.to_owned())
}

fn arguments<const N: usize>(verb: &str, values: [String; N]) -> Vec<String> {
    ["advfirewall", "firewall", verb, "rule"]
        .into_iter()
        .map(str::to_owned)
        .chain(values)
        .collect()
}

fn add(rule: &Rule, path: &str) -> Vec<String> {
    arguments(
        "add",
        [
            format!("name={}", rule.name),
            "dir=in".to_owned(),
            "action=allow".to_owned(),
            format!("program={path}"),
            format!("protocol={}", rule.protocol),
            format!("localport={}", rule.ports),
            format!("profile={PROFILES}"),
            "enable=yes".to_owned(),
        ],
    )
}

fn delete(rule: &Rule) -> Vec<String> {
    arguments("delete", [format!("name={}", rule.name)])
}

/// Every inbound rule of this program: a prompt of Windows that was answered with no leaves one that blocks, and what
/// blocks wins over what allows.
fn delete_all_of(path: &str) -> Vec<String> {
    arguments(
        "delete",
        [
            "name=all".to_owned(),
            "dir=in".to_owned(),
            format!("program={path}"),
        ],
    )
}

fn show(rule: &Rule) -> Vec<String> {
    arguments(
        "show",
        [format!("name={}", rule.name), "verbose".to_owned()],
    )
}

/// Every inbound rule there is: `netsh` cannot be asked for those of a program. One call, about three seconds.
fn show_all() -> Vec<String> {
    arguments(
        "show",
        [
            "name=all".to_owned(),
            "dir=in".to_owned(),
            "verbose".to_owned(),
        ],
    )
}

/// A call of `netsh` as it is typed: what comes after `=` is quoted wherever a command prompt could read it otherwise.
fn typed(args: &[String]) -> String {
    let mut line = "netsh".to_owned();
    for arg in args {
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        match arg.split_once('=') {
            Some((key, value)) if !is_plain(value) => write!(line, " {key}=\"{value}\""),
            _ => write!(line, " {arg}"),
        }
        // Writing to a `String` cannot fail.
        .ok();
    }
    line
}

/// What an administrator types in a command prompt to add the rules, on one line. Where it is known which program is
/// meant, its other inbound rules go first: one that a dismissed prompt left would block all the same. Deleting fails
/// where there is none, so `&` follows it, which goes on in any case.
pub fn line_for_administrator(program: Option<&Path>) -> String {
    let known = program.and_then(|program| path_of(program).ok());
    let delete = known.as_deref().map_or_else(String::new, |path| {
        format!("{} & ", typed(&delete_all_of(path)))
    });
    let path = known.as_deref().unwrap_or(r"C:\…\rollcall.exe");
    let lines: Vec<String> = RULES.iter().map(|rule| typed(&add(rule, path))).collect();
    delete + &lines.join(" && ")
}

/// How the rules stand. Starts `netsh`, which needs no administrator for looking.
///
/// A rule that blocks is only looked for when both of ours are there, and only among those that name this program:
/// one for all programs, or one that `netsh` does not list (a policy's), is not seen.
pub fn state(system: &dyn System) -> RuleState {
    let Some(path) = system.program().ok().and_then(|path| path_of(&path).ok()) else {
        return RuleState::NotKnown;
    };
    let mut state = RuleState::Present;
    for rule in &RULES {
        match system.netsh(&show(rule)) {
            Err(error) => {
                tracing::debug!("netsh could not be started: {error}");
                return RuleState::NotKnown;
            }
            Ok(answer) if !answer.is_success => return RuleState::Missing,
            // Where `netsh` is only a stand-in, it says nothing.
            Ok(answer) if answer.output.trim_ascii().is_empty() => return RuleState::NotKnown,
            Ok(answer) if !names_program(&answer.output, &path) => state = RuleState::OtherProgram,
            Ok(_) => {}
        }
    }
    if state == RuleState::Present && is_blocked(system, &path) {
        return RuleState::Blocked;
    }
    state
}

/// Whether another rule of this program blocks. What cannot be read is taken for no.
fn is_blocked(system: &dyn System, path: &str) -> bool {
    match system.netsh(&show_all()) {
        Ok(answer) => {
            answer.is_success && blocks_program(&answer.output, path, &RULES.map(|rule| rule.name))
        }
        Err(error) => {
            tracing::debug!("netsh could not be started: {error}");
            false
        }
    }
}

/// Changes the rules with the rights that this process has: run by the elevated program.
pub fn carry_out(system: &dyn System, change: RuleChange) -> Result<(), RuleError> {
    let program = system.program().map_err(RuleError::NoProgram)?;
    let path = path_of(&program)?;
    let netsh = |args: &[String]| system.netsh(args).map_err(RuleError::NoNetsh);
    if change == RuleChange::Add {
        // Ends with 1 when there was none, which is as good.
        netsh(&delete_all_of(&path))?;
    }
    for rule in &RULES {
        // Also that of a copy that lies elsewhere by now: a second rule of the same name would be no help.
        netsh(&delete(rule))?;
        let is_done = match change {
            RuleChange::Add => netsh(&add(rule, &path))?.is_success,
            RuleChange::Remove => !netsh(&show(rule))?.is_success,
        };
        if !is_done {
            return Err(RuleError::Refused { rule: rule.name });
        }
    }
    Ok(())
}

/// Changes the rules: starts this program as an administrator, for which Windows asks a person, and looks what came
/// of it. What there is to say, and how the rules stand now.
pub fn change(system: &dyn System, change: RuleChange) -> (Saying, RuleState) {
    let program = system.program().ok();
    let started = match &program {
        Some(path) => path_of(path)
            .map_err(|error| sentence(&error))
            .and_then(|_| {
                system
                    .start_elevated(change)
                    .map_err(|error| format!("An administrator could not be asked ({error})"))
            }),
        None => Err("The path of this program is not known".to_owned()),
    };
    let state = state(system);
    let failed = |why: String| {
        let saying = match change {
            RuleChange::Add => Saying::trouble("The firewall rule was not added").hint(format!(
                "an administrator can add it in a command prompt: {}",
                line_for_administrator(program.as_deref())
            )),
            RuleChange::Remove => {
                let lines: Vec<String> = RULES.iter().map(|rule| typed(&delete(rule))).collect();
                Saying::trouble("The firewall rule was not removed").hint(format!(
                    "an administrator can remove it in a command prompt: {}",
                    lines.join(" && ")
                ))
            }
        };
        saying.because(why)
    };
    let saying = match started {
        Err(why) => failed(why),
        Ok(None) => failed(
            "Windows gave no administrator's rights: the question was answered with no, or could not be asked"
                .to_owned(),
        ),
        Ok(Some(0)) => match (change, state) {
            (RuleChange::Add, RuleState::Present) => {
                Saying::done("The firewall lets units reach Rollcall now")
                    .because("On every network, UDP 3502 and 3211 and TCP 3502, for this program alone")
            }
            (RuleChange::Remove, RuleState::Missing) => {
                Saying::done("The firewall rule was removed")
            }
            (RuleChange::Add, RuleState::Blocked) => {
                failed("Another rule blocks this program, and that one could not be removed".to_owned())
            }
            (_, RuleState::NotKnown) => {
                Saying::note("The firewall was changed, but does not tell how it stands now")
            }
            _ => failed("The firewall took the change, but shows nothing of it".to_owned()),
        },
        Ok(Some(exit_code)) => failed(RuleError::words(exit_code).to_owned()),
    };
    (saying, state)
}

#[cfg(test)]
mod tests;
