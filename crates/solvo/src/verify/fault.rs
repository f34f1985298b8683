//! The first thing that is wrong with a log: where it is, what it is and what to do.
//!
//! Invariant: nothing here holds a name, an account number or a text of a payment.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use engine::Divergence;
use journal::{
    ARCHIVE_NAME, DamageKind, FrameHeader, KeysError, Location, OpenError, ReadError, SnapshotFault,
    StateDigest, StorageError, VisitError, VoidsError, segment_name,
};
use types::{BatchNumber, Bic, Currency, Sequence};

use crate::inspect::fields::{Fields, Value};
use crate::inspect::texts::TextsFault;

/// The first thing that is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{kind}{}", place.as_ref().map_or(String::new(), |place| format!(" ({place})")))]
pub(crate) struct Fault {
    /// Where, if it is one place.
    pub(crate) place: Option<Box<FaultPlace>>,
    /// What.
    pub(crate) kind: Box<FaultKind>,
    /// The last frame that is good.
    pub(crate) good: Option<Good>,
}

/// A place in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FaultPlace {
    /// The segment's file.
    pub(crate) file: PathBuf,
    /// The first byte of the frame's envelope in the file.
    pub(crate) offset: u64,
    /// The frame that stands there, or should.
    pub(crate) batch: BatchNumber,
    /// The command at fault, or the first one of a frame that can't be read; `None` if it is neither.
    pub(crate) sequence: Option<Sequence>,
}

/// How far a log is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Good {
    /// The last good frame.
    pub(crate) batch: BatchNumber,
    /// The last position in it.
    pub(crate) sequence: Sequence,
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FaultKind {
    /// The folder holds no journal that can be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The keys of personal data can't be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The folder can't be read.
    #[error("the log can't be read: {0}")]
    Storage(#[from] StorageError),
    /// The list of voided commands can't be read.
    #[error(transparent)]
    Voids(#[from] VoidsError),
    /// The log has been trimmed.
    #[error("the log begins at batch {first}, and there is no snapshot that holds what came before")]
    Trimmed {
        /// The first frame that is there.
        first: BatchNumber,
    },
    /// A snapshot can't be used.
    #[error("{name}: {fault}")]
    Snapshot {
        /// Its file.
        name: String,
        /// What is wrong with it.
        fault: SnapshotFault,
    },
    /// A snapshot is another state than the log gives at its place.
    #[error("{name} holds a state with the digest {written}, and the log gives {replayed} at that place")]
    SnapshotState {
        /// Its file.
        name: String,
        /// The digest of what it holds.
        written: StateDigest,
        /// The digest of what the log gives.
        replayed: StateDigest,
    },
    /// The chain is broken, or bytes do not verify.
    #[error("{0}")]
    Damage(DamageKind),
    /// A frame contradicts the rules or what was told.
    #[error(transparent)]
    Divergence(#[from] Divergence),
    /// An outcome was told that replay contradicts.
    #[error(
        "sequence {sequence}, a record in batch {batch} at {location}, was told `{told}`, and replay comes to \
         {replayed}"
    )]
    Outcome {
        /// The command.
        sequence: Sequence,
        /// The frame that holds it.
        batch: BatchNumber,
        /// Where that frame lies.
        location: Location,
        /// What was told.
        told: String,
        /// What the rules say.
        replayed: String,
    },
    /// A record's texts can't be read.
    #[error("the texts of the record at sequence {sequence} can't be read: {source}")]
    Texts {
        /// Its position.
        sequence: Sequence,
        /// What is wrong.
        source: TextsFault,
    },
    /// The personal section is longer than its records' texts.
    #[error("the personal section has {excess} bytes that belong to no record")]
    TextsLength {
        /// How many.
        excess: usize,
    },
    /// The personal section is not what was sealed under its key.
    #[error(
        "the personal section does not open under the key of its day: KEYS or the frame is not this log's own"
    )]
    Unopened,
    /// The genesis is that of another log.
    #[error("the genesis names another cluster or incarnation than its frames")]
    Genesis,
    /// A book does not sum to zero.
    #[error(
        "the {currency} book of {} sums to {sum} minor units instead of 0",
        owner.map_or("settlement".to_owned(), |bic| bic.to_string())
    )]
    Book {
        /// Whose book; `None` is the settlement book.
        owner: Option<Bic>,
        /// Its currency.
        currency: Currency,
        /// What it sums to.
        sum: i128,
    },
}

impl Fault {
    /// A fault of the whole folder.
    pub(crate) fn of_folder(kind: impl Into<FaultKind>) -> Self {
        Self { place: None, kind: Box::new(kind.into()), good: None }
    }

    /// A fault that ended a read of `folder` after the frame `last`. What a visitor said is in `said`.
    pub(crate) fn of_read(folder: &Path, error: ReadError, last: Option<&FrameHeader>) -> Self {
        let good = last.map(Good::after);
        let (kind, location, batch, sequence) = match error {
            ReadError::Damage(damage) => {
                let next = last.map(FrameHeader::next_sequence);
                (FaultKind::Damage(damage.kind), damage.location, damage.expected, next)
            }
            ReadError::Visit { location, batch, source } => {
                let kind = said(source);
                let sequence = kind.sequence();
                (kind, location, batch, sequence)
            }
            ReadError::Trimmed { first, .. } => return Self::of_folder(FaultKind::Trimmed { first }),
            ReadError::Storage(error) => {
                return Self { place: None, kind: Box::new(FaultKind::Storage(error)), good };
            }
        };
        let name = segment_name(location.segment);
        let archived = folder.join(ARCHIVE_NAME).join(&name);
        let file = if archived.exists() { archived } else { folder.join(name) };
        let place = FaultPlace { file, offset: location.offset, batch, sequence };
        Self { place: Some(Box::new(place)), kind: Box::new(kind), good }
    }

