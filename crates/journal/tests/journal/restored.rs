//! A log that goes on in a new life, from a frame in the middle of the life before.

use std::ops::ControlFlow;
use std::path::Path;

use journal::{
    Contents, DamageKind, FileStorage, FrameBuilder, FrameKind, FrameSource, Identity, Journal, LocalJournal,
    MemoryStorage, ReadError, Reader, Restored, SegmentFault, Settings, Tail, Writer, segment_name,
};
use types::{BatchNumber, Incarnation, Life, Located, PaymentId, Sequence, Shard};

use crate::support::{Node, SEGMENT_BYTES, create, hashes, identity, seal_for, settings};

/// The frame that restores keep last; it lies in the second segment.
const KEPT: u64 = 9;

fn second_life() -> Identity {
    Identity { incarnation: Incarnation(78), ..identity() }
}

fn reopened() -> Settings {
    settings(SEGMENT_BYTES, 3)
}

/// A log of two segments and more.
fn first_life() -> MemoryStorage {
    let storage = MemoryStorage::new();
    let mut node = Node::start(create(&storage));
    for _ in 0..20 {
        node.commands(6000);
    }
    storage
}

/// The end of the log's first frames, and where the frame after it lies.
fn end_of(storage: &MemoryStorage, batch: u64) -> (Tail, u64, u64) {
    let (mut kept, mut cut) = (Tail::EMPTY, None);
    let reader = Reader::open(storage.clone()).unwrap();
    reader
        .read(BatchNumber(0), &mut |frame, location| {
            match frame.header().batch.0 {
                number if number <= batch => kept = Tail::after(frame.header(), frame.hash()),
                _ => cut = cut.or(Some(location)),
            }
            Ok(())
        })
        .unwrap();
    let cut = cut.unwrap();
    (kept, cut.segment, cut.offset)
}

/// Restores the log as it was after [`KEPT`]; says how it stood there.
fn restore(from: &MemoryStorage, cuts: bool) -> (MemoryStorage, Tail) {
    let (tail, newest, offset) = end_of(from, KEPT);
    let storage = MemoryStorage::new();
    for number in 1..=newest {
        storage.place_file(&segment_name(number), from.bytes(&segment_name(number)).unwrap());
    }
    if cuts {
        let offset = usize::try_from(offset).unwrap();
        storage.change(&segment_name(newest), |bytes| bytes[offset..].fill(0));
    }
    let restored = Restored {
        previous: identity().incarnation,
        segment: newest,
        batch: tail.batch,
        next_sequence: tail.next_sequence,
        hash: tail.hash,
    };
    let contents = Contents::read(from).unwrap();
    let contents =
        Contents { identity: second_life(), newest_segment: newest, restored: Some(restored), ..contents };
    contents.write(&storage).unwrap();
    assert_eq!(Contents::read(&storage).unwrap(), contents);
    (storage, tail)
}

/// The second life writes a few frames.
fn go_on(storage: &MemoryStorage) -> Tail {
    let mut journal = LocalJournal::open(storage.clone(), None, reopened()).unwrap();
    let (tail, _) = hashes(&mut journal);
    let mut builder = FrameBuilder::new(1);
    let mut start = seal_for(&mut builder, second_life(), FrameKind::EpochStart, tail, 0);
    let mut writer = journal.claim(&tail, &mut start).unwrap();
    for _ in 0..20 {
        let mut frame = seal_for(&mut builder, second_life(), FrameKind::Commands, *writer.tail(), 6000);
        assert!(matches!(writer.append(&mut frame), journal::Append::Durable));
        builder.recycle(frame);
    }
    *writer.tail()
}

