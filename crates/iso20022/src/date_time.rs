//! Dates and times as they stand in a message (`xs:date`, `xs:dateTime`), and back to text in the same shape.

use types::{Date, Duration, Timestamp};

/// A date and time as written: the zone and the number of fraction digits are part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DateTime {
    date: Date,
    /// 0 to 86400; the last stands for 24:00:00.
    second_of_day: u32,
    nanosecond: u32,
    fraction_digits: usize,
    pub(crate) zone: Zone,
}

/// The zone of a time as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zone {
    /// None is given, so the instant is not certain.
    Absent,
    /// `Z`.
    Utc,
    /// `+hh:mm` or `-hh:mm`.
    Offset {
        /// West of Greenwich: local clocks are behind.
        west: bool,
        /// At most 14 hours.
        minutes: u32,
    },
}

/// The finest time that a [`Timestamp`] holds.
pub(crate) const FRACTION_DIGITS_MAX: usize = 9;

const SECONDS_PER_DAY: u32 = 86_400;
const NANOSECONDS_PER_SECOND: i64 = 1_000_000_000;

impl DateTime {
    /// Reads `YYYY-MM-DDThh:mm:ss`, an optional fraction and an optional zone. Years end before 2260.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.split_at_checked(10)?;
        let date = Date::parse(date).ok()?;
        let time = parse_time(time)?;
        Some(Self {
            date,
            second_of_day: time.second_of_day,
            nanosecond: time.nanosecond,
            fraction_digits: time.fraction_digits,
            zone: time.zone,
        })
    }

    /// The instant; without a zone, as if it were UTC. `None` before 1970.
    pub(crate) fn instant(&self) -> Option<Timestamp> {
        let local = i64::from(self.date.days()) * i64::from(SECONDS_PER_DAY) + i64::from(self.second_of_day);
        let seconds = local - self.zone.seconds();
        let nanoseconds = seconds.checked_mul(NANOSECONDS_PER_SECOND)?.checked_add(self.nanosecond.into())?;
        Timestamp::from_nanoseconds(nanoseconds)
    }

    /// Whether the fraction can be held exactly.
    pub(crate) fn is_exact(&self) -> bool {
        self.fraction_digits <= FRACTION_DIGITS_MAX
    }

    /// Another instant in the same shape; digits that the shape has no room for are cut.
    pub(crate) fn with_instant(&self, instant: Timestamp) -> String {
        let seconds = instant.nanoseconds() / NANOSECONDS_PER_SECOND + self.zone.seconds();
        let local = Timestamp::from_nanoseconds(seconds.saturating_mul(NANOSECONDS_PER_SECOND));
        // Within an offset of the ends of time the text can't be written; nobody settles payments there.
        let mut text = local.unwrap_or_default().to_string();
        assert_eq!(text.pop(), Some('Z'), "whole seconds in UTC end with their zone");
        if self.fraction_digits > 0 {
            let fraction = format!("{:09}", instant.nanoseconds() % NANOSECONDS_PER_SECOND);
            let digits = self.fraction_digits.min(FRACTION_DIGITS_MAX);
            text.push('.');
            text.push_str(&fraction[..digits]);
            text.extend(std::iter::repeat_n('0', self.fraction_digits - digits));
        }
        text.push_str(&self.zone.text());
        text
    }
}

impl Zone {
    /// How many minutes local clocks are ahead of UTC.
    pub(crate) fn minutes_ahead(self) -> i32 {
        i32::try_from(self.seconds() / 60).expect("at most 14 hours")
    }

    /// How far local clocks are ahead of UTC.
    fn seconds(self) -> i64 {
        match self {
            Self::Absent | Self::Utc => 0,
            Self::Offset { west, minutes } => i64::from(minutes) * if west { -60 } else { 60 },
        }
    }

