//! How far apart small frames are sealed.
//!
//! Sealing whenever the log is free is right for full frames, and for few payments. But a flush costs two threads
//! some tens of microseconds of processor time however little it carries, and where the edges share the
//! processors with the log, thousands of flushes of one or two records each take what the payments need. So small
//! frames keep a distance that follows the load: none when little comes in, a fraction of a millisecond when much
//! does. Where processors are to spare, a few callers that wait for each other's answers pay for it with up to that
//! distance a call.

/// The distance under full load, in nanoseconds.
const DISTANCE_MAX: i64 = 600_000;
/// A shorter wait costs more, by its wake-up, than it saves.
const DISTANCE_MIN: i64 = 50_000;
/// What counts as full load for small frames, in records a second.
const RATE_FULL: i64 = 40_000;
/// A frame of this length in bytes, outcomes of the one before included, is worth its flush and does not wait.
const FRAME_WORTH_A_FLUSH: usize = 32 * 1024;
/// The rate is counted over this time, in nanoseconds.
const RATE_WINDOW: i64 = 10_000_000;

/// Says when the next frame may be sealed. Times are nanoseconds on the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spacing {
    sealed_at: i64,
    window_start: i64,
    window_records: i64,
    /// Records a second.
    rate: i64,
    /// Whether the last frame was worth its flush.
    was_large: bool,
}

impl Spacing {
    pub(crate) const fn new(now: i64) -> Self {
        Self { sealed_at: now, window_start: now, window_records: 0, rate: 0, was_large: false }
    }

    /// Until when a frame of this length has to wait, if it has to.
    pub(crate) fn wait_until(&self, now: i64, frame_length: usize) -> Option<i64> {
        let distance = self.distance();
        let since = now - self.sealed_at;
        // A clock that runs backwards, which none should, makes nobody wait.
        let waits = frame_length < FRAME_WORTH_A_FLUSH && distance >= DISTANCE_MIN && since >= 0;
        (waits && since < distance).then_some(self.sealed_at + distance)
    }

    /// While small frames follow each other at a distance: when to look for commands again. They need not be taken
    /// in one by one then; waking up for each would cost more than the commands do.
    pub(crate) const fn look_again_at(&self, now: i64) -> Option<i64> {
        let since = now - self.sealed_at;
        let gathers = !self.was_large && self.distance() >= DISTANCE_MIN && since >= 0 && since < RATE_WINDOW;
        let sealing = self.sealed_at + self.distance();
        let soonest = now + DISTANCE_MIN;
        if !gathers {
            None
        } else if sealing > soonest {
            Some(sealing)
        } else {
            Some(soonest)
        }
    }

    const fn distance(&self) -> i64 {
        let rate = if self.rate < RATE_FULL { self.rate } else { RATE_FULL };
        DISTANCE_MAX * rate / RATE_FULL
    }

    /// Counts a frame of this length that is sealed now.
    pub(crate) fn sealed(&mut self, now: i64, records: u32, frame_length: usize) {
        self.sealed_at = now;
        self.was_large = frame_length >= FRAME_WORTH_A_FLUSH;
        self.window_records += i64::from(records);
        let elapsed = now - self.window_start;
        if elapsed >= RATE_WINDOW {
            // Counts of one window are far below 2^33, so this does not overflow.
            self.rate = self.window_records * 1_000_000_000 / elapsed;
            self.window_start = now;
            self.window_records = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: i64 = 1_000_000;

    /// Frames of so many records, a millisecond apart, for 50 ms.
    fn under_load(records: u32) -> Spacing {
        let mut spacing = Spacing::new(0);
        for frame in 1..=50 {
            spacing.sealed(frame * MILLISECOND, records, 1000);
        }
        spacing
    }

    #[test]
    fn the_distance_follows_the_load() {
        let end = 50 * MILLISECOND;
        let distance = |records| under_load(records).wait_until(end, 1000).map(|until| until - end);
        assert_eq!(distance(0), None);
        assert_eq!(distance(3), None);
        assert_eq!(distance(20), Some(300_000));
        assert_eq!(distance(40), Some(600_000));
        assert_eq!(distance(400), Some(600_000));
        assert_eq!(under_load(400).wait_until(end + 600_000, 1000), None);
        assert_eq!(under_load(400).wait_until(end - 1, 1000), None);
    }

    #[test]
    fn commands_are_gathered_between_small_frames_only() {
        let now = 51 * MILLISECOND;
        assert_eq!(under_load(3).look_again_at(now), None);
        let mut spacing = under_load(40);
        assert_eq!(spacing.look_again_at(now), Some(now + DISTANCE_MIN));
        assert_eq!(spacing.look_again_at(50 * MILLISECOND), Some(50 * MILLISECOND + 600_000));
        assert_eq!(spacing.look_again_at(now + 20 * MILLISECOND), None, "the load has ended");
        spacing.sealed(now, 400, FRAME_WORTH_A_FLUSH);
        assert_eq!(spacing.look_again_at(now), None);
    }

    #[test]
    fn full_frames_never_wait() {
        assert_eq!(under_load(400).wait_until(50 * MILLISECOND, FRAME_WORTH_A_FLUSH), None);
    }

    #[test]
    fn load_is_forgotten_with_the_first_frame_after_a_pause() {
        let mut spacing = under_load(400);
        spacing.sealed(10_000 * MILLISECOND, 1, 1000);
        assert_eq!(spacing.wait_until(10_000 * MILLISECOND, 1000), None);
    }
}
