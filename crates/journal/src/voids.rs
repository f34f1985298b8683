//! VOIDS: which commands the operator has voided, because every replay failed on them.
//!
//! It lies beside the log and not in it, since whoever replays must know of a void before he reaches its command. A
//! record of the log repeats each entry as soon as a node has started with it.
//!
//! Invariants:
//! - The file is replaced as a whole: written under another name, synced, renamed, and the folder synced.
//! - An entry names its frame's hash, so that it never meets the command of another log.

use types::{BatchNumber, ClusterId, Sequence, Shard};

use crate::buffer::AlignedBuffer;
use crate::bytes::{array, is_zero, put, u16_at, u32_at, u64_at};
use crate::header::{FrameHash, Identity};
use crate::limits::{BLOCK_SIZE, in_memory, stored};
use crate::local::LocalJournal;
use crate::open::UNFINISHED;
use crate::scan::Reader;
use crate::storage::{Access, Storage, StorageError, StorageErrorKind, StorageFile};

/// The file's name.
pub const VOIDS_NAME: &str = "VOIDS";

/// The format that this binary writes, and the newest that it reads.
const VOIDS_FORMAT: u16 = 1;

/// How many commands of one log may be voided. A log that needs more of it has another trouble.
pub const VOIDS_MAX: usize = 63;

const VOIDS_MAGIC: [u8; 8] = *b"SLVVOIDS";

// The byte table of FORMAT.md, "VOIDS".
const MAGIC: usize = 0;
const FORMAT: usize = MAGIC + 8;
const SHARD: usize = FORMAT + 2;
const CHECKSUM: usize = SHARD + 2;
const CLUSTER: usize = CHECKSUM + 4;
const INCARNATION: usize = CLUSTER + 16;
const COUNT: usize = INCARNATION + 8;
const RESERVED: usize = COUNT + 4;
const ENTRIES: usize = 64;
const ENTRY_LENGTH: usize = 64;

// One entry.
const SEQUENCE: usize = 0;
const BATCH: usize = 8;
const LOGGED_AT: usize = 16;
const KIND: usize = 24;
const ENTRY_RESERVED: usize = 26;
const FRAME_HASH: usize = 32;

const _: () = assert!(RESERVED == 44);
const _: () = assert!(ENTRIES + VOIDS_MAX * ENTRY_LENGTH == BLOCK_SIZE);

/// A command that every replay passes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoidEntry {
    /// The command's position.
    pub sequence: Sequence,
    /// The frame that holds it.
    pub batch: BatchNumber,
    /// The hash of that frame.
    pub frame_hash: FrameHash,
    /// The stored number of the command's kind.
    pub kind: u16,
    /// The position of the record that tells of the void; 0 until there is one.
    pub logged_at: Sequence,
}

/// Why the list of voided commands can't be had or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VoidsError {
    /// The file can't be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The file is no list, or not this log's.
    #[error("{VOIDS_NAME} does not verify, or belongs to another log: take it from a backup of this folder")]
    Unreadable,
    /// A newer binary wrote it.
    #[error(
        "{VOIDS_NAME} has format {found} and this binary reads up to {VOIDS_FORMAT}: use the newer binary"
    )]
    Newer {
        /// The format that is there.
        found: u16,
    },
    /// As many commands of this log have been voided as may be.
    #[error("{VOIDS_MAX} commands of this log have been voided, and there is no room for another")]
    Full,
}

impl<S: Storage> LocalJournal<S> {
    /// The commands of this log that are voided, in the order of their positions.
    ///
    /// # Errors
    /// See [`VoidsError`].
    pub fn voids(&self) -> Result<Vec<VoidEntry>, VoidsError> {
        read(&self.shared.storage, &self.shared.identity)
    }

    /// Replaces the list, durably.
    ///
    /// # Errors
    /// See [`VoidsError`]. After an error of the storage either list may be there.
    ///
    /// # Panics
    /// If the positions do not ascend.
    pub fn store_voids(&self, voids: &[VoidEntry]) -> Result<(), VoidsError> {
        write_voids(&self.shared.storage, &self.shared.identity, voids)
    }
}

impl<S: Storage> Reader<S> {
    /// The commands of this log that are voided, in the order of their positions.
    ///
    /// # Errors
    /// See [`VoidsError`].
    pub fn voids(&self) -> Result<Vec<VoidEntry>, VoidsError> {
        read(&self.storage, &self.identity())
    }
}

