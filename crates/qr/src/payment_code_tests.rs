//! Payment codes there and back, and every way in which a text is none.

use proptest::prelude::*;
use types::{AmountError, BicError, IbanError, TextError};

use super::*;
use crate::samples::{invoice, largest};
use crate::{CreditorReferenceError, LineFault as Fault};

const INVOICE: &str =
    "BCD\n002\n1\nSCT\n\nBlumen Müller GmbH\nDE89370400440532013000\nEUR45.9\n\n\nRechnung 2026-117";

/// The invoice with another text in some line.
fn with(line: Line, text: &str) -> String {
    let mut lines: Vec<&str> = INVOICE.split('\n').collect();
    lines.resize(12, "");
    lines[line.number() - 1] = text;
    lines.join("\n")
}

#[track_caller]
fn check_fault(line: Line, text: &str, fault: Fault) {
    assert_eq!(
        PaymentCode::parse(with(line, text).as_bytes()),
        Err(PayloadError::Line { line, fault }),
        "{text}"
    );
}

#[test]
fn an_invoice_is_written_and_read() {
    let payload = invoice().write().unwrap();
    assert_eq!(payload.as_text(), INVOICE);
    assert_eq!(payload.as_bytes(), INVOICE.as_bytes());
    assert_eq!(PaymentCode::parse(INVOICE.as_bytes()), Ok(invoice()));
    assert_eq!(PaymentCode::parse_text(INVOICE), Ok(invoice()));
}

#[test]
fn line_ends_are_alike_and_those_at_the_end_do_not_count() {
    let windows = INVOICE.replace('\n', "\r\n");
    for text in
        [windows.clone(), format!("{windows}\r\n\r\n"), format!("{INVOICE}\n\n\n"), format!("{INVOICE}\r")]
    {
        assert_eq!(PaymentCode::parse(text.as_bytes()), Ok(invoice()), "{text:?}");
    }
    let mixed = windows.replacen("\r\n", "\n", 1);
    assert_eq!(PaymentCode::parse(mixed.as_bytes()), Err(PayloadError::LineEnd { line: 2 }));
    let mixed = INVOICE.replacen("SCT\n", "SCT\r\n", 1);
    assert_eq!(PaymentCode::parse(mixed.as_bytes()), Err(PayloadError::LineEnd { line: 4 }));
    let old = INVOICE.replace('\n', "\r");
    assert_eq!(PaymentCode::parse(old.as_bytes()), Err(Fault::NotServiceTag.of(Line::ServiceTag)));
    let more = with(Line::Information, "Danke\nnoch etwas");
    assert_eq!(PaymentCode::parse(more.as_bytes()), Err(PayloadError::TooManyLines));
}

