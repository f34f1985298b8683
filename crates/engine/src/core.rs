//! The step: one event in, actions out. No thread, no clock, no I/O.
//!
//! Commands are copied into the frame that is being filled. When the log is free the frame is sealed (it gets
//! its place, its time and the hash of the one before) and handed out to be written; meanwhile the next one
//! fills. A frame that has become durable is applied to the ledger, and only then are its commands answered.
//!
//! Invariants:
//! - `applied <= durable <= sealed`, and at most one frame lies between: the one that is being written.
//! - What a frame's commands came to is told in a later frame, in the order of decision.
//! - A question is answered after everything that was received before it has been applied.
//! - Log time is read when a frame is sealed, not when it is opened, so waiting counts against the deadline.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use journal::{Append, FrameBuilder, FrameKind, Identity, SealInput, SealedFrame, Tail};
use ledger::{Kind, Ledger, Outcome, OutcomeEntry, Position, ReadAhead, Records, Verdict};
use types::{BatchNumber, Duration, PaymentState, Sequence, Timestamp};

use crate::clock::{ClockState, LogClock, Now};
use crate::connections::Connections;
use crate::directory::Directory;
use crate::event::{Action, Event, Halt, Held, LookUp, Submission};
use crate::feed::Feed;
use crate::mutants::{Mutant, is_on, restarted};
use crate::question::{Answered, Question};
use crate::spacing::Spacing;
use crate::subscription::{Outbox, Questions, SubscriptionId};

/// What a core starts from: a ledger that has been rebuilt, and the end of the log that is claimed.
#[derive(Debug)]
pub struct CoreSetup {
    /// The ledger with every frame of the log applied.
    pub ledger: Ledger,
    /// Outcomes that the log does not tell yet.
    pub untold: VecDeque<OutcomeEntry>,
    /// The builder, with its buffers.
    pub builder: FrameBuilder,
    /// Whose log it is.
    pub identity: Identity,
    /// The log's end.
    pub tail: Tail,
    /// The clock, anchored.
    pub clock: LogClock,
    /// What the edges look up.
    pub directory: Arc<Directory>,
}

/// An empty frame follows this long after the last one, so that the last acknowledged command is never the
/// last thing in the log. A tick that someone waits for keeps the same distance, so that questions don't fill it.
const MARKER_AFTER: Duration = Duration::from_milliseconds(10);

/// How far apart frames are sealed for nothing but expiries, so that a node without traffic does not write one for
/// each. Payments that are due count as expired meanwhile.
const EXPIRY_DISTANCE: Duration = Duration::from_milliseconds(1);

/// The weight of questions that are answered between two looks at everything else: about a millisecond.
const WEIGHT_AT_ONCE: u64 = 1024;

/// What to do about the frame that is being filled.
enum Sealing {
    /// Seal it.
    Now(FrameKind),
    /// Look again at this monotonic time.
    At(i64),
    /// Nothing.
    Never,
    /// Everything has been done before a stop.
    Finished,
}

/// Who waits for commands of a frame.
#[derive(Debug)]
pub(crate) struct Waits<Ticket> {
    pub(crate) ticket: Ticket,
    /// How many commands there are.
    pub(crate) count: u32,
    /// What is known already, if the commands were submitted again.
    pub(crate) held: Option<Box<Held>>,
}

