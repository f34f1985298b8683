//! What a start on the restored folder will do, done once before the folder counts.

use std::io::Read;

use anyhow::{Context, bail, ensure};
use engine::Replayer;
use journal::{FileStorage, LoadError, Reader, SnapshotHeader};
use ledger::{Limits, PaymentTotals};
use types::BatchNumber;

use crate::restore::point::Point;

/// Room to start with. The ledger grows as the log needs it; nobody waits for an answer here.
const ROOM: usize = 1 << 16;

/// Replays the log from its newest snapshot, or from its first frame, up to the point; says what its payments came to.
pub(super) fn check(reader: &Reader<FileStorage>, point: &Point) -> anyhow::Result<PaymentTotals> {
    let loaded = match reader.load_snapshot(&mut read_state) {
        Ok(loaded) => loaded,
        Err(error @ (LoadError::Unreadable { .. } | LoadError::WrongFile { .. })) => bail!("{error}"),
    };
    let (replayer, end) = match loaded.snapshot {
        Some((header, mut replayer)) => {
            let end = reader.read_from(&header.tail, &mut |frame, _| Ok(replayer.frame(frame)?))?;
            (replayer, end)
        }
        None => {
            let limits = Limits { accounts_max: ROOM, payments_max: ROOM, requests_max: ROOM };
            let mut replayer = Replayer::new(limits);
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
    Ok(ledger.payment_totals())
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
