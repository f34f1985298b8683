//! Recovery: the newest snapshot that can be read, and the frames after it.
//!
//! Invariants:
//! - Nothing is written: a start that is given up here leaves the folder as it was.
//! - One state is in memory, and of the log no more than a window.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use journal::{BLOCK_SIZE, FrameView, Journal, LocalJournal, Storage, Tail};
use ledger::Limits;
use types::{BatchNumber, DigestKey, Sequence};

use crate::driver::monotonic;
use crate::replay::Replayer;
use crate::start::StartError;

/// How far a start has come, for whoever waits for it. Written by the start, read by anybody.
#[derive(Debug, Default)]
pub struct RecoveryProgress {
    /// On the monotonic clock; 0 before it has begun.
    began: AtomicI64,
    bytes: AtomicU64,
    bytes_total: AtomicU64,
    frames: AtomicU64,
    sequence: AtomicU64,
    is_over: AtomicBool,
}

/// How far a start has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryView {
    /// Bytes of the snapshot and the log that have been read.
    pub bytes: u64,
    /// How many there are at most: segments are made longer than what is written in them.
    pub bytes_total: u64,
    /// Frames that have been replayed.
    pub frames: u64,
    /// The last position that has been replayed.
    pub sequence: Sequence,
    /// How long it has taken so far.
    pub elapsed: Duration,
    /// How long the rest will take at the pace so far; `None` while too little has been done to say.
    pub left: Option<Duration>,
    /// Whether nothing is left to be done.
    pub is_over: bool,
}

impl RecoveryView {
    /// In hundredths, rounded down.
    pub fn percent(&self) -> u64 {
        match (self.is_over, self.bytes_total) {
            (true, _) => 100,
            (false, 0) => 0,
            (false, total) => (u128::from(self.bytes) * 100 / u128::from(total))
                .min(99)
                .try_into()
                .expect("it is below a hundred"),
        }
    }
}

impl RecoveryProgress {
    /// How far it has come.
    pub fn view(&self) -> RecoveryView {
        let began = self.began.load(Ordering::Relaxed);
        let elapsed = if began == 0 { 0 } else { monotonic() - began };
        let elapsed = Duration::from_nanos(u64::try_from(elapsed).unwrap_or(0));
        let (bytes, bytes_total) =
            (self.bytes.load(Ordering::Relaxed), self.bytes_total.load(Ordering::Relaxed));
        let is_over = self.is_over.load(Ordering::Relaxed);
        let left = match is_over {
            true => Some(Duration::ZERO),
            // A hundredth says more about how the disk begins than about how it goes on.
            false if bytes == 0 || bytes < bytes_total / 100 => None,
            false => {
                let left = elapsed.as_nanos() * u128::from(bytes_total.saturating_sub(bytes));
                u64::try_from(left / u128::from(bytes)).ok().map(Duration::from_nanos)
            }
        };
        let frames = self.frames.load(Ordering::Relaxed);
        let sequence = Sequence(self.sequence.load(Ordering::Relaxed));
        RecoveryView { bytes, bytes_total, frames, sequence, elapsed, left, is_over }
    }

    fn begin(&self) {
        // Never 0, which says that it has not begun.
        self.began.store(monotonic().max(1), Ordering::Relaxed);
    }

    fn expect(&self, bytes: u64) {
        self.bytes_total.fetch_add(bytes, Ordering::Relaxed);
    }

    fn read(&self, bytes: usize) {
        self.bytes.fetch_add(u64::try_from(bytes).expect("64 bits"), Ordering::Relaxed);
    }

