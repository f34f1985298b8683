//! Codes of legal persons: an LEI or a VAT number where the text is one, else the text as it stands.
//!
//! Codes are equal or not; there is no nearly equal code.

use types::Text;

use crate::finding::{Finding, Outcome, Step};
use crate::lei::Lei;
use crate::vat::VatNumber;

/// What a code is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Code {
    Lei(Lei),
    VatNumber(VatNumber),
    /// A number of a register or scheme that is not known here.
    Other(Compact),
}

/// The letters and digits of a code, in capitals.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Compact {
    characters: [u8; 35],
    length: usize,
}

impl Compact {
    /// Leaves out blanks and punctuation, which are a matter of taste. `None` if nothing or something else remains.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut compact = Self { characters: [0; 35], length: 0 };
        for byte in text.bytes().filter(|byte| !matches!(byte, b' ' | b'-' | b'.' | b'/' | b':')) {
            // Two plus signs were once part of Irish VAT numbers, and of nothing else.
            if !byte.is_ascii_alphanumeric() && byte != b'+' && byte != b'*' {
                return None;
            }
            *compact.characters.get_mut(compact.length)? = byte.to_ascii_uppercase();
            compact.length += 1;
        }
        (compact.length > 0).then_some(compact)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.characters[..self.length]
    }
}

/// What a code looks like, whether or not its check digits are right.
enum Seen {
    Right(Code),
    Wrong,
}

fn read(text: &str) -> Seen {
    let Some(compact) = Compact::read(text) else { return Seen::Wrong };
    let bytes = compact.bytes();
    if Lei::has_form(bytes) {
        return Lei::read(bytes).map_or(Seen::Wrong, |lei| Seen::Right(Code::Lei(lei)));
    }
    if VatNumber::has_form(bytes) {
        return VatNumber::read(bytes).map_or(Seen::Wrong, |vat| Seen::Right(Code::VatNumber(vat)));
    }
    Seen::Right(Code::Other(compact))
}

/// Whether a code is that of an account's holder.
///
/// Blanks and punctuation do not count. A code that has the form of an LEI or a VAT number and wrong check digits
/// matches nothing; if it is the account's, the account has no code. "EL" and "GR" are one country.
pub fn verify_code(given: &Text<35>, held: Option<&Text<35>>) -> Finding {
    let held = match held.map(|held| read(held.as_str())) {
        Some(Seen::Right(held)) => held,
        Some(Seen::Wrong) | None => return Finding { outcome: Outcome::NotPossible, step: Step::NoCode },
    };
    let Seen::Right(given) = read(given.as_str()) else {
        return Finding { outcome: Outcome::NoMatch, step: Step::NotACode };
    };
    let (outcome, step) = match (given, held) {
        (given, held) if given == held => (Outcome::Match, Step::SameCode),
        (Code::Lei(_), Code::Lei(_))
        | (Code::VatNumber(_), Code::VatNumber(_))
        | (Code::Other(_), Code::Other(_)) => (Outcome::NoMatch, Step::OtherCode),
        (Code::Lei(_) | Code::VatNumber(_) | Code::Other(_), _) => {
            (Outcome::NotPossible, Step::OtherKindOfCode)
        }
    };
    Finding { outcome, step }
}

/// What kind of code a text is, for whoever enters it: an error says what is wrong with it.
pub fn check_code(text: &Text<35>) -> Result<CodeKind, CodeError> {
    let compact = Compact::read(text.as_str()).ok_or(CodeError::Characters)?;
    match read(text.as_str()) {
        Seen::Right(Code::Lei(_)) => Ok(CodeKind::Lei),
        Seen::Right(Code::VatNumber(_)) => Ok(CodeKind::VatNumber),
        Seen::Right(Code::Other(_)) => Ok(CodeKind::Other),
        Seen::Wrong if Lei::has_form(compact.bytes()) => Err(CodeError::Lei),
        Seen::Wrong => Err(CodeError::VatNumber),
    }
}

/// The kinds of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeKind {
    /// A Legal Entity Identifier (ISO 17442).
    Lei,
    /// A VAT number of a member state, Northern Ireland, Great Britain, Norway or Switzerland.
    VatNumber,
    /// Another code, compared as it stands.
    Other,
}

/// Why a text can't be a code. Never contains the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// A character that no code has.
    #[error("a code has letters and digits, and blanks or punctuation between them")]
    Characters,
    /// The form of an LEI, with other check digits.
    #[error("the LEI's check digits are wrong")]
    Lei,
    /// The form of a VAT number, with other check digits.
    #[error("the VAT number does not follow its country's rule")]
    VatNumber,
}
