//! A log in memory with its ledger, for the tests of receipts: what a frame tells is what the rules came to.

use std::sync::Arc;

use journal::{
    Append, FrameBuilder, FrameKind, FrameSource, Identity, Journal, MemoryJournal, MemoryWriter, SealInput,
    Tail, Writer as _,
};
use ledger::{
    AccountKind, AccountMode, AccountSelector, Answer, AnswerPayment, DecisionPolicy, DecisionScope,
    Direction, Ledger, Limits, LiquidityDirection, OpenAccount, Outcome, OutcomeEntry, Position, PostEntry,
    Profile, RecordWriter, Records, RegisterParticipant, RequestId, SetDecisionPolicy, Silence, Stage,
    StagePolicy, TransferLiquidity,
};
use types::{
    AccountNumber, Amount, Balance, Bic, Channel, ClusterId, Currency, Date, DigestKey, Duration, Iban,
    Incarnation, MandatoryParts, Party, PaymentOrder, PrincipalNumber, ReasonCode, Sequence, Shard, Text,
    Timestamp,
};

pub(super) const IDENTITY: Identity =
    Identity { cluster: ClusterId([0xC1; 16]), shard: Shard(0), incarnation: Incarnation(77) };
pub(super) const KEY: DigestKey = DigestKey::new(*b"the receipts key");

pub(super) fn start() -> Timestamp {
    Timestamp::from_civil(Date::parse("2026-03-04").unwrap(), 10, 0, 0, 0).unwrap()
}

pub(super) fn milliseconds(count: u32) -> Duration {
    Duration::from_milliseconds(count)
}

pub(super) fn bank(letter: &str) -> Bic {
    Bic::parse(&format!("TESTDEF{letter}")).unwrap()
}

fn iban(name: &str) -> Iban {
    let (letter, number) = name.split_at(1);
    let (letter, number) = (letter.as_bytes()[0], number.parse::<u32>().unwrap());
    Iban::with_check_digits("DE", &format!("{letter:08}{number:010}")).unwrap()
}

pub(super) fn commands() -> RecordWriter {
    RecordWriter::new(KEY, PrincipalNumber(1))
}

/// A log that is being written.
pub(super) struct Log {
    pub(super) journal: MemoryJournal,
    writer: MemoryWriter,
    tail: Tail,
    ledger: Ledger,
    untold: Vec<OutcomeEntry>,
    pub(super) now: Timestamp,
    requests: u32,
}

impl Log {
    /// Hosted banks A and B with accounts A1 and B1, A1 with money; bank C, which keeps its accounts itself; and bank D,
    /// whose silence about the credits of its account D1 accepts.
    pub(super) fn new() -> Self {
        let mut journal = MemoryJournal::new(IDENTITY);
        let mut builder = FrameBuilder::new(0);
        let mut epoch_start = builder.seal(&seal(FrameKind::EpochStart, Tail::EMPTY, start()));
        let tail = epoch_start.tail();
        let writer = journal.claim(&Tail::EMPTY, &mut epoch_start).unwrap();
        let mut ledger = Ledger::new(Limits { accounts_max: 64, payments_max: 64, requests_max: 64 });
        let sequence = epoch_start.header().first_sequence;
        ledger.tick(Position { sequence, time: start() });
        let mut log = Self { journal, writer, tail, ledger, untold: Vec::new(), now: start(), requests: 0 };
        log.world();
        log
    }

    pub(super) fn source(&self) -> Arc<dyn FrameSource> {
        self.journal.frame_source()
    }

    pub(super) fn advance(&mut self, span: Duration) {
        self.now = self.now.plus(span);
    }

    /// Writes a frame with these commands, and what came of the last one's. What came of these follows in the next.
    pub(super) fn frame(&mut self, commands: &RecordWriter) -> Vec<Outcome> {
        let mut builder = FrameBuilder::new(0);
        self.untold.drain(..).for_each(|entry| builder.push_outcome(entry.as_bytes()));
        commands.split().for_each(|record| builder.push_record(record));
        builder.push_personal(commands.texts());
        self.now = self.now.max(self.tail.time.plus(Duration::from_nanoseconds(1).unwrap()));
        let mut frame = builder.seal(&seal(FrameKind::Commands, self.tail, self.now));
        assert!(matches!(self.writer.append(&mut frame), Append::Durable));
        self.tail = frame.tail();
        let header = *frame.header();
        let mut at = Position { sequence: header.first_sequence, time: header.time };
        self.ledger.reserve_for_frame(usize::try_from(header.record_count).unwrap());
        self.ledger.tick(at);
        let decided = self.ledger.decided().iter().chain(self.ledger.holds_told());
        self.untold.extend(decided.map(Outcome::to_entry));
        let mut outcomes = Vec::new();
        let view = frame.view();
        for record in Records::with_texts(view.records(), view.texts()) {
            at.sequence = at.sequence.next();
            let outcome = self.ledger.apply(at, &record.unwrap()).unwrap();
            let decided = self.ledger.decided().iter().chain(self.ledger.holds_told());
            self.untold.extend(decided.map(Outcome::to_entry));
            self.untold.push(outcome.to_entry());
            outcomes.push(outcome);
        }
        outcomes
    }

