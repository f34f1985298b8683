//! `solvo history`: the past, asked of a node or made anew from its log.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use ::history::{FOLDER, Rebuild, Rebuilt, Watermark};
use anyhow::Context;
use client::convert::timestamp_from_wire;
use client::v1;
use journal::{FileStorage, FrameView, Location, ReadError, Reader, VisitError};
use types::{BatchNumber, Sequence, Timestamp};

use crate::master_key::MasterKeyArgs;
use crate::remote::{self, TlsArgs};
use crate::verify::Observer;
use crate::verify::progress::Bar;

/// Asks for the past, or makes its store anew from the log.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo history status --to 127.0.0.1:7400")]
pub(crate) struct HistoryArgs {
    #[command(subcommand)]
    command: HistoryCommand,
}

#[derive(Debug, clap::Subcommand)]
enum HistoryCommand {
    Rebuild(RebuildArgs),
    Status(StatusArgs),
    Payments(PaymentsArgs),
    Entries(EntriesArgs),
}

/// Makes the history of a log anew, from its first frame. Stop the node first, or let it keep none.
///
/// The store that is there stays until the new one is whole. A node whose history folder is missing does the same by
/// itself in the background; this is faster, and says how far it is.
///
/// Where the log does not begin with its first frame any more, history begins with the oldest snapshot that is kept, and
/// knows nothing of what was before. The store that was there is then put aside, as history.old-1 and so on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo history rebuild --data ./solvo-data")]
struct RebuildArgs {
    /// The folder of the log.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    master_key: MasterKeyArgs,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// The node to ask, and how.
#[derive(Debug, clap::Args)]
struct Asked {
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400")]
    to: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// Print one JSON object for each row instead of text.
    #[arg(long)]
    json: bool,
}

/// Tells how far a node's history has come. Exits with 1 if it can't be asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo history status --to 127.0.0.1:7400")]
struct StatusArgs {
    #[command(flatten)]
    asked: Asked,
}

/// Lists payments of the past, the latest first. Names, accounts and texts are not shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo history payments --participant ALFABEBB --limit 20")]
struct PaymentsArgs {
    #[command(flatten)]
    asked: Asked,
    /// Those of this participant. Without one, the caller's own or everyone's.
    #[arg(long, value_name = "BIC", default_value = "")]
    participant: String,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

/// Lists what moved the balance of an account or position, the latest first.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  solvo history entries --position ALFABEBB\n  solvo history entries --account BE71096123456769"
)]
struct EntriesArgs {
    #[command(flatten)]
    asked: Asked,
    /// A customer's account.
    #[arg(
        long,
        value_name = "IBAN",
        required_unless_present_any = ["position", "technical"],
        conflicts_with_all = ["position", "technical"]
    )]
    account: Option<String>,
    /// A participant's position.
    #[arg(long, value_name = "BIC", conflicts_with = "technical")]
    position: Option<String>,
    /// A participant's technical account, beside its position.
    #[arg(long, value_name = "BIC")]
    technical: Option<String>,
    /// The currency, ISO 4217.
    #[arg(long, value_name = "CODE", default_value = "EUR")]
    currency: String,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

/// Runs the command.
pub(crate) fn run(arguments: &HistoryArgs) -> anyhow::Result<ExitCode> {
    let asks = match &arguments.command {
        HistoryCommand::Rebuild(arguments) => return rebuild(arguments),
        HistoryCommand::Status(_) | HistoryCommand::Payments(_) | HistoryCommand::Entries(_) => {
            tokio::runtime::Builder::new_current_thread().enable_all().build()?
        }
    };
    asks.block_on(async {
        match &arguments.command {
            HistoryCommand::Status(arguments) => status(arguments).await,
            HistoryCommand::Payments(arguments) => payments(arguments).await,
            HistoryCommand::Entries(arguments) => entries(arguments).await,
            HistoryCommand::Rebuild(_) => unreachable!("it needs no runtime"),
        }
    })
}

