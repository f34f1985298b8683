use std::sync::atomic::Ordering as Atomic;

use super::*;
use crate::opening::open;
use crate::query::PaymentQuery;
use crate::rebuild::Rebuild;
use crate::store::StoreError;
use crate::testing::{Frames, KEY, Log, SECOND, bank, never};
use crate::view::tests::everything;
use crate::walk::Order;

/// Payments of every kind in some frames.
fn some_log() -> Log {
    let mut log = Log::new();
    for number in 0..6 {
        let mut writer = log.writer();
        log.pay(&mut writer, &format!("TX-{number}"), "A1", "B1", 100);
        log.pay(&mut writer, &format!("RE-{number}"), "A2", "C1", 200);
        if let Some(payment) = log.reserved.last() {
            log.answer(&mut writer, *payment, "C", number % 2 == 0);
        }
        log.open(&mut writer, &format!("B{}", 10 + number));
        log.frame(journal::FrameKind::Commands, Some(&writer), 3);
        log.advance(3 * SECOND);
    }
    log.marker();
    log.marker();
    log
}

fn view_of(store: &Arc<Store>) -> View {
    View::new(store).unwrap().unwrap()
}

fn whole(log: &Log) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut indexer = open(folder.path(), &log.source(), KEY, &never()).unwrap();
    catch_up(&mut indexer, &log.source(), &|| false).unwrap();
    everything(&view_of(indexer.store()))
}

/// Commits after each frame, and ends as the process would after so many writes; then goes on.
fn ended_after(log: &Log, writes: u64) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut indexer = open(folder.path(), &log.source(), KEY, &never()).unwrap();
    indexer.store().writes_left.store(writes, Atomic::Relaxed);
    for frame in &log.frames {
        let frame = FrameView::parse(frame).unwrap();
        if indexer.step(&frame).and_then(|()| indexer.commit()).is_err() {
            break;
        }
    }
    drop(indexer);
    let mut indexer = open(folder.path(), &log.source(), KEY, &never()).unwrap();
    catch_up(&mut indexer, &log.source(), &|| false).unwrap();
    everything(&view_of(indexer.store()))
}

fn first_difference(log: &Log) -> Option<u64> {
    let expected = whole(log);
    (0..=u64::try_from(log.frames.len()).unwrap()).find(|writes| ended_after(log, *writes) != expected)
}

#[test]
fn wherever_the_process_ends_the_rows_are_the_same() {
    assert_eq!(first_difference(&some_log()), None);
}

/// The same test finds the mistake that it is there for.
#[cfg(solvo_mutants)]
#[test]
fn a_watermark_apart_from_its_rows_is_found() {
    crate::mutants::set(Some(crate::mutants::Mutant::WatermarkApart));
    let found = first_difference(&some_log());
    crate::mutants::set(None);
    assert!(found.is_some());
}

#[test]
fn a_rebuilt_history_is_the_same() {
    let log = some_log();
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join(FOLDER);
    let mut rebuild = Rebuild::begin(&store, None).unwrap();
    for frame in &log.frames {
        rebuild.take(&FrameView::parse(frame).unwrap()).unwrap();
    }
    let reached = rebuild.finish().unwrap().reached.unwrap();
    assert_eq!(reached.batch, crate::testing::batch_of(log.frames.last().unwrap()));
    // In the place of one that is there.
    for frames in [&log.frames[..5], &log.frames] {
        let mut rebuild = Rebuild::begin(&store, None).unwrap();
        frames.iter().for_each(|frame| rebuild.take(&FrameView::parse(frame).unwrap()).unwrap());
        rebuild.finish().unwrap();
    }
    let opened = Store::open(&store).unwrap();
    assert_eq!(everything(&view_of(&opened)), whole(&log));
    assert!(
        matches!(Rebuild::begin(&store, None), Err(IndexError::Store(StoreError::Locked))),
        "it is in use"
    );
    assert!(!store.with_extension("new").exists());
}

