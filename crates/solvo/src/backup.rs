//! `solvo backup`: a copy of a node's folder that a node can be restored from.
//!
//! A backup folder is laid out as a node's own, so that `solvo verify` reads it; a file BACKUP says what is in it.
//!
//! Invariants:
//! - The node's folder is only read and no lock of it is taken, so a backup runs beside a serving node.
//! - A file has its name in the backup only once it is durable, read back from the device and whole.
//! - BACKUP is written last. Until then the one before it, if there is one, says what is there, and is right.
//! - Whatever run of duplicates the log lists at a point is in the backup, or one that holds its payments is, or they
//!   are so old that no start looks for them.

use std::io::{self, Write};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::inspect::fields::Fields;
use crate::inspect::rows::instant;

pub(crate) mod catalogue;
pub(crate) mod check;
pub(crate) mod copy;
pub(crate) mod erased;
pub(crate) mod pieces;
mod run;
pub(crate) mod runs;
mod source;

use run::BackedUp;
pub(crate) use run::only;

/// Copies a node's folder, also beside the node that serves from it.
///
/// Run it again and again with the same folder: what is there is not copied again, an interrupted run is taken up, and
/// the backup then reaches as far as the log does. `solvo restore` makes a node's folder of it. Keep it on another disk.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo backup --data ./data --to /mnt/backup/solvo\n  solvo backup --check /mnt/backup/solvo"
)]
pub(crate) struct BackupArgs {
    /// The folder of the log.
    #[arg(long, value_name = "DIR", required_unless_present = "check")]
    data: Option<PathBuf>,
    /// The folder of the backup, which is made if it does not exist.
    #[arg(long, value_name = "DIR", required_unless_present = "check")]
    to: Option<PathBuf>,
    /// Copy no more than so many bytes a second, for the sake of a node on the same disk.
    #[arg(long, value_name = "N")]
    bytes_per_second: Option<NonZeroU64>,
    /// Check a backup instead: every file against its hash, then as `solvo verify` does.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["data", "to", "bytes_per_second"])]
    check: Option<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Makes or checks a backup.
///
/// # Errors
/// If it can't be made, or is not whole.
pub(crate) fn run(args: &BackupArgs) -> anyhow::Result<ExitCode> {
    let out = &mut io::stdout().lock();
    if let Some(folder) = &args.check {
        let checked = check::check(folder)?;
        checked.tell(folder, args.json, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (Some(data), Some(to)) = (&args.data, &args.to) else {
        bail!("give --data and --to, or --check");
    };
    let backed_up = run::run(data, to, args.bytes_per_second)
        .with_context(|| format!("the backup of {} is not finished; run it again", data.display()))?;
    tell(&backed_up, to, args.json, out)?;
    Ok(ExitCode::SUCCESS)
}

fn tell(backed_up: &BackedUp, to: &Path, json: bool, out: &mut dyn Write) -> io::Result<()> {
    let BackedUp { catalogue, copied_files, copied_bytes } = backed_up;
    let upto = &catalogue.end();
    if json {
        Fields::default()
            .with("ok", true)
            .with("backup", to.display().to_string())
            .with("cluster", catalogue.identity().cluster.to_string())
            .with("incarnation", catalogue.identity().incarnation.to_string())
            .with("upto_sequence", upto.last_sequence().0)
            .with("upto_batch", upto.batch.0)
            .with("upto_time", instant(upto.time))
            .with("upto_hash", upto.hash.to_string())
            .with("files", catalogue.file_count())
            .with("files_copied", *copied_files)
            .with("bytes_copied", *copied_bytes)
            .write_json(out)?;
        return writeln!(out);
    }
    writeln!(out, "backed up to {}", to.display())?;
    writeln!(
        out,
        "  reaches   sequence {}, batch {}, {}",
        upto.last_sequence(),
        upto.batch,
        instant(upto.time)
    )?;
    writeln!(
        out,
        "  copied    {copied_files} files, {copied_bytes} bytes; the backup holds {} files",
        catalogue.file_count()
    )
}
