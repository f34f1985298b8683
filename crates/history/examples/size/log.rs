//! The log that history takes in: made up by a process of its own, whose ledger takes no part of what is measured.
//!
//! What it writes is each frame behind its length (u32), and where a size is reached a length of 0 and the position before
//! the first payment (u64).

use std::collections::VecDeque;
use std::io::{BufWriter, Read, Write};
use std::ops::Range;
use std::process::{Child, ChildStdout, Command, Stdio};

use journal::{FrameBuilder, FrameKind, Identity, SealInput, SealedFrame, Tail};
use ledger::{
    AccountKind, AccountMode, AccountSelector, Direction, Ledger, Limits, LiquidityDirection, OpenAccount,
    Outcome, OutcomeEntry, Position, PostEntry, Profile, RecordWriter, Records, RegisterParticipant,
    RequestId, TransferLiquidity,
};
use types::{
    AccountNumber, Amount, Balance, Bic, Channel, ClusterId, Currency, Date, DigestKey, Duration, Iban,
    Incarnation, MandatoryParts, Party, PaymentOrder, PrincipalNumber, Shard, Text, Timestamp,
};

pub(crate) const KEY: DigestKey = DigestKey::new(*b"a key of digests");
pub(crate) const BANKS: u32 = 20;
const PER_FRAME: u64 = 1024;
const PER_DAY: u64 = 200_000;

/// The first argument of the process that makes the log.
pub(crate) const MAKE_LOG: &str = "make-log";

/// What comes from the process that makes the log.
pub(crate) enum Piece<'piece> {
    Frame(&'piece [u8]),
    /// A size is reached. The position is the one before the first payment.
    Size(u64),
}

/// The process that makes the log.
pub(crate) struct Log {
    process: Child,
    pipe: ChildStdout,
    frame: Vec<u8>,
}

impl Log {
    pub(crate) fn start(accounts: u32, payments: &[u64]) -> Self {
        let sizes: Vec<String> = payments.iter().map(u64::to_string).collect();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([MAKE_LOG, &accounts.to_string(), &sizes.join(",")]);
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let pipe = process.stdout.take().unwrap();
        Self { process, pipe, frame: Vec::new() }
    }

    /// The next piece, `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Piece<'_>> {
        let mut length = [0; 4];
        if self.pipe.read_exact(&mut length).is_err() {
            assert!(self.process.wait().unwrap().success(), "the log could not be made");
            return None;
        }
        let length = u32::from_le_bytes(length);
        if length == 0 {
            let mut first_payment = [0; 8];
            self.pipe.read_exact(&mut first_payment).unwrap();
            return Some(Piece::Size(u64::from_le_bytes(first_payment)));
        }
        self.frame.resize(usize::try_from(length).unwrap(), 0);
        self.pipe.read_exact(&mut self.frame).unwrap();
        Some(Piece::Frame(&self.frame))
    }
}

/// Makes the log: the task of that process.
pub(crate) fn make(accounts: u32, sizes: &[u64]) {
    let output = BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
    let mut maker = Maker::new(output, World { accounts });
    let mut done = 0;
    for payments in sizes {
        maker.pay(done..*payments);
        done = *payments;
    }
}

/// Who pays whom and when: the same for who makes the log and for who asks about it.
#[derive(Clone, Copy)]
pub(crate) struct World {
    pub(crate) accounts: u32,
}

