//! The stored form of exceptions and of what is done about them.

use zerocopy::little_endian::{I64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{Original, Request};

stored! {
    /// [`crate::RaiseException`]; the text is a [`crate::ExceptionText`].
    RaiseException[184] {
        /// Id and body.
        request: Request,
        /// The payment that it is about; zeros if it is about none.
        original: Original,
        /// The position of the recall that it is about; 0 if it is about none.
        recall: U64,
        /// Digest of the account's number, or of the bank's reference; zeros if it is about neither.
        subject_digest: [u8; 16],
        /// Minor units; 0 if no money is in question.
        amount: I64,
        /// The bank that has to look after it.
        bic: [u8; 11],
        /// `crate::ExceptionKind`.
        kind: u8,
        /// `crate::Direction`, 0 if no money is in question.
        direction: u8,
        /// Zero.
        reserved: u8,
        /// ISO 4217 number.
        currency: U16,
    }
}

stored! {
    /// [`crate::AssignException`]; the text is a [`crate::ExceptionText`].
    AssignException[88] {
        /// Id and body.
        request: Request,
        /// The position of the exception.
        exception: U64,
        /// Who looks after it, padded with zeros.
        owner: [u8; 32],
        /// The bank that has to look after it.
        bic: [u8; 11],
        /// Zero.
        reserved: [u8; 5],
    }
}

stored! {
    /// [`crate::ResolveException`]; the text is a [`crate::ExceptionText`].
    ResolveException[96] {
        /// Id and body.
        request: Request,
        /// The position of the exception.
        exception: U64,
        /// Minor units as the edge saw the exception; 0 if no money is in question, or it saw none.
        amount: I64,
        /// Digest of the number of the customer's account that it is booked on, else zeros.
        iban_digest: [u8; 16],
        /// That account as the edge saw it, else 0.
        account: U32,
        /// ISO 4217 number as the edge saw the exception, 0 if it saw none.
        currency: U16,
        /// `crate::ExceptionKind` as the edge saw it, 0 if it saw none.
        kind: u8,
        /// `crate::ExceptionAction`.
        action: u8,
        /// `crate::Direction` as the edge saw it, 0 if there is none.
        direction: u8,
        /// The bank that has to look after it.
        bic: [u8; 11],
        /// The bank on the other side of the payment as the edge saw it, else zeros.
        other_bic: [u8; 11],
        /// Zero.
        reserved: u8,
    }
}
