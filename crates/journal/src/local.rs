//! The journal in a folder of this machine.
//!
//! Invariants:
//! - The folder is locked from open until the journal, its writers and its preparers are gone. Frame readers do not
//!   keep it: what they read is durable and stays as it is.
//! - A claim starts a new segment, so a torn frame is never written over.
//! - After any failed write or sync nothing is written any more by this process.
//! - Trimming moves segments into the archive; only [`crate::Snapshots::remove_archived`] removes any.

use std::fmt;
use std::sync::{Arc, Mutex};

use types::{BatchNumber, ClusterId, Epoch};

use crate::archive;
use crate::builder::SealedFrame;
use crate::contents::Restored;
use crate::frame::FrameView;
use crate::frame_index::FrameIndex;
use crate::frame_reader::FrameReader;
use crate::frame_source::FrameSource;
use crate::header::{FrameKind, Identity};
use crate::journal::{ClaimError, Journal, Location, ReadError, Refusal, TrimError, Trimmed, VisitError};
use crate::key_file::KeyFile;
use crate::key_table::KeysError;
use crate::keyring::Keyring;
use crate::local_writer::{LocalWriter, RotateError};
use crate::manifest::{Manifest, ManifestFile};
use crate::master_key::MasterKey;
use crate::open::{self, OpenError, manifest_error};
use crate::preparer::{Preparation, Preparer, held};
use crate::scan::{Scan, Scanned};
use crate::segment::SegmentSize;
use crate::snapshots::Snapshots;
use crate::storage::{Access, Storage, StorageError};
use crate::tail::Tail;

/// A source of random numbers, which core crates do not have themselves.
pub type Entropy = Box<dyn FnMut() -> u64 + Send>;

/// How a journal makes its segments.
pub struct Settings {
    /// How long new segments are.
    pub segment_size: SegmentSize,
    /// Draws the tags of new segments.
    pub entropy: Entropy,
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Settings").field("segment_size", &self.segment_size).finish_non_exhaustive()
    }
}

/// A journal in a folder that this process has taken.
pub struct LocalJournal<S: Storage> {
    pub(crate) shared: Arc<Shared<S>>,
    torn: Option<Location>,
}

/// What the journal, its writer and its preparer share.
pub(crate) struct Shared<S: Storage> {
    pub(crate) storage: S,
    pub(crate) identity: Identity,
    pub(crate) preparation: Preparation<S>,
    pub(crate) manifest: Mutex<ManifestFile<S::File>>,
    /// Held during every append and claim: they exclude each other.
    pub(crate) holder: Mutex<Holder>,
    /// What readers know. Apart from `holder`, which a writer holds while it waits for the disk; taken after it
    /// where both are, and never held for longer than it takes to look.
    pub(crate) index: Arc<Mutex<FrameIndex>>,
    /// Opens personal sections for everyone who reads; empty until [`LocalJournal::open_keys`].
    keyring: Arc<Keyring>,
    _lock: S::Lock,
}

/// Who may write, and what is known about the log's end.
#[derive(Debug, Default)]
pub(crate) struct Holder {
    /// The epoch of the writer that holds the log; 0 before the first claim of this process.
    pub(crate) epoch: Epoch,
    /// The log's end; `None` until it has been read.
    pub(crate) tail: Option<Tail>,
    /// The first failed write or sync. It ends all writing by this process.
    pub(crate) failed: Option<StorageError>,
}

impl<S: Storage> Shared<S> {
    /// Ends all writing by this process.
    pub(crate) fn fail(&self, error: &StorageError) {
        held(&self.holder).failed.get_or_insert_with(|| error.clone());
    }

    /// Names the segment in MANIFEST, durably, before it gets its first frame.
    pub(crate) fn name_segment(&self, number: u64) -> Result<(), StorageError> {
        held(&self.manifest).store(|manifest| {
            assert_eq!(number, manifest.newest_segment + 1, "segments are named in order");
            manifest.newest_segment = number;
        })
    }

    pub(crate) fn manifest(&self) -> Manifest {
        *held(&self.manifest).current()
    }

