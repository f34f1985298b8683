//! What the fields of commands about exceptions may hold.

use zerocopy::{FromZeros, IntoBytes};

use super::recall::check_original;
use super::{Check, amount, bic, currency, holds, zero};
use crate::{Direction, ExceptionAction, ExceptionKind, ExceptionOwner, layout};

pub(super) fn check_raise(raise: &layout::RaiseException) -> Check {
    let kind = ExceptionKind::from_number(raise.kind);
    let Some(kind) = kind else { return holds(false, "kind") };
    bic(raise.bic)?;
    currency(raise.currency.get())?;
    zero(&[raise.reserved])?;
    holds((raise.recall.get() != 0) == (kind == ExceptionKind::RecallDue), "recall")?;
    let has_digest = raise.subject_digest != [0; 16];
    let is_named = matches!(kind, ExceptionKind::StaleMirror | ExceptionKind::ReconciliationBreak);
    holds(has_digest == is_named, "subject_digest")?;
    match kind.is_of_payment() {
        true => {
            check_original(&raise.original)?;
            let same = (raise.original.amount, raise.original.currency) == (raise.amount, raise.currency);
            holds(same, "amount")?;
        }
        false => zero(raise.original.as_bytes())?,
    }
    match kind {
        ExceptionKind::StaleMirror => holds(raise.amount.get() == 0, "amount")?,
        ExceptionKind::LatePositive
        | ExceptionKind::CreditNotAcknowledged
        | ExceptionKind::LateConfirmation
        | ExceptionKind::ReconciliationBreak
        | ExceptionKind::RecallDue => amount(raise.amount.get())?,
    }
    let direction = Direction::from_number(raise.direction);
    match kind {
        ExceptionKind::ReconciliationBreak => holds(direction.is_some(), "direction"),
        ExceptionKind::StaleMirror | ExceptionKind::RecallDue => holds(raise.direction == 0, "direction"),
        ExceptionKind::LatePositive
        | ExceptionKind::CreditNotAcknowledged
        | ExceptionKind::LateConfirmation => holds(direction == kind.direction(), "direction"),
    }
}

pub(super) fn check_assign(assign: &layout::AssignException) -> Check {
    bic(assign.bic)?;
    holds(ExceptionOwner::from_bytes(assign.owner).is_some(), "owner")?;
    zero(&assign.reserved)
}

pub(super) fn check_resolve(resolve: &layout::ResolveException) -> Check {
    bic(resolve.bic)?;
    let action = ExceptionAction::from_number(resolve.action);
    holds(action.is_some(), "action")?;
    let is_booked = action == Some(ExceptionAction::BookToCustomer);
    holds(is_booked || resolve.account.get() == 0 && resolve.iban_digest == [0; 16], "account")?;
    zero(&[resolve.reserved])?;
    if resolve.kind == 0 {
        let hints = layout::ResolveException {
            amount: resolve.amount,
            currency: resolve.currency,
            direction: resolve.direction,
            other_bic: resolve.other_bic,
            ..layout::ResolveException::new_zeroed()
        };
        return zero(hints.as_bytes());
    }
    holds(ExceptionKind::from_number(resolve.kind).is_some(), "kind")?;
    currency(resolve.currency.get())?;
    holds(resolve.amount.get() == 0 || amount(resolve.amount.get()).is_ok(), "amount")?;
    holds(resolve.direction == 0 || Direction::from_number(resolve.direction).is_some(), "direction")?;
    holds(resolve.other_bic == [0; 11] || bic(resolve.other_bic).is_ok(), "other_bic")
}
