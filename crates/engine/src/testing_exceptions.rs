//! Exceptions of the tests.

use journal::Journal;
use ledger::{
    AssignException, Direction, ExceptionAction, ExceptionKind, ExceptionOwner, ExceptionSubject, Ledger,
    RaiseException, RecordWriter, ResolveException,
};
use types::{Currency, Sequence, Text};

use crate::testing::{Node, bank, commands, euro_cents, iban, key, request};

/// Books of bank A do not agree.
pub(crate) fn raise(writer: &mut RecordWriter, id: &str, cents: i64, direction: Direction) {
    writer.raise_exception(&RaiseException {
        request_id: request(id),
        bank: bank("A"),
        kind: ExceptionKind::ReconciliationBreak,
        subject: ExceptionSubject::Reference {
            reference: Text::parse(id).unwrap(),
            amount: euro_cents(cents),
            currency: Currency::EUR,
            direction,
        },
        note: Some(Text::parse("More in the till than in the books").unwrap()),
    });
}

/// Somebody looks after it.
pub(crate) fn assign(writer: &mut RecordWriter, id: &str, exception: Sequence) {
    let owner = ExceptionOwner::parse("back-office").unwrap();
    let (request_id, bank) = (request(id), bank("A"));
    writer.assign_exception(&AssignException { request_id, bank, exception, owner, note: None });
}

/// Something is done about it; where it is booked to a customer, that is A1.
pub(crate) fn resolve(
    ledger: &Ledger,
    writer: &mut RecordWriter,
    id: &str,
    exception: Sequence,
    action: ExceptionAction,
) {
    let (account, number) =
        (iban("A1"), ledger.account(&key(), iban("A1").as_str(), Currency::EUR).unwrap().0);
    let is_booked = action == ExceptionAction::BookToCustomer;
    writer.resolve_exception(&ResolveException {
        request_id: request(id),
        bank: bank("A"),
        exception,
        action,
        account: is_booked.then_some((account, number)),
        seen: ledger.exception(exception).map(|exception| ledger.exception_seen(exception)),
        note: None,
    });
}

/// Exceptions in each standing, with names that begin like this.
pub(crate) fn except<J: Journal>(node: &mut Node<J>, ticket: u32, name: &str) {
    use ExceptionAction::{AskAgain, BookToCustomer, Close, Return, ToSuspense, WriteOff};
    let of = |what: &str| format!("{name}-{what}");
    let mut writer = commands();
    for (what, direction) in
        [("one", Direction::Credit), ("two", Direction::Debit), ("three", Direction::Credit)]
    {
        raise(&mut writer, &of(what), 70, direction);
    }
    raise(&mut writer, &of("one"), 70, Direction::Credit);
    node.submit(ticket, writer);
    node.write_all();
    let raised: Vec<_> = node.outcomes_of(ticket).iter().map(|outcome| outcome.sequence).collect();
    let mut writer = commands();
    assign(&mut writer, &of("owner"), raised[2]);
    for (number, which, action) in [
        (1, 0, ToSuspense),
        (2, 1, ToSuspense),
        (3, 2, ToSuspense),
        (4, 0, BookToCustomer),
        (5, 0, Close),
        (6, 1, WriteOff),
        (7, 2, AskAgain),
        (8, 2, Return),
    ] {
        let id = of(&format!("act-{number}"));
        resolve(node.core.ledger(), &mut writer, &id, raised[which], action);
    }
    node.submit(ticket + 1, writer);
    node.write_all();
}
