//! The engine with its threads where the table of payments is small: payments leave it for runs on disk.

use ledger::{PaymentAnswer, Verdict};

use super::tests::{ask, begin_world, config};
use super::*;
use crate::testing::{by_key, pay_stamped};
use crate::{Answer, NotTaken, Question};

/// Above 128 payments, runs of 16 are made.
const ROOM: usize = 256;
const PAYMENTS: u32 = 600;

fn small_table(folder: &tempfile::TempDir) -> Config {
    let mut config = config(folder);
    config.limits.payments_max = ROOM;
    config
}

/// Submits a payment of one cent, and again if the node can't keep up with the disk.
fn send(handle: &Handle, id: u32) -> ledger::Outcome {
    loop {
        let mut writer = handle.commands(PrincipalNumber(1));
        pay_stamped(&mut writer, &format!("T{id}"), handle.now());
        let (sender, receiver) = bounded(1);
        let sink = move |outcomes: &[ledger::Outcome], _: &mut crate::Waiting<'_>| {
            let _ = sender.send(outcomes[0]);
        };
        match handle.submit(writer, Box::new(sink)) {
            Ok(()) => return receiver.recv().unwrap(),
            Err(NotTaken::Full | NotTaken::Overloaded) => std::thread::yield_now(),
            Err(reason) => panic!("{reason}"),
        }
    }
}

fn repeat_of(outcome: &ledger::Outcome) -> Option<types::Sequence> {
    assert!(matches!(outcome.verdict, Verdict::Payment { .. }), "{outcome:?}");
    outcome.repeat_of()
}

/// Waits until the node has sealed as much as it wants to.
fn quiet(handle: &Handle) {
    for _ in 0..100_000 {
        let (_, runs) = handle.duplicates_memory();
        if runs > 3 {
            return;
        }
        std::thread::yield_now();
    }
    panic!("nothing was sealed");
}

#[test]
fn payments_on_disk_are_still_known_and_after_a_restart_too() {
    let folder = tempfile::tempdir().unwrap();
    let config = small_table(&folder);
    let engine = start(&config).unwrap();
    let handle = engine.handle();
    begin_world(&handle);
    let first: Vec<_> = (0..PAYMENTS).map(|id| send(&handle, id)).collect();
    quiet(&handle);
    for (id, first) in (0..PAYMENTS).zip(&first).step_by(7) {
        assert_eq!(repeat_of(&send(&handle, id)), Some(first.sequence), "T{id}");
    }
    engine.stop();

    let engine = start(&config).unwrap();
    let handle = engine.handle();
    for (id, first) in (0..PAYMENTS).zip(&first).step_by(11) {
        assert_eq!(repeat_of(&send(&handle, id)), Some(first.sequence), "T{id}");
        for question in [Question::PaymentAt(first.sequence), by_key(&format!("T{id}"), None)] {
            let Answer::Payment(PaymentAnswer::Found(payment)) = ask(&handle, question).answer else {
                panic!()
            };
            assert_eq!((payment.sequence(), payment.state().is_final()), (first.sequence, true));
        }
    }
    engine.stop();
}

/// Every file of the log's folder with its bytes.
fn contents(config: &Config) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let entries = std::fs::read_dir(&config.folder).unwrap().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    let mut all: Vec<_> =
        files.map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap())).collect();
    all.sort();
    all
}

#[test]
fn a_start_without_a_run_that_the_log_names_stops_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let config = small_table(&folder);
    let engine = start(&config).unwrap();
    begin_world(&engine.handle());
    (0..PAYMENTS).for_each(|id| assert_eq!(repeat_of(&send(&engine.handle(), id)), None));
    quiet(&engine.handle());
    engine.stop();
    let names = std::fs::read_dir(&config.folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| name.starts_with("duplicates-"));
    names.sort();
    let first = config.folder.join(&names[0]);
    std::fs::rename(&first, folder.path().join("away")).unwrap();
    let before = contents(&config);
    let error = start(&config).expect_err("a run is missing").to_string();
    assert!(error.contains(&names[0]), "{error}");
    assert!(contents(&config) == before, "a start that is refused leaves the folder as it was");
    std::fs::rename(folder.path().join("away"), &first).unwrap();

    // The page with the oldest payments is damaged; the start does not read it, the look-up does.
    let mut bytes = std::fs::read(&first).unwrap();
    bytes[4096 + 77] ^= 4;
    std::fs::write(&first, bytes).unwrap();
    let engine = start(&config).unwrap();
    let handle = engine.handle();
    let mut writer = handle.commands(PrincipalNumber(1));
    pay_stamped(&mut writer, "T0", handle.now());
    let (sender, told) = bounded::<()>(1);
    let sink = move |_: &[ledger::Outcome], _: &mut crate::Waiting<'_>| sender.send(()).unwrap();
    handle.submit(writer.clone(), Box::new(sink)).unwrap();
    assert!(told.recv().is_err(), "it is not decided");
    let refused = handle.submit(writer, Box::new(|_: &[ledger::Outcome], _: &mut crate::Waiting<'_>| ()));
    assert_eq!(refused, Err(NotTaken::DuplicatesUnreadable));
    assert_eq!(handle.status().not_ready, Some(NotTaken::DuplicatesUnreadable));
    engine.stop();
}
