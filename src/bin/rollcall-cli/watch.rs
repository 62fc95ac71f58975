//! `watch`: listens, and says what is worth a look in the traffic of the watched ports.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueEnum;
use rollcall::engine::SiteChoice;
use rollcall::engine::command::Command;
use rollcall::model::finding::{Finding, FindingState, MANAGEMENT_KEPT, ManagementNetwork};
use rollcall::model::shown::show_text;
use rollcall::model::snapshot::Snapshot;
use serde::Serialize;

use crate::json::hex_of;
use crate::output::{Failure, JsonLines, Outcome, counted, say};
use crate::session::{self, Call, Network, in_seconds, with_engine};

/// What `watch` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  rollcall-cli watch --seconds 60 --management 10.20.0.0/16\n\nNothing is asked. With --site, management networks are added to those that the site has. Exit code 1: there is an open finding."
)]
pub(crate) struct Args {
    /// How long; without it until Ctrl-C
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// Only this interface; may be given several times
    #[arg(long, value_name = "NAME")]
    interface: Vec<String>,
    #[command(flatten)]
    management: Management,
    /// Keep findings, management networks and the capture in this site file; a new one when it is not there
    #[arg(long, value_name = "FILE")]
    site: Option<PathBuf>,
    #[command(flatten)]
    shown: Shown,
}

/// How findings are printed.
#[derive(Debug, clap::Args)]
pub(crate) struct Shown {
    /// Text, or one JSON object a line
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: FormatWord,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatWord {
    Text,
    Json,
}

/// A finding as JSON.
#[derive(Debug, Serialize)]
struct FindingLine<'a> {
    kind: &'static str,
    severity: &'static str,
    state: &'static str,
    note: Option<&'a str>,
    title: &'static str,
    what: &'a str,
    interface: Option<&'a str>,
    sender: Option<String>,
    mac: Option<String>,
    ip: Option<String>,
    first_seen: String,
    last_seen: String,
    count: u64,
    why: &'static str,
    what_to_do: &'static str,
    details: &'a [String],
    samples: Vec<SampleLine>,
}

#[derive(Debug, Serialize)]
struct SampleLine {
    when: String,
    from: String,
    channel: &'static str,
    length: u32,
    hex: String,
}

impl<'a> FindingLine<'a> {
    fn new(finding: &'a Finding) -> Self {
        let kind = finding.key.kind;
        let samples = finding.samples.iter().map(|sample| SampleLine {
            when: sample.when.to_string(),
            from: sample.from.to_string(),
            channel: sample.channel.word(),
            length: sample.raw.full_len,
            hex: hex_of(&sample.raw.bytes),
        });
        Self {
            kind: kind.word(),
            severity: kind.severity().word(),
            state: finding.state.word(),
            note: match &finding.state {
                FindingState::Accepted { note, .. } => Some(note),
                FindingState::Open | FindingState::Gone { .. } => None,
            },
            title: kind.title(),
            what: &finding.what,
            interface: finding.interface.as_deref(),
            sender: finding.sender.map(|ip| ip.to_string()),
            mac: finding.mac.map(|mac| mac.to_string()),
            ip: finding.ip.map(|ip| ip.to_string()),
            first_seen: finding.first.to_string(),
            last_seen: finding.last.to_string(),
            count: finding.count,
            why: kind.why(),
            what_to_do: kind.what_to_do(),
            details: &finding.details,
            samples: samples.collect(),
        }
    }
}

impl Shown {
    /// One JSON object each.
    pub(crate) const fn json() -> Self {
        Self {
            format: FormatWord::Json,
        }
    }

    /// Whether JSON is wanted.
    pub(crate) fn is_json(&self) -> bool {
        self.format == FormatWord::Json
    }