    /// For machines.
    pub(crate) fn fields(&self) -> Fields {
        let place = self.place.as_deref();
        Fields::default()
            .with("file", place.map_or(Value::Null, |place| place.file.display().to_string().into()))
            .with("offset", place.map_or(Value::Null, |place| place.offset.into()))
            .with("batch", place.map_or(Value::Null, |place| place.batch.0.into()))
            .with("sequence", place.and_then(|place| place.sequence).map_or(Value::Null, |it| it.0.into()))
            .with("what", self.kind.to_string())
            .with("good_upto_batch", self.good.map_or(Value::Null, |good| good.batch.0.into()))
            .with("good_upto_sequence", self.good.map_or(Value::Null, |good| good.sequence.0.into()))
            .with("advice", self.kind.advice())
    }

    /// For people: one line for each thing to know.
    pub(crate) fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "fault: {}", self.kind)?;
        if let Some(place) = &self.place {
            writeln!(out, "  file      {}", place.file.display())?;
            writeln!(out, "  offset    {}", place.offset)?;
            writeln!(out, "  batch     {}", place.batch)?;
            if let Some(sequence) = place.sequence {
                writeln!(out, "  sequence  {sequence}")?;
            }
        }
        if let Some(good) = self.good {
            writeln!(out, "  good      up to batch {}, sequence {}", good.batch, good.sequence)?;
        }
        writeln!(out, "  to do     {}", self.kind.advice())
    }
}

impl fmt::Display for FaultPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "batch {} in {}, offset {}", self.batch, self.file.display(), self.offset)
    }
}

impl Good {
    fn after(header: &FrameHeader) -> Self {
        Self { batch: header.batch, sequence: Sequence(header.next_sequence().0 - 1) }
    }
}

impl FaultKind {
    /// The command at fault.
    fn sequence(&self) -> Option<Sequence> {
        match self {
            Self::Divergence(
                Divergence::Record { sequence, .. }
                | Divergence::Order { sequence, .. }
                | Divergence::Outcome { sequence }
                | Divergence::Unasked { sequence }
                | Divergence::Poison { sequence, .. }
                | Divergence::Void { sequence },
            )
            | Self::Outcome { sequence, .. }
            | Self::Texts { sequence, .. } => Some(*sequence),
            Self::Divergence(
                Divergence::Rules(_)
                | Divergence::Incarnation { .. }
                | Divergence::RulesNotInForce { .. }
                | Divergence::RecordCount { .. }
                | Divergence::OutcomeCount { .. }
                | Divergence::Entry(_),
            )
            | Self::Open(_)
            | Self::Storage(_)
            | Self::Voids(_)
            | Self::Keys(_)
            | Self::Trimmed { .. }
            | Self::Snapshot { .. }
            | Self::SnapshotState { .. }
            | Self::Damage(_)
            | Self::Unopened
            | Self::TextsLength { .. }
            | Self::Genesis
            | Self::Book { .. } => None,
        }
    }

    /// What to do about it.
    pub(crate) const fn advice(&self) -> &'static str {
        match self {
            Self::Open(_) | Self::Storage(_) => {
                "check the path, the owner and the permissions; nothing was changed"
            }
            Self::Keys(_) => {
                "put KEYS back from a backup of this log, or give the master key that wraps it; nothing was changed"
            }
            Self::Trimmed { .. } => "verify a backup that holds the whole log",
            Self::Snapshot { .. } => {
                "keep the folder as it is: a start goes around the newest snapshot if the one before is good; look after \
                 the disk, or restore the folder from a backup or a replica"
            }
            Self::Damage(_) => {
                "start no node on this folder: copy it as it is, then restore it from a backup or a replica"
            }
            Self::Voids(_) | Self::Divergence(Divergence::Void { .. }) => {
                "take VOIDS from a backup of this folder; a log goes with the list that its node wrote"
            }
            Self::Divergence(Divergence::Poison { .. }) => {
                "keep a copy of the folder, and read \"A start that dies\" in docs/operations.md"
            }
            Self::Divergence(Divergence::Rules(_)) => "use the newer program that wrote it",
            Self::Divergence(_)
            | Self::Outcome { .. }
            | Self::SnapshotState { .. }
            | Self::Texts { .. }
            | Self::TextsLength { .. }
            | Self::Unopened
            | Self::Genesis
            | Self::Book { .. } => {
                "start no node on this folder: keep it as it is, compare it with a backup or a replica, and \
                 verify it with the version of solvo that wrote it; what was told stands"
            }
        }
    }
}

/// What this program's own visitor said.
fn said(source: VisitError) -> FaultKind {
    *source.downcast::<FaultKind>().expect("visitors of this program say what is wrong as a FaultKind")
}
