//! The listener and the folder: health, reflection, who may listen where, and one node on one folder.

use std::time::Duration;

use client::v1;
use server::{ServeError, ServerLimits};
use tests::{Node, World, payment, settled, until};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

const SERVICES: [&str; 7] = [
    "solvo.v1.AccountService",
    "solvo.v1.AuditService",
    "solvo.v1.Iso20022Service",
    "solvo.v1.LiquidityService",
    "solvo.v1.NodeService",
    "solvo.v1.ParticipantService",
    "solvo.v1.PaymentService",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_node_and_each_service_report_that_they_serve() {
    let node = Node::start().await;
    let health = HealthClient::new(node.api().await.channel());
    for service in SERVICES.iter().chain(&[""]) {
        until(&format!("{service:?} serves"), async || {
            let request = HealthCheckRequest { service: (*service).to_owned() };
            match health.clone().check(request).await {
                Ok(reply) => (reply.into_inner().status() == ServingStatus::Serving).then_some(()),
                // Until the node has reported for the first time, its services are not known.
                Err(status) => {
                    assert_eq!(status.code(), Code::NotFound);
                    None
                }
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_says_where_the_time_of_its_payments_goes() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let status = async || api.node().get_node_status(v1::GetNodeStatusRequest {}).await.unwrap().into_inner();
    let before = status().await;
    assert!(before.ready, "{before:?}");
    for number in 0..5 {
        settled(api.submit(&payment(&format!("TX-{number}"), "0.01")).await.unwrap());
    }
    let after = status().await;
    assert_eq!((after.not_ready_description.as_str(), after.late_confirmation_count), ("", 0));
    let stages: Vec<_> = after.stages.iter().map(v1::StageTimes::stage).collect();
    assert_eq!(stages, [v1::Stage::SealWait, v1::Stage::Flush, v1::Stage::WakeUp, v1::Stage::Apply]);
    for (before, after) in before.stages.iter().zip(&after.stages) {
        assert!(after.count >= before.count + 5, "{:?}: one by one each payment is a frame", after.stage());
        let times = [
            after.median_nanoseconds,
            after.percentile_99_nanoseconds,
            after.percentile_999_nanoseconds,
            after.maximum_nanoseconds,
        ];
        assert!(times.is_sorted() && times[3] > 0, "{after:?}");
    }
}

/// Waits until the node closes a connection that says nothing.
async fn closed_without_a_word(node: &Node) {
    let mut silent = TcpStream::connect(node.address()).await.unwrap();
    let mut bytes = Vec::new();
    // A node that speaks first, or never closes, fails here or runs into the test's own time-out.
    let read = silent.read_to_end(&mut bytes).await;
    assert!(read.is_err() || bytes.len() < 256, "nothing but the greeting of HTTP/2: {bytes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_limit_are_closed_and_places_come_back() {
    let node = Node::with_limits(ServerLimits { connections: 1, ..ServerLimits::default() }).await;
    let first = node.api().await;
    assert!(first.node().get_node_status(v1::GetNodeStatusRequest {}).await.is_ok());
    closed_without_a_word(&node).await;
    assert!(first.node().get_node_status(v1::GetNodeStatusRequest {}).await.is_ok(), "the first stays");
    drop(first);
    until("the place is free again", async || {
        let mut client = node.api().await.node();
        client.get_node_status(v1::GetNodeStatusRequest {}).await.ok().map(|_| ())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_says_nothing_is_closed() {
    let limits = ServerLimits { first_word: Duration::from_millis(50), ..ServerLimits::default() };
    let node = Node::with_limits(limits).await;
    closed_without_a_word(&node).await;
    assert!(node.api().await.node().get_node_status(v1::GetNodeStatusRequest {}).await.is_ok());
}

async fn reflect(node: &Node, request: MessageRequest) -> MessageResponse {
    let mut reflection = ServerReflectionClient::new(node.api().await.channel());
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(request) };
    let replies = reflection.server_reflection_info(tokio_stream::iter([request])).await.unwrap();
    replies.into_inner().message().await.unwrap().unwrap().message_response.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_tells_the_services_and_their_files() {
    let node = Node::start().await;
    let MessageResponse::ListServicesResponse(services) =
        reflect(&node, MessageRequest::ListServices(String::new())).await
    else {
        panic!("services were asked for");
    };
    let mut names: Vec<_> = services.service.into_iter().map(|service| service.name).collect();
    names.sort();
    for service in SERVICES.iter().chain(&["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"]) {
        assert!(names.iter().any(|name| name == service), "{service} is in {names:?}");
    }
    for service in SERVICES {
        let file = reflect(&node, MessageRequest::FileContainingSymbol(service.to_owned())).await;
        let MessageResponse::FileDescriptorResponse(file) = file else { panic!("{service}: {file:?}") };
        assert!(!file.file_descriptor_proto.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_other_than_loopback_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Node::start_engine(folder.path()).await.unwrap();
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let never = std::future::pending();
    let refused = server::serve(listener, engine.handle(), ServerLimits::default(), never).await.unwrap_err();
    assert!(matches!(refused, ServeError::NotLoopback(refused) if refused == address));
    let sentence = refused.to_string();
    assert!(sentence.contains("loopback") && sentence.contains("without TLS"), "{sentence}");
    tokio::task::spawn_blocking(move || engine.stop()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_node_on_the_same_folder_is_refused_and_the_first_goes_on() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let refused = Node::start_engine(node.folder()).await.unwrap_err().to_string();
    assert!(refused.contains("another") || refused.contains("use"), "{refused}");
    tests::settled(api.submit(&tests::payment("TX-1", "1.00")).await.unwrap());
    let node = node.restart().await;
    assert_eq!(node.api().await.settled_count().await, 1);
}

/// A caller that holds its stream open and says nothing delays a stopping node by no more than the limit.
#[tokio::test(flavor = "multi_thread")]
async fn an_idle_stream_does_not_keep_a_node_from_stopping() {
    let limits = ServerLimits { drain: Duration::from_millis(50), ..ServerLimits::default() };
    let node = Node::with_limits(limits).await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let silent = tokio_stream::pending::<v1::SubmitPaymentsRequest>();
    let replies = api.payments().submit_payments(silent).await.unwrap().into_inner();
    drop(node.stop().await);
    drop(replies);
}
