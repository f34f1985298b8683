//! MANIFEST: which segments and snapshot make up the log, in two slots that are written in turn.
//!
//! Invariants:
//! - A slot is never overwritten while it is the newest; a torn write leaves the generation before.
//! - A segment is named here, durably, before its first frame.

use types::{BatchNumber, ClusterId, Epoch, Incarnation, Sequence, Shard, Timestamp};

use crate::buffer::AlignedBuffer;
use crate::bytes::{array, i64_at, is_zero, put, u16_at, u32_at, u64_at};
use crate::contents::Restored;
use crate::header::{FrameHash, Identity};
use crate::limits::{BLOCK_SIZE, stored};
use crate::storage::{StorageError, StorageFile};
use crate::tail::Tail;

/// The newest manifest format that this binary reads. It writes that only for a log that was restored, which a
/// program that knows only the first would take for damaged.
pub(crate) const MANIFEST_FORMAT: u16 = 2;

/// The format of a log that was never restored.
const FORMAT_FIRST: u16 = 1;

/// The file's name.
pub(crate) const MANIFEST_NAME: &str = "MANIFEST";

const SLOTS: usize = 2;
const MANIFEST_MAGIC: [u8; 8] = *b"SLVMANIF";

// The byte table of FORMAT.md, "MANIFEST". Magic, format and checksum keep their places in every version.
const MAGIC: usize = 0;
const FORMAT: usize = MAGIC + 8;
const SHARD: usize = FORMAT + 2;
const CHECKSUM: usize = SHARD + 2;
const CLUSTER: usize = CHECKSUM + 4;
const INCARNATION: usize = CLUSTER + 16;
const GENERATION: usize = INCARNATION + 8;
const OLDEST_SEGMENT: usize = GENERATION + 8;
const NEWEST_SEGMENT: usize = OLDEST_SEGMENT + 8;
const NEWEST_SNAPSHOT: usize = NEWEST_SEGMENT + 8;
const ANCHOR_BATCH: usize = NEWEST_SNAPSHOT + 8;
const ANCHOR_SEQUENCE: usize = ANCHOR_BATCH + 8;
const ANCHOR_TIME: usize = ANCHOR_SEQUENCE + 8;
const ANCHOR_EPOCH: usize = ANCHOR_TIME + 8;
const ANCHOR_DURABLE_MARK: usize = ANCHOR_EPOCH + 8;
const ANCHOR_HASH: usize = ANCHOR_DURABLE_MARK + 8;
const RESTORED_SEGMENT: usize = ANCHOR_HASH + 32;
const RESTORED_BATCH: usize = RESTORED_SEGMENT + 8;
const RESTORED_SEQUENCE: usize = RESTORED_BATCH + 8;
const RESTORED_PREVIOUS: usize = RESTORED_SEQUENCE + 8;
const RESTORED_HASH: usize = RESTORED_PREVIOUS + 8;
const RESERVED: usize = RESTORED_HASH + 32;

const _: () = assert!(CLUSTER == 16);
const _: () = assert!(RESTORED_SEGMENT == 144);
const _: () = assert!(RESERVED == 208);

/// What MANIFEST says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Whose log this is.
    pub(crate) identity: Identity,
    /// Rises by one with every change.
    pub(crate) generation: u64,
    /// The first segment that is kept.
    pub(crate) oldest_segment: u64,
    /// The last segment that may hold frames; one below the oldest while there is none.
    pub(crate) newest_segment: u64,
    /// The newest snapshot; 0 = none.
    pub(crate) newest_snapshot: u64,
    /// The end of what has been trimmed: what the oldest segment's first frame follows.
    pub(crate) anchor: Tail,
    /// Where earlier lives of the log end, if it was restored.
    pub(crate) restored: Option<Restored>,
}

/// What a slot holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Slot {
    Valid(Box<Manifest>),
    Newer { found: u16 },
    Unreadable,
}

/// Why no manifest could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ManifestFault {
    Newer { found: u16 },
    Unreadable,
    Storage(StorageError),
}

