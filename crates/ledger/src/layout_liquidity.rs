//! The stored form of commands about positions: alerts, reachable parties, blocks, and transfers of own funds.

use zerocopy::little_endian::{I64, U16};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::Request;

stored! {
    /// [`crate::SetPositionAlert`]. No text.
    SetPositionAlert[64] {
        /// Id and body.
        request: Request,
        /// The bank.
        bic: [u8; 11],
        /// Which bounds there are: 1 the floor, 2 the ceiling, 3 both.
        present: u8,
        /// ISO 4217 number.
        currency: U16,
        /// Zero.
        reserved: [u8; 2],
        /// Minor units, or 0.
        floor: I64,
        /// Minor units, or 0.
        ceiling: I64,
    }
}

stored! {
    /// [`crate::SetReachableParty`]. No text: a bank's name is no personal data.
    SetReachableParty[640] {
        /// Id and body.
        request: Request,
        /// The bank.
        bic: [u8; 11],
        /// [`crate::AccountMode`].
        mode: u8,
        /// The participant on whose position it settles.
        host: [u8; 11],
        /// [`crate::PartyLimit`]: 1 without end, 2 up to `limit`.
        limit_kind: u8,
        /// ISO 4217 number.
        currency: U16,
        /// How many bytes of `name` count, at least 1.
        name_length: U16,
        /// Zero.
        reserved: [u8; 4],
        /// Minor units, or 0.
        limit: I64,
        /// The name, UTF-8, zeros behind.
        name: [u8; 560],
        /// Zero.
        reserved_end: [u8; 8],
    }
}

stored! {
    /// [`crate::SetBlock`]. No text.
    SetBlock[64] {
        /// Id and body.
        request: Request,
        /// Digest of the account's number, or zeros.
        iban_digest: [u8; 16],
        /// The bank, or zeros.
        bic: [u8; 11],
        /// [`crate::BlockTarget`]: 1 a participant, 2 its position, 3 its limit, 4 a customer's account.
        target: u8,
        /// ISO 4217 number; 0 for a participant.
        currency: U16,
        /// [`crate::Blocks`].
        blocks: u8,
        /// Zero.
        reserved: u8,
    }
}

stored! {
    /// [`crate::TransferOwnFunds`]; the text is the caller's reference.
    TransferOwnFunds[72] {
        /// Id and body.
        request: Request,
        /// Minor units.
        amount: I64,
        /// Whose account is debited.
        from_bic: [u8; 11],
        /// [`crate::OwnAccount`] that is debited.
        from_account: u8,
        /// Whose account is credited.
        to_bic: [u8; 11],
        /// [`crate::OwnAccount`] that is credited.
        to_account: u8,
        /// ISO 4217 number.
        currency: U16,
        /// Zero.
        reserved: [u8; 6],
    }
}

/// [`SetBlock`] is about a participant.
pub const BLOCK_PARTICIPANT: u8 = 1;
/// [`SetBlock`] is about a participant's position.
pub const BLOCK_POSITION: u8 = 2;
/// [`SetBlock`] is about a reachable party's limit.
pub const BLOCK_LIMIT: u8 = 3;
/// [`SetBlock`] is about a customer's account.
pub const BLOCK_ACCOUNT: u8 = 4;
