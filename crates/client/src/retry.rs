//! When a call is made again, and what its failure means.
//!
//! Invariant: once an attempt may have been taken, only an answer that comes from the request's content or
//! from the log ends the doubt. A later "busy" or "not permitted" says nothing about the earlier attempt.

use std::error::Error;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tonic::{Code, ConnectError, Status};

use crate::v1::ErrorReason;
use crate::{ClientError, Refusal};

/// How often and how long a call is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often a request is made at most; at least 1.
    pub attempts_max: u32,
    /// How long one attempt may take. Longer than the scheme lets a payment take, so that a slow payee's bank
    /// is not taken for a broken connection.
    pub attempt_timeout: Duration,
    /// The mean wait before the second attempt; it doubles with each further one.
    pub delay_first: Duration,
    /// The longest wait that doubling leads to.
    pub delay_max: Duration,
    /// The longest wait that a server may ask for; if it asks for more, the call ends instead.
    pub retry_delay_max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts_max: 6,
            attempt_timeout: Duration::from_secs(12),
            delay_first: Duration::from_millis(20),
            delay_max: Duration::from_secs(1),
            retry_delay_max: Duration::from_secs(10),
        }
    }
}

impl RetryPolicy {
    /// For those who wait for a node that is being started again: as by default, but for some minutes.
    pub fn over_restarts() -> Self {
        Self { attempts_max: 200, ..Self::default() }
    }

    /// The wait after a number of failed attempts: what the server asked for, and a part that spreads callers.
    /// `None` if the server asks for more than the policy allows.
    pub(crate) fn delay(&self, failures: u32, asked: Option<Duration>, jitter: &Jitter) -> Option<Duration> {
        assert!(failures > 0, "the first attempt is not delayed");
        let asked = asked.unwrap_or_default();
        let factor = 2_u32.saturating_pow(failures - 1);
        let ceiling = self.delay_first.saturating_mul(factor).min(self.delay_max);
        (asked <= self.retry_delay_max).then(|| asked + ceiling / 2 + jitter.up_to(ceiling))
    }
}

/// What a failed attempt says about the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not done, now and in every earlier attempt: the answer is the request's own or the log's.
    Final,
    /// Not done by this attempt, and another one would end likewise.
    Refused,
    /// Not done by this attempt; another one may succeed.
    NotTaken,
    /// Done or not; another attempt will tell.
    Uncertain,
}

impl Verdict {
    /// Judges the error of a call or stream.
    pub(crate) fn of_status(status: &Status, refusal: &Refusal) -> Self {
        match never_sent(status) {
            true => Self::NotTaken,
            false => Self::of_refusal(refusal),
        }
    }

    /// Judges what the server said, in either form.
    pub(crate) fn of_refusal(refusal: &Refusal) -> Self {
        match refusal.code {
            Code::InvalidArgument
            | Code::OutOfRange
            | Code::NotFound
            | Code::AlreadyExists
            | Code::FailedPrecondition => Self::Final,
            Code::PermissionDenied | Code::Unauthenticated | Code::Unimplemented => Self::Refused,
            Code::ResourceExhausted | Code::Unavailable => Self::of_reason(refusal.reason),
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::Internal
            | Code::DataLoss => Self::Uncertain,
        }
    }

    /// Judges the two codes that both the server and the transport use.
    fn of_reason(reason: ErrorReason) -> Self {
        if reason == ErrorReason::Unspecified {
            // Without a reason it is the transport's word, which knows nothing of what was taken.
            Self::Uncertain
        } else if matches!(reason, ErrorReason::DeadlineUnreachable | ErrorReason::CapacityExhausted) {
            Self::Refused
        } else {
            Self::NotTaken
        }
    }
}

/// Whether there was no connection to send the request on.
fn never_sent(status: &Status) -> bool {
    std::iter::successors(status.source(), |error| (*error).source()).any(|error| error.is::<ConnectError>())
}

/// Spreads waits, so that callers that failed together do not come back together.
#[derive(Debug)]
pub(crate) struct Jitter(AtomicU64);

impl Jitter {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// A span from zero to `ceiling`. The sequence of spans follows from the seed alone.
    pub(crate) fn up_to(&self, ceiling: Duration) -> Duration {
        // Sebastiano Vigna's splitmix64: one addition of shared state, so it needs no lock.
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let state = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let thousandths = u32::try_from((mixed ^ (mixed >> 31)) % 1001).expect("at most 1000");
        ceiling.saturating_mul(thousandths) / 1000
    }
}

/// Makes a call until it is done, refused, or the policy's attempts are used up.
pub(crate) async fn repeat<Reply, Answer>(
    policy: &RetryPolicy,
    jitter: &Jitter,
    mut call: impl FnMut() -> Answer,
) -> Result<Reply, ClientError>
where
    Answer: Future<Output = Result<Reply, Status>>,
{
    let mut uncertain = false;
    let mut attempts = 0;
    loop {
        attempts += 1;
        let status = match tokio::time::timeout(policy.attempt_timeout, call()).await {
            Ok(Ok(reply)) => return Ok(reply),
            Ok(Err(status)) => status,
            Err(_) => Status::deadline_exceeded("no answer within the time of one attempt"),
        };
        let last = Refusal::from_status(&status);
        let verdict = Verdict::of_status(&status, &last);
        match verdict {
            Verdict::Final => return Err(ClientError::NotDone(last)),
            Verdict::Refused => return Err(ended(uncertain, attempts, last)),
            Verdict::NotTaken => {}
            Verdict::Uncertain => uncertain = true,
        }
        let delay = policy.delay(attempts, last.retry_delay, jitter);
        match delay {
            Some(delay) if attempts < policy.attempts_max => {
                tracing::debug!(attempts, code = ?last.code, ?delay, "call failed, will be made again");
                tokio::time::sleep(delay).await;
            }
            _ => return Err(ended(uncertain, attempts, last)),
        }
    }
}

/// How a call without an answer ends.
pub(crate) fn ended(uncertain: bool, attempts: u32, last: Refusal) -> ClientError {
    match uncertain {
        true => ClientError::Unknown { attempts, last },
        false => ClientError::NotDone(last),
    }
}

#[cfg(test)]
#[path = "retry_tests.rs"]
mod tests;
