//! Where frames lie, in memory: what readers need to start near a position and to know where to stop.
//!
//! About every mebibyte of log has a mark: a place, and what the frame there must follow. A mark is 88 bytes, so
//! a gibibyte of log costs about 90 KiB of memory, until it is trimmed; marks lie in one list per segment, so
//! that no list that grows with the log is ever copied.
//!
//! Segments that were not read at the start, and those that have been archived since, have no marks; of them it knows
//! the numbers.
//!
//! Invariants:
//! - It knows durable frames only: a writer enters a frame after its write has returned without error.
//! - It knows a segment before the segment's first frame is written, and forgets it before its file is removed.

use std::collections::VecDeque;
use std::ops::Range;

use types::{BatchNumber, Sequence};

use crate::journal::Location;
use crate::segment::first_frame_offset;
use crate::tail::Tail;

/// How much log lies between two marks: as much as a reader passes over in about a millisecond.
const MARK_DISTANCE: u64 = 1 << 20;

const _: () = assert!(size_of::<Mark>() <= 96);

/// The durable frames of a folder.
#[derive(Debug)]
pub(crate) struct FrameIndex {
    /// Every segment that was read or written and may hold frames, oldest first, without a gap in their numbers.
    segments: VecDeque<SegmentFrames>,
    /// The end of the last durable frame.
    end: Tail,
    /// The oldest segment that can be read. Those from there on up to the first of `segments` have no marks.
    oldest: u64,
}

/// The durable frames of a segment.
#[derive(Debug)]
struct SegmentFrames {
    number: u64,
    /// The first stands where the segment's first frame does, also while there is none.
    marks: Vec<Mark>,
    extent: Extent,
}

/// A place between two frames.
#[derive(Clone, Copy, Debug)]
struct Mark {
    offset: u64,
    /// What the frame there follows.
    before: Tail,
}

/// How far a segment's durable frames reach.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// The first byte after them.
    pub(crate) offset: u64,
    /// The log's end there.
    pub(crate) end: Tail,
}

/// A place to start reading from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// Where the next frame lies, if there is one.
    pub(crate) location: Location,
    /// What it follows.
    pub(crate) before: Tail,
}

impl FrameIndex {
    /// Knows no frames yet; the first one that it will know follows `anchor`.
    pub(crate) const fn new(anchor: Tail) -> Self {
        Self { segments: VecDeque::new(), end: anchor, oldest: u64::MAX }
    }

    /// Segments can be read from this one on. It is none of those after the newest.
    pub(crate) fn set_oldest(&mut self, number: u64) {
        self.oldest = number;
        while self.segments.len() > 1 && self.segments[0].number < number {
            self.segments.pop_front();
        }
    }

    /// The oldest segment that can be read, once the log has been read.
    pub(crate) fn oldest(&self) -> Option<u64> {
        Some(self.oldest).filter(|oldest| *oldest < u64::MAX)
    }

    /// The segments that can be read and have no marks.
    pub(crate) fn unmarked(&self) -> Range<u64> {
        let first = self.segments.front().map_or(self.oldest, |segment| segment.number);
        self.oldest.min(first)..first
    }

    /// How many bytes of segments the frames from this position on take, to a mebibyte; of those without marks nothing
    /// is counted.
    pub(crate) fn bytes_from(&self, position: Sequence) -> u64 {
        let covers = |mark: &Mark| mark.before.next_sequence <= position;
        let later = self.segments.partition_point(|segment| covers(&segment.marks[0]));
        let length = |segment: &SegmentFrames| segment.extent.offset - first_frame_offset();
        let whole: u64 = self.segments.range(later..).map(length).sum();
        let Some(segment) = later.checked_sub(1).and_then(|index| self.segments.get(index)) else {
            return whole;
        };
        let mark = segment.marks[segment.marks.partition_point(covers) - 1];
        whole + (segment.extent.offset - mark.offset)
    }

    /// The log goes on in this segment.
    pub(crate) fn begin_segment(&mut self, number: u64) {
        assert!(self.segments.back().is_none_or(|last| last.number + 1 == number), "segments have one order");
        let offset = first_frame_offset();
        let marks = vec![Mark { offset, before: self.end }];
        self.segments.push_back(SegmentFrames { number, marks, extent: Extent { offset, end: self.end } });
    }

    /// The next frame takes this many bytes of the newest segment, and the log ends with it.
    pub(crate) fn append(&mut self, length: u64, end: Tail) {
        let segment = self.segments.back_mut().expect("a segment begins before its first frame");
        let mark = segment.marks.last().expect("a segment begins with a mark");
        if segment.extent.offset - mark.offset >= MARK_DISTANCE {
            segment.marks.push(Mark { offset: segment.extent.offset, before: self.end });
        }
        segment.extent = Extent { offset: segment.extent.offset + length, end };
        self.end = end;
    }

    /// The log's end.
    pub(crate) const fn end(&self) -> Tail {
        self.end
    }