    /// An empty frame: what came of the last one is told.
    pub(super) fn tell(&mut self) {
        self.frame(&commands());
    }

    /// A payment of A1 to an account.
    pub(super) fn pay(&mut self, writer: &mut RecordWriter, id: &str, to: &str, cents: i64) {
        let order = order(id, to, cents, self.now);
        writer.payment(&order, self.now, Channel::Grpc, |_, _| AccountNumber(0));
        writer.mark_last_connected(|bic| *bic == *bank("C").as_bytes() || *bic == *bank("D").as_bytes());
    }

    /// Bank C's answer.
    pub(super) fn answer(writer: &mut RecordWriter, payment: Sequence, no: Option<&str>) {
        let answer = no.map_or(Answer::Accept, |code| Answer::Reject(ReasonCode::parse(code).unwrap()));
        writer.answer(&AnswerPayment { payment, bic: bank("C"), stage: Stage::Credit, answer });
    }

    fn request(&mut self) -> RequestId {
        self.requests += 1;
        RequestId::parse(&format!("request-{}", self.requests)).unwrap()
    }

    fn world(&mut self) {
        let mut writer = commands();
        writer.genesis(IDENTITY.cluster, IDENTITY.incarnation);
        writer.set_profile(&Profile::sct_inst_2025());
        for letter in ["A", "B", "C", "D"] {
            let mode = if letter == "C" { AccountMode::Remote } else { AccountMode::Hosted };
            writer.register_participant(&RegisterParticipant {
                request_id: self.request(),
                bic: bank(letter),
                name: Text::parse("A bank").unwrap(),
                mode,
                currency: Currency::EUR,
            });
            writer.transfer_liquidity(&TransferLiquidity {
                request_id: self.request(),
                bic: bank(letter),
                direction: LiquidityDirection::Fund,
                amount: Amount::from_minor_units(1_000_000).unwrap(),
                currency: Currency::EUR,
                external_reference: Text::parse_identifier(&format!("BOOKING-{letter}")).unwrap(),
            });
        }
        for account in ["A1", "B1", "D1"] {
            writer.open_account(&OpenAccount {
                request_id: self.request(),
                participant: bank(&account[..1]),
                iban: iban(account),
                currency: Currency::EUR,
                kind: AccountKind::Current,
                floor: Balance::from_minor_units(0).unwrap(),
                holder_names: vec![Text::parse("A customer").unwrap()],
                identification: None,
            });
        }
        writer.post_entry(&PostEntry {
            request_id: self.request(),
            account: AccountSelector { iban: iban("A1"), currency: Currency::EUR },
            direction: Direction::Credit,
            amount: Amount::from_minor_units(500_000).unwrap(),
            value_date: Date::parse("2026-03-04").unwrap(),
            booking_key: Text::parse("SALA").unwrap(),
            core_reference: Text::parse_identifier("CORE-1").unwrap(),
        });
        let nothing = StagePolicy { scope: DecisionScope::Nothing, silence: Silence::Reject };
        let all = StagePolicy { scope: DecisionScope::All, silence: Silence::Accept };
        writer.set_decision_policy(&SetDecisionPolicy {
            request_id: self.request(),
            bic: bank("D"),
            policy: DecisionPolicy { debits: nothing, credits: all },
        });
        self.frame(&writer);
    }
}

fn seal(kind: FrameKind, previous: Tail, time: Timestamp) -> SealInput {
    let durable_mark = previous.batch;
    SealInput { kind, identity: IDENTITY, previous, time, rules_version: 1, durable_mark, personal_key: 0 }
}

fn order(id: &str, to: &str, cents: i64, accepted: Timestamp) -> PaymentOrder {
    let party = |name| Party { name: Some(Text::parse(name).unwrap()), ..Party::default() };
    let mandatory = MandatoryParts {
        end_to_end_id: Text::parse("NOTPROVIDED").unwrap(),
        transaction_id: Text::parse_identifier(id).unwrap(),
        amount: Amount::from_minor_units(cents).unwrap(),
        currency: Currency::EUR,
        debtor: party("A payer"),
        debtor_account: iban("A1"),
        debtor_agent: bank("A"),
        creditor_agent: bank(&to[..1]),
        creditor: party("A payee"),
        creditor_account: iban(to),
    };
    PaymentOrder { acceptance_time: Some(accepted), ..mandatory.into_order() }
}
