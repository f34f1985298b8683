//! The engine with its threads: payments that wait for a bank, and those who wait for them and listen.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam::channel::{Receiver, Sender, bounded, unbounded};
use journal::MemoryStorage;
use ledger::{Outcome, PaymentAnswer, Verdict};
use types::{PaymentState, Sequence};

use super::tests::{ask, begin_world, config, hold_the_core, small, submit};
use super::*;
use crate::handle::ANSWERS_UNDER_WAY_MAX;
use crate::testing::{answer, bank, enter_remote, interest, pay, pay_remote};
use crate::{
    Answer, Banks, FinalSink, NotTaken, Notice, Outcomes, PaymentName, Question, Subscription, Taken, Waiting,
};

/// Passes on what it is told, with the tag.
struct Finals(Sender<(u32, Outcome)>);

impl FinalSink for Finals {
    fn take(&self, tag: u32, outcome: &Outcome) {
        self.0.send((tag, *outcome)).unwrap();
    }
}

fn begin(handle: &Handle) {
    begin_world(handle);
    let mut writer = handle.commands(PrincipalNumber(1));
    enter_remote(&mut writer);
    submit(handle, writer).recv().unwrap();
}

/// A payment to bank C, whose final outcome `finals` is told as well.
fn reserve(handle: &Handle, id: &str, tag: u32, finals: &Arc<Finals>) -> Outcome {
    let mut writer = handle.commands(PrincipalNumber(1));
    pay_remote(&mut writer, id, 100, handle.now());
    submit_waiting(handle, writer, tag, finals)
}

fn submit_waiting(handle: &Handle, writer: RecordWriter, tag: u32, finals: &Arc<Finals>) -> Outcome {
    let (sender, receiver) = bounded(1);
    let finals = Arc::clone(finals);
    let sink = move |outcomes: &[Outcome], waiting: &mut Waiting<'_>| {
        let payment = outcomes[0].repeat_of().unwrap_or(outcomes[0].sequence);
        waiting.wait(payment, finals, tag);
        sender.send(outcomes[0]).unwrap();
    };
    handle.submit(writer, Box::new(sink)).unwrap();
    receiver.recv().unwrap()
}

fn answers(handle: &Handle, payments: &[Sequence], no: Option<&str>) -> RecordWriter {
    let mut writer = handle.commands(PrincipalNumber(2));
    payments.iter().for_each(|payment| answer(&mut writer, *payment, no));
    writer
}

fn state(outcome: &Outcome) -> PaymentState {
    let Verdict::Payment { state, .. } = outcome.verdict else { panic!("{outcome:?}") };
    state
}

/// Listens as bank C; the receiver hears when there is something.
fn connect(handle: &Handle) -> (Subscription, Receiver<()>) {
    let (sender, woken) = unbounded();
    // Tests may look away.
    let wake = move || {
        let _ = sender.send(());
    };
    let subscription = handle.subscribe(interest("C", true, Outcomes::All), Box::new(wake)).unwrap();
    while subscription.starts_after().is_none() {
        woken.recv().unwrap();
    }
    (subscription, woken)
}

/// Waits until so many notices have come.
fn heard(subscription: &Subscription, woken: &Receiver<()>, count: usize) -> Vec<Notice> {
    let mut notices = Vec::new();
    loop {
        let taken = subscription.take(usize::MAX, &mut notices);
        assert!(matches!(taken, Taken::Given { .. }), "{taken:?}");
        if notices.len() >= count {
            return notices;
        }
        woken.recv().unwrap();
    }
}

