//! When each payment, or message of payments, is meant to be sent.
//!
//! Invariant: send times follow from the rate, the seed and the lane alone. Nothing that the node does moves
//! them, so latency that counts from them shows every stall.

use std::time::Duration;

use crate::options::Arrivals;
use crate::random::random;

const NANOSECONDS_PER_SECOND: u128 = 1_000_000_000;

/// What the send times of all lanes follow from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timetable {
    pub(crate) arrivals: Arrivals,
    /// Payments a second, of all lanes together.
    pub(crate) rate: u64,
    /// Payments that are sent at one time.
    pub(crate) payments_per_event: u64,
    pub(crate) lanes: u64,
    pub(crate) seed: u64,
    /// No event is meant for this time or later.
    pub(crate) until: Option<Duration>,
}

/// The send times of one lane, counted from the start of the run.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    timetable: Timetable,
    lane: u64,
    /// Events that have been given out.
    count: u64,
    count_max: u64,
    /// Of the last event, for arrivals that depend on it.
    last_nanoseconds: u64,
}

impl Timetable {
    /// The schedule of a lane with at most so many events.
    pub(crate) const fn lane(&self, lane: u64, count_max: u64) -> Schedule {
        Schedule { timetable: *self, lane, count: 0, count_max, last_nanoseconds: 0 }
    }
}

impl Iterator for Schedule {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        if self.count == self.count_max {
            return None;
        }
        let offset = match self.timetable.arrivals {
            Arrivals::Constant => self.constant(),
            Arrivals::Poisson => self.poisson(),
        };
        if self.timetable.until.is_some_and(|until| offset >= until) {
            self.count_max = self.count;
            return None;
        }
        self.count += 1;
        Some(offset)
    }
}

impl Schedule {
    /// The events of all lanes stand at equal distances, the lanes taking turns. Exact at any distance from
    /// the start.
    fn constant(&self) -> Duration {
        let Timetable { rate, payments_per_event, lanes, .. } = self.timetable;
        let event = u128::from(self.count) * u128::from(lanes) + u128::from(self.lane);
        let nanoseconds = event * u128::from(payments_per_event) * NANOSECONDS_PER_SECOND / u128::from(rate);
        Duration::from_nanos(u64::try_from(nanoseconds).expect("a run lasts a day at most"))
    }

    /// The lanes are independent of each other, and so are the distances within each.
    fn poisson(&mut self) -> Duration {
        let Timetable { rate, payments_per_event, lanes, seed, .. } = self.timetable;
        let bits = random(seed ^ random(seed, self.lane), self.count) >> 11;
        // Times are no money: 53 random bits make an even number in (0, 1], whose logarithm is the distance.
        let even = (bits + 1) as f64 / (1_u64 << 53) as f64;
        let events_per_second = rate as f64 / (payments_per_event * lanes) as f64;
        let distance = Duration::from_secs_f64(-even.ln() / events_per_second);
        let nanoseconds = u64::try_from(distance.as_nanos()).unwrap_or(u64::MAX);
        self.last_nanoseconds = self.last_nanoseconds.saturating_add(nanoseconds);
        Duration::from_nanos(self.last_nanoseconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timetable(arrivals: Arrivals) -> Timetable {
        Timetable { arrivals, rate: 1_000, payments_per_event: 1, lanes: 4, seed: 7, until: None }
    }

    #[test]
    fn lanes_take_turns_at_equal_distances() {
        let timetable = timetable(Arrivals::Constant);
        let mut all: Vec<_> = (0..4).flat_map(|lane| timetable.lane(lane, 3)).collect();
        all.sort();
        let expected: Vec<_> = (0..12).map(Duration::from_millis).collect();
        assert_eq!(all, expected);
    }

    #[test]
    fn distances_do_not_add_up_their_roundings() {
        let timetable = Timetable { rate: 3_000_000, lanes: 1, ..timetable(Arrivals::Constant) };
        let last = timetable.lane(0, u64::MAX).nth(3_000_000).unwrap();
        assert_eq!(last, Duration::from_secs(1));
    }

    #[test]
    fn messages_are_as_rare_as_they_are_large() {
        let timetable = Timetable { payments_per_event: 256, lanes: 1, ..timetable(Arrivals::Constant) };
        let times: Vec<_> = timetable.lane(0, 3).collect();
        assert_eq!(times, [0, 256, 512].map(Duration::from_millis));
    }

    #[test]
    fn a_time_ends_the_schedule() {
        let until = Some(Duration::from_millis(10));
        for arrivals in [Arrivals::Constant, Arrivals::Poisson] {
            let mut schedule = Timetable { until, ..timetable(arrivals) }.lane(1, u64::MAX);
            assert!(schedule.by_ref().all(|time| time < Duration::from_millis(10)));
            assert_eq!(schedule.next(), None, "for good");
        }
        let count = Timetable { until, ..timetable(Arrivals::Constant) }.lane(0, u64::MAX).count();
        assert_eq!(count, 3, "at 0, 4 and 8 ms");
    }

    #[test]
    fn independent_arrivals_keep_the_rate() {
        let timetable = timetable(Arrivals::Poisson);
        let times: Vec<_> = timetable.lane(2, 100_000).collect();
        assert!(times.is_sorted());
        let mean = times.last().unwrap().as_secs_f64() / 100_000.0;
        assert!((mean - 0.004).abs() < 0.000_1, "{mean}");
        // A third or so (1/e) of the distances of such arrivals are longer than the mean.
        let longer = times.windows(2).filter(|pair| pair[1] - pair[0] > Duration::from_millis(4)).count();
        assert!((36_000..37_600).contains(&longer), "{longer}");
        assert_ne!(timetable.lane(0, 1).next(), timetable.lane(1, 1).next());
    }
}
