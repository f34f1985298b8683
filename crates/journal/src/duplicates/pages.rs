//! Pages of a run, written and read in order and many at a time.
//!
//! Invariant: a page is handed on only if it verifies.

use super::RunError;
use super::layout::{PAGE_CONTENT, Salt, page_offset};
use crate::buffer::AlignedBuffer;
use crate::limits::{BLOCK_SIZE, in_memory, stored};
use crate::storage::StorageFile;

/// How many pages are written or read at once: 256 KiB, so that the log is not held up for long.
const AT_ONCE: usize = 64;

/// Writes pages one after the other, from page 1 on.
#[derive(Debug)]
pub(super) struct PageWriter<F> {
    pub(super) file: F,
    salt: Salt,
    buffer: AlignedBuffer,
    /// Whole pages in the buffer, behind which the one stands that is being filled.
    whole: usize,
    /// Bytes of that one.
    filled: usize,
    /// The number of the first page in the buffer.
    first: u64,
    hasher: blake3::Hasher,
}

impl<F: StorageFile> PageWriter<F> {
    pub(super) fn new(file: F, salt: Salt) -> Self {
        let buffer = AlignedBuffer::new(AT_ONCE * BLOCK_SIZE);
        Self { file, salt, buffer, whole: 0, filled: 0, first: 1, hasher: blake3::Hasher::new() }
    }

    /// Makes room for something of this length, on the next page if this one has none, and has it written there. Says
    /// whether it is the first on its page.
    pub(super) fn push(&mut self, length: usize, write: impl FnOnce(&mut [u8])) -> Result<bool, RunError> {
        if self.filled + length > PAGE_CONTENT {
            self.end_page()?;
        }
        let start = self.whole * BLOCK_SIZE + self.filled;
        write(&mut self.buffer.as_mut_slice()[start..start + length]);
        let is_first = self.filled == 0;
        self.filled += length;
        Ok(is_first)
    }

    /// Ends the page that is being filled, if anything is on it: another section follows.
    pub(super) fn end_page(&mut self) -> Result<(), RunError> {
        if self.filled == 0 {
            return Ok(());
        }
        let page = &mut self.buffer.as_mut_slice()[self.whole * BLOCK_SIZE..][..BLOCK_SIZE];
        page[self.filled..].fill(0);
        self.salt.seal(self.first + stored(self.whole), page);
        (self.whole, self.filled) = (self.whole + 1, 0);
        if self.whole == AT_ONCE { self.flush() } else { Ok(()) }
    }

    /// The number of the page that follows those that are whole.
    pub(super) fn next_page(&self) -> u64 {
        self.first + stored(self.whole)
    }

    /// Writes what is there, and says what all pages hash to.
    pub(super) fn finish(&mut self) -> Result<[u8; 32], RunError> {
        self.end_page()?;
        self.flush()?;
        Ok(*self.hasher.finalize().as_bytes())
    }

    fn flush(&mut self) -> Result<(), RunError> {
        let bytes = &self.buffer.as_slice()[..self.whole * BLOCK_SIZE];
        if !bytes.is_empty() {
            self.file.write_at(page_offset(self.first), bytes)?;
        }
        self.hasher.update(bytes);
        (self.first, self.whole) = (self.first + stored(self.whole), 0);
        Ok(())
    }
}

/// Reads the pages of a section in order.
#[derive(Debug)]
pub(super) struct PageReader {
    salt: Salt,
    number: u64,
    buffer: AlignedBuffer,
    /// Pages in the buffer, and the first of them that has not been handed on.
    read: usize,
    next: usize,
    /// The number of the page behind those in the buffer.
    page: u64,
    end: u64,
}

impl PageReader {
    /// Takes the pages from one number up to another.
    pub(super) fn new(salt: Salt, number: u64, pages: std::ops::Range<u64>) -> Self {
        let at_once = in_memory(pages.end - pages.start).min(AT_ONCE);
        let buffer = AlignedBuffer::new(at_once * BLOCK_SIZE);
        Self { salt, number, buffer, read: 0, next: 0, page: pages.start, end: pages.end }
    }

    /// The next page, checksum included; `None` at the end.
    pub(super) fn next<F: StorageFile>(&mut self, file: &F) -> Result<Option<&[u8]>, RunError> {
        if self.next == self.read {
            if self.page == self.end {
                return Ok(None);
            }
            let count = in_memory(self.end - self.page).min(AT_ONCE);
            file.read_at(page_offset(self.page), &mut self.buffer.as_mut_slice()[..count * BLOCK_SIZE])?;
            (self.read, self.next) = (count, 0);
            self.page += stored(count);
        }
        let page = &self.buffer.as_slice()[self.next * BLOCK_SIZE..][..BLOCK_SIZE];
        let number = self.page - stored(self.read - self.next);
        if !self.salt.verifies(number, page) {
            return Err(RunError::Damaged { number: self.number, page: number });
        }
        self.next += 1;
        Ok(Some(page))
    }
}

/// Reads one page.
pub(super) fn read_page<F: StorageFile>(
    file: &F,
    salt: Salt,
    number: u64,
    page: u64,
) -> Result<AlignedBuffer, RunError> {
    let mut buffer = AlignedBuffer::new(BLOCK_SIZE);
    file.read_at(page_offset(page), buffer.as_mut_slice())?;
    if salt.verifies(page, buffer.as_slice()) { Ok(buffer) } else { Err(RunError::Damaged { number, page }) }
}
