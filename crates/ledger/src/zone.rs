//! In which calendar day of a bank's zone a moment lies.
//!
//! The core knows no time zone. What it is told, by a logged command, is by how much a bank's clock is ahead of UTC, and,
//! ahead of time, when that changes next and to what. So the change comes with log time and waits for nobody.

use types::{Date, Timestamp};

/// A bank's clock. UTC until a command says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// Minutes that it is ahead of UTC.
    pub offset: ZoneOffset,
    /// When that changes next, and to what.
    pub change: Option<ZoneChange>,
}

/// A change of a bank's clock, such as the beginning of summer time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneChange {
    /// The first moment of the new offset.
    pub at: Timestamp,
    /// The offset from then on.
    pub offset: ZoneOffset,
}

/// Minutes ahead of UTC, at most 14 hours in either direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ZoneOffset(i16);

impl ZoneOffset {
    const MINUTES_MAX: i16 = 14 * 60;

    /// This many minutes ahead of UTC, if there can be such a clock.
    pub fn from_minutes(minutes: i16) -> Option<Self> {
        (-Self::MINUTES_MAX..=Self::MINUTES_MAX).contains(&minutes).then_some(Self(minutes))
    }

    /// The minutes.
    pub const fn minutes(self) -> i16 {
        self.0
    }
}

const MINUTE: i64 = 60_000_000_000;
const DAY: i64 = 24 * 60 * MINUTE;

impl Zone {
    /// The calendar day in which a moment lies, in days since 1970.
    pub fn day(&self, time: Timestamp) -> i32 {
        let offset = self.offset_at(time);
        // A time of day of the 15th century would still be far from the ends of the range.
        let local = time.nanoseconds().saturating_add(i64::from(offset.0) * MINUTE);
        i32::try_from(local.div_euclid(DAY)).expect("64 bits of nanoseconds are some hundred thousand days")
    }

    fn offset_at(&self, time: Timestamp) -> ZoneOffset {
        match self.change {
            Some(change) if change.at <= time => change.offset,
            Some(_) | None => self.offset,
        }
    }

    /// What the clock shows at a moment; its beginning where that is before 1970.
    pub fn local(&self, time: Timestamp) -> LocalTime {
        let local = time.nanoseconds().saturating_add(i64::from(self.offset_at(time).0) * MINUTE);
        LocalTime(local.clamp(0, LocalTime::LAST.0))
    }

    /// The moment at which the clock shows this, by what is known now of its changes. A time that it passes over or shows
    /// twice is taken as that before the change.
    pub fn moment(&self, local: LocalTime) -> Timestamp {
        let at = |offset: ZoneOffset| {
            let time = local.0.saturating_sub(i64::from(offset.0) * MINUTE);
            Timestamp::from_nanoseconds(time).unwrap_or_default()
        };
        let before = at(self.offset);
        match self.change {
            Some(change) if change.at <= before => at(change.offset),
            Some(_) | None => before,
        }
    }
}

/// What a bank's clock shows: nanoseconds since 1970-01-01 00:00 of that clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalTime(i64);

impl LocalTime {
    /// Before every other: what is due then is due at once.
    pub const AT_ONCE: Self = Self(0);

    /// The last that there is.
    const LAST: Self = Self(106_000 * DAY);

    /// This many nanoseconds since 1970, if clocks go so far.
    pub const fn from_nanoseconds(nanoseconds: i64) -> Option<Self> {
        if nanoseconds < 0 || nanoseconds > Self::LAST.0 { None } else { Some(Self(nanoseconds)) }
    }

    /// The beginning of a day.
    pub fn of_day(date: Date) -> Self {
        Self(i64::from(date.days()) * DAY)
    }

    /// A minute of a day, if days have so many.
    pub fn of_minute(date: Date, minute: u16) -> Option<Self> {
        (i64::from(minute) * MINUTE < DAY).then(|| Self(Self::of_day(date).0 + i64::from(minute) * MINUTE))
    }

    /// The nanoseconds.
    pub const fn nanoseconds(self) -> i64 {
        self.0
    }

    /// The day in which it lies.
    pub fn date(self) -> Date {
        let days = i32::try_from(self.0 / DAY).expect("a range of days");
        Date::from_days(days).expect("the last is a day")
    }

    /// The beginning of the day after.
    pub fn end_of_day(self) -> Self {
        Self((self.0 - self.0 % DAY + DAY).min(Self::LAST.0))
    }

    /// The same time of another day.
    pub fn on(self, date: Date) -> Self {
        Self((Self::of_day(date).0 + self.0 % DAY).min(Self::LAST.0))
    }
}

#[cfg(test)]
mod tests {
    use types::Date;

    use super::*;

    fn utc(date: &str, hour: u32, minute: u32) -> Timestamp {
        Timestamp::from_civil(Date::parse(date).unwrap(), hour, minute, 0, 0).unwrap()
    }

    fn day(date: &str) -> i32 {
        Date::parse(date).unwrap().days()
    }

    #[test]
    fn day_begins_at_midnight_of_the_zone() {
        let ahead = |minutes| Zone { offset: ZoneOffset::from_minutes(minutes).unwrap(), change: None };
        for (minutes, hour, minute, expected) in [
            (0, 0, 0, "2026-03-10"),
            (0, 23, 59, "2026-03-10"),
            (60, 22, 59, "2026-03-10"),
            (60, 23, 0, "2026-03-11"),
            (-300, 4, 59, "2026-03-09"),
            (-300, 5, 0, "2026-03-10"),
            (840, 9, 59, "2026-03-10"),
            (840, 10, 0, "2026-03-11"),
        ] {
            let found = ahead(minutes).day(utc("2026-03-10", hour, minute));
            assert_eq!(found, day(expected), "{minutes} minutes ahead, {hour}:{minute:02} UTC");
        }
    }

    #[test]
    fn change_comes_at_its_moment() {
        let at = utc("2026-03-29", 1, 0);
        let change = ZoneChange { at, offset: ZoneOffset::from_minutes(120).unwrap() };
        let zone = Zone { offset: ZoneOffset::from_minutes(60).unwrap(), change: Some(change) };
        assert_eq!(zone.day(utc("2026-03-28", 22, 59)), day("2026-03-28"));
        assert_eq!(zone.day(utc("2026-03-28", 23, 0)), day("2026-03-29"));
        assert_eq!(zone.day(utc("2026-03-29", 21, 59)), day("2026-03-29"));
        assert_eq!(zone.day(utc("2026-03-29", 22, 0)), day("2026-03-30"));
    }

    #[test]
    fn offsets_are_those_of_clocks() {
        assert!(ZoneOffset::from_minutes(841).is_none());
        assert!(ZoneOffset::from_minutes(-841).is_none());
        assert_eq!(ZoneOffset::from_minutes(-840).unwrap().minutes(), -840);
    }
}
