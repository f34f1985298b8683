//! What a verification finds, and the step of the published rule that decided it.
//!
//! A finding carries no text: the name to be shown is named by its place among the holders.

/// What is told to whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The name or code is the holder's.
    Match,
    /// The name is nearly that of this holder, which is to be shown. Codes are never close.
    CloseMatch {
        /// The place of the holder among those that were given.
        holder: usize,
    },
    /// It is not the holder's. Nothing is shown.
    NoMatch,
    /// There is nothing to compare with.
    NotPossible,
}

impl Outcome {
    /// The scheme's code (VOP inter-PSP API, `partyNameMatch` and `partyIdMatch`).
    pub const fn code(self) -> &'static str {
        match self {
            Self::Match => "MTCH",
            Self::CloseMatch { .. } => "CMTC",
            Self::NoMatch => "NMTC",
            Self::NotPossible => "NOAP",
        }
    }
}

/// The step that decided, as `docs/verification.md` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Match: the same characters.
    Identical,
    /// Match: the same words in the same order.
    SameWords,
    /// Match: the same letters; only blanks and hyphens stand elsewhere.
    JoinedWords,
    /// Match: the same words of a person, in another order.
    OtherOrder,
    /// Match: each of several persons is a holder.
    EachPerson,
    /// Close match: given names as initials or abbreviated.
    Abbreviation,
    /// Close match: a further given name, or one half of a double name, is missing.
    OmittedName,
    /// Close match: a particle such as "von" is missing or another.
    OmittedParticle,
    /// Close match: one letter of a longer word is missing, too many, another, or swapped with its neighbour.
    OneSlip,
    /// Close match: one word is spoken alike and commonly written in two ways.
    OtherSpelling,
    /// Close match: Cyrillic or Greek letters, written in Latin ones by another custom.
    OtherTransliteration,
    /// Close match: the same organisation's name without its legal form.
    LegalFormMissing,
    /// Close match: the legal form by its name in another country.
    LegalFormTranslated,
    /// Close match: the words of an organisation in another order.
    OrganisationOrder,
    /// No match: the same name with another legal form, so another legal person.
    LegalFormDiffers,
    /// No match: too few whole words agree to name somebody.
    TooLittle,
    /// No match: a word belongs to somebody else.
    Different,
    /// No match: the given name has no letter or digit.
    NothingGiven,
    /// Not possible: the account has no name, or none with a letter or digit.
    NoName,
    /// Match: the same code.
    SameCode,
    /// No match: another code of the same kind.
    OtherCode,
    /// No match: the given code is none, because its form or its check digits are wrong.
    NotACode,
    /// Not possible: the account has no code.
    NoCode,
    /// Not possible: the account has a code of another kind.
    OtherKindOfCode,
}

impl Step {
    /// All steps.
    pub const ALL: [Self; 24] = [
        Self::Identical,
        Self::SameWords,
        Self::JoinedWords,
        Self::OtherOrder,
        Self::EachPerson,
        Self::Abbreviation,
        Self::OmittedName,
        Self::OmittedParticle,
        Self::OneSlip,
        Self::OtherSpelling,
        Self::OtherTransliteration,
        Self::LegalFormMissing,
        Self::LegalFormTranslated,
        Self::OrganisationOrder,
        Self::LegalFormDiffers,
        Self::TooLittle,
        Self::Different,
        Self::NothingGiven,
        Self::NoName,
        Self::SameCode,
        Self::OtherCode,
        Self::NotACode,
        Self::NoCode,
        Self::OtherKindOfCode,
    ];

    /// The step's name in `docs/verification.md`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::SameWords => "same-words",
            Self::JoinedWords => "joined-words",
            Self::OtherOrder => "other-order",
            Self::EachPerson => "each-person",
            Self::Abbreviation => "abbreviation",
            Self::OmittedName => "omitted-name",
            Self::OmittedParticle => "omitted-particle",
            Self::OneSlip => "one-slip",
            Self::OtherSpelling => "other-spelling",
            Self::OtherTransliteration => "other-transliteration",
            Self::LegalFormMissing => "legal-form-missing",
            Self::LegalFormTranslated => "legal-form-translated",
            Self::OrganisationOrder => "organisation-order",
            Self::LegalFormDiffers => "legal-form-differs",
            Self::TooLittle => "too-little",
            Self::Different => "different",
            Self::NothingGiven => "nothing-given",
            Self::NoName => "no-name",
            Self::SameCode => "same-code",
            Self::OtherCode => "other-code",
            Self::NotACode => "not-a-code",
            Self::NoCode => "no-code",
            Self::OtherKindOfCode => "other-kind-of-code",
        }
    }
}

/// What was found, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is told.
    pub outcome: Outcome,
    /// The step that decided.
    pub step: Step,
}

/// How near two names are, before it is known which holder is meant.
///
/// The order is that of preference: of several holders, the nearest is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nearness {
    Match(Step),
    Close(Step),
    Apart(Step),
}

impl Nearness {
    pub(crate) const fn rank(self) -> u8 {
        match self {
            Self::Match(_) => 0,
            Self::Close(_) => 1,
            Self::Apart(_) => 2,
        }
    }

    /// The nearer of two; the first of equals.
    pub(crate) const fn or_nearer(self, other: Self) -> Self {
        if other.rank() < self.rank() { other } else { self }
    }

    pub(crate) const fn finding(self, holder: usize) -> Finding {
        match self {
            Self::Match(step) => Finding { outcome: Outcome::Match, step },
            Self::Close(step) => Finding { outcome: Outcome::CloseMatch { holder }, step },
            Self::Apart(step) => Finding { outcome: Outcome::NoMatch, step },
        }
    }
}
