//! The engine with its threads, on a real folder: begin, stop, start again, and everything that is refused.

use std::sync::Mutex;
use std::sync::atomic::Ordering;

use crossbeam::channel::{Receiver, bounded, unbounded};
use journal::Reader;
use ledger::{Outcome, PaymentAnswer, Verdict};
use types::{BatchNumber, Epoch, PaymentState, Sequence, Timestamp};

use super::*;
use crate::handle::{QUESTIONS_UNDER_WAY_MAX, RECORDS_UNDER_WAY_MAX};
use crate::testing::{by_key, fill_world, pay, pay_stamped, set_status};
use crate::{Answer, Answered, NotTaken, Question, Waiting};

pub(crate) fn config(folder: &tempfile::TempDir) -> Config {
    Config {
        folder: folder.path().join("log"),
        segment_size: SegmentSize::new(2 << 20).unwrap(),
        limits: Limits { accounts_max: 1 << 10, payments_max: 1 << 18, requests_max: 1 << 18 },
        payments_ready: 1000,
        commands_per_second_max: None,
        master_key: None,
        follower: FollowerSettings::default(),
        is_parallel: false,
    }
}

pub(crate) fn submit(handle: &Handle, commands: RecordWriter) -> Receiver<Vec<Outcome>> {
    let (sender, receiver) = bounded(1);
    let sink = move |outcomes: &[Outcome], _: &mut Waiting<'_>| {
        // Tests may look away.
        let _ = sender.send(outcomes.to_vec());
    };
    handle.submit(commands, Box::new(sink)).unwrap();
    receiver
}

pub(super) fn ask(handle: &Handle, question: Question) -> Answered {
    let (sender, receiver) = bounded(1);
    handle.ask(question, Box::new(move |answered| sender.send(answered).unwrap())).unwrap();
    receiver.recv().unwrap()
}

fn payments(handle: &Handle, ids: &[&str], accepted: Timestamp) -> RecordWriter {
    let mut writer = handle.commands(PrincipalNumber(1));
    ids.iter().for_each(|id| pay(&mut writer, id, 100, accepted));
    writer
}

pub(crate) fn begin_world(handle: &Handle) -> Vec<Outcome> {
    let mut writer = handle.commands(PrincipalNumber(1));
    fill_world(&mut writer);
    submit(handle, writer).recv().unwrap()
}

pub(super) fn small(handle: &Handle, count: u32) -> RecordWriter {
    let mut writer = handle.commands(PrincipalNumber(1));
    // One request again and again: repeats take no room in the ledger.
    (0..count).for_each(|_| set_status(&mut writer, "same", "A", ledger::ParticipantStatus::Active));
    writer
}

fn state(answered: &Answered) -> Option<PaymentState> {
    match answered.answer {
        Answer::Payment(PaymentAnswer::Found(payment)) => Some(payment.state()),
        Answer::Payment(PaymentAnswer::NotFound { .. }) => None,
        Answer::Payment(PaymentAnswer::Forgotten)
        | Answer::Payments(_)
        | Answer::OpenQuestions(_)
        | Answer::Lifecycle { .. }
        | Answer::Account(_)
        | Answer::Owners(_)
        | Answer::Customer(_)
        | Answer::Liquidity(_)
        | Answer::Participant(_)
        | Answer::TrialBalance { .. }
        | Answer::Calendar(_)
        | Answer::Recalls(_)
        | Answer::Holds(_)
        | Answer::Kept(_)
        | Answer::Request { .. }
        | Answer::Exceptions(_)
        | Answer::Orders(_)
        | Answer::Packages(_)
        | Answer::DueGroups(_)
        | Answer::Requests(_) => panic!("{answered:?}"),
    }
}

/// The epochs of a log, and how it ends.
fn epochs(config: &Config) -> (Vec<Epoch>, Tail) {
    let mut epochs = Vec::new();
    let reader = Reader::open(FileStorage::open(&config.folder).unwrap()).unwrap();
    let end = reader.read(BatchNumber(0), &mut |frame, _| {
        epochs.push(frame.header().epoch);
        Ok(())
    });
    epochs.dedup();
    (epochs, end.unwrap().tail)
}

