//! What became of orders that were submitted together.

use std::sync::Arc;

use engine::{FinalSink, OutcomeSink, Waiting};
use ledger::{NotExecuted, Outcome, Verdict};
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use types::{ReasonCode, Sequence};

use crate::mailbox::reserved;

/// What the runner is told. It has room for all that may be said of what is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The order is executed.
    Executed {
        order: Sequence,
        /// Its payment waits for a bank, and [`Told::Final`] follows.
        is_waiting: bool,
    },
    /// It waits, and is to be tried again.
    Waits { order: Sequence, reason: ReasonCode },
    /// It was not the turn of this order, or nobody knows.
    NotExecuted { order: Sequence },
    /// A payment that waited for a bank is final.
    Final,
}

/// Takes the outcomes of some orders, in their order, on the core thread.
pub(super) struct Sent {
    orders: Vec<Sequence>,
    told: Sender<Told>,
}

impl Sent {
    pub(super) const fn new(orders: Vec<Sequence>, told: Sender<Told>) -> Self {
        Self { orders, told }
    }

    fn tell(&self, told: Told) {
        tell(&self.told, told);
    }
}

/// Tells the runner, which ends with the node.
fn tell(runner: &Sender<Told>, told: Told) {
    let is_full = matches!(runner.try_send(told), Err(TrySendError::Full(_)));
    assert!(!is_full, "there is room for all that is under way");
}

impl OutcomeSink for Sent {
    fn take(mut self: Box<Self>, outcomes: &[Outcome], waiting: &mut Waiting<'_>) {
        let orders = std::mem::take(&mut self.orders);
        for (order, outcome) in orders.into_iter().zip(outcomes) {
            let reserved = reserved(outcome);
            // The end of a payment may be told at once, and is told behind its beginning.
            self.tell(became(order, outcome, reserved.is_some()));
            if let Some(payment) = reserved {
                waiting.wait(payment, Arc::new(End { told: self.told.clone() }), 0);
            }
        }
    }
}

/// Where nobody says what became of orders, they are asked for again.
impl Drop for Sent {
    fn drop(&mut self) {
        for order in std::mem::take(&mut self.orders) {
            self.tell(Told::NotExecuted { order });
        }
    }
}

fn became(order: Sequence, outcome: &Outcome, is_waiting: bool) -> Told {
    match outcome.verdict {
        Verdict::Payment { .. } => Told::Executed { order, is_waiting },
        Verdict::NotExecuted { why: NotExecuted::Waits(reason), .. } => Told::Waits { order, reason },
        Verdict::NotExecuted { .. }
        | Verdict::Answer { .. }
        | Verdict::Done { .. }
        | Verdict::Refused { .. }
        | Verdict::AskAgain
        | Verdict::LegBooked { .. }
        | Verdict::RequestEnded { .. }
        | Verdict::HoldExpired { .. }
        | Verdict::OrderEnded { .. }
        | Verdict::PackageComplete { .. } => Told::NotExecuted { order },
    }
}

/// Waits for the end of one payment.
struct End {
    told: Sender<Told>,
}

impl FinalSink for End {
    fn take(&self, _tag: u32, _outcome: &Outcome) {
        tell(&self.told, Told::Final);
    }
}
