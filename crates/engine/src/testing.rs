//! A node for the engine's tests: the step and a journal in one thread, with the clocks in the test's hand.
//!
//! A frame that the step hands out is held until the test has it written, so that a test sees what is told before
//! and after. Tickets are numbers. The commands are of two hosted banks, A and B, and their accounts, and of bank C,
//! which keeps its accounts itself.

use std::sync::Arc;

use journal::{
    Append, FrameBuilder, FrameKind, Identity, Journal, MemoryJournal, SealInput, SealedFrame, Tail, Writer,
};
use ledger::{
    AccountKind, AccountMode, AccountSelector, AnswerPayment, Direction, Ledger, Limits, LiquidityDirection,
    OpenAccount, Outcome, ParticipantStatus, PostEntry, Profile, RecordWriter, RegisterParticipant,
    RequestId, SetAccountHolders, SetParticipantStatus, Stage, TransferLiquidity,
};
use types::{
    AccountNumber, Amount, Balance, BatchNumber, Bic, Channel, ClusterId, Currency, Date, DigestKey,
    Duration, Iban, Incarnation, MandatoryParts, Party, PaymentOrder, PrincipalNumber, ReasonCode, Sequence,
    Shard, Text, Timestamp,
};

use crate::{
    Action, Answered, Banks, Core, CoreSetup, Decisions, Directory, Event, Interest, LogClock, LogView,
    LookUp, Notice, Now, Outbox, Outcomes, Question, Questions, Replayer, Submission, SubscriptionId, Taken,
};

pub(crate) const LIMITS: Limits = Limits { accounts_max: 64, payments_max: 64, requests_max: 64 };
pub(crate) const MILLISECOND: i64 = 1_000_000;
pub(crate) const SECOND: i64 = 1000 * MILLISECOND;

/// Something that left the step.
#[derive(Debug)]
pub(crate) enum Told {
    Outcomes(u32, Vec<Outcome>),
    Answer(u32, Box<Answered>),
    LookUp(Box<LookUp<u32>>),
    AskAgain(Submission<u32>),
    Late(u64),
    Halt(String),
    Stopped,
}

/// The step and its journal.
pub(crate) struct Node<J: Journal> {
    pub(crate) core: Core<u32>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) journal: J,
    writer: J::Writer,
    pub(crate) now: Now,
    /// The frame that has been handed out and is not written yet.
    pub(crate) held: Option<SealedFrame>,
    pub(crate) told: Vec<Told>,
    /// When the step wants to look again, as it said last.
    pub(crate) wake_at: Option<i64>,
    /// The last frame that became durable.
    pub(crate) durable: BatchNumber,
}

impl Node<MemoryJournal> {
    /// A node on a new log in memory.
    pub(crate) fn new() -> Self {
        Self::start(MemoryJournal::new(identity()), now()).expect("memory does not fail")
    }

    /// A node with the two banks and their accounts, quiet, its log ending in a marker.
    pub(crate) fn with_world() -> Self {
        let mut node = Self::new();
        node.submit(0, world());
        node.write_all();
        node.advance(SECOND);
        node.write_all();
        node.told.clear();
        assert!(node.journal.tail().ends_in_marker());
        node
    }

    /// Replays the whole log and checks that it gives the same ledger and has told every outcome.
    pub(crate) fn check_log(&mut self) {
        let replayer = replay(&mut self.journal);
        assert_eq!(summary(replayer.ledger()), summary(self.core.ledger()));
        // Payments whose time was over have one more.
        assert!(replayer.totals().outcomes_checked >= replayer.totals().records);
        assert_eq!(replayer.untold_count(), 0);
    }
}

impl<J: Journal> Node<J> {
    /// Recovers a log, or begins one, as [`crate::start`] does. `None` if the journal fails on the way.
    pub(crate) fn start(journal: J, now: Now) -> Option<Self> {
        Self::start_under(ledger::RULES_VERSION, journal, now)
    }

