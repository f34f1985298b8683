//! Snapshots: the state of a ledger as one file, and the place in the log at which it stands.
//!
//! Block 0 is the header; the state follows, as the stream that whoever owns the state writes, and zeros to the end of
//! the block. The header is written last, so that a file without one is no snapshot.
//!
//! Invariant: a state that was read whole has the BLAKE3 that its writer computed.

use std::fmt;

use types::{BatchNumber, ClusterId, Epoch, Incarnation, Sequence, Shard, Timestamp};

use crate::bytes::{array, i64_at, is_zero, put, u16_at, u32_at, u64_at};
use crate::header::{FrameHash, FrameKind, Identity};
use crate::limits::{BLOCK_SIZE, stored};
use crate::storage::StorageError;
use crate::tail::Tail;

/// The snapshot format that this binary writes, and the newest it reads.
pub(crate) const SNAPSHOT_FORMAT: u16 = 1;

const SNAPSHOT_MAGIC: [u8; 8] = *b"SLVSNAPS";

// The byte table of FORMAT.md, "Snapshot".
const MAGIC: usize = 0;
const FORMAT: usize = MAGIC + 8;
const SHARD: usize = FORMAT + 2;
const CHECKSUM: usize = SHARD + 2;
const CLUSTER: usize = CHECKSUM + 4;
const INCARNATION: usize = CLUSTER + 16;
const NUMBER: usize = INCARNATION + 8;
const BATCH: usize = NUMBER + 8;
const NEXT_SEQUENCE: usize = BATCH + 8;
const TIME: usize = NEXT_SEQUENCE + 8;
const EPOCH: usize = TIME + 8;
const DURABLE_MARK: usize = EPOCH + 8;
const HASH: usize = DURABLE_MARK + 8;
const KIND: usize = HASH + 32;
const RULES_VERSION: usize = KIND + 4;
const STATE_LENGTH: usize = RULES_VERSION + 4;
const STATE_DIGEST: usize = STATE_LENGTH + 8;
const RESERVED: usize = STATE_DIGEST + 32;

const _: () = assert!(CLUSTER == 16);
const _: () = assert!(HASH == 88);
const _: () = assert!(RESERVED == 168);

/// The digest of a state: BLAKE3 of its stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StateDigest(pub [u8; 32]);

impl fmt::Display for StateDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for StateDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

/// Computes the digest of a state that is written into it.
#[derive(Debug, Default)]
pub struct StateDigester(blake3::Hasher);

impl StateDigester {
    /// The digest of what has been written.
    pub fn finish(&self) -> StateDigest {
        StateDigest(*self.0.finalize().as_bytes())
    }
}

impl std::io::Write for StateDigester {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What block 0 of a snapshot says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotHeader {
    /// Whose log it belongs to.
    pub identity: Identity,
    /// The snapshot's number, counted from 1.
    pub number: u64,
    /// The end of the log at which it stands: every frame up to there is in the state, and none after.
    pub tail: Tail,
    /// The version of the rules of the last frame.
    pub rules_version: u32,
    /// Bytes of the state.
    pub state_length: u64,
    /// The state's digest.
    pub state_digest: StateDigest,
}

/// Why a snapshot can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotFault {
    /// There is no such file.
    #[error("the file is missing")]
    Missing,
    /// Its first block does not verify.
    #[error("its first block does not verify")]
    Header,
    /// Written by a newer binary.
    #[error("its format is {found} and this binary reads up to {SNAPSHOT_FORMAT}: use the newer binary")]
    NewerFormat {
        /// The format found.
        found: u16,
    },
    /// A snapshot of another log.
    #[error("it belongs to cluster {}, shard {}, incarnation {}", found.cluster, found.shard, found.incarnation)]
    Foreign {
        /// Whose log it belongs to.
        found: Identity,
    },
    /// A snapshot of another number.
    #[error("it is snapshot {found}")]
    Number {
        /// The number found.
        found: u64,
    },
    /// The file is shorter or longer than it was made.
    #[error("the file has {found} bytes and was made with {made}")]
    Length {
        /// The file's length in bytes.
        found: u64,
        /// The length it was made with.
        made: u64,
    },
    /// The state does not have the digest that its header names.
    #[error("its state has the digest {found}, and was written with {written}")]
    Digest {
        /// The digest of what was read.
        found: StateDigest,
        /// The digest of what was written.
        written: StateDigest,
    },
    /// Something stands behind the state.
    #[error("its state is followed by bytes that are not zero")]
    Padding,
    /// The state's bytes are as they were written, and whoever owns the state does not accept them.
    #[error("its state can't be read: {0}")]
    State(String),
    /// The folder failed.
    #[error("it can't be read: {0}")]
    Storage(#[from] StorageError),
}

impl SnapshotFault {
    /// Whether the file is not damaged but the wrong one, so that a start must not go around it.
    pub const fn is_wrong_file(&self) -> bool {
        match self {
            Self::NewerFormat { .. } | Self::Foreign { .. } | Self::State(_) => true,
            Self::Missing
            | Self::Header
            | Self::Number { .. }
            | Self::Length { .. }
            | Self::Digest { .. }
            | Self::Padding
            | Self::Storage(_) => false,
        }
    }

