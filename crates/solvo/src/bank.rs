//! `solvo bank`: a bank to test with, which behaves as told and audits what it hears.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use client::{ConnectOptions, RetryPolicy};
use loadgen::{BehaviourMix, CounterpartOptions, Counterparts, Extent, LoadgenError};
use tokio::signal::unix::{Signal, SignalKind, signal};
use types::Bic;

use crate::load::parse_duration;
use crate::remote::{self, TlsArgs};
use crate::serve::tell;

/// Connects banks that answer questions about payments as told, and audits what they hear.
///
/// Behaviours: `accept`; `reject:CODE`; `silent` never answers; `slow:MS` accepts after a while; `late` accepts when the
/// time is over; `double` answers twice; `contrary` accepts and rejects, in either order; `wrong` answers what it was not
/// asked, then accepts; `flap` breaks its connection off with the question open, and accepts when it is asked again.
/// Which payments a share is of follows from the seed.
///
/// It ends after `--for` or `--count`, or at SIGTERM or SIGINT; then it waits until the payments that it was asked about
/// are final, and audits: each has one outcome and never another, none is settled that it rejected in time or has not
/// accepted, and each that it accepted is reported. Exit 1 if anything does not fit.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  solvo bank --bic LOADATWW001 --to 127.0.0.1:7400 --behaviour slow:200=10% --behaviour late=5% \
                  --for 30s --json"
)]
pub(crate) struct BankArgs {
    /// The banks, which are registered; several behave alike.
    #[arg(long, value_name = "BIC", required = true, value_delimiter = ',', value_parser = parse_bic)]
    bic: Vec<Bic>,
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400")]
    to: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// Connections of each bank, which share its work.
    #[arg(long, value_name = "N", default_value_t = 1)]
    connections: usize,
    /// Exchange ISO 20022 documents (pacs.008, pacs.002, pacs.028) instead of messages.
    #[arg(long)]
    iso: bool,
    /// What to do with questions, and with how many in a hundred: `late=5%`. What has no share gets the rest; if all have
    /// one, the rest is accepted.
    #[arg(long, value_name = "BEHAVIOUR[=PERCENT]", value_delimiter = ',')]
    behaviour: Vec<String>,
    /// The share of a behaviour that stands alone, in per cent; the rest is accepted.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
    share: Option<u32>,
    /// Which payments a share is of follows from this.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// End after so long, such as 30s or 5m.
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
    span: Option<Duration>,
    /// End after so many questions.
    #[arg(long, value_name = "N", conflicts_with = "span")]
    count: Option<u64>,
    /// Add everything that is heard and said to this file, a line of JSON each, without personal data.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the banks.
pub(crate) async fn run(arguments: &BankArgs) -> anyhow::Result<ExitCode> {
    // Asked for before anything is there, so that no signal is missed.
    let mut signals =
        Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? };
    let options = CounterpartOptions {
        connections: arguments.connections,
        iso: arguments.iso,
        mix: mix(&arguments.behaviour, arguments.share, arguments.seed)?,
        journal: arguments.journal.clone(),
        ..CounterpartOptions::new(arguments.bic.clone())
    };
    let connections = arguments.bic.len().saturating_mul(arguments.connections).clamp(1, CONNECTIONS_MAX);
    // A restart is when a bank is worth testing.
    let retry = RetryPolicy::over_restarts();
    let connect = ConnectOptions { connections, retry, ..ConnectOptions::default() };
    let client = remote::connect_with(&arguments.to, &arguments.tls, connect).await?;
    let behaviour = options.mix.to_string();
    let mut banks = Counterparts::start(&client, options).await?;
    if !arguments.json {
        // For scripts and tests that wait until the banks are there.
        tell(format_args!("connected to {}, behaviour {behaviour}", arguments.to));
    }
    let extent = arguments.span.map(Extent::Duration).or(arguments.count.map(Extent::Payments));
    tokio::select! {
        () = banks.wait(extent) => {}
        () = signals.next() => {}
    }
    let report = tokio::select! {
        report = banks.finish() => report?,
        // Whoever says it twice does not want to wait for payments that are open.
        () = signals.next() => return Ok(ExitCode::FAILURE),
    };
    let mut out = io::stdout().lock();
    match arguments.json {
        true => writeln!(out, "{}", report.to_json())?,
        false => write!(out, "{report}")?,
    }
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The most transport connections; more banks and connections share them.
const CONNECTIONS_MAX: usize = 64;

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn mix(behaviours: &[String], share: Option<u32>, seed: u64) -> Result<BehaviourMix, LoadgenError> {
    match (behaviours, share) {
        (behaviours, None) => BehaviourMix::parse(behaviours, seed),
        ([behaviour], Some(share)) if !behaviour.contains('=') => {
            BehaviourMix::parse(&[format!("{behaviour}={share}%")], seed)
        }
        (_, Some(_)) => {
            let why = "--share is of one behaviour; several have theirs behind them: --behaviour late=5%";
            Err(LoadgenError::Options(why.to_owned()))
        }
    }
}

fn parse_bic(text: &str) -> Result<Bic, String> {
    Bic::parse(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(behaviours: &[&str], share: Option<u32>) -> Option<String> {
        let behaviours: Vec<_> = behaviours.iter().map(|text| (*text).to_owned()).collect();
        mix(&behaviours, share, 1).ok().map(|mix| mix.to_string())
    }

    #[test]
    fn shares_are_written_in_two_ways() {
        assert_eq!(told(&[], None).as_deref(), Some("accept=100%"));
        assert_eq!(told(&["silent"], None).as_deref(), Some("silent=100%"));
        assert_eq!(told(&["silent"], Some(20)).as_deref(), Some("silent=20%,accept=80%"));
        assert_eq!(told(&["silent=20%", "late"], None).as_deref(), Some("silent=20%,late=80%"));
        assert_eq!(told(&["silent", "late"], Some(20)), None);
        assert_eq!(told(&["silent=5%"], Some(20)), None);
        assert_eq!(told(&[], Some(20)), None);
    }
}
