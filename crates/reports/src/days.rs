//! Which bookings belong to a day.
//!
//! Positions have the business date, which moves on where a command says so: a day of theirs lies between two positions of
//! the log. Customers' accounts have the calendar day of their bank's clock, which is logged too. The ledger counts
//! neither, so both are worked out here and nowhere else.
//!
//! Invariant: every booking belongs to one day, and days follow each other without a gap in the order of the log.

use history::{Rolled, StoreError, View, Watermark};
use types::{Bic, Date, Duration, Sequence, Timestamp};

use crate::statement::NotNow;

/// How days are bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Days {
    /// Calendar days of a clock that is so far from UTC, from each of these moments on.
    Clock(Clock),
    /// Calendar days in Frankfurt, with its summer time.
    Frankfurt,
    /// Business dates, from one command that moved them on to the next. Before the first of them, the calendar days of
    /// Frankfurt.
    Position(Vec<Rolled>),
}

/// A clock: from when on it is how far ahead of UTC, in nanoseconds. The first moment is the beginning of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock(Vec<(Timestamp, i64)>);

/// A place between two bookings: behind everything that was booked earlier than a time, and behind what was booked at that
/// time up to a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The time.
    pub time: Timestamp,
    /// The position; 0 if everything at this time lies beyond.
    pub behind: Sequence,
}

/// From one edge on, until another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub from: Edge,
    /// Where it ends; `None` if no command has said so yet.
    pub until: Option<Edge>,
}

/// A day, or as much of it as has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Where it begins.
    pub from: Edge,
    /// Where it ends, or how far history has come.
    pub until: Edge,
    /// Whether it is the whole of the day.
    pub is_over: bool,
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

impl Edge {
    /// In front of everything at a time.
    pub const fn at(time: Timestamp) -> Self {
        Self { time, behind: Sequence(0) }
    }

    const fn behind(rolled: &Rolled) -> Self {
        Self { time: rolled.time, behind: rolled.at }
    }

    /// Whether what was booked at this time and position lies beyond.
    fn is_before(self, time: Timestamp, at: Sequence) -> bool {
        time > self.time || (time == self.time && at > self.behind)
    }
}

impl Passed {
    /// From the first to the last moment of which anything may belong to it.
    pub(crate) fn times(&self) -> (Timestamp, Timestamp) {
        let instant = Duration::from_nanoseconds(1).expect("it is not negative");
        let Edge { time, behind } = self.until;
        (self.from.time, if behind > Sequence(0) { time.plus(instant) } else { time })
    }

    /// Whether what was booked at this time and position belongs to it.
    pub(crate) fn holds(&self, time: Timestamp, at: Sequence) -> bool {
        self.from.is_before(time, at) && !self.until.is_before(time, at)
    }
}

impl Days {
    /// Calendar days so many minutes from UTC, east of Greenwich above zero; `None` if there is no such clock.
    pub fn offset(minutes: i32) -> Option<Self> {
        let is_clock = (-OFFSET_MAX..=OFFSET_MAX).contains(&minutes);
        is_clock.then(|| Self::Clock(Clock(vec![(Timestamp::default(), i64::from(minutes) * MINUTE)])))
    }

    /// Calendar days of a bank's clock, as it was logged. Until a bank has said anything its clock shows UTC.
    ///
    /// # Errors
    /// If history can't be read.
    pub fn of_bank(view: &View, bank: Bic) -> Result<Self, StoreError> {
        let mut shown = vec![(Timestamp::default(), 0)];
        for set in view.clocks(bank)? {
            shown.retain(|(from, _)| *from < set.time);
            let mut from = |time, offset: ledger::ZoneOffset| {
                shown.push((time, i64::from(offset.minutes()) * MINUTE));
            };
            match set.zone.change {
                Some(change) if change.at <= set.time => from(set.time, change.offset),
                Some(change) => {
                    from(set.time, set.zone.offset);
                    from(change.at, change.offset);
                }
                None => from(set.time, set.zone.offset),
            }
        }
        Ok(Self::Clock(Clock(shown)))
    }

    /// Business dates.
    ///
    /// # Errors
    /// If history can't be read.
    pub fn of_positions(view: &View) -> Result<Self, StoreError> {
        Ok(Self::Position(view.business_dates()?))
    }

    /// From where to where a day goes.
    ///
    /// # Errors
    /// [`NotNow::NotBegun`] without a time if it has not begun, and [`NotNow::NoDate`] if it never did.
    pub fn span(&self, date: Date) -> Result<Span, NotNow> {
        let rolls = match self {
            Self::Clock(_) | Self::Frankfurt => return self.calendar_day(date),
            Self::Position(rolls) => rolls,
        };
        let place = rolls.partition_point(|rolled| rolled.date < date);
        match (place.checked_sub(1).map(|before| rolls[before]), rolls.get(place).copied()) {
            (before, Some(rolled)) if rolled.date == date => {
                // Nobody has said where the first one began, so it is where the calendar's day does.
                let is_first = before.is_none() && rolled.before.is_none();
                let begin = is_first.then(|| Self::Frankfurt.calendar_day(date)).transpose()?;
                let edge = Edge::behind(&rolled);
                let from = begin.map_or(edge, |begin| begin.from.min(edge));
                Ok(Span { from, until: rolls.get(place + 1).map(Edge::behind) })
            }
            (None, None) => Self::Frankfurt.calendar_day(date),
            (Some(before), None) => Err(NotNow::NotRolled { date: before.date }),
            (Some(_), Some(_)) => Err(NotNow::NoDate),
            (None, Some(first)) => {
                let Span { from, until } = Self::Frankfurt.calendar_day(date)?;
                let edge = Edge::behind(&first);
                let is_none = from >= edge || first.before.is_some_and(|before| date > before);
                let until = until.map(|until| until.min(edge));
                if is_none { Err(NotNow::NoDate) } else { Ok(Span { from, until }) }
            }
        }
    }

