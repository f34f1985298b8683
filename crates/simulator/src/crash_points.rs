//! Crash points: a recorded run, stopped at every operation of its disk, with every loss of what was not synced.
//!
//! A run of a few hundred commands over small segments is recorded once. Then it is repeated with a power loss at
//! each operation in turn, from the first on. What was not durable at that moment is up to a dozen blocks and
//! names; each subset of them is lost while their number allows (at most [`EXHAUSTIVE_MAX`]), and beyond that
//! every single loss, every single survival, all, none, and [`SAMPLES`] drawn subsets; each subset is also tried
//! with torn sectors. Every folder that can come of it must recover to a prefix of what was written that holds
//! everything acknowledged.
//!
//! Every few frames the run writes a snapshot, reads it back, lets it count, and archives what the one before covers.
//! From every folder a start must find a snapshot that is whole, and the log after it; the archive and the log together
//! must hold every frame from the first on.

use std::io::{Read, Write};

use journal::{
    Append, Fate, Fault, FrameBuilder, FrameHash, FrameKind, Journal, LocalJournal, MemoryStorage, OpenError,
    Prepared, Reader, SealInput, SegmentSize, Settings, SnapshotHeader, Space, Tail, Unsynced, Writer,
};
use ledger::RULES_VERSION;
use types::{BatchNumber, Duration};

use crate::random::Random;
use crate::words::IDENTITY;

/// Up to so many unsynced blocks and names, every subset is lost.
pub const EXHAUSTIVE_MAX: usize = 6;
/// Beyond that, so many subsets are drawn.
pub const SAMPLES: u32 = 24;

/// A snapshot follows every so many frames.
const SNAPSHOT_EVERY: u64 = 4;

/// What was tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CrashPoints {
    /// Operations at which the machine was stopped.
    pub operations: u64,
    /// Folders that came of it and were recovered.
    pub folders: u64,
}

/// A run that was stopped: what was written, and how much of it was acknowledged.
struct Stopped {
    storage: MemoryStorage,
    written: Vec<FrameHash>,
    acknowledged: usize,
    /// The run came to its end before the machine stopped.
    is_whole: bool,
}

/// Tries every crash point of a run of so many frames. An error says which broke a promise.
pub fn crash_points(frames: u64) -> Result<CrashPoints, String> {
    let mut tried = CrashPoints::default();
    for operation in 0.. {
        let stopped = record(frames, operation);
        let lost = unsynced(&stopped.storage);
        for fates in choices(lost.len(), operation) {
            let place = || format!("operation {operation}, fates {fates:?} of {lost:?}");
            check(&stopped, &fates).map_err(|error| format!("{}: {error}", place()))?;
            tried.folders += 1;
        }
        if stopped.is_whole {
            break;
        }
        tried.operations += 1;
    }
    Ok(tried)
}

/// What was not durable when the machine stopped.
fn unsynced(storage: &MemoryStorage) -> Vec<Unsynced> {
    let mut found = Vec::new();
    storage.after_power_loss(&mut |unsynced| {
        found.push(unsynced.clone());
        Fate::Lose
    });
    found
}

/// What may become of so many blocks and names.
fn choices(count: usize, seed: usize) -> Vec<Vec<Fate>> {
    let subset = |bits: u64| (0..count).map(move |index| fate(bits >> (index % 64) & 1 == 1)).collect();
    let mut all: Vec<Vec<Fate>> = Vec::new();
    if count <= EXHAUSTIVE_MAX {
        all.extend((0..1_u64 << count).map(subset));
    } else {
        for kept in [false, true] {
            all.push(vec![fate(kept); count]);
            // Blocks of one file that lie side by side behave alike, so a few dozen single ones tell all.
            all.extend(
                (0..count)
                    .step_by(count.div_ceil(32))
                    .map(|odd| (0..count).map(|index| fate((index == odd) != kept)).collect()),
            );
        }
    }
    let mut random = Random::new(u64::try_from(seed).expect("64 bits"));
    let torn = if count == 0 {
        0
    } else if count <= EXHAUSTIVE_MAX {
        4
    } else {
        SAMPLES
    };
    all.extend((0..torn).map(|_| {
        let draw = |random: &mut Random| match random.below(3) {
            0 => Fate::Keep,
            1 => Fate::Lose,
            _ => Fate::Tear(u8::try_from(random.below(256)).expect("it is below 256")),
        };
        (0..count).map(|_| draw(&mut random)).collect()
    }));
    all
}

const fn fate(is_kept: bool) -> Fate {
    if is_kept { Fate::Keep } else { Fate::Lose }
}

