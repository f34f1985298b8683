//! A log for the tests, frame by frame, with the ledger beside it that decides; and a model of what was on each account
//! when, from nothing but the ledger's state.
//!
//! Banks A and B keep their accounts here, and B decides about credits; bank C keeps its accounts itself.

use std::collections::{BTreeMap, VecDeque};
use std::io::Write;
use std::ops::ControlFlow;

use journal::{
    FrameBuilder, FrameKind, FrameSource, FrameView, Identity, LocalJournal, MemoryStorage, ReadError,
    Reader, SealInput, SeededChoices, SegmentSize, Settings, Tail, VisitFrame,
};
use ledger::{
    AccountKind, AccountMode, AccountSelector, Answer, AnswerPayment, DecisionPolicy, DecisionScope,
    Direction, Ledger, Limits, LiquidityDirection, OpenAccount, Outcome, OutcomeEntry, OwnAccount,
    OwnedAccount, Position, PostEntry, Profile, RecordWriter, Records, RefusedBody, RefusedPayment,
    RegisterParticipant, RequestId, SealedRun, SetDecisionPolicy, Silence, Stage, StagePolicy,
    TransferLiquidity, TransferOwnFunds, mark_each_connected,
};
use types::{
    AccountNumber, Amount, Balance, BatchNumber, Bic, Channel, ClusterId, Currency, Date, DigestKey,
    Duration, Iban, Incarnation, MandatoryParts, Party, PaymentOrder, PrincipalNumber, ReasonCode, Sequence,
    Shard, Text, Timestamp,
};

use crate::indexer::BeginError;
use crate::opening::Begin;

pub(crate) const KEY: DigestKey = DigestKey::new(*b"a key of digests");
pub(crate) const LIMITS: Limits = Limits { accounts_max: 256, payments_max: 8192, requests_max: 4096 };
pub(crate) const MILLISECOND: i64 = 1_000_000;
pub(crate) const SECOND: i64 = 1000 * MILLISECOND;

/// What was on an account from a position on.
pub(crate) type Course = Vec<(Sequence, Timestamp, i64)>;

/// A log in the making.
pub(crate) struct Log {
    builder: FrameBuilder,
    tail: Tail,
    pub(crate) ledger: Ledger,
    untold: VecDeque<OutcomeEntry>,
    pub(crate) frames: Vec<Vec<u8>>,
    pub(crate) time: Timestamp,
    /// Every account's course, by its number.
    pub(crate) courses: BTreeMap<u32, Course>,
    /// The payments, repeats apart.
    pub(crate) payments: Vec<Sequence>,
    /// Those that were reserved.
    pub(crate) reserved: Vec<Sequence>,
    requests: u32,
    /// The times of positions.
    pub(crate) times: Vec<(Sequence, Timestamp)>,
    /// Commands that are passed over.
    pub(crate) voided: Vec<Sequence>,
    /// The commands that were asked again.
    pub(crate) asked_again: Vec<Sequence>,
    /// The state after each frame.
    states: Vec<(Tail, Vec<u8>)>,
}

pub(crate) fn identity() -> Identity {
    Identity { cluster: ClusterId([0xC1; 16]), shard: Shard(0), incarnation: Incarnation(9) }
}

pub(crate) fn nanoseconds(count: i64) -> Duration {
    Duration::from_nanoseconds(count).unwrap()
}

impl Log {
    /// A log that has begun, without anybody in it.
    pub(crate) fn empty() -> Self {
        let time = Timestamp::from_civil(Date::parse("2026-02-03").unwrap(), 23, 59, 50, 0).unwrap();
        let mut log = Self {
            builder: FrameBuilder::new(1),
            tail: Tail::EMPTY,
            ledger: Ledger::new(LIMITS),
            untold: VecDeque::new(),
            frames: Vec::new(),
            time,
            courses: BTreeMap::new(),
            payments: Vec::new(),
            reserved: Vec::new(),
            requests: 0,
            times: Vec::new(),
            voided: Vec::new(),
            asked_again: Vec::new(),
            states: Vec::new(),
        };
        log.frame(FrameKind::EpochStart, None, usize::MAX);
        let mut writer = RecordWriter::new(KEY, PrincipalNumber(0));
        writer.genesis(identity().cluster, identity().incarnation);
        writer.set_profile(&Profile::sct_inst_2025());
        log.commands(&writer);
        log
    }

