//! `solvo migrate`: accounts and balances of another ledger are taken over.
//!
//! Invariants:
//! - Nothing is sent before the whole file has been read, every line of it is right, and its totals are those that the other
//!   ledger gave.
//! - What is told at the end was counted from the node's confirmations, not from the file.

mod file;
mod send;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use client::{Client, v1};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use types::{Bic, Date, Text};

use self::file::{Account, Accounts, Fault, Sum, Totals, read_totals};
use self::send::{TOGETHER, Terms, Told, carry};
use crate::clock::today;
use crate::remote::{self, TlsArgs};
use crate::report::progress_bar;

/// Takes over accounts and balances of another ledger.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  solvo migrate totals accounts.csv --json > totals.json\n  \
                  solvo migrate load accounts.csv --participant ALFABEBB --totals totals.json")]
pub(crate) struct MigrateArgs {
    #[command(subcommand)]
    command: MigrateCommand,
}

#[derive(Debug, clap::Subcommand)]
enum MigrateCommand {
    Totals(TotalsArgs),
    Load(Box<LoadArgs>),
}

/// Checks a file of accounts, and tells its control totals, without a node.
///
/// The file has comma-separated values; its first line names the columns iban, currency, balance, holder_1, and if needed
/// holder_2 to holder_4, type (current or savings), floor and identification. Exits with 1 if a line is wrong.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo migrate totals accounts.csv --json > totals.json")]
struct TotalsArgs {
    /// The file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print one JSON object, which `load --totals` takes.
    #[arg(long)]
    json: bool,
}

/// Opens the accounts of a file at a node, and books their balances.
///
/// It can be run again after whatever has ended it, for four days: what the node has done it does not do again. Exits with 1
/// if an account was refused, or if what the node has confirmed is not what the totals say.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  solvo migrate load accounts.csv --participant ALFABEBB --totals totals.json --to 127.0.0.1:7400"
)]
struct LoadArgs {
    /// The file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The bank whose accounts they are.
    #[arg(long, value_name = "BIC")]
    participant: String,
    /// Its control totals, as the ledger that hands the accounts over has counted them.
    #[arg(long, value_name = "FILE")]
    totals: PathBuf,
    /// From which day on the balances count. By default today, in UTC.
    #[arg(long, value_name = "DATE")]
    value_date: Option<String>,
    /// The reference that stands beside each balance.
    #[arg(long, value_name = "TEXT", default_value = "MIGRATION")]
    reference: String,
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400")]
    to: String,
    /// How many streams carry them at once.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=16))]
    streams: u8,
    #[command(flatten)]
    tls: TlsArgs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Faults of which each is told; of others only the number.
const TOLD_MAX: usize = 20;

/// Accounts in one file.
const ACCOUNTS_MAX: u64 = 100_000_000;

/// Lines that have been read and not been sent.
const CHUNKS_WAITING_MAX: usize = 4;

/// Runs the command.
///
/// # Errors
/// If the file can't be read, its totals are others, or the node can't be reached.
pub(crate) async fn run(arguments: &MigrateArgs) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        MigrateCommand::Totals(arguments) => totals(arguments),
        MigrateCommand::Load(arguments) => load(arguments).await,
    }
}

fn totals(arguments: &TotalsArgs) -> anyhow::Result<ExitCode> {
    let counted = check(&arguments.file)?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string(&counted)?)?;
    } else {
        show(&mut out, &counted)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(out: &mut impl Write, totals: &Totals) -> std::io::Result<()> {
    writeln!(out, "accounts  {}", totals.accounts)?;
    for (currency, sum) in &totals.sums {
        writeln!(out, "sum       {currency} {sum}")?;
    }
    writeln!(out, "hash      {}", totals.hash)
}

/// Reads the whole file, and refuses it if a line is wrong or an account stands there twice.
fn check(path: &Path) -> anyhow::Result<Totals> {
    let bar = progress_bar("checking {msg}: {pos} accounts");
    bar.set_message(path.display().to_string());
    let mut accounts = Accounts::open(path)?;
    let (mut sum, mut faults) = (Sum::default(), Faults::default());
    let mut digests = Vec::new();
    while let Some(read) = accounts.next()? {
        bar.inc(1);
        if bar.position() > ACCOUNTS_MAX {
            bail!("{} has more than {ACCOUNTS_MAX} accounts: divide it", path.display());
        }
        match read {
            Ok(account) => {
                sum.add(&account);
                // No two accounts have the same 128 bits of a hash.
                let name = blake3::hash(account.name().as_bytes());
                let digest =
                    u128::from_le_bytes(*name.as_bytes().first_chunk().expect("a hash has 32 bytes"));
                digests.push((digest, account.line));
            }
            Err(fault) => faults.add(fault),
        }
    }
    digests.sort_unstable();
    for pair in digests.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
        let what = format!("it is the account of line {}", pair[0].1);
        faults.add(Fault { line: pair[1].1, what });
    }
    bar.finish_and_clear();
    if faults.count > 0 {
        faults.tell()?;
        bail!("{} lines of {} are wrong", faults.count, path.display());
    }
    Ok(sum.totals())
}

/// Lines that are wrong, and what is wrong with the first of them.
#[derive(Default)]
struct Faults {
    count: u64,
    first: BTreeMap<u64, String>,
}

impl Faults {
    fn add(&mut self, fault: Fault) {
        self.count += 1;
        self.first.insert(fault.line, fault.what);
        if self.first.len() > TOLD_MAX {
            self.first.pop_last();
        }
    }

