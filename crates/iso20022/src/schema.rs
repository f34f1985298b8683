//! How the schema of a message is written down here: groups of elements in order, and forms of values.
//!
//! The tables state what ISO 20022 allows, all of it. What the scheme leaves out of that is the readers'
//! business: an element that a reader does not ask for is left out.

use crate::date_time::{is_date, is_date_time, is_time};

/// An element at its place in a group.
pub(crate) struct Element {
    /// The local name.
    pub(crate) name: &'static str,
    pub(crate) content: Content,
    pub(crate) least: u16,
    pub(crate) most: u16,
}

/// What an element has inside.
pub(crate) enum Content {
    /// Other elements.
    Group(&'static Group),
    /// A value.
    Value(Form),
    /// One element that other schemas define, of this namespace or of any: only limits and well-formedness are
    /// checked.
    Anything(Option<&'static str>),
}

/// The elements inside another.
pub(crate) struct Group {
    /// Exactly one of the elements (as often as it may occur), instead of each in turn.
    pub(crate) choice: bool,
    pub(crate) elements: &'static [Element],
}

/// The form of a value.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    /// 1 to this many characters.
    Text(usize),
    /// Any text, also none.
    AnyText,
    /// One of these codes.
    Code(&'static [&'static str]),
    /// `[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?`.
    Bic,
    /// `[A-Z]{2}[0-9]{2}[a-zA-Z0-9]{1,30}`.
    Iban,
    /// `[A-Z0-9]{18}[0-9]{2}`.
    Lei,
    /// `[A-Z]{2}`.
    Country,
    /// `[A-Z]{3}`.
    Currency,
    /// A UUID of version 4 in lower case.
    Uuid,
    /// `[0-9]{1,15}`.
    Number,
    /// A decimal with at most this many digits, and this many of them behind the point.
    Decimal { digits: usize, fraction: usize },
    /// An amount of at most 18 digits, 5 behind the point, not negative, with its currency as attribute.
    Amount,
    /// An amount whose currency is that of its account, so that it has no attribute.
    PlainAmount,
    /// `\+[0-9]{1,3}-[0-9()+\-]{1,30}`.
    Phone,
    /// `[a-zA-Z0-9]{4}`.
    Alphanumeric4,
    /// `[a-zA-Z0-9]{1,4}`.
    Alphanumeric1To4,
    /// `[0-9]{2}`.
    Numeric2,
    /// `[0-9]{1,3}`.
    Numeric1To3,
    /// `[BEOVW][0-9]{2}|DUM`.
    EntryType,
    /// A calendar day.
    Date,
    /// A time of day.
    Time,
    /// A day and a time.
    DateTime,
    /// `true`, `false`, `1` or `0`.
    Boolean,
}

/// An element that occurs exactly once.
pub(crate) const fn one(name: &'static str, content: Content) -> Element {
    Element { name, content, least: 1, most: 1 }
}

/// An element that may be absent.
pub(crate) const fn optional(name: &'static str, content: Content) -> Element {
    Element { name, content, least: 0, most: 1 }
}

/// An element that may occur up to this many times.
pub(crate) const fn repeated(name: &'static str, content: Content, most: u16) -> Element {
    Element { name, content, least: 0, most }
}

/// An element that occurs at least once; the document's size is the only limit.
pub(crate) const fn several(name: &'static str, content: Content) -> Element {
    Element { name, content, least: 1, most: UNBOUNDED }
}

/// No limit but the document's size, which is far below this.
pub(crate) const UNBOUNDED: u16 = u16::MAX;

/// Other elements.
pub(crate) const fn group(group: &'static Group) -> Content {
    Content::Group(group)
}

/// A value of this form.
pub(crate) const fn value(form: Form) -> Content {
    Content::Value(form)
}

/// One of these codes.
pub(crate) const fn code(codes: &'static [&'static str]) -> Content {
    Content::Value(Form::Code(codes))
}

