//! How many bytes of log a payment takes, read from the log itself.

use std::path::Path;

use anyhow::{Context, ensure};
use journal::{
    BLOCK_SIZE, ENVELOPE_HEADER_LENGTH, FRAME_LENGTH_MAX, FileStorage, FrameHeader, FrameKind, Reader,
};
use serde_json::{Value, json};
use types::BatchNumber;

/// A frame is full if it has a quarter of the most that it may have: what is left of its last block no longer counts.
const FULL_LENGTH_MIN: usize = FRAME_LENGTH_MAX / 4;

/// What full frames of payments add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogBytes {
    /// Full frames.
    pub(crate) frames: u64,
    /// Payments in them.
    pub(crate) payments: u64,
    /// Their bytes on the disk, with envelopes and padding.
    pub(crate) stored: u64,
    /// Of these, the bytes of texts.
    pub(crate) texts: u64,
}

/// The last batch of the log in a folder.
pub(crate) fn last_batch(folder: &Path) -> anyhow::Result<BatchNumber> {
    let end = open(folder)?.read(BatchNumber(0), &mut |_, _| Ok(()));
    Ok(end.context("the node's log can't be read")?.tail.batch)
}

fn open(folder: &Path) -> anyhow::Result<Reader<FileStorage>> {
    Reader::open(FileStorage::open(folder)?).context("the node's log can't be opened")
}

impl LogBytes {
    /// Reads the log in a folder, after this batch: all full frames from there on must be of payments.
    pub(crate) fn read(folder: &Path, after: BatchNumber) -> anyhow::Result<Self> {
        let mut sum = Self::default();
        let read = open(folder)?.read(after, &mut |frame, _| {
            sum.add(frame.header());
            Ok(())
        });
        read.context("the node's log can't be read")?;
        ensure!(sum.payments > 0, "the log has no full frame");
        Ok(sum)
    }

    fn add(&mut self, header: &FrameHeader) {
        let length = header.frame_length();
        if header.kind != FrameKind::Commands || length < FULL_LENGTH_MIN {
            return;
        }
        self.frames += 1;
        self.payments += u64::from(header.record_count);
        self.texts += u64::from(header.personal_length);
        let stored = (ENVELOPE_HEADER_LENGTH + length).next_multiple_of(BLOCK_SIZE);
        self.stored += u64::try_from(stored).expect("a frame is short");
    }

    /// Bytes a payment, without its text.
    pub(crate) fn per_payment(self) -> f64 {
        (self.stored - self.texts) as f64 / self.payments as f64
    }

    pub(crate) fn to_json(self) -> Value {
        json!({
            "frames": self.frames,
            "payments": self.payments,
            "stored_bytes": self.stored,
            "text_bytes": self.texts,
        })
    }
}
