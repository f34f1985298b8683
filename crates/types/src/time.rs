//! Instants, spans and calendar dates, all in UTC. Time zones belong to the edges.

use std::fmt;

/// An instant: nanoseconds since 1970-01-01T00:00:00Z, between the years 1970 and 2262.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// A span of time in nanoseconds, never negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(i64);

/// A calendar day, counted from 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Date(i32);

/// A text that is not a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a date is YYYY-MM-DD, between 1970 and 2261")]
pub struct DateError;

const NANOSECONDS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

impl Timestamp {
    /// The instant this many nanoseconds after 1970; `None` before it.
    pub const fn from_nanoseconds(nanoseconds: i64) -> Option<Self> {
        if nanoseconds < 0 { None } else { Some(Self(nanoseconds)) }
    }

    /// Nanoseconds since 1970, as stored.
    pub const fn nanoseconds(self) -> i64 {
        self.0
    }

    /// Milliseconds since 1970, rounded down.
    pub const fn milliseconds(self) -> i64 {
        self.0 / 1_000_000
    }

    /// This much later; the last representable instant if that is past it.
    pub const fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// This much earlier; 1970 if that is before it.
    pub const fn minus(self, span: Duration) -> Self {
        let difference = self.0.saturating_sub(span.0);
        Self(if difference < 0 { 0 } else { difference })
    }

    /// How long after `earlier` this is; nothing if it is before.
    pub const fn since(self, earlier: Self) -> Duration {
        let difference = self.0.saturating_sub(earlier.0);
        Duration(if difference < 0 { 0 } else { difference })
    }

    /// The calendar day in UTC.
    pub fn date(self) -> Date {
        let days = self.0 / (NANOSECONDS_PER_SECOND * SECONDS_PER_DAY);
        Date(i32::try_from(days).expect("the range of instants ends in 2262"))
    }

    /// The instant of a UTC calendar day, hour, minute, second and nanosecond, if each is in range.
    pub fn from_civil(date: Date, hour: u32, minute: u32, second: u32, nanosecond: u32) -> Option<Self> {
        if hour > 23 || minute > 59 || second > 59 || nanosecond > 999_999_999 {
            return None;
        }
        let seconds = i64::from(date.0)
            .checked_mul(SECONDS_PER_DAY)?
            .checked_add(i64::from(hour * 3600 + minute * 60 + second))?;
        let nanoseconds = seconds.checked_mul(NANOSECONDS_PER_SECOND)?.checked_add(i64::from(nanosecond))?;
        Self::from_nanoseconds(nanoseconds)
    }
}

/// `2026-11-21T10:00:00.05Z`: milliseconds, without the zeros at their end, as the 2025 guidelines write it.
impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / NANOSECONDS_PER_SECOND;
        let second = seconds % SECONDS_PER_DAY;
        let (hour, minute) = (second / 3600, second % 3600 / 60);
        write!(formatter, "{}T{hour:02}:{minute:02}:{:02}", self.date(), second % 60)?;
        let milliseconds = self.0 % NANOSECONDS_PER_SECOND / 1_000_000;
        if milliseconds != 0 {
            let digits = format!("{milliseconds:03}");
            write!(formatter, ".{}", digits.trim_end_matches('0'))?;
        }
        formatter.write_str("Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of whole seconds.
    pub const fn from_seconds(seconds: u32) -> Self {
        // A widening of 32 to 64 bits; `From` is not usable in constants.
        #[allow(clippy::as_conversions)]
        Self(seconds as i64 * NANOSECONDS_PER_SECOND)
    }

    /// A span of whole milliseconds.
    pub const fn from_milliseconds(milliseconds: u32) -> Self {
        // A widening of 32 to 64 bits; `From` is not usable in constants.
        #[allow(clippy::as_conversions)]
        Self(milliseconds as i64 * 1_000_000)
    }

    /// A span of this many nanoseconds; `None` if negative.
    pub const fn from_nanoseconds(nanoseconds: i64) -> Option<Self> {
        if nanoseconds < 0 { None } else { Some(Self(nanoseconds)) }
    }

    /// Nanoseconds, as stored.
    pub const fn nanoseconds(self) -> i64 {
        self.0
    }

    /// The span for the standard library's timers.
    pub fn to_standard(self) -> std::time::Duration {
        std::time::Duration::from_nanos(u64::try_from(self.0).expect("a span is never negative"))
    }
}

impl fmt::Debug for Duration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.to_standard())
    }
}

