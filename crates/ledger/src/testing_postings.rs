//! The words of test scripts about maps of postings, and what scripts ask about them.

use types::Date;

use super::Run;
use crate::testing_words::{Words, bank};
use crate::{
    ExpectedVersion, GlAccount, PostingClass, PostingLine, PostingSubject, RecordWriter, SetPostingMap,
};

impl Run {
    /// `map A rest=9999 current=2100 A1=2100.1 expect M1 from 2026-01-06`. Accounts are where the edge finds them: in the
    /// ledger; `#7=...` is an account's number.
    pub(super) fn map_command(&self, count: usize, words: &mut Words<'_>) -> (RecordWriter, String) {
        let (mut writer, request_id, id) = self.request(count, words);
        let expected = match words.option("expect") {
            None => ExpectedVersion::Any,
            Some("none") => ExpectedVersion::Absent,
            Some(map) => ExpectedVersion::Exactly(self.original(map)),
        };
        let from = words.option("from").map(|from| Date::parse(from).unwrap());
        let currency = words.currency();
        let bank = bank(words.word());
        let mut lines = Vec::new();
        while let Some(line) = words.next() {
            let (subject, gl_account) = line.split_once('=').expect("a line has an account");
            let subject = match subject {
                "rest" => PostingSubject::Default,
                "current" => PostingSubject::Class(PostingClass::Current),
                "position" => PostingSubject::Class(PostingClass::Position),
                number if number.starts_with('#') => {
                    PostingSubject::Account(types::AccountNumber(number[1..].parse().unwrap()))
                }
                name => PostingSubject::Account(self.number(name)),
            };
            lines.push(PostingLine { subject, gl_account: GlAccount::parse(gl_account).unwrap() });
        }
        writer.set_posting_map(&SetPostingMap { request_id, bank, currency, expected, from, lines });
        (writer, id)
    }

    /// `map-of A`.
    pub(super) fn ask_map(&self, words: &mut Words<'_>) -> String {
        let currency = words.currency();
        let bank = bank(words.word());
        self.ledger.posting_map(bank, currency).map_or_else(
            || "none".to_owned(),
            |map| {
                let from = map.from().map_or_else(String::new, |from: Date| format!(" from {from}"));
                format!("{} of {}{from}", self.label(map.set_at()), map.set_count())
            },
        )
    }
}
