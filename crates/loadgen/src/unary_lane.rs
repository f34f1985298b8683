//! A lane of unary calls: workers that each have one call under way.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tonic::Status;
use tonic::client::Grpc;

use crate::exchange::submit_payment;
use crate::lane::{ANSWER_TIMEOUT, Backoff, LaneSetup, REFUSAL_PAUSE, Times, refusal_code};
use crate::parallel::joined;
use crate::tally::Tally;
use crate::wire::{OutcomeReply, UnaryReply};

/// What the workers of a lane share.
struct UnaryLane {
    setup: LaneSetup,
    state: Mutex<State>,
}

struct State {
    times: Times,
    next_place: u64,
    tally: Tally,
}

/// How a call ended.
enum Answer {
    Decided(OutcomeReply),
    NotTaken(i32),
    Lost(String),
}

/// Sends the lane's payments and counts what comes of them.
pub(crate) async fn run(setup: LaneSetup, calls_in_flight: usize) -> Tally {
    let state = State { times: setup.times.clone(), next_place: 0, tally: Tally::new(setup.share) };
    let lane = Arc::new(UnaryLane { setup, state: Mutex::new(state) });
    let mut workers = JoinSet::new();
    for _ in 0..calls_in_flight {
        workers.spawn(work(lane.clone()));
    }
    while let Some(ended) = workers.join_next().await {
        joined(ended);
    }
    let UnaryLane { setup, state } = Arc::into_inner(lane).expect("the workers have ended");
    let State { times, next_place, mut tally } = state.into_inner().unwrap_or_else(PoisonError::into_inner);
    tally.not_sent = setup.not_sent(&times, next_place, 1);
    tally
}

async fn work(lane: Arc<UnaryLane>) {
    let mut call = Grpc::new(lane.setup.channel.clone());
    let mut backoff = lane.setup.backoff;
    while lane.setup.gate.pass().await {
        let Some((place, counted_from)) = lane.next() else { return };
        let number = lane.setup.share.number(place);
        let answer =
            match timeout(ANSWER_TIMEOUT, submit_payment(&mut call, &lane.setup.writer, number)).await {
                Ok(reply) => judge(reply),
                Err(_) => Answer::Lost("no answer in time".to_owned()),
            };
        lane.record(place, counted_from, &answer);
        let delay = match answer {
            Answer::Decided(_) => {
                backoff.reset();
                continue;
            }
            Answer::NotTaken(code) if code != i32::from(tonic::Code::Unavailable) => {
                backoff.reset();
                lane.setup.gate.is_closed_loop().then_some(REFUSAL_PAUSE)
            }
            Answer::NotTaken(_) => lane.failed(&mut backoff, "the node takes nothing"),
            Answer::Lost(why) => lane.failed(&mut backoff, &why),
        };
        if lane.lock().tally.gave_up.is_some() {
            return;
        }
        if let Some(delay) = delay {
            sleep(delay).await;
        }
    }
}

fn judge(reply: Result<UnaryReply, Status>) -> Answer {
    match reply {
        Ok(UnaryReply { outcome: Some(outcome) }) => Answer::Decided(outcome),
        Ok(UnaryReply { outcome: None }) => Answer::Lost("a reply without an outcome".to_owned()),
        Err(status) => match refusal_code(&status) {
            Some(code) => Answer::NotTaken(code),
            None => Answer::Lost(status.to_string()),
        },
    }
}

impl UnaryLane {
    /// The next payment, and the time from which its latency counts.
    fn next(&self) -> Option<(u64, Instant)> {
        let mut state = self.lock();
        if state.next_place == self.setup.payments_max {
            return None;
        }
        let counted_from = state.times.next()?;
        let place = state.next_place;
        state.next_place += 1;
        state.tally.sent(1, counted_from);
        Some((place, counted_from))
    }

    fn record(&self, place: u64, counted_from: Instant, answer: &Answer) {
        let now = Instant::now();
        let latency = now.saturating_duration_since(counted_from);
        let mut state = self.lock();
        let tally = &mut state.tally;
        match answer {
            Answer::Decided(outcome) => {
                tally.decided(place, outcome, latency);
            }
            Answer::NotTaken(code) => {
                tally.refused(place, *code, latency);
            }
            Answer::Lost(_) => return tally.lost(place),
        }
        tally.last_answer = Some(now);
        self.setup.answers.fetch_add(1, Ordering::Relaxed);
    }

    /// How long to wait after a failure. If it was one too many, the whole lane ends.
    fn failed(&self, backoff: &mut Backoff, why: &str) -> Option<std::time::Duration> {
        let delay = backoff.failed();
        if delay.is_none() {
            self.lock().tally.gave_up = Some(why.to_owned());
        }
        delay
    }

    /// Nothing is left half done under the lock, so a panic elsewhere does not spoil the state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "unary_lane_tests.rs"]
mod tests;
