//! The bytes of a run: its first block, and pages behind it that each verify on their own.

use types::{ClusterId, Incarnation, Sequence, Shard, Timestamp};

use super::filter::{FilterLine, lines_for};
use super::{RunError, RunFacts};
use crate::bytes::{array, i64_at, is_zero, put, u16_at, u32_at, u64_at};
use crate::header::Identity;
use crate::limits::{BLOCK_SIZE, in_memory, stored};

/// The format that this binary writes, and the newest it reads.
pub(crate) const RUN_FORMAT: u16 = 1;

const RUN_MAGIC: [u8; 8] = *b"SLVDUPLI";

/// Bytes of one payment. The journal knows of it only where its position stands.
pub const RUN_ENTRY_LENGTH: usize = 128;
pub(super) const ENTRY_SEQUENCE: usize = 64;
pub(super) const KEY_LENGTH: usize = 16;
pub(super) const FENCE_LENGTH: usize = 8;

/// What a page holds before its checksum.
pub(super) const PAGE_CONTENT: usize = BLOCK_SIZE - 4;
pub(super) const ENTRIES_PER_PAGE: usize = PAGE_CONTENT / RUN_ENTRY_LENGTH;
pub(super) const KEYS_PER_PAGE: usize = PAGE_CONTENT / KEY_LENGTH;
pub(super) const FENCES_PER_PAGE: usize = PAGE_CONTENT / FENCE_LENGTH;
pub(super) const LINES_PER_PAGE: usize = PAGE_CONTENT / FilterLine::LENGTH;

// The byte table of FORMAT.md, "Run of duplicates".
const MAGIC: usize = 0;
const FORMAT: usize = MAGIC + 8;
const SHARD: usize = FORMAT + 2;
const CHECKSUM: usize = SHARD + 2;
const CLUSTER: usize = CHECKSUM + 4;
const INCARNATION: usize = CLUSTER + 16;
const NUMBER: usize = INCARNATION + 8;
const AFTER: usize = NUMBER + 8;
const UPTO: usize = AFTER + 8;
const NEWEST_TIME: usize = UPTO + 8;
const PAYMENTS: usize = NEWEST_TIME + 8;
const KEYS: usize = PAYMENTS + 8;
const PAGES_HASH: usize = KEYS + 8;
const RESERVED: usize = PAGES_HASH + 32;

const _: () = assert!(CLUSTER == 16);
const _: () = assert!(RESERVED == 120);
const _: () = assert!(ENTRIES_PER_PAGE == 31);
const _: () = assert!(KEYS_PER_PAGE == 255);
const _: () = assert!(FENCES_PER_PAGE == 511);
const _: () = assert!(LINES_PER_PAGE == 63);

/// Where each section of a run begins, in pages; the first block is page 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sections {
    /// Payments in the order of their positions.
    pub(super) entries: u64,
    /// Keys in the order of their hashes.
    pub(super) keys: u64,
    /// The first position of each page of payments.
    pub(super) entry_fences: u64,
    /// The first hash of each page of keys.
    pub(super) key_fences: u64,
    pub(super) filter: u64,
    pub(super) end: u64,
}

impl Sections {
    pub(super) fn of(payments: u64, keys: u64) -> Self {
        let pages = |count: u64, per_page: usize| count.div_ceil(stored(per_page));
        let entries = 1;
        let keys_at = entries + pages(payments, ENTRIES_PER_PAGE);
        let entry_fences = keys_at + pages(keys, KEYS_PER_PAGE);
        let key_fences = entry_fences + pages(keys_at - entries, FENCES_PER_PAGE);
        let filter = key_fences + pages(entry_fences - keys_at, FENCES_PER_PAGE);
        let end = filter + pages(lines_for(keys), LINES_PER_PAGE);
        Self { entries, keys: keys_at, entry_fences, key_fences, filter, end }
    }
}

/// What the first block says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RunHeader {
    pub(super) identity: Identity,
    pub(super) number: u64,
    pub(super) after: Sequence,
    pub(super) upto: Sequence,
    pub(super) newest_time: Timestamp,
    pub(super) payments: u64,
    /// How many of the payments hold their key.
    pub(super) keys: u64,
    /// BLAKE3 of all pages behind the first block.
    pub(super) pages_hash: [u8; 32],
}

impl RunHeader {
    pub(super) fn encode(&self, block: &mut [u8]) {
        assert_eq!(block.len(), BLOCK_SIZE);
        block.fill(0);
        put(block, MAGIC, RUN_MAGIC);
        put(block, FORMAT, RUN_FORMAT.to_le_bytes());
        put(block, SHARD, self.identity.shard.0.to_le_bytes());
        put(block, CLUSTER, self.identity.cluster.0);
        put(block, INCARNATION, self.identity.incarnation.0.to_le_bytes());
        put(block, NUMBER, self.number.to_le_bytes());
        put(block, AFTER, self.after.0.to_le_bytes());
        put(block, UPTO, self.upto.0.to_le_bytes());
        put(block, NEWEST_TIME, self.newest_time.nanoseconds().to_le_bytes());
        put(block, PAYMENTS, self.payments.to_le_bytes());
        put(block, KEYS, self.keys.to_le_bytes());
        put(block, PAGES_HASH, self.pages_hash);
        let sum = block_checksum(block);
        put(block, CHECKSUM, sum.to_le_bytes());
    }