#[test]
fn each_line_has_its_faults() {
    for text in ["", "bcd", "BCD ", "\u{feff}BCD", "https://example.org"] {
        check_fault(Line::ServiceTag, text, Fault::NotServiceTag);
    }
    for text in ["", "1", "003", "0002"] {
        check_fault(Line::Version, text, Fault::UnknownVersion);
    }
    for text in ["", "0", "9", "01", "1.0", "UTF-8"] {
        check_fault(Line::CharacterSet, text, Fault::UnknownCharacterSet);
    }
    for text in ["", "SDD", "sct"] {
        check_fault(Line::Scheme, text, Fault::UnknownScheme);
    }
    check_fault(Line::Bic, "SLVOBEB", Fault::Bic(BicError::Length(7)));
    check_fault(Line::Name, "", Fault::Missing);
    check_fault(Line::Name, &"ä".repeat(71), Fault::Text(TextError::TooLong(70)));
    check_fault(Line::Name, "Anna ", Fault::Text(TextError::Blank));
    check_fault(Line::Name, "An\u{7}na", Fault::Text(TextError::Control));
    check_fault(Line::Iban, "", Fault::Missing);
    check_fault(Line::Iban, "DE88370400440532013000", Fault::Iban(IbanError::CheckDigits));
    check_fault(Line::Iban, "AE070331234567890123456", Fault::NotInSepa);
    for text in ["45.90", "USD1.00", "eur1", " EUR1"] {
        check_fault(Line::Amount, text, Fault::NotEuro);
    }
    for text in ["EUR007", "EUR00.01"] {
        check_fault(Line::Amount, text, Fault::LeadingZero);
    }
    for text in ["EUR", "EUR1,50", "EUR .5", "EUR1.", "EUR-1", "EUR1 000"] {
        check_fault(Line::Amount, text, Fault::Amount(AmountError::Pattern));
    }
    check_fault(Line::Amount, "EUR0.00", Fault::Amount(AmountError::Zero));
    check_fault(Line::Amount, "EUR1000000000", Fault::Amount(AmountError::TooLarge));
    for text in ["SAL", "SALAR", "sala", "SA A"] {
        check_fault(Line::Purpose, text, Fault::Purpose);
    }
    check_fault(Line::Text, &"x".repeat(141), Fault::Text(TextError::TooLong(140)));
    check_fault(Line::Text, " ", Fault::Text(TextError::Blank));
    check_fault(Line::Information, &"x".repeat(71), Fault::Text(TextError::TooLong(70)));
}

#[test]
fn a_reference_is_checked_and_stands_alone() {
    let with_reference =
        |reference: &str| with(Line::Text, "").replace("EUR45.9\n\n", &format!("EUR45.9\n\n{reference}"));
    let code = PaymentCode::parse(with_reference("RF18539007547034").as_bytes()).unwrap();
    let reference = CreditorReference::parse("RF18539007547034").unwrap();
    assert_eq!(code.remittance, Some(Remittance::Structured(reference)));
    let refused = PaymentCode::parse(with_reference("RF19539007547034").as_bytes());
    assert_eq!(refused, Err(Fault::Reference(CreditorReferenceError::CheckDigits).of(Line::Reference)));
    let both = with(Line::Reference, "RF18539007547034");
    assert_eq!(PaymentCode::parse(both.as_bytes()), Err(Fault::TwoRemittances.of(Line::Text)));
}

#[test]
fn what_may_be_left_out_is_left_out() {
    let least = "BCD\n002\n1\nSCT\n\nAnna Peeters\nBE68539007547034";
    let code = PaymentCode::parse(least.as_bytes()).unwrap();
    assert_eq!((code.amount, &code.remittance, code.bic), (None, &None, None));
    assert_eq!(code.write().unwrap().as_text(), least);
    let cut = least.rsplit_once('\n').unwrap().0;
    assert_eq!(PaymentCode::parse(cut.as_bytes()), Err(Fault::Missing.of(Line::Iban)));
}

#[test]
fn version_001_needs_the_bank() {
    let missing = Err(Fault::BicMissing.of(Line::Bic));
    assert_eq!(PaymentCode::parse(INVOICE.replace("002", "001").as_bytes()), missing);
    let mut code = PaymentCode { version: Version::V001, ..invoice() };
    assert_eq!(code.write(), Err(Fault::BicMissing.of(Line::Bic)));
    code.bic = Some(Bic::parse("DEUTDEFFXXX").unwrap());
    let payload = code.write().unwrap();
    assert!(
        payload.as_text().starts_with("BCD\n001\n1\nSCT\nDEUTDEFF\n"),
        "a head office has eight characters"
    );
    assert_eq!(PaymentCode::parse(payload.as_bytes()), Ok(code));
}

#[test]
fn the_instant_scheme_is_told_apart() {
    let code = PaymentCode { scheme: Scheme::InstantCreditTransfer, ..invoice() };
    let payload = code.write().unwrap();
    assert!(payload.as_text().starts_with("BCD\n002\n1\nINST\n"));
    assert_eq!(PaymentCode::parse(payload.as_bytes()), Ok(code));
}

