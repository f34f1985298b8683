//! `solvo terms`: what a bank takes for payments, and by which clock its customers' days begin.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use client::{Client, v1};

use crate::remote::{self, TlsArgs};
use crate::restore::parse_instant;
use crate::submit::run_id;

/// Shows or sets a bank's fees, and the clock by which its customers' days begin.
///
/// A fee is taken beside the amount, as an entry of its own, for each payment from an account that the bank keeps here. An
/// instant payment may not cost more than an ordinary one. The clock is UTC until it is set; a change that is announced,
/// such as the beginning of summer time, comes by itself.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo terms --bank ALFABEBB --to 127.0.0.1:7400\n  solvo terms --bank ALFABEBB --currency EUR \
                  --ordinary 0.20 --instant 0.20\n  solvo terms --bank ALFABEBB --minutes-ahead 60 --change-at \
                  2027-03-28T01:00:00Z --minutes-ahead-then 120"
)]
pub(crate) struct TermsArgs {
    /// The bank, a BIC.
    #[arg(long, value_name = "BIC")]
    bank: String,
    /// The currency of the fees.
    #[arg(long, value_name = "CODE", default_value = "EUR", requires = "instant")]
    currency: String,
    /// What an ordinary payment costs, such as 0.20.
    #[arg(long, value_name = "AMOUNT", requires = "instant")]
    ordinary: Option<String>,
    /// What an instant payment costs.
    #[arg(long, value_name = "AMOUNT", requires = "ordinary")]
    instant: Option<String>,
    /// How many minutes the bank's clock is ahead of UTC.
    #[arg(long, value_name = "MINUTES", allow_negative_numbers = true)]
    minutes_ahead: Option<i32>,
    /// When that changes next, in UTC.
    #[arg(long, value_name = "TIME", requires_all = ["minutes_ahead", "minutes_ahead_then"])]
    change_at: Option<String>,
    /// How many minutes the clock is ahead from then on.
    #[arg(long, value_name = "MINUTES", requires = "change_at", allow_negative_numbers = true)]
    minutes_ahead_then: Option<i32>,
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400")]
    to: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Sets what is given, and shows what holds then.
pub(crate) async fn run(arguments: &TermsArgs) -> anyhow::Result<ExitCode> {
    let client = remote::connect(&arguments.to, &arguments.tls).await?;
    set_fees(&client, arguments).await?;
    set_clock(&client, arguments).await?;
    let request = v1::GetTermsRequest { bic: arguments.bank.clone() };
    let terms = client.get_terms(request).await.context("the node did not tell the bank's terms")?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        write_json(&terms, &mut out)?
    } else {
        write_text(&terms, &mut out)?
    }
    Ok(ExitCode::SUCCESS)
}

async fn set_fees(client: &Client, arguments: &TermsArgs) -> anyhow::Result<()> {
    let (Some(ordinary), Some(instant)) = (&arguments.ordinary, &arguments.instant) else { return Ok(()) };
    let fees = v1::Fees {
        currency_code: arguments.currency.clone(),
        ordinary: ordinary.clone(),
        instant: instant.clone(),
    };
    let request = v1::SetFeesRequest {
        request_id: format!("fees-{}", run_id().as_str()),
        bic: arguments.bank.clone(),
        fees: Some(fees),
    };
    client.set_fees(request).await.context("the fees were not set, or the answer was lost; ask again")?;
    Ok(())
}

async fn set_clock(client: &Client, arguments: &TermsArgs) -> anyhow::Result<()> {
    let Some(minutes_ahead) = arguments.minutes_ahead else { return Ok(()) };
    let change = match (&arguments.change_at, arguments.minutes_ahead_then) {
        (Some(at), Some(minutes_ahead)) => {
            let time = parse_instant(at)
                .with_context(|| format!("`{at}` is no time in UTC, such as 2027-03-28T01:00:00Z"))?;
            Some(v1::ClockChange { time: Some(client::convert::timestamp(time)), minutes_ahead })
        }
        _ => None,
    };
    let request = v1::SetClockRequest {
        request_id: format!("clock-{}", run_id().as_str()),
        bic: arguments.bank.clone(),
        clock: Some(v1::BankClock { minutes_ahead, change }),
    };
    client.set_clock(request).await.context("the clock was not set, or the answer was lost; ask again")?;
    Ok(())
}

fn write_json(terms: &v1::GetTermsResponse, out: &mut impl Write) -> anyhow::Result<()> {
    let fees: Vec<_> = terms
        .fees
        .iter()
        .map(|fees| {
            serde_json::json!({
                "currency": fees.currency_code, "ordinary": fees.ordinary, "instant": fees.instant,
            })
        })
        .collect();
    let clock = terms.clock.unwrap_or_default();
    let change = clock.change.map(|change| {
        let time = change.time.as_ref().and_then(client::convert::timestamp_from_wire);
        serde_json::json!({
            "time": time.map(|time| time.to_string()), "minutes_ahead": change.minutes_ahead,
        })
    });
    let told = serde_json::json!({
        "fees": fees, "minutes_ahead": clock.minutes_ahead, "change": change,
        "as_of_sequence": terms.as_of_sequence,
    });
    writeln!(out, "{told}")?;
    Ok(())
}

fn write_text(terms: &v1::GetTermsResponse, out: &mut impl Write) -> anyhow::Result<()> {
    for v1::Fees { currency_code, ordinary, instant } in &terms.fees {
        writeln!(out, "{currency_code}: {instant} for an instant payment, {ordinary} for an ordinary one")?;
    }
    let clock = terms.clock.unwrap_or_default();
    writeln!(out, "the bank's clock is {} minutes ahead of UTC", clock.minutes_ahead)?;
    if let Some(change) = clock.change {
        let time = change.time.as_ref().and_then(client::convert::timestamp_from_wire);
        let time = time.map_or_else(|| "some time".to_owned(), |time| time.to_string());
        writeln!(out, "from {time} on it is {} minutes ahead", change.minutes_ahead)?;
    }
    Ok(())
}
