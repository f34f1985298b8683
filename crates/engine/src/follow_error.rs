//! Why the follower, and the node with it, can't go on.

use journal::{ReadError, SnapshotFault, SnapshotWriteError, StateDigest, StorageError, TrimError};
use types::{BatchNumber, Sequence};

use crate::replay::Divergence;

/// Why the follower can't go on, and the node with it.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The node has told something that its own log contradicts.
    #[error(
        "the follower comes to another state than the node: {divergence} (batch {batch}, sequences {first} to {last}). \
         What was told stands; keep the folder as it is, and verify it"
    )]
    Divergence {
        /// What is wrong, with the sequence where it is one.
        divergence: Divergence,
        /// The frame that was being replayed.
        batch: BatchNumber,
        /// Its first position.
        first: Sequence,
        /// Its last position.
        last: Sequence,
    },
    /// A state that was written is not the one that is read back, although its bytes are.
    #[error(
        "snapshot {number} at sequence {sequence} was written with the digest {written}, and the state that is read \
         back from it has {found}: it is not used; the node before it and the log are good"
    )]
    State {
        /// The snapshot.
        number: u64,
        /// The last position in it.
        sequence: Sequence,
        /// The digest that was written.
        written: StateDigest,
        /// The digest of what was read back.
        found: StateDigest,
    },
    /// The log can't be read.
    #[error("the follower can't read the log: {0}")]
    Read(#[from] ReadError),
    /// The snapshot that the follower begins with can't be read any more.
    #[error("the follower can't read snapshot {number}: {fault}")]
    Snapshot {
        /// The snapshot.
        number: u64,
        /// What is wrong with it.
        fault: SnapshotFault,
    },
    /// A snapshot could not be written.
    #[error(transparent)]
    Write(#[from] SnapshotWriteError),
    /// The folder failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Segments could not be archived.
    #[error(transparent)]
    Trim(#[from] TrimError),
}