/// The open file, and what its newest slot says.
#[derive(Debug)]
pub(crate) struct ManifestFile<F> {
    file: F,
    current: Manifest,
    block: AlignedBuffer,
}

impl Manifest {
    /// The manifest of a log without frames.
    pub(crate) const fn first(identity: Identity) -> Self {
        Self {
            identity,
            generation: 1,
            oldest_segment: 1,
            newest_segment: 0,
            newest_snapshot: 0,
            anchor: Tail::EMPTY,
            restored: None,
        }
    }

    fn encode(&self, block: &mut [u8]) {
        assert_eq!(block.len(), BLOCK_SIZE);
        block.fill(0);
        put(block, MAGIC, MANIFEST_MAGIC);
        let format = if self.restored.is_some() { MANIFEST_FORMAT } else { FORMAT_FIRST };
        put(block, FORMAT, format.to_le_bytes());
        put(block, SHARD, self.identity.shard.0.to_le_bytes());
        put(block, CLUSTER, self.identity.cluster.0);
        put(block, INCARNATION, self.identity.incarnation.0.to_le_bytes());
        put(block, GENERATION, self.generation.to_le_bytes());
        put(block, OLDEST_SEGMENT, self.oldest_segment.to_le_bytes());
        put(block, NEWEST_SEGMENT, self.newest_segment.to_le_bytes());
        put(block, NEWEST_SNAPSHOT, self.newest_snapshot.to_le_bytes());
        put(block, ANCHOR_BATCH, self.anchor.batch.0.to_le_bytes());
        put(block, ANCHOR_SEQUENCE, self.anchor.next_sequence.0.to_le_bytes());
        put(block, ANCHOR_TIME, self.anchor.time.nanoseconds().to_le_bytes());
        put(block, ANCHOR_EPOCH, self.anchor.epoch.0.to_le_bytes());
        put(block, ANCHOR_DURABLE_MARK, self.anchor.durable_mark.0.to_le_bytes());
        put(block, ANCHOR_HASH, self.anchor.hash.0);
        if let Some(restored) = self.restored {
            put(block, RESTORED_SEGMENT, restored.segment.to_le_bytes());
            put(block, RESTORED_BATCH, restored.batch.0.to_le_bytes());
            put(block, RESTORED_SEQUENCE, restored.next_sequence.0.to_le_bytes());
            put(block, RESTORED_PREVIOUS, restored.previous.0.to_le_bytes());
            put(block, RESTORED_HASH, restored.hash.0);
        }
        let sum = checksum(block);
        put(block, CHECKSUM, sum.to_le_bytes());
    }

    fn decode(block: &[u8]) -> Slot {
        assert_eq!(block.len(), BLOCK_SIZE);
        if block[..FORMAT] != MANIFEST_MAGIC || u32_at(block, CHECKSUM) != checksum(block) {
            return Slot::Unreadable;
        }
        let found = u16_at(block, FORMAT);
        if found > MANIFEST_FORMAT {
            return Slot::Newer { found };
        }
        let Some(time) = Timestamp::from_nanoseconds(i64_at(block, ANCHOR_TIME)) else {
            return Slot::Unreadable;
        };
        let manifest = Self {
            identity: Identity {
                cluster: ClusterId(array(block, CLUSTER)),
                shard: Shard(u16_at(block, SHARD)),
                incarnation: Incarnation(u64_at(block, INCARNATION)),
            },
            generation: u64_at(block, GENERATION),
            oldest_segment: u64_at(block, OLDEST_SEGMENT),
            newest_segment: u64_at(block, NEWEST_SEGMENT),
            newest_snapshot: u64_at(block, NEWEST_SNAPSHOT),
            anchor: Tail {
                batch: BatchNumber(u64_at(block, ANCHOR_BATCH)),
                next_sequence: Sequence(u64_at(block, ANCHOR_SEQUENCE)),
                hash: FrameHash(array(block, ANCHOR_HASH)),
                time,
                epoch: Epoch(u64_at(block, ANCHOR_EPOCH)),
                durable_mark: BatchNumber(u64_at(block, ANCHOR_DURABLE_MARK)),
                kind: None,
            },
            restored: restored(found, block),
        };
        let reserved = if found == FORMAT_FIRST { RESTORED_SEGMENT } else { RESERVED };
        if found >= FORMAT_FIRST && is_zero(&block[reserved..]) && manifest.is_consistent() {
            Slot::Valid(Box::new(manifest))
        } else {
            Slot::Unreadable
        }
    }

