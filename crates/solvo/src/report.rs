//! `solvo report`: statements, what was settled, how the service was, and whether books agree.

use std::process::ExitCode;

use crate::remote::TlsArgs;

mod day_end;
mod external;
pub(crate) mod reconcile;
mod service;
mod settlement;
mod statement;

/// Statements and reports of a node, and the comparison of books.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo report statement --position ALFABEBB --date 2026-11-20")]
pub(crate) struct ReportArgs {
    #[command(subcommand)]
    command: ReportCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ReportCommand {
    Statement(statement::StatementArgs),
    DayEnd(day_end::DayEndArgs),
    Settlement(settlement::SettlementArgs),
    Service(service::ServiceArgs),
    Reconcile(reconcile::ReconcileArgs),
}

/// The node to ask, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct NodeArgs {
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400")]
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
}

/// Runs the command.
pub(crate) fn run(arguments: &ReportArgs) -> anyhow::Result<ExitCode> {
    let asks = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match &arguments.command {
        ReportCommand::Statement(arguments) => asks.block_on(statement::run(arguments)),
        ReportCommand::DayEnd(arguments) => asks.block_on(day_end::run(arguments)),
        ReportCommand::Settlement(arguments) => asks.block_on(settlement::run(arguments)),
        ReportCommand::Service(arguments) => asks.block_on(service::run(arguments)),
        ReportCommand::Reconcile(arguments) => match &arguments.data {
            Some(folder) => reconcile::run(arguments, folder),
            None => asks.block_on(external::run(arguments)),
        },
    }
}

/// How far something long has come, on a terminal and nowhere else.
pub(crate) fn progress_bar(template: &str) -> indicatif::ProgressBar {
    use std::io::IsTerminal;
    let bar = match std::io::stderr().is_terminal() {
        true => indicatif::ProgressBar::new_spinner(),
        false => indicatif::ProgressBar::hidden(),
    };
    bar.set_style(indicatif::ProgressStyle::with_template(template).expect("the template is right"));
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}

/// A share of something, to two decimals of a per cent and rounded down: a limit that was missed once is never 100.
pub(crate) fn per_cent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    let share = u128::from(part) * 10_000 / u128::from(whole);
    format!("{}.{:02}", share / 100, share % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_down() {
        for (part, whole, told) in
            [(0, 0, "-"), (0, 3, "0.00"), (2, 3, "66.66"), (99_999, 100_000, "99.99"), (7, 7, "100.00")]
        {
            assert_eq!(per_cent(part, whole), told);
        }
    }
}
