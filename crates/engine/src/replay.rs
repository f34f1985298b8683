//! Replaying a log: the same frames through the same rules, each outcome compared with what was told.
//!
//! Recovery and `verify` use this, so the code that must work on the worst day runs on every day.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use journal::{FrameHeader, FrameView, VoidEntry};
use ledger::{
    Command, Kind, Ledger, Limits, Outcome, OutcomeEntry, OutcomeError, Position, RULES_VERSION, ReadAhead,
    RecordError, Records, ReplayError,
};
use types::{DigestKey, Incarnation, Sequence};

use crate::mutants::poison;
use crate::voids::Voids;

#[path = "replay_state.rs"]
mod state;

/// A log that contradicts itself or the rules. The node must not serve from it.
#[derive(Debug, thiserror::Error)]
pub enum Divergence {
    /// A record can't be read.
    #[error("the record at sequence {sequence} can't be read: {source}")]
    Record {
        /// Its position.
        sequence: Sequence,
        /// What is wrong.
        source: RecordError,
    },
    /// A record can't stand where it stands.
    #[error("the record at sequence {sequence} can't stand there: {source}")]
    Order {
        /// Its position.
        sequence: Sequence,
        /// What is wrong.
        source: ReplayError,
    },
    /// The frame says how many records it has, and has another number.
    #[error("the frame holds {found} records and says {expected}")]
    RecordCount {
        /// As the header says.
        expected: u32,
        /// As they were read.
        found: u32,
    },
    /// A frame of commands carries another life of the log than the one that its records have led to.
    #[error("the frame belongs to incarnation {found}, and its records to {expected}")]
    Incarnation {
        /// As the header says.
        found: Incarnation,
        /// As the records say.
        expected: Incarnation,
    },
    /// The frame was decided by rules that this program does not know.
    #[error("the frame was decided by version {0} of the rules: use the newer program that wrote it")]
    Rules(u32),
    /// The frame was decided by another version of the rules than the log had come to.
    #[error("the frame names version {found} of the rules where version {in_force} is in force")]
    RulesNotInForce {
        /// As the commands before it have it.
        in_force: u32,
        /// As the header says.
        found: u32,
    },
    /// The frame says how many outcomes it tells, and tells another number.
    #[error("the frame tells {found} outcomes and says {expected}")]
    OutcomeCount {
        /// As the header says.
        expected: u32,
        /// As they were read.
        found: usize,
    },
    /// An outcome entry can't be read.
    #[error("an outcome entry can't be read: {0}")]
    Entry(#[from] OutcomeError),
    /// An outcome was told that replay contradicts.
    #[error(
        "sequence {sequence} was told an outcome that replay contradicts: the rules or the log have changed"
    )]
    Outcome {
        /// The command's position.
        sequence: Sequence,
    },
    /// An outcome entry for a command that has not been decided.
    #[error("an outcome entry answers sequence {sequence}, which has no outcome to tell")]
    Unasked {
        /// The position it names.
        sequence: Sequence,
    },
    /// Applying a command, or a frame's tick, broke an invariant of this program.
    #[error("the replay dies at sequence {sequence}: applying it breaks an invariant of this program")]
    Poison {
        /// Its position; a frame's first one is its tick.
        sequence: Sequence,
        /// What kind of command it is; `None` if it is a tick or can't be read.
        kind: Option<Kind>,
    },
    /// The list of voided commands and the log do not agree.
    #[error("the list of voided commands and the log do not agree about sequence {sequence}")]
    Void {
        /// The voided command.
        sequence: Sequence,
    },
}

/// What a replay has gone through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayTotals {
    /// Frames.
    pub frames: u64,
    /// Commands.
    pub records: u64,
    /// Outcome entries that agreed with the replay.
    pub outcomes_checked: u64,
}

/// A ledger that is being rebuilt from frames.
#[derive(Debug)]
pub struct Replayer {
    ledger: Ledger,
    /// Outcomes that no frame has told yet, in the order of decision.
    untold: VecDeque<OutcomeEntry>,
    totals: ReplayTotals,
    voids: Voids,
    /// What is being applied, for whoever has to know what a replay died of.
    reached: (Sequence, Option<Kind>),
}

impl Replayer {
    /// Starts with an empty ledger.
    pub fn new(limits: Limits) -> Self {
        Self {
            ledger: Ledger::new(limits),
            untold: VecDeque::new(),
            totals: ReplayTotals::default(),
            voids: Voids::default(),
            reached: (Sequence(0), None),
        }
    }

    /// The same passing over these commands, which are voided. To be said before the first frame.
    #[must_use]
    pub fn passing_over(self, voids: Vec<VoidEntry>) -> Self {
        Self { voids: Voids::new(voids), ..self }
    }

    /// The same with the key of digests of a log that does not hold it itself, if there is one.
    pub fn with_digest_key(limits: Limits, key: Option<DigestKey>) -> Self {
        let mut replayer = Self::new(limits);
        key.into_iter().for_each(|key| replayer.set_digest_key(key));
        replayer
    }

