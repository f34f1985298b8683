//! Exceptions and what is done about them as fields.

use ledger::{Direction, ExceptionAction, ExceptionKind, ExceptionOwner, layout};

use super::{CHECKED, amount, bic, currency, digest, named};
use crate::inspect::fields::Fields;

/// An exception that is raised.
pub(super) fn raise(fields: Fields, it: &layout::RaiseException) -> Fields {
    let payment = it.original.payment.get();
    fields
        .with("bic", bic(it.bic))
        .with("exception", named(ExceptionKind::from_number(it.kind)))
        .with_some("payment", (payment != 0).then_some(payment))
        .with_some("recall", (it.recall.get() != 0).then(|| it.recall.get()))
        .with_some("subject_digest", (it.subject_digest != [0; 16]).then(|| digest(it.subject_digest)))
        .with_some("amount", (it.amount.get() != 0).then(|| amount(it.amount.get(), it.currency.get())))
        .with("currency", currency(it.currency.get()).code())
        .with_some("direction", direction(it.direction))
}

/// An exception that gets an owner.
pub(super) fn assign(fields: Fields, it: &layout::AssignException) -> Fields {
    let owner = ExceptionOwner::from_bytes(it.owner).expect(CHECKED);
    fields
        .with("exception_at", it.exception.get())
        .with("bic", bic(it.bic))
        .with("owner", owner.as_str().to_owned())
}

/// Something that is done about an exception. One that was sent for none that was there has no amount and no currency.
pub(super) fn resolve(fields: Fields, it: &layout::ResolveException) -> Fields {
    let number = it.currency.get();
    let has_money = it.amount.get() != 0;
    fields
        .with("exception_at", it.exception.get())
        .with("bic", bic(it.bic))
        .with("action", named(ExceptionAction::from_number(it.action)))
        .with_some("exception", ExceptionKind::from_number(it.kind).map(|kind| named(Some(kind))))
        .with_some("amount", has_money.then(|| amount(it.amount.get(), number)))
        .with_some("currency", (number != 0).then(|| currency(number).code()))
        .with_some("direction", direction(it.direction))
        .with_some("other_bic", (it.other_bic != [0; 11]).then(|| bic(it.other_bic)))
        .with_some("account", (it.account.get() != 0).then(|| it.account.get()))
        .with_some("iban_digest", (it.iban_digest != [0; 16]).then(|| digest(it.iban_digest)))
}

fn direction(number: u8) -> Option<String> {
    Direction::from_number(number).map(|direction| named(Some(direction)))
}
