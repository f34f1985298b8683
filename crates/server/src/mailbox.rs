//! Answers from the core thread to the calls of one edge thread, with one wake-up for all of a frame.
//!
//! Waking a task of another thread costs a system call. So the core thread leaves the answers of a frame here, and
//! wakes one task when it is through; that task wakes the calls of its own thread for next to nothing.
//!
//! A letter is of a call that was under way when it was submitted, so there are never more than the engine admits
//! beside those that the calls of this thread's connections have not taken yet.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use engine::{Answered, Collector, FinalSink, Handle};
use ledger::{Outcome, Verdict};
use tokio::sync::{Notify, oneshot};
use types::{PaymentState, Sequence};

/// Where answers to the calls of one thread go.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox(Arc<Letters>);

#[derive(Debug, Default)]
struct Letters {
    waiting: Mutex<Vec<Letter>>,
    notify: Arc<Notify>,
}

/// An answer, and who waits for it.
#[derive(Debug)]
// Outcomes are the common ones; a box would cost each of them an allocation.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Letter {
    /// What came of a command, or of a payment in the end.
    Outcome(oneshot::Sender<Outcome>, Outcome),
    /// What came of a payment so far.
    Progress(oneshot::Sender<Progress>, Progress),
    /// The answer to a question.
    Answer(oneshot::Sender<Answered>, Answered),
    /// There is something for a task that looks for itself.
    Wake(Arc<Notify>),
}

/// What came of a payment so far.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) outcome: Outcome,
    /// Tells what comes of it in the end, if a bank has to decide.
    pub(crate) last: Option<oneshot::Receiver<Outcome>>,
}

/// Waits for the final outcome of one payment.
#[derive(Debug)]
pub(crate) struct Last {
    pub(crate) mailbox: Mailbox,
    /// Empty once it has been told.
    pub(crate) waiting: Mutex<Option<oneshot::Sender<Outcome>>>,
    /// Whether the payment that waits is an earlier one with the same key and body.
    pub(crate) is_repeat: bool,
}

impl FinalSink for Last {
    fn take(&self, _tag: u32, outcome: &Outcome) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waiting) = waiting {
            self.mailbox.put(Letter::Outcome(waiting, final_outcome(outcome, self.is_repeat)));
        }
    }
}

/// A final outcome as it is told to an attempt: a repeat hears that it is one.
pub(crate) fn final_outcome(outcome: &Outcome, is_repeat: bool) -> Outcome {
    match outcome.verdict {
        Verdict::Payment { state, reason, repeat_of: None } if is_repeat => {
            let repeat_of = Some(outcome.sequence);
            Outcome { verdict: Verdict::Payment { state, reason, repeat_of }, ..*outcome }
        }
        Verdict::Payment { .. }
        | Verdict::Answer { .. }
        | Verdict::Done { .. }
        | Verdict::Refused { .. }
        | Verdict::AskAgain
        | Verdict::NotActive { .. }
        | Verdict::LegBooked { .. }
        | Verdict::RequestEnded { .. }
        | Verdict::HoldExpired { .. }
        | Verdict::NotExecuted { .. }
        | Verdict::OrderEnded { .. }
        | Verdict::PackageComplete { .. } => *outcome,
    }
}

/// The position of the payment that an attempt waits for, if a bank has to decide it.
pub(crate) fn reserved(outcome: &Outcome) -> Option<Sequence> {
    match outcome.verdict {
        Verdict::Payment { state: PaymentState::Reserved, repeat_of, .. } => {
            Some(repeat_of.unwrap_or(outcome.sequence))
        }
        Verdict::Payment { .. }
        | Verdict::Answer { .. }
        | Verdict::Done { .. }
        | Verdict::Refused { .. }
        | Verdict::AskAgain
        | Verdict::NotActive { .. }
        | Verdict::LegBooked { .. }
        | Verdict::RequestEnded { .. }
        | Verdict::HoldExpired { .. }
        | Verdict::NotExecuted { .. }
        | Verdict::OrderEnded { .. }
        | Verdict::PackageComplete { .. } => None,
    }
}

impl Mailbox {
    /// Opens a mailbox whose letters are delivered by a task of this thread's runtime, as long as there are
    /// handles to the mailbox or letters on their way to it.
    pub(crate) fn open(handle: &Handle) -> Self {
        let letters = Arc::new(Letters::default());
        handle.collect(&letters);
        tokio::spawn(deliver(Arc::downgrade(&letters), Arc::clone(&letters.notify)));
        Self(letters)
    }

    /// Leaves a letter. The core thread says when all letters of a frame are there.
    pub(crate) fn put(&self, letter: Letter) {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
    }
}

impl Collector for Letters {
    fn wake(&self) {
        if !self.waiting.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            self.notify.notify_one();
        }
    }
}

/// When the last handle goes, the task has to notice.
impl Drop for Letters {
    fn drop(&mut self) {
        self.notify.notify_one();
    }
}

async fn deliver(letters: Weak<Letters>, notify: Arc<Notify>) {
    let mut taken = Vec::new();
    loop {
        notify.notified().await;
        let Some(letters) = letters.upgrade() else { return };
        std::mem::swap(&mut *letters.waiting.lock().unwrap_or_else(PoisonError::into_inner), &mut taken);
        drop(letters);
        taken.drain(..).for_each(Letter::deliver);
    }
}

impl Letter {
    /// Nobody may be waiting any more; what was decided stands.
    fn deliver(self) {
        match self {
            Self::Outcome(waiting, outcome) => _ = waiting.send(outcome),
            Self::Progress(waiting, progress) => _ = waiting.send(progress),
            Self::Answer(waiting, answered) => _ = waiting.send(answered),
            Self::Wake(notify) => notify.notify_one(),
        }
    }
}
