//! Snapshots: each row of their recovery table on real bytes, crashes at every step, and what a start reads after one.

use std::io::{Read, Write};

use journal::{
    DamageKind, Fate, Fault, FrameHash, FrameKind, Journal, LoadError, Loaded, LocalJournal, Location,
    MemoryStorage, ReadError, Reader, SeededChoices, SnapshotFault, SnapshotHeader, SnapshotWriteError,
    Storage, StorageErrorKind, Tail, Writer, segment_name, segment_number, snapshot_name,
};
use types::{BatchNumber, Epoch};

use crate::frame_sources::commands;
use crate::support::{Node, create, hashes, open, seal, settings};

type LocalNode = Node<LocalJournal<MemoryStorage>>;

/// A state of this many bytes that depends on where it stands.
fn state(tail: &Tail, length: usize) -> Vec<u8> {
    let mut choices = SeededChoices::new(tail.batch.0);
    let mut bytes: Vec<_> = (0..length.div_ceil(8)).flat_map(|_| choices.bits().to_le_bytes()).collect();
    bytes.truncate(length);
    bytes
}

/// Long enough for several writes.
const LENGTH: usize = 2_500_000;

fn take(journal: &LocalJournal<MemoryStorage>, tail: Tail) -> Result<SnapshotHeader, SnapshotWriteError> {
    take_of(journal, tail, LENGTH)
}

/// Writes a snapshot of the log's end and reads it back; publishes it and archives what the one before covers.
fn take_of(
    journal: &LocalJournal<MemoryStorage>,
    tail: Tail,
    length: usize,
) -> Result<SnapshotHeader, SnapshotWriteError> {
    let snapshots = journal.snapshots();
    let mut writer = snapshots.create(tail, 1)?;
    if let Err(said) = writer.write_all(&state(&tail, length)) {
        return Err(writer.give_up(&said));
    }
    let header = writer.finish()?;
    let mut read = Vec::new();
    let mut reader = snapshots.open(header.number).map_err(failed)?;
    reader.read_to_end(&mut read).map_err(|error| SnapshotWriteError::State(error.to_string()))?;
    assert_eq!(reader.finish().unwrap(), header);
    assert!(read == state(&tail, length));
    snapshots.publish(&header).map_err(SnapshotWriteError::Failed)?;
    if header.number > 1 {
        let older = *snapshots.open(header.number - 1).map_err(failed)?.header();
        let trimmed = snapshots.archive_upto(older.tail.batch);
        trimmed.map_err(|error| SnapshotWriteError::State(error.to_string()))?;
    }
    Ok(header)
}

fn failed(fault: SnapshotFault) -> SnapshotWriteError {
    SnapshotWriteError::State(fault.to_string())
}

/// Loads what a start begins with.
fn load(storage: &MemoryStorage) -> Result<Loaded<Vec<u8>>, LoadError> {
    let snapshots = open(storage).snapshots();
    let loaded = snapshots.load(&mut |header, stream| {
        let mut read = Vec::new();
        stream.read_to_end(&mut read)?;
        assert!(read == state(&header.tail, LENGTH), "a state that is not good is not given to its end");
        Ok(read)
    });
    let reader = Reader::open(storage.clone()).unwrap();
    let seen = reader.load_snapshot(&mut |_, stream| {
        stream.read_to_end(&mut Vec::new())?;
        Ok(())
    });
    assert_eq!(seen.is_ok(), loaded.is_ok());
    loaded
}

fn number(loaded: &Loaded<Vec<u8>>) -> Option<u64> {
    loaded.snapshot.as_ref().map(|(header, _)| header.number)
}

/// A log with this many snapshots, a few frames before, between and after them; nobody holds it.
fn folder(snapshots: usize) -> (MemoryStorage, LocalNode) {
    let storage = MemoryStorage::new();
    let mut node = Node::start(create(&storage));
    for _ in 0..snapshots {
        (0..4).for_each(|_| commands(&mut node, 1, 30_000));
        take(&node.journal, *node.writer.tail()).unwrap();
    }
    (0..4).for_each(|_| commands(&mut node, 1, 30_000));
    (storage.after_exit(&mut |_| Fate::Lose), node)
}

/// Reads the log after the snapshot that a start loads.
fn read_after(storage: &MemoryStorage) -> Result<(Vec<FrameHash>, Tail), ReadError> {
    let (header, _) = load(storage).unwrap().snapshot.unwrap();
    let mut found = Vec::new();
    let tail = open(storage).read_from(&header.tail, &mut |frame, _| {
        found.push(frame.hash());
        Ok(())
    })?;
    Ok((found, tail))
}

