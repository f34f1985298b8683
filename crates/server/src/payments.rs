//! `PaymentService`: payments in, outcomes out.

use client::convert::{FieldReader, Path, order_from_payment};
use client::limits::BATCH_ITEMS_MAX;
use client::v1::payment_service_server::PaymentService;
use client::{Refusal, v1};
use engine::{Answer, Answered, Question};
use ledger::{AccountMode, Outcome, Payment, PaymentAnswer, RecordWriter, Verdict};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use types::{AccountNumber, Channel, PaymentId, PaymentOrder, Sequence, Timestamp};

use crate::caller::Caller;
use crate::node::{Node, within};
use crate::quota::Place;
use crate::refusals::{invalid, not_taken, quota_exceeded, remote_payee};
use crate::replies::Replies;
use crate::values::{PaymentFacts, PaymentReferences, payment_outcome};

#[derive(Debug)]
pub(crate) struct Payments(pub(crate) Node);

#[tonic::async_trait]
impl PaymentService for Payments {
    async fn submit_payment(
        &self,
        request: Request<v1::SubmitPaymentRequest>,
    ) -> Result<Response<v1::SubmitPaymentResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire = request.into_inner();
        let order = read_payment(wire.payment.as_ref()).map_err(Refusal::into_status)?;
        let outcome = within(wire.wait_ms, self.0.submit_order(caller, &order, Channel::Grpc)).await?;
        Ok(Response::new(v1::SubmitPaymentResponse { outcome: Some(outcome) }))
    }

    type SubmitPaymentsStream = ReceiverStream<Result<v1::SubmitPaymentsResponse, Status>>;

    async fn submit_payments(
        &self,
        request: Request<Streaming<v1::SubmitPaymentsRequest>>,
    ) -> Result<Response<Self::SubmitPaymentsStream>, Status> {
        let caller = Caller::of(&request)?;
        let (replies, stream) = Replies::new(&self.0.limits);
        let mut node = self.0.clone();
        tokio::spawn(async move {
            let mut payments = request.into_inner();
            loop {
                let message = match node.next(&mut payments).await {
                    Ok(Some(message)) => message,
                    // The caller has ended its side. Replies under way hold their own room.
                    Ok(None) => return,
                    // The message can't be read, the caller has gone, or the node stops.
                    Err(status) => return replies.end(status),
                };
                if let Err(status) = submit_batch(&node, caller, &replies, message).await {
                    return replies.end(status);
                }
            }
        });
        Ok(Response::new(stream))
    }

    async fn get_payment(
        &self,
        request: Request<v1::GetPaymentRequest>,
    ) -> Result<Response<v1::GetPaymentResponse>, Status> {
        Caller::of(&request)?;
        let question = read_question(&self.0, request.get_ref())?;
        let answered = self.0.ask(question).await?;
        Ok(Response::new(v1::GetPaymentResponse { result: Some(self.0.payment_answer(&answered)?) }))
    }
}

impl Node {
    /// Submits one order and waits for its outcome.
    pub(crate) async fn submit_order(
        &self,
        caller: Caller,
        order: &PaymentOrder,
        channel: Channel,
    ) -> Result<v1::PaymentOutcome, Status> {
        let place = self.admit(order).map_err(Refusal::into_status)?;
        let received = self.handle.now();
        let mut commands = self.handle.commands(caller.principal);
        self.write_payment(&mut commands, order, received, channel);
        let outcome = self.submit(commands, place).await?;
        Ok(payment_outcome(&self.handle, references(order), &facts(&outcome)))
    }

    /// Writes an order with hints at its accounts. `received` counts if the order names no acceptance time.
    fn write_payment(
        &self,
        commands: &mut RecordWriter,
        order: &PaymentOrder,
        received: Timestamp,
        channel: Channel,
    ) {
        let directory = self.handle.directory();
        commands.payment(order, received, channel, |digest, currency| directory.account(digest, currency));
    }

