//! Payments, account openings and entries in bulk, over a stream that outlives its connections.
//!
//! Invariants:
//! - Every item that was sent comes back exactly once: answered, not sent, or unknown.
//! - At most `in_flight_max` items are between `send` and `receive`.
//! - An item whose first submission was lost is never reported as refused because a later one was refused for
//!   want of capacity: the first may have been taken.

use std::fmt;
use std::sync::Arc;

use prost::Message;
use tokio::sync::{Semaphore, mpsc};

use crate::exchange::{AccountOpenings, Entries, Exchange, Payments};
use crate::limits::{BATCH_ITEMS_MAX, MESSAGE_BYTES_MAX};
use crate::stream_driver::Driver;
use crate::{Client, ClientError};

/// Batches that wait for the driver. More would only add to what is in flight.
const QUEUED_BATCHES_MAX: usize = 16;

/// How to stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamOptions {
    /// How many items may be sent and not yet received back; at least 1.
    pub in_flight_max: usize,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self { in_flight_max: 8 * BATCH_ITEMS_MAX }
    }
}

/// A stream of payments: [`ItemStream`] with [`PaymentSubmission`](crate::v1::PaymentSubmission)s.
pub type PaymentStream = ItemStream<Payments>;

/// A stream of accounts to open: [`ItemStream`] with [`AccountOpening`](crate::v1::AccountOpening)s.
pub type AccountStream = ItemStream<AccountOpenings>;

/// A stream of entries to book: [`ItemStream`] with [`PostEntryRequest`](crate::v1::PostEntryRequest)s.
pub type EntryStream = ItemStream<Entries>;

/// A stream that submits items and matches the answers, whatever happens to its connection.
///
/// When a connection breaks, what has no answer is submitted again on the next one, as it was: the server
/// answers repeats from its log. Items are kept until they are answered.
pub struct ItemStream<Kind: Exchange> {
    /// Where items go in.
    pub sender: ItemSender<Kind>,
    /// Where what became of them comes out.
    pub receiver: ItemReceiver<Kind>,
}

/// The half of a stream that takes items. Dropping it ends the stream once everything is answered.
pub struct ItemSender<Kind: Exchange> {
    batches: mpsc::Sender<Kind::Batch>,
    room: Arc<Semaphore>,
    in_flight_max: usize,
}

/// The half of a stream that gives back what became of the items.
pub struct ItemReceiver<Kind: Exchange> {
    received: mpsc::Receiver<Received<Kind>>,
    room: Arc<Semaphore>,
}

/// What became of items that were sent.
pub enum Received<Kind: Exchange> {
    /// Answers, in any order.
    Answers(Vec<Kind::Answer>),
    /// Not sent, because an item in flight has the same key. Send it again under another key, or later.
    NotSent(Vec<Kind::Item>),
    /// Done or not: the stream gave up on these. Ask, or submit the same again.
    Unknown(Vec<Kind::Item>),
    /// The stream has failed and ends here, with all that was still in flight.
    Ended {
        /// Submitted at least once: done or not.
        unknown: Vec<Kind::Item>,
        /// Never submitted.
        not_sent: Vec<Kind::Item>,
        /// Why.
        cause: ClientError,
    },
}

/// Why a stream did not take items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// One item alone is longer than a message may be. None of the items was submitted.
    #[error("item {index} has more than {MESSAGE_BYTES_MAX} bytes")]
    TooLong {
        /// Counted from 0.
        index: usize,
    },
    /// The stream has ended; the receiver says why. What it does not name was not submitted.
    #[error("the stream has ended")]
    Ended,
}

