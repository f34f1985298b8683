//! What is shown of personal data, and how the rest is masked.
//!
//! Masked is everything that a customer could have written or can be recognised by: names, account numbers,
//! addresses, identifications, aliases, references of the customer's own and remittance. References among
//! banks, codes and dates of the transport are shown: they are how an operator finds things.

use types::{Iban, Text};

use crate::inspect::fields::Value;

/// Whether personal data is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Personal {
    /// Account numbers in part, of texts only their length.
    Masked,
    /// As it stands in the log: somebody asked for it.
    Shown,
}

impl Personal {
    /// An account number.
    pub(crate) fn iban(self, iban: &Iban) -> Value {
        match self {
            Self::Masked => Value::Text(iban.masked()),
            Self::Shown => iban.as_str().into(),
        }
    }

    /// A text.
    pub(crate) fn text<const MAX: usize>(self, text: &Text<MAX>) -> Value {
        match self {
            Self::Masked => Value::Masked(text.as_str().chars().count()),
            Self::Shown => text.as_str().into(),
        }
    }
}
