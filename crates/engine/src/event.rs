//! What goes into the step and what comes out of it.

use std::ops::Range;
use std::sync::Arc;

use journal::{Append, SealedFrame};
use ledger::{ActivationTable, Outcome, OutcomeEntry, RecordWriter, SealedRun};
use types::{BatchNumber, DigestKey, PrincipalNumber, Sequence};

use crate::question::{Answered, Question};
use crate::subscription::{Outbox, Questions, SubscriptionId};

/// Something that happened. `Ticket` stands for whoever waits for the answer.
#[derive(Debug)]
// Events are moved once, from a queue into the step; boxing frames would cost an allocation each.
#[allow(clippy::large_enum_variant)]
pub enum Event<Ticket> {
    /// Commands have come in. Only while [`crate::Core::takes_submissions`].
    Submit(Submission<Ticket>),
    /// A question has come in. Only while [`crate::Core::takes_submissions`], so that it stays behind what came before.
    Ask(Question, Ticket),
    /// Log time should move on although no command comes: what is old enough is to be forgotten.
    Tick,
    /// Someone listens from now on, or, if the outbox is known, anew.
    Subscribed(Arc<Outbox>),
    /// Someone who listens takes these questions from now on.
    QuestionsTaken(SubscriptionId, Questions),
    /// Someone listens no more.
    Unsubscribed(SubscriptionId),
    /// Whoever drives the step is to look around; to the step it is nothing.
    Nudge,
    /// Nothing else is waiting to be taken in at this moment: a frame may be sealed.
    Idle,
    /// The frame that was handed out has been written, or not.
    Written(SealedFrame, Append),
    /// No more will come in: finish what is there and stop.
    Stop,
}

/// Commands that enter one frame together, and who waits for their outcomes.
#[derive(Debug)]
pub struct Submission<Ticket> {
    pub(crate) commands: RecordWriter,
    pub(crate) ticket: Ticket,
    /// What is known already, if these are commands that are submitted again.
    pub(crate) held: Option<Box<Held>>,
}

/// The outcomes of a submission of which some are still to come.
#[derive(Debug)]
pub(crate) struct Held {
    /// Of all its commands.
    pub(crate) outcomes: Vec<Outcome>,
    /// The places of those that are to come, in the order of the commands that bring them.
    pub(crate) places: Vec<usize>,
}

impl Held {
    /// All outcomes, with these in their places.
    pub(crate) fn with(mut self, outcomes: &[Outcome]) -> Vec<Outcome> {
        assert!(outcomes.len() == self.places.len(), "every command that is submitted again has its outcome");
        for (place, outcome) in self.places.iter().zip(outcomes) {
            self.outcomes[*place] = *outcome;
        }
        self.outcomes
    }
}

/// A question whose answer may stand on disk.
#[derive(Debug)]
pub struct LookUp<Ticket> {
    /// The question.
    pub(crate) question: Question,
    /// The answer as the core knows it.
    pub(crate) answered: Answered,
    /// Payments up to here had left the core's table then.
    pub(crate) floor: Sequence,
    /// Who waits.
    pub(crate) ticket: Ticket,
}

impl<Ticket> LookUp<Ticket> {
    /// The answer, completed or not, and who waits for it.
    pub fn into_answer(self) -> (Ticket, Answered) {
        (self.ticket, self.answered)
    }
}

/// Something to be done.
#[derive(Debug)]
pub enum Action<Ticket> {
    /// Write this frame durably and report with [`Event::Written`].
    Write(SealedFrame),
    /// Tell the outcomes at this place of [`crate::Core::outcomes`].
    Reply(Ticket, Range<usize>),
    /// Tell an answer.
    Answer(Ticket, Answered),
    /// Complete an answer with what stands on disk ([`crate::Duplicates::complete`]), and tell it.
    LookUp(LookUp<Ticket>),
    /// Look these commands up once more ([`crate::Duplicates::look_up_again`], [`Submission::stamp_activation`]), and step
    /// with [`Event::Submit`]: payments have left the core's table since they were looked up, or other accounts take part.
    /// The ticket has been told nothing.
    AskAgain(Submission<Ticket>),
    /// Step with [`Event::Idle`] at this monotonic time, if nothing happens before.
    WakeAt(i64),
    /// Payments were settled whose confirmation leaves later than the scheme allows: raise an alarm.
    Late {
        /// How many.
        count: u64,
    },
    /// End the process: serving on could tell something that is not true.
    Halt(Halt),
    /// Everything that was taken in has been answered, and the log ends in a marker.
    Stopped,
}

/// Why the process must end.
#[derive(Debug, thiserror::Error)]
pub enum Halt {
    /// A write or sync failed; only a restart, which reads the disk, can tell what is there.
    #[error("batch {batch} could not be written: {error}; restart the node when the cause is mended")]
    Write {
        /// The frame.
        batch: BatchNumber,
        /// What the disk said.
        error: journal::StorageError,
    },
    /// Another node has claimed the log.
    #[error("another node has claimed the log with epoch {0}")]
    Fenced(types::Epoch),
    /// The log ends elsewhere than this node left it.
    #[error("the log ends at batch {0}, where this node did not leave it")]
    Conflict(BatchNumber),
    /// There is no room for what has been taken in.
    #[error("the log took no frame: {0}")]
    Refused(journal::Refusal),
    /// The texts of a frame can't be sealed.
    #[error(
        "there is no key for the personal data of {0}, although keys are made weeks ahead; restart the node"
    )]
    NoKey(types::Timestamp),
    /// A record that this node wrote itself does not read or apply.
    #[error("the node's own record does not apply: {0}")]
    Record(String),
}

impl<Ticket> Submission<Ticket> {
    /// No submission is larger, so that each fits into an empty frame beside the outcomes of the one before.
    pub const LENGTH_MAX: usize = journal::FRAME_LENGTH_MAX / 2 - 64 * 1024;
    /// Nor is one, with what is found on disk about its payments.
    pub const LENGTH_FOUND_MAX: usize = journal::FRAME_LENGTH_MAX / 2;

    /// Takes one command or more.
    ///
    /// Returns the commands if there are none, or they are larger than [`Self::LENGTH_MAX`]: send them in parts.
    pub fn new(commands: RecordWriter, ticket: Ticket) -> Result<Self, (RecordWriter, Ticket)> {
        // Every record brings an outcome entry into the next frame as well.
        let entries = usize::try_from(commands.count()).expect("32 bits") * OutcomeEntry::SIZE;
        let length = commands.length();
        assert!(!commands.needs().log, "the log's own records are written by the engine when the log begins");
        if commands.count() == 0 || length > Self::LENGTH_MAX || entries > Self::LENGTH_MAX {
            return Err((commands, ticket));
        }
        Ok(Self { commands, ticket, held: None })
    }

    /// The command that names a run of payments on disk.
    pub fn naming(run: &SealedRun, key: DigestKey, ticket: Ticket) -> Self {
        let mut commands = RecordWriter::new(key, PrincipalNumber(0));
        commands.seal_duplicates(run);
        Self { commands, ticket, held: None }
    }

    /// Writes into payments which of their accounts take no part by this table, for commands that are submitted again.
    pub fn stamp_activation(&mut self, table: &ActivationTable) {
        self.commands.stamp_activation(table);
    }

    /// Who waits.
    pub const fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    /// How many commands there are.
    pub const fn count(&self) -> u32 {
        self.commands.count()
    }
}