#[test]
fn a_keeper_catches_up_and_goes_on_after_a_restart() {
    let log = some_log();
    let folder = tempfile::tempdir().unwrap();
    let half = Frames(log.frames[..log.frames.len() / 2].to_vec());
    for source in [half, log.source()] {
        let last = FrameView::parse(source.0.last().unwrap()).unwrap().header().batch;
        let keeper = Keeper::start(folder.path().to_owned(), Arc::new(source), KEY, never()).unwrap();
        let history = keeper.history();
        while history.progress().watermark.is_none_or(|reached| reached.batch < last) {
            assert!(!matches!(history.progress().unavailable, Some(Unavailable::Stopped(_))));
            std::thread::yield_now();
        }
        if last == crate::testing::batch_of(log.frames.last().unwrap()) {
            assert_eq!(everything(&history.view().unwrap()), whole(&log));
        }
        drop(keeper);
        assert!(history.view().is_err(), "who still asks does not keep the folder open");
        // What was taken in is on stable storage, and its frames may go but for those whose outcomes are still to be told.
        let store = Store::open(folder.path()).unwrap();
        let reached = Indexer::open(store, Some(KEY)).unwrap();
        assert_eq!(history.taken_in(), reached.resume_after());
        assert!(history.taken_in() > Sequence(0));
    }
}

#[test]
fn a_folder_of_another_log_is_made_anew() {
    let mut other = Log::empty();
    other.advance(SECOND);
    for _ in 0..20 {
        other.marker();
    }
    let folder = tempfile::tempdir().unwrap();
    let mut indexer = open(folder.path(), &other.source(), KEY, &never()).unwrap();
    catch_up(&mut indexer, &other.source(), &|| false).unwrap();
    drop(indexer);
    let log = some_log();
    let mut indexer = open(folder.path(), &log.source(), KEY, &never()).unwrap();
    assert!(indexer.reached().is_none());
    catch_up(&mut indexer, &log.source(), &|| false).unwrap();
    assert_eq!(everything(&view_of(indexer.store())), whole(&log));
    // A log that was cut off behind what history knows goes on elsewhere.
    drop(indexer);
    let cut = Frames(log.frames[..6].to_vec());
    assert!(open(folder.path(), &cut, KEY, &never()).unwrap().reached().is_none());
}

#[test]
fn a_store_of_another_version_is_made_anew() {
    let log = some_log();
    let folder = tempfile::tempdir().unwrap();
    let mut indexer = open(folder.path(), &log.source(), KEY, &never()).unwrap();
    catch_up(&mut indexer, &log.source(), &|| false).unwrap();
    indexer.store().set_format(99).unwrap();
    drop(indexer);
    let mut indexer = open(folder.path(), &log.source(), KEY, &never()).unwrap();
    assert!(indexer.reached().is_none());
    catch_up(&mut indexer, &log.source(), &|| false).unwrap();
    assert_eq!(everything(&view_of(indexer.store())), whole(&log));
}

#[test]
fn a_fault_of_the_store_ends_history_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let held = Store::open(folder.path()).unwrap();
    let keeper =
        Keeper::start(folder.path().to_owned(), Arc::new(some_log().source()), KEY, never()).unwrap();
    let why = loop {
        match keeper.history().view() {
            Err(Unavailable::Stopped(why)) => break why,
            Ok(_) | Err(Unavailable::Opening) => std::thread::yield_now(),
        }
    };
    assert!(why.contains("another process"), "{why}");
    drop(held);
}

/// No row has a name or an account number, in the clear or packed.
#[test]
fn nothing_personal_is_on_the_disk() {
    let log = some_log();
    let folder = tempfile::tempdir().unwrap();
    let mut indexer = open(folder.path(), &log.source(), KEY, &never()).unwrap();
    catch_up(&mut indexer, &log.source(), &|| false).unwrap();
    let query = PaymentQuery::all(Some(bank("A")), Order::OldestFirst);
    assert_eq!(view_of(indexer.store()).payments(&query, None, 100).unwrap().rows.len(), 12);
    indexer.store().sync().unwrap();
    drop(indexer);
    let secrets =
        [crate::testing::iban("A1"), crate::testing::iban("C1")].map(|iban| iban.as_str().to_owned());
    let secrets = secrets.iter().map(String::as_str).chain(["Secret", "E2E-TX"]);
    let mut files = vec![folder.path().to_owned()];
    let mut looked_at = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        looked_at += bytes.len();
        for secret in secrets.clone() {
            assert!(
                !bytes.windows(secret.len()).any(|window| window == secret.as_bytes()),
                "{secret} in {path:?}"
            );
        }
    }
    assert!(looked_at > 1000);
}