    /// The same, with a new log under this version of the rules.
    pub(crate) fn start_under(begins_under: u32, mut journal: J, now: Now) -> Option<Self> {
        let identity = journal.identity();
        let mut replayer = Replayer::new(LIMITS);
        let mut tail = journal.read(BatchNumber(0), &mut |frame, _| Ok(replayer.frame(frame)?)).ok()?;
        let mut clock = LogClock::new(now, tail.time);
        let mut builder = FrameBuilder::new(2);
        let rules_version = match tail.batch {
            BatchNumber(0) => begins_under,
            _ => replayer.ledger().rules_version(),
        };
        let mut seal = |builder: &mut FrameBuilder, kind, tail: Tail| {
            let time = clock.read(now).max(tail.time.plus(nanoseconds(1)));
            let (previous, durable_mark) = (tail, tail.batch);
            let input =
                SealInput { kind, identity, previous, time, rules_version, durable_mark, personal_key: 0 };
            builder.seal(&input)
        };
        let mut epoch_start = seal(&mut builder, FrameKind::EpochStart, tail);
        let mut writer = journal.claim(&tail, &mut epoch_start).ok()?;
        replayer.frame(&epoch_start.view()).unwrap();
        tail = epoch_start.tail();
        if replayer.ledger().setup().is_none() {
            let mut commands = RecordWriter::new(key(), PrincipalNumber(0));
            commands.genesis(identity.cluster, identity.incarnation);
            commands.set_profile(&Profile::sct_inst_2025());
            commands.split().for_each(|record| builder.push_record(record));
            let mut frame = seal(&mut builder, FrameKind::Commands, tail);
            let Append::Durable = writer.append(&mut frame) else { return None };
            replayer.frame(&frame.view()).unwrap();
            tail = frame.tail();
        }
        let (ledger, untold) = replayer.finish();
        let directory = Arc::new(Directory::default());
        directory.fill(&ledger);
        let setup =
            CoreSetup { ledger, untold, builder, identity, tail, clock, directory: Arc::clone(&directory) };
        let core = Core::new(setup, now);
        Some(Self {
            core,
            directory,
            journal,
            writer,
            now,
            held: None,
            told: Vec::new(),
            wake_at: None,
            durable: tail.batch,
        })
    }

    pub(crate) fn step(&mut self, event: Event<u32>) {
        let mut actions = Vec::new();
        self.core.step(event, self.now, &mut actions);
        self.wake_at = None;
        for action in actions {
            self.told.push(match action {
                Action::Write(frame) => {
                    assert!(self.held.is_none(), "one frame is being written at a time");
                    self.held = Some(frame);
                    continue;
                }
                Action::WakeAt(at) => {
                    self.wake_at = Some(at);
                    continue;
                }
                Action::Reply(ticket, range) => Told::Outcomes(ticket, self.core.outcomes()[range].to_vec()),
                Action::Answer(ticket, answered) => Told::Answer(ticket, Box::new(answered)),
                Action::LookUp(look_up) => Told::LookUp(Box::new(look_up)),
                Action::AskAgain(submission) => Told::AskAgain(submission),
                Action::Late { count } => Told::Late(count),
                Action::Halt(reason) => Told::Halt(reason.to_string()),
                Action::Stopped => Told::Stopped,
            });
        }
    }

    pub(crate) fn submit(&mut self, ticket: u32, commands: RecordWriter) {
        self.step(Event::Submit(Submission::new(commands, ticket).expect("it is small enough")));
    }

    pub(crate) fn ask(&mut self, ticket: u32, question: Question) {
        self.step(Event::Ask(question, ticket));
    }

    /// Listens from now on.
    pub(crate) fn subscribe(&mut self, id: u64, interest: Interest) -> Arc<Outbox> {
        let outbox = Outbox::new(SubscriptionId(id), interest, Box::new(|| ()));
        self.step(Event::Subscribed(Arc::clone(&outbox)));
        outbox
    }

    /// The outcomes that a ticket was told.
    pub(crate) fn outcomes_of(&self, wanted: u32) -> Vec<Outcome> {
        let outcomes = |told: &Told| {
            let Told::Outcomes(ticket, outcomes) = told else { return None };
            (*ticket == wanted).then(|| outcomes.clone())
        };
        self.told.iter().find_map(outcomes).expect("it was told")
    }

