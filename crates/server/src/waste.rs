//! Calls that a connection begins in vain: it resets them before they are answered, or opens stream after stream.
//!
//! Each costs the node more than its caller (CVE-2023-44487), and none counts among the calls under way for long, so the
//! limit on those does not help. Callers whose deadline has passed reset calls as well, hundreds at a time: only a
//! connection that goes on and on is closed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::{WASTED_CALLS_MAX, WASTED_CALLS_PER_SECOND};

/// The calls of one connection that came to nothing.
#[derive(Debug, Default)]
pub(crate) struct Waste {
    /// When all of them will have been forgiven.
    forgiven: Mutex<Option<Instant>>,
    is_too_much: AtomicBool,
}

impl Waste {
    /// Counts one.
    pub(crate) fn add(&self) {
        self.add_at(Instant::now());
    }

    fn add_at(&self, now: Instant) {
        let mut forgiven = self.forgiven.lock().unwrap_or_else(PoisonError::into_inner);
        let after = forgiven.map_or(now, |forgiven| forgiven.max(now)) + EACH;
        *forgiven = Some(after);
        if after - now > EACH * WASTED_CALLS_MAX && !self.is_too_much.swap(true, Ordering::Relaxed) {
            tracing::warn!("a connection that begins calls in vain is closed");
        }
    }

    /// Whether the connection is to be closed.
    pub(crate) fn is_too_much(&self) -> bool {
        self.is_too_much.load(Ordering::Relaxed)
    }
}

/// In this time one is forgiven.
const EACH: Duration = Duration::from_nanos(1_000_000_000 / WASTED_CALLS_PER_SECOND);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_at_once_are_forgiven_and_more_are_not() {
        let waste = Waste::default();
        let start = Instant::now();
        for storm in 0..10 {
            let now = start + Duration::from_secs(storm * 60);
            (0..WASTED_CALLS_MAX).for_each(|_| waste.add_at(now));
            assert!(!waste.is_too_much());
        }
        waste.add_at(start + Duration::from_secs(9 * 60));
        assert!(waste.is_too_much());
    }

    #[test]
    fn a_few_each_second_are_forgiven_for_ever() {
        let waste = Waste::default();
        let start = Instant::now();
        for second in 0..1_000 {
            let now = start + Duration::from_secs(second);
            (0..WASTED_CALLS_PER_SECOND).for_each(|_| waste.add_at(now));
        }
        assert!(!waste.is_too_much());
    }
}
