//! `EventService`: what happens, as it happens.
//!
//! Invariants:
//! - A watcher hears what happened in the order of the log, without a gap, or is ended.
//! - Writes never wait for a watcher: what it does not take in time is lost to it, and it goes on from the last
//!   position that it has.

mod filter;
mod happened;
mod parts;
mod watcher;

use client::v1;
use client::v1::event_service_server::EventService;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::caller::Caller;
use crate::node::Node;
use crate::parallel::check_may_watch;

use self::filter::read_watch;

#[derive(Debug)]
pub(crate) struct Events(pub(crate) Node);

#[tonic::async_trait]
impl EventService for Events {
    type WatchStream = ReceiverStream<Result<v1::WatchResponse, Status>>;

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let caller = Caller::of(&request)?;
        check_may_watch(&self.0, &caller)?;
        let (filter, after) = read_watch(&caller, request.get_ref())?;
        let place = self.0.watchers.enter(caller.principal, self.0.limits.watchers_per_caller)?;
        watcher::begin(self.0.clone(), filter, after, place).await.map(Response::new)
    }
}
