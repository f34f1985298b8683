//! The stored form of what is said about which accounts take part in payments, in a state.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::layout::stored;

stored! {
    /// An item of [`super::ACTIVATIONS`]: the number of the table in the first, and one entry in each of the others.
    Activation[80] {
        /// How many times the table was changed, in the first item; else 0.
        number: U32,
        /// The bank; 0 in the first item.
        bank: U32,
        /// At which places of the range's numbers only digits stand, a bit for each.
        digits: U32,
        /// Zero.
        reserved: [u8; 5],
        /// How many bytes of `from` and `upto` count, 0 for the bank as a whole, which takes no part then.
        length: u8,
        /// The country of the range's numbers. Of a range the opposite holds of what holds of the whole.
        country: [u8; 2],
        /// The first number, padded with zeros.
        from: [u8; 30],
        /// The last.
        upto: [u8; 30],
    }
}