    /// Moves segments that end at or below this batch into the archive, except the newest.
    pub(crate) fn trim(&self, upto: BatchNumber) -> Result<Trimmed, TrimError> {
        let (last, failed) = {
            let holder = held(&self.holder);
            (holder.tail.expect("the log has been read before it is trimmed").batch, holder.failed.is_some())
        };
        if upto > last {
            return Err(TrimError::Beyond { last });
        }
        if failed {
            return Err(TrimError::Poisoned);
        }
        let before = self.manifest();
        // Readers find what has no marks by itself, wherever it lies.
        let oldest = held(&self.index).trim(upto);
        let Some((oldest, anchor)) = oldest.filter(|(oldest, _)| *oldest > before.oldest_segment) else {
            return Ok(Trimmed { last: before.anchor.batch });
        };
        let archive = || {
            held(&self.manifest).store(|manifest| {
                manifest.oldest_segment = oldest;
                manifest.anchor = Tail { kind: None, ..anchor };
            })?;
            archive::take_in(&self.storage, oldest)
        };
        archive().map_err(|error| {
            self.fail(&error);
            TrimError::Unknown(error)
        })?;
        Ok(Trimmed { last: anchor.batch })
    }
}

impl<S: Storage> LocalJournal<S> {
    /// Makes a journal in an empty folder and opens it.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn create(storage: S, identity: Identity, settings: Settings) -> Result<Self, OpenError> {
        let lock = open::lock(&storage)?;
        open::create(&storage, identity)?;
        Self::open_locked(storage, lock, Some(identity.cluster), settings)
    }

    /// Opens the journal in a folder, which must be of this cluster if one is given.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(storage: S, cluster: Option<ClusterId>, settings: Settings) -> Result<Self, OpenError> {
        // Says that there is no journal before a lock file appears in a folder given by mistake.
        drop(open::open_manifest(&storage, Access::Read)?);
        let lock = open::lock(&storage)?;
        Self::open_locked(storage, lock, cluster, settings)
    }

    fn open_locked(
        storage: S,
        lock: S::Lock,
        cluster: Option<ClusterId>,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        let file = open::open_manifest(&storage, Access::Write)?;
        open::sync_all(&storage, &file)?;
        let manifest = ManifestFile::read(file).map_err(|fault| manifest_error(&storage, fault))?;
        let current = *manifest.current();
        let found = current.identity.cluster;
        if let Some(expected) = cluster
            && expected != found
        {
            return Err(OpenError::ForeignCluster { place: storage.place(), found, expected });
        }
        let ready = open::tidy(&storage, &current, settings.segment_size)?;
        let preparation = Preparation::new(current.identity, settings, current.newest_segment, ready);
        let shared = Shared {
            storage,
            identity: current.identity,
            preparation,
            manifest: Mutex::new(manifest),
            holder: Mutex::new(Holder::default()),
            index: Arc::new(Mutex::new(FrameIndex::new(Tail::EMPTY))),
            keyring: Arc::default(),
            _lock: lock,
        };
        Ok(Self { shared: Arc::new(shared), torn: None })
    }

    /// The folder, for what lies in it beside the log.
    pub fn storage(&self) -> &S {
        &self.shared.storage
    }

    /// Makes segments ready for this journal's writers.
    pub fn preparer(&self) -> Preparer<S> {
        Preparer::new(Arc::clone(&self.shared))
    }

    /// Reads frames by position, on other threads and beside the writer.
    pub fn frame_reader(&self) -> FrameReader<S> {
        let (storage, index) = (self.shared.storage.clone(), Arc::clone(&self.shared.index));
        FrameReader::new(storage, self.shared.identity, index, Arc::clone(&self.shared.keyring))
    }

    /// The keys at hand. All who read this journal open personal sections with them.
    pub fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.shared.keyring)
    }

    /// The master key that lies in the folder. One is made if there is none; then the flag is set.
    ///
    /// # Errors
    /// If it can't be read or made.
    pub fn master_in_folder(&self, entropy: &mut dyn FnMut() -> u64) -> Result<(MasterKey, bool), KeysError> {
        match MasterKey::in_folder(&self.shared.storage)? {
            Some(master) => Ok((master, false)),
            None => Ok((MasterKey::make_in_folder(&self.shared.storage, entropy)?, true)),
        }
    }

    /// Opens the log's keys and hands them to all who read; `None` if the folder has none.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub fn open_keys(&self, master: MasterKey) -> Result<Option<KeyFile<S>>, KeysError> {
        let (storage, cluster) = (self.shared.storage.clone(), self.shared.identity.cluster);
        KeyFile::open(storage, cluster, master, self.keyring())
    }

    /// Makes the log's keys: for a log without records that of its digests, for an older one, whose frames are in clear
    /// up to the day `clear_before`, none yet.
    ///
    /// # Errors
    /// If they can't be written.
    pub fn create_keys(
        &self,
        master: MasterKey,
        clear_before: Option<u32>,
        entropy: &mut dyn FnMut() -> u64,
    ) -> Result<KeyFile<S>, KeysError> {
        let (storage, cluster) = (self.shared.storage.clone(), self.shared.identity.cluster);
        KeyFile::create(storage, cluster, master, self.keyring(), clear_before, entropy)
    }

    /// Where earlier lives of the log end, if it was restored.
    pub fn restored(&self) -> Option<Restored> {
        self.shared.manifest().restored
    }

    /// The snapshots and the archive.
    pub fn snapshots(&self) -> Snapshots<S> {
        Snapshots::new(Arc::clone(&self.shared))
    }

    /// Visits every frame after a snapshot, whose end of the log this is, and finds the log's end. Of what lies before
    /// only the segment is read that holds the snapshot's own frame, to see that it is the one.
    ///
    /// # Errors
    /// See [`ReadError`]; damage also if the log does not hold the snapshot's frame.
    pub fn read_from(
        &mut self,
        snapshot: &Tail,
        visit: &mut dyn FnMut(&FrameView<'_>, Location) -> Result<(), VisitError>,
    ) -> Result<Tail, ReadError> {
        self.scan(&mut |scan| scan.run_from(snapshot, visit))
    }

    /// How many bytes of segments a start reads that begins from here, at most.
    pub fn bytes_to_read(&self, snapshot: Option<&Tail>) -> Result<u64, ReadError> {
        let manifest = self.shared.manifest();
        let (storage, keyring) = (&self.shared.storage, &self.shared.keyring);
        let scan = Scan { storage, manifest: &manifest, keyring, live: false };
        scan.length(snapshot)
    }

    fn scan(
        &mut self,
        run: &mut dyn FnMut(&Scan<'_, S>) -> Result<Scanned, ReadError>,
    ) -> Result<Tail, ReadError> {
        let manifest = self.shared.manifest();
        let live = held(&self.shared.holder).tail.is_some();
        let (storage, keyring) = (&self.shared.storage, &self.shared.keyring);
        let scan = Scan { storage, manifest: &manifest, keyring, live };
        let Scanned { end, mut index } = run(&scan)?;
        self.torn = end.torn;
        index.set_oldest(archive::oldest_segment(&self.shared.storage, manifest.oldest_segment)?);
        let mut holder = held(&self.shared.holder);
        if holder.tail.is_none() {
            holder.tail = Some(end.tail);
            *held(&self.shared.index) = index;
        }
        Ok(end.tail)
    }

    /// Where the last read found a frame that was never acknowledged, at the log's end.
    pub const fn torn(&self) -> Option<Location> {
        self.torn
    }

    /// The log's end, read now if it has not been before.
    fn known_tail(&mut self) -> Result<Tail, ReadError> {
        let known = held(&self.shared.holder).tail;
        match known {
            Some(tail) => Ok(tail),
            None => self.read(BatchNumber(u64::MAX), &mut |_, _| Ok(())),
        }
    }
}

impl<S: Storage> Journal for LocalJournal<S> {
    type Writer = LocalWriter<S>;

    fn identity(&self) -> Identity {
        self.shared.identity
    }

    fn read(
        &mut self,
        after: BatchNumber,
        visit: &mut dyn FnMut(&FrameView<'_>, Location) -> Result<(), VisitError>,
    ) -> Result<Tail, ReadError> {
        self.scan(&mut |scan| scan.run(after, visit))
    }

    fn claim(&mut self, tail: &Tail, epoch_start: &mut SealedFrame) -> Result<Self::Writer, ClaimError> {
        assert_eq!(epoch_start.header().kind, FrameKind::EpochStart);
        assert_eq!(tail.check(&self.shared.identity, epoch_start.header()), Ok(()), "it follows the tail");
        let known = self.known_tail()?;
        if known != *tail {
            return Err(ClaimError::Lost { tail: known });
        }
        LocalWriter::claim(&self.shared, epoch_start).map_err(|error| match error {
            RotateError::Refused(error) => ClaimError::Refused(Refusal::NoSpace(error)),
            RotateError::Unknown(error) => ClaimError::Unknown(error),
            RotateError::Poisoned => ClaimError::Poisoned,
            RotateError::Moved(tail) => ClaimError::Lost { tail },
        })
    }

    fn trim(&mut self, upto: BatchNumber) -> Result<Trimmed, TrimError> {
        self.known_tail()?;
        self.shared.trim(upto)
    }

    fn frame_source(&self) -> Arc<dyn FrameSource> {
        Arc::new(self.frame_reader())
    }
}

impl<S: Storage> fmt::Debug for LocalJournal<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LocalJournal")
            .field("storage", &self.shared.storage)
            .field("identity", &self.shared.identity)
            .finish_non_exhaustive()
    }
}
