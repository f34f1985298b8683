//! What a caller may ask of the ledger, apart from payments (`types::PaymentOrder`).
//!
//! These are validated values with no stored form of their own; [`crate::RecordWriter`] writes them into records.

use std::fmt;

use types::{
    Amount, Balance, Bic, Channel, Currency, Date, Iban, PaymentOrder, ReasonCode, Sequence, Text, Timestamp,
};

use crate::{AccountKind, AccountStatus};

#[path = "command_liquidity.rs"]
mod liquidity;

pub use liquidity::{OwnAccount, OwnedAccount, TransferOwnFunds};

/// The caller's name for one request, 1 to 64 printable ASCII characters, remembered for five days.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestId(Box<str>);

impl RequestId {
    /// Checks a request id.
    pub fn parse(text: &str) -> Option<Self> {
        let printable = text.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
        (!text.is_empty() && text.len() <= 64 && printable).then(|| Self(text.into()))
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! stored_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $number:literal,)+ }) => {
        $(#[$doc])*
        ///
        /// The numbers are stored and never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// The stored number.
            pub const fn number(self) -> u8 {
                match self {
                    $(Self::$variant => $number,)+
                }
            }

            /// The value with this stored number.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use stored_enum;

stored_enum! {
    /// Where the customers' accounts of a participant live.
    AccountMode {
        /// In Solvo: an unknown account number is refused.
        Hosted = 1,
        /// In the participant's own core, which is asked.
        Remote = 2,
        /// Some here, the others in its own core.
        Mixed = 3,
    }
}

stored_enum! {
    /// Whether a participant takes part.
    ParticipantStatus {
        /// Its payments are decided.
        Active = 1,
        /// Payments from it and to it are refused.
        Suspended = 2,
    }
}

stored_enum! {
    /// Which way a posting moves a customer's balance.
    Direction {
        /// Up.
        Credit = 1,
        /// Down.
        Debit = 2,
    }
}

stored_enum! {
    /// Which way a liquidity transfer moves a position.
    LiquidityDirection {
        /// Into the position.
        Fund = 1,
        /// Out of the position.
        Defund = 2,
    }
}

/// A bank enters, with a book and a position in one currency.
#[derive(Clone, Debug)]
pub struct RegisterParticipant {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The bank.
    pub bic: Bic,
    /// The bank's name.
    pub name: Text<140>,
    /// Where its customers' accounts live.
    pub mode: AccountMode,
    /// The currency of its position.
    pub currency: Currency,
}

/// A bank is suspended or takes part again.
#[derive(Clone, Debug)]
pub struct SetParticipantStatus {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The bank.
    pub bic: Bic,
    /// Its status from now on.
    pub status: ParticipantStatus,
}

/// A customer's account is opened, empty.
#[derive(Clone, Debug)]
pub struct OpenAccount {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The bank that keeps the account.
    pub participant: Bic,
    /// The account's number.
    pub iban: Iban,
    /// The currency in which it is kept.
    pub currency: Currency,
    /// What it permits.
    pub kind: AccountKind,
    /// How far its available funds may fall; at most zero for an account that opens empty.
    pub floor: Balance,
    /// Who holds it, one to four names.
    pub holder_names: Vec<Text<140>>,
    /// A code of a legal person (LEI, VAT number), if the holder is one.
    pub identification: Option<Text<35>>,
}

/// Which account: its number and currency.
#[derive(Clone, Copy, Debug)]
pub struct AccountSelector {
    /// The account's number.
    pub iban: Iban,
    /// The currency in which it is kept.
    pub currency: Currency,
}

/// An account is blocked, freed or closed.
#[derive(Clone, Debug)]
pub struct SetAccountStatus {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// Which account.
    pub account: AccountSelector,
    /// Its status from now on.
    pub status: AccountStatus,
}

/// How far an account's available funds may fall from now on.
#[derive(Clone, Debug)]
pub struct SetAccountFloor {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// Which account.
    pub account: AccountSelector,
    /// Its floor from now on.
    pub floor: Balance,
}

/// The bank's own systems move money on an account, against its book's core account.
#[derive(Clone, Debug)]
pub struct PostEntry {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// Which account.
    pub account: AccountSelector,
    /// Up or down.
    pub direction: Direction,
    /// How much.
    pub amount: Amount,
    /// From when the entry counts for interest.
    pub value_date: Date,
    /// What kind of booking it is, in the core's own terms.
    pub booking_key: Text<35>,
    /// The core's reference.
    pub core_reference: Text<35>,
}

/// Money enters or leaves a position.
#[derive(Clone, Debug)]
pub struct TransferLiquidity {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The bank.
    pub bic: Bic,
    /// In or out.
    pub direction: LiquidityDirection,
    /// How much.
    pub amount: Amount,
    /// The currency of the position.
    pub currency: Currency,
    /// The reference of the booking outside, which may be used once.
    pub external_reference: Text<35>,
}

/// A payment that was refused on reading, before any rule of the ledger: its key, and why.
#[derive(Clone)]
pub struct RefusedPayment {
    /// The payer's bank.
    pub debtor_agent: Bic,
    /// The payee's bank, if it could be read.
    pub creditor_agent: Option<Bic>,
    /// The payer's bank's reference.
    pub transaction_id: Text<35>,
    /// When the payment was accepted, if it could be read.
    pub acceptance_time: Option<Timestamp>,
    /// Why it is refused.
    pub reason: ReasonCode,
    /// Which element broke the rule.
    pub path: Box<str>,
    /// The body, over which duplicates are compared.
    pub body: RefusedBody,
    /// How it came in.
    pub channel: Channel,
    /// Whether the sender may not act for the payer's bank. Then the reason is RC01, whatever was wrong besides, and
    /// the attempt neither uses the key up nor learns what came of an earlier one.
    pub not_entitled: bool,
}

/// The body is personal data: only its length is shown.
impl fmt::Debug for RefusedPayment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { debtor_agent, transaction_id, reason, path, body, .. } = self;
        let name = format_args!("{debtor_agent}/{}", transaction_id.as_str());
        write!(formatter, "RefusedPayment({name}, {reason} at {path}, {body:?})")
    }
}

