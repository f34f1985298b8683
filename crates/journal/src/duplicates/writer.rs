//! Writing a run: the payments, their keys, what finds them, and at last the first block.

use types::{Sequence, Timestamp};

use super::filter::{Filter, FilterLine};
use super::layout::{
    FENCE_LENGTH, KEY_LENGTH, KEYS_PER_PAGE, KeyPlace, RUN_ENTRY_LENGTH, RunHeader, Salt, Sections,
};
use super::pages::PageWriter;
use super::run::{Run, Verifying};
use super::{RunError, run_name};
use crate::buffer::AlignedBuffer;
use crate::bytes::put;
use crate::header::Identity;
use crate::limits::BLOCK_SIZE;
use crate::open::UNFINISHED;
use crate::storage::{Access, Storage, StorageErrorKind, StorageFile};

/// A run in the making, of payments that come in the order of their positions.
#[derive(Debug)]
pub struct RunWriter<S: Storage> {
    build: Build<S>,
    keys: Vec<KeyPlace>,
    upto: Sequence,
    newest_time: Timestamp,
}

impl<S: Storage> RunWriter<S> {
    /// Begins the run of this number with the payments behind `after`.
    ///
    /// # Errors
    /// If the file can't be made.
    pub fn create(storage: S, identity: Identity, number: u64, after: Sequence) -> Result<Self, RunError> {
        let build = Build::create(storage, identity, number, after)?;
        Ok(Self { build, keys: Vec::new(), upto: after, newest_time: Timestamp::default() })
    }

    /// Adds the next payment: its position, when it entered the log, the hash of its key if it holds that, and its bytes.
    ///
    /// # Errors
    /// If the file can't be written.
    ///
    /// # Panics
    /// If it does not stand behind the last one.
    pub fn push(
        &mut self,
        sequence: Sequence,
        received: Timestamp,
        key: Option<u64>,
        entry: &[u8; RUN_ENTRY_LENGTH],
    ) -> Result<(), RunError> {
        assert!(sequence > self.upto, "payments come in the order of their positions");
        self.upto = sequence;
        self.newest_time = self.newest_time.max(received);
        if let Some(hash) = key {
            let entry = u32::try_from(self.build.payments).expect("a run has fewer than 2^32 payments");
            self.keys.push(KeyPlace { hash, entry });
        }
        self.build.push_entry(sequence, entry)
    }

    /// Adds the key of one of its payments, out of another run.
    pub(super) fn push_key(&mut self, key: KeyPlace) {
        self.keys.push(key);
    }

    /// How many payments it has.
    pub const fn payments(&self) -> u64 {
        self.build.payments
    }

    /// The position of the last of them.
    pub const fn upto(&self) -> Sequence {
        self.upto
    }

    /// All payments are there: what is left is done step by step.
    ///
    /// # Errors
    /// If the file can't be written.
    ///
    /// # Panics
    /// If it has no payments.
    pub fn end(self) -> Result<RunEnding<S>, RunError> {
        let Self { mut build, mut keys, upto, newest_time } = self;
        assert!(build.payments > 0, "a run has payments");
        keys.sort_unstable();
        build.begin_keys(u64::try_from(keys.len()).expect("64 bits"))?;
        Ok(RunEnding(Ending::Keys { build, keys: keys.into_iter(), upto, newest_time }))
    }

    /// Ends the run at once, for whoever has nothing else to do meanwhile.
    ///
    /// # Errors
    /// If anything fails, or what is read is not what was written.
    ///
    /// # Panics
    /// If it has no payments.
    pub fn finish(self) -> Result<Run<S::File>, RunError> {
        let mut ending = self.end()?;
        loop {
            if let Some(run) = ending.step(usize::MAX)? {
                return Ok(run);
            }
        }
    }
}

/// A run whose payments are written: its keys follow, it gets its name, durably, and is read back.
#[derive(Debug)]
pub struct RunEnding<S: Storage>(Ending<S>);

#[derive(Debug)]
enum Ending<S: Storage> {
    /// Keys are written.
    Keys { build: Build<S>, keys: std::vec::IntoIter<KeyPlace>, upto: Sequence, newest_time: Timestamp },
    /// What was written is read back.
    Verifying(Verifying<S::File>),
    /// Nothing is left to do.
    Done,
}

