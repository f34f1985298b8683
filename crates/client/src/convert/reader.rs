//! Reads the fields of a request and collects every fault.

use std::fmt;

use types::{Amount, AmountError, Balance, Bic, Currency, Date, Iban, Text, TextError, Timestamp};

use crate::convert::timestamp_from_wire;
use crate::limits::{FIELD_VIOLATIONS_MAX, REQUEST_ID_CHARACTERS_MAX};
use crate::v1;

/// Where a field stands in its request. Lives on the stack and becomes text only when there is a fault.
#[derive(Clone, Copy)]
pub struct Path<'parent> {
    parent: Option<&'parent Path<'parent>>,
    name: &'static str,
    index: Option<usize>,
}

impl Path<'static> {
    /// A field of the request itself.
    pub const fn root(name: &'static str) -> Self {
        Self { parent: None, name, index: None }
    }
}

impl<'parent> Path<'parent> {
    /// A field of the message at this path.
    pub const fn field<'path>(&'path self, name: &'static str) -> Path<'path> {
        Path { parent: Some(self), name, index: None }
    }

    /// An element of the repeated field at this path.
    pub const fn element(self, index: usize) -> Path<'parent> {
        Path { index: Some(index), ..self }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(formatter, "{parent}.")?;
        }
        formatter.write_str(self.name)?;
        match self.index {
            Some(index) => write!(formatter, "[{index}]"),
            None => Ok(()),
        }
    }
}

/// Reads fields into values of `types`.
///
/// Each method returns `None` for a field that is absent or faulty; a fault, and the absence of a mandatory
/// field, is noted. So a caller reads all fields first and looks at [`FieldReader::finish`] before it uses any.
#[derive(Debug, Default)]
pub struct FieldReader {
    violations: Vec<v1::FieldViolation>,
}

impl FieldReader {
    /// A reader that has found nothing yet.
    pub const fn new() -> Self {
        Self { violations: Vec::new() }
    }

    /// The value, if everything that was read is as it must be; otherwise every fault.
    pub fn finish<Value>(self, value: Option<Value>) -> Result<Value, Vec<v1::FieldViolation>> {
        match value {
            Some(value) if self.violations.is_empty() => Ok(value),
            _ => {
                assert!(!self.violations.is_empty(), "a value is missing only where a fault was noted");
                Err(self.violations)
            }
        }
    }

    /// Notes a fault. The description must not quote the field.
    pub fn violation(&mut self, path: &Path<'_>, description: impl fmt::Display) {
        if self.violations.len() < FIELD_VIOLATIONS_MAX {
            let description = description.to_string();
            self.violations.push(v1::FieldViolation { field: path.to_string(), description });
        }
    }

    /// Notes that a mandatory field is absent.
    pub fn missing(&mut self, path: &Path<'_>) {
        self.violation(path, "this field is mandatory");
    }

