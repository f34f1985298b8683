//! What can be asked about exceptions.

use ledger::{Exception, ExceptionKind, ExceptionSeen, Ledger, Recall};
use types::{Bic, ParticipantNumber, Sequence};

/// Which exceptions.
#[derive(Clone, Copy, Debug)]
pub enum ExceptionsAsked {
    /// The one at this position.
    At(Sequence),
    /// Those behind a position, in order, at most [`EXCEPTIONS_LOOKED_AT_MAX`] of all banks.
    Behind {
        /// Only those behind this position.
        after: Sequence,
    },
    /// Those that came right by themselves and are to be closed.
    Over {
        /// So many at the most; above [`EXCEPTIONS_ASKED_MAX`] means that many.
        count_max: usize,
    },
    /// What the core has noticed and is to be raised.
    Noticed {
        /// So many at the most; above [`EXCEPTIONS_ASKED_MAX`] means that many.
        count_max: usize,
    },
    /// Which recalls are due, among at most [`EXCEPTIONS_LOOKED_AT_MAX`] open ones behind this place.
    DueRecalls {
        /// The last one that was looked at.
        after: Option<(ParticipantNumber, Sequence)>,
    },
}

/// How many exceptions one answer may tell.
pub const EXCEPTIONS_ASKED_MAX: usize = 256;

/// How many one question looks at: about a tenth of a millisecond.
pub const EXCEPTIONS_LOOKED_AT_MAX: usize = 1024;

/// An exception, and what else is known of it.
#[derive(Clone, Copy, Debug)]
pub struct ExceptionFound {
    /// The exception.
    pub exception: Exception,
    /// The bank that has to look after it.
    pub bank: Bic,
    /// What an action on it has to say of it.
    pub seen: ExceptionSeen,
    /// What its bank has in suspense in this currency, in minor units.
    pub suspense: i64,
}

/// The answer to a question about exceptions.
#[derive(Clone, Debug)]
pub enum ExceptionsAnswer {
    /// To [`ExceptionsAsked::At`], [`ExceptionsAsked::Over`] and [`ExceptionsAsked::Behind`], in order.
    Found {
        /// The exceptions.
        found: Vec<ExceptionFound>,
        /// Where to go on, if there may be more.
        next: Option<Sequence>,
    },
    /// To [`ExceptionsAsked::Noticed`]: the payments, by kind and then in order.
    Noticed {
        /// What is out of order, and with which payment.
        noticed: Vec<(ExceptionKind, Sequence)>,
        /// How many could not be noticed.
        overlooked: u64,
    },
    /// To [`ExceptionsAsked::DueRecalls`].
    DueRecalls {
        /// The recalls, with the bank that has to answer each.
        due: Vec<(Recall, Bic)>,
        /// Where to go on, if there may be more.
        next: Option<(ParticipantNumber, Sequence)>,
    },
}

impl ExceptionsAsked {
    pub(crate) const fn count_max(&self) -> usize {
        match self {
            Self::At(_) => 1,
            Self::Behind { .. } | Self::DueRecalls { .. } => EXCEPTIONS_LOOKED_AT_MAX,
            Self::Over { count_max } | Self::Noticed { count_max } => *count_max,
        }
    }

    pub(crate) fn answer(self, ledger: &Ledger) -> ExceptionsAnswer {
        let found = |exception: &Exception| found(ledger, exception);
        match self {
            Self::At(sequence) => {
                let found = ledger.exception(sequence).map(found).into_iter().collect();
                ExceptionsAnswer::Found { found, next: None }
            }
            Self::Behind { after } => {
                let behind = ledger.exceptions(after).take(EXCEPTIONS_LOOKED_AT_MAX);
                let found: Vec<_> = behind.map(found).collect();
                let last = found.last().map(|last| last.exception.sequence());
                let next = last.filter(|_| found.len() == EXCEPTIONS_LOOKED_AT_MAX);
                ExceptionsAnswer::Found { found, next }
            }
            Self::Over { count_max } => {
                let over = ledger.exceptions_over().take(count_max.min(EXCEPTIONS_ASKED_MAX));
                ExceptionsAnswer::Found { found: over.map(found).collect(), next: None }
            }
            Self::Noticed { count_max } => {
                let noticed = ledger.noticed_exceptions().take(count_max.min(EXCEPTIONS_ASKED_MAX));
                let noticed = noticed.map(|(kind, noticed)| (kind, noticed.payment)).collect();
                ExceptionsAnswer::Noticed { noticed, overlooked: ledger.overlooked_exceptions() }
            }
            Self::DueRecalls { after } => due_recalls(ledger, after),
        }
    }
}

fn due_recalls(ledger: &Ledger, after: Option<(ParticipantNumber, Sequence)>) -> ExceptionsAnswer {
    let (mut due, mut last, mut looked_at) = (Vec::new(), None, 0);
    for recall in ledger.all_open_recalls(after).take(EXCEPTIONS_LOOKED_AT_MAX) {
        looked_at += 1;
        last = Some((recall.creditor_bank(), recall.sequence()));
        if ledger.is_recall_due(recall) {
            due.push((*recall, ledger.participant_by_number(recall.creditor_bank()).bic()));
        }
    }
    let next = last.filter(|_| looked_at == EXCEPTIONS_LOOKED_AT_MAX);
    ExceptionsAnswer::DueRecalls { due, next }
}

fn found(ledger: &Ledger, exception: &Exception) -> ExceptionFound {
    ExceptionFound {
        exception: *exception,
        bank: ledger.participant_by_number(exception.bank()).bic(),
        seen: ledger.exception_seen(exception),
        suspense: ledger.suspense_balance(exception.bank(), exception.currency()),
    }
}
