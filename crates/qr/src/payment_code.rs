//! What a payment code says: EPC069-12, versions 001 and 002.
//!
//! Invariants:
//! - What [`PaymentCode::write`] writes, [`PaymentCode::parse`] reads as the same code.
//! - Reading is strict: what the guideline does not allow is refused with its line.

use types::{Amount, Bic, Currency, Iban, Text};

use crate::payload::{LINES, split};
use crate::{CharacterSet, CreditorReference, Line, LineFault, PAYLOAD_BYTES_MAX, Payload, PayloadError};

/// What a payment code says: who is to be paid, and perhaps how much and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentCode {
    /// The version of its layout.
    pub version: Version,
    /// The character set that it is written in.
    pub character_set: CharacterSet,
    /// Which scheme the payee names.
    pub scheme: Scheme,
    /// The payee's bank. Mandatory in version 001.
    pub bic: Option<Bic>,
    /// The payee's name.
    pub name: Text<70>,
    /// The payee's account, in a country of SEPA.
    pub iban: Iban,
    /// The amount in euro. Without it the payer says how much.
    pub amount: Option<Amount>,
    /// What kind of payment it is.
    pub purpose: Option<Purpose>,
    /// What the payee wants to see with the payment.
    pub remittance: Option<Remittance>,
    /// What the payee tells the payer; it does not travel with the payment.
    pub information: Option<Text<70>>,
}

/// The version of a payment code's layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Version {
    /// 001: with the BIC of the payee's bank.
    V001,
    /// 002: the BIC may be left out.
    #[default]
    V002,
}

/// The scheme that a payment code names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `SCT`: a credit transfer, instant or not. Every reader knows it.
    #[default]
    CreditTransfer,
    /// `INST`: an instant credit transfer. Readers that keep to older editions of the guideline refuse it.
    InstantCreditTransfer,
}

/// A purpose code of ISO 20022, four capital letters or digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Purpose(Text<4>);

/// What the payee wants to see with the payment: a reference or a text, never both.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Remittance {
    /// A creditor reference (ISO 11649).
    Structured(CreditorReference),
    /// A text.
    Unstructured(Text<140>),
}

