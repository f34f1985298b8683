//! The journal: frames, segments and recovery over a storage trait.
//!
//! A *frame* is the portable unit: commands, outcome entries of earlier frames and a personal section, hashed
//! and chained. Local storage wraps each in an *envelope* and lays them into *segments*, which MANIFEST names.
//! Records and outcome entries are bytes and counts here; `ledger` knows what they say. FORMAT.md beside this
//! crate is the byte table.
//!
//! Payments that have left the core's table lie in [`Run`]s beside the segments.
//!
//! A [`Journal`] is read once, from its beginning or from a snapshot on, claimed, and written by one [`Writer`]; meanwhile
//! a [`FrameSource`] reads frames by position on any thread, and [`Snapshots`] keeps what later starts begin with.
//!
//! Texts, which are personal data, are sealed under a key of their day ([`Keyring`]). The keys lie in a file beside the
//! segments, wrapped, and can be destroyed there: the chain covers the sealed bytes, and still verifies.
//!
//! Invariants:
//! - Nothing here reads a clock, draws a random number or starts a thread: callers pass those in.
//! - Acknowledged bytes are never written again, and never share a block with bytes written later.
//! - Bytes from a disk never panic; they are accepted whole, or named with their place and what is wrong.
//! - Only `storage_files` touches the operating system.

#![deny(clippy::as_conversions, clippy::float_arithmetic)]

mod archive;
mod buffer;
mod builder;
mod bytes;
mod contents;
mod duplicates;
mod envelope;
mod frame;
mod frame_index;
mod frame_reader;
mod frame_source;
mod header;
mod journal;
mod key_file;
mod key_table;
mod keyring;
mod limits;
mod local;
mod local_writer;
mod manifest;
mod master_key;
mod memory_journal;
#[cfg(not(solvo_mutants))]
mod mutants;
#[cfg(solvo_mutants)]
pub mod mutants;
mod open;
mod preparer;
mod recovery;
mod scan;
mod segment;
mod segment_reader;
mod snapshot;
mod snapshot_file;
mod snapshots;
mod storage;
mod storage_faults;
mod storage_files;
mod storage_memory;
mod tail;
mod voids;

pub use archive::{ARCHIVE_NAME, Archived, RemovedSegment};
pub use buffer::AlignedBuffer;
pub use builder::{FrameBuilder, SealInput, SealedFrame};
pub use contents::{Contents, Restored};
pub use duplicates::{
    Filter, FilterLine, Merger, RUN_ENTRY_LENGTH, Run, RunEnding, RunError, RunFacts, RunReader, RunWriter,
    holds_all, remake_run, remove_run, run_facts, run_name, run_number, tidy_runs,
};
pub use frame::FrameView;
pub use frame_reader::{FrameReader, Trail};
pub use frame_source::{FrameSource, VisitFrame};
pub use header::{FRAME_FORMAT, FrameFault, FrameHash, FrameHeader, FrameKind, HEADER_LENGTH, Identity};
pub use journal::{
    Append, ClaimError, Journal, Location, ReadError, Refusal, Space, TrimError, Trimmed, VisitError, Writer,
};
pub use key_file::{DIGEST_KEY_ID, Destroyed, KeyFile, destroy_keys, rewrap_keys};
pub use key_table::KeysError;
pub use keyring::{Keyring, TAG_LENGTH, key_of};
pub use limits::{
    BLOCK_SIZE, ENVELOPE_HEADER_LENGTH, ENVELOPE_LENGTH_MAX, FRAME_LENGTH_MAX, SECTOR_SIZE, SEGMENTS_READY,
};
pub use local::{Entropy, LocalJournal, Settings};
pub use local_writer::LocalWriter;
pub use master_key::MasterKey;
pub use memory_journal::{MemoryFault, MemoryJournal, MemoryWriter};
pub use open::OpenError;
pub use preparer::{Prepared, Preparer};
pub use recovery::{Damage, DamageKind};
pub use scan::{End, Reader};
pub use segment::{SegmentFault, SegmentSize, segment_name, segment_number};
pub use snapshot::{
    SnapshotFault, SnapshotHeader, StateDigest, StateDigester, snapshot_name, snapshot_number,
};
pub use snapshot_file::{SnapshotReader, SnapshotWriteError, SnapshotWriter};
pub use snapshots::{LoadError, Loaded, ReadState, Snapshots};
pub use storage::{Access, Storage, StorageError, StorageErrorKind, StorageFile};
pub use storage_faults::{Fate, Fault, Operation, OperationKind, SeededChoices, Unsynced};
pub use storage_files::{FileLock, FileStorage, StoredFile};
pub use storage_memory::{MemoryFile, MemoryLock, MemoryStorage};
pub use tail::{ChainFault, Tail};
pub use voids::{VOIDS_MAX, VOIDS_NAME, VoidEntry, VoidsError, write_voids};

/// The recovery table, for those who print or check it.
pub mod recovery_table {
    pub use crate::recovery::{
        After, Decision, Later, Observation, Place, Row, StopReason, TABLE, Written, decide,
    };
}
