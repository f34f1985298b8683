//! International bank account numbers (ISO 13616).
//!
//! A number is accepted if its country is in the registry, its characters follow the country's structure,
//! and its check digits are right. Plain modulo 97 also accepts 00, 01 and 99 as check digits; the standard
//! only ever generates 02 to 98, so the others are refused.

use std::fmt;

use crate::iban_registry::STRUCTURES;

/// A valid international bank account number. Personal data: `{:?}` masks it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Iban {
    characters: [u8; 34],
    length: u8,
}

/// Why a text is not an IBAN. Never contains the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IbanError {
    /// The country has registered no IBAN.
    #[error("the IBAN's country is not in the IBAN registry")]
    Country,
    /// The length is not the country's.
    #[error("an IBAN of this country has {expected} characters, this has {found}")]
    Length {
        /// The registered length.
        expected: usize,
        /// The length of the text.
        found: usize,
    },
    /// A character does not follow the country's structure (lower case and blanks never do).
    #[error("character {position} of the IBAN does not follow its country's structure")]
    Structure {
        /// Counted from 1.
        position: usize,
    },
    /// The check digits are wrong.
    #[error("the IBAN's check digits are wrong")]
    CheckDigits,
}

impl Iban {
    /// Reads an IBAN in its electronic form: capital letters and digits without blanks.
    pub fn parse(text: &str) -> Result<Self, IbanError> {
        let bytes = text.as_bytes();
        let structure = structure_of(bytes).ok_or(IbanError::Country)?;
        check_structure(bytes, structure)?;
        let digits = usize::from(bytes[2] - b'0') * 10 + usize::from(bytes[3] - b'0');
        if !(2..=98).contains(&digits) || remainder(&bytes[4..], &bytes[..4]) != 1 {
            return Err(IbanError::CheckDigits);
        }
        let mut characters = [0; 34];
        characters[..bytes.len()].copy_from_slice(bytes);
        let length = u8::try_from(bytes.len()).expect("no registered IBAN is longer than 34 characters");
        Ok(Self { characters, length })
    }

    /// Makes the IBAN of an account from its country and the part behind the check digits.
    pub fn with_check_digits(country: &str, account: &str) -> Result<Self, IbanError> {
        if country.len() != 2
            || account.len() > 30
            || !account.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            return Err(IbanError::Country);
        }
        let zero = format!("{country}00");
        let digits = 98 - remainder(account.as_bytes(), zero.as_bytes());
        Self::parse(&format!("{country}{digits:02}{account}"))
    }

    /// The characters, in electronic form.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.characters[..usize::from(self.length)])
            .expect("an IBAN is ASCII by construction")
    }

    /// The two-letter country code.
    pub fn country(&self) -> &str {
        &self.as_str()[..2]
    }

    /// Whether accounts of this country can be reached in SEPA.
    pub fn is_sepa(&self) -> bool {
        STRUCTURES.binary_search_by(|row| row.0.cmp(self.country())).is_ok_and(|row| STRUCTURES[row].2)
    }

    /// Country, check digits and the last four characters; enough for a person to recognise, not to use.
    pub fn masked(&self) -> String {
        let text = self.as_str();
        format!("{}…{}", &text[..4], &text[text.len() - 4..])
    }
}

impl fmt::Debug for Iban {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Iban({})", self.masked())
    }
}

fn structure_of(bytes: &[u8]) -> Option<&'static str> {
    let country = std::str::from_utf8(bytes.get(..2)?).ok()?;
    let row = STRUCTURES.binary_search_by(|row| row.0.cmp(country)).ok()?;
    Some(STRUCTURES[row].1)
}

/// Walks the structure's groups and the text side by side.
fn check_structure(bytes: &[u8], structure: &str) -> Result<(), IbanError> {
    let groups = std::iter::once((2, 'n')).chain(structure.split(' ').map(|group| {
        let (count, class) = group.split_at(group.len() - 1);
        let count = count.parse::<usize>().expect("the registry's counts are numbers");
        (count, class.chars().next().expect("a group ends with its class"))
    }));
    let expected = 2 + groups.clone().map(|(count, _)| count).sum::<usize>();
    if bytes.len() != expected {
        return Err(IbanError::Length { expected, found: bytes.len() });
    }
    let mut position = 2;
    for (count, class) in groups {
        for byte in &bytes[position..position + count] {
            position += 1;
            let fits = match class {
                'n' => byte.is_ascii_digit(),
                'a' => byte.is_ascii_uppercase(),
                _ => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
            };
            if !fits {
                return Err(IbanError::Structure { position });
            }
        }
    }
    Ok(())
}

/// The remainder modulo 97 of both parts read as one number, letters as 10 to 35 (ISO 7064).
fn remainder(first: &[u8], second: &[u8]) -> u32 {
    first.iter().chain(second).fold(0, |remainder, byte| match byte {
        b'0'..=b'9' => (remainder * 10 + u32::from(byte - b'0')) % 97,
        _ => (remainder * 100 + u32::from(byte.to_ascii_uppercase() - b'A') + 10) % 97,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registry_is_sorted() {
        assert!(STRUCTURES.is_sorted_by(|left, right| left.0 < right.0));
    }

    #[test]
    fn numbers_of_many_countries_are_accepted() {
        for text in [
            "BE68539007547034",
            "DE89370400440532013000",
            "FR1420041010050500013M02606",
            "NL91ABNA0417164300",
            "MT84MALT011000012345MTLCAST001S",
            "NO9386011117947",
            "LC55HEMM000100010012001200023015",
        ] {
            assert_eq!(Iban::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn each_fault_has_its_own_error() {
        assert_eq!(Iban::parse(""), Err(IbanError::Country));
        assert_eq!(Iban::parse("XX00"), Err(IbanError::Country));
        assert_eq!(Iban::parse("GP1420041010050500013M02606"), Err(IbanError::Country));
        assert_eq!(Iban::parse("BE6853900754703"), Err(IbanError::Length { expected: 16, found: 15 }));
        assert_eq!(Iban::parse("BE6853900754703A"), Err(IbanError::Structure { position: 16 }));
        assert_eq!(Iban::parse("BEA8539007547034"), Err(IbanError::Structure { position: 3 }));
        assert_eq!(Iban::parse("BE69539007547034"), Err(IbanError::CheckDigits));
        assert_eq!(Iban::parse("be68539007547034"), Err(IbanError::Country));
        assert!(Iban::parse("BE68539007547é34").is_err());
    }

    /// Both satisfy modulo 97 but no bank can have been given them.
    #[test]
    fn check_digits_that_are_never_generated_are_refused() {
        assert_eq!(Iban::parse("NL01INGB0001393698"), Err(IbanError::CheckDigits));
        assert_eq!(Iban::parse("NL01RABO0331811235"), Err(IbanError::CheckDigits));
    }

    #[test]
    fn generated_check_digits_are_accepted() {
        let iban = Iban::with_check_digits("BE", "539007547034").unwrap();
        assert_eq!(iban.as_str(), "BE68539007547034");
        assert!(iban.is_sepa());
        assert!(!Iban::parse("AE070331234567890123456").unwrap().is_sepa());
    }

    #[test]
    fn debug_output_hides_the_account() {
        let iban = Iban::parse("BE68539007547034").unwrap();
        assert_eq!(format!("{iban:?}"), "Iban(BE68…7034)");
    }
}
