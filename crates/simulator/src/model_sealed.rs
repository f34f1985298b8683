//! The model's payments on disk: up to where, in which runs, and what needs evidence that reaches there.
//!
//! The model itself forgets nothing of them: with evidence that reaches as far as payments have left, every command comes
//! to what it would have come to anyway.

use ledger::{Refusal, Remark, Verdict, layout};
use rust_decimal::Decimal;
use types::{PaymentState, Sequence, Timestamp};

use super::{Expected, Model};
use crate::step::Step;

/// So many runs are listed at most: until some have become one, no more payments leave the table.
const RUNS_MAX: usize = 64;

/// A run that the log has named.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    number: u64,
    after: Sequence,
    upto: Sequence,
    newest: Timestamp,
    payments: u64,
}

impl Run {
    fn of(record: &layout::SealDuplicates) -> Self {
        Self {
            number: record.run.get(),
            after: Sequence(record.after.get()),
            upto: Sequence(record.upto.get()),
            newest: Timestamp::from_nanoseconds(record.newest_time.get()).expect("records are checked"),
            payments: record.payments.get(),
        }
    }
}

impl Model {
    /// How far payments have left the table, and in how many runs they are.
    pub(crate) fn sealed(&self) -> (Sequence, usize) {
        (self.floor, self.runs.len())
    }

    /// The log names a run: of payments that are still in the table, or of what other runs hold.
    pub(crate) fn seal(&mut self, at: ledger::Position, record: &layout::SealDuplicates) -> Expected {
        self.begins(at);
        let run = Run::of(record);
        let is_taken = self.runs.iter().all(|known| known.number != run.number)
            && (self.takes_the_place(&run) || self.holds_the_next(&run));
        let refused = Verdict::Refused { refusal: Refusal::RunMisplaced, repeat_of: None };
        let done = Verdict::Done { subject: run.number, repeat_of: None };
        self.nothing_told(if is_taken { done } else { refused })
    }

    /// Two runs or more become one.
    fn takes_the_place(&mut self, run: &Run) -> bool {
        let held = |known: &Run| run.after <= known.after && known.upto <= run.upto;
        let inputs: Vec<Run> = self.runs.iter().copied().filter(held).collect();
        let (Some(first), Some(last)) = (inputs.first(), inputs.last()) else { return false };
        let payments: u64 = inputs.iter().map(|known| known.payments).sum();
        let fits = (first.after, last.upto, last.newest, payments)
            == (run.after, run.upto, run.newest, run.payments);
        if inputs.len() < 2 || !fits {
            return false;
        }
        let place = self.runs.iter().position(held).expect("there is a first");
        self.runs.retain(|known| !held(known));
        self.runs.insert(place, *run);
        true
    }

    /// The oldest payments of the table leave it, all of which are final.
    fn holds_the_next(&mut self, run: &Run) -> bool {
        if run.after != self.floor || run.upto >= self.at.sequence || self.runs.len() >= RUNS_MAX {
            return false;
        }
        let leaving: Vec<_> = self.payments.range(run.after.next()..=run.upto).collect();
        let fits = leaving
            .iter()
            .all(|(_, payment)| payment.state != PaymentState::Reserved && payment.received <= run.newest);
        if !fits || u64::try_from(leaving.len()).expect("64 bits") > run.payments {
            return false;
        }
        self.floor = run.upto;
        self.runs.push(*run);
        true
    }

    /// Runs whose payments are all forgotten are listed no more.
    pub(super) fn forget_runs(&mut self, limit: Timestamp) {
        let old = self.runs.iter().take_while(|run| run.newest < limit).count();
        self.runs.drain(..old);
    }

    /// Whether a command came with evidence that reaches less far than payments have left the table.
    pub(crate) fn is_short(&self, step: &Step, searched: Sequence) -> bool {
        match step {
            Step::Pay(_) | Step::Refuse { .. } => searched < self.floor,
            Step::Answer { payment, .. } => *payment <= self.floor && searched < *payment,
            Step::Request { .. } | Step::NotEntitled(_) | Step::Line(_) => false,
        }
    }

    /// Nothing is decided, and the same command comes again.
    pub(crate) fn ask_again(&mut self, at: ledger::Position) -> Expected {
        self.begins(at);
        self.nothing_told(Verdict::AskAgain)
    }

    pub(super) fn nothing_told(&self, verdict: Verdict) -> Expected {
        let (decided_at, balances) = (self.at.sequence, [Decimal::ZERO; 4]);
        Expected { verdict, decided_at, balances, remark: Remark::None, alerts: [false; 4] }
    }
}
