//! `capture` and `replay`: what goes over the watched ports into a capture file, and a capture file as a site.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rollcall::engine::SiteChoice;
use rollcall::engine::command::{CaptureRequest, Command, Notice};
use rollcall::model::snapshot::Snapshot;
use rollcall::model::time::Timestamp;
use rollcall::model::watching::{CaptureState, ReplayState};
use tokio::time::Instant;

use crate::output::{Failure, Outcome, counted, say};
use crate::session::{self, Network, in_seconds, units, with_engine};
use crate::watch::Management;
use crate::written;

/// How often progress of reading is said.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

/// What `capture` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  rollcall-cli capture --output port-3502.pcapng --seconds 60\n\nNothing is asked unless --search is given. No administrator is needed: the file is made from what Rollcall's own sockets see. At most the last 64 MiB are kept and written. Exit code 1: the file does not have everything, because more came than that or something was lost."
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
    after_help = "Example:\n  rollcall-cli replay port-3502.pcapng --format json\n\nReads pcap and pcapng of Rollcall, tshark, tcpdump. Findings are printed with --findings. Ctrl-C ends it, and nothing is written. Exit code 1: there is an open finding, or a part of the file could not be read."
)]
pub(crate) struct ReplayArgs {
    /// The capture file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print the findings instead of the inventory, one JSON object each
    #[arg(long)]
    findings: bool,
    #[command(flatten)]
    management: Management,
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
        let mut missing = Missing::default();
        call.wait(args.seconds.map(in_seconds), |snapshot| {
            missing.look(&snapshot.watching.capture, snapshot.totals.lost);
            Ok(false)
        })
        .await?;
        let last = call.settled().await?;
        missing.look(&last.watching.capture, last.totals.lost);
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
                    return Ok(missing.outcome());
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

/// What was to be captured and is not in the file.
#[derive(Debug, Default)]
struct Missing {
    /// The oldest datagram that was ever in the ring.
    oldest: Option<Timestamp>,
    /// How many there were at the last look.
    num_datagrams: u64,
    has_fallen_out: bool,
    num_missed: u64,
}

impl Missing {
    fn look(&mut self, capture: &CaptureState, num_lost: u64) {
        // The ring throws away its oldest part as a whole: the next one begins later, or it has less than before.
        self.has_fallen_out |= self.oldest.is_some() && capture.oldest > self.oldest
            || capture.num_datagrams < self.num_datagrams;
        self.oldest = self.oldest.or(capture.oldest);
        self.num_datagrams = capture.num_datagrams;
        self.num_missed = capture.num_missed + num_lost;
    }

    /// Says what is missing, and whether anything is.
    fn outcome(&self) -> Outcome {
        if self.has_fallen_out {
            say(format_args!(
                "more came than the 64 MiB that are kept: the oldest datagrams are not in the file"
            ));
        }
        if self.num_missed > 0 {
            say(format_args!(
                "{} lost on the way and not in the file",
                counted(self.num_missed, "datagram", "datagrams")
            ));
        }
        if self.has_fallen_out || self.num_missed > 0 {
            Outcome::Findings
        } else {
            Outcome::Done
        }
    }
}

/// Runs `replay`.
pub(crate) fn replay(args: &ReplayArgs) -> Result<Outcome, Failure> {
    args.written.check()?;
    let site = SiteChoice::Replay(args.file.clone());
    with_engine(session::config(site, Network::Unused), async |call| {
        args.management.add(call)?;
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
        // Whoever stops it has a part of the capture, which is no inventory.
        whole(&call.snapshot())?;
        let snapshot = call.settled_findings().await?;
        let replay = whole(&snapshot)?;
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

/// The replay, when it is at its end.
fn whole(snapshot: &Snapshot) -> Result<Arc<ReplayState>, Failure> {
    let replay = snapshot.watching.replay.as_ref();
    let replay = replay.ok_or(Failure::EngineEnded)?;
    if replay.is_there {
        Ok(Arc::clone(replay))
    } else {
        Err(Failure::ReplayStopped)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(oldest_millis: Option<i64>, num_datagrams: u64, num_missed: u64) -> CaptureState {
        CaptureState {
            oldest: oldest_millis.map(Timestamp::from_millis),
            num_datagrams,
            num_missed,
            ..CaptureState::default()
        }
    }

    #[track_caller]
    fn check(looks: &[(CaptureState, u64)], expected: Outcome) {
        let mut missing = Missing::default();
        for (capture, num_lost) in looks {
            missing.look(capture, *num_lost);
        }
        assert_eq!(missing.outcome(), expected, "{missing:?}");
    }

    #[test]
    fn a_capture_that_lacks_something_is_not_done() {
        check(&[], Outcome::Done);
        let full = (ring(Some(5), 900, 0), 0);
        check(
            &[
                (ring(None, 0, 0), 0),
                (ring(Some(5), 1, 0), 0),
                full.clone(),
            ],
            Outcome::Done,
        );
        check(
            &[full.clone(), (ring(Some(6), 950, 0), 0)],
            Outcome::Findings,
        );
        // Also when all of it has the same time, and when much came after it.
        check(
            &[full.clone(), (ring(Some(5), 400, 0), 0)],
            Outcome::Findings,
        );
        check(
            &[
                full.clone(),
                (ring(Some(6), 950, 0), 0),
                (ring(Some(6), 990, 0), 0),
            ],
            Outcome::Findings,
        );
        check(
            &[full.clone(), (ring(Some(5), 950, 1), 0)],
            Outcome::Findings,
        );
        check(&[full, (ring(Some(5), 950, 0), 2)], Outcome::Findings);
    }

    #[test]
    fn a_capture_that_is_not_at_its_end_is_not_whole() {
        let mut snapshot = Snapshot::default();
        assert!(matches!(whole(&snapshot), Err(Failure::EngineEnded)));
        let mut replay = ReplayState {
            path: PathBuf::from("a.pcapng"),
            reading: None,
            num_datagrams: 1,
            num_packets: 2,
            span: None,
            at: Timestamp::from_millis(0),
            playing: None,
            speed: 1,
            histogram: Arc::default(),
            is_there: false,
            trouble: None,
            remarks: Vec::new(),
            compared: None,
        };
        snapshot.watching.replay = Some(Arc::new(replay.clone()));
        assert!(matches!(whole(&snapshot), Err(Failure::ReplayStopped)));
        replay.is_there = true;
        snapshot.watching.replay = Some(Arc::new(replay));
        assert!(whole(&snapshot).is_ok());
    }
}
