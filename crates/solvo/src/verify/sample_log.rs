//! Small logs for tests: one written by a real engine, others by hand so that they can be wrong.

use std::path::Path;
use std::sync::mpsc;

use engine::{Config, Engine, Handle, Replayer, Waiting};
use journal::{
    Append, FileStorage, FrameBuilder, FrameKind, Identity, Journal, LocalJournal, LocalWriter, Location,
    Reader, SealInput, SealedFrame, SegmentSize, Settings, Tail, Writer,
};
use ledger::{
    AccountKind, AccountMode, AccountSelector, Direction, Limits, LiquidityDirection, OpenAccount, Outcome,
    OutcomeEntry, PostEntry, Profile, RULES_VERSION, RecordWriter, RefusedBody, RefusedPayment,
    RegisterParticipant, RequestId, TransferLiquidity,
};
use types::{
    AccountNumber, Address, Amount, Balance, BatchNumber, Bic, Channel, ClusterId, Currency, Date, DigestKey,
    Iban, Incarnation, MandatoryParts, Party, PaymentOrder, PrincipalNumber, ReasonCode, Remittance, Shard,
    Text, Timestamp,
};

pub(crate) const DEBTOR_IBAN: &str = "BE68539007547034";
pub(crate) const CREDITOR_IBAN: &str = "DE89370400440532013000";

/// What nobody may see unless they ask for it.
pub(crate) const PERSONAL: [&str; 7] = [
    DEBTOR_IBAN,
    CREDITOR_IBAN,
    "Anna Peeters",
    "Bernd Schmidt",
    "Rue de la Loi 16",
    "Rent for November",
    "RENT-11",
];

const SEGMENT_SIZE: SegmentSize = SegmentSize::new(1 << 20).expect("a whole number of blocks");

/// Starts an engine on a folder.
pub(crate) fn start(folder: &Path) -> Engine {
    start_with(folder, SEGMENT_SIZE, engine::FollowerSettings::default())
}

/// The same with snapshots as a test wants them.
pub(crate) fn start_with(
    folder: &Path,
    segment_size: SegmentSize,
    follower: engine::FollowerSettings,
) -> Engine {
    start_with_room(folder, 1000, segment_size, follower)
}

/// The same with room in memory for so many payments.
pub(crate) fn start_with_room(
    folder: &Path,
    payments_max: usize,
    segment_size: SegmentSize,
    follower: engine::FollowerSettings,
) -> Engine {
    let limits = Limits { accounts_max: 1000, payments_max, requests_max: 1000 };
    engine::start(&Config {
        folder: folder.to_owned(),
        segment_size,
        limits,
        payments_ready: 0,
        commands_per_second_max: None,
        master_key: None,
        follower,
        is_parallel: false,
    })
    .unwrap()
}

/// Submits commands and waits for their outcomes.
pub(crate) fn submit(handle: &Handle, commands: RecordWriter) -> Vec<Outcome> {
    let (sender, outcomes) = mpsc::channel();
    let sink = move |outcomes: &[Outcome], _: &mut Waiting<'_>| sender.send(outcomes.to_vec()).unwrap();
    handle.submit(commands, Box::new(sink)).unwrap();
    outcomes.recv().unwrap()
}

/// Two banks, two accounts, one payment each that is settled, rejected, refused on reading and repeated, each
/// list of commands a frame of its own at least. Returns the outcomes of the payments.
pub(crate) fn fill(handle: &Handle) -> Vec<Outcome> {
    let mut commands = handle.commands(PrincipalNumber(1));
    banks_and_accounts(&mut commands);
    let done = submit(handle, commands);
    assert_eq!(done.len(), 6);
    let mut commands = handle.commands(PrincipalNumber(1));
    payments(&mut commands, handle.now());
    submit(handle, commands)
}

/// A log that an engine has written and left.
pub(crate) fn written(folder: &Path) -> Vec<Outcome> {
    let engine = start(folder);
    let outcomes = fill(&engine.handle());
    engine.stop();
    outcomes
}

/// A log with two snapshots and an archive: the sample, and then one request again and again.
pub(crate) fn written_with_snapshots(folder: &Path) {
    let follower =
        engine::FollowerSettings { snapshot_after_bytes: 100 << 10, ..engine::FollowerSettings::default() };
    let engine = start_with(folder, SegmentSize::new(64 << 10).expect("whole blocks"), follower);
    let handle = engine.handle();
    fill(&handle);
    while handle.follower().snapshot.is_none_or(|snapshot| snapshot.number < 3) {
        let mut commands = handle.commands(PrincipalNumber(1));
        banks_and_accounts(&mut commands);
        submit(&handle, commands);
    }
    engine.stop();
}

