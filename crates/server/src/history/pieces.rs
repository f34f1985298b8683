//! A long answer, made on a thread that may wait and told in pieces.
//!
//! Invariants:
//! - At most [`WAITING_MAX`] pieces wait for their reader. One that does not take them in time loses the call, and what is
//!   made for it ends.
//! - A call that ends early ends with an error.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use engine::LogView;
use history::{StoreError, View};
use reports::Days;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::Status;
use types::{Date, PrincipalNumber, Sequence, Timestamp};

use super::{Fault, NOT_KEPT};
use crate::node::Node;
use crate::refusals::{history_unavailable, reader_too_slow, stopping_connection};

/// Pieces that wait: a statement's have 64 KiB at most.
const WAITING_MAX: usize = 4;

/// Where pieces go in. Sending waits, so it is for threads that may.
#[derive(Debug)]
pub(crate) struct PieceSender<Piece>(mpsc::Sender<Result<Piece, Status>>);

/// What the caller reads.
#[derive(Debug)]
pub(crate) struct Pieces<Piece> {
    told: mpsc::Receiver<Result<Piece, Status>>,
    /// Why it ends early, if it does and there was no room to say so.
    cut_off: Arc<OnceLock<Status>>,
    has_ended: bool,
}

impl<Piece> PieceSender<Piece> {
    /// Hands over a piece, or says that nobody waits for it any more.
    pub(crate) fn send(&self, piece: Result<Piece, Status>) -> bool {
        self.0.blocking_send(piece).is_ok()
    }
}

/// A thread that ends in a panic does not leave a call that looks whole.
impl<Piece> Drop for PieceSender<Piece> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.send(Err(history_unavailable("a fault in the program")));
        }
    }
}

/// A call's two ends. The node watches over its reader.
fn pieces<Piece: Send + 'static>(node: &Node) -> (PieceSender<Piece>, Pieces<Piece>) {
    let (sender, mut made) = mpsc::channel(1);
    let (teller, told) = mpsc::channel(WAITING_MAX);
    let cut_off = Arc::new(OnceLock::new());
    let (node, ends, patience) = (node.clone(), Arc::clone(&cut_off), node.limits.reader_patience);
    tokio::spawn(async move {
        while let Some(piece) = made.recv().await {
            let why = tokio::select! {
                sent = tokio::time::timeout(patience, teller.send(piece)) => match sent {
                    Ok(Ok(())) => continue,
                    Ok(Err(_)) => return,
                    Err(_) => reader_too_slow(),
                },
                () = node.stops() => stopping_connection(),
            };
            // Nobody else sets it.
            let _ = ends.set(why);
            return;
        }
    });
    (PieceSender(sender), Pieces { told, cut_off, has_ended: false })
}

/// Makes a long answer on a thread that may wait, and gives what the caller reads of it.
pub(super) async fn tell_in_pieces<Piece: Send + 'static>(
    node: &Node,
    caller: PrincipalNumber,
    make: impl FnOnce(&View, &LogView, &PieceSender<Piece>) -> Result<(), Fault> + Send + 'static,
) -> Result<Pieces<Piece>, Status> {
    let history = node.past.history.clone().ok_or_else(|| history_unavailable(NOT_KEPT))?;
    let place = node.past.makings.enter(caller).await;
    let log = node.handle.log();
    Ok(make_in_pieces(node, place, move |sender| match history.view() {
        Ok(view) => make(&view, &log, sender).map_err(Fault::into_status),
        Err(why) => Err(history_unavailable(&why.to_string())),
    }))
}

/// The same of an answer that is made without history. `place` is given back when it is made.
pub(crate) fn make_in_pieces<Piece: Send + 'static>(
    node: &Node,
    place: impl Send + 'static,
    make: impl FnOnce(&PieceSender<Piece>) -> Result<(), Status> + Send + 'static,
) -> Pieces<Piece> {
    let (sender, told) = pieces(node);
    tokio::task::spawn_blocking(move || {
        if let Err(status) = make(&sender) {
            sender.send(Err(status));
        }
        drop(place);
    });
    told
}

/// Waits until history has come to the end of a day that is over by the clock, as far as it can be had soon: on an idle log
/// nothing is told that would say so. A day that a command ends is over once history has the command.
pub(super) async fn until_over(
    node: &Node,
    date: Date,
    days: impl FnOnce(&View) -> Result<Option<Days>, StoreError> + Send + 'static,
) -> Result<(), Status> {
    let Some(history) = node.past.history.clone() else { return Ok(()) };
    let asked = tokio::task::spawn_blocking(move || {
        // Whatever is wrong here is said by the answer itself.
        let view = history.view().ok()?;
        let end = days(&view).ok()??.span(date).ok()?.until?;
        Some(end).filter(|end| end.behind == Sequence(0)).map(|end| end.time)
    });
    match asked.await {
        Ok(Some(end)) => until_reached(node, end).await,
        Ok(None) | Err(_) => Ok(()),
    }
}

async fn until_reached(node: &Node, time: Timestamp) -> Result<(), Status> {
    let Some(history) = &node.past.history else { return Ok(()) };
    if node.handle.now() < time.plus(reports::TOLD_WITHIN) {
        return Ok(());
    }
    for _ in 0..REACHED_LOOKS_MAX {
        let reached = history.progress().watermark.as_ref().map(reports::reached);
        if reached.is_none_or(|reached| reached >= time) {
            return Ok(());
        }
        node.handle.tick();
        tokio::select! {
            () = tokio::time::sleep(REACHED_LOOK_EVERY) => {}
            () = node.stops() => return Err(stopping_connection()),
        }
    }
    Ok(())
}

/// A pass of history takes this long on an idle log.
const REACHED_LOOK_EVERY: Duration = Duration::from_millis(100);
const REACHED_LOOKS_MAX: u32 = 50;

impl<Piece> Stream for Pieces<Piece> {
    type Item = Result<Piece, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let told = std::task::ready!(self.told.poll_recv(context));
        self.has_ended = !matches!(told, Some(Ok(_)));
        Poll::Ready(told.or_else(|| self.cut_off.get().cloned().map(Err)))
    }
}
