//! What can be asked about the calendar and recalls.

use ledger::{BusinessDate, Ledger, Recall, Recalled};
use types::{Bic, ClosingDays, RecallRefusal, Sequence};

/// Which recalls.
#[derive(Clone, Copy, Debug)]
pub enum RecallsAsked {
    /// The one at this position.
    At(Sequence),
    /// The one of the payment at this position.
    OfPayment(Sequence),
    /// Those that this bank has to answer and has not, in their order.
    Open {
        /// The bank.
        bank: Bic,
        /// Only those behind this position.
        after: Sequence,
        /// So many at the most; above [`RECALLS_ASKED_MAX`] means that many.
        count_max: usize,
    },
    /// Those without an answer whose time is over, if their bank's silence is to be answered for it.
    Ending {
        /// So many at the most; above [`RECALLS_ASKED_MAX`] means that many.
        count_max: usize,
    },
}

/// How many recalls one answer may tell.
pub const RECALLS_ASKED_MAX: usize = 256;

/// A recall, and what else is known of it.
#[derive(Clone, Copy, Debug)]
pub struct RecallFound {
    /// The recall and its answer.
    pub recall: Recall,
    /// What an answer to it has to say of the payment.
    pub recalled: Recalled,
    /// The payee's bank.
    pub creditor_agent: Bic,
    /// Whether the payer's account takes no bookings now, so that a return would go elsewhere. Where one went is part of
    /// the answer.
    pub is_elsewhere: bool,
    /// What is to be said at the end of its time, if that has come and the bank's silence is to be answered for it.
    pub at_the_end: Option<RecallRefusal>,
}

/// The calendar as it is set.
#[derive(Clone, Debug)]
pub struct CalendarAnswer {
    /// The business date, if one was set.
    pub business_date: Option<BusinessDate>,
    /// The closing days of the years that are set, in order.
    pub closing_days: Vec<ClosingDays>,
}

impl RecallsAsked {
    pub(crate) const fn count_max(&self) -> usize {
        match self {
            Self::At(_) | Self::OfPayment(_) => 1,
            Self::Open { count_max, .. } | Self::Ending { count_max } => *count_max,
        }
    }

    pub(crate) fn answer(self, ledger: &Ledger) -> Vec<RecallFound> {
        let count_max = self.count_max().min(RECALLS_ASKED_MAX);
        let found = |recall: &Recall| found(ledger, recall, None);
        match self {
            Self::At(sequence) => ledger.recall(sequence).map(found).into_iter().collect(),
            Self::OfPayment(payment) => ledger.recall_of_payment(payment).map(found).into_iter().collect(),
            Self::Open { bank, after, .. } => {
                let Some((bank, _)) = ledger.participant(bank) else { return Vec::new() };
                ledger.open_recalls(bank, after).take(count_max).map(found).collect()
            }
            Self::Ending { .. } => {
                let ending = ledger.recalls_to_end().take(count_max);
                ending.map(|(recall, refusal)| self::found(ledger, recall, Some(refusal))).collect()
            }
        }
    }
}

fn found(ledger: &Ledger, recall: &Recall, at_the_end: Option<RecallRefusal>) -> RecallFound {
    RecallFound {
        recall: *recall,
        recalled: ledger.recalled(recall),
        creditor_agent: ledger.participant_by_number(recall.creditor_bank()).bic(),
        is_elsewhere: ledger.is_returned_elsewhere(recall),
        at_the_end,
    }
}

pub(crate) fn calendar(ledger: &Ledger) -> CalendarAnswer {
    CalendarAnswer {
        business_date: ledger.business_date().copied(),
        closing_days: ledger.closing_days().to_vec(),
    }
}
