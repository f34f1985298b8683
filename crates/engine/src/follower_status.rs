//! What the follower tells about itself, and how much may be admitted while it is behind.
//!
//! Invariant: the log that a start would have to read after the newest snapshot stays below a bound and a quarter more,
//! but for answers of banks and expiries, which are never shed.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use journal::{SnapshotHeader, Tail};
use types::{Sequence, Timestamp};

use crate::handle::RECORDS_UNDER_WAY_MAX;

/// Written by the follower, read by anybody.
#[derive(Debug)]
pub(crate) struct FollowerStatus {
    applied: AtomicU64,
    applied_at: AtomicI64,
    snapshot: AtomicU64,
    snapshot_sequence: AtomicU64,
    snapshot_time: AtomicI64,
    bytes_since_snapshot: AtomicU64,
    archived_segments: AtomicU64,
    is_writing: AtomicBool,
    /// Commands that may be under way at once as far as the follower is concerned.
    admitted_max: AtomicU64,
}

impl Default for FollowerStatus {
    fn default() -> Self {
        Self {
            applied: AtomicU64::new(0),
            applied_at: AtomicI64::new(0),
            snapshot: AtomicU64::new(0),
            snapshot_sequence: AtomicU64::new(0),
            snapshot_time: AtomicI64::new(0),
            bytes_since_snapshot: AtomicU64::new(0),
            archived_segments: AtomicU64::new(0),
            is_writing: AtomicBool::new(false),
            admitted_max: AtomicU64::new(u64::MAX),
        }
    }
}

/// How the follower does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowerView {
    /// The last position that it has replayed and compared.
    pub applied: Sequence,
    /// So many positions are durable and not yet replayed by it.
    pub lag: u64,
    /// How much earlier the last frame that it replayed was stamped than the log's last.
    pub lag_time: types::Duration,
    /// The newest snapshot that counts, if there is one.
    pub snapshot: Option<SnapshotView>,
    /// Whether another one is being written or read back.
    pub is_writing: bool,
    /// Bytes of the log that a start would read after the newest snapshot.
    pub bytes_since_snapshot: u64,
    /// Segments in the archive.
    pub archived_segments: u64,
    /// Whether fewer commands are admitted, so that the follower catches up.
    pub slows: bool,
}

/// A snapshot that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotView {
    /// Its number.
    pub number: u64,
    /// The last position in it.
    pub sequence: Sequence,
    /// The log time of that position.
    pub time: Timestamp,
}

impl FollowerStatus {
    /// How the follower does, where the log ends so.
    pub(crate) fn view(&self, end: &Tail) -> FollowerView {
        let timestamp = |nanoseconds: &AtomicI64| {
            Timestamp::from_nanoseconds(nanoseconds.load(Ordering::Relaxed)).unwrap_or(end.time)
        };
        let applied = Sequence(self.applied.load(Ordering::Relaxed));
        let lag = end.last_sequence().0.saturating_sub(applied.0);
        let number = self.snapshot.load(Ordering::Relaxed);
        FollowerView {
            applied,
            lag,
            lag_time: if lag == 0 {
                types::Duration::default()
            } else {
                end.time.since(timestamp(&self.applied_at))
            },
            snapshot: (number > 0).then(|| SnapshotView {
                number,
                sequence: Sequence(self.snapshot_sequence.load(Ordering::Relaxed)),
                time: timestamp(&self.snapshot_time),
            }),
            is_writing: self.is_writing.load(Ordering::Relaxed),
            bytes_since_snapshot: self.bytes_since_snapshot.load(Ordering::Relaxed),
            archived_segments: self.archived_segments.load(Ordering::Relaxed),
            slows: self.admitted_max() < u64::MAX,
        }
    }

    /// Commands that may be under way at once as far as the follower is concerned.
    pub(crate) fn admitted_max(&self) -> u64 {
        self.admitted_max.load(Ordering::Relaxed)
    }

    /// It has replayed the log up to here.
    pub(crate) fn applied(&self, tail: &Tail) {
        self.applied_at.store(tail.time.nanoseconds(), Ordering::Relaxed);
        self.applied.store(tail.last_sequence().0, Ordering::Relaxed);
    }

    /// This snapshot is the newest that counts.
    pub(crate) fn counts(&self, snapshot: &SnapshotHeader) {
        self.snapshot_sequence.store(snapshot.tail.last_sequence().0, Ordering::Relaxed);
        self.snapshot_time.store(snapshot.tail.time.nanoseconds(), Ordering::Relaxed);
        self.snapshot.store(snapshot.number, Ordering::Relaxed);
    }

    pub(crate) fn archived(&self, segments: u64) {
        self.archived_segments.store(segments, Ordering::Relaxed);
    }

    pub(crate) fn writes(&self, is_writing: bool) {
        self.is_writing.store(is_writing, Ordering::Relaxed);
    }

    /// A start would read so many bytes of the log, and no more than `bytes_max` are wanted.
    pub(crate) fn behind(&self, bytes: u64, bytes_max: u64) {
        self.bytes_since_snapshot.store(bytes, Ordering::Relaxed);
        let admitted_max = admitted_max(bytes, bytes_max);
        let slowed = self.admitted_max.swap(admitted_max, Ordering::Relaxed) < u64::MAX;
        match (slowed, admitted_max < u64::MAX) {
            (false, true) => tracing::warn!(
                bytes,
                bytes_max,
                "the log since the newest snapshot is longer than a start should read: fewer payments are taken \
                 until the follower has caught up and written another"
            ),
            (true, false) => tracing::info!("the follower has caught up; payments are taken as before"),
            (false, false) | (true, true) => {}
        }
    }
}

/// All up to the bound, and then the less the more there is, until nothing is left a quarter above it.
fn admitted_max(bytes: u64, bytes_max: u64) -> u64 {
    if bytes <= bytes_max {
        return u64::MAX;
    }
    let room = bytes_max / 4;
    let left = room.saturating_sub(bytes - bytes_max);
    let admitted = u128::from(RECORDS_UNDER_WAY_MAX) * u128::from(left) / u128::from(room.max(1));
    u64::try_from(admitted).expect("it is below what it is a part of")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_further_behind_the_less_is_admitted() {
        assert_eq!(admitted_max(1000, 1000), u64::MAX);
        assert!(admitted_max(1001, 1000) < RECORDS_UNDER_WAY_MAX);
        assert_eq!(admitted_max(1125, 1000), RECORDS_UNDER_WAY_MAX / 2);
        assert_eq!(admitted_max(1250, 1000), 0);
        assert_eq!(admitted_max(u64::MAX, 1000), 0);
        assert_eq!(admitted_max(2, 1), 0);
    }
}
