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
        Self::parse_bytes(text.as_bytes())
    }

    /// The same from bytes that may be any.
    pub fn parse_bytes(bytes: &[u8]) -> Result<Self, IbanError> {
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

    /// How many characters the numbers of a country have behind the check digits, and at which of these places only digits
    /// stand, a bit for each; `None` if the country has registered no IBAN.
    pub fn account_structure(country: &str) -> Option<(usize, u32)> {
        let structure = structure_of(country.as_bytes()).filter(|_| country.len() == 2)?;
        let digits = u32::try_from(structure.digits >> 4).expect("30 places at the most");
        Some((structure.length - 4, digits))
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

fn structure_of(bytes: &[u8]) -> Option<&'static Structure> {
    let country = <[u8; 2]>::try_from(bytes.get(..2)?).expect("two bytes");
    let row = COUNTRIES.binary_search(&country).ok()?;
    Some(&SHAPES[row])
}

/// A country's structure in a form that is compared many characters at a time. A bit stands for a character.
struct Structure {
    length: usize,
    /// Where only a digit may stand.
    digits: u64,
    /// Where only a capital letter may stand.
    capitals: u64,
}

const COUNTRIES: [[u8; 2]; STRUCTURES.len()] = {
    let mut countries = [[0; 2]; STRUCTURES.len()];
    let mut row = 0;
    while row < STRUCTURES.len() {
        let country = STRUCTURES[row].0.as_bytes();
        countries[row] = [country[0], country[1]];
        row += 1;
    }
    countries
};

static SHAPES: [Structure; STRUCTURES.len()] = {
    let mut shapes = [const { Structure { length: 0, digits: 0, capitals: 0 } }; STRUCTURES.len()];
    let mut row = 0;
    while row < STRUCTURES.len() {
        shapes[row] = structure(STRUCTURES[row].1.as_bytes());
        row += 1;
    }
    shapes
};

/// Reads the groups of a row. The country and the check digits stand before them.
const fn structure(groups: &[u8]) -> Structure {
    let mut structure = Structure { length: 4, digits: 0b1100, capitals: 0b0011 };
    let (mut at, mut count) = (0, 0_usize);
    while at < groups.len() {
        // Widenings of 8 bits to the size of an address; `From` is not usable in constants.
        #[allow(clippy::as_conversions)]
        match groups[at] {
            digit @ b'0'..=b'9' => count = count * 10 + (digit - b'0') as usize,
            class @ (b'n' | b'a' | b'c') => {
                let places = ((1_u64 << count) - 1) << structure.length;
                match class {
                    b'n' => structure.digits |= places,
                    b'a' => structure.capitals |= places,
                    _ => {}
                }
                structure.length += count;
                count = 0;
            }
            b' ' => {}
            _ => panic!("a group is a count and a class"),
        }
        at += 1;
    }
    assert!(structure.length <= 34, "no registered IBAN is longer than 34 characters");
    structure
}

fn check_structure(bytes: &[u8], structure: &Structure) -> Result<(), IbanError> {
    if bytes.len() != structure.length {
        return Err(IbanError::Length { expected: structure.length, found: bytes.len() });
    }
    let (mut digits, mut capitals) = (0_u64, 0_u64);
    for (place, byte) in bytes.iter().enumerate() {
        digits |= u64::from(byte.is_ascii_digit()) << place;
        capitals |= u64::from(byte.is_ascii_uppercase()) << place;
    }
    let all = (1_u64 << bytes.len()) - 1;
    let wrong =
        (structure.digits & !digits) | (structure.capitals & !capitals) | (all & !(digits | capitals));
    match usize::try_from(wrong.trailing_zeros()).expect("at most 64") {
        64 => Ok(()),
        place => Err(IbanError::Structure { position: place + 1 }),
    }
}

/// The remainder modulo 97 of both parts read as one number, letters as 10 to 35 (ISO 7064).
fn remainder(first: &[u8], second: &[u8]) -> u32 {
    let first = remainder_after(0, first);
    u32::try_from(remainder_after(first, second)).expect("less than 97")
}

/// Continues a number whose remainder is known.
fn remainder_after(before: u64, part: &[u8]) -> u64 {
    let (eights, rest) = part.as_chunks::<8>();
    let before = eights.iter().fold(before, |remainder, eight| match eight_digits(*eight) {
        Some(number) => (remainder * 100_000_000 + number) % 97,
        None => remainder_one_by_one(remainder, eight),
    });
    remainder_one_by_one(before, rest)
}

fn remainder_one_by_one(before: u64, part: &[u8]) -> u64 {
    // Eight characters are at most 16 digits, so one division at the end is enough.
    let number = part.iter().fold(before, |number, byte| match byte {
        b'0'..=b'9' => number * 10 + u64::from(byte - b'0'),
        _ => number * 100 + u64::from(byte.to_ascii_uppercase() - b'A') + 10,
    });
    number % 97
}

/// The value of eight digits, by three multiplications: pairs, then fours, then all.
fn eight_digits(characters: [u8; 8]) -> Option<u64> {
    if !characters.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = u64::from_le_bytes(characters) & 0x0F0F_0F0F_0F0F_0F0F;
    let pairs = (digits.wrapping_mul(10) + (digits >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
    Some((fours.wrapping_mul(10_000) + (fours >> 32)) & 0xFFFF_FFFF)
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
