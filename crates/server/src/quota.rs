//! How much each bank has under way, so that one can't take the whole node.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use dashmap::DashMap;
use types::Bic;

/// Counts the payments under way by the payer's bank. Only registered banks are counted one by one, so
/// that inventing banks costs no memory.
#[derive(Debug)]
pub(crate) struct Quota {
    under_way: DashMap<Bic, Arc<AtomicU32>>,
    /// All banks that are not registered share one count: each refusal is logged and remembered.
    unknown: Arc<AtomicU32>,
    payments_max: u32,
}

/// Payments of banks that are not registered that may be under way at once, all together.
const UNKNOWN_MAX: u32 = 64;

/// A place for one payment, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicU32>);

impl Quota {
    pub(crate) fn new(payments_max: u32) -> Self {
        Self { under_way: DashMap::new(), unknown: Arc::default(), payments_max }
    }

    /// A place for a payment of this registered bank, unless it has as many under way as it may.
    pub(crate) fn take(&self, bank: Bic) -> Option<Place> {
        // Two statements: the first guard must be gone before the map is locked again.
        let known = self.under_way.get(&bank).map(|entry| Arc::clone(entry.value()));
        let count = known.unwrap_or_else(|| Arc::clone(self.under_way.entry(bank).or_default().value()));
        Self::place(count, self.payments_max)
    }

    /// A place for a payment of a bank that is not registered.
    pub(crate) fn take_unknown(&self) -> Option<Place> {
        Self::place(Arc::clone(&self.unknown), self.payments_max.min(UNKNOWN_MAX))
    }

    fn place(count: Arc<AtomicU32>, count_max: u32) -> Option<Place> {
        let place = Place(count);
        let before = place.0.fetch_add(1, Ordering::Relaxed);
        (before < count_max).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back() {
        let quota = Quota::new(2);
        let bank = Bic::parse("SLVOBEBB").unwrap();
        let first = quota.take(bank).unwrap();
        let _second = quota.take(bank).unwrap();
        assert!(quota.take(bank).is_none());
        assert!(quota.take(Bic::parse("SLVODEFF").unwrap()).is_some(), "banks do not share");
        drop(first);
        assert!(quota.take(bank).is_some());
    }
}
