//! Calls that last for as long as their caller does: opened again when they break, and resumed from a position.
//!
//! Invariants:
//! - Nothing is read ahead of the caller: one that is slow slows the node's stream down, by HTTP/2 alone.
//! - Whatever was sent, or waited to be sent, belongs to one connection and ends with it. A node asks again what it
//!   has no answer to, so nothing is sent twice on the client's own account.
//! - A call that breaks is opened again after a wait that grows; one that the node refuses ends.
//! - A call with a position stays in one life of the log. When the node has been restored from a backup meanwhile, the call
//!   ends, because what its caller has heard and not processed yet may be of a part that is lost.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prost::Message;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status, Streaming};
use tonic_prost::ProstCodec;

use crate::retry::Verdict;
use crate::v1::ErrorReason;
use crate::{Client, ClientError, Refusal};

/// Messages that wait to be sent on one connection. More would only be older when they leave.
const QUEUED_MESSAGES_MAX: usize = 16;

/// One kind of call that lasts.
pub trait ResumableCall: Send + Sync + 'static {
    /// What is sent.
    type Request: Message + 'static;
    /// What comes.
    type Response: Message + Default + 'static;

    /// The path of the call.
    const PATH: &'static str;
    /// Whether anything is sent after the first message.
    const TALKS: bool;

    /// The first message, which names the position to go on from, and the life of the log that gave it, if that is known.
    fn start(&self, position: Option<u64>, incarnation: Option<u64>) -> Self::Request;

    /// The life of the log that gives the positions of this message, if it says so.
    fn incarnation(&self, response: &Self::Response) -> Option<u64>;

    /// The position to go on from if the connection breaks after this message came.
    fn position_after(&self, position: Option<u64>, response: &Self::Response) -> Option<u64>;
}

/// A call that is opened again whenever it breaks.
///
/// Between attempts it waits as the client's [`RetryPolicy`](crate::RetryPolicy) says; the attempts are counted anew
/// whenever a message has come.
pub struct Resumable<Call: ResumableCall> {
    client: Client,
    call: Call,
    position: Option<u64>,
    /// The life of the log that gave the position.
    incarnation: Option<u64>,
    /// Whether anything has been heard, of that life.
    has_heard: bool,
    open: Option<Streaming<Call::Response>>,
    outgoing: Outgoing<Call::Request>,
    /// Connections that failed since the last message.
    failures: u32,
    resume_at: Option<Instant>,
}

impl<Call: ResumableCall> Resumable<Call> {
    /// A call that goes on from a position, given by a life of the log. It is opened when the first message is asked for.
    pub fn new(client: &Client, call: Call, position: Option<u64>, incarnation: Option<u64>) -> Self {
        Self {
            client: client.clone(),
            call,
            position,
            incarnation,
            has_heard: false,
            open: None,
            outgoing: Outgoing(Arc::default()),
            failures: 0,
            resume_at: None,
        }
    }

    /// The next message, on this connection or on the next one. Nothing is lost if the future is dropped.
    ///
    /// # Errors
    /// If the node refuses the call, or the attempts are used up.
    pub async fn next(&mut self) -> Result<Call::Response, ClientError> {
        loop {
            if let Some(at) = self.resume_at {
                sleep_until(at).await;
                self.resume_at = None;
            }
            match self.message().await {
                Ok(message) => {
                    self.failures = 0;
                    self.stay_in(self.call.incarnation(&message))?;
                    self.position = self.call.position_after(self.position, &message);
                    return Ok(message);
                }
                Err(status) => self.broke(&status)?,
            }
        }
    }

    /// Where the call goes on from when it is opened again.
    pub const fn position(&self) -> Option<u64> {
        self.position
    }

    /// The life of the log that gave the position, to be kept beside it; `None` as long as no node has told it.
    pub const fn incarnation(&self) -> Option<u64> {
        self.incarnation
    }

    /// Everything up to this position has been processed. A position that was passed before changes nothing.
    pub fn processed(&mut self, sequence: u64) {
        self.position = self.position.max(Some(sequence));
    }

    /// Where messages to the node go in. Copies stay good when the call is opened again.
    pub fn outgoing(&self) -> Outgoing<Call::Request> {
        self.outgoing.clone()
    }

    /// Breaks the connection off; the next message comes on another one.
    pub fn disconnect(&mut self) {
        self.open = None;
        self.outgoing.replace(None);
    }

    /// Takes in which life of the log a message is of. Where another one was heard of before, a call with a position ends.
    fn stay_in(&mut self, life: Option<u64>) -> Result<(), ClientError> {
        let Some(life) = life else { return Ok(()) };
        if self.has_heard && self.position.is_some() && self.incarnation != Some(life) {
            self.disconnect();
            return Err(ClientError::NotDone(restored_meanwhile()));
        }
        // What was kept before a restore has its position in the new life too: the node has said so.
        self.incarnation = Some(life);
        self.has_heard = true;
        Ok(())
    }

