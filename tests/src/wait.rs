//! Waiting for conditions, and times for messages.

use std::time::{Duration, SystemTime};

/// How long a condition may take to come true before the test fails. Far longer than on any healthy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again and again until there is a value.
///
/// # Panics
/// If there is none within a minute.
pub async fn until<Value>(what: &str, mut ask: impl AsyncFnMut() -> Option<Value>) -> Value {
    let asked = async {
        loop {
            if let Some(value) = ask().await {
                return value;
            }
            // Each question is a round trip to a node, which is pause enough; this lets the node run.
            tokio::task::yield_now().await;
        }
    };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(value) => value,
        Err(_) => panic!("waited for a minute until {what}"),
    }
}

/// The time this long ago.
pub fn ago(span: Duration) -> prost_types::Timestamp {
    (SystemTime::now() - span).into()
}

/// The time this long from now.
pub fn ahead(span: Duration) -> prost_types::Timestamp {
    (SystemTime::now() + span).into()
}

/// A time of the contract as one number, to compare times.
pub fn nanoseconds(time: &prost_types::Timestamp) -> i128 {
    i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos)
}
