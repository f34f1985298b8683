//! What holds for every text: no panic, the same answer however a name is typed, no direction.

use proptest::prelude::*;
use types::Text;
use unicode_normalization::UnicodeNormalization;
use verification::{Finding, Outcome, check_code, verify_code, verify_name};

fn name(text: &str) -> Option<Text<140>> {
    let shortened: String = text.chars().filter(|character| !character.is_control()).take(140).collect();
    Text::parse(shortened.trim()).ok()
}

fn verify(given: &str, holder: &str) -> Finding {
    verify_name(&name(given).expect("a text"), &[name(holder).expect("a text")])
}

/// Words as they stand in names: given names, family names, particles, titles, initials, forms, conjunctions.
fn word() -> impl Strategy<Value = String> {
    let common = prop::sample::select(
        "Anna Jürg Müller Mueller Hans-Peter Hanspeter Schmidt Schmitt García López O'Brien von van de Dr. Prof. Herr \
         J. M. H A GmbH AG S.A. Ltd & und e Inh. Bau Services Иван Петров Георги Παπαδόπουλος Χρήστος Christos 24 \
         Łukasz Đorđe Strauß Sá Ma Jr. c/o Müller, ЕООД 李小龙"
            .split(' ')
            .collect::<Vec<_>>(),
    );
    prop_oneof![8 => common.prop_map(str::to_owned), 1 => "[A-Z][a-zäöüßéèçñøåłž]{1,9}", 1 => "\\PC{1,6}"]
}

fn many_words() -> impl Strategy<Value = String> {
    prop::collection::vec(word(), 1..7).prop_map(|words| words.join(" "))
}

/// A person's name in Latin letters that have capitals of their own, without anything that means more.
fn person() -> impl Strategy<Value = String> {
    prop::collection::vec("[A-ZÄÖÜÉÇŁŽ][a-zäöüéèçñøåłžąęőű]{3,9}", 2..5).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_makes_it_panic(given in "\\PC{1,140}", holders in prop::collection::vec("\\PC{1,140}", 0..10)) {
        let holders: Vec<_> = holders.iter().filter_map(|holder| name(holder)).collect();
        if let Some(given) = name(&given) {
            let finding = verify_name(&given, &holders);
            if let Outcome::CloseMatch { holder } = finding.outcome {
                prop_assert!(holder < holders.len());
            }
            prop_assert_eq!(finding, verify_name(&given, &holders));
        }
    }

    #[test]
    fn no_code_makes_it_panic(given in "[ -~]{1,35}|[A-Z]{2}[0-9A-Z+*]{2,13}|\\PC{1,35}", held in "[A-Z]{2}[0-9A-Z]{2,12}") {
        if let (Ok(given), Ok(held)) = (Text::parse(given.trim()), Text::parse(&held)) {
            let finding = verify_code(&given, Some(&held));
            prop_assert!(!matches!(finding.outcome, Outcome::CloseMatch { .. }), "a code is never close");
            let itself = verify_code(&given, Some(&given)).outcome;
            prop_assert_eq!(itself == Outcome::Match, check_code(&given).is_ok());
        }
    }

    #[test]
    fn no_words_make_it_panic(given in many_words(), holder in many_words()) {
        if name(&given).is_some() && name(&holder).is_some() {
            verify(&given, &holder);
        }
    }

    /// Punctuation at the end is nothing, but keeps the texts from being identical.
    #[test]
    fn a_name_matches_itself(text in many_words()) {
        prop_assume!(text.chars().any(char::is_alphanumeric) && name(&text).is_some());
        let found = verify(&text, &format!("{text} !")).outcome;
        prop_assert!(matches!(found, Outcome::Match | Outcome::NotPossible), "{text}: {found:?}");
    }

    #[test]
    fn how_a_name_is_typed_does_not_matter(text in person()) {
        for other in [
            text.to_uppercase(),
            text.to_lowercase(),
            text.nfd().collect(),
            text.nfkd().filter(|part| !unicode_normalization::char::is_combining_mark(*part)).collect(),
            text.replace(' ', "  -"),
            text.split(' ').rev().collect::<Vec<_>>().join(" "),
        ] {
            prop_assert_eq!(verify(&other, &text).outcome, Outcome::Match, "{} / {}", other, text);
        }
    }

    #[test]
    fn the_rule_knows_no_direction(words in prop::collection::vec("[A-ZÄÖ][a-zäöü]{3,7}|[A-Z]\\.|von|de", 2..6), taken in 0_usize..6) {
        let text = words.join(" ");
        let mut fewer = words;
        fewer.remove(taken % fewer.len());
        let other = fewer.join(" ");
        let (there, back) = (verify(&other, &text), verify(&text, &other));
        prop_assert_eq!(there, back, "{} / {}", other, text);
    }

    /// Two persons of whom no word is alike are never near.
    #[test]
    fn other_words_are_other_persons(left in "[A-G][a-g]{4,8} [A-G][a-g]{4,8}", right in "[P-T][p-t]{4,8} [P-T][p-t]{4,8}") {
        prop_assert_eq!(verify(&left, &right).outcome, Outcome::NoMatch);
    }
}
