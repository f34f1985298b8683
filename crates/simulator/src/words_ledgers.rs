//! The maps of postings as the ledger's records.

use ledger::{GlAccount, PostingClass, PostingLine, PostingSubject, RecordWriter, RequestId, SetPostingMap};
use types::{AccountNumber, Date};

use super::{bic, currency};
use crate::step::Request;

/// Appends the record of a request that sets a map.
pub(super) fn write(writer: &mut RecordWriter, request_id: RequestId, body: &Request) {
    let Request::SetMap { bank, currency: number, expected, from, account } = *body else {
        unreachable!("other requests are written elsewhere")
    };
    let line = |subject, name| {
        let gl_account = GlAccount::parse(name).expect("plain digits");
        PostingLine { subject, gl_account }
    };
    let mut lines = vec![
        line(PostingSubject::Default, "9999"),
        line(PostingSubject::Class(PostingClass::Current), "2100"),
    ];
    lines.extend(account.map(|account| line(PostingSubject::Account(AccountNumber(account)), "2100.1")));
    writer.set_posting_map(&SetPostingMap {
        request_id,
        bank: bic(bank),
        currency: currency(number),
        expected,
        from: from.map(|days| Date::from_days(days).expect("a day after 1970")),
        lines,
    });
}
