//! The stored form of the small records that gateways keep here.

use zerocopy::little_endian::{I64, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::Request;

stored! {
    /// [`crate::PutRecord`]; the text is the record's bytes.
    PutRecord[176] {
        /// Id and body.
        request: Request,
        /// The bank that owns it.
        bic: [u8; 11],
        /// 1 if `expected` counts.
        has_expected: u8,
        /// Zero.
        reserved: [u8; 4],
        /// The version that has to be there, 0 for none.
        expected: U64,
        /// From when on it is gone, in nanoseconds since 1970; 0 for never.
        expires: I64,
        /// The position of the record whose bytes this one repeats, or 0 where the bank puts it.
        repeats: U64,
        /// How many bytes there are.
        length: U32,
        /// Zero.
        reserved_end: [u8; 4],
        /// The name space among those of the bank, padded with zeros.
        space: [u8; 32],
        /// The key, padded with zeros.
        key: [u8; 64],
    }
}

stored! {
    /// [`crate::RemoveRecord`]. No text.
    RemoveRecord[152] {
        /// Id and body.
        request: Request,
        /// The bank that owns it.
        bic: [u8; 11],
        /// 1 if `expected` counts.
        has_expected: u8,
        /// Zero.
        reserved: [u8; 4],
        /// The version that has to be there.
        expected: U64,
        /// The name space among those of the bank, padded with zeros.
        space: [u8; 32],
        /// The key, padded with zeros.
        key: [u8; 64],
    }
}
