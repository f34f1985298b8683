//! Codes of legal persons: real numbers that the authorities themselves show, and what one wrong digit makes of them.

use types::Text;
use verification::{CodeError, CodeKind, Outcome, Step, check_code, verify_code};

/// VAT numbers that are published by their holders or by the tax administrations, of every country.
const VAT_NUMBERS: [&str; 52] = [
    "ATU13585627",
    "BE0403019261",
    "BE0428759497",
    "BE403019261",
    "BG175074752",
    "CY10259033P",
    "CZ25123891",
    "DE136695976",
    "DE811569869",
    "DK13585628",
    "EE100931558",
    "EE100594102",
    "EL094259216",
    "GR094259216",
    "ESA28015865",
    "ESB58378431",
    "ES54362315K",
    "ESX2482300W",
    "FI20774740",
    "FR83404833048",
    "FR40303265045",
    "FR23334175221",
    "FRK7399859412",
    "GB980780684",
    "GB100190874",
    "GBGD001",
    "GBHA599",
    "HR33392005961",
    "HU12892312",
    "IE6433435F",
    "IE6433435OA",
    "IE8D79739I",
    "IT00743110157",
    "IT00159560366",
    "LT119511515",
    "LT100001919017",
    "LU15027442",
    "LU26375245",
    "LV40003521600",
    "MT11679112",
    "NL004495445B01",
    "NL002065538B01",
    "PL8567346215",
    "PT501964843",
    "RO18547290",
    "SE556012579001",
    "SI50223054",
    "SK2022749619",
    "NO995525828MVA",
    "NO 995 525 828",
    "CHE-107.787.577 IVA",
    "CHE107787577",
];

const LEIS: [&str; 3] = ["529900T8BM49AURSDO55", "5493001KJTIIGC8Y1R12", "213800WSGIIZCXF1P572"];

fn text(text: &str) -> Text<35> {
    Text::parse(text).expect("a text")
}

#[test]
fn published_numbers_are_right() {
    let wrong: Vec<_> =
        VAT_NUMBERS.iter().filter(|code| check_code(&text(code)) != Ok(CodeKind::VatNumber)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let wrong: Vec<_> = LEIS.iter().filter(|code| check_code(&text(code)) != Ok(CodeKind::Lei)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Every rule sees a wrong last digit or letter, except those of departments, which have none.
#[test]
fn a_wrong_check_digit_is_seen() {
    let codes = VAT_NUMBERS
        .iter()
        .filter(|code| code.len() > 7 && !code.starts_with("SE") && !code.starts_with("NL"));
    for code in codes.chain(&LEIS) {
        let code = code.trim_end_matches(" IVA").trim_end_matches("MVA");
        let (rest, last) = code.split_at(code.len() - 1);
        let others = if last.parse::<u8>().is_ok() { "0123456789" } else { "ABCDEFGHIJKLMNOPQRSTUVW" };
        let accepted: Vec<_> =
            others.chars().filter(|other| check_code(&text(&format!("{rest}{other}"))).is_ok()).collect();
        assert_eq!(accepted, last.chars().collect::<Vec<_>>(), "{code}");
    }
    for code in
        ["SE556012579101", "NL004495446B01", "NL004495445B00", "BE0428759498", "SK2122749619", "CY12259033P"]
    {
        assert_eq!(check_code(&text(code)), Err(CodeError::VatNumber), "{code}");
    }
    assert_eq!(check_code(&text("529900T8BM49AURSDO56")), Err(CodeError::Lei));
}

#[test]
fn codes_are_equal_or_not() {
    let cases = [
        ("DE 136 695 976", Some("DE136695976"), Outcome::Match, Step::SameCode),
        ("be403.019.261", Some("BE0403019261"), Outcome::Match, Step::SameCode),
        ("GR094259216", Some("EL094259216"), Outcome::Match, Step::SameCode),
        ("NO995525828MVA", Some("NO995525828"), Outcome::Match, Step::SameCode),
        ("529900T8BM49AURSDO55", Some("529900t8bm49aursdo55"), Outcome::Match, Step::SameCode),
        ("HRB 12345 Bonn", Some("HRB12345 BONN"), Outcome::Match, Step::SameCode),
        ("DE136695976", Some("DE811569869"), Outcome::NoMatch, Step::OtherCode),
        ("HRB 12345", Some("HRB 12346"), Outcome::NoMatch, Step::OtherCode),
        ("DE136695977", Some("DE136695976"), Outcome::NoMatch, Step::NotACode),
        ("529900T8BM49AURSDO56", Some("529900T8BM49AURSDO55"), Outcome::NoMatch, Step::NotACode),
        ("DE136695976", Some("529900T8BM49AURSDO55"), Outcome::NotPossible, Step::OtherKindOfCode),
        ("HRB 12345", Some("DE136695976"), Outcome::NotPossible, Step::OtherKindOfCode),
        ("DE136695976", None, Outcome::NotPossible, Step::NoCode),
        ("DE136695977", Some("DE136695977"), Outcome::NotPossible, Step::NoCode),
        ("(?)", Some("DE136695976"), Outcome::NoMatch, Step::NotACode),
    ];
    for (given, held, outcome, step) in cases {
        let finding = verify_code(&text(given), held.map(text).as_ref());
        assert_eq!((finding.outcome, finding.step), (outcome, step), "{given} {held:?}");
    }
}
