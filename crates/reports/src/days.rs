//! Which instants belong to a day.
//!
//! The ledger knows no time zone. Customers' statements follow the calendar day of their bank's zone, and positions the
//! position date, so both are worked out here and nowhere else.

use history::Watermark;
use types::{Date, Duration, Timestamp};

/// How a day is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Days {
    /// The calendar day at a fixed distance from UTC, in minutes: east of Greenwich is above zero.
    Offset(i32),
    /// The date of positions.
    ///
    /// It is the calendar day in Frankfurt, with its summer time.
    Position,
}

/// From an instant on, until before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
}

/// Everything that was booked before this time is in history.
///
/// On an idle log nothing is told any more, but empty frames come, and what a frame decided is told within 10 ms.
pub fn reached(watermark: &Watermark) -> Timestamp {
    watermark.told_time.max(watermark.time.minus(TOLD_WITHIN))
}

/// Far longer than it takes until what was decided is told, in log time.
pub const TOLD_WITHIN: Duration = Duration::from_seconds(1);

/// No clock is further from UTC, in minutes.
const OFFSET_MAX: i32 = 14 * 60;
const MINUTE: i64 = 60 * 1_000_000_000;
const HOUR: i64 = 60 * MINUTE;

impl Days {
    /// A distance from UTC in minutes, if there is such a clock.
    pub fn offset(minutes: i32) -> Option<Self> {
        (-OFFSET_MAX..=OFFSET_MAX).contains(&minutes).then_some(Self::Offset(minutes))
    }

    /// When a day begins and ends; `None` at the edges of what can be said of time.
    pub fn span(self, date: Date) -> Option<Span> {
        let next = Date::from_days(date.days() + 1)?;
        Some(Span { from: self.begin(date)?, until: self.begin(next)? })
    }

    /// The day to which an instant belongs.
    pub fn of(self, time: Timestamp) -> Date {
        let nanoseconds = match self {
            Self::Offset(minutes) => i64::from(minutes) * MINUTE,
            Self::Position => frankfurt(time),
        };
        let shifted = time.nanoseconds().saturating_add(nanoseconds);
        Timestamp::from_nanoseconds(shifted).unwrap_or_default().date()
    }

    fn begin(self, date: Date) -> Option<Timestamp> {
        let midnight = Timestamp::from_civil(date, 0, 0, 0, 0)?;
        let before_utc = match self {
            Self::Offset(minutes) => i64::from(minutes) * MINUTE,
            // The hour changes at one o'clock UTC, so both midnights around it are plain.
            Self::Position => frankfurt(midnight.minus(Duration::from_seconds(3600))),
        };
        Timestamp::from_nanoseconds(midnight.nanoseconds().checked_sub(before_utc)?)
    }
}

/// How far the clock of Frankfurt is ahead of UTC: summer lasts from the last Sunday of March to that of October, and the
/// hour changes at 01:00 UTC (Directive 2000/84/EC).
fn frankfurt(time: Timestamp) -> i64 {
    let (year, _, _) = time.date().civil();
    let changes = [3, 10].map(|month| {
        let last = Date::from_civil(year, month, 31).expect("both months have 31 days");
        // 1970-01-01 was a Thursday.
        let since_sunday = (last.days() + 4) % 7;
        let sunday = Date::from_days(last.days() - since_sunday).expect("it lies in the same month");
        Timestamp::from_civil(sunday, 1, 0, 0, 0)
    });
    let [Some(begin), Some(end)] = changes else { return HOUR };
    if (begin..end).contains(&time) { 2 * HOUR } else { HOUR }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    #[test]
    fn position_days_follow_summer_and_winter() {
        for (day, from, hours) in [
            ("2026-01-15", "2026-01-14T23:00:00Z", 24),
            ("2026-03-28", "2026-03-27T23:00:00Z", 24),
            ("2026-03-29", "2026-03-28T23:00:00Z", 23),
            ("2026-03-30", "2026-03-29T22:00:00Z", 24),
            ("2026-10-25", "2026-10-24T22:00:00Z", 25),
            ("2026-10-26", "2026-10-25T23:00:00Z", 24),
        ] {
            let span = Days::Position.span(date(day)).unwrap();
            assert_eq!(span.from.to_string(), from);
            assert_eq!(span.until.since(span.from).nanoseconds(), hours * HOUR, "{day}");
        }
    }

    #[test]
    fn days_follow_each_other_and_hold_their_instants() {
        let mut date = date("2026-01-01");
        for days in [Days::Position, Days::Offset(0), Days::Offset(-150), Days::Offset(14 * 60)] {
            for _ in 0..800 {
                let span = days.span(date).unwrap();
                let next = Date::from_days(date.days() + 1).unwrap();
                assert_eq!(days.span(next).unwrap().from, span.until);
                assert_eq!((days.of(span.from), days.of(span.until)), (date, next));
                let last = span.until.minus(Duration::from_nanoseconds(1).unwrap());
                assert_eq!(days.of(last), date);
                date = next;
            }
        }
    }

    #[test]
    fn no_clock_is_further_than_fourteen_hours() {
        assert!(Days::offset(840).is_some() && Days::offset(841).is_none() && Days::offset(-841).is_none());
    }
}
