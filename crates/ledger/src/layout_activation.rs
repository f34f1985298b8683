//! The stored form of what is said about which accounts take part in payments.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::Request;

stored! {
    /// [`crate::SetActivation`]; the text is the reason. A range of numbers is none of a person, so it stands here.
    SetActivation[112] {
        /// Id and body.
        request: Request,
        /// The bank.
        bic: [u8; 11],
        /// 1 if the accounts take part, 0 if not.
        is_active: u8,
        /// The country of the range's numbers, or zeros: all accounts.
        country: [u8; 2],
        /// How many bytes of `from` and `upto` count, 0 for all accounts.
        length: u8,
        /// The first number behind country and check digits, padded with zeros.
        from: [u8; 30],
        /// The last.
        upto: [u8; 30],
        /// At which places of these numbers only digits stand, a bit for each.
        digits: U32,
        /// Zero.
        reserved: u8,
    }
}
