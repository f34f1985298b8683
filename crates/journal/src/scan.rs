//! Reading a whole log: every segment in order, every frame checked, every surprise put to the table.
//!
//! Invariant: a visitor sees only frames that follow each other without a gap; the scan ends with the log's
//! end, or with the first place that is wrong.

use std::fmt;

use types::BatchNumber;

use crate::envelope::Found;
use crate::frame::FrameView;
use crate::frame_index::FrameIndex;
use crate::header::{FrameKind, Identity};
use crate::journal::{Location, ReadError, VisitError};
use crate::limits::{BLOCK_SIZE, ENVELOPE_HEADER_LENGTH, ENVELOPE_LENGTH_MAX, blocks, stored};
use crate::manifest::{Manifest, ManifestFile};
use crate::mutants::{Mutant, is_on};
use crate::open::{OpenError, manifest_error};
use crate::recovery::{
    After, Damage, DamageKind, Decision, Later, Observation, Place, StopReason, Written, decide,
};
use crate::segment::{first_frame_offset, segment_name};
use crate::segment_reader::{SegmentOpenError, SegmentReader};
use crate::storage::{Access, Storage, StorageError, StorageFile};
use crate::tail::Tail;

/// What a read calls with each frame.
pub(crate) type Visit<'v> = dyn FnMut(&FrameView<'_>, Location) -> Result<(), VisitError> + 'v;

/// Reads a folder without taking it: for `verify` and `inspect`, also beside a running node.
///
/// Beside a running node the end is wherever the node was; a frame that is just being written looks torn.
/// A segment that the node trims meanwhile is reported as missing: open again.
pub struct Reader<S> {
    pub(crate) storage: S,
    manifest: Manifest,
}

/// Where a log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// What the next frame must follow.
    pub tail: Tail,
    /// The place after the last frame.
    pub location: Location,
    /// Where a frame lies that was never acknowledged, if no later start has gone on after it.
    pub torn: Option<Location>,
}

/// How a scan went, for the journal that goes on from there.
#[derive(Debug)]
pub(crate) struct Scanned {
    pub(crate) end: End,
    /// Where the frames lie.
    pub(crate) index: FrameIndex,
}

/// One scan.
pub(crate) struct Scan<'s, S> {
    pub(crate) storage: &'s S,
    pub(crate) manifest: &'s Manifest,
    /// Whether a writer may be at work: then a place that does not verify is read once more.
    pub(crate) live: bool,
}

/// Where a segment's frames stop, and why.
struct Halt {
    offset: u64,
    place: Place,
    kind: Option<DamageKind>,
}

/// What the segments after this one say.
struct Ahead {
    later: Later,
    /// The first whole frame: where it lies, and its batch.
    frame: Option<(Location, BatchNumber)>,
    /// The first block that is not zero.
    written: Option<Location>,
}

impl<S: Storage> Reader<S> {
    /// Opens a folder for reading.
    ///
    /// # Errors
    /// If the folder holds no journal that this binary can read.
    pub fn open(storage: S) -> Result<Self, OpenError> {
        let file = crate::open::open_manifest(&storage, Access::Read)?;
        let manifest = *ManifestFile::read(file).map_err(|fault| manifest_error(&storage, fault))?.current();
        Ok(Self { storage, manifest })
    }

    /// Whose log this is.
    pub const fn identity(&self) -> Identity {
        self.manifest.identity
    }

    /// Visits every frame after this batch in order, and finds the end.
    ///
    /// # Errors
    /// See [`ReadError`]. The frames visited before the error are good.
    pub fn read(
        &self,
        after: BatchNumber,
        visit: &mut dyn FnMut(&FrameView<'_>, Location) -> Result<(), VisitError>,
    ) -> Result<End, ReadError> {
        let scan = Scan { storage: &self.storage, manifest: &self.manifest, live: true };
        scan.run(after, visit).map(|scanned| scanned.end)
    }
}

impl<S: fmt::Debug> fmt::Debug for Reader<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Reader").field("storage", &self.storage).finish_non_exhaustive()
    }
}

