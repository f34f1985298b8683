//! Reading a whole log: every segment in order, every frame checked, every surprise put to the table.
//!
//! Invariant: a visitor sees only frames that follow each other without a gap; the scan ends with the log's
//! end, or with the first place that is wrong.

use std::fmt;

use types::{BatchNumber, Incarnation};

use crate::archive::{self, Shelf, segment_error};
use crate::contents::Contents;
use crate::envelope::Found;
use crate::frame::FrameView;
use crate::frame_index::FrameIndex;
use crate::header::{FrameHeader, FrameKind, Identity};
use crate::journal::{Location, ReadError, VisitError};
use crate::key_table::KeysError;
use crate::keyring::Keyring;
use crate::limits::{BLOCK_SIZE, ENVELOPE_HEADER_LENGTH, ENVELOPE_LENGTH_MAX, blocks, stored};
use crate::manifest::{Manifest, ManifestFile};
use crate::master_key::MasterKey;
use crate::mutants::{Mutant, is_on};
use crate::open::{OpenError, manifest_error};
use crate::recovery::{
    After, Damage, DamageKind, Decision, Later, Observation, Place, StopReason, Written, decide,
};
use crate::segment::{SegmentFault, first_frame_offset};
use crate::segment_reader::{SegmentOpenError, SegmentReader};
use crate::storage::{Access, Storage, StorageError, StorageFile};
use crate::tail::{ChainFault, Tail};

/// What a read calls with each frame.
pub(crate) type Visit<'v> = dyn FnMut(&FrameView<'_>, Location) -> Result<(), VisitError> + 'v;

/// Reads a folder without taking it: for `verify` and `inspect`, also beside a running node.
///
/// Beside a running node the end is wherever the node was; a frame that is just being written looks torn.
/// A segment that is removed from the archive meanwhile is reported as missing: open again.
pub struct Reader<S> {
    pub(crate) storage: S,
    pub(crate) manifest: Manifest,
    keyring: Keyring,
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
    /// Opens personal sections for the visitor.
    pub(crate) keyring: &'s Keyring,
    /// Whether a writer may be at work: then a place that does not verify is read once more.
    pub(crate) live: bool,
}

/// What a scan is for.
#[derive(Clone, Copy)]
struct Task<'s> {
    /// Frames up to this one are not visited.
    after: BatchNumber,
    /// The end of the log at which a snapshot stands: the frame of that number must be the snapshot's.
    snapshot: Option<&'s Tail>,
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
        Ok(Self { storage, manifest, keyring: Keyring::default() })
    }

    /// Opens personal sections with these keys. Without any, sealed ones are as good as erased.
    #[must_use]
    pub fn with_keys(self, keyring: Keyring) -> Self {
        Self { keyring, ..self }
    }

    /// The same with the keys in the folder, wrapped by this master key or by the one that lies there.
    ///
    /// # Errors
    /// If there are keys, and they can't be used.
    pub fn with_keys_of_folder(self, master: Option<&MasterKey>) -> Result<Self, KeysError> {
        let keyring = Keyring::read(&self.storage, self.manifest.identity.cluster, master)?;
        Ok(self.with_keys(keyring))
    }

    /// The keys at hand.
    pub const fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    pub(crate) fn with_manifest(storage: S, manifest: Manifest) -> Self {
        Self { storage, manifest, keyring: Keyring::default() }
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
        self.scan().run(after, visit).map(|scanned| scanned.end)
    }

    /// The same after a snapshot that stands at this end of the log; frames before it are not visited.
    ///
    /// # Errors
    /// See [`ReadError`]; damage also if the log does not go on from there.
    pub fn read_from(
        &self,
        snapshot: &Tail,
        visit: &mut dyn FnMut(&FrameView<'_>, Location) -> Result<(), VisitError>,
    ) -> Result<End, ReadError> {
        self.scan().run_from(snapshot, visit).map(|scanned| scanned.end)
    }

    const fn scan(&self) -> Scan<'_, S> {
        Scan { storage: &self.storage, manifest: &self.manifest, keyring: &self.keyring, live: true }
    }
}

