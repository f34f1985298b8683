//! The orders of questions that were asked in documents, for the answers to them.
//!
//! An answer is held against its order, and the log would have to be read for each: a whole frame for one order. What
//! is not remembered here any more is read there.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine::StoredOrder;
use types::Sequence;

use crate::limits::{ASKED_BYTES_MAX, ASKED_ORDERS_MAX};

/// The orders that were asked about last.
#[derive(Debug, Default)]
pub(crate) struct AskedOrders(Mutex<Asked>);

#[derive(Debug, Default)]
struct Asked {
    orders: HashMap<Sequence, StoredOrder>,
    /// The oldest first.
    asked: VecDeque<Sequence>,
    bytes: usize,
}

impl AskedOrders {
    /// Remembers the order of a payment.
    pub(super) fn put(&self, payment: Sequence, order: &StoredOrder) {
        let mut all = self.asked();
        if all.orders.insert(payment, order.clone()).is_some() {
            return;
        }
        all.asked.push_back(payment);
        all.bytes += order.length();
        while all.asked.len() > ASKED_ORDERS_MAX || all.bytes > ASKED_BYTES_MAX {
            let oldest = all.asked.pop_front().expect("there are too many");
            let forgotten = all.orders.remove(&oldest).expect("each that was asked has its order");
            all.bytes -= forgotten.length();
        }
    }

    /// The order of a payment, if it is remembered.
    pub(super) fn get(&self, payment: Sequence) -> Option<StoredOrder> {
        self.asked().orders.get(&payment).cloned()
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
