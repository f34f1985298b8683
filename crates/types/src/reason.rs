//! Why a payment was refused: ISO 20022 status reason codes.
//!
//! Two kinds: [`StatusReason`] is closed and holds what Solvo itself may say; [`ReasonCode`] is any code a
//! bank may send, stored and passed on unchanged.

use std::fmt;

/// A status reason code as it travels: four capital letters or digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReasonCode([u8; 4]);

/// A text that is not a reason code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reason code is four capital letters or digits")]
pub struct ReasonCodeError;

impl ReasonCode {
    /// Reads a code that a bank sent.
    pub fn parse(text: &str) -> Result<Self, ReasonCodeError> {
        let code: [u8; 4] = text.as_bytes().try_into().map_err(|_| ReasonCodeError)?;
        Self::from_bytes(code).ok_or(ReasonCodeError)
    }

    /// The code held by stored bytes, or `None` if they are not one.
    pub fn from_bytes(code: [u8; 4]) -> Option<Self> {
        let valid = code.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        valid.then_some(Self(code))
    }

    /// The four bytes, as stored.
    pub const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }

    /// The four characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a reason code is ASCII by construction")
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for ReasonCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ReasonCode({self})")
    }
}

/// A reason that Solvo itself gives, in the order in which the rules are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StatusReason {
    /// The sender may not act for the payer's bank.
    SenderNotEntitled,
    /// The payer's bank is not registered.
    DebtorBankNotRegistered,
    /// The transaction id was used before with another body.
    Duplication,
    /// The message breaks a rule that needs no ledger to check (scheme, dates, fixed values).
    InvalidFileFormat,
    /// The payee's bank is not registered.
    CreditorBankNotRegistered,
    /// The payer's bank is suspended.
    AgentSuspended,
    /// The payee's bank is suspended.
    CreditorAgentSuspended,
    /// The payment came when its time was already over, or no answer came in time.
    TimeoutCreditorAgent,
    /// The acceptance time is in the future.
    InvalidDate,
    /// The payee's account does not exist.
    IncorrectAccountNumber,
    /// The payer's account does not exist.
    InvalidDebtorAccountNumber,
    /// An account is closed.
    ClosedAccountNumber,
    /// An account is blocked.
    BlockedAccount,
    /// An account is restricted for a regulatory reason, about which no more is said.
    RegulatoryReason,
    /// The account's type permits no such payment, or payer and payee are the same account.
    TransactionForbidden,
    /// The account is kept in another currency.
    NotAllowedCurrency,
    /// The amount is above a limit that the payer has set.
    CustomerLimit,
    /// A position that the payment would settle on, or a limit that it would use, is blocked.
    SettlementFailed,
    /// The payer's funds do not suffice.
    InsufficientFunds,
    /// The position of the payer's bank, or what is left of its limit, does not suffice.
    AmountExceedsSettlementLimit,
    /// An account can't hold the amount.
    NotAllowedAmount,
    /// The payee's bank has no connection.
    CreditorAgentOffline,
    /// The payer's bank wants to decide and has no connection.
    AgentOffline,
    /// A bank that is to be asked has as many payments to answer as it may have.
    InstructedAgentError,
    /// The payer's bank wanted to decide and did not in time.
    TimeoutDebtorAgent,
    /// An answer or enquiry names a payment that was never received.
    PaymentNotReceived,
    /// The node could not decide the payment, and its operator voided it. Banks use the code for any trouble of their own.
    NotSpecified,
}

impl StatusReason {
    /// Every reason, in order of precedence.
    pub const ALL: [Self; 27] = [
        Self::SenderNotEntitled,
        Self::DebtorBankNotRegistered,
        Self::Duplication,
        Self::InvalidFileFormat,
        Self::CreditorBankNotRegistered,
        Self::AgentSuspended,
        Self::CreditorAgentSuspended,
        Self::TimeoutCreditorAgent,
        Self::InvalidDate,
        Self::IncorrectAccountNumber,
        Self::InvalidDebtorAccountNumber,
        Self::ClosedAccountNumber,
        Self::BlockedAccount,
        Self::RegulatoryReason,
        Self::TransactionForbidden,
        Self::NotAllowedCurrency,
        Self::CustomerLimit,
        Self::SettlementFailed,
        Self::InsufficientFunds,
        Self::AmountExceedsSettlementLimit,
        Self::NotAllowedAmount,
        Self::CreditorAgentOffline,
        Self::AgentOffline,
        Self::InstructedAgentError,
        Self::TimeoutDebtorAgent,
        Self::PaymentNotReceived,
        Self::NotSpecified,
    ];

