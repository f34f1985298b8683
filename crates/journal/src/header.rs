//! The fixed head of a frame: its byte table, and the typed form of it.
//!
//! Invariants:
//! - Bytes become a [`FrameHeader`] only if every reserved byte is zero and every length and count agrees.
//! - Encoding a header that was decoded gives the same bytes.

use std::fmt;

use types::{BatchNumber, ClusterId, Epoch, Incarnation, Sequence, Shard, Timestamp};

use crate::bytes::{array, i64_at, is_zero, put, u16_at, u32_at, u64_at};
use crate::limits::{FRAME_LENGTH_MAX, in_memory};

/// The length of a frame's header in bytes.
pub const HEADER_LENGTH: usize = 192;

/// The frame format that this binary writes, and the newest it reads.
pub const FRAME_FORMAT: u16 = 1;

pub(crate) const FRAME_MAGIC: [u8; 8] = *b"SLVFRAME";

// The byte table of FORMAT.md, "Frame". Each field starts where the one before ends.
const MAGIC: usize = 0;
const FORMAT: usize = MAGIC + 8;
const KIND: usize = FORMAT + 2;
const FLAGS: usize = KIND + 1;
const SHARD: usize = FLAGS + 1;
const RESERVED_A: usize = SHARD + 2;
const CLUSTER: usize = RESERVED_A + 2;
const INCARNATION: usize = CLUSTER + 16;
const EPOCH: usize = INCARNATION + 8;
const BATCH: usize = EPOCH + 8;
const FIRST_SEQUENCE: usize = BATCH + 8;
const TIME: usize = FIRST_SEQUENCE + 8;
const RULES_VERSION: usize = TIME + 8;
const RECORD_COUNT: usize = RULES_VERSION + 4;
const RECORDS_LENGTH: usize = RECORD_COUNT + 4;
const OUTCOME_COUNT: usize = RECORDS_LENGTH + 4;
const OUTCOMES_LENGTH: usize = OUTCOME_COUNT + 4;
const PERSONAL_LENGTH: usize = OUTCOMES_LENGTH + 4;
const PERSONAL_KEY: usize = PERSONAL_LENGTH + 4;
const RESERVED_B: usize = PERSONAL_KEY + 4;
const DURABLE_MARK: usize = RESERVED_B + 4;
const RESERVED_C: usize = DURABLE_MARK + 8;
const PREVIOUS_HASH: usize = RESERVED_C + 16;
const RESERVED_D: usize = PREVIOUS_HASH + 32;

const _: () = assert!(CLUSTER == 16);
const _: () = assert!(TIME == 64);
const _: () = assert!(RULES_VERSION == 72);
const _: () = assert!(DURABLE_MARK == 104);
const _: () = assert!(PREVIOUS_HASH == 128);
const _: () = assert!(RESERVED_D + 32 == HEADER_LENGTH);

/// The BLAKE3 hash of a whole frame: its name in the chain.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct FrameHash(pub [u8; 32]);

impl FrameHash {
    /// What the first frame of a log follows.
    pub const NONE: Self = Self([0; 32]);

    /// Hashes a whole frame.
    pub fn of(frame: &[u8]) -> Self {
        Self(*blake3::hash(frame).as_bytes())
    }
}

impl fmt::Display for FrameHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for FrameHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "FrameHash({self})")
    }
}

/// Whose log a frame belongs to. All frames of a log have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The cluster.
    pub cluster: ClusterId,
    /// The ledger's shard.
    pub shard: Shard,
    /// The life of the log.
    pub incarnation: Incarnation,
}

impl Identity {
    /// Whether this is the same log, in whichever of its lives.
    pub(crate) fn is_a_life_of(&self, log: &Self) -> bool {
        (self.cluster, self.shard) == (log.cluster, log.shard)
    }
}

/// What a frame is for. The numbers are stored and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum FrameKind {
    /// Carries commands; without any it is a tick, whose time alone may expire payments.
    Commands = 1,
    /// Follows the last frame before idleness, so that nothing acknowledged is the last thing in the log.
    Marker = 2,
    /// The first frame of an epoch: a new writer has claimed the log.
    EpochStart = 3,
}

impl FrameKind {
    /// The kind with this stored number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Commands),
            2 => Some(Self::Marker),
            3 => Some(Self::EpochStart),
            _ => None,
        }
    }

    /// The stored number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Commands => 1,
            Self::Marker => 2,
            Self::EpochStart => 3,
        }
    }
}