#[test]
fn a_log_is_begun_stopped_and_taken_up_again_with_the_same_answers() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let engine = start(&config).unwrap();
    let handle = engine.handle();
    let world = begin_world(&handle);
    let accepted = handle.now();
    let paid = submit(&handle, payments(&handle, &["T1", "T2"], accepted)).recv().unwrap();
    let id = handle.payment_id(paid[0].sequence);
    engine.stop();
    assert_eq!(epochs(&config).0, [Epoch(1)]);
    assert!(epochs(&config).1.ends_in_marker());

    let engine = start(&config).unwrap();
    let handle = engine.handle();
    assert_eq!(handle.payment_id(paid[0].sequence), id, "the log is in the same life");
    assert_eq!(state(&ask(&handle, Question::PaymentAt(paid[1].sequence))), Some(PaymentState::Settled));
    let again = submit(&handle, payments(&handle, &["T1", "T2"], accepted)).recv().unwrap();
    for (first, repeat) in paid.iter().zip(&again) {
        assert_eq!(repeat.repeat_of(), Some(first.sequence));
        assert_eq!((repeat.decided_at, repeat.decided_time), (first.decided_at, first.decided_time));
        assert!(matches!(repeat.verdict, Verdict::Payment { state: PaymentState::Settled, .. }));
    }
    for (first, repeat) in world.iter().zip(&begin_world(&handle)) {
        assert_eq!(repeat.repeat_of(), Some(first.sequence), "{first:?}");
    }
    engine.stop();
    let (epochs, tail) = epochs(&config);
    assert_eq!(epochs, [Epoch(1), Epoch(2)]);
    assert!(tail.ends_in_marker());
}

/// Waits until the follower has come to something; it works on a thread of its own.
fn wait_for(handle: &Handle, done: impl Fn(&crate::FollowerView) -> bool) -> crate::FollowerView {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let view = handle.follower();
        if done(&view) {
            return view;
        }
        assert!(std::time::Instant::now() < deadline, "{view:?}");
        std::thread::yield_now();
    }
}

#[test]
fn a_node_begins_again_with_its_newest_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let follower = FollowerSettings { snapshot_after_bytes: 256 << 10, ..FollowerSettings::default() };
    let config = Config { follower, segment_size: SegmentSize::new(256 << 10).unwrap(), ..config(&folder) };
    let engine = start(&config).unwrap();
    let handle = engine.handle();
    begin_world(&handle);
    let accepted = handle.now();
    let paid = submit(&handle, payments(&handle, &["T1"], accepted)).recv().unwrap();
    for _ in 0..16 {
        submit(&handle, small(&handle, 1000)).recv().unwrap();
    }
    let view =
        wait_for(&handle, |view| view.lag == 0 && view.snapshot.is_some() && view.archived_segments > 0);
    assert!(!view.slows && view.lag_time == types::Duration::default(), "{view:?}");
    engine.stop();

    // The first segment is not needed any more: not even a damaged one hinders a start.
    std::fs::remove_dir_all(config.folder.join(journal::ARCHIVE_NAME)).unwrap();
    let progress = RecoveryProgress::default();
    let engine = start_telling(&config, &progress).unwrap();
    assert_eq!((progress.view().is_over, progress.view().percent()), (true, 100));
    let handle = engine.handle();
    let again = submit(&handle, payments(&handle, &["T1"], accepted)).recv().unwrap();
    assert_eq!(again[0].repeat_of(), Some(paid[0].sequence));
    wait_for(&handle, |view| view.lag == 0 && view.snapshot.is_some());
    assert!(handle.log().document_of(paid[0].sequence).is_err(), "what was thrown away is said to be gone");
    engine.stop();
}

