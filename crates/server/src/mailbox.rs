//! Answers from the core thread to the calls of one edge thread, with one wake-up for many of them.
//!
//! Waking a task of another thread costs a system call each time. So the core thread hands the answers of a whole
//! frame to one task, which wakes the calls of its own thread for next to nothing.
//!
//! The queue needs no limit of its own: an answer's place is taken before its command or question is submitted, and
//! the engine has a limit for each.

use engine::Answered;
use ledger::Outcome;
use tokio::sync::{mpsc, oneshot};

/// Where answers to the calls of one thread go.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox(mpsc::UnboundedSender<Letter>);

/// An answer, and who waits for it.
#[derive(Debug)]
// Outcomes are the common ones; a box would cost each of them an allocation.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Letter {
    /// What came of a command.
    Outcome(oneshot::Sender<Outcome>, Outcome),
    /// The answer to a question.
    Answer(oneshot::Sender<Answered>, Answered),
}

/// Letters that are taken out at a time.
const TAKEN_AT_ONCE: usize = 64;

impl Mailbox {
    /// Opens a mailbox whose letters are delivered by a task of this thread's runtime.
    pub(crate) fn open() -> Self {
        let (sender, mut letters) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut taken = Vec::with_capacity(TAKEN_AT_ONCE);
            while letters.recv_many(&mut taken, TAKEN_AT_ONCE).await > 0 {
                taken.drain(..).for_each(Letter::deliver);
            }
        });
        Self(sender)
    }

    /// Puts a letter in. If the thread has ended, nobody waits any more; what was decided stands.
    pub(crate) fn put(&self, letter: Letter) {
        let _ = self.0.send(letter);
    }
}

impl Letter {
    /// Nobody may be waiting any more; what was decided stands.
    fn deliver(self) {
        match self {
            Self::Outcome(waiting, outcome) => _ = waiting.send(outcome),
            Self::Answer(waiting, answered) => _ = waiting.send(answered),
        }
    }
}
