//! How often a caller may verify payees: each answer says something about somebody's name, and whoever may ask without end
//! finds out names by trying.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use dashmap::DashMap;
use types::PrincipalNumber;

/// Questions that each caller may still ask. Callers are those of the principals file, so they are few.
#[derive(Debug)]
pub(crate) struct VerificationQuota {
    left: DashMap<PrincipalNumber, Mutex<Left>>,
    per_second: u32,
}

#[derive(Debug)]
struct Left {
    /// In billionths of a question.
    billionths: u128,
    since: Instant,
}

const BILLION: u128 = 1_000_000_000;

impl VerificationQuota {
    /// So many a second, and as many as in a second at once.
    pub(crate) fn new(per_second: u32) -> Self {
        Self { left: DashMap::new(), per_second }
    }

    /// Takes a question from what the caller may still ask, if there is one left.
    pub(crate) fn take(&self, caller: PrincipalNumber) -> bool {
        self.take_at(caller, Instant::now())
    }

    fn take_at(&self, caller: PrincipalNumber, now: Instant) -> bool {
        let full = u128::from(self.per_second) * BILLION;
        let entry = match self.left.get(&caller) {
            Some(known) => known,
            None => {
                let left = || Mutex::new(Left { billionths: full, since: now });
                self.left.entry(caller).or_insert_with(left).downgrade()
            }
        };
        let mut left = entry.lock().unwrap_or_else(PoisonError::into_inner);
        let come = now.saturating_duration_since(left.since).as_nanos() * u128::from(self.per_second);
        left.billionths = full.min(left.billionths + come);
        left.since = now;
        let Some(rest) = left.billionths.checked_sub(BILLION) else { return false };
        left.billionths = rest;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_used_up_comes_back_with_time_and_callers_do_not_share() {
        let quota = VerificationQuota::new(10);
        let [one, other] = [PrincipalNumber(1), PrincipalNumber(2)];
        let start = Instant::now();
        assert_eq!((0..20).filter(|_| quota.take_at(one, start)).count(), 10);
        assert!(quota.take_at(other, start));
        let soon = start + Duration::from_millis(99);
        assert!(!quota.take_at(one, soon));
        assert!(quota.take_at(one, soon + Duration::from_millis(1)));
        let later = start + Duration::from_secs(3600);
        assert_eq!((0..20).filter(|_| quota.take_at(one, later)).count(), 10, "no more than a second's");
    }
}
