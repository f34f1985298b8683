//! How large history is, how fast it grows and how fast it answers: one JSON object for each size.
//!
//! ```sh
//! cargo run --release -p history --example size -- --payments 10000000,20000000 --accounts 1000000 --folder ./size
//! ```
//!
//! The log is made up beside it and stored nowhere: payments between random accounts of twenty banks, two hundred
//! thousand a day. Only history's own time is counted. A `--folder` is emptied first; without one it is a temporary one.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration as Span, Instant};

use history::{Indexer, Moment, Order, PaymentQuery, Store, View};
use journal::{FrameBuilder, FrameKind, Identity, SealInput, SealedFrame, Tail};
use ledger::{
    AccountKind, AccountMode, AccountSelector, Direction, Ledger, Limits, LiquidityDirection, OpenAccount,
    Outcome, OutcomeEntry, Position, PostEntry, Profile, RecordWriter, Records, RegisterParticipant,
    RequestId, TransferLiquidity,
};
use types::{
    AccountNumber, Amount, Balance, Bic, Channel, ClusterId, Currency, Date, DigestKey, Duration, Iban,
    Incarnation, MandatoryParts, Party, PaymentOrder, PrincipalNumber, Sequence, Shard, Text, Timestamp,
};

/// The allocator of the real binary, so that its time is that of a node.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const KEY: DigestKey = DigestKey::new(*b"a key of digests");
const BANKS: u32 = 20;
const PER_FRAME: u64 = 1024;
const PER_DAY: u64 = 200_000;
/// Items that wait until they are committed: what comes in a tenth of a second under load.
const ITEMS_PER_COMMIT: usize = 1 << 16;
/// Look-ups of each kind.
const LOOK_UPS: u32 = 20_000;

struct Options {
    payments: Vec<u64>,
    accounts: u32,
    folder: Option<PathBuf>,
}

impl Options {
    fn read() -> Result<Self, String> {
        let mut options = Self { payments: vec![1_000_000], accounts: 100_000, folder: None };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            let number = |text: &str| text.parse::<u64>().map_err(|error| format!("{name}: {error}"));
            match name.as_str() {
                "--payments" => options.payments = value.split(',').map(number).collect::<Result<_, _>>()?,
                "--accounts" => {
                    options.accounts = u32::try_from(number(&value)?).map_err(|error| error.to_string())?
                }
                "--folder" => options.folder = Some(value.into()),
                _ => return Err(format!("{name}? there are --payments N,N, --accounts N and --folder DIR")),
            }
        }
        options.payments.sort_unstable();
        Ok(options)
    }
}

fn main() -> Result<(), String> {
    let options = Options::read()?;
    let temporary = tempfile::tempdir().unwrap();
    let folder = options.folder.clone().unwrap_or_else(|| temporary.path().to_owned());
    let _ = std::fs::remove_dir_all(&folder);
    let store = Store::open(&folder).unwrap();
    let mut feed = Feed::new(Indexer::open(Arc::clone(&store), Some(KEY)).unwrap(), options.accounts);
    let mut done = 0;
    for payments in &options.payments {
        let (before, slice) = (feed.spent, payments - done);
        feed.pay(done..*payments);
        done = *payments;
        store.flush().unwrap();
        report(&folder, &store, &feed, done, slice, feed.spent - before);
    }
    Ok(())
}

