//! Requests to pay: what the log tells of them, against what was told live; and what is asked about them.

use ledger::{RequestEnd, RequestToPayStatus};
use types::{Currency, ReasonCode};

use super::*;
use crate::testing::{iban, told_in_log};
use crate::testing_requests::ask_and_answer;
use crate::{Answer, Question, RequestSide, RequestStep, RequestTold, RequestsAsked, RequestsFound};

fn told_live(outbox: &Outbox) -> Vec<RequestTold> {
    let told = |notice| if let Notice::Request(told) = notice { Some(told) } else { None };
    take_all(outbox).into_iter().filter_map(told).collect()
}

#[test]
fn the_log_tells_both_banks_what_was_told_live() {
    let mut node = node();
    let all = [Banks::All, banks(&["A"]), banks(&["B"]), banks(&["C"])];
    let outboxes: Vec<_> = (0..).zip(&all).map(|(id, banks)| listen(&mut node, id, banks.clone())).collect();
    let after = outboxes[0].starts_after().unwrap();
    ask_and_answer(&mut node, 60, "told");
    quiet(&mut node);
    let upto = node.core.ledger().position().sequence;
    let view = view(&node).with_banks_of(node.core.ledger());
    let live: Vec<_> = outboxes.iter().map(|outbox| told_live(outbox)).collect();
    for (banks, live) in all.iter().zip(&live) {
        assert_eq!(&told_in_log(&view, (after, upto), banks, |read| read.requests), live);
    }
    let first = live[0][0].to_pay.0;
    let steps: Vec<_> = live[0].iter().map(|told| (told.to_pay.0 - first, told.step)).collect();
    let RequestStep::Ended(RequestEnd::Paid(payment)) = steps[8].1 else { panic!("{steps:?}") };
    let refused = RequestStep::Refused(ReasonCode::parse("MS02").unwrap());
    let expected = [
        (0, RequestStep::Created),
        (1, RequestStep::Created),
        (2, RequestStep::Created),
        (3, RequestStep::Created),
        (0, RequestStep::Accepted),
        (1, RequestStep::Presented),
        (1, refused),
        (2, RequestStep::Cancelled),
        (0, RequestStep::Ended(RequestEnd::Paid(payment))),
        (3, RequestStep::Ended(RequestEnd::Expired)),
    ];
    assert_eq!(steps, expected);
    assert_eq!((&live[1], &live[2], live[3].len()), (&live[0], &live[0], 0));
    node.check_log();
}

#[test]
fn requests_are_asked_for() {
    let mut node = node();
    ask_and_answer(&mut node, 60, "asked");
    quiet(&mut node);
    let ledger = node.core.ledger();
    let found = |asked| -> RequestsFound {
        let Answer::Requests(found) = Question::Requests(asked).answer(ledger).answer else { panic!() };
        found
    };
    let statuses =
        |found: &RequestsFound| found.requests.iter().map(|found| found.request.status()).collect::<Vec<_>>();
    let of_account = |after, count_max| RequestsAsked::ToAccount {
        iban: iban("A1"),
        currency: Currency::EUR,
        after,
        count_max,
    };
    let all = found(of_account(Sequence(0), 9));
    let expected = [
        RequestToPayStatus::Paid,
        RequestToPayStatus::Refused,
        RequestToPayStatus::Cancelled,
        RequestToPayStatus::Expired,
    ];
    assert_eq!((statuses(&all), all.more_after), (expected.to_vec(), None));
    let first = found(of_account(Sequence(0), 2));
    let more = first.more_after.unwrap();
    assert_eq!(statuses(&found(of_account(more, 9))), expected[2..]);
    let of_bank = |letter, side| {
        let (after, count_max) = (Sequence(0), 9);
        found(RequestsAsked::OfBank { bank: bank(letter), side, after, count_max }).requests.len()
    };
    let counts = [("A", RequestSide::Payer), ("B", RequestSide::Payee), ("A", RequestSide::Payee)]
        .map(|(letter, side)| of_bank(letter, side));
    assert_eq!(counts, [4, 4, 0]);
    let paid = &all.requests[0];
    assert_eq!(statuses(&found(RequestsAsked::At(paid.request.sequence()))), expected[..1]);
    // The terms of its order stand where it was accepted.
    let at = paid.request.accepted_at().unwrap();
    let stored = view(&node).terms_at(&[at]).unwrap();
    assert_eq!(stored[0].as_ref().unwrap().terms.amount.get(), 21);
}
