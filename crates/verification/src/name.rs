//! A name as its words: lower case, Latin letters, without marks and punctuation.
//!
//! Reading loses nothing that the rule needs later: what stood before a word, whether a period followed it, and in
//! which script it was written. No text makes it fail; one without a letter or digit has no words.

use unicode_normalization::UnicodeNormalization;

use crate::letters::{Script, latinise};

/// What stood between a word and the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Separator {
    Blank,
    Hyphen,
    Comma,
    Slash,
    Other,
}

/// One word, borrowed from its name.
#[derive(Clone, Copy)]
pub(crate) struct Word<'name> {
    /// The letters, marks dropped.
    pub(crate) plain: &'name str,
    /// The letters by the other custom; the same if there is none.
    pub(crate) spelt: &'name str,
    pub(crate) script: Script,
    pub(crate) before: Separator,
    /// A period followed.
    pub(crate) has_period: bool,
    /// Written like "Anna": neither all capitals nor all small.
    pub(crate) is_capitalised: bool,
    pub(crate) starts_capital: bool,
    /// A letter was not plain ASCII.
    pub(crate) has_marks: bool,
}

impl Word<'_> {
    pub(crate) fn has_digit(&self) -> bool {
        self.plain.bytes().any(|byte| byte.is_ascii_digit())
    }
}

/// A name that has been read. Personal data, so it has no `Debug`.
pub(crate) struct Name {
    letters: String,
    places: Vec<Place>,
}

struct Place {
    plain: (usize, usize),
    spelt: (usize, usize),
    script: Script,
    before: Separator,
    has_period: bool,
    is_capitalised: bool,
    starts_capital: bool,
    has_marks: bool,
}

impl Name {
    pub(crate) fn read(text: &str) -> Self {
        let mut reader = Reader::new(text.len());
        for character in text.nfc() {
            reader.take(character);
        }
        reader.end_word();
        Name { letters: reader.letters, places: reader.places }
    }

    /// Whether there is nothing to compare.
    pub(crate) fn is_empty(&self) -> bool {
        self.words().all(|word| word.plain == crate::words::AND)
    }

    pub(crate) fn words(&self) -> impl Iterator<Item = Word<'_>> {
        self.places.iter().map(|place| Word {
            plain: &self.letters[place.plain.0..place.plain.1],
            spelt: &self.letters[place.spelt.0..place.spelt.1],
            script: place.script,
            before: place.before,
            has_period: place.has_period,
            is_capitalised: place.is_capitalised,
            starts_capital: place.starts_capital,
            has_marks: place.has_marks,
        })
    }
}

/// Collects words character by character.
struct Reader {
    letters: String,
    places: Vec<Place>,
    /// The word under way, lower case.
    word: Vec<char>,
    spelt: String,
    before: Separator,
    capitals: usize,
    first_is_capital: bool,
}

impl Reader {
    fn new(bytes: usize) -> Self {
        Self {
            // Both spellings of most names fit, so there is one allocation.
            letters: String::with_capacity(bytes * 2 + 16),
            places: Vec::with_capacity(8),
            word: Vec::with_capacity(24),
            spelt: String::with_capacity(24),
            before: Separator::Blank,
            capitals: 0,
            first_is_capital: false,
        }
    }

    fn take(&mut self, character: char) {
        match character {
            '.' => {
                if self.end_word()
                    && let Some(last) = self.places.last_mut()
                {
                    last.has_period = true;
                }
            }
            'ª' | 'º' => {
                // "Mª" is an abbreviation like "Ma.".
                if self.end_word()
                    && let Some(last) = self.places.last_mut()
                {
                    last.has_period = true;
                }
            }
            '&' | '+' | '＆' => {
                self.end_word();
                self.word.push('&');
                self.end_word();
            }
            '-' | '‐' | '‑' | '‒' | '–' | '—' => self.separate(Separator::Hyphen),
            ',' => self.separate(Separator::Comma),
            '/' => self.separate(Separator::Slash),
            _ if is_silent(character) => {}
            _ if character.is_alphanumeric() => self.letter(character),
            // A mark that has no composed form stays with its letter.
            _ if unicode_normalization::char::is_combining_mark(character) => {
                if !self.word.is_empty() {
                    self.word.push(character);
                }
            }
            _ if character.is_whitespace() => self.separate(Separator::Blank),
            _ => self.separate(Separator::Other),
        }
    }

    fn letter(&mut self, character: char) {
        let is_capital = character.is_uppercase();
        if self.word.is_empty() {
            self.first_is_capital = is_capital;
        }
        self.capitals += usize::from(is_capital);
        self.word.extend(character.to_lowercase());
    }

    fn separate(&mut self, separator: Separator) {
        self.end_word();
        // The strongest of several counts: ", " is a comma.
        if separator != Separator::Blank {
            self.before = separator;
        }
    }

    /// Ends the word under way, if there is one.
    fn end_word(&mut self) -> bool {
        if self.word.is_empty() {
            return false;
        }
        let start = self.letters.len();
        self.spelt.clear();
        let script = match self.word.as_slice() {
            ['&'] => {
                self.letters.push('&');
                self.spelt.push('&');
                Script::Latin
            }
            word => latinise(word, &mut self.letters, &mut self.spelt),
        };
        let end = self.letters.len();
        let spelt_end = if self.letters[start..] == self.spelt {
            end
        } else {
            self.letters.push_str(&self.spelt);
            self.letters.len()
        };
        if end > start {
            self.places.push(Place {
                plain: (start, end),
                spelt: (if spelt_end == end { start } else { end }, spelt_end),
                script,
                before: self.before,
                has_period: false,
                is_capitalised: self.first_is_capital
                    && self.capitals < self.word.len()
                    && self.word.len() > 1,
                starts_capital: self.first_is_capital,
                has_marks: self.word.iter().any(|letter| !letter.is_ascii()),
            });
        } else {
            self.letters.truncate(start);
        }
        self.word.clear();
        self.before = Separator::Blank;
        self.capitals = 0;
        self.first_is_capital = false;
        end > start
    }
}

/// Characters inside a word that are not written by everyone: apostrophes, the point in "Gal·la", what nobody sees.
fn is_silent(character: char) -> bool {
    matches!(
        character,
        '\'' | '’' | '‘' | '‛' | '`' | '´' | '′' | 'ʹ' | 'ʻ' | 'ʼ' | 'ʾ' | 'ʿ' | '·' | '‧'
            | '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
    )
}
