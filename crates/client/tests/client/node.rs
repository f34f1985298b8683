//! A node with a payment service that follows a plan.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client::v1::payment_service_server::{PaymentService, PaymentServiceServer};
use client::{Client, ConnectOptions, Refusal, RetryPolicy, v1};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

/// What the node does with a payment of a stream.
pub(crate) enum Act {
    Settle,
    Refuse(Refusal),
    /// Never answers.
    Keep,
    /// Ends the stream, with this payment and what else has no answer left open.
    Break(Status),
}

/// Decides about a payment by the number of the stream (from 0) on which it comes.
pub(crate) type Plan = dyn Fn(usize, &v1::PaymentSubmission) -> Act + Send + Sync;

#[derive(Clone)]
pub(crate) struct Node {
    /// How the next unary calls fail; then they succeed.
    pub(crate) failures: Arc<Mutex<VecDeque<Status>>>,
    /// The unary calls that came.
    pub(crate) calls: Arc<Mutex<Vec<v1::SubmitPaymentRequest>>>,
    streams: Arc<AtomicUsize>,
    plan: Arc<Plan>,
}

impl Node {
    pub(crate) fn new(plan: impl Fn(usize, &v1::PaymentSubmission) -> Act + Send + Sync + 'static) -> Self {
        Self {
            failures: Arc::default(),
            calls: Arc::default(),
            streams: Arc::default(),
            plan: Arc::new(plan),
        }
    }

    pub(crate) fn failing(failures: impl IntoIterator<Item = Status>) -> Self {
        let node = Self::new(|_, _| Act::Settle);
        node.failures.lock().unwrap().extend(failures);
        node
    }

    /// Serves until the runtime ends.
    pub(crate) async fn start(&self, address: SocketAddr) -> SocketAddr {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = PaymentServiceServer::new(self.clone());
        let incoming = TcpListenerStream::new(listener);
        tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
        address
    }

    /// A client of this node that is quick to try again.
    pub(crate) async fn client(&self) -> Client {
        connect(self.start(loopback()).await, quick()).await
    }
}

pub(crate) fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Three attempts within milliseconds, but no hurry for an answer.
pub(crate) fn quick() -> RetryPolicy {
    RetryPolicy {
        attempts_max: 3,
        attempt_timeout: Duration::from_secs(30),
        delay_first: Duration::from_millis(1),
        delay_max: Duration::from_millis(10),
        ..RetryPolicy::default()
    }
}

pub(crate) fn options(retry: RetryPolicy) -> ConnectOptions {
    ConnectOptions { connections: 2, retry, jitter_seed: Some(1), ..ConnectOptions::default() }
}

pub(crate) async fn connect(address: SocketAddr, retry: RetryPolicy) -> Client {
    Client::connect(&format!("http://{address}"), options(retry)).await.unwrap()
}

pub(crate) fn settled() -> v1::PaymentOutcome {
    v1::PaymentOutcome { status: v1::PaymentStatus::Settled.into(), ..Default::default() }
}

type Answer<Message> = Result<Response<Message>, Status>;

#[tonic::async_trait]
impl PaymentService for Node {
    type SubmitPaymentsStream = ReceiverStream<Result<v1::SubmitPaymentsResponse, Status>>;

    async fn submit_payment(
        &self,
        request: Request<v1::SubmitPaymentRequest>,
    ) -> Answer<v1::SubmitPaymentResponse> {
        self.calls.lock().unwrap().push(request.into_inner());
        match self.failures.lock().unwrap().pop_front() {
            Some(status) => Err(status),
            None => Ok(Response::new(v1::SubmitPaymentResponse { outcome: Some(settled()) })),
        }
    }

    async fn submit_payments(
        &self,
        request: Request<Streaming<v1::SubmitPaymentsRequest>>,
    ) -> Answer<Self::SubmitPaymentsStream> {
        let number = self.streams.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = mpsc::channel(16);
        tokio::spawn(follow(self.plan.clone(), number, request.into_inner(), sender));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn get_payment(&self, _: Request<v1::GetPaymentRequest>) -> Answer<v1::GetPaymentResponse> {
        Err(Status::unimplemented("not part of these tests"))
    }
}

async fn follow(
    plan: Arc<Plan>,
    stream: usize,
    mut requests: Streaming<v1::SubmitPaymentsRequest>,
    replies: mpsc::Sender<Result<v1::SubmitPaymentsResponse, Status>>,
) {
    use v1::payment_result::Result as Outcome;
    while let Ok(Some(request)) = requests.message().await {
        let mut results = Vec::new();
        let mut broken = None;
        for submission in &request.payments {
            let result = match plan(stream, submission) {
                Act::Settle => Outcome::Outcome(settled()),
                Act::Refuse(refusal) => Outcome::NotTaken(refusal.into_not_taken()),
                Act::Keep => continue,
                Act::Break(status) => {
                    broken = Some(status);
                    break;
                }
            };
            results.push(v1::PaymentResult { caller_id: submission.caller_id, result: Some(result) });
        }
        // The client may be gone; then there is nobody to tell.
        if !results.is_empty() {
            let _ = replies.send(Ok(v1::SubmitPaymentsResponse { results })).await;
        }
        if let Some(status) = broken {
            let _ = replies.send(Err(status)).await;
            return;
        }
    }
}
