//! A folder that is lost in a simulation, and restored from a backup up to some frame of its log: what a restore makes,
//! and what everybody knows from then on.
//!
//! What came after that frame is lost, with all that was told of it. Everything up to it must stay true in the life that
//! follows, in which other commands come to the same positions.

use engine::Replayer;
use journal::{
    ARCHIVE_NAME, Contents, Identity, Location, MemoryStorage, Reader, Restored, Tail, run_name,
    segment_name, snapshot_name,
};
use types::{BatchNumber, Incarnation, Sequence};

use super::{Phase, Simulation, Stop};
use crate::node::LIMITS;
use crate::plan::Trouble;

/// A frame after which the log may end.
struct Point {
    tail: Tail,
    location: Location,
    /// The first byte after it.
    end: u64,
}

impl Simulation {
    /// Now and then the folder is lost while the node is down.
    pub(super) fn restore(&mut self) -> Result<(), Stop> {
        if self.phase != Phase::Trouble
            || self.media_harmed
            || !self.plan.troubles.contains(&Trouble::Restore)
            || !self.random.happens(400)
        {
            return Ok(());
        }
        // A disk that fails meanwhile fails the start as well.
        let Ok(points) = self.points() else { return Ok(()) };
        if points.is_empty() {
            return Ok(());
        }
        let point = self.random.one_of(&points);
        let incarnation = Incarnation(self.random.bits() | 1);
        let Ok(Some((storage, identity))) = restored(&self.storage, point, incarnation) else {
            return Ok(());
        };
        let (batch, upto) = (point.tail.batch, point.tail.last_sequence());
        self.note(&format!("the folder is restored to batch {batch}, sequence {upto}"));
        (self.storage, self.identity) = (storage, identity);
        self.restores += 1;
        self.auditor.restored_to(batch, self.plan.begins_under)?;
        self.forget_after(upto);
        Ok(())
    }

    /// The frames that were acknowledged or found by a start.
    fn points(&self) -> Result<Vec<Point>, journal::ReadError> {
        let Some((durable, _)) = self.auditor.last() else { return Ok(Vec::new()) };
        let Ok(reader) = Reader::open(self.storage.clone()) else { return Ok(Vec::new()) };
        let mut points = Vec::new();
        reader.read(BatchNumber(0), &mut |frame, location| {
            let length = u64::try_from(frame.bytes().len() + journal::ENVELOPE_HEADER_LENGTH)?;
            let end = location.offset + length.next_multiple_of(4096);
            points.push(Point { tail: Tail::after(frame.header(), frame.hash()), location, end });
            Ok(())
        })?;
        points.retain(|point| point.tail.batch <= durable);
        Ok(points)
    }

    /// Clients and banks go on with what they know up to this position.
    fn forget_after(&mut self, upto: Sequence) {
        self.last_told = self.last_told.min(upto);
        self.reserved = self.auditor.model.open_questions();
        for bank in &mut self.banks {
            bank.processed = bank.processed.min(upto);
            // Answers in its hands may be about payments that are lost.
            bank.taken_up.retain(|(payment, _)| *payment <= upto);
            bank.hand += 1;
        }
    }
}

/// What a restore makes of a backup of this folder: the segments up to the point, the snapshots that stand at or before
/// it, and the runs that its state lists. `None` if the log has not begun there, or a run has been merged since.
fn restored(
    from: &MemoryStorage,
    point: &Point,
    incarnation: Incarnation,
) -> Result<Option<(MemoryStorage, Identity)>, Box<dyn std::error::Error>> {
    let reader = Reader::open(from.clone())?;
    let mut replayer = Replayer::new(LIMITS);
    reader.read(BatchNumber(0), &mut |frame, _| {
        if frame.header().batch <= point.tail.batch {
            replayer.frame(frame)?;
        }
        Ok(())
    })?;
    let ledger = replayer.ledger();
    if ledger.setup().is_none() {
        return Ok(None);
    }
    let to = MemoryStorage::new();
    for run in ledger.sealed_runs() {
        let name = run_name(run.number);
        let Some(bytes) = from.bytes(&name) else { return Ok(None) };
        to.place_file(&name, bytes);
    }
    for number in 1..=point.location.segment {
        let name = segment_name(number);
        let bytes = from.bytes(&name).or_else(|| from.bytes(&format!("{ARCHIVE_NAME}/{name}")));
        let mut bytes = bytes.ok_or("a segment is missing")?;
        if number == point.location.segment {
            bytes[usize::try_from(point.end)?..].fill(0);
        }
        to.place_file(&name, bytes);
    }
    let contents = Contents::read(from)?;
    let newest_snapshot = copy_snapshots(&reader, from, &to, point);
    let identity = Identity { incarnation, ..contents.identity };
    let restored = Restored {
        previous: ledger.lives().last().incarnation,
        segment: point.location.segment,
        batch: point.tail.batch,
        next_sequence: point.tail.next_sequence,
        hash: point.tail.hash,
    };
    let contents = Contents {
        identity,
        oldest_segment: 1,
        newest_segment: point.location.segment,
        newest_snapshot,
        anchor: Tail::EMPTY,
        restored: Some(restored),
    };
    contents.write(&to)?;
    Ok(Some((to, identity)))
}

/// Copies the snapshots that count at the point; says which is the newest of them, 0 if there is none.
fn copy_snapshots(
    reader: &Reader<MemoryStorage>,
    from: &MemoryStorage,
    to: &MemoryStorage,
    point: &Point,
) -> u64 {
    let stands_before = |number: &u64| {
        let opened = reader.open_snapshot(*number);
        opened.is_ok_and(|snapshot| snapshot.header().tail.batch <= point.tail.batch)
    };
    let mut usable: Vec<_> = reader.snapshots().into_iter().filter(stands_before).collect();
    // A node keeps two of them, and its backup more: one without the one before it is none of a backup.
    if usable.len() == 1 && usable != [1] {
        usable.clear();
    }
    for number in &usable {
        let name = snapshot_name(*number);
        to.place_file(&name, from.bytes(&name).expect("it has just been opened"));
    }
    usable.into_iter().max().unwrap_or(0)
}