#[test]
fn amounts_have_their_shortest_form() {
    for (text, written) in [
        ("0.01", "EUR0.01"),
        ("12.30", "EUR12.3"),
        ("1000.00", "EUR1000"),
        ("999999999.99", "EUR999999999.99"),
    ] {
        let code = PaymentCode { amount: Some(Amount::parse(text, Currency::EUR).unwrap()), ..invoice() };
        let payload = code.write().unwrap();
        assert_eq!(payload.as_text().split('\n').nth(7), Some(written));
        assert_eq!(PaymentCode::parse(payload.as_bytes()), Ok(code));
    }
}

#[test]
fn bytes_are_those_of_the_set() {
    let code = PaymentCode { character_set: CharacterSet::Iso8859Part1, ..invoice() };
    let payload = code.write().unwrap();
    assert!(payload.as_bytes().windows(6).any(|bytes| bytes == b"M\xfcller"));
    assert_eq!(PaymentCode::parse(payload.as_bytes()), Ok(code.clone()));
    // A scanner has made characters of them.
    assert_eq!(PaymentCode::parse_text(payload.as_text()), Ok(code));
    let wrong = payload.as_bytes().iter().map(|byte| if *byte == b'2' { b'1' } else { *byte });
    let wrong: Vec<u8> = b"BCD\n002\n1".iter().copied().chain(wrong.skip(9)).collect();
    assert_eq!(PaymentCode::parse(&wrong), Err(Fault::Bytes(CharacterSet::Utf8).of(Line::Name)));
    let greek = PaymentCode { character_set: CharacterSet::Iso8859Part7, ..invoice() };
    assert_eq!(greek.write(), Err(Fault::Character(CharacterSet::Iso8859Part7).of(Line::Name)));
    let typed = INVOICE.replacen("\n1\n", "\n6\n", 1);
    assert_eq!(
        PaymentCode::parse_text(&typed),
        Err(Fault::Character(CharacterSet::Iso8859Part7).of(Line::Name))
    );
}

#[test]
fn a_code_is_as_long_as_its_symbol_holds() {
    let mut code = largest();
    let payload = code.write().unwrap();
    assert_eq!(payload.as_bytes().len(), PAYLOAD_BYTES_MAX);
    assert_eq!(PaymentCode::parse(payload.as_bytes()), Ok(code.clone()));
    code.information = Some(Text::parse(&"I".repeat(57)).unwrap());
    assert_eq!(code.write(), Err(PayloadError::TooLong { bytes: PAYLOAD_BYTES_MAX + 1 }));
    let longer = [payload.as_bytes(), b"I"].concat();
    assert_eq!(PaymentCode::parse(&longer), Err(PayloadError::TooLong { bytes: PAYLOAD_BYTES_MAX + 1 }));
}

#[test]
fn another_set_is_taken_where_utf_8_is_too_long() {
    let mut code = PaymentCode { character_set: CharacterSet::Iso8859Part15, ..invoice() };
    assert_eq!(code.write_in_fitting_set().unwrap().as_text(), INVOICE);
    code.remittance = Some(Remittance::Unstructured(Text::parse(&"Ж".repeat(140)).unwrap()));
    code.name = Text::parse("Цветя").unwrap();
    code.write_in_fitting_set().unwrap();
    assert_eq!(code.character_set, CharacterSet::Iso8859Part5);
    // No set has both alphabets.
    code.name = Text::parse("Blumen Müller GmbH").unwrap();
    let PayloadError::TooLong { bytes } = code.write_in_fitting_set().unwrap_err() else {
        panic!("it is too long")
    };
    assert!(bytes > PAYLOAD_BYTES_MAX);
    assert_eq!(code.character_set, CharacterSet::Utf8);
}

