//! What a person is in the middle of while teaching a decoder, and the study that is shown.

use std::ops::Range;
use std::sync::Arc;

use crate::model::sighting::Stray;
use crate::study::{Judgment, Study, Summary, Verdict};
use crate::taught::{Draft, Taught};

use super::super::widgets::PageScroll;

/// Bytes that a person has marked, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) struct MarkedRange {
    /// Where marking began.
    pub(in crate::app) anchor: usize,
    /// Where it is now.
    pub(in crate::app) head: usize,
}

impl MarkedRange {
    /// One byte.
    pub(in crate::app) const fn at(idx: usize) -> Self {
        Self {
            anchor: idx,
            head: idx,
        }
    }

    /// The bytes.
    pub(in crate::app) fn range(self) -> Range<usize> {
        self.anchor.min(self.head)..self.anchor.max(self.head) + 1
    }
}

/// A match rule as typed.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct RuleText {
    /// Where it begins.
    pub(in crate::app) offset: String,
    /// Its bytes in hex.
    pub(in crate::app) bytes: String,
    /// Its mask in hex, or nothing.
    pub(in crate::app) mask: String,
}

/// The layout of records as typed.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct TlvText {
    /// Where the first one begins.
    pub(in crate::app) begin: String,
    /// The type that ends them, or nothing.
    pub(in crate::app) end_type: String,
    /// The type that is to become a field.
    pub(in crate::app) kind: String,
}

/// A decoder that is being taught.
#[derive(Debug)]
pub(in crate::app) struct TeachState {
    /// The decoder so far.
    pub(in crate::app) draft: Draft,
    /// The decoder as it was given to be saved.
    pub(in crate::app) sent: Option<Draft>,
    /// The datagram that it began with.
    pub(in crate::app) sample: Arc<Stray>,
    /// The bytes that are marked.
    pub(in crate::app) mark: Option<MarkedRange>,
    /// The ports as typed.
    pub(in crate::app) ports: String,
    /// The least length as typed.
    pub(in crate::app) min_length: String,
    /// The greatest length as typed.
    pub(in crate::app) max_length: String,
    /// The match rules as typed.
    pub(in crate::app) rules: Vec<RuleText>,
    /// The records as typed.
    pub(in crate::app) tlv: TlvText,
    /// What cannot be read of what is typed.
    pub(in crate::app) typed_problems: Vec<String>,
    /// Everything that keeps it from being saved.
    pub(in crate::app) problems: Vec<String>,
    /// What it makes of the datagrams.
    pub(in crate::app) tried: Option<Tried>,
    /// Whether the name has had the focus.
    pub(in crate::app) focused: bool,
}

/// What a draft makes of the datagrams that were not understood.
#[derive(Debug)]
pub(in crate::app) struct Tried {
    /// The draft.
    pub(in crate::app) draft: Draft,
    /// The datagrams.
    pub(in crate::app) strays: Arc<Vec<Arc<Stray>>>,
    /// What it reads in the one that it began with.
    pub(in crate::app) sample: Option<Taught>,
    /// Its fields there.
    pub(in crate::app) fields: Vec<(Range<usize>, &'static str)>,
    /// One line for each datagram: time and sender, whether it matches, and what was read or why not.
    pub(in crate::app) lines: Vec<TriedLine>,
    /// How many of them match.
    pub(in crate::app) num_matching: usize,
}

/// What a draft makes of one datagram.
#[derive(Debug)]
pub(in crate::app) struct TriedLine {
    /// The datagram.
    pub(in crate::app) stray: Arc<Stray>,
    /// Whether it matches.
    pub(in crate::app) is_match: bool,
    /// What was read, or why it does not match.
    pub(in crate::app) words: String,
}

/// The unit that was studied.
#[derive(Debug)]
pub(in crate::app) struct StudyState {
    /// What was gathered.
    pub(in crate::app) study: Arc<Study>,
    /// The statements, judged.
    pub(in crate::app) judgments: Vec<Judgment>,
    /// What was seen of each message type.
    pub(in crate::app) summary: Summary,
    /// Which statements are shown; `None` for all.
    pub(in crate::app) verdict: Option<Verdict>,
    /// How far the page is scrolled.
    pub(in crate::app) scroll: PageScroll,
}

/// The window of a study's file.
#[derive(Debug)]
pub(in crate::app) struct StudyForm {
    /// Where to, as typed.
    pub(in crate::app) path: String,
    /// The path that the system's dialog has asked about already: a file there may be replaced.
    pub(in crate::app) replaceable: Option<String>,
    /// Whether addresses, MACs and names are masked.
    pub(in crate::app) is_masked: bool,
    /// Whether the field has had the focus.
    pub(in crate::app) focused: bool,
}
