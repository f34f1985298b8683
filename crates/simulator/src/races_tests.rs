//! Races between an answer and everything else, by hand: the real step and journal, one event at a time, with the
//! model beside them.
//!
//! Bank 0 is hosted and pays from account 0; bank 2 keeps its accounts itself and has to be asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{Action, ClockState, Event, FollowerSettings, Notice, Now, Outbox, Submission, Taken};
use journal::{Append, Fate, MemoryStorage, Prepared, SegmentSize, Space, Writer};
use ledger::{
    AccountKind, AccountMode, Answer, AnswerEffect, Connected, Direction, Kind, Ledger, LiquidityDirection,
    Outcome, OutcomeEntry, RULES_VERSION, Stage, Verdict,
};
use types::{PaymentState, Sequence, StatusReason, Timestamp};

use crate::auditor::Auditor;
use crate::banks::Link;
use crate::node::{Node, Start};
use crate::step::{Body, Pay, Request, Step};
use crate::traffic::later;
use crate::words::{IDENTITY, bic, commands, write};

const MILLISECOND: i64 = 1_000_000;
const SECOND: i64 = 1_000 * MILLISECOND;
const START: i64 = 1_770_000_000 * SECOND;
/// From a payment's acceptance to its deadline.
const EXPIRY: i64 = 7 * SECOND;
const REMOTE: u8 = 2;

/// A node, and all that is around it.
struct Table {
    storage: MemoryStorage,
    node: Option<Node>,
    auditor: Auditor,
    /// Whether the model follows: it takes its time with thousands of payments.
    is_audited: bool,
    now: Now,
    tickets: u32,
    waiting: BTreeMap<u32, Vec<Step>>,
    told: Vec<(Step, Outcome)>,
    /// The payments that the log tells have expired, in its order.
    expired: Vec<Sequence>,
    /// What bank 2 hears.
    outbox: Option<Arc<Outbox>>,
}

impl Table {
    fn new(is_audited: bool) -> Self {
        let wall = Timestamp::from_nanoseconds(START).unwrap();
        let mut table = Self {
            storage: MemoryStorage::new(),
            node: None,
            auditor: Auditor::of(RULES_VERSION),
            is_audited,
            now: Now { monotonic: 5 * SECOND, wall },
            tickets: 0,
            waiting: BTreeMap::new(),
            told: Vec::new(),
            expired: Vec::new(),
            outbox: None,
        };
        table.start();
        table.submit(world());
        table.write_all();
        table.advance(SECOND);
        table.write_all();
        table.told.clear();
        table
    }

    fn start(&mut self) {
        let segment_size = SegmentSize::new(4 << 20).unwrap();
        let journal = crate::node::open(&self.storage, segment_size, 1).unwrap();
        let start = Start {
            auditor: &mut self.auditor,
            identity: IDENTITY,
            now: self.now,
            begins_under: RULES_VERSION,
            following: FollowerSettings::default(),
            seal_marks: None,
            whole: None,
        };
        let started = start.run(journal);
        self.node = Some(started.expect("nothing is wrong with its disk"));
        let log_time = self.log_time();
        self.auditor.serves(log_time);
        // Bank 2 connects at once.
        let (outbox, _) = Link::outbox(1, REMOTE, 4096);
        self.outbox = Some(Arc::clone(&outbox));
        self.step(Event::Subscribed(outbox));
        self.auditor.connected(REMOTE);
    }

    /// The machine stops and starts again; what was not synced is lost.
    fn lose_power(&mut self) {
        self.node = None;
        self.waiting.clear();
        self.storage = self.storage.after_power_loss(&mut |_| Fate::Lose);
        self.start();
    }

    fn node(&mut self) -> &mut Node {
        self.node.as_mut().unwrap()
    }

    fn ledger(&self) -> &Ledger {
        self.node.as_ref().unwrap().core.ledger()
    }

    fn log_time(&mut self) -> Timestamp {
        let now = self.now;
        self.node().core.clock().clone().read(now)
    }

    /// Both clocks go on, and the node looks at them as often as it does.
    fn advance(&mut self, span: i64) {
        let mut left = span;
        while left > 0 {
            let step = left.min(100 * MILLISECOND);
            left -= step;
            self.now = Now { monotonic: self.now.monotonic + step, wall: later(self.now.wall, step) };
            let now = self.now;
            self.node().core.follow_clock(now);
        }
    }

