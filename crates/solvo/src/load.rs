//! `solvo load`: payments at a fixed rate, or as fast as they are answered, and an audit of the books.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use loadgen::{Extent, LoadOptions, Mode, Progress, Rate, Silent, TerminalProgress, Workload, load};

use crate::remote::{TlsArgs, url};
use crate::submit::run_id;

/// Puts a node under load, and audits its books afterwards.
///
/// At a fixed rate the loop is open: payments are sent when they are due, whether or not earlier ones have been
/// answered, and latency counts from when they were due. `--rate max` is a closed loop and shows capacity; its
/// latencies say little. The accounts that the run needs are opened first, at two banks of its own. Exit 1 if the
/// audit finds a difference, or an answer was lost that the log can't tell.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  solvo load --to 127.0.0.1:7400 --mode stream --rate 20000 --duration 10s \
                        --workload uniform --accounts 100000 --json"
)]
pub(crate) struct LoadArgs {
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400")]
    to: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// One payment a call, or streams of messages with 256 payments each.
    #[arg(long, value_enum, default_value = "stream")]
    mode: ModeArg,
    /// Payments a second, or `max`.
    #[arg(long, value_name = "N|max", default_value = "max", value_parser = parse_rate)]
    rate: Rate,
    /// How long, such as 500ms, 10s or 5m.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    duration: Duration,
    /// Anyone pays anyone, or anyone pays one and the same payee.
    #[arg(long, value_enum, default_value = "uniform")]
    workload: WorkloadArg,
    /// How many accounts take part.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    accounts: u32,
    /// How many connections.
    #[arg(long, value_name = "N", default_value_t = 4)]
    connections: usize,
    /// What payers, payees and amounts follow from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ModeArg {
    Unary,
    Stream,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum WorkloadArg {
    Uniform,
    Hot,
}

/// Runs the load.
pub(crate) async fn run(arguments: &LoadArgs) -> anyhow::Result<ExitCode> {
    let tls = arguments.tls.options()?;
    let url = url(&arguments.to, tls.as_ref())?;
    let options = LoadOptions {
        tls,
        mode: match arguments.mode {
            ModeArg::Unary => Mode::UNARY,
            ModeArg::Stream => Mode::STREAM,
        },
        rate: arguments.rate,
        extent: Extent::Duration(arguments.duration),
        workload: match arguments.workload {
            WorkloadArg::Uniform => Workload::Uniform,
            WorkloadArg::Hot => Workload::Hot,
        },
        accounts: arguments.accounts,
        connections: arguments.connections,
        seed: arguments.seed,
        ..LoadOptions::new(run_id())
    };
    let terminal = TerminalProgress::new();
    let progress: &dyn Progress = if arguments.json { &Silent } else { &terminal };
    let report = load(&url, &options, progress).await?;
    let mut out = io::stdout().lock();
    match arguments.json {
        true => writeln!(out, "{}", report.to_json())?,
        false => write!(out, "{report}")?,
    }
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn parse_rate(text: &str) -> Result<Rate, String> {
    if text == "max" {
        return Ok(Rate::Max);
    }
    match text.parse() {
        Ok(rate) if rate > 0 => Ok(Rate::PerSecond(rate)),
        _ => Err("a rate is a number of payments a second, such as 20000, or `max`".to_owned()),
    }
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => 0,
    };
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(milliseconds)) {
        Some(span) if span > 0 => Ok(Duration::from_millis(span)),
        _ => Err("a time is a number and a unit, such as 500ms, 10s or 5m".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(parse_duration("2m"), Ok(Duration::from_secs(120)));
        for text in ["", "10", "s", "0s", "-1s", "1h", "1.5s", "99999999999999999999s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_are_numbers_or_max() {
        assert_eq!(parse_rate("max"), Ok(Rate::Max));
        assert_eq!(parse_rate("20000"), Ok(Rate::PerSecond(20000)));
        for text in ["", "0", "-1", "1e3", "fast"] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
    }
}
