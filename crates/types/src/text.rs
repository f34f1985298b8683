//! Bounded texts of ISO 20022 messages.
//!
//! Invariant: a [`Text`] has 1 to `MAX` characters, none of them a control character or one that XML can't
//! carry, and neither starts nor ends with a blank.

use std::fmt;

/// A text of 1 to `MAX` characters, such as a name (140) or a line of an address (70).
///
/// Most texts are personal data, so `{:?}` shows only the length.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text<const MAX: usize>(Box<str>);

/// Why a text can't stand in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// No characters.
    #[error("the text is empty")]
    Empty,
    /// More characters than the element has room for.
    #[error("the text has more than {0} characters")]
    TooLong(usize),
    /// A control character, or one that XML can't carry.
    #[error("the text has a control character")]
    Control,
    /// A blank at the start or end.
    #[error("the text starts or ends with a blank")]
    Blank,
    /// An identifier with a character outside the SEPA Latin set.
    #[error("an identifier has letters, digits, inner blanks and / - ? : ( ) . , ' + only")]
    CharacterSet,
}

/// A text that has been checked and still lies in the message that it came in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TextRef<'message, const MAX: usize>(&'message str);

impl<'message, const MAX: usize> TextRef<'message, MAX> {
    /// Checks a text of a message.
    pub fn parse(text: &'message str) -> Result<Self, TextError> {
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        // Characters are at most four bytes, so most texts are measured without counting.
        if text.len() > MAX && text.chars().count() > MAX {
            return Err(TextError::TooLong(MAX));
        }
        // Most texts are plain ASCII, which is checked many bytes at a time.
        let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let not_text =
            |character: char| character.is_control() || matches!(character, '\u{FFFE}' | '\u{FFFF}');
        if !plain && text.chars().any(not_text) {
            return Err(TextError::Control);
        }
        if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
            return Err(TextError::Blank);
        }
        Ok(Self(text))
    }

    /// Checks an identifier: a text in the SEPA basic Latin set (`a-z A-Z 0-9 / - ? : ( ) . , ' +` and blank).
    pub fn parse_identifier(text: &'message str) -> Result<Self, TextError> {
        match text.bytes().all(|byte| IDENTIFIER[usize::from(byte)]) {
            true => Self::parse(text),
            false => Err(TextError::CharacterSet),
        }
    }

    /// The characters.
    pub const fn as_str(self) -> &'message str {
        self.0
    }

    /// The text in memory of its own.
    pub fn to_text(self) -> Text<MAX> {
        Text(self.0.into())
    }
}

/// Which bytes may stand in an identifier.
const IDENTIFIER: [bool; 256] = {
    let mut allowed = [false; 256];
    let mut letters: &[u8] = b"/-?:().,'+ ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    while let [letter, rest @ ..] = letters {
        // A widening of 8 bits to the size of an address; `From` is not usable in constants.
        #[allow(clippy::as_conversions)]
        let place = *letter as usize;
        allowed[place] = true;
        letters = rest;
    }
    allowed
};

impl<const MAX: usize> Text<MAX> {
    /// Checks a text of a message.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        TextRef::parse(text).map(TextRef::to_text)
    }

    /// Checks an identifier, as [`TextRef::parse_identifier`] does.
    pub fn parse_identifier(text: &str) -> Result<Self, TextError> {
        TextRef::parse_identifier(text).map(TextRef::to_text)
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Shows only the length, as [`Text`] does.
impl<const MAX: usize> fmt::Debug for TextRef<'_, MAX> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TextRef({} characters)", self.0.chars().count())
    }
}

impl<const MAX: usize> fmt::Debug for Text<MAX> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Text({} characters)", self.0.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_measured_in_characters() {
        assert!(Text::<4>::parse("Jürg").is_ok());
        assert_eq!(Text::<4>::parse("Jürgen"), Err(TextError::TooLong(4)));
        assert_eq!(Text::<4>::parse(""), Err(TextError::Empty));
        assert_eq!(Text::<4>::parse(" a"), Err(TextError::Blank));
        assert_eq!(Text::<4>::parse("a\nb"), Err(TextError::Control));
        assert_eq!(Text::<4>::parse("a\u{FFFF}b"), Err(TextError::Control));
    }

    #[test]
    fn identifiers_keep_to_the_sepa_characters() {
        assert!(Text::<35>::parse_identifier("E2E-2026/11 (7)").is_ok());
        assert_eq!(Text::<35>::parse_identifier("É1"), Err(TextError::CharacterSet));
        assert_eq!(Text::<35>::parse_identifier("A "), Err(TextError::Blank));
    }

    #[test]
    fn debug_output_hides_the_text() {
        assert_eq!(format!("{:?}", Text::<70>::parse("Anna Peeters").unwrap()), "Text(12 characters)");
    }
}
