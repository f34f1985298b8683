//! `solvo package`: customers' files of orders (pain.001): checked here, and brought to a node, which pays them line by line and
//! reports on them (pain.002).

pub(crate) mod bring;
mod folder;
mod rejected;
pub(crate) mod told;

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use client::{Client, v1};
use iso20022::{PackageHeader, PackageReader, PackageTotals};
use loadgen::write_salaries;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use types::Text;

use self::bring::Brought;
use self::folder::Folders;
use self::told::{follow, print, write_report};
use crate::clock::{now, today};
use crate::remote::{self, TlsArgs};
use crate::report::progress_bar;
use crate::submit::run_id;

/// Checks customers' files of orders (pain.001), brings them to a node, follows them, and fetches the reports (pain.002).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  solvo package check salaries.xml\n  \
                  solvo package pay salaries.xml --bank ALFABEBB --report salaries-report.xml\n  \
                  solvo package submit salaries.xml --bank ALFABEBB --json\n  solvo package watch PACKAGE-ID\n  \
                  solvo package folder ./in --done ./done --reports ./reports --bank ALFABEBB")]
pub(crate) struct PackageArgs {
    #[command(subcommand)]
    command: PackageCommand,
}

#[derive(Debug, clap::Subcommand)]
enum PackageCommand {
    Check(CheckArgs),
    Example(ExampleArgs),
    Submit(SubmitArgs),
    Pay(PayArgs),
    Watch(WatchArgs),
    Report(ReportArgs),
    Cancel(CancelArgs),
    List(ListArgs),
    Folder(FolderArgs),
}

/// The node, and how it is told.
#[derive(Debug, clap::Args)]
struct NodeArgs {
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400")]
    to: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// Print JSON: one object for each package.
    #[arg(long)]
    json: bool,
}

/// A file that is brought to the node.
#[derive(Debug, clap::Args)]
struct FileArgs {
    /// The file, a pain.001.001.09.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The bank that keeps the payers' accounts. Need not be said by whoever acts for one bank alone.
    #[arg(long, value_name = "BIC", default_value = "")]
    bank: String,
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

/// Writes a file to try this out: salaries of 1.00 EUR in the world of `solvo demo`, for today.
///
/// The payer is a rich customer of the demo's first bank, SLVOBEBB, the payees are customers of the other two.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo package example salaries.xml --lines 10000")]
struct ExampleArgs {
    /// Where to write it.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How many lines it has.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    lines: u32,
}

/// Brings a file to the node, which unpacks it and pays its lines from then on, each when its day has come.
///
/// The same file again, at once or after whatever has ended this, pays nothing twice and tells the same package. Exits with 1
/// if the file is refused or the node can't be reached: nothing of it is paid then.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo package submit salaries.xml --bank ALFABEBB --to 127.0.0.1:7400")]
struct SubmitArgs {
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    node: NodeArgs,
}

/// Brings a file to the node, follows it until every line has its outcome, and fetches the report.
///
/// Exits with 0 if every line has been paid, 3 if some have not, and 1 if the file is refused or the node can't be reached. A
/// file with lines for days to come is better submitted and watched: this waits for them.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  solvo package pay salaries.xml --bank ALFABEBB --report salaries-report.xml --to 127.0.0.1:7400"
)]
struct PayArgs {
    #[command(flatten)]
    file: FileArgs,
    /// Where to write the report, a pain.002.001.10.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    node: NodeArgs,
}

/// Follows a package until every line has its outcome, with its progress on a terminal.
///
/// Exits with 0 if every line has been paid, and 3 if some have not.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo package watch 0400131ZF8F55M4VCG00000000000T8")]
struct WatchArgs {
    /// The package's id.
    #[arg(value_name = "PACKAGE-ID")]
    package: String,
    #[command(flatten)]
    node: NodeArgs,
}

/// Fetches the report on a package (pain.002.001.10), as it stands: lines without an outcome are pending.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  solvo package report 0400131ZF8F55M4VCG00000000000T8 --out salaries-report.xml"
)]
struct ReportArgs {
    /// The package's id.
    #[arg(value_name = "PACKAGE-ID")]
    package: String,
    /// Where to write it.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    node: NodeArgs,
}

