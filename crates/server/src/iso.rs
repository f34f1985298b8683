//! `Iso20022Service`: the same payments, in the messages that banks exchange.

use std::sync::Arc;

use client::limits::DOCUMENT_BYTES_MAX;
use client::v1::iso20022_service_server::Iso20022Service;
use client::{Refusal, v1};
use iso20022::{
    Pacs008, RefusedOrder, Rejection, Rules, Status as Report, StatusReport, read_pacs008, write_admi002,
    write_pacs002,
};
use ledger::{RefusedBody, RefusedPayment};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};
use types::{Channel, Date, PaymentOrder, PaymentState, ReasonCode, Text, Timestamp};

use crate::admission::{NotAdmitted, Order};
use crate::caller::Caller;
use crate::mailbox::reserved;
use crate::node::{Node, Patience, within};
use crate::refusals::{invalid, not_yet};
use crate::values::{PaymentReferences, facts, payment_outcome};

#[derive(Debug)]
pub(crate) struct Iso20022(pub(crate) Node);

#[tonic::async_trait]
impl Iso20022Service for Iso20022 {
    type ExchangeStream = ReceiverStream<Result<v1::Iso20022ServiceExchangeResponse, Status>>;

    async fn exchange(
        &self,
        _: Request<Streaming<v1::Iso20022ServiceExchangeRequest>>,
    ) -> Result<Response<Self::ExchangeStream>, Status> {
        Err(Status::unimplemented("documents are exchanged one by one: call Submit"))
    }

    async fn submit(
        &self,
        request: Request<v1::Iso20022ServiceSubmitRequest>,
    ) -> Result<Response<v1::Iso20022ServiceSubmitResponse>, Status> {
        let caller = Caller::of(&request)?;
        let v1::Iso20022ServiceSubmitRequest { document, wait_ms } = request.into_inner();
        if document.is_empty() || document.len() > DOCUMENT_BYTES_MAX {
            let description = format!("a document has 1 to {DOCUMENT_BYTES_MAX} bytes");
            return Err(invalid(vec![v1::FieldViolation { field: "document".to_owned(), description }]));
        }
        let now = self.0.handle.now();
        match read_pacs008(&document, &Rules::sct_inst_2025(settlement_dates(now))) {
            Err(fault) => Ok(admi002(&Rejection::of(&document, &fault, now))),
            Ok(Pacs008::Order(order)) => {
                or_rejection(self.submit_order(caller, Arc::from(order), wait_ms).await, &document, now)
            }
            Ok(Pacs008::Refused(refused)) => {
                or_rejection(within(wait_ms, self.submit_refused(caller, *refused)).await, &document, now)
            }
        }
    }
}

impl Iso20022 {
    async fn submit_order(&self, caller: Caller, order: Arc<PaymentOrder>, wait_ms: Option<u32>) -> Answer {
        let submitted = Order::Full(Arc::clone(&order));
        let submitted = self.0.submit_order(&caller, submitted, Channel::Iso20022, Patience::of(wait_ms))?;
        let reply = self.0.outcome_of(submitted).await?;
        if reserved(&reply.outcome).is_some() {
            return Err(not_yet());
        }
        let references = PaymentReferences {
            transaction_id: order.transaction_id.as_str().to_owned(),
            debtor_agent: order.debtor_agent.to_string(),
        };
        let outcome = payment_outcome(&self.0.handle, references, &facts(&reply.outcome));
        let status = report_status(&outcome, None);
        let report = StatusReport::on_order(&order, report_id(&outcome), self.0.handle.now(), status);
        Ok(pacs002(report, outcome))
    }

