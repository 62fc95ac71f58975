//! Units to JSON, exact: nothing is defused, and *none* and *unknown* stay two things.
//!
//! ```json
//! {"format":"rollcall-inventory","version":1,"written":"2026-11-22T12:12:41Z","site":"Hall 4",
//! "program":"rollcall 0.1.0","columns_unknown":["Asset tag"],"units":[
//! {"status":"heard","name":"acs-1","model":null,"class":null,"ip":"10.0.0.5","prefix":24,"gateway":"none",
//! "mac":"00:e0:86:12:34:56","serial":null,"part_number":null,"firmware":null,"planned_name":null,
//! "planned_place":null,"heard_on":"eth0","heard_by":"reply","first_heard":"2026-11-22T12:00:00Z",
//! "last_heard":"2026-11-22T12:12:40Z","note":null,"other_ips":[],"unknown":["A-17"]}
//! ]}
//! ```
//!
//! Every key is always there; `null` is unknown. `ip` and `gateway` are `"none"` when the unit says that it has
//! none. `unknown` holds the cells of `columns_unknown`, in that order. In the file each unit is one line, so that
//! a report can name it. Reading does not mind the order of keys, missing ones, or line ends.

use std::fmt::Display;
use std::io::{BufWriter, Write};
use std::net::Ipv4Addr;
use std::ops::ControlFlow;

use serde::{Serialize, Serializer};

use super::cells::{Scratch, extra_cells, unit_cell};
use super::{FileMeta, PROGRESS_ROWS, WriteError};
use crate::model::appliance::{Appliance, Best};
use crate::model::column::Column;
use crate::model::status::StatusContext;

/// What the file says that it is.
pub(super) const FORMAT: &str = "rollcall-inventory";

/// The version of the shape that is written.
pub(super) const VERSION: u64 = 1;

/// What an address is that the unit says it does not have.
pub(super) const NONE: &str = "none";

/// The first keys; `units` follows.
#[derive(Serialize)]
struct Head<'a> {
    format: &'static str,
    version: u64,
    written: Shown<crate::model::time::Timestamp>,
    site: &'a str,
    program: &'a str,
    columns_unknown: &'a [String],
}

/// One unit.
#[derive(Serialize)]
struct Unit<'a> {
    status: &'static str,
    name: Option<&'a str>,
    model: Option<&'a str>,
    class: Option<&'a str>,
    ip: Ip,
    prefix: Option<u8>,
    gateway: Ip,
    mac: Option<Shown<crate::model::identity::Mac>>,
    serial: Option<&'a str>,
    part_number: Option<&'a str>,
    firmware: Option<&'a str>,
    planned_name: Option<&'a str>,
    planned_place: Option<&'a str>,
    heard_on: Option<&'a str>,
    heard_by: Option<&'a str>,
    first_heard: Option<Shown<crate::model::time::Timestamp>>,
    last_heard: Option<Shown<crate::model::time::Timestamp>>,
    note: Option<&'a str>,
    other_ips: Vec<Ipv4Addr>,
    unknown: Vec<Option<&'a str>>,
}

/// A value as it prints.
struct Shown<T>(T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// An address that is unknown, stated to be none, or known.
enum Ip {
    Unknown,
    None,
    Known(Ipv4Addr),
}

impl Ip {
    fn new(best: Option<Best<Option<Ipv4Addr>>>) -> Self {
        match best.map(|best| best.value) {
            None => Self::Unknown,
            Some(None) => Self::None,
            Some(Some(ip)) => Self::Known(ip),
        }
    }
}

impl Serialize for Ip {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unknown => serializer.serialize_none(),
            Self::None => serializer.serialize_str(NONE),
            Self::Known(ip) => serializer.collect_str(ip),
        }
    }
}

/// Writes units as JSON.
pub(super) fn write_json<'a>(
    out: &mut dyn Write,
    rows: impl Iterator<Item = &'a Appliance>,
    context: &StatusContext,
    extra_columns: &[String],
    meta: &FileMeta,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<u64, WriteError> {
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    let head = Head {
        format: FORMAT,
        version: VERSION,
        written: Shown(meta.written),
        site: &meta.site,
        program: &meta.program,
        columns_unknown: extra_columns,
    };
    let mut head = serde_json::to_vec(&head).map_err(std::io::Error::from)?;
    // The list of units is written by hand, one unit a line.
    head.pop();
    out.write_all(&head)?;
    out.write_all(b",\"units\":[")?;

    let mut num_rows = 0;
    for unit in rows {
        out.write_all(if num_rows == 0 { b"\n" } else { b",\n" })?;
        write_unit(&mut out, unit, context, extra_columns.len())?;
        num_rows += 1;
        if num_rows % PROGRESS_ROWS == 0 && progress(num_rows).is_break() {
            return Err(WriteError::Canceled);
        }
    }
    out.write_all(b"\n]}\n")?;
    out.flush()?;
    match progress(num_rows) {
        ControlFlow::Continue(()) => Ok(num_rows),
        ControlFlow::Break(()) => Err(WriteError::Canceled),
    }
}

fn write_unit(
    out: &mut impl Write,
    unit: &Appliance,
    context: &StatusContext,
    num_extra: usize,
) -> std::io::Result<()> {
    fn known(text: &str) -> Option<&str> {
        Some(text).filter(|text| !text.is_empty())
    }
    fn text(best: Option<Best<&str>>) -> Option<&str> {
        best.and_then(|best| known(best.value))
    }
    let mut extra = vec![""; num_extra];
    extra_cells(unit, &mut extra);
    let mut scratch = Scratch::default();
    let heard_on = unit_cell(Column::HeardOn, unit, context, &mut scratch);
    let unit = Unit {
        status: context.status(unit).word(),
        name: text(unit.name()),
        model: text(unit.model()),
        class: text(unit.class()),
        ip: Ip::new(unit.ip()),
        prefix: unit.prefix().map(|best| best.value),
        gateway: Ip::new(unit.gateway()),
        mac: unit.mac().map(|best| Shown(best.value)),
        serial: text(unit.serial()),
        part_number: text(unit.part_number()),
        firmware: text(unit.firmware()),
        planned_name: text(unit.planned_name()),
        planned_place: text(unit.planned_place()),
        heard_on: std::str::from_utf8(heard_on).ok().and_then(known),
        heard_by: unit.heard_by().and_then(known),
        first_heard: unit.first_heard().map(Shown),
        last_heard: unit.last_heard().map(Shown),
        note: unit.note().and_then(known),
        other_ips: unit.other_ips(),
        unknown: extra.into_iter().map(known).collect(),
    };
    serde_json::to_writer(out, &unit).map_err(std::io::Error::from)
}
