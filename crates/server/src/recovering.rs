//! A node that is still reading its log: it says how far it has come, and does nothing else.
//!
//! The listener is open from the first moment, so that whoever waits for the node finds out how long. Callers are known
//! here as everywhere: who may ask for the status later may ask now.
//!
//! Invariant: no call but health, reflection and the status gets anything but UNAVAILABLE.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use client::v1;
use client::v1::node_service_server::{NodeService, NodeServiceServer};
use engine::{RecoveryProgress, RecoveryView};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http;
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use tonic_health::ServingStatus;
use tower_layer::Layer;

use crate::caller::Caller;
use crate::cores::{Connections, serve_on_cores_as};
use crate::gate::GateLayer;
use crate::identity::Identities;
use crate::limits::{HEADER_LIST_BYTES_MAX, ServerLimits};
use crate::refusals::starting;
use crate::serve::{SERVICES, ServeError};

/// Serves the status of a start until `over` is done, without TLS if there are no identities.
///
/// # Errors
/// If connections can't be served; the start itself goes on.
pub async fn serve_recovery(
    identities: Option<Arc<Identities>>,
    listener: TcpListener,
    progress: Arc<RecoveryProgress>,
    limits: ServerLimits,
    over: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    // One thread is enough for those who wait.
    let limits = ServerLimits { threads: std::num::NonZeroUsize::MIN, ..limits };
    let (stopping, watch_stopping) = watch::channel(false);
    let shutdown = async move {
        over.await;
        stopping.send_replace(true);
    };
    let serve =
        move |connections| serve_connections(connections, Arc::clone(&progress), watch_stopping.clone());
    serve_on_cores_as(identities, listener, &limits, shutdown, serve).await
}

async fn serve_connections(
    connections: Connections,
    progress: Arc<RecoveryProgress>,
    mut stopping: watch::Receiver<bool>,
) -> Result<(), ServeError> {
    let (health, health_service) = tonic_health::server::health_reporter();
    for service in SERVICES {
        health.set_service_status(service, ServingStatus::NotServing).await;
    }
    let mut until = stopping.clone();
    let stop = async move {
        // A sender that is dropped means the same as one that sends.
        let _ = until.wait_for(|stopping| *stopping).await;
    };
    let serving = Server::builder()
        .http2_max_header_list_size(HEADER_LIST_BYTES_MAX)
        .layer(GateLayer)
        .layer(WaitLayer(Arc::clone(&progress)))
        .add_service(health_service)
        .add_service(NodeServiceServer::new(Recovering(progress)))
        .serve_with_incoming_shutdown(connections, stop);
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        ended = &mut serving => Ok(ended?),
        _ = stopping.wait_for(|stopping| *stopping) => {
            // Health that is watched never ends by itself; those who watch it find the node itself next.
            Ok(tokio::time::timeout(DRAIN, serving).await.unwrap_or(Ok(()))?)
        }
    }
}

/// How long answers under way may take to leave once the node is there.
const DRAIN: std::time::Duration = std::time::Duration::from_millis(200);

/// Tells the status of a start.
#[derive(Debug)]
struct Recovering(Arc<RecoveryProgress>);

#[tonic::async_trait]
impl NodeService for Recovering {
    async fn get_node_status(
        &self,
        request: Request<v1::GetNodeStatusRequest>,
    ) -> Result<Response<v1::GetNodeStatusResponse>, Status> {
        Caller::of(&request)?;
        let view = self.0.view();
        Ok(Response::new(v1::GetNodeStatusResponse {
            ready: false,
            not_ready_description: in_words(&view),
            recovery: Some(recovery(&view)),
            ..v1::GetNodeStatusResponse::default()
        }))
    }

    /// Nothing is decided yet. The layer before the service lets no such call through either.
    async fn set_rules_version(
        &self,
        _: Request<v1::SetRulesVersionRequest>,
    ) -> Result<Response<v1::SetRulesVersionResponse>, Status> {
        Err(self.not_yet())
    }

