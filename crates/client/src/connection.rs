//! Connections to a node, and calls over them.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

use crate::retry::{Jitter, repeat};
use crate::{ClientError, RetryPolicy, TlsOptions};

/// How to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectOptions {
    /// How many connections to open, at least 1. Calls take turns on them: one HTTP/2 connection is one lock.
    pub connections: usize,
    /// How long opening one connection may take.
    pub connect_timeout: Duration,
    /// After how long a silence the other side is asked whether it is still there.
    pub keep_alive_interval: Duration,
    /// When calls are made again.
    pub retry: RetryPolicy,
    /// What the waits between attempts follow from. `None` takes the process id, so that processes that failed
    /// together do not come back together; a number makes them repeatable.
    pub jitter_seed: Option<u64>,
    /// Identity and trust. Without them connections are plain, which nodes take on loopback only.
    pub tls: Option<TlsOptions>,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            connections: 4,
            connect_timeout: Duration::from_secs(2),
            keep_alive_interval: Duration::from_secs(10),
            retry: RetryPolicy::default(),
            jitter_seed: None,
            tls: None,
        }
    }
}

/// A node, through several connections that are opened again when they break. Clones share them.
///
/// Each call is made again, as it is, when its answer is lost: every call of the contract is idempotent.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    channels: Vec<Channel>,
    turn: AtomicUsize,
    retry: RetryPolicy,
    jitter: Jitter,
}

impl Client {
    /// Connects to a node, such as `http://127.0.0.1:7400`, or with TLS `https://settle.example:7400`. Fails with
    /// [`ClientError::Address`] for what is no such address, with [`ClientError::Tls`] if certificates or key are not in
    /// order, and with [`ClientError::NotDone`] if nobody answers there after all attempts.
    pub async fn connect(address: &str, options: ConnectOptions) -> Result<Self, ClientError> {
        assert!(options.connections > 0, "a client has a connection");
        assert!(options.retry.attempts_max > 0, "a call is made at least once");
        // A scheme and options that contradict each other would end in a plain connection that nobody asked for.
        let scheme = if options.tls.is_some() { "https" } else { "http" };
        let mut endpoint = Endpoint::from_shared(address.to_owned())
            .ok()
            .filter(|endpoint| endpoint.uri().authority().is_some())
            .filter(|endpoint| endpoint.uri().scheme_str() == Some(scheme))
            .ok_or_else(|| ClientError::Address(address.to_owned()))?
            .connect_timeout(options.connect_timeout)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(options.keep_alive_interval)
            .keep_alive_while_idle(true);
        if let Some(tls) = &options.tls {
            endpoint = endpoint.tls_config(tls.config()).map_err(|error| ClientError::Tls(causes(&error)))?;
        }
        let jitter = Jitter::new(options.jitter_seed.unwrap_or_else(|| u64::from(std::process::id())));
        let mut channels = Vec::with_capacity(options.connections);
        for _ in 0..options.connections {
            let connect =
                || async { endpoint.connect().await.map_err(|error| Status::from_error(Box::new(error))) };
            channels.push(repeat(&options.retry, &jitter, connect).await.map_err(nothing_sent)?);
        }
        let shared = Shared { channels, turn: AtomicUsize::new(0), retry: options.retry, jitter };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// One of the connections, for calls that are not made again: the generated clients take it.
    pub fn channel(&self) -> Channel {
        let turn = self.shared.turn.fetch_add(1, Ordering::Relaxed);
        self.shared.channels[turn % self.shared.channels.len()].clone()
    }

    pub(crate) fn retry(&self) -> &RetryPolicy {
        &self.shared.retry
    }

    pub(crate) fn jitter(&self) -> &Jitter {
        &self.shared.jitter
    }

    /// Makes a unary call until it is done, refused or given up; each attempt on the next connection.
    pub(crate) async fn call<Message, Reply, Answer>(
        &self,
        message: Message,
        call: impl Fn(Channel, Request<Message>) -> Answer,
    ) -> Result<Reply, ClientError>
    where
        Message: Clone,
        Answer: Future<Output = Result<Response<Reply>, Status>>,
    {
        let attempt = || {
            let mut request = Request::new(message.clone());
            // The server learns when nobody will wait any more.
            request.set_timeout(self.shared.retry.attempt_timeout);
            let answer = call(self.channel(), request);
            async { answer.await.map(Response::into_inner) }
        };
        repeat(&self.shared.retry, &self.shared.jitter, attempt).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("connections", &self.shared.channels.len())
            .field("retry", &self.shared.retry)
            .finish_non_exhaustive()
    }
}

/// The transport's own text says nothing; its causes do.
fn causes(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    if causes.is_empty() { error.to_string() } else { causes.join(": ") }
}

/// Before there is a connection there is no request that could have been taken.
fn nothing_sent(error: ClientError) -> ClientError {
    match error {
        ClientError::Unknown { last, .. } => ClientError::NotDone(last),
        ClientError::Address(_) | ClientError::Tls(_) | ClientError::NotDone(_) => error,
    }
}