impl Purpose {
    /// Reads a code. `None` if the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let fits =
            text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        Text::parse(text).ok().filter(|_| fits).map(Self)
    }

    /// The four characters.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl PaymentCode {
    /// Reads the bytes that a symbol holds.
    pub fn parse(payload: &[u8]) -> Result<Self, PayloadError> {
        let lines = split(payload, PAYLOAD_BYTES_MAX)?;
        let character_set = Self::outline(&lines)?;
        Self::of_lines(&Lines::decode(&lines, character_set)?, character_set)
    }

    /// Reads the characters that a scanner types. It has decoded them already, whichever set the code names.
    pub fn parse_text(text: &str) -> Result<Self, PayloadError> {
        // In its own set the code may be shorter; writing it tells.
        let lines = split(text.as_bytes(), 4 * PAYLOAD_BYTES_MAX)?;
        let character_set = Self::outline(&lines)?;
        let code = Self::of_lines(&Lines::decode(&lines, CharacterSet::Utf8)?, character_set)?;
        code.write().map(|_| code)
    }

    /// The first lines, which say how the others are read.
    fn outline(lines: &[&[u8]; LINES]) -> Result<CharacterSet, PayloadError> {
        if lines[0] != b"BCD" {
            return Err(LineFault::NotServiceTag.of(Line::ServiceTag));
        }
        if !matches!(lines[1], b"001" | b"002") {
            return Err(LineFault::UnknownVersion.of(Line::Version));
        }
        let number = match lines[2] {
            [digit @ b'1'..=b'8'] => digit - b'0',
            _ => return Err(LineFault::UnknownCharacterSet.of(Line::CharacterSet)),
        };
        Ok(CharacterSet::from_number(number).expect("1 to 8 are numbers of sets"))
    }

    fn of_lines(lines: &Lines, character_set: CharacterSet) -> Result<Self, PayloadError> {
        let version = if lines.at(Line::Version) == "001" { Version::V001 } else { Version::V002 };
        let scheme = match lines.at(Line::Scheme) {
            "SCT" => Scheme::CreditTransfer,
            "INST" => Scheme::InstantCreditTransfer,
            _ => return Err(LineFault::UnknownScheme.of(Line::Scheme)),
        };
        let bic = lines.optional(Line::Bic, |text| Bic::parse(text).map_err(LineFault::Bic))?;
        let name = lines.optional(Line::Name, |text| Text::parse(text).map_err(LineFault::Text))?;
        let iban = lines.optional(Line::Iban, |text| Iban::parse(text).map_err(LineFault::Iban))?;
        let amount = lines.optional(Line::Amount, parse_amount)?;
        let purpose = lines.optional(Line::Purpose, |text| Purpose::parse(text).ok_or(LineFault::Purpose))?;
        let reference = lines
            .optional(Line::Reference, |text| CreditorReference::parse(text).map_err(LineFault::Reference))?;
        let text = lines.optional(Line::Text, |text| Text::parse(text).map_err(LineFault::Text))?;
        let remittance = match (reference, text) {
            (Some(_), Some(_)) => return Err(LineFault::TwoRemittances.of(Line::Text)),
            (Some(reference), None) => Some(Remittance::Structured(reference)),
            (None, text) => text.map(Remittance::Unstructured),
        };
        let code = Self {
            version,
            character_set,
            scheme,
            bic,
            name: name.ok_or(LineFault::Missing.of(Line::Name))?,
            iban: iban.ok_or(LineFault::Missing.of(Line::Iban))?,
            amount,
            purpose,
            remittance,
            information: lines
                .optional(Line::Information, |text| Text::parse(text).map_err(LineFault::Text))?,
        };
        code.check()?;
        Ok(code)
    }

    /// The rules that hold between fields, or beyond what a field's type says.
    fn check(&self) -> Result<(), PayloadError> {
        if self.version == Version::V001 && self.bic.is_none() {
            return Err(LineFault::BicMissing.of(Line::Bic));
        }
        if !self.iban.is_sepa() {
            return Err(LineFault::NotInSepa.of(Line::Iban));
        }
        Ok(())
    }

    /// Writes the code in its character set, with lines that end in LF.
    ///
    /// # Errors
    /// If version 001 lacks its BIC, the account lies outside SEPA, the set lacks a character, or the code is too long.
    pub fn write(&self) -> Result<Payload, PayloadError> {
        self.check()?;
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let (reference, unstructured) = match &self.remittance {
            None => (None, None),
            Some(Remittance::Structured(reference)) => (Some(reference.as_str()), None),
            Some(Remittance::Unstructured(text)) => (None, Some(text.as_str())),
        };
        let version = match self.version {
            Version::V001 => "001",
            Version::V002 => "002",
        };
        let scheme = match self.scheme {
            Scheme::CreditTransfer => "SCT",
            Scheme::InstantCreditTransfer => "INST",
        };
        let lines = [
            "BCD".to_owned(),
            version.to_owned(),
            self.character_set.number().to_string(),
            scheme.to_owned(),
            text(self.bic.as_ref().map(short)),
            self.name.as_str().to_owned(),
            self.iban.as_str().to_owned(),
            self.amount.map(write_amount).unwrap_or_default(),
            text(self.purpose.as_ref().map(Purpose::as_str)),
            text(reference),
            text(unstructured),
            text(self.information.as_ref().map(Text::as_str)),
        ];
        Payload::of_lines(&lines, self.character_set)
    }

    /// Writes the code in the first character set that has all its characters and in which it is not too long. That is
    /// UTF-8, which all readers know, unless many letters need several bytes there.
    ///
    /// # Errors
    /// As [`PaymentCode::write`] in UTF-8, if no set will do.
    pub fn write_in_fitting_set(&mut self) -> Result<Payload, PayloadError> {
        self.character_set = CharacterSet::Utf8;
        let in_utf8 = self.write();
        if !matches!(in_utf8, Err(PayloadError::TooLong { .. })) {
            return in_utf8;
        }
        for set in CharacterSet::ALL {
            self.character_set = set;
            if let Ok(payload) = self.write() {
                return Ok(payload);
            }
        }
        self.character_set = CharacterSet::Utf8;
        in_utf8
    }
}

/// The lines of a code as texts.
struct Lines([String; LINES]);

impl Lines {
    fn decode(lines: &[&[u8]; LINES], set: CharacterSet) -> Result<Self, PayloadError> {
        let mut texts: [String; LINES] = Default::default();
        for (line, text) in Line::ALL.into_iter().zip(&mut texts) {
            *text = set.decode(lines[line.number() - 1]).ok_or(LineFault::Bytes(set).of(line))?;
        }
        Ok(Self(texts))
    }

    fn at(&self, line: Line) -> &str {
        &self.0[line.number() - 1]
    }

    fn optional<Value>(
        &self,
        line: Line,
        parse: impl FnOnce(&str) -> Result<Value, LineFault>,
    ) -> Result<Option<Value>, PayloadError> {
        match self.at(line) {
            "" => Ok(None),
            text => parse(text).map(Some).map_err(|fault| fault.of(line)),
        }
    }
}

fn parse_amount(text: &str) -> Result<Amount, LineFault> {
    let digits = text.strip_prefix("EUR").ok_or(LineFault::NotEuro)?;
    if matches!(digits.as_bytes(), [b'0', b'0'..=b'9', ..]) {
        return Err(LineFault::LeadingZero);
    }
    Amount::parse(digits, Currency::EUR).map_err(LineFault::Amount)
}

/// In its shortest form, as in `EUR12.3` and `EUR1000`: that is how the guideline shows amounts.
fn write_amount(amount: Amount) -> String {
    let decimal = amount.to_decimal(Currency::EUR);
    format!("EUR{}", decimal.trim_end_matches('0').trim_end_matches('.'))
}

/// A head office is named by eight characters; it is the same bank, and a code is short of room.
fn short(bic: &Bic) -> &str {
    bic.as_str().strip_suffix("XXX").unwrap_or(bic.as_str())
}

#[cfg(test)]
#[path = "payment_code_tests.rs"]
mod tests;
