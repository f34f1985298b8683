//! Exceptions, on the customers' accounts that they are booked on.

use ledger::{
    Direction, ExceptionAction, ExceptionKind, ExceptionSubject, RaiseException, RequestId, ResolveException,
};
use types::{Currency, Text};

use super::bookings_tests::{all, check_books};
use super::tests::index;
use super::*;
use crate::bookings::Heap;
use crate::rows::EntryKind;
use crate::testing::{KEY, Log, bank, euro_cents, iban};

#[test]
fn what_is_booked_to_a_customer_is_an_entry_of_its_own_kind() {
    let mut log = Log::new();
    let currency = Currency::EUR;
    for (id, cents, direction) in [("in", 300, Direction::Credit), ("out", 120, Direction::Debit)] {
        let mut writer = log.writer();
        let (amount, reference) = (euro_cents(cents), Text::parse(id).unwrap());
        writer.raise_exception(&RaiseException {
            request_id: RequestId::parse(&format!("raise-{id}")).unwrap(),
            bank: bank("A"),
            kind: ExceptionKind::ReconciliationBreak,
            subject: ExceptionSubject::Reference { reference, amount, currency, direction },
            note: None,
        });
        log.commands(&writer);
        let exception = log.ledger.position().sequence;
        for action in [ExceptionAction::ToSuspense, ExceptionAction::BookToCustomer] {
            let mut writer = log.writer();
            let number = log.ledger.account(&KEY, iban("A1").as_str(), currency).unwrap().0;
            let is_booked = action == ExceptionAction::BookToCustomer;
            writer.resolve_exception(&ResolveException {
                request_id: RequestId::parse(&format!("{id}-{}", action.number())).unwrap(),
                bank: bank("A"),
                exception,
                action,
                account: is_booked.then_some((iban("A1"), number)),
                seen: log.ledger.exception(exception).map(|found| log.ledger.exception_seen(found)),
                note: None,
            });
            log.commands(&writer);
        }
    }
    let command = log.ledger.position().sequence;
    log.marker();
    let (_folder, store) = index(&log, true);
    let view = View::new(&store).unwrap().unwrap();
    check_books(&log, &view);
    use Heap::{Core, Customers, Suspense};
    let booked = all(&view, "A").into_iter().filter(|row| row.kind == EntryKind::Exception);
    let booked: Vec<Vec<Heap>> = booked.map(|row| row.sides().map(|side| side.heap).collect()).collect();
    assert_eq!(booked, [[Core, Suspense], [Suspense, Customers], [Suspense, Core], [Customers, Suspense]]);
    let account = view.account(KEY.iban(iban("A1").as_str()), currency).unwrap().unwrap();
    let rows = view.entries(account.owner, (None, None), Order::OldestFirst, None, 100).unwrap().rows;
    let exceptions: Vec<_> = rows.iter().filter(|row| row.kind == EntryKind::Exception).collect();
    assert_eq!(exceptions.iter().map(|row| row.change).collect::<Vec<_>>(), [300, -120]);
    assert_eq!(exceptions[1].balance - exceptions[0].balance, -120);
    assert_eq!(exceptions[1].command, command);
}
