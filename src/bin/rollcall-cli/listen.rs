//! `listen`: says what is heard, as it comes.

use rollcall::engine::SiteChoice;
use rollcall::model::sighting::{Sighting, Source};
use rollcall::model::snapshot::Snapshot;
use tokio::sync::mpsc;

use crate::json::HeardLine;
use crate::output::{Failure, JsonLines, Outcome};
use crate::session::{self, Network, in_seconds, with_engine};

/// Sightings that may wait to be printed. More are left out when nobody reads as fast as units speak.
const TAP_CAPACITY: usize = 65_536;

/// What `listen` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  rollcall-cli listen --seconds 30 --interface eth0\n\nNothing is asked: what comes are announcements, and answers to other searchers."
)]
pub(crate) struct Args {
    /// How long; without it until Ctrl-C
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// Only this interface; may be given several times
    #[arg(long, value_name = "NAME")]
    interface: Vec<String>,
}

/// Runs the subcommand.
pub(crate) fn listen(args: &Args) -> Result<Outcome, Failure> {
    let (tap, heard) = mpsc::channel(TAP_CAPACITY);
    let mut config = session::config(
        SiteChoice::ThrowAway,
        Network::Listen(args.interface.clone()),
    );
    config.tap = Some(tap);
    let mut printer = Printer {
        heard,
        next_stray: 0,
        out: JsonLines::new(),
    };
    with_engine(config, async move |call| {
        // Every snapshot is a reason to print what came since the one before: ten times a second at most.
        call.wait(args.seconds.map(in_seconds), |snapshot| {
            printer.print(snapshot).map(|()| false)
        })
        .await?;
        let last = call.settled().await?;
        printer.print(&last)?;
        Ok(Outcome::Done)
    })
}

/// Prints what was not printed yet.
struct Printer {
    heard: mpsc::Receiver<Sighting>,
    next_stray: u64,
    out: JsonLines,
}

impl Printer {
    fn print(&mut self, snapshot: &Snapshot) -> Result<(), Failure> {
        while let Ok(sighting) = self.heard.try_recv() {
            // What was not understood is among the strays as well, with the reason: one datagram is one line.
            if sighting.source != Source::Undecoded {
                self.out.write(&HeardLine::of_sighting(&sighting))?;
            }
        }
        for stray in snapshot.strays.iter() {
            if stray.seq >= self.next_stray {
                self.next_stray = stray.seq + 1;
                self.out.write(&HeardLine::of_stray(stray))?;
            }
        }
        self.out.flush()
    }
}