impl<Kind: Exchange> ItemStream<Kind> {
    /// Opens a stream. There is no answer yet whether the server serves it: that comes with the first answers.
    pub fn open(client: &Client, options: StreamOptions) -> Self {
        let StreamOptions { in_flight_max } = options;
        assert!(in_flight_max > 0, "a stream has room for an item");
        assert!(in_flight_max <= Semaphore::MAX_PERMITS, "more than any machine has room for");
        let room = Arc::new(Semaphore::new(in_flight_max));
        let (batches, queue) = mpsc::channel(QUEUED_BATCHES_MAX);
        // What is in flight comes back in at most as many pieces, and one more says that the stream has ended:
        // the driver never waits here, so a caller that does not receive can't hold it up.
        let (deliver, received) = mpsc::channel(in_flight_max + 1);
        let driver = Driver::<Kind>::new(client.clone(), queue, deliver);
        let closing = room.clone();
        tokio::spawn(async move {
            driver.run().await;
            closing.close();
        });
        Self {
            sender: ItemSender { batches, room: room.clone(), in_flight_max },
            receiver: ItemReceiver { received, room },
        }
    }
}

impl<Kind: Exchange> ItemSender<Kind> {
    /// Sends items, waiting for room in flight: another task has to receive meanwhile.
    ///
    /// Items are sent in messages of at most 1024 items and 4 MiB. Keys must be unique among what is in flight.
    pub async fn send(&mut self, items: Vec<Kind::Item>) -> Result<(), SendError> {
        let items_max = BATCH_ITEMS_MAX.min(self.in_flight_max);
        for batch in split::<Kind>(items, items_max)? {
            let count = u32::try_from(Kind::items(&batch).len()).expect("a batch has at most 1024 items");
            let room = self.room.acquire_many(count).await.map_err(|_| SendError::Ended)?;
            self.batches.send(batch).await.map_err(|_| SendError::Ended)?;
            // The receiver gives it back.
            room.forget();
        }
        Ok(())
    }
}

impl<Kind: Exchange> ItemReceiver<Kind> {
    /// What became of items, as soon as something is known. `None` once the sender is gone and everything has
    /// come back, or after [`Received::Ended`].
    pub async fn receive(&mut self) -> Option<Received<Kind>> {
        let received = self.received.recv().await?;
        self.room.add_permits(received.items_count());
        Some(received)
    }
}

impl<Kind: Exchange> Received<Kind> {
    /// How many items this is about.
    pub fn items_count(&self) -> usize {
        match self {
            Self::Answers(answers) => answers.len(),
            Self::NotSent(items) | Self::Unknown(items) => items.len(),
            Self::Ended { unknown, not_sent, .. } => unknown.len() + not_sent.len(),
        }
    }
}

impl<Kind: Exchange> fmt::Debug for Received<Kind> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answers(answers) => formatter.debug_tuple("Answers").field(answers).finish(),
            Self::NotSent(items) => formatter.debug_tuple("NotSent").field(items).finish(),
            Self::Unknown(items) => formatter.debug_tuple("Unknown").field(items).finish(),
            Self::Ended { unknown, not_sent, cause } => formatter
                .debug_struct("Ended")
                .field("unknown", unknown)
                .field("not_sent", not_sent)
                .field("cause", cause)
                .finish(),
        }
    }
}

/// Splits items into messages within the limits.
pub(crate) fn split<Kind: Exchange>(
    items: Vec<Kind::Item>,
    items_max: usize,
) -> Result<Vec<Kind::Batch>, SendError> {
    // An item costs a tag and a length in its message; four bytes of length are more than a message has.
    const OVERHEAD_BYTES: usize = 1 + 4;
    let mut batches = Vec::with_capacity(items.len().div_ceil(items_max));
    let mut batch = Vec::with_capacity(items.len().min(items_max));
    let mut bytes = 0;
    for (index, item) in items.into_iter().enumerate() {
        let length = item.encoded_len() + OVERHEAD_BYTES;
        if length > MESSAGE_BYTES_MAX {
            return Err(SendError::TooLong { index });
        }
        if batch.len() == items_max || bytes + length > MESSAGE_BYTES_MAX {
            batches.push(Kind::batch(std::mem::take(&mut batch)));
            bytes = 0;
        }
        bytes += length;
        batch.push(item);
    }
    if !batch.is_empty() {
        batches.push(Kind::batch(batch));
    }
    Ok(batches)
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