impl<S: fmt::Debug> fmt::Debug for Reader<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Reader").field("storage", &self.storage).finish_non_exhaustive()
    }
}

impl<S: Storage> Scan<'_, S> {
    /// Reads all segments that MANIFEST names, and as many archived ones before them as are asked for.
    pub(crate) fn run(&self, after: BatchNumber, visit: &mut Visit<'_>) -> Result<Scanned, ReadError> {
        let anchor = self.manifest.anchor;
        if after >= anchor.batch {
            return self.walk(self.manifest.oldest_segment, anchor, after, None, visit);
        }
        let oldest = archive::oldest_segment(self.storage, self.manifest.oldest_segment)?;
        let archived = oldest..self.manifest.oldest_segment;
        let is_wanted = |head: &FrameHeader| head.batch <= after.next();
        match self.shelf(after).last_whole_segment(archived.clone(), &is_wanted)? {
            Some((first, head)) => self.walk(first, Tail::before(&head), after, None, visit),
            None => Err(self.shelf(after).trimmed(archived, &anchor)),
        }
    }

    /// Reads on from where a snapshot stands, and before that only what shows that the log is the snapshot's: the
    /// frame at which it stands, or the one that follows it.
    pub(crate) fn run_from(&self, snapshot: &Tail, visit: &mut Visit<'_>) -> Result<Scanned, ReadError> {
        let (first, before) = self.start_from(snapshot)?;
        self.walk(first, before, snapshot.batch, Some(snapshot), visit)
    }

    /// The segment to begin with after a snapshot, and what its first frame follows.
    fn start_from(&self, snapshot: &Tail) -> Result<(u64, Tail), ReadError> {
        let Manifest { anchor, oldest_segment, newest_segment, .. } = *self.manifest;
        if snapshot.is_same_as(&anchor) {
            return Ok((oldest_segment, *snapshot));
        }
        let oldest = archive::oldest_segment(self.storage, oldest_segment)?;
        let is_wanted = |head: &FrameHeader| head.batch <= snapshot.batch.next();
        match self.shelf(snapshot.batch).last_whole_segment(oldest..newest_segment + 1, &is_wanted)? {
            Some((first, head)) if head.batch == snapshot.batch.next() => Ok((first, *snapshot)),
            Some((first, head)) => Ok((first, Tail::before(&head))),
            None if snapshot.batch == anchor.batch => {
                let location = Location { segment: oldest_segment, offset: 0 };
                Err(damage(location, &anchor, DamageKind::OtherThanSnapshot { batch: anchor.batch }))
            }
            // The first frame that MANIFEST names can't be read: reading from there says what is wrong with it.
            None if snapshot.batch > anchor.batch => Ok((oldest_segment, anchor)),
            None => Err(self.shelf(snapshot.batch).trimmed(oldest..oldest_segment, &anchor)),
        }
    }

    /// The length of the segments that are read after a snapshot, or from what MANIFEST names, in bytes. Those that can't
    /// be opened count for nothing; reading them says why.
    pub(crate) fn length(&self, snapshot: Option<&Tail>) -> Result<u64, ReadError> {
        let oldest = self.manifest.oldest_segment;
        let first =
            snapshot.map_or(Ok(oldest), |snapshot| self.start_from(snapshot).map(|(first, _)| first))?;
        let length =
            |number| self.open(number, &self.manifest.anchor).map_or(0, |segment| segment.header().length);
        Ok((first..=self.manifest.newest_segment).map(length).sum())
    }

    fn shelf(&self, after: BatchNumber) -> Shelf<'_, S> {
        Shelf { storage: self.storage, identity: self.manifest.identity, expected: after.next() }
    }

    /// Reads all segments from one on, whose first frame follows `before`.
    fn walk(
        &self,
        first: u64,
        before: Tail,
        after: BatchNumber,
        snapshot: Option<&Tail>,
        visit: &mut Visit<'_>,
    ) -> Result<Scanned, ReadError> {
        let mut index = FrameIndex::new(before);
        let mut torn = None;
        let mut life = None;
        let mut location = Location { segment: first, offset: first_frame_offset() };
        for number in first..=self.manifest.newest_segment {
            let before = index.end();
            let mut segment = self.open(number, &before)?;
            index.begin_segment(number);
            location = Location { segment: number, offset: first_frame_offset() };
            let ends_torn = loop {
                let task = Task { after, snapshot };
                let halt = self.frames(&mut segment, location.offset, &mut index, &mut life, task, visit)?;
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
            self.check_restored(number, &index.end(), location)?;
        }
        if snapshot.is_some_and(|snapshot| index.end().batch < snapshot.batch) {
            let kind = DamageKind::EndsBeforeSnapshot { batch: after };
            return Err(damage(location, &index.end(), kind));
        }
        Ok(Scanned { end: End { tail: index.end(), location, torn }, index })
    }

    fn open(&self, number: u64, tail: &Tail) -> Result<SegmentReader<S::File>, ReadError> {
        let segment = archive::open_segment(self.storage, &self.manifest.identity, number)
            .map_err(|error| segment_error(error, number, tail.batch.next()))?;
        let found = segment.header().identity;
        if Contents::admits(self.manifest, number, &found) {
            return Ok(segment);
        }
        let fault = SegmentOpenError::Fault(SegmentFault::Foreign { found });
        Err(segment_error(fault, number, tail.batch.next()))
    }

    /// A log that was restored goes on from the very frame that the restore kept last.
    fn check_restored(&self, number: u64, end: &Tail, location: Location) -> Result<(), ReadError> {
        match self.manifest.restored {
            Some(restored) if restored.segment == number && restored.hash != end.hash => {
                let kind = DamageKind::NotRestored { restored: restored.batch, found: end.batch };
                Err(damage(location, end, kind))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Visits a segment's frames from an offset up to the first place that does not hold the next one.
    fn frames(
        &self,
        segment: &mut SegmentReader<S::File>,
        from: u64,
        index: &mut FrameIndex,
        life: &mut Option<Incarnation>,
        Task { after, snapshot }: Task<'_>,
        visit: &mut Visit<'_>,
    ) -> Result<Halt, ReadError> {
        let (number, identity) = (segment.header().number, segment.header().identity);
        let mut offset = from;
        let mut texts = Vec::new();
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
            if let Err(fault) = index.end().check(&identity, frame.header()) {
                return contradiction(DamageKind::Chain(fault));
            }
            // A life begins with a claim, and so with an epoch.
            let is_new = life.replace(identity.incarnation).is_some_and(|life| life != identity.incarnation);
            if is_new && frame.header().kind != FrameKind::EpochStart {
                return contradiction(DamageKind::Chain(ChainFault::Identity { found: identity }));
            }
            if !crate::bytes::is_zero(padding) {
                return contradiction(DamageKind::Padding);
            }
            let length = stored(blocks(ENVELOPE_HEADER_LENGTH + frame_length));
            let batch = frame.header().batch;
            let end = Tail::after(frame.header(), frame.hash());
            if snapshot.is_some_and(|snapshot| snapshot.batch == batch && *snapshot != end) {
                let location = Location { segment: number, offset };
                return Err(damage(location, &index.end(), DamageKind::OtherThanSnapshot { batch }));
            }
            index.append(length, end);
            if batch > after {
                let location = Location { segment: number, offset };
                let frame = frame.opened(self.keyring, &mut texts);
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
                let batch = FrameHeader::decode(bytes).map_or(BatchNumber(0), |header| header.batch);
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
            let identity = segment.header().identity;
            let (bytes, _) = segment.frame(offset, frame_length)?;
            let frame = FrameView::parse(bytes)
                .map_err(|fault| damage(at(offset), tail, DamageKind::Frame(fault)))?;
            let header = frame.header();
            let later = match (tail.check(&identity, header), header.kind) {
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
