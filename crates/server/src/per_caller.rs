//! How much of one kind each caller has under way, so that one can't take what is there for all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use dashmap::DashMap;
use types::PrincipalNumber;

/// Counts what is under way, by who called. Callers are those of the principals file, so they are few.
#[derive(Debug)]
pub(crate) struct PerCaller {
    counts: DashMap<PrincipalNumber, Arc<AtomicU32>>,
    count_max: u32,
}

/// One place of a caller, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct CallerPlace(Arc<AtomicU32>);

impl PerCaller {
    pub(crate) fn new(count_max: u32) -> Self {
        Self { counts: DashMap::new(), count_max }
    }

    /// A place for one more, unless the caller has as many as it may.
    pub(crate) fn enter(&self, caller: PrincipalNumber) -> Option<CallerPlace> {
        let place = CallerPlace(self.count(caller));
        // Counted first: whoever is one too many gives its place back.
        (place.0.fetch_add(1, Ordering::Relaxed) < self.count_max).then_some(place)
    }

    /// Whether the caller has as many as it may.
    pub(crate) fn is_full(&self, caller: PrincipalNumber) -> bool {
        self.count(caller).load(Ordering::Relaxed) >= self.count_max
    }

    fn count(&self, caller: PrincipalNumber) -> Arc<AtomicU32> {
        // Two statements: the first guard must be gone before the map is locked again.
        let known = self.counts.get(&caller).map(|entry| Arc::clone(entry.value()));
        known.unwrap_or_else(|| Arc::clone(self.counts.entry(caller).or_default().value()))
    }
}

impl Drop for CallerPlace {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_and_callers_do_not_share() {
        let places = PerCaller::new(1);
        let [one, other] = [PrincipalNumber(1), PrincipalNumber(2)];
        let first = places.enter(one).unwrap();
        assert!(places.enter(one).is_none() && places.is_full(one));
        assert!(places.enter(other).is_some());
        drop(first);
        assert!(!places.is_full(one) && places.enter(one).is_some());
    }
}
