//! Exceptions and what is done about them, as those are told who listen to the banks that they concern.
//!
//! Invariant: what is told live and what the log tells are made here, of the same thing: a command that was carried out.

use ledger::{Command, ExceptionAction, ExceptionKind, ExceptionOwner, Record};
use types::{Amount, Bic, Currency, Sequence, Timestamp};

use crate::subscription::Banks;

/// An exception was raised, given to somebody, or something was done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExceptionTold {
    /// The position at which it was.
    pub decided_at: Sequence,
    /// Its time.
    pub decided_time: Timestamp,
    /// The position of the exception.
    pub exception: Sequence,
    /// The bank that has to look after it.
    pub bank: Bic,
    /// The bank on the other side of the payment, if it is told as well: when it is asked again.
    pub other_bank: Option<Bic>,
    /// What happened.
    pub step: ExceptionStep,
}

/// What happened to an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExceptionStep {
    /// It was raised.
    Raised {
        /// What is out of order.
        kind: ExceptionKind,
        /// How much is in question, if money is.
        amount: Option<Amount>,
        /// In which currency.
        currency: Currency,
    },
    /// It got this owner.
    Assigned(ExceptionOwner),
    /// Something was done about it.
    Acted {
        /// What is out of order.
        kind: ExceptionKind,
        /// What was done.
        action: ExceptionAction,
        /// How much is in question, if money is.
        amount: Option<Amount>,
        /// In which currency.
        currency: Currency,
    },
}

impl ExceptionTold {
    /// Whether one of these banks is told.
    pub(crate) fn concerns(&self, banks: &Banks) -> bool {
        banks.include(self.bank) || self.other_bank.is_some_and(|bank| banks.include(bank))
    }

    /// What a command does to an exception if it is carried out at this place; `None` if it is of another kind, or can't be
    /// carried out.
    pub(crate) fn of(decided_at: Sequence, decided_time: Timestamp, record: &Record<'_>) -> Option<Self> {
        let bank = |bytes| Bic::from_bytes(bytes).expect(CHECKED);
        let currency = |number| Currency::from_number(number).expect(CHECKED);
        if let Command::RaiseException(raise) = record.command {
            let step = ExceptionStep::Raised {
                kind: ExceptionKind::from_number(raise.kind).expect(CHECKED),
                amount: Amount::from_minor_units(raise.amount.get()),
                currency: currency(raise.currency.get()),
            };
            let (exception, bank) = (decided_at, bank(raise.bic));
            return Some(Self { decided_at, decided_time, exception, bank, other_bank: None, step });
        }
        if let Command::AssignException(assign) = record.command {
            let owner = ExceptionOwner::from_bytes(assign.owner).expect(CHECKED);
            let (exception, bank) = (Sequence(assign.exception.get()), bank(assign.bic));
            let step = ExceptionStep::Assigned(owner);
            return Some(Self { decided_at, decided_time, exception, bank, other_bank: None, step });
        }
        let Command::ResolveException(resolve) = record.command else { return None };
        let action = ExceptionAction::from_number(resolve.action).expect(CHECKED);
        let step = ExceptionStep::Acted {
            kind: ExceptionKind::from_number(resolve.kind)?,
            action,
            amount: Amount::from_minor_units(resolve.amount.get()),
            currency: currency(resolve.currency.get()),
        };
        let other_bank = Bic::from_bytes(resolve.other_bic);
        let other_bank = other_bank.filter(|_| action == ExceptionAction::AskAgain);
        let (exception, bank) = (Sequence(resolve.exception.get()), bank(resolve.bic));
        Some(Self { decided_at, decided_time, exception, bank, other_bank, step })
    }
}

const CHECKED: &str = "records are checked when they are read";
