//! The payments of a stream that a bank has to decide: who waits for each, and what came of them.
//!
//! Invariants:
//! - What comes of such a payment is copied on the core thread and put into words where it is sent.
//! - The stream's task is woken at most once for all that a frame brought.
//! - A stream whose caller has gone keeps nothing.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::{FinalSink, Waiting};
use ledger::Outcome;
use tokio::sync::Notify;
use types::Sequence;

use crate::mailbox::{Letter, Mailbox, final_outcome};
use crate::wire::{Decided, PaymentReference};

/// The open payments of one stream.
pub(crate) struct Finals {
    /// What has been decided and not been sent.
    decided: Mutex<Vec<Decided>>,
    /// Payments that are not sent yet.
    waiting: AtomicUsize,
    waiting_max: usize,
    /// Submissions from which payments may still come.
    held: AtomicUsize,
    /// Whether the caller has ended its side.
    is_closed: AtomicBool,
    /// Whether nobody wants to hear more.
    is_abandoned: AtomicBool,
    notify: Arc<Notify>,
    mailbox: Mailbox,
}

/// One submission of a stream, from which payments may come that wait. Kept until all of them are final.
pub(crate) struct Hold(Arc<Finals>);

/// A payment that waits, as its caller knows it.
#[derive(Clone, Copy)]
pub(crate) struct Asker {
    pub(crate) caller_id: u64,
    pub(crate) reference: PaymentReference,
}

/// The payments of one submission that wait, by their tags.
struct Part {
    askers: Vec<(Asker, bool)>,
    hold: Hold,
}

impl Finals {
    pub(crate) fn new(mailbox: Mailbox, waiting_max: usize) -> Arc<Self> {
        Arc::new(Self {
            decided: Mutex::default(),
            waiting: AtomicUsize::new(0),
            waiting_max,
            held: AtomicUsize::new(0),
            is_closed: AtomicBool::new(false),
            is_abandoned: AtomicBool::new(false),
            notify: Arc::default(),
            mailbox,
        })
    }

    /// For a submission that is about to be made.
    pub(crate) fn hold(self: &Arc<Self>) -> Hold {
        self.held.fetch_add(1, Ordering::SeqCst);
        Hold(Arc::clone(self))
    }

    /// Whether the stream may have more payments that wait.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) < self.waiting_max
    }

    /// Waits until something has been decided, or all has.
    pub(crate) async fn changed(&self) {
        self.notify.notified().await;
    }

    /// What has been decided, the oldest first.
    pub(crate) fn take(&self) -> Vec<Decided> {
        let decided = std::mem::take(&mut *self.decided());
        self.waiting.fetch_sub(decided.len(), Ordering::Relaxed);
        decided
    }

    /// No more is submitted.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
    }

    /// Whether everything has been decided and taken, of a stream that is closed.
    pub(crate) fn is_done(&self) -> bool {
        let is_closed = self.is_closed.load(Ordering::SeqCst);
        is_closed && self.held.load(Ordering::SeqCst) == 0 && self.decided().is_empty()
    }

    /// Nobody takes any more.
    pub(crate) fn abandon(&self) {
        self.is_abandoned.store(true, Ordering::Relaxed);
        self.decided().clear();
    }

    fn add(&self, decided: Decided) {
        if self.is_abandoned.load(Ordering::Relaxed) {
            return;
        }
        let mut all = self.decided();
        all.push(decided);
        // Whoever takes takes all: one letter is enough.
        if all.len() == 1 {
            self.mailbox.put(Letter::Wake(Arc::clone(&self.notify)));
        }
    }

    fn decided(&self) -> MutexGuard<'_, Vec<Decided>> {
        self.decided.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hold {
    /// Has these payments told when they are final: each with its position, and whether it repeats an earlier one.
    pub(crate) fn wait_for(self, open: Vec<(Asker, Sequence, bool)>, waiting: &mut Waiting<'_>) {
        self.0.waiting.fetch_add(open.len(), Ordering::Relaxed);
        let askers = open.iter().map(|(asker, _, is_repeat)| (*asker, *is_repeat)).collect();
        let part = Arc::new(Part { askers, hold: self });
        for (tag, (_, payment, _)) in (0..).zip(open) {
            waiting.wait(payment, Arc::clone(&part) as Arc<dyn FinalSink>, tag);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let finals = &self.0;
        if finals.held.fetch_sub(1, Ordering::SeqCst) == 1 && finals.is_closed.load(Ordering::SeqCst) {
            finals.mailbox.put(Letter::Wake(Arc::clone(&finals.notify)));
        }
    }
}

impl FinalSink for Part {
    fn take(&self, tag: u32, outcome: &Outcome) {
        let tag = usize::try_from(tag).expect("addresses have at least 32 bits");
        let (Asker { caller_id, reference }, is_repeat) = self.askers[tag];
        self.hold.0.add(Decided { caller_id, reference, outcome: final_outcome(outcome, is_repeat) });
    }
}
