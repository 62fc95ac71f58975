//! `capture` and `replay`: what goes over the watched ports into a capture file, and a capture file as a site.

use std::path::PathBuf;
use std::time::Duration;

use rollcall::engine::SiteChoice;
use rollcall::engine::command::{CaptureRequest, Command, Notice};
use rollcall::model::snapshot::Snapshot;
use tokio::time::Instant;

use crate::output::{Failure, Outcome, counted, say};
use crate::session::{self, Network, in_seconds, units, with_engine};
use crate::written;

/// How often progress of reading is said.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

/// What `capture` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  rollcall-cli capture --output port-3502.pcapng --seconds 60\n\nNothing is asked unless --search is given. No administrator is needed: the file is made from what Rollcall's own sockets see."
)]
pub(crate) struct CaptureArgs {
    /// The pcapng file
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Replace the file when it is there already
    #[arg(long)]
    overwrite: bool,
    /// How long; without it until Ctrl-C
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// Only this interface; may be given several times
    #[arg(long, value_name = "NAME")]
    interface: Vec<String>,
    /// Also ask every 15 s, as the window does
    #[arg(long)]
    search: bool,
    /// Only what this filter lets through, as in the window's list of datagrams
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
}

/// What `replay` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  rollcall-cli replay port-3502.pcapng --format json\n\nReads pcap and pcapng of Rollcall, tshark, tcpdump. Findings are printed with --findings. Exit code 1: there is an open finding, or a part of the file could not be read."
)]
pub(crate) struct ReplayArgs {
    /// The capture file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print the findings instead of the inventory, one JSON object each
    #[arg(long)]
    findings: bool,
    #[command(flatten)]
    written: written::Args,
}

/// Runs `capture`.
pub(crate) fn capture(args: &CaptureArgs) -> Result<Outcome, Failure> {
    if args.output.exists() && !args.overwrite {
        return Err(Failure::Exists(args.output.clone()));
    }
    let network = if args.search {
        Network::Search(args.interface.clone())
    } else {
        Network::Listen(args.interface.clone())
    };
    let config = session::config(SiteChoice::ThrowAway, network);
    with_engine(config, async |call| {
        call.wait(args.seconds.map(in_seconds), |_| Ok(false))
            .await?;
        call.settled().await?;
        call.send(Command::SaveCapture(Box::new(CaptureRequest {
            path: args.output.clone(),
            unit: None,
            filter: args.filter.clone(),
            overwrite: args.overwrite,
        })))?;
        loop {
            match call.notice().await? {
                Notice::CaptureSaved {
                    path,
                    num_datagrams,
                } => {
                    say(format_args!(
                        "{} written to {}",
                        counted(num_datagrams, "datagram", "datagrams"),
                        path.display()
                    ));
                    return Ok(Outcome::Done);
                }
                Notice::CaptureWouldReplace(request) => return Err(Failure::Exists(request.path)),
                Notice::Said(saying) => {
                    return Err(Failure::Capture(saying.text.unwrap_or(saying.title)));
                }
                _ => {}
            }
        }
    })
}

/// Runs `replay`.
pub(crate) fn replay(args: &ReplayArgs) -> Result<Outcome, Failure> {
    args.written.check()?;
    let site = SiteChoice::Replay(args.file.clone());
    with_engine(session::config(site, Network::Unused), async |call| {
        let mut told = Instant::now();
        call.wait(None, |snapshot| {
            if told.elapsed() >= PROGRESS_EVERY {
                told = Instant::now();
                say_progress(snapshot);
            }
            let replay = snapshot.watching.replay.as_ref();
            Ok(replay.is_some_and(|replay| replay.is_there))
        })
        .await?;
        let snapshot = call.settled_findings().await?;
        let Some(replay) = snapshot.watching.replay.clone() else {
            return Err(Failure::EngineEnded);
        };
        if let Some(why) = replay.trouble.as_ref().filter(|_| replay.num_packets == 0) {
            return Err(Failure::Capture(why.clone()));
        }
        say(format_args!(
            "{}, {} of them on the watched ports, {}, {}",
            counted(replay.num_packets, "packet", "packets"),
            replay.num_datagrams,
            units(snapshot.units.len()),
            counted(
                snapshot.watching.findings.len() as u64,
                "finding",
                "findings"
            )
        ));
        for remark in &replay.remarks {
            say(format_args!("{remark}"));
        }
        if let Some(why) = &replay.trouble {
            say(format_args!("the rest of the file was not read: {why}"));
        }
        let mut outcome = if args.findings {
            crate::watch::Shown::json().print(&snapshot)?
        } else {
            args.written.write(&snapshot)?;
            Outcome::Done
        };
        if replay.trouble.is_some() || snapshot.watching.num_open > 0 {
            outcome = Outcome::Findings;
        }
        Ok(outcome)
    })
}

fn say_progress(snapshot: &Snapshot) {
    let replay = snapshot.watching.replay.as_ref();
    if let Some(reading) = replay.and_then(|replay| replay.reading) {
        say(format_args!(
            "read {} of {} MiB",
            reading.read_bytes >> 20,
            reading.total_bytes >> 20
        ));
    }
}
