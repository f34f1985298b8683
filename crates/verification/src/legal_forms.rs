//! Legal forms of organisations: how they are written, and which mean the same.
//!
//! A form is found by the letters of one or more words in a row, so that "GmbH", "G.m.b.H." and "Gesellschaft mit
//! beschränkter Haftung" are one. Forms of one group are of the same nature in different countries: "Ltd" and
//! "S.r.l.". They are not equal, but a translation names the same legal person often enough.
//!
//! Invariant: the table is sorted by what is written.

/// What kind of legal person a form makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// A company whose owners are not liable, with shares that are not traded.
    Limited,
    /// A stock company.
    Stock,
    /// A partnership in which some partners are not liable.
    LimitedPartnership,
    /// A partnership.
    Partnership,
    /// An association or a cooperative.
    Association,
    /// A person who trades.
    SoleTrader,
    /// A form that is like no other, abroad or at home: it is never a translation.
    Alone,
}

/// A legal form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LegalForm {
    /// Its short name; equal forms have equal names.
    name: &'static str,
    group: Group,
}

/// How the forms of two names stand to one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormRelation {
    Same,
    Missing,
    Translated,
    Other,
}

impl LegalForm {
    /// The form that is written with these letters, and whether it may stand before the name.
    pub(crate) fn find(letters: &str) -> Option<(Self, bool)> {
        let row = FORMS.binary_search_by(|row| row.0.cmp(letters)).ok()?;
        let (_, name, group, may_lead) = FORMS[row];
        Some((Self { name, group }, may_lead))
    }

    /// Whether the letters of any form begin with these.
    pub(crate) fn begins_with(letters: &str) -> bool {
        let first = FORMS.partition_point(|row| row.0 < letters);
        FORMS.get(first).is_some_and(|row| row.0.starts_with(letters))
    }

    /// Compares the forms of two names.
    pub(crate) fn relation(left: Option<Self>, right: Option<Self>) -> FormRelation {
        match (left, right) {
            (None, None) => FormRelation::Same,
            (Some(left), Some(right)) if left == right => FormRelation::Same,
            (Some(left), Some(right)) if left.group == right.group && left.group != Group::Alone => {
                FormRelation::Translated
            }
            (Some(_), Some(_)) => FormRelation::Other,
            (Some(_), None) | (None, Some(_)) => FormRelation::Missing,
        }
    }
}

/// The longest form, in letters.
pub(crate) const LETTERS_MAX: usize = 41;

use Group::{Alone, Association, Limited, LimitedPartnership, Partnership, SoleTrader, Stock};

