//! The step by hand: frames, replies, room, halts. Its clocks, markers and questions are in `core_time_tests`.

use journal::{Append, FrameKind, Journal, MemoryFault, SealInput, Tail, Writer};
use ledger::{ParticipantStatus, Verdict};
use types::{Currency, PaymentState, Sequence};

use super::*;
use crate::Divergence;
use crate::testing::{
    Node, Told, bank, by_key, commands, iban, now, open, pay, payment, register, set_status, small, world,
};

fn balance_of_b1<J: Journal>(node: &Node<J>) -> i64 {
    let key = node.core.ledger().setup().unwrap().digest_key;
    let (_, account) = node.core.ledger().account(&key, iban("B1").as_str(), Currency::EUR).unwrap();
    account.balance()
}

fn header(node: &Node<impl Journal>) -> journal::FrameHeader {
    *node.held.as_ref().expect("a frame has been handed out").header()
}

#[test]
fn nothing_is_told_or_applied_before_the_frame_is_durable() {
    let mut node = Node::with_world();
    let before = node.core.ledger().position();
    node.submit(1, payment("T1", node.now.wall));
    assert!(node.held.is_none(), "a burst may go on");
    node.idle();
    node.ask(2, by_key("T1", None));
    node.advance(1_000_000);
    node.idle();
    assert!(node.told.is_empty(), "{:?}", node.told);
    assert_eq!(node.core.ledger().position(), before);
    assert_eq!(balance_of_b1(&node), 0);
    assert!(node.write());
    assert_eq!(balance_of_b1(&node), 100);
    assert!(matches!(&node.told[..], [Told::Outcomes(1, _), Told::Answer(2, _)]), "{:?}", node.told);
}

#[test]
fn a_burst_enters_one_frame_and_what_comes_meanwhile_the_next() {
    let mut node = Node::with_world();
    for ticket in 1..=3 {
        node.submit(ticket, payment(&format!("T{ticket}"), node.now.wall));
    }
    node.idle();
    assert_eq!(header(&node).record_count, 3);
    for ticket in 4..=5 {
        node.submit(ticket, payment(&format!("T{ticket}"), node.now.wall));
        node.idle();
        assert_eq!(header(&node).record_count, 3, "one frame is in flight, and it does not change");
    }
    assert!(node.write());
    assert_eq!(node.replied(), [1, 2, 3]);
    assert!(node.held.is_none(), "the next frame waits for the end of the burst as well");
    node.idle();
    let next = header(&node);
    assert_eq!((next.record_count, next.outcome_count), (2, 3), "the first frame's outcomes are told here");
    assert!(node.write());
    assert_eq!(node.replied(), [1, 2, 3, 4, 5]);
}

#[test]
fn each_gets_the_outcomes_of_its_own_commands_in_order() {
    let mut node = Node::with_world();
    let first = node.core.ledger().position().sequence.0 + 2;
    for (ticket, count) in [(7, 1), (3, 4), (9, 2)] {
        let mut writer = commands();
        for index in 0..count {
            pay(&mut writer, &format!("T{ticket}-{index}"), 100, node.now.wall);
        }
        node.submit(ticket, writer);
    }
    node.idle();
    assert!(node.write());
    assert_eq!(node.replied(), [7, 3, 9]);
    let mut sequence = first;
    for (told, count) in node.told.iter().zip([1, 4, 2]) {
        let Told::Outcomes(_, outcomes) = told else { panic!("{told:?}") };
        assert_eq!(outcomes.len(), count);
        for outcome in outcomes {
            assert_eq!(outcome.sequence, Sequence(sequence));
            let paid = i64::try_from(sequence - first + 1).unwrap() * 100;
            assert_eq!(outcome.balances[1], paid, "the payee's balance right after this payment");
            sequence += 1;
        }
    }
}

