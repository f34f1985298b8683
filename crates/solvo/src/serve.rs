//! `solvo serve`: a node until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::ensure;
use ledger::Limits;
use tokio::signal::unix::{SignalKind, signal};

use crate::node::Node;

/// Runs a node on a folder.
///
/// The folder is made if it does not exist. SIGTERM and SIGINT finish the calls under way, end the log in a
/// marker, and exit with 0. A failed write or sync ends the process with 74; restart it when the cause is mended.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo serve --data ./solvo-data --listen 127.0.0.1:7400")]
pub(crate) struct ServeArgs {
    /// The folder of the log.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where to listen. Loopback only, until mutual TLS is there.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400")]
    listen: SocketAddr,
    /// Room for accounts, 64 bytes each beside their index. Memory is taken as they come.
    #[arg(long, value_name = "N", default_value_t = Limits::default().accounts_max)]
    accounts_max: usize,
    /// Room for the payments of the last five days, 112 bytes each beside their index.
    #[arg(long, value_name = "N", default_value_t = Limits::default().payments_max)]
    payments_max: usize,
}

/// More than any machine has memory for.
const ROOM_MAX: usize = 1 << 30;

/// Runs the node until a signal comes.
pub(crate) async fn run(arguments: &ServeArgs) -> anyhow::Result<ExitCode> {
    // Asked for before the node is ready, so that no signal is missed.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    for (name, room) in [("accounts-max", arguments.accounts_max), ("payments-max", arguments.payments_max)] {
        ensure!((1..=ROOM_MAX).contains(&room), "--{name} is a number from 1 to {ROOM_MAX}");
    }
    let limits = Limits {
        accounts_max: arguments.accounts_max,
        payments_max: arguments.payments_max,
        ..Limits::default()
    };
    let node = Node::start(&arguments.data, arguments.listen, limits).await?;
    tracing::info!(address = %node.address(), folder = %arguments.data.display(), "serving");
    // For scripts and tests that wait until the node is ready.
    println!("listening on {}", node.address());
    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM"),
        _ = interrupt.recv() => tracing::info!("SIGINT"),
    }
    node.stop().await?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}