#[test]
fn nothing_personal_is_printed() {
    let code = PaymentCode::parse(with(Line::Information, "Secret").as_bytes()).unwrap();
    let printed = format!("{code:?} {:?}", code.write().unwrap());
    for secret in ["Blumen", "DE893704", "Rechnung", "Secret"] {
        assert!(!printed.contains(secret), "{printed}");
    }
    let refused = PaymentCode::parse(with(Line::Purpose, "Secret").as_bytes()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "line 9 (purpose): a purpose is an ISO 20022 code of four capital letters or digits, such as SALA"
    );
}

fn text(pattern: &'static str) -> impl Strategy<Value = String> {
    pattern.prop_filter("texts have no blank at either end", |text| text.trim() == text)
}

prop_compose! {
    fn any_code()(
        version in prop_oneof![Just(Version::V001), Just(Version::V002)],
        scheme in prop_oneof![Just(Scheme::CreditTransfer), Just(Scheme::InstantCreditTransfer)],
        set in proptest::sample::select(&CharacterSet::ALL[..]),
        bic in proptest::option::of("[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?"),
        name in text("[A-Za-zéüŁžЖλŅ€ '.-]{1,70}"),
        account in "[0-9]{12}",
        amount in proptest::option::of(1..=Amount::MINOR_UNITS_MAX),
        purpose in proptest::option::of("[A-Z0-9]{4}"),
        reference in proptest::option::of("[A-Z0-9]{1,21}"),
        remittance in proptest::option::of(text("[ -~éüŁžЖλŅ€]{1,140}")),
        information in proptest::option::of(text("[ -~]{1,70}")),
    ) -> PaymentCode {
        let reference = reference.and_then(|body| {
            (2..=98).find_map(|digits| CreditorReference::parse(&format!("RF{digits:02}{body}")).ok())
        });
        let unstructured = remittance.map(|text| Remittance::Unstructured(Text::parse(&text).unwrap()));
        PaymentCode {
            version,
            scheme,
            character_set: set,
            bic: bic.map(|bic| Bic::parse(&bic).unwrap()),
            name: Text::parse(&name).unwrap(),
            iban: Iban::with_check_digits("BE", &account).unwrap(),
            amount: amount.map(|units| Amount::from_minor_units(units).unwrap()),
            purpose: purpose.map(|purpose| Purpose::parse(&purpose).unwrap()),
            remittance: reference.map(Remittance::Structured).or(unstructured),
            information: information.map(|text| Text::parse(&text).unwrap()),
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(code in any_code()) {
        match code.write() {
            Ok(payload) => {
                prop_assert!(payload.as_bytes().len() <= PAYLOAD_BYTES_MAX);
                prop_assert_eq!(PaymentCode::parse(payload.as_bytes()), Ok(code.clone()));
                let windows = payload.as_text().replace('\n', "\r\n") + "\r\n";
                prop_assert_eq!(PaymentCode::parse_text(&windows), Ok(code));
            }
            Err(PayloadError::TooLong { bytes }) => prop_assert!(bytes > PAYLOAD_BYTES_MAX),
            Err(PayloadError::Line { fault: Fault::BicMissing, .. }) => prop_assert_eq!(code.version, Version::V001),
            Err(PayloadError::Line { fault: Fault::Character(set), .. }) => prop_assert_eq!(set, code.character_set),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn any_bytes_are_a_code_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = PaymentCode::parse(&bytes);
        let _ = PaymentCode::parse_text(&String::from_utf8_lossy(&bytes));
    }

    /// What is read from damaged codes can be written, and is then the same.
    #[test]
    fn damaged_codes_are_read_or_refused(
        place in 0..INVOICE.len(), cut in 0..3_usize, put in proptest::collection::vec(any::<u8>(), 0..4),
    ) {
        let mut bytes = INVOICE.as_bytes().to_vec();
        bytes.splice(place..(place + cut).min(INVOICE.len()), put);
        if let Ok(code) = PaymentCode::parse(&bytes) {
            prop_assert_eq!(PaymentCode::parse(code.write().unwrap().as_bytes()), Ok(code));
        }
    }
}
