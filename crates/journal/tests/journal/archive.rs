//! Segments that move to the archive: what is read across the border, a move that was cut short, and what is removed.

use std::ops::ControlFlow::{Break, Continue};

use journal::{
    ARCHIVE_NAME, Access, Archived, Fate, Fault, FileStorage, FrameHash, FrameSource, Journal, LocalJournal,
    MemoryStorage, OperationKind, ReadError, Reader, Storage, StorageErrorKind, Tail, Trail, segment_name,
};
use types::{BatchNumber, Sequence, Timestamp};

use crate::frame_sources::{batches_after, batches_at, commands};
use crate::support::{Node, create, empty_archive, hashes, identity, open, settings};

/// Two frames of two positions a segment, but for the first segment's epoch start: batches 1 to 13.
fn written() -> (MemoryStorage, Node<LocalJournal<MemoryStorage>>) {
    let storage = MemoryStorage::new();
    let mut node = Node::start(create(&storage));
    (0..12).for_each(|_| commands(&mut node, 1, 30_000));
    (storage, node)
}

fn all() -> Vec<u64> {
    (1..=13).collect()
}

/// The end of the log after a batch.
fn tail_at(storage: &MemoryStorage, batch: u64) -> Tail {
    let mut tail = None;
    Reader::open(storage.clone())
        .unwrap()
        .read(BatchNumber(0), &mut |frame, _| {
            if frame.header().batch.0 == batch {
                tail = Some(Tail::after(frame.header(), frame.hash()));
            }
            Ok(())
        })
        .unwrap();
    tail.unwrap()
}

#[test]
fn what_is_archived_is_read_as_before() {
    let (storage, mut node) = written();
    let source = node.journal.frame_source();
    let trimmed = node.journal.trim(BatchNumber(9)).unwrap().last.0;
    assert!((7..=9).contains(&trimmed), "{trimmed}");
    let check = |source: &dyn FrameSource| {
        for position in 1..=25 {
            assert_eq!(
                batches_after(source, position - 1).unwrap(),
                (1 + position / 2..=13).collect::<Vec<_>>()
            );
            assert_eq!(batches_at(source, &[position]).unwrap(), [1 + position / 2]);
        }
        assert_eq!(batches_at(source, &[1, 2, 9, 14, 15, 20, 25]).unwrap(), [1, 2, 5, 8, 11, 13]);
    };
    check(&*source);
    let archived = node.journal.snapshots().archived().unwrap();
    assert_eq!(archived.oldest, Some(1));
    assert!(archived.segments >= 3, "{archived:?}");
    assert_eq!(storage.open(&segment_name(1), Access::Read).unwrap_err().operation, "open");
    // A start that needs nothing of it finds it, and so does one that reads it.
    let (_, acknowledged) = node.stop();
    for snapshot in [None, Some(BatchNumber(trimmed)), Some(BatchNumber(12))] {
        let mut journal = open(&storage);
        match snapshot {
            Some(batch) => journal.read_from(&tail_at(&storage, batch.0), &mut |_, _| Ok(())).unwrap(),
            None => journal.read(BatchNumber(0), &mut |_, _| Ok(())).unwrap(),
        };
        check(&*journal.frame_source());
    }
    assert_eq!(hashes(&mut open(&storage)).1, acknowledged);
}

#[test]
fn a_folder_of_the_system_has_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let storage = FileStorage::create(&folder.path().join("journal")).unwrap();
    let journal = LocalJournal::create(storage.clone(), identity(), settings(64 * 1024, 1)).unwrap();
    let mut node = Node::start(journal);
    (0..12).for_each(|_| commands(&mut node, 1, 30_000));
    node.journal.trim(BatchNumber(9)).unwrap();
    assert!(folder.path().join("journal").join(ARCHIVE_NAME).join(segment_name(1)).exists());
    assert_eq!(batches_after(&*node.journal.frame_source(), 0).unwrap(), all());
    empty_archive(&node.journal);
    assert!(storage.folder(ARCHIVE_NAME).unwrap().list().unwrap().is_empty());
    assert!(matches!(batches_after(&*node.journal.frame_source(), 0), Err(ReadError::Trimmed { .. })));
}

/// Whoever follows the log goes on where it stopped, in whatever folder that is by now.
#[test]
fn a_trail_goes_on_where_it_stopped() {
    let (storage, mut node) = written();
    let reader = node.journal.frame_reader();
    for begin in [Tail::EMPTY, tail_at(&storage, 1), tail_at(&storage, 6)] {
        let mut trail = Trail::new(begin);
        let mut found: Vec<FrameHash> = Vec::new();
        while trail.tail().batch.0 < 13 {
            reader
                .follow(&mut trail, &mut |frame| {
                    found.push(frame.hash());
                    if found.len().is_multiple_of(3) { Break(()) } else { Continue(()) }
                })
                .unwrap();
        }
        assert_eq!(trail.tail(), node.journal.read(BatchNumber(13), &mut |_, _| Ok(())).as_ref().unwrap());
        assert_eq!(found, node.acknowledged[usize::try_from(begin.batch.0).unwrap()..]);
        node.journal.trim(BatchNumber(5)).unwrap();
    }
    let mut trail = Trail::new(Tail { hash: FrameHash([1; 32]), ..tail_at(&storage, 6) });
    let error = reader.follow(&mut trail, &mut |_| Continue(())).unwrap_err();
    assert!(matches!(error, ReadError::Damage(_)), "{error}");
}

