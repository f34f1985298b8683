//! Which life of its log a node goes on with, and how a new one begins after a restore.
//!
//! Invariant: the first record of a life says so, before any other of that life.

use journal::{Identity, Restored};
use ledger::{Ledger, RecordWriter};
use types::{Life, Sequence};

use crate::start::StartError;

/// What the log has to be told before it goes on: that it was restored, if its records do not say so yet.
///
/// # Errors
/// If the records lead to another log, or to another life of this one, than its frames are of. The genesis names
/// the log it belongs to, so that frames of another can't stand in for it.
pub(crate) fn to_begin(
    ledger: &Ledger,
    identity: &Identity,
    restored: Option<Restored>,
) -> Result<Option<Restored>, StartError> {
    let Some(setup) = ledger.setup() else { return Ok(None) };
    let last = ledger.lives().last();
    if setup.cluster == identity.cluster && last.incarnation == identity.incarnation {
        return Ok(None);
    }
    let begins = restored
        .filter(|restored| setup.cluster == identity.cluster && restored.previous == last.incarnation);
    let words = "the records name another cluster or incarnation than their frames";
    begins.map(Some).ok_or_else(|| StartError::Begin(words.to_owned()))
}

/// Writes the first record of the life that a restore begins.
pub(crate) fn begin(commands: &mut RecordWriter, identity: &Identity, restored: &Restored) {
    let Restored { previous, next_sequence: Sequence(first), .. } = *restored;
    let life = Life { incarnation: identity.incarnation, first: Sequence(first) };
    commands.begin_incarnation(identity.cluster, life, previous);
}

#[cfg(test)]
#[path = "life_tests.rs"]
mod tests;
