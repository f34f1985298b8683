//! Orders that ended and packages that are complete: what the log tells of them, against what was told live; and what is
//! asked about them.

use ledger::{NotExecuted, OrderGroup, OrderState, Verdict};
use types::{Currency, ParticipantNumber, Sequence};

use super::*;
use crate::testing::{iban, told_in_log};
use crate::testing_orders::{execute, order_and_execute, place_order, terms_of};
use crate::{Answer, OrderEvent, OrdersAsked, OrdersFound, OrdersTold, PackagesAsked, Question};

fn told_live(outbox: &Outbox) -> Vec<OrdersTold> {
    let told = |notice| if let Notice::Orders(told) = notice { Some(told) } else { None };
    take_all(outbox).into_iter().filter_map(told).collect()
}

fn orders(node: &MemoryNode, asked: OrdersAsked) -> OrdersFound {
    let Answer::Orders(found) = Question::Orders(asked).answer(node.core.ledger()).answer else {
        panic!("another answer")
    };
    found
}

#[test]
fn the_log_tells_what_was_told_live_to_its_bank_alone() {
    let mut node = node();
    let all = [Banks::All, banks(&["A"]), banks(&["B"])];
    let outboxes: Vec<_> = (0..).zip(&all).map(|(id, banks)| listen(&mut node, id, banks.clone())).collect();
    let after = outboxes[0].starts_after().unwrap();
    order_and_execute(&mut node, 60, "told");
    quiet(&mut node);
    let upto = node.core.ledger().position().sequence;
    let view = view(&node).with_banks_of(node.core.ledger());
    let live: Vec<_> = outboxes.iter().map(|outbox| told_live(outbox)).collect();
    for (banks, live) in all.iter().zip(&live) {
        let logged = told_in_log(&view, (after, upto), banks, |read| read.orders);
        assert_eq!(&logged, live);
    }
    let ended = |told: &OrdersTold| match told.what {
        OrderEvent::Ended { amount, state, .. } => (amount.minor_units(), Some(state)),
        OrderEvent::Complete { sum_settled, lines, .. } => {
            assert_eq!(lines, [1, 0, 3]);
            (sum_settled, None)
        }
    };
    let told: Vec<_> = live[1].iter().map(ended).collect();
    let settled = Some(OrderState::Settled);
    assert_eq!(told, [(70, settled), (30, settled), (120, None)]);
    assert_eq!(live[2], []);
    node.check_log();
}

#[test]
fn orders_and_packages_are_asked_for() {
    let mut node = node();
    order_and_execute(&mut node, 60, "asked");
    quiet(&mut node);
    let ledger = node.core.ledger();
    let of_bank = PackagesAsked::OfBank { bank: bank("A"), after: Sequence(0), count_max: 9 };
    let Answer::Packages(packages) = Question::Packages(of_bank).answer(ledger).answer else { panic!() };
    let [first, second] = packages.as_slice() else { panic!("{packages:?}") };
    assert!(first.package.is_complete() && first.has_lines && second.package.is_open());
    let asked = |from| OrdersAsked::Lines { package: first.package.sequence, from, count_max: 9 };
    let states = |found: OrdersFound| found.orders.iter().map(|found| found.state).collect::<Vec<_>>();
    let all = [OrderState::Settled, OrderState::Refused, OrderState::Cancelled, OrderState::Cancelled];
    assert_eq!(states(orders(&node, asked(1))), all);
    assert_eq!(states(orders(&node, asked(4))), all[3..]);
    let placed = |after| {
        let (iban, currency) = (iban("A1"), Currency::EUR);
        orders(&node, OrdersAsked::OfAccount { iban, currency, after, count_max: 9 })
    };
    let found = placed(Sequence(0));
    assert_eq!(states(found.clone()), [OrderState::Settled, OrderState::Pending]);
    assert_eq!(placed(found.orders[0].order.sequence).orders.len(), 1);
    let standing = found.orders[1].order;
    assert_eq!(orders(&node, OrdersAsked::At(standing.sequence)).orders[0].order, standing);
    let old =
        OrdersAsked::OldTexts { from_slot: 0, before: node.now.wall.plus(crate::testing::nanoseconds(1)) };
    let old = orders(&node, old);
    assert_eq!((old.orders.len(), old.next_slot), (1, None), "only the standing one has yet to be paid");
    // Its terms and texts stand in the log.
    let view = view(&node);
    let stored = view.terms_at(&[standing.stands_at, Sequence(1)]).unwrap();
    let stored = stored[0].as_ref().filter(|_| stored[1].is_none()).unwrap();
    assert_eq!(stored.terms.amount.get(), 30);
}

/// An answer about what is due is as fresh as the clock, though no command comes.
#[test]
fn what_is_due_comes_with_time_alone() {
    let mut node = node();
    let mut writer = commands();
    let soon = ledger::LocalTime::from_nanoseconds(node.now.wall.nanoseconds() + 3_000_000_000).unwrap();
    place_order(&mut writer, "soon", 50, soon, None);
    node.submit(1, writer.clone());
    node.write_all();
    let order = node.outcomes_of(1)[0].sequence;
    let mut early = commands();
    execute(&node, &mut early, order, &terms_of(&writer, 0));
    node.submit(2, early);
    node.write_all();
    let why = Verdict::NotExecuted { order, why: NotExecuted::NotDue };
    assert_eq!(node.outcomes_of(2)[0].verdict, why);
    let group = OrderGroup::Bank(ParticipantNumber(1));
    let due = Question::Orders(OrdersAsked::Due { group, after: None, count_max: 9 });
    let groups = Question::DueGroups(None);
    let ledger = node.core.ledger();
    let (now, later) = (node.now.wall, node.now.wall.plus(crate::testing::nanoseconds(3_000_000_000)));
    for question in [due, groups] {
        let answered = question.answer(ledger);
        assert!(!question.hinges_on_time(&answered, ledger, now));
        assert!(question.hinges_on_time(&answered, ledger, later));
    }
    assert_eq!(ledger.due_groups(None, later).collect::<Vec<_>>(), [group]);
}
