//! The yardstick: the payment service with the contract's messages, which settles everything at once and keeps
//! nothing. What a node costs is what it costs more than this.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use client::limits::MESSAGE_BYTES_MAX;
use client::v1;
use client::v1::payment_service_server::{PaymentService, PaymentServiceServer};
use server::{ServerLimits, serve_on_cores};
use tokio_stream::{Stream, StreamExt};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};
use types::{Incarnation, PaymentId, Sequence, Shard, Timestamp};

use super::serving::serve;

/// Serves until whoever started this process lets it end, on as many threads as a node.
pub(crate) fn run() -> anyhow::Result<()> {
    let empty = Empty { sequence: Arc::new(AtomicU64::new(1)) };
    let limits = ServerLimits::default();
    let serve_connections = move |connections| {
        let service = PaymentServiceServer::new(empty.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX);
        let mut server = Server::builder().max_concurrent_streams(limits.streams_per_connection);
        let serving = server.add_service(service).serve_with_incoming(connections);
        async { anyhow::Ok(serving.await?) }
    };
    serve(|listener, stop| async move {
        let stopped = async { drop(stop.await) };
        serve_on_cores(listener, &limits, stopped, serve_connections).await
    })
}

/// Answers without a ledger and without a log.
#[derive(Clone, Debug)]
struct Empty {
    /// Gives outcomes a position, so that they are as long as a node's.
    sequence: Arc<AtomicU64>,
}

impl Empty {
    /// The first of so many positions.
    fn positions(&self, count: usize) -> u64 {
        self.sequence.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed)
    }

    fn answer(&self, message: v1::SubmitPaymentsRequest) -> v1::SubmitPaymentsResponse {
        let (time, first) = (now(), self.positions(message.payments.len()));
        let results = message.payments.into_iter().zip(first..).map(|(submission, sequence)| {
            let outcome = submission.payment.map(|payment| settled(payment, time, sequence));
            let result = outcome.map(v1::payment_result::Result::Outcome);
            v1::PaymentResult { caller_id: submission.caller_id, result }
        });
        v1::SubmitPaymentsResponse { results: results.collect() }
    }
}

/// The time, for fields that have one.
fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let nanoseconds = i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX);
    Timestamp::from_nanoseconds(nanoseconds).unwrap_or_default()
}

/// Every field that a node fills, as long as it would be.
fn settled(payment: v1::Payment, time: Timestamp, sequence: u64) -> v1::PaymentOutcome {
    let id = PaymentId {
        incarnation: Incarnation(0x1234_5678_9abc_def0),
        shard: Shard(0),
        sequence: Sequence(sequence),
    };
    let time = client::convert::timestamp(time);
    v1::PaymentOutcome {
        payment_id: id.to_string(),
        status: v1::PaymentStatus::Settled.into(),
        reason_code: String::new(),
        transaction_id: payment.transaction_id,
        debtor_agent: payment.debtor_agent,
        acceptance_time: Some(time),
        decided_time: Some(time),
        sequence,
        decided_sequence: sequence,
        durability: v1::Durability::Local.into(),
        repeat: false,
        reason_text: String::new(),
        late: false,
    }
}

#[tonic::async_trait]
impl PaymentService for Empty {
    type SubmitPaymentsStream =
        Pin<Box<dyn Stream<Item = Result<v1::SubmitPaymentsResponse, Status>> + Send>>;

    async fn submit_payment(
        &self,
        request: Request<v1::SubmitPaymentRequest>,
    ) -> Result<Response<v1::SubmitPaymentResponse>, Status> {
        let payment = request.into_inner().payment.ok_or_else(|| Status::invalid_argument("no payment"))?;
        let outcome = Some(settled(payment, now(), self.positions(1)));
        Ok(Response::new(v1::SubmitPaymentResponse { outcome }))
    }

    async fn submit_payments(
        &self,
        request: Request<Streaming<v1::SubmitPaymentsRequest>>,
    ) -> Result<Response<Self::SubmitPaymentsStream>, Status> {
        let empty = self.clone();
        let answers = request.into_inner().map(move |message| message.map(|message| empty.answer(message)));
        Ok(Response::new(Box::pin(answers)))
    }

    async fn get_payment(
        &self,
        _: Request<v1::GetPaymentRequest>,
    ) -> Result<Response<v1::GetPaymentResponse>, Status> {
        Err(Status::unimplemented("the yardstick remembers nothing"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_payment_of_a_message_is_answered() {
        let empty = Empty { sequence: Arc::new(AtomicU64::new(7)) };
        let submission = |caller_id| v1::PaymentSubmission {
            caller_id,
            payment: Some(v1::Payment { transaction_id: format!("T{caller_id}"), ..Default::default() }),
        };
        let message = v1::SubmitPaymentsRequest { payments: vec![submission(3), submission(1)] };
        let answer = empty.answer(message);
        let told: Vec<_> = answer.results.iter().map(|result| result.caller_id).collect();
        assert_eq!(told, [3, 1]);
        let Some(v1::payment_result::Result::Outcome(outcome)) = &answer.results[1].result else {
            panic!("an outcome")
        };
        assert_eq!((outcome.transaction_id.as_str(), outcome.sequence), ("T1", 8));
        assert_eq!(outcome.status(), v1::PaymentStatus::Settled);
        assert_eq!(outcome.payment_id.len(), PaymentId::LENGTH);
    }
}
