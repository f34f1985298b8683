//! The gate: every call passes it before any handler, and gets its caller or is refused.
//!
//! Invariants:
//! - A call that is not in the table of rights is refused, whoever makes it.
//! - A caller's rights are looked up at each call, in the latest principals file.
//! - What a caller sends passes the limits of `request_body.rs`, whoever it is.
//! - A call that its caller resets before it is answered counts as waste of its connection (`waste.rs`).
//! - A stream lives no longer than the rights with which it was opened: when its caller's entry changes or goes, both
//!   of its directions end.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio_stream::Stream;
use tokio_stream::wrappers::WatchStream;
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, Request, Response};
use tonic::codegen::{Bytes, Service};
use tonic::{Code, Status};
use tower_layer::Layer;

use crate::caller::Caller;
use crate::connection::{Certified, Peer};
use crate::principals::Principals;
use crate::request_body::limited;
use crate::rights::{Right, right_to};
use crate::waste::Waste;

/// Puts the gate before services.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GateLayer;

/// The gate before a service.
#[derive(Clone, Debug)]
pub(crate) struct Gate<Inner>(Inner);

impl<Inner> Layer<Inner> for GateLayer {
    type Service = Gate<Inner>;

    fn layer(&self, inner: Inner) -> Gate<Inner> {
        Gate(inner)
    }
}

impl<Inner> Service<Request<Body>> for Gate<Inner>
where
    Inner: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = Inner::Error;
    type Future = Answer<Inner::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Inner::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        match admit(&mut request) {
            Ok(Admitted { guard, unanswered }) => {
                Answer::Admitted { answer: self.0.call(request), guard, unanswered }
            }
            Err(status) => Answer::Refused { status: Some(status) },
        }
    }
}

/// A call that has passed.
struct Admitted {
    /// Over a stream of somebody whose rights may change.
    guard: Option<Guard>,
    unanswered: Unanswered,
}

/// A call that has no answer yet. It counts as begun in vain if it is dropped, and so does a stream from the start: its
/// answer begins at once.
struct Unanswered(Option<Arc<Waste>>);

impl Unanswered {
    fn new(peer: &Peer, right: &Right) -> Self {
        if right.streams {
            peer.waste.add();
            return Self(None);
        }
        Self(Some(Arc::clone(&peer.waste)))
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(waste) = &self.0 {
            waste.add();
        }
    }
}

/// Whether the answer is that there was no whole message to read: the call was reset meanwhile, or is nonsense. The
/// transport's faults have a source, which refusals of our own have not; a reset may also look like an early end.
fn was_in_vain(answer: &Response<Body>) -> bool {
    let is_in_vain = |status: &Status| {
        status.source().is_some() || matches!(status.code(), Code::Cancelled | Code::Internal | Code::Unknown)
    };
    answer.extensions().get::<Status>().is_some_and(is_in_vain)
}

/// Finds out who calls and whether he may.
fn admit(request: &mut Request<Body>) -> Result<Admitted, Status> {
    let right = right_to(request.uri().path());
    let peer = request.extensions().get::<Peer>().ok_or_else(unknown)?;
    let half_sent = Arc::clone(&peer.half_sent);
    let Some(certified) = peer.certified.clone() else {
        // The table counts for those who may do everything as well: a call that nobody has thought about is refused.
        let right = right.ok_or_else(no_such_call)?;
        let unanswered = Unanswered::new(peer, right);
        wrap_body(request, |body| limited(body, right, &half_sent));
        return Ok(Admitted { guard: None, unanswered });
    };
    let caller = certified.caller().ok_or_else(unknown)?;
    let right = right.ok_or_else(no_such_call)?;
    if !right.roles.meets(caller.roles) {
        return Err(Status::permission_denied("no role of the caller's may make this call"));
    }
    let unanswered = Unanswered::new(peer, right);
    let guard = right.streams.then(|| Guard::new(&certified, &caller));
    request.extensions_mut().insert(caller);
    wrap_body(request, |body| limited(body, right, &half_sent));
    if let Some(guard) = &guard {
        wrap_body(request, |body| Body::new(GuardedRequest { body, guard: guard.clone() }));
    }
    Ok(Admitted { guard, unanswered })
}

