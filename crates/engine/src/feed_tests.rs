//! The step by hand: payments that wait, who is connected, and those who listen.

use ledger::{AnswerEffect, ParticipantStatus, QuestionState, Stage, Verdict};
use types::{PaymentState, ReasonCode, Sequence, StatusReason};

use super::*;
use crate::testing::{
    MILLISECOND, Node, SECOND, Told, answer, bank, commands, enter_remote, interest, now, pay, pay_remote,
    set_status, take_all,
};
use crate::{Answer, Event, PaymentName, Question, Taken};

type MemoryNode = Node<journal::MemoryJournal>;

/// A quiet node with banks A, B and C, its first second over.
fn node() -> MemoryNode {
    let mut node = Node::with_world();
    let mut writer = commands();
    enter_remote(&mut writer);
    node.submit(0, writer);
    quiet(&mut node);
    node
}

/// Writes what there is, and the marker after it.
fn quiet(node: &mut MemoryNode) {
    assert!(node.write_all());
    node.advance(10 * MILLISECOND);
    assert!(node.write_all());
}

/// Pays one euro to bank C and writes the frame.
fn reserve(node: &mut MemoryNode, ticket: u32) -> Outcome {
    let mut writer = commands();
    pay_remote(&mut writer, &format!("T{ticket}"), 100, node.now.wall);
    node.submit(ticket, writer);
    assert!(node.write_all());
    node.outcomes_of(ticket)[0]
}

fn give_answer(node: &mut MemoryNode, ticket: u32, payment: Sequence, no: Option<&str>) -> Outcome {
    let mut writer = commands();
    answer(&mut writer, payment, no);
    node.submit(ticket, writer);
    assert!(node.write_all());
    node.outcomes_of(ticket)[0]
}

fn verdict(state: PaymentState, reason: Option<&str>) -> Verdict {
    let reason = reason.map(|code| ReasonCode::parse(code).unwrap());
    Verdict::Payment { state, reason, repeat_of: None }
}

/// In short: `?7` asked about the payment at 7, and where payments stand.
fn words(notices: &[Notice]) -> Vec<String> {
    let word = |notice: &Notice| match notice {
        Notice::Asked { question, order, .. } => format!("?{}{}", question.payment, mark(order.is_some())),
        Notice::Outcome { outcome, payment, order, .. } => {
            assert_eq!(outcome.sequence, payment.sequence());
            format!("{:?} {}{}", payment.state(), outcome.sequence, mark(order.is_some()))
        }
        Notice::Changed { bank, change, .. } => format!("{bank} {change:?}"),
        Notice::Crossed(crossing) => format!("{} crossed", crossing.bank),
        Notice::Recall(told) => format!("recall {} of {}", told.recall, told.payment),
        Notice::HoldExpired(expired) => format!("hold {} expired", expired.hold),
        Notice::Exception(told) => format!("exception {}", told.exception),
        Notice::Request(told) => format!("request {} {:?}", told.to_pay, told.step),
        Notice::Orders(told) => format!("{:?} at {}", told.what, told.decided_at),
    };
    notices.iter().map(word).collect()
}

const fn mark(has_order: bool) -> &'static str {
    if has_order { " with order" } else { "" }
}

