//! Reading a frame: bytes in, a view of its sections out.
//!
//! Invariant: a [`FrameView`] exists only of bytes whose whole structure has been checked.

use std::fmt;

use crate::bytes::is_zero;
use crate::header::{FrameFault, FrameHash, FrameHeader, HEADER_LENGTH, padded};
use crate::keyring::{Keyring, Opening};
use crate::limits::{FRAME_LENGTH_MAX, in_memory};

/// A frame that has been checked, borrowed from where it lies.
#[derive(Clone, Copy)]
pub struct FrameView<'a> {
    header: FrameHeader,
    hash: FrameHash,
    bytes: &'a [u8],
    section: Section<'a>,
}

/// What is known of the personal section beside its bytes.
#[derive(Clone, Copy)]
enum Section<'a> {
    /// No key has been tried: what is in clear can be read.
    Closed,
    /// What it was before it was sealed.
    Opened(&'a [u8]),
    /// Its key does not open it.
    Tampered,
}

impl<'a> FrameView<'a> {
    /// Checks that `bytes` are exactly one frame, and hashes them. The chain is for [`crate::Tail`] to check.
    ///
    /// # Errors
    /// The first thing about the bytes that no writer of this format produces.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FrameFault> {
        if bytes.len() > FRAME_LENGTH_MAX {
            return Err(FrameFault::Length { length: bytes.len() });
        }
        let header = FrameHeader::decode(bytes)?;
        if header.frame_length() != bytes.len() {
            return Err(FrameFault::Sections);
        }
        let mut at = HEADER_LENGTH;
        for length in [header.records_length, header.outcomes_length, header.personal_length] {
            let end = at + padded(length);
            if !is_zero(&bytes[at + in_memory(u64::from(length))..end]) {
                return Err(FrameFault::Padding);
            }
            at = end;
        }
        Ok(Self { header, hash: FrameHash::of(bytes), bytes, section: Section::Closed })
    }

    /// A view of a frame that this process has sealed itself.
    pub(crate) const fn trusted(header: FrameHeader, hash: FrameHash, bytes: &'a [u8]) -> Self {
        Self { header, hash, bytes, section: Section::Closed }
    }

    /// The same, where this process knows the texts that it has sealed.
    pub(crate) const fn with_known_texts(self, texts: &'a [u8]) -> Self {
        Self { section: Section::Opened(texts), ..self }
    }

    /// Opens the personal section into `texts` if it is sealed and its key is at hand.
    pub fn opened(self, keyring: &Keyring, texts: &'a mut Vec<u8>) -> Self {
        let number = self.header.personal_key;
        if number == 0 {
            return self;
        }
        let section = match keyring.open(number, &self.bytes[..HEADER_LENGTH], self.personal(), texts) {
            Opening::Opened => Section::Opened(texts),
            Opening::NoKey => Section::Closed,
            Opening::Tampered => Section::Tampered,
        };
        Self { section, ..self }
    }

    /// The decoded header.
    pub const fn header(&self) -> &FrameHeader {
        &self.header
    }

    /// The frame's name in the chain.
    pub const fn hash(&self) -> FrameHash {
        self.hash
    }

    /// The whole frame.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The records, laid out as `ledger` says, without padding.
    pub fn records(&self) -> &'a [u8] {
        self.section(HEADER_LENGTH, self.header.records_length)
    }

    /// The outcome entries of earlier frames, laid out as `ledger` says, without padding.
    pub fn outcomes(&self) -> &'a [u8] {
        self.section(HEADER_LENGTH + padded(self.header.records_length), self.header.outcomes_length)
    }

    /// The personal section, sealed under [`FrameHeader::personal_key`], without padding.
    pub fn personal(&self) -> &'a [u8] {
        let before = padded(self.header.records_length) + padded(self.header.outcomes_length);
        self.section(HEADER_LENGTH + before, self.header.personal_length)
    }

    /// The texts of the frame's records, if they can be read: `None` where they are sealed under a key that is not at
    /// hand, which is as good as erased.
    pub fn texts(&self) -> Option<&'a [u8]> {
        match self.section {
            Section::Opened(texts) => Some(texts),
            Section::Closed | Section::Tampered => (self.header.personal_key == 0).then(|| self.personal()),
        }
    }

    /// Whether the key of the personal section is at hand and does not open it: these are not the bytes that were sealed
    /// under it, although frame and chain are whole.
    pub const fn is_tampered(&self) -> bool {
        matches!(self.section, Section::Tampered)
    }

    fn section(&self, at: usize, length: u32) -> &'a [u8] {
        &self.bytes[at..at + in_memory(u64::from(length))]
    }
}

/// The header only: sections hold personal data.
impl fmt::Debug for FrameView<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FrameView")
            .field("header", &self.header)
            .field("hash", &self.hash)
            .finish_non_exhaustive()
    }
}