    /// What has passed of a day.
    ///
    /// # Errors
    /// If it has not begun, history does not know all of it, or there was no such day.
    pub fn passed(&self, date: Date, watermark: &Watermark) -> Result<Passed, NotNow> {
        let Span { from, until } = self.span(date)?;
        let reached = reached(watermark);
        if from.time > reached {
            return Err(NotNow::NotBegun { from: from.time, reached });
        }
        let begins = watermark.begins;
        if begins > Sequence(0) && from.time <= watermark.begins_time {
            return Err(NotNow::BeforeHistory { begins });
        }
        // A command that ended the day is told, and so is all in front of it.
        let end = until.filter(|until| until.behind > Sequence(0) || reached >= until.time);
        let instant = Duration::from_nanoseconds(1).expect("it is not negative");
        let so_far = Edge::at(reached.plus(instant));
        Ok(Passed { from, until: end.unwrap_or(so_far), is_over: end.is_some() })
    }

    /// The last day that is over, as far as history has come.
    pub fn last_over(&self, watermark: &Watermark) -> Option<Date> {
        let today = self.of(reached(watermark), watermark.told);
        Date::from_days(today.days() - 1)
    }

    /// The day to which a booking at this time and position belongs.
    pub fn of(&self, time: Timestamp, at: Sequence) -> Date {
        match self {
            Self::Clock(clock) => clock.day(time),
            Self::Frankfurt => local(time, frankfurt(time)),
            Self::Position(rolls) => match rolls.partition_point(|rolled| rolled.at < at) {
                0 => {
                    let day = Self::Frankfurt.of(time, at);
                    rolls.first().map_or(day, |first| day.min(first.date))
                }
                count => rolls[count - 1].date,
            },
        }
    }

    /// How many minutes the clock by which days are bounded is ahead of UTC; 0 where no clock bounds them.
    pub(crate) fn minutes_ahead(&self, time: Timestamp) -> i32 {
        let ahead = match self {
            Self::Clock(clock) => clock.ahead(time),
            Self::Frankfurt => frankfurt(time),
            Self::Position(_) => 0,
        };
        i32::try_from(ahead / MINUTE).expect("no clock is further from UTC than 14 hours")
    }

    fn calendar_day(&self, date: Date) -> Result<Span, NotNow> {
        let next = Date::from_days(date.days() + 1);
        let edges = self.midnight(date).zip(next.and_then(|next| self.midnight(next)));
        let (from, until) = edges.ok_or(NotNow::NoDate)?;
        Ok(Span { from: Edge::at(from), until: Some(Edge::at(until)) })
    }

    /// When a calendar day begins.
    fn midnight(&self, date: Date) -> Option<Timestamp> {
        let midnight = Timestamp::from_civil(date, 0, 0, 0, 0)?;
        match self {
            Self::Clock(clock) => clock.first_of(midnight),
            Self::Frankfurt | Self::Position(_) => {
                // The hour changes at one o'clock UTC, so both midnights around it are plain.
                let before_utc = frankfurt(midnight.minus(Duration::from_seconds(3600)));
                Timestamp::from_nanoseconds(midnight.nanoseconds().checked_sub(before_utc)?)
            }
        }
    }
}

impl Clock {
    /// How far ahead of UTC it is, in nanoseconds.
    fn ahead(&self, time: Timestamp) -> i64 {
        let count = self.0.partition_point(|(from, _)| *from <= time);
        self.0[count.saturating_sub(1)].1
    }

    /// The latest day that the clock has shown by then: a clock that is put back over midnight begins no day again.
    fn day(&self, time: Timestamp) -> Date {
        let instant = Duration::from_nanoseconds(1).expect("it is not negative");
        let ends = self.0.iter().skip(1).map(|(from, _)| from.minus(instant)).chain([time]);
        let shown = self.0.iter().zip(ends).filter(|((from, _), _)| *from <= time);
        let days = shown.map(|((_, offset), end)| local(end.min(time), *offset));
        days.max().expect("the first moment is the beginning of time")
    }

    /// When the clock shows this or more for the first time.
    fn first_of(&self, shown: Timestamp) -> Option<Timestamp> {
        for (place, (from, offset)) in self.0.iter().enumerate() {
            let at = shown.nanoseconds().checked_sub(*offset)?.max(from.nanoseconds());
            let next = self.0.get(place + 1).map(|(next, _)| next.nanoseconds());
            if next.is_none_or(|next| at < next) {
                return Timestamp::from_nanoseconds(at);
            }
        }
        None
    }
}

/// The day that a clock shows.
fn local(time: Timestamp, ahead: i64) -> Date {
    let shifted = time.nanoseconds().saturating_add(ahead);
    Timestamp::from_nanoseconds(shifted).unwrap_or_default().date()
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
#[path = "days_tests.rs"]
mod tests;
