//! `solvo report reconcile --external`: a node's account or position beside somebody else's books of it.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use client::v1;
use iso20022::EntryDirection;
use reports::{By, Comparison, Difference, External, Item, compare};
use types::{Balance, Currency};

use super::reconcile::ReconcileArgs;
use super::statement::fetch;

/// By which reference entries are found to be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum MatchedBy {
    /// The transaction id, or else the bank's own reference, or else the entry's number.
    First,
    TransactionId,
    EndToEndId,
    ServicerReference,
    EntryReference,
}

impl MatchedBy {
    const fn by(self) -> By {
        match self {
            Self::First => By::First,
            Self::TransactionId => By::TransactionId,
            Self::EndToEndId => By::EndToEndId,
            Self::ServicerReference => By::ServicerReference,
            Self::EntryReference => By::EntryReference,
        }
    }
}

/// Runs the command.
pub(crate) async fn run(arguments: &ReconcileArgs) -> anyhow::Result<ExitCode> {
    let Some(path) = &arguments.external else {
        bail!(
            "say what to compare: --data FOLDER for a folder's own books, or --external FILE for somebody else's"
        )
    };
    let currency = Currency::parse(&arguments.whose.currency).context("--currency")?;
    let there = read(path, currency, arguments)?;
    let mut own = tempfile::tempfile().context("the node's statement has nowhere to lie")?;
    let request = arguments.whose.request(v1::StatementForm::Csv)?;
    fetch(&arguments.node, request, &mut own).await?;
    io::Seek::rewind(&mut own)?;
    let here =
        External::read(BufReader::new(own), currency, arguments.by.by()).context("the node's statement")?;
    let compared = compare(&here, &there, !arguments.ignore_dates);
    tell(&compared, currency, arguments.json, &mut io::stdout().lock())?;
    Ok(if compared.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(path: &Path, currency: Currency, arguments: &ReconcileArgs) -> anyhow::Result<External> {
    let named = || path.display().to_string();
    let file = File::open(path).with_context(named)?;
    let there = External::read(BufReader::new(file), currency, arguments.by.by()).with_context(named)?;
    Ok(if arguments.mirrored { there.mirrored() } else { there })
}

fn tell(compared: &Comparison, currency: Currency, json: bool, out: &mut impl Write) -> anyhow::Result<()> {
    let (same, others) = (compared.same_count, compared.differences.len());
    if json {
        let differences = compared.differences.iter().map(|difference| told(difference, currency));
        let told = serde_json::json!({
            "ok": others == 0,
            "same": same,
            "differences": differences.collect::<Vec<_>>(),
        });
        return Ok(writeln!(out, "{told}")?);
    }
    for difference in &compared.differences {
        let line = match difference {
            Difference::OnlyHere(item) => format!("only here   {}", words(item, currency)),
            Difference::OnlyThere(item) => format!("only there  {}", words(item, currency)),
            Difference::Different { here, there } => {
                let (here, there) = (words(here, currency), words(there, currency));
                format!("different   here {here}, there {there}")
            }
            Difference::Opening { here, there } => balances("opening balance", *here, *there, currency),
            Difference::Closing { here, there } => balances("closing balance", *here, *there, currency),
        };
        writeln!(out, "{line}")?;
    }
    writeln!(out, "{same} entries are the same, {others} differences")?;
    Ok(())
}

fn decimal(minor_units: i64, currency: Currency) -> String {
    Balance::from_minor_units(minor_units).unwrap_or_default().to_decimal(currency)
}

fn balances(what: &str, here: i64, there: i64, currency: Currency) -> String {
    format!("different   {what} here {}, there {}", decimal(here, currency), decimal(there, currency))
}

const fn direction(item: &Item) -> &'static str {
    match item.direction {
        EntryDirection::Credit => "CRDT",
        EntryDirection::Debit => "DBIT",
    }
}

fn words(item: &Item, currency: Currency) -> String {
    let date = item.value_date.map_or_else(String::new, |date| format!(" {date}"));
    let reference = if item.reference.is_empty() { "without a reference" } else { &item.reference };
    format!("{reference} {} {}{date}", direction(item), decimal(item.amount, currency))
}

fn item(item: &Item, currency: Currency) -> serde_json::Value {
    serde_json::json!({
        "reference": item.reference.as_ref(),
        "direction": direction(item),
        "amount": decimal(item.amount, currency),
        "value_date": item.value_date.map(|date| date.to_string()),
    })
}

fn told(difference: &Difference, currency: Currency) -> serde_json::Value {
    let balance = |balance: i64| decimal(balance, currency);
    match difference {
        Difference::OnlyHere(here) => {
            serde_json::json!({ "what": "only_here", "here": item(here, currency) })
        }
        Difference::OnlyThere(there) => {
            serde_json::json!({ "what": "only_there", "there": item(there, currency) })
        }
        Difference::Different { here, there } => serde_json::json!({
            "what": "different",
            "here": item(here, currency),
            "there": item(there, currency),
        }),
        Difference::Opening { here, there } => serde_json::json!({
            "what": "opening_balance",
            "here": balance(*here),
            "there": balance(*there),
        }),
        Difference::Closing { here, there } => serde_json::json!({
            "what": "closing_balance",
            "here": balance(*here),
            "there": balance(*there),
        }),
    }
}
