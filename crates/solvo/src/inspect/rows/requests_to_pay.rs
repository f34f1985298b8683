//! Requests to pay and what is said to them as fields.

use ledger::{LocalTime, layout};
use types::ReasonCode;

use super::{CHECKED, amount, bic, currency, digest, orders, time};
use crate::inspect::fields::Fields;

/// A request that is made.
pub(super) fn create(fields: Fields, it: &layout::CreateRequestToPay) -> Fields {
    let pay_by = LocalTime::from_nanoseconds(it.pay_by.get()).expect(CHECKED);
    let pay_by = (pay_by != LocalTime::AT_ONCE).then(|| pay_by.date().to_string());
    fields
        .with("debtor_agent", bic(it.debtor_agent))
        .with("creditor_agent", bic(it.creditor_agent))
        .with("amount", amount(it.amount.get(), it.currency.get()))
        .with("currency", currency(it.currency.get()).code())
        .with("expires", time(it.expires.get()))
        .with_some("pay_by_date", pay_by)
        .with("debtor_account", it.debtor_account.get())
        .with("debtor_account_digest", digest(it.debtor_account_digest))
        .with("creditor_account_digest", digest(it.creditor_account_digest))
}

/// A request that the payer has seen.
pub(super) fn present(fields: Fields, it: &layout::PresentRequestToPay) -> Fields {
    about(fields, it.to_pay.get(), it.debtor_agent, it.creditor_agent)
}

/// An answer: the order by which the request is paid, or why it is refused.
pub(super) fn answer(fields: Fields, it: &layout::AnswerRequestToPay) -> Fields {
    match ReasonCode::from_bytes(it.reason) {
        Some(reason) => about(fields, it.to_pay.get(), it.debtor_agent, it.creditor_agent)
            .with("answer", "refuse")
            .with("reason", reason.to_string()),
        None => {
            let fields = fields.with("request_to_pay", it.to_pay.get()).with("answer", "accept");
            orders::terms(fields, &it.terms)
        }
    }
}

/// A request that is taken back.
pub(super) fn cancel(fields: Fields, it: &layout::CancelRequestToPay) -> Fields {
    about(fields, it.to_pay.get(), it.debtor_agent, it.creditor_agent)
}

/// Which request, and between whom; the other bank is missing where nobody saw such a request.
fn about(fields: Fields, to_pay: u64, debtor_agent: [u8; 11], creditor_agent: [u8; 11]) -> Fields {
    let seen = |bank: [u8; 11]| (bank != [0; 11]).then(|| bic(bank));
    fields
        .with("request_to_pay", to_pay)
        .with_some("debtor_agent", seen(debtor_agent))
        .with_some("creditor_agent", seen(creditor_agent))
}