#[test]
fn whoever_waits_is_told_the_final_outcome_once() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&config(&folder)).unwrap();
    let handle = engine.handle();
    begin(&handle);
    let (subscription, woken) = connect(&handle);
    let (sender, finals) = unbounded();
    let sink = Arc::new(Finals(sender));
    let accepted = handle.now();
    let again = || {
        let mut writer = handle.commands(PrincipalNumber(1));
        pay_remote(&mut writer, "T1", 100, accepted);
        writer
    };
    let first = submit_waiting(&handle, again(), 1, &sink);
    assert_eq!(state(&first), PaymentState::Reserved);
    let repeat = submit_waiting(&handle, again(), 2, &sink);
    assert_eq!((state(&repeat), repeat.repeat_of()), (PaymentState::Reserved, Some(first.sequence)));
    assert_eq!(finals.try_recv(), Err(crossbeam::channel::TryRecvError::Empty));
    let asked = heard(&subscription, &woken, 2);
    assert!(matches!(&asked[1], Notice::Asked { question, .. } if question.payment == first.sequence));

    let (enquirer, enquiry) = bounded(1);
    let question = Question::Final(PaymentName::At(first.sequence));
    handle.ask(question, Box::new(move |answered| enquirer.send(answered).unwrap())).unwrap();
    submit(&handle, answers(&handle, &[first.sequence], None)).recv().unwrap();
    for tag in [1, 2] {
        let (told, outcome) = finals.recv().unwrap();
        assert_eq!((told, outcome.sequence, state(&outcome)), (tag, first.sequence, PaymentState::Settled));
    }
    let Answer::Payment(PaymentAnswer::Found(found)) = enquiry.recv().unwrap().answer else { panic!() };
    assert_eq!(found.state(), PaymentState::Settled);
    // Who comes when it is over is told at once, and who waits for what never waited as well.
    let late = submit_waiting(&handle, again(), 3, &sink);
    assert_eq!(state(&late), PaymentState::Settled);
    let (told, outcome) = finals.recv().unwrap();
    assert_eq!((told, outcome.sequence, state(&outcome)), (3, first.sequence, PaymentState::Settled));
    assert_eq!(handle.finals_awaited(), 0);

    // Reserved and answered in one frame, which nobody can but who guesses the position.
    let release = hold_the_core(&handle);
    let mut writer = handle.commands(PrincipalNumber(1));
    pay_remote(&mut writer, "T2", 100, handle.now());
    (1..60).for_each(|ahead| answer(&mut writer, Sequence(late.sequence.0 + ahead), Some("AC04")));
    let (done, outcome) = bounded(1);
    let waiter = Arc::clone(&sink);
    let submitted = move |outcomes: &[Outcome], waiting: &mut Waiting<'_>| {
        waiting.wait(outcomes[0].sequence, waiter, 4);
        done.send(outcomes[0]).unwrap();
    };
    handle.submit(writer, Box::new(submitted)).unwrap();
    release.send(()).unwrap();
    let outcome = outcome.recv().unwrap();
    assert_eq!(state(&outcome), PaymentState::Reserved);
    let (told, last) = finals.recv().unwrap();
    assert_eq!((told, last.sequence, state(&last)), (4, outcome.sequence, PaymentState::Rejected));

    // What is open when the node stops is told by nobody.
    reserve(&handle, "T3", 5, &sink);
    drop(sink);
    engine.stop();
    drop((handle, subscription));
    assert!(finals.recv().is_err(), "each was told once, and then the sink is gone");
}

/// 300 payments, answered and not, then a restart: what was heard live is what the log tells, and what is open is
/// known.
#[test]
fn a_bank_that_comes_back_hears_what_it_missed() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let engine = start(&config).unwrap();
    let handle = engine.handle();
    begin(&handle);
    let (subscription, woken) = connect(&handle);
    let after = subscription.starts_after().unwrap();
    let mut writer = handle.commands(PrincipalNumber(1));
    (0..300).for_each(|index| pay_remote(&mut writer, &format!("T{index}"), 1, handle.now()));
    let payments: Vec<_> = submit(&handle, writer).recv().unwrap().iter().map(|paid| paid.sequence).collect();
    submit(&handle, answers(&handle, &payments[..100], None)).recv().unwrap();
    submit(&handle, answers(&handle, &payments[100..200], Some("AC04"))).recv().unwrap();
    let told = |notice: Notice| match notice {
        Notice::Outcome { outcome, .. } => Some((outcome.decided_at, outcome.sequence, state(&outcome))),
        Notice::Asked { .. }
        | Notice::Changed { .. }
        | Notice::Crossed(_)
        | Notice::Recall(_)
        | Notice::HoldExpired(_)
        | Notice::Exception(_)
        | Notice::Orders(_)
        | Notice::Request(_) => None,
    };
    let live: Vec<_> = heard(&subscription, &woken, 800).into_iter().filter_map(told).collect();
    assert_eq!(live.len(), 500);
    drop(subscription);
    engine.stop();

    let engine = start(&config).unwrap();
    let handle = engine.handle();
    let (subscription, _woken) = connect(&handle);
    let (log, upto) = (handle.log(), subscription.starts_after().unwrap());
    let banks = Banks::Listed(Box::new([bank("C")]));
    let (mut from, mut logged) = (after, Vec::new());
    while from < upto {
        // The newest follow within 10 ms.
        let read = log.decisions_after(from, upto, &banks, 50).unwrap();
        logged.extend(read.decisions.into_iter().map(|found| (found.decided_at, found.payment, found.state)));
        from = read.reached;
    }
    assert_eq!(logged, live);
    let open = Question::OpenQuestions { bank: bank("C"), from: None, count_max: 1000 };
    let Answer::OpenQuestions(Some(open)) = ask(&handle, open).answer else { panic!() };
    let open: Vec<_> = open.questions.iter().map(|(question, _)| question.payment).collect();
    assert_eq!(open, payments[200..]);
    let orders = log.orders_at(&open).unwrap();
    assert!(orders.iter().all(|order| order.as_ref().unwrap().creditor_agent() == Some(bank("C"))));
    engine.stop();
}

