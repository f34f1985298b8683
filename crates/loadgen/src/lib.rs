//! What drives a node from outside: the demo world, stored documents, and load with an audit of every reply.
//!
//! - [`world`] registers the demo's banks and customers.
//! - [`read_documents`] and [`submit_documents`] send stored ISO 20022 documents and compare what came of
//!   them with what their sidecars expect.
//! - [`write_salaries`] makes a file of orders in the demo world.
//! - [`Counterparts`] are banks to test with, which behave and misbehave as told; [`Responders`] are banks that cost
//!   little and accept everything.
//! - [`load`] sends payments at a fixed rate or as fast as they are answered, and audits the books
//!   afterwards. [`drive`] is the sending alone, and [`Books`] the audit alone, for those who measure.
//!
//! Invariants:
//! - At a fixed rate latency counts from the time at which a payment was *meant* to be sent, so a node that
//!   stalls can't hide it by slowing down its client (coordinated omission).
//! - A payment whose answer was lost counts as unknown until the log has been asked; it is never guessed.
//! - What is counted as settled is what replies said. The audit compares it with the books, not with itself.
//! - Everything is bounded: calls in flight, payments of a run, accounts, documents and attempts.

mod accounts;
mod asked_back;
mod audit;
mod balances;
mod banks;
mod books;
mod clock;
mod confirmed;
mod connect_wire;
mod counterpart;
mod documents;
mod drive;
mod elsewhere;
mod error;
mod exchange;
mod expected;
mod lane;
mod load;
mod options;
mod pacer;
mod parallel;
mod plan;
mod progress;
mod random;
mod report;
mod resolve;
mod responders;
mod salaries;
mod schedule;
mod setup;
mod stream_lane;
mod submit;
mod tally;
#[cfg(test)]
mod testing;
mod text;
mod unary_lane;
mod wire;
pub mod world;

pub use accounts::{LoadAccount, opening};
pub use asked_back::{AskedBack, ask_back};
pub use audit::{AuditReport, Check};
pub use banks::{Bank, LOAD_BANKS, LOAD_REMOTE_BANKS};
pub use books::Books;
pub use confirmed::Confirmed;
pub use counterpart::{
    Behaviour, BehaviourMix, CounterpartOptions, CounterpartReport, CounterpartTally, Counterparts,
    CounterpartsReport,
};
pub use documents::{Document, read_documents};
pub use drive::drive;
pub use elsewhere::{Elsewhere, pay_elsewhere};
pub use error::LoadgenError;
pub use expected::{DocumentStatus, Expected};
pub use load::load;
pub use options::{Arrivals, Extent, LoadOptions, Mode, Rate, RemotePayees, RunId, Workload};
pub use progress::{Progress, Silent, Stage, TerminalProgress};
pub use report::{Counts, Driven, Latency, LoadReport};
pub use responders::{ResponderCounts, Responders};
pub use salaries::write_salaries;
pub use submit::{Submitted, submit_documents};
