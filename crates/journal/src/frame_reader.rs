//! Reading durable frames of a folder by position, beside its writer and past the page cache.
//!
//! The index says where to start and where each segment's frames end, so no place is ever judged by what looks
//! written: between the two, every place holds a frame, and anything else is damage. Of frames that are passed
//! over on the way to a position only the first block is looked at, and only to find the way: its place, its
//! header, and that the header continues the one before. A frame that is visited is checked whole: envelope with
//! place and CRC32C, structure, padding, and that it follows the frame before, whose BLAKE3 it names. The
//! first one after frames that were passed over is checked against all of theirs but the hash; the log's last
//! against the hash that its writer knows.
//!
//! Segments that were not read when the node started, and archived ones, are found by their first frames and read up to
//! the first frame of the next.
//!
//! Invariants:
//! - No byte is looked at that was not durable when the call began, and no lock is held while reading.
//! - A damaged header that was passed over can hide a frame, which is then an error; it can't put a wrong one in
//!   its place.
//! - A reader holds no claim on the folder: it neither keeps it locked nor keeps a segment from being archived or
//!   removed.

use std::fmt;
use std::sync::{Arc, Mutex};

use types::{BatchNumber, Sequence};

use crate::archive::{self, Shelf, segment_error};
use crate::bytes::is_zero;
use crate::envelope::{Found, Place};
use crate::frame::FrameView;
use crate::frame_index::{Extent, FrameIndex, Start};
use crate::frame_source::{FrameSource, VisitFrame};
use crate::header::{FrameHash, FrameHeader, Identity};
use crate::journal::{Location, ReadError};
use crate::keyring::Keyring;
use crate::limits::{ENVELOPE_HEADER_LENGTH, ENVELOPE_LENGTH_MAX, blocks, stored};
use crate::preparer::held;
use crate::recovery::{Damage, DamageKind};
use crate::segment::first_frame_offset;
use crate::segment_reader::SegmentReader;
use crate::storage::Storage;
use crate::tail::Tail;

/// How much is read at once where every frame is wanted.
const STEP_THROUGH: usize = 1 << 20;

/// How much is read at once where frames are wanted here and there: many small ones, or the head of a large one.
const STEP_ACROSS: usize = 64 << 10;

const _: () = assert!(STEP_THROUGH >= ENVELOPE_LENGTH_MAX);

/// Reads a [`crate::LocalJournal`] by position. Clones are as good, and all of them cheap: what a call reads
/// into is its own.
pub struct FrameReader<S> {
    storage: S,
    identity: Identity,
    index: Arc<Mutex<FrameIndex>>,
    keyring: Arc<Keyring>,
}

/// One call's way through the log.
struct Cursor<'r, S: Storage> {
    reader: &'r FrameReader<S>,
    /// How much to read at once.
    step: usize,
    /// Where to stop: the log's end when the call began.
    until: Tail,
    /// What the next frame follows.
    tail: Tail,
    /// Whether the frame before was passed over: then its hash, in `tail`, is unknown.
    passed_over: bool,
    segment: SegmentReader<S::File>,
    reach: Reach,
    offset: u64,
    /// The personal section of the frame that is being visited, if it was sealed.
    texts: Vec<u8>,
}

/// How far a segment's frames reach.
#[derive(Clone, Copy, Debug)]
struct Reach {
    /// The first byte after them, if it is known.
    offset: Option<u64>,
    /// The last of them; a frame of an earlier segment if there are none.
    last: BatchNumber,
}

/// How far somebody has followed the log: every frame up to here has been read and checked.
#[derive(Clone, Copy, Debug)]
pub struct Trail {
    tail: Tail,
    /// Where the next frame lies, if it has been read up to there.
    location: Option<Location>,
}

impl Trail {
    /// Begins after the frame that the log ended with when it stood so.
    pub const fn new(tail: Tail) -> Self {
        Self { tail, location: None }
    }

    /// The end of the last frame that was read.
    pub const fn tail(&self) -> &Tail {
        &self.tail
    }
}

