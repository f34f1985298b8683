//! Making frames: sections are filled in place, sealed once, and the buffers travel in a circle.
//!
//! Invariants:
//! - After [`FrameBuilder::new`] nothing is allocated as long as sealed frames come back by `recycle`.
//! - A sealed frame's buffer has room for the envelope in front and zeros to the end of its last block, so
//!   that storage writes it as it lies.
//! - A builder with keys seals every personal section. The texts stay beside the sealed frame until it is recycled, for
//!   whoever applies it; only the sealed bytes are hashed and written.

use std::fmt;
use std::sync::Arc;

use types::Timestamp;

use crate::buffer::AlignedBuffer;
use crate::envelope;
use crate::frame::FrameView;
use crate::header::{FrameHash, FrameHeader, FrameKind, HEADER_LENGTH, Identity};
use crate::keyring::{Keyring, TAG_LENGTH, key_of};
use crate::limits::{ENVELOPE_HEADER_LENGTH, ENVELOPE_LENGTH_MAX, FRAME_LENGTH_MAX, blocks, stored_short};
use crate::tail::Tail;

/// Where records begin in a buffer. It is a multiple of 64: records keep the alignment of their first.
const RECORDS_START: usize = ENVELOPE_HEADER_LENGTH + HEADER_LENGTH;

const _: () = assert!(RECORDS_START.is_multiple_of(64));

/// What sealing adds to the sections. Place, sequence, epoch and hash follow from the frame before.
#[derive(Clone, Copy, Debug)]
pub struct SealInput {
    /// What the frame is for.
    pub kind: FrameKind,
    /// Whose log it belongs to.
    pub identity: Identity,
    /// The frame it follows. An `EpochStart` gets the epoch after this one's, others the same.
    pub previous: Tail,
    /// When: later than the frame before.
    pub time: Timestamp,
    /// The version of the rules that decide its records.
    pub rules_version: u32,
    /// The highest batch known to be durable by now.
    pub durable_mark: types::BatchNumber,
    /// The key that seals the personal section, if there is one; 0 = clear. A builder without keys takes what was
    /// pushed for sealed already.
    pub personal_key: u32,
}

/// Collects records, outcome entries and personal data for the next frame.
pub struct FrameBuilder {
    buffer: AlignedBuffer,
    record_count: u32,
    records_length: usize,
    outcome_count: u32,
    outcomes: Vec<u8>,
    personal: Vec<u8>,
    spare: Vec<AlignedBuffer>,
    spare_texts: Vec<Vec<u8>>,
    keyring: Option<Arc<Keyring>>,
}

/// A frame that will not change any more, in a buffer of its own.
///
/// It is `Send`: it goes to the thread that writes it and comes back to be recycled, never copied.
pub struct SealedFrame {
    buffer: AlignedBuffer,
    header: FrameHeader,
    hash: FrameHash,
    /// What the personal section was before it was sealed, if this process has sealed it.
    texts: Option<Vec<u8>>,
}

impl FrameBuilder {
    /// A builder with buffers for this many frames that are away at the same time.
    pub fn new(frames: usize) -> Self {
        Self {
            buffer: AlignedBuffer::new(ENVELOPE_LENGTH_MAX),
            record_count: 0,
            records_length: 0,
            outcome_count: 0,
            outcomes: Vec::with_capacity(FRAME_LENGTH_MAX),
            personal: Vec::with_capacity(FRAME_LENGTH_MAX),
            spare: (0..frames).map(|_| AlignedBuffer::new(ENVELOPE_LENGTH_MAX)).collect(),
            spare_texts: Vec::new(),
            keyring: None,
        }
    }

    /// The same, with keys to seal personal sections.
    pub fn sealing(frames: usize, keyring: Arc<Keyring>) -> Self {
        let spare_texts = (0..frames).map(|_| Vec::with_capacity(FRAME_LENGTH_MAX)).collect();
        Self { spare_texts, keyring: Some(keyring), ..Self::new(frames) }
    }

    /// The key for a frame of this time: 0 if this builder does not seal, `None` if that key is not at hand.
    pub fn key_of(&self, time: Timestamp) -> Option<u32> {
        let Some(keyring) = &self.keyring else { return Some(0) };
        Some(key_of(time)).filter(|number| keyring.holds(*number))
    }

    /// Whether this many more bytes of each section fit the frame. Ask before each push.
    pub fn has_room(&self, records: usize, outcomes: usize, personal: usize) -> bool {
        frame_length(
            self.records_length.saturating_add(records),
            self.outcomes.len().saturating_add(outcomes),
            self.sealed_length(self.personal.len().saturating_add(personal)),
        ) <= FRAME_LENGTH_MAX
    }

