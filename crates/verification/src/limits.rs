//! The limits of a comparison. A name has at most 140 characters by its type.

/// The most holders of one account that are looked at; the contract allows four.
pub const HOLDERS_MAX: usize = 8;

/// The most words of a name that are put in pairs. A name with more is compared as a whole only.
pub const WORDS_MAX: usize = 32;

/// The most persons in one text such as "Anna und Jürg Müller".
pub const JOINT_PERSONS_MAX: usize = 4;

/// The shortest word in which a slip of one letter is forgiven, in letters.
pub const SLIP_LETTERS_MIN: usize = 5;

/// The shortest word that may be written in another way, in letters: "Carl" and "Karl".
pub const SPELLING_LETTERS_MIN: usize = 4;

/// The shortest word with a slip where the word is all that an organisation's name has.
pub const SLIP_LETTERS_ALONE_MIN: usize = 6;

/// The longest abbreviation of a given name, in letters: "Chr." and "Wilh.", not more.
pub const ABBREVIATION_LETTERS_MAX: usize = 4;

/// The most words that one name of a person may have more than the other.
pub const OMITTED_WORDS_MAX: usize = 3;

const _: () = assert!(SLIP_LETTERS_MIN <= SLIP_LETTERS_ALONE_MIN);
const _: () = assert!(OMITTED_WORDS_MAX < WORDS_MAX);