/// Where each frame lies.
pub(crate) fn locations(folder: &Path) -> Vec<(BatchNumber, Location)> {
    let reader = Reader::open(FileStorage::open(folder).unwrap()).unwrap();
    let mut locations = Vec::new();
    let note = &mut |frame: &journal::FrameView<'_>, location| {
        locations.push((frame.header().batch, location));
        Ok(())
    };
    reader.read(BatchNumber(0), note).unwrap();
    locations
}

/// A log that a test writes frame by frame, the same bytes every time.
pub(crate) struct HandWritten {
    writer: LocalWriter<FileStorage>,
    builder: FrameBuilder,
    identity: Identity,
    tail: Tail,
    replayer: Option<Replayer>,
    /// The rules that the next frames name.
    pub(crate) rules_version: u32,
    /// The key that seals the next frames' texts, by their own account.
    pub(crate) personal_key: u32,
}

impl HandWritten {
    /// A log of one frame, the start of its epoch.
    pub(crate) fn new(folder: &Path) -> Self {
        let identity = Identity { cluster: ClusterId([1; 16]), shard: Shard(0), incarnation: Incarnation(2) };
        let settings = Settings { segment_size: SEGMENT_SIZE, entropy: Box::new(|| 3) };
        let storage = FileStorage::open(folder).unwrap();
        let mut journal = LocalJournal::create(storage, identity, settings).unwrap();
        let tail = journal.read(BatchNumber(0), &mut |_, _| Ok(())).unwrap();
        let mut builder = FrameBuilder::new(1);
        let mut first = builder.seal(&seal_input(FrameKind::EpochStart, identity, tail));
        let writer = journal.claim(&tail, &mut first).unwrap();
        let mut replayer = Replayer::new(Limits { accounts_max: 9, payments_max: 9, requests_max: 9 });
        replayer.frame(&first.view()).unwrap();
        let tail = first.tail();
        Self {
            writer,
            builder,
            identity,
            tail,
            replayer: Some(replayer),
            rules_version: RULES_VERSION,
            personal_key: 0,
        }
    }

    /// An empty list of commands.
    pub(crate) fn commands() -> RecordWriter {
        RecordWriter::new(DigestKey::new([7; 16]), PrincipalNumber(1))
    }

    /// The commands with which a log begins.
    pub(crate) fn genesis(&self) -> RecordWriter {
        let mut commands = Self::commands();
        commands.genesis(self.identity.cluster, self.identity.incarnation);
        commands.set_profile(&Profile::sct_inst_2025());
        commands
    }

    /// The time of the next frame.
    pub(crate) fn time(&self) -> Timestamp {
        seal_input(FrameKind::Commands, self.identity, self.tail).time
    }

    /// Appends a frame of commands.
    pub(crate) fn append(&mut self, commands: &RecordWriter) {
        self.append_with_texts(commands, commands.texts());
    }

    /// Appends a frame of commands with these texts instead of their own.
    pub(crate) fn append_with_texts(&mut self, commands: &RecordWriter, texts: &[u8]) {
        commands.split().for_each(|record| self.builder.push_record(record));
        self.builder.push_personal(texts);
        let frame = self.write(FrameKind::Commands);
        if let Some(replayer) = &mut self.replayer
            && replayer.frame(&frame.view()).is_err()
        {
            self.replayer = None;
        }
    }

    /// Appends a marker that tells all outcomes, as `alter` leaves them, and ends the log.
    pub(crate) fn tell(mut self, alter: impl FnOnce(&mut Vec<Vec<u8>>)) {
        let replayer = self.replayer.take().expect("frames that replay");
        let (_, untold) = replayer.finish();
        let mut entries: Vec<Vec<u8>> = untold.iter().map(|entry| entry.as_bytes().to_vec()).collect();
        alter(&mut entries);
        entries.iter().for_each(|entry| self.builder.push_outcome(entry));
        self.write(FrameKind::Marker);
    }

    fn write(&mut self, kind: FrameKind) -> SealedFrame {
        let mut frame = self.builder.seal(&SealInput {
            rules_version: self.rules_version,
            personal_key: self.personal_key,
            ..seal_input(kind, self.identity, self.tail)
        });
        assert!(matches!(self.writer.append(&mut frame), Append::Durable));
        self.tail = frame.tail();
        frame
    }
}

/// Frames are a second apart.
fn seal_input(kind: FrameKind, identity: Identity, previous: Tail) -> SealInput {
    let seconds = 1_800_000_000 + i64::try_from(previous.batch.0).unwrap();
    SealInput {
        kind,
        identity,
        previous,
        time: Timestamp::from_nanoseconds(seconds * 1_000_000_000).unwrap(),
        rules_version: RULES_VERSION,
        durable_mark: previous.batch,
        personal_key: 0,
    }
}

/// Where in a stored outcome entry the payer's balance stands.
pub(crate) const ENTRY_BALANCE: usize = 32;
/// Where in a stored outcome entry status, a reserved byte and code stand.
pub(crate) const ENTRY_STATUS: usize = 18;
const _: () = assert!(OutcomeEntry::SIZE == 64);

