//! Reading what the log holds of payments, while the node writes it.
//!
//! Invariant: only durable frames are read, and what is told of them is what was told live.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use journal::{FrameView, ReadError};
use ledger::{OutcomeEntry, OutcomeError, RecordError, Records};
use types::{PaymentState, ReasonCode, Sequence};

use crate::stored_order::StoredOrder;

/// The durable frames of a log, read by any thread while another one writes.
pub trait FrameSource: Send + Sync {
    /// Visits, in order, every durable frame that has a position after this one, up to the end of the log as it was
    /// when the call began, or until the visitor breaks.
    fn read_after(
        &self,
        after: Sequence,
        visit: &mut dyn FnMut(FrameView<'_>) -> ControlFlow<()>,
    ) -> Result<(), ReadError>;

    /// Visits, in order, the durable frames that contain one of these positions, which ascend.
    fn read_at(
        &self,
        positions: &[Sequence],
        visit: &mut dyn FnMut(FrameView<'_>) -> ControlFlow<()>,
    ) -> Result<(), ReadError>;
}

/// A way to read the log. Its methods wait for the disk: call them on a thread that may. Cheap to clone.
#[derive(Clone)]
pub struct LogView {
    source: Arc<dyn FrameSource>,
    /// Up to where everything that was decided is told by durable frames.
    told: Arc<AtomicU64>,
}

/// Why the log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The frames can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A frame's records can't be read.
    #[error("a record of the log can't be read: {0}")]
    Record(#[from] RecordError),
    /// A frame's outcome entries can't be read.
    #[error(transparent)]
    Outcome(#[from] OutcomeError),
}

/// A payment was reserved or decided, as the log tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The position that decided.
    pub decided_at: Sequence,
    /// The payment's position.
    pub payment: Sequence,
    /// Where it stood from then on.
    pub state: PaymentState,
    /// Why it was not settled, as the payer's side is told.
    pub reason: Option<ReasonCode>,
}

/// Some decisions in the order of the positions that decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decisions {
    /// The decisions.
    pub decisions: Vec<Decision>,
    /// Everything that was decided up to and including this position is among them: where to go on.
    pub reached: Sequence,
}