    /// To this long after this log time, or before it.
    fn advance_to(&mut self, time: Timestamp, offset: i64) {
        let span = time.nanoseconds() + offset - self.log_time().nanoseconds();
        self.advance(span);
        assert_eq!(self.log_time(), later(time, offset));
    }

    fn submit(&mut self, steps: Vec<Step>) {
        let mut writer = commands();
        steps.iter().for_each(|step| write(&mut writer, step));
        for (record, step) in writer.split().zip(&steps) {
            self.auditor.sent(record, step);
        }
        self.tickets += 1;
        let submission = Submission::new(writer, self.tickets).unwrap();
        self.waiting.insert(self.tickets, steps);
        self.step(Event::Submit(submission));
    }

    fn step(&mut self, event: Event<u32>) {
        let now = self.now;
        let mut actions = Vec::new();
        self.node().core.step(event, now, &mut actions);
        let outcomes = self.node().core.outcomes().to_vec();
        for action in actions {
            match action {
                Action::Write(frame) => self.node().held = Some(frame),
                Action::Reply(ticket, range) => {
                    let steps = self.waiting.remove(&ticket).unwrap();
                    for (step, outcome) in steps.into_iter().zip(&outcomes[range]) {
                        if self.is_audited {
                            self.auditor.told(&step, outcome).unwrap();
                        }
                        self.told.push((step, *outcome));
                    }
                }
                Action::WakeAt(_) | Action::Late { .. } => {}
                Action::Answer(..)
                | Action::LookUp(_)
                | Action::AskAgain(_)
                | Action::Halt(_)
                | Action::Stopped => panic!("{action:?}"),
            }
        }
    }

    /// The frame that fills is sealed now.
    fn seal(&mut self) {
        self.step(Event::Idle);
        let log_time = self.log_time();
        let frame = self.node.as_ref().unwrap().held.as_ref().expect("there is a reason for a frame");
        self.auditor.sealed(frame, log_time).unwrap();
    }

    /// The frame that was sealed becomes durable; the node does not know yet.
    fn write(&mut self) {
        let node = self.node.as_mut().unwrap();
        let mut frame = node.held.take().unwrap();
        let written = node.writer.append(&mut frame);
        assert!(matches!(written, Append::Durable), "{written:?}");
        self.auditor.durable(&frame).unwrap();
        for entry in OutcomeEntry::read_all(frame.view().outcomes()).unwrap() {
            let state = (entry.kind(), entry.payment_state());
            if state == (Some(Kind::Payment), Some(PaymentState::Expired)) {
                self.expired.push(entry.sequence());
            }
        }
        node.written = Some((frame, written));
        while node.writer.space() != Space::Ample {
            let prepared = node.preparer.step();
            assert!(matches!(prepared, Prepared::Made { .. } | Prepared::Enough), "{prepared:?}");
        }
    }

    /// The node learns that its frame is durable, and applies it.
    fn apply(&mut self) {
        let (frame, written) = self.node().written.take().unwrap();
        if self.is_audited {
            self.auditor.apply_all().unwrap();
        }
        self.step(Event::Written(frame, written));
        if self.is_audited {
            let node = self.node.as_ref().unwrap();
            self.auditor.state(node.core.ledger()).unwrap();
        }
    }

    /// A frame, from sealing to applying.
    fn frame(&mut self) {
        self.seal();
        self.write();
        self.apply();
    }

    /// Frames until none is wanted at this time.
    fn write_all(&mut self) {
        loop {
            self.step(Event::Idle);
            if self.node().held.is_none() {
                return;
            }
            let log_time = self.log_time();
            self.auditor.sealed(self.node.as_ref().unwrap().held.as_ref().unwrap(), log_time).unwrap();
            self.write();
            self.apply();
        }
    }

    /// A payment to the remote bank, reserved and forwarded; says where it stands and when it expires.
    fn reserve(&mut self, id: u32) -> (Sequence, Timestamp) {
        let accepted = self.log_time();
        self.submit(vec![pay(id, REMOTE, accepted)]);
        self.frame();
        let outcome = self.told.last().unwrap().1;
        assert_eq!(state(&outcome), Some(PaymentState::Reserved));
        assert_eq!(self.open(), [outcome.sequence]);
        (outcome.sequence, later(accepted, EXPIRY))
    }