/// Six commands: two banks enter, each with one account; money reaches the payer and its bank.
pub(crate) fn banks_and_accounts(commands: &mut RecordWriter) {
    let parties = [
        ("SLVOBEBB", "Bank B", DEBTOR_IBAN, "Anna Peeters"),
        ("SLVODEFF", "Bank D", CREDITOR_IBAN, "Bernd Schmidt"),
    ];
    for (bic, name, iban, holder) in parties {
        commands.register_participant(&RegisterParticipant {
            request_id: RequestId::parse(&format!("register-{bic}")).unwrap(),
            bic: Bic::parse(bic).unwrap(),
            name: Text::parse(name).unwrap(),
            mode: AccountMode::Hosted,
            currency: Currency::EUR,
        });
        commands.open_account(&OpenAccount {
            request_id: RequestId::parse(&format!("open-{bic}")).unwrap(),
            participant: Bic::parse(bic).unwrap(),
            iban: Iban::parse(iban).unwrap(),
            currency: Currency::EUR,
            kind: AccountKind::Current,
            floor: Balance::ZERO,
            holder_names: vec![Text::parse(holder).unwrap()],
            identification: None,
        });
    }
    commands.post_entry(&PostEntry {
        request_id: RequestId::parse("salary").unwrap(),
        account: AccountSelector { iban: Iban::parse(DEBTOR_IBAN).unwrap(), currency: Currency::EUR },
        direction: Direction::Credit,
        amount: Amount::parse("100.00", Currency::EUR).unwrap(),
        value_date: Date::parse("2026-11-21").unwrap(),
        booking_key: Text::parse("SALA").unwrap(),
        core_reference: Text::parse("C-1").unwrap(),
    });
    commands.transfer_liquidity(&TransferLiquidity {
        request_id: RequestId::parse("fund").unwrap(),
        bic: Bic::parse("SLVOBEBB").unwrap(),
        direction: LiquidityDirection::Fund,
        amount: Amount::parse("50.00", Currency::EUR).unwrap(),
        currency: Currency::EUR,
        external_reference: Text::parse("T2-0001").unwrap(),
    });
}

/// Four payments: one settles, one asks for too much, one was refused on reading, one repeats the first.
pub(crate) fn payments(commands: &mut RecordWriter, time: Timestamp) {
    pay(commands, "T1", "10.00", time);
    pay(commands, "T2", "1000.00", time);
    commands.refused_payment(&RefusedPayment {
        debtor_agent: Bic::parse("SLVOBEBB").unwrap(),
        creditor_agent: None,
        transaction_id: Text::parse_identifier("T3").unwrap(),
        acceptance_time: None,
        reason: ReasonCode::parse("FF01").unwrap(),
        path: "/Document/FIToFICstmrCdtTrf/CdtTrfTxInf/ChrgBr".into(),
        body: RefusedBody::Parts(b"body".to_vec()),
        channel: Channel::Iso20022,
        not_entitled: false,
    });
    pay(commands, "T1", "10.00", time);
}

/// One payment from the Belgian account to the German one.
pub(crate) fn pay(commands: &mut RecordWriter, transaction_id: &str, amount: &str, time: Timestamp) {
    let order = order(transaction_id, amount, time);
    commands.payment(&order, time, Channel::Grpc, |_, _| AccountNumber(0));
}

fn order(transaction_id: &str, amount: &str, time: Timestamp) -> PaymentOrder {
    let debtor_address = Address {
        street_name: Some(Text::parse("Rue de la Loi 16").unwrap()),
        country: Some(Text::parse("BE").unwrap()),
        ..Address::default()
    };
    let party = |name, address| Party { name: Some(Text::parse(name).unwrap()), address, ..Party::default() };
    let mandatory = MandatoryParts {
        end_to_end_id: Text::parse("RENT-11").unwrap(),
        transaction_id: Text::parse_identifier(transaction_id).unwrap(),
        amount: Amount::parse(amount, Currency::EUR).unwrap(),
        currency: Currency::EUR,
        debtor: party("Anna Peeters", Some(debtor_address)),
        debtor_account: Iban::parse(DEBTOR_IBAN).unwrap(),
        debtor_agent: Bic::parse("SLVOBEBB").unwrap(),
        creditor_agent: Bic::parse("SLVODEFF").unwrap(),
        creditor: party("Bernd Schmidt", None),
        creditor_account: Iban::parse(CREDITOR_IBAN).unwrap(),
    };
    PaymentOrder {
        message_id: Some(Text::parse("M1").unwrap()),
        acceptance_time: Some(time),
        remittance: Some(Remittance::Unstructured(Text::parse("Rent for November").unwrap())),
        ..mandatory.into_order()
    }
}
