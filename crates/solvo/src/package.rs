//! `solvo package`: customers' files of orders (pain.001) are checked, paid line by line, and reported on (pain.002).
//!
//! Invariants:
//! - No line is sent before the whole file has been read, and has as many lines, and as much in them, as it states.
//! - A file that comes again, also after this was ended in its middle, pays no line twice and leaves none out.

mod pay;

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use client::Client;
use iso20022::{
    GroupStatus, LineReport, LineStatus, PackageHeader, PackageReader, PackageReport, PackageReportPart,
    PackageTotals, PaymentReport, StatusCount, StatusDetail, write_pain002,
};
use serde_json::json;
use tokio::sync::mpsc;
use types::{Bic, Date, Text};

use self::pay::{Outcome, Sent, TOGETHER, carry, payment};
use crate::clock::{now, today};
use crate::remote::{self, TlsArgs};
use crate::report::progress_bar;

/// Pays customers' files of orders (pain.001), line by line, and reports on them (pain.002).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  solvo package check salaries.xml\n  \
                  solvo package pay salaries.xml --agent ALFABEBB --report salaries-report.xml")]
pub(crate) struct PackageArgs {
    #[command(subcommand)]
    command: PackageCommand,
}

#[derive(Debug, clap::Subcommand)]
enum PackageCommand {
    Check(CheckArgs),
    Pay(Box<PayArgs>),
}

/// Reads a file of orders whole, and tells what it states and which of its lines can't be paid, without a node.
///
/// Exits with 1 if the file is refused: it is damaged, another message, or does not have the lines that it states.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo package check salaries.xml --json")]
struct CheckArgs {
    /// The file, a pain.001.001.09.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Pays the lines of a file whose day has come, each as an instant payment of its own, and reports on all of them.
///
/// The same file can be given again, at once, after whatever has ended it, or on the day of the lines that waited: what has an
/// outcome keeps it, for the five days in which the node remembers payments. Exits with 0 if every line has been paid, 3 if
/// some have been refused or wait, and 1 if the file is refused or the node can't be reached.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  solvo package pay salaries.xml --agent ALFABEBB --report salaries-report.xml --to 127.0.0.1:7400"
)]
struct PayArgs {
    /// The file, a pain.001.001.09.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The payers' bank.
    #[arg(long, value_name = "BIC")]
    agent: String,
    /// Where to write the report, a pain.002.001.10.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400")]
    to: String,
    /// How many lines may be under way at once: fewer leave more room to others.
    #[arg(long, value_name = "N", default_value_t = 2048, value_parser = clap::value_parser!(u16).range(256..=16384))]
    under_way: u16,
    #[command(flatten)]
    tls: TlsArgs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Refusals of which each is told; of others only the number.
const TOLD_MAX: usize = 20;

/// Lines that have been read and not been sent, in pieces.
const PIECES_WAITING_MAX: usize = 4;

/// Some lines were not paid.
const NOT_ALL: u8 = 3;

/// Runs the command.
///
/// # Errors
/// If the file can't be read or is refused, or the node can't be reached.
pub(crate) async fn run(arguments: &PackageArgs) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        PackageCommand::Check(arguments) => check(arguments),
        PackageCommand::Pay(arguments) => pay(arguments).await,
    }
}

fn open(path: &Path) -> anyhow::Result<PackageReader<BufReader<File>>> {
    let file = File::open(path).with_context(|| format!("{} can't be read", path.display()))?;
    PackageReader::open(BufReader::with_capacity(1 << 20, file)).with_context(|| refused(path))
}

fn refused(path: &Path) -> String {
    format!("{} is refused", path.display())
}

/// What a file states, and which of its lines can't be paid.
struct Checked {
    header: PackageHeader,
    totals: PackageTotals,
    refused: u32,
    /// The first of them: line, and what is wrong.
    faults: Vec<(u32, String)>,
}

fn read_whole(path: &Path) -> anyhow::Result<Checked> {
    let bar = progress_bar("checking: {pos} of {len} lines");
    let mut lines = open(path)?;
    bar.set_length(lines.header().transactions.into());
    let (mut refused_lines, mut faults) = (0, Vec::new());
    for line in &mut lines {
        let line = line.with_context(|| refused(path))?;
        bar.inc(1);
        if let Err(refusal) = line.order {
            refused_lines += 1;
            if faults.len() < TOLD_MAX {
                faults.push((line.number, refusal.to_string()));
            }
        }
    }
    bar.finish_and_clear();
    Ok(Checked { header: lines.header().clone(), totals: lines.totals(), refused: refused_lines, faults })
}

