//! What callers send: how long one message may be, how long it may take to come, and how much of a connection may be
//! half sent.
//!
//! Whoever begins messages and never ends them costs memory for as long as somebody waits for the rest. So every
//! request body passes this, in front of what reads its messages.
//!
//! Invariants:
//! - No message is longer than its call needs, said by its own header before anything of it is kept.
//! - Only the time in which the node waits for a caller counts against it: not the pauses between the messages of a
//!   stream, nor the time in which the node itself does not read.
//! - The bytes of all half-sent messages of a connection have a limit together.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use client::limits::{DOCUMENT_BYTES_MAX, MESSAGE_BYTES_MAX};
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Bytes;

use crate::limits::{HALF_SENT_BYTES_MAX, SMALL_MESSAGE_BYTES_MAX};
use crate::rights::Right;

/// The half-sent messages of a connection.
#[derive(Debug)]
pub(crate) struct HalfSent {
    bytes: AtomicUsize,
    patience: Duration,
}

impl HalfSent {
    /// `patience` is how long the rest of a message is waited for.
    pub(crate) const fn new(patience: Duration) -> Self {
        Self { bytes: AtomicUsize::new(0), patience }
    }
}

/// Puts these limits around the body of a call.
pub(crate) fn limited(body: Body, right: &Right, half_sent: &Arc<HalfSent>) -> Body {
    let messages = Messages {
        is_stream: right.streams,
        bytes_max: message_bytes_max(right.path),
        header: Header::default(),
        left: 0,
        held: Held { half_sent: Arc::clone(half_sent), bytes: 0 },
    };
    let patience = Patience { limit: half_sent.patience, waited: Duration::ZERO, since: None, timer: None };
    Body::new(LimitedBody { body, messages, patience })
}

/// The longest message of a call.
fn message_bytes_max(path: &str) -> usize {
    match path {
        "/solvo.v1.PaymentService/SubmitPayments"
        | "/solvo.v1.AccountService/OpenAccounts"
        | "/solvo.v1.AccountService/PostEntries"
        | "/solvo.v1.OrderService/SubmitPackage"
        | "/solvo.v1.PaymentCodeService/ReadPaymentCode" => MESSAGE_BYTES_MAX,
        "/solvo.v1.Iso20022Service/Submit"
        | "/solvo.v1.Iso20022Service/Exchange"
        | "/solvo.v1.ParticipantService/Connect" => 2 * DOCUMENT_BYTES_MAX,
        _ => SMALL_MESSAGE_BYTES_MAX,
    }
}

/// Follows the messages through the bytes of a body.
struct Messages {
    is_stream: bool,
    bytes_max: usize,
    header: Header,
    /// Bytes of the present message that have not come.
    left: usize,
    held: Held,
}

/// The header of a gRPC message: whether it is compressed, and its length.
#[derive(Default)]
struct Header {
    bytes: [u8; 5],
    count: usize,
}

/// What a call has of its connection's share, given back when it ends.
struct Held {
    half_sent: Arc<HalfSent>,
    bytes: usize,
}

impl Held {
    fn add(&mut self, bytes: usize) -> Result<(), Status> {
        self.bytes += bytes;
        let before = self.half_sent.bytes.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > HALF_SENT_BYTES_MAX {
            return Err(Status::resource_exhausted("the connection has too much half sent"));
        }
        Ok(())
    }

