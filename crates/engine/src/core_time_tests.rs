//! The step by hand: clocks, markers, questions, late confirmations, the end.

use journal::{FrameKind, Journal};
use ledger::{AccountSelector, PaymentAnswer, SetCustomerLimit, Verdict};
use types::{Currency, PaymentState, StatusReason};

use super::*;
use crate::testing::{
    MILLISECOND, Node, SECOND, Told, by_key, commands, euro_cents, iban, nanoseconds, pay, payment, replay,
    request, small,
};
use crate::{Answer, Question};

fn header(node: &Node<impl Journal>) -> journal::FrameHeader {
    *node.held.as_ref().expect("a frame has been handed out").header()
}

fn answers(node: &Node<impl Journal>) -> Vec<(u32, &Answered)> {
    let mut answers = Vec::new();
    for told in &node.told {
        if let Told::Answer(ticket, answered) = told {
            answers.push((*ticket, answered.as_ref()));
        }
    }
    answers
}

#[test]
fn a_frame_has_the_time_at_which_it_is_sealed() {
    let mut node = Node::with_world();
    node.submit(1, small(1, 1));
    node.advance(3 * SECOND);
    let at = node.now.wall;
    node.idle();
    assert_eq!(header(&node).time, at);

    // Opened while the first was being written, eight seconds before it is sealed: its payment is late.
    node.submit(2, payment("T1", node.now.wall));
    node.advance(8 * SECOND);
    assert!(node.write());
    node.idle();
    assert_eq!(header(&node).time, at.plus(nanoseconds(8 * SECOND)));
    assert!(node.write());
    let Some(Told::Outcomes(2, outcomes)) = node.told.last() else { panic!("{:?}", node.told) };
    let reason = Some(StatusReason::TimeoutCreditorAgent.code());
    let rejected = Verdict::Payment { state: PaymentState::Rejected, reason, repeat_of: None };
    assert_eq!(outcomes[0].verdict, rejected);
}

#[test]
fn log_time_rises_with_every_frame_whatever_the_clocks_do() {
    let mut node = Node::with_world();
    let mut last = node.journal.tail().time;
    // Standing, the wall clock an hour back, both back, the wall clock at 1970 and far ahead.
    let wall = node.now.wall;
    let hour = nanoseconds(3600 * SECOND);
    let ends = [Timestamp::default(), Timestamp::from_nanoseconds(i64::MAX).unwrap()];
    let readings =
        [(0, wall), (0, wall.minus(hour)), (-SECOND, wall.minus(hour)), (SECOND, ends[0]), (0, ends[1])];
    let start = node.now.monotonic;
    for (ticket, (monotonic, wall)) in (0..).zip(readings.into_iter().chain(readings)) {
        node.now = Now { monotonic: start + monotonic, wall };
        node.submit(ticket, small(ticket, 1));
        node.idle();
        let time = header(&node).time;
        assert!(time > last);
        assert!(time.since(last) <= nanoseconds(SECOND + MILLISECOND), "a jump does not enter the log");
        last = time;
        assert!(node.write());
    }
    assert_eq!(node.core.follow_clock(node.now), ClockState::Apart);
}

#[test]
fn a_marker_follows_ten_milliseconds_after_the_last_frame_and_only_once() {
    let mut node = Node::with_world();
    node.submit(1, small(1, 3));
    assert!(node.write_all());
    let applied = node.now.monotonic;
    assert_eq!(node.wake_at, Some(applied + 10 * MILLISECOND));
    node.advance(10 * MILLISECOND - 1);
    node.idle();
    assert!(node.held.is_none());
    assert_eq!(node.wake_at, Some(applied + 10 * MILLISECOND));
    node.advance(1);
    node.idle();
    let marker = header(&node);
    assert_eq!((marker.kind, marker.record_count, marker.outcome_count), (FrameKind::Marker, 0, 3));
    assert_eq!(marker.durable_mark, node.core.applied);
    assert!(node.write());
    let before = node.journal.tail();
    for _ in 0..5 {
        node.idle();
        assert_eq!((node.wake_at, node.held.is_none()), (None, true));
        node.advance(3600 * SECOND);
    }
    assert_eq!(node.journal.tail(), before);
    node.check_log();
}

#[test]
fn no_marker_is_written_while_there_is_work() {
    let mut node = Node::with_world();
    for ticket in 0..10 {
        node.submit(ticket, small(ticket, 1));
        node.advance(20 * MILLISECOND);
        node.idle();
        assert_eq!(header(&node).kind, FrameKind::Commands);
        node.advance(20 * MILLISECOND);
        assert!(node.write());
    }
    // A new node owes one as well: its EpochStart would otherwise be the log's last frame.
    let mut again = Node::start(node.journal.clone(), node.now).unwrap();
    again.idle();
    assert_eq!(again.wake_at, Some(again.now.monotonic + 10 * MILLISECOND));
    again.advance(10 * MILLISECOND);
    again.idle();
    assert_eq!((header(&again).kind, header(&again).outcome_count), (FrameKind::Marker, 1));
    assert!(again.write());
    again.check_log();
}

