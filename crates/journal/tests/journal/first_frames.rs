//! Damage in a segment's first frame, by which readers find their way: it is damage, and never a log that begins later
//! or ends earlier.

use journal::{
    ARCHIVE_NAME, DamageKind, Fate, Journal, LocalJournal, Location, MemoryStorage, ReadError, Reader, Tail,
    Writer, segment_name,
};
use types::BatchNumber;

use crate::frame_sources::{batches_after, commands};
use crate::support::{Node, create, open};

type LocalNode = Node<LocalJournal<MemoryStorage>>;

/// The envelope's header and the frame's: what finds the way stands there.
const HEADS: u64 = 64 + 192;

const FIRST_FRAME: u64 = 4096;

/// Five blocks with what is around it: three times that fills a segment.
const LENGTH: usize = 20_000;

/// Three frames a segment, of which the first begins with the epoch start; and the log's end after each batch.
fn written(frames: usize) -> (MemoryStorage, LocalNode, Vec<Tail>) {
    let storage = MemoryStorage::new();
    let mut node = Node::start(create(&storage));
    let mut tails = vec![Tail::EMPTY, *node.writer.tail()];
    for _ in 0..frames {
        commands(&mut node, 1, LENGTH);
        tails.push(*node.writer.tail());
    }
    (storage, node, tails)
}

/// Flips each bit of the heads of a file's first frame in a copy of the folder.
fn with_each_bit_flipped(storage: &MemoryStorage, name: &str, check: impl Fn(&MemoryStorage, &str)) {
    for offset in FIRST_FRAME..FIRST_FRAME + HEADS {
        for bit in 0..8 {
            let damaged = storage.after_exit(&mut |_| Fate::Lose);
            damaged.flip_bit(name, offset, bit);
            check(&damaged, &format!("bit {bit} of byte {offset} of {name}"));
        }
    }
}

fn is_damage_at<T>(read: &Result<T, ReadError>, segment: u64) -> bool {
    let Err(ReadError::Damage(damage)) = read else { return false };
    damage.location == Location { segment, offset: FIRST_FRAME }
}

#[test]
fn of_the_only_segment_before_a_snapshot() {
    let (storage, node, tails) = written(6);
    drop(node);
    with_each_bit_flipped(&storage, &segment_name(1), |storage, what| {
        let read = open(storage).read_from(&tails[2], &mut |_, _| Ok(()));
        assert!(is_damage_at(&read, 1), "{what}: {read:?}");
    });
    storage.flip_bit(&segment_name(1), FIRST_FRAME + 100, 0);
    let Err(ReadError::Damage(damage)) = open(&storage).read_from(&tails[2], &mut |_, _| Ok(())) else {
        panic!("it is damaged")
    };
    assert_eq!(damage.expected, BatchNumber(1));
    assert!(matches!(damage.kind, DamageKind::FrameUnreadable { found: BatchNumber(2), .. }), "{damage}");
}

#[test]
fn of_the_oldest_segment_in_the_archive() {
    let (storage, mut node, _) = written(12);
    node.journal.trim(BatchNumber(9)).unwrap();
    drop(node);
    let name = format!("{ARCHIVE_NAME}/{}", segment_name(1));
    with_each_bit_flipped(&storage, &name, |storage, what| {
        let read = Reader::open(storage.clone()).unwrap().read(BatchNumber(0), &mut |_, _| Ok(()));
        assert!(is_damage_at(&read, 1), "{what}: {read:?}");
    });
}

/// The same once older ones have been removed, and in whichever way it is read.
#[test]
fn of_the_oldest_segment_that_is_left() {
    let (storage, mut node, tails) = written(12);
    node.journal.trim(BatchNumber(9)).unwrap();
    let snapshots = node.journal.snapshots();
    let removed = snapshots.remove_archived(tails[5].time, &mut |_| true).unwrap().unwrap();
    assert_eq!((removed.segment, removed.first_kept), (1, BatchNumber(4)));
    drop((node, snapshots));
    let name = format!("{ARCHIVE_NAME}/{}", segment_name(2));
    with_each_bit_flipped(&storage, &name, |storage, what| {
        for after in [BatchNumber(4), BatchNumber(3), BatchNumber(0)] {
            let read = Reader::open(storage.clone()).unwrap().read(after, &mut |_, _| Ok(()));
            assert!(is_damage_at(&read, 2), "{what}, after {after}: {read:?}");
        }
        let mut journal = open(storage);
        journal.read_from(&tails[12], &mut |_, _| Ok(())).unwrap();
        let read = batches_after(&*journal.frame_source(), 0);
        assert!(is_damage_at(&read, 2), "{what}: {read:?}");
    });
}

/// A claim that was torn leaves a segment without a frame, also in the archive: nothing of the log is missing.
#[test]
fn that_was_torn_is_no_damage() {
    let (storage, node, _) = written(0);
    drop(node);
    let torn = storage.after_exit(&mut |_| Fate::Lose);
    torn.flip_bit(&segment_name(1), FIRST_FRAME + 100, 0);
    let mut node = Node::start(open(&torn));
    (0..9).for_each(|_| commands(&mut node, 1, LENGTH));
    node.journal.trim(BatchNumber(6)).unwrap();
    let batches = batches_after(&*node.journal.frame_source(), 0).unwrap();
    assert_eq!(batches, (1..=10).collect::<Vec<_>>());
    drop(node);
    let mut read = Vec::new();
    let visit = &mut |frame: &journal::FrameView<'_>, _| {
        read.push(frame.header().batch.0);
        Ok(())
    };
    Reader::open(torn).unwrap().read(BatchNumber(0), visit).unwrap();
    assert_eq!(read, batches);
}

/// The log's last frame, alone in its segment, rots before another follows: it alone is lost, and the log ends with
/// the frame before it, wherever the snapshot stands from which a start reads on.
#[test]
fn of_the_last_frame_loses_only_that() {
    let (storage, node, tails) = written(9);
    assert_eq!(crate::support::locations(&storage)[9], Location { segment: 4, offset: FIRST_FRAME });
    drop(node);
    with_each_bit_flipped(&storage, &segment_name(4), |storage, what| {
        for snapshot in [1, 7, 9] {
            let read = open(storage).read_from(&tails[snapshot], &mut |_, _| Ok(()));
            let is_right = read.as_ref().is_ok_and(|tail| *tail == tails[9]);
            assert!(is_right, "{what}, from a snapshot at {snapshot}: {read:?}");
        }
    });
}
