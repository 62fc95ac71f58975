//! The parts around the view: top bar, rail, status bar, the unit on the right.

mod answers;
mod check;
mod evidence;
mod hex;
mod hex_mark;
mod interface;
mod rail;
mod status_bar;
mod targets;
mod time_line;
mod top_bar;
mod unit;
mod unit_facts;
mod why;

pub(super) use self::hex::{HexView, Naming, hex_ui};
pub(super) use self::hex_mark::{HexMark, hex_mark_ui};
pub(super) use self::interface::{interface_line, listening_color};
pub(super) use self::top_bar::TINY;
pub(super) use self::unit::Sum;
pub(super) use self::why::{cautions_ui, reasons_ui};
