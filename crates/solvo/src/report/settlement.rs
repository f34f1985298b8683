//! `solvo report settlement`: what a participant settled on a day.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use client::v1;

use super::{NodeArgs, progress_bar};
use crate::remote;

/// Tells how a participant's position came from its opening to its closing balance on a day, and what came of its
/// payments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo report settlement --participant ALFABEBB --date 2026-11-20 --json")]
pub(crate) struct SettlementArgs {
    #[command(flatten)]
    node: NodeArgs,
    /// The participant. Without one, the caller's own.
    #[arg(long, value_name = "BIC", default_value = "")]
    participant: String,
    /// The currency of its position, ISO 4217.
    #[arg(long, value_name = "CODE", default_value = "EUR")]
    currency: String,
    /// The business date.
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: String,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) async fn run(arguments: &SettlementArgs) -> anyhow::Result<ExitCode> {
    let client = remote::connect(&arguments.node.to, &arguments.node.tls).await?;
    let request = v1::GetSettlementReportRequest {
        participant: arguments.participant.clone(),
        currency_code: arguments.currency.clone(),
        date: arguments.date.clone(),
    };
    let mut replies = client.get_settlement_report(request).await?;
    let bar = progress_bar("{spinner} {pos} payments counted");
    let mut report = None;
    while let Some(reply) = replies.next().await? {
        bar.set_position(reply.counted);
        report = reply.report;
    }
    bar.finish_and_clear();
    let report = report.context("the node ended the report before it was whole")?;
    let mut out = io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", json(&report))?
    } else {
        write_text(&report, &mut out)?
    }
    Ok(ExitCode::SUCCESS)
}

fn json(report: &v1::SettlementReport) -> serde_json::Value {
    let position = report.position.as_ref().map(|flows| {
        serde_json::json!({
            "currency": flows.currency_code,
            "opening": flows.opening_balance,
            "closing": flows.closing_balance,
            "received": { "count": flows.received_count, "sum": flows.received_sum },
            "sent": { "count": flows.sent_count, "sum": flows.sent_sum },
            "returns_received": { "count": flows.returns_received_count, "sum": flows.returns_received_sum },
            "returns_sent": { "count": flows.returns_sent_count, "sum": flows.returns_sent_sum },
            "liquidity_in": { "count": flows.liquidity_in_count, "sum": flows.liquidity_in_sum },
            "liquidity_out": { "count": flows.liquidity_out_count, "sum": flows.liquidity_out_sum },
        })
    });
    let payments = report.payments.iter().map(|count| {
        serde_json::json!({
            "side": side(count),
            "status": status(count),
            "reason": count.reason_code,
            "currency": count.currency_code,
            "count": count.count,
            "sum": count.sum,
        })
    });
    serde_json::json!({
        "participant": report.participant,
        "date": report.date,
        "day_over": report.day_over,
        "position": position,
        "payments": payments.collect::<Vec<_>>(),
        "as_of_sequence": report.as_of.as_ref().map_or(0, |as_of| as_of.sequence),
    })
}

fn side(count: &v1::PaymentCount) -> &'static str {
    match count.side() {
        v1::PaymentSide::Debtor => "sent",
        v1::PaymentSide::Creditor => "received",
        v1::PaymentSide::Unspecified => "-",
    }
}

fn status(count: &v1::PaymentCount) -> &'static str {
    count.status().as_str_name().trim_start_matches("PAYMENT_STATUS_")
}

fn write_text(report: &v1::SettlementReport, out: &mut impl Write) -> io::Result<()> {
    let so_far = if report.day_over { "" } else { ", so far" };
    writeln!(out, "{} on {}{so_far}", report.participant, report.date)?;
    match &report.position {
        None => writeln!(out, "\nno position in this currency")?,
        Some(flows) => {
            let currency = &flows.currency_code;
            writeln!(out, "\nposition                 count                sum {currency}")?;
            let rows = [
                ("opening", None, &flows.opening_balance),
                ("payments received", Some(flows.received_count), &flows.received_sum),
                ("payments sent", Some(flows.sent_count), &flows.sent_sum),
                ("returns received", Some(flows.returns_received_count), &flows.returns_received_sum),
                ("returns sent", Some(flows.returns_sent_count), &flows.returns_sent_sum),
                ("liquidity in", Some(flows.liquidity_in_count), &flows.liquidity_in_sum),
                ("liquidity out", Some(flows.liquidity_out_count), &flows.liquidity_out_sum),
                ("closing", None, &flows.closing_balance),
            ];
            for (name, count, sum) in rows {
                let count = count.map_or_else(String::new, |count| count.to_string());
                writeln!(out, "{name:<18} {count:>11} {sum:>18}")?;
            }
        }
    }
    writeln!(out, "\npayments side     status    reason       count                sum")?;
    for count in &report.payments {
        let reason = if count.reason_code.is_empty() { "-" } else { &count.reason_code };
        let (side, status, currency) = (side(count), status(count), &count.currency_code);
        writeln!(
            out,
            "         {side:<8} {status:<9} {reason:<6} {:>11} {:>18} {currency}",
            count.count, count.sum
        )?;
    }
    Ok(())
}