#[test]
fn a_payment_is_reserved_asked_about_answered_and_told() {
    let mut node = node();
    let payee = node.subscribe(1, interest("C", true, Outcomes::All));
    let payer = node.subscribe(2, interest("A", false, Outcomes::All));
    let other = node.subscribe(3, interest("B", true, Outcomes::All));
    let reserved = reserve(&mut node, 1);
    assert_eq!(reserved.verdict, verdict(PaymentState::Reserved, None));
    assert!(node.core.finals().is_empty());
    let payment = reserved.sequence;
    let asked = take_all(&payee);
    let expected = [format!("Reserved {payment} with order"), format!("?{payment} with order")];
    assert_eq!(words(&asked), expected);
    assert_eq!(words(&take_all(&payer)), expected[..1]);
    let Notice::Asked { order: Some(order), question, bank: asked_bank, .. } = &asked[1] else { panic!() };
    assert_eq!((*asked_bank, question.stage), (bank("C"), Stage::Credit));
    assert_eq!(order.order().unwrap().transaction_id.as_str(), "T1");
    assert_eq!(order.transaction_id().as_str(), "T1");
    assert_eq!((order.debtor_agent(), order.creditor_agent()), (bank("A"), Some(bank("C"))));

    let answered = give_answer(&mut node, 2, payment, None);
    assert!(matches!(answered.verdict, Verdict::Answer { effect: AnswerEffect::Applied, .. }));
    let [settled] = node.core.finals() else { panic!("{:?}", node.core.finals()) };
    assert_eq!((settled.sequence, settled.verdict), (payment, verdict(PaymentState::Settled, None)));
    for outbox in [&payee, &payer] {
        assert_eq!(words(&take_all(outbox)), [format!("Settled {payment}")]);
    }
    // A double answer changes nothing and is no news.
    give_answer(&mut node, 3, payment, Some("AC04"));
    assert!(node.core.finals().is_empty());
    assert!(take_all(&payee).is_empty() && take_all(&other).is_empty());
    quiet(&mut node);
    node.check_log();
}

#[test]
fn nothing_is_heard_before_the_frame_is_durable() {
    let mut node = node();
    let payee = node.subscribe(1, interest("C", true, Outcomes::All));
    let mut writer = commands();
    pay_remote(&mut writer, "T1", 100, node.now.wall);
    node.submit(1, writer);
    node.idle();
    assert!(take_all(&payee).is_empty());
    assert!(node.write());
    assert_eq!(take_all(&payee).len(), 2);
}

#[test]
fn repeats_are_not_told_and_refusals_and_changes_of_banks_are() {
    let mut node = node();
    let everything = Interest { banks: Banks::All, ..interest("A", false, Outcomes::All) };
    let watcher = node.subscribe(1, everything);
    let mut writer = commands();
    pay(&mut writer, "T1", 100, node.now.wall);
    pay(&mut writer, "T1", 100, node.now.wall);
    pay(&mut writer, "T1", 200, node.now.wall);
    pay_remote(&mut writer, "T2", 100, node.now.wall);
    set_status(&mut writer, "suspend", "B", ParticipantStatus::Suspended);
    set_status(&mut writer, "suspend", "B", ParticipantStatus::Suspended);
    node.submit(1, writer);
    assert!(node.write_all());
    let first = node.outcomes_of(1)[0].sequence.0;
    let expected = [
        format!("Settled {first} with order"),
        format!("Rejected {} with order", first + 2),
        format!("Rejected {} with order", first + 3),
        format!("{} Status(Suspended)", bank("B")),
    ];
    assert_eq!(words(&take_all(&watcher)), expected);
}

#[test]
fn a_bank_is_connected_while_it_listens_and_for_a_second_after() {
    let mut node = node();
    let state = |outcome: Outcome| {
        let Verdict::Payment { state, reason, .. } = outcome.verdict else { panic!("{outcome:?}") };
        (state, reason)
    };
    let offline = (PaymentState::Rejected, Some(StatusReason::CreditorAgentOffline.code()));
    let reserved = (PaymentState::Reserved, None);
    assert_eq!(state(reserve(&mut node, 1)), offline);
    node.subscribe(1, interest("C", false, Outcomes::All));
    assert_eq!(state(reserve(&mut node, 2)), offline, "it takes no questions");
    node.subscribe(2, interest("C", true, Outcomes::Nothing));
    node.subscribe(3, interest("C", true, Outcomes::Nothing));
    node.advance(2 * SECOND);
    assert_eq!(state(reserve(&mut node, 3)), reserved);
    node.step(Event::Unsubscribed(SubscriptionId(2)));
    node.advance(2 * SECOND);
    assert_eq!(state(reserve(&mut node, 4)), reserved, "one of two is left");
    node.step(Event::Unsubscribed(SubscriptionId(3)));
    node.step(Event::Unsubscribed(SubscriptionId(3)));
    node.advance(SECOND - 1);
    assert_eq!(state(reserve(&mut node, 5)), reserved);
    node.advance(1);
    assert_eq!(state(reserve(&mut node, 6)), offline);

    // After a restart every bank has a second to come back.
    let mut node = Node::start(node.journal.clone(), node.now).unwrap();
    node.advance(SECOND - 1);
    assert_eq!(state(reserve(&mut node, 7)), reserved);
    node.advance(1);
    assert_eq!(state(reserve(&mut node, 8)), offline);
}

