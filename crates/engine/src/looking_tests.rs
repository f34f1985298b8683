//! Looks on disk: never on an edge's thread, within bounds, and nothing is lost where they fail.

// A thread that looks, as the engine has one.
#![allow(clippy::disallowed_methods)]

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::ThreadId;

use crossbeam::channel::{Receiver, bounded};
use journal::{Filter, RUN_ENTRY_LENGTH, RunError, RunFacts, RunReader};
use ledger::{AskedFor, Outcome, RecordWriter};
use types::Sequence;

use super::*;
use crate::handle::tests::handle;
use crate::handle::{Handle, LOOKS_UNDER_WAY_MAX, RECORDS_UNDER_WAY_MAX};
use crate::testing::{commands, now, pay, payment};
use crate::{NotTaken, Waiting};

/// A run whose filter holds some keys and that has none of them, on a disk that no edge may wait for.
#[derive(Debug)]
struct Disk {
    facts: RunFacts,
    filter: Filter,
    edge: ThreadId,
    reads: AtomicU64,
    is_damaged: bool,
}

impl Disk {
    /// The only run of a node; its filter holds the keys of these commands.
    fn of(handle: &Handle, commands: &RecordWriter, is_damaged: bool) -> Arc<Self> {
        let mut filter = Filter::for_keys(9);
        for asked in commands.asked_for(Sequence(5)) {
            let AskedFor::Key { hash, .. } = asked else { panic!("{asked:?}") };
            filter.add(hash);
        }
        let facts = RunFacts {
            number: 1,
            after: Sequence(0),
            upto: Sequence(5),
            newest_time: now().wall,
            payments: 9,
            hash: [0; 32],
        };
        let edge = std::thread::current().id();
        let disk = Arc::new(Self { facts, filter, edge, reads: AtomicU64::new(0), is_damaged });
        let reader: Arc<dyn RunReader> = disk.clone();
        handle.shared.duplicates.set(facts.upto, vec![reader]);
        disk
    }

    fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }
}

impl RunReader for Disk {
    fn facts(&self) -> &RunFacts {
        &self.facts
    }

    fn filter(&self) -> &Filter {
        &self.filter
    }

    fn find_key(
        &self,
        _: u64,
        _: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Option<[u8; RUN_ENTRY_LENGTH]>, RunError> {
        assert!(std::thread::current().id() != self.edge, "an edge waits for no disk");
        self.reads.fetch_add(1, Ordering::Relaxed);
        if self.is_damaged { Err(RunError::Damaged { number: 1, page: 7 }) } else { Ok(None) }
    }

    fn find_position(&self, _: Sequence) -> Result<Option<[u8; RUN_ENTRY_LENGTH]>, RunError> {
        self.find_key(0, &|_| true)
    }
}

fn submit(handle: &Handle, commands: RecordWriter) -> Result<Receiver<()>, NotTaken> {
    let (sender, told) = bounded(1);
    let sink = move |_: &[Outcome], _: &mut Waiting<'_>| sender.send(()).unwrap();
    handle.submit(commands, Box::new(sink)).map(|()| told)
}

/// What is taken by records, bytes and looks.
fn under_way(handle: &Handle) -> [u64; 3] {
    let shared = &handle.shared;
    [&shared.records_under_way, &shared.bytes_under_way, &shared.looks_under_way]
        .map(|count| count.load(Ordering::Relaxed))
}

/// Lets the thread do what is there.
fn look_up_all(handle: &Handle) {
    handle.shared.looking.end();
    let (shared, events) = (Arc::clone(&handle.shared), handle.events.clone());
    std::thread::spawn(move || look(&shared, &events)).join().unwrap();
}

fn submitted(queue: &Receiver<Event<Ticket>>) -> Option<Submission<Ticket>> {
    let Ok(Event::Submit(submission)) = queue.try_recv() else { return None };
    Some(submission)
}

#[test]
fn an_edge_asks_the_filters_and_leaves_the_disk_to_another_thread() {
    let (handle, queue) = handle(8);
    let known = payment("T1", now().wall);
    let disk = Disk::of(&handle, &known, false);

    let other = payment("T2", now().wall);
    let mut expected = other.clone();
    expected.set_evidence(Sequence(5), &[]);
    let _told = submit(&handle, other).unwrap();
    let commands = submitted(&queue).expect("nothing of it can be on disk").commands;
    assert_eq!((commands.records(), disk.reads()), (expected.records(), 0));

    let mut expected = known.clone();
    expected.set_evidence(Sequence(5), &[]);
    let length = u64::try_from(known.length()).unwrap();
    let before = under_way(&handle);
    let _told = submit(&handle, known).unwrap();
    assert!(submitted(&queue).is_none(), "it is looked up first");
    let taken = [1, length + 128, 1];
    assert_eq!(under_way(&handle), std::array::from_fn(|place| before[place] + taken[place]));
    look_up_all(&handle);
    let commands = submitted(&queue).expect("it has been looked up").commands;
    assert_eq!((commands.records(), disk.reads()), (expected.records(), 1));
    assert_eq!(under_way(&handle)[2], 0, "and its place among the looks is free");
}

#[test]
fn what_is_refused_touches_no_disk_and_leaves_no_trace() {
    let (handle, queue) = handle(8);
    let known = payment("T1", now().wall);
    let disk = Disk::of(&handle, &known, false);
    let shared = &handle.shared;
    for (count, most) in
        [(&shared.records_under_way, RECORDS_UNDER_WAY_MAX), (&shared.looks_under_way, LOOKS_UNDER_WAY_MAX)]
    {
        count.store(most, Ordering::Relaxed);
        let before = under_way(&handle);
        assert_eq!(submit(&handle, known.clone()).unwrap_err(), NotTaken::Overloaded);
        assert_eq!(under_way(&handle), before);
        count.store(0, Ordering::Relaxed);
    }
    shared.is_closed.store(true, Ordering::Relaxed);
    assert_eq!(submit(&handle, known).unwrap_err(), NotTaken::Stopping);
    assert_eq!(under_way(&handle), [0; 3]);
    look_up_all(&handle);
    assert_eq!((disk.reads(), submitted(&queue).is_none()), (0, true));
}

/// A bank sends a file again, and every one of its payments is on disk: what they bring along makes no part too large.
#[test]
fn a_whole_part_of_payments_on_disk_is_taken() {
    let (handle, queue) = handle(8);
    let mut part = commands();
    for id in 0..512 {
        pay(&mut part, &format!("T{id}"), 1, now().wall);
    }
    let disk = Disk::of(&handle, &part, false);
    let length = u64::try_from(part.length()).unwrap() + 512 * 128;
    assert!(length > u64::try_from(Submission::<Ticket>::LENGTH_MAX).unwrap());
    let _told = submit(&handle, part).unwrap();
    assert_eq!(under_way(&handle), [512, length, 512]);
    look_up_all(&handle);
    assert_eq!((disk.reads(), submitted(&queue).is_some()), (512, true));
}

#[test]
fn what_cannot_be_looked_up_gives_its_places_back() {
    let (handle, queue) = handle(8);
    let known = payment("T1", now().wall);
    let disk = Disk::of(&handle, &known, true);
    let told = submit(&handle, known.clone()).unwrap();
    look_up_all(&handle);
    assert!(told.recv().is_err(), "nobody can say what came of it");
    assert_eq!((disk.reads(), submitted(&queue).is_none()), (1, true));
    assert_eq!(under_way(&handle), [0; 3]);
    assert_eq!(submit(&handle, known).unwrap_err(), NotTaken::DuplicatesUnreadable);
}
