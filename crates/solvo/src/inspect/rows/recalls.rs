//! Closing days, recalls and the answers to them as fields.

use journal::FrameHeader;
use ledger::{RecallAnswer, layout};
use types::{ClosingDays, Date, Lives, PaymentState, ReasonCode, Sequence};

use super::{CHECKED, amount, balance, bic, currency, digest, payment_id, payment_state, time};
use crate::inspect::fields::{Fields, Value};

/// The closing days of a year; weekends are not among them.
pub(super) fn closing_days(fields: Fields, set: &layout::SetClosingDays) -> Fields {
    let closing_days = ClosingDays::from_stored(set.year.get(), set.days).expect(CHECKED);
    let days = closing_days.days().map(|day: Date| Value::from(day.to_string()));
    fields.with("year", set.year.get()).with("days", days.collect::<Vec<_>>())
}

/// A payment that is asked back, as the record tells it.
pub(super) fn recall(
    fields: Fields,
    request: &layout::RequestRecall,
    lives: &Lives,
    header: &FrameHeader,
) -> Fields {
    let original = &request.original;
    fields
        .with("reason", ReasonCode::from_bytes(request.reason).expect(CHECKED).to_string())
        .with("payment_id", payment_id(lives, header, Sequence(original.payment.get())))
        .with("state", payment_state(PaymentState::from_number(original.state).expect(CHECKED)))
        .with("original_decided_at", original.decided_at.get())
        .with("original_decided_time", time(original.decided_time.get()))
        .with("amount", amount(original.amount.get(), original.currency.get()))
        .with("currency", currency(original.currency.get()).code())
        .with("debtor_agent", bic(original.debtor_agent))
        .with("creditor_agent", bic(original.creditor_agent))
        .with("debtor_account_digest", digest(original.debtor_account_digest))
        .with("creditor_account_digest", digest(original.creditor_account_digest))
}

/// The answer to a recall.
pub(super) fn answer(
    fields: Fields,
    answer: &layout::AnswerRecall,
    lives: &Lives,
    header: &FrameHeader,
) -> Fields {
    let number = answer.currency.get();
    let said = match RecallAnswer::from_stored(answer).expect(CHECKED) {
        RecallAnswer::Return { .. } => "return",
        RecallAnswer::Refuse(_) => "refuse",
        RecallAnswer::TimeOver(_) => "time_over",
    };
    fields
        .with("recall", answer.recall.get())
        .with("payment_id", payment_id(lives, header, Sequence(answer.payment.get())))
        .with("bic", bic(answer.bic))
        .with("answer", said)
        .with_some("reason", ReasonCode::from_bytes(answer.code).map(|code| code.to_string()))
        .with("returned", balance(answer.amount.get(), number))
        .with("fee", balance(answer.fee.get(), number))
        .with("currency", currency(number).code())
        .with("consent", answer.consent == 1)
        .with_some("elsewhere", (answer.elsewhere == 1).then_some("yes"))
        .with("debtor_agent", bic(answer.debtor_agent))
        .with("debtor_account", answer.debtor_account.get())
        .with("creditor_account", answer.creditor_account.get())
}
