//! A node with the services that banks connect to, which follows a plan for each connection.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use client::v1::connect_event::Event;
use client::v1::connect_request::Request as Said;
use client::v1::event_service_server::{EventService, EventServiceServer};
use client::v1::iso20022_service_server::{Iso20022Service, Iso20022ServiceServer};
use client::v1::participant_service_server::{ParticipantService, ParticipantServiceServer};
use client::{Client, RetryPolicy, v1};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

use crate::node::{connect, loopback, quick};

/// One connection of a bank, as the node sees it.
pub(crate) struct Session {
    /// Counted from 0.
    pub(crate) number: usize,
    pub(crate) start: v1::ConnectStart,
    requests: Streaming<v1::ConnectRequest>,
    replies: mpsc::Sender<Result<v1::ConnectResponse, Status>>,
}

impl Session {
    pub(crate) async fn tell(&self, events: impl IntoIterator<Item = Event>) {
        let events = events.into_iter().map(|event| v1::ConnectEvent { event: Some(event) }).collect();
        // The bank may be gone; then there is nobody to tell.
        let _ = self.replies.send(Ok(v1::ConnectResponse { events })).await;
    }

    /// The answers of the next message; `None` when the bank says nothing more.
    pub(crate) async fn answers(&mut self) -> Option<Vec<v1::PaymentAnswer>> {
        match self.requests.message().await.ok()??.request? {
            Said::Answers(answers) => Some(answers.answers),
            Said::Start(_) => None,
        }
    }

    pub(crate) async fn end(self, status: Status) {
        let _ = self.replies.send(Err(status)).await;
    }
}

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;
type Plan = dyn Fn(Session) -> Work + Send + Sync;

/// What the node answers to the watch with this number, which began like this.
type WatchPlan = dyn Fn(usize, v1::WatchRequest) -> Vec<Result<v1::WatchResponse, Status>> + Send + Sync;

#[derive(Clone)]
pub(crate) struct BankNode {
    sessions: Arc<AtomicUsize>,
    watches: Arc<AtomicUsize>,
    pub(crate) documents: Arc<Mutex<Vec<Vec<u8>>>>,
    plan: Arc<Plan>,
    watch: Arc<WatchPlan>,
}

