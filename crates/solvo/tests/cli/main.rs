//! The binary as its users meet it: its commands, its exit codes, and its folder after signals and crashes.

// Helpers of tests are tests: a failed `unwrap` names its line, which is what a test is for.
#![allow(clippy::unwrap_used)]

mod backup;
mod banks;
mod commands;
mod crashes;
mod cutover;
mod erasure;
mod identity;
mod keys;
mod lives;
mod migrate;
mod package;
mod postings;
mod process;
mod qr;
mod recalls;
mod receipts;
mod reports;
mod request;
mod shutdown;
