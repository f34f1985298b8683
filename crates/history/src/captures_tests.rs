//! What was held and is paid out, on the accounts and positions that it moves.

use ledger::{AccountSelector, CaptureHold, HoldLeg, PlaceHold, RequestId};
use types::{Currency, Sequence, Text};

use super::bookings_tests::check_books;
use super::tests::index;
use super::*;
use crate::rows::EntryKind;
use crate::testing::{KEY, Log, SECOND, bank, euro_cents, iban, nanoseconds};

/// 10.00 of A1 is held, and paid out to these in one capture.
fn captured(legs: &[(&str, i64)]) -> (Log, Sequence) {
    let mut log = Log::new();
    let mut writer = log.writer();
    let currency = Currency::EUR;
    writer.place_hold(&PlaceHold {
        request_id: RequestId::parse("hold").unwrap(),
        bank: bank("A"),
        account: AccountSelector { iban: iban("A1"), currency },
        amount: euro_cents(1000),
        expires: log.time.plus(nanoseconds(60 * SECOND)),
        reference: Text::parse("CARD-1").unwrap(),
        note: None,
    });
    log.commands(&writer);
    let hold = log.ledger.position().sequence;
    let number = |name: &str| log.ledger.account(&KEY, iban(name).as_str(), currency).unwrap().0;
    let leg = |(name, cents): &(&str, i64)| HoldLeg {
        iban: iban(name),
        kept_at: Some((number(name), bank(&name[..1]))),
        amount: euro_cents(*cents),
        reference: Text::parse("SHARE").unwrap(),
        remittance: None,
    };
    let mut writer = log.writer();
    writer.capture_hold(&CaptureHold {
        request_id: RequestId::parse("capture").unwrap(),
        bank: bank("A"),
        hold,
        held_on: Some((number("A1"), currency)),
        legs: legs.iter().map(leg).collect(),
        is_final: true,
    });
    log.commands(&writer);
    let command = log.ledger.position().sequence;
    log.marker();
    (log, command)
}

/// The last entries: kind, change, balance, and which leg of which command each is.
fn last(view: &View, owner: Owner, count: usize) -> Vec<(EntryKind, i64, i64, Sequence, u16)> {
    let rows = view.entries(owner, (None, None), Order::OldestFirst, None, 100).unwrap().rows;
    let told = |row: &crate::rows::EntryRow| (row.kind, row.change, row.balance, row.command, row.place.turn);
    rows[rows.len() - count..].iter().map(told).collect()
}

#[test]
fn every_leg_is_an_entry_of_both_sides() {
    let (log, command) = captured(&[("B1", 300), ("A2", 200), ("B1", 100)]);
    let (_folder, store) = index(&log, true);
    let view = View::new(&store).unwrap().unwrap();
    check_books(&log, &view);
    let account =
        |name: &str| view.account(KEY.iban(iban(name).as_str()), Currency::EUR).unwrap().unwrap().owner;
    let of = |change, balance, leg| (EntryKind::HoldCapture, change, balance, command, leg);
    assert_eq!(
        last(&view, account("A1"), 3),
        [of(-300, 49_700, 0), of(-200, 49_500, 1), of(-100, 49_400, 2)]
    );
    assert_eq!(last(&view, account("B1"), 2), [of(300, 50_300, 0), of(100, 50_400, 2)]);
    assert_eq!(last(&view, account("A2"), 1), [of(200, 50_200, 1)]);
    for (name, changes) in [("A", [-300, -100]), ("B", [300, 100])] {
        let position = view.position(bank(name), Currency::EUR).unwrap().owner;
        let found = last(&view, position, 2);
        assert_eq!(
            found.iter().map(|entry| entry.1).collect::<Vec<_>>(),
            changes,
            "inside the bank nothing moves"
        );
    }
}
