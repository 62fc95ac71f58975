//! Where an inventory goes, and how: the same for every subcommand that writes one.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueEnum;
use rollcall::engine::clock;
use rollcall::engine::command::{Command, ExportRequest, Notice};
use rollcall::inventory::{Delimiter, FileMeta, Format, WriteStyle, write_inventory};
use rollcall::model::appliance::Appliance;
use rollcall::model::snapshot::Snapshot;

use crate::output::{Failure, say};
use crate::session::{Call, units};

/// Where to and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The format; without it the ending of the file says it, or it is CSV
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<FormatWord>,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file when it is there already
    #[arg(long, requires = "output")]
    overwrite: bool,
    /// CSV only: defuse cells that a spreadsheet would run as a formula
    #[arg(long)]
    for_spreadsheets: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatWord {
    Csv,
    Json,
}

impl Args {
    /// Refuses to replace a file before anything else is done.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match &self.output {
            Some(path) if path.exists() && !self.overwrite => Err(Failure::Exists(path.clone())),
            _ => Ok(()),
        }
    }

    fn style(&self) -> WriteStyle {
        let by_ending = || self.output.as_deref().and_then(Format::from_path);
        let format = match self.format {
            Some(FormatWord::Csv) => Format::Csv,
            Some(FormatWord::Json) => Format::Json,
            None => by_ending().unwrap_or(Format::Csv),
        };
        WriteStyle {
            format,
            delimiter: Delimiter::Comma,
            for_spreadsheets: self.for_spreadsheets,
        }
    }

    /// Writes all units of a snapshot.
    pub(crate) async fn write(
        &self,
        call: &mut Call,
        snapshot: Arc<Snapshot>,
    ) -> Result<(), Failure> {
        let Some(path) = &self.output else {
            return self.print(&snapshot);
        };
        let rows = snapshot
            .units
            .iter()
            .map(|(slot, unit)| (slot, unit.id))
            .collect();
        call.send(Command::Export(Box::new(ExportRequest {
            path: path.clone(),
            style: self.style(),
            snapshot,
            rows,
            overwrite: self.overwrite,
        })))?;
        loop {
            match call.notice().await? {
                Notice::Exported { path, num_rows } => {
                    say(format_args!(
                        "{} written to {}",
                        units(num_rows as usize),
                        path.display()
                    ));
                    return Ok(());
                }
                Notice::ExportWouldReplace(request) => return Err(Failure::Exists(request.path)),
                Notice::Said(_) => return Err(Failure::NotExported(path.clone())),
                _ => {}
            }
        }
    }

    fn print(&self, snapshot: &Snapshot) -> Result<(), Failure> {
        let units: Vec<&Appliance> = snapshot
            .units
            .iter()
            .map(|(_, unit)| Arc::as_ref(unit))
            .collect();
        let meta = FileMeta {
            site: snapshot.site.name.clone(),
            written: clock::now(),
            program: concat!("Rollcall ", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        let mut out = BufWriter::new(io::stdout().lock());
        write_inventory(
            &mut out,
            units.iter().copied(),
            &snapshot.context,
            &snapshot.extra_columns,
            self.style(),
            &meta,
            &mut |_| ControlFlow::Continue(()),
        )?;
        out.flush()?;
        Ok(())
    }
}
