//! Following the postings of a book: read from history, from the first that is asked for to those that come.
//!
//! Invariants:
//! - Numbers follow each other without a gap, and both sides of a transfer come in one message.
//! - What is told is what the files of days have, because both are read in the same way.
//! - Nobody waits for a reader: what is not taken in time ends the stream, and a book is read on only when the message
//!   before has been taken.

use std::time::Duration;

use client::v1;
use history::{Place, View, Watermark};
use reports::PostingBook;
use tokio::sync::mpsc::{self, OwnedPermit};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use types::{PrincipalNumber, Sequence};

use super::posting_calls::open_book;
use super::posting_wire::{WatchAsked, wire_posting};
use super::told::as_of;
use super::{Fault, NOT_KEPT, read_past};
use crate::lives::Named;
use crate::node::Node;
use crate::refusals::{history_unavailable, position_ahead, reader_too_slow, stopping_connection};
use crate::replies::filled_by;
use crate::watchers::WatcherPlace;

/// What a watcher is sent.
type Sent = Result<v1::PostingServiceWatchResponse, Status>;

/// A pass of history takes this long, so there is nothing new any sooner.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// From where on to read.
#[derive(Clone, Copy)]
struct Reached {
    /// Behind this place.
    place: Place,
    /// Behind this number.
    number: u64,
}

/// Some postings, and where to go on.
struct Next {
    postings: Vec<v1::Posting>,
    reached: Reached,
    has_more: bool,
}

/// Begins to watch. Fails if there is no such book, or the number is none that was given out.
pub(super) async fn begin(
    node: Node,
    principal: PrincipalNumber,
    asked: WatchAsked,
    place: WatcherPlace,
) -> Result<ReceiverStream<Sent>, Status> {
    let inner = node.clone();
    let (begun, watermark) = read(&node, principal, move |view| {
        let book = match open_book(&inner, view, asked.bank, asked.currency)? {
            Ok(book) => book,
            Err(refused) => return Ok(Err(refused)),
        };
        find(&inner, view, &book, asked)
    })
    .await?;
    let reached = begun?;
    Ok(filled_by(|sender| async move {
        let mut watcher = Watcher { node, principal, asked, sender, reached, watermark, _place: place };
        watcher.watch().await
    }))
}

/// Where the posting stands behind which to go on, if it is the one that was given out.
fn find(
    node: &Node,
    view: &View,
    book: &PostingBook<'_>,
    asked: WatchAsked,
) -> Result<Result<Reached, Status>, Fault> {
    let count = book.count()?;
    let number = asked.after.unwrap_or(count);
    if number > count {
        return Ok(Err(position_ahead()));
    }
    let Some(row) = view.booking_of((asked.bank, asked.currency), number)? else {
        return Ok(Ok(Reached { place: Place::default(), number: 0 }));
    };
    if asked.after.is_some() {
        let named = Named { sequence: row.place.at, given_by: asked.given_by };
        if let Err(refused) = named.on(node.handle.lives()) {
            return Ok(Err(refused));
        }
    }
    // The other side of the transfer may not have been told.
    let place = if row.after().count == number { row.place } else { row.place.before().unwrap_or_default() };
    Ok(Ok(Reached { place, number }))
}

/// Reads history on a thread that may wait.
async fn read<Rows: Send + 'static>(
    node: &Node,
    principal: PrincipalNumber,
    read: impl FnOnce(&View) -> Result<Rows, Fault> + Send + 'static,
) -> Result<(Rows, Watermark), Status> {
    let found = read_past(node, &node.past.readings, principal, move |view, _| read(view)).await?;
    let found = found.ok_or_else(|| history_unavailable(NOT_KEPT))?;
    Ok((found.rows, found.watermark))
}

struct Watcher {
    node: Node,
    principal: PrincipalNumber,
    asked: WatchAsked,
    sender: mpsc::Sender<Sent>,
    /// Everything up to here has been told.
    reached: Reached,
    /// Up to where history went when it was read last.
    watermark: Watermark,
    _place: WatcherPlace,
}

impl Watcher {
    /// Tells what there is and what comes, until one side ends it.
    async fn watch(&mut self) -> Result<(), Status> {
        let Some(room) = self.room().await? else { return Ok(()) };
        self.send(room, Vec::new());
        let mut heartbeat = Instant::now() + self.node.limits.heartbeat;
        // What was there at the beginning is read at once.
        let mut may_have_more = true;
        let mut looked_upto = Sequence(0);
        loop {
            if may_have_more || self.told_upto()? > looked_upto {
                let some = self.next().await?;
                looked_upto = self.watermark.told;
                (self.reached, may_have_more) = (some.reached, some.has_more);
                if !some.postings.is_empty() {
                    let Some(room) = self.room().await? else { return Ok(()) };
                    self.send(room, some.postings);
                    heartbeat = Instant::now() + self.node.limits.heartbeat;
                }
                continue;
            }
            if Instant::now() >= heartbeat {
                let Some(room) = self.room().await? else { return Ok(()) };
                self.send(room, Vec::new());
                heartbeat = Instant::now() + self.node.limits.heartbeat;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = self.node.stops() => return Err(stopping_connection()),
            }
        }
    }

    /// Up to where history has come by now.
    fn told_upto(&self) -> Result<Sequence, Status> {
        let history = self.node.past.history.as_ref().ok_or_else(|| history_unavailable(NOT_KEPT))?;
        let progress = history.progress();
        if let Some(why) = progress.unavailable {
            return Err(history_unavailable(&why.to_string()));
        }
        Ok(progress.watermark.map_or(Sequence(0), |watermark| watermark.told))
    }

    /// Reads the postings that come next.
    async fn next(&mut self) -> Result<Next, Status> {
        let (node, asked, reached) = (self.node.clone(), self.asked, self.reached);
        let (some, watermark) = read(&self.node, self.principal, move |view| {
            let mut book = match open_book(&node, view, asked.bank, asked.currency)? {
                Ok(book) => book,
                Err(refused) => return Ok(Err(refused)),
            };
            let (postings, next) = book.after(reached.place)?;
            let last = postings.last();
            let reached_now = Reached {
                place: next.or(last.map(|last| last.place)).unwrap_or(reached.place),
                number: last.map_or(reached.number, |last| last.number),
            };
            let postings = postings.iter().filter(|posting| posting.number > reached.number);
            let postings = postings.map(|posting| wire_posting(&node, posting, asked.currency)).collect();
            Ok(Ok(Next { postings, reached: reached_now, has_more: next.is_some() }))
        })
        .await?;
        self.watermark = watermark;
        some
    }

    /// Room for one message; none if nobody is there to read it.
    async fn room(&self) -> Result<Option<OwnedPermit<Sent>>, Status> {
        let room = self.sender.clone().reserve_owned();
        tokio::select! {
            room = tokio::time::timeout(self.node.limits.reader_patience, room) => match room {
                Ok(room) => Ok(room.ok()),
                Err(_) => Err(reader_too_slow()),
            },
            () = self.node.stops() => Err(stopping_connection()),
        }
    }

    fn send(&self, room: OwnedPermit<Sent>, postings: Vec<v1::Posting>) {
        let as_of = Some(as_of(&self.node, &self.watermark));
        room.send(Ok(v1::PostingServiceWatchResponse { postings, last_number: self.reached.number, as_of }));
    }
}
