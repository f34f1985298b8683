//! What the fields of commands about requests to pay may hold.

use types::{ReasonCode, Timestamp};
use zerocopy::FromZeros;

use super::orders::check_terms;
use super::{Check, amount, bic, currency, holds, zero};
use crate::layout::{self, REQUEST_ACCEPTED, REQUEST_REFUSED};
use crate::zone::LocalTime;

pub(super) fn check_create(create: &layout::CreateRequestToPay) -> Check {
    amount(create.amount.get())?;
    holds(Timestamp::from_nanoseconds(create.expires.get()).is_some(), "expires")?;
    holds(LocalTime::from_nanoseconds(create.pay_by.get()).is_some(), "pay_by")?;
    bic(create.debtor_agent)?;
    bic(create.creditor_agent)?;
    currency(create.currency.get())?;
    zero(&create.reserved)
}

pub(super) fn check_present(present: &layout::PresentRequestToPay) -> Check {
    bic(present.debtor_agent)?;
    seen_bank(present.creditor_agent)?;
    zero(&present.reserved)
}

pub(super) fn check_answer(answer: &layout::AnswerRequestToPay) -> Check {
    bic(answer.debtor_agent)?;
    seen_bank(answer.creditor_agent)?;
    match answer.answer {
        REQUEST_ACCEPTED => {
            holds(answer.reason == [0; 4], "reason")?;
            check_terms(&answer.terms)?;
            holds(answer.terms.debtor_agent == answer.debtor_agent, "bic")?;
        }
        REQUEST_REFUSED => {
            holds(ReasonCode::from_bytes(answer.reason).is_some(), "reason")?;
            holds(answer.terms == layout::OrderTerms::new_zeroed(), "terms")?;
        }
        _ => holds(false, "answer")?,
    }
    zero(&[answer.reserved])?;
    zero(&answer.reserved_end)
}

pub(super) fn check_cancel(cancel: &layout::CancelRequestToPay) -> Check {
    bic(cancel.creditor_agent)?;
    seen_bank(cancel.debtor_agent)?;
    zero(&cancel.reserved)
}

/// The other bank, as the edge saw it.
fn seen_bank(bytes: [u8; 11]) -> Check {
    holds(bytes == [0; 11] || bic(bytes).is_ok(), "bic")
}
