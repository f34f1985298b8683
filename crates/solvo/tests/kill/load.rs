//! Callers of every sort at once, each on a connection of its own, until the node or the round ends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use client::{Refusal, v1};
use tests::Api;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use crate::node::Node;
use crate::plan::{Plan, changed};
use crate::random::Random;
use crate::record::{Heard, Record, Request, Told, within};

/// Callers of single calls, and of streams.
const UNARY_CALLERS: u32 = 6;
const STREAM_CALLERS: u32 = 2;

/// Payments in one message of a stream at most, and messages without all their results.
const MESSAGE_PAYMENTS_MAX: u64 = 16;
const MESSAGES_IN_FLIGHT: usize = 3;

/// Calls of a caller who goes away before they are answered.
const HASTY_CALLS_MAX: u32 = 40;

/// Messages that are sent without reading any reply. The replies to one of them fill the reader's window.
const UNREAD_MESSAGES: u64 = 5;

/// Nothing of a round takes longer on any healthy machine.
const ROUND_MAX: Duration = Duration::from_secs(60);

/// Callers at work.
#[derive(Debug)]
pub(crate) struct Load {
    callers: JoinSet<()>,
    replies: watch::Receiver<u64>,
    over: watch::Sender<bool>,
}

impl Load {
    /// Starts all callers. The names of their requests start with `round`.
    pub(crate) async fn start(node: &Node, round: &str, random: &mut Random, record: &Arc<Record>) -> Self {
        let (replies, over) = (record.replies(), watch::Sender::new(false));
        let mut caller = |sort: &str, number: u32, api: Api| Caller {
            api,
            plan: Plan::new(format!("{round}-{sort}{number}"), random.fork()),
            record: Arc::clone(record),
            over: over.subscribe(),
        };
        let mut callers = JoinSet::new();
        for number in 0..UNARY_CALLERS {
            callers.spawn(caller("U", number, node.api().await).calls());
        }
        for number in 0..STREAM_CALLERS {
            callers.spawn(caller("S", number, node.api().await).streams());
        }
        callers.spawn(caller("H", 0, node.api().await).goes_away());
        callers.spawn(caller("N", 0, node.narrow_api().await).never_reads());
        Self { callers, replies, over }
    }

    /// Waits for so many more replies.
    pub(crate) async fn replies(&mut self, count: u64) {
        let mut replies = self.replies.clone();
        let enough = *replies.borrow() + count;
        let waiting = async {
            tokio::select! {
                reached = replies.wait_for(|count| *count >= enough) => drop(reached.unwrap()),
                () = self.ended() => panic!("all callers ended before {enough} replies had come"),
            }
        };
        timeout(ROUND_MAX, waiting).await.expect("the callers make progress");
    }

    /// Waits until all callers have ended. One that found a fault ends the test at once.
    pub(crate) async fn ended(&mut self) {
        while let Some(caller) = self.callers.join_next().await {
            caller.unwrap();
        }
    }

    /// Ends the round: callers finish what they are at.
    pub(crate) async fn end(mut self) {
        self.over.send_replace(true);
        timeout(ROUND_MAX, self.ended()).await.expect("the callers end");
    }
}

/// One caller.
struct Caller {
    api: Api,
    plan: Plan,
    record: Arc<Record>,
    over: watch::Receiver<bool>,
}

impl Caller {
    fn is_over(&self) -> bool {
        *self.over.borrow()
    }

    /// Makes calls one after the other: payments, bookings, repeats, and repeats with another body.
    async fn calls(mut self) {
        while !self.is_over() {
            let answered = self.record.any_answered(&mut self.plan.random);
            let heard = match (self.plan.random.below(20), answered) {
                (0..2, Some((name, request))) => self.record.call(&self.api, &name, &request).await,
                (2..4, Some((_, request))) => self.call_with_another_body(&request).await,
                (4..10, _) => {
                    let (name, request) = self.plan.booking();
                    self.record.call(&self.api, &name, &request).await
                }
                _ => {
                    let (name, request) = self.plan.payment();
                    self.record.call(&self.api, &name, &request).await
                }
            };
            if matches!(heard, Heard::Lost) {
                return;
            }
        }
    }

    /// A name that has an answer gets none for another body, and the record stays as it is.
    async fn call_with_another_body(&self, request: &Request) -> Heard {
        let heard = changed(request).call(&self.api).await;
        if let Heard::Told(told, _) = &heard {
            match &**told {
                Told::Outcome(outcome) => {
                    assert_eq!(outcome.status(), v1::PaymentStatus::Rejected);
                    assert_eq!(outcome.reason_code, "AM05");
                    assert!(!outcome.repeat, "it repeats nothing");
                }
                Told::Refused(code, reason) => {
                    let reused = v1::ErrorReason::RequestIdReused;
                    assert_eq!((*code, *reason), (Code::FailedPrecondition, reused));
                }
                Told::Done { .. } => panic!("a changed {request:?} was done"),
            }
        }
        heard
    }

