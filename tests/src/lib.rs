//! What the end-to-end tests share: nodes to talk to, a small world of banks, and clients of every service.
//!
//! Tests are in `tests/it`, and those of the binary in `crates/solvo/tests`. They use public surfaces only:
//! the gRPC contract, the command line, the folder on disk.
//!
//! Invariants:
//! - Nothing here sleeps for a time that is hoped to suffice: tests wait for a condition, see [`until`].
//! - Every node has a folder and a port of its own, so tests run side by side.

mod api;
mod bank;
pub mod certificates;
mod dependencies;
mod exchange;
pub mod http2;
mod node;
mod old_log;
mod old_recalls;
mod old_records;
mod package;
pub mod secured;
mod trimmed;
pub mod verifier;
mod wait;
mod world;

pub use api::{Api, outcome_of, settled};
pub use bank::{Bank, answer, start};
pub use dependencies::{ALLOWED, BANNED, CORE, Workspace};
pub use exchange::{Exchange, Kept, document, kept, now, order, sample};
pub use node::Node;
pub use old_log::{write_log_of_days, write_log_with_a_full_account, write_old_log, write_sealed_old_log};
pub use old_recalls::write_log_with_recalls;
pub use old_records::write_log_with_records;
pub use package::{FileLine, PackageFile, file_lines, package_header, package_messages};
pub use trimmed::{archive_log, trim_log};
pub use wait::{ago, ahead, nanoseconds, until};
pub use world::{
    ALFA, BETA, GAMMA, MIXED, OPENING_BALANCE, World, account, belgian, dutch, french, german, money, party,
    payment, payment_to_remote,
};
