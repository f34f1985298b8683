//! What becomes of a store that is of no use, where the log still gives all of it and where it does not.

use std::path::Path;

use journal::FrameView;
use types::{ClusterId, Sequence};

use super::*;
use crate::keeper::catch_up;
use crate::rebuild::Rebuild;
use crate::testing::{Frames, KEY, Log, SECOND, beginning, never};

/// Some frames with a payment each.
fn some_log() -> Log {
    let mut log = Log::new();
    for number in 0..20 {
        let mut writer = log.writer();
        log.pay(&mut writer, &format!("TX-{number}"), "A1", "B1", 100);
        log.commands(&writer);
        log.advance(SECOND);
    }
    log.marker();
    log
}

fn keep(folder: &Path, source: &Frames, begin: &Begin) -> Result<Indexer, KeepError> {
    let mut indexer = open(folder, source, KEY, begin)?;
    catch_up(&mut indexer, source, &|| false)?;
    Ok(indexer)
}

fn begins_after(log: &Log, frames: usize) -> Sequence {
    FrameView::parse(&log.frames[frames - 1]).unwrap().header().last_sequence()
}

#[test]
fn a_log_without_its_first_frames_begins_with_a_snapshot_once() {
    let log = some_log();
    let folder = tempfile::tempdir().unwrap();
    // The log reaches further back than the snapshot.
    let indexer = keep(folder.path(), &log.without_first(5), &beginning(&log, 10)).unwrap();
    let begins = indexer.reached().unwrap().begins;
    assert_eq!(begins, begins_after(&log, 10));
    drop(indexer);
    let indexer = keep(folder.path(), &log.without_first(8), &never()).unwrap();
    assert_eq!(indexer.reached().unwrap().begins, begins, "it goes on");
    drop(indexer);
    let error = keep(tempfile::tempdir().unwrap().path(), &log.without_first(5), &never()).unwrap_err();
    assert!(matches!(error, KeepError::Begin(BeginError::NoSnapshot)), "{error}");
}

#[test]
fn a_store_that_goes_back_to_the_first_frame_outlives_the_frames() {
    let log = some_log();
    let folder = tempfile::tempdir().unwrap();
    drop(keep(folder.path(), &Frames(log.frames[..12].to_vec()), &never()).unwrap());
    let indexer = keep(folder.path(), &log.without_first(9), &never()).unwrap();
    assert_eq!(indexer.reached().unwrap().begins, Sequence(0));
}

#[test]
fn a_store_is_never_removed_where_the_log_gives_only_a_part_of_it() {
    let log = some_log();
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("history");
    let indexer = keep(&store, &log.source(), &never()).unwrap();
    indexer.store().set_format(99).unwrap();
    drop(indexer);
    let part = log.without_first(8);
    let error = open(&store, &part, KEY, &beginning(&log, 10)).map(|_| ()).unwrap_err();
    assert!(matches!(error, KeepError::Kept { .. }), "{error}");
    assert!(error.to_string().contains("format 99"), "{error}");

    // Only who asks for it gets another, and the old one is put aside.
    for number in 1..3 {
        let mut rebuild = Rebuild::begin(&store, Some(KEY)).unwrap();
        rebuild.with_oldest_snapshot(&log.with_snapshot(10)).unwrap();
        log.frames[10..].iter().for_each(|frame| rebuild.take(&FrameView::parse(frame).unwrap()).unwrap());
        let rebuilt = rebuild.finish().unwrap();
        assert_eq!(rebuilt.reached.unwrap().begins, begins_after(&log, 10));
        let aside = folder.path().join(format!("history.old-{number}"));
        assert_eq!(rebuilt.aside.as_deref(), Some(aside.as_path()));
        assert!(aside.is_dir());
    }
    let old = Store::open(&folder.path().join("history.old-1"));
    assert!(matches!(old, Err(StoreError::Format(99))), "it is the one that was there");
    assert!(keep(&store, &part, &never()).is_ok());
}

#[test]
fn a_store_of_another_log_is_kept_too() {
    let (log, mut other) = (some_log(), Log::empty());
    other.advance(1234);
    (0..20).for_each(|_| other.marker());
    let folder = tempfile::tempdir().unwrap();
    drop(keep(folder.path(), &other.source(), &never()).unwrap());
    let error =
        open(folder.path(), &log.without_first(3), KEY, &beginning(&log, 10)).map(|_| ()).unwrap_err();
    assert!(matches!(error, KeepError::Kept { .. }), "{error}");
}

#[test]
fn a_store_that_the_log_has_left_behind_says_so_and_stays() {
    let log = some_log();
    let folder = tempfile::tempdir().unwrap();
    let indexer = keep(folder.path(), &Frames(log.frames[..6].to_vec()), &never()).unwrap();
    let reached = *indexer.reached().unwrap();
    drop(indexer);
    let error =
        open(folder.path(), &log.without_first(9), KEY, &beginning(&log, 10)).map(|_| ()).unwrap_err();
    let KeepError::Behind { reached: upto, first } = error else { panic!("{error}") };
    assert_eq!((upto, first), (reached.resume_after, begins_after(&log, 9).next()));
    assert_eq!(
        keep(folder.path(), &log.source(), &never()).unwrap().reached().unwrap().cluster,
        ClusterId([0xC1; 16])
    );
}

#[test]
fn a_store_that_was_begun_and_not_finished_is_begun_again() {
    let log = some_log();
    let folder = tempfile::tempdir().unwrap();
    let indexer = open(folder.path(), &log.source(), KEY, &never()).unwrap();
    // Accounts are written before the state is known to be good.
    indexer.store().writes_left.store(1, std::sync::atomic::Ordering::Relaxed);
    let mut indexer = indexer;
    assert!(indexer.begin(&log.with_snapshot(10)).is_err());
    assert!(!indexer.store().is_empty().unwrap());
    drop(indexer);
    let indexer = keep(folder.path(), &log.without_first(4), &beginning(&log, 12)).unwrap();
    assert_eq!(indexer.reached().unwrap().begins, begins_after(&log, 12));
}
