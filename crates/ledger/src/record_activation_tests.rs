//! Records about which accounts take part: fields that hold what they can't, and what payments say of it.

use types::{AccountNumber, Channel, Sequence, Text};
use zerocopy::{FromBytes, IntoBytes};

use super::{bank, iban, start, written};
use crate::testing::ledger_after;
use crate::testing_words::order;
use crate::{
    AccountRange, Command, Kind, RecordError, RecordWriter, Records, RequestId, SetActivation, Stage, layout,
};

fn range(first: &str, last: &str) -> AccountRange {
    AccountRange::new("BE", first, last).unwrap()
}

/// The record, with every field that a caller can set.
pub(super) fn write(request_id: RequestId, writer: &mut RecordWriter) {
    writer.set_activation(&SetActivation {
        request_id,
        bank: bank("A"),
        range: Some(range("539000000000", "539999999999")),
        is_active: true,
        reason: Text::parse("Branch 539 moves").unwrap(),
    });
}

#[test]
fn impossible_fields_are_named() {
    for (at, byte, field) in [
        (32, b'a', "bic"),
        (43, 2, "is_active"),
        (44, b'b', "range"),
        (46, 0, "reserved"),
        (46, 13, "range"),
        (46, 31, "range"),
        (47, b'a', "range"),
        (47, b'6', "range"),
        (59, b'0', "range"),
        (77 + 12, b'0', "range"),
        (109, 0x20, "range"),
        (47, b'A', "range"),
        (111, 1, "reserved"),
    ] {
        let found = super::fault_with(&written(Kind::SetActivation), 16 + at, byte);
        assert_eq!(found, Some(RecordError::Field(field)), "{byte} at {at}");
    }
}

#[test]
fn range_and_reason_come_back_as_they_were_written() {
    let writer = written(Kind::SetActivation);
    let record = Records::new(writer.records(), writer.texts()).next().unwrap().unwrap();
    let Command::SetActivation(set) = record.command else { panic!("another command") };
    assert_eq!((set.range(), set.is_active), (Some(range("539000000000", "539999999999")), 1));
    assert_eq!(record.text, b"Branch 539 moves");
    assert_eq!((Kind::SetActivation.first_version(), writer.rules_version()), (5, 5));
}

/// A payment from `A1` to `B1`.
fn payment() -> RecordWriter {
    let mut order = order("T1", iban("A1"), iban("B1"));
    order.creditor_agent = bank("B");
    let mut writer = RecordWriter::new(super::key(), super::PRINCIPAL);
    writer.payment(&order, start(), Channel::Grpc, |_, _| AccountNumber(0));
    writer
}

/// The same, looked up in the table that a script leaves.
fn stamped(script: &str) -> RecordWriter {
    let ledger = ledger_after(&format!("bank A hosted | bank B hosted\n{script}"));
    let mut writer = payment();
    writer.stamp_activation(&ledger.activation_table());
    writer
}

fn read(records: &[u8]) -> Result<layout::Payment, RecordError> {
    let record = Records::erased(records).next().expect("there is a record")?;
    let Command::Payment(payment) = record.command else { panic!("another command") };
    Ok(*payment)
}

#[test]
fn payment_says_which_accounts_take_no_part_and_by_which_table() {
    for (script, number, side) in [
        ("deactivate A", 1, Some(Stage::Debit)),
        ("deactivate B", 1, Some(Stage::Credit)),
        ("deactivate A | deactivate B", 2, Some(Stage::Debit)),
        ("deactivate A 2 9 | activate B", 2, None),
        ("deactivate A 1 9 | activate B", 2, Some(Stage::Debit)),
    ] {
        let payment = read(stamped(script).records()).unwrap();
        assert_eq!((payment.activation.get(), payment.inactive_side()), (number, side), "{script}");
    }
    assert_eq!(stamped("").records(), payment().records(), "where nothing was ever said, nothing is written");
}

/// Texts and documents that stand between payments are stepped over, and what was said by an older table is replaced.
#[test]
fn each_payment_of_a_submission_is_looked_up() {
    let ledger = ledger_after("bank A hosted | bank B hosted | deactivate A 5 9 | deactivate B");
    let mut writer = payment();
    write(super::request_id(), &mut writer);
    writer.payment(&order("T2", iban("A1"), iban("A5")), start(), Channel::Grpc, |_, _| AccountNumber(0));
    writer.stamp_activation(&ledger_after("bank A hosted | deactivate A").activation_table());
    writer.stamp_activation(&ledger.activation_table());
    let sides: Vec<_> = Records::new(writer.records(), writer.texts())
        .filter_map(|record| {
            let Command::Payment(payment) = record.unwrap().command else { return None };
            Some((payment.activation.get(), payment.inactive))
        })
        .collect();
    assert_eq!(sides, [(2, 2), (2, 2)]);
}

#[test]
fn what_was_looked_up_is_taken_out_before_it_is_looked_up_again() {
    let stamped = stamped("deactivate A");
    let again = RecordWriter::again(super::key(), [(stamped.records(), stamped.texts())]);
    assert_eq!(again.records(), payment().records());
}

/// What is found on disk follows the payment in this version too, and nothing else may.
#[test]
fn evidence_follows_where_something_was_found() {
    let mut writer = super::with_evidence(Kind::Payment);
    let length = writer.records().len();
    writer.stamp_activation(&ledger_after("bank A hosted | deactivate A").activation_table());
    assert_eq!(writer.records().len(), length);
    let record = Records::erased(writer.records()).next().unwrap().unwrap();
    assert!(record.found.is_some());
    let mut without = writer.records()[..16 + size_of::<layout::Payment>()].to_vec();
    let (header, _) = layout::Header::mut_from_prefix(&mut without).unwrap();
    header.length = u32::try_from(length - size_of::<layout::StoredPayment>()).unwrap().into();
    assert_eq!(read(&without), Err(RecordError::Field("evidence_found")));
    let mut stamped = stamped("deactivate A");
    stamped.set_evidence(Sequence(9), &[]);
    assert_eq!(read(stamped.records()).unwrap().evidence_upto.get(), 9);
}

#[test]
fn impossible_fields_of_payments_are_named() {
    let writer = stamped("deactivate A");
    let payment = read(writer.records()).unwrap();
    let fault = |version: u16, change: fn(&mut layout::Payment)| {
        let mut records = writer.records().to_vec();
        let (header, structure) = layout::Header::mut_from_prefix(&mut records).unwrap();
        header.version = version.into();
        let mut changed = payment;
        change(&mut changed);
        structure.copy_from_slice(changed.as_bytes());
        read(&records).err()
    };
    assert_eq!(fault(4, |_| {}), None);
    assert_eq!(fault(4, |payment| payment.inactive = 4), Some(RecordError::Field("inactive")));
    assert_eq!(fault(4, |payment| payment.activation = 0.into()), Some(RecordError::Field("activation")));
    assert_eq!(fault(4, |payment| payment.reserved[0] = 1), Some(RecordError::Field("reserved")));
    assert_eq!(fault(4, |payment| payment.reserved[7] = 1), Some(RecordError::Field("reserved")));
    for version in [1, 2] {
        assert_eq!(fault(version, |_| {}), Some(RecordError::Field("reserved")));
        assert_eq!(
            fault(version, |payment| payment.activation = 0.into()),
            Some(RecordError::Field("reserved"))
        );
    }
    assert!(matches!(fault(5, |_| {}), Some(RecordError::Unknown { .. })));
}