/// A snapshot that can't be written leaves the log as the only way back, so less is taken while it gets too long.
#[test]
fn a_log_that_gets_too_long_is_slowed_until_a_snapshot_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let follower = FollowerSettings {
        snapshot_after_bytes: 1 << 40,
        log_bytes_since_snapshot_max: 1 << 20,
        ..FollowerSettings::default()
    };
    let config = Config { follower, ..config(&folder) };
    let engine = start(&config).unwrap();
    let handle = engine.handle();
    begin_world(&handle);
    let refused = loop {
        let (sender, told) = bounded(1);
        let sink = move |_: &[Outcome], _: &mut Waiting<'_>| sender.send(()).unwrap();
        match handle.submit(small(&handle, 1000), Box::new(sink)) {
            Ok(()) => told.recv().unwrap(),
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused, NotTaken::Overloaded);
    let view = handle.follower();
    assert!(view.slows && view.bytes_since_snapshot > 1 << 20, "{view:?}");
    engine.stop();
}

#[test]
fn a_second_engine_on_the_folder_is_refused_by_name_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let engine = start(&config).unwrap();
    begin_world(&engine.handle());
    for _ in 0..2 {
        let error = start(&config).expect_err("the folder is in use").to_string();
        assert!(error.contains(&config.folder.display().to_string()), "{error}");
        assert!(error.contains("stop it first"), "{error}");
    }
    begin_world(&engine.handle());
    engine.stop();
    assert_eq!(epochs(&config).0, [Epoch(1)]);
    start(&config).unwrap().stop();
}

/// What goes through two engines of one folder, one after the other, never goes back in time.
#[test]
fn log_time_goes_on_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let mut last = Timestamp::default();
    for _ in 0..3 {
        let engine = start(&config).unwrap();
        assert_eq!(engine.handle().status().not_ready, None);
        assert!(engine.handle().now() > last);
        last = begin_world(&engine.handle())[0].decided_time.max(last);
        drop(engine);
        let end = epochs(&config).1;
        assert!(end.time > last && end.ends_in_marker(), "dropping stops as well");
        last = end.time;
    }
}

#[test]
fn a_submission_too_large_for_a_frame_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&config(&folder)).unwrap();
    let handle = engine.handle();
    let refuse = |_: &[Outcome], _: &mut Waiting<'_>| panic!("nothing was taken");
    assert_eq!(handle.submit(small(&handle, 3_073), Box::new(refuse)), Err(NotTaken::TooLarge));
    assert_eq!(handle.shared.records_under_way.load(Ordering::Relaxed), 0);
    assert_eq!(submit(&handle, small(&handle, 3_072)).recv().unwrap().len(), 3_072);
    engine.stop();
}

/// The core thread stands in a sink until it is let go, so nothing leaves the queue meanwhile.
pub(super) fn hold_the_core(handle: &Handle) -> crossbeam::channel::Sender<()> {
    let (release, released) = bounded(1);
    let (entered, is_held) = bounded(1);
    let sink = move |_: &[Outcome], _: &mut Waiting<'_>| {
        entered.send(()).unwrap();
        released.recv().unwrap();
    };
    handle.submit(small(handle, 1), Box::new(sink)).unwrap();
    is_held.recv().unwrap();
    release
}

