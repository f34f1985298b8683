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

/// Places that a bank's count is raised by at a time, so that edges on several cores seldom write to one count. Near the
/// limit what one message has taken ahead may refuse another's payments for as long as it is read.
const TAKEN_AT_ONCE: u32 = 32;

/// Places for payments that are submitted together, given back when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Places(Vec<Taken>);

#[derive(Debug)]
struct Taken {
    /// None stands for all banks that are not registered.
    bank: Option<Bic>,
    count: Arc<AtomicU32>,
    taken: u32,
    used: u32,
}

impl Quota {
    pub(crate) fn new(payments_max: u32) -> Self {
        Self { under_way: DashMap::new(), unknown: Arc::default(), payments_max }
    }

    fn count(&self, bank: Bic) -> Arc<AtomicU32> {
        // Two statements: the first guard must be gone before the map is locked again.
        let known = self.under_way.get(&bank).map(|entry| Arc::clone(entry.value()));
        known.unwrap_or_else(|| Arc::clone(self.under_way.entry(bank).or_default().value()))
    }
}

impl Places {
    /// Takes a place for a payment of this registered bank, unless it has as many under way as it may.
    pub(crate) fn take(&mut self, quota: &Quota, bank: Bic) -> bool {
        self.take_of(Some(bank), quota.payments_max, || quota.count(bank))
    }

    /// Takes a place for a payment of a bank that is not registered.
    pub(crate) fn take_unknown(&mut self, quota: &Quota) -> bool {
        self.take_of(None, quota.payments_max.min(UNKNOWN_MAX), || Arc::clone(&quota.unknown))
    }

    fn take_of(&mut self, bank: Option<Bic>, count_max: u32, count: impl FnOnce() -> Arc<AtomicU32>) -> bool {
        let place = match self.0.iter().position(|taken| taken.bank == bank) {
            Some(place) => place,
            None => {
                self.0.push(Taken { bank, count: count(), taken: 0, used: 0 });
                self.0.len() - 1
            }
        };
        let taken = &mut self.0[place];
        if taken.used == taken.taken {
            // Singly first: a call of one payment takes one place.
            let wanted = if taken.taken == 0 { 1 } else { TAKEN_AT_ONCE };
            let granted = |before: u32| count_max.saturating_sub(before).min(wanted);
            let (relaxed, count) = (Ordering::Relaxed, &taken.count);
            let before = count.fetch_update(relaxed, relaxed, |before| Some(before + granted(before)));
            taken.taken += before.map_or(0, granted);
        }
        let free = taken.used < taken.taken;
        taken.used += u32::from(free);
        free
    }

    /// Gives back what was taken ahead and not used.
    pub(crate) fn trim(&mut self) {
        for taken in &mut self.0 {
            taken.count.fetch_sub(taken.taken - taken.used, Ordering::Relaxed);
            taken.taken = taken.used;
        }
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        for taken in &self.0 {
            taken.count.fetch_sub(taken.taken, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bank(code: &str) -> Bic {
        Bic::parse(code).unwrap()
    }

    #[test]
    fn places_come_back() {
        let quota = Quota::new(2);
        let mut first = Places::default();
        let mut second = Places::default();
        assert!(first.take(&quota, bank("SLVOBEBB")));
        assert!(second.take(&quota, bank("SLVOBEBB")));
        assert!(!second.take(&quota, bank("SLVOBEBB")));
        assert!(second.take(&quota, bank("SLVODEFF")), "banks do not share");
        drop(first);
        assert!(second.take(&quota, bank("SLVOBEBB")));
    }

    #[test]
    fn exactly_as_many_as_allowed_are_granted_however_they_are_taken() {
        let quota = Quota::new(50);
        let mut places = Places::default();
        let granted = (0..100).filter(|_| places.take(&quota, bank("SLVOBEBB"))).count();
        assert_eq!(granted, 50);
        drop(places);
        let mut ahead = Places::default();
        assert!((0..2).all(|_| ahead.take(&quota, bank("SLVOBEBB"))));
        ahead.trim();
        let mut rest = Places::default();
        let granted = (0..100).filter(|_| rest.take(&quota, bank("SLVOBEBB"))).count();
        assert_eq!(granted, 48);
    }

    #[test]
    fn banks_that_nobody_knows_share_few_places() {
        let quota = Quota::new(1000);
        let mut places = Places::default();
        let granted = (0..1000).filter(|_| places.take_unknown(&quota)).count();
        assert_eq!(granted, usize::try_from(UNKNOWN_MAX).unwrap());
    }
}
