//! A log of long ago: a folder as a node would have left it, with two banks and some payments between their customers.

use std::collections::VecDeque;
use std::io::Write as _;
use std::ops::Range;
use std::path::Path;
use std::time::Duration as Span;

use engine::Replayer;
use journal::{
    Append, FileStorage, FrameBuilder, FrameKind, Identity, Journal, LocalJournal, SealInput, SealedFrame,
    SegmentSize, Settings, Snapshots, Tail, Writer, key_of,
};
use ledger::{
    About, AccountKind, AccountMode, AccountSelector, Direction, Evidence, Ledger, Limits,
    LiquidityDirection, MessageName, OpenAccount, Outcome, OutcomeEntry, Passage, Position, PostEntry,
    Profile, RecordWriter, Records, RegisterParticipant, RequestId, TransferLiquidity,
};
use types::{
    AccountNumber, Amount, Balance, Bic, Channel, ClusterId, Currency, Date, DigestKey, Duration, Iban,
    Incarnation, MandatoryParts, Party, PaymentOrder, PrincipalNumber, Shard, Text, Timestamp,
};

use crate::{ALFA, BETA, ago, belgian, german, nanoseconds};

pub(crate) const KEY: DigestKey = DigestKey::new(*b"a key of digests");

/// Writes a log in which customer 1 of ALFA paid customer 1 of BETA 1.00, so often, so long ago: the transaction ids
/// are `OLD-1` and so on. Says when they were accepted.
///
/// # Panics
/// If the folder can't be written, or the time was before 1970.
pub fn write_old_log(folder: &Path, age: Span, payments: u32) -> Timestamp {
    write(folder, age, payments, Texts::Clear, MOMENT)
}

/// The same with so much time before each payment, so that they are of several days.
///
/// # Panics
/// As [`write_old_log`].
pub fn write_log_of_days(folder: &Path, age: Span, payments: u32, apart: Span) -> Timestamp {
    let apart = i64::try_from(apart.as_nanos()).ok().and_then(Duration::from_nanoseconds);
    write(folder, age, payments, Texts::Clear, apart.expect("no log lasts for centuries"))
}

/// The same as a node writes it that seals texts, with its keys, its master key in the folder, and the documents that the
/// payments came in.
///
/// # Panics
/// As [`write_old_log`].
pub fn write_sealed_old_log(folder: &Path, age: Span, payments: u32) -> Timestamp {
    write(folder, age, payments, Texts::Sealed, MOMENT)
}

/// A log of a minute ago of which there is a snapshot: in that, customer 1 of BETA has so much that so many
/// cents more are all that a balance can hold. No call brings that much money into an account in the time of a test.
///
/// # Panics
/// If the folder can't be written.
pub fn write_log_with_a_full_account(folder: &Path, room: i64) {
    let begin =
        i64::try_from(nanoseconds(&ago(Span::from_secs(60)))).expect("it is after 1970 and before 2262");
    let begin = Timestamp::from_nanoseconds(begin).expect("it is after 1970");
    // A log with a snapshot had keys, and a node does not start without.
    let log = write_log(folder, begin, 1, Texts::Sealed, MOMENT);
    let mut state = Vec::new();
    log.replayer.write_state(&mut state).expect("memory takes it");
    let digest = KEY.iban(Iban::parse(&german(1)).expect("an IBAN").as_str());
    fill(&mut state, &digest.0, Balance::MINOR_UNITS_MAX - room);
    let mut snapshot = log.snapshots.create(log.tail, 1).expect("the folder can be written");
    snapshot.write_all(&state).expect("the folder can be written");
    let header = snapshot.finish().expect("the folder can be written");
    log.snapshots.publish(&header).expect("the folder can be written");
}

/// Section 6 of a state, and in its items of 64 bytes: the balance, the digest of the number, whose book it is in with the
/// currency, and the kind.
const ACCOUNTS: u64 = 6;
const BALANCE: Range<usize> = 0..8;
const DIGEST: Range<usize> = 32..48;
const BOOK: Range<usize> = 56..62;
const KIND: usize = 62;
const CORE: u8 = 16;

