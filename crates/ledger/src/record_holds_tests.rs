//! Records about holds and those that gateways keep: golden bytes, and fields that hold what they can't.

use types::{AccountNumber, Amount, Currency, Sequence, Text};

use super::{account, bank, iban, start, written};
use crate::{
    CaptureHold, CaptureText, ExpectedVersion, HoldLeg, HoldText, Kind, LegText, PlaceHold, PutRecord,
    RecordError, RecordKey, RecordOwner, RecordSpace, RecordWriter, Records, ReleaseHold, RemoveRecord,
    RequestId,
};

/// One record of each kind, with every field that a caller can set.
pub(super) fn write(kind: Kind, request_id: RequestId, writer: &mut RecordWriter) {
    let amount = Amount::from_minor_units(1234).unwrap();
    let (bank_a, hold) = (bank("A"), Sequence(0x0102_0304_0506));
    let owner = RecordOwner { bank: bank_a, space: RecordSpace::parse("consents").unwrap() };
    let key = RecordKey::parse("consent/0001").unwrap();
    if kind == Kind::PlaceHold {
        writer.place_hold(&PlaceHold {
            request_id,
            bank: bank_a,
            account: account(),
            amount,
            expires: start(),
            reference: Text::parse("HOLD-1").unwrap(),
            note: Some(Text::parse("Table for two").unwrap()),
        });
    } else if kind == Kind::CaptureHold {
        let leg = |name, number, remittance: Option<&str>| HoldLeg {
            iban: iban(name),
            kept_at: Some((AccountNumber(number), bank("B"))),
            amount,
            reference: Text::parse("LEG").unwrap(),
            remittance: remittance.map(|text| Text::parse(text).unwrap()),
        };
        writer.capture_hold(&CaptureHold {
            request_id,
            bank: bank_a,
            hold,
            held_on: Some((AccountNumber(0x0102_0304), Currency::EUR)),
            legs: vec![leg("B1", 0x0506_0708, Some("Goods")), leg("B2", 9, None)],
            is_final: true,
        });
    } else if kind == Kind::ReleaseHold {
        writer.release_hold(&ReleaseHold { request_id, bank: bank_a, hold, amount: Some(amount) });
    } else if kind == Kind::PutRecord {
        writer.put_record(&PutRecord {
            request_id,
            owner,
            key,
            expected: ExpectedVersion::Exactly(hold),
            bytes: b"opaque".to_vec(),
            expires: Some(start()),
            repeats: Some(Sequence(0x0708)),
        });
    } else {
        writer.remove_record(&RemoveRecord { request_id, owner, key, expected: Some(hold) });
    }
}

#[test]
fn impossible_fields_are_named() {
    for (kind, at, byte, field) in [
        (Kind::PlaceHold, 55, 0x80, "amount"),
        (Kind::PlaceHold, 63, 0x80, "expires"),
        (Kind::PlaceHold, 64, b'a', "bic"),
        (Kind::PlaceHold, 75, 1, "reserved"),
        (Kind::PlaceHold, 76, 1, "currency"),
        (Kind::PlaceHold, 79, 1, "reserved"),
        (Kind::CaptureHold, 40, b'a', "bic"),
        (Kind::CaptureHold, 51, 2, "is_final"),
        (Kind::CaptureHold, 52, 0, "leg_count"),
        (Kind::CaptureHold, 52, 17, "leg_count"),
        (Kind::CaptureHold, 52, 1, "legs"),
        (Kind::CaptureHold, 52, 3, "amount"),
        (Kind::CaptureHold, 53, 1, "reserved"),
        (Kind::CaptureHold, 54, 1, "currency"),
        (Kind::CaptureHold, 60, 1, "reserved"),
        (Kind::CaptureHold, 64 + 23, 0x80, "amount"),
        (Kind::CaptureHold, 64 + 28, b'a', "bic"),
        (Kind::CaptureHold, 64 + 39, 1, "reserved"),
        (Kind::CaptureHold, 831, 1, "legs"),
        (Kind::ReleaseHold, 47, 0x80, "amount"),
        (Kind::ReleaseHold, 48, b'a', "bic"),
        (Kind::ReleaseHold, 63, 1, "reserved"),
        (Kind::PutRecord, 32, b'a', "bic"),
        (Kind::PutRecord, 43, 0, "expected"),
        (Kind::PutRecord, 47, 1, "reserved"),
        (Kind::PutRecord, 63, 0x80, "expires"),
        (Kind::PutRecord, 72, 7, "length"),
        (Kind::PutRecord, 73, 0x20, "length"),
        (Kind::PutRecord, 79, 1, "reserved"),
        (Kind::PutRecord, 80, b' ', "space"),
        (Kind::PutRecord, 112, 0, "key"),
        (Kind::PutRecord, 175, b'x', "key"),
        (Kind::RemoveRecord, 43, 2, "expected"),
        (Kind::RemoveRecord, 44, 1, "reserved"),
        (Kind::RemoveRecord, 56, 0x7F, "space"),
        (Kind::RemoveRecord, 88, 0, "key"),
    ] {
        let found = super::fault_with(&written(kind), 16 + at, byte);
        assert_eq!(found, Some(RecordError::Field(field)), "{kind:?} with {byte} at {at}");
    }
}

#[test]
fn texts_come_back_as_they_were_written() {
    let writer = written(Kind::PlaceHold);
    let text = HoldText::decode(writer.texts()).unwrap();
    assert_eq!((text.iban, text.reference.as_str()), (account().iban, "HOLD-1"));
    assert_eq!(text.encode(), writer.texts());
    let writer = written(Kind::CaptureHold);
    let text = CaptureText::decode(writer.texts()).unwrap();
    let told = |leg: &LegText| leg.remittance.as_ref().map(|text| text.as_str().to_owned());
    assert_eq!(text.legs.iter().map(told).collect::<Vec<_>>(), [Some("Goods".to_owned()), None]);
    assert_eq!(text.encode(), writer.texts());
    let cut = &writer.texts()[..writer.texts().len() - 3];
    assert!(CaptureText::decode(cut).is_err(), "each leg has its words, be they none");
    assert!(CaptureText::decode(&[]).is_err());
}

/// Where accounts are is no part of a body, or a repeat after the hold's end would be another one.
#[test]
fn what_the_edge_saw_is_no_part_of_a_body() {
    let capture = |held_on, kept_at| {
        let mut writer = RecordWriter::new(super::key(), super::PRINCIPAL);
        let amount = Amount::from_minor_units(5).unwrap();
        let reference = Text::parse("LEG").unwrap();
        let leg = HoldLeg { iban: iban("B1"), kept_at, amount, reference, remittance: None };
        let (bank, hold, legs) = (bank("A"), Sequence(7), vec![leg]);
        let request_id = RequestId::parse("capture").unwrap();
        writer.capture_hold(&CaptureHold { request_id, bank, hold, held_on, legs, is_final: false });
        assert!(Records::erased(writer.records()).next().unwrap().is_ok());
        writer.records()[32..48].to_vec()
    };
    let known = capture(Some((AccountNumber(1), Currency::EUR)), Some((AccountNumber(2), bank("B"))));
    assert_eq!(known, capture(None, None));
}

#[test]
fn commands_of_version_4_say_so() {
    for number in [45, 46, 47, 50, 51] {
        let kind = Kind::from_number(number).unwrap();
        assert_eq!((kind.first_version(), written(kind).rules_version()), (4, 4), "{kind:?}");
    }
}
