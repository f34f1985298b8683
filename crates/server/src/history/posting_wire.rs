//! Postings, their maps and their totals, from the wire and onto it.

use client::convert::{FieldReader, Path, timestamp};
use client::v1;
use history::{EntryKind, Heap, PostingMapSet};
use ledger::{ExpectedVersion, GlAccount, PostingClass, PostingLine, PostingSubject, Refusal, SetPostingMap};
use reports::{Posting, PostingSum, PostingTotals};
use tonic::Status;
use types::{AccountNumber, Bic, Currency, Date, Iban, Incarnation, Sequence};

use super::asked::check_bank;
use crate::caller::Caller;
use crate::node::Node;
use crate::refusals::{invalid, refused};
use crate::values::{decimal, request_id};

/// Which day of which book.
#[derive(Clone, Copy)]
pub(super) struct DayAsked {
    pub(super) bank: Bic,
    pub(super) currency: Currency,
    /// `None` for the last that is over.
    pub(super) date: Option<Date>,
}

/// Which postings are to be followed.
#[derive(Clone, Copy)]
pub(super) struct WatchAsked {
    pub(super) bank: Bic,
    pub(super) currency: Currency,
    /// Those behind this number; `None` for those that come.
    pub(super) after: Option<u64>,
    /// The life of the log that gave that posting.
    pub(super) given_by: Option<Incarnation>,
}

/// The bank that is named, or the caller's only one.
fn read_bank(reader: &mut FieldReader, caller: &Caller, field: &'static str, named: &str) -> Option<Bic> {
    let path = Path::root(field);
    let bank = reader.optional_bic(&path, named).or_else(|| caller.only_bank());
    if bank.is_none() && named.is_empty() {
        reader.missing(&path);
    }
    bank
}

fn read_book(
    caller: &Caller,
    (participant, currency_code): (&str, &str),
    read: impl FnOnce(&mut FieldReader) -> Option<Option<Date>>,
) -> Result<DayAsked, Status> {
    let mut reader = FieldReader::new();
    let bank = read_bank(&mut reader, caller, "participant", participant);
    let currency = reader.currency(&Path::root("currency_code"), currency_code);
    let date = read(&mut reader);
    let asked = (|| Some(DayAsked { bank: bank?, currency: currency?, date: date? }))();
    let asked = reader.finish(asked).map_err(invalid)?;
    check_bank(caller, Some(asked.bank))?;
    Ok(asked)
}

/// Reads whose totals, and of which day.
pub(super) fn read_day(caller: &Caller, wire: &v1::GetTotalsRequest) -> Result<DayAsked, Status> {
    read_book(caller, (&wire.participant, &wire.currency_code), |reader| {
        let path = Path::root("date");
        if wire.date.is_empty() {
            reader.missing(&path);
        }
        reader.optional_date(&path, &wire.date).map(Some)
    })
}

/// Reads whose file, and of which day.
pub(super) fn read_export(caller: &Caller, wire: &v1::ExportDayRequest) -> Result<DayAsked, Status> {
    read_book(caller, (&wire.participant, &wire.currency_code), |reader| {
        Some(reader.optional_date(&Path::root("date"), &wire.date))
    })
}

/// Reads whose postings are to be followed, and from where on.
pub(super) fn read_watch(
    caller: &Caller,
    wire: &v1::PostingServiceWatchRequest,
) -> Result<WatchAsked, Status> {
    let DayAsked { bank, currency, .. } =
        read_book(caller, (&wire.participant, &wire.currency_code), |_| Some(None))?;
    Ok(WatchAsked { bank, currency, after: wire.after_number, given_by: wire.incarnation.map(Incarnation) })
}

/// Reads whose maps, and before which.
pub(super) fn read_list(
    caller: &Caller,
    wire: &v1::ListPostingMapsRequest,
) -> Result<(Bic, Currency, Option<Sequence>), Status> {
    let mut reader = FieldReader::new();
    let bank = read_bank(&mut reader, caller, "bic", &wire.bic);
    let currency = reader.currency(&Path::root("currency_code"), &wire.currency_code);
    let (bank, currency) = reader.finish(bank.zip(currency)).map_err(invalid)?;
    check_bank(caller, Some(bank))?;
    let before = (wire.before_map_id > 0).then_some(Sequence(wire.before_map_id));
    Ok((bank, currency, before))
}

/// What a line is about, before an account's number is looked up.
enum Subject {
    Known(PostingSubject),
    Iban(Iban),
}

