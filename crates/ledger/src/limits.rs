//! How much the ledger holds. The relations between the limits are asserted when it is compiled.

use std::collections::TryReserveError;

use types::Duration;

use crate::customer_limits::CUSTOMER_LIMIT_BYTES;
use crate::{Account, Payment};

/// Room that is set aside at start. Memory is committed only as it is used.
///
/// A ledger that is asked for more grows, at the price of a pause; the engine stops taking new work before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Accounts of all kinds, 64 bytes each; 56 more and a place in an index for one whose customer limits payments.
    pub accounts_max: usize,
    /// Payments within the duplicate window, 120 bytes each. About a million of them may wait for an answer before
    /// the table of reservations has to grow.
    pub payments_max: usize,
    /// Requests other than payments within the duplicate window, 96 bytes each.
    pub requests_max: usize,
}

impl Limits {
    /// Whether the address space for all of it can be had. A table that can't be set aside ends the process, so
    /// this is asked before a ledger is made.
    pub fn check(&self) -> Result<(), TryReserveError> {
        Vec::<Account>::new().try_reserve_exact(self.accounts_max + ROOM_BEYOND)?;
        Vec::<[u8; CUSTOMER_LIMIT_BYTES]>::new().try_reserve_exact(self.accounts_max + ROOM_BEYOND)?;
        Vec::<Payment>::new().try_reserve_exact(self.payments_max + ROOM_BEYOND)?;
        let reservations = self.payments_max.min(RESERVATIONS_MAX) + ROOM_BEYOND;
        Vec::<[u8; RESERVATION_BYTES_MAX]>::new().try_reserve_exact(reservations)?;
        Vec::<[u8; RECALL_BYTES]>::new().try_reserve_exact(RECALLS_MAX + ROOM_BEYOND)?;
        let to_pay = REQUESTS_TO_PAY_MAX + ROOM_BEYOND;
        Vec::<[u8; REQUEST_TO_PAY_BYTES]>::new().try_reserve_exact(to_pay)?;
        Vec::<[u8; HOLD_BYTES]>::new().try_reserve_exact(HOLDS_MAX + ROOM_BEYOND)?;
        let kept = KEPT_RECORDS_MAX + RECORDS_PER_FRAME_MAX;
        Vec::<[u8; KEPT_RECORD_ROOM_BYTES]>::new().try_reserve_exact(kept)?;
        Vec::<[u8; EXCEPTION_BYTES]>::new().try_reserve_exact(EXCEPTIONS_MAX)?;
        Vec::<[u8; ORDER_BYTES]>::new().try_reserve_exact(ORDERS_MAX + ROOM_BEYOND)?;
        let packages = PACKAGES_MAX + RECORDS_PER_FRAME_MAX;
        Vec::<[u8; PACKAGE_BYTES]>::new().try_reserve_exact(packages)?;
        Vec::<[u8; REQUEST_BYTES]>::new().try_reserve_exact(self.requests_max + ROOM_BEYOND)
    }
}

/// What one request takes; asserted where it is kept.
pub(crate) const REQUEST_BYTES: usize = 96;

impl Default for Limits {
    fn default() -> Self {
        Self { accounts_max: 16 << 20, payments_max: 32 << 20, requests_max: 16 << 20 }
    }
}

/// Entries beyond the limits for which room is set aside as well: what may be under way when a limit is reached,
/// and what one frame may bring, so that no table has to grow, and be copied, at its limit.
pub(crate) const ROOM_BEYOND: usize = 1 << 18;

const _: () = assert!(ROOM_BEYOND >= (1 << 17) + 4 * RECORDS_PER_FRAME_MAX);

/// Entries that a table with an index may have: a slot has 31 bits, and a table that is half full none to spare.
pub(crate) const SLOTS_MAX: usize = 1 << 30;

/// How long a transaction id and a request id are remembered, counted in log time (TIPS: five calendar days).
pub(crate) const DUPLICATE_WINDOW: Duration = Duration::from_seconds(5 * 24 * 3600);

/// How many remembered payments, and how many requests, one frame's tick forgets at the most.
///
/// More than a frame can bring, so that forgetting keeps up with arriving.
pub(crate) const FORGOTTEN_PER_TICK_MAX: usize = 8192;

