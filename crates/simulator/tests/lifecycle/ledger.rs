//! What frames of the log come to: one payment of one euro to a bank that has to be asked.
//!
//! Invariant: a ledger changes by whole frames and depends on nothing else.

use crate::Flaw;

/// How a payment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Final {
    Settled,
    Rejected,
    Expired,
}

impl Final {
    pub(crate) const ALL: [Self; 3] = [Self::Settled, Self::Rejected, Self::Expired];

    pub(crate) const fn number(self) -> u16 {
        match self {
            Self::Settled => 0,
            Self::Rejected => 1,
            Self::Expired => 2,
        }
    }
}

/// Where the payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Payment {
    Unknown,
    Reserved,
    Ended(Final),
}

/// Where the question to the payee's bank stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Question {
    NotAsked,
    Open,
    Accepted,
    Rejected,
    Silent,
}

/// A command in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Command {
    Pay,
    /// The answer of the payee's bank.
    Answer {
        accepts: bool,
    },
    /// A bank accepts that was not asked.
    StrangerAccepts,
}

/// What is written at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Frame {
    pub(crate) commands: [Option<Command>; 2],
    /// Whether the deadline has passed by the frame's time.
    pub(crate) is_late: bool,
    /// Whether it had passed when the frame was sealed: the same, unless the frame is stamped wrongly.
    pub(crate) was_sealed_late: bool,
    /// Whether the frame's tick, which ends a bounded number of payments, comes as far as this one.
    pub(crate) sweeps: bool,
    /// Whether the payee's bank counts as connected.
    pub(crate) is_connected: bool,
}

/// What somebody is to hear of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The payee's bank is to be asked.
    Asked,
    /// The payment has ended: for whoever waits for it.
    Ended(Final),
    /// The payer's bank has sent the payment again and gets this answer.
    Repeated(Final),
    /// The payer's bank has sent the payment, and its answer follows when it ends.
    Waits,
    /// The payee's bank has answered too late, twice, or otherwise than before, and is told what is true.
    Reported(Final),
}

/// What the log comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ledger {
    pub(crate) payment: Payment,
    pub(crate) question: Question,
    /// Euros on the payer's side, those included that are set aside.
    pub(crate) payer: u8,
    pub(crate) reserved: u8,
    /// Euros on the payee's side.
    pub(crate) payee: u8,
    /// Whether the payment settled in a frame that was sealed before the deadline.
    pub(crate) settled_in_time: Option<bool>,
}

impl Ledger {
    pub(crate) const EMPTY: Self = Self {
        payment: Payment::Unknown,
        question: Question::NotAsked,
        payer: 1,
        reserved: 0,
        payee: 0,
        settled_in_time: None,
    };

    /// Applies a frame: its time first, then its commands. Says what is to be heard, in order.
    pub(crate) fn apply(&mut self, frame: &Frame, flaw: Flaw) -> Vec<Effect> {
        let mut effects = Vec::new();
        if frame.is_late && frame.sweeps {
            self.end_if_due(frame, flaw, &mut effects);
        }
        for command in frame.commands.into_iter().flatten() {
            // Whoever touches a payment whose time is over finds it ended, whether a sweep has come to it or not.
            if flaw != Flaw::SweepOnlyExpiry {
                self.end_if_due(frame, flaw, &mut effects);
            }
            match command {
                Command::Pay => self.pay(frame, &mut effects),
                Command::Answer { accepts } => self.answer(accepts, frame, flaw, &mut effects),
                Command::StrangerAccepts if flaw == Flaw::AnyBankAnswers => {
                    self.answer(true, frame, flaw, &mut effects);
                }
                Command::StrangerAccepts => {}
            }
        }
        effects
    }

    fn end_if_due(&mut self, frame: &Frame, flaw: Flaw, effects: &mut Vec<Effect>) {
        if !frame.is_late || self.payment != Payment::Reserved {
            return;
        }
        self.question = Question::Silent;
        if flaw != Flaw::KeepReserved {
            self.reserved -= 1;
        }
        self.end(Final::Expired, effects);
    }

    fn pay(&mut self, frame: &Frame, effects: &mut Vec<Effect>) {
        match self.payment {
            Payment::Ended(how) => effects.push(Effect::Repeated(how)),
            Payment::Reserved => effects.push(Effect::Waits),
            Payment::Unknown => {
                effects.push(Effect::Waits);
                // Too late on arrival, or nobody there to be asked: refused before it is forwarded.
                if frame.is_late || !frame.is_connected {
                    return self.end(Final::Rejected, effects);
                }
                self.payment = Payment::Reserved;
                self.question = Question::Open;
                self.reserved += 1;
                effects.push(Effect::Asked);
            }
        }
    }

    fn answer(&mut self, accepts: bool, frame: &Frame, flaw: Flaw, effects: &mut Vec<Effect>) {
        let is_open = match self.question {
            Question::NotAsked => return,
            Question::Open => true,
            Question::Silent => flaw == Flaw::AnswerAfterExpiry,
            Question::Accepted | Question::Rejected => false,
        };
        if !is_open {
            let Payment::Ended(how) = self.payment else { return };
            let is_believed = flaw == Flaw::BelieveLateAnswer && accepts;
            return effects.push(Effect::Reported(if is_believed { Final::Settled } else { how }));
        }
        self.reserved = self.reserved.saturating_sub(1);
        if !accepts {
            self.question = Question::Rejected;
            return self.end(Final::Rejected, effects);
        }
        self.question = Question::Accepted;
        self.payer -= 1;
        self.payee += 1;
        self.settled_in_time = Some(!frame.was_sealed_late);
        self.end(Final::Settled, effects);
    }

    fn end(&mut self, how: Final, effects: &mut Vec<Effect>) {
        self.payment = Payment::Ended(how);
        effects.push(Effect::Ended(how));
    }

    /// What the payee's bank may be told of the payment's end: nothing if it was not asked, and nothing back if it was
    /// itself that rejected.
    pub(crate) fn told_to_payee(&self) -> Option<Final> {
        match (self.payment, self.question) {
            (Payment::Unknown | Payment::Reserved, _) => None,
            (Payment::Ended(_), Question::NotAsked | Question::Rejected) => None,
            (Payment::Ended(how), Question::Open | Question::Accepted | Question::Silent) => Some(how),
        }
    }
}
