//! Writing and reading one snapshot.
//!
//! Invariants:
//! - A file has a snapshot's name only when its state and its header are durable.
//! - A snapshot for which there is no room leaves nothing behind; any other failure ends the process.

use std::fmt;
use std::io::{self, Read, Write};

use crate::buffer::AlignedBuffer;
use crate::bytes::is_zero;
use crate::header::Identity;
use crate::limits::{BLOCK_SIZE, blocks, in_memory, stored};
use crate::open::UNFINISHED;
use crate::snapshot::{SnapshotFault, SnapshotHeader, StateDigest, snapshot_name};
use crate::storage::{Access, Storage, StorageError, StorageErrorKind, StorageFile};
use crate::tail::Tail;

/// How much is written or read at once.
const STEP: usize = 1 << 20;

/// A snapshot in the making. Write the state into it, then [`SnapshotWriter::finish`].
pub struct SnapshotWriter<S: Storage> {
    storage: S,
    file: S::File,
    /// What the file will say, but for the state's length and digest.
    header: SnapshotHeader,
    buffer: AlignedBuffer,
    filled: usize,
    hasher: blake3::Hasher,
    failed: Option<StorageError>,
}

/// Why a snapshot was not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotWriteError {
    /// There is no room. Nothing is left of it; the next one may be tried later.
    #[error("there is no room for a snapshot: {0}")]
    NoSpace(StorageError),
    /// A write or sync failed: end the process.
    #[error("a snapshot could not be written: {0}")]
    Failed(StorageError),
    /// Whoever owns the state could not write it.
    #[error("the state could not be written: {0}")]
    State(String),
}

impl<S: Storage> SnapshotWriter<S> {
    /// Begins the snapshot of this number, which stands at this end of the log.
    ///
    /// # Errors
    /// If the file can't be made.
    pub fn new(
        storage: S,
        identity: Identity,
        number: u64,
        tail: Tail,
        rules_version: u32,
    ) -> Result<Self, SnapshotWriteError> {
        let name = unfinished(number);
        let made = match storage.remove(&name) {
            Err(error) if error.kind != StorageErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => storage.create(&name),
        };
        let file = made.map_err(|error| given_up(&storage, &name, error))?;
        let state_digest = StateDigest([0; 32]);
        let header = SnapshotHeader { identity, number, tail, rules_version, state_length: 0, state_digest };
        let (buffer, hasher) = (AlignedBuffer::new(STEP), blake3::Hasher::new());
        Ok(Self { storage, file, header, buffer, filled: 0, hasher, failed: None })
    }

    /// Makes the snapshot durable under its name. It counts once it is published.
    ///
    /// # Errors
    /// If a write, a sync or the renaming failed, also while the state was written.
    pub fn finish(mut self) -> Result<SnapshotHeader, SnapshotWriteError> {
        let name = unfinished(self.header.number);
        match self.complete(&name) {
            Ok(()) => Ok(self.header),
            Err(error) => Err(given_up(&self.storage, &name, error)),
        }
    }

    /// Ends a snapshot whose state could not be written to its end, with the reason: a failure of the folder, or else
    /// what the state's owner said.
    pub fn give_up(mut self, said: &io::Error) -> SnapshotWriteError {
        let name = unfinished(self.header.number);
        match self.failed.take() {
            Some(error) => given_up(&self.storage, &name, error),
            None => SnapshotWriteError::State(said.to_string()),
        }
    }

    fn complete(&mut self, name: &str) -> Result<(), StorageError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.write_out(blocks(self.filled))?;
        self.header.state_digest = StateDigest(*self.hasher.finalize().as_bytes());
        let mut block = AlignedBuffer::new(BLOCK_SIZE);
        self.header.encode(block.as_mut_slice());
        self.file.write_at(0, block.as_slice())?;
        self.file.sync()?;
        self.storage.rename(name, &snapshot_name(self.header.number))?;
        self.storage.sync_directory()
    }

    /// Writes the buffer's first bytes, whole blocks, of which those that are filled count.
    fn write_out(&mut self, length: usize) -> Result<(), StorageError> {
        let bytes = &mut self.buffer.as_mut_slice()[..length];
        bytes[self.filled..].fill(0);
        self.hasher.update(&bytes[..self.filled]);
        self.file.write_at(stored(BLOCK_SIZE) + self.header.state_length, bytes)?;
        self.header.state_length += stored(self.filled);
        self.filled = 0;
        Ok(())
    }
}

