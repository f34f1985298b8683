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
//! - A thread that ends by itself ends them all.
//! - A failure to accept is waited out, so that a process without free file descriptors does not spin.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Sleep;
use tokio_stream::Stream;
use tonic::transport::server::Connected;

use crate::caller::Caller;
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
    let mut spread = Spread {
        lanes: Vec::new(),
        open: Arc::default(),
        connections_max: limits.connections,
        first_word: limits.first_word,
        is_full: AtomicBool::new(false),
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
    connections_max: usize,
    first_word: Duration,
    /// Whether the last connection was one too many.
    is_full: AtomicBool,
}

/// One thread.
struct Lane {
    connections: mpsc::Sender<HandedOver>,
    open: Arc<AtomicUsize>,
}

impl Spread {
    /// Accepts until a thread has ended by itself.
    async fn accept(&self, listener: &TcpListener) {
        loop {
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let is_full = self.open.load(Ordering::Relaxed) >= self.connections_max;
            // Told once, and not for each.
            if self.is_full.swap(is_full, Ordering::Relaxed) != is_full && is_full {
                tracing::warn!(limit = self.connections_max, "connections beyond the limit are closed");
            }
            if is_full {
                continue;
            }
            let lane = self.lanes.iter().min_by_key(|lane| lane.open.load(Ordering::Relaxed));
            let lane = lane.expect("there is at least one thread");
            let handed_over = match stream.into_std() {
                Ok(stream) => {
                    let open = Open::new([&self.open, &lane.open]);
                    HandedOver { stream, open, first_word: self.first_word }
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
struct HandedOver {
    stream: std::net::TcpStream,
    open: Open,
    first_word: Duration,
}

/// Counts an open connection until it is dropped: among all, and among its thread's.
#[derive(Debug)]
struct Open([Arc<AtomicUsize>; 2]);

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

/// An open connection. One that says nothing at first is given up, so that it takes nobody's place.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// Until the first bytes have come.
    silent_until: Option<Pin<Box<Sleep>>>,
    _open: Open,
}

impl Connection {
    /// Takes a connection up on the thread that is to serve it.
    fn new(handed_over: HandedOver) -> io::Result<Self> {
        let stream = TcpStream::from_std(handed_over.stream)?;
        // A small reply must not wait for the acknowledgement of the one before (40 ms).
        stream.set_nodelay(true)?;
        let silent_until = Some(Box::pin(tokio::time::sleep(handed_over.first_word)));
        Ok(Self { stream, silent_until, _open: handed_over.open })
    }
}

impl Connected for Connection {
    type ConnectInfo = Caller;

    /// Whoever reaches the loopback interface is the operator. Every request of the connection carries this.
    fn connect_info(&self) -> Caller {
        Caller::LOOPBACK
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if let Some(silent_until) = &mut self.silent_until {
            if read.is_ready() {
                self.silent_until = None;
            } else if silent_until.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
