//! Segments that no start needs any more: in the folder `archive` of the data folder, under their own names.
//!
//! A segment is found by its first frame: one block is read of each that is looked at, and a position or batch is
//! looked up by halving. So nothing about the archive is kept in memory, however many years it holds.
//!
//! Invariants:
//! - A segment is in the archive or beside MANIFEST, never in both and never in neither; MANIFEST says where it belongs
//!   before it is moved, and a start, or the next move, finishes what was left of one.
//! - What counts as archived has no gap: it reaches from the oldest such segment up to those that MANIFEST names.

use std::ops::Range;

use types::{BatchNumber, Sequence, Timestamp};

use crate::header::{FrameHeader, FrameKind, Identity};
use crate::journal::{Location, ReadError};
use crate::recovery::{Damage, DamageKind};
use crate::segment::{first_frame_offset, segment_name, segment_number};
use crate::segment_reader::{SegmentOpenError, SegmentReader};
use crate::storage::{Access, Storage, StorageError, StorageErrorKind};
use crate::tail::Tail;

/// The folder's name.
pub const ARCHIVE_NAME: &str = "archive";

/// A segment that is removed from the archive for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemovedSegment {
    /// Its number.
    pub segment: u64,
    /// The first batch that is there without it.
    pub first_kept: BatchNumber,
    /// The last position in it.
    pub last_sequence: Sequence,
    /// All of its frames were stamped before this.
    pub ended_before: Timestamp,
}

/// What lies in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Archived {
    /// Its oldest segment, if it holds any.
    pub oldest: Option<u64>,
    /// How many segments.
    pub segments: u64,
}

