//! A lane of one stream: messages of many payments, several in flight, one task for all of it.
//!
//! Invariant: when a connection breaks, exactly the payments that were sent on it and have no answer become
//! unknown; nothing is sent twice while the run lasts.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::{sleep, sleep_until, timeout};
use tonic::{Status, Streaming};

use crate::exchange::{Numbers, submit_payments};
use crate::lane::{ANSWER_TIMEOUT, Backoff, Gate, LaneSetup, REFUSAL_PAUSE};
use crate::tally::Tally;
use crate::wire::{BatchReply, ItemReply};

/// A message that is not fully answered.
struct InFlight {
    counted_from: Instant,
    /// The place of its first payment.
    first: u64,
    count: u64,
    answered: u64,
}

/// How a connection's time ends.
enum End {
    Finished,
    Broken(Status),
}

struct StreamLane {
    setup: LaneSetup,
    payments_per_message: u64,
    messages_in_flight: usize,
    /// In the order of sending: each but the last is full, so a payment's place leads to its message.
    window: VecDeque<InFlight>,
    next_place: u64,
    /// Nothing more is to be sent.
    sent_all: bool,
    /// A closed loop sends nothing before this time.
    resume_at: Option<Instant>,
    /// When the node is given up as silent, if something is in flight.
    silent_at: Instant,
    backoff: Backoff,
    tally: Tally,
}

/// Sends the lane's payments and counts what comes of them.
pub(crate) async fn run(setup: LaneSetup, payments_per_message: u64, messages_in_flight: usize) -> Tally {
    let mut lane = StreamLane {
        tally: Tally::new(setup.share),
        backoff: setup.backoff,
        setup,
        payments_per_message,
        messages_in_flight,
        window: VecDeque::with_capacity(messages_in_flight),
        next_place: 0,
        sent_all: false,
        resume_at: None,
        silent_at: Instant::now() + ANSWER_TIMEOUT,
    };
    loop {
        let status = match lane.connection().await {
            End::Finished => return lane.finished(None),
            End::Broken(status) => status,
        };
        lane.lose_window();
        match lane.backoff.failed() {
            Some(delay) => sleep(delay).await,
            None => return lane.finished(Some(status.to_string())),
        }
    }
}

impl StreamLane {
    /// Works with one connection until everything is answered or it breaks.
    async fn connection(&mut self) -> End {
        let (outbound, queue) = mpsc::channel(self.messages_in_flight);
        let mut opening = pin!(submit_payments(self.setup.channel.clone(), self.setup.writer.clone(), queue));
        let mut inbound: Option<Streaming<BatchReply>> = None;
        loop {
            if self.sent_all && self.window.is_empty() {
                drop(outbound);
                finish(inbound).await;
                return End::Finished;
            }
            // Until the stream is open a single message goes: a node that is down shall not cost a full
            // window.
            let room = if inbound.is_some() { self.messages_in_flight } else { 1 };
            let may_send = !self.sent_all && self.window.len() < room;
            tokio::select! {
                opened = &mut opening, if inbound.is_none() => match opened {
                    Ok(stream) => inbound = Some(stream),
                    Err(status) => return End::Broken(status),
                },
                message = next(&mut inbound) => match message {
                    Ok(Some(message)) => self.answered(&message.results),
                    Ok(None) => return End::Broken(Status::unavailable("the node ended the stream")),
                    Err(status) => return End::Broken(status),
                },
                passed = turn(&self.setup.gate, self.resume_at), if may_send => {
                    if let Some(numbers) = self.next_message(passed) {
                        // The queue has room for all that may be in flight. If it is gone, so is the
                        // connection, and what was to be sent on it is found in the window.
                        let _ = outbound.try_send(numbers);
                    }
                }
                () = sleep_until(self.silent_at.into()), if !self.window.is_empty() => {
                    return End::Broken(Status::deadline_exceeded("no answer in time"));
                }
            }
        }
    }