/// Sets an account's balance, and lets the core account of its book have the opposite.
fn fill(state: &mut [u8], digest: &[u8; 16], wanted: i64) {
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let length = |bytes: &[u8]| usize::try_from(number(bytes)).expect("64 bits");
    let mut at = 0;
    while number(&state[at..at + 2]) != ACCOUNTS {
        at += 16 + length(&state[at + 4..at + 8]) * length(&state[at + 8..at + 16]);
    }
    let count = length(&state[at + 8..at + 16]);
    let accounts = &mut state[at + 16..at + 16 + 64 * count];
    let find = |accounts: &[u8], is_it: &dyn Fn(&[u8]) -> bool| {
        accounts.chunks_exact(64).position(is_it).expect("there is this account") * 64
    };
    let customer = find(accounts, &|account| account[DIGEST] == *digest);
    let book = accounts[customer..][BOOK].to_vec();
    let core = find(accounts, &|account| account[BOOK] == book[..] && account[KIND] == CORE);
    let balance = |account: &[u8]| i64::from_le_bytes(account[BALANCE].try_into().expect("8 bytes"));
    let more = wanted - balance(&accounts[customer..]);
    for (account, change) in [(customer, more), (core, -more)] {
        let changed = balance(&accounts[account..]) + change;
        accounts[account..][BALANCE].copy_from_slice(&changed.to_le_bytes());
    }
}

/// A document that came with a payment.
fn document_of(order: &PaymentOrder) -> Evidence {
    let name = order.debtor.name.as_ref().expect("the payer has a name");
    let document = format!("<Document><Nm>{}</Nm></Document>", name.as_str());
    Evidence {
        about: About::RecordBefore,
        passage: Passage::Received,
        message_name: MessageName::parse("pacs.008.001.08").expect("a message's name"),
        counterpart: None,
        document_length: u32::try_from(document.len()).expect("it is short"),
        compressed: iso20022::compress_evidence(document.as_bytes()),
    }
}

/// How names and account numbers stand in a log.
#[derive(Clone, Copy)]
pub(crate) enum Texts {
    Clear,
    Sealed,
}

/// Between two frames.
const MOMENT: Duration = Duration::from_milliseconds(1);

fn write(folder: &Path, age: Span, payments: u32, texts: Texts, apart: Duration) -> Timestamp {
    let begin = i64::try_from(nanoseconds(&ago(age))).expect("it is after 1970 and before 2262");
    let begin = Timestamp::from_nanoseconds(begin).expect("it is after 1970");
    write_log(folder, begin, payments, texts, apart);
    begin
}

fn write_log(folder: &Path, begin: Timestamp, payments: u32, texts: Texts, apart: Duration) -> OldLog {
    let mut log = OldLog::create(folder, begin, texts, 1);
    log.begin();
    let mut commands = writer();
    for (bic, iban) in [(ALFA, belgian(1)), (BETA, german(1))] {
        enter(&mut commands, bic, &iban);
    }
    log.append(FrameKind::Commands, &commands);
    for number in 1..=payments {
        let mut commands = writer();
        // Close to each other they are all of the same time; else each is of its own.
        let accepted = if apart > MOMENT { log.time.plus(apart) } else { begin };
        let order = order(&format!("OLD-{number}"), accepted);
        commands.payment(&order, accepted, Channel::Grpc, |_, _| AccountNumber(0));
        if let Texts::Sealed = texts {
            commands.evidence(&document_of(&order));
        }
        log.append_after(apart, FrameKind::Commands, &commands);
        if apart > MOMENT {
            // What a frame decided is told within 10 ms.
            log.append(FrameKind::Marker, &writer());
        }
    }
    log.append(FrameKind::Marker, &writer());
    log
}

