//! What the fields of commands about payments that wait for a bank may hold.

use types::ReasonCode;

use super::{Check, bic, currency, holds, zero};
use crate::{DecisionScope, Silence, Stage, layout};

pub(super) fn check_answer(answer: &layout::Answer) -> Check {
    holds(answer.evidence_upto.get() == 0, "evidence_upto")?;
    check_any_answer(answer)
}

pub(super) fn check_any_answer(answer: &layout::Answer) -> Check {
    bic(answer.bic)?;
    holds(Stage::from_number(answer.stage).is_some(), "stage")?;
    holds(answer.code == [0; 4] || ReasonCode::from_bytes(answer.code).is_some(), "code")?;
    zero(&answer.reserved)
}

pub(super) fn check_policy(set: &layout::SetDecisionPolicy) -> Check {
    bic(set.bic)?;
    let scope = |number, above: i64| DecisionScope::from_stored(number, above).is_some();
    holds(scope(set.debit_scope, set.debit_above.get()), "debit_scope")?;
    holds(Silence::from_number(set.debit_silence).is_some(), "debit_silence")?;
    holds(scope(set.credit_scope, set.credit_above.get()), "credit_scope")?;
    holds(Silence::from_number(set.credit_silence).is_some(), "credit_silence")?;
    zero(&[set.reserved])
}

pub(super) fn check_account_flag(set: &layout::SetAccountFlag) -> Check {
    currency(set.currency.get())?;
    holds(set.is_flagged <= 1, "is_flagged")?;
    zero(&set.reserved)
}

pub(super) fn check_reservation_limit(set: &layout::SetReservationLimit) -> Check {
    bic(set.bic)?;
    zero(&[set.reserved])
}
