//! One thing known of a unit, with where it comes from. Not asked, unavailable and known are
//! three different things, and the grid shows the difference.

use super::sighting::Source;
use super::time::Timestamp;

/// What is known of one property of a unit. Sorts in the order of its variants.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact<T> {
    /// Nobody asked, and nobody said.
    #[default]
    NotAsked,
    /// It was asked for, or a place for it was there, and nothing usable came.
    Unavailable,
    /// Said by `source` at `when`.
    Known {
        /// What was said.
        value: T,
        /// Who said it.
        source: Source,
        /// When it was said last.
        when: Timestamp,
    },
}

impl<T> Fact<T> {
    /// The value, when known.
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Known { value, .. } => Some(value),
            Self::NotAsked | Self::Unavailable => None,
        }
    }

    /// Who said it, when known.
    pub const fn source(&self) -> Option<Source> {
        match self {
            Self::Known { source, .. } => Some(*source),
            Self::NotAsked | Self::Unavailable => None,
        }
    }

    /// Takes over a newer statement.
    pub fn learn(&mut self, value: T, source: Source, when: Timestamp) {
        *self = Self::Known {
            value,
            source,
            when,
        };
    }

    /// Notes that it was asked and nothing usable came; something already known stays.
    pub fn miss(&mut self) {
        if matches!(self, Self::NotAsked) {
            *self = Self::Unavailable;
        }
    }
}
