//! The replies of one stream: room is taken before work is submitted, and a reader that leaves none loses its
//! stream; and streams that are filled as they are read.
//!
//! Invariants:
//! - Whoever holds room can send without waiting, so the core thread never waits for a reader.
//! - There is always room for the status that ends the stream, however many replies are unread.
//! - A caller that has gone away needs no room: what it sent is decided all the same.

use std::future::Future;
use std::time::Duration;

use tokio::sync::mpsc::{self, OwnedPermit};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::limits::ServerLimits;

/// The sending side of a stream's replies.
#[derive(Debug)]
pub(crate) struct Replies<Reply> {
    sender: mpsc::Sender<Result<Reply, Status>>,
    /// The room of the status that ends the stream.
    end: OwnedPermit<Result<Reply, Status>>,
    patience: Duration,
}

/// Room for one reply; none if there is nobody to read it.
#[derive(Debug)]
pub(crate) struct Room<Reply>(Option<OwnedPermit<Result<Reply, Status>>>);

impl<Reply: Send + 'static> Replies<Reply> {
    /// The replies of a new stream, and the stream itself.
    pub(crate) fn new(limits: &ServerLimits) -> (Self, ReceiverStream<Result<Reply, Status>>) {
        let (sender, receiver) = mpsc::channel(limits.replies_per_stream + 1);
        let end = sender.clone().try_reserve_owned().expect("a new channel has room and a receiver");
        (Self { sender, end, patience: limits.reader_patience }, ReceiverStream::new(receiver))
    }

    /// Room for one reply, as soon as there is some. Fails if the reader leaves none for too long.
    pub(crate) async fn room(&self) -> Result<Room<Reply>, Status> {
        match tokio::time::timeout(self.patience, self.sender.clone().reserve_owned()).await {
            Ok(room) => Ok(Room(room.ok())),
            Err(_) => Err(Status::aborted("replies were not read in time; what was submitted stands")),
        }
    }

    /// Waits until there is nobody to read.
    pub(crate) async fn gone(&self) {
        self.sender.closed().await;
    }

    /// Ends the stream. What waits to be read is read first.
    pub(crate) fn end(self, status: Status) {
        self.end.send(Err(status));
    }
}

/// A stream that a task of its own fills, until that is done or nobody reads any more.
///
/// One message waits to be sent at a time, so that whoever fills it takes no more than is read; the status that ends it
/// has a place beside.
pub(crate) fn filled_by<Reply, Filling>(
    fill: impl FnOnce(mpsc::Sender<Result<Reply, Status>>) -> Filling,
) -> ReceiverStream<Result<Reply, Status>>
where
    Reply: Send + 'static,
    Filling: Future<Output = Result<(), Status>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(2);
    let end = sender.clone().try_reserve_owned().expect("a new channel has room and a receiver");
    let gone = sender.clone();
    let filling = fill(sender);
    tokio::spawn(async move {
        tokio::select! {
            ended = filling => {
                if let Err(status) = ended {
                    end.send(Err(status));
                }
            }
            () = gone.closed() => {}
        }
    });
    ReceiverStream::new(receiver)
}

impl<Reply> Room<Reply> {
    /// Sends what the room was taken for.
    pub(crate) fn send(self, reply: Result<Reply, Status>) {
        if let Some(room) = self.0 {
            room.send(reply);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt;
    use tonic::Code;

    use super::*;

    fn limits(replies_per_stream: usize) -> ServerLimits {
        ServerLimits { replies_per_stream, reader_patience: Duration::ZERO, ..ServerLimits::default() }
    }

    #[tokio::test]
    async fn the_end_has_room_behind_replies_that_nobody_has_read() {
        let (replies, mut stream) = Replies::new(&limits(2));
        for reply in 0..2 {
            replies.room().await.unwrap().send(Ok(reply));
        }
        let refused = replies.room().await.unwrap_err();
        assert_eq!(refused.code(), Code::Aborted);
        replies.end(refused);
        assert_eq!(stream.next().await.unwrap().unwrap(), 0);
        assert_eq!(stream.next().await.unwrap().unwrap(), 1);
        assert_eq!(stream.next().await.unwrap().unwrap_err().code(), Code::Aborted);
        assert!(stream.next().await.is_none());
    }

    #[tokio::test]
    async fn a_caller_that_has_gone_holds_nobody_up() {
        let (replies, stream) = Replies::<u8>::new(&limits(1));
        let first = replies.room().await.unwrap();
        drop(stream);
        replies.room().await.unwrap().send(Ok(1));
        first.send(Ok(2));
    }
}
