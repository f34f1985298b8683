//! Ranges of account numbers: their ends, their limits, and a comparison with the plainest way to keep them.

use proptest::prelude::*;

use super::*;

const BANK: ParticipantNumber = ParticipantNumber(7);

/// Numbers of Norway are the shortest: 11 characters behind the check digits.
fn number(value: u32) -> String {
    format!("{value:011}")
}

fn iban(value: u32) -> Iban {
    Iban::with_check_digits("NO", &number(value)).unwrap()
}

fn range(first: u32, last: u32) -> AccountRange {
    AccountRange::new("NO", &number(first), &number(last)).unwrap()
}

#[test]
fn range_covers_numbers_from_first_to_last_whatever_their_check_digits() {
    let range = range(10, 20);
    for (value, is_in) in [(9, false), (10, true), (15, true), (20, true), (21, false)] {
        assert_eq!(range.contains(&iban(value)), is_in, "{value}");
    }
    let elsewhere = Iban::parse("BE68539007547034").unwrap();
    assert!(!range.contains(&elsewhere));
    assert_eq!((range.country(), range.first(), range.last()), ("NO", "00000000010", "00000000020"));
}

#[test]
fn what_is_no_range_is_named() {
    let wrong = |country, first: &str, last: &str| AccountRange::new(country, first, last).unwrap_err();
    assert_eq!(wrong("XX", "1", "2"), AccountRangeError::Country);
    assert_eq!(wrong("NOR", "1", "2"), AccountRangeError::Country);
    let length = AccountRangeError::Length { expected: 11, found: 1 };
    assert_eq!(wrong("NO", &number(1), "2"), length);
    assert_eq!(wrong("NO", "0000000000a", &number(2)), AccountRangeError::Character);
    assert_eq!(wrong("NO", &number(2), &number(2)), AccountRangeError::Order);
    assert_eq!(wrong("NO", &number(3), &number(2)), AccountRangeError::Order);
    assert_eq!(wrong("NO", "0000000000A", "0000000000B"), AccountRangeError::Character);
    assert!(AccountRange::new("GB", "NWBK60161331926800", "NWBK60161331926899").is_ok());
}

#[test]
fn number_beside_another_is_the_next_in_order() {
    let beside = |text: &str, digits, is_behind| {
        let length = u8::try_from(text.len()).unwrap();
        let range = AccountRange { length, digits, ..range(1, 2) };
        neighbour(padded(text.as_bytes()), &range, is_behind)
            .map(|found| super::text(&found[..text.len()]).to_owned())
    };
    for (before, behind, digits) in [
        ("10", "11", 0),
        ("19", "1A", 0),
        ("19", "20", 0b10),
        ("1Z", "20", 0),
        ("9Z", "A0", 0b00),
        ("099", "100", 0b111),
        ("A9Z", "B00", 0b010),
    ] {
        assert_eq!(beside(before, digits, true).as_deref(), Some(behind));
        assert_eq!(beside(behind, digits, false).as_deref(), Some(before));
    }
    assert_eq!(beside("ZZ", 0, true), None);
    assert_eq!(beside("99", 0b11, true), None);
    assert_eq!(beside("00", 0, false), None);
}

#[test]
fn ranges_of_one_bank_are_bounded() {
    let mut table = Activations::default();
    let most = u32::try_from(ACTIVATION_RANGES_MAX).unwrap();
    for at in 0..most {
        table.set(BANK, Some(range(10 * at + 2, 10 * at + 5)), false).unwrap();
    }
    let before = table.clone();
    let more = Some(range(10 * most, 10 * most + 5));
    assert_eq!(table.set(BANK, more, false), Err(Refusal::ActivationLimit));
    assert_eq!(
        table.set(BANK, Some(range(3, 4)), true),
        Err(Refusal::ActivationLimit),
        "it would be cut in two"
    );
    assert_eq!(
        (table.number, &table.entries),
        (before.number, &before.entries),
        "what is refused changes nothing"
    );
    table.set(BANK, Some(range(0, 9)), true).unwrap();
    table.set(BANK, Some(range(13, 14)), true).unwrap();
    assert_eq!(table.set(BANK, more, false), Err(Refusal::ActivationLimit));
    table.set(BANK, Some(range(2, 30)), false).unwrap();
    assert!(table.ranges(BANK).count() < ACTIVATION_RANGES_MAX, "ranges that touch become one");
    table.set(ParticipantNumber(8), Some(range(0, 5)), false).unwrap();
    table.validate();
}

proptest! {
    /// The last thing that was said of a number holds.
    #[test]
    fn table_tells_what_was_said_last(
        said in proptest::collection::vec((0_u32..3, proptest::option::of((0_u32..40, 1_u32..20)), any::<bool>()), 0..40),
    ) {
        let mut table = Activations::default();
        for (bank, ends, is_active) in &said {
            let range = ends.map(|(first, more)| range(first, first + more));
            table.set(ParticipantNumber(*bank), range, *is_active).unwrap();
            table.validate();
        }
        for bank in 0..3 {
            for value in 0..60 {
                let is_about = |(of, ends, _): &&(u32, Option<(u32, u32)>, bool)| {
                    *of == bank && ends.is_none_or(|(first, more)| (first..=first + more).contains(&value))
                };
                let expected = said.iter().rev().find(is_about).is_none_or(|(.., is_active)| *is_active);
                prop_assert_eq!(table.is_active(ParticipantNumber(bank), &iban(value)), expected, "{}", value);
            }
        }
        prop_assert_eq!(usize::try_from(table.number()).unwrap(), said.len());
    }
}