impl BankNode {
    pub(crate) fn new<Done>(plan: impl Fn(Session) -> Done + Send + Sync + 'static) -> Self
    where
        Done: Future<Output = ()> + Send + 'static,
    {
        Self {
            sessions: Arc::default(),
            watches: Arc::default(),
            documents: Arc::default(),
            plan: Arc::new(move |session| Box::pin(plan(session))),
            watch: Arc::new(|_, _| vec![Err(Status::unimplemented("not part of this test"))]),
        }
    }

    pub(crate) fn watched(
        watch: impl Fn(usize, v1::WatchRequest) -> Vec<Result<v1::WatchResponse, Status>> + Send + Sync + 'static,
    ) -> Self {
        Self { watch: Arc::new(watch), ..Self::new(|_| async {}) }
    }

    /// A client of this node, which serves until the runtime ends.
    pub(crate) async fn client(&self, retry: RetryPolicy) -> Client {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = Server::builder()
            .add_service(ParticipantServiceServer::new(self.clone()))
            .add_service(EventServiceServer::new(self.clone()))
            .add_service(Iso20022ServiceServer::new(self.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(serving);
        connect(address, retry).await
    }

    pub(crate) async fn quick_client(&self) -> Client {
        self.client(quick()).await
    }
}

type Answer<Message> = Result<Response<Message>, Status>;

fn elsewhere<Message>() -> Answer<Message> {
    Err(Status::unimplemented("not part of these tests"))
}

#[tonic::async_trait]
impl ParticipantService for BankNode {
    type ConnectStream = ReceiverStream<Result<v1::ConnectResponse, Status>>;

    async fn connect(&self, request: Request<Streaming<v1::ConnectRequest>>) -> Answer<Self::ConnectStream> {
        let mut requests = request.into_inner();
        let first = requests.message().await?.and_then(|first| first.request);
        let Some(Said::Start(start)) = first else { return Err(Status::invalid_argument("no start")) };
        let (replies, receiver) = mpsc::channel(4);
        let number = self.sessions.fetch_add(1, Ordering::Relaxed);
        tokio::spawn((self.plan)(Session { number, start, requests, replies }));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn register_participant(
        &self,
        _: Request<v1::RegisterParticipantRequest>,
    ) -> Answer<v1::RegisterParticipantResponse> {
        elsewhere()
    }

    async fn get_participant(
        &self,
        _: Request<v1::GetParticipantRequest>,
    ) -> Answer<v1::GetParticipantResponse> {
        elsewhere()
    }

    async fn set_participant_status(
        &self,
        _: Request<v1::SetParticipantStatusRequest>,
    ) -> Answer<v1::SetParticipantStatusResponse> {
        elsewhere()
    }

    async fn set_decision_policy(
        &self,
        _: Request<v1::SetDecisionPolicyRequest>,
    ) -> Answer<v1::SetDecisionPolicyResponse> {
        elsewhere()
    }

    async fn set_reservation_limit(
        &self,
        _: Request<v1::SetReservationLimitRequest>,
    ) -> Answer<v1::SetReservationLimitResponse> {
        elsewhere()
    }
}

#[tonic::async_trait]
impl EventService for BankNode {
    type WatchStream = ReceiverStream<Result<v1::WatchResponse, Status>>;

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Answer<Self::WatchStream> {
        let responses = (self.watch)(self.watches.fetch_add(1, Ordering::Relaxed), request.into_inner());
        let (replies, receiver) = mpsc::channel(responses.len().max(1));
        for response in responses {
            replies.try_send(response).unwrap();
        }
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

#[tonic::async_trait]
impl Iso20022Service for BankNode {
    type ExchangeStream = ReceiverStream<Result<v1::Iso20022ServiceExchangeResponse, Status>>;

    async fn submit(
        &self,
        _: Request<v1::Iso20022ServiceSubmitRequest>,
    ) -> Answer<v1::Iso20022ServiceSubmitResponse> {
        elsewhere()
    }

    /// Sends every document back, at the position of its number, and ends the first connection after one.
    async fn exchange(
        &self,
        request: Request<Streaming<v1::Iso20022ServiceExchangeRequest>>,
    ) -> Answer<Self::ExchangeStream> {
        use v1::iso20022_service_exchange_request::Request as Sent;
        let mut requests = request.into_inner();
        let first = requests.message().await?.and_then(|first| first.request);
        let Some(Sent::Start(start)) = first else { return Err(Status::invalid_argument("no start")) };
        let (replies, receiver) = mpsc::channel(4);
        let (session, documents) = (self.sessions.fetch_add(1, Ordering::Relaxed), self.documents.clone());
        tokio::spawn(async move {
            let stands = v1::Iso20022ServiceExchangeResponse {
                sequence: start.last_sequence.unwrap_or_default(),
                ..Default::default()
            };
            let _ = replies.send(Ok(stands)).await;
            while let Ok(Some(v1::Iso20022ServiceExchangeRequest {
                request: Some(Sent::Document(document)),
            })) = requests.message().await
            {
                let sequence = {
                    let mut documents = documents.lock().unwrap();
                    documents.push(document.clone());
                    u64::try_from(documents.len()).unwrap()
                };
                let message_name = "pacs.002.001.10".to_owned();
                let response = v1::Iso20022ServiceExchangeResponse {
                    document,
                    message_name,
                    sequence,
                    possible_repeat: false,
                    incarnation: None,
                };
                let _ = replies.send(Ok(response)).await;
                if session == 0 {
                    let _ = replies.send(Err(Status::unavailable("reset"))).await;
                    return;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}
