//! The thread that looks on disk: it makes runs of duplicates, and does for the core thread what takes a disk.
//!
//! It alone submits the commands that name runs. What is to be looked up again enters the queue before the next of them,
//! so a command is submitted again once at the most, but for changes of which accounts take part.
//!
//! Invariants:
//! - The core thread never waits for this one.
//! - What cannot be looked up is dropped, and so is not answered: no payments are taken from then on.

// The clock of a thread that waits before it tries again.
#![allow(clippy::disallowed_methods)]

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam::channel::{SendError, Sender};
use journal::{RunError, Storage};
use ledger::{Outcome, SealedRun, Verdict};
use types::{DigestKey, Sequence};

use crate::driver::{answer, monotonic};
use crate::event::{Event, LookUp, Submission};
use crate::finals::Waiting;
use crate::handle::{Handle, Shared};
use crate::inbox::Inbox;
use crate::looking::{give_back, submit_looked_up};
use crate::sealer::{Sealer, Slice};
use crate::ticket::Ticket;

/// Slices that may lie ready: one is being written while the next is copied.
const SLICES_MAX: usize = 2;
/// Pages that are merged, or read back, between two looks at everything else: about a megabyte.
const PAGES_AT_ONCE: usize = 256;
/// A disk that failed, or is full, is tried again after this time.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// What the core thread leaves for the sealing thread.
#[derive(Default)]
pub(crate) struct Sealing {
    inbox: Inbox<Jobs>,
    /// How many runs that were handed out have come to their end, in the log or not.
    ended: AtomicU64,
}

#[derive(Default)]
struct Jobs {
    again: Vec<Submission<Ticket>>,
    look_ups: Vec<LookUp<Ticket>>,
    slices: VecDeque<Slice>,
    /// Runs that the log has named, or refused.
    named: Vec<(u64, bool)>,
    /// The ledger lists the runs behind this position.
    listed_behind: Option<Sequence>,
    is_over: bool,
}

impl Sealing {
    /// Commands are to be looked up and submitted once more. How many there are is bounded by what is under way.
    pub(crate) fn again(&self, submission: Submission<Ticket>) {
        self.inbox.add(|jobs| jobs.again.push(submission));
    }

    /// An answer is to be completed. How many there are is bounded by the questions under way.
    pub(crate) fn look_up(&self, look_up: LookUp<Ticket>) {
        self.inbox.add(|jobs| jobs.look_ups.push(look_up));
    }

    /// Payments are to be sealed.
    pub(crate) fn slice(&self, slice: Slice) {
        self.inbox.add(|jobs| jobs.slices.push_back(slice));
    }

    /// Whether another slice is wanted.
    pub(crate) fn takes_slices(&self) -> bool {
        self.inbox.jobs().slices.len() < SLICES_MAX
    }

    /// The ledger lists the runs behind this position.
    pub(crate) fn listed_behind(&self, position: Sequence) {
        self.inbox.add(|jobs| jobs.listed_behind = Some(position));
    }

    /// How many runs that were handed out have come to their end.
    pub(crate) fn ended(&self) -> u64 {
        self.ended.load(Ordering::Acquire)
    }

    /// Nothing more will come: the thread ends when it has done what is there.
    pub(crate) fn end(&self) {
        self.inbox.add(|jobs| jobs.is_over = true);
    }

    /// What is there: everything but slices, and one of those.
    fn take(&self) -> (Jobs, Option<Slice>) {
        let mut all = self.inbox.jobs();
        let slice = all.slices.pop_front();
        let slices = std::mem::take(&mut all.slices);
        let jobs = std::mem::take(&mut *all);
        all.slices = slices;
        (jobs, slice)
    }
}

impl fmt::Debug for Sealing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sealing")
    }
}

/// The sealing thread.
pub(crate) struct SealingThread<S: Storage> {
    sealer: Sealer<S>,
    shared: Arc<Shared>,
    events: Sender<Event<Ticket>>,
    key: DigestKey,
    /// When a run that failed may be tried again, on the monotonic clock.
    paused_until: Option<i64>,
    /// Whether a run of payments came to nothing.
    gave_up: bool,
}

