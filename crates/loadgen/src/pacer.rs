//! Keeps the time of a run at a fixed rate.
//!
//! A thread of its own sleeps until the next send time of any lane and lets what is due through the lane's
//! gate. The runtime's timers only know whole milliseconds, which would bunch payments together.

use std::iter::Peekable;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::LoadgenError;
use crate::schedule::Schedule;

/// After the end of a run, what was due just before it may still be sent.
const GRACE: Duration = Duration::from_millis(100);

/// A lane as the pacer sees it.
pub(crate) struct PacedLane {
    pub(crate) schedule: Schedule,
    /// Gets a permit for each event that is due.
    pub(crate) gate: Arc<Semaphore>,
    /// How many wait at the gate at most. They are let through once more at the end, to find that it is.
    pub(crate) waiters: usize,
}

/// Stops the pacing when it is dropped.
pub(crate) struct Pacer {
    stopped: Arc<AtomicBool>,
    thread: Thread,
}

impl Pacer {
    /// Keeps time from `start` on. At `end`, gates are closed to what is late.
    pub(crate) fn start(
        lanes: Vec<PacedLane>,
        start: Instant,
        end: Option<Duration>,
    ) -> Result<Self, LoadgenError> {
        let stopped = Arc::new(AtomicBool::new(false));
        let seen = stopped.clone();
        let body = move || pace(Release::new(lanes), start, end, &seen);
        let handle =
            thread::Builder::new().name("load-pacer".to_owned()).spawn(body).map_err(LoadgenError::Thread)?;
        Ok(Self { stopped, thread: handle.thread().clone() })
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}

fn pace(mut release: Release, start: Instant, end: Option<Duration>, stopped: &AtomicBool) {
    while !stopped.load(Ordering::Relaxed) {
        let elapsed = start.elapsed();
        let next = release.due(elapsed).or(end.map(|end| end + GRACE).filter(|end| *end > elapsed));
        match next {
            Some(next) => thread::park_timeout(next.saturating_sub(start.elapsed())),
            None => break,
        }
    }
    if end.is_some() {
        release.close();
    }
}

/// What has been let through, and what comes next.
struct Release {
    lanes: Vec<(Peekable<Schedule>, Arc<Semaphore>, usize)>,
}

impl Release {
    fn new(lanes: Vec<PacedLane>) -> Self {
        let lanes = lanes.into_iter().map(|lane| (lane.schedule.peekable(), lane.gate, lane.waiters));
        Self { lanes: lanes.collect() }
    }

    /// Lets everything through that is due, and tells when the next event of any lane is.
    fn due(&mut self, elapsed: Duration) -> Option<Duration> {
        let mut earliest = None;
        for (schedule, gate, waiters) in &mut self.lanes {
            let mut permits = 0;
            while schedule.next_if(|time| *time <= elapsed).is_some() {
                permits += 1;
            }
            match schedule.peek() {
                Some(time) => {
                    earliest = Some(earliest.map_or(*time, |earliest: Duration| earliest.min(*time)))
                }
                None => permits += std::mem::take(waiters),
            }
            if permits > 0 {
                gate.add_permits(permits);
            }
        }
        earliest
    }

    fn close(&self) {
        for (_, gate, _) in &self.lanes {
            gate.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Arrivals;
    use crate::schedule::Timetable;

    /// Two lanes whose events take turns at 1 ms: at 0, 2 and 4 ms, and at 1, 3 and 5 ms.
    fn lanes() -> (Vec<PacedLane>, [Arc<Semaphore>; 2]) {
        let timetable = Timetable {
            arrivals: Arrivals::Constant,
            rate: 1_000,
            payments_per_event: 1,
            lanes: 2,
            seed: 1,
            until: None,
        };
        let gates = [(); 2].map(|()| Arc::new(Semaphore::new(0)));
        let lane = |index: usize| PacedLane {
            schedule: timetable.lane(u64::try_from(index).unwrap(), 3),
            gate: gates[index].clone(),
            waiters: 10,
        };
        (vec![lane(0), lane(1)], gates)
    }

    #[test]
    fn what_is_due_passes_and_nothing_else() {
        let (lanes, gates) = lanes();
        let mut release = Release::new(lanes);
        let permits = || gates.each_ref().map(|gate| gate.available_permits());
        assert_eq!(release.due(Duration::ZERO), Some(Duration::from_millis(1)));
        assert_eq!(permits(), [1, 0]);
        assert_eq!(release.due(Duration::from_micros(999)), Some(Duration::from_millis(1)));
        assert_eq!(permits(), [1, 0]);
        // A thread that wakes up late lets through what has become due meanwhile.
        assert_eq!(release.due(Duration::from_micros(3_500)), Some(Duration::from_millis(4)));
        assert_eq!(permits(), [2, 2]);
        assert_eq!(release.due(Duration::from_millis(4)), Some(Duration::from_millis(5)));
        assert_eq!(permits(), [3 + 10, 2], "and those who wait for more learn that there is none");
        assert_eq!(release.due(Duration::from_secs(1)), None);
        assert_eq!(release.due(Duration::from_secs(2)), None);
        assert_eq!(permits(), [13, 13]);
    }

    #[tokio::test]
    async fn the_thread_lets_everything_through() {
        let (lanes, gates) = lanes();
        let _pacer = Pacer::start(lanes, Instant::now(), None).unwrap();
        for gate in gates {
            drop(gate.acquire_many(13).await.unwrap());
            assert!(!gate.is_closed());
        }
    }

    #[tokio::test]
    async fn the_end_of_a_run_closes_the_gates() {
        let (lanes, gates) = lanes();
        let _pacer = Pacer::start(lanes, Instant::now(), Some(Duration::from_millis(1))).unwrap();
        for gate in gates {
            // More than ever pass: only the closing ends this.
            assert!(gate.acquire_many(1_000).await.is_err());
        }
    }
}
