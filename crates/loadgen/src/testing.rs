//! A payment service that does as a test says, and lanes that send to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use client::v1::payment_service_server::{PaymentService, PaymentServiceServer};
use client::{Client, ConnectOptions, Refusal, v1};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::Server;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::lane::{Backoff, Gate, LaneSetup, Share, Times};
use crate::options::LoadOptions;
use crate::plan::Plan;
use crate::wire::PaymentWriter;

/// What the service does with a payment.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    Settle,
    Reject(&'static str),
    NotTake,
    /// Answers, and then once more.
    SettleTwice,
    /// Breaks off: the stream with all that is unanswered on it, or the call.
    Break,
}

/// Decides by the number of the stream or call (from 0) and the payment's transaction id.
type Decide = dyn Fn(usize, &str) -> Act + Send + Sync;

#[derive(Clone)]
struct Node {
    calls: Arc<AtomicUsize>,
    decide: Arc<Decide>,
}

/// A lane of `payments` payments to a service that decides like this. It is the second of two lanes.
pub(crate) async fn lane(
    payments: u64,
    decide: impl Fn(usize, &str) -> Act + Send + Sync + 'static,
) -> LaneSetup {
    let node = Node { calls: Arc::default(), decide: Arc::new(decide) };
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let incoming = TcpListenerStream::new(listener);
    let service = PaymentServiceServer::new(node);
    tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
    let client = Client::connect(&address, ConnectOptions::default()).await.unwrap();
    let plan = Plan::new(&LoadOptions::new("RUN1".parse().unwrap()));
    LaneSetup {
        share: Share { lane: 1, lanes: 2 },
        payments_max: payments,
        channel: client.channel(),
        writer: Arc::new(PaymentWriter::new(plan)),
        gate: Gate::Closed { until: None },
        times: Times::Actual,
        backoff: Backoff::QUICK,
        answers: Arc::default(),
    }
}

fn outcome(status: v1::PaymentStatus, reason: &str) -> v1::PaymentOutcome {
    v1::PaymentOutcome { status: status.into(), reason_code: reason.to_owned(), ..Default::default() }
}

fn refusal() -> Refusal {
    Refusal::new(Code::ResourceExhausted, v1::ErrorReason::Overloaded, "busy")
}

type Answer<Message> = Result<Response<Message>, Status>;

#[tonic::async_trait]
impl PaymentService for Node {
    type SubmitPaymentsStream = ReceiverStream<Result<v1::SubmitPaymentsResponse, Status>>;

    async fn submit_payment(
        &self,
        request: Request<v1::SubmitPaymentRequest>,
    ) -> Answer<v1::SubmitPaymentResponse> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let payment = request.into_inner().payment.unwrap();
        let outcome = match (self.decide)(call, &payment.transaction_id) {
            Act::Settle | Act::SettleTwice => outcome(v1::PaymentStatus::Settled, ""),
            Act::Reject(reason) => outcome(v1::PaymentStatus::Rejected, reason),
            Act::NotTake => return Err(refusal().into_status()),
            Act::Break => return Err(Status::unavailable("broken off")),
        };
        Ok(Response::new(v1::SubmitPaymentResponse { outcome: Some(outcome) }))
    }

    async fn submit_payments(
        &self,
        request: Request<Streaming<v1::SubmitPaymentsRequest>>,
    ) -> Answer<Self::SubmitPaymentsStream> {
        let stream = self.calls.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = mpsc::channel(16);
        tokio::spawn(follow(self.decide.clone(), stream, request.into_inner(), sender));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn get_payment(&self, _: Request<v1::GetPaymentRequest>) -> Answer<v1::GetPaymentResponse> {
        Err(Status::unimplemented("not part of these tests"))
    }
}

async fn follow(
    decide: Arc<Decide>,
    stream: usize,
    mut requests: Streaming<v1::SubmitPaymentsRequest>,
    replies: mpsc::Sender<Result<v1::SubmitPaymentsResponse, Status>>,
) {
    use v1::payment_result::Result as Outcome;
    while let Ok(Some(request)) = requests.message().await {
        let mut results = Vec::new();
        let mut broken = false;
        for submission in &request.payments {
            let transaction_id = &submission.payment.as_ref().unwrap().transaction_id;
            let act = decide(stream, transaction_id);
            let result = match act {
                Act::Settle | Act::SettleTwice => Outcome::Outcome(outcome(v1::PaymentStatus::Settled, "")),
                Act::Reject(reason) => Outcome::Outcome(outcome(v1::PaymentStatus::Rejected, reason)),
                Act::NotTake => Outcome::NotTaken(refusal().into_not_taken()),
                Act::Break => {
                    broken = true;
                    break;
                }
            };
            let result = v1::PaymentResult { caller_id: submission.caller_id, result: Some(result) };
            if matches!(act, Act::SettleTwice) {
                results.push(result.clone());
            }
            results.push(result);
        }
        // The lane may be gone; then there is nobody to tell.
        if !results.is_empty() {
            let _ = replies.send(Ok(v1::SubmitPaymentsResponse { results })).await;
        }
        if broken {
            let _ = replies.send(Err(Status::unavailable("broken off"))).await;
            return;
        }
    }
}