/// A listener that does not take costs nothing and begins anew where it left off, with the log for what lies between.
#[test]
fn a_listener_that_is_too_slow_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&config(&folder)).unwrap();
    let handle = engine.handle();
    begin(&handle);
    let (sender, woken) = unbounded();
    let wake = move || {
        let _ = sender.send(());
    };
    let small = crate::Interest { notices_max: 3, ..interest("B", false, Outcomes::All) };
    let subscription = handle.subscribe(small, Box::new(wake)).unwrap();
    while subscription.starts_after().is_none() {
        woken.recv().unwrap();
    }
    subscription.restart();
    assert!(subscription.starts_after().is_some(), "nothing is lost yet");
    let pay_one = |index| {
        let mut writer = handle.commands(PrincipalNumber(1));
        pay(&mut writer, &format!("T{index}"), 1, handle.now());
        submit(&handle, writer).recv().unwrap()[0].sequence
    };
    let payments: Vec<_> = (0..10).map(pay_one).collect();
    let (mut notices, mut position) = (Vec::new(), Sequence(0));
    let after = loop {
        match subscription.take(2, &mut notices) {
            Taken::Given { upto, more: true } => position = position.max(upto.unwrap()),
            Taken::Given { more: false, .. } => panic!("what was lost is told"),
            Taken::Lost { after } => break after,
        }
    };
    assert!(position <= after);
    assert_eq!(notices.len(), 3);
    assert!((payments[2]..payments[3]).contains(&after));
    // Drain what it was woken for, so that the next time is the restart's.
    while woken.try_recv().is_ok() {}
    subscription.restart();
    while subscription.starts_after().is_none() {
        woken.recv().unwrap();
    }
    let upto = subscription.starts_after().unwrap();
    assert!(upto >= payments[9]);
    let (mut from, mut missed) = (after, Vec::new());
    while from < upto {
        let read = handle.log().decisions_after(from, upto, &Banks::All, 4).unwrap();
        missed.extend(read.decisions.into_iter().map(|found| found.payment));
        from = read.reached;
    }
    assert_eq!(missed, payments[3..]);
    let last = pay_one(10);
    let heard = heard(&subscription, &woken, 1);
    assert!(matches!(&heard[..], [Notice::Outcome { outcome, .. }] if outcome.sequence == last));
    engine.stop();
}

