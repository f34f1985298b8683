//! On which days a standing order is executed.
//!
//! The days follow from the first: so many weeks or months later each time. A day of the month that a month does not have is
//! its last. Where a day is no banking day, the order is due on the one before or after it, as it says; the days that follow
//! are counted from the day as it was meant.
//!
//! Invariant: no day is left out and none is counted twice, however late an execution is.

use types::Date;

use crate::calendar::Calendar;
use crate::{Every, OnClosedDay, Schedule, layout};

/// Banks are never closed for so many days on end.
const CLOSED_DAYS_MAX: usize = 15;

impl Schedule {
    pub(crate) fn to_record(self) -> layout::Schedule {
        layout::Schedule {
            last: self.last.map_or(0, Date::days).into(),
            every: self.every.number(),
            interval: self.interval,
            on_closed_day: self.on_closed_day.number(),
            reserved: [0; 9],
        }
    }

    /// What a record that has been checked says; `None` for once.
    pub(crate) fn from_record(record: &layout::Schedule) -> Option<Self> {
        Some(Self {
            every: Every::from_number(record.every)?,
            interval: record.interval,
            last: Date::from_days(record.last.get()).filter(|last| last.days() > 0),
            on_closed_day: OnClosedDay::from_number(record.on_closed_day)?,
        })
    }

    /// The day after this one of those that count from the first; `None` if the last is over.
    pub(crate) fn next(&self, first: Date, day: Date) -> Option<Date> {
        let next = match self.every {
            Every::Week => day.plus_days(7 * i32::from(self.interval))?,
            Every::Month => {
                let months = |date: Date| {
                    let (year, month, _) = date.civil();
                    year * 12 + month
                };
                let passed = u16::try_from(months(day) - months(first)).ok()?;
                first.plus_months(passed.checked_add(u16::from(self.interval))?)?
            }
        };
        (self.last.is_none_or(|last| next <= last)).then_some(next)
    }

    /// On which day it is due that is meant for this one. Of a year whose closing days are not set only the weekends are
    /// known.
    pub(crate) fn due_on(&self, meant: Date, calendar: &Calendar) -> Date {
        let step = match self.on_closed_day {
            OnClosedDay::Before => -1,
            OnClosedDay::After => 1,
            OnClosedDay::Same => return meant,
        };
        let is_open = |day: &Date| calendar.is_open(*day).unwrap_or(!day.is_weekend());
        let days = std::iter::successors(Some(meant), |day| day.plus_days(step));
        days.take(CLOSED_DAYS_MAX).find(is_open).unwrap_or(meant)
    }
}

#[cfg(test)]
mod tests {
    use types::ClosingDays;

    use super::*;

    fn date(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    fn schedule(every: Every, interval: u8, on_closed_day: OnClosedDay) -> Schedule {
        Schedule { every, interval, last: None, on_closed_day }
    }

    #[test]
    fn days_are_counted_from_the_first() {
        for (every, interval, days) in [
            (Every::Week, 1, ["2026-01-30", "2026-02-06", "2026-02-13", "2026-02-20"]),
            (Every::Week, 4, ["2026-01-30", "2026-02-27", "2026-03-27", "2026-04-24"]),
            (Every::Month, 1, ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]),
            (Every::Month, 3, ["2026-08-31", "2026-11-30", "2027-02-28", "2027-05-31"]),
            (Every::Month, 12, ["2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28"]),
        ] {
            let schedule = schedule(every, interval, OnClosedDay::Same);
            let first = date(days[0]);
            for pair in days.windows(2) {
                assert_eq!(schedule.next(first, date(pair[0])), Some(date(pair[1])), "after {}", pair[0]);
            }
        }
    }

    #[test]
    fn nothing_follows_the_last_day() {
        let monthly = schedule(Every::Month, 1, OnClosedDay::Same);
        let until = |last| Schedule { last: Some(date(last)), ..monthly };
        let first = date("2026-01-15");
        assert_eq!(until("2026-02-15").next(first, first), Some(date("2026-02-15")));
        assert_eq!(until("2026-02-14").next(first, first), None);
    }

    #[test]
    fn closed_days_are_gone_round() {
        let mut calendar = Calendar::default();
        // Good Friday and Easter Monday.
        let closed = [date("2026-04-03"), date("2026-04-06")];
        let days = closed.iter().fold(ClosingDays::none(2026).unwrap(), |days, day| days.with(*day).unwrap());
        calendar.set(days, date("2026-01-01"));
        for (meant, before, after) in [
            ("2026-04-02", "2026-04-02", "2026-04-02"),
            ("2026-04-03", "2026-04-02", "2026-04-07"),
            ("2026-04-05", "2026-04-02", "2026-04-07"),
            ("2026-05-31", "2026-05-29", "2026-06-01"),
            // Of this year nothing is set: a Saturday, and a Friday that is a holiday everywhere.
            ("2027-01-02", "2027-01-01", "2027-01-04"),
        ] {
            let due = |rule| schedule(Every::Month, 1, rule).due_on(date(meant), &calendar);
            assert_eq!(due(OnClosedDay::Before), date(before), "before {meant}");
            assert_eq!(due(OnClosedDay::After), date(after), "after {meant}");
            assert_eq!(due(OnClosedDay::Same), date(meant));
        }
    }
}
