//! Requests to pay as documents: pain.013 makes them, pain.014 says where they stand.
//!
//! Invariant: a document with the same request id makes none of its requests twice, whatever of it was made before.

use client::convert::{FieldReader, Path};
use client::limits::DOCUMENT_BYTES_MAX;
use client::v1;
use engine::{Handle, Question, RequestFound};
use iso20022::{
    ActivationReport, ActivationRequest, ActivationStatus, Moment, NOT_PROVIDED, RequestReport,
    RequestedPayment, StatusDetail, read_pain013, write_pain014,
};
use ledger::{Outcome, Refusal, RequestDetails, RequestId, RequestToPayStatus, RequestToPayText};
use tonic::Status;
use types::{
    Currency, Date, MandatoryParts, PaymentOrder, ReasonCode, Sequence, StatusReason, Text, Timestamp,
};

use super::{RequestsToPay, wire};
use crate::caller::Caller;
use crate::refusals::{bank_not_yours, invalid};

/// The longest request id of a document: each of its requests has one of its own, with a hyphen and its number behind.
const REQUEST_ID_LENGTH_MAX: usize = 60;

impl RequestsToPay {
    /// Makes the requests of a document, one after the other, and reports on all of them.
    pub(super) async fn submit_document(
        &self,
        caller: &Caller,
        wire: &v1::SubmitRequestsToPayRequest,
    ) -> Result<v1::SubmitRequestsToPayResponse, Status> {
        let document = read(wire)?;
        if document.payments.iter().any(|payment| !caller.may_act_for(payment.creditor_agent)) {
            return Err(bank_not_yours().into_status());
        }
        let now = self.0.handle.now();
        let as_of = self.0.ask(Question::Calendar).await?.as_of.sequence;
        let id = report_id(&self.0.handle, as_of);
        let mut report = ActivationReport::on_request(&document, id, now);
        let mut request_to_pay_ids = Vec::with_capacity(document.payments.len());
        for (number, payment) in document.payments.iter().enumerate() {
            let request_id = RequestId::parse(&format!("{}-{number}", wire.request_id))
                .expect("its length and characters have been checked");
            let made = self.make(caller, request_id, &document, payment, now).await?;
            let (id, line) = self.line(payment, &made);
            request_to_pay_ids.push(id);
            report.requests.push(line);
        }
        Ok(v1::SubmitRequestsToPayResponse {
            report: write_pain014(&report).into_bytes(),
            request_to_pay_ids,
        })
    }

    /// The outcome of one request, or why it was refused before it could be one.
    async fn make(
        &self,
        caller: &Caller,
        request_id: RequestId,
        document: &ActivationRequest,
        payment: &RequestedPayment,
        now: Timestamp,
    ) -> Result<Result<Outcome, Refusal>, Status> {
        let wanted = wanted(request_id, document, payment, now);
        let place = self.0.place_of(payment.debtor_account, Currency::EUR).await?;
        if place.is_none() && payment.debtor_agent.is_none() {
            return Ok(Err(Refusal::AccountUnknown));
        }
        let command = self.placed(caller, wanted).await?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.create_request_to_pay(&command);
        let outcome = self.0.submit(commands, ())?.await?;
        Ok(outcome.refusal().map_or(Ok(outcome), Err))
    }

    fn line(&self, payment: &RequestedPayment, made: &Result<Outcome, Refusal>) -> (String, RequestReport) {
        let plain = RequestReport::on_payment(payment);
        match made {
            Ok(outcome) => {
                let made = outcome.repeat_of().unwrap_or(outcome.sequence);
                let id = self.0.handle.payment_id(made).to_string();
                let request_id = Text::parse(&id).ok();
                (id, RequestReport { request_id, ..plain })
            }
            Err(refusal) => {
                let reason = StatusDetail {
                    reason: code_of(*refusal),
                    originator: None,
                    additional_information: Text::parse(refusal.name()).ok(),
                };
                let status = ActivationStatus::Rejected;
                (String::new(), RequestReport { status, reason: Some(reason), ..plain })
            }
        }
    }
}

fn read(wire: &v1::SubmitRequestsToPayRequest) -> Result<ActivationRequest, Status> {
    let mut reader = FieldReader::new();
    let id = reader.request_id(&Path::root("request_id"), &wire.request_id);
    if id.is_some_and(|id| id.len() > REQUEST_ID_LENGTH_MAX) {
        let words = format!("the request id of a document has at most {REQUEST_ID_LENGTH_MAX} characters");
        reader.violation(&Path::root("request_id"), words);
    }
    let path = Path::root("document");
    let document = match (1..=DOCUMENT_BYTES_MAX).contains(&wire.document.len()) {
        true => read_pain013(&wire.document).map_err(|fault| reader.violation(&path, fault)).ok(),
        false => {
            reader.violation(&path, format_args!("a document has 1 to {DOCUMENT_BYTES_MAX} bytes"));
            None
        }
    };
    reader.finish(document).map_err(invalid)
}

/// A report's own identification: a position of the log that no other report has.
fn report_id(handle: &Handle, at: Sequence) -> Text<35> {
    Text::parse(&handle.payment_id(at).to_string()).expect("31 letters and digits")
}

