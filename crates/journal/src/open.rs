//! Making and opening a journal's folder: whose it is, whether this binary may use it, and tidying up.
//!
//! Invariant: tidying removes only files that no frame was ever acknowledged in, and snapshots that do not count.

use std::collections::VecDeque;

use types::ClusterId;

use crate::archive;
use crate::header::Identity;
use crate::journal::Location;
use crate::manifest::{MANIFEST_FORMAT, MANIFEST_NAME, Manifest, ManifestFault, ManifestFile};
use crate::recovery::{Damage, DamageKind};
use crate::segment::{SegmentHeader, SegmentSize, first_frame_offset, segment_name, segment_number};
use crate::segment_reader::{SegmentOpenError, SegmentReader};
use crate::snapshot::snapshot_number;
use crate::snapshots::remove_uncounted;
use crate::storage::{Access, Storage, StorageError, StorageErrorKind, StorageFile};

/// The file whose lock means the folder.
pub(crate) const LOCK_NAME: &str = "LOCK";

/// Stands in the root of a fresh ext file system, which may well be a journal's own.
const FILE_SYSTEM_FOLDER: &str = "lost+found";

/// A file that is being made has this at the end of its name.
pub(crate) const UNFINISHED: &str = ".new";

/// Why a folder could not be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another node runs on the folder.
    #[error("another node uses {place}: stop it first, or give this one a folder of its own")]
    Locked {
        /// The folder.
        place: String,
    },
    /// The folder holds no journal.
    #[error("{place} holds no journal: check the path, or create one there")]
    NotAJournal {
        /// The folder.
        place: String,
    },
    /// A journal can only be created in an empty folder.
    #[error("{place} is not empty (it holds {name}): create the journal in a new folder")]
    NotEmpty {
        /// The folder.
        place: String,
        /// One of the files in it.
        name: String,
    },
    /// Written by a newer binary.
    #[error(
        "MANIFEST in {place} has format {found} and this binary reads up to {MANIFEST_FORMAT}: use the newer \
         binary that wrote it"
    )]
    NewerFormat {
        /// The folder.
        place: String,
        /// The format found.
        found: u16,
    },
    /// The journal of another cluster.
    #[error(
        "{place} belongs to cluster {found}, and this node is of cluster {expected}: check the path and the \
         node's configuration; nothing was changed"
    )]
    ForeignCluster {
        /// The folder.
        place: String,
        /// Whose it is.
        found: ClusterId,
        /// The node's cluster.
        expected: ClusterId,
    },
    /// The folder can't be written.
    #[error(
        "{place} can't be written: check its owner and permissions and how the file system is mounted; \
         `solvo verify` and `solvo inspect` work without writing"
    )]
    ReadOnly {
        /// The folder.
        place: String,
    },
    /// Both slots of MANIFEST are unreadable.
    #[error(
        "neither slot of MANIFEST in {place} verifies: copy the folder as it is, then restore it from a backup \
         or a replica"
    )]
    ManifestUnreadable {
        /// The folder.
        place: String,
    },
    /// The log is damaged.
    #[error(transparent)]
    Damage(#[from] Damage),
    /// The folder failed.
    #[error("the journal could not be opened: {0}")]
    Storage(StorageError),
}

/// An empty segment, durable under its own name.
#[derive(Debug)]
pub(crate) struct ReadySegment<F> {
    pub(crate) header: SegmentHeader,
    pub(crate) file: F,
}

/// Takes the folder.
pub(crate) fn lock<S: Storage>(storage: &S) -> Result<S::Lock, OpenError> {
    storage.lock().map_err(|error| open_error(storage, error))
}

/// Makes the files of a new journal in an empty folder that has been locked.
pub(crate) fn create<S: Storage>(storage: &S, identity: Identity) -> Result<(), OpenError> {
    let wrap = |error| open_error(storage, error);
    let unfinished = format!("{MANIFEST_NAME}{UNFINISHED}");
    for name in storage.list().map_err(wrap)? {
        if name == unfinished {
            storage.remove(&name).map_err(wrap)?;
        } else if name != LOCK_NAME && name != FILE_SYSTEM_FOLDER {
            return Err(OpenError::NotEmpty { place: storage.place(), name });
        }
    }
    let file = storage.create(&unfinished).map_err(wrap)?;
    ManifestFile::write_new(&file, &Manifest::first(identity)).map_err(wrap)?;
    file.sync().map_err(wrap)?;
    storage.rename(&unfinished, MANIFEST_NAME).map_err(wrap)?;
    storage.sync_directory().map_err(wrap)
}

/// Opens MANIFEST.
pub(crate) fn open_manifest<S: Storage>(storage: &S, access: Access) -> Result<S::File, OpenError> {
    storage.open(MANIFEST_NAME, access).map_err(|error| {
        if error.kind == StorageErrorKind::NotFound {
            return OpenError::NotAJournal { place: storage.place() };
        }
        open_error(storage, error)
    })
}

