//! Words in pairs: which words of two names belong together, and how.

use crate::letters::{Script, sound};
use crate::limits::{ABBREVIATION_LETTERS_MAX, SLIP_LETTERS_MIN, SPELLING_LETTERS_MIN, WORDS_MAX};
use crate::name::Word;
use crate::words;

/// The words of two names that have no partner yet.
pub(crate) struct Pairing<'words, 'name> {
    pub(crate) given: Side<'words, 'name>,
    pub(crate) holder: Side<'words, 'name>,
    /// Pairs of whole words that are nobody's initials or particles.
    pub(crate) whole: u32,
    /// Pairs of words that are no particles: whole words and initials.
    pub(crate) pairs: u32,
}

/// One of the two names.
pub(crate) struct Side<'words, 'name> {
    words: &'words [Word<'name>],
    /// A bit for each word without a partner.
    open: u32,
}

impl<'words, 'name> Side<'words, 'name> {
    fn new(words: &'words [Word<'name>]) -> Self {
        assert!(words.len() <= WORDS_MAX, "longer names are not put in pairs");
        let open = (0..words.len()).fold(0, |open, at| open | 1 << at);
        Self { words, open }
    }

    fn is_open(&self, at: usize) -> bool {
        self.open & 1 << at != 0
    }

    fn close(&mut self, at: usize) {
        assert!(self.is_open(at), "a word has one partner");
        self.open &= !(1 << at);
    }

    /// The words without a partner, and their places.
    pub(crate) fn open_words(&self) -> impl Iterator<Item = (usize, &'words Word<'name>)> {
        let open = self.open;
        self.words.iter().enumerate().filter(move |(at, _)| open & 1 << at != 0)
    }

    /// How many words have no partner.
    pub(crate) fn open_count(&self) -> u32 {
        self.open.count_ones()
    }

    /// Whether the first word has a partner or was left out. An initial without one does not count.
    pub(crate) fn has_first(&self) -> bool {
        let mut counted = self.words.iter().enumerate();
        let first = counted.find(|(at, word)| !self.is_open(*at) || !is_initial(word));
        first.is_some_and(|(at, _)| !self.is_open(at))
    }

    /// Leaves out the particles without a partner; whether there were any. A particle stands before something, so
    /// the last word is none: "Graf" in "Anna Graf".
    pub(crate) fn leave_out_particles(&mut self) -> bool {
        let before = self.open;
        for at in 0..self.words.len().saturating_sub(1) {
            let word = &self.words[at];
            let is_address = at == 0 && self.words.len() > 2 && words::is_doubtful_title(word.plain);
            if self.is_open(at) && (words::is_particle(word.plain) || is_address) {
                self.close(at);
            }
        }
        self.open != before
    }
}

