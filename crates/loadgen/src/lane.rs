//! What both kinds of lane share. A lane is one connection's part of a run.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use client::{Refusal, v1};
use tokio::sync::Semaphore;
use tonic::transport::Channel;
use tonic::{Code, ConnectError, Status};

use crate::schedule::Schedule;
use crate::wire::PaymentWriter;

/// How long an answer may take. Longer than the scheme lets a payment take.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// After a refusal for want of capacity, a closed loop leaves the node in peace for so long; it would only
/// count refusals otherwise. An open loop keeps to its times.
pub(crate) const REFUSAL_PAUSE: Duration = Duration::from_millis(2);

/// Which payments are a lane's: the lanes take numbers in turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    pub(crate) lane: u64,
    pub(crate) lanes: u64,
}

impl Share {
    /// The number in the run of the payment at a place in the lane.
    pub(crate) const fn number(self, place: u64) -> u64 {
        place * self.lanes + self.lane
    }

    /// The place in the lane of a number, if it is the lane's.
    pub(crate) fn place(self, number: u64) -> Option<u64> {
        (number % self.lanes == self.lane).then_some(number / self.lanes)
    }

    /// How many of so many payments are the lane's.
    pub(crate) fn of(self, payments: u64) -> u64 {
        payments / self.lanes + u64::from(self.lane < payments % self.lanes)
    }
}

/// What a lane works with.
pub(crate) struct LaneSetup {
    pub(crate) share: Share,
    /// Payments that the lane sends at most.
    pub(crate) payments_max: u64,
    pub(crate) channel: Channel,
    pub(crate) writer: Arc<PaymentWriter>,
    pub(crate) gate: Gate,
    pub(crate) times: Times,
    /// How failures in a row are borne.
    pub(crate) backoff: Backoff,
    /// Counts the answers of all lanes, for the progress bar.
    pub(crate) answers: Arc<AtomicU64>,
}

impl LaneSetup {
    /// How many payments are left that should have been sent. A closed loop that a time ends leaves none.
    pub(crate) fn not_sent(&self, times: &Times, next_place: u64, payments_per_event: u64) -> u64 {
        let left = self.payments_max - next_place;
        match (times, &self.gate) {
            (Times::Intended { schedule, .. }, _) => {
                let events = u64::try_from(schedule.clone().count()).expect("64 bits");
                left.min(events * payments_per_event)
            }
            (Times::Actual, Gate::Closed { until: None }) => left,
            (Times::Actual, Gate::Closed { until: Some(_) } | Gate::Open(_)) => 0,
        }
    }
}

/// Says when the next payment, or message, may leave.
#[derive(Clone, Debug)]
pub(crate) enum Gate {
    /// When its time has come. Closed when the run is over.
    Open(Arc<Semaphore>),
    /// At once, until the run is over.
    Closed {
        /// When that is, if a time says.
        until: Option<Instant>,
    },
}

impl Gate {
    /// Waits until something may leave; `false` if nothing may any more. Nothing is lost if it is dropped.
    pub(crate) async fn pass(&self) -> bool {
        match self {
            Self::Open(semaphore) => semaphore.acquire().await.is_ok_and(|permit| {
                permit.forget();
                true
            }),
            Self::Closed { until } => until.is_none_or(|until| Instant::now() < until),
        }
    }

    /// Whether refusals shall slow the lane down.
    pub(crate) const fn is_closed_loop(&self) -> bool {
        matches!(self, Self::Closed { .. })
    }
}

/// From which time latency counts.
#[derive(Clone, Debug)]
pub(crate) enum Times {
    /// From the time that the schedule means.
    Intended {
        /// When the run starts.
        start: Instant,
        /// The lane's.
        schedule: Schedule,
    },
    /// From the time of sending.
    Actual,
}

impl Times {
    /// The time that counts for the next payment, or message; `None` if there is no next one.
    pub(crate) fn next(&mut self) -> Option<Instant> {
        match self {
            Self::Intended { start, schedule } => schedule.next().map(|offset| *start + offset),
            Self::Actual => Some(Instant::now()),
        }
    }
}

/// The status code, if an error says for sure that the payment was not taken; otherwise its fate is unknown.
pub(crate) fn refusal_code(status: &Status) -> Option<i32> {
    let certain = match status.code() {
        Code::InvalidArgument
        | Code::OutOfRange
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::PermissionDenied
        | Code::Unauthenticated
        | Code::Unimplemented => true,
        // Both the node and the transport use these; only the node gives reasons.
        Code::ResourceExhausted | Code::Unavailable => {
            Refusal::from_status(status).reason != v1::ErrorReason::Unspecified || never_sent(status)
        }
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::Internal
        | Code::DataLoss => false,
    };
    certain.then(|| i32::from(status.code()))
}

/// Whether there was no connection to send the request on.
fn never_sent(status: &Status) -> bool {
    let source = std::error::Error::source(status);
    std::iter::successors(source, |error| (*error).source()).any(|error| error.is::<ConnectError>())
}

/// Waits longer after each failure in a row, and gives up after many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    failures: u32,
    delay_first: Duration,
    delay_max: Duration,
}

impl Backoff {
    const FAILURES_MAX: u32 = 16;

    /// Gives a node some ten seconds to come back.
    pub(crate) const PATIENT: Self =
        Self { failures: 0, delay_first: Duration::from_millis(20), delay_max: Duration::from_secs(1) };

    /// Gives it a moment. For tests, whose nodes never come back.
    #[cfg(test)]
    pub(crate) const QUICK: Self =
        Self { failures: 0, delay_first: Duration::from_micros(1), delay_max: Duration::from_millis(1) };

    /// Something succeeded.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// How long to wait after one more failure; `None` if it is time to give up.
    pub(crate) fn failed(&mut self) -> Option<Duration> {
        let factor = 2_u32.saturating_pow(self.failures);
        self.failures += 1;
        let delay = self.delay_first.saturating_mul(factor).min(self.delay_max);
        (self.failures < Self::FAILURES_MAX).then_some(delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_share_all_numbers() {
        let lanes = 3;
        let shares = (0..lanes).map(|lane| Share { lane, lanes });
        let mut numbers: Vec<_> =
            shares.flat_map(|share| (0..share.of(11)).map(move |place| share.number(place))).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..11).collect::<Vec<_>>());
        let share = Share { lane: 2, lanes };
        assert_eq!(share.place(share.number(7)), Some(7));
        assert_eq!(share.place(0), None);
    }

    #[test]
    fn only_what_the_node_said_is_certain() {
        let busy = Refusal::new(Code::ResourceExhausted, v1::ErrorReason::Overloaded, "busy").into_status();
        assert_eq!(refusal_code(&busy), Some(8));
        assert_eq!(refusal_code(&Status::invalid_argument("odd")), Some(3));
        assert_eq!(refusal_code(&Status::resource_exhausted("a transport's limit")), None);
        assert_eq!(refusal_code(&Status::unavailable("connection reset")), None);
        assert_eq!(refusal_code(&Status::internal("odd")), None);
    }

    #[test]
    fn patience_ends() {
        let mut backoff = Backoff::PATIENT;
        let delays: Vec<_> = std::iter::from_fn(|| backoff.failed()).collect();
        assert_eq!(delays.len(), 15);
        assert!(delays.is_sorted());
        assert_eq!(delays.last(), Some(&Duration::from_secs(1)));
        backoff.reset();
        assert_eq!(backoff.failed(), Some(Duration::from_millis(20)));
    }
}
