//! Business identifier codes (ISO 9362).
//!
//! Invariant: a [`Bic`] is always eleven characters; eight-character codes name the head office and are
//! stored with the branch `XXX`, so that both spellings of one bank are equal.

use std::fmt;

/// The business identifier code of a payment service provider, always in its eleven-character form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bic([u8; 11]);

/// Why a text is not a BIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BicError {
    /// Neither eight nor eleven characters.
    #[error("a BIC has 8 or 11 characters, this has {0}")]
    Length(usize),
    /// A character outside the pattern of ISO 20022, `[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?`.
    #[error("a BIC is capital letters and digits, with letters as characters 5 and 6")]
    Pattern,
}

impl Bic {
    /// Reads an eight- or eleven-character BIC.
    pub fn parse(text: &str) -> Result<Self, BicError> {
        Self::parse_bytes(text.as_bytes())
    }

    /// The same from bytes that may be any.
    pub fn parse_bytes(bytes: &[u8]) -> Result<Self, BicError> {
        let mut code = *b"XXXXXXXXXXX";
        match bytes.len() {
            8 => code[..8].copy_from_slice(bytes),
            11 => code.copy_from_slice(bytes),
            length => return Err(BicError::Length(length)),
        }
        Self::from_bytes(code).ok_or(BicError::Pattern)
    }

    /// The code held by stored bytes, or `None` if they are not one.
    pub fn from_bytes(code: [u8; 11]) -> Option<Self> {
        // Without a branch for each character: this runs several times for each payment.
        let fits = |byte: &u8| byte.is_ascii_uppercase() | byte.is_ascii_digit();
        let country = code[4].is_ascii_uppercase() & code[5].is_ascii_uppercase();
        let rest = code.iter().fold(true, |all, byte| all & fits(byte));
        (country & rest).then_some(Self(code))
    }

    /// The eleven bytes, as stored.
    pub const fn as_bytes(&self) -> &[u8; 11] {
        &self.0
    }

    /// The eleven characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a BIC is ASCII by construction")
    }
}

impl fmt::Display for Bic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for Bic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Bic({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_characters_name_the_head_office() {
        let short = Bic::parse("SLVOBEBB").unwrap();
        assert_eq!(short, Bic::parse("SLVOBEBBXXX").unwrap());
        assert_eq!(short.as_str(), "SLVOBEBBXXX");
        assert_ne!(short, Bic::parse("SLVOBEBB001").unwrap());
    }

    #[test]
    fn what_is_not_a_bic_is_refused_with_its_reason() {
        assert_eq!(Bic::parse(""), Err(BicError::Length(0)));
        assert_eq!(Bic::parse("SLVOBEBBX"), Err(BicError::Length(9)));
        assert_eq!(Bic::parse("slvobebb"), Err(BicError::Pattern));
        assert_eq!(Bic::parse("SLVO1EBB"), Err(BicError::Pattern));
        assert_eq!(Bic::parse("SLVOBE B"), Err(BicError::Pattern));
        assert_eq!(Bic::parse("SLVOBEéB").unwrap_err(), BicError::Length(9));
        assert!(Bic::parse("1LV2BE3B").is_ok(), "the schema allows digits in the first group");
    }
}
