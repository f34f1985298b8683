//! Why a settled payment is asked back, and why nothing goes back: the scheme's codes, by name.

use crate::ReasonCode;

/// Why a payment is asked back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecallReason {
    /// `DUPL`: the payment was sent twice.
    Duplicate,
    /// `TECH`: a technical fault led to it.
    TechnicalProblem,
    /// `FRAD`: it was originated by fraud.
    Fraud,
    /// `AC03`: the payer gave a wrong account.
    WrongAccount,
    /// `AM09`: the payer gave a wrong amount.
    WrongAmount,
    /// `CUST`: the payer gives no reason.
    Customer,
}

/// Who asks: by the reason, not by the name that stands in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecallKind {
    /// A recall by the payer's bank.
    Bank,
    /// A request by the payer (RFRO); it takes the payee's consent.
    Originator,
}

impl RecallReason {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::Duplicate,
        Self::TechnicalProblem,
        Self::Fraud,
        Self::WrongAccount,
        Self::WrongAmount,
        Self::Customer,
    ];

    /// The ISO 20022 code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Duplicate => "DUPL",
            Self::TechnicalProblem => "TECH",
            Self::Fraud => "FRAD",
            Self::WrongAccount => "AC03",
            Self::WrongAmount => "AM09",
            Self::Customer => "CUST",
        }
    }

    /// The ISO 20022 code, as it is stored.
    pub fn code(self) -> ReasonCode {
        ReasonCode::parse(self.as_str()).expect("four capital letters or digits")
    }

    /// The reason with this code.
    pub fn from_code(code: impl AsRef<[u8]>) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str().as_bytes() == code.as_ref())
    }

    /// Whether the payer asks, through its bank, so that the payee has to agree.
    pub const fn needs_consent(self) -> bool {
        matches!(self.kind(), RecallKind::Originator)
    }

    /// Who asks for this reason.
    pub const fn kind(self) -> RecallKind {
        match self {
            Self::Duplicate | Self::TechnicalProblem | Self::Fraud => RecallKind::Bank,
            Self::WrongAccount | Self::WrongAmount | Self::Customer => RecallKind::Originator,
        }
    }
}

/// Why nothing goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecallRefusal {
    /// `AC04`: the payee's account is closed.
    AccountClosed,
    /// `AM04`: the payee's funds do not suffice.
    InsufficientFunds,
    /// `ARDT`: the payment has been returned already.
    AlreadyReturned,
    /// `CUST`: the payee does not agree.
    Customer,
    /// `LEGL`: for reasons of law.
    Legal,
    /// `NOAS`: the payee did not answer.
    NoAnswer,
    /// `NOOR`: the payment was never received.
    NoOriginal,
}

impl RecallRefusal {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::AccountClosed,
        Self::InsufficientFunds,
        Self::AlreadyReturned,
        Self::Customer,
        Self::Legal,
        Self::NoAnswer,
        Self::NoOriginal,
    ];

    /// The ISO 20022 code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccountClosed => "AC04",
            Self::InsufficientFunds => "AM04",
            Self::AlreadyReturned => "ARDT",
            Self::Customer => "CUST",
            Self::Legal => "LEGL",
            Self::NoAnswer => "NOAS",
            Self::NoOriginal => "NOOR",
        }
    }

    /// The ISO 20022 code, as it is stored.
    pub fn code(self) -> ReasonCode {
        ReasonCode::parse(self.as_str()).expect("four capital letters or digits")
    }

    /// The reason with this code.
    pub fn from_code(code: impl AsRef<[u8]>) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str().as_bytes() == code.as_ref())
    }
}
