//! An open connection: plain or secured, and who is at its other end.
//!
//! Invariants:
//! - The handshake is part of the connection's own task: one that never ends it holds up nobody, and is given up when
//!   its time is over or there are too many like it.
//! - Nothing is read from or written to a caller before its certificate has been verified.
//! - A plain connection costs nothing for TLS but one comparison a read.
//! - A connection whose calls come to nothing, again and again, is closed.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::Sleep;
use tokio_rustls::Accept;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;
use types::PrincipalNumber;

use crate::caller::Caller;
use crate::certificate::{CertificateName, ClientCertificate};
use crate::cores::{HandedOver, Open};
use crate::identity::{Identities, Place};
use crate::limits::ServerLimits;
use crate::request_body::HalfSent;
use crate::waste::Waste;

/// An open connection. One that says nothing at first is given up, so that it takes nobody's place.
#[derive(Debug)]
pub struct Connection {
    transport: Transport,
    peer: Peer,
    /// Until the handshake is through, and then until the first bytes have come.
    silent_until: Option<Pin<Box<Sleep>>>,
    first_word: Duration,
    /// Ready when the handshake has to make room for others. Dropped when it is over, which frees its place.
    given_up: Option<oneshot::Receiver<()>>,
    connections_per_principal: usize,
    /// Among the connections of its principal.
    place: Option<Place>,
    _open: Open,
}

/// What bytes go through. What is secured is boxed, so that plain connections stay small.
enum Transport {
    Plain(TcpStream),
    Handshake(Box<Accept<TcpStream>>),
    Secure(Box<TlsStream<TcpStream>>),
    /// The handshake came to nothing.
    Failed,
}

/// Who is at the other end of a connection. Every request of the connection carries this.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Whoever showed a certificate; none stands for whoever reaches the loopback interface.
    pub(crate) certified: Option<Certified>,
    /// What its calls cost in vain.
    pub(crate) waste: Arc<Waste>,
    /// What it has sent of messages that are not whole.
    pub(crate) half_sent: Arc<HalfSent>,
}

/// The holder of a certificate.
#[derive(Clone, Debug)]
pub(crate) struct Certified {
    identities: Arc<Identities>,
    /// Set when the handshake is through, before any request is read.
    names: Arc<OnceLock<Vec<CertificateName>>>,
}

impl Certified {
    pub(crate) fn identities(&self) -> &Identities {
        &self.identities
    }

    /// What its certificate calls it.
    pub(crate) fn names(&self) -> &[CertificateName] {
        self.names.get().map_or(&[], Vec::as_slice)
    }

    /// Who it stands for at this moment.
    pub(crate) fn caller(&self) -> Option<Caller> {
        self.identities.caller(self.names())
    }
}

impl Connection {
    /// Takes a connection up on the thread that is to serve it.
    pub(crate) fn new(handed_over: HandedOver) -> io::Result<Self> {
        let HandedOver { stream, open, identities, limits } = handed_over;
        let ServerLimits { handshake, first_word, message_patience, connections_per_principal, .. } = limits;
        let stream = TcpStream::from_std(stream)?;
        // A small reply must not wait for the acknowledgement of the one before (40 ms).
        stream.set_nodelay(true)?;
        let (transport, certified, given_up) = match identities {
            None => (Transport::Plain(stream), None, None),
            Some((identities, given_up)) => {
                let handshake = identities.acceptor().accept(stream);
                let certified = Certified { identities, names: Arc::default() };
                (Transport::Handshake(Box::new(handshake)), Some(certified), Some(given_up))
            }
        };
        let half_sent = Arc::new(HalfSent::new(message_patience));
        let peer = Peer { certified, waste: Arc::default(), half_sent };
        let silent_for = if given_up.is_some() { handshake } else { first_word };
        let silent_until = Some(Box::pin(tokio::time::sleep(silent_for)));
        let place = None;
        Ok(Self {
            transport,
            peer,
            silent_until,
            first_word,
            given_up,
            connections_per_principal,
            place,
            _open: open,
        })
    }

