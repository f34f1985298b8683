//! Following payments as they happen.
//!
//! Invariant: every event comes once and in the order of the log, whatever happens to the connection: a watcher goes on
//! from the last position that it was told. Only where one position has more events than a message holds, and the
//! connection breaks between them, some of those come again.

use crate::resumable::{Resumable, ResumableCall};
use crate::{Client, ClientError, v1};

/// `EventService.Watch`, opened again when it breaks or was cut off for being too slow.
#[derive(Debug)]
pub struct Watcher(Resumable<WatchCall>);

impl Watcher {
    /// Watches what the request says, from its position on. The call is opened when something is first asked for.
    pub fn open(client: &Client, request: v1::WatchRequest) -> Self {
        let (position, incarnation) = (request.after_sequence, request.incarnation);
        Self(Resumable::new(client, WatchCall { request }, position, incarnation))
    }

    /// What happened next. It may have no events, and then only says how far everything has been told. Nothing is lost
    /// if the future is dropped.
    ///
    /// # Errors
    /// If the node refuses to be watched, or the attempts are used up. Also with POSITION_TOO_OLD where the node has been
    /// restored from a backup since the call began: what was told may be lost, so compare, and watch anew.
    pub async fn next(&mut self) -> Result<v1::WatchResponse, ClientError> {
        self.0.next().await
    }

    /// The position to go on from. To survive the process it has to be kept with what was made of the events.
    pub const fn position(&self) -> Option<u64> {
        self.0.position()
    }

    /// The life of the log that gave the position: to be kept beside it.
    pub const fn incarnation(&self) -> Option<u64> {
        self.0.incarnation()
    }
}

/// The call behind [`Watcher`].
#[derive(Debug)]
pub(crate) struct WatchCall {
    request: v1::WatchRequest,
}

impl ResumableCall for WatchCall {
    type Request = v1::WatchRequest;
    type Response = v1::WatchResponse;

    const PATH: &'static str = "/solvo.v1.EventService/Watch";
    const TALKS: bool = false;

    fn start(&self, position: Option<u64>, incarnation: Option<u64>) -> v1::WatchRequest {
        v1::WatchRequest { after_sequence: position, incarnation, ..self.request.clone() }
    }

    fn incarnation(&self, response: &Self::Response) -> Option<u64> {
        response.incarnation
    }

    fn position_after(&self, position: Option<u64>, response: &Self::Response) -> Option<u64> {
        position.max(Some(response.upto_sequence))
    }
}
