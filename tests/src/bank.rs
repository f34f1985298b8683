//! A bank that is connected, and says what a test tells it to say.

use std::collections::VecDeque;
use std::time::Duration;

use client::v1;
use client::v1::connect_event::Event;
use client::v1::connect_request::Request;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::Api;

/// One connection of a bank. Dropping it ends it.
#[derive(Debug)]
pub struct Bank {
    requests: mpsc::Sender<v1::ConnectRequest>,
    responses: Streaming<v1::ConnectResponse>,
    started: v1::ConnectStarted,
    heard: VecDeque<Event>,
}

/// How long a bank waits for what must come. Longer than any deadline of the scheme.
const PATIENCE: Duration = Duration::from_secs(30);

impl Bank {
    /// Connects a bank from now on.
    pub async fn connect(api: &Api, bic: &str) -> Self {
        Self::try_connect(api, start(bic)).await.expect("the bank may connect")
    }

    /// Connects a bank that has processed everything up to a position.
    pub async fn connect_from(api: &Api, bic: &str, last_sequence: u64) -> Self {
        let start = v1::ConnectStart { last_sequence: Some(last_sequence), ..start(bic) };
        Self::try_connect(api, start).await.expect("the bank may connect")
    }

    /// Connects a bank as it says.
    pub async fn try_connect(api: &Api, start: v1::ConnectStart) -> Result<Self, Status> {
        Self::try_request(api, Request::Start(start)).await
    }

    /// Opens a connection with any first message.
    pub async fn try_request(api: &Api, first: Request) -> Result<Self, Status> {
        let (requests, outbound) = mpsc::channel(16);
        let first = v1::ConnectRequest { request: Some(first) };
        requests.send(first).await.expect("the channel is new");
        let mut client = api.participants();
        let mut responses = client.connect(ReceiverStream::new(outbound)).await?.into_inner();
        let mut heard: VecDeque<Event> = VecDeque::new();
        heard.extend(next_events(&mut responses).await?.expect("a connection starts or fails"));
        let Some(Event::Started(started)) = heard.pop_front() else { panic!("the start comes first") };
        Ok(Self { requests, responses, started, heard })
    }

    /// How the connection began.
    pub const fn started(&self) -> &v1::ConnectStarted {
        &self.started
    }

    /// Ends the bank's side. What the node still has to say can be heard.
    pub fn hang_up(&mut self) {
        self.requests = mpsc::channel(1).0;
    }

    /// The next thing that the bank hears.
    pub async fn next(&mut self) -> Event {
        self.try_next().await.expect("the connection stands").expect("the connection goes on")
    }

    /// The next thing that the bank hears, or how the connection ended.
    pub async fn try_next(&mut self) -> Result<Option<Event>, Status> {
        while self.heard.is_empty() {
            let Some(events) = next_events(&mut self.responses).await? else { return Ok(None) };
            self.heard.extend(events);
        }
        Ok(self.heard.pop_front())
    }

    /// The next thing, which is a question.
    pub async fn question(&mut self) -> v1::PaymentQuestion {
        let event = self.next().await;
        let Event::Question(question) = event else { panic!("not a question: {event:?}") };
        question
    }

    /// The next thing, which is a report: the outcome and the side.
    pub async fn report(&mut self) -> v1::PaymentReport {
        let event = self.next().await;
        let Event::Report(report) = event else { panic!("not a report: {event:?}") };
        report
    }

    /// The next thing, which is what an answer that changed nothing came to.
    pub async fn answer_result(&mut self) -> v1::AnswerResult {
        let event = self.next().await;
        let Event::AnswerResult(result) = event else { panic!("not the result of an answer: {event:?}") };
        result
    }

    /// Accepts.
    pub async fn accept(&self, question: &v1::PaymentQuestion) {
        self.answer(answer(question, v1::Decision::Accept, "")).await;
    }

    /// Rejects for a reason.
    pub async fn reject(&self, question: &v1::PaymentQuestion, reason_code: &str) {
        self.answer(answer(question, v1::Decision::Reject, reason_code)).await;
    }

    /// Gives one answer.
    pub async fn answer(&self, answer: v1::PaymentAnswer) {
        self.send(Request::Answers(v1::PaymentAnswers { answers: vec![answer] })).await;
    }

    /// Sends any message.
    pub async fn send(&self, request: Request) {
        let request = v1::ConnectRequest { request: Some(request) };
        self.requests.send(request).await.expect("the connection stands");
    }
}

/// A start from now on.
pub fn start(bic: &str) -> v1::ConnectStart {
    v1::ConnectStart { bic: bic.to_owned(), ..Default::default() }
}

/// An answer to a question.
pub fn answer(
    question: &v1::PaymentQuestion,
    decision: v1::Decision,
    reason_code: &str,
) -> v1::PaymentAnswer {
    v1::PaymentAnswer {
        payment_id: question.payment_id.clone(),
        stage: question.stage,
        decision: decision.into(),
        reason_code: reason_code.to_owned(),
    }
}

async fn next_events(responses: &mut Streaming<v1::ConnectResponse>) -> Result<Option<Vec<Event>>, Status> {
    let message = tokio::time::timeout(PATIENCE, responses.message()).await;
    let message = message.expect("a bank waited for half a minute")?;
    Ok(message.map(|message| {
        assert!(!message.events.is_empty(), "a message has at least one event");
        message.events.into_iter().map(|event| event.event.expect("an event is of some kind")).collect()
    }))
}