/// The folder that comes of these fates recovers to a prefix with everything acknowledged, twice the same, and can
/// be written again.
fn check(stopped: &Stopped, fates: &[Fate]) -> Result<(), String> {
    let mut next = fates.iter();
    let found = stopped.storage.after_power_loss(&mut |_| *next.next().unwrap_or(&Fate::Lose));
    let first = read(&found)?;
    if first.len() < stopped.acknowledged {
        return Err(format!("{} frames were acknowledged, {} are there", stopped.acknowledged, first.len()));
    }
    if first != stopped.written[..first.len().min(stopped.written.len())] {
        return Err("what is there is no prefix of what was written".to_owned());
    }
    // As a start does it: from a snapshot.
    let mut run = Run::begin(found.clone(), 7)?;
    if run.found != first[run.from..] {
        return Err(format!("what follows the snapshot at batch {} is not the log", run.from));
    }
    run.frame(FrameKind::Commands)?;
    let again = read(&found)?;
    if !again.starts_with(&first) || again.len() != first.len() + 2 {
        return Err("a node that goes on changes what was there".to_owned());
    }
    Ok(())
}

/// The frames of a folder; none if it holds no journal yet.
fn read(storage: &MemoryStorage) -> Result<Vec<FrameHash>, String> {
    let reader = match Reader::open(storage.clone()) {
        Err(OpenError::NotAJournal { .. }) => return Ok(Vec::new()),
        opened => opened.map_err(|error| error.to_string())?,
    };
    let mut frames = Vec::new();
    let visit = &mut |frame: &journal::FrameView<'_>, _| {
        frames.push(frame.hash());
        Ok(())
    };
    reader.read(BatchNumber(0), visit).map_err(|error| error.to_string())?;
    Ok(frames)
}

/// A journal that is written, frame by frame.
struct Run {
    journal: LocalJournal<MemoryStorage>,
    writer: journal::LocalWriter<MemoryStorage>,
    builder: FrameBuilder,
    tail: Tail,
    /// How many frames the snapshot covers from which it began.
    from: usize,
    /// The frames that it found after that.
    found: Vec<FrameHash>,
}

/// What stands for the state after a frame: a block and a half that nothing else is like.
fn state_at(batch: BatchNumber) -> Vec<u8> {
    batch.0.to_le_bytes().repeat(768)
}

/// Reads a snapshot and checks that it holds what its header names.
fn read_snapshot(header: &SnapshotHeader, state: &mut dyn Read) -> Result<(), String> {
    let mut bytes = Vec::new();
    state.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    match bytes == state_at(header.tail.batch) {
        true => Ok(()),
        false => Err(format!("snapshot {} holds another state", header.number)),
    }
}

/// Writes frames until the machine stops at this operation.
fn record(frames: u64, operation: usize) -> Stopped {
    let storage = MemoryStorage::new();
    storage.inject(operation, Fault::PowerLoss);
    let mut stopped =
        Stopped { storage: storage.clone(), written: Vec::new(), acknowledged: 0, is_whole: false };
    let begin = |written: &mut Vec<FrameHash>| Run::begin_noting(storage.clone(), 3, written);
    let Ok(mut run) = begin(&mut stopped.written) else { return stopped };
    stopped.acknowledged = stopped.written.len();
    for frame in 0..frames {
        let kind = if frame % 5 == 4 { FrameKind::Marker } else { FrameKind::Commands };
        let written = run.frame_noting(kind, &mut stopped.written);
        if written.is_err() {
            return stopped;
        }
        stopped.acknowledged = stopped.written.len();
        if !run.prepare() || frame % SNAPSHOT_EVERY == SNAPSHOT_EVERY - 1 && run.snapshot().is_err() {
            return stopped;
        }
        // Half way the process ends and a new one takes over.
        if frame == frames / 2 {
            drop(run);
            match begin(&mut stopped.written) {
                Ok(next) => run = next,
                Err(_) => return stopped,
            }
            stopped.acknowledged = stopped.written.len();
        }
    }
    stopped.is_whole = true;
    stopped
}

impl Run {
    fn begin(storage: MemoryStorage, tags: u64) -> Result<Self, String> {
        Self::begin_noting(storage, tags, &mut Vec::new())
    }