    /// The payments that the remote bank is asked about.
    fn open(&self) -> Vec<Sequence> {
        let open = self.ledger().open_questions(bic(REMOTE), None, usize::MAX).unwrap();
        open.questions.iter().map(|question| question.payment).collect()
    }

    /// What the last answer came to.
    fn answered(&self) -> (AnswerEffect, Option<PaymentState>, Option<String>) {
        let Verdict::Answer { effect, state, reason, .. } = self.told.last().unwrap().1.verdict else {
            panic!("{:?}", self.told.last())
        };
        (effect, state, reason.map(|code| code.to_string()))
    }

    /// Nothing waits, and nothing is set aside.
    fn is_at_rest(&self) -> bool {
        let ledger = self.ledger();
        let reserved = ledger.accounts().any(|(_, account)| account.reserved() != 0);
        ledger.reservation_count() == 0 && ledger.next_due().is_none() && !reserved
    }
}

fn world() -> Vec<Step> {
    let register = |bank, mode| Request::Register { bank, mode, currency: 0 };
    let (direction, kind) = (LiquidityDirection::Fund, AccountKind::Current);
    let open = |account| Request::Open { bank: 0, account, currency: 0, kind, floor: 0 };
    let bodies = [
        register(0, AccountMode::Hosted),
        register(REMOTE, AccountMode::Remote),
        Request::Move { bank: 0, currency: 0, direction, amount: 10_000_000, reference: 0 },
        open(0),
        open(1),
        Request::Post { account: 0, currency: 0, direction: Direction::Credit, amount: 10_000_000 },
    ];
    (1..).zip(bodies).map(|(id, body)| Step::Request { id, body }).collect()
}

/// A payment of one euro to an account of this bank.
fn pay(id: u32, creditor_bank: u8, accepted: Timestamp) -> Step {
    let body = Body {
        creditor_bank,
        debtor: 0,
        creditor: 1,
        amount: 100,
        currency: 0,
        remittance: 0,
        accepted: Some(accepted),
    };
    let connected = Connected::default();
    Step::Pay(Pay {
        debtor_bank: 0,
        id,
        body,
        stamped: accepted,
        message: 0,
        connected,
        hints: [0; 2],
        order: Sequence(0),
    })
}

fn accept(payment: Sequence) -> Step {
    Step::Answer { payment, bank: REMOTE, stage: Stage::Credit, answer: Answer::Accept }
}

fn state(outcome: &Outcome) -> Option<PaymentState> {
    if let Verdict::Payment { state, .. } = outcome.verdict { Some(state) } else { None }
}

fn late() -> (AnswerEffect, Option<PaymentState>, Option<String>) {
    (AnswerEffect::Late, Some(PaymentState::Expired), Some("TM01".to_owned()))
}

fn settled(effect: AnswerEffect) -> (AnswerEffect, Option<PaymentState>, Option<String>) {
    (effect, Some(PaymentState::Settled), None)
}

#[test]
fn an_answer_at_the_deadlines_very_millisecond() {
    let applied = settled(AnswerEffect::Applied);
    let cases = [
        (-MILLISECOND, applied.clone()),
        (-1, applied),
        (0, late()),
        (1, late()),
        (MILLISECOND - 1, late()),
        (MILLISECOND, late()),
    ];
    for (offset, expected) in cases {
        let mut table = Table::new(true);
        let (payment, deadline) = table.reserve(1);
        table.advance_to(deadline, offset);
        table.submit(vec![accept(payment)]);
        table.frame();
        assert_eq!(table.answered(), expected, "{offset} ns after the deadline");
        assert!(table.is_at_rest());
    }
}