fn wrap_body(request: &mut Request<Body>, wrap: impl FnOnce(Body) -> Body) {
    let body = std::mem::replace(request.body_mut(), Body::empty());
    *request.body_mut() = wrap(body);
}

fn unknown() -> Status {
    Status::unauthenticated(
        "the certificate is valid, and the principals file names nobody that it stands for",
    )
}

fn no_such_call() -> Status {
    Status::unimplemented("there is no such call")
}

pin_project! {
    /// What comes of a call at the gate.
    #[project = AnswerProjection]
    pub(crate) enum Answer<Inner> {
        // The service answers.
        Admitted { #[pin] answer: Inner, guard: Option<Guard>, unanswered: Unanswered },
        // The gate does.
        Refused { status: Option<Status> },
    }
}

impl<Inner, Failure> Future for Answer<Inner>
where
    Inner: Future<Output = Result<Response<Body>, Failure>>,
{
    type Output = Result<Response<Body>, Failure>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            AnswerProjection::Admitted { answer, guard, unanswered } => {
                let answer = ready!(answer.poll(context));
                if !answer.as_ref().is_ok_and(was_in_vain) {
                    unanswered.0 = None;
                }
                Poll::Ready(match guard.take() {
                    None => answer,
                    Some(guard) => {
                        let guarded = |body| Body::new(GuardedReply { body, guard: Some(guard) });
                        answer.map(|answer| answer.map(guarded))
                    }
                })
            }
            AnswerProjection::Refused { status } => {
                let status = status.take().expect("a future is not polled after its end");
                Poll::Ready(Ok(status.into_http()))
            }
        }
    }
}

/// Watches over the rights of whoever opened a stream.
pub(crate) struct Guard {
    certified: Certified,
    /// As it was when the stream was opened.
    caller: Caller,
    changes: WatchStream<Arc<Principals>>,
}

impl Guard {
    fn new(certified: &Certified, caller: &Caller) -> Self {
        // From the value that is there now on: a change since the call was admitted is not missed.
        let changes = WatchStream::new(certified.identities().changes());
        Self { certified: certified.clone(), caller: caller.clone(), changes }
    }

    /// Why the stream must end, if it must.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<Status> {
        while let Some(principals) = ready!(Pin::new(&mut self.changes).poll_next(context)) {
            match principals.caller(self.certified.names()) {
                Some(caller) if *caller == self.caller => {}
                Some(_) => {
                    let message = "what the caller may do has changed; open the stream again";
                    return Poll::Ready(Status::new(Code::Aborted, message));
                }
                None => return Poll::Ready(unknown()),
            }
        }
        // The identities live as long as the connection.
        Poll::Pending
    }
}

impl Clone for Guard {
    fn clone(&self) -> Self {
        Self::new(&self.certified, &self.caller)
    }
}

pin_project! {
    /// The caller's side of a stream: an error when his rights have changed.
    struct GuardedRequest {
        #[pin] body: Body,
        guard: Guard,
    }
}

impl HttpBody for GuardedRequest {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.project();
        if let Poll::Ready(status) = this.guard.poll_end(context) {
            return Poll::Ready(Some(Err(status)));
        }
        this.body.poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

pin_project! {
    /// The node's side of a stream: ends with a status when the caller's rights have changed. The guard is gone once it
    /// has ended the stream.
    struct GuardedReply {
        #[pin] body: Body,
        guard: Option<Guard>,
    }
}

impl HttpBody for GuardedReply {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.project();
        let Some(guard) = this.guard else { return Poll::Ready(None) };
        if let Poll::Ready(status) = guard.poll_end(context) {
            *this.guard = None;
            let mut trailers = HeaderMap::with_capacity(3);
            return Poll::Ready(Some(status.add_header(&mut trailers).map(|()| Frame::trailers(trailers))));
        }
        this.body.poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.guard.is_none() || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
