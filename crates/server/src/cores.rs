//! One single-threaded runtime on each core, and connections spread over them.
//!
//! A connection lives on one thread from its first byte to its last, so its calls never move between cores and their
//! tasks are locked against no other thread. The listener gives each new connection to the thread
//! that has the fewest: with few connections, which is what banks have, a listener on each core would leave the
//! spreading to chance.
//!
//! Invariants:
//! - No more connections are open than the limit; one beyond it is closed before it is read, and so is one that says
//!   nothing.
//! - No more handshakes are under way than their own limit; one more ends the oldest.
//! - A thread that ends by itself ends them all.
//! - A failure to accept is waited out, so that a process without free file descriptors does not spin.
//!
//! The connections themselves are in `connection.rs`.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::Stream;

use crate::connection::Connection;
use crate::identity::Identities;
use crate::limits::ServerLimits;

/// The connections of one thread, as they come. Ends when no more are taken.
#[derive(Debug)]
pub struct Connections(mpsc::Receiver<HandedOver>);

/// Connections that a thread has been given and not taken up yet.
const HANDED_OVER_MAX: usize = 64;

/// How long to wait after a failure to accept, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves connections on so many threads until `shutdown` is done and `serve` has ended on each.
///
/// `serve` is called once on each thread, within a runtime of its own; it ends when its connections have ended.
/// Returns the first error that one of them ended with; the others are told to end by the end of their connections.
///
/// # Errors
/// If a thread or its runtime can't be started, or one of them failed.
pub async fn serve_on_cores<Serve, Serving, Failure>(
    listener: TcpListener,
    limits: &ServerLimits,
    shutdown: impl Future<Output = ()>,
    serve: Serve,
) -> Result<(), Failure>
where
    Serve: Fn(Connections) -> Serving + Clone + Send + 'static,
    Serving: Future<Output = Result<(), Failure>>,
    Failure: From<io::Error> + Send + 'static,
{
    serve_on_cores_as(None, listener, limits, shutdown, serve).await
}

/// The same, with TLS if there are identities.
pub(crate) async fn serve_on_cores_as<Serve, Serving, Failure>(
    identities: Option<Arc<Identities>>,
    listener: TcpListener,
    limits: &ServerLimits,
    shutdown: impl Future<Output = ()>,
    serve: Serve,
) -> Result<(), Failure>
where
    Serve: Fn(Connections) -> Serving + Clone + Send + 'static,
    Serving: Future<Output = Result<(), Failure>>,
    Failure: From<io::Error> + Send + 'static,
{
    let mut spread = Spread {
        lanes: Vec::new(),
        open: Arc::default(),
        identities,
        limits: *limits,
        is_full: AtomicBool::new(false),
        handshakes: Handshakes::default(),
    };
    let (end, mut ends) = mpsc::channel(limits.threads.get());
    for number in 0..limits.threads.get() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (sender, connections) = mpsc::channel(HANDED_OVER_MAX);
        let (serve, end) = (serve.clone(), End { result: None, told: end.clone() });
        std::thread::Builder::new().name(format!("solvo-edge-{number}")).spawn(move || {
            let mut end = end;
            let ended = runtime.block_on(serve(Connections(connections)));
            end.result = Some(ended);
        })?;
        spread.lanes.push(Lane { connections: sender, open: Arc::default() });
    }
    drop(end);
    let mut result = Ok(());
    tokio::select! {
        () = spread.accept(&listener) => {}
        () = shutdown => {}
        // Half of a node is none: its callers would not know why half of them get no answer.
        Some(ended) = ends.recv() => result = ended,
    }
    // Connecting fails from here on, instead of waiting in the listener's queue for ever. What has been accepted and
    // not taken up is closed.
    drop(listener);
    drop(spread);
    while let Some(ended) = ends.recv().await {
        result = result.and(ended);
    }
    result
}

/// Tells what a thread ended with, even if it panics.
struct End<Failure: From<io::Error>> {
    result: Option<Result<(), Failure>>,
    told: mpsc::Sender<Result<(), Failure>>,
}

