//! The runs of duplicates in a backup: which are there, which are enough, and which no restore needs any more.
//!
//! The state at each point of the log lists runs, and a start needs those whose payments are not all older than the
//! window. A node removes a run when a larger one holds its payments, or when they are that old. So a run that is not in
//! the backup can be made anew out of others, or is not needed by any start after the backup was made.
//!
//! Invariant: a run leaves the backup only for one of these two reasons.

use std::collections::BTreeSet;

use anyhow::{Context, bail};
use engine::facts_of;
use journal::{FileStorage, Identity, Run, RunFacts, holds_all, run_facts, run_name, run_number};
use ledger::{Ledger, duplicate_window_start};
use types::{Duration, Timestamp};

use crate::backup::catalogue::Catalogue;
use crate::clock;

/// So much longer than a start needs them runs are kept, for a machine whose clock is behind.
const MARGIN: Duration = Duration::from_seconds(24 * 3600);

/// The runs that a backup lists. One whose first block does not verify is left out: it is of no use.
pub(crate) fn of(catalogue: &Catalogue, storage: &FileStorage) -> Vec<RunFacts> {
    let numbers = catalogue.files.iter().filter_map(|file| file.run());
    numbers.filter_map(|number| run_facts(storage, &catalogue.identity(), number).ok()).collect()
}

/// Whether a file is a run of this log and all of it verifies.
pub(crate) fn is_whole(storage: &FileStorage, log: &Identity, name: &str) -> bool {
    let Some(number) = run_number(name) else { return false };
    let opened = run_facts(storage, log, number).and_then(|facts| Run::open(storage, log, &facts));
    opened.is_ok_and(|run| run.verify().is_ok())
}

/// Whether no start from now on looks for a run: its newest payment is older than the window. Log time at a start is
/// not before this machine's clock, nor before the log's end.
pub(crate) fn is_outdated(run: &RunFacts, log_end: Timestamp) -> bool {
    run.newest_time < duplicate_window_start(now().max(log_end))
}

/// The machine's clock. One that shows no time that can be is taken as behind all others.
fn now() -> Timestamp {
    clock::now().unwrap_or_default()
}

/// Checks that every run that the log lists at its end is there and whole, or can be made of others.
pub(crate) fn check(
    catalogue: &Catalogue,
    storage: &FileStorage,
    ledger: &Ledger,
    log_end: Timestamp,
) -> anyhow::Result<()> {
    let there = of(catalogue, storage);
    for wanted in ledger.sealed_runs().iter().map(facts_of) {
        if there.contains(&wanted) {
            let run = Run::open(storage, &catalogue.identity(), &wanted)?;
            run.verify().with_context(|| format!("{} is damaged", run_name(wanted.number)))?;
        } else if !holds_all(&there, &wanted) && !is_outdated(&wanted, log_end) {
            bail!("{}", missing(&wanted));
        }
    }
    Ok(())
}

/// What to say of a run that is needed and not there.
pub(crate) fn missing(run: &RunFacts) -> String {
    format!(
        "{}, which the log lists there, is not in the backup, and neither are runs that hold its payments (behind {} up \
         to {}): without it a repeat could book again. Back the node up anew if it still runs, or use another backup or \
         another point",
        run_name(run.number),
        run.after,
        run.upto
    )
}

/// The runs that no restore needs any more, by their names: `held` are the names of those that the node held when the
/// run of the backup began, which the log may list at its end.
pub(crate) fn superfluous(
    catalogue: &Catalogue,
    storage: &FileStorage,
    held: &BTreeSet<String>,
) -> Vec<String> {
    let limit = duplicate_window_start(catalogue.end().time).minus(MARGIN);
    superfluous_of(of(catalogue, storage), |number| held.contains(&run_name(number)), limit)
        .into_iter()
        .map(run_name)
        .collect()
}

fn superfluous_of(mut there: Vec<RunFacts>, is_held: impl Fn(u64) -> bool, limit: Timestamp) -> Vec<u64> {
    let mut left_out = Vec::new();
    // The smallest first: what holds it stays, or is held by another in turn.
    there.sort_unstable_by_key(|run| (run.payments, run.number));
    let mut at = 0;
    while at < there.len() {
        let run = there[at];
        let holds_it = |other: &RunFacts| other.after <= run.after && run.upto <= other.upto;
        let is_superfluous = run.newest_time < limit || there[at + 1..].iter().any(holds_it);
        if is_superfluous && !is_held(run.number) {
            left_out.push(there.remove(at).number);
        } else {
            at += 1;
        }
    }
    left_out
}

/// The life of the log in which a run may have been made, the likeliest first: it was made behind its last payment.
pub(crate) fn lives_of(run: &RunFacts, lives: &types::Lives, log: &Identity) -> Vec<Identity> {
    let first = lives.at(run.upto).first;
    let later = lives.iter().filter(|life| life.first >= first);
    later.map(|life| Identity { incarnation: life.incarnation, ..*log }).collect()
}

#[cfg(test)]
#[path = "runs_tests.rs"]
mod tests;
