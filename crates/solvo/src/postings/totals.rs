//! `solvo postings totals`: what a day's postings come to, by account of the general ledger.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use client::v1;

use super::{BookArgs, class_name};
use crate::remote;
use crate::report::{NodeArgs, progress_bar};

/// Tells the control totals of a day, or of as much of it as has passed, and the trial balance of the book behind it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo postings totals --bank ALFABEBB --date 2026-11-20 --json")]
pub(crate) struct TotalsArgs {
    #[command(flatten)]
    node: NodeArgs,
    #[command(flatten)]
    book: BookArgs,
    /// The day of the bank's clock.
    #[arg(long, visible_alias = "day", value_name = "YYYY-MM-DD")]
    date: String,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) async fn run(arguments: &TotalsArgs) -> anyhow::Result<ExitCode> {
    let client = remote::connect(&arguments.node.to, &arguments.node.tls).await?;
    let request = v1::GetTotalsRequest {
        participant: arguments.book.bank.clone(),
        currency_code: arguments.book.currency.clone(),
        date: arguments.date.clone(),
    };
    let mut replies = client.get_posting_totals(request).await?;
    let bar = progress_bar("{spinner} counted up to posting {pos}");
    let mut totals = None;
    while let Some(reply) = replies.next().await? {
        bar.set_position(reply.counted_number);
        totals = reply.totals;
    }
    bar.finish_and_clear();
    let totals = totals.context("the node ended the totals before they were whole")?;
    let mut out = io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", json(&totals))?
    } else {
        write_text(&totals, &arguments.book.currency, &mut out)?
    }
    Ok(ExitCode::SUCCESS)
}

fn json(totals: &v1::PostingTotals) -> serde_json::Value {
    let sum = |sum: &v1::PostingSum| {
        serde_json::json!({
            "gl_account": sum.gl_account, "count": sum.count, "debit": sum.debit_sum, "credit": sum.credit_sum,
        })
    };
    let balances = totals
        .balances
        .iter()
        .map(|balance| serde_json::json!({ "class": balance_name(balance), "balance": balance.balance }));
    serde_json::json!({
        "bank": totals.participant,
        "date": totals.date,
        "day_over": totals.day_over,
        "number_before": totals.number_before,
        "number_last": totals.number_last,
        "sums": totals.sums.iter().map(sum).collect::<Vec<_>>(),
        "whole": totals.whole.as_ref().map(sum),
        "balances": balances.collect::<Vec<_>>(),
        "as_of_sequence": totals.as_of.as_ref().map_or(0, |as_of| as_of.sequence),
    })
}

/// All accounts of customers are one heap.
fn balance_name(balance: &v1::PostingBalance) -> &'static str {
    if balance.class() == v1::PostingClass::Current { "CUSTOMERS" } else { class_name(balance.class()) }
}

fn write_text(totals: &v1::PostingTotals, currency: &str, out: &mut impl Write) -> io::Result<()> {
    let so_far = if totals.day_over { "" } else { ", so far" };
    writeln!(out, "{} on {}{so_far}", totals.participant, totals.date)?;
    match totals.number_last - totals.number_before {
        0 => writeln!(out, "no postings; the last before has number {}", totals.number_before)?,
        _ => writeln!(out, "postings {} to {}", totals.number_before + 1, totals.number_last)?,
    }
    writeln!(out, "\n{:<34} {:>9} {:>18} {:>18}", "account", "count", "debit", "credit")?;
    let whole = totals.whole.iter().map(|whole| ("all", whole));
    let named = totals.sums.iter().map(|sum| match sum.gl_account.as_str() {
        "" => ("(no map)", sum),
        name => (name, sum),
    });
    for (name, sum) in named.chain(whole) {
        writeln!(out, "{name:<34} {:>9} {:>18} {:>18}", sum.count, sum.debit_sum, sum.credit_sum)?;
    }
    writeln!(out, "\nat the end of the day: credits less debits, in {currency}")?;
    for balance in &totals.balances {
        writeln!(out, "{:<34} {:>28}", balance_name(balance), balance.balance)?;
    }
    Ok(())
}
