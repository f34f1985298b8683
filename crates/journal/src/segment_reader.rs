//! Reading one segment: whole blocks through a window, envelopes out of it.

use crate::buffer::AlignedBuffer;
use crate::bytes::is_zero;
use crate::envelope::{self, Found, Place};
use crate::header::{FrameHeader, Identity};
use crate::limits::{BLOCK_SIZE, ENVELOPE_HEADER_LENGTH, ENVELOPE_LENGTH_MAX, blocks, in_memory, stored};
use crate::segment::{SegmentFault, SegmentHeader, first_frame_offset, segment_name};
use crate::storage::{Access, Storage, StorageError, StorageErrorKind, StorageFile};

/// Several times the longest envelope, so that little is read twice where the window moves on.
const STEP_OF_A_SCAN: usize = 4 << 20;

const _: () = assert!(STEP_OF_A_SCAN >= 4 * ENVELOPE_LENGTH_MAX);

/// An open segment.
pub(crate) struct SegmentReader<F> {
    file: F,
    header: SegmentHeader,
    /// How much to read at once.
    step: usize,
    /// What stands from here on is not read.
    end: u64,
    window: AlignedBuffer,
    window_start: u64,
    window_length: usize,
}

/// Why a segment could not be opened.
#[derive(Debug)]
pub(crate) enum SegmentOpenError {
    /// There is no such file.
    Missing,
    /// Its first block is wrong.
    Fault(SegmentFault),
    /// The folder failed.
    Storage(StorageError),
}

impl<F: StorageFile> SegmentReader<F> {
    /// Opens a segment of this log and checks its first block.
    pub(crate) fn open<S: Storage<File = F>>(
        storage: &S,
        identity: &Identity,
        number: u64,
        access: Access,
    ) -> Result<Self, SegmentOpenError> {
        let file = match storage.open(&segment_name(number), access) {
            Err(error) if error.kind == StorageErrorKind::NotFound => return Err(SegmentOpenError::Missing),
            other => other.map_err(SegmentOpenError::Storage)?,
        };
        let length = file.length().map_err(SegmentOpenError::Storage)?;
        if length < first_frame_offset() {
            return Err(SegmentOpenError::Fault(SegmentFault::Unreadable));
        }
        let mut window = AlignedBuffer::new(BLOCK_SIZE);
        file.read_at(0, window.as_mut_slice()).map_err(SegmentOpenError::Storage)?;
        let header = SegmentHeader::decode(window.as_slice(), identity, number, length)
            .map_err(SegmentOpenError::Fault)?;
        let (step, end) = (STEP_OF_A_SCAN, header.length);
        Ok(Self { file, header, step, end, window, window_start: 0, window_length: 0 })
    }

    /// The same, reading so many bytes at once and none from `end` on.
    pub(crate) fn reading(self, step: usize, end: u64) -> Self {
        assert!(end <= self.header.length, "a segment's frames end in the segment");
        Self { step, end, ..self }
    }

    /// What block 0 says.
    pub(crate) const fn header(&self) -> &SegmentHeader {
        &self.header
    }

    /// The open file.
    pub(crate) fn into_file(self) -> F {
        self.file
    }

    /// Forgets what was read, so that the next look goes to the device.
    pub(crate) fn forget(&mut self) {
        self.window_length = 0;
    }

    /// Says what stands at this offset.
    pub(crate) fn inspect(&mut self, offset: u64) -> Result<Found, StorageError> {
        if offset >= self.end {
            return Ok(Found::Unreadable);
        }
        let place = Place { tag: self.header.tag, segment: self.header.number, offset };
        let Some(frame_length) = envelope::announced(self.bytes(offset, BLOCK_SIZE)?) else {
            return Ok(Found::Unreadable);
        };
        let length = blocks(ENVELOPE_HEADER_LENGTH + frame_length);
        if stored(length) > self.end - offset {
            return Ok(Found::Unreadable);
        }
        Ok(envelope::inspect(&place, self.bytes(offset, length)?))
    }

    /// The header of the frame at this offset, from its first block alone: a way to the next frame, and no proof
    /// that the frame is whole. `None` if the block does not begin like a frame of this place.
    pub(crate) fn head(&mut self, offset: u64) -> Result<Option<FrameHeader>, StorageError> {
        if offset >= self.end {
            return Ok(None);
        }
        let place = Place { tag: self.header.tag, segment: self.header.number, offset };
        let left = self.end - offset;
        let block = self.bytes(offset, BLOCK_SIZE)?;
        let Some(frame_length) = envelope::announced_at(&place, block) else { return Ok(None) };
        let head = FrameHeader::decode(&block[ENVELOPE_HEADER_LENGTH..]).ok();
        let fits = stored(blocks(ENVELOPE_HEADER_LENGTH + frame_length)) <= left;
        Ok(head.filter(|head| fits && head.frame_length() == frame_length))
    }

    /// The frame in the envelope at this offset, and the padding behind it.
    pub(crate) fn frame(&mut self, offset: u64, frame_length: usize) -> Result<(&[u8], &[u8]), StorageError> {
        let bytes = self.bytes(offset, blocks(ENVELOPE_HEADER_LENGTH + frame_length))?;
        Ok(bytes[ENVELOPE_HEADER_LENGTH..].split_at(frame_length))
    }

    /// The offset of the last block from here on that is not zero.
    pub(crate) fn last_written(&mut self, from: u64) -> Result<Option<u64>, StorageError> {
        let mut last = None;
        let mut offset = from;
        while offset < self.end {
            if !is_zero(self.bytes(offset, BLOCK_SIZE)?) {
                last = Some(offset);
            }
            offset += stored(BLOCK_SIZE);
        }
        Ok(last)
    }

    /// The offset of the first block from here on that is not zero.
    pub(crate) fn first_written(&mut self, from: u64) -> Result<Option<u64>, StorageError> {
        let mut offset = from;
        while offset < self.end {
            if !is_zero(self.bytes(offset, BLOCK_SIZE)?) {
                return Ok(Some(offset));
            }
            offset += stored(BLOCK_SIZE);
        }
        Ok(None)
    }

    /// The first whole envelope of this segment from here on: its offset and its frame's length.
    pub(crate) fn next_whole(&mut self, from: u64) -> Result<Option<(u64, usize)>, StorageError> {
        let mut offset = from;
        while offset < self.end {
            if let Found::Whole { frame_length } = self.inspect(offset)? {
                return Ok(Some((offset, frame_length)));
            }
            offset += stored(BLOCK_SIZE);
        }
        Ok(None)
    }

    /// Bytes of the file, through the window.
    fn bytes(&mut self, offset: u64, length: usize) -> Result<&[u8], StorageError> {
        assert!(offset + stored(length) <= self.end);
        let covered = offset >= self.window_start
            && offset + stored(length) <= self.window_start + stored(self.window_length);
        if !covered {
            let reach = in_memory(self.end - offset).min(self.step.max(length));
            self.window_length = 0;
            if self.window.as_slice().len() < reach {
                self.window = AlignedBuffer::new(reach);
            }
            self.file.read_at(offset, &mut self.window.as_mut_slice()[..reach])?;
            self.window_start = offset;
            self.window_length = reach;
        }
        let start = in_memory(offset - self.window_start);
        Ok(&self.window.as_slice()[start..start + length])
    }
}
