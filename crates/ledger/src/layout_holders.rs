//! The stored form of who holds an account, where that changes after the opening.

use zerocopy::little_endian::{U16, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::Request;

stored! {
    /// [`crate::SetAccountHolders`]; the text is a [`crate::AccountText`].
    SetAccountHolders[64] {
        /// Id and body.
        request: Request,
        /// Digest of the account's number.
        iban_digest: [u8; 16],
        /// The position of the record whose text this one repeats, or 0 where the bank sets it.
        repeats: U64,
        /// ISO 4217 number.
        currency: U16,
        /// Zero.
        reserved: [u8; 6],
    }
}