#[test]
fn more_than_can_be_answered_is_refused_and_what_was_taken_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&config(&folder)).unwrap();
    let handle = engine.handle();
    begin_world(&handle);
    let release = hold_the_core(&handle);

    // Records: a part that fits no more is refused, a smaller one is taken.
    let (sender, answers) = unbounded();
    let mut taken = 0;
    let part = small(&handle, 3_000);
    loop {
        let sender = sender.clone();
        let sink = move |outcomes: &[Outcome], _: &mut Waiting<'_>| sender.send(outcomes.len()).unwrap();
        match handle.submit(part.clone(), Box::new(sink)) {
            Ok(()) => taken += 3_000,
            Err(refused) => break assert_eq!(refused, NotTaken::Overloaded),
        }
    }
    assert!(taken <= RECORDS_UNDER_WAY_MAX && taken + 3_000 > RECORDS_UNDER_WAY_MAX);
    assert_eq!(handle.shared.records_under_way.load(Ordering::Relaxed), taken, "a refusal leaves no trace");

    // Questions have a limit of their own.
    let (asked, answered) = unbounded();
    let mut questions = 0;
    loop {
        let asked = asked.clone();
        let sink = move |_: Answered| asked.send(()).unwrap();
        match handle.ask(by_key("T1", None), Box::new(sink)) {
            Ok(()) => questions += 1,
            Err(refused) => break assert_eq!(refused, NotTaken::Overloaded),
        }
    }
    assert_eq!(questions, QUESTIONS_UNDER_WAY_MAX);

    // Then the queue itself.
    let mut single = 0;
    let room = RECORDS_UNDER_WAY_MAX - taken;
    while handle.submit(small(&handle, 1), Box::new(|_: &[Outcome], _: &mut Waiting<'_>| {})).is_ok() {
        single += 1;
    }
    assert_eq!(single, room.min(u64::try_from(QUEUE_LENGTH).unwrap() - questions - taken / 3_000));

    release.send(()).unwrap();
    drop((sender, asked));
    assert_eq!(answers.iter().sum::<usize>(), usize::try_from(taken).unwrap());
    assert_eq!(answered.iter().count(), usize::try_from(questions).unwrap());
    engine.stop();
    assert_eq!(handle.shared.records_under_way.load(Ordering::Relaxed), 0);
    assert_eq!(handle.shared.questions_under_way.load(Ordering::Relaxed), 0);
}

/// A queue full to its last place, and the engine is told to stop.
#[test]
fn a_stop_behind_a_full_queue_answers_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&config(&folder)).unwrap();
    let handle = engine.handle();
    begin_world(&handle);
    let release = hold_the_core(&handle);
    let (sender, answers) = unbounded();
    let answer = || {
        let mut writer = handle.commands(PrincipalNumber(1));
        crate::testing::answer(&mut writer, types::Sequence(1), None);
        writer
    };
    let mut taken = 0;
    // The last quarter is for answers of banks.
    let kinds: [&dyn Fn() -> RecordWriter; 2] = [&|| small(&handle, 1), &answer];
    for commands in kinds {
        loop {
            let sender = sender.clone();
            let sink = move |_: &[Outcome], _: &mut Waiting<'_>| sender.send(()).unwrap();
            match handle.submit(commands(), Box::new(sink)) {
                Ok(()) => taken += 1,
                Err(refused) => break assert_eq!(refused, NotTaken::Overloaded),
            }
        }
    }
    drop(sender);
    assert_eq!(taken, QUEUE_LENGTH);
    let stopping = std::thread::spawn(move || engine.stop());
    while handle.status().not_ready != Some(NotTaken::Stopping) {
        std::thread::yield_now();
    }
    release.send(()).unwrap();
    stopping.join().unwrap();
    assert_eq!(answers.iter().count(), taken);
    let refuse = |_: &[Outcome], _: &mut Waiting<'_>| panic!("nothing was taken");
    assert_eq!(handle.submit(small(&handle, 1), Box::new(refuse)), Err(NotTaken::Stopping));
    let asked = handle.ask(Question::TrialBalance, Box::new(|_: Answered| panic!("nobody is there")));
    assert_eq!(asked, Err(NotTaken::Stopping));
}

