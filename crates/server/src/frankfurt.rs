//! The clock of the business date: 18:00 in Frankfurt. The core knows no time zone, so the edge says when that is.
//!
//! Central European Summer Time lasts from the last Sunday of March to the last Sunday of October, and begins and ends
//! at 01:00 UTC (Directive 2000/84/EC). A change of that law is a change of this file.

use types::{Date, Duration, Timestamp};

/// The hour at which the business date changes.
const HOUR: u32 = 18;

/// 18:00 of this day in Frankfurt; `None` outside of the range of instants.
pub(crate) fn evening(day: Date) -> Option<Timestamp> {
    let winter = Timestamp::from_civil(day, HOUR - 1, 0, 0, 0)?;
    // No day changes its clock in the evening.
    Some(if is_summer(winter)? { winter.minus(Duration::from_seconds(3600)) } else { winter })
}

fn is_summer(instant: Timestamp) -> Option<bool> {
    let (year, ..) = instant.date().civil();
    let change = |month| Timestamp::from_civil(last_sunday(year, month)?, 1, 0, 0, 0);
    Some(change(3)? <= instant && instant < change(10)?)
}

/// The last Sunday of March or October, which have 31 days.
fn last_sunday(year: i32, month: i32) -> Option<Date> {
    let last = Date::from_civil(year, month, 31)?;
    let is_sunday = |day: &Date| day.is_weekend() && day.plus_days(1).is_some_and(|next| !next.is_weekend());
    (0..7).filter_map(|days| last.plus_days(-days)).find(is_sunday)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evenings_follow_the_clock_of_frankfurt() {
        for (day, expected) in [
            ("2026-01-15", "2026-01-15T17:00:00Z"),
            ("2026-03-28", "2026-03-28T17:00:00Z"),
            ("2026-03-29", "2026-03-29T16:00:00Z"),
            ("2026-07-01", "2026-07-01T16:00:00Z"),
            ("2026-10-24", "2026-10-24T16:00:00Z"),
            ("2026-10-25", "2026-10-25T17:00:00Z"),
            ("2027-03-28", "2027-03-28T16:00:00Z"),
        ] {
            assert_eq!(evening(Date::parse(day).unwrap()).unwrap().to_string(), expected);
        }
    }
}