impl<S: Storage> FrameReader<S> {
    pub(crate) const fn new(
        storage: S,
        identity: Identity,
        index: Arc<Mutex<FrameIndex>>,
        keyring: Arc<Keyring>,
    ) -> Self {
        Self { storage, identity, index, keyring }
    }

    /// How many bytes of segments hold the frames after a position, to about a mebibyte. Of what was written before the
    /// node's start only what the start read is counted.
    pub fn bytes_after(&self, after: Sequence) -> u64 {
        held(&self.index).bytes_from(Sequence(after.0.saturating_add(1)))
    }

    /// Visits every frame after the trail's end, as [`FrameSource::read_after`] does, and takes the trail along. Whoever
    /// follows the log reads on at the very place where it stopped, and every frame is chained to the one before.
    ///
    /// # Errors
    /// As for [`FrameSource::read_after`]. The trail then stands before the frame at fault.
    pub fn follow(&self, trail: &mut Trail, visit: &mut VisitFrame<'_>) -> Result<(), ReadError> {
        let until = self.end();
        if trail.tail.batch >= until.batch {
            return Ok(());
        }
        let first = trail.tail.next_sequence;
        let mut cursor = match trail.location {
            Some(location) => Cursor::at(self, Start { location, before: trail.tail }, until, STEP_THROUGH)?,
            None => {
                let mut cursor = Cursor::new(self, first, until, STEP_THROUGH)?;
                cursor.pass_over(first)?;
                // What was passed over is known from its heads only; the frame that follows names what it follows.
                (cursor.tail, cursor.passed_over) = (trail.tail, false);
                cursor
            }
        };
        loop {
            let flow = visit(cursor.frame()?);
            (trail.tail, trail.location) = (cursor.tail, Some(cursor.location()));
            if flow.is_break() || cursor.tail.batch >= until.batch {
                return Ok(());
            }
        }
    }

    /// Where to start for a position below the log's end.
    fn start(&self, position: Sequence) -> Result<Start, ReadError> {
        let unmarked = {
            let index = held(&self.index);
            if position >= index.anchor().next_sequence {
                return Ok(index.find(position));
            }
            index.unmarked()
        };
        let is_before = |head: &FrameHeader| head.first_sequence <= position;
        match self.shelf().last_segment(unmarked, &is_before) {
            Ok(Some((segment, head))) => {
                let location = Location { segment, offset: first_frame_offset() };
                Ok(Start { location, before: Tail::before(&head) })
            }
            Ok(None) => Err(self.trimmed()),
            Err(error) => Err(self.removed_meanwhile(error)),
        }
    }

    fn shelf(&self) -> Shelf<'_, S> {
        let expected = held(&self.index).anchor().batch;
        Shelf { storage: &self.storage, identity: self.identity, expected }
    }

    /// What is said about positions before everything that can be read.
    fn trimmed(&self) -> ReadError {
        let (unmarked, anchor) = {
            let index = held(&self.index);
            (index.unmarked(), index.anchor())
        };
        self.removed_meanwhile(self.shelf().trimmed(unmarked, &anchor))
    }

    /// A file that is missing because it has just been removed from the archive is no damage.
    fn removed_meanwhile(&self, error: ReadError) -> ReadError {
        let ReadError::Damage(Damage { location, kind: DamageKind::SegmentMissing { .. }, .. }) = &error
        else {
            return error;
        };
        if location.segment >= held(&self.index).unmarked().start {
            return error;
        }
        self.trimmed()
    }

    /// Opens a segment that can be read, or could be until it was removed.
    fn open(
        &self,
        number: u64,
        step: usize,
        tail: &Tail,
    ) -> Result<(SegmentReader<S::File>, Reach), ReadError> {
        let reach = self.reach(number).map_err(|error| self.removed_meanwhile(error))?;
        // The index forgets a segment before the file goes.
        let segment = archive::open_segment(&self.storage, &self.identity, number)
            .map_err(|error| self.removed_meanwhile(segment_error(error, number, tail.batch.next())))?;
        let end = reach.offset.unwrap_or(segment.header().length);
        Ok((segment.reading(step, end), reach))
    }

    /// How far a segment's frames reach.
    fn reach(&self, number: u64) -> Result<Reach, ReadError> {
        let (unmarked, anchor) = {
            let index = held(&self.index);
            if let Some(Extent { offset, end }) = index.extent(number) {
                return Ok(Reach { offset: Some(offset), last: end.batch });
            }
            (index.unmarked(), index.anchor())
        };
        if number < unmarked.start {
            return Err(self.trimmed());
        }
        let next = self.shelf().next_head(number + 1..unmarked.end)?;
        let last = next.map_or(anchor.batch, |(_, head)| Tail::before(&head).batch);
        Ok(Reach { offset: None, last })
    }
}

