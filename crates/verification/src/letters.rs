//! From the letters of a word to Latin ones: marks, special letters, Cyrillic and Greek.
//!
//! A word has up to two spellings, because there are two customs for most of what Latin lacks: "Müller" is written
//! as "Muller" where marks are dropped and as "Mueller" where they are spelt out. Cyrillic follows the law of
//! Bulgaria on transliteration (2009) and, as the second spelling, the letters of passports (ICAO 9303); a word with
//! one of the letters that only Serbian has follows Serbian. Greek follows ELOT 743 and, as the second spelling, the
//! simpler one that people use. Letters of other scripts stay what they
//! are, and equal only themselves.

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// The script that a word was written in, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    /// Latin, or one that is not transliterated.
    Latin,
    Cyrillic,
    Greek,
}

/// Appends both spellings of a word of lower-case letters in composed form (NFC).
pub(crate) fn latinise(word: &[char], plain: &mut String, spelt: &mut String) -> Script {
    let mut script = Script::Latin;
    let is_serbian = word.iter().any(|letter| "ђјљњћџ".contains(*letter));
    let mut at = 0;
    while let Some(&letter) = word.get(at) {
        let rest = &word[at..];
        at += match letter {
            'a'..='z' | '0'..='9' => {
                plain.push(letter);
                spelt.push(letter);
                1
            }
            '\u{400}'..='\u{45F}' | '\u{490}' | '\u{491}' => {
                script = Script::Cyrillic;
                cyrillic(rest, is_serbian, plain, spelt)
            }
            '\u{370}'..='\u{3FF}' | '\u{1F00}'..='\u{1FFF}' => {
                script = Script::Greek;
                greek(rest, at == 0, plain, spelt)
            }
            _ => {
                special(letter, plain, spelt);
                1
            }
        };
    }
    script
}

/// A letter outside ASCII: spelt out, or decomposed and rid of its marks, or kept.
fn special(letter: char, plain: &mut String, spelt: &mut String) {
    let spellings = match letter {
        'ß' => ("ss", "ss"),
        'ø' => ("o", "oe"),
        'æ' | 'ǽ' => ("ae", "ae"),
        'œ' => ("oe", "oe"),
        'þ' => ("th", "th"),
        'ð' => ("d", "d"),
        'đ' => ("d", "dj"),
        'ħ' => ("h", "h"),
        'ı' => ("i", "i"),
        'ł' => ("l", "l"),
        'ŋ' => ("n", "ng"),
        'ŧ' => ("t", "t"),
        _ => return decomposed(letter, plain, spelt),
    };
    plain.push_str(spellings.0);
    spelt.push_str(spellings.1);
}

fn decomposed(letter: char, plain: &mut String, spelt: &mut String) {
    decompose_compatible(letter, |part| {
        if is_combining_mark(part) && plain.ends_with(|last: char| last.is_ascii_alphanumeric()) {
            match (part, plain.as_bytes().last()) {
                ('\u{308}', Some(b'a' | b'o' | b'u')) => spelt.push('e'),
                ('\u{30A}', Some(b'a')) => spelt.push('a'),
                _ => {}
            }
        } else if part.is_alphanumeric() || is_combining_mark(part) {
            plain.extend(part.to_lowercase());
            spelt.extend(part.to_lowercase());
        }
    });
}

/// One Cyrillic letter, or the ending "ия"; how many letters were read.
fn cyrillic(word: &[char], is_serbian: bool, plain: &mut String, spelt: &mut String) -> usize {
    if *word == ['и', 'я'] {
        plain.push_str("ia");
        spelt.push_str("iia");
        return 2;
    }
    let serbian = match word[0] {
        'ж' => Some("z"),
        'х' => Some("h"),
        'ц' | 'ч' => Some("c"),
        'ш' => Some("s"),
        _ => None,
    };
    let (first, second) =
        serbian.filter(|_| is_serbian).map_or_else(|| cyrillic_letter(word[0]), |one| (one, one));
    plain.push_str(first);
    spelt.push_str(second);
    1
}

/// Both spellings of a letter.
fn cyrillic_letter(letter: char) -> (&'static str, &'static str) {
    match letter {
        'а' => ("a", "a"),
        'б' => ("b", "b"),
        'в' => ("v", "v"),
        'г' | 'ґ' => ("g", "g"),
        'д' => ("d", "d"),
        'е' | 'э' | 'ѐ' => ("e", "e"),
        'ё' => ("e", "e"),
        'ж' => ("zh", "zh"),
        'з' => ("z", "z"),
        'и' | 'і' | 'ѝ' => ("i", "i"),
        'ї' => ("i", "yi"),
        'є' => ("ie", "ie"),
        'й' => ("y", "i"),
        'ј' => ("j", "j"),
        'к' => ("k", "k"),
        'л' => ("l", "l"),
        'м' => ("m", "m"),
        'н' => ("n", "n"),
        'о' => ("o", "o"),
        'п' => ("p", "p"),
        'р' => ("r", "r"),
        'с' => ("s", "s"),
        'т' => ("t", "t"),
        'у' | 'ў' => ("u", "u"),
        'ф' => ("f", "f"),
        'х' => ("h", "kh"),
        'ц' => ("ts", "ts"),
        'ч' => ("ch", "ch"),
        'ш' => ("sh", "sh"),
        'щ' => ("sht", "shch"),
        'ъ' => ("a", "ie"),
        'ы' => ("y", "y"),
        'ь' => ("y", ""),
        'ю' => ("yu", "iu"),
        'я' => ("ya", "ia"),
        'ђ' => ("d", "dj"),
        'ѓ' => ("gj", "g"),
        'ѕ' | 'џ' => ("dz", "dz"),
        'љ' => ("lj", "lj"),
        'њ' => ("nj", "nj"),
        'ћ' => ("c", "c"),
        'ќ' => ("kj", "k"),
        // A mark beside its letter, or a letter of another language: nothing that a name needs.
        _ => ("", ""),
    }
}