fn check(arguments: &CheckArgs) -> anyhow::Result<ExitCode> {
    let Checked { header, totals, refused, faults } = read_whole(&arguments.file)?;
    let mut out = std::io::stdout().lock();
    let (id, lines, sum) = (header.message_id.as_str(), totals.transactions, totals.sum.to_decimal());
    if arguments.json {
        let faults: Vec<_> =
            faults.iter().map(|(line, what)| json!({ "line": line, "fault": what })).collect();
        let told = json!({
            "message_id": id, "lines": lines, "sum": sum, "refused": refused, "faults": faults,
        });
        writeln!(out, "{told}")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "message   {id}\nlines     {lines}\nsum       {sum}\nrefused   {refused}")?;
    for (line, what) in faults {
        writeln!(out, "line {line}: {what}")?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn pay(arguments: &PayArgs) -> anyhow::Result<ExitCode> {
    let agent = Bic::parse(&arguments.agent).context("--agent")?;
    let checked = read_whole(&arguments.file)?;
    let client = remote::connect(&arguments.to, &arguments.tls).await?;
    let outcomes = pay_all(&client, arguments, agent, &checked.header).await?;
    let counts = counts(&outcomes);
    if let Some(path) = &arguments.report {
        write_report(&arguments.file, path, agent, &outcomes)?;
    }
    tell(arguments.json, &checked, &counts, &outcomes)?;
    let is_all_paid = counts.iter().all(|count| count.status == LineStatus::Settled);
    Ok(if is_all_paid { ExitCode::SUCCESS } else { NOT_ALL.into() })
}

/// What became of each line, in order.
async fn pay_all(
    client: &Client,
    arguments: &PayArgs,
    agent: Bic,
    header: &PackageHeader,
) -> anyhow::Result<Vec<Outcome>> {
    let waits = Outcome {
        status: LineStatus::Pending,
        reason: None,
        payment_id: None,
        acceptance_time: None,
        words: None,
    };
    let count = usize::try_from(header.transactions)?;
    let mut outcomes = vec![waits; count];
    let bar = progress_bar("{bar:40} {pos} of {len} lines, {per_sec}, {eta} left");
    bar.set_length(header.transactions.into());
    let (sender, lines) = mpsc::channel(PIECES_WAITING_MAX);
    let (told, mut news) = mpsc::channel(PIECES_WAITING_MAX);
    let (client, under_way_max) = (client.clone(), usize::from(arguments.under_way));
    let of_reading = told.clone();
    let sending = tokio::spawn(async move { carry(&client, under_way_max, lines, told).await });
    let (path, header, today) = (arguments.file.clone(), header.clone(), today()?);
    let reading = tokio::task::spawn_blocking(move || {
        unpack(&path, &Unpacking { header, agent, today }, &sender, &of_reading)
    });
    while let Some(some) = news.recv().await {
        bar.inc(u64::try_from(some.len())?);
        for (number, outcome) in some {
            let place = usize::try_from(number)?.checked_sub(1).and_then(|index| outcomes.get_mut(index));
            *place.context("a line behind the last was answered")? = outcome;
        }
    }
    bar.finish_and_clear();
    sending.await?.context("not every line has been sent; give the file again")?;
    reading.await??;
    Ok(outcomes)
}

/// What lines are unpacked with.
struct Unpacking {
    header: PackageHeader,
    agent: Bic,
    today: Date,
}

/// Reads the lines once more and hands over those that are to be paid now. Ends early if nobody takes them.
fn unpack(
    path: &Path,
    with: &Unpacking,
    sender: &mpsc::Sender<Vec<Sent>>,
    told: &mpsc::Sender<Vec<(u32, Outcome)>>,
) -> anyhow::Result<()> {
    let lines = open(path)?;
    if *lines.header() != with.header {
        bail!("{} was changed meanwhile", path.display());
    }
    let mut some = Vec::with_capacity(TOGETHER);
    for line in lines {
        let line = line.with_context(|| refused(path))?;
        let number = line.number;
        let waits = line.payment.terms.as_ref().is_ok_and(|terms| terms.execution_date() > with.today);
        // A line that can't be paid can't be on any day.
        if waits && line.order.is_ok() {
            continue;
        }
        let is_taken = match payment(&with.header, with.agent, line) {
            Ok(sent) => {
                some.push(sent);
                some.len() < TOGETHER || sender.blocking_send(std::mem::take(&mut some)).is_ok()
            }
            Err(outcome) => told.blocking_send(vec![(number, outcome)]).is_ok(),
        };
        if !is_taken {
            return Ok(());
        }
    }
    // If nobody takes the last ones, the sending has ended and says why.
    let _ = sender.blocking_send(some);
    Ok(())
}

/// How many lines have which status, of those that any has.
fn counts<'all>(outcomes: impl IntoIterator<Item = &'all Outcome> + Clone) -> Vec<StatusCount> {
    let count = |status| {
        let outcomes = outcomes.clone().into_iter().filter(|outcome| outcome.status == status).count();
        StatusCount { status, transactions: u32::try_from(outcomes).unwrap_or(u32::MAX), sum: None }
    };
    LineStatus::ALL.into_iter().map(count).filter(|count| count.transactions > 0).collect()
}

/// What a file or a part of it is as a whole.
fn group_status(counts: &[StatusCount]) -> GroupStatus {
    let has = |status| counts.iter().any(|count| count.status == status);
    match (has(LineStatus::Settled), has(LineStatus::Rejected), has(LineStatus::Pending)) {
        (true, false, false) => GroupStatus::Settled,
        (true, ..) => GroupStatus::PartlyAccepted,
        (false, _, true) => GroupStatus::Pending,
        (false, _, false) => GroupStatus::Rejected,
    }
}

/// Writes the report beside its place, and puts it there when it is whole.
fn write_report(file: &Path, path: &Path, agent: Bic, outcomes: &[Outcome]) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = || format!("{} can't be written", path.display());
    let mut whole = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
    let lines = open(file)?;
    let created_at = now()?;
    let message_id = Text::parse_identifier(&format!("RPT{}", created_at.milliseconds()))?;
    let counts = counts(outcomes);
    let report = PackageReport {
        debtor_agent: Some(agent),
        status: Some(group_status(&counts)),
        counts,
        ..PackageReport::on_package(lines.header(), message_id, created_at)
    };
    let mut last_payment = 0;
    let parts = lines.zip(outcomes).flat_map(|(line, outcome)| {
        let line = match line {
            Ok(line) => line,
            Err(error) => return vec![Err(error)],
        };
        let mut parts = Vec::with_capacity(2);
        if line.payment.number != last_payment {
            last_payment = line.payment.number;
            parts.push(Ok(PackageReportPart::Payment(PaymentReport::on_payment(&line.payment))));
        }
        parts.push(Ok(PackageReportPart::Line(line_report(&line, outcome))));
        parts
    });
    write_pain002(&report, parts, std::io::BufWriter::new(whole.as_file_mut())).with_context(failed)?;
    whole.as_file().sync_all().with_context(failed)?;
    whole.persist(path).with_context(failed)?;
    Ok(())
}

