//! Statements and reports: how an account came from one balance to another, what a participant settled, how fast the
//! service was; and whether books that should agree do.
//!
//! Everything here is made of [`history`], which is made of the log. Nothing is kept: a statement that is asked for again
//! is made again, and says the same, save what has been erased since.
//!
//! Invariants:
//! - What is told comes from one view of history, so balances and entries are of one moment.
//! - A statement is complete only if its entries lead from its opening to its closing balance.
//! - No clock, no thread and no network: whoever calls brings the view and where to write.

#![deny(clippy::as_conversions, clippy::float_arithmetic)]

mod beside;
mod compare;
mod csv;
mod days;
mod entries;
mod external;
mod postings;
mod reconcile;
mod service;
mod settlement;
mod statement;

pub use beside::{
    Became, Beside, BesideReport, Decided, Kind, PaymentDifference, PaymentName, SideTotals, Twice,
};
pub use compare::{By, Comparison, Difference, Item, ItemError, compare};
pub use csv::{COLUMNS, CsvError, CsvReader, guarded, write_line};
pub use days::{Clock, Days, Edge, Passed, Span, TOLD_WITHIN, reached};
pub use entries::{Facts, StoredText, Texts};
pub use external::{External, ExternalError};
pub use postings::{
    NoPostings, POSTING_COLUMNS, Posting, PostingBook, PostingDay, PostingFault, PostingSum, PostingTotals,
};
pub use reconcile::{Checked, Disagreement, check_owner};
pub use service::{Availability, BankService, Hop, LIMITS_SECONDS, Latency, ServiceReport};
pub use settlement::{Counted, Flow, PositionFlows, SettlementReport, decimal};
pub use statement::{
    Asked, Form, Holder, NotNow, POSITION, Prepared, StatementFault, TECHNICAL, prepare,
    settlement_account_name,
};
