//! `PaymentService`: payments in, outcomes out.

use client::convert::{FieldReader, Path};
use client::plain::plain_request;
use client::{Refusal, v1};
use engine::{Answer, Answered, Question};
use ledger::{Outcome, Payment, PaymentAnswer, QuestionState, Stage, Told};
use prost::Message;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use types::{Bic, Channel, Located, PaymentId, PaymentState, Sequence};

use crate::activation::check_taken;
use crate::admission::{Admission, Order, undecodable};
use crate::batch::serve_stream;
use crate::caller::Caller;
use crate::history;
use crate::log;
use crate::mailbox::Progress;
use crate::node::{Awaited, Node, Patience};
use crate::quota::Places;
use crate::refusals::{bank_not_yours, invalid, not_yet, payment_missing, unanswered};
use crate::replies::Replies;
use crate::values::{PaymentFacts, PaymentReferences, payment_outcome};
use crate::wire::service::payment_service_server::PaymentService;
use crate::wire::{BatchReply, Encoded, OutcomeReply, PaymentReference};

#[derive(Debug)]
pub(crate) struct Payments(pub(crate) Node);

#[tonic::async_trait]
impl PaymentService for Payments {
    async fn submit_payment(&self, request: Request<Encoded>) -> Result<Response<OutcomeReply>, Status> {
        let caller = Caller::of(&request)?;
        let Encoded(message) = request.into_inner();
        let long_way;
        let (order, wait_ms) = match plain_request(&message) {
            Some(payment) => (Order::read(payment)?, None),
            None => {
                let request = v1::SubmitPaymentRequest::decode(message).map_err(undecodable)?;
                let Some(payment) = request.payment else { return Err(payment_missing().into_status()) };
                long_way = payment.encode_to_vec();
                (Order::read(&long_way)?, request.wait_ms)
            }
        };
        let order = order.map_err(Refusal::into_status)?;
        // Only what is needed for the answer lives on while it is waited for.
        let submitted = self.0.submit_order(&caller, order, Channel::Grpc, Patience::of(wait_ms))?;
        Ok(Response::new(self.0.outcome_of(submitted).await?))
    }

    type SubmitPaymentsStream = ReceiverStream<Result<BatchReply, Status>>;

    async fn submit_payments(
        &self,
        request: Request<Streaming<Encoded>>,
    ) -> Result<Response<Self::SubmitPaymentsStream>, Status> {
        let caller = Caller::of(&request)?;
        let (replies, stream) = Replies::new(&self.0.limits);
        tokio::spawn(serve_stream(self.0.clone(), caller, request.into_inner(), replies));
        Ok(Response::new(stream))
    }

    async fn get_payment(
        &self,
        request: Request<v1::GetPaymentRequest>,
    ) -> Result<Response<v1::GetPaymentResponse>, Status> {
        let caller = Caller::of(&request)?;
        let question = read_question(&self.0, request.get_ref())?;
        let patience = Patience::of(Some(request.get_ref().wait_ms.unwrap_or(0)));
        let mut answered = self.0.ask(question.clone()).await?;
        if let Some(outcome) = history::older(&self.0, &caller, &question, &mut answered).await? {
            let result = Some(v1::get_payment_response::Result::Outcome(outcome));
            return Ok(Response::new(v1::GetPaymentResponse { result }));
        }
        // Before it is waited for: nobody waits for an answer that he may not know.
        let side = self.0.side_of(&caller, request.get_ref(), &answered).await?;
        let answered = self.0.at_the_end(&caller, answered, patience).await?;
        let mut result = self.0.payment_answer(&answered, side)?;
        tell_if_lost(&self.0, request.get_ref(), &mut result);
        Ok(Response::new(v1::GetPaymentResponse { result: Some(result) }))
    }
}

/// An order that has been submitted. Dropping it tells nobody; what was submitted stands.
pub(crate) struct Submitted {
    reference: PaymentReference,
    progress: Awaited<Progress>,
    patience: Patience,
}

impl Node {
    /// Submits one order.
    pub(crate) fn submit_order(
        &self,
        caller: &Caller,
        order: Order<'_>,
        channel: Channel,
        patience: Patience,
    ) -> Result<Submitted, Status> {
        let reference = order.reference();
        let mut places = Places::default();
        let mut commands = self.handle.commands(caller.principal);
        commands.reserve_payments(1);
        let mut admission = Admission::new(self, caller);
        let mut candidate = admission.prepare(order);
        admission.admit(&mut candidate, &mut places).map_err(Refusal::into_status)?;
        candidate.write(&mut commands, self.handle.now(), channel);
        let progress = self.submit_payment(commands, places, patience.to_the_end())?;
        Ok(Submitted { reference, progress, patience })
    }

    /// Waits for what came of an order, as long as the caller asks. It may not be final when that time is over.
    pub(crate) async fn outcome_of(&self, submitted: Submitted) -> Result<OutcomeReply, Status> {
        let Submitted { reference, progress, patience } = submitted;
        let outcome = self.in_the_end(progress, patience).await?;
        Ok(OutcomeReply { handle: self.handle.clone(), reference, outcome })
    }

