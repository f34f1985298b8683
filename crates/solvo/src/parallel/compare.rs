//! `solvo parallel compare`: a day as the system that decides has it, and as a node beside it has it.
//!
//! Invariant: the node's history is read whole before anything is said, and only once it has come to all that was decided.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use client::convert::timestamp;
use client::{Client, v1};
use reports::{
    Became, Beside, BesideReport, Decided, Kind, PaymentDifference, PaymentName, SideTotals, decimal,
    guarded, write_line,
};
use serde_json::json;
use types::{
    Amount, Balance, Bic, Currency, Date, Duration as Span, Iban, ReasonCode, StatusReason, Timestamp,
};

use super::old;
use crate::clock::now;
use crate::remote::{self, TlsArgs};
use crate::report::progress_bar;

/// Compares the payments of a day, and the balances at its end, with the files of the system that decides.
///
/// The file of payments names the columns transaction_id, debtor_agent, status (SETTLED, REJECTED, EXPIRED or RESERVED),
/// amount and currency, and reason if the system gives one; that of balances iban, currency and balance. Other columns are
/// left alone. A payment belongs to the day on which the node received it.
///
/// Exits with 1 if the two decide otherwise. Where a bank said no to the other system and this node has said yes for it
/// (bank_answer), that is told and is no fault.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  solvo parallel compare --old payments.csv --old-balances balances.csv --date 2026-11-20 --csv differences.csv"
)]
pub(super) struct CompareArgs {
    /// The day.
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    date: Date,
    /// By how many minutes the clock of that day is ahead of UTC.
    #[arg(long, value_name = "MINUTES", default_value_t = 0, allow_hyphen_values = true)]
    utc_offset: i32,
    /// The other system's payments of that day.
    #[arg(long, value_name = "FILE")]
    old: PathBuf,
    /// The other system's balances at the end of that day.
    #[arg(long, value_name = "FILE")]
    old_balances: Option<PathBuf>,
    /// Payments of this participant only. Without one, all that the caller sees.
    #[arg(long, value_name = "BIC", default_value = "")]
    participant: String,
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400")]
    to: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// Write every difference into this file, as comma-separated values.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// A day of a country's banks has fewer; it keeps a wrong file from filling the memory.
const PAYMENTS_MAX: usize = 20_000_000;

/// How long history is waited for, and how often it is looked at meanwhile.
const HISTORY_PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A history that has caught up lacks nothing that is older than a second or so.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(2);

/// So many differences are told one by one; all are in the file of `--csv`.
const TOLD_MAX: usize = 100;

fn parse_date(text: &str) -> Result<Date, String> {
    Date::parse(text).map_err(|_| "give a day such as 2026-11-20".to_owned())
}

/// A balance of which the two do not say the same.
struct BalanceDifference {
    iban: Iban,
    currency: Currency,
    there: Balance,
    /// `None` if the node does not have the account.
    here: Option<String>,
}

/// What was compared of balances.
#[derive(Default)]
struct Balances {
    count: u64,
    differences: Vec<BalanceDifference>,
}

/// Compares.
pub(super) async fn run(arguments: &CompareArgs) -> anyhow::Result<ExitCode> {
    let (from, until) = day(arguments.date, arguments.utc_offset)?;
    let mut beside = Beside::default();
    read_old(&arguments.old, &mut beside)?;
    let client = remote::connect(&arguments.to, &arguments.tls).await?;
    await_history(&client).await?;
    read_here(&client, &arguments.participant, (from, until), &mut beside).await?;
    let balances = match &arguments.old_balances {
        Some(path) => compare_balances(&client, path, until).await?,
        None => Balances::default(),
    };
    let report = beside.finish();
    if let Some(path) = &arguments.csv {
        write_csv(path, &report, &balances)
            .with_context(|| format!("{} can't be written", path.display()))?;
    }
    let agrees = report.agrees() && balances.differences.is_empty();
    let is_over = now()? >= until;
    let mut out = std::io::stdout().lock();
    match arguments.json {
        true => writeln!(out, "{}", to_json(&report, &balances, [agrees, is_over]))?,
        false => write_text(&report, &balances, [agrees, is_over], &mut out)?,
    }
    Ok(if agrees { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// When a day begins and ends.
fn day(date: Date, utc_offset: i32) -> anyhow::Result<(Timestamp, Timestamp)> {
    ensure!((-840..=840).contains(&utc_offset), "--utc-offset lies between -840 and 840");
    let day = Span::from_seconds(86_400);
    let midnight = Timestamp::from_civil(date, 0, 0, 0, 0).context("the day is out of range")?;
    let ahead = Span::from_seconds(utc_offset.unsigned_abs() * 60);
    let from = if utc_offset < 0 { midnight.plus(ahead) } else { midnight.minus(ahead) };
    Ok((from, from.plus(day)))
}

fn read_old(path: &Path, beside: &mut Beside) -> anyhow::Result<()> {
    let needed = ["transaction_id", "debtor_agent", "status", "amount", "currency"];
    let mut table = old::open(path, &needed)?;
    while let Some(row) = table.next()? {
        let line = row.line;
        let (name, decided) = row.payment()?;
        if beside.add_there(name, decided).is_err() {
            bail!("line {line}: the payment stands in the file before");
        }
        ensure!(beside.count_there() <= PAYMENTS_MAX, "the file has more than {PAYMENTS_MAX} payments");
    }
    Ok(())
}

/// Waits until history has come to what the node has decided by now, so that nothing of the day is missed.
async fn await_history(client: &Client) -> anyhow::Result<()> {
    let asked = client.get_calendar(v1::GetCalendarRequest {}).await;
    let decided = asked.context("the node did not say how far it is")?.as_of_sequence;
    let began = Instant::now();
    loop {
        let status = client.get_history_status(v1::GetHistoryStatusRequest {}).await?;
        ensure!(status.available, "the node's history can't be asked: {}", status.unavailable_description);
        let as_of = status.as_of.unwrap_or_default();
        let reached = as_of.sequence;
        // What stands at the end of an idle log is told with the next command only; it is none that decides.
        if reached >= decided || as_of.caught_up && began.elapsed() >= CAUGHT_UP_WITHIN {
            return Ok(());
        }
        ensure!(
            began.elapsed() < HISTORY_PATIENCE,
            "the node's history has come to position {reached} only, and the log to {decided}: compare later"
        );
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn read_here(
    client: &Client,
    participant: &str,
    (from, until): (Timestamp, Timestamp),
    beside: &mut Beside,
) -> anyhow::Result<()> {
    let bar = progress_bar("{spinner} {pos} payments of the node");
    let mut request = v1::ListPaymentsRequest {
        participant: participant.to_owned(),
        from_time: Some(timestamp(from)),
        until_time: Some(timestamp(until)),
        oldest_first: true,
        page_size: client::limits::PAGE_SIZE_MAX,
        ..v1::ListPaymentsRequest::default()
    };
    loop {
        let page =
            client.list_payments(request.clone()).await.context("the node did not list its payments")?;
        for payment in &page.payments {
            let Some((name, decided)) = read_record(payment)? else { continue };
            let id = name.transaction_id.clone();
            if beside.add_here(name, decided).is_err() {
                bail!("the node lists payment {id} twice");
            }
            bar.inc(1);
        }
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            bar.finish_and_clear();
            return Ok(());
        }
    }
}

/// A payment of the node; `None` for an attempt that left the key as it was, so that it says nothing of the payment.
fn read_record(record: &v1::PaymentRecord) -> anyhow::Result<Option<(PaymentName, Decided)>> {
    let outcome = record.outcome.as_ref().context("the node lists a payment without its outcome")?;
    let reason = ReasonCode::parse(&outcome.reason_code).ok();
    let leaves_key =
        [StatusReason::Duplication, StatusReason::SenderNotEntitled, StatusReason::DebtorBankNotRegistered];
    if reason.is_some() && leaves_key.iter().any(|left| reason == Some(left.code())) {
        return Ok(None);
    }
    let became = match outcome.status() {
        v1::PaymentStatus::Settled => Became::Settled,
        v1::PaymentStatus::Rejected => Became::Rejected,
        v1::PaymentStatus::Expired => Became::Expired,
        v1::PaymentStatus::Reserved | v1::PaymentStatus::Unresolved | v1::PaymentStatus::Unspecified => {
            Became::Open
        }
    };
    let amount = match &record.amount {
        None => None,
        Some(money) => {
            let currency = Currency::parse(&money.currency_code).ok();
            let amount = currency.and_then(|currency| Amount::parse(&money.amount, currency).ok());
            let amount = amount.zip(currency).context("the node tells an amount that is none")?;
            Some((amount.0.minor_units(), amount.1))
        }
    };
    let debtor_agent = Bic::parse(&outcome.debtor_agent).ok().context("the node tells a BIC that is none")?;
    let transaction_id = outcome.transaction_id.as_str().into();
    let was_asked = outcome.decided_sequence != outcome.sequence;
    let name = PaymentName { debtor_agent, transaction_id };
    Ok(Some((name, Decided { became, reason, amount, was_asked })))
}

async fn compare_balances(client: &Client, path: &Path, until: Timestamp) -> anyhow::Result<Balances> {
    let mut table = old::open(path, &["iban", "currency", "balance"])?;
    let bar = progress_bar("{spinner} {pos} balances");
    let mut balances = Balances::default();
    // What happened at the next day's first instant belongs to that.
    let moment = timestamp(until.minus(Span::from_nanoseconds(1).expect("it is positive")));
    while let Some(row) = table.next()? {
        let (iban, currency, there) = row.balance()?;
        let account =
            v1::AccountName { iban: iban.as_str().to_owned(), currency_code: currency.code().to_owned() };
        let request = v1::GetBalanceRequest {
            owner: Some(v1::get_balance_request::Owner::Account(account)),
            moment: Some(v1::get_balance_request::Moment::Time(moment)),
            incarnation: None,
        };
        let here = match client.get_balance(request).await {
            Ok(told) => Some(told.balance),
            Err(client::ClientError::NotDone(refusal))
                if refusal.reason == v1::ErrorReason::AccountUnknown =>
            {
                None
            }
            Err(error) => return Err(error).context("the node did not tell a balance"),
        };
        balances.count += 1;
        bar.inc(1);
        if here.as_deref() != Some(there.to_decimal(currency).as_str()) {
            balances.differences.push(BalanceDifference { iban, currency, there, here });
        }
    }
    bar.finish_and_clear();
    Ok(balances)
}

/// `SETTLED 12.34 EUR`, `REJECTED AM04`.
fn said(decided: Option<&Decided>) -> String {
    let Some(decided) = decided else { return "-".to_owned() };
    let mut said = decided.became.name().to_owned();
    if let Some(reason) = decided.reason {
        said = format!("{said} {reason}");
    }
    if let Some((minor_units, currency)) = decided.amount {
        said = format!("{said} {} {}", decimal(i128::from(minor_units), currency), currency.code());
    }
    said
}

const NO_ACCOUNT: &str = "no such account";

fn write_csv(path: &Path, report: &BesideReport, balances: &Balances) -> std::io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    write_line(&mut out, ["kind", "debtor_agent", "transaction_id", "iban", "currency", "there", "here"])?;
    for PaymentDifference { name, kind, there, here } in &report.differences {
        let (agent, id) = (name.debtor_agent.to_string(), guarded(&name.transaction_id));
        let [there, here] = [there, here].map(|side| said(side.as_ref()));
        write_line(&mut out, [kind.name(), &agent, &id, "", "", &there, &here])?;
    }
    for BalanceDifference { iban, currency, there, here } in &balances.differences {
        let (there, here) = (there.to_decimal(*currency), here.as_deref().unwrap_or(NO_ACCOUNT));
        write_line(&mut out, ["balance", "", "", iban.as_str(), currency.code(), &there, here])?;
    }
    out.flush()
}

fn side(totals: &SideTotals) -> serde_json::Value {
    let sums =
        totals.sums.iter().map(|(currency, sum)| (currency.code().to_owned(), decimal(*sum, *currency)));
    let sums: std::collections::BTreeMap<String, String> = sums.collect();
    json!({ "payments": totals.payments, "settled": totals.settled, "sums": sums })
}

fn to_json(report: &BesideReport, balances: &Balances, [agrees, is_over]: [bool; 2]) -> serde_json::Value {
    let counts: serde_json::Map<String, serde_json::Value> =
        Kind::ALL.iter().map(|kind| (kind.name().to_owned(), report.count(*kind).into())).collect();
    let differences = report.differences.iter().take(TOLD_MAX).map(|difference| {
        json!({
            "kind": difference.kind.name(),
            "debtor_agent": difference.name.debtor_agent.to_string(),
            "transaction_id": difference.name.transaction_id,
            "there": difference.there.as_ref().map(|there| said(Some(there))),
            "here": difference.here.as_ref().map(|here| said(Some(here))),
        })
    });
    let of_balances = balances.differences.iter().take(TOLD_MAX).map(|difference| {
        json!({
            "iban": difference.iban.as_str(),
            "currency": difference.currency.code(),
            "there": difference.there.to_decimal(difference.currency),
            "here": difference.here,
        })
    });
    json!({
        "ok": agrees,
        "day_is_over": is_over,
        "there": side(&report.there),
        "here": side(&report.here),
        "same": report.same,
        "counts": counts,
        "differences": differences.collect::<Vec<_>>(),
        "balances": balances.count,
        "balance_differences": balances.differences.len(),
        "other_balances": of_balances.collect::<Vec<_>>(),
    })
}

fn write_text(
    report: &BesideReport,
    balances: &Balances,
    [agrees, is_over]: [bool; 2],
    out: &mut impl Write,
) -> std::io::Result<()> {
    for (name, totals) in [("there", &report.there), ("here", &report.here)] {
        let sums = totals.sums.iter();
        let sums: Vec<_> =
            sums.map(|(currency, sum)| format!("{} {}", decimal(*sum, *currency), currency.code())).collect();
        let SideTotals { payments, settled, .. } = totals;
        writeln!(out, "{name:<6} {payments} payments, {settled} settled: {}", sums.join(", "))?;
    }
    writeln!(out, "same   {}", report.same)?;
    for kind in Kind::ALL.into_iter().filter(|kind| report.count(*kind) > 0) {
        let note = if kind.is_a_fault() { "" } else { "  (said by other banks)" };
        writeln!(out, "{:<12} {}{note}", kind.name(), report.count(kind))?;
    }
    for difference in report.differences.iter().take(TOLD_MAX) {
        let (kind, name) = (difference.kind.name(), &difference.name);
        let (there, here) = (said(difference.there.as_ref()), said(difference.here.as_ref()));
        writeln!(
            out,
            "  {kind:<12} {} {}: there {there}, here {here}",
            name.debtor_agent, name.transaction_id
        )?;
    }
    for BalanceDifference { iban, currency, there, here } in balances.differences.iter().take(TOLD_MAX) {
        let (there, here) = (there.to_decimal(*currency), here.as_deref().unwrap_or(NO_ACCOUNT));
        writeln!(out, "  balance      {} {}: there {there}, here {here}", iban.as_str(), currency.code())?;
    }
    if balances.count > 0 {
        writeln!(out, "balances     {}, of these other {}", balances.count, balances.differences.len())?;
    }
    if !is_over {
        writeln!(out, "the day is not over: this is the day so far")?;
    }
    writeln!(out, "{}", if agrees { "the two decide alike" } else { "the two do NOT decide alike" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_that_of_its_clock() {
        let date = Date::parse("2026-11-20").unwrap();
        let told = |offset| {
            let (from, until) = day(date, offset).unwrap();
            format!("{from} {until}")
        };
        assert_eq!(told(0), "2026-11-20T00:00:00Z 2026-11-21T00:00:00Z");
        assert_eq!(told(60), "2026-11-19T23:00:00Z 2026-11-20T23:00:00Z");
        assert_eq!(told(-90), "2026-11-20T01:30:00Z 2026-11-21T01:30:00Z");
        assert!(day(date, 841).is_err());
    }
}
