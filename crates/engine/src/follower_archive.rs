//! Archived segments that are old enough go, if nobody has still to read them.

use journal::Storage;
use types::{Duration, Sequence};

use super::{FollowError, Follower};

/// How much log time passes between two looks at the archive.
const SEEN_EVERY: Duration = Duration::from_seconds(600);

impl<S: Storage> Follower<S> {
    /// Removes one archived segment that is older than the archive is to be kept, at a look now and then.
    pub(super) fn remove_archived(&mut self) -> Result<Option<u64>, FollowError> {
        let Some(keep) = self.watch.settings.archive_keep else { return Ok(None) };
        let now = self.trail.tail().time;
        if now.since(self.archive_seen) < SEEN_EVERY {
            return Ok(None);
        }
        let read_upto = match self.watch.settings.archive_waits {
            true => self.readers.have_taken_in(),
            false => Some(Sequence(u64::MAX)),
        };
        // Who has to read it is said right after the start.
        let Some(upto) = read_upto else { return Ok(None) };
        let mut is_awaited = false;
        let removed = self.snapshots.remove_archived(now.minus(keep), &mut |segment| {
            is_awaited = segment.last_sequence > upto;
            !is_awaited
        })?;
        let Some(removed) = removed else {
            self.archive_seen = now;
            if is_awaited {
                tracing::warn!(
                    read_upto = upto.0,
                    "an archived segment is old enough to go, and is kept until history and receipts have read it"
                );
            }
            return Ok(None);
        };
        tracing::info!(
            segment = removed.segment,
            ended_before = %removed.ended_before,
            first_batch_kept = removed.first_kept.0,
            "an archived segment is older than the archive is kept, and has been removed"
        );
        self.watch.status.archived(self.snapshots.archived()?.segments);
        Ok(Some(removed.segment))
    }
}
