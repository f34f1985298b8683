//! The stored form of requests to pay and of what is said to them.

use zerocopy::little_endian::{I64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{OrderTerms, Request};

stored! {
    /// [`crate::CreateRequestToPay`]; the text is a [`crate::RequestToPayText`].
    CreateRequestToPay[120] {
        /// Id and body.
        request: Request,
        /// Digest of the payer's account number.
        debtor_account_digest: [u8; 16],
        /// Digest of the payee's account number.
        creditor_account_digest: [u8; 16],
        /// Minor units.
        amount: I64,
        /// From when on it can't be accepted, in nanoseconds since 1970.
        expires: I64,
        /// Until when its payment may be put off, in nanoseconds since 1970 of the clock of the payer's bank; 0 if it may not.
        pay_by: I64,
        /// The payer's account as the edge saw it, 0 if it saw none.
        debtor_account: U32,
        /// The payer's bank.
        debtor_agent: [u8; 11],
        /// The payee's bank, which asks.
        creditor_agent: [u8; 11],
        /// ISO 4217 number.
        currency: U16,
        /// Zero.
        reserved: [u8; 4],
    }
}

stored! {
    /// [`crate::PresentRequestToPay`]. No text.
    PresentRequestToPay[64] {
        /// Id and body.
        request: Request,
        /// The position of the request to pay.
        to_pay: U64,
        /// The payer's bank.
        debtor_agent: [u8; 11],
        /// The payee's bank as the edge saw it, zeros if it saw no such request.
        creditor_agent: [u8; 11],
        /// Zero.
        reserved: [u8; 2],
    }
}

stored! {
    /// [`crate::AnswerRequestToPay`]; the text is a [`crate::LineText`] if the payer accepts, else there is none.
    AnswerRequestToPay[176] {
        /// Id and body.
        request: Request,
        /// The position of the request to pay.
        to_pay: U64,
        /// The payer's bank.
        debtor_agent: [u8; 11],
        /// The payee's bank as the edge saw it, zeros if it saw no such request.
        creditor_agent: [u8; 11],
        /// 1 to accept, 2 to refuse.
        answer: u8,
        /// Zero.
        reserved: u8,
        /// Why it is refused; zeros if it is accepted.
        reason: [u8; 4],
        /// Zero.
        reserved_end: [u8; 4],
        /// The order by which it is paid; zeros if it is refused.
        terms: OrderTerms,
    }
}

stored! {
    /// [`crate::CancelRequestToPay`]. No text.
    CancelRequestToPay[64] {
        /// Id and body.
        request: Request,
        /// The position of the request to pay.
        to_pay: U64,
        /// The payee's bank.
        creditor_agent: [u8; 11],
        /// The payer's bank as the edge saw it, zeros if it saw no such request.
        debtor_agent: [u8; 11],
        /// Zero.
        reserved: [u8; 2],
    }
}

/// [`AnswerRequestToPay::answer`] of a payer who accepts.
pub const REQUEST_ACCEPTED: u8 = 1;

/// The same of one who does not.
pub const REQUEST_REFUSED: u8 = 2;