/// Reads a map. Accounts are looked up where the edge knows them; those of other banks do not exist.
pub(super) fn read_map(
    node: &Node,
    caller: &Caller,
    wire: &v1::SetPostingMapRequest,
) -> Result<SetPostingMap, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let bank = read_bank(&mut reader, caller, "bic", &wire.bic);
    let currency = reader.currency(&Path::root("currency_code"), &wire.currency_code);
    let from = reader.optional_date(&Path::root("from_date"), &wire.from_date);
    let expected = match wire.expected_map_id {
        None => ExpectedVersion::Any,
        Some(0) => ExpectedVersion::Absent,
        Some(map) => ExpectedVersion::Exactly(Sequence(map)),
    };
    let path = Path::root("lines");
    let lines_max = ledger::layout::POSTING_LINES_MAX;
    let has_lines = (1..=lines_max).contains(&wire.lines.len());
    if !has_lines {
        reader.violation(&path, format_args!("from 1 to {lines_max} lines"));
    }
    let lines = wire.lines.iter().take(lines_max).enumerate();
    let lines = lines.map(|(index, line)| read_line(&mut reader, &path.element(index), line));
    let lines: Vec<Option<(Subject, GlAccount)>> = lines.collect();
    let lines = lines.into_iter().collect::<Option<Vec<_>>>().filter(|_| has_lines);
    let read = (|| Some((request_id?, bank?, currency?, lines?)))();
    let (request_id, bank, currency, lines) = reader.finish(read).map_err(invalid)?;
    let mut placed = Vec::with_capacity(lines.len());
    for (subject, gl_account) in lines {
        let subject = match subject {
            Subject::Known(subject) => subject,
            Subject::Iban(iban) => {
                let digest = node.handle.digest_key().iban(iban.as_str());
                let found = node.handle.directory().open_account(digest, currency);
                let found = found.filter(|(_, owner)| *owner == bank).map(|(number, _)| number);
                PostingSubject::Account(found.ok_or_else(|| refused(Refusal::AccountUnknown).into_status())?)
            }
        };
        placed.push(PostingLine { subject, gl_account });
    }
    check_subjects(&mut placed)?;
    Ok(SetPostingMap { request_id, bank, currency, expected, from, lines: placed })
}

/// One line is about everything else, and no two are about the same.
fn check_subjects(lines: &mut [PostingLine]) -> Result<(), Status> {
    lines.sort_unstable_by_key(|line| line.subject.stored());
    let mut reader = FieldReader::new();
    let path = Path::root("lines");
    let is_first = lines.first().is_some_and(|line| line.subject == PostingSubject::Default);
    if !is_first {
        reader
            .violation(&path, "one line has no subject: it is about everything that no other line is about");
    }
    let is_twice = lines.windows(2).any(|pair| pair[0].subject == pair[1].subject);
    if is_twice {
        reader.violation(&path, "no two lines are about the same");
    }
    reader.finish((is_first && !is_twice).then_some(())).map_err(invalid)
}

fn read_line(
    reader: &mut FieldReader,
    path: &Path<'_>,
    wire: &v1::PostingLine,
) -> Option<(Subject, GlAccount)> {
    use v1::posting_line::Subject as Wire;
    let subject = match &wire.subject {
        None => Some(Subject::Known(PostingSubject::Default)),
        Some(Wire::Class(number)) => {
            let class = v1::PostingClass::try_from(*number).ok().and_then(read_class);
            if class.is_none() {
                reader.violation(&path.field("class"), "a class of accounts");
            }
            class.map(|class| Subject::Known(PostingSubject::Class(class)))
        }
        Some(Wire::Iban(iban)) => reader.iban(&path.field("iban"), iban).map(Subject::Iban),
        Some(Wire::AccountNumber(0)) => {
            reader.missing(&path.field("account_number"));
            None
        }
        Some(Wire::AccountNumber(number)) => {
            Some(Subject::Known(PostingSubject::Account(AccountNumber(*number))))
        }
    };
    let gl_account = GlAccount::parse(&wire.gl_account);
    if gl_account.is_none() {
        let rule = "1 to 34 letters, digits and . - / : _, the first a letter or digit";
        reader.violation(&path.field("gl_account"), rule);
    }
    subject.zip(gl_account)
}

const fn read_class(class: v1::PostingClass) -> Option<PostingClass> {
    Some(match class {
        v1::PostingClass::Unspecified => return None,
        v1::PostingClass::Current => PostingClass::Current,
        v1::PostingClass::Savings => PostingClass::Savings,
        v1::PostingClass::Core => PostingClass::Core,
        v1::PostingClass::Fees => PostingClass::Fees,
        v1::PostingClass::Clearing => PostingClass::Clearing,
        v1::PostingClass::Position => PostingClass::Position,
        v1::PostingClass::Transit => PostingClass::Transit,
        v1::PostingClass::Funding => PostingClass::Funding,
        v1::PostingClass::Technical => PostingClass::Technical,
        v1::PostingClass::Suspense => PostingClass::Suspense,
    })
}

