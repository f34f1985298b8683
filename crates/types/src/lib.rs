//! The vocabulary of Solvo: money, accounts, banks, identifiers, reasons and times.
//!
//! Values here are validated when they are made and can't be wrong afterwards; rules about them live in
//! `ledger`. Nothing in this crate knows a wire format, a disk, a thread or a clock.
//!
//! Invariants:
//! - A value of a validated type ([`Iban`], [`Bic`], [`Amount`], [`Text`]) always satisfies its rule.
//! - Personal data ([`Iban`], names, addresses, remittance) prints masked under `{:?}`.
//! - Numbers that are stored ([`StatusReason`], [`PaymentState`], record kinds) are never reused.

#![deny(clippy::as_conversions, clippy::float_arithmetic)]

mod bic;
mod closing_days;
mod currency;
mod digest;
pub mod fields;
mod iban;
mod iban_registry;
mod identifiers;
mod lives;
mod money;
mod order;
mod order_text;
mod plain_order;
mod reason;
mod reason_table;
mod recall;
mod text;
mod time;

pub use bic::{Bic, BicError};
pub use closing_days::ClosingDays;
pub use currency::{Currency, CurrencyError};
pub use digest::{Digest, DigestKey};
pub use iban::{Iban, IbanError};
pub use identifiers::{
    AccountNumber, BatchNumber, ClusterId, Epoch, Incarnation, ParticipantNumber, PaymentId, PaymentIdError,
    PrincipalNumber, Sequence, Shard,
};
pub use lives::{Life, Lives, Located};
pub use money::{Amount, AmountError, Balance};
pub use order::{
    Address, CategoryPurpose, Channel, MandatoryParts, OrganisationIdentification, OtherIdentification,
    Party, PaymentOrder, PersonIdentification, PersonOrigin, Proxy, Remittance, SchemeName, SettlementMethod,
};
pub use order_text::{FixedParts, OrderText};
pub use plain_order::{PlainOrder, PlainParts};
pub use reason::{ReasonCode, ReasonCodeError, StatusReason};
pub use reason_table::{ReasonChannel, SCHEME_REASONS, SchemeReason};
pub use recall::{RecallKind, RecallReason, RecallRefusal};
pub use text::{Text, TextError, TextRef};
pub use time::{Date, DateError, Duration, Timestamp};

/// Where a payment stands. Only `Settled`, `Rejected` and `Expired` are final.
///
/// The numbers are stored and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PaymentState {
    /// Money is set aside and the payee's bank has been asked.
    Reserved,
    /// Irrevocably booked on both sides.
    Settled,
    /// Refused for a reason; nothing was booked, or what was set aside has been given back.
    Rejected,
    /// No answer came before the deadline; what was set aside has been given back.
    Expired,
    /// An external settlement mechanism decides, and its answer is not known yet.
    Unresolved,
}

impl PaymentState {
    /// The state with this stored number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Reserved),
            2 => Some(Self::Settled),
            3 => Some(Self::Rejected),
            4 => Some(Self::Expired),
            5 => Some(Self::Unresolved),
            _ => None,
        }
    }

    /// The stored number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Reserved => 1,
            Self::Settled => 2,
            Self::Rejected => 3,
            Self::Expired => 4,
            Self::Unresolved => 5,
        }
    }

    /// Whether no later command can change it.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Settled | Self::Rejected | Self::Expired => true,
            Self::Reserved | Self::Unresolved => false,
        }
    }
}
