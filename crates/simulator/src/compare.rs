//! The model beside the ledger: every outcome, every account, every bank, every count.

use ledger::{AccountKind, Alerts, AnswerEffect, Ledger, Outcome, PaymentAnswer};
use rust_decimal::Decimal;
use types::AccountNumber;

use crate::model::{Expected, Known, Model, Place, money};
use crate::words::{bic, currency, digest_key, iban};

#[path = "compare_rulebook.rs"]
mod rulebook;

pub(crate) use rulebook::crossed;

/// Says how an outcome differs from what it must be.
pub(crate) fn outcome(expected: &Expected, found: &Outcome) -> Result<(), String> {
    let balances = found.balances.map(money);
    let same = found.verdict == expected.verdict
        && found.decided_at == expected.decided_at
        && balances == expected.balances
        && found.remark == expected.remark
        && Alerts::EACH.map(|alert| found.alerts.has(alert)) == expected.alerts;
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
    same("the version of the rules", &model.rules_version, &ledger.rules_version())?;
    same("accounts", &model.accounts.len(), &ledger.account_count())?;
    for (number, expected) in &model.accounts {
        let found = ledger.account_by_number(AccountNumber(*number));
        let (kind, digest) = match expected.place {
            Place::Customer(account, kind) => (kind, Some(digest_key().iban(iban(account).as_str()))),
            Place::Core => (AccountKind::Core, None),
            Place::Clearing => (AccountKind::Clearing, None),
            Place::Position => (AccountKind::Position, None),
            Place::Technical => (AccountKind::Technical, None),
            Place::Suspense => (AccountKind::Suspense, None),
            Place::Funding => (AccountKind::Funding, None),
        };
        let owner = expected.bank.and_then(|bank| model.bank(bank)).map_or(0, |(number, _)| number);
        let what = format!("account {number}");
        same(&what, &expected.balance, &money(found.balance()))?;
        same(&what, &(kind, expected.status), &(found.kind(), found.status()))?;
        same(&what, &(currency(expected.currency), owner), &(found.currency(), u64::from(found.owner().0)))?;
        let aside = (money(found.reserved()), money(found.held()));
        same(&what, &(expected.reserved, expected.held), &aside)?;
        same(&what, &expected.is_flagged, &found.is_flagged())?;
        same(&what, &(expected.is_restricted, expected.blocks), &(found.is_restricted(), found.blocks()))?;
        let used = ledger.used_today(AccountNumber(*number)).map(money);
        same(&what, &model.used_today(*number), &used)?;
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
    same("payments", &model.totals, &[totals.settled, totals.rejected, totals.expired])?;
    same("waiting payments", &model.waiting_count(), &totals.reserved)?;
    questions(model, ledger)?;
    rulebook::ledger(model, ledger)?;
    same("sealed", &model.sealed(), &(ledger.sealed_upto(), ledger.sealed_runs().len()))?;
    same("remembered", &model.remembered(), &(ledger.unsealed_count(), ledger.request_count()))?;
    for book in ledger.trial_balance() {
        same("a book", &0, &book.sum())?;
    }
    let sum: Decimal = model.accounts.values().map(|account| account.balance).sum();
    same("the model's own books", &Decimal::ZERO, &sum)
}

/// Says how the open questions of a ledger differ from the model's.
fn questions(model: &Model, ledger: &Ledger) -> Result<(), String> {
    same("when the next question ends", &model.next_due(), &ledger.next_due())?;
    let expected = model.open_questions();
    for bank in &model.banks {
        let open = ledger.open_questions(bic(bank.bank), None, usize::MAX).map(|open| open.questions);
        let mut found: Vec<_> =
            open.unwrap_or_default().iter().map(|open| (open.payment, bank.bank, open.stage)).collect();
        found.sort_by_key(|(sequence, ..)| *sequence);
        let expected: Vec<_> = expected.iter().filter(|open| open.1 == bank.bank).copied().collect();
        same("a bank's open questions", &expected, &found)?;
        let (number, known) = ledger.participant(bic(bank.bank)).ok_or("a bank is missing")?;
        let unanswered = usize::try_from(ledger.unanswered(number)).map_err(|error| error.to_string())?;
        same("what a bank has yet to answer", &model.unanswered(bank.bank), &unanswered)?;
        same(
            "a bank's wish",
            &(bank.policy, bank.unanswered_max),
            &(*known.policy(), known.unanswered_max()),
        )?;
    }
    for effect in AnswerEffect::ALL {
        let expected = model.effects.get(&effect).copied().unwrap_or_default();
        same("answers", &(effect, expected), &(effect, ledger.answer_totals().of(effect)))?;
    }
    Ok(())
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
