//! `solvo demo`: real payments settled, durable and confirmed, before the eyes of a newcomer.

mod salaries;
mod statement;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use client::v1;
use engine::Config;
use journal::SegmentSize;
use ledger::{Ledger, Limits, OutcomeEntry, PaymentAnswer, Recall, RecallAnswer, layout};
use loadgen::{
    AskedBack, Confirmed, DocumentStatus, Elsewhere, Extent, LoadOptions, LoadReport, Progress, Submitted,
    TerminalProgress, ask_back, load, pay_elsewhere, read_documents, submit_documents, world,
};
use server::{Keeping, ServerLimits};
use tokio::signal::unix::{SignalKind, signal};
use types::{Currency, PaymentId, PaymentState, Sequence};

use self::salaries::pay_salaries;
use self::statement::show_statement;
use crate::node::{KeepSettings, Node};
use crate::serve::{parse_listen, tell};
use crate::submit::{connect, is_as_expected, run_id, url, write_submitted};
use crate::verify::{Observer, verify_folder};

/// Starts a node, submits the fixtures, sends payments, and audits the books and the journal.
///
/// Three banks (Belgian, German, French) with funded positions and 1,000 customers each are registered; every
/// document of the fixtures is submitted through the same calls as any client's. Two banks that keep their accounts
/// elsewhere are connected and asked about payments to them: one accepts, the other rejects some, answers some too late
/// and some twice. Three payments are asked back: one was sent twice and comes back, of one the payee does not agree, and one
/// comes back less a fee; the payee's statement of the day shows it. A file of ten thousand salaries is paid line by line and
/// reported on. Then payments are sent over gRPC as fast as they are
/// answered. Exit 1 if a document came to something else than the file beside it says, the banks were told something else
/// than the payers, a recall, the statement or the report on the salaries is not as it should be, or the audit finds a difference.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo demo --keep --listen 127.0.0.1:7400")]
pub(crate) struct DemoArgs {
    /// The folder of the log, which must not hold one yet. Without it, one that is removed at the end.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where to listen; port 0 lets the system choose.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0", value_parser = parse_listen)]
    listen: SocketAddr,
    /// The documents to submit.
    #[arg(long, value_name = "DIR", default_value = "tests/fixtures/pacs008")]
    fixtures: PathBuf,
    /// How many payments to send over gRPC.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    payments: u64,
    /// How many salaries the file has that is paid.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    salaries: u32,
    /// Go on serving afterwards, until SIGTERM or SIGINT.
    #[arg(long)]
    keep: bool,
}

/// Small enough for any machine.
const DEMO_LIMITS: Limits = Limits { accounts_max: 1 << 20, payments_max: 1 << 23, requests_max: 1 << 21 };

/// What the second bank does to which payment follows from this.
const DEMO_SEED: u64 = 1;

