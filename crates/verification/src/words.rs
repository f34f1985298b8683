//! The words that are more than a part of somebody's own name: titles, particles, conjunctions, trades.
//!
//! Invariant: each list is sorted, in the first spelling of `letters`, lower case.

/// Whether a word is a title wherever it stands before a name or behind it.
pub(crate) fn is_title(word: &str) -> bool {
    holds(&TITLES, word)
}

/// Whether a word is a title where it stands first, and more than one word follows.
pub(crate) fn is_leading_title(word: &str) -> bool {
    holds(&LEADING_TITLES, word)
}

/// Whether a word with a period is a title.
pub(crate) fn is_title_with_period(word: &str) -> bool {
    holds(&TITLES_WITH_PERIOD, word)
}

/// Whether a word behind a name is a degree.
pub(crate) fn is_degree(word: &str) -> bool {
    holds(&DEGREES, word)
}

/// Whether a word before a name is a title for some and a name for others ("Don", "Pan").
pub(crate) fn is_doubtful_title(word: &str) -> bool {
    holds(&DOUBTFUL_TITLES, word)
}

/// Whether a name before marriage follows.
pub(crate) fn introduces_birth_name(word: &str) -> bool {
    holds(&BIRTH_NAMES, word)
}

/// Whether a word with a period goes on a title that stands before it ("Dr. rer. nat.").
pub(crate) fn continues_title(word: &str) -> bool {
    holds(&TITLE_PARTS, word)
}

/// Whether a word joins names and is none ("von", "de la").
pub(crate) fn is_particle(word: &str) -> bool {
    holds(&PARTICLES, word)
}

/// Whether a word joins persons: "und", "&", and what is also an initial or a name elsewhere ("e", "ja").
pub(crate) fn joins_persons(word: &str) -> bool {
    holds(&JOINTS, word)
}

/// Whether a word says that the name is an organisation's.
pub(crate) fn is_business(word: &str) -> bool {
    holds(&BUSINESS, word)
}

/// Whether the owner's name follows the name of the trade.
pub(crate) fn introduces_owner(word: &str) -> bool {
    holds(&OWNERS, word)
}

/// The one form of a word that is commonly written in several.
pub(crate) fn common_form(word: &str) -> Option<&'static str> {
    COMMON_FORMS.binary_search_by(|(written, _)| (*written).cmp(word)).ok().map(|row| COMMON_FORMS[row].1)
}

/// The word that "und" and its like become.
pub(crate) const AND: &str = "&";

fn holds(list: &[&str], word: &str) -> bool {
    list.binary_search(&word).is_ok()
}

/// Academic degrees and forms of address.
#[rustfmt::skip]
const TITLES: [&str; 74] = [
    "avv", "bakk", "bsc", "csc", "dhr", "dipl", "dkfm", "doktor", "dott", "dottore", "dottoressa", "dottssa",
    "dr", "dra", "drs", "eheleute", "frau", "fru", "geom", "gospodin", "gospozha", "hab", "harra", "herr",
    "herra", "herrn", "hr", "inz", "judr", "kundze", "kungs", "kyria", "kyrios", "llm", "madame",
    "mademoiselle", "mag", "mba", "mdr", "mevr", "mevrouw", "mgr", "miss", "mlle", "mme", "monsieur", "mr",
    "mrs", "ms", "msc", "mudr", "mvdr", "mw", "paeddr", "phd", "phdr", "ponas", "ponia", "prof", "professor",
    "proua", "rndr", "rouva", "senor", "senora", "senorita", "sig", "signor", "signora", "signore", "sigra",
    "sra", "srta", "ssa",
];

/// "M. Michel Dupont", "Sr. Juan Pérez".
const LEADING_TITLES: [&str; 6] = ["bc", "ing", "m", "mag", "mm", "sr"];

/// Abbreviations that are words otherwise.
const TITLES_WITH_PERIOD: [&str; 3] = ["arch", "ir", "rag"];