/// The step's state.
#[derive(Debug)]
pub struct Core<Ticket> {
    ledger: Ledger,
    builder: FrameBuilder,
    identity: Identity,
    /// The end of the log once the frame that is being written is durable.
    sealed: Tail,
    applied: BatchNumber,
    clock: LogClock,
    directory: Arc<Directory>,
    /// Who waits for the commands in the frame that is being filled.
    filling: Vec<Waits<Ticket>>,
    /// The same for the frame that is being written.
    writing: Vec<Waits<Ticket>>,
    /// A submission for which the frame that is being filled has no room.
    stalled: Option<Submission<Ticket>>,
    /// Questions, and the frame after which each may be answered.
    questions: VecDeque<(BatchNumber, Question, Ticket)>,
    /// What may still be answered before [`Event::Idle`].
    weight_left: u64,
    /// Questions that are answered when a reserved payment is decided.
    awaiting: BTreeMap<Sequence, Vec<(Question, Ticket)>>,
    feed: Feed,
    connections: Connections,
    /// What was decided for good by the frame applied last, of payments that had been reserved.
    finals: Vec<Outcome>,
    /// The last position before the node started.
    began_at: Sequence,
    /// Everything that was decided up to here is told by durable frames, and by the frame that is being written.
    told: [Sequence; 2],
    untold: VecDeque<OutcomeEntry>,
    /// Those of the commands of the frame applied last; behind them, whole submissions of which some came earlier.
    outcomes: Vec<Outcome>,
    /// Whether there is one among them that decided nothing.
    asks_again: bool,
    /// Someone waits for log time to move on, with or without commands.
    tick_wanted: bool,
    /// When the last frame was applied, on the monotonic clock.
    quiet_since: i64,
    spacing: Spacing,
    stopping: bool,
}

impl<Ticket> Core<Ticket> {
    /// Starts from a recovered ledger.
    pub fn new(mut setup: CoreSetup, now: Now) -> Self {
        assert!(setup.ledger.setup().is_some(), "the log's first record comes before everything else");
        let began_at = setup.ledger.position().sequence;
        let connections = Connections::new(setup.clock.read(now), setup.ledger.offline_grace());
        let mut core = Self {
            applied: setup.tail.batch,
            ledger: restarted(setup.ledger),
            builder: setup.builder,
            identity: setup.identity,
            sealed: setup.tail,
            clock: setup.clock,
            directory: setup.directory,
            filling: Vec::new(),
            writing: Vec::new(),
            stalled: None,
            questions: VecDeque::new(),
            weight_left: WEIGHT_AT_ONCE,
            awaiting: BTreeMap::new(),
            feed: Feed::default(),
            connections,
            finals: Vec::new(),
            began_at,
            told: [if setup.untold.is_empty() { began_at } else { Sequence(0) }; 2],
            untold: setup.untold,
            outcomes: Vec::new(),
            asks_again: false,
            tick_wanted: false,
            quiet_since: now.monotonic,
            spacing: Spacing::new(now.monotonic),
            stopping: false,
        };
        core.make_room();
        core
    }

    /// Takes one event and appends what is to be done.
    pub fn step(&mut self, event: Event<Ticket>, now: Now, actions: &mut Vec<Action<Ticket>>) {
        match event {
            Event::Submit(submission) => self.take_in(submission),
            Event::Ask(question, ticket) => self.ask(question, ticket, now, actions),
            Event::Tick => self.tick_wanted = true,
            Event::Subscribed(outbox) => self.subscribe(outbox),
            Event::QuestionsTaken(id, questions) => self.take_questions(id, questions, now),
            Event::Unsubscribed(id) => self.unsubscribe(id, now),
            Event::Nudge => {}
            Event::Idle => self.look_around(now, actions),
            Event::Written(frame, Append::Durable) => self.apply(frame, now, actions),
            Event::Written(frame, failed) => actions.push(Action::Halt(halt(&frame, failed))),
            Event::Stop => self.stop(actions),
        }
        if matches!(actions.last(), Some(Action::Halt(_))) {
            return;
        }
        self.validate();
    }

    /// Nothing else is waiting: answers questions that were too many at once, and seals the frame.
    fn look_around(&mut self, now: Now, actions: &mut Vec<Action<Ticket>>) {
        self.weight_left = WEIGHT_AT_ONCE;
        self.answer(now, actions);
        self.seal(now, actions);
        if self.has_answer() {
            actions.push(Action::WakeAt(now.monotonic));
        }
    }

