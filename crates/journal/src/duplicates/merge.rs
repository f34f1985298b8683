//! Making one run of several that follow each other, a little at a time.
//!
//! The payments are copied one run after the other, since that is their order; the keys are merged by their hashes.

use std::sync::Arc;

use super::layout::{ENTRIES_PER_PAGE, KEY_LENGTH, KEYS_PER_PAGE, KeyPlace, RUN_ENTRY_LENGTH, on_page};
use super::pages::PageReader;
use super::run::{Run, Verifying, sequence_of};
use super::writer::Build;
use super::{RunError, RunFacts};
use crate::bytes::array;
use crate::header::Identity;
use crate::storage::Storage;

/// A run that is being made of others.
#[derive(Debug)]
pub struct Merger<S: Storage> {
    runs: Vec<Arc<Run<S::File>>>,
    phase: Phase<S>,
}

#[derive(Debug)]
enum Phase<S: Storage> {
    /// Payments are copied, of the run at this place.
    Entries { build: Build<S>, run: usize, pages: PageReader, page: u64 },
    /// Keys are merged.
    Keys { build: Build<S>, cursors: Vec<Cursor> },
    /// What was written is read back.
    Verifying(Verifying<S::File>),
    /// Nothing is left to do.
    Done,
}

/// The keys of one run that have not been taken.
#[derive(Debug)]
struct Cursor {
    pages: PageReader,
    page: u64,
    keys: std::vec::IntoIter<KeyPlace>,
    next: Option<KeyPlace>,
    /// How many payments stand before those of this run.
    before: u32,
}

impl<S: Storage> Merger<S> {
    /// Begins the run of this number.
    ///
    /// # Errors
    /// If the file can't be made.
    ///
    /// # Panics
    /// If there are not two runs or more, or they do not follow each other.
    pub fn create(
        storage: S,
        identity: Identity,
        number: u64,
        runs: Vec<Arc<Run<S::File>>>,
    ) -> Result<Self, RunError> {
        assert!(runs.len() > 1, "one run is not merged");
        let follow = runs.windows(2).all(|pair| pair[0].header.upto == pair[1].header.after);
        assert!(follow, "runs that are merged follow each other");
        let build = Build::create(storage, identity, number, runs[0].header.after)?;
        let pages = entry_pages(&runs[0]);
        Ok(Self { runs, phase: Phase::Entries { build, run: 0, pages, page: 0 } })
    }

    /// Goes on, over about so many pages. The run, once it is there.
    ///
    /// # Errors
    /// If a run can't be read, the new one can't be written, or what is read back is not what was written.
    pub fn step(&mut self, pages_max: usize) -> Result<Option<Run<S::File>>, RunError> {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Entries { build, run, pages, page } => self.copy(build, run, pages, page, pages_max)?,
            Phase::Keys { build, cursors } => self.merge(build, cursors, pages_max)?,
            Phase::Verifying(mut verifying) => {
                if verifying.step(pages_max)? {
                    return Ok(Some(verifying.into_run()));
                }
                Phase::Verifying(verifying)
            }
            Phase::Done => Phase::Done,
        };
        Ok(None)
    }

    /// What is merged, the oldest first.
    pub fn inputs(&self) -> impl Iterator<Item = RunFacts> {
        self.runs.iter().map(|run| *super::RunReader::facts(run.as_ref()))
    }

    fn copy(
        &self,
        mut build: Build<S>,
        mut run: usize,
        mut pages: PageReader,
        mut page: u64,
        pages_max: usize,
    ) -> Result<Phase<S>, RunError> {
        for _ in 0..pages_max {
            let source = &self.runs[run];
            let Some(bytes) = pages.next(source.file())? else {
                run += 1;
                if run == self.runs.len() {
                    let keys = self.runs.iter().map(|run| run.header.keys).sum();
                    build.begin_keys(keys)?;
                    let cursors = self.cursors()?;
                    return Ok(Phase::Keys { build, cursors });
                }
                (pages, page) = (entry_pages(&self.runs[run]), 0);
                continue;
            };
            let count = on_page(source.header.payments, ENTRIES_PER_PAGE, page);
            for entry in bytes.chunks(RUN_ENTRY_LENGTH).take(count) {
                build.push_entry(sequence_of(entry), &array(entry, 0))?;
            }
            page += 1;
        }
        Ok(Phase::Entries { build, run, pages, page })
    }

    fn cursors(&self) -> Result<Vec<Cursor>, RunError> {
        let mut before = 0;
        let mut cursors = Vec::with_capacity(self.runs.len());
        for run in &self.runs {
            let pages = run.sections.keys..run.sections.entry_fences;
            let pages = PageReader::new(run.salt, run.header.number, pages);
            let mut cursor = Cursor { pages, page: 0, keys: Vec::new().into_iter(), next: None, before };
            cursor.advance(run)?;
            cursors.push(cursor);
            before += u32::try_from(run.header.payments).expect("a run has fewer than 2^32 payments");
        }
        Ok(cursors)
    }

    fn merge(
        &self,
        mut build: Build<S>,
        mut cursors: Vec<Cursor>,
        pages_max: usize,
    ) -> Result<Phase<S>, RunError> {
        for _ in 0..pages_max.saturating_mul(KEYS_PER_PAGE) {
            let next =
                cursors.iter().zip(0..).filter_map(|(cursor, place)| Some((cursor.next?, place))).min();
            let Some((key, place)) = next else {
                let last = &self.runs[self.runs.len() - 1].header;
                return Ok(Phase::Verifying(build.finish(last.upto, last.newest_time)?));
            };
            build.push_key(key)?;
            let place: usize = place;
            cursors[place].advance(&self.runs[place])?;
        }
        Ok(Phase::Keys { build, cursors })
    }
}

impl Cursor {
    /// Takes the next key, whose payment now stands behind those of the runs before.
    fn advance<F: crate::storage::StorageFile>(&mut self, run: &Run<F>) -> Result<(), RunError> {
        self.next = self.keys.next();
        if self.next.is_none()
            && let Some(bytes) = self.pages.next(run.file())?
        {
            let count = on_page(run.header.keys, KEYS_PER_PAGE, self.page);
            let keys = bytes.chunks(KEY_LENGTH).take(count).map(KeyPlace::decode);
            let before = self.before;
            let keys = keys.map(|key| KeyPlace { entry: key.entry + before, ..key });
            self.keys = keys.collect::<Vec<_>>().into_iter();
            self.page += 1;
            self.next = self.keys.next();
        }
        Ok(())
    }
}

fn entry_pages<F: crate::storage::StorageFile>(run: &Run<F>) -> PageReader {
    PageReader::new(run.salt, run.header.number, run.sections.entries..run.sections.keys)
}
