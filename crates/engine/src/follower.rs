//! The follower: replays the durable log into a state of its own, compares it with what was told, and writes snapshots.
//!
//! It is a step without thread or clock, as the core is: [`Follower::step`] does one piece of work. Time is log time, so
//! that the same log gives snapshots at the same places.
//!
//! A snapshot's way: the state is written; the state in memory is dropped; the file is read back from the device into a
//! new one, whose digest, computed anew, must be the one that was written; only then MANIFEST names the snapshot and
//! segments may leave. The follower goes on with what it has read back, so the code that a start depends on is run by
//! every snapshot, and there are never three states in memory.
//!
//! Invariants:
//! - A frame that the follower can't replay to what was told ends the process, with the sequence.
//! - No segment leaves before a snapshot has been read back to its digest, and none that the snapshot before it needs.

use std::fmt;
use std::ops::ControlFlow::{Break, Continue};
use std::sync::Arc;

use journal::{
    BLOCK_SIZE, FrameReader, SnapshotFault, SnapshotHeader, SnapshotWriteError, Snapshots, StateDigest,
    StateDigester, Storage, Tail, Trail, VoidEntry,
};
use ledger::Limits;
use types::{BatchNumber, DigestKey, Duration, Sequence, Timestamp};

use crate::archive_readers::ArchiveReaders;
use crate::follow_error::FollowError;
use crate::follower_status::FollowerStatus;
use crate::follower_watch::{Paced, Watch};
use crate::mutants::{Mutant, is_on};
use crate::put_off::PutOff;
use crate::replay::Replayer;

#[path = "follower_archive.rs"]
mod archive;

/// When snapshots are written, and how long what they cover is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowerSettings {
    /// A snapshot is written after so many bytes of log.
    pub snapshot_after_bytes: u64,
    /// It is written after so much log time at the latest, if there were commands.
    pub snapshot_after: Duration,
    /// With more bytes of log after the newest snapshot, fewer commands are admitted.
    pub log_bytes_since_snapshot_max: u64,
    /// How long archived segments are kept; `None` is for ever.
    pub archive_keep: Option<Duration>,
    /// Whether they are kept also until others have read them, who are named by [`crate::Handle::archive_waits_for`].
    pub archive_waits: bool,
}

impl Default for FollowerSettings {
    fn default() -> Self {
        Self {
            snapshot_after_bytes: 2 << 30,
            snapshot_after: Duration::from_seconds(3600),
            log_bytes_since_snapshot_max: 4 << 30,
            archive_keep: None,
            archive_waits: false,
        }
    }
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Followed {
    /// Nothing: it has come to the log's end.
    Idle,
    /// It has loaded the state that it goes on from.
    Loaded {
        /// The snapshot; 0 if it begins with the log.
        snapshot: u64,
    },
    /// It has replayed some frames.
    Frames,
    /// A snapshot is written, and is to be read back with the next step.
    Written {
        /// The snapshot.
        snapshot: u64,
    },
    /// A snapshot has been read back to its digest, and counts.
    Snapshot {
        /// The snapshot.
        snapshot: u64,
    },
    /// A snapshot was not written for want of room, or was not found on the disk as it had been written. It is tried
    /// again later.
    PutOff,
    /// An archived segment was removed because it was old enough.
    Removed {
        /// The segment.
        segment: u64,
    },
}

/// What the follower has just done; whoever drives it may let others run before it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It begins a step.
    Begun,
    /// It has replayed some frames.
    Replayed,
    /// It has written or read a piece of a snapshot.
    Moved,
}

/// Lets others run. It is told whether the follower is so far behind that it should not wait.
pub type Pause = Box<dyn FnMut(Moment, bool) + Send>;

/// What a follower is made of.
pub struct FollowerSetup<S: Storage> {
    /// Reads the log.
    pub reader: FrameReader<S>,
    /// Where snapshots are kept.
    pub snapshots: Snapshots<S>,
    /// Room for accounts, payments and requests, as the core has it.
    pub limits: Limits,
    /// When snapshots are written.
    pub settings: FollowerSettings,
    /// The snapshot to begin with; 0 is the log's first frame.
    pub snapshot: u64,
    /// Lets others run.
    pub pause: Pause,
}

