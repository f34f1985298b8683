//! What a folder's MANIFEST says, for those who copy folders: backup and restore.
//!
//! A restored folder begins a new life of its log: MANIFEST carries a new incarnation, and says where the earlier lives
//! end ([`Restored`]). Their segments stay as they are; the new life's first segment begins with an epoch start
//! that follows the last frame that was kept.

use types::{BatchNumber, Incarnation, Life, Lives, Sequence};

use crate::archive::{self, Shelf};
use crate::header::{FrameHash, FrameHeader, Identity};
use crate::journal::ReadError;
use crate::manifest::{MANIFEST_NAME, Manifest, ManifestFile};
use crate::open::{OpenError, UNFINISHED, manifest_error, open_manifest};
use crate::scan::Reader;
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
        found.is_a_life_of(&manifest.identity) && same_life != is_earlier
    }

    /// Whether a snapshot that stands at this frame may be of this life: earlier ones count up to the restore.
    pub(crate) fn admits_snapshot(manifest: &Manifest, batch: BatchNumber, found: &Identity) -> bool {
        let same_life = found.incarnation == manifest.identity.incarnation;
        found.is_a_life_of(&manifest.identity)
            && (same_life || manifest.restored.is_some_and(|restored| batch <= restored.batch))
    }
}

impl<S: Storage> Reader<S> {
    /// Reads of a folder what these contents name, whatever its MANIFEST says, if it has one.
    pub fn of_contents(storage: S, contents: &Contents) -> Self {
        Self::with_manifest(storage, contents.manifest())
    }

    /// What this reader reads.
    pub const fn contents(&self) -> Contents {
        Contents::of(&self.manifest)
    }

    /// What a segment's first frame follows, as far as that frame can say; `None` if the segment holds no frame.
    ///
    /// # Errors
    /// If the segment is missing or can't be read.
    pub fn before_segment(&self, number: u64) -> Result<Option<Tail>, ReadError> {
        Ok(self.shelf().head(number)?.as_ref().map(Tail::before))
    }

    /// The lives of the log, as far back as it can be read.
    ///
    /// # Errors
    /// If a segment is missing or can't be read.
    pub fn lives(&self) -> Result<Lives, ReadError> {
        let newest = Lives::first(self.manifest.identity.incarnation);
        if self.manifest.restored.is_none() {
            return Ok(newest);
        }
        let mut from = archive::oldest_segment(&self.storage, self.manifest.oldest_segment)?;
        let end = self.manifest.newest_segment + 1;
        let mut lives: Option<Lives> = None;
        while let Some((_, head)) = self.shelf().next_head(from..end)? {
            let incarnation = head.identity.incarnation;
            match &mut lives {
                None => lives = Some(Lives::first(incarnation)),
                Some(lives) => {
                    lives.begin(Life { incarnation, first: head.first_sequence });
                }
            }
            let is_same = |head: &FrameHeader| head.identity.incarnation == incarnation;
            let last = self.shelf().last_segment(from..end, &is_same)?;
            from = last.map_or(end, |(number, _)| number + 1);
        }
        Ok(lives.unwrap_or(newest))
    }

    const fn shelf(&self) -> Shelf<'_, S> {
        let expected = BatchNumber(0);
        Shelf { storage: &self.storage, identity: self.manifest.identity, expected }
    }
}
