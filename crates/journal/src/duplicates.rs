//! Runs of duplicates: payments that have left the core's table, sorted on disk, immutable once they are there.
//!
//! A run holds the payments between two positions, in the order of their positions; beside them their keys in the order
//! of their hashes, and a filter that tells without reading that a key is not there. It is written once, from payments or
//! from runs that follow each other, and read by position and by key. What a payment's bytes say is laid out by
//! `ledger`, as that of records.
//!
//! Invariants:
//! - A file has a run's name only once all its bytes are on stable storage, and it is used only after they have been
//!   read back and verified.
//! - Every page that is read verifies, or the look-up fails by name: a damaged run never answers.

mod filter;
mod layout;
mod merge;
mod pages;
mod remake;
mod run;
mod writer;

#[cfg(test)]
#[path = "duplicates/remake_tests.rs"]
mod remake_tests;

#[cfg(test)]
#[path = "duplicates/tests.rs"]
mod tests;

use types::{Sequence, Timestamp};

use crate::open::UNFINISHED;
use crate::storage::{Storage, StorageError, StorageErrorKind};

pub use filter::{Filter, FilterLine};
pub use layout::{RUN_ENTRY_LENGTH, run_name, run_number};
pub use merge::Merger;
pub use remake::{holds_all, remake_run};
pub use run::{Run, RunReader, run_facts};
pub use writer::{RunEnding, RunWriter};

/// What the log says of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunFacts {
    /// Its number, which its file has in its name.
    pub number: u64,
    /// It holds the payments behind this position,
    pub after: Sequence,
    /// up to this one.
    pub upto: Sequence,
    /// The log time at which the newest of them entered the log.
    pub newest_time: Timestamp,
    /// How many payments it holds.
    pub payments: u64,
    /// BLAKE3 of its first block, which holds that of all others.
    pub hash: [u8; 32],
}

/// Why a run can't be made or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The folder or file failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Bytes of the run do not verify.
    #[error(
        "page {page} of {} does not verify: restore the file from a backup or a replica",
        run_name(*number)
    )]
    Damaged {
        /// The run.
        number: u64,
        /// The page, of 4096 bytes; the first block is page 0.
        page: u64,
    },
    /// The run is not there.
    #[error("{} is missing: restore the file from a backup or a replica", run_name(*number))]
    Missing {
        /// The run.
        number: u64,
    },
    /// A file of that name is another run, or a run of another log.
    #[error("{} is not the run that the log names: restore the file that was there", run_name(*number))]
    Another {
        /// The run.
        number: u64,
    },
    /// Written by a newer binary.
    #[error(
        "{} has format {found} and this binary reads up to {}: use the newer binary that wrote it",
        run_name(*number),
        layout::RUN_FORMAT
    )]
    NewerFormat {
        /// The run.
        number: u64,
        /// The format found.
        found: u16,
    },
}

/// Removes what is left of runs that were never finished, and runs that the log does not name (any more).
///
/// # Errors
/// If the folder fails.
pub fn tidy_runs<S: Storage>(storage: &S, named: &[u64]) -> Result<(), StorageError> {
    let mut removed = false;
    for name in storage.list()? {
        let finished = name.strip_suffix(UNFINISHED);
        let number = run_number(finished.unwrap_or(&name));
        if number.is_some_and(|number| finished.is_some() || !named.contains(&number)) {
            storage.remove(&name)?;
            removed = true;
        }
    }
    if removed { storage.sync_directory() } else { Ok(()) }
}

/// Removes a run, or what there is of it.
///
/// # Errors
/// If the folder fails.
pub fn remove_run<S: Storage>(storage: &S, number: u64) -> Result<(), StorageError> {
    let name = run_name(number);
    for name in [format!("{name}{UNFINISHED}"), name] {
        match storage.remove(&name) {
            Err(error) if error.kind == StorageErrorKind::NotFound => {}
            removed => removed?,
        }
    }
    storage.sync_directory()
}
