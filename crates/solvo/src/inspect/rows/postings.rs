//! Maps of postings as fields.

use ledger::{PostingClass, PostingSubject, layout};

use super::{bic, currency};
use crate::inspect::fields::{Fields, Value};

/// A map of postings.
pub(super) fn map(fields: Fields, it: &layout::SetPostingMap) -> Fields {
    let lines = it.posting_lines().map(|line| {
        let gl_account = line.gl_account.to_string();
        let about = match line.subject {
            PostingSubject::Default => Fields::default().with("class", "rest"),
            PostingSubject::Class(class) => Fields::default().with("class", class_name(class)),
            PostingSubject::Account(number) => Fields::default().with("account", number.0),
        };
        Value::from(about.with("gl_account", gl_account))
    });
    let lines: Vec<Value> = lines.collect();
    let expected = (it.has_expected == 1).then(|| it.expected.get());
    let from = it.from_date().map(|from| from.to_string());
    fields
        .with("bic", bic(it.bic))
        .with("currency", currency(it.currency.get()).code())
        .with_some("expected_map", expected)
        .with_some("from", from)
        .with("lines", lines)
}

fn class_name(class: PostingClass) -> &'static str {
    match class {
        PostingClass::Current => "current",
        PostingClass::Savings => "savings",
        PostingClass::Core => "core",
        PostingClass::Fees => "fees",
        PostingClass::Clearing => "clearing",
        PostingClass::Position => "position",
        PostingClass::Transit => "transit",
        PostingClass::Funding => "funding",
        PostingClass::Technical => "technical",
        PostingClass::Suspense => "suspense",
    }
}