#[test]
fn a_bank_is_connected_for_the_questions_that_it_takes() {
    let mut node = node();
    let state = |outcome: Outcome| {
        let Verdict::Payment { state, .. } = outcome.verdict else { panic!("{outcome:?}") };
        state
    };
    let debits = Questions { debits: true, credits: false };
    let take = |node: &mut MemoryNode, questions| {
        node.step(Event::QuestionsTaken(SubscriptionId(1), questions));
    };
    let payee = node.subscribe(1, Interest { questions: debits, ..interest("C", false, Outcomes::Nothing) });
    assert_eq!(state(reserve(&mut node, 1)), PaymentState::Rejected, "it takes questions about debits alone");
    take(&mut node, Questions::ALL);
    node.advance(2 * SECOND);
    assert_eq!(state(reserve(&mut node, 2)), PaymentState::Reserved);
    assert_eq!(take_all(&payee).len(), 1);
    // The grace time holds for each kind, while the subscription itself goes on.
    take(&mut node, debits);
    node.advance(SECOND - 1);
    assert_eq!(state(reserve(&mut node, 3)), PaymentState::Reserved);
    assert!(take_all(&payee).is_empty());
    node.advance(1);
    assert_eq!(state(reserve(&mut node, 4)), PaymentState::Rejected);
    take(&mut node, Questions::ALL);
    node.step(Event::Unsubscribed(SubscriptionId(1)));
    take(&mut node, Questions::ALL);
    node.advance(SECOND);
    assert_eq!(state(reserve(&mut node, 5)), PaymentState::Rejected);
}

#[test]
fn an_outbox_that_lost_notices_takes_the_questions_set_meanwhile() {
    let mut node = node();
    let small = Interest { notices_max: 1, ..interest("C", true, Outcomes::All) };
    let payee = node.subscribe(1, small);
    reserve(&mut node, 1);
    node.step(Event::QuestionsTaken(SubscriptionId(1), Questions::NONE));
    node.step(Event::QuestionsTaken(SubscriptionId(1), Questions { debits: false, credits: true }));
    reserve(&mut node, 2);
    assert!(matches!(payee.take(9, &mut Vec::new()), Taken::Lost { .. }));
    node.step(Event::Subscribed(Arc::clone(&payee)));
    node.step(Event::QuestionsTaken(SubscriptionId(1), Questions::NONE));
    reserve(&mut node, 3);
    assert_eq!(words(&take_all(&payee)).len(), 1, "an outcome and no question");
}

#[test]
fn those_who_listen_to_both_banks_hear_once_and_share_notices() {
    let mut node = node();
    let both = Interest {
        banks: Banks::Listed(Box::new([bank("A"), bank("C")])),
        ..interest("C", true, Outcomes::All)
    };
    let outboxes: Vec<_> = (1..=3).map(|id| node.subscribe(id, both.clone())).collect();
    let payment = reserve(&mut node, 1).sequence;
    let expected = [format!("Reserved {payment} with order"), format!("?{payment} with order")];
    for outbox in &outboxes {
        assert_eq!(words(&take_all(outbox)), expected);
    }
}