/// 2,500 small records are 160,000 bytes: three such submissions fit a frame, a fourth does not.
#[test]
fn a_submission_without_room_waits_and_enters_the_next_frame_with_room() {
    let mut node = Node::with_world();
    for ticket in 1..=3 {
        node.submit(ticket, small(ticket, 2_500));
        assert!(node.core.takes_submissions());
    }
    node.submit(4, small(4, 2_500));
    assert!(!node.core.takes_submissions(), "the frame is full");
    node.idle();
    assert_eq!(header(&node).record_count, 7_500);
    assert!(node.core.takes_submissions(), "the next frame fills while this one is written");
    for ticket in 5..=7 {
        node.submit(ticket, small(ticket, 2_500));
    }
    assert!(!node.core.takes_submissions(), "both frames are full");
    node.idle();
    assert!(node.write());
    assert!(!node.core.takes_submissions(), "only a sealed frame makes room");
    assert_eq!(node.replied(), [1, 2, 3]);
    assert!(node.write_all());
    assert!(node.core.takes_submissions());
    assert_eq!(node.replied(), [1, 2, 3, 4, 5, 6, 7]);
    node.advance(10_000_000);
    assert!(node.write_all());
    node.check_log();
}

/// Outcomes are as large as the smallest records, so full frames leave no room for those of the frame before.
#[test]
fn outcomes_that_do_not_fit_are_told_in_later_frames_once_and_in_order() {
    let mut node = Node::with_world();
    let mut untold_max = 0;
    for ticket in 0..24 {
        // A frame becomes durable only when the next one is full as well.
        while !node.core.takes_submissions() {
            match node.held {
                None => node.idle(),
                Some(_) => assert!(node.write()),
            }
            untold_max = untold_max.max(node.core.untold.len());
        }
        let commands = if ticket % 5 == 4 {
            payment(&format!("T{ticket}"), node.now.wall)
        } else {
            small(ticket, 2_333)
        };
        node.submit(ticket, commands);
    }
    assert!(untold_max > 6_000, "the test is about outcomes that find no room: {untold_max}");
    assert!(untold_max < 2 * 8_192, "what is untold is at most two frames: {untold_max}");
    assert!(node.write_all());
    assert_eq!(node.replied(), (0..24).collect::<Vec<_>>());
    let mut markers = 0;
    while node.wake_at.is_some() {
        node.advance(10_000_000);
        assert!(node.write_all());
        markers += 1;
        assert!(markers <= 3, "markers end");
    }
    assert!(node.journal.tail().ends_in_marker());
    node.check_log();
}

#[test]
fn a_submission_is_neither_empty_nor_larger_than_half_a_frame() {
    assert!(Submission::new(commands(), 1).is_err());
    // By outcomes: 64 bytes for each record in the frame after.
    assert!(Submission::new(small(1, 3_072), 1).is_ok());
    assert!(Submission::new(small(1, 3_073), 1).is_err());
    // By records and texts.
    let mut writer = commands();
    while writer.records().len() + writer.texts().len() <= Submission::<u32>::LENGTH_MAX {
        let name = format!("A{}", writer.count());
        open(&mut writer, &name);
    }
    assert!(Submission::new(writer, 1).is_err());
}

#[test]
fn a_failed_write_halts_and_tells_nothing() {
    for (fault, expected) in [
        (MemoryFault::RequestLost, "could not be written"),
        (MemoryFault::AnswerLost, "could not be written"),
        (MemoryFault::Refused, "the log took no frame"),
    ] {
        let mut node = Node::with_world();
        let before = node.core.ledger().position();
        node.submit(1, payment("T1", node.now.wall));
        node.idle();
        node.ask(2, by_key("T1", None));
        node.journal.inject(fault);
        assert!(!node.write());
        assert_halted(&node, expected);
        assert_eq!(node.core.ledger().position(), before);
    }
}

#[track_caller]
fn assert_halted(node: &Node<impl Journal>, expected: &str) {
    let [Told::Halt(reason)] = &node.told[..] else { panic!("{:?}", node.told) };
    assert!(reason.contains(expected), "{reason}");
}

#[test]
fn a_node_without_a_key_for_the_day_halts_rather_than_write_in_clear() {
    let mut node = Node::with_world();
    node.core.builder = FrameBuilder::sealing(2, Arc::default());
    let before = node.core.ledger().position();
    node.submit(1, small(1, 1));
    node.idle();
    assert!(node.write(), "what has no texts needs no key");
    node.told.clear();
    node.submit(2, payment("T1", node.now.wall));
    node.idle();
    assert!(node.held.is_none());
    assert_halted(&node, "there is no key for the personal data of");
    assert!(node.core.ledger().position().sequence > before.sequence);
}