/// Cancels what has not been sent of a package, and shows the package.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo package cancel 0400131ZF8F55M4VCG00000000000T8")]
struct CancelArgs {
    /// The package's id.
    #[arg(value_name = "PACKAGE-ID")]
    package: String,
    #[command(flatten)]
    node: NodeArgs,
}

/// Lists a bank's packages of the last 400 days, the newest last.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo package list --bank ALFABEBB --count 20 --json")]
struct ListArgs {
    /// The bank. Need not be said by whoever acts for one bank alone.
    #[arg(long, value_name = "BIC", default_value = "")]
    bank: String,
    /// So many of the newest.
    #[arg(long, value_name = "N", default_value_t = 20)]
    count: usize,
    #[command(flatten)]
    node: NodeArgs,
}

/// Takes the files that come into a folder, until it is ended by a signal.
///
/// A file is taken once it does not change any more, and best renamed into the folder when it is whole; names that begin with a
/// dot are left alone. What has been taken is moved to --done, and its report is written to --reports as NAME.report.xml: while
/// the package runs every few seconds anew, then for the last time. A file that is refused has a report that says why. Whatever
/// ends this, the next start goes on.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  solvo package folder ./in --done ./done --reports ./reports --bank ALFABEBB --to 127.0.0.1:7400"
)]
struct FolderArgs {
    /// Where files come.
    #[arg(value_name = "IN")]
    files: PathBuf,
    /// Where they go.
    #[arg(long, value_name = "DIR")]
    done: PathBuf,
    /// Where reports are written.
    #[arg(long, value_name = "DIR")]
    reports: PathBuf,
    /// The bank that keeps the payers' accounts. Need not be said by whoever acts for one bank alone.
    #[arg(long, value_name = "BIC", default_value = "")]
    bank: String,
    /// How often the folder is looked at, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    look_every_ms: u64,
    /// How often the report on a package that runs is written anew, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    report_every: u64,
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400")]
    to: String,
    #[command(flatten)]
    tls: TlsArgs,
}

/// Refusals of which each is told; of others only the number.
const TOLD_MAX: usize = 20;

/// Packages on one page.
const PAGE: u32 = 256;

/// Some lines were not paid.
const NOT_ALL: u8 = 3;

/// Runs the command.
///
/// # Errors
/// If the file can't be read or is refused, or the node can't be reached.
pub(crate) async fn run(arguments: &PackageArgs) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        PackageCommand::Check(arguments) => check(arguments),
        PackageCommand::Example(arguments) => example(arguments),
        PackageCommand::Submit(arguments) => submit(arguments).await,
        PackageCommand::Pay(arguments) => pay(arguments).await,
        PackageCommand::Watch(arguments) => watch(arguments).await,
        PackageCommand::Report(arguments) => report(arguments).await,
        PackageCommand::Cancel(arguments) => cancel(arguments).await,
        PackageCommand::List(arguments) => list(arguments).await,
        PackageCommand::Folder(arguments) => folder(arguments).await,
    }
}

fn example(arguments: &ExampleArgs) -> anyhow::Result<ExitCode> {
    let failed = || format!("{} can't be written", arguments.file.display());
    let message_id = Text::parse_identifier(&format!("SALARIES-{}", run_id().as_str()))?;
    let output = BufWriter::new(File::create(&arguments.file).with_context(failed)?);
    write_salaries(message_id, now()?, today()?, arguments.lines, output).with_context(failed)?;
    Ok(ExitCode::SUCCESS)
}

async fn connect(node: &NodeArgs) -> anyhow::Result<Client> {
    remote::connect(&node.to, &node.tls).await
}

async fn bring(client: &Client, arguments: &FileArgs) -> anyhow::Result<v1::SubmitPackageResponse> {
    let brought = Brought::new(&arguments.file, &arguments.bank)?;
    let submitted = brought.submit(client).await;
    submitted.with_context(|| format!("{} was not taken in", arguments.file.display()))
}