/// The head of a frame, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// What the frame is for.
    pub kind: FrameKind,
    /// Whose log it belongs to.
    pub identity: Identity,
    /// The claim under which it was written.
    pub epoch: Epoch,
    /// Its place in the log, contiguous from 1.
    pub batch: BatchNumber,
    /// The position of the frame's own tick. Record `i` stands at `first_sequence + 1 + i`.
    pub first_sequence: Sequence,
    /// When it was sealed. Strictly increases from frame to frame.
    pub time: Timestamp,
    /// The version of the rules that decide its records.
    pub rules_version: u32,
    /// How many records it carries.
    pub record_count: u32,
    /// The records' bytes, without padding.
    pub records_length: u32,
    /// How many outcome entries of earlier frames it carries.
    pub outcome_count: u32,
    /// The outcome entries' bytes, without padding.
    pub outcomes_length: u32,
    /// The personal section's bytes, without padding.
    pub personal_length: u32,
    /// The key that seals the personal section; 0 = clear.
    pub personal_key: u32,
    /// The highest batch that was known to be durable when this frame was sealed; 0 = none.
    pub durable_mark: BatchNumber,
    /// The hash of the frame before; zeros in the log's first frame.
    pub previous_hash: FrameHash,
}

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameFault {
    /// Shorter than a header, or longer than any frame.
    #[error("{length} bytes can't be a frame")]
    Length {
        /// The length found.
        length: usize,
    },
    /// Not a frame at all.
    #[error("it does not begin like a frame")]
    Magic,
    /// Written by a newer binary.
    #[error("its format is {found} and this binary reads up to {FRAME_FORMAT}: use the newer binary")]
    NewerFormat {
        /// The format found.
        found: u16,
    },
    /// An unknown kind of frame.
    #[error("its kind {found} is unknown")]
    Kind {
        /// The number found.
        found: u8,
    },
    /// A flag or reserved byte is set.
    #[error("a flag or reserved byte is not zero")]
    Reserved,
    /// The sections do not add up to the frame, or a count and its length contradict each other.
    #[error("its counts and lengths contradict each other")]
    Sections,
    /// Padding between sections is not zero.
    #[error("the padding after a section is not zero")]
    Padding,
    /// The epoch, batch or sequence is 0 or ends the range, or the time is before 1970.
    #[error("its epoch, batch, sequence or time is out of range")]
    Range,
    /// It claims that itself or a later frame is durable.
    #[error("its durable mark names a frame that did not exist yet")]
    DurableMark,
    /// A marker or the start of an epoch with records or personal data.
    #[error("only a frame of commands may carry records and personal data")]
    NotEmpty,
}

impl FrameHeader {
    /// The position after the frame's last record: the next frame's first.
    pub const fn next_sequence(&self) -> Sequence {
        let records = widen(self.record_count);
        Sequence(self.first_sequence.0 + 1 + records)
    }

    /// The position of the frame's last record, or of its tick if it has none.
    pub const fn last_sequence(&self) -> Sequence {
        Sequence(self.first_sequence.0 + widen(self.record_count))
    }

    /// The position of the record with this index.
    pub const fn record_sequence(&self, index: u32) -> Sequence {
        assert!(index < self.record_count);
        Sequence(self.first_sequence.0 + 1 + widen(index))
    }

    /// The whole frame's length in bytes: the header and three sections, each padded to eight.
    pub fn frame_length(&self) -> usize {
        HEADER_LENGTH
            + padded(self.records_length)
            + padded(self.outcomes_length)
            + padded(self.personal_length)
    }

    /// Writes the header's bytes over the first [`HEADER_LENGTH`] of `bytes`.
    pub(crate) fn encode(&self, bytes: &mut [u8]) {
        bytes[..HEADER_LENGTH].fill(0);
        put(bytes, MAGIC, FRAME_MAGIC);
        put(bytes, FORMAT, FRAME_FORMAT.to_le_bytes());
        put(bytes, KIND, [self.kind.number()]);
        put(bytes, SHARD, self.identity.shard.0.to_le_bytes());
        put(bytes, CLUSTER, self.identity.cluster.0);
        put(bytes, INCARNATION, self.identity.incarnation.0.to_le_bytes());
        put(bytes, EPOCH, self.epoch.0.to_le_bytes());
        put(bytes, BATCH, self.batch.0.to_le_bytes());
        put(bytes, FIRST_SEQUENCE, self.first_sequence.0.to_le_bytes());
        put(bytes, TIME, self.time.nanoseconds().to_le_bytes());
        put(bytes, RULES_VERSION, self.rules_version.to_le_bytes());
        put(bytes, RECORD_COUNT, self.record_count.to_le_bytes());
        put(bytes, RECORDS_LENGTH, self.records_length.to_le_bytes());
        put(bytes, OUTCOME_COUNT, self.outcome_count.to_le_bytes());
        put(bytes, OUTCOMES_LENGTH, self.outcomes_length.to_le_bytes());
        put(bytes, PERSONAL_LENGTH, self.personal_length.to_le_bytes());
        put(bytes, PERSONAL_KEY, self.personal_key.to_le_bytes());
        put(bytes, DURABLE_MARK, self.durable_mark.0.to_le_bytes());
        put(bytes, PREVIOUS_HASH, self.previous_hash.0);
    }