/// A second state, kept up from the log.
pub struct Follower<S: Storage> {
    snapshots: Snapshots<S>,
    limits: Limits,
    digest_key: Option<DigestKey>,
    voids: Vec<VoidEntry>,
    state: State,
    trail: Trail,
    watch: Watch<S>,
    /// The version of the rules of the last frame.
    rules_version: u32,
    /// Commands replayed since the newest snapshot.
    commands: u64,
    /// Bytes of the log replayed since then.
    replayed: u64,
    /// The log time at which the newest snapshot stands, or the log began.
    based_at: Option<Timestamp>,
    /// Snapshots that failed, and when the next is tried.
    put_off: PutOff,
    /// Who else reads the archive.
    readers: Arc<ArchiveReaders>,
    /// The log time at which the archive was last looked at.
    archive_seen: Timestamp,
}

/// The state that is kept up.
enum State {
    /// To be loaded from this snapshot, or if that is 0, made anew.
    Absent(u64),
    /// Written as this snapshot, and dropped.
    Written(SnapshotHeader),
    /// In memory.
    Kept(Box<Replayer>),
}

/// Bytes of frames that are replayed in one step: a few milliseconds' work.
const STEP_BYTES: usize = 1 << 20;

/// At a stop, less log than this is not worth a snapshot.
const WORTH_A_SNAPSHOT_MIN: u64 = 16 << 20;

impl<S: Storage> Follower<S> {
    /// Begins with a snapshot, or with the log. The first step loads it.
    pub fn new(setup: FollowerSetup<S>) -> Self {
        let FollowerSetup { reader, snapshots, limits, settings, snapshot, pause } = setup;
        let status = Arc::default();
        Self {
            snapshots,
            limits,
            digest_key: None,
            voids: Vec::new(),
            state: State::Absent(snapshot),
            trail: Trail::new(Tail::EMPTY),
            watch: Watch { reader, settings, status, covered: Sequence(0), pause },
            rules_version: 0,
            commands: 0,
            replayed: 0,
            based_at: None,
            put_off: PutOff::default(),
            readers: Arc::default(),
            archive_seen: Tail::EMPTY.time,
        }
    }

    /// Tells here how it does.
    pub(crate) fn telling(mut self, status: Arc<FollowerStatus>) -> Self {
        self.watch.status = status;
        self
    }

    /// Removes no archived segment that one of these has still to read, if the settings say so.
    pub(crate) fn waiting_for(mut self, readers: Arc<ArchiveReaders>) -> Self {
        self.readers = readers;
        self
    }

    /// Passes over these commands, which are voided.
    pub(crate) fn passing_over(mut self, voids: Vec<VoidEntry>) -> Self {
        self.voids = voids;
        self
    }

    /// Gives the key of digests of a log that does not hold it itself: nobody outside can choose ids that collide then.
    pub(crate) fn with_digest_key(mut self, key: Option<DigestKey>) -> Self {
        self.digest_key = key;
        self
    }

    /// The end of the log that has been replayed.
    pub const fn tail(&self) -> &Tail {
        self.trail.tail()
    }

    /// The state as replayed so far, if it is in memory.
    pub fn state(&self) -> Option<&Replayer> {
        match &self.state {
            State::Kept(replayer) => Some(replayer),
            State::Absent(_) | State::Written(_) => None,
        }
    }

    /// Does one piece of work.
    ///
    /// # Errors
    /// See [`FollowError`]: the process must end.
    pub fn step(&mut self) -> Result<Followed, FollowError> {
        (self.watch.pause)(Moment::Begun, false);
        let newest = self.snapshots.newest();
        let followed = match std::mem::replace(&mut self.state, State::Absent(newest)) {
            State::Absent(snapshot) => self.load(snapshot)?,
            State::Written(snapshot) => self.read_back(&snapshot)?,
            State::Kept(replayer) => self.follow(replayer)?,
        };
        self.watch.status.writes(matches!(self.state, State::Written(_)));
        self.watch.look();
        Ok(followed)
    }

    /// Whether a snapshot now would save the next start more than it costs: the log to be read is longer than the state.
    pub fn is_worth_a_snapshot(&self) -> bool {
        let Some(replayer) = self.state() else { return false };
        self.replayed >= WORTH_A_SNAPSHOT_MIN.max(replayer.state_length())
    }

