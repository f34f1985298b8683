//! Payments that have left the core's table for runs on disk.
//!
//! Whoever submits a payment, or an answer about one, has looked on disk before, and the record says how far that look
//! reached and what it found. Where it reaches to the floor, the table and what was found are all there is, and the
//! payment is decided. Where it does not, payments have left the table meanwhile, and the record is of no use: the engine
//! looks again.
//!
//! Invariant: nothing is decided about a key, or about a position at or below the floor, without evidence that reaches
//! there.

use types::{Sequence, Timestamp};
use zerocopy::little_endian::U64;

use crate::ledger::done;
use crate::limits::DUPLICATE_WINDOW;
use crate::mutants::{Mutant, is_on};
use crate::{Command, Kind, Ledger, Outcome, Payment, Position, Refusal, Remark, SealedRun, Verdict, layout};

/// A run is durable: what it holds leaves the table, or it takes the place of several runs.
pub(crate) fn apply(ledger: &mut Ledger, at: Position, record: &layout::SealDuplicates) -> Outcome {
    let run = SealedRun::of(record);
    let outcome = done(at, Command::SealDuplicates(record));
    let sealed = &mut ledger.payments.sealed;
    if let Some(places) = sealed.merges(&run) {
        sealed.merge(places, run);
    } else if run.upto < at.sequence && sealed.raises(&run) && holds_them_all(ledger, &run) {
        ledger.payments.sealed.raise(run);
    } else {
        let verdict = Verdict::Refused { refusal: Refusal::RunMisplaced, repeat_of: None };
        return Outcome { verdict, ..outcome };
    }
    Outcome { verdict: Verdict::Done { subject: run.number, repeat_of: None }, ..outcome }
}

/// Whether the run can hold every payment up to its end, and all of them are final.
fn holds_them_all(ledger: &Ledger, run: &SealedRun) -> bool {
    let payments = &ledger.payments;
    let count = u64::try_from(payments.count_upto(run.upto)).expect("64 bits");
    let is_newest = |last: &Payment| last.received_time <= run.newest_time;
    count <= run.payments
        && payments.last_upto(run.upto).is_none_or(is_newest)
        && payments.are_final_upto(run.upto)
}

/// Whether the evidence of a record reaches less far than payments have left the table.
pub(crate) fn is_short(ledger: &Ledger, evidence_upto: U64) -> bool {
    evidence_upto.get() < ledger.sealed_upto().0 && !is_on(Mutant::AnswerBelowFloor)
}

/// Nothing is decided.
pub(crate) fn ask_again(at: Position, kind: Kind) -> Outcome {
    Outcome {
        sequence: at.sequence,
        decided_at: at.sequence,
        decided_time: at.time,
        accepted: Timestamp::default(),
        kind,
        verdict: Verdict::AskAgain,
        alerts: crate::Alerts::NONE,
        late: false,
        remark: Remark::None,
        balances: [0; 4],
    }
}

/// What was found on disk, as long as it is not older than the window: a run is kept until its newest payment is.
pub(crate) fn still_counts(at: Position, found: Option<&layout::StoredPayment>) -> Option<Payment> {
    let limit = duplicate_window_start(at.time);
    found.map(Payment::of_stored).filter(|payment| payment.received_time >= limit)
}

/// Payments that entered the log before this are older than the duplicate window at a time.
pub fn duplicate_window_start(time: Timestamp) -> Timestamp {
    time.minus(DUPLICATE_WINDOW)
}

impl Ledger {
    /// Payments up to here have left the table for runs on disk. 0 as long as none have.
    pub const fn sealed_upto(&self) -> Sequence {
        self.payments.sealed.floor()
    }

    /// The runs that may hold a payment of the duplicate window, the oldest first. They must be at hand for as long as
    /// they are listed.
    pub fn sealed_runs(&self) -> &[SealedRun] {
        self.payments.sealed.runs()
    }

    /// The highest number that a run ever had.
    pub const fn newest_run_number(&self) -> u64 {
        self.payments.sealed.newest_number()
    }

    /// How many payments stand in the table that are neither on disk nor forgotten.
    pub fn unsealed_count(&self) -> usize {
        self.payments.count_kept()
    }

    /// The payments behind this position that may be sealed, in order: all up to the first that is not final, at most so
    /// many.
    pub fn payments_to_seal(&self, after: Sequence, count_max: usize) -> impl Iterator<Item = &Payment> {
        let after = after.max(self.payments.gone_upto());
        self.payments.behind(after).take(count_max).take_while(|payment| payment.state.is_final())
    }
}

#[cfg(test)]
#[path = "rules_duplicates_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "forgetting_tests.rs"]
mod forgetting_tests;
