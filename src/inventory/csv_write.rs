//! Units to CSV: UTF-8 with a byte order mark, CRLF, the columns of the rules, one record a unit.

use std::io::Write;
use std::ops::ControlFlow;

use super::cells::{Scratch, extra_cells, has_other_ips, is_plain, unit_cell, write_other_ips};
use super::guard::{DEFUSED_HEADER, DEFUSED_YES};
use super::header::{OTHER_IPS_HEADER, is_defused, is_other_ips};
use super::record_writer::{BYTE_ORDER_MARK, RecordWriter};
use super::{PROGRESS_ROWS, WriteError, WriteStyle};
use crate::model::appliance::Appliance;
use crate::model::column::Column;
use crate::model::status::StatusContext;

/// Writes units as CSV.
pub(super) fn write_csv<'a>(
    out: &mut dyn Write,
    rows: impl Iterator<Item = &'a Appliance> + Clone,
    context: &StatusContext,
    extra_columns: &[String],
    style: WriteStyle,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<u64, WriteError> {
    out.write_all(BYTE_ORDER_MARK)?;
    // An unknown column of that name must not be read back as ours, so ours goes before it.
    let with_other_ips =
        extra_columns.iter().any(|name| is_other_ips(name)) || rows.clone().any(has_other_ips);
    // A column that says "yes" here would take the guard off cells that never had one.
    let extra_columns: Vec<(usize, &str)> = extra_columns
        .iter()
        .enumerate()
        .filter(|(_, name)| !is_defused(name))
        .map(|(idx, name)| (idx, name.as_str()))
        .collect();
    let num_extra = extra_columns.last().map_or(0, |(idx, _)| idx + 1);

    let mut writer = RecordWriter::new(out, style.delimiter, style.for_spreadsheets);
    for column in Column::ALL {
        writer.cell(column.key().as_bytes());
    }
    if with_other_ips {
        writer.cell(OTHER_IPS_HEADER.as_bytes());
    }
    for (_, name) in &extra_columns {
        writer.cell(name.as_bytes());
    }
    writer.end_record(DEFUSED_HEADER)?;

    let mut num_rows = 0;
    let mut scratch = Scratch::default();
    let mut extra: Vec<&str> = vec![""; num_extra];
    for unit in rows {
        for column in Column::ALL {
            let cell = unit_cell(column, unit, context, &mut scratch);
            if is_plain(column) {
                writer.plain_cell(cell);
            } else {
                writer.cell(cell);
            }
        }
        if with_other_ips {
            scratch.clear();
            write_other_ips(unit, &mut scratch);
            writer.cell(scratch.as_bytes());
        }
        if num_extra > 0 {
            extra_cells(unit, &mut extra);
            for (idx, _) in &extra_columns {
                writer.cell(extra[*idx].as_bytes());
            }
        }
        writer.end_record(DEFUSED_YES)?;
        num_rows += 1;
        if num_rows % PROGRESS_ROWS == 0 && progress(num_rows).is_break() {
            return Err(WriteError::Canceled);
        }
    }
    writer.flush()?;
    match progress(num_rows) {
        ControlFlow::Continue(()) => Ok(num_rows),
        ControlFlow::Break(()) => Err(WriteError::Canceled),
    }
}
