//! What is wrong with a document that does not follow its schema.

use crate::limits::FAULT_NAME_CHARACTERS_MAX;

/// A document that was not taken: it is answered by admi.002 (or an invalid argument), logged nowhere, and its
/// transaction id stays free.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}{colon}{what} (at byte {offset})", colon = if path.is_empty() { "" } else { ": " })]
pub struct SchemaFault {
    /// The element, as names from the message element's child down, such as `CdtTrfTxInf/PmtId/TxId`.
    pub path: String,
    /// How many bytes into the document the reader had come.
    pub offset: usize,
    /// What is wrong there.
    pub what: Violation,
}

/// How a document breaks XML or its schema. Never repeats content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The bytes are not UTF-8, or declare another encoding.
    #[error("the document is not UTF-8")]
    Encoding,
    /// The text is not XML 1.0, or ends too early.
    #[error("the document is not well-formed XML")]
    NotWellFormed,
    /// A document type definition, a processing instruction, or an entity beyond the five of XML.
    #[error("document types, processing instructions and own entities are not allowed")]
    ForbiddenMarkup,
    /// The root is not the `Document` of the expected message.
    #[error("this is another message, or none of ISO 20022")]
    WrongMessage,
    /// An element that the schema does not have here, or not at this place in the order.
    #[error("the schema has no such element at this place")]
    UnexpectedElement,
    /// An element more often than the schema allows.
    #[error("the element occurs more often than the schema allows")]
    Repeated,
    /// A mandatory element is absent.
    #[error("the element is missing")]
    Missing,
    /// A missing, unknown or malformed attribute.
    #[error("an attribute is missing, unknown or malformed")]
    Attribute,
    /// Text where the schema has elements.
    #[error("there is text where only elements may stand")]
    UnexpectedText,
    /// A value that breaks its type's length, pattern or list.
    #[error("the value does not have the form of its type")]
    Lexical,
    /// A part of the duplicate key breaks a rule, so that no answer could ever be found again.
    #[error("the payer's bank or the transaction id can't serve as a key")]
    Key,
    /// A value that the schema has and the scheme does not, in a message that can't be answered by pacs.002.
    #[error("the value breaks a rule of the scheme")]
    Rule,
    /// A reason that the scheme does not have in this message, or does not have for who gives it.
    #[error("the scheme has no such reason here, or not for who gives it")]
    Reason,
    /// An amount that is no amount of the scheme, or contradicts the others.
    #[error("the amount is not a positive one in euro with at most two decimals, or contradicts the others")]
    Amount,
    /// The number or the sum of the transactions of a file is not the one that it states.
    #[error("the number or the sum of the transactions is not the one that is stated")]
    Totals,
    /// Additional information that the reason requires is missing, too long, or not marked as what it is.
    #[error("the additional information is not what the reason requires, each with its mark in front")]
    Information,
    /// One of [`limits`](crate::limits).
    #[error("the document exceeds a limit on size, number, depth or attributes")]
    Limit,
}

impl Violation {
    /// Every violation.
    pub const ALL: [Self; 17] = [
        Self::Encoding,
        Self::NotWellFormed,
        Self::ForbiddenMarkup,
        Self::WrongMessage,
        Self::UnexpectedElement,
        Self::Repeated,
        Self::Missing,
        Self::Attribute,
        Self::UnexpectedText,
        Self::Lexical,
        Self::Key,
        Self::Rule,
        Self::Reason,
        Self::Amount,
        Self::Totals,
        Self::Information,
        Self::Limit,
    ];

    /// A short name for machines, at most 35 characters: the `RjctgPtyRsn` of admi.002.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Encoding => "ENCODING",
            Self::NotWellFormed => "NOT_WELL_FORMED",
            Self::ForbiddenMarkup => "FORBIDDEN_MARKUP",
            Self::WrongMessage => "WRONG_MESSAGE",
            Self::UnexpectedElement => "UNEXPECTED_ELEMENT",
            Self::Repeated => "REPEATED_ELEMENT",
            Self::Missing => "MISSING_ELEMENT",
            Self::Attribute => "ATTRIBUTE",
            Self::UnexpectedText => "UNEXPECTED_TEXT",
            Self::Lexical => "LEXICAL",
            Self::Key => "KEY",
            Self::Rule => "RULE",
            Self::Reason => "REASON",
            Self::Amount => "AMOUNT",
            Self::Totals => "TOTALS",
            Self::Information => "INFORMATION",
            Self::Limit => "LIMIT",
        }
    }
}

/// The path of an element from the names on the way to it. `Document` and the message element say nothing,
/// so they stand only where there is nothing below them.
pub(crate) fn path_text(names: &[&str]) -> String {
    match names {
        ["Document", _, below @ ..] if !below.is_empty() => below.join("/"),
        _ => names.join("/"),
    }
}

/// A name from a document, cut and cleaned so that it can stand in a fault.
pub(crate) fn printable_name(name: &str) -> String {
    let clean = |character: char| match character.is_ascii_alphanumeric() || "_-.".contains(character) {
        true => character,
        false => '?',
    };
    name.chars().take(FAULT_NAME_CHARACTERS_MAX).map(clean).collect()
}