/// A text of at most this many characters.
pub(crate) const fn text(characters_max: usize) -> Content {
    Content::Value(Form::Text(characters_max))
}

impl Form {
    /// Whether blanks around the value belong to it. They do not for numbers and times (`xs:whiteSpace`).
    pub(crate) fn keeps_blanks(self) -> bool {
        match self {
            Self::Decimal { .. }
            | Self::Amount
            | Self::PlainAmount
            | Self::Date
            | Self::Time
            | Self::DateTime
            | Self::Boolean => false,
            Self::Text(_)
            | Self::AnyText
            | Self::Phone
            | Self::Alphanumeric4
            | Self::Alphanumeric1To4
            | Self::Numeric2
            | Self::Numeric1To3
            | Self::EntryType
            | Self::Code(_)
            | Self::Bic
            | Self::Iban
            | Self::Lei
            | Self::Country
            | Self::Currency
            | Self::Uuid
            | Self::Number => true,
        }
    }

    /// Whether a value has this form.
    pub(crate) fn accepts(self, value: &str) -> bool {
        let bytes = value.as_bytes();
        match self {
            Self::Text(characters_max) => is_text(value, characters_max),
            Self::AnyText => true,
            Self::Phone => is_phone(bytes),
            Self::Alphanumeric4 => bytes.len() == 4 && all(bytes, u8::is_ascii_alphanumeric),
            Self::Alphanumeric1To4 => (1..=4).contains(&bytes.len()) && all(bytes, u8::is_ascii_alphanumeric),
            Self::Numeric2 => bytes.len() == 2 && is_digits(bytes),
            Self::Numeric1To3 => (1..=3).contains(&bytes.len()) && is_digits(bytes),
            Self::EntryType => is_entry_type(bytes),
            Self::Code(codes) => codes.contains(&value),
            Self::Bic => types::Bic::parse(value).is_ok(),
            Self::Iban => is_iban(bytes),
            Self::Lei => {
                bytes.len() == 20 && all(&bytes[..18], is_capital_or_digit) && is_digits(&bytes[18..])
            }
            Self::Country => bytes.len() == 2 && all(bytes, u8::is_ascii_uppercase),
            Self::Currency => bytes.len() == 3 && all(bytes, u8::is_ascii_uppercase),
            Self::Uuid => is_uuid(bytes),
            Self::Number => (1..=15).contains(&bytes.len()) && is_digits(bytes),
            Self::Decimal { digits, fraction } => is_decimal(value, digits, fraction),
            Self::Amount | Self::PlainAmount => !value.starts_with('-') && is_decimal(value, 18, 5),
            Self::Date => is_date(value),
            Self::Time => is_time(value),
            Self::DateTime => is_date_time(value),
            Self::Boolean => matches!(value, "true" | "false" | "1" | "0"),
        }
    }
}

fn is_text(value: &str, characters_max: usize) -> bool {
    // A character has at least one byte, so most texts are measured without counting.
    !value.is_empty() && (value.len() <= characters_max || value.chars().count() <= characters_max)
}

fn all(bytes: &[u8], test: fn(&u8) -> bool) -> bool {
    bytes.iter().all(test)
}

fn is_digits(bytes: &[u8]) -> bool {
    all(bytes, u8::is_ascii_digit)
}

