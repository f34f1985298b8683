//! The rules of the calendar: closing days, and the business date that goes on from one banking day to the next.
//!
//! Days are those of UTC, in which the log's time is told; what a bank's zone makes of an instant is the edge's matter.
//! Nothing pauses when the date changes: it stands on settlements between banks and decides no payment.

use types::{ClosingDays, Date, Timestamp};

use crate::calendar::{BusinessDate, Calendar};
use crate::command::RequestId;
use crate::rules_masterdata::Answer;
use crate::{Ledger, Position, Refusal, layout};

/// The closing days of a year are set, or set anew. What was counted by earlier ones stays as it was counted.
#[derive(Clone, Debug)]
pub struct SetClosingDays {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The year and its days.
    pub closing_days: ClosingDays,
}

/// The business date goes on.
#[derive(Clone, Debug)]
pub struct RollBusinessDate {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The business date from now on.
    pub date: Date,
    /// From when on it is due: 18:00 in Frankfurt on the banking day before, as the edge computes it.
    pub due: Timestamp,
}

pub(crate) fn set_closing_days(ledger: &mut Ledger, at: Position, record: &layout::SetClosingDays) -> Answer {
    let closing_days = ClosingDays::from_stored(record.year.get(), record.days)
        .expect("records are checked when they are read");
    let today = at.time.date();
    if !Calendar::may_hold(closing_days.year(), today) {
        return Err(Refusal::CalendarYear);
    }
    ledger.calendar.set(closing_days, today);
    Ok((u64::from(closing_days.year()), 0))
}

pub(crate) fn roll(ledger: &mut Ledger, at: Position, record: &layout::RollBusinessDate) -> Answer {
    let date = Date::from_days(record.date.get()).expect("records are checked when they are read");
    let due = Timestamp::from_nanoseconds(record.due.get()).expect("records are checked when they are read");
    // It may catch up after a stop, and it never runs ahead of the day.
    let next = ledger.calendar.banking_day_after(at.time.date(), 1).ok_or(Refusal::CalendarUnknown)?;
    let is_open = ledger.calendar.is_open(date).ok_or(Refusal::CalendarUnknown)?;
    if !is_open || date <= ledger.business_date.date() || date > next {
        return Err(Refusal::BusinessDateNotNext);
    }
    if at.time < due {
        return Err(Refusal::NotDue);
    }
    ledger.business_date.roll(date, at);
    Ok((u64::try_from(date.days()).expect("days count from 1970"), 0))
}

impl Ledger {
    /// The business date; `None` as long as none was set.
    pub fn business_date(&self) -> Option<&BusinessDate> {
        Some(&self.business_date).filter(|date| date.is_set())
    }

    /// The closing days of the years that are set, in order.
    pub fn closing_days(&self) -> &[ClosingDays] {
        self.calendar.years()
    }

    /// Whether banks settle with each other on this day; `None` if the closing days of its year are not set.
    pub fn is_banking_day(&self, day: Date) -> Option<bool> {
        self.calendar.is_open(day)
    }

    /// The so-manyth banking day after this day; `None` if the closing days of a year on the way are not set.
    pub fn banking_day_after(&self, day: Date, count: u16) -> Option<Date> {
        self.calendar.banking_day_after(day, count)
    }
}

#[cfg(test)]
#[path = "rules_calendar_tests.rs"]
mod tests;