    /// With the banks and two accounts of each that keeps them here.
    pub(crate) fn new() -> Self {
        let mut log = Self::empty();
        let mut writer = log.writer();
        for letter in ["A", "B", "C"] {
            log.register(&mut writer, letter);
            log.fund(&mut writer, letter, 100_000);
        }
        for account in ["A1", "A2", "B1", "B2"] {
            log.open(&mut writer, account);
            log.post(&mut writer, account, 50_000);
        }
        log.commands(&writer);
        log
    }

    pub(crate) fn writer(&self) -> RecordWriter {
        RecordWriter::new(KEY, PrincipalNumber(1))
    }

    /// A frame of commands that tells everything that is to be told. All banks are connected.
    pub(crate) fn commands(&mut self, writer: &RecordWriter) {
        self.frame(FrameKind::Commands, Some(writer), usize::MAX);
    }

    /// A frame without commands.
    pub(crate) fn marker(&mut self) {
        self.frame(FrameKind::Marker, None, usize::MAX);
    }

    pub(crate) fn advance(&mut self, span: i64) {
        self.time = self.time.plus(nanoseconds(span));
    }

    /// A frame that tells at most so many outcomes.
    pub(crate) fn frame(&mut self, kind: FrameKind, writer: Option<&RecordWriter>, told_max: usize) {
        self.time = self.time.plus(nanoseconds(1000));
        let mut records = writer.map_or_else(Vec::new, |writer| writer.records().to_vec());
        mark_each_connected(&mut records, |_, _| true);
        let count = writer.map_or(0, RecordWriter::count);
        if count > 0 {
            self.builder.push_records(&records, count);
            self.builder.push_personal(writer.map_or(&[], RecordWriter::texts));
        }
        for _ in 0..told_max.min(self.untold.len()) {
            let entry = self.untold.pop_front().unwrap();
            self.builder.push_outcome(entry.as_bytes());
        }
        let input = SealInput {
            kind,
            identity: identity(),
            previous: self.tail,
            time: self.time,
            rules_version: 1,
            durable_mark: self.tail.batch,
            personal_key: 0,
        };
        let sealed = self.builder.seal(&input);
        self.frames.push(sealed.bytes().to_vec());
        self.tail = sealed.tail();
        let bytes = sealed.bytes().to_vec();
        self.builder.recycle(sealed);
        self.apply(&FrameView::parse(&bytes).unwrap());
        let mut state = Vec::new();
        self.ledger.write_state(&mut state).unwrap();
        self.states.push((self.tail, state));
    }

    /// The position of the last command of the frame that comes next, if it has so many.
    pub(crate) fn next_position(&self, commands: u64) -> Sequence {
        Sequence(self.tail.next_sequence.0 + commands)
    }

    /// The folder of a node that keeps one snapshot, after so many frames.
    pub(crate) fn with_snapshot(&self, frames: usize) -> Reader<MemoryStorage> {
        Reader::open(snapshot_folder(self.states.get(frames - 1))).unwrap()
    }

    /// The same with a byte of the snapshot's file that is another.
    pub(crate) fn with_damaged_snapshot(&self, frames: usize, place: u64) -> Reader<MemoryStorage> {
        let storage = snapshot_folder(self.states.get(frames - 1));
        storage.flip_bit(&journal::snapshot_name(1), place, 6);
        Reader::open(storage).unwrap()
    }

    /// The folder of a node that keeps none.
    pub(crate) fn without_snapshot() -> Reader<MemoryStorage> {
        Reader::open(snapshot_folder(None)).unwrap()
    }

