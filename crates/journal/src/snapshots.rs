//! The snapshots of a journal and what follows from them: which one a start uses, and which segments it needs no more.
//!
//! The order in which a snapshot comes to count: it is written and made durable under its name, read back to its digest
//! by whoever wrote it, named in MANIFEST; then the one but two before it goes, and segments wholly below the older of
//! the two that are left move to the archive.
//!
//! Invariants:
//! - MANIFEST names a snapshot only after it was durable, and two of them are kept.
//! - A snapshot that MANIFEST does not name is removed by the next start.

use std::fmt;
use std::io::Read;
use std::sync::Arc;

use types::{BatchNumber, Timestamp};

use crate::archive::{self, Archived, RemovedSegment, Shelf};
use crate::contents::Contents;
use crate::journal::{ReadError, TrimError, Trimmed};
use crate::local::Shared;
use crate::manifest::Manifest;
use crate::preparer::held;
use crate::scan::Reader;
use crate::segment::segment_name;
use crate::snapshot::{SnapshotFault, SnapshotHeader, snapshot_name, snapshot_number};
use crate::snapshot_file::{SnapshotReader, SnapshotWriteError, SnapshotWriter};
use crate::storage::{Storage, StorageError, StorageErrorKind};
use crate::tail::Tail;

/// The snapshots and the archive of a [`crate::LocalJournal`]. Cheap to clone.
pub struct Snapshots<S: Storage> {
    shared: Arc<Shared<S>>,
}

/// What a start has to go by.
#[derive(Debug)]
pub struct Loaded<T> {
    /// The snapshot that was read, and what was made of it; `None` if the log is to be read from its first frame.
    pub snapshot: Option<(SnapshotHeader, T)>,
    /// A newer snapshot that could not be used, and why.
    pub passed_over: Option<(u64, SnapshotFault)>,
}

/// Why no snapshot could be loaded although there should be one: the node stops, and nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Neither the newest snapshot nor the one before it can be read, and the log does not reach back to its beginning.
    #[error(
        "no snapshot can be read: {}: {newest}; the one before: {previous}. The log alone does not give the state any \
         more; nothing was changed. Copy the folder as it is, then restore it from a backup or a replica",
        snapshot_name(*number)
    )]
    Unreadable {
        /// The newest snapshot.
        number: u64,
        /// What is wrong with it.
        newest: Box<SnapshotFault>,
        /// What is wrong with the one before.
        previous: Box<SnapshotFault>,
    },
    /// The file is not damaged: it is the wrong one, or this is the wrong binary.
    #[error("{name}, which MANIFEST names, can't be used: {fault}. Nothing was changed. {}", fault.advice())]
    WrongFile {
        /// The file.
        name: String,
        /// What is wrong with it.
        fault: Box<SnapshotFault>,
    },
}

/// How whoever owns a state reads it: it is given the snapshot's header and the state's stream.
pub type ReadState<'r, T> =
    dyn FnMut(&SnapshotHeader, &mut dyn Read) -> Result<T, Box<dyn std::error::Error + Send + Sync>> + 'r;

impl<S: Storage> Snapshots<S> {
    pub(crate) const fn new(shared: Arc<Shared<S>>) -> Self {
        Self { shared }
    }

    /// The number of the newest snapshot that counts; 0 = none.
    pub fn newest(&self) -> u64 {
        self.shared.manifest().newest_snapshot
    }

