//! The step on the real journal, over a folder in memory that loses power: what was answered stays answered.
//!
//! A life runs the same submissions from the first to the last; the machine stops at some operation. Whatever is
//! found on the disk then must agree with what was told, and sending everything again must end in the same state
//! as a life without a stop.

use std::collections::BTreeMap;

use journal::{Fault, Journal, LocalJournal, MemoryStorage, OpenError, SeededChoices, SegmentSize, Settings};
use ledger::{Outcome, RecordWriter, Verdict};
use types::{BatchNumber, Sequence, Timestamp};

use crate::testing::{
    LIMITS, MILLISECOND, Node, SECOND, Told, business, commands, identity, now, open, pay, post, register,
    replay, small, summary, world,
};
use crate::{Now, Replayer};

type MemoryNode = Node<LocalJournal<MemoryStorage>>;

/// What the callers know.
#[derive(Default)]
struct Known {
    replies: BTreeMap<u32, Vec<Outcome>>,
    /// The last frame that was applied, and the ledger after it.
    applied: Option<(BatchNumber, String)>,
}

/// Settled and refused payments, a repeat and a changed body, requests that are done and refused.
fn submissions(accepted: Timestamp) -> Vec<RecordWriter> {
    let payments = |payments: &[(&str, i64)]| {
        let mut writer = commands();
        payments.iter().for_each(|(id, cents)| pay(&mut writer, id, *cents, accepted));
        writer
    };
    let mut requests = commands();
    open(&mut requests, "A2");
    register(&mut requests, "C");
    post(&mut requests, "B9", 500);
    vec![
        world(),
        payments(&[("T1", 1000)]),
        payments(&[("T2", 40_000), ("T3", 10_000), ("T1", 1000)]),
        requests,
        payments(&[("T1", 1_100), ("T4", 9_000)]),
        small(5, 20),
        payments(&[("T5", 1), ("T6", 2)]),
    ]
}

fn open_journal(storage: &MemoryStorage, seed: u64) -> Result<LocalJournal<MemoryStorage>, OpenError> {
    let settings = || {
        let mut choices = SeededChoices::new(seed);
        // Eight blocks: the log rotates every few frames.
        let segment_size = SegmentSize::new(8 * 4096).unwrap();
        Settings { segment_size, entropy: Box::new(move || choices.bits()) }
    };
    match LocalJournal::open(storage.clone(), None, settings()) {
        Err(OpenError::NotAJournal { .. }) => LocalJournal::create(storage.clone(), identity(), settings()),
        opened => opened,
    }
}

/// Sends everything, in frames as `seed` has it, and stops at the end. `None` if the machine stops before.
fn live(storage: &MemoryStorage, at: Now, seed: u64, known: &mut Known) -> Option<MemoryNode> {
    let mut choices = SeededChoices::new(seed);
    let mut node = Node::start(open_journal(storage, seed).ok()?, at)?;
    let mut preparer = node.journal.preparer();
    let sent = (0..).zip(submissions(now().wall));
    let sent = sent.map(Some).chain([None]);
    for submission in sent {
        let is_last = submission.is_none();
        if let Some((ticket, commands)) = submission {
            node.submit(ticket, commands);
        }
        node.advance(MILLISECOND);
        // One frame for one submission or for several, or a marker in between.
        let went_on = match choices.bits() % 4 {
            _ if is_last => {
                node.step(crate::Event::Stop);
                node.write_all()
            }
            0 => true,
            1 if node.held.is_some() => node.write(),
            1 | 2 => {
                node.idle();
                true
            }
            _ => {
                let went_on = node.write_all();
                node.advance(10 * MILLISECOND);
                went_on && node.write_all()
            }
        };
        for told in node.told.drain(..) {
            match told {
                Told::Outcomes(ticket, outcomes) => {
                    assert!(known.replies.insert(ticket, outcomes).is_none(), "told once");
                }
                Told::Halt(_) | Told::Stopped => {}
                Told::Answer(..) | Told::LookUp(_) | Told::AskAgain(_) | Told::Late(_) => panic!("{told:?}"),
            }
        }
        let ledger = node.core.ledger();
        known.applied = Some((node.durable, summary(ledger)));
        let _ = preparer.step();
        if !went_on {
            return None;
        }
    }
    Some(node)
}

/// Checks a disk on which a life ended against what its callers know, then sends everything again.
fn recover(disk: &MemoryStorage, known: &Known, expected: &str, context: &str) {
    let mut journal = open_journal(disk, 900).unwrap_or_else(|error| panic!("{context}: {error}"));
    let mut replayer = Replayer::new(LIMITS);
    let mut at_applied = None;
    let read = journal.read(BatchNumber(0), &mut |frame, _| {
        replayer.frame(frame)?;
        if known.applied.as_ref().is_some_and(|(batch, _)| *batch == frame.header().batch) {
            at_applied = Some(summary(replayer.ledger()));
        }
        Ok(())
    });
    read.unwrap_or_else(|error| panic!("{context}: {error}"));
    assert_eq!(at_applied.as_ref(), known.applied.as_ref().map(|(_, state)| state), "{context}: the state");
    let last = replayer.ledger().position().sequence;
    drop(journal);

    let later = Now { monotonic: SECOND, wall: now().wall.plus(types::Duration::from_seconds(2)) };
    let mut after = Known::default();
    let mut node = live(disk, later, 3, &mut after).unwrap_or_else(|| panic!("{context}: no second life"));
    for (ticket, outcomes) in &known.replies {
        assert_same_answers(outcomes, &after.replies[ticket], last, context);
    }
    assert_eq!(business(node.core.ledger()), expected, "{context}: everything is applied once");
    node.core.ledger().validate();

    // What the first life left untold has been told by the second.
    let replayer = replay(&mut node.journal);
    assert_eq!(summary(replayer.ledger()), summary(node.core.ledger()), "{context}");
    assert_eq!(replayer.totals().outcomes_checked, replayer.totals().records, "{context}");
    assert_eq!(replayer.untold_count(), 0, "{context}");
}