    /// Gives the key of digests for a log that does not hold it itself, before its first record. No outcome depends on it.
    pub fn set_digest_key(&mut self, key: DigestKey) {
        self.ledger.set_digest_key(key);
    }

    /// Replays one frame: what it tells of earlier ones is compared, then its own commands are applied.
    ///
    /// # Errors
    /// See [`Divergence`]. After an error the replay can't go on.
    pub fn frame(&mut self, frame: &FrameView<'_>) -> Result<(), Divergence> {
        self.reached = (frame.header().first_sequence, None);
        let replayed = catch_unwind(AssertUnwindSafe(|| self.replay(frame)));
        // The panic's own message has been printed where it arose.
        replayed.unwrap_or_else(|_| {
            let (sequence, kind) = self.reached;
            Err(Divergence::Poison { sequence, kind })
        })
    }

    fn replay(&mut self, frame: &FrameView<'_>) -> Result<(), Divergence> {
        let header = frame.header();
        self.follow_rules(header.rules_version)?;
        self.voids.check(frame)?;
        self.compare(frame)?;
        let mut at = Position { sequence: header.first_sequence, time: header.time };
        self.ledger.reserve_for_frame(usize::try_from(header.record_count).unwrap_or(usize::MAX));
        self.ledger.tick(at);
        self.tell_decided();
        let mut found = 0;
        // No decision needs a text, so a sealed section is as good as an erased one.
        let records = Records::with_texts(frame.records(), frame.texts());
        let mut records = ReadAhead::new(records);
        while let Some(record) = records.next(|record| self.ledger.prefetch(record)) {
            at.sequence = at.sequence.next();
            let sequence = at.sequence;
            self.reached = (sequence, None);
            let record = record.map_err(|source| Divergence::Record { sequence, source })?;
            self.reached.1 = Some(record.command.kind());
            let outcome = match self.voids.passes_over(header, sequence) {
                true => self.ledger.apply_voided(at, &record),
                false => {
                    poison(&record);
                    self.ledger.apply(at, &record)
                }
            };
            let outcome = outcome.map_err(|source| Divergence::Order { sequence, source })?;
            if let Command::Void(void) = record.command {
                self.voids.logged(sequence, void)?;
            }
            self.tell_decided();
            self.untold.push_back(outcome.to_entry());
            found += 1;
        }
        if found != header.record_count {
            return Err(Divergence::RecordCount { expected: header.record_count, found });
        }
        self.check_life(header)?;
        self.voids.frame_ended(header)?;
        self.totals.frames += 1;
        self.totals.records += u64::from(found);
        Ok(())
    }

    /// What the last step decided beside its own outcome is to be told before that.
    fn tell_decided(&mut self) {
        let decided = self.ledger.decided().iter().chain(self.ledger.holds_told());
        self.untold.extend(decided.map(Outcome::to_entry));
    }

    /// The ledger as rebuilt so far.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What has been gone through so far.
    pub const fn totals(&self) -> ReplayTotals {
        self.totals
    }

    /// How many outcomes no frame has told yet: those of the last frames.
    pub fn untold_count(&self) -> usize {
        self.untold.len()
    }

    /// The list of voided commands, and what the log says of it.
    pub(crate) const fn voids(&self) -> &Voids {
        &self.voids
    }

    /// The ledger, and the outcomes that the next frames have to tell.
    pub fn finish(self) -> (Ledger, VecDeque<OutcomeEntry>) {
        (self.ledger, self.untold)
    }

    /// Until its first record says so, a life that a restore began shows in frames without records alone.
    fn check_life(&self, header: &FrameHeader) -> Result<(), Divergence> {
        let (found, expected) = (header.identity.incarnation, self.ledger.lives().last().incarnation);
        match header.record_count > 0 && found != expected {
            true => Err(Divergence::Incarnation { found, expected }),
            false => Ok(()),
        }
    }

    /// A log's first frame says under which version the log began; from there on the log itself says.
    fn follow_rules(&mut self, found: u32) -> Result<(), Divergence> {
        if found > RULES_VERSION {
            return Err(Divergence::Rules(found));
        }
        if self.ledger.position() == Position::default() && found > 0 {
            self.ledger.begin_under(found);
        }
        let in_force = self.ledger.rules_version();
        if found == in_force { Ok(()) } else { Err(Divergence::RulesNotInForce { in_force, found }) }
    }

    fn compare(&mut self, frame: &FrameView<'_>) -> Result<(), Divergence> {
        let told = OutcomeEntry::read_all(frame.outcomes())?;
        let expected = frame.header().outcome_count;
        if u32::try_from(told.len()) != Ok(expected) {
            return Err(Divergence::OutcomeCount { expected, found: told.len() });
        }
        for told in told {
            let sequence = told.sequence();
            let replayed = self.untold.pop_front().ok_or(Divergence::Unasked { sequence })?;
            if told.is_late() {
                self.ledger.mark_late(told.payment().unwrap_or(sequence));
            }
            if !replayed.agrees_with(&told) {
                return Err(Divergence::Outcome { sequence });
            }
            self.totals.outcomes_checked += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
