//! Segments made ready ahead of time, and a disk that fills up.

use journal::{
    Append, ClaimError, Fault, FrameKind, Journal, LocalJournal, MemoryStorage, OperationKind, Prepared,
    Refusal, Space, StorageErrorKind, TrimError, Writer,
};
use types::BatchNumber;

use crate::support::{Node, SEGMENT_BYTES, create, empty_archive, hashes, open, seal, settings};

#[test]
fn two_segments_are_kept_ready() {
    let storage = MemoryStorage::new();
    let mut node = Node::start(create(&storage));
    let mut preparer = node.journal.preparer();
    assert_eq!(node.writer.space(), Space::Preparing);
    assert_eq!(preparer.step(), Prepared::Made { segment: 2 });
    assert_eq!(preparer.step(), Prepared::Made { segment: 3 });
    assert_eq!(preparer.step(), Prepared::Enough);
    assert_eq!(node.writer.space(), Space::Ample);

    // A frame that goes into a ready segment costs two writes: MANIFEST and the frame.
    node.commands(40_000);
    let before = storage.operations().len();
    node.commands(40_000);
    let operations = storage.operations().split_off(before);
    let kinds: Vec<_> =
        operations.iter().map(|operation| (operation.kind, operation.name.as_str())).collect();
    let write = OperationKind::WriteDurable;
    assert_eq!(kinds, [(write, "MANIFEST"), (write, "segment-0000000000000002.log")]);
    assert_eq!(node.writer.space(), Space::Preparing);
    assert_eq!(preparer.step(), Prepared::Made { segment: 4 });
}

/// The longest frame is one write.
#[test]
fn a_frame_is_one_write() {
    let storage = MemoryStorage::new();
    let journal =
        LocalJournal::create(storage.clone(), crate::support::identity(), settings(1 << 20, 1)).unwrap();
    let mut node = Node::start(journal);
    let before = storage.operations().len();
    node.commands(journal::FRAME_LENGTH_MAX - 2_000);
    let operations = storage.operations().split_off(before);
    assert_eq!(operations.len(), 1);
    assert_eq!(operations[0].kind, OperationKind::WriteDurable);
}

#[test]
fn a_full_disk_stops_new_work_and_keeps_the_last_segments() {
    let storage = MemoryStorage::new();
    let mut node = Node::start(create(&storage));
    let mut preparer = node.journal.preparer();
    assert_eq!(preparer.step(), Prepared::Made { segment: 2 });
    storage.limit_space(Some(2 * SEGMENT_BYTES + 8192));
    assert!(matches!(preparer.step(), Prepared::Short(_)));
    assert_eq!(node.writer.space(), Space::Short);
    assert_eq!(storage.bytes("segment-0000000000000003.log.new"), None, "the space is given back");

    // What is ready still takes answers and markers, to the last byte.
    node.commands(40_000);
    node.commands(40_000);
    assert_eq!(node.writer.space(), Space::Short);
    node.marker();
    let append = node.append(FrameKind::Commands, 40_000);
    let Append::Refused(Refusal::NoSpace(error)) = append else { panic!("{append:?}") };
    assert!(error.to_string().contains("free space"), "{error}");
    node.marker();

    storage.limit_space(None);
    assert_eq!(preparer.step(), Prepared::Made { segment: 3 });
    assert_eq!(node.writer.space(), Space::Preparing);
    node.commands(40_000);
    assert_eq!(hashes(&mut node.journal).1, node.acknowledged);
}

#[test]
fn emptying_the_archive_makes_room() {
    let storage = MemoryStorage::new();
    let mut node = Node::start(create(&storage));
    node.commands(40_000);
    node.commands(40_000);
    storage.limit_space(Some(2 * SEGMENT_BYTES + 8192));
    let mut preparer = node.journal.preparer();
    assert!(matches!(preparer.step(), Prepared::Short(_)));
    node.journal.trim(BatchNumber(2)).unwrap();
    assert!(matches!(preparer.step(), Prepared::Short(_)));
    empty_archive(&node.journal);
    assert!(matches!(preparer.step(), Prepared::Made { .. }));
    assert_eq!(node.writer.space(), Space::Preparing);
}

#[test]
fn a_frame_longer_than_a_segment_is_refused() {
    let mut node = Node::start(create(&MemoryStorage::new()));
    let append = node.append(FrameKind::Commands, 64 * 1024);
    assert!(matches!(append, Append::Refused(Refusal::TooLong { .. })), "{append:?}");
    node.commands(10);
}

/// After a failed sync anywhere, no frame is acknowledged any more.
#[test]
fn a_failed_preparation_ends_all_writing() {
    let storage = MemoryStorage::new();
    let mut node = Node::start(create(&storage));
    let mut preparer = node.journal.preparer();
    let sync = storage.operations().len() + 3;
    storage.inject(sync, Fault::Error(StorageErrorKind::Device("input/output error".to_owned())));
    let prepared = preparer.step();
    assert!(matches!(prepared, Prepared::Failed(_)), "{prepared:?}");
    assert_eq!(storage.operations()[sync].kind, OperationKind::Sync);
    assert!(matches!(node.append(FrameKind::Marker, 0), Append::Unknown(_)));
    let before = storage.operations().len();
    assert!(matches!(node.append(FrameKind::Marker, 0), Append::Unknown(_)));
    assert_eq!(storage.operations().len(), before, "nothing is tried again");
}

#[test]
fn a_segment_made_ready_by_an_earlier_process_is_used() {
    let storage = MemoryStorage::new();
    let node = Node::start(create(&storage));
    let mut preparer = node.journal.preparer();
    assert_eq!(preparer.step(), Prepared::Made { segment: 2 });
    let made = storage.bytes("segment-0000000000000002.log").unwrap();
    drop((node, preparer));
    let node = Node::start(open(&storage));
    let used = storage.bytes("segment-0000000000000002.log").unwrap();
    assert_eq!(used[..4096], made[..4096], "the same file, with the same tag");
    assert_eq!(node.acknowledged.len(), 2);
}

/// One that is not what it should be is made anew.
#[test]
fn a_useless_leftover_is_replaced() {
    for at in [20, 9_000] {
        let storage = MemoryStorage::new();
        let node = Node::start(create(&storage));
        assert_eq!(node.journal.preparer().step(), Prepared::Made { segment: 2 });
        drop(node);
        storage.flip_bit("segment-0000000000000002.log", at, 3);
        let mut node = Node::start(open(&storage));
        node.commands(10);
        drop(node.writer);
        assert_eq!(hashes(&mut node.journal).1, node.acknowledged);
    }
}

/// A write that failed once might succeed the second time, and mean nothing.
#[test]
fn a_failed_write_ends_all_writing() {
    let storage = MemoryStorage::new();
    let mut node = Node::start(create(&storage));
    storage.inject_next(Fault::Error(StorageErrorKind::Device("input/output error".to_owned())));
    let Append::Unknown(error) = node.append(FrameKind::Commands, 10) else { panic!("not unknown") };
    assert!(error.to_string().contains("segment-0000000000000001.log: input/output error"), "{error}");
    let before = storage.operations().len();
    assert!(matches!(node.append(FrameKind::Commands, 10), Append::Unknown(_)));
    let tail = *node.writer.tail();
    let mut start = seal(&mut node.builder, FrameKind::EpochStart, tail, 0);
    assert!(matches!(node.journal.claim(&tail, &mut start), Err(ClaimError::Poisoned)));
    assert!(matches!(node.journal.trim(BatchNumber(1)), Err(TrimError::Poisoned)));
    assert_eq!(storage.operations().len(), before, "nothing is tried again");
}
