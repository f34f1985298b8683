//! Who holds the accounts that are kept here: names and codes in memory, derived from the log, for those who verify payees.
//!
//! The ledger keeps no names and history keeps none on disk. So a table of them is made at each start and kept up from
//! durable frames, by a thread of its own, for which nothing waits.
//!
//! Invariants:
//! - Names are in memory only. They are overwritten when they are replaced, when the account is closed, when the key of their
//!   day is destroyed, and at the end; nothing here prints them.
//! - The table answers only when it is complete: half of it would call a customer a stranger, or know him by an old name.
//! - What counts is what the log says was carried out, in its order: no rule is applied again.

mod follower;
mod keeper;
mod table;

pub use keeper::HoldersKeeper;
pub use table::{HoldersOf, HoldersView, NamedAt, NotComplete};
