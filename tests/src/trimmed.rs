//! A log whose beginning has gone to the archive, and one that has let go of it, as a node does whose archive has a limit.

use std::path::Path;

use engine::Replayer;
use journal::{FileStorage, Journal, LocalJournal, SegmentSize, Settings};
use ledger::Limits;
use types::BatchNumber;

/// Room for what tests do.
const ROOM: usize = 1 << 16;

/// Moves what lies before the newest segment of a log that nobody serves from to the archive, behind a snapshot. Each
/// start of a node has begun a segment.
///
/// # Panics
/// If the log can't be read or changed, or nothing can be moved.
pub fn archive_log(folder: &Path) {
    let storage = FileStorage::open(folder).expect("the folder is there");
    let settings = Settings { segment_size: SegmentSize::DEFAULT, entropy: Box::new(|| 7) };
    let mut journal = LocalJournal::open(storage, None, settings).expect("the log can be opened");
    let limits = Limits { accounts_max: ROOM, payments_max: ROOM, requests_max: ROOM };
    let mut replayer = Replayer::new(limits);
    let read = journal.read(BatchNumber(0), &mut |frame, _| Ok(replayer.frame(frame)?));
    let tail = read.expect("the log can be read");
    let snapshots = journal.snapshots();
    let mut writer = snapshots.create(tail, 1).expect("there is room for a snapshot");
    replayer.write_state(&mut writer).expect("the state can be written");
    let snapshot = writer.finish().expect("there is room for it");
    snapshots.publish(&snapshot).expect("it can be published");
    snapshots.archive_upto(tail.batch).expect("segments can be moved");
    assert!(folder.join("archive").is_dir(), "segments have been archived");
}

/// Removes what [`archive_log`] moves.
///
/// # Panics
/// As that.
pub fn trim_log(folder: &Path) {
    archive_log(folder);
    std::fs::remove_dir_all(folder.join("archive")).expect("it is there");
}
