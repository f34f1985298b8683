//! Generates the servers of `PaymentService` and `ParticipantService` once more, with a codec that leaves messages as
//! they are for those methods that carry payments.
//!
//! All other services, and all clients, use the generated messages. Payments are read straight into the log's
//! records, outcomes and questions written straight from the ledger's, because at hundreds of thousands a second the
//! messages in between would cost more than everything else.

use tonic_build::manual::{Builder, Method, MethodBuilder, Service};

fn main() {
    let method = |name: &str, route: &str| -> MethodBuilder {
        Method::builder().name(name).route_name(route).codec_path("crate::wire::Codec")
    };
    let submit_payment = method("submit_payment", "SubmitPayment")
        .input_type("crate::wire::Encoded")
        .output_type("crate::wire::OutcomeReply");
    let submit_payments = method("submit_payments", "SubmitPayments")
        .input_type("crate::wire::Encoded")
        .output_type("crate::wire::BatchReply")
        .client_streaming()
        .server_streaming();
    let get_payment = Method::builder()
        .name("get_payment")
        .route_name("GetPayment")
        .codec_path("tonic_prost::ProstCodec")
        .input_type("client::v1::GetPaymentRequest")
        .output_type("client::v1::GetPaymentResponse");
    let service = Service::builder()
        .name("PaymentService")
        .package("solvo.v1")
        .method(submit_payment.build())
        .method(submit_payments.build())
        .method(get_payment.build())
        .build();
    Builder::new().build_client(false).compile(&[service, participant_service()]);
}

fn participant_service() -> Service {
    let unary = [
        ("register_participant", "RegisterParticipant"),
        ("get_participant", "GetParticipant"),
        ("set_participant_status", "SetParticipantStatus"),
        ("set_decision_policy", "SetDecisionPolicy"),
        ("set_reservation_limit", "SetReservationLimit"),
    ];
    let unary = unary.map(|(name, route)| {
        Method::builder()
            .name(name)
            .route_name(route)
            .codec_path("tonic_prost::ProstCodec")
            .input_type(format!("client::v1::{route}Request"))
            .output_type(format!("client::v1::{route}Response"))
            .build()
    });
    let connect = Method::builder()
        .name("connect")
        .route_name("Connect")
        .codec_path("crate::wire::Codec")
        .input_type("crate::wire::Encoded")
        .output_type("crate::wire::ConnectReply")
        .client_streaming()
        .server_streaming()
        .build();
    let service = Service::builder().name("ParticipantService").package("solvo.v1");
    let service = unary.into_iter().fold(service, |service, method| service.method(method));
    service.method(connect).build()
}
