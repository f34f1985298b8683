//! Generates the server of `PaymentService` once more, with a codec that leaves messages as they are.
//!
//! All other services, and all clients, use the generated messages. Payments are read straight into the log's
//! records, and outcomes written straight from the ledger's, because at hundreds of thousands a second the
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
    Builder::new().build_client(false).compile(&[service]);
}
