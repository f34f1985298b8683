//! `solvo parallel feed`: the copy of another system's payments on its way into a node.
//!
//! Invariant: what was fed is fed once more without harm: a payment that has no acceptance time, or the same one, is a repeat.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use client::v1::payment_result::Result as Told;
use client::v1::{ErrorReason, PaymentStatus};
use client::{Payments, StreamOptions, v1};
use tokio::sync::mpsc;

use super::old::{self, Row};
use crate::lane::{Lane, PAUSE};
use crate::remote::{self, TlsArgs};
use crate::restore::parse_instant;

/// Feeds a copy of payments into a node beside the system that decides about them.
///
/// The file has a line for each payment, and a first line that names its columns: transaction_id, debtor_agent,
/// debtor_account, debtor_name, creditor_agent, creditor_account, creditor_name, amount and currency; acceptance_time,
/// end_to_end_id and remittance if there are such; others are left alone, so that one file can be fed and compared. `-` reads
/// standard input, each line as it comes.
///
/// Exits with 1 if a payment was not taken. One that the node rejects was taken: `solvo parallel compare` says whether the
/// other system has rejected it too.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tail -n +1 -F payments.csv | solvo parallel feed - --to 127.0.0.1:7500")]
pub(super) struct FeedArgs {
    /// The file, or `-`.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The node, which was started with `serve --parallel`.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400")]
    to: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

const COLUMNS: [&str; 9] = [
    "transaction_id",
    "debtor_agent",
    "debtor_account",
    "debtor_name",
    "creditor_agent",
    "creditor_account",
    "creditor_name",
    "amount",
    "currency",
];

/// Lines that are sent together, and those that may be under way.
const TOGETHER: usize = 256;
const UNDER_WAY_MAX: usize = 4096;

/// So many refusals are told one by one.
const TOLD_MAX: usize = 20;

/// A line of the file.
#[derive(Clone)]
struct Fed {
    line: u64,
    payment: v1::Payment,
}

/// What the lines came to.
#[derive(Debug, Default)]
struct Tally {
    settled: u64,
    rejected: u64,
    expired: u64,
    /// Those of which the node has not said in time what they came to.
    open: u64,
    repeats: u64,
    not_taken: u64,
    /// The first of those that were not taken: the line, and why.
    told: Vec<(u64, String)>,
}

/// Feeds the file.
pub(super) async fn run(arguments: &FeedArgs) -> anyhow::Result<ExitCode> {
    let client = remote::connect(&arguments.to, &arguments.tls).await?;
    super::check_is_parallel(&client).await?;
    let mut table = old::open(&arguments.file, &COLUMNS)?;
    let (sender, receiver) = mpsc::channel(TOGETHER);
    // A pipe may be silent for hours, so it is read on a thread of its own.
    let reading = tokio::task::spawn_blocking(move || -> anyhow::Result<()> {
        while let Some(row) = table.next()? {
            if sender.blocking_send(payment(&row)?).is_err() {
                break;
            }
        }
        Ok(())
    });
    let tally = feed(&client, receiver).await?;
    reading.await??;
    tell(&tally, arguments.json)?;
    Ok(if tally.not_taken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn payment(row: &Row<'_>) -> anyhow::Result<Fed> {
    let text = |name: &str| row.field(name).to_owned();
    let party = |name: &str| Some(v1::Party { name: text(name), ..v1::Party::default() });
    let accepted = match row.field("acceptance_time") {
        "" => None,
        time => {
            let time = parse_instant(time);
            let rule = "is no instant in UTC such as 2026-11-21T10:00:00.123Z";
            let time = time.with_context(|| format!("line {}: acceptance_time {rule}", row.line))?;
            Some(client::convert::timestamp(time))
        }
    };
    let end_to_end_id = match row.field("end_to_end_id") {
        "" => "NOTPROVIDED".to_owned(),
        id => id.to_owned(),
    };
    let remittance = Some(text("remittance")).filter(|text| !text.is_empty());
    let payment = v1::Payment {
        debtor_agent: text("debtor_agent"),
        transaction_id: text("transaction_id"),
        creditor_agent: text("creditor_agent"),
        debtor_account: text("debtor_account"),
        creditor_account: text("creditor_account"),
        amount: Some(v1::Money { amount: text("amount"), currency_code: text("currency") }),
        acceptance_time: accepted,
        end_to_end_id,
        debtor: party("debtor_name"),
        creditor: party("creditor_name"),
        remittance: remittance.map(v1::payment::Remittance::Unstructured),
        ..v1::Payment::default()
    };
    Ok(Fed { line: row.line, payment })
}

async fn feed(client: &client::Client, mut rows: mpsc::Receiver<Fed>) -> anyhow::Result<Tally> {
    let options = StreamOptions { in_flight_max: UNDER_WAY_MAX };
    let mut lane: Lane<Payments, Fed> = Lane::open(client, options);
    let item = |fed: &Fed| v1::PaymentSubmission { caller_id: fed.line, payment: Some(fed.payment.clone()) };
    let (mut tally, mut has_more) = (Tally::default(), true);
    while has_more || lane.is_busy() {
        let mut some = Vec::new();
        tokio::select! {
            count = rows.recv_many(&mut some, TOGETHER), if has_more && lane.count() + TOGETHER <= UNDER_WAY_MAX => {
                has_more = count > 0;
                lane.send(some, item).await;
            }
            answered = lane.receive() => {
                for (fed, answer) in answered? {
                    if !tally.count(fed.line, &answer) {
                        lane.again.push(fed);
                    }
                }
            }
            () = tokio::time::sleep(PAUSE), if lane.waits() => {
                let some = std::mem::take(&mut lane.again);
                lane.send(some, item).await;
            }
        }
    }
    Ok(tally)
}

impl Tally {
    /// Counts an answer; says whether it is one, and not that there was no room.
    fn count(&mut self, line: u64, answer: &v1::PaymentResult) -> bool {
        match &answer.result {
            Some(Told::Outcome(outcome)) => {
                self.repeats += u64::from(outcome.repeat);
                match outcome.status() {
                    PaymentStatus::Settled => self.settled += 1,
                    PaymentStatus::Expired => self.expired += 1,
                    PaymentStatus::Rejected => self.rejected += 1,
                    PaymentStatus::Reserved | PaymentStatus::Unresolved | PaymentStatus::Unspecified => {
                        self.open += 1;
                    }
                }
            }
            Some(Told::NotTaken(refusal)) => {
                if [ErrorReason::Overloaded, ErrorReason::QuotaExceeded].contains(&refusal.reason()) {
                    return false;
                }
                self.not_taken += 1;
                if self.told.len() < TOLD_MAX {
                    let fields: Vec<_> = refusal
                        .field_violations
                        .iter()
                        .map(|violation| format!("{}: {}", violation.field, violation.description))
                        .collect();
                    self.told.push((line, [vec![refusal.message.clone()], fields].concat().join("; ")));
                }
            }
            None => return false,
        }
        true
    }
}

fn tell(tally: &Tally, json: bool) -> anyhow::Result<()> {
    let Tally { settled, rejected, expired, open, repeats, not_taken, told } = tally;
    let mut out = std::io::stdout().lock();
    if json {
        let told = serde_json::json!({
            "ok": *not_taken == 0,
            "settled": settled,
            "rejected": rejected,
            "expired": expired,
            "open": open,
            "repeats": repeats,
            "not_taken": not_taken,
        });
        writeln!(out, "{told}")?;
    } else {
        writeln!(
            out,
            "settled {settled}, rejected {rejected}, expired {expired}, open {open}, of these repeats {repeats}; not taken {not_taken}"
        )?;
    }
    for (line, why) in told {
        writeln!(std::io::stderr(), "line {line}: {why}")?;
    }
    Ok(())
}