#[test]
fn a_question_waits_for_everything_received_before_it() {
    let mut node = Node::with_world();
    let accepted = Some(node.now.wall);
    node.ask(1, by_key("T1", accepted));
    assert!(matches!(answers(&node)[..], [(1, _)]), "nothing is under way");
    node.submit(2, payment("T1", node.now.wall));
    node.ask(3, by_key("T1", accepted));
    node.idle();
    node.ask(4, Question::TrialBalance);
    node.submit(5, payment("T2", node.now.wall));
    node.ask(6, by_key("T2", accepted));
    assert_eq!(answers(&node).len(), 1);
    assert!(node.write());
    assert!(matches!(answers(&node)[1..], [(3, _), (4, _)]), "{:?}", node.told);
    assert_eq!(answers(&node)[1].1.as_of, node.core.ledger().position());
    node.idle();
    assert!(node.write());
    let all = answers(&node);
    assert!(matches!(all[3..], [(6, _)]));
    assert_eq!([all[1].1, all[3].1].map(found), [PaymentState::Settled; 2]);
    let told: Vec<_> = node.told.iter().map(|told| matches!(told, Told::Outcomes(..))).collect();
    assert_eq!(told, [false, true, false, false, true, false], "replies come before the answers after them");
}

fn found(answered: &Answered) -> PaymentState {
    let Answer::Payment(PaymentAnswer::Found(payment)) = answered.answer else { panic!("{answered:?}") };
    payment.state()
}

fn not_found(answered: &Answered) -> bool {
    let Answer::Payment(PaymentAnswer::NotFound { is_final }) = answered.answer else {
        panic!("{answered:?}")
    };
    is_final
}

#[test]
fn a_payment_that_never_came_is_final_once_its_deadline_has_passed_in_log_time() {
    let mut node = Node::with_world();
    let accepted = node.now.wall;
    node.advance(7 * SECOND - 1);
    node.ask(1, by_key("T1", Some(accepted)));
    assert!(!not_found(answers(&node)[0].1), "it can still arrive");
    node.advance(1);
    // Without an acceptance time Solvo may yet stamp one, whenever it is asked.
    node.ask(2, by_key("T1", None));
    assert!(!not_found(answers(&node)[1].1));
    node.idle();
    assert!(node.held.is_none(), "no frame is made for those");

    node.ask(3, by_key("T1", Some(accepted)));
    node.ask(4, by_key("T2", Some(accepted)));
    assert_eq!(answers(&node).len(), 2, "log time has not come as far as the clock");
    node.idle();
    let tick = header(&node);
    assert_eq!((tick.kind, tick.record_count), (FrameKind::Commands, 0));
    assert!(node.write());
    assert_eq!(answers(&node).len(), 4);
    assert!(not_found(answers(&node)[2].1) && not_found(answers(&node)[3].1));
    node.advance(10 * MILLISECOND);
    assert!(node.write_all());

    // Log time has passed the deadline now: the answer comes at once, and no frame for it.
    node.ask(5, by_key("T1", Some(accepted)));
    assert!(not_found(answers(&node)[4].1));
    let before = node.journal.tail();
    assert!(node.write_all());
    assert_eq!(node.journal.tail(), before);
}

/// The answer "not found, final" holds: a payment that comes afterwards is refused for its time.
#[test]
fn a_payment_after_its_final_not_found_is_refused() {
    let mut node = Node::with_world();
    let accepted = node.now.wall;
    node.advance(7 * SECOND);
    node.ask(1, by_key("T1", Some(accepted)));
    node.ask(2, by_key("T2", Some(accepted)));
    // This one comes while its question waits for log time, and so the question finds it.
    node.submit(3, payment("T2", accepted));
    assert!(node.write_all());
    let [first, second] = answers(&node)[..] else { panic!("{:?}", node.told) };
    assert!(not_found(first.1));
    assert_eq!(found(second.1), PaymentState::Rejected);
    node.submit(4, payment("T1", accepted));
    node.ask(5, by_key("T1", Some(accepted)));
    assert!(node.write_all());
    assert_eq!(found(answers(&node)[2].1), PaymentState::Rejected);
}

/// On an idle log the last frame may be yesterday's.
#[test]
fn what_a_customer_has_used_today_is_nothing_once_the_day_has_turned() {
    const DAY: i64 = 86_400 * SECOND;
    let mut node = Node::with_world();
    // Far from midnight, whenever that is.
    node.advance(DAY + DAY / 2 - node.now.wall.nanoseconds() % DAY);
    let mut writer = commands();
    let account = AccountSelector { iban: iban("A1"), currency: Currency::EUR };
    let (request_id, per_day) = (request("limit"), Some(euro_cents(40_000)));
    writer.set_customer_limit(&SetCustomerLimit { request_id, account, per_payment: None, per_day });
    pay(&mut writer, "T1", 250, node.now.wall);
    node.submit(1, writer);
    assert!(node.write_all());
    let asked = || Question::Customer { iban: iban("A1"), currency: Currency::EUR };
    let used = |answered: &Answered| {
        let Answer::Customer(Some(found)) = &answered.answer else { panic!("{answered:?}") };
        found.used_today
    };
    node.advance(DAY / 2 - 1);
    node.ask(2, asked());
    assert_eq!(used(answers(&node)[0].1), Some(250), "and no frame for it");
    node.advance(1);
    node.ask(3, asked());
    assert_eq!(answers(&node).len(), 1, "log time has not come as far as the clock");
    assert!(node.write_all());
    assert_eq!(used(answers(&node)[1].1), Some(0));
    node.ask(4, asked());
    assert_eq!(used(answers(&node)[2].1), Some(0), "at once");
    node.check_log();
}