/// How many payments that are on disk one frame's tick drops at the most: as many as payments fit a frame, and more.
pub(crate) const DROPPED_PER_TICK_MAX: usize = 4096;

/// How many runs of payments on disk may be listed at once.
pub(crate) const RUNS_MAX: usize = 64;

/// A frame is at most 512 KiB and the smallest record 64 bytes, so it can't bring more records than this.
pub(crate) const RECORDS_PER_FRAME_MAX: usize = 512 * 1024 / 64;

const _: () = assert!(FORGOTTEN_PER_TICK_MAX >= RECORDS_PER_FRAME_MAX);

/// Payments that may wait for an answer before the table of reservations has to grow.
pub(crate) const RESERVATIONS_MAX: usize = 1 << 20;

/// What one open reservation may take, all in.
pub(crate) const RESERVATION_BYTES_MAX: usize = 400;

/// How many reservations one frame's tick ends at the most. Others wait for the next frame and count as ended.
///
/// More than a frame can bring, so that expiring keeps up with arriving; and their outcomes leave half of the next
/// frame to new payments.
pub(crate) const ENDED_PER_TICK_MAX: usize = 4096;

const _: () = {
    let payment = size_of::<crate::layout::Header>() + size_of::<crate::layout::Payment>();
    assert!(ENDED_PER_TICK_MAX >= 512 * 1024 / payment);
    assert!(DROPPED_PER_TICK_MAX >= 512 * 1024 / payment);
    assert!(ENDED_PER_TICK_MAX * size_of::<crate::layout::OutcomeEntry>() <= 512 * 1024 / 2);
};

/// How long a document may be that is kept as evidence.
pub(crate) const DOCUMENT_BYTES_MAX: u32 = 64 * 1024;

/// How many recalls are kept at once. One more is refused.
pub(crate) const RECALLS_MAX: usize = 1 << 20;

/// What one recall may take; asserted where it is kept.
pub(crate) const RECALL_BYTES: usize = 144;

/// How long a recall is kept: the 13 months in which its payment might be asked back, and the time for the answer to
/// that, 15 banking days, with room for holidays.
pub(crate) const RECALLS_KEPT: Duration = Duration::from_seconds(430 * 24 * 3600);

/// How many lines of words a recall or the answer to one may have.
pub(crate) const RECALL_INFORMATION_MAX: usize = 13;

/// How many questions a bank may have unanswered unless a logged command says otherwise.
pub(crate) const UNANSWERED_MAX: u32 = 1_000_000;

/// How many requests to pay may be kept at once, those that ended lately included. One more is refused.
pub(crate) const REQUESTS_TO_PAY_MAX: usize = 1 << 20;

/// The same of one payee's bank.
pub(crate) const REQUESTS_TO_PAY_PER_BANK_MAX: u32 = 1 << 18;

/// The same to one payer's account.
pub(crate) const REQUESTS_TO_PAY_PER_ACCOUNT_MAX: u32 = 1000;

/// What one request to pay may take; asserted where it is kept.
pub(crate) const REQUEST_TO_PAY_BYTES: usize = 320;

/// How far ahead a request to pay may end, and its payment be put off: less than texts are kept at least, so that its own
/// can always be read until then.
pub(crate) const REQUESTS_TO_PAY_AHEAD_MAX: Duration = Duration::from_seconds(180 * 24 * 3600);

/// How long a request to pay that has ended is kept: as long as its payment.
pub(crate) const REQUESTS_TO_PAY_KEPT: Duration = DUPLICATE_WINDOW;

/// How many requests to pay one frame's tick ends or forgets at the most. Others count as ended.
pub(crate) const REQUESTS_TO_PAY_ENDED_PER_TICK_MAX: usize = 512;

/// How many holds may be open at once. One more is refused.
pub(crate) const HOLDS_MAX: usize = 1 << 20;

/// The same on one account.
pub(crate) const HOLDS_PER_ACCOUNT_MAX: u32 = 1000;

/// What one hold may take; asserted where it is kept.
pub(crate) const HOLD_BYTES: usize = 176;

/// How far ahead a hold may end, and a record that is kept.
pub(crate) const AHEAD_MAX: Duration = Duration::from_seconds(400 * 24 * 3600);