fn report(folder: &Path, store: &Arc<Store>, feed: &Feed, payments: u64, slice: u64, spent: Span) {
    let spaces = store.disk_bytes();
    let bytes: u64 = spaces.iter().map(|(_, bytes)| bytes).sum();
    let listed: Vec<String> = spaces.iter().map(|(name, bytes)| format!("\"{name}\":{bytes}")).collect();
    let view = View::new(store).unwrap().unwrap();
    let look_ups: Vec<String> = look_ups(&view, feed, payments)
        .into_iter()
        .map(|(name, [p50, p99, max])| {
            format!("\"{name}\":{{\"p50_us\":{p50},\"p99_us\":{p99},\"max_us\":{max}}}")
        })
        .collect();
    println!(
        "{{\"payments\":{payments},\"accounts\":{},\"bytes\":{bytes},\"bytes_per_payment\":{:.1},\"spaces\":{{{}}},\
         \"folder_bytes\":{},\"payments_per_second\":{:.0},\"look_ups\":{{{}}},\"resident_bytes\":{}}}",
        feed.accounts,
        bytes as f64 / payments as f64,
        listed.join(","),
        folder_bytes(folder),
        slice as f64 / spent.as_secs_f64(),
        look_ups.join(","),
        resident_bytes(),
    );
}

/// Each kind of look-up, in microseconds.
fn look_ups(view: &View, feed: &Feed, payments: u64) -> Vec<(&'static str, [u64; 3])> {
    let mut random = Random(payments | 1);
    let mut measure = |name, ask: &mut dyn FnMut(&mut Random)| {
        let mut spans: Vec<u64> = (0..LOOK_UPS)
            .map(|_| {
                let began = Instant::now();
                ask(&mut random);
                u64::try_from(began.elapsed().as_micros()).unwrap()
            })
            .collect();
        spans.sort_unstable();
        let at = |share: usize| spans[spans.len() * share / 100];
        (name, [at(50), at(99), spans[spans.len() - 1]])
    };
    let account = |random: &mut Random| {
        let number = u32::try_from(random.below(u64::from(feed.accounts))).unwrap();
        view.account(KEY.iban(iban(number).as_str()), Currency::EUR).unwrap().unwrap()
    };
    let last = view.watermark().told.0;
    vec![
        measure("by_id", &mut |random| {
            // Some positions are frames' own.
            view.payment(Sequence(feed.first_payment + random.below(last - feed.first_payment))).unwrap();
        }),
        measure("by_transaction_id", &mut |random| {
            let number = random.below(payments);
            let debtor = bank(feed.sides(number).0);
            let found =
                view.payment_by_key(&KEY, debtor, &transaction_id(number), Some(feed.time_of(number)));
            assert!(found.unwrap().is_some());
        }),
        measure("by_transaction_id_of_any_day", &mut |random| {
            let number = random.below(payments);
            let found = view.payment_by_key(&KEY, bank(feed.sides(number).0), &transaction_id(number), None);
            assert!(found.unwrap().is_some());
        }),
        measure("by_end_to_end_id_of_a_day", &mut |random| {
            let number = random.below(payments);
            let day = feed.time_of(number).date();
            let id = format!("E2E-{number}");
            view.payments_by_end_to_end_id(&KEY, &id, (day, day), None, 10, |_| true).unwrap();
        }),
        measure("balance_at_a_time", &mut |random| {
            let moment = Moment::Time(feed.time_of(random.below(payments)));
            view.balance(&account(random), moment).unwrap();
        }),
        measure("last_entries_of_an_account", &mut |random| {
            view.entries(account(random).owner, (None, None), Order::NewestFirst, None, 20).unwrap();
        }),
        measure("last_payments_of_a_bank", &mut |random| {
            let bank = bank(u32::try_from(random.below(u64::from(BANKS))).unwrap());
            view.payments(&PaymentQuery::all(Some(bank), Order::NewestFirst), None, 20).unwrap();
        }),
    ]
}

/// The log, made up as it is taken in.
struct Feed {
    indexer: Indexer,
    builder: FrameBuilder,
    tail: Tail,
    ledger: Ledger,
    untold: VecDeque<OutcomeEntry>,
    begin: Timestamp,
    time: Timestamp,
    accounts: u32,
    numbers: Vec<AccountNumber>,
    first_payment: u64,
    spent: Span,
}

