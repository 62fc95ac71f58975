//! Times of inventory files as text, without the cost of a general parser on every line of a large file.
//! Says exactly what [`Timestamp`] prints and reads.

use std::io::Write;

use crate::model::time::Timestamp;

/// The last second that the fast way prints; later ones are left to [`Timestamp`], which knows its own limits.
const LAST_FAST_SECS: i64 = 253_370_764_799;

const SECS_PER_DAY: i64 = 86_400;

/// The day that was printed last: most times of an inventory lie on the same few days.
#[derive(Debug, Default)]
pub(super) struct LastDay {
    /// Days since 1970-01-01, and the day as text.
    printed: Option<(i64, [u8; 10])>,
}

impl LastDay {
    fn text(&mut self, days: i64) -> [u8; 10] {
        if let Some((printed, text)) = self.printed
            && printed == days
        {
            return text;
        }
        let (year, month, day) = date_of(days);
        let mut text = *b"0000-00-00";
        digits(&mut text[0..4], year);
        digits(&mut text[5..7], month);
        digits(&mut text[8..10], day);
        self.printed = Some((days, text));
        text
    }
}

/// Appends an instant as RFC 3339 in UTC.
pub(super) fn write_instant(when: Timestamp, last_day: &mut LastDay, out: &mut Vec<u8>) {
    let secs = when.as_millis().div_euclid(1000);
    if !(0..=LAST_FAST_SECS).contains(&secs) {
        // Writing to a vector cannot fail.
        let _ = write!(out, "{when}");
        return;
    }
    let of_day = secs % SECS_PER_DAY;
    let mut text = *b"T00:00:00Z";
    digits(&mut text[1..3], of_day / 3600);
    digits(&mut text[4..6], of_day / 60 % 60);
    digits(&mut text[7..9], of_day % 60);
    out.extend_from_slice(&last_day.text(secs / SECS_PER_DAY));
    out.extend_from_slice(&text);
}

/// Reads an instant in any RFC 3339 form.
pub(super) fn read_instant(text: &str) -> Option<Timestamp> {
    read_own(text.as_bytes()).or_else(|| Timestamp::parse(text))
}

/// Reads the one form that is written here.
fn read_own(text: &[u8]) -> Option<Timestamp> {
    let text: &[u8; 20] = text.try_into().ok()?;
    if [text[4], text[7], text[10], text[13], text[16], text[19]] != *b"--T::Z" {
        return None;
    }
    let (year, month, day) = (
        number(&text[0..4])?,
        number(&text[5..7])?,
        number(&text[8..10])?,
    );
    let (hour, minute, second) = (
        number(&text[11..13])?,
        number(&text[14..16])?,
        number(&text[17..19])?,
    );
    let is_date = year >= 1970 && day >= 1 && day <= month_days(year, month)?;
    if !is_date || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let secs = days_of(year, month, day) * SECS_PER_DAY + hour * 3600 + minute * 60 + second;
    (secs <= LAST_FAST_SECS).then(|| Timestamp::from_millis(secs * 1000))
}

/// Writes a number into a field of digits, with leading zeros.
fn digits(field: &mut [u8], value: i64) {
    // Four digits at most: small numbers divide faster.
    let mut value = value as u32;
    for digit in field.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

fn number(field: &[u8]) -> Option<i64> {
    field.iter().try_fold(0, |value, digit| {
        digit
            .is_ascii_digit()
            .then(|| value * 10 + i64::from(digit - b'0'))
    })
}

fn month_days(year: i64, month: i64) -> Option<i64> {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => Some(29),
        2 => Some(28),
        _ => None,
    }
}

/// Days since 1970-01-01 of a date from 1970 on: years counted from March, so that the leap day is the last.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date of a day since 1970-01-01, from that day on.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(secs: i64) {
        let when = Timestamp::from_millis(secs.saturating_mul(1000));
        let mut text = Vec::new();
        write_instant(when, &mut LastDay::default(), &mut text);
        let text = String::from_utf8(text).expect("times are ASCII");
        assert_eq!(text, when.to_string(), "the fast way prints the same");
        assert_eq!(
            read_instant(&text),
            Timestamp::parse(&text),
            "{text} reads the same"
        );
    }

    #[test]
    fn the_fast_way_agrees_with_the_general_one() {
        for days in (0..2_932_000).step_by(17) {
            check(days * SECS_PER_DAY + (days * 7919) % SECS_PER_DAY);
        }
        for secs in [
            -1,
            0,
            951_782_400,
            LAST_FAST_SECS,
            LAST_FAST_SECS + 1,
            i64::MAX / 1000,
            i64::MIN / 1000,
        ] {
            check(secs);
        }
    }

    #[test]
    fn other_forms_are_read_and_nonsense_is_not() {
        let noon = Timestamp::parse("2026-11-22T12:00:00Z");
        assert!(noon.is_some());
        assert_eq!(read_instant("2026-11-22T13:00:00+01:00"), noon);
        assert_eq!(read_instant(" 2026-11-22T12:00:00.000Z "), noon);
        for text in [
            "2026-02-30T12:00:00Z",
            "2026-13-01T12:00:00Z",
            "2026-11-22T24:00:00Z",
            "22.11.2026",
            "",
        ] {
            assert_eq!(read_instant(text), None, "{text:?} is no instant");
        }
    }
}