/// A node that takes nothing, because its ledger is full, forgets what is older than five days all the same.
#[test]
fn a_tick_lets_time_pass_without_commands() {
    let mut node = Node::with_world();
    node.submit(1, payment("T1", node.now.wall));
    assert!(node.write_all());
    node.advance(5 * 24 * 3600 * SECOND + 1);
    assert!(node.write_all());
    node.advance(SECOND);
    assert_eq!(node.core.ledger().payment_count(), 1, "the marker came a nanosecond too early");
    node.step(Event::Tick);
    node.idle();
    assert_eq!((header(&node).kind, header(&node).record_count), (FrameKind::Commands, 0));
    assert!(node.write());
    assert_eq!((node.core.ledger().payment_count(), node.core.ledger().request_count()), (0, 0));
    node.advance(SECOND);
    assert!(node.write_all());
    node.check_log();
}

#[test]
fn a_late_confirmation_raises_an_alarm_and_the_settlement_stands() {
    for (delay, late) in [(9 * SECOND, None), (9 * SECOND + 1, Some(2))] {
        let mut node = Node::with_world();
        for ticket in 1..=2 {
            node.submit(ticket, payment(&format!("T{ticket}"), node.now.wall));
        }
        // A refusal has no last moment.
        node.submit(3, payment("T3", node.now.wall.minus(nanoseconds(20 * SECOND))));
        node.idle();
        node.advance(delay);
        assert!(node.write());
        let alarms: Vec<_> = node
            .told
            .iter()
            .filter_map(|told| if let Told::Late(count) = told { Some(*count) } else { None })
            .collect();
        assert_eq!(alarms, late.into_iter().collect::<Vec<_>>());
        assert_eq!(node.core.ledger().payment_totals().settled, 2);
        // Telling it again later is not a late confirmation.
        node.told.clear();
        node.submit(4, payment("T1", node.now.wall.minus(nanoseconds(delay))));
        assert!(node.write_all());
        let [Told::Outcomes(4, outcomes)] = &node.told[..] else { panic!("{:?}", node.told) };
        assert!(outcomes[0].repeat_of().is_some());
        // Whoever asks again learns of it as well, and so does a node that replays the log.
        assert_eq!(outcomes[0].late, late.is_some());
        let first = outcomes[0].repeat_of().unwrap();
        let replayed = replay(&mut node.journal);
        for ledger in [node.core.ledger(), replayed.ledger()] {
            let PaymentAnswer::Found(payment) = ledger.payment_at(first) else { panic!("it was settled") };
            assert_eq!(payment.is_late(), late.is_some());
        }
    }
}

#[test]
fn stopping_answers_everything_and_ends_the_log_in_a_marker() {
    let mut node = Node::with_world();
    node.submit(1, payment("T1", node.now.wall));
    node.idle();
    node.submit(2, payment("T2", node.now.wall));
    node.ask(3, by_key("T2", None));
    node.step(Event::Stop);
    // Somebody who was let in just before.
    node.submit(4, payment("T4", node.now.wall));
    assert!(node.write_all());
    let kinds: Vec<_> = node
        .told
        .iter()
        .map(|told| match told {
            Told::Outcomes(ticket, _) | Told::Answer(ticket, _) => *ticket,
            Told::Stopped => 0,
            Told::LookUp(_) | Told::AskAgain(_) | Told::Late(_) | Told::Halt(_) => panic!("{told:?}"),
        })
        .collect();
    assert_eq!(kinds, [1, 2, 4, 3, 0]);
    assert!(node.journal.tail().ends_in_marker());
    node.check_log();
}

#[test]
fn stopping_when_all_is_said_writes_nothing() {
    let mut node = Node::with_world();
    let before = node.journal.tail();
    node.step(Event::Stop);
    assert!(node.write_all());
    assert!(matches!(node.told[..], [Told::Stopped]));
    assert_eq!(node.journal.tail(), before);
}

#[test]
fn stopping_right_after_the_start_waits_for_its_marker() {
    let mut node = Node::new();
    node.step(Event::Stop);
    assert!(node.write_all());
    assert!(matches!(node.told[..], [Told::Stopped]));
    assert!(node.journal.tail().ends_in_marker());
    assert_eq!(replay(&mut node.journal).untold_count(), 0);
}
