//! What a row of failed attempts means, on a paused clock.

use std::cell::RefCell;

use tokio::time::Instant;

use super::*;

fn refused(code: Code, reason: ErrorReason) -> Status {
    Refusal::new(code, reason, "test").into_status()
}

fn busy() -> Status {
    refused(Code::ResourceExhausted, ErrorReason::Overloaded)
}

fn lost() -> Status {
    Status::unknown("connection reset")
}

/// Plays attempts that end as listed; what comes after the last one is done.
async fn play(attempts: Vec<Status>) -> (Result<usize, ClientError>, Duration) {
    let policy = RetryPolicy { attempts_max: 4, ..RetryPolicy::default() };
    let made = RefCell::new(0);
    let start = Instant::now();
    let result = repeat(&policy, &Jitter::new(1), || {
        let attempt = *made.borrow();
        *made.borrow_mut() += 1;
        let outcome = attempts.get(attempt).cloned().map_or(Ok(attempt + 1), Err);
        async move { outcome }
    })
    .await;
    (result, start.elapsed())
}

fn not_done(code: Code) -> impl Fn(&Result<usize, ClientError>) -> bool {
    move |result| matches!(result, Err(ClientError::NotDone(refusal)) if refusal.code == code)
}

fn unknown(attempts_made: u32) -> impl Fn(&Result<usize, ClientError>) -> bool {
    move |result| matches!(result, Err(ClientError::Unknown { attempts, .. }) if *attempts == attempts_made)
}

#[tokio::test(start_paused = true)]
async fn lost_answers_are_asked_for_again() {
    assert_eq!(play(vec![]).await.0, Ok(1));
    assert_eq!(play(vec![lost(), busy(), Status::unavailable("gone")]).await.0, Ok(4));
}

#[tokio::test(start_paused = true)]
async fn doubt_ends_only_by_an_answer_from_content_or_log() {
    let permission = || Status::permission_denied("no");
    let reused = || refused(Code::FailedPrecondition, ErrorReason::RequestIdReused);
    assert!(not_done(Code::PermissionDenied)(&play(vec![permission()]).await.0));
    assert!(unknown(2)(&play(vec![lost(), permission()]).await.0));
    assert!(not_done(Code::FailedPrecondition)(&play(vec![lost(), reused()]).await.0));
    assert!(not_done(Code::ResourceExhausted)(&play(vec![busy(), busy(), busy(), busy()]).await.0));
    assert!(unknown(4)(&play(vec![busy(), lost(), busy(), busy()]).await.0));
}

#[tokio::test(start_paused = true)]
async fn what_the_transport_says_leaves_doubt() {
    let calm = || Status::resource_exhausted("too many resets");
    assert!(unknown(4)(&play(vec![calm(), calm(), calm(), calm()]).await.0));
    let ready = || refused(Code::Unavailable, ErrorReason::NotReady);
    assert!(not_done(Code::Unavailable)(&play(vec![ready(), ready(), ready(), ready()]).await.0));
}

#[tokio::test(start_paused = true)]
async fn hopeless_refusals_are_not_repeated() {
    let late = refused(Code::ResourceExhausted, ErrorReason::DeadlineUnreachable);
    let (result, elapsed) = play(vec![late]).await;
    assert!(not_done(Code::ResourceExhausted)(&result));
    assert_eq!(elapsed, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_server_says_how_long_to_wait() {
    let after = |seconds| {
        let refusal = Refusal::new(Code::ResourceExhausted, ErrorReason::Overloaded, "busy");
        refusal.retry_after(Duration::from_secs(seconds)).into_status()
    };
    let (result, elapsed) = play(vec![after(3)]).await;
    assert_eq!(result, Ok(2));
    assert!(elapsed >= Duration::from_secs(3));
    assert!(elapsed < Duration::from_secs(4));
    let (result, elapsed) = play(vec![after(11)]).await;
    assert!(not_done(Code::ResourceExhausted)(&result), "longer than the policy allows");
    assert_eq!(elapsed, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn silence_is_unknown_after_all_attempts() {
    let policy = RetryPolicy { attempts_max: 3, ..RetryPolicy::default() };
    let start = Instant::now();
    let result: Result<(), _> = repeat(&policy, &Jitter::new(1), std::future::pending).await;
    let Err(ClientError::Unknown { attempts, last }) = result else { panic!("{result:?}") };
    assert_eq!((attempts, last.code), (3, Code::DeadlineExceeded));
    assert!(start.elapsed() >= 3 * policy.attempt_timeout);
    assert!(start.elapsed() < 3 * policy.attempt_timeout + 2 * policy.delay_max);
}

#[test]
fn waits_double_up_to_a_limit_and_differ() {
    let policy = RetryPolicy::default();
    let jitter = Jitter::new(7);
    let waits: Vec<_> = (1..=40).map(|failures| policy.delay(failures, None, &jitter).unwrap()).collect();
    for (failures, wait) in waits.iter().enumerate() {
        let ceiling = (policy.delay_first * 2_u32.pow(failures.min(10) as u32)).min(policy.delay_max);
        assert!((ceiling / 2..=ceiling / 2 + ceiling).contains(wait), "{failures}: {wait:?}");
    }
    let again = Jitter::new(7);
    assert_eq!(
        waits[39],
        (1..=40).map(|failures| policy.delay(failures, None, &again).unwrap()).last().unwrap()
    );
    assert_ne!(waits[38], waits[39]);
}