    /// What the first frame with a mark follows.
    pub(crate) fn anchor(&self) -> Tail {
        self.segments.front().map_or(self.end, |segment| segment.marks[0].before)
    }

    /// How far a segment's frames reach; `None` if it has no marks.
    pub(crate) fn extent(&self, number: u64) -> Option<Extent> {
        let first = self.segments.front()?.number;
        let index = usize::try_from(number.checked_sub(first)?).ok()?;
        Some(self.segments.get(index).expect("readers ask about segments up to the newest").extent)
    }

    /// The last mark whose frame does not stand after this position, which is in the log.
    pub(crate) fn find(&self, position: Sequence) -> Start {
        assert!(position >= self.anchor().next_sequence, "the position has a mark before it");
        assert!(position < self.end.next_sequence, "the position is in the log");
        let covers = |mark: &Mark| mark.before.next_sequence <= position;
        let later = self.segments.partition_point(|segment| covers(&segment.marks[0]));
        let segment = &self.segments[later - 1];
        let mark = segment.marks[segment.marks.partition_point(covers) - 1];
        let location = Location { segment: segment.number, offset: mark.offset };
        Start { location, before: mark.before }
    }

    /// Forgets the marks of segments that end at or below this batch, except the newest; says which segment does not, the
    /// first of those that have marks, and how the log stood before it.
    pub(crate) fn trim(&mut self, upto: BatchNumber) -> Option<(u64, Tail)> {
        while self.segments.len() > 1 && self.segments[0].extent.end.batch <= upto {
            self.segments.pop_front();
        }
        let first = self.segments.front()?;
        let before = first.marks[0].before;
        (before.batch <= upto).then_some((first.number, before))
    }
}

#[cfg(test)]
mod tests {
    use types::{BatchNumber, Epoch, Sequence};

    use super::*;
    use crate::header::FrameHash;

    fn end(batch: u64, next_sequence: u64) -> Tail {
        Tail {
            batch: BatchNumber(batch),
            next_sequence: Sequence(next_sequence),
            hash: FrameHash([7; 32]),
            epoch: Epoch(1),
            ..Tail::EMPTY
        }
    }

    /// Frames of 256 KiB with nine records each: segment 1 has ten, segment 2 none, segment 3 two.
    fn index() -> FrameIndex {
        let mut index = FrameIndex::new(Tail::EMPTY);
        index.begin_segment(1);
        (1..=10).for_each(|batch| index.append(256 << 10, end(batch, 10 * batch + 1)));
        index.begin_segment(2);
        index.begin_segment(3);
        (11..=12).for_each(|batch| index.append(256 << 10, end(batch, 10 * batch + 1)));
        index
    }

    #[test]
    fn a_mark_is_near_and_not_after() {
        let index = index();
        for position in 1..=120 {
            let start = index.find(Sequence(position));
            let frame = (position - 1) / 10;
            let (segment, batch) = match frame {
                0..=9 => (1, frame / 4 * 4),
                _ => (3, 10),
            };
            let offset = 4096 + if segment == 1 { batch * (256 << 10) } else { 0 };
            assert_eq!(start.location, Location { segment, offset }, "position {position}");
            assert_eq!(start.before.batch, BatchNumber(batch), "position {position}");
        }
        assert_eq!(index.extent(1).unwrap().offset, 4096 + (10 << 18));
        assert_eq!(index.extent(2).unwrap().offset, 4096);
        assert_eq!(index.end(), end(12, 121));
    }

    #[test]
    fn what_is_trimmed_is_forgotten() {
        let mut index = index();
        assert_eq!(index.trim(BatchNumber(9)), Some((1, Tail::EMPTY)));
        assert_eq!(index.trim(BatchNumber(12)), Some((3, end(10, 101))), "the newest stays");
        assert!(index.extent(2).is_none());
        assert_eq!(index.extent(3).unwrap().end, end(12, 121));
        assert_eq!(index.anchor(), end(10, 101));
        assert_eq!(index.trim(BatchNumber(9)), None);
        index.set_oldest(2);
        assert_eq!(index.unmarked(), 2..3);
    }

    #[test]
    fn bytes_are_counted_from_a_mark() {
        let index = index();
        assert_eq!(index.bytes_from(Sequence(1)), 12 << 18);
        assert_eq!(index.bytes_from(Sequence(41)), 8 << 18);
        assert_eq!(index.bytes_from(Sequence(79)), 8 << 18, "to about a mebibyte");
        assert_eq!(index.bytes_from(Sequence(101)), 2 << 18);
    }

    #[test]
    fn marks_cost_little() {
        let mut index = FrameIndex::new(Tail::EMPTY);
        index.begin_segment(1);
        for batch in 1..=1 << 18 {
            index.append(4096, end(batch, 2 * batch + 1));
        }
        assert_eq!(index.segments[0].marks.len(), 1024, "one per mebibyte");
    }
}
