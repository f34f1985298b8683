//! The sizes that the formats of this crate are built on, in one place, with their relations asserted.

use crate::header::HEADER_LENGTH;

/// The unit of every write: devices are asked to keep no more than this together, and no acknowledged byte
/// shares a block with a byte that is written later.
pub const BLOCK_SIZE: usize = 4096;

/// What a device tears at worst: the smallest sector in use.
pub const SECTOR_SIZE: usize = 512;

/// The longest frame in bytes. It fits the message limits of every log service a frame may travel through.
pub const FRAME_LENGTH_MAX: usize = 512 * 1024;

/// The envelope header in front of each frame in a segment.
pub const ENVELOPE_HEADER_LENGTH: usize = 64;

/// The longest envelope with its padding: what one write in flight can have touched.
pub const ENVELOPE_LENGTH_MAX: usize = blocks(ENVELOPE_HEADER_LENGTH + FRAME_LENGTH_MAX);

/// How many segments are kept ready beside the one in use.
pub const SEGMENTS_READY: usize = 2;

const _: () = assert!(FRAME_LENGTH_MAX.is_multiple_of(8));
const _: () = assert!(BLOCK_SIZE.is_multiple_of(SECTOR_SIZE));
const _: () = assert!(ENVELOPE_HEADER_LENGTH + HEADER_LENGTH <= BLOCK_SIZE);
const _: () = assert!(ENVELOPE_LENGTH_MAX == FRAME_LENGTH_MAX + BLOCK_SIZE);

/// This many bytes rounded up to whole blocks.
pub(crate) const fn blocks(length: usize) -> usize {
    length.next_multiple_of(BLOCK_SIZE)
}

/// A length or offset in memory as it is stored.
pub(crate) fn stored(length: usize) -> u64 {
    u64::try_from(length).expect("a length in memory fits 64 bits")
}

/// A section's length as it is stored.
pub(crate) fn stored_short(length: usize) -> u32 {
    u32::try_from(length).expect("a frame is far shorter than 4 GiB")
}

/// A stored length as one in memory; lengths that are not addressable become one that fits nowhere.
pub(crate) fn in_memory(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