/// MANIFEST says where a segment belongs before it moves; a start finishes what is left.
#[test]
fn a_move_that_was_cut_short_is_finished() {
    let (storage, mut node) = written();
    node.journal.trim(BatchNumber(9)).unwrap();
    let (_, acknowledged) = node.stop();
    for number in 1..=3 {
        let archived = format!("{ARCHIVE_NAME}/{}", segment_name(number));
        let bytes = storage.bytes(&archived).unwrap();
        storage.take_file(&archived);
        storage.place_file(&segment_name(number), bytes);
        // Also without taking the folder all of it is read.
        let mut batches = Vec::new();
        let reader = Reader::open(storage.clone()).unwrap();
        let visit = &mut |frame: &journal::FrameView<'_>, _: journal::Location| {
            batches.push(frame.header().batch.0);
            Ok(())
        };
        reader.read(BatchNumber(0), visit).unwrap();
        assert_eq!(batches, all());
    }
    let mut journal = open(&storage);
    assert!(storage.bytes(&format!("{ARCHIVE_NAME}/{}", segment_name(3))).is_some());
    assert!(storage.bytes(&segment_name(3)).is_none());
    assert_eq!(hashes(&mut journal).1, acknowledged);
}

/// A folder can be without room for a name. Then segments stay where they are, are read and removed there, and what is
/// left of them moves with those that come after them.
#[test]
fn without_room_for_their_names_segments_move_later() {
    let operations = |storage: &MemoryStorage| storage.operations().into_iter().enumerate();
    let (storage, mut node) = written();
    node.journal.trim(BatchNumber(9)).unwrap();
    let makes = |it: &journal::Operation| it.kind == OperationKind::Create && it.name == ARCHIVE_NAME;
    let moves =
        |it: &journal::Operation| it.kind == OperationKind::Rename && it.name.starts_with(ARCHIVE_NAME);
    let failing: Vec<_> = operations(&storage).filter(|(_, it)| makes(it) || moves(it)).collect();
    assert!(failing.len() >= 4);
    for (index, operation) in failing {
        let (storage, mut node) = written();
        storage.inject(index, Fault::Error(StorageErrorKind::NoSpace));
        let trimmed = node.journal.trim(BatchNumber(9)).unwrap().last.0;
        assert!((7..=9).contains(&trimmed), "{trimmed}");
        let source = node.journal.frame_source();
        assert_eq!(batches_after(&*source, 0).unwrap(), all(), "{operation:?}");
        let snapshots = node.journal.snapshots();
        let segments = snapshots.archived().unwrap().segments;
        if moves(&operation) {
            let removed = snapshots
                .remove_archived(Timestamp::from_nanoseconds(5_000_000).unwrap(), &mut |_| true)
                .unwrap();
            assert_eq!(removed.map(|removed| removed.segment), Some(1));
            assert_eq!(snapshots.archived().unwrap().segments, segments - 1);
        }
        node.journal.trim(BatchNumber(13)).unwrap();
        let archived = snapshots.archived().unwrap();
        assert!(archived.segments > segments - 1, "{archived:?}");
        let oldest = archived.oldest.unwrap();
        for number in oldest..oldest + archived.segments {
            assert!(storage.bytes(&segment_name(number)).is_none(), "{number} after {operation:?}");
            assert!(storage.bytes(&format!("{ARCHIVE_NAME}/{}", segment_name(number))).is_some());
        }
    }
}

#[test]
fn only_what_is_old_enough_is_removed() {
    let (storage, mut node) = written();
    let snapshots = node.journal.snapshots();
    let end_of_time = Timestamp::from_nanoseconds(i64::MAX).unwrap();
    assert_eq!(snapshots.remove_archived(end_of_time, &mut |_| true).unwrap(), None, "nothing is archived");
    node.journal.trim(BatchNumber(9)).unwrap();
    let segments = snapshots.archived().unwrap().segments;
    // The frames of the tests are a millisecond apart: batch n was stamped at n milliseconds.
    let at = |batch: i64| Timestamp::from_nanoseconds(batch * 1_000_000).unwrap();
    let source = node.journal.frame_source();
    assert_eq!(snapshots.remove_archived(at(2), &mut |_| true).unwrap(), None);
    let removed = snapshots.remove_archived(at(5), &mut |_| true).unwrap().unwrap();
    assert_eq!(removed.segment, 1);
    assert!(removed.ended_before <= at(5));
    assert_eq!(snapshots.archived().unwrap().oldest, Some(2));
    let kept = removed.first_kept.0;
    match batches_after(&*source, 0) {
        Err(ReadError::Trimmed { first, first_sequence }) => {
            assert_eq!((first.0, first_sequence.0), (kept, 2 * (kept - 1)));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(batches_at(&*source, &[2 * kept - 1]).unwrap(), [kept]);
    drop((node, snapshots));
    let journal = open(&storage.after_power_loss(&mut |_| Fate::Lose));
    assert_eq!(journal.snapshots().archived().unwrap(), Archived { oldest: Some(2), segments: segments - 1 });
}

/// A hole in the archive ends it: what lies before the hole can't be read in order any more.
#[test]
fn the_archive_begins_after_a_hole() {
    let (storage, mut node) = written();
    node.journal.trim(BatchNumber(9)).unwrap();
    drop(node);
    storage.take_file(&format!("{ARCHIVE_NAME}/{}", segment_name(2)));
    let mut journal = open(&storage);
    assert_eq!(journal.snapshots().archived().unwrap().oldest, Some(3));
    let Err(ReadError::Trimmed { first, .. }) = journal.read(BatchNumber(0), &mut |_, _| Ok(())) else {
        panic!("not trimmed")
    };
    journal.read(BatchNumber(first.0 - 1), &mut |_, _| Ok(())).unwrap();
    assert_eq!(batches_after(&*journal.frame_source(), 25).unwrap(), Vec::<u64>::new());
    assert!(batches_after(&*journal.frame_source(), Sequence(0).0).is_err());
}