fn line_report(line: &iso20022::PackageLine, outcome: &Outcome) -> LineReport {
    let Outcome { status, reason, payment_id, acceptance_time, words } = outcome;
    let words = words.as_deref().map(|words| words.chars().take(105).collect::<String>());
    let detail = reason.map(|reason| StatusDetail {
        reason,
        originator: None,
        additional_information: words.and_then(|words| Text::parse(words.trim()).ok()),
    });
    LineReport {
        status: *status,
        reason: detail,
        acceptance_time: *acceptance_time,
        servicer_reference: payment_id.clone(),
        ..LineReport::on_line(line)
    }
}

fn tell(
    as_json: bool,
    checked: &Checked,
    counts: &[StatusCount],
    outcomes: &[Outcome],
) -> anyhow::Result<()> {
    let of = |status| {
        let found = counts.iter().find(|count| count.status == status);
        found.map_or(0, |count| count.transactions)
    };
    let [paid, refused, waiting] = [LineStatus::Settled, LineStatus::Rejected, LineStatus::Pending].map(of);
    let id = checked.header.message_id.as_str();
    let (lines, sum) = (checked.totals.transactions, checked.totals.sum.to_decimal());
    let mut out = std::io::stdout().lock();
    if as_json {
        let status = group_status(counts).code();
        let told = json!({
            "message_id": id, "lines": lines, "sum": sum, "status": status,
            "paid": paid, "refused": refused, "waiting": waiting,
        });
        writeln!(out, "{told}")?;
        return Ok(());
    }
    writeln!(out, "message   {id}\nlines     {lines}\nsum       {sum}")?;
    writeln!(out, "paid      {paid}\nrefused   {refused}\nwaiting   {waiting}")?;
    let rejected = (1..).zip(outcomes).filter(|(_, outcome)| outcome.status == LineStatus::Rejected);
    for (number, outcome) in rejected.take(TOLD_MAX) {
        let code = outcome.reason.map_or_else(String::new, |reason| reason.to_string());
        writeln!(out, "line {number}: {code} {}", outcome.words.as_deref().unwrap_or_default())?;
    }
    Ok(())
}
