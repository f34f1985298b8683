//! Golden files: the folders of every format version stay readable, and today's writer still makes them.
//!
//! `SOLVO_UPDATE_GOLDEN=1` writes them anew; a difference then shows in the review.

use std::path::{Path, PathBuf};

use journal::{FileStorage, FrameKind, LocalJournal, MemoryStorage, Reader, segment_name};
use types::BatchNumber;

use crate::support::{Node, SEGMENT_BYTES, create, settings};

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
