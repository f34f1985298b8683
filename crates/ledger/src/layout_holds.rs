//! The stored form of holds, their captures and their releases.

use zerocopy::little_endian::{I64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::Request;

/// How many payees one capture may have.
pub const HOLD_LEGS_MAX: usize = 16;

stored! {
    /// [`crate::PlaceHold`]; the text is a [`crate::HoldText`].
    PlaceHold[80] {
        /// Id and body.
        request: Request,
        /// Digest of the account's number.
        iban_digest: [u8; 16],
        /// Minor units.
        amount: I64,
        /// From when on it holds nothing, in nanoseconds since 1970.
        expires: I64,
        /// The bank that keeps the account.
        bic: [u8; 11],
        /// Zero.
        reserved: u8,
        /// ISO 4217 number.
        currency: U16,
        /// Zero.
        reserved_end: [u8; 2],
    }
}

stored! {
    /// One payee of a capture; zeros behind the last.
    HoldLeg[48] {
        /// Digest of the account's number.
        iban_digest: [u8; 16],
        /// Minor units.
        amount: I64,
        /// The account as the edge saw it, 0 if it saw none.
        account: U32,
        /// The bank that keeps it as the edge saw it, zeros if it saw none.
        bic: [u8; 11],
        /// Zero.
        reserved: [u8; 9],
    }
}

stored! {
    /// [`crate::CaptureHold`]; the text is a [`crate::CaptureText`].
    CaptureHold[832] {
        /// Id and body.
        request: Request,
        /// The hold's position.
        hold: U64,
        /// The bank that keeps the payer's account.
        bic: [u8; 11],
        /// 1 if what is left is released, 0 if it stays held.
        is_final: u8,
        /// How many legs there are, from 1 to 16.
        leg_count: u8,
        /// Zero.
        reserved: u8,
        /// ISO 4217 number of the hold's currency as the edge saw it, 0 if it saw no hold.
        currency: U16,
        /// The payer's account as the edge saw it, 0 if it saw no hold.
        debtor_account: U32,
        /// Zero.
        reserved_end: [u8; 4],
        /// The legs.
        legs: [HoldLeg; HOLD_LEGS_MAX],
    }
}

stored! {
    /// [`crate::ReleaseHold`]. No text.
    ReleaseHold[64] {
        /// Id and body.
        request: Request,
        /// The hold's position.
        hold: U64,
        /// Minor units; 0 for all that is left.
        amount: I64,
        /// The bank that keeps the account.
        bic: [u8; 11],
        /// Zero.
        reserved: [u8; 5],
    }
}

impl CaptureHold {
    /// The legs that there are.
    pub fn legs(&self) -> &[HoldLeg] {
        &self.legs[..usize::from(self.leg_count)]
    }
}
