//! The days of a year on which banks do not settle with each other.
//!
//! Saturdays and Sundays are closed in every year and stand in no list. The others are set by a logged command, so
//! that whoever replays the log counts as was counted then; [`ClosingDays::target`] is what an edge proposes.
//!
//! Invariant: no day is listed that its year does not have.

use std::fmt;

use crate::Date;

/// The closing days of one year, weekends apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ClosingDays {
    year: u16,
    days: [u8; Self::BYTES],
}

impl ClosingDays {
    /// Bytes of the days as they are stored: a bit for each day of the year, the first of January first.
    pub const BYTES: usize = 48;

    /// A year without closing days, between 1970 and 2261.
    pub fn none(year: u16) -> Option<Self> {
        Self::first_day(year).map(|_| Self { year, days: [0; Self::BYTES] })
    }

    /// The closing days of TARGET: New Year, Good Friday, Easter Monday, the first of May, and both days of Christmas.
    pub fn target(year: u16) -> Option<Self> {
        let easter = easter_sunday(i32::from(year))?;
        let day = |month, day| Date::from_civil(i32::from(year), month, day);
        let days =
            [day(1, 1)?, easter.plus_days(-2)?, easter.plus_days(1)?, day(5, 1)?, day(12, 25)?, day(12, 26)?];
        days.into_iter().try_fold(Self::none(year)?, Self::with)
    }

    /// The same with one day more; `None` if it is of another year.
    pub fn with(mut self, day: Date) -> Option<Self> {
        let (byte, bit) = self.place(day)?;
        self.days[byte] |= bit;
        Some(self)
    }

    /// The year.
    pub const fn year(&self) -> u16 {
        self.year
    }

    /// Whether this day is listed.
    pub fn lists(&self, day: Date) -> bool {
        self.place(day).is_some_and(|(byte, bit)| self.days[byte] & bit != 0)
    }

    /// The days, in order.
    pub fn days(&self) -> impl Iterator<Item = Date> {
        let first = Self::first_day(self.year).expect("a year is checked when it is made");
        (0..366).filter_map(move |days| first.plus_days(days)).filter(|day| self.lists(*day))
    }

    /// The days as they are stored.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.days
    }

    /// The closing days that are stored like this, if they can be.
    pub fn from_stored(year: u16, days: [u8; Self::BYTES]) -> Option<Self> {
        let read = Self { year, days };
        let listed: u32 = days.iter().map(|byte| byte.count_ones()).sum();
        Self::first_day(year)?;
        (usize::try_from(listed) == Ok(read.days().count())).then_some(read)
    }

    fn first_day(year: u16) -> Option<Date> {
        Date::from_civil(i32::from(year), 1, 1)
    }

    /// Byte and bit of a day of this year.
    fn place(&self, day: Date) -> Option<(usize, u8)> {
        let distance = day.days().checked_sub(Self::first_day(self.year)?.days())?;
        let distance = usize::try_from(distance).ok()?;
        let is_of_year = day.civil().0 == i32::from(self.year);
        is_of_year.then_some((distance / 8, 1 << (distance % 8)))
    }
}

impl fmt::Debug for ClosingDays {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.days()).finish()
    }
}

/// Easter of the Gregorian calendar, by the method that J.-M. Oudin published in 1940.
fn easter_sunday(year: i32) -> Option<Date> {
    let century = year / 100;
    let golden = year % 19;
    let correction = (century - 17) / 25;
    let epact = (century - century / 4 - (century - correction) / 3 + 19 * golden + 15) % 30;
    let moon = epact - epact / 28 * (1 - epact / 28 * (29 / (epact + 1)) * ((21 - golden) / 11));
    let weekday = (year + year / 4 + moon + 2 - century + century / 4) % 7;
    let sunday = moon - weekday;
    let month = 3 + (sunday + 40) / 44;
    Date::from_civil(year, month, sunday + 28 - 31 * (month / 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    /// As the ECB published them.
    #[test]
    fn target_days_are_those_of_the_calendars_that_were_published() {
        for (year, good_friday, easter_monday) in [
            (2024, "2024-03-29", "2024-04-01"),
            (2025, "2025-04-18", "2025-04-21"),
            (2026, "2026-04-03", "2026-04-06"),
            (2027, "2027-03-26", "2027-03-29"),
            (2028, "2028-04-14", "2028-04-17"),
            (2038, "2038-04-23", "2038-04-26"),
        ] {
            let closing = ClosingDays::target(year).unwrap();
            let expected = [
                date(&format!("{year}-01-01")),
                date(good_friday),
                date(easter_monday),
                date(&format!("{year}-05-01")),
                date(&format!("{year}-12-25")),
                date(&format!("{year}-12-26")),
            ];
            assert_eq!(closing.days().collect::<Vec<_>>(), expected, "{year}");
        }
    }

    #[test]
    fn days_of_other_years_are_not_listed() {
        let closing = ClosingDays::none(2028).unwrap();
        assert!(closing.with(date("2027-12-31")).is_none());
        assert!(closing.with(date("2029-01-01")).is_none());
        let leap = closing.with(date("2028-12-31")).unwrap();
        assert!(leap.lists(date("2028-12-31")) && !leap.lists(date("2028-12-30")));
        assert!(!leap.lists(date("2029-01-01")));
        assert!(ClosingDays::none(1969).is_none() && ClosingDays::target(2262).is_none());
    }

    #[test]
    fn what_is_stored_comes_back_and_no_year_has_days_beyond_its_end() {
        let closing = ClosingDays::target(2026).unwrap();
        assert_eq!(ClosingDays::from_stored(2026, *closing.as_bytes()), Some(closing));
        let mut days = *closing.as_bytes();
        days[45] |= 1 << 5;
        assert_eq!(ClosingDays::from_stored(2026, days), None, "2026 has 365 days");
        assert!(ClosingDays::from_stored(2028, days).is_some(), "2028 has one more");
        assert_eq!(ClosingDays::from_stored(1969, [0; 48]), None);
    }

    proptest::proptest! {
        #[test]
        fn easter_is_a_sunday_in_spring(year in 1970..=2259_i32) {
            let easter = easter_sunday(year).unwrap();
            assert!(easter.is_weekend() && !easter.plus_days(1).unwrap().is_weekend());
            let (_, month, day) = easter.civil();
            assert!((month == 3 && day >= 22) || (month == 4 && day <= 25), "{easter}");
        }
    }
}