    fn give_back(&mut self) {
        self.half_sent.bytes.fetch_sub(std::mem::take(&mut self.bytes), Ordering::Relaxed);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl Messages {
    /// Takes the bytes of one frame. Says whether a message has ended in it.
    fn take(&mut self, mut bytes: &[u8]) -> Result<bool, Status> {
        let mut has_ended = false;
        while !bytes.is_empty() {
            if self.left == 0 {
                let wanted = (self.header.bytes.len() - self.header.count).min(bytes.len());
                let (header, rest) = bytes.split_at(wanted);
                self.header.bytes[self.header.count..][..wanted].copy_from_slice(header);
                self.header.count += wanted;
                bytes = rest;
                if self.header.count < self.header.bytes.len() {
                    break;
                }
                let [_, length @ ..] = self.header.bytes;
                self.left = usize::try_from(u32::from_be_bytes(length)).expect("32 bits");
                if self.left > self.bytes_max {
                    let (length, limit) = (self.left, self.bytes_max);
                    return Err(Status::out_of_range(format!(
                        "a message of {length} bytes is too long: the limit of this call is {limit} bytes"
                    )));
                }
            }
            let taken = self.left.min(bytes.len());
            bytes = &bytes[taken..];
            self.left -= taken;
            if self.left > 0 {
                self.held.add(taken)?;
            } else {
                self.header.count = 0;
                self.held.give_back();
                has_ended = true;
            }
        }
        Ok(has_ended)
    }

    /// Whether the caller owes something at this moment: the rest of a message, or of a call that is one message.
    const fn is_owing(&self) -> bool {
        !self.is_stream || self.header.count > 0
    }
}

/// Counts the time in which the node waits for a caller.
struct Patience {
    limit: Duration,
    /// For the present message, before the present wait.
    waited: Duration,
    since: Option<Instant>,
    /// Made only for those who have to be waited for.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// Goes on waiting. Ready when it has been too long.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let left = self.limit.saturating_sub(self.waited);
        if self.since.is_none() {
            let now = Instant::now();
            self.since = Some(now);
            match &mut self.timer {
                Some(timer) => timer.as_mut().reset(now + left),
                None => self.timer = Some(Box::pin(tokio::time::sleep_until(now + left))),
            }
        }
        let timer = self.timer.as_mut().expect("it was made when the wait began");
        timer.as_mut().poll(context)
    }

    /// Something has come.
    fn stop(&mut self, has_ended: bool) {
        let since = self.since.take();
        self.waited += since.map_or(Duration::ZERO, |since| since.elapsed());
        if has_ended {
            self.waited = Duration::ZERO;
        }
    }
}

pin_project! {
    /// A request's body with its limits.
    struct LimitedBody {
        #[pin] body: Body,
        messages: Messages,
        patience: Patience,
    }
}

impl HttpBody for LimitedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.project();
        match this.body.poll_frame(context) {
            Poll::Pending if !this.messages.is_owing() => Poll::Pending,
            Poll::Pending => this.patience.poll(context).map(|()| Some(Err(too_slow()))),
            Poll::Ready(Some(Ok(frame))) => {
                let taken = frame.data_ref().map_or(Ok(false), |bytes| this.messages.take(bytes));
                let is_new = taken.as_ref().is_ok_and(|has_ended| *has_ended && this.messages.is_stream);
                this.patience.stop(is_new);
                Poll::Ready(Some(taken.map(|_| frame)))
            }
            Poll::Ready(end) => Poll::Ready(end),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn too_slow() -> Status {
    Status::aborted("a message was begun and did not come whole in time")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> Arc<HalfSent> {
        Arc::new(HalfSent::new(Duration::from_secs(1)))
    }

    fn messages(half_sent: &Arc<HalfSent>) -> Messages {
        Messages {
            is_stream: true,
            bytes_max: 1000,
            header: Header::default(),
            left: 0,
            held: Held { half_sent: Arc::clone(half_sent), bytes: 0 },
        }
    }

    fn message(length: u8) -> Vec<u8> {
        [&[0, 0, 0, 0, length][..], &vec![7; usize::from(length)]].concat()
    }

    #[test]
    fn messages_are_followed_wherever_they_are_cut() {
        let bytes = [message(3), message(0), message(200)].concat();
        for size in 1..=bytes.len() {
            let half_sent = nothing();
            let mut messages = messages(&half_sent);
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            for piece in &pieces[..pieces.len() - 1] {
                messages.take(piece).unwrap();
            }
            assert!(pieces.len() == 1 || messages.is_owing() || size == 1, "{size}");
            assert!(messages.take(pieces[pieces.len() - 1]).unwrap());
            assert!(!messages.is_owing());
            assert_eq!(half_sent.bytes.load(Ordering::Relaxed), 0);
        }
    }

    #[test]
    fn half_sent_messages_of_a_connection_share_their_limit() {
        let half_sent = nothing();
        half_sent.bytes.store(HALF_SENT_BYTES_MAX - 10, Ordering::Relaxed);
        let mut within = messages(&half_sent);
        within.take(&message(200)[..15]).unwrap();
        let mut beyond = messages(&half_sent);
        let refused = beyond.take(&message(200)[..15]).unwrap_err();
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
        drop((within, beyond));
        assert_eq!(half_sent.bytes.load(Ordering::Relaxed), HALF_SENT_BYTES_MAX - 10);
    }

    #[test]
    fn a_message_that_says_it_is_too_long_is_not_waited_for() {
        let half_sent = nothing();
        let refused = messages(&half_sent).take(&[0, 0, 0, 4, 0]).unwrap_err();
        assert_eq!(refused.code(), tonic::Code::OutOfRange);
        assert!(messages(&half_sent).take(&[0, 0, 0, 3, 232]).is_ok());
    }
}
