//! The stored form of payments that have left the core's table, and of the command that lets them go.

use zerocopy::little_endian::{I64, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::PaymentKey;

stored! {
    /// A payment that is final, as runs of duplicates keep it, and as a record carries the one that was found there.
    StoredPayment[128] {
        /// Whose, and which.
        key: PaymentKey,
        /// Digest of the body.
        body_digest: [u8; 16],
        /// Its position.
        sequence: U64,
        /// The position that decided.
        decided_at: U64,
        /// The log time at which it entered the log, in nanoseconds since 1970.
        received_time: I64,
        /// The log time of the decision.
        decided_time: I64,
        /// When the clock started.
        acceptance_time: I64,
        /// The number of the payee's bank, if a bank was asked; else 0.
        creditor_bank: U32,
        /// Why it was not settled, or zeros.
        reason: [u8; 4],
        /// The reason as the payee's bank is told it, if that is another one; else zeros.
        reason_to_creditor: [u8; 4],
        /// `types::PaymentState`.
        state: u8,
        /// 1 it holds its key, 2 Solvo stamped its acceptance time, 4 its settlement was confirmed late, 8 it was above
        /// what its payer allows for one payment, 16 above what its payer allows for a day.
        marks: u8,
        /// Where the questions to the payer's and to the payee's bank ended: 0 not asked, 1 accepted, 2 rejected, 3
        /// silent.
        questions: [u8; 2],
        /// Zero.
        reserved: [u8; 8],
    }
}

stored! {
    /// The payments of these positions stand in a durable run on disk: the core lets them go. No text.
    SealDuplicates[80] {
        /// The run's number.
        run: U64,
        /// It holds the payments behind this position,
        after: U64,
        /// up to this one.
        upto: U64,
        /// The log time at which the newest of them entered the log, in nanoseconds since 1970.
        newest_time: I64,
        /// How many payments it holds.
        payments: U64,
        /// BLAKE3 of the run's first block, which holds that of all others.
        hash: [u8; 32],
        /// Zero.
        reserved: [u8; 8],
    }
}

/// The version of a [`super::Payment`] that carries the duplicate which was found on disk: a [`StoredPayment`] follows.
pub const PAYMENT_VERSION_FOUND: u16 = 3;
/// The same of a [`super::RefusedPayment`].
pub const REFUSED_VERSION_FOUND: u16 = 3;
/// The version of an [`super::Answer`] about a payment that has left the core's table: the payment follows, as a
/// [`StoredPayment`], if it was found on disk.
pub const ANSWER_VERSION_EVIDENCE: u16 = 2;
