//! The stored form of closing days and of the business date.

use zerocopy::little_endian::{I32, I64, U16};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::Request;

stored! {
    /// [`crate::SetClosingDays`]. No text.
    SetClosingDays[88] {
        /// Id and body.
        request: Request,
        /// The year.
        year: U16,
        /// Zero.
        reserved: [u8; 6],
        /// A bit for each day of the year, the first of January in the lowest bit of the first byte; zero behind the
        /// year's last day.
        days: [u8; 48],
    }
}

stored! {
    /// [`crate::RollBusinessDate`]. No text.
    RollBusinessDate[48] {
        /// Id and body.
        request: Request,
        /// The business date from now on, in days since 1970.
        date: I32,
        /// Zero.
        reserved: [u8; 4],
        /// From when on it is due, in nanoseconds since 1970.
        due: I64,
    }
}