    /// The payments of the next message, which is in flight from now on.
    fn next_message(&mut self, passed: bool) -> Option<Numbers> {
        self.resume_at = None;
        let count = self.payments_per_message.min(self.setup.payments_max - self.next_place);
        let counted_from = if passed && count > 0 { self.setup.times.next() } else { None };
        let Some(counted_from) = counted_from else {
            self.sent_all = true;
            return None;
        };
        if self.window.is_empty() {
            self.silent_at = Instant::now() + ANSWER_TIMEOUT;
        }
        let first = self.next_place;
        self.window.push_back(InFlight { counted_from, first, count, answered: 0 });
        self.next_place += count;
        self.tally.sent(count, counted_from);
        let share = self.setup.share;
        Some(Numbers { first: share.number(first), step: share.lanes, count })
    }

    /// Counts the results of one reply.
    fn answered(&mut self, results: &[ItemReply]) {
        let now = Instant::now();
        let mut answers = 0;
        for result in results {
            answers += u64::from(self.result(result, now));
        }
        if answers > 0 {
            self.backoff.reset();
            self.silent_at = now + ANSWER_TIMEOUT;
            self.tally.last_answer = Some(now);
            self.setup.answers.fetch_add(answers, Ordering::Relaxed);
        }
        while self.window.front().is_some_and(|message| message.answered == message.count) {
            self.window.pop_front();
        }
    }

    /// Counts one result; `false` if nobody asked for it.
    fn result(&mut self, result: &ItemReply, now: Instant) -> bool {
        let found = self.setup.share.place(result.caller_id).and_then(|place| {
            let first = self.window.front()?.first;
            let message = place.checked_sub(first)? / self.payments_per_message;
            let message = self.window.get_mut(usize::try_from(message).ok()?)?;
            (place < message.first + message.count).then_some((place, message))
        });
        let Some((place, message)) = found else {
            self.tally.unasked += 1;
            return false;
        };
        let latency = now.saturating_duration_since(message.counted_from);
        let counted = match (&result.outcome, &result.not_taken) {
            (Some(outcome), _) => self.tally.decided(place, outcome, latency),
            (None, Some(not_taken)) => {
                if self.setup.gate.is_closed_loop() {
                    self.resume_at = Some(now + REFUSAL_PAUSE);
                }
                self.tally.refused(place, not_taken.code, latency)
            }
            // A result without content: the payment stays without an answer, and silence ends the connection.
            (None, None) => false,
        };
        message.answered += u64::from(counted);
        counted
    }

    fn finished(mut self, gave_up: Option<String>) -> Tally {
        let setup = &self.setup;
        self.tally.not_sent = setup.not_sent(&setup.times, self.next_place, self.payments_per_message);
        self.tally.gave_up = gave_up;
        self.tally
    }

    /// What was in flight on a broken connection is unknown, unless it was answered.
    fn lose_window(&mut self) {
        for message in self.window.drain(..) {
            for place in message.first..message.first + message.count {
                if !self.tally.is_answered(place) {
                    self.tally.lost(place);
                }
            }
        }
    }
}

/// Waits until a message may leave; `false` if none may any more.
async fn turn(gate: &Gate, resume_at: Option<Instant>) -> bool {
    if let Some(resume_at) = resume_at {
        sleep_until(resume_at.into()).await;
    }
    gate.pass().await
}

/// The next reply; never, while the stream is not open.
async fn next(inbound: &mut Option<Streaming<BatchReply>>) -> Result<Option<BatchReply>, Status> {
    match inbound {
        Some(stream) => stream.message().await,
        None => std::future::pending().await,
    }
}

/// Lets the node end the stream, which is kinder than a reset. Nothing depends on it, so it has a second.
async fn finish(inbound: Option<Streaming<BatchReply>>) {
    if let Some(mut stream) = inbound {
        let _ = timeout(Duration::from_secs(1), stream.message()).await;
    }
}

#[cfg(test)]
#[path = "stream_lane_tests.rs"]
mod tests;
