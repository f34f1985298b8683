//! Records about orders and packages: golden bytes, and fields that hold what they can't.

use types::{
    AccountNumber, Channel, Currency, Date, Incarnation, PrincipalNumber, ReasonCode, Sequence, Text,
};

use super::{bank, fault_with, iban, key, written};
use crate::testing_words::{order, start};
use crate::{
    CancelOrders, CancelTarget, ChangeOrder, ClosePackage, Every, Kind, LineContent, LineText, LocalTime,
    OnClosedDay, OpenPackage, OrderContent, PackageLine, PackageText, PlaceOrder, RecordError, RecordWriter,
    Records, RefusedLineText, RequestId, Schedule, StoredTerms, layout, order_transaction_id,
};

fn content() -> OrderContent {
    let mut order = order("T1", iban("A1"), iban("B2"));
    order.creditor_agent = bank("B");
    OrderContent {
        order,
        channel: Channel::Iso20022,
        due: LocalTime::of_minute(Date::parse("2026-02-01").unwrap(), 90).unwrap(),
        give_up: None,
    }
}

fn schedule() -> Schedule {
    let last = Date::parse("2027-02-01").ok();
    Schedule { every: Every::Month, interval: 3, last, on_closed_day: OnClosedDay::After }
}

/// One record of each kind, with every field that a caller can set.
pub(super) fn write(kind: Kind, request_id: RequestId, writer: &mut RecordWriter) {
    let (bank_a, position) = (bank("A"), Sequence(0x0102_0304_0506));
    let look_up = |_, _| AccountNumber(0x0102_0304);
    if kind == Kind::OpenPackage {
        writer.open_package(&OpenPackage {
            request_id,
            bank: bank_a,
            file_digest: [7; 32],
            lines: 0x01_0203,
            control_sum: Some(0x0102_0304_0506),
            currency: Currency::EUR,
            text: PackageText {
                message_id: Text::parse("MSG-1").unwrap(),
                initiating_party: Some(Text::parse("Bakery").unwrap()),
            },
        });
    } else if kind == Kind::PackageLine {
        let group = Some(Text::parse("SALARIES").unwrap());
        let content = LineContent::Order(Box::new(content()));
        writer.package_line(&PackageLine { package: position, line: 0x01_0203, group, content }, look_up);
    } else if kind == Kind::ClosePackage {
        writer.close_package(&ClosePackage { request_id, bank: bank_a, package: position });
    } else if kind == Kind::PlaceOrder {
        let schedule = Some(schedule());
        writer.place_order(&PlaceOrder { request_id, content: content(), schedule }, look_up);
    } else if kind == Kind::ChangeOrder {
        let schedule = Some(schedule());
        let content = content();
        writer.change_order(&ChangeOrder { request_id, order: position, content, schedule }, look_up);
    } else {
        let target = CancelTarget::Order(position);
        writer.cancel_orders(&CancelOrders { request_id, bank: bank_a, target });
    }
}

fn refused_line() -> RecordWriter {
    let mut writer = RecordWriter::new(key(), PrincipalNumber(1));
    let content = LineContent::Refused {
        reason: ReasonCode::parse("AC01").unwrap(),
        amount: None,
        instruction_id: Some(Text::parse("I1").unwrap()),
        end_to_end_id: None,
    };
    writer.package_line(&PackageLine { package: Sequence(7), line: 1, group: None, content }, |_, _| {
        AccountNumber(0)
    });
    writer
}

#[test]
fn impossible_fields_are_named() {
    for (kind, at, byte, field) in [
        (Kind::OpenPackage, 87, 0x80, "control_sum"),
        (Kind::OpenPackage, 91, 1, "lines"),
        (Kind::OpenPackage, 92, b'a', "bic"),
        (Kind::OpenPackage, 103, 1, "reserved"),
        (Kind::OpenPackage, 104, 1, "currency"),
        (Kind::OpenPackage, 111, 1, "reserved"),
        (Kind::PackageLine, 11, 1, "line"),
        (Kind::PackageLine, 12, b'A', "reason"),
        (Kind::PackageLine, 16 + 55, 0x80, "amount"),
        (Kind::PackageLine, 16 + 63, 0x80, "due"),
        (Kind::PackageLine, 16 + 71, 0x80, "give_up"),
        (Kind::PackageLine, 16 + 64, 1, "give_up"),
        (Kind::PackageLine, 16 + 76, b'a', "bic"),
        (Kind::PackageLine, 16 + 87, b'a', "bic"),
        (Kind::PackageLine, 16 + 98, 9, "channel"),
        (Kind::PackageLine, 16 + 99, 1, "currency"),
        (Kind::PackageLine, 16 + 103, 1, "reserved"),
        (Kind::ClosePackage, 40, b'a', "bic"),
        (Kind::ClosePackage, 55, 1, "reserved"),
        (Kind::PlaceOrder, 32 + 55, 0x80, "amount"),
        (Kind::PlaceOrder, 139, 0x80, "last"),
        (Kind::PlaceOrder, 140, 3, "every"),
        (Kind::PlaceOrder, 141, 13, "interval"),
        (Kind::PlaceOrder, 142, 4, "on_closed_day"),
        (Kind::PlaceOrder, 143, 1, "reserved"),
        (Kind::ChangeOrder, 40, 1, "repeats"),
        (Kind::ChangeOrder, 46, 1, "schedule"),
        (Kind::ChangeOrder, 157, 0, "interval"),
        (Kind::CancelOrders, 32, 1, "order"),
        (Kind::CancelOrders, 48, b'a', "bic"),
        (Kind::CancelOrders, 63, 1, "reserved"),
    ] {
        let found = fault_with(&written(kind), 16 + at, byte);
        assert_eq!(found, Some(RecordError::Field(field)), "{kind:?} with {byte} at {at}");
    }
}

