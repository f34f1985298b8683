//! What of a name is compared: the words without titles and legal form, a person's in the order in which they are
//! spoken.

use crate::legal_forms::{self, LegalForm};
use crate::letters::Script;
use crate::limits::{JOINT_PERSONS_MAX, WORDS_MAX};
use crate::name::{Name, Separator, Word};
use crate::words;

/// One way to understand a name.
pub(crate) struct Candidate<'name> {
    pub(crate) words: Vec<Word<'name>>,
    pub(crate) form: Option<LegalForm>,
    pub(crate) is_organisation: bool,
}

impl<'name> Candidate<'name> {
    /// The usual understanding.
    pub(crate) fn usual(name: &'name Name) -> Self {
        Self::of(name.words().collect())
    }

    /// Nothing that could be a word of the name is taken for a form or a title. `None` if that changes nothing.
    pub(crate) fn literal(name: &'name Name, usual: &Self) -> Option<Self> {
        let mut words: Vec<_> = name.words().collect();
        drop_care_of(&mut words);
        drop_titles(&mut words, false);
        in_common_forms(&mut words);
        surname_last(&mut words);
        let is_new = words.len() != usual.words.len();
        is_new.then_some(Self { words, form: None, is_organisation: usual.is_organisation })
    }

    /// The names on both sides of "Inhaberin" or "trading as", if there are two.
    pub(crate) fn trade_and_owner(name: &'name Name) -> Option<[Self; 2]> {
        let words: Vec<_> = name.words().collect();
        let at = words.iter().position(|word| words::introduces_owner(word.plain))?;
        let (trade, owner) = (&words[..at], &words[at + 1..]);
        let both = !trade.is_empty() && !owner.is_empty();
        both.then(|| [Self::of(trade.to_vec()), Self::of(owner.to_vec())])
    }

    fn of(mut words: Vec<Word<'name>>) -> Self {
        drop_care_of(&mut words);
        words.retain(|word| !words::introduces_owner(word.plain));
        let form = if words.len() <= WORDS_MAX { take_form(&mut words) } else { None };
        let is_organisation = form.is_some() || is_organisation(&words);
        if is_organisation {
            drop_opening(&mut words);
            in_common_forms(&mut words);
        } else {
            drop_titles(&mut words, true);
            in_common_forms(&mut words);
            list_with_and(&mut words);
            surname_last(&mut words);
        }
        Self { words, form, is_organisation }
    }

    /// The persons of "Anna und Jürg Müller". Who has no family name of their own has the last one's.
    pub(crate) fn persons(&self) -> Option<Vec<Self>> {
        if self.is_organisation {
            return None;
        }
        let mut parts: Vec<Vec<Word<'name>>> = self.words.split(joins_persons).map(<[_]>::to_vec).collect();
        if !(2..=JOINT_PERSONS_MAX).contains(&parts.len()) {
            return None;
        }
        parts.iter_mut().for_each(|part| drop_titles(part, true));
        let last = parts.last().filter(|last| last.len() >= 2)?;
        let given_names = 1 + last[1..].iter().take_while(|word| word.before == Separator::Hyphen).count();
        let family: Vec<_> = last.get(given_names..).filter(|family| !family.is_empty())?.to_vec();
        for part in &mut parts {
            // One given name, or one with hyphens.
            if part.is_empty() {
                return None;
            }
            if part[1..].iter().all(|word| word.before == Separator::Hyphen) {
                part.extend(&family);
            }
        }
        let person = |words| Self { words, form: None, is_organisation: false };
        Some(parts.into_iter().map(person).collect())
    }
}

