//! Verification of payee: whether a name or a code is that of an account's holder.
//!
//! The rule is published in `docs/verification.md`: a list of steps, no scores. Each answer names the step that
//! decided it. The rule is tested by a corpus of pairs (`tests/corpus.txt`).
//!
//! Invariants:
//! - An answer depends on the texts alone: no configuration, no clock, no learning.
//! - No text makes it panic or cost more than its length allows.
//! - It keeps nothing and prints nothing; names and codes have no `Debug` here.

#![deny(clippy::as_conversions, clippy::float_arithmetic)]

mod candidate;
mod code;
mod finding;
mod legal_forms;
mod lei;
mod letters;
pub mod limits;
mod name;
mod organisation;
mod pairing;
mod person;
mod vat;
mod vat_rules;
mod verify;
mod words;

pub use code::{CodeError, CodeKind, check_code, verify_code};
pub use finding::{Finding, Outcome, Step};
pub use verify::verify_name;
