//! What a handle takes and what it does not, without an engine behind it.

use crossbeam::channel::{Receiver, bounded};

use super::*;
use crate::subscription::SUBSCRIPTIONS_MAX;
use crate::testing::{by_key, commands, identity, small};

/// A handle whose queue has this many places, and the queue's other end.
pub(crate) fn handle(places: usize) -> (Handle, Receiver<Event<Ticket>>) {
    let (events, queue) = bounded(places);
    let key = DigestKey::new([7; 16]);
    let log = Arc::new(journal::MemoryJournal::new(identity()));
    (
        Handle::new(
            events,
            Arc::new(Directory::default()),
            key,
            Lives::first(identity().incarnation),
            identity().cluster,
            log,
        ),
        queue,
    )
}

fn submit(handle: &Handle, commands: RecordWriter) -> Result<(), NotTaken> {
    handle.submit(commands, Box::new(|_: &[Outcome], _: &mut Waiting<'_>| panic!("nobody takes the queue")))
}

fn ask(handle: &Handle) -> Result<(), NotTaken> {
    handle.ask(by_key("T1", None), Box::new(|_: Answered| panic!("nobody takes the queue")))
}

fn under_way(handle: &Handle) -> (u64, u64) {
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    (count(&handle.shared.records_under_way), count(&handle.shared.questions_under_way))
}

#[test]
fn a_node_that_is_not_ready_says_why_and_still_answers() {
    let (handle, _queue) = handle(8);
    assert_eq!(handle.status(), Status { not_ready: None, late_confirmations: 0 });
    let shared = Arc::clone(&handle.shared);
    // From the least to the most urgent: what is told is the most urgent.
    for (flag, reason) in [
        (&shared.no_space, NotTaken::NoSpace),
        (&shared.clock_apart, NotTaken::ClockApart),
        (&shared.stopping, NotTaken::Stopping),
    ] {
        flag.store(true, Ordering::Relaxed);
        assert_eq!(handle.status().not_ready, Some(reason));
        assert_eq!(submit(&handle, small(1, 1)), Err(reason));
        assert_eq!(ask(&handle), Ok(()));
    }
    assert_eq!(under_way(&handle), (0, 3));
}

#[test]
fn a_full_queue_or_none_leaves_no_trace_of_what_was_not_taken() {
    let (handle, queue) = handle(2);
    assert_eq!((submit(&handle, small(1, 5)), ask(&handle)), (Ok(()), Ok(())));
    let overloaded = Err(NotTaken::Overloaded);
    assert_eq!((submit(&handle, small(2, 7)), ask(&handle)), (overloaded, overloaded));
    assert_eq!(under_way(&handle), (5, 1));
    drop(queue);
    let stopping = Err(NotTaken::Stopping);
    assert_eq!((submit(&handle, small(3, 7)), ask(&handle)), (stopping, stopping));
    assert_eq!(under_way(&handle), (5, 1));
}

#[test]
fn the_last_record_within_the_limit_is_taken_and_the_next_is_not() {
    let (handle, _queue) = handle(QUEUE_LENGTH);
    handle.shared.records_under_way.store(RECORDS_UNDER_WAY_MAX - 3, Ordering::Relaxed);
    assert_eq!(submit(&handle, small(1, 4)), Err(NotTaken::Overloaded));
    assert_eq!(submit(&handle, small(2, 3)), Ok(()));
    assert_eq!(submit(&handle, small(3, 1)), Err(NotTaken::Overloaded));
    assert_eq!(under_way(&handle).0, RECORDS_UNDER_WAY_MAX);
}

#[test]
fn payments_wait_while_too_many_wait_for_theirs() {
    let (handle, _queue) = handle(8);
    let payment = || crate::testing::payment("T1", crate::testing::now().wall);
    handle.shared.finals_awaited.store(FINALS_AWAITED_MAX, Ordering::Relaxed);
    assert_eq!(submit(&handle, payment()), Err(NotTaken::Overloaded));
    assert_eq!(submit(&handle, small(1, 1)), Ok(()));
    handle.shared.finals_awaited.store(FINALS_AWAITED_MAX - 1, Ordering::Relaxed);
    assert_eq!(submit(&handle, payment()), Ok(()));
}

/// Questions that wait for seconds take no place of those that don't.
#[test]
fn questions_for_the_end_of_a_payment_have_a_bound_of_their_own() {
    let (handle, _queue) = handle(8);
    let at_the_end = || {
        let question = Question::Final(crate::PaymentName::At(Sequence(9)));
        handle.ask(question, Box::new(|_: Answered| panic!("nobody takes the queue")))
    };
    handle.shared.questions_under_way.store(QUESTIONS_UNDER_WAY_MAX, Ordering::Relaxed);
    assert_eq!((ask(&handle), at_the_end()), (Err(NotTaken::Overloaded), Ok(())));
    handle.shared.questions_under_way.store(0, Ordering::Relaxed);
    handle.shared.final_questions_under_way.store(FINAL_QUESTIONS_UNDER_WAY_MAX, Ordering::Relaxed);
    assert_eq!((ask(&handle), at_the_end()), (Ok(()), Err(NotTaken::Overloaded)));
}

#[test]
fn subscriptions_have_a_limit_and_give_their_place_back() {
    let (handle, queue) = handle(1);
    let interest = || crate::testing::interest("A", false, crate::Outcomes::All);
    let subscribe = || handle.subscribe(interest(), Box::new(|| ()));
    let mut all: Vec<_> = (0..SUBSCRIPTIONS_MAX).map(|_| subscribe().expect("there is room")).collect();
    assert!(matches!(subscribe(), Err(NotTaken::Overloaded)));
    // A queue that is full, or gone, stands in nobody's way.
    drop(queue);
    all.pop();
    let last = subscribe().expect("there is room again");
    assert_eq!(last.starts_after(), None);
    handle.shared.stopping.store(true, Ordering::Relaxed);
    assert!(matches!(subscribe(), Err(NotTaken::Stopping)));
}

#[test]
fn nothing_to_do_is_not_taken() {
    let (handle, queue) = handle(1);
    assert_eq!(submit(&handle, commands()), Err(NotTaken::TooLarge));
    assert!(queue.is_empty());
}

/// So many documents of 64 KiB.
fn enter_evidence(writer: &mut RecordWriter, count: usize) {
    for _ in 0..count {
        writer.evidence(&ledger::Evidence {
            about: ledger::About::NoPayment,
            passage: ledger::Passage::Received,
            message_name: ledger::MessageName::parse("pacs.028.001.03").unwrap(),
            counterpart: None,
            document_length: 60 * 1024,
            compressed: vec![7; 60 * 1024],
        });
    }
}

fn answer(evidence: usize) -> RecordWriter {
    let mut writer = commands();
    crate::testing::answer(&mut writer, Sequence(1), None);
    enter_evidence(&mut writer, evidence);
    writer
}

#[test]
fn evidence_goes_with_answers_in_measure_and_else_as_payments_do() {
    let (handle, _queue) = handle(QUEUE_LENGTH);
    let evidence = |count| {
        let mut writer = commands();
        enter_evidence(&mut writer, count);
        writer
    };
    handle.shared.no_space.store(true, Ordering::Relaxed);
    for (commands, expected) in [
        (evidence(1), Err(NotTaken::NoSpace)),
        (answer(0), Ok(())),
        (answer(2), Ok(())),
        (answer(3), Err(NotTaken::NoSpace)),
    ] {
        assert_eq!(submit(&handle, commands), expected);
    }
    handle.shared.no_space.store(false, Ordering::Relaxed);
    handle.shared.records_under_way.store(RECORDS_UNDER_WAY_MAX, Ordering::Relaxed);
    assert_eq!(submit(&handle, evidence(1)), Err(NotTaken::Overloaded));
    handle.shared.records_under_way.store(0, Ordering::Relaxed);
    // What comes with answers counts among the bytes, and has a bound of its own.
    while submit(&handle, evidence(2)).is_ok() {}
    let mut taken = 0;
    while submit(&handle, answer(2)).is_ok() {
        taken += 1;
    }
    let bytes = handle.shared.bytes_under_way.load(Ordering::Relaxed);
    assert!(bytes <= BYTES_WITH_ANSWERS_MAX && bytes > BYTES_WITH_ANSWERS_MAX - (128 << 10), "{bytes}");
    assert!(taken >= BYTES_UNDER_WAY_MAX / (128 << 10), "{taken}");
}

#[test]
fn answers_find_room_in_a_queue_that_is_full_for_others() {
    let (handle, queue) = handle(8);
    for _ in 0..7 {
        assert_eq!(submit(&handle, small(1, 1)), Ok(()));
    }
    let overloaded = Err(NotTaken::Overloaded);
    assert_eq!((submit(&handle, small(1, 1)), ask(&handle)), (overloaded, overloaded));
    assert_eq!(submit(&handle, answer(0)), Ok(()));
    assert_eq!(submit(&handle, answer(0)), overloaded);
    assert_eq!((queue.len(), under_way(&handle)), (8, (7, 0)));
}

#[test]
fn questions_take_places_by_what_they_list() {
    let (handle, _queue) = handle(QUEUE_LENGTH);
    let page = || {
        let question =
            Question::OpenQuestions { bank: crate::testing::bank("C"), from: None, count_max: 9000 };
        handle.ask(question, Box::new(|_: Answered| panic!("nobody takes the queue")))
    };
    let taken = (0..QUESTIONS_UNDER_WAY_MAX).take_while(|_| page().is_ok()).count();
    assert_eq!(taken, 127);
    assert_eq!(under_way(&handle).1, 127 * 129);
    assert_eq!(ask(&handle), Ok(()));
}
