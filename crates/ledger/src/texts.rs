//! The texts of commands other than payments, as they stand in a frame's personal section.

use types::fields::{FieldError, FieldReader, FieldWriter};
use types::{Iban, Text};

/// Stored bytes that are not such texts.
pub type TextsError = FieldError;

// Tags are stored and never reused.
const IBAN: u8 = 1;
const HOLDER_NAME: u8 = 2;
const IDENTIFICATION: u8 = 3;
const BOOKING_KEY: u8 = 1;
const CORE_REFERENCE: u8 = 2;

/// The texts of an account's opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountText {
    /// The account's number.
    pub iban: Iban,
    /// Who holds it.
    pub holder_names: Vec<Text<140>>,
    /// A code of a legal person.
    pub identification: Option<Text<35>>,
}

impl AccountText {
    /// Writes the stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = FieldWriter::default();
        writer.field(IBAN, self.iban.as_str().as_bytes());
        for name in &self.holder_names {
            writer.field(HOLDER_NAME, name.as_str().as_bytes());
        }
        if let Some(identification) = &self.identification {
            writer.field(IDENTIFICATION, identification.as_str().as_bytes());
        }
        writer.bytes
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<Self, TextsError> {
        let mut reader = FieldReader::new(bytes, |tag| tag == HOLDER_NAME)?;
        let iban = reader.utf8(IBAN)?.ok_or(FieldError::Missing(IBAN))?;
        let iban = Iban::parse(iban).map_err(|_| FieldError::Value(IBAN))?;
        let mut holder_names = Vec::new();
        while let Some(name) = text(&mut reader, HOLDER_NAME)? {
            holder_names.push(name);
        }
        let identification = text(&mut reader, IDENTIFICATION)?;
        reader.finish()?;
        Ok(Self { iban, holder_names, identification })
    }
}

/// The texts of a posting by the bank's own systems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryText {
    /// What kind of booking it is, in the core's own terms.
    pub booking_key: Text<35>,
    /// The core's reference.
    pub core_reference: Text<35>,
}

impl EntryText {
    /// Writes the stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = FieldWriter::default();
        writer.field(BOOKING_KEY, self.booking_key.as_str().as_bytes());
        writer.field(CORE_REFERENCE, self.core_reference.as_str().as_bytes());
        writer.bytes
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<Self, TextsError> {
        let mut reader = FieldReader::new(bytes, |_| false)?;
        let booking_key = text(&mut reader, BOOKING_KEY)?.ok_or(FieldError::Missing(BOOKING_KEY))?;
        let core_reference = text(&mut reader, CORE_REFERENCE)?.ok_or(FieldError::Missing(CORE_REFERENCE))?;
        reader.finish()?;
        Ok(Self { booking_key, core_reference })
    }
}

fn text<const MAX: usize>(reader: &mut FieldReader<'_>, tag: u8) -> Result<Option<Text<MAX>>, FieldError> {
    reader.utf8(tag)?.map(|value| Text::parse(value).map_err(|_| FieldError::Value(tag))).transpose()
}
