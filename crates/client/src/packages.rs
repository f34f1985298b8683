//! Files of orders on their way to a node, and what comes back about them in many replies.

use tokio_stream::{Stream, StreamExt};
use tonic::Response;

use crate::replies::{Replies, refused};
use crate::retry::repeat;
use crate::v1::order_service_client::OrderServiceClient;
use crate::v1::submit_package_request::Part;
use crate::{Client, ClientError, v1};

impl Client {
    /// Brings a file of orders, in chunks of at most [`PACKAGE_CHUNK_BYTES_MAX`](crate::limits::PACKAGE_CHUNK_BYTES_MAX).
    /// `open` gives the file from its beginning, once for each attempt: what an earlier one brought is not logged again.
    ///
    /// # Errors
    /// If the node refuses the file, or can't be reached.
    pub async fn submit_package<File>(
        &self,
        header: v1::PackageHeader,
        open: impl Fn() -> File,
    ) -> Result<v1::SubmitPackageResponse, ClientError>
    where
        File: Stream<Item = Vec<u8>> + Send + 'static,
    {
        let message = |part| v1::SubmitPackageRequest { part: Some(part) };
        let attempt = || {
            let first = tokio_stream::once(message(Part::Header(header.clone())));
            let messages = first.chain(open().map(move |chunk| message(Part::Chunk(chunk))));
            let mut service = OrderServiceClient::new(self.channel());
            async move { service.submit_package(messages).await.map(Response::into_inner) }
        };
        repeat(self.retry(), self.jitter(), attempt).await
    }

    /// Follows a package until it is complete.
    ///
    /// # Errors
    /// If the node refuses.
    pub async fn watch_package(
        &self,
        request: v1::WatchPackageRequest,
    ) -> Result<Replies<v1::WatchPackageResponse>, ClientError> {
        let replies = OrderServiceClient::new(self.channel()).watch_package(request).await;
        Ok(Replies::of(replies.map_err(refused)?))
    }

    /// Asks for the report on a package, in pieces: it is whole if the last one says `complete`.
    ///
    /// # Errors
    /// If the node refuses.
    pub async fn get_package_report(
        &self,
        request: v1::GetPackageReportRequest,
    ) -> Result<Replies<v1::GetPackageReportResponse>, ClientError> {
        let replies = OrderServiceClient::new(self.channel()).get_package_report(request).await;
        Ok(Replies::of(replies.map_err(refused)?))
    }
}