    /// What the operator should do.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::NewerFormat { .. } => "Start the newer binary that wrote it",
            Self::Foreign { .. } => "Put the right file back",
            Self::State(_) => "Start the node with the binary and the room that it was written with",
            Self::Missing
            | Self::Header
            | Self::Number { .. }
            | Self::Length { .. }
            | Self::Digest { .. }
            | Self::Padding
            | Self::Storage(_) => "Restore the folder from a backup or a replica",
        }
    }
}

impl SnapshotHeader {
    /// The length of the whole file in bytes.
    pub fn file_length(&self) -> u64 {
        let state = self.state_length.checked_next_multiple_of(stored(BLOCK_SIZE));
        state.and_then(|state| state.checked_add(stored(BLOCK_SIZE))).unwrap_or(u64::MAX)
    }

    /// Writes block 0.
    pub(crate) fn encode(&self, block: &mut [u8]) {
        assert_eq!(block.len(), BLOCK_SIZE);
        block.fill(0);
        put(block, MAGIC, SNAPSHOT_MAGIC);
        put(block, FORMAT, SNAPSHOT_FORMAT.to_le_bytes());
        put(block, SHARD, self.identity.shard.0.to_le_bytes());
        put(block, CLUSTER, self.identity.cluster.0);
        put(block, INCARNATION, self.identity.incarnation.0.to_le_bytes());
        put(block, NUMBER, self.number.to_le_bytes());
        put(block, BATCH, self.tail.batch.0.to_le_bytes());
        put(block, NEXT_SEQUENCE, self.tail.next_sequence.0.to_le_bytes());
        put(block, TIME, self.tail.time.nanoseconds().to_le_bytes());
        put(block, EPOCH, self.tail.epoch.0.to_le_bytes());
        put(block, DURABLE_MARK, self.tail.durable_mark.0.to_le_bytes());
        put(block, HASH, self.tail.hash.0);
        block[KIND] = self.tail.kind.map_or(0, FrameKind::number);
        put(block, RULES_VERSION, self.rules_version.to_le_bytes());
        put(block, STATE_LENGTH, self.state_length.to_le_bytes());
        put(block, STATE_DIGEST, self.state_digest.0);
        let sum = checksum(block);
        put(block, CHECKSUM, sum.to_le_bytes());
    }

    /// Reads block 0 of what should be this snapshot of this log, in whichever of its lives.
    pub(crate) fn decode(
        block: &[u8],
        identity: &Identity,
        number: u64,
        file_length: u64,
    ) -> Result<Self, SnapshotFault> {
        let header = Self::decode_any(block)?;
        if !header.identity.is_a_life_of(identity) {
            return Err(SnapshotFault::Foreign { found: header.identity });
        }
        if header.number != number {
            return Err(SnapshotFault::Number { found: header.number });
        }
        if header.file_length() != file_length {
            return Err(SnapshotFault::Length { found: file_length, made: header.file_length() });
        }
        Ok(header)
    }

    /// Reads block 0 of any snapshot.
    fn decode_any(block: &[u8]) -> Result<Self, SnapshotFault> {
        assert_eq!(block.len(), BLOCK_SIZE);
        if block[..FORMAT] != SNAPSHOT_MAGIC || u32_at(block, CHECKSUM) != checksum(block) {
            return Err(SnapshotFault::Header);
        }
        match u16_at(block, FORMAT) {
            SNAPSHOT_FORMAT => {}
            found if found > SNAPSHOT_FORMAT => return Err(SnapshotFault::NewerFormat { found }),
            _ => return Err(SnapshotFault::Header),
        }
        let kind = match block[KIND] {
            0 => None,
            number => Some(FrameKind::from_number(number).ok_or(SnapshotFault::Header)?),
        };
        let time = Timestamp::from_nanoseconds(i64_at(block, TIME)).ok_or(SnapshotFault::Header)?;
        let tail = Tail {
            batch: BatchNumber(u64_at(block, BATCH)),
            next_sequence: Sequence(u64_at(block, NEXT_SEQUENCE)),
            hash: FrameHash(array(block, HASH)),
            time,
            epoch: Epoch(u64_at(block, EPOCH)),
            durable_mark: BatchNumber(u64_at(block, DURABLE_MARK)),
            kind,
        };
        if !is_zero(&block[RESERVED..])
            || !is_zero(&block[KIND + 1..RULES_VERSION])
            || tail.next_sequence.0 == 0
            || tail.batch.0 == u64::MAX
            || tail.durable_mark > tail.batch
            || u64_at(block, NUMBER) == 0
        {
            return Err(SnapshotFault::Header);
        }
        Ok(Self {
            identity: Identity {
                cluster: ClusterId(array(block, CLUSTER)),
                shard: Shard(u16_at(block, SHARD)),
                incarnation: Incarnation(u64_at(block, INCARNATION)),
            },
            number: u64_at(block, NUMBER),
            tail,
            rules_version: u32_at(block, RULES_VERSION),
            state_length: u64_at(block, STATE_LENGTH),
            state_digest: StateDigest(array(block, STATE_DIGEST)),
        })
    }
}

/// CRC32C of the block without the checksum's own four bytes.
fn checksum(block: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&block[..CHECKSUM]), &block[CLUSTER..])
}

/// The file name of a snapshot.
pub fn snapshot_name(number: u64) -> String {
    format!("snapshot-{number:016}")
}

/// The snapshot that a file name names.
pub fn snapshot_number(name: &str) -> Option<u64> {
    let number = name.strip_prefix("snapshot-")?.parse().ok()?;
    (snapshot_name(number) == name).then_some(number)
}
