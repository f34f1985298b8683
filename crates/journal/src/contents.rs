//! What a folder's MANIFEST says, for those who copy folders: backup and restore.
//!
//! A restored folder begins a new life of its log: MANIFEST carries a new incarnation, and says where the earlier lives
//! end ([`Restored`]). Their segments stay as they are; the new life's first segment begins with an epoch start
//! that follows the last frame that was kept.

use types::{BatchNumber, Epoch, Incarnation, Life, Lives, Sequence, Timestamp};

use crate::header::{FrameHash, FrameKind, Identity};
use crate::journal::{Location, ReadError};
use crate::manifest::{MANIFEST_NAME, Manifest, ManifestFile};
use crate::open::{OpenError, UNFINISHED, manifest_error, open_manifest};
use crate::recovery::{Damage, DamageKind};
use crate::scan::Reader;
use crate::segment::{first_frame_offset, segment_name};
use crate::segment_reader::{SegmentOpenError, SegmentReader};
use crate::storage::{Access, Storage, StorageError, StorageErrorKind, StorageFile};
use crate::tail::Tail;

/// Where the earlier lives of a restored log end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The life that the restore ended.
    pub previous: Incarnation,
    /// The last segment of earlier lives.
    pub segment: u64,
    /// The last frame that was kept.
    pub batch: BatchNumber,
    /// The first position after it.
    pub next_sequence: Sequence,
    /// Its hash.
    pub hash: FrameHash,
}

/// What a folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Whose log it is.
    pub identity: Identity,
    /// The first segment.
    pub oldest_segment: u64,
    /// The last segment that may hold frames; one below the oldest while there is none.
    pub newest_segment: u64,
    /// The newest snapshot; 0 = none.
    pub newest_snapshot: u64,
    /// What the oldest segment's first frame follows.
    pub anchor: Tail,
    /// Where earlier lives end, in a log that was restored.
    pub restored: Option<Restored>,
}

impl Contents {
    /// Reads what a folder holds, without taking it.
    ///
    /// # Errors
    /// If the folder holds no journal that this binary can read.
    pub fn read<S: Storage>(storage: &S) -> Result<Self, OpenError> {
        let file = open_manifest(storage, Access::Read)?;
        let manifest = ManifestFile::read(file).map_err(|fault| manifest_error(storage, fault))?;
        Ok(Self::of(manifest.current()))
    }

    /// Makes a folder one that holds this, in the place of what its MANIFEST said before; durable on return. The
    /// caller has made durable what is named.
    ///
    /// # Errors
    /// If the folder can't be written. What MANIFEST said before may stand.
    pub fn write<S: Storage>(&self, storage: &S) -> Result<(), StorageError> {
        let unfinished = format!("{MANIFEST_NAME}{UNFINISHED}");
        match storage.remove(&unfinished) {
            Err(error) if error.kind != StorageErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let file = storage.create(&unfinished)?;
        ManifestFile::write_new(&file, &self.manifest())?;
        file.sync()?;
        storage.rename(&unfinished, MANIFEST_NAME)?;
        storage.sync_directory()
    }

    /// What a reader is to see of a folder of which MANIFEST says otherwise.
    pub(crate) const fn manifest(&self) -> Manifest {
        Manifest {
            identity: self.identity,
            generation: 1,
            oldest_segment: self.oldest_segment,
            newest_segment: self.newest_segment,
            newest_snapshot: self.newest_snapshot,
            anchor: self.anchor,
            restored: self.restored,
        }
    }

    pub(crate) const fn of(manifest: &Manifest) -> Self {
        Self {
            identity: manifest.identity,
            oldest_segment: manifest.oldest_segment,
            newest_segment: manifest.newest_segment,
            newest_snapshot: manifest.newest_snapshot,
            anchor: manifest.anchor,
            restored: manifest.restored,
        }
    }

    /// Whether a segment with this number may be of this life.
    pub(crate) fn admits(manifest: &Manifest, number: u64, found: &Identity) -> bool {
        let is_earlier = manifest.restored.is_some_and(|restored| number <= restored.segment);
        let same_life = found.incarnation == manifest.identity.incarnation;
        Identity { incarnation: manifest.identity.incarnation, ..*found } == manifest.identity
            && same_life != is_earlier
    }
}

impl<S: Storage> Reader<S> {
    /// Reads of a folder what these contents name, whatever its MANIFEST says, if it has one.
    pub const fn of_contents(storage: S, contents: &Contents) -> Self {
        Self::with_manifest(storage, contents.manifest())
    }

    /// What this reader reads.
    pub const fn contents(&self) -> Contents {
        Contents::of(self.manifest())
    }

    /// What a segment's first frame follows, by its own account; `None` if the segment holds no frame. The frame
    /// before it is taken to have been stamped a moment earlier.
    ///
    /// # Errors
    /// If the segment is missing or can't be read.
    pub fn before_segment(&self, number: u64) -> Result<Option<Tail>, ReadError> {
        let head = self.segment(number)?.head(first_frame_offset())?;
        Ok(head.and_then(|head| {
            let batch = BatchNumber(head.batch.0.checked_sub(1)?);
            Some(Tail {
                batch,
                next_sequence: head.first_sequence,
                hash: head.previous_hash,
                time: Timestamp::from_nanoseconds(head.time.nanoseconds().checked_sub(1)?)?,
                epoch: match head.kind {
                    FrameKind::EpochStart => Epoch(head.epoch.0.checked_sub(1)?),
                    FrameKind::Commands | FrameKind::Marker => head.epoch,
                },
                durable_mark: head.durable_mark.min(batch),
                kind: None,
            })
        }))
    }

    /// The lives of the log, as far as its segments go back.
    ///
    /// # Errors
    /// If a segment is missing or can't be read.
    pub fn lives(&self) -> Result<Lives, ReadError> {
        let manifest = self.manifest();
        let mut lives: Option<Lives> = None;
        for number in manifest.oldest_segment..=manifest.newest_segment {
            let mut segment = self.segment(number)?;
            let incarnation = segment.header().identity.incarnation;
            let Some(head) = segment.head(first_frame_offset())? else { continue };
            match &mut lives {
                None => lives = Some(Lives::first(incarnation)),
                Some(lives) if lives.last().incarnation != incarnation => {
                    lives.begin(Life { incarnation, first: head.first_sequence });
                }
                Some(_) => {}
            }
        }
        Ok(lives.unwrap_or(Lives::first(manifest.identity.incarnation)))
    }

    fn segment(&self, number: u64) -> Result<SegmentReader<S::File>, ReadError> {
        let manifest = self.manifest();
        SegmentReader::open(self.storage(), &manifest.identity, number, Access::Read).map_err(|error| {
            let name = segment_name(number);
            let kind = match error {
                SegmentOpenError::Missing => DamageKind::SegmentMissing { name },
                SegmentOpenError::Fault(fault) => DamageKind::SegmentHeader { name, fault },
                SegmentOpenError::Storage(error) => return ReadError::Storage(error),
            };
            let location = Location { segment: number, offset: 0 };
            ReadError::Damage(Damage { location, expected: manifest.anchor.batch.next(), kind })
        })
    }
}
