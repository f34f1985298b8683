//! `Iso20022Service`: the same payments, in the messages that banks exchange.

use client::limits::DOCUMENT_BYTES_MAX;
use client::v1;
use client::v1::iso20022_service_server::Iso20022Service;
use iso20022::{
    Pacs008, RefusedOrder, Rejection, Rules, Status as Report, StatusReport, read_pacs008, write_admi002,
    write_pacs002,
};
use ledger::RefusedPayment;
use tonic::{Request, Response, Status};
use types::{Bic, CategoryPurpose, Channel, Date, PaymentOrder, PaymentState, ReasonCode, Text, Timestamp};

use crate::caller::Caller;
use crate::node::Node;
use crate::payments::facts;
use crate::refusals::invalid;
use crate::values::{PaymentReferences, payment_outcome};

#[derive(Debug)]
pub(crate) struct Iso20022(pub(crate) Node);

#[tonic::async_trait]
impl Iso20022Service for Iso20022 {
    async fn submit(
        &self,
        request: Request<v1::Iso20022ServiceSubmitRequest>,
    ) -> Result<Response<v1::Iso20022ServiceSubmitResponse>, Status> {
        let caller = Caller::of(&request)?;
        let document = request.into_inner().document;
        if document.is_empty() || document.len() > DOCUMENT_BYTES_MAX {
            let description = format!("a document has 1 to {DOCUMENT_BYTES_MAX} bytes");
            return Err(invalid(vec![v1::FieldViolation { field: "document".to_owned(), description }]));
        }
        let now = self.0.handle.now();
        match read_pacs008(&document, &Rules::sct_inst_2025(settlement_dates(now))) {
            Err(fault) => Ok(admi002(&Rejection::of(&document, &fault, now))),
            Ok(Pacs008::Order(order)) => self.submit_order(caller, &order).await,
            Ok(Pacs008::Refused(refused)) => self.submit_refused(caller, *refused).await,
        }
    }
}

impl Iso20022 {
    async fn submit_order(
        &self,
        caller: Caller,
        order: &PaymentOrder,
    ) -> Result<Response<v1::Iso20022ServiceSubmitResponse>, Status> {
        let outcome = self.0.submit_order(caller, order, Channel::Iso20022).await?;
        let original = Original {
            message_id: order.message_id.clone(),
            instruction_id: order.instruction_id.clone(),
            end_to_end_id: Some(order.end_to_end_id.clone()),
            transaction_id: order.transaction_id.clone(),
            uetr: order.uetr.clone(),
            acceptance_time: order.acceptance_time,
            category_purpose: order.category_purpose.clone(),
            debtor_agent: order.debtor_agent,
            path: None,
        };
        Ok(self.pacs002(original, outcome))
    }

    /// A document that breaks a rule of the scheme is a payment that is refused, logged and remembered.
    async fn submit_refused(
        &self,
        caller: Caller,
        refused: RefusedOrder,
    ) -> Result<Response<v1::Iso20022ServiceSubmitResponse>, Status> {
        let mut commands = self.0.handle.commands(caller.principal);
        commands.refused_payment(&RefusedPayment {
            debtor_agent: refused.debtor_agent,
            creditor_agent: refused.creditor_agent,
            transaction_id: refused.transaction_id.clone(),
            acceptance_time: refused.acceptance_time,
            reason: refused.reason.code(),
            path: refused.path.clone().into_boxed_str(),
            body: refused.body,
            channel: Channel::Iso20022,
        });
        let mut facts = facts(&self.0.submit(commands, ()).await?);
        facts.acceptance_time = refused.acceptance_time;
        let references = PaymentReferences {
            transaction_id: refused.transaction_id.as_str().to_owned(),
            debtor_agent: refused.debtor_agent.to_string(),
        };
        let outcome = payment_outcome(&self.0.handle, references, &facts);
        let original = Original {
            message_id: refused.message_id,
            instruction_id: refused.instruction_id,
            end_to_end_id: refused.end_to_end_id,
            transaction_id: refused.transaction_id,
            uetr: None,
            acceptance_time: refused.acceptance_time,
            category_purpose: None,
            debtor_agent: refused.debtor_agent,
            path: Some(refused.path),
        };
        Ok(self.pacs002(original, outcome))
    }

    fn pacs002(
        &self,
        original: Original,
        outcome: v1::PaymentOutcome,
    ) -> Response<v1::Iso20022ServiceSubmitResponse> {
        let id = Text::parse(&outcome.payment_id).expect("a payment id has 31 characters");
        let report = StatusReport {
            message_id: id.clone(),
            created_at: self.0.handle.now(),
            instructing_agent: None,
            instructed_agent: None,
            original_message_id: original.message_id.unwrap_or_else(not_provided),
            status: report_status(&outcome, original.path.as_deref()),
            status_id: Some(id),
            original_instruction_id: original.instruction_id,
            original_end_to_end_id: original.end_to_end_id,
            original_transaction_id: original.transaction_id,
            original_uetr: original.uetr,
            acceptance_time: original.acceptance_time,
            category_purpose: original.category_purpose,
            debtor_agent: original.debtor_agent,
        };
        Response::new(v1::Iso20022ServiceSubmitResponse {
            document: write_pacs002(&report).into_bytes(),
            message_name: "pacs.002.001.10".to_owned(),
            outcome: Some(outcome),
        })
    }
}

/// What a report repeats of the message that it answers.
struct Original {
    message_id: Option<Text<35>>,
    instruction_id: Option<Text<35>>,
    end_to_end_id: Option<Text<35>>,
    transaction_id: Text<35>,
    uetr: Option<Text<36>>,
    acceptance_time: Option<Timestamp>,
    category_purpose: Option<CategoryPurpose>,
    debtor_agent: Bic,
    /// The element that breaks a rule.
    path: Option<String>,
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

fn not_provided() -> Text<35> {
    Text::parse("NOTPROVIDED").expect("eleven letters are a text")
}

/// The calendar day at this moment, in UTC and in the zone of TARGET, which is one or two hours ahead.
fn settlement_dates(now: Timestamp) -> Vec<Date> {
    let ahead = now.plus(types::Duration::from_seconds(2 * 3600));
    let mut dates = vec![now.date(), ahead.date()];
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
