//! The stored form of requests to pay, in a state.

use zerocopy::little_endian::{I64, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::layout::stored;

stored! {
    /// An item of [`super::REQUESTS_TO_PAY`].
    RequestToPay[112] {
        /// Its position.
        sequence: U64,
        /// The time of its frame, in nanoseconds since 1970.
        time: I64,
        /// From when on it can't be accepted, in nanoseconds since 1970.
        expires: I64,
        /// Until when its payment may be put off, in nanoseconds since 1970 of the clock of the payer's bank; 0 if it may not.
        pay_by: I64,
        /// When its status last changed, in nanoseconds since 1970.
        changed: I64,
        /// Minor units.
        amount: I64,
        /// The position at which it was last accepted, 0 if it never was.
        accepted_at: U64,
        /// To when its payment was put off then, on the same clock; 0 if it was not.
        pay_at: I64,
        /// The position of the payment that was last made for it, 0 if none was.
        payment: U64,
        /// Digest of the payee's account number.
        payee_digest: [u8; 16],
        /// The payer's account.
        payer: U32,
        /// The payee's bank.
        payee_bank: U32,
        /// Why it was refused, or its last payment failed; zeros if neither.
        reason: [u8; 4],
        /// [`crate::RequestToPayStatus`].
        status: u8,
        /// Zero.
        reserved: [u8; 11],
    }
}
