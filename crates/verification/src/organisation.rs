//! The rule for organisations: the same words in the same order, and the same legal form.
//!
//! A further word makes another organisation ("Amazon" and "Amazon Refund Services"), so none may be missing.

use crate::candidate::Candidate;
use crate::finding::{Nearness, Step};
use crate::legal_forms::{FormRelation, LegalForm};
use crate::limits::{SLIP_LETTERS_ALONE_MIN, WORDS_MAX};
use crate::name::Word;
use crate::pairing::{Pairing, is_same, is_slip, sounds_same};
use crate::person::same_text;
use crate::words;

/// How near two names are of which one is an organisation's.
pub(crate) fn compare(given: &Candidate<'_>, holder: &Candidate<'_>) -> Nearness {
    let form = LegalForm::relation(given.form, holder.form);
    let [given, holder] = [given, holder].map(|name| name.words.as_slice());
    if let Some(step) = same_name(given, holder) {
        return match form {
            FormRelation::Same => Nearness::Match(step),
            FormRelation::Missing => Nearness::Close(Step::LegalFormMissing),
            FormRelation::Translated => Nearness::Close(Step::LegalFormTranslated),
            FormRelation::Other => Nearness::Apart(Step::LegalFormDiffers),
        };
    }
    match (form, deviation(given, holder)) {
        (FormRelation::Same, Some(step)) => Nearness::Close(step),
        // Two deviations are a guess.
        (FormRelation::Missing | FormRelation::Translated | FormRelation::Other, _) | (_, None) => {
            Nearness::Apart(Step::Different)
        }
    }
}

/// The same words. "&" may be missing, or be written in any language.
fn same_name(given: &[Word<'_>], holder: &[Word<'_>]) -> Option<Step> {
    let is_and = |word: &Word<'_>| word.plain == words::AND;
    let is_same_or_and = |left: &Word<'_>, right: &Word<'_>| {
        let has_and = is_and(left) || is_and(right);
        is_same(left, right)
            || (has_and && words::joins_persons(left.plain) && words::joins_persons(right.plain))
    };
    if given.len() == holder.len()
        && given.iter().zip(holder).all(|(left, right)| is_same_or_and(left, right))
    {
        return Some(Step::SameWords);
    }
    let [given, holder] =
        [given, holder].map(|name| name.iter().filter(|word| !is_and(word)).copied().collect::<Vec<_>>());
    let is_something = !given.is_empty() && !holder.is_empty();
    same_text(&given, &holder).filter(|_| is_something)
}

/// The one deviation between two names with as many words.
fn deviation(given: &[Word<'_>], holder: &[Word<'_>]) -> Option<Step> {
    if given.len() != holder.len() || given.len() > WORDS_MAX {
        return None;
    }
    let others: Vec<_> = given.iter().zip(holder).filter(|(left, right)| !is_same(left, right)).collect();
    let is_alone = given.len() == 1;
    let is_long = |word: &Word<'_>| !is_alone || word.plain.len() >= SLIP_LETTERS_ALONE_MIN;
    if let [(left, right)] = others.as_slice()
        && is_slip(left, right)
        && is_long(left)
        && is_long(right)
    {
        return Some(Step::OneSlip);
    }
    if others.iter().all(|(left, right)| sounds_same(left, right)) {
        return Some(Step::OtherTransliteration);
    }
    if others.len() < given.len() && others.iter().all(|(left, right)| is_trade_abbreviation(left, right)) {
        return Some(Step::Abbreviation);
    }
    let mut pairing = Pairing::new(given, holder);
    pairing.pair(is_same);
    pairing.is_complete().then_some(Step::OrganisationOrder)
}

/// "Stadtw." for "Stadtwerke": an initial says too little here.
fn is_trade_abbreviation(left: &Word<'_>, right: &Word<'_>) -> bool {
    let is_longer = |word: &Word<'_>| word.has_period && word.plain.len() >= 3;
    let starts = |short: &Word<'_>, long: &Word<'_>| {
        is_longer(short) && long.plain.len() > short.plain.len() && long.plain.starts_with(short.plain)
    };
    starts(left, right) || starts(right, left)
}
