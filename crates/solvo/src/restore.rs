//! `solvo restore`: a node's folder out of a backup, up to its end or an earlier point.
//!
//! The restored log is a new life of the old one: it keeps the frames up to the point as they are, and what follows is
//! told apart from what followed before by a new incarnation.
//!
//! Invariants:
//! - The backup is only read. The new folder holds no journal until MANIFEST, which is written last.
//! - Every file is compared with the backup's list while it is copied, and the log is replayed from the copy, from the
//!   newest snapshot at or before the point.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use journal::{Contents, FileStorage, Identity, Reader, Restored, Storage};
use ledger::PaymentTotals;
use types::Incarnation;

use crate::backup::catalogue::{Catalogue, Other, Segment};
use crate::backup::check::{catalogue, damaged};
use crate::backup::copy::{Copier, Extent};
use crate::inspect::fields::Fields;
use crate::inspect::rows::instant;

mod point;
mod replay;

use point::{Point, Until};

/// Makes a node's folder out of a backup.
///
/// The node that is started on it goes on where the restored log ends, in a new life: ids of payments up to that point
/// stay valid, and those that were given after it are told as lost. See that the old node never runs again.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo restore --from /mnt/backup/solvo --data ./restored\n  solvo restore --from /mnt/backup/solvo --data ./restored --until 2026-11-21T10:00:00Z"
)]
pub(crate) struct RestoreArgs {
    /// The folder of the backup.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// The node's new folder. It is made if it does not exist, and must be empty.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Up to where: a position, or an instant of log time in UTC. Without it, all that the backup holds.
    ///
    /// Frames are kept whole: the last that is kept is the last that does not go beyond.
    #[arg(long, value_name = "TIME|SEQ", value_parser = point::parse)]
    until: Option<Until>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Stands in a folder while it is being restored.
const MARKER: &str = "RESTORING";

/// What was restored.
struct Outcome {
    contents: Contents,
    point: Point,
    catalogue: Catalogue,
    payments: PaymentTotals,
}

/// Restores a folder.
///
/// # Errors
/// If the backup is not whole or the folder can't be made.
pub(crate) fn run(args: &RestoreArgs) -> anyhow::Result<ExitCode> {
    let outcome = restore(args)
        .with_context(|| format!("{} was not restored, and holds no log", args.data.display()))?;
    tell(&outcome, args, &mut io::stdout().lock())?;
    Ok(ExitCode::SUCCESS)
}

fn restore(args: &RestoreArgs) -> anyhow::Result<Outcome> {
    let catalogue = catalogue(&args.from)?;
    let from = FileStorage::open(&args.from)?;
    let until = args.until.unwrap_or(Until::End);
    let point = point::find(&catalogue, &from, until)?;
    let to = FileStorage::create(&args.data).context("the folder can't be made")?;
    let _lock = to.lock()?;
    clear(&args.data)?;
    File::create(args.data.join(MARKER))?.sync_all()?;

    let mut copier = Copier::new(None);
    let kept = &catalogue.segments[..point.segments];
    copier.expect(kept.iter().map(|segment| segment.hashed).sum());
    let others = files_at(&catalogue, &point);
    copier.expect(others.iter().map(|file| file.length).sum());
    for (index, segment) in kept.iter().enumerate() {
        let cut = point.cut.filter(|_| index + 1 == kept.len());
        copy_segment(&mut copier, &from, args, segment, cut)?;
    }
    for file in others {
        copy_other(&mut copier, args, file)?;
    }
    copier.finish();
    to.sync_directory()?;

    let contents = contents_at(&catalogue, &point)?;
    let payments = replay::check(&Reader::of_contents(to.clone(), &contents), &point)
        .context("the restored log is not right")?;
    contents.write(&to)?;
    fs::remove_file(args.data.join(MARKER))?;
    to.sync_directory()?;
    Ok(Outcome { contents, point, catalogue, payments })
}

/// Empties a folder in which an earlier restore stopped half-way. Refuses any other that holds something.
fn clear(folder: &Path) -> anyhow::Result<()> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    let is_half_done = names.iter().any(|name| name == MARKER) && names.iter().all(|name| name != "MANIFEST");
    for name in names {
        if name == "LOCK" || name == "lost+found" {
            continue;
        }
        let shown = name.to_string_lossy();
        ensure!(
            is_half_done,
            "{} is not empty (it holds {shown}): restore into a new folder",
            folder.display()
        );
        // The marker goes last of all, when the folder is whole.
        if name != MARKER {
            fs::remove_file(folder.join(&name)).with_context(|| format!("{shown} can't be removed"))?;
        }
    }
    Ok(())
}