#[test]
fn a_payment_expires_at_its_deadline_without_traffic() {
    let mut node = node();
    let payee = node.subscribe(1, interest("C", true, Outcomes::All));
    let reserved_at = node.now;
    let payment = reserve(&mut node, 1).sequence;
    quiet(&mut node);
    node.idle();
    let deadline = reserved_at.monotonic + 7 * SECOND;
    assert_eq!(node.wake_at, Some(deadline));
    take_all(&payee);
    node.advance(deadline - 1 - node.now.monotonic);
    node.idle();
    assert_eq!((node.held.is_some(), node.wake_at), (false, Some(deadline)));
    node.advance(1);
    node.idle();
    assert!(node.write());
    let [expired] = node.core.finals() else { panic!("{:?}", node.core.finals()) };
    assert_eq!((expired.sequence, expired.verdict), (payment, verdict(PaymentState::Expired, Some("AB05"))));
    assert_eq!(expired.decided_time, reserved_at.wall.plus(crate::testing::nanoseconds(7 * SECOND)));
    let told = take_all(&payee);
    assert_eq!(words(&told), [format!("Expired {payment}")]);
    let Notice::Outcome { payment, .. } = &told[0] else { panic!() };
    assert_eq!(payment.question(Stage::Credit), QuestionState::Silent);
    quiet(&mut node);
    assert_eq!(node.wake_at, None);
    node.check_log();
}

#[test]
fn expiries_that_follow_closely_share_a_frame() {
    let mut node = node();
    node.subscribe(1, interest("C", true, Outcomes::Nothing));
    for ticket in 0..50 {
        reserve(&mut node, ticket);
        node.advance(MILLISECOND / 10);
    }
    quiet(&mut node);
    node.advance(6 * SECOND);
    assert!(node.write_all());
    let before = node.durable.0;
    while node.core.ledger().reservation_count() > 0 {
        node.idle();
        let at = node.wake_at.expect("there is something to come");
        node.advance((at - node.now.monotonic).max(1));
        assert!(node.write_all());
    }
    let frames = node.durable.0 - before;
    assert!((4..=7).contains(&frames), "5 ms of deadlines: {frames}");
}

#[test]
fn what_one_tick_can_not_end_the_next_ones_do_at_once() {
    let mut node = node();
    node.subscribe(1, interest("C", true, Outcomes::Nothing));
    let accepted = node.now.wall;
    for ticket in 0..20 {
        let mut writer = commands();
        (0..500).for_each(|index| pay_remote(&mut writer, &format!("T{ticket}-{index}"), 1, accepted));
        node.submit(ticket, writer);
        assert!(node.write_all());
    }
    quiet(&mut node);
    assert_eq!(node.core.ledger().reservation_count(), 10_000);
    // A disk that stood still, and a payment that comes meanwhile.
    node.advance(20 * SECOND);
    let mut writer = commands();
    pay(&mut writer, "T", 100, node.now.wall);
    node.submit(21, writer);
    let before = node.durable.0;
    for left in [10_000 - 4096, 10_000 - 2 * 4096, 0] {
        node.idle();
        assert!(node.write(), "no time passes between these frames");
        assert_eq!(node.core.ledger().reservation_count(), left);
    }
    assert_eq!(node.durable.0 - before, 3);
    assert_eq!(node.replied().last(), Some(&21));
    quiet(&mut node);
    quiet(&mut node);
    node.check_log();
}