    /// A document that breaks a rule of the scheme is a payment that is refused, logged and remembered.
    async fn submit_refused(&self, caller: Caller, mut refused: RefusedOrder) -> Answer {
        if !caller.may_act_for(refused.debtor_agent) {
            return Err(NotAdmitted::NotEntitled.into_refusal().into_status());
        }
        let mut commands = self.0.handle.commands(caller.principal);
        commands.refused_payment(&RefusedPayment {
            debtor_agent: refused.debtor_agent,
            creditor_agent: refused.creditor_agent,
            transaction_id: refused.transaction_id.clone(),
            acceptance_time: refused.acceptance_time,
            reason: refused.reason.code(),
            path: refused.path.clone().into_boxed_str(),
            body: match refused.order.take() {
                Some(order) => RefusedBody::Order(order),
                None => RefusedBody::Parts(std::mem::take(&mut refused.body)),
            },
            channel: Channel::Iso20022,
        });
        let mut facts = facts(&self.0.submit(commands, ())?.await?);
        facts.acceptance_time = refused.acceptance_time;
        let references = PaymentReferences {
            transaction_id: refused.transaction_id.as_str().to_owned(),
            debtor_agent: refused.debtor_agent.to_string(),
        };
        let outcome = payment_outcome(&self.0.handle, references, &facts);
        let mut report = StatusReport::on_refusal(&refused, report_id(&outcome), self.0.handle.now(), None);
        // The log may know better than the reader: an unknown bank, a changed body, or an earlier answer.
        report.status = report_status(&outcome, Some(&refused.path));
        Ok(pacs002(report, outcome))
    }
}

fn pacs002(
    mut report: StatusReport,
    outcome: v1::PaymentOutcome,
) -> Response<v1::Iso20022ServiceSubmitResponse> {
    report.status_id = Some(report.message_id.clone());
    Response::new(v1::Iso20022ServiceSubmitResponse {
        document: write_pacs002(&report).into_bytes(),
        message_name: "pacs.002.001.10".to_owned(),
        outcome: Some(outcome),
    })
}

/// A report is named like the payment: the same question gets the same report.
fn report_id(outcome: &v1::PaymentOutcome) -> Text<35> {
    Text::parse(&outcome.payment_id).expect("a payment id has 31 characters")
}

fn report_status(outcome: &v1::PaymentOutcome, path: Option<&str>) -> Report {
    match client::convert::payment_state(outcome.status()) {
        Some(PaymentState::Settled) => Report::Accepted,
        _ => Report::Rejected {
            reason: ReasonCode::parse(&outcome.reason_code).expect("a refusal has a reason"),
            // Solvo decides as the settlement mechanism, and has no BIC of its own.
            originator: None,
            additional_information: path.and_then(|path| Text::parse(path).ok()),
        },
    }
}

type Answer = Result<Response<v1::Iso20022ServiceSubmitResponse>, Status>;

/// A document that was not taken for what it asks, or for what is under way, is answered by a document. Only a
/// node that takes nothing at all answers with a status.
fn or_rejection(answer: Answer, document: &[u8], now: Timestamp) -> Answer {
    let status = match answer {
        Err(status) => status,
        answered => return answered,
    };
    let refusal = Refusal::from_status(&status);
    let reason = refusal.reason.as_str_name().trim_start_matches("ERROR_REASON_");
    match (status.code(), refusal.field_violations.first()) {
        (Code::ResourceExhausted | Code::Unimplemented, _) => {
            Ok(admi002(&rejection(document, reason, status.message(), now)))
        }
        (Code::InvalidArgument, Some(violation)) => {
            Ok(admi002(&rejection(document, "INVALID_ARGUMENT", &violation.description, now)))
        }
        _ => Err(status),
    }
}

fn rejection(document: &[u8], reason: &str, description: &str, rejected_at: Timestamp) -> Rejection {
    Rejection {
        original_message_id: iso20022::message_id_of(document),
        reason: Text::parse(reason).expect("names of reasons are short"),
        rejected_at,
        location: None,
        description: Text::parse(description).ok(),
    }
}

/// The calendar day at this moment, in UTC and in the zone of TARGET, which is one or two hours ahead; and the
/// day on which a payment that is still in time may have been sent.
fn settlement_dates(now: Timestamp) -> Vec<Date> {
    let sent = now.minus(types::Duration::from_seconds(10));
    let ahead = now.plus(types::Duration::from_seconds(2 * 3600));
    let mut dates = vec![sent.date(), now.date(), ahead.date()];
    dates.dedup();
    dates
}

fn admi002(rejection: &Rejection) -> Response<v1::Iso20022ServiceSubmitResponse> {
    Response::new(v1::Iso20022ServiceSubmitResponse {
        document: write_admi002(rejection).into_bytes(),
        message_name: "admi.002.001.01".to_owned(),
        outcome: None,
    })
}