    /// The keys are not at hand yet.
    async fn erase_personal_data(
        &self,
        _: Request<v1::ErasePersonalDataRequest>,
    ) -> Result<Response<v1::ErasePersonalDataResponse>, Status> {
        Err(self.not_yet())
    }

    /// The same.
    async fn rotate_master_key(
        &self,
        _: Request<v1::RotateMasterKeyRequest>,
    ) -> Result<Response<v1::RotateMasterKeyResponse>, Status> {
        Err(self.not_yet())
    }
}

impl Recovering {
    fn not_yet(&self) -> Status {
        starting(in_words(&self.0.view())).into_status()
    }
}

fn recovery(view: &RecoveryView) -> v1::Recovery {
    let milliseconds = |span: std::time::Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    v1::Recovery {
        percent: u32::try_from(view.percent()).expect("it is at most a hundred"),
        byte_count: view.bytes,
        byte_count_total: view.bytes_total,
        frame_count: view.frames,
        sequence: view.sequence.0,
        elapsed_milliseconds: milliseconds(view.elapsed),
        left_milliseconds: view.left.map(milliseconds),
    }
}

/// What a start is told to be, wherever it is told.
pub(crate) fn in_words(view: &RecoveryView) -> String {
    let left = view.left.map(|left| format!(", about {} s left", left.as_secs() + 1)).unwrap_or_default();
    format!("the node is starting: {} % of its log is read{left}", view.percent())
}

/// Puts the wait before services.
#[derive(Clone, Debug)]
struct WaitLayer(Arc<RecoveryProgress>);

/// Lets only those calls through that a node answers while it starts.
#[derive(Clone, Debug)]
struct Wait<Inner> {
    inner: Inner,
    progress: Arc<RecoveryProgress>,
}

impl<Inner> Layer<Inner> for WaitLayer {
    type Service = Wait<Inner>;

    fn layer(&self, inner: Inner) -> Wait<Inner> {
        Wait { inner, progress: Arc::clone(&self.0) }
    }
}

impl<Inner> Service<http::Request<Body>> for Wait<Inner>
where
    Inner: Service<http::Request<Body>, Response = http::Response<Body>>,
    Inner::Future: Send + 'static,
    Inner::Error: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Inner::Error;
    // Nobody counts the nanoseconds of a call that is told to wait.
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Inner::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let path = request.uri().path();
        if path.starts_with("/grpc.health.v1.Health/") || path == "/solvo.v1.NodeService/GetNodeStatus" {
            return Box::pin(self.inner.call(request));
        }
        let status = starting(in_words(&self.progress.view())).into_status();
        Box::pin(std::future::ready(Ok(status.into_http())))
    }
}

#[cfg(test)]
mod tests {
    use client::v1::node_service_client::NodeServiceClient;
    use client::v1::payment_service_client::PaymentServiceClient;
    use tonic::Code;
    use tonic::transport::Endpoint;
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_check_response::ServingStatus as Told;
    use tonic_health::pb::health_client::HealthClient;

    use super::*;

    #[tokio::test]
    async fn a_start_is_told_to_whoever_asks_and_everything_else_waits() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (over, is_over) = tokio::sync::oneshot::channel::<()>();
        let is_over = async {
            let _ = is_over.await;
        };
        let limits = ServerLimits::default();
        let serving = tokio::spawn(serve_recovery(None, listener, Arc::default(), limits, is_over));
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();

        let status = NodeServiceClient::new(channel.clone())
            .get_node_status(v1::GetNodeStatusRequest {})
            .await
            .unwrap()
            .into_inner();
        assert!(!status.ready && status.not_ready_description.contains("starting: 0 %"));
        assert_eq!(status.recovery, Some(v1::Recovery::default()));
        let health = HealthClient::new(channel.clone())
            .check(HealthCheckRequest { service: "solvo.v1.PaymentService".to_owned() })
            .await
            .unwrap();
        assert_eq!(health.into_inner().status(), Told::NotServing);
        let refused = PaymentServiceClient::new(channel)
            .get_payment(v1::GetPaymentRequest::default())
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
        assert!(refused.message().contains("starting: 0 %"), "{refused}");
        drop(over);
        serving.await.unwrap().unwrap();
    }
}