/// Degrees that stand behind a name.
const DEGREES: [&str; 9] = ["bsc", "csc", "dr", "drsc", "llm", "mba", "msc", "phd", "prof"];

/// "Anna Müller geb. Schmidt".
const BIRTH_NAMES: [&str; 4] = ["geb", "geboren", "geborene", "nee"];

/// Titles that are names too.
const DOUBTFUL_TITLES: [&str; 5] = ["don", "dona", "heer", "pan", "pani"];

/// What stands with a period between a title and a name.
#[rustfmt::skip]
const TITLE_PARTS: [&str; 28] = [
    "betriebsw", "c", "dent", "et", "h", "hab", "habil", "hc", "inform", "ing", "iur", "jur", "kffr", "kfm",
    "med", "mult", "nat", "oec", "phil", "pol", "publ", "rer", "soc", "techn", "theol", "univ", "vet", "wirt",
];

/// Particles of family names and words of nobility.
#[rustfmt::skip]
const PARTICLES: [&str; 48] = [
    "af", "al", "av", "baron", "baronin", "ben", "bin", "da", "dal", "dalla", "das", "de", "degli", "dei",
    "del", "della", "den", "der", "des", "di", "do", "dos", "du", "el", "freifrau", "freiherr", "graf",
    "grafin", "ibn", "la", "las", "le", "les", "lo", "los", "of", "op", "ten", "ter", "tho", "thoe", "to",
    "van", "vom", "von", "zu", "zum", "zur",
];

/// Conjunctions of the languages of SEPA.
#[rustfmt::skip]
const JOINTS: [&str; 19] = [
    "&", "a", "e", "ed", "en", "es", "i", "in", "ir", "ja", "o", "och", "og", "or", "ou", "si", "u", "un",
    "y",
];

/// Between the name of a trade and that of its owner.
const OWNERS: [&str; 4] = ["dba", "inh", "inhaber", "inhaberin"];

/// Words of trades, offices and associations.
#[rustfmt::skip]
const BUSINESS: [&str; 297] = [
    "agency", "agentur", "amt", "anwalte", "apothecary", "apotheke", "architectes", "architekten",
    "asociacion", "assicurazioni", "associacao", "association", "associazione", "assurance", "assurances",
    "autohaus", "ayuntamiento", "backerei", "baeckerei", "banca", "banco", "bank", "banque", "bau",
    "bauunternehmen", "boulangerie", "brauerei", "building", "camping", "capital", "care", "catering",
    "center", "centre", "clinic", "clinica", "club", "co", "commune", "company", "comune", "comunita",
    "construction", "constructions", "consult", "consultants", "consulting", "cooperative", "corporation",
    "credit", "customer", "customers", "delivery", "design", "desk", "digital", "direct", "distribution",
    "druckerei", "edition", "editions", "electric", "electronics", "elektro", "elektronik", "energia",
    "energie", "energy", "engineering", "enterprise", "enterprises", "entreprise", "etablissements", "europe",
    "express", "factory", "fahrschule", "farma", "feuerwehr", "finance", "finances", "financial", "finanzamt",
    "firma", "fitness", "fondation", "fondazione", "fonds", "food", "foods", "foundation", "fund",
    "fundacion", "fundacja", "garage", "gastronomie", "gaz", "gebr", "gemeinde", "gemeinschaftspraxis",
    "genossenschaft", "global", "gmina", "group", "groupe", "grupo", "gruppe", "gruppo", "gymnasium",
    "handels", "handwerk", "hausverwaltung", "helpdesk", "holding", "hospital", "hotel", "hydraulik",
    "immobiliare", "immobiliaria", "immobilien", "immobilier", "import", "industria", "industrial",
    "industrie", "industries", "informatique", "ingenieure", "inkasso", "inspektorat", "installations",
    "institut", "institute", "instituto", "insurance", "international", "invest", "investment", "investments",
    "kanzlei", "kindergarten", "kirche", "kirchengemeinde", "klinik", "kommune", "konsult", "kontor",
    "krankenhaus", "krankenkasse", "kundenservice", "laboratoires", "laboratory", "lager", "limited",
    "logistics", "logistik", "logistique", "maler", "management", "marketing", "markt", "maschinenbau",
    "media", "menuiserie", "metzgerei", "miasto", "ministerium", "ministero", "ministry", "mobel",
    "municipality", "museum", "obec", "office", "optik", "orchester", "orchestra", "parish", "paroisse",
    "partner", "partners", "pharma", "pharmacie", "pharmacy", "pizzeria", "plomberie", "praxis",
    "praxisgemeinschaft", "print", "production", "productions", "produktion", "project", "projekt",
    "properties", "property", "publishing", "rechtsanwaelte", "rechtsanwalte", "refund", "refunds", "reisen",
    "renovation", "restauracja", "restaurant", "ristorante", "sanitaer", "sanitar", "school", "schreinerei",
    "schule", "security", "sekretariat", "service", "services", "servicios", "servis", "servizi", "shop",
    "soehne", "software", "sohne", "solicitors", "solution", "solutions", "spedition", "sportverein", "stadt",
    "stadtwerke", "steuerberater", "steuerberatung", "stichting", "stiftelsen", "stiftung", "store",
    "storitve", "studio", "studios", "supermarket", "supermarkt", "support", "syndicat", "system", "systeme",
    "systems", "tech", "technik", "technologies", "technology", "teknik", "telecom", "telekom", "textil",
    "theater", "theatre", "tischlerei", "touristik", "tours", "trade", "trading", "transport", "transporte",
    "transports", "travel", "treuhand", "trust", "universita", "universitaet", "universitat", "universite",
    "university", "unternehmensberatung", "urzad", "verband", "verein", "vereinigung", "verlag", "vermietung",
    "versand", "versicherung", "versicherungen", "vertrieb", "verwaltung", "verwaltungs", "volkshochschule",
    "web", "weg", "weingut", "werbung", "werke", "werkstatt", "wohnbau", "wohnungsbau", "works", "workshop",
    "zahnarztpraxis", "zentrum",
];

