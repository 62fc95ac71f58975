//! What hangs on the units, one record a target: the machines behind the serial ports of console servers, as the units tell.
//! For people and spreadsheets; it is not read back.

use std::io::Write;
use std::ops::ControlFlow;

use super::guard::{DEFUSED_HEADER, DEFUSED_YES};
use super::record_writer::{BYTE_ORDER_MARK, RecordWriter};
use super::{Delimiter, PROGRESS_ROWS, WriteError};
use crate::model::appliance::Appliance;
use crate::model::probing::Target;

/// The headers of the columns, in order.
pub const TARGET_HEADERS: [&str; 11] = [
    "unit_name",
    "unit_model",
    "unit_ip",
    "unit_mac",
    "unit_serial",
    "port",
    "tty",
    "name",
    "status",
    "speed",
    "connected",
];

/// Writes the targets of units as CSV, and returns how many there were. `progress` is told how many were written.
///
/// # Errors
/// When the file cannot be written, or `progress` breaks off.
pub fn write_targets<'a>(
    out: &mut dyn Write,
    units: impl Iterator<Item = &'a Appliance>,
    delimiter: Delimiter,
    for_spreadsheets: bool,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<u64, WriteError> {
    out.write_all(BYTE_ORDER_MARK)?;
    let mut writer = RecordWriter::new(out, delimiter, for_spreadsheets);
    for header in TARGET_HEADERS {
        writer.cell(header.as_bytes());
    }
    writer.end_record(DEFUSED_HEADER)?;
    let mut num_rows = 0;
    for unit in units {
        let Some(probed) = unit.probed.as_deref() else {
            continue;
        };
        let of_unit = unit_cells(unit);
        for target in &probed.targets {
            for cell in of_unit.iter().chain(&target_cells(target)) {
                writer.cell(cell.as_bytes());
            }
            writer.end_record(DEFUSED_YES)?;
            num_rows += 1;
            if num_rows % PROGRESS_ROWS == 0 && progress(num_rows).is_break() {
                return Err(WriteError::Canceled);
            }
        }
    }
    writer.flush()?;
    match progress(num_rows) {
        ControlFlow::Continue(()) => Ok(num_rows),
        ControlFlow::Break(()) => Err(WriteError::Canceled),
    }
}

fn unit_cells(unit: &Appliance) -> [String; 5] {
    let text = |value: Option<String>| value.unwrap_or_default();
    [
        text(unit.name().map(|best| best.value.to_owned())),
        text(unit.model().map(|best| best.value.to_owned())),
        text(unit.ip_value().map(|ip| ip.to_string())),
        text(unit.mac().map(|best| best.value.to_string())),
        text(unit.serial().map(|best| best.value.to_owned())),
    ]
}

fn target_cells(target: &Target) -> [String; 6] {
    let connected = match target.is_connected {
        Some(true) => "yes",
        Some(false) => "no",
        None => "",
    };
    [
        target.port.to_string(),
        target.tty.clone(),
        target.name.clone(),
        target.status.clone(),
        target.speed.clone(),
        connected.to_owned(),
    ]
}
