//! The one place of the engine where the clock is read. Everything below it takes the time as a parameter.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::model::time::Timestamp;

/// The time, to the millisecond.
#[expect(
    clippy::disallowed_methods,
    reason = "somebody must ask, and this is where"
)]
pub fn now() -> Timestamp {
    let now = SystemTime::now();
    let millis = match now.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        // A laptop whose battery ran empty may think that it is 1969.
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    };
    Timestamp::from_millis(millis)
}
