//! The decisions that banks take about payments: who is asked about what, and what a bank may say.
//!
//! A payment needs up to two decisions, in this order and one at a time: the *debit* by the payer's bank, if that
//! keeps the payer's account here and wants to decide; the *credit* by the payee's bank, if the payee's account lives
//! in its own core, or lives here and the bank wants to decide.

use types::{Amount, Bic, ReasonCode, Sequence};

use crate::command::{AccountSelector, RequestId, stored_enum};

stored_enum! {
    /// Which decision about a payment.
    Stage {
        /// By the payer's bank.
        Debit = 1,
        /// By the payee's bank.
        Credit = 2,
    }
}

stored_enum! {
    /// What it means that a bank says nothing about an account that lives here. A bank that keeps the account in its
    /// own core can't accept by silence.
    Silence {
        /// The payment expires at its deadline.
        Reject = 1,
        /// The payment goes on. So that it can still settle in time, the bank's time ends before the deadline.
        Accept = 2,
    }
}

/// Where the question to a bank stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuestionState {
    /// It was not asked, or not yet.
    NotAsked,
    /// It has been asked and may answer.
    Open,
    /// It accepted.
    Accepted,
    /// It rejected.
    Rejected,
    /// It said nothing in time.
    Silent,
}

/// About which payments a bank is asked. Each includes those of the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecisionScope {
    /// About none.
    Nothing,
    /// Those of flagged accounts.
    Flagged,
    /// And those above this amount, in minor units of the payment's currency.
    Above(Amount),
    /// All.
    All,
}

impl DecisionScope {
    /// The stored number, and the amount as it is stored.
    pub const fn stored(self) -> (u8, i64) {
        match self {
            Self::Nothing => (1, 0),
            Self::Flagged => (2, 0),
            Self::Above(amount) => (3, amount.minor_units()),
            Self::All => (4, 0),
        }
    }

    /// The scope that is stored like this, if any is.
    pub fn from_stored(number: u8, above: i64) -> Option<Self> {
        let scope = match number {
            1 => Self::Nothing,
            2 => Self::Flagged,
            3 => Self::Above(Amount::from_minor_units(above)?),
            4 => Self::All,
            _ => return None,
        };
        (scope.stored() == (number, above)).then_some(scope)
    }

    /// Whether the bank is asked about a payment of this amount on such an account.
    pub(crate) const fn covers(self, amount: i64, is_flagged: bool) -> bool {
        match self {
            Self::Nothing => false,
            Self::Flagged => is_flagged,
            Self::Above(limit) => is_flagged || amount > limit.minor_units(),
            Self::All => true,
        }
    }
}

/// A bank's wish about the debits, or the credits, of its accounts here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StagePolicy {
    /// What it is asked about.
    pub scope: DecisionScope,
    /// What its silence means.
    pub silence: Silence,
}

/// About which payments of its accounts here a bank wants to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecisionPolicy {
    /// Payments that leave its accounts.
    pub debits: StagePolicy,
    /// Payments that reach its accounts.
    pub credits: StagePolicy,
}

impl DecisionPolicy {
    /// The policy of a bank that set none: Solvo decides alone.
    pub const NONE: Self = {
        let nothing = StagePolicy { scope: DecisionScope::Nothing, silence: Silence::Reject };
        Self { debits: nothing, credits: nothing }
    };

    /// The part about one stage.
    pub const fn stage(&self, stage: Stage) -> StagePolicy {
        match stage {
            Stage::Debit => self.debits,
            Stage::Credit => self.credits,
        }
    }
}

/// A bank says about which payments of its accounts here it wants to decide.
#[derive(Clone, Debug)]
pub struct SetDecisionPolicy {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The bank.
    pub bic: Bic,
    /// Its wish from now on. Payments that are open keep what held when they were reserved.
    pub policy: DecisionPolicy,
}

/// An account is flagged, or not any more, for [`DecisionScope::Flagged`].
#[derive(Clone, Debug)]
pub struct SetAccountFlag {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// Which account.
    pub account: AccountSelector,
    /// Whether it is flagged from now on.
    pub is_flagged: bool,
}

/// How many questions a bank may have unanswered from now on.
#[derive(Clone, Debug)]
pub struct SetReservationLimit {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The bank.
    pub bic: Bic,
    /// Above this many, payments that it would be asked about are rejected.
    pub unanswered_max: u32,
}

/// What a bank says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The payment may go on.
    Accept,
    /// It may not, for this reason, which is passed on unchanged.
    Reject(ReasonCode),
}

/// A bank's answer. The same answer given again is told the same, so it needs no request id.
#[derive(Clone, Copy, Debug)]
pub struct AnswerPayment {
    /// The payment's position.
    pub payment: Sequence,
    /// The bank that answers.
    pub bic: Bic,
    /// Which question it answers: one bank may be asked two about one payment.
    pub stage: Stage,
    /// What it says.
    pub answer: Answer,
}

/// Which banks of a payment were connected when its frame was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Connected {
    /// The payer's.
    pub debtor: bool,
    /// The payee's.
    pub creditor: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_come_back_as_they_were_stored() {
        let above = Amount::from_minor_units(1000).unwrap();
        let scopes =
            [DecisionScope::Nothing, DecisionScope::Flagged, DecisionScope::Above(above), DecisionScope::All];
        for (scope, number) in scopes.into_iter().zip(1..) {
            let (stored, amount) = scope.stored();
            assert_eq!(stored, number);
            assert_eq!(DecisionScope::from_stored(stored, amount), Some(scope));
        }
        assert_eq!(DecisionScope::from_stored(4, 1), None, "an amount without meaning");
        assert_eq!(DecisionScope::from_stored(3, 0), None, "no amount");
        assert_eq!(DecisionScope::from_stored(0, 0), None);
    }

    #[test]
    fn each_scope_includes_the_one_before() {
        let above = DecisionScope::Above(Amount::from_minor_units(1000).unwrap());
        for (amount, is_flagged, expected) in [
            (1000, false, [false, false, false, true]),
            (1001, false, [false, false, true, true]),
            (1, true, [false, true, true, true]),
        ] {
            let scopes = [DecisionScope::Nothing, DecisionScope::Flagged, above, DecisionScope::All];
            assert_eq!(scopes.map(|scope| scope.covers(amount, is_flagged)), expected);
        }
    }
}