/// Runs the demo.
pub(crate) async fn run(arguments: &DemoArgs) -> anyhow::Result<ExitCode> {
    // Asked for before anything is there, so that no signal is missed.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let documents = read_documents(&arguments.fixtures).context(
        "the demo submits the fixtures of the repository: run it there, or name their folder with --fixtures",
    )?;
    // Removed when it goes out of scope.
    let temporary = tempfile::tempdir().context("no folder can be made for the log")?;
    let folder = arguments.data.as_deref().unwrap_or(temporary.path());
    ensure!(
        !folder.join("MANIFEST").exists(),
        "{} holds a log already: the demo starts with a fresh one; remove it, or name another folder",
        folder.display()
    );
    let config = Config {
        folder: folder.to_owned(),
        segment_size: SegmentSize::DEFAULT,
        limits: DEMO_LIMITS,
        payments_ready: 0,
        commands_per_second_max: None,
        master_key: None,
        follower: engine::FollowerSettings::default(),
        is_parallel: false,
    };
    let keep = KeepSettings {
        history: true,
        calendar: Some(Keeping { business_date: true }),
        ..KeepSettings::default()
    };
    let node = Node::start_as(None, arguments.listen, config, ServerLimits::default(), keep).await?;
    let address = node.address().to_string();
    tell(format_args!("node     {address}, log in {}", folder.display()));

    let demo = async {
        let progress = TerminalProgress::new();
        let client = connect(&address).await?;
        world::set_up(&client, &progress).await?;
        progress.finish();
        tell(format_args!(
            "banks    {} registered and funded, {} customers each",
            world::BANKS.len(),
            world::CUSTOMERS
        ));
        tell(format_args!(
            "\ndocuments: what came of each, the reason, and the time from acceptance to durable confirmation\n"
        ));
        let submitted = submit_documents(&client, &documents, Some(&run_id())).await?;
        let as_expected = tell_documents(&submitted)?;
        tell(format_args!("\npayments to banks elsewhere, which are asked about each:\n"));
        let elsewhere = pay_elsewhere(&client, &run_id(), DEMO_SEED).await?;
        tell(format_args!("{elsewhere}"));
        tell(format_args!("payments that are asked back, each once:\n"));
        let asked = ask_back(&client, &run_id()).await?;
        tell(format_args!("{asked}"));
        tell(format_args!("the statement of that payee:\n"));
        let stated = show_statement(&client, &asked).await?;
        tell(format_args!(""));
        tell(format_args!("a file of salaries (pain.001), and the report on it (pain.002):\n"));
        let salaries = pay_salaries(&client, &run_id(), arguments.salaries).await?;
        let options =
            LoadOptions { extent: Extent::Payments(arguments.payments), ..LoadOptions::new(run_id()) };
        let report = load(&url(&address), &options, &progress).await?;
        progress.finish();
        tell(format_args!("{report}"));
        let found = Reported { submitted: &submitted, elsewhere: &elsewhere, asked: &asked, report: &report };
        let audited = audit(folder, &found)?;
        anyhow::Ok(
            as_expected
                && elsewhere.passed()
                && asked.passed()
                && stated
                && salaries
                && report.passed()
                && audited,
        )
    };
    let passed = tokio::select! {
        passed = demo => Some(passed?),
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
    };
    let Some(passed) = passed else {
        tell(format_args!("\nstopped before the end"));
        node.stop().await?;
        return Ok(ExitCode::FAILURE);
    };
    tell(format_args!(
        "\n{}",
        if passed { "all is as it should be" } else { "SOMETHING IS NOT AS IT SHOULD BE" }
    ));
    if arguments.keep && passed {
        tell(format_args!("listening on {address} until SIGTERM or SIGINT"));
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
    node.stop().await?;
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell_documents(submitted: &[Submitted]) -> anyhow::Result<bool> {
    let mut out = io::stdout().lock();
    submitted.iter().try_for_each(|submitted| write_submitted(submitted, &mut out))?;
    let count = |status| submitted.iter().filter(|submitted| submitted.status == status).count();
    let differing = submitted.iter().filter(|submitted| !is_as_expected(submitted)).count();
    writeln!(
        out,
        "\n{} documents: {} settled, {} rejected, {} not taken; {differing} not as expected",
        submitted.len(),
        count(DocumentStatus::Settled),
        count(DocumentStatus::Rejected),
        count(DocumentStatus::NotTaken),
    )?;
    Ok(differing == 0)
}

/// What the parts of the demo were told.
struct Reported<'demo> {
    submitted: &'demo [Submitted],
    elsewhere: &'demo Elsewhere,
    asked: &'demo AskedBack,
    report: &'demo LoadReport,
}