    /// Seals the frame if the log is free and there is a reason; otherwise says when to look again.
    ///
    /// Submissions and questions come in bursts, so this waits for the end of one.
    fn seal(&mut self, now: Now, actions: &mut Vec<Action<Ticket>>) {
        if self.is_writing() {
            return;
        }
        let log_time = self.clock.read(now);
        let kind = match self.sealing(now, log_time) {
            Sealing::Now(kind) => kind,
            Sealing::At(at) => return actions.push(Action::WakeAt(at)),
            Sealing::Never => return,
            Sealing::Finished => return actions.push(Action::Stopped),
        };
        self.tick_wanted = false;
        let opened = self.sealed.time.plus(NANOSECOND);
        let time = if is_on(Mutant::StampAtOpening) { opened } else { log_time.max(opened) };
        if !self.builder.personal().is_empty() && self.builder.key_of(time).is_none() {
            return actions.push(Action::Halt(Halt::NoKey(time)));
        }
        self.spacing.sealed(now.monotonic, self.builder.record_count(), self.builder.frame_length());
        self.connections.mark(self.builder.records_mut(), time);
        if self.untold.is_empty() {
            self.told[1] = self.ledger.position().sequence;
        }
        let rules_version = self.ledger.rules_version();
        let frame = seal_frame(&mut self.builder, self.identity, self.sealed, kind, time, rules_version);
        self.sealed = frame.tail();
        std::mem::swap(&mut self.filling, &mut self.writing);
        assert!(self.filling.is_empty(), "those who waited for the last frame have been answered");
        if is_on(Mutant::ForwardBeforeDurable) {
            let _ = self.decide(&frame, log_time);
        }
        actions.push(Action::Write(frame));
        self.make_room();
    }

    /// Whether a frame is to be sealed at this time, while the log is free.
    fn sealing(&self, now: Now, log_time: Timestamp) -> Sealing {
        let due = self.ledger.next_due().filter(|_| !self.stopping);
        // The last tick took as many as it may, and more are due.
        if due.is_some_and(|due| due <= self.sealed.time) {
            return Sealing::Now(FrameKind::Commands);
        }
        if self.builder.record_count() > 0 || self.stalled.is_some() {
            let wait_until = self.spacing.wait_until(now.monotonic, self.builder.frame_length());
            return match (wait_until, &self.stalled, self.stopping) {
                (Some(at), None, false) => Sealing::At(at),
                _ => Sealing::Now(FrameKind::Commands),
            };
        }
        let due_at = due.map(|due| match due <= log_time {
            // Expiries that follow each other closely share a frame.
            true => self.quiet_since + EXPIRY_DISTANCE.nanoseconds(),
            false => due.nanoseconds() - self.clock.offset(),
        });
        if due_at.is_some_and(|at| at <= now.monotonic) {
            return Sealing::Now(FrameKind::Commands);
        }
        let told =
            self.sealed.ends_in_marker() && self.untold.is_empty() && self.builder.outcome_count() == 0;
        let wants_marker = self.tick_wanted || !(told || is_on(Mutant::DropMarker));
        let marker_at = self.quiet_since + MARKER_AFTER.nanoseconds();
        match (wants_marker, due_at) {
            (true, _) if self.stopping || now.monotonic >= marker_at => {
                Sealing::Now(if self.tick_wanted { FrameKind::Commands } else { FrameKind::Marker })
            }
            (true, due_at) => Sealing::At(due_at.map_or(marker_at, |at| at.min(marker_at))),
            (false, _) if self.stopping && self.questions.is_empty() => Sealing::Finished,
            (false, Some(at)) => Sealing::At(at),
            (false, None) => Sealing::Never,
        }
    }

    /// Whether a submission can be taken now. If not, the next durable frame makes room.
    pub const fn takes_submissions(&self) -> bool {
        self.stalled.is_none()
    }

    /// When to look for what has come in, if it can wait where it is until then or until a frame has been written.
    /// Waking up for each of many small commands would cost more than they do.
    pub fn look_again_at(&self, now: Now) -> Option<i64> {
        self.spacing.look_again_at(now.monotonic)
    }

    /// The outcomes of the frame applied last, for [`Action::Reply`].
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// What the frame applied last decided for good of payments that had been reserved, in the order of decision.
    pub fn finals(&self) -> &[Outcome] {
        &self.finals
    }

    /// Everything that was decided up to this position is told by outcome entries of durable frames.
    pub const fn told(&self) -> Sequence {
        self.told[0]
    }

    /// The ledger as of the last durable frame.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The log's clock.
    pub const fn clock(&self) -> &LogClock {
        &self.clock
    }

