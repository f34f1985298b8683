//! `solvo restore`: a node's folder out of a backup, up to its end or an earlier point.
//!
//! The restored log is a new life of the old one: it keeps the frames up to the point as they are, and what follows is
//! told apart from what followed before by a new incarnation.
//!
//! Invariants:
//! - The backup is only read. The new folder holds no journal until MANIFEST, which is written last.
//! - Every file is compared with the backup's list while it is copied, and the log is replayed from the copy, from the
//!   newest snapshot at or before the point.
//! - What lies beside the log is of the point, too: the voided commands that the kept log knows, and the runs of
//!   duplicates that its state lists.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use journal::{Contents, FileStorage, Identity, Reader, Restored, Storage, VOIDS_NAME, write_voids};
use ledger::PaymentTotals;
use types::Incarnation;

use crate::backup::catalogue::{Catalogue, Other, Segment};
use crate::backup::check::{catalogue, damaged};
use crate::backup::copy::{Copier, Extent};
use crate::backup::erased::{is_erased, wipe};
use crate::inspect::fields::Fields;
use crate::inspect::rows::instant;
use crate::receipt::RECEIPTS_FOLDER;

mod checkpoints;
mod point;
mod replay;
mod runs;

pub(crate) use point::instant as parse_instant;
use point::{Point, Until};
use replay::Replayed;
use runs::Runs;

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
    runs: Runs,
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
    checkpoints::restore(&mut copier, args, &catalogue)?;
    to.sync_directory()?;
    let contents = contents_at(&catalogue, &point)?;
    keep_voids(&to, &contents, &point)?;
    let reader = Reader::of_contents(to.clone(), &contents);
    let replayed = replay::check(&reader, &point).context("the restored log is not right")?;
    let runs = runs::restore(&mut copier, args, &catalogue, &replayed)?;
    copier.finish();
    let contents = going_on(contents, &replayed);
    contents.write(&to)?;
    fs::remove_file(args.data.join(MARKER))?;
    to.sync_directory()?;
    Ok(Outcome { contents, point, catalogue, payments: replayed.payments, runs })
}

/// Leaves of the list of voided commands what is true of the log up to the point.
fn keep_voids(to: &FileStorage, contents: &Contents, point: &Point) -> anyhow::Result<()> {
    let listed = Reader::of_contents(to.clone(), contents).voids()?;
    let kept = engine::voids_at(&listed, &point.tail);
    if kept.is_empty() {
        return match to.remove(VOIDS_NAME) {
            Err(error) if error.kind != journal::StorageErrorKind::NotFound => Err(error.into()),
            Ok(()) | Err(_) => Ok(to.sync_directory()?),
        };
    }
    Ok(write_voids(to, &contents.identity, &kept)?)
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
            remove(&folder.join(&name)).with_context(|| format!("{shown} can't be removed"))?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    if path.file_name().is_some_and(|name| is_erased(&name.to_string_lossy())) {
        wipe(&File::options().write(true).open(path)?)?;
    }
    // Nothing but what a restore has put there, so there is one folder.
    match path.ends_with(RECEIPTS_FOLDER) {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    }
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
    let (length, hash) = copier
        .file(&path, &args.data.join(&file.name))
        .with_context(|| format!("{} can't be copied", path.display()))?;
    ensure!(file.admits(length, &hash), "{}", damaged(&path));
    Ok(())
}

/// What is copied beside the segments: of snapshots the two that count, which a start would keep. Runs of duplicates
/// come when the state is known that lists them, and pieces of the checkpoints become one file.
fn files_at<'c>(catalogue: &'c Catalogue, point: &Point) -> Vec<&'c Other> {
    let newest = catalogue.newest_snapshot(point.tail.batch).unwrap_or(0);
    let counts = |number: u64| number <= newest && number + 1 >= newest;
    let of_log =
        |file: &&Other| file.run().is_none() && file.piece().is_none() && file.snapshot().is_none_or(counts);
    catalogue.files.iter().filter(of_log).collect()
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

/// The life before is the one that the records tell of. A node that was ended right after its claim has left frames
/// without records in a life of their own, which no record knows.
fn going_on(contents: Contents, replayed: &Replayed) -> Contents {
    let previous = replayed.lives.last().incarnation;
    let restored = contents.restored.map(|restored| Restored { previous, ..restored });
    Contents { restored, ..contents }
}

fn tell(outcome: &Outcome, args: &RestoreArgs, out: &mut dyn Write) -> io::Result<()> {
    let Outcome { contents, point, catalogue, payments, runs } = outcome;
    let previous = contents.restored.map_or(point.identity.incarnation, |restored| restored.previous);
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
            .with("previous_incarnation", previous.to_string())
            .with("runs", runs.copied)
            .with("runs_made", runs.made)
            .with("runs_outdated", runs.outdated)
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
    if *runs != Runs::default() {
        writeln!(
            out,
            "  runs      {} of duplicates copied, {} made of others, {} too old to be needed",
            runs.copied, runs.made, runs.outdated
        )?;
    }
    writeln!(out, "  life      incarnation {} goes on from {previous}", contents.identity.incarnation)?;
    writeln!(out, "  next      solvo serve --data {data}")
}

#[cfg(test)]
#[path = "restore_tests.rs"]
mod tests;
