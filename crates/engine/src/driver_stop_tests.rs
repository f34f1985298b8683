//! How the threads end: nobody who was let in is left behind.

use crossbeam::channel::bounded;
use ledger::Outcome;

use super::*;
use crate::event::Submission;
use crate::start::start;
use crate::start::tests::{begin_world, config};
use crate::testing::small;
use crate::{NotTaken, Waiting};

/// Somebody has been let in and not come to the queue yet when everything else is done: the engine waits.
#[test]
fn a_stop_leaves_nobody_behind_who_was_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&config(&folder)).unwrap();
    let handle = engine.handle();
    begin_world(&handle);
    let (sender, answer) = bounded(1);
    let sink = move |outcomes: &[Outcome], _: &mut Waiting<'_>| sender.send(outcomes.len()).unwrap();
    handle.shared.records_under_way.fetch_add(1, Ordering::SeqCst);
    let stopping = std::thread::spawn(move || engine.stop());
    while !handle.shared.is_closed.load(Ordering::SeqCst) && !stopping.is_finished() {
        std::thread::yield_now();
    }
    for _ in 0..10_000 {
        assert!(!stopping.is_finished(), "it would never be answered");
        std::thread::yield_now();
    }
    let ticket = Ticket::Outcomes { sink: Box::new(sink), is_answers: false, length: 0, received: 0 };
    let submission = Submission::new(small(1, 1), ticket).unwrap();
    assert!(handle.events.send(Event::Submit(submission)).is_ok());
    stopping.join().unwrap();
    assert_eq!(answer.try_recv(), Ok(1));
    let refuse = |_: &[Outcome], _: &mut Waiting<'_>| panic!("nothing was taken");
    assert_eq!(handle.submit(small(1, 1), Box::new(refuse)), Err(NotTaken::Stopping));
}