    /// Lets the log's clock follow the machine's, and says whether it can be trusted. To be called at least every
    /// tenth of a second, so that an idle node's clock is slewed as gently as a busy one's.
    pub fn follow_clock(&mut self, now: Now) -> ClockState {
        self.clock.read(now);
        self.clock.state(now)
    }

    fn is_writing(&self) -> bool {
        self.sealed.batch != self.applied
    }

    fn take_in(&mut self, submission: Submission<Ticket>) {
        assert!(self.stalled.is_none(), "a submission is taken only when there is room");
        self.stalled = Some(submission);
        self.make_room();
    }

    /// Moves outcomes that are still to be told, then the submission that waits, into the frame.
    fn make_room(&mut self) {
        while let Some(entry) = self.untold.front() {
            if !self.builder.has_room(0, OutcomeEntry::SIZE, 0) {
                return;
            }
            self.builder.push_outcome(entry.as_bytes());
            self.untold.pop_front();
        }
        let Some(submission) = self.stalled.take() else { return };
        let commands = &submission.commands;
        if !self.builder.has_room(commands.records().len(), 0, commands.texts().len()) {
            self.stalled = Some(submission);
            return;
        }
        self.builder.push_records(commands.records(), commands.count());
        self.builder.push_personal(commands.texts());
        let count = commands.count();
        self.filling.push(Waits { ticket: submission.ticket, count, held: submission.held });
    }

    /// Tells an answer, or has it completed with what stands on disk.
    fn tell(&self, question: Question, ticket: Ticket, answered: Answered) -> Action<Ticket> {
        let floor = self.ledger.sealed_upto();
        match floor > Sequence(0) && answered.may_stand_on_disk() {
            true => Action::LookUp(LookUp { question, answered, floor, ticket }),
            false => Action::Answer(ticket, answered),
        }
    }

    fn ask(&mut self, question: Question, ticket: Ticket, now: Now, actions: &mut Vec<Action<Ticket>>) {
        assert!(self.stalled.is_none(), "nobody knows yet which frame takes the submission before it");
        let after = match self.builder.record_count() {
            0 => self.sealed.batch,
            _ => self.sealed.batch.next(),
        };
        self.questions.push_back((after, question, ticket));
        self.answer(now, actions);
        if self.has_answer() {
            actions.push(Action::WakeAt(now.monotonic));
        }
    }

    /// Whether there is a question whose frame has been applied.
    fn has_answer(&self) -> bool {
        self.questions.front().is_some_and(|(after, ..)| *after <= self.applied)
    }

    /// Answers the questions whose frame has been applied, as many as may be at once.
    fn answer(&mut self, now: Now, actions: &mut Vec<Action<Ticket>>) {
        while self.weight_left > 0 && self.has_answer() {
            let (_, question, ticket) = self.questions.pop_front().expect("there is a first question");
            self.weight_left = self.weight_left.saturating_sub(question.weight());
            let answered = self.answered(&question);
            if question.hinges_on_time(&answered, &self.ledger, self.clock.read(now)) {
                self.tick_wanted = true;
                self.questions.push_back((self.sealed.batch.next(), question, ticket));
            } else if let Some(payment) = question.waits_for(&answered).filter(|_| !self.stopping) {
                self.awaiting.entry(payment).or_default().push((question, ticket));
            } else {
                actions.push(self.tell(question, ticket, answered));
            }
        }
    }

    fn answered(&self, question: &Question) -> Answered {
        let mut answered = question.answer(&self.ledger);
        if is_on(Mutant::LoseOpenReservationsOnRestart) {
            answered.forget_questions(self.began_at);
        }
        answered
    }

    /// Answers those who wait for payments that the frame has decided.
    fn answer_awaiting(&mut self, actions: &mut Vec<Action<Ticket>>) {
        if self.awaiting.is_empty() {
            return;
        }
        for outcome in &self.finals {
            for (question, ticket) in self.awaiting.remove(&outcome.sequence).into_iter().flatten() {
                let answered = question.answer(&self.ledger);
                actions.push(self.tell(question, ticket, answered));
            }
        }
    }