#[test]
fn an_outbox_that_overflows_loses_whole_frames_and_begins_anew() {
    let mut node = node();
    let small = Interest { notices_max: 5, ..interest("C", true, Outcomes::All) };
    let outbox = node.subscribe(1, small);
    let began = outbox.starts_after().unwrap();
    assert_eq!(began, node.core.ledger().position().sequence);
    let payments: Vec<_> = (1..=3).map(|ticket| reserve(&mut node, ticket).sequence).collect();
    reserve(&mut node, 4);
    let mut notices = Vec::new();
    let upto = Some(Sequence(payments[1].0 - 1));
    assert_eq!(outbox.take(2, &mut notices), Taken::Given { upto, more: true });
    assert_eq!(
        outbox.take(10, &mut notices),
        Taken::Given { upto: Some(Sequence(payments[1].0 - 1)), more: true }
    );
    let after = Sequence(payments[2].0 - 2);
    assert_eq!(outbox.take(10, &mut notices), Taken::Lost { after });
    let heard: Vec<_> = notices.iter().map(|notice| notice.position().0).collect();
    assert_eq!(heard, [payments[0].0, payments[0].0, payments[1].0, payments[1].0]);
    assert!(notices.iter().all(|notice| notice.position() <= after));

    node.step(Event::Subscribed(std::sync::Arc::clone(&outbox)));
    assert_eq!(outbox.starts_after(), Some(node.core.ledger().position().sequence));
    let payment = reserve(&mut node, 5).sequence;
    assert_eq!(take_all(&outbox).len(), 2);
    // A frame goes by that brings nothing: the subscription still knows how far it is.
    quiet(&mut node);
    let position = node.core.ledger().position().sequence;
    assert!(position > payment);
    assert_eq!(outbox.take(10, &mut Vec::new()), Taken::Given { upto: Some(position), more: false });
    // It was one connection all the time.
    node.step(Event::Unsubscribed(SubscriptionId(1)));
    node.advance(2 * SECOND);
    assert!(matches!(reserve(&mut node, 6).verdict, Verdict::Payment { state: PaymentState::Rejected, .. }));
}

#[test]
fn whoever_asks_for_the_end_is_answered_at_the_end() {
    let mut node = node();
    node.subscribe(1, interest("C", true, Outcomes::Nothing));
    let payment = reserve(&mut node, 1).sequence;
    node.ask(2, Question::Final(PaymentName::At(payment)));
    let Question::PaymentByKey { debtor_agent, transaction_id, acceptance_time } =
        crate::testing::by_key("T1", Some(now().wall))
    else {
        panic!()
    };
    node.ask(3, Question::Final(PaymentName::Key { debtor_agent, transaction_id, acceptance_time }));
    node.ask(4, Question::PaymentAt(payment));
    quiet(&mut node);
    let state = |told: &Told| {
        let Told::Answer(ticket, answered) = told else { return None };
        let Answer::Payment(ledger::PaymentAnswer::Found(payment)) = answered.answer else { return None };
        Some((*ticket, payment.state()))
    };
    let answered = |node: &MemoryNode| node.told.iter().filter_map(state).collect::<Vec<_>>();
    assert_eq!(answered(&node), [(4, PaymentState::Reserved)]);
    give_answer(&mut node, 5, payment, None);
    assert_eq!(answered(&node)[1..], [(2, PaymentState::Settled), (3, PaymentState::Settled)]);
    node.ask(6, Question::Final(PaymentName::At(payment)));
    assert_eq!(answered(&node).last(), Some(&(6, PaymentState::Settled)));
    // A node that stops keeps nobody waiting.
    let open = reserve(&mut node, 7).sequence;
    node.ask(8, Question::Final(PaymentName::At(open)));
    node.step(Event::Stop);
    assert_eq!(answered(&node).last(), Some(&(8, PaymentState::Reserved)));
    assert!(node.write_all());
    assert!(matches!(node.told.last(), Some(Told::Stopped)), "{:?}", node.told.last());
}

