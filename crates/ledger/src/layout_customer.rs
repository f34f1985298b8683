//! The stored form of what a bank sets about its customers and its own house.

use zerocopy::little_endian::{I16, I64, U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::Request;

stored! {
    /// [`crate::SetCustomerLimit`]. No text.
    SetCustomerLimit[72] {
        /// Id and body.
        request: Request,
        /// Digest of the account's number.
        iban_digest: [u8; 16],
        /// The most that one payment may be, in minor units; 0 if that is not limited.
        per_payment: I64,
        /// The same of a day's payments together.
        per_day: I64,
        /// ISO 4217 number.
        currency: U16,
        /// Zero.
        reserved: [u8; 6],
    }
}

stored! {
    /// [`crate::SetRestricted`]. No text.
    SetRestricted[56] {
        /// Id and body.
        request: Request,
        /// Digest of the account's number.
        iban_digest: [u8; 16],
        /// ISO 4217 number.
        currency: U16,
        /// 1 if it is restricted, 0 if not.
        is_restricted: u8,
        /// Zero.
        reserved: [u8; 5],
    }
}

stored! {
    /// [`crate::SetFees`]. No text.
    SetFees[56] {
        /// Id and body.
        request: Request,
        /// The bank.
        bic: [u8; 11],
        /// Zero.
        reserved: u8,
        /// ISO 4217 number.
        currency: U16,
        /// Minor units for an ordinary payment.
        ordinary: U32,
        /// Minor units for an instant payment.
        instant: U32,
        /// Zero.
        reserved_end: [u8; 2],
    }
}

stored! {
    /// [`crate::SetZone`]. No text.
    SetZone[64] {
        /// Id and body.
        request: Request,
        /// The bank.
        bic: [u8; 11],
        /// 1 if the offset changes at a known moment, 0 if not; then the next two fields are zero.
        has_change: u8,
        /// Minutes ahead of UTC.
        offset: I16,
        /// Minutes ahead of UTC from the change on.
        offset_after: I16,
        /// The first moment of the change, in nanoseconds since 1970.
        change_at: I64,
        /// Zero.
        reserved: [u8; 8],
    }
}
