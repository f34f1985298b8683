//! Records of maps of postings: golden bytes, and fields that hold what they can't.

use types::{AccountNumber, Currency, Date, Sequence};

use super::{bank, written};
use crate::{
    ExpectedVersion, GlAccount, Kind, PostingClass, PostingLine, PostingSubject, RecordError, RecordWriter,
    Records, RequestId, SetPostingMap,
};

/// A map with a line of each sort, and with every field that a caller can set.
pub(super) fn write(request_id: RequestId, writer: &mut RecordWriter) {
    let line =
        |subject, gl_account| PostingLine { subject, gl_account: GlAccount::parse(gl_account).unwrap() };
    writer.set_posting_map(&SetPostingMap {
        request_id,
        bank: bank("A"),
        currency: Currency::EUR,
        expected: ExpectedVersion::Exactly(Sequence(0x0102_0304_0506)),
        from: Some(Date::parse("2026-01-06").unwrap()),
        lines: vec![
            line(PostingSubject::Account(AccountNumber(0x0102_0304)), "2100/17"),
            line(PostingSubject::Default, "9999"),
            line(PostingSubject::Class(PostingClass::Current), "2100.EUR-CURRENT:customers_and_all"),
        ],
    });
}

#[test]
fn lines_stand_in_their_order() {
    let writer = written(Kind::SetPostingMap);
    let record = Records::new(writer.records(), writer.texts()).next().unwrap().unwrap();
    let crate::Command::SetPostingMap(set) = record.command else { panic!("it is a map") };
    let subjects: Vec<_> = set.posting_lines().map(|line| line.subject).collect();
    let class = PostingSubject::Class(PostingClass::Current);
    assert_eq!(
        subjects,
        [PostingSubject::Default, class, PostingSubject::Account(AccountNumber(0x0102_0304))]
    );
    assert_eq!(set.from_date(), Date::parse("2026-01-06").ok());
}

#[test]
fn fields_that_hold_what_they_can_not_are_refused() {
    // Where it stands in the record, a byte, and the field that is at fault.
    let cases = [
        (32, b'a', "bic"),
        (43, 0, "expected"),
        (44, 0xFF, "currency"),
        (46, 0, "line_count"),
        (46, 65, "line_count"),
        (46, 2, "lines"),
        (46, 4, "lines"),
        (47, 1, "reserved"),
        (59, 0x80, "from"),
        (60, 1, "reserved"),
        (64, 1, "lines"),    // the line about everything else is about no account
        (68, 1, "lines"),    // the first line is the one about everything else
        (69, b'=', "lines"), // no spreadsheet's formula
        (71, 0, "lines"),    // nothing stands behind the padding
        (103, 1, "reserved"),
        (108, 0, "lines"),  // no line twice
        (108, 77, "lines"), // no such class
        (184, 1, "lines"),  // nothing behind the last
    ];
    for (place, byte, field) in cases {
        let writer = written(Kind::SetPostingMap);
        let mut records = writer.records().to_vec();
        let place_in_record = size_of::<crate::layout::Header>() + place;
        assert_ne!(records[place_in_record], byte, "{place}");
        records[place_in_record] = byte;
        let read = Records::new(&records, writer.texts()).next().unwrap();
        assert_eq!(read.err(), Some(RecordError::Field(field)), "{byte} at {place}");
    }
}

#[test]
fn names_of_general_ledgers() {
    for name in ["1", "2100", "2100.17", "A-1/B:2_3", "ABCDEFGHIJKLMNOPQRSTUVWXYZ12345678"] {
        assert_eq!(GlAccount::parse(name).unwrap().as_str(), name);
    }
    for name in ["", " 1", "=1", "-1", "@1", "1 2", "1;2", "é", "ABCDEFGHIJKLMNOPQRSTUVWXYZ123456789"] {
        assert_eq!(GlAccount::parse(name), None, "{name}");
    }
}
