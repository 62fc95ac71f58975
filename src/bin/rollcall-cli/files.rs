//! `export` and `import`: inventory files from and into a site file. No network is touched.

use std::path::{Path, PathBuf};

use rollcall::engine::SiteChoice;
use rollcall::engine::command::{Command, ImportReport, Notice};
use rollcall::model::edit::RefusedRow;
use serde::Serialize;

use crate::output::{Failure, JsonLines, Outcome};
use crate::session::{self, Call, Network, with_engine};
use crate::written;

/// What `export` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  rollcall-cli export --site fra2.rollcall --output inventory.csv\n\nA site that the window has open can be read as well."
)]
pub(crate) struct ExportArgs {
    /// The site file
    #[arg(long, value_name = "FILE")]
    site: PathBuf,
    #[command(flatten)]
    written: written::Args,
}

/// What `import` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  rollcall-cli import --site fra2.rollcall plan.csv\n\nPrints one JSON object a file. Exit code 1: a row was refused."
)]
pub(crate) struct ImportArgs {
    /// The site file; a new one when it is not there
    #[arg(long, value_name = "FILE")]
    site: PathBuf,
    /// Inventory files, CSV or JSON
    #[arg(value_name = "INVENTORY", required = true)]
    files: Vec<PathBuf>,
}

/// What came of one file.
#[derive(Debug, Serialize)]
struct Imported<'a> {
    file: String,
    num_rows: u64,
    added: usize,
    changed: usize,
    refused: Vec<RowLine<'a>>,
    remarks: Vec<RowLine<'a>>,
    reading: &'a [String],
}

#[derive(Debug, Serialize)]
struct RowLine<'a> {
    line: u64,
    column: &'a str,
    value: &'a str,
    why: &'a str,
}

impl<'a> RowLine<'a> {
    fn new(row: &'a RefusedRow) -> Self {
        Self {
            line: row.line,
            column: row.column,
            value: &row.value,
            why: &row.why,
        }
    }
}

/// Runs `export`.
pub(crate) fn export(args: &ExportArgs) -> Result<Outcome, Failure> {
    args.written.check()?;
    let site = SiteChoice::ReadOnly(args.site.clone());
    with_engine(session::config(site, Network::Unused), async |call| {
        let snapshot = call.settled().await?;
        args.written.write(&snapshot)?;
        Ok(Outcome::Done)
    })
}

/// Runs `import`.
pub(crate) fn import(args: &ImportArgs) -> Result<Outcome, Failure> {
    let site = SiteChoice::File(args.site.clone());
    with_engine(session::config(site, Network::Unused), async |call| {
        let mut out = JsonLines::new();
        let mut outcome = Outcome::Done;
        for path in &args.files {
            let report = import_one(call, path).await?;
            out.write(&Imported {
                file: report.path.display().to_string(),
                num_rows: report.num_rows,
                added: report.added,
                changed: report.changed,
                refused: report.refused.iter().map(RowLine::new).collect(),
                remarks: report.remarks.iter().map(RowLine::new).collect(),
                reading: &report.reading,
            })?;
            if report.added + report.changed > 0 {
                call.saved().await?;
            }
            if !report.refused.is_empty() {
                outcome = Outcome::Findings;
            }
        }
        out.flush()?;
        Ok(outcome)
    })
}

async fn import_one(call: &mut Call, path: &Path) -> Result<std::sync::Arc<ImportReport>, Failure> {
    call.send(Command::Import(path.to_owned()))?;
    loop {
        if let Notice::Imported(report) = call.notice().await? {
            return match &report.failed {
                None => Ok(report),
                Some(why) => Err(Failure::NotImported {
                    path: path.to_owned(),
                    why: why.clone(),
                }),
            };
        }
    }
}
