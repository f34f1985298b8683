//! Holds: money of a customer's account that is set aside, paid out to one or more payees, and given back.

use types::fields::{FieldError, FieldReader, FieldWriter};
use types::{AccountNumber, Amount, Bic, Currency, Iban, Sequence, Text, Timestamp};

use crate::layout::HOLD_LEGS_MAX;
use crate::{AccountSelector, RequestId, TextsError};

/// Money is set aside on a customer's account.
#[derive(Clone, Debug)]
pub struct PlaceHold {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The bank that keeps the account.
    pub bank: Bic,
    /// Which account.
    pub account: AccountSelector,
    /// How much.
    pub amount: Amount,
    /// From when on it holds nothing: at most 400 days ahead.
    pub expires: Timestamp,
    /// The caller's reference.
    pub reference: Text<35>,
    /// Words beside it.
    pub note: Option<Text<140>>,
}

/// Some of what is held, or all of it, is paid out: to every payee or to none.
#[derive(Clone, Debug)]
pub struct CaptureHold {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The bank that keeps the payer's account.
    pub bank: Bic,
    /// The position of the hold.
    pub hold: Sequence,
    /// The payer's account and its currency, as the core knows them; `None` if it knows no such hold.
    pub held_on: Option<(AccountNumber, Currency)>,
    /// The payees, from 1 to 16.
    pub legs: Vec<HoldLeg>,
    /// Whether what is left is released; else it stays held.
    pub is_final: bool,
}

/// One payee of a capture.
#[derive(Clone, Debug)]
pub struct HoldLeg {
    /// The payee's account, in the currency of the hold.
    pub iban: Iban,
    /// That account and its bank, as the edge sees it; `None` if it sees none. The core checks it.
    pub kept_at: Option<(AccountNumber, Bic)>,
    /// How much.
    pub amount: Amount,
    /// The caller's reference.
    pub reference: Text<35>,
    /// Words for the payee.
    pub remittance: Option<Text<140>>,
}

/// Some of what is held, or all of it, is given back.
#[derive(Clone, Debug)]
pub struct ReleaseHold {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The bank that keeps the account.
    pub bank: Bic,
    /// The position of the hold.
    pub hold: Sequence,
    /// How much; `None` for all that is left.
    pub amount: Option<Amount>,
}

/// The texts of a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldText {
    /// The account's number.
    pub iban: Iban,
    /// The caller's reference.
    pub reference: Text<35>,
    /// Words beside it.
    pub note: Option<Text<140>>,
}

/// The texts of a capture, of one leg after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureText {
    /// The legs.
    pub legs: Vec<LegText>,
}

/// The texts of one leg of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegText {
    /// The payee's account number.
    pub iban: Iban,
    /// The caller's reference.
    pub reference: Text<35>,
    /// Words for the payee.
    pub remittance: Option<Text<140>>,
}

// Tags are stored and never reused. Those of a capture are followed by one field for each leg; an empty one says that
// the leg has no words.
const IBAN: u8 = 1;
const REFERENCE: u8 = 2;
const NOTE: u8 = 3;

impl HoldText {
    /// Writes the stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = FieldWriter::default();
        writer.field(IBAN, self.iban.as_str().as_bytes());
        writer.field(REFERENCE, self.reference.as_str().as_bytes());
        if let Some(note) = &self.note {
            writer.field(NOTE, note.as_str().as_bytes());
        }
        writer.bytes
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// If these bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, TextsError> {
        let mut reader = FieldReader::new(bytes, |_| false)?;
        let (iban, reference) = (iban(&mut reader)?, reference(&mut reader)?);
        let note = reader.utf8(NOTE)?.map(|note| value(NOTE, Text::parse(note))).transpose()?;
        reader.finish()?;
        Ok(Self { iban, reference, note })
    }
}

impl CaptureText {
    /// Writes the stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = FieldWriter::default();
        self.legs.iter().for_each(|leg| writer.field(IBAN, leg.iban.as_str().as_bytes()));
        self.legs.iter().for_each(|leg| writer.field(REFERENCE, leg.reference.as_str().as_bytes()));
        let remittance = |leg: &LegText| leg.remittance.as_ref().map(|text| text.as_str().to_owned());
        self.legs.iter().for_each(|leg| writer.field(NOTE, remittance(leg).unwrap_or_default().as_bytes()));
        writer.bytes
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// If these bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, TextsError> {
        let mut reader = FieldReader::new(bytes, |_| true)?;
        let mut ibans = Vec::new();
        while let Some(text) = reader.utf8(IBAN)? {
            if ibans.len() == HOLD_LEGS_MAX {
                return Err(FieldError::Value(IBAN));
            }
            ibans.push(value(IBAN, Iban::parse(text))?);
        }
        let references = ibans.iter().map(|_| reference(&mut reader)).collect::<Result<Vec<_>, _>>()?;
        let mut legs = Vec::with_capacity(ibans.len());
        for (iban, reference) in ibans.into_iter().zip(references) {
            let words = reader.utf8(NOTE)?.ok_or(FieldError::Missing(NOTE))?;
            let remittance = match words {
                "" => None,
                words => Some(value(NOTE, Text::parse(words))?),
            };
            legs.push(LegText { iban, reference, remittance });
        }
        reader.finish()?;
        if legs.is_empty() { Err(FieldError::Missing(IBAN)) } else { Ok(Self { legs }) }
    }
}

fn iban(reader: &mut FieldReader<'_>) -> Result<Iban, FieldError> {
    value(IBAN, Iban::parse(reader.utf8(IBAN)?.ok_or(FieldError::Missing(IBAN))?))
}

fn reference(reader: &mut FieldReader<'_>) -> Result<Text<35>, FieldError> {
    value(REFERENCE, Text::parse(reader.utf8(REFERENCE)?.ok_or(FieldError::Missing(REFERENCE))?))
}

fn value<Value, Error>(tag: u8, read: Result<Value, Error>) -> Result<Value, FieldError> {
    read.map_err(|_| FieldError::Value(tag))
}
