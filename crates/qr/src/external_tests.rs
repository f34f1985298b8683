//! Payment codes that others wrote, in the folder that `SOLVO_TEST_DATA` names. Without it these tests say so and pass.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use types::{Amount, Bic, Currency, Iban, Text};

use crate::{
    CharacterSet, ImageLimits, Line, PayloadError, PaymentCode, Remittance, Scheme, Symbol, Version, read_png,
};

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("SOLVO_TEST_DATA").map(|folder| PathBuf::from(folder).join("epc-qr"));
    if folder.is_none() {
        println!("skipped: SOLVO_TEST_DATA names no folder");
    }
    folder
}

/// The values that stand for one parameter of one test.
fn values(name: &str) -> Option<Vec<Value>> {
    let file = fs::read_to_string(folder()?.join("segno-epcqr-vectors.json")).unwrap();
    let vectors: Value = serde_json::from_str(&file).unwrap();
    let values = vectors["vectors"][name]["values"].as_array().unwrap().clone();
    assert!(!values.is_empty());
    Some(values)
}

/// A number as it stands there, or a text.
fn written(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The code that the vectors change in one line.
const LINES: [&str; 12] = [
    "BCD",
    "002",
    "2",
    "SCT",
    "",
    "François D'Alsace S.A.",
    "FR1420041010050500013M02606",
    "EUR12.3",
    "",
    "",
    "Client:Marie Louise La Lune",
    "",
];

fn with(line: Line, text: &str) -> Result<PaymentCode, PayloadError> {
    let mut lines = LINES;
    lines[line.number() - 1] = text;
    PaymentCode::parse_text(&lines.join("\n"))
}

#[track_caller]
fn check_refused(line: Line, text: &str) {
    match with(line, text) {
        Err(PayloadError::Line { line: refused, .. }) => assert_eq!(refused, line, "{text:?}"),
        other => panic!("{text:?}: {other:?}"),
    }
}

/// Whole payloads are read as what they say, written again byte for byte, and read from the image of their symbol.
#[test]
fn payloads_of_others_are_read_and_written_again() {
    let Some(folder) = folder() else { return };
    for (file, version, bic) in [
        ("py-epc-qr_version_001.txt", Version::V001, Some("BFSWDE33BER")),
        ("py-epc-qr_version_002.txt", Version::V002, None),
    ] {
        let payload = fs::read(folder.join(file)).unwrap();
        let code = PaymentCode::parse(&payload).unwrap();
        let expected = PaymentCode {
            version,
            character_set: CharacterSet::Utf8,
            scheme: Scheme::CreditTransfer,
            bic: bic.map(|bic| Bic::parse(bic).unwrap()),
            name: Text::parse("Wikimedia Foerdergesellschaft").unwrap(),
            iban: Iban::parse("DE33100205000001194700").unwrap(),
            amount: Some(Amount::parse("123.45", Currency::EUR).unwrap()),
            purpose: None,
            remittance: Some(Remittance::Unstructured(Text::parse("Spende fuer Wikipedia").unwrap())),
            information: None,
        };
        assert_eq!(code, expected, "{file}");
        let written = code.write().unwrap();
        assert_eq!(written.as_bytes(), payload.trim_ascii_end(), "{file}");
        assert_eq!(read_png(&Symbol::of(&written).to_png(), ImageLimits::FILE), Ok(code), "{file}");
    }
}

/// The examples of the page are indented blocks between other text; an empty line in a block has no indentation.
#[test]
fn examples_of_others_are_written_again() {
    let Some(folder) = folder() else { return };
    let page = fs::read_to_string(folder.join("segno_epc-qrcodes.rst")).unwrap();
    let mut examples = 0;
    for block in page.split("\n    BCD\n").skip(1) {
        let lines: Vec<_> = block
            .lines()
            .take_while(|line| line.is_empty() || line.starts_with("    "))
            .map(str::trim)
            .collect();
        let text = format!("BCD\n{}", lines.join("\n"));
        let code = PaymentCode::parse_text(&text).unwrap();
        assert_eq!(code.write().unwrap().as_text(), text.trim_end());
        examples += 1;
    }
    assert_eq!(examples, 2);
}

#[test]
fn amounts_of_others_are_refused() {
    let Some(amounts) = values("test_invalid_amount") else { return };
    for amount in amounts {
        check_refused(Line::Amount, &format!("EUR{}", written(&amount)));
    }
}

#[test]
fn bics_of_others_are_refused() {
    let Some(bics) = values("test_invalid_bic") else { return };
    for bic in bics {
        check_refused(Line::Bic, &written(&bic));
    }
}

#[test]
fn purposes_of_others_are_refused() {
    let Some(purposes) = values("test_illegal_purpose") else { return };
    for purpose in purposes {
        check_refused(Line::Purpose, &written(&purpose));
    }
}

#[test]
fn character_sets_of_others_are_refused() {
    let Some(sets) = values("test_illegal_encoding") else { return };
    // There "1" is refused for being a text and not a number; in a code it is a set's number.
    for set in sets.iter().filter(|set| **set != "1") {
        check_refused(Line::CharacterSet, &written(set));
    }
    for set in CharacterSet::ALL {
        let code = with(Line::Name, "Francois D'Alsace S.A.").unwrap();
        let payload = PaymentCode { character_set: set, ..code }.write().unwrap();
        assert_eq!(PaymentCode::parse(payload.as_bytes()).unwrap().character_set, set);
    }
}

/// The vectors ask for either a text or a reference. The guideline leaves both optional, so codes with neither are read;
/// blanks are no text.
#[test]
fn blank_remittances_of_others_are_refused() {
    let Some(pairs) = values("test_no_text_no_reference") else { return };
    for pair in pairs {
        let [text, reference] = [0, 1].map(|index| pair[index].as_str().unwrap_or_default());
        let mut lines = LINES;
        (lines[10], lines[9]) = (text, reference);
        let read = PaymentCode::parse_text(&lines.join("\n"));
        assert_eq!(read.is_ok(), text.is_empty() && reference.is_empty(), "{pair}");
    }
}

/// The vectors that are given as code of another language, by what they come to.
#[test]
fn values_of_others_have_their_form() {
    if folder().is_none() {
        return;
    }
    let code = PaymentCode::parse_text(&LINES.join("\n")).unwrap();
    assert_eq!(code.write().unwrap().as_text(), LINES.join("\n").trim_end());
    for (amount, form) in [
        ("12.3", "EUR12.3"),
        ("12.30", "EUR12.3"),
        ("1000.0", "EUR1000"),
        ("2000", "EUR2000"),
        ("5.00", "EUR5"),
    ] {
        let amount = Amount::parse(amount, Currency::EUR).ok();
        let payload = PaymentCode { amount, ..code.clone() }.write().unwrap();
        assert_eq!(payload.as_text().split('\n').nth(7), Some(form));
    }
    for iban in [format!("DE1{}", "1".repeat(34)), String::new()] {
        check_refused(Line::Iban, &iban);
    }
    for name in ["", &"a".repeat(71)] {
        check_refused(Line::Name, name);
    }
}
