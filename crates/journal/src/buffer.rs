//! Memory that a device can read from and write to directly.
//!
//! Invariant: the bytes start at an address that is a multiple of [`BLOCK_SIZE`] and never move.

use std::fmt;

use crate::limits::BLOCK_SIZE;

/// A fixed number of bytes, aligned to [`BLOCK_SIZE`], allocated once.
pub struct AlignedBuffer {
    bytes: Box<[u8]>,
    start: usize,
    length: usize,
}

impl AlignedBuffer {
    /// Allocates this many zero bytes, rounded up to whole blocks.
    pub fn new(length: usize) -> Self {
        let length = length.next_multiple_of(BLOCK_SIZE);
        // One block more than needed always holds an aligned start, which needs no unsafe allocation call.
        let bytes = vec![0_u8; length + BLOCK_SIZE].into_boxed_slice();
        let start = bytes.as_ptr().addr().next_multiple_of(BLOCK_SIZE) - bytes.as_ptr().addr();
        assert!(start < BLOCK_SIZE);
        Self { bytes, start, length }
    }

    /// All of it.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[self.start..self.start + self.length]
    }

    /// All of it, to be changed.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + self.length]
    }
}

impl Clone for AlignedBuffer {
    fn clone(&self) -> Self {
        let mut copy = Self::new(self.length);
        copy.as_mut_slice().copy_from_slice(self.as_slice());
        copy
    }
}

/// The length only: the bytes may hold personal data.
impl fmt::Debug for AlignedBuffer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "AlignedBuffer({} bytes)", self.length)
    }
}
