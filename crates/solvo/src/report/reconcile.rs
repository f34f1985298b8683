//! `solvo report reconcile`: whether a folder's ledger, history and statements say the same of every account and position.
//!
//! Invariants:
//! - The log is replayed and verified first, so what history is held against is right.
//! - Nothing is changed but history, which is brought up to the log's end as a start of the node would.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use ::history::{FOLDER, Found, Heap, ITEMS_PER_COMMIT, Indexer, Store, StoreError, View};
use anyhow::{Context, bail};
use journal::{FileStorage, FrameView, MasterKey, ReadError, Reader, VisitError};
use ledger::{AccountKind, Ledger};
use reports::{Checked, Days, check_owner};
use types::{BatchNumber, Currency, Lives, ParticipantNumber};

use super::external::MatchedBy;
use super::statement::WhoseArgs;
use super::{NodeArgs, progress_bar};
use crate::master_key::MasterKeyArgs;
use crate::verify;

/// Compares books that must agree. Exits with 1 if any do not.
///
/// With --data it replays a folder's log and compares the ledger, history and statements of every account and position. Stop
/// the node first; its history is brought up to the log's end.
///
/// With --external it compares a node's statement of one account or position and day with a file: a clearing system's
/// camt.053, or comma-separated values of a core system.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo report reconcile --data ./solvo-data\n  solvo report reconcile --external csm.xml \
                  --position ALFABEBB --date 2026-11-20"
)]
pub(crate) struct ReconcileArgs {
    /// The folder of a log.
    #[arg(long, value_name = "DIR", conflicts_with = "external")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    master_key: MasterKeyArgs,
    /// Somebody else's books: a camt.053, or comma-separated values with a line of column names.
    #[arg(long, value_name = "FILE")]
    pub(crate) external: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    #[command(flatten)]
    pub(crate) whose: WhoseArgs,
    /// By which reference entries are found to be the same. Only with --external.
    #[arg(long, value_name = "WHICH", default_value = "first")]
    pub(crate) by: MatchedBy,
    /// The file sees the account from the other side: what is a credit here is a debit there.
    #[arg(long, requires = "external")]
    pub(crate) mirrored: bool,
    /// Do not compare value dates.
    #[arg(long, requires = "external")]
    pub(crate) ignore_dates: bool,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What the checks of all accounts and positions came to.
#[derive(Debug, Default)]
struct Tally {
    accounts: u64,
    positions: u64,
    technical_accounts: u64,
    entries: u64,
    statements: u64,
    /// Books of which the postings were compared.
    books: u64,
    /// Whose, and what does not agree. Customers' accounts are named by their numbers in the log.
    disagreements: Vec<(String, String)>,
    /// More than are kept.
    more: u64,
}

/// So many disagreements are told one by one.
const TOLD_MAX: usize = 1000;

/// Runs the command with a folder.
pub(crate) fn run(arguments: &ReconcileArgs, folder: &Path) -> anyhow::Result<ExitCode> {
    let master = arguments.master_key.read()?;
    let (reader, store) = open_folder(folder, master.as_ref())?;
    let ledger = replay(folder, &reader)?;
    let indexer = catch_up(&reader, Indexer::open(store, reader.keyring().digest_key())?)?;
    let view = View::new(indexer.store())?.context("history is empty")?;
    let lives = reader.lives()?;
    let mut tally = check_all(&ledger, &view, &lives, arguments.whose.utc_offset)?;
    check_books(&ledger, &view, &mut tally)?;
    tell(&tally, arguments.json, &mut io::stdout().lock())?;
    Ok(if tally.disagreements.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The log of a folder whose node is stopped, and its history, brought up to the log's end.
pub(crate) fn open(
    folder: &Path,
    master: Option<&MasterKey>,
) -> anyhow::Result<(Reader<FileStorage>, Indexer)> {
    let (reader, store) = open_folder(folder, master)?;
    let indexer = catch_up(&reader, Indexer::open(store, reader.keyring().digest_key())?)?;
    Ok((reader, indexer))
}

fn open_folder(
    folder: &Path,
    master: Option<&MasterKey>,
) -> anyhow::Result<(Reader<FileStorage>, Arc<Store>)> {
    let store = folder.join(FOLDER);
    if !store.exists() {
        bail!("{} is not there: make it with `solvo history rebuild`", store.display());
    }
    let store = match Store::open(&store) {
        Err(StoreError::Locked) => bail!("a node has the history of this folder open: stop it first"),
        opened => opened.context("the history of this folder")?,
    };
    let reader = Reader::open(FileStorage::open(folder)?)?.with_keys_of_folder(master)?;
    Ok((reader, store))
}

/// Replays and verifies the log.
fn replay(folder: &Path, reader: &Reader<FileStorage>) -> anyhow::Result<Ledger> {
    let mut bar = verify::progress::Bar::new(folder)?;
    let verified = verify::verify_reader(folder, reader, &mut bar);
    bar.finish();
    let report = verified.map_err(|fault| {
        let mut told = Vec::new();
        // Nothing can fail that writes into memory.
        let _ = fault.write_text(&mut told);
        anyhow::anyhow!("{}", String::from_utf8_lossy(&told).trim())
    })?;
    if report.outcomes_untold > 0 {
        bail!(
            "the log ends with {} commands of which it does not tell what they came to, so history can't know: start the \
             node, and stop it in good order",
            report.outcomes_untold
        );
    }
    Ok(report.ledger)
}

/// Takes in what history lacks of the log.
fn catch_up(reader: &Reader<FileStorage>, mut indexer: Indexer) -> anyhow::Result<Indexer> {
    if indexer.reached().is_none() {
        bail!("history is empty: make it with `solvo history rebuild`");
    }
    let bar = progress_bar("{spinner} history is at batch {pos}");
    let mut visit = |frame: &FrameView<'_>| {
        if frame.header().last_sequence() > indexer.resume_after() {
            indexer.step(frame)?;
            if indexer.waiting() >= ITEMS_PER_COMMIT {
                indexer.commit()?;
            }
            bar.set_position(frame.header().batch.0);
        }
        Ok::<_, VisitError>(())
    };
    let read = match reader.read(BatchNumber(0), &mut |frame, _| visit(frame)) {
        Err(ReadError::Trimmed { first, .. }) => {
            let before = BatchNumber(first.0.saturating_sub(1));
            reader.read(before, &mut |frame, _| visit(frame))
        }
        other => other,
    };
    bar.finish_and_clear();
    read.context("history can't be brought up to the log's end")?;
    indexer.commit()?;
    Ok(indexer)
}

/// Compares every customer's account, every position and every technical account.
fn check_all(ledger: &Ledger, view: &View, lives: &Lives, utc_offset: Option<i32>) -> anyhow::Result<Tally> {
    let of_positions = Days::of_positions(view)?;
    let given = utc_offset
        .map(|minutes| Days::offset(minutes).context("--utc-offset lies between -840 and 840"))
        .transpose()?;
    let mut of_banks: BTreeMap<ParticipantNumber, Days> = BTreeMap::new();
    let bar = progress_bar("{spinner} {pos} accounts and positions compared");
    let mut tally = Tally::default();
    for (_, participant) in ledger.participants() {
        for book in participant.books() {
            let Some(number) = participant.position(book.currency) else { continue };
            let (bank, currency) = (participant.bic(), book.currency);
            let found = view.position(bank, currency);
            let balance = ledger.account_by_number(number).balance();
            let checked = check(view, lives, (found, currency, &of_positions), balance)?;
            tally.positions += 1;
            tally.add(checked, || format!("position of {bank} in {currency}"));
            bar.inc(1);
            // It begins with the first money that goes there.
            let Some((_, technical)) = ledger.technical_account(bank, currency) else { continue };
            let found = view.technical_account(bank, currency)?;
            let checked = check(view, lives, (found, currency, &of_positions), technical.balance())?;
            tally.technical_accounts += 1;
            tally.add(checked, || format!("technical account of {bank} in {currency}"));
            bar.inc(1);
        }
    }
    for (number, account) in ledger.accounts().filter(|(_, account)| account.kind().is_customer()) {
        let currency = account.currency();
        let found = view.account(account.digest(), currency)?;
        let days = match (&given, of_banks.get(&account.owner())) {
            (Some(given), _) => given,
            (None, Some(known)) => known,
            (None, None) => {
                let days = Days::of_bank(view, ledger.participant_by_number(account.owner()).bic())?;
                of_banks.entry(account.owner()).or_insert(days)
            }
        };
        let checked = check(view, lives, (found, currency, days), account.balance())?;
        tally.accounts += 1;
        tally.add(checked, || format!("account {number} in {currency}"));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(tally)
}

/// Compares what the postings of every book come to with the ledger's accounts. Where history lacks bookings there is
/// nothing to compare.
fn check_books(ledger: &Ledger, view: &View, tally: &mut Tally) -> anyhow::Result<()> {
    let mut sums: BTreeMap<(u32, u16), [i128; 6]> = BTreeMap::new();
    for (_, account) in ledger.accounts().filter(|(_, account)| account.owner().0 != 0) {
        let place = match account.kind() {
            AccountKind::Current | AccountKind::Savings => 0,
            AccountKind::Core => 1,
            AccountKind::Clearing => 2,
            AccountKind::Position => 3,
            AccountKind::Technical => 4,
            AccountKind::Suspense => 5,
            AccountKind::Funding => continue,
        };
        let of_book = sums.entry((account.owner().0, account.currency().number())).or_default();
        of_book[place] += i128::from(account.balance());
    }
    for ((owner, currency), balances) in sums {
        let bank = ledger.participant_by_number(ParticipantNumber(owner)).bic();
        let currency = Currency::from_number(currency)?;
        if view.bookings_lack(bank)?.is_some() {
            continue;
        }
        let book = view.book_sums(bank, currency)?;
        let of = |heap| i128::from(book.of(heap));
        let told = [
            of(Heap::Customers),
            of(Heap::Core) + of(Heap::Fees),
            of(Heap::Clearing),
            -of(Heap::Position),
            -of(Heap::Technical),
            of(Heap::Suspense),
        ];
        tally.books += 1;
        let names = [
            "customers",
            "core account",
            "clearing account",
            "position",
            "technical account",
            "suspense account",
        ];
        for ((name, balance), told) in names.into_iter().zip(balances).zip(told) {
            if balance != told {
                let what = format!("its postings come to {told} minor units, and the ledger has {balance}");
                tally.note(|| format!("{name} of {bank} in {currency}"), what);
            }
        }
    }
    Ok(())
}

fn check(
    view: &View,
    lives: &Lives,
    owner: (Option<Found>, Currency, &Days),
    balance: i64,
) -> anyhow::Result<Checked> {
    check_owner(view, lives, owner, balance).context("history can't be read")
}

impl Tally {
    fn add(&mut self, checked: Checked, whose: impl Fn() -> String) {
        self.entries += checked.entries;
        self.statements += checked.statements;
        for disagreement in checked.disagreements {
            self.note(&whose, disagreement.to_string());
        }
    }

    fn note(&mut self, whose: impl Fn() -> String, what: String) {
        match self.disagreements.len() < TOLD_MAX {
            true => self.disagreements.push((whose(), what)),
            false => self.more += 1,
        }
    }
}

fn tell(tally: &Tally, json: bool, out: &mut impl Write) -> io::Result<()> {
    let Tally { accounts, positions, technical_accounts, entries, statements, books, disagreements, more } =
        tally;
    if json {
        let told =
            disagreements.iter().map(|(whose, what)| serde_json::json!({ "whose": whose, "what": what }));
        let told = serde_json::json!({
            "ok": disagreements.is_empty(),
            "accounts": accounts,
            "positions": positions,
            "technical_accounts": technical_accounts,
            "entries": entries,
            "statements": statements,
            "books": books,
            "differences": told.collect::<Vec<_>>(),
            "more_differences": more,
        });
        return writeln!(out, "{told}");
    }
    for (whose, what) in disagreements {
        writeln!(out, "{whose}: {what}")?;
    }
    if *more > 0 {
        writeln!(out, "and {more} more")?;
    }
    let found = u64::try_from(disagreements.len()).unwrap_or(u64::MAX).saturating_add(*more);
    writeln!(
        out,
        "{accounts} accounts, {positions} positions and {technical_accounts} technical accounts with {entries} entries and \
         {statements} statements, and the postings of {books} books: {found} differences"
    )
}
