//! How fast commands are taken, and how many may wait.
//!
//! A payment that waits for seconds before it is decided is of no use to anybody: its bank would rather hear at
//! once that the node is busy. So the number of commands under way follows the speed at which they leave, as
//! measured while the engine had more to do than it could. Only the engine's own stages are counted.

use std::num::NonZeroU32;

use crate::handle::RECORDS_UNDER_WAY_MAX;

/// What is admitted is decided within about this time, in nanoseconds, as long as that is more than
/// [`RECORDS_ADMITTED_MIN`] commands.
const WAIT_MAX: i64 = 500_000_000;
/// So many commands may always be under way: a few frames, so that a disk that pauses once sheds nothing.
const RECORDS_ADMITTED_MIN: u64 = 4096;
/// The speed is that of about so many commands: enough that one frame which waited for the disk does not count for
/// more than it is.
const RECORDS_MEASURED: i64 = 16_384;
/// A frame that took longer than this, in nanoseconds, says more of a disk that paused than of speed.
const FRAME_MAX: i64 = 1_000_000_000;
/// An engine that has not been busy for this long, in nanoseconds, forgets how fast it was.
const FORGOTTEN_AFTER: i64 = 1_000_000_000;

/// Measures how fast commands leave, and says how many may be under way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Admitted {
    /// Nanoseconds that the engine was busy lately, and the commands that left meanwhile.
    busy: i64,
    records: i64,
    /// When the last frame was applied, if there was more to do when it was sealed.
    busy_since: Option<i64>,
    last_busy: i64,
}

impl Admitted {
    /// Counts a frame of so many records that was applied now. `busy` says whether more was waiting to be taken in
    /// when it was sealed.
    pub(crate) fn applied(&mut self, now: i64, records: u32, busy: bool) {
        if let Some(since) = self.busy_since {
            self.busy += (now - since).min(FRAME_MAX);
            self.records += i64::from(records);
            if self.records >= RECORDS_MEASURED {
                self.busy /= 2;
                self.records /= 2;
            }
        }
        self.busy_since = busy.then_some(now);
        if busy {
            self.last_busy = now;
        } else if now - self.last_busy > FORGOTTEN_AFTER {
            (self.busy, self.records) = (0, 0);
        }
    }

    /// How many commands may be under way.
    pub(crate) fn limit(&self) -> u64 {
        // Half a second times the largest count is far below 2^63.
        let in_time = (WAIT_MAX * self.records).checked_div(self.busy).filter(|_| self.records > 0);
        u64::try_from(in_time.unwrap_or(i64::MAX))
            .unwrap_or(0)
            .clamp(RECORDS_ADMITTED_MIN, RECORDS_UNDER_WAY_MAX)
    }
}

/// Takes commands no faster than a setting, as if deciding them took so long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    per_record: i64,
    /// When deciding everything that was taken would be done.
    done_at: i64,
    /// Nothing is taken before this time.
    paused_until: i64,
}

/// Commands are taken in bursts of this time, in nanoseconds, so that frames hold as many as they would.
const BURST: i64 = 5_000_000;
/// The longest pause, in nanoseconds: what comes behind a large burst shall not wait for all of it.
const PAUSE_MAX: i64 = 1_000_000_000;
/// How much may be made up for, in nanoseconds.
const CREDIT: i64 = 20_000_000;

impl Pace {
    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        Self { per_record: 1_000_000_000 / i64::from(per_second.get()), done_at: 0, paused_until: 0 }
    }

    /// When commands may be taken again, if not now.
    pub(crate) fn wait_until(&self, now: i64) -> Option<i64> {
        (now < self.paused_until).then_some(self.paused_until)
    }

    /// Commands have been taken.
    pub(crate) fn taken(&mut self, now: i64, records: u32) {
        // What was missed by waking up late is made up for.
        self.done_at = self.done_at.max(now - CREDIT) + self.per_record * i64::from(records);
        if self.done_at - now >= BURST {
            self.paused_until = self.done_at.min(now + PAUSE_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: i64 = 1_000_000;

    /// Frames of so many records, a millisecond apart.
    fn busy_frames(admitted: &mut Admitted, milliseconds: std::ops::Range<i64>, records: u32) {
        milliseconds.for_each(|at| admitted.applied(at * MILLISECOND, records, true));
    }

    #[test]
    fn as_many_are_admitted_as_are_decided_in_time() {
        let mut admitted = Admitted::default();
        assert_eq!(admitted.limit(), RECORDS_UNDER_WAY_MAX);
        // 50 records in a millisecond are 25,000 in half a second.
        busy_frames(&mut admitted, 0..1000, 50);
        assert_eq!(admitted.limit(), 25_000);
        // 10 a millisecond would be 5,000, and one a millisecond less than what is always admitted.
        busy_frames(&mut admitted, 1000..21_000, 10);
        assert!((4_990..5_010).contains(&admitted.limit()), "{}", admitted.limit());
        busy_frames(&mut admitted, 21_000..121_000, 1);
        assert_eq!(admitted.limit(), RECORDS_ADMITTED_MIN);
    }

    #[test]
    fn little_work_says_nothing_about_speed() {
        let mut admitted = Admitted::default();
        for frame in 0..100 {
            admitted.applied(frame * 5 * MILLISECOND, 2, false);
        }
        assert_eq!(admitted.limit(), RECORDS_UNDER_WAY_MAX);
    }

    #[test]
    fn an_engine_that_was_slow_is_given_another_chance() {
        let mut admitted = Admitted::default();
        busy_frames(&mut admitted, 0..100, 1);
        assert_eq!(admitted.limit(), RECORDS_ADMITTED_MIN);
        admitted.applied(2_000 * MILLISECOND, 1, false);
        assert_eq!(admitted.limit(), RECORDS_UNDER_WAY_MAX);
    }

    #[test]
    fn a_disk_that_pauses_sheds_little_and_not_for_long() {
        let mut admitted = Admitted::default();
        busy_frames(&mut admitted, 0..100, 500);
        assert_eq!(admitted.limit(), RECORDS_UNDER_WAY_MAX);
        // A tenth of a second for a frame of ten is a pause, and no reason to admit less than streams have in flight.
        admitted.applied(200 * MILLISECOND, 10, true);
        assert!(admitted.limit() > 4 * 8192, "{}", admitted.limit());
        admitted.applied(30_000 * MILLISECOND, 1000, true);
        busy_frames(&mut admitted, 30_001..30_200, 500);
        assert_eq!(admitted.limit(), RECORDS_UNDER_WAY_MAX);
    }

    #[test]
    fn a_pace_is_kept() {
        let mut pace = Pace::new(NonZeroU32::new(1000).unwrap());
        // What could have been done before is made up for first: 20 a millisecond apart, and then a burst of 5.
        let now = 100 * MILLISECOND;
        for taken in 1..25 {
            pace.taken(now, 1);
            assert_eq!(pace.wait_until(now), None, "{taken}");
        }
        pace.taken(now, 1);
        assert_eq!(pace.wait_until(now), Some(now + 5 * MILLISECOND));
        assert_eq!(pace.wait_until(now + 5 * MILLISECOND), None);
    }
}
