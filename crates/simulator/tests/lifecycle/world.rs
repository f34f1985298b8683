//! Two banks, a node that can crash, its disk, and a network that promises nothing.
//!
//! What was said once can arrive any number of times, at any time, or never: so losing, doubling, delaying and
//! overtaking need no actions of their own, and the state space is finite without a bound on messages, restarts or
//! retries.
//!
//! Invariant: a state is small and has one form; what can make no difference any more is not in it.

use stateright::{Model, Property};

use crate::ledger::{Command, Effect, Final, Frame, Ledger, Payment, Question};
use crate::{Flaw, promises};

/// Something that one says to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Message {
    /// The payer's bank: this payment, again or for the first time.
    Pay,
    /// The payer's bank: what became of it?
    Enquiry,
    /// The payee's bank answers.
    Answer { accepts: bool },
    /// A bank that was not asked accepts.
    StrangerAccepts,
    /// The node to the payee's bank: here is a payment.
    Ask,
    /// The node to the payer's bank: this became of it.
    ToPayer(Final),
    /// The node to the payee's bank: this became of it.
    ToPayee(Final),
    /// The node to the payee's bank: your answer changes nothing, and this is what is true.
    Report(Final),
}

/// A set of messages.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Messages(u16);

/// Whether the payee's bank is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Connection {
    Connected,
    /// It was until a moment ago, or the node has just started: it still counts as connected and hears nothing.
    Grace,
    Offline,
}

/// One life of the node. All of it is lost in a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    /// What the frames that it has applied come to.
    pub(crate) ledger: Ledger,
    /// The frame that fills.
    pub(crate) filling: [Option<Command>; 2],
    /// Whether the deadline had passed when the frame that fills got its first command; only where that matters.
    opened_late: bool,
    /// The frame that is being written.
    pub(crate) writing: Option<Frame>,
    /// The frame that is durable and not yet applied.
    pub(crate) written: Option<Frame>,
    /// What is to be said.
    pub(crate) outbox: Messages,
    /// The payer's bank waits for the end.
    is_awaited: bool,
    pub(crate) connection: Connection,
}

/// Everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    /// What the log on the disk comes to.
    pub(crate) durable: Ledger,
    /// The first end that the log on the disk ever gave the payment.
    pub(crate) first_end: Option<Final>,
    pub(crate) node: Option<Node>,
    pub(crate) deadline_has_passed: bool,
    /// What was ever said.
    pub(crate) said: Messages,
}

/// Something that can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// A message reaches the node.
    Arrive(Message),
    /// The payee's bank decides, or thinks again.
    Answer { accepts: bool },
    /// The frame that fills is sealed.
    Seal { sweeps: bool },
    /// The frame that is being written becomes durable.
    Write,
    /// The node applies what is durable.
    Apply,
    /// The node says what it has to say.
    Tell(Message),
    /// The node crashes; the frame that was being written is on the disk or not.
    Crash { keeps: bool },
    /// The node starts and replays its log.
    Restart,
    /// The payee's bank connects, and hears what it may have missed.
    Connect,
    /// Its connection ends.
    Disconnect,
    /// It has been without connection for longer than the profile allows.
    EndGrace,
    /// The deadline passes.
    PassDeadline,
}

/// The lifecycle, with one mistake or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifecycle {
    pub(crate) flaw: Flaw,
}

impl Message {
    const ALL: [Self; 15] = [
        Self::Pay,
        Self::Enquiry,
        Self::Answer { accepts: true },
        Self::Answer { accepts: false },
        Self::StrangerAccepts,
        Self::Ask,
        Self::ToPayer(Final::Settled),
        Self::ToPayer(Final::Rejected),
        Self::ToPayer(Final::Expired),
        Self::ToPayee(Final::Settled),
        Self::ToPayee(Final::Rejected),
        Self::ToPayee(Final::Expired),
        Self::Report(Final::Settled),
        Self::Report(Final::Rejected),
        Self::Report(Final::Expired),
    ];

    const fn bit(self) -> u16 {
        1 << match self {
            Self::Pay => 0,
            Self::Enquiry => 1,
            Self::Answer { accepts: true } => 2,
            Self::Answer { accepts: false } => 3,
            Self::StrangerAccepts => 4,
            Self::Ask => 5,
            Self::ToPayer(how) => 6 + how.number(),
            Self::ToPayee(how) => 9 + how.number(),
            Self::Report(how) => 12 + how.number(),
        }
    }

