//! Where frames lie, in memory: what readers need to start near a position and to know where to stop.
//!
//! About every mebibyte of log has a mark: a place, and what the frame there must follow. A mark is 88 bytes, so
//! a gibibyte of log costs about 90 KiB of memory, until it is trimmed; marks lie in one list per segment, so
//! that no list that grows with the log is ever copied.
//!
//! Invariants:
//! - It knows durable frames only: a writer enters a frame after its write has returned without error.
//! - It knows a segment before the segment's first frame is written, and forgets it before its file is removed.

use std::collections::VecDeque;

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
    /// Every segment that is kept and may hold frames, oldest first, without a gap in their numbers.
    segments: VecDeque<SegmentFrames>,
    /// The end of the last durable frame.
    end: Tail,
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
    /// Knows no frames yet; the log's first one that is kept follows `anchor`.
    pub(crate) const fn new(anchor: Tail) -> Self {
        Self { segments: VecDeque::new(), end: anchor }
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

    /// What the first frame that is kept follows.
    pub(crate) fn anchor(&self) -> Tail {
        self.segments.front().map_or(self.end, |segment| segment.marks[0].before)
    }

    /// How far a segment's frames reach; `None` if it has been trimmed.
    pub(crate) fn extent(&self, number: u64) -> Option<Extent> {
        let first = self.segments.front()?.number;
        let index = usize::try_from(number.checked_sub(first)?).ok()?;
        Some(self.segments.get(index).expect("readers ask about segments up to the newest").extent)
    }

    /// The last mark whose frame does not stand after this position, which is in the log.
    pub(crate) fn find(&self, position: Sequence) -> Start {
        assert!(position >= self.anchor().next_sequence, "the position has not been trimmed");
        assert!(position < self.end.next_sequence, "the position is in the log");
        let covers = |mark: &Mark| mark.before.next_sequence <= position;
        let later = self.segments.partition_point(|segment| covers(&segment.marks[0]));
        let segment = &self.segments[later - 1];
        let mark = segment.marks[segment.marks.partition_point(covers) - 1];
        let location = Location { segment: segment.number, offset: mark.offset };
        Start { location, before: mark.before }
    }

    /// Forgets the segments that end at or below this batch, except the newest; says which was the last of
    /// them, and how the log stood at its end.
    pub(crate) fn trim(&mut self, upto: BatchNumber) -> Option<(u64, Tail)> {
        let mut last = None;
        while self.segments.len() > 1 && self.segments[0].extent.end.batch <= upto {
            last = self.segments.pop_front().map(|segment| (segment.number, segment.extent.end));
        }
        last
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
        assert_eq!(index.trim(BatchNumber(9)), None);
        assert_eq!(index.trim(BatchNumber(12)), Some((2, end(10, 101))), "the newest stays");
        assert!(index.extent(2).is_none());
        assert_eq!(index.extent(3).unwrap().end, end(12, 121));
        assert_eq!(index.anchor(), end(10, 101));
        assert_eq!(index.trim(BatchNumber(12)), None);
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
