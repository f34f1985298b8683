//! Segments: the files that frames lie in. Block 0 names the segment, frames follow, zeros fill the rest.
//!
//! Invariants:
//! - A file has its segment's name only once it is zero from block 1 to its end, and durably so.
//! - A segment's tag is drawn anew for every file, so that bytes of an older file never verify.

use types::{ClusterId, Incarnation, Shard};

use crate::bytes::{array, is_zero, put, u16_at, u32_at, u64_at};
use crate::header::Identity;
use crate::limits::{BLOCK_SIZE, stored};

/// The segment format that this binary writes, and the newest it reads.
pub(crate) const SEGMENT_FORMAT: u16 = 1;

const SEGMENT_MAGIC: [u8; 8] = *b"SLVSEGMT";

// The byte table of FORMAT.md, "Segment".
const MAGIC: usize = 0;
const FORMAT: usize = MAGIC + 8;
const SHARD: usize = FORMAT + 2;
const CHECKSUM: usize = SHARD + 2;
const CLUSTER: usize = CHECKSUM + 4;
const INCARNATION: usize = CLUSTER + 16;
const NUMBER: usize = INCARNATION + 8;
const TAG: usize = NUMBER + 8;
const LENGTH: usize = TAG + 8;
const RESERVED: usize = LENGTH + 8;

const _: () = assert!(CLUSTER == 16);
const _: () = assert!(RESERVED == 64);

/// How long segments are, in bytes: whole blocks, at least four, at most 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentSize(u64);

impl SegmentSize {
    /// 64 MiB: a second or two of full load, and quick to prepare.
    pub const DEFAULT: Self = Self(64 << 20);

    /// Checks a length in bytes.
    pub const fn new(bytes: u64) -> Option<Self> {
        if bytes.is_multiple_of(4096) && bytes >= 4 * 4096 && bytes <= 4 << 30 {
            Some(Self(bytes))
        } else {
            None
        }
    }

    /// The length in bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

/// What block 0 of a segment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// Whose log it belongs to.
    pub(crate) identity: Identity,
    /// The segment's number.
    pub(crate) number: u64,
    /// The segment's own random number.
    pub(crate) tag: u64,
    /// The file's length in bytes.
    pub(crate) length: u64,
}

/// What is wrong with a segment's first block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentFault {
    /// It does not verify.
    #[error("it does not verify")]
    Unreadable,
    /// Written by a newer binary.
    #[error("its format is {found} and this binary reads up to {SEGMENT_FORMAT}: use the newer binary")]
    NewerFormat {
        /// The format found.
        found: u16,
    },
    /// A segment of another log.
    #[error("it belongs to cluster {}, shard {}, incarnation {}", found.cluster, found.shard, found.incarnation)]
    Foreign {
        /// Whose log it belongs to.
        found: Identity,
    },
    /// A segment of another number.
    #[error("it is segment {found}")]
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
}

impl SegmentHeader {
    /// Writes block 0.
    pub(crate) fn encode(&self, block: &mut [u8]) {
        assert_eq!(block.len(), BLOCK_SIZE);
        block.fill(0);
        put(block, MAGIC, SEGMENT_MAGIC);
        put(block, FORMAT, SEGMENT_FORMAT.to_le_bytes());
        put(block, SHARD, self.identity.shard.0.to_le_bytes());
        put(block, CLUSTER, self.identity.cluster.0);
        put(block, INCARNATION, self.identity.incarnation.0.to_le_bytes());
        put(block, NUMBER, self.number.to_le_bytes());
        put(block, TAG, self.tag.to_le_bytes());
        put(block, LENGTH, self.length.to_le_bytes());
        let sum = checksum(block);
        put(block, CHECKSUM, sum.to_le_bytes());
    }

    /// Reads block 0 of what should be this segment of this log, in whichever of its lives.
    pub(crate) fn decode(
        block: &[u8],
        identity: &Identity,
        number: u64,
        file_length: u64,
    ) -> Result<Self, SegmentFault> {
        let header = Self::decode_any(block)?;
        if !header.identity.is_a_life_of(identity) {
            return Err(SegmentFault::Foreign { found: header.identity });
        }
        if header.number != number {
            return Err(SegmentFault::Number { found: header.number });
        }
        if header.length != file_length {
            return Err(SegmentFault::Length { found: file_length, made: header.length });
        }
        Ok(header)
    }

    /// Reads block 0 of any segment.
    fn decode_any(block: &[u8]) -> Result<Self, SegmentFault> {
        assert_eq!(block.len(), BLOCK_SIZE);
        if block[..FORMAT] != SEGMENT_MAGIC || u32_at(block, CHECKSUM) != checksum(block) {
            return Err(SegmentFault::Unreadable);
        }
        match u16_at(block, FORMAT) {
            SEGMENT_FORMAT => {}
            found if found > SEGMENT_FORMAT => return Err(SegmentFault::NewerFormat { found }),
            _ => return Err(SegmentFault::Unreadable),
        }
        let length = u64_at(block, LENGTH);
        if !is_zero(&block[RESERVED..]) || SegmentSize::new(length).is_none() {
            return Err(SegmentFault::Unreadable);
        }
        Ok(Self {
            identity: Identity {
                cluster: ClusterId(array(block, CLUSTER)),
                shard: Shard(u16_at(block, SHARD)),
                incarnation: Incarnation(u64_at(block, INCARNATION)),
            },
            number: u64_at(block, NUMBER),
            tag: u64_at(block, TAG),
            length,
        })
    }
}

/// CRC32C of the block without the checksum's own four bytes.
fn checksum(block: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&block[..CHECKSUM]), &block[CLUSTER..])
}

/// The file name of a segment.
pub fn segment_name(number: u64) -> String {
    format!("segment-{number:016}.log")
}

/// The segment that a file name names.
pub fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("segment-")?.strip_suffix(".log")?;
    let number = digits.parse().ok()?;
    (digits.len() >= 16 && segment_name(number) == name).then_some(number)
}

/// The first byte of a segment that frames may take.
pub(crate) fn first_frame_offset() -> u64 {
    stored(BLOCK_SIZE)
}