pub(crate) struct OldLog {
    identity: Identity,
    rules_version: u32,
    writer: Box<dyn Writer>,
    snapshots: Snapshots<FileStorage>,
    builder: FrameBuilder,
    tail: Tail,
    pub(crate) time: Timestamp,
    pub(crate) ledger: Ledger,
    untold: VecDeque<OutcomeEntry>,
    /// What a node makes of the frames, and writes into its snapshots.
    replayer: Replayer,
}

impl OldLog {
    pub(crate) fn create(folder: &Path, time: Timestamp, texts: Texts, rules_version: u32) -> Self {
        let identity =
            Identity { cluster: ClusterId([0x0D; 16]), shard: Shard(0), incarnation: Incarnation(77) };
        let segment_size = SegmentSize::new(4 << 20).expect("4 MiB are whole blocks");
        let storage = FileStorage::create(folder).expect("the folder can be written");
        let mut tag = 0;
        let entropy = Box::new(move || {
            tag += 1;
            tag
        });
        let settings = Settings { segment_size, entropy };
        let mut journal = LocalJournal::create(storage, identity, settings).expect("the folder is empty");
        let limits = Limits { accounts_max: 64, payments_max: 4096, requests_max: 4096 };
        let mut builder = match texts {
            Texts::Clear => FrameBuilder::new(1),
            Texts::Sealed => {
                make_keys(&journal, time);
                FrameBuilder::sealing(1, journal.keyring())
            }
        };
        let mut ledger = Ledger::new(limits);
        ledger.begin_under(rules_version);
        let place = (identity, Tail::EMPTY, rules_version);
        let mut first = seal(&mut builder, place, FrameKind::EpochStart, time);
        let writer = journal.claim(&Tail::EMPTY, &mut first).expect("nobody else has the log");
        ledger.tick(Position { sequence: first.header().first_sequence, time });
        let mut replayer = Replayer::new(limits);
        replayer.frame(&first.view()).expect("it begins with this frame");
        let tail = first.tail();
        builder.recycle(first);
        let (writer, snapshots, untold) = (Box::new(writer), journal.snapshots(), VecDeque::new());
        Self { identity, rules_version, writer, snapshots, builder, tail, time, ledger, untold, replayer }
    }

    /// The commands that every log begins with.
    pub(crate) fn begin(&mut self) {
        let mut commands = RecordWriter::new(KEY, PrincipalNumber(0));
        commands.genesis(self.identity.cluster, self.identity.incarnation);
        commands.set_profile(&Profile::sct_inst_2025());
        self.append(FrameKind::Commands, &commands);
    }

    pub(crate) const fn incarnation(&self) -> Incarnation {
        self.identity.incarnation
    }

    pub(crate) fn append(&mut self, kind: FrameKind, commands: &RecordWriter) {
        self.append_after(MOMENT, kind, commands);
    }

    fn append_after(&mut self, apart: Duration, kind: FrameKind, commands: &RecordWriter) {
        self.time = self.time.plus(apart);
        if commands.count() > 0 {
            self.builder.push_records(commands.records(), commands.count());
            self.builder.push_personal(commands.texts());
        }
        self.untold.drain(..).for_each(|entry| self.builder.push_outcome(entry.as_bytes()));
        let place = (self.identity, self.tail, self.rules_version);
        let mut frame = seal(&mut self.builder, place, kind, self.time);
        let Append::Durable = self.writer.append(&mut frame) else { panic!("the disk takes the frame") };
        self.tail = frame.tail();
        self.apply(&frame);
        self.builder.recycle(frame);
    }

    fn apply(&mut self, frame: &SealedFrame) {
        let frame = frame.view();
        self.replayer.frame(&frame).expect("what it tells is what it comes to");
        let mut at = Position { sequence: frame.header().first_sequence, time: frame.header().time };
        self.ledger.reserve_for_frame(16);
        self.ledger.tick(at);
        for record in Records::with_texts(frame.records(), frame.texts()) {
            at.sequence = at.sequence.next();
            let record = record.expect("the writer wrote it");
            let outcome: Outcome = self.ledger.apply(at, &record).expect("the log has begun");
            self.untold.push_back(outcome.to_entry());
        }
    }
}