/// Neither the moment of arrival decides nor the moment at which the disk has it, but the moment of sealing.
#[test]
fn an_answer_that_waits_is_judged_when_its_frame_is_sealed() {
    let mut table = Table::new(true);
    let (payment, deadline) = table.reserve(1);
    table.advance_to(deadline, -MILLISECOND);
    table.submit(vec![accept(payment)]);
    table.advance(MILLISECOND);
    table.frame();
    assert_eq!(table.answered(), late());

    let (payment, deadline) = table.reserve(2);
    table.advance_to(deadline, -1);
    table.submit(vec![accept(payment)]);
    table.seal();
    table.advance(20 * SECOND);
    table.write();
    table.apply();
    assert_eq!(table.answered(), settled(AnswerEffect::Applied), "what was sealed in time stands");
    assert!(table.told.last().unwrap().1.late, "and is told late");
    table.submit(vec![accept(payment)]);
    table.frame();
    assert_eq!(table.answered(), settled(AnswerEffect::Double));
}

#[test]
fn an_answer_after_a_restart() {
    let mut table = Table::new(true);
    let (payment, deadline) = table.reserve(1);
    table.advance(2 * SECOND);
    table.lose_power();
    assert_eq!(table.open(), [payment], "it is asked again");
    assert_eq!(table.ledger().open_question(payment).unwrap().answer_by, deadline);

    // A crash takes the answer's frame before it is durable: nothing has happened.
    table.submit(vec![accept(payment)]);
    table.seal();
    table.lose_power();
    assert_eq!(table.open(), [payment]);

    // A crash between durable and told: it has happened, and whoever asks again learns of it.
    table.submit(vec![accept(payment)]);
    table.seal();
    table.write();
    table.lose_power();
    assert!(table.is_at_rest());
    table.submit(vec![accept(payment)]);
    table.frame();
    assert_eq!(table.answered(), settled(AnswerEffect::Double));
}

#[test]
fn a_restart_that_takes_longer_than_the_deadline() {
    let mut table = Table::new(true);
    let (payment, deadline) = table.reserve(1);
    table.node = None;
    let span = deadline.since(table.now.wall).nanoseconds() + MILLISECOND;
    table.now = Now { monotonic: 0, wall: later(table.now.wall, span) };
    table.lose_power();
    assert!(table.is_at_rest(), "the first frame of its new life ends it");
    table.submit(vec![accept(payment)]);
    table.frame();
    assert_eq!(table.answered(), late());
    assert_eq!(table.expired, [payment], "and the log tells it once");
}

/// Log time follows the monotonic clock, and a wall clock that is off only by 500 parts in a million.
#[test]
fn the_wall_clock_steps_while_a_payment_is_reserved() {
    for step in [-3600 * SECOND, -2 * SECOND, 2 * SECOND, 3600 * SECOND] {
        let mut table = Table::new(true);
        let (answered, _) = table.reserve(1);
        table.now.wall = later(table.now.wall, step);
        table.advance(EXPIRY - 4 * MILLISECOND);
        let now = table.now;
        assert_eq!(table.node().core.follow_clock(now), ClockState::Apart, "nothing new is taken meanwhile");
        assert_eq!(table.open(), [answered]);
        table.submit(vec![accept(answered)]);
        table.frame();
        assert_eq!(table.answered(), settled(AnswerEffect::Applied), "a step of {step} ns");

        table.now.wall = later(table.now.wall, -step);
        table.advance(SECOND);
        let (silent, deadline) = table.reserve(2);
        table.now.wall = later(table.now.wall, step);
        table.advance(EXPIRY - 4 * MILLISECOND);
        assert!(table.log_time() < deadline);
        table.advance(8 * MILLISECOND);
        assert!(table.log_time() >= deadline);
        table.write_all();
        assert!(table.is_at_rest(), "a step of {step} ns");
        table.advance(SECOND);
        table.write_all();
        assert_eq!(table.expired, [silent]);
    }
}

/// A new life reads the wall clock, but never falls behind its log.
#[test]
fn the_wall_clock_steps_before_a_restart() {
    for (step, is_open) in [(-3600 * SECOND, true), (3600 * SECOND, false)] {
        let mut table = Table::new(true);
        let (payment, deadline) = table.reserve(1);
        table.now.wall = later(table.now.wall, step);
        table.lose_power();
        assert_eq!(!table.open().is_empty(), is_open, "a step of {step} ns");
        let expected = if is_open { settled(AnswerEffect::Applied) } else { late() };
        assert_eq!(table.log_time() < deadline, is_open);
        table.submit(vec![accept(payment)]);
        table.frame();
        assert_eq!(table.answered(), expected);
        assert!(table.is_at_rest());
    }
}