#[test]
fn no_snapshot() {
    let (storage, _) = folder(0);
    let loaded = load(&storage).unwrap();
    assert!(loaded.snapshot.is_none() && loaded.passed_over.is_none());
}

#[test]
fn the_newest_is_used() {
    for count in 1..4 {
        let (storage, node) = folder(count);
        let loaded = load(&storage).unwrap();
        assert_eq!(number(&loaded), Some(u64::try_from(count).unwrap()));
        assert!(loaded.passed_over.is_none());
        let (found, tail) = read_after(&storage).unwrap();
        assert_eq!(found, node.acknowledged[1 + 4 * count..]);
        assert_eq!(tail, *node.writer.tail());
        let kept: Vec<_> =
            storage.list().unwrap().into_iter().filter(|name| name.starts_with("snap")).collect();
        assert_eq!(kept.len(), count.min(2), "{kept:?}");
    }
}

/// Also one that is missing, cut short, or of another number.
#[test]
fn an_unreadable_newest_is_passed_over() {
    let cases: [&dyn Fn(&MemoryStorage); 6] = [
        &|storage| storage.take_file(&snapshot_name(3)),
        &|storage| storage.flip_bit(&snapshot_name(3), 1_000_000, 3),
        &|storage| storage.flip_bit(&snapshot_name(3), 4096 + 2_500_000, 3),
        &|storage| storage.flip_bit(&snapshot_name(3), 40, 0),
        &|storage| storage.change(&snapshot_name(3), |bytes| bytes.truncate(8192)),
        &|storage| {
            let other = storage.bytes(&snapshot_name(2)).unwrap();
            storage.change(&snapshot_name(3), |bytes| bytes.clone_from(&other));
        },
    ];
    for (case, damage) in cases.into_iter().enumerate() {
        let (storage, node) = folder(3);
        damage(&storage);
        let loaded = load(&storage).unwrap();
        assert_eq!(number(&loaded), Some(2), "case {case}");
        assert_eq!(loaded.passed_over.as_ref().map(|(number, _)| *number), Some(3), "case {case}");
        assert_eq!(read_after(&storage).unwrap().0, node.acknowledged[9..], "case {case}");
        // The start claims the log, gives the bad one up, and the next one takes its number.
        let mut journal = open(&storage);
        let (header, _) = loaded.snapshot.unwrap();
        let tail = journal.read_from(&header.tail, &mut |_, _| Ok(())).unwrap();
        journal.snapshots().withdraw_after(2).unwrap();
        assert!(storage.bytes(&snapshot_name(3)).is_none());
        assert_eq!(take(&journal, tail).unwrap().number, 3);
        drop(journal);
        assert_eq!(number(&load(&storage).unwrap()), Some(3), "case {case}");
    }
}

/// Before the first snapshot there is the log's beginning.
#[test]
fn an_unreadable_first_is_passed_over() {
    let (storage, node) = folder(1);
    storage.flip_bit(&snapshot_name(1), 5000, 3);
    let loaded = load(&storage).unwrap();
    assert!(loaded.snapshot.is_none());
    assert!(matches!(loaded.passed_over, Some((1, SnapshotFault::Digest { .. }))));
    let mut journal = open(&storage);
    assert_eq!(hashes(&mut journal).1, node.acknowledged);
    journal.snapshots().withdraw_after(0).unwrap();
    assert_eq!(journal.snapshots().newest(), 0);
}

#[test]
fn two_unreadable_ones_stop() {
    let (storage, _) = folder(3);
    storage.flip_bit(&snapshot_name(3), 5000, 3);
    storage.take_file(&snapshot_name(2));
    let error = load(&storage).unwrap_err();
    let LoadError::Unreadable { previous, .. } = &error else { panic!("{error}") };
    assert_eq!(**previous, SnapshotFault::Missing);
    assert!(error.to_string().contains("restore it from a backup"), "{error}");
}

/// A file of another log or of a newer binary is no damage: going around it would hide a mistake.
#[test]
fn the_wrong_file_stops() {
    let (storage, _) = folder(2);
    let newer = |bytes: &mut Vec<u8>| {
        bytes[8] = 2;
        let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[16..4096]);
        bytes[12..16].copy_from_slice(&sum.to_le_bytes());
    };
    storage.change(&snapshot_name(2), newer);
    let error = load(&storage).unwrap_err();
    let LoadError::WrongFile { fault, .. } = &error else { panic!("{error}") };
    assert_eq!(**fault, SnapshotFault::NewerFormat { found: 2 });
    let foreign = |bytes: &mut Vec<u8>| {
        bytes[8] = 1;
        bytes[16] ^= 1;
        let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[16..4096]);
        bytes[12..16].copy_from_slice(&sum.to_le_bytes());
    };
    storage.change(&snapshot_name(2), foreign);
    let error = load(&storage).unwrap_err();
    let LoadError::WrongFile { fault, .. } = &error else { panic!("{error}") };
    assert!(matches!(**fault, SnapshotFault::Foreign { .. }), "{error}");
    // A good file whose state is refused, such as one that was written with more room.
    let (storage, _) = folder(2);
    let refused = open(&storage).snapshots().load(&mut |_, _| -> Result<(), _> { Err("too small".into()) });
    let error = refused.unwrap_err();
    assert!(error.to_string().contains("too small") && error.to_string().contains("the room"), "{error}");
}

