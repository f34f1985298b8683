//! Records about exceptions: golden bytes, and fields that hold what they can't.

use types::{AccountNumber, Amount, Currency, Sequence, Text};

use super::{account, bank, iban, recall, written};
use crate::{
    AssignException, Direction, ExceptionAction, ExceptionKind, ExceptionOwner, ExceptionSeen,
    ExceptionSubject, ExceptionText, Kind, RaiseException, RecordError, RecordWriter, Records, RequestId,
    ResolveException,
};

/// One record of each kind, with every field that a caller can set.
pub(super) fn write(kind: Kind, request_id: RequestId, writer: &mut RecordWriter) {
    let (bank_b, exception) = (bank("B"), Sequence(0x0102_0304_0506));
    let note = Some(Text::parse("Ask the branch").unwrap());
    if kind == Kind::RaiseException {
        writer.raise_exception(&RaiseException {
            request_id,
            bank: bank_b,
            kind: ExceptionKind::CreditNotAcknowledged,
            subject: ExceptionSubject::Payment(Box::new(recall().original)),
            note,
        });
    } else if kind == Kind::AssignException {
        let owner = ExceptionOwner::parse("back-office").unwrap();
        writer.assign_exception(&AssignException { request_id, bank: bank_b, exception, owner, note });
    } else {
        let seen = ExceptionSeen {
            kind: ExceptionKind::CreditNotAcknowledged,
            amount: Amount::from_minor_units(1234),
            currency: Currency::EUR,
            direction: Some(Direction::Credit),
            other_bank: Some(bank("A")),
        };
        writer.resolve_exception(&ResolveException {
            request_id,
            bank: bank_b,
            exception,
            action: ExceptionAction::BookToCustomer,
            account: Some((iban("B1"), AccountNumber(0x0102_0304))),
            seen: Some(seen),
            note,
        });
    }
}

#[test]
fn impossible_fields_are_named() {
    use Kind::{AssignException as Assign, RaiseException as Raise, ResolveException as Resolve};
    for (kind, at, byte, field) in [
        (Raise, 39, 0x80, "decided_at"),
        (Raise, 71, 0x80, "amount"),
        (Raise, 136, 1, "recall"),
        (Raise, 144, 1, "subject_digest"),
        (Raise, 160, 1, "amount"),
        (Raise, 168, b'a', "bic"),
        (Raise, 179, 7, "kind"),
        (Raise, 179, 5, "subject_digest"),
        (Raise, 179, 6, "recall"),
        (Raise, 179, 1, "direction"),
        (Raise, 180, 3, "direction"),
        (Raise, 181, 1, "reserved"),
        (Raise, 182, 1, "currency"),
        (Assign, 40, 0, "owner"),
        (Assign, 41, b' ', "owner"),
        (Assign, 72, b'a', "bic"),
        (Assign, 83, 1, "reserved"),
        (Resolve, 47, 0x80, "amount"),
        (Resolve, 68, 1, "currency"),
        (Resolve, 70, 9, "kind"),
        (Resolve, 70, 0, "reserved"),
        (Resolve, 71, 0, "action"),
        (Resolve, 71, 6, "account"),
        (Resolve, 72, 9, "direction"),
        (Resolve, 73, b'a', "bic"),
        (Resolve, 84, b'a', "other_bic"),
        (Resolve, 95, 1, "reserved"),
    ] {
        let found = super::fault_with(&written(kind), 16 + at, byte);
        assert_eq!(found, Some(RecordError::Field(field)), "{kind:?} with {byte} at {at}");
    }
}

/// Every subject is written as something that is read again.
#[test]
fn every_subject_is_read_again() {
    let (amount, currency) = (Amount::from_minor_units(5).unwrap(), Currency::EUR);
    let reference = Text::parse("REF-1").unwrap();
    let original = || ExceptionSubject::Payment(Box::new(recall().original));
    for (kind, subject) in [
        (ExceptionKind::LatePositive, original()),
        (ExceptionKind::CreditNotAcknowledged, original()),
        (ExceptionKind::LateConfirmation, original()),
        (ExceptionKind::StaleMirror, ExceptionSubject::Account(account())),
        (
            ExceptionKind::ReconciliationBreak,
            ExceptionSubject::Reference { reference, amount, currency, direction: Direction::Debit },
        ),
        (ExceptionKind::RecallDue, ExceptionSubject::Recall { recall: Sequence(7), amount, currency }),
    ] {
        let mut writer = RecordWriter::new(super::key(), super::PRINCIPAL);
        let request_id = RequestId::parse("raise").unwrap();
        writer.raise_exception(&RaiseException { request_id, bank: bank("A"), kind, subject, note: None });
        let read = Records::new(writer.records(), writer.texts()).next().unwrap();
        assert!(read.is_ok(), "{kind:?}: {read:?}");
        let text = ExceptionText::decode(writer.texts()).unwrap();
        assert_eq!(text.iban.is_some(), kind == ExceptionKind::StaleMirror);
        assert_eq!(text.reference.is_some(), kind == ExceptionKind::ReconciliationBreak);
        assert_eq!(text.encode(), writer.texts());
    }
}

/// What the core knows of an exception, and where an account is, is no part of a body: a repeat is one whatever has changed.
#[test]
fn what_the_edge_saw_is_no_part_of_a_body() {
    let resolve = |number, seen| {
        let mut writer = RecordWriter::new(super::key(), super::PRINCIPAL);
        let request_id = RequestId::parse("resolve").unwrap();
        writer.resolve_exception(&ResolveException {
            request_id,
            bank: bank("A"),
            exception: Sequence(7),
            action: ExceptionAction::BookToCustomer,
            account: Some((iban("A1"), AccountNumber(number))),
            seen,
            note: None,
        });
        assert!(Records::erased(writer.records()).next().unwrap().is_ok());
        writer.records()[32..48].to_vec()
    };
    let seen = ExceptionSeen {
        kind: ExceptionKind::ReconciliationBreak,
        amount: None,
        currency: Currency::EUR,
        direction: None,
        other_bank: None,
    };
    assert_eq!(resolve(1, Some(seen)), resolve(0, None));
}

#[test]
fn commands_about_exceptions_are_of_version_5() {
    for number in [80, 81, 82] {
        let kind = Kind::from_number(number).unwrap();
        assert_eq!((kind.first_version(), written(kind).rules_version()), (5, 5), "{kind:?}");
    }
}