async fn submit(arguments: &SubmitArgs) -> anyhow::Result<ExitCode> {
    let client = connect(&arguments.node).await?;
    let submitted = bring(&client, &arguments.file).await?;
    let packages: Vec<v1::Package> = submitted.package.into_iter().collect();
    print(&packages, &submitted.refused_lines, arguments.node.json)?;
    Ok(ExitCode::SUCCESS)
}

async fn pay(arguments: &PayArgs) -> anyhow::Result<ExitCode> {
    let client = connect(&arguments.node).await?;
    let submitted = bring(&client, &arguments.file).await?;
    let package_id = submitted.package.context("the node told no package")?.package_id;
    let package = follow(&client, &package_id).await?;
    if let Some(path) = &arguments.report {
        write_report(&client, &package_id, path).await?;
    }
    ended(package, &submitted.refused_lines, arguments.node.json)
}

async fn watch(arguments: &WatchArgs) -> anyhow::Result<ExitCode> {
    let client = connect(&arguments.node).await?;
    let package = follow(&client, &arguments.package).await?;
    ended(package, &[], arguments.node.json)
}

/// Shows a package that has ended, and exits by what became of it.
fn ended(package: v1::Package, refused: &[v1::RefusedLine], as_json: bool) -> anyhow::Result<ExitCode> {
    let is_all_paid = package.settled_count == package.stated_count;
    print(&[package], refused, as_json)?;
    Ok(if is_all_paid { ExitCode::SUCCESS } else { NOT_ALL.into() })
}

async fn report(arguments: &ReportArgs) -> anyhow::Result<ExitCode> {
    let client = connect(&arguments.node).await?;
    write_report(&client, &arguments.package, &arguments.out).await?;
    let request = v1::GetPackageRequest { package_id: arguments.package.clone() };
    let package = client.get_package(request).await?.package;
    print(&package.into_iter().collect::<Vec<_>>(), &[], arguments.node.json)?;
    Ok(ExitCode::SUCCESS)
}

async fn cancel(arguments: &CancelArgs) -> anyhow::Result<ExitCode> {
    let client = connect(&arguments.node).await?;
    let request = v1::CancelPackageRequest {
        request_id: format!("cancel-{}", run_id().as_str()),
        package_id: arguments.package.clone(),
    };
    let package = client.cancel_package(request).await.context("the package was not cancelled")?.package;
    print(&package.into_iter().collect::<Vec<_>>(), &[], arguments.node.json)?;
    Ok(ExitCode::SUCCESS)
}

async fn list(arguments: &ListArgs) -> anyhow::Result<ExitCode> {
    let client = connect(&arguments.node).await?;
    let mut packages: Vec<v1::Package> = Vec::new();
    loop {
        let after_package_id = packages.last().map_or_else(String::new, |last| last.package_id.clone());
        let request =
            v1::ListPackagesRequest { bic: arguments.bank.clone(), page_size: PAGE, after_package_id };
        let page = client.list_packages(request).await.context("the node did not list the packages")?;
        let is_last = page.packages.len() < usize::try_from(PAGE)?;
        packages.extend(page.packages);
        if is_last {
            break;
        }
    }
    let newest = packages.len().saturating_sub(arguments.count);
    print(&packages[newest..], &[], arguments.node.json)?;
    Ok(ExitCode::SUCCESS)
}

async fn folder(arguments: &FolderArgs) -> anyhow::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let client = remote::connect(&arguments.to, &arguments.tls).await?;
    let folders = Folders {
        files: arguments.files.clone(),
        done: arguments.done.clone(),
        reports: arguments.reports.clone(),
        bank: arguments.bank.clone(),
        look_every: Duration::from_millis(arguments.look_every_ms),
        report_every: Duration::from_secs(arguments.report_every),
    };
    tokio::select! {
        ended = folder::watch(&client, &folders) => ended?,
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(ExitCode::SUCCESS)
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
