//! `solvo keys`: the keys of personal data, and the master key that wraps them.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use journal::{FileStorage, rewrap_keys};

use crate::master_key::{MasterKeyArgs, read_file};
use crate::serve::tell;

/// Looks after the keys of personal data.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  solvo keys rotate --data ./solvo-data --master-key old.key --new-master-key new.key"
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
/// The node has to be stopped. Where the old master key lies in the folder itself, as MASTER, it is removed. Backups keep
/// the master key with which they were made.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  solvo keys rotate --data ./solvo-data --master-key old.key --new-master-key new.key"
)]
struct RotateArgs {
    /// The folder of the log.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    old: MasterKeyArgs,
    /// The file with the new master key: 64 hexadecimal digits, or 32 bytes. Nobody but its owner may read it.
    #[arg(long, value_name = "FILE")]
    new_master_key: PathBuf,
}

/// Does what was asked for.
///
/// # Errors
/// If the keys can't be read or written; then the old master key still holds.
pub(crate) fn run(arguments: &KeysArgs) -> anyhow::Result<ExitCode> {
    let KeysCommand::Rotate(rotate) = &arguments.command;
    let new = read_file(&rotate.new_master_key)?;
    let old = rotate.old.read()?;
    let storage = FileStorage::open(&rotate.data).context("the folder can't be opened")?;
    // Says so now, and not when one is needed.
    let mut entropy = entropy()?;
    let count = rewrap_keys(&storage, old.as_ref(), &new, &mut entropy)?;
    tell(format_args!("{count} keys in {} are wrapped by the new master key", rotate.data.display()));
    tell(format_args!("start the node with it from now on, and keep the old one as long as backups need it"));
    Ok(ExitCode::SUCCESS)
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