    /// The frames after so many, of a log that does not begin with its first any more.
    pub(crate) fn without_first(&self, frames: usize) -> Frames {
        Frames(self.frames[frames..].to_vec())
    }

    /// All payments so far leave the table.
    pub(crate) fn seal(&self, writer: &mut RecordWriter) {
        let payments = self.ledger.payments_to_seal(Sequence(0), usize::MAX);
        let payments: Vec<_> =
            payments.map(|payment| (payment.sequence(), payment.received_time())).collect();
        let (upto, newest_time) = *payments.last().unwrap();
        writer.seal_duplicates(&SealedRun {
            number: self.ledger.newest_run_number() + 1,
            after: self.ledger.sealed_upto(),
            upto,
            newest_time,
            payments: u64::try_from(payments.len()).unwrap(),
            hash: [7; 32],
        });
    }

    fn apply(&mut self, frame: &FrameView<'_>) {
        let header = frame.header();
        let mut at = Position { sequence: header.first_sequence, time: header.time };
        self.ledger.reserve_for_frame(64);
        self.ledger.tick(at);
        self.note(at, None);
        for record in Records::with_texts(frame.records(), frame.texts()) {
            at.sequence = at.sequence.next();
            let record = record.unwrap();
            let outcome = match self.voided.contains(&at.sequence) {
                true => self.ledger.apply_voided(at, &record).unwrap(),
                false => self.ledger.apply(at, &record).unwrap(),
            };
            self.note(at, Some(&outcome));
        }
    }

    /// Takes down what a tick or command did.
    fn note(&mut self, at: Position, outcome: Option<&Outcome>) {
        self.times.push((at.sequence, at.time));
        let decided = self.ledger.decided().iter().chain(self.ledger.holds_told());
        self.untold.extend(decided.map(Outcome::to_entry));
        if let Some(outcome) = outcome {
            self.untold.push_back(outcome.to_entry());
            let is_payment = matches!(outcome.kind, ledger::Kind::Payment | ledger::Kind::RefusedPayment);
            if outcome.verdict.decides_nothing() {
                self.asked_again.push(outcome.sequence);
            } else if is_payment && outcome.repeat_of().is_none() {
                self.payments.push(outcome.sequence);
            }
            if let ledger::Verdict::Payment {
                state: types::PaymentState::Reserved, repeat_of: None, ..
            } = outcome.verdict
            {
                self.reserved.push(outcome.sequence);
            }
        }
        for (number, account) in self.ledger.accounts() {
            let course = self.courses.entry(number.0).or_default();
            if course.last().is_none_or(|(_, _, balance)| *balance != account.balance()) {
                course.push((at.sequence, at.time, account.balance()));
            }
        }
    }

    pub(crate) fn request(&mut self) -> RequestId {
        self.requests += 1;
        RequestId::parse(&format!("request-{}", self.requests)).unwrap()
    }

    pub(crate) fn register(&mut self, writer: &mut RecordWriter, letter: &str) {
        let mode = if letter == "C" { AccountMode::Remote } else { AccountMode::Hosted };
        let name = Text::parse("A bank").unwrap();
        let (request_id, currency) = (self.request(), Currency::EUR);
        writer.register_participant(&RegisterParticipant {
            request_id,
            bic: bank(letter),
            name,
            mode,
            currency,
        });
    }

    /// Bank B decides about every credit; its silence means yes or no.
    pub(crate) fn decide_credits(&mut self, writer: &mut RecordWriter, silence: Silence) {
        let credits = StagePolicy { scope: DecisionScope::All, silence };
        let policy = DecisionPolicy { credits, ..DecisionPolicy::NONE };
        writer.set_decision_policy(&SetDecisionPolicy { request_id: self.request(), bic: bank("B"), policy });
    }