const fn wire_class(class: PostingClass) -> v1::PostingClass {
    match class {
        PostingClass::Current => v1::PostingClass::Current,
        PostingClass::Savings => v1::PostingClass::Savings,
        PostingClass::Core => v1::PostingClass::Core,
        PostingClass::Fees => v1::PostingClass::Fees,
        PostingClass::Clearing => v1::PostingClass::Clearing,
        PostingClass::Position => v1::PostingClass::Position,
        PostingClass::Transit => v1::PostingClass::Transit,
        PostingClass::Funding => v1::PostingClass::Funding,
        PostingClass::Technical => v1::PostingClass::Technical,
        PostingClass::Suspense => v1::PostingClass::Suspense,
    }
}

/// A map as it was set.
pub(super) fn wire_map(map: &PostingMapSet) -> v1::PostingMap {
    use v1::posting_line::Subject as Wire;
    let lines = map.lines.iter().map(|line| v1::PostingLine {
        subject: match line.subject {
            PostingSubject::Default => None,
            PostingSubject::Class(class) => Some(Wire::Class(wire_class(class).into())),
            PostingSubject::Account(number) => Some(Wire::AccountNumber(number.0)),
        },
        gl_account: line.gl_account.to_string(),
    });
    v1::PostingMap {
        map_id: map.at.0,
        set_time: Some(timestamp(map.time)),
        from_date: map.from.map_or_else(String::new, |from| from.to_string()),
        lines: lines.collect(),
    }
}

/// A posting.
pub(super) fn wire_posting(node: &Node, posting: &Posting, currency: Currency) -> v1::Posting {
    let direction = if posting.is_debit { v1::EntryDirection::Debit } else { v1::EntryDirection::Credit };
    let payment_id = |payment| node.handle.payment_id(payment).to_string();
    v1::Posting {
        number: posting.number,
        sequence: posting.place.at.0,
        turn: posting.place.turn.into(),
        booked_time: Some(timestamp(posting.time)),
        booking_date: posting.booking_date.to_string(),
        value_date: posting.value_date.to_string(),
        r#type: entry_type(posting.kind).into(),
        class: wire_class(posting.class).into(),
        gl_account: posting.gl_account.map_or_else(String::new, |gl_account| gl_account.to_string()),
        account_number: posting.account.map_or(0, |account| account.0),
        direction: direction.into(),
        amount: decimal(posting.amount, currency),
        payment_id: posting.payment.map_or_else(String::new, payment_id),
    }
}

/// The type of an entry.
pub(super) const fn entry_type(kind: EntryKind) -> v1::EntryType {
    match kind {
        EntryKind::Payment => v1::EntryType::Payment,
        EntryKind::Fee => v1::EntryType::Fee,
        EntryKind::Posting => v1::EntryType::Posting,
        EntryKind::Liquidity => v1::EntryType::Liquidity,
        EntryKind::Return => v1::EntryType::Return,
        EntryKind::ReturnFee => v1::EntryType::ReturnFee,
        EntryKind::OwnFunds => v1::EntryType::OwnFunds,
        EntryKind::HoldCapture => v1::EntryType::HoldCapture,
        EntryKind::Exception => v1::EntryType::Exception,
    }
}

/// What a day came to, but for how far history has come.
pub(super) fn totals_of(totals: &PostingTotals, asked: DayAsked) -> v1::PostingTotals {
    let DayAsked { bank, currency, date } = asked;
    let sum = |gl_account: String, sum: &PostingSum| v1::PostingSum {
        gl_account,
        count: sum.count,
        debit_sum: reports::decimal(sum.debit, currency),
        credit_sum: reports::decimal(sum.credit, currency),
    };
    let sums = totals.by_gl_account.iter().map(|(gl_account, of_account)| {
        sum(gl_account.map_or_else(String::new, |gl_account| gl_account.to_string()), of_account)
    });
    let balances = Heap::ALL.into_iter().zip(totals.closing).map(|(heap, balance)| v1::PostingBalance {
        class: heap.class().map_or(v1::PostingClass::Current, wire_class).into(),
        balance: reports::decimal(balance.into(), currency),
    });
    v1::PostingTotals {
        participant: bank.to_string(),
        date: date.map_or_else(String::new, |date| date.to_string()),
        day_over: false,
        number_before: totals.number_before,
        number_last: totals.number_last,
        sums: sums.collect(),
        whole: Some(sum(String::new(), &totals.whole)),
        balances: balances.collect(),
        as_of: None,
    }
}
