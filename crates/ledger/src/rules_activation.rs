//! Which accounts take part in payments, while a bank moves here from another system.
//!
//! A payment with an account that takes no part is not taken: the other system still has the account, and the payment goes
//! there. So its key stays unused, like that of a payment that never came. What has been decided stands, and what a bank
//! was asked before is carried through.

use crate::mutants::{Mutant, is_on};
use crate::rules_duplicates::ask_again;
use crate::rules_masterdata::{Answer, participant};
use crate::{Kind, Ledger, Outcome, Position, Stage, Verdict, layout};

pub(crate) fn apply(ledger: &mut Ledger, record: &layout::SetActivation) -> Answer {
    let bank = participant(ledger, record.bic)?;
    ledger.activations.set(bank, record.range(), record.is_active == 1)?;
    Ok((u64::from(bank.0), 0))
}

/// What comes of a payment before it is judged: nothing, if it was looked up by another table than this one, or if an
/// account takes no part.
pub(crate) fn stops(ledger: &Ledger, at: Position, record: &layout::Payment) -> Option<Outcome> {
    outdated(ledger, at, record).or_else(|| {
        let stage = inactive_side(record)?;
        Some(Outcome { verdict: Verdict::NotActive { stage }, ..ask_again(at, Kind::Payment) })
    })
}

/// What comes of a payment that was looked up by another table than this one.
pub(crate) fn outdated(ledger: &Ledger, at: Position, record: &layout::Payment) -> Option<Outcome> {
    let is_outdated = record.activation.get() != ledger.activations.number();
    (is_outdated && !is_on(Mutant::OldTableDecides)).then(|| ask_again(at, Kind::Payment))
}

/// On which side an account takes no part, the payer's first.
pub(crate) fn inactive_side(record: &layout::Payment) -> Option<Stage> {
    record.inactive_side().filter(|_| !is_on(Mutant::InactivePays))
}

impl layout::Payment {
    /// On which side an account takes no part, as far as the table goes that was looked at; the payer's first.
    pub const fn inactive_side(&self) -> Option<Stage> {
        if self.inactive & layout::PAYMENT_DEBTOR_INACTIVE != 0 {
            Some(Stage::Debit)
        } else if self.inactive & layout::PAYMENT_CREDITOR_INACTIVE != 0 {
            Some(Stage::Credit)
        } else {
            None
        }
    }
}

#[cfg(test)]
#[path = "rules_activation_tests.rs"]
mod tests;