    /// What can be said against an order before it is submitted; otherwise its place among its bank's payments.
    pub(crate) fn admit(&self, order: &PaymentOrder) -> Result<Place, Refusal> {
        let directory = self.handle.directory();
        let lives_here = |iban: &types::Iban| {
            let digest = self.handle.digest_key().iban(iban.as_str());
            directory.account(digest, order.currency) != AccountNumber(0)
        };
        let is_remote = |mode, iban| match mode {
            AccountMode::Hosted => false,
            AccountMode::Remote => true,
            AccountMode::Mixed => !lives_here(iban),
        };
        let creditor = directory.participant(order.creditor_agent);
        if creditor.is_some_and(|bank| is_remote(bank.mode, &order.creditor_account)) {
            return Err(remote_payee());
        }
        let Some(debtor) = directory.participant(order.debtor_agent) else {
            return self.quota.take_unknown().ok_or_else(quota_exceeded);
        };
        if order.acceptance_time.is_none() && is_remote(debtor.mode, &order.debtor_account) {
            return Err(Refusal::invalid(vec![v1::FieldViolation {
                field: "payment.acceptance_time".to_owned(),
                description: "a bank that keeps the payer's account itself says when the clock started"
                    .to_owned(),
            }]));
        }
        self.quota.take(order.debtor_agent).ok_or_else(quota_exceeded)
    }

    /// What became of a payment, from the engine's memory.
    pub(crate) fn payment_answer(
        &self,
        answered: &Answered,
    ) -> Result<v1::get_payment_response::Result, Status> {
        use v1::get_payment_response::Result as Wire;
        let Answer::Payment(answer) = &answered.answer else {
            return Err(Status::internal("the engine answered another question"));
        };
        let not_found = |is_final, forgotten| {
            Wire::NotFound(v1::PaymentNotFound {
                r#final: is_final,
                as_of_sequence: answered.as_of.sequence.0,
                as_of_time: Some(client::convert::timestamp(answered.as_of.time)),
                forgotten,
            })
        };
        Ok(match answer {
            PaymentAnswer::Found(payment) => Wire::Outcome(self.known_outcome(payment)),
            PaymentAnswer::NotFound { is_final } => not_found(*is_final, false),
            PaymentAnswer::Forgotten => not_found(false, true),
        })
    }

    fn known_outcome(&self, payment: &Payment) -> v1::PaymentOutcome {
        let references = PaymentReferences {
            transaction_id: payment.transaction_id().to_owned(),
            debtor_agent: payment.debtor_agent().to_string(),
        };
        // A payment that was refused on reading may have no acceptance time.
        let acceptance_time = payment.acceptance_time();
        let facts = PaymentFacts {
            sequence: payment.sequence(),
            decided_at: payment.decided_at(),
            decided_time: payment.decided_time(),
            acceptance_time: (acceptance_time != Timestamp::default()).then_some(acceptance_time),
            state: payment.state(),
            reason: payment.reason(),
            repeat: false,
            late: payment.is_late(),
        };
        payment_outcome(&self.handle, references, &facts)
    }
}

/// What is told of a payment's outcome. The acceptance time is that of the attempt that was decided: where Solvo
/// stamped that one, its stamp counts for repeats as well.
pub(crate) fn facts(outcome: &Outcome) -> PaymentFacts {
    let (state, reason) = match outcome.verdict {
        Verdict::Payment { state, reason, .. } => (state, reason),
        Verdict::Done { .. } | Verdict::Refused { .. } | Verdict::Answer { .. } => {
            unreachable!("a payment has a payment's verdict")
        }
    };
    PaymentFacts {
        sequence: outcome.repeat_of().unwrap_or(outcome.sequence),
        decided_at: outcome.decided_at,
        decided_time: outcome.decided_time,
        // A payment that was refused on reading may have no acceptance time.
        acceptance_time: (outcome.accepted != Timestamp::default()).then_some(outcome.accepted),
        state,
        reason,
        repeat: outcome.repeat_of().is_some(),
        late: outcome.late,
    }
}

fn references(order: &PaymentOrder) -> PaymentReferences {
    PaymentReferences {
        transaction_id: order.transaction_id.as_str().to_owned(),
        debtor_agent: order.debtor_agent.to_string(),
    }
}

fn read_payment(payment: Option<&v1::Payment>) -> Result<PaymentOrder, Refusal> {
    let mut reader = FieldReader::new();
    match reader.message(&Path::root("payment"), payment) {
        Some(payment) => order_from_payment(payment).map_err(Refusal::invalid),
        None => reader.finish(None).map_err(Refusal::invalid),
    }
}

