//! The stored form of holds and of what gateways keep, in a state.

use zerocopy::little_endian::{I64, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::layout::stored;

stored! {
    /// An item of [`super::HOLDS`].
    Hold[48] {
        /// Its position.
        sequence: U64,
        /// The time of its frame, in nanoseconds since 1970.
        time: I64,
        /// From when on it holds nothing, in nanoseconds since 1970.
        expires: I64,
        /// Minor units that it held at first.
        amount: I64,
        /// Minor units that it holds now.
        held: I64,
        /// The account.
        account: U32,
        /// Zero.
        reserved: [u8; 4],
    }
}

stored! {
    /// An item of [`super::KEPT_RECORDS`].
    KeptRecord[144] {
        /// The bank.
        bank: U32,
        /// How many bytes it has.
        length: U32,
        /// Its version: the position of the command that put it.
        version: U64,
        /// The time of that, in nanoseconds since 1970.
        version_time: I64,
        /// The position of the command whose text is its bytes.
        stands_at: U64,
        /// The time of that, in nanoseconds since 1970.
        stands_time: I64,
        /// From when on it is gone, in nanoseconds since 1970; 0 for never.
        expires: I64,
        /// The name space, padded with zeros.
        space: [u8; 32],
        /// The key, padded with zeros.
        key: [u8; 64],
    }
}