impl<Failure: From<io::Error>> Drop for End<Failure> {
    fn drop(&mut self) {
        let panicked = || Err(io::Error::other("an edge thread panicked").into());
        // There is a place for each thread, and whoever asked may have given up waiting.
        let _ = self.told.try_send(self.result.take().unwrap_or_else(panicked));
    }
}

/// Gives connections to threads.
struct Spread {
    lanes: Vec<Lane>,
    open: Arc<AtomicUsize>,
    identities: Option<Arc<Identities>>,
    limits: ServerLimits,
    /// Whether the last connection was one too many.
    is_full: AtomicBool,
    handshakes: Handshakes,
}

/// Handshakes that are under way, the oldest first.
#[derive(Debug, Default)]
struct Handshakes(VecDeque<oneshot::Sender<()>>);

impl Handshakes {
    /// Begins another one; what is returned tells it when it has to make room. It is dropped when the handshake is over.
    fn begin(&mut self, count_max: usize) -> oneshot::Receiver<()> {
        if self.0.len() >= count_max {
            self.0.retain(|handshake| !handshake.is_closed());
        }
        while self.0.len() >= count_max.max(1) {
            // It may have ended just now.
            let _ = self.0.pop_front().expect("there are as many as there may be").send(());
        }
        let (given_up, watch) = oneshot::channel();
        self.0.push_back(given_up);
        watch
    }
}

/// One thread.
struct Lane {
    connections: mpsc::Sender<HandedOver>,
    open: Arc<AtomicUsize>,
}

impl Spread {
    /// Accepts until a thread has ended by itself.
    async fn accept(&mut self, listener: &TcpListener) {
        loop {
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let is_full = self.open.load(Ordering::Relaxed) >= self.limits.connections;
            // Told once, and not for each.
            if self.is_full.swap(is_full, Ordering::Relaxed) != is_full && is_full {
                tracing::warn!(limit = self.limits.connections, "connections beyond the limit are closed");
            }
            if is_full {
                continue;
            }
            let lane = self.lanes.iter().min_by_key(|lane| lane.open.load(Ordering::Relaxed));
            let lane = lane.expect("there is at least one thread");
            let handed_over = match stream.into_std() {
                Ok(stream) => {
                    let open = Open::new([&self.open, &lane.open]);
                    let identities = self.identities.clone();
                    let identities = identities
                        .map(|identities| (identities, self.handshakes.begin(self.limits.handshakes)));
                    HandedOver { stream, open, identities, limits: self.limits }
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be handed over");
                    continue;
                }
            };
            if lane.connections.send(handed_over).await.is_err() {
                return;
            }
        }
    }
}

/// A connection on its way to its thread.
#[derive(Debug)]
pub(crate) struct HandedOver {
    pub(crate) stream: std::net::TcpStream,
    pub(crate) open: Open,
    /// Whom it may stand for, if it is to be secured, and what ends its handshake when there are too many.
    pub(crate) identities: Option<(Arc<Identities>, oneshot::Receiver<()>)>,
    pub(crate) limits: ServerLimits,
}

/// Counts an open connection until it is dropped: among all, and among its thread's.
#[derive(Debug)]
pub(crate) struct Open([Arc<AtomicUsize>; 2]);

impl Open {
    fn new(counts: [&Arc<AtomicUsize>; 2]) -> Self {
        Self(counts.map(|count| {
            count.fetch_add(1, Ordering::Relaxed);
            Arc::clone(count)
        }))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        for count in &self.0 {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Stream for Connections {
    type Item = io::Result<Connection>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|handed_over| handed_over.map(Connection::new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_handshake_too_many_ends_the_oldest_that_is_under_way() {
        let mut handshakes = Handshakes::default();
        let mut oldest = handshakes.begin(2);
        let over = handshakes.begin(2);
        drop(over);
        let mut third = handshakes.begin(2);
        assert!(oldest.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty));
        let mut fourth = handshakes.begin(2);
        assert_eq!(oldest.try_recv(), Ok(()));
        assert!(third.try_recv().is_err() && fourth.try_recv().is_err());
    }
}