#[test]
fn a_node_whose_log_was_claimed_halts() {
    let mut node = Node::with_world();
    node.submit(1, payment("T1", node.now.wall));
    node.idle();
    let tail = node.journal.tail();
    let mut builder = FrameBuilder::new(0);
    let mut epoch_start = builder.seal(&SealInput {
        kind: FrameKind::EpochStart,
        identity: node.journal.identity(),
        previous: tail,
        time: tail.time.plus(NANOSECOND),
        rules_version: ledger::RULES_VERSION,
        durable_mark: tail.batch,
        personal_key: 0,
    });
    let other = node.journal.claim(&tail, &mut epoch_start).unwrap();
    assert!(!node.write());
    assert_halted(&node, &format!("epoch {}", other.tail().epoch));
}

#[test]
fn a_log_that_ends_elsewhere_halts() {
    let mut node = Node::with_world();
    node.submit(1, payment("T1", node.now.wall));
    node.idle();
    let frame = node.held.take().unwrap();
    node.step(Event::Written(frame, Append::Conflict { tail: Tail::EMPTY }));
    assert_halted(&node, "batch 0");
}

/// A second genesis is a record of our own that does not apply: nothing of its frame is told.
#[test]
fn a_record_that_does_not_apply_halts() {
    let mut node = Node::with_world();
    node.submit(1, payment("T1", node.now.wall));
    let mut writer = commands();
    writer.genesis(node.journal.identity().cluster, node.journal.identity().incarnation);
    // No caller can submit one.
    node.step(Event::Submit(Submission { commands: writer, ticket: 2, held: None }));
    node.idle();
    node.write();
    assert_halted(&node, "genesis");
    let mut replayer = crate::Replayer::new(crate::testing::LIMITS);
    let read = node.journal.read(BatchNumber(0), &mut |frame, _| Ok(replayer.frame(frame)?));
    let journal::ReadError::Visit { source, .. } = read.unwrap_err() else { panic!("another error") };
    assert!(matches!(source.downcast_ref::<Divergence>(), Some(Divergence::Order { .. })), "{source}");
}

#[test]
fn the_directory_knows_before_the_reply_and_not_before_the_frame() {
    let mut node = Node::new();
    let digest = |node: &Node<_>| node.core.ledger().setup().unwrap().digest_key.iban(iban("A1").as_str());
    let digest = digest(&node);
    node.submit(1, world());
    node.idle();
    let mut writer = commands();
    set_status(&mut writer, "suspend-B", "B", ParticipantStatus::Suspended);
    register(&mut writer, "C");
    node.submit(2, writer);
    assert_eq!(node.directory.account(digest, Currency::EUR).0, 0);
    assert_eq!(node.directory.participant(bank("B")), None);
    // The harness reads the actions only when the step has returned, as the driver does.
    assert!(node.write());
    assert_eq!(node.replied(), [1]);
    assert_ne!(node.directory.account(digest, Currency::EUR).0, 0);
    assert_eq!(node.directory.participant(bank("B")).unwrap().status, ParticipantStatus::Active);
    assert_eq!(node.directory.participant(bank("C")), None);
    assert!(node.write_all());
    assert_eq!(node.directory.participant(bank("B")).unwrap().status, ParticipantStatus::Suspended);
    assert!(node.directory.participant(bank("C")).is_some());

    // A restart fills it with the same.
    let again = Node::start(node.journal.clone(), now()).unwrap();
    assert_eq!(again.directory.account(digest, Currency::EUR), node.directory.account(digest, Currency::EUR));
    for letter in ["A", "B", "C", "D"] {
        assert_eq!(again.directory.participant(bank(letter)), node.directory.participant(bank(letter)));
    }
}

#[test]
fn a_retry_in_the_same_frame_gets_the_first_ones_answer() {
    let mut node = Node::with_world();
    for ticket in 1..=2 {
        node.submit(ticket, payment("T1", now().wall));
    }
    assert!(node.write_all());
    let [Told::Outcomes(1, first), Told::Outcomes(2, second)] = &node.told[..] else { panic!() };
    let settled = |repeat_of| Verdict::Payment { state: PaymentState::Settled, reason: None, repeat_of };
    assert_eq!(first[0].verdict, settled(None));
    assert_eq!(second[0].verdict, settled(Some(first[0].sequence)));
    assert_eq!(balance_of_b1(&node), 100);
}