fn rebuild(arguments: &RebuildArgs) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let master = arguments.master_key.read()?;
    let reader = Reader::open(FileStorage::open(&arguments.data)?)?.with_keys_of_folder(master.as_ref())?;
    let mut bar = Bar::new(&arguments.data)?;
    let mut rebuild = Rebuild::begin(&arguments.data.join(FOLDER), reader.keyring().digest_key())?;
    let read = read_log(&reader, &mut rebuild, &mut bar);
    bar.finish();
    read.context("the history that was there is as it was")?;
    tell_rebuilt(&rebuild.finish()?, began.elapsed().as_secs_f64(), arguments.json)?;
    Ok(ExitCode::SUCCESS)
}

/// Takes in the log from its first frame, or what is behind the oldest snapshot.
fn read_log(reader: &Reader<FileStorage>, rebuild: &mut Rebuild, bar: &mut Bar) -> anyhow::Result<()> {
    let mut visit = |rebuild: &mut Rebuild, frame: &FrameView<'_>, location: Location| {
        rebuild.take(frame)?;
        bar.frame(frame.header(), location);
        Ok::<_, VisitError>(())
    };
    let read = reader.read(BatchNumber(0), &mut |frame, location| visit(rebuild, frame, location));
    let read = match read {
        Err(ReadError::Trimmed { .. }) => {
            let begin = rebuild.with_oldest_snapshot(reader);
            let begin = begin.context("the log does not begin with its first frame any more")?;
            reader.read_from(&begin, &mut |frame, location| visit(rebuild, frame, location))
        }
        other => other,
    };
    read.map(|_| ()).context("the log can't be read to its end")
}

fn tell_rebuilt(rebuilt: &Rebuilt, seconds: f64, json: bool) -> io::Result<()> {
    let at = |number: fn(&Watermark) -> u64| rebuilt.reached.as_ref().map_or(0, number);
    let (batch, sequence) = (at(|reached| reached.batch.0), at(|reached| reached.last_sequence.0));
    let begins = rebuilt.reached.map(|reached| (reached.begins, reached.begins_time));
    let begins = begins.filter(|(position, _)| *position > Sequence(0));
    let aside = rebuilt.aside.as_ref().map(|folder| folder.display().to_string());
    let mut out = io::stdout().lock();
    if json {
        let told = serde_json::json!({
            "ok": true,
            "batch": batch,
            "sequence": sequence,
            "begins_after_sequence": begins.map_or(0, |(position, _)| position.0),
            "put_aside": aside,
            "seconds": seconds,
        });
        return writeln!(out, "{told}");
    }
    writeln!(out, "history is made anew up to batch {batch}, position {sequence}, in {seconds:.1} s")?;
    if let Some((position, time)) = begins {
        writeln!(
            out,
            "it begins after position {position}, at {time}: the log does not reach back to its first frame any more"
        )?;
    }
    aside.map_or(Ok(()), |folder| writeln!(out, "the history that was there is now {folder}"))
}