    fn is_consistent(&self) -> bool {
        self.generation > 0
            && self.generation < u64::MAX
            && self.oldest_segment > 0
            && self.newest_segment < u64::MAX
            && self.oldest_segment <= self.newest_segment + 1
            && self.anchor.next_sequence.0 > 0
            && self.anchor.durable_mark <= self.anchor.batch
            && self.anchor.batch.0 < u64::MAX
            && self.restored.is_none_or(|restored| {
                restored.segment > 0
                    && restored.segment <= self.newest_segment
                    && restored.batch.0 > 0
                    && restored.next_sequence.0 > 1
                    && restored.previous != self.identity.incarnation
            })
    }
}

/// Where earlier lives end, as a slot of this format says.
fn restored(format: u16, block: &[u8]) -> Option<Restored> {
    (format > FORMAT_FIRST).then(|| Restored {
        previous: Incarnation(u64_at(block, RESTORED_PREVIOUS)),
        segment: u64_at(block, RESTORED_SEGMENT),
        batch: BatchNumber(u64_at(block, RESTORED_BATCH)),
        next_sequence: Sequence(u64_at(block, RESTORED_SEQUENCE)),
        hash: FrameHash(array(block, RESTORED_HASH)),
    })
}

impl<F: StorageFile> ManifestFile<F> {
    /// Fills a new file. The caller syncs it.
    pub(crate) fn write_new(file: &F, manifest: &Manifest) -> Result<(), StorageError> {
        let mut bytes = AlignedBuffer::new(SLOTS * BLOCK_SIZE);
        let at = usize::from(!manifest.generation.is_multiple_of(2)) * BLOCK_SIZE;
        manifest.encode(&mut bytes.as_mut_slice()[at..at + BLOCK_SIZE]);
        file.write_at(0, bytes.as_slice())
    }

    /// Reads both slots; the valid one of the higher generation counts.
    pub(crate) fn read(file: F) -> Result<Self, ManifestFault> {
        let mut bytes = AlignedBuffer::new(SLOTS * BLOCK_SIZE);
        if file.length().map_err(ManifestFault::Storage)? != stored(SLOTS * BLOCK_SIZE) {
            return Err(ManifestFault::Unreadable);
        }
        file.read_at(0, bytes.as_mut_slice()).map_err(ManifestFault::Storage)?;
        let mut newest: Option<Manifest> = None;
        for block in bytes.as_slice().chunks_exact(BLOCK_SIZE) {
            match Manifest::decode(block) {
                Slot::Newer { found } => return Err(ManifestFault::Newer { found }),
                Slot::Valid(found) if newest.is_none_or(|other| other.generation < found.generation) => {
                    newest = Some(*found);
                }
                Slot::Valid(_) | Slot::Unreadable => {}
            }
        }
        let current = newest.ok_or(ManifestFault::Unreadable)?;
        Ok(Self { file, current, block: AlignedBuffer::new(BLOCK_SIZE) })
    }

    /// What the newest slot says.
    pub(crate) const fn current(&self) -> &Manifest {
        &self.current
    }

    /// Writes the next generation over the older slot; durable on return.
    pub(crate) fn store(&mut self, change: impl FnOnce(&mut Manifest)) -> Result<(), StorageError> {
        let mut next = self.current;
        change(&mut next);
        next.generation += 1;
        assert!(next.is_consistent());
        let slot = usize::from(!next.generation.is_multiple_of(2));
        next.encode(self.block.as_mut_slice());
        self.file.write_durable_at(stored(slot * BLOCK_SIZE), self.block.as_slice())?;
        self.current = next;
        Ok(())
    }
}

/// CRC32C of the block without the checksum's own four bytes.
fn checksum(block: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&block[..CHECKSUM]), &block[CLUSTER..])
}