fn read_question(node: &Node, wire: &v1::GetPaymentRequest) -> Result<Question, Status> {
    use v1::get_payment_request::Reference;
    let mut reader = FieldReader::new();
    let question = match &wire.reference {
        None => {
            reader.missing(&Path::root("reference"));
            None
        }
        Some(Reference::PaymentId(text)) => match PaymentId::parse(text) {
            Ok(id) if node.handle.payment_id(id.sequence) == id => Some(Question::PaymentAt(id.sequence)),
            // An id of another life of the log names no payment of this one.
            Ok(_) => Some(Question::PaymentAt(Sequence(0))),
            Err(error) => {
                reader.violation(&Path::root("payment_id"), error);
                None
            }
        },
        Some(Reference::Key(key)) => {
            let path = Path::root("key");
            let debtor_agent = reader.bic(&path.field("debtor_agent"), &key.debtor_agent);
            let transaction_id = reader.identifier(&path.field("transaction_id"), &key.transaction_id);
            let acceptance_time =
                reader.optional_timestamp(&path.field("acceptance_time"), key.acceptance_time.as_ref());
            (|| {
                let (debtor_agent, transaction_id) = (debtor_agent?, transaction_id?);
                Some(Question::PaymentByKey { debtor_agent, transaction_id, acceptance_time })
            })()
        }
    };
    reader.finish(question).map_err(invalid)
}

/// Who waits for one payment of a stream.
struct Waiting {
    caller_id: u64,
    references: PaymentReferences,
    _place: Place,
}

/// Submits the payments of one message. What is not taken is answered at once, the others when they are durable.
async fn submit_batch(
    node: &Node,
    caller: Caller,
    replies: &Replies<v1::SubmitPaymentsResponse>,
    message: v1::SubmitPaymentsRequest,
) -> Result<(), Status> {
    if message.payments.is_empty() || message.payments.len() > BATCH_ITEMS_MAX {
        let description = format!("a message has 1 to {BATCH_ITEMS_MAX} payments");
        return Err(invalid(vec![v1::FieldViolation { field: "payments".to_owned(), description }]));
    }
    let received = node.handle.now();
    let mut results = Vec::new();
    let mut parts = Vec::new();
    for submission in message.payments {
        let caller_id = submission.caller_id;
        let admitted = read_payment(submission.payment.as_ref())
            .and_then(|order| node.admit(&order).map(|place| (order, place)));
        match admitted {
            Ok((order, place)) => {
                let waiting = Waiting { caller_id, references: references(&order), _place: place };
                node.append(&mut parts, caller, waiting, |commands| {
                    node.write_payment(commands, &order, received, Channel::Grpc);
                });
            }
            Err(refusal) => results.push(payment_not_taken(caller_id, refusal)),
        }
    }
    for (commands, waiting) in parts {
        let room = replies.room().await?;
        let ids: Vec<u64> = waiting.iter().map(|waiting: &Waiting| waiting.caller_id).collect();
        let handle = node.handle.clone();
        let sink = move |outcomes: &[Outcome]| {
            let results = waiting.into_iter().zip(outcomes);
            let results = results.map(|(waiting, outcome)| payment_result(&handle, waiting, outcome));
            room.send(Ok(v1::SubmitPaymentsResponse { results: results.collect() }));
        };
        if let Err(reason) = node.handle.submit(commands, Box::new(sink)) {
            results.extend(ids.into_iter().map(|id| payment_not_taken(id, not_taken(reason))));
        }
    }
    if !results.is_empty() {
        replies.room().await?.send(Ok(v1::SubmitPaymentsResponse { results }));
    }
    Ok(())
}

fn payment_result(handle: &engine::Handle, waiting: Waiting, outcome: &Outcome) -> v1::PaymentResult {
    let outcome = payment_outcome(handle, waiting.references, &facts(outcome));
    let result = Some(v1::payment_result::Result::Outcome(outcome));
    v1::PaymentResult { caller_id: waiting.caller_id, result }
}

fn payment_not_taken(caller_id: u64, refusal: Refusal) -> v1::PaymentResult {
    let result = Some(v1::payment_result::Result::NotTaken(refusal.into_not_taken()));
    v1::PaymentResult { caller_id, result }
}