/// A machine that is suspended for longer than payments are remembered: what waited ends, and is still there to be told.
#[test]
fn a_pause_of_six_days_while_a_payment_is_reserved() {
    let mut table = Table::new(true);
    let (payment, _) = table.reserve(1);
    let span = 6 * 86_400 * SECOND;
    table.now = Now { monotonic: table.now.monotonic + span, wall: later(table.now.wall, span) };
    table.write_all();
    assert!(table.is_at_rest());
    let mut heard = Vec::new();
    let taken = table.outbox.as_ref().unwrap().take(10, &mut heard);
    assert!(matches!(taken, Taken::Given { more: false, .. }), "{taken:?}");
    let [.., Notice::Asked { .. }, Notice::Outcome { outcome, payment: told, .. }] = &heard[..] else {
        panic!("{heard:?}")
    };
    assert_eq!((outcome.sequence, state(outcome)), (payment, Some(PaymentState::Expired)));
    assert_eq!(told.state(), PaymentState::Expired);
}

/// The disk stalls for 20 s with ten thousand payments open: all of them expire in the order of their deadlines, what
/// is set aside returns to zero, and new payments settle in the very frames in which they do.
#[test]
fn ten_thousand_expire_after_a_stall_while_payments_flow() {
    const OPEN: u32 = 10_000;
    let mut table = Table::new(false);
    let start = table.log_time();
    // They come in another order than they expire.
    let accepted = |id: u32| later(start, -i64::from(id * 7919 % 1000) * MILLISECOND);
    let ids: Vec<u32> = (0..OPEN).collect();
    for ids in ids.chunks(400) {
        table.submit(ids.iter().map(|id| pay(*id, REMOTE, accepted(*id))).collect());
        table.frame();
        table.advance(MILLISECOND);
    }
    let mut due: Vec<(Timestamp, Sequence)> = Vec::new();
    for ((step, outcome), id) in table.told.iter().zip(&ids) {
        assert_eq!((step, state(outcome)), (&pay(*id, REMOTE, accepted(*id)), Some(PaymentState::Reserved)));
        due.push((accepted(*id), outcome.sequence));
    }
    due.sort_unstable();
    assert_eq!(table.ledger().reservation_count(), due.len());
    table.told.clear();

    // The frame that stalls holds an answer in time; what comes meanwhile waits longer than it may.
    let answered = due.remove(due.len() / 2).1;
    table.submit(vec![accept(answered)]);
    table.seal();
    table.advance(10 * SECOND);
    let now = table.log_time();
    table.submit(vec![pay(OPEN, 0, now)]);
    table.advance(10 * SECOND);
    table.write();
    table.apply();
    assert_eq!(table.answered(), settled(AnswerEffect::Applied));

    table.told.clear();
    let mut frames = 0;
    while !table.is_at_rest() {
        frames += 1;
        let now = table.log_time();
        table.submit(vec![pay(OPEN + frames, 0, now), accept(answered)]);
        table.frame();
        table.advance(MILLISECOND);
    }
    assert_eq!(frames, 3, "4096 a frame");
    let told: Vec<Outcome> = table.told.iter().map(|(_, outcome)| *outcome).collect();
    let (behind, others): (Vec<Outcome>, Vec<Outcome>) =
        told.into_iter().partition(|told| told.accepted == now);
    let reason = Some(StatusReason::TimeoutCreditorAgent.code());
    let rejected = Verdict::Payment { state: PaymentState::Rejected, reason, repeat_of: None };
    assert_eq!(behind.iter().map(|told| told.verdict).collect::<Vec<_>>(), [rejected], "it waited too long");
    for told in others.chunks(2) {
        assert_eq!(state(&told[0]), Some(PaymentState::Settled), "{:?}", told[0]);
    }
    table.advance(SECOND);
    table.write_all();
    let expected: Vec<_> = due.into_iter().map(|(_, sequence)| sequence).collect();
    assert!(table.expired == expected, "the log tells each once, in the order of deadlines");
    table.ledger().validate();
    let totals = table.ledger().payment_totals();
    assert_eq!((totals.settled, totals.rejected, totals.expired), (4, 1, u64::from(OPEN - 1)));
}