/// How many bytes a record that is kept may have.
pub(crate) const KEPT_RECORD_BYTES_MAX: u32 = 4096;

/// How many records may be kept at once. One more is refused.
pub(crate) const KEPT_RECORDS_MAX: usize = 1 << 18;

/// How many records one owner may keep.
pub(crate) const KEPT_RECORDS_PER_OWNER_MAX: u32 = 10_000;

/// How many bytes they may have together.
pub(crate) const KEPT_RECORDS_BYTES_PER_OWNER_MAX: u64 = 16 << 20;

/// In how many name spaces a bank may keep records.
pub(crate) const KEPT_RECORDS_SPACES_MAX: usize = 8;

/// What one record that is kept may take; asserted where it is kept.
pub(crate) const KEPT_RECORD_ROOM_BYTES: usize = 240;

/// How many ranges of a bank's accounts may take part while the bank as a whole does not, or the other way round.
pub(crate) const ACTIVATION_RANGES_MAX: usize = 1024;

/// How many records that are over one frame's tick removes at the most. Others count as gone.
pub(crate) const KEPT_RECORDS_REMOVED_PER_TICK_MAX: usize = 512;

/// How many maps of postings may be set for one book, ever: one a day for 27 years.
pub(crate) const POSTING_MAPS_PER_BOOK_MAX: u32 = 10_000;

/// How many days ahead a map of postings may begin to count.
pub(crate) const POSTING_MAP_DAYS_AHEAD_MAX: i32 = 400;
/// How many exceptions may be unresolved at once. One more is refused.
pub(crate) const EXCEPTIONS_OPEN_MAX: usize = 100_000;

/// How many exceptions are kept at once. Beyond that the one that was resolved first is forgotten.
pub(crate) const EXCEPTIONS_MAX: usize = 1 << 17;

const _: () = assert!(EXCEPTIONS_OPEN_MAX < EXCEPTIONS_MAX);

/// What one exception may take; asserted where it is kept.
pub(crate) const EXCEPTION_BYTES: usize = 256;

/// How long an exception is kept after it was resolved.
pub(crate) const EXCEPTIONS_KEPT: Duration = Duration::from_seconds(400 * 24 * 3600);

/// How many resolved exceptions one frame's tick forgets at the most.
pub(crate) const EXCEPTIONS_FORGOTTEN_PER_TICK_MAX: usize = 64;

/// How many things of one kind may be noticed before they are raised as exceptions. Others are counted.
pub(crate) const NOTICED_MAX: usize = 1 << 15;

/// How many orders may be kept at once, of packages and alone. One more is refused. So many take at most
/// 576 MiB, all that finds them included; memory is committed as they come.
pub(crate) const ORDERS_MAX: usize = 2 << 20;

/// What one order may take; asserted where it is kept.
pub(crate) const ORDER_BYTES: usize = 288;

/// How many orders that stand alone an account may have.
pub(crate) const ORDERS_PER_ACCOUNT_MAX: u32 = 1000;

/// How many days ahead an order may be due.
pub(crate) const ORDER_AHEAD_DAYS_MAX: i32 = 400;

/// How long an order is kept that has ended, and the lines of a package that is complete: as long as its payment.
pub(crate) const ORDERS_KEPT: Duration = DUPLICATE_WINDOW;

/// How long what is known of a package's file is kept, so that a file is known again.
pub(crate) const PACKAGES_KEPT: Duration = Duration::from_seconds(400 * 24 * 3600);

/// How many packages may be kept at once. One more is refused.
pub(crate) const PACKAGES_MAX: usize = 1 << 18;

/// How many of them may be on their way to be complete.
pub(crate) const PACKAGES_INCOMPLETE_MAX: usize = 4096;

/// The same of one bank's.
pub(crate) const PACKAGES_PER_BANK_INCOMPLETE_MAX: usize = 100;

/// What one package may take; asserted where it is kept.
pub(crate) const PACKAGE_BYTES: usize = 384;

/// How many orders, and how much of packages, one frame's tick forgets at the most. Others count as gone.
pub(crate) const ORDERS_FORGOTTEN_PER_TICK_MAX: usize = 2048;