impl<S: Storage> SealingThread<S> {
    /// Beside the engine of this handle.
    pub(crate) fn new(sealer: Sealer<S>, handle: &Handle) -> Self {
        let (shared, events, key) = (Arc::clone(&handle.shared), handle.events.clone(), handle.digest_key);
        Self { sealer, shared, events, key, paused_until: None, gave_up: false }
    }

    /// Works until there is nothing left and nothing more comes.
    pub(crate) fn run(mut self) {
        loop {
            let (jobs, slice) = self.shared.sealing.take();
            let is_over = jobs.is_over;
            self.do_for_core(jobs);
            if is_over {
                return;
            }
            self.end_pause();
            let is_new = slice.is_some() || self.sealer.is_ending();
            let made = match slice {
                Some(slice) => self.sealer.take(&slice).map(|()| None),
                None if self.paused_until.is_none() && self.sealer.has_work() => {
                    self.sealer.step(PAGES_AT_ONCE)
                }
                None => {
                    self.wait();
                    continue;
                }
            };
            match made {
                Ok(run) => run.into_iter().for_each(|run| self.name(&run)),
                Err(error) => self.pause(&error, is_new),
            }
        }
    }

    fn do_for_core(&mut self, jobs: Jobs) {
        for submission in jobs.again {
            submit_looked_up(submission, &self.shared, &self.events);
        }
        for mut look_up in jobs.look_ups {
            let is_complete = self.shared.duplicates.complete(&mut look_up, &self.key).is_ok();
            let (ticket, answered) = look_up.into_answer();
            answer(ticket, is_complete.then_some(answered), &self.shared);
        }
        self.shared.deliveries.wake();
        for (number, is_named) in jobs.named {
            let is_new = self.sealer.is_new(number);
            let tidied = self.sealer.named(number, is_named);
            if is_new {
                self.shared.sealing.ended.fetch_add(1, Ordering::Release);
            }
            log_untidy(tidied);
            if !is_named {
                tracing::warn!(run = number, "a run of duplicates did not fit any more");
            }
        }
        if let Some(position) = jobs.listed_behind {
            log_untidy(self.sealer.listed_behind(position));
        }
    }

    /// Has the log name a run.
    fn name(&self, run: &SealedRun) {
        let (shared, number) = (Arc::clone(&self.shared), run.number);
        let sink = move |outcomes: &[Outcome], _: &mut Waiting<'_>| {
            let is_named = matches!(outcomes, [Outcome { verdict: Verdict::Done { .. }, .. }]);
            shared.sealing.inbox.add(|jobs| jobs.named.push((number, is_named)));
        };
        let ticket =
            Ticket::Outcomes { sink: Box::new(sink), is_answers: false, length: 0, received: monotonic() };
        self.shared.records_under_way.fetch_add(1, Ordering::Relaxed);
        tracing::info!(run = number, payments = run.payments, "run of duplicates made");
        // A node that stops names it no more; the next start removes it and makes another.
        let sent = self.events.send(Event::Submit(Submission::naming(run, self.key, ticket)));
        if let Err(SendError(Event::Submit(submission))) = sent {
            give_back(submission, &self.shared);
        }
    }

    fn pause(&mut self, error: &RunError, is_new: bool) {
        tracing::error!(%error, "a run of duplicates can't be made; it is tried again");
        let after = i64::try_from(TRY_AGAIN_AFTER.as_nanos()).expect("some seconds");
        self.paused_until = Some(monotonic() + after);
        self.gave_up |= is_new;
    }

    /// After a pause, the payments of a run that was given up may be handed out anew.
    fn end_pause(&mut self) {
        if self.paused_until.is_some_and(|until| until <= monotonic()) {
            self.paused_until = None;
            let ended = u64::from(std::mem::take(&mut self.gave_up));
            self.shared.sealing.ended.fetch_add(ended, Ordering::Release);
        }
    }

    fn wait(&self) {
        let inbox = &self.shared.sealing.inbox;
        match self.paused_until {
            None => inbox.wait(),
            Some(until) => {
                let left = u64::try_from(until - monotonic()).unwrap_or(0);
                inbox.wait_for(Duration::from_nanos(left));
            }
        }
    }
}

fn log_untidy(tidied: Result<(), RunError>) {
    if let Err(error) = tidied {
        tracing::warn!(%error, "a file of duplicates that is not needed any more could not be removed");
    }
}