    /// Loads the newest snapshot that can be read, as the recovery table says.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load<T>(&self, read: &mut ReadState<'_, T>) -> Result<Loaded<T>, LoadError> {
        load(&self.shared.storage, &self.shared.manifest(), read)
    }

    /// Opens a snapshot.
    ///
    /// # Errors
    /// See [`SnapshotFault`].
    pub fn open(&self, number: u64) -> Result<SnapshotReader<S::File>, SnapshotFault> {
        SnapshotReader::open(&self.shared.storage, &self.shared.identity, number)
    }

    /// Begins the next snapshot, which stands at this end of the log. One that was begun before and not published is
    /// overwritten.
    ///
    /// # Errors
    /// If the file can't be made.
    pub fn create(&self, tail: Tail, rules_version: u32) -> Result<SnapshotWriter<S>, SnapshotWriteError> {
        let (storage, identity) = (self.shared.storage.clone(), self.shared.identity);
        SnapshotWriter::new(storage, identity, self.newest() + 1, tail, rules_version)
    }

    /// Names a snapshot in MANIFEST, and removes those that are not among the two newest any more. The caller has read
    /// it back to its digest.
    ///
    /// # Errors
    /// If the folder fails: end the process.
    ///
    /// # Panics
    /// If it is not the next snapshot.
    pub fn publish(&self, snapshot: &SnapshotHeader) -> Result<(), StorageError> {
        self.change(|manifest| {
            assert_eq!(snapshot.number, manifest.newest_snapshot + 1, "snapshots are published in order");
            manifest.newest_snapshot = snapshot.number;
        })
    }

    /// Goes back to an older snapshot because newer ones can't be read, and removes those. To be called when a start
    /// that used it has claimed the log.
    ///
    /// # Errors
    /// If the folder fails: end the process.
    pub fn withdraw_after(&self, number: u64) -> Result<(), StorageError> {
        if self.newest() == number {
            return Ok(());
        }
        self.change(|manifest| {
            assert!(number < manifest.newest_snapshot, "the snapshot that was used is one of those kept");
            manifest.newest_snapshot = number;
        })
    }

    /// Changes MANIFEST, and removes the snapshots that do not count any more.
    fn change(&self, change: impl FnOnce(&mut Manifest)) -> Result<(), StorageError> {
        let shared = &self.shared;
        let store = || {
            held(&shared.manifest).store(change)?;
            let removed = remove_uncounted(&shared.storage, self.newest())?;
            if removed { shared.storage.sync_directory() } else { Ok(()) }
        };
        store().inspect_err(|error| shared.fail(error))
    }

    /// Moves segments that end at or below this batch into the archive, except the newest. The caller knows that the
    /// older of the two snapshots that are kept covers them, and that the newer one has been read back to its digest.
    ///
    /// # Errors
    /// See [`TrimError`].
    pub fn archive_upto(&self, upto: BatchNumber) -> Result<Trimmed, TrimError> {
        self.shared.trim(upto)
    }

    /// What lies in the archive.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn archived(&self) -> Result<Archived, StorageError> {
        let named = self.shared.manifest().oldest_segment;
        let oldest = self.oldest(named)?;
        Ok(Archived { oldest: Some(oldest).filter(|oldest| *oldest < named), segments: named - oldest })
    }

    /// The oldest segment that can be read. Once the log has been read nobody has to look.
    fn oldest(&self, named: u64) -> Result<u64, StorageError> {
        let known = held(&self.shared.index).oldest();
        known.map_or_else(|| archive::oldest_segment(&self.shared.storage, named), Ok)
    }

    /// Removes the oldest archived segment for good if all of its frames were stamped before this time. To be called
    /// until it says that there is none.
    ///
    /// # Errors
    /// If the archive can't be read; [`ReadError::Storage`] of a removal means that the process must end.
    pub fn remove_archived(&self, before: Timestamp) -> Result<Option<RemovedSegment>, ReadError> {
        let shared = &self.shared;
        let named = shared.manifest().oldest_segment;
        let oldest = self.oldest(named)?;
        let (Some(folder), true) = (archive::existing(&shared.storage)?, oldest < named) else {
            return Ok(None);
        };
        let expected = shared.manifest().anchor.batch;
        let shelf = Shelf { storage: &shared.storage, identity: shared.identity, expected };
        // The frame after its last: stamped later, so if even that is old enough, all of it is.
        let mut next = None;
        for number in oldest + 1..=shared.manifest().newest_segment {
            next = shelf.first_frame(number)?;
            if next.is_some() {
                break;
            }
        }
        let Some(next) = next.filter(|next| next.time <= before) else { return Ok(None) };
        // Readers hear of it before the file goes.
        held(&shared.index).set_oldest(oldest + 1);
        let remove = || {
            // It may not have been moved yet, for want of room.
            let is_beside = archive::is_beside(&shared.storage, oldest)?;
            let folder = if is_beside { &shared.storage } else { &folder };
            folder.remove(&segment_name(oldest))?;
            // Each for itself: two that go at once could leave a gap.
            folder.sync_directory()
        };
        remove().inspect_err(|error| shared.fail(error))?;
        Ok(Some(RemovedSegment { segment: oldest, first_kept: next.batch, ended_before: next.time }))
    }
}