/// The body of a payment that was refused on reading.
#[derive(Clone)]
pub enum RefusedBody {
    /// A whole order. The same order sent when nothing was against it has the same digest: a payment settled
    /// yesterday and sent again today is a repeat.
    Order(Box<PaymentOrder>),
    /// The same of an order whose document has more than the order.
    OrderWithSurplus(Box<PaymentOrder>, Vec<u8>),
    /// What could be read, in a form that is equal for equal bodies.
    Parts(Vec<u8>),
}

/// The kind only: a body is personal data.
impl std::fmt::Debug for RefusedBody {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Order(_) | Self::OrderWithSurplus(..) => formatter.write_str("an order"),
            Self::Parts(parts) => write!(formatter, "{} bytes", parts.len()),
        }
    }
}

stored_enum! {
    /// Which way a document went.
    Passage {
        /// It came from a bank.
        Received = 1,
        /// It went to a bank.
        Sent = 2,
    }
}

/// Which payment a document is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// None that is known here.
    NoPayment,
    /// The payment at this position, which is before the document's own.
    Payment(Sequence),
    /// The payment that the record before it submits, or answers a question about. They are submitted together, so
    /// the position need not be known.
    RecordBefore,
}

impl About {
    /// The stored number, and the position or 0.
    pub(crate) const fn stored(self) -> (u8, u64) {
        match self {
            Self::NoPayment => (1, 0),
            Self::Payment(sequence) => (2, sequence.0),
            Self::RecordBefore => (3, 0),
        }
    }

    /// What is stored as these.
    pub const fn from_stored(number: u8, payment: u64) -> Option<Self> {
        match (number, payment) {
            (1, 0) => Some(Self::NoPayment),
            (2, 1..) => Some(Self::Payment(Sequence(payment))),
            (3, 0) => Some(Self::RecordBefore),
            _ => None,
        }
    }
}

/// The name of an ISO 20022 message with its version, such as `pacs.008.001.08`: 1 to 16 small letters, digits and
/// dots.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MessageName([u8; 16]);

impl MessageName {
    /// Checks a name.
    pub fn parse(name: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        bytes.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
        Self::from_bytes(bytes)
    }

    /// The name with these stored bytes, padded with zeros.
    pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        let is_part = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'.';
        let (name, padding) = bytes.split_at(length);
        let is_name = length > 0 && name.iter().all(is_part) && padding.iter().all(|byte| *byte == 0);
        is_name.then_some(Self(bytes))
    }

    /// The stored bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a name is ASCII by construction").trim_end_matches('\0')
    }
}

impl fmt::Debug for MessageName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "MessageName({})", self.as_str())
    }
}

/// A document that came in or went out is kept beside the payment. It changes nothing.
#[derive(Clone)]
pub struct Evidence {
    /// The payment.
    pub about: About,
    /// Which way it went.
    pub passage: Passage,
    /// Which message it is.
    pub message_name: MessageName,
    /// The bank at the other end, if it is known.
    pub counterpart: Option<Bic>,
    /// How long the document is.
    pub document_length: u32,
    /// The document in compressed form, which the ledger does not read.
    pub compressed: Vec<u8>,
}

/// The document is personal data: only its length is shown.
impl fmt::Debug for Evidence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { about, passage, message_name, document_length, .. } = self;
        write!(
            formatter,
            "Evidence({passage:?} {}, {about:?}, {document_length} bytes)",
            message_name.as_str()
        )
    }
}
