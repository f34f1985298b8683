//! The stored form of packages and orders, in a state.

use zerocopy::little_endian::{I32, I64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::layout::stored;

stored! {
    /// An item of [`super::PACKAGES`].
    Package[152] {
        /// Its position.
        sequence: U64,
        /// The time of its frame, in nanoseconds since 1970.
        time: I64,
        /// SHA-256 of its file.
        file_digest: [u8; 32],
        /// Digest of the bank and the file's message id.
        name_digest: [u8; 16],
        /// What the file states that the amounts are together, in minor units; -1 if it does not.
        control_sum: I64,
        /// What the amounts of the lines that are logged are together, in minor units.
        sum_logged: I64,
        /// The same of those that were settled.
        sum_settled: I64,
        /// When it was closed, in nanoseconds since 1970; 0 as long as it is not.
        closed_time: I64,
        /// When everything had become of it; 0 as long as it has not.
        complete_time: I64,
        /// Its bank.
        bank: U32,
        /// How many lines the file states.
        lines: U32,
        /// How many lines are logged.
        logged: U32,
        /// How many were refused on reading.
        refused: U32,
        /// How many wait to be sent.
        pending: U32,
        /// How many of those lack funds.
        awaiting: U32,
        /// How many wait for a bank's answer.
        sent: U32,
        /// How many were settled.
        settled: U32,
        /// How many were rejected or expired.
        rejected: U32,
        /// How many were cancelled.
        cancelled: U32,
        /// The first line that is still kept.
        kept_from: U32,
        /// ISO 4217 number of the currency of its lines.
        currency: U16,
        /// 1 if what was not sent was cancelled.
        is_cancelled: u8,
        /// Zero.
        reserved: u8,
    }
}

stored! {
    /// An item of [`super::ORDERS`].
    Order[128] {
        /// Its position.
        sequence: U64,
        /// The position of its package; 0 if it stands alone.
        package: U64,
        /// The position of the command that holds its terms and texts.
        stands_at: U64,
        /// The time of that, in nanoseconds since 1970.
        stands_time: I64,
        /// The position of its last payment; 0 if there was none.
        payment: U64,
        /// When it ended, in nanoseconds since 1970; 0 as long as it has not.
        ended_time: I64,
        /// From when on it is executed, in nanoseconds since 1970 of its bank's clock.
        due: I64,
        /// From when on a lack of funds is final, on that clock; 0 for the end of the day of its execution.
        give_up: I64,
        /// Minor units.
        amount: I64,
        /// Digest of the body of its payment.
        body_digest: [u8; 16],
        /// The payer's bank.
        bank: U32,
        /// The payer's account; 0 if it is not kept here.
        account: U32,
        /// Its line in the package; 0 if it stands alone.
        line: U32,
        /// How many payments it has had.
        occurrence: U32,
        /// The first day of its schedule, in days since 1970.
        first: I32,
        /// The day for which the present execution is meant.
        meant: I32,
        /// The last day of its schedule; 0 for without end.
        last: I32,
        /// Why it was refused or not settled, or what it waits for; or zeros.
        reason: [u8; 4],
        /// ISO 4217 number.
        currency: U16,
        /// [`crate::OrderState`]; of an order whose package is cancelled as it was before that.
        state: u8,
        /// [`crate::Every`], or 0 for once.
        every: u8,
        /// So many weeks or months lie between two executions.
        interval: u8,
        /// [`crate::OnClosedDay`].
        on_closed_day: u8,
        /// Zero.
        reserved: [u8; 2],
    }
}
