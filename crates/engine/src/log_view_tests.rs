//! What the log tells, against what was told live.

use ledger::{Evidence, MessageName, ParticipantStatus, Passage, RecordWriter, RefusedBody, RefusedPayment};
use proptest::prelude::*;
use types::Timestamp;

use super::reading::NOT_ENTITLED;
use super::*;
use crate::Interest;
use crate::subscription::{Notice, Outbox, Outcomes};
use crate::testing::{
    MILLISECOND, Node, SECOND, answer, bank, commands, enter_remote, interest, pay, pay_remote, set_status,
    take_all,
};

type MemoryNode = Node<journal::MemoryJournal>;

fn node() -> MemoryNode {
    let mut node = Node::with_world();
    let mut writer = commands();
    enter_remote(&mut writer);
    node.submit(0, writer);
    assert!(node.write_all());
    node
}

fn quiet(node: &mut MemoryNode) {
    for _ in 0..3 {
        assert!(node.write_all());
        node.advance(10 * MILLISECOND);
    }
    assert!(node.write_all());
    // What has become due at the very end is told by a later frame.
    for _ in 0..3 {
        if node.core.told() < node.core.ledger().position().sequence {
            node.advance(10 * MILLISECOND);
            assert!(node.write_all());
        }
    }
}

fn view(node: &MemoryNode) -> LogView {
    LogView::new(Arc::new(node.journal.clone()), Arc::new(AtomicU64::new(node.core.told().0)))
}

fn banks(letters: &[&str]) -> Banks {
    Banks::Listed(letters.iter().map(|letter| bank(letter)).collect())
}

fn listen(node: &mut MemoryNode, id: u64, banks: Banks) -> Arc<Outbox> {
    let questions = banks == self::banks(&["C"]);
    node.subscribe(id, Interest { banks, ..interest("A", questions, Outcomes::All) })
}

/// A decision in the form in which both sides tell it.
type Told = (Sequence, Sequence, PaymentState, Option<ReasonCode>);

fn live(outbox: &Outbox) -> Vec<Told> {
    let told = |notice: Notice| match notice {
        Notice::Outcome { outcome, .. } => {
            let ledger::Verdict::Payment { state, reason, repeat_of: None } = outcome.verdict else {
                panic!("{outcome:?}")
            };
            Some((outcome.decided_at, outcome.sequence, state, reason))
        }
        Notice::Asked { .. }
        | Notice::Changed { .. }
        | Notice::Crossed(_)
        | Notice::Recall(_)
        | Notice::HoldExpired(_)
        | Notice::Exception(_)
        | Notice::Orders(_)
        | Notice::Request(_) => None,
    };
    take_all(outbox).into_iter().filter_map(told).collect()
}

/// Everything that the log tells between two positions, in parts of so many.
fn logged(view: &LogView, after: Sequence, upto: Sequence, banks: &Banks, count_max: usize) -> Vec<Told> {
    let mut told = Vec::new();
    let mut from = after;
    while from < upto {
        let Decisions { decisions, reached, .. } =
            view.decisions_after(from, upto, banks, count_max).unwrap();
        assert!(reached > from, "nothing more is told after {from}, and {upto} is wanted");
        assert!(decisions.iter().all(|found| found.decided_at > from && found.decided_at <= reached));
        for found in decisions {
            assert_eq!(found.order.transaction_id(), found.order.order().unwrap().transaction_id);
            told.push((found.decided_at, found.payment, found.state, found.reason));
        }
        from = reached;
    }
    assert_eq!(from, upto);
    told
}

/// One thing that happens.
#[derive(Clone, Debug)]
enum Happens {
    Pay { is_remote: bool, id: u32 },
    Answer { which: usize, rejects: bool },
    Seal,
    Write,
    Wait(i64),
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        4 => (any::<bool>(), 0_u32..40).prop_map(|(is_remote, id)| Happens::Pay { is_remote, id }),
        3 => (0_usize..12, any::<bool>()).prop_map(|(which, rejects)| Happens::Answer { which, rejects }),
        2 => Just(Happens::Seal),
        3 => Just(Happens::Write),
        2 => (0..3 * SECOND).prop_map(Happens::Wait),
    ]
}