    /// Ends the handshake if there is one under way.
    fn poll_secured(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Transport::Handshake(handshake) = &mut self.transport else { return Poll::Ready(Ok(())) };
        let shaken = match Pin::new(handshake.as_mut()).poll(context) {
            Poll::Ready(shaken) => shaken,
            // Whoever serves this may wait to write before it ever reads, so the time runs here as well.
            Poll::Pending => {
                let is_given_up = self.given_up.as_mut().map(|given_up| Pin::new(given_up).poll(context));
                if !is_given_up.is_some_and(|given_up| given_up.is_ready()) {
                    ready!(self.poll_silent_for_too_long(context));
                }
                Err(io::ErrorKind::TimedOut.into())
            }
        };
        self.given_up = None;
        self.silent_until = Some(Box::pin(tokio::time::sleep(self.first_word)));
        self.transport = Transport::Failed;
        let certified = self.peer.certified.clone().expect("only certified peers shake hands");
        let stream = shaken.inspect_err(|error| certified.identities.tell_failure(error))?;
        self.identify(&certified, &stream)?;
        self.transport = Transport::Secure(Box::new(stream));
        Poll::Ready(Ok(()))
    }

    /// Whether the time is over in which the first bytes should have come. Never, once they have.
    fn poll_silent_for_too_long(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.silent_until.as_mut().map_or(Poll::Pending, |until| until.as_mut().poll(context))
    }

    /// Reads who has been verified, takes a place for it, and says so once.
    fn identify(&mut self, certified: &Certified, stream: &TlsStream<TcpStream>) -> io::Result<()> {
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let certificate = certificate.and_then(ClientCertificate::read);
        let (names, serial) = certificate.map_or_else(Default::default, |read| (read.names, read.serial));
        certified.names.set(names).expect("a connection shakes hands once");
        let caller = certified.caller();
        let principal = caller.map_or(NOBODY, |caller| caller.principal);
        self.place = certified.identities.place(principal, self.connections_per_principal);
        if self.place.is_none() {
            tracing::warn!(
                principal = principal.0,
                serial,
                "a connection too many of one principal is closed"
            );
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        match principal {
            // Its calls say the same to the caller.
            NOBODY => tracing::warn!(serial, "a certificate stands for no principal"),
            _ => tracing::info!(principal = principal.0, serial, "connected"),
        }
        Ok(())
    }
}

/// The engine's own number, under which nobody calls.
const NOBODY: PrincipalNumber = PrincipalNumber(0);

impl std::fmt::Debug for Transport {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Handshake(_) => "Handshake",
            Self::Secure(_) => "Secure",
            Self::Failed => "Failed",
        })
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

/// Does the same with the stream of either kind, once there is one.
macro_rules! with_stream {
    ($connection:expr, $context:expr, $stream:ident => $do:expr) => {{
        if matches!($connection.transport, Transport::Handshake(_)) {
            ready!($connection.poll_secured($context))?;
        }
        match &mut $connection.transport {
            Transport::Plain(stream) => {
                let $stream = Pin::new(stream);
                $do
            }
            Transport::Secure(stream) => {
                let $stream = Pin::new(stream.as_mut());
                $do
            }
            Transport::Handshake(_) | Transport::Failed => {
                Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
            }
        }
    }};
}

impl Connection {
    fn poll_read_now(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        with_stream!(self, context, stream => stream.poll_read(context, buffer))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.peer.waste.is_too_much() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let read = self.poll_read_now(context, buffer);
        if self.silent_until.is_some() {
            if read.is_ready() {
                self.silent_until = None;
            } else if self.poll_silent_for_too_long(context).is_ready() {
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
        with_stream!(self, context, stream => stream.poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        with_stream!(self, context, stream => stream.poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Transport::Secure(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
            // There is nobody to say good-bye to.
            Transport::Handshake(_) | Transport::Failed => Poll::Ready(Ok(())),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        with_stream!(self, context, stream => stream.poll_write_vectored(context, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        // Both kinds of stream take several pieces at once.
        true
    }
}
