//! Page tokens: where a page ended, bound to the question that it answered.
//!
//! A token is the place and 8 bytes under the log's key over the place and the question, in hexadecimal digits. So it
//! says nothing, goes with no other question (of which the log's life is a part), and is good for as long as that lasts.

use history::Place;
use types::DigestKey;

const CHECK_LENGTH: usize = 8;

/// The token of a place, for a question.
pub(super) fn make(key: &DigestKey, question: &[u8], place: Place) -> String {
    let place = place.to_bytes();
    let check = check(key, question, place);
    place.iter().chain(&check).map(|byte| format!("{byte:02x}")).collect()
}

/// The place in a token, if it was given out for this question.
pub(super) fn read(key: &DigestKey, question: &[u8], token: &str) -> Option<Place> {
    if token.len() != 2 * (Place::LENGTH + CHECK_LENGTH) || !token.is_ascii() {
        return None;
    }
    let digit = |at: usize| u8::from_str_radix(token.get(2 * at..2 * at + 2)?, 16).ok();
    let mut bytes = [0; Place::LENGTH + CHECK_LENGTH];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = digit(at)?;
    }
    let (place, given) = bytes.split_first_chunk()?;
    (given == check(key, question, *place)).then(|| Place::from_bytes(*place))
}

fn check(key: &DigestKey, question: &[u8], place: [u8; Place::LENGTH]) -> [u8; CHECK_LENGTH] {
    let digest = key.body(&[b"page", question, &place]);
    *digest.0.first_chunk().expect("a digest has 16 bytes")
}

#[cfg(test)]
mod tests {
    use types::Sequence;

    use super::*;

    #[test]
    fn a_token_goes_with_its_question_only() {
        let key = DigestKey::new([7; 16]);
        let place = Place { at: Sequence(1 << 40), turn: 3 };
        let token = make(&key, b"these payments", place);
        assert_eq!(read(&key, b"these payments", &token), Some(place));
        assert_eq!(read(&key, b"those payments", &token), None);
        assert_eq!(read(&DigestKey::new([8; 16]), b"these payments", &token), None);
        for wrong in ["", "00", "+1", &token[1..], &format!("{token}0"), &token.replacen('0', "1", 1)] {
            assert_eq!(read(&key, b"these payments", wrong), None, "{wrong}");
        }
        assert_eq!(read(&key, b"these payments", &"é".repeat(18)), None);
    }
}
