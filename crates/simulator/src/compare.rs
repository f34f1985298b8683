//! The model beside the ledger: every outcome, every account, every bank, every count.

use ledger::{AccountKind, Ledger, Outcome, PaymentAnswer};
use rust_decimal::Decimal;
use types::AccountNumber;

use crate::model::{Expected, Known, Model, Place, money};
use crate::words::{bic, currency, digest_key, iban};

/// Says how an outcome differs from what it must be.
pub(crate) fn outcome(expected: &Expected, found: &Outcome) -> Result<(), String> {
    let balances = found.balances.map(money);
    let same = found.verdict == expected.verdict
        && found.decided_at == expected.decided_at
        && balances == expected.balances;
    match same {
        true => Ok(()),
        false => Err(format!("expected {expected:?}, but it came to {found:?}")),
    }
}

/// Says how the answer to the question for a payment differs from what it must be.
pub(crate) fn payment(expected: Known, found: &PaymentAnswer) -> Result<(), String> {
    let found = match found {
        PaymentAnswer::Found(payment) => Known::Found(payment.sequence(), payment.state(), payment.reason()),
        PaymentAnswer::NotFound { is_final } => Known::NotFound { is_final: *is_final },
        PaymentAnswer::Forgotten => Known::Forgotten,
    };
    same("the answer for a payment", &expected, &found)
}

/// Says how a ledger differs from the model.
pub(crate) fn ledger(model: &Model, ledger: &Ledger) -> Result<(), String> {
    same("accounts", &model.accounts.len(), &ledger.account_count())?;
    for (number, expected) in &model.accounts {
        let found = ledger.account_by_number(AccountNumber(*number));
        let (kind, digest) = match expected.place {
            Place::Customer(account, kind) => (kind, Some(digest_key().iban(iban(account).as_str()))),
            Place::Core => (AccountKind::Core, None),
            Place::Clearing => (AccountKind::Clearing, None),
            Place::Position => (AccountKind::Position, None),
            Place::Funding => (AccountKind::Funding, None),
        };
        let owner = expected.bank.and_then(|bank| model.bank(bank)).map_or(0, |(number, _)| number);
        let what = format!("account {number}");
        same(&what, &expected.balance, &money(found.balance()))?;
        same(&what, &(kind, expected.status), &(found.kind(), found.status()))?;
        same(&what, &(currency(expected.currency), owner), &(found.currency(), u64::from(found.owner().0)))?;
        same(&what, &(0, 0), &(found.reserved(), found.held()))?;
        if let Some(floor) = expected.floor {
            same(&what, &floor, &money(found.floor()))?;
        }
        if let Some(digest) = digest {
            same(&what, &digest, &found.digest())?;
        }
    }
    let banks = model.banks.iter().map(|bank| (bic(bank.bank), bank.mode, bank.status));
    let found = ledger.participants().map(|(_, found)| (found.bic(), found.mode(), found.status()));
    same("banks", &banks.collect::<Vec<_>>(), &found.collect::<Vec<_>>())?;
    let totals = ledger.payment_totals();
    same("payments", &model.totals, &[totals.settled, totals.rejected])?;
    same("waiting payments", &[0, 0], &[totals.reserved, totals.expired])?;
    same("remembered", &model.remembered(), &(ledger.payment_count(), ledger.request_count()))?;
    for book in ledger.trial_balance() {
        same("a book", &0, &book.sum())?;
    }
    let sum: Decimal = model.accounts.values().map(|account| account.balance).sum();
    same("the model's own books", &Decimal::ZERO, &sum)
}

/// Says how two things differ.
pub(crate) fn same<Thing: PartialEq + std::fmt::Debug>(
    what: &str,
    expected: &Thing,
    found: &Thing,
) -> Result<(), String> {
    match expected == found {
        true => Ok(()),
        false => Err(format!("{what}: expected {expected:?}, found {found:?}")),
    }
}
