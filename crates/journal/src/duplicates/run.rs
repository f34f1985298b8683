//! Reading a run: by position, and by key.

use std::fmt;

use types::Sequence;

use super::filter::{Filter, FilterLine, lines_for};
use super::layout::{
    ENTRIES_PER_PAGE, ENTRY_SEQUENCE, FENCE_LENGTH, KEY_LENGTH, KEYS_PER_PAGE, KeyPlace, PAGE_CONTENT,
    RUN_ENTRY_LENGTH, RunHeader, Salt, Sections, on_page, page_offset,
};
use super::pages::{PageReader, read_page};
use super::{RunError, RunFacts, run_name};
use crate::buffer::AlignedBuffer;
use crate::bytes::{array, u64_at};
use crate::header::Identity;
use crate::limits::{BLOCK_SIZE, in_memory, stored};
use crate::storage::{Access, Storage, StorageErrorKind, StorageFile};

/// A run as those who look payments up see it, on any thread.
pub trait RunReader: Send + Sync + fmt::Debug {
    /// What the log says of it.
    fn facts(&self) -> &RunFacts;

    /// Which keys it may hold.
    fn filter(&self) -> &Filter;

    /// The newest payment under a key with this hash that `is_it` recognises by its bytes.
    ///
    /// # Errors
    /// If the file can't be read or a page does not verify.
    fn find_key(
        &self,
        hash: u64,
        is_it: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Option<[u8; RUN_ENTRY_LENGTH]>, RunError>;

    /// The payment at this position.
    ///
    /// # Errors
    /// As [`Self::find_key`].
    fn find_position(&self, sequence: Sequence) -> Result<Option<[u8; RUN_ENTRY_LENGTH]>, RunError>;
}

/// A run in a file. What finds a payment is in memory, the payments are not.
pub struct Run<F> {
    file: F,
    pub(super) salt: Salt,
    facts: RunFacts,
    pub(super) header: RunHeader,
    pub(super) sections: Sections,
    pub(super) entry_fences: Vec<u64>,
    key_fences: Vec<u64>,
    filter: Filter,
}

impl<F: StorageFile> Run<F> {
    /// Opens the run that the log names.
    ///
    /// # Errors
    /// If it is not there, is another one, can't be read, or what finds its payments does not verify.
    pub fn open<S: Storage<File = F>>(
        storage: &S,
        identity: &Identity,
        named: &RunFacts,
    ) -> Result<Self, RunError> {
        let number = named.number;
        let (file, header, facts) = open_head(storage, identity, number)?;
        if facts != *named {
            return Err(RunError::Another { number });
        }
        let sections = Sections::of(header.payments, header.keys);
        let length = file.length()?;
        if length != page_offset(sections.end) {
            let page = length.min(page_offset(sections.end)) / stored(BLOCK_SIZE);
            return Err(RunError::Damaged { number, page });
        }
        let salt = Salt::new(&header.identity, number);
        let (mut entry_fences, mut key_fences, mut lines) = (Vec::new(), Vec::new(), Vec::new());
        let section = |pages: std::ops::Range<u64>, count, length, take: &mut dyn FnMut(&[u8])| {
            let mut reader = PageReader::new(salt, number, pages);
            let mut left = in_memory(count);
            while let Some(page) = reader.next(&file)? {
                let parts = page[..PAGE_CONTENT].chunks_exact(length).take(left);
                left -= parts.map(&mut *take).count();
            }
            Ok::<(), RunError>(())
        };
        let fences = sections.entry_fences..sections.key_fences;
        section(fences, sections.keys - sections.entries, FENCE_LENGTH, &mut |fence| {
            entry_fences.push(u64_at(fence, 0));
        })?;
        let fences = sections.key_fences..sections.filter;
        section(fences, sections.entry_fences - sections.keys, FENCE_LENGTH, &mut |fence| {
            key_fences.push(u64_at(fence, 0));
        })?;
        section(sections.filter..sections.end, lines_for(header.keys), FilterLine::LENGTH, &mut |line| {
            lines.push(FilterLine::decode(line));
        })?;
        let filter = Filter::of_lines(lines);
        Ok(Self { file, salt, facts, header, sections, entry_fences, key_fences, filter })
    }

    /// Reads all of it and compares it with the hash that the log names.
    ///
    /// # Errors
    /// If it can't be read, or a page does not verify.
    pub fn verify(&self) -> Result<(), RunError> {
        let number = self.facts.number;
        let mut pages = PageReader::new(self.salt, number, 1..self.sections.end);
        let mut hasher = blake3::Hasher::new();
        while let Some(page) = pages.next(&self.file)? {
            hasher.update(page);
        }
        let is_same = *hasher.finalize().as_bytes() == self.header.pages_hash;
        if is_same { Ok(()) } else { Err(RunError::Damaged { number, page: 0 }) }
    }

    pub(super) const fn file(&self) -> &F {
        &self.file
    }

    fn page(&self, page: u64) -> Result<AlignedBuffer, RunError> {
        read_page(&self.file, self.salt, self.facts.number, page)
    }

    /// The payment at this place of the run.
    fn entry(&self, place: u32) -> Result<[u8; RUN_ENTRY_LENGTH], RunError> {
        let per_page = stored(ENTRIES_PER_PAGE);
        let page = self.sections.entries + u64::from(place) / per_page;
        if page >= self.sections.keys {
            return Err(RunError::Damaged { number: self.facts.number, page });
        }
        let at = in_memory(u64::from(place) % per_page) * RUN_ENTRY_LENGTH;
        Ok(array(self.page(page)?.as_slice(), at))
    }

