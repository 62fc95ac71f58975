//! What the middle of the window shows: one view for each entry of the rail.

mod activity;
mod diagnostics;
mod discover;
mod empty;
mod identification;
mod others;
mod settings;
mod study;
mod teach;
mod watch;

pub(super) use self::watch::{ListCell, ListRow, ListTable, chip_ui, list_ui};