impl World {
    /// Payer and payee of a payment, by the account's own number.
    pub(crate) fn sides(self, number: u64) -> (u32, u32) {
        let mut random = Random(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let accounts = u64::from(self.accounts);
        let (from, step) = (random.below(accounts), 1 + random.below(accounts - 1));
        let narrow = |account: u64| u32::try_from(account).unwrap();
        (narrow(from), narrow((from + step) % accounts))
    }

    pub(crate) fn time_of(self, number: u64) -> Timestamp {
        let seconds = 24 * 3600 + number / PER_FRAME * PER_FRAME * 24 * 3600 / PER_DAY;
        begin().plus(Duration::from_seconds(u32::try_from(seconds).unwrap()))
    }
}

/// The log, made up as it is told.
struct Maker<Output> {
    output: Output,
    world: World,
    builder: FrameBuilder,
    tail: Tail,
    ledger: Ledger,
    untold: VecDeque<OutcomeEntry>,
    time: Timestamp,
    numbers: Vec<AccountNumber>,
    first_payment: u64,
}

impl<Output: Write> Maker<Output> {
    fn new(output: Output, world: World) -> Self {
        let limits = Limits {
            accounts_max: usize::try_from(world.accounts).unwrap() + 1000,
            payments_max: 1 << 21,
            requests_max: 1 << 21,
        };
        let mut maker = Self {
            output,
            world,
            builder: FrameBuilder::new(1),
            tail: Tail::EMPTY,
            ledger: Ledger::new(limits),
            untold: VecDeque::new(),
            time: begin(),
            numbers: Vec::new(),
            first_payment: 0,
        };
        maker.frame(FrameKind::EpochStart, None);
        let mut writer = RecordWriter::new(KEY, PrincipalNumber(0));
        writer.genesis(identity().cluster, identity().incarnation);
        writer.set_profile(&Profile::sct_inst_2025());
        maker.frame(FrameKind::Commands, Some(&writer));
        maker.open_world();
        maker
    }

    fn open_world(&mut self) {
        let mut writer = writer();
        for number in 0..BANKS {
            let id = |what: &str| RequestId::parse(&format!("{what}-{number}")).unwrap();
            let (name, mode) = (Text::parse("A bank").unwrap(), AccountMode::Hosted);
            let (bic, currency) = (bank(number), Currency::EUR);
            writer.register_participant(&RegisterParticipant {
                request_id: id("register"),
                bic,
                name,
                mode,
                currency,
            });
            writer.transfer_liquidity(&TransferLiquidity {
                request_id: id("fund"),
                bic,
                direction: LiquidityDirection::Fund,
                amount: Amount::from_minor_units(99_000_000_000).unwrap(),
                currency,
                external_reference: Text::parse_identifier(&format!("FUND-{number}")).unwrap(),
            });
        }
        self.frame(FrameKind::Commands, Some(&writer));
        for first in (0..self.world.accounts).step_by(256) {
            let mut writer = self::writer();
            for number in first..(first + 256).min(self.world.accounts) {
                open(&mut writer, number);
            }
            self.frame(FrameKind::Commands, Some(&writer));
        }
        for number in 0..self.world.accounts {
            let found = self.ledger.account(&KEY, iban(number).as_str(), Currency::EUR);
            self.numbers.push(found.unwrap().0);
        }
        self.first_payment = self.tail.next_sequence.0;
        self.time = begin().plus(Duration::from_seconds(24 * 3600));
    }

    fn pay(&mut self, numbers: Range<u64>) {
        let mut next = numbers.start;
        while next < numbers.end {
            let mut writer = writer();
            let upto = (next / PER_FRAME * PER_FRAME + PER_FRAME).min(numbers.end);
            let accepted = self.world.time_of(next);
            for number in next..upto {
                let (from, to) = self.world.sides(number);
                let order = order(number, from, to, accepted);
                let hints = [from, to].map(|side| self.numbers[usize::try_from(side).unwrap()]);
                let debtor = KEY.iban(order.debtor_account.as_str());
                let hint = |account, _: Currency| if account == debtor { hints[0] } else { hints[1] };
                writer.payment(&order, accepted, Channel::Grpc, hint);
            }
            self.time = self.time.max(accepted);
            self.frame(FrameKind::Commands, Some(&writer));
            next = upto;
        }
        self.frame(FrameKind::Marker, None);
        self.output.write_all(&0_u32.to_le_bytes()).unwrap();
        self.output.write_all(&self.first_payment.to_le_bytes()).unwrap();
        self.output.flush().unwrap();
    }

