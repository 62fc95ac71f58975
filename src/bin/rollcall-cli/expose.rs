//! `expose`: which addresses of some ranges answer on the discovery ports.

use std::time::Duration;

use rollcall::engine::SiteChoice;
use rollcall::engine::command::{Command, ExposeRequest};
use rollcall::engine::ranges::{Ranges, Size};
use rollcall::model::exposure::{ExposeState, Exposed, report_text};
use rollcall::model::snapshot::SweepEnd;
use serde::Serialize;
use tokio::time::Instant;

use crate::output::{Failure, JsonLines, Outcome, say};
use crate::session::{self, Network, with_engine};
use crate::watch::Shown;

/// How long a check may take to begin.
const BEGIN_PATIENCE: Duration = Duration::from_secs(5);

/// What `expose` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  rollcall-cli expose 10.20.4.0/24\n\nOnly UDP and TCP 3502 and 3211 are touched. Exit code 1: something answers; 2: the check was not finished, and nothing answered so far."
)]
pub(crate) struct Args {
    /// What to check: networks, ranges or single addresses
    #[arg(value_name = "CIDR", required = true)]
    ranges: Vec<String>,
    /// Check more than a /16
    #[arg(long)]
    yes: bool,
    /// Only through this interface; may be given several times
    #[arg(long, value_name = "NAME")]
    interface: Vec<String>,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Debug, Serialize)]
struct ExposedLine {
    address: String,
    udp_3502: bool,
    udp_3211: bool,
    tcp_3502: &'static str,
    tcp_3211: &'static str,
    is_routed: bool,
}

impl ExposedLine {
    fn new(exposed: &Exposed) -> Self {
        Self {
            address: exposed.ip.to_string(),
            udp_3502: exposed.udp_3502,
            udp_3211: exposed.udp_3211,
            tcp_3502: exposed.tcp_3502.word(),
            tcp_3211: exposed.tcp_3211.word(),
            is_routed: exposed.is_routed,
        }
    }
}

/// Runs the subcommand.
pub(crate) fn expose(args: &Args) -> Result<Outcome, Failure> {
    let request = ExposeRequest {
        ranges: args.ranges.join(" "),
        confirmed: args.yes,
    };
    let ranges = Ranges::parse(&request.ranges)?;
    let why = match ranges.check_size() {
        Size::TooMany => Some("more than a /12, which is the most that is checked at once"),
        Size::Ask if !args.yes => Some("more than a /16; --yes checks them all the same"),
        Size::Ask | Size::Fine => None,
    };
    if let Some(why) = why {
        return Err(Failure::TooManyIps {
            num_ips: ranges.num_ips(),
            why,
        });
    }
    let config = session::config(
        SiteChoice::ThrowAway,
        Network::Listen(args.interface.clone()),
    );
    with_engine(config, async |call| {
        call.send(Command::Expose(request))?;
        let mut has_begun = false;
        call.wait(Some(Instant::now() + BEGIN_PATIENCE), |snapshot| {
            has_begun = snapshot.watching.expose.is_some();
            Ok(has_begun)
        })
        .await?;
        if !has_begun {
            return Err(Failure::Expose);
        }
        call.wait(None, |snapshot| {
            let expose = snapshot.watching.expose.as_ref();
            Ok(expose.is_none_or(|expose| expose.ended.is_some()))
        })
        .await?;
        let snapshot = call.settled().await?;
        let Some(state) = &snapshot.watching.expose else {
            return Err(Failure::EngineEnded);
        };
        let mut out = JsonLines::new();
        if args.shown.is_json() {
            for exposed in state.found.iter() {
                out.write(&ExposedLine::new(exposed))?;
            }
        } else {
            out.text(&report_text(state))?;
        }
        out.flush()?;
        if let Some(SweepEnd::Failed(why)) = &state.outcome {
            say(format_args!("{why}"));
            if state.num_asked == 0 {
                return Err(Failure::Expose);
            }
        }
        outcome_of(state)
    })
}

/// How a check ended. One that was not finished never says that nothing is exposed.
fn outcome_of(state: &ExposeState) -> Result<Outcome, Failure> {
    let is_done = state.outcome == Some(SweepEnd::Done);
    if state.num_exposed > 0 {
        if !is_done {
            say(format_args!(
                "the exposure check was not finished: {} of {} questions asked",
                state.num_asked, state.num_questions
            ));
        }
        Ok(Outcome::Findings)
    } else if is_done {
        Ok(Outcome::Done)
    } else {
        Err(Failure::ExposeNotDone {
            num_asked: state.num_asked,
            num_questions: state.num_questions,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_finished_check_says_that_nothing_is_exposed() {
        let state = |outcome: Option<SweepEnd>, num_exposed| ExposeState {
            outcome,
            num_exposed,
            num_asked: 3,
            num_questions: 8,
            ..ExposeState::default()
        };
        let done = outcome_of(&state(Some(SweepEnd::Done), 0));
        assert!(matches!(done, Ok(Outcome::Done)), "{done:?}");
        for unfinished in [
            None,
            Some(SweepEnd::Canceled),
            Some(SweepEnd::Failed("no route".to_owned())),
        ] {
            let ended = outcome_of(&state(unfinished.clone(), 0));
            let words = ended.expect_err("nobody knows").to_string();
            assert!(words.contains("3 of 8"), "{words}");
            let ended = outcome_of(&state(unfinished, 1));
            assert!(matches!(ended, Ok(Outcome::Findings)), "{ended:?}");
        }
        let found = outcome_of(&state(Some(SweepEnd::Done), 2));
        assert!(matches!(found, Ok(Outcome::Findings)), "{found:?}");
    }
}
