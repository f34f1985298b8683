//! The wall clock, for what is compared with the times of documents and questions.

use std::time::{SystemTime, UNIX_EPOCH};

use types::Timestamp;

/// The time of this machine.
pub(crate) fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let nanoseconds = i64::try_from(since_1970.as_nanos()).expect("the year is before 2262");
    Timestamp::from_nanoseconds(nanoseconds).expect("a span since 1970 is not negative")
}