    /// Forgets the questions that wait for the end of a payment and that nobody wants answered any more. Says how many.
    pub fn forget_waiting(&mut self, is_unwanted: impl Fn(&Ticket) -> bool) -> usize {
        let mut forgotten = 0;
        self.awaiting.retain(|_, waiting| {
            let before = waiting.len();
            waiting.retain(|(_, ticket)| !is_unwanted(ticket));
            forgotten += before - waiting.len();
            !waiting.is_empty()
        });
        forgotten
    }

    /// No more will come in: whoever waits for a final outcome is told how it stands.
    fn stop(&mut self, actions: &mut Vec<Action<Ticket>>) {
        self.stopping = true;
        for (question, ticket) in std::mem::take(&mut self.awaiting).into_values().flatten() {
            let answered = question.answer(&self.ledger);
            actions.push(self.tell(question, ticket, answered));
        }
    }

    fn subscribe(&mut self, outbox: Arc<Outbox>) {
        let interest = outbox.interest();
        if !self.feed.knows(outbox.id()) {
            self.connections.begin(&interest.banks, interest.questions);
        }
        self.feed.begin(outbox, self.ledger.position().sequence);
    }

    fn unsubscribe(&mut self, id: SubscriptionId, now: Now) {
        let Some((outbox, questions)) = self.feed.end(id) else { return };
        let grace = self.ledger.offline_grace();
        self.connections.end(&outbox.interest().banks, questions, self.clock.read(now), grace);
    }

    fn take_questions(&mut self, id: SubscriptionId, questions: Questions, now: Now) {
        let Some((outbox, before)) = self.feed.set_questions(id, questions) else { return };
        let banks = &outbox.interest().banks;
        // In this order, so that what stays never ends.
        self.connections.begin(banks, questions);
        self.connections.end(banks, before, self.clock.read(now), self.ledger.offline_grace());
    }

    /// Applies a durable frame and answers everyone who waited for it.
    fn apply(&mut self, frame: SealedFrame, now: Now, actions: &mut Vec<Action<Ticket>>) {
        let header = *frame.header();
        assert!(header.batch == self.sealed.batch, "frames become durable in order");
        let confirmed = self.clock.read(now);
        let late = match is_on(Mutant::ForwardBeforeDurable) {
            true => 0,
            false => match self.decide(&frame, confirmed) {
                Ok(late) => late,
                Err(halt) => return actions.push(Action::Halt(halt)),
            },
        };
        self.applied = header.batch;
        // A frame that decides nothing, such as the marker on an idle node, leaves nothing to tell.
        let is_all_told = self.untold.is_empty() && self.builder.outcome_count() == 0;
        self.told[0] = if is_all_told { self.ledger.position().sequence } else { self.told[1] };
        self.quiet_since = now.monotonic;
        self.reply(&frame, actions);
        self.builder.recycle(frame);
        if late > 0 {
            actions.push(Action::Late { count: late });
        }
        self.answer_awaiting(actions);
        self.answer(now, actions);
        self.make_room();
    }

    /// Decides the commands of a frame and lets those hear of it who listen. Says how many settlements were late.
    fn decide(&mut self, frame: &SealedFrame, confirmed: Timestamp) -> Result<u64, Halt> {
        let header = frame.header();
        let before = self.ledger.position().sequence;
        let view = frame.view();
        let mut at = Position { sequence: header.first_sequence, time: header.time };
        self.ledger.reserve_for_frame(usize::try_from(header.record_count).expect("32 bits"));
        self.ledger.tick(at);
        self.outcomes.clear();
        self.asks_again = false;
        self.finals.clear();
        let mut late = self.tell_decided(confirmed);
        let is_heard = !self.feed.is_idle();
        if is_heard {
            self.feed.ticked(&self.ledger);
        }
        let mut records = ReadAhead::new(Records::with_texts(view.records(), view.texts()));
        while let Some(record) = records.next(|record| self.ledger.prefetch(record)) {
            at.sequence = at.sequence.next();
            let applied = record.map_err(|error| error.to_string()).and_then(|record| {
                let outcome = self.ledger.apply(at, &record).map_err(|error| error.to_string())?;
                Ok((record, outcome))
            });
            let (record, mut outcome) = match applied {
                Ok(applied) => applied,
                Err(error) => return Err(Halt::Record(error)),
            };
            late += self.tell_decided(confirmed);
            late += u64::from(self.mark_if_late(&mut outcome, confirmed));
            self.directory.follow(&record, &outcome);
            if outcome.kind == Kind::SetActivation {
                self.directory.activations().set(self.ledger.activation_table());
            }
            if is_heard {
                self.feed.applied(&self.ledger, &record, &outcome);
            }
            if outcome.kind == Kind::Answer {
                self.finals.extend(outcome.decides());
            }
            self.asks_again |= outcome.verdict == Verdict::AskAgain;
            self.untold.push_back(outcome.to_entry());
            self.outcomes.push(outcome);
        }
        self.feed.deliver(before, at.sequence);
        Ok(late)
    }

