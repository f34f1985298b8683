//! The thread that looks up on disk what is to be submitted.
//!
//! An edge only asks the filters, which are in memory. Where they say that a payment may be on disk, the whole submission
//! comes here: an edge serves all connections of its core, and a file that a bank sends a second time takes two reads for
//! each of its payments.
//!
//! Invariants:
//! - Whatever is here has its places among what is under way, and its looks are bounded besides.
//! - What cannot be looked up is dropped, and so is not answered: no payments are taken from then on.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::Ordering;

use crossbeam::channel::Sender;

use crate::event::{Event, Submission};
use crate::handle::Shared;
use crate::inbox::Inbox;
use crate::ticket::Ticket;

/// What the edges leave for the thread.
#[derive(Default)]
pub(crate) struct Looking(Inbox<Jobs>);

#[derive(Default)]
struct Jobs {
    /// Each with the number of its looks among those under way.
    submissions: VecDeque<(Submission<Ticket>, u64)>,
    is_over: bool,
}

impl Looking {
    /// Commands are to be looked up and submitted. How many there are is bounded by the looks under way.
    pub(crate) fn look_up(&self, submission: Submission<Ticket>, looks: u64) {
        self.0.add(|jobs| jobs.submissions.push_back((submission, looks)));
    }

    /// Nothing more will come: the thread ends when it has done what is there.
    pub(crate) fn end(&self) {
        self.0.add(|jobs| jobs.is_over = true);
    }

    /// The next one; `None` if nothing is left and nothing more comes.
    fn next(&self) -> Option<(Submission<Ticket>, u64)> {
        loop {
            let mut jobs = self.0.jobs();
            if let Some(next) = jobs.submissions.pop_front() {
                return Some(next);
            }
            if jobs.is_over {
                return None;
            }
            drop(jobs);
            self.0.wait();
        }
    }
}

impl fmt::Debug for Looking {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Looking")
    }
}

/// The thread: looks up and submits until there is nothing left and nothing more comes.
pub(crate) fn look(shared: &Shared, events: &Sender<Event<Ticket>>) {
    while let Some((submission, looks)) = shared.looking.next() {
        submit_looked_up(submission, shared, events);
        shared.looks_under_way.fetch_sub(looks, Ordering::Relaxed);
    }
}

/// Looks commands up and submits them. Where that fails, nobody is told anything of them.
pub(crate) fn submit_looked_up(
    mut submission: Submission<Ticket>,
    shared: &Shared,
    events: &Sender<Event<Ticket>>,
) {
    // Since they were submitted, other accounts may have come to take part.
    shared.activations.stamp(&mut submission.commands);
    let sent = match shared.duplicates.look_up(&mut submission.commands) {
        Ok(()) => events.send(Event::Submit(submission)).map_err(|unsent| unsent.0),
        Err(_) => Err(Event::Submit(submission)),
    };
    if let Err(Event::Submit(submission)) = sent {
        give_back(submission, shared);
    }
}

/// Gives back the places of what is not submitted.
pub(crate) fn give_back(submission: Submission<Ticket>, shared: &Shared) {
    let here = u64::from(submission.count());
    let Submission { ticket: Ticket::Outcomes { sink, is_answers, length, .. }, held, .. } = submission
    else {
        unreachable!("a submission waits for outcomes")
    };
    // Those that were told already have their places until all are.
    let count = held.map_or(here, |held| u64::try_from(held.outcomes.len()).expect("64 bits"));
    shared.give_back(is_answers, count, length);
    drop(sink);
}

#[cfg(test)]
#[path = "looking_tests.rs"]
mod tests;
