//! `solvo postings export`: the file of a day's postings, from a node or from the folder of one that is stopped.
//!
//! Invariant: a file has its name only once it is whole and on stable storage.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::history::View;
use anyhow::{Context, bail};
use client::v1;
use reports::{PostingBook, PostingTotals};
use types::{Bic, Currency, Date};

use super::BookArgs;
use crate::master_key::MasterKeyArgs;
use crate::remote;
use crate::report::{NodeArgs, progress_bar, reconcile};

/// Writes the postings of a day that is over, as comma-separated values with control totals and a hash at the end.
///
/// The file is the same, byte by byte, whenever it is made. It holds no personal data: accounts have their numbers in the log.
/// The last line has the SHA-256 of everything before it: `head -n -1 FILE | sha256sum` gives the same.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo postings export --bank ALFABEBB --date 2026-11-20 --output postings.csv\n  solvo postings \
                  export --bank ALFABEBB --date 2026-11-20 --data ./solvo-data --output postings.csv --json"
)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    node: NodeArgs,
    /// The folder of a log whose node is stopped, in place of a node. History is brought up to the log's end.
    #[arg(long, value_name = "DIR", requires = "bank")]
    data: Option<PathBuf>,
    #[command(flatten)]
    master_key: MasterKeyArgs,
    #[command(flatten)]
    book: BookArgs,
    /// The day of the bank's clock. Without one, the last that is over.
    #[arg(long, visible_alias = "day", value_name = "YYYY-MM-DD", default_value = "")]
    date: String,
    /// The file to write. Without it the postings go to standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print one JSON object about the file.
    #[arg(long, requires = "output")]
    json: bool,
}

/// What a file holds.
struct Written {
    count: u64,
    first: u64,
    last: u64,
}

/// Runs the command.
pub(crate) async fn run(arguments: &ExportArgs) -> anyhow::Result<ExitCode> {
    let Some(path) = &arguments.output else {
        write(arguments, &mut io::stdout().lock()).await?;
        return Ok(ExitCode::SUCCESS);
    };
    let written = to_file(arguments, path).await?;
    let Written { count, first, last } = written;
    if arguments.json {
        let told = serde_json::json!({
            "file": path.display().to_string(), "postings": count, "first_number": first, "last_number": last,
        });
        writeln!(io::stdout(), "{told}")?;
    } else {
        writeln!(io::stderr(), "{}: {count} postings", path.display())?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn to_file(arguments: &ExportArgs, path: &Path) -> anyhow::Result<Written> {
    let mut name = path.file_name().context("--output is no file")?.to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let mut file = File::create(&part).with_context(|| format!("{} can't be written", part.display()))?;
    let written = write(arguments, &mut file).await.and_then(|written| {
        file.sync_all()?;
        std::fs::rename(&part, path)?;
        Ok(written)
    });
    if written.is_err() {
        // What is left of it is of no use, and the fault above says why.
        let _ = std::fs::remove_file(&part);
    }
    written.with_context(|| format!("{} was not written", path.display()))
}

async fn write(arguments: &ExportArgs, output: &mut impl Write) -> anyhow::Result<Written> {
    match &arguments.data {
        Some(folder) => from_folder(arguments, folder, output),
        None => from_node(arguments, output).await,
    }
}

async fn from_node(arguments: &ExportArgs, output: &mut impl Write) -> anyhow::Result<Written> {
    let client = remote::connect(&arguments.node.to, &arguments.node.tls).await?;
    let request = v1::ExportDayRequest {
        participant: arguments.book.bank.clone(),
        currency_code: arguments.book.currency.clone(),
        date: arguments.date.clone(),
    };
    let mut pieces = client.export_posting_day(request).await?;
    let bar = progress_bar("{spinner} {bytes} of postings");
    let mut totals = None;
    while let Some(piece) = pieces.next().await? {
        output.write_all(&piece.content)?;
        bar.inc(u64::try_from(piece.content.len())?);
        totals = piece.totals.filter(|_| piece.complete);
    }
    bar.finish_and_clear();
    output.flush()?;
    let totals = totals.context("the node ended the file before it was whole")?;
    let count = totals.number_last - totals.number_before;
    Ok(Written { count, first: totals.number_before + u64::from(count > 0), last: totals.number_last })
}

/// Makes the file of what a stopped node has left.
fn from_folder(arguments: &ExportArgs, folder: &Path, output: &mut impl Write) -> anyhow::Result<Written> {
    let bank = Bic::parse(&arguments.book.bank).context("--bank is no BIC")?;
    let currency = Currency::parse(&arguments.book.currency).context("--currency is no currency")?;
    let master = arguments.master_key.read()?;
    let (reader, indexer) = reconcile::open(folder, master.as_ref())?;
    let view = View::new(indexer.store())?.context("history is empty")?;
    if !view.is_registered(bank) {
        bail!("no participant has the BIC {bank}");
    }
    let book = PostingBook::new(&view, bank, currency)?.context(
        "where the log still begins with its first frame, `solvo history rebuild` makes its postings",
    )?;
    let date = match arguments.date.as_str() {
        "" => book.last_day_over().context("no day is over")?,
        date => Date::parse(date).context("--date is no day, such as 2026-11-20")?,
    };
    let day = book.day(date)?.with_context(|| format!("there are no postings of {date}"))?;
    if let Some(why) = day.not_over() {
        return Err(anyhow::Error::new(why).context(format!("there is no file of {date}")));
    }
    let PostingTotals { number_before, number_last, whole, .. } = day.write(&reader.lives()?, output)?;
    let first = number_before + u64::from(whole.count > 0);
    Ok(Written { count: whole.count, first, last: number_last })
}
