//! `solvo postings`: what a bank's general ledger takes up.

use std::process::ExitCode;

use client::v1;

mod export;
mod map;
mod totals;
mod watch;

/// Postings of a bank's books for its general ledger: both sides of every transfer, numbered without a gap.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo postings map --bank ALFABEBB --line rest=9999 --line current=2100 --line \
                  position=1010\n  solvo postings export --bank ALFABEBB --date 2026-11-20 --output postings.csv\n  solvo \
                  postings watch --bank ALFABEBB --after 0"
)]
pub(crate) struct PostingsArgs {
    #[command(subcommand)]
    command: PostingsCommand,
}

#[derive(Debug, clap::Subcommand)]
enum PostingsCommand {
    Export(export::ExportArgs),
    Totals(totals::TotalsArgs),
    Watch(watch::WatchArgs),
    Map(map::MapArgs),
}

/// A bank's book.
#[derive(Clone, Debug, clap::Args)]
struct BookArgs {
    /// The bank. Without one, the caller's own.
    #[arg(long, value_name = "BIC", default_value = "")]
    bank: String,
    /// The currency of the book, ISO 4217.
    #[arg(long, value_name = "CODE", default_value = "EUR")]
    currency: String,
}

/// Runs the command.
pub(crate) async fn run(arguments: &PostingsArgs) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        PostingsCommand::Export(arguments) => export::run(arguments).await,
        PostingsCommand::Totals(arguments) => totals::run(arguments).await,
        PostingsCommand::Watch(arguments) => watch::run(arguments).await,
        PostingsCommand::Map(arguments) => map::run(arguments).await,
    }
}

/// The name of a class, as files have it.
fn class_name(class: v1::PostingClass) -> &'static str {
    class.as_str_name().trim_start_matches("POSTING_CLASS_")
}