/// Keys of the first two days, for a log whose key of digests is its own.
fn make_keys(journal: &LocalJournal<FileStorage>, begin: Timestamp) {
    let mut number = 0;
    let mut entropy = move || {
        number += 1;
        number
    };
    let (master, _) = journal.master_in_folder(&mut entropy).expect("the folder can be written");
    let first = key_of(begin);
    let keys = journal.create_keys(master, Some(first), &mut entropy);
    let made = keys.and_then(|mut keys| keys.keep(first..=first + 1, &mut entropy));
    assert_eq!(made.expect("keys can be made"), 2);
}

fn seal(
    builder: &mut FrameBuilder,
    (identity, previous, rules_version): (Identity, Tail, u32),
    kind: FrameKind,
    time: Timestamp,
) -> SealedFrame {
    let durable_mark = previous.batch;
    let personal_key = builder.key_of(time).unwrap_or(0);
    builder.seal(&SealInput { kind, identity, previous, time, rules_version, durable_mark, personal_key })
}

pub(crate) fn writer() -> RecordWriter {
    RecordWriter::new(KEY, PrincipalNumber(1))
}

pub(crate) fn enter(commands: &mut RecordWriter, bic: &str, iban: &str) {
    let request = |what: &str| RequestId::parse(&format!("{what}-{bic}")).expect("printable characters");
    let (bic, iban) = (Bic::parse(bic).expect("a BIC"), Iban::parse(iban).expect("an IBAN"));
    let currency = Currency::EUR;
    let name = Text::parse("A bank").expect("a name");
    let mode = AccountMode::Hosted;
    commands.register_participant(&RegisterParticipant {
        request_id: request("register"),
        bic,
        name,
        mode,
        currency,
    });
    commands.transfer_liquidity(&TransferLiquidity {
        request_id: request("fund"),
        bic,
        direction: LiquidityDirection::Fund,
        amount: euro_cents(1_000_000),
        currency,
        external_reference: Text::parse_identifier("FUND-1").expect("an identifier"),
    });
    commands.open_account(&OpenAccount {
        request_id: request("open"),
        participant: bic,
        iban,
        currency,
        kind: AccountKind::Current,
        floor: Balance::ZERO,
        holder_names: vec![Text::parse("A customer").expect("a name")],
        identification: None,
    });
    commands.post_entry(&PostEntry {
        request_id: request("post"),
        account: AccountSelector { iban, currency },
        direction: Direction::Credit,
        amount: euro_cents(100_000),
        value_date: Date::parse("2026-01-05").expect("a date"),
        booking_key: Text::parse_identifier("SALARY").expect("an identifier"),
        core_reference: Text::parse_identifier("CORE-1").expect("an identifier"),
    });
}

pub(crate) fn euro_cents(cents: i64) -> Amount {
    Amount::from_minor_units(cents).expect("more than nothing")
}

pub(crate) fn order(id: &str, accepted: Timestamp) -> PaymentOrder {
    let party = |name| Party { name: Some(Text::parse(name).expect("a name")), ..Party::default() };
    let iban = |text: String| Iban::parse(&text).expect("an IBAN");
    let mandatory = MandatoryParts {
        end_to_end_id: Text::parse("A BILL OF OLD").expect("a reference"),
        transaction_id: Text::parse_identifier(id).expect("an identifier"),
        amount: euro_cents(100),
        currency: Currency::EUR,
        debtor: party("Ines Aerts"),
        debtor_account: iban(belgian(1)),
        debtor_agent: Bic::parse(ALFA).expect("a BIC"),
        creditor_agent: Bic::parse(BETA).expect("a BIC"),
        creditor: party("Paul Brandt"),
        creditor_account: iban(german(1)),
    };
    PaymentOrder { acceptance_time: Some(accepted), ..mandatory.into_order() }
}