fn happen(node: &mut MemoryNode, what: &Happens, ticket: u32, accepted: Timestamp) {
    let mut writer = commands();
    match what {
        // The same id again is a repeat, or a changed body.
        Happens::Pay { is_remote: false, id } => pay(&mut writer, &format!("T{id}"), 100, accepted),
        Happens::Pay { is_remote: true, id } => pay_remote(&mut writer, &format!("T{id}"), 100, accepted),
        Happens::Answer { which, rejects } => {
            let number = node.core.ledger().participant(bank("C")).unwrap().1.bic();
            let open = node.core.ledger().open_questions(number, None, 12).unwrap().questions;
            let payment = open.get(*which).map_or(Sequence(9), |question| question.payment);
            answer(&mut writer, payment, rejects.then_some("AC04"));
        }
        Happens::Seal => return node.idle(),
        Happens::Write if node.held.is_some() => return assert!(node.write()),
        Happens::Write => return,
        Happens::Wait(span) => return node.advance(*span),
    }
    node.submit(ticket, writer);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// What a subscription heard is what the log tells of the same range, whatever banks, place and parts.
    #[test]
    fn the_log_tells_what_was_told_live(
        steps in proptest::collection::vec(happens(), 1..120),
        count_max in 1_usize..20,
        skipped in 0_usize..30,
    ) {
        let mut node = node();
        let all = [Banks::All, banks(&["C"]), banks(&["B"]), banks(&["A", "C"])];
        let outboxes: Vec<_> = (0..).zip(&all).map(|(id, banks)| listen(&mut node, id, banks.clone())).collect();
        let after = outboxes[0].starts_after().unwrap();
        let accepted = node.now.wall;
        for (ticket, step) in (1..).zip(&steps) {
            happen(&mut node, step, ticket, accepted);
        }
        if node.held.is_some() {
            assert!(node.write());
        }
        quiet(&mut node);
        let upto = node.core.ledger().position().sequence;
        let view = view(&node);
        prop_assert_eq!(node.core.told(), upto);
        for (banks, outbox) in all.iter().zip(&outboxes) {
            let heard = live(outbox);
            prop_assert_eq!(&logged(&view, after, upto, banks, count_max), &heard);
            // From a place in the middle, as if everything up to there had been processed.
            if let Some(&(processed, ..)) = heard.get(skipped) {
                let rest: Vec<_> = heard.into_iter().filter(|told| told.0 > processed).collect();
                prop_assert_eq!(logged(&view, processed, upto, banks, count_max), rest);
            }
        }
        node.check_log();
    }
}

/// More is due than a tick ends, and an answer meets a payment that waits behind it: the payment was decided by the
/// tick, before the command in front of the answer.
#[test]
fn what_a_command_finds_expired_is_told_at_the_place_of_the_tick() {
    let mut node = node();
    let outbox = listen(&mut node, 1, banks(&["C"]));
    let after = outbox.starts_after().unwrap();
    let accepted = node.now.wall;
    for ticket in 0..10 {
        let mut writer = commands();
        (0..500).for_each(|index| pay_remote(&mut writer, &format!("T{ticket}-{index}"), 1, accepted));
        node.submit(ticket, writer);
        assert!(node.write_all());
    }
    quiet(&mut node);
    let open = node.core.ledger().open_questions(bank("C"), None, 5000).unwrap().questions;
    let last = open.last().unwrap().payment;
    node.advance(8 * SECOND);
    let mut writer = commands();
    pay_remote(&mut writer, "T", 1, node.now.wall);
    answer(&mut writer, last, None);
    node.submit(11, writer);
    quiet(&mut node);
    let heard = live(&outbox);
    assert!(heard.is_sorted_by_key(|told| told.0));
    let at =
        |payment| heard.iter().position(|told| told.1 == payment && told.2 == PaymentState::Expired).unwrap();
    let reserved = heard.iter().position(|told| told.1 == node.outcomes_of(11)[0].sequence).unwrap();
    assert_eq!(at(last) + 1, reserved);
    for count_max in [1, 4097, 1 << 20] {
        assert_eq!(
            logged(&view(&node), after, node.core.ledger().position().sequence, &banks(&["C"]), count_max),
            heard
        );
    }
    assert_eq!(heard.len(), 2 * 5000 + 1);
}

