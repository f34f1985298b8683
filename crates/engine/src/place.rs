//! Places among what is under way.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::handle::NotTaken;

/// A share of what may be under way, given back when it is dropped.
pub(crate) struct Place<'shared> {
    under_way: &'shared AtomicU64,
    count: u64,
}

impl<'shared> Place<'shared> {
    /// Takes it, if no more than so much is under way with it.
    pub(crate) fn take(under_way: &'shared AtomicU64, count: u64, count_max: u64) -> Result<Self, NotTaken> {
        let place = Self { under_way, count };
        // In one order with the flag that the engine sets before it looks for the last time whether any place is taken.
        let before = under_way.fetch_add(count, Ordering::SeqCst);
        if before + count > count_max { Err(NotTaken::Overloaded) } else { Ok(place) }
    }

    /// Whoever answers gives it back.
    pub(crate) fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.under_way.fetch_sub(self.count, Ordering::Relaxed);
    }
}