fn damage(storage: &MemoryStorage) -> DamageKind {
    let reader = Reader::open(storage.clone()).unwrap();
    match reader.read(BatchNumber(0), &mut |_, _| Ok(())) {
        Err(ReadError::Damage(damage)) => damage.kind,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_restored_log_goes_on_in_a_new_life() {
    let old = first_life();
    let (storage, kept) = restore(&old, true);
    assert_eq!(kept.batch, BatchNumber(KEPT));
    let end = Reader::open(storage.clone()).unwrap().read(BatchNumber(0), &mut |_, _| Ok(())).unwrap();
    assert_eq!(end.tail, kept, "before its first start it ends where the restore says");

    let end = go_on(&storage);
    let mut journal = LocalJournal::open(storage.clone(), None, reopened()).unwrap();
    assert_eq!(journal.restored().unwrap().next_sequence, kept.next_sequence);
    assert_eq!(journal.identity(), second_life());
    let mut lives = Vec::new();
    let tail = journal
        .read(BatchNumber(0), &mut |frame, _| {
            lives.push(frame.header().identity.incarnation.0);
            Ok(())
        })
        .unwrap();
    assert_eq!(tail, end);
    let (first, second) = lives.split_at(usize::try_from(KEPT).unwrap());
    assert!(first.iter().all(|life| *life == 77) && second.iter().all(|life| *life == 78), "{lives:?}");

    let mut read = Vec::new();
    let source = journal.frame_reader();
    source
        .read_after(Sequence(0), &mut |frame| {
            read.push(frame.header().identity.incarnation.0);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(read, lives, "a reader by position crosses the border");
    for position in 1..tail.next_sequence.0 {
        let mut found = None;
        source
            .read_at(&[Sequence(position)], &mut |frame| {
                found = Some(frame.header().identity.incarnation.0);
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(found, Some(if position < kept.next_sequence.0 { 77 } else { 78 }), "{position}");
    }

    let lives = Reader::open(storage).unwrap().lives().unwrap();
    assert_eq!(lives.last(), Life { incarnation: Incarnation(78), first: kept.next_sequence });
    let lost = PaymentId { incarnation: Incarnation(77), shard: Shard(0), sequence: kept.next_sequence };
    assert_eq!(lives.locate(Shard(0), lost), Located::Lost { restored_upto: kept.last_sequence() });
}

#[test]
fn a_restored_log_goes_on_from_the_frame_that_was_kept() {
    let (storage, _) = restore(&first_life(), false);
    let kind = damage(&storage);
    assert!(
        matches!(kind, DamageKind::NotRestored { restored: BatchNumber(KEPT), found } if found.0 > KEPT),
        "{kind}"
    );
}

#[test]
fn a_segment_of_the_lost_part_is_refused() {
    let old = first_life();
    let (storage, _) = restore(&old, true);
    go_on(&storage);
    let lost = segment_name(3);
    storage.place_file(&lost, old.bytes(&lost).unwrap());
    let fault = SegmentFault::Foreign { found: identity() };
    assert_eq!(damage(&storage), DamageKind::SegmentHeader { name: lost, fault });
}

#[test]
fn a_log_that_was_not_restored_has_one_life() {
    let old = first_life();
    let (storage, _) = restore(&old, true);
    let end = go_on(&storage);
    let contents = Contents::read(&storage).unwrap();
    let reader = Reader::of_contents(storage.clone(), &Contents { restored: None, ..contents });
    let found = reader.read(BatchNumber(0), &mut |_, _| Ok(()));
    assert!(matches!(found, Err(ReadError::Damage(_))), "without a restore all segments are of one life");
    assert_eq!(Reader::open(storage).unwrap().read(BatchNumber(0), &mut |_, _| Ok(())).unwrap().tail, end);
}

/// The MANIFEST of a restored log stays readable, and today's writer still makes it. `SOLVO_UPDATE_GOLDEN=1` writes it
/// anew.
#[test]
fn a_golden_manifest_of_a_restored_log() {
    let (storage, _) = restore(&first_life(), true);
    let today = storage.bytes("MANIFEST").unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/v2");
    if std::env::var_os("SOLVO_UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("MANIFEST"), &today).unwrap();
    }
    assert!(std::fs::read(folder.join("MANIFEST")).unwrap() == today);
    let golden = Contents::read(&FileStorage::open(&folder).unwrap()).unwrap();
    assert_eq!(golden, Contents::read(&storage).unwrap());
}
