//! The lines of a payment code: how they are told apart, and what can be wrong with each.
//!
//! Invariant: a [`Payload`] has at most [`PAYLOAD_BYTES_MAX`] bytes, so a symbol of version 13 always holds it.

use std::fmt;

use types::{AmountError, BicError, IbanError, TextError};

use crate::{CharacterSet, CreditorReferenceError};

/// The most bytes of a payment code: what a symbol of version 13 holds with error correction M.
pub const PAYLOAD_BYTES_MAX: usize = 331;

/// The text of a payment code, in its character set, as the symbol holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    bytes: Vec<u8>,
    text: String,
}

impl Payload {
    /// Joins lines, without the empty ones at the end.
    pub(crate) fn of_lines(lines: &[String; LINES], set: CharacterSet) -> Result<Self, PayloadError> {
        let count = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
        let mut bytes = Vec::new();
        for (line, text) in Line::ALL.into_iter().zip(&lines[..count]) {
            if line != Line::ServiceTag {
                bytes.push(b'\n');
            }
            bytes.extend(set.encode(text).ok_or(LineFault::Character(set).of(line))?);
        }
        if bytes.len() > PAYLOAD_BYTES_MAX {
            return Err(PayloadError::TooLong { bytes: bytes.len() });
        }
        Ok(Self { bytes, text: lines[..count].join("\n") })
    }

    /// The bytes, as the symbol holds them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The characters that the bytes stand for.
    pub fn as_text(&self) -> &str {
        &self.text
    }
}

/// Shows only the length: the lines name the payee.
impl fmt::Debug for Payload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Payload({} bytes)", self.bytes.len())
    }
}

/// How many lines a payment code has, those at its end that are empty and left out among them.
pub(crate) const LINES: usize = Line::ALL.len();

/// A line of a payment code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Line {
    /// Line 1: `BCD`.
    ServiceTag,
    /// Line 2: `001` or `002`.
    Version,
    /// Line 3: the number of the character set.
    CharacterSet,
    /// Line 4: `SCT` or `INST`.
    Scheme,
    /// Line 5: the payee's bank.
    Bic,
    /// Line 6: the payee.
    Name,
    /// Line 7: the payee's account.
    Iban,
    /// Line 8: `EUR` and the amount.
    Amount,
    /// Line 9: the purpose.
    Purpose,
    /// Line 10: a creditor reference.
    Reference,
    /// Line 11: remittance information as a text.
    Text,
    /// Line 12: what the payee tells the payer.
    Information,
}

impl Line {
    /// All lines, in their order.
    pub const ALL: [Self; 12] = [
        Self::ServiceTag,
        Self::Version,
        Self::CharacterSet,
        Self::Scheme,
        Self::Bic,
        Self::Name,
        Self::Iban,
        Self::Amount,
        Self::Purpose,
        Self::Reference,
        Self::Text,
        Self::Information,
    ];

    /// Counted from 1.
    pub fn number(self) -> usize {
        Self::ALL.iter().position(|line| *line == self).expect("every line is among all lines") + 1
    }

    /// What stands in it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ServiceTag => "service tag",
            Self::Version => "version",
            Self::CharacterSet => "character set",
            Self::Scheme => "identification",
            Self::Bic => "BIC of the payee's bank",
            Self::Name => "payee's name",
            Self::Iban => "payee's IBAN",
            Self::Amount => "amount",
            Self::Purpose => "purpose",
            Self::Reference => "creditor reference",
            Self::Text => "remittance text",
            Self::Information => "information for the payer",
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {} ({})", self.number(), self.name())
    }
}

/// Why a text is no payment code, or a code can't be written. Never contains what stands in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// More bytes than a code may have.
    #[error("the code has {bytes} bytes, and may have {PAYLOAD_BYTES_MAX}: shorten its texts")]
    TooLong {
        /// As many as it has.
        bytes: usize,
    },
    /// Lines that end in different ways.
    #[error("line {line} ends in another way than line 1: all lines end in LF, or all in CR LF")]
    LineEnd {
        /// The first that does so, counted from 1.
        line: usize,
    },
    /// Something behind the last line.
    #[error("a payment code has at most 12 lines: leave out what follows")]
    TooManyLines,
    /// A line that breaks its rule.
    #[error("{line}: {fault}")]
    Line {
        /// Which line.
        line: Line,
        /// What is wrong with it.
        fault: LineFault,
    },
}

/// What is wrong with one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// The first line is another.
    #[error("it must be BCD; this is no payment code of EPC069-12")]
    NotServiceTag,
    /// A version that does not exist.
    #[error("it must be 001 or 002")]
    UnknownVersion,
    /// A character set that does not exist.
    #[error("it must be a digit from 1 to 8")]
    UnknownCharacterSet,
    /// Bytes that mean nothing in the code's character set.
    #[error("it has bytes that are none in {0}, the set that line 3 names")]
    Bytes(CharacterSet),
    /// A character that the code's character set lacks.
    #[error("it has a character that {0} lacks: use another one, or UTF-8")]
    Character(CharacterSet),
    /// Another identification.
    #[error("it must be SCT or INST")]
    UnknownScheme,
    /// A mandatory line is empty.
    #[error("it is mandatory")]
    Missing,
    /// Version 001 without a BIC.
    #[error("it is mandatory in version 001: give it, or use version 002")]
    BicMissing,
    /// No BIC.
    #[error(transparent)]
    Bic(BicError),
    /// No account number.
    #[error(transparent)]
    Iban(IbanError),
    /// An account that a SEPA payment does not reach.
    #[error("accounts of this country can't be reached in SEPA")]
    NotInSepa,
    /// An amount without its currency, or in another.
    #[error("it must be EUR and the amount, such as EUR12.34")]
    NotEuro,
    /// An amount such as 007.
    #[error("leave out the zeros before the amount")]
    LeadingZero,
    /// No amount.
    #[error(transparent)]
    Amount(AmountError),
    /// No purpose code.
    #[error("a purpose is an ISO 20022 code of four capital letters or digits, such as SALA")]
    Purpose,
    /// No creditor reference.
    #[error(transparent)]
    Reference(CreditorReferenceError),
    /// Both kinds of remittance information.
    #[error("line 10 has a creditor reference already, and a code has one of both: leave one out")]
    TwoRemittances,
    /// A text that breaks its rule.
    #[error(transparent)]
    Text(TextError),
}

impl LineFault {
    /// The fault at its place.
    pub(crate) const fn of(self, line: Line) -> PayloadError {
        PayloadError::Line { line, fault: self }
    }
}

/// Takes a payload apart. Line ends behind the last line are nobody's concern: scanners and editors add them.
pub(crate) fn split(payload: &[u8], bytes_max: usize) -> Result<[&[u8]; LINES], PayloadError> {
    let end = payload.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
    let payload = &payload[..end];
    if payload.len() > bytes_max {
        return Err(PayloadError::TooLong { bytes: payload.len() });
    }
    let mut lines = [&payload[..0]; LINES];
    let count = payload.split(|byte| *byte == b'\n').count();
    let mut ends_in_cr = None;
    for (index, line) in payload.split(|byte| *byte == b'\n').enumerate() {
        let place = lines.get_mut(index).ok_or(PayloadError::TooManyLines)?;
        *place = line.strip_suffix(b"\r").unwrap_or(line);
        let has_cr = line.ends_with(b"\r");
        if index + 1 < count && *ends_in_cr.get_or_insert(has_cr) != has_cr {
            return Err(PayloadError::LineEnd { line: index + 1 });
        }
    }
    Ok(lines)
}