    pub(crate) fn idle(&mut self) {
        self.step(Event::Idle);
    }

    /// Lets both clocks go on.
    pub(crate) fn advance(&mut self, span: i64) {
        self.now = Now { monotonic: self.now.monotonic + span, wall: self.now.wall.plus(nanoseconds(span)) };
    }

    /// Has the journal write the frame that is held, and tells the step. Says whether it became durable.
    pub(crate) fn write(&mut self) -> bool {
        let mut frame = self.held.take().expect("a frame has been handed out");
        let written = self.writer.append(&mut frame);
        let is_durable = matches!(written, Append::Durable);
        if is_durable {
            self.durable = frame.header().batch;
        }
        self.step(Event::Written(frame, written));
        is_durable
    }

    /// Writes frames until there is nothing to write at this time. Says whether all became durable.
    pub(crate) fn write_all(&mut self) -> bool {
        loop {
            if self.held.is_none() {
                self.idle();
            }
            if self.held.is_none() {
                return true;
            }
            if !self.write() {
                return false;
            }
        }
    }

    /// The tickets that have got their outcomes, in order.
    pub(crate) fn replied(&self) -> Vec<u32> {
        let ticket = |told: &Told| if let Told::Outcomes(ticket, _) = told { Some(*ticket) } else { None };
        self.told.iter().filter_map(ticket).collect()
    }
}

/// All that waits in an outbox, which has lost nothing.
pub(crate) fn take_all(outbox: &Outbox) -> Vec<Notice> {
    let mut notices = Vec::new();
    while let Taken::Given { more, .. } = outbox.take(3, &mut notices) {
        if !more {
            return notices;
        }
    }
    panic!("nothing is lost")
}

pub(crate) fn nanoseconds(count: i64) -> Duration {
    Duration::from_nanoseconds(count).unwrap()
}

/// Replays a whole log.
pub(crate) fn replay<J: Journal>(journal: &mut J) -> Replayer {
    let mut replayer = Replayer::new(LIMITS);
    journal.read(BatchNumber(0), &mut |frame, _| Ok(replayer.frame(frame)?)).unwrap();
    replayer
}

/// Everything that a ledger can be asked.
pub(crate) fn summary(ledger: &Ledger) -> String {
    let (position, totals) = (ledger.position(), ledger.payment_totals());
    format!("{position:?} {totals:?} {} {}", ledger.payment_count(), business(ledger))
}

/// The same without positions, which restarts move on, and refusals, of which a changed body adds one each time.
pub(crate) fn business(ledger: &Ledger) -> String {
    let accounts =
        ledger.accounts().map(|(_, account)| (account.kind(), account.status(), account.balance()));
    let banks = ledger.participants().map(|(_, bank)| (bank.bic(), bank.status()));
    let (accounts, banks): (Vec<_>, Vec<_>) = (accounts.collect(), banks.collect());
    let (settled, requests) = (ledger.payment_totals().settled, ledger.request_count());
    format!("{accounts:?} {banks:?} {settled} settled, {requests} requests, {:?}", ledger.trial_balance())
}

pub(crate) fn identity() -> Identity {
    Identity { cluster: ClusterId([0xA7; 16]), shard: Shard(0), incarnation: Incarnation(41) }
}

pub(crate) const fn key() -> DigestKey {
    DigestKey::new(*b"the engine's key")
}

/// What the clocks show when every test starts.
pub(crate) fn now() -> Now {
    let wall = Timestamp::from_civil(Date::parse("2026-02-03").unwrap(), 9, 0, 0, 0).unwrap();
    Now { monotonic: 5 * SECOND, wall }
}

pub(crate) fn bank(letter: &str) -> Bic {
    Bic::parse(&format!("TESTDEF{letter}")).unwrap()
}

/// `A1`: the first account of bank A, whether open or not.
pub(crate) fn iban(name: &str) -> Iban {
    let (letter, number) = name.split_at(1);
    let (letter, number) = (letter.as_bytes()[0], number.parse::<u32>().unwrap());
    Iban::with_check_digits("DE", &format!("{letter:08}{number:010}")).unwrap()
}