fn is_capital_or_digit(byte: &u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn is_iban(bytes: &[u8]) -> bool {
    (5..=34).contains(&bytes.len())
        && all(&bytes[..2], u8::is_ascii_uppercase)
        && is_digits(&bytes[2..4])
        && all(&bytes[4..], u8::is_ascii_alphanumeric)
}

fn is_phone(bytes: &[u8]) -> bool {
    let Some((b'+', rest)) = bytes.split_first() else { return false };
    let Some(dash) = rest.iter().position(|byte| *byte == b'-') else { return false };
    let (country, number) = (&rest[..dash], &rest[dash + 1..]);
    (1..=3).contains(&country.len())
        && is_digits(country)
        && (1..=30).contains(&number.len())
        && all(number, |byte| byte.is_ascii_digit() || b"()+-".contains(byte))
}

fn is_entry_type(bytes: &[u8]) -> bool {
    match bytes {
        b"DUM" => true,
        [first, number @ ..] => b"BEOVW".contains(first) && number.len() == 2 && is_digits(number),
        [] => false,
    }
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            14 => *byte == b'4',
            19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// `xs:decimal`: an optional sign, digits, an optional point; zeros at either end do not count as digits.
fn is_decimal(value: &str, digits_max: usize, fraction_max: usize) -> bool {
    let unsigned = value.strip_prefix(['+', '-']).unwrap_or(value);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    if whole.len() + fraction.len() == 0 || !is_digits(whole.as_bytes()) || !is_digits(fraction.as_bytes()) {
        return false;
    }
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    fraction.len() <= fraction_max && whole.len() + fraction.len() <= digits_max
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(form: Form, accepted: &[&str], refused: &[&str]) {
        for value in accepted {
            assert!(form.accepts(value), "{value} is of the form");
        }
        for value in refused {
            assert!(!form.accepts(value), "{value} is not of the form");
        }
    }

    #[test]
    fn forms_accept_what_the_schema_accepts() {
        check(Form::Text(4), &["a", "Jürg", "    "], &["", "Jürge"]);
        check(Form::Code(&["SLEV", "SHAR"]), &["SHAR"], &["", "slev", "SLEV "]);
        check(Form::Bic, &["SLVOBEBB", "SLVOBEBBXXX"], &["SLVOBEB", "slvobebb", " SLVOBEBB"]);
        check(Form::Iban, &["BE68539007547034", "FR14abc"], &["BE68", "BEX8539", "be68539007547034"]);
        check(Form::Lei, &["9845SOLVOTESTACKER55"], &["9845SOLVOTESTACKER5X", "9845SOLVOTESTACKER5"]);
        check(Form::Country, &["BE"], &["be", "BEL", ""]);
        check(Form::Currency, &["EUR"], &["EU", "eur"]);
        check(
            Form::Uuid,
            &["128551e7-3799-41b3-b82b-f87a59e8345f"],
            &["128551E7-3799-41b3-b82b-f87a59e8345f", "128551e7-3799-11b3-b82b-f87a59e8345f", "128551e7"],
        );
        check(Form::Number, &["1", "000000000000001"], &["", "1.0", "-1", "0000000000000001"]);
        check(Form::Boolean, &["true", "0"], &["TRUE", ""]);
        check(Form::AnyText, &["", "x"], &[]);
        check(
            Form::Phone,
            &["+32-2(55)", "+352-1", "+1--"],
            &["32-2", "+32", "+3234-1", "+32-", "+32-x", "+-1"],
        );
        check(Form::Alphanumeric4, &["aB3d"], &["aB3", "aB3-", "aB3de"]);
        check(Form::Numeric2, &["01"], &["1", "1a", "001"]);
        check(Form::Alphanumeric1To4, &["a", "ACK1"], &["", "ACK-", "ACK12"]);
        check(Form::Numeric1To3, &["0", "103"], &["", "1a", "1030"]);
        check(Form::EntryType, &["DUM", "B01"], &["", "B", "A01", "B011", "DUMM"]);
        check(Form::PlainAmount, &["0", "1.5"], &["", "-1", "1.123456"]);
        check(
            Form::Time,
            &["10:00:00", "10:00:00.5+01:00", "24:00:00Z"],
            &["10:00", "T10:00:00", "25:00:00"],
        );
    }

    #[test]
    fn amounts_count_digits_by_value() {
        check(
            Form::Amount,
            &["0", "1.", ".5", "+1.5", "1.2345000", "000000000000000000001", "999999999999999999"],
            &["", ".", "-1", "1e3", "1.123456", "1000000000000000000", "1,5", "+-1", "1.2.3"],
        );
    }
}