/// What is written, and the one form that it becomes.
#[rustfmt::skip]
const COMMON_FORMS: [(&str, &str); 45] = [
    ("&", "&"), ("and", "&"), ("assn", "ass"), ("assoc", "ass"), ("association", "ass"), ("bros", "bros"),
    ("brothers", "bros"), ("cie", "co"), ("co", "co"), ("comp", "co"), ("compagnie", "co"), ("company", "co"),
    ("department", "dept"), ("dept", "dept"), ("et", "&"), ("gebr", "gebr"), ("gebruder", "gebr"),
    ("gebrueder", "gebr"), ("international", "intl"), ("internationale", "intl"), ("intl", "intl"),
    ("jnr", "jr"), ("jr", "jr"), ("jun", "jr"), ("junior", "jr"), ("och", "&"), ("oder", "&"), ("og", "&"),
    ("saint", "sankt"), ("sankt", "sankt"), ("sen", "sr"), ("senior", "sr"), ("snr", "sr"),
    ("soehne", "sohne"), ("sohne", "sohne"), ("sr", "sr"), ("st", "sankt"), ("str", "strasse"),
    ("strasse", "strasse"), ("und", "&"), ("universita", "univ"), ("universitaet", "univ"),
    ("universitat", "univ"), ("universite", "univ"), ("university", "univ"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted() {
        for list in
            [TITLES.as_slice(), &DOUBTFUL_TITLES, &TITLE_PARTS, &PARTICLES, &JOINTS, &OWNERS, &BUSINESS]
        {
            assert!(list.is_sorted_by(|left, right| left < right));
        }
        assert!(COMMON_FORMS.is_sorted_by(|left, right| left.0 < right.0));
    }

    #[test]
    fn a_common_form_is_its_own() {
        for (_, form) in COMMON_FORMS {
            assert_eq!(common_form(form).unwrap_or(form), form);
        }
    }
}
