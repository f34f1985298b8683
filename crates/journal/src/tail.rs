//! The end of a log, and what the next frame must look like to follow it.
//!
//! Invariant: batch numbers and sequences are contiguous, hashes chain, time strictly increases, an epoch
//! begins with an `EpochStart` frame and is one above the epoch before.

use types::{BatchNumber, Epoch, Sequence, Timestamp};

use crate::frame::FrameView;
use crate::header::{FrameHash, FrameHeader, FrameKind, Identity};

/// Before every frame: no frame may be stamped with this instant itself.
const START_OF_TIME: Timestamp = Timestamp::from_nanoseconds(0).expect("1970 is representable");

/// The end of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The last frame; 0 in an empty log.
    pub batch: BatchNumber,
    /// The first position that is free.
    pub next_sequence: Sequence,
    /// The last frame's hash.
    pub hash: FrameHash,
    /// The last frame's time.
    pub time: Timestamp,
    /// The epoch of the last frame; 0 in an empty log.
    pub epoch: Epoch,
    /// The highest durable mark in the log.
    pub durable_mark: BatchNumber,
    /// What the last frame was for; `None` in an empty log, and at the start of a trimmed one.
    pub kind: Option<FrameKind>,
}

/// How a frame fails to follow the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// A frame of another log.
    #[error("it belongs to cluster {}, shard {}, incarnation {}", found.cluster, found.shard, found.incarnation)]
    Identity {
        /// Whose log it belongs to.
        found: Identity,
    },
    /// A frame is missing, or this one stands twice.
    #[error("it says batch {found} where batch {expected} must follow")]
    Batch {
        /// The batch it names.
        found: BatchNumber,
        /// The batch that must follow.
        expected: BatchNumber,
    },
    /// A frame of another epoch, or an epoch that does not begin as one.
    #[error("it is of epoch {found} and kind {kind:?}, after epoch {before}")]
    Epoch {
        /// The epoch it names.
        found: Epoch,
        /// What it says to be for.
        kind: FrameKind,
        /// The epoch of the frame before.
        before: Epoch,
    },
    /// It follows another frame than the one that is there.
    #[error("it follows the frame {found}, but the frame before is {expected}")]
    PreviousHash {
        /// The hash it names.
        found: FrameHash,
        /// The hash of the frame before.
        expected: FrameHash,
    },
    /// Positions are missing or used twice.
    #[error("it starts at sequence {found} where {expected} must follow")]
    Sequence {
        /// The position it starts at.
        found: Sequence,
        /// The position that must follow.
        expected: Sequence,
    },
    /// Time stands still or runs backwards.
    #[error("its time {found} is not after {before}")]
    Time {
        /// Its time.
        found: Timestamp,
        /// The time of the frame before.
        before: Timestamp,
    },
    /// It knows less to be durable than the frame before.
    #[error("its durable mark {found} is below {before}")]
    DurableMark {
        /// Its durable mark.
        found: BatchNumber,
        /// The durable mark of the frame before.
        before: BatchNumber,
    },
}

impl Tail {
    /// The end of a log without frames.
    pub const EMPTY: Self = Self {
        batch: BatchNumber(0),
        next_sequence: Sequence(1),
        hash: FrameHash::NONE,
        time: START_OF_TIME,
        epoch: Epoch(0),
        durable_mark: BatchNumber(0),
        kind: None,
    };

    /// The end of a log whose last frame this is.
    pub const fn after(header: &FrameHeader, hash: FrameHash) -> Self {
        Self {
            batch: header.batch,
            next_sequence: header.next_sequence(),
            hash,
            time: header.time,
            epoch: header.epoch,
            durable_mark: header.durable_mark,
            kind: Some(header.kind),
        }
    }

    /// What a frame with this header follows, as far as the frame itself can say: the time before is known to be
    /// earlier, and no more.
    pub(crate) fn before(header: &FrameHeader) -> Self {
        if header.batch.0 <= 1 {
            return Self::EMPTY;
        }
        let epoch = match header.kind {
            FrameKind::EpochStart => Epoch(header.epoch.0.saturating_sub(1)),
            FrameKind::Commands | FrameKind::Marker => header.epoch,
        };
        Self {
            batch: BatchNumber(header.batch.0 - 1),
            next_sequence: header.first_sequence,
            hash: header.previous_hash,
            time: START_OF_TIME,
            epoch,
            durable_mark: BatchNumber(0),
            kind: None,
        }
    }

    /// The same end, but for what it does not say what the last frame was for.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        Self { kind: None, ..*self } == Self { kind: None, ..*other }
    }

    /// The last position that is taken; 0 in an empty log.
    pub const fn last_sequence(&self) -> Sequence {
        Sequence(self.next_sequence.0.checked_sub(1).expect("the first position is 1"))
    }

    /// Whether the log ends in a marker, so that a lost last frame could not have been acknowledged.
    pub fn ends_in_marker(&self) -> bool {
        self.kind == Some(FrameKind::Marker)
    }

    /// The epoch of a frame of this kind that follows.
    pub const fn next_epoch(&self, kind: FrameKind) -> Epoch {
        match kind {
            FrameKind::EpochStart => Epoch(self.epoch.0.saturating_add(1)),
            FrameKind::Commands | FrameKind::Marker => self.epoch,
        }
    }

    /// Checks that a frame follows this end, and moves on to it.
    ///
    /// # Errors
    /// How it fails to follow; the tail is then unchanged.
    pub fn follow(&mut self, identity: &Identity, frame: &FrameView<'_>) -> Result<(), ChainFault> {
        self.check(identity, frame.header())?;
        *self = Self::after(frame.header(), frame.hash());
        Ok(())
    }

    /// Checks that a frame with this header follows this end.
    ///
    /// # Errors
    /// How it fails to follow.
    pub fn check(&self, identity: &Identity, header: &FrameHeader) -> Result<(), ChainFault> {
        if header.identity != *identity {
            return Err(ChainFault::Identity { found: header.identity });
        }
        let expected = self.batch.next();
        if header.batch != expected {
            return Err(ChainFault::Batch { found: header.batch, expected });
        }
        let expected_epoch = self.next_epoch(header.kind);
        if header.epoch != expected_epoch || header.epoch.0 == 0 {
            return Err(ChainFault::Epoch { found: header.epoch, kind: header.kind, before: self.epoch });
        }
        if header.previous_hash != self.hash {
            return Err(ChainFault::PreviousHash { found: header.previous_hash, expected: self.hash });
        }
        if header.first_sequence != self.next_sequence {
            return Err(ChainFault::Sequence { found: header.first_sequence, expected: self.next_sequence });
        }
        if header.time <= self.time {
            return Err(ChainFault::Time { found: header.time, before: self.time });
        }
        if header.durable_mark < self.durable_mark {
            return Err(ChainFault::DurableMark { found: header.durable_mark, before: self.durable_mark });
        }
        Ok(())
    }
}
