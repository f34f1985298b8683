//! Reading what the log holds of payments, while the node writes it.
//!
//! Invariant: only durable frames are read, and what is told of them is what was told live.

use std::collections::VecDeque;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use journal::{FrameSource, FrameView, ReadError};
use ledger::{AnswerEffect, OutcomeEntry, OutcomeError, RecordError, Records};
use types::{PaymentState, ReasonCode, Sequence};

use crate::stored_order::StoredOrder;

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

impl LogView {
    /// A view of the log that a step writes, for whoever drives that: `told` follows [`crate::Core::told`].
    pub fn new(source: Arc<dyn FrameSource>, told: Arc<AtomicU64>) -> Self {
        Self { source, told }
    }

    /// The payments that stand at these positions, in the order of the question; `None` where none stands, or nothing
    /// yet.
    ///
    /// # Errors
    /// See [`LogError`]. Nothing is given then.
    pub fn orders_at(&self, positions: &[Sequence]) -> Result<Vec<Option<StoredOrder>>, LogError> {
        let mut sorted = positions.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let mut found = vec![None; sorted.len()];
        let mut result = Ok(());
        self.source.read_at(&sorted, &mut |frame| {
            result = copy_orders(&frame, &sorted, &mut found);
            if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        result?;
        let place = |position| sorted.binary_search(position).expect("it was put there");
        Ok(positions.iter().map(|position| found[place(position)].clone()).collect())
    }

    /// What was decided after one position, up to and including another, in the order of the positions that decided;
    /// payments that were reserved among it, repeats not.
    ///
    /// About so many decisions at the most: those of one frame stay together, and there may be 12,000 of them. What
    /// has been decided stands in a frame that follows, within 10 ms on an idle node, so the newest may be missing:
    /// `reached` says up to where nothing is, and is less than `upto` then. Ask again from there.
    ///
    /// # Errors
    /// See [`LogError`]. Nothing is given then.
    pub fn decisions_after(
        &self,
        after: Sequence,
        upto: Sequence,
        count_max: usize,
    ) -> Result<Decisions, LogError> {
        // Read before the frames, so that those which tell it are among them.
        let told = Sequence(self.told.load(Ordering::Acquire));
        let count_max = count_max.max(1);
        let (decisions, frames) = (Vec::new(), VecDeque::new());
        let mut reading = Reading { after, upto, count_max, decisions, frames, whole: after };
        let mut result = Ok(true);
        self.source.read_after(after, &mut |frame| {
            result = reading.frame(&frame);
            if matches!(result, Ok(true)) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let is_end = result?;
        let Reading { mut decisions, whole, .. } = reading;
        let reached = if is_end { whole.max(told) } else { whole };
        let reached = reached.min(upto).max(after);
        decisions.retain(|decision| decision.decided_at <= reached);
        // A command may have met a payment that the tick had decided before the commands in front of it.
        decisions.sort_by_key(|decision| decision.decided_at);
        Ok(Decisions { decisions, reached })
    }
}

/// A list of decisions in the making.
struct Reading {
    after: Sequence,
    upto: Sequence,
    count_max: usize,
    decisions: Vec<Decision>,
    /// Where the frames begin whose outcomes have not all been read.
    frames: VecDeque<Sequence>,
    /// Everything that was decided up to here has been read.
    whole: Sequence,
}

impl Reading {
    /// Takes in what a frame tells of those before it. Says whether to go on.
    fn frame(&mut self, frame: &FrameView<'_>) -> Result<bool, OutcomeError> {
        for entry in OutcomeEntry::read_all(frame.outcomes())? {
            let is_repeat = entry.repeat_of().is_some();
            // A repeat tells of what was decided long before.
            let told_at = if is_repeat { entry.sequence() } else { entry.decided_at() };
            let goes_on = self.reach(told_at) && self.decisions.len() >= self.count_max;
            if goes_on || self.whole >= self.upto {
                return Ok(false);
            }
            let is_wanted = told_at > self.after && told_at <= self.upto && !is_repeat;
            self.decisions.extend(decision(&entry).filter(|_| is_wanted));
        }
        self.frames.push_back(frame.header().first_sequence);
        Ok(true)
    }

    /// Entries follow in the order of the frames that decided. Says whether this is the first of another one.
    fn reach(&mut self, told_at: Sequence) -> bool {
        while self.frames.get(1).is_some_and(|next| *next <= told_at) {
            self.frames.pop_front();
        }
        let first = self.frames.front().filter(|first| **first <= told_at && first.0 - 1 > self.whole.0);
        let Some(first) = first else { return false };
        self.whole = Sequence(first.0 - 1);
        true
    }
}

/// The decision that an entry tells, if it is about a payment and is none that came to nothing.
fn decision(entry: &OutcomeEntry) -> Option<Decision> {
    let state = entry.payment_state()?;
    let decides = match entry.effect() {
        None => true,
        Some(AnswerEffect::Applied) => state.is_final(),
        Some(
            AnswerEffect::Late
            | AnswerEffect::Double
            | AnswerEffect::Contrary
            | AnswerEffect::NotAsked
            | AnswerEffect::PaymentUnknown,
        ) => false,
    };
    let (decided_at, payment) = (entry.decided_at(), entry.payment()?);
    decides.then(|| Decision { decided_at, payment, state, reason: entry.reason() })
}

/// Copies the payments that stand at some of these positions out of a frame.
fn copy_orders(
    frame: &FrameView<'_>,
    positions: &[Sequence],
    found: &mut [Option<StoredOrder>],
) -> Result<(), RecordError> {
    let header = frame.header();
    // What is sealed under a key that is not at hand is as good as erased.
    let records = match header.personal_key {
        0 => Records::new(frame.records(), frame.personal()),
        _ => Records::erased(frame.records()),
    };
    let mut at = header.first_sequence;
    let mut wanted = positions.partition_point(|position| *position <= at);
    for record in records {
        at = at.next();
        let record = record?;
        if positions.get(wanted) == Some(&at) {
            found[wanted] = StoredOrder::of(&record);
            wanted += 1;
        }
        if wanted == positions.len() {
            break;
        }
    }
    Ok(())
}

impl fmt::Debug for LogView {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LogView").field("told", &self.told).finish_non_exhaustive()
    }
}