    fn tell(&self) -> std::io::Result<()> {
        let mut out = std::io::stderr().lock();
        for (line, what) in &self.first {
            writeln!(out, "line {line}: {what}")?;
        }
        Ok(())
    }
}

async fn load(arguments: &LoadArgs) -> anyhow::Result<ExitCode> {
    let terms = terms(arguments)?;
    let expected = read_totals(&arguments.totals)?;
    let counted = check(&arguments.file)?;
    if counted != expected {
        bail!(
            "nothing was sent: {} has {}, and {} says {}",
            arguments.file.display(),
            serde_json::to_string(&counted)?,
            arguments.totals.display(),
            serde_json::to_string(&expected)?
        );
    }
    let client = remote::connect(&arguments.to, &arguments.tls).await?;
    check_participant(&client, &terms.participant).await?;
    let began = std::time::Instant::now();
    let Taken { sum, refused } = send_all(&client, &terms, arguments, counted.accounts).await?;
    let (taken, spent) = (sum.totals(), began.elapsed());
    refused.tell()?;
    let is_whole = taken == expected;
    tell(arguments.json, &taken, refused.count, spent, is_whole)?;
    Ok(if is_whole && refused.count == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether the bank can have accounts here. A refusal would be remembered for each of them.
async fn check_participant(client: &Client, bic: &str) -> anyhow::Result<()> {
    let request = v1::GetParticipantRequest { bic: bic.to_owned() };
    let told = client.get_participant(request).await.with_context(|| format!("nothing was sent: {bic}"))?;
    match told.participant.map(|participant| participant.account_mode()) {
        Some(v1::AccountMode::Hosted | v1::AccountMode::Mixed) => Ok(()),
        Some(v1::AccountMode::Remote | v1::AccountMode::Unspecified) | None => {
            bail!("nothing was sent: {bic} keeps its customers' accounts elsewhere")
        }
    }
}

fn tell(as_json: bool, taken: &Totals, refused: u64, spent: Duration, is_whole: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let per_second = taken.accounts as f64 / spent.as_secs_f64();
    if as_json {
        let seconds = spent.as_secs_f64();
        let told =
            json!({ "taken_over": taken, "refused": refused, "seconds": seconds, "complete": is_whole });
        writeln!(out, "{told}")?;
        return Ok(());
    }
    show(&mut out, taken)?;
    writeln!(out, "refused   {refused}")?;
    writeln!(out, "in        {:.1} s, {per_second:.0} a second", spent.as_secs_f64())?;
    let says = if is_whole { "are those of the totals" } else { "are NOT those of the totals" };
    writeln!(out, "The accounts that the node has confirmed {says}.")?;
    Ok(())
}

fn terms(arguments: &LoadArgs) -> anyhow::Result<Terms> {
    let participant = Bic::parse(&arguments.participant).context("--participant")?;
    let value_date = match &arguments.value_date {
        Some(text) => Date::parse(text).context("--value-date")?,
        None => today()?,
    };
    let reference: Text<35> = Text::parse_identifier(&arguments.reference).context("--reference")?;
    Ok(Terms { participant: participant.to_string(), value_date, reference: reference.as_str().to_owned() })
}

/// What the node has confirmed, and what it has refused.
#[derive(Default)]
struct Taken {
    sum: Sum,
    refused: Faults,
}

async fn send_all(client: &Client, terms: &Terms, arguments: &LoadArgs, count: u64) -> anyhow::Result<Taken> {
    let bar = progress_bar("{bar:40} {pos} of {len} accounts, {per_sec}, {eta} left");
    bar.set_length(count);
    let (told, mut news) = mpsc::channel(CHUNKS_WAITING_MAX);
    let mut tasks = JoinSet::new();
    let mut lanes = Vec::new();
    for _ in 0..arguments.streams {
        let (lane, accounts) = mpsc::channel(CHUNKS_WAITING_MAX);
        lanes.push(lane);
        let (client, terms, told) = (client.clone(), terms.clone(), told.clone());
        tasks.spawn(async move { carry(&client, &terms, accounts, told).await });
    }
    drop(told);
    let path = arguments.file.clone();
    let reading = tokio::task::spawn_blocking(move || read_into(&path, &lanes));
    let mut taken = Taken::default();
    while let Some(some) = news.recv().await {
        bar.inc(u64::try_from(some.len()).expect("64 bits"));
        for one in some {
            match one {
                Told::Taken(account) => taken.sum.add(&account),
                Told::Refused(fault) => taken.refused.add(fault),
            }
        }
    }
    bar.finish_and_clear();
    while let Some(ended) = tasks.join_next().await {
        ended?.context("not all accounts were carried over; run it again")?;
    }
    reading.await??;
    Ok(taken)
}

/// Hands the accounts of the file to the streams in turn. Ends early if they have ended.
fn read_into(path: &Path, lanes: &[mpsc::Sender<Vec<Account>>]) -> anyhow::Result<()> {
    let mut accounts = Accounts::open(path)?;
    for lane in lanes.iter().cycle() {
        let mut some = Vec::with_capacity(TOGETHER);
        while some.len() < TOGETHER {
            match accounts.next()? {
                Some(Ok(account)) => some.push(account),
                Some(Err(fault)) => bail!("{} was changed meanwhile: line {}", path.display(), fault.line),
                None => break,
            }
        }
        if some.is_empty() || lane.blocking_send(some).is_err() {
            break;
        }
    }
    Ok(())
}