    /// The ISO 20022 code.
    pub const fn code(self) -> ReasonCode {
        ReasonCode(*match self {
            Self::SenderNotEntitled => b"RC01",
            Self::DebtorBankNotRegistered => b"DNOR",
            Self::Duplication => b"AM05",
            Self::InvalidFileFormat => b"FF01",
            Self::CreditorBankNotRegistered => b"CNOR",
            Self::AgentSuspended => b"AG10",
            Self::CreditorAgentSuspended => b"AG11",
            Self::TimeoutCreditorAgent => b"AB05",
            Self::InvalidDate => b"DT01",
            Self::IncorrectAccountNumber => b"AC01",
            Self::InvalidDebtorAccountNumber => b"AC02",
            Self::ClosedAccountNumber => b"AC04",
            Self::BlockedAccount => b"AC06",
            Self::RegulatoryReason => b"RR04",
            Self::TransactionForbidden => b"AG01",
            Self::NotAllowedCurrency => b"AM03",
            Self::CustomerLimit => b"AM14",
            Self::NotAllowedAmount => b"AM02",
            Self::SettlementFailed => b"ED05",
            Self::InsufficientFunds => b"AM04",
            Self::AmountExceedsSettlementLimit => b"AM23",
            Self::CreditorAgentOffline => b"AB08",
            Self::AgentOffline => b"AB07",
            Self::InstructedAgentError => b"AB10",
            Self::TimeoutDebtorAgent => b"AB11",
            Self::PaymentNotReceived => b"AG09",
            Self::NotSpecified => b"MS03",
        })
    }

    /// The reason with this code, if Solvo gives it.
    pub fn from_code(code: ReasonCode) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// One sentence for a person.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::SenderNotEntitled => "the sender may not act for the payer's bank",
            Self::DebtorBankNotRegistered => "the payer's bank is not registered here",
            Self::Duplication => "the payer's bank used this transaction id before, with another body",
            Self::InvalidFileFormat => "the message breaks a rule of the scheme",
            Self::CreditorBankNotRegistered => "the payee's bank is not registered here",
            Self::AgentSuspended => "the payer's bank is suspended",
            Self::CreditorAgentSuspended => "the payee's bank is suspended",
            Self::TimeoutCreditorAgent => "the payment's time was over before it could be settled",
            Self::InvalidDate => "the acceptance time lies in the future",
            Self::IncorrectAccountNumber => "the payee's account does not exist",
            Self::InvalidDebtorAccountNumber => "the payer's account does not exist",
            Self::ClosedAccountNumber => "an account is closed",
            Self::BlockedAccount => "an account is blocked",
            Self::RegulatoryReason => "the payment is refused for a regulatory reason",
            Self::TransactionForbidden => "an account does not permit such a payment",
            Self::NotAllowedCurrency => "an account is kept in another currency",
            Self::CustomerLimit => "the amount is above a limit that the payer has set",
            Self::NotAllowedAmount => "the amount is more than an account can hold",
            Self::SettlementFailed => "a position or limit that the payment would use is blocked",
            Self::InsufficientFunds => "the payer's funds do not suffice",
            Self::AmountExceedsSettlementLimit => {
                "the position of the payer's bank, or what is left of its limit, does not suffice"
            }
            Self::CreditorAgentOffline => "the payee's bank is not connected",
            Self::AgentOffline => "the payer's bank wants to decide and is not connected",
            Self::InstructedAgentError => "a bank that has to be asked has too many payments unanswered",
            Self::TimeoutDebtorAgent => "the payer's bank wanted to decide and did not in time",
            Self::PaymentNotReceived => "no payment with this reference was received",
            Self::NotSpecified => "the payment failed, and the code says no more",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_in_order_of_precedence() {
        assert!(StatusReason::ALL.is_sorted());
        for reason in StatusReason::ALL {
            assert_eq!(StatusReason::from_code(reason.code()), Some(reason));
        }
    }

    #[test]
    fn codes_of_banks_are_four_capitals_or_digits() {
        assert_eq!(ReasonCode::parse("MS03").unwrap().as_str(), "MS03");
        for text in ["", "MS3", "ms03", "MS031", "M 03", "MSé3"] {
            assert_eq!(ReasonCode::parse(text), Err(ReasonCodeError), "{text}");
        }
    }
}
