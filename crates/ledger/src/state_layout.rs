//! The stored form of the ledger's state: the items of its sections, fixed little-endian structures without padding.
//!
//! Reserved bytes are zero and checked. A structure never changes: a new need gets a new version or a new section.

use zerocopy::little_endian::{I16, I32, I64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::layout::{PaymentKey, Request, SealDuplicates, Secret, SetProfile, stored};
use crate::sections::Section;

/// Where the state stands in the log, and what is counted.
pub const HEAD: Section = Section::of::<Head>(1, 1, "head");
/// The scheme profiles, each as the record that set it.
pub const PROFILES: Section = Section::of::<SetProfile>(2, 1, "profiles");
/// The participants in the order of their numbers.
pub const PARTICIPANTS: Section = Section::of::<Participant>(3, 1, "participants");
/// The participants' names, as many as there are participants.
pub const NAMES: Section = Section::of::<Name>(4, 1, "names");
/// The settlement books' counter-accounts in the order of their opening.
pub const FUNDING: Section = Section::of::<Funding>(5, 1, "funding");
/// The accounts in the order of their numbers.
pub const ACCOUNTS: Section = Section::of::<Account>(6, 1, "accounts");
/// The payments that are remembered, in log order.
pub const PAYMENTS: Section = Section::of::<Payment>(7, 1, "payments");
/// The answers to other requests that are remembered, in log order.
pub const REQUESTS: Section = Section::of::<Answered>(8, 1, "requests");
/// The external references that were used, in log order.
pub const REFERENCES: Section = Section::of::<Reference>(9, 1, "references");
/// The open questions, by the number of the bank that is asked and then in the order of asking.
pub const RESERVATIONS: Section = Section::of::<Reservation>(10, 1, "reservations");
/// The same from version 3 of the rules on, with their fees.
pub const RESERVATIONS_WITH_FEES: Section = Section::of::<ReservationWithFee>(10, 2, "reservations");
/// The lives of the log after the first, oldest first.
pub const LIVES: Section = Section::of::<Life>(11, 1, "lives");
/// What has left the table of payments for runs on disk.
pub const SEALED: Section = Section::of::<Sealed>(12, 1, "sealed");
/// The runs that may hold a payment of the duplicate window, the oldest first, each as the record that named it.
pub const RUNS: Section = Section::of::<SealDuplicates>(13, 1, "runs");

/// The closing days of the years that are set, in order. This section and those behind it stand in the states of
/// rules version 3 and later, so that the states of older logs are as they were.
pub const CALENDAR: Section = Section::of::<ClosingYear>(14, 1, "calendar");
/// The business date.
pub const BUSINESS_DATE: Section = Section::of::<BusinessDate>(15, 1, "business date");
/// The recalls that are kept, in log order.
pub const RECALLS: Section = Section::of::<Recall>(16, 1, "recalls");
/// The bounds of positions, by the position's account.
pub const ALERTS: Section = Section::of::<Alert>(17, 1, "alerts");
/// The reachable parties in the order in which they came.
pub const REACHABLE: Section = Section::of::<ReachableParty>(18, 1, "reachable parties");
/// The participants that are blocked, by their numbers.
pub const BLOCKS: Section = Section::of::<Block>(19, 1, "blocks");
/// What customers allow to leave their accounts, in the order in which it was first said.
pub const CUSTOMER_LIMITS: Section = Section::of::<CustomerLimit>(20, 1, "customer limits");
/// The fees of banks, by the bank's number and then in the order of its books, where they are not zero.
pub const FEES: Section = Section::of::<Fees>(21, 1, "fees");
/// The clocks of banks, by the bank's number, where they are not UTC for ever.
pub const ZONES: Section = Section::of::<Zone>(22, 1, "zones");
/// The banks whose silence about recalls is answered for them, in the order of their numbers.
pub const RECALL_POLICIES: Section = Section::of::<RecallPolicy>(23, 1, "recall policies");

/// The open holds, in log order. This section and those behind it stand in the states of rules version 4 and later.
pub const HOLDS: Section = Section::of::<Hold>(24, 1, "holds");
/// The records that gateways keep, in the order of their banks' numbers, name spaces and keys.
pub const KEPT_RECORDS: Section = Section::of::<KeptRecord>(25, 1, "kept records");

/// Which accounts take part in payments: the number of the table, then its entries in order. This section and those beside
/// it stand in the states of rules version 5 and later.
pub const ACTIVATIONS: Section = Section::of::<Activation>(36, 1, "activations");
/// The maps of postings, in the order of their banks' numbers and currencies. This section stands in the states of rules
/// version 5 and later.
pub const POSTING_MAPS: Section = Section::of::<PostingMap>(33, 1, "posting maps");
/// The exceptions, in log order. This section and the two behind it stand in the states of rules version 5 and later.
pub const EXCEPTIONS: Section = Section::of::<Exception>(37, 1, "exceptions");
/// What is to be raised as exceptions, by kind and then in order.
pub const NOTICED: Section = Section::of::<Noticed>(38, 1, "noticed exceptions");
/// How many could not be noticed.
pub const OVERLOOKED: Section = Section::of::<Overlooked>(39, 1, "overlooked exceptions");
/// The packages, in the order of their banks' numbers and their positions. This section and those behind it stand in the
/// states of rules version 5 and later.
pub const PACKAGES: Section = Section::of::<Package>(26, 1, "packages");
/// The orders, in log order.
pub const ORDERS: Section = Section::of::<Order>(27, 1, "orders");

/// The requests to pay, in log order. It stands in the states of rules version 5 and later.
pub const REQUESTS_TO_PAY: Section = Section::of::<RequestToPay>(34, 1, "requests to pay");

/// A name's bytes. `{:?}` does not show them.
#[derive(Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(transparent)]
pub struct NameBytes(pub [u8; 560]);

impl std::fmt::Debug for NameBytes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("NameBytes(…)")
    }
}