#[test]
fn a_torn_one_in_the_making_is_removed() {
    let (storage, node) = folder(1);
    let unfinished = format!("{}.new", snapshot_name(2));
    storage.place_file(&unfinished, vec![7; 10_000]);
    // One that was finished and never published does not count either.
    storage.place_file(&snapshot_name(2), storage.bytes(&snapshot_name(1)).unwrap());
    assert_eq!(number(&load(&storage).unwrap()), Some(1));
    assert!(storage.bytes(&unfinished).is_none() && storage.bytes(&snapshot_name(2)).is_none());
    assert_eq!(read_after(&storage).unwrap().1, *node.writer.tail());
}

/// The damage that reading after a snapshot ends with.
fn damage_after(storage: &MemoryStorage) -> (Location, DamageKind) {
    let ReadError::Damage(damage) = read_after(storage).unwrap_err() else { panic!("not damage") };
    (damage.location, damage.kind)
}

#[test]
fn a_snapshot_beyond_the_logs_end_stops() {
    let storage = MemoryStorage::new();
    let mut node = Node::start(create(&storage));
    node.commands(100);
    node.commands(100);
    take(&node.journal, *node.writer.tail()).unwrap();
    // As if the last two frames had never reached the disk.
    storage.change(&segment_name(1), |bytes| bytes[8192..].fill(0));
    drop(node);
    let (_, kind) = damage_after(&storage);
    assert_eq!(kind, DamageKind::EndsBeforeSnapshot { batch: BatchNumber(3) });
}

#[test]
fn a_snapshot_of_another_life_stops() {
    let storage = MemoryStorage::new();
    let mut node = Node::start(create(&storage));
    node.commands(100);
    let tail = *node.writer.tail();
    let other = Tail { hash: FrameHash([9; 32]), ..tail };
    take(&node.journal, other).unwrap();
    node.commands(100);
    drop(node);
    let (_, kind) = damage_after(&storage);
    assert_eq!(kind, DamageKind::OtherThanSnapshot { batch: BatchNumber(2) });
    // Where the next frame begins a segment, it is that frame which does not follow.
    let node = Node::start(open(&storage));
    let other = Tail { epoch: Epoch(1), hash: FrameHash([9; 32]), ..*node.writer.tail() };
    take(&node.journal, other).unwrap();
    drop((node.writer, node.journal));
    drop(Node::start(open(&storage)));
    let (location, kind) = damage_after(&storage);
    assert!(
        matches!(kind, DamageKind::Chain(_) | DamageKind::OtherThanSnapshot { .. }),
        "{location}: {kind}"
    );
}

/// Damage in segments that a start does not need is not looked for; what follows the snapshot is read as ever.
#[test]
fn a_start_reads_only_what_it_needs() {
    let (storage, node) = folder(3);
    let names = storage.list().unwrap();
    let oldest = names.iter().find(|name| segment_number(name).is_some()).unwrap();
    storage.flip_bit(oldest, 20_000, 3);
    assert!(read_after(&storage).is_ok());
    assert!(open(&storage).read(BatchNumber(0), &mut |_, _| Ok(())).is_err());
    let (header, _) = load(&storage).unwrap().snapshot.unwrap();
    let journal = open(&storage);
    let whole = journal.bytes_to_read(None).unwrap();
    let rest = journal.bytes_to_read(Some(&header.tail)).unwrap();
    assert!(rest <= whole / 2, "{rest} of {whole}");
    drop(journal);
    // A flipped bit after the snapshot is found as ever.
    let last = node.writer.tail().batch;
    let mut places = Vec::new();
    Reader::open(storage.clone())
        .unwrap()
        .read_from(&header.tail, &mut |frame, location| {
            places.push((frame.header().batch, location));
            Ok(())
        })
        .unwrap();
    let (batch, place) = places[places.len() - 2];
    assert_eq!(batch.0, last.0 - 1);
    storage.flip_bit(&segment_name(place.segment), place.offset + 300, 3);
    assert_eq!(damage_after(&storage).0, place);
}

