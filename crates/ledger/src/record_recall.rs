//! What the fields of recalls and of the answers to them may hold.

use types::{PaymentState, RecallReason, Timestamp};

use super::{Check, amount, bic, currency, holds, zero};
use crate::{RecallAnswer, layout};

/// What is said of a payment.
pub(super) fn check_original(original: &layout::Original) -> Check {
    holds(original.payment.get() != 0, "payment")?;
    holds(original.decided_at >= original.payment, "decided_at")?;
    holds(Timestamp::from_nanoseconds(original.decided_time.get()).is_some(), "decided_time")?;
    amount(original.amount.get())?;
    bic(original.debtor_agent)?;
    bic(original.creditor_agent)?;
    currency(original.currency.get())?;
    holds(PaymentState::from_number(original.state).is_some(), "state")?;
    zero(&original.reserved)
}

pub(super) fn check_request(request: &layout::RequestRecall) -> Check {
    check_original(&request.original)?;
    holds(RecallReason::from_code(request.reason).is_some(), "reason")?;
    zero(&request.reserved)
}

pub(super) fn check_answer(answer: &layout::AnswerRecall) -> Check {
    holds(answer.recall > answer.payment, "recall")?;
    bic(answer.bic)?;
    bic(answer.debtor_agent)?;
    currency(answer.currency.get())?;
    holds(RecallAnswer::from_stored(answer).is_some(), "answer")?;
    holds(answer.consent <= 1, "consent")?;
    holds(answer.elsewhere <= 1, "elsewhere")?;
    zero(&[answer.reserved])
}

pub(super) fn check_policy(set: &layout::SetRecallPolicy) -> Check {
    bic(set.bic)?;
    holds(set.is_silence_answered <= 1, "is_silence_answered")?;
    zero(&set.reserved)
}