    /// Reads a header and checks it against itself.
    ///
    /// # Errors
    /// The first thing about the bytes that no writer of this format produces.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameFault> {
        if bytes.len() < HEADER_LENGTH {
            return Err(FrameFault::Length { length: bytes.len() });
        }
        if bytes[..FORMAT] != FRAME_MAGIC {
            return Err(FrameFault::Magic);
        }
        match u16_at(bytes, FORMAT) {
            FRAME_FORMAT => {}
            found if found > FRAME_FORMAT => return Err(FrameFault::NewerFormat { found }),
            _ => return Err(FrameFault::Magic),
        }
        let reserved = [RESERVED_A..CLUSTER, RESERVED_B..DURABLE_MARK, RESERVED_C..PREVIOUS_HASH];
        if bytes[FLAGS] != 0
            || !is_zero(&bytes[RESERVED_D..HEADER_LENGTH])
            || reserved.into_iter().any(|range| !is_zero(&bytes[range]))
        {
            return Err(FrameFault::Reserved);
        }
        let header = Self {
            kind: FrameKind::from_number(bytes[KIND]).ok_or(FrameFault::Kind { found: bytes[KIND] })?,
            identity: Identity {
                cluster: ClusterId(array(bytes, CLUSTER)),
                shard: Shard(u16_at(bytes, SHARD)),
                incarnation: Incarnation(u64_at(bytes, INCARNATION)),
            },
            epoch: Epoch(u64_at(bytes, EPOCH)),
            batch: BatchNumber(u64_at(bytes, BATCH)),
            first_sequence: Sequence(u64_at(bytes, FIRST_SEQUENCE)),
            time: Timestamp::from_nanoseconds(i64_at(bytes, TIME)).ok_or(FrameFault::Range)?,
            rules_version: u32_at(bytes, RULES_VERSION),
            record_count: u32_at(bytes, RECORD_COUNT),
            records_length: u32_at(bytes, RECORDS_LENGTH),
            outcome_count: u32_at(bytes, OUTCOME_COUNT),
            outcomes_length: u32_at(bytes, OUTCOMES_LENGTH),
            personal_length: u32_at(bytes, PERSONAL_LENGTH),
            personal_key: u32_at(bytes, PERSONAL_KEY),
            durable_mark: BatchNumber(u64_at(bytes, DURABLE_MARK)),
            previous_hash: FrameHash(array(bytes, PREVIOUS_HASH)),
        };
        header.check()?;
        Ok(header)
    }

    /// Checks the fields against each other.
    fn check(&self) -> Result<(), FrameFault> {
        let lengths = [self.records_length, self.outcomes_length, self.personal_length];
        let counted = [(self.record_count, self.records_length), (self.outcome_count, self.outcomes_length)];
        if lengths.into_iter().any(|length| in_memory(u64::from(length)) > FRAME_LENGTH_MAX)
            || self.frame_length() > FRAME_LENGTH_MAX
            || counted.into_iter().any(|(count, length)| count > length || (count == 0) != (length == 0))
        {
            return Err(FrameFault::Sections);
        }
        let sequence_end = self.first_sequence.0.checked_add(1 + u64::from(self.record_count));
        if self.epoch.0 == 0
            || self.batch.0 == 0
            || self.batch.0 == u64::MAX
            || self.first_sequence.0 == 0
            || sequence_end.is_none()
        {
            return Err(FrameFault::Range);
        }
        if self.durable_mark >= self.batch {
            return Err(FrameFault::DurableMark);
        }
        if self.kind != FrameKind::Commands && (self.record_count > 0 || self.personal_length > 0) {
            return Err(FrameFault::NotEmpty);
        }
        Ok(())
    }
}

/// A section's length with its padding to eight bytes.
pub(crate) fn padded(length: u32) -> usize {
    in_memory(u64::from(length)).next_multiple_of(8)
}

const fn widen(number: u32) -> u64 {
    let [a, b, c, d] = number.to_le_bytes();
    u64::from_le_bytes([a, b, c, d, 0, 0, 0, 0])
}