stored! {
    /// The one item of [`HEAD`].
    Head[192] {
        /// The last position applied.
        sequence: U64,
        /// Its time, in nanoseconds since 1970.
        time: I64,
        /// The position of the last tick.
        ticked: U64,
        /// The kind of the last command; 0 right after a tick.
        last_kind: U16,
        /// 1 once the log's first record has been applied; the fields from `digest_key_id` to `digest_key` are zero
        /// before.
        is_set_up: u8,
        /// 1 if the log is of a node beside another system, which decides. Zero before version 5 of the rules.
        is_parallel: u8,
        /// The number of the key of digests outside the log; 0 if the log holds it.
        digest_key_id: U32,
        /// The cluster.
        cluster: [u8; 16],
        /// The first life of the log.
        incarnation: U64,
        /// The key of the log's digests; zero if the log does not hold it.
        digest_key: Secret,
        /// Payments that stand in each state or ended in it, by the state's number less one.
        payments: [U64; 5],
        /// Answers that had each effect, by the effect's number.
        answers: [U64; 6],
        /// Payments that have been forgotten.
        payments_forgotten: U64,
        /// Requests that have been forgotten.
        requests_forgotten: U64,
        /// The version of the rules that decides the next frame.
        rules_version: U32,
        /// How many lives the log has had after its first.
        lives: U32,
        /// Zero.
        reserved_end: [u8; 8],
    }
}

stored! {
    /// An item of [`LIVES`].
    Life[16] {
        /// The life.
        incarnation: U64,
        /// Its first position.
        first: U64,
    }
}

stored! {
    /// The one item of [`SEALED`].
    Sealed[16] {
        /// Payments up to here are on disk; 0 as long as none are.
        floor: U64,
        /// The highest number that a run ever had.
        newest_run: U64,
    }
}

stored! {
    /// One currency of a participant.
    Book[16] {
        /// ISO 4217 number.
        currency: U16,
        /// Zero.
        reserved: [u8; 2],
        /// The counter-account of what the bank's own systems post.
        core: U32,
        /// The mirror of what went to and came from other banks.
        clearing: U32,
        /// The position, or 0.
        position: U32,
    }
}

stored! {
    /// An item of [`PARTICIPANTS`].
    Participant[112] {
        /// The bank.
        bic: [u8; 11],
        /// [`crate::AccountMode`].
        mode: u8,
        /// [`crate::ParticipantStatus`].
        status: u8,
        /// [`crate::DecisionScope`] of debits.
        debit_scope: u8,
        /// [`crate::Silence`] about debits.
        debit_silence: u8,
        /// The same of credits.
        credit_scope: u8,
        /// The same about credits.
        credit_silence: u8,
        /// How many books there are, from 1 to 4.
        book_count: u8,
        /// Zero.
        reserved: [u8; 2],
        /// How many questions it may have unanswered.
        unanswered_max: U32,
        /// Minor units where the scope of debits is 3, else 0.
        debit_above: I64,
        /// Minor units where the scope of credits is 3, else 0.
        credit_above: I64,
        /// How many questions it was ever asked.
        asked: U64,
        /// Its books in the order of their opening; zeros behind them.
        books: [Book; 4],
    }
}

