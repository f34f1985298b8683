//! The listener: services, health, reflection, and an orderly end.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use client::limits::MESSAGE_BYTES_MAX;
use client::v1;
use engine::{Handle, KeptFound, OrderFound};
use history::History;
use history::holders::HoldersView;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::HealthReporter;

use crate::accounts::Accounts;
use crate::activation::Activation;
use crate::audit::Audit;
use crate::calendar::Calendar;
use crate::cores::{Connections, serve_on_cores_as};
use crate::customers::Customers;
use crate::events::Events;
use crate::exceptions::{Exceptions, keep_exceptions};
use crate::gate::GateLayer;
use crate::history::{HistoryCalls, PostingCalls, ReportCalls, StatementCalls};
use crate::holds::Holds;
use crate::identity::Identities;
use crate::iso::Iso20022;
use crate::keys::NewMasterKey;
use crate::limits::{
    FAULT_RESETS_MAX, FRAME_BYTES_MAX, HEADER_LIST_BYTES_MAX, HOLDERS_RENEWED_AFTER_DAYS, IDENTITY_INTERVAL,
    KEEP_ALIVE_INTERVAL, KEEP_ALIVE_TIMEOUT, PENDING_RESETS_MAX, RECORDS_RENEWED_AFTER_DAYS, ServerLimits,
    WINDOW_BYTES,
};
use crate::liquidity::Liquidity;
use crate::lives::Restores;
use crate::node::SharedNode;
use crate::orders::{Orders, run_orders};
use crate::own_work::keep_renewed;
use crate::parallel::stand_in;
use crate::participants::Participants;
use crate::payment_codes::PaymentCodes;
use crate::payments::Payments;
use crate::recalls::Recalls;
use crate::receipts::{ReceiptDesk, Receipts};
use crate::records::Records;
use crate::requests_to_pay::RequestsToPay;
use crate::status::NodeStatus;
use crate::verification::{OtherBanks, Verifications, renew_holders};
use crate::wire::service::participant_service_server::ParticipantServiceServer;
use crate::wire::service::payment_service_server::PaymentServiceServer;

/// Why a node could not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener's own address can't be read.
    #[error("the listener has no address: {0}")]
    Listener(std::io::Error),
    /// The address is not on the loopback interface, and there is no TLS.
    #[error(
        "{0} is not a loopback address: without TLS whoever reaches a node is its operator, so it listens on loopback \
         only, such as 127.0.0.1:7400"
    )]
    NotLoopback(SocketAddr),
    /// The service descriptors can't be read.
    #[error("the service descriptors can't be read: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The threads that serve can't be had.
    #[error("the threads that serve connections failed: {0}")]
    Threads(#[from] std::io::Error),
    /// The transport failed.
    #[error("the transport failed: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// What is served.
#[derive(Clone, Debug)]
pub struct Served {
    /// The engine.
    pub handle: Handle,
    /// The history of its log. Without one the calls about the past are UNAVAILABLE.
    pub history: Option<History>,
    /// What receipts are given from. Without it none are given.
    pub receipts: Option<ReceiptDesk>,
    /// Where the next master key is found. Without it there can't be another while the node serves.
    pub new_master_key: Option<Arc<NewMasterKey>>,
    /// Who holds the accounts that are kept here. Without it payees of these can't be verified.
    pub holders: Option<HoldersView>,
    /// After so many days the names of holders are written into the log again.
    pub holders_renewed_after_days: i32,
    /// How other banks are asked about their customers. Without it payees elsewhere can't be verified.
    pub other_banks: Option<Arc<dyn OtherBanks>>,
}

impl From<Handle> for Served {
    fn from(handle: Handle) -> Self {
        Self {
            handle,
            history: None,
            receipts: None,
            new_master_key: None,
            holders: None,
            holders_renewed_after_days: HOLDERS_RENEWED_AFTER_DAYS,
            other_banks: None,
        }
    }
}

/// Serves without TLS, on loopback only, until `shutdown` is done: then takes no new connections and calls, lets the
/// calls under way end within the limit, and returns. The engine is the caller's to stop afterwards.
pub async fn serve(
    listener: TcpListener,
    node: impl Into<Served>,
    limits: ServerLimits,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listener)?;
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback(address));
    }
    serve_as(None, listener, node.into(), limits, shutdown).await
}

