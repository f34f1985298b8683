//! Legal Entity Identifiers (ISO 17442): 18 letters or digits and two check digits, by ISO 7064 modulo 97-10.

/// A valid identifier.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lei([u8; 20]);

impl Lei {
    /// Whether a text without blanks has the form of an LEI.
    pub(crate) fn has_form(text: &[u8]) -> bool {
        let Ok(text) = <&[u8; 20]>::try_from(text) else { return false };
        text[..18].iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
            && text[18..].iter().all(u8::is_ascii_digit)
    }

    /// Reads a text in capitals without blanks.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        let characters = <[u8; 20]>::try_from(text).ok().filter(|_| Self::has_form(text))?;
        let remainder = characters.iter().fold(0, |remainder, byte| match byte {
            b'0'..=b'9' => (remainder * 10 + u32::from(byte - b'0')) % 97,
            _ => (remainder * 100 + u32::from(byte - b'A') + 10) % 97,
        });
        // 00, 01 and 99 also leave the right remainder, but are never given.
        let digits = &characters[18..];
        (remainder == 1 && !matches!(digits, b"00" | b"01" | b"99")).then_some(Self(characters))
    }
}