fn selector(name: &str) -> AccountSelector {
    AccountSelector { iban: iban(name), currency: Currency::EUR }
}

pub(crate) fn euro_cents(cents: i64) -> Amount {
    Amount::from_minor_units(cents).unwrap()
}

pub(crate) fn request(id: &str) -> RequestId {
    RequestId::parse(id).unwrap()
}

pub(crate) fn commands() -> RecordWriter {
    RecordWriter::new(key(), PrincipalNumber(1))
}

/// Banks A and B with positions of 1,000.00, and accounts A1 with 500.00 and B1 with nothing.
pub(crate) fn world() -> RecordWriter {
    let mut writer = commands();
    fill_world(&mut writer);
    writer
}

pub(crate) fn fill_world(writer: &mut RecordWriter) {
    for letter in ["A", "B"] {
        register(writer, letter);
        fund(writer, letter);
        open(writer, &format!("{letter}1"));
    }
    post(writer, "A1", 50_000);
}

fn fund(writer: &mut RecordWriter, letter: &str) {
    writer.transfer_liquidity(&TransferLiquidity {
        request_id: request(&format!("fund-{letter}")),
        bic: bank(letter),
        direction: LiquidityDirection::Fund,
        amount: euro_cents(100_000),
        currency: Currency::EUR,
        external_reference: Text::parse_identifier(&format!("BOOKING-{letter}")).unwrap(),
    });
}

pub(crate) fn register(writer: &mut RecordWriter, letter: &str) {
    register_as(writer, letter, AccountMode::Hosted);
}

fn register_as(writer: &mut RecordWriter, letter: &str, mode: AccountMode) {
    writer.register_participant(&RegisterParticipant {
        request_id: request(&format!("register-{letter}")),
        bic: bank(letter),
        name: Text::parse("A bank").unwrap(),
        mode,
        currency: Currency::EUR,
    });
}

/// Bank C.
pub(crate) fn enter_remote(writer: &mut RecordWriter) {
    register_as(writer, "C", AccountMode::Remote);
    fund(writer, "C");
}

/// A payment from A1 to an account that bank C keeps.
pub(crate) fn pay_remote(writer: &mut RecordWriter, id: &str, cents: i64, accepted: Timestamp) {
    let mut order = order(id, cents, Some(accepted));
    (order.creditor_agent, order.creditor_account) = (bank("C"), iban("C1"));
    writer.payment(&order, accepted, Channel::Grpc, |_, _| AccountNumber(0));
}

/// A payment of one euro from A1 to the first account of another bank here.
pub(crate) fn pay_to(writer: &mut RecordWriter, id: &str, letter: &str, accepted: Timestamp) {
    let mut order = order(id, 100, Some(accepted));
    (order.creditor_agent, order.creditor_account) = (bank(letter), iban(&format!("{letter}1")));
    writer.payment(&order, accepted, Channel::Grpc, |_, _| AccountNumber(0));
}

/// Bank C's answer about a payment: yes, or no with this code.
pub(crate) fn answer(writer: &mut RecordWriter, payment: Sequence, no: Option<&str>) {
    let answer = no.map_or(ledger::Answer::Accept, |code| {
        ledger::Answer::Reject(ReasonCode::parse(code).expect("the test's code is one"))
    });
    writer.answer(&AnswerPayment { payment, bic: bank("C"), stage: Stage::Credit, answer });
}

/// What bank `letter` listens to.
pub(crate) fn interest(letter: &str, questions: bool, outcomes: Outcomes) -> Interest {
    let banks = Banks::Listed(Box::new([bank(letter)]));
    let questions = if questions { Questions::ALL } else { Questions::NONE };
    Interest { banks, questions, outcomes, notices_max: 1 << 16, bytes_max: 1 << 24 }
}

pub(crate) fn open(writer: &mut RecordWriter, account: &str) {
    writer.open_account(&OpenAccount {
        request_id: request(&format!("open-{account}")),
        participant: bank(&account[..1]),
        iban: iban(account),
        currency: Currency::EUR,
        kind: AccountKind::Current,
        floor: Balance::from_minor_units(0).unwrap(),
        holder_names: vec![Text::parse("A customer").unwrap()],
        identification: None,
    });
}

