//! The dates and clocks that were logged: when the business date moved on, and what banks said of their clocks.
//!
//! Both are few, a row for each: the business date moves once a banking day, a clock twice a year.

use ledger::{Zone, ZoneChange, ZoneOffset};
use types::{Bic, Date, ParticipantNumber, Sequence, Timestamp};

use crate::bytes::{RowReader, RowWriter};
use crate::keys;
use crate::store::{Reading, Space, StoreError};
use crate::view::View;

/// The business date moved on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rolled {
    /// The position of the command. What was booked behind it bears the date.
    pub at: Sequence,
    /// The log time of that.
    pub time: Timestamp,
    /// The business date from then on.
    pub date: Date,
    /// The one before it; `None` if it is the log's first.
    pub before: Option<Date>,
}

/// A bank said what its clock shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockSet {
    /// The log time of that.
    pub time: Timestamp,
    /// The clock from then on.
    pub zone: Zone,
}

impl Rolled {
    pub(crate) fn to_row(self) -> Vec<u8> {
        let mut row = RowWriter::default();
        row.time(Timestamp::default(), self.time);
        row.signed(self.date.days().into());
        row.signed(self.before.map_or(0, |before| before.days().into()));
        row.bytes
    }

    fn from_row(at: Sequence, row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row);
        let time = row.time(Timestamp::default())?;
        let mut date = || Date::from_days(i32::try_from(row.signed()?).ok()?);
        let (date, before) = (date()?, date()?);
        Some(Self { at, time, date, before: Some(before).filter(|before| before.days() != 0) })
    }
}

impl ClockSet {
    pub(crate) fn to_row(self) -> Vec<u8> {
        let mut row = RowWriter::default();
        row.time(Timestamp::default(), self.time);
        row.signed(self.zone.offset.minutes().into());
        if let Some(change) = self.zone.change {
            row.time(Timestamp::default(), change.at);
            row.signed(change.offset.minutes().into());
        }
        row.bytes
    }

    fn from_row(row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row);
        let time = row.time(Timestamp::default())?;
        let offset = |minutes| ZoneOffset::from_minutes(i16::try_from(minutes).ok()?);
        let now = offset(row.signed()?)?;
        let change = match row.is_empty() {
            true => None,
            false => Some(ZoneChange { at: row.time(Timestamp::default())?, offset: offset(row.signed()?)? }),
        };
        Some(Self { time, zone: Zone { offset: now, change } })
    }
}

impl View {
    /// Every change of the business date, oldest first, from the one on that counted where history begins.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn business_dates(&self) -> Result<Vec<Rolled>, StoreError> {
        let mut dates: Vec<Rolled> = Vec::new();
        for found in self.reading().prefix(Space::State, &[keys::ROLLED]) {
            let (key, row) = found?;
            let at = key.get(1..).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes);
            let rolled = at.and_then(|at| Rolled::from_row(Sequence(at), &row));
            let rolled = rolled.ok_or(StoreError::Row("a business date"))?;
            // What a command says of the date before it stands in the row in front.
            let before = dates.last().map_or(rolled.before, |before| Some(before.date));
            dates.push(Rolled { before, ..rolled });
        }
        Ok(dates)
    }

    /// What a bank said of its clock, oldest first. Its clock shows UTC before.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn clocks(&self, bank: Bic) -> Result<Vec<ClockSet>, StoreError> {
        let Some(bank) = self.reading().banks.find(bank) else { return Ok(Vec::new()) };
        clocks(self.reading(), bank.number)
    }
}

fn clocks(reading: &Reading, bank: ParticipantNumber) -> Result<Vec<ClockSet>, StoreError> {
    let rows = reading.prefix(Space::State, &keys::clocks(bank.0));
    rows.map(|found| ClockSet::from_row(&found?.1).ok_or(StoreError::Row("a bank's clock"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_they_were_written() {
        let time = |seconds: i64| Timestamp::from_nanoseconds(seconds * 1_000_000_000 + 7).unwrap();
        let date = |text| Date::parse(text).unwrap();
        for before in [None, Some(date("2026-11-19"))] {
            let rolled =
                Rolled { at: Sequence(9), time: time(1_763_000_000), date: date("2026-11-20"), before };
            assert_eq!(Rolled::from_row(Sequence(9), &rolled.to_row()), Some(rolled));
        }
        let offset = |minutes| ZoneOffset::from_minutes(minutes).unwrap();
        for change in [None, Some(ZoneChange { at: time(1_774_000_000), offset: offset(120) })] {
            for minutes in [-840, 0, 60] {
                let set = ClockSet { time: time(1), zone: Zone { offset: offset(minutes), change } };
                assert_eq!(ClockSet::from_row(&set.to_row()), Some(set));
            }
        }
        assert_eq!(Rolled::from_row(Sequence(9), &[1]), None);
        assert_eq!(ClockSet::from_row(&[2, 0xFF]), None);
    }
}