    fn begin_noting(storage: MemoryStorage, tags: u64, written: &mut Vec<FrameHash>) -> Result<Self, String> {
        let settings = || {
            let mut random = Random::new(tags);
            let segment_size = SegmentSize::new(4 * 4096).expect("the smallest segment");
            Settings { segment_size, entropy: Box::new(move || random.bits()) }
        };
        let opened = match LocalJournal::open(storage.clone(), None, settings()) {
            Err(OpenError::NotAJournal { .. }) => LocalJournal::create(storage, IDENTITY, settings()),
            opened => opened,
        };
        let mut journal = opened.map_err(|error| error.to_string())?;
        let loaded = journal.snapshots().load(&mut |header, state| Ok(read_snapshot(header, state)?));
        let loaded = loaded.map_err(|error| error.to_string())?;
        if let Some((number, fault)) = loaded.passed_over {
            return Err(format!("snapshot {number} counts and can't be used: {fault}"));
        }
        let snapshot = loaded.snapshot.map(|(header, ())| header.tail);
        let mut found = Vec::new();
        let visit = &mut |frame: &journal::FrameView<'_>, _| {
            found.push(frame.hash());
            Ok(())
        };
        let read = match &snapshot {
            Some(snapshot) => journal.read_from(snapshot, visit),
            None => journal.read(BatchNumber(0), visit),
        };
        let tail = read.map_err(|error| error.to_string())?;
        let from = snapshot.map_or(0, |snapshot| usize::try_from(snapshot.batch.0).expect("64 bits"));
        let mut builder = FrameBuilder::new(1);
        let mut frame = seal(&mut builder, FrameKind::EpochStart, tail);
        written.push(frame.hash());
        let writer = journal.claim(&tail, &mut frame).map_err(|error| error.to_string())?;
        let tail = frame.tail();
        builder.recycle(frame);
        Ok(Self { journal, writer, builder, tail, from, found })
    }

    /// Writes a snapshot of the state after the last frame, as the follower does.
    fn snapshot(&mut self) -> Result<(), String> {
        let snapshots = self.journal.snapshots();
        let covered = match snapshots.newest() {
            0 => BatchNumber(0),
            older => snapshots.open(older).map_err(|fault| fault.to_string())?.header().tail.batch,
        };
        let writer = snapshots.create(self.tail, RULES_VERSION);
        let mut writer = writer.map_err(|error| error.to_string())?;
        writer.write_all(&state_at(self.tail.batch)).map_err(|error| error.to_string())?;
        let written = writer.finish().map_err(|error| error.to_string())?;
        let mut reader = snapshots.open(written.number).map_err(|fault| fault.to_string())?;
        read_snapshot(&written, &mut reader)?;
        reader.finish().map_err(|fault| fault.to_string())?;
        snapshots.publish(&written).map_err(|error| error.to_string())?;
        snapshots.archive_upto(covered).map_err(|error| error.to_string())?;
        Ok(())
    }

    fn frame(&mut self, kind: FrameKind) -> Result<(), String> {
        self.frame_noting(kind, &mut Vec::new())
    }

    fn frame_noting(&mut self, kind: FrameKind, written: &mut Vec<FrameHash>) -> Result<(), String> {
        if kind == FrameKind::Commands {
            // One frame in three takes two blocks.
            let length = if self.tail.batch.0.is_multiple_of(3) { 5000 } else { 200 };
            self.builder.push_record(&vec![0x5A; length]);
        }
        let mut frame = seal(&mut self.builder, kind, self.tail);
        written.push(frame.hash());
        match self.writer.append(&mut frame) {
            Append::Durable => {
                self.tail = frame.tail();
                self.builder.recycle(frame);
                Ok(())
            }
            failed @ (Append::Fenced { .. }
            | Append::Conflict { .. }
            | Append::Refused(_)
            | Append::Unknown(_)) => Err(format!("{failed:?}")),
        }
    }

    /// Makes segments ready; says whether the disk still works.
    fn prepare(&mut self) -> bool {
        let mut preparer = self.journal.preparer();
        while self.writer.space() != Space::Ample {
            match preparer.step() {
                Prepared::Made { .. } => {}
                Prepared::Enough => return true,
                Prepared::Short(_) | Prepared::Failed(_) => return false,
            }
        }
        true
    }
}

fn seal(builder: &mut FrameBuilder, kind: FrameKind, previous: Tail) -> journal::SealedFrame {
    let nanosecond = Duration::from_nanoseconds(1).expect("one is not negative");
    builder.seal(&SealInput {
        kind,
        identity: IDENTITY,
        previous,
        time: previous.time.plus(nanosecond),
        rules_version: RULES_VERSION,
        durable_mark: previous.batch,
        personal_key: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crash_point_recovers_to_a_prefix_with_everything_acknowledged() {
        let tried = crash_points(20).unwrap();
        assert!(tried.operations > 60, "{tried:?}");
        assert!(tried.folders > 2000, "{tried:?}");
    }
}