impl Date {
    /// The day this many days after 1970-01-01.
    pub const fn from_days(days: i32) -> Option<Self> {
        if days < 0 || days > 106_000 { None } else { Some(Self(days)) }
    }

    /// Days since 1970-01-01, as stored.
    pub const fn days(self) -> i32 {
        self.0
    }

    /// This many days later, or earlier if negative; `None` outside of the range.
    pub const fn plus_days(self, days: i32) -> Option<Self> {
        match self.0.checked_add(days) {
            Some(days) => Self::from_days(days),
            None => None,
        }
    }

    /// The same day of the month so many months later, or that month's last if it has none.
    pub fn plus_months(self, months: u16) -> Option<Self> {
        let (year, month, day) = self.civil();
        let months = year * 12 + month - 1 + i32::from(months);
        let last_days = (0..4).map(|shorter| Self::from_civil(months / 12, months % 12 + 1, day - shorter));
        last_days.flatten().next()
    }

    /// Whether it is a Saturday or a Sunday.
    pub const fn is_weekend(self) -> bool {
        // 1970-01-01 was a Thursday.
        matches!(self.0 % 7, 2 | 3)
    }

    /// Reads `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return Err(DateError);
        }
        let number = |digits: &[u8]| {
            digits.iter().try_fold(0_i32, |value, byte| match byte.is_ascii_digit() {
                true => Ok(value * 10 + i32::from(byte - b'0')),
                false => Err(DateError),
            })
        };
        Self::from_civil(number(&bytes[..4])?, number(&bytes[5..7])?, number(&bytes[8..])?).ok_or(DateError)
    }

    /// The day with this year, month (1 to 12) and day of the month, if there is one.
    pub fn from_civil(year: i32, month: i32, day: i32) -> Option<Self> {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        if !(1970..=2261).contains(&year) || !(1..=length).contains(&day) {
            return None;
        }
        // Howard Hinnant, "chrono-compatible low-level date algorithms": years start in March.
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let (era, year_of_era) = (year / 400, year % 400);
        let day_of_year = (153 * month + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Self::from_days(era * 146_097 + day_of_era - 719_468)
    }

    /// Year, month (1 to 12) and day of the month.
    pub const fn civil(self) -> (i32, i32, i32) {
        let days = self.0 + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
        (year, month, day)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(formatter, "{year:04}-{month:02}-{day:02}")
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_print_without_zeros_at_the_end() {
        let date = Date::parse("2026-11-21").unwrap();
        let at = |nanosecond| Timestamp::from_civil(date, 10, 0, 9, nanosecond).unwrap().to_string();
        assert_eq!(at(0), "2026-11-21T10:00:09Z");
        assert_eq!(at(50_000_000), "2026-11-21T10:00:09.05Z");
        assert_eq!(at(700_000_000), "2026-11-21T10:00:09.7Z");
        assert_eq!(at(123_456_789), "2026-11-21T10:00:09.123Z");
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for text in
            ["2026-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "1969-12-31", "26-11-21", "2026/11/21"]
        {
            assert_eq!(Date::parse(text), Err(DateError), "{text}");
        }
        assert_eq!(Date::parse("2000-02-29").unwrap().to_string(), "2000-02-29");
        assert_eq!(Date::parse("1970-01-01").unwrap().days(), 0);
    }

    #[test]
    fn months_later_is_the_same_day_or_the_last() {
        let later = |text, months| Date::parse(text).unwrap().plus_months(months).unwrap().to_string();
        assert_eq!(later("2026-01-31", 1), "2026-02-28");
        assert_eq!(later("2027-01-31", 13), "2028-02-29");
        assert_eq!(later("2026-11-22", 13), "2027-12-22");
        assert_eq!(later("2026-12-31", 0), "2026-12-31");
        assert_eq!(Date::from_days(106_000).unwrap().plus_months(1), None, "the range ends there");
    }

    #[test]
    fn weekends_are_two_days_of_seven() {
        let is_weekend = |text| Date::parse(text).unwrap().is_weekend();
        assert!(is_weekend("2026-11-21") && is_weekend("2026-11-22"));
        assert!(!is_weekend("2026-11-20") && !is_weekend("2026-11-23"));
    }

    proptest::proptest! {
        #[test]
        fn days_round_trip(days in 0..106_000_i32) {
            let date = Date::from_days(days).unwrap();
            assert_eq!(Date::parse(&date.to_string()), Ok(date));
        }
    }
}