#[test]
fn without_room_nothing_is_left() {
    let (storage, node) = folder(1);
    let journal = open(&storage);
    let before = storage.list().unwrap();
    let tail = { journal }.read(BatchNumber(0), &mut |_, _| Ok(())).unwrap();
    let mut journal = open(&storage);
    journal.read(BatchNumber(0), &mut |_, _| Ok(())).unwrap();
    let used: usize = before.iter().filter_map(|name| storage.bytes(name)).map(|bytes| bytes.len()).sum();
    storage.limit_space(Some(u64::try_from(used).unwrap() + 2_000_000));
    let error = take(&journal, tail).unwrap_err();
    assert!(matches!(error, SnapshotWriteError::NoSpace(_)), "{error}");
    assert_eq!(storage.list().unwrap(), before);
    storage.limit_space(None);
    assert_eq!(take(&journal, tail).unwrap().number, 2);
    drop(node);
}

/// A state of three blocks.
const SMALL: usize = 9000;

/// Frames, snapshots and trimming over and over, until something fails.
fn live(storage: &MemoryStorage, told: &mut Vec<FrameHash>) -> Option<()> {
    let mut journal =
        LocalJournal::create(storage.clone(), crate::support::identity(), settings(4 * 4096, 5)).ok()?;
    let mut builder = journal::FrameBuilder::new(0);
    let tail = journal.read(BatchNumber(0), &mut |_, _| Ok(())).ok()?;
    let mut start = seal(&mut builder, FrameKind::EpochStart, tail, 0);
    let mut writer = journal.claim(&tail, &mut start).ok()?;
    told.push(start.hash());
    for _ in 0..4 {
        for _ in 0..3 {
            let mut frame = seal(&mut builder, FrameKind::Commands, *writer.tail(), 3000);
            let journal::Append::Durable = writer.append(&mut frame) else { return None };
            told.push(frame.hash());
        }
        take_of(&journal, *writer.tail(), SMALL).ok()?;
    }
    let end_of_time = types::Timestamp::from_nanoseconds(i64::MAX).unwrap();
    while journal.snapshots().remove_archived(end_of_time, &mut |_| true).ok()?.is_some() {}
    Some(())
}

/// The machine stops at each operation of writing, publishing, archiving and removing in turn, and what was not durable
/// meets every fate: a snapshot is found, and with it every frame after it.
#[test]
fn a_power_loss_at_every_operation() {
    let storage = MemoryStorage::new();
    let mut all = Vec::new();
    live(&storage, &mut all).unwrap();
    let operations = storage.operations();
    assert!(operations.iter().any(|it| it.name.starts_with("archive/")));
    for (index, operation) in operations.iter().enumerate() {
        for error in [None, Some(StorageErrorKind::Device("input/output error".to_owned()))] {
            let storage = MemoryStorage::new();
            storage.inject(index, error.map_or(Fault::PowerLoss, Fault::Error));
            let mut told = Vec::new();
            assert!(live(&storage, &mut told).is_none(), "operation {index}: {operation:?}");
            for seed in 0..5 {
                let mut choices = SeededChoices::new(seed);
                let after = storage.after_power_loss(&mut |_| match seed {
                    0 => Fate::Keep,
                    1 => Fate::Lose,
                    _ => choices.fate(),
                });
                check(&after, &told, &all, &format!("operation {index}: {operation:?}, seed {seed}"));
            }
        }
    }
}

fn check(storage: &MemoryStorage, told: &[FrameHash], all: &[FrameHash], context: &str) {
    let Ok(mut journal) = LocalJournal::open(storage.clone(), None, settings(4 * 4096, 9)) else {
        assert!(told.is_empty(), "{context}");
        return;
    };
    let loaded = journal
        .snapshots()
        .load(&mut |header, stream| {
            let mut read = Vec::new();
            stream.read_to_end(&mut read)?;
            assert!(read == state(&header.tail, SMALL));
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{context}: {error}"));
    assert!(loaded.passed_over.is_none(), "{context}: what MANIFEST names is good");
    let mut found = Vec::new();
    let visit = &mut |frame: &journal::FrameView<'_>, _: Location| {
        found.push(frame.hash());
        Ok(())
    };
    let snapshot = loaded.snapshot.map(|(header, ())| header.tail);
    let read = match &snapshot {
        Some(tail) => journal.read_from(tail, visit),
        None => journal.read(BatchNumber(0), visit),
    };
    read.unwrap_or_else(|error| panic!("{context}: {error}"));
    let gone = snapshot.map_or(0, |tail| usize::try_from(tail.batch.0).unwrap());
    assert!(gone + found.len() >= told.len(), "{context}: an acknowledged frame is missing");
    assert!(all[gone..].starts_with(&found), "{context}");
}