impl<'words, 'name> Pairing<'words, 'name> {
    pub(crate) fn new(given: &'words [Word<'name>], holder: &'words [Word<'name>]) -> Self {
        Self { given: Side::new(given), holder: Side::new(holder), whole: 0, pairs: 0 }
    }

    /// Makes pairs of the words that stand in this relation, in their order; how many.
    pub(crate) fn pair(&mut self, is_related: fn(&Word<'_>, &Word<'_>) -> bool) -> u32 {
        self.pair_places(|given, holder, at, other| is_related(&given[at], &holder[other]))
    }

    /// Makes pairs of words that sound the same, where one of them was written in Cyrillic or Greek.
    pub(crate) fn pair_sounding(&mut self) -> u32 {
        let mut scripts = self.given.words.iter().chain(self.holder.words).map(|word| word.script);
        let Some(script) = scripts.find(|script| *script != Script::Latin) else { return 0 };
        // Each word is heard once, however many it is compared with.
        let [given_sounds, holder_sounds] = [&self.given, &self.holder]
            .map(|side| side.words.iter().map(|word| Sounds::of(word, script)).collect::<Vec<_>>());
        self.pair_places(|_, _, at, other| given_sounds[at].is_same(&holder_sounds[other]))
    }

    fn pair_places(
        &mut self,
        is_related: impl Fn(&[Word<'name>], &[Word<'name>], usize, usize) -> bool,
    ) -> u32 {
        let mut made = 0;
        for at in 0..self.given.words.len() {
            if !self.given.is_open(at) {
                continue;
            }
            let (given, holder) = (self.given.words, self.holder.words);
            let partner = self.holder.open_words().find(|(other, _)| is_related(given, holder, at, *other));
            if let Some((other, _)) = partner {
                let word = &given[at];
                self.given.close(at);
                self.holder.close(other);
                let both = [word, &self.holder.words[other]];
                self.pairs += u32::from(!both.into_iter().any(is_joining));
                self.whole += u32::from(!both.into_iter().any(is_slight));
                made += 1;
            }
        }
        made
    }

    /// One word of one name that is several words in a row of the other: "Hanspeter", "Hans-Peter". How many such.
    pub(crate) fn pair_joined(&mut self) -> u32 {
        let joined = join(&mut self.given, &mut self.holder) + join(&mut self.holder, &mut self.given);
        self.pairs += joined;
        self.whole += joined;
        joined
    }

    /// "JP" for "Jean Pierre": the only word left of one name has the initials of all that is left of the other.
    pub(crate) fn pair_initials(&mut self) -> u32 {
        let paired =
            initials(&mut self.given, &mut self.holder) || initials(&mut self.holder, &mut self.given);
        self.pairs += u32::from(paired);
        u32::from(paired)
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.given.open == 0 && self.holder.open == 0
    }

    /// The only word left of each name.
    pub(crate) fn last_two(&self) -> Option<(&'words Word<'name>, &'words Word<'name>)> {
        if self.given.open_count() != 1 || self.holder.open_count() != 1 {
            return None;
        }
        Some((self.given.open_words().next()?.1, self.holder.open_words().next()?.1))
    }
}

fn join(one: &mut Side<'_, '_>, many: &mut Side<'_, '_>) -> u32 {
    let mut joined = 0;
    for at in 0..one.words.len() {
        let word = &one.words[at];
        if !one.is_open(at) || word.plain.len() < 4 {
            continue;
        }
        let rows = (0..many.words.len()).flat_map(|start| [2, 3].map(|length| start..start + length));
        let found = rows.into_iter().find(|row| {
            row.end <= many.words.len()
                && row.clone().all(|place| many.is_open(place))
                && (word.plain.bytes().eq(many.words[row.clone()].iter().flat_map(|part| part.plain.bytes()))
                    || word
                        .spelt
                        .bytes()
                        .eq(many.words[row.clone()].iter().flat_map(|part| part.spelt.bytes())))
        });
        if let Some(row) = found {
            one.close(at);
            row.for_each(|place| many.close(place));
            joined += 1;
        }
    }
    joined
}

fn initials(one: &mut Side<'_, '_>, many: &mut Side<'_, '_>) -> bool {
    let count = many.open_words().count();
    if one.open_count() != 1 || !(2..=3).contains(&count) {
        return false;
    }
    let Some((at, word)) = one.open_words().next() else { return false };
    let is_run = !word.is_capitalised && !word.has_digit() && word.plain.is_ascii();
    if !is_run || !word.plain.bytes().eq(many.open_words().map(|(_, part)| part.plain.as_bytes()[0])) {
        return false;
    }
    one.close(at);
    many.open = 0;
    true
}

/// Initials, particles and conjunctions say too little to name somebody.
pub(crate) fn is_slight(word: &Word<'_>) -> bool {
    is_initial(word) || is_joining(word)
}

fn is_joining(word: &Word<'_>) -> bool {
    words::is_particle(word.plain) || word.plain == words::AND
}

/// A single letter.
pub(crate) fn is_initial(word: &Word<'_>) -> bool {
    word.plain.chars().nth(1).is_none() && !word.has_digit() && word.plain != words::AND
}

/// The same word by one of its spellings.
pub(crate) fn is_same(left: &Word<'_>, right: &Word<'_>) -> bool {
    left.plain == right.plain
        || left.spelt == right.spelt
        || left.plain == right.spelt
        || left.spelt == right.plain
}

/// The same Cyrillic or Greek word, written in Latin letters by another custom.
pub(crate) fn sounds_same(left: &Word<'_>, right: &Word<'_>) -> bool {
    let script = if left.script == Script::Latin { right.script } else { left.script };
    script != Script::Latin && Sounds::of(left, script).is_same(&Sounds::of(right, script))
}

