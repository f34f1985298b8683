//! The journal as the engine sees it: one total order of frames, one writer at a time.
//!
//! Invariants of every implementation, numbered as the conformance suite checks them:
//! - I1: frames have one order, contiguous and chained.
//! - I2: nothing of an epoch becomes visible after the claim of the next one has returned.
//! - I3: a frame that was answered `Durable` is never missing later.
//! - I4: a durable frame never changes.
//! - I5: `Unknown` resolves to exactly one answer, at the next claim, and stays so.
//! - I6: two writers never both get `Durable` for one batch.
//! - I7: trimming removes nothing above the batch it was given.

use std::fmt;
use std::sync::Arc;

use types::{BatchNumber, Epoch, Sequence};

use crate::builder::SealedFrame;
use crate::frame::FrameView;
use crate::frame_source::FrameSource;
use crate::header::Identity;
use crate::recovery::Damage;
use crate::storage::StorageError;
use crate::tail::Tail;

/// A log: read it, then claim it, then write.
pub trait Journal {
    /// The right to append, from one claim to the next.
    type Writer: Writer;

    /// Whose log this is.
    fn identity(&self) -> Identity;

    /// Visits every frame after this batch in order, each checked against the one before, and finds the end.
    ///
    /// # Errors
    /// See [`ReadError`]. The frames visited before the error are good.
    fn read(
        &mut self,
        after: BatchNumber,
        visit: &mut dyn FnMut(&FrameView<'_>, Location) -> Result<(), VisitError>,
    ) -> Result<Tail, ReadError>;

    /// Takes the log over: `epoch_start`, sealed to follow `tail`, is durable on return, and no earlier writer
    /// can append any more.
    ///
    /// # Errors
    /// See [`ClaimError`].
    ///
    /// # Panics
    /// If `epoch_start` is of another kind or does not follow `tail`.
    fn claim(&mut self, tail: &Tail, epoch_start: &mut SealedFrame) -> Result<Self::Writer, ClaimError>;

    /// Gives back the space of frames up to this batch, as far as whole segments allow. The caller has a
    /// verified snapshot that covers them.
    ///
    /// # Errors
    /// See [`TrimError`].
    fn trim(&mut self, upto: BatchNumber) -> Result<Trimmed, TrimError>;

    /// Reading by position, for other threads and beside a writer.
    fn frame_source(&self) -> Arc<dyn FrameSource>;
}

/// The right to append.
pub trait Writer: Send {
    /// Appends one frame. `Durable` is final; a frame that is the log's last already is durable again.
    fn append(&mut self, frame: &mut SealedFrame) -> Append;

    /// The end of the log as this writer knows it.
    fn tail(&self) -> &Tail;

    /// Whether there is room for new work.
    fn space(&self) -> Space;
}

/// What came of an append.
#[derive(Debug)]
#[must_use]
pub enum Append {
    /// The frame is on stable storage.
    Durable,
    /// Another writer has claimed the log; this one will never append again.
    Fenced {
        /// The epoch that holds the log now.
        epoch: Epoch,
    },
    /// The frame does not follow the log's end. Nothing was appended.
    Conflict {
        /// The log's end.
        tail: Tail,
    },
    /// Certainly not appended; the writer is as good as before.
    Refused(Refusal),
    /// Nobody knows whether the frame is in the log. Only a new claim, after reading, can tell.
    Unknown(StorageError),
}

/// Why a frame was certainly not appended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The frame is longer than a segment.
    #[error("a frame of {length} bytes does not fit a segment of {segment} bytes")]
    TooLong {
        /// The envelope's length in bytes.
        length: u64,
        /// The segment's length in bytes.
        segment: u64,
    },
    /// There is no room for another segment.
    #[error("no room for another segment: {0}")]
    NoSpace(StorageError),
}

/// Whether there is room for new work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// All segments that should be ready are ready.
    Ample,
    /// A segment should be prepared; nothing stands in the way as far as is known.
    Preparing,
    /// There is no room for another segment: take no new payments. What is ready is kept for answers,
    /// expiries and markers. Ends when the preparer succeeds.
    Short,
}

/// Where a frame lies. A location says nothing to other implementations than the one it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// The segment, counted from 1. The in-memory journal has one.
    pub segment: u64,
    /// The first byte of the envelope in the segment.
    pub offset: u64,
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "segment {}, offset {}", self.segment, self.offset)
    }
}

/// What a visitor says to end a read.
pub type VisitError = Box<dyn std::error::Error + Send + Sync>;

/// Why a log could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The log is damaged: stop and let an operator decide.
    #[error(transparent)]
    Damage(#[from] Damage),
    /// The frames asked for have been trimmed: start from a snapshot.
    #[error(
        "the log begins at batch {first}, position {first_sequence}; start from a snapshot that covers the \
         frames before it"
    )]
    Trimmed {
        /// The first frame that is there.
        first: BatchNumber,
        /// The first position that is there: that frame's tick.
        first_sequence: Sequence,
    },
    /// The folder failed.
    #[error("the log could not be read: {0}")]
    Storage(#[from] StorageError),
    /// The visitor did not accept a frame.
    #[error("batch {batch} at {location} was not accepted: {source}")]
    Visit {
        /// Where the frame lies.
        location: Location,
        /// The frame.
        batch: BatchNumber,
        /// What the visitor said.
        source: VisitError,
    },
}

impl ReadError {
    /// What was asked for lies in what was trimmed, which ends here.
    pub(crate) const fn before(anchor: &Tail) -> Self {
        Self::Trimmed { first: anchor.batch.next(), first_sequence: anchor.next_sequence }
    }
}

/// Why a log could not be claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// The log has moved on since it was read: read again.
    #[error("the log ends at batch {} of epoch {}, not where it was read to end", tail.batch, tail.epoch)]
    Lost {
        /// The log's end.
        tail: Tail,
    },
    /// The log could not be read first.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Certainly not claimed.
    #[error("the log could not be claimed: {0}")]
    Refused(#[from] Refusal),
    /// Nobody knows whether the claim is in the log: end the process and start again.
    #[error("the claim may or may not be in the log: {0}; start the node again")]
    Unknown(StorageError),
    /// A write or sync failed earlier in this process: end it and start again.
    #[error("a write or sync failed earlier; start the node again, so that the log is read from the disk")]
    Poisoned,
}

/// What trimming left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trimmed {
    /// The last frame that is gone; 0 = none.
    pub last: BatchNumber,
}

/// Why a log could not be trimmed.
#[derive(Debug, thiserror::Error)]
pub enum TrimError {
    /// The log does not reach that far.
    #[error("the log ends at batch {last}, below what is to be trimmed")]
    Beyond {
        /// The log's last frame.
        last: BatchNumber,
    },
    /// The log could not be read first.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The folder failed, and nothing is known about what it holds: end the process and start again.
    #[error("trimming failed: {0}; start the node again")]
    Unknown(StorageError),
    /// A write or sync failed earlier in this process: end it and start again.
    #[error("a write or sync failed earlier; start the node again, so that the log is read from the disk")]
    Poisoned,
}
