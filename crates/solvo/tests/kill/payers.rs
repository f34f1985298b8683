//! Payers who pay to banks elsewhere over streams, and send again what a broken stream has left in doubt.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use client::v1;
use tests::{ALFA, Api, BETA, GAMMA, ago, belgian, dutch, french, german, payment};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;

use crate::books::decimal;
use crate::load::stream_result;
use crate::node::Node;
use crate::random::Random;
use crate::record::{Heard, Record, Request};

/// A Dutch bank that keeps its accounts itself, and exchanges documents.
pub(crate) const DELTA: &str = "DELTNL2AXXX";

/// Customers of each payers' bank.
pub(crate) const CUSTOMERS: u32 = 6;

/// Streams at once.
const STREAMS: u32 = 3;

/// Payments in one message at most, and those without result on a stream.
const MESSAGE_PAYMENTS_MAX: u64 = 12;
const IN_FLIGHT_MAX: usize = 60;

/// How long ago a payment was received by its bank's word: what waits in vain has 3 s left.
const RECEIVED_BEFORE: Duration = Duration::from_secs(4);

/// The largest amount, in cents: the payers' money outlasts the test.
const CENTS_MAX: u64 = 150;

/// Nothing of a round takes longer on any healthy machine.
const ROUND_MAX: Duration = Duration::from_secs(60);

/// Payers at work.
#[derive(Debug)]
pub(crate) struct Payers {
    streams: JoinSet<()>,
    settled: watch::Receiver<u64>,
    over: watch::Sender<bool>,
}

impl Payers {
    /// Starts all streams, on a connection each. What is in doubt goes first; the names of new payments start with `round`.
    pub(crate) async fn start(node: &Node, round: &str, random: &mut Random, record: &Arc<Record>) -> Self {
        let (settled, over) = (record.settled(), watch::Sender::new(false));
        let entries = record.entries().into_iter();
        let mut doubts: Vec<_> =
            entries.filter(|entry| entry.told.is_none()).map(|entry| entry.name).collect();
        let mut streams = JoinSet::new();
        for number in 0..STREAMS {
            let place = usize::try_from(STREAMS - number).unwrap();
            let payer = Payer {
                api: node.api().await,
                prefix: format!("{round}-{number}"),
                number: 0,
                random: random.fork(),
                doubts: doubts.split_off(doubts.len() - doubts.len() / place),
                record: Arc::clone(record),
                over: over.subscribe(),
            };
            streams.spawn(payer.pay());
        }
        Self { streams, settled, over }
    }

    /// Waits until so many more payments are settled.
    pub(crate) async fn settle(&mut self, count: u64) {
        let mut settled = self.settled.clone();
        let enough = *settled.borrow() + count;
        let waiting = async {
            tokio::select! {
                reached = settled.wait_for(|count| *count >= enough) => drop(reached.unwrap()),
                () = ended(&mut self.streams) => panic!("all streams ended before {enough} were settled"),
            }
        };
        timeout(ROUND_MAX, waiting).await.expect("payments are settled");
    }

    /// Ends the round: what has been sent gets its results, unless the node is gone.
    pub(crate) async fn end(mut self) {
        self.over.send_replace(true);
        timeout(ROUND_MAX, ended(&mut self.streams)).await.expect("the streams end");
    }

    /// Sends what is in doubt until nothing is.
    pub(crate) async fn resolve(node: &Node, random: &mut Random, record: &Arc<Record>) {
        let resolving = async {
            while record.entries().iter().any(|entry| entry.told.is_none()) {
                let payers = Self::start(node, "END", random, record).await;
                payers.end().await;
            }
        };
        timeout(ROUND_MAX, resolving).await.expect("everything is decided");
    }
}

/// Waits until all streams have ended. One that found a fault ends the test at once.
async fn ended(streams: &mut JoinSet<()>) {
    while let Some(stream) = streams.join_next().await {
        stream.unwrap();
    }
}

/// One stream's payer.
struct Payer {
    api: Api,
    prefix: String,
    number: u32,
    random: Random,
    /// Names of payments that were sent and have no result.
    doubts: Vec<String>,
    record: Arc<Record>,
    over: watch::Receiver<bool>,
}