fn copy_segment(
    copier: &mut Copier,
    from: &FileStorage,
    args: &RestoreArgs,
    segment: &Segment,
    cut: Option<u64>,
) -> anyhow::Result<()> {
    let (name, hashed) = (segment.name(), segment.hashed);
    let path = args.from.join(&name);
    let extent = Extent { length: segment.length, hashed, kept: cut.unwrap_or(hashed) };
    let hash = copier
        .segment(from, &name, &args.data.join(&name), extent)
        .with_context(|| format!("{} can't be copied", path.display()))?;
    ensure!(*hash.to_hex() == *segment.blake3, "{}", damaged(&path));
    Ok(())
}

fn copy_other(copier: &mut Copier, args: &RestoreArgs, file: &Other) -> anyhow::Result<()> {
    let path = args.from.join(&file.name);
    let (_, hash) = copier
        .file(&path, &args.data.join(&file.name))
        .with_context(|| format!("{} can't be copied", path.display()))?;
    if let Some(expected) = &file.blake3 {
        ensure!(*hash.to_hex() == **expected, "{}", damaged(&path));
    }
    Ok(())
}

/// What is copied beside the segments: of snapshots the two that count, which a start would keep.
fn files_at<'c>(catalogue: &'c Catalogue, point: &Point) -> Vec<&'c Other> {
    let newest = catalogue.newest_snapshot(point.tail.batch).unwrap_or(0);
    let counts = |number: u64| number <= newest && number + 1 >= newest;
    catalogue.files.iter().filter(|file| file.snapshot().is_none_or(counts)).collect()
}

/// What the restored folder holds: the log up to the point, and a new life from there on.
fn contents_at(catalogue: &Catalogue, point: &Point) -> anyhow::Result<Contents> {
    let earlier = catalogue.contents();
    let Some(last) = catalogue.segments[..point.segments].last() else { bail!("nothing would be kept") };
    let incarnation = Incarnation(getrandom::u64().context("the system gives no random numbers")?);
    let restored = Restored {
        previous: point.identity.incarnation,
        segment: last.number,
        batch: point.tail.batch,
        next_sequence: point.tail.next_sequence,
        hash: point.tail.hash,
    };
    Ok(Contents {
        identity: Identity { incarnation, ..earlier.identity },
        newest_segment: last.number,
        newest_snapshot: catalogue.newest_snapshot(point.tail.batch).unwrap_or(0),
        restored: Some(restored),
        ..earlier
    })
}

fn tell(outcome: &Outcome, args: &RestoreArgs, out: &mut dyn Write) -> io::Result<()> {
    let Outcome { contents, point, catalogue, payments } = outcome;
    let (upto, end) = (point.tail.last_sequence(), catalogue.end().last_sequence());
    let (from, data) = (args.from.display(), args.data.display());
    if args.json {
        Fields::default()
            .with("ok", true)
            .with("backup", from.to_string())
            .with("folder", data.to_string())
            .with("restored_upto_sequence", upto.0)
            .with("restored_upto_batch", point.tail.batch.0)
            .with("restored_upto_time", instant(point.tail.time))
            .with("restored_upto_hash", point.tail.hash.to_string())
            .with("backup_upto_sequence", end.0)
            .with("snapshot", contents.newest_snapshot)
            .with("incarnation", contents.identity.incarnation.to_string())
            .with("previous_incarnation", point.identity.incarnation.to_string())
            .with("settled", payments.settled)
            .with("rejected", payments.rejected)
            .with("expired", payments.expired)
            .with("reserved", payments.reserved)
            .write_json(out)?;
        return writeln!(out);
    }
    writeln!(out, "restored {from} to {data}")?;
    writeln!(out, "  reaches   sequence {upto}, batch {}, {}", point.tail.batch, instant(point.tail.time))?;
    match end.0 - upto.0 {
        0 => writeln!(out, "  left out  nothing that the backup holds")?,
        _ => writeln!(out, "  left out  sequences {} to {end} of the backup", upto.0 + 1)?,
    }
    writeln!(
        out,
        "  payments  {} settled, {} rejected, {} expired, {} reserved; all replayed",
        payments.settled, payments.rejected, payments.expired, payments.reserved
    )?;
    writeln!(
        out,
        "  life      incarnation {} goes on from {}",
        contents.identity.incarnation, point.identity.incarnation
    )?;
    writeln!(out, "  next      solvo serve --data {data}")
}
