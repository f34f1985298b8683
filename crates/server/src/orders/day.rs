//! When a day begins on a bank's clock.

use ledger::Zone;
use types::{Date, Timestamp};

const MINUTE: i64 = 60_000_000_000;

/// The first moment of a day on a bank's clock; `None` at the end of time.
///
/// The core knows the present offset and the next change, so a day behind a further change begins up to an hour early or late.
pub(super) fn begins(zone: Zone, date: Date) -> Option<Timestamp> {
    let midnight = Timestamp::from_civil(date, 0, 0, 0, 0)?;
    let at = |minutes: i16| {
        let nanoseconds = midnight.nanoseconds().checked_sub(i64::from(minutes) * MINUTE)?;
        Timestamp::from_nanoseconds(nanoseconds)
    };
    let before = at(zone.offset.minutes())?;
    match zone.change {
        Some(change) if change.at <= before => at(change.offset.minutes()),
        Some(_) | None => Some(before),
    }
}

#[cfg(test)]
mod tests {
    use ledger::{ZoneChange, ZoneOffset};

    use super::*;

    fn at(text: &str, hour: u32) -> Timestamp {
        Timestamp::from_civil(Date::parse(text).unwrap(), hour, 0, 0, 0).unwrap()
    }

    #[test]
    fn a_day_begins_at_midnight_of_the_clock_in_force_then() {
        let offset = |minutes| ZoneOffset::from_minutes(minutes).unwrap();
        let brussels = Zone {
            offset: offset(60),
            change: Some(ZoneChange { at: at("2027-03-28", 1), offset: offset(120) }),
        };
        let begin = |zone, day| begins(zone, Date::parse(day).unwrap()).unwrap();
        assert_eq!(begin(Zone::default(), "2026-11-30"), at("2026-11-30", 0));
        assert_eq!(begin(brussels, "2026-11-30"), at("2026-11-29", 23));
        assert_eq!(begin(brussels, "2027-03-28"), at("2027-03-27", 23));
        assert_eq!(begin(brussels, "2027-03-29"), at("2027-03-28", 22));
    }
}