/// Reads the journal as `verify` does, and looks for everything that was confirmed.
fn audit(folder: &Path, reported: &Reported<'_>) -> anyhow::Result<bool> {
    let Reported { submitted, elsewhere, asked, report } = reported;
    let mut journal = Found { confirmed: &report.confirmed, count: 0 };
    let verified = match verify_folder(folder, &mut journal) {
        Ok(verified) => verified,
        Err(fault) => {
            fault.write_text(&mut io::stderr().lock())?;
            return Ok(false);
        }
    };
    let mut out = io::stdout().lock();
    writeln!(out, "\njournal: chained and whole, and replaying it gives what was told")?;
    for book in &verified.books {
        let owner = book.owner.map_or_else(|| "settlement".to_owned(), |bic| bic.to_string());
        let (currency, accounts) = (book.currency, book.accounts);
        writeln!(out, "  book {owner:<12} {currency}  {accounts:>7} accounts, sums to {}", book.sum())?;
    }
    let outcomes: Vec<_> = submitted.iter().filter_map(|submitted| submitted.outcome.as_ref()).collect();
    let stands = |outcome: &&&v1::PaymentOutcome| is_in(&verified.ledger, outcome);
    let documents = outcomes.iter().filter(stands).count();
    let confirmed = report.confirmed.count();
    writeln!(out, "  {} of {confirmed} confirmed payments of the load found", journal.count)?;
    writeln!(out, "  {documents} of {} reported documents found, with the same outcome", outcomes.len())?;
    let paid = elsewhere.outcomes.len();
    let found = elsewhere.outcomes.iter().filter(|(_, outcome)| is_in(&verified.ledger, outcome)).count();
    writeln!(out, "  {found} of {paid} payments to banks elsewhere found, with the same outcome")?;
    let recalls = asked.recalls.iter().filter(|recall| is_answered(&verified.ledger, recall)).count();
    writeln!(out, "  {recalls} of {} recalls found, with the same answer", asked.recalls.len())?;
    let balanced = verified.books.iter().all(|book| book.sum() == 0);
    let are_found = documents == outcomes.len() && found == paid && recalls == asked.recalls.len();
    Ok(balanced && journal.count == confirmed && are_found)
}

/// Whether the ledger that the journal leads to knows the payment, and says the same of it.
fn is_in(ledger: &Ledger, outcome: &v1::PaymentOutcome) -> bool {
    let PaymentAnswer::Found(payment) = ledger.payment_at(Sequence(outcome.sequence)) else { return false };
    let reason = payment.reason().map_or_else(String::new, |code| code.to_string());
    client::convert::payment_status(payment.state()) == outcome.status() && reason == outcome.reason_code
}

/// Whether the ledger that the journal leads to knows the recall, and the same answer to it.
fn is_answered(ledger: &Ledger, told: &v1::Recall) -> bool {
    let Ok(id) = PaymentId::parse(&told.recall_id) else { return false };
    let Some(answered) = ledger.recall(id.sequence).and_then(Recall::answered) else { return false };
    let is_same = match answered.answer {
        RecallAnswer::Return { amount, fee } => {
            let returned = told.returned_amount.as_ref().map(|money| money.amount.as_str());
            let [amount, fee] = [amount.to_decimal(Currency::EUR), fee.to_decimal(Currency::EUR)];
            told.state() == v1::RecallState::Returned && returned == Some(&*amount) && told.fee == fee
        }
        RecallAnswer::Refuse(refusal) => {
            told.state() == v1::RecallState::Refused && told.refusal_code == refusal.code().to_string()
        }
        RecallAnswer::TimeOver(_) => false,
    };
    is_same && answered.sequence == Sequence(told.answered_sequence)
}

/// Counts the payments in the journal that were confirmed as settled.
struct Found<'run> {
    confirmed: &'run Confirmed,
    count: u64,
}

impl Observer for Found<'_> {
    fn payment(&mut self, payment: &layout::Payment, outcome: &OutcomeEntry) {
        let settled = outcome.payment_state() == Some(PaymentState::Settled) && outcome.repeat_of().is_none();
        if settled && self.confirmed.contains(payment.key.transaction_id_text().as_str()) {
            self.count += 1;
        }
    }
}
