//! Whoever waits for the core thread, as the step carries them through without looking.

use std::fmt;

use crate::event::{Event, Submission};
use crate::handle::{AnswerSink, OutcomeSink};

/// Whoever waits for an answer from the core thread.
pub(crate) enum Ticket {
    /// For the outcomes of a submission.
    Outcomes {
        /// Who waits.
        sink: Box<dyn OutcomeSink>,
        /// Whether it is of answers of banks, which are counted apart.
        is_answers: bool,
        /// How many bytes the submission has.
        length: u64,
        /// When it was submitted, on the monotonic clock.
        received: i64,
    },
    /// For the answer to a question.
    Answer {
        /// Who waits.
        sink: Box<dyn AnswerSink>,
        /// 1 if the answer takes a walk over all accounts, else 0.
        walks: u64,
        /// How much it counts among the questions under way.
        weight: u64,
        /// Whether it may wait for the end of a payment; such questions are counted apart.
        is_final: bool,
    },
}

impl Ticket {
    /// Whether anybody still waits.
    pub(crate) fn is_wanted(&self) -> bool {
        match self {
            Self::Outcomes { .. } => true,
            Self::Answer { sink, .. } => sink.is_wanted(),
        }
    }
}

impl Event<Ticket> {
    /// Whether these are answers of banks.
    pub(crate) const fn is_answers(&self) -> bool {
        matches!(self, Self::Submit(Submission { ticket: Ticket::Outcomes { is_answers: true, .. }, .. }))
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Outcomes { .. } => "Ticket::Outcomes",
            Self::Answer { .. } => "Ticket::Answer",
        })
    }
}
