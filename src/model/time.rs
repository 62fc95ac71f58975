//! Instants as the model knows them: a parameter, never asked for.

use std::fmt;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
///
/// Printed as RFC 3339 in UTC, with whole seconds, as inventory files want it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Milliseconds from `earlier` to this instant; 0 when `earlier` is later (the clock was set back).
    pub const fn millis_since(self, earlier: Self) -> u64 {
        let millis = self.0.saturating_sub(earlier.0);
        if millis < 0 { 0 } else { millis as u64 }
    }

    /// This instant moved `millis` into the future.
    #[must_use]
    pub const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add_unsigned(millis))
    }

    /// Reads what [`fmt::Display`] writes, and any other RFC 3339 instant.
    pub fn parse(text: &str) -> Option<Self> {
        let instant: jiff::Timestamp = text.trim().parse().ok()?;
        Some(Self(instant.as_millisecond()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0.div_euclid(1000)) {
            Ok(instant) => write!(f, "{instant}"),
            // Outside the years -9999 to 9999: only a damaged file can hold such a value.
            Err(_) => write!(f, "@{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_reads_rfc_3339() {
        let when = Timestamp::from_millis(1_795_349_561_250);
        assert_eq!(when.to_string(), "2026-11-22T12:12:41Z");
        assert_eq!(
            Timestamp::parse(&when.to_string()),
            Some(Timestamp::from_millis(1_795_349_561_000))
        );
        assert_eq!(Timestamp::parse("yesterday"), None);
    }

    #[test]
    fn a_clock_set_back_gives_no_negative_age() {
        let early = Timestamp::from_millis(1_000);
        assert_eq!(early.millis_since(Timestamp::from_millis(5_000)), 0);
        assert_eq!(Timestamp::from_millis(5_000).millis_since(early), 4_000);
    }
}
