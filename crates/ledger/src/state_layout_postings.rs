//! The stored form of the maps of postings, in a state.

use zerocopy::little_endian::{I32, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::layout::stored;

stored! {
    /// An item of [`super::POSTING_MAPS`].
    PostingMap[24] {
        /// The bank.
        bank: U32,
        /// The currency of its book, ISO 4217 number.
        currency: U16,
        /// Zero.
        reserved: [u8; 2],
        /// The position of the command that set it.
        set_at: U64,
        /// The first booking date for which it counts, in days since 1970; 0 if it counts from its position on.
        from: I32,
        /// How many maps were set for this book.
        set_count: U32,
    }
}
