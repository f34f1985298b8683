//! Commands on their way into the log, and questions, from a thread that may wait.
//!
//! Invariants:
//! - At most [`BATCHES_MAX`] batches are under way: whoever brings more waits.
//! - What was submitted is answered, or the node has stopped.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use engine::{Answered, Handle, NotTaken, Question, Waiting};
use ledger::{Outcome, RecordWriter, Refusal};
use tonic::Status;
use types::PrincipalNumber;

use crate::node::PART_BYTES_MAX;
use crate::refusals::{not_taken, refused, unanswered};

/// Batches of lines that may be under way at once: enough to keep the log busy, and half a frame or so each.
const BATCHES_MAX: usize = 4;

/// After what the node had no room for, so long nothing is submitted again.
const PAUSE: Duration = Duration::from_millis(5);

/// So often it is tried: for half a minute.
const ATTEMPTS_MAX: u32 = 6000;

/// Submits for one caller.
pub(super) struct Logging<'node> {
    handle: &'node Handle,
    principal: PrincipalNumber,
    batch: RecordWriter,
    under_way: VecDeque<Receiver<Option<Refusal>>>,
}

impl<'node> Logging<'node> {
    pub(super) fn new(handle: &'node Handle, principal: PrincipalNumber) -> Self {
        let batch = handle.commands(principal);
        Self { handle, principal, batch, under_way: VecDeque::with_capacity(BATCHES_MAX) }
    }

    /// Submits one command and waits for its outcome.
    ///
    /// # Errors
    /// If it was not taken, or refused.
    pub(super) fn one(&self, write: impl FnOnce(&mut RecordWriter)) -> Result<Outcome, Status> {
        let mut commands = self.handle.commands(self.principal);
        write(&mut commands);
        let (sender, receiver) = sync_channel(1);
        self.submit(commands, move |outcomes| {
            // Whoever waits takes it.
            let _ = sender.send(outcomes[0]);
        })?;
        let outcome = receiver.recv().map_err(|_| unanswered())?;
        outcome.refusal().map_or(Ok(outcome), |refusal| Err(refused(refusal).into_status()))
    }

    /// Adds a command to the batch, which is submitted when it is long enough.
    ///
    /// # Errors
    /// If an earlier one was refused, or this batch was not taken.
    pub(super) fn add(&mut self, write: impl FnOnce(&mut RecordWriter)) -> Result<(), Status> {
        write(&mut self.batch);
        if self.batch.length() > PART_BYTES_MAX { self.send() } else { Ok(()) }
    }

    /// Submits the rest, and waits until all have been answered.
    ///
    /// # Errors
    /// If one was refused, or was not taken.
    pub(super) fn finish(&mut self) -> Result<(), Status> {
        if self.batch.count() > 0 {
            self.send()?;
        }
        while !self.under_way.is_empty() {
            self.take_oldest()?;
        }
        Ok(())
    }

    /// Asks a question and waits for the answer.
    ///
    /// # Errors
    /// If the node does not answer.
    pub(super) fn ask(&self, question: Question) -> Result<Answered, Status> {
        ask(self.handle, question)
    }

    fn send(&mut self) -> Result<(), Status> {
        if self.under_way.len() >= BATCHES_MAX {
            self.take_oldest()?;
        }
        let batch = std::mem::replace(&mut self.batch, self.handle.commands(self.principal));
        let (sender, receiver) = sync_channel(1);
        self.submit(batch, move |outcomes| {
            // Whoever gave the file up does not wait for it.
            let _ = sender.send(outcomes.iter().find_map(Outcome::refusal));
        })?;
        self.under_way.push_back(receiver);
        Ok(())
    }

    fn take_oldest(&mut self) -> Result<(), Status> {
        let Some(oldest) = self.under_way.pop_front() else { return Ok(()) };
        let refusal = oldest.recv().map_err(|_| unanswered())?;
        refusal.map_or(Ok(()), |refusal| Err(refused(refusal).into_status()))
    }

    /// Submits commands, as often as it takes while the node has no room: whoever brings a file has time.
    fn submit(
        &self,
        commands: RecordWriter,
        told: impl FnOnce(&[Outcome]) + Clone + Send + 'static,
    ) -> Result<(), Status> {
        for _ in 0..ATTEMPTS_MAX {
            let told = told.clone();
            let sink = move |outcomes: &[Outcome], _: &mut Waiting<'_>| told(outcomes);
            match self.handle.submit(commands.clone(), Box::new(sink)) {
                Ok(()) => return Ok(()),
                Err(NotTaken::Overloaded) => std::thread::sleep(PAUSE),
                Err(reason) => return Err(not_taken(reason).into_status()),
            }
        }
        Err(not_taken(NotTaken::Overloaded).into_status())
    }
}

/// Asks a question on a thread that may wait, as often as it takes while the node has no room.
///
/// # Errors
/// If the node does not answer.
pub(super) fn ask(handle: &Handle, question: Question) -> Result<Answered, Status> {
    for _ in 0..ATTEMPTS_MAX {
        let (sender, receiver) = sync_channel(1);
        let sink = move |answered: Answered| {
            // Whoever asked takes it.
            let _ = sender.send(answered);
        };
        match handle.ask(question.clone(), Box::new(sink)) {
            Ok(()) => return receiver.recv().map_err(|_| unanswered()),
            Err(NotTaken::Overloaded) => std::thread::sleep(PAUSE),
            Err(reason) => return Err(not_taken(reason).into_status()),
        }
    }
    Err(not_taken(NotTaken::Overloaded).into_status())
}
