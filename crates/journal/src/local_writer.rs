//! Appending to the segments of a folder: one frame, one write.
//!
//! Invariants:
//! - A frame is answered `Durable` only after a durable write of its whole envelope returned without error.
//! - The first error of a write or sync ends all writing by this process; nothing is tried again.

use std::fmt;
use std::sync::Arc;

use types::Epoch;

use crate::builder::SealedFrame;
use crate::envelope::Place;
use crate::header::FrameKind;
use crate::journal::{Append, Refusal, Space, Writer};
use crate::limits::stored;
use crate::local::{Holder, Shared};
use crate::mutants::{Mutant, is_on};
use crate::open::ReadySegment;
use crate::preparer::{MakeError, held};
use crate::segment::first_frame_offset;
use crate::storage::{Storage, StorageError, StorageFile};
use crate::tail::Tail;

/// The right to append to a [`crate::LocalJournal`].
pub struct LocalWriter<S: Storage> {
    shared: Arc<Shared<S>>,
    epoch: Epoch,
    tail: Tail,
    segment: ReadySegment<S::File>,
    offset: u64,
    segment_length: u64,
}

/// Why there is no new segment to write to.
#[derive(Debug)]
pub(crate) enum RotateError {
    /// There is no room; nothing has changed.
    Refused(StorageError),
    /// A write or sync failed.
    Unknown(StorageError),
    /// A write or sync failed earlier.
    Poisoned,
    /// The log ends elsewhere.
    Moved(Tail),
}

impl<S: Storage> LocalWriter<S> {
    /// Writes the start of an epoch into a new segment. The caller knows that it follows the log's end.
    pub(crate) fn claim(shared: &Arc<Shared<S>>, epoch_start: &mut SealedFrame) -> Result<Self, RotateError> {
        let mut holder = held(&shared.holder);
        if holder.failed.is_some() {
            return Err(RotateError::Poisoned);
        }
        let before = holder.tail.expect("the log has been read before it is claimed");
        // Another writer may have appended since the caller looked.
        if before.hash != epoch_start.header().previous_hash {
            return Err(RotateError::Moved(before));
        }
        let result = Self::start(shared, &mut holder, epoch_start, before);
        if let Err(RotateError::Unknown(error)) = &result {
            holder.failed = Some(error.clone());
        }
        result
    }

    fn start(
        shared: &Arc<Shared<S>>,
        holder: &mut Holder,
        epoch_start: &mut SealedFrame,
        before: Tail,
    ) -> Result<Self, RotateError> {
        let segment = next_segment(shared)?;
        let segment_length = segment.header.length;
        let epoch = epoch_start.header().epoch;
        let offset = first_frame_offset();
        let mut writer =
            Self { shared: Arc::clone(shared), epoch, tail: before, segment, offset, segment_length };
        assert!(writer.fits(epoch_start), "the start of an epoch fits the smallest segment");
        writer.write(epoch_start).map_err(RotateError::Unknown)?;
        holder.epoch = epoch;
        holder.tail = Some(writer.tail);
        Ok(writer)
    }

    fn fits(&self, frame: &SealedFrame) -> bool {
        self.offset + stored(frame.envelope_length()) <= self.segment_length
    }

    fn write(&mut self, frame: &mut SealedFrame) -> Result<(), StorageError> {
        let (tag, segment) = (self.segment.header.tag, self.segment.header.number);
        let bytes = frame.enveloped(&Place { tag, segment, offset: self.offset });
        match is_on(Mutant::ReleaseBeforeDurable) {
            false => self.segment.file.write_durable_at(self.offset, bytes)?,
            true => self.segment.file.write_at(self.offset, bytes)?,
        }
        let length = stored(bytes.len());
        self.offset += length;
        self.tail = frame.tail();
        held(&self.shared.index).append(length, self.tail);
        Ok(())
    }

    /// Rotates if needed, then writes.
    fn place(&mut self, holder: &mut Holder, frame: &mut SealedFrame) -> Result<(), RotateError> {
        if !self.fits(frame) {
            self.segment = next_segment(&self.shared)?;
            self.offset = first_frame_offset();
        }
        assert!(self.fits(frame), "a frame longer than a segment has been refused");
        self.write(frame).map_err(RotateError::Unknown)?;
        holder.tail = Some(self.tail);
        Ok(())
    }
}

impl<S: Storage> Writer for LocalWriter<S> {
    fn append(&mut self, frame: &mut SealedFrame) -> Append {
        assert_ne!(frame.header().kind, FrameKind::EpochStart, "an epoch starts with a claim");
        let shared = Arc::clone(&self.shared);
        let mut holder = held(&shared.holder);
        if holder.epoch != self.epoch && !is_on(Mutant::AcceptOtherEpoch) {
            return Append::Fenced { epoch: holder.epoch };
        }
        if let Some(error) = &holder.failed {
            return Append::Unknown(error.clone());
        }
        if frame.hash() == self.tail.hash {
            return Append::Durable;
        }
        if self.tail.check(&shared.identity, frame.header()).is_err() {
            return Append::Conflict { tail: self.tail };
        }
        let length = stored(frame.envelope_length());
        if length > self.segment_length - first_frame_offset() {
            return Append::Refused(Refusal::TooLong { length, segment: self.segment_length });
        }
        let error = match self.place(&mut holder, frame) {
            Ok(()) => return Append::Durable,
            Err(RotateError::Refused(error)) => return Append::Refused(Refusal::NoSpace(error)),
            Err(RotateError::Unknown(error)) => error,
            Err(RotateError::Poisoned | RotateError::Moved(_)) => {
                unreachable!("only a claim ends so")
            }
        };
        holder.failed = Some(error.clone());
        Append::Unknown(error)
    }

    fn tail(&self) -> &Tail {
        &self.tail
    }

    fn space(&self) -> Space {
        self.shared.preparation.space()
    }
}

/// Takes a ready segment and names it in MANIFEST.
fn next_segment<S: Storage>(shared: &Shared<S>) -> Result<ReadySegment<S::File>, RotateError> {
    let segment = shared.preparation.take(&shared.storage).map_err(|error| match error {
        MakeError::Short(error) => RotateError::Refused(error),
        MakeError::Failed(error) => RotateError::Unknown(error),
    })?;
    let number = segment.header.number;
    shared.name_segment(number).map_err(RotateError::Unknown)?;
    held(&shared.index).begin_segment(number);
    Ok(segment)
}

impl<S: Storage> fmt::Debug for LocalWriter<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LocalWriter")
            .field("epoch", &self.epoch)
            .field("tail", &self.tail)
            .field("segment", &self.segment.header.number)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}
