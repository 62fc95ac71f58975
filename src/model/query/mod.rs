//! Which units the grid shows and in which order: a filter text, a counter, a sort. Pure; run off the UI thread.
//!
//! The filter language: free words are looked for in every column and all must be found; `column:value` looks in
//! one column; `column:` alone wants any value there; `!` in front turns a term around; double quotes hold a value
//! with spaces together. Case never matters. A MAC is found in any common notation, also a part of one.

mod cache;
pub(in crate::model) mod parse;
mod sort;
#[cfg(test)]
mod tests;

pub use cache::RowCache;

use super::column::Column;
use super::identity::ApplianceId;
use super::snapshot::Slot;

/// What a person wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Free words over all columns, `column:value`, `!not`.
    pub text: String,
    /// The counter that was clicked.
    pub counter: Counter,
    /// The column sorted by; without one, in the order in which units were first known.
    pub sort: Option<(Column, Direction)>,
}

/// Upwards or downwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Small ones first.
    Ascending,
    /// Large ones first.
    Descending,
}

/// The counters above the grid. They are predicates and may overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Counter {
    /// Every unit.
    #[default]
    All,
    /// First heard since the site was opened.
    New,
    /// Says that it has no address.
    NoAddress,
    /// Its address is claimed by somebody else too.
    Conflict,
    /// Its address is outside the networks it was heard on.
    WrongNetwork,
    /// It no longer answers.
    Silent,
    /// Only in a file or typed in.
    OnlyInFile,
}

impl Counter {
    /// Every counter, in the order above the grid.
    pub const ALL: [Self; 7] = [
        Self::All,
        Self::New,
        Self::NoAddress,
        Self::Conflict,
        Self::WrongNetwork,
        Self::Silent,
        Self::OnlyInFile,
    ];
}

/// How many units each counter counts, in the order of [`Counter::ALL`].
pub type Counts = [u32; Counter::ALL.len()];

/// The answer to a query: places and ids, so that rows are drawn from the newest snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// `Snapshot::units_revision` that was looked at.
    pub units_revision: u64,
    /// The units to show, in order.
    pub order: Vec<(Slot, ApplianceId)>,
    /// How many units each counter counts, over all units.
    pub counts: Counts,
}
