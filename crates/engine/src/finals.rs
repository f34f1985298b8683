//! Who waits for the final outcome of a payment that was reserved.
//!
//! Invariants:
//! - Whoever waits is told exactly once, on the core thread, after the frame that decides is durable and applied.
//! - Each payment that is waited for is open: those who come later are told at once.

// The map names its hasher and is never walked, so its order shows nowhere.
#![allow(clippy::disallowed_types)]

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use ledger::{Ledger, Outcome};
use types::Sequence;

/// Takes the final outcomes of payments that were reserved. Called on the core thread, once for each payment that it
/// waits for: it must not block. One that is dropped without a call means that the engine stopped.
pub trait FinalSink: Send + Sync {
    /// Takes the outcome of the payment at `outcome.sequence`; `tag` is what was given with it.
    fn take(&self, tag: u32, outcome: &Outcome);
}

/// One who waits for one payment.
struct Waiter {
    sink: Arc<dyn FinalSink>,
    tag: u32,
}

/// Those who wait for one payment: nearly always one.
struct Waiters {
    first: Waiter,
    others: Vec<Waiter>,
}

/// Those who wait, by the payment's position.
#[derive(Default)]
pub(crate) struct Finals {
    waiting: HashMap<Sequence, Waiters, BuildHasherDefault<SequenceHasher>>,
    count: u64,
}

/// Where those register who want to be told when a payment is final. See [`crate::OutcomeSink`].
pub struct Waiting<'frame> {
    finals: &'frame mut Finals,
    ledger: &'frame Ledger,
    /// The payments that this frame decided; those who wait for them are told after all replies.
    decided: &'frame [Outcome],
}

impl Waiting<'_> {
    /// Has `sink` told the final outcome of the payment at this position, once. What is known to be final already is
    /// told as soon as the outcomes of its frame have been handed over, or at once.
    ///
    /// # Panics
    /// If there is no such payment. The position is one that an outcome of this frame names: its own, or that of the
    /// payment which it repeats.
    pub fn wait(&mut self, payment: Sequence, sink: Arc<dyn FinalSink>, tag: u32) {
        let is_decided = || self.decided.iter().any(|outcome| outcome.sequence == payment);
        if self.ledger.open_question(payment).is_some() || is_decided() {
            self.finals.add(payment, Waiter { sink, tag });
        } else {
            let payment = self.ledger.payment(payment).expect("a payment that an outcome names is known");
            sink.take(tag, &payment.outcome());
        }
    }
}

impl fmt::Debug for Waiting<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Waiting({} waiters)", self.finals.count)
    }
}

impl Finals {
    /// A place to register for those who are told the outcomes of a frame.
    pub(crate) fn waiting<'frame>(
        &'frame mut self,
        ledger: &'frame Ledger,
        decided: &'frame [Outcome],
    ) -> Waiting<'frame> {
        Waiting { finals: self, ledger, decided }
    }

    /// Tells those who wait for one of these payments.
    pub(crate) fn tell(&mut self, decided: &[Outcome]) {
        for outcome in decided {
            if self.count == 0 {
                return;
            }
            let Some(Waiters { first, others }) = self.waiting.remove(&outcome.sequence) else { continue };
            for Waiter { sink, tag } in std::iter::once(first).chain(others) {
                sink.take(tag, outcome);
                self.count -= 1;
            }
        }
    }

    /// How many wait.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    fn add(&mut self, payment: Sequence, waiter: Waiter) {
        self.count += 1;
        match self.waiting.entry(payment) {
            Entry::Vacant(place) => {
                place.insert(Waiters { first: waiter, others: Vec::new() });
            }
            Entry::Occupied(mut known) => known.get_mut().others.push(waiter),
        }
    }
}

/// Positions are given by the log, so nobody outside can choose them to collide.
#[derive(Default)]
pub(crate) struct SequenceHasher(u64);

impl Hasher for SequenceHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0.rotate_left(8) ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // Both halves count: the table takes its place from the low bits and its tag from the high ones.
        let product = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = product ^ (product >> 32);
    }
}
