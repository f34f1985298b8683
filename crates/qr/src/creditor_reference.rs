//! Creditor references (ISO 11649): what a payee prints on an invoice to know its payment by.
//!
//! Invariant: a [`CreditorReference`] begins with `RF` and its check digits are right. 00, 01 and 99 are never generated, so
//! they are refused, as they are in account numbers.

use std::fmt;

use types::Text;

/// A creditor reference in its electronic form. Personal data: `{:?}` masks it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CreditorReference(Text<35>);

/// Why a text is no creditor reference. Never contains the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreditorReferenceError {
    /// It does not begin as one.
    #[error("a creditor reference begins with RF and two check digits, such as RF18 in RF18539007547034")]
    Prefix,
    /// Too short or too long.
    #[error("a creditor reference has 5 to 25 characters, this has {0}")]
    Length(usize),
    /// A character that is neither a capital letter nor a digit.
    #[error(
        "character {position} of the creditor reference is neither a capital letter nor a digit; leave out blanks"
    )]
    Character {
        /// Counted from 1.
        position: usize,
    },
    /// The check digits are wrong.
    #[error("the creditor reference's check digits are wrong")]
    CheckDigits,
}

impl CreditorReference {
    /// Reads a reference in its electronic form: `RF`, two check digits, and 1 to 21 capital letters and digits.
    pub fn parse(text: &str) -> Result<Self, CreditorReferenceError> {
        let bytes = text.as_bytes();
        let (Some(b"RF"), Some([tens @ b'0'..=b'9', units @ b'0'..=b'9'])) =
            (bytes.get(..2), bytes.get(2..4))
        else {
            return Err(CreditorReferenceError::Prefix);
        };
        if !(5..=25).contains(&bytes.len()) {
            return Err(CreditorReferenceError::Length(text.chars().count()));
        }
        let is_other = |byte: &u8| !byte.is_ascii_uppercase() && !byte.is_ascii_digit();
        if let Some(place) = bytes.iter().position(is_other) {
            return Err(CreditorReferenceError::Character { position: place + 1 });
        }
        let digits = (tens - b'0') * 10 + (units - b'0');
        if !(2..=98).contains(&digits) || remainder(&bytes[4..], &bytes[..4]) != 1 {
            return Err(CreditorReferenceError::CheckDigits);
        }
        let text = Text::parse(text).expect("5 to 25 capital letters and digits are a text");
        Ok(Self(text))
    }

    /// The characters, in electronic form.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The characters, as messages carry them.
    pub const fn as_text(&self) -> &Text<35> {
        &self.0
    }
}

impl fmt::Debug for CreditorReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CreditorReference({} characters)", self.as_str().len())
    }
}

/// The remainder modulo 97 of both parts read as one number, letters as 10 to 35 (ISO 7064).
fn remainder(first: &[u8], second: &[u8]) -> u32 {
    first.iter().chain(second).fold(0, |remainder, byte| match byte {
        b'0'..=b'9' => (remainder * 10 + u32::from(byte - b'0')) % 97,
        _ => (remainder * 100 + u32::from(byte - b'A') + 10) % 97,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_with_right_check_digits_are_accepted() {
        for text in ["RF18539007547034", "RF332348236", "RF45G72UUR", "RF471234567890", "RF6518K5"] {
            assert_eq!(
                CreditorReference::parse(text).map(|reference| reference.as_str().to_owned()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn each_fault_has_its_own_error() {
        use CreditorReferenceError as Fault;
        for (text, fault) in [
            ("", Fault::Prefix),
            ("INVOICE 7", Fault::Prefix),
            ("rf18539007547034", Fault::Prefix),
            ("RFA8539007547034", Fault::Prefix),
            ("RF18", Fault::Length(4)),
            ("RF1853900754703412345678901", Fault::Length(27)),
            ("RF18 5390 0754 7034", Fault::Character { position: 5 }),
            ("RF1853900754703é", Fault::Character { position: 16 }),
            ("RF18539007547035", Fault::CheckDigits),
            ("RF19539007547034", Fault::CheckDigits),
        ] {
            assert_eq!(CreditorReference::parse(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn check_digits_that_are_never_generated_are_refused() {
        // Each has the remainder 1, as one with two check digits from 02 to 98 has too.
        let accepted = |body: &str| {
            let right = (0..=99)
                .filter(|digits| remainder(body.as_bytes(), format!("RF{digits:02}").as_bytes()) == 1);
            right
                .map(|digits| CreditorReference::parse(&format!("RF{digits:02}{body}")).is_ok())
                .collect::<Vec<_>>()
        };
        let twofold: Vec<_> =
            (0..200).map(|body| accepted(&body.to_string())).filter(|accepted| accepted.len() == 2).collect();
        assert!(!twofold.is_empty());
        assert!(
            twofold.iter().all(|accepted| accepted.iter().filter(|is_accepted| **is_accepted).count() == 1)
        );
    }

    #[test]
    fn debug_output_hides_the_reference() {
        let reference = CreditorReference::parse("RF18539007547034").unwrap();
        assert_eq!(format!("{reference:?}"), "CreditorReference(16 characters)");
    }
}