    /// Reads the first block of what should be this run of this log.
    pub(super) fn decode(block: &[u8], identity: &Identity, number: u64) -> Result<Self, RunError> {
        assert_eq!(block.len(), BLOCK_SIZE);
        let damaged = || RunError::Damaged { number, page: 0 };
        if block[..FORMAT] != RUN_MAGIC || u32_at(block, CHECKSUM) != block_checksum(block) {
            return Err(damaged());
        }
        match u16_at(block, FORMAT) {
            RUN_FORMAT => {}
            found if found > RUN_FORMAT => return Err(RunError::NewerFormat { number, found }),
            _ => return Err(damaged()),
        }
        let header = Self {
            identity: Identity {
                cluster: ClusterId(array(block, CLUSTER)),
                shard: Shard(u16_at(block, SHARD)),
                incarnation: Incarnation(u64_at(block, INCARNATION)),
            },
            number: u64_at(block, NUMBER),
            after: Sequence(u64_at(block, AFTER)),
            upto: Sequence(u64_at(block, UPTO)),
            newest_time: Timestamp::from_nanoseconds(i64_at(block, NEWEST_TIME)).ok_or_else(damaged)?,
            payments: u64_at(block, PAYMENTS),
            keys: u64_at(block, KEYS),
            pages_hash: array(block, PAGES_HASH),
        };
        let is_possible = header.after < header.upto
            && (1..=u64::from(u32::MAX)).contains(&header.payments)
            && header.keys <= header.payments
            && is_zero(&block[RESERVED..]);
        if !is_possible {
            return Err(damaged());
        }
        // A log that was restored goes on with the runs of its earlier lives; what the log says of a run tells which it is.
        if !header.identity.is_a_life_of(identity) || header.number != number {
            return Err(RunError::Another { number });
        }
        Ok(header)
    }

    /// What the log says of the run whose first block this is.
    pub(super) fn facts(&self, block: &[u8]) -> RunFacts {
        RunFacts {
            number: self.number,
            after: self.after,
            upto: self.upto,
            newest_time: self.newest_time,
            payments: self.payments,
            hash: *blake3::hash(block).as_bytes(),
        }
    }
}

/// CRC32C of the block without the checksum's own four bytes.
fn block_checksum(block: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&block[..CHECKSUM]), &block[CLUSTER..])
}

/// Makes the checksums of a run's pages, which say as well whose page it is and which.
#[derive(Clone, Copy, Debug)]
pub(super) struct Salt(u32);

impl Salt {
    pub(super) fn new(identity: &Identity, number: u64) -> Self {
        let sum = crc32c::crc32c(&identity.cluster.0);
        let sum = crc32c::crc32c_append(sum, &identity.incarnation.0.to_le_bytes());
        Self(crc32c::crc32c_append(sum, &number.to_le_bytes()))
    }

    pub(super) fn seal(self, page: u64, bytes: &mut [u8]) {
        let sum = self.checksum(page, bytes);
        put(bytes, PAGE_CONTENT, sum.to_le_bytes());
    }

    pub(super) fn verifies(self, page: u64, bytes: &[u8]) -> bool {
        u32_at(bytes, PAGE_CONTENT) == self.checksum(page, bytes)
    }

    fn checksum(self, page: u64, bytes: &[u8]) -> u32 {
        let sum = crc32c::crc32c_append(self.0, &page.to_le_bytes());
        crc32c::crc32c_append(sum, &bytes[..PAGE_CONTENT])
    }
}

/// One line of the list of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyPlace {
    /// The key's hash.
    pub(super) hash: u64,
    /// The payment's place in the run, from 0.
    pub(super) entry: u32,
}

impl KeyPlace {
    pub(super) fn encode(self, bytes: &mut [u8]) {
        put(bytes, 0, self.hash.to_le_bytes());
        put(bytes, 8, self.entry.to_le_bytes());
    }

    pub(super) fn decode(bytes: &[u8]) -> Self {
        Self { hash: u64_at(bytes, 0), entry: u32_at(bytes, 8) }
    }
}

/// How many of `count` things stand on the page of this number of their section.
pub(super) fn on_page(count: u64, per_page: usize, page: u64) -> usize {
    let before = page * stored(per_page);
    in_memory(count.saturating_sub(before)).min(per_page)
}

/// Where a page begins in its file.
pub(super) fn page_offset(page: u64) -> u64 {
    page * stored(BLOCK_SIZE)
}

/// The file name of a run.
pub fn run_name(number: u64) -> String {
    format!("duplicates-{number:016}")
}

/// The run that a file name names.
pub fn run_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("duplicates-")?;
    let number = digits.parse().ok()?;
    (digits.len() >= 16 && run_name(number) == name).then_some(number)
}