    /// Prints all findings, and says whether one is open.
    pub(crate) fn print(&self, snapshot: &Snapshot) -> Result<Outcome, Failure> {
        let findings = &snapshot.watching.findings;
        match self.format {
            FormatWord::Json => {
                let mut out = JsonLines::new();
                for finding in findings.iter() {
                    out.write(&FindingLine::new(finding))?;
                }
                out.flush()?;
            }
            FormatWord::Text => {
                let mut out = io::stdout().lock();
                for finding in findings.iter() {
                    writeln!(out, "{}", show_text(&text_of(finding)))?;
                }
                out.flush()?;
            }
        }
        say(format_args!(
            "{}, {} open",
            counted(findings.len() as u64, "finding", "findings"),
            snapshot.watching.num_open
        ));
        if snapshot.watching.num_open > 0 {
            Ok(Outcome::Findings)
        } else {
            Ok(Outcome::Done)
        }
    }
}

fn text_of(finding: &Finding) -> String {
    let on = finding
        .interface
        .as_deref()
        // Some sentences name the network themselves.
        .filter(|interface| !finding.what.contains(*interface))
        .map_or_else(String::new, |interface| format!(" on {interface}"));
    format!(
        "{} {} {}: {}{on} ({}, last {})",
        finding.key.kind.severity().word(),
        finding.state.word(),
        finding.key.kind.title(),
        finding.what,
        counted(finding.count, "datagram", "datagrams"),
        finding.last
    )
}

/// Which networks are management networks, besides those that the site has.
#[derive(Debug, clap::Args)]
pub(crate) struct Management {
    /// A network on which units belong, as a CIDR or the name of a VLAN; may be given several times
    #[arg(long, value_name = "CIDR", value_parser = ManagementNetwork::parse)]
    management: Vec<ManagementNetwork>,
}

impl Management {
    /// Adds them to those that the open site has.
    pub(crate) fn add(&self, call: &Call) -> Result<(), Failure> {
        if self.management.is_empty() {
            return Ok(());
        }
        let known = Arc::clone(&call.snapshot().watching.management);
        let list = joined(&known, &self.management)?;
        let num_new = list.len() - known.len();
        if !known.is_empty() {
            say(format_args!(
                "{num_new} added to the {} of the site",
                counted(
                    known.len() as u64,
                    "management network",
                    "management networks"
                )
            ));
        }
        if num_new > 0 {
            call.send(Command::SetManagement(list))?;
        }
        Ok(())
    }
}

/// The networks of a site and those that are given, none of them twice.
fn joined(
    known: &[ManagementNetwork],
    given: &[ManagementNetwork],
) -> Result<Vec<ManagementNetwork>, Failure> {
    let mut list = known.to_vec();
    for network in given {
        if !list.contains(network) {
            list.push(network.clone());
        }
    }
    if list.len() > MANAGEMENT_KEPT {
        return Err(Failure::ManagementFull(list.len()));
    }
    Ok(list)
}

/// Runs the subcommand.
pub(crate) fn watch(args: &Args) -> Result<Outcome, Failure> {
    let site = match &args.site {
        Some(path) => SiteChoice::File(path.clone()),
        None => SiteChoice::ThrowAway,
    };
    let config = session::config(site, Network::Listen(args.interface.clone()));
    with_engine(config, async |call| {
        args.management.add(call)?;
        call.wait(args.seconds.map(in_seconds), |_| Ok(false))
            .await?;
        // What was seen in the last moment becomes a finding only after a short while.
        let snapshot = call.settled_findings().await?;
        args.shown.print(&snapshot)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_networks_come_to_those_of_the_site_and_none_twice() {
        let networks = |texts: &[&str]| -> Vec<ManagementNetwork> {
            let parsed = texts.iter().map(|text| ManagementNetwork::parse(text));
            parsed.collect::<Result<_, _>>().expect("they are networks")
        };
        let known = networks(&["10.1.0.0/16", "120"]);
        let given = networks(&["10.2.0.7/16", "10.1.9.9/16", "10.2.0.0/16"]);
        let list = joined(&known, &given).expect("there is room");
        assert_eq!(list, networks(&["10.1.0.0/16", "120", "10.2.0.0/16"]));
        let many: Vec<String> = (0..MANAGEMENT_KEPT).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(joined(&networks(&many), &given).is_err());
    }
}