impl<S: Storage> Reader<S> {
    /// The snapshots that a start would use, newest first, with the state of each unread.
    pub fn snapshots(&self) -> Vec<u64> {
        let newest = self.manifest.newest_snapshot;
        (newest.saturating_sub(1)..=newest).rev().filter(|number| *number > 0).collect()
    }

    /// Opens a snapshot.
    ///
    /// # Errors
    /// See [`SnapshotFault`].
    pub fn open_snapshot(&self, number: u64) -> Result<SnapshotReader<S::File>, SnapshotFault> {
        SnapshotReader::open(&self.storage, &self.manifest.identity, number)
    }

    /// Loads the newest snapshot that can be read, as a start does.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load_snapshot<T>(&self, read: &mut ReadState<'_, T>) -> Result<Loaded<T>, LoadError> {
        load(&self.storage, &self.manifest, read)
    }
}

/// The recovery table for snapshots, in FORMAT.md.
fn load<S: Storage, T>(
    storage: &S,
    manifest: &Manifest,
    read: &mut ReadState<'_, T>,
) -> Result<Loaded<T>, LoadError> {
    let newest = manifest.newest_snapshot;
    if newest == 0 {
        return Ok(Loaded { snapshot: None, passed_over: None });
    }
    let fault = match load_one(storage, manifest, newest, read) {
        Ok(loaded) => return Ok(Loaded { snapshot: Some(loaded), passed_over: None }),
        Err(fault) if fault.is_wrong_file() => {
            return Err(LoadError::WrongFile { name: snapshot_name(newest), fault: Box::new(fault) });
        }
        Err(fault) => fault,
    };
    // Before the first snapshot stands the log's beginning, which is as good as one.
    if newest == 1 && manifest.anchor == Tail::EMPTY {
        return Ok(Loaded { snapshot: None, passed_over: Some((newest, fault)) });
    }
    match load_one(storage, manifest, newest - 1, read) {
        Ok(loaded) => Ok(Loaded { snapshot: Some(loaded), passed_over: Some((newest, fault)) }),
        Err(previous) if previous.is_wrong_file() => {
            Err(LoadError::WrongFile { name: snapshot_name(newest - 1), fault: Box::new(previous) })
        }
        Err(previous) => Err(LoadError::Unreadable {
            number: newest,
            newest: Box::new(fault),
            previous: Box::new(previous),
        }),
    }
}

fn load_one<S: Storage, T>(
    storage: &S,
    manifest: &Manifest,
    number: u64,
    read: &mut ReadState<'_, T>,
) -> Result<(SnapshotHeader, T), SnapshotFault> {
    let mut reader = SnapshotReader::open(storage, &manifest.identity, number)?;
    let header = *reader.header();
    if !Contents::admits_snapshot(manifest, header.tail.batch, &header.identity) {
        return Err(SnapshotFault::Foreign { found: header.identity });
    }
    match read(&header, &mut reader) {
        // Also if the state's owner has not read all of it.
        Ok(state) => reader.finish().map(|header| (header, state)),
        // Of bytes that are as they were written it is not the medium that is to blame.
        Err(said) => reader.finish().and(Err(SnapshotFault::State(said.to_string()))),
    }
}

/// Removes the snapshots that do not count where this is the newest; says whether there were any.
pub(crate) fn remove_uncounted<S: Storage>(storage: &S, newest: u64) -> Result<bool, StorageError> {
    let mut removed = false;
    for name in storage.list()? {
        let counts = |number: u64| number <= newest && number + 1 >= newest;
        if snapshot_number(&name).is_none_or(counts) {
            continue;
        }
        match storage.remove(&name) {
            Err(error) if error.kind != StorageErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => removed = true,
        }
    }
    Ok(removed)
}

impl<S: Storage> Clone for Snapshots<S> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<S: Storage> fmt::Debug for Snapshots<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Snapshots").field("newest", &self.newest()).finish_non_exhaustive()
    }
}