    pub(crate) fn fund(&mut self, writer: &mut RecordWriter, letter: &str, cents: i64) {
        let request_id = self.request();
        writer.transfer_liquidity(&TransferLiquidity {
            external_reference: Text::parse_identifier(request_id.as_str()).unwrap(),
            request_id,
            bic: bank(letter),
            direction: if cents < 0 { LiquidityDirection::Defund } else { LiquidityDirection::Fund },
            amount: euro_cents(cents.abs()),
            currency: Currency::EUR,
        });
    }

    /// Money moves to the bank's technical account, or back if it is less than nothing.
    pub(crate) fn move_own_funds(&mut self, writer: &mut RecordWriter, letter: &str, cents: i64) {
        let account = |account| OwnedAccount { bic: bank(letter), account };
        let (position, technical) = (account(OwnAccount::Position), account(OwnAccount::Technical));
        let (from, to) = if cents < 0 { (technical, position) } else { (position, technical) };
        writer.transfer_own_funds(&TransferOwnFunds {
            request_id: self.request(),
            from,
            to,
            amount: euro_cents(cents.abs()),
            currency: Currency::EUR,
            reference: Text::parse("OWN").unwrap(),
        });
    }

    pub(crate) fn open(&mut self, writer: &mut RecordWriter, account: &str) {
        writer.open_account(&OpenAccount {
            request_id: self.request(),
            participant: bank(&account[..1]),
            iban: iban(account),
            currency: Currency::EUR,
            kind: AccountKind::Current,
            floor: Balance::from_minor_units(0).unwrap(),
            holder_names: vec![Text::parse("Sarah Secret").unwrap()],
            identification: None,
        });
    }

    pub(crate) fn post(&mut self, writer: &mut RecordWriter, account: &str, cents: i64) {
        writer.post_entry(&PostEntry {
            request_id: self.request(),
            account: AccountSelector { iban: iban(account), currency: Currency::EUR },
            direction: if cents < 0 { Direction::Debit } else { Direction::Credit },
            amount: euro_cents(cents.abs()),
            value_date: Date::parse("2026-02-03").unwrap(),
            booking_key: Text::parse("SALA").unwrap(),
            core_reference: Text::parse_identifier("CORE-1").unwrap(),
        });
    }

    /// A payment that is accepted now, with its transaction id as its end-to-end id's end.
    pub(crate) fn pay(&self, writer: &mut RecordWriter, id: &str, from: &str, to: &str, cents: i64) {
        let hint =
            |number: usize| self.ledger.account(&KEY, iban([from, to][number]).as_str(), Currency::EUR);
        let hints = [0, 1].map(|side| hint(side).map_or(AccountNumber(0), |(number, _)| number));
        let order = order(id, from, to, cents, self.time);
        let debtor = KEY.iban(order.debtor_account.as_str());
        let hint_of = |account, _: Currency| if account == debtor { hints[0] } else { hints[1] };
        writer.payment(&order, self.time, Channel::Grpc, hint_of);
    }

    /// A payment that was refused on reading.
    pub(crate) fn refuse(&self, writer: &mut RecordWriter, id: &str, not_entitled: bool) {
        let reason = if not_entitled { "RC01" } else { "FF01" };
        writer.refused_payment(&RefusedPayment {
            debtor_agent: bank("A"),
            creditor_agent: None,
            transaction_id: Text::parse_identifier(id).unwrap(),
            acceptance_time: None,
            reason: ReasonCode::parse(reason).unwrap(),
            path: "CdtTrfTxInf/Dbtr".into(),
            body: RefusedBody::Parts(vec![1, 2, 3]),
            channel: Channel::Iso20022,
            not_entitled,
        });
    }

    /// The answer of the bank that was asked about the credit.
    pub(crate) fn answer(&self, writer: &mut RecordWriter, payment: Sequence, letter: &str, is_yes: bool) {
        let no = Answer::Reject(ReasonCode::parse("MS03").unwrap());
        let answer = if is_yes { Answer::Accept } else { no };
        writer.answer(&AnswerPayment { payment, bic: bank(letter), stage: Stage::Credit, answer });
    }

