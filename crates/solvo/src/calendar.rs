//! `solvo calendar`: the closing days of banks, and the business date of a node.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use client::{Client, v1};
use serde_json::json;

use crate::remote::{self, TlsArgs};
use crate::submit::run_id;

/// Shows the business date and the closing days of a node, or changes them.
///
/// A node sets the closing days of TARGET for last year, this one and the next two by itself, and moves the business date on
/// at 18:00 in Frankfurt on banking days, unless it was started with --business-date-by-operators.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo calendar --to 127.0.0.1:7400\n  solvo calendar --close 2029\n  solvo calendar --close 2029 --day 2029-01-01 --day 2029-12-25\n  solvo calendar --roll 2026-11-23"
)]
pub(crate) struct CalendarArgs {
    /// Set the closing days of this year: those of TARGET, or the ones given.
    #[arg(long, value_name = "YEAR")]
    close: Option<u32>,
    /// A closing day of that year. May be given several times.
    #[arg(long, value_name = "DATE", requires = "close")]
    day: Vec<String>,
    /// Move the business date on to this day.
    #[arg(long, value_name = "DATE")]
    roll: Option<String>,
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400")]
    to: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Changes the calendar if that is asked for, and shows it.
pub(crate) async fn run(arguments: &CalendarArgs) -> anyhow::Result<ExitCode> {
    let client = remote::connect(&arguments.to, &arguments.tls).await?;
    change(&client, arguments).await?;
    let asked = client.get_calendar(v1::GetCalendarRequest {}).await;
    let calendar = asked.context("the node did not tell its calendar")?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let years = calendar.closing_years.iter().map(|year| json!({ "year": year.year, "days": year.days }));
        let told = json!({
            "business_date": calendar.business_date,
            "business_date_before": calendar.business_date_before,
            "business_date_since_sequence": calendar.business_date_since_sequence,
            "closing_years": years.collect::<Vec<_>>(),
            "as_of_sequence": calendar.as_of_sequence,
        });
        writeln!(out, "{told}")?;
        return Ok(ExitCode::SUCCESS);
    }
    match calendar.business_date.as_str() {
        "" => writeln!(out, "no business date is set")?,
        date => writeln!(out, "business date {date}")?,
    }
    for year in &calendar.closing_years {
        writeln!(out, "{} closed, beside weekends: {}", year.year, year.days.join(" "))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn change(client: &Client, arguments: &CalendarArgs) -> anyhow::Result<()> {
    let request_id = |what: &str| format!("{what}-{}", run_id().as_str());
    if let Some(year) = arguments.close {
        let request = v1::SetClosingDaysRequest {
            request_id: request_id("close"),
            year,
            days: arguments.day.clone(),
            target: arguments.day.is_empty(),
        };
        client.set_closing_days(request).await.context("the closing days were not set")?;
    }
    if let Some(date) = &arguments.roll {
        let request = v1::RollBusinessDateRequest { request_id: request_id("roll"), date: date.clone() };
        client.roll_business_date(request).await.context("the business date was not moved on")?;
    }
    Ok(())
}
