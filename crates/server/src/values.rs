//! Small conversions that several services share.

use client::convert::{FieldReader, Path, timestamp};
use client::v1;
use engine::Handle;
use ledger::{AccountKind, AccountStatus, Blocks, Direction, Outcome, Payment, Remark, RequestId, Verdict};
use types::{Balance, Currency, Timestamp};

/// Everything here is on the stable storage of one machine.
pub(crate) const DURABILITY: v1::Durability = v1::Durability::Local;

/// A caller's request id.
pub(crate) fn request_id(reader: &mut FieldReader, text: &str) -> Option<RequestId> {
    let text = reader.request_id(&Path::root("request_id"), text)?;
    Some(RequestId::parse(text).expect("the contract and the ledger have one rule"))
}

/// That a command was decided.
pub(crate) fn confirmation(outcome: &Outcome) -> v1::Confirmation {
    v1::Confirmation {
        // A repeat names the position of the request that it repeats: that is where the answer stands.
        sequence: outcome.repeat_of().unwrap_or(outcome.sequence).0,
        durability: DURABILITY.into(),
        decided_time: Some(timestamp(outcome.decided_time)),
        repeat: outcome.repeat_of().is_some(),
    }
}

/// A decimal text of minor units.
pub(crate) fn decimal(minor_units: i64, currency: Currency) -> String {
    let balance = Balance::from_minor_units(minor_units);
    balance.expect("the ledger keeps balances within their limit").to_decimal(currency)
}

pub(crate) use reports::decimal as decimal_sum;

pub(crate) fn account_type(kind: AccountKind) -> v1::AccountType {
    match kind {
        AccountKind::Current => v1::AccountType::Current,
        AccountKind::Savings => v1::AccountType::Savings,
        AccountKind::Core
        | AccountKind::Clearing
        | AccountKind::Position
        | AccountKind::Funding
        | AccountKind::Technical
        | AccountKind::Suspense => v1::AccountType::Unspecified,
    }
}

/// Which bookings something does not take.
pub(crate) const fn wire_block(blocks: Blocks) -> v1::Block {
    match (blocks.covers(Direction::Debit), blocks.covers(Direction::Credit)) {
        (false, false) => v1::Block::Unspecified,
        (true, false) => v1::Block::Debit,
        (false, true) => v1::Block::Credit,
        (true, true) => v1::Block::Both,
    }
}

pub(crate) const fn account_status(status: AccountStatus) -> v1::AccountStatus {
    match status {
        AccountStatus::Active => v1::AccountStatus::Active,
        AccountStatus::Blocked => v1::AccountStatus::Blocked,
        AccountStatus::Closed => v1::AccountStatus::Closed,
    }
}

/// A reason in words, if it is one of Solvo's own: as the remark has it, if that says more.
pub(crate) fn reason_text(code: types::ReasonCode, remark: Remark) -> &'static str {
    let general = || types::StatusReason::from_code(code).map_or("", types::StatusReason::meaning);
    // Where another reason is told, nothing more is said.
    let is_of_limit = code == types::StatusReason::CustomerLimit.code();
    remark.meaning().filter(|_| is_of_limit).unwrap_or_else(general)
}

/// The outcome of a payment as the contract has it. References are as the caller knows them.
pub(crate) struct PaymentReferences {
    pub(crate) transaction_id: String,
    pub(crate) debtor_agent: String,
}

impl PaymentReferences {
    pub(crate) fn of(payment: &Payment) -> Self {
        Self {
            transaction_id: payment.transaction_id().to_owned(),
            debtor_agent: payment.debtor_agent().to_string(),
        }
    }
}

/// What is told of a payment, from a fresh outcome or from memory.
pub(crate) struct PaymentFacts {
    pub(crate) sequence: types::Sequence,
    pub(crate) decided_at: types::Sequence,
    pub(crate) decided_time: types::Timestamp,
    pub(crate) acceptance_time: Option<types::Timestamp>,
    pub(crate) state: types::PaymentState,
    pub(crate) reason: Option<types::ReasonCode>,
    pub(crate) repeat: bool,
    pub(crate) late: bool,
    /// For the payer's side alone.
    pub(crate) remark: Remark,
}

impl PaymentFacts {
    /// What is told of a payment as it stands, as the payer's side knows it.
    pub(crate) fn of(payment: &Payment) -> Self {
        // A payment that was refused on reading may have no acceptance time.
        let acceptance_time = payment.acceptance_time();
        Self {
            sequence: payment.sequence(),
            decided_at: payment.decided_at(),
            decided_time: payment.decided_time(),
            acceptance_time: (acceptance_time != Timestamp::default()).then_some(acceptance_time),
            state: payment.state(),
            reason: payment.reason(),
            repeat: false,
            late: payment.is_late(),
            remark: payment.remark(),
        }
    }
}

/// What is told of a payment's outcome. The acceptance time is that of the attempt that was decided: where Solvo
/// stamped that one, its stamp counts for repeats as well.
pub(crate) fn facts(outcome: &Outcome) -> PaymentFacts {
    let (state, reason) = match outcome.verdict {
        Verdict::Payment { state, reason, .. } => (state, reason),
        Verdict::Done { .. }
        | Verdict::Refused { .. }
        | Verdict::Answer { .. }
        | Verdict::AskAgain
        | Verdict::NotActive { .. }
        | Verdict::LegBooked { .. }
        | Verdict::RequestEnded { .. }
        | Verdict::HoldExpired { .. }
        | Verdict::NotExecuted { .. }
        | Verdict::OrderEnded { .. }
        | Verdict::PackageComplete { .. } => {
            unreachable!("a payment has a payment's verdict")
        }
    };
    PaymentFacts {
        sequence: outcome.repeat_of().unwrap_or(outcome.sequence),
        decided_at: outcome.decided_at,
        decided_time: outcome.decided_time,
        // A payment that was refused on reading may have no acceptance time.
        acceptance_time: (outcome.accepted != Timestamp::default()).then_some(outcome.accepted),
        state,
        reason,
        repeat: outcome.repeat_of().is_some(),
        late: outcome.late,
        remark: outcome.remark,
    }
}

pub(crate) fn payment_outcome(
    handle: &Handle,
    references: PaymentReferences,
    facts: &PaymentFacts,
) -> v1::PaymentOutcome {
    v1::PaymentOutcome {
        payment_id: handle.payment_id(facts.sequence).to_string(),
        status: client::convert::payment_status(facts.state).into(),
        reason_code: facts.reason.map_or_else(String::new, |code| code.as_str().to_owned()),
        transaction_id: references.transaction_id,
        debtor_agent: references.debtor_agent,
        acceptance_time: facts.acceptance_time.map(timestamp),
        decided_time: Some(timestamp(facts.decided_time)),
        sequence: facts.sequence.0,
        decided_sequence: facts.decided_at.0,
        durability: DURABILITY.into(),
        repeat: facts.repeat,
        reason_text: facts.reason.map_or("", |reason| reason_text(reason, facts.remark)).to_owned(),
        late: facts.late,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_keep_the_currencys_decimals() {
        assert_eq!(decimal_sum(-5, Currency::EUR), "-0.05");
        assert_eq!(decimal_sum(123_456, Currency::EUR), "1234.56");
        assert_eq!(decimal_sum(0, Currency::EUR), "0.00");
        assert_eq!(decimal_sum(12, Currency::parse("JPY").unwrap()), "12");
    }
}
