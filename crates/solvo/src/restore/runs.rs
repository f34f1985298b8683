//! The runs of duplicates that the restored state lists: copied, or made anew out of others that the backup holds.
//!
//! Invariant: each run that a start on the restored folder looks for is there when the restore has succeeded, and is the
//! one that the log names.

use anyhow::{Context, bail};
use engine::facts_of;
use journal::{FileStorage, Run, RunFacts, remake_run, run_name};

use crate::backup::catalogue::Catalogue;
use crate::backup::copy::Copier;
use crate::backup::runs::{is_outdated, lives_of, missing, of};
use crate::restore::replay::Replayed;
use crate::restore::{RestoreArgs, copy_other};

/// What came of the listed runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Runs {
    /// So many lay in the backup.
    pub(super) copied: u64,
    /// So many were made of others.
    pub(super) made: u64,
    /// So many are not there, and so old that no start looks for them.
    pub(super) outdated: u64,
}

/// Puts the runs that the state lists into the new folder.
pub(super) fn restore(
    copier: &mut Copier,
    args: &RestoreArgs,
    catalogue: &Catalogue,
    replayed: &Replayed,
) -> anyhow::Result<Runs> {
    let (from, to) = (FileStorage::open(&args.from)?, FileStorage::open(&args.data)?);
    let there = of(catalogue, &from);
    let mut runs = Runs::default();
    for wanted in replayed.runs.iter().map(facts_of) {
        let name = run_name(wanted.number);
        let file = catalogue.files.iter().find(|file| file.name == name);
        if let Some(file) = file.filter(|_| there.contains(&wanted)) {
            copier.expect(file.length);
            copy_other(copier, args, file)?;
            Run::open(&to, &catalogue.identity(), &wanted)?;
            runs.copied += 1;
        } else if is_outdated(&wanted, replayed.time) {
            runs.outdated += 1;
        } else if made(&from, &to, catalogue, replayed, &wanted, &there)
            .with_context(|| format!("{name} can't be made of other runs of the backup"))?
        {
            runs.made += 1;
        } else {
            bail!("{}", missing(&wanted));
        }
    }
    Ok(runs)
}

/// Makes a run of others, in whichever life of the log it was made first; whether that was possible.
fn made(
    from: &FileStorage,
    to: &FileStorage,
    catalogue: &Catalogue,
    replayed: &Replayed,
    wanted: &RunFacts,
    there: &[RunFacts],
) -> anyhow::Result<bool> {
    for life in lives_of(wanted, &replayed.lives, &catalogue.identity()) {
        if remake_run(from, to, &life, wanted, there)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
