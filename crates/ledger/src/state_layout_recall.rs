//! The stored form of the calendar, the business date and recalls in a state.

use zerocopy::little_endian::{I32, I64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::layout::stored;

stored! {
    /// An item of [`super::CALENDAR`].
    ClosingYear[56] {
        /// The year.
        year: U16,
        /// Zero.
        reserved: [u8; 6],
        /// A bit for each of its days, as in the record that set them.
        days: [u8; 48],
    }
}

stored! {
    /// The one item of [`super::BUSINESS_DATE`]; zeros as long as none was set.
    BusinessDate[24] {
        /// Days since 1970.
        date: I32,
        /// The one before it, or 0.
        before: I32,
        /// The position of the command that set it.
        since: U64,
        /// The log time of that, in nanoseconds since 1970.
        since_time: I64,
    }
}

stored! {
    /// An item of [`super::RECALLS`].
    Recall[104] {
        /// Its position.
        sequence: U64,
        /// Its log time, in nanoseconds since 1970.
        time: I64,
        /// The position of the payment.
        payment: U64,
        /// What was paid, in minor units.
        amount: I64,
        /// The position of the answer, or 0.
        answered_at: U64,
        /// The log time of the answer, or 0.
        answered_time: I64,
        /// What went back, in minor units.
        returned: I64,
        /// What the payee's bank kept, in minor units.
        fee: I64,
        /// The payer's bank.
        debtor_bank: U32,
        /// The payee's bank.
        creditor_bank: U32,
        /// The payer's account, or 0.
        debtor_account: U32,
        /// The payee's account, or 0.
        creditor_account: U32,
        /// The last day for an answer, in days since 1970.
        answer_by: I32,
        /// [`types::RecallReason`] as its code.
        reason: [u8; 4],
        /// Why nothing went back, or zeros.
        code: [u8; 4],
        /// ISO 4217 number.
        currency: U16,
        /// 0 no answer, 1 the money went back, 2 it did not, 3 the time was over.
        answer: u8,
        /// 1 if the core account of the payer's bank got what went back, else 0.
        elsewhere: u8,
        /// Zero.
        reserved: [u8; 8],
    }
}

stored! {
    /// An item of [`super::RECALL_POLICIES`].
    RecallPolicy[8] {
        /// The bank.
        bank: U32,
        /// Zero.
        reserved: [u8; 4],
    }
}