impl<S: Storage> Scan<'_, S> {
    /// Reads all segments that MANIFEST names.
    pub(crate) fn run(&self, after: BatchNumber, visit: &mut Visit<'_>) -> Result<Scanned, ReadError> {
        let anchor = self.manifest.anchor;
        if after < anchor.batch {
            return Err(ReadError::before(&anchor));
        }
        let mut index = FrameIndex::new(anchor);
        let mut torn = None;
        let mut location = Location { segment: self.manifest.oldest_segment, offset: first_frame_offset() };
        for number in self.manifest.oldest_segment..=self.manifest.newest_segment {
            let before = index.end();
            let mut segment = self.open(number, &before)?;
            index.begin_segment(number);
            location = Location { segment: number, offset: first_frame_offset() };
            let ends_torn = loop {
                let halt = self.frames(&mut segment, location.offset, &mut index, after, visit)?;
                location.offset = halt.offset;
                let unreadable = halt.place == Place::Unreadable;
                match self.judge(&mut segment, &index.end(), halt) {
                    // The writer may have finished the frame here and gone on while the rest was looked at.
                    Err(ReadError::Damage(_))
                        if self.live && unreadable && is_whole(&mut segment, location.offset)? => {}
                    other => break other?,
                }
            };
            if index.end() != before {
                torn = None;
            }
            if ends_torn {
                torn = Some(location);
            }
        }
        Ok(Scanned { end: End { tail: index.end(), location, torn }, index })
    }

    fn open(&self, number: u64, tail: &Tail) -> Result<SegmentReader<S::File>, ReadError> {
        SegmentReader::open(self.storage, &self.manifest.identity, number, Access::Read).map_err(|error| {
            let name = segment_name(number);
            let kind = match error {
                SegmentOpenError::Missing => DamageKind::SegmentMissing { name },
                SegmentOpenError::Fault(fault) => DamageKind::SegmentHeader { name, fault },
                SegmentOpenError::Storage(error) => return ReadError::Storage(error),
            };
            damage(Location { segment: number, offset: 0 }, tail, kind)
        })
    }

    /// Visits a segment's frames from an offset up to the first place that does not hold the next one.
    fn frames(
        &self,
        segment: &mut SegmentReader<S::File>,
        from: u64,
        index: &mut FrameIndex,
        after: BatchNumber,
        visit: &mut Visit<'_>,
    ) -> Result<Halt, ReadError> {
        let number = segment.header().number;
        let mut offset = from;
        loop {
            let mut found = segment.inspect(offset)?;
            if self.live && found == Found::Unreadable {
                segment.forget();
                found = segment.inspect(offset)?;
            }
            let frame_length = match found {
                Found::Whole { frame_length } => frame_length,
                Found::Misplaced(claimed) => {
                    let (segment, offset_claimed, tag) = (claimed.segment, claimed.offset, claimed.tag);
                    let kind = DamageKind::Misplaced { segment, offset: offset_claimed, tag };
                    return Ok(Halt { offset, place: Place::Misplaced, kind: Some(kind) });
                }
                Found::Unreadable => return Ok(Halt { offset, place: Place::Unreadable, kind: None }),
            };
            let contradiction = |kind| Ok(Halt { offset, place: Place::Contradicting, kind: Some(kind) });
            let (bytes, padding) = segment.frame(offset, frame_length)?;
            let frame = match FrameView::parse(bytes) {
                Ok(frame) => frame,
                Err(fault) => return contradiction(DamageKind::Frame(fault)),
            };
            if let Err(fault) = index.end().check(&self.manifest.identity, frame.header()) {
                return contradiction(DamageKind::Chain(fault));
            }
            if !crate::bytes::is_zero(padding) {
                return contradiction(DamageKind::Padding);
            }
            let length = stored(blocks(ENVELOPE_HEADER_LENGTH + frame_length));
            index.append(length, Tail::after(frame.header(), frame.hash()));
            let batch = frame.header().batch;
            if batch > after {
                let location = Location { segment: number, offset };
                visit(&frame, location).map_err(|source| ReadError::Visit { location, batch, source })?;
            }
            offset += length;
        }
    }

    /// Asks the table about the place where a segment's frames stop; says whether a torn frame lies there.
    fn judge(
        &self,
        segment: &mut SegmentReader<S::File>,
        tail: &Tail,
        halt: Halt,
    ) -> Result<bool, ReadError> {
        let number = segment.header().number;
        let here = Location { segment: number, offset: halt.offset };
        let last_written = segment.last_written(halt.offset)?;
        let written = match last_written {
            None => Written::Nothing,
            Some(last) if last < halt.offset + stored(ENVELOPE_LENGTH_MAX) => Written::OneEnvelope,
            Some(_) => Written::Beyond,
        };
        let whole_after = match last_written {
            Some(_) => segment.next_whole(halt.offset + stored(BLOCK_SIZE))?,
            None => None,
        };
        let ahead = self.look_ahead(number, tail)?;
        let observation = Observation {
            place: halt.place,
            written,
            after: if whole_after.is_some() { After::Envelope } else { After::Nothing },
            later: ahead.later,
        };
        let reason = match decide(&observation).decision {
            Decision::End => return Ok(false),
            Decision::EndTorn => return Ok(true),
            Decision::Stop(_) if is_on(Mutant::DamageAsTorn) => return Ok(true),
            Decision::Stop(reason) => reason,
        };
        let evidence = match whole_after {
            Some((offset, frame_length)) => {
                let (bytes, _) = segment.frame(offset, frame_length)?;
                let batch =
                    crate::header::FrameHeader::decode(bytes).map_or(BatchNumber(0), |header| header.batch);
                Some((Location { segment: number, offset }, batch))
            }
            None => ahead.frame,
        };
        let (location, kind) = match reason {
            StopReason::Misplaced | StopReason::Contradicting => {
                (here, halt.kind.expect("such a place comes with what is wrong with it"))
            }
            StopReason::WideDamage => {
                let last = last_written.expect("something is written beyond one envelope");
                (here, DamageKind::WideDamage { end: last + stored(BLOCK_SIZE) })
            }
            StopReason::FrameUnreadable | StopReason::FramesMissing => {
                let (later, found) = evidence.expect("a later frame is the evidence");
                match (reason, ahead.written) {
                    (StopReason::FramesMissing, Some(first)) if first < later => {
                        (first, DamageKind::FrameUnreadable { later, found })
                    }
                    (StopReason::FramesMissing, _) => (here, DamageKind::FramesMissing { later, found }),
                    _ => (here, DamageKind::FrameUnreadable { later, found }),
                }
            }
        };
        Err(damage(location, tail, kind))
    }

    /// Finds the first whole frame in the segments after this one.
    fn look_ahead(&self, number: u64, tail: &Tail) -> Result<Ahead, ReadError> {
        let mut written = None;
        for later_number in number + 1..=self.manifest.newest_segment {
            let mut segment = self.open(later_number, tail)?;
            let at = |offset| Location { segment: later_number, offset };
            let Some(first) = segment.first_written(first_frame_offset())? else { continue };
            written = written.or(Some(at(first)));
            let Some((offset, frame_length)) = segment.next_whole(first)? else { continue };
            let (bytes, _) = segment.frame(offset, frame_length)?;
            let frame = FrameView::parse(bytes)
                .map_err(|fault| damage(at(offset), tail, DamageKind::Frame(fault)))?;
            let header = frame.header();
            let later = match (tail.check(&self.manifest.identity, header), header.kind) {
                (Ok(()), FrameKind::EpochStart) => Later::EpochStart,
                (Ok(()), FrameKind::Commands | FrameKind::Marker) => Later::Follows,
                (Err(_), _) => Later::Elsewhere,
            };
            return Ok(Ahead { later, frame: Some((at(offset), header.batch)), written });
        }
        Ok(Ahead { later: Later::Nothing, frame: None, written })
    }
}

/// Whether a whole envelope stands here now, read anew.
fn is_whole<F: StorageFile>(segment: &mut SegmentReader<F>, offset: u64) -> Result<bool, StorageError> {
    segment.forget();
    segment.inspect(offset).map(|found| matches!(found, Found::Whole { .. }))
}

fn damage(location: Location, tail: &Tail, kind: DamageKind) -> ReadError {
    ReadError::Damage(Damage { location, expected: tail.batch.next(), kind })
}
