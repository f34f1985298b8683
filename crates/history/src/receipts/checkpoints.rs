//! Finding checkpoints, and making receipts from them and the log.
//!
//! A receipt is made by reading the interval in which its payment was settled once more. That costs about a second for
//! some millions of outcomes, and nothing is kept for payments of which nobody wants one.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use journal::{FrameSource, FrameView, ReadError};
use types::{BatchNumber, ClusterId, DigestKey, Duration, PaymentState, Sequence, Timestamp};

use super::builder::{BuildError, Builder, Closed, Found};
use super::checkpoint::{Checkpoint, SignedCheckpoint};
use super::leaf::{Sides, head};
use super::receipt::Receipt;
use super::store::{Store, StoreError, Stored};

/// Why there is no receipt.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// The payment is not settled; `None` stands for a command that is no payment.
    #[error("receipts are given for settled payments only")]
    NotSettled(Option<PaymentState>),
    /// The attempt repeats another payment.
    #[error("this attempt repeats the payment at sequence {0}, and that has the receipt")]
    Repeat(Sequence),
    /// No command stands at this position.
    #[error("there is no such payment in the log")]
    Unknown,
    /// No checkpoint covers it yet.
    #[error("the checkpoint of the payment is not complete yet")]
    NotYet {
        /// When its interval ends in log time, if one is open.
        until: Option<Timestamp>,
    },
    /// The log begins after what the receipt needs.
    #[error("the part of the log that tells of the payment is gone; it may be in a backup")]
    Gone,
    /// The log and the file of checkpoints are of two minds.
    #[error(
        "checkpoint {0} does not agree with the log: remove the file of checkpoints, and it is made again"
    )]
    Mismatch(u64),
    /// Nobody waits for it any more.
    #[error("the receipt was given up")]
    GivenUp,
    /// The checkpoints can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A frame can't be understood.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// A log's checkpoints. Its methods wait for the disk: call them on a thread that may.
#[derive(Debug)]
pub struct Checkpoints {
    store: Mutex<Store>,
    pub(super) interval: Duration,
    pub(super) digest_key: DigestKey,
    pub(super) source: Source,
    /// When the open interval ends, if anything has been told in it.
    open_until: Mutex<Option<Timestamp>>,
}

/// The log.
#[derive(Clone)]
pub(super) struct Source(pub(super) Arc<dyn FrameSource>);

impl std::fmt::Debug for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Source")
    }
}

impl Checkpoints {
    pub(super) fn new(
        store: Store,
        interval: Duration,
        digest_key: DigestKey,
        source: Arc<dyn FrameSource>,
    ) -> Self {
        let open_until = Mutex::new(None);
        Self { store: Mutex::new(store), interval, digest_key, source: Source(source), open_until }
    }