/// What is written, the form's name and group, and whether it may stand before the name ("UAB Baltic").
const FORMS: [(&str, &str, Group, bool); 241] = [
    ("ab", "ab", Limited, true),
    ("aboy", "oy", Limited, false),
    ("abp", "oyj", Stock, false),
    ("abpubl", "publ", Alone, false),
    ("ad", "ad", Stock, false),
    ("ae", "ae", Stock, false),
    ("ag", "ag", Stock, false),
    ("agcokg", "agcokg", Alone, false),
    ("agcokgaa", "kgaa", Alone, false),
    ("aisbl", "asbl", Association, false),
    ("akciesabiedriba", "as", Stock, false),
    ("akciovaspolecnost", "as", Stock, false),
    ("akciovaspolocnost", "as", Stock, false),
    ("aksjeselskap", "as", Stock, false),
    ("aktiebolag", "ab", Limited, false),
    ("aktiengesellschaft", "ag", Stock, false),
    ("aktieselskab", "as", Stock, false),
    ("aktsiaselts", "as", Stock, false),
    ("anonimietaireia", "ae", Stock, false),
    ("anpartsselskab", "aps", Limited, false),
    ("ans", "ans", Partnership, false),
    ("aps", "aps", Limited, false),
    ("as", "as", Stock, true),
    ("asa", "as", Stock, false),
    ("asbl", "asbl", Association, true),
    ("asd", "onlus", Association, false),
    ("beslotenvennootschap", "bv", Limited, false),
    ("betetitarsasag", "bt", LimitedPartnership, false),
    ("bt", "bt", LimitedPartnership, false),
    ("bv", "bv", Limited, false),
    ("bvba", "bv", Limited, false),
    ("bvofbvba", "bv", Limited, false),
    ("bvsrl", "bv", Limited, false),
    ("clg", "ltd", Limited, false),
    ("cokg", "kg", LimitedPartnership, false),
    ("coltd", "ltd", Limited, false),
    ("commanditairevennootschap", "cv", LimitedPartnership, false),
    ("commv", "cv", LimitedPartnership, false),
    ("companylimited", "ltd", Limited, false),
    ("corp", "inc", Stock, false),
    ("cv", "cv", LimitedPartnership, false),
    ("cvba", "coop", Association, false),
    ("cvso", "coop", Association, false),
    ("dac", "ltd", Limited, false),
    ("dd", "dd", Stock, false),
    ("delniskadruzba", "dd", Stock, false),
    ("designatedactivitycompany", "ltd", Limited, false),
    ("dionickodrustvo", "dd", Stock, false),
    ("dittaindividuale", "ditta", SoleTrader, true),
    ("doo", "doo", Limited, false),
    ("dooel", "dooel", Limited, false),
    ("drustvosograniconomodgovornoscu", "doo", Limited, false),
    ("druzbazomejenoodgovornostjo", "doo", Limited, false),
    ("ead", "ad", Stock, false),
    ("ee", "ee", LimitedPartnership, false),
    ("eenmanszaak", "eenmanszaak", SoleTrader, false),
    ("eg", "egen", Alone, false),
    ("egbr", "gbr", Alone, false),
    ("eingetragenegenossenschaft", "egen", Alone, false),
    ("eingetragenekauffrau", "ek", SoleTrader, false),
    ("eingetragenerkaufmann", "ek", SoleTrader, false),
    ("eingetragenerverein", "ev", Association, false),
    ("einzelunternehmen", "eu", SoleTrader, false),
    ("eirl", "ei", SoleTrader, false),
    ("ek", "ek", SoleTrader, false),
    ("ekfm", "ek", SoleTrader, false),
    ("ekfr", "ek", SoleTrader, false),
    ("enk", "enk", SoleTrader, false),
    ("enkeltpersonforetak", "enk", SoleTrader, false),
    ("entrepreneurindividuel", "ei", SoleTrader, false),
    ("eood", "ood", Limited, true),
    ("epe", "epe", Limited, false),
    ("et", "et", SoleTrader, true),
    ("eu", "eu", SoleTrader, false),
    ("eurl", "sarl", Limited, true),
    ("ev", "ev", Association, false),
    ("fie", "fie", SoleTrader, true),
    ("gbr", "gbr", Alone, false),
    ("gesellschaftbuergerlichenrechts", "gbr", Alone, false),
    ("gesellschaftburgerlichenrechts", "gbr", Alone, false),
    ("gesellschaftmbh", "gmbh", Limited, false),
    ("gesellschaftmitbeschraenkterhaftung", "gmbh", Limited, false),
    ("gesellschaftmitbeschrankterhaftung", "gmbh", Limited, false),
    ("gesmbh", "gmbh", Limited, false),
    ("ggmbh", "gmbh", Limited, false),
    ("gmbh", "gmbh", Limited, false),
    ("gmbhcokg", "gmbhcokg", Alone, false),
    ("gmbhcokgaa", "kgaa", Alone, false),
    ("gmbhcokommanditgesellschaft", "gmbhcokg", Alone, false),
    ("gmbhundcokg", "gmbhcokg", Alone, false),
    ("handelsbolag", "hb", Partnership, false),
    ("hb", "hb", Partnership, false),
    ("ik", "ik", SoleTrader, true),
    ("ike", "ike", Alone, false),
    ("inc", "inc", Stock, false),
    ("incorporated", "inc", Stock, false),
    ("interessentskab", "is", Partnership, false),
    ("ivzw", "asbl", Association, false),
    ("jdoo", "doo", Limited, false),
    ("kb", "kb", LimitedPartnership, false),
    ("kd", "kd", LimitedPartnership, false),
    ("kft", "kft", Limited, false),
    ("kg", "kg", LimitedPartnership, false),
    ("kgaa", "kgaa", Alone, false),
    ("kkt", "kkt", Partnership, false),
    ("komanditnispolecnost", "ks", LimitedPartnership, false),
    ("kommandiittiyhtio", "ky", LimitedPartnership, false),
    ("kommanditbolag", "kb", LimitedPartnership, false),
    ("kommanditgesellschaft", "kg", LimitedPartnership, false),
    ("korlatoltfelelossegutarsasag", "kft", Limited, false),
    ("ky", "ky", LimitedPartnership, false),
    ("lda", "lda", Limited, false),
    ("limitada", "lda", Limited, false),
    ("limited", "ltd", Limited, false),
    ("llc", "ltd", Limited, false),
    ("llp", "llp", Alone, false),
    ("lp", "lp", LimitedPartnership, false),
    ("ltd", "ltd", Limited, false),
    ("maatschap", "maatschap", Partnership, false),
    ("mazojibendrija", "mb", Alone, false),
    ("mb", "mb", Alone, true),
    ("mbh", "gmbh", Limited, false),
    ("mbhcokg", "gmbhcokg", Alone, false),
    ("mepe", "epe", Limited, false),
    ("monoprosopiike", "ike", Alone, false),
    ("mtu", "mtu", Association, true),
    ("naamlozevennootschap", "nv", Stock, false),
    ("nv", "nv", Stock, false),
    ("nvsa", "sa", Stock, false),
    ("nyrt", "zrt", Stock, false),
    ("obrt", "obrt", SoleTrader, false),
    ("odv", "onlus", Association, false),
    ("oe", "oe", Partnership, false),
    ("offenegesellschaft", "og", Alone, false),
    ("offenehandelsgesellschaft", "ohg", Partnership, false),
    ("ohg", "ohg", Partnership, false),
    ("onlus", "onlus", Association, false),
    ("ood", "ood", Limited, false),
    ("osakeyhtio", "oy", Limited, false),
    ("osauhing", "ou", Limited, false),
    ("ou", "ou", Limited, true),
    ("oy", "oy", Limited, true),
    ("oyab", "oy", Limited, false),
    ("oyj", "oyj", Stock, false),
    ("oyjabp", "oyj", Stock, false),
    ("oz", "oz", Association, false),
    ("partg", "partg", Alone, false),
    ("partgmbb", "partg", Alone, false),
    ("partnerschaft", "partg", Alone, false),
    ("partnerschaftsgesellschaft", "partg", Alone, false),
    ("pfa", "pfa", SoleTrader, false),
    ("plc", "plc", Stock, false),
    ("pteltd", "ltd", Limited, false),
    ("publiclimitedcompany", "plc", Stock, false),
    ("rt", "zrt", Stock, false),
    ("ry", "ry", Association, false),
    ("sa", "sa", Stock, false),
    ("sabiedribaarierobezotuatbildibu", "sia", Limited, false),
    ("sagl", "sarl", Limited, false),
    ("samostojnipodjetnik", "sp", SoleTrader, false),
    ("sanv", "sa", Stock, false),
    ("sarl", "sarl", Limited, true),
    ("sarll", "sarl", Limited, false),
    ("sas", "sas", Alone, true),
    ("sasu", "sas", Alone, false),
    ("sau", "sa", Stock, false),
    ("sc", "spj", Partnership, false),
    ("sca", "sca", Alone, false),
    ("scarl", "coop", Association, false),
    ("sccl", "sc", Alone, false),
    ("sce", "coop", Association, false),
    ("sci", "sc", Alone, true),
    ("scm", "sc", Alone, true),
    ("scopl", "coop", Association, false),
    ("scp", "sc", Alone, true),
    ("scrl", "coop", Association, false),
    ("scs", "scs", LimitedPartnership, false),
    ("sd", "sd", Partnership, false),
    ("se", "se", Alone, false),
    ("secokg", "agcokg", Alone, false),
    ("secokgaa", "kgaa", Alone, false),
    ("selarl", "sc", Alone, true),
    ("shpk", "shpk", Limited, false),
    ("sia", "sia", Limited, true),
    ("sl", "sl", Limited, false),
    ("sll", "sl", Limited, false),
    ("slu", "sl", Limited, false),
    ("snc", "snc", Partnership, false),
    ("sociedadanonima", "sa", Stock, false),
    ("sociedadeanonima", "sa", Stock, false),
    ("sociedadeunipessoallda", "lda", Limited, false),
    ("sociedadlimitada", "sl", Limited, false),
    ("societaaresponsabilitalimitata", "srl", Limited, false),
    ("societaennomecollettivo", "snc", Partnership, false),
    ("societaperazioni", "spa", Stock, false),
    ("societasemplice", "ss", Alone, false),
    ("societaseuropaea", "se", Alone, false),
    ("societateanonima", "sa", Stock, false),
    ("societatecuraspunderelimitata", "srl", Limited, false),
    ("societeanonyme", "sa", Stock, false),
    ("societearesponsabilitelimitee", "sarl", Limited, false),
    ("societecivileimmobiliere", "sc", Alone, false),
    ("societeennomcollectif", "snc", Partnership, false),
    ("societeparactionssimplifiee", "sas", Alone, false),
    ("spa", "spa", Stock, false),
    ("spj", "spj", Partnership, false),
    ("spk", "ks", LimitedPartnership, false),
    ("spolecnostsrucenimomezenym", "sro", Limited, false),
    ("spolkaakcyjna", "sa", Stock, false),
    ("spolkajawna", "spj", Partnership, false),
    ("spolkakomandytowa", "ks", LimitedPartnership, false),
    ("spolkazograniczonaodpowiedzialnoscia", "spzoo", Limited, false),
    ("spolkazoo", "spzoo", Limited, false),
    ("spolocnostsrucenimobmedzenym", "sro", Limited, false),
    ("spolsro", "sro", Limited, false),
    ("sprl", "bv", Limited, false),
    ("spzoo", "spzoo", Limited, false),
    ("srl", "srl", Limited, true),
    ("srlbv", "bv", Limited, false),
    ("srld", "srl", Limited, false),
    ("srls", "srl", Limited, false),
    ("srlu", "sl", Limited, false),
    ("sro", "sro", Limited, false),
    ("teoranta", "ltd", Limited, false),
    ("tmi", "tmi", SoleTrader, true),
    ("uab", "uab", Limited, true),
    ("ug", "ug", Alone, false),
    ("ugcokg", "ugcokg", Alone, false),
    ("ughaftungsbeschraenkt", "ug", Alone, false),
    ("ughaftungsbeschraenktcokg", "ugcokg", Alone, false),
    ("ughaftungsbeschrankt", "ug", Alone, false),
    ("ughaftungsbeschranktcokg", "ugcokg", Alone, false),
    ("unipessoallda", "lda", Limited, false),
    ("unternehmergesellschaft", "ug", Alone, false),
    ("unternehmergesellschafthaftungsbeschrankt", "ug", Alone, false),
    ("uzdarojiakcinebendrove", "uab", Limited, false),
    ("vennootschaponderfirma", "vof", Partnership, false),
    ("vof", "vof", Partnership, false),
    ("vos", "vos", Partnership, false),
    ("vzw", "asbl", Association, false),
    ("zrt", "zrt", Stock, false),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_its_longest_form_is_known() {
        assert!(FORMS.is_sorted_by(|left, right| left.0 < right.0));
        assert_eq!(FORMS.iter().map(|row| row.0.len()).max(), Some(LETTERS_MAX));
    }

    #[test]
    fn a_form_has_one_group() {
        for (_, name, group, _) in FORMS {
            assert!(FORMS.iter().filter(|row| row.1 == name).all(|row| row.2 == group), "{name}");
        }
    }

    #[test]
    fn forms_are_the_same_translated_or_others() {
        let form = |letters| LegalForm::find(letters).map(|(form, _)| form);
        assert_eq!(LegalForm::relation(form("gesmbh"), form("gmbh")), FormRelation::Same);
        assert_eq!(LegalForm::relation(form("gmbh"), form("srl")), FormRelation::Translated);
        assert_eq!(LegalForm::relation(form("gmbh"), form("gmbhcokg")), FormRelation::Other);
        assert_eq!(LegalForm::relation(form("gmbh"), None), FormRelation::Missing);
        assert_eq!(form("gmbx"), None);
    }
}