stored! {
    /// An item of [`NAMES`].
    Name[568] {
        /// Bytes of the name; 0 once it can't be read any more.
        length: U16,
        /// Zero.
        reserved: [u8; 6],
        /// The name in UTF-8; zeros behind it.
        bytes: NameBytes,
    }
}

stored! {
    /// An item of [`FUNDING`].
    Funding[8] {
        /// ISO 4217 number.
        currency: U16,
        /// Zero.
        reserved: [u8; 2],
        /// The account.
        account: U32,
    }
}

stored! {
    /// An item of [`ACCOUNTS`].
    Account[64] {
        /// Minor units; positive is owed to the account's owner.
        balance: I64,
        /// Minor units set aside for payments that wait for an answer.
        reserved: I64,
        /// Minor units set aside for holds.
        held: I64,
        /// Minor units below which the available funds don't fall.
        floor: I64,
        /// The digest of its number; zeros for an account that is not a customer's.
        digest: [u8; 16],
        /// The position of the last command that changed it.
        changed_at: U64,
        /// Whose book it is in; 0 is the settlement book.
        owner: U32,
        /// ISO 4217 number.
        currency: U16,
        /// [`crate::AccountKind`].
        kind: u8,
        /// [`crate::AccountStatus`], plus 128 if it is flagged, 64 if it is restricted, 32 if it has an item in
        /// [`CUSTOMER_LIMITS`], 16 if it takes no debits, 8 if it takes no credits.
        standing: u8,
    }
}

stored! {
    /// An item of [`PAYMENTS`].
    Payment[120] {
        /// Its position.
        sequence: U64,
        /// The position that decided.
        decided_at: U64,
        /// The time of its frame, in nanoseconds since 1970.
        received_time: I64,
        /// The time of the decision, in nanoseconds since 1970.
        decided_time: I64,
        /// When the clock started, in nanoseconds since 1970.
        acceptance_time: I64,
        /// Digest of the business fields.
        body_digest: [u8; 16],
        /// Its key.
        key: PaymentKey,
        /// The reason; zeros if there is none.
        reason: [u8; 4],
        /// The reason as the payee's bank is told it, if that is another one; else zeros.
        reason_to_creditor: [u8; 4],
        /// The payee's bank if a bank was asked; else 0.
        creditor_bank: U32,
        /// The payment's state.
        state: u8,
        /// 1 it holds its key, 2 its acceptance time was stamped, 4 its settlement was confirmed late, 8 it was above
        /// what its payer allows for one payment, 16 above what its payer allows for a day.
        marks: u8,
        /// The question to the payer's bank: 0 not asked, 1 open, 2 accepted, 3 rejected, 4 silent.
        debit_question: u8,
        /// The same to the payee's bank.
        credit_question: u8,
    }
}

stored! {
    /// An item of [`REQUESTS`].
    Answered[96] {
        /// Id and body.
        request: Request,
        /// Its position.
        sequence: U64,
        /// The time of its frame, in nanoseconds since 1970.
        decided_time: I64,
        /// The balances that were told, in minor units.
        balances: [I64; 4],
        /// The account or participant that was made or changed; 0 if none.
        subject: U64,
        /// [`crate::Kind`] of the command.
        kind: U16,
        /// [`crate::Refusal`], or 0.
        refusal: u8,
        /// Zero.
        reserved: [u8; 5],
    }
}

stored! {
    /// An item of [`REFERENCES`].
    Reference[16] {
        /// Its digest.
        digest: [u8; 16],
    }
}

stored! {
    /// An item of [`RESERVATIONS`].
    Reservation[96] {
        /// The payment's position.
        sequence: U64,
        /// How many payments were remembered before it, forgotten ones included.
        payment: U64,
        /// The position at which the open question was asked.
        asked_at: U64,
        /// How many questions its bank had been asked before this one.
        number: U64,
        /// When the payment expires, in nanoseconds since 1970.
        deadline: I64,
        /// The scheme's target time, in nanoseconds since 1970.
        target: I64,
        /// When the open question ends, in nanoseconds since 1970.
        due: I64,
        /// Minor units.
        amount: I64,
        /// The payer's account, or 0.
        debtor_account: U32,
        /// The payee's account, or 0.
        creditor_account: U32,
        /// The payer's bank.
        debtor_bank: U32,
        /// The payee's bank.
        creditor_bank: U32,
        /// Told to the payer's side if the payee's bank is silent.
        timeout_to_originator: [u8; 4],
        /// Told to the payee's bank if it is silent.
        timeout_to_beneficiary: [u8; 4],
        /// ISO 4217 number.
        currency: U16,
        /// [`crate::Stage`] of the open question.
        stage: u8,
        /// 1 if the payee's bank is to be asked once the payer's has accepted, else 0.
        credit_follows: u8,
        /// [`crate::Silence`] of the payer's bank.
        debit_silence: u8,
        /// [`crate::Silence`] of the payee's bank.
        credit_silence: u8,
        /// Zero.
        reserved: [u8; 2],
    }
}