/// Makes durable whatever an earlier process wrote and never synced, before anything is decided on it.
pub(crate) fn sync_all<S: Storage>(storage: &S, manifest: &S::File) -> Result<(), OpenError> {
    let wrap = |error| open_error(storage, error);
    manifest.sync().map_err(wrap)?;
    for name in storage.list().map_err(wrap)? {
        if segment_number(&name).is_some() {
            storage.open(&name, Access::Write).and_then(|file| file.sync()).map_err(wrap)?;
        }
    }
    if let Some(archive) = archive::existing(storage).map_err(wrap)? {
        archive.sync_directory().map_err(wrap)?;
    }
    storage.sync_directory().map_err(wrap)
}

/// Removes or finishes what an earlier process left half done, and finds the segments it had made ready.
pub(crate) fn tidy<S: Storage>(
    storage: &S,
    manifest: &Manifest,
    size: SegmentSize,
) -> Result<VecDeque<ReadySegment<S::File>>, OpenError> {
    let mut ready = VecDeque::new();
    let mut useless = Vec::new();
    // Names are sorted, and so are the numbers in them.
    for name in storage.list().map_err(|error| open_error(storage, error))? {
        let Some(number) = segment_number(&name) else {
            let finished = name.strip_suffix(UNFINISHED);
            let is_ours = |name: &str| {
                name == MANIFEST_NAME || segment_number(name).is_some() || snapshot_number(name).is_some()
            };
            if finished.is_some_and(is_ours) {
                useless.push(name);
            }
            continue;
        };
        if number > manifest.newest_segment {
            let next = manifest.newest_segment + 1 + crate::limits::stored(ready.len());
            match leftover(storage, manifest, number)? {
                Some(segment) if number == next && segment.header.length == size.bytes() => {
                    ready.push_back(segment);
                }
                _ => useless.push(name),
            }
        }
    }
    let tidied = || {
        archive::take_in(storage, manifest.oldest_segment)?;
        useless.iter().try_for_each(|name| storage.remove(name))?;
        let uncounted = remove_uncounted(storage, manifest.newest_snapshot)?;
        if useless.is_empty() && !uncounted { Ok(()) } else { storage.sync_directory() }
    };
    tidied().map_err(|error| open_error(storage, error))?;
    Ok(ready)
}

/// Looks at a segment that MANIFEST does not name: ready for use, useless, or a sign of damage.
fn leftover<S: Storage>(
    storage: &S,
    manifest: &Manifest,
    number: u64,
) -> Result<Option<ReadySegment<S::File>>, OpenError> {
    let mut segment = match SegmentReader::open(storage, &manifest.identity, number, Access::Write) {
        Ok(segment) if segment.header().identity != manifest.identity => return Ok(None),
        Ok(segment) => segment,
        Err(SegmentOpenError::Storage(error)) => return Err(open_error(storage, error)),
        Err(SegmentOpenError::Missing | SegmentOpenError::Fault(_)) => return Ok(None),
    };
    let wrap = |error| open_error(storage, error);
    if segment.first_written(first_frame_offset()).map_err(wrap)?.is_none() {
        let header = *segment.header();
        return Ok(Some(ReadySegment { header, file: segment.into_file() }));
    }
    match segment.next_whole(first_frame_offset()).map_err(wrap)? {
        None => Ok(None),
        Some((offset, frame_length)) => {
            let batch = segment.frame(offset, frame_length).map_err(wrap)?.0;
            let batch =
                crate::header::FrameHeader::decode(batch).map(|header| header.batch).unwrap_or_default();
            Err(OpenError::Damage(Damage {
                location: Location { segment: number, offset },
                expected: batch,
                kind: DamageKind::SegmentUnnamed { name: segment_name(number) },
            }))
        }
    }
}

/// Says what a failure of the folder means for opening it.
pub(crate) fn open_error<S: Storage>(storage: &S, error: StorageError) -> OpenError {
    match error.kind {
        StorageErrorKind::Locked => OpenError::Locked { place: storage.place() },
        StorageErrorKind::ReadOnly => OpenError::ReadOnly { place: storage.place() },
        StorageErrorKind::NotFound
        | StorageErrorKind::Exists
        | StorageErrorKind::NoSpace
        | StorageErrorKind::EndOfFile
        | StorageErrorKind::Partial
        | StorageErrorKind::Device(_) => OpenError::Storage(error),
    }
}

/// Says what an unreadable MANIFEST means for opening the folder.
pub(crate) fn manifest_error<S: Storage>(storage: &S, fault: ManifestFault) -> OpenError {
    let place = storage.place();
    match fault {
        ManifestFault::Newer { found } => OpenError::NewerFormat { place, found },
        ManifestFault::Unreadable => OpenError::ManifestUnreadable { place },
        ManifestFault::Storage(error) => open_error(storage, error),
    }
}