    /// The places of the payments under keys of this hash, in their order.
    fn places(&self, hash: u64) -> Result<Vec<u32>, RunError> {
        // The first of them may stand at the end of the page before the first that begins with the hash.
        let first = self.key_fences.partition_point(|fence| *fence < hash).saturating_sub(1);
        let pages = self.key_fences[first..].iter().take_while(|fence| **fence <= hash).count();
        let mut places = Vec::new();
        for page in stored(first)..stored(first + pages) {
            let bytes = self.page(self.sections.keys + page)?;
            let count = on_page(self.header.keys, KEYS_PER_PAGE, page);
            let keys = bytes.as_slice().chunks(KEY_LENGTH).take(count).map(KeyPlace::decode);
            places.extend(keys.filter(|key| key.hash == hash).map(|key| key.entry));
        }
        Ok(places)
    }
}

impl<F: StorageFile> RunReader for Run<F> {
    fn facts(&self) -> &RunFacts {
        &self.facts
    }

    fn filter(&self) -> &Filter {
        &self.filter
    }

    fn find_key(
        &self,
        hash: u64,
        is_it: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Option<[u8; RUN_ENTRY_LENGTH]>, RunError> {
        for place in self.places(hash)?.into_iter().rev() {
            let entry = self.entry(place)?;
            if is_it(&entry) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    fn find_position(&self, sequence: Sequence) -> Result<Option<[u8; RUN_ENTRY_LENGTH]>, RunError> {
        let behind = self.entry_fences.partition_point(|fence| *fence <= sequence.0);
        let Some(page) = behind.checked_sub(1).map(stored) else { return Ok(None) };
        let bytes = self.page(self.sections.entries + page)?;
        let count = on_page(self.header.payments, ENTRIES_PER_PAGE, page);
        let mut entries = bytes.as_slice().chunks(RUN_ENTRY_LENGTH).take(count);
        let found = entries.find(|entry| sequence_of(entry) == sequence);
        Ok(found.map(|entry| array(entry, 0)))
    }
}

impl<F> fmt::Debug for Run<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Run").field("facts", &self.facts).finish_non_exhaustive()
    }
}

/// What the log says of the run of this number, if it is the one in the folder: read from the file's first block.
///
/// # Errors
/// If it is not there, is of another log, or its first block does not verify.
pub fn run_facts<S: Storage>(storage: &S, identity: &Identity, number: u64) -> Result<RunFacts, RunError> {
    open_head(storage, identity, number).map(|(_, _, facts)| facts)
}

/// Opens a file and reads its first block.
fn open_head<S: Storage>(
    storage: &S,
    identity: &Identity,
    number: u64,
) -> Result<(S::File, RunHeader, RunFacts), RunError> {
    let file = storage.open(&run_name(number), Access::Read).map_err(|error| {
        match error.kind == StorageErrorKind::NotFound {
            true => RunError::Missing { number },
            false => RunError::Storage(error),
        }
    })?;
    if file.length()? < stored(BLOCK_SIZE) {
        return Err(RunError::Damaged { number, page: 0 });
    }
    let mut block = AlignedBuffer::new(BLOCK_SIZE);
    file.read_at(0, block.as_mut_slice())?;
    let header = RunHeader::decode(block.as_slice(), identity, number)?;
    let facts = header.facts(block.as_slice());
    Ok((file, header, facts))
}

/// The position in the bytes of a payment.
pub(super) fn sequence_of(entry: &[u8]) -> Sequence {
    Sequence(u64_at(entry, ENTRY_SEQUENCE))
}

/// A run that has its name and is being read back.
#[derive(Debug)]
pub(super) struct Verifying<F> {
    run: Run<F>,
    pages: PageReader,
    hasher: blake3::Hasher,
}

impl<F: StorageFile> Verifying<F> {
    /// Checks that the first block is what was written, and begins with the others.
    pub(super) fn new(
        file: F,
        header: RunHeader,
        block: &[u8],
        [entry_fences, key_fences]: [Vec<u64>; 2],
        filter: Filter,
    ) -> Result<Self, RunError> {
        let number = header.number;
        let mut read = AlignedBuffer::new(BLOCK_SIZE);
        file.read_at(0, read.as_mut_slice())?;
        if read.as_slice() != block {
            return Err(RunError::Damaged { number, page: 0 });
        }
        let salt = Salt::new(&header.identity, number);
        let sections = Sections::of(header.payments, header.keys);
        let pages = PageReader::new(salt, number, 1..sections.end);
        let facts = header.facts(block);
        let run = Run { file, salt, facts, header, sections, entry_fences, key_fences, filter };
        Ok(Self { run, pages, hasher: blake3::Hasher::new() })
    }

    /// Reads at most so many pages back. Says whether all have been, and are what was written.
    pub(super) fn step(&mut self, pages_max: usize) -> Result<bool, RunError> {
        for _ in 0..pages_max {
            let Some(page) = self.pages.next(&self.run.file)? else {
                let number = self.run.facts.number;
                let is_same = *self.hasher.finalize().as_bytes() == self.run.header.pages_hash;
                return if is_same { Ok(true) } else { Err(RunError::Damaged { number, page: 0 }) };
            };
            self.hasher.update(page);
        }
        Ok(false)
    }

    pub(super) fn into_run(self) -> Run<F> {
        self.run
    }
}
