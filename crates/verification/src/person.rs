//! The rule for persons: words in pairs, because nobody says which of them is the family name.

use crate::finding::{Nearness, Step};
use crate::limits::{OMITTED_WORDS_MAX, WORDS_MAX};
use crate::name::Word;
use crate::pairing::{Pairing, has_other_ending, is_abbreviation, is_same, is_slip, is_spelt_otherwise};
use crate::words;

/// How near two persons' names are.
pub(crate) fn compare(given: &[Word<'_>], holder: &[Word<'_>]) -> Nearness {
    if let Some(step) = same_text(given, holder) {
        return Nearness::Match(step);
    }
    if given.len() > WORDS_MAX || holder.len() > WORDS_MAX {
        return Nearness::Apart(Step::Different);
    }
    let mut pairing = Pairing::new(given, holder);
    pairing.pair(is_same);
    let joined = pairing.pair_joined();
    if pairing.is_complete() {
        return Nearness::Match(if joined > 0 { Step::JoinedWords } else { Step::OtherOrder });
    }
    deviations(&mut pairing)
}

/// The same words in the same order, or the same letters with other blanks.
pub(crate) fn same_text(given: &[Word<'_>], holder: &[Word<'_>]) -> Option<Step> {
    if given.len() == holder.len() && given.iter().zip(holder).all(|(left, right)| is_same(left, right)) {
        return Some(Step::SameWords);
    }
    let is_joined = letters_equal(given, holder, false, false)
        || letters_equal(given, holder, true, true)
        || letters_equal(given, holder, false, true)
        || letters_equal(given, holder, true, false);
    is_joined.then_some(Step::JoinedWords)
}

fn letters_equal(given: &[Word<'_>], holder: &[Word<'_>], given_spelt: bool, holder_spelt: bool) -> bool {
    fn letters<'a>(words: &'a [Word<'_>], is_spelt: bool) -> impl Iterator<Item = u8> + 'a {
        words.iter().flat_map(move |word| if is_spelt { word.spelt } else { word.plain }.bytes())
    }
    letters(given, given_spelt).eq(letters(holder, holder_spelt))
}

/// What is not the same: each word has to be explained by one of the deviations that are close.
fn deviations(pairing: &mut Pairing<'_, '_>) -> Nearness {
    let transliterated = pairing.pair_sounding();
    if let Some((left, right)) = pairing.last_two()
        && pairing.whole >= 1
        && transliterated == 0
    {
        // Both stand alone: with a second deviation they are a guess.
        if is_spelt_otherwise(left, right) {
            return Nearness::Close(Step::OtherSpelling);
        }
        if is_slip(left, right) && !has_other_ending(left, right) {
            return Nearness::Close(Step::OneSlip);
        }
    }
    let abbreviated = pairing.pair(is_abbreviation) + pairing.pair_initials();
    let (given, holder) = (&mut pairing.given, &mut pairing.holder);
    let particles = given.leave_out_particles() | holder.leave_out_particles();
    let (given_open, holder_open) = (given.open_count(), holder.open_count());
    if given_open > 0 && holder_open > 0 {
        return Nearness::Apart(Step::Different);
    }
    let is_alone = given_open + holder_open == 0 && !particles && pairing.pairs == pairing.whole;
    if pairing.whole == 0 || (pairing.pairs < 2 && !is_alone) {
        return Nearness::Apart(Step::TooLittle);
    }
    let longer = if given_open > 0 { &mut pairing.given } else { &mut pairing.holder };
    let has_first = longer.has_first();
    let omitted = longer.open_count();
    if omitted > 0 {
        let is_named = longer.open_words().all(|(_, word)| !word.has_digit() && word.plain != words::AND);
        let is_few = usize::try_from(omitted).is_ok_and(|omitted| omitted <= OMITTED_WORDS_MAX);
        if !has_first || !is_named || !is_few {
            return Nearness::Apart(Step::TooLittle);
        }
    }
    Nearness::Close(if abbreviated > 0 {
        Step::Abbreviation
    } else if omitted > 0 {
        Step::OmittedName
    } else if particles {
        Step::OmittedParticle
    } else {
        assert!(transliterated > 0, "a pairing without a deviation is complete");
        Step::OtherTransliteration
    })
}
