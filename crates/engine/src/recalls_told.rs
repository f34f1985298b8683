//! Recalls and the answers to them, as those are told who listen to one of their banks.
//!
//! Invariant: what is told live and what the log tells are made here, of the same two things: a command, and what its
//! outcome names.

use ledger::{Command, RecallAnswer, Record};
use types::{Amount, Bic, Currency, Date, RecallReason, Sequence, Timestamp};

use crate::subscription::Banks;

/// A recall was requested or answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecallTold {
    /// The position at which it was.
    pub decided_at: Sequence,
    /// Its time.
    pub decided_time: Timestamp,
    /// The position of the recall.
    pub recall: Sequence,
    /// The position of the payment that is asked back.
    pub payment: Sequence,
    /// The payer's bank, which asks.
    pub debtor_agent: Bic,
    /// The payee's bank, which answers.
    pub creditor_agent: Bic,
    /// In which currency the payment was.
    pub currency: Currency,
    /// What was said.
    pub step: RecallStep,
    /// Whether it gave money back to the core account of the payer's bank, because the payer's account took no bookings
    /// then.
    pub is_elsewhere: bool,
}

/// What was said of a recall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecallStep {
    /// The payer's bank asks.
    Requested {
        /// Why.
        reason: RecallReason,
        /// How much was paid.
        amount: Amount,
        /// The last day for an answer, in UTC.
        answer_by: Date,
    },
    /// The payee's bank has answered, or the node for it when the time was over.
    Answered(RecallAnswer),
}

impl RecallTold {
    /// Whether one of these banks is the payer's or the payee's.
    pub(crate) fn concerns(&self, banks: &Banks) -> bool {
        banks.include(self.debtor_agent) || banks.include(self.creditor_agent)
    }

    /// What a command says of a recall if it is carried out at this place; `None` if it is of another kind.
    ///
    /// The last day for an answer is the subject of the outcome, so one that is not known yet is set by
    /// [`Self::with_subject`].
    pub(crate) fn of(decided_at: Sequence, decided_time: Timestamp, record: &Record<'_>) -> Option<Self> {
        let bank = |bytes| Bic::from_bytes(bytes).expect(CHECKED);
        let currency = |number| Currency::from_number(number).expect(CHECKED);
        if let Command::RequestRecall(request) = record.command {
            let original = &request.original;
            let step = RecallStep::Requested {
                reason: RecallReason::from_code(request.reason).expect(CHECKED),
                amount: Amount::from_minor_units(original.amount.get()).expect(CHECKED),
                answer_by: decided_time.date(),
            };
            return Some(Self {
                decided_at,
                decided_time,
                recall: decided_at,
                payment: Sequence(original.payment.get()),
                debtor_agent: bank(original.debtor_agent),
                creditor_agent: bank(original.creditor_agent),
                currency: currency(original.currency.get()),
                step,
                is_elsewhere: false,
            });
        }
        let Command::AnswerRecall(answer) = record.command else { return None };
        Some(Self {
            decided_at,
            decided_time,
            recall: Sequence(answer.recall.get()),
            payment: Sequence(answer.payment.get()),
            debtor_agent: bank(answer.debtor_agent),
            creditor_agent: bank(answer.bic),
            currency: currency(answer.currency.get()),
            step: RecallStep::Answered(RecallAnswer::from_stored(answer).expect(CHECKED)),
            is_elsewhere: answer.is_returned_elsewhere(),
        })
    }

    /// The same, with what its outcome names as its subject.
    #[must_use]
    pub(crate) fn with_subject(mut self, subject: u64) -> Self {
        if let RecallStep::Requested { answer_by, .. } = &mut self.step {
            let day = i32::try_from(subject).ok().and_then(Date::from_days);
            *answer_by = day.expect("the outcome of a request that was taken names a day");
        }
        self
    }
}

const CHECKED: &str = "records are checked when they are read";