impl Payer {
    /// Pays until the round is over or the stream breaks.
    async fn pay(mut self) {
        let (messages, outbound) = mpsc::channel(1);
        let opened = self.api.payments().submit_payments(ReceiverStream::new(outbound)).await;
        // The node may be killed before it answers.
        let Ok(opened) = opened else { return };
        let mut replies = opened.into_inner();
        let mut messages = Some(messages);
        let mut in_flight = BTreeMap::new();
        let mut caller_id = 0;
        loop {
            if *self.over.borrow() && self.doubts.is_empty() {
                // From here on only the remaining results follow.
                messages = None;
                if in_flight.is_empty() {
                    return;
                }
            }
            let has_room = in_flight.len() < IN_FLIGHT_MAX;
            tokio::select! {
                room = room(messages.as_ref()), if has_room && messages.is_some() => {
                    // A stream that has broken says so where its results are read.
                    let Some(room) = room else { return };
                    room.send(self.message(&mut caller_id, &mut in_flight));
                }
                reply = replies.message() => {
                    let Ok(Some(reply)) = reply else { return };
                    for result in reply.results {
                        let name: String = in_flight.remove(&result.caller_id).expect("a result has a submission");
                        let heard = stream_result(result);
                        // What was not taken is still in doubt.
                        assert!(matches!(heard, Heard::Told(..) | Heard::NotTaken), "{name}: {heard:?}");
                        self.record.heard(&name, &heard);
                    }
                }
                over = self.over.changed(), if messages.is_some() => over.unwrap(),
            }
        }
    }

    fn message(
        &mut self,
        caller_id: &mut u64,
        in_flight: &mut BTreeMap<u64, String>,
    ) -> v1::SubmitPaymentsRequest {
        let mut payments = Vec::new();
        for _ in 0..=self.random.below(MESSAGE_PAYMENTS_MAX) {
            let (name, payment) = self.next();
            self.record.sending(&name, &Request::Pay(Box::new(payment.clone())));
            *caller_id += 1;
            in_flight.insert(*caller_id, name);
            payments.push(v1::PaymentSubmission { caller_id: *caller_id, payment: Some(payment) });
        }
        v1::SubmitPaymentsRequest { payments }
    }

    /// What is in doubt, or now and then what was answered before, or a new payment.
    fn next(&mut self) -> (String, v1::Payment) {
        if let Some(name) = self.doubts.pop() {
            let payment = self.record.payment(&name);
            return (name, payment);
        }
        let answered = self.record.any_answered(&mut self.random).filter(|_| self.random.one_in(10));
        match answered.as_ref().map(|(name, request)| (name, &**request)) {
            Some((name, Request::Pay(payment))) => (name.clone(), *payment.clone()),
            Some((name, _)) => panic!("{name} is a payment"),
            None => self.new_payment(),
        }
    }

    fn new_payment(&mut self) -> (String, v1::Payment) {
        self.number += 1;
        let name = format!("{}-{}", self.prefix, self.number);
        let customer = 1 + u32::try_from(self.random.below(CUSTOMERS.into())).unwrap();
        let (debtor_agent, debtor_account) = match self.random.one_in(2) {
            true => (ALFA, belgian(customer)),
            false => (BETA, german(customer)),
        };
        let (creditor_agent, creditor_account) = match self.random.one_in(2) {
            true => (GAMMA, french(customer)),
            false => (DELTA, dutch(customer)),
        };
        let amount = decimal(1 + i64::try_from(self.random.below(CENTS_MAX)).unwrap());
        let payment = v1::Payment {
            debtor_agent: debtor_agent.to_owned(),
            debtor_account,
            creditor_agent: creditor_agent.to_owned(),
            creditor_account,
            acceptance_time: Some(ago(RECEIVED_BEFORE)),
            ..payment(&name, &amount)
        };
        (name, payment)
    }
}

/// Room for a message; `None` if the stream has broken.
async fn room(
    messages: Option<&mpsc::Sender<v1::SubmitPaymentsRequest>>,
) -> Option<mpsc::Permit<'_, v1::SubmitPaymentsRequest>> {
    messages?.reserve().await.ok()
}
