//! Making segments ready ahead of time, so that the writer never waits for zeros to be written.
//!
//! Invariant: a segment is handed out only when its zeros, its first block and its name are durable.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::buffer::AlignedBuffer;
use crate::header::Identity;
use crate::journal::Space;
use crate::limits::{BLOCK_SIZE, SEGMENTS_READY, in_memory, stored};
use crate::local::{Settings, Shared};
use crate::mutants::{Mutant, is_on};
use crate::open::{ReadySegment, UNFINISHED};
use crate::segment::{SegmentHeader, segment_name};
use crate::storage::{Access, Storage, StorageError, StorageErrorKind, StorageFile};

const ZEROS_LENGTH: usize = 1 << 20;

/// Makes one segment ready per step. The engine runs it on a thread of its own, the simulator as a step.
pub struct Preparer<S: Storage> {
    shared: Arc<Shared<S>>,
}

/// What a step did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Prepared {
    /// Nothing: enough segments are ready. Step again when [`crate::Writer::space`] says so.
    Enough,
    /// Made this segment ready. Step again.
    Made {
        /// The segment's number.
        segment: u64,
    },
    /// There is no room for another segment. Step again after a while, or after trimming.
    Short(StorageError),
    /// A write or sync failed: end the process.
    Failed(StorageError),
}

/// The segments that are ready, and those in the making.
pub(crate) struct Preparation<S: Storage> {
    identity: Identity,
    ready: Mutex<Ready<S::File>>,
    /// Held while a segment is made, apart from `ready`, so that a writer never waits for more than it needs.
    maker: Mutex<Maker>,
}

struct Ready<F> {
    segments: VecDeque<ReadySegment<F>>,
    short: bool,
}

struct Maker {
    settings: Settings,
    next_number: u64,
    zeros: AlignedBuffer,
}

/// How making a segment ends without one.
#[derive(Debug)]
pub(crate) enum MakeError {
    Short(StorageError),
    Failed(StorageError),
}

impl<S: Storage> Preparer<S> {
    pub(crate) const fn new(shared: Arc<Shared<S>>) -> Self {
        Self { shared }
    }

    /// Makes one segment ready, if fewer than [`SEGMENTS_READY`] are.
    pub fn step(&mut self) -> Prepared {
        match self.shared.preparation.step(&self.shared.storage) {
            Ok(None) => Prepared::Enough,
            Ok(Some(segment)) => Prepared::Made { segment },
            Err(MakeError::Short(error)) => Prepared::Short(error),
            Err(MakeError::Failed(error)) => {
                self.shared.fail(&error);
                Prepared::Failed(error)
            }
        }
    }

    /// Whether there is room for new work.
    pub fn space(&self) -> Space {
        self.shared.preparation.space()
    }
}

impl<S: Storage> fmt::Debug for Preparer<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Preparer").field("space", &self.space()).finish_non_exhaustive()
    }
}

impl<S: Storage> Preparation<S> {
    /// Starts with what an earlier process left ready.
    pub(crate) fn new(
        identity: Identity,
        settings: Settings,
        newest_segment: u64,
        ready: VecDeque<ReadySegment<S::File>>,
    ) -> Self {
        let next_number = newest_segment + 1 + stored(ready.len());
        let zeros = AlignedBuffer::new(ZEROS_LENGTH.min(in_memory(settings.segment_size.bytes())));
        Self {
            identity,
            ready: Mutex::new(Ready { segments: ready, short: false }),
            maker: Mutex::new(Maker { settings, next_number, zeros }),
        }
    }

    /// Whether there is room for new work.
    pub(crate) fn space(&self) -> Space {
        let ready = held(&self.ready);
        match (ready.short, ready.segments.len() >= SEGMENTS_READY) {
            (true, _) => Space::Short,
            (false, true) => Space::Ample,
            (false, false) => Space::Preparing,
        }
    }

    /// Makes a segment ready if one is wanted; says which.
    fn step(&self, storage: &S) -> Result<Option<u64>, MakeError> {
        let mut maker = held(&self.maker);
        if held(&self.ready).segments.len() >= SEGMENTS_READY {
            held(&self.ready).short = false;
            return Ok(None);
        }
        let made = maker.make(storage, self.identity);
        let mut ready = held(&self.ready);
        ready.short = matches!(made, Err(MakeError::Short(_)));
        let segment = made?;
        let number = segment.header.number;
        ready.segments.push_back(segment);
        Ok(Some(number))
    }

    /// Takes the next segment, and makes it on the spot if none is ready.
    pub(crate) fn take(&self, storage: &S) -> Result<ReadySegment<S::File>, MakeError> {
        loop {
            if let Some(segment) = held(&self.ready).segments.pop_front() {
                return Ok(segment);
            }
            self.step(storage)?;
        }
    }
}

impl Maker {
    /// Makes the next segment. Without room for it, nothing of it stays behind.
    fn make<S: Storage>(
        &mut self,
        storage: &S,
        identity: Identity,
    ) -> Result<ReadySegment<S::File>, MakeError> {
        let header = SegmentHeader {
            identity,
            number: self.next_number,
            tag: (self.settings.entropy)(),
            length: self.settings.segment_size.bytes(),
        };
        let name = segment_name(header.number);
        let unfinished = format!("{name}{UNFINISHED}");
        match self.fill(storage, &unfinished, &header) {
            Err(error) if error.kind.is_no_room() => {
                // Gives the space back. If even that fails, the next start tidies up.
                let _ = storage.remove(&unfinished);
                return Err(MakeError::Short(error));
            }
            other => other.map_err(MakeError::Failed)?,
        }
        storage.rename(&unfinished, &name).map_err(MakeError::Failed)?;
        if !is_on(Mutant::SkipDirectorySync) {
            storage.sync_directory().map_err(MakeError::Failed)?;
        }
        self.next_number += 1;
        // Opened anew, so that errors name the file as it is called now.
        let file = storage.open(&name, Access::Write).map_err(MakeError::Failed)?;
        Ok(ReadySegment { header, file })
    }

    /// Makes a file of zeros with the segment's first block, and syncs it.
    fn fill<S: Storage>(&self, storage: &S, name: &str, header: &SegmentHeader) -> Result<(), StorageError> {
        match storage.remove(name) {
            Err(error) if error.kind != StorageErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let file = storage.create(name)?;
        let mut offset = 0;
        while offset < header.length {
            let zeros = self.zeros.as_slice();
            let length = in_memory(header.length - offset).min(zeros.len());
            file.write_at(offset, &zeros[..length])?;
            offset += stored(length);
        }
        let mut block = AlignedBuffer::new(BLOCK_SIZE);
        header.encode(block.as_mut_slice());
        file.write_at(0, block.as_slice())?;
        match file.sync() {
            Err(_) if is_on(Mutant::RetryFailedSync) => file.sync(),
            synced => synced,
        }
    }
}

/// Locks. A panic of another thread while it held the lock ends the process, so what it left is never used.
pub(crate) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
