//! `solvo parallel`: a node beside the system that decides (`serve --parallel`) gets a copy of its payments, and what the two
//! made of a day is compared.

mod compare;
mod feed;
mod old;

use std::process::ExitCode;

use anyhow::{Context, ensure};
use client::{Client, v1};

/// Feeds a node that runs beside another system, and compares what the two made of a day.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo parallel feed payments.csv --to 127.0.0.1:7500\n  solvo parallel compare --old payments.csv --date 2026-11-20 --to 127.0.0.1:7500"
)]
pub(crate) struct ParallelArgs {
    #[command(subcommand)]
    command: ParallelCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ParallelCommand {
    Feed(feed::FeedArgs),
    Compare(compare::CompareArgs),
}

/// Runs the command.
pub(crate) async fn run(arguments: &ParallelArgs) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        ParallelCommand::Feed(arguments) => feed::run(arguments).await,
        ParallelCommand::Compare(arguments) => compare::run(arguments).await,
    }
}

/// Refuses to feed a copy into a node that decides: its payments would be made a second time.
async fn check_is_parallel(client: &Client) -> anyhow::Result<()> {
    let status = client.get_node_status(v1::GetNodeStatusRequest {}).await;
    let status = status.context("the node did not say whether it runs beside another system")?;
    ensure!(
        status.parallel,
        "this node decides: a copy of payments would be paid a second time; feed one that was started with `serve --parallel`"
    );
    Ok(())
}