#[test]
fn answers_are_taken_when_payments_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&config(&folder)).unwrap();
    let handle = engine.handle();
    begin(&handle);
    let (subscription, woken) = connect(&handle);
    let (sender, finals) = unbounded();
    let sink = Arc::new(Finals(sender));
    let payment = reserve(&handle, "T1", 1, &sink).sequence;
    heard(&subscription, &woken, 2);
    let shared = &handle.shared;
    let release = hold_the_core(&handle);
    let part = answers(&handle, &vec![payment; 2_000], None);
    for flag in [&shared.no_space, &shared.payments_full, &shared.requests_full, &shared.accounts_full] {
        flag.store(true, Ordering::Relaxed);
    }
    let admitted = shared.records_admitted_max.swap(0, Ordering::Relaxed);
    let refused = handle.submit(small(&handle, 1), Box::new(|_: &[Outcome], _: &mut Waiting<'_>| {}));
    assert_eq!(refused, Err(NotTaken::NoSpace));
    let (done, told) = unbounded();
    let mut taken = 0;
    let refused = loop {
        let done = done.clone();
        let sink = move |outcomes: &[Outcome], _: &mut Waiting<'_>| done.send(outcomes.len()).unwrap();
        match handle.submit(part.clone(), Box::new(sink)) {
            Ok(()) => taken += 2_000,
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused, NotTaken::Overloaded);
    assert_eq!(taken, ANSWERS_UNDER_WAY_MAX / 2_000 * 2_000);
    for (flag, reason) in
        [(&shared.no_space_for_answers, NotTaken::NoSpace), (&shared.clock_apart, NotTaken::ClockApart)]
    {
        flag.store(true, Ordering::Relaxed);
        let refused = handle.submit(part.clone(), Box::new(|_: &[Outcome], _: &mut Waiting<'_>| {}));
        assert_eq!(refused, Err(reason));
        flag.store(false, Ordering::Relaxed);
    }
    shared.records_admitted_max.store(admitted, Ordering::Relaxed);
    shared.no_space.store(false, Ordering::Relaxed);
    release.send(()).unwrap();
    drop(done);
    assert_eq!(told.iter().sum::<usize>(), usize::try_from(taken).unwrap());
    assert_eq!(state(&finals.recv().unwrap().1), PaymentState::Settled);
    engine.stop();
    assert_eq!(handle.shared.answers_under_way.load(Ordering::Relaxed), 0);
}

/// A disk with room for the segments there are and no more: payments end first, then answers, and what is open still
/// expires, because the rest of the last segment is left for that.
#[test]
fn a_full_disk_takes_answers_until_half_a_segment_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let storage = MemoryStorage::new();
    let settings = Settings { segment_size: config.segment_size, entropy: Box::new(tag) };
    let identity = crate::testing::identity();
    let journal = LocalJournal::create(storage.clone(), identity, settings).unwrap();
    let engine = start_on(journal, &config, &RecoveryProgress::default()).unwrap();
    let handle = engine.handle();
    begin(&handle);
    let (subscription, woken) = connect(&handle);
    let (sender, finals) = unbounded();
    let sink = Arc::new(Finals(sender));
    let payment = reserve(&handle, "T0", 1, &sink).sequence;
    // It has three seconds left.
    let mut writer = handle.commands(PrincipalNumber(1));
    pay_remote(&mut writer, "T1", 100, handle.now().minus(types::Duration::from_seconds(4)));
    let open = submit_waiting(&handle, writer, 2, &sink).sequence;
    heard(&subscription, &woken, 4);
    // Two segments are ready beside the one in use; there is no room for a fourth.
    storage.limit_space(Some(4 * config.segment_size.bytes()));
    let mut count = 0;
    let refused = loop {
        let mut writer = handle.commands(PrincipalNumber(1));
        pay(&mut writer, &format!("P{count}"), 1, handle.now());
        let (done, told) = bounded(1);
        let sink = move |_: &[Outcome], _: &mut Waiting<'_>| done.send(()).unwrap();
        match handle.submit(writer, Box::new(sink)) {
            Ok(()) => told.recv().unwrap(),
            Err(refused) => break refused,
        }
        count += 1;
    };
    assert_eq!(refused, NotTaken::NoSpace);
    submit(&handle, answers(&handle, &[payment], None)).recv().unwrap();
    assert_eq!(finals.recv().unwrap().0, 1);
    let refused = loop {
        let (done, told) = bounded(1);
        let sink = move |_: &[Outcome], _: &mut Waiting<'_>| done.send(()).unwrap();
        match handle.submit(answers(&handle, &vec![payment; 500], None), Box::new(sink)) {
            Ok(()) => told.recv().unwrap(),
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused, NotTaken::NoSpace);
    let (tag, expired) = finals.recv().unwrap();
    assert_eq!((tag, expired.sequence, state(&expired)), (2, open, PaymentState::Expired));
    engine.stop();
}

#[test]
fn whoever_ends_a_subscription_frees_what_waits_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&config(&folder)).unwrap();
    let handle = engine.handle();
    begin(&handle);
    let (sender, _finals) = unbounded();
    let sink = Arc::new(Finals(sender));
    let (subscription, woken) = connect(&handle);
    reserve(&handle, "T1", 1, &sink);
    // Twice: it was taken up, and then the payment came.
    woken.recv().unwrap();
    let outbox = Arc::clone(subscription.outbox());
    drop(subscription);
    let mut notices = Vec::new();
    assert_eq!(outbox.take(9, &mut notices), Taken::Given { upto: None, more: false });
    assert!(notices.is_empty());
    // Nothing is added behind that, whether the core thread has heard of it or not.
    reserve(&handle, "T2", 2, &sink);
    assert_eq!(outbox.take(9, &mut notices), Taken::Given { upto: None, more: false });
    engine.stop();
}

#[test]
fn questions_set_before_a_question_are_in_force_at_its_answer() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&config(&folder)).unwrap();
    let handle = engine.handle();
    begin(&handle);
    let (subscription, woken) = connect(&handle);
    subscription.set_questions(crate::Questions::NONE);
    let (sender, _finals) = unbounded();
    let sink = Arc::new(Finals(sender));
    let open = || {
        let (sender, answered) = unbounded();
        let question = Question::OpenQuestions { bank: bank("C"), from: None, count_max: 9 };
        handle
            .ask(question, Box::new(move |answered: crate::Answered| sender.send(answered).unwrap()))
            .unwrap();
        let crate::Answer::OpenQuestions(Some(open)) = answered.recv().unwrap().answer else { panic!() };
        open.questions.len()
    };
    // Within the grace time.
    assert_eq!(open(), 0);
    reserve(&handle, "T1", 1, &sink);
    subscription.set_questions(crate::Questions { debits: false, credits: true });
    assert_eq!(open(), 1);
    reserve(&handle, "T2", 2, &sink);
    // Both outcomes, and the second question.
    let notices = heard(&subscription, &woken, 3);
    let asked = notices.iter().filter(|notice| matches!(notice, Notice::Asked { .. })).count();
    assert_eq!((notices.len(), asked), (3, 1));
    engine.stop();
}
