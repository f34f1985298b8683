//! Packages and orders of the tests.

use journal::Journal;
use ledger::{
    CancelOrders, CancelTarget, ClosePackage, LineContent, LocalTime, OpenPackage, OrderContent, PackageLine,
    PackageText, PlaceOrder, RecordWriter, Schedule, StoredTerms, order_transaction_id,
};
use types::{AccountNumber, Channel, Currency, Incarnation, ReasonCode, Sequence, Text};

use crate::testing::{Node, bank, commands, order, request};

fn content(name: &str, cents: i64, due: LocalTime) -> Box<OrderContent> {
    let order = order(name, cents, None);
    Box::new(OrderContent { order, channel: Channel::Iso20022, due, give_up: None })
}

/// A file of so many lines is about to be logged.
pub(crate) fn open_package(writer: &mut RecordWriter, id: &str, lines: u32) {
    writer.open_package(&OpenPackage {
        request_id: request(id),
        bank: bank("A"),
        file_digest: [7; 32],
        lines,
        control_sum: None,
        currency: Currency::EUR,
        text: PackageText {
            message_id: Text::parse(id).unwrap(),
            initiating_party: Some(Text::parse("A bakery").unwrap()),
        },
    });
}

/// A line of it; one of no cents was refused on reading.
pub(crate) fn line(writer: &mut RecordWriter, package: Sequence, line: u32, cents: i64) {
    let content = match cents {
        0 => LineContent::Refused {
            reason: ReasonCode::parse("AC01").unwrap(),
            amount: None,
            instruction_id: None,
            end_to_end_id: Some(Text::parse("E2E").unwrap()),
        },
        cents => LineContent::Order(content(&format!("line-{line}"), cents, LocalTime::AT_ONCE)),
    };
    let group = Some(Text::parse("SALARIES").unwrap());
    writer.package_line(&PackageLine { package, line, group, content }, |_, _| AccountNumber(0));
}

/// All lines are logged.
pub(crate) fn close_package(writer: &mut RecordWriter, id: &str, package: Sequence) {
    writer.close_package(&ClosePackage { request_id: request(id), bank: bank("A"), package });
}

/// An order for this time of bank A's clock.
pub(crate) fn place_order(
    writer: &mut RecordWriter,
    id: &str,
    cents: i64,
    due: LocalTime,
    schedule: Option<Schedule>,
) {
    let content = *content(id, cents, due);
    writer.place_order(&PlaceOrder { request_id: request(id), content, schedule }, |_, _| AccountNumber(0));
}

/// What has not been sent is not executed any more.
pub(crate) fn cancel(writer: &mut RecordWriter, id: &str, target: CancelTarget) {
    writer.cancel_orders(&CancelOrders { request_id: request(id), bank: bank("A"), target });
}

/// The payment that executes an order whose terms stand there.
pub(crate) fn execute<J: Journal>(
    node: &Node<J>,
    writer: &mut RecordWriter,
    order: Sequence,
    stored: &StoredTerms,
) {
    let occurrence = node.core.ledger().order(order).map_or(0, |(order, _)| order.occurrence);
    let id = order_transaction_id(Incarnation(1), order, occurrence);
    writer.execute_order(order, &id, stored, node.now.wall, |_, _| AccountNumber(0)).unwrap();
}

/// The terms that a record of these commands holds.
pub(crate) fn terms_of(writer: &RecordWriter, place: usize) -> StoredTerms {
    let mut records = ledger::Records::new(writer.records(), writer.texts());
    let record = records.nth(place).unwrap().unwrap();
    let terms = if let ledger::Command::PackageLine(line) = record.command {
        line.terms
    } else if let ledger::Command::PlaceOrder(place) = record.command {
        place.terms
    } else if let ledger::Command::AnswerRequestToPay(answer) = record.command {
        answer.terms
    } else {
        panic!("no order: {record:?}")
    };
    StoredTerms { terms, text: record.text.into() }
}

/// Something of all of it, with names that begin like this; some stands open at the end.
pub(crate) fn order_and_execute<J: Journal>(node: &mut Node<J>, ticket: u32, name: &str) {
    let of = |what: &str| format!("{name}-{what}");
    let mut writer = commands();
    open_package(&mut writer, &of("file"), 4);
    node.submit(ticket, writer);
    node.write_all();
    let package = node.outcomes_of(ticket)[0].sequence;
    let mut lines = commands();
    for (number, cents) in [(1, 120), (2, 0), (3, 900_000_000), (4, 40)] {
        line(&mut lines, package, number, cents);
    }
    close_package(&mut lines, &of("closed"), package);
    let due = LocalTime::of_day(node.now.wall.date());
    place_order(&mut lines, &of("order"), 70, due, None);
    let every = ledger::Every::Month;
    let on_closed_day = ledger::OnClosedDay::Same;
    let monthly = Schedule { every, interval: 1, last: None, on_closed_day };
    place_order(&mut lines, &of("standing"), 30, due, Some(monthly));
    node.submit(ticket + 1, lines.clone());
    node.write_all();
    let at: Vec<_> = node.outcomes_of(ticket + 1).iter().map(|outcome| outcome.sequence).collect();
    let mut writer = commands();
    // The third waits for funds; the fifth record closes the package.
    for place in [0, 2, 5, 6] {
        execute(node, &mut writer, at[place], &terms_of(&lines, place));
    }
    execute(node, &mut writer, at[0], &terms_of(&lines, 0));
    node.submit(ticket + 2, writer);
    node.write_all();
    let mut writer = commands();
    cancel(&mut writer, &of("cancel"), CancelTarget::Order(at[3]));
    cancel(&mut writer, &of("cancel-rest"), CancelTarget::Package(package));
    open_package(&mut writer, &of("second"), 9);
    node.submit(ticket + 3, writer);
    node.write_all();
}