stored! {
    /// An item of [`RESERVATIONS_WITH_FEES`].
    ReservationWithFee[104] {
        /// As without.
        reservation: Reservation,
        /// What the settlement takes from the payer beside the amount, in minor units.
        fee: U32,
        /// Zero.
        reserved: [u8; 4],
    }
}

stored! {
    /// An item of [`CUSTOMER_LIMITS`].
    CustomerLimit[40] {
        /// The account.
        account: U32,
        /// The day in whose course `used` was counted, in days since 1970.
        day: I32,
        /// The first position that is counted.
        counted_from: U64,
        /// What the payments of that day are together, in minor units.
        used: I64,
        /// The most that one payment may be, in minor units; 0 if that is not limited.
        per_payment: I64,
        /// The same of a day's payments together.
        per_day: I64,
    }
}

stored! {
    /// An item of [`FEES`].
    Fees[16] {
        /// The bank.
        bank: U32,
        /// ISO 4217 number.
        currency: U16,
        /// Zero.
        reserved: [u8; 2],
        /// Minor units for an ordinary payment.
        ordinary: U32,
        /// Minor units for an instant payment.
        instant: U32,
    }
}

stored! {
    /// An item of [`ZONES`].
    Zone[24] {
        /// The bank.
        bank: U32,
        /// Minutes ahead of UTC.
        offset: I16,
        /// Minutes ahead of UTC from the change on; 0 if none is known.
        offset_after: I16,
        /// The first moment of the change, in nanoseconds since 1970; 0 if none is known.
        change_at: I64,
        /// 1 if a change is known, else 0.
        has_change: u8,
        /// Zero.
        reserved: [u8; 7],
    }
}

stored! {
    /// An item of [`ALERTS`].
    Alert[24] {
        /// The position's account.
        position: U32,
        /// Which bounds there are: 1 the floor, 2 the ceiling, 3 both.
        present: u8,
        /// Zero.
        reserved: [u8; 3],
        /// Minor units, or 0.
        floor: I64,
        /// Minor units, or 0.
        ceiling: I64,
    }
}

stored! {
    /// An item of [`REACHABLE`].
    ReachableParty[56] {
        /// The bank.
        party: U32,
        /// The participant on whose position it settles.
        host: U32,
        /// ISO 4217 number.
        currency: U16,
        /// [`crate::PartyLimit`]: 1 without end, 2 up to `limit`.
        limit_kind: u8,
        /// [`crate::Blocks`].
        blocks: u8,
        /// Which bounds of its headroom there are: 1 the floor, 2 the ceiling, 3 both.
        present: u8,
        /// Zero.
        reserved_bytes: [u8; 3],
        /// Minor units, or 0.
        limit: I64,
        /// Minor units that it has spent beyond what it received.
        utilisation: I64,
        /// Minor units set aside for payments that wait for an answer.
        reserved: I64,
        /// Minor units, or 0.
        floor: I64,
        /// Minor units, or 0.
        ceiling: I64,
    }
}

stored! {
    /// An item of [`BLOCKS`].
    Block[8] {
        /// The participant.
        participant: U32,
        /// [`crate::Blocks`].
        blocks: u8,
        /// Zero.
        reserved: [u8; 3],
    }
}

#[path = "state_layout_activation.rs"]
mod activation;
pub use activation::Activation;
#[path = "state_layout_exceptions.rs"]
mod exceptions;
#[path = "state_layout_holds.rs"]
mod kept;
#[path = "state_layout_orders.rs"]
mod orders;
#[path = "state_layout_recall.rs"]
mod recall;
#[path = "state_layout_requests_to_pay.rs"]
mod requests_to_pay;

#[path = "state_layout_postings.rs"]
mod postings;
pub use exceptions::{Exception, Noticed, Overlooked};
pub use kept::{Hold, KeptRecord};
pub use orders::{Order, Package};
pub use postings::PostingMap;
pub use recall::{BusinessDate, ClosingYear, Recall, RecallPolicy};
pub use requests_to_pay::RequestToPay;

#[cfg(test)]
#[path = "state_layout_tests.rs"]
mod tests;