/// A retry gets the stored answer: a payment or request that was decided is a repeat of that decision.
fn assert_same_answers(before: &[Outcome], after: &[Outcome], last: Sequence, context: &str) {
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(after) {
        assert!(before.sequence <= last, "{context}: an answered command is missing");
        let original = before.repeat_of().unwrap_or(before.sequence);
        let repeated = match (before.verdict, after.verdict) {
            (
                Verdict::Payment { state, reason, .. },
                Verdict::Payment { state: state_after, reason: reason_after, repeat_of },
            ) => {
                assert_eq!((state, reason), (state_after, reason_after), "{context}");
                // A changed body does not hold the key: each attempt is refused anew.
                if reason.is_some_and(|reason| reason.as_str() == "AM05") { continue } else { repeat_of }
            }
            (Verdict::Done { subject, .. }, Verdict::Done { subject: subject_after, repeat_of }) => {
                assert_eq!(subject, subject_after, "{context}");
                repeat_of
            }
            (Verdict::Refused { refusal, .. }, Verdict::Refused { refusal: refusal_after, repeat_of }) => {
                assert_eq!(refusal, refusal_after, "{context}");
                repeat_of
            }
            (before, after) => panic!("{context}: {before:?} became {after:?}"),
        };
        assert_eq!(repeated, Some(original), "{context}: {before:?} {after:?}");
        assert_eq!((after.decided_at, after.decided_time), (before.decided_at, before.decided_time));
    }
}

/// A life without a stop: its disk, what it told, and its end.
fn undisturbed(seed: u64) -> (MemoryStorage, Known, String) {
    let (storage, mut known) = (MemoryStorage::new(), Known::default());
    let node = live(&storage, now(), seed, &mut known).expect("nothing fails");
    let state = business(node.core.ledger());
    (storage, known, state)
}

#[test]
fn the_same_submissions_end_in_the_same_state_however_frames_are_cut() {
    let (_, known, expected) = undisturbed(0);
    for seed in 1..40 {
        let (storage, other, state) = undisturbed(seed);
        assert_eq!(state, expected, "seed {seed}");
        let verdicts = |known: &Known| -> Vec<_> {
            let entries = known.replies.values().flatten().map(Outcome::to_entry);
            entries
                .map(|entry| (entry.kind(), entry.payment_state(), entry.reason(), entry.refusal()))
                .collect()
        };
        assert_eq!(verdicts(&known), verdicts(&other));
        recover(&storage.after_power_loss(&mut |_| journal::Fate::Lose), &other, &expected, "after the end");
    }
}

#[test]
fn what_was_answered_survives_a_power_loss_at_every_operation() {
    let (_, _, expected) = undisturbed(0);
    for seed in 0..4 {
        let operations = undisturbed(seed).0.operations();
        assert!(operations.len() > 40, "{}", operations.len());
        for (index, operation) in operations.iter().enumerate() {
            let storage = MemoryStorage::new();
            storage.inject(index, Fault::PowerLoss);
            let mut known = Known::default();
            assert!(live(&storage, now(), seed, &mut known).is_none());
            for fates in 0..5 {
                let mut choices = SeededChoices::new(fates);
                let disk = storage.after_power_loss(&mut |_| choices.fate());
                let context = format!("seed {seed}, operation {index} ({operation:?}), fates {fates}");
                recover(&disk, &known, &expected, &context);
            }
        }
    }
}

#[test]
fn a_second_stop_in_the_recovery_loses_nothing_either() {
    let (whole, _, expected) = undisturbed(2);
    let half = whole.operations().len() / 2;
    for second in 0..40 {
        let storage = MemoryStorage::new();
        storage.inject(half, Fault::PowerLoss);
        let mut known = Known::default();
        assert!(live(&storage, now(), 2, &mut known).is_none());
        let mut choices = SeededChoices::new(second);
        let disk = storage.after_power_loss(&mut |_| choices.fate());
        disk.inject(usize::try_from(second).unwrap(), Fault::PowerLoss);
        let mut meanwhile = Known::default();
        let _ = live(&disk, now(), 1, &mut meanwhile);
        // The second life's frames follow the first's, so only the first's answers are compared.
        known.applied = None;
        let disk = disk.after_power_loss(&mut |_| choices.fate());
        recover(&disk, &known, &expected, &format!("second stop at operation {second}"));
    }
}