/// What a document asks for. Without an expiry a request lasts to the end of the day on which the payee wants to be paid.
fn wanted(
    request_id: RequestId,
    document: &ActivationRequest,
    payment: &RequestedPayment,
    now: Timestamp,
) -> wire::Wanted {
    let execution = payment.execution.date();
    let end_of = |date: Date| {
        let next = date.plus_days(1).unwrap_or(date);
        Timestamp::from_civil(next, 0, 0, 0, 0).unwrap_or(now)
    };
    let expires = match payment.expiry {
        Some(Moment::Date(date)) => end_of(date),
        Some(moment) => moment.instant().unwrap_or(now),
        None => end_of(execution),
    };
    // One who wants to be paid today, or wanted to be before, is paid when the payer accepts.
    let is_later = execution > now.date();
    wire::Wanted {
        request_id,
        order: order(document, payment),
        payer_bank: payment.debtor_agent,
        expires,
        pay_by: is_later.then(|| wire::last_minute(execution)),
        details: RequestDetails {
            payment_information_id: payment.payment_information_id.clone(),
            invoice_number: payment.invoice_number.clone(),
            invoice_link: payment.invoice_link.clone(),
        },
    }
}

/// The payment that is asked for. Where the payer's bank is not named, the payee's stands in its place until it is found.
fn order(document: &ActivationRequest, payment: &RequestedPayment) -> PaymentOrder {
    let purpose = Text::parse(wire::PURPOSE).expect("four capital letters");
    let parts = MandatoryParts {
        debtor_agent: payment.debtor_agent.unwrap_or(payment.creditor_agent),
        transaction_id: Text::parse(wire::NO_TRANSACTION_ID).expect("letters"),
        creditor_agent: payment.creditor_agent,
        debtor_account: payment.debtor_account,
        creditor_account: payment.creditor_account,
        amount: payment.amount,
        currency: Currency::EUR,
        end_to_end_id: payment.end_to_end_id.clone(),
        debtor: payment.debtor.clone(),
        creditor: payment.creditor.clone(),
    };
    PaymentOrder {
        message_id: Some(document.message_id.clone()),
        created_at: Some(document.created_at),
        instruction_id: payment.instruction_id.clone(),
        uetr: payment.uetr.clone(),
        purpose: Some(purpose),
        ultimate_debtor: payment.ultimate_debtor.clone(),
        ultimate_creditor: payment.ultimate_creditor.clone(),
        remittance: payment.remittance.clone(),
        ..parts.into_order()
    }
}

/// Where a request stands, as a document.
pub(super) fn report(
    handle: &Handle,
    caller: &Caller,
    found: &RequestFound,
    as_of: Sequence,
    text: Option<&RequestToPayText>,
) -> String {
    let order = text.and_then(|text| wire::order_of(found, text));
    let of_order = |part: fn(&PaymentOrder) -> Option<Text<35>>| order.as_ref().and_then(part);
    let not_provided = || Text::parse(NOT_PROVIDED).expect("letters");
    let it = &found.request;
    let id = handle.payment_id(it.sequence()).to_string();
    let status = status(it.status());
    let reason = reason(found, status, caller.may_see(found.payer_bank));
    let line = RequestReport {
        payment_information_id: text.and_then(|text| text.details.payment_information_id.clone()),
        request_id: Text::parse(&id).ok(),
        instruction_id: of_order(|order| order.instruction_id.clone()),
        end_to_end_id: of_order(|order| Some(order.end_to_end_id.clone())),
        uetr: order.as_ref().and_then(|order| order.uetr.clone()),
        status,
        reason: reason.map(|reason| StatusDetail { reason, originator: None, additional_information: None }),
        decided_at: (it.accepted_at().is_some() || it.status() == RequestToPayStatus::Refused)
            .then_some(it.changed()),
        servicer_reference: it
            .payment()
            .and_then(|payment| Text::parse(&handle.payment_id(payment).to_string()).ok()),
    };
    write_pain014(&ActivationReport {
        message_id: report_id(handle, as_of),
        created_at: handle.now(),
        initiating_party: None,
        creditor_agent: Some(found.payee_bank),
        original_message_id: of_order(|order| order.message_id.clone()).unwrap_or_else(not_provided),
        original_created_at: order.as_ref().and_then(|order| order.created_at),
        requests: vec![line],
    })
}

const fn status(status: RequestToPayStatus) -> ActivationStatus {
    match status {
        RequestToPayStatus::Created => ActivationStatus::Received,
        RequestToPayStatus::Presented => ActivationStatus::Presented,
        RequestToPayStatus::Accepted => ActivationStatus::Accepted,
        RequestToPayStatus::Paid => ActivationStatus::Settled,
        RequestToPayStatus::Refused | RequestToPayStatus::Expired => ActivationStatus::Rejected,
        RequestToPayStatus::Cancelled => ActivationStatus::Cancelled,
    }
}

/// Why; of an expired request that its time is over, whatever became of an earlier payment for it.
fn reason(found: &RequestFound, status: ActivationStatus, sees_payer: bool) -> Option<ReasonCode> {
    if found.request.status() == RequestToPayStatus::Expired {
        return Some(ReasonCode::parse("AEXR").expect("four capital letters"));
    }
    let told = wire::reason(found, sees_payer);
    told.or_else(|| (status == ActivationStatus::Rejected).then(|| StatusReason::NotSpecified.code()))
}

/// What a payee's program reads of a request that was not taken; the name of the refusal stands beside it.
fn code_of(refusal: Refusal) -> ReasonCode {
    let known = [
        (Refusal::AccountUnknown, StatusReason::InvalidDebtorAccountNumber),
        (Refusal::AccountClosed, StatusReason::ClosedAccountNumber),
        (Refusal::ParticipantSuspended, StatusReason::AgentSuspended),
        (Refusal::PayeeIsPayer, StatusReason::TransactionForbidden),
        (Refusal::RequestToPayTimesNotAllowed, StatusReason::InvalidDate),
        (Refusal::RequestIdReused, StatusReason::Duplication),
    ];
    let found = known.into_iter().find(|(other, _)| *other == refusal);
    found.map_or(StatusReason::NotSpecified, |(_, reason)| reason).code()
}