    /// Streams messages of payments, a few of them in flight.
    async fn streams(mut self) {
        let (messages, outbound) = mpsc::channel(MESSAGES_IN_FLIGHT);
        let opened = self.api.payments().submit_payments(ReceiverStream::new(outbound)).await;
        // The node may be killed before it answers.
        let Ok(opened) = opened else { return };
        let mut replies = opened.into_inner();
        let mut in_flight = BTreeMap::new();
        let mut messages = Some(messages);
        let mut caller_id = 0;
        loop {
            let room = MESSAGES_IN_FLIGHT * usize::try_from(MESSAGE_PAYMENTS_MAX).unwrap();
            if self.is_over() {
                // From here on only the remaining results follow.
                messages = None;
            } else if let Some(messages) = messages.as_ref().filter(|_| in_flight.len() < room) {
                let message = self.message(&mut caller_id, &mut in_flight);
                // A stream that has broken says so where its results are read.
                let _ = messages.send(message).await;
            }
            let Ok(Some(reply)) = replies.message().await else { return };
            for result in reply.results {
                let name: String = in_flight.remove(&result.caller_id).expect("a result has a submission");
                self.record.heard(&name, &stream_result(result));
            }
            if messages.is_none() && in_flight.is_empty() {
                return;
            }
        }
    }

    fn message(
        &mut self,
        caller_id: &mut u64,
        in_flight: &mut BTreeMap<u64, String>,
    ) -> v1::SubmitPaymentsRequest {
        let mut payments = Vec::new();
        for _ in 0..=self.plan.random.below(MESSAGE_PAYMENTS_MAX) {
            let repeat = self.plan.random.one_in(10);
            let answered = self.record.any_answered(&mut self.plan.random).filter(|_| repeat);
            let (name, payment) = match answered.as_ref().map(|(name, request)| (name, &**request)) {
                Some((name, Request::Pay(payment))) => (name.clone(), payment.clone()),
                Some(_) | None => match self.plan.payment() {
                    (name, Request::Pay(payment)) => (name, payment),
                    (name, _) => panic!("{name} is a payment"),
                },
            };
            self.record.sending(&name, &Request::Pay(payment.clone()));
            *caller_id += 1;
            in_flight.insert(*caller_id, name);
            payments.push(v1::PaymentSubmission { caller_id: *caller_id, payment: Some(*payment) });
        }
        v1::SubmitPaymentsRequest { payments }
    }

    /// Goes away at some moment between sending a payment and its answer.
    async fn goes_away(mut self) {
        for _ in 0..HASTY_CALLS_MAX {
            if self.is_over() {
                return;
            }
            let (name, request) = self.plan.payment();
            let Request::Pay(payment) = &request else { panic!("{name} is a payment") };
            let patience = Duration::from_micros(100 * (1 + self.plan.random.below(60)));
            let submit = v1::SubmitPaymentRequest { payment: Some(*payment.clone()), wait_ms: None };
            self.record.sending(&name, &request);
            let heard = match self.api.payments().submit_payment(within(patience, submit)).await {
                Ok(reply) => Heard::outcome(reply.into_inner().outcome.unwrap()),
                Err(status) => Heard::error(&Refusal::from_status(&status)),
            };
            if matches!(heard, Heard::Told(..)) {
                self.record.heard(&name, &heard);
            }
        }
    }

    /// Sends payments on a stream, and reads nothing of it as long as the round lasts.
    async fn never_reads(mut self) {
        let (messages, outbound) = mpsc::channel(1);
        let opened = self.api.payments().submit_payments(ReceiverStream::new(outbound)).await;
        let Ok(_unread) = opened else { return };
        let mut caller_id = 0;
        for _ in 0..UNREAD_MESSAGES {
            let message = self.message(&mut caller_id, &mut BTreeMap::new());
            tokio::select! {
                sent = messages.send(message) => if sent.is_err() { break },
                over = self.over.wait_for(|over| *over) => drop(over.unwrap()),
            }
        }
        drop(self.over.wait_for(|over| *over).await.unwrap());
    }
}

/// What became of a payment of a stream.
pub(crate) fn stream_result(result: v1::PaymentResult) -> Heard {
    match result.result.unwrap() {
        v1::payment_result::Result::Outcome(outcome) => Heard::outcome(outcome),
        v1::payment_result::Result::NotTaken(not_taken) => Heard::error(&Refusal::from_not_taken(&not_taken)),
    }
}
