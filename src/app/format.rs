//! Values as a person reads them: ages, times of day, counts, and text that may be hostile.

use jiff::tz::TimeZone;

pub(super) use crate::model::shown::show_text;
use crate::model::time::Timestamp;

/// "12 s ago": whole seconds below a minute, then minutes, hours and days.
pub(super) fn age(now: Timestamp, when: Timestamp) -> String {
    let secs = now.millis_since(when) / 1000;
    match secs {
        0 => "just now".to_owned(),
        1..=59 => format!("{secs} s ago"),
        60..=3_599 => format!("{} min ago", secs / 60),
        3_600..=86_399 => format!("{} h ago", secs / 3_600),
        86_400..=172_799 => "1 day ago".to_owned(),
        _ => format!("{} days ago", secs / 86_400),
    }
}

/// "for 12 s", for how long something has lasted.
pub(super) fn span(now: Timestamp, since: Timestamp) -> String {
    duration(now.millis_since(since) / 1000)
}

/// "2 min 5 s".
pub(super) fn duration(secs: u64) -> String {
    match secs {
        0..=59 => format!("{secs} s"),
        60..=3_599 => match (secs / 60, secs % 60) {
            (minutes, 0) => format!("{minutes} min"),
            (minutes, rest) => format!("{minutes} min {rest} s"),
        },
        _ => format!("{} h {} min", secs / 3_600, secs % 3_600 / 60),
    }
}

pub(super) fn local(when: Timestamp, zone: &TimeZone) -> Option<jiff::Zoned> {
    let instant = jiff::Timestamp::from_millisecond(when.as_millis()).ok()?;
    Some(instant.to_zoned(zone.clone()))
}

/// The time of day where the person is: "08:12:41".
pub(super) fn time_of_day(when: Timestamp, zone: &TimeZone) -> String {
    local(when, zone).map_or_else(
        || when.to_string(),
        |at| at.strftime("%H:%M:%S").to_string(),
    )
}

/// The exact moment where the person is: "2026-11-22 08:12:41".
pub(super) fn exact(when: Timestamp, zone: &TimeZone) -> String {
    local(when, zone).map_or_else(
        || when.to_string(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

/// The day and the time where the person is: "Nov 22, 08:12:41".
pub(super) fn day_and_time(when: Timestamp, zone: &TimeZone) -> String {
    local(when, zone).map_or_else(
        || when.to_string(),
        |at| at.strftime("%b %-d, %H:%M:%S").to_string(),
    )
}

/// From when to when: "13:58:01–15:12:44", with the days when there are two.
pub(super) fn time_span(first: Timestamp, last: Timestamp, zone: &TimeZone) -> String {
    if date(first, zone) == date(last, zone) {
        format!("{}–{}", time_of_day(first, zone), time_of_day(last, zone))
    } else {
        format!(
            "{} – {}",
            day_and_time(first, zone),
            day_and_time(last, zone)
        )
    }
}

/// The date where the person is: "2026-11-22".
pub(super) fn date(when: Timestamp, zone: &TimeZone) -> String {
    local(when, zone).map_or_else(
        || "undated".to_owned(),
        |at| at.strftime("%Y-%m-%d").to_string(),
    )
}

/// A count with thousands kept apart: "1,204".
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "1 unit", "2 units".
pub(super) fn units(value: u64) -> String {
    counted(value, "unit", "units")
}

/// A count with its noun.
pub(super) fn counted(value: u64, one: &str, many: &str) -> String {
    let noun = if value == 1 { one } else { many };
    format!("{} {noun}", count(value))
}

/// "64.0 KiB".
pub(super) fn bytes(value: u64) -> String {
    if value < 1024 {
        counted(value, "byte", "bytes")
    } else if value < 1024 * 1024 {
        format!("{:.0} KiB", value as f64 / 1024.0)
    } else {
        format!("{:.1} MiB", value as f64 / (1024.0 * 1024.0))
    }
}

/// The first letter as a capital: statuses are written in lower case in files.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_grow_coarser() {
        let now = Timestamp::from_millis(1_000_000_000);
        let before = |secs: i64| Timestamp::from_millis(1_000_000_000 - secs * 1000);
        for (secs, words) in [
            (0, "just now"),
            (12, "12 s ago"),
            (61, "1 min ago"),
            (7_300, "2 h ago"),
            (90_000, "1 day ago"),
            (200_000, "2 days ago"),
        ] {
            assert_eq!(age(now, before(secs)), words);
        }
        assert_eq!(age(before(5), now), "just now", "the clock was set back");
    }

    #[test]
    fn thousands_are_kept_apart() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_204), "1,204");
        assert_eq!(count(1_234_567), "1,234,567");
    }

    #[test]
    fn times_are_local() {
        let when = Timestamp::from_millis(1_795_349_561_250);
        assert_eq!(time_of_day(when, &TimeZone::UTC), "12:12:41");
        assert_eq!(exact(when, &TimeZone::UTC), "2026-11-22 12:12:41");
        assert_eq!(date(when, &TimeZone::UTC), "2026-11-22");
    }
}