/// Four callers submit until they are told that the node stops. What was taken is answered, and what was answered is in
/// the log.
#[test]
fn submissions_that_race_with_a_stop_are_answered() {
    for round in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let config = config(&folder);
        let engine = start(&config).unwrap();
        let handle = engine.handle();
        begin_world(&handle);
        let accepted = handle.now();
        let (started, running) = bounded(4);
        let callers: Vec<_> = (0..4)
            .map(|caller| {
                let (handle, started) = (handle.clone(), started.clone());
                std::thread::spawn(move || {
                    let mut taken = Vec::new();
                    for count in 0_u32.. {
                        let id = format!("T{caller}-{count}");
                        let (sender, receiver) = bounded(1);
                        let sink = move |outcomes: &[Outcome], _: &mut Waiting<'_>| {
                            sender.send(outcomes[0].sequence).unwrap();
                        };
                        match handle.submit(payments(&handle, &[&id], accepted), Box::new(sink)) {
                            Ok(()) => taken.push((id, receiver)),
                            Err(NotTaken::Stopping) => break,
                            Err(refused) => assert_eq!(refused, NotTaken::Overloaded),
                        }
                        if count == 100 * (round + 1) {
                            started.send(()).unwrap();
                        }
                    }
                    taken
                })
            })
            .collect();
        running.recv().unwrap();
        engine.stop();
        let taken: Vec<(String, Receiver<Sequence>)> =
            callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect();
        let engine = start(&config).unwrap();
        let handle = engine.handle();
        for (id, receiver) in taken {
            let found = state(&ask(&handle, by_key(&id, None)));
            let sequence = receiver.try_recv().expect("what was taken is answered");
            assert!(found.is_some(), "{id} was answered");
            assert_eq!(state(&ask(&handle, Question::PaymentAt(sequence))), found);
        }
        engine.stop();
    }
}

#[test]
fn a_caller_that_goes_away_undoes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&config(&folder)).unwrap();
    let handle = engine.handle();
    begin_world(&handle);
    let release = hold_the_core(&handle);
    drop(submit(&handle, payments(&handle, &["T1"], handle.now())));
    release.send(()).unwrap();
    assert_eq!(state(&ask(&handle, by_key("T1", None))), Some(PaymentState::Settled));
    engine.stop();
}

/// What there is no room for is not taken; what there is room for still is.
#[test]
fn a_ledger_full_of_payments_takes_no_more_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&folder);
    config.limits.payments_max = 2;
    let engine = start(&config).unwrap();
    let handle = engine.handle();
    begin_world(&handle);
    submit(&handle, payments(&handle, &["T1", "T2"], handle.now())).recv().unwrap();
    // The flag is set at the end of a turn of the core thread; the second question is of a later turn.
    for _ in 0..2 {
        ask(&handle, by_key("T1", None));
    }
    let refused = |handle: &Handle| {
        let sink = |_: &[Outcome], _: &mut Waiting<'_>| panic!("nothing is taken");
        handle.submit(payments(handle, &["T3"], handle.now()), Box::new(sink))
    };
    assert_eq!(refused(&handle), Err(NotTaken::Full));
    submit(&handle, small(&handle, 1)).recv().unwrap();
    engine.stop();
    // A start knows it before anybody is let in.
    let engine = start(&config).unwrap();
    assert_eq!(refused(&engine.handle()), Err(NotTaken::Full));
    engine.stop();
}

/// Callers on several threads, each waiting for its answers: money is conserved and nothing hangs.
#[test]
fn many_callers_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&config(&folder)).unwrap();
    let handle = engine.handle();
    begin_world(&handle);
    let settled = Mutex::new(0);
    std::thread::scope(|scope| {
        for caller in 0..8 {
            let (handle, settled) = (&handle, &settled);
            scope.spawn(move || {
                for count in 0..50 {
                    let id = format!("T{}", (caller * 37 + count * 11) % 200);
                    let told = {
                        let mut writer = handle.commands(PrincipalNumber(1));
                        pay_stamped(&mut writer, &id, handle.now());
                        submit(handle, writer).recv().unwrap()
                    };
                    let is_first = told[0].repeat_of().is_none();
                    assert_eq!(state(&ask(handle, by_key(&id, None))), Some(PaymentState::Settled));
                    *settled.lock().unwrap() += u64::from(is_first);
                }
            });
        }
    });
    let Answer::TrialBalance { books, payments } = ask(&handle, Question::TrialBalance).answer else {
        panic!()
    };
    assert!(books.iter().all(|book| book.sum() == 0));
    assert_eq!(payments.settled, *settled.lock().unwrap());
    assert_eq!(payments.rejected, 0);
    engine.stop();
}