impl<S: Storage> RunEnding<S> {
    /// Goes on, over about so many pages. The run, once it is there.
    ///
    /// # Errors
    /// If anything fails, or what is read is not what was written.
    pub fn step(&mut self, pages_max: usize) -> Result<Option<Run<S::File>>, RunError> {
        self.0 = match std::mem::replace(&mut self.0, Ending::Done) {
            Ending::Keys { mut build, mut keys, upto, newest_time } => {
                for key in keys.by_ref().take(pages_max.saturating_mul(KEYS_PER_PAGE)) {
                    build.push_key(key)?;
                }
                match keys.len() {
                    0 => Ending::Verifying(build.finish(upto, newest_time)?),
                    _ => Ending::Keys { build, keys, upto, newest_time },
                }
            }
            Ending::Verifying(mut verifying) => {
                if verifying.step(pages_max)? {
                    return Ok(Some(verifying.into_run()));
                }
                Ending::Verifying(verifying)
            }
            Ending::Done => Ending::Done,
        };
        Ok(None)
    }
}

/// What writes runs, whatever they are made of: payments, then keys.
#[derive(Debug)]
pub(super) struct Build<S: Storage> {
    storage: S,
    identity: Identity,
    number: u64,
    after: Sequence,
    pages: PageWriter<S::File>,
    payments: u64,
    keys: u64,
    entry_fences: Vec<u64>,
    key_fences: Vec<u64>,
    filter: Filter,
}

impl<S: Storage> Build<S> {
    pub(super) fn create(
        storage: S,
        identity: Identity,
        number: u64,
        after: Sequence,
    ) -> Result<Self, RunError> {
        let name = unfinished(number);
        let file = match storage.create(&name) {
            // What an attempt left that failed.
            Err(error) if error.kind == StorageErrorKind::Exists => {
                storage.remove(&name)?;
                storage.create(&name)?
            }
            created => created?,
        };
        Ok(Self {
            storage,
            identity,
            number,
            after,
            pages: PageWriter::new(file, Salt::new(&identity, number)),
            payments: 0,
            keys: 0,
            entry_fences: Vec::new(),
            key_fences: Vec::new(),
            filter: Filter::for_keys(0),
        })
    }

    pub(super) fn push_entry(
        &mut self,
        sequence: Sequence,
        entry: &[u8; RUN_ENTRY_LENGTH],
    ) -> Result<(), RunError> {
        let is_first = self.pages.push(RUN_ENTRY_LENGTH, |bytes| bytes.copy_from_slice(entry))?;
        if is_first {
            self.entry_fences.push(sequence.0);
        }
        self.payments += 1;
        Ok(())
    }

    /// All payments are there; so many keys follow, in the order of their hashes.
    pub(super) fn begin_keys(&mut self, keys: u64) -> Result<(), RunError> {
        self.filter = Filter::for_keys(keys);
        self.pages.end_page()
    }

    pub(super) fn push_key(&mut self, key: KeyPlace) -> Result<(), RunError> {
        if self.pages.push(KEY_LENGTH, |bytes| {
            bytes.fill(0);
            key.encode(bytes);
        })? {
            self.key_fences.push(key.hash);
        }
        self.filter.add(key.hash);
        self.keys += 1;
        Ok(())
    }

    /// Writes what finds the payments, and the first block; gives the run its name.
    pub(super) fn finish(
        mut self,
        upto: Sequence,
        newest_time: Timestamp,
    ) -> Result<Verifying<S::File>, RunError> {
        assert!(self.payments > 0, "a run has payments");
        self.pages.end_page()?;
        let sections = Sections::of(self.payments, self.keys);
        for (fences, begin) in
            [(&self.entry_fences, sections.entry_fences), (&self.key_fences, sections.key_fences)]
        {
            assert!(self.pages.next_page() == begin, "sections follow each other");
            for fence in fences {
                self.pages.push(FENCE_LENGTH, |bytes| put(bytes, 0, fence.to_le_bytes()))?;
            }
            self.pages.end_page()?;
        }
        assert!(self.pages.next_page() == sections.filter, "sections follow each other");
        for line in self.filter.lines() {
            self.pages.push(FilterLine::LENGTH, |bytes| line.encode(bytes))?;
        }
        let pages_hash = self.pages.finish()?;
        assert!(self.pages.next_page() == sections.end, "a run ends with its filter");
        let Self { identity, number, after, payments, keys, .. } = self;
        let header = RunHeader { identity, number, after, upto, newest_time, payments, keys, pages_hash };
        let mut block = AlignedBuffer::new(BLOCK_SIZE);
        header.encode(block.as_mut_slice());
        self.pages.file.write_at(0, block.as_slice())?;
        self.pages.file.sync()?;
        self.storage.rename(&unfinished(number), &run_name(number))?;
        self.storage.sync_directory()?;
        let file = self.storage.open(&run_name(number), Access::Read)?;
        let fences = [self.entry_fences, self.key_fences];
        Verifying::new(file, header, block.as_slice(), fences, self.filter)
    }
}

fn unfinished(number: u64) -> String {
    format!("{}{UNFINISHED}", run_name(number))
}
