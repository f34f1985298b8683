//! The envelope: what local storage puts around a frame so that it recognises its own writes.
//!
//! Invariant: an envelope verifies only at the place it was written for, in the segment it was written for.

use crate::bytes::{is_zero, put, u32_at, u64_at};
use crate::header::HEADER_LENGTH;
use crate::limits::{ENVELOPE_HEADER_LENGTH, FRAME_LENGTH_MAX, in_memory, stored_short};

pub(crate) const ENVELOPE_MAGIC: [u8; 8] = *b"SLVENVLP";

// The byte table of FORMAT.md, "Envelope".
const MAGIC: usize = 0;
const TAG: usize = MAGIC + 8;
const SEGMENT: usize = TAG + 8;
const OFFSET: usize = SEGMENT + 8;
const FRAME_LENGTH: usize = OFFSET + 8;
const CHECKSUM: usize = FRAME_LENGTH + 4;
const RESERVED: usize = CHECKSUM + 4;

const _: () = assert!(RESERVED == 40);
const _: () = assert!(RESERVED + 24 == ENVELOPE_HEADER_LENGTH);

/// Where an envelope stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The segment's own random number.
    pub(crate) tag: u64,
    /// The segment's number.
    pub(crate) segment: u64,
    /// The envelope's first byte in the segment.
    pub(crate) offset: u64,
}

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A whole envelope that belongs here, around a frame of this length.
    Whole { frame_length: usize },
    /// A whole envelope that belongs elsewhere.
    Misplaced(Place),
    /// Nothing whole.
    Unreadable,
}

/// Writes the envelope header in front of the frame that lies in `bytes` already.
pub(crate) fn encode(place: &Place, frame_length: usize, bytes: &mut [u8]) {
    bytes[..ENVELOPE_HEADER_LENGTH].fill(0);
    put(bytes, MAGIC, ENVELOPE_MAGIC);
    put(bytes, TAG, place.tag.to_le_bytes());
    put(bytes, SEGMENT, place.segment.to_le_bytes());
    put(bytes, OFFSET, place.offset.to_le_bytes());
    put(bytes, FRAME_LENGTH, stored_short(frame_length).to_le_bytes());
    let sum = checksum(bytes, frame_length);
    put(bytes, CHECKSUM, sum.to_le_bytes());
}

/// The length of the frame that the envelope at the start of `bytes` announces, if it can be one.
pub(crate) fn announced(bytes: &[u8]) -> Option<usize> {
    if bytes.len() < ENVELOPE_HEADER_LENGTH || bytes[..TAG] != ENVELOPE_MAGIC {
        return None;
    }
    let length = in_memory(u64::from(u32_at(bytes, FRAME_LENGTH)));
    (HEADER_LENGTH..=FRAME_LENGTH_MAX).contains(&length).then_some(length)
}

/// The same if the envelope says that it belongs at `place`. Its checksum is not looked at.
pub(crate) fn announced_at(place: &Place, bytes: &[u8]) -> Option<usize> {
    announced(bytes).filter(|_| claimed(bytes) == *place && is_zero(&bytes[RESERVED..ENVELOPE_HEADER_LENGTH]))
}

/// Says what stands at the start of `bytes`, which lie at `place`.
pub(crate) fn inspect(place: &Place, bytes: &[u8]) -> Found {
    let Some(frame_length) = announced(bytes) else { return Found::Unreadable };
    if bytes.len() < ENVELOPE_HEADER_LENGTH + frame_length
        || !is_zero(&bytes[RESERVED..ENVELOPE_HEADER_LENGTH])
        || u32_at(bytes, CHECKSUM) != checksum(bytes, frame_length)
    {
        return Found::Unreadable;
    }
    let claimed = claimed(bytes);
    if claimed == *place { Found::Whole { frame_length } } else { Found::Misplaced(claimed) }
}

/// The place that an envelope names.
fn claimed(bytes: &[u8]) -> Place {
    Place { tag: u64_at(bytes, TAG), segment: u64_at(bytes, SEGMENT), offset: u64_at(bytes, OFFSET) }
}

/// CRC32C of the envelope header up to the checksum, and of the frame.
fn checksum(bytes: &[u8], frame_length: usize) -> u32 {
    let head = crc32c::crc32c(&bytes[..CHECKSUM]);
    crc32c::crc32c_append(head, &bytes[ENVELOPE_HEADER_LENGTH..ENVELOPE_HEADER_LENGTH + frame_length])
}
