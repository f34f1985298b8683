//! The stored form of commands: fixed little-endian structures without padding.
//!
//! A record in a frame is a [`Header`], the structure of its kind, and `text_length` bytes in the frame's
//! personal section; the texts of a frame's records stand there in the records' order. Reserved bytes are
//! zero and checked. A structure never changes: a new need gets a new version or a new kind.

use zerocopy::little_endian::{I32, I64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

macro_rules! stored {
    ($(#[$doc:meta])* $name:ident[$size:literal] { $($(#[$field_doc:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
        #[repr(C)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)+
        }

        const _: () = assert!(size_of::<$name>() == $size);
        const _: () = assert!($size % 8 == 0);
    };
}
pub(crate) use stored;

/// A key's bytes. `{:?}` does not show them.
#[derive(Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(transparent)]
pub struct Secret(pub [u8; 16]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

stored! {
    /// What every record starts with.
    Header[16] {
        /// Which command ([`crate::Kind`]).
        kind: U16,
        /// Which version of that command's structure.
        version: U16,
        /// Bytes of header and structure together.
        length: U32,
        /// Who sent it.
        principal: U32,
        /// Bytes of text in the personal section.
        text_length: U32,
    }
}

stored! {
    /// The log's first record: who this log is, and the key of its digests.
    Genesis[56] {
        /// The cluster.
        cluster: [u8; 16],
        /// The life of the log.
        incarnation: U64,
        /// Under which number `digest_key` stands, wrapped, in the key file beside the log; 0 means it is here, in clear.
        digest_key_id: U32,
        /// The scheme of digests.
        digest_version: u8,
        /// 1 in version 2: the log is of a node beside another system that decides ([`crate::Setup::is_parallel`]).
        is_parallel: u8,
        /// Zero.
        reserved: [u8; 2],
        /// The key of the log's digests; zero if it stands elsewhere.
        digest_key: Secret,
        /// Zero.
        reserved_end: [u8; 8],
    }
}

/// The version of a [`Genesis`] that says that the log is of a node beside another system. The bytes are laid out as in
/// version 1; a program that knows only that one would let such a log decide and must not read it.
pub const GENESIS_VERSION_PARALLEL: u16 = 2;

stored! {
    /// A scheme profile is set.
    SetProfile[80] {
        /// The profile's number.
        number: U16,
        /// ISO 4217 number.
        currency: U16,
        /// Zero.
        reserved: [u8; 4],
        /// Nanoseconds from acceptance to the target.
        target: I64,
        /// Nanoseconds from acceptance to expiry.
        expiry: I64,
        /// Nanoseconds from acceptance to the last confirmation.
        confirmation: I64,
        /// Nanoseconds from acceptance to the legal limit.
        legal_limit: I64,
        /// How far ahead, in nanoseconds, an acceptance time may lie.
        future_tolerance: I64,
        /// How long, in nanoseconds, a bank may be without connection.
        offline_grace: I64,
        /// Told when a payment is late on arrival.
        late_on_arrival: [u8; 4],
        /// Told to the payer's bank at a time-out.
        timeout_to_originator: [u8; 4],
        /// Told to the payee's bank at a time-out.
        timeout_to_beneficiary: [u8; 4],
        /// Told when the payee's bank is offline.
        no_connection: [u8; 4],
        /// Zero.
        reserved_end: [u8; 8],
    }
}

stored! {
    /// The request id and body of a command that is not a payment, as digests.
    Request[32] {
        /// Digest of principal and request id.
        id_digest: [u8; 16],
        /// Digest of the business fields.
        body_digest: [u8; 16],
    }
}

stored! {
    /// [`crate::RegisterParticipant`]; in version 1 the text is the name.
    RegisterParticipant[48] {
        /// Id and body.
        request: Request,
        /// The bank.
        bic: [u8; 11],
        /// [`crate::AccountMode`].
        mode: u8,
        /// ISO 4217 number.
        currency: U16,
        /// Zero.
        reserved: [u8; 2],
    }
}

/// The version of [`NamedParticipant`].
pub const PARTICIPANT_VERSION_NAMED: u16 = 2;

stored! {
    /// Version 2 of a participant's entry: its name stands here and not among the texts, because a bank's name is no
    /// personal data and must outlast those of the day on which it entered.
    NamedParticipant[616] {
        /// As in version 1.
        participant: RegisterParticipant,
        /// How many bytes of `name` count, at least 1.
        name_length: U16,
        /// Zero.
        reserved: [u8; 6],
        /// The name, UTF-8, zeros behind.
        name: [u8; 560],
    }
}

stored! {
    /// [`crate::SetParticipantStatus`].
    SetParticipantStatus[48] {
        /// Id and body.
        request: Request,
        /// The bank.
        bic: [u8; 11],
        /// [`crate::ParticipantStatus`].
        status: u8,
        /// Zero.
        reserved: [u8; 4],
    }
}

stored! {
    /// [`crate::OpenAccount`]; the text is a [`crate::AccountText`].
    OpenAccount[72] {
        /// Id and body.
        request: Request,
        /// Digest of the account's number.
        iban_digest: [u8; 16],
        /// The bank that keeps it.
        bic: [u8; 11],
        /// [`crate::AccountKind`].
        kind: u8,
        /// ISO 4217 number.
        currency: U16,
        /// Zero.
        reserved: [u8; 2],
        /// Minor units.
        floor: I64,
    }
}

stored! {
    /// [`crate::SetAccountStatus`].
    SetAccountStatus[56] {
        /// Id and body.
        request: Request,
        /// Digest of the account's number.
        iban_digest: [u8; 16],
        /// ISO 4217 number.
        currency: U16,
        /// [`crate::AccountStatus`].
        status: u8,
        /// Zero.
        reserved: [u8; 5],
    }
}

stored! {
    /// [`crate::SetAccountFloor`].
    SetAccountFloor[64] {
        /// Id and body.
        request: Request,
        /// Digest of the account's number.
        iban_digest: [u8; 16],
        /// Minor units.
        floor: I64,
        /// ISO 4217 number.
        currency: U16,
        /// Zero.
        reserved: [u8; 6],
    }
}

stored! {
    /// [`crate::PostEntry`]; the text is a [`crate::EntryText`].
    PostEntry[64] {
        /// Id and body.
        request: Request,
        /// Digest of the account's number.
        iban_digest: [u8; 16],
        /// Minor units.
        amount: I64,
        /// Days since 1970.
        value_date: I32,
        /// ISO 4217 number.
        currency: U16,
        /// [`crate::Direction`].
        direction: u8,
        /// Zero.
        reserved: u8,
    }
}

stored! {
    /// [`crate::TransferLiquidity`]; the text is the external reference.
    TransferLiquidity[72] {
        /// Id and body.
        request: Request,
        /// Digest of bank and external reference.
        reference_digest: [u8; 16],
        /// Minor units.
        amount: I64,
        /// The bank.
        bic: [u8; 11],
        /// [`crate::LiquidityDirection`].
        direction: u8,
        /// ISO 4217 number.
        currency: U16,
        /// Zero.
        reserved: [u8; 2],
    }
}

stored! {
    /// A payment's key: the payer's bank and its transaction id.
    PaymentKey[48] {
        /// The payer's bank.
        debtor_agent: [u8; 11],
        /// How many bytes of `transaction_id` count.
        transaction_id_length: u8,
        /// The transaction id, padded with zeros.
        transaction_id: [u8; 35],
        /// Zero.
        reserved: u8,
    }
}

stored! {
    /// A payment order; the text is a `types::OrderText`.
    Payment[176] {
        /// Whose, and which.
        key: PaymentKey,
        /// The payee's bank.
        creditor_agent: [u8; 11],
        /// `types::Channel`.
        channel: u8,
        /// ISO 4217 number.
        currency: U16,
        /// [`PAYMENT_STAMPED`], and from version 2 on [`PAYMENT_CONNECTED`] and [`PAYMENT_DEBTOR_CONNECTED`].
        flags: U16,
        /// Digest of the body.
        body_digest: [u8; 16],
        /// Digest of the payer's account number.
        debtor_account_digest: [u8; 16],
        /// Digest of the payee's account number.
        creditor_account_digest: [u8; 16],
        /// Minor units.
        amount: I64,
        /// When the clock started, in nanoseconds since 1970.
        acceptance_time: I64,
        /// The payer's account as the edge saw it, 0 if it saw none.
        debtor_account_hint: U32,
        /// The payee's account as the edge saw it, 0 if it saw none.
        creditor_account_hint: U32,
        /// Up to which position older evidence of duplicates, on disk, was searched.
        evidence_upto: U64,
        /// The position of the duplicate found there, 0 if none.
        evidence_found: U64,
        /// The scheme profile.
        profile: U16,
        /// The scheme of digests.
        digest_version: u8,
        /// The position of the order that it executes, or 0. In version [`PAYMENT_VERSION_ORDER`] only.
        order: U64,
        /// The number of the table that says which accounts take part, as the edge saw it. Zero before version 4.
        activation: U32,
        /// Which accounts take no part by that table: [`PAYMENT_DEBTOR_INACTIVE`], [`PAYMENT_CREDITOR_INACTIVE`].
        inactive: u8,
        /// Zero.
        reserved: [u8; 8],
    }
}

stored! {
    /// A payment that was refused on reading; the text is the path of the element at fault.
    RefusedPayment[112] {
        /// Whose, and which.
        key: PaymentKey,
        /// The payee's bank, or zeros.
        creditor_agent: [u8; 11],
        /// `types::Channel`.
        channel: u8,
        /// The scheme of digests.
        digest_version: u8,
        /// Zero, and in version 2 [`REFUSED_NOT_ENTITLED`].
        flags: u8,
        /// Zero.
        reserved: [u8; 2],
        /// Digest of the body.
        body_digest: [u8; 16],
        /// When the payment was accepted, or 0.
        acceptance_time: I64,
        /// As in [`Payment`].
        evidence_upto: U64,
        /// As in [`Payment`].
        evidence_found: U64,
        /// Why it is refused.
        reason: [u8; 4],
        /// Zero.
        reserved_end: [u8; 4],
    }
}

stored! {
    /// [`crate::Evidence`]: a document that came in or went out. The text is the document, compressed.
    Evidence[48] {
        /// The payment's position, or 0.
        payment: U64,
        /// [`crate::About`]: 1 no payment that is known, 2 `payment`, 3 the payment of the record before.
        about: u8,
        /// [`crate::Passage`].
        passage: u8,
        /// The message's name, padded with zeros.
        message_name: [u8; 16],
        /// The bank that sent it or is sent it, or zeros.
        counterpart: [u8; 11],
        /// Zero.
        reserved: [u8; 3],
        /// Bytes of the document, before they were compressed.
        document_length: U32,
        /// Zero.
        reserved_end: [u8; 4],
    }
}

stored! {
    /// The log goes on in a new life, after a restore from a backup. No text.
    BeginIncarnation[48] {
        /// The cluster.
        cluster: [u8; 16],
        /// The life that begins.
        incarnation: U64,
        /// The life before it.
        previous: U64,
        /// The last position that the restore kept.
        restored_upto: U64,
        /// Zero.
        reserved: [u8; 8],
    }
}

stored! {
    /// [`crate::SetVersion`]: from the next frame on the log is decided by this version of the rules. No text.
    SetVersion[40] {
        /// Id and body.
        request: Request,
        /// One more than the version in force.
        version: U32,
        /// Zero.
        reserved: [u8; 4],
    }
}

/// The settlement's confirmation left after the last moment that the scheme allows. Told by a clock and not by the
/// rules, so a replay takes it over instead of comparing it.
pub const OUTCOME_LATE: u8 = 1;
/// The payment was refused for being above what its payer allows for one payment.
pub const OUTCOME_LIMIT_PER_PAYMENT: u8 = 2;
/// The payment was refused for being, with others, above what its payer allows for a day.
pub const OUTCOME_LIMIT_PER_DAY: u8 = 4;

/// Solvo stamped the acceptance time; the caller gave none.
pub const PAYMENT_STAMPED: u16 = 1;
/// The payee's bank was connected when the frame was sealed. Version 2: no payment before was ever reserved.
pub const PAYMENT_CONNECTED: u16 = 2;
/// The payer's bank was connected when the frame was sealed. Version 2.
pub const PAYMENT_DEBTOR_CONNECTED: u16 = 4;
/// The version of a [`Payment`] whose connections were looked up when its frame was sealed. The bytes are laid out as
/// in version 1; a program that knows only that one would decide otherwise and must not read it.
pub const PAYMENT_VERSION_CONNECTED: u16 = 2;

/// The payer's account takes no part. Version 4.
pub const PAYMENT_DEBTOR_INACTIVE: u8 = 1;
/// The payee's account takes no part. Version 4.
pub const PAYMENT_CREDITOR_INACTIVE: u8 = 2;

/// The sender may not act for the payer's bank.
pub const REFUSED_NOT_ENTITLED: u8 = 1;
/// The version of a [`RefusedPayment`] that has [`REFUSED_NOT_ENTITLED`]. The bytes are laid out as in version 1; a
/// program that knows only that one would use the key up and must not read it.
pub const REFUSED_VERSION_NOT_ENTITLED: u16 = 2;

stored! {
    /// [`crate::Void`]: the operator had an earlier command passed over by every replay. No text.
    Void[56] {
        /// The command's position.
        sequence: U64,
        /// The frame that holds it.
        batch: U64,
        /// The kind of the command.
        kind: U16,
        /// Zero.
        reserved: [u8; 6],
        /// The hash of the frame that holds it.
        frame_hash: [u8; 32],
    }
}

stored! {
    /// [`crate::AnswerPayment`]: what a bank says to a question. No text.
    Answer[48] {
        /// The payment's position.
        payment: U64,
        /// The bank that answers.
        bic: [u8; 11],
        /// [`crate::Stage`].
        stage: u8,
        /// The reason of a rejection, or zeros: accepted.
        code: [u8; 4],
        /// Up to which position evidence on disk was searched for the payment. Zero in version 1.
        evidence_upto: U64,
        /// Zero.
        reserved: [u8; 16],
    }
}

stored! {
    /// [`crate::SetDecisionPolicy`]. No text.
    SetDecisionPolicy[64] {
        /// Id and body.
        request: Request,
        /// The bank.
        bic: [u8; 11],
        /// [`crate::DecisionScope`] of debits: 1 nothing, 2 flagged, 3 above, 4 all.
        debit_scope: u8,
        /// [`crate::Silence`] about debits.
        debit_silence: u8,
        /// The same of credits.
        credit_scope: u8,
        /// The same about credits.
        credit_silence: u8,
        /// Zero.
        reserved: u8,
        /// Minor units where the scope of debits is 3, else 0.
        debit_above: I64,
        /// Minor units where the scope of credits is 3, else 0.
        credit_above: I64,
    }
}

stored! {
    /// [`crate::SetAccountFlag`]. No text.
    SetAccountFlag[56] {
        /// Id and body.
        request: Request,
        /// Digest of the account's number.
        iban_digest: [u8; 16],
        /// ISO 4217 number.
        currency: U16,
        /// 1 if it is flagged, 0 if not.
        is_flagged: u8,
        /// Zero.
        reserved: [u8; 5],
    }
}

stored! {
    /// [`crate::SetReservationLimit`]. No text.
    SetReservationLimit[48] {
        /// Id and body.
        request: Request,
        /// The bank.
        bic: [u8; 11],
        /// Zero.
        reserved: u8,
        /// How many questions it may have unanswered.
        unanswered_max: U32,
    }
}

stored! {
    /// What was told about one command, written into a later frame.
    OutcomeEntry[64] {
        /// Which command.
        sequence: U64,
        /// The position that decided: the command itself, or the tick of a later frame.
        decided_at: U64,
        /// The kind of the command.
        kind: U16,
        /// [`crate::OutcomeEntry`] says which numbers.
        status: u8,
        /// [`OUTCOME_LATE`], [`OUTCOME_LIMIT_PER_PAYMENT`] or [`OUTCOME_LIMIT_PER_DAY`], and the bounds that were crossed
        /// ([`crate::Alerts`]): 8 the debited position fell below its floor, 16 the credited one rose above its ceiling,
        /// 32 and 64 the same of the limits of reachable parties.
        flags: u8,
        /// The reason code of a rejected payment, or the number of a refusal; of a payment that is settled its fee, in minor
        /// units.
        code: [u8; 4],
        /// The position of the command whose answer is repeated, the account or participant that was made, or the
        /// payment that was answered.
        subject: U64,
        /// Minor units on the payer's (or only) account afterwards.
        debtor_balance: I64,
        /// Minor units on the payee's account afterwards.
        creditor_balance: I64,
        /// Minor units in the position of the payer's (or only) bank afterwards.
        debtor_position: I64,
        /// Minor units in the position of the payee's bank afterwards.
        creditor_position: I64,
    }
}

const _: () = assert!(size_of::<Header>() + size_of::<Payment>() + size_of::<OutcomeEntry>() == 256);

#[path = "layout_activation.rs"]
mod activation;
pub use activation::SetActivation;
#[path = "layout_calendar.rs"]
mod calendar;
#[path = "layout_customer.rs"]
mod customer;
#[path = "layout_exceptions.rs"]
mod exceptions;
pub use exceptions::{AssignException, RaiseException, ResolveException};
#[path = "layout_holders.rs"]
mod holders;
pub use holders::SetAccountHolders;
#[path = "layout_holds.rs"]
mod holds;
pub use holds::{CaptureHold, HOLD_LEGS_MAX, HoldLeg, PlaceHold, ReleaseHold};
#[path = "layout_orders.rs"]
mod orders;
pub use orders::{
    CancelOrders, ChangeOrder, ClosePackage, OpenPackage, OrderTerms, PAYMENT_VERSION_ORDER, PackageLine,
    PlaceOrder, Schedule,
};
#[path = "layout_records.rs"]
mod records;
pub use records::{PutRecord, RemoveRecord};
#[path = "layout_postings.rs"]
mod postings;
pub use postings::{POSTING_LINES_MAX, PostingLine, SetPostingMap};
#[path = "layout_requests_to_pay.rs"]
mod requests_to_pay;
pub use requests_to_pay::{
    AnswerRequestToPay, CancelRequestToPay, CreateRequestToPay, PresentRequestToPay, REQUEST_ACCEPTED,
    REQUEST_REFUSED,
};

#[path = "layout_duplicates.rs"]
mod duplicates;
#[path = "layout_liquidity.rs"]
mod liquidity;
#[path = "layout_recall.rs"]
mod recall;

pub use calendar::{RollBusinessDate, SetClosingDays};
pub use recall::{AnswerRecall, Original, RequestRecall, SetRecallPolicy};

pub use customer::{SetCustomerLimit, SetFees, SetRestricted, SetZone};
pub use duplicates::{
    ANSWER_VERSION_EVIDENCE, PAYMENT_VERSION_FOUND, REFUSED_VERSION_FOUND, SealDuplicates, StoredPayment,
};
pub use liquidity::{
    BLOCK_ACCOUNT, BLOCK_LIMIT, BLOCK_PARTICIPANT, BLOCK_POSITION, SetBlock, SetPositionAlert,
    SetReachableParty, TransferOwnFunds,
};

#[cfg(test)]
#[path = "layout_tests.rs"]
pub(crate) mod tests;