#[test]
fn orders_are_found_where_they_stand_and_nowhere_else() {
    let mut node = node();
    let mut writer = commands();
    for index in 0..5 {
        pay(&mut writer, &format!("T{index}"), 100, node.now.wall);
    }
    node.submit(1, writer);
    assert!(node.write_all());
    let first = node.outcomes_of(1)[0].sequence.0;
    let tick = first - 1;
    let positions = [first + 3, 2, first, tick, first + 3, first + 100].map(Sequence);
    let found = view(&node).orders_at(&positions).unwrap();
    let ids =
        found.iter().map(|found| found.as_ref().map(|order| order.transaction_id().as_str().to_owned()));
    let expected = [Some("T3"), None, Some("T0"), None, Some("T3"), None];
    assert_eq!(ids.collect::<Vec<_>>(), expected.map(|id| id.map(str::to_owned)));
    assert!(view(&node).orders_at(&[]).unwrap().is_empty());
}

fn document(text: &str) -> Evidence {
    Evidence {
        about: About::RecordBefore,
        passage: Passage::Received,
        message_name: MessageName::parse("pacs.008.001.08").unwrap(),
        counterpart: None,
        document_length: 1,
        compressed: text.as_bytes().to_vec(),
    }
}

#[test]
fn documents_are_found_behind_the_payments_that_they_brought() {
    let mut node = node();
    let mut writer = commands();
    pay(&mut writer, "T1", 100, node.now.wall);
    writer.evidence(&document("first"));
    pay(&mut writer, "T2", 100, node.now.wall);
    pay(&mut writer, "T3", 100, node.now.wall);
    writer.evidence(&document("third"));
    node.submit(1, writer);
    assert!(node.write_all());
    let first = node.outcomes_of(1)[0].sequence.0;
    let found = |position| view(&node).document_of(Sequence(position)).unwrap();
    assert_eq!(found(first).as_deref(), Some(&b"first"[..]));
    assert_eq!(found(first + 2), None, "the next payment came in another form");
    assert_eq!(found(first + 3).as_deref(), Some(&b"third"[..]));
    assert_eq!(found(first - 1), None);
    assert_eq!(found(first + 100), None);
}

/// The bank in whose name a stranger sent hears nothing of it, live or from the log.
#[test]
fn a_strangers_attempt_is_told_to_nobody_else() {
    let mut node = node();
    let outbox = listen(&mut node, 1, Banks::All);
    let after = outbox.starts_after().unwrap();
    let mut writer = commands();
    writer.refused_payment(&RefusedPayment {
        debtor_agent: bank("A"),
        creditor_agent: Some(bank("B")),
        transaction_id: types::Text::parse("T1").unwrap(),
        acceptance_time: None,
        reason: NOT_ENTITLED,
        path: Box::default(),
        body: RefusedBody::Parts(Vec::new()),
        channel: types::Channel::Grpc,
        not_entitled: true,
    });
    pay(&mut writer, "T1", 100, node.now.wall);
    node.submit(1, writer);
    quiet(&mut node);
    let payment = node.outcomes_of(1)[1].sequence;
    let told = live(&outbox);
    assert_eq!(told, [(payment, payment, PaymentState::Settled, None)], "the key was free");
    assert_eq!(logged(&view(&node), after, payment, &Banks::All, 9), told);
}