/// Of a line that could not be read nothing stands there but that it could not.
#[test]
fn refused_line_has_no_terms() {
    let writer = refused_line();
    assert!(Records::erased(writer.records()).next().unwrap().is_ok());
    for at in 16 + 16..120 {
        let found = fault_with(&writer, 16 + at, 1);
        let is_amount = (16 + 48..16 + 55).contains(&at);
        assert_eq!(found.is_none(), is_amount && at < 16 + 53, "{at}: {found:?}");
    }
}

#[test]
fn texts_come_back_as_they_were_written() {
    let writer = written(Kind::OpenPackage);
    let text = PackageText::decode(writer.texts()).unwrap();
    assert_eq!((text.message_id.as_str(), text.encode()), ("MSG-1", writer.texts().to_vec()));
    let writer = written(Kind::PackageLine);
    let text = LineText::read(writer.texts()).unwrap();
    assert_eq!(text.group, "SALARIES");
    assert_eq!(text.rest, types::OrderText::encode(&content().order).bytes);
    let writer = refused_line();
    let text = LineText::read(writer.texts()).unwrap();
    assert_eq!(text.group, "");
    let text = RefusedLineText::decode(text.rest).unwrap();
    assert_eq!(text.instruction_id.unwrap().as_str(), "I1");
    assert!(LineText::read(&[]).is_err());
    assert!(LineText::read(&[2, b'a']).is_err(), "it is cut short");
    assert!(LineText::read(&[1, 0xFF]).is_err(), "it is no text");
}

/// Where accounts are is no part of a body.
#[test]
fn what_the_edge_saw_is_no_part_of_a_body() {
    let place = |account| {
        let mut writer = RecordWriter::new(key(), PrincipalNumber(1));
        let request_id = RequestId::parse("place").unwrap();
        writer.place_order(&PlaceOrder { request_id, content: content(), schedule: None }, |_, _| account);
        writer.records()[32..48].to_vec()
    };
    assert_eq!(place(AccountNumber(0)), place(AccountNumber(9)));
}

fn execution() -> RecordWriter {
    let line = written(Kind::PackageLine);
    let Some(Ok(record)) = Records::new(line.records(), line.texts()).next() else { panic!("a line") };
    let crate::Command::PackageLine(layout::PackageLine { terms, .. }) = record.command else {
        panic!("a line")
    };
    let stored = StoredTerms { terms: *terms, text: record.text.into() };
    let mut writer = RecordWriter::new(key(), PrincipalNumber(1));
    let id = order_transaction_id(Incarnation(7), Sequence(0x0102), 3);
    writer.execute_order(Sequence(0x0102), &id, &stored, start(), |_, _| AccountNumber(9)).unwrap();
    writer
}

/// A payment that executes an order is of version 4, and stays so whatever is found out about it.
#[test]
fn payment_of_an_order_says_which() {
    let mut writer = execution();
    assert_eq!((writer.rules_version(), writer.records()[2]), (5, 4));
    writer.mark_last_connected(|bic| bic == bank("B").as_bytes());
    assert_eq!(writer.records()[2], 4);
    writer.set_evidence(Sequence(99), &[]);
    let Some(Ok(record)) = Records::new(writer.records(), writer.texts()).next() else { panic!("a payment") };
    let crate::Command::Payment(payment) = record.command else { panic!("a payment") };
    assert_eq!((payment.order.get(), payment.evidence_upto.get()), (0x0102, 99));
    assert!(payment.connected().creditor);
    assert_eq!(payment.key.id(), b"O0000000000000007102-3");
    let again = RecordWriter::again(key(), [(writer.records(), writer.texts())]);
    assert_eq!((again.records(), again.rules_version()), (execution().records(), 5));
    // No other version names an order, and this one does.
    for (version, fault) in [(1, Some("order")), (2, Some("order")), (4, None)] {
        let found = fault_with(&execution(), 2, version);
        assert_eq!(found, fault.map(RecordError::Field), "version {version}");
    }
    let mut records = execution().records().to_vec();
    records[16 + 155..16 + 163].fill(0);
    let found = Records::erased(&records).next().unwrap().err();
    assert_eq!(found, Some(RecordError::Field("order")));
}

#[test]
fn commands_of_version_5_say_so() {
    for number in [40, 41, 42, 43, 44, 48] {
        let kind = Kind::from_number(number).unwrap();
        assert_eq!((kind.first_version(), written(kind).rules_version()), (5, 5), "{kind:?}");
    }
}
