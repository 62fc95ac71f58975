//! `doctor`: what is listened to, who holds the ports, and what may keep units from being heard.

use std::io::{self, Write};

use clap::ValueEnum;
use rollcall::engine::SiteChoice;
use rollcall::engine::command::Command;
use rollcall::model::network::who_listens;
use rollcall::model::shown::show_text;
use rollcall::model::snapshot::{DoctorReport, Verdict};

use crate::json::{Report, verdict_word};
use crate::output::{Failure, JsonLines, Outcome};
use crate::session::{self, Network, in_seconds, with_engine};

/// What `doctor` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  rollcall-cli doctor --format json\n\nExit code 1: something may keep units from being heard."
)]
pub(crate) struct Args {
    /// Text for a person, or one JSON object
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = FormatWord::Text)]
    format: FormatWord,
    /// How long to listen before saying what was heard
    #[arg(long, value_name = "N", default_value_t = 3)]
    seconds: u64,
    /// Only this interface; may be given several times
    #[arg(long, value_name = "NAME")]
    interface: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatWord {
    Text,
    Json,
}

/// Runs the subcommand.
pub(crate) fn doctor(args: &Args) -> Result<Outcome, Failure> {
    let config = session::config(
        SiteChoice::ThrowAway,
        Network::Listen(args.interface.clone()),
    );
    with_engine(config, async |call| {
        call.send(Command::RunDoctor)?;
        call.wait(Some(in_seconds(args.seconds)), |_| Ok(false))
            .await?;
        let snapshot = call.settled().await?;
        let report = &snapshot.doctor;
        match args.format {
            FormatWord::Text => print(report)?,
            FormatWord::Json => {
                let mut out = JsonLines::new();
                out.write(&Report::new(report, &snapshot.interfaces))?;
                out.flush()?;
            }
        }
        let has_warning = report
            .checks
            .iter()
            .any(|check| check.verdict == Verdict::Warning);
        if has_warning {
            Ok(Outcome::Findings)
        } else {
            Ok(Outcome::Done)
        }
    })
}

fn print(report: &DoctorReport) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    for check in &report.checks {
        let (word, what) = (verdict_word(check.verdict), show_text(&check.what));
        match &check.interface {
            Some(interface) => writeln!(out, "{word:8} {interface}: {what}")?,
            None => writeln!(out, "{word:8} {what}")?,
        }
        if let Some(hint) = &check.hint {
            writeln!(out, "         hint: {hint}")?;
        }
    }
    writeln!(out, "\nWho listens here")?;
    for line in who_listens(&report.port_holders) {
        writeln!(out, "  {}", show_text(&line))?;
    }
    out.flush()?;
    Ok(())
}
