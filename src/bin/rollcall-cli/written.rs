//! Where an inventory goes, and how: the same for every subcommand that writes one.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueEnum;
use rollcall::engine::clock;
use rollcall::engine::files::{FileError, write_atomically};
use rollcall::inventory::{Delimiter, FileMeta, Format, WriteError, WriteStyle, write_inventory};
use rollcall::model::appliance::Appliance;
use rollcall::model::snapshot::Snapshot;

use crate::output::{Failure, say};
use crate::session::units;

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
    pub(crate) fn write(&self, snapshot: &Snapshot) -> Result<(), Failure> {
        let Some(path) = &self.output else {
            let mut out = BufWriter::new(io::stdout().lock());
            self.write_into(&mut out, snapshot)?;
            out.flush()?;
            return Ok(());
        };
        write_atomically(path, self.overwrite, |file| self.write_into(file, snapshot)).map_err(
            |error| match error {
                FileError::Exists(path) => Failure::Exists(path),
                error => Failure::NotExported(error),
            },
        )?;
        say(format_args!(
            "{} written to {}",
            units(snapshot.units.len()),
            path.display()
        ));
        Ok(())
    }

    fn write_into(&self, out: &mut impl Write, snapshot: &Snapshot) -> Result<(), WriteError> {
        let meta = FileMeta {
            site: snapshot.site.name.clone(),
            written: clock::now(),
            program: concat!("Rollcall ", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        let units: Vec<&Appliance> = snapshot
            .units
            .iter()
            .map(|(_, unit)| Arc::as_ref(unit))
            .collect();
        write_inventory(
            out,
            units.iter().copied(),
            &snapshot.context,
            &snapshot.extra_columns,
            self.style(),
            &meta,
            &mut |_| ControlFlow::Continue(()),
        )
        .map(drop)
    }
}