impl<S: Storage> FrameSource for FrameReader<S> {
    fn end(&self) -> Tail {
        held(&self.index).end()
    }

    fn read_after(&self, after: Sequence, visit: &mut VisitFrame<'_>) -> Result<(), ReadError> {
        let until = self.end();
        let Some(first) = after.0.checked_add(1).map(Sequence).filter(|first| *first < until.next_sequence)
        else {
            return Ok(());
        };
        let mut cursor = Cursor::new(self, first, until, STEP_THROUGH)?;
        let mut flow = visit(cursor.find(first)?);
        while flow.is_continue() && cursor.tail.batch < until.batch {
            flow = visit(cursor.frame()?);
        }
        Ok(())
    }

    fn read_at(&self, positions: &[Sequence], visit: &mut VisitFrame<'_>) -> Result<(), ReadError> {
        assert!(positions.is_sorted(), "positions ascend");
        let until = self.end();
        let in_log = positions.partition_point(|position| *position < until.next_sequence);
        let mut wanted = &positions[..in_log];
        let Some(first) = wanted.first() else { return Ok(()) };
        let mut cursor = Cursor::new(self, *first, until, STEP_ACROSS)?;
        while let Some(position) = wanted.first() {
            cursor.jump(*position)?;
            let frame = cursor.find(*position)?;
            let upto = frame.header().next_sequence();
            if visit(frame).is_break() {
                return Ok(());
            }
            wanted = &wanted[wanted.partition_point(|position| *position < upto)..];
        }
        Ok(())
    }
}

impl<'r, S: Storage> Cursor<'r, S> {
    /// Starts near a position below `until`, not after it.
    fn new(
        reader: &'r FrameReader<S>,
        position: Sequence,
        until: Tail,
        step: usize,
    ) -> Result<Self, ReadError> {
        Self::at(reader, reader.start(position)?, until, step)
    }

    /// Starts at a place between frames.
    fn at(reader: &'r FrameReader<S>, start: Start, until: Tail, step: usize) -> Result<Self, ReadError> {
        let Start { location, before } = start;
        let (segment, reach) = reader.open(location.segment, step, &before)?;
        let offset = location.offset;
        let (passed_over, texts) = (false, Vec::new());
        Ok(Self { reader, step, until, tail: before, passed_over, segment, reach, offset, texts })
    }

    /// Goes to a mark between here and a position, if there is one.
    fn jump(&mut self, position: Sequence) -> Result<(), ReadError> {
        let start = self.reader.start(position)?;
        if start.before.batch <= self.tail.batch {
            return Ok(());
        }
        if start.location.segment != self.segment.header().number {
            (self.segment, self.reach) =
                self.reader.open(start.location.segment, self.step, &start.before)?;
        }
        (self.offset, self.tail, self.passed_over) = (start.location.offset, start.before, false);
        Ok(())
    }

