//! The journal in a real folder.

use journal::{
    FileStorage, Journal, LocalJournal, OpenError, Prepared, Reader, Storage, StorageErrorKind, segment_name,
};
use types::BatchNumber;

use crate::support::{Node, SEGMENT_BYTES, hashes, identity, settings};

#[test]
fn frames_are_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let storage = FileStorage::create(&folder.path().join("journal")).unwrap();
    let mut node =
        Node::start(LocalJournal::create(storage.clone(), identity(), settings(1 << 20, 1)).unwrap());
    let mut preparer = node.journal.preparer();
    assert_eq!(preparer.step(), Prepared::Made { segment: 2 });
    (0..5).for_each(|_| node.commands(400_000));
    node.marker();

    // A reader needs no lock.
    let end = Reader::open(storage.clone()).unwrap().read(BatchNumber(0), &mut |_, _| Ok(())).unwrap();
    assert_eq!(end.tail, *journal::Writer::tail(&node.writer));
    assert_eq!(end.torn, None);
    let second = LocalJournal::open(storage.clone(), None, settings(1 << 20, 2)).unwrap_err();
    assert!(matches!(second, OpenError::Locked { .. }), "{second}");
    assert!(second.to_string().contains(&folder.path().display().to_string()), "{second}");

    let acknowledged = node.acknowledged;
    drop((node.journal, node.writer, preparer));
    let mut journal = LocalJournal::open(storage, None, settings(1 << 20, 2)).unwrap();
    assert_eq!(hashes(&mut journal).1, acknowledged);
}

#[test]
fn errors_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let storage = FileStorage::open(folder.path()).unwrap();
    let error = storage.open("absent", journal::Access::Read).unwrap_err();
    assert_eq!(error.kind, StorageErrorKind::NotFound);
    assert!(error.to_string().contains("absent: it does not exist"), "{error}");
    let error = FileStorage::open(&folder.path().join("absent")).unwrap_err();
    assert_eq!(error.kind, StorageErrorKind::NotFound);
    storage.create("taken").unwrap();
    assert_eq!(storage.create("taken").unwrap_err().kind, StorageErrorKind::Exists);
    let error = LocalJournal::open(storage, None, settings(SEGMENT_BYTES, 1)).unwrap_err();
    assert!(matches!(error, OpenError::NotAJournal { .. }));
}

#[test]
fn a_file_cut_short_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let storage = FileStorage::open(folder.path()).unwrap();
    let mut node =
        Node::start(LocalJournal::create(storage.clone(), identity(), settings(SEGMENT_BYTES, 1)).unwrap());
    node.commands(10);
    drop(node);
    let file = std::fs::OpenOptions::new().write(true).open(folder.path().join(segment_name(1))).unwrap();
    file.set_len(20_000).unwrap();
    let mut journal = LocalJournal::open(storage, None, settings(SEGMENT_BYTES, 1)).unwrap();
    let error = journal.read(BatchNumber(0), &mut |_, _| Ok(())).unwrap_err();
    assert!(error.to_string().contains("20000 bytes"), "{error}");
}

/// Beside a running node a reader sees whole frames up to somewhere, and never damage.
// A test is a caller, and callers start the threads.
#[allow(clippy::disallowed_methods)]
#[test]
fn a_reader_beside_a_running_node_never_sees_damage() {
    let folder = tempfile::tempdir().unwrap();
    let storage = FileStorage::open(folder.path()).unwrap();
    let journal = LocalJournal::create(storage.clone(), identity(), settings(1 << 20, 1)).unwrap();
    let mut node = Node::start(journal);
    let writer = std::thread::spawn(move || {
        for round in 0..150 {
            node.commands(round * 131 % 50_000);
        }
        node.acknowledged
    });
    let mut seen = Vec::new();
    while !writer.is_finished() {
        let mut found = Vec::new();
        let end = Reader::open(storage.clone()).unwrap().read(BatchNumber(0), &mut |frame, _| {
            found.push(frame.hash());
            Ok(())
        });
        end.unwrap_or_else(|error| panic!("{error}"));
        assert!(found.starts_with(&seen));
        seen = found;
    }
    assert!(writer.join().unwrap().starts_with(&seen));
}