    /// Appends a record.
    ///
    /// # Panics
    /// If it is empty or there is no room.
    pub fn push_record(&mut self, record: &[u8]) {
        self.record_slot(record.len()).copy_from_slice(record);
    }

    /// Appends records that stand one after the other.
    ///
    /// # Panics
    /// If there are none or there is no room.
    pub fn push_records(&mut self, records: &[u8], count: u32) {
        assert!(count > 0, "there is a record");
        self.push_record(records);
        self.record_count += count - 1;
    }

    /// Appends a record of this many bytes, to be filled in place. The bytes are whatever was there before.
    ///
    /// # Panics
    /// If it is empty or there is no room.
    pub fn record_slot(&mut self, length: usize) -> &mut [u8] {
        assert!(length > 0, "a record has bytes");
        assert!(self.has_room(length, 0, 0), "the caller asks for room first");
        let start = RECORDS_START + self.records_length;
        self.records_length += length;
        self.record_count += 1;
        &mut self.buffer.as_mut_slice()[start..start + length]
    }

    /// Appends an outcome entry.
    ///
    /// # Panics
    /// If it is empty or there is no room.
    pub fn push_outcome(&mut self, outcome: &[u8]) {
        assert!(!outcome.is_empty(), "an outcome entry has bytes");
        assert!(self.has_room(0, outcome.len(), 0), "the caller asks for room first");
        self.outcomes.extend_from_slice(outcome);
        self.outcome_count += 1;
    }

    /// Appends to the personal section; returns where in it the bytes begin.
    ///
    /// # Panics
    /// If there is no room.
    pub fn push_personal(&mut self, bytes: &[u8]) -> u32 {
        assert!(self.has_room(0, 0, bytes.len()), "the caller asks for room first");
        let start = stored_short(self.personal.len());
        self.personal.extend_from_slice(bytes);
        start
    }

    /// How many records have been pushed.
    pub const fn record_count(&self) -> u32 {
        self.record_count
    }

    /// How many outcome entries have been pushed.
    pub const fn outcome_count(&self) -> u32 {
        self.outcome_count
    }

    /// Whether nothing has been pushed.
    pub fn is_empty(&self) -> bool {
        self.record_count == 0 && self.outcome_count == 0 && self.personal.is_empty()
    }

    /// How long the frame would be if it were sealed now, in bytes.
    pub fn frame_length(&self) -> usize {
        frame_length(self.records_length, self.outcomes.len(), self.sealed_length(self.personal.len()))
    }

    /// How long a personal section is in the frame.
    fn sealed_length(&self, personal: usize) -> usize {
        let is_sealed = personal > 0 && self.keyring.is_some();
        personal.saturating_add(if is_sealed { TAG_LENGTH } else { 0 })
    }

    /// The records pushed so far.
    pub fn records(&self) -> &[u8] {
        &self.buffer.as_slice()[RECORDS_START..RECORDS_START + self.records_length]
    }

    /// The records pushed so far, for what is only known when the frame is sealed.
    pub fn records_mut(&mut self) -> &mut [u8] {
        let end = RECORDS_START + self.records_length;
        &mut self.buffer.as_mut_slice()[RECORDS_START..end]
    }

    /// The personal section so far.
    pub fn personal(&self) -> &[u8] {
        &self.personal
    }

