//! Payment codes from the words of the contract into those of `qr`, and back.

use client::convert::{FieldReader, Path, money};
use client::v1;
use client::v1::payment_code::Remittance as WireRemittance;
use qr::{
    CharacterSet, CreditorReference, Line, PayloadError, PaymentCode, Purpose, Remittance, Scheme, Version,
};
use types::{Amount, Currency};

/// Who has issued creditor references of ISO 11649, as messages say it.
const ISSUER: &str = "ISO";

/// Reads a code that is to be written, and whether its character set is to be chosen for it. Every fault of a field is noted.
pub(super) fn read_code(
    reader: &mut FieldReader,
    path: &Path<'_>,
    wire: &v1::PaymentCode,
) -> Option<(PaymentCode, bool)> {
    let version = match v1::PaymentCodeVersion::try_from(wire.version) {
        Ok(v1::PaymentCodeVersion::V001) => Some(Version::V001),
        Ok(v1::PaymentCodeVersion::Unspecified | v1::PaymentCodeVersion::V002) => Some(Version::V002),
        Err(_) => {
            reader.violation(&path.field("version"), "this version is not known");
            None
        }
    };
    let set = u8::try_from(wire.character_set).ok().and_then(CharacterSet::from_number);
    let fits = wire.character_set == i32::from(v1::PaymentCodeCharacterSet::Unspecified);
    if set.is_none() && !fits {
        reader.violation(&path.field("character_set"), "this character set is not known");
    }
    let bic = reader.optional_bic(&path.field("creditor_agent"), &wire.creditor_agent);
    let name = reader.text(&path.field("creditor_name"), &wire.creditor_name);
    let iban = reader.iban(&path.field("creditor_account"), &wire.creditor_account);
    let amount = wire.amount.as_ref().and_then(|wire| euro(reader, &path.field("amount"), wire));
    let purpose = match wire.purpose.as_str() {
        "" => None,
        text => {
            let purpose = Purpose::parse(text);
            if purpose.is_none() {
                let words = "a purpose of a payment code has four capital letters or digits";
                reader.violation(&path.field("purpose"), words);
            }
            purpose
        }
    };
    let remittance = wire.remittance.as_ref().and_then(|wire| remittance(reader, path, wire));
    let information = reader.optional_text(&path.field("information"), &wire.information);
    let code = PaymentCode {
        version: version?,
        character_set: set.unwrap_or(CharacterSet::Utf8),
        scheme: if wire.instant { Scheme::InstantCreditTransfer } else { Scheme::CreditTransfer },
        bic,
        name: name?,
        iban: iban?,
        amount,
        purpose,
        remittance,
        information,
    };
    Some((code, fits))
}

fn euro(reader: &mut FieldReader, path: &Path<'_>, wire: &v1::Money) -> Option<Amount> {
    let (amount, currency) = reader.money(path, Some(wire))?;
    if currency != Currency::EUR {
        reader.violation(&path.field("currency_code"), "a payment code asks for EUR");
        return None;
    }
    Some(amount)
}

/// The parts of the code's `oneof` are fields of the code itself.
fn remittance(reader: &mut FieldReader, code: &Path<'_>, wire: &WireRemittance) -> Option<Remittance> {
    match wire {
        WireRemittance::Unstructured(text) => {
            reader.text(&code.field("unstructured"), text).map(Remittance::Unstructured)
        }
        WireRemittance::CreditorReference(wire) => {
            let path = code.field("creditor_reference");
            if !matches!(wire.issuer.as_str(), "" | ISSUER) {
                reader.violation(&path.field("issuer"), "a payment code has references of ISO only");
            }
            let reference = CreditorReference::parse(&wire.reference);
            let noted = reference.map_err(|fault| reader.violation(&path.field("reference"), fault));
            noted.ok().map(Remittance::Structured)
        }
    }
}

/// The field of the code that a fault is about, unless that is the whole.
pub(super) fn field_of(fault: &PayloadError) -> Option<&'static str> {
    let PayloadError::Line { line, .. } = fault else { return None };
    match line {
        Line::ServiceTag => None,
        Line::Version => Some("version"),
        Line::CharacterSet => Some("character_set"),
        Line::Scheme => Some("instant"),
        Line::Bic => Some("creditor_agent"),
        Line::Name => Some("creditor_name"),
        Line::Iban => Some("creditor_account"),
        Line::Amount => Some("amount"),
        Line::Purpose => Some("purpose"),
        Line::Reference => Some("creditor_reference"),
        Line::Text => Some("unstructured"),
        Line::Information => Some("information"),
    }
}

/// A code as it is told.
pub(super) fn wire_code(code: &PaymentCode) -> v1::PaymentCode {
    let version = match code.version {
        Version::V001 => v1::PaymentCodeVersion::V001,
        Version::V002 => v1::PaymentCodeVersion::V002,
    };
    let remittance = code.remittance.as_ref().map(|remittance| match remittance {
        Remittance::Unstructured(text) => WireRemittance::Unstructured(text.as_str().to_owned()),
        Remittance::Structured(reference) => WireRemittance::CreditorReference(v1::CreditorReference {
            reference: reference.as_str().to_owned(),
            issuer: ISSUER.to_owned(),
        }),
    });
    v1::PaymentCode {
        version: version.into(),
        character_set: wire_set(code.character_set).into(),
        instant: code.scheme == Scheme::InstantCreditTransfer,
        creditor_agent: code.bic.map_or_else(String::new, |bic| bic.to_string()),
        creditor_name: code.name.as_str().to_owned(),
        creditor_account: code.iban.as_str().to_owned(),
        amount: code.amount.map(|amount| money(amount, Currency::EUR)),
        purpose: code.purpose.as_ref().map_or_else(String::new, |purpose| purpose.as_str().to_owned()),
        remittance,
        information: code.information.as_ref().map_or_else(String::new, |text| text.as_str().to_owned()),
    }
}

/// A character set as it is told: the contract has the numbers of the codes.
pub(super) fn wire_set(set: CharacterSet) -> v1::PaymentCodeCharacterSet {
    v1::PaymentCodeCharacterSet::try_from(i32::from(set.number())).expect("the contract has all eight sets")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_has_the_numbers_of_the_codes() {
        for set in CharacterSet::ALL {
            let name = set.name().replace([' ', '-'], "_");
            assert_eq!(wire_set(set).as_str_name(), format!("PAYMENT_CODE_CHARACTER_SET_{name}"));
        }
    }
}