/// One Greek letter or pair of letters; how many were read.
fn greek(word: &[char], is_first: bool, plain: &mut String, spelt: &mut String) -> usize {
    let (letter, _) = unaccented(word[0]);
    let next = word.get(1).map(|next| unaccented(*next));
    let pair = match (letter, next) {
        ('ο', Some(('υ', false))) => Some(("ou", "u")),
        ('α' | 'ε' | 'η', Some(('υ', false))) => {
            let unvoiced = word.get(2).is_none_or(|third| "θκξπσςτφχψ".contains(*third));
            match (letter, unvoiced) {
                ('α', true) => Some(("af", "au")),
                ('α', false) => Some(("av", "au")),
                ('ε', true) => Some(("ef", "eu")),
                ('ε', false) => Some(("ev", "eu")),
                (_, true) => Some(("if", "iu")),
                (_, false) => Some(("iv", "iu")),
            }
        }
        ('γ', Some(('γ', _))) => Some(("ng", "gg")),
        ('μ', Some(('π', _))) if is_first => Some(("b", "mp")),
        ('ν', Some(('τ', _))) if is_first => Some(("nt", "d")),
        _ => None,
    };
    let (first, second) = pair.unwrap_or(match letter {
        'α' => ("a", "a"),
        'β' => ("v", "b"),
        // Before ξ and χ it is spoken as n, and written so.
        'γ' => match next {
            Some(('ξ' | 'χ', _)) => ("n", "g"),
            _ => ("g", "g"),
        },
        'δ' => ("d", "d"),
        'ε' => ("e", "e"),
        'ζ' => ("z", "z"),
        'η' | 'ι' => ("i", "i"),
        'θ' => ("th", "th"),
        'κ' => ("k", "k"),
        'λ' => ("l", "l"),
        'μ' => ("m", "m"),
        'ν' => ("n", "n"),
        'ξ' => ("x", "ks"),
        'ο' | 'ω' => ("o", "o"),
        'π' => ("p", "p"),
        'ρ' => ("r", "r"),
        'σ' | 'ς' => ("s", "s"),
        'τ' => ("t", "t"),
        'υ' => ("y", "i"),
        'φ' => ("f", "ph"),
        'χ' => ("ch", "h"),
        'ψ' => ("ps", "ps"),
        _ => ("", ""),
    });
    plain.push_str(first);
    spelt.push_str(second);
    if pair.is_some() { 2 } else { 1 }
}

/// The letter without its marks, and whether one of them says that it stands apart from the letter before.
fn unaccented(letter: char) -> (char, bool) {
    let (mut bare, mut is_apart) = (None, false);
    decompose_compatible(letter, |part| {
        is_apart |= part == '\u{308}';
        bare = bare.or(Some(part));
    });
    (bare.unwrap_or(letter), is_apart)
}

/// How a Latin spelling sounds, roughly: what remains when customs are set aside.
///
/// Cyrillic and Greek are only compared where one of the two words was really written in that script.
pub(crate) fn sound(text: &str, script: Script) -> String {
    let rules: &[(&str, &str)] = match script {
        Script::Latin => &[("ph", "f"), ("th", "t"), ("dt", "t"), ("ck", "k"), ("c", "k"), ("y", "i")],
        Script::Cyrillic => &[
            ("shch", "sc"),
            ("tsch", "c"),
            ("chr", "hr"),
            ("sht", "st"),
            ("sch", "s"),
            ("tch", "c"),
            ("sh", "s"),
            ("zh", "z"),
            ("kh", "h"),
            ("ch", "c"),
            ("ts", "c"),
            ("tz", "c"),
            ("ou", "u"),
            ("ff", "v"),
            ("ph", "f"),
            ("ye", "e"),
            ("je", "e"),
            ("ks", "x"),
            ("dj", "d"),
            ("y", "i"),
            ("j", "i"),
            ("w", "v"),
        ],
        Script::Greek => &[
            ("kh", "h"),
            ("ch", "h"),
            ("ph", "f"),
            ("th", "t"),
            ("ou", "u"),
            ("ks", "x"),
            ("ng", "g"),
            ("nt", "d"),
            ("mp", "b"),
            ("mb", "b"),
            ("gk", "g"),
            ("eu", "eb"),
            ("ef", "eb"),
            ("au", "ab"),
            ("af", "ab"),
            ("ei", "i"),
            ("oi", "i"),
            ("ai", "e"),
            ("y", "i"),
            ("j", "i"),
            ("c", "k"),
            ("w", "o"),
            ("v", "b"),
        ],
    };
    let mut heard = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let rule = rules.iter().find(|(written, _)| rest.starts_with(written));
        let (read, written) = match rule {
            Some((read, written)) => (read.len(), *written),
            None => (letter.len_utf8(), &rest[..letter.len_utf8()]),
        };
        // Doubled letters are a matter of custom too.
        let is_doubled = written.chars().next().is_some_and(|first| heard.ends_with(first));
        heard.extend(written.chars().skip(usize::from(is_doubled)));
        rest = &rest[read..];
    }
    heard
}