    /// Makes the frame and hashes it; the builder is empty afterwards.
    ///
    /// # Panics
    /// If the time does not move on, if the durable mark is not of an earlier frame, if a frame of another kind than
    /// `Commands` carries records or personal data, or if the key that is to seal it is not at hand.
    pub fn seal(&mut self, input: &SealInput) -> SealedFrame {
        assert!(input.time > input.previous.time, "log time only moves forward");
        assert!(input.durable_mark <= input.previous.batch, "only earlier frames can be durable");
        assert!(input.durable_mark >= input.previous.durable_mark, "durable frames stay durable");
        let empty = self.record_count == 0 && self.personal.is_empty();
        assert!(empty || input.kind == FrameKind::Commands, "markers and epoch starts are empty");
        let personal_key = if self.personal.is_empty() { 0 } else { input.personal_key };
        let sealed_by = self.keyring.clone().filter(|_| !self.personal.is_empty());
        let is_of_its_day = personal_key == key_of(input.time);
        assert!(sealed_by.is_none() || is_of_its_day, "texts are sealed, and go with their day");
        let tag_length = if sealed_by.is_some() { TAG_LENGTH } else { 0 };
        let header = FrameHeader {
            kind: input.kind,
            identity: input.identity,
            epoch: input.previous.next_epoch(input.kind),
            batch: input.previous.batch.next(),
            first_sequence: input.previous.next_sequence,
            time: input.time,
            rules_version: input.rules_version,
            record_count: self.record_count,
            records_length: stored_short(self.records_length),
            outcome_count: self.outcome_count,
            outcomes_length: stored_short(self.outcomes.len()),
            personal_length: stored_short(self.personal.len() + tag_length),
            personal_key,
            durable_mark: input.durable_mark,
            previous_hash: input.previous.hash,
        };
        let spare = self.spare.pop().unwrap_or_else(|| AlignedBuffer::new(ENVELOPE_LENGTH_MAX));
        let mut buffer = std::mem::replace(&mut self.buffer, spare);
        let bytes = buffer.as_mut_slice();
        header.encode(&mut bytes[ENVELOPE_HEADER_LENGTH..]);
        let mut at = close_section(bytes, RECORDS_START + self.records_length);
        bytes[at..at + self.outcomes.len()].copy_from_slice(&self.outcomes);
        at = close_section(bytes, at + self.outcomes.len());
        let end = at + self.personal.len();
        bytes[at..end].copy_from_slice(&self.personal);
        let mut texts = None;
        if let Some(keyring) = sealed_by {
            let (head, section) = bytes[ENVELOPE_HEADER_LENGTH..].split_at_mut(HEADER_LENGTH);
            let start = at - RECORDS_START;
            let section = &mut section[start..start + self.personal.len()];
            let tag = keyring.seal(personal_key, head, section);
            bytes[end..end + TAG_LENGTH].copy_from_slice(&tag);
            let spare = self.spare_texts.pop().unwrap_or_default();
            texts = Some(std::mem::replace(&mut self.personal, spare));
        }
        at = close_section(bytes, end + tag_length);
        assert_eq!(at, ENVELOPE_HEADER_LENGTH + header.frame_length());
        bytes[at..blocks(at)].fill(0);
        let hash = FrameHash::of(&bytes[ENVELOPE_HEADER_LENGTH..at]);
        self.clear();
        SealedFrame { buffer, header, hash, texts }
    }

    /// Takes back a frame's buffer.
    pub fn recycle(&mut self, frame: SealedFrame) {
        self.spare.push(frame.buffer);
        if let Some(mut texts) = frame.texts {
            texts.clear();
            self.spare_texts.push(texts);
        }
    }

    /// Forgets everything pushed since the last frame was sealed.
    pub fn clear(&mut self) {
        self.record_count = 0;
        self.records_length = 0;
        self.outcome_count = 0;
        self.outcomes.clear();
        self.personal.clear();
    }
}

impl fmt::Debug for FrameBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FrameBuilder")
            .field("record_count", &self.record_count)
            .field("outcome_count", &self.outcome_count)
            .field("frame_length", &self.frame_length())
            .finish_non_exhaustive()
    }
}

impl SealedFrame {
    /// The decoded header.
    pub const fn header(&self) -> &FrameHeader {
        &self.header
    }

    /// The frame's name in the chain.
    pub const fn hash(&self) -> FrameHash {
        self.hash
    }

    /// The portable frame, without anything of local storage.
    pub fn bytes(&self) -> &[u8] {
        let end = ENVELOPE_HEADER_LENGTH + self.header.frame_length();
        &self.buffer.as_slice()[ENVELOPE_HEADER_LENGTH..end]
    }

    /// The frame's sections.
    pub fn view(&self) -> FrameView<'_> {
        let view = FrameView::trusted(self.header, self.hash, self.bytes());
        self.texts.as_deref().map_or(view, |texts| view.with_known_texts(texts))
    }

    /// The log's end once this frame is in it.
    pub fn tail(&self) -> Tail {
        Tail::after(&self.header, self.hash)
    }

    /// How many bytes the frame takes in a segment, envelope and padding included.
    pub fn envelope_length(&self) -> usize {
        blocks(ENVELOPE_HEADER_LENGTH + self.header.frame_length())
    }

    /// Writes the envelope for this place and returns all that is to be written there.
    pub(crate) fn enveloped(&mut self, place: &envelope::Place) -> &[u8] {
        let length = self.envelope_length();
        let frame_length = self.header.frame_length();
        envelope::encode(place, frame_length, self.buffer.as_mut_slice());
        &self.buffer.as_slice()[..length]
    }
}

/// The header only: sections hold personal data.
impl fmt::Debug for SealedFrame {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SealedFrame")
            .field("header", &self.header)
            .field("hash", &self.hash)
            .finish_non_exhaustive()
    }
}

/// Zeros up to the next multiple of eight bytes of the frame; returns where that is.
fn close_section(bytes: &mut [u8], end: usize) -> usize {
    let padded = end.next_multiple_of(8);
    bytes[end..padded].fill(0);
    padded
}

fn frame_length(records: usize, outcomes: usize, personal: usize) -> usize {
    [records, outcomes, personal]
        .into_iter()
        .map(|length| length.checked_next_multiple_of(8).unwrap_or(usize::MAX))
        .fold(HEADER_LENGTH, usize::saturating_add)
}