    /// What a message to the node asks of the log.
    const fn command(self) -> Option<Command> {
        match self {
            Self::Pay => Some(Command::Pay),
            Self::Answer { accepts } => Some(Command::Answer { accepts }),
            Self::StrangerAccepts => Some(Command::StrangerAccepts),
            Self::Enquiry | Self::Ask | Self::ToPayer(_) | Self::ToPayee(_) | Self::Report(_) => None,
        }
    }
}

impl Messages {
    pub(crate) fn has(self, message: Message) -> bool {
        self.0 & message.bit() != 0
    }

    pub(crate) fn add(&mut self, message: Message) {
        self.0 |= message.bit();
    }

    fn take(&mut self, message: Message) {
        self.0 &= !message.bit();
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Message> {
        Message::ALL.into_iter().filter(move |message| self.has(*message))
    }
}

impl std::fmt::Debug for Messages {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}

impl Node {
    /// A life begins with what the log says, and with every bank just disconnected.
    fn start(durable: Ledger, flaw: Flaw) -> Self {
        let forgets = flaw == Flaw::LoseReservationsOnRestart && durable.payment == Payment::Reserved;
        Self {
            ledger: if forgets { Ledger::EMPTY } else { durable },
            filling: [None; 2],
            opened_late: false,
            writing: None,
            written: None,
            outbox: Messages::default(),
            is_awaited: false,
            connection: Connection::Grace,
        }
    }

    /// A message comes in: a command enters the frame that fills, a question is answered or waits for the end.
    fn receive(&mut self, message: Message, deadline_has_passed: bool, flaw: Flaw) {
        let Some(command) = message.command() else {
            match self.ledger.payment {
                Payment::Ended(how) => self.outbox.add(Message::ToPayer(how)),
                Payment::Reserved => self.is_awaited = true,
                Payment::Unknown => {}
            }
            return;
        };
        let place = usize::from(self.filling[0].is_some());
        assert!(self.filling[place].is_none(), "only while there is room");
        if place == 0 && flaw == Flaw::StampAtOpening {
            self.opened_late = deadline_has_passed;
        }
        self.filling[place] = Some(command);
    }

    fn seal(&mut self, sweeps: bool, deadline_has_passed: bool, flaw: Flaw) {
        let frame = Frame {
            commands: std::mem::take(&mut self.filling),
            is_late: if flaw == Flaw::StampAtOpening { self.opened_late } else { deadline_has_passed },
            was_sealed_late: deadline_has_passed,
            sweeps,
            // It matters for a new payment only.
            is_connected: self.connection != Connection::Offline || self.ledger.payment != Payment::Unknown,
        };
        self.opened_late = false;
        self.writing = Some(frame);
        let early = self.ledger.clone().apply(&frame, flaw);
        for effect in early {
            match (flaw, effect) {
                (Flaw::TellBeforeDurable, _) | (Flaw::ForwardBeforeDurable, Effect::Asked) => {
                    self.have_told(effect);
                }
                (_, _) => {}
            }
        }
    }

    fn apply(&mut self, frame: &Frame, flaw: Flaw) {
        for effect in self.ledger.apply(frame, flaw) {
            self.have_told(effect);
        }
    }

    /// Who is to hear of it: the payee's bank if it is connected, the payer's bank if it waits.
    fn have_told(&mut self, effect: Effect) {
        let is_connected = self.connection == Connection::Connected;
        match effect {
            Effect::Asked if is_connected => self.outbox.add(Message::Ask),
            Effect::Asked => {}
            Effect::Waits => self.is_awaited = true,
            Effect::Repeated(how) => self.outbox.add(Message::ToPayer(how)),
            Effect::Reported(how) => self.outbox.add(Message::Report(how)),
            Effect::Ended(how) => {
                if std::mem::take(&mut self.is_awaited) {
                    self.outbox.add(Message::ToPayer(how));
                }
                if let Some(how) = self.ledger.told_to_payee().filter(|_| is_connected) {
                    self.outbox.add(Message::ToPayee(how));
                }
            }
        }
    }

    /// The payee's bank connects: its open question from the state, the outcome from the log.
    fn connect(&mut self, flaw: Flaw) {
        self.connection = Connection::Connected;
        if self.ledger.question == Question::Open && flaw != Flaw::ForgetQuestionsOnConnect {
            self.outbox.add(Message::Ask);
        }
        if let Some(how) = self.ledger.told_to_payee() {
            self.outbox.add(Message::ToPayee(how));
        }
    }

