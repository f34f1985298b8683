//! The stored form of packages of orders, of orders that wait for their time, and of what changes them.

use zerocopy::little_endian::{I32, I64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::Request;

/// The version of a [`super::Payment`] of which `order`, `activation` and `inactive` count: one that executes an order, or
/// whose accounts were looked up in a table of those that take part. If evidence was found on disk, a [`super::StoredPayment`] follows.
pub const PAYMENT_VERSION_ORDER: u16 = 4;

stored! {
    /// What an order says of its payment. Of a line that was refused on reading only `body_digest`, of its text, and
    /// `amount`, if it could be read, are not zero.
    OrderTerms[104] {
        /// Digest of the body that the payment will have.
        body_digest: [u8; 16],
        /// Digest of the payer's account number.
        debtor_account_digest: [u8; 16],
        /// Digest of the payee's account number.
        creditor_account_digest: [u8; 16],
        /// Minor units.
        amount: I64,
        /// From when on it is executed, in nanoseconds since 1970 of the clock of the payer's bank; 0 for at once.
        due: I64,
        /// From when on a lack of funds is final, on the same clock; 0 for the end of the day of its execution.
        give_up: I64,
        /// The payer's account as the edge saw it, 0 if it saw none.
        debtor_account_hint: U32,
        /// The payer's bank.
        debtor_agent: [u8; 11],
        /// The payee's bank.
        creditor_agent: [u8; 11],
        /// `types::Channel`.
        channel: u8,
        /// ISO 4217 number.
        currency: U16,
        /// Zero.
        reserved: [u8; 3],
    }
}

stored! {
    /// On which days an order is executed. Zeros for once, on the day on which it is due.
    Schedule[16] {
        /// The last day on which it may be due, in days since 1970; 0 for without end.
        last: I32,
        /// [`crate::Every`], or 0 for once.
        every: u8,
        /// So many weeks or months lie between two of them.
        interval: u8,
        /// [`crate::OnClosedDay`].
        on_closed_day: u8,
        /// Zero.
        reserved: [u8; 9],
    }
}

stored! {
    /// [`crate::OpenPackage`]; the text is a [`crate::PackageText`].
    OpenPackage[112] {
        /// Id and body.
        request: Request,
        /// SHA-256 of the file.
        file_digest: [u8; 32],
        /// Digest of the bank and the file's message id.
        name_digest: [u8; 16],
        /// What the amounts of all lines are together as the file states it, in minor units; -1 if it does not.
        control_sum: I64,
        /// How many lines there are as the file states it.
        lines: U32,
        /// The bank that keeps the payers' accounts.
        bic: [u8; 11],
        /// Zero.
        reserved: u8,
        /// ISO 4217 number.
        currency: U16,
        /// Zero.
        reserved_end: [u8; 6],
    }
}

stored! {
    /// [`crate::PackageLine`]; the text is a [`crate::LineText`].
    PackageLine[120] {
        /// The package's position.
        package: U64,
        /// Its number, from 1.
        line: U32,
        /// Why it was refused on reading, or zeros.
        reason: [u8; 4],
        /// Its payment.
        terms: OrderTerms,
    }
}

stored! {
    /// [`crate::ClosePackage`]. No text.
    ClosePackage[56] {
        /// Id and body.
        request: Request,
        /// The package's position.
        package: U64,
        /// Its bank.
        bic: [u8; 11],
        /// Zero.
        reserved: [u8; 5],
    }
}

stored! {
    /// [`crate::PlaceOrder`]; the text is a [`crate::LineText`].
    PlaceOrder[152] {
        /// Id and body.
        request: Request,
        /// Its payment.
        terms: OrderTerms,
        /// On which days.
        schedule: Schedule,
    }
}

stored! {
    /// [`crate::ChangeOrder`] and [`crate::RepeatOrderText`]; the text is a [`crate::LineText`].
    ChangeOrder[168] {
        /// Id and body.
        request: Request,
        /// The order's position.
        order: U64,
        /// Where the text stood that this one repeats; 0 where the order is changed.
        repeats: U64,
        /// Its payment from now on.
        terms: OrderTerms,
        /// On which days from now on; zeros where the text is repeated.
        schedule: Schedule,
    }
}

stored! {
    /// [`crate::CancelOrders`]. No text.
    CancelOrders[64] {
        /// Id and body.
        request: Request,
        /// The position of the package of which all is cancelled that has not been sent, or 0.
        package: U64,
        /// The position of the one order, or 0.
        order: U64,
        /// The bank.
        bic: [u8; 11],
        /// Zero.
        reserved: [u8; 5],
    }
}