impl Feed {
    fn new(indexer: Indexer, accounts: u32) -> Self {
        let begin = Timestamp::from_civil(Date::parse("2026-01-05").unwrap(), 0, 0, 0, 0).unwrap();
        let limits = Limits {
            accounts_max: usize::try_from(accounts).unwrap() + 1000,
            payments_max: 1 << 21,
            requests_max: 1 << 21,
        };
        let mut feed = Self {
            indexer,
            builder: FrameBuilder::new(1),
            tail: Tail::EMPTY,
            ledger: Ledger::new(limits),
            untold: VecDeque::new(),
            begin,
            time: begin,
            accounts,
            numbers: Vec::new(),
            first_payment: 0,
            spent: Span::ZERO,
        };
        feed.frame(FrameKind::EpochStart, None);
        let mut writer = RecordWriter::new(KEY, PrincipalNumber(0));
        writer.genesis(identity().cluster, identity().incarnation);
        writer.set_profile(&Profile::sct_inst_2025());
        feed.frame(FrameKind::Commands, Some(&writer));
        feed.open_world();
        feed
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
        for first in (0..self.accounts).step_by(256) {
            let mut writer = self::writer();
            for number in first..(first + 256).min(self.accounts) {
                open(&mut writer, number);
            }
            self.frame(FrameKind::Commands, Some(&writer));
        }
        for number in 0..self.accounts {
            let found = self.ledger.account(&KEY, iban(number).as_str(), Currency::EUR);
            self.numbers.push(found.unwrap().0);
        }
        self.first_payment = self.tail.next_sequence.0;
        self.time = self.begin.plus(Duration::from_seconds(24 * 3600));
    }

    /// Payer and payee of a payment, by the account's own number.
    fn sides(&self, number: u64) -> (u32, u32) {
        let mut random = Random(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let accounts = u64::from(self.accounts);
        let (from, step) = (random.below(accounts), 1 + random.below(accounts - 1));
        let narrow = |account: u64| u32::try_from(account).unwrap();
        (narrow(from), narrow((from + step) % accounts))
    }

    fn time_of(&self, number: u64) -> Timestamp {
        let seconds = 24 * 3600 + number / PER_FRAME * PER_FRAME * 24 * 3600 / PER_DAY;
        self.begin.plus(Duration::from_seconds(u32::try_from(seconds).unwrap()))
    }

    fn pay(&mut self, numbers: std::ops::Range<u64>) {
        let mut next = numbers.start;
        while next < numbers.end {
            let mut writer = writer();
            let upto = (next / PER_FRAME * PER_FRAME + PER_FRAME).min(numbers.end);
            let accepted = self.time_of(next);
            for number in next..upto {
                let (from, to) = self.sides(number);
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
        let began = Instant::now();
        self.indexer.commit().unwrap();
        self.spent += began.elapsed();
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
        let began = Instant::now();
        self.indexer.step(&sealed.view()).unwrap();
        if self.indexer.waiting() >= ITEMS_PER_COMMIT {
            self.indexer.commit().unwrap();
        }
        self.spent += began.elapsed();
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

fn writer() -> RecordWriter {
    RecordWriter::new(KEY, PrincipalNumber(1))
}

fn identity() -> Identity {
    Identity { cluster: ClusterId([7; 16]), shard: Shard(0), incarnation: Incarnation(1) }
}

/// The bank of an account.
fn bank(account: u32) -> Bic {
    let letter = char::from(b'A' + u8::try_from(account % BANKS).unwrap());
    Bic::parse(&format!("BAN{letter}BEBB")).unwrap()
}

fn iban(account: u32) -> Iban {
    Iban::with_check_digits("DE", &format!("{account:018}")).unwrap()
}

fn transaction_id(number: u64) -> String {
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

fn folder_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| match entry.file_type().unwrap().is_dir() {
            true => folder_bytes(&entry.path()),
            false => entry.metadata().unwrap().len(),
        })
        .sum()
}

/// What the process takes, the ledger that decides included. 0 where the system does not say.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

/// Numbers that look random enough.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % end
    }
}
