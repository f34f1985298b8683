//! How long commands spend in each stage of the engine.
//!
//! Together the stages are all of the time from a submission to its reply on the core thread. They are kept for
//! the last ten to twenty seconds, so that they show what is and not what was.

use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;

/// A part of a command's way through the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// From its submission until its frame is sealed: queueing, and waiting for the frame before.
    SealWait,
    /// Writing and syncing its frame.
    Flush,
    /// Between threads: until the log thread takes the frame up, and until the core thread takes it back.
    WakeUp,
    /// Applying its frame and handing all replies over.
    Apply,
}

impl Stage {
    /// All stages, in the order in which a command goes through them.
    pub const ALL: [Self; 4] = [Self::SealWait, Self::Flush, Self::WakeUp, Self::Apply];

    /// Its place in [`Self::ALL`].
    const fn place(self) -> usize {
        match self {
            Self::SealWait => 0,
            Self::Flush => 1,
            Self::WakeUp => 2,
            Self::Apply => 3,
        }
    }
}

/// How long a stage took, in nanoseconds, with three significant digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StageTimes {
    /// How many times were taken: one for each submission, or for each frame.
    pub count: u64,
    /// Half of them were shorter.
    pub median: u64,
    /// All but one in a hundred were shorter.
    pub percentile_99: u64,
    /// All but one in a thousand were shorter.
    pub percentile_99_9: u64,
    /// The longest.
    pub maximum: u64,
}

/// Times are kept for at least this long, in nanoseconds, and at most twice as long.
const GENERATION: i64 = 10_000_000_000;
/// The longest time that is told apart from longer ones, in nanoseconds: a minute.
const LONGEST: u64 = 60_000_000_000;

/// Collects the times. The core thread writes once for each frame.
#[derive(Debug)]
pub(crate) struct Stages(Mutex<[Recorded; 4]>);

#[derive(Debug)]
struct Recorded {
    current: Histogram<u64>,
    previous: Histogram<u64>,
    started: i64,
}

impl Default for Stages {
    fn default() -> Self {
        let histogram = || Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are in order");
        let recorded = || Recorded { current: histogram(), previous: histogram(), started: 0 };
        Self(Mutex::new([recorded(), recorded(), recorded(), recorded()]))
    }
}

impl Stages {
    /// Adds times in nanoseconds. `now` is on the monotonic clock.
    pub(crate) fn record(&self, now: i64, times: impl IntoIterator<Item = (Stage, i64)>) {
        // The core thread waits for nobody: while somebody reads, the times of a frame or two are left out.
        let Ok(mut stages) = self.0.try_lock() else { return };
        for recorded in stages.iter_mut() {
            recorded.turn_over(now);
        }
        for (stage, time) in times {
            stages[stage.place()].current.saturating_record(u64::try_from(time).unwrap_or(0));
        }
    }

    /// What has been collected lately, stage by stage.
    pub(crate) fn recent(&self, now: i64) -> [(Stage, StageTimes); 4] {
        let mut stages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Stage::ALL.map(|stage| {
            let recorded = &mut stages[stage.place()];
            recorded.turn_over(now);
            let mut all = recorded.previous.clone();
            all.add(&recorded.current).expect("both have the same bounds");
            let times = StageTimes {
                count: all.len(),
                median: all.value_at_quantile(0.5),
                percentile_99: all.value_at_quantile(0.99),
                percentile_99_9: all.value_at_quantile(0.999),
                maximum: all.max(),
            };
            (stage, times)
        })
    }
}

impl Recorded {
    fn turn_over(&mut self, now: i64) {
        let age = now - self.started;
        if age < GENERATION {
            return;
        }
        std::mem::swap(&mut self.current, &mut self.previous);
        self.current.reset();
        if age >= 2 * GENERATION {
            self.previous.reset();
        }
        self.started = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_times_are_forgotten() {
        let stages = Stages::default();
        let flushes =
            |now| stages.recent(now).into_iter().find(|(stage, _)| *stage == Stage::Flush).unwrap().1;
        stages.record(1, [(Stage::Flush, 1000), (Stage::Flush, 3000), (Stage::Apply, -1)]);
        assert_eq!((flushes(2).count, flushes(2).maximum), (2, 3001));
        assert_eq!(flushes(GENERATION + 1).count, 2, "the generation before counts as well");
        stages.record(GENERATION + 2, [(Stage::Flush, 5000)]);
        assert_eq!(flushes(2 * GENERATION).count, 3);
        assert_eq!(flushes(2 * GENERATION + 1).count, 1);
        assert_eq!(flushes(9 * GENERATION).count, 0);
    }
}
