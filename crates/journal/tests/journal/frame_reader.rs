//! Reading by position in a folder: damage that is found while reading, and segments that come and go meanwhile.

use std::ops::ControlFlow::Continue;

use journal::{
    Access, Append, Damage, DamageKind, Fate, Fault, FrameKind, FrameReader, Journal, LocalJournal, Location,
    MemoryStorage, ReadError, Storage, StorageErrorKind, segment_name,
};
use types::{BatchNumber, Sequence};

use crate::frame_sources::{batches_after, batches_at, commands};
use crate::support::{Node, create, empty_archive, identity, locations, open, settings};

/// A folder of five frames in one segment and two in the next, and where they lie. Each is a tick and a record,
/// but for the first.
fn written() -> (MemoryStorage, Node<LocalJournal<MemoryStorage>>, Vec<Location>) {
    let storage = MemoryStorage::new();
    let mut node = Node::start(create(&storage));
    [100, 20_000, 100, 20_000, 30_000, 100].into_iter().for_each(|length| commands(&mut node, 1, length));
    let locations = locations(&storage);
    assert_eq!(locations.iter().filter(|it| it.segment == 1).count(), 5);
    assert_eq!(locations.len(), 7);
    (storage, node, locations)
}

fn damage(error: ReadError) -> Damage {
    let ReadError::Damage(damage) = error else { panic!("{error}") };
    damage
}

/// Every frame and every kind of byte in it: what comes before is visited, the frame is not, and nobody panics.
#[test]
fn a_flipped_bit_is_found_where_it_is() {
    let (storage, node, locations) = written();
    let source = node.journal.frame_source();
    let reader: FrameReader<_> = node.journal.frame_reader().clone();
    for (index, location) in locations.iter().enumerate() {
        let name = segment_name(location.segment);
        let batch = u64::try_from(index).unwrap() + 1;
        // The frame stands at the epoch start's position, or at its tick and its one record.
        let position = if batch == 1 { 1 } else { 2 * (batch - 1) };
        // Envelope: magic, place, length, checksum, reserved. Frame: format, counts, hash, body; padding.
        let length = if index == 0 { 300 } else { 560 };
        for at in (0..length).chain([4000]) {
            storage.flip_bit(&name, location.offset + at, 5);
            let mut visited = Vec::new();
            let error = source
                .read_after(Sequence(0), &mut |frame| {
                    visited.push(frame.header().batch.0);
                    Continue(())
                })
                .unwrap_err();
            let damage = damage(error);
            assert_eq!((damage.location, damage.expected.0), (*location, batch), "byte {at}: {damage}");
            assert_eq!(visited, (1..batch).collect::<Vec<_>>(), "byte {at}");
            assert!(batches_at(&reader, &[position]).is_err(), "byte {at} of batch {batch}");
            storage.flip_bit(&name, location.offset + at, 5);
        }
    }
    assert_eq!(batches_after(&*source, 0).unwrap().len(), 7);
}

/// Where other frames are wanted, a damaged one before them hides them or is passed over. It never changes what
/// is visited.
#[test]
fn damage_on_the_way_never_shows_a_wrong_frame() {
    let (storage, node, locations) = written();
    let source = node.journal.frame_source();
    let mut passed_over = 0;
    // To the fifth frame by its record, the last of its segment, and to the seventh by its tick.
    for (position, wanted, way) in [(9, 4, 0..4), (12, 6, 5..6)] {
        let bits = locations[way].iter().flat_map(|location| {
            (0..560).flat_map(move |at| (0..8).map(move |bit| (location.segment, location.offset + at, bit)))
        });
        for (segment, offset, bit) in bits {
            storage.flip_bit(&segment_name(segment), offset, bit);
            let mut hashes = Vec::new();
            let result = source.read_at(&[Sequence(position)], &mut |frame| {
                hashes.push(frame.hash());
                Continue(())
            });
            if let Err(error) = result {
                damage(error);
                assert!(hashes.is_empty());
            } else {
                assert_eq!(hashes, [node.acknowledged[wanted]]);
                passed_over += 1;
            }
            storage.flip_bit(&segment_name(segment), offset, bit);
        }
    }
    assert!(passed_over > 0, "the text of a frame that nobody asked for is not read");
}

/// A frame that verifies and follows, in the place of the log's last: its writer knows better.
#[test]
fn another_last_frame_is_refused() {
    // The same tags and the same frames, but for the last.
    let (storage, mut node, _) = written();
    let (twin, mut other, _) = written();
    commands(&mut node, 1, 50);
    commands(&mut other, 1, 60);
    assert_eq!(batches_after(&*other.journal.frame_source(), 0).unwrap().len(), 8);
    let segment = segment_name(2);
    storage.change(&segment, |bytes| *bytes = twin.bytes(&segment).unwrap());
    let source = node.journal.frame_source();
    let last = *locations(&storage).last().unwrap();
    for error in [batches_after(&*source, 0), batches_after(&*source, 14), batches_at(&*source, &[14])] {
        let damage = damage(error.unwrap_err());
        assert_eq!((damage.location, damage.kind), (last, DamageKind::Changed));
    }
    assert_eq!(batches_at(&*source, &[13]).unwrap(), [7]);
}

