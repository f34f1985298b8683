//! Orders that ended and packages of which everything has become, as those are told who listen to their bank.
//!
//! Invariant: what is read here is what the core's step told live ([`ledger::Ledger::holds_told`]).

use ledger::{OrderState, Outcome, OutcomeEntry};
use types::{Amount, Bic, Currency, ParticipantNumber, ReasonCode, Sequence, Timestamp};

use crate::crossings::Hosts;

/// What became of an order or of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrdersTold {
    /// The position at which it was decided.
    pub decided_at: Sequence,
    /// Its time.
    pub decided_time: Timestamp,
    /// The bank.
    pub bank: Bic,
    /// What it is about.
    pub what: OrderEvent,
}

/// An order that ended, or a package that is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderEvent {
    /// The payment of an order that stands alone is final. A standing one goes on to its next day.
    Ended {
        /// The order's position.
        order: Sequence,
        /// The payment's position.
        payment: Sequence,
        /// How much it was.
        amount: Amount,
        /// In which currency.
        currency: Currency,
        /// What became of it.
        state: OrderState,
        /// Why, if it was not settled.
        reason: Option<ReasonCode>,
    },
    /// Everything has become of a package.
    Complete {
        /// The package's position.
        package: Sequence,
        /// The currency of its lines.
        currency: Currency,
        /// What was settled, in minor units.
        sum_settled: i64,
        /// How many lines were settled, how many rejected, and of how many neither was.
        lines: [i64; 3],
    },
}

impl OrdersTold {
    /// What an entry that was decided at this time tells; `None` if it is of another kind.
    pub(crate) fn of(entry: &OutcomeEntry, decided_time: Timestamp, hosts: &Hosts) -> Option<Self> {
        let (bank, what) = OrderEvent::of(entry)?;
        Some(Self { decided_at: entry.decided_at(), decided_time, bank: hosts.bank(bank)?, what })
    }

    /// What an outcome of this bank's tells live.
    pub(crate) fn of_outcome(outcome: &Outcome, bank: Bic) -> Self {
        let (_, what) = OrderEvent::of(&outcome.to_entry()).expect("an entry tells what its outcome does");
        Self { decided_at: outcome.decided_at, decided_time: outcome.decided_time, bank, what }
    }
}

impl OrderEvent {
    fn of(entry: &OutcomeEntry) -> Option<(ParticipantNumber, Self)> {
        let (bank, what) = if let Some(ended) = entry.order_ended() {
            let what = Self::Ended {
                order: entry.sequence(),
                payment: ended.payment,
                amount: ended.amount,
                currency: ended.currency,
                state: ended.state,
                reason: ended.reason,
            };
            (ended.bank, what)
        } else {
            let (bank, currency) = entry.package_complete()?;
            let [sum_settled, settled, rejected, neither] = entry.balances();
            let lines = [settled, rejected, neither];
            (bank, Self::Complete { package: entry.sequence(), currency, sum_settled, lines })
        };
        Some((bank, what))
    }
}