/// The archive, if there is one.
pub(crate) fn existing<S: Storage>(storage: &S) -> Result<Option<S>, StorageError> {
    match storage.folder(ARCHIVE_NAME) {
        Ok(archive) => Ok(Some(archive)),
        Err(error) if error.kind == StorageErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The oldest segment that can be read, of a log whose MANIFEST names segments from this one on.
pub(crate) fn oldest_segment<S: Storage>(storage: &S, oldest_named: u64) -> Result<u64, StorageError> {
    // The first move of all may have ended before the folder was made.
    let names = existing(storage)?.map_or(Ok(Vec::new()), |archive| archive.list())?;
    let mut numbers: Vec<_> = names.iter().filter_map(|name| segment_number(name)).collect();
    numbers.sort_unstable();
    let mut oldest = oldest_named;
    // A file that is still to be moved lies beside MANIFEST, below what that names.
    while numbers.binary_search(&(oldest - 1)).is_ok() || (oldest > 1 && is_beside(storage, oldest - 1)?) {
        oldest -= 1;
    }
    Ok(oldest)
}

pub(crate) fn is_beside<S: Storage>(storage: &S, number: u64) -> Result<bool, StorageError> {
    match storage.open(&segment_name(number), Access::Read) {
        Ok(_) => Ok(true),
        Err(error) if error.kind == StorageErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Moves all segments below this one into the archive; durable on return. Those for whose names there is no room stay
/// where they are, where they are found as well, and are moved the next time.
pub(crate) fn take_in<S: Storage>(storage: &S, oldest_named: u64) -> Result<(), StorageError> {
    let names = storage.list()?;
    let is_old = |name: &&String| segment_number(name).is_some_and(|number| number < oldest_named);
    let mut old = names.iter().filter(is_old).peekable();
    if old.peek().is_none() {
        return Ok(());
    }
    let archive = match storage.create_folder(ARCHIVE_NAME) {
        Err(error) if error.kind.is_no_room() => return Ok(()),
        archive => archive?,
    };
    for name in old {
        match storage.move_to(name, &archive) {
            Err(error) if error.kind.is_no_room() => break,
            moved => moved?,
        }
    }
    archive.sync_directory()?;
    storage.sync_directory()
}

/// Opens a segment where it lies: beside MANIFEST or in the archive, to which it may move at any time.
pub(crate) fn open_segment<S: Storage>(
    storage: &S,
    identity: &Identity,
    number: u64,
) -> Result<SegmentReader<S::File>, SegmentOpenError> {
    match SegmentReader::open(storage, identity, number, Access::Read) {
        Err(SegmentOpenError::Missing) => {}
        other => return other,
    }
    let archive = existing(storage).map_err(SegmentOpenError::Storage)?;
    archive.map_or(Err(SegmentOpenError::Missing), |archive| {
        SegmentReader::open(&archive, identity, number, Access::Read)
    })
}

/// Looks segments up by their first frames.
#[derive(Debug)]
pub(crate) struct Shelf<'s, S> {
    pub(crate) storage: &'s S,
    pub(crate) identity: Identity,
    /// The frame that is looked for, as far as is known: what a message about a segment names.
    pub(crate) expected: BatchNumber,
}

impl<S: Storage> Shelf<'_, S> {
    /// The header of a segment's first frame, from its first block alone; `None` if it has none that can be read.
    pub(crate) fn head(&self, number: u64) -> Result<Option<FrameHeader>, ReadError> {
        let mut segment = self.open(number)?;
        Ok(segment.head(first_frame_offset())?)
    }

    /// The first of these segments that has a frame, and that frame's header.
    pub(crate) fn next_head(&self, numbers: Range<u64>) -> Result<Option<(u64, FrameHeader)>, ReadError> {
        for number in numbers {
            if let Some(head) = self.head(number)? {
                return Ok(Some((number, head)));
            }
        }
        Ok(None)
    }

    /// The last of these segments whose first frame is wanted, where all are wanted up to some segment.
    pub(crate) fn last_segment(
        &self,
        numbers: Range<u64>,
        is_wanted: &dyn Fn(&FrameHeader) -> bool,
    ) -> Result<Option<(u64, FrameHeader)>, ReadError> {
        let Range { start: mut low, end: mut high } = numbers;
        let mut found = None;
        while low < high {
            let middle = low + (high - low) / 2;
            match self.next_head(middle..high)? {
                Some((number, head)) if is_wanted(&head) => {
                    found = Some((number, head));
                    low = number + 1;
                }
                Some(_) | None => high = middle,
            }
        }
        Ok(found)
    }

    /// As [`Self::last_segment`], of the segments that begin with a whole frame: a damaged head leads to an earlier one,
    /// and whoever reads on from there meets the damage.
    pub(crate) fn last_whole_segment(
        &self,
        numbers: Range<u64>,
        is_wanted: &dyn Fn(&FrameHeader) -> bool,
    ) -> Result<Option<(u64, FrameHeader)>, ReadError> {
        let Range { start, mut end } = numbers;
        while let Some((number, _)) = self.last_segment(start..end, is_wanted)? {
            if let Some(head) = self.first_frame(number)?.filter(is_wanted) {
                return Ok(Some((number, head)));
            }
            end = number;
        }
        Ok(None)
    }

    /// A segment's first frame, read whole and checked; `None` if the segment does not begin with a whole frame.
    pub(crate) fn first_frame(&self, number: u64) -> Result<Option<FrameHeader>, ReadError> {
        let mut segment = self.open(number)?;
        let crate::envelope::Found::Whole { frame_length } = segment.inspect(first_frame_offset())? else {
            return Ok(None);
        };
        let (bytes, _) = segment.frame(first_frame_offset(), frame_length)?;
        Ok(crate::frame::FrameView::parse(bytes).ok().map(|frame| *frame.header()))
    }

    /// What is said about frames before everything that can be read, where these are the oldest segments and
    /// `anchor` is what those after them follow. That something was trimmed is said only if all that is there is good.
    pub(crate) fn trimmed(&self, numbers: Range<u64>, anchor: &Tail) -> ReadError {
        self.beginning(numbers, anchor).map_or_else(|error| error, |begins| ReadError::before(&begins))
    }

    /// What the first frame of these segments follows.
    fn beginning(&self, numbers: Range<u64>, anchor: &Tail) -> Result<Tail, ReadError> {
        let (mut segment, mut begins, mut is_claim) = (numbers.end, *anchor, true);
        for number in numbers.clone() {
            if let Some(head) = self.first_frame(number)? {
                (segment, begins) = (number, Tail::before(&head));
                is_claim = head.kind == FrameKind::EpochStart;
                break;
            }
            self.check_frameless(number)?;
        }
        // Before the first segment of all nothing can have been removed. Before others only a claim can be missing that
        // was torn, and then another one follows.
        let is_good = match numbers.start {
            1 => begins.batch == BatchNumber(0),
            oldest => segment == oldest || is_claim,
        };
        let later = Location { segment, offset: first_frame_offset() };
        is_good.then_some(begins).ok_or_else(|| self.lost(numbers.start, later, begins.batch.next()))
    }

    /// A segment that does not begin with a frame must hold none.
    fn check_frameless(&self, number: u64) -> Result<(), ReadError> {
        let mut segment = self.open(number)?;
        let Some((offset, frame_length)) = segment.next_whole(first_frame_offset())? else { return Ok(()) };
        let (bytes, _) = segment.frame(offset, frame_length)?;
        let found = FrameHeader::decode(bytes).map_or(BatchNumber(0), |header| header.batch);
        Err(self.lost(number, Location { segment: number, offset }, found))
    }

    /// The first frame of a segment can't be read, and a later one shows that it was durable.
    fn lost(&self, segment: u64, later: Location, found: BatchNumber) -> ReadError {
        let expected = if segment == 1 { BatchNumber(1) } else { self.expected };
        let location = Location { segment, offset: first_frame_offset() };
        ReadError::Damage(Damage { location, expected, kind: DamageKind::FrameUnreadable { later, found } })
    }

    fn open(&self, number: u64) -> Result<SegmentReader<S::File>, ReadError> {
        let one_block = |segment: SegmentReader<S::File>| {
            let end = segment.header().length;
            segment.reading(crate::limits::BLOCK_SIZE, end)
        };
        open_segment(self.storage, &self.identity, number)
            .map(one_block)
            .map_err(|error| segment_error(error, number, self.expected))
    }
}

/// Says what it means that a segment of the log can't be opened.
pub(crate) fn segment_error(error: SegmentOpenError, number: u64, expected: BatchNumber) -> ReadError {
    let name = segment_name(number);
    let kind = match error {
        SegmentOpenError::Missing => DamageKind::SegmentMissing { name },
        SegmentOpenError::Fault(fault) => DamageKind::SegmentHeader { name, fault },
        SegmentOpenError::Storage(error) => return ReadError::Storage(error),
    };
    ReadError::Damage(Damage { location: Location { segment: number, offset: 0 }, expected, kind })
}
