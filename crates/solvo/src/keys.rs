//! `solvo keys`: the keys of personal data, and the master key that wraps them.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use client::v1;
use journal::{FileStorage, rewrap_keys};

use crate::inspect::fields::Fields;
use crate::master_key::{MasterKeyArgs, read_file};
use crate::remote::{self, TlsArgs};
use crate::serve::tell;

/// Looks after the keys of personal data.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo keys rotate --server 127.0.0.1:7400\n  solvo keys rotate --data ./solvo-data --master-key old.key --new-master-key new.key"
)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, clap::Subcommand)]
enum KeysCommand {
    Rotate(RotateArgs),
}

/// Wraps the keys by another master key. No segment is written, and no text is sealed anew.
///
/// A node that serves reads the new master key from where its own --new-master-key or --new-master-key-command says: no key
/// is part of the call. For a node that is stopped, both are given here. Where the old master key lies in the folder of the
/// log, as MASTER, it is removed. Backups keep the master key with which they were made.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo keys rotate --server 127.0.0.1:7400\n  solvo keys rotate --data ./solvo-data --master-key old.key --new-master-key new.key"
)]
struct RotateArgs {
    /// The node, if it serves.
    #[arg(long, value_name = "ADDR", required_unless_present = "data",
          conflicts_with_all = ["data", "master_key", "master_key_command", "new_master_key"])]
    server: Option<String>,
    #[command(flatten)]
    tls: TlsArgs,
    /// The folder of the log, if no node serves from it.
    #[arg(long, value_name = "DIR", requires = "new_master_key")]
    data: Option<PathBuf>,
    #[command(flatten)]
    old: MasterKeyArgs,
    /// The file with the new master key: 64 hexadecimal digits, or 32 bytes. Nobody but its owner may read it.
    #[arg(long, value_name = "FILE")]
    new_master_key: Option<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Does what was asked for.
///
/// # Errors
/// If the keys can't be read or written; then the old master key still holds.
pub(crate) async fn run(arguments: &KeysArgs) -> anyhow::Result<ExitCode> {
    let KeysCommand::Rotate(rotate) = &arguments.command;
    let (kind, place, Told { count, was_wrapped }) =
        match (&rotate.server, &rotate.data, &rotate.new_master_key) {
            (Some(server), _, _) => ("server", server.clone(), on_server(server, &rotate.tls).await?),
            (None, Some(data), Some(new)) => {
                ("folder", data.display().to_string(), in_folder(data, &rotate.old, new)?)
            }
            (None, _, _) => anyhow::bail!("give --server, or --data and --new-master-key"),
        };
    if rotate.json {
        let mut out = std::io::stdout().lock();
        let told = Fields::default().with(kind, place).with("keys", u64::from(count));
        told.with("was_wrapped", was_wrapped).write_json(&mut out)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    if was_wrapped {
        tell(format_args!(
            "{count} keys in {place} were wrapped by this master key before; nothing was done"
        ));
        return Ok(ExitCode::SUCCESS);
    }
    tell(format_args!("{count} keys in {place} are wrapped by the new master key"));
    tell(format_args!("start the node with it from now on, and keep the old one as long as backups need it"));
    Ok(ExitCode::SUCCESS)
}

/// What became of the keys.
struct Told {
    count: u32,
    was_wrapped: bool,
}

async fn on_server(server: &str, tls: &TlsArgs) -> anyhow::Result<Told> {
    let client = remote::connect(server, tls).await?;
    let rotated = client.rotate_master_key(v1::RotateMasterKeyRequest {}).await;
    let rotated = rotated.context("the keys were not wrapped anew, or the answer was lost; ask again")?;
    Ok(Told { count: rotated.key_count, was_wrapped: rotated.was_wrapped })
}

fn in_folder(data: &Path, old: &MasterKeyArgs, new: &Path) -> anyhow::Result<Told> {
    let new = read_file(new)?;
    let old = old.read()?;
    let storage = FileStorage::open(data).context("the folder can't be opened")?;
    // Says so now, and not when one is needed.
    let mut entropy = entropy()?;
    let shown = data.display();
    let count = rewrap_keys(&storage, old.as_ref(), &new, &mut entropy).with_context(|| {
        format!("the keys in {shown} were not wrapped anew; if a node runs on it, give --server")
    })?;
    Ok(Told { count: u32::try_from(count)?, was_wrapped: false })
}

/// The operating system's random numbers.
fn entropy() -> anyhow::Result<impl FnMut() -> u64> {
    let first = getrandom::u64().context("the operating system gives no random numbers")?;
    let mut first = Some(first);
    Ok(move || {
        let next = || getrandom::u64().expect("the operating system gave random numbers a moment ago");
        first.take().unwrap_or_else(next)
    })
}
