//! Days against what calendars and logs say of them.

use super::*;

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn utc(day: &str, hour: u32, minute: u32) -> Timestamp {
    Timestamp::from_civil(date(day), hour, minute, 0, 0).unwrap()
}

const ANY: Sequence = Sequence(1);

#[test]
fn days_in_frankfurt_follow_summer_and_winter() {
    for (day, from, hours) in [
        ("2026-01-15", "2026-01-14T23:00:00Z", 24),
        ("2026-03-28", "2026-03-27T23:00:00Z", 24),
        ("2026-03-29", "2026-03-28T23:00:00Z", 23),
        ("2026-03-30", "2026-03-29T22:00:00Z", 24),
        ("2026-10-25", "2026-10-24T22:00:00Z", 25),
        ("2026-10-26", "2026-10-25T23:00:00Z", 24),
    ] {
        let span = Days::Frankfurt.span(date(day)).unwrap();
        assert_eq!(span.from.time.to_string(), from);
        let length = span.until.unwrap().time.since(span.from.time);
        assert_eq!(length.nanoseconds(), hours * HOUR, "{day}");
    }
}

#[test]
fn days_follow_each_other_and_hold_their_instants() {
    let summer = |from, until| {
        Days::Clock(Clock(vec![
            (Timestamp::default(), 0),
            (utc(from, 1, 0), 2 * HOUR),
            (utc(until, 23, 30), 0),
        ]))
    };
    let clocks = [Days::offset(0), Days::offset(-150), Days::offset(14 * 60)].map(Option::unwrap);
    let mut date = date("2026-01-01");
    for days in clocks.into_iter().chain([Days::Frankfurt, summer("2026-03-29", "2026-10-25")]) {
        for _ in 0..800 {
            let span = days.span(date).unwrap();
            let until = span.until.unwrap();
            let next = Date::from_days(date.days() + 1).unwrap();
            assert_eq!(days.span(next).unwrap().from, until);
            assert_eq!((days.of(span.from.time, ANY), days.of(until.time, ANY)), (date, next));
            let last = until.time.minus(Duration::from_nanoseconds(1).unwrap());
            assert_eq!(days.of(last, ANY), date);
            date = next;
        }
        date = Date::from_civil(2026, 1, 1).unwrap();
    }
}

#[test]
fn clock_that_is_put_back_over_midnight_begins_no_day_again() {
    let days = Days::Clock(Clock(vec![(Timestamp::default(), HOUR), (utc("2026-10-25", 23, 30), 0)]));
    for (hour, minute, expected) in [(22, 59, "2026-10-25"), (23, 0, "2026-10-26"), (23, 45, "2026-10-26")] {
        assert_eq!(days.of(utc("2026-10-25", hour, minute), ANY), date(expected), "{hour}:{minute}");
    }
    let day = days.span(date("2026-10-26")).unwrap();
    assert_eq!((day.from.time, day.until.unwrap().time), (utc("2026-10-25", 23, 0), utc("2026-10-27", 0, 0)));
}

/// The business dates of a weekend: the log begins on a Thursday, its first date is the Friday's.
fn dates() -> Days {
    let rolled = |at, day, hour, to: &str, before: Option<&str>| Rolled {
        at: Sequence(at),
        time: utc(day, hour, 0),
        date: date(to),
        before: before.map(date),
    };
    Days::Position(vec![
        rolled(100, "2026-11-20", 8, "2026-11-20", None),
        rolled(200, "2026-11-20", 17, "2026-11-23", Some("2026-11-20")),
        rolled(300, "2026-11-23", 18, "2026-11-24", Some("2026-11-23")),
    ])
}

#[test]
fn position_days_lie_between_the_commands_that_moved_the_date_on() {
    let days = dates();
    let (friday, monday) = (days.span(date("2026-11-20")).unwrap(), days.span(date("2026-11-23")).unwrap());
    // The first date counts from where the calendar's day begins: before it the calendar said the same.
    assert_eq!(friday.from, Edge::at(utc("2026-11-19", 23, 0)));
    assert_eq!(friday.until, Some(Edge { time: utc("2026-11-20", 17, 0), behind: Sequence(200) }));
    assert_eq!(monday.from, friday.until.unwrap());
    assert_eq!(days.span(date("2026-11-19")).unwrap().until, Some(friday.from));
    assert_eq!(days.span(date("2026-11-24")).unwrap().until, None, "nobody has ended it");
    assert_eq!(days.span(date("2026-11-22")), Err(NotNow::NoDate));
    assert_eq!(days.span(date("2026-11-25")), Err(NotNow::NotRolled { date: date("2026-11-24") }));
    // What the same frame booked in front of the command bears the date before it.
    for (at, expected) in [(199, "2026-11-20"), (200, "2026-11-20"), (201, "2026-11-23"), (300, "2026-11-23")]
    {
        assert_eq!(days.of(utc("2026-11-20", 17, 0), Sequence(at)), date(expected), "{at}");
    }
    let passed = Passed { from: monday.from, until: monday.until.unwrap(), is_over: true };
    let time = monday.from.time;
    assert!(!passed.holds(time, Sequence(200)));
    assert!(passed.holds(time, Sequence(201)));
    assert!(passed.holds(passed.until.time, Sequence(300)));
    assert!(!passed.holds(passed.until.time, Sequence(301)));
}

#[test]
fn before_the_first_business_date_days_are_those_of_the_calendar() {
    let first = |day, hour, to| {
        Days::Position(vec![Rolled {
            at: Sequence(9),
            time: utc(day, hour, 0),
            date: date(to),
            before: None,
        }])
    };
    // On a Sunday, to the Monday.
    let days = first("2026-11-22", 13, "2026-11-23");
    let edge = Edge { time: utc("2026-11-22", 13, 0), behind: Sequence(9) };
    let sunday = days.span(date("2026-11-22")).unwrap();
    assert_eq!(sunday, Span { from: Edge::at(utc("2026-11-21", 23, 0)), until: Some(edge) });
    assert_eq!(days.span(date("2026-11-23")).unwrap(), Span { from: edge, until: None });
    assert_eq!(days.of(utc("2026-11-22", 12, 0), Sequence(8)), date("2026-11-22"));
    // On a Saturday: there is no Sunday.
    let days = first("2026-11-21", 13, "2026-11-23");
    assert_eq!(days.span(date("2026-11-22")), Err(NotNow::NoDate));
    assert_eq!(Days::Position(Vec::new()).span(date("2026-11-22")), Days::Frankfurt.span(date("2026-11-22")));
}

#[test]
fn no_clock_is_further_than_fourteen_hours() {
    assert!(Days::offset(840).is_some() && Days::offset(841).is_none() && Days::offset(-841).is_none());
}
