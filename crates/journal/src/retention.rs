//! How long personal data is kept: one rule for everyone who destroys keys.
//!
//! Invariant: nothing that is younger than 13 months is erased, whoever asks.

use types::Date;

/// Directive (EU) 2015/2366, article 71: a payer has 13 months to notify a payment that was not authorised.
pub const MONTHS_KEPT_MIN: i32 = 13;

/// Where nothing else is asked for: the longest that the commercial and tax law of the euro area has records kept.
pub const MONTHS_KEPT_DEFAULT: i32 = 120;

const _: () = assert!(MONTHS_KEPT_DEFAULT >= MONTHS_KEPT_MIN);

/// What was written in the last 13 months can't be erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{asked} is too recent: what was written in the last {MONTHS_KEPT_MIN} months is kept, so the latest is {latest}"
)]
pub struct TooRecent {
    /// The day before which was to be erased.
    pub asked: Date,
    /// The latest day that can be asked for.
    pub latest: Date,
}

/// The day before which is erased, if that is long enough ago; ten years ago if none is asked for.
///
/// # Errors
/// If it lies in the last 13 months.
pub fn erasable_before(asked: Option<Date>, today: Date) -> Result<Date, TooRecent> {
    let latest = months_before(today, MONTHS_KEPT_MIN);
    let asked = asked.unwrap_or_else(|| months_before(today, MONTHS_KEPT_DEFAULT));
    if asked <= latest { Ok(asked) } else { Err(TooRecent { asked, latest }) }
}

/// How keys count this day: the keys of all days before it have lower numbers.
///
/// # Panics
/// Never: a date does not lie before 1970.
pub fn key_of_day(date: Date) -> u32 {
    u32::try_from(date.days()).expect("no date lies before 1970")
}

/// The day of a key; none for a number that no key has.
pub fn day_of_key(number: u32) -> Option<Date> {
    i32::try_from(number).ok().and_then(Date::from_days)
}

/// The same day so many months earlier, or the last one of that month; the first day of 1970 at the earliest.
fn months_before(date: Date, months: i32) -> Date {
    let (year, month, day) = date.civil();
    let month = year * 12 + (month - 1) - months;
    let find = |day| Date::from_civil(month.div_euclid(12), month.rem_euclid(12) + 1, day);
    (1..=day).rev().find_map(find).or_else(|| Date::from_days(0)).expect("1970 began with a first day")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    #[test]
    fn the_last_thirteen_months_can_not_be_erased_and_ten_years_are_kept_by_default() {
        let today = date("2026-11-22");
        assert_eq!(erasable_before(None, today).unwrap(), date("2016-11-22"));
        assert_eq!(erasable_before(Some(date("2025-10-22")), today).unwrap(), date("2025-10-22"));
        let error = erasable_before(Some(date("2025-10-23")), today).unwrap_err().to_string();
        assert!(error.contains("the latest is 2025-10-22"), "{error}");
        assert!(erasable_before(Some(date("2030-01-01")), today).is_err());
    }

    #[test]
    fn months_end_where_they_end() {
        for (day, months, expected) in [
            ("2026-03-31", 13, "2025-02-28"),
            ("2025-03-31", 13, "2024-02-29"),
            ("2026-01-15", 1, "2025-12-15"),
            ("2026-01-15", 12, "2025-01-15"),
            ("1970-05-05", 13, "1970-01-01"),
        ] {
            assert_eq!(months_before(date(day), months), date(expected), "{day} less {months}");
        }
    }

    #[test]
    fn keys_count_days() {
        assert_eq!((key_of_day(date("2026-11-22")), day_of_key(20_779)), (20_779, Some(date("2026-11-22"))));
        assert_eq!(day_of_key(u32::MAX), None);
    }
}
