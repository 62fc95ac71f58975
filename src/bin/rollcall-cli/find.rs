//! `search` and `sweep`: find units, then write the inventory.

use std::path::PathBuf;
use std::time::Duration;

use rollcall::engine::command::{Command, IdentifyRequest, SweepRequest};
use rollcall::engine::ranges::{Ranges, Size};
use rollcall::model::snapshot::{Snapshot, SweepEnd};
use tokio::time::Instant;

use crate::output::{Failure, Outcome, counted, say};
use crate::session::{self, Call, Network, in_seconds, num_heard, units, with_engine};
use crate::written;

/// How long a sweep may take to begin.
const BEGIN_PATIENCE: Duration = Duration::from_secs(5);

/// How many of the other things that answered are named.
const OTHERS_SAID: usize = 50;

/// How long an identification may take to begin.
const IDENTIFY_BEGINS: Duration = Duration::from_secs(1);

/// What `search` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  rollcall-cli search --seconds 10 --output inventory.csv\n\nExit code 1: no unit was found. Ctrl-C ends the search early; what was found is written."
)]
pub(crate) struct SearchArgs {
    /// How long; a search asks at 0, 1 and 3 s, then every 15 s
    #[arg(long, value_name = "N")]
    seconds: u64,
    /// Only this interface; may be given several times
    #[arg(long, value_name = "NAME")]
    interface: Vec<String>,
    /// Also ask what is found by SNMP, web, SSH and ports what it is
    #[arg(long)]
    identify: bool,
    /// Keep what is found in this site file; a new one when it is not there
    #[arg(long, value_name = "FILE")]
    site: Option<PathBuf>,
    #[command(flatten)]
    written: written::Args,
}

/// What `sweep` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  rollcall-cli sweep 10.20.4.0/24 10.20.5.10-10.20.5.80\n\nExit code 1: no unit was found."
)]
pub(crate) struct SweepArgs {
    /// What to sweep: networks, ranges or single addresses
    #[arg(value_name = "CIDR", required = true)]
    ranges: Vec<String>,
    /// Questions a second where a router is between
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
    /// Sweep more than a /16
    #[arg(long)]
    yes: bool,
    /// Ask by AIDP only, not by SNMP, web, SSH and ports
    #[arg(long)]
    no_probes: bool,
    /// Only through this interface; may be given several times
    #[arg(long, value_name = "NAME")]
    interface: Vec<String>,
    /// Keep what is found in this site file; a new one when it is not there
    #[arg(long, value_name = "FILE")]
    site: Option<PathBuf>,
    #[command(flatten)]
    written: written::Args,
}

/// Runs `search`.
pub(crate) fn search(args: &SearchArgs) -> Result<Outcome, Failure> {
    args.written.check()?;
    let site = session::site(args.site.as_deref());
    let mut config = session::config(site, Network::Search(args.interface.clone()));
    config.identify.settings.automatic = args.identify;
    with_engine(config, async |call| {
        call.wait(Some(in_seconds(args.seconds)), |_| Ok(false))
            .await?;
        if args.identify {
            identify_rest(call).await?;
        }
        finish(call, &args.written, args.site.is_some()).await
    })
}

/// Asks the units that nobody asked yet, and waits for the end.
async fn identify_rest(call: &mut Call) -> Result<(), Failure> {
    let before = call
        .snapshot()
        .identifying
        .as_ref()
        .map(|state| state.started);
    call.send(Command::Identify(IdentifyRequest::Unidentified))?;
    // It begins within the engine's next turn, when there is anybody to ask.
    call.wait(Some(Instant::now() + IDENTIFY_BEGINS), |snapshot| {
        let state = snapshot.identifying.as_ref();
        Ok(state.is_some_and(|state| Some(state.started) != before))
    })
    .await?;
    call.wait(None, |snapshot| {
        let state = snapshot.identifying.as_ref();
        Ok(state.is_none_or(|state| state.ended.is_some()))
    })
    .await
}

