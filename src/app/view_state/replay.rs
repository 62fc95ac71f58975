//! What the time line of a replay remembers, and the window that compares.

use crate::model::time::Timestamp;
use crate::model::watching::DifferenceKind;

/// How the time line stands.
#[derive(Debug, Default)]
pub(in crate::app) struct TimeLineState {
    /// Where the person wants to be, until the replay is there.
    pub(in crate::app) wanted: Option<Timestamp>,
    /// The revision of the snapshot in which that was said.
    pub(in crate::app) said_at: Option<u64>,
    /// Whether the marker is being dragged.
    pub(in crate::app) is_dragged: bool,
    /// The time that is being typed.
    pub(in crate::app) typed: String,
    /// Why what was typed is no time of this capture.
    pub(in crate::app) refused: Option<String>,
    /// Whether the field is to get the focus in this frame.
    pub(in crate::app) focus_field: bool,
}

/// The window that compares a replay with the site.
#[derive(Debug, Default)]
pub(in crate::app) struct ComparisonForm {
    /// Which differences are shown; `None` for all.
    pub(in crate::app) kind: Option<DifferenceKind>,
    /// The chosen row.
    pub(in crate::app) chosen: Option<usize>,
    /// The row to be brought into view.
    pub(in crate::app) scroll_to: Option<usize>,
}