    /// The frames, as a log that can be read by position.
    pub(crate) fn source(&self) -> Frames {
        Frames(self.frames.clone())
    }
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

pub(crate) fn euro_cents(cents: i64) -> Amount {
    Amount::from_minor_units(cents).unwrap()
}

fn order(id: &str, from: &str, to: &str, cents: i64, accepted: Timestamp) -> PaymentOrder {
    let party = |name| Party { name: Some(Text::parse(name).unwrap()), ..Party::default() };
    let mandatory = MandatoryParts {
        end_to_end_id: Text::parse(&format!("E2E-{id}")).unwrap(),
        transaction_id: Text::parse_identifier(id).unwrap(),
        amount: euro_cents(cents),
        currency: Currency::EUR,
        debtor: party("Sarah Secret"),
        debtor_account: iban(from),
        debtor_agent: bank(&from[..1]),
        creditor_agent: bank(&to[..1]),
        creditor: party("Simon Secret"),
        creditor_account: iban(to),
    };
    PaymentOrder { acceptance_time: Some(accepted), ..mandatory.into_order() }
}

fn snapshot_folder(snapshot: Option<&(Tail, Vec<u8>)>) -> MemoryStorage {
    let storage = MemoryStorage::new();
    let mut choices = SeededChoices::new(1);
    let entropy = Box::new(move || choices.bits());
    let settings = Settings { segment_size: SegmentSize::new(64 << 10).unwrap(), entropy };
    let journal = LocalJournal::create(storage.clone(), identity(), settings).unwrap();
    if let Some((tail, state)) = snapshot {
        let mut writer = journal.snapshots().create(*tail, 1).unwrap();
        writer.write_all(state).unwrap();
        let header = writer.finish().unwrap();
        journal.snapshots().publish(&header).unwrap();
    }
    storage
}

/// For logs that begin with their first frame.
pub(crate) fn never() -> Begin {
    Box::new(|_| Err(BeginError::NoSnapshot))
}

/// Begins where the snapshot of a log stands, after so many frames.
pub(crate) fn beginning(log: &Log, frames: usize) -> Begin {
    let reader = log.with_snapshot(frames);
    Box::new(move |indexer| indexer.begin(&reader).map(|_| ()))
}

/// Frames as a log.
pub(crate) struct Frames(pub(crate) Vec<Vec<u8>>);

impl Frames {
    /// What is said of positions up to one if some behind it are gone.
    fn trimmed(&self, after: Sequence) -> Result<(), ReadError> {
        let first = self.0.first().map(|frame| *FrameView::parse(frame).unwrap().header());
        match first.filter(|first| first.first_sequence > after.next()) {
            Some(first) => {
                Err(ReadError::Trimmed { first: first.batch, first_sequence: first.first_sequence })
            }
            None => Ok(()),
        }
    }
}

impl FrameSource for Frames {
    fn end(&self) -> Tail {
        self.0.last().map_or(Tail::EMPTY, |frame| {
            let frame = FrameView::parse(frame).unwrap();
            Tail::after(frame.header(), frame.hash())
        })
    }

    fn read_after(&self, after: Sequence, visit: &mut VisitFrame<'_>) -> Result<(), ReadError> {
        self.trimmed(after)?;
        for frame in &self.0 {
            let frame = FrameView::parse(frame).unwrap();
            if frame.header().last_sequence() > after && visit(frame) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }

    fn read_at(&self, positions: &[Sequence], visit: &mut VisitFrame<'_>) -> Result<(), ReadError> {
        self.trimmed(positions.first().map_or(Sequence(u64::MAX - 1), |at| Sequence(at.0 - 1)))?;
        for frame in &self.0 {
            let frame = FrameView::parse(frame).unwrap();
            let header = frame.header();
            let stands = |at: &Sequence| *at >= header.first_sequence && *at < header.next_sequence();
            if positions.iter().any(stands) && visit(frame) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }
}

/// The last frame of some.
pub(crate) fn batch_of(frame: &[u8]) -> BatchNumber {
    FrameView::parse(frame).unwrap().header().batch
}