/// Replaces the list in the folder of a log, durably, whoever holds it: of a log that is being restored, too.
///
/// # Errors
/// See [`VoidsError`]. After an error of the storage either list may be there.
///
/// # Panics
/// If the positions do not ascend.
pub fn write_voids<S: Storage>(
    storage: &S,
    identity: &Identity,
    voids: &[VoidEntry],
) -> Result<(), VoidsError> {
    assert!(voids.is_sorted_by(|one, other| one.sequence < other.sequence), "positions ascend");
    if voids.len() > VOIDS_MAX {
        return Err(VoidsError::Full);
    }
    let mut block = AlignedBuffer::new(BLOCK_SIZE);
    encode(block.as_mut_slice(), identity, voids);
    let unfinished = format!("{VOIDS_NAME}{UNFINISHED}");
    match storage.remove(&unfinished) {
        Ok(()) => {}
        Err(error) if error.kind == StorageErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let file = storage.create(&unfinished)?;
    file.write_at(0, block.as_slice())?;
    file.sync()?;
    storage.rename(&unfinished, VOIDS_NAME)?;
    Ok(storage.sync_directory()?)
}

fn read<S: Storage>(storage: &S, identity: &Identity) -> Result<Vec<VoidEntry>, VoidsError> {
    let file = match storage.open(VOIDS_NAME, Access::Read) {
        Ok(file) => file,
        Err(error) if error.kind == StorageErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    if file.length()? != stored(BLOCK_SIZE) {
        return Err(VoidsError::Unreadable);
    }
    let mut block = AlignedBuffer::new(BLOCK_SIZE);
    file.read_at(0, block.as_mut_slice())?;
    decode(block.as_slice(), identity)
}

fn encode(block: &mut [u8], identity: &Identity, voids: &[VoidEntry]) {
    assert_eq!(block.len(), BLOCK_SIZE);
    block.fill(0);
    put(block, MAGIC, VOIDS_MAGIC);
    put(block, FORMAT, VOIDS_FORMAT.to_le_bytes());
    put(block, SHARD, identity.shard.0.to_le_bytes());
    put(block, CLUSTER, identity.cluster.0);
    put(block, INCARNATION, identity.incarnation.0.to_le_bytes());
    put(block, COUNT, u32::try_from(voids.len()).expect("they are few").to_le_bytes());
    for (entry, void) in block[ENTRIES..].chunks_exact_mut(ENTRY_LENGTH).zip(voids) {
        put(entry, SEQUENCE, void.sequence.0.to_le_bytes());
        put(entry, BATCH, void.batch.0.to_le_bytes());
        put(entry, LOGGED_AT, void.logged_at.0.to_le_bytes());
        put(entry, KIND, void.kind.to_le_bytes());
        put(entry, FRAME_HASH, void.frame_hash.0);
    }
    let sum = checksum(block);
    put(block, CHECKSUM, sum.to_le_bytes());
}

fn decode(block: &[u8], identity: &Identity) -> Result<Vec<VoidEntry>, VoidsError> {
    assert_eq!(block.len(), BLOCK_SIZE);
    if block[..FORMAT] != VOIDS_MAGIC || u32_at(block, CHECKSUM) != checksum(block) {
        return Err(VoidsError::Unreadable);
    }
    let found = u16_at(block, FORMAT);
    if found > VOIDS_FORMAT {
        return Err(VoidsError::Newer { found });
    }
    // A restored log has another incarnation, and the commands of its earlier lives: the frames' hashes tell.
    let owner = (ClusterId(array(block, CLUSTER)), Shard(u16_at(block, SHARD)));
    let count = in_memory(u64::from(u32_at(block, COUNT)));
    let (entries, rest) = match block[ENTRIES..].split_at_checked(count.saturating_mul(ENTRY_LENGTH)) {
        Some(parts) if is_zero(&block[RESERVED..ENTRIES]) => parts,
        Some(_) | None => return Err(VoidsError::Unreadable),
    };
    let is_whole = found == VOIDS_FORMAT && owner == (identity.cluster, identity.shard) && is_zero(rest);
    let voids: Option<Vec<VoidEntry>> = entries.chunks_exact(ENTRY_LENGTH).map(entry).collect();
    let voids = voids.filter(|_| is_whole).ok_or(VoidsError::Unreadable)?;
    let ascends = voids.is_sorted_by(|one, other| one.sequence < other.sequence);
    if ascends { Ok(voids) } else { Err(VoidsError::Unreadable) }
}

fn entry(bytes: &[u8]) -> Option<VoidEntry> {
    let void = VoidEntry {
        sequence: Sequence(u64_at(bytes, SEQUENCE)),
        batch: BatchNumber(u64_at(bytes, BATCH)),
        frame_hash: FrameHash(array(bytes, FRAME_HASH)),
        kind: u16_at(bytes, KIND),
        logged_at: Sequence(u64_at(bytes, LOGGED_AT)),
    };
    let is_logged_after = void.logged_at.0 == 0 || void.logged_at > void.sequence;
    let is_possible = void.sequence.0 > 0 && void.batch.0 > 0 && is_logged_after;
    (is_possible && is_zero(&bytes[ENTRY_RESERVED..FRAME_HASH])).then_some(void)
}

fn checksum(block: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&block[..CHECKSUM]), &block[CLUSTER..])
}

#[cfg(test)]
#[path = "voids_tests.rs"]
mod tests;