/// The same with mutual TLS, on any address. The files of identity are looked at every second.
pub async fn serve_secured(
    identities: Arc<Identities>,
    listener: TcpListener,
    node: impl Into<Served>,
    limits: ServerLimits,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let watch = tokio::spawn(watch_files(Arc::clone(&identities)));
    let served = serve_as(Some(identities), listener, node.into(), limits, shutdown).await;
    watch.abort();
    served
}

async fn serve_as(
    identities: Option<Arc<Identities>>,
    listener: TcpListener,
    node: Served,
    limits: ServerLimits,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let (stopping, watch_stopping) = watch::channel(false);
    let handle = node.handle.clone();
    let log = handle.clone();
    let restores = tokio::task::spawn_blocking(move || Restores::read(&log)).await.expect("reading ends");
    let renewal = node.holders.clone().map(|holders| {
        let (days, stopping) = (node.holders_renewed_after_days, watch_stopping.clone());
        tokio::spawn(renew_holders(handle.clone(), holders, days, stopping))
    });
    let records_renewal = {
        let days = RECORDS_RENEWED_AFTER_DAYS.min(node.holders_renewed_after_days);
        tokio::spawn(keep_renewed::<KeptFound>(handle.clone(), days, watch_stopping.clone()))
    };
    let is_parallel = handle.is_parallel();
    let stand_in = is_parallel.then(|| tokio::spawn(stand_in(handle.clone(), watch_stopping.clone())));
    let exceptions = tokio::spawn(keep_exceptions(handle.clone(), watch_stopping.clone()));
    let orders_renewal = {
        let days = RECORDS_RENEWED_AFTER_DAYS.min(node.holders_renewed_after_days);
        tokio::spawn(keep_renewed::<OrderFound>(handle.clone(), days, watch_stopping.clone()))
    };
    let node = SharedNode::new(node, restores, limits, watch_stopping.clone());
    let orders = tokio::spawn(run_orders(
        handle.clone(),
        limits.orders_under_way,
        node.order_nudges(),
        watch_stopping,
    ));
    let (health, health_service) = tonic_health::server::health_reporter();
    if is_parallel {
        health.set_service_status(PARALLEL, ServingStatus::Serving).await;
    }
    let watch = tokio::spawn(report_health(health.clone(), handle));
    let shutdown = async move {
        shutdown.await;
        tracing::info!("no more calls are taken; those under way are finished");
        for service in SERVICES {
            health.set_service_status(service, ServingStatus::NotServing).await;
        }
        stopping.send_replace(true);
    };
    let serve_connections =
        move |connections| serve_connections(connections, node.clone(), health_service.clone());
    let served = serve_on_cores_as(identities, listener, &limits, shutdown, serve_connections).await;
    watch.abort();
    if let Some(renewal) = renewal {
        renewal.abort();
    }
    records_renewal.abort();
    if let Some(stand_in) = stand_in {
        stand_in.abort();
    }
    exceptions.abort();
    orders_renewal.abort();
    orders.abort();
    served
}

