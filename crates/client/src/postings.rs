//! Following the postings of a book.
//!
//! Invariant: postings come in the order of their numbers, each once and without a gap, whatever happens to the connection.

use crate::resumable::{Resumable, ResumableCall};
use crate::{Client, ClientError, v1};

/// `PostingService.Watch`, opened again when it breaks or was cut off for being too slow.
#[derive(Debug)]
pub struct PostingWatcher(Resumable<PostingCall>);

impl PostingWatcher {
    /// Follows what the request says, from its number on. The call is opened when something is first asked for.
    pub fn open(client: &Client, request: v1::PostingServiceWatchRequest) -> Self {
        let (number, incarnation) = (request.after_number, request.incarnation);
        Self(Resumable::new(client, PostingCall { request }, number, incarnation))
    }

    /// The postings that come next. There may be none, and then it only says how far everything has been told. Nothing is
    /// lost if the future is dropped.
    ///
    /// # Errors
    /// If the node refuses, or the attempts are used up. Also with POSITION_TOO_OLD where the node has been restored from a
    /// backup since the call began: postings that were told may be lost, so compare, and watch anew.
    pub async fn next(&mut self) -> Result<v1::PostingServiceWatchResponse, ClientError> {
        self.0.next().await
    }

    /// The number behind which to go on. To survive the process it has to be kept with what was made of the postings.
    pub const fn number(&self) -> Option<u64> {
        self.0.position()
    }

    /// The life of the log that gave the number: to be kept beside it.
    pub const fn incarnation(&self) -> Option<u64> {
        self.0.incarnation()
    }
}

/// The call behind [`PostingWatcher`].
#[derive(Debug)]
pub(crate) struct PostingCall {
    request: v1::PostingServiceWatchRequest,
}

impl ResumableCall for PostingCall {
    type Request = v1::PostingServiceWatchRequest;
    type Response = v1::PostingServiceWatchResponse;

    const PATH: &'static str = "/solvo.v1.PostingService/Watch";
    const TALKS: bool = false;

    fn start(&self, position: Option<u64>, incarnation: Option<u64>) -> v1::PostingServiceWatchRequest {
        v1::PostingServiceWatchRequest { after_number: position, incarnation, ..self.request.clone() }
    }

    fn incarnation(&self, response: &Self::Response) -> Option<u64> {
        response.as_of.as_ref().and_then(|as_of| as_of.incarnation)
    }

    fn position_after(&self, position: Option<u64>, response: &Self::Response) -> Option<u64> {
        position.max(Some(response.last_number))
    }
}
