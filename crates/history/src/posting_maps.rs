//! The maps of postings that banks have set: what their general ledgers call the accounts of a book, and from when on.

use ledger::{GlAccount, PostingClass, PostingLine, PostingSubject};
use types::{AccountNumber, Bic, Currency, Date, Sequence, Timestamp};

use crate::bytes::{RowReader, RowWriter};
use crate::keys;
use crate::store::{Space, StoreError};
use crate::view::View;

/// A map, and where it was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostingMapSet {
    /// The position of the command. It counts for what is booked behind it,
    pub at: Sequence,
    /// whose log time that is,
    pub time: Timestamp,
    /// and which bears this booking date or a later one, if it names one.
    pub from: Option<Date>,
    /// The lines, in the order of what they are about.
    pub lines: Vec<PostingLine>,
}

impl PostingMapSet {
    /// Whether it counts for what is booked at a position and bears a date.
    pub fn counts_for(&self, at: Sequence, date: Date) -> bool {
        at > self.at && self.from.is_none_or(|from| date >= from)
    }

    /// What the general ledger calls an account of a class.
    pub fn gl_account(&self, class: PostingClass, account: Option<AccountNumber>) -> Option<GlAccount> {
        let about = |subject: PostingSubject| {
            let place = self.lines.binary_search_by_key(&subject.stored(), |line| line.subject.stored());
            place.ok().map(|place| self.lines[place].gl_account)
        };
        let of_account = account.and_then(|account| about(PostingSubject::Account(account)));
        of_account.or_else(|| about(PostingSubject::Class(class))).or_else(|| about(PostingSubject::Default))
    }

    pub(crate) fn to_row(&self) -> Vec<u8> {
        let mut row = RowWriter::default();
        row.time(Timestamp::default(), self.time);
        row.signed(self.from.map_or(0, |from| from.days()).into());
        for line in &self.lines {
            let (class, account) = line.subject.stored();
            row.byte(class);
            row.number(account.into());
            let name = line.gl_account.as_str().as_bytes();
            row.byte(u8::try_from(name.len()).expect("it has at most 34 characters"));
            row.raw(name);
        }
        row.bytes
    }

    fn from_row(at: Sequence, row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row);
        let time = row.time(Timestamp::default())?;
        let from = Date::from_days(i32::try_from(row.signed()?).ok()?)?;
        let mut lines = Vec::new();
        while !row.is_empty() {
            let (class, account) = (row.byte()?, u32::try_from(row.number()?).ok()?);
            let length = usize::from(row.byte()?);
            let name = std::str::from_utf8(row.raw(length)?).ok()?;
            lines.push(PostingLine {
                subject: PostingSubject::from_stored(class, account)?,
                gl_account: GlAccount::parse(name)?,
            });
        }
        Some(Self { at, time, from: (from.days() != 0).then_some(from), lines })
    }
}

impl View {
    /// Every map of a bank's book, oldest first.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn posting_maps(&self, bank: Bic, currency: Currency) -> Result<Vec<PostingMapSet>, StoreError> {
        let Some(bank) = self.reading().banks.find(bank) else { return Ok(Vec::new()) };
        let rows = self.reading().prefix(Space::State, &keys::posting_maps(bank.number.0, currency));
        let read = rows.map(|found| {
            let (key, row) = found?;
            let at = key.get(7..).and_then(|at| at.try_into().ok()).map(u64::from_be_bytes);
            let set = at.and_then(|at| PostingMapSet::from_row(Sequence(at), &row));
            set.ok_or(StoreError::Row("a map of postings"))
        });
        read.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_they_were_written() {
        let line = |subject, name| PostingLine { subject, gl_account: GlAccount::parse(name).unwrap() };
        let account = AccountNumber(70_000);
        let class = PostingSubject::Class(PostingClass::Current);
        for from in [None, Date::parse("2026-02-04").ok()] {
            let set = PostingMapSet {
                at: Sequence(9),
                time: Timestamp::from_nanoseconds(77).unwrap(),
                from,
                lines: vec![
                    line(PostingSubject::Default, "9999"),
                    line(class, "2100"),
                    line(PostingSubject::Account(account), "2100.1"),
                ],
            };
            assert_eq!(PostingMapSet::from_row(Sequence(9), &set.to_row()), Some(set.clone()));
            let called = |class, account| set.gl_account(class, account).unwrap().to_string();
            assert_eq!(called(PostingClass::Current, Some(account)), "2100.1");
            assert_eq!(called(PostingClass::Current, Some(AccountNumber(1))), "2100");
            assert_eq!(called(PostingClass::Savings, Some(AccountNumber(1))), "9999");
            let (before, after) = (Date::parse("2026-02-03").unwrap(), Date::parse("2026-02-05").unwrap());
            assert!(!set.counts_for(Sequence(9), after), "what is behind it");
            assert!(set.counts_for(Sequence(10), after));
            assert_eq!(set.counts_for(Sequence(10), before), from.is_none());
        }
        assert_eq!(PostingMapSet::from_row(Sequence(9), &[0, 0, 1]), None);
    }
}
