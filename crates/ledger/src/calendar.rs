//! On which days banks settle with each other, and which of them it is.
//!
//! Invariants:
//! - The core computes no holiday: it looks up what was logged, and a day of a year that was not set is neither open nor
//!   closed.
//! - The years are those around the log's time, so their number is bounded.
//! - The business date never goes back.

use std::io;

use types::{ClosingDays, Date, Duration, Sequence, Timestamp};

use crate::Position;
use crate::sections::{SectionReader, SectionWriter, StateError, holds, value, zero};
use crate::state_layout::{self, BUSINESS_DATE, CALENDAR};

/// Closing days are kept of this many years before that of the log's time,
pub(crate) const YEARS_BEFORE: i32 = 2;
/// and may be set up to this many years after it.
pub(crate) const YEARS_AFTER: i32 = 10;
const YEARS_MAX: usize = 16;

/// How long the business date before the last change is accepted as well.
const BOTH_ACCEPTED: Duration = Duration::from_seconds(60);

/// The closing days of the years that were set, in order.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    years: Vec<ClosingDays>,
}

impl Default for Calendar {
    fn default() -> Self {
        Self { years: Vec::with_capacity(YEARS_MAX) }
    }
}

impl Calendar {
    /// Whether closing days of a year may be set at this time.
    pub(crate) fn may_hold(year: u16, today: Date) -> bool {
        let (this_year, ..) = today.civil();
        (this_year - YEARS_BEFORE..=this_year + YEARS_AFTER).contains(&i32::from(year))
    }

    /// Sets the closing days of a year, and lets years go that are over for long.
    pub(crate) fn set(&mut self, closing_days: ClosingDays, today: Date) {
        let (this_year, ..) = today.civil();
        self.years.retain(|known| {
            known.year() != closing_days.year() && i32::from(known.year()) >= this_year - YEARS_BEFORE
        });
        let place = self.years.partition_point(|known| known.year() < closing_days.year());
        assert!(self.years.len() < YEARS_MAX, "only years around the log's time are set");
        self.years.insert(place, closing_days);
    }

    /// The closing days of the years that are set, in order.
    pub(crate) fn years(&self) -> &[ClosingDays] {
        &self.years
    }

    /// Whether banks settle with each other on this day; `None` if nobody has set its year.
    pub(crate) fn is_open(&self, day: Date) -> Option<bool> {
        let (year, ..) = day.civil();
        let closing = self.years.iter().find(|known| i32::from(known.year()) == year)?;
        Some(!day.is_weekend() && !closing.lists(day))
    }

    /// The so-manyth banking day after this day; `None` if a year on the way is not set.
    pub(crate) fn banking_day_after(&self, day: Date, count: u16) -> Option<Date> {
        let (mut day, mut left) = (day, count);
        while left > 0 {
            day = day.plus_days(1)?;
            left -= u16::from(self.is_open(day)?);
        }
        Some(day)
    }

    pub(crate) fn write_state(&self, writer: &mut SectionWriter<'_>) -> io::Result<()> {
        let items = self.years.iter().map(|year| state_layout::ClosingYear {
            year: year.year().into(),
            reserved: [0; 6],
            days: *year.as_bytes(),
        });
        writer.section(CALENDAR, self.years.len(), items)
    }

    pub(crate) fn read_state(reader: &mut SectionReader<'_>) -> Result<Self, StateError> {
        let mut read = Self::default();
        let count = reader.begin_within(CALENDAR, YEARS_MAX)?;
        let count = u64::try_from(count).expect("64 bits");
        reader.items(CALENDAR, count, |item: &state_layout::ClosingYear| {
            zero(&item.reserved)?;
            let year = value(ClosingDays::from_stored(item.year.get(), item.days), "days")?;
            holds(read.years.last().is_none_or(|before| before.year() < year.year()), "year")?;
            read.years.push(year);
            Ok(())
        })?;
        Ok(read)
    }
}

/// The business date, and the one before it for as long as both count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BusinessDate {
    date: Date,
    before: Date,
    since: Sequence,
    since_time: Timestamp,
}

impl BusinessDate {
    /// The date of settlements between banks.
    pub const fn date(&self) -> Date {
        self.date
    }

    /// The one before it; `None` if it is the log's first.
    pub fn before(&self) -> Option<Date> {
        (self.before != Date::default()).then_some(self.before)
    }

    /// The position of the command that set it.
    pub const fn since(&self) -> Sequence {
        self.since
    }

    /// The log time at which it was set.
    pub const fn since_time(&self) -> Timestamp {
        self.since_time
    }

    /// Whether a settlement may bear this date at this time: the business date, and for 60 s after a change the one
    /// before it too, which is on its way.
    pub fn accepts(&self, date: Date, now: Timestamp) -> bool {
        let is_fresh = now < self.since_time.plus(BOTH_ACCEPTED);
        date == self.date || (is_fresh && self.before() == Some(date))
    }

    pub(crate) fn roll(&mut self, date: Date, at: Position) {
        assert!(date > self.date, "the business date never goes back");
        *self = Self { date, before: self.date, since: at.sequence, since_time: at.time };
    }

    /// Whether one was ever set.
    pub(crate) fn is_set(&self) -> bool {
        self.date != Date::default()
    }

    pub(crate) fn write_state(self, writer: &mut SectionWriter<'_>) -> io::Result<()> {
        let item = state_layout::BusinessDate {
            date: self.date.days().into(),
            before: self.before.days().into(),
            since: self.since.0.into(),
            since_time: self.since_time.nanoseconds().into(),
        };
        writer.section(BUSINESS_DATE, 1, std::iter::once(item))
    }

    pub(crate) fn read_state(reader: &mut SectionReader<'_>, last: Position) -> Result<Self, StateError> {
        let mut read = Self::default();
        reader.begin_exactly(BUSINESS_DATE, 1)?;
        reader.items(BUSINESS_DATE, 1, |item: &state_layout::BusinessDate| {
            read = Self {
                date: value(Date::from_days(item.date.get()), "date")?,
                before: value(Date::from_days(item.before.get()), "before")?,
                since: Sequence(item.since.get()),
                since_time: value(Timestamp::from_nanoseconds(item.since_time.get()), "since_time")?,
            };
            if !read.is_set() {
                return holds(read == Self::default(), "date");
            }
            holds(read.before < read.date, "before")?;
            holds(read.since <= last.sequence, "since")?;
            holds(read.since_time <= last.time, "since_time")
        })?;
        Ok(read)
    }
}
