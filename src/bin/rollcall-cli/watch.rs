//! `watch`: listens, and says what is worth a look in the traffic of the watched ports.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::ValueEnum;
use rollcall::engine::SiteChoice;
use rollcall::engine::command::Command;
use rollcall::model::finding::{Finding, FindingState, ManagementNetwork};
use rollcall::model::shown::show_text;
use rollcall::model::snapshot::Snapshot;
use serde::Serialize;

use crate::json::hex_of;
use crate::output::{Failure, JsonLines, Outcome, counted, say};
use crate::session::{self, Network, in_seconds, with_engine};

/// What `watch` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  rollcall-cli watch --seconds 60 --management 10.20.0.0/16\n\nNothing is asked. Exit code 1: there is an open finding."
)]
pub(crate) struct Args {
    /// How long; without it until Ctrl-C
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// Only this interface; may be given several times
    #[arg(long, value_name = "NAME")]
    interface: Vec<String>,
    /// A network on which units belong, as a CIDR or the name of a VLAN; may be given several times
    #[arg(long, value_name = "CIDR")]
    management: Vec<String>,
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

/// A management network as a person types it: a CIDR, else the name of a VLAN.
fn management(text: &str) -> ManagementNetwork {
    if text.parse::<ipnet::Ipv4Net>().is_ok() {
        ManagementNetwork {
            cidr: text.to_owned(),
            vlan: String::new(),
        }
    } else {
        ManagementNetwork {
            cidr: String::new(),
            vlan: text.to_owned(),
        }
    }
}

/// Runs the subcommand.
pub(crate) fn watch(args: &Args) -> Result<Outcome, Failure> {
    let site = match &args.site {
        Some(path) => SiteChoice::File(path.clone()),
        None => SiteChoice::ThrowAway,
    };
    let config = session::config(site, Network::Listen(args.interface.clone()));
    with_engine(config, async |call| {
        if !args.management.is_empty() {
            let networks = args.management.iter().map(|text| management(text));
            call.send(Command::SetManagement(networks.collect()))?;
        }
        call.wait(args.seconds.map(in_seconds), |_| Ok(false))
            .await?;
        // What was seen in the last moment becomes a finding only after a short while.
        let snapshot = call.settled_findings().await?;
        args.shown.print(&snapshot)
    })
}