    fn frame(&mut self, kind: FrameKind, writer: Option<&RecordWriter>) {
        self.time = self.time.plus(Duration::from_milliseconds(1));
        if let Some(writer) = writer {
            self.builder.push_records(writer.records(), writer.count());
            self.builder.push_personal(writer.texts());
        }
        for entry in self.untold.drain(..) {
            self.builder.push_outcome(entry.as_bytes());
        }
        let sealed = self.builder.seal(&SealInput {
            kind,
            identity: identity(),
            previous: self.tail,
            time: self.time,
            rules_version: 1,
            durable_mark: self.tail.batch,
            personal_key: 0,
        });
        self.tail = sealed.tail();
        self.apply(&sealed);
        let length = u32::try_from(sealed.bytes().len()).unwrap();
        self.output.write_all(&length.to_le_bytes()).unwrap();
        self.output.write_all(sealed.bytes()).unwrap();
        self.builder.recycle(sealed);
    }

    fn apply(&mut self, sealed: &SealedFrame) {
        let frame = sealed.view();
        let mut at = Position { sequence: frame.header().first_sequence, time: frame.header().time };
        self.ledger.reserve_for_frame(usize::try_from(frame.header().record_count).unwrap());
        self.ledger.tick(at);
        let decided = self.ledger.decided().iter().chain(self.ledger.holds_told());
        self.untold.extend(decided.map(Outcome::to_entry));
        for record in Records::with_texts(frame.records(), frame.texts()) {
            at.sequence = at.sequence.next();
            let outcome = self.ledger.apply(at, &record.unwrap()).unwrap();
            self.untold.push_back(outcome.to_entry());
        }
    }
}

/// The day on which it begins.
fn begin() -> Timestamp {
    Timestamp::from_civil(Date::parse("2026-01-05").unwrap(), 0, 0, 0, 0).unwrap()
}

fn writer() -> RecordWriter {
    RecordWriter::new(KEY, PrincipalNumber(1))
}

fn identity() -> Identity {
    Identity { cluster: ClusterId([7; 16]), shard: Shard(0), incarnation: Incarnation(1) }
}

/// The bank of an account.
pub(crate) fn bank(account: u32) -> Bic {
    let letter = char::from(b'A' + u8::try_from(account % BANKS).unwrap());
    Bic::parse(&format!("BAN{letter}BEBB")).unwrap()
}

pub(crate) fn iban(account: u32) -> Iban {
    Iban::with_check_digits("DE", &format!("{account:018}")).unwrap()
}

pub(crate) fn transaction_id(number: u64) -> String {
    format!("TX-{:016X}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

fn open(writer: &mut RecordWriter, number: u32) {
    let id = |what: &str| RequestId::parse(&format!("{what}-{number}")).unwrap();
    writer.open_account(&OpenAccount {
        request_id: id("open"),
        participant: bank(number),
        iban: iban(number),
        currency: Currency::EUR,
        kind: AccountKind::Current,
        floor: Balance::from_minor_units(0).unwrap(),
        holder_names: vec![Text::parse("A customer").unwrap()],
        identification: None,
    });
    writer.post_entry(&PostEntry {
        request_id: id("post"),
        account: AccountSelector { iban: iban(number), currency: Currency::EUR },
        direction: Direction::Credit,
        amount: Amount::from_minor_units(1_000_000_000).unwrap(),
        value_date: Date::parse("2026-01-05").unwrap(),
        booking_key: Text::parse("OPENING").unwrap(),
        core_reference: Text::parse_identifier("CORE-1").unwrap(),
    });
}

fn order(number: u64, from: u32, to: u32, accepted: Timestamp) -> PaymentOrder {
    let party = |name| Party { name: Some(Text::parse(name).unwrap()), ..Party::default() };
    let mandatory = MandatoryParts {
        end_to_end_id: Text::parse(&format!("E2E-{number}")).unwrap(),
        transaction_id: Text::parse_identifier(&transaction_id(number)).unwrap(),
        amount: Amount::from_minor_units(1 + i64::try_from(number % 9973).unwrap()).unwrap(),
        currency: Currency::EUR,
        debtor: party("A payer"),
        debtor_account: iban(from),
        debtor_agent: bank(from),
        creditor_agent: bank(to),
        creditor: party("A payee"),
        creditor_account: iban(to),
    };
    PaymentOrder { acceptance_time: Some(accepted), ..mandatory.into_order() }
}

/// Numbers that look random enough.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % end
    }
}
