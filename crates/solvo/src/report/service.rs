//! `solvo report service`: how fast and how dependable the service was in a month, by bank and part of the way.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use client::v1;
use types::Date;

use super::{NodeArgs, per_cent, progress_bar};
use crate::remote;

/// Tells how many payments took at most 5, 7, 9 and 10 seconds, by bank and part of the way; whether banks were there when
/// they were asked; and why payments were refused.
///
/// The way in is from the start of a payment's clock until it entered the log, by the payer's bank; the answer from there
/// until it was decided, of payments about which the payee's bank was asked; the whole is both, by the payer's bank.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo report service --month 2026-11\n  solvo report service --month 2026-11 --participant \
                  ALFABEBB --json"
)]
pub(crate) struct ServiceArgs {
    #[command(flatten)]
    node: NodeArgs,
    /// The month.
    #[arg(long, value_name = "YYYY-MM", conflicts_with = "date", required_unless_present = "date")]
    month: Option<String>,
    /// A single day instead.
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<String>,
    /// Of this participant alone. Without one, the caller's own or all.
    #[arg(long, value_name = "BIC", default_value = "")]
    participant: String,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// The parts of the way, as they are told.
const HOPS: [&str; 3] = ["way in", "answer", "whole"];

/// Runs the command.
pub(crate) async fn run(arguments: &ServiceArgs) -> anyhow::Result<ExitCode> {
    let (from_date, until_date) = match (&arguments.month, &arguments.date) {
        (Some(month), _) => month_of(month).context("--month is YYYY-MM")?,
        (None, Some(date)) => (date.clone(), date.clone()),
        (None, None) => bail!("say which month, with --month"),
    };
    let client = remote::connect(&arguments.node.to, &arguments.node.tls).await?;
    let participant = arguments.participant.clone();
    let (first, last) = (from_date.clone(), until_date.clone());
    let request = v1::GetServiceReportRequest { from_date, until_date, participant };
    let mut replies = client.get_service_report(request).await?;
    let bar = progress_bar("{spinner} {msg}: {pos} payments counted");
    let mut days = Vec::new();
    let mut banks: BTreeMap<String, v1::BankService> = BTreeMap::new();
    while let Some(reply) = replies.next().await? {
        bar.set_message(reply.date.clone());
        bar.set_position(reply.counted);
        if reply.complete {
            days.push(reply.date);
            for bank in reply.banks {
                match banks.get_mut(&bank.bic) {
                    Some(known) => add(known, &bank),
                    None => {
                        banks.insert(bank.bic.clone(), bank);
                    }
                }
            }
        }
    }
    bar.finish_and_clear();
    let mut total = v1::BankService { bic: "all".to_owned(), ..Default::default() };
    banks.values().for_each(|bank| add(&mut total, bank));
    let mut out = io::stdout().lock();
    if arguments.json {
        let told = serde_json::json!({
            "from": first,
            "until": last,
            "days": days,
            "banks": banks.values().map(json).collect::<Vec<_>>(),
            "all": json(&total),
        });
        writeln!(out, "{told}")?;
    } else {
        let counted = days.len();
        writeln!(out, "{first} to {last}: {counted} days counted")?;
        let all = banks.into_values().chain([total]);
        write_text(&all.collect::<Vec<_>>(), &mut out)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The first and the last day of a month.
fn month_of(month: &str) -> Option<(String, String)> {
    let first = Date::parse(&format!("{month}-01")).ok()?;
    let lengths = [31, 30, 29, 28];
    let last = lengths.iter().find_map(|day| Date::parse(&format!("{month}-{day}")).ok())?;
    Some((first.to_string(), last.to_string()))
}

fn add(sum: &mut v1::BankService, more: &v1::BankService) {
    for (hop, other) in
        [(&mut sum.way_in, &more.way_in), (&mut sum.answer, &more.answer), (&mut sum.whole, &more.whole)]
    {
        let (hop, other) = (hop.get_or_insert_default(), other.unwrap_or_default());
        hop.count += other.count;
        hop.within_5s += other.within_5s;
        hop.within_7s += other.within_7s;
        hop.within_9s += other.within_9s;
        hop.within_10s += other.within_10s;
        hop.longest_ms = hop.longest_ms.max(other.longest_ms);
    }
    sum.answers_needed += more.answers_needed;
    sum.answers_missed += more.answers_missed;
    sum.sent += more.sent;
    sum.settled += more.settled;
    sum.late += more.late;
    for (code, count) in &more.rejected {
        *sum.rejected.entry(code.clone()).or_default() += count;
    }
}

fn hops(bank: &v1::BankService) -> [v1::ServiceLatency; 3] {
    [&bank.way_in, &bank.answer, &bank.whole].map(|hop| hop.unwrap_or_default())
}

fn availability(bank: &v1::BankService) -> String {
    per_cent(bank.answers_needed.saturating_sub(bank.answers_missed), bank.answers_needed)
}

fn json(bank: &v1::BankService) -> serde_json::Value {
    let hops = HOPS.into_iter().zip(hops(bank)).map(|(name, hop)| {
        let told = serde_json::json!({
            "count": hop.count,
            "within_5s": hop.within_5s,
            "within_7s": hop.within_7s,
            "within_9s": hop.within_9s,
            "within_10s": hop.within_10s,
            "longest_ms": hop.longest_ms,
        });
        (name.replace(' ', "_"), told)
    });
    let rejected: BTreeMap<_, _> = bank.rejected.iter().collect();
    serde_json::json!({
        "bic": bank.bic,
        "hops": hops.collect::<serde_json::Map<_, _>>(),
        "answers_needed": bank.answers_needed,
        "answers_missed": bank.answers_missed,
        "availability_per_cent": availability(bank),
        "sent": bank.sent,
        "settled": bank.settled,
        "late": bank.late,
        "rejected": rejected,
    })
}

fn write_text(banks: &[v1::BankService], out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\nshare in per cent     count     5 s     7 s     9 s    10 s  longest ms")?;
    for bank in banks {
        for (name, hop) in HOPS.into_iter().zip(hops(bank)).filter(|(_, hop)| hop.count > 0) {
            let within = [hop.within_5s, hop.within_7s, hop.within_9s, hop.within_10s];
            let [five, seven, nine, ten] = within.map(|within| per_cent(within, hop.count));
            let (bic, count, longest) = (&bank.bic, hop.count, hop.longest_ms);
            writeln!(
                out,
                "{bic:<11} {name:<6} {count:>8} {five:>7} {seven:>7} {nine:>7} {ten:>7} {longest:>11}"
            )?;
        }
    }
    writeln!(out, "\nbank              sent   settled      late  answers needed   missed  available")?;
    for bank in banks {
        let available = availability(bank);
        let v1::BankService { bic, sent, settled, late, answers_needed, answers_missed, .. } = bank;
        writeln!(
            out,
            "{bic:<11} {sent:>10} {settled:>9} {late:>9} {answers_needed:>15} {answers_missed:>8} {available:>10}"
        )?;
    }
    let refused = |bank: &v1::BankService| !bank.rejected.is_empty();
    if banks.iter().any(refused) {
        writeln!(out, "\nbank        not settled because    count")?;
    }
    for bank in banks.iter().filter(|bank| refused(bank)) {
        for (code, count) in bank.rejected.iter().collect::<BTreeMap<_, _>>() {
            writeln!(out, "{:<11} {code:<19} {count:>8}", bank.bic)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_have_their_last_days() {
        for (month, last) in
            [("2026-01", "31"), ("2026-02", "28"), ("2028-02", "29"), ("2026-11", "30"), ("2026-12", "31")]
        {
            assert_eq!(month_of(month).unwrap(), (format!("{month}-01"), format!("{month}-{last}")));
        }
        for wrong in ["2026", "2026-13", "11-2026", "2026-11-01", ""] {
            assert_eq!(month_of(wrong), None, "{wrong}");
        }
    }
}