async fn status(arguments: &StatusArgs) -> anyhow::Result<ExitCode> {
    let client = remote::connect(&arguments.asked.to, &arguments.asked.tls).await?;
    let status = client.get_history_status(v1::GetHistoryStatusRequest {}).await?;
    let as_of = status.as_of.unwrap_or_default();
    let time = time(as_of.time.as_ref().and_then(timestamp_from_wire));
    let mut out = io::stdout().lock();
    if arguments.asked.json {
        let told = serde_json::json!({
            "available": status.available,
            "why_not": status.unavailable_description,
            "sequence": as_of.sequence,
            "time": time,
            "caught_up": as_of.caught_up,
            "begins_after_sequence": as_of.begins_after_sequence,
        });
        writeln!(out, "{told}")?;
    } else if status.available {
        let how = if as_of.caught_up { "caught up" } else { "catching up" };
        writeln!(out, "{how}, as of position {} at {time}", as_of.sequence)?;
        if as_of.begins_after_sequence > 0 {
            let begins = as_of.begins_after_time.as_ref().and_then(timestamp_from_wire);
            let begins = self::time(begins);
            writeln!(out, "it begins after position {} at {begins}", as_of.begins_after_sequence)?;
        }
    } else {
        writeln!(out, "not available: {}", status.unavailable_description)?;
    }
    Ok(if status.available { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn payments(arguments: &PaymentsArgs) -> anyhow::Result<ExitCode> {
    let client = remote::connect(&arguments.asked.to, &arguments.asked.tls).await?;
    let mut request =
        v1::ListPaymentsRequest { participant: arguments.participant.clone(), ..Default::default() };
    let mut left = arguments.limit;
    let mut out = io::stdout().lock();
    while left > 0 {
        request.page_size = page_size(left);
        let page = client.list_payments(request.clone()).await?;
        for payment in page.payments.iter().take(left) {
            write_payment(payment, arguments.asked.json, &mut out)?;
        }
        left = left.saturating_sub(page.payments.len());
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn entries(arguments: &EntriesArgs) -> anyhow::Result<ExitCode> {
    let client = remote::connect(&arguments.asked.to, &arguments.asked.tls).await?;
    use v1::list_entries_request::Owner;
    let currency_code = arguments.currency.clone();
    let owner = match (&arguments.account, &arguments.technical, &arguments.position) {
        (Some(iban), ..) => Owner::Account(v1::AccountName { iban: iban.clone(), currency_code }),
        (None, Some(bic), _) => Owner::TechnicalAccount(v1::PositionName { bic: bic.clone(), currency_code }),
        (None, None, bic) => {
            let bic = bic.clone().unwrap_or_default();
            Owner::Position(v1::PositionName { bic, currency_code })
        }
    };
    let mut request = v1::ListEntriesRequest { owner: Some(owner), ..Default::default() };
    let mut left = arguments.limit;
    let mut out = io::stdout().lock();
    while left > 0 {
        request.page_size = page_size(left);
        let page = client.list_entries(request.clone()).await?;
        for entry in page.entries.iter().take(left) {
            write_entry(entry, arguments.asked.json, &mut out)?;
        }
        left = left.saturating_sub(page.entries.len());
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn page_size(left: usize) -> u32 {
    u32::try_from(left).unwrap_or(u32::MAX).min(client::limits::PAGE_SIZE_MAX)
}

fn write_payment(payment: &v1::PaymentRecord, json: bool, out: &mut impl Write) -> io::Result<()> {
    let outcome = payment.outcome.clone().unwrap_or_default();
    let status = outcome.status().as_str_name().trim_start_matches("PAYMENT_STATUS_");
    let (amount, currency) = payment
        .amount
        .as_ref()
        .map_or(("-", ""), |money| (money.amount.as_str(), money.currency_code.as_str()));
    let received = time(payment.received_time.as_ref().and_then(timestamp_from_wire));
    if json {
        let told = serde_json::json!({
            "payment_id": outcome.payment_id,
            "received": received,
            "status": status,
            "reason": outcome.reason_code,
            "debtor_agent": outcome.debtor_agent,
            "creditor_agent": payment.creditor_agent,
            "transaction_id": outcome.transaction_id,
            "amount": amount,
            "currency": currency,
            "sequence": outcome.sequence,
            "erased": payment.erased,
        });
        return writeln!(out, "{told}");
    }
    let reason = if outcome.reason_code.is_empty() { "-" } else { &outcome.reason_code };
    let (debtor, creditor, id) = (&outcome.debtor_agent, &payment.creditor_agent, &outcome.transaction_id);
    writeln!(
        out,
        "{received:<28} {status:<9} {reason:<5} {debtor} {creditor:<11} {amount:>12} {currency:<3} {id}"
    )
}

fn write_entry(entry: &v1::Entry, json: bool, out: &mut impl Write) -> io::Result<()> {
    let kind = entry.r#type().as_str_name().trim_start_matches("ENTRY_TYPE_");
    let direction = entry.direction().as_str_name().trim_start_matches("ENTRY_DIRECTION_");
    let amount = entry.amount.as_ref().map_or("-", |money| money.amount.as_str());
    let booked = time(entry.time.as_ref().and_then(timestamp_from_wire));
    if json {
        let told = serde_json::json!({
            "sequence": entry.sequence,
            "time": booked,
            "type": kind,
            "direction": direction,
            "amount": amount,
            "balance": entry.balance,
            "counterpart": entry.counterpart,
            "transaction_id": entry.transaction_id,
            "payment_id": entry.payment_id,
        });
        return writeln!(out, "{told}");
    }
    let (balance, counterpart, id) = (&entry.balance, &entry.counterpart, &entry.transaction_id);
    writeln!(out, "{booked:<28} {kind:<9} {direction:<6} {amount:>14} {balance:>16} {counterpart:<11} {id}")
}

fn time(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.to_string())
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
