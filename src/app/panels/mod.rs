//! The parts around the view: top bar, rail, status bar, the unit on the right.

mod check;
mod hex;
mod interface;
mod rail;
mod status_bar;
mod top_bar;
mod unit;
mod unit_facts;

pub(super) use self::hex::{HexView, hex_ui};
pub(super) use self::interface::{interface_line, listening_color};
pub(super) use self::top_bar::TINY;
pub(super) use self::unit::Sum;