    /// The frame that stands at a position below the end. Passes over those before it.
    fn find(&mut self, position: Sequence) -> Result<FrameView<'_>, ReadError> {
        self.pass_over(position)?;
        let (location, expected) = (self.location(), self.tail.batch.next());
        let frame = self.frame()?;
        if frame.header().next_sequence() > position {
            return Ok(frame);
        }
        Err(ReadError::Damage(Damage { location, expected, kind: DamageKind::Changed }))
    }

    /// Passes over the frames before the one that stands at a position below the end.
    fn pass_over(&mut self, position: Sequence) -> Result<(), ReadError> {
        loop {
            self.enter()?;
            // Without a head that makes sense there is no way on: the whole look says what is wrong.
            let Some(head) = self.segment.head(self.offset)? else { return Ok(()) };
            if head.next_sequence() > position || head.batch >= self.until.batch {
                return Ok(());
            }
            let expected = expected_by(&self.tail, self.passed_over, &head);
            if expected.check(&self.segment.header().identity, &head).is_err() {
                return Err(self.damage(DamageKind::Changed));
            }
            self.tail = Tail::after(&head, FrameHash::NONE);
            self.passed_over = true;
            self.offset += stored(blocks(ENVELOPE_HEADER_LENGTH + head.frame_length()));
        }
    }

    /// The next frame. The caller knows that it is not at the end.
    fn frame(&mut self) -> Result<FrameView<'_>, ReadError> {
        self.enter()?;
        let (location, expected) = (self.location(), self.tail.batch.next());
        let damage = |kind| ReadError::Damage(Damage { location, expected, kind });
        // Earlier lives of a restored log have their own; the chain goes through all of them.
        let identity = self.segment.header().identity;
        let frame_length = match self.segment.inspect(self.offset)? {
            Found::Whole { frame_length } => frame_length,
            Found::Misplaced(Place { tag, segment, offset }) => {
                return Err(damage(DamageKind::Misplaced { segment, offset, tag }));
            }
            Found::Unreadable => return Err(damage(DamageKind::Changed)),
        };
        let (bytes, padding) = self.segment.frame(self.offset, frame_length)?;
        let frame = FrameView::parse(bytes).map_err(|fault| damage(DamageKind::Frame(fault)))?;
        let follows = expected_by(&self.tail, self.passed_over, frame.header());
        follows.check(&identity, frame.header()).map_err(|fault| damage(DamageKind::Chain(fault)))?;
        if !is_zero(padding) {
            return Err(damage(DamageKind::Padding));
        }
        if expected == self.until.batch && frame.hash() != self.until.hash {
            return Err(damage(DamageKind::Changed));
        }
        self.tail = Tail::after(frame.header(), frame.hash());
        self.passed_over = false;
        self.offset += stored(blocks(ENVELOPE_HEADER_LENGTH + frame_length));
        Ok(frame.opened(&self.reader.keyring, &mut self.texts))
    }

    /// Goes on to the next segment that has frames if this one's are through.
    fn enter(&mut self) -> Result<(), ReadError> {
        loop {
            let is_through = self.tail.batch >= self.reach.last;
            // Lengths in frames that were passed over have led here, and may be wrong.
            if self.reach.offset.is_some_and(|end| (self.offset == end) != is_through) {
                return Err(self.damage(DamageKind::Changed));
            }
            if !is_through {
                return Ok(());
            }
            let next = self.segment.header().number + 1;
            (self.segment, self.reach) = self.reader.open(next, self.step, &self.tail)?;
            self.offset = first_frame_offset();
        }
    }

    fn location(&self) -> Location {
        Location { segment: self.segment.header().number, offset: self.offset }
    }

    fn damage(&self, kind: DamageKind) -> ReadError {
        ReadError::Damage(Damage { location: self.location(), expected: self.tail.batch.next(), kind })
    }
}

/// What a frame with this header must follow: where the frame before was passed over, whichever hash it names.
fn expected_by(tail: &Tail, passed_over: bool, header: &FrameHeader) -> Tail {
    let hash = if passed_over { header.previous_hash } else { tail.hash };
    Tail { hash, ..*tail }
}

impl<S: Clone> Clone for FrameReader<S> {
    fn clone(&self) -> Self {
        let (storage, identity) = (self.storage.clone(), self.identity);
        let (index, keyring) = (Arc::clone(&self.index), Arc::clone(&self.keyring));
        Self { storage, identity, index, keyring }
    }
}

impl<S: fmt::Debug> fmt::Debug for FrameReader<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FrameReader").field("storage", &self.storage).finish_non_exhaustive()
    }
}