impl<S: Storage> Write for SnapshotWriter<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(error) = &self.failed {
            return Err(io::Error::other(error.clone()));
        }
        let taken = bytes.len().min(STEP - self.filled);
        self.buffer.as_mut_slice()[self.filled..self.filled + taken].copy_from_slice(&bytes[..taken]);
        self.filled += taken;
        if self.filled == STEP
            && let Err(error) = self.write_out(STEP)
        {
            self.failed = Some(error.clone());
            return Err(io::Error::other(error));
        }
        Ok(taken)
    }

    /// The rest leaves with [`SnapshotWriter::finish`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: Storage> fmt::Debug for SnapshotWriter<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SnapshotWriter").field("header", &self.header).finish_non_exhaustive()
    }
}

/// A snapshot being read. The last byte of the state comes only if the whole state has the digest that its writer
/// computed; what was made of it before that counts for nothing.
pub struct SnapshotReader<F> {
    file: F,
    header: SnapshotHeader,
    window: AlignedBuffer,
    /// What of the window has not been given yet.
    start: usize,
    end: usize,
    /// How much of the state has been taken into the window.
    taken: u64,
    hasher: blake3::Hasher,
    /// Whether all of it has been read, and is good.
    good: bool,
    fault: Option<SnapshotFault>,
}

impl<F: StorageFile> SnapshotReader<F> {
    /// Opens a snapshot of this log and checks its first block.
    ///
    /// # Errors
    /// See [`SnapshotFault`].
    pub fn open<S: Storage<File = F>>(
        storage: &S,
        identity: &Identity,
        number: u64,
    ) -> Result<Self, SnapshotFault> {
        let file = match storage.open(&snapshot_name(number), Access::Read) {
            Err(error) if error.kind == StorageErrorKind::NotFound => return Err(SnapshotFault::Missing),
            other => other?,
        };
        let length = file.length()?;
        if length < stored(BLOCK_SIZE) {
            return Err(SnapshotFault::Header);
        }
        let mut block = AlignedBuffer::new(BLOCK_SIZE);
        file.read_at(0, block.as_mut_slice())?;
        let header = SnapshotHeader::decode(block.as_slice(), identity, number, length)?;
        let window = AlignedBuffer::new(STEP.min(blocks(in_memory(header.state_length)).max(BLOCK_SIZE)));
        let hasher = blake3::Hasher::new();
        Ok(Self { file, header, window, start: 0, end: 0, taken: 0, hasher, good: false, fault: None })
    }

    /// What block 0 says.
    pub const fn header(&self) -> &SnapshotHeader {
        &self.header
    }

    /// Reads what has not been read, and says whether the file is good.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn finish(mut self) -> Result<SnapshotHeader, SnapshotFault> {
        while self.fault.is_none() && !self.good {
            self.refill().unwrap_or_else(|fault| self.fault = Some(fault));
        }
        self.fault.map_or(Ok(self.header), Err)
    }

    /// Takes the next bytes of the state into the window. With the last of them the digest is checked.
    fn refill(&mut self) -> Result<(), SnapshotFault> {
        let left = self.header.state_length - self.taken;
        let length = in_memory(left).min(self.window.as_slice().len());
        let bytes = &mut self.window.as_mut_slice()[..blocks(length)];
        self.file.read_at(stored(BLOCK_SIZE) + self.taken, bytes)?;
        self.hasher.update(&bytes[..length]);
        self.taken += stored(length);
        (self.start, self.end) = (0, length);
        if self.taken < self.header.state_length {
            return Ok(());
        }
        let (found, written) = (StateDigest(*self.hasher.finalize().as_bytes()), self.header.state_digest);
        if found != written {
            return Err(SnapshotFault::Digest { found, written });
        }
        if !is_zero(&bytes[length..]) {
            return Err(SnapshotFault::Padding);
        }
        self.good = true;
        Ok(())
    }
}

impl<F: StorageFile> Read for SnapshotReader<F> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if let Some(fault) = &self.fault {
            return Err(io::Error::other(fault.clone()));
        }
        if self.start == self.end
            && self.taken < self.header.state_length
            && let Err(fault) = self.refill()
        {
            self.fault = Some(fault.clone());
            return Err(io::Error::other(fault));
        }
        let given = bytes.len().min(self.end - self.start);
        bytes[..given].copy_from_slice(&self.window.as_slice()[self.start..self.start + given]);
        self.start += given;
        Ok(given)
    }
}

impl<F> fmt::Debug for SnapshotReader<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SnapshotReader").field("header", &self.header).finish_non_exhaustive()
    }
}

fn unfinished(number: u64) -> String {
    format!("{}{UNFINISHED}", snapshot_name(number))
}

/// Says what a failure means. Where there is no room, the space is given back.
fn given_up<S: Storage>(storage: &S, name: &str, error: StorageError) -> SnapshotWriteError {
    if !error.kind.is_no_room() {
        return SnapshotWriteError::Failed(error);
    }
    // If even that fails, the next start tidies up.
    let _ = storage.remove(name);
    SnapshotWriteError::NoSpace(error)
}
