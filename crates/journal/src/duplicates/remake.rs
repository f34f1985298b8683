//! Making a run anew, as it was, out of others that hold its payments.
//!
//! A run is removed when a larger one holds its payments, and a log that is restored to an earlier point lists it still.
//! Its payments and their keys lie in the larger run as they lay in this one, so the same bytes come of them.
//!
//! Invariant: what is left in the folder is the run that the log names, proved by its hash, or nothing.

use types::{Sequence, Timestamp};

use super::layout::{ENTRIES_PER_PAGE, KEY_LENGTH, KEYS_PER_PAGE, KeyPlace, RUN_ENTRY_LENGTH, on_page};
use super::pages::PageReader;
use super::run::{Run, sequence_of};
use super::{RunError, RunFacts, RunReader, RunWriter, remove_run};
use crate::bytes::array;
use crate::header::Identity;
use crate::limits::stored;
use crate::storage::{Storage, StorageFile};

/// Whether these runs together hold all payments that a run holds.
pub fn holds_all(runs: &[RunFacts], wanted: &RunFacts) -> bool {
    way(runs, wanted).is_some()
}

/// The runs that lead through all payments of another, in order.
fn way<'runs>(runs: &'runs [RunFacts], wanted: &RunFacts) -> Option<Vec<&'runs RunFacts>> {
    let mut way = Vec::new();
    let mut reached = wanted.after;
    while reached < wanted.upto {
        let next = next_source(runs, reached)?;
        reached = next.upto;
        way.push(next);
    }
    Some(way)
}

/// Makes the run that the log names out of `sources`, runs in the folder `from` of the same log, and gives it its name
/// in the folder `to`. `identity` is the life of the log in which it was made. `None` if the sources do not hold all its
/// payments, or something else comes of them than the log names: in another life it has other bytes.
///
/// # Errors
/// If a source can't be read, or the run can't be written.
pub fn remake_run<S: Storage>(
    from: &S,
    to: &S,
    identity: &Identity,
    wanted: &RunFacts,
    sources: &[RunFacts],
) -> Result<Option<Run<S::File>>, RunError> {
    let Some(way) = way(sources, wanted) else { return Ok(None) };
    let made = make(from, to, identity, wanted, &way);
    if !matches!(made, Ok(Some(_))) {
        remove_run(to, wanted.number)?;
    }
    made
}

fn make<S: Storage>(
    from: &S,
    to: &S,
    identity: &Identity,
    wanted: &RunFacts,
    way: &[&RunFacts],
) -> Result<Option<Run<S::File>>, RunError> {
    let mut writer = RunWriter::create(to.clone(), *identity, wanted.number, wanted.after)?;
    let mut reached = wanted.after;
    for source in way {
        let run = Run::open(from, identity, source)?;
        let upto = wanted.upto.min(source.upto);
        take(&run, reached, upto, wanted.newest_time, &mut writer)?;
        reached = upto;
    }
    if writer.payments() != wanted.payments || writer.upto() != wanted.upto {
        return Ok(None);
    }
    let run = writer.finish()?;
    Ok((run.facts() == wanted).then_some(run))
}

/// The run that holds what follows a position; the smallest, since all its keys are read.
fn next_source(runs: &[RunFacts], reached: Sequence) -> Option<&RunFacts> {
    let goes_on = |run: &&RunFacts| run.after <= reached && reached < run.upto;
    runs.iter().filter(goes_on).min_by_key(|run| run.payments)
}

/// Takes the payments between two positions out of a run, and their keys.
fn take<S: Storage>(
    run: &Run<S::File>,
    after: Sequence,
    upto: Sequence,
    newest_time: Timestamp,
    writer: &mut RunWriter<S>,
) -> Result<(), RunError> {
    let number = run.header.number;
    let before = count(writer);
    let fences = &run.entry_fences;
    let first = stored(fences.partition_point(|fence| *fence <= after.0).saturating_sub(1));
    let end = stored(fences.partition_point(|fence| *fence <= upto.0));
    let entries = run.sections.entries;
    let mut pages = PageReader::new(run.salt, number, entries + first..entries + end.max(first));
    // The places of those that are taken, which follow each other.
    let mut start = None;
    let mut page = first;
    while let Some(bytes) = pages.next(run.file())? {
        let on_it = on_page(run.header.payments, ENTRIES_PER_PAGE, page);
        for (entry, place) in
            bytes.chunks(RUN_ENTRY_LENGTH).take(on_it).zip(page * stored(ENTRIES_PER_PAGE)..)
        {
            let sequence = sequence_of(entry);
            if sequence <= after || sequence > upto {
                continue;
            }
            if sequence <= writer.upto() {
                return Err(RunError::Damaged { number, page: entries + page });
            }
            start.get_or_insert(place);
            writer.push(sequence, newest_time, None, &array(entry, 0))?;
        }
        page += 1;
    }
    let Some(start) = start else { return Ok(()) };
    let taken = count(writer) - before;
    keys(run, &mut |key| {
        let within = u64::from(key.entry).checked_sub(start).filter(|within| *within < u64::from(taken));
        if let Some(within) = within {
            let within = u32::try_from(within).expect("it is below a number of 32 bits");
            writer.push_key(KeyPlace { entry: before + within, ..key });
        }
    })
}

fn count<S: Storage>(writer: &RunWriter<S>) -> u32 {
    u32::try_from(writer.payments()).expect("a run has fewer than 2^32 payments")
}

fn keys<F: StorageFile>(run: &Run<F>, visit: &mut dyn FnMut(KeyPlace)) -> Result<(), RunError> {
    let pages = run.sections.keys..run.sections.entry_fences;
    let mut pages = PageReader::new(run.salt, run.header.number, pages);
    let mut page = 0;
    while let Some(bytes) = pages.next(run.file())? {
        let on_it = on_page(run.header.keys, KEYS_PER_PAGE, page);
        bytes.chunks(KEY_LENGTH).take(on_it).map(KeyPlace::decode).for_each(&mut *visit);
        page += 1;
    }
    Ok(())
}
