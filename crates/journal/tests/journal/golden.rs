//! Golden files: the folders of every format version stay readable, and today's writer still makes them.
//!
//! `SOLVO_UPDATE_GOLDEN=1` writes them anew; a difference then shows in the review.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use journal::{
    ARCHIVE_NAME, FileStorage, FrameKind, FrameView, LocalJournal, Location, MemoryStorage, Reader, Writer,
    segment_name, snapshot_name,
};
use types::BatchNumber;

use crate::support::{Node, SEGMENT_BYTES, create, identity, settings};

/// Kind, epoch, first sequence, records and hash of each frame.
const FRAMES: [(FrameKind, u64, u64, usize, &str); 4] = [
    (FrameKind::EpochStart, 1, 1, 0, "04db250d799aaaa43df07f02c5103d4ccfd102131a4dd5b986ac77bf10110921"),
    (FrameKind::Commands, 1, 2, 300, "522f7cab27431a19764edbc6665e169f5ecf1d2a0fda0d0de9d416ba77dfcfa3"),
    (FrameKind::Marker, 1, 4, 0, "fec7f52ac6c7a0351adec5be41e0a4a35278fe2172cac8472138e520b74efed8"),
    (FrameKind::EpochStart, 2, 5, 0, "0ad25caf3c284a182e7a44a726b03ce515c868a33889f5c07c18c51d81633416"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/v1")
}

/// The same with snapshots and an archive.
fn folder_with_snapshots() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/v1-snapshots")
}

/// Its state, which is bytes to the journal.
fn state(number: u64) -> Vec<u8> {
    (0..5000 * number).map(|at| (at % 251).to_le_bytes()[0]).collect()
}

/// Two snapshots, a frame before, between and after them, each frame in a segment of its own.
fn write_snapshots_today() -> MemoryStorage {
    let storage = MemoryStorage::new();
    let journal = LocalJournal::create(storage.clone(), identity(), settings(4 * 4096, 1)).unwrap();
    let mut node = Node::start(journal);
    for number in 1..=2 {
        node.commands(8000);
        let snapshots = node.journal.snapshots();
        let mut writer = snapshots.create(*node.writer.tail(), 1).unwrap();
        writer.write_all(&state(number)).unwrap();
        let snapshot = writer.finish().unwrap();
        snapshots.publish(&snapshot).unwrap();
    }
    node.commands(8000);
    node.journal.snapshots().archive_upto(BatchNumber(2)).unwrap();
    storage
}

fn write_today() -> MemoryStorage {
    let storage = MemoryStorage::new();
    let mut node = Node::start(create(&storage));
    node.commands(300);
    node.marker();
    drop((node.writer, node.journal));
    Node::start(LocalJournal::open(storage.clone(), None, settings(SEGMENT_BYTES, 2)).unwrap());
    storage
}

#[test]
fn todays_writer_makes_the_same_bytes() {
    let storage = write_today();
    for name in ["MANIFEST".to_owned(), segment_name(1), segment_name(2)] {
        let today = storage.bytes(&name).unwrap();
        let path = folder().join(&name);
        if std::env::var_os("SOLVO_UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(folder()).unwrap();
            std::fs::write(&path, &today).unwrap();
        }
        assert!(std::fs::read(&path).unwrap() == today, "{name} differs from {}", path.display());
    }
}

#[test]
fn the_golden_folder_is_read() {
    let reader = Reader::open(FileStorage::open(&folder()).unwrap()).unwrap();
    let mut found = Vec::new();
    let end = reader
        .read(BatchNumber(0), &mut |frame, _| {
            let header = frame.header();
            let hash = frame.hash().to_string();
            found.push((header.kind, header.epoch.0, header.first_sequence.0, frame.records().len(), hash));
            Ok(())
        })
        .unwrap();
    let expected = FRAMES
        .map(|(kind, epoch, sequence, records, hash)| (kind, epoch, sequence, records, hash.to_owned()));
    assert_eq!(found, expected);
    assert_eq!(end.torn, None);
}

#[test]
fn todays_writer_makes_the_same_snapshots() {
    let storage = write_snapshots_today();
    let archived = [1, 2].map(|number| format!("{ARCHIVE_NAME}/{}", segment_name(number)));
    let segments = [segment_name(3), segment_name(4)];
    let snapshots = ["MANIFEST".to_owned(), snapshot_name(1), snapshot_name(2)];
    let names = archived.into_iter().chain(segments).chain(snapshots);
    for name in names {
        let today = storage.bytes(&name).unwrap_or_else(|| panic!("{name} is missing"));
        let path = folder_with_snapshots().join(&name);
        if std::env::var_os("SOLVO_UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &today).unwrap();
        }
        assert!(std::fs::read(&path).unwrap() == today, "{name} differs from {}", path.display());
    }
}

#[test]
fn the_golden_snapshots_are_read() {
    let reader = Reader::open(FileStorage::open(&folder_with_snapshots()).unwrap()).unwrap();
    assert_eq!(reader.snapshots(), [2, 1]);
    for (number, batch) in [(1, 2), (2, 3)] {
        let mut snapshot = reader.open_snapshot(number).unwrap();
        let mut read = Vec::new();
        snapshot.read_to_end(&mut read).unwrap();
        assert!(read == state(number));
        let header = snapshot.finish().unwrap();
        assert_eq!((header.number, header.tail.batch, header.rules_version), (number, BatchNumber(batch), 1));
        let mut batches = Vec::new();
        let visit = &mut |frame: &FrameView<'_>, _: Location| {
            batches.push(frame.header().batch.0);
            Ok(())
        };
        reader.read_from(&header.tail, visit).unwrap();
        assert_eq!(batches, (batch + 1..=4).collect::<Vec<_>>());
    }
    let mut count = 0;
    let visit = &mut |_: &FrameView<'_>, _: Location| {
        count += 1;
        Ok(())
    };
    reader.read(BatchNumber(0), visit).unwrap();
    assert_eq!(count, 4, "the archive included");
}