/// How both spellings of a word sound in a script.
struct Sounds {
    heard: [String; 2],
    was_written_so: bool,
}

impl Sounds {
    fn of(word: &Word<'_>, script: Script) -> Self {
        // Of a word of two letters too little remains.
        let spellings = if word.plain.len() < 3 { [""; 2] } else { [word.plain, word.spelt] };
        Self { heard: spellings.map(|text| sound(text, script)), was_written_so: word.script == script }
    }

    fn is_same(&self, other: &Self) -> bool {
        let is_heard = self.heard.iter().any(|sound| !sound.is_empty() && other.heard.contains(sound));
        is_heard && (self.was_written_so || other.was_written_so)
    }
}

/// An initial or an abbreviation with its period, and the word that it stands for.
pub(crate) fn is_abbreviation(left: &Word<'_>, right: &Word<'_>) -> bool {
    let stands_for = |short: &Word<'_>, long: &Word<'_>| {
        let is_short =
            is_initial(short) || (short.has_period && short.plain.len() <= ABBREVIATION_LETTERS_MAX);
        is_short
            && !short.has_digit()
            && long.plain.len() > short.plain.len()
            && [long.plain, long.spelt].iter().any(|text| text.starts_with(short.plain))
    };
    stands_for(left, right) || stands_for(right, left)
}

/// A word in which one letter is missing, too many, another, or swapped with its neighbour.
pub(crate) fn is_slip(left: &Word<'_>, right: &Word<'_>) -> bool {
    [(left.plain, right.plain), (left.spelt, right.spelt)].into_iter().any(|(left, right)| {
        let is_long = left.len().min(right.len()) >= SLIP_LETTERS_MIN;
        is_long && left.is_ascii() && right.is_ascii() && has_one_edit(left.as_bytes(), right.as_bytes())
    }) && !left.has_digit()
        && !right.has_digit()
}

/// A word that is spoken alike and commonly written in two ways: "Christoph" and "Christof", "Karl" and "Carl".
pub(crate) fn is_spelt_otherwise(left: &Word<'_>, right: &Word<'_>) -> bool {
    let is_long = left.plain.len().min(right.plain.len()) >= SPELLING_LETTERS_MIN;
    is_long && sound(left.plain, Script::Latin) == sound(right.plain, Script::Latin)
}

/// Whether a word's ending makes it another person's: "Mario" and "Maria", "Paul" and "Paula", "Ivanov" and "Ivanova".
pub(crate) fn has_other_ending(left: &Word<'_>, right: &Word<'_>) -> bool {
    let (short, long) = if left.plain.len() <= right.plain.len() { (left, right) } else { (right, left) };
    let (short, long) = (short.plain.as_bytes(), long.plain.as_bytes());
    let is_vowel = |letter: u8| b"aeiouy".contains(&letter);
    let (Some((short_last, short_stem)), Some((long_last, long_stem))) =
        (short.split_last(), long.split_last())
    else {
        return false;
    };
    if short.len() == long.len() {
        let before = short.len().saturating_sub(2);
        // "Christian" and "Christina".
        let is_feminine = (*short_last == b'a') != (*long_last == b'a') && short[..before] == long[..before];
        return is_feminine || (short_stem == long_stem && (is_vowel(*short_last) || is_vowel(*long_last)));
    }
    let is_after_vowel = is_vowel(*short_last) && matches!(long_last, b'n' | b's');
    long_stem == short && (is_vowel(*long_last) || is_after_vowel)
}

/// Exactly one edit, and not of the first letter: another first letter is another word.
fn has_one_edit(left: &[u8], right: &[u8]) -> bool {
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    let same = short.iter().zip(long).take_while(|(one, other)| one == other).count();
    if same == 0 || same == long.len() {
        return false;
    }
    if long.len() - short.len() == 1 {
        return short[same..] == long[same + 1..];
    }
    if long.len() != short.len() {
        return false;
    }
    let is_substitution = short[same + 1..] == long[same + 1..];
    let is_swap = same + 1 < short.len()
        && short[same] == long[same + 1]
        && short[same + 1] == long[same]
        && short[same + 2..] == long[same + 2..];
    is_substitution || is_swap
}
