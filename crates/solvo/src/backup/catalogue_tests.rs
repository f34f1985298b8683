//! BACKUP and the progress of a run, as they are written and read.

use super::*;

fn contents() -> Contents {
    let identity =
        Identity { cluster: ClusterId([0xC1; 16]), shard: Shard(0), incarnation: Incarnation(u64::MAX) };
    let restored = Restored {
        previous: Incarnation(7),
        segment: 1,
        batch: BatchNumber(4),
        next_sequence: Sequence(9),
        hash: FrameHash([0xA5; 32]),
    };
    Contents {
        identity,
        oldest_segment: 1,
        newest_segment: 2,
        newest_snapshot: 0,
        anchor: Tail::EMPTY,
        restored: Some(restored),
    }
}

fn segment(number: u64) -> Segment {
    let tail = Tail {
        batch: BatchNumber(10 * number),
        next_sequence: Sequence(100 * number),
        hash: FrameHash([0x5A; 32]),
        time: Timestamp::from_nanoseconds(1_700_000_000_123_456_789).unwrap(),
        epoch: Epoch(3),
        durable_mark: BatchNumber(9),
        kind: None,
    };
    Segment {
        number,
        length: 65_536,
        sealed: true,
        hashed: 65_536,
        blake3: "00".repeat(32),
        end: End::of(&tail),
    }
}

fn catalogue() -> Catalogue {
    let mut catalogue = Catalogue::new(&contents(), &Tail::EMPTY);
    catalogue.segments = vec![segment(1), segment(2)];
    catalogue.files = vec![Other {
        name: "KEYS".to_owned(),
        length: 4096,
        blake3: None,
        batch: None,
        replaced_by: Vec::new(),
    }];
    catalogue
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Catalogue::read(folder.path()).unwrap(), None);
    catalogue().write(folder.path()).unwrap();
    let read = Catalogue::read(folder.path()).unwrap().unwrap();
    assert_eq!(read, catalogue());
    assert_eq!(read.contents(), contents());
    assert_eq!(read.end().batch, BatchNumber(20));
    assert_eq!(read.file_count(), 3);
}

#[test]
fn what_is_impossible_is_refused() {
    let good = serde_json::to_value(catalogue()).unwrap();
    let wrong = [
        ("/format", serde_json::json!(2)),
        ("/segments", serde_json::json!([])),
        ("/segments/1/number", serde_json::json!(5)),
        ("/segments/0/hashed", serde_json::json!(65_537)),
        ("/segments/0/end/hash", serde_json::json!("xy")),
        ("/segments/0/end/time_nanoseconds", serde_json::json!(-1)),
        ("/files/0/name", serde_json::json!("../KEYS")),
        ("/log/cluster", serde_json::json!("c1")),
        ("/restored/incarnation", serde_json::json!("seven")),
        ("/anchor/next_sequence", serde_json::json!(0)),
    ];
    for (place, value) in wrong {
        let mut changed = good.clone();
        *changed.pointer_mut(place).unwrap() = value;
        assert!(Catalogue::parse(&serde_json::to_vec(&changed).unwrap()).is_err(), "{place}");
    }
    assert!(Catalogue::parse(&serde_json::to_vec(&good).unwrap()).is_ok());
}

#[test]
fn progress_is_of_one_log_and_ends_with_a_cut_line() {
    let folder = tempfile::tempdir().unwrap();
    let identity = contents().identity;
    assert_eq!(Progress::read(folder.path(), &identity).unwrap(), []);
    let mut progress = Progress::begin(folder.path(), &identity, &[segment(1)]).unwrap();
    progress.add(&segment(2)).unwrap();
    assert_eq!(Progress::read(folder.path(), &identity).unwrap(), [segment(1), segment(2)]);
    let other = Identity { incarnation: Incarnation(1), ..identity };
    assert_eq!(Progress::read(folder.path(), &other).unwrap(), []);
    let path = folder.path().join(PROGRESS);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, &text[..text.len() - 20]).unwrap();
    assert_eq!(Progress::read(folder.path(), &identity).unwrap(), [segment(1)]);
}
