//! End-to-end tests by what users care about, through the gRPC contract and the workspace itself.
//!
//! - `journey`: from an empty folder to settled payments.
//! - `invalid`, `refusals`, `reasons`: every row of the error tables.
//! - `idempotency`, `questions`: repeats and answers, over restarts.
//! - `streams`: payments and accounts in bulk, and callers that go away.
//! - `lifecycle`, `connect`, `watch`: payments that a bank has to decide, banks that connect, and who watches.
//! - `history`: lists, entries and balances of the past.
//! - `statements`: statements of accounts and positions, and reports.
//! - `identity`: who may do what, over mutual TLS; `floods`: callers that keep to no rules.
//! - `iso`, `iso_lifecycle`, `iso_edges`: every fixture, as its sidecar says; payments that a bank has to decide, in
//!   documents; and documents from those who have no business with a payment.
//! - `receipts`: proof of settlements, and who gets it.
//! - `listener`: health, reflection, and who may listen where.
//! - `workspace`: the allowed edges between crates, and the code map.

// Helpers of tests are tests: a failed `unwrap` names its line, which is what a test is for.
#![allow(clippy::unwrap_used)]

mod connect;
mod floods;
mod history;
mod idempotency;
mod identity;
mod invalid;
mod iso;
mod iso_edges;
mod iso_lifecycle;
mod journey;
mod lifecycle;
mod listener;
mod operations;
mod questions;
mod reasons;
mod receipts;
mod refusals;
mod statements;
mod streams;
mod watch;
mod workspace;
