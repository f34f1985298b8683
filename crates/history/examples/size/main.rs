//! How large history is, how fast it grows and how fast it answers: one JSON object for each size.
//!
//! ```sh
//! cargo run --release -p history --example size -- --payments 10000000,20000000 --accounts 1000000 --folder ./size
//! ```
//!
//! The log is made up by another process beside it and stored nowhere: payments between random accounts of twenty banks,
//! two hundred thousand a day. Only history's own time and memory are counted. A `--folder` is emptied first; without one
//! it is a temporary one.

#![allow(clippy::unwrap_used, missing_docs)]

mod log;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration as Span, Instant};

use history::{Indexer, Moment, Order, PaymentQuery, Store, View};
use journal::FrameView;
use types::{Currency, Sequence};

use crate::log::{BANKS, KEY, Log, MAKE_LOG, Piece, Random, World, bank, iban, transaction_id};

/// The allocator of the real binary, so that its time is that of a node.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
                "--payments" => options.payments = sizes(&value)?,
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

fn sizes(text: &str) -> Result<Vec<u64>, String> {
    let number = |text: &str| text.parse().map_err(|error| format!("{text}: {error}"));
    text.split(',').map(number).collect()
}

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, accounts, payments] = &arguments[..]
        && first == MAKE_LOG
    {
        log::make(accounts.parse().map_err(|error| format!("{accounts}: {error}"))?, &sizes(payments)?);
        return Ok(());
    }
    measure(&Options::read()?);
    Ok(())
}

fn measure(options: &Options) {
    let temporary = tempfile::tempdir().unwrap();
    let folder = options.folder.clone().unwrap_or_else(|| temporary.path().to_owned());
    let _ = std::fs::remove_dir_all(&folder);
    let store = Store::open(&folder).unwrap();
    let mut indexer = Indexer::open(Arc::clone(&store), Some(KEY)).unwrap();
    let mut log = Log::start(options.accounts, &options.payments);
    let mut sizes = options.payments.iter();
    let (mut done, mut spent) = (0, Span::ZERO);
    while let Some(piece) = log.next() {
        match piece {
            Piece::Frame(bytes) => {
                let frame = FrameView::parse(bytes).unwrap();
                let began = Instant::now();
                indexer.step(&frame).unwrap();
                if indexer.waiting() >= ITEMS_PER_COMMIT {
                    indexer.commit().unwrap();
                }
                spent += began.elapsed();
            }
            Piece::Size(first_payment) => {
                let began = Instant::now();
                indexer.commit().unwrap();
                spent += began.elapsed();
                store.flush().unwrap();
                let payments = *sizes.next().unwrap();
                let taken = Taken { world: World { accounts: options.accounts }, first_payment, payments };
                report(&folder, &store, &taken, (payments - done) as f64 / spent.as_secs_f64());
                (done, spent) = (payments, Span::ZERO);
            }
        }
    }
}

/// What has been taken in.
struct Taken {
    world: World,
    first_payment: u64,
    payments: u64,
}

fn report(folder: &Path, store: &Arc<Store>, taken: &Taken, per_second: f64) {
    let payments = taken.payments;
    let spaces = store.disk_bytes();
    let bytes: u64 = spaces.iter().map(|(_, bytes)| bytes).sum();
    let listed: Vec<String> = spaces.iter().map(|(name, bytes)| format!("\"{name}\":{bytes}")).collect();
    let view = View::new(store).unwrap().unwrap();
    let look_ups: Vec<String> = look_ups(&view, taken)
        .into_iter()
        .map(|(name, [p50, p99, max])| {
            format!("\"{name}\":{{\"p50_us\":{p50},\"p99_us\":{p99},\"max_us\":{max}}}")
        })
        .collect();
    println!(
        "{{\"payments\":{payments},\"accounts\":{},\"bytes\":{bytes},\"bytes_per_payment\":{:.1},\"spaces\":{{{}}},\
         \"folder_bytes\":{},\"payments_per_second\":{:.0},\"look_ups\":{{{}}},\"resident_bytes\":{}}}",
        taken.world.accounts,
        bytes as f64 / payments as f64,
        listed.join(","),
        folder_bytes(folder),
        per_second,
        look_ups.join(","),
        resident_bytes(),
    );
}

/// Each kind of look-up, in microseconds.
fn look_ups(view: &View, taken: &Taken) -> Vec<(&'static str, [u64; 3])> {
    let Taken { world, first_payment, payments } = *taken;
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
        let number = u32::try_from(random.below(u64::from(world.accounts))).unwrap();
        view.account(KEY.iban(iban(number).as_str()), Currency::EUR).unwrap().unwrap()
    };
    let last = view.watermark().told.0;
    vec![
        measure("by_id", &mut |random| {
            // Some positions are frames' own.
            view.payment(Sequence(first_payment + random.below(last - first_payment))).unwrap();
        }),
        measure("by_transaction_id", &mut |random| {
            let number = random.below(payments);
            let debtor = bank(world.sides(number).0);
            let found =
                view.payment_by_key(&KEY, debtor, &transaction_id(number), Some(world.time_of(number)));
            assert!(found.unwrap().is_some());
        }),
        measure("by_transaction_id_of_any_day", &mut |random| {
            let number = random.below(payments);
            let found = view.payment_by_key(&KEY, bank(world.sides(number).0), &transaction_id(number), None);
            assert!(found.unwrap().is_some());
        }),
        measure("by_end_to_end_id_of_a_day", &mut |random| {
            let number = random.below(payments);
            let day = world.time_of(number).date();
            let id = format!("E2E-{number}");
            view.payments_by_end_to_end_id(&KEY, &id, (day, day), None, 10, |_| true).unwrap();
        }),
        measure("balance_at_a_time", &mut |random| {
            let moment = Moment::Time(world.time_of(random.below(payments)));
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

fn folder_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| match entry.file_type().unwrap().is_dir() {
            true => folder_bytes(&entry.path()),
            false => entry.metadata().unwrap().len(),
        })
        .sum()
}

/// What the process takes. 0 where the system does not say.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}
