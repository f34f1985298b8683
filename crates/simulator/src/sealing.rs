//! Payments that leave the node's table for runs on disk: who writes the runs, and whose evidence was too old.
//!
//! As in the engine's own thread, what is to be looked up again is submitted before the next run is named.

use engine::{Event, Submission};
use journal::RunError;
use ledger::{Outcome, SealedRun, Verdict};

use super::troubles::is_off;
use super::{Ending, Happening, MILLISECOND, Simulation, Stop, Waiting};
use crate::words::digest_key;

/// Pages that are merged at once: a few, so that a crash finds a merge under way.
const PAGES_AT_ONCE: usize = 2;

impl Simulation {
    /// Payments are handed out and written, or runs merged; whatever is complete is to be named.
    pub(super) fn seal(&mut self) -> Result<(), Stop> {
        let pause = self.pause(self.plan.seal_pause_max);
        self.at(pause, Happening::Seal(self.life));
        let Some(node) = &mut self.node else { return Ok(()) };
        let ledger = node.core.ledger();
        let listed_behind = ledger.sealed_runs().first().map_or(ledger.sealed_upto(), |run| run.after);
        let slice = node.handing.step(ledger, ledger.position().sequence);
        let is_new = slice.is_some() || node.sealer.is_ending();
        let tidied = node.sealer.listed_behind(listed_behind);
        let made = match slice {
            Some(slice) => node.sealer.take(&slice).map(|()| None),
            None if node.sealer.has_work() => node.sealer.step(PAGES_AT_ONCE),
            None => Ok(None),
        };
        if made.is_err() && is_new {
            node.handing.ended();
        }
        if is_off(&self.storage) {
            return self.lose_power();
        }
        for error in [tidied.err(), made.as_ref().err().cloned()].into_iter().flatten() {
            self.run_failed(&error)?;
        }
        if let Ok(Some(run)) = made {
            self.name(&run);
        }
        self.submit_queued()
    }

    /// The log is to name a run.
    fn name(&mut self, run: &SealedRun) {
        self.ticket += 1;
        self.note(&format!("ticket {} names run {} up to {}", self.ticket, run.number, run.upto));
        self.waiting.insert(self.ticket, Waiting::Run(run.number));
        self.queued.push_back(Submission::naming(run, digest_key(), self.ticket));
    }

    /// The log has named a run, or not.
    pub(super) fn named(&mut self, number: u64, outcomes: &[Outcome]) -> Result<(), Stop> {
        let is_named = matches!(outcomes, [Outcome { verdict: Verdict::Done { .. }, .. }]);
        self.note(&format!("run {number} is named: {is_named}"));
        let Some(node) = &mut self.node else { return Ok(()) };
        if node.sealer.is_new(number) {
            node.handing.ended();
        }
        let named = node.sealer.named(number, is_named);
        self.runs += u64::from(is_named);
        if is_off(&self.storage) {
            return self.lose_power();
        }
        named.or_else(|error| self.run_failed(&error))
    }

    /// Evidence did not reach as far as payments have left the table: it is looked up once more.
    pub(super) fn ask_again(&mut self, mut submission: Submission<u32>) -> Result<(), Stop> {
        let Some(node) = &mut self.node else { return Ok(()) };
        submission.stamp_activation(&node.core.ledger().activation_table());
        let looked_up = node.duplicates.look_up_again(&mut submission);
        self.asked_again += 1;
        self.is_asked_again.insert(*submission.ticket());
        self.note(&format!("ticket {} is looked up again", submission.ticket()));
        if let Err(error) = looked_up {
            return self.evidence_unreadable(&error);
        }
        self.queued.push_back(submission);
        self.at(0, Happening::Queued(self.life));
        Ok(())
    }

    /// Submits what waits to be, while the node takes any.
    pub(super) fn submit_queued(&mut self) -> Result<(), Stop> {
        while let Some(node) = &self.node
            && node.core.takes_submissions()
            && let Some(submission) = self.queued.pop_front()
        {
            self.step(Event::Submit(submission))?;
            self.at(0, Happening::Idle(self.life));
        }
        if !self.queued.is_empty() {
            self.at(MILLISECOND, Happening::Queued(self.life));
        }
        Ok(())
    }

    /// A run could not be written or merged: it is tried again. One that can't be read has been harmed.
    fn run_failed(&mut self, error: &RunError) -> Result<(), Stop> {
        self.note(&format!("a run is not made: {error}"));
        if matches!(error, RunError::Storage(_)) || self.media_harmed {
            return Ok(());
        }
        Err(Stop::Wrong(format!("promise 2: a run of duplicates is damaged: {error}")))
    }

    /// Nothing can be decided any more: an operator starts the node again. Where a run has been harmed that does not help,
    /// and it takes a backup to go on.
    pub(super) fn evidence_unreadable(&mut self, error: &RunError) -> Result<(), Stop> {
        self.note(&format!("evidence of duplicates can't be read: {error}"));
        if self.media_harmed && !matches!(error, RunError::Storage(_)) {
            return Err(Stop::Ended(Ending::Stopped(error.to_string())));
        }
        if is_off(&self.storage) || self.media_harmed {
            return self.after_failure();
        }
        Err(Stop::Wrong(format!("promise 2: evidence of duplicates can't be read: {error}")))
    }
}