    fn text(self) -> String {
        match self {
            Self::Absent => String::new(),
            Self::Utc => "Z".into(),
            Self::Offset { west, minutes } => {
                format!("{}{:02}:{:02}", if west { '-' } else { '+' }, minutes / 60, minutes % 60)
            }
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (west, clock) = match text.split_at_checked(1) {
            None if text.is_empty() => return Some(Self::Absent),
            Some(("Z", "")) => return Some(Self::Utc),
            Some(("+", clock)) => (false, clock),
            Some(("-", clock)) => (true, clock),
            None | Some(_) => return None,
        };
        let (hours, minutes) = clock.split_once(':')?;
        let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
        let total = hours * 60 + minutes;
        (minutes < 60 && total <= 14 * 60).then_some(Self::Offset { west, minutes: total })
    }
}

/// What a clock shows at an instant that is so many minutes ahead of UTC, as if it were UTC.
pub(crate) fn shown(instant: Timestamp, minutes_ahead: i32) -> Timestamp {
    let ahead = i64::from(minutes_ahead) * 60 * NANOSECONDS_PER_SECOND;
    // Nobody settles payments within hours of the ends of time.
    Timestamp::from_nanoseconds(instant.nanoseconds().saturating_add(ahead)).unwrap_or_default()
}

/// An instant as such a clock shows it, in milliseconds, with its distance from UTC.
pub(crate) fn on_clock(instant: Timestamp, minutes_ahead: i32) -> String {
    let mut text = shown(instant, minutes_ahead).to_string();
    assert_eq!(text.pop(), Some('Z'), "instants are written in UTC");
    let zone = Zone::Offset { west: minutes_ahead < 0, minutes: minutes_ahead.unsigned_abs() };
    text + &zone.text()
}

/// The part of a date and time from the `T` on.
struct Time {
    second_of_day: u32,
    nanosecond: u32,
    fraction_digits: usize,
    zone: Zone,
}

fn parse_time(text: &str) -> Option<Time> {
    parse_clock(text.strip_prefix('T')?)
}

fn parse_clock(text: &str) -> Option<Time> {
    let (clock, rest) = text.split_at_checked(8)?;
    let (hour, minute, second) = (clock.get(..2)?, clock.get(3..5)?, clock.get(6..)?);
    if clock.as_bytes()[2] != b':' || clock.as_bytes()[5] != b':' {
        return None;
    }
    let (hour, minute, second) = (two_digits(hour)?, two_digits(minute)?, two_digits(second)?);
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count()),
        None => ("", rest),
    };
    if rest.starts_with('.') && fraction.is_empty() {
        return None;
    }
    let nanosecond = fraction
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(FRACTION_DIGITS_MAX)
        .fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    let midnight = hour == 24 && minute == 0 && second == 0 && fraction.bytes().all(|digit| digit == b'0');
    if minute > 59 || second > 59 || (hour > 23 && !midnight) {
        return None;
    }
    Some(Time {
        second_of_day: hour * 3600 + minute * 60 + second,
        nanosecond,
        fraction_digits: fraction.len(),
        zone: Zone::parse(zone)?,
    })
}

fn two_digits(text: &str) -> Option<u32> {
    match text.as_bytes() {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
            Some(u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
        }
        _ => None,
    }
}

/// Whether a text is an `xs:dateTime` with a year of four digits.
pub(crate) fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_at_checked(10) else { return false };
    is_day(date) && parse_time(time).is_some()
}

/// Whether a text is an `xs:time`.
pub(crate) fn is_time(text: &str) -> bool {
    parse_clock(text).is_some()
}

/// Whether a text is an `xs:date` with a year of four digits. It may have a zone.
pub(crate) fn is_date(text: &str) -> bool {
    let Some((day, zone)) = text.split_at_checked(10) else { return false };
    is_day(day) && Zone::parse(zone).is_some()
}

/// `YYYY-MM-DD`, of any year from 1 on: people are born before [`Date`] begins.
fn is_day(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' || !text.is_ascii() {
        return false;
    }
    let numbers =
        (two_digits(&text[..2]), two_digits(&text[2..4]), two_digits(&text[5..7]), two_digits(&text[8..]));
    let (Some(century), Some(year), Some(month), Some(day)) = numbers else { return false };
    let year = century * 100 + year;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    year > 0 && (1..=length).contains(&day)
}

/// How many days later another date is; negative if it is earlier.
pub(crate) fn days_between(from: Date, to: Date) -> i32 {
    to.days() - from.days()
}