    /// Writes a snapshot of the state, if it is in memory and there is room. The next step reads it back.
    ///
    /// # Errors
    /// See [`FollowError`]: the process must end.
    pub fn write_snapshot(&mut self) -> Result<Followed, FollowError> {
        let newest = self.snapshots.newest();
        match std::mem::replace(&mut self.state, State::Absent(newest)) {
            State::Kept(replayer) => self.write(replayer),
            other @ (State::Absent(_) | State::Written(_)) => {
                self.state = other;
                Ok(Followed::Idle)
            }
        }
    }

    /// Loads the state to begin with.
    fn load(&mut self, snapshot: u64) -> Result<Followed, FollowError> {
        let (tail, replayer) = match snapshot {
            0 => {
                let replayer = Replayer::with_digest_key(self.limits, self.digest_key);
                (Tail::EMPTY, replayer.passing_over(self.voids.clone()))
            }
            number => {
                let read = self.read(number);
                let (header, replayer) = read.map_err(|fault| FollowError::Snapshot { number, fault })?;
                self.took(&header);
                self.rules_version = header.rules_version;
                (header.tail, replayer)
            }
        };
        self.trail = Trail::new(tail);
        (self.commands, self.replayed) = (0, 0);
        self.watch.status.applied(&tail);
        self.watch.status.archived(self.snapshots.archived()?.segments);
        self.state = State::Kept(Box::new(replayer));
        Ok(Followed::Loaded { snapshot })
    }

    /// Replays what has come since, and writes a snapshot if one is due.
    fn follow(&mut self, mut replayer: Box<Replayer>) -> Result<Followed, FollowError> {
        let mut bytes = 0;
        let mut diverged = None;
        let (commands, replayed) = (&mut self.commands, &mut self.replayed);
        let (rules_version, based_at) = (&mut self.rules_version, &mut self.based_at);
        self.watch.reader.follow(&mut self.trail, &mut |frame| {
            let header = frame.header();
            if let Err(divergence) = replayer.frame(&frame) {
                let (batch, first, last) = (header.batch, header.first_sequence, header.last_sequence());
                diverged = Some(FollowError::Divergence { divergence, batch, first, last });
                return Break(());
            }
            *commands += u64::from(header.record_count);
            *rules_version = header.rules_version;
            based_at.get_or_insert(header.time);
            bytes += frame.bytes().len();
            *replayed += u64::try_from(frame.bytes().len().next_multiple_of(BLOCK_SIZE)).expect("64 bits");
            if bytes < STEP_BYTES { Continue(()) } else { Break(()) }
        })?;
        if let Some(diverged) = diverged {
            return Err(diverged);
        }
        self.watch.status.applied(self.trail.tail());
        if self.is_due() {
            return self.write(replayer);
        }
        self.state = State::Kept(replayer);
        if let Some(segment) = self.remove_archived()? {
            return Ok(Followed::Removed { segment });
        }
        if bytes == 0 {
            self.put_off.looked_in_vain();
            return Ok(Followed::Idle);
        }
        self.watch.breathe(Moment::Replayed);
        Ok(Followed::Frames)
    }

    fn is_due(&self) -> bool {
        let FollowerSettings { snapshot_after_bytes, snapshot_after, .. } = self.watch.settings;
        if self.commands == 0 {
            return false;
        }
        let waited = self.based_at.is_some_and(|from| self.trail.tail().time.since(from) >= snapshot_after);
        (self.replayed >= snapshot_after_bytes || waited) && self.put_off.is_over(self.replayed)
    }

    /// Writes the state as the next snapshot, and drops it.
    fn write(&mut self, replayer: Box<Replayer>) -> Result<Followed, FollowError> {
        self.watch.status.writes(true);
        match self.try_write(&replayer) {
            Ok(header) => {
                if is_on(Mutant::TruncateBeforeVerified) {
                    self.publish(&header, header.tail.batch)?;
                    while self.snapshots.remove_archived(header.tail.time, &mut |_| true)?.is_some() {}
                }
                drop(replayer);
                self.state = State::Written(header);
                Ok(Followed::Written { snapshot: header.number })
            }
            Err(SnapshotWriteError::NoSpace(error)) => {
                tracing::error!(%error, "there is no room for a snapshot; it is tried again later");
                self.state = State::Kept(replayer);
                self.put_off.fail(self.replayed, self.watch.settings.snapshot_after_bytes);
                Ok(Followed::PutOff)
            }
            Err(error @ (SnapshotWriteError::Failed(_) | SnapshotWriteError::State(_))) => Err(error.into()),
        }
    }

