//! Payments, entries and balances of the past, and proof of settlements, derived from the log and kept on disk.
//!
//! The log is the truth, and says everything; here it is turned the other way, so that a payment is found by its
//! references, an account's entries by their time, and a balance at any moment. [`receipts`] proves what was settled to
//! whoever has no node to ask. Deleting any of it loses nothing but the time to make it again.
//!
//! A log may not begin with its first frame any more. History then begins where the oldest snapshot stands, and says so.
//!
//! Invariants:
//! - Rows come from commands and from what the log says came of them. No rule is applied again.
//! - Rows and the watermark that says up to where they go are written together, all or nothing.
//! - No row holds a name, an account number or a text. They are read from the log when an answer needs them, so what
//!   has been erased there is erased here.
//! - The node never waits for history, and a fault here ends history alone.

#![deny(clippy::as_conversions, clippy::float_arithmetic)]

mod accounts;
mod banks;
mod bookings;
mod bytes;
mod dates;
pub mod holders;
mod indexer;
mod keeper;
mod keys;
#[cfg(not(solvo_mutants))]
mod mutants;
#[cfg(solvo_mutants)]
pub mod mutants;
mod opening;
mod pending;
mod posting_maps;
mod query;
mod rebuild;
pub mod receipts;
mod rows;
mod store;
#[cfg(test)]
mod testing;
mod view;
mod walk;
mod window;

pub use bookings::{BookSide, BookSums, BookingRow, Heap, Moved, Side as PostingSide};
pub use dates::{ClockSet, Rolled};
pub use indexer::{BeginError, IndexError, Indexer};
pub use keeper::{
    Begin, FOLDER, History, ITEMS_PER_COMMIT, Keeper, Progress, Unavailable, with_oldest_snapshot,
};
pub use posting_maps::PostingMapSet;
pub use query::{AccountFilter, PaymentQuery, Side};
pub use rebuild::{Rebuild, Rebuilt};
pub use rows::{AccountOf, EntryKind, EntryRow, PaymentRow, Place};
pub use store::{Store, StoreError, Watermark};
pub use view::{BalanceAt, DAYS_MAX, EXAMINED_MAX, Found, Moment, OwnedAccount, Owner, Page, View};
pub use walk::Order;
