//! Frames, folders and nodes for the tests.

use journal::{
    Append, FrameBuilder, FrameHash, FrameKind, Identity, Journal, LocalJournal, Location, MemoryStorage,
    SealInput, SealedFrame, SeededChoices, SegmentSize, Settings, Storage, Tail, Writer,
};
use types::{BatchNumber, ClusterId, Incarnation, Shard, Timestamp};

pub(crate) const SEGMENT_BYTES: u64 = 64 * 1024;

pub(crate) fn identity() -> Identity {
    Identity { cluster: ClusterId([0xC1; 16]), shard: Shard(0), incarnation: Incarnation(77) }
}

pub(crate) fn settings(segment_bytes: u64, seed: u64) -> Settings {
    let mut choices = SeededChoices::new(seed);
    Settings {
        segment_size: SegmentSize::new(segment_bytes).unwrap(),
        entropy: Box::new(move || choices.bits()),
    }
}

pub(crate) fn create(storage: &MemoryStorage) -> LocalJournal<MemoryStorage> {
    LocalJournal::create(storage.clone(), identity(), settings(SEGMENT_BYTES, 1)).unwrap()
}

pub(crate) fn open(storage: &MemoryStorage) -> LocalJournal<MemoryStorage> {
    LocalJournal::open(storage.clone(), None, settings(SEGMENT_BYTES, 2)).unwrap()
}

/// Seals a frame that follows `previous`, a millisecond later; `length` bytes of records if it may have any.
pub(crate) fn seal(
    builder: &mut FrameBuilder,
    kind: FrameKind,
    previous: Tail,
    length: usize,
) -> SealedFrame {
    seal_for(builder, identity(), kind, previous, length)
}

pub(crate) fn seal_for(
    builder: &mut FrameBuilder,
    identity: Identity,
    kind: FrameKind,
    previous: Tail,
    length: usize,
) -> SealedFrame {
    if kind == FrameKind::Commands && length > 0 {
        let fill = previous.batch.0.to_le_bytes()[0] | 1;
        builder.push_record(&vec![fill; length]);
        builder.push_personal(b"personal");
    }
    if previous.batch.0 > 0 {
        builder.push_outcome(&previous.batch.0.to_le_bytes());
    }
    builder.seal(&SealInput {
        kind,
        identity,
        previous,
        time: Timestamp::from_nanoseconds(previous.time.nanoseconds() + 1_000_000).unwrap(),
        rules_version: 1,
        durable_mark: previous.batch,
        personal_key: 0,
    })
}

/// A node that has claimed a journal and remembers what it was told to be durable.
pub(crate) struct Node<J: Journal> {
    pub(crate) journal: J,
    pub(crate) writer: J::Writer,
    pub(crate) builder: FrameBuilder,
    pub(crate) acknowledged: Vec<FrameHash>,
}

impl<J: Journal> Node<J> {
    pub(crate) fn start(mut journal: J) -> Self {
        let (tail, acknowledged) = hashes(&mut journal);
        let mut builder = FrameBuilder::new(1);
        let mut start = seal(&mut builder, FrameKind::EpochStart, tail, 0);
        let writer = journal.claim(&tail, &mut start).unwrap();
        let mut node = Self { journal, writer, builder, acknowledged };
        node.acknowledged.push(start.hash());
        node
    }

    /// Ends the node: its journal, once the writer is gone.
    pub(crate) fn stop(self) -> (J, Vec<FrameHash>) {
        (self.journal, self.acknowledged)
    }

    pub(crate) fn append(&mut self, kind: FrameKind, length: usize) -> Append {
        let mut frame = seal(&mut self.builder, kind, *self.writer.tail(), length);
        let append = self.writer.append(&mut frame);
        if matches!(append, Append::Durable) {
            self.acknowledged.push(frame.hash());
        }
        self.builder.recycle(frame);
        append
    }

    pub(crate) fn commands(&mut self, length: usize) {
        let append = self.append(FrameKind::Commands, length);
        assert!(matches!(append, Append::Durable), "{append:?}");
    }

    pub(crate) fn marker(&mut self) {
        assert!(matches!(self.append(FrameKind::Marker, 0), Append::Durable));
    }
}

/// Reads a journal from its start: its end, and every frame's hash.
pub(crate) fn hashes<J: Journal>(journal: &mut J) -> (Tail, Vec<FrameHash>) {
    let mut hashes = Vec::new();
    let tail = journal
        .read(BatchNumber(0), &mut |frame, _| {
            hashes.push(frame.hash());
            Ok(())
        })
        .unwrap();
    (tail, hashes)
}

/// Removes whatever has been archived.
pub(crate) fn empty_archive<S: Storage>(journal: &LocalJournal<S>) {
    let end_of_time = Timestamp::from_nanoseconds(i64::MAX).unwrap();
    while journal.snapshots().remove_archived(end_of_time, &mut |_| true).unwrap().is_some() {}
}

/// Where each frame of a folder lies.
pub(crate) fn locations<S: Storage>(storage: &S) -> Vec<Location> {
    let mut locations = Vec::new();
    journal::Reader::open(storage.clone())
        .unwrap()
        .read(BatchNumber(0), &mut |_, location| {
            locations.push(location);
            Ok(())
        })
        .unwrap();
    locations
}