/// Runs `sweep`.
pub(crate) fn sweep(args: &SweepArgs) -> Result<Outcome, Failure> {
    args.written.check()?;
    let request = SweepRequest {
        ranges: args.ranges.join(" "),
        per_sec: args.rate,
        confirmed: args.yes,
        probe: !args.no_probes,
    };
    check_size(&request)?;
    let site = session::site(args.site.as_deref());
    let config = session::config(site, Network::Listen(args.interface.clone()));
    with_engine(config, async |call| {
        call.send(Command::Sweep(request))?;
        let mut has_begun = false;
        call.wait(Some(Instant::now() + BEGIN_PATIENCE), |snapshot| {
            has_begun = snapshot.sweep.is_some();
            Ok(has_begun)
        })
        .await?;
        if !has_begun {
            return Err(Failure::Sweep { why: None });
        }
        // Over when TCP was tried as well, where UDP brought nothing.
        call.wait(None, |snapshot| {
            let sweep = snapshot.sweep.as_ref();
            Ok(sweep.is_none_or(|sweep| sweep.ended.is_some()))
        })
        .await?;
        if let Some(sweep) = &call.snapshot().sweep
            && let Some(SweepEnd::Failed(why)) = &sweep.ended
        {
            if sweep.num_asked == 0 {
                return Err(Failure::Sweep {
                    why: Some(why.clone()),
                });
            }
            // Some addresses that cannot be asked cost themselves, not what was found at the others.
            say(format_args!("{why}"));
        }
        finish(call, &args.written, args.site.is_some()).await
    })
}

/// Refuses what is too much, with the engine's own measure, before anything is opened.
fn check_size(request: &SweepRequest) -> Result<(), Failure> {
    let ranges = Ranges::parse(&request.ranges)?;
    let num_ips = ranges.num_ips();
    let why = match ranges.check_size() {
        Size::TooMany => "more than a /12, which is the most that is swept at once",
        Size::Ask if !request.confirmed => "more than a /16; --yes sweeps them all the same",
        Size::Ask | Size::Fine => return Ok(()),
    };
    Err(Failure::TooManyIps { num_ips, why })
}

/// Writes what was found, and says whether anything was.
async fn finish(
    call: &mut Call,
    written: &written::Args,
    is_kept: bool,
) -> Result<Outcome, Failure> {
    let snapshot = call.settled().await?;
    let num_heard = num_heard(&snapshot);
    say(format_args!("{} heard", units(num_heard)));
    say_more(&snapshot);
    // First what was found, whatever becomes of the site file.
    written.write(&snapshot)?;
    if is_kept && num_heard > 0 {
        call.saved().await?;
    }
    if num_heard == 0 {
        Ok(Outcome::Findings)
    } else {
        Ok(Outcome::Done)
    }
}

/// What was heard and is no unit: said, never hidden.
fn say_more(snapshot: &Snapshot) {
    let totals = &snapshot.totals;
    if totals.not_understood > 0 {
        say(format_args!(
            "{} not understood; \"listen\" shows such with their bytes",
            counted(totals.not_understood, "datagram", "datagrams")
        ));
    }
    if totals.lost > 0 {
        say(format_args!(
            "{} lost on the way",
            counted(totals.lost, "datagram", "datagrams")
        ));
    }
    if !snapshot.others.is_empty() {
        say(format_args!(
            "{} that show no sign of being units:",
            counted(
                snapshot.others.len() as u64,
                "other thing answered",
                "other things answered"
            )
        ));
        for other in snapshot.others.iter().take(OTHERS_SAID) {
            say(format_args!("  {} {}", other.probed.ip, other.what));
        }
    }
    for flood in snapshot.floods.iter() {
        say(format_args!(
            "flood from {} on {}: {} held back",
            flood.sender.ip,
            flood.sender.interface,
            counted(flood.held_back, "sighting", "sightings")
        ));
    }
    for limit in snapshot.limits.iter() {
        say(format_args!("{limit}"));
    }
}
