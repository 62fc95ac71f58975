//! Times of captures, in any resolution, as milliseconds since 1970. Nothing overflows: what cannot be said is the end of
//! what can.

use crate::model::time::Timestamp;

/// How an interface counts time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    /// `if_tsresol`: a negative power of 10, or of 2 with the top bit set.
    pub(super) resolution: u8,
    /// `if_tsoffset`: seconds to add.
    pub(super) offset_secs: i64,
}

impl Clock {
    pub(super) const MICROS: Self = Self {
        resolution: 6,
        offset_secs: 0,
    };
    pub(super) const NANOS: Self = Self {
        resolution: 9,
        offset_secs: 0,
    };
}

/// An instant as the file has it, turned into milliseconds only where it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Since 1970, in units of the clock.
    pub(super) units: u64,
    pub(super) clock: Clock,
}

impl Stamp {
    pub(super) fn when(self) -> Timestamp {
        let units = u128::from(self.units);
        let exponent = self.clock.resolution & 0x7F;
        let millis = if self.clock.resolution & 0x80 != 0 {
            (units * 1_000) >> exponent
        } else if exponent < 3 {
            units * 10_u128.pow(u32::from(3 - exponent))
        } else {
            // 20 digits are all that 64 bits have.
            10_u64
                .checked_pow(u32::from(exponent - 3))
                .map_or(0, |per_milli| u128::from(self.units / per_milli))
        };
        let offset_millis = i128::from(self.clock.offset_secs) * 1_000;
        let since_1970 = i128::try_from(millis).unwrap_or(i128::MAX) + offset_millis;
        let clamped = since_1970.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        Timestamp::from_millis(i64::try_from(clamped).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(units: u64, resolution: u8, offset_secs: i64, millis: i64) {
        let clock = Clock {
            resolution,
            offset_secs,
        };
        let when = Stamp { units, clock }.when();
        assert_eq!(
            when.as_millis(),
            millis,
            "{units} units of {resolution:#04x}, {offset_secs} s later"
        );
    }

    #[test]
    fn every_resolution_is_read() {
        check(1_795_349_561_250_999, 6, 0, 1_795_349_561_250);
        check(1_795_349_561_250_999_999, 9, 0, 1_795_349_561_250);
        check(1_795_349_561_250, 3, 0, 1_795_349_561_250);
        check(1_795_349_561, 0, 0, 1_795_349_561_000);
        check(17_953_495_612, 1, 0, 1_795_349_561_200);
        // 2^-10 and 2^-0 s.
        check(1_536, 0x8A, 0, 1_500);
        check(9, 0x80, 0, 9_000);
        check(0, 6, -5, -5_000);
        check(1_000_000, 6, 10, 11_000);
    }

    #[test]
    fn absurd_resolutions_and_offsets_end_where_numbers_end() {
        for resolution in 0..=u8::MAX {
            for offset_secs in [i64::MIN, -1, 0, 1, i64::MAX] {
                for units in [0, 1, u64::MAX] {
                    let clock = Clock {
                        resolution,
                        offset_secs,
                    };
                    let when = Stamp { units, clock }.when();
                    assert!(!when.to_string().is_empty());
                }
            }
        }
        check(u64::MAX, 22, 0, 1);
        check(u64::MAX, 23, 0, 0);
        check(u64::MAX, 127, 0, 0);
        check(u64::MAX, 255, 0, 0);
        check(u64::MAX, 0, i64::MAX, i64::MAX);
        check(0, 6, i64::MIN, i64::MIN);
    }
}