/// The newest decisions are missing until a frame tells them, and are not passed over.
#[test]
fn the_newest_are_told_by_the_next_frame() {
    let mut node = node();
    quiet(&mut node);
    let after = node.core.ledger().position().sequence;
    let mut writer = commands();
    pay(&mut writer, "T1", 100, node.now.wall);
    node.submit(1, writer);
    assert!(node.write_all());
    let payment = node.outcomes_of(1)[0].sequence;
    let Decisions { decisions, reached, .. } =
        view(&node).decisions_after(after, payment, &Banks::All, 9).unwrap();
    assert!(decisions.is_empty());
    assert_eq!(reached, after);
    node.advance(10 * MILLISECOND);
    assert!(node.write_all());
    assert!(node.core.told() >= payment);
    assert_eq!(logged(&view(&node), after, payment, &Banks::All, 9).len(), 1);
    // A restart does not know what has been told until it has told something itself.
    let again = Node::start(node.journal.clone(), node.now).unwrap();
    assert_eq!(logged(&view(&again), after, payment, &Banks::All, 9).len(), 1);
}

/// What banks went through is told as it was told live, and a repeat of the command is nothing new.
#[test]
fn changes_of_banks_are_told() {
    let mut node = node();
    let everything = listen(&mut node, 1, Banks::All);
    let after = everything.starts_after().unwrap();
    for id in ["once", "once", "again"] {
        let mut writer = commands();
        set_status(&mut writer, id, "B", ParticipantStatus::Suspended);
        node.submit(1, writer);
        quiet(&mut node);
    }
    let live = take_all(&everything).into_iter().filter_map(|notice| match notice {
        Notice::Changed { outcome, bank, change } => {
            let (decided_at, decided_time) = (outcome.decided_at, outcome.decided_time);
            Some(BankChanged { decided_at, decided_time, bank, change })
        }
        Notice::Asked { .. }
        | Notice::Outcome { .. }
        | Notice::Crossed(_)
        | Notice::Recall(_)
        | Notice::HoldExpired(_)
        | Notice::Exception(_)
        | Notice::Orders(_)
        | Notice::Request(_) => None,
    });
    let live: Vec<_> = live.collect();
    assert_eq!(live.len(), 2);
    let upto = node.core.ledger().position().sequence;
    let told = |banks: Banks| {
        let (mut from, mut told) = (after, Vec::new());
        while from < upto {
            let read = view(&node).decisions_after(from, upto, &banks, 9).unwrap();
            told.extend(read.changes);
            from = read.reached;
        }
        told
    };
    assert_eq!(told(Banks::All), live);
    assert_eq!(told(banks(&["B"])), live);
    assert_eq!(told(banks(&["C"])), []);
}

#[test]
fn a_reading_is_bounded_and_can_be_given_up() {
    let mut node = node();
    let after = node.core.ledger().position().sequence;
    for ticket in 0..40 {
        let mut writer = commands();
        pay(&mut writer, &format!("T{ticket}"), 100, node.now.wall);
        node.submit(ticket, writer);
        assert!(node.write_all());
    }
    quiet(&mut node);
    let upto = node.core.ledger().position().sequence;
    // None of it is about this bank, and still it comes to an end in between.
    let read = view(&node).decisions_after(after, upto, &banks(&["C"]), 1000).unwrap();
    assert!(read.reached > after && read.reached < upto, "{read:?}");
    let given_up = Arc::new(AtomicBool::new(true));
    let view = view(&node).until(Arc::clone(&given_up));
    assert!(matches!(view.decisions_after(after, upto, &Banks::All, 9), Err(LogError::GivenUp)));
    assert!(matches!(view.orders_at(&[after.next().next()]), Err(LogError::GivenUp)));
    given_up.store(false, Ordering::Relaxed);
    view.decisions_after(after, upto, &Banks::All, 9).unwrap();
}

#[path = "crossings_tests.rs"]
mod crossings;

#[path = "exceptions_told_tests.rs"]
mod exceptions;

#[path = "holds_told_tests.rs"]
mod holds;

#[path = "orders_told_tests.rs"]
mod orders;

#[path = "recalls_told_tests.rs"]
mod recalls;

#[path = "requests_told_tests.rs"]
mod requests;
