//! The stored form of exceptions, in a state.

use zerocopy::little_endian::{I64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::layout::stored;

stored! {
    /// An item of [`super::EXCEPTIONS`].
    Exception[136] {
        /// Its position.
        sequence: U64,
        /// The time of its frame, in nanoseconds since 1970.
        time: I64,
        /// The position of the payment or recall that it is about, 0 if it is about neither.
        subject: U64,
        /// Digest of the account's number or the reference that it is about, else zeros.
        subject_digest: [u8; 16],
        /// Minor units, 0 if no money is in question.
        amount: I64,
        /// The position at which its owner was said last, 0 if it has none.
        assigned_at: U64,
        /// The position of the last action, 0 if there was none.
        acted_at: U64,
        /// The time of that, in nanoseconds since 1970.
        acted_time: I64,
        /// Its owner, padded with zeros; zeros if it has none.
        owner: [u8; 32],
        /// The bank that has to look after it.
        bank: U32,
        /// The bank on the other side of the payment, 0 if there is none.
        other_bank: U32,
        /// How often somebody was asked again.
        asked_count: U32,
        /// ISO 4217 number.
        currency: U16,
        /// `crate::ExceptionKind`.
        kind: u8,
        /// `crate::Direction`, 0 if there is none.
        direction: u8,
        /// `crate::ExceptionAction`, the last one; 0 if there was none.
        action: u8,
        /// 1 the money is in suspense, 2 it came right by itself.
        marks: u8,
        /// Zero.
        reserved: [u8; 14],
    }
}

stored! {
    /// An item of [`super::NOTICED`].
    Noticed[24] {
        /// When that payment was decided, in nanoseconds since 1970.
        decided: I64,
        /// The payment that it is about.
        payment: U64,
        /// `crate::ExceptionKind`.
        kind: u8,
        /// Zero.
        reserved: [u8; 7],
    }
}

stored! {
    /// The one item of [`super::OVERLOOKED`].
    Overlooked[16] {
        /// How many could not be noticed, by kind.
        counts: [U64; 2],
    }
}