    /// The same of any payment that has been submitted.
    pub(crate) async fn in_the_end(
        &self,
        progress: Awaited<Progress>,
        patience: Patience,
    ) -> Result<Outcome, Status> {
        let progress = patience.wait(progress).await.ok_or_else(not_yet)??;
        let Progress { outcome: so_far, last } = progress;
        check_taken(&so_far).map_err(Refusal::into_status)?;
        let Some(last) = last else { return Ok(so_far) };
        tokio::select! {
            last = patience.wait(last) => match last {
                Some(last) => last.map_err(|_| unanswered()),
                None => Ok(so_far),
            },
            // The bank may take longer than a node that stops has.
            () = self.stops() => Err(unanswered()),
        }
    }

    /// On which side of a payment the caller asks about it. Whoever asks about the payment of others learns nothing, not
    /// even whether there is one.
    async fn side_of(
        &self,
        caller: &Caller,
        asked: &v1::GetPaymentRequest,
        answered: &Answered,
    ) -> Result<Stage, Status> {
        use v1::get_payment_request::Reference;
        let is_own = match &asked.reference {
            Some(Reference::Key(key)) => Bic::parse(&key.debtor_agent).is_ok_and(|bank| caller.may_see(bank)),
            Some(Reference::PaymentId(_)) | None => caller.sees_everything(),
        };
        if is_own {
            return Ok(Stage::Debit);
        }
        let Answer::Payment(PaymentAnswer::Found(payment)) = &answered.answer else {
            return Err(bank_not_yours().into_status());
        };
        if caller.may_see(payment.debtor_agent()) {
            return Ok(Stage::Debit);
        }
        // Only the log knows the payee's bank of every payment.
        let position = payment.sequence();
        let order = log::orders(self, vec![position]).await?.remove(&position);
        match order.and_then(|order| order.creditor_agent()) {
            Some(bank) if caller.may_act_for(bank) => Ok(Stage::Credit),
            _ => Err(bank_not_yours().into_status()),
        }
    }

    /// What became of a payment about which something is known: once it is final, or when the asker's time is over.
    pub(crate) async fn at_the_end(
        &self,
        caller: &Caller,
        answered: Answered,
        patience: Patience,
    ) -> Result<Answered, Status> {
        let Answer::Payment(PaymentAnswer::Found(payment)) = &answered.answer else { return Ok(answered) };
        if payment.state() != PaymentState::Reserved || !patience.to_the_end() {
            return Ok(answered);
        }
        let open = payment.sequence();
        tokio::select! {
            last = patience.wait(self.ask_at_the_end(caller, open)) => {
                last.unwrap_or(Ok(answered))
            }
            () = self.stops() => Ok(answered),
        }
    }

    /// The point of the restore that has cut off the payment with this id, or may have.
    fn lost_payment(&self, id: PaymentId) -> Option<Sequence> {
        match self.handle.locate(id) {
            Located::At(_) => None,
            Located::Lost { restored_upto } => Some(restored_upto),
            // A life that a restore has cut off as a whole is unknown to the log.
            Located::Elsewhere => self.restores.may_have_lost(None),
        }
    }

    /// What became of a payment, from the engine's memory, as one side of it is told.
    pub(crate) fn payment_answer(
        &self,
        answered: &Answered,
        side: Stage,
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
                restored_upto_sequence: None,
            })
        };
        Ok(match answer {
            PaymentAnswer::Found(payment) => {
                let Some(Told { state, reason }) = told_to(payment, side) else {
                    return Err(bank_not_yours().into_status());
                };
                let facts = PaymentFacts { state, reason, ..PaymentFacts::of(payment) };
                Wire::Outcome(payment_outcome(&self.handle, PaymentReferences::of(payment), &facts))
            }
            PaymentAnswer::NotFound { is_final } => not_found(*is_final, false),
            PaymentAnswer::Forgotten => not_found(false, true),
        })
    }
}

/// What a side of a payment may be told of it. The payee's bank knows that a payment waits if it was asked about it.
fn told_to(payment: &Payment, side: Stage) -> Option<Told> {
    let is_waiting =
        payment.state() == PaymentState::Reserved && payment.question(side) != QuestionState::NotAsked;
    let waiting = is_waiting.then_some(Told { state: PaymentState::Reserved, reason: None });
    payment.told_to(side).or(waiting)
}

/// A payment that a restore from a backup has cut off was once in the log: that it is not found says nothing about what
/// it came to then, and others may have been told of that.
fn tell_if_lost(node: &Node, asked: &v1::GetPaymentRequest, result: &mut v1::get_payment_response::Result) {
    use v1::get_payment_request::Reference;
    use v1::get_payment_response::Result as Wire;
    let Wire::NotFound(not_found) = result else { return };
    let restored_upto = match &asked.reference {
        Some(Reference::PaymentId(text)) => PaymentId::parse(text).ok().and_then(|id| node.lost_payment(id)),
        Some(Reference::Key(key)) => {
            let accepted = key.acceptance_time.as_ref().and_then(client::convert::timestamp_from_wire);
            node.restores.may_have_lost(accepted)
        }
        None => None,
    };
    if let Some(restored_upto) = restored_upto {
        not_found.r#final = false;
        not_found.restored_upto_sequence = Some(restored_upto.0);
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
            Ok(id) => Some(Question::PaymentAt(match node.handle.locate(id) {
                Located::At(sequence) => sequence,
                // An id of another log, or of what a restore has cut off, names no payment of this one.
                Located::Lost { .. } | Located::Elsewhere => Sequence(0),
            })),
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
