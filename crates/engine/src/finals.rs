//! Who waits for the final outcome of a payment that was reserved.
//!
//! Invariants:
//! - Whoever waits is told exactly once, on the core thread, after the frame that decides is durable and applied.
//! - Each payment that is waited for is open: those who come later are told at once.

use std::collections::BTreeMap;
use std::fmt;
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

/// Those who wait.
///
/// There may be millions of them: a tree grows by a node at a time, where a table would move all of them at once.
/// Payments come and are decided nearly in the order of their positions, so its ends are all that is touched.
#[derive(Default)]
pub(crate) struct Finals {
    /// By the payment's position, and in the order in which they came.
    waiting: BTreeMap<(Sequence, u64), Waiter>,
    /// How many ever came.
    come: u64,
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
        write!(formatter, "Waiting({} waiters)", self.finals.count())
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
            if self.waiting.is_empty() {
                return;
            }
            let of_payment = (outcome.sequence, 0)..=(outcome.sequence, u64::MAX);
            for (_, Waiter { sink, tag }) in self.waiting.extract_if(of_payment, |_, _| true) {
                sink.take(tag, outcome);
            }
        }
    }

    /// How many wait.
    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.waiting.len()).expect("64 bits")
    }

    fn add(&mut self, payment: Sequence, waiter: Waiter) {
        self.waiting.insert((payment, self.come), waiter);
        self.come += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use ledger::{Kind, Verdict};
    use types::{PaymentState, Timestamp};

    use super::*;

    #[derive(Default)]
    struct Told(Mutex<Vec<(u32, Sequence)>>);

    impl FinalSink for Told {
        fn take(&self, tag: u32, outcome: &Outcome) {
            self.0.lock().unwrap().push((tag, outcome.sequence));
        }
    }

    fn decided(sequence: u64) -> Outcome {
        let (sequence, time) = (Sequence(sequence), Timestamp::default());
        Outcome {
            sequence,
            decided_at: sequence,
            decided_time: time,
            accepted: time,
            kind: Kind::Payment,
            verdict: Verdict::Payment { state: PaymentState::Settled, reason: None, repeat_of: None },
            alerts: ledger::Alerts::NONE,
            late: false,
            remark: ledger::Remark::None,
            balances: [0; 4],
        }
    }

    #[test]
    fn all_who_wait_for_a_payment_are_told_once_in_the_order_in_which_they_came() {
        let (mut finals, told) = (Finals::default(), Arc::new(Told::default()));
        for (tag, payment) in (1..).zip([7, 5, 7, 9, 7]) {
            let sink: Arc<dyn FinalSink> = told.clone();
            finals.add(Sequence(payment), Waiter { sink, tag });
        }
        finals.tell(&[decided(7), decided(6), decided(5), decided(7)]);
        let expected = [(1, 7), (3, 7), (5, 7), (2, 5)].map(|(tag, payment)| (tag, Sequence(payment)));
        assert_eq!(*told.0.lock().unwrap(), expected);
        assert_eq!(finals.count(), 1);
    }
}