    fn replayed(&self, frame: &FrameView<'_>) {
        self.read(frame.bytes().len().next_multiple_of(BLOCK_SIZE));
        self.frames.fetch_add(1, Ordering::Relaxed);
        self.sequence.store(frame.header().last_sequence().0, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// What a start has to go on with.
#[derive(Debug)]
pub struct Recovered {
    /// The state at the log's end.
    pub replayer: Replayer,
    /// The log's end.
    pub tail: Tail,
    /// The snapshot it began from; 0 if from the log's first frame. Once the log has been claimed, newer ones that could
    /// not be read are withdrawn: [`journal::Snapshots::withdraw_after`].
    pub snapshot: u64,
    /// Whether keys have been made for the log: the texts of a frame that was read are sealed, or there is a snapshot,
    /// and whoever writes one has made keys before.
    pub is_sealed: bool,
}

/// Reads the newest snapshot that can be read, and the log after it.
///
/// # Errors
/// [`StartError::Load`] or [`StartError::Read`]: nothing has been changed.
pub fn recover<S: Storage>(
    journal: &mut LocalJournal<S>,
    limits: Limits,
    progress: &RecoveryProgress,
) -> Result<Recovered, StartError> {
    recover_with_key(journal, limits, None, progress)
}

/// The same with the key of digests of a log that does not hold it itself.
///
/// # Errors
/// As for [`recover`].
pub fn recover_with_key<S: Storage>(
    journal: &mut LocalJournal<S>,
    limits: Limits,
    digest_key: Option<DigestKey>,
    progress: &RecoveryProgress,
) -> Result<Recovered, StartError> {
    progress.begin();
    let voids = journal.voids()?;
    let loaded = journal.snapshots().load(&mut |header, stream| {
        progress.expect(header.state_length);
        let mut counted = Counted { stream, progress };
        let replayer = Replayer::read_state_with_key(&mut counted, limits, digest_key)?;
        tracing::info!(
            snapshot = header.number,
            sequence = header.tail.last_sequence().0,
            bytes = header.state_length,
            "the state of a snapshot has been read"
        );
        Ok(replayer)
    })?;
    if let Some((number, fault)) = &loaded.passed_over {
        tracing::error!(
            snapshot = number,
            %fault,
            "the newest snapshot can't be used; the state before it is used instead, with the log after that"
        );
    }
    let snapshot = loaded.snapshot.as_ref().map(|(header, _)| *header);
    let begin = || Replayer::with_digest_key(limits, digest_key);
    let replayer = loaded.snapshot.map_or_else(begin, |(_, replayer)| replayer);
    let mut replayer = replayer.passing_over(voids);
    let mut is_sealed = snapshot.is_some();
    let tail = snapshot.map(|header| header.tail);
    progress.expect(journal.bytes_to_read(tail.as_ref())?);
    let visit = &mut |frame: &FrameView<'_>, _| {
        replayer.frame(frame)?;
        is_sealed |= frame.header().personal_key != 0;
        progress.replayed(frame);
        Ok(())
    };
    let tail = match &tail {
        Some(tail) => journal.read_from(tail, visit),
        None => journal.read(BatchNumber(0), visit),
    };
    let tail = tail.map_err(StartError::of_replay)?;
    Ok(Recovered { replayer, tail, snapshot: snapshot.map_or(0, |header| header.number), is_sealed })
}

/// Counts what is read of a state.
struct Counted<'r> {
    stream: &'r mut dyn Read,
    progress: &'r RecoveryProgress,
}

impl Read for Counted<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let length = self.stream.read(bytes)?;
        self.progress.read(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_follows_from_what_was_done() {
        let progress = RecoveryProgress::default();
        assert_eq!((progress.view().percent(), progress.view().left), (0, None));
        progress.begin();
        progress.expect(1000);
        progress.read(5);
        assert_eq!((progress.view().percent(), progress.view().left), (0, None));
        progress.read(495);
        let view = progress.view();
        assert_eq!(view.percent(), 50);
        let (left, elapsed) = (view.left.unwrap(), view.elapsed);
        assert!(left.abs_diff(elapsed) < Duration::from_millis(1), "{left:?} after {elapsed:?}");
        progress.end();
        assert_eq!((progress.view().percent(), progress.view().left), (100, Some(Duration::ZERO)));
    }
}