pub(crate) fn post(writer: &mut RecordWriter, account: &str, cents: i64) {
    writer.post_entry(&PostEntry {
        request_id: request(&format!("post-{account}-{cents}")),
        account: selector(account),
        direction: Direction::Credit,
        amount: euro_cents(cents),
        value_date: Date::parse("2026-02-03").unwrap(),
        booking_key: Text::parse("SALA").unwrap(),
        core_reference: Text::parse_identifier("CORE-1").unwrap(),
    });
}

/// Says anew who holds an account.
pub(crate) fn hold(writer: &mut RecordWriter, account: &str, name: &str) {
    writer.set_account_holders(&SetAccountHolders {
        request_id: request(&format!("hold-{account}-{name}")),
        account: selector(account),
        holder_names: vec![Text::parse(name).unwrap()],
        identification: None,
        repeats: None,
    });
}

/// The smallest command.
pub(crate) fn set_status(writer: &mut RecordWriter, id: &str, letter: &str, status: ParticipantStatus) {
    writer.set_participant_status(&SetParticipantStatus {
        request_id: request(id),
        bic: bank(letter),
        status,
    });
}

/// Small commands, `count` of them, each a request of its own.
pub(crate) fn small(ticket: u32, count: u32) -> RecordWriter {
    let mut writer = commands();
    for index in 0..count {
        set_status(&mut writer, &format!("status-{ticket}-{index}"), "B", ParticipantStatus::Active);
    }
    writer
}

/// A payment of one euro from A1 to B1.
pub(crate) fn payment(id: &str, accepted: Timestamp) -> RecordWriter {
    let mut writer = commands();
    pay(&mut writer, id, 100, accepted);
    writer
}

pub(crate) fn pay(writer: &mut RecordWriter, id: &str, cents: i64, accepted: Timestamp) {
    writer.payment(&order(id, cents, Some(accepted)), accepted, Channel::Grpc, |_, _| AccountNumber(0));
}

/// A payment of one euro whose acceptance time Solvo stamps, so that a retry at any time is the same order.
pub(crate) fn pay_stamped(writer: &mut RecordWriter, id: &str, stamped: Timestamp) {
    writer.payment(&order(id, 100, None), stamped, Channel::Grpc, |_, _| AccountNumber(0));
}

pub(crate) fn order(id: &str, cents: i64, acceptance_time: Option<Timestamp>) -> PaymentOrder {
    let party = |name| Party { name: Some(Text::parse(name).unwrap()), ..Party::default() };
    let mandatory = MandatoryParts {
        end_to_end_id: Text::parse("NOTPROVIDED").unwrap(),
        transaction_id: Text::parse_identifier(id).unwrap(),
        amount: euro_cents(cents),
        currency: Currency::EUR,
        debtor: party("A payer"),
        debtor_account: iban("A1"),
        debtor_agent: bank("A"),
        creditor_agent: bank("B"),
        creditor: party("A payee"),
        creditor_account: iban("B1"),
    };
    PaymentOrder { acceptance_time, ..mandatory.into_order() }
}

/// The question what became of a payment of bank A.
pub(crate) fn by_key(id: &str, accepted: Option<Timestamp>) -> Question {
    Question::PaymentByKey {
        debtor_agent: bank("A"),
        transaction_id: Text::parse_identifier(id).unwrap(),
        acceptance_time: accepted,
    }
}

/// What the log tells banks between two positions, read in small pieces.
pub(crate) fn told_in_log<Told>(
    view: &LogView,
    (after, upto): (Sequence, Sequence),
    banks: &Banks,
    of: impl Fn(Decisions) -> Vec<Told>,
) -> Vec<Told> {
    let (mut from, mut told) = (after, Vec::new());
    while from < upto {
        let read = view.decisions_after(from, upto, banks, 5).unwrap();
        from = read.reached;
        told.extend(of(read));
    }
    told
}