    fn try_write(&mut self, replayer: &Replayer) -> Result<SnapshotHeader, SnapshotWriteError> {
        let mut writer = self.snapshots.create(*self.trail.tail(), self.rules_version)?;
        match replayer.write_state(&mut Paced { inner: &mut writer, watch: &mut self.watch }) {
            Ok(()) => writer.finish(),
            Err(said) => Err(writer.give_up(&said)),
        }
    }

    /// Reads the snapshot that was just written, and lets it count if it is what was written.
    fn read_back(&mut self, written: &SnapshotHeader) -> Result<Followed, FollowError> {
        let number = written.number;
        let replayer = match self.read(number) {
            Ok((header, replayer)) if header == *written => replayer,
            Ok(_) | Err(_) if is_on(Mutant::TruncateBeforeVerified) => {
                return Err(FollowError::Snapshot { number, fault: SnapshotFault::Header });
            }
            other => {
                let fault = other.err().unwrap_or(SnapshotFault::Header);
                tracing::error!(
                    snapshot = number,
                    %fault,
                    "a snapshot is not on the disk as it was written: it does not count, and the follower begins again \
                     with the one before; look after the disk"
                );
                self.put_off.fail(self.replayed, self.watch.settings.snapshot_after_bytes);
                return Ok(Followed::PutOff);
            }
        };
        let found = digest(&replayer);
        if found != written.state_digest {
            let (sequence, written) = (written.tail.last_sequence(), written.state_digest);
            return Err(FollowError::State { number, sequence, written, found });
        }
        if !is_on(Mutant::TruncateBeforeVerified) {
            let covered = self.covered_by_older(number);
            self.publish(written, covered)?;
        }
        self.took(written);
        (self.commands, self.replayed, self.put_off) = (0, 0, PutOff::default());
        self.state = State::Kept(Box::new(replayer));
        tracing::info!(
            snapshot = number,
            sequence = written.tail.last_sequence().0,
            bytes = written.state_length,
            digest = %written.state_digest,
            "a snapshot has been written and read back"
        );
        Ok(Followed::Snapshot { snapshot: number })
    }

    /// The frame up to which segments are not needed any more once this snapshot counts: that of the one before.
    fn covered_by_older(&self, number: u64) -> BatchNumber {
        let older = (number > 1).then(|| self.snapshots.open(number - 1));
        let older = older.and_then(Result::ok);
        older.map_or(BatchNumber(0), |older| older.header().tail.batch)
    }

    /// Lets a snapshot count, and archives what is not needed any more.
    fn publish(&mut self, snapshot: &SnapshotHeader, covered: BatchNumber) -> Result<(), FollowError> {
        self.snapshots.publish(snapshot)?;
        self.snapshots.archive_upto(covered)?;
        self.watch.status.archived(self.snapshots.archived()?.segments);
        Ok(())
    }

    fn took(&mut self, snapshot: &SnapshotHeader) {
        self.watch.covered = snapshot.tail.last_sequence();
        self.based_at = Some(snapshot.tail.time);
        self.watch.status.counts(snapshot);
    }

    /// Reads a snapshot into a state.
    fn read(&mut self, number: u64) -> Result<(SnapshotHeader, Replayer), SnapshotFault> {
        let mut reader = self.snapshots.open(number)?;
        let mut paced = Paced { inner: &mut reader, watch: &mut self.watch };
        let read = Replayer::read_state_with_key(&mut paced, self.limits, self.digest_key);
        // Bytes that are not as they were written explain whatever is wrong with the state.
        let header = reader.finish()?;
        let replayer = read.map_err(|error| SnapshotFault::State(error.to_string()))?;
        Ok((header, replayer.passing_over(self.voids.clone())))
    }
}

/// The digest of a state.
pub fn digest(replayer: &Replayer) -> StateDigest {
    let mut digester = StateDigester::default();
    replayer.write_state(&mut digester).expect("a digest takes every byte");
    digester.finish()
}

impl<S: Storage> fmt::Debug for Follower<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Follower").field("trail", &self.trail).finish_non_exhaustive()
    }
}

impl<S: Storage> fmt::Debug for FollowerSetup<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FollowerSetup").field("snapshot", &self.snapshot).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "follower_tests.rs"]
mod tests;