    async fn message(&mut self) -> Result<Call::Response, Status> {
        let stream = match &mut self.open {
            Some(stream) => stream,
            None => {
                let opened = self.connect().await?;
                self.open.insert(opened)
            }
        };
        let ended = || Status::unavailable("the node ended the connection");
        stream.message().await?.ok_or_else(ended)
    }

    async fn connect(&self) -> Result<Streaming<Call::Response>, Status> {
        let (sender, queue) = mpsc::channel(QUEUED_MESSAGES_MAX);
        sender.try_send(self.call.start(self.position, self.incarnation)).expect("a new queue has room");
        self.outgoing.replace(Call::TALKS.then_some(sender));
        let mut call = Grpc::new(self.client.channel());
        let opening = async {
            call.ready().await.map_err(|error| Status::from_error(Box::new(error)))?;
            let path = PathAndQuery::from_static(Call::PATH);
            let codec = ProstCodec::<Call::Request, Call::Response>::default();
            call.streaming(Request::new(ReceiverStream::new(queue)), path, codec).await
        };
        let late = |_| Status::deadline_exceeded("no answer within the time of one attempt");
        Ok(timeout(self.client.retry().attempt_timeout, opening).await.map_err(late)??.into_inner())
    }

    /// Plans the next attempt, or says why there is none.
    fn broke(&mut self, status: &Status) -> Result<(), ClientError> {
        self.disconnect();
        self.failures += 1;
        let last = Refusal::from_status(status);
        let retry = self.client.retry();
        let hopeless = match Verdict::of_status(status, &last) {
            Verdict::Final | Verdict::Refused => true,
            Verdict::NotTaken | Verdict::Uncertain => self.failures >= retry.attempts_max,
        };
        let delay = retry.delay(self.failures, last.retry_delay, self.client.jitter());
        let Some(delay) = delay.filter(|_| !hopeless) else { return Err(ClientError::NotDone(last)) };
        tracing::debug!(failures = self.failures, code = ?last.code, ?delay, "call broke, will be resumed");
        self.resume_at = Some(Instant::now() + delay);
        Ok(())
    }
}

/// What was heard before is of another life of the log than what comes now.
fn restored_meanwhile() -> Refusal {
    let message = "the node was restored from a backup: what was heard and is not processed yet may be lost; drop it, and open \
                   a new connection from the last position that was processed, with its incarnation";
    Refusal::new(Code::OutOfRange, ErrorReason::PositionTooOld, message)
}

impl<Call: ResumableCall> fmt::Debug for Resumable<Call> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Resumable")
            .field("path", &Call::PATH)
            .field("position", &self.position)
            .field("connected", &self.open.is_some())
            .finish_non_exhaustive()
    }
}

/// Where messages to the node go in, whichever connection is up.
pub struct Outgoing<Message>(Arc<Mutex<Option<mpsc::Sender<Message>>>>);

impl<Message> Outgoing<Message> {
    /// Hands a message to the connection, waiting for room; `false` if there is no connection, or it ended before.
    ///
    /// A message that was handed over may still be lost with its connection.
    pub async fn send(&self, message: Message) -> bool {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match sender {
            // Fails as soon as the connection is gone, so it never waits for one that nobody opens again.
            Some(sender) => sender.send(message).await.is_ok(),
            None => false,
        }
    }

    fn replace(&self, sender: Option<mpsc::Sender<Message>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = sender;
    }
}

impl<Message> Clone for Outgoing<Message> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<Message> fmt::Debug for Outgoing<Message> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Outgoing").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::ConnectCall;
    use crate::iso_exchange::ExchangeCall;
    use crate::watch::WatchCall;

    /// The paths are written by hand, because the generated clients can't be opened again.
    #[test]
    fn every_call_is_one_of_the_contract() {
        let contract = prost_types::FileDescriptorSet::decode(crate::FILE_DESCRIPTOR_SET).unwrap();
        let mut calls = Vec::new();
        for file in &contract.file {
            for service in &file.service {
                for method in service.method.iter().filter(|method| method.server_streaming()) {
                    let (package, service, name) = (file.package(), service.name(), method.name());
                    calls.push((format!("/{package}.{service}/{name}"), method.client_streaming()));
                }
            }
        }
        for (path, talks) in [
            (ConnectCall::PATH, ConnectCall::TALKS),
            (ExchangeCall::PATH, ExchangeCall::TALKS),
            (WatchCall::PATH, WatchCall::TALKS),
        ] {
            assert!(calls.contains(&(path.to_owned(), talks)), "{path}");
        }
    }
}