    /// A mandatory sub-message.
    pub fn message<'wire, Message>(
        &mut self,
        path: &Path<'_>,
        message: Option<&'wire Message>,
    ) -> Option<&'wire Message> {
        if message.is_none() {
            self.missing(path);
        }
        message
    }

    /// A mandatory text.
    pub fn text<const MAX: usize>(&mut self, path: &Path<'_>, text: &str) -> Option<Text<MAX>> {
        self.mandatory(path, text, Text::parse)
    }

    /// An optional text.
    pub fn optional_text<const MAX: usize>(&mut self, path: &Path<'_>, text: &str) -> Option<Text<MAX>> {
        self.optional(path, text, Text::parse)
    }

    /// A mandatory identifier.
    pub fn identifier<const MAX: usize>(&mut self, path: &Path<'_>, text: &str) -> Option<Text<MAX>> {
        self.mandatory(path, text, Text::parse_identifier)
    }

    /// An optional identifier.
    pub fn optional_identifier<const MAX: usize>(
        &mut self,
        path: &Path<'_>,
        text: &str,
    ) -> Option<Text<MAX>> {
        self.optional(path, text, Text::parse_identifier)
    }

    /// A mandatory request id: 1 to 64 printable ASCII characters other than blanks.
    pub fn request_id<'wire>(&mut self, path: &Path<'_>, text: &'wire str) -> Option<&'wire str> {
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() {
            self.missing(path);
        } else if !printable || text.len() > REQUEST_ID_CHARACTERS_MAX {
            self.violation(path, "a request id has 1 to 64 printable ASCII characters and no blanks");
        } else {
            return Some(text);
        }
        None
    }

    /// A mandatory BIC.
    pub fn bic(&mut self, path: &Path<'_>, text: &str) -> Option<Bic> {
        self.mandatory(path, text, Bic::parse)
    }

    /// An optional BIC.
    pub fn optional_bic(&mut self, path: &Path<'_>, text: &str) -> Option<Bic> {
        self.optional(path, text, Bic::parse)
    }

    /// A mandatory IBAN.
    pub fn iban(&mut self, path: &Path<'_>, text: &str) -> Option<Iban> {
        self.mandatory(path, text, Iban::parse)
    }

    /// A mandatory currency code.
    pub fn currency(&mut self, path: &Path<'_>, code: &str) -> Option<Currency> {
        self.mandatory(path, code, Currency::parse)
    }

    /// A mandatory amount with its currency.
    pub fn money(&mut self, path: &Path<'_>, money: Option<&v1::Money>) -> Option<(Amount, Currency)> {
        let money = self.message(path, money)?;
        let currency = self.currency(&path.field("currency_code"), &money.currency_code);
        let amount_path = path.field("amount");
        let Some(currency) = currency else {
            // How many decimals there may be can't be said without a currency; everything else can.
            let check = |text: &str| match Amount::parse(text, Currency::EUR) {
                Err(AmountError::Decimals { .. }) => Ok(()),
                other => other.map(|_| ()),
            };
            self.mandatory(&amount_path, &money.amount, check);
            return None;
        };
        let amount = self.mandatory(&amount_path, &money.amount, |text| Amount::parse(text, currency))?;
        Some((amount, currency))
    }

    /// An optional decimal that may be negative or zero, such as a floor.
    pub fn optional_balance(&mut self, path: &Path<'_>, text: &str, currency: Currency) -> Option<Balance> {
        self.optional(path, text, |text| Balance::parse(text, currency))
    }

    /// An optional date, `YYYY-MM-DD`.
    pub fn optional_date(&mut self, path: &Path<'_>, text: &str) -> Option<Date> {
        self.optional(path, text, Date::parse)
    }

    /// An optional instant.
    pub fn optional_timestamp(
        &mut self,
        path: &Path<'_>,
        wire: Option<&prost_types::Timestamp>,
    ) -> Option<Timestamp> {
        let instant = timestamp_from_wire(wire?);
        if instant.is_none() {
            self.violation(path, "a time lies between the years 1970 and 2262, with 0 to 999999999 nanos");
        }
        instant
    }

    /// An instant.
    pub fn timestamp(&mut self, path: &Path<'_>, wire: Option<&prost_types::Timestamp>) -> Option<Timestamp> {
        if wire.is_none() {
            self.missing(path);
        }
        self.optional_timestamp(path, wire)
    }

    /// A text that follows a pattern of its own, with the pattern in words.
    pub fn pattern<const MAX: usize>(
        &mut self,
        path: &Path<'_>,
        text: Option<Text<MAX>>,
        fits: impl FnOnce(&str) -> bool,
        words: &'static str,
    ) -> Option<Text<MAX>> {
        let text = text?;
        if !fits(text.as_str()) {
            self.violation(path, words);
            return None;
        }
        Some(text)
    }

    fn mandatory<'wire, Value, Fault: fmt::Display>(
        &mut self,
        path: &Path<'_>,
        text: &'wire str,
        parse: impl FnOnce(&'wire str) -> Result<Value, Fault>,
    ) -> Option<Value> {
        if text.is_empty() {
            self.missing(path);
            return None;
        }
        self.optional(path, text, parse)
    }

    fn optional<'wire, Value, Fault: fmt::Display>(
        &mut self,
        path: &Path<'_>,
        text: &'wire str,
        parse: impl FnOnce(&'wire str) -> Result<Value, Fault>,
    ) -> Option<Value> {
        if text.is_empty() {
            return None;
        }
        parse(text).map_err(|fault| self.violation(path, fault)).ok()
    }

    /// A code of an ISO list: an identifier with a limit that is shorter than its type's.
    pub(super) fn code<const MAX: usize>(
        &mut self,
        path: &Path<'_>,
        text: &str,
        characters_max: usize,
    ) -> Option<Text<MAX>> {
        self.mandatory(path, text, |text| match text.len() > characters_max {
            true => Err(TextError::TooLong(characters_max)),
            false => Text::parse_identifier(text),
        })
    }
}