    fn disconnect(&mut self) {
        self.connection = Connection::Grace;
        self.outbox.take(Message::Ask);
        Final::ALL.iter().for_each(|how| self.outbox.take(Message::ToPayee(*how)));
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for message in state.said.iter() {
            let is_enquiry = message == Message::Enquiry;
            if is_enquiry || message.command().is_some() && self.filling[1].is_none() {
                actions.push(Action::Arrive(message));
            }
        }
        let is_due = self.ledger.payment == Payment::Reserved && state.deadline_has_passed;
        if self.writing.is_none() && self.written.is_none() && (self.filling[0].is_some() || is_due) {
            actions.push(Action::Seal { sweeps: true });
            if is_due {
                actions.push(Action::Seal { sweeps: false });
            }
        }
        if self.writing.is_some() {
            actions.extend([Action::Write, Action::Crash { keeps: true }]);
        }
        if self.written.is_some() {
            actions.push(Action::Apply);
        }
        actions.push(Action::Crash { keeps: false });
        actions.extend(self.outbox.iter().map(Action::Tell));
        match self.connection {
            Connection::Connected => actions.push(Action::Disconnect),
            Connection::Grace | Connection::Offline => actions.push(Action::Connect),
        }
        if self.connection == Connection::Grace && self.ledger.payment == Payment::Unknown {
            actions.push(Action::EndGrace);
        }
    }
}

impl State {
    fn first() -> Self {
        let mut said = Messages::default();
        for message in [Message::Pay, Message::Enquiry, Message::StrangerAccepts] {
            said.add(message);
        }
        Self {
            durable: Ledger::EMPTY,
            first_end: None,
            node: Some(Node::start(Ledger::EMPTY, Flaw::None)),
            deadline_has_passed: false,
            said,
        }
    }

    fn has_become_durable(&mut self, frame: &Frame, flaw: Flaw) {
        self.durable.apply(frame, flaw);
        if let (Payment::Ended(how), None) = (self.durable.payment, self.first_end) {
            self.first_end = Some(how);
        }
    }

    /// What an action leads to.
    pub(crate) fn after(mut self, action: Action, flaw: Flaw) -> Self {
        let late = self.deadline_has_passed;
        let mut node = self.node;
        match (action, &mut node) {
            (Action::Answer { accepts }, _) => self.said.add(Message::Answer { accepts }),
            (Action::PassDeadline, _) => self.deadline_has_passed = true,
            (Action::Restart, node) => *node = Some(Node::start(self.durable, flaw)),
            (Action::Arrive(message), Some(node)) => node.receive(message, late, flaw),
            (Action::Seal { sweeps }, Some(node)) => node.seal(sweeps, late, flaw),
            (Action::Write, Some(node)) => {
                let frame = node.writing.take().expect("only while a frame is being written");
                self.has_become_durable(&frame, flaw);
                node.written = Some(frame);
            }
            (Action::Apply, Some(node)) => {
                let frame = node.written.take().expect("only while a frame is to be applied");
                node.apply(&frame, flaw);
            }
            (Action::Tell(message), Some(node)) => {
                node.outbox.take(message);
                self.said.add(message);
            }
            (Action::Crash { keeps }, place) => {
                let writing = place.take().and_then(|node| node.writing);
                if let Some(frame) = writing.filter(|_| keeps) {
                    self.has_become_durable(&frame, flaw);
                }
            }
            (Action::Connect, Some(node)) => node.connect(flaw),
            (Action::Disconnect, Some(node)) => node.disconnect(),
            (Action::EndGrace, Some(node)) => node.connection = Connection::Offline,
            (_, None) => unreachable!("{action:?} is of a node that runs"),
        }
        self.node = node;
        self
    }
}

impl Model for Lifecycle {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::first()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        match &state.node {
            Some(node) => node.actions(state, actions),
            None => actions.push(Action::Restart),
        }
        if !state.deadline_has_passed {
            actions.push(Action::PassDeadline);
        }
        for accepts in [true, false] {
            let is_new = !state.said.has(Message::Answer { accepts });
            if state.said.has(Message::Ask) && is_new {
                actions.push(Action::Answer { accepts });
            }
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(state.after(action, self.flaw))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        promises::all()
    }
}
