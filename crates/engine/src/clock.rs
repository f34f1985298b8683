//! Log time: a monotonic clock, anchored at start and slewed gently towards the wall clock.
//!
//! Invariants:
//! - Log time never runs backwards and never jumps; a wall clock that jumps makes the node not ready instead.
//! - The clock is a value: it is told what the machine's two clocks show and keeps no clock of its own.

use types::{Duration, Timestamp};

/// What the machine's clocks show at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Nanoseconds on the monotonic clock, from any start.
    pub monotonic: i64,
    /// The wall clock.
    pub wall: Timestamp,
}

/// Whether log time can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockState {
    /// Log time and wall clock agree, or nearly so.
    Steady,
    /// The wall clock is further from log time than slewing would mend soon: it jumped, or the log is ahead of it.
    Apart,
}

/// Turns readings into log time.
#[derive(Clone, Debug)]
pub struct LogClock {
    /// Log time less monotonic time.
    offset: i64,
    /// The last monotonic reading.
    last: i64,
}

/// Log time runs at most this much faster or slower than the monotonic clock: 500 parts in a million, as NTP.
const SLEW_PARTS_PER_MILLION: i64 = 500;

/// Further apart than this, new payments are not taken: the scheme's future tolerance is 1 s.
const APART: Duration = Duration::from_milliseconds(500);

impl LogClock {
    /// Starts at the wall clock, or right behind the log's last frame if that is later.
    pub fn new(now: Now, log_end: Timestamp) -> Self {
        let start = now.wall.max(log_end);
        Self { offset: start.nanoseconds() - now.monotonic, last: now.monotonic }
    }

    /// Log time at this moment.
    pub fn read(&mut self, now: Now) -> Timestamp {
        let elapsed = (now.monotonic - self.last).max(0);
        let time = now.monotonic.max(self.last).saturating_add(self.offset);
        let error = now.wall.nanoseconds() - time;
        let slew = elapsed / (1_000_000 / SLEW_PARTS_PER_MILLION);
        self.offset += error.clamp(-slew, slew);
        self.last = self.last.max(now.monotonic);
        // A slew against the direction of time is smaller than the time that has passed, so this never falls.
        Timestamp::from_nanoseconds(self.last.saturating_add(self.offset))
            .expect("log time starts after 1970")
    }

    /// Log time less monotonic time, for edges that stamp what they receive.
    pub const fn offset(&self) -> i64 {
        self.offset
    }

    /// Whether the wall clock is near enough.
    pub fn state(&self, now: Now) -> ClockState {
        let error = now.wall.nanoseconds().saturating_sub(now.monotonic.saturating_add(self.offset));
        if error.abs() > APART.nanoseconds() { ClockState::Apart } else { ClockState::Steady }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn now(monotonic: i64, wall: i64) -> Now {
        Now { monotonic, wall: Timestamp::from_nanoseconds(wall).unwrap() }
    }

    #[test]
    fn starts_at_the_wall_clock_and_follows_the_monotonic_one() {
        let mut clock = LogClock::new(now(5, 1000 * SECOND), Timestamp::default());
        assert_eq!(clock.read(now(5 + SECOND, 1001 * SECOND)).nanoseconds(), 1001 * SECOND);
        assert_eq!(clock.state(now(5 + SECOND, 1001 * SECOND)), ClockState::Steady);
    }

    #[test]
    fn a_jump_of_the_wall_clock_is_not_followed() {
        for jump in [-3600, -2, 2, 3600] {
            let mut clock = LogClock::new(now(0, 10_000 * SECOND), Timestamp::default());
            let jumped = now(SECOND, (10_001 + jump) * SECOND);
            let time = clock.read(jumped).nanoseconds();
            assert!((time - 10_001 * SECOND).abs() <= SECOND / 2000, "at most 500 microseconds in a second");
            assert_eq!(clock.state(jumped), ClockState::Apart);
        }
    }

    #[test]
    fn a_small_error_is_slewed_away() {
        let mut clock = LogClock::new(now(0, 10_000 * SECOND), Timestamp::default());
        for second in 1..=400 {
            clock.read(now(second * SECOND, (10_000 + second) * SECOND + SECOND / 10));
        }
        let at = now(401 * SECOND, 10_401 * SECOND + SECOND / 10);
        assert_eq!(clock.read(at), at.wall);
    }

    #[test]
    fn time_never_falls() {
        let mut clock = LogClock::new(now(0, 10_000 * SECOND), Timestamp::default());
        let mut last = Timestamp::default();
        for reading in [1, 5, 3, 3, 100, 99, SECOND, SECOND / 2, 3 * SECOND] {
            let time = clock.read(now(reading, 9_000 * SECOND));
            assert!(time >= last);
            last = time;
        }
    }

    #[test]
    fn a_log_ahead_of_the_wall_clock_is_waited_for() {
        let end = Timestamp::from_nanoseconds(10_010 * SECOND).unwrap();
        let clock = LogClock::new(now(0, 10_000 * SECOND), end);
        assert_eq!(clock.state(now(0, 10_000 * SECOND)), ClockState::Apart);
        assert_eq!(clock.state(now(SECOND, 10_011 * SECOND)), ClockState::Steady);
    }
}
