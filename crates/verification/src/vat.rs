//! VAT numbers of the EU's member states, Northern Ireland, Great Britain, Norway and Switzerland.
//!
//! A number has its country's form, and check digits where the country has published how they are made
//! (`vat_rules`). Whether it was ever given, only VIES knows.

use crate::vat_rules::{COUNTRIES, Country};

/// A number that follows its country's rule, in the one form in which it is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct VatNumber {
    country: &'static str,
    characters: [u8; 12],
    length: usize,
}

impl VatNumber {
    /// Whether a text in capitals without blanks has the form of such a number.
    pub(crate) fn has_form(text: &[u8]) -> bool {
        parts(text).is_some()
    }

    /// Reads a text in capitals without blanks.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        let (country, body) = parts(text)?;
        if !(country.is_right)(body) {
            return None;
        }
        let mut characters = [0; 12];
        // Belgian numbers once had no zero before them.
        let start = usize::from(country.code == "BE" && body.len() == 9);
        characters[..start].fill(b'0');
        characters[start..start + body.len()].copy_from_slice(body);
        Some(Self { country: country.code, characters, length: start + body.len() })
    }
}

/// The country and what stands behind its code, without the words that some countries write at the end.
fn parts(text: &[u8]) -> Option<(&'static Country, &[u8])> {
    let (code, rest) = text.split_at_checked(2)?;
    let (code, rest) = match code {
        b"GR" => (b"EL".as_slice(), rest),
        b"CH" => (code, rest.strip_prefix(b"E").unwrap_or(rest)),
        _ => (code, rest),
    };
    let country = COUNTRIES.iter().find(|country| country.code.as_bytes() == code)?;
    let endings = country.endings.iter().find_map(|ending| rest.strip_suffix(ending.as_bytes()));
    let body = endings.unwrap_or(rest);
    country.forms.iter().any(|form| has_form(body, form.as_bytes())).then_some((country, body))
}

/// In a form, `9` is a digit, `A` a letter, `X` either, `+` a letter or one of two signs; `u`, `b`, `g`, `d`, `h`
/// and `a` are those letters.
fn has_form(body: &[u8], form: &[u8]) -> bool {
    body.len() == form.len()
        && body.iter().zip(form).all(|(byte, class)| match class {
            b'9' => byte.is_ascii_digit(),
            b'A' => byte.is_ascii_uppercase(),
            b'X' => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
            b'+' => byte.is_ascii_uppercase() || matches!(byte, b'+' | b'*'),
            letter => *byte == letter.to_ascii_uppercase(),
        })
}