    /// Lets the log tell what the ledger decided beside the outcome of its last step. Says how many were late.
    fn tell_decided(&mut self, confirmed: Timestamp) -> u64 {
        let mut late = 0;
        for index in 0..self.ledger.decided().len() {
            let mut outcome = self.ledger.decided()[index];
            if is_late(&self.ledger, &outcome, confirmed) {
                self.ledger.mark_decided_late(index);
                outcome.late = true;
                late += 1;
            }
            self.untold.push_back(outcome.to_entry());
            self.finals.push(outcome);
        }
        self.untold.extend(self.ledger.holds_told().iter().map(Outcome::to_entry));
        late
    }

    fn mark_if_late(&mut self, outcome: &mut Outcome, confirmed: Timestamp) -> bool {
        // A bank's answer may be what settles a payment.
        let answered = outcome.decides();
        let decided = answered.as_ref().unwrap_or(outcome);
        let is_late = is_late(&self.ledger, decided, confirmed);
        if is_late {
            self.ledger.mark_late(decided.sequence);
            outcome.late = true;
        }
        is_late
    }

    fn validate(&self) {
        assert!(self.applied <= self.sealed.batch, "a frame is applied after it was sealed");
        assert!(self.sealed.batch.0 - self.applied.0 <= 1, "one frame is being written at a time");
        assert!(self.is_writing() || self.writing.is_empty(), "nobody waits for a frame that is not there");
    }
}

/// Seals what the builder holds, to follow a frame that is durable. If there are texts, their key is at hand.
pub(crate) fn seal_frame(
    builder: &mut FrameBuilder,
    identity: Identity,
    previous: Tail,
    kind: FrameKind,
    time: Timestamp,
    rules_version: u32,
) -> SealedFrame {
    // A frame without texts needs no key.
    let personal_key = builder.key_of(time).unwrap_or(0);
    builder.seal(&SealInput {
        kind,
        identity,
        previous,
        time,
        rules_version,
        durable_mark: previous.batch,
        personal_key,
    })
}

/// The least by which a frame is later than the one before.
pub(crate) const NANOSECOND: Duration = match Duration::from_nanoseconds(1) {
    Some(nanosecond) => nanosecond,
    None => unreachable!(),
};

/// Whether a settlement's confirmation leaves after the last moment the scheme allows. The settlement stands.
fn is_late(ledger: &Ledger, outcome: &Outcome, confirmed: Timestamp) -> bool {
    let settled = Verdict::Payment { state: PaymentState::Settled, reason: None, repeat_of: None };
    outcome.verdict == settled && confirmed > ledger.confirmation_due(outcome.accepted)
}

fn halt(frame: &SealedFrame, failed: Append) -> Halt {
    match failed {
        Append::Durable => unreachable!("a durable frame is applied"),
        Append::Fenced { epoch } => Halt::Fenced(epoch),
        Append::Conflict { tail } => Halt::Conflict(tail.batch),
        Append::Refused(refusal) => Halt::Refused(refusal),
        Append::Unknown(error) => Halt::Write { batch: frame.header().batch, error },
    }
}

#[path = "core_replies.rs"]
mod replies;

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "core_time_tests.rs"]
mod time_tests;