fn is_organisation(words: &[Word<'_>]) -> bool {
    words.iter().any(|word| words::is_business(word.plain) || word.has_digit())
}

/// What follows "c/o" is where letters go to, and what follows "geb." was a name once.
fn drop_care_of(words: &mut Vec<Word<'_>>) {
    if let Some(at) = words.iter().position(|word| words::introduces_birth_name(word.plain))
        && at > 1
    {
        words.truncate(at);
    }
    let is_care_of = |pair: &[Word<'_>]| {
        pair[0].plain == "c" && pair[1].plain == "o" && pair[1].before == Separator::Slash
    };
    if let Some(at) = words.windows(2).position(is_care_of)
        && at > 0
    {
        words.truncate(at);
    }
}

/// "Firma" and "The" before an organisation.
fn drop_opening(words: &mut Vec<Word<'_>>) {
    if words.len() > 1 && matches!(words[0].plain, "firma" | "fa" | "the") {
        words.remove(0);
    }
}

fn in_common_forms(words: &mut [Word<'_>]) {
    for word in words {
        if let Some(form) = words::common_form(word.plain) {
            (word.plain, word.spelt) = (form, form);
        }
    }
}

/// Removes titles at the start, behind a comma, and at the end, as long as a word remains.
///
/// With `with_doubtful`, also an "M." that may be an initial.
fn drop_titles(words: &mut Vec<Word<'_>>, with_doubtful: bool) {
    drop_titles_at(words, 0, with_doubtful);
    if let Some(comma) = words.iter().skip(1).position(|word| word.before == Separator::Comma) {
        let at = comma + 1;
        drop_titles_at(words, at, with_doubtful);
        // What now stands there still stands behind the comma.
        if let Some(word) = words.get_mut(at) {
            word.before = Separator::Comma;
        }
    }
    while words.len() > 1 && words.last().is_some_and(|word| words::is_degree(word.plain)) {
        words.pop();
    }
    // A degree in pieces: "Ph.D.", "M. Sc.".
    if let [_, .., first, second] = words.as_slice()
        && matches!((first.plain, second.plain), ("ph", "d") | ("b" | "c" | "d" | "m", "sc") | ("ll", "m"))
        && first.has_period
    {
        words.truncate(words.len() - 2);
    }
}

fn drop_titles_at(words: &mut Vec<Word<'_>>, at: usize, with_doubtful: bool) {
    let is_title = |place: usize, titles: usize| {
        words.get(place).is_some_and(|word| {
            let follows = words.len() - place - 1;
            words::is_title(word.plain)
                || (word.has_period && words::is_title_with_period(word.plain))
                || (word.has_period && titles > 0 && words::continues_title(word.plain))
                || (titles > 0 && matches!(word.plain, "ra" | "na"))
                || (with_doubtful && follows > 1 && words::is_leading_title(word.plain))
        })
    };
    let mut titles = 0;
    while let Some(word) = words.get(at + titles) {
        // "M. ou Mme Michel Dupont".
        let joins = joins_persons(word) || words::common_form(word.plain) == Some(words::AND);
        let joins_titles = titles > 0 && joins && is_title(at + titles + 1, titles);
        if !joins_titles && !is_title(at + titles, titles) {
            break;
        }
        titles += 1;
    }
    if titles < words.len() {
        words.drain(at..at + titles);
    }
}

fn joins_persons(word: &Word<'_>) -> bool {
    words::joins_persons(word.plain) && (!word.has_period || (word.plain == "u" && !word.starts_capital))
}

/// "Anna, Jürg und Max Müller" and "Anna / Max Müller": commas and strokes between persons become "&". But "Müller, Anna
/// und Jürg" has two persons: the family name tells, which stands at the end or before the comma.
fn list_with_and(words: &mut Vec<Word<'_>>) {
    let is_between = |word: &Word<'_>| joins_persons(word) || word.before == Separator::Slash;
    let Some(last) = (1..words.len()).rev().find(|at| is_between(&words[*at])) else { return };
    let remaining = words.len() - last - usize::from(joins_persons(&words[last]));
    if remaining < 2 {
        return;
    }
    for at in (1..=last).rev() {
        let is_listed = matches!(words[at].before, Separator::Comma | Separator::Slash);
        if is_listed && !joins_persons(&words[at]) && !joins_persons(&words[at - 1]) {
            let (plain, spelt, before) = (words::AND, words::AND, Separator::Blank);
            let word = Word { plain, spelt, before, has_period: false, ..words[at] };
            words[at].before = Separator::Blank;
            words.insert(at, word);
        }
    }
}

/// "Müller, Jürg" is spoken "Jürg Müller". More commas than one say nothing.
fn surname_last(words: &mut [Word<'_>]) {
    let mut commas = words.iter().enumerate().skip(1).filter(|(_, word)| word.before == Separator::Comma);
    let (Some((at, word)), None) = (commas.next(), commas.next()) else { return };
    let is_generation = matches!(word.plain, "jr" | "sr" | "ii" | "iii" | "iv");
    if !is_generation {
        words.rotate_left(at);
    }
}

/// Finds the legal form and removes it: at the end, else at the start, else within.
fn take_form(words: &mut Vec<Word<'_>>) -> Option<LegalForm> {
    let count = words.len();
    let mut letters = String::with_capacity(legal_forms::LETTERS_MAX);
    let mut found = None;
    // Most words begin no form, so most are looked at once.
    let starts: Vec<_> = (0..count).filter(|start| LegalForm::begins_with(words[*start].plain)).collect();
    'places: for is_wanted in [at_end, at_start, within] {
        for &start in &starts {
            // The longest first: "GmbH & Co. KG", not "KG".
            for end in (start + 1..=count.min(start + FORM_WORDS_MAX)).rev() {
                if end - start == count || !is_wanted(start, end, count) {
                    continue;
                }
                if let Some(form) = form_of(&words[start..end], start == 0, end == count, &mut letters) {
                    found = Some((start..end, form));
                    break 'places;
                }
            }
        }
    }
    let (range, form) = found?;
    // "&" alone before the form is no name.
    if words.iter().enumerate().all(|(at, word)| range.contains(&at) || word.plain == words::AND) {
        return None;
    }
    words.drain(range);
    // Finland has two languages: "Oy Karhu Ab".
    if words.len() > 1 && matches!(words[0].plain, "oy" | "ab") {
        let finnish = LegalForm::find(words.remove(0).plain);
        return finnish.map(|(form, _)| form);
    }
    Some(form)
}

/// The most words in which a form is written: "gmb H & Co. KG", "G.m.b.H. & Co. KG".
const FORM_WORDS_MAX: usize = 8;

fn at_end(_: usize, end: usize, count: usize) -> bool {
    end == count
}

fn at_start(start: usize, end: usize, count: usize) -> bool {
    start == 0 && end < count
}

fn within(start: usize, end: usize, count: usize) -> bool {
    start > 0 && end < count
}

fn form_of(words: &[Word<'_>], is_first: bool, is_last: bool, letters: &mut String) -> Option<LegalForm> {
    letters.clear();
    for (at, word) in words.iter().enumerate() {
        if at > 0 && matches!(word.plain, "&" | "und" | "and" | "et") {
            continue;
        }
        if letters.len() + word.plain.len() > legal_forms::LETTERS_MAX {
            return None;
        }
        letters.push_str(word.plain);
    }
    let (form, may_lead) = LegalForm::find(letters)?;
    let is_short = letters.len() == 2;
    let is_possible = match (is_first, is_last) {
        (true, _) => may_lead && (words.len() == 1 || !is_short),
        (false, true) => true,
        (false, false) => !is_short,
    };
    let is_written_so = !is_short || is_short_form(words, letters);
    (is_possible && is_written_so).then_some(form)
}

/// Two letters are a form if they are written like one: "SA" and "S.A.", but not the names "Sa" and "Sá".
fn is_short_form(words: &[Word<'_>], letters: &str) -> bool {
    let [word] = words else {
        return words.iter().any(|word| word.has_period || word.before == Separator::Slash);
    };
    let has_foreign_marks = word.has_marks && word.script == Script::Latin && letters != "ou";
    matches!(letters, "ag" | "kg" | "oy" | "ab" | "ky" | "ry") || (!word.is_capitalised && !has_foreign_marks)
}
