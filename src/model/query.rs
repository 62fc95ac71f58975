//! Which units the grid shows and in which order: a filter text, a counter, a sort. Pure; run off the UI thread.

use super::column::Column;
use super::identity::ApplianceId;
use super::snapshot::{Slot, Snapshot};

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

/// What a row looked like to the last query, so that only changed rows are looked at again.
#[derive(Debug, Default)]
pub struct RowCache {}

impl RowCache {
    /// Answers a query.
    pub fn rows(&mut self, snapshot: &Snapshot, query: &Query) -> Rows {
        let _ = query;
        Rows {
            units_revision: snapshot.units_revision,
            ..Rows::default()
        }
    }
}
