//! Payments leave the core's table: what comes too late with what it knows of them comes again, and runs are made beside
//! everything else.

use engine::{Event, Submission};
use journal::RunError;
use ledger::{Outcome, RecordWriter};

use super::troubles::is_off;
use super::{Ending, Happening, MILLISECOND, Phase, Simulation, Stop, Waiting};
use crate::step::Step;
use crate::words::digest_key;

impl Simulation {
    /// Commands are looked up on disk, and arrive some time later.
    pub(super) fn look_up_and_hand_in(
        &mut self,
        mut writer: RecordWriter,
        sent: Vec<(usize, Step)>,
    ) -> Result<(), Stop> {
        let node = self.node.as_ref().expect("it takes commands");
        if let Err(error) = node.duplicates.look_up(&mut writer) {
            return Err(self.look_up_failed(&error));
        }
        if self.plan.look_up_max > MILLISECOND && self.random.happens(500) {
            let pause = self.pause(self.plan.look_up_max);
            self.at(pause, Happening::HandIn(self.life, writer, sent));
            return Ok(());
        }
        self.hand_in(writer, sent)
    }

    pub(super) fn hand_in(&mut self, writer: RecordWriter, sent: Vec<(usize, Step)>) -> Result<(), Stop> {
        if !self.takes() {
            return Ok(());
        }
        self.ticket += 1;
        self.note(&format!("ticket {} submits {sent:?}", self.ticket));
        let submission = Submission::new(writer, self.ticket).expect("a few commands fit a frame");
        self.waiting.insert(self.ticket, Waiting::Outcomes(sent));
        self.step(Event::Submit(submission))
    }

    /// Commands could not be decided: they are looked up again, and arrive some time later.
    pub(super) fn ask_again(&mut self, submission: Submission<u32>) {
        self.note(&format!("ticket {} comes again", submission.ticket()));
        self.undecided.insert(*submission.ticket());
        self.again.push(submission);
        let pause = self.pause(MILLISECOND);
        self.at(pause, Happening::Again(self.life));
    }

    pub(super) fn hand_in_again(&mut self) -> Result<(), Stop> {
        for mut submission in std::mem::take(&mut self.again) {
            if !self.takes() {
                self.again.push(submission);
                continue;
            }
            let node = self.node.as_ref().expect("it takes commands");
            if let Err(error) = node.duplicates.look_up_again(&mut submission) {
                return Err(self.look_up_failed(&error));
            }
            self.step(Event::Submit(submission))?;
        }
        if !self.again.is_empty() && self.node.is_some() && self.phase != Phase::Stopping {
            self.at(MILLISECOND, Happening::Again(self.life));
        }
        Ok(())
    }

    fn takes(&self) -> bool {
        let takes = self.node.as_ref().is_some_and(|node| node.core.takes_submissions());
        takes && self.phase != Phase::Stopping
    }

    /// A little of what makes runs.
    pub(super) fn seal(&mut self) -> Result<(), Stop> {
        self.name_run()?;
        let Some(node) = &mut self.node else { return Ok(()) };
        let ledger = node.core.ledger();
        let behind = ledger.sealed_runs().first().map_or(ledger.sealed_upto(), |run| run.after);
        let told = ledger.position().sequence;
        let made = node.sealer.listed_behind(behind).and_then(|()| match node.to_name {
            Some(_) => Ok(None),
            None => match node.handing.step(ledger, told) {
                Some(slice) => node.sealer.take(&slice).inspect_err(|_| node.handing.ended()),
                None => node.sealer.step(2),
            },
        });
        let mut most = 2 * MILLISECOND;
        match made {
            Ok(Some(run)) => node.to_name = Some(run),
            Ok(None) if !node.sealer.has_work() => return Ok(()),
            Ok(None) => {}
            Err(error) => {
                most = 500 * MILLISECOND;
                self.is_armed = false;
                self.note(&format!("no run is made: {error}"));
                if is_off(&self.storage) {
                    return self.lose_power();
                }
                if !matches!(error, RunError::Storage(_)) && !self.media_harmed {
                    return Err(Stop::Wrong(format!("a run is damaged, and nobody did it: {error}")));
                }
            }
        }
        let pause = self.pause(most);
        self.at(pause, Happening::Seal(self.life));
        Ok(())
    }

    /// Has the log name a run that is made.
    fn name_run(&mut self) -> Result<(), Stop> {
        if !self.takes() {
            return Ok(());
        }
        let Some(run) = self.node.as_mut().and_then(|node| node.to_name.take()) else { return Ok(()) };
        self.ticket += 1;
        self.note(&format!("ticket {} names {run:?}", self.ticket));
        self.waiting.insert(self.ticket, Waiting::Naming(run.number));
        self.step(Event::Submit(Submission::naming(&run, digest_key(), self.ticket)))
    }

    pub(super) fn run_named(&mut self, number: u64, outcome: &Outcome) -> Result<(), Stop> {
        let is_named = self.auditor.run_named(outcome)?;
        self.note(&format!("run {number} is named: {is_named}"));
        let node = self.node.as_mut().expect("a node that replies is there");
        let is_new = node.sealer.is_new(number);
        let tidied = node.sealer.named(number, is_named);
        if is_new {
            node.handing.ended();
        }
        if let Err(error) = tidied {
            // If the machine has lost power, the log's next write finds out, when all that is to be told has been.
            self.note(&format!("a file of duplicates stays: {error}"));
            self.is_armed = false;
        }
        Ok(())
    }

    /// A run can't be read: the node answers no more.
    pub(super) fn look_up_failed(&mut self, error: &RunError) -> Stop {
        self.note(&format!("duplicates can't be looked up: {error}"));
        match self.media_harmed {
            true => Stop::Ended(Ending::Stopped(error.to_string())),
            false => Stop::Wrong(format!("duplicates can't be looked up, and nobody did harm: {error}")),
        }
    }
}