    /// Opens what a node has made in a folder, for reading; `None` if there is nothing.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(
        folder: &Path,
        cluster: ClusterId,
        digest_key: DigestKey,
        source: Arc<dyn FrameSource>,
    ) -> Result<Option<Self>, StoreError> {
        let opened = Store::open_as_it_is(folder, cluster)?;
        Ok(opened.map(|(store, interval)| Self::new(store, interval, digest_key, source)))
    }

    /// The latest checkpoint.
    pub fn latest(&self) -> Option<SignedCheckpoint> {
        self.store().last().map(|(stored, _)| stored.signed)
    }

    /// The first checkpoint that reaches this position.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn reaching(&self, position: Sequence) -> Result<Option<SignedCheckpoint>, StoreError> {
        Ok(self.store().reaching(position)?.map(|(stored, _)| stored.signed))
    }

    /// The checkpoints from this number on, the first being 1, at most so many.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn from_number(&self, first: u64, count_max: usize) -> Result<Vec<SignedCheckpoint>, StoreError> {
        let mut found = Vec::new();
        let store = self.store();
        for number in (first.max(1)..).take(count_max) {
            let Some((stored, _)) = store.get(number)? else { break };
            found.push(stored.signed);
        }
        Ok(found)
    }

    /// The receipt of the payment at this position, with the balances of these sides.
    ///
    /// # Errors
    /// See [`ReceiptError`].
    pub fn receipt(&self, payment: Sequence, sides: Sides) -> Result<Receipt, ReceiptError> {
        self.receipt_until(payment, sides, &AtomicBool::new(false))
    }

    /// The same, given up at the next frame once this has become true.
    ///
    /// # Errors
    /// See [`ReceiptError`].
    pub fn receipt_until(
        &self,
        payment: Sequence,
        sides: Sides,
        is_given_up: &AtomicBool,
    ) -> Result<Receipt, ReceiptError> {
        let Some((_, first)) = self.store().reaching(payment)? else { return Err(self.not_yet()) };
        let before = self.before(first.number)?;
        let (after, counted) = before.map_or((Sequence(0), BatchNumber(0)), |(stored, checkpoint)| {
            (stored.resume_after, checkpoint.last_batch)
        });
        let mut search = Search {
            builder: Builder::looking_for(self.interval, &self.digest_key, payment),
            counted,
            is_given_up,
            ended: None,
        };
        let read = self.source.0.read_after(after, &mut |frame| search.frame(&frame));
        let read = match read {
            // The log's first interval is not whole, but the payment may be in a later one.
            Err(ReadError::Trimmed { first_sequence, .. })
                if before.is_none() && first_sequence < payment =>
            {
                let after = Sequence(first_sequence.0 - 1);
                self.source.0.read_after(after, &mut |frame| search.frame(&frame))
            }
            read => read,
        };
        match read {
            Ok(()) => {}
            Err(ReadError::Trimmed { .. }) => return Err(ReceiptError::Gone),
            Err(error) => return Err(error.into()),
        }
        let closed = search.ended.unwrap_or(Err(self.not_yet()))?;
        self.assemble(&search.builder, &closed, sides)
    }

    fn assemble(&self, builder: &Builder, closed: &Closed, sides: Sides) -> Result<Receipt, ReceiptError> {
        let Some((stored, checkpoint)) = self.store().reaching(closed.upto)? else {
            return Err(self.not_yet());
        };
        if (checkpoint.last_batch, checkpoint.root) != (closed.last_batch, closed.root) {
            return Err(ReceiptError::Mismatch(checkpoint.number));
        }
        let Found::Settled(found) = builder.found() else { return Err(ReceiptError::Unknown) };
        let (entry, [payer, payee], index) = **found;
        let shown = |side: super::leaf::Side, is_shown| if is_shown { side } else { side.closed() };
        Ok(Receipt {
            head: head(&entry),
            sides: [shown(payer, sides.payer), shown(payee, sides.payee)],
            record: builder.record().ok_or(ReceiptError::Gone)?.to_vec(),
            index,
            path: closed.path.clone(),
            checkpoint: stored.signed,
        })
    }

    /// The checkpoint before the one with this number.
    pub(super) fn before(&self, number: u64) -> Result<Option<(Stored, Checkpoint)>, StoreError> {
        self.store().get(number - 1)
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        // Whoever panicked while he held it has changed nothing by halves.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_open_until(&self, until: Option<Timestamp>) {
        *self.open_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn not_yet(&self) -> ReceiptError {
        let until = *self.open_until.lock().unwrap_or_else(PoisonError::into_inner);
        ReceiptError::NotYet { until }
    }
}

/// Goes through frames until the interval is over in which the payment was settled.
struct Search<'a> {
    builder: Builder,
    /// The last frame before the first interval.
    counted: BatchNumber,
    /// Whether nobody waits for the receipt any more.
    is_given_up: &'a AtomicBool,
    ended: Option<Result<Closed, ReceiptError>>,
}

impl Search<'_> {
    fn frame(&mut self, frame: &FrameView<'_>) -> ControlFlow<()> {
        self.ended = match self.step(frame) {
            Ok(closed) => closed.map(Ok),
            Err(error) => Some(Err(error)),
        };
        if self.ended.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn step(&mut self, frame: &FrameView<'_>) -> Result<Option<Closed>, ReceiptError> {
        if self.is_given_up.load(Ordering::Relaxed) {
            return Err(ReceiptError::GivenUp);
        }
        if frame.header().batch <= self.counted {
            self.builder.warm_up(frame)?;
            return Ok(None);
        }
        // Of a payment found before this frame, whose interval may end with it.
        let is_settled = matches!(self.builder.found(), Found::Settled(_));
        let closed = self.builder.frame(frame)?;
        match self.builder.found() {
            Found::Settled(_) if is_settled => match closed {
                Some(closed) if closed.has_gap => Err(ReceiptError::Gone),
                closed => Ok(closed),
            },
            Found::Settled(_) | Found::Nothing => Ok(None),
            Found::NoCommand => Err(ReceiptError::Unknown),
            Found::Repeat(original) => Err(ReceiptError::Repeat(*original)),
            Found::Other(state) => Err(ReceiptError::NotSettled(*state)),
        }
    }
}
