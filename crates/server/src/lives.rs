//! What a restore from a backup means to those outside: positions that were given anew, and payments that may be lost.
//!
//! A restored log goes on in a new life after the point of the restore. What the life before had beyond that point is not
//! in the log any more, but others may have been told of it.
//!
//! Invariants:
//! - Nobody goes on from a position that names something else by now, so nobody misses an outcome without knowing it.
//! - That a payment was not found is final only where no part that was lost can have held it.

use engine::{Handle, LogError, LogView};
use tonic::Status;
use types::{Duration, Incarnation, Life, Lives, Sequence, Timestamp};

use crate::refusals::{position_cut_off, position_of_no_life, position_without_life};

/// A position as a caller names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) sequence: Sequence,
    /// The life of the log that gave it, if the caller knows.
    pub(crate) given_by: Option<Incarnation>,
}

impl Named {
    /// What a request names, if it names a position.
    pub(crate) fn read(sequence: Option<u64>, incarnation: Option<u64>) -> Option<Self> {
        let given_by = incarnation.map(Incarnation);
        sequence.map(|sequence| Self { sequence: Sequence(sequence), given_by })
    }

    /// The position, if whoever goes on from it goes on in the same log.
    ///
    /// Where no life is named, a position up to the first restore's point has one meaning; any other may have two.
    pub(crate) fn on(self, lives: &Lives) -> Result<Sequence, Status> {
        let Self { sequence, given_by } = self;
        let mut later = lives.iter();
        let known = match given_by {
            _ if sequence == Sequence(0) => return Ok(sequence),
            Some(incarnation) => later.find(|life| life.incarnation == incarnation),
            None => later.next(),
        };
        if known.is_none() {
            return Err(position_of_no_life());
        }
        match later.next().map(before).filter(|kept| sequence > *kept) {
            Some(kept) if given_by.is_some() => Err(position_cut_off(kept)),
            Some(kept) => Err(position_without_life(kept)),
            None => Ok(sequence),
        }
    }
}

/// The last position that the restore kept which began this life.
const fn before(life: Life) -> Sequence {
    Sequence(life.first.0.saturating_sub(1))
}

/// The restores that a log has gone through.
#[derive(Debug, Default)]
pub(crate) struct Restores(Vec<Restore>);

/// One restore: everything of the life before it that was accepted between two times may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Restore {
    /// The last position that was kept.
    upto: Sequence,
    /// The time of the last frame that was kept. None if it can't be read: then there is no earliest.
    from: Option<Timestamp>,
    /// When the new life began.
    until: Timestamp,
}

/// How long before the time at which it is decided a payment may have been accepted. Longer than any profile allows.
const ACCEPTED_BEFORE: Duration = Duration::from_seconds(60);

/// How far ahead of the log's time an acceptance time may lie, and how far two machines' clocks may be apart.
const ACCEPTED_AHEAD: Duration = Duration::from_seconds(2);

impl Restores {
    /// Reads when the log was restored. Waits for the disk if it was.
    pub(crate) fn read(handle: &Handle) -> Self {
        let log = handle.log();
        let later = handle.lives().iter().skip(1);
        let restores = later.map(|life| match Restore::read(&log, life) {
            Ok(restore) => restore,
            Err(error) => {
                tracing::error!(%error, "when the log was restored can't be read; no payment counts as never received");
                Restore { upto: before(life), from: None, until: handle.now() }
            }
        });
        Self(restores.collect())
    }

    /// The point of the latest restore that may have cut off a payment which was accepted at this time, or at any.
    pub(crate) fn may_have_lost(&self, accepted: Option<Timestamp>) -> Option<Sequence> {
        let is_lost = |restore: &&Restore| accepted.is_none_or(|accepted| restore.may_have_lost(accepted));
        self.0.iter().rev().find(is_lost).map(|restore| restore.upto)
    }
}

impl Restore {
    fn read(log: &LogView, life: Life) -> Result<Self, LogError> {
        let time_at = |position| {
            let time = log.time_at(position);
            time.map(|time| time.expect("a life of the log has begun, so its first frame is there"))
        };
        let upto = before(life);
        let until = match time_at(life.first) {
            Err(error) => match error.trimmed_before() {
                // What is left of the log begins after the restore.
                Some(first) => return Ok(Self { upto, from: None, until: time_at(first)? }),
                None => return Err(error),
            },
            Ok(until) => until,
        };
        match time_at(upto) {
            Err(error) if error.trimmed_before().is_some() => Ok(Self { upto, from: None, until }),
            from => Ok(Self { upto, from: Some(from?), until }),
        }
    }

    fn may_have_lost(&self, accepted: Timestamp) -> bool {
        let is_after = self.from.is_none_or(|from| accepted.plus(ACCEPTED_BEFORE) >= from);
        is_after && accepted <= self.until.plus(ACCEPTED_AHEAD)
    }
}

#[cfg(test)]
#[path = "lives_tests.rs"]
mod tests;
