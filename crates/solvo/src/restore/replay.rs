//! What a start on the restored folder will do, done once before the folder counts.

use std::io::Read;

use anyhow::{Context, bail, ensure};
use engine::Replayer;
use journal::{FileStorage, LoadError, Reader, SnapshotHeader};
use ledger::{Limits, PaymentTotals, SealedRun};
use types::{BatchNumber, Lives, Timestamp};

use crate::restore::point::Point;

/// Room to start with. The ledger grows as the log needs it; nobody waits for an answer here.
const ROOM: usize = 1 << 16;

/// What the state at the point says.
pub(super) struct Replayed {
    pub(super) payments: PaymentTotals,
    /// The runs of duplicates that may hold a payment of the window.
    pub(super) runs: Vec<SealedRun>,
    /// The lives of the log, as its records tell of them.
    pub(super) lives: Lives,
    /// Log time at the end.
    pub(super) time: Timestamp,
}

/// Replays the log from its newest snapshot, or from its first frame, up to the point, passing over what is voided.
pub(super) fn check(reader: &Reader<FileStorage>, point: &Point) -> anyhow::Result<Replayed> {
    let voids = reader.voids()?;
    let loaded = match reader.load_snapshot(&mut read_state) {
        Ok(loaded) => loaded,
        Err(error @ (LoadError::Unreadable { .. } | LoadError::WrongFile { .. })) => bail!("{error}"),
    };
    let (replayer, end) = match loaded.snapshot {
        Some((header, replayer)) => {
            let mut replayer = replayer.passing_over(voids);
            let end = reader.read_from(&header.tail, &mut |frame, _| Ok(replayer.frame(frame)?))?;
            (replayer, end)
        }
        None => {
            let limits = Limits { accounts_max: ROOM, payments_max: ROOM, requests_max: ROOM };
            let mut replayer = Replayer::new(limits).passing_over(voids);
            let end = reader
                .read(BatchNumber(0), &mut |frame, _| Ok(replayer.frame(frame)?))
                .context("the backup holds no snapshot at or before that point, and its log begins later")?;
            (replayer, end)
        }
    };
    let end = end.tail;
    ensure!((end.batch, end.hash) == (point.tail.batch, point.tail.hash), "it ends elsewhere");
    let ledger = replayer.ledger();
    ensure!(ledger.setup().is_some(), "there is nothing in it up to that point");
    ensure!(ledger.trial_balance().iter().all(|book| book.sum() == 0), "a book does not sum to zero");
    Ok(Replayed {
        payments: ledger.payment_totals(),
        runs: ledger.sealed_runs().to_vec(),
        lives: ledger.lives().clone(),
        time: end.time,
    })
}

fn read_state(
    header: &SnapshotHeader,
    source: &mut dyn Read,
) -> Result<Replayer, Box<dyn std::error::Error + Send + Sync>> {
    // No item is shorter than 64 bytes, so there are not more of any kind.
    let room = usize::try_from(header.state_length / 64).unwrap_or(usize::MAX).max(ROOM);
    let limits = Limits { accounts_max: room, payments_max: room, requests_max: room };
    Ok(Replayer::read_state(source, limits)?)
}
