//! The stored form of what a bank's general ledger calls its accounts.

use zerocopy::little_endian::{I32, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::Request;

/// How many lines one map may have.
pub const POSTING_LINES_MAX: usize = 64;

stored! {
    /// One line of a map; zeros behind the last.
    PostingLine[40] {
        /// The customer's account that it is about, 0 if it is about no single one.
        account: U32,
        /// 0 for everything else, the number of a [`crate::PostingClass`], or 255 for a single account.
        class: u8,
        /// What the general ledger calls it, padded with zeros.
        gl_account: [u8; 34],
        /// Zero.
        reserved: u8,
    }
}

stored! {
    /// [`crate::SetPostingMap`]. No text.
    SetPostingMap[2624] {
        /// Id and body.
        request: Request,
        /// The bank.
        bic: [u8; 11],
        /// 1 if it matters which map was set last, 0 if not; then `expected` is zero.
        has_expected: u8,
        /// ISO 4217 number.
        currency: U16,
        /// How many lines there are, from 1 to 64.
        line_count: u8,
        /// Zero.
        reserved: u8,
        /// The position of the map that was set last, 0 for none.
        expected: U64,
        /// The first booking date for which it counts, in days since 1970; 0 if it counts from its own position on.
        from: I32,
        /// Zero.
        reserved_end: [u8; 4],
        /// The lines, in the order of their classes and accounts.
        lines: [PostingLine; POSTING_LINES_MAX],
    }
}

impl SetPostingMap {
    /// The lines that there are.
    pub fn lines(&self) -> &[PostingLine] {
        &self.lines[..usize::from(self.line_count)]
    }
}