#[test]
fn whoever_no_longer_waits_for_the_end_is_forgotten() {
    let mut node = node();
    node.subscribe(1, interest("C", true, Outcomes::Nothing));
    let payment = reserve(&mut node, 1).sequence;
    for ticket in 2..=4 {
        node.ask(ticket, Question::Final(PaymentName::At(payment)));
    }
    quiet(&mut node);
    assert_eq!(node.core.forget_waiting(|ticket| *ticket != 3), 2);
    give_answer(&mut node, 5, payment, None);
    let answered = node.told.iter().filter_map(|told| {
        let Told::Answer(ticket, _) = told else { return None };
        Some(*ticket)
    });
    assert_eq!(answered.collect::<Vec<_>>(), [3]);
    assert_eq!(node.core.forget_waiting(|_| true), 0);
}

#[test]
fn what_is_open_is_known_after_a_restart() {
    let mut node = node();
    node.subscribe(1, interest("C", true, Outcomes::Nothing));
    let payments: Vec<_> = (1..=3).map(|ticket| reserve(&mut node, ticket).sequence).collect();
    let rejected = give_answer(&mut node, 4, payments[1], Some("AC04"));
    assert!(matches!(rejected.verdict, Verdict::Answer { state: Some(PaymentState::Rejected), .. }));
    let mut node = Node::start(node.journal.clone(), node.now).unwrap();
    let open_questions = |from, count_max| Question::OpenQuestions { bank: bank("C"), from, count_max };
    node.ask(1, open_questions(None, 1));
    let Some(Told::Answer(1, answered)) = node.told.pop() else { panic!() };
    let Answer::OpenQuestions(Some(first)) = answered.answer else { panic!() };
    node.ask(2, open_questions(first.next, 5));
    let Some(Told::Answer(2, answered)) = node.told.pop() else { panic!() };
    let Answer::OpenQuestions(Some(second)) = answered.answer else { panic!() };
    assert_eq!(second.next, None);
    let found = first.questions.iter().chain(&second.questions);
    let found: Vec<_> = found.map(|(question, payment)| (question.payment, payment.state())).collect();
    assert_eq!(found, [(payments[0], PaymentState::Reserved), (payments[2], PaymentState::Reserved)]);

    node.ask(3, Question::Payments(vec![payments[1], Sequence(1), payments[0]]));
    let Some(Told::Answer(3, answered)) = node.told.pop() else { panic!() };
    let Answer::Payments(found) = answered.answer else { panic!() };
    let states: Vec<_> = found.iter().map(|found| found.map(|payment| payment.state())).collect();
    assert_eq!(states, [Some(PaymentState::Rejected), None, Some(PaymentState::Reserved)]);
    node.ask(4, Question::Lifecycle);
    let Some(Told::Answer(4, answered)) = node.told.pop() else { panic!() };
    let Answer::Lifecycle { reservations, answers } = answered.answer else { panic!() };
    assert_eq!((reservations, answers.of(AnswerEffect::Applied)), (2, 1));
    node.ask(5, Question::Participant(bank("C")));
    let Some(Told::Answer(5, answered)) = node.told.pop() else { panic!() };
    let Answer::Participant(Some(found)) = answered.answer else { panic!() };
    assert_eq!(found.unanswered, 2);
}

#[test]
fn many_questions_are_answered_in_passes() {
    let mut node = node();
    node.submit(1, crate::testing::small(1, 1));
    node.idle();
    let pages = 4 * 8;
    for ticket in 0..pages {
        node.ask(ticket, Question::OpenQuestions { bank: bank("C"), from: None, count_max: usize::MAX });
    }
    let answered = |node: &MemoryNode| {
        let ticket = |told: &Told| if let Told::Answer(ticket, _) = told { Some(*ticket) } else { None };
        node.told.iter().filter_map(ticket).collect::<Vec<_>>()
    };
    assert!(answered(&node).is_empty());
    node.write();
    // A page of 1024 weighs 129.
    for passes in 1..=4 {
        assert_eq!(answered(&node), (0..8 * passes).collect::<Vec<_>>());
        node.idle();
    }
    quiet(&mut node);
    assert_eq!(answered(&node).len(), 32);
}