/// Serves the connections of one thread.
async fn serve_connections<Health>(
    connections: Connections,
    node: SharedNode,
    health: HealthServer<Health>,
) -> Result<(), ServeError>
where
    HealthServer<Health>: Clone,
    Health: tonic_health::pb::health_server::Health,
{
    let node = node.on_this_thread();
    let limits = node.limits;
    let mut stopping = node.stopping.clone();
    let stop = {
        let mut stopping = stopping.clone();
        async move {
            // A sender that is dropped means the same as one that sends.
            let _ = stopping.wait_for(|stopping| *stopping).await;
        }
    };
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(client::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let serving = Server::builder()
        .max_concurrent_streams(limits.streams_per_connection)
        .http2_max_header_list_size(HEADER_LIST_BYTES_MAX)
        .http2_max_pending_accept_reset_streams(Some(PENDING_RESETS_MAX))
        .http2_max_local_error_reset_streams(Some(FAULT_RESETS_MAX))
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES_MAX)
        .http2_keepalive_interval(Some(KEEP_ALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEP_ALIVE_TIMEOUT))
        .layer(GateLayer)
        .add_service(health)
        .add_service(reflection().build_v1()?)
        // Many clients in use still ask for the version before.
        .add_service(reflection().build_v1alpha()?)
        .add_service(
            PaymentServiceServer::new(Payments(node.clone())).max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(
            v1::account_service_server::AccountServiceServer::new(Accounts(node.clone()))
                .max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(ParticipantServiceServer::new(Participants(node.clone())))
        .add_service(v1::liquidity_service_server::LiquidityServiceServer::new(Liquidity(node.clone())))
        .add_service(v1::customer_service_server::CustomerServiceServer::new(Customers(node.clone())))
        .add_service(v1::iso20022_service_server::Iso20022ServiceServer::new(Iso20022(node.clone())))
        .add_service(v1::event_service_server::EventServiceServer::new(Events(node.clone())))
        .add_service(v1::history_service_server::HistoryServiceServer::new(HistoryCalls(node.clone())))
        .add_service(v1::statement_service_server::StatementServiceServer::new(StatementCalls(node.clone())))
        .add_service(v1::report_service_server::ReportServiceServer::new(ReportCalls(node.clone())))
        .add_service(v1::posting_service_server::PostingServiceServer::new(PostingCalls(node.clone())))
        .add_service(v1::node_service_server::NodeServiceServer::new(NodeStatus(node.clone())))
        .add_service(v1::receipt_service_server::ReceiptServiceServer::new(Receipts(node.clone())))
        .add_service(v1::calendar_service_server::CalendarServiceServer::new(Calendar(node.clone())))
        .add_service(v1::recall_service_server::RecallServiceServer::new(Recalls(node.clone())))
        .add_service(v1::request_service_server::RequestServiceServer::new(RequestsToPay(node.clone())))
        .add_service(v1::hold_service_server::HoldServiceServer::new(Holds(node.clone())))
        .add_service(v1::record_service_server::RecordServiceServer::new(Records(node.clone())))
        .add_service(v1::activation_service_server::ActivationServiceServer::new(Activation(node.clone())))
        .add_service(v1::exception_service_server::ExceptionServiceServer::new(Exceptions(node.clone())))
        .add_service(
            v1::order_service_server::OrderServiceServer::new(Orders(node.clone()))
                .max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(v1::verification_service_server::VerificationServiceServer::new(Verifications(
            node.clone(),
        )))
        .add_service(
            v1::payment_code_service_server::PaymentCodeServiceServer::new(PaymentCodes(node.clone()))
                .max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(v1::audit_service_server::AuditServiceServer::new(Audit(node)))
        .serve_with_incoming_shutdown(connections, stop);
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        ended = &mut serving => Ok(ended?),
        _ = stopping.wait_for(|stopping| *stopping) => {
            // Whoever holds a call open for longer loses the connection; what was submitted stands.
            Ok(tokio::time::timeout(limits.drain, serving).await.unwrap_or(Ok(()))?)
        }
    }
}

/// Takes over what changes in the files of identity.
async fn watch_files(identities: Arc<Identities>) {
    let mut interval = tokio::time::interval(IDENTITY_INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let identities = Arc::clone(&identities);
        // A panic in there is told by its own message; the next look is another one.
        let _ = tokio::task::spawn_blocking(move || identities.reload()).await;
    }
}

/// Keeps `grpc.health.v1` true to what the engine says.
async fn report_health(health: HealthReporter, handle: Handle) {
    let mut interval = tokio::time::interval(Duration::from_millis(100));
    let mut reported = None;
    loop {
        interval.tick().await;
        let ready = handle.status().not_ready.is_none();
        if reported != Some(ready) {
            let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
            for service in SERVICES {
                health.set_service_status(service, status).await;
            }
            reported = Some(ready);
        }
    }
}

/// Known to health only where the node runs beside another system.
const PARALLEL: &str = "parallel";

/// The whole node, and each of its services.
pub(crate) const SERVICES: [&str; 25] = [
    "",
    "solvo.v1.PaymentService",
    "solvo.v1.AccountService",
    "solvo.v1.ParticipantService",
    "solvo.v1.LiquidityService",
    "solvo.v1.CustomerService",
    "solvo.v1.Iso20022Service",
    "solvo.v1.EventService",
    "solvo.v1.HistoryService",
    "solvo.v1.StatementService",
    "solvo.v1.ReportService",
    "solvo.v1.AuditService",
    "solvo.v1.NodeService",
    "solvo.v1.ReceiptService",
    "solvo.v1.CalendarService",
    "solvo.v1.RecallService",
    "solvo.v1.VerificationService",
    "solvo.v1.PaymentCodeService",
    "solvo.v1.RequestService",
    "solvo.v1.HoldService",
    "solvo.v1.RecordService",
    "solvo.v1.ActivationService",
    "solvo.v1.PostingService",
    "solvo.v1.ExceptionService",
    "solvo.v1.OrderService",
];
