//! End-to-end tests by what users care about, through the gRPC contract and the workspace itself.
//!
//! - `journey`: from an empty folder to settled payments.
//! - `invalid`, `refusals`, `reasons`: every row of the error tables.
//! - `idempotency`, `questions`: repeats and answers, over restarts.
//! - `streams`: payments and accounts in bulk, and callers that go away.
//! - `lifecycle`, `connect`, `watch`: payments that a bank has to decide, banks that connect, and who watches.
//! - `customers`: limits, restrictions, fees and clocks of banks; `reason_codes`: each code has its test.
//! - `history`: lists, entries and balances of the past.
//! - `statements`: statements of accounts and positions, and reports; `statement_kinds`: every kind of entry in them, and the
//!   dates that they bear; `day_end`: all statements of a bank's day.
//! - `identity`: who may do what, over mutual TLS; `floods`: callers that keep to no rules.
//! - `iso`, `iso_lifecycle`, `iso_edges`: every fixture, as its sidecar says; payments that a bank has to decide, in
//!   documents; and documents from those who have no business with a payment.
//! - `recalls`: settled payments that are asked back; `recalls_of_old`: windows and silence; `iso_recalls`: the same in
//!   documents; `calendar`: closing days and the business date.
//! - `liquidity`: own funds, alerts, reachable parties and blocks.
//! - `exceptions`: what is out of order, who looks after it, and what is done about it.
//! - `holds`: money that is set aside, split and paid out; `records`: what gateways keep.
//! - `activation`: which accounts take part, while banks move here from another system.
//! - `requests`: payees ask, payers answer and pay.
//! - `packages`: customers' files of orders; `orders`: what is paid on a day to come.
//! - `receipts`: proof of settlements, and who gets it.
//! - `postings`: what general ledgers take up.
//! - `payment_codes`: QR codes of payments, written and read.
//! - `verification`: whether a name is that of an account's holder, here and elsewhere.
//! - `listener`: health, reflection, and who may listen where.
//! - `workspace`: the allowed edges between crates, and the code map.

// Helpers of tests are tests: a failed `unwrap` names its line, which is what a test is for.
#![allow(clippy::unwrap_used)]

mod activation;
mod calendar;
mod connect;
mod customers;
mod day_end;
mod exceptions;
mod floods;
mod history;
mod holds;
mod idempotency;
mod identity;
mod invalid;
mod iso;
mod iso_edges;
mod iso_lifecycle;
mod iso_recalls;
mod journey;
mod lifecycle;
mod liquidity;
mod listener;
mod operations;
mod orders;
mod packages;
mod payment_codes;
mod postings;
mod questions;
mod reason_codes;
mod reasons;
mod recalls;
mod recalls_of_old;
mod receipts;
mod records;
mod refusals;
mod requests;
mod statement_kinds;
mod statements;
mod streams;
mod verification;
mod watch;
mod workspace;
