//! What the machine's clock shows.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use types::{Date, Timestamp};

/// Now, in UTC.
///
/// # Errors
/// If the clock shows a time that can't be told.
pub(crate) fn now() -> anyhow::Result<Timestamp> {
    let since_1970 =
        SystemTime::now().duration_since(UNIX_EPOCH).context("the clock shows a time before 1970")?;
    let nanoseconds = i64::try_from(since_1970.as_nanos()).ok().and_then(Timestamp::from_nanoseconds);
    nanoseconds.context("the clock shows a time beyond 2260")
}

/// The day by UTC.
///
/// # Errors
/// As [`now`].
pub(crate) fn today() -> anyhow::Result<Date> {
    Ok(now()?.date())
}