/// The instant this far from another; `None` before 1970.
pub(crate) fn shifted(instant: Timestamp, from: Timestamp, to: Timestamp) -> Option<Timestamp> {
    match to >= from {
        true => Some(instant.plus(to.since(from))),
        false => {
            let back: Duration = from.since(to);
            Timestamp::from_nanoseconds(instant.nanoseconds().checked_sub(back.nanoseconds())?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn instant(text: &str) -> Option<String> {
        DateTime::parse(text).and_then(|time| time.instant()).map(|instant| instant.to_string())
    }

    #[test]
    fn zones_and_fractions_are_read() {
        assert_eq!(instant("2026-11-21T10:00:00Z").as_deref(), Some("2026-11-21T10:00:00Z"));
        assert_eq!(instant("2026-11-21T12:00:00.050+02:00").as_deref(), Some("2026-11-21T10:00:00.05Z"));
        assert_eq!(instant("2026-11-20T23:30:00.1-05:30").as_deref(), Some("2026-11-21T05:00:00.1Z"));
        assert_eq!(instant("2026-11-20T24:00:00Z").as_deref(), Some("2026-11-21T00:00:00Z"));
        assert_eq!(instant("2026-11-21T10:00:00").as_deref(), Some("2026-11-21T10:00:00Z"));
        assert_eq!(instant("1970-01-01T00:00:00+01:00"), None, "before the epoch");
        let fine = DateTime::parse("2026-11-21T10:00:00.123456789Z").unwrap();
        assert_eq!(fine.instant().unwrap().nanoseconds() % NANOSECONDS_PER_SECOND, 123_456_789);
        assert!(fine.is_exact());
        assert!(!DateTime::parse("2026-11-21T10:00:00.1234567890Z").unwrap().is_exact());
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2026-11-21",
            "2026-11-21T",
            "2026-11-21 10:00:00Z",
            "2026-11-21T10:00Z",
            "2026-11-21T10:00:60Z",
            "2026-11-21T24:00:01Z",
            "2026-11-21T10:00:00.Z",
            "2026-11-21T10:00:00z",
            "2026-11-21T10:00:00+2:00",
            "2026-11-21T10:00:00+14:01",
            "2026-11-21T10:00:00+01:60",
            "2026-11-21T10:00:00+0100",
            "2026-02-30T10:00:00Z",
            "2026-11-21T1é:00:00Z",
            "2026-11-21T10:00:00é",
            "２026-11-21T10:00:00Z",
        ] {
            assert!(!is_date_time(text), "{text}");
            assert_eq!(DateTime::parse(text), None, "{text}");
        }
    }

    #[test]
    fn days_of_births_long_ago_are_read() {
        for text in ["1899-02-28", "2000-02-29", "0001-01-01", "1950-06-30Z", "9999-12-31+01:00"] {
            assert!(is_date(text), "{text}");
        }
        for text in
            ["1900-02-29", "0000-01-01", "1950-6-30", "1950-13-01", "1950-06-31", "1950-06-30 ", "19500630"]
        {
            assert!(!is_date(text), "{text}");
        }
    }

    #[test]
    fn another_instant_keeps_the_shape() {
        let now = DateTime::parse("2027-01-02T03:04:05.678901234Z").unwrap().instant().unwrap();
        for (shape, text) in [
            ("2026-11-21T10:00:00Z", "2027-01-02T03:04:05Z"),
            ("2026-11-21T10:00:00.0Z", "2027-01-02T03:04:05.6Z"),
            ("2026-11-21T10:00:00.000+00:00", "2027-01-02T03:04:05.678+00:00"),
            ("2026-11-21T10:00:00.000000-05:00", "2027-01-01T22:04:05.678901-05:00"),
            ("2026-11-21T10:00:00.000000000+02:00", "2027-01-02T05:04:05.678901234+02:00"),
            ("2026-11-21T10:00:00.00000000000", "2027-01-02T03:04:05.67890123400"),
        ] {
            assert_eq!(DateTime::parse(shape).unwrap().with_instant(now), text);
        }
    }

    #[test]
    fn an_instant_stands_on_the_day_of_its_clock() {
        let instant = DateTime::parse("2026-11-22T23:30:00.25Z").unwrap().instant().unwrap();
        for (minutes, text) in [
            (60, "2026-11-23T00:30:00.25+01:00"),
            (-330, "2026-11-22T18:00:00.25-05:30"),
            (840, "2026-11-23T13:30:00.25+14:00"),
        ] {
            assert_eq!(on_clock(instant, minutes), text);
            let read = DateTime::parse(text).unwrap();
            assert_eq!((read.instant(), read.zone.minutes_ahead()), (Some(instant), minutes));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[-0-9T:.Z+é]{0,40}") {
            proptest::prop_assert!(DateTime::parse(&text).is_none() || is_date_time(&text));
            is_date(&text);
        }
    }
}