/// Some of its bytes may be there, and even all.
#[test]
fn a_frame_whose_fate_is_unknown_is_not_visited() {
    for fate in [Fault::LostWrite, Fault::PowerLoss] {
        let (storage, mut node, _) = written();
        let source = node.journal.frame_source();
        let lost = fate == Fault::LostWrite;
        storage.inject_next(fate);
        let append = node.append(FrameKind::Commands, 50);
        if lost {
            // A disk that lies: the frame was said to be durable, and is not there.
            assert!(matches!(append, Append::Durable));
            assert_eq!(damage(batches_after(&*source, 0).unwrap_err()).kind, DamageKind::Changed);
        } else {
            assert!(matches!(append, Append::Unknown(_)));
            let error = batches_after(&*source, 0).unwrap_err();
            assert!(matches!(error, ReadError::Storage(_)), "the machine has stopped: {error}");
        }
    }
    let (storage, mut node, _) = written();
    let error = StorageErrorKind::Device("input/output error".to_owned());
    storage.inject_next(Fault::Error(error));
    assert!(matches!(node.append(FrameKind::Commands, 50), Append::Unknown(_)));
    assert_eq!(batches_after(&*node.journal.frame_source(), 0).unwrap().len(), 7);
}

#[test]
fn a_segment_that_is_gone_without_a_trim_is_damage() {
    let (storage, node, _) = written();
    let source = node.journal.frame_source();
    let bytes = storage.bytes(&segment_name(1)).unwrap();
    storage.take_file(&segment_name(1));
    let missing = damage(batches_after(&*source, 0).unwrap_err());
    assert!(matches!(missing.kind, DamageKind::SegmentMissing { .. }), "{missing}");
    assert_eq!(batches_at(&*source, &[13]).unwrap(), [7], "the other segment is there");
    storage.place_file(&segment_name(1), bytes);
    storage.flip_bit(&segment_name(1), 33, 1);
    let header = damage(batches_after(&*source, 0).unwrap_err());
    assert!(matches!(header.kind, DamageKind::SegmentHeader { .. }), "{header}");
}

/// The file that is open stays readable; the next one is not there any more.
#[test]
fn a_removal_while_somebody_reads_is_named() {
    let storage = MemoryStorage::new();
    let mut node = Node::start(create(&storage));
    (0..6).for_each(|_| commands(&mut node, 1, 30_000));
    let source = node.journal.frame_source();
    let mut visited = Vec::new();
    let error = source
        .read_after(Sequence(0), &mut |frame| {
            if visited.is_empty() {
                assert!(node.journal.trim(BatchNumber(6)).unwrap().last > BatchNumber(3));
                empty_archive(&node.journal);
            }
            visited.push(frame.header().batch.0);
            Continue(())
        })
        .unwrap_err();
    let ReadError::Trimmed { first, first_sequence } = error else { panic!("{error}") };
    assert_eq!(storage.open(&segment_name(1), Access::Read).unwrap_err().operation, "open");
    assert!(!visited.is_empty());
    assert!(first.0 > *visited.last().unwrap());
    assert_eq!(batches_after(&*source, first_sequence.0 - 1).unwrap()[0], first.0);
}

/// A torn frame stays behind where a life ended, and readers of the next life go around it.
#[test]
fn a_torn_frame_is_gone_around() {
    let storage = MemoryStorage::new();
    let mut node = Node::start(create(&storage));
    commands(&mut node, 1, 3_000);
    storage.inject_next(Fault::PowerLoss);
    let _ = node.append(FrameKind::Commands, 20_000);
    let storage = storage.after_power_loss(&mut |_| Fate::Tear(0b101));
    let mut node = Node::start(open(&storage));
    commands(&mut node, 1, 3_000);
    assert!(node.journal.torn().is_some());
    let mut hashes = Vec::new();
    node.journal
        .frame_source()
        .read_after(Sequence(0), &mut |frame| {
            hashes.push(frame.hash());
            Continue(())
        })
        .unwrap();
    assert_eq!(hashes, node.acknowledged);
}

/// A node that has ended leaves a reader that shows what was durable, and a folder that can be taken again.
#[test]
fn a_reader_does_not_hold_the_folder() {
    let (storage, node, _) = written();
    let source = node.journal.frame_source();
    drop(node);
    let mut next = Node::start(open(&storage));
    commands(&mut next, 1, 10);
    assert_eq!(batches_after(&*source, 0).unwrap(), (1..=7).collect::<Vec<_>>());
}

/// Longer than what is read at once, so that the way to a frame leads over frames that are not read.
#[test]
fn long_frames_are_passed_over_and_read() {
    let storage = MemoryStorage::new();
    let journal = LocalJournal::create(storage.clone(), identity(), settings(8 << 20, 1)).unwrap();
    let mut node = Node::start(journal);
    (0..12).for_each(|round| commands(&mut node, 1, 400_000 + round * 5_000));
    let source = node.journal.frame_source();
    for position in 1..26_u64 {
        assert_eq!(batches_at(&*source, &[position]).unwrap(), [1 + position / 2]);
        let after: Vec<_> = (1 + position / 2..=13).collect();
        assert_eq!(batches_after(&*source, position - 1).unwrap(), after);
    }
    assert_eq!(batches_at(&*source, &[3, 4, 5, 12, 24, 25]).unwrap(), [2, 3, 7, 13]);
}
